/* The stream worker: the seed's enrichment job. transactions → enriched-transactions,
 * store-aggregates, anomalies, late-transactions, dead-letters; exactly once (outputs,
 * input offsets and watermark in one bus transaction; state snapshots by input offset
 * in STATE/stream-JOB.db, replayed silently on recovery).
 *
 * - stream_run.c: the worker's life
 * - stream_epoch.c: commits and snapshots
 * - stream_claim.c: whose partitions they were, and that those write no more
 * - stream_recover.c: a snapshot and a silent replay
 * - stream_metrics.c, stream_meta.c: figures, and those committed with an offset
 * - stream_partition.c: one partition's watermark and its steps
 * - stream_parse.c, stream_dedupe.c, stream_enrich.c, stream_detect.c, stream_window.c
 * - stream_tables.c: the broadcast tables
 * - stream_emit.c: JSON out, by splicing
 * - stream_replay.c: the job reads its input again
 * - snapshot.c: the snapshot file
 *
 * Groups on the bus: "stream:JOB" is the job's own, with metadata (stream_meta.c).
 * "@stream:JOB" stands at the newest snapshots, so that retention leaves what a
 * recovery would replay; "@stream:JOB:INDEX" at the tables as this worker knows them.
 * Names with @ are not for people. Transactional id: "stream-JOB-INDEX-of-N". */
#ifndef STREAM_STREAM_H
#define STREAM_STREAM_H

#include "base/err.h"
#include "bus/bus.h"
#include "conf/conf.h"
#include "wire/channel.h"

/* Worker index of n takes partitions p with p % n == index; n may differ from life to
 * life, as long as the workers of the last count have ended. Runs until stop; on drain
 * it reads to the present end, emits open windows as provisional revisions without
 * moving the watermark, commits and answers drained. WEIR_ONCE in the environment: a
 * bounded run, where no partition is idle. ERR_FENCED: another process has this share
 * of the work; ERR_UNAVAILABLE: the supervisor is gone (what was read is committed). */
int stream_run(const struct platform *p, const struct conf_stream *s, int index, int n,
               struct channel *ch, struct err *e);

#endif
