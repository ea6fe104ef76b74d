/* Cron expressions: five fields of numbers, names, ranges, steps and lists, or @hourly
 * and its like. Pure logic; called by the supervisor and `weir conf check`. The day
 * rule is POSIX crontab's: when both day fields are restricted, either may match. */
#include "orchestrate/schedule.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"

#define MINUTE_MS   ((int64_t)60000)
#define EVERY_HOUR  0xFFFFFFu
#define SEARCH_DAYS (366 * 9) /* 29 February is at most eight years away */

struct field {
    const char *name;
    int least, most;
    const char *const *names; /* names[0] stands for least */
    int n_names;
};

static const char *const month_names[] = {"jan", "feb", "mar", "apr", "may", "jun",
                                          "jul", "aug", "sep", "oct", "nov", "dec"};
static const char *const day_names[] = {"sun", "mon", "tue", "wed",
                                        "thu", "fri", "sat"};
static const struct field fields[] = {
    {"minute", 0, 59, NULL, 0},          {"hour", 0, 23, NULL, 0},
    {"day of month", 1, 31, NULL, 0},    {"month", 1, 12, month_names, 12},
    {"day of week", 0, 7, day_names, 7},
};

static bool take_value(const char **s, const struct field *f, int *out)
{
    const char *p = *s;
    int v = 0;
    if (isdigit((unsigned char)*p)) {
        while (isdigit((unsigned char)*p) && v < 1000)
            v = v * 10 + (*p++ - '0');
        *out = v;
        *s = p;
        return v >= f->least && v <= f->most;
    }
    for (int i = 0; i < f->n_names; i++)
        if (strncasecmp(p, f->names[i], 3) == 0) {
            *out = f->least + i;
            *s = p + 3;
            return true;
        }
    return false;
}

/* "*", "5", "1-5", "mon-fri", any with "/2" behind. */
static bool take_range(const char **s, const struct field *f, uint64_t *set)
{
    int from = f->least, to = f->most, step = 1;
    bool is_any = **s == '*';
    if (is_any) {
        (*s)++;
    } else {
        if (!take_value(s, f, &from))
            return false;
        to = from;
        if (**s == '-') {
            (*s)++;
            if (!take_value(s, f, &to) || to < from)
                return false;
        } else if (**s == '/') {
            to = f->most; /* "5/10" is 5-59/10 */
        }
    }
    if (**s == '/') {
        (*s)++;
        int v = 0;
        if (!isdigit((unsigned char)**s))
            return false;
        while (isdigit((unsigned char)**s) && v < 1000)
            v = v * 10 + (*(*s)++ - '0');
        if (v < 1)
            return false;
        step = v;
    }
    for (int v = from; v <= to; v += step)
        *set |= UINT64_C(1) << v;
    return true;
}

static int parse_field(const char *text, const struct field *f, uint64_t *set,
                       struct err *e)
{
    const char *p = text;
    *set = 0;
    do {
        if (!take_range(&p, f, set))
            return err_set(e, ERR_CONFIG,
                           "cron: \"%.60s\" is no %s: expected %d to %d%s, a "
                           "range a-b, a list a,b or a step */n",
                           text, f->name, f->least, f->most,
                           f->n_names ? " or a name" : "");
    } while (*p == ',' && *++p);
    if (*p || p[-1] == ',')
        return err_set(e, ERR_CONFIG, "cron: \"%.60s\" is no %s", text, f->name);
    return 0;
}

static const char *expand_macro(const char *text)
{
    static const char *const macros[][2] = {
        {"@hourly", "0 * * * *"},   {"@daily", "0 0 * * *"},
        {"@midnight", "0 0 * * *"}, {"@weekly", "0 0 * * 0"},
        {"@monthly", "0 0 1 * *"},  {"@yearly", "0 0 1 1 *"},
        {"@annually", "0 0 1 1 *"},
    };
    for (size_t i = 0; i < sizeof macros / sizeof *macros; i++)
        if (strcasecmp(text, macros[i][0]) == 0)
            return macros[i][1];
    return text;
}

int cron_parse(struct cron *c, const char *text, struct err *e)
{
    char copy[300], *word[6], *save = NULL;
    int n = 0;
    *c = (struct cron){0};
    if (!str_copy(copy, sizeof copy, expand_macro(text)))
        return err_set(e, ERR_CONFIG, "cron: longer than 300 characters");
    for (char *w = strtok_r(copy, " \t", &save); w && n < 6;
         w = strtok_r(NULL, " \t", &save))
        word[n++] = w;
    if (n != 5)
        return err_set(e, ERR_CONFIG,
                       "cron: \"%.100s\" has %s fields; expected five: "
                       "minute, hour, day of month, month, day of week",
                       text, n < 5 ? "too few" : "too many");
    uint64_t *sets[] = {&c->minute, &c->hour, &c->day, &c->month, &c->weekday};
    int rc = 0;
    for (int i = 0; i < 5 && rc == 0; i++)
        rc = parse_field(word[i], &fields[i], sets[i], e);
    c->day_any = word[2][0] == '*';
    c->weekday_any = word[4][0] == '*';
    if (c->weekday & (1 << 7)) /* 7 is Sunday too */
        c->weekday |= 1;
    return rc;
}

static bool has(uint64_t set, int v)
{
    return set >> v & 1;
}

static bool day_matches(const struct cron *c, const struct time_civil *t)
{
    bool day = has(c->day, t->day), weekday = has(c->weekday, t->weekday);
    if (!has(c->month, t->month))
        return false;
    if (c->day_any || c->weekday_any)
        return day && weekday;
    return day || weekday;
}

