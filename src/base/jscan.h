/* The hot-path JSON scanner: one pass over one document into a flat array of tokens, no
 * allocation per document, every byte checked (RFC 8259 grammar, UTF-8, escapes). What
 * it accepts can be copied verbatim; what it refuses it names with a kind and a
 * position.
 *
 * Layout of tokens: a value's token, then for an object key, value, key, value … and
 * for an array its values. tok[i].next is the index behind the value's whole subtree.
 */
#ifndef BASE_JSCAN_H
#define BASE_JSCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum jscan_type {
    JSCAN_OBJECT,
    JSCAN_ARRAY,
    JSCAN_STRING,
    JSCAN_NUMBER,
    JSCAN_TRUE,
    JSCAN_FALSE,
    JSCAN_NULL,
};

/* kind, the dead-letter reason that goes with it */
#define JSCAN_FAULT_MAP(X)                                                             \
    X(NONE, "")                                                                        \
    X(SYNTAX, "invalid_json")                                                          \
    X(NUL, "nul_character")                                                            \
    X(SURROGATE, "lone_surrogate")                                                     \
    X(UTF8, "invalid_utf8")                                                            \
    X(DUPLICATE_KEY, "duplicate_key")                                                  \
    X(DEPTH, "too_deep")                                                               \
    X(LENGTH, "too_long")
enum jscan_fault {
#define X(name, reason) JSCAN_FAULT_##name,
    JSCAN_FAULT_MAP(X)
#undef X
};
const char *jscan_fault_reason(enum jscan_fault fault);

struct jscan_token {
    uint32_t start; /* first byte of the value; of a string, behind its quote */
    uint32_t len;   /* bytes; of a string, without quotes */
    uint32_t next;  /* index of the token behind this subtree */
    uint16_t n;     /* members or elements (saturates at 65535) */
    uint8_t type;   /* enum jscan_type */
    uint8_t has_escape;
};

struct jscan_limits {
    size_t max_bytes;   /* default 1 MiB; at most 4 GiB - 1 */
    unsigned max_depth; /* containers in each other, default 64; at most 4096 */
    size_t max_tokens;  /* default 1 M */
    /* Containers at this depth (the document is 1) are stepped over by their brackets,
     * one token each, unchecked, and keys are not compared: for what was scanned whole
     * before. 0: none. */
    unsigned opaque_depth;
};
extern const struct jscan_limits jscan_default_limits;

struct jscan_frame;
struct jscan_slot;

/* After a fault only fault* may be read. */
struct jscan {
    const char *text; /* borrowed from the last jscan_parse */
    struct jscan_token *tok;
    size_t n, cap;
    enum jscan_fault fault;
    size_t fault_at;        /* byte position, 0-based */
    const char *fault_what; /* static text: what was expected */

    /* the scanner's own: open containers, keys of wide objects, decoded keys */
    struct jscan_frame *frames;
    unsigned n_frames;
    struct jscan_slot *slots;
    size_t n_slots, used_slots;
    uint32_t generation;
    struct buf key_a, key_b, copy;
};

void jscan_init(struct jscan *s);
void jscan_release(struct jscan *s);
/* One whole document (surrounding white space allowed), read once. 0; ERR_PARSE with
 * fault*, the first one by position; ERR_NOMEM. Duplicate keys are found per object, an
 * escaped key compared as what it spells. Memory is kept for the next document. */
int jscan_parse(struct jscan *s, const char *text, size_t n,
                const struct jscan_limits *l);

static inline struct str jscan_raw(const struct jscan *s, size_t i)
{
    return (struct str){s->text + s->tok[i].start, s->tok[i].len};
}
/* Index of the value of a member of object i, 0 when there is none (0 is the root). The
 * key is compared as written; an escaped key is decoded first. */
size_t jscan_get(const struct jscan *s, size_t object, const char *key, size_t key_len);
/* Unescaped text of string i appended to out. 0 or out's failure. */
int jscan_unescape(const struct jscan *s, size_t i, struct buf *out);

#endif
