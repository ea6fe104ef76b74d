/* Themes: a role for everything that is drawn, and what each role looks like. A theme
 * file is flat text, one `role = foreground background attributes` a line; roles that a
 * file leaves out keep the built-in look (weir-theme(5)). */
#ifndef UI_THEME_H
#define UI_THEME_H

#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"

/* name, text, letter in role dumps, default look, attributes without colours, doc */
#define ROLE_MAP(X)                                                                    \
    X(TEXT, "text", ' ', "default default", "none", "ordinary text")                   \
    X(MUTED, "muted", 'm', "default default dim", "dim",                               \
      "labels, units, what is idle")                                                   \
    X(TITLE, "title", 't', "default default bold", "bold",                             \
      "crumbs and section titles")                                                     \
    X(HEADER, "header", 'h', "default default bold,underline", "bold,underline",       \
      "column headers")                                                                \
    X(SELECTED, "selected", 's', "default default reverse", "reverse",                 \
      "the cursor's row")                                                              \
    X(BORDER, "border", 'b', "default default dim", "dim",                             \
      "frames, rules, connectors")                                                     \
    X(KEY, "key", 'k', "cyan default bold", "bold", "keys in the hint line and help")  \
    X(OK, "ok", 'o', "green default", "none", "healthy, passed, fresh")                \
    X(WARN, "warn", 'w', "yellow default bold", "bold", "needs a look soon")           \
    X(ERROR, "error", 'e', "red default bold", "bold,reverse",                         \
      "failed, breached, lost")                                                        \
    X(RUNNING, "running", 'r', "cyan default", "bold", "at work now")                  \
    X(TAB, "tab", 'a', "default default reverse", "reverse", "the view that is open")  \
    X(ENV, "env", 'v', "black green", "reverse", "badge of an environment")            \
    X(PROD, "prod", 'P', "white red bold", "bold,reverse", "badge of production")      \
    X(STALE, "stale", 'x', "red default bold", "bold,reverse", "data that is old")     \
    X(MATCH, "match", 'f', "black yellow", "underline", "text the filter found")       \
    X(INPUT, "input", 'n', "default default underline", "underline",                   \
      "text being typed")                                                              \
    X(BUTTON, "button", 'u', "default default", "none", "a button")                    \
    X(FOCUS, "focus", 'U', "default default reverse", "reverse",                       \
      "field or button in focus")                                                      \
    X(BAR, "bar", 'B', "cyan default", "none", "filled part of bars and charts")       \
    X(SOURCE, "source", '1', "magenta default", "none", "sources and bronze")          \
    X(STREAM, "stream", '2', "blue default bold", "none", "streams and silver")        \
    X(MODEL, "model", '3', "yellow default", "none", "models and gold")                \
    X(GATE, "gate", '4', "green default", "none", "gates")

enum role {
#define X(name, text, letter, look, mono, doc) ROLE_##name,
    ROLE_MAP(X)
#undef X
        ROLE_COUNT
};

enum theme_attr {
    THEME_BOLD = 1,
    THEME_DIM = 2,
    THEME_UNDERLINE = 4,
    THEME_REVERSE = 8,
    THEME_ITALIC = 16,
};

struct theme_style {
    int16_t fg, bg; /* 0..255 (xterm's palette), -1: the terminal's own */
    int16_t attr;   /* enum theme_attr bits */
};

struct theme {
    char name[64];
    struct theme_style style[ROLE_COUNT];
};

/* Text, letter and description of a role. */
const char *theme_role_name(enum role role);
char theme_role_letter(enum role role);
const char *theme_role_doc(enum role role);

/* The built-in looks. */
void theme_init_default(struct theme *t);
void theme_init_mono(struct theme *t);

/* Lines of text over what *t holds. name is used in errors ("dark.theme:7: …").
 * ERR_CONFIG names the line, the word and the nearest valid one; t is unchanged then.
 */
int theme_parse(struct theme *t, const char *text, size_t n, const char *name,
                struct err *e);

/* Theme by name, or by path when name has a '/'. dirs: NULL-terminated folders searched
 * in order for NAME.theme. "default" and "mono" exist without any file. ERR_NOTFOUND
 * lists what there is. t is unchanged on error. */
int theme_load(struct theme *t, const char *name, const char *const *dirs,
               struct err *e);

/* " default mono dark …": what theme_load finds, each name with a blank before it. */
void theme_list(const char *const *dirs, struct buf *out);

#endif
