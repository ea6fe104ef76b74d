/* View 7, alerts: what was shouted, whether it arrived, who has seen it. In: the alerts
 * feed. a acknowledges. */
#include <stdio.h>
#include "base/json.h"
#include "ui/app.h"

static void draw(struct app *a, struct page *p, struct rect r)
{
    const json_t *row = grid_row(&p->grid);
    char below[400];

    snprintf(below, sizeof below, "key %s  %s", json_str(row, "key", ""),
             json_str(row, "detail", ""));
    page_draw_note(a, p, r, json_str(row, "summary", ""), row ? below : "");
}

static const struct grid_column columns[] = {
    {"at_ms", "time", GRID_TIME, 11, 1, 0},
    {"severity", "severity", GRID_STATE, 10, 1, 0},
    {"state", "state", GRID_STATE, 10, 1, 0},
    {"component", "component", GRID_TEXT, 14, 3, 0},
    {"summary", "summary", GRID_TEXT, 40, 1, GRID_FREE},
    {"attempts", "tries", GRID_COUNT, 5, 4, 0},
};

const struct view view_alerts = {
    .name = "alerts",
    .title = "Alerts",
    .doc = "what was shouted, and whether it arrived",
    .feed = "alerts",
    .empty = "no alerts",
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .id_keys = "key",
    .sort = 0,
    .is_descending = true,
    .is_tail = true,
    .draw = draw,
};
