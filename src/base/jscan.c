/* The hot-path JSON scanner (jscan.h). In: the bytes of one document; out: tokens in
 * one array. Called once per record by the stream, load and ingest workers, and by SQL
 * functions. What always holds: every byte was looked at, no byte behind text + n is
 * read, the first fault by position ends the scan, memory is bounded by the limits.
 *
 * Strings are skipped 16 bytes at a time (SSE2) or 8 (any machine); all else is one
 * branch per token. Duplicate keys: a 64-bit filter per object says "new" for most
 * keys; a hit is compared with the object's first 16 keys, wider objects use one hash
 * table. */
#include "base/jscan.h"

#include "base/hash.h"
#include "base/jscan_lex.h"
#include "base/mem.h"

#define NARROW_KEYS 16
#define DEPTH_MAX   4096

/* An open container. */
struct jscan_frame {
    uint32_t token;
    uint32_t members;
    bool is_object;
    uint64_t filter; /* bit (hash & 63) is set for each key seen */
    uint32_t keys[NARROW_KEYS];
    uint64_t hashes[NARROW_KEYS];
};

/* A key of a wide object. */
struct jscan_slot {
    uint64_t hash;
    uint32_t generation, object, key;
};

const struct jscan_limits jscan_default_limits = {1024 * 1024, 64, 1000 * 1000, 0};

void jscan_init(struct jscan *s)
{
    *s = (struct jscan){0};
    buf_init(&s->key_a, SIZE_MAX);
    buf_init(&s->key_b, SIZE_MAX);
    buf_init(&s->copy, SIZE_MAX);
}

void jscan_release(struct jscan *s)
{
    mem_free(s->tok);
    mem_free(s->frames);
    mem_free(s->slots);
    buf_release(&s->key_a);
    buf_release(&s->key_b);
    buf_release(&s->copy);
    jscan_init(s);
}

/* ---- duplicate keys ---- */

static inline uint64_t load8(const char *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return v;
}

/* Cheap and weak (both ends and the length): good for a filter over 16 keys. */
static inline uint64_t hash_narrow(const char *p, size_t n, const char *end)
{
    uint64_t a = 0, b = 0;
    if (LIKELY(n >= 8)) {
        a = load8(p);
        b = load8(p + n - 8);
    } else if (LIKELY(end - p >= 8)) {
        a = load8(p) & (((uint64_t)1 << 8 * n) - 1);
    } else {
        memcpy(&a, p, n);
    }
    a = (a ^ (b << 29 | b >> 35) ^ n) * 0x9E3779B97F4A7C15u;
    return a ^ a >> 32;
}

static __attribute__((noinline)) struct str decoded_key(struct jscan *s, size_t i,
                                                        struct buf *scratch)
{
    buf_reset(scratch);
    jscan_unescape(s, i, scratch);
    return (struct str){buf_str(scratch), scratch->len};
}

/* Text of the key at token i: as written, or decoded into scratch. */
static inline struct str key_text(struct jscan *s, size_t i, struct buf *scratch)
{
    if (LIKELY(!s->tok[i].has_escape))
        return jscan_raw(s, i);
    return decoded_key(s, i, scratch);
}

static bool slots_grow(struct jscan *s)
{
    size_t n = s->n_slots ? s->n_slots * 2 : 256;
    struct jscan_slot *new_slots = mem_try_alloc(n * sizeof *new_slots);
    if (!new_slots)
        return false;
    for (size_t i = 0; i < s->n_slots; i++) {
        const struct jscan_slot *old = &s->slots[i];
        size_t at = old->hash & (n - 1);
        if (old->generation != s->generation)
            continue;
        while (new_slots[at].generation)
            at = (at + 1) & (n - 1);
        new_slots[at] = *old;
    }
    mem_free(s->slots);
    s->slots = new_slots;
    s->n_slots = n;
    return true;
}

/* 1 the object has the key already, 0 it is new and now known, ERR_NOMEM. */
static int wide_add(struct jscan *s, uint32_t object, uint32_t key)
{
    struct str text = key_text(s, key, &s->key_a);
    uint64_t h = hash_64(text.p, text.n) ^ object * 0x9E3779B97F4A7C15u;
    if (s->used_slots * 2 >= s->n_slots && !slots_grow(s))
        return ERR_NOMEM;
    size_t at = h & (s->n_slots - 1);
    for (; s->slots[at].generation == s->generation; at = (at + 1) & (s->n_slots - 1)) {
        const struct jscan_slot *slot = &s->slots[at];
        if (slot->hash == h && slot->object == object &&
            str_eq(key_text(s, slot->key, &s->key_b), text))
            return 1;
    }
    s->slots[at] = (struct jscan_slot){h, s->generation, object, key};
    s->used_slots++;
    return 0;
}

