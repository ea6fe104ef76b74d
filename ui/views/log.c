/* One log: a tail that follows, stops the moment the reader scrolls up and says so,
 * counts what was dropped and what is new. In: a log feed (or the output of a command).
 * Holds always: while it does not follow, not a line moves; the column stays when lines
 * come. */
#include <stdio.h>
#include <strings.h>
#include "base/json.h"
#include "base/str.h"
#include "base/timeutil.h"
#include "ui/app.h"
#include "ui/fmt.h"

static json_t *lines_of(struct app *a, const struct page *p)
{
    json_t *data = page_data(a, p);

    return json_is_array(data) ? data : json_arr(data, "lines");
}

/* weir's lines begin with their own time and level and then name the process
 * (base/log.h): the time is shown once, the name is in the crumbs already. */
static void visible_text(const struct page *p, const char *text, int64_t *at,
                         struct buf *out)
{
    size_t n = strcspn(text, " ");
    const char *name = str_starts(p->arg, "log:") ? p->arg + 4 : "";

    if (n >= 20 && n <= 30 && text[4] == '-' &&
        time_parse_iso((struct str){text, n}, at)) {
        text += n + (text[n] == ' ');
        n = strcspn(text, " ");
        n += strspn(text + n, " ");
        buf_add(out, text, n);
        text += n;
        n = str_starts(p->arg, "tasklog:") ? strcspn(text, " :") : strlen(name);
        if (n && strncmp(text, name, strlen(name)) == 0 && str_starts(text + n, ": "))
            text += n + 2;
    }
    buf_adds(out, text);
}

#define TIME_CELLS 9

/* Rows a line takes on a screen w cells wide. */
static int rows_of(struct app *a, const struct page *p, const json_t *line, int w)
{
    int64_t at = json_i64(line, "at_ms", 0);
    struct buf b;

    if (!p->wraps)
        return 1;
    buf_init(&b, 64u * 1024);
    visible_text(p, json_str(line, "text", ""), &at, &b);
    int width = draw_width(&a->term, buf_str(&b), b.len);
    buf_release(&b);
    w -= at > 0 ? TIME_CELLS : 0;
    return w < 1 || width <= w ? 1 : (width + w - 1) / w;
}

/* First line of a screen that shows the end. */
static size_t last_top(struct app *a, const struct page *p)
{
    json_t *lines = lines_of(a, p);
    size_t top = json_array_size(lines);
    int room = p->grid.page_rows;

    while (top > 0) {
        room -= rows_of(a, p, json_array_get(lines, top - 1), a->term.cols - 1);
        if (room < 0)
            break;
        top--;
    }
    return top;
}

static void scroll_to(struct app *a, struct page *p, size_t top)
{
    size_t last = last_top(a, p);

    if (!p->is_paused) {
        p->top = last;
        if (top >= last)
            return;
        page_pause(a, p, true);
        p->n_frozen = json_array_size(lines_of(a, p));
    }
    p->top = top < last ? top : last;
}

static void scroll(struct app *a, struct page *p, long by)
{
    size_t top = p->is_paused ? p->top : last_top(a, p);

    scroll_to(a, p, by < 0 && top < (size_t)-by ? 0 : top + (size_t)by);
}

/* ── search ───────────────────────────────────────────────────────────────────────────
 */

static bool line_has(const json_t *lines, size_t at, const char *needle)
{
    return strcasestr(json_str(json_array_get(lines, at), "text", ""), needle) != NULL;
}

/* The next line in a direction that has the text, around the end; SIZE_MAX none. */
static size_t find(const json_t *lines, size_t from, int by, const char *needle)
{
    size_t n = json_array_size(lines);

    for (size_t step = 1; step <= n; step++) {
        size_t at = by > 0 ? (from + step) % n : (from + n * 2 - step) % n;
        if (line_has(lines, at, needle))
            return at;
    }
    return SIZE_MAX;
}

