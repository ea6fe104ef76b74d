/* A small JSON reader for objects of texts, and a JSON string writer.
 *
 * in: bytes. out: members. Called by the snapshot reader (rows) and for checkpoints. It
 * is not the hot path: events go through a plugin unparsed. Always holds: what it
 * accepts is RFC 8259 JSON in valid UTF-8, at most DEPTH_MAX deep, without a name
 * twice. */
#include "jsonrow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "plug.h"

#define DEPTH_MAX 64

struct reader {
    struct jsonrow *r;
    const char *begin, *p, *end;
    int depth;
};

void jsonrow_init(struct jsonrow *r)
{
    memset(r, 0, sizeof(*r));
}

void jsonrow_release(struct jsonrow *r)
{
    free(r->text);
    r->text = NULL;
}

static int fault(struct reader *k, const char *reason, const char *what)
{
    if (!k->r->reason) {
        k->r->reason = reason;
        k->r->what = what;
        k->r->fault_at = (size_t)(k->p - k->begin);
    }
    return -1;
}

static int syntax(struct reader *k, const char *what)
{
    return fault(k, "invalid_json", what);
}

static void space(struct reader *k)
{
    while (k->p < k->end &&
           (*k->p == ' ' || *k->p == '\t' || *k->p == '\n' || *k->p == '\r'))
        k->p++;
}

static bool accept_char(struct reader *k, char c)
{
    if (k->p >= k->end || *k->p != c)
        return false;
    k->p++;
    return true;
}

/* Bytes of the UTF-8 character at p, 0 when it is not one. */
static size_t utf8_char(const unsigned char *p, size_t n)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (p[0] < 0x80)
        return 1;
    size_t len = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || len > n)
        return 0;
    uint32_t cp = p[0] & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        cp = cp << 6 | (p[i] & 0x3fu);
    }
    bool is_bad = cp < least[len] || cp > 0x10ffff || (cp >= 0xd800 && cp < 0xe000);
    return is_bad ? 0 : len;
}

size_t jsonrow_utf8(const char *p, size_t n)
{
    size_t i = 0;
    while (i < n) {
        size_t len = utf8_char((const unsigned char *)p + i, n - i);
        if (len == 0)
            break;
        i += len;
    }
    return i;
}

static int hex4(struct reader *k)
{
    int v = 0;
    for (int i = 0; i < 4; i++, k->p++) {
        char c = k->p < k->end ? *k->p : 0;
        int d = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : -1;
        if (d < 0)
            return syntax(k, "four hex digits behind \\u expected");
        v = v * 16 + d;
    }
    return v;
}

static void put(struct reader *k, unsigned c)
{
    k->r->text[k->r->text_len++] = (char)c; /* room: never longer than its source */
}

static void put_utf8(struct reader *k, unsigned cp)
{
    if (cp < 0x80) {
        put(k, cp);
    } else if (cp < 0x800) {
        put(k, 0xc0 | cp >> 6);
        put(k, 0x80 | (cp & 63));
    } else if (cp < 0x10000) {
        put(k, 0xe0 | cp >> 12);
        put(k, 0x80 | (cp >> 6 & 63));
        put(k, 0x80 | (cp & 63));
    } else {
        put(k, 0xf0 | cp >> 18);
        put(k, 0x80 | (cp >> 12 & 63));
        put(k, 0x80 | (cp >> 6 & 63));
        put(k, 0x80 | (cp & 63));
    }
}

static int unicode_escape(struct reader *k)
{
    int hi = hex4(k);
    if (hi < 0)
        return -1;
    if (hi == 0)
        return fault(k, "nul_character", "\\u0000 is no character of a text column");
    if (hi < 0xd800 || hi >= 0xe000) {
        put_utf8(k, (unsigned)hi);
        return 0;
    }
    if (hi >= 0xdc00 || !accept_char(k, '\\') || !accept_char(k, 'u'))
        return fault(k, "lone_surrogate", "half of a surrogate pair");
    int lo = hex4(k);
    if (lo < 0)
        return -1;
    if (lo < 0xdc00 || lo >= 0xe000)
        return fault(k, "lone_surrogate", "half of a surrogate pair");
    put_utf8(k, 0x10000 + ((unsigned)(hi - 0xd800) << 10) + (unsigned)(lo - 0xdc00));
    return 0;
}

