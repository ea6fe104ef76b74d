/* IANA zones from the system's TZif files (RFC 8536): version 2+ data with 64-bit
 * times, and the POSIX TZ footer for times behind the last transition. In: a zone name.
 * Out: the offset at any UTC time. Always holds: a zone once loaded stays for the life
 * of the process, so pointers to it may be kept. */
#include "base/timeutil.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/map.h"
#include "base/mem.h"

#define ZONE_FILE_MAX ((size_t)1 << 20)

enum rule_kind { RULE_JULIAN, RULE_DAY, RULE_MONTH };

/* When daylight saving starts or ends each year (POSIX TZ). */
struct zone_rule {
    enum rule_kind kind;
    int month, week, day; /* day: 0..6 weekday, 1..365 or 0..365 */
    int32_t at_s;         /* local seconds after midnight, may be negative */
};

struct time_zone {
    int64_t *at_s;     /* UTC seconds of each transition, ascending */
    int32_t *offset_s; /* offset from then on */
    size_t n;
    int32_t first_s; /* offset before the first transition */
    bool has_footer, has_dst;
    int32_t std_s, dst_s;
    struct zone_rule start, end;
};

static uint64_t big_endian(const char *p, int n)
{
    uint64_t v = 0;
    for (int i = 0; i < n; i++)
        v = v << 8 | (unsigned char)p[i];
    return v;
}

static bool take_name(const char **s)
{
    const char *p = *s;
    if (*p == '<') {
        p = strchr(p, '>');
        if (!p)
            return false;
        *s = p + 1;
        return true;
    }
    while (isalpha((unsigned char)*p))
        p++;
    bool ok = p - *s >= 3;
    *s = p;
    return ok;
}

static bool take_number(const char **s, int max, int *out)
{
    int v = 0;
    if (!isdigit((unsigned char)**s))
        return false;
    while (isdigit((unsigned char)**s) && v <= max)
        v = v * 10 + (*(*s)++ - '0');
    *out = v;
    return v <= max;
}

/* [+-]h[h[h]][:mm[:ss]] */
static bool take_hms(const char **s, int32_t *out)
{
    int sign = 1, h, m = 0, sec = 0;
    if (**s == '-' || **s == '+')
        sign = *(*s)++ == '-' ? -1 : 1;
    if (!take_number(s, 167, &h))
        return false;
    if (**s == ':') {
        (*s)++;
        if (!take_number(s, 59, &m))
            return false;
        if (**s == ':') {
            (*s)++;
            if (!take_number(s, 59, &sec))
                return false;
        }
    }
    *out = sign * (h * 3600 + m * 60 + sec);
    return true;
}

static bool take_rule(const char **s, struct zone_rule *r)
{
    *r = (struct zone_rule){.kind = RULE_DAY, .at_s = 7200};
    if (*(*s)++ != ',')
        return false;
    if (**s == 'M') {
        r->kind = RULE_MONTH;
        (*s)++;
        if (!take_number(s, 12, &r->month) || *(*s)++ != '.' ||
            !take_number(s, 5, &r->week) || *(*s)++ != '.' ||
            !take_number(s, 6, &r->day))
            return false;
        if (r->month < 1 || r->week < 1)
            return false;
    } else {
        if (**s == 'J') {
            r->kind = RULE_JULIAN;
            (*s)++;
        }
        if (!take_number(s, 365, &r->day))
            return false;
    }
    if (**s == '/') {
        (*s)++;
        return take_hms(s, &r->at_s);
    }
    return true;
}

static bool parse_footer(struct time_zone *z, const char *s)
{
    int32_t west;
    if (!take_name(&s) || !take_hms(&s, &west))
        return false;
    z->std_s = -west;
    if (!*s)
        return z->has_footer = true;
    z->dst_s = z->std_s + 3600;
    if (!take_name(&s))
        return false;
    if (*s && *s != ',') {
        if (!take_hms(&s, &west))
            return false;
        z->dst_s = -west;
    }
    if (!take_rule(&s, &z->start) || !take_rule(&s, &z->end) || *s)
        return false;
    return z->has_dst = z->has_footer = true;
}

/* Seconds since 1970 of the rule's moment in a year, on the local clock. */
static int64_t rule_local_s(const struct zone_rule *r, int year)
{
    struct time_civil c = {.year = year, .month = 1, .day = 1};
    int64_t day_s = 86400;
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (r->kind != RULE_MONTH) {
        int day = r->day;
        if (r->kind == RULE_JULIAN)
            day = day - 1 + (is_leap && day >= 60);
        return time_from_civil(&c) / 1000 + day * day_s + r->at_s;
    }
    c.month = r->month;
    int64_t first = time_from_civil(&c);
    int skip = (r->day - time_civil_of(first).weekday + 7) % 7 + (r->week - 1) * 7;
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int length = lengths[r->month - 1] + (r->month == 2 && is_leap);
    while (skip >= length)
        skip -= 7;
    return first / 1000 + skip * day_s + r->at_s;
}

static int32_t footer_offset(const struct time_zone *z, int64_t utc_s)
{
    if (!z->has_dst)
        return z->std_s;
    int year = time_civil_of((utc_s + z->std_s) * 1000).year;
    int64_t start = rule_local_s(&z->start, year) - z->std_s;
    int64_t end = rule_local_s(&z->end, year) - z->dst_s;
    bool is_dst =
        start < end ? utc_s >= start && utc_s < end : utc_s >= start || utc_s < end;
    return is_dst ? z->dst_s : z->std_s;
}

