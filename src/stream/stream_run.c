/* The stream worker's life: open, recover, loop, stop. In: the platform and the control
 * channel. Out: nothing but what epochs commit. Called by the worker's main. What
 * always holds: a record's outputs are committed with its offset or not at all; a
 * fenced worker ends without another word. */
#include <malloc.h>
#include <stdio.h>

#include "base/json.h"
#include "bus/bus_platform.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/timeutil.h"
#include "stream/stream_worker.h"

#define WAIT_MS        50
#define LOOK_MS        500 /* metrics and the idle rule */
#define TABLES_LOOK_MS 1000

/* ---- open and close ---- */

void stream_name_groups(struct stream_worker *w)
{
    snprintf(w->group, sizeof w->group, "stream:%.100s", w->conf->name);
    snprintf(w->pin_group, sizeof w->pin_group, "@stream:%.100s", w->conf->name);
    snprintf(w->table_group, sizeof w->table_group, "@stream:%.100s:%d", w->conf->name,
             w->index);
}

static int open_topics(struct stream_worker *w)
{
    const char *outs[STREAM_N_OUTPUTS] = {
        [STREAM_OUT_RECORDS] = w->conf->to_records,
        [STREAM_OUT_WINDOWS] = w->conf->to_windows,
        [STREAM_OUT_ANOMALIES] = w->conf->to_alerts,
        [STREAM_OUT_LATE] = w->conf->to_late,
        [STREAM_OUT_REJECTS] = w->conf->to_rejects,
    };
    int rc = bus_topic_of_platform(w->bus, w->platform, w->conf->from, w->e);
    if (rc < 0)
        return rc;
    w->n_partitions = rc;
    for (int i = 0; i < STREAM_N_OUTPUTS; i++) {
        rc = bus_topic_of_platform(w->bus, w->platform, outs[i], w->e);
        if (rc < 0)
            return rc;
        w->out_topics[i] = outs[i];
        w->out_partitions[i] = rc;
    }
    return 0;
}

static int open_tables(struct stream_worker *w)
{
    for (size_t i = 0; i < w->conf->n_tables; i++) {
        const struct conf_table_ref *ref = &w->conf->tables[i];
        int role = stream_role_of(ref->role);
        if (role < 0)
            return err_set(w->e, ERR_CONFIG,
                           "stream %s: tables: \"%s\": expected store or product",
                           w->conf->name, ref->role);
        int n = bus_topic_of_platform(w->bus, w->platform, ref->topic, w->e);
        if (n < 0)
            return n;
        w->parts = mem_realloc(w->parts, (w->n_parts + (size_t)n) * sizeof *w->parts);
        for (int32_t k = 0; k < n; k++)
            w->parts[w->n_parts++] = (struct stream_table_part){
                .topic = ref->topic, .role = (enum stream_role)role, .partition = k};
    }
    if (w->n_parts > STREAM_TABLE_PARTS_MAX)
        return err_set(w->e, ERR_CONFIG,
                       "stream %s: its tables' topics have %zu partitions together, at "
                       "most %d are possible",
                       w->conf->name, w->n_parts, STREAM_TABLE_PARTS_MAX);
    return 0;
}

static int open_bus(struct stream_worker *w)
{
    const struct platform *p = w->platform;
    char id[160];
    stream_claim_id(w, w->index, w->n, id, sizeof id);
    int rc = bus_open_platform(p, false, &w->bus, w->e);
    if (rc == 0)
        rc = open_topics(w);
    if (rc == 0)
        rc = open_tables(w);
    if (rc == 0) /* fences whoever had this share of the work before */
        rc = bus_producer_open(w->bus, id, &w->producer, w->e);
    if (rc == 0)
        rc = bus_consumer_open(w->bus, w->group, &w->consumer, w->e);
    if (rc == 0)
        rc = bus_consumer_open(w->bus, w->table_group, &w->tables, w->e);
    return rc;
}

/* A damaged file is put aside: what it held is replayed from the log. */
static int open_snapshots(struct stream_worker *w)
{
    char name[160], path[4096], aside[4120];
    snprintf(name, sizeof name, "stream-%.100s.db", w->conf->name);
    conf_state_path(w->platform, name, path, sizeof path);
    int rc = snapshots_open(&w->snapshots, path, w->e);
    if (rc != ERR_CORRUPT)
        return rc;
    snprintf(aside, sizeof aside, "%s.damaged", path);
    channel_event(w->ch, "warn", NULL, "stream %s: %s; kept as %s", w->conf->name,
                  w->e->text, aside);
    log_warn("stream %s: %s; kept as %s", w->conf->name, w->e->text, aside);
    if (rename(path, aside) < 0)
        return err_errno(w->e, ERR_IO, "%s", path);
    return snapshots_open(&w->snapshots, path, w->e);
}

