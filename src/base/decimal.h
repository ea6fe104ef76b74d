/* Exact decimals for money: a 128-bit integer with a number of decimal places. */
#ifndef BASE_DECIMAL_H
#define BASE_DECIMAL_H

#include <stdbool.h>
#include <stdint.h>
#include "base/str.h"

__extension__ typedef __int128 i128;
__extension__ typedef unsigned __int128 u128;

/* "-12.34" to hundredths, exactly; extra zeros allowed ("12.3400"), other extra digits,
 * exponents beyond plain form and overflow refused. */
bool decimal_to_cents(struct str s, int64_t *cents);
/* Any JSON number to value * 10^scale; false when it is none, when digits would be lost
 * or the result does not fit. */
bool decimal_to_scaled(struct str s, int scale, i128 *out);
/* A double that came from decimal text, back to that text's value * 10^scale, through
 * its shortest 15-digit form (so 0.1 + 0.2 in cents is 30). Digits beyond scale are
 * rounded, half away from zero. false for nan, inf, overflow. */
bool decimal_from_double(double d, int scale, i128 *out);
/* Half up (away from zero) to places; through the 15-digit form. */
double decimal_round(double d, int places);
double decimal_to_double(i128 v, int scale); /* nearest double of v / 10^scale */
/* "-12.34" for -1234 cents; out has 24 bytes, returns its length. */
int decimal_cents_text(int64_t cents, char out[24]);
/* Half-up (away from zero) quotient: round(num * 10^places / den). den != 0, places >=
 * 0. The result must fit. */
i128 decimal_div(i128 num, i128 den, int places);

#endif
