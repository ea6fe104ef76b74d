/* Step detect: the three anomaly rules of the seed. In: accepted receipts, each once
 * (corrections keep what their first version was judged to be). Out: the event's
 * anomalies and the figures they were judged on.
 *
 * AMOUNT_OUTLIER: n >= amount_min_count earlier totals of the store, and the total lies
 * more than sigma sample standard deviations from their mean; in whole cents, exact:
 *     (n x - S1)^2 (n - 1) > sigma^2 n (n S2 - S1^2)
 * HIGH_VELOCITY: more than velocity_max receipts of the terminal in (t - velocity_ms,
 * t]. OFF_HOURS: the hour in the store's zone is outside its opening hours. A receipt
 * is judged before it enters the state, and every receipt enters it. */
#include <stdlib.h>

#include "base/hash.h"
#include "base/mem.h"
#include "stream/stream_step.h"
#include "stream/stream_wide.h"

/* All totals of one store. */
struct totals {
    int64_t n;
    i128 sum, squares;
};

/* Event times of one terminal, ascending: those that a receipt within the lateness can
 * still need, at most RING_SPAN times the limit. */
struct ring {
    int64_t *times;
    uint32_t n, cap;
};
#define RING_SPAN 8

struct detect {
    struct keyed stores;    /* of struct totals */
    struct keyed terminals; /* of struct ring; key: store, NUL, terminal */
    struct buf key;
};

static void detect_init(void *state, const struct stream_job *job)
{
    struct detect *d = state;
    (void)job;
    keyed_init(&d->stores, sizeof(struct totals));
    keyed_init(&d->terminals, sizeof(struct ring));
    buf_init(&d->key, SIZE_MAX);
}

static void detect_release(void *state)
{
    struct detect *d = state;
    for (uint32_t i = 0; i < d->terminals.n; i++)
        mem_free(((struct ring *)keyed_value(&d->terminals, i))->times);
    keyed_release(&d->stores);
    keyed_release(&d->terminals);
    buf_release(&d->key);
}

/* ---- AMOUNT_OUTLIER ---- */

/* With |x| <= 2^40, n < 2^40 and sigma's parts < 2^20: D^2 n den^2 < 2^240. */
static bool is_outlier_wide(const struct totals *t, u128 distance, int64_t num,
                            int64_t den)
{
    u128 n = (u128)t->n, sum = t->sum < 0 ? -(u128)t->sum : (u128)t->sum;
    struct wide spread = wide_sub(wide_mul(n, (u128)t->squares), wide_mul(sum, sum));
    struct wide left = wide_scale(wide_mul(distance, distance), n - 1);
    struct wide right = wide_scale(spread, n);
    if (!spread.hi && !spread.lo)
        return false;
    left = wide_scale(left, (u128)den * (u128)den);
    right = wide_scale(right, (u128)num * (u128)num);
    return wide_less(right, left);
}

static bool is_outlier(const struct totals *t, int64_t cents,
                       const struct stream_job *job)
{
    if (t->n < job->conf->amount_min_count || t->n < 2)
        return false;
    i128 n = t->n, d = n * cents - t->sum, spread, left, right, square;
    int64_t num = job->sigma_num, den = job->sigma_den;
    u128 distance = d < 0 ? -(u128)d : (u128)d;
    if (__builtin_mul_overflow(n, t->squares, &spread) ||
        __builtin_mul_overflow(t->sum, t->sum, &square) ||
        __builtin_mul_overflow(d, d, &left) ||
        __builtin_mul_overflow(left, (n - 1) * den * den, &left) ||
        __builtin_mul_overflow(spread - square, n * num * num, &right))
        return is_outlier_wide(t, distance, num, den);
    return spread > square && left > right;
}

