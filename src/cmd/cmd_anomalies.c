/* weir anomalies: flagged receipts, newest first. In: bronze.anomalies, read-only; the
 * topic itself while there is no such table. Out: a table. */
#include <stdio.h>
#include <string.h>

#include "alert/alert.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/timeutil.h"
#include "base/vec.h"
#include "bus/bus_platform.h"
#include "cmd/cmd.h"
#include "warehouse/wh_json.h"

#define LIMIT_MAX 1000000

struct wish {
    long limit;
    const char *store, *reason, *severity;
};

/* ── from the warehouse ── */
static json_t *row_of(struct wh_cursor *c)
{
    static const char *const names[] = {"timestamp",   "transaction_id", "store_id",
                                        "terminal_id", "total",          "reasons",
                                        "severity"};
    json_t *o = json_object();
    int64_t ms;
    for (int i = 0; i < 7; i++)
        json_object_set_new(o, names[i], wh_value_json(wh_value(c, i)));
    json_t *list = json_loads(json_str(o, "reasons", "[]"), 0, NULL);
    if (list)
        json_object_set_new(o, "reasons", list);
    if (time_parse_iso(str_of(json_str(o, "timestamp", "")), &ms)) {
        char at[32];
        json_put_i64(o, "at_ms", ms);
        json_put_str(o, "timestamp", time_format_iso(ms, false, at));
    }
    return o;
}

static int from_warehouse(struct wh *w, const struct wish *x, json_t *rows,
                          struct err *e)
{
    struct wh_cursor *c = NULL;
    char *reason = x->reason ? mem_printf("%%\"%s\"%%", x->reason) : NULL;
    int rc =
        wh_query_raw(w,
                     "SELECT transaction_timestamp, transaction_id, store_id, "
                     "terminal_id, total_amount,"
                     " anomaly_reasons, severity FROM \"bronze\".\"anomalies\""
                     " WHERE (?1 IS NULL OR store_id = ?1) AND (?2 IS NULL OR "
                     "anomaly_reasons LIKE ?2)"
                     " AND (?3 IS NULL OR severity = ?3)"
                     " ORDER BY transaction_timestamp DESC, transaction_id LIMIT ?4",
                     &c, e);
    if (rc == 0 && (rc = wh_bind_text(c, 1, x->store, e)) == 0 &&
        (rc = wh_bind_text(c, 2, reason, e)) == 0 &&
        (rc = wh_bind_text(c, 3, x->severity, e)) == 0 &&
        (rc = wh_bind_i64(c, 4, x->limit, e)) == 0)
        while ((rc = wh_next(c, e)) == 1)
            json_array_append_new(rows, row_of(c));
    wh_cursor_close(c);
    mem_free(reason);
    return rc < 0 ? rc : 0;
}

/* ── from the topic ── */
typedef VEC(json_t *) row_list;

static bool is_wished(const struct wish *x, const json_t *row)
{
    const json_t *r;
    size_t i;
    if (x->store && !streq(json_str(row, "store_id", ""), x->store))
        return false;
    if (x->severity && !streq(json_str(row, "severity", ""), x->severity))
        return false;
    if (!x->reason)
        return true;
    json_array_foreach (json_arr(row, "reasons"), i, r)
        if (json_is_string(r) && streq(json_string_value(r), x->reason))
            return true;
    return false;
}

static int newest_first(const void *a, const void *b)
{
    const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
    int64_t p = json_i64(x, "at_ms", 0), q = json_i64(y, "at_ms", 0);
    return p < q ? 1 : p > q ? -1 : 0;
}

/* Keep the newest limit of what is there. */
static void trim(row_list *l, long limit)
{
    qsort(l->v, l->n, sizeof *l->v, newest_first);
    while (l->n > (size_t)limit)
        json_decref(l->v[--l->n]);
}

static int read_topic(struct bus *b, const char *topic, const struct wish *x,
                      row_list *l, struct err *e)
{
    struct bus_consumer *c = NULL;
    struct bus_batch batch;
    int n = bus_partitions(b, topic, NULL);
    if (n <= 0)
        return 0;
    int rc = bus_consumer_open(b, "cli-anomalies", &c, e);
    for (int32_t p = 0; rc == 0 && p < n; p++)
        rc = bus_assign(c, topic, p, BUS_OFFSET_BEGIN, e);
    while (rc == 0 && (rc = bus_poll(c, 1000, 0, &batch, e)) == 1) {
        for (size_t i = 0; i < batch.n; i++) {
            json_t *row =
                alert_anomaly_row(batch.records[i].value.p, batch.records[i].value.n);
            if (row && is_wished(x, row))
                vec_push(l, row);
            else
                json_decref(row);
        }
        if (l->n > (size_t)x->limit * 2 + 1000)
            trim(l, x->limit);
        rc = 0;
    }
    bus_consumer_close(c);
    return rc < 0 ? rc : 0;
}

