/* Producing on Kafka: one transactional, idempotent producer per id. Opening it again
 * anywhere raises the epoch on the broker and fences the older one. Outputs and input
 * offsets go in one transaction (KIP-98, KIP-447).
 *
 * Always holds: after an error that the broker says needs an abort, only an abort
 * helps; the caller then reads its inputs again from the committed offsets. */
#include "bus/bus_kafka.h"

#include <inttypes.h>
#include <unistd.h>
#include "base/timeutil.h"

/* Offsets of one group, sent when the transaction is committed. */
struct group_offsets {
    char *group;
    rd_kafka_topic_partition_list_t *list;
};

struct kafka_producer {
    struct bus_producer base;
    char *id;
    rd_kafka_t *rk;
    bool is_open; /* a transaction has begun */
    bool must_abort;
    bool is_fenced;
    size_t bytes;
    uint32_t turn;
    VEC(struct group_offsets) groups;
    VEC(char *) checked; /* "@" topics known to exist */
};

static struct kafka *bus_of(struct kafka_producer *p)
{
    return (struct kafka *)p->base.bus;
}

/* Takes error. */
static int txn_error(struct kafka_producer *p, rd_kafka_error_t *error,
                     const char *what, struct err *e)
{
    rd_kafka_resp_err_t code = rd_kafka_error_code(error);
    int rc = kafka_error(bus_of(p), code, e, "producer %s: cannot %s", p->id, what);
    if (rd_kafka_error_txn_requires_abort(error))
        p->must_abort = true;
    if (rc == ERR_FENCED || rd_kafka_error_is_fatal(error)) {
        p->is_fenced = rc == ERR_FENCED;
        if (p->is_fenced)
            err_set(e, ERR_FENCED,
                    "producer %s: a newer instance has taken over, this one must stop",
                    p->id);
    }
    rd_kafka_error_destroy(error);
    return rc;
}

/* The calls that make up a transaction; group is for OFFSETS only. */
enum step { INIT, BEGIN, OFFSETS, COMMIT, ABORT };

static rd_kafka_error_t *call(struct kafka_producer *p, enum step step,
                              const struct group_offsets *group)
{
    if (step == INIT)
        return rd_kafka_init_transactions(p->rk, KAFKA_TIMEOUT_MS);
    if (step == BEGIN)
        return rd_kafka_begin_transaction(p->rk);
    if (step == COMMIT)
        return rd_kafka_commit_transaction(p->rk, KAFKA_TXN_MS);
    if (step == ABORT)
        return rd_kafka_abort_transaction(p->rk, KAFKA_TXN_MS);
    rd_kafka_consumer_group_metadata_t *m =
        rd_kafka_consumer_group_metadata_new(group->group);
    rd_kafka_error_t *error =
        rd_kafka_send_offsets_to_transaction(p->rk, group->list, m, KAFKA_TXN_MS);
    rd_kafka_consumer_group_metadata_destroy(m);
    return error;
}

/* A retriable answer means: the same call again. */
static int run(struct kafka_producer *p, enum step step,
               const struct group_offsets *group, struct err *e)
{
    static const char *const names[] = {"open it", "begin a transaction",
                                        "commit the input offsets", "commit", "abort"};
    int64_t deadline = time_mono_ms() + KAFKA_TXN_MS;
    rd_kafka_error_t *error;
    while ((error = call(p, step, group)) && rd_kafka_error_is_retriable(error) &&
           time_mono_ms() < deadline) {
        rd_kafka_error_destroy(error);
        rd_kafka_poll(p->rk, 100);
    }
    return error ? txn_error(p, error, names[step], e) : 0;
}

static int make_handle(struct kafka *k, struct kafka_producer *p, struct err *e)
{
    const char *const settings[] = {"transactional.id",
                                    p->id,
                                    "enable.idempotence",
                                    "true",
                                    "compression.codec",
                                    "lz4",
                                    "linger.ms",
                                    "20",
                                    "queue.buffering.max.messages",
                                    "500000",
                                    "queue.buffering.max.kbytes",
                                    "65536",
                                    "message.timeout.ms",
                                    "30000",
                                    "transaction.timeout.ms",
                                    "30000",
                                    "message.max.bytes",
                                    "9000000",
                                    NULL};
    return kafka_handle(k, RD_KAFKA_PRODUCER, settings, &p->rk, e);
}

