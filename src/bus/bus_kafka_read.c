/* Consuming from Kafka: partitions started and stopped by hand, read_committed, no
 * jumps (auto.offset.reset=error). librdkafka's simple consumer is used, whose stop
 * waits until it has happened: two calls of rd_kafka_assign within a few milliseconds
 * abort the process in 2.0.2 (assertion rktp_started). Messages of several partitions
 * come mixed; they are sorted by partition, so that each poll hands out a run of one.
 *
 * Always holds: the position of a partition is behind what was handed out, not behind
 * what was fetched; at a partition's end it stands behind the control records there, so
 * that a commit shows no lag. */
#include "bus/bus_kafka.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/timeutil.h"

#define FETCH_MAX 2000
#define TAIL      8 /* records and control records looked at for the newest timestamp */

struct assigned {
    char *topic;
    rd_kafka_topic_t *rkt;
    int32_t partition;
    int64_t position;
};

struct kafka_consumer {
    struct bus_consumer base;
    char *group;
    rd_kafka_t *rk;
    rd_kafka_queue_t *queue;
    VEC(struct assigned) assigned;
    rd_kafka_message_t *messages[FETCH_MAX];
    size_t n, at; /* fetched, handed out */
    struct bus_record *records;
    VEC(struct bus_header) headers;
    rd_kafka_topic_partition_list_t *pending; /* plain commits not sent yet */
};

static struct kafka *bus_of(const struct kafka_consumer *c)
{
    return (struct kafka *)c->base.bus;
}

int kafka_consumer_open(struct bus *b, const char *group, struct bus_consumer **out,
                        struct err *e)
{
    struct kafka *k = (struct kafka *)b;
    const char *const settings[] = {"group.id",
                                    group,
                                    "isolation.level",
                                    "read_committed",
                                    "enable.auto.commit",
                                    "false",
                                    "enable.auto.offset.store",
                                    "false",
                                    "auto.offset.reset",
                                    "error",
                                    "enable.partition.eof",
                                    "true",
                                    "queued.max.messages.kbytes",
                                    "8192",
                                    "check.crcs",
                                    "true",
                                    "session.timeout.ms",
                                    "10000",
                                    "fetch.wait.max.ms",
                                    "50",
                                    "fetch.error.backoff.ms",
                                    "50",
                                    "allow.auto.create.topics",
                                    "false",
                                    NULL};
    struct kafka_consumer *c = mem_alloc(sizeof *c);
    c->base.bus = b;
    c->group = mem_strdup(group);
    c->records = mem_alloc(FETCH_MAX * sizeof *c->records);
    c->pending = rd_kafka_topic_partition_list_new(8);
    int rc = kafka_handle(k, RD_KAFKA_CONSUMER, settings, &c->rk, e);
    vec_push(&k->consumers, c);
    if (rc < 0) {
        kafka_consumer_close(&c->base);
        return rc;
    }
    c->queue = rd_kafka_queue_new(c->rk);
    *out = &c->base;
    return 0;
}

static void drop_messages(struct kafka_consumer *c)
{
    for (size_t i = 0; i < c->n; i++)
        rd_kafka_message_destroy(c->messages[i]);
    c->n = c->at = 0;
}

/* What was fetched of a partition and not handed out. */
static void forget_messages(struct kafka_consumer *c, const struct assigned *a)
{
    size_t n = c->at;
    for (size_t i = c->at; i < c->n; i++) {
        rd_kafka_message_t *m = c->messages[i];
        if (m->rkt && m->partition == a->partition &&
            streq(rd_kafka_topic_name(m->rkt), a->topic))
            rd_kafka_message_destroy(m);
        else
            c->messages[n++] = m;
    }
    c->n = n;
}

/* Stop reading a partition and forget it: *a is another one afterwards. */
static void stop(struct kafka_consumer *c, struct assigned *a)
{
    forget_messages(c, a);
    rd_kafka_consume_stop(a->rkt, a->partition);
    rd_kafka_topic_destroy(a->rkt);
    mem_free(a->topic);
    *a = c->assigned.v[--c->assigned.n];
}

static int flush_one(struct kafka_consumer *c, struct err *e)
{
    if (c->pending->cnt == 0)
        return 0;
    rd_kafka_resp_err_t code = rd_kafka_commit(c->rk, c->pending, 0);
    if (code)
        return kafka_error(bus_of(c), code, e, "group %s: cannot commit", c->group);
    rd_kafka_topic_partition_list_destroy(c->pending);
    c->pending = rd_kafka_topic_partition_list_new(8);
    return 0;
}

