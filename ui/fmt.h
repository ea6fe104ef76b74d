/* Numbers, sizes and times in the form people read at a glance. Every function writes
 * into out (FMT_MAX bytes) and returns it. Negative and unknown values are "-". */
#ifndef UI_FMT_H
#define UI_FMT_H

#include <stddef.h>
#include <stdint.h>
#include "base/timeutil.h"

#define FMT_MAX       48
#define FMT_TIME_LONG 16 /* bytes of fmt_time's longest form */
#define FMT_DATE      10 /* and of its date */

char *fmt_count(int64_t v, char out[FMT_MAX]); /* 1,234,567 */
char *fmt_money(double v, char out[FMT_MAX]);  /* 10,250.00 */
char *fmt_short(double v, char out[FMT_MAX]);  /* 950  41.2k  1.3M */
char *fmt_rate(double v, char out[FMT_MAX]);   /* 41.2k/s */
char *fmt_bytes(double v, char out[FMT_MAX]);  /* 14.2 MB */
char *fmt_span(int64_t ms,
               char out[FMT_MAX]); /* 45s  3m 10s  2h 05m; under 1 s: 0.4s */
char *fmt_seconds(double s, char out[FMT_MAX]); /* 0.12s  12.3s  3m 10s */
/* The first line of a text of several, marked as cut; cut has size bytes. */
const char *fmt_first_line(const char *text, char *cut, size_t size);
/* How times are shown: as seen from which moment, and in which zone. */
struct fmt_when {
    int64_t now_ms;
    const struct time_zone *zone; /* NULL: UTC */
};
/* 06:04:11 on the day of now, 06-15 06:04 in its year, 2017-06-15 06:04 else */
char *fmt_time(int64_t at_ms, struct fmt_when when, char out[FMT_MAX]);
/* now itself with its zone: 2017-06-15 06:04 UTC, 2017-06-15 02:04 -04:00 */
char *fmt_clock(struct fmt_when when, char out[FMT_MAX]);
/* To the millisecond: 2017-06-15 06:04:11.250 UTC */
char *fmt_exact(int64_t at_ms, struct fmt_when when, char out[FMT_MAX]);

#endif
