/* A stream job reads its input again from a place on. What it made of that input before
 * becomes void by marks (bus/bus_mark.h) in the same transaction that sets its group
 * back; its next life rebuilds its state up to there silently, and writes from there
 * on. Called by the worker that plans and does replays, with the job's workers stopped.
 */
#ifndef STREAM_STREAM_REPLAY_H
#define STREAM_STREAM_REPLAY_H

#include <jansson.h>

#include "base/err.h"
#include "conf/conf.h"
#include "wire/channel.h"

/* from: "begin", an offset (of every partition) or an ISO time. *out, a new reference:
 *   {"topic","group","records":n,"partitions":[{partition,from,to,records}…],
 *    "outputs":[topic…],"warnings":[text…]}
 * with the partitions that have something to read again. ERR_NOTHING when none has. */
int stream_replay_plan(const struct platform *p, const struct conf_stream *s,
                       const char *from, json_t **out, struct err *e);
/* Do what plan says; whoever still holds a share of the job is fenced. */
int stream_replay_apply(const struct platform *p, const struct conf_stream *s,
                        const json_t *plan, struct channel *ch, struct err *e);

#endif
