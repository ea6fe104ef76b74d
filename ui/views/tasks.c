/* Tasks of one run; Enter shows the log of one, R runs its node again. In: tasks:RUN.
 */
#include <stdio.h>
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "ui/app.h"

#define LINES_WANTED 2000

struct wanted {
    struct app *app;
    char feed[400];
};

static void take_log(void *context, const json_t *data, const char *error)
{
    struct wanted *w = context;
    json_t *copy =
        json_is_array(data) ? json_pack("{s:O}", "lines", data) : json_deep_copy(data);

    if (error) {
        json_t *line = json_object();
        json_put_str(line, "text", error);
        json_put_str(line, "stream", "err");
        copy = json_pack("{s:[o]}", "lines", line);
    }
    feeds_put(&w->app->feeds, w->feed, copy, w->app->mono_ms);
    w->app->is_dirty = true;
    mem_free(w);
}

static void open_row(struct app *a, struct page *p, const json_t *row)
{
    const char *node = json_str(row, "node", "");
    struct wanted *w = mem_alloc(sizeof *w);
    json_t *args = json_object();
    const char *last_dot = strrchr(node, '.');

    w->app = a;
    snprintf(w->feed, sizeof w->feed, "tasklog:%s/%s", p->arg, node);
    json_put_str(args, "name", json_str(row, "log", ""));
    json_put_i64(args, "lines", LINES_WANTED);
    json_put_i64(args, "run", strtoll(p->arg, NULL, 10));
    json_put_str(args, "task", json_str(row, "id", node));
    app_open_page(a, view_find("log"), w->feed, last_dot ? last_dot + 1 : node);
    str_copy(app_page(a)->search, sizeof app_page(a)->search, "");
    if (!uplink_send(&a->uplink, "log", args, take_log, w)) {
        mem_free(w);
        app_say(a, ROLE_ERROR,
                "no connection to the supervisor: the log cannot be read");
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
        json_array_append_new(out, row);
    }
    return out;
}

static bool node(const json_t *row, char *out, size_t size)
{
    return str_copy(out, size, json_str(row, "node", "")) && *out;
}

/* Under the table: the whole message of the row, which the column cuts. */
static void draw(struct app *a, struct page *p, struct rect r)
{
    const json_t *row = grid_row(&p->grid);
    const char *message = json_str(row, "message", "");
    int rows = *message && r.h > 8 ? 3 : 0;

    page_draw_grid(a, p, (struct rect){r.y, r.x, r.h - rows, r.w});
    if (!rows)
        return;
    draw_hline(&a->term, r.y + r.h - rows, r.x + 1, r.w - 2, ROLE_BORDER);
    for (int i = 0; i < 2; i++)
        draw_skip(&a->term, r.y + r.h - 2 + i, r.x + 1, r.w - 2, i * (r.w - 2),
                  grid_state_role(json_str(row, "state", "")), message,
                  strlen(message));
}

static const struct grid_column columns[] = {
    {"name", "node", GRID_TEXT, 24, 1, 48},
    {"kind", "kind", GRID_TEXT, 6, 3, 0},
    {"state", "state", GRID_STATE, 11, 1, 0},
    {"attempt", "try", GRID_COUNT, 3, 5, 0},
    {"started_ms", "started", GRID_TIME, 11, 6, 0},
    {"seconds", "took", GRID_SECONDS, 8, 2, 0},
    {"rows", "rows", GRID_COUNT, 9, 2, 0},
    {"message", "message", GRID_TEXT, 16, 7, GRID_FREE},
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
