/* Completeness and uniqueness. The null checks count every row; uniqueness counts every
 * row of a repeated value, not the surplus. */
#include "quality/expectation.h"

int exp_not_null_plan(struct check *k, struct err *e)
{
    k->counts_nulls = true;
    return check_plan_map(k, mem_printf("%s IS NULL", k->quoted), e);
}

int exp_null_plan(struct check *k, struct err *e)
{
    k->counts_nulls = true;
    return check_plan_map(k, mem_printf("%s IS NOT NULL", k->quoted), e);
}

int exp_unique_plan(struct check *k, struct err *e)
{
    k->is_unique = true;
    return check_plan_map(k, mem_strdup("1"), e);
}
