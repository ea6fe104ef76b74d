/* Memory: allocation that aborts (small, fixed), allocation that may fail (sized by
 * input) and arenas. Called by everyone. Always holds: new memory is zeroed, except
 * what a realloc adds. */
#include "base/mem.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_BLOCK_BYTES ((size_t)8192)
#define ARENA_LARGE       ((size_t)262144)
#define ARENA_ALIGN       ((size_t)16)

struct arena_block {
    struct arena_block *next;
    size_t used, size;
    _Alignas(16) char data[];
};

static unsigned long fail_at, fail_counted;

static void die(size_t n)
{
    fprintf(stderr, "weir: out of memory (%zu bytes)\n", n);
    abort();
}

static int must_fail(void)
{
    fail_counted++;
    if (!fail_at)
        return 0;
    return --fail_at == 0;
}

unsigned long mem_fail_at(unsigned long n)
{
    unsigned long counted = fail_counted;
    fail_at = n;
    fail_counted = 0;
    return counted;
}

void *mem_alloc(size_t n)
{
    void *p = calloc(1, n ? n : 1);
    if (!p)
        die(n);
    return p;
}

void *mem_realloc(void *p, size_t n)
{
    void *q = realloc(p, n ? n : 1);
    if (!q)
        die(n);
    return q;
}

void *mem_try_alloc(size_t n)
{
    return must_fail() ? NULL : calloc(1, n ? n : 1);
}

void *mem_try_realloc(void *p, size_t n)
{
    return must_fail() ? NULL : realloc(p, n ? n : 1);
}

char *mem_strdup(const char *s)
{
    return s ? mem_strndup(s, strlen(s)) : NULL;
}

char *mem_strndup(const char *s, size_t n)
{
    n = strnlen(s, n);
    char *p = mem_alloc(n + 1);
    memcpy(p, s, n);
    return p;
}

char *mem_printf(const char *fmt, ...)
{
    va_list ap;
    char *p = NULL;
    va_start(ap, fmt);
    int n = vasprintf(&p, fmt, ap);
    va_end(ap);
    if (n < 0)
        die(0);
    return p;
}

void mem_free(void *p)
{
    free(p);
}

void arena_init(struct arena *a, size_t max_bytes)
{
    *a = (struct arena){.max = max_bytes};
}

static struct arena_block *block_new(struct arena *a, size_t n)
{
    bool is_piece = a->head && n > ARENA_BLOCK_BYTES / 4;
    /* an arena that grew large grows in larger steps */
    bool is_grown = !is_piece && a->used > 16 * ARENA_LARGE;
    size_t size = is_grown ? ARENA_LARGE : ARENA_BLOCK_BYTES;
    size = n > size ? n : size;
    if (size > SIZE_MAX - sizeof(struct arena_block))
        die(size);
    struct arena_block *b = malloc(sizeof *b + size);
    if (!b)
        die(size);
    *b = (struct arena_block){.size = size};
    /* A large piece goes behind the head, so that the head's rest stays in use. */
    if (is_piece) {
        b->next = a->head->next;
        a->head->next = b;
    } else {
        b->next = a->head;
        a->head = b;
    }
    return b;
}

void *arena_alloc(struct arena *a, size_t n)
{
    if (n > SIZE_MAX - ARENA_ALIGN)
        return NULL;
    n = ((n ? n : 1) + ARENA_ALIGN - 1) & ~(ARENA_ALIGN - 1);
    if (a->max && (n > a->max || a->used > a->max - n))
        return NULL;
    struct arena_block *b = a->head;
    if (!b || b->size - b->used < n)
        b = block_new(a, n);
    void *p = b->data + b->used;
    b->used += n;
    a->used += n;
    if (n > 128)
        return memset(p, 0, n);
    for (size_t i = 0; i < n; i += ARENA_ALIGN) /* small ones: without a call */
        memset((char *)p + i, 0, ARENA_ALIGN);
    return p;
}

char *arena_strdup(struct arena *a, const char *s)
{
    return s ? arena_strndup(a, s, strlen(s)) : NULL;
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
    char *p = arena_alloc(a, n + 1);
    if (p)
        memcpy(p, s, n);
    return p;
}

char *arena_join(struct arena *a, ...)
{
    va_list ap;
    size_t n = 0;
    va_start(ap, a);
    for (const char *s; (s = va_arg(ap, const char *));)
        n += strlen(s);
    va_end(ap);
    char *text = arena_alloc(a, n + 1), *at = text;
    va_start(ap, a);
    for (const char *s; text && (s = va_arg(ap, const char *));) {
        size_t len = strlen(s);
        memcpy(at, s, len);
        at += len;
    }
    va_end(ap);
    return text;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    char *p = n < 0 ? NULL : arena_alloc(a, (size_t)n + 1);
    if (p)
        vsnprintf(p, (size_t)n + 1, fmt, again);
    va_end(again);
    return p;
}

void arena_release(struct arena *a)
{
    for (struct arena_block *b = a->head, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    a->head = NULL;
    a->used = 0;
}

void arena_clear(struct arena *a)
{
    arena_release(a);
}

void arena_reset(struct arena *a)
{
    struct arena_block *kept = a->head;
    if (!kept || kept->size != ARENA_BLOCK_BYTES) {
        arena_release(a);
        return;
    }
    a->head = kept->next;
    arena_release(a);
    kept->next = NULL;
    kept->used = 0;
    a->head = kept;
}
