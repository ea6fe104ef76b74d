/* The console's state and loop. In: keys, feeds, answers; out: frames and requests.
 * Called by src/cmd/console.c and by script.c. Holds always: the loop sleeps in poll
 * unless something is due; a turn draws at most one frame; whatever changes the
 * platform passes app_request. */
#include "ui/app.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/timeutil.h"
#include "ui/action.h"
#include "ui/child.h"

#define SLOW_MS   1000
#define CTRL_C    3
#define NAMES_MAX 512

/* ── messages, pages, modals ──────────────────────────────────────────────────────────
 */

void app_say(struct app *a, enum role role, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vsnprintf(a->message, sizeof a->message, fmt, args);
    va_end(args);
    a->message_role = role;
    a->is_dirty = true;
}

struct page *app_page(const struct app *a)
{
    return a->tops[a->root];
}

json_t *app_overview(const struct app *a, const char *member)
{
    return json_object_get(feeds_get(&a->feeds, "overview"), member);
}

const char *app_environment(const struct app *a, bool *is_prod)
{
    const char *name = json_str(feeds_get(&a->feeds, "overview"), "environment", "");

    *is_prod = strncasecmp(name, "prod", 4) == 0;
    return name;
}

/* Made here, not by the supervisor: a command's output, the log of a task. */
static bool is_local(const char *feed)
{
    return streq(feed, "output") || str_starts(feed, "tasklog:");
}

/* The feeds of every page of the stack that is open, and the overview for the frame. */
static void want_feeds(struct app *a)
{
    char names[UPLINK_FEEDS_MAX][340];
    const char *list[UPLINK_FEEDS_MAX];
    size_t n = 0;

    str_copy(names[n++], sizeof names[0], "overview");
    str_copy(names[n++], sizeof names[0], "runs"); /* the overview shows the last one */
    for (struct page *p = app_page(a); p && n < UPLINK_FEEDS_MAX; p = p->below)
        if (page_feed(p, names[n], sizeof names[n]) && !is_local(names[n]))
            n++;
    for (size_t i = 0; i < n; i++)
        list[i] = names[i];
    uplink_want(&a->uplink, list, n);
}

void app_open_page(struct app *a, const struct view *v, const char *arg,
                   const char *label)
{
    struct page *p = page_new(v, arg, label);

    p->below = app_page(a);
    a->tops[a->root] = p;
    want_feeds(a);
    a->is_dirty = true;
}

void app_open_log(struct app *a, const char *process, const char *label)
{
    char feed[290];

    snprintf(feed, sizeof feed, "log:%s", process);
    app_open_page(a, view_find("log"), feed, label);
}

void app_go(struct app *a, size_t root)
{
    a->root = root;
    if (!a->tops[root])
        a->tops[root] = page_new(view_root(root), "", view_root(root)->name);
    want_feeds(a);
    a->is_dirty = true;
}

void app_back(struct app *a)
{
    struct page *p = app_page(a);

    if (p->below) {
        a->tops[a->root] = p->below;
        p->below = NULL;
        page_free(p);
        want_feeds(a);
    } else if (a->root != 0) {
        app_go(a, 0);
    } else {
        a->is_done = true;
    }
    a->is_dirty = true;
}

void app_push(struct app *a, struct modal *m)
{
    m->below = a->modal;
    a->modal = m;
    a->is_dirty = true;
}

void app_pop(struct app *a)
{
    struct modal *m = a->modal;

    if (!m)
        return;
    a->modal = m->below;
    m->ops->release(m);
    mem_free(m);
    a->is_dirty = true;
}

void app_set_theme(struct app *a, const char *name)
{
    struct err e;

    if (theme_load(&a->theme, name, a->o.theme_dirs, &e) < 0) {
        app_say(a, ROLE_ERROR, "%s", e.text);
        return;
    }
    term_set_theme(&a->term, &a->theme);
    term_repaint(&a->term);
    a->is_dirty = true;
}

