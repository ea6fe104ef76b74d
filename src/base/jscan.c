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
#include "base/mem.h"
#include "base/text.h"

#if defined(__SSE2__) && !defined(JSCAN_PORTABLE)
#include <emmintrin.h>
#define JSCAN_SSE2 1
#else
#define JSCAN_SSE2 0
#endif

#define NARROW_KEYS 16
#define DEPTH_MAX   4096
#define LIKELY(x)   __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

/* An open container. */
struct jscan_frame {
    uint32_t token;
    uint32_t members;
    uint64_t filter; /* bit (hash & 63) is set for each key seen */
    uint32_t keys[NARROW_KEYS];
    uint64_t hashes[NARROW_KEYS];
};

/* A key of a wide object. */
struct jscan_slot {
    uint64_t hash;
    uint32_t generation, object, key;
};

const struct jscan_limits jscan_default_limits = {1024 * 1024, 64, 1000 * 1000};

const char *jscan_fault_reason(enum jscan_fault fault)
{
    static const char *const reasons[] = {
#define X(name, reason) reason,
        JSCAN_FAULT_MAP(X)
#undef X
    };
    return reasons[fault];
}

void jscan_init(struct jscan *s)
{
    *s = (struct jscan){0};
    buf_init(&s->key_a, SIZE_MAX);
    buf_init(&s->key_b, SIZE_MAX);
}

void jscan_release(struct jscan *s)
{
    mem_free(s->tok);
    mem_free(s->frames);
    mem_free(s->slots);
    buf_release(&s->key_a);
    buf_release(&s->key_b);
    jscan_init(s);
}

/* Always NULL, so that a scanning function can return it. */
static __attribute__((noinline, cold)) const char *
fault(struct jscan *s, enum jscan_fault kind, const char *at, const char *what)
{
    s->fault = kind;
    s->fault_at = (size_t)(at - s->text);
    s->fault_what = what;
    return NULL;
}

static inline bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static inline const char *skip_space(const char *p, const char *end)
{
    while (p < end && is_space(*p))
        p++;
    return p;
}

/* ---- strings ----------------------------------------------------------------------
 */

static inline bool is_plain(char c)
{
    return (unsigned char)(c - ' ') < 0x60 && c != '"' && c != '\\';
}

/* First byte that is a quote, a backslash, a control byte or not ASCII. */
static inline const char *skip_plain(const char *p, const char *end)
{
#if JSCAN_SSE2
    const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\');
    const __m128i space = _mm_set1_epi8(' ');
    while (LIKELY(end - p >= 16)) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        /* signed: bytes from 0x80 on are below the space as well */
        __m128i hit = _mm_or_si128(
            _mm_cmplt_epi8(v, space),
            _mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, slash)));
        int mask = _mm_movemask_epi8(hit);
        if (mask)
            return p + __builtin_ctz((unsigned)mask);
        p += 16;
    }
#else
    const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
    for (; end - p >= 8; p += 8) {
        uint64_t v;
        memcpy(&v, p, 8);
        uint64_t q = v ^ ones * '"', b = v ^ ones * '\\';
        if (((v - ones * ' ') | (q - ones) | (b - ones) | v) & tops)
            for (int i = 0; i < 8; i++) /* borrows may lie: look at each byte */
                if (!is_plain(p[i]))
                    return p + i;
    }
#endif
    while (p < end && is_plain(*p))
        p++;
    return p;
}

/* Value of four hex digits at p, or -1. */
static int hex4(const char *p, const char *end)
{
    int v = 0;
    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        unsigned c = (unsigned char)p[i], d = c - '0';
        if (d > 9) {
            d = (c | 0x20) - 'a' + 10;
            if (d < 10 || d > 15)
                return -1;
        }
        v = v << 4 | (int)d;
    }
    return v;
}

/* Behind the \u escape at p. */
static const char *scan_unicode_escape(struct jscan *s, const char *p, const char *end)
{
    int unit = hex4(p + 2, end);
    if (unit < 0)
        return fault(s, JSCAN_FAULT_SYNTAX, p, "\\u needs four hex digits");
    if (unit == 0)
        return fault(s, JSCAN_FAULT_NUL, p, "\\u0000 cannot be stored as text");
    if (unit < 0xD800 || unit > 0xDFFF)
        return p + 6;
    if (unit < 0xDC00 && end - p >= 12 && p[6] == '\\' && p[7] == 'u') {
        int low = hex4(p + 8, end);
        if (low >= 0xDC00 && low <= 0xDFFF)
            return p + 12;
    }
    return fault(s, JSCAN_FAULT_SURROGATE, p, "half of a surrogate pair");
}

