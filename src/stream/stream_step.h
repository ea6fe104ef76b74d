/* The step contract, and what a step may use: one partition's logic, no bus, no clock,
 * no files. State is a function of the records seen, so that replaying them gives it
 * back.
 *
 * Order of calls for one record: on_watermark of every step when the record moved the
 * watermark, then on_record of each step in order until one drops the record. */
#ifndef STREAM_STREAM_STEP_H
#define STREAM_STREAM_STEP_H

#include "conf/conf.h"
#include "stream/stream_event.h"
#include "stream/stream_pen.h"
#include "stream/stream_tables.h"

enum stream_output {
    STREAM_OUT_RECORDS,
    STREAM_OUT_WINDOWS,
    STREAM_OUT_ANOMALIES,
    STREAM_OUT_LATE,
    STREAM_OUT_REJECTS,
    STREAM_N_OUTPUTS
};

/* Where output goes. partition: the input's. Bytes are copied by the callee. */
typedef int stream_produce_fn(void *arg, enum stream_output to, int32_t partition,
                              int64_t timestamp_ms, struct str key, struct str value,
                              const struct bus_header *headers, size_t n_headers,
                              struct err *e);

/* All but windows and rejected count receipts. */
struct stream_counters {
    int64_t in, out, duplicates, corrections, stale, late, anomalies, alerts;
    int64_t unknown_store, unknown_product, windows;
    int64_t rejected[STREAM_N_REJECTS];
};

/* What all partitions of a worker share. */
struct stream_job {
    const struct conf_stream *conf;
    struct stream_tables tables;
    stream_produce_fn *produce; /* NULL: output is suppressed (replay) */
    void *produce_arg;
    struct buf value, key;      /* scratch of the outputs */
    struct pen_date date;       /* as last written */
    struct bus_header *headers; /* scratch of emit */
    size_t cap_headers;
    struct str *item_members; /* scratch of enrich */
    size_t cap_item_members;
    char window_names[STREAM_WINDOWS_MAX][12];
    int64_t sigma_num, sigma_den; /* amount_sigma as a fraction */
};

/* What a step sees of its partition. */
struct stream_context {
    struct stream_job *job;
    struct stream_counters *counters;
    int32_t partition;
    int64_t max_event_ms; /* newest event time, INT64_MIN: none yet */
    int64_t watermark_ms;
    struct err *e;
};

/* Bytes of a snapshot being read; a failed read gives zeroes and sets is_short. */
struct stream_reader {
    const char *p, *end;
    bool is_short;
};

enum { STREAM_PASS = 0, STREAM_DROP = 1 };

struct stream_step {
    const char *name;
    size_t state_size;
    void (*init)(void *state, const struct stream_job *job);
    void (*release)(void *state);
    /* STREAM_PASS, STREAM_DROP or an error. */
    int (*on_record)(void *state, struct stream_context *c, struct stream_event *ev);
    /* The watermark moved to c->watermark_ms; cause: input offset that did it. May be
     * NULL, as the two below of a step without state. */
    int (*on_watermark)(void *state, struct stream_context *c, int64_t cause);
    /* Emit what is open as provisional, on drain; cause: last input offset. */
    int (*on_drain)(void *state, struct stream_context *c, int64_t cause);
    int (*snapshot)(const void *state, struct buf *out);
    int (*restore)(void *state, struct stream_reader *in, struct err *e);
    /* Recovery: the watermark is c->watermark_ms, all it fired has been written. */
    void (*on_recovered)(void *state, const struct stream_context *c);
};

extern const struct stream_step stream_dedupe, stream_enrich, stream_detect,
    stream_window;
/* NULL when there is no step of that name. */
const struct stream_step *stream_step_find(const char *name);

/* ---- snapshots: little-endian, fixed widths ---- */

static inline void stream_put(struct buf *out, const void *p, size_t n)
{
    buf_add(out, p, n);
}
static inline void stream_put_u64(struct buf *out, uint64_t v)
{
    buf_add(out, &v, sizeof v);
}
static inline void stream_put_i64(struct buf *out, int64_t v)
{
    stream_put_u64(out, (uint64_t)v);
}
static inline void stream_put_str(struct buf *out, struct str s)
{
    stream_put_u64(out, s.n);
    buf_add(out, s.p, s.n);
}
static inline void stream_get(struct stream_reader *in, void *p, size_t n)
{
    if ((size_t)(in->end - in->p) < n) {
        in->is_short = true;
        in->p = in->end;
        memset(p, 0, n);
        return;
    }
    memcpy(p, in->p, n);
    in->p += n;
}
static inline uint64_t stream_get_u64(struct stream_reader *in)
{
    uint64_t v;
    stream_get(in, &v, sizeof v);
    return v;
}
static inline int64_t stream_get_i64(struct stream_reader *in)
{
    return (int64_t)stream_get_u64(in);
}
static inline struct str stream_get_str(struct stream_reader *in)
{
    uint64_t n = stream_get_u64(in);
    if (n > (size_t)(in->end - in->p)) {
        in->is_short = true;
        return (struct str){"", 0};
    }
    in->p += n;
    return (struct str){in->p - n, (size_t)n};
}

#endif
