/* Snapshots of partitions' state in a file of their own, STATE/stream-JOB.db: rows
 * (topic, partition, offset, bytes, checksum), the newest three of each partition kept.
 * Shared by all workers of the job. */
#ifndef STREAM_SNAPSHOT_H
#define STREAM_SNAPSHOT_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

struct snapshots;

/* Makes the file when it is not there. */
int snapshots_open(struct snapshots **out, const char *path, struct err *e);
void snapshots_close(struct snapshots *s); /* NULL allowed */
/* Several puts become durable together with commit. */
int snapshots_begin(struct snapshots *s, struct err *e);
int snapshots_put(struct snapshots *s, const char *topic, int32_t partition,
                  int64_t offset, struct str bytes, struct err *e);
int snapshots_commit(struct snapshots *s, struct err *e);
void snapshots_rollback(struct snapshots *s);
/* Newest snapshot at or before offset *at whose checksum is good: 1 with its bytes and
 * *at its offset, 0 none. Those after *at are forgotten: they are of a life that was
 * never committed. */
int snapshots_load(struct snapshots *s, const char *topic, int32_t partition,
                   int64_t *at, struct buf *out, struct err *e);

#endif
