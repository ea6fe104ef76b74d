/* SQLite member: dates and times. Values are text: a date "YYYY-MM-DD" or a timestamp
 * "YYYY-MM-DD HH:MM:SS[.mmm]" (also with T and Z), always UTC. A text that is neither
 * gives NULL. Semantics of date_trunc, dateadd, datediff, last_day: Snowflake (datediff
 * counts boundaries; weeks begin on Monday). */
#include "warehouse/wh_sqlite.h"

#include <ctype.h>
#include <math.h>
#include <string.h>
#include <strings.h>
#include "base/timeutil.h"

#define DAY_MS  INT64_C(86400000)
#define HOUR_MS INT64_C(3600000)
#define MIN_MS  INT64_C(60000)

enum unit {
    UNIT_NONE,
    UNIT_MS,
    UNIT_SECOND,
    UNIT_MINUTE,
    UNIT_HOUR,
    UNIT_DAY,
    UNIT_WEEK,
    UNIT_MONTH,
    UNIT_QUARTER,
    UNIT_YEAR,
    UNIT_DOW,
    UNIT_DOY,
    UNIT_EPOCH,
};

static const struct unit_row {
    const char *name;
    enum unit unit;
} units[] = {
    {"millisecond", UNIT_MS}, {"second", UNIT_SECOND},
    {"minute", UNIT_MINUTE},  {"hour", UNIT_HOUR},
    {"day", UNIT_DAY},        {"week", UNIT_WEEK},
    {"month", UNIT_MONTH},    {"quarter", UNIT_QUARTER},
    {"year", UNIT_YEAR},      {"ms", UNIT_MS},
    {"ss", UNIT_SECOND},      {"mi", UNIT_MINUTE},
    {"hh", UNIT_HOUR},        {"dd", UNIT_DAY},
    {"d", UNIT_DAY},          {"mm", UNIT_MONTH},
    {"yy", UNIT_YEAR},        {"yyyy", UNIT_YEAR},
    {"h", UNIT_HOUR},         {"m", UNIT_MINUTE},
    {"s", UNIT_SECOND},       {"y", UNIT_YEAR},
    {"w", UNIT_WEEK},         {"dow", UNIT_DOW},
    {"dayofweek", UNIT_DOW},  {"weekday", UNIT_DOW},
    {"doy", UNIT_DOY},        {"dayofyear", UNIT_DOY},
    {"epoch", UNIT_EPOCH},    {"min", UNIT_MINUTE},
    {"sec", UNIT_SECOND},     {"epoch_second", UNIT_EPOCH},
};

static enum unit unit_of(const char *p, size_t n)
{
    if (n > 2 && (p[n - 1] | 32) == 's' && strncasecmp(p, "ss", n))
        n--;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strlen(units[i].name) == n && strncasecmp(p, units[i].name, n) == 0)
            return units[i].unit;
    return UNIT_NONE;
}

static enum unit unit_arg(sqlite3_context *c, sqlite3_value *v)
{
    const char *p = (const char *)sqlite3_value_text(v);
    enum unit u = p ? unit_of(p, strlen(p)) : UNIT_NONE;
    if (u == UNIT_NONE) {
        char *text =
            sqlite3_mprintf("\"%s\" is no part of a date (year, quarter, month, "
                            "week, day, hour, minute, second)",
                            p ? p : "NULL");
        sqlite3_result_error(c, text ? text : "date part", -1);
        sqlite3_free(text);
    }
    return u;
}

static bool time_arg(sqlite3_value *v, int64_t *ms, bool *has_time)
{
    if (sqlite3_value_type(v) != SQLITE_TEXT)
        return false;
    struct str s = {(const char *)sqlite3_value_text(v),
                    (size_t)sqlite3_value_bytes(v)};
    *has_time = s.n > 10;
    return s.p && time_parse_iso(s, ms);
}

static void result_time(sqlite3_context *c, int64_t ms, bool has_time)
{
    char text[32];
    time_format_sql(ms, ms % 1000 != 0, text);
    sqlite3_result_text(c, text, has_time ? -1 : 10, SQLITE_TRANSIENT);
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static int64_t days_of(int64_t ms)
{
    return floor_div(ms, DAY_MS);
}

/* Weeks since a Monday; 1970-01-01 was a Thursday. */
static int64_t week_of(int64_t ms)
{
    return floor_div(days_of(ms) + 3, 7);
}

static int month_days(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && is_leap);
}

