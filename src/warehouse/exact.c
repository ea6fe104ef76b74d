/* Exact sums. In: numbers as doubles or integers, added or (window frames) taken back.
 * Out: the nearest double of the exact decimal sum or mean. Called by wh_aggregates.c.
 * The order of the values never matters: 0.1 + 0.2 - 0.3 is 0. */
#include "warehouse/exact.h"

#include <math.h>
#include "base/decimal.h"

#define FINE_PER_CENT ((i128)10000000000000) /* 10^(15 - 2) */

/* d is the double next to k/100: then k is its 15-digit form, no text needed. */
static bool to_cents(double d, int64_t *k)
{
    double scaled = d * 100.0;
    if (!(fabs(scaled) < 1e15))
        return false;
    int64_t r = llrint(scaled);
    if ((double)r / 100.0 != d)
        return false;
    *k = r;
    return true;
}

void exact_add_int(struct exact *x, int64_t v, int sign)
{
    x->n += sign;
    x->cents += (i128)v * 100 * sign;
}

static void add_rest(struct exact *x, double v, int sign)
{
    double term = sign < 0 ? -v : v, sum = x->rest + term;
    x->n_rest += sign;
    x->lost +=
        fabs(x->rest) >= fabs(term) ? (x->rest - sum) + term : (term - sum) + x->rest;
    x->rest = sum;
}

void exact_add(struct exact *x, double v, int sign)
{
    int64_t cents;
    i128 fine;
    x->n += sign;
    x->n_real += sign;
    if (to_cents(v, &cents)) {
        x->cents += sign < 0 ? -cents : cents;
    } else if (fabs(v) < 1e12 && decimal_from_double(v, EXACT_PLACES, &fine)) {
        x->fine += sign < 0 ? -fine : fine;
        x->n_fine += sign;
    } else {
        add_rest(x, v, sign);
    }
}

static i128 fine_total(const struct exact *x)
{
    return x->cents * FINE_PER_CENT + x->fine;
}

double exact_sum(const struct exact *x)
{
    double d = x->n_fine ? decimal_to_double(fine_total(x), EXACT_PLACES)
                         : decimal_to_double(x->cents, 2);
    return x->n_rest ? d + (x->rest + x->lost) : d;
}

double exact_mean(const struct exact *x)
{
    if (x->n_rest)
        return exact_sum(x) / (double)x->n;
    /* long double holds 64 bits: one rounding to it, one to double */
    if (x->n_fine)
        return (double)((long double)fine_total(x) / ((long double)x->n * 1e15L));
    return (double)((long double)x->cents / ((long double)x->n * 100.0L));
}

bool exact_as_int(const struct exact *x, int64_t *out)
{
    i128 whole = x->cents / 100;
    if (x->n_real || whole > INT64_MAX || whole < INT64_MIN)
        return false;
    *out = (int64_t)whole;
    return true;
}
