/* Producing on the embedded bus. Records wait in memory, one buffer per partition, full
 * ones compressed; a commit takes the write lock only for the inserts: check the epoch,
 * append every partition's batches, put the input offsets, COMMIT.
 *
 * Always holds: after any error the transaction is as it was before the call, so that
 * the caller may try again. */
#include "bus/bus_embedded.h"

#include <inttypes.h>
#include "base/timeutil.h"

#define CHUNK_BYTES   (128u * 1024) /* raw bytes of a batch; lz4 gains nothing beyond */
#define CHUNK_RECORDS 4096u
#define OFFSETS_BYTES                                                                  \
    (8u * 1024 * 1024) /* input offsets with metadata, per transaction */

/* A batch ready to be stored: its bytes lie in the producer's `packed`. */
struct chunk {
    struct codec_batch meta;
    int64_t max_ms;
    size_t at, len;
    uint32_t next; /* index + 1 of the partition's next chunk, 0: last */
};

/* What waits for one partition. */
struct out {
    struct buf raw; /* the batch being filled */
    uint32_t n, n_headers;
    int64_t base_ms, max_ms;
    uint32_t first, last; /* chunks: index + 1, 0: none */
};

struct target {
    char *name;
    struct emb_topic topic;
    struct out *outs; /* one per partition */
    uint32_t turn;
};

struct emb_producer {
    struct bus_producer base;
    char *id;
    int64_t epoch;
    bool is_fenced;
    VEC(struct target *) targets;
    struct target *latest;
    VEC(struct chunk) chunks;
    struct buf packed;
    size_t open_bytes; /* in all `raw`s */
    struct arena names;
    VEC(struct emb_offset) offsets;
};

static struct emb *bus_of(struct emb_producer *p)
{
    return (struct emb *)p->base.bus;
}

static int fenced(struct emb_producer *p, struct err *e)
{
    p->is_fenced = true;
    return err_set(e, ERR_FENCED,
                   "producer %s: a newer instance has taken over, this one must stop",
                   p->id);
}

/* Forget the transaction, keep the memory. */
static void clear(struct emb_producer *p)
{
    for (size_t i = 0; i < p->targets.n; i++) {
        struct target *t = p->targets.v[i];
        for (int32_t k = 0; k < t->topic.partitions; k++) {
            struct out *o = &t->outs[k];
            if (o->first) { /* a full buffer in each of 500 partitions is too much */
                buf_release(&o->raw);
                buf_init(&o->raw, BUS_RECORD_MAX + 2 * CHUNK_BYTES);
            }
            buf_reset(&o->raw);
            o->n = o->n_headers = o->first = o->last = 0;
        }
    }
    p->chunks.n = p->offsets.n = 0;
    p->open_bytes = 0;
    buf_reset(&p->packed);
    arena_clear(&p->names);
}

static int next_epoch(struct emb *b, struct emb_producer *p, struct err *e)
{
    sqlite3_stmt *s;
    int rc = emb_begin(b, "open a producer", e);
    if (rc < 0)
        return rc;
    rc = emb_sql(b, EMB_EPOCH_NEXT, &s, e);
    if (rc == 0) {
        sqlite3_bind_text(s, 1, p->id, -1, SQLITE_STATIC);
        rc = emb_step(b, s, "open a producer", e);
        p->epoch = rc == 1 ? sqlite3_column_int64(s, 0) : 0;
        sqlite3_reset(s);
    }
    if (rc >= 0)
        return emb_commit(b, "open a producer", e);
    emb_rollback(b);
    return rc;
}

int emb_producer_open(struct bus *bus, const char *id, struct bus_producer **out,
                      struct err *e)
{
    struct emb_producer *p = mem_alloc(sizeof *p);
    p->base.bus = bus;
    p->id = mem_strdup(id);
    buf_init(&p->packed, BUS_TXN_BYTES_MAX + BUS_RECORD_MAX + 2 * CHUNK_BYTES);
    arena_init(&p->names, OFFSETS_BYTES);
    int rc = next_epoch((struct emb *)bus, p, e);
    if (rc < 0) {
        emb_producer_close(&p->base);
        return rc;
    }
    *out = &p->base;
    return 0;
}

static void free_target(struct target *t)
{
    for (int32_t i = 0; i < t->topic.partitions; i++)
        buf_release(&t->outs[i].raw);
    mem_free(t->outs);
    mem_free(t->name);
    mem_free(t);
}

void emb_producer_close(struct bus_producer *base)
{
    struct emb_producer *p = (struct emb_producer *)base;
    for (size_t i = 0; i < p->targets.n; i++)
        free_target(p->targets.v[i]);
    vec_release(&p->targets);
    vec_release(&p->chunks);
    vec_release(&p->offsets);
    buf_release(&p->packed);
    arena_release(&p->names);
    mem_free(p->id);
    mem_free(p);
}

