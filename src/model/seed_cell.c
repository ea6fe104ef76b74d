/* Cells of seeds: kinds in the order that dbt's agate tries them (number, date,
 * timestamp, ISO timestamp, boolean, text), and their values. In: a cell's text. Out:
 * its kind, number or time. Called by seed.c. */
#include "model/seed_cell.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static struct str trimmed(struct str s)
{
    while (s.n && strchr(" \t\r\n\f\v", *s.p))
        s.p++, s.n--;
    while (s.n && strchr(" \t\r\n\f\v", s.p[s.n - 1]))
        s.n--;
    return s;
}

bool seed_is_null(struct str s)
{
    s = trimmed(s);
    return s.n == 0 || (s.n == 4 && strncasecmp(s.p, "null", 4) == 0);
}

/* ── numbers ── */

/* agate's DEFAULT_CURRENCY_SYMBOLS, in UTF-8. */
static const char *const currencies[] = {"\xd8\x8b",     "$",
                                         "\xc6\x92",     "\xe1\x9f\x9b",
                                         "\xc2\xa5",     "\xe2\x82\xa1",
                                         "\xe2\x82\xb1", "\xc2\xa3",
                                         "\xe2\x82\xac", "\xc2\xa2",
                                         "\xef\xb7\xbc", "\xe2\x82\xaa",
                                         "\xe2\x82\xa9", "\xe2\x82\xad",
                                         "\xe2\x82\xae", "\xe2\x82\xa6",
                                         "\xe0\xb8\xbf", "\xe2\x82\xa4",
                                         "\xe2\x82\xab"};

static struct str without(struct str s, const char *mark)
{
    size_t n = strlen(mark);
    while (s.n >= n && memcmp(s.p, mark, n) == 0)
        s.p += n, s.n -= n;
    while (s.n >= n && memcmp(s.p + s.n - n, mark, n) == 0)
        s.n -= n;
    return s;
}

/* Digits with what only groups them left out; 0 when it is no number or too long. */
static size_t plain(struct str s, char *out, size_t size)
{
    size_t n = 0;
    bool has_digit = false;
    s = without(trimmed(s), "%");
    if (s.n && *s.p == '-') {
        out[n++] = '-';
        s.p++, s.n--;
    }
    for (size_t i = 0; i < sizeof currencies / sizeof *currencies; i++)
        s = without(s, currencies[i]);
    for (size_t i = 0; i < s.n; i++) {
        bool is_digit = s.p[i] >= '0' && s.p[i] <= '9';
        if (s.p[i] == ',' || (s.p[i] == '_' && has_digit))
            continue;
        if (n + 1 >= size || (!is_digit && !strchr("+-.eE", s.p[i])))
            return 0;
        has_digit |= is_digit;
        out[n++] = s.p[i];
    }
    out[n] = '\0';
    return has_digit ? n : 0;
}

bool seed_number(struct str s, bool *is_int, int64_t *i, double *d)
{
    char text[320];
    struct str digits = {text, plain(s, text, sizeof text)};
    if (!digits.n)
        return false;
    *is_int = str_to_i64(digits, i);
    if (*is_int)
        return true;
    if (text[0] == '+') /* agate's Decimal takes a sign in front */
        digits.p++, digits.n--;
    *is_int = str_to_i64(digits, i);
    return *is_int || (str_to_double(digits, d) && isfinite(*d));
}

/* ── times ── */

#define ZONE_SIZE 10 /* "+02:00", with room for what the compiler fears */

struct moment {
    int year, month, day, hour, minute, second;
    char fraction[8], zone[ZONE_SIZE];
    enum seed_kind kind;
};

/* A number of at most `most` digits at *s, which moves behind it. */
static bool digits_at(struct str *s, int least, int most, int *out)
{
    int n = 0;
    *out = 0;
    while (n < most && s->n && *s->p >= '0' && *s->p <= '9') {
        *out = *out * 10 + (*s->p - '0');
        s->p++, s->n--, n++;
    }
    return n >= least;
}

static bool mark_at(struct str *s, char c)
{
    if (!s->n || *s->p != c)
        return false;
    s->p++, s->n--;
    return true;
}

static bool fraction_at(struct str *s, char out[8])
{
    size_t n = 0;
    bool is_zero = true;
    memcpy(out, "000000", 7);
    while (s->n && *s->p >= '0' && *s->p <= '9') {
        is_zero &= *s->p == '0';
        if (n < 6)
            out[n++] = *s->p;
        s->p++, s->n--;
    }
    if (is_zero)
        out[0] = '\0';
    return true;
}

