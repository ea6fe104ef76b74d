/* The ingest worker: records of one source plugin to the bus, exactly once.
 *
 * in: plugin records. out: the source's topic, dead letters, and the checkpoint, all in
 * one bus transaction per batch. Called by worker/ (ingest_run) and by `weir source
 * sync`.
 *
 * Always holds: what was returned by next() before a checkpoint is in the same
 * transaction as that checkpoint; nothing is produced unmasked; a failed source keeps
 * what it read. */
#include "ingest/ingest.h"
#include "bus/bus_platform.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "base/json.h"
#include "base/log.h"
#include "base/timeutil.h"
#include "ingest/guard.h"
#include "ingest/host.h"
#include "ingest/mask.h"

#define BATCH_RECORDS  20000
#define BATCH_BYTES    (8u << 20)
#define BATCH_MS       1000
#define LOOK_EVERY     128 /* records between looks at the clock */
#define METRICS_MS     500
#define FOLLOW_WAIT_MS 100
#define VALUE_MAX      (BUS_RECORD_MAX - 64 * 1024)
#define SOURCE_TOPIC   "@source"

struct ingest {
    struct host host;
    struct counts counts;
    struct bus *bus;
    struct bus_producer *producer;
    struct channel *ch;
    bool is_bounded;
    char group[128];
    const char *rejects;                 /* topic of the dead letters */
    char committed[WEIR_CHECKPOINT_MAX]; /* checkpoint committed last */
    struct buf scratch;                  /* a record's bytes while masked */
    size_t pending;                      /* records in the open transaction */
    int64_t began_ms;                    /* first of them, monotonic */
    int64_t at_ms;                       /* newest timestamp of an event */
    int64_t metrics_ms, metrics_in, start_ms;
    int64_t moved_ms, moved_at; /* last progress of a bounded source */
};

/* ── opening ─────────────────────────────────────────────────────────────────────── */

static const char *rejects_topic(const struct platform *p, const char *topic)
{
    for (size_t i = 0; i < p->n_streams; i++) {
        if (p->streams[i].from && streq(p->streams[i].from, topic) &&
            p->streams[i].to_rejects)
            return p->streams[i].to_rejects;
    }
    return "dead-letters";
}

static int open_bus(struct ingest *in, struct err *e)
{
    const struct platform *p = in->host.platform;
    char id[128];
    snprintf(id, sizeof(id), "ingest-%s", in->host.source->name);
    /* alone (weir source sync) the first process may be this one */
    if (mkdir(p->state_dir, 0700) < 0 && errno != EEXIST)
        return err_errno(e, ERR_IO, "state folder %s", p->state_dir);
    int rc = bus_open_platform(p, false, &in->bus, e);
    if (rc == 0)
        rc = bus_topic_of_platform(in->bus, p, in->host.source->topic, e);
    if (rc >= 0)
        rc = bus_topic_of_platform(in->bus, p, in->rejects, e);
    if (rc >= 0)
        rc = bus_producer_open(in->bus, id, &in->producer, e);
    return rc;
}

/* Where the last run stopped: plugin checkpoint and counts. */
static int read_checkpoint(struct ingest *in, struct err *e)
{
    struct bus_committed *c = mem_alloc(sizeof(*c));
    int rc = bus_committed(in->bus, in->group, SOURCE_TOPIC, 0, c, e);
    if (rc == 0 && c->offset >= 0)
        rc = counts_read(&in->counts, in->committed, sizeof(in->committed), c->metadata,
                         e);
    mem_free(c);
    return rc < 0 ? err_wrap(e, rc, "source %s", in->host.source->name) : 0;
}

static int ingest_open(struct ingest *in, struct err *e)
{
    int rc = host_load(&in->host, e);
    if (rc == 0)
        rc = open_bus(in, e);
    if (rc == 0)
        rc = read_checkpoint(in, e);
    if (rc == 0)
        rc = guard_limits(in->host.source->memory_bytes, e);
    if (rc == 0)
        rc = host_open(&in->host, in->is_bounded, in->committed, e);
    return rc == 0 ? channel_ready(in->ch, e) : rc;
}

static void ingest_close(struct ingest *in)
{
    host_release(&in->host);
    bus_producer_close(in->producer);
    bus_close(in->bus);
    buf_release(&in->scratch);
}

/* ── one record ──────────────────────────────────────────────────────────────────── */

static int64_t timestamp_of(struct ingest *in, const struct weir_record *r)
{
    if (r->arrival_ms != WEIR_TIME_UNKNOWN)
        return r->arrival_ms;
    if (r->op)
        return host_now_ms(&in->host);
    if (!in->is_bounded)
        return in->host.platform->as_of_ms >= 0 ? in->host.platform->as_of_ms
                                                : time_wall_ms();
    if (r->event_ms != WEIR_TIME_UNKNOWN && r->event_ms >= 0)
        return r->event_ms;
    return in->at_ms != INT64_MIN ? in->at_ms : host_now_ms(&in->host);
}