static int find_target(struct emb_producer *p, const char *name, struct target **out,
                       struct err *e)
{
    if (p->latest && streq(p->latest->name, name)) {
        *out = p->latest;
        return 0;
    }
    for (size_t i = 0; i < p->targets.n; i++)
        if (streq(p->targets.v[i]->name, name)) {
            *out = p->latest = p->targets.v[i];
            return 0;
        }
    struct emb_topic topic;
    int rc = emb_topic_find(bus_of(p), name, &topic, e);
    if (rc < 0)
        return rc;
    struct target *t = mem_alloc(sizeof *t);
    t->name = mem_strdup(name);
    t->topic = topic;
    t->outs = mem_alloc((size_t)topic.partitions * sizeof *t->outs);
    for (int32_t i = 0; i < topic.partitions; i++)
        buf_init(&t->outs[i].raw, BUS_RECORD_MAX + 2 * CHUNK_BYTES);
    vec_push(&p->targets, t);
    *out = p->latest = t;
    return 0;
}

/* Compress the open batch into `packed` and start a new one. */
static int close_chunk(struct emb_producer *p, struct out *o, struct err *e)
{
    struct chunk c = {
        .meta = {.n = o->n, .n_headers = o->n_headers, .base_ms = o->base_ms},
        .max_ms = o->max_ms,
        .at = p->packed.len,
    };
    int rc = codec_pack(&o->raw, &p->packed, &c.meta, e);
    if (rc < 0) {
        p->packed.failed = 0; /* nothing was added; the next try may succeed */
        return rc;
    }
    c.len = p->packed.len - c.at;
    vec_push(&p->chunks, c);
    uint32_t index = (uint32_t)p->chunks.n;
    if (o->last)
        p->chunks.v[o->last - 1].next = index;
    else
        o->first = index;
    o->last = index;
    p->open_bytes -= o->raw.len;
    buf_reset(&o->raw);
    o->n = o->n_headers = 0;
    return 0;
}

static int add_record(struct emb_producer *p, struct out *o, const struct bus_record *r,
                      struct err *e)
{
    if (o->n > 0 && (o->raw.len + r->value.n > CHUNK_BYTES || o->n >= CHUNK_RECORDS)) {
        int rc = close_chunk(p, o, e);
        if (rc < 0)
            return rc;
    }
    if (o->n == 0)
        o->base_ms = o->max_ms = r->timestamp_ms;
    size_t before = o->raw.len;
    if (codec_add(&o->raw, o->base_ms, r) < 0) {
        int rc = buf_check(&o->raw, "bus record", e);
        o->raw.failed = 0;
        return rc;
    }
    p->open_bytes += o->raw.len - before;
    o->n++;
    o->n_headers += (uint32_t)r->n_headers;
    if (r->timestamp_ms > o->max_ms)
        o->max_ms = r->timestamp_ms;
    return 0;
}

int emb_produce(struct bus_producer *base, const char *topic,
                const struct bus_record *r, struct err *e)
{
    struct emb_producer *p = (struct emb_producer *)base;
    struct target *t;
    if (p->is_fenced)
        return fenced(p, e);
    int rc = find_target(p, topic, &t, e);
    if (rc < 0)
        return rc;
    int32_t partition = r->partition;
    if (partition < 0)
        partition = bus_pick_partition(t->topic.key_rule, r->key, t->topic.partitions,
                                       &t->turn);
    if (partition >= t->topic.partitions)
        return err_set(e, ERR_NOTFOUND, "topic %s has no partition %" PRId32, topic,
                       partition);
    if (p->packed.len + p->open_bytes + r->value.n + r->key.n > BUS_TXN_BYTES_MAX)
        return err_set(e, ERR_LIMIT,
                       "producer %s: the transaction holds %zu bytes, at most %d fit: "
                       "commit, then go on",
                       p->id, emb_txn_bytes(base), BUS_TXN_BYTES_MAX);
    return add_record(p, &t->outs[partition], r, e);
}

int emb_txn_offset(struct bus_producer *base, const char *group, const char *topic,
                   int32_t partition, int64_t next_offset, const char *metadata,
                   struct err *e)
{
    struct emb_producer *p = (struct emb_producer *)base;
    if (p->is_fenced)
        return fenced(p, e);
    struct emb_offset o = {
        .group = arena_strdup(&p->names, group),
        .topic = arena_strdup(&p->names, topic),
        .metadata = arena_strdup(&p->names, metadata),
        .partition = partition,
        .offset = next_offset,
    };
    if (!o.group || !o.topic || !o.metadata)
        return err_set(e, ERR_LIMIT,
                       "producer %s: more than %u bytes of input offsets in one "
                       "transaction: commit, then go on",
                       p->id, OFFSETS_BYTES);
    vec_push(&p->offsets, o);
    return 0;
}

