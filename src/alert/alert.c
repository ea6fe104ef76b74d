/* The alert worker: the anomalies topic becomes the console's feed and, where severe,
 * alerts; the outbox is delivered.
 *
 * in: the anomalies topics (group "alerts"), {"t":"alerts"} and deliver tasks, the open
 * alerts of the state database. out: anomaly, alert, delivered, metrics, drained.
 * Called by worker/. Always holds: an offset is committed only after the supervisor
 * stored every alert before it; keys make a repetition harmless. */
#include "alert/outbox.h"

#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "base/timeutil.h"
#include "bus/bus_mark.h"
#include "bus/bus_platform.h"

#define GROUP      "alerts"
#define BATCH_MAX  500
#define FEED_MAX   200 /* of a batch, the newest: the feed keeps no more */
#define METRICS_MS 500
#define IDLE_MS    100
#define TOPICS_MAX 32
#define RECALL_MAX 20 /* of a partition, what the feed shows again after a start */

struct topic {
    const char *name;
    int n;
    int64_t *end; /* where drain must come to */
};
struct alerter {
    const struct platform *p;
    struct channel *ch;
    struct bus *bus;
    struct bus_consumer *consumer;
    struct outbox outbox;
    struct topic topics[TOPICS_MAX];
    size_t n_topics;
    bool is_draining, is_reported;
    int64_t anomalies, raised, metrics_ms;
};

/* ── topics ── */
static int add_topic(struct alerter *a, const char *name, struct err *e)
{
    for (size_t i = 0; i < a->n_topics; i++)
        if (streq(a->topics[i].name, name))
            return 0;
    if (a->n_topics == TOPICS_MAX)
        return err_set(e, ERR_LIMIT, "more than %d anomaly topics", TOPICS_MAX);
    int n = bus_topic_of_platform(a->bus, a->p, name, e), rc = 0;
    if (n < 0)
        return n;
    for (int32_t p = 0; rc == 0 && p < n; p++)
        rc = bus_assign(a->consumer, name, p, BUS_OFFSET_COMMITTED, e);
    a->topics[a->n_topics++] =
        (struct topic){name, n, mem_alloc((size_t)n * sizeof(int64_t))};
    return rc;
}

static int open_all(struct alerter *a, struct err *e)
{
    int rc = bus_open_platform(a->p, false, &a->bus, e);
    if (rc == 0)
        rc = bus_consumer_open(a->bus, GROUP, &a->consumer, e);
    for (size_t i = 0; rc == 0 && i < a->p->n_streams; i++)
        if (a->p->streams[i].to_alerts && *a->p->streams[i].to_alerts)
            rc = add_topic(a, a->p->streams[i].to_alerts, e);
    return rc;
}

static void close_all(struct alerter *a)
{
    bus_consumer_close(a->consumer);
    bus_close(a->bus);
    outbox_release(&a->outbox);
    for (size_t i = 0; i < a->n_topics; i++)
        mem_free(a->topics[i].end);
}

/* ── records ── */
static int take_record(struct alerter *a, const struct bus_record *r, bool is_shown,
                       struct err *e)
{
    int rc = 0;
    struct bus_mark mark;
    if (bus_mark_read(r, &mark))
        return 0; /* what comes again has the keys it had: no alert is raised twice */
    json_t *row = alert_anomaly_row(r->value.p, r->value.n);
    if (!row) {
        log_warn("anomaly at partition %d offset %lld is not a JSON object",
                 (int)r->partition, (long long)r->offset);
        return 0;
    }
    a->anomalies++;
    if (streq(json_str(row, "severity", ""), "high")) {
        rc = channel_alert(a->ch, alert_of_anomaly(row), e);
        a->raised++;
        a->outbox.next_ms = 0;
        is_shown = true;
    }
    if (rc == 0 && is_shown) {
        json_t *m = json_object();
        json_put(m, "data", row);
        return channel_send(a->ch, "anomaly", m, e);
    }
    json_decref(row);
    return rc;
}

/* 1: a batch was taken; 0: nothing there. */
static int take_batch(struct alerter *a, int timeout_ms, struct err *e)
{
    struct bus_batch b;
    int rc = a->n_topics ? bus_poll(a->consumer, BATCH_MAX, timeout_ms, &b, e) : 0;
    if (rc <= 0)
        return rc;
    for (size_t i = 0; i < b.n; i++)
        if ((rc = take_record(a, &b.records[i], i + FEED_MAX >= b.n, e)) < 0)
            return rc;
    rc = bus_commit(a->consumer, b.topic, b.partition, b.next_offset, NULL, e);
    return rc < 0 ? rc : 1;
}

/* ── a start: what the feed showed before ── */

/* The partition's last records before its committed offset, as anomaly messages that
 * say "again": the supervisor shows those it does not have. No alert is raised. */
