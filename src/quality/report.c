/* Verdicts and Great Expectations' result form: percents are 0..100, nulls leave the
 * denominator of unexpected_percent, at most 20 examples. */
#include "quality/check.h"

#include "base/json.h"
#include "base/str.h"

#define EXAMPLES    20
#define SUMMARY_MAX 5
#define LISTED_MAX  3 /* of an expected list */

static json_t *percent(int64_t part, int64_t of)
{
    return of ? json_real(100.0 * (double)part / (double)of) : json_null();
}

static json_t *count_values(const json_t *list)
{
    json_t *out = json_array(), *v, *seen;
    size_t i, j;
    json_array_foreach (list, i, v) {
        bool is_new = true;
        json_array_foreach (out, j, seen)
            if (json_equal(json_object_get(seen, "value"), v)) {
                json_put_i64(seen, "count", json_i64(seen, "count", 0) + 1);
                is_new = false;
                break;
            }
        if (is_new)
            json_array_append_new(out, json_pack("{s:O, s:i}", "value", v, "count", 1));
    }
    return out;
}

static json_t *map_result(const struct check *k)
{
    json_t *r = json_object(), *list = NULL;
    int64_t nonnull = k->element_count - k->missing_count, n = k->unexpected_count;
    int64_t of = k->counts_nulls ? k->element_count : nonnull;
    json_put_i64(r, "element_count", k->element_count);
    json_put_i64(r, "unexpected_count", n);
    json_put(r, "unexpected_percent", percent(n, of));
    if (!k->counts_nulls) {
        json_put_i64(r, "missing_count", k->missing_count);
        json_put(r, "missing_percent", percent(k->missing_count, k->element_count));
        json_put(r, "unexpected_percent_total", percent(n, k->element_count));
        json_put(r, "unexpected_percent_nonmissing", percent(n, nonnull));
    }
    if (n && rows_examples((struct check *)(uintptr_t)k, EXAMPLES, &list, NULL) < 0) {
        json_decref(list);
        list = NULL;
    }
    list = list ? list : json_array();
    json_put(r, "partial_unexpected_counts", count_values(list));
    json_put(r, "partial_unexpected_list", list);
    return r;
}

static json_t *config_of(const struct check *k)
{
    json_t *c = json_object();
    json_put_str(c, "type", k->item->type);
    json_put(c, "kwargs", json_deep_copy(k->kwargs ? k->kwargs : k->item->kwargs));
    json_put(c, "meta", k->item->meta ? json_deep_copy(k->item->meta) : json_object());
    const char *id = json_str(k->item->whole, "id", NULL);
    if (id)
        json_put_str(c, "id", id);
    return c;
}

static json_t *exception_of(const struct check *k)
{
    json_t *x = json_object();
    json_put_flag(x, "raised_exception", k->state == CHECK_ERROR);
    json_put_str(x, "exception_message", k->message);
    json_put_str(x, "exception_traceback", NULL);
    return x;
}

/* *v: what this check adds to the suite's verdict. New reference. */
json_t *report_check(const struct check *k, enum verdict *v, bool *is_evaluated)
{
    static const char *const severities[] = {"critical", "warning", "info"};
    const char *word;
    json_t *o = json_object();
    *is_evaluated = k->state != CHECK_NOT_EVALUATED;
    if (k->state == CHECK_ERROR) {
        *v = VERDICT_ERROR;
        word = "error";
    } else if (k->state == CHECK_NOT_EVALUATED) {
        *v = VERDICT_WARN;
        word = "not_evaluated";
    } else if (k->is_success || k->item->severity == SEVERITY_INFO) {
        *v = VERDICT_PASS;
        word = k->is_success ? "pass" : "info";
    } else {
        *v = k->item->severity == SEVERITY_CRITICAL ? VERDICT_FAIL : VERDICT_WARN;
        word = verdict_name(*v);
    }
    json_put_flag(o, "success", k->state == CHECK_JUDGED && k->is_success);
    json_put_str(o, "verdict", word);
    json_put_str(o, "severity", severities[k->item->severity]);
    json_put(o, "expectation_config", config_of(k));
    json_t *result = k->state != CHECK_JUDGED   ? json_object()
                     : k->row && k->row->is_map ? map_result(k)
                     : k->result                ? json_incref(k->result)
                                                : json_object();
    json_put(o, "result", result);
    json_put(o, "meta", json_object());
    json_put(o, "exception_info", exception_of(k));
    return o;
}