static int check_epoch(struct emb *b, struct emb_producer *p, struct err *e)
{
    sqlite3_stmt *s;
    int rc = emb_sql(b, EMB_EPOCH_GET, &s, e);
    if (rc < 0)
        return rc;
    sqlite3_bind_text(s, 1, p->id, -1, SQLITE_STATIC);
    rc = emb_step(b, s, "check the producer's epoch", e);
    int64_t epoch = rc == 1 ? sqlite3_column_int64(s, 0) : -1;
    sqlite3_reset(s);
    if (rc < 0)
        return rc;
    return epoch == p->epoch ? 0 : fenced(p, e);
}

/* Take the partition's next offsets: *base is the first of n. */
static int reserve(struct emb *b, const struct target *t, int32_t partition, int64_t n,
                   int64_t max_ms, int64_t bytes, int64_t *base, struct err *e)
{
    sqlite3_stmt *s;
    int rc = emb_sql(b, EMB_APPEND, &s, e);
    if (rc < 0)
        return rc;
    sqlite3_bind_int64(s, 1, t->topic.first_pid + partition);
    sqlite3_bind_int64(s, 2, n);
    sqlite3_bind_int64(s, 3, max_ms);
    sqlite3_bind_int64(s, 4, bytes);
    rc = emb_step(b, s, "append records", e);
    *base = rc == 1 ? sqlite3_column_int64(s, 0) - n : 0;
    sqlite3_reset(s);
    if (rc == 0)
        return err_set(e, ERR_NOTFOUND, "bus %s: topic %s has been deleted", b->path,
                       t->name);
    if (rc == 1 && *base + n > EMB_OFFSET_MAX)
        return err_set(e, ERR_LIMIT, "topic %s: partition %" PRId32 " is full", t->name,
                       partition);
    return rc < 0 ? rc : 0;
}

static int write_partition(struct emb *b, const struct emb_producer *p,
                           const struct target *t, int32_t partition, struct err *e)
{
    const struct out *o = &t->outs[partition];
    int64_t n = 0, max_ms = INT64_MIN, bytes = 0, base;
    for (uint32_t i = o->first; i; i = p->chunks.v[i - 1].next) {
        const struct chunk *c = &p->chunks.v[i - 1];
        n += c->meta.n;
        bytes += (int64_t)c->len;
        max_ms = c->max_ms > max_ms ? c->max_ms : max_ms;
    }
    int rc = reserve(b, t, partition, n, max_ms, bytes, &base, e);
    for (uint32_t i = o->first; i && rc == 0; i = p->chunks.v[i - 1].next) {
        const struct chunk *c = &p->chunks.v[i - 1];
        rc = emb_batch_add(b, emb_id(t->topic.first_pid + partition, base), &c->meta,
                           c->max_ms, p->packed.data + c->at, c->len, e);
        base += c->meta.n;
    }
    return rc;
}

static int write_all(struct emb *b, struct emb_producer *p, struct err *e)
{
    int rc = check_epoch(b, p, e);
    for (size_t i = 0; rc == 0 && i < p->targets.n; i++) {
        const struct target *t = p->targets.v[i];
        for (int32_t k = 0; rc == 0 && k < t->topic.partitions; k++)
            if (t->outs[k].first)
                rc = write_partition(b, p, t, k, e);
    }
    int64_t now = time_wall_ms();
    for (size_t i = 0; rc == 0 && i < p->offsets.n; i++)
        rc = emb_offset_put(b, &p->offsets.v[i], now, e);
    return rc;
}

static int close_chunks(struct emb_producer *p, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < p->targets.n; i++) {
        struct target *t = p->targets.v[i];
        for (int32_t k = 0; rc == 0 && k < t->topic.partitions; k++)
            if (t->outs[k].n)
                rc = close_chunk(p, &t->outs[k], e);
    }
    return rc;
}

int emb_txn_commit(struct bus_producer *base, struct err *e)
{
    struct emb_producer *p = (struct emb_producer *)base;
    struct emb *b = bus_of(p);
    if (p->is_fenced)
        return fenced(p, e);
    int rc = close_chunks(p, e);
    if (rc < 0 || (p->chunks.n == 0 && p->offsets.n == 0))
        return rc;
    rc = emb_begin(b, "append records", e);
    if (rc < 0)
        return rc;
    rc = write_all(b, p, e);
    if (rc < 0) {
        emb_rollback(b);
        return rc;
    }
    rc = emb_commit(b, "append records", e);
    if (rc == 0)
        clear(p);
    return rc;
}

int emb_txn_abort(struct bus_producer *base, struct err *e)
{
    (void)e;
    clear((struct emb_producer *)base);
    return 0;
}

size_t emb_txn_bytes(const struct bus_producer *base)
{
    const struct emb_producer *p = (const struct emb_producer *)base;
    return p->packed.len + p->open_bytes;
}
