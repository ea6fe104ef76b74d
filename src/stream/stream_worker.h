/* The stream worker's insides, shared by its files: stream_run.c (the loop), its epochs
 * and snapshots (stream_epoch.c), who holds what (stream_claim.c), and recovery
 * (stream_recover.c). */
#ifndef STREAM_STREAM_WORKER_H
#define STREAM_STREAM_WORKER_H

#include "stream/stream.h"
#include "stream/stream_partition.h"
#include "stream/snapshot.h"

/* An epoch ends at this many bytes, whatever its time and records. */
#define STREAM_EPOCH_BYTES  ((size_t)8 << 20)
#define STREAM_POLL_RECORDS 2000
/* Partitions of all tables together: their positions are committed with every partition
 * (BUS_METADATA_MAX). */
#define STREAM_TABLE_PARTS_MAX 150

/* One partition of the input that is ours. */
struct stream_share {
    struct stream_partition partition;
    bool is_dirty;           /* something to commit */
    int64_t snapshot_offset; /* of the newest snapshot, -1: none */
    bool is_unsaved;         /* committed since the newest snapshot */
    int64_t pin_offset;      /* committed for the pin group, -1: not yet */
    int64_t replay_to;       /* recovery: the committed offset, -1: nothing to replay */
    int64_t tables_sum;      /* recovery: how far the tables were then */
    int64_t heard_ms;        /* monotonic time when it was last not at its end */
};

/* One partition of a table's topic. */
struct stream_table_part {
    const char *topic;
    enum stream_role role;
    int32_t partition;
    int64_t position, start; /* start: of its log */
    bool is_dirty;
};

struct stream_worker {
    const struct platform *platform;
    const struct conf_stream *conf;
    struct channel *ch;
    struct err *e;
    int index, n;
    /* "stream:JOB"; "@stream:JOB": what snapshots still need, so that retention leaves
     * it; "@stream:JOB:INDEX": the tables' offsets of this worker */
    char group[160], pin_group[160], table_group[160];

    struct bus *bus;
    struct bus_producer *producer;
    struct bus_consumer *consumer, *tables;
    struct snapshots *snapshots;
    struct stream_pipeline pipeline;
    struct stream_share *shares; /* one per partition of the topic; ours are used */
    int32_t n_partitions;
    int32_t out_partitions[STREAM_N_OUTPUTS];
    const char *out_topics[STREAM_N_OUTPUTS];
    struct stream_table_part *parts;
    size_t n_parts;
    struct buf bytes;         /* scratch of snapshots */
    struct bus_range *ranges; /* scratch of looks at the input, n_partitions */

    int64_t epoch_started_ms; /* monotonic; 0: nothing pending */
    int64_t epoch_records;
    int64_t snapshot_ms, look_ms, tables_ms; /* monotonic times of the last */
    int64_t rate_in, rate_ms;                /* counter and time of the last metrics */
    int64_t shown_wm; /* pipeline watermark last shown; it never goes back */
    bool is_draining;
};

#define stream_each_share(w, i)                                                        \
    for (int32_t i = (w)->index; i < (w)->n_partitions; i += (w)->n)

/* Commit what is pending: outputs, offsets, tables' offsets, pins. */
int stream_epoch_commit(struct stream_worker *w);
bool stream_epoch_is_due(const struct stream_worker *w, int64_t now_ms);
void stream_epoch_begin(struct stream_worker *w); /* something is pending */
/* Snapshot of every partition that changed since its last; nothing may be pending. */
int stream_epoch_snapshot(struct stream_worker *w);
/* Produce function of the pipeline; arg is the worker. */
int stream_epoch_produce(void *arg, enum stream_output to, int32_t partition,
                         int64_t timestamp_ms, struct str key, struct str value,
                         const struct bus_header *headers, size_t n_headers,
                         struct err *e);

void stream_name_groups(struct stream_worker *w); /* from its conf and index */
/* Transactional id of worker index of n. */
void stream_claim_id(const struct stream_worker *w, int index, int n, char *out,
                     size_t size);
/* Metadata of a partition (stream_meta.c) with who commits it and the tables' positions
 * added: ,"by":"0/1","tab":[457,92353]. out has BUS_METADATA_MAX + 1 bytes. */
void stream_claim_metadata(const struct stream_worker *w,
                           const struct stream_partition *p, char *out);
/* Where the tables were at a commit; false: it does not say, or there were others. */
bool stream_claim_tables(const struct stream_worker *w, const char *metadata,
                         int64_t *positions);
/* Fence whoever committed partitions of ours under another number of workers; ours are
 * then committed under our name with the next epoch. Before recovery. */
int stream_claim(struct stream_worker *w);

/* Tables and every partition of ours to where the last commit left them, then the
 * tables to their end. The consumer stands at the committed offsets. */
int stream_recover(struct stream_worker *w);
/* Apply new rows of the tables, if there are any: 1 applied, 0 none. */
int stream_tables_follow(struct stream_worker *w);

/* Watermark that idleness gives a partition now, or INT64_MIN: it has been at its end,
 * without a record, for idle_ms. end: of its log; mono_ms: now, monotonic; now_ms: now
 * by the platform's clock, -1 unknown. Keeps s->heard_ms. */
int64_t stream_idle_watermark(struct stream_share *s, const struct conf_stream *conf,
                              int64_t end, int64_t mono_ms, int64_t now_ms);
/* The pipeline's watermark: the least of the active partitions, never moving back;
 * INT64_MIN: none yet. */
int64_t stream_shown_watermark(struct stream_worker *w);
/* ranges: of all partitions of the input, just read. */
int stream_metrics_send(struct stream_worker *w, const struct bus_range *ranges);

#endif
