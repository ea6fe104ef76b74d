/* Small text helpers: prefixes, numbers, globs, nearest names. Pure functions, called
 * by everyone. */
#include "base/str.h"

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NEAREST_MAX 96 /* longer words get no suggestion */

bool str_starts(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *s, const char *suffix)
{
    size_t n = strlen(s), m = strlen(suffix);
    return n >= m && memcmp(s + n - m, suffix, m) == 0;
}

bool str_to_i64(struct str s, int64_t *out)
{
    size_t i = 0;
    bool is_negative = s.n && s.p[0] == '-';
    if (s.n && (s.p[0] == '-' || s.p[0] == '+'))
        i++;
    if (i == s.n)
        return false;
    int64_t v = 0;
    for (; i < s.n; i++) {
        int digit = s.p[i] - '0';
        if (digit < 0 || digit > 9)
            return false;
        if (__builtin_mul_overflow(v, (int64_t)10, &v) ||
            __builtin_sub_overflow(v, (int64_t)digit, &v))
            return false;
    }
    if (!is_negative && v == INT64_MIN)
        return false;
    *out = is_negative ? v : -v;
    return true;
}

bool str_to_double(struct str s, double *out)
{
    char text[64], *end;
    if (!s.n || s.n >= sizeof text)
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (!isdigit((unsigned char)s.p[i]) && !strchr("+-.eE", s.p[i]))
            return false; /* strtod also takes hex, nan, inf and white space */
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    if (strlen(text) != s.n)
        return false;
    double v = strtod(text, &end);
    if (*end || !isfinite(v))
        return false;
    *out = v;
    return true;
}

static size_t min_of(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Optimal string alignment (Damerau-Levenshtein without overlapping transpositions). */
static size_t distance(const char *a, size_t n, const char *b, size_t m)
{
    size_t rows[3][NEAREST_MAX + 1];
    size_t *before = rows[0], *last = rows[1], *now = rows[2];
    memset(rows, 0, sizeof rows);
    for (size_t j = 0; j <= m; j++)
        last[j] = j;
    for (size_t i = 1; i <= n; i++) {
        now[0] = i;
        for (size_t j = 1; j <= m; j++) {
            int x = tolower((unsigned char)a[i - 1]),
                y = tolower((unsigned char)b[j - 1]);
            size_t d = min_of(min_of(last[j], now[j - 1]) + 1, last[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == tolower((unsigned char)b[j - 2]) &&
                y == tolower((unsigned char)a[i - 2]))
                d = min_of(d, before[j - 2] + 1);
            now[j] = d;
        }
        size_t *t = before;
        before = last;
        last = now;
        now = t;
    }
    return last[m];
}

const char *str_nearest(const char *word, const char *const *names, size_t n)
{
    const char *best = NULL;
    size_t best_score = SIZE_MAX, len = strlen(word);
    if (!len || len > NEAREST_MAX)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        size_t m = names[i] ? strlen(names[i]) : 0;
        if (!m || m > NEAREST_MAX)
            continue;
        size_t d = distance(word, len, names[i], m);
        size_t allowed = (len > m ? len : m) / 3;
        if (len >= 3 && strncasecmp(word, names[i], min_of(len, m)) == 0)
            d = min_of(d, 1), allowed = allowed ? allowed : 1;
        else if (!allowed)
            allowed = 1;
        if (d <= allowed && d < min_of(len, m) && d < best_score) {
            best = names[i];
            best_score = d;
        }
    }
    return best;
}

bool str_glob(const char *pattern, const char *s)
{
    return fnmatch(pattern, s, FNM_NOESCAPE) == 0;
}

bool str_copy(char *dst, size_t size, const char *src)
{
    size_t n = strlen(src);
    if (!size)
        return false;
    bool fits = n < size;
    if (!fits)
        n = size - 1;
    memcpy(dst, src, n);
    dst[n] = '\0';
    return fits;
}
