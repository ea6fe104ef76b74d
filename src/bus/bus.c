/* The bus seam's front: checks arguments once for all members and hands over to the
 * member that opened the handle. In: calls of bus.h. Out: calls of struct bus_ops. No
 * vendor's type appears here. */
#include "bus/bus_member.h"

#include <inttypes.h>

#include <signal.h>
#include <time.h>
#include <unistd.h>
#include "base/hash.h"
#include "base/timeutil.h"

#define X(kind) extern const struct bus_ops bus_##kind##_ops;
#include "bus/bus.list"
#undef X

static const struct bus_ops *const members[] = {
#define X(kind) &bus_##kind##_ops,
#include "bus/bus.list"
#undef X
};
#define N_MEMBERS (sizeof members / sizeof *members)

/* ── Helpers of the members ── */

int32_t bus_pick_partition(enum bus_key_rule rule, struct str key, int32_t n,
                           uint32_t *turn)
{
    if (!key.p)
        return (int32_t)((*turn)++ % (uint32_t)n);
    if (rule == BUS_KEY_STORE)
        return hash_store_partition(key, n);
    return (int32_t)(hash_64(key.p, key.n) % (uint64_t)n);
}

bool bus_wait(int *wait_ms, int64_t deadline_ms)
{
    int64_t left = deadline_ms - time_mono_ms();
    if (left <= 0)
        return false;
    *wait_ms = *wait_ms == 0 ? 5 : *wait_ms >= 25 ? 50 : *wait_ms * 2;
    int64_t ms = *wait_ms < left ? *wait_ms : left;
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&t, NULL);
    return true;
}

/* ── Checks ── */

/* Kafka's rule (TopicName.java): 1..249 of letters, digits, '.', '_' and '-'. */
static int check_topic(const char *name, bool at_allowed, struct err *e)
{
    const char *p = name;
    if (!p || !*p)
        return err_set(e, ERR_USAGE, "a topic needs a name");
    if (*p == '@' && at_allowed)
        p++;
    size_t n = strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                         "0123456789._-");
    if (n == 0 || p[n] || n > 249 || streq(p, ".") || streq(p, ".."))
        return err_set(e, ERR_USAGE,
                       "topic \"%s\": a name has 1 to 249 letters, digits, '.', '_' "
                       "or '-'",
                       name);
    return 0;
}

static int check_group(const char *group, struct err *e)
{
    if (!group || !*group || strlen(group) > 249)
        return err_set(e, ERR_USAGE, "a group needs a name of 1 to 249 bytes");
    return 0;
}

static int check_partition(const char *topic, int32_t partition, struct err *e)
{
    if (partition < 0 || partition >= BUS_PARTITIONS_MAX)
        return err_set(e, ERR_USAGE, "topic %s: there is no partition %d", topic,
                       partition);
    return 0;
}

static int check_place(const char *group, const char *topic, int32_t partition,
                       struct err *e)
{
    int rc = check_group(group, e);
    if (rc == 0)
        rc = check_topic(topic, true, e);
    return rc == 0 ? check_partition(topic, partition, e) : rc;
}

static int check_offset(const char *group, const char *topic, int32_t partition,
                        int64_t offset, const char *metadata, struct err *e)
{
    int rc = check_place(group, topic, partition, e);
    if (rc < 0)
        return rc;
    if (offset < 0)
        return err_set(e, ERR_USAGE,
                       "group %s, topic %s: offset %lld cannot be committed", group,
                       topic, (long long)offset);
    if (metadata && strlen(metadata) > BUS_METADATA_MAX)
        return err_set(e, ERR_LIMIT,
                       "group %s, topic %s: metadata of %zu bytes, at most %d fit",
                       group, topic, strlen(metadata), BUS_METADATA_MAX);
    return 0;
}

