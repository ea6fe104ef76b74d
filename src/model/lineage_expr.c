/* Column lineage: the names an expression reads. In: tokens, a scope. Out: origins.
 * Called by lineage_sql.c. What is no column (functions, types, parts of dates, words
 * of the grammar, names of arguments) is left out. */
#include "model/lineage_expr.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct word {
    const char *p;
    size_t n;
};

static int compare(const void *key, const void *item)
{
    const struct word *w = key;
    const char *s = *(const char *const *)item;
    int c = strncasecmp(w->p, s, w->n);
    return c ? c : (s[w->n] ? -1 : 0);
}

static bool is_in(const struct lineage_reader *r, size_t i, const char *const *words,
                  size_t n)
{
    if (!sql_is_kind(&r->t, i, SQL_WORD))
        return false;
    struct word w = {r->t.text + r->t.v[i].start, r->t.v[i].len};
    return bsearch(&w, words, n, sizeof *words, compare) != NULL;
}

bool lineage_is_reserved(const struct lineage_reader *r, size_t i)
{
    static const char *const words[] = {
        "all",       "and",     "any",       "as",        "asc",       "at",
        "between",   "both",    "by",        "case",      "cast",      "collate",
        "cross",     "current", "desc",      "distinct",  "else",      "end",
        "escape",    "except",  "exclude",   "exists",    "false",     "filter",
        "following", "from",    "full",      "glob",      "group",     "groups",
        "having",    "ilike",   "in",        "inner",     "intersect", "interval",
        "is",        "isnull",  "join",      "lateral",   "leading",   "left",
        "like",      "limit",   "natural",   "not",       "notnull",   "null",
        "nulls",     "offset",  "on",        "or",        "order",     "others",
        "outer",     "over",    "partition", "preceding", "qualify",   "range",
        "regexp",    "respect", "right",     "rlike",     "rows",      "select",
        "similar",   "some",    "then",      "ties",      "trailing",  "true",
        "unbounded", "union",   "using",     "when",      "where",     "window",
        "with",      "within"};
    return is_in(r, i, words, sizeof words / sizeof *words);
}

/* day in date_trunc(day, x), year in extract(year from x). */
static bool is_date_part(const struct lineage_reader *r, size_t i)
{
    static const char *const words[] = {
        "century", "day",         "dayofweek",  "dayofyear",   "decade",
        "dow",     "doy",         "epoch",      "hour",        "isodow",
        "isoyear", "microsecond", "millennium", "millisecond", "minute",
        "month",   "nanosecond",  "quarter",    "second",      "week",
        "weekday", "year"};
    return is_in(r, i, words, sizeof words / sizeof *words) &&
           (sql_is_kind(&r->t, i + 1, SQL_COMMA) || sql_is_word(&r->t, i + 1, "from"));
}

/* Behind a type: its words and (10, 2), []. */
static size_t skip_type(const struct lineage_reader *r, size_t i, size_t to)
{
    while (i < to && sql_is_kind(&r->t, i, SQL_WORD) && !lineage_is_reserved(r, i))
        i++;
    if (i < to && sql_is_kind(&r->t, i, SQL_OPEN))
        i = lineage_close(r, i, to) + 1;
    return i;
}

/* A path of names from i; resolved. What is left of it is a member of a structured
 * column (a.b.c) when nothing is called a. *i behind it. */
static void read_path(struct lineage_reader *r, size_t *i, size_t to,
                      const struct lineage_scope *s, struct lineage_column *column)
{
    size_t first = *i, last = first;
    while (last + 2 < to && sql_is_kind(&r->t, last + 1, SQL_DOT) &&
           lineage_is_name(r, last + 2))
        last += 2;
    *i = last + 1;
    bool is_star = sql_is_kind(&r->t, last + 1, SQL_DOT) && last + 1 < to;
    bool is_call = sql_is_kind(&r->t, last + 1, SQL_OPEN) && last + 1 < to;
    if (is_star || is_call || sql_is_op(&r->t, last + 1, "=>"))
        return; /* count(t.*), f(…), name => value */
    const char *name = sql_name(&r->t, last, r->mem);
    const char *qualifier = last > first ? sql_name(&r->t, last - 2, r->mem) : NULL;
    if (scope_resolve(s, qualifier, name, column) || last == first)
        return;
    if (last - first > 2 && scope_resolve(s, sql_name(&r->t, first, r->mem),
                                          sql_name(&r->t, first + 2, r->mem), column))
        return;
    scope_resolve(s, NULL, sql_name(&r->t, first, r->mem), column);
}

static int read_subquery(struct lineage_reader *r, size_t *i, size_t to,
                         const struct lineage_scope *s, struct lineage_column *column)
{
    struct lineage_query q = {0};
    size_t close = lineage_close(r, *i, to);
    int rc = lineage_subquery(r, *i + 1, close, s, &q);
    for (size_t k = 0; k < q.n; k++)
        column_add_origins(r->mem, column, &q.columns[k]);
    *i = close + 1;
    return rc;
}

int lineage_expression(struct lineage_reader *r, size_t from, size_t to,
                       const struct lineage_scope *s, struct lineage_column *column)
{
    int rc = 0;
    for (size_t i = from; i < to && rc == 0;) {
        if (sql_is_kind(&r->t, i, SQL_OPEN) && lineage_is_query(r, i + 1)) {
            rc = read_subquery(r, &i, to, s, column);
        } else if (sql_is_op(&r->t, i, "::") || sql_is_word(&r->t, i, "as")) {
            i = skip_type(r, i + 1, to);
        } else if (sql_is_word(&r->t, i, "at") && sql_is_word(&r->t, i + 1, "time")) {
            i += 3; /* AT TIME ZONE */
        } else if (sql_is_word(&r->t, i, "interval")) {
            i += sql_is_kind(&r->t, i + 2, SQL_WORD) && !lineage_is_reserved(r, i + 2)
                     ? 3
                     : 2;
        } else if (sql_is_kind(&r->t, i, SQL_PARAMETER)) { /* v:a.b */
            for (i++; sql_is_kind(&r->t, i, SQL_DOT) && i < to;)
                i += 2;
        } else if (lineage_is_name(r, i) && !lineage_is_reserved(r, i) &&
                   !is_date_part(r, i)) {
            read_path(r, &i, to, s, column);
        } else {
            i++;
        }
    }
    return rc;
}
