/* One partition of the job: its watermark, counters and steps' state. Pure logic:
 * records in, records out through the job's produce function. */
#ifndef STREAM_STREAM_PARTITION_H
#define STREAM_STREAM_PARTITION_H

#include "stream/stream_parse.h"
#include "stream/stream_step.h"

#define STREAM_STEPS_MAX 8

/* What all partitions of one worker share: the job and its parser. */
struct stream_pipeline {
    struct stream_job job;
    struct stream_parser parser;
    const struct stream_step *steps[STREAM_STEPS_MAX];
    size_t n_steps;
    /* Called with every accepted receipt after the steps, for tests; may be NULL. */
    void (*on_event)(void *arg, const struct stream_event *ev);
    void *arg;
};

struct stream_partition {
    struct stream_pipeline *pipeline;
    struct stream_context context; /* partition, max event time, watermark */
    struct stream_counters counters;
    int64_t next_offset;
    bool is_idle;
    bool is_failed; /* a record failed half-way: the state is not to be trusted */
    void *states[STREAM_STEPS_MAX];
};

/* conf borrowed for the pipeline's life. ERR_CONFIG: unknown step, too many windows. */
int stream_pipeline_init(struct stream_pipeline *p, const struct conf_stream *conf,
                         struct err *e);
void stream_pipeline_release(struct stream_pipeline *p);

void stream_partition_init(struct stream_partition *p, struct stream_pipeline *pipeline,
                           int32_t partition);
void stream_partition_release(struct stream_partition *p);
/* Back to the empty state at offset 0, for a rebuild. */
void stream_partition_clear(struct stream_partition *p);
/* Process one record; next_offset moves behind it. After an error the partition is
 * spent: abort the transaction, recover from a snapshot. */
int stream_partition_record(struct stream_partition *p, const struct bus_record *r,
                            struct err *e);
/* Move the watermark to wm_ms if that is forward (idle rule). */
int stream_partition_advance(struct stream_partition *p, int64_t wm_ms, struct err *e);
/* Write open windows as provisional rows; the watermark stays. */
int stream_partition_drain(struct stream_partition *p, struct err *e);

void stream_counters_add(struct stream_counters *sum, const struct stream_counters *c);

/* State as bytes, and back. ERR_CORRUPT: cut, or of another configuration; the
 * partition is then clear. */
int stream_partition_snapshot(const struct stream_partition *p, struct buf *out);
int stream_partition_restore(struct stream_partition *p, struct str bytes,
                             struct err *e);
/* After a replay up to a committed offset: take over its metadata. NULL or "": none. */
void stream_partition_recovered(struct stream_partition *p, const char *metadata);
/* Watermark, idle flag and counters as the JSON committed with the offset; out has
 * BUS_METADATA_MAX + 1 bytes. */
void stream_partition_metadata(const struct stream_partition *p, char *out);

#endif
