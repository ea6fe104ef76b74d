/* View 6, logs: choose whose. In: the processes feed. Enter opens the log. */
#include <stdio.h>
#include "base/json.h"
#include "ui/app.h"

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
    .open = page_open_log,
};
