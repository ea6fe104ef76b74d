/* A dense table: bytes → a fixed-size value, open addressing, values in one array. Keys
 * are copied and never removed, so an index stays valid for the table's life; a pointer
 * to a value only until the next add. Used for stores, terminals, products. */
#ifndef STREAM_STREAM_KEYED_H
#define STREAM_STREAM_KEYED_H

#include "base/buf.h"
#include "base/str.h"

struct keyed_slot {
    uint64_t hash;
    uint32_t index; /* of the value + 1; 0: empty */
};

struct keyed {
    size_t value_size, n, cap, n_slots;
    char *values;
    uint64_t *key_at; /* position << 20 | length in keys */
    struct keyed_slot *slots;
    struct buf keys;
};

#define KEYED_NONE    UINT32_MAX
#define KEYED_KEY_MAX 0xFFFFFu

void keyed_init(struct keyed *t, size_t value_size);
void keyed_release(struct keyed *t); /* what values point to is the caller's */
/* Index of a key's value, KEYED_NONE when it is not there. hash: hash_64 of the key. */
uint32_t keyed_find(const struct keyed *t, struct str key, uint64_t hash);
/* As keyed_find, adding a zeroed value. KEYED_NONE: out of memory or key too long. */
uint32_t keyed_add(struct keyed *t, struct str key, uint64_t hash);
struct str keyed_key(const struct keyed *t, uint32_t index); /* until the next add */
static inline void *keyed_value(const struct keyed *t, uint32_t index)
{
    return t->values + index * t->value_size;
}

#endif
