/* All events of the overview, the newest first, each with its whole text. In: the
 * overview feed. Opened by E in the overview or :events. */
#include "base/json.h"
#include "ui/app.h"
#include "ui/fmt.h"

static json_t *rows(struct app *a, struct page *p, json_t *data)
{
    json_t *out = json_array(), *event;
    size_t i;

    (void)a, (void)p;
    json_array_foreach (json_arr(data, "events"), i, event) {
        json_t *row = json_copy(event);
        char line[500];
        json_put_i64(row, "_number", (int64_t)i);
        json_put_str(row, "_line",
                     fmt_first_line(json_str(event, "text", ""), line, sizeof line));
        json_array_insert_new(out, 0, row);
    }
    return out;
}

static void draw(struct app *a, struct page *p, struct rect r)
{
    page_draw_note(a, p, r, json_str(grid_row(&p->grid), "text", ""), NULL);
}

static const struct grid_column columns[] = {
    {"at_ms", "time", GRID_TIME, 11, 1, 0},
    {"level", "level", GRID_STATE, 8, 1, 0},
    {"source", "source", GRID_TEXT, 20, 2, 32},
    {"_line", "event", GRID_TEXT, 30, 1, GRID_FREE},
};

const struct view view_events = {
    .name = "events",
    .title = "Events",
    .doc = "what happened, the newest first",
    .feed = "overview",
    .empty = "nothing happened yet",
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .id_keys = "at_ms,source,text",
    .sort = -1,
    .is_tail = true,
    .rows = rows,
    .draw = draw,
};