/* ── requests ─────────────────────────────────────────────────────────────────────────
 */

struct asked {
    struct app *app;
    char what[360];
};

static void take_answer(void *context, const json_t *data, const char *error)
{
    struct asked *asked = context;
    const char *text = json_is_string(data) ? json_string_value(data)
                                            : json_str(data, "message", "done");

    if (!error && json_object_get(data, "run"))
        app_say(asked->app, ROLE_OK, "%s: run %lld (3 shows it)", asked->what,
                (long long)json_i64(data, "run", 0));
    else if (error)
        app_say(asked->app, ROLE_ERROR, "%s: %s", asked->what, error);
    else
        app_say(asked->app, ROLE_OK, "%s: %s", asked->what, text);
    mem_free(asked);
}

void app_request(struct app *a, const char *cmd, json_t *args, const char *what)
{
    struct asked *asked;

    if (a->o.is_readonly) {
        json_decref(args);
        app_say(a, ROLE_WARN, "this console only reads (--readonly)");
        return;
    }
    asked = mem_alloc(sizeof *asked);
    asked->app = a;
    snprintf(asked->what, sizeof asked->what, "%s %s", cmd, what);
    if (str_starts(what, cmd)) /* "rerun rerun x" */
        str_copy(asked->what, sizeof asked->what, what);
    app_say(a, ROLE_MUTED, "%s: sent", asked->what);
    if (!uplink_send(&a->uplink, cmd, args, take_answer, asked)) {
        app_say(a, ROLE_ERROR, "%s: not sent, there is no connection to the supervisor",
                asked->what);
        mem_free(asked);
    }
}

/* A viewer's console offers only what a viewer may do. */
static void take_role(void *context, const json_t *data, const char *error)
{
    struct app *a = context;

    if (error || !streq(json_str(data, "role", ""), "viewer"))
        return;
    a->o.is_readonly = true;
    app_say(a, ROLE_MUTED, "you are a viewer here: this console only reads");
}

/* A zone that is not known on this machine is shown as UTC, and labelled so. */
static void take_zone(struct app *a, const char *name)
{
    a->zone = streq(name, "UTC") ? NULL : time_zone_get(name, NULL);
}

struct fmt_when app_when(const struct app *a, bool is_data_time)
{
    return (struct fmt_when){is_data_time ? a->now_ms : a->wall_ms, a->zone};
}

static void take_feed(void *context, const char *name, json_t *data)
{
    struct app *a = context;

    if (streq(name, "closed")) {
        app_say(a, ROLE_WARN, "the supervisor closed: %s",
                json_str(data, "reason", ""));
        json_decref(data);
        return;
    }
    feeds_put(&a->feeds, name, data, a->mono_ms);
    if (streq(name, "overview")) {
        a->wall_ms = json_i64(data, "wall_ms", a->wall_ms);
        a->now_ms = json_i64(data, "now_ms", a->wall_ms);
        if (a->now_ms <= 0)
            a->now_ms = a->wall_ms;
        take_zone(a, json_str(data, "timezone", "UTC"));
    }
    a->is_behind = true;
}

/* ── commands and keys ────────────────────────────────────────────────────────────────
 */

static void unknown_command(struct app *a, const char *word)
{
    const char *names[NAMES_MAX];
    size_t n = 0;

    for (size_t i = 0; i < action_count() && n < NAMES_MAX; i++)
        names[n++] = action_at(i)->name;
    for (size_t i = 0; i < VIEW_ROOTS && n < NAMES_MAX; i++)
        names[n++] = view_root(i)->name;
    for (size_t i = 0; i < cmd_count() && n < NAMES_MAX; i++)
        names[n++] = cmd_at(i)->name;
    const char *near = str_nearest(word, names, n);
    app_say(a, ROLE_ERROR, "no command \"%s\"%s%s%s", word,
            near ? "; did you mean \"" : "; ? lists them", near ? near : "",
            near ? "\"?" : "");
}

