/* Text that matches a regular expression (found anywhere, as in SQL: anchor with ^ and
 * $) or a LIKE pattern. */
#include "quality/expectation.h"

#include "base/str.h"

static int pattern(struct check *k, const char *arg, const char *op, bool is_negated,
                   struct err *e)
{
    const json_t *v = check_arg(k, arg);
    struct buf b;
    if (!json_is_string(v))
        return err_set(e, ERR_CONFIG, "needs %s, a text", arg);
    buf_init(&b, 1 << 20);
    if (streq(op, "REGEXP") && !check_is_sqlite(k))
        op = "~";
    buf_addf(&b, "%s(CAST(%s AS TEXT) %s ", is_negated ? "" : "NOT ", k->quoted, op);
    sql_text(&b, json_string_value(v), json_string_length(v));
    buf_addc(&b, ')');
    int rc = buf_check(&b, arg, e);
    char *sql = rc == 0 ? buf_take(&b) : NULL;
    buf_release(&b);
    return rc < 0 ? rc : check_plan_map(k, sql, e);
}

int exp_regex_plan(struct check *k, struct err *e)
{
    return pattern(k, "regex", "REGEXP", false, e);
}
int exp_not_regex_plan(struct check *k, struct err *e)
{
    return pattern(k, "regex", "REGEXP", true, e);
}
int exp_like_plan(struct check *k, struct err *e)
{
    return pattern(k, "like_pattern", "LIKE", false, e);
}
int exp_not_like_plan(struct check *k, struct err *e)
{
    return pattern(k, "like_pattern", "LIKE", true, e);
}
