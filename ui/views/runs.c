/* View 3, runs: what was run, why, how far it is and how it ended. In: the runs feed.
 */
#include <stdio.h>
#include "base/json.h"
#include "ui/app.h"

static json_t *rows(struct app *a, struct page *p, json_t *data)
{
    json_t *out = json_array(), *run;
    size_t i;

    (void)p;
    json_array_foreach (data, i, run) {
        json_t *row = json_copy(run);
        int64_t start = json_i64(run, "started_ms", 0),
                end = json_i64(run, "ended_ms", 0);
        if (start > 0)
            json_put_i64(row, "took_ms", (end > 0 ? end : a->wall_ms) - start);
        json_array_append_new(out, row);
    }
    return out;
}

static void open_row(struct app *a, struct page *p, const json_t *row)
{
    char arg[32], label[48];

    (void)p;
    snprintf(arg, sizeof arg, "%lld", (long long)json_i64(row, "id", 0));
    snprintf(label, sizeof label, "run %s", arg);
    app_open_page(a, view_find("tasks"), arg, label);
}

static void draw(struct app *a, struct page *p, struct rect r)
{
    const json_t *row = grid_row(&p->grid);

    page_draw_note(a, p, r, json_str(row, "message", ""), json_str(row, "reason", ""));
}

static const struct grid_column columns[] = {
    {"id", "run", GRID_COUNT, 5, 1, 0},
    {"state", "state", GRID_STATE, 11, 1, 0},
    {"command", "command", GRID_TEXT, 8, 1, 0},
    {"reason", "reason", GRID_TEXT, 12, 3, 60},
    {"started_ms", "started", GRID_TIME, 11, 2, 0},
    {"took_ms", "took", GRID_SPAN, 8, 2, 0},
    {"progress", "done", GRID_PROGRESS, 9, 2, 30},
    {"failed", "failed", GRID_COUNT, 6, 1, 0},
    {"skipped", "skipped", GRID_COUNT, 7, 5, 0},
};

const struct view view_runs = {
    .name = "runs",
    .title = "Runs",
    .doc = "builds and reruns; Enter shows the tasks of one",
    .feed = "runs",
    .empty = "nothing was run yet; :run-models builds the models",
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .id_keys = "id",
    .sort = 0,
    .is_descending = true,
    .is_tail = true,
    .rows = rows,
    .draw = draw,
    .open = open_row,
};
