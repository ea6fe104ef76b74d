/* Consuming from the embedded bus. The ends of all assigned partitions are read with
 * one query per topic, and only when the file has changed (PRAGMA data_version); a
 * partition without anything new costs nothing. What one poll hands out is several
 * batches of one partition, decompressed into memory that is used again.
 *
 * Always holds: no read transaction stays open between two calls. */
#include "bus/bus_embedded.h"

#include <inttypes.h>
#include <unistd.h>
#include "base/timeutil.h"

/* Reads of one partition before the next has its turn; a read is at most half a
 * megabyte (codec_reader). */
#define STAY_READS 16

struct assigned {
    char *topic;
    int32_t partition;
    int64_t pid, position;
    int64_t start, end; /* of the log, as last seen */
};

struct emb_consumer {
    struct bus_consumer base;
    char *group;
    VEC(struct assigned) assigned;
    size_t turn;          /* where the next search starts */
    unsigned n_stayed;    /* reads of the current partition since its turn came */
    bool has_ends;        /* start and end were read at the version below */
    int64_t version;      /* PRAGMA data_version: commits of other connections */
    uint64_t own_commits; /* commits of this one */
    struct codec_reader reader;
    size_t at;      /* next record of reader to hand out */
    size_t current; /* assigned[] index that reader's records belong to */
};

static struct emb *bus_of(const struct emb_consumer *c)
{
    return (struct emb *)c->base.bus;
}

static int64_t first_at_or_after(const struct codec_reader *r, int64_t ms, int64_t end)
{
    for (size_t i = 0; i < r->n; i++)
        if (r->records[i].timestamp_ms >= ms)
            return r->records[i].offset;
    return end;
}

int emb_offset_at(struct bus *bus, const char *topic, int32_t partition, int64_t ms,
                  int64_t *offset, struct err *e)
{
    struct emb *b = (struct emb *)bus;
    struct emb_topic t;
    struct bus_range range;
    int rc = emb_ranges(bus, topic, partition, 1, &range, e);
    if (rc == 0)
        rc = emb_topic_find(b, topic, &t, e);
    sqlite3_stmt *s;
    if (rc == 0)
        rc = emb_sql(b, EMB_BATCH_AT, &s, e);
    if (rc < 0)
        return rc;
    int64_t pid = t.first_pid + partition;
    sqlite3_bind_int64(s, 1, emb_id(pid, 0));
    sqlite3_bind_int64(s, 2, emb_id(pid, EMB_OFFSET_MAX));
    sqlite3_bind_int64(s, 3, ms);
    *offset = range.end;
    rc = emb_step(b, s, "find a time", e);
    if (rc == 1) {
        struct codec_reader r;
        codec_reader_init(&r);
        struct codec_batch batch = emb_batch_of(s, partition);
        rc = emb_batch_read(b, &r, s, &batch, topic, e);
        if (rc == 0)
            *offset = first_at_or_after(&r, ms, range.end);
        codec_reader_release(&r);
        sqlite3_reset(s);
    }
    return rc < 0 ? rc : 0;
}

/* ── Assignment ── */

int emb_consumer_open(struct bus *bus, const char *group, struct bus_consumer **out,
                      struct err *e)
{
    (void)e;
    struct emb_consumer *c = mem_alloc(sizeof *c);
    c->base.bus = bus;
    c->group = mem_strdup(group);
    codec_reader_init(&c->reader);
    *out = &c->base;
    return 0;
}

void emb_consumer_close(struct bus_consumer *base)
{
    struct emb_consumer *c = (struct emb_consumer *)base;
    if (base->bus->pid == getpid())
        emb_flush(bus_of(c), NULL);
    for (size_t i = 0; i < c->assigned.n; i++)
        mem_free(c->assigned.v[i].topic);
    vec_release(&c->assigned);
    codec_reader_release(&c->reader);
    mem_free(c->group);
    mem_free(c);
}

static struct assigned *find(const struct emb_consumer *c, const char *topic,
                             int32_t partition)
{
    for (size_t i = 0; i < c->assigned.n; i++) {
        struct assigned *a = &c->assigned.v[i];
        if (a->partition == partition && streq(a->topic, topic))
            return a;
    }
    return NULL;
}

