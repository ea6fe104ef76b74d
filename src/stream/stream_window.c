/* Step window: tumbling aggregates per store, aligned to the epoch. In: receipts, each
 * once (corrections do not count again). Out: a row per window when the watermark
 * closes it, a revised row for each late receipt while lateness allows; after that the
 * receipt is marked too late for that size.
 *
 * Window [s, e) fires when watermark >= e - 1; a receipt is late for it from then on,
 * and too late from watermark >= e - 1 + lateness (Flink's rules). revision is the
 * input offset that caused the row: it grows, and a replay gives the same one. */
#include <stdlib.h>

#include "base/hash.h"
#include "base/mem.h"
#include "stream/stream_emit.h"
#include "stream/stream_step.h"

struct window {
    int64_t last_ms; /* its last millisecond: end - 1 */
    int64_t n, sum_cents, anomalies;
    uint32_t store;
    uint8_t size;   /* index into windows_ms */
    bool has_fired; /* closed by the watermark */
    bool is_unsent; /* changed since it was last written */
};

struct windows {
    const struct conf_stream *conf;
    const struct stream_job *job;
    struct keyed stores; /* ids; no value */
    struct window *rows; /* open and revisable windows */
    size_t n, cap;
    uint32_t *slots; /* index + 1 by (store, size, start) */
    size_t n_slots;
    uint32_t *due; /* scratch */
    size_t cap_due;
    int64_t next_ms; /* no row fires or goes before the watermark is here */
};

static void window_init(void *state, const struct stream_job *job)
{
    struct windows *w = state;
    w->conf = job->conf;
    w->job = job;
    w->next_ms = INT64_MAX;
    keyed_init(&w->stores, 1);
}

static void window_release(void *state)
{
    struct windows *w = state;
    keyed_release(&w->stores);
    mem_free(w->rows);
    mem_free(w->slots);
    mem_free(w->due);
}

/* ---- the table ---- */

static size_t hash_row(uint32_t store, uint8_t size, int64_t last_ms)
{
    uint64_t h =
        ((uint64_t)last_ms ^ ((uint64_t)store << 5 | size)) * 0x9E3779B97F4A7C15u;
    h ^= h >> 29;
    h = (h + store) * 0xBF58476D1CE4E5B9u;
    return (size_t)(h ^ h >> 32);
}

static size_t home_of(const struct windows *w, const struct window *r)
{
    return hash_row(r->store, r->size, r->last_ms) & (w->n_slots - 1);
}

static void slot_put(struct windows *w, uint32_t row)
{
    size_t i = home_of(w, &w->rows[row]);
    while (w->slots[i])
        i = (i + 1) & (w->n_slots - 1);
    w->slots[i] = row + 1;
}

static size_t slot_of(const struct windows *w, uint32_t row)
{
    size_t i = home_of(w, &w->rows[row]);
    while (w->slots[i] != row + 1)
        i = (i + 1) & (w->n_slots - 1);
    return i;
}

/* Empty a slot; what was pushed on by it moves back (Knuth 6.4, algorithm R). */
static void slot_clear(struct windows *w, size_t hole)
{
    size_t mask = w->n_slots - 1;
    for (size_t i = (hole + 1) & mask; w->slots[i]; i = (i + 1) & mask) {
        size_t home = home_of(w, &w->rows[w->slots[i] - 1]);
        if (((i - home) & mask) < ((i - hole) & mask))
            continue;
        w->slots[hole] = w->slots[i];
        hole = i;
    }
    w->slots[hole] = 0;
}

/* The last row takes its place. */
static void row_remove(struct windows *w, uint32_t row)
{
    uint32_t last = (uint32_t)w->n - 1;
    slot_clear(w, slot_of(w, row));
    if (row != last) {
        w->slots[slot_of(w, last)] = row + 1;
        w->rows[row] = w->rows[last];
    }
    w->n--;
}

static bool rows_reserve(struct windows *w)
{
    if (w->n < w->cap)
        return true;
    size_t cap = w->cap ? w->cap * 2 : 32, n_slots = cap * 2;
    struct window *rows = mem_try_realloc(w->rows, cap * sizeof *rows);
    if (!rows)
        return false;
    w->rows = rows;
    uint32_t *slots = mem_try_realloc(w->slots, n_slots * sizeof *slots);
    if (!slots)
        return false;
    w->slots = slots;
    w->n_slots = n_slots;
    w->cap = cap;
    memset(w->slots, 0, n_slots * sizeof *slots);
    for (uint32_t i = 0; i < w->n; i++)
        slot_put(w, i);
    return true;
}

