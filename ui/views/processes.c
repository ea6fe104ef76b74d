/* View 5, processes: what the supervisor keeps alive. In: the processes feed. Enter
 * shows the log, r restarts, s stops or starts, each after a question. */
#include <stdio.h>
#include "base/json.h"
#include "ui/app.h"

/* What is not alive has no pid, memory or age: "-" instead of zeros. */
static json_t *rows(struct app *a, struct page *p, json_t *data)
{
    static const char *const alive_only[] = {"pid", "up_ms", "rss_kb", "cpu_pct",
                                             "beat_ms"};
    json_t *out = json_array(), *process;
    size_t i;

    (void)a, (void)p;
    json_array_foreach (data, i, process) {
        json_t *row = json_copy(process);
        const char *state = json_str(process, "state", "");
        bool is_alive = streq(state, "ready") || streq(state, "starting") ||
                        streq(state, "stopping");
        for (size_t k = 0; !is_alive && k < sizeof alive_only / sizeof *alive_only; k++)
            json_object_del(row, alive_only[k]);
        json_array_append_new(out, row);
    }
    return out;
}

static void open_row(struct app *a, struct page *p, const json_t *row)
{
    char feed[290];

    (void)p;
    snprintf(feed, sizeof feed, "log:%s", json_str(row, "name", ""));
    app_open_page(a, view_find("log"), feed, json_str(row, "name", ""));
}

static void draw(struct app *a, struct page *p, struct rect r)
{
    bool has_column = r.w >= 110; /* of the detail */

    page_draw_note(a, p, r,
                   has_column ? "" : json_str(grid_row(&p->grid), "detail", ""), NULL);
}

static const struct grid_column columns[] = {
    {"name", "process", GRID_TEXT, 22, 1, 32},
    {"state", "state", GRID_STATE, 10, 1, 0},
    {"pid", "pid", GRID_TEXT, 7, 3, 0},
    {"restarts", "restarts", GRID_COUNT, 8, 1, 0},
    {"up_ms", "up", GRID_SPAN, 8, 2, 0},
    {"rss_kb", "memory", GRID_KBYTES, 8, 2, 0},
    {"cpu_pct", "cpu", GRID_PERCENT, 5, 2, 0},
    {"beat_ms", "beat", GRID_SPAN, 7, 4, 0},
    {"detail", "detail", GRID_TEXT, 16, 6, GRID_FREE},
};

const struct view view_processes = {
    .name = "processes",
    .title = "Processes",
    .doc = "what the supervisor keeps alive; Enter shows the log",
    .feed = "processes",
    .empty = "no processes",
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .id_keys = "name",
    .sort = -1,
    .rows = rows,
    .draw = draw,
    .open = open_row,
};