int kafka_flush(struct kafka *k, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < k->consumers.n; i++)
        rc = flush_one(k->consumers.v[i], e);
    return rc;
}

void kafka_consumer_close(struct bus_consumer *base)
{
    struct kafka_consumer *c = (struct kafka_consumer *)base;
    struct kafka *k = bus_of(c);
    for (size_t i = 0; i < k->consumers.n; i++)
        if (k->consumers.v[i] == c)
            k->consumers.v[i] = k->consumers.v[--k->consumers.n];
    if (c->rk && base->bus->pid == getpid()) {
        flush_one(c, NULL);
        drop_messages(c);
        while (c->assigned.n > 0)
            stop(c, &c->assigned.v[0]);
        rd_kafka_queue_destroy(c->queue);
        rd_kafka_destroy(c->rk);
    }
    vec_release(&c->assigned);
    vec_release(&c->headers);
    rd_kafka_topic_partition_list_destroy(c->pending);
    mem_free(c->records);
    mem_free(c->group);
    mem_free(c);
}

/* ── Assignment ── */

static struct assigned *find(const struct kafka_consumer *c, const char *topic,
                             int32_t partition)
{
    for (size_t i = 0; i < c->assigned.n; i++) {
        struct assigned *a = &c->assigned.v[i];
        if (a->partition == partition && streq(a->topic, topic))
            return a;
    }
    return NULL;
}

static int resolve(struct kafka_consumer *c, const char *topic, int32_t partition,
                   int64_t *offset, struct err *e)
{
    int64_t low, high;
    int rc = bus_start_offset(c->base.bus, c->group, topic, partition, offset, e);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    rc = kafka_watermarks(bus_of(c), topic, partition, &low, &high, e);
    if (rc == 0)
        *offset = *offset == BUS_OFFSET_END ? high : low;
    return rc;
}

static int start(struct kafka_consumer *c, struct assigned *a, struct err *e)
{
    if (rd_kafka_consume_start_queue(a->rkt, a->partition, a->position, c->queue) == 0)
        return 0;
    return kafka_error(bus_of(c), rd_kafka_last_error(), e,
                       "topic %s, partition %" PRId32 ": cannot start to read",
                       a->topic, a->partition);
}

int kafka_assign(struct bus_consumer *base, const char *topic, int32_t partition,
                 int64_t offset, struct err *e)
{
    struct kafka_consumer *c = (struct kafka_consumer *)base;
    struct kafka_topic *t;
    if (find(c, topic, partition))
        return kafka_seek(base, topic, partition, offset, e);
    int rc = kafka_topic(bus_of(c), topic, &t, e);
    if (rc < 0)
        return rc;
    if (partition >= t->partitions)
        return err_set(e, ERR_NOTFOUND, "topic %s has no partition %" PRId32, topic,
                       partition);
    rc = resolve(c, topic, partition, &offset, e);
    if (rc < 0)
        return rc;
    struct assigned a = {
        .topic = mem_strdup(topic),
        .rkt = rd_kafka_topic_new(c->rk, topic, NULL),
        .partition = partition,
        .position = offset,
    };
    vec_push(&c->assigned, a);
    rc = start(c, &a, e);
    if (rc < 0)
        stop(c, &c->assigned.v[c->assigned.n - 1]);
    return rc;
}

int kafka_unassign(struct bus_consumer *base, const char *topic, int32_t partition,
                   struct err *e)
{
    struct kafka_consumer *c = (struct kafka_consumer *)base;
    struct assigned *a = find(c, topic, partition);
    if (!a)
        return bus_not_assigned(topic, partition, e);
    stop(c, a);
    return 0;
}

int kafka_seek(struct bus_consumer *base, const char *topic, int32_t partition,
               int64_t offset, struct err *e)
{
    struct kafka_consumer *c = (struct kafka_consumer *)base;
    struct assigned *a = find(c, topic, partition);
    if (!a)
        return bus_not_assigned(topic, partition, e);
    int rc = resolve(c, topic, partition, &offset, e);
    if (rc < 0)
        return rc;
    forget_messages(c, a);
    rd_kafka_consume_stop(a->rkt, a->partition);
    a->position = offset;
    return start(c, a, e);
}

