/* What a replay does to a bronze table: rows that are void go, with their offsets where
 * the load itself reads its topic again. Called by load.c (marks) and by the worker
 * that plans and does replays. */
#ifndef LOAD_REPLAY_H
#define LOAD_REPLAY_H

#include <jansson.h>

#include "bus/bus_mark.h"
#include "conf/conf.h"
#include "load/layout.h"
#include "wire/channel.h"

/* A mark at offset at of the load's topic, in the batch's transaction: rows of before
 * that it makes void are deleted. */
int replay_mark(struct wh *w, const struct load_layout *layout,
                const struct conf_load *l, const struct bus_mark *m, int64_t at,
                struct err *e);

/* As stream_replay_plan, for a load: {"topic","table","records","partitions",…}. */
int load_replay_plan(const struct platform *p, const struct conf_load *l,
                     const char *from, json_t **out, struct err *e);
/* In one transaction of the warehouse: the plan's rows deleted, its offsets set back,
 * the epoch raised, so that a loader that still runs can write nothing more. */
int load_replay_apply(const struct platform *p, const struct conf_load *l,
                      const json_t *plan, struct channel *ch, struct err *e);

#endif