static int64_t year_day(const struct time_civil *t, int64_t ms)
{
    struct time_civil first = {.year = t->year, .month = 1, .day = 1};
    return days_of(ms) - days_of(time_from_civil(&first)) + 1;
}

/* ISO 8601 week number. */
static int64_t iso_week(int64_t ms)
{
    int64_t thursday = (week_of(ms) * 7) * DAY_MS; /* weeks are counted from a Monday */
    struct time_civil t = time_civil_of(thursday);
    return (year_day(&t, thursday) - 1) / 7 + 1;
}

static int64_t part_of(enum unit u, int64_t ms)
{
    struct time_civil t = time_civil_of(ms);
    switch (u) {
    case UNIT_YEAR:
        return t.year;
    case UNIT_QUARTER:
        return (t.month - 1) / 3 + 1;
    case UNIT_MONTH:
        return t.month;
    case UNIT_WEEK:
        return iso_week(ms);
    case UNIT_DAY:
        return t.day;
    case UNIT_HOUR:
        return t.hour;
    case UNIT_MINUTE:
        return t.minute;
    case UNIT_SECOND:
        return t.second;
    case UNIT_MS:
        return ms - floor_div(ms, 1000) * 1000;
    case UNIT_DOW:
        return t.weekday;
    case UNIT_DOY:
        return year_day(&t, ms);
    case UNIT_EPOCH:
        return floor_div(ms, 1000);
    case UNIT_NONE:
        break;
    }
    return 0;
}

/* hour(x), month(x) …: the unit is the function's user data. */
static void fn_part(sqlite3_context *c, int n, sqlite3_value **v)
{
    enum unit u = (enum unit)(intptr_t)sqlite3_user_data(c);
    int64_t ms;
    bool has_time;
    (void)n;
    if (time_arg(v[0], &ms, &has_time))
        sqlite3_result_int64(c, part_of(u, ms));
}

static bool is_digits(const unsigned char *p)
{
    return isdigit(p[0]) && isdigit(p[1]);
}

/* The hour of "….-..-.. HH:…" in UTC without reading the rest. */
static void fn_hour(sqlite3_context *c, int n, sqlite3_value **v)
{
    if (sqlite3_value_type(v[0]) != SQLITE_TEXT)
        return;
    const unsigned char *p = sqlite3_value_text(v[0]);
    int len = sqlite3_value_bytes(v[0]);
    bool is_plain = (len == 19 || (len == 20 && p[19] == 'Z')) && p[4] == '-' &&
                    (p[10] == ' ' || p[10] == 'T') && p[13] == ':' && is_digits(p + 11);
    int hour = is_plain ? (p[11] - '0') * 10 + p[12] - '0' : 99;
    if (hour < 24)
        sqlite3_result_int(c, hour);
    else
        fn_part(c, n, v);
}

static void fn_date_part(sqlite3_context *c, int n, sqlite3_value **v)
{
    enum unit u = unit_arg(c, v[0]);
    int64_t ms;
    bool has_time;
    (void)n;
    if (u != UNIT_NONE && time_arg(v[1], &ms, &has_time))
        sqlite3_result_int64(c, part_of(u, ms));
}

static int64_t trunc_to(enum unit u, int64_t ms)
{
    struct time_civil t = time_civil_of(ms);
    switch (u) {
    case UNIT_YEAR:
        t.month = 1;
        break;
    case UNIT_QUARTER:
        t.month = (t.month - 1) / 3 * 3 + 1;
        break;
    case UNIT_MONTH:
        break;
    case UNIT_WEEK:
        return (week_of(ms) * 7 - 3) * DAY_MS;
    case UNIT_HOUR:
        return floor_div(ms, HOUR_MS) * HOUR_MS;
    case UNIT_MINUTE:
        return floor_div(ms, MIN_MS) * MIN_MS;
    case UNIT_SECOND:
    case UNIT_EPOCH:
        return floor_div(ms, 1000) * 1000;
    case UNIT_MS:
        return ms;
    case UNIT_DAY:
    case UNIT_DOW:
    case UNIT_DOY:
    case UNIT_NONE:
        return days_of(ms) * DAY_MS;
    }
    struct time_civil first = {.year = t.year, .month = t.month, .day = 1};
    return time_from_civil(&first);
}

