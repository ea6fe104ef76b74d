/* One frame: crumbs and badge, views, the page, message line, hints. In: the app's
 * state; out: cells. Called by app.c once a turn. Holds always: fits any size; below
 * 80x24 it says so and goes on working. */
#include <stdio.h>
#include "base/json.h"
#include "base/str.h"
#include "ui/app.h"
#include "ui/fmt.h"
#include "ui/help.h"

#define ROWS_WANTED 24
#define COLS_WANTED 80
#define HINTS_MAX   8

/* Pages from the root up, drawn as "weir > retail > runs > 12". */
static int draw_crumb_of(struct app *a, const struct page *p, int x, int w)
{
    if (p->below)
        x = draw_crumb_of(a, p->below, x, w);
    if (x + 3 >= w)
        return x;
    x += draw_text(&a->term, 0, x, 1, ROLE_MUTED, " ");
    x += draw_glyph(&a->term, 0, x, GLYPH_CRUMB, ROLE_MUTED);
    x++;
    return x + draw_text(&a->term, 0, x, w - x,
                         p == app_page(a) ? ROLE_TITLE : ROLE_TEXT, p->label);
}

static const char *age_text(const struct app *a, char out[64], enum role *role)
{
    char span[FMT_MAX];
    int64_t age = a->mono_ms - a->uplink.heard_ms;

    *role = ROLE_STALE;
    if (!a->uplink.was_up && !app_overview(a, "platform"))
        return "offline";
    fmt_span(age / 1000 * 1000, span);
    if (!uplink_is_up(&a->uplink))
        snprintf(out, 64, "LOST, %s old", span);
    else if (age > UPLINK_STALE_MS)
        snprintf(out, 64, "STALE, %s old", span);
    else {
        *role = ROLE_OK;
        return "live";
    }
    return out;
}

/* From right to left: age, clock, state, badge. Returns the first cell used. */
static int draw_status(struct app *a, int x)
{
    char text[64], clock[FMT_MAX + 8];
    bool is_prod;
    enum role role;
    const char *environment = app_environment(a, &is_prod);
    const char *age = age_text(a, text, &role);
    const char *state = json_string_value(app_overview(a, "state"));

    x -= (int)strlen(age) + 1;
    draw_text(&a->term, 0, x, (int)strlen(age), role, age);
    if (app_overview(a, "now_ms") && a->term.cols >= COLS_WANTED) {
        bool is_data =
            a->term.cols >= 100 &&
            streq(json_str(feeds_get(&a->feeds, "overview"), "clock", ""), "data");
        memcpy(clock, is_data ? "data " : "", is_data ? 6 : 1);
        fmt_clock(app_when(a, true), clock + (is_data ? 5 : 0));
        x -= (int)strlen(clock) + 2;
        draw_text(&a->term, 0, x, (int)strlen(clock), ROLE_MUTED, clock);
    }
    if (state) {
        x -= draw_width(&a->term, state, strlen(state)) + 2;
        draw_text(&a->term, 0, x, 12,
                  uplink_is_up(&a->uplink) ? grid_state_role(state) : ROLE_MUTED,
                  state);
    }
    if (*environment) {
        char badge[40];
        snprintf(badge, sizeof badge, is_prod ? " %.30s! " : " %.30s ", environment);
        int width = draw_width(&a->term, badge, strlen(badge));
        x -= width + 2;
        draw_text(&a->term, 0, x, width, is_prod ? ROLE_PROD : ROLE_ENV, badge);
    }
    return x;
}

static void draw_crumbs(struct app *a)
{
    const char *platform = json_string_value(app_overview(a, "platform"));
    int end = draw_status(a, a->term.cols) - 1;
    int x = 1 + draw_text(&a->term, 0, 1, end - 1, ROLE_TITLE,
                          platform ? platform : "weir");

    if (a->o.is_readonly)
        x += draw_text(&a->term, 0, x, end - x, ROLE_MUTED, " (read only)");
    draw_crumb_of(a, app_page(a), x, end);
}

static void draw_tabs(struct app *a)
{
    int64_t alerts = json_i64(app_overview(a, "counts"), "alerts_open", 0);
    int gap = a->term.cols >= 100 ? 2 : 1, x = 1;

    for (size_t i = 0; i < VIEW_ROOTS; i++) {
        char text[64];
        bool has_alerts = alerts > 0 && streq(view_root(i)->name, "alerts");
        snprintf(text, sizeof text, "%zu %s", i + 1, view_root(i)->name);
        x += draw_text(&a->term, 1, x, a->term.cols - x,
                       i == a->root ? ROLE_TAB : ROLE_MUTED, text);
        if (has_alerts)
            x += draw_printf(&a->term, 1, x, a->term.cols - x, ROLE_ERROR, "(%lld)",
                             (long long)alerts);
        x += gap;
    }
}

