/* The load worker: one topic into one bronze table, exactly once.
 *
 * in: records of a topic. out: rows, rejects, and the next offsets, in one warehouse
 * transaction per batch; the same offsets to the bus afterwards, for lag display and
 * retention only. Called by worker/ (load_run).
 *
 * Always holds: where to go on is read from the warehouse, never from the bus; an error
 * rolls the batch back and ends the worker, and the next one reads the truth again. */
#include "load/load.h"
#include "bus/bus_platform.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "base/json.h"
#include "base/log.h"
#include "base/timeutil.h"
#include "load/corrections.h"
#include "load/layout.h"
#include "load/offsets.h"
#include "load/replay.h"
#include "load/row.h"
#include "load/stage.h"

#define METRICS_MS    500
#define TELL_BUS_MS   1000
#define LOOK_MS       200  /* between looks at the lag while a batch gathers */
#define DRAIN_WAIT_MS 10   /* a bus that shows its end before its records */
#define GATHER_MIN    2000 /* records that are worth a batch before it is due */

struct load {
    const struct platform *p;
    const struct conf_load *l;
    struct channel *ch;
    struct bus *bus;
    struct bus_consumer *consumer;
    struct bus_producer *producer; /* offsets for lag display, all in one transaction */
    struct wh *wh;
    struct arena arena;
    const struct load_layout *layout; /* NULL: generic, not known before a record */
    struct row row;
    struct wh_loader *rows, *rejects;
    struct load_offsets offsets;
    struct bus_range *ranges;
    char group[128];
    /* the open batch */
    bool is_open, is_cut; /* is_cut: it ends before a replay's mark */
    size_t n;
    int64_t began_ms;
    int64_t rejected; /* kept in LOAD_REJECTS, of all times */
    /* since the start */
    int64_t loaded, batches, tail_ms, told_ms;
    int64_t metrics_ms, metrics_rows;
    size_t drift_told;
    int64_t *drain_to; /* end offsets when drain came; NULL: not draining */
};

/* ── opening ─────────────────────────────────────────────────────────────────────── */

static int open_bus(struct load *d, struct err *e)
{
    int rc = bus_open_platform(d->p, false, &d->bus, e);
    if (rc == 0)
        rc = bus_topic_of_platform(d->bus, d->p, d->l->from, e);
    if (rc >= 0)
        rc = bus_producer_open(d->bus, d->group, &d->producer, e);
    return rc == 0 ? bus_consumer_open(d->bus, d->group, &d->consumer, e) : rc;
}

static int open_warehouse(struct load *d, struct err *e)
{
    const char *schemas[] = {d->l->schema, NULL};
    struct wh_options o = wh_options_of(d->p);
    o.dialect = o.kind; /* the SQL is ours */
    o.schemas = schemas;
    return wh_open(&d->wh, &o, e);
}

/* Take partitions over: epoch raised, log checked, consumer sought to the warehouse's
 * offsets. */
static int claim(struct load *d, struct err *e)
{
    int n = bus_partitions(d->bus, d->l->from, e);
    if (n < 0)
        return n;
    d->ranges = mem_alloc((size_t)n * sizeof(*d->ranges));
    int rc = bus_ranges(d->bus, d->l->from, d->ranges, (size_t)n, e);
    if (rc >= 0)
        rc = offsets_claim(&d->offsets, d->wh, d->l->schema, d->l->name, d->l->from,
                           d->ranges, n, e);
    if (rc == 0)
        rc = offsets_check(&d->offsets, d->ranges, e);
    for (int i = 0; i < n && rc == 0; i++)
        rc = bus_assign(d->consumer, d->l->from, i, d->offsets.parts[i].next, e);
    return rc;
}

/* With its layout known, the table is made and its insert prepared. */
static int use_layout(struct load *d, const struct load_layout *layout, struct err *e)
{
    bool is_staged = layout->write == LOAD_NEWEST;
    struct wh_upsert upsert = {layout->key, layout->rank};
    int rc = layout_create(layout, d->wh, d->l->schema, d->l->table, e);
    if (rc == 0 && layout->has_corrections)
        rc = corrections_create(d->wh, d->l->schema, d->l->table, e);
    if (rc < 0)
        return rc;
    size_t n = layout_columns(layout);
    const char **names = arena_alloc(&d->arena, (n + 3) * sizeof(*names));
    for (size_t i = 0; i < n; i++)
        names[i] = layout->columns[i].name;
    if (is_staged) {
        names[n] = STAGE_OP;
        names[n + 1] = STAGE_SEQUENCE;
    }
    d->layout = layout;
    row_release(&d->row);
    row_init(&d->row, layout);
    d->row.is_scanned = layout_is_scanned(d->p, d->l);
    if (layout->write == LOAD_HIGHEST)
        return wh_loader_open_upsert(d->wh, d->l->schema, d->l->table, names, &upsert,
                                     &d->rows, e);
    return wh_loader_open(d->wh, is_staged ? WH_TEMP : d->l->schema,
                          is_staged ? STAGE_TABLE : d->l->table, names, &d->rows, e);
}