int kafka_producer_open(struct bus *b, const char *id, struct bus_producer **out,
                        struct err *e)
{
    struct kafka *k = (struct kafka *)b;
    struct kafka_producer *p = mem_alloc(sizeof *p);
    p->base.bus = b;
    p->id = mem_strdup(id);
    int rc = make_handle(k, p, e);
    if (rc == 0)
        rc = run(p, INIT, NULL, e);
    if (rc < 0) {
        kafka_producer_close(&p->base);
        return rc;
    }
    *out = &p->base;
    return 0;
}

static void clear(struct kafka_producer *p)
{
    for (size_t i = 0; i < p->groups.n; i++) {
        mem_free(p->groups.v[i].group);
        rd_kafka_topic_partition_list_destroy(p->groups.v[i].list);
    }
    p->groups.n = 0;
    p->bytes = 0;
    p->is_open = p->must_abort = false;
}

void kafka_producer_close(struct bus_producer *base)
{
    struct kafka_producer *p = (struct kafka_producer *)base;
    if (p->rk && base->bus->pid == getpid()) {
        if (p->is_open && !p->is_fenced)
            kafka_txn_abort(base, NULL);
        rd_kafka_purge(p->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        rd_kafka_destroy(p->rk);
    }
    clear(p);
    for (size_t i = 0; i < p->checked.n; i++)
        mem_free(p->checked.v[i]);
    vec_release(&p->checked);
    vec_release(&p->groups);
    mem_free(p->id);
    mem_free(p);
}

static int open_txn(struct kafka_producer *p, struct err *e)
{
    if (p->is_fenced)
        return err_set(
            e, ERR_FENCED,
            "producer %s: a newer instance has taken over, this one must stop", p->id);
    if (p->must_abort)
        return err_set(e, ERR_BUS,
                       "producer %s: the transaction failed: abort it, then read the "
                       "inputs again",
                       p->id);
    if (p->is_open)
        return 0;
    int rc = run(p, BEGIN, NULL, e);
    p->is_open = rc == 0;
    return rc;
}

static rd_kafka_headers_t *headers_of(const struct bus_record *r)
{
    rd_kafka_headers_t *h = rd_kafka_headers_new(r->n_headers);
    for (size_t i = 0; i < r->n_headers; i++) {
        const struct bus_header *one = &r->headers[i];
        rd_kafka_header_add(h, one->name.p, (ssize_t)one->name.n, one->value.p,
                            (ssize_t)one->value.n);
    }
    return h;
}

/* Copies go to librdkafka's queue; a full queue is waited for while it is sent.
 * Timestamp 0 would mean now: the first millisecond of 1970 becomes the second. */
static int enqueue(struct kafka_producer *p, const char *topic, int32_t partition,
                   const struct bus_record *r, struct err *e)
{
    int64_t deadline = time_mono_ms() + KAFKA_TXN_MS;
    rd_kafka_headers_t *headers = r->n_headers ? headers_of(r) : NULL;
    rd_kafka_resp_err_t code;
    for (;;) {
        rd_kafka_vu_t vus[] = {
            {.vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = topic},
            {.vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = partition},
            {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
            {.vtype = RD_KAFKA_VTYPE_KEY,
             .u.mem = {(void *)(uintptr_t)r->key.p, r->key.n}},
            {.vtype = RD_KAFKA_VTYPE_VALUE,
             .u.mem = {(void *)(uintptr_t)r->value.p, r->value.n}},
            {.vtype = RD_KAFKA_VTYPE_TIMESTAMP,
             .u.i64 = r->timestamp_ms ? r->timestamp_ms : 1},
            {.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers},
        };
        rd_kafka_error_t *error = rd_kafka_produceva(p->rk, vus, headers ? 7 : 6);
        code = error ? rd_kafka_error_code(error) : RD_KAFKA_RESP_ERR_NO_ERROR;
        if (error)
            rd_kafka_error_destroy(error);
        if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL || time_mono_ms() >= deadline)
            break;
        rd_kafka_poll(p->rk, 50);
    }
    if (!code)
        return 0;
    if (headers)
        rd_kafka_headers_destroy(headers);
    return kafka_error(bus_of(p), code, e, "producer %s: topic %s", p->id, topic);
}

int kafka_produce(struct bus_producer *base, const char *topic,
                  const struct bus_record *r, struct err *e)
{
    struct kafka_producer *p = (struct kafka_producer *)base;
    struct kafka_topic *t;
    int rc = kafka_topic(bus_of(p), topic, &t, e);
    if (rc < 0)
        return rc;
    int32_t partition = r->partition;
    if (partition < 0)
        partition = bus_pick_partition(t->key_rule, r->key, t->partitions, &p->turn);
    if (partition >= t->partitions)
        return err_set(e, ERR_NOTFOUND, "topic %s has no partition %" PRId32, topic,
                       partition);
    if (p->bytes + r->value.n + r->key.n > BUS_TXN_BYTES_MAX)
        return err_set(e, ERR_LIMIT,
                       "producer %s: the transaction holds %zu bytes, at most %d fit: "
                       "commit, then go on",
                       p->id, p->bytes, BUS_TXN_BYTES_MAX);
    rc = open_txn(p, e);
    if (rc == 0)
        rc = enqueue(p, topic, partition, r, e);
    if (rc == 0)
        p->bytes += r->key.n + r->value.n;
    rd_kafka_poll(p->rk, 0);
    return rc;
}

/* A broker refuses offsets of a topic that it does not have. */
static int ensure_place(struct kafka_producer *p, const char *topic, const char *name,
                        struct err *e)
{
    if (topic[0] != '@')
        return 0;
    for (size_t i = 0; i < p->checked.n; i++)
        if (streq(p->checked.v[i], name))
            return 0;
    struct kafka_topic *found;
    struct bus_topic t = {name, 1, -1, -1, BUS_KEY_HASH};
    int rc = kafka_topic(bus_of(p), name, &found, e);
    if (rc == ERR_NOTFOUND)
        rc = kafka_create_topic(bus_of(p), &t, e);
    if (rc == 0)
        vec_push(&p->checked, mem_strdup(name));
    return rc;
}

static rd_kafka_topic_partition_list_t *offsets_of(struct kafka_producer *p,
                                                   const char *group)
{
    for (size_t i = 0; i < p->groups.n; i++)
        if (streq(p->groups.v[i].group, group))
            return p->groups.v[i].list;
    struct group_offsets g = {mem_strdup(group), rd_kafka_topic_partition_list_new(4)};
    vec_push(&p->groups, g);
    return g.list;
}

int kafka_txn_offset(struct bus_producer *base, const char *group, const char *topic,
                     int32_t partition, int64_t next_offset, const char *metadata,
                     struct err *e)
{
    struct kafka_producer *p = (struct kafka_producer *)base;
    char buffer[256];
    const char *name = kafka_name(topic, buffer);
    int rc = ensure_place(p, topic, name, e);
    if (rc == 0)
        rc = open_txn(p, e);
    if (rc < 0)
        return rc;
    rd_kafka_topic_partition_list_t *list = offsets_of(p, group);
    rd_kafka_topic_partition_t *place =
        rd_kafka_topic_partition_list_find(list, name, partition);
    if (!place)
        place = rd_kafka_topic_partition_list_add(list, name, partition);
    place->offset = next_offset;
    free(place->metadata); /* librdkafka frees it with free() too */
    place->metadata = strdup(metadata);
    place->metadata_size = strlen(metadata);
    return 0;
}

static int send_offsets(struct kafka_producer *p, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < p->groups.n; i++)
        rc = run(p, OFFSETS, &p->groups.v[i], e);
    return rc;
}

int kafka_txn_commit(struct bus_producer *base, struct err *e)
{
    struct kafka_producer *p = (struct kafka_producer *)base;
    if (!p->is_open && !p->is_fenced)
        return 0;
    int rc = open_txn(p, e);
    if (rc == 0)
        rc = send_offsets(p, e);
    if (rc == 0)
        rc = run(p, COMMIT, NULL, e);
    if (rc == 0)
        clear(p);
    return rc;
}

int kafka_txn_abort(struct bus_producer *base, struct err *e)
{
    struct kafka_producer *p = (struct kafka_producer *)base;
    if (!p->is_open)
        return 0;
    int rc = run(p, ABORT, NULL, e);
    clear(p);
    return rc;
}

size_t kafka_txn_bytes(const struct bus_producer *base)
{
    return ((const struct kafka_producer *)base)->bytes;
}