/* date_trunc(unit, x) and date_trunc(x, unit) */
static void fn_date_trunc(sqlite3_context *c, int n, sqlite3_value **v)
{
    const char *first = (const char *)sqlite3_value_text(v[0]);
    bool is_unit_first = first && isalpha((unsigned char)*first);
    sqlite3_value *what = v[is_unit_first ? 1 : 0];
    int64_t ms;
    bool has_time;
    (void)n;
    if (sqlite3_value_type(what) == SQLITE_NULL)
        return;
    enum unit u = unit_arg(c, v[is_unit_first ? 0 : 1]);
    if (u != UNIT_NONE && time_arg(what, &ms, &has_time))
        result_time(c, trunc_to(u, ms), has_time);
}

static int64_t add_months(int64_t ms, int64_t months)
{
    struct time_civil t = time_civil_of(ms);
    int64_t total = (int64_t)t.year * 12 + t.month - 1 + months;
    int64_t in_day = ms - days_of(ms) * DAY_MS;
    struct time_civil to = {.year = (int)floor_div(total, 12)};
    to.month = (int)(total - (int64_t)to.year * 12) + 1;
    int last = month_days(to.year, to.month);
    to.day = t.day < last ? t.day : last;
    return time_from_civil(&to) + in_day;
}

static int64_t add_units(enum unit u, int64_t ms, int64_t k)
{
    switch (u) {
    case UNIT_YEAR:
        return add_months(ms, k * 12);
    case UNIT_QUARTER:
        return add_months(ms, k * 3);
    case UNIT_MONTH:
        return add_months(ms, k);
    case UNIT_WEEK:
        return ms + k * 7 * DAY_MS;
    case UNIT_HOUR:
        return ms + k * HOUR_MS;
    case UNIT_MINUTE:
        return ms + k * MIN_MS;
    case UNIT_SECOND:
    case UNIT_EPOCH:
        return ms + k * 1000;
    case UNIT_MS:
        return ms + k;
    case UNIT_DAY:
    case UNIT_DOW:
    case UNIT_DOY:
    case UNIT_NONE:
        break;
    }
    return ms + k * DAY_MS;
}

static bool is_below_day(enum unit u)
{
    return u == UNIT_HOUR || u == UNIT_MINUTE || u == UNIT_SECOND || u == UNIT_MS ||
           u == UNIT_EPOCH;
}

#define MAX_STEP INT64_C(4000000000000) /* keeps every product inside 64 bits */

static void fn_dateadd(sqlite3_context *c, int n, sqlite3_value **v)
{
    int64_t ms;
    bool has_time;
    (void)n;
    if (sqlite3_value_type(v[1]) == SQLITE_NULL || !time_arg(v[2], &ms, &has_time))
        return;
    enum unit u = unit_arg(c, v[0]);
    int64_t k = sqlite3_value_int64(v[1]);
    if (u == UNIT_NONE || k > MAX_STEP / 1000000 || k < -MAX_STEP / 1000000)
        return;
    result_time(c, add_units(u, ms, k), has_time || is_below_day(u));
}

static int64_t boundary(enum unit u, int64_t ms)
{
    struct time_civil t = time_civil_of(ms);
    switch (u) {
    case UNIT_YEAR:
        return t.year;
    case UNIT_QUARTER:
        return (int64_t)t.year * 4 + (t.month - 1) / 3;
    case UNIT_MONTH:
        return (int64_t)t.year * 12 + t.month;
    case UNIT_WEEK:
        return week_of(ms);
    case UNIT_HOUR:
        return floor_div(ms, HOUR_MS);
    case UNIT_MINUTE:
        return floor_div(ms, MIN_MS);
    case UNIT_SECOND:
    case UNIT_EPOCH:
        return floor_div(ms, 1000);
    case UNIT_MS:
        return ms;
    case UNIT_DAY:
    case UNIT_DOW:
    case UNIT_DOY:
    case UNIT_NONE:
        break;
    }
    return days_of(ms);
}

static void fn_datediff(sqlite3_context *c, int n, sqlite3_value **v)
{
    int64_t a, b;
    bool has_time;
    (void)n;
    enum unit u = unit_arg(c, v[0]);
    if (u != UNIT_NONE && time_arg(v[1], &a, &has_time) &&
        time_arg(v[2], &b, &has_time))
        sqlite3_result_int64(c, boundary(u, b) - boundary(u, a));
}

static void fn_last_day(sqlite3_context *c, int n, sqlite3_value **v)
{
    int64_t ms;
    bool has_time;
    enum unit u = n > 1 ? unit_arg(c, v[1]) : UNIT_MONTH;
    if (u != UNIT_NONE && time_arg(v[0], &ms, &has_time))
        result_time(c, add_units(u, trunc_to(u, ms), 1) - DAY_MS, false);
}