static const char *scan_escape(struct jscan *s, const char *p, const char *end)
{
    if (end - p < 2)
        return fault(s, JSCAN_FAULT_SYNTAX, end, "string is not closed");
    switch (p[1]) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        return p + 2;
    case 'u':
        return scan_unicode_escape(s, p, end);
    default:
        return fault(s, JSCAN_FAULT_SYNTAX, p, "unknown escape");
    }
}

/* Behind the character of two or more bytes at p (Unicode 15, table 3-7). */
static inline const char *scan_wide_char(struct jscan *s, const char *at,
                                         const char *end)
{
    const unsigned char *p = (const unsigned char *)at;
    size_t left = (size_t)(end - at);
    unsigned c = p[0];
    if (c >= 0xC2 && c <= 0xDF) {
        if (LIKELY(left >= 2 && (p[1] & 0xC0) == 0x80))
            return at + 2;
    } else if (c >= 0xE0 && c <= 0xEF) {
        if (LIKELY(left >= 3 && (p[1] & 0xC0) == 0x80 && (p[2] & 0xC0) == 0x80 &&
                   (c != 0xE0 || p[1] >= 0xA0) && (c != 0xED || p[1] < 0xA0)))
            return at + 3;
    } else if (c >= 0xF0 && c <= 0xF4) {
        if (LIKELY(left >= 4 && (p[1] & 0xC0) == 0x80 && (p[2] & 0xC0) == 0x80 &&
                   (p[3] & 0xC0) == 0x80 && (c != 0xF0 || p[1] >= 0x90) &&
                   (c != 0xF4 || p[1] < 0x90)))
            return at + 4;
    }
    return fault(s, JSCAN_FAULT_UTF8, at, "not UTF-8");
}

/* The closing quote of the string whose text begins at p; *escaped is set if needed. */
static __attribute__((noinline)) const char *
scan_string_slow(struct jscan *s, const char *p, const char *end, uint8_t *escaped)
{
    for (;;) {
        if (p == end)
            return fault(s, JSCAN_FAULT_SYNTAX, p, "string is not closed");
        if (*p == '"')
            return p;
        if (*p == '\\') {
            *escaped = 1;
            p = scan_escape(s, p, end);
        } else if ((unsigned char)*p >= 0x80) {
            do
                p = scan_wide_char(s, p, end);
            while (p && p < end && (unsigned char)*p >= 0x80);
        } else {
            return fault(s, JSCAN_FAULT_SYNTAX, p, "raw control byte in a string");
        }
        if (!p)
            return NULL;
        p = skip_plain(p, end);
    }
}

static inline const char *scan_string(struct jscan *s, const char *p, const char *end,
                                      uint8_t *escaped)
{
    *escaped = 0;
    p = skip_plain(p, end);
    if (LIKELY(p < end && *p == '"'))
        return p;
    return scan_string_slow(s, p, end, escaped);
}

/* ---- numbers and words ------------------------------------------------------------
 */

static inline bool is_digit(const char *p, const char *end)
{
    return p < end && (unsigned char)(*p - '0') <= 9;
}

static const char *scan_exponent(struct jscan *s, const char *p, const char *end)
{
    p++;
    if (p < end && (*p == '+' || *p == '-'))
        p++;
    if (!is_digit(p, end))
        return fault(s, JSCAN_FAULT_SYNTAX, p, "exponent without a digit");
    while (is_digit(p, end))
        p++;
    return p;
}

