/* Curses, and nothing else of weir. In: cells with roles; out: bytes on the terminal.
 * Called by app.c (life, keys, frames) and draw.c (cells). Holds always: after
 * term_open failed or term_close ran, the terminal is as it was; nothing is written but
 * by term_end and term_copy. */
#include "ui/term.h"

#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wchar.h>
#include "base/mem.h"
#include "base/str.h"
#include "base/text.h"

#define OSC52_MAX 74994u

static bool env_is_set(const char *name)
{
    const char *v = getenv(name);
    return v && *v;
}

static enum term_charset choose_charset(const struct term_options *o, const char *type)
{
    if (o->is_headless) {
        if (!setlocale(LC_CTYPE, "C.UTF-8"))
            return TERM_ASCII;
        return o->is_ascii ? TERM_ASCII : TERM_BRAILLE;
    }
    setlocale(LC_CTYPE, "");
    if (o->is_ascii || !streq(nl_langinfo(CODESET), "UTF-8"))
        return TERM_ASCII;
    /* The console font of Linux and the real VT lines have blocks but no braille. */
    if (str_starts(type, "linux") || str_starts(type, "vt"))
        return TERM_BLOCK;
    return TERM_BRAILLE;
}

/* newterm, unlike initscr, returns: a TERM nobody knows must not end the console. */
static SCREEN *open_screen(struct term *t, const char *type, FILE *out, FILE *in)
{
    const char *const tries[] = {type, "xterm-256color", "vt100"};

    for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
        if (!tries[i] || !*tries[i])
            continue;
        SCREEN *s = newterm(tries[i], out, in);
        if (!s)
            continue;
        if (i > 0)
            snprintf(t->note, sizeof t->note,
                     "TERM=%.40s is not known here; using %s (set TERM to change it)",
                     type && *type ? type : "(unset)", tries[i]);
        return s;
    }
    return NULL;
}

static bool can_place_cursor(void)
{
    char name[] = "cup";
    const char *cup = tigetstr(name);
    return cup && cup != (const char *)-1 && *cup;
}

static void setup_input(struct term *t)
{
    cbreak();
    noecho();
    nonl();
    set_escdelay(25);
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    leaveok(stdscr, FALSE);
    curs_set(0);
    if (t->has_mouse) {
        mousemask(BUTTON1_CLICKED | BUTTON1_PRESSED | BUTTON4_PRESSED | BUTTON5_PRESSED,
                  NULL);
        mouseinterval(0);
    }
}

static void setup_colour(struct term *t)
{
    t->colour = TERM_MONO;
    if (!has_colors() || (!t->is_headless && env_is_set("NO_COLOR")))
        return;
    start_color();
    use_default_colors();
    t->colour = COLORS >= 256 ? TERM_256 : TERM_8;
}

/* Libraries that print to stderr would break the screen: keep it for afterwards. */
static void capture_stderr(struct term *t)
{
    t->stderr_saved = t->stderr_file = -1;
    if (t->is_headless)
        return;
    int file = memfd_create("stderr", MFD_CLOEXEC);
    if (file < 0)
        return;
    fflush(stderr);
    t->stderr_saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
    if (t->stderr_saved < 0 || dup2(file, STDERR_FILENO) < 0) {
        close(file);
        return;
    }
    t->stderr_file = file;
}

static void release_stderr(struct term *t)
{
    char chunk[4096];
    ssize_t n;

    if (t->stderr_file < 0)
        return;
    fflush(stderr);
    dup2(t->stderr_saved, STDERR_FILENO);
    lseek(t->stderr_file, 0, SEEK_SET);
    while ((n = read(t->stderr_file, chunk, sizeof chunk)) > 0)
        fwrite(chunk, 1, (size_t)n, stderr);
    close(t->stderr_file);
    close(t->stderr_saved);
    t->stderr_file = t->stderr_saved = -1;
}

