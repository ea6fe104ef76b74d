/* Card verification codes, PINs and stripe data, known by their members' names.
 *
 * in: bytes, probably JSON, possibly broken or cut. out: the same with the values of
 * such members gone. Called by mask.c. Always holds: the length never changes, and what
 * was valid JSON stays valid JSON with the same members. */
#include "ingest/mask_codes.h"

#include <ctype.h>
#include <string.h>

#if defined(__SSE2__) && !defined(JSCAN_PORTABLE)
#include <emmintrin.h>
#endif

#define NAME_MAX_BYTES 64

/* What a name ends with, without its separators. Short ones must be a word of the name:
 * "card_pin" and "cardPin", not "shipping". */
static const struct {
    const char *end;
    bool is_word;
} names[] = {
    {"cvv", true},
    {"cvv2", true},
    {"cvc", true},
    {"cvc2", true},
    {"cvn", true},
    {"cvn2", true},
    {"csc", true},
    {"pin", true},
    {"pinblock", false},
    {"securitycode", false},
    {"cardverificationcode", false},
    {"cardverificationvalue", false},
    {"cardverificationnumber", false},
    {"track1", true},
    {"track2", true},
    {"track1data", false},
    {"track2data", false},
    {"trackdata", true},
    {"magstripe", false},
    {"magstripedata", false},
};

/* A name with its letters lower and its separators gone. */
struct plain_name {
    char text[NAME_MAX_BYTES + 1];
    bool begins_word[NAME_MAX_BYTES + 1];
    size_t n;
};

static void plain_name(struct plain_name *out, const char *name, size_t n)
{
    bool is_new = true, was_lower = false;
    out->n = 0;
    for (size_t i = 0; i < n && out->n < NAME_MAX_BYTES; i++) {
        unsigned char c = (unsigned char)name[i];
        if (!isalnum(c)) {
            is_new = true;
            continue;
        }
        out->begins_word[out->n] = is_new || (isupper(c) && was_lower);
        out->text[out->n++] = (char)tolower(c);
        was_lower = islower(c) || isdigit(c);
        is_new = false;
    }
    out->text[out->n] = '\0';
}

/* ── the fast test ───────────────────────────────────────────────────────────────── */

/* Three characters of every name above, case ignored: cvv cvc cvn csc pin track1
 * verification security magstripe. */
static bool is_trace(const char *p)
{
    char a = (char)(p[0] | 32), b = (char)(p[1] | 32), c = (char)(p[2] | 32);
    switch (a) {
    case 'c':
        return (b == 'v' && (c == 'v' || c == 'c' || c == 'n')) ||
               (b == 's' && c == 'c') || (b == 'k' && !isalpha((unsigned char)c)) ||
               (b == 'k' && c == 'd');
    case 'p':
        return b == 'i' && c == 'n';
    case 'i':
        return b == 'f' && c == 'i';
    case 'e':
        return b == 'c' && c == 'u';
    case 'g':
        return b == 's' && c == 't';
    default:
        return false;
    }
}

/* A letter of a name may be written \u0063. */
static bool has_escaped_letter(const char *p, size_t n)
{
    const char *end = p + n;
    while ((p = memchr(p, '\\', (size_t)(end - p)))) {
        if (end - p >= 6 && p[1] == 'u' && p[2] == '0' && p[3] == '0' && p[4] >= '4' &&
            p[4] <= '7')
            return true;
        p += end - p >= 2 ? 2 : 1;
    }
    return false;
}

#if defined(__SSE2__) && !defined(JSCAN_PORTABLE)
/* Which of p[0..16) begin as a trace does, with its first two letters. p has 17 bytes.
 */
static unsigned pairs_at(const char *p)
{
#define AT(i)                                                                          \
    _mm_or_si128(_mm_loadu_si128((const __m128i *)(const void *)(p + (i))),            \
                 _mm_set1_epi8(32))
#define IS(v, c)  _mm_cmpeq_epi8(v, _mm_set1_epi8(c))
#define OR(x, y)  _mm_or_si128(x, y)
#define AND(x, y) _mm_and_si128(x, y)
    __m128i a = AT(0), b = AT(1), s = IS(b, 's');
    __m128i hit = AND(IS(a, 'c'), OR(OR(IS(b, 'v'), IS(b, 'k')), s));
    hit = OR(hit, AND(IS(a, 'p'), IS(b, 'i')));
    hit = OR(hit, AND(IS(a, 'i'), IS(b, 'f')));
    hit = OR(hit, AND(IS(a, 'e'), IS(b, 'c')));
    hit = OR(hit, AND(IS(a, 'g'), s));
#undef AT
#undef IS
#undef OR
#undef AND
    return (unsigned)_mm_movemask_epi8(hit);
}

