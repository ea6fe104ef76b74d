/* The terminal: the only place that knows curses. Opened once with a character tier and
 * a colour tier that never change; every frame is term_begin, term_put…, term_end,
 * which writes only what differs from the frame before.
 *
 * Headless (tests): the same drawing on a fake terminal of a given size, no tty needed.
 */
#ifndef UI_TERM_H
#define UI_TERM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"
#include "ui/theme.h"

enum term_charset { TERM_ASCII, TERM_BLOCK, TERM_BRAILLE };
enum term_colour { TERM_MONO, TERM_8, TERM_256 };

/* Keys: a Unicode character, or one of these. Ctrl-letters are their control codes. */
enum term_key {
    KEY_NONE = -1,
    KEY_TAB_ = '\t',
    KEY_ENTER_ = '\r',
    KEY_ESC = 0x1b,
    KEY_BACKSPACE_ = 0x7f,
    KEY_NAMED = 0x200000, /* above Unicode */
    KEY_UP_,
    KEY_DOWN_,
    KEY_LEFT_,
    KEY_RIGHT_,
    KEY_HOME_,
    KEY_END_,
    KEY_PGUP,
    KEY_PGDN,
    KEY_BACKTAB,
    KEY_DELETE,
    KEY_CLICK, /* term.click_y, click_x */
    KEY_WHEEL_UP,
    KEY_WHEEL_DOWN,
};

struct term_options {
    bool is_headless;
    int rows, cols; /* headless only */
    bool is_ascii;  /* never more than ASCII */
    bool has_mouse;
};

struct term {
    void *screen; /* SCREEN of curses */
    void *out, *in;
    bool is_headless, has_mouse, is_cursor_on;
    enum term_charset charset;
    enum term_colour colour;
    int rows, cols;
    uint8_t *roles; /* role of each cell of the frame, rows * cols */
    struct theme_style style[ROLE_COUNT];
    int cursor_y, cursor_x; /* -1: hidden */
    int click_y, click_x;
    int stderr_saved, stderr_file; /* -1: not captured */
    size_t frame_bytes;            /* written for the last frame, headless only */
    struct buf scratch;            /* of draw.c */
    char note[160];                /* what was fallen back to, "" if nothing */
};

/* ERR_UNAVAILABLE with what to do when there is no terminal or no usable TERM. */
int term_open(struct term *t, const struct term_options *o, struct err *e);
/* Restores the terminal and prints what was written to stderr meanwhile. */
void term_close(struct term *t);
/* Look of the roles from now on; ignores colours where there are none. */
void term_set_theme(struct term *t, const struct theme *theme);

/* Next key without waiting, KEY_NONE when there is none. */
int term_key(struct term *t);
/* Reads the size again (rows <= 0) or takes this one. */
void term_resize(struct term *t, int rows, int cols);

void term_begin(struct term *t);
/* One character with its combining marks at a cell; cp[0] is width cells wide. */
void term_put(struct term *t, int y, int x, const uint32_t *cp, int n, int width,
              enum role role);
/* Where the cursor shows at the end of this frame. */
void term_cursor(struct term *t, int y, int x);
void term_end(struct term *t);
/* Everything again at the next term_end: the screen was spoiled. */
void term_repaint(struct term *t);

/* Put text on the clipboard of the terminal (OSC 52), through tmux when inside.
 * ERR_LIMIT beyond what terminals take (74,994 bytes of base64). */
int term_copy(struct term *t, const char *text, size_t n, struct err *e);

/* Rows from..to (0-based, to exclusive) as text or as role letters, trailing blanks
 * cut. */
void term_dump(const struct term *t, int from, int to, bool as_roles, struct buf *out);

#endif