/* The record's bytes, masked when they hold a card number. */
static int masked_value(struct ingest *in, const struct weir_record *r, struct str *out,
                        struct err *e)
{
    *out = (struct str){r->value, r->value_len};
    in->counts.masked += r->masked;
    if (!mask_may_have(r->value, r->value_len))
        return 0;
    buf_reset(&in->scratch);
    buf_add(&in->scratch, r->value, r->value_len);
    int rc = buf_check(&in->scratch, "record", e);
    if (rc < 0)
        return rc;
    in->counts.masked +=
        mask_bytes(in->scratch.data, in->scratch.len, in->host.plugin->id_fields);
    out->p = in->scratch.data;
    return 0;
}

static int produce(struct ingest *in, const struct weir_record *r, struct str value,
                   int64_t ts, struct err *e)
{
    char line[24];
    struct bus_header h[5];
    size_t n = 0;
    snprintf(line, sizeof(line), "%llu", (unsigned long long)r->position);
    h[n++] = (struct bus_header){STR("line"), str_of(line)};
    h[n++] = (struct bus_header){STR("source"), str_of(in->host.source->name)};
    if (r->reject) {
        h[n++] = (struct bus_header){STR("reason"), str_of(r->reject)};
        h[n++] = (struct bus_header){STR("detail"), str_of(r->detail ? r->detail : "")};
    } else if (r->op) {
        h[n++] = (struct bus_header){STR("op"), str_of(r->op)};
    }
    struct str key = {r->key, r->key_len};
    return bus_produce(in->producer, r->reject ? in->rejects : in->host.source->topic,
                       -1, ts, key, value, h, n, e);
}

static int take_record(struct ingest *in, const struct weir_record *r, struct err *e)
{
    struct str value;
    if (r->value_len > VALUE_MAX || (!r->value && r->value_len > 0) ||
        (!r->key && r->key_len > 0))
        return err_set(e, ERR_PLUGIN,
                       "source %s: plugin %s: record %llu: a value of %zu bytes",
                       in->host.source->name, in->host.plugin->name,
                       (unsigned long long)r->position, r->value_len);
    int64_t ts = timestamp_of(in, r);
    int rc = masked_value(in, r, &value, e);
    if (rc == 0)
        rc = produce(in, r, value, ts, e);
    if (rc < 0)
        return rc;
    if (in->pending++ == 0)
        in->began_ms = time_mono_ms();
    in->counts.in++;
    in->counts.bytes += (int64_t)r->value_len;
    if (r->reject)
        counts_add(&in->counts.rejected, r->reject, 1);
    if (!r->op && ts > in->at_ms)
        in->at_ms = ts;
    return 0;
}

/* ── commit and figures ──────────────────────────────────────────────────────────── */

/* Records, counts and checkpoint in one transaction. Without records only when the
 * checkpoint moved (empty lines, a renamed file). */
static int commit(struct ingest *in, struct err *e)
{
    char cp[WEIR_CHECKPOINT_MAX], metadata[BUS_METADATA_MAX + 1];
    int rc = host_checkpoint(&in->host, cp, sizeof(cp), e);
    if (rc < 0 || (in->pending == 0 && streq(cp, in->committed)))
        return rc;
    rc = counts_write(&in->counts, cp, metadata, sizeof(metadata), e);
    if (rc == 0)
        rc = bus_txn_offset(in->producer, in->group, SOURCE_TOPIC, 0, in->counts.in,
                            metadata, e);
    if (rc == 0)
        rc = bus_txn_commit(in->producer, e);
    if (rc < 0)
        return err_wrap(e, rc, "source %s", in->host.source->name);
    in->pending = 0;
    str_copy(in->committed, sizeof(in->committed), cp);
    host_committed(&in->host);
    return 0;
}

static json_t *figures(struct ingest *in)
{
    int64_t position, total, now = time_mono_ms();
    json_t *m = json_object();
    host_progress(&in->host, &position, &total);
    json_put_i64(m, "in", in->counts.in);
    json_put(m, "rejected", counts_object(&in->counts.rejected));
    json_put(m, "counts", counts_object(&in->counts.other));
    json_put_i64(m, "masked", in->counts.masked);
    json_put_i64(m, "bytes", in->counts.bytes);
    json_put_i64(m, "position", position);
    json_put_i64(m, "total", total);
    if (in->at_ms != INT64_MIN)
        json_put_i64(m, "at_ms", in->at_ms);
    int64_t span = now - in->metrics_ms;
    double rate = (double)(in->counts.in - in->metrics_in) * 1000.0;
    json_put_num(m, "rate", span > 0 ? rate / (double)span : 0);
    in->metrics_ms = now;
    in->metrics_in = in->counts.in;
    return m;
}

static int send_metrics(struct ingest *in, bool must, struct err *e)
{
    if (!must && time_mono_ms() - in->metrics_ms < METRICS_MS)
        return 0;
    json_t *m = json_object();
    json_put(m, "data", figures(in));
    return channel_send(in->ch, "metrics", m, e);
}

