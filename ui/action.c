/* What keys and the palette do, one small function each. In: the app and the text
 * behind the action's name; out: a changed app. Called by app_command only. Holds
 * always: an action that changes the platform goes through app_request, which read-only
 * consoles refuse, and asks before it is sent. */
#include "ui/action.h"

#include <stdio.h>
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "ui/app.h"
#include "ui/form.h"
#include "ui/help.h"
#include "ui/palette.h"

/* A view may do an action its own way (a log scrolls lines, not rows). */
static bool view_did(struct app *a, const char *name, const char *args)
{
    struct page *p = app_page(a);

    return p->view->action && p->view->action(a, p, name, args);
}

static const char *row_text(const struct app *a, const char *key)
{
    return json_str(grid_row(&app_page(a)->grid), key, "");
}

static json_t *args_of(const char *key, const char *value)
{
    json_t *args = json_object();

    json_put_str(args, key, value);
    return args;
}

/* ── where to look ────────────────────────────────────────────────────────────────────
 */

/* A view may show more rows when it is filtered: they are made again. */
static void set_filter(struct page *p, const char *filter)
{
    grid_set_filter(&p->grid, filter);
    page_forget(p);
}

static void run_open(struct app *a, const char *args)
{
    struct page *p = app_page(a);
    json_t *row = grid_row(&p->grid);

    (void)args;
    if (!row || view_did(a, "open", ""))
        return;
    json_incref(row);
    if (p->view->open) {
        p->view->open(a, p, row);
    } else {
        struct buf id;
        buf_init(&id, 4096);
        grid_id(&p->grid, row, &id);
        app_open_page(a, view_find("detail"), "", buf_str(&id));
        app_page(a)->frozen = json_incref(row);
        app_page(a)->is_paused = true;
        buf_release(&id);
    }
    json_decref(row);
}

/* Esc ("stay") never leaves the console: it is pressed too easily. */
static void run_back(struct app *a, const char *args)
{
    struct page *p = app_page(a);

    if (p->grid.filter[0])
        set_filter(p, "");
    else if (streq(args, "stay") && !p->below && a->root == 0)
        app_say(a, ROLE_MUTED, "q leaves the console");
    else
        app_back(a);
}

static void run_view(struct app *a, const char *args)
{
    for (size_t i = 0; i < VIEW_ROOTS; i++) {
        if (streq(view_root(i)->name, args)) {
            app_go(a, i);
            return;
        }
    }
    const struct view *v = view_find(args);
    if (v && v->feed && !strstr(v->feed, "%s")) /* needs no row to come from */
        app_open_page(a, v, "", v->name);
    else
        app_say(a, ROLE_ERROR, "no view \"%s\"; 1 to 8 or : and a view's name", args);
}

static void run_next_view(struct app *a, const char *args)
{
    (void)args;
    app_go(a, (a->root + 1) % VIEW_ROOTS);
}

static void run_previous_view(struct app *a, const char *args)
{
    (void)args;
    app_go(a, (a->root + VIEW_ROOTS - 1) % VIEW_ROOTS);
}

static void run_filter(struct app *a, const char *args)
{
    struct page *p = app_page(a);

    if (*args)
        set_filter(p, streq(args, "-") ? "" : args);
    else
        palette_ask(a, "filter", "/", p->grid.filter, true);
}

static void run_sort(struct app *a, const char *args)
{
    struct grid *g = &app_page(a)->grid;
    char name[64];
    size_t n = strcspn(args, " ");

    snprintf(name, sizeof name, "%.*s", (int)n, args);
    int column = grid_column(g, name);
    if (column < 0)
        app_say(a, ROLE_ERROR, "no column \"%s\" here", name);
    else
        grid_set_sort(g, column, str_ends(args, " desc"));
}

static void run_sort_next(struct app *a, const char *args)
{
    struct grid *g = &app_page(a)->grid;

    (void)args;
    if (!g->n_columns)
        return;
    int next = g->sort + 1 >= (int)g->n_columns ? -1 : g->sort + 1;
    grid_set_sort(g, next, false);
    app_say(a, ROLE_MUTED, next < 0 ? "in the order it came" : "sorted by %s",
            next < 0 ? "" : g->columns[next].title);
}

static void run_sort_reverse(struct app *a, const char *args)
{
    struct grid *g = &app_page(a)->grid;

    (void)args;
    if (g->sort >= 0)
        grid_set_sort(g, g->sort, !g->is_descending);
}

/* ── moving ───────────────────────────────────────────────────────────────────────────
 */

static void move(struct app *a, const char *name, long rows)
{
    if (!view_did(a, name, ""))
        grid_move(&app_page(a)->grid, rows);
}

static void run_down(struct app *a, const char *args)
{
    (void)args;
    move(a, "row-down", 1);
}

static void run_up(struct app *a, const char *args)
{
    (void)args;
    move(a, "row-up", -1);
}

static void run_left(struct app *a, const char *args)
{
    (void)args;
    view_did(a, "left", "");
}

static void run_right(struct app *a, const char *args)
{
    (void)args;
    view_did(a, "right", "");
}

