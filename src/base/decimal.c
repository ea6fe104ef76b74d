/* Exact decimals (decimal.h). In: JSON numbers and doubles that came from decimal text;
 * out: 128-bit integers with a number of places. Called by the stream job, the SQL
 * aggregates and the gates. What always holds: no result is off by a unit in the last
 * place; what does not fit is refused, never wrapped. */
#include "base/decimal.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define PLACES_MAX 38 /* 10^38 < 2^127 */

static const double pow10_double[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                      1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                      1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
#define EXACT_POW10 22

/* v * 10^by, by >= 0; false on overflow. */
static bool times_pow10(u128 *v, int by)
{
    for (; by > 0 && *v; by--)
        if (__builtin_mul_overflow(*v, (u128)10, v))
            return false;
    return true;
}

/* The parts of a JSON number: value = ±digits * 10^exp10. */
struct parts {
    u128 digits;
    int64_t exp10;
    bool is_negative;
};

/* Zeros are held back until a digit follows them, so "1.00…0" never overflows. */
static bool take_digits(struct str s, size_t *i, struct parts *out, int64_t *zeros,
                        bool is_fraction)
{
    size_t start = *i;
    for (; *i < s.n && (unsigned char)(s.p[*i] - '0') <= 9; ++*i) {
        if (is_fraction)
            out->exp10--;
        ++*zeros;
        if (s.p[*i] == '0')
            continue;
        if (out->digits && *zeros > PLACES_MAX)
            return false;
        unsigned d = (unsigned)(s.p[*i] - '0');
        if (!times_pow10(&out->digits,
                         (int)(*zeros < PLACES_MAX ? *zeros : PLACES_MAX)) ||
            __builtin_add_overflow(out->digits, (u128)d, &out->digits))
            return false;
        *zeros = 0;
    }
    return *i > start;
}

static bool take_exponent(struct str s, size_t *i, int64_t *exp10)
{
    int64_t v = 0;
    bool is_negative = false;
    ++*i;
    if (*i < s.n && (s.p[*i] == '+' || s.p[*i] == '-'))
        is_negative = s.p[(*i)++] == '-';
    size_t start = *i;
    for (; *i < s.n && (unsigned char)(s.p[*i] - '0') <= 9; ++*i)
        if (v < 1000000)
            v = v * 10 + (s.p[*i] - '0');
    *exp10 += is_negative ? -v : v;
    return *i > start;
}

/* Only the grammar of a JSON number (RFC 8259 section 6). */
static bool parse_parts(struct str s, struct parts *out)
{
    size_t i = 0;
    int64_t zeros = 0;
    *out = (struct parts){0};
    if (s.n && s.p[0] == '-') {
        out->is_negative = true;
        i++;
    }
    if (i + 1 < s.n && s.p[i] == '0' && (unsigned char)(s.p[i + 1] - '0') <= 9)
        return false;
    if (!take_digits(s, &i, out, &zeros, false))
        return false;
    if (i < s.n && s.p[i] == '.') {
        i++;
        if (!take_digits(s, &i, out, &zeros, true))
            return false;
    }
    if (i < s.n && (s.p[i] | 0x20) == 'e' && !take_exponent(s, &i, &out->exp10))
        return false;
    out->exp10 += zeros;
    return i == s.n;
}

static bool with_sign(u128 v, bool is_negative, i128 *out)
{
    if (v >> 127)
        return false;
    *out = is_negative ? -(i128)v : (i128)v;
    return true;
}

bool decimal_to_scaled(struct str s, int scale, i128 *out)
{
    struct parts p;
    if (!parse_parts(s, &p))
        return false;
    if (!p.digits) {
        *out = 0;
        return true;
    }
    int64_t shift = p.exp10 + scale; /* digits end in a digit that is not 0 */
    if (shift < 0 || shift > PLACES_MAX || !times_pow10(&p.digits, (int)shift))
        return false;
    return with_sign(p.digits, p.is_negative, out);
}

/* "123.45" as nearly every amount is written: digits, a point, two digits. */
static bool plain_cents(struct str s, int64_t *cents)
{
    size_t i = s.n && s.p[0] == '-';
    int64_t v = 0;
    if (s.n < i + 4 || s.n > i + 18 || s.p[s.n - 3] != '.' ||
        (s.p[i] == '0' && s.n != i + 4))
        return false;
    for (size_t k = i; k < s.n; k++) {
        unsigned d = (unsigned char)s.p[k] - (unsigned)'0';
        if (k == s.n - 3)
            continue;
        if (d > 9)
            return false;
        v = v * 10 + (int64_t)d;
    }
    *cents = i ? -v : v;
    return true;
}

bool decimal_to_cents(struct str s, int64_t *cents)
{
    i128 v;
    if (plain_cents(s, cents))
        return true;
    if (!decimal_to_scaled(s, 2, &v) || v > INT64_MAX || v < INT64_MIN)
        return false;
    *cents = (int64_t)v;
    return true;
}

/* v / 10^by, half away from zero. */
static u128 round_off(u128 v, int64_t by)
{
    if (by > PLACES_MAX)
        return 0;
    u128 unit = 1;
    for (; by > 0; by--)
        unit *= 10;
    u128 rest = v % unit;
    return v / unit + (rest >= unit - rest);
}

bool decimal_from_double(double d, int scale, i128 *out)
{
    char text[40];
    struct parts p;
    if (!isfinite(d))
        return false;
    if (scale >= 0 && scale <= EXACT_POW10 && fabs(d) < 1e15) {
        double v = nearbyint(d * pow10_double[scale]);
        /* fewer than 16 digits that read back as d are its 15-digit form */
        if (fabs(v) < 1e15 && v / pow10_double[scale] == d) {
            *out = (i128)v;
            return true;
        }
    }
    int n = snprintf(text, sizeof text, "%.14e", d);
    if (n <= 0 || !parse_parts((struct str){text, (size_t)n}, &p))
        return false;
    int64_t shift = p.exp10 + scale;
    if (shift < 0)
        p.digits = round_off(p.digits, -shift);
    else if (p.digits && (shift > PLACES_MAX || !times_pow10(&p.digits, (int)shift)))
        return false;
    return with_sign(p.digits, p.is_negative, out);
}

/* Decimal digits of v, most significant first; returns their number. */
static int digits_of(u128 v, char out[40])
{
    char reversed[40];
    int n = 0;
    do
        reversed[n++] = (char)('0' + (int)(v % 10));
    while (v /= 10);
    for (int i = 0; i < n; i++)
        out[i] = reversed[n - 1 - i];
    return n;
}

double decimal_to_double(i128 v, int scale)
{
    const i128 exact = (i128)1 << 53;
    char text[64];
    if (v <= exact && v >= -exact && scale >= 0 && scale <= EXACT_POW10)
        return (double)v / pow10_double[scale];
    char digits[40];
    bool is_negative = v < 0;
    u128 size = is_negative ? (u128)0 - (u128)v : (u128)v;
    int n = digits_of(size, digits);
    snprintf(text, sizeof text, "%s%.*se%d", is_negative ? "-" : "", n, digits, -scale);
    return strtod(text, NULL);
}

double decimal_round(double d, int places)
{
    i128 v;
    if (places > DBL_DIG + 300 || places < -308)
        return places > 0 ? d : 0.0;
    if (!decimal_from_double(d, places, &v))
        return d; /* no number, or already whole at that many places */
    return decimal_to_double(v, places);
}

int decimal_cents_text(int64_t cents, char out[24])
{
    char digits[40];
    uint64_t size = cents < 0 ? (uint64_t)0 - (uint64_t)cents : (uint64_t)cents;
    int n = 0, k = 0;
    if (cents < 0)
        out[n++] = '-';
    for (uint64_t whole = size / 100; whole || !k; whole /= 10)
        digits[k++] = (char)('0' + (int)(whole % 10));
    while (k)
        out[n++] = digits[--k];
    out[n++] = '.';
    out[n++] = (char)('0' + (int)(size / 10 % 10));
    out[n++] = (char)('0' + (int)(size % 10));
    out[n] = '\0';
    return n;
}

i128 decimal_div(i128 num, i128 den, int places)
{
    bool is_negative = (num < 0) != (den < 0);
    u128 n = num < 0 ? -(u128)num : (u128)num;
    u128 d = den < 0 ? -(u128)den : (u128)den;
    u128 q = n / d, r = n % d;
    for (; places > 0; places--) {
        u128 digit = 0, sum = 0; /* r * 10 / d by additions: r * 10 need not fit */
        for (int i = 0; i < 10; i++) {
            if (sum >= d - r) {
                sum -= d - r;
                digit++;
            } else {
                sum += r;
            }
        }
        r = sum;
        q = q * 10 + digit;
    }
    if (r && r >= d - r)
        q++;
    return is_negative ? -(i128)q : (i128)q;
}