static void drop_records(struct emb_consumer *c)
{
    codec_reader_reset(&c->reader);
    c->at = 0;
}

/* BUS_OFFSET_* to a real offset. */
static int resolve(struct emb_consumer *c, const char *topic, int32_t partition,
                   int64_t *offset, struct err *e)
{
    int rc = bus_start_offset(c->base.bus, c->group, topic, partition, offset, e);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    struct bus_range range;
    rc = emb_ranges(c->base.bus, topic, partition, 1, &range, e);
    if (rc == 0)
        *offset = *offset == BUS_OFFSET_END ? range.end : range.start;
    return rc;
}

int emb_assign(struct bus_consumer *base, const char *topic, int32_t partition,
               int64_t offset, struct err *e)
{
    struct emb_consumer *c = (struct emb_consumer *)base;
    struct emb_topic t;
    if (find(c, topic, partition))
        return emb_seek(base, topic, partition, offset, e);
    int rc = emb_topic_find(bus_of(c), topic, &t, e);
    if (rc < 0)
        return rc;
    if (partition >= t.partitions)
        return err_set(e, ERR_NOTFOUND, "topic %s has no partition %" PRId32, topic,
                       partition);
    rc = resolve(c, topic, partition, &offset, e);
    if (rc < 0)
        return rc;
    struct assigned a = {
        .topic = mem_strdup(topic),
        .partition = partition,
        .pid = t.first_pid + partition,
        .position = offset,
    };
    vec_push(&c->assigned, a);
    c->has_ends = false;
    return 0;
}

int emb_unassign(struct bus_consumer *base, const char *topic, int32_t partition,
                 struct err *e)
{
    struct emb_consumer *c = (struct emb_consumer *)base;
    struct assigned *a = find(c, topic, partition);
    if (!a)
        return bus_not_assigned(topic, partition, e);
    drop_records(c);
    mem_free(a->topic);
    *a = c->assigned.v[--c->assigned.n];
    return 0;
}

int emb_seek(struct bus_consumer *base, const char *topic, int32_t partition,
             int64_t offset, struct err *e)
{
    struct emb_consumer *c = (struct emb_consumer *)base;
    struct assigned *a = find(c, topic, partition);
    if (!a)
        return bus_not_assigned(topic, partition, e);
    int rc = resolve(c, topic, partition, &offset, e);
    if (rc < 0)
        return rc;
    if ((size_t)(a - c->assigned.v) == c->current)
        drop_records(c);
    a->position = offset;
    c->has_ends = false; /* the new position is checked against the log */
    return 0;
}

int64_t emb_position(const struct bus_consumer *base, const char *topic,
                     int32_t partition)
{
    const struct assigned *a =
        find((const struct emb_consumer *)base, topic, partition);
    return a ? a->position : -1;
}

int emb_consumer_commit(struct bus_consumer *base, const char *topic, int32_t partition,
                        int64_t next_offset, const char *metadata, struct err *e)
{
    struct emb_consumer *c = (struct emb_consumer *)base;
    struct emb *b = bus_of(c);
    if (b->is_readonly)
        return err_set(e, ERR_UNSUPPORTED, "bus %s: opened to read only, cannot commit",
                       b->path);
    struct emb_offset o = {
        .group = arena_strdup(&b->pending_names, c->group),
        .topic = arena_strdup(&b->pending_names, topic),
        .metadata = arena_strdup(&b->pending_names, metadata),
        .partition = partition,
        .offset = next_offset,
    };
    vec_push(&b->pending, o);
    return 0;
}

/* ── Poll ── */

/* 1: the file may have changed since the ends were read; 0: it has not. */
static int has_changed(struct emb_consumer *c, struct err *e)
{
    struct emb *b = bus_of(c);
    sqlite3_stmt *s;
    int rc = emb_sql(b, EMB_DATA_VERSION, &s, e);
    if (rc == 0)
        rc = emb_step(b, s, "look for news", e);
    if (rc < 0)
        return rc;
    int64_t version = sqlite3_column_int64(s, 0);
    sqlite3_reset(s);
    if (c->has_ends && version == c->version && c->own_commits == b->own_commits)
        return 0;
    c->version = version;
    c->own_commits = b->own_commits;
    return 1;
}

