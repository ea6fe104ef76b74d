/* The table widget's cells. In: a grid and a place; out: header, rows, charts in cells;
 * rows as tab-separated text. Called by page.c and views. Holds always: only rows on
 * screen are formatted; columns that do not fit are left out whole, the least important
 * first. */
#include "ui/grid.h"

#include <stdio.h>
#include "base/json.h"
#include "base/str.h"
#include "ui/chart.h"
#include "ui/fmt.h"

#define COLUMNS_MAX 24

/* Width of each column, 0 for those dropped. */
static void layout(const struct grid *g, int w, int width[COLUMNS_MAX])
{
    bool is_shown[COLUMNS_MAX];
    int need, flex;

    for (size_t i = 0; i < g->n_columns; i++)
        is_shown[i] = true;
    for (;;) {
        int worst = -1;
        need = 0;
        flex = 0;
        for (size_t i = 0; i < g->n_columns; i++) {
            if (!is_shown[i])
                continue;
            need += g->columns[i].width + 1;
            flex += g->columns[i].most > 0;
            if (worst < 0 || g->columns[i].priority >= g->columns[worst].priority)
                worst = (int)i;
        }
        if (need <= w || worst < 0 || g->columns[worst].priority <= 1)
            break;
        is_shown[worst] = false;
    }
    int left = w - need;
    for (size_t i = 0; i < g->n_columns; i++) {
        const struct grid_column *c = &g->columns[i];
        width[i] = is_shown[i] ? c->width : 0;
        if (!is_shown[i] || !c->most || left <= 0)
            continue;
        int more = left / flex--;
        if (c->width + more > c->most)
            more = c->most - c->width;
        width[i] += more;
        left -= more;
    }
}

static void draw_header(const struct grid *g, struct term *t, struct rect r,
                        const int *width)
{
    int x = r.x + 1;

    for (size_t i = 0; i < g->n_columns; i++) {
        char title[64];
        if (!width[i])
            continue;
        const struct grid_column *c = &g->columns[i];
        bool is_sort = g->sort == (int)i;
        snprintf(title, sizeof title, "%s%s", c->title,
                 !is_sort
                     ? ""
                     : draw_glyph_text(t, g->is_descending ? GLYPH_DOWN : GLYPH_UP));
        if (grid_is_right(c->kind))
            draw_right(t, r.y, x, width[i], ROLE_HEADER, title);
        else
            draw_text(t, r.y, x, width[i], ROLE_HEADER, title);
        x += width[i] + 1;
    }
}

static void mark_match(const struct grid *g, struct term *t, int y, int x, int w,
                       const char *s)
{
    const char *at;

    if (!g->filter[0] || g->filter[0] == '!')
        return;
    if ((at = strcasestr(s, g->filter)))
        draw_mark(t, y, x, w, s, (size_t)(at - s), strlen(g->filter), ROLE_MATCH);
}

static void draw_bar(struct term *t, int y, int x, int w, const json_t *value,
                     bool is_selected)
{
    double v;

    if (!grid_number(value, &v))
        return;
    chart_bar(t, y, x, w - 5, v / 100, is_selected ? ROLE_SELECTED : ROLE_BAR);
    char text[16];
    snprintf(text, sizeof text, "%.0f%%", v);
    draw_right(t, y, x + w - 5, 5, is_selected ? ROLE_SELECTED : ROLE_TEXT, text);
}

static void draw_progress(struct term *t, int y, int x, int w, const json_t *row,
                          bool is_selected)
{
    int64_t done = json_i64(row, "done", 0), total = json_i64(row, "total", 0);
    char text[FMT_MAX];

    snprintf(text, sizeof text, "%lld/%lld", (long long)done, (long long)total);
    int n = (int)strlen(text);
    int bar = w - 12;
    if (bar >= 4 && total > 0)
        chart_bar(t, y, x, bar, (double)done / (double)total,
                  is_selected ? ROLE_SELECTED : ROLE_BAR);
    draw_right(t, y, bar >= 4 ? x + bar + 1 : x,
               bar >= 4 ? 11
               : n > w  ? w
                        : n,
               is_selected ? ROLE_SELECTED : ROLE_TEXT, text);
}

#define CHART_VALUES_MAX 512

static void draw_chart(struct term *t, int y, int x, int w, enum grid_kind kind,
                       const json_t *values)
{
    double v[CHART_VALUES_MAX], max = 0;
    size_t n = json_array_size(values), first = 0;

    if (n > CHART_VALUES_MAX) {
        first = n - CHART_VALUES_MAX;
        n = CHART_VALUES_MAX;
    }
    for (size_t i = 0; i < n; i++) {
        v[i] = json_number_value(json_array_get(values, first + i));
        max = v[i] > max ? v[i] : max;
    }
    if (kind == GRID_SPARK)
        chart_spark(t, y, x, w, v, n, ROLE_BAR);
    else
        chart_heat(t, (struct rect){y, x, 1, w}, v, n, max);
}

static void draw_cell(const struct grid *g, struct term *t, int y, int x, int w,
                      const struct grid_column *c, const json_t *row, bool is_selected,
                      struct buf *b)
{
    enum role role;