static int check_record(const char *topic, const struct bus_record *r, struct err *e)
{
    if (r->n_headers > BUS_HEADERS_MAX)
        return err_set(e, ERR_LIMIT,
                       "topic %s: record with %zu headers, at most %d fit", topic,
                       r->n_headers, BUS_HEADERS_MAX);
    size_t n = r->key.n;
    bool is_over = n > BUS_RECORD_MAX || r->value.n > BUS_RECORD_MAX;
    n += r->value.n;
    for (size_t i = 0; i < r->n_headers && !is_over; i++) {
        is_over = r->headers[i].name.n > BUS_RECORD_MAX ||
                  r->headers[i].value.n > BUS_RECORD_MAX;
        n += r->headers[i].name.n + r->headers[i].value.n;
    }
    if (is_over || n > BUS_RECORD_MAX)
        return err_set(e, ERR_LIMIT, "topic %s: record is longer than %d bytes", topic,
                       BUS_RECORD_MAX);
    return 0;
}

static int check_process(const struct bus *b, struct err *e)
{
    if (b->pid == getpid())
        return 0;
    return err_set(e, ERR_BUS,
                   "this bus was opened by process %d: open it again after "
                   "a fork",
                   (int)b->pid);
}

/* ── Handle and topics ── */

/* A file that may not grow is an error to report (EFBIG), not a reason to die. */
static void ignore_file_size_signal(void)
{
    struct sigaction now;
    if (sigaction(SIGXFSZ, NULL, &now) == 0 && now.sa_handler == SIG_DFL)
        signal(SIGXFSZ, SIG_IGN);
}

int bus_open(struct bus **out, const struct bus_options *o, struct err *e)
{
    const char *names[N_MEMBERS];
    const char *kind = o->kind ? o->kind : "embedded";
    *out = NULL;
    for (size_t i = 0; i < N_MEMBERS; i++) {
        names[i] = members[i]->kind;
        if (!streq(names[i], kind))
            continue;
        ignore_file_size_signal();
        int rc = members[i]->open(out, o, e);
        if (rc < 0)
            return rc;
        (*out)->ops = members[i];
        (*out)->pid = getpid();
        return 0;
    }
    const char *near = str_nearest(kind, names, N_MEMBERS);
    return err_set(e, ERR_CONFIG, "there is no bus \"%s\"%s%s%s", kind,
                   near ? ", did you mean \"" : "", near ? near : "",
                   near ? "\"?" : "");
}

void bus_close(struct bus *b)
{
    if (b)
        b->ops->close(b);
}

int bus_topic_ensure(struct bus *b, const struct bus_topic *t, struct err *e)
{
    int rc = check_topic(t->name, false, e);
    if (rc < 0)
        return rc;
    if (t->partitions < 1 || t->partitions > BUS_PARTITIONS_MAX)
        return err_set(e, ERR_CONFIG, "topic %s: %d partitions, expected 1 to %d",
                       t->name, t->partitions, BUS_PARTITIONS_MAX);
    return b->ops->topic_ensure(b, t, e);
}

int bus_topic_delete(struct bus *b, const char *name, struct err *e)
{
    int rc = check_topic(name, false, e);
    return rc < 0 ? rc : b->ops->topic_delete(b, name, e);
}

int bus_topics(struct bus *b, bus_topic_fn *fn, void *arg, struct err *e)
{
    return b->ops->topics(b, fn, arg, e);
}

int bus_partitions(struct bus *b, const char *topic, struct err *e)
{
    int rc = check_topic(topic, false, e);
    return rc < 0 ? rc : b->ops->partitions(b, topic, e);
}

int bus_range(struct bus *b, const char *topic, int32_t partition,
              struct bus_range *out, struct err *e)
{
    int rc = check_topic(topic, false, e);
    if (rc == 0)
        rc = check_partition(topic, partition, e);
    return rc < 0 ? rc : b->ops->ranges(b, topic, partition, 1, out, e);
}