static void run_top(struct app *a, const char *args)
{
    (void)args;
    if (!view_did(a, "top", ""))
        grid_goto(&app_page(a)->grid, 0);
}

static void run_bottom(struct app *a, const char *args)
{
    (void)args;
    if (!view_did(a, "bottom", ""))
        grid_goto(&app_page(a)->grid, SIZE_MAX);
}

static void run_half_down(struct app *a, const char *args)
{
    (void)args;
    move(a, "half-down", app_page(a)->grid.page_rows / 2);
}

static void run_half_up(struct app *a, const char *args)
{
    (void)args;
    move(a, "half-up", -app_page(a)->grid.page_rows / 2);
}

static void run_page_down(struct app *a, const char *args)
{
    (void)args;
    move(a, "page-down", app_page(a)->grid.page_rows);
}

static void run_page_up(struct app *a, const char *args)
{
    (void)args;
    move(a, "page-up", -app_page(a)->grid.page_rows);
}

static void run_next_problem(struct app *a, const char *args)
{
    (void)args;
    if (!grid_next_problem(&app_page(a)->grid))
        app_say(a, ROLE_OK, "no row here failed or wants a look");
}

static void run_click(struct app *a, const char *args)
{
    struct grid *g = &app_page(a)->grid;
    int row = a->term.click_y - g->first_y;

    (void)args;
    if (row >= 0 && row < g->page_rows)
        grid_goto(g, g->top + (size_t)row);
}

/* ── logs and feeds ───────────────────────────────────────────────────────────────────
 */

static void run_search(struct app *a, const char *args)
{
    if (*args || !app_page(a)->view->action)
        view_did(a, "search", args);
    else
        palette_ask(a, "search", "search: ", app_page(a)->search, false);
}

static void run_search_next(struct app *a, const char *args)
{
    view_did(a, "search-next", args);
}

static void run_search_previous(struct app *a, const char *args)
{
    view_did(a, "search-previous", args);
}

static void run_follow(struct app *a, const char *args)
{
    view_did(a, "follow", args);
}

static void run_wrap(struct app *a, const char *args)
{
    view_did(a, "wrap", args);
}

static void run_next_log(struct app *a, const char *args)
{
    view_did(a, "next-log", args);
}

static void run_previous_log(struct app *a, const char *args)
{
    view_did(a, "previous-log", args);
}

static void run_pause(struct app *a, const char *args)
{
    struct page *p = app_page(a);

    (void)args;
    page_pause(a, p, !p->is_paused);
}

static void run_reason(struct app *a, const char *args)
{
    view_did(a, "reason", args);
}

/* ── what changes the platform ────────────────────────────────────────────────────────
 */

static void run_rerun(struct app *a, const char *args)
{
    struct page *p = app_page(a);
    char node[300];

    if (*args) {
        size_t n = strcspn(args, " ");
        const char *scope = args + n + strspn(args + n, " ");
        snprintf(node, sizeof node, "%.*s", (int)n, args);
        rerun_open(a, node, *scope ? scope : NULL);
        return;
    }
    json_t *row = grid_row(&p->grid);
    if (row && p->view->node && p->view->node(row, node, sizeof node))
        rerun_open(a, node, NULL);
    else
        app_say(a, ROLE_WARN,
                "nothing to run again under the cursor; :rerun NODE or :run-models");
}

static void run_run(struct app *a, const char *args)
{
    rerun_open_run(a, args);
}

static void run_cancel(struct app *a, const char *args)
{
    json_t *row = grid_row(&app_page(a)->grid);
    json_t *request = json_object();
    char name[64];

    (void)args;
    if (!row || !streq(app_page(a)->view->name, "runs")) {
        json_decref(request);
        app_say(a, ROLE_WARN, "put the cursor on a run first (3 shows them)");
        return;
    }
    json_put_i64(request, "run", json_i64(row, "id", 0));
    snprintf(name, sizeof name, "run %lld", (long long)json_i64(row, "id", 0));
    form_confirm(a, "Cancel a run", "Cancel run",
                 "Tasks at work are stopped; what was published stays.", name, "cancel",
                 request);
}

static const char *process_of(struct app *a, const char *args)
{
    if (*args)
        return args;
    if (streq(app_page(a)->view->name, "processes") && grid_row(&app_page(a)->grid))
        return row_text(a, "name");
    app_say(a, ROLE_WARN, "which process? put the cursor on it (5 shows them)");
    return NULL;
}

static void run_restart(struct app *a, const char *args)
{
    const char *name = process_of(a, args);

    if (name)
        form_confirm(a, "Restart a process", "Restart",
                     "It is stopped and started again; it goes on where it committed.",
                     name, "restart", args_of("process", name));
}

static void run_stop(struct app *a, const char *args)
{
    const char *name = process_of(a, args);

    if (name)
        form_confirm(a, "Stop a process", "Stop",
                     "It stays down until somebody starts it; its work waits.", name,
                     "stop", args_of("process", name));
}

