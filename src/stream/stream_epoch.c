/* Epochs: outputs, input offsets, watermarks and counters become visible in one bus
 * transaction. Called by the worker's loop. What always holds: between two commits the
 * partitions' state is ahead of what is committed, and only a commit makes both one; a
 * snapshot is taken with nothing pending, so its offset is a committed one. */
#include "base/log.h"
#include "base/timeutil.h"
#include "stream/stream_worker.h"

void stream_epoch_begin(struct stream_worker *w)
{
    if (!w->epoch_started_ms)
        w->epoch_started_ms = time_mono_ms();
}

bool stream_epoch_is_due(const struct stream_worker *w, int64_t now_ms)
{
    return w->epoch_started_ms && (now_ms - w->epoch_started_ms >= w->conf->epoch_ms ||
                                   w->epoch_records >= w->conf->epoch_records ||
                                   bus_txn_bytes(w->producer) >= STREAM_EPOCH_BYTES);
}

int stream_epoch_produce(void *arg, enum stream_output to, int32_t partition,
                         int64_t timestamp_ms, struct str key, struct str value,
                         const struct bus_header *headers, size_t n_headers,
                         struct err *e)
{
    struct stream_worker *w = arg;
    if (w->out_partitions[to] != w->n_partitions)
        partition = -1;
    return bus_produce(w->producer, w->out_topics[to], partition, timestamp_ms, key,
                       value, headers, n_headers, e);
}

static int add_offsets(struct stream_worker *w)
{
    char metadata[BUS_METADATA_MAX + 1];
    int rc = 0;
    stream_each_share(w, i)
    {
        struct stream_share *s = &w->shares[i];
        if (s->is_dirty) {
            stream_claim_metadata(w, &s->partition, metadata);
            rc = bus_txn_offset(w->producer, w->group, w->conf->from, i,
                                s->partition.next_offset, metadata, w->e);
        }
        int64_t needed = s->snapshot_offset < 0 ? 0 : s->snapshot_offset;
        if (rc == 0 && s->pin_offset != needed) {
            rc = bus_txn_offset(w->producer, w->pin_group, w->conf->from, i, needed, "",
                                w->e);
            s->pin_offset = needed;
        }
        if (rc < 0)
            return rc;
    }
    for (size_t i = 0; i < w->n_parts && rc == 0; i++)
        if (w->parts[i].is_dirty)
            rc = bus_txn_offset(w->producer, w->table_group, w->parts[i].topic,
                                w->parts[i].partition, w->parts[i].position, "", w->e);
    return rc;
}

int stream_epoch_commit(struct stream_worker *w)
{
    int rc = add_offsets(w);
    if (rc == 0)
        rc = bus_txn_commit(w->producer, w->e);
    /* Nothing was written and all is still there: somebody else holds the file. */
    for (int i = 0; rc == ERR_LOCKED && i < 10; i++) {
        channel_beat(w->ch, NULL);
        rc = bus_txn_commit(w->producer, w->e);
    }
    if (rc < 0)
        return rc;
    stream_each_share(w, i)
    {
        w->shares[i].is_unsaved |= w->shares[i].is_dirty;
        w->shares[i].is_dirty = false;
    }
    for (size_t i = 0; i < w->n_parts; i++)
        w->parts[i].is_dirty = false;
    w->epoch_started_ms = 0;
    w->epoch_records = 0;
    return 0;
}

static int put_changed(struct stream_worker *w)
{
    int n = 0;
    stream_each_share(w, i)
    {
        struct stream_share *s = &w->shares[i];
        if (!s->is_unsaved)
            continue;
        buf_reset(&w->bytes);
        stream_partition_snapshot(&s->partition, &w->bytes);
        int rc = buf_check(&w->bytes, "a snapshot", w->e);
        if (rc == 0)
            rc = snapshots_put(w->snapshots, w->conf->from, i, s->partition.next_offset,
                               (struct str){w->bytes.data, w->bytes.len}, w->e);
        if (rc < 0)
            return rc;
        n++;
    }
    return n;
}

int stream_epoch_snapshot(struct stream_worker *w)
{
    BUG_ON(w->epoch_started_ms);
    w->snapshot_ms = time_mono_ms();
    int rc = snapshots_begin(w->snapshots, w->e);
    if (rc < 0)
        return rc;
    rc = put_changed(w);
    if (rc >= 0)
        rc = snapshots_commit(w->snapshots, w->e);
    if (rc < 0) {
        snapshots_rollback(w->snapshots);
        return rc;
    }
    stream_each_share(w, i)
    {
        struct stream_share *s = &w->shares[i];
        if (s->is_unsaved)
            s->snapshot_offset = s->partition.next_offset;
        s->is_unsaved = false;
    }
    return 0;
}
