/* The console: one loop over the terminal and the control socket. Asleep in poll while
 * nothing changes; one frame a turn; no I/O but those two (and the output of a command
 * that the operator started). */
#ifndef UI_APP_H
#define UI_APP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "base/buf.h"
#include "base/err.h"
#include "ui/draw.h"
#include "ui/feeds.h"
#include "ui/keymap.h"
#include "ui/term.h"
#include "ui/theme.h"
#include "ui/uplink.h"
#include "ui/view.h"

struct app_options {
    const char *socket; /* path of the control socket */
    const char *project_dir,
        *state_dir;                /* for commands that are started, may be NULL */
    const char *exe;               /* path of weir */
    const char *theme;             /* name or path */
    const char *const *theme_dirs; /* NULL-terminated */
    const char *keys_file;         /* more key bindings, may be NULL or missing */
    bool is_ascii, is_readonly, is_slow, has_mouse;
    bool is_script; /* headless, no socket, time by script */
    int rows, cols; /* headless size */
};

/* What is above the page and takes the keys: dialogs, forms, help, prompts. */
struct modal;
struct modal_ops {
    const char *name;
    const char *hint; /* instead of the view's hint line */
    void (*draw)(struct app *a, struct modal *m, struct rect body);
    void (*key)(struct app *a, struct modal *m, int key);
    void (*release)(struct modal *m); /* contents; the modal itself is freed by app.c */
};
struct modal {
    const struct modal_ops *ops;
    struct modal *below;
};

struct app {
    struct app_options o;
    struct term term;
    struct theme theme;
    struct keymap keymap;
    struct feeds feeds;
    struct uplink uplink;
    struct page *tops[VIEW_ROOTS]; /* top of each view's stack */
    size_t root;
    struct modal *modal;
    char message[600];
    enum role message_role;
    int64_t mono_ms; /* time of this turn */
    int64_t wall_ms; /* wall clock of this turn */
    int64_t now_ms;  /* the platform's now (data clock), from the overview feed */
    const struct time_zone *zone; /* the platform's, NULL: UTC */
    int64_t drawn_ms;             /* last frame */
    bool is_dirty;                /* a frame is due at once */
    bool is_behind; /* data changed: a frame is due, once a second when slow */
    bool is_done;
    pid_t child; /* of `:COMMAND`, 0 none */
    int child_fd;
    struct buf child_out;
    char child_title[120];
};

int app_open(struct app *a, const struct app_options *o, struct err *e);
void app_close(struct app *a);
/* Until the operator leaves; 0 or a negative error. */
int app_loop(struct app *a, struct err *e);
int app_run(const struct app_options *o, struct err *e);

/* One key, one command line ("view lag", "sort lag desc"). */
void app_key(struct app *a, int key);
void app_command(struct app *a, const char *line);
/* The terminal has another size: this one, or what it says when rows is 0. */
void app_resize(struct app *a, int rows, int cols);
/* frame.c: one frame. */
void app_draw(struct app *a);

struct page *app_page(const struct app *a);
void app_open_page(struct app *a, const struct view *v, const char *arg,
                   const char *label);
/* The live log of a process. */
void app_open_log(struct app *a, const char *process, const char *label);
void app_go(struct app *a, size_t root);
void app_back(struct app *a);
void app_push(struct app *a, struct modal *m); /* takes m (allocated by mem_alloc) */
void app_pop(struct app *a);
/* Line above the hints; role says how serious it is. */
void app_say(struct app *a, enum role role, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* A request that changes something: refused when read-only; says what became of it.
 * Takes args. */
void app_request(struct app *a, const char *cmd, json_t *args, const char *what);
/* Name of the environment and whether it is production. */
const char *app_environment(const struct app *a, bool *is_prod);
void app_set_theme(struct app *a, const char *name);
/* How times are shown: of the data, or of the wall. */
struct fmt_when app_when(const struct app *a, bool is_data_time);
/* Member of the overview feed, borrowed; NULL before the first snapshot. */
json_t *app_overview(const struct app *a, const char *member);

#endif
