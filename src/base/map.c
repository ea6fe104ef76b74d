/* Hash map: entries in a dense array in insertion order, slots with open addressing
 * that point into it. Called by everyone. Always holds: at least half of the slots are
 * free, so a probe ends; a dead entry keeps its slot until the next rebuild. */
#include "base/map.h"

#include <string.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/mem.h"

void map_init(struct map *m)
{
    *m = (struct map){0};
}

void map_release(struct map *m)
{
    for (size_t i = 0; i < m->n; i++)
        mem_free(m->entries[i].key);
    mem_free(m->entries);
    mem_free(m->slots);
    *m = (struct map){0};
}

static struct map_entry *find(const struct map *m, const char *key, size_t n,
                              uint64_t h)
{
    if (!m->n_slots)
        return NULL;
    for (size_t i = h & (m->n_slots - 1);; i = (i + 1) & (m->n_slots - 1)) {
        if (!m->slots[i])
            return NULL;
        struct map_entry *it = &m->entries[m->slots[i] - 1];
        if (it->is_live && it->hash == h && it->key_len == n &&
            memcmp(it->key, key, n) == 0)
            return it;
    }
}

static void link_entry(struct map *m, size_t index)
{
    size_t i = m->entries[index].hash & (m->n_slots - 1);
    while (m->slots[i])
        i = (i + 1) & (m->n_slots - 1);
    m->slots[i] = (uint32_t)(index + 1);
}

/* Make room for one more: drop the dead, grow if the living need it. */
static void rebuild(struct map *m)
{
    size_t n = 0;
    for (size_t i = 0; i < m->n; i++) {
        if (m->entries[i].is_live)
            m->entries[n++] = m->entries[i];
        else
            mem_free(m->entries[i].key);
    }
    m->n = n;
    size_t want = m->n_slots ? m->n_slots : 16;
    while (want < (n + 1) * 4)
        want *= 2;
    BUG_ON(want > UINT32_MAX);
    mem_free(m->slots);
    m->slots = mem_alloc(want * sizeof *m->slots);
    m->n_slots = want;
    m->cap = want / 2;
    m->entries = mem_realloc(m->entries, m->cap * sizeof *m->entries);
    for (size_t i = 0; i < n; i++)
        link_entry(m, i);
}

void *map_getn(const struct map *m, const char *key, size_t n)
{
    struct map_entry *it = m->live ? find(m, key, n, hash_64(key, n)) : NULL;
    return it ? it->value : NULL;
}

void *map_get(const struct map *m, const char *key)
{
    return map_getn(m, key, strlen(key));
}

bool map_has(const struct map *m, const char *key)
{
    size_t n = strlen(key);
    return m->live && find(m, key, n, hash_64(key, n));
}

void *map_putn(struct map *m, const char *key, size_t n, void *value)
{
    uint64_t h = hash_64(key, n);
    struct map_entry *it = find(m, key, n, h);
    if (it) {
        void *old = it->value;
        it->value = value;
        return old;
    }
    if (m->n == m->cap)
        rebuild(m);
    char *copy = mem_alloc(n + 1);
    memcpy(copy, key, n);
    m->entries[m->n] = (struct map_entry){copy, n, value, h, true};
    link_entry(m, m->n++);
    m->live++;
    return NULL;
}

void *map_put(struct map *m, const char *key, void *value)
{
    return map_putn(m, key, strlen(key), value);
}

void *map_del(struct map *m, const char *key)
{
    size_t n = strlen(key);
    struct map_entry *it = m->live ? find(m, key, n, hash_64(key, n)) : NULL;
    if (!it)
        return NULL;
    it->is_live = false;
    m->live--;
    return it->value;
}

struct map_entry *map_next(const struct map *m, struct map_entry *it)
{
    if (!m->n)
        return NULL;
    for (it = it ? it + 1 : m->entries; it < m->entries + m->n; it++)
        if (it->is_live)
            return it;
    return NULL;
}