static int open_layout(struct load *d, struct err *e)
{
    const struct load_layout *layout = layout_fixed(d->p, d->l);
    int rc = 0;
    if (!layout && wh_relation_type(d->wh, d->l->schema, d->l->table) == WH_TABLE)
        rc = layout_generic(&d->arena, d->wh, d->l, NULL, 0, &layout, e);
    return rc == 0 && layout ? use_layout(d, layout, e) : rc;
}

/* Those kept so far, whoever kept them: what a person is shown. */
static int count_rejects(struct load *d, struct err *e)
{
    struct wh_cursor *c;
    struct buf sql;
    d->rejected = 0;
    if (wh_relation_type(d->wh, d->l->schema, LOAD_REJECTS) == WH_ABSENT)
        return 0;
    buf_init(&sql, 4096);
    buf_adds(&sql, "SELECT count(*) FROM ");
    wh_quote(d->wh, &sql, d->l->schema, LOAD_REJECTS);
    buf_adds(&sql, " WHERE pipeline = ?");
    int rc = wh_query_raw(d->wh, buf_str(&sql), &c, e);
    buf_release(&sql);
    if (rc < 0)
        return rc;
    rc = wh_bind_text(c, 1, d->l->name, e);
    if (rc == 0 && (rc = wh_next(c, e)) > 0)
        d->rejected = wh_value(c, 0).i;
    wh_cursor_close(c);
    return rc < 0 ? rc : 0;
}

static int load_open(struct load *d, struct err *e)
{
    int rc = open_bus(d, e);
    if (rc == 0)
        rc = open_warehouse(d, e);
    if (rc == 0)
        rc = open_layout(d, e);
    if (rc == 0)
        rc = claim(d, e);
    if (rc == 0)
        rc = count_rejects(d, e);
    if (rc < 0)
        return err_wrap(e, rc, "load %s", d->l->name);
    return channel_ready(d->ch, e);
}

static void load_close(struct load *d)
{
    if (d->rows)
        wh_loader_close(d->rows);
    if (d->rejects)
        wh_loader_close(d->rejects);
    row_release(&d->row);
    offsets_release(&d->offsets);
    wh_close(d->wh);
    bus_consumer_close(d->consumer);
    bus_producer_close(d->producer);
    bus_close(d->bus);
    mem_free(d->ranges);
    mem_free(d->drain_to);
    arena_release(&d->arena);
}

/* ── rows ────────────────────────────────────────────────────────────────────────── */

static int open_rejects(struct load *d, struct err *e)
{
    static const char *const columns[] = {"pipeline", "topic",     "partition",
                                          "offset",   "reason",    "detail",
                                          "value",    "loaded_at", NULL};
    struct buf sql;
    buf_init(&sql, 4096);
    buf_adds(&sql, "CREATE TABLE IF NOT EXISTS ");
    wh_quote(d->wh, &sql, d->l->schema, LOAD_REJECTS);
    bool is_sqlite = streq(wh_kind(d->wh), "sqlite");
    buf_addf(&sql,
             " (pipeline TEXT, topic TEXT, \"partition\" BIGINT, \"offset\" BIGINT, "
             "reason TEXT, detail TEXT, value %s, loaded_at %s)",
             is_sqlite ? "BLOB" : "BYTEA", is_sqlite ? "TEXT" : "TIMESTAMP");
    int rc = wh_lock(d->wh, d->l->schema, LOAD_REJECTS, e);
    if (rc == 0)
        rc = wh_exec_raw(d->wh, buf_str(&sql), e);
    buf_release(&sql);
    return rc < 0 ? rc
                  : wh_loader_open(d->wh, d->l->schema, LOAD_REJECTS, columns,
                                   &d->rejects, e);
}

static struct wh_value text(const char *s)
{
    return (struct wh_value){.type = WH_TEXT, .text = str_of(s)};
}

