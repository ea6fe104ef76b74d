/* Translation rules for what works on an operand to its left: x::type, x - INTERVAL '1
 * day', a / b, and CAST itself. The left operand is found by walking back over one
 * primary expression: name, literal, call, bracket, CASE … END, or a rewritten one. */
#include "warehouse/translate_rules.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* Words before "(" that are not functions. */
static bool is_clause_word(const struct sql_tokens *t, size_t i)
{
    static const char *const words[] = {
        "AND",  "OR",   "NOT",  "IN",      "SELECT", "WHERE",  "ON",      "WHEN",
        "THEN", "ELSE", "CASE", "BETWEEN", "BY",     "HAVING", "AS",      "LIKE",
        "FROM", "JOIN", "IS",   "VALUES",  "USING",  "SET",    "DISTINCT"};
    for (size_t w = 0; w < sizeof words / sizeof *words; w++)
        if (sql_is_word(t, i, words[w]))
            return true;
    return false;
}

static size_t case_start(const struct sql_tokens *t, size_t i)
{
    int depth = 0;
    for (;; i--) {
        if (sql_is_word(t, i, "END"))
            depth++;
        else if (sql_is_word(t, i, "CASE") && --depth == 0)
            return i;
        if (i == 0)
            return 0;
    }
}

static size_t qualified_start(const struct sql_tokens *t, size_t i)
{
    while (i >= 2 && t->v[i - 1].kind == SQL_DOT &&
           (t->v[i - 2].kind == SQL_WORD || t->v[i - 2].kind == SQL_QUOTED))
        i -= 2;
    return i;
}

/* First token of the primary expression whose last token is j. */
static size_t operand_start(const struct translator *tr, size_t j)
{
    const struct sql_tokens *t = &tr->t;
    if (tr->p[j].left)
        return tr->p[j].left - 1;
    if (t->v[j].kind == SQL_CLOSE) {
        size_t k = sql_match_back(t, j);
        if (k == t->n || k == 0 || is_clause_word(t, k - 1))
            return k == t->n ? j : k;
        if (k >= 2 &&
            (sql_is_word(t, k - 1, "OVER") || sql_is_word(t, k - 1, "FILTER")))
            return operand_start(tr, k - 2);
        if (k >= 3 && sql_is_word(t, k - 1, "GROUP"))
            return operand_start(tr, k - 3);
        if (t->v[k - 1].kind == SQL_WORD || t->v[k - 1].kind == SQL_QUOTED)
            return qualified_start(t, k - 1);
        return k;
    }
    if (sql_is_word(t, j, "END"))
        return case_start(t, j);
    if (t->v[j].kind == SQL_STRING && j > 0 &&
        (sql_is_word(t, j - 1, "DATE") || sql_is_word(t, j - 1, "TIMESTAMP")))
        return j - 1;
    return qualified_start(t, j);
}

static void wrap_left(struct translator *tr, size_t start, const char *open)
{
    const char *old = tr->p[start].pre ? tr->p[start].pre : "";
    tr->p[start].pre = arena_printf(tr->mem, "%s%s", open, old);
}

static void close_right(struct translator *tr, size_t last, const char *close,
                        size_t start)
{
    const char *old = tr->p[last].post ? tr->p[last].post : "";
    tr->p[last].post = arena_printf(tr->mem, "%s%s", old, close);
    tr->p[last].left = start + 1;
}

void translate_drop(struct translator *tr, size_t from, size_t to)
{
    for (size_t i = from; i <= to && i < tr->t.n; i++)
        tr->p[i].repl = "";
}

/* ── types ── */

/* Snowflake type → function that converts as Snowflake does, and SQLite's type of it.
 */
static const struct type_row {
    const char *name, *fn, *type;
} types[] = {
    {"DATE", "to_date", "TEXT"},
    {"DATETIME", "to_timestamp", "TEXT"},
    {"TIMESTAMP", "to_timestamp", "TEXT"},
    {"TIMESTAMP_NTZ", "to_timestamp", "TEXT"},
    {"TIMESTAMP_LTZ", "to_timestamp", "TEXT"},
    {"TIMESTAMP_TZ", "to_timestamp", "TEXT"},
    {"INT", "to_int", "INTEGER"},
    {"INTEGER", "to_int", "INTEGER"},
    {"BIGINT", "to_int", "INTEGER"},
    {"SMALLINT", "to_int", "INTEGER"},
    {"TINYINT", "to_int", "INTEGER"},
    {"NUMBER", "to_decimal", "REAL"},
    {"DECIMAL", "to_decimal", "REAL"},
    {"NUMERIC", "to_decimal", "REAL"},
    {"FLOAT", "to_double", "REAL"},
    {"DOUBLE", "to_double", "REAL"},
    {"REAL", "to_double", "REAL"},
    {"BOOLEAN", "to_boolean", "INTEGER"},
    {"BOOL", "to_boolean", "INTEGER"},
    {"VARCHAR", "to_text", "TEXT"},
    {"STRING", "to_text", "TEXT"},
    {"TEXT", "to_text", "TEXT"},
    {"CHAR", "to_text", "TEXT"},
    {"CHARACTER", "to_text", "TEXT"},
};

static const struct type_row *type_find(const struct translator *tr, size_t i)
{
    for (size_t k = 0; k < sizeof types / sizeof *types; k++)
        if (sql_is_word(&tr->t, i, types[k].name))
            return &types[k];
    return NULL;
}

/* Last token of the type that begins at i: words, then (precision, scale). */
static size_t type_end(const struct sql_tokens *t, size_t i)
{
    if (sql_is_word(t, i + 1, "PRECISION") || sql_is_word(t, i + 1, "VARYING"))
        i++;
    if (sql_is_kind(t, i + 1, SQL_OPEN)) {
        size_t close = sql_match(t, i + 1);
        if (close < t->n)
            i = close;
    }
    return i;
}