/* As wide_add, for any object: the first NARROW_KEYS live in the frame. */
static __attribute__((noinline)) int narrow_hit(struct jscan *s, struct jscan_frame *f,
                                                uint32_t key, uint64_t hash)
{
    for (uint32_t i = 0; i < f->members && i < NARROW_KEYS; i++)
        if (f->hashes[i] == hash &&
            str_eq(key_text(s, f->keys[i], &s->key_b), key_text(s, key, &s->key_a)))
            return 1;
    return 0;
}

static __attribute__((noinline)) int wide_key(struct jscan *s, struct jscan_frame *f,
                                              uint32_t key)
{
    int rc = 0;
    if (f->members == NARROW_KEYS)
        for (uint32_t i = 0; i < NARROW_KEYS && rc == 0; i++)
            rc = wide_add(s, f->token, f->keys[i]);
    return rc ? rc : wide_add(s, f->token, key);
}

/* ---- the scan ---- */

/* What one scan carries along; scan_document keeps it in registers. The text ends in a
 * byte that no number, word or space goes over, so these look for no end. */
struct scan {
    struct jscan *s;
    const char *end;
    struct jscan_token *next, *limit; /* free token, end of the array */
    struct jscan_frame *top;          /* innermost container; frames[0]: the document */
    struct jscan_frame *deepest, *opaque; /* where containers are stepped over */
    size_t max_tokens;
    bool is_known; /* scanned before: keys are not compared again */
    int rc;
};

#define INLINE static inline __attribute__((always_inline))

/* Room for one more token, or false with rc or the fault set. */
static __attribute__((noinline)) bool tokens_grow(struct jscan *s, size_t max, int *rc,
                                                  const char *at)
{
    size_t cap = s->cap ? s->cap * 2 : 512;
    if (s->n >= max) {
        fault(s, JSCAN_FAULT_LENGTH, at, "too many values");
        return false;
    }
    struct jscan_token *tok = mem_try_realloc(s->tok, cap * sizeof *tok);
    if (!tok) {
        *rc = ERR_NOMEM;
        return false;
    }
    s->tok = tok;
    s->cap = cap;
    return true;
}

static inline struct jscan_token *token_limit(const struct jscan *s, size_t max)
{
    return s->tok + (s->cap < max ? s->cap : max);
}

INLINE bool push(struct scan *c, const char *at, uint8_t type, size_t len,
                 uint8_t escape)
{
    struct jscan *s = c->s;
    if (UNLIKELY(c->next == c->limit)) {
        int rc = 0;
        s->n = (size_t)(c->next - s->tok);
        if (!tokens_grow(s, c->max_tokens, &rc, at)) {
            c->rc = rc;
            return false;
        }
        c->next = s->tok + s->n;
        c->limit = token_limit(s, c->max_tokens);
    }
    struct jscan_token *t = c->next++;
    *t = (struct jscan_token){.start = (uint32_t)(at - s->text),
                              .len = (uint32_t)len,
                              .next = (uint32_t)(c->next - s->tok),
                              .type = type,
                              .has_escape = escape};
    return true;
}

/* One token for the whole container at p; behind it. */
static __attribute__((noinline)) const char *step_over(struct scan *c, const char *p,
                                                       bool is_object)
{
    const char *close = skip_container(p, c->end);
    if (!close)
        return fault(c->s, JSCAN_FAULT_SYNTAX, c->end, "the document ends early");
    size_t len = (size_t)(close + 1 - p);
    return push(c, p, is_object ? JSCAN_OBJECT : JSCAN_ARRAY, len, 0) ? close + 1
                                                                      : NULL;
}

INLINE const char *open_container(struct scan *c, const char *p, bool is_object)
{
    if (UNLIKELY(c->top == c->deepest))
        return fault(c->s, JSCAN_FAULT_DEPTH, p, "nested too deep");
    if (UNLIKELY(!push(c, p, is_object ? JSCAN_OBJECT : JSCAN_ARRAY, 0, 0)))
        return NULL;
    c->top++;
    c->top->token = (uint32_t)(c->next - 1 - c->s->tok);
    c->top->members = 0;
    c->top->is_object = is_object;
    c->top->filter = 0;
    return p + 1;
}

