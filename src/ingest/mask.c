/* Masking card numbers in the bytes of a record, and dropping what goes with them
 * (mask_codes.c).
 *
 * in: bytes, probably JSON, possibly broken. out: the same with card numbers masked.
 * Called for every record by host.c and by plugins through host->mask. Always holds:
 * what was valid JSON stays valid JSON with the same members. */
#include "ingest/mask.h"

#include <ctype.h>
#include <string.h>
#include "base/mem.h"
#include "base/pan.h"
#include "ingest/mask_codes.h"

#define KEEP_FRONT 6
#define KEEP_BACK  4

/* Is a character that may stand in a card number written as \u00xx somewhere? */
static bool has_escaped(const char *p, size_t n)
{
    const char *end = p + n;
    while ((p = memchr(p, '\\', (size_t)(end - p)))) {
        if (end - p >= 6 && p[1] == 'u' && p[2] == '0' && p[3] == '0' &&
            (p[4] == '3' || p[4] == '2'))
            return true;
        p += end - p >= 2 ? 2 : 1;
    }
    return false;
}

static bool may_have_number(const char *p, size_t n)
{
    size_t at, len;
    return pan_find(p, n, 0, &at, &len) || has_escaped(p, n);
}

bool mask_may_have(const char *p, size_t n)
{
    return may_have_number(p, n) || mask_may_have_codes(p, n);
}

/* ── where a position lies in JSON text ──────────────────────────────────────────── */

struct walker {
    const char *p;
    size_t n, at;
    bool is_in_string;
    size_t string_start;       /* behind the quote */
    size_t key_start, key_len; /* of the member last begun */
};

/* A string has ended at w->at (its closing quote): is it a member's name? */
static void end_string(struct walker *w)
{
    size_t i = w->at + 1;
    while (i < w->n && isspace((unsigned char)w->p[i]))
        i++;
    if (i < w->n && w->p[i] == ':') {
        w->key_start = w->string_start;
        w->key_len = w->at - w->string_start;
    }
    w->is_in_string = false;
}

static void walk_to(struct walker *w, size_t to)
{
    for (; w->at < to; w->at++) {
        char c = w->p[w->at];
        if (!w->is_in_string) {
            if (c == '"') {
                w->is_in_string = true;
                w->string_start = w->at + 1;
            }
        } else if (c == '\\') {
            w->at++;
        } else if (c == '"') {
            end_string(w);
        }
    }
}

static bool is_key_string(const struct walker *w)
{
    struct walker ahead = *w;
    while (ahead.at < ahead.n && ahead.is_in_string) {
        size_t before = ahead.key_start;
        walk_to(&ahead, ahead.at + 1);
        if (!ahead.is_in_string)
            return ahead.key_start != before;
    }
    return false;
}

static bool is_id_value(const struct walker *w, const char *const *id_fields)
{
    if (!id_fields || w->key_len == 0 || (w->is_in_string && is_key_string(w)))
        return false;
    for (; *id_fields; id_fields++) {
        if (strlen(*id_fields) == w->key_len &&
            !memcmp(*id_fields, w->p + w->key_start, w->key_len))
            return true;
    }
    return false;
}

/* ── masking ─────────────────────────────────────────────────────────────────────── */

/* The text with escaped digits and separators as themselves, and where each byte is. */
struct shadow {
    char *text;
    size_t *source;
    size_t n;
};

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'                 ? c - '0'
           : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                : -1;
}

/* Character of \u002x or \u003x at p, -1 when it is none. */
static int escaped_char(const char *p, size_t n)
{
    if (n < 6 || p[0] != '\\' || p[1] != 'u' || p[2] != '0' || p[3] != '0' ||
        (p[4] != '2' && p[4] != '3'))
        return -1;
    int low = hex_digit(p[5]);
    return low < 0 ? -1 : (p[4] - '0') * 16 + low;
}

static bool make_shadow(struct shadow *s, const char *p, size_t n, bool decode)
{
    s->n = 0;
    s->text = mem_try_alloc(n + 1);
    s->source = mem_try_alloc((n + 1) * sizeof(*s->source));
    if (!s->text || !s->source)
        return false;
    for (size_t i = 0; i < n; s->n++) {
        int c = decode ? escaped_char(p + i, n - i) : -1;
        bool is_pair = c < 0 && p[i] == '\\' && i + 1 < n;
        s->source[s->n] = i;
        s->text[s->n] = c >= 0 ? (char)c : p[i];
        if (is_pair) { /* \\ or \": the second byte is no start of an escape */
            s->source[++s->n] = i + 1;
            s->text[s->n] = p[i + 1];
        }
        i += c >= 0 ? 6 : is_pair ? 2 : 1;
    }
    return true;
}

static void release_shadow(struct shadow *s)
{
    mem_free(s->text);
    mem_free(s->source);
}

