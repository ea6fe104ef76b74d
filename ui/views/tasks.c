/* Tasks of one run; Enter shows the log of one, R runs its node again. In: tasks:RUN.
 */
#include <stdio.h>
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "ui/app.h"
#include "ui/fmt.h"

#define LINES_WANTED 2000
#define SLACK_MS     200 /* lines are stamped when they are read */

struct wanted {
    struct app *app;
    char feed[400];
    int64_t from_ms, to_ms; /* of the task, 0 unknown */
    char node[200];
    char head[600]; /* how the task ended */
};

static void add_line(json_t *lines, const char *stream, const char *text)
{
    json_t *line = json_object();

    json_put_str(line, "stream", stream);
    json_put_str(line, "text", text);
    json_array_append_new(lines, line);
}

static void add_lines(json_t *lines, const char *stream, const char *text)
{
    while (*text) {
        size_t n = strcspn(text, "\n");
        char *one = mem_strndup(text, n);
        add_line(lines, stream, one);
        mem_free(one);
        text += n + (text[n] == '\n');
    }
}

static bool is_in_time(const struct wanted *w, const json_t *line)
{
    int64_t at = json_i64(line, "at_ms", 0);

    return !at || ((!w->from_ms || at >= w->from_ms) && (!w->to_ms || at <= w->to_ms));
}

/* A worker's log holds other tasks too. It works on one at a time, so what stands
 * between the first and the last line that name this one is its own; without such
 * lines, what was written while it ran. */
static void add_own_lines(const struct wanted *w, json_t *all, json_t *out)
{
    const json_t *line;
    size_t i, first = SIZE_MAX, last = 0;

    json_array_foreach (all, i, line) {
        if (!is_in_time(w, line) || !strstr(json_str(line, "text", ""), w->node))
            continue;
        first = first == SIZE_MAX ? i : first;
        last = i;
    }
    json_array_foreach (all, i, line) {
        if (first == SIZE_MAX ? is_in_time(w, line) : i >= first && i <= last)
            json_array_append(out, (json_t *)(uintptr_t)line);
    }
}

static void take_log(void *context, const json_t *data, const char *error)
{
    struct wanted *w = context;
    json_t *lines = json_array();

    add_lines(lines, "err", w->head);
    size_t head = json_array_size(lines);
    add_own_lines(w, json_arr(data, "lines"), lines);
    if (error)
        add_line(lines, "err", error);
    else if (json_array_size(lines) <= head)
        add_line(lines, "out", "(the worker wrote nothing while this task ran)");
    feeds_put(&w->app->feeds, w->feed, json_pack("{s:o}", "lines", lines),
              w->app->mono_ms);
    w->app->is_dirty = true;
    mem_free(w);
}

static void ask_log(struct app *a, struct page *p, const json_t *row, const char *label)
{
    struct wanted *w = mem_alloc(sizeof *w);
    json_t *args = json_object();
    int64_t start = json_i64(row, "started_ms", 0);
    double seconds = json_num(row, "seconds", -1);

    w->app = a;
    w->from_ms = start > 0 ? start - SLACK_MS : 0;
    w->to_ms =
        start > 0 && seconds >= 0 ? start + (int64_t)(seconds * 1000) + SLACK_MS : 0;
    snprintf(w->feed, sizeof w->feed, "tasklog:%s/%s", p->arg,
             json_str(row, "node", ""));
    str_copy(w->node, sizeof w->node, json_str(row, "node", ""));
    str_copy(w->head, sizeof w->head, json_str(row, "message", ""));
    json_put_str(args, "name", json_str(row, "log", ""));
    json_put_i64(args, "lines", LINES_WANTED);
    app_open_page(a, view_find("log"), w->feed, label);
    if (!uplink_send(&a->uplink, "log", args, take_log, w)) {
        mem_free(w);
        app_say(a, ROLE_ERROR,
                "no connection to the supervisor: the log cannot be read");
    }
}

static void open_row(struct app *a, struct page *p, const json_t *row)
{
    const char *node = json_str(row, "node", ""), *dot = strrchr(node, '.');
    const char *label = dot ? dot + 1 : node, *log = json_str(row, "log", "");

    if (!*log) {
        app_say(a, ROLE_WARN, "%s has not started yet: there is no log", label);
    } else if (streq(json_str(row, "state", ""), "running")) {
        app_open_log(a, log, label);
    } else {
        ask_log(a, p, row, label);
    }
}

/* "model.retail.stg_transactions" by its last name; the kind is its own column. */
static json_t *rows(struct app *a, struct page *p, json_t *data)
{
    json_t *out = json_array(), *task;
    size_t i;

    (void)a, (void)p;
    json_array_foreach (data, i, task) {
        json_t *row = json_copy(task);
        const char *id = json_str(task, "node", ""), *dot = strrchr(id, '.');
        json_put_str(row, "name", json_str(task, "name", dot ? dot + 1 : id));
        char line[500];
        json_put_str(row, "_line",
                     fmt_first_line(json_str(task, "message", ""), line, sizeof line));
        json_array_append_new(out, row);
    }
    return out;
}

static bool node(const json_t *row, char *out, size_t size)
{
    return str_copy(out, size, json_str(row, "node", "")) && *out;
}

/* Why a run has no tasks is in the run's own message. */
static const char *run_message(const struct app *a, const struct page *p)
{
    const json_t *runs = feeds_get(&a->feeds, "runs"), *run;
    size_t i;

    json_array_foreach ((json_t *)(uintptr_t)runs, i, run) {
        if (json_i64(run, "id", 0) == strtoll(p->arg, NULL, 10))
            return json_str(run, "message", "");
    }
    return "";
}

static void draw(struct app *a, struct page *p, struct rect r)
{
    const json_t *row = grid_row(&p->grid);

    page_draw_note(a, p, r, json_str(row, "message", ""), json_str(row, "node", ""));
    if (!row)
        draw_wrapped(&a->term,
                     (struct rect){r.y + 4, r.x + 2, r.h > 8 ? 6 : 1, r.w - 4},
                     ROLE_WARN, run_message(a, p));
}

static const struct grid_column columns[] = {
    {"name", "node", GRID_TEXT, 24, 1, 48},
    {"kind", "kind", GRID_TEXT, 6, 3, 0},
    {"state", "state", GRID_STATE, 11, 1, 0},
    {"attempt", "try", GRID_COUNT, 3, 5, 0},
    {"started_ms", "started", GRID_TIME, 11, 6, 0},
    {"seconds", "took", GRID_SECONDS, 8, 2, 0},
    {"rows", "rows", GRID_COUNT, 9, 2, 0},
    {"_line", "message", GRID_TEXT, 16, 7, GRID_FREE},
};

const struct view view_tasks = {
    .name = "tasks",
    .title = "Tasks",
    .doc = "the tasks of a run; Enter shows the log of one",
    .feed = "tasks:%s",
    .empty = "this run has no tasks",
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .id_keys = "node",
    .sort = -1,
    .rows = rows,
    .draw = draw,
    .open = open_row,
    .node = node,
};
