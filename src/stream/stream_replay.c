/* Replays of a stream job (stream_replay.h). In: the bus, a place. Out: a plan; marks
 * and offsets. Always holds: marks and offsets are one transaction, so a replay is
 * begun whole or not at all; done twice it is two replays, of which the second one
 * counts. */
#include "stream/stream_replay.h"

#include <inttypes.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "bus/bus_mark.h"
#include "bus/bus_platform.h"
#include "stream/stream_emit.h"
#include "stream/stream_worker.h"

/* The job's topics, each once. */
static size_t outputs_of(const struct conf_stream *s, const char *out[STREAM_N_OUTPUTS])
{
    const char *all[STREAM_N_OUTPUTS] = {s->to_records, s->to_windows, s->to_alerts,
                                         s->to_late, s->to_rejects};
    size_t n = 0;
    for (size_t i = 0; i < STREAM_N_OUTPUTS; i++) {
        bool is_new = true;
        for (size_t k = 0; k < n; k++)
            is_new &= !streq(out[k], all[i]);
        if (is_new)
            out[n++] = all[i];
    }
    return n;
}

/* ---- the plan ---- */

/* An offset is one of every partition, and may lie outside of some. */
static int place(struct bus *b, const char *topic, int32_t partition, const char *from,
                 const struct bus_range *range, int64_t *out, struct err *e)
{
    if (!str_to_i64(str_of(from), out))
        return bus_place(b, topic, partition, from, out, e);
    if (*out < range->start)
        *out = range->start;
    return 0;
}

static void add_partition(json_t *plan, int32_t partition, int64_t from, int64_t to)
{
    json_t *row = json_object();
    json_put_i64(row, "partition", partition);
    json_put_i64(row, "from", from);
    json_put_i64(row, "to", to);
    json_put_i64(row, "records", to - from);
    json_array_append_new(json_arr(plan, "partitions"), row);
    json_put_i64(plan, "records", json_i64(plan, "records", 0) + to - from);
}

static int plan_partitions(struct bus *b, const struct conf_stream *s,
                           const char *group, const char *from, json_t *plan,
                           struct err *e)
{
    int n = bus_partitions(b, s->from, e);
    if (n < 0)
        return n;
    struct bus_range *ranges = mem_alloc((size_t)n * sizeof *ranges);
    struct bus_committed *c = mem_alloc(sizeof *c);
    int rc = bus_ranges(b, s->from, ranges, (size_t)n, e);
    bool has_gap = false;
    for (int32_t i = 0; i < n && rc == 0; i++) {
        int64_t at = 0;
        rc = bus_committed(b, group, s->from, i, c, e);
        if (rc == 0)
            rc = place(b, s->from, i, from, &ranges[i], &at, e);
        has_gap |= ranges[i].start > 0;
        if (rc == 0 && at < c->offset)
            add_partition(plan, i, at, c->offset);
    }
    if (has_gap)
        json_array_append_new(
            json_arr(plan, "warnings"),
            json_string(
                "the topic no longer has its first records: what they left in "
                "the job's memory (duplicates, means) is known only as far as a "
                "snapshot holds it"));
    mem_free(c);
    mem_free(ranges);
    return rc;
}

int stream_replay_plan(const struct platform *p, const struct conf_stream *s,
                       const char *from, json_t **out, struct err *e)
{
    struct stream_worker w = {.conf = s};
    struct bus *b = NULL;
    const char *topics[STREAM_N_OUTPUTS];
    json_t *plan = json_object(), *names = json_array();
    stream_name_groups(&w);
    json_put_str(plan, "topic", s->from);
    json_put_str(plan, "group", w.group);
    json_put_i64(plan, "records", 0);
    json_put(plan, "partitions", json_array());
    json_put(plan, "warnings", json_array());
    for (size_t i = 0, n = outputs_of(s, topics); i < n; i++)
        json_array_append_new(names, json_string(topics[i]));
    json_put(plan, "outputs", names);
    int rc = bus_open_platform(p, true, &b, e);
    if (rc == 0)
        rc = plan_partitions(b, s, w.group, from, plan, e);
    bus_close(b);
    if (rc == 0 && json_array_size(json_arr(plan, "partitions")) == 0)
        rc = err_set(e, ERR_NOTHING,
                     "stream.%s has read nothing of %s from %s on: there is nothing to "
                     "replay",
                     s->name, s->from, from);
    if (rc < 0)
        json_decref(plan);
    else
        *out = plan;
    return rc;
}

/* ---- doing it ---- */

/* Receipts carry the input's offset; windows and dead letters say it in their own way,
 * which is enough for their tables. */
static bool has_offsets(const struct conf_stream *s, const char *topic)
{
    return streq(topic, s->to_records) || streq(topic, s->to_alerts) ||
           streq(topic, s->to_late);
}

