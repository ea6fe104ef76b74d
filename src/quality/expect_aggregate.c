/* One figure of a column, or the number of rows, within bounds. No value (no rows, all
 * null) fails; the observed value is then null. */
#include "quality/expectation.h"

#include <math.h>

/* fn is an aggregate up to its argument: "MAX(". */
static int add(struct check *k, int slot, const char *fn)
{
    char *x = check_in_domain(k, k->quoted);
    k->at[slot] = scan_add(k->scan, mem_printf("%s%s)", fn, x));
    mem_free(x);
    return 0;
}

static int bounded(struct check *k, const char *fn, struct err *e)
{
    int rc = bounds_required(k, e);
    return rc < 0 ? rc : add(k, 0, fn);
}

int exp_max_plan(struct check *k, struct err *e)
{
    return bounded(k, "MAX(", e);
}
int exp_min_plan(struct check *k, struct err *e)
{
    return bounded(k, "MIN(", e);
}
int exp_mean_plan(struct check *k, struct err *e)
{
    return bounded(k, "AVG(", e);
}
int exp_median_plan(struct check *k, struct err *e)
{
    int rc = bounds_required(k, e);
    if (rc < 0 || check_is_sqlite(k))
        return rc < 0 ? rc : add(k, 0, "MEDIAN(");
    char *x = check_in_domain(k, k->quoted);
    k->at[0] = scan_add(
        k->scan, mem_printf("CAST(percentile_cont(0.5) WITHIN GROUP (ORDER BY %s) AS "
                            "numeric)",
                            x));
    mem_free(x);
    return 0;
}
int exp_sum_plan(struct check *k, struct err *e)
{
    return bounded(k, "SUM(", e);
}
/* By grouping, which sorts: see count_repeated in scan.c. */
static int add_distinct(struct check *k)
{
    k->at[0] = scan_add(
        k->scan,
        mem_printf(
            "(SELECT COUNT(*) FROM (SELECT 1 FROM %s WHERE %s%s%s IS NOT NULL GROUP "
            "BY %s) AS q)",
            k->scan->source, k->domain ? k->domain : "", k->domain ? " AND " : "",
            k->quoted, k->quoted));
    return 0;
}

int exp_distinct_plan(struct check *k, struct err *e)
{
    int rc = bounds_required(k, e);
    return rc < 0 ? rc : add_distinct(k);
}

int exp_rows_plan(struct check *k, struct err *e)
{
    (void)e;
    k->at[0] = scan_add(
        k->scan, k->domain ? mem_printf("COUNT(CASE WHEN %s THEN 1 END)", k->domain)
                           : mem_strdup("COUNT(*)"));
    return 0;
}

/* Takes observed. */
static int decide(struct check *k, json_t *observed, struct err *e)
{
    int rc = bounds_hold(observed, k, e);
    k->result = json_pack("{s:o}", "observed_value", observed);
    if (rc < 0)
        return rc;
    k->is_success = rc == 1;
    return 0;
}

int exp_aggregate_judge(struct check *k, struct err *e)
{
    return decide(k, check_json(check_value(k, k->at[0])), e);
}

int exp_rows_equal_judge(struct check *k, struct err *e)
{
    const json_t *v = check_arg(k, "value");
    if (!json_is_integer(v))
        return err_set(e, ERR_CONFIG, "needs value, a whole number");
    int64_t n = check_count(k, k->at[0]);
    k->result = json_pack("{s:I}", "observed_value", (json_int_t)n);
    k->is_success = n == json_integer_value(v);
    return 0;
}

/* Sample standard deviation from n, the sum and the sum of squares about a shift. */
int exp_stdev_plan(struct check *k, struct err *e)
{
    int rc = bounded(k, "COUNT(", e);
    if (rc < 0 || (rc = add(k, 1, "AVG(")) < 0)
        return rc;
    char *x = check_in_domain(k, k->quoted);
    char *mean = mem_printf("(SELECT AVG(%s) FROM %s)", x, k->scan->source);
    bool is_sqlite = check_is_sqlite(k);
    k->at[2] = scan_add(
        k->scan, mem_printf("%s(%s - %s) * (%s - %s)%s",
                            is_sqlite ? "TOTAL(" : "COALESCE(CAST(SUM(", x, mean, x,
                            mean, is_sqlite ? ")" : ") AS double precision), 0)"));
    mem_free(x);
    mem_free(mean);
    return 0;
}

int exp_stdev_judge(struct check *k, struct err *e)
{
    int64_t n = check_count(k, k->at[0]);
    const struct check_value *v = check_value(k, k->at[2]);
    double sum = v->type == WH_REAL ? v->d : (double)v->i;
    return decide(k, n > 1 ? json_real(sqrt(sum / (double)(n - 1))) : json_null(), e);
}

int exp_proportion_plan(struct check *k, struct err *e)
{
    int rc = bounds_required(k, e);
    if (rc == 0)
        rc = add_distinct(k);
    return rc < 0 ? rc : add(k, 1, "COUNT(");
}

int exp_proportion_judge(struct check *k, struct err *e)
{
    int64_t n = check_count(k, k->at[1]);
    double p = n ? (double)check_count(k, k->at[0]) / (double)n : 0;
    return decide(k, json_real(p), e);
}
