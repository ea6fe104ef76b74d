/* View 5, processes: what the supervisor keeps alive. In: the processes feed. Enter
 * shows the log, r restarts, s stops or starts, each after a question. */
#include <stdio.h>
#include "base/json.h"
#include "ui/app.h"

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
    .draw = draw,
    .open = page_open_log,
};
