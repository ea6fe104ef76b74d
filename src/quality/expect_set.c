/* Membership in a set of values, which may come from a query. */
#include "quality/expectation.h"

/* "x IN (…)": the set travels as one JSON text, which the engine indexes once. */
static int membership(struct check *k, const char *how, struct err *e)
{
    const json_t *set = check_arg(k, "value_set"), *v;
    size_t i;
    struct buf b;
    if (!json_is_array(set))
        return err_set(e, ERR_CONFIG, "needs value_set, a list");
    json_array_foreach (set, i, v)
        if (json_is_object(v) || json_is_array(v))
            return err_set(e, ERR_TYPE, "value_set: item %zu is not a value", i + 1);
    char *text = json_dumps(set, JSON_COMPACT);
    if (!text)
        return err_set(e, ERR_NOMEM, "value_set");
    buf_init(&b, (size_t)32 << 20);
    buf_addf(&b, "%s %s (SELECT value FROM json_each(", k->quoted, how);
    sql_text(&b, text, strlen(text));
    buf_adds(&b, ") WHERE value IS NOT NULL)");
    free(text);
    int rc = buf_check(&b, "value_set", e);
    char *sql = rc == 0 ? buf_take(&b) : NULL;
    buf_release(&b);
    return rc < 0 ? rc : check_plan_map(k, sql, e);
}

int exp_in_set_plan(struct check *k, struct err *e)
{
    return membership(k, "NOT IN", e);
}

int exp_not_in_set_plan(struct check *k, struct err *e)
{
    return membership(k, "IN", e);
}