/* One character replaced, as itself or as its escape. */
static void replace(char *p, size_t at, char with)
{
    static const char hex[] = "0123456789abcdef";
    if (p[at] != '\\') {
        p[at] = with;
        return;
    }
    p[at + 4] = hex[(unsigned char)with >> 4];
    p[at + 5] = hex[with & 15];
}

/* Digits of s[at, at + len) but the first front and last back ones become `with`. */
static void mask_digits(char *p, struct shadow *s, size_t at, size_t len, size_t front,
                        size_t back, char with)
{
    size_t digits = 0, seen = 0;
    for (size_t i = at; i < at + len; i++)
        digits += isdigit((unsigned char)s->text[i]) != 0;
    for (size_t i = at; i < at + len; i++) {
        if (!isdigit((unsigned char)s->text[i]))
            continue;
        seen++;
        if (seen > front && seen + back <= digits) {
            s->text[i] = with;
            replace(p, s->source[i], with);
        }
    }
}

/* In a number zeros may make another card number: then less of it stays. */
static void mask_number(char *p, struct shadow *s, size_t at, size_t len)
{
    size_t found, found_len;
    mask_digits(p, s, at, len, KEEP_FRONT, KEEP_BACK, '0');
    if (pan_find(s->text + at, len, 0, &found, &found_len))
        mask_digits(p, s, at, len, KEEP_FRONT, 0, '0');
    if (pan_find(s->text + at, len, 0, &found, &found_len))
        mask_digits(p, s, at, len, 1, 0, '0');
}

/* Magnetic stripe data behind a number (ISO/IEC 7813: "=" in track 2, "^" in track 1)
 * must not be kept at all (PCI DSS 3.3.1): blanked up to its end mark or the string's
 * end. */
static void mask_track(char *p, struct shadow *s, size_t at)
{
    if (at >= s->n || (s->text[at] != '=' && s->text[at] != '^'))
        return;
    for (at++; at < s->n; at++) {
        unsigned char c = (unsigned char)s->text[at];
        if (c == '?' || c == '"' || c == '\\' || c < 0x20 || c >= 0x80)
            break;
        s->text[at] = '*';
        replace(p, s->source[at], '*');
    }
}

/* What is left of a masked number may be one again with the digits beside it: the
 * search goes on where the run of digits and separators begins. */
static size_t run_start(const struct shadow *s, size_t at)
{
    while (at > 0 && s->text[at - 1] && strchr("0123456789 -*", s->text[at - 1]))
        at--;
    return at;
}

static bool is_separated_digit(const struct shadow *s, size_t separator, size_t digit)
{
    return separator < s->n && digit < s->n &&
           (s->text[separator] == ' ' || s->text[separator] == '-') &&
           isdigit((unsigned char)s->text[digit]);
}

/* Can it be a number of valid JSON: digits only, and none beyond a separator? */
static bool is_number(const struct shadow *s, size_t at, size_t len)
{
    for (size_t i = at; i < at + len; i++) {
        if (!isdigit((unsigned char)s->text[i]))
            return false;
    }
    return !is_separated_digit(s, at + len, at + len + 1) &&
           !(at >= 2 && is_separated_digit(s, at - 1, at - 2));
}

/* JSON, as opposed to a line of CSV, begins so. */
static bool is_json(const char *p, size_t n)
{
    size_t i = 0;
    while (i < n && isspace((unsigned char)p[i]))
        i++;
    return i < n && (p[i] == '{' || p[i] == '[');
}

static uint32_t mask_shadow(char *p, size_t n, struct shadow *s,
                            const char *const *id_fields)
{
    struct walker w = {.p = p, .n = n};
    uint32_t count = 0;
    size_t at, len, from = 0;
    while (pan_find(s->text, s->n, from, &at, &len)) {
        from = at + len;
        walk_to(&w, s->source[at]);
        if (is_id_value(&w, id_fields))
            continue;
        count++;
        if (w.is_in_string || !is_json(p, n) || !is_number(s, at, len)) {
            mask_digits(p, s, at, len, KEEP_FRONT, KEEP_BACK, '*');
            mask_track(p, s, from);
            from = run_start(s, at);
        } else {
            mask_number(p, s, at, len);
        }
    }
    return count;
}

/* One pass over the bytes as they are, or as they read with escapes decoded. */
static uint32_t mask_pass(char *p, size_t n, const char *const *id_fields, bool decode)
{
    struct shadow s = {0};
    uint32_t count = 0;
    if (make_shadow(&s, p, n, decode))
        count = mask_shadow(p, n, &s, id_fields);
    else /* no memory to be careful: mask everything that looks like one */
        count = (uint32_t)pan_mask(p, n);
    release_shadow(&s);
    return count;
}

uint32_t mask_bytes(char *p, size_t n, const char *const *id_fields)
{
    uint32_t count = mask_may_have_codes(p, n) ? mask_codes(p, n) : 0;
    if (!may_have_number(p, n))
        return count;
    count += mask_pass(p, n, id_fields, false);
    if (has_escaped(p, n))
        count += mask_pass(p, n, id_fields, true);
    return count;
}
