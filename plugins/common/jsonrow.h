/* Flat JSON: the members of one object as texts (rows of a snapshot, checkpoints), and
 * writing JSON strings. Full grammar and UTF-8 are checked; a nested value comes as its
 * own JSON text. */
#ifndef PLUGINS_COMMON_JSONROW_H
#define PLUGINS_COMMON_JSONROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSONROW_MEMBERS_MAX 1024

struct jsonrow_value {
    const char *name, *p; /* unescaped; not NUL-terminated */
    size_t name_len, n;
    bool is_null, is_nested;
};

struct jsonrow {
    struct jsonrow_value members[JSONROW_MEMBERS_MAX];
    size_t n;
    size_t used;        /* bytes of the text up to behind the object */
    const char *reason; /* of a failure: dead-letter reason … */
    const char *what;   /* … and what was expected, static text */
    size_t fault_at;
    char *text; /* unescaped strings */
    size_t text_len, text_cap;
};

void jsonrow_init(struct jsonrow *r);
void jsonrow_release(struct jsonrow *r);
/* Object at p (white space before it allowed): 0 and used, or -1 with reason and what.
 * Members point into p and r, valid until the next parse. */
int jsonrow_parse(struct jsonrow *r, const char *p, size_t n);
/* Member by name, NULL when there is none. */
const struct jsonrow_value *jsonrow_get(const struct jsonrow *r, const char *name);
/* Number of a member as a checkpoint has it, fallback when absent or no integer. */
int64_t jsonrow_i64(const struct jsonrow *r, const char *name, int64_t fallback);
/* Text of a member, "" when absent; false when it does not fit. */
bool jsonrow_text(const struct jsonrow *r, const char *name, char *out, size_t size);
/* Bytes of the longest valid UTF-8 prefix. */
size_t jsonrow_utf8(const char *p, size_t n);

/* A growing text; a failed add is sticky. */
struct rowbuf {
    char *p;
    size_t n, cap;
    bool has_failed;
};
void rowbuf_release(struct rowbuf *b);
void rowbuf_add(struct rowbuf *b, const char *p, size_t n);
void rowbuf_string(struct rowbuf *b, const char *p, size_t n); /* JSON string, quoted */

#endif