static void make_shares(struct stream_worker *w)
{
    w->shares = mem_alloc((size_t)w->n_partitions * sizeof *w->shares);
    w->ranges = mem_alloc((size_t)w->n_partitions * sizeof *w->ranges);
    stream_each_share(w, i)
    {
        stream_partition_init(&w->shares[i].partition, &w->pipeline, i);
        w->shares[i].snapshot_offset = w->shares[i].pin_offset = -1;
        w->shares[i].heard_ms = time_mono_ms();
    }
}

static int worker_open(struct stream_worker *w)
{
    buf_init(&w->bytes, (size_t)1 << 30);
    stream_name_groups(w);
    int rc = stream_pipeline_init(&w->pipeline, w->conf, w->e);
    if (rc == 0)
        rc = open_bus(w);
    if (rc == 0)
        rc = open_snapshots(w);
    if (rc < 0)
        return rc;
    w->pipeline.job.produce_arg = w;
    make_shares(w);
    rc = stream_claim(w);
    return rc < 0 ? rc : stream_recover(w);
}

static void worker_close(struct stream_worker *w)
{
    if (w->shares)
        stream_each_share(w, i) stream_partition_release(&w->shares[i].partition);
    mem_free(w->shares);
    mem_free(w->ranges);
    mem_free(w->parts);
    snapshots_close(w->snapshots);
    if (w->tables)
        bus_consumer_close(w->tables);
    if (w->consumer)
        bus_consumer_close(w->consumer);
    if (w->producer)
        bus_producer_close(w->producer);
    bus_close(w->bus);
    stream_pipeline_release(&w->pipeline);
    buf_release(&w->bytes);
}

/* ---- the loop ---- */

static int take_batch(struct stream_worker *w, const struct bus_batch *batch)
{
    struct stream_share *s = &w->shares[batch->partition];
    int rc = 0;
    for (size_t i = 0; i < batch->n && rc == 0; i++) {
        stream_epoch_begin(w);
        s->is_dirty = true;
        w->epoch_records++;
        rc = stream_partition_record(&s->partition, &batch->records[i], w->e);
        if (rc == 0 && bus_txn_bytes(w->producer) >= STREAM_EPOCH_BYTES)
            rc = stream_epoch_commit(w);
    }
    if (rc == 0 && batch->next_offset > s->partition.next_offset) {
        s->partition.next_offset = batch->next_offset; /* Kafka: control records */
        s->is_dirty = true;
        stream_epoch_begin(w);
    }
    return rc;
}

/* What idleness is measured by; -1: not known, or not to be applied. A bounded run has
 * no idle partitions: finished is not idle. */
static int64_t idle_clock(const struct stream_worker *w)
{
    if (w->is_draining || getenv("WEIR_ONCE"))
        return -1;
    if (w->platform->as_of_ms >= 0)
        return w->platform->as_of_ms;
    return w->platform->clock == CLOCK_DATA ? w->ch->now_ms : time_wall_ms();
}

int64_t stream_idle_watermark(struct stream_share *s, const struct conf_stream *conf,
                              int64_t end, int64_t mono_ms, int64_t now_ms)
{
    int64_t wm = now_ms - conf->watermark_ms - conf->idle_ms;
    const struct stream_partition *p = &s->partition;
    if (end > p->next_offset || s->is_dirty)
        s->heard_ms = mono_ms; /* behind, or just heard: time does not count */
    if (now_ms < 0 || p->context.watermark_ms == INT64_MIN ||
        mono_ms - s->heard_ms < conf->idle_ms || wm <= p->context.watermark_ms)
        return INT64_MIN;
    return wm;
}

/* A quiet partition closes its windows by the clock. */
static int apply_idle_rule(struct stream_worker *w, int64_t now_ms)
{
    int64_t mono_ms = time_mono_ms();
    stream_each_share(w, i)
    {
        struct stream_share *s = &w->shares[i];
        int64_t wm =
            stream_idle_watermark(s, w->conf, w->ranges[i].end, mono_ms, now_ms);
        if (wm == INT64_MIN)
            continue;
        int rc = stream_partition_advance(&s->partition, wm, w->e);
        if (rc < 0)
            return rc;
        s->partition.is_idle = s->is_dirty = true;
        stream_epoch_begin(w);
    }
    return 0;
}

static int look(struct stream_worker *w)
{
    w->look_ms = time_mono_ms();
    int rc =
        bus_ranges(w->bus, w->conf->from, w->ranges, (size_t)w->n_partitions, w->e);
    if (rc == 0)
        rc = apply_idle_rule(w, idle_clock(w));
    return rc < 0 ? rc : stream_metrics_send(w, w->ranges);
}

/* New rows of the tables take effect between two epochs, behind a snapshot: so a replay
 * never crosses them. */