static int64_t offset_ms(const struct time_zone *z, int64_t utc_ms)
{
    return z ? (int64_t)time_zone_offset_s(z, utc_ms) * 1000 : 0;
}

/* UTC of a local time. Where the clock was put forward over it, the first minute behind
 * the gap; where it is there twice, the first of the two. */
static int64_t to_utc(const struct time_zone *z, int64_t local_ms)
{
    int64_t before = offset_ms(z, local_ms - 86400000),
            after = offset_ms(z, local_ms + 86400000);
    int64_t early = local_ms - (before > after ? before : after);
    int64_t late = local_ms - (before > after ? after : before);
    if (offset_ms(z, early) == local_ms - early)
        return early;
    if (offset_ms(z, late) == local_ms - late)
        return late;
    /* In the gap: go to the minute at which the offset changes. */
    int64_t lo = early, hi = late;
    while (hi - lo > MINUTE_MS) {
        int64_t mid = lo + (hi - lo) / 2 / MINUTE_MS * MINUTE_MS;
        if (mid <= lo)
            mid = lo + MINUTE_MS;
        if (offset_ms(z, mid) == before)
            lo = mid;
        else
            hi = mid;
    }
    return hi;
}

/* First match on the local day that begins at day_ms, not before floor_ms (UTC). */
static int64_t first_on_day(const struct cron *c, const struct time_zone *z,
                            int64_t day_ms, int64_t after_ms)
{
    for (int h = 0; h < 24; h++) {
        if (!has(c->hour, h))
            continue;
        for (int m = 0; m < 60; m++) {
            if (!has(c->minute, m))
                continue;
            int64_t utc = to_utc(z, day_ms + (h * 60 + m) * MINUTE_MS);
            if (utc > after_ms)
                return utc;
        }
    }
    return -1;
}

/* Every hour means every hour that passes, as in Vixie's cron: where the clock changes,
 * the next minute whose local time matches. */
static int64_t next_of_every_hour(const struct cron *c, const struct time_zone *z,
                                  int64_t after_ms, int64_t by_day)
{
    int64_t at = after_ms - after_ms % MINUTE_MS, end = at + 26 * 60 * MINUTE_MS;
    if (offset_ms(z, after_ms) == offset_ms(z, by_day))
        return by_day;
    while ((at += MINUTE_MS) <= end) {
        struct time_civil t = time_civil_of(at + offset_ms(z, at));
        if (has(c->minute, t.minute) && day_matches(c, &t))
            return at;
    }
    return by_day;
}

static int64_t next_by_day(const struct cron *c, const struct time_zone *z,
                           int64_t after_ms)
{
    int64_t local = after_ms + offset_ms(z, after_ms);
    struct time_civil t = time_civil_of(local);
    t.hour = t.minute = t.second = 0;
    /* From the day before: a clock put back may bring its last times again. */
    int64_t day_ms = time_from_civil(&t) - 86400000;
    for (int i = 0; i < SEARCH_DAYS; i++, day_ms += 86400000) {
        struct time_civil day = time_civil_of(day_ms);
        int64_t at = day_matches(c, &day) ? first_on_day(c, z, day_ms, after_ms) : -1;
        if (at >= 0)
            return at;
    }
    return -1; /* 30 February */
}

int64_t cron_next(const struct cron *c, const struct time_zone *z, int64_t after_ms)
{
    int64_t at = next_by_day(c, z, after_ms);
    bool is_hourly = (c->hour & EVERY_HOUR) == EVERY_HOUR;
    return z && at >= 0 && is_hourly ? next_of_every_hour(c, z, after_ms, at) : at;
}

/* ── which times are served
 * ───────────────────────────────────────────────────────────── */

enum schedule_catch_up schedule_catch_up_of(const char *word)
{
    if (word && streq(word, "all"))
        return CATCH_UP_ALL;
    return word && streq(word, "none") ? CATCH_UP_NONE : CATCH_UP_LATEST;
}

/* Fire times in (last, now], the first ones; false: there are more. */
static bool list_missed(const struct cron *c, const struct time_zone *z,
                        int64_t last_ms, int64_t now_ms, struct schedule_due *out)
{
    int64_t at = last_ms;
    while ((at = cron_next(c, z, at)) > 0 && at <= now_ms) {
        if (out->n == SCHEDULE_FIRES_MAX)
            return false;
        out->fires[out->n++] = at;
    }
    return true;
}

static void keep_only(struct schedule_due *out, int64_t fire_ms)
{
    out->fires[0] = fire_ms;
    out->n = 1;
}

void schedule_due(const struct cron *c, const struct time_zone *z,
                  enum schedule_catch_up how, int64_t last_ms, int64_t now_ms,
                  int64_t grace_ms, struct schedule_due *out)
{
    out->n = 0;
    out->served_ms = last_ms;
    if (last_ms < 0) {
        out->served_ms = now_ms;
        if (how != CATCH_UP_NONE)
            keep_only(out, now_ms);
        return;
    }
    if (last_ms > now_ms) {
        if (last_ms - now_ms > SCHEDULE_BACK_MS)
            out->served_ms = now_ms;
        return;
    }
    bool is_all = list_missed(c, z, last_ms, now_ms, out);
    if (out->n == 0)
        return;
    int64_t newest = is_all ? out->fires[out->n - 1] : now_ms;
    out->served_ms = newest;
    if (how == CATCH_UP_ALL)
        return;
    keep_only(out, newest);
    if (how == CATCH_UP_NONE && grace_ms >= 0 && now_ms - newest > grace_ms)
        out->n = 0;
}
