/* The parse cache's encoding: numbers in seven bits a byte, texts with their length and
 * a NUL, JSON values by a letter each. In: values. Out: bytes, and back. Called by
 * cache.c, files.c and trace.c. Always holds: reading past the end gives zeros and sets
 * is_bad. */
#include "model/cache.h"

#define MAX_DEPTH 200

void pack_number(struct buf *b, uint64_t v)
{
    while (v >= 0x80) {
        buf_addc(b, (char)(v | 0x80));
        v >>= 7;
    }
    buf_addc(b, (char)v);
}

uint64_t unpack_number(struct unpack *u)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64 && u->at < u->end; shift += 7) {
        unsigned char c = (unsigned char)*u->at++;
        v |= (uint64_t)(c & 0x7f) << shift;
        if (c < 0x80)
            return v;
    }
    u->is_bad = true;
    return 0;
}

void pack_text(struct buf *b, const char *s, size_t n)
{
    pack_number(b, s ? n + 1 : 0);
    if (s) {
        buf_add(b, s, n);
        buf_addc(b, '\0');
    }
}

const char *unpack_text(struct unpack *u, size_t *n)
{
    uint64_t len = unpack_number(u);
    *n = 0;
    if (!len || u->is_bad)
        return NULL;
    if (len > (size_t)(u->end - u->at) || u->at[len - 1]) {
        u->is_bad = true;
        return NULL;
    }
    const char *s = u->at;
    u->at += len;
    *n = (size_t)len - 1;
    return s;
}

void pack_hash(struct buf *b, struct hash128 h)
{
    buf_add(b, &h, sizeof h);
}

struct hash128 unpack_hash(struct unpack *u)
{
    struct hash128 h = {0};
    if ((size_t)(u->end - u->at) < sizeof h) {
        u->is_bad = true;
        return h;
    }
    memcpy(&h, u->at, sizeof h);
    u->at += sizeof h;
    return h;
}

/* ── JSON ── */

static void pack_object(struct buf *b, const json_t *v)
{
    const char *key;
    json_t *one;
    pack_number(b, json_object_size(v));
    json_object_foreach ((json_t *)(uintptr_t)v, key, one) {
        pack_text(b, key, strlen(key));
        pack_json(b, one);
    }
}

void pack_json(struct buf *b, const json_t *v)
{
    size_t i;
    json_t *one;
    double d;
    if (!v) {
        buf_addc(b, '-');
        return;
    }
    buf_addc(b, "oasirtfn"[json_typeof(v)]);
    switch (json_typeof(v)) {
    case JSON_OBJECT:
        pack_object(b, v);
        break;
    case JSON_ARRAY:
        pack_number(b, json_array_size(v));
        json_array_foreach (v, i, one)
            pack_json(b, one);
        break;
    case JSON_STRING:
        pack_text(b, json_string_value(v), json_string_length(v));
        break;
    case JSON_INTEGER:
        pack_number(b, (uint64_t)json_integer_value(v));
        break;
    case JSON_REAL:
        d = json_real_value(v);
        buf_add(b, &d, sizeof d);
        break;
    case JSON_TRUE:
    case JSON_FALSE:
    case JSON_NULL:
        break;
    }
}

static json_t *unpack_value(struct unpack *u, int depth);

static json_t *unpack_list(struct unpack *u, int depth)
{
    json_t *list = json_array();
    for (uint64_t n = unpack_number(u); n && !u->is_bad; n--) {
        json_t *one = unpack_value(u, depth + 1);
        if (one)
            json_array_append_new(list, one);
    }
    return list;
}

static json_t *unpack_object(struct unpack *u, int depth)
{
    json_t *obj = json_object();
    for (uint64_t n = unpack_number(u); n && !u->is_bad; n--) {
        size_t len;
        const char *key = unpack_text(u, &len);
        json_t *one = key ? unpack_value(u, depth + 1) : NULL;
        if (one)
            json_object_set_new_nocheck(obj, key, one);
    }
    return obj;
}

static json_t *unpack_real(struct unpack *u)
{
    double d;
    if ((size_t)(u->end - u->at) < sizeof d)
        return NULL;
    memcpy(&d, u->at, sizeof d);
    u->at += sizeof d;
    return json_real(d);
}

static json_t *unpack_string(struct unpack *u)
{
    size_t n;
    const char *s = unpack_text(u, &n);
    return s ? json_stringn_nocheck(s, n) : NULL;
}

static json_t *unpack_value(struct unpack *u, int depth)
{
    json_t *v = NULL;
    char kind = u->at < u->end && depth < MAX_DEPTH ? *u->at++ : '?';
    switch (kind) {
    case 'o':
        v = unpack_object(u, depth);
        break;
    case 'a':
        v = unpack_list(u, depth);
        break;
    case 's':
        v = unpack_string(u);
        break;
    case 'i':
        v = json_integer((json_int_t)unpack_number(u));
        break;
    case 'r':
        v = unpack_real(u);
        break;
    case 't':
        v = json_true();
        break;
    case 'f':
        v = json_false();
        break;
    case 'n':
        v = json_null();
        break;
    case '-':
        return NULL;
    default:
        break;
    }
    u->is_bad |= !v;
    return v;
}

json_t *unpack_json(struct unpack *u)
{
    json_t *v = unpack_value(u, 0);
    if (!u->is_bad)
        return v;
    json_decref(v);
    return NULL;
}
