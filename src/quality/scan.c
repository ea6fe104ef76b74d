/* The one scan: all expectations of a suite ask for aggregates, they are computed by
 * one statement over the relation. Also what the families share: literals, bounds, and
 * the counting of map expectations as Great Expectations defines it. */
#include "quality/check.h"

#include <math.h>
#include "base/json.h"
#include "base/str.h"
#include "base/timeutil.h"

#define SQL_MAX ((size_t)32 << 20)

int scan_add(struct scan *s, char *sql)
{
    for (size_t i = 0; i < s->exprs.n; i++)
        if (streq(s->exprs.v[i], sql)) {
            mem_free(sql);
            return (int)i;
        }
    vec_push(&s->exprs, sql);
    return (int)s->exprs.n - 1;
}

static void keep_value(struct check_value *to, struct wh_value v)
{
    *to = (struct check_value){v.type, v.i, v.d, NULL};
    if (v.type == WH_TEXT || v.type == WH_BLOB)
        to->text = mem_strndup(v.text.p, v.text.n);
}

static int run(struct scan *s, struct err *e)
{
    struct wh_cursor *c = NULL;
    struct buf sql;
    int rc;
    mem_free(s->values);
    s->values = mem_alloc((s->exprs.n + 1) * sizeof *s->values);
    if (!s->exprs.n)
        return 0;
    buf_init(&sql, SQL_MAX);
    for (size_t i = 0; i < s->exprs.n; i++)
        buf_addf(&sql, "%s%s", i ? ",\n " : "SELECT ", s->exprs.v[i]);
    buf_addf(&sql, "\nFROM %s", s->source);
    if ((rc = buf_check(&sql, "quality SQL", e)) == 0 &&
        (rc = wh_query_raw(s->w, buf_str(&sql), &c, e)) == 0)
        rc = wh_next(c, e);
    if (rc == 1)
        for (size_t i = 0; i < s->exprs.n; i++)
            keep_value(&s->values[i], wh_value(c, (int)i));
    wh_cursor_close(c);
    buf_release(&sql);
    return rc < 0 ? rc : 0;
}

int scan_run(struct scan *s, struct err *e)
{
    int rc = wh_try(s->w, e);
    if (rc < 0)
        return rc;
    rc = run(s, e);
    wh_try_end(s->w, rc >= 0, rc < 0 ? NULL : e);
    return rc;
}

void scan_release(struct scan *s)
{
    for (size_t i = 0; i < s->exprs.n; i++) {
        mem_free(s->exprs.v[i]);
        if (s->values)
            mem_free(s->values[i].text);
    }
    vec_release(&s->exprs);
    mem_free(s->values);
    mem_free(s->source);
}

const struct check_value *check_value(const struct check *k, int at)
{
    return &k->scan->values[at];
}

int64_t check_count(const struct check *k, int at)
{
    const struct check_value *v = check_value(k, at);
    return v->type == WH_INT ? v->i : v->type == WH_REAL ? (int64_t)v->d : 0;
}

json_t *check_json(const struct check_value *v)
{
    switch (v->type) {
    case WH_INT:
        return json_integer(v->i);
    case WH_REAL:
        return isfinite(v->d) ? json_real(v->d) : json_null();
    case WH_TEXT:
    case WH_BLOB:
        return json_string(v->text);
    case WH_NULL:
        break;
    }
    return json_null();
}

const json_t *check_arg(const struct check *k, const char *name)
{
    const json_t *v = json_object_get(k->kwargs, name);
    return json_is_null(v) ? NULL : v;
}

bool check_flag(const struct check *k, const char *name, bool fallback)
{
    return json_flag(k->kwargs, name, fallback);
}

/* ── literals ── */
void sql_text(struct buf *out, const char *s, size_t n)
{
    buf_addc(out, '\'');
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '\'')
            buf_addc(out, '\'');
        buf_addc(out, s[i]);
    }
    buf_addc(out, '\'');
}

int sql_literal(struct buf *out, const json_t *v, struct err *e)
{
    if (json_is_array(v) && json_array_size(v) == 1)
        v = json_array_get(v, 0); /* a one-row query as a scalar */
    if (json_is_string(v))
        sql_text(out, json_string_value(v), json_string_length(v));
    else if (json_is_integer(v))
        buf_add_i64(out, json_integer_value(v));
    else if (json_is_real(v))
        buf_addf(out, "%.17g", json_real_value(v));
    else if (json_is_boolean(v))
        buf_adds(out, json_is_true(v) ? "TRUE" : "FALSE");
    else
        return err_set(e, ERR_TYPE, "expected a text, a number or a truth value");
    return out->failed;
}

bool check_is_sqlite(const struct check *k)
{
    return streq(wh_kind(k->scan->w), "sqlite");
}

