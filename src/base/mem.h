/* Memory. Small fixed allocations abort on out-of-memory (mem_*); anything sized by
 * input goes through an arena or a buf with a ceiling and returns ERR_LIMIT or
 * ERR_NOMEM. With FAULT=1 the N-th allocation fails: mem_fail_at(N). */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>
#include <stdarg.h>

void *mem_alloc(size_t n); /* zeroed; aborts on OOM */
void *mem_realloc(void *p, size_t n);
char *mem_strdup(const char *s); /* NULL stays NULL */
char *mem_strndup(const char *s, size_t n);
char *mem_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void mem_free(void *p);

/* Input-sized allocation: NULL on failure, never aborts. mem_try_realloc keeps p then.
 */
void *mem_try_alloc(size_t n);
void *mem_try_realloc(void *p, size_t n);

/* Fault injection (tests): fail the n-th following mem_try_*; 0 turns it off. Returns
 * how many were counted since the last call. */
unsigned long mem_fail_at(unsigned long n);

/* Arena: request, compile and frame lifetimes, freed whole. Aborts on OOM of the
 * system; with a ceiling (max bytes, 0 = none) arena_alloc returns NULL beyond it. */
struct arena_block;
struct arena {
    struct arena_block *head;
    size_t used, max;
};
void arena_init(struct arena *a, size_t max_bytes);
void *arena_alloc(struct arena *a, size_t n); /* zeroed, 16-byte aligned */
char *arena_strdup(struct arena *a, const char *s);
char *arena_strndup(struct arena *a, const char *s, size_t n);
/* The texts behind one another, up to a NULL; NULL beyond the ceiling. */
char *arena_join(struct arena *a, ...) __attribute__((sentinel));
char *arena_printf(struct arena *a, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void arena_clear(struct arena *a); /* frees contents, arena stays usable */
/* As arena_clear, but keeps a block: for an arena that is filled again and again. */
void arena_reset(struct arena *a);
void arena_release(struct arena *a);

#endif
