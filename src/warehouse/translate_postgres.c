/* The dialect snowflake → PostgreSQL: Snowflake's spelling of the models' SQL for a
 * server that has most of it under other names. What is not listed passes unchanged.
 * Called by translate.c, token by token. */
#include "warehouse/translate_rules.h"

#define NOW                                                                            \
    "COALESCE(CAST(NULLIF(current_setting('weir.now', true), '') AS timestamp),"       \
    " statement_timestamp() AT TIME ZONE 'UTC')"

static bool is_call(const struct translator *tr, size_t i)
{
    return sql_is_kind(&tr->t, i + 1, SQL_OPEN) && sql_match(&tr->t, i + 1) < tr->t.n;
}

static bool is_member(const struct translator *tr, size_t i)
{
    return i > 0 && tr->t.v[i - 1].kind == SQL_DOT;
}

/* The comma number k (from 1) of the call whose bracket is at open; n when none. */
static size_t comma_of(const struct translator *tr, size_t open, int k)
{
    size_t close = sql_match(&tr->t, open);
    int depth = 0;
    for (size_t i = open; i < close; i++) {
        depth += tr->t.v[i].kind == SQL_OPEN;
        depth -= tr->t.v[i].kind == SQL_CLOSE;
        if (depth == 1 && tr->t.v[i].kind == SQL_COMMA && --k == 0)
            return i;
    }
    return tr->t.n;
}

/* name(args) → before args behind */
static void rewrite_call(struct translator *tr, size_t i, const char *before,
                         const char *behind)
{
    size_t close = sql_match(&tr->t, i + 1);
    tr->p[i].repl = before;
    tr->p[i + 1].repl = "";
    tr->p[close].repl = behind;
}

/* Functions of one argument list, written around it. */
static const struct call_row {
    const char *name, *before, *behind;
} calls[] = {
    {"COUNT_IF", "count(*) FILTER (WHERE ", ")"},
    {"COUNTIF", "count(*) FILTER (WHERE ", ")"},
    {"ARRAY_SIZE", "jsonb_array_length(CAST((", ") AS jsonb))"},
    {"PARSE_JSON", "CAST((", ") AS jsonb)"},
    {"TO_DATE", "CAST((", ") AS date)"},
    {"TO_TIMESTAMP", "CAST((", ") AS timestamp)"},
    {"TO_VARCHAR", "CAST((", ") AS text)"},
    {"YEAR", "CAST(EXTRACT(YEAR FROM CAST((", ") AS timestamp)) AS integer)"},
    {"QUARTER", "CAST(EXTRACT(QUARTER FROM CAST((", ") AS timestamp)) AS integer)"},
    {"MONTH", "CAST(EXTRACT(MONTH FROM CAST((", ") AS timestamp)) AS integer)"},
    {"WEEK", "CAST(EXTRACT(WEEK FROM CAST((", ") AS timestamp)) AS integer)"},
    {"DAY", "CAST(EXTRACT(DAY FROM CAST((", ") AS timestamp)) AS integer)"},
    {"DAYOFMONTH", "CAST(EXTRACT(DAY FROM CAST((", ") AS timestamp)) AS integer)"},
    {"DAYOFWEEK", "CAST(EXTRACT(DOW FROM CAST((", ") AS timestamp)) AS integer)"},
    {"DAYOFYEAR", "CAST(EXTRACT(DOY FROM CAST((", ") AS timestamp)) AS integer)"},
    {"HOUR", "CAST(EXTRACT(HOUR FROM CAST((", ") AS timestamp)) AS integer)"},
    {"MINUTE", "CAST(EXTRACT(MINUTE FROM CAST((", ") AS timestamp)) AS integer)"},
    {"SECOND", "CAST(floor(EXTRACT(SECOND FROM CAST((",
     ") AS timestamp))) AS integer)"},
};

static const struct word_row {
    const char *from, *to;
} functions[] = {{"NVL", "COALESCE"},         {"IFNULL", "COALESCE"},
                 {"LEN", "length"},           {"ARRAY_AGG", "jsonb_agg"},
                 {"BOOLAND_AGG", "bool_and"}, {"BOOLOR_AGG", "bool_or"},
                 {"LISTAGG", "string_agg"}},
  types[] = {{"STRING", "text"},
             {"NUMBER", "numeric"},
             {"FLOAT", "double precision"},
             {"DATETIME", "timestamp"},
             {"TIMESTAMP_NTZ", "timestamp"},
             {"TIMESTAMP_LTZ", "timestamptz"},
             {"TIMESTAMP_TZ", "timestamptz"},
             {"TINYINT", "smallint"},
             {"VARIANT", "jsonb"},
             {"BINARY", "bytea"}};

