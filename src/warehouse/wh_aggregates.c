/* SQLite member: aggregates. SUM and AVG (also over windows) and MEDIAN replace or join
 * the engine's own with exact decimal ones; COUNT_IF, LISTAGG and PERCENTILE_CONT are
 * what Snowflake's spelling expects. Semantics: Snowflake's documentation; nulls are
 * left out everywhere. */
#include "warehouse/wh_sqlite.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/mem.h"
#include "warehouse/exact.h"

#define MAX_VALUES (64u << 20) /* of one MEDIAN or LISTAGG group */

/* ── sum, avg ── */

static void exact_step(sqlite3_context *c, sqlite3_value *v, int sign)
{
    struct exact *x = sqlite3_aggregate_context(c, sizeof *x);
    if (!x)
        return;
    switch (sqlite3_value_numeric_type(v)) {
    case SQLITE_INTEGER:
        exact_add_int(x, sqlite3_value_int64(v), sign);
        break;
    case SQLITE_NULL:
        break;
    default:
        exact_add(x, sqlite3_value_double(v), sign);
        break;
    }
}

static void sum_step(sqlite3_context *c, int n, sqlite3_value **v)
{
    (void)n;
    exact_step(c, v[0], 1);
}

static void sum_inverse(sqlite3_context *c, int n, sqlite3_value **v)
{
    (void)n;
    exact_step(c, v[0], -1);
}

static void sum_value(sqlite3_context *c)
{
    const struct exact *x = sqlite3_aggregate_context(c, 0);
    int64_t whole;
    if (!x || !x->n)
        return;
    if (exact_as_int(x, &whole))
        sqlite3_result_int64(c, whole);
    else
        sqlite3_result_double(c, exact_sum(x));
}

static void avg_value(sqlite3_context *c)
{
    const struct exact *x = sqlite3_aggregate_context(c, 0);
    if (x && x->n)
        sqlite3_result_double(c, exact_mean(x));
}

static void total_value(sqlite3_context *c)
{
    const struct exact *x = sqlite3_aggregate_context(c, 0);
    sqlite3_result_double(c, x && x->n ? exact_sum(x) : 0.0);
}

/* ── count_if ── */

static void count_step(sqlite3_context *c, int n, sqlite3_value **v)
{
    int64_t *k = sqlite3_aggregate_context(c, sizeof *k);
    (void)n;
    if (k && sqlite3_value_type(v[0]) != SQLITE_NULL && sqlite3_value_double(v[0]) != 0)
        ++*k;
}

static void count_inverse(sqlite3_context *c, int n, sqlite3_value **v)
{
    int64_t *k = sqlite3_aggregate_context(c, sizeof *k);
    (void)n;
    if (k && sqlite3_value_type(v[0]) != SQLITE_NULL && sqlite3_value_double(v[0]) != 0)
        --*k;
}

static void count_value(sqlite3_context *c)
{
    const int64_t *k = sqlite3_aggregate_context(c, 0);
    sqlite3_result_int64(c, k ? *k : 0);
}

/* ── median, percentile_cont ── */

struct values {
    double *v;
    size_t n, cap;
    double p; /* 0..1 */
    bool is_desc;
};

static void values_step(sqlite3_context *c, sqlite3_value *v, struct values *s)
{
    if (sqlite3_value_type(v) == SQLITE_NULL)
        return;
    if (s->n == s->cap) {
        size_t cap = s->cap ? s->cap * 2 : 64;
        double *grown =
            cap > MAX_VALUES ? NULL : mem_try_realloc(s->v, cap * sizeof *grown);
        if (!grown) {
            sqlite3_result_error_toobig(c);
            return;
        }
        s->v = grown;
        s->cap = cap;
    }
    s->v[s->n++] = sqlite3_value_double(v);
}

static void median_step(sqlite3_context *c, int n, sqlite3_value **v)
{
    struct values *s = sqlite3_aggregate_context(c, sizeof *s);
    (void)n;
    if (s) {
        s->p = 0.5;
        values_step(c, v[0], s);
    }
}