/* A record that is no row is kept with the reason; the offset moves on. */
static int keep_reject(struct load *d, const struct bus_record *r, struct err *e)
{
    int rc = d->rejects ? 0 : open_rejects(d, e);
    if (rc < 0)
        return rc;
    struct wh_value v[] = {text(d->l->name),
                           text(d->l->from),
                           {.type = WH_INT, .i = r->partition},
                           {.type = WH_INT, .i = r->offset},
                           text(d->row.reason),
                           text(d->row.detail),
                           {.type = WH_BLOB, .text = r->value},
                           text(d->row.loaded_at)};
    d->rejected++;
    return wh_loader_row(d->rejects, v, e);
}

/* Generic tables take their columns from the first record. */
static int learn_layout(struct load *d, const struct bus_record *r, struct err *e)
{
    const char **names;
    size_t n;
    const struct load_layout *layout;
    char loaded_at[32];
    int rc = row_names(&d->row, r, &d->arena, &names, &n);
    if (rc != 0) /* no object: a reject, and the next record is asked */
        return rc < 0 ? err_set(e, rc, "a record of %zu bytes", r->value.n) : 0;
    rc = layout_generic(&d->arena, d->wh, d->l, names, n, &layout, e);
    str_copy(loaded_at, sizeof(loaded_at), d->row.loaded_at);
    if (rc == 0)
        rc = use_layout(d, layout, e);
    str_copy(d->row.loaded_at, sizeof(d->row.loaded_at), loaded_at);
    return rc;
}

static int add_record(struct load *d, const struct bus_record *r, struct err *e)
{
    int rc = d->layout ? 0 : learn_layout(d, r, e);
    if (rc < 0)
        return rc;
    if (!d->layout) {
        d->row.reason = "wrong_type";
        str_copy(d->row.detail, sizeof(d->row.detail), "the record is no JSON object");
        return keep_reject(d, r, e);
    }
    rc = row_fill(&d->row, r, e);
    if (rc != 0)
        return rc < 0 ? rc : keep_reject(d, r, e);
    rc = wh_loader_row(d->rows, d->row.values, e);
    if (rc == 0 && d->row.is_correction)
        rc = corrections_add(d->wh, d->l->schema, d->l->table, &d->row, e);
    return rc;
}

/* What a mark makes void goes before the rows behind it come. A batch that has begun is
 * written first: some of its rows may be void. 1: so it is. */
static int take_mark(struct load *d, const struct bus_record *r,
                     const struct bus_mark *m, struct err *e)
{
    if (d->n > 0) {
        d->is_cut = true;
        int rc = bus_seek(d->consumer, d->l->from, r->partition, r->offset, e);
        return rc < 0 ? rc : 1;
    }
    int rc = d->layout ? replay_mark(d->wh, d->layout, d->l, m, r->offset, e) : 0;
    return rc < 0 ? rc : count_rejects(d, e);
}

static int add_batch(struct load *d, const struct bus_batch *b, struct err *e)
{
    struct load_part *part = &d->offsets.parts[b->partition];
    for (size_t i = 0; i < b->n; i++) {
        struct bus_mark mark;
        int rc;
        if (b->records[i].offset < part->position)
            continue; /* before where we stand: loaded already */
        if (!b->records[i].value.p && bus_mark_read(&b->records[i], &mark)) {
            rc = take_mark(d, &b->records[i], &mark, e);
            if (rc != 0)
                return rc < 0 ? rc : 0;
            part->position = b->records[i].offset + 1;
            continue;
        }
        rc = add_record(d, &b->records[i], e);
        if (rc < 0)
            return err_wrap(e, rc, "%s partition %d offset %" PRId64, b->topic,
                            b->partition, b->records[i].offset);
        d->n++;
        part->position = b->records[i].offset + 1;
    }
    if (b->next_offset > part->position)
        part->position = b->next_offset;
    return 0;
}

/* ── a batch ─────────────────────────────────────────────────────────────────────── */

static int begin(struct load *d, struct err *e)
{
    int64_t ms;
    int rc = wh_begin(d->wh, e);
    if (rc < 0)
        return rc;
    d->is_open = true;
    d->began_ms = time_mono_ms();
    d->n = 0;
    d->is_cut = false;
    rc = offsets_loaded_at(&d->offsets, d->l->table, &ms, e);
    if (rc == 0)
        time_format_sql(ms, true, d->row.loaded_at);
    return rc;
}