int bus_ranges(struct bus *b, const char *topic, struct bus_range *out, size_t n,
               struct err *e)
{
    int rc = check_topic(topic, false, e);
    return rc < 0 || n == 0 ? rc : b->ops->ranges(b, topic, 0, n, out, e);
}

int bus_offset_at(struct bus *b, const char *topic, int32_t partition, int64_t ms,
                  int64_t *offset, struct err *e)
{
    int rc = check_topic(topic, false, e);
    if (rc == 0)
        rc = check_partition(topic, partition, e);
    return rc < 0 ? rc : b->ops->offset_at(b, topic, partition, ms, offset, e);
}

/* ── Groups ── */

int bus_committed(struct bus *b, const char *group, const char *topic,
                  int32_t partition, struct bus_committed *out, struct err *e)
{
    out->offset = -1;
    out->committed_ms = 0;
    out->metadata[0] = 0;
    int rc = check_place(group, topic, partition, e);
    return rc < 0 ? rc : b->ops->committed(b, group, topic, partition, out, e);
}

int bus_groups(struct bus *b, const char *group, bus_group_fn *fn, void *arg,
               struct err *e)
{
    int rc = group ? check_group(group, e) : 0;
    return rc < 0 ? rc : b->ops->groups(b, group, fn, arg, e);
}

int bus_group_reset(struct bus *b, const char *group, const char *topic,
                    int32_t partition, int64_t offset, struct err *e)
{
    int rc = check_offset(group, topic, partition, offset, NULL, e);
    return rc < 0 ? rc : b->ops->group_reset(b, group, topic, partition, offset, e);
}

int bus_group_delete(struct bus *b, const char *group, struct err *e)
{
    int rc = check_group(group, e);
    return rc < 0 ? rc : b->ops->group_delete(b, group, e);
}

/* ── Producing ── */

int bus_producer_open(struct bus *b, const char *id, struct bus_producer **out,
                      struct err *e)
{
    *out = NULL;
    if (!id || !*id || strlen(id) > 249)
        return err_set(e, ERR_USAGE, "a producer needs an id of 1 to 249 bytes");
    int rc = check_process(b, e);
    if (rc == 0)
        rc = b->ops->producer_open(b, id, out, e);
    if (rc == 0)
        (*out)->bus = b;
    return rc;
}

void bus_producer_close(struct bus_producer *p)
{
    if (p)
        p->bus->ops->producer_close(p);
}

int bus_produce(struct bus_producer *p, const char *topic, int32_t partition,
                int64_t timestamp_ms, struct str key, struct str value,
                const struct bus_header *headers, size_t n_headers, struct err *e)
{
    struct bus_record r = {
        .timestamp_ms = timestamp_ms < 0 ? time_wall_ms() : timestamp_ms,
        .partition = partition,
        .key = key,
        .value = value,
        .headers = headers,
        .n_headers = n_headers,
    };
    int rc = check_record(topic, &r, e);
    return rc < 0 ? rc : p->bus->ops->produce(p, topic, &r, e);
}

int bus_txn_offset(struct bus_producer *p, const char *group, const char *topic,
                   int32_t partition, int64_t next_offset, const char *metadata,
                   struct err *e)
{
    int rc = check_offset(group, topic, partition, next_offset, metadata, e);
    if (rc < 0)
        return rc;
    return p->bus->ops->txn_offset(p, group, topic, partition, next_offset,
                                   metadata ? metadata : "", e);
}

int bus_txn_commit(struct bus_producer *p, struct err *e)
{
    int rc = check_process(p->bus, e);
    return rc < 0 ? rc : p->bus->ops->txn_commit(p, e);
}

int bus_txn_abort(struct bus_producer *p, struct err *e)
{
    return p->bus->ops->txn_abort(p, e);
}

size_t bus_txn_bytes(const struct bus_producer *p)
{
    return p->bus->ops->txn_bytes(p);
}

/* ── Consuming ── */

