/* Hash map from bytes to void *, insertion order kept on iteration. Keys are copied. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_entry {
    char *key; /* NUL-terminated copy */
    size_t key_len;
    void *value;
    uint64_t hash;
    bool is_live;
};
struct map {
    struct map_entry *entries; /* insertion order, with dead ones between */
    size_t n, cap, live;
    uint32_t *slots;
    size_t n_slots;
};

void map_init(struct map *m);
void map_release(struct map *m);                     /* values are the caller's */
void *map_get(const struct map *m, const char *key); /* NULL when absent */
void *map_getn(const struct map *m, const char *key, size_t n);
bool map_has(const struct map *m, const char *key);
/* Returns the value that was replaced, or NULL. */
void *map_put(struct map *m, const char *key, void *value);
void *map_putn(struct map *m, const char *key, size_t n, void *value);
void *map_del(struct map *m, const char *key);

/* for (struct map_entry *it = NULL; (it = map_next(m, it));) … ; no insertion meanwhile
 */
struct map_entry *map_next(const struct map *m, struct map_entry *it);

#endif