/* percentile_cont(p, 'asc'|'desc', x), as the translation writes it */
static void percentile_step(sqlite3_context *c, int n, sqlite3_value **v)
{
    struct values *s = sqlite3_aggregate_context(c, sizeof *s);
    (void)n;
    if (!s)
        return;
    s->p = sqlite3_value_double(v[0]);
    const unsigned char *order = sqlite3_value_text(v[1]);
    s->is_desc = order && order[0] == 'd';
    values_step(c, v[2], s);
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Linear interpolation between the two nearest (SQL:2003 PERCENTILE_CONT). The middle
 * of two cents is exact. */
static double interpolate(const double *v, size_t n, double p)
{
    double at = p * (double)(n - 1);
    size_t low = (size_t)floor(at);
    double part = at - (double)low;
    if (part == 0.0 || low + 1 >= n)
        return v[low];
    if (part == 0.5) {
        struct exact x = {0};
        exact_add(&x, v[low], 1);
        exact_add(&x, v[low + 1], 1);
        return exact_mean(&x);
    }
    return v[low] + part * (v[low + 1] - v[low]);
}

static void values_final(sqlite3_context *c)
{
    struct values *s = sqlite3_aggregate_context(c, 0);
    if (!s || !s->n)
        return;
    double p = s->is_desc ? 1.0 - s->p : s->p;
    qsort(s->v, s->n, sizeof *s->v, compare_doubles);
    if (p >= 0.0 && p <= 1.0)
        sqlite3_result_double(c, interpolate(s->v, s->n, p));
    else
        sqlite3_result_error(c, "percentile_cont: the fraction must be 0 to 1", -1);
    mem_free(s->v);
    s->v = NULL;
}

/* ── listagg ── */

struct item {
    char *text;
    sqlite3_value *key; /* NULL: unordered */
    size_t seq;
};
struct list {
    struct item *v;
    size_t n, cap, bytes;
    char *separator;
};

static void list_add(sqlite3_context *c, sqlite3_value *value, sqlite3_value *separator,
                     sqlite3_value *key)
{
    struct list *s = sqlite3_aggregate_context(c, sizeof *s);
    const char *text = (const char *)sqlite3_value_text(value);
    if (!s || !text)
        return;
    s->bytes += (size_t)sqlite3_value_bytes(value);
    if (s->bytes > MAX_VALUES) {
        sqlite3_result_error_toobig(c);
        return;
    }
    if (!s->separator)
        s->separator = mem_strdup(separator && sqlite3_value_text(separator)
                                      ? (const char *)sqlite3_value_text(separator)
                                      : "");
    if (s->n == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 16;
        s->v = mem_realloc(s->v, s->cap * sizeof *s->v);
    }
    s->v[s->n] =
        (struct item){mem_strdup(text), key ? sqlite3_value_dup(key) : NULL, s->n};
    s->n++;
}

static void list_step(sqlite3_context *c, int n, sqlite3_value **v)
{
    list_add(c, v[0], n > 1 ? v[1] : NULL, n > 2 ? v[2] : NULL);
}

static int compare_keys(sqlite3_value *a, sqlite3_value *b)
{
    int ta = sqlite3_value_numeric_type(a), tb = sqlite3_value_numeric_type(b);
    bool an = ta == SQLITE_INTEGER || ta == SQLITE_FLOAT;
    bool bn = tb == SQLITE_INTEGER || tb == SQLITE_FLOAT;
    if (an && bn) {
        double x = sqlite3_value_double(a), y = sqlite3_value_double(b);
        return (x > y) - (x < y);
    }
    const char *x = (const char *)sqlite3_value_text(a);
    const char *y = (const char *)sqlite3_value_text(b);
    return strcmp(x ? x : "", y ? y : "");
}

static int compare_items(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    int order = x->key && y->key ? compare_keys(x->key, y->key) : 0;
    return order ? order : (x->seq > y->seq) - (x->seq < y->seq);
}

static int compare_items_desc(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    int order = x->key && y->key ? compare_keys(y->key, x->key) : 0;
    return order ? order : (x->seq > y->seq) - (x->seq < y->seq);
}

static void list_final(sqlite3_context *c)
{
    struct list *s = sqlite3_aggregate_context(c, 0);
    struct buf out;
    if (!s || !s->n)
        return;
    bool is_desc = sqlite3_user_data(c) != NULL;
    qsort(s->v, s->n, sizeof *s->v, is_desc ? compare_items_desc : compare_items);
    buf_init(&out, 1u << 30);
    for (size_t i = 0; i < s->n; i++) {
        if (i)
            buf_adds(&out, s->separator);
        buf_adds(&out, s->v[i].text);
        mem_free(s->v[i].text);
        sqlite3_value_free(s->v[i].key);
    }
    if (out.failed)
        sqlite3_result_error_toobig(c);
    else
        sqlite3_result_text64(c, buf_str(&out), out.len, SQLITE_TRANSIENT, SQLITE_UTF8);
    buf_release(&out);
    mem_free(s->v);
    mem_free(s->separator);
}

/* ── registration ── */

#define FLAGS (SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS)

static const struct window_row {
    const char *name;
    void (*step)(sqlite3_context *, int, sqlite3_value **);
    void (*value)(sqlite3_context *);
    void (*inverse)(sqlite3_context *, int, sqlite3_value **);
} windows[] = {
    {"sum", sum_step, sum_value, sum_inverse},
    {"avg", sum_step, avg_value, sum_inverse},
    {"total", sum_step, total_value, sum_inverse},
    {"count_if", count_step, count_value, count_inverse},
    {"countif", count_step, count_value, count_inverse},
};

static const struct aggregate_row {
    const char *name;
    int n_args;
    void (*step)(sqlite3_context *, int, sqlite3_value **);
    void (*final)(sqlite3_context *);
    bool is_desc;
} aggregates[] = {
    {"median", 1, median_step, values_final, false},
    {"percentile_cont", 3, percentile_step, values_final, false},
    {"listagg", 1, list_step, list_final, false},
    {"listagg", 2, list_step, list_final, false},
    {"string_agg", 2, list_step, list_final, false},
    {"weir_listagg_asc", 3, list_step, list_final, false},
    {"weir_listagg_desc", 3, list_step, list_final, true},
};

int lite_register_aggregates(struct lite *l)
{
    int rc = SQLITE_OK;
    for (size_t i = 0; rc == SQLITE_OK && i < sizeof windows / sizeof *windows; i++)
        rc = sqlite3_create_window_function(l->db, windows[i].name, 1, FLAGS, NULL,
                                            windows[i].step, windows[i].value,
                                            windows[i].value, windows[i].inverse, NULL);
    for (size_t i = 0; rc == SQLITE_OK && i < sizeof aggregates / sizeof *aggregates;
         i++)
        rc = sqlite3_create_function(l->db, aggregates[i].name, aggregates[i].n_args,
                                     FLAGS, aggregates[i].is_desc ? l : NULL, NULL,
                                     aggregates[i].step, aggregates[i].final);
    return rc;
}
