/* View 8, gates: verdicts of the quality suites, and the freshness of what they guard.
 * In: the overview feed. R runs the guarded node again. */
#include <stdio.h>
#include "base/json.h"
#include "base/str.h"
#include "ui/app.h"

static json_t *rows(struct app *a, struct page *p, json_t *data)
{
    json_t *out = json_array(), *gate;
    size_t i;

    (void)a, (void)p;
    json_array_foreach (json_arr(data, "gates"), i, gate) {
        json_t *row = json_copy(gate);
        int64_t total = json_i64(gate, "total", 0),
                failed = json_i64(gate, "failed", 0);
        if (total > 0)
            json_put_i64(row, "passed", (total - failed) * 100 / total);
        json_array_append_new(out, row);
    }
    return out;
}

static bool node(const json_t *row, char *out, size_t size)
{
    const char *on = json_str(row, "on", ""), *dot = strrchr(on, '.');

    return str_copy(out, size, dot ? dot + 1 : on) && *out;
}

static void open_row(struct app *a, struct page *p, const json_t *row)
{
    const char *name = json_str(row, "name", "");

    (void)p;
    app_open_page(a, view_find("checks"), name, name);
}

/* The gates, with what the one under the cursor says, over the freshness. */
static void draw(struct app *a, struct page *p, struct rect r)
{
    static const struct grid_column freshness[] = {
        {"relation", "freshness of", GRID_TEXT, 26, 1, 40},
        {"layer", "layer", GRID_TEXT, 8, 3, 0},
        {"verdict", "verdict", GRID_STATE, 9, 1, 0},
        {"age_ms", "age", GRID_SPAN, 9, 1, 0},
        {"warn_ms", "warn over", GRID_SPAN, 9, 2, 0},
        {"breach_ms", "breach over", GRID_SPAN, 11, 2, 0},
        {"newest_ms", "newest", GRID_TIME, 16, 4, 0},
    };
    const json_t *row = grid_row(&p->grid);
    bool has_failed = row && !streq(json_str(row, "verdict", ""), "pass");
    const char *note = has_failed ? json_str(row, "summary", "") : "";
    int table = p->grid.n ? (int)p->grid.n + 2 : 4, rows_below;

    r = page_note(a, p, r, note, NULL);
    if (table > r.h / 2)
        table = r.h / 2;
    rows_below = r.h - table;

    page_draw_grid(a, p, (struct rect){r.y, r.x, r.h - rows_below, r.w});
    page_draw_rows(a, (struct rect){r.y + r.h - rows_below, r.x, rows_below, r.w},
                   freshness, sizeof freshness / sizeof *freshness,
                   app_overview(a, "freshness"), "no freshness is configured");
}

static const struct grid_column columns[] = {
    {"name", "gate", GRID_TEXT, 16, 1, 32},
    {"on", "on", GRID_TEXT, 22, 2, 40},
    {"verdict", "verdict", GRID_STATE, 9, 1, 0},
    {"failed", "failed", GRID_COUNT, 6, 1, 0},
    {"total", "checks", GRID_COUNT, 6, 1, 0},
    {"passed", "passed", GRID_BAR, 14, 5, 0},
    {"at_ms", "judged", GRID_TIME, 11, 3, 0},
};

const struct view view_gates = {
    .name = "gates",
    .title = "Gates",
    .doc = "what the data must be before it is published",
    .feed = "overview",
    .empty = "no gate was judged yet",
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .id_keys = "name",
    .sort = -1,
    .rows = rows,
    .draw = draw,
    .open = open_row,
    .node = node,
};
