/* All members of one row, one a line: what tables cut is whole here. In: the row,
 * frozen when the page was opened. */
#include <stdio.h>
#include "base/json.h"
#include "base/str.h"
#include "ui/app.h"
#include "ui/fmt.h"

static json_t *rows(struct app *a, struct page *p, json_t *data)
{
    json_t *out = json_array(), *value;
    const char *key;

    (void)p;
    json_object_foreach (data, key, value) {
        if (*key == '_') /* made by a view for its columns */
            continue;
        json_t *row = json_object();
        json_put_str(row, "member", key);
        if (str_ends(key, "at_ms") && json_is_integer(value)) {
            char time[FMT_MAX];
            json_put_str(row, "value",
                         fmt_exact(json_integer_value(value), app_when(a, true), time));
        } else {
            json_put(row, "value", json_incref(value));
        }
        json_array_append_new(out, row);
    }
    return out;
}

/* The whole value under the table. */
static void draw(struct app *a, struct page *p, struct rect r)
{
    struct buf text;

    buf_init(&text, 65536);
    grid_value(&text, json_object_get(grid_row(&p->grid), "value"));
    bool is_cut = strchr(buf_str(&text), '\n') ||
                  draw_width(&a->term, buf_str(&text), text.len) > r.w - 26;
    page_draw_note(a, p, r, is_cut ? buf_str(&text) : "", NULL);
    buf_release(&text);
}

/* Enter does nothing here: there is nothing behind a member. */
static void open_row(struct app *a, struct page *p, const json_t *row)
{
    (void)a, (void)p, (void)row;
}

static const struct grid_column columns[] = {
    {"member", "member", GRID_TEXT, 24, 1, 0},
    {"value", "value", GRID_TEXT, 20, 1, GRID_FREE},
};

const struct view view_detail = {
    .name = "detail",
    .title = "Detail",
    .doc = "all members of a row",
    .empty = "empty",
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .id_keys = "value",
    .sort = -1,
    .rows = rows,
    .draw = draw,
    .open = open_row,
};