char *check_in_domain(const struct check *k, const char *x)
{
    if (!k->domain)
        return mem_strdup(x);
    return mem_printf("CASE WHEN %s THEN %s END", k->domain, x);
}

/* ── bounds ── */
static const json_t *bound(const struct check *k, const char *name)
{
    const json_t *v = check_arg(k, name);
    return json_is_array(v) && json_array_size(v) == 1 ? json_array_get(v, 0) : v;
}

int bounds_required(const struct check *k, struct err *e)
{
    if (bound(k, "min_value") || bound(k, "max_value"))
        return 0;
    return err_set(e, ERR_CONFIG, "needs min_value, max_value or both");
}

static bool as_number(const json_t *v, double *out)
{
    if (json_is_number(v)) {
        *out = json_number_value(v);
        return true;
    }
    return json_is_string(v) && str_to_double(str_of(json_string_value(v)), out);
}

/* Order of a and b: -1, 0, 1; -2 when they do not compare. */
static int order(const json_t *a, const json_t *b)
{
    double x, y;
    int64_t s, t;
    if (json_is_string(a) && json_is_string(b)) {
        const char *p = json_string_value(a), *q = json_string_value(b);
        if (time_parse_iso(str_of(p), &s) && time_parse_iso(str_of(q), &t))
            return s < t ? -1 : s > t;
        int r = strcmp(p, q);
        return r < 0 ? -1 : r > 0;
    }
    if (!as_number(a, &x) || !as_number(b, &y))
        return -2;
    return x < y ? -1 : x > y;
}

int bounds_hold(const json_t *observed, const struct check *k, struct err *e)
{
    const json_t *min = bound(k, "min_value"), *max = bound(k, "max_value");
    if (!observed || json_is_null(observed))
        return 0; /* no value: fails, as in Great Expectations */
    int low = min ? order(observed, min) : 1, high = max ? order(observed, max) : -1;
    if (low == -2 || high == -2)
        return err_set(e, ERR_TYPE,
                       "min_value or max_value is of another kind than what "
                       "was observed");
    if (min && (low < 0 || (low == 0 && check_flag(k, "strict_min", false))))
        return 0;
    return !(max && (high > 0 || (high == 0 && check_flag(k, "strict_max", false))));
}

/* ── map expectations ── */
static int count_where(struct check *k, const char *condition)
{
    char *sql = k->domain ? mem_printf("COUNT(CASE WHEN %s AND (%s) THEN 1 END)",
                                       k->domain, condition)
                          : mem_printf("COUNT(CASE WHEN %s THEN 1 END)", condition);
    return scan_add(k->scan, sql);
}

enum { AT_ROWS, AT_NULLS, AT_UNEXPECTED };

/* How many rows have a value that others have too. Grouping sorts the one column; a
 * COUNT(DISTINCT) in the scan itself keeps a tree of all values and is several times
 * slower (tests/bench/bench_quality.c). */
static char *count_repeated(const struct check *k)
{
    return mem_printf(
        "(SELECT COALESCE(SUM(n), 0) FROM (SELECT COUNT(*) AS n FROM %s%s%s "
        "GROUP BY %s HAVING COUNT(%s) > 1) AS q)",
        k->scan->source, k->domain ? " WHERE " : "", k->domain ? k->domain : "",
        k->quoted, k->quoted);
}

int check_plan_map(struct check *k, char *unexpected, struct err *e)
{
    char *is_null = mem_printf("%s IS NULL", k->quoted);
    (void)e;
    k->at[AT_ROWS] =
        k->domain ? count_where(k, "TRUE") : scan_add(k->scan, mem_strdup("COUNT(*)"));
    k->at[AT_NULLS] = count_where(k, is_null);
    mem_free(is_null);
    if (k->counts_nulls)
        k->unexpected = unexpected;
    else {
        k->unexpected = mem_printf("%s IS NOT NULL AND (%s)", k->quoted, unexpected);
        mem_free(unexpected);
    }
    k->at[AT_UNEXPECTED] = k->is_unique ? scan_add(k->scan, count_repeated(k))
                                        : count_where(k, k->unexpected);
    return 0;
}

int check_judge_map(struct check *k, struct err *e)
{
    (void)e;
    k->element_count = check_count(k, k->at[AT_ROWS]);
    k->missing_count = check_count(k, k->at[AT_NULLS]);
    k->unexpected_count = check_count(k, k->at[AT_UNEXPECTED]);
    int64_t nonnull = k->element_count - k->missing_count;
    int64_t of = k->counts_nulls ? k->element_count : nonnull;
    k->is_success =
        of == 0 || (double)(of - k->unexpected_count) / (double)of >= k->mostly;
    return 0;
}
