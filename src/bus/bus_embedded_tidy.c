/* Tidying the embedded bus: neighbouring small batches of a partition become one, and
 * pages that nobody uses go back to the disk. A platform that follows its sources
 * commits a few records at a time; left alone, each costs its readers and the file as
 * much as a full batch.
 *
 * Always holds: offsets, records and their order stay; a run of batches is replaced in
 * one transaction, so that a reader sees it whole, before or after; a batch of records
 * never spans more than a sixteenth of its topic's retention. Called by the lag worker
 * after retention. */
#include "bus/bus_embedded.h"

#include <inttypes.h>

#define FULL_BYTES   (128u * 1024) /* as the writer fills them */
#define FULL_RECORDS 4096u
#define FULL_HEADERS 8192u
#define ENOUGH       8    /* batches of a run that may still grow */
#define RUNS         16   /* of a transaction: writers wait for milliseconds */
#define CALL_RUNS    512  /* of a call: the caller has other things to do */
#define FREE_PAGES   2048 /* not given back: they are used again */
#define SHRINK_PAGES 512  /* of a transaction; moving one searches the free list */
#define SHRINK_TXNS  8    /* of a call: 32 MiB */

/* Neighbouring batches whose records fit into one. */
struct run {
    int64_t first_id, last_id, next_offset;
    int64_t min_ms, max_ms, first_raw;
    uint32_t batches;
    int64_t n, headers, raw;
};

/* Runs found in one partition, and where the next look begins. */
struct look {
    VEC(struct run) runs;
    int64_t from; /* offset: what is before it is as full as it gets */
};

struct tidier {
    struct emb *b;
    const struct bus_topic *topic;
    int32_t partition;
    int64_t pid;
    struct look look;
    struct codec_reader reader;
    struct buf raw, packed;
};

/* ── finding runs ── */

static struct run run_of(sqlite3_stmt *s)
{
    struct run r = {.first_id = sqlite3_column_int64(s, 0),
                    .batches = 1,
                    .n = sqlite3_column_int64(s, 1),
                    .headers = sqlite3_column_int64(s, 2),
                    .min_ms = sqlite3_column_int64(s, 3),
                    .max_ms = sqlite3_column_int64(s, 4),
                    .raw = sqlite3_column_int64(s, 5)};
    r.last_id = r.first_id;
    r.next_offset = (r.first_id & EMB_OFFSET_MAX) + r.n;
    r.first_raw = r.raw;
    return r;
}

static bool is_small(const struct run *r)
{
    return r->raw < FULL_BYTES / 2 && r->n < FULL_RECORDS / 2;
}

static bool can_join(const struct tidier *t, const struct run *run,
                     const struct run *next)
{
    int64_t span = next->max_ms - run->min_ms;
    return run->batches > 0 && (next->first_id & EMB_OFFSET_MAX) == run->next_offset &&
           run->raw + next->raw <= FULL_BYTES && run->n + next->n <= FULL_RECORDS &&
           run->headers + next->headers <= FULL_HEADERS &&
           (t->topic->retention_ms < 0 || span <= t->topic->retention_ms / 16);
}

static void join(struct run *run, const struct run *next)
{
    run->last_id = next->last_id;
    run->next_offset = next->next_offset;
    run->min_ms = next->min_ms < run->min_ms ? next->min_ms : run->min_ms;
    run->max_ms = next->max_ms > run->max_ms ? next->max_ms : run->max_ms;
    run->batches++;
    run->n += next->n;
    run->headers += next->headers;
    run->raw += next->raw;
}

/* A run at the end of the log may grow: it is merged when it is worth it, and a large
 * first batch is not written again for a few small ones behind it. */
static bool is_worth_it(const struct run *r, bool is_open)
{
    return is_open ? r->batches >= ENOUGH && r->first_raw <= r->raw - r->first_raw
                   : r->batches > 1;
}

/* The next row joins the run, or ends it and begins another. */
static void take_row(struct tidier *t, struct run *run, const struct run *next)
{
    if (is_small(next) && can_join(t, run, next)) {
        join(run, next);
        return;
    }
    if (run->batches && is_worth_it(run, false))
        vec_push(&t->look.runs, *run);
    *run = is_small(next) ? *next : (struct run){0};
    t->look.from = next->first_id & EMB_OFFSET_MAX;
}