static void run_start(struct app *a, const char *args)
{
    const char *name = process_of(a, args);

    if (name)
        form_confirm(a, "Start a process", "Start", "It goes on where it committed.",
                     name, "start", args_of("process", name));
}

static void run_stop_start(struct app *a, const char *args)
{
    const char *state = row_text(a, "state");

    (void)args;
    if (streq(state, "down") || streq(state, "failed") || streq(state, "done"))
        run_start(a, "");
    else
        run_stop(a, "");
}

static void run_sync(struct app *a, const char *args)
{
    if (*args)
        form_confirm(a, "Read a source now", "Sync",
                     "Reads the source to its end without waiting for its schedule.",
                     args, "sync", args_of("source", args));
    else
        app_say(a, ROLE_WARN, "which source? :sync NAME");
}

static void run_ack(struct app *a, const char *args)
{
    const char *key = row_text(a, "key");

    (void)args;
    if (!*key) {
        app_say(a, ROLE_WARN, "put the cursor on an alert first (7 shows them)");
        return;
    }
    form_confirm(a, "Acknowledge an alert", "Acknowledge",
                 "It is no longer open; a new alert of its kind comes again.", key,
                 "ack", args_of("key", key));
}

/* Of the gate named, under the cursor or on the page; else what each has kept. */
static void run_kept(struct app *a, const char *args)
{
    const struct page *p = app_page(a);
    char line[340];

    if (!*args && streq(p->view->name, "gates"))
        args = row_text(a, "name");
    else if (!*args && streq(p->view->name, "checks"))
        args = p->arg;
    snprintf(line, sizeof line, "gate quarantine %s", args);
    app_command(a, line);
}

static void run_shutdown(struct app *a, const char *args)
{
    (void)args;
    form_confirm(
        a, "Stop the platform", "Drain and stop",
        "Everything read is written, then all processes end. The console stays.",
        "the platform", "down", NULL);
}

/* ── the console itself ───────────────────────────────────────────────────────────────
 */

static void copy(struct app *a, bool whole_row)
{
    struct page *p = app_page(a);
    struct buf b;
    struct err e;

    if (!grid_row(&p->grid)) {
        app_say(a, ROLE_WARN, "nothing under the cursor to copy");
        return;
    }
    buf_init(&b, 1u << 20);
    if (whole_row)
        grid_tsv(&p->grid, true, &b);
    else
        grid_id(&p->grid, grid_row(&p->grid), &b);
    if (term_copy(&a->term, buf_str(&b), b.len, &e) < 0)
        app_say(a, ROLE_ERROR, "%s", e.text);
    else
        app_say(a, ROLE_MUTED, "copied %s", whole_row ? "the row" : buf_str(&b));
    buf_release(&b);
}

static void run_copy(struct app *a, const char *args)
{
    (void)args;
    copy(a, false);
}

static void run_copy_row(struct app *a, const char *args)
{
    (void)args;
    copy(a, true);
}

static void run_dump(struct app *a, const char *args)
{
    struct buf b;
    struct err e;

    if (!*args) {
        app_say(a, ROLE_WARN, "into which file? :dump FILE");
        return;
    }
    buf_init(&b, 16u << 20);
    if (str_ends(args, ".tsv"))
        grid_tsv(&app_page(a)->grid, false, &b);
    else
        term_dump(&a->term, 0, a->term.rows, false, &b);
    if (buf_write_file(buf_str(&b), b.len, args, &e) < 0)
        app_say(a, ROLE_ERROR, "%s", e.text);
    else
        app_say(a, ROLE_MUTED, "%zu bytes written to %s", b.len, args);
    buf_release(&b);
}

static void run_theme(struct app *a, const char *args)
{
    if (*args)
        app_set_theme(a, args);
    else
        app_say(a, ROLE_MUTED, "theme %s; :theme NAME changes it", a->theme.name);
}

static void run_palette(struct app *a, const char *args)
{
    (void)args;
    palette_open(a);
}

static void run_help(struct app *a, const char *args)
{
    (void)args;
    help_open(a);
}

static void run_repaint(struct app *a, const char *args)
{
    (void)args;
    term_repaint(&a->term);
}

static void run_quit(struct app *a, const char *args)
{
    (void)args;
    a->is_done = true;
}

#define MUTATES ACTION_MUTATES
#define MOTION  ACTION_MOTION
static const struct action actions[] = {
#define X(id, name, args, flags, label, doc) {name, args, flags, label, doc, run_##id},
#include "ui/action.list"
#undef X
};
#undef MUTATES
#undef MOTION

size_t action_count(void)
{
    return sizeof actions / sizeof *actions;
}

const struct action *action_at(size_t i)
{
    return &actions[i];
}

const struct action *action_find(const char *name, size_t n)
{
    for (size_t i = 0; i < action_count(); i++)
        if (strlen(actions[i].name) == n && memcmp(actions[i].name, name, n) == 0)
            return &actions[i];
    return NULL;
}

bool action_is_allowed(const struct app *a, const struct action *action)
{
    return !a->o.is_readonly || !(action->flags & ACTION_MUTATES);
}
