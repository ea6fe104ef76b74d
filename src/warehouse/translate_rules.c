/* Translation rules that begin at a word: functions spelled differently, typed
 * literals, date parts written bare, ordered aggregates, views kept outside their
 * schema. */
#include "warehouse/translate_rules.h"

#include <string.h>

typedef void rule_fn(struct translator *tr, size_t i);

static bool is_call(const struct translator *tr, size_t i)
{
    return sql_is_kind(&tr->t, i + 1, SQL_OPEN);
}

static void rule_now(struct translator *tr, size_t i)
{
    const struct sql_tokens *t = &tr->t;
    bool is_date = sql_is_word(t, i, "CURRENT_DATE");
    bool needs_call = sql_is_word(t, i, "NOW") || sql_is_word(t, i, "GETDATE") ||
                      sql_is_word(t, i, "SYSDATE") || sql_is_word(t, i, "SYSTIMESTAMP");
    if (is_call(tr, i)) {
        size_t close = sql_match(t, i + 1);
        if (close == t->n || close > i + 3)
            return;
        translate_drop(tr, i + 1, close);
    } else if (needs_call) {
        return;
    }
    tr->p[i].repl = is_date ? "weir_today()" : "weir_now()";
}

static void rule_quote_name(struct translator *tr, size_t i)
{
    if (is_call(tr, i)) /* a join keyword to SQLite unless it is quoted */
        tr->p[i].repl = sql_is_word(&tr->t, i, "LEFT") ? "\"left\"" : "\"right\"";
}

static void rule_like(struct translator *tr, size_t i)
{
    tr->p[i].repl = sql_is_word(&tr->t, i, "ILIKE") ? "LIKE" : "REGEXP";
}

static void rule_typed_literal(struct translator *tr, size_t i)
{
    if (sql_is_kind(&tr->t, i + 1, SQL_STRING))
        tr->p[i].repl = "";
}

static void rule_date_part(struct translator *tr, size_t i)
{
    size_t unit = i + 2;
    if (is_call(tr, i) && translate_is_unit(tr, unit) &&
        sql_is_kind(&tr->t, unit + 1, SQL_COMMA))
        tr->p[unit].repl =
            arena_printf(tr->mem, "'%s'", sql_name(&tr->t, unit, tr->mem));
}

/* LAST_DAY(x, month) and DATE_TRUNC(x, month) in some dialects: the unit comes last. */
static void rule_last_day(struct translator *tr, size_t i)
{
    rule_date_part(tr, i);
    size_t close = is_call(tr, i) ? sql_match(&tr->t, i + 1) : tr->t.n;
    if (close < tr->t.n && translate_is_unit(tr, close - 1) &&
        sql_is_kind(&tr->t, close - 2, SQL_COMMA))
        tr->p[close - 1].repl =
            arena_printf(tr->mem, "'%s'", sql_name(&tr->t, close - 1, tr->mem));
}

static void rule_extract(struct translator *tr, size_t i)
{
    if (!is_call(tr, i) || !sql_is_word(&tr->t, i + 3, "FROM"))
        return;
    tr->p[i].repl = "date_part";
    tr->p[i + 2].repl = arena_printf(tr->mem, "'%s'", sql_name(&tr->t, i + 2, tr->mem));
    tr->p[i + 3].repl = ",";
}

static bool has_several_args(const struct translator *tr, size_t open)
{
    size_t close = sql_match(&tr->t, open);
    int depth = 0;
    for (size_t k = open; k < close && k < tr->t.n; k++) {
        depth += tr->t.v[k].kind == SQL_OPEN;
        depth -= tr->t.v[k].kind == SQL_CLOSE;
        if (depth == 1 && tr->t.v[k].kind == SQL_COMMA)
            return true;
    }
    return false;
}

static void rule_extreme(struct translator *tr, size_t i)
{
    if (is_call(tr, i) && has_several_args(tr, i + 1))
        tr->p[i].repl = sql_is_word(&tr->t, i, "GREATEST") ? "max" : "min";
}

/* f(args) WITHIN GROUP (ORDER BY key) → g(args, key); SQLite orders no aggregate. */
static void rule_within_group(struct translator *tr, size_t i)
{
    const struct sql_tokens *t = &tr->t;
    bool is_list = sql_is_word(t, i, "LISTAGG") || sql_is_word(t, i, "STRING_AGG");
    if (!is_call(tr, i))
        return;
    size_t close = sql_match(t, i + 1);
    if (!sql_is_word(t, close + 1, "WITHIN") || !sql_is_word(t, close + 4, "ORDER"))
        return;
    size_t end = sql_match(t, close + 3);
    if (end == t->n)
        return;
    bool is_desc = sql_is_word(t, end - 1, "DESC");
    if (is_desc || sql_is_word(t, end - 1, "ASC"))
        translate_drop(tr, end - 1, end - 1);
    translate_drop(tr, close + 1, close + 5);
    if (is_list) {
        tr->p[i].repl = is_desc ? "weir_listagg_desc" : "weir_listagg_asc";
        tr->p[close].repl = has_several_args(tr, i + 1) ? "," : ", '',";
    } else {
        tr->p[close].repl = is_desc ? ", 'desc'," : ", 'asc',";
    }
}