static size_t skip_traceless(const char *p, size_t n)
{
    size_t i = 0;
    for (; i + 18 <= n; i += 16)
        for (unsigned bits = pairs_at(p + i); bits; bits &= bits - 1)
            if (is_trace(p + i + (unsigned)__builtin_ctz(bits)))
                return i + (unsigned)__builtin_ctz(bits);
    return i;
}
#else
static size_t skip_traceless(const char *p, size_t n)
{
    (void)p, (void)n;
    return 0;
}
#endif

bool mask_may_have_codes(const char *p, size_t n)
{
    for (size_t i = skip_traceless(p, n); i + 3 <= n; i++)
        if (is_trace(p + i))
            return true;
    return has_escaped_letter(p, n);
}

bool mask_is_code_name(const char *name, size_t n)
{
    struct plain_name p;
    size_t at = 0;
    while (at + 3 <= n && !is_trace(name + at))
        at++;
    if (n > NAME_MAX_BYTES || at + 3 > n) /* "c.v.v" is no name of it */
        return false;
    plain_name(&p, name, n);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t k = strlen(names[i].end);
        if (p.n >= k && memcmp(p.text + p.n - k, names[i].end, k) == 0 &&
            (!names[i].is_word || p.begins_word[p.n - k]))
            return true;
    }
    return false;
}

/* ── masking ─────────────────────────────────────────────────────────────────────── */

static size_t skip_blanks(const char *p, size_t n, size_t at)
{
    while (at < n && isspace((unsigned char)p[at]))
        at++;
    return at;
}

/* Behind the string whose quote stands at `at`. */
static size_t string_end(const char *p, size_t n, size_t at)
{
    for (at++; at < n && p[at] != '"'; at++)
        at += p[at] == '\\';
    return at < n ? at + 1 : n;
}

/* Behind the value that begins at `at`: a text, a number or word, an object or list. */
static size_t value_end(const char *p, size_t n, size_t at)
{
    size_t depth = 0;
    if (at < n && p[at] == '"')
        return string_end(p, n, at);
    while (at < n) {
        char c = p[at];
        if (c == '"') {
            at = string_end(p, n, at);
            continue;
        }
        if (depth == 0 &&
            (c == ',' || c == '}' || c == ']' || isspace((unsigned char)c)))
            break;
        depth += c == '{' || c == '[';
        at++;
        if ((c == '}' || c == ']') && --depth == 0)
            break;
    }
    return at;
}

/* The name with \u00xx as themselves, for comparing. */
static size_t decode_name(const char *p, size_t n, char out[static NAME_MAX_BYTES])
{
    size_t k = 0;
    for (size_t i = 0; i < n && k < NAME_MAX_BYTES; k++) {
        unsigned v = 0;
        bool is_escape = n - i >= 6 && p[i] == '\\' && p[i + 1] == 'u' &&
                         p[i + 2] == '0' && p[i + 3] == '0' &&
                         isxdigit((unsigned char)p[i + 4]) &&
                         isxdigit((unsigned char)p[i + 5]);
        for (size_t j = i + 4; is_escape && j < i + 6; j++)
            v = v * 16 + (unsigned)(isdigit((unsigned char)p[j])
                                        ? p[j] - '0'
                                        : (p[j] | 32) - 'a' + 10);
        out[k] = is_escape ? (char)v : p[i];
        i += is_escape ? 6 : 1;
    }
    return k;
}

static bool is_empty(const char *p, size_t n)
{
    return n == 0 || (n == 4 && memcmp(p, "null", 4) == 0) ||
           (n == 2 && memcmp(p, "\"\"", 2) == 0) || (n == 1 && *p == '0');
}

static void blank(char *p, size_t n)
{
    const char *with = n >= 4                                ? "null"
                       : *p == '"' || *p == '{' || *p == '[' ? "\"\""
                                                             : "0";
    size_t k = strlen(with);
    memset(p, ' ', n);
    memcpy(p, with, k < n ? k : n);
}

uint32_t mask_codes(char *p, size_t n)
{
    char name[NAME_MAX_BYTES];
    uint32_t count = 0;
    for (size_t at = 0; at < n;) {
        const char *quote = memchr(p + at, '"', n - at);
        if (!quote)
            break;
        size_t start = (size_t)(quote - p), end = string_end(p, n, start);
        size_t colon = skip_blanks(p, n, end), k = 0;
        at = end;
        if (colon >= n || p[colon] != ':' || end - start > 6 * NAME_MAX_BYTES)
            continue;
        k = decode_name(p + start + 1, end - start - 2, name);
        if (!mask_is_code_name(name, k))
            continue;
        size_t value = skip_blanks(p, n, colon + 1);
        at = value_end(p, n, value);
        if (!is_empty(p + value, at - value)) {
            blank(p + value, at - value);
            count++;
        }
    }
    return count;
}
