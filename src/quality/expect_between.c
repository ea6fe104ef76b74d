/* Values and lengths within bounds. Bounds are inclusive unless strict_min, strict_max.
 * A text in the column does not lie between two numbers. */
#include "quality/expectation.h"

#include "base/str.h"

static int add_bound(struct check *k, struct buf *b, const char *x, const char *name,
                     const char *op, bool *has_number, struct err *e)
{
    const json_t *v = check_arg(k, name);
    if (!v)
        return 0;
    if (json_is_array(v) && json_array_size(v) == 1)
        v = json_array_get(v, 0);
    *has_number |= json_is_number(v);
    buf_addf(b, "%s%s %s ", b->len ? " OR " : "", x, op);
    int rc = sql_literal(b, v, e);
    return rc < 0 ? err_wrap(e, rc, "%s", name) : 0;
}

/* SQL that is true where x is out of bounds; heap. */
static int outside(struct check *k, const char *x, char **out, struct err *e)
{
    struct buf b;
    bool has_number = false;
    int rc = bounds_required(k, e);
    if (rc < 0)
        return rc;
    buf_init(&b, 1 << 20);
    const char *low = check_flag(k, "strict_min", false) ? "<=" : "<";
    const char *high = check_flag(k, "strict_max", false) ? ">=" : ">";
    if ((rc = add_bound(k, &b, x, "min_value", low, &has_number, e)) == 0)
        rc = add_bound(k, &b, x, "max_value", high, &has_number, e);
    if (has_number && check_is_sqlite(k))
        buf_addf(&b, " OR typeof(%s) = 'text'", x);
    if (rc == 0)
        rc = buf_check(&b, "bounds", e);
    if (rc == 0)
        *out = buf_take(&b);
    buf_release(&b);
    return rc;
}

int exp_between_plan(struct check *k, struct err *e)
{
    char *sql = NULL;
    int rc = outside(k, k->quoted, &sql, e);
    return rc < 0 ? rc : check_plan_map(k, sql, e);
}

int exp_length_between_plan(struct check *k, struct err *e)
{
    char *sql = NULL, *x = mem_printf("LENGTH(%s)", k->quoted);
    int rc = outside(k, x, &sql, e);
    mem_free(x);
    return rc < 0 ? rc : check_plan_map(k, sql, e);
}

int exp_length_equal_plan(struct check *k, struct err *e)
{
    const json_t *v = check_arg(k, "value");
    if (!json_is_integer(v))
        return err_set(e, ERR_CONFIG, "needs value, a whole number");
    return check_plan_map(
        k,
        mem_printf("LENGTH(%s) <> %lld", k->quoted, (long long)json_integer_value(v)),
        e);
}
