/* Membership in a set of values, which may come from a query. */
#include "quality/expectation.h"

#include "base/str.h"

/* SQLite: the set travels as one JSON text, which the engine indexes once. */
static int json_set(struct check *k, const json_t *set, const char *how, struct buf *b,
                    struct err *e)
{
    char *text = json_dumps(set, JSON_COMPACT);
    if (!text)
        return err_set(e, ERR_NOMEM, "value_set");
    buf_addf(b, "%s %s (SELECT value FROM json_each(", k->quoted, how);
    sql_text(b, text, strlen(text));
    buf_adds(b, ") WHERE value IS NOT NULL)");
    free(text);
    return 0;
}

/* Elsewhere a list of literals, which take the column's type; also hashed. */
static int listed_set(struct check *k, const json_t *set, const char *how,
                      struct buf *b, struct err *e)
{
    size_t i, n = 0;
    const json_t *v;
    int rc = 0;
    buf_addf(b, "%s %s (", k->quoted, how);
    json_array_foreach (set, i, v) {
        if (rc < 0 || json_is_null(v))
            continue;
        buf_adds(b, n++ ? ", " : "");
        rc = sql_literal(b, v, e);
    }
    buf_addc(b, ')');
    if (!n) { /* nothing is in an empty set */
        buf_reset(b);
        buf_adds(b, streq(how, "IN") ? "FALSE" : "TRUE");
    }
    return rc;
}

/* "x IN (…)" */
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
    buf_init(&b, (size_t)32 << 20);
    int rc = check_is_sqlite(k) ? json_set(k, set, how, &b, e)
                                : listed_set(k, set, how, &b, e);
    if (rc == 0)
        rc = buf_check(&b, "value_set", e);
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
