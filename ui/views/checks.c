/* The checks of one gate as they were judged last, what failed first. In: gate:NAME.
 * Enter shows one whole; x shows the rows that were kept. */
#include <stdio.h>
#include "base/json.h"
#include "base/str.h"
#include "ui/app.h"

static json_t *rows(struct app *a, struct page *p, json_t *data)
{
    json_t *out = json_array(), *check;
    size_t i;

    (void)a, (void)p;
    for (int passed = 0; passed <= 1; passed++) {
        json_array_foreach (json_arr(data, "checks"), i, check) {
            const char *verdict = json_str(check, "verdict", "");
            if (streq(verdict, "pass") == (bool)passed)
                json_array_append(out, check);
        }
    }
    return out;
}

static void draw(struct app *a, struct page *p, struct rect r)
{
    const json_t *row = grid_row(&p->grid),
                 *observed = json_object_get(row, "observed");
    char below[500] = "";

    if (observed) {
        struct buf b;
        buf_init(&b, 65536);
        grid_value(&b, observed);
        snprintf(below, sizeof below, "observed %.400s", buf_str(&b));
        buf_release(&b);
    }
    const char *message = json_str(row, "message", "");
    page_draw_note(a, p, r, *message ? message : json_str(row, "expected", ""), below);
}

static void status(struct app *a, struct page *p, char *out, size_t size)
{
    const json_t *gate = page_data(a, p);
    long long kept = json_i64(gate, "kept", 0);

    if (kept)
        snprintf(out, size, "%lld rows kept of run %lld (x)", kept,
                 (long long)json_i64(gate, "run", 0));
}

static const struct grid_column columns[] = {
    {"verdict", "verdict", GRID_STATE, 9, 1, 0},
    {"expectation", "expect", GRID_TEXT, 30, 1, 44},
    {"column", "column", GRID_TEXT, 14, 2, 32},
    {"unexpected", "failing", GRID_COUNT, 8, 1, 0},
    {"rows", "of", GRID_COUNT, 9, 3, 0},
    {"severity", "severity", GRID_TEXT, 9, 5, 0},
    {"expected", "expected", GRID_TEXT, 16, 6, GRID_FREE},
};

const struct view view_checks = {
    .name = "checks",
    .title = "Checks",
    .doc = "the checks of a gate as they were judged last",
    .feed = "gate:%s",
    .empty = "this gate was not judged yet",
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .id_keys = "expectation,column,expected",
    .sort = -1,
    .rows = rows,
    .draw = draw,
    .status = status,
};