static int find_runs(struct tidier *t, struct err *e)
{
    sqlite3_stmt *s;
    struct run run = {0};
    int rc = emb_sql(t->b, EMB_BATCH_SIZES, &s, e);
    if (rc < 0)
        return rc;
    t->look.runs.n = 0;
    sqlite3_bind_int64(s, 1, emb_id(t->pid, t->look.from));
    sqlite3_bind_int64(s, 2, emb_id(t->pid, EMB_OFFSET_MAX));
    while (t->look.runs.n < RUNS &&
           (rc = emb_step(t->b, s, "look at batches", e)) == 1) {
        struct run next = run_of(s);
        take_row(t, &run, &next);
    }
    sqlite3_reset(s);
    if (rc == 0 && t->look.runs.n < RUNS && is_worth_it(&run, true))
        vec_push(&t->look.runs, run);
    return rc < 0 ? rc : 0;
}

/* ── merging ── */

/* The run's records into the reader; false in *is_there: it is not what it was. */
static int read_run(struct tidier *t, const struct run *run, bool *is_there,
                    struct err *e)
{
    sqlite3_stmt *s;
    int rc = emb_sql(t->b, EMB_BATCH_READ, &s, e);
    if (rc < 0)
        return rc;
    uint32_t batches = 0;
    codec_reader_reset(&t->reader);
    sqlite3_bind_int64(s, 1, run->first_id);
    sqlite3_bind_int64(s, 2, run->first_id);
    sqlite3_bind_int64(s, 3, run->last_id);
    while ((rc = emb_step(t->b, s, "read batches", e)) == 1) {
        struct codec_batch batch = emb_batch_of(s, t->partition);
        if (t->reader.n > 0 && !codec_reader_fits(&t->reader, &batch))
            break;
        if ((rc = emb_batch_read(t->b, &t->reader, s, &batch, t->topic->name, e)) < 0)
            break;
        batches++;
    }
    sqlite3_reset(s);
    *is_there = batches == run->batches && (int64_t)t->reader.n == run->n;
    return rc < 0 ? rc : 0;
}

static int pack_run(struct tidier *t, struct codec_batch *meta, struct err *e)
{
    const struct bus_record *r = t->reader.records;
    int rc = 0;
    buf_reset(&t->raw);
    buf_reset(&t->packed);
    *meta = (struct codec_batch){.base_ms = r[0].timestamp_ms,
                                 .n = (uint32_t)t->reader.n,
                                 .n_headers = (uint32_t)t->reader.n_headers};
    for (size_t i = 0; rc == 0 && i < t->reader.n; i++)
        rc = codec_add(&t->raw, meta->base_ms, &r[i]);
    if (rc < 0)
        return buf_check(&t->raw, "merged batches", e);
    return codec_pack(&t->raw, &t->packed, meta, e);
}

static int count_bytes(struct tidier *t, int64_t change, struct err *e)
{
    sqlite3_stmt *s;
    int rc = emb_sql(t->b, EMB_BYTES_ADD, &s, e);
    if (rc < 0)
        return rc;
    sqlite3_bind_int64(s, 1, t->pid);
    sqlite3_bind_int64(s, 2, change);
    return emb_exec(t->b, s, "merge batches", e);
}

static int stored_bytes(struct tidier *t, const struct run *run, int64_t *out,
                        struct err *e)
{
    sqlite3_stmt *s;
    int rc = emb_sql(t->b, EMB_BATCH_BYTES, &s, e);
    if (rc < 0)
        return rc;
    sqlite3_bind_int64(s, 1, run->first_id);
    sqlite3_bind_int64(s, 2, run->last_id);
    rc = emb_step(t->b, s, "merge batches", e);
    *out = rc == 1 ? sqlite3_column_int64(s, 0) : 0;
    sqlite3_reset(s);
    return rc < 0 ? rc : 0;
}

/* Batches that are gone by it, negative: error. */
static int merge_run(struct tidier *t, const struct run *run, struct err *e)
{
    struct codec_batch meta;
    bool is_there;
    int64_t before;
    int rc = read_run(t, run, &is_there, e);
    if (rc < 0 || !is_there)
        return rc;
    if ((rc = pack_run(t, &meta, e)) < 0 || (rc = stored_bytes(t, run, &before, e)) < 0)
        return rc;
    rc = emb_batch_delete(t->b, run->first_id, run->last_id, e);
    if (rc == 0)
        rc = emb_batch_add(t->b, run->first_id, &meta, run->max_ms, t->packed.data,
                           t->packed.len, e);
    if (rc == 0)
        rc = count_bytes(t, (int64_t)t->packed.len - before, e);
    return rc < 0 ? rc : (int)run->batches - 1;
}

