/* Reading what jscan_parse found (jscan.h): members by name, text without escapes. The
 * document was checked, so an escape here is always whole and a surrogate has its pair.
 */
#include "base/jscan.h"

#include "base/text.h"

const char *jscan_fault_reason(enum jscan_fault fault)
{
    static const char *const reasons[] = {
#define X(name, reason) reason,
        JSCAN_FAULT_MAP(X)
#undef X
    };
    return reasons[fault];
}

/* Value of four hex digits. */
static uint32_t hex4(const char *p)
{
    uint32_t v = 0;
    for (int i = 0; i < 4; i++) {
        uint32_t c = (unsigned char)p[i];
        v = v << 4 | (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return v;
}

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
        if (t->has_escape
                ? escaped_key_is(s, i, key, key_len)
                : t->len == key_len && memcmp(s->text + t->start, key, key_len) == 0)
            return i + 1;
    }
    return 0;
}

/* The character of the escape at p; *used its bytes. */
static uint32_t decode_escape(const char *p, size_t *used)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    *used = 2;
    if (p[1] != 'u')
        return (unsigned char)to[strchr(from, p[1]) - from];
    uint32_t unit = hex4(p + 2);
    *used = 6;
    if (unit < 0xD800 || unit > 0xDFFF)
        return unit;
    *used = 12;
    return 0x10000 + ((unit - 0xD800) << 10) + (hex4(p + 8) - 0xDC00);
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
            uint32_t cp = decode_escape(p, &used);
            buf_add(out, utf8, (size_t)text_encode(cp, utf8));
            p += used;
        }
    }
    return out->failed;
}