static int judge_amount(struct detect *d, struct stream_context *c,
                        struct stream_event *ev)
{
    uint32_t i = keyed_add(&d->stores, ev->store_id.text, ev->store_hash);
    if (i == KEYED_NONE)
        return err_set(c->e, ERR_NOMEM, "detect: no memory for one more store");
    struct totals *t = keyed_value(&d->stores, i);
    ev->n_before = t->n;
    ev->sum_before = t->sum;
    ev->squares_before = t->squares;
    if (is_outlier(t, ev->total_cents, c->job))
        ev->anomalies |= STREAM_AMOUNT_OUTLIER;
    t->n++;
    t->sum += ev->total_cents;
    t->squares += (i128)ev->total_cents * ev->total_cents;
    return 0;
}

/* ---- HIGH_VELOCITY ---- */

static bool ring_reserve(struct ring *r, size_t max)
{
    if (r->n < r->cap)
        return true;
    size_t cap = r->cap ? (size_t)r->cap * 2 : 4;
    if (cap > max)
        cap = max;
    int64_t *times = mem_try_realloc(r->times, cap * sizeof *times);
    if (!times)
        return false;
    r->times = times;
    r->cap = (uint32_t)cap;
    return true;
}

static void ring_drop_first(struct ring *r, uint32_t n)
{
    memmove(r->times, r->times + n, (r->n - n) * sizeof *r->times);
    r->n -= n;
}

/* Room for t: the newest receipt lets go of what is too old, a full ring of the end
 * that is farther from t, so that a till whose clock is behind keeps its own run
 * together. */
static void ring_make_room(struct ring *r, int64_t t, int64_t keep_ms, uint32_t max)
{
    uint32_t old = 0;
    if (!r->n || t >= r->times[r->n - 1])
        while (old < r->n && r->times[old] <= t - keep_ms)
            old++;
    if (old)
        ring_drop_first(r, old);
    if (r->n < max)
        return;
    if (t >= r->times[r->n / 2])
        ring_drop_first(r, 1);
    else
        r->n--;
}

/* Takes t in its place; gives how many are in (t - span, t], t among them. */
static int64_t ring_add(struct ring *r, int64_t t, int64_t span_ms, int64_t keep_ms,
                        uint32_t max)
{
    uint32_t at;
    int64_t n = 1;
    ring_make_room(r, t, keep_ms, max);
    for (at = r->n; at > 0 && r->times[at - 1] > t; at--)
        ;
    for (uint32_t i = at; i > 0 && r->times[i - 1] > t - span_ms; i--)
        n++;
    if (!ring_reserve(r, max))
        return -1;
    memmove(r->times + at + 1, r->times + at, (r->n - at) * sizeof *r->times);
    r->times[at] = t;
    r->n++;
    return n;
}

static int judge_velocity(struct detect *d, struct stream_context *c,
                          struct stream_event *ev)
{
    const struct conf_stream *conf = c->job->conf;
    struct str terminal = ev->terminal_id.text;
    if (!terminal.p || conf->velocity_max <= 0)
        return 0;
    buf_reset(&d->key);
    buf_add(&d->key, ev->store_id.text.p, ev->store_id.text.n);
    buf_addc(&d->key, '\0');
    buf_add(&d->key, terminal.p, terminal.n);
    struct str key = {d->key.data, d->key.len};
    uint32_t i = d->key.failed ? KEYED_NONE
                               : keyed_add(&d->terminals, key, hash_64(key.p, key.n));
    if (i == KEYED_NONE)
        return err_set(c->e, ERR_NOMEM, "detect: no memory for one more terminal");
    int64_t max = (conf->velocity_max + 1) * RING_SPAN;
    int64_t keep_ms = conf->velocity_ms + conf->watermark_ms + conf->lateness_ms;
    ev->velocity =
        ring_add(keyed_value(&d->terminals, i), ev->event_ms, conf->velocity_ms,
                 keep_ms, max < 65536 ? (uint32_t)max : 65536);
    if (ev->velocity < 0)
        return err_set(c->e, ERR_NOMEM, "detect: no memory for a terminal's times");
    if (ev->velocity > conf->velocity_max)
        ev->anomalies |= STREAM_HIGH_VELOCITY;
    return 0;
}