static int out_of_range(struct emb *b, const struct assigned *a, struct err *e)
{
    if (a->position < a->start)
        return err_set(
            e, ERR_NOTFOUND,
            "bus %s: topic %s, partition %" PRId32 ": offsets %" PRId64 " to %" PRId64
            " are gone (retention); reset the group to %" PRId64
            " to go on without them",
            b->path, a->topic, a->partition, a->position, a->start - 1, a->start);
    return err_set(e, ERR_NOTFOUND,
                   "bus %s: topic %s, partition %" PRId32 ": position %" PRId64
                   " lies behind the end %" PRId64
                   ": the bus has been replaced; reset the group",
                   b->path, a->topic, a->partition, a->position, a->end);
}

/* Fill start and end of the assigned partitions whose pids lie in [low, high]. */
static int read_ends(struct emb_consumer *c, int64_t low, int64_t high, struct err *e)
{
    struct emb *b = bus_of(c);
    sqlite3_stmt *s;
    int rc = emb_sql(b, EMB_RANGES, &s, e);
    if (rc < 0)
        return rc;
    sqlite3_bind_int64(s, 1, low);
    sqlite3_bind_int64(s, 2, high);
    size_t guess = 0; /* pids come in order, and mostly were assigned in order */
    while ((rc = emb_step(b, s, "look for news", e)) == 1) {
        int64_t pid = sqlite3_column_int64(s, 0);
        for (size_t i = 0; i < c->assigned.n; i++) {
            struct assigned *a = &c->assigned.v[(guess + i) % c->assigned.n];
            if (a->pid != pid)
                continue;
            a->start = sqlite3_column_int64(s, 1);
            a->end = sqlite3_column_int64(s, 2);
            guess += i + 1;
            break;
        }
    }
    return rc;
}

static int refresh(struct emb_consumer *c, struct err *e)
{
    int rc = has_changed(c, e);
    if (rc <= 0 || c->assigned.n == 0)
        return rc;
    /* One read per topic: its pids are neighbours. */
    for (size_t i = 0; i < c->assigned.n; i++)
        c->assigned.v[i].end = -1;
    for (size_t i = 0; i < c->assigned.n; i++) {
        const struct assigned *a = &c->assigned.v[i];
        if (a->end >= 0)
            continue;
        int64_t low = a->pid, high = a->pid;
        for (size_t k = i + 1; k < c->assigned.n; k++)
            if (streq(c->assigned.v[k].topic, a->topic)) {
                low = c->assigned.v[k].pid < low ? c->assigned.v[k].pid : low;
                high = c->assigned.v[k].pid > high ? c->assigned.v[k].pid : high;
            }
        rc = read_ends(c, low, high, e);
        if (rc < 0)
            return rc;
        if (a->end < 0)
            return err_set(e, ERR_NOTFOUND, "bus %s: topic %s has been deleted",
                           bus_of(c)->path, a->topic);
    }
    c->has_ends = true;
    return 0;
}

/* The partition read last has more, and it is not yet the others' turn. What its reader
 * does with neighbours in time (windows of one store, rows of one table page) costs a
 * fraction of what it costs for records from everywhere. */
static bool stays(struct emb_consumer *c)
{
    if (c->n_stayed >= STAY_READS || c->current >= c->assigned.n)
        return false;
    const struct assigned *a = &c->assigned.v[c->current];
    return a->position >= a->start && a->position < a->end;
}

/* Next assigned partition with something to read; has_wrapped tells that the search
 * went past the last one, so that the ends are looked up again each round. */
static struct assigned *choose(struct emb_consumer *c, bool *has_wrapped)
{
    *has_wrapped = false;
    if (stays(c)) {
        c->n_stayed++;
        return &c->assigned.v[c->current];
    }
    c->n_stayed = 0;
    for (size_t i = 0; i < c->assigned.n; i++) {
        if (c->turn >= c->assigned.n) {
            c->turn = 0;
            *has_wrapped = true;
        }
        struct assigned *a = &c->assigned.v[c->turn++];
        if (a->position != a->end)
            return a;
    }
    *has_wrapped = true;
    return NULL;
}

