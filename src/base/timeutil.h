/* Time: CLOCK_MONOTONIC for intervals, UTC milliseconds since 1970 for storage, the
 * store's IANA zone for people. Calendar arithmetic is proleptic Gregorian. */
#ifndef BASE_TIMEUTIL_H
#define BASE_TIMEUTIL_H

#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "base/str.h"

int64_t time_wall_ms(void);
int64_t time_mono_ms(void);
int64_t time_mono_us(void);

/* "YYYY-MM-DD[T| ]HH:MM:SS[.fff…][Z|±HH:MM]" or a date alone; no zone means UTC.
 * false when the text is anything else or out of range (years 1970..9999). */
bool time_parse_iso(struct str s, int64_t *ms);
/* "YYYY-MM-DDTHH:MM:SSZ" / with ".mmm" when with_ms; out has 32 bytes. */
char *time_format_iso(int64_t ms, bool with_ms, char out[32]);
/* "YYYY-MM-DD HH:MM:SS[.mmm]": the warehouse's text form. */
char *time_format_sql(int64_t ms, bool with_ms, char out[32]);
/* "30s" "5m" "1h" "7d" "250ms" "2w"; a bare number is refused. */
bool time_parse_duration(struct str s, int64_t *ms);
/* Shortest form for people: "45s", "3m 10s", "2h 05m", "4d 1h"; out has 32 bytes. */
char *time_format_duration(int64_t ms, char out[32]);

struct time_civil {
    int year, month, day, hour, minute, second, weekday /* 0 = Sunday */;
};
struct time_civil time_civil_of(int64_t ms); /* UTC */
int64_t time_from_civil(const struct time_civil *c);

/* An IANA zone, loaded from the system's TZif files; cached by name for the life of the
 * process. NULL and e filled when there is no such zone. */
struct time_zone;
const struct time_zone *time_zone_get(const char *name, struct err *e);
int32_t time_zone_offset_s(const struct time_zone *z, int64_t utc_ms);
int time_zone_hour(const struct time_zone *z, int64_t utc_ms); /* 0..23 local */

#endif
