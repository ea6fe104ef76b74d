/* Exact decimals for money: a 128-bit integer with a number of decimal places. */
#ifndef BASE_DECIMAL_H
#define BASE_DECIMAL_H

#include <stdbool.h>
#include <stdint.h>
#include "base/str.h"

/* "-12.34" to hundredths, exactly; extra zeros allowed ("12.3400"), other extra digits,
 * exponents beyond plain form and overflow refused. */
bool decimal_to_cents(struct str s, int64_t *cents);
/* Any JSON number to value * 10^scale; false when digits would be lost. */
bool decimal_to_scaled(struct str s, int scale, __int128 *out);
/* A double that came from decimal text, back to that text's value * 10^scale, through its
 * shortest 15-digit form (so 0.1 + 0.2 in cents is 30). false for nan, inf, overflow. */
bool decimal_from_double(double d, int scale, __int128 *out);
/* Half up (away from zero) to places; through the 15-digit form. */
double decimal_round(double d, int places);
double decimal_to_double(__int128 v, int scale); /* nearest double of v / 10^scale */
/* "-12.34" for -1234 cents; out has 24 bytes, returns its length. */
int decimal_cents_text(int64_t cents, char out[24]);
/* Half-up quotient of two exact values: round(num * 10^places / den). den != 0. */
__int128 decimal_div(__int128 num, __int128 den, int places);

#endif
