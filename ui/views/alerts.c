/* View 7, alerts: what was shouted, whether it arrived, who has seen it. In: the alerts
 * feed. a acknowledges. */
#include "base/json.h"
#include "ui/app.h"

/* Under the table: the whole summary and where it stands. */
static void draw(struct app *a, struct page *p, struct rect r)
{
    const json_t *row = grid_row(&p->grid);
    int rows = row && r.h > 10 ? 4 : 0;

    page_draw_grid(a, p, (struct rect){r.y, r.x, r.h - rows, r.w});
    if (!rows)
        return;
    int y = r.y + r.h - rows;
    const char *summary = json_str(row, "summary", "");
    draw_hline(&a->term, y, r.x + 1, r.w - 2, ROLE_BORDER);
    for (int i = 0; i < 2; i++)
        draw_skip(&a->term, y + 1 + i, r.x + 1, r.w - 2, i * (r.w - 2), ROLE_TEXT,
                  summary, strlen(summary));
    draw_printf(&a->term, y + 3, r.x + 1, r.w - 2, ROLE_MUTED, "key %s  %s",
                json_str(row, "key", ""), json_str(row, "detail", ""));
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
