/* Verdicts and Great Expectations' result form: percents are 0..100, nulls leave the
 * denominator of unexpected_percent, at most 20 examples. */
#include "quality/check.h"

#include "base/json.h"
#include "base/str.h"

#define EXAMPLES    20
#define SUMMARY_MAX 5

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