static int open_streams(struct term *t, struct err *e)
{
    if (t->is_headless) {
        int out = memfd_create("frames", MFD_CLOEXEC);
        if (out < 0)
            return err_errno(e, ERR_IO, "memfd_create");
        t->out = fdopen(out, "w");
        t->in = fopen("/dev/null", "re");
    } else {
        if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
            return err_set(
                e, ERR_UNAVAILABLE,
                "the console needs a terminal; without one use `weir status`, "
                "`weir runs` or `weir logs`, each with -o json for programs");
        t->out = fdopen(dup(STDOUT_FILENO), "w");
        t->in = fdopen(dup(STDIN_FILENO), "r");
    }
    if (!t->out || !t->in)
        return err_errno(e, ERR_IO, "cannot open the terminal");
    return 0;
}

static void close_streams(struct term *t)
{
    if (t->out)
        fclose(t->out);
    if (t->in)
        fclose(t->in);
    t->out = t->in = NULL;
}

int term_open(struct term *t, const struct term_options *o, struct err *e)
{
    const char *type = o->is_headless ? "xterm-256color" : getenv("TERM");
    int rc;

    *t = (struct term){.is_headless = o->is_headless,
                       .has_mouse = o->has_mouse,
                       .cursor_y = -1,
                       .stderr_saved = -1,
                       .stderr_file = -1};
    if ((rc = open_streams(t, e)) < 0) {
        close_streams(t);
        return rc;
    }
    buf_init(&t->scratch, 1u << 20);
    t->charset = choose_charset(o, type ? type : "");
    use_env(!o->is_headless);
    t->screen = open_screen(t, type, t->out, t->in);
    if (!t->screen) {
        close_streams(t);
        return err_set(e, ERR_UNAVAILABLE,
                       "no terminal description for TERM=%s, xterm-256color or vt100; "
                       "install ncurses-base or set TERM",
                       type ? type : "");
    }
    if (!can_place_cursor()) {
        endwin();
        delscreen(t->screen);
        t->screen = NULL;
        close_streams(t);
        return err_set(e, ERR_UNAVAILABLE,
                       "the console cannot draw on TERM=%s, which has no way to place "
                       "the cursor; set TERM to what the terminal is, or use `weir "
                       "status`, `weir runs` and `weir logs`",
                       type ? type : "");
    }
    setup_input(t);
    setup_colour(t);
    capture_stderr(t);
    term_resize(t, o->rows, o->cols);
    return 0;
}

void term_close(struct term *t)
{
    if (t->screen) {
        endwin();
        delscreen(t->screen);
    }
    close_streams(t);
    release_stderr(t);
    mem_free(t->roles);
    buf_release(&t->scratch);
    *t = (struct term){.stderr_saved = -1, .stderr_file = -1};
}

/* A colour of the 256 palette among the first eight; bright ones are made by bold. */
static short colour_of_8(int16_t c, bool *is_bright)
{
    if (c < 8)
        return c;
    if (c < 16) {
        *is_bright = true;
        return (short)(c - 8);
    }
    if (c >= 232)
        return c >= 244 ? 7 : 0;
    int r = (c - 16) / 36, g = (c - 16) / 6 % 6, b = (c - 16) % 6;
    return (short)((r >= 3 ? 1 : 0) | (g >= 3 ? 2 : 0) | (b >= 3 ? 4 : 0));
}

void term_set_theme(struct term *t, const struct theme *theme)
{
    struct theme mono;

    if (t->colour == TERM_MONO) {
        theme_init_mono(&mono);
        theme = &mono;
    }
    for (int i = 0; i < ROLE_COUNT; i++) {
        struct theme_style s = theme->style[i];
        bool is_bright = false;
        if (t->colour == TERM_8) {
            bool ignored = false;
            s.fg = colour_of_8(s.fg, &is_bright);
            s.bg = colour_of_8(s.bg, &ignored);
        }
        if (is_bright)
            s.attr |= THEME_BOLD;
        t->style[i] = s;
        if (t->colour != TERM_MONO)
            init_pair((short)(i + 1), s.fg, s.bg);
    }
    bkgdset(' ');
}

