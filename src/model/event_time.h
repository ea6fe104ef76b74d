/* Windows of time: batches of microbatch models and --sample (event_time.c). */
#ifndef MODEL_EVENT_TIME_H
#define MODEL_EVENT_TIME_H

#include "model/internal.h"

enum event_unit { EVENT_HOUR, EVENT_DAY, EVENT_MONTH, EVENT_YEAR };

/* "hour", "day", "month", "year". */
bool event_unit_named(const char *name, enum event_unit *out);
/* The start of the unit that ms lies in; n units from there; the next start, or ms
 * itself when it is one. UTC. */
int64_t event_truncate(int64_t ms, enum event_unit unit);
int64_t event_offset(int64_t ms, enum event_unit unit, int64_t n);
int64_t event_ceiling(int64_t ms, enum event_unit unit);
/* A date or time as configs and flags write it. */
bool event_parse(const char *text, int64_t *ms);
/* "column >= '…' and column < '…'". */
void event_condition(struct buf *out, const char *adapter, const char *column,
                     const struct event_window *w);
/* The window of --sample. */
int event_sample(const struct project *p, struct event_window *out, bool *is_given,
                 struct err *e);
/* The condition by which a render reads a relation with event_time; nothing: all of it.
 */
int event_filter(const struct render *r, const struct item *of, struct buf *out,
                 struct err *e);

#endif