/* All runs of the look in one transaction. */
static int merge_runs(struct tidier *t, struct err *e)
{
    int merged = 0;
    int rc = emb_begin(t->b, "merge batches", e);
    if (rc < 0)
        return rc;
    for (size_t i = 0; rc >= 0 && i < t->look.runs.n; i++) {
        rc = merge_run(t, &t->look.runs.v[i], e);
        merged += rc > 0 ? rc : 0;
    }
    if (rc >= 0 && merged > 0)
        rc = emb_commit(t->b, "merge batches", e);
    else
        emb_rollback(t->b);
    return rc < 0 ? rc : merged;
}

/* ── partitions and topics ── */

/* Where the last look at a partition ended, for the next one. */
static struct emb_tidied *tidied_of(struct emb *b, int64_t pid)
{
    for (size_t i = 0; i < b->tidied.n; i++) {
        size_t at = (b->tidied_turn + i) % b->tidied.n;
        if (b->tidied.v[at].pid == pid) {
            b->tidied_turn = at + 1;
            return &b->tidied.v[at];
        }
    }
    struct emb_tidied fresh = {pid, 0};
    vec_push(&b->tidied, fresh);
    return &b->tidied.v[b->tidied.n - 1];
}

static int tidy_partition(struct tidier *t, int *runs_left, struct err *e)
{
    int merged = 0, rc;
    struct emb_tidied *memo = tidied_of(t->b, t->pid);
    t->look.from = memo->offset;
    do {
        rc = find_runs(t, e);
        if (rc == 0 && t->look.runs.n > 0) {
            *runs_left -= (int)t->look.runs.n;
            rc = merge_runs(t, e);
        }
        merged += rc > 0 ? rc : 0;
    } while (rc > 0 && t->look.runs.n == RUNS && *runs_left > 0);
    if (rc >= 0)
        memo->offset = t->look.from;
    return rc < 0 ? rc : merged;
}

static int tidy_topic(struct tidier *t, int *runs_left, struct err *e)
{
    struct emb_topic found;
    int merged = 0;
    int rc = emb_topic_find(t->b, t->topic->name, &found, e);
    if (rc < 0)
        return rc == ERR_NOTFOUND ? 0 : rc;
    for (int32_t i = 0; rc >= 0 && *runs_left > 0 && i < found.partitions; i++) {
        t->partition = i;
        t->pid = found.first_pid + i;
        rc = tidy_partition(t, runs_left, e);
        merged += rc > 0 ? rc : 0;
    }
    return rc < 0 ? rc : merged;
}

/* ── pages ── */

static int shrink(struct emb *b, struct err *e)
{
    int64_t free_pages = 0, pages = 0, mode = 0;
    int rc = emb_pragma_int(b, "PRAGMA auto_vacuum", &mode, e);
    if (rc == 0)
        rc = emb_pragma_int(b, "PRAGMA freelist_count", &free_pages, e);
    if (rc == 0)
        rc = emb_pragma_int(b, "PRAGMA page_count", &pages, e);
    if (rc < 0 || mode != 2 || free_pages < 2 * FREE_PAGES || free_pages < pages / 4)
        return rc;
    int64_t left = free_pages - (pages / 8 > FREE_PAGES ? pages / 8 : FREE_PAGES);
    char sql[64];
    snprintf(sql, sizeof sql, "PRAGMA incremental_vacuum(%d)", SHRINK_PAGES);
    for (int i = 0; rc == 0 && i < SHRINK_TXNS && left > 0; i++, left -= SHRINK_PAGES) {
        rc = emb_begin(b, "give space back", e);
        if (rc == 0 && (rc = emb_script(b, sql, "give space back", e)) < 0)
            emb_rollback(b);
        if (rc == 0)
            rc = emb_commit(b, "give space back", e);
    }
    return rc;
}

int emb_tidy(struct bus *bus, struct err *e)
{
    struct emb_topic_list list;
    struct tidier t = {.b = (struct emb *)bus};
    int merged = 0, runs_left = CALL_RUNS;
    int rc = emb_topic_list(bus, &list, e);
    codec_reader_init(&t.reader);
    buf_init(&t.raw, BUS_RECORD_MAX);
    buf_init(&t.packed, BUS_RECORD_MAX);
    for (size_t i = 0; rc >= 0 && i < list.topics.n; i++) {
        t.topic = &list.topics.v[i];
        rc = tidy_topic(&t, &runs_left, e);
        merged += rc > 0 ? rc : 0;
    }
    if (rc >= 0)
        rc = shrink(t.b, e);
    emb_topic_list_release(&list);
    codec_reader_release(&t.reader);
    buf_release(&t.raw);
    buf_release(&t.packed);
    vec_release(&t.look.runs);
    return rc < 0 ? rc : merged;
}