static int look_at_tables(struct stream_worker *w)
{
    w->tables_ms = time_mono_ms();
    bool has_news = false;
    for (size_t i = 0; i < w->n_parts && !has_news; i++) {
        struct bus_range r;
        int rc = bus_range(w->bus, w->parts[i].topic, w->parts[i].partition, &r, w->e);
        if (rc < 0)
            return rc;
        has_news = r.end > w->parts[i].position;
    }
    if (!has_news)
        return 0;
    int rc = stream_epoch_snapshot(w);
    if (rc == 0)
        rc = stream_tables_follow(w);
    if (rc > 0)
        stream_epoch_begin(w);
    return rc < 0 ? rc : 0;
}

/* What is done between epochs, when it is time. */
static int between_epochs(struct stream_worker *w)
{
    int64_t now = time_mono_ms();
    int rc = 0;
    if (now - w->snapshot_ms >= w->conf->snapshot_ms)
        rc = stream_epoch_snapshot(w);
    if (rc == 0 && now - w->tables_ms >= TABLES_LOOK_MS)
        rc = look_at_tables(w);
    return rc;
}

/* Everything there was is read: open windows as they stand, a snapshot, the answer. */
static int finish_drain(struct stream_worker *w)
{
    int rc = 0;
    stream_each_share(w, i)
    {
        struct stream_partition *p = &w->shares[i].partition;
        int64_t before = p->counters.windows;
        rc = rc < 0 ? rc : stream_partition_drain(p, w->e);
        w->shares[i].is_dirty |= p->counters.windows != before;
    }
    if (rc == 0)
        rc = stream_epoch_commit(w);
    if (rc == 0)
        rc = stream_epoch_snapshot(w);
    if (rc == 0)
        rc = stream_epoch_commit(w); /* the pins */
    if (rc == 0)
        rc = look(w);
    w->is_draining = false;
    return rc < 0 ? rc : channel_send(w->ch, "drained", json_object(), w->e);
}

static int turn(struct stream_worker *w)
{
    struct bus_batch batch;
    int64_t wait = w->is_draining ? 0 : WAIT_MS;
    if (w->epoch_started_ms) {
        int64_t left = w->epoch_started_ms + w->conf->epoch_ms - time_mono_ms();
        wait = left < 0 ? 0 : left < wait ? left : wait;
    }
    int rc = bus_poll(w->consumer, STREAM_POLL_RECORDS, (int)wait, &batch, w->e);
    if (rc < 0)
        return rc;
    bool is_at_end = rc == 0;
    rc = is_at_end ? 0 : take_batch(w, &batch);
    if (rc == 0 && is_at_end && w->is_draining)
        return finish_drain(w);
    if (rc == 0 && stream_epoch_is_due(w, time_mono_ms()))
        rc = stream_epoch_commit(w);
    if (rc == 0 && !w->epoch_started_ms)
        rc = between_epochs(w);
    if (rc == 0 && time_mono_ms() - w->look_ms >= LOOK_MS)
        rc = look(w);
    return rc;
}

static int take_messages(struct stream_worker *w)
{
    json_t *msg = NULL;
    int rc = channel_poll(w->ch, 0, &msg, w->e);
    if (rc == 1)
        json_decref(msg); /* nothing else is meant for a stream worker */
    if (w->ch->is_draining && !w->is_draining)
        w->is_draining = true;
    return rc < 0 ? rc : 0;
}

static int worker_stop(struct stream_worker *w)
{
    int rc = stream_epoch_commit(w);
    if (rc == 0)
        rc = stream_epoch_snapshot(w);
    return rc == 0 ? stream_epoch_commit(w) : rc;
}

static int worker_loop(struct stream_worker *w)
{
    int rc = channel_ready(w->ch, w->e);
    while (rc == 0 && !w->ch->is_stopping) {
        rc = take_messages(w);
        if (rc == 0 && !w->ch->is_stopping)
            rc = turn(w);
    }
    if (rc == 0 || rc == ERR_UNAVAILABLE) {
        int last = worker_stop(w);
        rc = rc == 0 ? last : rc;
    }
    return rc;
}

int stream_run(const struct platform *p, const struct conf_stream *s, int index, int n,
               struct channel *ch, struct err *e)
{
    struct err own = {0};
    struct stream_worker w = {
        .platform = p, .conf = s, .ch = ch, .e = e ? e : &own, .index = index, .n = n};
    if (n < 1 || index < 0 || index >= n)
        return err_set(e, ERR_USAGE, "stream %s: worker %d of %d", s->name, index, n);
    /* Tables of many partitions grow alike; what they outgrow goes back to the system.
     */
    mallopt(M_MMAP_THRESHOLD, 128 * 1024);
    int rc = worker_open(&w);
    w.snapshot_ms = w.tables_ms = time_mono_ms();
    if (rc == 0)
        rc = worker_loop(&w);
    worker_close(&w);
    return rc;
}