static int recall_partition(struct alerter *a, struct bus_consumer *c,
                            const char *topic, int32_t p, const struct bus_range *range,
                            struct err *e)
{
    int64_t end = bus_position(a->consumer, topic, p);
    int64_t from = end - RECALL_MAX > range->start ? end - RECALL_MAX : range->start;
    if (from >= end)
        return 0;
    int rc = bus_assign(c, topic, p, from, e);
    struct bus_batch b = {0};
    while (rc >= 0 && from < end &&
           (rc = bus_poll(c, (size_t)(end - from), 0, &b, e)) > 0) {
        for (size_t i = 0; i < b.n && rc >= 0; i++) {
            json_t *row = alert_anomaly_row(b.records[i].value.p, b.records[i].value.n);
            if (!row)
                continue;
            json_put_flag(row, "again", true);
            json_t *m = json_object();
            json_put(m, "data", row);
            rc = channel_send(a->ch, "anomaly", m, e);
        }
        from = b.next_offset;
    }
    return rc < 0 ? rc : bus_unassign(c, topic, p, e);
}

static int recall(struct alerter *a, struct err *e)
{
    struct bus_consumer *c = NULL;
    int rc = bus_consumer_open(a->bus, GROUP, &c, e); /* commits nothing */
    for (size_t i = 0; rc >= 0 && i < a->n_topics; i++) {
        struct topic *t = &a->topics[i];
        struct bus_range *r = mem_alloc((size_t)t->n * sizeof *r);
        rc = bus_ranges(a->bus, t->name, r, (size_t)t->n, e);
        for (int32_t p = 0; rc >= 0 && p < t->n; p++)
            rc = recall_partition(a, c, t->name, p, &r[p], e);
        mem_free(r);
    }
    bus_consumer_close(c);
    return rc < 0 ? rc : 0;
}

/* ── drain ── */
static int drain_begin(struct alerter *a, struct err *e)
{
    for (size_t i = 0; i < a->n_topics; i++) {
        struct topic *t = &a->topics[i];
        struct bus_range *r = mem_alloc((size_t)t->n * sizeof *r);
        int rc = bus_ranges(a->bus, t->name, r, (size_t)t->n, e);
        for (int p = 0; rc >= 0 && p < t->n; p++)
            t->end[p] = r[p].end;
        mem_free(r);
        if (rc < 0)
            return rc;
    }
    a->is_draining = true;
    return 0;
}

static bool drain_is_over(const struct alerter *a)
{
    for (size_t i = 0; i < a->n_topics; i++)
        for (int p = 0; p < a->topics[i].n; p++)
            if (bus_position(a->consumer, a->topics[i].name, p) < a->topics[i].end[p])
                return false;
    return true;
}

static json_t *metrics(const struct alerter *a)
{
    json_t *m = json_object();
    json_put_i64(m, "in", a->anomalies);
    json_put_i64(m, "alerts", a->raised);
    json_put_i64(m, "sent", a->outbox.sent);
    json_put_i64(m, "failed", a->outbox.failed);
    json_put_i64(m, "pending", a->outbox.pending);
    return m;
}

static int send_metrics(struct alerter *a, struct err *e)
{
    if (time_mono_ms() < a->metrics_ms)
        return 0;
    a->metrics_ms = time_mono_ms() + METRICS_MS;
    json_t *m = json_object();
    json_put(m, "data", metrics(a));
    return channel_send(a->ch, "metrics", m, e);
}

/* Every record of then is taken; what is open was tried once more. */
static int drain_end(struct alerter *a, struct err *e)
{
    int rc = outbox_deliver(&a->outbox, true, e);
    if (rc < 0)
        return rc;
    json_t *m = json_object();
    json_put(m, "data", metrics(a));
    a->is_draining = false;
    return channel_send(a->ch, "drained", m, e);
}

/* ── the loop ── */
static int take_message(struct alerter *a, const json_t *m, struct err *e)
{
    const char *t = json_str(m, "t", "");
    if (streq(t, "alerts"))
        a->outbox.next_ms = 0;
    else if (streq(t, "task") && streq(json_str(m, "kind", ""), "deliver"))
        return outbox_deliver_one(&a->outbox, json_object_get(m, "data"), true, e);
    return 0;
}

static int step(struct alerter *a, struct err *e)
{
    json_t *m = NULL;
    int took = take_batch(a, 0, e);
    if (took < 0)
        return took;
    int rc = channel_poll(a->ch, took || a->is_draining ? 0 : IDLE_MS, &m, e);
    if (rc == 1)
        rc = take_message(a, m, e);
    json_decref(m);
    if (rc < 0)
        return rc;
    if (a->ch->is_draining && !a->is_draining && (rc = drain_begin(a, e)) < 0)
        return rc;
    if (time_mono_ms() >= a->outbox.next_ms &&
        (rc = outbox_deliver(&a->outbox, false, e)) < 0)
        return rc;
    if (a->is_draining && !took && drain_is_over(a))
        rc = drain_end(a, e);
    return rc < 0 ? rc : send_metrics(a, e);
}

int alert_run(const struct platform *p, struct channel *ch, struct err *e)
{
    struct alerter a = {.p = p, .ch = ch};
    outbox_init(&a.outbox, p, ch);
    int rc = open_all(&a, e);
    if (rc == 0)
        rc = channel_ready(ch, e);
    if (rc == 0)
        rc = recall(&a, e);
    while (rc == 0 && !ch->is_stopping)
        rc = step(&a, e);
    close_all(&a);
    return rc;
}