static void search(struct app *a, struct page *p, int by)
{
    json_t *lines = lines_of(a, p);
    size_t from = p->is_paused ? p->cursor_line : json_array_size(lines);

    if (!p->search[0]) {
        app_say(a, ROLE_WARN, "nothing to search for; / asks");
        return;
    }
    size_t at = json_array_size(lines) ? find(lines, from, by, p->search) : SIZE_MAX;
    if (at == SIZE_MAX) {
        app_say(a, ROLE_WARN, "\"%s\" is not in these %zu lines", p->search,
                json_array_size(lines));
        return;
    }
    if (!p->is_paused) {
        page_pause(a, p, true);
        p->n_frozen = json_array_size(lines);
    }
    p->cursor_line = at;
    size_t middle = (size_t)p->grid.page_rows / 2;
    scroll_to(a, p, at > middle ? at - middle : 0);
}

static void follow(struct app *a, struct page *p, bool on)
{
    if (on == !p->is_paused)
        return;
    if (on) {
        page_pause(a, p, false);
    } else {
        p->top = last_top(a, p);
        page_pause(a, p, true);
        p->n_frozen = json_array_size(lines_of(a, p));
    }
}

/* ── the log of the next process ──────────────────────────────────────────────────────
 */

static void other_log(struct app *a, struct page *p, int by)
{
    const json_t *processes = feeds_get(&a->feeds, "processes");
    size_t n = json_array_size(processes), at = n;
    char feed[290];

    for (size_t i = 0; i < n; i++) {
        snprintf(feed, sizeof feed, "log:%s",
                 json_str(json_array_get(processes, i), "name", ""));
        if (streq(feed, p->arg))
            at = i;
    }
    if (n < 2 || !str_starts(p->arg, "log:")) {
        app_say(a, ROLE_WARN, "open a log from processes (5) or logs (6) first");
        return;
    }
    at = at == n ? 0 : (at + n + (size_t)(by + (int)n)) % n;
    const char *name = json_str(json_array_get(processes, at), "name", "");
    char label[290]; /* the page that is left owns name's row */
    str_copy(label, sizeof label, name);
    app_back(a);
    app_open_log(a, label, label);
}

static bool action(struct app *a, struct page *p, const char *name, const char *args)
{
    long page = p->grid.page_rows;

    if (streq(name, "row-down"))
        scroll(a, p, 1);
    else if (streq(name, "row-up"))
        scroll(a, p, -1);
    else if (streq(name, "half-down"))
        scroll(a, p, page / 2);
    else if (streq(name, "half-up"))
        scroll(a, p, -page / 2);
    else if (streq(name, "page-down"))
        scroll(a, p, page);
    else if (streq(name, "page-up"))
        scroll(a, p, -page);
    else if (streq(name, "top"))
        scroll_to(a, p, 0);
    else if (streq(name, "bottom"))
        follow(a, p, true);
    else if (streq(name, "follow"))
        follow(a, p, p->is_paused);
    else if (streq(name, "left"))
        p->left = p->left > 8 ? p->left - 8 : 0;
    else if (streq(name, "right"))
        p->left += 8;
    else if (streq(name, "wrap"))
        p->wraps = !p->wraps;
    else if (streq(name, "next-log"))
        other_log(a, p, 1);
    else if (streq(name, "previous-log"))
        other_log(a, p, -1);
    else if (streq(name, "search-next"))
        search(a, p, 1);
    else if (streq(name, "search-previous"))
        search(a, p, -1);
    else if (streq(name, "search")) {
        str_copy(p->search, sizeof p->search, streq(args, "-") ? "" : args);
        if (p->search[0])
            search(a, p, -1);
    } else
        return false;
    return true;
}

/* Lines behind the last one that is held still. The feed holds only a tail, so that
 * line is looked for; when it is gone, everything there is new and more may have
 * passed. */
static size_t count_new(const json_t *frozen, const json_t *now, bool *is_exact)
{
    size_t n = json_array_size(now), held = json_array_size(frozen);
    const json_t *last = held ? json_array_get(frozen, held - 1) : NULL;

    *is_exact = true;
    for (size_t i = n; last && i-- > 0;)
        if (json_equal(json_array_get(now, i), last))
            return n - 1 - i;
    *is_exact = !last;
    return n;
}