static inline const char *scan_number(struct jscan *s, const char *p, const char *end)
{
    if (*p == '-')
        p++;
    if (UNLIKELY(!is_digit(p, end)))
        return fault(s, JSCAN_FAULT_SYNTAX, p, "number without a digit");
    if (*p == '0')
        p++;
    else
        while (is_digit(p, end))
            p++;
    if (p < end && *p == '.') {
        p++;
        if (UNLIKELY(!is_digit(p, end)))
            return fault(s, JSCAN_FAULT_SYNTAX, p, "no digit behind the point");
        while (is_digit(p, end))
            p++;
    }
    if (UNLIKELY(p < end && (*p | 0x20) == 'e'))
        return scan_exponent(s, p, end);
    return p;
}

static const char *scan_word(struct jscan *s, const char *p, const char *end,
                             uint8_t *type)
{
    const char *word = *p == 't' ? "true" : *p == 'f' ? "false" : "null";
    size_t n = strlen(word);
    *type = *p == 't' ? JSCAN_TRUE : *p == 'f' ? JSCAN_FALSE : JSCAN_NULL;
    for (size_t i = 0; i < n; i++)
        if (p + i == end || p[i] != word[i])
            return fault(s, JSCAN_FAULT_SYNTAX, p + i, "expected true, false or null");
    return p + n;
}

/* ---- duplicate keys ---------------------------------------------------------------
 */

static inline uint64_t load8(const char *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return v;
}

/* Cheap and weak (both ends and the length): good for a filter over 16 keys. */
static inline uint64_t hash_narrow(const char *p, size_t n)
{
    uint64_t a = 0, b = 0;
    if (LIKELY(n >= 8)) {
        a = load8(p);
        b = load8(p + n - 8);
    } else {
        for (size_t i = 0; i < n; i++)
            a = a << 8 | (unsigned char)p[i];
    }
    a = (a ^ (b << 29 | b >> 35) ^ n) * 0x9E3779B97F4A7C15u;
    return a ^ a >> 32;
}