int64_t kafka_position(const struct bus_consumer *base, const char *topic,
                       int32_t partition)
{
    const struct assigned *a =
        find((const struct kafka_consumer *)base, topic, partition);
    return a ? a->position : -1;
}

int kafka_commit(struct bus_consumer *base, const char *topic, int32_t partition,
                 int64_t next_offset, const char *metadata, struct err *e)
{
    struct kafka_consumer *c = (struct kafka_consumer *)base;
    char buffer[256];
    const char *name = kafka_name(topic, buffer);
    (void)e;
    rd_kafka_topic_partition_t *p =
        rd_kafka_topic_partition_list_find(c->pending, name, partition);
    if (!p)
        p = rd_kafka_topic_partition_list_add(c->pending, name, partition);
    p->offset = next_offset;
    free(p->metadata);
    p->metadata = strdup(metadata);
    p->metadata_size = strlen(metadata);
    return 0;
}

/* ── Poll ── */

static int by_partition(const void *a, const void *b)
{
    const rd_kafka_message_t *x = *(rd_kafka_message_t *const *)a;
    const rd_kafka_message_t *y = *(rd_kafka_message_t *const *)b;
    if (x->rkt != y->rkt)
        return (uintptr_t)x->rkt < (uintptr_t)y->rkt ? -1 : 1;
    if (x->partition != y->partition)
        return x->partition < y->partition ? -1 : 1;
    if (x->offset != y->offset)
        return x->offset < y->offset ? -1 : 1;
    return !!x->err - !!y->err; /* the end's event comes behind the records */
}

static int fell_off(struct kafka_consumer *c, const struct assigned *a, struct err *e)
{
    int64_t low = -1, high = -1;
    if (kafka_watermarks(bus_of(c), a->topic, a->partition, &low, &high, e) < 0)
        return ERR_BUS;
    return err_set(e, ERR_NOTFOUND,
                   "kafka %s: topic %s, partition %" PRId32 ": position %" PRId64
                   " is not within the log (%" PRId64 " to %" PRId64
                   "): reset the group",
                   bus_of(c)->servers, a->topic, a->partition, a->position, low, high);
}

/* An event instead of a record: 0 goes on. */
static int handle_event(struct kafka_consumer *c, const rd_kafka_message_t *m,
                        struct err *e)
{
    struct assigned *a =
        m->rkt ? find(c, rd_kafka_topic_name(m->rkt), m->partition) : NULL;
    if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        if (a && m->offset > a->position)
            a->position = m->offset;
        return 0;
    }
    if (m->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET ||
        m->err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE)
        return a ? fell_off(c, a, e) : 0;
    if (m->err == RD_KAFKA_RESP_ERR__TRANSPORT ||
        m->err == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
        return 0; /* librdkafka connects again by itself */
    return kafka_error(bus_of(c), m->err, e, "group %s: cannot read", c->group);
}

static void header_list(struct kafka_consumer *c, const rd_kafka_message_t *m,
                        struct bus_record *r)
{
    rd_kafka_headers_t *list;
    r->n_headers = 0;
    if (rd_kafka_message_headers(m, &list))
        return;
    const char *name;
    const void *value;
    size_t size;
    for (size_t i = 0; !rd_kafka_header_get_all(list, i, &name, &value, &size); i++) {
        struct bus_header h = {str_of(name), {value, size}};
        vec_push(&c->headers, h);
        r->n_headers++;
    }
}

static struct bus_record record_of(struct kafka_consumer *c,
                                   const rd_kafka_message_t *m)
{
    rd_kafka_timestamp_type_t type;
    struct bus_record r = {
        .offset = m->offset,
        .timestamp_ms = rd_kafka_message_timestamp(m, &type),
        .partition = m->partition,
        .key = {m->key, m->key_len},
        .value = {m->payload, m->len},
    };
    header_list(c, m, &r);
    return r;
}

