/* Numbers and times as text. In: figures of the feeds; out: short text. Called by
 * grid.c and the views. Holds always: no locale is consulted, so a screen is the same
 * everywhere, and the text never exceeds FMT_MAX. */
#include "ui/fmt.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *fmt_count(int64_t v, char out[FMT_MAX])
{
    char digits[24];
    size_t n, k = 0;

    if (v < 0) {
        snprintf(out, FMT_MAX, "-");
        return out;
    }
    n = (size_t)snprintf(digits, sizeof digits, "%lld", (long long)v);
    for (size_t i = 0; i < n; i++) {
        if (i && (n - i) % 3 == 0)
            out[k++] = ',';
        out[k++] = digits[i];
    }
    out[k] = '\0';
    return out;
}

char *fmt_money(double v, char out[FMT_MAX])
{
    double cents = round(fabs(v) * 100);
    char whole[FMT_MAX];

    if (!isfinite(v) || cents > 9e15) {
        snprintf(out, FMT_MAX, "-");
        return out;
    }
    fmt_count((int64_t)cents / 100, whole);
    snprintf(out, FMT_MAX, "%s%.30s.%02d", v < 0 && cents > 0 ? "-" : "", whole,
             (int)((int64_t)cents % 100));
    return out;
}

/* Three digits that matter with the unit of their thousand. */
static char *scaled(double v, double step, const char *const *units, char out[FMT_MAX])
{
    int u = 0;

    if (!isfinite(v) || v < 0) {
        snprintf(out, FMT_MAX, "-");
        return out;
    }
    while (v >= step * 0.9995 && units[u + 1]) {
        v /= step;
        u++;
    }
    if (u == 0 && (v >= 10 || v == floor(v)))
        snprintf(out, FMT_MAX, "%.0f%s", v, units[u]);
    else
        snprintf(out, FMT_MAX, v < 99.95 ? "%.1f%s" : "%.0f%s", v, units[u]);
    return out;
}

char *fmt_short(double v, char out[FMT_MAX])
{
    static const char *const units[] = {"", "k", "M", "G", "T", NULL};
    return scaled(v, 1000, units, out);
}

char *fmt_rate(double v, char out[FMT_MAX])
{
    size_t n = strlen(fmt_short(v, out));

    if (out[0] != '-')
        snprintf(out + n, FMT_MAX - n, "/s");
    return out;
}

char *fmt_bytes(double v, char out[FMT_MAX])
{
    static const char *const units[] = {" B", " kB", " MB", " GB", " TB", NULL};
    return scaled(v, 1000, units, out);
}

char *fmt_span(int64_t ms, char out[FMT_MAX])
{
    char text[32];

    if (ms < 0)
        snprintf(out, FMT_MAX, "-");
    else if (ms < 50)
        snprintf(out, FMT_MAX, "0s");
    else if (ms < 1000)
        snprintf(out, FMT_MAX, "%.1fs", (double)ms / 1000);
    else
        snprintf(out, FMT_MAX, "%s", time_format_duration(ms / 1000 * 1000, text));
    return out;
}

char *fmt_seconds(double s, char out[FMT_MAX])
{
    if (!isfinite(s) || s < 0)
        snprintf(out, FMT_MAX, "-");
    else if (s < 10)
        snprintf(out, FMT_MAX, "%.2fs", s);
    else if (s < 60)
        snprintf(out, FMT_MAX, "%.1fs", s);
    else
        fmt_span((int64_t)(s * 1000), out);
    return out;
}

const char *fmt_first_line(const char *text, char *cut, size_t size)
{
    size_t n = strcspn(text, "\n");

    if (!text[n])
        return text;
    snprintf(cut, size, "%.*s ...", (int)(n < size - 5 ? n : size - 5), text);
    return cut;
}

/* Minutes that clocks of the zone are ahead of UTC. */
static int offset_min(const struct time_zone *zone, int64_t at_ms)
{
    return zone ? time_zone_offset_s(zone, at_ms) / 60 : 0;
}

static struct time_civil civil_in(const struct time_zone *zone, int64_t at_ms)
{
    return time_civil_of(at_ms + offset_min(zone, at_ms) * INT64_C(60000));
}

char *fmt_time(int64_t at_ms, struct fmt_when when, char out[FMT_MAX])
{
    if (at_ms <= 0) {
        snprintf(out, FMT_MAX, "-");
        return out;
    }
    struct time_civil at = civil_in(when.zone, at_ms),
                      now = civil_in(when.zone, when.now_ms);
    if (at.year == now.year && at.month == now.month && at.day == now.day)
        snprintf(out, FMT_MAX, "%02d:%02d:%02d", at.hour, at.minute, at.second);
    else if (at.year == now.year)
        snprintf(out, FMT_MAX, "%02d-%02d %02d:%02d", at.month, at.day, at.hour,
                 at.minute);
    else
        snprintf(out, FMT_MAX, "%04d-%02d-%02d %02d:%02d", at.year, at.month, at.day,
                 at.hour, at.minute);
    return out;
}

/* "UTC", "-04:00". */
static void zone_text(const struct time_zone *zone, int64_t at_ms, char out[16])
{
    int offset = offset_min(zone, at_ms);

    if (zone)
        snprintf(out, 16, "%c%02d:%02d", offset < 0 ? '-' : '+', abs(offset) / 60 % 100,
                 abs(offset) % 60);
    else
        snprintf(out, 16, "UTC");
}

char *fmt_clock(struct fmt_when when, char out[FMT_MAX])
{
    char zone[16];

    if (when.now_ms <= 0) {
        snprintf(out, FMT_MAX, "-");
        return out;
    }
    struct time_civil c = civil_in(when.zone, when.now_ms);
    zone_text(when.zone, when.now_ms, zone);
    snprintf(out, FMT_MAX, "%04d-%02d-%02d %02d:%02d %s", c.year, c.month, c.day,
             c.hour, c.minute, zone);
    return out;
}

char *fmt_exact(int64_t at_ms, struct fmt_when when, char out[FMT_MAX])
{
    char zone[16], text[32];
    int64_t local = at_ms + offset_min(when.zone, at_ms) * INT64_C(60000);

    zone_text(when.zone, at_ms, zone);
    snprintf(out, FMT_MAX, "%s %s", time_format_sql(local, true, text), zone);
    return out;
}
