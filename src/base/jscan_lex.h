/* The words of JSON for jscan.c, its one user: strings, numbers, true, false, null.
 * Each function takes the first byte and the end, and gives the byte behind, or NULL
 * with the fault set. A header, because these run once per token and must be inlined.
 */
#ifndef BASE_JSCAN_LEX_H
#define BASE_JSCAN_LEX_H

#include "base/jscan.h"

#if defined(__SSE2__) && !defined(JSCAN_PORTABLE)
#include <emmintrin.h>
#define JSCAN_SSE2 1
#else
#define JSCAN_SSE2 0
#endif

#define LIKELY(x)   __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

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

static inline const char *skip_space(const char *p)
{
    if (LIKELY(*p > ' '))
        return p;
    while (is_space(*p))
        p++;
    return p;
}

/* ---- strings ---- */

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

/* ---- numbers and words ---- */

static inline bool is_digit(char c)
{
    return (unsigned char)(c - '0') <= 9;
}

static const char *scan_exponent(struct jscan *s, const char *p)
{
    p++;
    if (*p == '+' || *p == '-')
        p++;
    if (!is_digit(*p))
        return fault(s, JSCAN_FAULT_SYNTAX, p, "exponent without a digit");
    while (is_digit(*p))
        p++;
    return p;
}

static inline const char *scan_number(struct jscan *s, const char *p)
{
    p += *p == '-';
    if (UNLIKELY(!is_digit(*p)))
        return fault(s, JSCAN_FAULT_SYNTAX, p, "number without a digit");
    if (*p++ != '0')
        while (is_digit(*p))
            p++;
    if (*p == '.') {
        p++;
        if (UNLIKELY(!is_digit(*p)))
            return fault(s, JSCAN_FAULT_SYNTAX, p, "no digit behind the point");
        do
            p++;
        while (is_digit(*p));
    }
    if (UNLIKELY((*p | 0x20) == 'e'))
        return scan_exponent(s, p);
    return p;
}

static inline const char *scan_word(struct jscan *s, const char *p, uint8_t *type)
{
    const char *word = *p == 't' ? "true" : *p == 'f' ? "false" : "null";
    *type = *p == 't' ? JSCAN_TRUE : *p == 'f' ? JSCAN_FALSE : JSCAN_NULL;
    for (; *word; p++, word++)
        if (UNLIKELY(*p != *word))
            return fault(s, JSCAN_FAULT_SYNTAX, p, "expected true, false or null");
    return p;
}

/* ---- containers stepped over ---- */

/* What a walk over a container carries from block to block. */
struct stride {
    unsigned depth;
    bool in_string, is_escaped;
};

/* Byte by byte; where the outermost bracket closes, or NULL at stop. */
static const char *stride_bytes(struct stride *w, const char *p, const char *stop)
{
    for (; p < stop; p++) {
        if (w->is_escaped)
            w->is_escaped = false;
        else if (*p == '"')
            w->in_string = !w->in_string;
        else if (w->in_string)
            w->is_escaped = *p == '\\';
        else if (*p == '{' || *p == '[')
            w->depth++;
        else if ((*p == '}' || *p == ']') && --w->depth == 0)
            return p;
    }
    return NULL;
}

#if JSCAN_SSE2
/* Bit i: byte i of 64 is c. with: bits set in every byte before it is compared. */
static inline uint64_t bytes_equal(const char *p, char with, char c)
{
    uint64_t bits = 0;
    for (int i = 0; i < 4; i++) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + 16 * i));
        v = _mm_cmpeq_epi8(_mm_or_si128(v, _mm_set1_epi8(with)), _mm_set1_epi8(c));
        bits |= (uint64_t)(unsigned)_mm_movemask_epi8(v) << (16 * i);
    }
    return bits;
}

/* 64 bytes without a backslash: the same. { and [ differ by one bit, so do } and ]. */
static inline const char *stride_block(struct stride *w, const char *p)
{
    uint64_t inside = bytes_equal(p, 0, '"');
    for (int shift = 1; shift < 64; shift *= 2)
        inside ^= inside << shift;
    inside ^= w->in_string ? UINT64_MAX : 0;
    w->in_string = inside >> 63;
    uint64_t opens = bytes_equal(p, 0x20, '{') & ~inside;
    uint64_t brackets = opens | (bytes_equal(p, 0x20, '}') & ~inside);
    for (; brackets; brackets &= brackets - 1) {
        uint64_t bit = brackets & -brackets;
        if (opens & bit)
            w->depth++;
        else if (--w->depth == 0)
            return p + __builtin_ctzll(bit);
    }
    return NULL;
}
#endif

/* The bracket that closes the one at p, NULL when none does. */
static const char *skip_container(const char *p, const char *end)
{
    struct stride w = {0};
#if JSCAN_SSE2
    for (; end - p >= 64; p += 64) {
        bool is_plain_block = !w.is_escaped && !bytes_equal(p, 0, '\\');
        const char *close =
            LIKELY(is_plain_block) ? stride_block(&w, p) : stride_bytes(&w, p, p + 64);
        if (close)
            return close;
    }
#endif
    return stride_bytes(&w, p, end);
}

#endif