/* ---- OFF_HOURS ---- */

static bool is_open(const struct stream_store *s, int hour)
{
    if (s->close_hour <= s->open_hour)
        return hour >= s->open_hour || hour < s->close_hour;
    return hour >= s->open_hour && hour < s->close_hour;
}

static void judge_hours(const struct stream_context *c, struct stream_event *ev)
{
    const struct stream_store *s = ev->store;
    if (!c->job->conf->off_hours || !s || ev->local_hour < 0 || s->open_hour < 0 ||
        s->close_hour < 0)
        return;
    if (!is_open(s, ev->local_hour))
        ev->anomalies |= STREAM_OFF_HOURS;
}

static int detect_on_record(void *state, struct stream_context *c,
                            struct stream_event *ev)
{
    int rc;
    if (ev->is_correction)
        return STREAM_PASS;
    if ((rc = judge_amount(state, c, ev)) < 0 ||
        (rc = judge_velocity(state, c, ev)) < 0)
        return rc;
    judge_hours(c, ev);
    if (ev->memory)
        *ev->memory |= ev->anomalies;
    return STREAM_PASS;
}

/* ---- snapshots ---- */

static int detect_snapshot(const void *state, struct buf *out)
{
    const struct detect *d = state;
    stream_put_u64(out, d->stores.n);
    for (uint32_t i = 0; i < d->stores.n; i++) {
        stream_put_str(out, keyed_key(&d->stores, i));
        stream_put(out, keyed_value(&d->stores, i), sizeof(struct totals));
    }
    stream_put_u64(out, d->terminals.n);
    for (uint32_t i = 0; i < d->terminals.n; i++) {
        const struct ring *r = keyed_value(&d->terminals, i);
        stream_put_str(out, keyed_key(&d->terminals, i));
        stream_put_u64(out, r->n);
        if (r->n)
            stream_put(out, r->times, r->n * sizeof *r->times);
    }
    return out->failed;
}

static int restore_stores(struct detect *d, struct stream_reader *in)
{
    for (uint64_t n = stream_get_u64(in); n && !in->is_short; n--) {
        struct str key = stream_get_str(in);
        uint32_t i = keyed_add(&d->stores, key, hash_64(key.p, key.n));
        if (i == KEYED_NONE)
            return ERR_NOMEM;
        stream_get(in, keyed_value(&d->stores, i), sizeof(struct totals));
    }
    return 0;
}

static int restore_terminals(struct detect *d, struct stream_reader *in)
{
    for (uint64_t n = stream_get_u64(in); n && !in->is_short; n--) {
        struct str key = stream_get_str(in);
        uint64_t n_times = stream_get_u64(in);
        uint32_t i = keyed_add(&d->terminals, key, hash_64(key.p, key.n));
        if (n_times > (size_t)(in->end - in->p) / sizeof(int64_t))
            return ERR_CORRUPT;
        struct ring *r = i == KEYED_NONE ? NULL : keyed_value(&d->terminals, i);
        if (!r || (n_times && !(r->times = mem_try_alloc(n_times * sizeof *r->times))))
            return ERR_NOMEM;
        r->n = r->cap = (uint32_t)n_times;
        if (n_times)
            stream_get(in, r->times, n_times * sizeof *r->times);
    }
    return 0;
}

static int detect_restore(void *state, struct stream_reader *in, struct err *e)
{
    int rc = restore_stores(state, in);
    if (rc == 0)
        rc = restore_terminals(state, in);
    return rc < 0 ? err_set(e, rc, "detect: snapshot cannot be read") : 0;
}

const struct stream_step stream_detect = {.name = "detect",
                                          .state_size = sizeof(struct detect),
                                          .init = detect_init,
                                          .release = detect_release,
                                          .on_record = detect_on_record,
                                          .snapshot = detect_snapshot,
                                          .restore = detect_restore};