static int escape(struct reader *k)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    char c = k->p < k->end ? *k->p++ : 0;
    if (c == 'u')
        return unicode_escape(k);
    const char *at = c ? strchr(from, c) : NULL;
    if (!at)
        return syntax(k, "an unknown escape");
    put(k, (unsigned char)to[at - from]);
    return 0;
}

/* String behind its opening quote. */
static int string(struct reader *k, const char **out, size_t *n)
{
    size_t start = k->r->text_len;
    for (;;) {
        if (k->p >= k->end)
            return syntax(k, "the end of a string expected");
        unsigned char c = (unsigned char)*k->p;
        if (c == '"')
            break;
        if (c < 0x20)
            return syntax(k, "a control character inside a string");
        if (c == '\\') {
            k->p++;
            if (escape(k) < 0)
                return -1;
            continue;
        }
        size_t len = utf8_char((const unsigned char *)k->p, (size_t)(k->end - k->p));
        if (len == 0)
            return fault(k, "invalid_utf8", "bytes that are no UTF-8");
        for (size_t i = 0; i < len; i++)
            put(k, (unsigned char)*k->p++);
    }
    k->p++;
    *out = k->r->text + start;
    *n = k->r->text_len - start;
    return 0;
}

static bool some_digits(struct reader *k)
{
    const char *start = k->p;
    while (k->p < k->end && *k->p >= '0' && *k->p <= '9')
        k->p++;
    return k->p > start;
}

static int number(struct reader *k)
{
    accept_char(k, '-');
    if (!accept_char(k, '0') && !some_digits(k))
        return syntax(k, "a value expected");
    if (accept_char(k, '.') && !some_digits(k))
        return syntax(k, "digits behind the decimal point expected");
    if (accept_char(k, 'e') || accept_char(k, 'E')) {
        if (!accept_char(k, '+'))
            accept_char(k, '-');
        if (!some_digits(k))
            return syntax(k, "digits of the exponent expected");
    }
    return 0;
}

static int word(struct reader *k, const char *w)
{
    size_t n = strlen(w);
    if ((size_t)(k->end - k->p) < n || memcmp(k->p, w, n) != 0)
        return syntax(k, "a value expected");
    k->p += n;
    return 0;
}

static int value(struct reader *k, struct jsonrow_value *v);

/* Elements or members of a nested value up to its closing bracket, checked only. */
static int nested(struct reader *k, char open)
{
    char shut = open == '{' ? '}' : ']';
    struct jsonrow_value ignored;
    if (++k->depth > DEPTH_MAX)
        return fault(k, "too_deep", "values in each other more than 64 deep");
    space(k);
    if (!accept_char(k, shut)) {
        do {
            space(k);
            if (open == '{') {
                if (!accept_char(k, '"'))
                    return syntax(k, "a member's name expected");
                if (string(k, &ignored.name, &ignored.name_len) < 0)
                    return -1;
                space(k);
                if (!accept_char(k, ':'))
                    return syntax(k, "':' expected");
            }
            if (value(k, &ignored) < 0)
                return -1;
            space(k);
        } while (accept_char(k, ','));
        if (!accept_char(k, shut))
            return syntax(k,
                          open == '{' ? "',' or '}' expected" : "',' or ']' expected");
    }
    k->depth--;
    return 0;
}

/* NOLINTNEXTLINE(misc-no-recursion): bounded by DEPTH_MAX */
static int value(struct reader *k, struct jsonrow_value *v)
{
    space(k);
    const char *start = k->p;
    char c = k->p < k->end ? *k->p : 0;
    v->is_null = c == 'n';
    v->is_nested = c == '{' || c == '[';
    if (c == '"') {
        k->p++;
        return string(k, &v->p, &v->n);
    }
    int rc;
    if (v->is_nested) {
        k->p++;
        rc = nested(k, c);
    } else if (c == 't' || c == 'f' || c == 'n') {
        rc = word(k, c == 't' ? "true" : c == 'f' ? "false" : "null");
    } else {
        rc = number(k);
    }
    v->p = start;
    v->n = (size_t)(k->p - start);
    return rc;
}