/* The window, made if it is not there; NULL without memory. */
static struct window *row_of(struct windows *w, uint32_t store, uint8_t size,
                             int64_t last_ms)
{
    if (w->n_slots) {
        size_t mask = w->n_slots - 1, i = hash_row(store, size, last_ms) & mask;
        for (; w->slots[i]; i = (i + 1) & mask) {
            struct window *r = &w->rows[w->slots[i] - 1];
            if (r->store == store && r->size == size && r->last_ms == last_ms)
                return r;
        }
    }
    if (!rows_reserve(w))
        return NULL;
    w->rows[w->n] = (struct window){.last_ms = last_ms, .store = store, .size = size};
    slot_put(w, (uint32_t)w->n);
    return &w->rows[w->n++];
}

/* When the watermark next does something to a row. */
static int64_t due_ms(const struct windows *w, const struct window *r)
{
    return r->last_ms + (r->has_fired ? w->conf->lateness_ms : 0);
}

static int64_t floor_to(int64_t ts, int64_t size)
{
    int64_t rest = ts % size;
    return ts - (rest < 0 ? rest + size : rest);
}

/* ---- rows out ---- */

static int emit(struct windows *w, struct stream_context *c, struct window *r,
                int64_t cause, bool is_final)
{
    struct stream_window_row row = {.store_id = keyed_key(&w->stores, r->store),
                                    .size = w->job->window_names[r->size],
                                    .start_ms =
                                        r->last_ms + 1 - w->conf->windows_ms[r->size],
                                    .end_ms = r->last_ms + 1,
                                    .n = r->n,
                                    .sum_cents = r->sum_cents,
                                    .anomalies = r->anomalies,
                                    .revision = cause,
                                    .is_final = is_final};
    r->is_unsent = false;
    return stream_emit_window(c, &row);
}

struct order {
    const struct windows *w;
};

/* By end, then size, then store: the same order however the table came to be. */
static int compare_rows(const void *a, const void *b, void *arg)
{
    const struct windows *w = ((const struct order *)arg)->w;
    const struct window *x = &w->rows[*(const uint32_t *)a];
    const struct window *y = &w->rows[*(const uint32_t *)b];
    if (x->last_ms != y->last_ms)
        return x->last_ms < y->last_ms ? -1 : 1;
    if (x->size != y->size)
        return x->size < y->size ? -1 : 1;
    struct str p = keyed_key(&w->stores, x->store), q = keyed_key(&w->stores, y->store);
    int rc = memcmp(p.p, q.p, p.n < q.n ? p.n : q.n);
    return rc ? rc : (p.n > q.n) - (p.n < q.n);
}

static bool due_reserve(struct windows *w)
{
    if (w->cap_due >= w->n)
        return true;
    uint32_t *due = mem_try_realloc(w->due, w->cap * sizeof *due);
    if (!due)
        return false;
    w->due = due;
    w->cap_due = w->cap;
    return true;
}

