/* Several columns at once: pairs, compound keys, sums over a row, and rows that a query
 * finds. Which rows are left out (ignore_row_if) is folded into the examined
 * expression, which is null for them. */
#include "quality/expectation.h"

#include "base/json.h"
#include "base/str.h"

/* The columns of a check, quoted for SQL. */
struct columns {
    char *sql[64];
    size_t n;
};

static void columns_release(struct columns *c)
{
    for (size_t i = 0; i < c->n; i++)
        mem_free(c->sql[i]);
    c->n = 0;
}

static int add_column(struct check *k, struct columns *c, const json_t *name,
                      struct err *e)
{
    if (!json_is_string(name))
        return err_set(e, ERR_CONFIG, "expected the name of a column");
    if (c->n == sizeof c->sql / sizeof c->sql[0])
        return err_set(e, ERR_LIMIT, "more than %zu columns", c->n);
    int rc = check_quote(k, json_string_value(name), &c->sql[c->n], e);
    c->n += rc == 0;
    return rc;
}

static int pair_columns(struct check *k, struct columns *c, struct err *e)
{
    int rc = add_column(k, c, check_arg(k, "column_A"), e);
    return rc < 0 ? err_wrap(e, rc, "column_A")
                  : add_column(k, c, check_arg(k, "column_B"), e);
}

static int list_columns(struct check *k, struct columns *c, struct err *e)
{
    const json_t *list = check_arg(k, "column_list"), *one;
    size_t i;
    int rc = 0;
    if (json_array_size(list) < 2)
        return err_set(e, ERR_CONFIG, "needs column_list, at least two names");
    json_array_foreach (list, i, one)
        if ((rc = add_column(k, c, one, e)) < 0)
            return rc;
    return rc;
}

/* SQL that is true for a row that is left out; heap. */
static int ignored(const struct check *k, const struct columns *c, char **out,
                   struct err *e)
{
    const char *rule = json_str(k->kwargs, "ignore_row_if", "both_values_are_missing");
    bool is_any =
        streq(rule, "either_value_is_missing") || streq(rule, "any_value_is_missing");
    bool is_all =
        streq(rule, "both_values_are_missing") || streq(rule, "all_values_are_missing");
    struct buf b;
    if (streq(rule, "neither") || streq(rule, "never")) {
        *out = mem_strdup("FALSE");
        return 0;
    }
    if (!is_any && !is_all)
        return err_set(e, ERR_CONFIG, "ignore_row_if \"%s\" is not known", rule);
    buf_init(&b, 1 << 20);
    for (size_t i = 0; i < c->n; i++)
        buf_addf(&b, "%s%s IS NULL", !i ? "" : is_any ? " OR " : " AND ", c->sql[i]);
    *out = buf_take(&b);
    return *out ? 0 : ERR_NOMEM;
}

/* What is examined: the values as a JSON list, null for a row that is left out. */
static int examine(struct check *k, const struct columns *c, struct err *e)
{
    char *skip = NULL;
    struct buf b;
    int rc = ignored(k, c, &skip, e);
    if (rc < 0)
        return rc;
    buf_init(&b, 1 << 20);
    buf_addf(&b, "CASE WHEN %s THEN NULL ELSE %s(", skip,
             check_is_sqlite(k) ? "json_array" : "jsonb_build_array");
    for (size_t i = 0; i < c->n; i++)
        buf_addf(&b, "%s%s", i ? ", " : "", c->sql[i]);
    buf_adds(&b, ") END");
    mem_free(skip);
    mem_free(k->quoted);
    k->quoted = buf_take(&b);
    return k->quoted ? 0 : ERR_NOMEM;
}

static int pair(struct check *k, const char *fmt_op, bool with_equal, struct err *e)
{
    struct columns c = {.n = 0};
    int rc = pair_columns(k, &c, e);
    if (rc == 0 && (rc = examine(k, &c, e)) == 0)
        rc = check_plan_map(k,
                            mem_printf("COALESCE(%s %s%s %s, FALSE) = FALSE", c.sql[0],
                                       fmt_op, with_equal ? "=" : "", c.sql[1]),
                            e);
    columns_release(&c);
    return rc;
}