void app_command(struct app *a, const char *line)
{
    char word[64];

    line += strspn(line, " ");
    size_t n = strcspn(line, " ");
    const char *args = line + n + strspn(line + n, " ");
    snprintf(word, sizeof word, "%.*s", (int)n, line);
    const struct action *action = action_find(line, n);
    const struct view *view = view_find(word);
    const struct cmd *cmd = action || view ? NULL : cmd_find(word);
    a->is_dirty = true;
    if (action && !action_is_allowed(a, action))
        app_say(a, ROLE_WARN, "%s: this console only reads (--readonly)", action->name);
    else if (action)
        action->run(a, args);
    else if (view && !*args)
        action_find("view", 4)->run(a, word);
    else if (cmd && child_is_allowed(a, cmd))
        child_start(a, cmd, line);
    else if (cmd)
        app_say(a, ROLE_WARN, "weir %s is not for the console; use a shell", word);
    else if (*word)
        unknown_command(a, word);
}

void app_key(struct app *a, int key)
{
    if (key == KEY_NAMED)
        return; /* a key without a meaning must not wipe the message */
    a->is_dirty = true;
    if (key == CTRL_C) {
        a->is_done = true;
        return;
    }
    a->message[0] = '\0';
    if (a->modal) {
        a->modal->ops->key(a, a->modal, key);
        return;
    }
    char line[GRID_FILTER_MAX];
    const char *command = keymap_find(&a->keymap, app_page(a)->view->name, key);
    if (!command)
        return;
    str_copy(line, sizeof line, command); /* the map may change under the command */
    app_command(a, line);
}

/* ── life ─────────────────────────────────────────────────────────────────────────────
 */

static int load_keys(struct app *a, struct err *e)
{
    struct buf b;
    int rc = 0;

    keymap_init_default(&a->keymap);
    if (!a->o.keys_file || access(a->o.keys_file, R_OK) < 0)
        return 0;
    buf_init(&b, 256u * 1024);
    rc = buf_read_file(&b, a->o.keys_file, e);
    if (rc == 0)
        rc = keymap_parse(&a->keymap, buf_str(&b), b.len, a->o.keys_file, e);
    buf_release(&b);
    return rc;
}

int app_open(struct app *a, const struct app_options *o, struct err *e)
{
    struct term_options t = {.is_headless = o->is_script,
                             .rows = o->rows,
                             .cols = o->cols,
                             .is_ascii = o->is_ascii,
                             .has_mouse = o->has_mouse};
    struct err theme_error = {0};
    int rc;

    *a = (struct app){.o = *o, .child_fd = -1};
    a->mono_ms = o->is_script ? 0 : time_mono_ms();
    a->wall_ms = a->now_ms = o->is_script ? 0 : time_wall_ms();
    theme_init_default(&a->theme);
    int theme_rc = theme_load(&a->theme, o->theme ? o->theme : "default", o->theme_dirs,
                              &theme_error);
    if ((rc = load_keys(a, e)) < 0 || (rc = term_open(&a->term, &t, e)) < 0) {
        keymap_release(&a->keymap);
        return rc;
    }
    term_set_theme(&a->term, &a->theme);
    feeds_init(&a->feeds);
    buf_init(&a->child_out, 1u << 20);
    uplink_init(&a->uplink, o->socket, o->is_script);
    a->uplink.on_feed = take_feed;
    a->uplink.context = a;
    app_go(a, 0);
    if (theme_rc < 0) /* colours are no reason to refuse an operator */
        app_say(a, ROLE_WARN, "%s; using the default theme", theme_error.text);
    else if (a->term.note[0])
        app_say(a, ROLE_WARN, "%s", a->term.note);
    return 0;
}

void app_close(struct app *a)
{
    child_end(a);
    uplink_release(&a->uplink);
    while (a->modal)
        app_pop(a);
    for (size_t i = 0; i < VIEW_ROOTS; i++)
        page_free(a->tops[i]);
    term_close(&a->term);
    feeds_release(&a->feeds);
    keymap_release(&a->keymap);
    buf_release(&a->child_out);
}

