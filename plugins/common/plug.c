/* Helpers shared by the plugins: error text, logging, settings, numbers and times.
 *
 * in: texts. out: values, or text through the host. Called by every plugin file.
 * Nothing here allocates or keeps state. */
#include "plug.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int plug_error(char *error, int rc, const char *fmt, ...)
{
    if (!error)
        return rc;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(error, WEIR_ERROR_MAX, fmt, ap);
    va_end(ap);
    return rc;
}

int plug_errno(char *error, int rc, const char *fmt, ...)
{
    int saved = errno;
    if (!error)
        return rc;
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(error, WEIR_ERROR_MAX, fmt, ap);
    va_end(ap);
    if (n >= 0 && n < WEIR_ERROR_MAX)
        snprintf(error + n, (size_t)(WEIR_ERROR_MAX - n), ": %s", strerror(saved));
    errno = saved;
    return rc;
}

void plug_log(const struct weir_host *host, enum weir_log_level level, const char *fmt,
              ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (host->log)
        host->log(host->ctx, level, text);
}

const char *plug_setting(const struct weir_host *host, const char *name)
{
    const char *v = host->setting ? host->setting(host->ctx, name) : NULL;
    return v ? v : "";
}

bool plug_flag(const struct weir_host *host, const char *name)
{
    const char *v = plug_setting(host, name);
    return !strcmp(v, "true") || !strcmp(v, "yes") || !strcmp(v, "on") ||
           !strcmp(v, "1");
}

void plug_count(const struct weir_host *host, const char *name, int64_t by)
{
    if (host->count && by)
        host->count(host->ctx, name, by);
}

bool plug_i64(const char *p, size_t n, int64_t *out)
{
    if (n == 0 || n > 19)
        return false;
    int64_t v = 0;
    for (size_t i = 0; i < n; i++) {
        if (p[i] < '0' || p[i] > '9' || __builtin_mul_overflow(v, 10, &v) ||
            __builtin_add_overflow(v, p[i] - '0', &v))
            return false;
    }
    *out = v;
    return true;
}

bool plug_percent(const char *s, double *out)
{
    char *end;
    double v = strtod(s, &end);
    if (end == s)
        return false;
    if (*end == '%')
        end++;
    if (*end || !(v >= 0 && v <= 100))
        return false;
    *out = v;
    return true;
}

/* n digits at p, advanced; -1 when they are not digits. */
static int digits(const char **p, const char *end, int n)
{
    int v = 0;
    if (end - *p < n)
        return -1;
    for (int i = 0; i < n; i++, (*p)++) {
        if (**p < '0' || **p > '9')
            return -1;
        v = v * 10 + (**p - '0');
    }
    return v;
}

static bool skip(const char **p, const char *end, char c)
{
    if (*p >= end || **p != c)
        return false;
    (*p)++;
    return true;
}

/* Days since 1970-01-01 of a Gregorian date (Howard Hinnant's days_from_civil). */
static int64_t days_from_civil(int y, int m, int d)
{
    y -= m <= 2;
    int era = y / 400;
    int yoe = y - era * 400;
    int doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    int doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return (int64_t)era * 146097 + doe - 719468;
}

/* "", "Z" or "+HH:MM" up to the end: minutes east of UTC in *east. */
static bool read_zone(const char *p, const char *end, int *east)
{
    *east = 0;
    if (p == end || (end - p == 1 && *p == 'Z'))
        return true;
    int sign = *p == '-' ? -1 : 1;
    if (*p != '+' && *p != '-')
        return false;
    p++;
    int hour = digits(&p, end, 2);
    if (!skip(&p, end, ':'))
        return false;
    int minute = digits(&p, end, 2);
    *east = sign * (hour * 60 + minute);
    return hour >= 0 && hour <= 14 && minute >= 0 && minute < 60 && p == end;
}

static int month_days(int y, int m)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    return days[m - 1] + (m == 2 && leap);
}

/* ".fff…": milliseconds, further digits dropped; -1 when there is no digit. */
static int read_fraction(const char **p, const char *end)
{
    int ms = 0, n = 0;
    for (; *p < end && **p >= '0' && **p <= '9'; (*p)++, n++) {
        if (n < 3)
            ms = ms * 10 + (**p - '0');
    }
    for (int i = n; i < 3; i++)
        ms *= 10;
    return n ? ms : -1;
}

bool plug_time(const char *p, size_t n, int64_t *ms)
{
    const char *end = p + n;
    int year = digits(&p, end, 4);
    bool ok = skip(&p, end, '-');
    int month = digits(&p, end, 2);
    ok = ok && skip(&p, end, '-');
    int day = digits(&p, end, 2);
    ok = ok && (skip(&p, end, 'T') || skip(&p, end, ' '));
    int hour = digits(&p, end, 2);
    ok = ok && skip(&p, end, ':');
    int minute = digits(&p, end, 2);
    ok = ok && skip(&p, end, ':');
    int second = digits(&p, end, 2);
    if (!ok || year < 1970 || month < 1 || month > 12 || day < 1 ||
        day > month_days(year, month) || hour < 0 || hour > 23 || minute < 0 ||
        minute > 59 || second < 0 || second > 59)
        return false;
    int fraction = 0, east;
    if (skip(&p, end, '.') && (fraction = read_fraction(&p, end)) < 0)
        return false;
    if (!read_zone(p, end, &east))
        return false;
    int64_t minutes = (days_from_civil(year, month, day) * 24 + hour) * 60 + minute;
    *ms = ((minutes - east) * 60 + second) * 1000 + fraction;
    return true;
}