/* ── for people ── */
static void one_line(const json_t *r, struct buf *out)
{
    const json_t *c = json_object_get(r, "expectation_config"), *v;
    const json_t *res = json_object_get(r, "result"),
                 *x = json_object_get(r, "exception_info");
    const char *column = json_str(json_object_get(c, "kwargs"), "column", NULL);
    buf_adds(out, json_str(c, "type", ""));
    if (column)
        buf_addf(out, "(%s)", column);
    if (streq(json_str(r, "verdict", ""), "error") ||
        streq(json_str(r, "verdict", ""), "not_evaluated")) {
        buf_addf(out, ": %s", json_str(x, "exception_message", "could not run"));
    } else if ((v = json_object_get(res, "observed_value"))) {
        char *text = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);
        buf_addf(out, ": observed %s", text ? text : "null");
        free(text);
    } else if (json_object_get(res, "unexpected_count")) {
        buf_addf(out, ": %lld of %lld rows",
                 (long long)json_i64(res, "unexpected_count", 0),
                 (long long)json_i64(res, "element_count", 0));
    }
}

void suite_summary(const json_t *result, struct buf *out)
{
    const json_t *list = json_object_get(result, "results"), *r;
    size_t i, bad = 0;
    json_array_foreach (list, i, r)
        bad += !streq(json_str(r, "verdict", ""), "pass");
    if (!bad) {
        buf_addf(out, "all %zu expectations hold", json_array_size(list));
        return;
    }
    buf_addf(out, "%zu of %zu expectations do not hold: ", bad, json_array_size(list));
    size_t told = 0;
    json_array_foreach (list, i, r) {
        if (streq(json_str(r, "verdict", ""), "pass"))
            continue;
        if (told == SUMMARY_MAX) {
            buf_addf(out, "; and %zu more", bad - told);
            return;
        }
        buf_adds(out, told++ ? "; " : "");
        one_line(r, out);
    }
}

/* What was asked for, on one line: a long list by its first members and its length. */
static void add_expected(const json_t *kwargs, struct buf *out)
{
    const char *key;
    json_t *v, *item;
    size_t i;
    json_object_foreach ((json_t *)(uintptr_t)kwargs, key, v) {
        if (streq(key, "column") || json_is_null(v))
            continue;
        buf_addf(out, "%s%s=", out->len ? " " : "", key);
        size_t n = json_array_size(v);
        if (!json_is_array(v)) {
            (void)json_dump_buf(v, JSON_ENCODE_ANY | JSON_COMPACT, out, NULL);
            continue;
        }
        json_array_foreach (v, i, item) {
            if (i == LISTED_MAX)
                break;
            buf_adds(out, i ? "," : "[");
            (void)json_dump_buf(item, JSON_ENCODE_ANY | JSON_COMPACT, out, NULL);
        }
        if (n > LISTED_MAX)
            buf_addf(out, ",… %zu in all", n);
        buf_adds(out, n ? "]" : "[]");
    }
}

static json_t *check_of(const json_t *one)
{
    struct buf expected;
    const json_t *c = json_object_get(one, "expectation_config");
    const json_t *r = json_object_get(one, "result");
    const json_t *x = json_object_get(one, "exception_info");
    const char *type = json_str(c, "type", "");
    json_t *row = json_object();
    json_put_str(row, "expectation", str_starts(type, "expect_") ? type + 7 : type);
    json_put_str(row, "column", json_str(json_object_get(c, "kwargs"), "column", NULL));
    json_put_str(row, "severity", json_str(one, "severity", ""));
    json_put_str(row, "verdict", json_str(one, "verdict", ""));
    buf_init(&expected, 1u << 20);
    add_expected(json_object_get(c, "kwargs"), &expected);
    json_put_str(row, "expected", buf_str(&expected));
    buf_release(&expected);
    if (json_object_get(r, "unexpected_count")) {
        json_put_i64(row, "unexpected", json_i64(r, "unexpected_count", 0));
        json_put_i64(row, "rows", json_i64(r, "element_count", 0));
    }
    if (json_object_get(r, "observed_value"))
        json_object_set(row, "observed", json_object_get(r, "observed_value"));
    json_put_str(row, "message", json_str(x, "exception_message", NULL));
    return row;
}

json_t *suite_checks(const json_t *result)
{
    json_t *rows = json_array();
    const json_t *one;
    size_t i;
    json_array_foreach (json_arr(result, "results"), i, one)
        json_array_append_new(rows, check_of(one));
    return rows;
}
