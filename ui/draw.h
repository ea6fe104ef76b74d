/* Drawing text: clipped, padded by cells, sanitised. Everything that is shown goes
 * through here, so nothing foreign reaches the terminal and nothing can shift a column.
 */
#ifndef UI_DRAW_H
#define UI_DRAW_H

#include <stdbool.h>
#include "ui/term.h"

struct rect {
    int y, x, h, w;
};

/* name, UTF-8 form, ASCII form: one cell each */
#define GLYPH_MAP(X)                                                                   \
    X(OK, "✓", "+")                                                                    \
    X(WARN, "!", "!")                                                                  \
    X(FAIL, "✗", "x")                                                                  \
    X(RUNNING, "▸", ">")                                                               \
    X(WAITING, "·", ".")                                                               \
    X(BLOCKED, "■", "#")                                                               \
    X(UNKNOWN, "?", "?")                                                               \
    X(HLINE, "─", "-")                                                                 \
    X(VLINE, "│", "|")                                                                 \
    X(DOWN, "↓", "v")                                                                  \
    X(UP, "↑", "^")                                                                    \
    X(CRUMB, "›", ">")                                                                 \
    X(ELLIPSIS, "…", "~")                                                              \
    X(TOP_LEFT, "┌", "+")                                                              \
    X(TOP_RIGHT, "┐", "+")                                                             \
    X(BOTTOM_LEFT, "└", "+")                                                           \
    X(BOTTOM_RIGHT, "┘", "+")                                                          \
    X(TEE, "├", "|")                                                                   \
    X(CURSOR, "▸", ">")
enum glyph {
#define X(name, utf8, ascii) GLYPH_##name,
    GLYPH_MAP(X)
#undef X
};
const char *draw_glyph_text(const struct term *t, enum glyph g);
/* One glyph; returns 1, its cells. */
int draw_glyph(struct term *t, int y, int x, enum glyph g, enum role role);

/* Text from x on in at most w cells; what does not fit is cut with an ellipsis. Returns
 * the cells used. */
int draw_text(struct term *t, int y, int x, int w, enum role role, const char *s);
int draw_textn(struct term *t, int y, int x, int w, enum role role, const char *s,
               size_t n);
/* The same without an ellipsis, from the skip-th cell of the text on. */
int draw_skip(struct term *t, int y, int x, int w, int skip, enum role role,
              const char *s, size_t n);
/* Text over the lines of r, broken between words; what does not fit is cut with an
 * ellipsis. Returns the lines used. */
int draw_wrapped(struct term *t, struct rect r, enum role role, const char *s);
/* Lines that text takes in w cells, at most max. */
int draw_wrap_lines(struct term *t, int w, int max, const char *s);
/* Text that ends at x + w. */
void draw_right(struct term *t, int y, int x, int w, enum role role, const char *s);
int draw_printf(struct term *t, int y, int x, int w, enum role role, const char *fmt,
                ...) __attribute__((format(printf, 6, 7)));
void draw_fill(struct term *t, struct rect r, enum role role);
void draw_hline(struct term *t, int y, int x, int w, enum role role);
/* Frame with a title; returns the inside. */
struct rect draw_box(struct term *t, struct rect r, const char *title);
/* Roles of cells that are already drawn (filter matches): byte range at..at+n of text s
 * that was drawn at x. */
void draw_mark(struct term *t, int y, int x, int w, const char *s, size_t at, size_t n,
               enum role role);
/* Cells that text takes on this terminal. */
int draw_width(struct term *t, const char *s, size_t n);

#endif