/* Is it from input before from? One that does not say cannot be told apart. */
static int is_before(struct stream_worker *w, const char *topic,
                     const struct bus_record *r, int64_t from)
{
    struct bus_mark mark;
    int64_t made_of = bus_header_i64(r, STREAM_OFFSET_HEADER, -1);
    if (made_of >= 0 || bus_mark_read(r, &mark) || r->n_headers >= BUS_HEADERS_MAX)
        return made_of >= 0 && made_of < from;
    return err_set(w->e, ERR_UNSUPPORTED,
                   "topic %s partition %d offset %" PRId64
                   " does not say which record it was made of (another program or an "
                   "older weir wrote it): replay from begin",
                   topic, (int)r->partition, r->offset);
}

/* Behind the last record of a partition that was made of input before from. Records of
 * earlier replays follow those they replaced, so the last one decides. */
static int find_void(struct stream_worker *w, const char *topic, int32_t partition,
                     int64_t from, int64_t *out)
{
    struct bus_range range;
    struct bus_batch batch;
    struct bus_consumer *c = NULL;
    int rc = bus_range(w->bus, topic, partition, &range, w->e);
    if (rc < 0)
        return rc;
    *out = range.start;
    rc = bus_consumer_open(w->bus, w->pin_group, &c, w->e); /* commits nothing */
    if (rc == 0)
        rc = bus_assign(c, topic, partition, BUS_OFFSET_BEGIN, w->e);
    while (rc >= 0 && (rc = bus_poll(c, STREAM_POLL_RECORDS, 0, &batch, w->e)) > 0) {
        for (size_t i = 0; i < batch.n && rc >= 0; i++) {
            rc = is_before(w, topic, &batch.records[i], from);
            if (rc == 1)
                *out = batch.records[i].offset + 1;
        }
        if (rc >= 0)
            rc = channel_beat(w->ch, w->e);
    }
    if (c)
        bus_consumer_close(c);
    return rc < 0 ? rc : 0;
}

static int mark_partition(struct stream_worker *w, const json_t *row, int64_t log_start)
{
    const char *topics[STREAM_N_OUTPUTS];
    int32_t partition = (int32_t)json_i64(row, "partition", 0);
    struct bus_mark mark = {.topic = str_of(w->conf->from),
                            .partition = partition,
                            .from = json_i64(row, "from", 0)};
    size_t n = outputs_of(w->conf, topics);
    int rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++) {
        struct bus_range range = {0};
        if (mark.from > log_start && has_offsets(w->conf, topics[i]))
            rc = find_void(w, topics[i], partition, mark.from, &mark.void_from);
        else if ((rc = bus_range(w->bus, topics[i], partition, &range, w->e)) == 0)
            mark.void_from = range.start;
        if (rc == 0)
            rc = bus_mark_write(w->producer, topics[i], &mark, w->e);
    }
    if (rc == 0)
        rc = bus_txn_offset(w->producer, w->group, w->conf->from, partition, mark.from,
                            "", w->e);
    return rc;
}

static int apply(struct stream_worker *w, const json_t *plan)
{
    char id[160];
    const json_t *row;
    size_t i;
    stream_claim_id(w, 0, 1, id, sizeof id);
    w->n_partitions = bus_partitions(w->bus, w->conf->from, w->e);
    if (w->n_partitions < 0)
        return w->n_partitions;
    w->shares = mem_alloc((size_t)w->n_partitions * sizeof *w->shares);
    w->ranges = mem_alloc((size_t)w->n_partitions * sizeof *w->ranges);
    int rc = bus_producer_open(w->bus, id, &w->producer, w->e);
    if (rc == 0)
        rc = stream_claim(w);
    if (rc == 0)
        rc =
            bus_ranges(w->bus, w->conf->from, w->ranges, (size_t)w->n_partitions, w->e);
    json_array_foreach (json_arr(plan, "partitions"), i, row) {
        int64_t partition = json_i64(row, "partition", -1);
        if (rc == 0 && (partition < 0 || partition >= w->n_partitions))
            rc = err_set(w->e, ERR_USAGE, "topic %s has no partition %" PRId64,
                         w->conf->from, partition);
        if (rc == 0)
            rc = mark_partition(w, row, w->ranges[partition].start);
    }
    return rc < 0 ? rc : bus_txn_commit(w->producer, w->e);
}

int stream_replay_apply(const struct platform *p, const struct conf_stream *s,
                        const json_t *plan, struct channel *ch, struct err *e)
{
    struct stream_worker w = {.platform = p, .conf = s, .ch = ch, .e = e, .n = 1};
    stream_name_groups(&w);
    int rc = bus_open_platform(p, false, &w.bus, e);
    if (rc == 0)
        rc = apply(&w, plan);
    mem_free(w.shares);
    mem_free(w.ranges);
    if (w.producer)
        bus_producer_close(w.producer);
    bus_close(w.bus);
    return rc;
}
