/* Pages: a view with its place in the data. In: feeds; out: a table kept current.
 * Called by app.c. Holds always: rows are made again only when the feed's data is
 * another, so an idle console does nothing. */
#include "ui/view.h"

#include <stdio.h>
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "ui/app.h"

#define X(name) extern const struct view view_##name;
#include "ui/views/view.list"
#undef X

static const struct view *const views[] = {
#define X(name) &view_##name,
#include "ui/views/view.list"
#undef X
};

const struct view *view_root(size_t i)
{
    return i < VIEW_ROOTS ? views[i] : NULL;
}

size_t view_count(void)
{
    return sizeof views / sizeof *views;
}

const struct view *view_at(size_t i)
{
    return views[i];
}

const struct view *view_find(const char *name)
{
    for (size_t i = 0; i < view_count(); i++)
        if (streq(views[i]->name, name))
            return views[i];
    return NULL;
}

struct page *page_new(const struct view *v, const char *arg, const char *label)
{
    struct page *p = mem_alloc(sizeof *p);

    p->view = v;
    str_copy(p->arg, sizeof p->arg, arg);
    str_copy(p->label, sizeof p->label, label);
    grid_init(&p->grid, v->columns, v->n_columns, v->id_keys, v->sort,
              v->is_descending);
    return p;
}

void page_free(struct page *p)
{
    while (p) {
        struct page *below = p->below;
        grid_release(&p->grid);
        json_decref(p->frozen);
        json_decref(p->seen);
        mem_free(p);
        p = below;
    }
}

bool page_feed(const struct page *p, char *out, size_t size)
{
    const char *pattern = p->view->feed, *hole;

    if (!pattern)
        return false;
    hole = strstr(pattern, "%s");
    if (hole)
        snprintf(out, size, "%.*s%s%s", (int)(hole - pattern), pattern, p->arg,
                 hole + 2);
    else
        snprintf(out, size, "%s", pattern);
    return true;
}

json_t *page_data(struct app *a, const struct page *p)
{
    char name[340];

    if (p->is_paused && p->frozen)
        return p->frozen;
    return page_feed(p, name, sizeof name) ? feeds_get(&a->feeds, name) : NULL;
}

void page_refresh(struct app *a, struct page *p)
{
    json_t *data = page_data(a, p);

    if (!p->view->columns || (data == p->seen && p->grid.rows))
        return;
    json_decref(p->seen);
    p->seen = json_incref(data);
    if (p->view->is_tail && p->grid.cursor == 0) {
        mem_free(p->grid.cursor_id);
        p->grid.cursor_id = NULL;
    }
    p->grid.when = app_when(a, p->view->has_data_time);
    json_t *rows = p->view->rows ? p->view->rows(a, p, data) : json_incref(data);
    grid_set_rows(&p->grid, rows);
    json_decref(rows);
}

void page_draw_grid(struct app *a, struct page *p, struct rect r)
{
    json_t *data = page_data(a, p);

    p->grid.when = app_when(a, p->view->has_data_time);
    grid_draw(&p->grid, &a->term, r,
              data || !p->view->feed ? p->view->empty : "waiting for data");
}

#define NOTE_LINES 5

struct rect page_note(struct app *a, struct page *p, struct rect r, const char *note,
                      const char *below)
{
    int w = r.w - 2, lines = draw_wrap_lines(&a->term, w, NOTE_LINES, note), h = lines;

    h += below && *below ? 1 : 0;
    if (h == 0 || r.h < h + 6)
        return r;
    int y = r.y + r.h - h - 1;
    draw_hline(&a->term, y, r.x + 1, w, ROLE_BORDER);
    draw_wrapped(&a->term, (struct rect){y + 1, r.x + 1, lines, w},
                 grid_state_role(json_str(grid_row(&p->grid), "state", "")), note);
    if (below && *below)
        draw_text(&a->term, y + 1 + lines, r.x + 1, w, ROLE_MUTED, below);
    return (struct rect){r.y, r.x, r.h - h - 1, r.w};
}

void page_draw_note(struct app *a, struct page *p, struct rect r, const char *note,
                    const char *below)
{
    page_draw_grid(a, p, page_note(a, p, r, note, below));
}

void page_draw_rows(struct app *a, struct rect r, const struct grid_column *columns,
                    size_t n, json_t *rows, const char *empty)
{
    struct grid g;

    grid_init(&g, columns, n, columns[0].key, -1, false);
    grid_set_rows(&g, rows);
    g.cursor = SIZE_MAX;
    g.when = app_when(a, true);
    grid_draw(&g, &a->term, r, empty);
    grid_release(&g);
}

void page_open_log(struct app *a, struct page *p, const json_t *row)
{
    const char *name = json_str(row, "name", "");

    (void)p;
    app_open_log(a, name, name);
}

void page_draw(struct app *a, struct page *p, struct rect r)
{
    page_refresh(a, p);
    if (p->view->draw)
        p->view->draw(a, p, r);
    else
        page_draw_grid(a, p, r);
}

void page_forget(struct page *p)
{
    json_decref(p->seen);
    p->seen = NULL;
}

void page_pause(struct app *a, struct page *p, bool is_paused)
{
    if (is_paused && !p->is_paused) {
        json_decref(p->frozen);
        p->frozen = json_incref(page_data(a, p));
        p->n_frozen = json_array_size(p->frozen);
    }
    p->is_paused = is_paused;
    if (!is_paused) {
        json_decref(p->frozen);
        p->frozen = NULL;
    }
    page_forget(p);
}
