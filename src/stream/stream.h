/* The stream worker: the seed's enrichment job. transactions → enriched-transactions,
 * store-aggregates, anomalies, late-transactions, dead-letters; exactly once (outputs,
 * input offsets and watermark in one bus transaction; state snapshots by input offset
 * in STATE/stream-JOB.db, replayed silently on recovery).
 *
 * Per partition: dedupe → enrich → detect → window, each a struct stream_step. */
#ifndef STREAM_STREAM_H
#define STREAM_STREAM_H

#include "base/err.h"
#include "bus/bus.h"
#include "conf/conf.h"
#include "wire/channel.h"

/* Worker index of n takes partitions p with p % n == index. Runs until stop; on drain
 * it reads to the present end, emits open windows as provisional revisions without
 * moving the watermark, commits and answers drained. */
int stream_run(const struct platform *p, const struct conf_stream *s, int index, int n,
               struct channel *ch, struct err *e);

#endif