static bool zone_at(struct str *s, char out[ZONE_SIZE])
{
    int hour, minute = 0;
    if (mark_at(s, 'Z')) {
        memcpy(out, "+00:00", 7);
        return true;
    }
    if (!s->n || (*s->p != '+' && *s->p != '-'))
        return false;
    char sign = *s->p;
    s->p++, s->n--;
    if (!digits_at(s, 2, 2, &hour) || hour > 23)
        return false;
    mark_at(s, ':');
    if (s->n && (!digits_at(s, 2, 2, &minute) || minute > 59))
        return false;
    snprintf(out, ZONE_SIZE, "%c%02d:%02d", sign, hour % 100, minute % 100);
    return true;
}

static bool is_day(const struct moment *m)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = m->year % 4 == 0 && (m->year % 100 != 0 || m->year % 400 == 0);
    return m->year > 0 && m->month >= 1 && m->month <= 12 && m->day >= 1 &&
           m->day <= days[m->month - 1] + (m->month == 2 && is_leap);
}

/* Behind the date: "T10:00[:00[.5]][Z]" or " 10:00:00". */
static bool clock_at(struct str *s, struct moment *m)
{
    m->kind = *s->p == 'T' ? SEED_ISO : SEED_TIME;
    int least = m->kind == SEED_ISO ? 2 : 1;
    if (!mark_at(s, 'T') && !mark_at(s, ' '))
        return false;
    if (!digits_at(s, least, 2, &m->hour) || !mark_at(s, ':') ||
        !digits_at(s, least, 2, &m->minute))
        return false;
    bool has_seconds = mark_at(s, ':');
    if (has_seconds && !digits_at(s, least, 2, &m->second))
        return false;
    if (m->kind == SEED_ISO && has_seconds && mark_at(s, '.'))
        fraction_at(s, m->fraction);
    if (m->kind == SEED_ISO && s->n && !zone_at(s, m->zone))
        return false;
    return (has_seconds || m->kind == SEED_ISO) && m->hour < 24 && m->minute < 60 &&
           m->second < 62;
}

static bool moment_of(struct str s, struct moment *m)
{
    *m = (struct moment){.kind = SEED_DATE};
    s = trimmed(s);
    if (!digits_at(&s, 4, 4, &m->year) || !mark_at(&s, '-') ||
        !digits_at(&s, 1, 2, &m->month) || !mark_at(&s, '-') ||
        !digits_at(&s, 1, 2, &m->day) || !is_day(m))
        return false;
    return s.n == 0 || (clock_at(&s, m) && s.n == 0);
}

size_t seed_time(struct str s, char out[SEED_TIME_MAX])
{
    struct moment m;
    if (!moment_of(s, &m))
        return 0;
    int n = snprintf(out, SEED_TIME_MAX, "%04d-%02d-%02d", m.year % 10000,
                     m.month % 100, m.day % 100);
    if (m.kind != SEED_DATE)
        n += snprintf(out + n, (size_t)(SEED_TIME_MAX - n), " %02d:%02d:%02d%s%s%s",
                      m.hour % 100, m.minute % 100, m.second % 100,
                      m.fraction[0] ? "." : "", m.fraction, m.zone);
    return (size_t)n;
}

/* ── kinds ── */

enum seed_kind seed_kind_of(struct str s)
{
    int64_t i;
    double d;
    bool is_int;
    struct moment m;
    if (seed_number(s, &is_int, &i, &d))
        return is_int ? SEED_INT : SEED_REAL;
    if (moment_of(s, &m))
        return m.kind;
    s = trimmed(s);
    bool is_bool = (s.n == 4 && strncasecmp(s.p, "true", 4) == 0) ||
                   (s.n == 5 && strncasecmp(s.p, "false", 5) == 0);
    return is_bool ? SEED_BOOL : SEED_TEXT;
}

enum seed_kind seed_join(enum seed_kind a, enum seed_kind b)
{
    if (a == SEED_UNKNOWN || a == b)
        return b;
    if ((a == SEED_INT && b == SEED_REAL) || (a == SEED_REAL && b == SEED_INT))
        return SEED_REAL;
    return SEED_TEXT;
}