static void status(struct app *a, struct page *p, char *out, size_t size)
{
    char feed[340];
    json_t *data = page_data(a, p);
    int64_t dropped = json_i64(data, "dropped", 0);
    char lost[64] = "";

    if (dropped > 0)
        snprintf(lost, sizeof lost, "%lld lines dropped  ", (long long)dropped);
    page_feed(p, feed, sizeof feed);
    json_t *now = feeds_get(&a->feeds, feed);
    now = json_is_array(now) ? now : json_arr(now, "lines");
    size_t n = json_array_size(now), end = p->top + (size_t)p->grid.page_rows;
    if (!p->is_paused) {
        bool is_live = str_starts(p->arg, "log:");
        snprintf(out, size, "%s%s%zu line%s", lost, is_live ? "following " : "", n,
                 n == 1 ? "" : "s");
        return;
    }
    bool is_exact;
    size_t more = count_new(lines_of(a, p), now, &is_exact);
    snprintf(out, size, "%sFOLLOW STOPPED, line %zu of %zu, %zu%s new (G follows)",
             lost, end < p->n_frozen ? end : p->n_frozen, p->n_frozen, more,
             is_exact ? "" : " or more");
}

static void mark_found(struct app *a, const struct page *p, int y, int x, int w,
                       const char *text)
{
    const char *at = p->search[0] ? strcasestr(text, p->search) : NULL;

    if (at && at - text >= p->left)
        draw_mark(&a->term, y, x, w, text + p->left, (size_t)(at - text - p->left),
                  strlen(p->search), ROLE_MATCH);
}

static void draw_line(struct app *a, const struct page *p, const json_t *line, int y,
                      struct rect r, struct buf *b)
{
    int64_t at = json_i64(line, "at_ms", 0);
    int x = r.x + 1;
    char time[FMT_MAX];
    enum role role = ROLE_TEXT;

    buf_reset(b);
    visible_text(p, json_str(line, "text", ""), &at, b);
    const char *text = buf_str(b);
    if (at > 0) {
        draw_text(&a->term, y, x, 8, ROLE_MUTED,
                  fmt_time(at, (struct fmt_when){at, a->zone}, time));
        x += TIME_CELLS;
    }
    if (str_starts(text, "error "))
        role = ROLE_ERROR;
    else if (str_starts(text, "warn "))
        role = ROLE_WARN;
    int w = r.x + r.w - x;
    for (int i = 0; p->wraps && i < r.h; i++)
        draw_skip(&a->term, y + i, x, w, i * w, role, text, b->len);
    if (p->wraps)
        return;
    draw_skip(&a->term, y, x, w, p->left, role, text, b->len);
    mark_found(a, p, y, x, w, text);
    if (draw_width(&a->term, text, b->len) - p->left > w)
        draw_glyph(&a->term, y, x + w - 1, GLYPH_ELLIPSIS, ROLE_MUTED);
}

static void draw(struct app *a, struct page *p, struct rect r)
{
    json_t *lines = lines_of(a, p);
    size_t n = json_array_size(lines);
    struct buf b;

    p->grid.page_rows = r.h;
    size_t last = last_top(a, p);
    if (!p->is_paused || p->top > last)
        p->top = last;
    if (!n)
        draw_text(&a->term, r.y + 1, r.x + 2, r.w - 4, ROLE_MUTED,
                  page_data(a, p) ? "nothing was written yet" : "waiting for data");
    buf_init(&b, 64u * 1024);
    int y = r.y, end = r.y + r.h;
    for (size_t i = p->top; i < n && y < end; i++) {
        const json_t *line = json_array_get(lines, i);
        int rows = rows_of(a, p, line, r.w - 1);
        rows = rows > end - y ? end - y : rows;
        draw_line(a, p, line, y, (struct rect){y, r.x, rows, r.w}, &b);
        y += rows;
    }
    buf_release(&b);
}

const struct view view_log = {
    .name = "log",
    .title = "Log",
    .doc = "what a process or a task wrote",
    .feed = "%s",
    .sort = -1,
    .draw = draw,
    .action = action,
    .status = status,
};