struct tzif {
    const char *at;
    size_t isut, isstd, leap, time, type, chars;
};

static bool read_header(struct tzif *h, const char *p, const char *end)
{
    if (end - p < 44 || memcmp(p, "TZif", 4) != 0)
        return false;
    size_t *fields[] = {&h->isut, &h->isstd, &h->leap, &h->time, &h->type, &h->chars};
    for (int i = 0; i < 6; i++)
        *fields[i] = big_endian(p + 20 + 4 * i, 4);
    h->at = p + 44;
    return true;
}

static size_t body_bytes(const struct tzif *h, size_t time_bytes)
{
    return h->time * (time_bytes + 1) + h->type * 6 + h->chars +
           h->leap * (time_bytes + 4) + h->isstd + h->isut;
}

static bool read_types(struct time_zone *z, const struct tzif *h)
{
    const char *index = h->at + h->time * 8, *types = index + h->time;
    z->at_s = mem_alloc(h->time * sizeof *z->at_s);
    z->offset_s = mem_alloc(h->time * sizeof *z->offset_s);
    z->n = h->time;
    for (size_t i = 0; i < h->time; i++) {
        size_t k = (unsigned char)index[i];
        if (k >= h->type)
            return false;
        z->at_s[i] = (int64_t)big_endian(h->at + i * 8, 8);
        z->offset_s[i] = (int32_t)(uint32_t)big_endian(types + k * 6, 4);
        if (i && z->at_s[i] <= z->at_s[i - 1])
            return false;
    }
    z->first_s = (int32_t)(uint32_t)big_endian(types, 4);
    return true;
}

static bool parse_tzif(struct time_zone *z, const char *p, size_t n)
{
    struct tzif h;
    const char *end = p + n;
    if (!read_header(&h, p, end) || p[4] < '2')
        return false;
    size_t skip = body_bytes(&h, 4);
    if (skip > (size_t)(end - h.at) || !read_header(&h, h.at + skip, end))
        return false;
    size_t body = body_bytes(&h, 8);
    if (!h.type || body >= (size_t)(end - h.at) || !read_types(z, &h))
        return false;
    const char *footer = h.at + body;
    const char *stop = memchr(footer + 1, '\n', (size_t)(end - footer - 1));
    if (*footer != '\n' || !stop)
        return false;
    if (stop == footer + 1)
        return true; /* no rule: the last transition holds on */
    char *text = mem_strndup(footer + 1, (size_t)(stop - footer - 1));
    bool ok = parse_footer(z, text);
    mem_free(text);
    return ok;
}

static bool is_zone_name(const char *name)
{
    if (!*name || *name == '/' || strstr(name, ".."))
        return false;
    for (const char *p = name; *p; p++)
        if (!isalnum((unsigned char)*p) && !strchr("_+-/", *p))
            return false;
    return strlen(name) < 64;
}

static void zone_free(struct time_zone *z)
{
    mem_free(z->at_s);
    mem_free(z->offset_s);
    mem_free(z);
}

static struct time_zone *zone_load(const char *name, struct err *e)
{
    if (!is_zone_name(name)) {
        err_set(e, ERR_NOTFOUND,
                "\"%s\" is not a time zone's name; expected one like "
                "America/New_York",
                name);
        return NULL;
    }
    struct time_zone *z = mem_alloc(sizeof *z);
    if (streq(name, "UTC")) /* needs no file */
        return z;
    const char *dir = getenv("TZDIR");
    char path[512];
    snprintf(path, sizeof path, "%s/%s", dir ? dir : "/usr/share/zoneinfo", name);
    struct buf b;
    buf_init(&b, ZONE_FILE_MAX);
    bool ok = false;
    if (buf_read_file(&b, path, NULL) < 0)
        err_set(e, ERR_NOTFOUND, "there is no time zone \"%s\" (no file %s)", name,
                path);
    else if (!(ok = parse_tzif(z, buf_str(&b), b.len)))
        err_set(e, ERR_CORRUPT, "%s: not a TZif file of version 2 or later", path);
    buf_release(&b);
    if (ok)
        return z;
    zone_free(z);
    return NULL;
}

const struct time_zone *time_zone_get(const char *name, struct err *e)
{
    static struct map cache;
    struct time_zone *z = map_get(&cache, name);
    if (!z && (z = zone_load(name, e)))
        map_put(&cache, name, z);
    return z;
}

int32_t time_zone_offset_s(const struct time_zone *z, int64_t utc_ms)
{
    int64_t s = utc_ms / 1000 - (utc_ms % 1000 < 0);
    if (!z->n || s >= z->at_s[z->n - 1])
        if (z->has_footer)
            return footer_offset(z, s);
    size_t lo = 0, hi = z->n;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (z->at_s[mid] <= s)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo ? z->offset_s[lo - 1] : z->first_s;
}

int time_zone_hour(const struct time_zone *z, int64_t utc_ms)
{
    return time_civil_of(utc_ms + (int64_t)time_zone_offset_s(z, utc_ms) * 1000).hour;
}