static int send_end(struct ingest *in, const char *type, struct err *e)
{
    int rc = send_metrics(in, true, e);
    if (rc < 0)
        return rc;
    json_t *m = json_object(), *d = json_object();
    json_put_i64(d, "in", in->counts.in);
    json_put_i64(d, "rejected", counts_total(&in->counts.rejected));
    json_put_i64(d, "masked", in->counts.masked);
    json_put_i64(d, "ms", time_mono_ms() - in->start_ms);
    json_put(m, "data", d);
    return channel_send(in->ch, type, m, e);
}

/* ── the loop ────────────────────────────────────────────────────────────────────── */

static bool is_batch_full(const struct ingest *in)
{
    if (in->pending >= BATCH_RECORDS || bus_txn_bytes(in->producer) >= BATCH_BYTES)
        return true;
    return in->pending % LOOK_EVERY == 0 && in->pending > 0 &&
           time_mono_ms() - in->began_ms >= BATCH_MS;
}

/* Records until the batch is full (WEIR_RECORD), or what the plugin said instead. */
static int fill_batch(struct ingest *in, enum weir_status *st, struct err *e)
{
    struct weir_record r;
    do {
        *st = host_next(&in->host, &r);
        if (*st != WEIR_RECORD)
            return 0;
        int rc = take_record(in, &r, e);
        if (rc < 0)
            return rc;
    } while (!is_batch_full(in));
    return 0;
}

/* A bounded source that only ever says "wait" hangs as well. */
static int check_stuck(struct ingest *in, enum weir_status st, struct err *e)
{
    int64_t position, total, now = time_mono_ms();
    host_progress(&in->host, &position, &total);
    position += in->counts.in;
    if (st != WEIR_WAIT || !in->is_bounded || position != in->moved_at) {
        in->moved_at = position;
        in->moved_ms = now;
        return 0;
    }
    int64_t limit = in->host.source->hang_ms;
    if (limit <= 0 || now - in->moved_ms <= limit)
        return 0;
    return err_set(
        e, ERR_TIMEOUT,
        "source %s: plugin %s hangs: it says \"wait\" in a bounded read and has "
        "not moved for %lld ms",
        in->host.source->name, in->host.plugin->name, (long long)limit);
}

/* 1: the source is through. */
static int after_batch(struct ingest *in, enum weir_status st, struct err *e)
{
    json_t *msg = NULL;
    int wait_ms = st != WEIR_WAIT ? 0 : in->is_bounded ? 1 : FOLLOW_WAIT_MS;
    if (st == WEIR_END) {
        int rc = send_end(in, "end", e);
        return rc < 0 ? rc : 1;
    }
    int rc = in->ch->is_draining && st == WEIR_WAIT ? send_end(in, "drained", e) : 0;
    if (rc == 0)
        rc = send_metrics(in, false, e);
    if (rc == 0)
        rc = check_stuck(in, st, e);
    if (rc == 0)
        rc = channel_poll(in->ch, wait_ms, &msg, e);
    json_decref(msg);
    return rc < 0 ? rc : 0;
}

/* The plugin failed: what it gave before is kept, then its error ends the worker. */
static int fail_with(struct ingest *in, enum weir_status st, struct err *e)
{
    struct err first = {0};
    int rc = host_error(&in->host, st, "next", &first);
    int kept = in->pending > 0 ? commit(in, e) : 0;
    if (kept < 0)
        return err_wrap(e, kept, "after \"%.300s\"", first.text);
    return err_set(e, rc, "%s", first.text);
}

static int ingest_loop(struct ingest *in, struct err *e)
{
    while (!in->ch->is_stopping) {
        enum weir_status st = WEIR_RECORD;
        int rc = fill_batch(in, &st, e);
        if (rc == 0 && st != WEIR_RECORD && st != WEIR_WAIT && st != WEIR_END)
            rc = fail_with(in, st, e);
        if (rc == 0 && (in->pending > 0 || st == WEIR_END))
            rc = commit(in, e);
        if (rc == 0)
            rc = after_batch(in, st, e);
        if (rc != 0)
            return rc < 0 ? rc : 0;
    }
    return in->pending > 0 ? commit(in, e) : 0;
}

int ingest_run(const struct platform *p, const struct conf_source *s, bool bounded,
               struct channel *ch, struct err *e)
{
    struct ingest *in = mem_alloc(sizeof(*in));
    in->ch = ch;
    in->is_bounded = bounded;
    in->at_ms = INT64_MIN;
    in->start_ms = in->metrics_ms = in->moved_ms = time_mono_ms();
    in->rejects = rejects_topic(p, s->topic);
    snprintf(in->group, sizeof(in->group), "source:%s", s->name);
    buf_init(&in->scratch, VALUE_MAX);
    host_init(&in->host, p, s, ch, &in->counts);
    guard_start(s->name, s->plugin, s->hang_ms, ch->fd);
    int rc = ingest_open(in, e);
    in->metrics_in = in->counts.in;
    if (rc == 0)
        rc = ingest_loop(in, e);
    if (rc < 0 && in->host.self && in->pending == 0)
        (void)send_metrics(in, true, NULL); /* what it read before it failed */
    ingest_close(in);
    guard_stop();
    mem_free(in);
    return rc;
}
