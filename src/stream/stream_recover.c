/* Recovery: state is a function of the input prefix, so a snapshot at or before the
 * committed offset plus a silent replay up to it gives back what was. In: the bus's
 * committed offsets and the snapshot file. Out: partitions as they were at the commit,
 * tables as they were, the consumer standing at the committed offsets. Called once,
 * before the worker goes live. */
#include <inttypes.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/timeutil.h"
#include "stream/stream_worker.h"

/* ---- tables ---- */

/* Position of a batch's partition among the tables' parts. */
static struct stream_table_part *part_of(struct stream_worker *w,
                                         const struct bus_batch *batch)
{
    for (size_t i = 0; i < w->n_parts; i++)
        if (w->parts[i].partition == batch->partition &&
            streq(w->parts[i].topic, batch->topic))
            return &w->parts[i];
    return NULL;
}

static int apply_batch(struct stream_worker *w, const struct bus_batch *batch)
{
    struct stream_table_part *part = part_of(w, batch);
    BUG_ON(!part);
    for (size_t i = 0; i < batch->n; i++) {
        int rc = stream_tables_apply(&w->pipeline.job.tables, part->role,
                                     &batch->records[i], w->e);
        if (rc < 0)
            return rc;
    }
    part->position = batch->next_offset;
    part->is_dirty = true;
    return 0;
}

/* Read one part alone up to an offset, from its position on. */
static int read_part_to(struct stream_worker *w, struct stream_table_part *part,
                        int64_t end)
{
    struct bus_batch batch;
    int rc = bus_assign(w->tables, part->topic, part->partition, part->position, w->e);
    while (rc >= 0 && part->position < end) {
        int64_t left = end - part->position;
        rc = bus_poll(w->tables, left < 2000 ? (size_t)left : 2000, 0, &batch, w->e);
        if (rc == 0)
            break;
        if (rc > 0)
            rc = apply_batch(w, &batch);
        if (rc == 0)
            rc = channel_beat(w->ch, w->e);
    }
    if (rc >= 0)
        rc = bus_unassign(w->tables, part->topic, part->partition, w->e);
    part->is_dirty = false;
    return rc < 0 ? rc : 0;
}

static int look_at_starts(struct stream_worker *w)
{
    int rc = 0;
    for (size_t i = 0; i < w->n_parts && rc == 0; i++) {
        struct stream_table_part *part = &w->parts[i];
        struct bus_range range;
        rc = bus_range(w->bus, part->topic, part->partition, &range, w->e);
        part->start = part->position = range.start;
    }
    return rc;
}

/* After a reset of the job (an operator's, a replay) the tables are those of now. */
static int look_at_ends(struct stream_worker *w, int64_t *positions)
{
    int rc = 0;
    for (size_t i = 0; i < w->n_parts && rc == 0; i++) {
        struct bus_range range;
        rc = bus_range(w->bus, w->parts[i].topic, w->parts[i].partition, &range, w->e);
        positions[i] = range.end;
    }
    return rc;
}

/* Tables as they were with positions: read on, or again when they are further. */
static int tables_to(struct stream_worker *w, const int64_t *positions)
{
    struct stream_tables *tables = &w->pipeline.job.tables;
    bool is_past = false;
    int rc = 0;
    for (size_t i = 0; i < w->n_parts; i++)
        is_past |= w->parts[i].position > positions[i];
    if (is_past) {
        stream_tables_release(tables);
        stream_tables_init(tables);
    }
    for (size_t i = 0; i < w->n_parts && rc == 0; i++) {
        if (is_past)
            w->parts[i].position = w->parts[i].start;
        rc = read_part_to(w, &w->parts[i], positions[i]);
    }
    return rc;
}

int stream_tables_follow(struct stream_worker *w)
{
    struct bus_batch batch;
    int rc, applied = 0;
    while ((rc = bus_poll(w->tables, 2000, 0, &batch, w->e)) > 0) {
        rc = apply_batch(w, &batch);
        if (rc == 0)
            rc = channel_beat(w->ch, w->e);
        if (rc < 0)
            return rc;
        applied = 1;
    }
    return rc < 0 ? rc : applied;
}

static int tables_go_live(struct stream_worker *w)
{
    int rc = 0;
    for (size_t i = 0; i < w->n_parts && rc == 0; i++)
        rc = bus_assign(w->tables, w->parts[i].topic, w->parts[i].partition,
                        w->parts[i].position, w->e);
    if (rc == 0)
        rc = stream_tables_follow(w);
    if (rc > 0)
        stream_epoch_begin(w);
    return rc < 0 ? rc : 0;
}

/* ---- partitions ---- */

/* Silent replay of [next_offset, end) of one partition. */
static int replay(struct stream_worker *w, struct stream_share *s, int64_t end)
{
    struct stream_partition *p = &s->partition;
    int32_t id = p->context.partition;
    struct bus_batch batch;
    int rc = bus_assign(w->consumer, w->conf->from, id, p->next_offset, w->e);
    while (rc >= 0 && p->next_offset < end) {
        int64_t left = end - p->next_offset;
        rc = bus_poll(w->consumer,
                      left < STREAM_POLL_RECORDS ? (size_t)left : STREAM_POLL_RECORDS,
                      0, &batch, w->e);
        if (rc <= 0)
            break; /* Kafka: only control records are left before end */
        for (size_t i = 0; i < batch.n && rc >= 0; i++)
            if (batch.records[i].offset < end)
                rc = stream_partition_record(p, &batch.records[i], w->e);
        if (rc >= 0)
            rc = channel_beat(w->ch, w->e);
    }
    if (rc >= 0)
        rc = bus_unassign(w->consumer, w->conf->from, id, w->e);
    p->next_offset = end;
    return rc < 0 ? rc : 0;
}