static int from_topics(const struct platform *p, const struct wish *x, json_t *rows,
                       struct err *e)
{
    struct bus *b = NULL;
    row_list l = {0};
    int rc = bus_open_platform(p, true, &b, e);
    for (size_t i = 0; rc == 0 && i < p->n_streams; i++)
        rc = read_topic(b, p->streams[i].to_alerts, x, &l, e);
    if (rc == 0 && l.n)
        trim(&l, x->limit);
    for (size_t i = 0; i < l.n; i++)
        json_array_append_new(rows, l.v[i]);
    vec_release(&l);
    bus_close(b);
    return rc;
}

/* ── the command ── */
/* A table for people has no brackets. */
static void join_reasons(json_t *rows)
{
    json_t *row, *r;
    size_t i, j;
    json_array_foreach (rows, i, row) {
        struct buf b;
        buf_init(&b, 4096);
        json_array_foreach (json_arr(row, "reasons"), j, r)
            if (json_is_string(r))
                buf_addf(&b, "%s%s", j ? " " : "", json_string_value(r));
        json_put_str(row, "reasons", buf_str(&b));
        buf_release(&b);
    }
}

static int find_rows(const struct platform *p, const struct wish *x, json_t *rows,
                     struct err *e)
{
    static const char *const schemas[] = {"bronze", NULL};
    struct wh_options o = wh_options_of(p);
    o.schemas = schemas;
    o.is_readonly = true;
    struct wh *w = NULL;
    if (wh_open(&w, &o, NULL) == 0 &&
        wh_relation_type(w, "bronze", "anomalies") != WH_ABSENT) {
        int rc = from_warehouse(w, x, rows, e);
        wh_close(w);
        return rc;
    }
    wh_close(w);
    return from_topics(p, x, rows, e);
}

static int run(const struct cmd_args *a, struct err *e)
{
    static const struct cmd_column columns[] = {
        {"at_ms", "AT", COL_TIME},
        {"severity", "SEVERITY", COL_TEXT},
        {"store_id", "STORE", COL_TEXT},
        {"terminal_id", "TILL", COL_TEXT},
        {"total", "TOTAL", COL_MONEY},
        {"reasons", "REASONS", COL_TEXT},
        {"transaction_id", "TRANSACTION", COL_TEXT},
    };
    struct wish x = {.limit = opt_int(a, "limit", 50),
                     .store = opt_text(a, "store", NULL),
                     .reason = opt_text(a, "reason", NULL),
                     .severity = opt_text(a, "severity", NULL)};
    if (a->argc > 0)
        return err_set(e, ERR_USAGE, "weir anomalies takes no operands");
    if (x.limit < 1 || x.limit > LIMIT_MAX)
        return err_set(e, ERR_USAGE, "--limit: expected 1 to %d", LIMIT_MAX);
    if (x.severity && !streq(x.severity, "high") && !streq(x.severity, "normal"))
        return err_set(e, ERR_USAGE, "--severity %s: expected high or normal",
                       x.severity);
    json_t *rows = json_array();
    int rc = find_rows(a->platform, &x, rows, e);
    if (rc == 0 && !a->is_json)
        join_reasons(rows);
    if (rc == 0)
        rc = cmd_print_rows(a, rows, columns, sizeof columns / sizeof *columns, e);
    json_decref(rows);
    return rc;
}

static const struct cmd_opt opts[] = {
    {"limit", 'n', OPT_INT, "N", "At most this many, the newest (50).", NULL},
    {"store", 0, OPT_TEXT, "ID", "Only of this store.", NULL},
    {"reason", 0, OPT_TEXT, "REASON",
     "Only with this reason: AMOUNT_OUTLIER, HIGH_VELOCITY, OFF_HOURS.", NULL},
    {"severity", 0, OPT_TEXT, "high|normal", "Only of this severity.", NULL},
    {0},
};

const struct cmd cmd_anomalies = {
    .name = "anomalies",
    .summary = "Show flagged receipts, newest first.",
    .operands = "",
    .doc =
        "Severity high is a flagged receipt over the job's alert_over; each raises an "
        "alert (weir alerts).",
    .flags = CMD_READONLY | CMD_JSON,
    .opts = opts,
    .run = run,
};