static int key_of_mouse(struct term *t)
{
    MEVENT m;

    if (getmouse(&m) != OK)
        return KEY_NONE;
    if (m.bstate & BUTTON4_PRESSED)
        return KEY_WHEEL_UP;
    if (m.bstate & BUTTON5_PRESSED)
        return KEY_WHEEL_DOWN;
    t->click_y = m.y;
    t->click_x = m.x;
    return KEY_CLICK;
}

static int key_of_code(struct term *t, wint_t code)
{
    static const struct {
        wint_t code;
        int key;
    } keys[] = {
        {KEY_UP, KEY_UP_},       {KEY_DOWN, KEY_DOWN_},
        {KEY_LEFT, KEY_LEFT_},   {KEY_RIGHT, KEY_RIGHT_},
        {KEY_HOME, KEY_HOME_},   {KEY_END, KEY_END_},
        {KEY_PPAGE, KEY_PGUP},   {KEY_NPAGE, KEY_PGDN},
        {KEY_BTAB, KEY_BACKTAB}, {KEY_DC, KEY_DELETE},
        {KEY_ENTER, KEY_ENTER_}, {KEY_BACKSPACE, KEY_BACKSPACE_},
    };

    if (code == KEY_MOUSE)
        return key_of_mouse(t);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (keys[i].code == code)
            return keys[i].key;
    return KEY_NAMED; /* a key without a meaning here: swallowed */
}

int term_key(struct term *t)
{
    wint_t c;
    int rc;

    do /* resizeterm leaves one behind; the size is read on SIGWINCH */
        rc = get_wch(&c);
    while (rc == KEY_CODE_YES && c == KEY_RESIZE);
    if (rc == ERR)
        return KEY_NONE;
    if (rc == KEY_CODE_YES)
        return key_of_code(t, c);
    if (c == '\n')
        return KEY_ENTER_;
    if (c == '\b')
        return KEY_BACKSPACE_;
    return (int)c;
}

void term_resize(struct term *t, int rows, int cols)
{
    struct winsize size;

    if (rows <= 0 || cols <= 0) {
        if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || !size.ws_row || !size.ws_col)
            size = (struct winsize){.ws_row = (unsigned short)LINES,
                                    .ws_col = (unsigned short)COLS};
        rows = size.ws_row;
        cols = size.ws_col;
    }
    resizeterm(rows, cols);
    t->rows = rows;
    t->cols = cols;
    t->roles = mem_realloc(t->roles, (size_t)rows * (size_t)cols);
    clearok(curscr, TRUE);
}

void term_begin(struct term *t)
{
    erase();
    memset(t->roles, ROLE_TEXT, (size_t)t->rows * (size_t)t->cols);
    t->cursor_y = -1;
}

static attr_t attr_of(int bits)
{
    return (bits & THEME_BOLD ? A_BOLD : 0) | (bits & THEME_DIM ? A_DIM : 0) |
           (bits & THEME_UNDERLINE ? A_UNDERLINE : 0) |
           (bits & THEME_REVERSE ? A_REVERSE : 0) |
           (bits & THEME_ITALIC ? A_ITALIC : 0);
}

void term_put(struct term *t, int y, int x, const uint32_t *cp, int n, int width,
              enum role role)
{
    wchar_t text[CCHARW_MAX + 1];
    cchar_t cell;
    int k = 0;

    if (y < 0 || x < 0 || y >= t->rows || x + width > t->cols)
        return;
    while (k < n && k < CCHARW_MAX - 1) {
        text[k] = (wchar_t)cp[k];
        k++;
    }
    text[k] = L'\0';
    setcchar(&cell, text, attr_of(t->style[role].attr),
             t->colour == TERM_MONO ? 0 : (short)(role + 1), NULL);
    mvadd_wch(y, x, &cell);
    memset(t->roles + (size_t)y * (size_t)t->cols + x, (int)role, (size_t)width);
}