/* "1 day", "1 day, 2 hours", "3" (days); sign '+' or '-'. */
static bool apply_interval(const char *spec, char sign, int64_t *ms, bool *has_time)
{
    while (*spec) {
        char *end;
        long long k = strtoll(spec, &end, 10);
        if (end == spec || k > MAX_STEP / 1000000 || k < -MAX_STEP / 1000000)
            return false;
        while (*end == ' ')
            end++;
        size_t n = strcspn(end, ", ");
        enum unit u = n ? unit_of(end, n) : UNIT_DAY;
        if (u == UNIT_NONE)
            return false;
        *ms = add_units(u, *ms, sign == '-' ? -k : k);
        *has_time = *has_time || is_below_day(u);
        spec = end + n;
        spec += strspn(spec, ", ");
    }
    return true;
}

/* weir_interval(x, sign, spec): what x + INTERVAL 'spec' is translated to */
static void fn_interval(sqlite3_context *c, int n, sqlite3_value **v)
{
    int64_t ms;
    bool has_time;
    const char *sign = (const char *)sqlite3_value_text(v[1]);
    const char *spec = (const char *)sqlite3_value_text(v[2]);
    (void)n;
    if (!time_arg(v[0], &ms, &has_time) || !sign || !spec)
        return;
    if (apply_interval(spec, *sign, &ms, &has_time)) {
        result_time(c, ms, has_time);
        return;
    }
    char *text =
        sqlite3_mprintf("INTERVAL '%s' is not understood; write as '1 day'", spec);
    sqlite3_result_error(c, text ? text : "INTERVAL", -1);
    sqlite3_free(text);
}

static int64_t now_of(sqlite3_context *c)
{
    const struct lite *l = sqlite3_user_data(c);
    return l->now_ms >= 0 ? l->now_ms : time_wall_ms();
}

static void fn_now(sqlite3_context *c, int n, sqlite3_value **v)
{
    (void)n;
    (void)v;
    result_time(c, now_of(c), true);
}

static void fn_today(sqlite3_context *c, int n, sqlite3_value **v)
{
    (void)n;
    (void)v;
    result_time(c, now_of(c), false);
}

static const struct part_row {
    const char *name;
    enum unit unit;
} parts[] = {
    {"minute", UNIT_MINUTE},   {"second", UNIT_SECOND}, {"day", UNIT_DAY},
    {"dayofmonth", UNIT_DAY},  {"month", UNIT_MONTH},   {"year", UNIT_YEAR},
    {"quarter", UNIT_QUARTER}, {"week", UNIT_WEEK},     {"weekofyear", UNIT_WEEK},
    {"weekiso", UNIT_WEEK},    {"dayofweek", UNIT_DOW}, {"dayofyear", UNIT_DOY},
};

int lite_register_dates(struct lite *l)
{
    const int pure = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
    const struct {
        const char *name;
        int n;
        void (*fn)(sqlite3_context *, int, sqlite3_value **);
    } rows[] = {
        {"hour", 1, fn_hour},
        {"date_part", 2, fn_date_part},
        {"date_trunc", 2, fn_date_trunc},
        {"dateadd", 3, fn_dateadd},
        {"timestampadd", 3, fn_dateadd},
        {"datediff", 3, fn_datediff},
        {"timestampdiff", 3, fn_datediff},
        {"last_day", 1, fn_last_day},
        {"last_day", 2, fn_last_day},
        {"weir_interval", 3, fn_interval},
    };
    int rc = SQLITE_OK;
    for (size_t i = 0; rc == SQLITE_OK && i < sizeof rows / sizeof *rows; i++)
        rc = sqlite3_create_function(l->db, rows[i].name, rows[i].n, pure,
                                     (void *)(intptr_t)UNIT_HOUR, /* hour's slow path */

                                     rows[i].fn, NULL, NULL);
    for (size_t i = 0; rc == SQLITE_OK && i < sizeof parts / sizeof *parts; i++)
        rc = sqlite3_create_function(l->db, parts[i].name, 1, pure,
                                     (void *)(intptr_t)parts[i].unit, fn_part, NULL,
                                     NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_create_function(l->db, "weir_now", 0,
                                     SQLITE_UTF8 | SQLITE_INNOCUOUS, l, fn_now, NULL,
                                     NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_create_function(l->db, "weir_today", 0,
                                     SQLITE_UTF8 | SQLITE_INNOCUOUS, l, fn_today, NULL,
                                     NULL);
    return rc;
}
