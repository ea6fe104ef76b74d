/* Cron expressions (5 fields, names, ranges, steps, lists; POSIX crontab day rule) in a
 * time zone, and which of their times are to be served. Pure logic. */
#ifndef ORCHESTRATE_SCHEDULE_H
#define ORCHESTRATE_SCHEDULE_H

#include <stddef.h>
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
 * One of every hour fires each hour that passes. -1 when it never fires (30 February).
 */
int64_t cron_next(const struct cron *c, const struct time_zone *z, int64_t after_ms);

/* What a schedule does about fire times that went by (catch_up in weir.yml). */
enum schedule_catch_up { CATCH_UP_LATEST, CATCH_UP_ALL, CATCH_UP_NONE };
enum schedule_catch_up schedule_catch_up_of(const char *word); /* NULL: latest */

#define SCHEDULE_FIRES_MAX 100
/* A clock that was put back by more than this was wrong before. */
#define SCHEDULE_BACK_MS 86400000

struct schedule_due {
    int64_t fires[SCHEDULE_FIRES_MAX]; /* in order; a run for each */
    size_t n;
    int64_t served_ms; /* what is remembered as the last fire time, -1: nothing yet */
};
/* What is to be run at now_ms, when last_ms was the last fire time served (-1: never
 * looked at). A schedule that is new counts the present as missed, so that a new
 * platform gets its tables. latest: the newest time only. all: each, as far as there
 * are SCHEDULE_FIRES_MAX; beyond, the rest of history is one step. none: a time only
 * while it is not older than grace_ms (< 0: whatever its age, for a clock that moves in
 * steps). Nothing fires again when the clock is put back; where that was by more than
 * SCHEDULE_BACK_MS the schedule goes on from now. */
void schedule_due(const struct cron *c, const struct time_zone *z,
                  enum schedule_catch_up how, int64_t last_ms, int64_t now_ms,
                  int64_t grace_ms, struct schedule_due *out);

#endif
