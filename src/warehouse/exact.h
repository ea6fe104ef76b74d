/* Exact sums of numbers that came from decimal text: what SUM, AVG and MEDIAN are made
 * of. Cents take a fast path; other decimals go through 15 digits; what is no decimal
 * at all (or too large) is added as a double with compensation. */
#ifndef WAREHOUSE_EXACT_H
#define WAREHOUSE_EXACT_H

#include <stdbool.h>
#include <stdint.h>
#include "base/decimal.h"

/* SQLite's memory is aligned to 8 bytes. */
typedef i128 exact_i128 __attribute__((aligned(8)));

struct exact {
    exact_i128 cents;  /* values with at most 2 places, * 100 */
    exact_i128 fine;   /* others, * 10^EXACT_PLACES */
    double rest, lost; /* neither: Neumaier sum */
    int64_t n, n_real, n_fine, n_rest;
};
#define EXACT_PLACES 15

void exact_add_int(struct exact *x, int64_t v, int sign);
void exact_add(struct exact *x, double v, int sign);
double exact_sum(const struct exact *x);
/* exact_sum / n, rounded once. */
double exact_mean(const struct exact *x);
/* All values were integers and the sum fits. */
bool exact_as_int(const struct exact *x, int64_t *out);

#endif
