/* Time: clocks, ISO text, durations and civil dates. Zones are in timezone.c. Pure but
 * for the clocks. Calendar arithmetic after H. Hinnant, "chrono-compatible low-level
 * date algorithms". */
#include "base/timeutil.h"

#include <stdio.h>
#include <time.h>

#define DAY_MS ((int64_t)86400000)

static int64_t clock_us(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t time_wall_ms(void)
{
    return clock_us(CLOCK_REALTIME) / 1000;
}

int64_t time_mono_ms(void)
{
    return clock_us(CLOCK_MONOTONIC) / 1000;
}

int64_t time_mono_us(void)
{
    return clock_us(CLOCK_MONOTONIC);
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

static int64_t days_of(int64_t y, int m, int d)
{
    y -= m <= 2;
    int64_t era = floor_div(y, 400);
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

struct time_civil time_civil_of(int64_t ms)
{
    int64_t days = floor_div(ms, DAY_MS);
    int sec = (int)((ms - days * DAY_MS) / 1000);
    int64_t z = days + 719468;
    int64_t era = floor_div(z, 146097);
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int mp = (int)((5 * doy + 2) / 153);
    int month = mp < 10 ? mp + 3 : mp - 9;
    int64_t weekday = (days + 4) % 7;
    return (struct time_civil){
        .year = (int)(yoe + era * 400 + (month <= 2)),
        .month = month,
        .day = (int)(doy - (153 * mp + 2) / 5 + 1),
        .hour = sec / 3600,
        .minute = sec / 60 % 60,
        .second = sec % 60,
        .weekday = (int)(weekday < 0 ? weekday + 7 : weekday),
    };
}

int64_t time_from_civil(const struct time_civil *c)
{
    return days_of(c->year, c->month, c->day) * DAY_MS +
           ((int64_t)c->hour * 3600 + c->minute * 60 + c->second) * 1000;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Exactly n digits at s->p, consumed. */
static bool take_digits(struct str *s, int n, int *out)
{
    int v = 0;
    if (s->n < (size_t)n)
        return false;
    for (int i = 0; i < n; i++) {
        if (!is_digit(s->p[i]))
            return false;
        v = v * 10 + (s->p[i] - '0');
    }
    s->p += n;
    s->n -= (size_t)n;
    *out = v;
    return true;
}

static bool take_char(struct str *s, char c)
{
    if (!s->n || *s->p != c)
        return false;
    s->p++;
    s->n--;
    return true;
}

static bool take_date(struct str *s, struct time_civil *c)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (!take_digits(s, 4, &c->year) || !take_char(s, '-') ||
        !take_digits(s, 2, &c->month) || !take_char(s, '-') ||
        !take_digits(s, 2, &c->day))
        return false;
    if (c->year < 1970 || c->month < 1 || c->month > 12 || c->day < 1)
        return false;
    bool is_leap = (c->year % 4 == 0 && c->year % 100 != 0) || c->year % 400 == 0;
    return c->day <= lengths[c->month - 1] + (c->month == 2 && is_leap);
}

static bool take_time(struct str *s, struct time_civil *c, int *fraction_ms)
{
    if (!take_digits(s, 2, &c->hour) || !take_char(s, ':') ||
        !take_digits(s, 2, &c->minute) || !take_char(s, ':') ||
        !take_digits(s, 2, &c->second))
        return false;
    if (c->hour > 23 || c->minute > 59 || c->second > 59)
        return false;
    *fraction_ms = 0;
    if (!take_char(s, '.'))
        return true;
    int n = 0;
    for (int scale = 100; s->n && is_digit(*s->p); scale /= 10, n++) {
        *fraction_ms += (*s->p - '0') * scale;
        s->p++;
        s->n--;
    }
    return n > 0;
}

static bool take_zone(struct str *s, int64_t *offset_ms)
{
    int h, m;
    *offset_ms = 0;
    if (!s->n || take_char(s, 'Z'))
        return true;
    int sign = take_char(s, '+') ? 1 : take_char(s, '-') ? -1 : 0;
    if (!sign || !take_digits(s, 2, &h) || !take_char(s, ':') || !take_digits(s, 2, &m))
        return false;
    *offset_ms = sign * (int64_t)(h * 60 + m) * 60000;
    return h < 24 && m < 60;
}

bool time_parse_iso(struct str s, int64_t *ms)
{
    struct time_civil c = {0};
    int fraction = 0;
    int64_t offset = 0;
    if (!take_date(&s, &c))
        return false;
    if (s.n) {
        if (!take_char(&s, 'T') && !take_char(&s, ' '))
            return false;
        if (!take_time(&s, &c, &fraction) || !take_zone(&s, &offset) || s.n)
            return false;
    }
    int64_t t = time_from_civil(&c) + fraction - offset;
    if (t < 0)
        return false;
    *ms = t;
    return true;
}

static char *format(int64_t ms, char sep, bool with_ms, const char *end, char out[32])
{
    struct time_civil c = time_civil_of(ms);
    int n = snprintf(out, 32, "%04d-%02d-%02d%c%02d:%02d:%02d", c.year, c.month, c.day,
                     sep, c.hour, c.minute, c.second);
    if (n < 0 || n > 26)
        return out;
    if (with_ms)
        snprintf(out + n, 32 - (size_t)n, ".%03d%s",
                 (int)(ms - floor_div(ms, 1000) * 1000), end);
    else
        snprintf(out + n, 32 - (size_t)n, "%s", end);
    return out;
}

char *time_format_iso(int64_t ms, bool with_ms, char out[32])
{
    return format(ms, 'T', with_ms, "Z", out);
}

char *time_format_sql(int64_t ms, bool with_ms, char out[32])
{
    return format(ms, ' ', with_ms, "", out);
}

bool time_parse_duration(struct str s, int64_t *ms)
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = {{"ms", 1},      {"s", 1000},   {"m", 60000},
                 {"h", 3600000}, {"d", DAY_MS}, {"w", 7 * DAY_MS}};
    struct str number = s;
    number.n = 0;
    while (number.n < s.n && is_digit(s.p[number.n]))
        number.n++;
    int64_t v;
    if (!number.n || !str_to_i64(number, &v))
        return false;
    struct str unit = {s.p + number.n, s.n - number.n};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (str_is(unit, units[i].unit))
            return !__builtin_mul_overflow(v, units[i].ms, ms);
    return false;
}

char *time_format_duration(int64_t ms, char out[32])
{
    const char *sign = ms < 0 ? "-" : "";
    uint64_t u = ms < 0 ? 0 - (uint64_t)ms : (uint64_t)ms;
    uint64_t s = u / 1000;
    if (u < 1000)
        snprintf(out, 32, "%s%lums", sign, (unsigned long)u);
    else if (s < 60)
        snprintf(out, 32, "%s%lus", sign, (unsigned long)s);
    else if (s < 3600)
        snprintf(out, 32, "%s%lum %02lus", sign, (unsigned long)(s / 60),
                 (unsigned long)(s % 60));
    else if (s < 86400)
        snprintf(out, 32, "%s%luh %02lum", sign, (unsigned long)(s / 3600),
                 (unsigned long)(s / 60 % 60));
    else
        snprintf(out, 32, "%s%lud %luh", sign, (unsigned long)(s / 86400),
                 (unsigned long)(s / 3600 % 24));
    return out;
}
