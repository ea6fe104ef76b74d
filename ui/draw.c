/* Text into cells. In: bytes of any kind with a place and a role; out: term_put calls.
 * Called by everything that draws. Holds always: control bytes and bidi controls are
 * made visible by text_sanitise, a character whose width the C library sees differently
 * (so the terminal may, too) becomes '?', and no more cells are used than were allowed.
 */
#include "ui/draw.h"

#include <stdarg.h>
#include <stdio.h>
#include <wchar.h>
#include "base/text.h"

#define MARKS_MAX 2 /* combining marks kept on one character */

static const struct {
    const char *utf8, *ascii;
} glyphs[] = {
#define X(name, utf8, ascii) {utf8, ascii},
    GLYPH_MAP(X)
#undef X
};

const char *draw_glyph_text(const struct term *t, enum glyph g)
{
    return t->charset == TERM_ASCII ? glyphs[g].ascii : glyphs[g].utf8;
}

/* One character of sanitised text with its marks, as it will be shown. */
struct cluster {
    uint32_t cp[1 + MARKS_MAX];
    int n, width;
    size_t bytes;
};

/* Joiners and variation selectors change what a terminal draws in ways nobody can
 * predict: they are left out. */
static bool is_format_mark(uint32_t cp)
{
    return (cp >= 0x200b && cp <= 0x200f) || (cp >= 0xfe00 && cp <= 0xfe0f) ||
           cp == 0xfeff || (cp >= 0xe0000 && cp <= 0xe0fff) || cp == 0xad;
}

static int cluster_width(const struct term *t, uint32_t cp)
{
    int width = text_width_cp(cp);

    if (width > 0 && t->charset != TERM_ASCII && cp >= 0x80 &&
        wcwidth((wchar_t)cp) != width)
        return -width;
    return width;
}

static void cluster_take(const struct term *t, const char *p, size_t n,
                         struct cluster *c)
{
    uint32_t cp;
    int bytes = text_decode(p, n, &cp);

    *c = (struct cluster){.bytes = bytes > 0 ? (size_t)bytes : 1};
    if (bytes <= 0)
        cp = '?';
    c->width = cluster_width(t, cp);
    bool is_shown = c->width > 0 && (cp < 0x80 || t->charset != TERM_ASCII);
    if (c->width < 0)
        c->width = -c->width;
    if (c->width == 0) /* a mark without a base */
        return;
    c->cp[c->n++] = is_shown ? cp : '?';
    while (c->bytes < n) {
        uint32_t mark;
        bytes = text_decode(p + c->bytes, n - c->bytes, &mark);
        if (bytes <= 0 || text_width_cp(mark) != 0)
            break;
        if (is_shown && t->charset != TERM_ASCII && c->n <= MARKS_MAX &&
            !is_format_mark(mark) && wcwidth((wchar_t)mark) == 0)
            c->cp[c->n++] = mark;
        c->bytes += (size_t)bytes;
    }
}

/* Shown as '?' repeated over its width where the character cannot be. */
static void cluster_put(struct term *t, int y, int x, const struct cluster *c,
                        enum role role)
{
    if (c->n == 1 && c->cp[0] == '?') {
        for (int i = 0; i < c->width; i++)
            term_put(t, y, x + i, c->cp, 1, 1, role);
        return;
    }
    term_put(t, y, x, c->cp, c->n, c->width, role);
}

static bool is_plain(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)s[i] < 0x20 || (unsigned char)s[i] >= 0x7f)
            return false;
    return true;
}

/* s itself when it is printable ASCII, else a sanitised copy in the terminal's scratch
 * buffer, valid until the next call. */
static void clean(struct term *t, const char **s, size_t *n)
{
    if (is_plain(*s, *n))
        return;
    buf_reset(&t->scratch);
    text_sanitise(&t->scratch, *s, *n);
    *s = buf_str(&t->scratch);
    *n = t->scratch.len;
}

static int width_of(const struct term *t, const char *s, size_t n)
{
    int width = 0;
    struct cluster c;

    for (size_t i = 0; i < n; i += c.bytes) {
        cluster_take(t, s + i, n - i, &c);
        width += c.width;
    }
    return width;
}

int draw_width(struct term *t, const char *s, size_t n)
{
    clean(t, &s, &n);
    return width_of(t, s, n);
}

int draw_glyph(struct term *t, int y, int x, enum glyph g, enum role role)
{
    const char *s = draw_glyph_text(t, g);
    struct cluster c;

    cluster_take(t, s, strlen(s), &c);
    cluster_put(t, y, x, &c, role);
    return 1;
}

int draw_textn(struct term *t, int y, int x, int w, enum role role, const char *s,
               size_t n)
{
    struct cluster c;
    int used = 0;

    if (w <= 0 || !s)
        return 0;
    clean(t, &s, &n);
    bool is_cut = width_of(t, s, n) > w;
    int room = is_cut ? w - 1 : w;
    for (size_t i = 0; i < n; i += c.bytes) {
        cluster_take(t, s + i, n - i, &c);
        if (used + c.width > room)
            break;
        if (c.n)
            cluster_put(t, y, x + used, &c, role);
        used += c.width;
    }
    if (is_cut)
        used += draw_glyph(t, y, x + used, GLYPH_ELLIPSIS, role);
    return used;
}

int draw_text(struct term *t, int y, int x, int w, enum role role, const char *s)
{
    return s ? draw_textn(t, y, x, w, role, s, strlen(s)) : 0;
}