int exp_greater_plan(struct check *k, struct err *e)
{
    return pair(k, ">", check_flag(k, "or_equal", false), e);
}

int exp_equal_plan(struct check *k, struct err *e)
{
    return pair(k, "=", false, e);
}

int exp_compound_plan(struct check *k, struct err *e)
{
    struct columns c = {.n = 0};
    int rc = list_columns(k, &c, e);
    k->is_unique = true;
    if (rc == 0 && (rc = examine(k, &c, e)) == 0)
        rc = check_plan_map(k, mem_strdup("TRUE"), e);
    columns_release(&c);
    return rc;
}

int exp_within_record_plan(struct check *k, struct err *e)
{
    struct columns c = {.n = 0};
    struct buf b;
    int rc = list_columns(k, &c, e);
    buf_init(&b, 1 << 20);
    for (size_t i = 0; i < c.n; i++)
        for (size_t j = i + 1; j < c.n; j++)
            buf_addf(&b, "%s%s IS NOT DISTINCT FROM %s", b.len ? " OR " : "", c.sql[i],
                     c.sql[j]);
    if (rc == 0 && (rc = examine(k, &c, e)) == 0)
        rc = check_plan_map(k, mem_strdup(buf_str(&b)), e);
    buf_release(&b);
    columns_release(&c);
    return rc;
}

int exp_row_sum_plan(struct check *k, struct err *e)
{
    const json_t *total = check_arg(k, "sum_total");
    struct columns c = {.n = 0};
    struct buf b;
    int rc = json_is_number(total)
                 ? list_columns(k, &c, e)
                 : err_set(e, ERR_CONFIG, "needs sum_total, a number");
    buf_init(&b, 1 << 20);
    buf_adds(&b, "COALESCE(ROUND(CAST(");
    for (size_t i = 0; i < c.n; i++)
        buf_addf(&b, "%s%s", i ? " + " : "", c.sql[i]);
    buf_adds(&b, " AS numeric), 9) <> ");
    if (rc == 0)
        rc = sql_literal(&b, total, e);
    buf_adds(&b, ", TRUE)");
    if (rc == 0 && (rc = examine(k, &c, e)) == 0)
        rc = check_plan_map(k, mem_strdup(buf_str(&b)), e);
    buf_release(&b);
    columns_release(&c);
    return rc;
}

/* ── rows that a query finds ── */
int exp_query_plan(struct check *k, struct err *e)
{
    if (!json_is_string(check_arg(k, "unexpected_rows_query")))
        return err_set(e, ERR_CONFIG, "needs unexpected_rows_query, a SELECT");
    return 0;
}

int exp_query_judge(struct check *k, struct err *e)
{
    const char *p = json_str(k->kwargs, "unexpected_rows_query", ""), *at;
    int64_t n = 0;
    struct buf b;
    buf_init(&b, 1 << 20);
    buf_adds(&b, "SELECT COUNT(*) FROM (");
    for (; (at = strstr(p, "{batch}")); p = at + 7) {
        buf_add(&b, p, (size_t)(at - p));
        buf_adds(&b, k->scan->source);
    }
    size_t len = strlen(p);
    while (len && strchr(" \n\t;", p[len - 1]))
        len--;
    buf_add(&b, p, len);
    buf_adds(&b, "\n) AS q");
    int rc = buf_check(&b, "unexpected_rows_query", e);
    if (rc == 0)
        rc = wh_try(k->scan->w, e);
    if (rc == 0) {
        rc = wh_query_i64(k->scan->w, buf_str(&b), &n, e);
        wh_try_end(k->scan->w, rc == 0, rc < 0 ? NULL : e);
    }
    buf_release(&b);
    if (rc < 0)
        return rc;
    k->result = json_pack("{s:I}", "observed_value", (json_int_t)n);
    k->is_success = n == 0;
    return 0;
}