static int member(struct reader *k)
{
    struct jsonrow *r = k->r;
    if (r->n == JSONROW_MEMBERS_MAX)
        return fault(k, "too_long", "more than 1024 members");
    struct jsonrow_value *v = &r->members[r->n];
    space(k);
    if (!accept_char(k, '"'))
        return syntax(k, "a member's name expected");
    if (string(k, &v->name, &v->name_len) < 0)
        return -1;
    for (size_t i = 0; i < r->n; i++) {
        if (r->members[i].name_len == v->name_len &&
            !memcmp(r->members[i].name, v->name, v->name_len))
            return fault(k, "duplicate_key", "a member's name a second time");
    }
    space(k);
    if (!accept_char(k, ':'))
        return syntax(k, "':' expected");
    if (value(k, v) < 0)
        return -1;
    r->n++;
    space(k);
    return 0;
}

int jsonrow_parse(struct jsonrow *r, const char *p, size_t n)
{
    struct reader k = {r, p, p, p + n, 1};
    r->n = r->text_len = r->used = 0;
    r->reason = r->what = NULL;
    if (r->text_cap < n) {
        free(r->text);
        r->text = malloc(n);
        r->text_cap = r->text ? n : 0;
        if (!r->text)
            return fault(&k, "too_long", "out of memory");
    }
    space(&k);
    if (!accept_char(&k, '{'))
        return syntax(&k, "'{' expected: a row is a JSON object");
    space(&k);
    if (!accept_char(&k, '}')) {
        do {
            if (member(&k) < 0)
                return -1;
        } while (accept_char(&k, ','));
        if (!accept_char(&k, '}'))
            return syntax(&k, "',' or '}' expected");
    }
    r->used = (size_t)(k.p - p);
    return 0;
}

const struct jsonrow_value *jsonrow_get(const struct jsonrow *r, const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; i < r->n; i++) {
        if (r->members[i].name_len == n && !memcmp(r->members[i].name, name, n))
            return &r->members[i];
    }
    return NULL;
}

int64_t jsonrow_i64(const struct jsonrow *r, const char *name, int64_t fallback)
{
    const struct jsonrow_value *v = jsonrow_get(r, name);
    int64_t out;
    return v && plug_i64(v->p, v->n, &out) ? out : fallback;
}

bool jsonrow_text(const struct jsonrow *r, const char *name, char *out, size_t size)
{
    const struct jsonrow_value *v = jsonrow_get(r, name);
    out[0] = 0;
    if (!v)
        return true;
    if (v->n >= size)
        return false;
    memcpy(out, v->p, v->n);
    out[v->n] = 0;
    return true;
}

void rowbuf_release(struct rowbuf *b)
{
    free(b->p);
    memset(b, 0, sizeof(*b));
}

void rowbuf_add(struct rowbuf *b, const char *p, size_t n)
{
    if (b->has_failed)
        return;
    if (b->cap - b->n < n) {
        size_t cap = (b->cap + n) * 2;
        char *q = realloc(b->p, cap);
        if (!q) {
            b->has_failed = true;
            return;
        }
        b->p = q;
        b->cap = cap;
    }
    if (n)
        memcpy(b->p + b->n, p, n);
    b->n += n;
}

void rowbuf_string(struct rowbuf *b, const char *p, size_t n)
{
    rowbuf_add(b, "\"", 1);
    size_t done = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)p[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        rowbuf_add(b, p + done, i - done);
        done = i + 1;
        char hex[8];
        if (c == '"' || c == '\\')
            rowbuf_add(b, (char[]){'\\', (char)c}, 2);
        else if (c == '\n')
            rowbuf_add(b, "\\n", 2);
        else
            rowbuf_add(b, hex, (size_t)snprintf(hex, sizeof(hex), "\\u%04x", c));
    }
    rowbuf_add(b, p + done, n - done);
    rowbuf_add(b, "\"", 1);
}