void term_cursor(struct term *t, int y, int x)
{
    t->cursor_y = y;
    t->cursor_x = x;
}

/* How many bytes the headless terminal got since the last frame. */
static void count_bytes(struct term *t)
{
    fflush(t->out);
    off_t n = lseek(fileno((FILE *)t->out), 0, SEEK_CUR);
    t->frame_bytes = n > 0 ? (size_t)n : 0;
    lseek(fileno((FILE *)t->out), 0, SEEK_SET);
}

void term_end(struct term *t)
{
    bool wants_cursor = t->cursor_y >= 0;

    if (wants_cursor != t->is_cursor_on)
        curs_set(wants_cursor);
    t->is_cursor_on = wants_cursor;
    if (wants_cursor)
        move(t->cursor_y, t->cursor_x < t->cols ? t->cursor_x : t->cols - 1);
    else
        move(t->rows - 1, 0);
    wnoutrefresh(stdscr);
    doupdate();
    if (t->is_headless)
        count_bytes(t);
}

void term_repaint(struct term *t)
{
    (void)t;
    clearok(curscr, TRUE);
}

static void base64_add(struct buf *out, const unsigned char *p, size_t n)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < n; i += 3) {
        unsigned v = (unsigned)p[i] << 16;
        if (i + 1 < n)
            v |= (unsigned)p[i + 1] << 8;
        if (i + 2 < n)
            v |= p[i + 2];
        buf_addc(out, digits[v >> 18]);
        buf_addc(out, digits[v >> 12 & 63]);
        buf_addc(out, i + 1 < n ? digits[v >> 6 & 63] : '=');
        buf_addc(out, i + 2 < n ? digits[v & 63] : '=');
    }
}

int term_copy(struct term *t, const char *text, size_t n, struct err *e)
{
    bool is_tmux = env_is_set("TMUX");
    struct buf b;

    if ((n + 2) / 3 * 4 > OSC52_MAX)
        return err_set(e, ERR_LIMIT,
                       "%zu bytes are more than a terminal's clipboard "
                       "takes; use :dump FILE",
                       n);
    buf_init(&b, OSC52_MAX + 64);
    buf_adds(&b, is_tmux ? "\033Ptmux;\033\033]52;c;" : "\033]52;c;");
    base64_add(&b, (const unsigned char *)text, n);
    buf_adds(&b, is_tmux ? "\a\033\\" : "\a");
    fwrite(b.data, 1, b.len, t->out);
    fflush(t->out);
    buf_release(&b);
    return 0;
}

static void dump_row_text(const struct term *t, int y, struct buf *out)
{
    cchar_t *cells = mem_alloc(sizeof *cells * ((size_t)t->cols + 1));
    size_t start = out->len, end = start;

    if (mvin_wchnstr(y, 0, cells, t->cols) != ERR) {
        for (int x = 0; x < t->cols; x++) {
            wchar_t text[CCHARW_MAX + 1] = {0};
            attr_t attr;
            short pair;
            char utf8[4];
            if (getcchar(&cells[x], text, &attr, &pair, NULL) == ERR || !text[0])
                break;
            for (int i = 0; text[i]; i++)
                buf_add(out, utf8, (size_t)text_encode((uint32_t)text[i], utf8));
            if (text[0] != L' ')
                end = out->len;
        }
    }
    if (out->data && out->len > end)
        out->data[out->len = end] = '\0';
    mem_free(cells);
}

void term_dump(const struct term *t, int from, int to, bool as_roles, struct buf *out)
{
    for (int y = from; y < to && y < t->rows; y++) {
        if (as_roles) {
            const uint8_t *row = t->roles + (size_t)y * (size_t)t->cols;
            int end = t->cols;
            while (end > 0 && theme_role_letter((enum role)row[end - 1]) == ' ')
                end--;
            for (int x = 0; x < end; x++)
                buf_addc(out, theme_role_letter((enum role)row[x]));
        } else {
            dump_row_text(t, y, out);
        }
        buf_addc(out, '\n');
    }
}