INLINE const char *close_container(struct scan *c, const char *p)
{
    struct jscan_token *t = &c->s->tok[c->top->token];
    t->len = (uint32_t)(p + 1 - c->s->text) - t->start;
    t->next = (uint32_t)(c->next - c->s->tok);
    t->n = c->top->members < UINT16_MAX ? (uint16_t)c->top->members : UINT16_MAX;
    c->top--;
    return p + 1;
}

INLINE const char *scan_string_token(struct scan *c, const char *p)
{
    uint8_t escaped;
    const char *quote = scan_string(c->s, p + 1, c->end, &escaped);
    if (UNLIKELY(!quote))
        return NULL;
    if (UNLIKELY(!push(c, p + 1, JSCAN_STRING, (size_t)(quote - p - 1), escaped)))
        return NULL;
    return quote + 1;
}

/* 1 the key (the newest token) is there already, 0 it is new, ERR_NOMEM. */
INLINE int check_key(struct scan *c)
{
    struct jscan *s = c->s;
    struct jscan_frame *f = c->top;
    uint32_t key = (uint32_t)(c->next - 1 - s->tok);
    struct str text = key_text(s, key, &s->key_a);
    if (UNLIKELY(f->members >= NARROW_KEYS))
        return wide_key(s, f, key);
    const char *end = UNLIKELY(s->tok[key].has_escape) ? text.p + text.n : c->end;
    uint64_t hash = hash_narrow(text.p, text.n, end), bit = (uint64_t)1 << (hash & 63);
    int rc = f->filter & bit ? narrow_hit(s, f, key, hash) : 0;
    f->filter |= bit;
    f->keys[f->members] = key;
    f->hashes[f->members] = hash;
    return rc;
}

/* A key and its colon: the first byte of the value. */
INLINE const char *scan_key(struct scan *c, const char *quote)
{
    if (UNLIKELY(*quote != '"'))
        return fault(c->s, JSCAN_FAULT_SYNTAX, quote, "expected a key in quotes");
    const char *p = scan_string_token(c, quote);
    if (UNLIKELY(!p))
        return NULL;
    int rc = c->is_known ? 0 : check_key(c);
    if (UNLIKELY(rc)) {
        c->rc = rc < 0 ? rc : 0;
        return fault(c->s, JSCAN_FAULT_DUPLICATE_KEY, quote,
                     "a key for the second time");
    }
    p = skip_space(p);
    if (UNLIKELY(*p != ':'))
        return fault(c->s, JSCAN_FAULT_SYNTAX, p, "expected a colon behind the key");
    return skip_space(p + 1);
}

/* A value that is no container: behind it. */
INLINE const char *scan_scalar(struct scan *c, const char *p)
{
    const char *start = p;
    uint8_t type = JSCAN_NUMBER;
    if (*p == '"')
        return scan_string_token(c, p);
    if (LIKELY(is_digit(*p) || *p == '-'))
        p = scan_number(c->s, p);
    else if (LIKELY(*p == 't' || *p == 'f' || *p == 'n'))
        p = scan_word(c->s, p, &type);
    else
        return fault(c->s, JSCAN_FAULT_SYNTAX, p, "expected a value");
    if (UNLIKELY(!p || !push(c, start, type, (size_t)(p - start), 0)))
        return NULL;
    return p;
}

/* Close what ends at p and step over the comma, to the next key or element; when the
 * document is closed, behind it. */
INLINE const char *after_value(struct scan *c, const char *p,
                               const struct jscan_frame *root)
{
    while (c->top != root) {
        struct jscan_frame *f = c->top;
        f->members++;
        if (UNLIKELY(p == c->end))
            return fault(c->s, JSCAN_FAULT_SYNTAX, p, "the document ends early");
        p = skip_space(p);
        if (*p == ',')
            return skip_space(p + 1);
        if (UNLIKELY(*p != (f->is_object ? '}' : ']')))
            return fault(c->s, JSCAN_FAULT_SYNTAX, p,
                         f->is_object ? "expected a comma or }"
                                      : "expected a comma or ]");
        p = close_container(c, p);
    }
    return p;
}