static const char *word_find(const struct translator *tr, size_t i,
                             const struct word_row *rows, size_t n)
{
    for (size_t k = 0; k < n; k++)
        if (sql_is_word(&tr->t, i, rows[k].from))
            return rows[k].to;
    return NULL;
}

/* DECIMAL alone has no places in Snowflake; numeric has any number of them here. */
static void rule_type(struct translator *tr, size_t i)
{
    const char *to = word_find(tr, i, types, sizeof types / sizeof *types);
    if (to)
        tr->p[i].repl = to;
    else if (sql_is_word(&tr->t, i, "DOUBLE") &&
             !sql_is_word(&tr->t, i + 1, "PRECISION"))
        tr->p[i].repl = "double precision";
}

/* The type of CAST(x AS type), not a column's alias. */
static bool is_cast_type(const struct translator *tr, size_t i)
{
    const struct sql_tokens *t = &tr->t;
    size_t end = i + 1;
    if (i == 0 || !sql_is_word(t, i - 1, "AS"))
        return false;
    if (sql_is_kind(t, end, SQL_OPEN))
        end = sql_match(t, end) + 1;
    if (!sql_is_kind(t, end, SQL_CLOSE))
        return false;
    size_t open = sql_match_back(t, end);
    return open > 0 && open < t->n && sql_is_word(t, open - 1, "CAST");
}

static void rule_now(struct translator *tr, size_t i)
{
    bool is_date = sql_is_word(&tr->t, i, "CURRENT_DATE");
    if (is_call(tr, i))
        translate_drop(tr, i + 1, sql_match(&tr->t, i + 1));
    else if (sql_is_word(&tr->t, i, "SYSDATE") || sql_is_word(&tr->t, i, "GETDATE"))
        return;
    tr->p[i].repl = is_date ? "CAST(" NOW " AS date)" : NOW;
}

/* The median of decimals is decimal again; over a window it is not to be cast here. */
static void rule_median(struct translator *tr, size_t i)
{
    size_t close = sql_match(&tr->t, i + 1);
    bool is_bare = !sql_is_word(&tr->t, close + 1, "FILTER") &&
                   !sql_is_word(&tr->t, close + 1, "OVER");
    rewrite_call(tr, i,
                 is_bare ? "CAST(percentile_cont(0.5) WITHIN GROUP (ORDER BY "
                         : "percentile_cont(0.5) WITHIN GROUP (ORDER BY ",
                 is_bare ? ") AS numeric)" : ")");
}

/* LISTAGG(x, s) WITHIN GROUP (ORDER BY k) → string_agg(x, s ORDER BY k) */
static void rule_listagg(struct translator *tr, size_t i)
{
    size_t close = sql_match(&tr->t, i + 1);
    bool has_separator = comma_of(tr, i + 1, 1) < tr->t.n;
    tr->p[i].repl = "string_agg";
    if (sql_is_word(&tr->t, close + 1, "WITHIN") &&
        sql_is_word(&tr->t, close + 2, "GROUP") &&
        sql_is_kind(&tr->t, close + 3, SQL_OPEN)) {
        tr->p[close].repl = has_separator ? "" : ", ''";
        translate_drop(tr, close + 1, close + 3);
    } else if (!has_separator) {
        tr->p[close].repl = ", '')";
    }
}

/* IFF(c, a, b) → CASE WHEN c THEN a ELSE b END */
static void rule_iff(struct translator *tr, size_t i)
{
    size_t then = comma_of(tr, i + 1, 1), other = comma_of(tr, i + 1, 2);
    if (then == tr->t.n || other == tr->t.n)
        return;
    rewrite_call(tr, i, "CASE WHEN ", " END");
    tr->p[then].repl = " THEN ";
    tr->p[other].repl = " ELSE ";
}