/* State from the newest usable snapshot, else empty at the log's start. */
static int restore(struct stream_worker *w, struct stream_share *s, int64_t committed,
                   int64_t log_start)
{
    struct stream_partition *p = &s->partition;
    struct err why = {0};
    int64_t at = committed;
    int rc;
    while ((rc = snapshots_load(w->snapshots, w->conf->from, p->context.partition, &at,
                                &w->bytes, w->e)) == 1) {
        if (at >= log_start &&
            stream_partition_restore(p, (struct str){w->bytes.data, w->bytes.len},
                                     &why) == 0)
            break;
        at--;
    }
    if (rc < 0)
        return rc;
    if (rc == 1) {
        s->snapshot_offset = at;
        return 0;
    }
    p->next_offset = log_start;
    if (log_start > 0)
        log_warn(
            "stream %s: partition %d: no usable snapshot%s%s; state is rebuilt from "
            "offset %" PRId64 ", what is older is not known any more",
            w->conf->name, p->context.partition, why.code ? ": " : "", why.text,
            log_start);
    return 0;
}

/* State of a partition from its snapshot; what is left to replay is noted. */
static int recover_share(struct stream_worker *w, struct stream_share *s,
                         const struct bus_committed *c, const struct bus_range *range)
{
    struct stream_partition *p = &s->partition;
    int64_t positions[STREAM_TABLE_PARTS_MAX];
    s->replay_to = -1;
    if (c->offset < 0) {
        p->next_offset = range->start;
        return 0;
    }
    if (c->offset < range->start)
        return err_set(w->e, ERR_CORRUPT,
                       "topic %s partition %d: records %" PRId64 " to %" PRId64
                       " were deleted before they were read; reset group %s to go on "
                       "without them",
                       w->conf->from, p->context.partition, c->offset, range->start - 1,
                       w->group);
    int rc = restore(w, s, c->offset, range->start);
    if (rc == 0 && p->next_offset < c->offset) {
        s->replay_to = c->offset;
        s->tables_sum = INT64_MAX;
        if (stream_claim_tables(w, c->metadata, positions)) {
            s->tables_sum = 0;
            for (size_t i = 0; i < w->n_parts; i++)
                s->tables_sum += positions[i];
        }
    } else if (rc == 0) {
        stream_partition_recovered(p, c->metadata);
    }
    return rc;
}

static int recover_shares(struct stream_worker *w, struct bus_committed *c)
{
    int rc =
        bus_ranges(w->bus, w->conf->from, w->ranges, (size_t)w->n_partitions, w->e);
    for (int32_t i = w->index; i < w->n_partitions && rc == 0; i += w->n) {
        struct stream_share *s = &w->shares[i];
        rc = bus_committed(w->bus, w->pin_group, w->conf->from, i, c, w->e);
        s->pin_offset = rc == 0 ? c->offset : -1;
        if (rc == 0)
            rc = bus_committed(w->bus, w->group, w->conf->from, i, c, w->e);
        if (rc == 0)
            rc = recover_share(w, s, c, &w->ranges[i]);
    }
    return rc;
}

/* The partition that saw the oldest tables is replayed first: they only grow. */
static struct stream_share *next_replay(struct stream_worker *w)
{
    struct stream_share *next = NULL;
    stream_each_share(w, i)
    {
        struct stream_share *s = &w->shares[i];
        if (s->replay_to >= 0 && (!next || s->tables_sum < next->tables_sum))
            next = s;
    }
    return next;
}

/* With the tables of the commit: new rows take effect behind a snapshot, so what is
 * replayed never saw others. */
static int replay_shares(struct stream_worker *w, struct bus_committed *c)
{
    int64_t positions[STREAM_TABLE_PARTS_MAX];
    struct stream_share *s;
    int rc = 0;
    while (rc == 0 && (s = next_replay(w))) {
        rc = bus_committed(w->bus, w->group, w->conf->from,
                           s->partition.context.partition, c, w->e);
        if (rc == 0 && !stream_claim_tables(w, c->metadata, positions))
            rc = look_at_ends(w, positions);
        if (rc == 0)
            rc = tables_to(w, positions);
        if (rc == 0)
            rc = replay(w, s, s->replay_to);
        if (rc == 0)
            stream_partition_recovered(&s->partition, c->metadata);
        s->is_unsaved = true;
        s->replay_to = -1;
    }
    return rc;
}

static int shares_go_live(struct stream_worker *w)
{
    int rc = 0;
    w->pipeline.job.produce = stream_epoch_produce; /* silent until here */
    stream_each_share(w, i)
    {
        if (rc < 0)
            break;
        rc = bus_assign(w->consumer, w->conf->from, i,
                        w->shares[i].partition.next_offset, w->e);
    }
    return rc;
}

int stream_recover(struct stream_worker *w)
{
    int64_t started = time_mono_ms();
    struct bus_committed *c = mem_alloc(sizeof *c);
    int rc = look_at_starts(w);
    if (rc == 0)
        rc = recover_shares(w, c);
    if (rc == 0)
        rc = replay_shares(w, c);
    if (rc == 0)
        rc = shares_go_live(w);
    if (rc == 0)
        rc = tables_go_live(w);
    mem_free(c);
    if (rc == 0)
        log_info("stream %s: worker %d of %d: %d partitions, %zu stores, %zu products, "
                 "recovered in %lld ms",
                 w->conf->name, w->index, w->n,
                 (w->n_partitions - w->index + w->n - 1) / w->n,
                 w->pipeline.job.tables.stores.n, w->pipeline.job.tables.products.n,
                 (long long)(time_mono_ms() - started));
    return rc;
}