/* Batches from a's position on, up to max records or the reader's room, and never past
 * the end as last seen: a position beyond it would look like a replaced log. */
static int load(struct emb_consumer *c, struct assigned *a, size_t max, struct err *e)
{
    struct emb *b = bus_of(c);
    sqlite3_stmt *s;
    int rc = emb_sql(b, EMB_BATCH_READ, &s, e);
    if (rc < 0)
        return rc;
    drop_records(c);
    c->current = (size_t)(a - c->assigned.v);
    sqlite3_bind_int64(s, 1, emb_id(a->pid, a->position));
    sqlite3_bind_int64(s, 2, emb_id(a->pid, 0));
    sqlite3_bind_int64(s, 3, emb_id(a->pid, a->end - 1));
    while ((rc = emb_step(b, s, "read records", e)) == 1) {
        struct codec_batch batch = emb_batch_of(s, a->partition);
        if (c->reader.n > 0 &&
            (c->reader.n - c->at >= max || !codec_reader_fits(&c->reader, &batch)))
            break;
        rc = emb_batch_read(b, &c->reader, s, &batch, a->topic, e);
        if (rc < 0)
            break;
        if (batch.base_offset < a->position)
            c->at = (size_t)(a->position - batch.base_offset);
    }
    sqlite3_reset(s);
    if (rc < 0) {
        drop_records(c);
        return rc;
    }
    if (c->at < c->reader.n && c->reader.records[c->at].offset == a->position)
        return 1;
    drop_records(c);
    return 0;
}

/* A partition that should have records had none at its position: retention was faster,
 * or the file is damaged. */
static int explain_hole(struct emb_consumer *c, struct assigned *a, struct err *e)
{
    struct emb *b = bus_of(c);
    int rc = read_ends(c, a->pid, a->pid, e);
    if (rc < 0)
        return rc;
    if (a->position < a->start || a->position > a->end)
        return out_of_range(b, a, e);
    return err_set(
        e, ERR_CORRUPT,
        "bus %s: topic %s, partition %" PRId32 ": offset %" PRId64
        " should be there and is not; put back a copy of the file, or reset the "
        "group past it",
        b->path, a->topic, a->partition, a->position);
}

/* 1: the reader holds records to hand out; 0: nothing new. */
static int fill(struct emb_consumer *c, size_t max, struct err *e)
{
    bool has_wrapped = !c->has_ends;
    for (int round = 0; round < 2; round++) {
        int rc = has_wrapped ? refresh(c, e) : 0;
        if (rc < 0)
            return rc;
        struct assigned *a = choose(c, &has_wrapped);
        if (!a)
            continue;
        if (a->position < a->start || a->position > a->end)
            return out_of_range(bus_of(c), a, e);
        rc = load(c, a, max, e);
        return rc != 0 ? rc : explain_hole(c, a, e);
    }
    return 0;
}

static void hand_out(struct emb_consumer *c, size_t max, struct bus_batch *out)
{
    struct assigned *a = &c->assigned.v[c->current];
    size_t n = c->reader.n - c->at;
    out->topic = a->topic;
    out->partition = a->partition;
    out->records = c->reader.records + c->at;
    out->n = n < max ? n : max;
    c->at += out->n;
    a->position += (int64_t)out->n;
    out->next_offset = a->position;
}

int emb_poll(struct bus_consumer *base, size_t max, int timeout_ms,
             struct bus_batch *out, struct err *e)
{
    struct emb_consumer *c = (struct emb_consumer *)base;
    int64_t deadline = timeout_ms > 0 ? time_mono_ms() + timeout_ms : 0;
    int wait_ms = 0;
    int rc = emb_flush(bus_of(c), e);
    if (rc < 0)
        return rc;
    do {
        if (c->at >= c->reader.n)
            rc = fill(c, max, e);
        if (rc < 0)
            return rc;
        if (c->at < c->reader.n) {
            hand_out(c, max, out);
            return 1;
        }
    } while (timeout_ms > 0 && bus_wait(&wait_ms, deadline));
    return 0;
}