/* DATEADD(unit, n, x) → ((n) * INTERVAL '1 unit' + CAST((x) AS timestamp)) */
static void rule_dateadd(struct translator *tr, size_t i)
{
    size_t first = i + 2, second = comma_of(tr, i + 1, 2);
    if (!translate_is_unit(tr, first) || second == tr->t.n)
        return;
    const char *unit = sql_name(&tr->t, first, tr->mem);
    rewrite_call(tr, i, "((", ") AS timestamp))");
    translate_drop(tr, first, first + 1);
    tr->p[second].repl = arena_printf(tr->mem, ") * INTERVAL '1 %s' + CAST((", unit);
}

/* DATEDIFF(day, a, b): how many midnights lie between. */
static void rule_datediff(struct translator *tr, size_t i)
{
    size_t first = i + 2, second = comma_of(tr, i + 1, 2);
    if (!(sql_is_word(&tr->t, first, "DAY") || sql_is_word(&tr->t, first, "DAYS")) ||
        second == tr->t.n)
        return;
    rewrite_call(tr, i, "(- (CAST((", ") AS date)))");
    translate_drop(tr, first, first + 1);
    tr->p[second].repl = ") AS date) - CAST((";
}

static void rule_date_trunc(struct translator *tr, size_t i)
{
    size_t unit = i + 2;
    if (translate_is_unit(tr, unit) && sql_is_kind(&tr->t, unit + 1, SQL_COMMA))
        tr->p[unit].repl =
            arena_printf(tr->mem, "'%s'", sql_name(&tr->t, unit, tr->mem));
}

static bool rule_special(struct translator *tr, size_t i)
{
    static const struct special {
        const char *name;
        void (*fn)(struct translator *tr, size_t i);
    } specials[] = {{"MEDIAN", rule_median},
                    {"LISTAGG", rule_listagg},
                    {"IFF", rule_iff},
                    {"DATEADD", rule_dateadd},
                    {"DATEDIFF", rule_datediff},
                    {"DATE_TRUNC", rule_date_trunc},
                    {"DATE_PART", rule_date_trunc}};
    for (size_t k = 0; k < sizeof specials / sizeof *specials; k++)
        if (sql_is_word(&tr->t, i, specials[k].name)) {
            specials[k].fn(tr, i);
            return true;
        }
    return false;
}

static void rule_call(struct translator *tr, size_t i)
{
    if (rule_special(tr, i))
        return;
    for (size_t k = 0; k < sizeof calls / sizeof *calls; k++)
        if (sql_is_word(&tr->t, i, calls[k].name)) {
            rewrite_call(tr, i, calls[k].before, calls[k].behind);
            return;
        }
    const char *to = word_find(tr, i, functions, sizeof functions / sizeof *functions);
    if (to)
        tr->p[i].repl = to;
}

static bool is_now(const struct translator *tr, size_t i)
{
    return sql_is_word(&tr->t, i, "CURRENT_TIMESTAMP") ||
           sql_is_word(&tr->t, i, "CURRENT_DATE") ||
           sql_is_word(&tr->t, i, "LOCALTIMESTAMP") ||
           sql_is_word(&tr->t, i, "GETDATE") || sql_is_word(&tr->t, i, "SYSDATE");
}

/* Roles: "TO ROLE x" is "TO x". */
static bool is_role_word(const struct translator *tr, size_t i)
{
    return i > 0 && sql_is_word(&tr->t, i, "ROLE") &&
           (sql_is_word(&tr->t, i - 1, "TO") || sql_is_word(&tr->t, i - 1, "FROM")) &&
           (sql_is_kind(&tr->t, i + 1, SQL_WORD) ||
            sql_is_kind(&tr->t, i + 1, SQL_QUOTED));
}

void translate_postgres(struct translator *tr, size_t i)
{
    const struct sql_tokens *t = &tr->t;
    if (tr->p[i].repl || is_member(tr, i))
        return;
    if (sql_is_op(t, i, "/")) /* never integer division */
        tr->p[i].repl = sql_is_op(t, i + 1, "/") || sql_is_op(t, i + 1, "*")
                            ? "* 1.0 / "
                            : "* 1.0 /";
    else if (t->v[i].kind != SQL_WORD)
        return;
    else if ((i > 0 && sql_is_op(t, i - 1, "::")) || is_cast_type(tr, i))
        rule_type(tr, i);
    else if (is_now(tr, i))
        rule_now(tr, i);
    else if (is_role_word(tr, i))
        tr->p[i].repl = "";
    else if (sql_is_word(t, i, "RLIKE"))
        tr->p[i].repl = "~";
    else if (is_call(tr, i))
        rule_call(tr, i);
}