/* The next run of one partition among the fetched messages: 1 and *out, or 0. */
static int hand_out(struct kafka_consumer *c, size_t max, struct bus_batch *out,
                    struct err *e)
{
    while (c->at < c->n && c->messages[c->at]->err) {
        int rc = handle_event(c, c->messages[c->at++], e);
        if (rc < 0)
            return rc;
    }
    if (c->at == c->n)
        return 0;
    const rd_kafka_message_t *first = c->messages[c->at];
    struct assigned *a = find(c, rd_kafka_topic_name(first->rkt), first->partition);
    size_t n = 0;
    c->headers.n = 0;
    while (c->at < c->n && n < max) {
        const rd_kafka_message_t *m = c->messages[c->at];
        if (m->err || m->rkt != first->rkt || m->partition != first->partition)
            break;
        c->records[n++] = record_of(c, m);
        c->at++;
    }
    const struct bus_header *h = c->headers.v;
    for (size_t i = 0; i < n; i++) {
        c->records[i].headers = h;
        h = c->records[i].n_headers ? h + c->records[i].n_headers : h;
    }
    BUG_ON(!a);
    a->position = c->records[n - 1].offset + 1;
    *out = (struct bus_batch){a->topic, a->partition, c->records, n, a->position};
    return 1;
}

static int fetch(struct kafka_consumer *c, int timeout_ms, struct err *e)
{
    drop_messages(c);
    ssize_t n =
        rd_kafka_consume_batch_queue(c->queue, timeout_ms, c->messages, FETCH_MAX);
    if (n < 0)
        return kafka_error(bus_of(c), rd_kafka_last_error(), e, "group %s: cannot read",
                           c->group);
    c->n = (size_t)n;
    qsort(c->messages, c->n, sizeof *c->messages, by_partition);
    return 0;
}

int kafka_poll(struct bus_consumer *base, size_t max, int timeout_ms,
               struct bus_batch *out, struct err *e)
{
    struct kafka_consumer *c = (struct kafka_consumer *)base;
    int64_t deadline = time_mono_ms() + (timeout_ms > 0 ? timeout_ms : 0);
    int rc = flush_one(c, e);
    if (rc < 0)
        return rc;
    for (;;) {
        rc = hand_out(c, max, out, e);
        if (rc != 0)
            return rc;
        int64_t left = deadline - time_mono_ms();
        /* The batch call waits for a full batch: ask for little at a time. */
        rc = fetch(c, left > 10 ? 10 : left > 0 ? (int)left : 0, e);
        if (rc < 0)
            return rc;
        if (c->n == 0 && left <= 0)
            return 0;
    }
}

/* ── Newest timestamps ── */

/* Read from the queue until every started partition has reached its end. */
static void read_tails(struct kafka_topic *t, rd_kafka_queue_t *queue, int waiting)
{
    int64_t deadline = time_mono_ms() + KAFKA_TIMEOUT_MS / 4;
    while (waiting > 0 && time_mono_ms() < deadline) {
        rd_kafka_message_t *m = rd_kafka_consume_queue(queue, 100);
        rd_kafka_timestamp_type_t type;
        if (!m)
            continue;
        bool is_ours = m->partition >= 0 && m->partition < t->partitions;
        int64_t ms = rd_kafka_message_timestamp(m, &type);
        if (m->err)
            waiting--; /* the end, or an error: no more from this one */
        else if (is_ours && ms > t->newest[m->partition].ms)
            t->newest[m->partition].ms = ms;
        rd_kafka_message_destroy(m);
    }
}

/* Kafka tells the end of a partition, not the time of its last record: read the last
 * few of those that moved. What lies at the very end may be control records. */
int kafka_read_newest(struct kafka *k, struct kafka_topic *t, struct err *e)
{
    int64_t low, high;
    int rc = 0;
    rd_kafka_topic_t *rkt = rd_kafka_topic_new(k->rk, t->name, NULL);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(k->rk);
    VEC(int32_t) started = {0};
    for (int32_t i = 0; rc == 0 && i < t->partitions; i++) {
        rc = kafka_watermarks(k, t->name, i, &low, &high, e);
        if (rc < 0 || high == t->newest[i].end)
            continue;
        int64_t from = high - TAIL > low ? high - TAIL : low;
        t->newest[i].end = high;
        if (high > low && rd_kafka_consume_start_queue(rkt, i, from, queue) == 0)
            vec_push(&started, i);
    }
    read_tails(t, queue, (int)started.n);
    for (size_t i = 0; i < started.n; i++)
        rd_kafka_consume_stop(rkt, started.v[i]);
    vec_release(&started);
    rd_kafka_queue_destroy(queue);
    rd_kafka_topic_destroy(rkt);
    return rc;
}
