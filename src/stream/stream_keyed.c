/* The dense table of stream_keyed.h. Linear probing at a load of at most a half; a slot
 * holds the whole hash, so a key's bytes are compared about once per hit. */
#include "stream/stream_keyed.h"

#include "base/hash.h"
#include "base/mem.h"

void keyed_init(struct keyed *t, size_t value_size)
{
    *t = (struct keyed){.value_size = value_size};
    buf_init(&t->keys, (size_t)1 << 32);
}

void keyed_release(struct keyed *t)
{
    mem_free(t->values);
    mem_free(t->key_at);
    mem_free(t->slots);
    buf_release(&t->keys);
    keyed_init(t, t->value_size);
}

struct str keyed_key(const struct keyed *t, uint32_t index)
{
    uint64_t at = t->key_at[index];
    return (struct str){t->keys.data + (at >> 20), (size_t)(at & KEYED_KEY_MAX)};
}

uint32_t keyed_find(const struct keyed *t, struct str key, uint64_t hash)
{
    if (!t->n_slots)
        return KEYED_NONE;
    size_t mask = t->n_slots - 1;
    for (size_t i = hash & mask; t->slots[i].index; i = (i + 1) & mask)
        if (t->slots[i].hash == hash &&
            str_eq(keyed_key(t, t->slots[i].index - 1), key))
            return t->slots[i].index - 1;
    return KEYED_NONE;
}

static bool slots_grow(struct keyed *t)
{
    size_t n = t->n_slots ? t->n_slots * 2 : 16;
    struct keyed_slot *slots = mem_try_alloc(n * sizeof *slots);
    if (!slots)
        return false;
    for (size_t i = 0; i < t->n_slots; i++) {
        size_t at = t->slots[i].hash & (n - 1);
        if (!t->slots[i].index)
            continue;
        while (slots[at].index)
            at = (at + 1) & (n - 1);
        slots[at] = t->slots[i];
    }
    mem_free(t->slots);
    t->slots = slots;
    t->n_slots = n;
    return true;
}

static bool values_grow(struct keyed *t)
{
    size_t cap = t->cap ? t->cap + t->cap / 2 : 8;
    char *values = mem_try_realloc(t->values, cap * t->value_size);
    if (!values)
        return false;
    t->values = values;
    uint64_t *key_at = mem_try_realloc(t->key_at, cap * sizeof *key_at);
    if (!key_at)
        return false;
    t->key_at = key_at;
    t->cap = cap;
    return true;
}

uint32_t keyed_add(struct keyed *t, struct str key, uint64_t hash)
{
    uint32_t index = keyed_find(t, key, hash);
    if (index != KEYED_NONE)
        return index;
    if (key.n > KEYED_KEY_MAX || t->n >= KEYED_NONE - 1 ||
        (t->n * 2 >= t->n_slots && !slots_grow(t)) ||
        (t->n == t->cap && !values_grow(t)) || buf_reserve(&t->keys, key.n) < 0)
        return KEYED_NONE;
    index = (uint32_t)t->n;
    t->key_at[index] = (uint64_t)t->keys.len << 20 | key.n;
    buf_add(&t->keys, key.p, key.n);
    memset(keyed_value(t, index), 0, t->value_size);
    size_t at = hash & (t->n_slots - 1);
    while (t->slots[at].index)
        at = (at + 1) & (t->n_slots - 1);
    t->slots[at] = (struct keyed_slot){hash, index + 1};
    t->n++;
    return index;
}