static int open_signals(struct err *e)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGWINCH);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd < 0 ? err_errno(e, ERR_IO, "signalfd") : fd;
}

void app_resize(struct app *a, int rows, int cols)
{
    term_resize(&a->term, rows, cols);
    page_forget(app_page(a)); /* rows may depend on the room */
    a->is_dirty = true;
}

static void take_signals(struct app *a, int fd)
{
    struct signalfd_siginfo s;

    while (read(fd, &s, sizeof s) == (ssize_t)sizeof s) {
        if (s.ssi_signo == SIGWINCH) {
            app_resize(a, 0, 0);
        } else {
            a->is_done = true;
        }
    }
}

/* Whether the age of the data is on screen: it counts up by the second then. */
static bool shows_age(const struct app *a)
{
    return !uplink_is_up(&a->uplink) ||
           a->mono_ms - a->uplink.heard_ms > UPLINK_STALE_MS;
}

static int next_timeout(const struct app *a)
{
    int64_t t = uplink_timeout(&a->uplink, a->mono_ms);

    if (shows_age(a) && (t < 0 || t > 1000))
        t = 1000;
    if (a->is_behind) {
        int64_t due = a->drawn_ms + SLOW_MS - a->mono_ms;
        t = due < 0 ? 0 : (t < 0 || t > due) ? due : t;
    }
    return t > 60000 ? 60000 : (int)t;
}

static bool frame_is_due(const struct app *a)
{
    return a->is_dirty || shows_age(a) ||
           (a->is_behind && (!a->o.is_slow || a->mono_ms - a->drawn_ms >= SLOW_MS));
}

static void turn(struct app *a, struct pollfd *fds, int signals)
{
    bool was_up = uplink_is_up(&a->uplink);
    int key;

    a->mono_ms = time_mono_ms();
    if (!app_overview(a, "wall_ms"))
        a->wall_ms = a->now_ms = time_wall_ms();
    if (fds[1].revents)
        take_signals(a, signals);
    if (fds[0].revents & (POLLHUP | POLLERR))
        a->is_done = true;
    while (!a->is_done && (key = term_key(&a->term)) != KEY_NONE)
        app_key(a, key);
    if (a->child && fds[3].revents)
        child_read(a);
    uplink_step(&a->uplink, a->mono_ms);
    if (uplink_is_up(&a->uplink) == was_up)
        return;
    a->is_dirty = true;
    if (!was_up)
        uplink_send(&a->uplink, "whoami", NULL, take_role, a);
}

int app_loop(struct app *a, struct err *e)
{
    int signals = open_signals(e);
    struct pollfd fds[4] = {{.fd = STDIN_FILENO, .events = POLLIN},
                            {.fd = signals, .events = POLLIN}};

    if (signals < 0)
        return signals;
    uplink_step(&a->uplink, a->mono_ms);
    a->is_dirty = true;
    while (!a->is_done) {
        if (frame_is_due(a)) {
            app_draw(a);
            a->is_dirty = a->is_behind = false;
            a->drawn_ms = a->mono_ms;
        }
        fds[2] =
            (struct pollfd){.fd = a->uplink.fd, .events = uplink_events(&a->uplink)};
        fds[3] = (struct pollfd){.fd = a->child_fd, .events = POLLIN};
        if (poll(fds, 4, next_timeout(a)) < 0 && errno != EINTR) {
            close(signals);
            return err_errno(e, ERR_IO, "poll");
        }
        turn(a, fds, signals);
    }
    close(signals);
    return 0;
}

int app_run(const struct app_options *o, struct err *e)
{
    struct app a;
    int rc = app_open(&a, o, e);

    if (rc < 0)
        return rc;
    rc = app_loop(&a, e);
    app_close(&a);
    return rc;
}