int bus_consumer_open(struct bus *b, const char *group, struct bus_consumer **out,
                      struct err *e)
{
    *out = NULL;
    int rc = check_group(group, e);
    if (rc == 0)
        rc = check_process(b, e);
    if (rc == 0)
        rc = b->ops->consumer_open(b, group, out, e);
    if (rc == 0)
        (*out)->bus = b;
    return rc;
}

void bus_consumer_close(struct bus_consumer *c)
{
    if (c)
        c->bus->ops->consumer_close(c);
}

static int check_start(const char *topic, int32_t partition, int64_t offset,
                       struct err *e)
{
    int rc = check_topic(topic, false, e);
    if (rc == 0)
        rc = check_partition(topic, partition, e);
    if (rc == 0 && offset < BUS_OFFSET_COMMITTED)
        rc = err_set(e, ERR_USAGE, "topic %s: there is no offset %lld", topic,
                     (long long)offset);
    return rc;
}

int bus_assign(struct bus_consumer *c, const char *topic, int32_t partition,
               int64_t offset, struct err *e)
{
    int rc = check_start(topic, partition, offset, e);
    return rc < 0 ? rc : c->bus->ops->assign(c, topic, partition, offset, e);
}

int bus_unassign(struct bus_consumer *c, const char *topic, int32_t partition,
                 struct err *e)
{
    int rc = check_start(topic, partition, 0, e);
    return rc < 0 ? rc : c->bus->ops->unassign(c, topic, partition, e);
}

int bus_seek(struct bus_consumer *c, const char *topic, int32_t partition,
             int64_t offset, struct err *e)
{
    int rc = check_start(topic, partition, offset, e);
    return rc < 0 ? rc : c->bus->ops->seek(c, topic, partition, offset, e);
}

int64_t bus_position(const struct bus_consumer *c, const char *topic, int32_t partition)
{
    return c->bus->ops->position(c, topic, partition);
}

int bus_poll(struct bus_consumer *c, size_t max, int timeout_ms, struct bus_batch *out,
             struct err *e)
{
    *out = (struct bus_batch){0};
    int rc = check_process(c->bus, e);
    if (rc < 0)
        return rc;
    if (max == 0)
        return err_set(e, ERR_USAGE, "a poll for 0 records");
    return c->bus->ops->poll(c, max, timeout_ms, out, e);
}

int bus_commit(struct bus_consumer *c, const char *topic, int32_t partition,
               int64_t next_offset, const char *metadata, struct err *e)
{
    int rc = check_offset("-", topic, partition, next_offset, metadata, e);
    if (rc < 0)
        return rc;
    return c->bus->ops->commit(c, topic, partition, next_offset,
                               metadata ? metadata : "", e);
}

int bus_retain(struct bus *b, int64_t now_ms, struct err *e)
{
    return b->ops->retain(b, now_ms, e);
}

int bus_tidy(struct bus *b, struct err *e)
{
    return b->ops->tidy(b, e);
}

const struct bus_header *bus_header(const struct bus_record *r, const char *name)
{
    for (size_t i = 0; i < r->n_headers; i++)
        if (str_is(r->headers[i].name, name))
            return &r->headers[i];
    return NULL;
}

int bus_not_assigned(const char *topic, int32_t partition, struct err *e)
{
    return err_set(e, ERR_NOTFOUND,
                   "topic %s, partition %" PRId32 " is not assigned here", topic,
                   partition);
}

int bus_start_offset(struct bus *b, const char *group, const char *topic,
                     int32_t partition, int64_t *offset, struct err *e)
{
    if (*offset != BUS_OFFSET_COMMITTED)
        return *offset >= 0;
    struct bus_committed committed = {.offset = -1};
    int rc = b->ops->committed(b, group, topic, partition, &committed, e);
    if (rc < 0)
        return rc;
    *offset = committed.offset >= 0 ? committed.offset : BUS_OFFSET_BEGIN;
    return *offset >= 0;
}
