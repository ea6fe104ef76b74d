/* A growing byte buffer with a ceiling. Errors are sticky: a chain of adds is checked
 * once with buf_check. Always NUL-terminated behind len while not failed. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "base/str.h"

struct buf {
    char *data; /* NULL until the first add; use buf_str() for text */
    size_t len, cap, max;
    int failed; /* 0 or ERR_LIMIT / ERR_NOMEM */
};

void buf_init(struct buf *b, size_t max_bytes);
void buf_release(struct buf *b);
void buf_reset(struct buf *b); /* len = 0, failure forgotten, memory kept */
int buf_reserve(struct buf *b, size_t more);
int buf_add(struct buf *b, const void *p, size_t n);
int buf_adds(struct buf *b, const char *s);
int buf_addc(struct buf *b, char c);
int buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int buf_add_i64(struct buf *b, int64_t v);
/* JSON string with quotes; invalid UTF-8 becomes U+FFFD. */
int buf_add_json_str(struct buf *b, const char *s, size_t n);
/* 0, or err_set(e, failed, "what: …"). */
int buf_check(const struct buf *b, const char *what, struct err *e);
const char *buf_str(const struct buf *b); /* "" when empty; valid until the next add */
char *buf_take(struct buf *b); /* caller frees with mem_free; buffer is empty */

/* Whole file into b (binary). ERR_LIMIT beyond b->max. */
int buf_read_file(struct buf *b, const char *path, struct err *e);
/* Write to path.tmp, fsync, rename, fsync the folder. */
int buf_write_file(const void *p, size_t n, const char *path, struct err *e);

#endif
