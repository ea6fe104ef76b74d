/* View 6, logs: choose whose. In: the processes feed. Enter opens the log. */
#include <stdio.h>
#include "base/json.h"
#include "ui/app.h"

static json_t *rows(struct app *a, struct page *p, json_t *data)
{
    json_t *out = json_array(), *row, *supervisor = json_object();

    (void)a, (void)p;
    json_put_str(supervisor, "name", "supervisor");
    json_put_str(supervisor, "kind", "supervisor");
    json_put_str(supervisor, "state", "ready");
    size_t i;
    bool has_own = false;
    json_array_foreach (data, i, row) {
        has_own |= streq(json_str(row, "name", ""), "supervisor");
    }
    if (!has_own)
        json_array_append(out, supervisor);
    json_decref(supervisor);
    json_array_extend(out, data);
    return out;
}

static void open_row(struct app *a, struct page *p, const json_t *row)
{
    char feed[290];

    (void)p;
    snprintf(feed, sizeof feed, "log:%s", json_str(row, "name", ""));
    app_open_page(a, view_find("log"), feed, json_str(row, "name", ""));
}

static const struct grid_column columns[] = {
    {"name", "log of", GRID_TEXT, 26, 1, 36},
    {"kind", "kind", GRID_TEXT, 10, 2, 0},
    {"state", "state", GRID_STATE, 10, 1, 0},
    {"restarts", "restarts", GRID_COUNT, 8, 3, 0},
    {"detail", "detail", GRID_TEXT, 20, 4, GRID_FREE},
};

const struct view view_logs = {
    .name = "logs",
    .title = "Logs",
    .doc = "choose a process and read its log",
    .feed = "processes",
    .empty = "no processes",
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .id_keys = "name",
    .sort = -1,
    .rows = rows,
    .open = open_row,
};