static int commit(struct load *d, struct err *e)
{
    int rc =
        d->layout ? stage_merge(d->layout, d->wh, d->l->schema, d->l->table, e) : 0;
    if (rc == 0)
        rc = offsets_move(&d->offsets, e);
    if (rc == 0)
        rc = wh_commit(d->wh, e);
    if (rc < 0)
        return rc;
    d->is_open = false;
    offsets_committed(&d->offsets);
    d->loaded += (int64_t)d->n;
    d->batches++;
    d->tail_ms = time_mono_ms();
    return 0;
}

static bool is_full(const struct load *d)
{
    return (int64_t)d->n >= d->l->batch_rows ||
           time_mono_ms() - d->began_ms >= d->l->batch_ms;
}

/* Everything there is, up to one batch. 1 a batch was loaded, 0 there was nothing. */
static int load_batch(struct load *d, struct err *e)
{
    struct bus_batch b;
    size_t max = (size_t)(d->l->batch_rows > 0 ? d->l->batch_rows : 1);
    int rc = bus_poll(d->consumer, max, 0, &b, e);
    if (rc <= 0)
        return rc;
    rc = begin(d, e);
    while (rc >= 0) {
        rc = add_batch(d, &b, e);
        if (rc < 0 || d->is_cut || is_full(d))
            break;
        rc = channel_beat(d->ch, e);
        if (rc >= 0)
            rc = bus_poll(d->consumer, max - d->n, 0, &b, e);
        if (rc == 0)
            break;
    }
    if (rc >= 0)
        rc = commit(d, e);
    return rc < 0 ? rc : 1;
}

static int roll_back(struct load *d, int rc)
{
    if (d->is_open)
        wh_rollback(d->wh, NULL);
    d->is_open = false;
    offsets_rolled_back(&d->offsets);
    return rc;
}

/* ── telling ─────────────────────────────────────────────────────────────────────── */

/* Offsets to the bus: what `weir lag` shows and retention spares. */
static int tell_bus(struct load *d, bool must, struct err *e)
{
    bool is_new = false;
    int rc = 0;
    if (!must && time_mono_ms() - d->told_ms < TELL_BUS_MS)
        return 0;
    for (int i = 0; i < d->offsets.n && rc == 0; i++) {
        struct load_part *part = &d->offsets.parts[i];
        if (part->told == part->next)
            continue;
        is_new = true;
        rc = bus_txn_offset(d->producer, d->group, d->l->from, i, part->next, "", e);
    }
    if (rc == 0 && is_new)
        rc = bus_txn_commit(d->producer, e);
    for (int i = 0; i < d->offsets.n && rc == 0; i++)
        d->offsets.parts[i].told = d->offsets.parts[i].next;
    d->told_ms = time_mono_ms();
    return rc;
}

/* Records on the bus that are not loaded yet. */
static int lag_of(struct load *d, int64_t *lag, struct err *e)
{
    int rc = bus_ranges(d->bus, d->l->from, d->ranges, (size_t)d->offsets.n, e);
    *lag = 0;
    for (int i = 0; i < d->offsets.n && rc >= 0; i++)
        *lag += d->ranges[i].end - d->offsets.parts[i].next;
    return rc < 0 ? rc : 0;
}

static void put_drift(void *arg, const char *field, int64_t count)
{
    json_put_i64(arg, field, count);
}

static int send_metrics(struct load *d, bool must, struct err *e)
{
    int64_t lag, now = time_mono_ms(), span = now - d->metrics_ms;
    if (!must && span < METRICS_MS)
        return 0;
    int rc = lag_of(d, &lag, e);
    if (rc < 0)
        return rc;
    json_t *m = json_object(), *data = json_object(), *drift = json_object();
    double rate = (double)(d->loaded - d->metrics_rows) * 1000.0;
    json_put_i64(data, "rows", offsets_rows(&d->offsets));
    json_put_num(data, "rate", span > 0 ? rate / (double)span : 0);
    json_put_i64(data, "lag", lag);
    json_put_i64(data, "batches", d->batches);
    json_put_i64(data, "rejected", d->rejected);
    row_each_drift(&d->row, put_drift, drift);
    json_put(data, "drift", drift);
    json_put(m, "data", data);
    d->metrics_ms = now;
    d->metrics_rows = d->loaded;
    return channel_send(d->ch, "metrics", m, e);
}

