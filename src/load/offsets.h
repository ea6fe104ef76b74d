/* Offsets of a loader in the warehouse, written in the same transaction as the rows:
 * SCHEMA."_weir_offsets"(pipeline, topic, part, next_off, epoch).
 *
 * Exactly once (design §5.1; the same shape as Snowflake's Kafka connector): a batch
 * moves next_off from lo to hi only where it still is lo and the epoch is ours; a newer
 * loader has raised the epoch, so an older one's batch rolls back. */
#ifndef LOAD_OFFSETS_H
#define LOAD_OFFSETS_H

#include <stdbool.h>
#include <stdint.h>
#include "bus/bus.h"
#include "warehouse/warehouse.h"

struct load_part {
    int64_t next;     /* in the warehouse, committed */
    int64_t position; /* behind what the open batch holds */
    int64_t told;     /* committed to the bus for lag display */
};
struct load_offsets {
    struct wh *wh;
    const char *schema, *pipeline, *topic;
    int64_t epoch;
    struct load_part *parts;
    int n;
};

/* Tables made, epoch raised, offsets read: in one transaction. A partition seen for the
 * first time begins at the log's start. ranges: n of them, as bus_ranges gives. */
int offsets_claim(struct load_offsets *o, struct wh *w, const char *schema,
                  const char *pipeline, const char *topic,
                  const struct bus_range *ranges, int n, struct err *e);
/* The same read only, nothing claimed: next is 0 where nothing was loaded. */
int offsets_look(struct load_offsets *o, struct wh *w, const char *schema,
                 const char *pipeline, const char *topic, int n, struct err *e);
void offsets_release(struct load_offsets *o);
/* Is everything still there that comes next? ERR_CORRUPT names the lost range. */
int offsets_check(const struct load_offsets *o, const struct bus_range *ranges,
                  struct err *e);
/* In the batch's transaction: move next to position for every partition that moved.
 * ERR_FENCED when another loader took over. */
int offsets_move(struct load_offsets *o, struct err *e);
/* For a replay, in its transaction: next of one partition, and an epoch that fences the
 * loader that may still run. parts are not used. */
int offsets_set_back(struct load_offsets *o, int32_t partition, int64_t next,
                     struct err *e);
void offsets_committed(struct load_offsets *o); /* the transaction is through */
void offsets_rolled_back(struct load_offsets *o);
/* Records loaded so far: the sum of next. */
int64_t offsets_rows(const struct load_offsets *o);

/* loaded_at of a batch for a relation, ms: later than every batch before it, whatever
 * the clock does (incremental models ask for loaded_at > max(loaded_at)). In the
 * batch's transaction. */
int offsets_loaded_at(struct load_offsets *o, const char *table, int64_t *ms,
                      struct err *e);

/* One statement with bound values: text (char *) for 's', int64_t for 'i'. Rows
 * changed, or negative. */
int64_t load_execute(struct wh *w, struct err *e, const char *sql, const char *types,
                     ...);

#endif