static void draw_hints(struct app *a)
{
    struct help_hint hints[HINTS_MAX];
    int y = a->term.rows - 1, x = 1, w = a->term.cols;

    if (a->term.rows < ROWS_WANTED || a->term.cols < COLS_WANTED) {
        char text[64];
        int n = snprintf(text, sizeof text, " %dx%d, made for %dx%d", a->term.cols,
                         a->term.rows, COLS_WANTED, ROWS_WANTED);
        draw_right(&a->term, y, 0, w - 1, ROLE_WARN, text);
        w -= n + 1;
    }
    if (a->modal) {
        draw_text(&a->term, y, x, w - x, ROLE_MUTED, a->modal->ops->hint);
        return;
    }
    size_t n = help_hints(a, app_page(a)->view->name, hints, HINTS_MAX);
    for (size_t i = 0; i < n; i++) {
        int need = (int)(strlen(hints[i].key) + strlen(hints[i].word)) + 1;
        if (x + need > w)
            break;
        x += draw_text(&a->term, y, x, w - x, ROLE_KEY, hints[i].key) + 1;
        x += draw_text(&a->term, y, x, w - x, ROLE_MUTED, hints[i].word) + 2;
    }
}

static void draw_message(struct app *a)
{
    struct page *p = app_page(a);
    char status[200] = "", position[64];
    int y = a->term.rows - 2, w = a->term.cols - 2;

    grid_position(&p->grid, position, sizeof position);
    if (p->view->status)
        p->view->status(a, p, status, sizeof status);
    if (*position) {
        size_t n = strlen(status);
        snprintf(status + n, sizeof status - n, "%s%s", n ? "  " : "", position);
    }
    int width = draw_width(&a->term, status, strlen(status));
    int message = draw_width(&a->term, a->message, strlen(a->message));
    if (!message && uplink_is_up(&a->uplink) && !p->grid.filter[0] && width > w)
        width = w; /* cut, rather than not there at all */
    if (*status && (!message || message + 2 + width < w)) {
        draw_text(&a->term, y, a->term.cols - 1 - width, width,
                  p->is_paused ? ROLE_WARN : ROLE_MUTED, status);
        w -= width + 2;
    }
    if (a->message[0])
        draw_text(&a->term, y, 1, w, a->message_role, a->message);
    else if (!uplink_is_up(&a->uplink) && app_overview(a, "platform"))
        draw_printf(&a->term, y, 1, w, ROLE_STALE, "connection lost, trying again: %s",
                    a->uplink.why);
    else if (p->grid.filter[0])
        draw_printf(&a->term, y, 1, w, ROLE_KEY, "filter: %s   (Esc shows all)",
                    p->grid.filter);
}

/* Before the first snapshot: what is missing and what to do. */
static void draw_nothing(struct app *a, struct rect r)
{
    int y = r.y + (r.h > 8 ? r.h / 3 : 0), x = r.x + 4, w = r.w - 8;

    if (uplink_is_up(&a->uplink)) {
        draw_text(&a->term, y, x, w, ROLE_MUTED,
                  "connected; waiting for the first data");
        return;
    }
    draw_text(&a->term, y++, x, w, ROLE_TITLE, "No supervisor answers.");
    y++;
    draw_wrapped(&a->term, (struct rect){y, x, 2, w}, ROLE_MUTED, a->uplink.why);
    y += 3;
    draw_text(&a->term, y++, x, w, ROLE_TEXT,
              "Start the platform in another terminal:");
    draw_text(&a->term, y++, x, w, ROLE_KEY,
              "  weir up            stays in the foreground");
    draw_text(&a->term, y++, x, w, ROLE_KEY,
              "  weir up --detach   goes to the background");
    y++;
    draw_text(&a->term, y++, x, w, ROLE_TEXT,
              "This console connects by itself. q leaves.");
}

void app_draw(struct app *a)
{
    struct rect body = {2, 0, a->term.rows - 4, a->term.cols};

    term_begin(&a->term);
    if (a->term.rows < 6 || a->term.cols < 30) {
        draw_printf(&a->term, 0, 0, a->term.cols, ROLE_WARN,
                    "%dx%d is too small for weir", a->term.cols, a->term.rows);
        draw_text(&a->term, 1, 0, a->term.cols, ROLE_TEXT, "please enlarge; q leaves");
        term_end(&a->term);
        return;
    }
    draw_crumbs(a);
    draw_tabs(a);
    if (app_overview(a, "platform") || streq(app_page(a)->arg, "output"))
        page_draw(a, app_page(a), body);
    else
        draw_nothing(a, body);
    draw_message(a);
    draw_hints(a);
    if (a->modal)
        a->modal->ops->draw(a, a->modal, body);
    term_end(&a->term);
}