/* A field nobody knows is said once, where an operator sees it. */
static int tell_drift(struct load *d, struct err *e)
{
    const struct map *m = &d->row.drift;
    for (; d->drift_told < m->n; d->drift_told++) {
        int rc = channel_event(d->ch, "warn", e,
                               "load %s: new field \"%s\" in %s: kept in %s.%s._extra",
                               d->l->name, m->entries[d->drift_told].key, d->l->from,
                               d->l->schema, d->l->table);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int send_drained(struct load *d, struct err *e)
{
    int rc = tell_bus(d, true, e);
    if (rc == 0)
        rc = send_metrics(d, true, e);
    if (rc < 0)
        return rc;
    json_t *m = json_object(), *data = json_object();
    json_put_i64(data, "rows", offsets_rows(&d->offsets));
    json_put_i64(data, "loaded", d->loaded);
    json_put_i64(data, "rejected", d->rejected);
    json_put(m, "data", data);
    mem_free(d->drain_to);
    d->drain_to = NULL;
    return channel_send(d->ch, "drained", m, e);
}

/* ── the loop ────────────────────────────────────────────────────────────────────── */

/* The end offsets that a drain must reach are those of the moment it came. */
static int note_drain(struct load *d, struct err *e)
{
    if (!d->ch->is_draining || d->drain_to)
        return 0;
    int rc = bus_ranges(d->bus, d->l->from, d->ranges, (size_t)d->offsets.n, e);
    if (rc < 0)
        return rc;
    d->drain_to = mem_alloc((size_t)d->offsets.n * sizeof(*d->drain_to));
    for (int i = 0; i < d->offsets.n; i++)
        d->drain_to[i] = d->ranges[i].end;
    return 0;
}

static bool is_drained(const struct load *d)
{
    for (int i = 0; i < d->offsets.n; i++) {
        if (d->offsets.parts[i].next < d->drain_to[i])
            return false;
    }
    return true;
}

/* Let a batch gather: until it is due, or there is enough for one, or a message comes.
 */
static int gather(struct load *d, struct err *e)
{
    int64_t due = d->tail_ms + d->l->batch_ms, lag = 0;
    int64_t enough = d->l->batch_rows < GATHER_MIN ? d->l->batch_rows : GATHER_MIN;
    do {
        json_t *msg = NULL;
        int64_t left = due - time_mono_ms();
        int rc = channel_poll(d->ch,
                              left < 1         ? 1
                              : left > LOOK_MS ? LOOK_MS
                                               : (int)left,
                              &msg, e);
        json_decref(msg);
        if (rc >= 0)
            rc = send_metrics(d, false, e);
        if (rc >= 0)
            rc = lag_of(d, &lag, e);
        if (rc < 0)
            return rc;
        if (lag == 0)
            due = time_mono_ms() + d->l->batch_ms;
    } while (!d->ch->is_stopping && !d->ch->is_draining && lag < enough &&
             time_mono_ms() < due);
    return 0;
}

/* Messages, figures and what else is due between two batches. */
static int between(struct load *d, bool has_more, struct err *e)
{
    json_t *msg = NULL;
    int rc = tell_drift(d, e);
    if (rc == 0)
        rc = tell_bus(d, !has_more, e);
    if (rc == 0)
        rc = send_metrics(d, false, e);
    if (rc == 0)
        rc = note_drain(d, e);
    if (rc == 0 && d->drain_to && is_drained(d))
        return send_drained(d, e);
    if (rc < 0)
        return rc;
    if (!has_more && !d->ch->is_draining)
        return gather(d, e);
    rc = channel_poll(d->ch, has_more ? 0 : DRAIN_WAIT_MS, &msg, e);
    json_decref(msg);
    return rc < 0 ? rc : 0;
}

static int load_loop(struct load *d, struct err *e)
{
    int rc = 0;
    while (rc >= 0 && !d->ch->is_stopping) {
        rc = load_batch(d, e);
        if (rc >= 0)
            rc = between(d, rc > 0, e);
    }
    if (rc >= 0)
        rc = tell_bus(d, true, e);
    return rc < 0 ? roll_back(d, err_wrap(e, rc, "load %s", d->l->name)) : 0;
}

int load_run(const struct platform *p, const struct conf_load *l, struct channel *ch,
             struct err *e)
{
    struct load *d = mem_alloc(sizeof(*d));
    d->p = p;
    d->l = l;
    d->ch = ch;
    d->metrics_ms = d->tail_ms = time_mono_ms();
    arena_init(&d->arena, 0);
    row_init(&d->row, NULL);
    snprintf(d->group, sizeof(d->group), "load-%s", l->name);
    int rc = load_open(d, e);
    if (rc == 0)
        rc = load_loop(d, e);
    load_close(d);
    mem_free(d);
    return rc;
}
