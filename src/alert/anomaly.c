/* A flagged receipt of the anomalies topic → the row of the console's feed, and the
 * alert of a severe one. */
#include "alert/alert.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/timeutil.h"

static void copy(json_t *to, const char *name, const json_t *from, const char *key)
{
    json_t *v = json_object_get(from, key);
    if (v)
        json_object_set(to, name, v);
}

json_t *alert_anomaly_row(const char *value, size_t n)
{
    json_t *v = NULL;
    int64_t ms;
    if (json_load_text(value, n, &v, NULL) < 0 || !json_is_object(v)) {
        json_decref(v);
        return NULL;
    }
    json_t *row = json_object();
    copy(row, "transaction_id", v, "transaction_id");
    copy(row, "store_id", v, "store_id");
    copy(row, "terminal_id", v, "terminal_id");
    copy(row, "timestamp", v, "transaction_timestamp");
    copy(row, "total", v, "total_amount");
    copy(row, "reasons", v, "anomaly_reasons");
    json_put_str(row, "severity", json_str(v, "severity", "normal"));
    if (time_parse_iso(str_of(json_str(v, "transaction_timestamp", "")), &ms))
        json_put_i64(row, "at_ms", ms);
    json_decref(v);
    return row;
}

static void add_reasons(const json_t *row, struct buf *out)
{
    const json_t *list = json_object_get(row, "reasons"), *r;
    size_t i;
    json_array_foreach (list, i, r)
        if (json_is_string(r))
            buf_addf(out, "%s%s", i ? ", " : "", json_string_value(r));
}

json_t *alert_of_anomaly(const json_t *row)
{
    json_t *a = json_object();
    const char *id = json_str(row, "transaction_id", "unknown");
    char *key = mem_printf("anomaly/%s", id);
    struct buf b;
    buf_init(&b, 4096);
    buf_addf(&b, "receipt %s of store %s over %.2f: ", id,
             json_str(row, "store_id", "?"), json_num(row, "total", 0));
    add_reasons(row, &b);
    json_put_str(a, "key", key);
    json_put_str(a, "severity", "critical");
    json_put_str(a, "summary", buf_str(&b));
    json_put_str(a, "component", "stream");
    json_put(a, "details", json_deep_copy(row));
    buf_release(&b);
    mem_free(key);
    return a;
}