/* Places of DECIMAL(p, s): s; of DECIMAL or DECIMAL(p): 0, as in Snowflake. */
static const char *type_scale(const struct translator *tr, size_t i)
{
    const struct sql_tokens *t = &tr->t;
    if (sql_is_kind(t, i + 1, SQL_OPEN) && sql_is_kind(t, i + 3, SQL_COMMA) &&
        sql_is_kind(t, i + 4, SQL_NUMBER))
        return sql_name(t, i + 4, tr->mem);
    return "0";
}

/* Text before and behind a converted expression; false: leave the cast as written. */
static bool cast_text(const struct translator *tr, size_t type, bool is_try,
                      const char **open, const char **close)
{
    const struct type_row *row = type_find(tr, type);
    if (!row)
        return false;
    bool is_decimal = streq(row->fn, "to_decimal");
    const char *extra =
        is_decimal ? arena_printf(tr->mem, ", %s", type_scale(tr, type)) : "";
    const char *result = row->type;
    if (is_decimal && streq(extra, ", 0"))
        result = "INTEGER";
    *open = arena_printf(tr->mem, "CAST(weir_%s%s(", is_try ? "try_" : "", row->fn);
    *close = arena_printf(tr->mem, "%s) AS %s)", extra, result);
    return true;
}

void translate_cast_call(struct translator *tr, size_t i)
{
    const struct sql_tokens *t = &tr->t;
    bool is_try = !sql_is_word(t, i, "CAST");
    size_t close = sql_match(t, i + 1), as = 0;
    int depth = 0;
    if ((!tr->env->is_snowflake && !is_try) || close == t->n)
        return;
    for (size_t k = i + 1; k < close; k++) {
        depth += t->v[k].kind == SQL_OPEN;
        depth -= t->v[k].kind == SQL_CLOSE;
        if (depth == 1 && sql_is_word(t, k, "AS"))
            as = k;
    }
    const char *before, *behind;
    if (!as || !cast_text(tr, as + 1, is_try, &before, &behind))
        return;
    tr->p[i].repl = before;
    translate_drop(tr, i + 1, i + 1);
    translate_drop(tr, as, close);
    tr->p[close].post = behind;
    tr->p[close].left = i + 1;
}

static void rule_double_colon(struct translator *tr, size_t i)
{
    const char *before, *behind;
    if (i == 0 || i + 1 >= tr->t.n || tr->t.v[i + 1].kind != SQL_WORD)
        return;
    size_t start = operand_start(tr, i - 1), last = type_end(&tr->t, i + 1);
    if (!cast_text(tr, i + 1, false, &before, &behind)) {
        before = "CAST(";
        behind = arena_printf(tr->mem, " AS %s)", sql_name(&tr->t, i + 1, tr->mem));
    }
    wrap_left(tr, start, before);
    translate_drop(tr, i, last);
    close_right(tr, last, behind, start);
}

/* ── intervals ── */

bool translate_is_unit(const struct translator *tr, size_t i)
{
    static const char *const units[] = {
        "year",      "quarter",   "month",       "week",    "day",      "hour",
        "minute",    "second",    "millisecond", "years",   "quarters", "months",
        "weeks",     "days",      "hours",       "minutes", "seconds",  "milliseconds",
        "dayofweek", "dayofyear", "weekday",     "dow",     "doy",      "epoch",
        "yy",        "mm",        "dd",          "hh"};
    for (size_t k = 0; k < sizeof units / sizeof *units; k++)
        if (sql_is_word(&tr->t, i, units[k]))
            return true;
    return false;
}

static void rule_interval(struct translator *tr, size_t i)
{
    const struct sql_tokens *t = &tr->t;
    size_t last = i + 1;
    bool is_minus = i >= 2 && sql_is_op(t, i - 1, "-");
    if (i < 2 || (!is_minus && !sql_is_op(t, i - 1, "+")) ||
        !(sql_is_kind(t, last, SQL_STRING) || sql_is_kind(t, last, SQL_NUMBER)))
        return;
    char *spec = sql_name(t, last, tr->mem);
    if (translate_is_unit(tr, last + 1)) {
        last++;
        spec = arena_printf(tr->mem, "%s %s", spec, sql_name(t, last, tr->mem));
    }
    if (strchr(spec, '\''))
        return;
    size_t start = operand_start(tr, i - 2);
    wrap_left(tr, start, "weir_interval(");
    tr->p[i - 1].repl = ",";
    translate_drop(tr, i, last);
    tr->p[i].repl = arena_printf(tr->mem, "'%c', '%s'", is_minus ? '-' : '+', spec);
    close_right(tr, last, ")", start);
}

/* Never integer division: a / b is a * 1.0 / b. Same precedence, left associative, so
 * no brackets are needed. */
static void rule_division(struct translator *tr, size_t i)
{
    if (!tr->env->is_snowflake)
        return;
    /* "a//b" must not become a comment */
    bool is_tight = sql_is_op(&tr->t, i + 1, "/") || sql_is_op(&tr->t, i + 1, "*");
    tr->p[i].repl = is_tight ? "* 1.0 / " : "* 1.0 /";
}

void translate_operator(struct translator *tr, size_t i)
{
    if (sql_is_op(&tr->t, i, "::"))
        rule_double_colon(tr, i);
    else if (sql_is_op(&tr->t, i, "/"))
        rule_division(tr, i);
    else if (sql_is_word(&tr->t, i, "INTERVAL"))
        rule_interval(tr, i);
}
