/* Card numbers in any bytes (pan.h). In: text; out: where they are, or the text masked.
 * Called by ingest on every record before it is written, by the log and by tests. What
 * always holds: bytes outside a card number are never changed, the length never
 * changes.
 *
 * Speed: a number of 13 digits or more, separators included, covers a byte of every 13,
 * so only each 13th byte is looked at until one is a digit or a separator. */
#include "base/pan.h"

#include <stdint.h>

#define PAN_MIN 13
#define PAN_MAX 19

static inline bool is_digit(char c)
{
    return (unsigned char)(c - '0') <= 9;
}

static inline bool is_separator(char c)
{
    return c == ' ' || c == '-';
}

static inline bool is_part(char c)
{
    return is_digit(c) || is_separator(c);
}

/* One issuer's range: the leading digits, and the lengths its numbers have. */
struct issuer {
    uint32_t low, high;
    uint8_t digits, min, max;
};

static const struct issuer issuers[] = {
    {4, 4, 1, 13, 13},       {4, 4, 1, 16, 16},       {4, 4, 1, 19, 19}, /* Visa */
    {51, 55, 2, 16, 16},     {2221, 2720, 4, 16, 16}, /* Mastercard */
    {34, 34, 2, 15, 15},     {37, 37, 2, 15, 15},     /* Amex */
    {6011, 6011, 4, 16, 19}, {644, 649, 3, 16, 19},   /* Discover */
    {65, 65, 2, 16, 19},                              /* Discover */
    {3528, 3589, 4, 16, 19},                          /* JCB */
    {300, 305, 3, 14, 19},   {3095, 3095, 4, 14, 19}, /* Diners */
    {36, 36, 2, 14, 19},     {38, 39, 2, 14, 19},     /* Diners */
    {62, 62, 2, 16, 19},     {81, 81, 2, 16, 19},     /* UnionPay */
    {5018, 5018, 4, 13, 19}, {5020, 5020, 4, 13, 19}, /* Maestro */
    {5038, 5038, 4, 13, 19}, {5893, 5893, 4, 13, 19}, /* Maestro */
    {6304, 6304, 4, 13, 19}, {6759, 6759, 4, 13, 19}, /* Maestro */
    {6761, 6763, 4, 13, 19},                          /* Maestro */
};

static bool has_issuer(const uint8_t *d, unsigned n)
{
    uint32_t lead[5] = {0};
    for (unsigned i = 0; i < 4; i++)
        lead[i + 1] = lead[i] * 10 + d[i];
    for (size_t i = 0; i < sizeof issuers / sizeof *issuers; i++) {
        const struct issuer *r = &issuers[i];
        uint32_t v = lead[r->digits];
        if (v >= r->low && v <= r->high && n >= r->min && n <= r->max)
            return true;
    }
    return false;
}

/* ISO/IEC 7812-1 annex B. */
static bool passes_luhn(const uint8_t *d, unsigned n)
{
    static const uint8_t doubled[] = {0, 2, 4, 6, 8, 1, 3, 5, 7, 9};
    unsigned sum = 0;
    for (unsigned i = 0; i < n; i++)
        sum += (n - i) % 2 ? d[i] : doubled[d[i]];
    return sum % 10 == 0;
}

/* Bytes of the card number that starts at p[i], 0 when there is none: the longest of
 * the lengths that end where a group of digits ends. */
static size_t match_at(const char *p, size_t n, size_t i)
{
    uint8_t digits[PAN_MAX];
    unsigned count = 0;
    size_t found = 0, start = i;
    while (i < n) {
        if (is_digit(p[i])) {
            if (count == PAN_MAX)
                break;
            digits[count++] = (uint8_t)(p[i++] - '0');
            bool ends_group = i == n || !is_digit(p[i]);
            if (ends_group && count >= PAN_MIN && has_issuer(digits, count) &&
                passes_luhn(digits, count))
                found = i - start;
        } else if (is_separator(p[i]) && i + 1 < n && is_digit(p[i + 1])) {
            i++;
        } else {
            break;
        }
    }
    return found;
}

/* The digits behind the point of a decimal number are no card number. */
static bool is_fraction(const char *p, size_t i)
{
    return i >= 2 && p[i - 1] == '.' && is_digit(p[i - 2]);
}

/* First card number that starts in p[from, to), the groups of digits being whole. */
static bool search(const char *p, size_t n, size_t from, size_t to, size_t *at,
                   size_t *len)
{
    for (size_t i = from; i < to; i++) {
        if (!is_digit(p[i]) || (i > 0 && is_digit(p[i - 1])) || is_fraction(p, i))
            continue;
        *len = match_at(p, n, i);
        if (*len) {
            *at = i;
            return true;
        }
    }
    return false;
}

bool pan_find(const char *p, size_t n, size_t from, size_t *at, size_t *len)
{
    size_t i = from; /* no number starts before i */
    while (n - i >= PAN_MIN && i < n) {
        size_t probe = i + PAN_MIN - 1;
        if (!is_part(p[probe])) {
            i = probe + 1;
            continue;
        }
        size_t low = probe, high = probe + 1;
        while (low > i && is_part(p[low - 1]))
            low--;
        while (high < n && is_part(p[high]))
            high++;
        if (high - low >= PAN_MIN && search(p, n, low, high, at, len))
            return true;
        i = high;
    }
    return false;
}

static void mask(char *p, size_t n)
{
    unsigned digits = 0, seen = 0;
    for (size_t i = 0; i < n; i++)
        digits += is_digit(p[i]);
    for (size_t i = 0; i < n; i++) {
        if (!is_digit(p[i]))
            continue;
        if (seen >= 6 && seen < digits - 4)
            p[i] = '*';
        seen++;
    }
}

size_t pan_mask(char *p, size_t n)
{
    size_t count = 0, at = 0, len = 0;
    for (size_t from = 0; pan_find(p, n, from, &at, &len); from = at + len, count++)
        mask(p + at, len);
    return count;
}
