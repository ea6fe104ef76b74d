/* Step dedupe: one version of each receipt passes, and later versions as corrections.
 * In: accepted receipts. Out: the same id with the same content is dropped (duplicate);
 * with a later updated_at it passes as a correction, carrying the anomalies that the
 * first version was judged to have; otherwise it is dropped (stale).
 *
 * An id is remembered for dedupe_ms of the partition's time, which is its newest event
 * time so far, from when its newest version came: a receipt of a till whose clock is
 * years behind is remembered as long as any other. Whether an entry counts depends on
 * that time alone and never on when the table was swept, so a replay decides alike.
 * Sweeping happens when the table is full. */
#include "base/hash.h"
#include "base/mem.h"
#include "stream/stream_step.h"

struct entry {
    uint64_t id; /* 96 bits of the id's hash; all 0: empty */
    uint32_t id_more;
    uint32_t content; /* a few bits do: they only tell a duplicate from a stale one */
    int64_t updated_ms;
    int64_t memory; /* time it came << 8 | anomalies of the first version */
};

struct dedupe {
    struct entry *slots;
    size_t n_slots, used;
    int64_t keep_ms;
};

static void dedupe_init(void *state, const struct stream_job *job)
{
    struct dedupe *d = state;
    d->keep_ms = job->conf->dedupe_ms;
}

static void dedupe_release(void *state)
{
    struct dedupe *d = state;
    mem_free(d->slots);
    d->slots = NULL;
    d->n_slots = d->used = 0;
}

static bool is_empty(const struct entry *s)
{
    return !s->id && !s->id_more;
}

static int64_t came_ms(const struct entry *s)
{
    return s->memory >> 8;
}

/* The slot of an id, or the empty one where it would go. */
static struct entry *slot_of(const struct dedupe *d, uint64_t id, uint32_t id_more)
{
    size_t mask = d->n_slots - 1, i = id & mask;
    while (!is_empty(&d->slots[i]) &&
           (d->slots[i].id != id || d->slots[i].id_more != id_more))
        i = (i + 1) & mask;
    return &d->slots[i];
}

/* Room for one more: entries from before oldest_ms go, what is left fills at most half.
 */
static bool sweep(struct dedupe *d, int64_t oldest_ms)
{
    struct dedupe old = *d;
    size_t live = 0;
    for (size_t i = 0; i < old.n_slots; i++)
        live += !is_empty(&old.slots[i]) && came_ms(&old.slots[i]) >= oldest_ms;
    size_t n = 64;
    while (n / 2 < live + 1)
        n *= 2;
    struct entry *slots = mem_try_alloc(n * sizeof *slots);
    if (!slots)
        return false;
    d->slots = slots;
    d->n_slots = n;
    d->used = live;
    for (size_t i = 0; i < old.n_slots; i++)
        if (!is_empty(&old.slots[i]) && came_ms(&old.slots[i]) >= oldest_ms)
            *slot_of(d, old.slots[i].id, old.slots[i].id_more) = old.slots[i];
    mem_free(old.slots);
    return true;
}

static int dedupe_on_record(void *state, struct stream_context *c,
                            struct stream_event *ev)
{
    struct dedupe *d = state;
    int64_t oldest_ms = c->max_event_ms - d->keep_ms;
    struct str id_text = ev->transaction_id.text, value = ev->record->value;
    struct hash128 id = hash_128(id_text.p, id_text.n);
    uint32_t id_more = (uint32_t)id.hi | !id.lo;
    if (d->used * 4 >= d->n_slots * 3 && !sweep(d, oldest_ms))
        return err_set(c->e, ERR_NOMEM, "dedupe: no memory for more ids");
    struct entry *s = slot_of(d, id.lo, id_more);
    uint32_t content = (uint32_t)hash_64(value.p, value.n);
    bool is_known = !is_empty(s) && came_ms(s) >= oldest_ms;
    if (is_known && ev->updated_ms == s->updated_ms && content == s->content) {
        c->counters->duplicates++;
        return STREAM_DROP;
    }
    if (is_known && ev->updated_ms <= s->updated_ms) {
        c->counters->stale++;
        return STREAM_DROP;
    }
    d->used += is_empty(s);
    c->counters->corrections += is_known;
    ev->is_correction = is_known;
    ev->anomalies = is_known ? (unsigned)(s->memory & 0xFF) : 0;
    *s = (struct entry){id.lo, id_more, content, ev->updated_ms,
                        (int64_t)((uint64_t)c->max_event_ms << 8 | ev->anomalies)};
    ev->memory = &s->memory;
    return STREAM_PASS;
}

static int dedupe_snapshot(const void *state, struct buf *out)
{
    const struct dedupe *d = state;
    stream_put_u64(out, d->used);
    for (size_t i = 0; i < d->n_slots; i++)
        if (!is_empty(&d->slots[i]))
            stream_put(out, &d->slots[i], sizeof d->slots[i]);
    return out->failed;
}

static int dedupe_restore(void *state, struct stream_reader *in, struct err *e)
{
    struct dedupe *d = state;
    uint64_t n = stream_get_u64(in);
    if (n > (size_t)(in->end - in->p) / sizeof(struct entry))
        return err_set(e, ERR_CORRUPT, "dedupe: snapshot is cut");
    for (uint64_t i = 0; i < n; i++) {
        struct entry s;
        stream_get(in, &s, sizeof s);
        if (d->used * 4 >= d->n_slots * 3 && !sweep(d, INT64_MIN))
            return err_set(e, ERR_NOMEM, "dedupe: no memory for the snapshot");
        *slot_of(d, s.id, s.id_more) = s;
        d->used++;
    }
    return 0;
}

const struct stream_step stream_dedupe = {.name = "dedupe",
                                          .state_size = sizeof(struct dedupe),
                                          .init = dedupe_init,
                                          .release = dedupe_release,
                                          .on_record = dedupe_on_record,
                                          .snapshot = dedupe_snapshot,
                                          .restore = dedupe_restore};