/* The document from its first byte on; behind it, or NULL. */
static const char *scan_document(struct scan *c, const char *p)
{
    struct jscan_frame *root = c->top;
    do {
        if (c->top->is_object && UNLIKELY(!(p = scan_key(c, p))))
            return NULL;
        char first = *p;
        bool is_container = first == '{' || first == '[';
        if (is_container && UNLIKELY(c->top >= c->opaque)) {
            if (UNLIKELY(!(p = step_over(c, p, first == '{'))))
                return NULL;
        } else if (is_container) {
            p = open_container(c, p, first == '{');
            if (UNLIKELY(!p))
                return NULL;
            if (UNLIKELY(p == c->end))
                return fault(c->s, JSCAN_FAULT_SYNTAX, p, "the document ends early");
            p = skip_space(p);
            if (*p != first + 2)
                continue;
            p = close_container(c, p);
        } else {
            p = scan_scalar(c, p);
            if (UNLIKELY(!p))
                return NULL;
        }
        p = after_value(c, p, root);
    } while (p && c->top != root);
    return p;
}

static bool frames_reserve(struct jscan *s, unsigned n)
{
    if (s->n_frames >= n)
        return true;
    struct jscan_frame *frames = mem_try_realloc(s->frames, n * sizeof *frames);
    if (!frames)
        return false;
    s->frames = frames;
    s->n_frames = n;
    return true;
}

/* s->text may be any text whose last byte ends every number, word and space. */
static int scan_terminated(struct jscan *s, size_t n, const struct jscan_limits *l)
{
    unsigned depth = l->max_depth < DEPTH_MAX ? l->max_depth : DEPTH_MAX;
    if (!frames_reserve(s, depth + 1))
        return ERR_NOMEM;
    s->frames[0] = (struct jscan_frame){0};
    struct scan c = {.s = s,
                     .end = s->text + n,
                     .next = s->tok,
                     .limit = token_limit(s, l->max_tokens),
                     .top = s->frames,
                     .deepest = s->frames + depth,
                     .opaque = s->frames +
                               (l->opaque_depth ? l->opaque_depth - 1 : depth + 1),
                     .max_tokens = l->max_tokens,
                     .is_known = l->opaque_depth > 0};
    const char *p = scan_document(&c, skip_space(s->text));
    s->n = (size_t)(c.next - s->tok);
    if (UNLIKELY(!p))
        return c.rc < 0 ? c.rc : ERR_PARSE;
    while (p < c.end && is_space(*p))
        p++;
    if (UNLIKELY(p != c.end)) {
        fault(s, JSCAN_FAULT_SYNTAX, p, "text behind the document");
        return ERR_PARSE;
    }
    return 0;
}

/* A document that ends in the middle or is one bare value: a copy gets the last byte.
 */
static __attribute__((noinline)) int scan_copy(struct jscan *s, size_t n,
                                               const struct jscan_limits *l)
{
    const char *text = s->text;
    buf_reset(&s->copy);
    if (n)
        buf_add(&s->copy, text, n);
    if (buf_addc(&s->copy, '\0') < 0)
        return s->copy.failed;
    s->text = s->copy.data;
    int rc = scan_terminated(s, n, l);
    s->text = text;
    return rc;
}

int jscan_parse(struct jscan *s, const char *text, size_t n,
                const struct jscan_limits *l)
{
    if (!l)
        l = &jscan_default_limits;
    size_t max_bytes = l->max_bytes < UINT32_MAX ? l->max_bytes : UINT32_MAX - 1;
    s->text = text;
    s->n = 0;
    s->fault = JSCAN_FAULT_NONE;
    s->used_slots = 0;
    if (++s->generation == 0) {
        memset(s->slots, 0, s->n_slots * sizeof *s->slots);
        s->generation = 1;
    }
    if (n > max_bytes) {
        fault(s, JSCAN_FAULT_LENGTH, text + max_bytes, "longer than the limit");
        return ERR_PARSE;
    }
    size_t trimmed = n;
    while (trimmed && UNLIKELY(is_space(text[trimmed - 1])))
        trimmed--;
    if (LIKELY(trimmed && (text[trimmed - 1] == '}' || text[trimmed - 1] == ']')))
        return scan_terminated(s, trimmed, l);
    return scan_copy(s, n, l);
}