static int emit_due(struct windows *w, struct stream_context *c, size_t n,
                    int64_t cause, bool is_final)
{
    struct order order = {w};
    if (n == 0)
        return 0;
    qsort_r(w->due, n, sizeof *w->due, compare_rows, &order);
    for (size_t i = 0; i < n; i++) {
        int rc = emit(w, c, &w->rows[w->due[i]], cause, is_final);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* Rows that no receipt can revise any more go. */
static void drop_old(struct windows *w, int64_t watermark_ms)
{
    w->next_ms = INT64_MAX;
    for (uint32_t i = 0; i < w->n;) {
        int64_t due = due_ms(w, &w->rows[i]);
        if (w->rows[i].has_fired && due <= watermark_ms) {
            row_remove(w, i);
            continue;
        }
        w->next_ms = due < w->next_ms ? due : w->next_ms;
        i++;
    }
}

static int window_on_watermark(void *state, struct stream_context *c, int64_t cause)
{
    struct windows *w = state;
    size_t n = 0;
    if (c->watermark_ms < w->next_ms)
        return 0;
    if (!due_reserve(w))
        return err_set(c->e, ERR_NOMEM, "window: no memory for %zu windows", w->n);
    for (uint32_t i = 0; i < w->n; i++)
        if (!w->rows[i].has_fired && w->rows[i].last_ms <= c->watermark_ms) {
            w->rows[i].has_fired = true;
            w->due[n++] = i;
        }
    int rc = emit_due(w, c, n, cause, true);
    drop_old(w, c->watermark_ms);
    return rc;
}

/* ---- receipts in ---- */

static int add_to(struct windows *w, struct stream_context *c, struct stream_event *ev,
                  uint32_t store, uint8_t size)
{
    int64_t length = w->conf->windows_ms[size];
    int64_t last = floor_to(ev->event_ms, length) + length - 1;
    if (last + w->conf->lateness_ms <= c->watermark_ms && last <= c->watermark_ms) {
        ev->late_windows |= 1u << size;
        return 0;
    }
    struct window *r = row_of(w, store, size, last);
    if (!r)
        return err_set(c->e, ERR_NOMEM, "window: no memory for one more window");
    r->n++;
    r->anomalies += ev->anomalies != 0;
    if (__builtin_add_overflow(r->sum_cents, ev->total_cents, &r->sum_cents))
        return err_set(c->e, ERR_LIMIT, "window: a sum is beyond 92 quadrillion");
    r->is_unsent = true;
    r->has_fired = last <= c->watermark_ms;
    if (due_ms(w, r) < w->next_ms)
        w->next_ms = due_ms(w, r);
    return r->has_fired ? emit(w, c, r, ev->record->offset, true) : 0;
}

static int window_on_record(void *state, struct stream_context *c,
                            struct stream_event *ev)
{
    struct windows *w = state;
    if (ev->is_correction)
        return STREAM_PASS;
    uint32_t store = keyed_add(&w->stores, ev->store_id.text, ev->store_hash);
    if (store == KEYED_NONE)
        return err_set(c->e, ERR_NOMEM, "window: no memory for one more store");
    for (uint8_t size = 0; size < w->conf->n_windows; size++) {
        int rc = add_to(w, c, ev, store, size);
        if (rc < 0)
            return rc;
    }
    return STREAM_PASS;
}

/* What is open and has changed is written as it stands; it stays open. */
static int window_on_drain(void *state, struct stream_context *c, int64_t cause)
{
    struct windows *w = state;
    size_t n = 0;
    if (!due_reserve(w))
        return err_set(c->e, ERR_NOMEM, "window: no memory for %zu windows", w->n);
    for (uint32_t i = 0; i < w->n; i++)
        if (w->rows[i].is_unsent && !w->rows[i].has_fired)
            w->due[n++] = i;
    return emit_due(w, c, n, cause, false);
}

static void window_on_recovered(void *state, const struct stream_context *c)
{
    struct windows *w = state;
    for (size_t i = 0; i < w->n; i++)
        w->rows[i].has_fired |= w->rows[i].last_ms <= c->watermark_ms;
    drop_old(w, c->watermark_ms);
}

/* ---- snapshots ---- */

static int window_snapshot(const void *state, struct buf *out)
{
    const struct windows *w = state;
    stream_put_u64(out, w->n);
    for (size_t i = 0; i < w->n; i++) {
        const struct window *r = &w->rows[i];
        stream_put_str(out, keyed_key(&w->stores, r->store));
        stream_put_u64(out, r->size | (uint64_t)r->has_fired << 8 |
                                (uint64_t)r->is_unsent << 9);
        stream_put_i64(out, r->last_ms);
        stream_put_i64(out, r->n);
        stream_put_i64(out, r->sum_cents);
        stream_put_i64(out, r->anomalies);
    }
    return out->failed;
}

static int window_restore(void *state, struct stream_reader *in, struct err *e)
{
    struct windows *w = state;
    for (uint64_t n = stream_get_u64(in); n && !in->is_short; n--) {
        struct str id = stream_get_str(in);
        uint64_t bits = stream_get_u64(in);
        int64_t last = stream_get_i64(in);
        uint32_t store = keyed_add(&w->stores, id, hash_64(id.p, id.n));
        if ((bits & 0xFF) >= w->conf->n_windows)
            return err_set(e, ERR_CORRUPT, "window: snapshot has other window sizes");
        struct window *r =
            store == KEYED_NONE ? NULL : row_of(w, store, (uint8_t)(bits & 0xFF), last);
        if (!r)
            return err_set(e, ERR_NOMEM, "window: no memory for the snapshot");
        r->has_fired = bits >> 8 & 1;
        r->is_unsent = bits >> 9 & 1;
        r->n = stream_get_i64(in);
        r->sum_cents = stream_get_i64(in);
        r->anomalies = stream_get_i64(in);
        if (due_ms(w, r) < w->next_ms)
            w->next_ms = due_ms(w, r);
    }
    return 0;
}

const struct stream_step stream_window = {.name = "window",
                                          .state_size = sizeof(struct windows),
                                          .init = window_init,
                                          .release = window_release,
                                          .on_record = window_on_record,
                                          .on_watermark = window_on_watermark,
                                          .on_drain = window_on_drain,
                                          .snapshot = window_snapshot,
                                          .restore = window_restore,
                                          .on_recovered = window_on_recovered};