int draw_skip(struct term *t, int y, int x, int w, int skip, enum role role,
              const char *s, size_t n)
{
    struct cluster c;
    int at = 0, used = 0;

    clean(t, &s, &n);
    for (size_t i = 0; i < n && used < w; i += c.bytes, at += c.width) {
        cluster_take(t, s + i, n - i, &c);
        if (at < skip || !c.n)
            continue;
        if (used + c.width > w)
            break;
        cluster_put(t, y, x + used, &c, role);
        used += c.width;
    }
    return used;
}

/* Bytes of s[0..n) that go on one line of w cells: whole words, or what fits of one
 * that is longer than the line. */
static size_t words_that_fit(struct term *t, const char *s, size_t n, int w)
{
    size_t fits = 0, end = 0;

    while (end < n) {
        while (end < n && s[end] == ' ')
            end++;
        while (end < n && s[end] != ' ')
            end++;
        if (draw_width(t, s, end) > w)
            break;
        fits = end;
    }
    bool has_word = fits > 0;
    while (!fits || (end > fits && !has_word)) {
        uint32_t cp;
        int bytes = text_decode(s + fits, n - fits, &cp);
        size_t next = fits + (bytes > 0 ? (size_t)bytes : 1);
        if (fits && draw_width(t, s, next) > w)
            break;
        fits = next;
    }
    return fits;
}

/* The next line of a wrapped text: its bytes; *s moves behind it and what separates it
 * from the next, a line end of the text or blanks. */
static size_t next_line(struct term *t, const char **s, int w)
{
    size_t n = strcspn(*s, "\n"), fits = n ? words_that_fit(t, *s, n, w) : 0;

    *s += fits;
    if (fits < n)
        *s += strspn(*s, " ");
    else
        *s += **s == '\n';
    return fits;
}

int draw_wrapped(struct term *t, struct rect r, enum role role, const char *s)
{
    int line = 0;

    while (*s && line < r.h) {
        const char *start = s;
        size_t n = next_line(t, &s, r.w);
        if (line == r.h - 1 && *s)
            n = strcspn(start, "\n"); /* cut, and shown to be */
        int used = draw_textn(t, r.y + line, r.x, r.w, role, start, n);
        if (line == r.h - 1 && *s && used < r.w)
            draw_glyph(t, r.y + line, r.x + used, GLYPH_ELLIPSIS, role);
        line++;
    }
    return line;
}

int draw_wrap_lines(struct term *t, int w, int max, const char *s)
{
    int lines = 0;

    for (; *s && w > 0 && lines < max; lines++)
        (void)next_line(t, &s, w);
    return lines;
}

void draw_right(struct term *t, int y, int x, int w, enum role role, const char *s)
{
    int width = draw_width(t, s, strlen(s));

    if (width < w)
        x += w - width;
    draw_text(t, y, x, width < w ? width : w, role, s);
}

int draw_printf(struct term *t, int y, int x, int w, enum role role, const char *fmt,
                ...)
{
    char text[1024];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return draw_text(t, y, x, w, role, text);
}

void draw_fill(struct term *t, struct rect r, enum role role)
{
    const uint32_t space = ' ';

    for (int y = r.y; y < r.y + r.h; y++)
        for (int x = r.x; x < r.x + r.w; x++)
            term_put(t, y, x, &space, 1, 1, role);
}

void draw_hline(struct term *t, int y, int x, int w, enum role role)
{
    for (int i = 0; i < w; i++)
        draw_glyph(t, y, x + i, GLYPH_HLINE, role);
}

struct rect draw_box(struct term *t, struct rect r, const char *title)
{
    draw_fill(t, r, ROLE_TEXT);
    draw_hline(t, r.y, r.x, r.w, ROLE_BORDER);
    draw_hline(t, r.y + r.h - 1, r.x, r.w, ROLE_BORDER);
    for (int y = r.y + 1; y < r.y + r.h - 1; y++) {
        draw_glyph(t, y, r.x, GLYPH_VLINE, ROLE_BORDER);
        draw_glyph(t, y, r.x + r.w - 1, GLYPH_VLINE, ROLE_BORDER);
    }
    draw_glyph(t, r.y, r.x, GLYPH_TOP_LEFT, ROLE_BORDER);
    draw_glyph(t, r.y, r.x + r.w - 1, GLYPH_TOP_RIGHT, ROLE_BORDER);
    draw_glyph(t, r.y + r.h - 1, r.x, GLYPH_BOTTOM_LEFT, ROLE_BORDER);
    draw_glyph(t, r.y + r.h - 1, r.x + r.w - 1, GLYPH_BOTTOM_RIGHT, ROLE_BORDER);
    if (title && *title && r.w > 6) {
        int used = draw_text(t, r.y, r.x + 3, r.w - 6, ROLE_TITLE, title);
        draw_text(t, r.y, r.x + 2, 1, ROLE_TITLE, " ");
        draw_text(t, r.y, r.x + 3 + used, 1, ROLE_TITLE, " ");
    }
    return (struct rect){r.y + 1, r.x + 2, r.h - 2, r.w - 4};
}

void draw_mark(struct term *t, int y, int x, int w, const char *s, size_t at, size_t n,
               enum role role)
{
    /* Only plain text is marked: bytes and cells are the same there. */
    if (!is_plain(s, strlen(s)) || (int)at >= w)
        return;
    int room = w - (int)at;
    for (int i = 0; i < (int)n && i < room; i++) {
        const uint32_t cp = (unsigned char)s[at + (size_t)i];
        if (i == room - 1 && strlen(s) > (size_t)w)
            break; /* the ellipsis is there */
        term_put(t, y, x + (int)at + i, &cp, 1, 1, role);
    }
}