/* TRUNCATE [TABLE] x → DELETE FROM x */
static void rule_truncate(struct translator *tr, size_t i)
{
    bool is_start = i == 0 || tr->t.v[i - 1].kind == SQL_SEMI;
    if (!is_start || is_call(tr, i))
        return;
    tr->p[i].repl = "DELETE FROM";
    if (sql_is_word(&tr->t, i + 1, "TABLE"))
        translate_drop(tr, i + 1, i + 1);
}

static void rule_cast(struct translator *tr, size_t i)
{
    if (is_call(tr, i))
        translate_cast_call(tr, i);
}

static const struct rule {
    const char *word;
    rule_fn *fn;
    bool only_snowflake;
} rules[] = {
    {"CURRENT_TIMESTAMP", rule_now, false},
    {"CURRENT_DATE", rule_now, false},
    {"LOCALTIMESTAMP", rule_now, false},
    {"NOW", rule_now, false},
    {"GETDATE", rule_now, true},
    {"SYSDATE", rule_now, true},
    {"SYSTIMESTAMP", rule_now, true},
    {"LEFT", rule_quote_name, false},
    {"RIGHT", rule_quote_name, false},
    {"ILIKE", rule_like, false},
    {"RLIKE", rule_like, true},
    {"DATE", rule_typed_literal, true},
    {"TIMESTAMP", rule_typed_literal, true},
    {"DATEADD", rule_date_part, false},
    {"DATEDIFF", rule_date_part, false},
    {"TIMESTAMPADD", rule_date_part, false},
    {"TIMESTAMPDIFF", rule_date_part, false},
    {"DATE_PART", rule_date_part, false},
    {"DATE_TRUNC", rule_last_day, false},
    {"LAST_DAY", rule_last_day, false},
    {"EXTRACT", rule_extract, false},
    {"GREATEST", rule_extreme, false},
    {"LEAST", rule_extreme, false},
    {"LISTAGG", rule_within_group, false},
    {"STRING_AGG", rule_within_group, false},
    {"PERCENTILE_CONT", rule_within_group, false},
    {"TRUNCATE", rule_truncate, false},
    {"CAST", rule_cast, true},
    {"TRY_CAST", rule_cast, false},
    {"SAFE_CAST", rule_cast, false},
};

/* FROM schema.view with no alias: its own name keeps view.column working. */
static bool needs_alias(const struct translator *tr, size_t i)
{
    static const char *const behind[] = {
        "WHERE", "GROUP",  "ORDER",  "LIMIT",     "JOIN",    "LEFT",
        "INNER", "CROSS",  "UNION",  "ON",        "USING",   "FULL",
        "RIGHT", "HAVING", "EXCEPT", "INTERSECT", "NATURAL", "WINDOW"};
    const struct sql_tokens *t = &tr->t;
    if (i == 0 || !(sql_is_word(t, i - 1, "FROM") || sql_is_word(t, i - 1, "JOIN") ||
                    t->v[i - 1].kind == SQL_COMMA))
        return false;
    size_t next = i + 3;
    if (next >= t->n || (t->v[next].kind != SQL_WORD && t->v[next].kind != SQL_QUOTED))
        return true;
    for (size_t k = 0; k < sizeof behind / sizeof *behind; k++)
        if (sql_is_word(t, next, behind[k]))
            return true;
    return false;
}

/* schema.name of a view that lives outside its schema → temp."schema.name". */
static void rule_far_view(struct translator *tr, size_t i)
{
    const struct sql_tokens *t = &tr->t;
    if (!tr->env->is_far_view || !sql_is_kind(t, i + 1, SQL_DOT) || i + 2 >= t->n)
        return;
    enum sql_kind next = t->v[i + 2].kind;
    if (next != SQL_WORD && next != SQL_QUOTED)
        return;
    if (i > 0 && t->v[i - 1].kind == SQL_DOT)
        return;
    char *schema = sql_name(t, i, tr->mem), *name = sql_name(t, i + 2, tr->mem);
    if (!tr->env->is_far_view(tr->env->arg, schema, name))
        return;
    tr->p[i].repl = "temp";
    tr->p[i + 2].repl =
        arena_printf(tr->mem, needs_alias(tr, i) ? "\"%s.%s\" AS \"%s\"" : "\"%s.%s\"",
                     schema, name, name);
}

void translate_rule(struct translator *tr, size_t i)
{
    enum sql_kind kind = tr->t.v[i].kind;
    if (kind == SQL_WORD || kind == SQL_QUOTED)
        rule_far_view(tr, i);
    bool is_member = i > 0 && tr->t.v[i - 1].kind == SQL_DOT;
    if (kind != SQL_WORD || is_member || tr->p[i].repl)
        return;
    for (size_t k = 0; k < sizeof rules / sizeof *rules; k++)
        if (sql_is_word(&tr->t, i, rules[k].word)) {
            if (!rules[k].only_snowflake || tr->env->is_snowflake)
                rules[k].fn(tr, i);
            return;
        }
}
