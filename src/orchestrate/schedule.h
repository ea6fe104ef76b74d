/* Cron expressions (5 fields, names, ranges, steps, lists; POSIX crontab day rule) in a
 * time zone. Pure logic. */
#ifndef ORCHESTRATE_SCHEDULE_H
#define ORCHESTRATE_SCHEDULE_H

#include <stdint.h>
#include "base/err.h"
#include "base/timeutil.h"

struct cron {
    uint64_t minute, hour, day, month, weekday; /* bit sets */
    bool day_any, weekday_any;
};
int cron_parse(struct cron *c, const char *text, struct err *e);
/* First fire time strictly after `after_ms`, in zone z (NULL: UTC). A local time
 * skipped by a clock change fires at the next valid minute; a repeated one fires once.
 */
/* -1 when it never fires (30 February). */
int64_t cron_next(const struct cron *c, const struct time_zone *z, int64_t after_ms);

#endif
