/* Text for people: UTF-8 decoding, display width, and making foreign bytes harmless.
 * Pure functions, called by the UI, the command output and the log. Always holds: what
 * text_sanitise writes is valid UTF-8 without any control or bidi character. */
#include "base/text.h"

#include "base/text_tables.h"

int text_decode(const char *p, size_t n, uint32_t *cp)
{
    if (!n)
        return 0;
    const unsigned char *s = (const unsigned char *)p;
    if (s[0] < 0x80) {
        *cp = s[0];
        return 1;
    }
    int len = s[0] >= 0xF0 ? 4 : s[0] >= 0xE0 ? 3 : 2;
    if (s[0] < 0xC2 || s[0] > 0xF4 || (size_t)len > n)
        return 0;
    uint32_t c = s[0] & (0xFFu >> (len + 1));
    for (int i = 1; i < len; i++) {
        if ((s[i] & 0xC0) != 0x80)
            return 0;
        c = c << 6 | (s[i] & 0x3F);
    }
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (c < least[len] || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000))
        return 0;
    *cp = c;
    return len;
}

int text_encode(uint32_t cp, char out[4])
{
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    if (cp > 0x10FFFF || (cp >= 0xD800 && cp < 0xE000))
        return 0;
    int len = cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (int i = len - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (cp & 0x3F));
        cp >>= 6;
    }
    out[0] = (char)(lead[len] | cp);
    return len;
}

bool text_is_utf8(const char *p, size_t n)
{
    uint32_t cp;
    for (size_t i = 0; i < n;) {
        int len = text_decode(p + i, n - i, &cp);
        if (!len)
            return false;
        i += (size_t)len;
    }
    return true;
}

static bool is_in(const struct text_range *t, size_t n, uint32_t cp)
{
    size_t lo = 0, hi = n;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (cp > t[mid].last)
            lo = mid + 1;
        else if (cp < t[mid].first)
            hi = mid;
        else
            return true;
    }
    return false;
}

int text_width_cp(uint32_t cp)
{
    if (cp < 0x20 || (cp >= 0x7F && cp < 0xA0))
        return -1;
    if (cp < 0x300)
        return 1;
    if (is_in(text_zero, sizeof text_zero / sizeof *text_zero, cp))
        return 0;
    return is_in(text_wide, sizeof text_wide / sizeof *text_wide, cp) ? 2 : 1;
}

int text_width(const char *p, size_t n)
{
    int cells = 0;
    for (size_t i = 0; i < n;) {
        uint32_t cp;
        int len = text_decode(p + i, n - i, &cp);
        int w = len ? text_width_cp(cp) : 1;
        cells += w > 0 ? w : 0;
        i += len ? (size_t)len : 1;
    }
    return cells;
}

/* Characters that reorder, hide or forge what is next to them. */
static bool is_deceptive(uint32_t cp)
{
    return (cp >= 0x80 && cp < 0xA0) || cp == 0x61C || (cp >= 0x200B && cp <= 0x200C) ||
           (cp >= 0x200E && cp <= 0x200F) || (cp >= 0x2028 && cp <= 0x202E) ||
           (cp >= 0x2060 && cp <= 0x206F) || cp == 0xFEFF ||
           (cp >= 0xFFF9 && cp <= 0xFFFB) || (cp >= 0xE0000 && cp <= 0xE0FFF);
}

int text_sanitise(struct buf *out, const char *p, size_t n)
{
    for (size_t i = 0; i < n;) {
        size_t from = i;
        while (i < n && (unsigned char)p[i] >= 0x20 && (unsigned char)p[i] < 0x7F)
            i++;
        if (i > from)
            buf_add(out, p + from, i - from);
        if (i == n)
            break;
        uint32_t cp;
        int len = text_decode(p + i, n - i, &cp);
        if (!len)
            buf_addf(out, "\\x%02X", (unsigned char)p[i]);
        else if (cp < 0x20 || cp == 0x7F)
            buf_addf(out, "^%c", cp == 0x7F ? '?' : (char)(cp + '@'));
        else if (is_deceptive(cp))
            buf_addf(out, "\\u%04X", cp);
        else
            buf_add(out, p + i, (size_t)len);
        i += len ? (size_t)len : 1;
    }
    return out->failed;
}