/* Text of the key at token i: as written, or decoded into scratch. */
static struct str key_text(struct jscan *s, size_t i, struct buf *scratch)
{
    if (LIKELY(!s->tok[i].has_escape))
        return jscan_raw(s, i);
    buf_reset(scratch);
    jscan_unescape(s, i, scratch);
    return (struct str){buf_str(scratch), scratch->len};
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

static inline int check_key(struct jscan *s, struct jscan_frame *f, uint32_t key)
{
    struct str text = key_text(s, key, &s->key_a);
    if (UNLIKELY(f->members >= NARROW_KEYS))
        return wide_key(s, f, key);
    uint64_t hash = hash_narrow(text.p, text.n), bit = (uint64_t)1 << (hash & 63);
    int rc = f->filter & bit ? narrow_hit(s, f, key, hash) : 0;
    f->filter |= bit;
    f->keys[f->members] = key;
    f->hashes[f->members] = hash;
    return rc;
}

/* ---- the scan ---------------------------------------------------------------------
 */

static __attribute__((noinline)) int tokens_grow(struct jscan *s)
{
    size_t cap = s->cap ? s->cap * 2 : 512;
    struct jscan_token *tok = mem_try_realloc(s->tok, cap * sizeof *tok);
    if (!tok)
        return ERR_NOMEM;
    s->tok = tok;
    s->cap = cap;
    return 0;
}

/* What one scan carries along. */
struct scan {
    struct jscan *s;
    const char *end;
    struct jscan_frame *top; /* innermost open container, NULL at the root */
    unsigned depth, max_depth;
    size_t max_tokens;
    int rc;
};

static inline struct jscan_token *push(struct scan *c, const char *at, uint8_t type)
{
    struct jscan *s = c->s;
    if (UNLIKELY(s->n == s->cap) && (c->rc = tokens_grow(s)) < 0)
        return NULL;
    if (UNLIKELY(s->n == c->max_tokens)) {
        fault(s, JSCAN_FAULT_LENGTH, at, "too many values");
        return NULL;
    }
    struct jscan_token *t = &s->tok[s->n++];
    t->start = (uint32_t)(at - s->text);
    t->len = 0;
    t->next = (uint32_t)s->n;
    t->n = 0;
    t->type = type;
    t->has_escape = 0;
    return t;
}

static inline const char *open_container(struct scan *c, const char *p, uint8_t type)
{
    struct jscan *s = c->s;
    if (UNLIKELY(c->depth == c->max_depth))
        return fault(s, JSCAN_FAULT_DEPTH, p, "nested too deep");
    if (UNLIKELY(!push(c, p, type)))
        return NULL;
    c->top = &s->frames[c->depth++];
    c->top->token = (uint32_t)(s->n - 1);
    c->top->members = 0;
    c->top->filter = 0;
    return p + 1;
}

static inline const char *close_container(struct scan *c, const char *p)
{
    struct jscan *s = c->s;
    struct jscan_token *t = &s->tok[c->top->token];
    t->len = (uint32_t)(p + 1 - s->text) - t->start;
    t->next = (uint32_t)s->n;
    t->n = c->top->members < UINT16_MAX ? (uint16_t)c->top->members : UINT16_MAX;
    c->depth--;
    c->top = c->depth ? c->top - 1 : NULL;
    return p + 1;
}

static inline const char *scan_string_token(struct scan *c, const char *p)
{
    uint8_t escaped;
    struct jscan_token *t = push(c, p + 1, JSCAN_STRING);
    if (UNLIKELY(!t))
        return NULL;
    const char *quote = scan_string(c->s, p + 1, c->end, &escaped);
    if (UNLIKELY(!quote))
        return NULL;
    t->len = (uint32_t)(quote - p - 1);
    t->has_escape = escaped;
    return quote + 1;
}

/* A key and its colon: the first byte of the value. p is at the key's quote. */
static inline const char *scan_key(struct scan *c, const char *p)
{
    struct jscan *s = c->s;
    if (UNLIKELY(p == c->end || *p != '"'))
        return fault(s, JSCAN_FAULT_SYNTAX, p, "expected a key in quotes");
    const char *quote = p;
    p = scan_string_token(c, p);
    if (UNLIKELY(!p))
        return NULL;
    int rc = check_key(s, c->top, (uint32_t)(s->n - 1));
    if (UNLIKELY(rc)) {
        c->rc = rc < 0 ? rc : 0;
        return fault(s, JSCAN_FAULT_DUPLICATE_KEY, quote, "key is there a second time");
    }
    if (UNLIKELY(p == c->end || *p != ':')) {
        p = skip_space(p, c->end);
        if (p == c->end || *p != ':')
            return fault(s, JSCAN_FAULT_SYNTAX, p, "expected a colon behind the key");
    }
    return skip_space(p + 1, c->end);
}

/* A value that is no container: behind it. */
static inline const char *scan_scalar(struct scan *c, const char *p)
{
    struct jscan *s = c->s;
    const char *start = p;
    uint8_t type = JSCAN_NUMBER;
    if (*p == '"')
        return scan_string_token(c, p);
    if (LIKELY((unsigned char)(*p - '0') <= 9 || *p == '-'))
        p = scan_number(s, p, c->end);
    else if (LIKELY(*p == 't' || *p == 'f' || *p == 'n'))
        p = scan_word(s, p, c->end, &type);
    else
        return fault(s, JSCAN_FAULT_SYNTAX, p, "expected a value");
    if (UNLIKELY(!p))
        return NULL;
    struct jscan_token *t = push(c, start, type);
    if (UNLIKELY(!t))
        return NULL;
    t->len = (uint32_t)(p - start);
    return p;
}

/* Close what ends at p and step over the comma: the next key or element, or, when the
 * root is closed, behind it (depth 0). */
static inline const char *after_value(struct scan *c, const char *p)
{
    while (c->depth) {
        bool is_object = c->s->tok[c->top->token].type == JSCAN_OBJECT;
        c->top->members++;
        p = skip_space(p, c->end);
        if (UNLIKELY(p == c->end))
            return fault(c->s, JSCAN_FAULT_SYNTAX, p, "the document ends early");
        if (*p == ',') {
            p = skip_space(p + 1, c->end);
            return is_object ? scan_key(c, p) : p;
        }
        if (UNLIKELY(*p != (is_object ? '}' : ']')))
            return fault(c->s, JSCAN_FAULT_SYNTAX, p,
                         is_object ? "expected a comma or }" : "expected a comma or ]");
        p = close_container(c, p);
    }
    return p;
}

/* The document from its first value on; behind it, or NULL. */
static const char *scan_document(struct scan *c, const char *p)
{
    do {
        if (UNLIKELY(p == c->end))
            return fault(c->s, JSCAN_FAULT_SYNTAX, p, "the document ends early");
        char first = *p;
        if (first == '{' || first == '[') {
            p = open_container(c, p, first == '{' ? JSCAN_OBJECT : JSCAN_ARRAY);
            if (UNLIKELY(!p))
                return NULL;
            p = skip_space(p, c->end);
            if (p == c->end || *p != (first == '{' ? '}' : ']')) {
                if (first == '{' && !(p = scan_key(c, p)))
                    return NULL;
                continue;
            }
            p = close_container(c, p);
        } else {
            p = scan_scalar(c, p);
            if (UNLIKELY(!p))
                return NULL;
        }
        p = after_value(c, p);
    } while (p && c->depth);
    return p;
}

static bool frames_reserve(struct jscan *s, unsigned depth)
{
    if (s->n_frames >= depth)
        return true;
    struct jscan_frame *frames = mem_try_realloc(s->frames, depth * sizeof *frames);
    if (!frames)
        return false;
    s->frames = frames;
    s->n_frames = depth;
    return true;
}

int jscan_parse(struct jscan *s, const char *text, size_t n,
                const struct jscan_limits *l)
{
    if (!l)
        l = &jscan_default_limits;
    unsigned depth = l->max_depth < DEPTH_MAX ? l->max_depth : DEPTH_MAX;
    size_t max_bytes = l->max_bytes < UINT32_MAX ? l->max_bytes : UINT32_MAX - 1;
    struct scan c = {s, text + n, NULL, 0, depth, l->max_tokens, 0};
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
    if (!frames_reserve(s, depth))
        return ERR_NOMEM;
    const char *p = scan_document(&c, skip_space(text, c.end));
    if (UNLIKELY(!p))
        return c.rc < 0 ? c.rc : ERR_PARSE;
    p = skip_space(p, c.end);
    if (UNLIKELY(p != c.end)) {
        fault(s, JSCAN_FAULT_SYNTAX, p, "text behind the document");
        return ERR_PARSE;
    }
    return 0;
}

/* ---- reading tokens ---------------------------------------------------------------
 */

/* Does the escaped key i spell key? */
static bool escaped_key_is(const struct jscan *s, size_t i, const char *key, size_t n)
{
    struct buf text;
    buf_init(&text, SIZE_MAX);
    bool is = jscan_unescape(s, i, &text) == 0 && text.len == n &&
              memcmp(buf_str(&text), key, n) == 0;
    buf_release(&text);
    return is;
}

size_t jscan_get(const struct jscan *s, size_t object, const char *key, size_t key_len)
{
    if (s->tok[object].type != JSCAN_OBJECT)
        return 0;
    for (size_t i = object + 1; i < s->tok[object].next; i = s->tok[i + 1].next) {
        const struct jscan_token *t = &s->tok[i];
        if (UNLIKELY(t->has_escape)
                ? escaped_key_is(s, i, key, key_len)
                : t->len == key_len && memcmp(s->text + t->start, key, key_len) == 0)
            return i + 1;
    }
    return 0;
}

/* The character of the escape at p; *used its bytes. */
static uint32_t decode_escape(const char *p, const char *end, size_t *used)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    *used = 2;
    if (p[1] != 'u')
        return (unsigned char)to[strchr(from, p[1]) - from];
    uint32_t unit = (uint32_t)hex4(p + 2, end);
    *used = 6;
    if (unit < 0xD800 || unit > 0xDFFF)
        return unit;
    *used = 12;
    return 0x10000 + ((unit - 0xD800) << 10) + ((uint32_t)hex4(p + 8, end) - 0xDC00);
}

int jscan_unescape(const struct jscan *s, size_t i, struct buf *out)
{
    const char *p = s->text + s->tok[i].start, *end = p + s->tok[i].len;
    while (p < end) {
        const char *slash = memchr(p, '\\', (size_t)(end - p));
        const char *stop = slash ? slash : end;
        buf_add(out, p, (size_t)(stop - p));
        p = stop;
        if (p < end) {
            char utf8[4];
            size_t used;
            uint32_t cp = decode_escape(p, end, &used);
            buf_add(out, utf8, (size_t)text_encode(cp, utf8));
            p += used;
        }
    }
    return out->failed;
}