    if (c->kind == GRID_PROGRESS) {
        draw_progress(t, y, x, w, row, is_selected);
        return;
    }
    if (c->kind == GRID_BAR) {
        draw_bar(t, y, x, w, json_object_get(row, c->key), is_selected);
        return;
    }
    if (c->kind == GRID_SPARK || c->kind == GRID_HEAT) {
        draw_chart(t, y, x, w, c->kind, json_object_get(row, c->key));
        return;
    }
    buf_reset(b);
    grid_cell(c, row, g->when, b, &role);
    if (is_selected)
        role = ROLE_SELECTED;
    const char *s = buf_str(b);
    if (c->kind == GRID_STATE) {
        if (!*s)
            return;
        draw_glyph(t, y, x, grid_state_glyph(s), role);
        draw_text(t, y, x + 2, w - 2, role, s);
        mark_match(g, t, y, x + 2, w - 2, s);
        return;
    }
    if (c->kind == GRID_TIME && w < FMT_TIME_LONG && b->len == FMT_TIME_LONG)
        b->data[b->len = FMT_DATE] = '\0'; /* of another year: the date is enough */
    int used = draw_width(t, s, b->len);
    if (grid_is_right(c->kind) && used < w)
        x += w - used, w = used;
    draw_textn(t, y, x, w, role, s, b->len);
    mark_match(g, t, y, x, w, s);
}

static void draw_row(const struct grid *g, struct term *t, struct rect r, int y,
                     size_t at, const int *width, struct buf *b)
{
    const json_t *row = json_array_get(g->rows, g->order[at]);
    bool is_selected = at == g->cursor;
    int x = r.x + 1;

    if (is_selected) {
        draw_fill(t, (struct rect){y, r.x, 1, r.w}, ROLE_SELECTED);
        draw_glyph(t, y, r.x, GLYPH_CURSOR, ROLE_SELECTED);
    }
    for (size_t i = 0; i < g->n_columns; i++) {
        if (!width[i])
            continue;
        draw_cell(g, t, y, x, width[i], &g->columns[i], row, is_selected, b);
        x += width[i] + 1;
    }
}

static void scroll_to_cursor(struct grid *g, size_t page)
{
    if (g->cursor == SIZE_MAX) { /* a table without a cursor */
        g->top = 0;
        return;
    }
    if (g->cursor < g->top)
        g->top = g->cursor;
    if (page && g->cursor >= g->top + page)
        g->top = g->cursor - page + 1;
    if (g->top + page > g->n)
        g->top = g->n > page ? g->n - page : 0;
}

void grid_position(const struct grid *g, char *out, size_t size)
{
    size_t all = json_array_size(g->rows), last = g->top + (size_t)g->page_rows;

    *out = '\0';
    if (g->n <= (size_t)g->page_rows && g->n == all)
        return;
    snprintf(out, size, "%zu-%zu of %zu%s", g->n ? g->top + 1 : 0,
             last < g->n ? last : g->n, g->n, g->n == all ? "" : " found");
}

void grid_draw(struct grid *g, struct term *t, struct rect r, const char *empty)
{
    int width[COLUMNS_MAX], rows = r.h - 1;
    struct buf b;

    if (r.h < 2 || r.w < 4)
        return;
    BUG_ON(g->n_columns > COLUMNS_MAX);
    g->page_rows = rows;
    g->first_y = r.y + 1;
    layout(g, r.w - 1, width);
    scroll_to_cursor(g, (size_t)rows);
    draw_header(g, t, r, width);
    if (!g->n) {
        const char *why =
            json_array_size(g->rows) ? "nothing matches the filter" : empty;
        draw_text(t, r.y + 2, r.x + 2, r.w - 2, ROLE_MUTED, why);
        return;
    }
    buf_init(&b, 64u * 1024);
    for (int i = 0; i < rows && g->top + (size_t)i < g->n; i++)
        draw_row(g, t, r, r.y + 1 + i, g->top + (size_t)i, width, &b);
    buf_release(&b);
}

void grid_tsv(const struct grid *g, bool only_cursor, struct buf *out)
{
    struct buf cell;
    enum role role;

    for (size_t c = 0; !only_cursor && c < g->n_columns; c++)
        buf_addf(out, "%s%c", g->columns[c].title, c + 1 < g->n_columns ? '\t' : '\n');
    buf_init(&cell, 64u * 1024);
    for (size_t i = 0; i < g->n; i++) {
        if (only_cursor && i != g->cursor)
            continue;
        const json_t *row = json_array_get(g->rows, g->order[i]);
        for (size_t c = 0; c < g->n_columns; c++) {
            buf_reset(&cell);
            grid_cell(&g->columns[c], row, g->when, &cell, &role);
            for (const char *s = buf_str(&cell); *s; s++)
                buf_addc(out, *s == '\t' || *s == '\n' ? ' ' : *s);
            buf_addc(out, c + 1 < g->n_columns ? '\t' : '\n');
        }
    }
    buf_release(&cell);
}
