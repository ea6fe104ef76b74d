/* The table widget's rows. In: an array of objects and columns; out: the rows shown,
 * their order, the row under the cursor. Called by page.c and views; grid_draw.c draws.
 * Holds always: order[0..n) are indexes of rows in the array held, cursor < n unless n
 * = 0. */
#include "ui/grid.h"

#include <stdio.h>
#include <strings.h>
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

void grid_init(struct grid *g, const struct grid_column *columns, size_t n,
               const char *id_keys, int sort, bool is_descending)
{
    *g = (struct grid){.columns = columns,
                       .n_columns = n,
                       .id_keys = id_keys,
                       .sort = sort,
                       .is_descending = is_descending,
                       .page_rows = 10};
}

void grid_release(struct grid *g)
{
    json_decref(g->rows);
    mem_free(g->order);
    mem_free(g->cursor_id);
    *g = (struct grid){0};
}

void grid_id(const struct grid *g, const json_t *row, struct buf *out)
{
    const char *key = g->id_keys;

    while (key && *key) {
        char name[64];
        size_t n = strcspn(key, ",");
        snprintf(name, sizeof name, "%.*s", (int)n, key);
        if (key != g->id_keys)
            buf_addc(out, '/');
        grid_value(out, json_object_get(row, name));
        key += n + (key[n] == ',');
    }
}

/* ── order: filter and sort ───────────────────────────────────────────────────────────
 */

static bool row_matches(const struct grid *g, const json_t *row, struct buf *scratch)
{
    const char *needle = g->filter;
    bool is_inverse = needle[0] == '!', found = false;

    if (is_inverse)
        needle++;
    if (!*needle)
        return true;
    for (size_t c = 0; c < g->n_columns && !found; c++) {
        enum role role;
        buf_reset(scratch);
        grid_cell(&g->columns[c], row, g->when, scratch, &role);
        found = strcasestr(buf_str(scratch), needle) != NULL;
    }
    return found != is_inverse;
}

static int compare_values(const json_t *a, const json_t *b)
{
    double x, y;

    if (grid_number(a, &x) && grid_number(b, &y))
        return x < y ? -1 : x > y;
    if (json_is_string(a) && json_is_string(b))
        return strcasecmp(json_string_value(a), json_string_value(b));
    return (a && !json_is_null(a)) - (b && !json_is_null(b));
}

static int compare_rows(const void *pa, const void *pb, void *context)
{
    const struct grid *g = context;
    size_t a = *(const size_t *)pa, b = *(const size_t *)pb;
    const char *key = g->columns[g->sort].key;
    int order = compare_values(json_object_get(json_array_get(g->rows, a), key),
                               json_object_get(json_array_get(g->rows, b), key));

    if (g->is_descending)
        order = -order;
    return order ? order : (a > b) - (a < b); /* stable: rows must not dance */
}

static void keep_cursor_id(struct grid *g)
{
    struct buf id;

    mem_free(g->cursor_id);
    g->cursor_id = NULL;
    json_t *row = grid_row(g);
    if (!row)
        return;
    buf_init(&id, 4096);
    grid_id(g, row, &id);
    g->cursor_id = mem_strdup(buf_str(&id));
    buf_release(&id);
}

/* Cursor back on the row it was on; at the same place when that row is gone. */
static void find_cursor(struct grid *g)
{
    struct buf id;

    if (g->cursor_id) {
        buf_init(&id, 4096);
        for (size_t i = 0; i < g->n; i++) {
            buf_reset(&id);
            grid_id(g, json_array_get(g->rows, g->order[i]), &id);
            if (!streq(buf_str(&id), g->cursor_id))
                continue;
            g->cursor = i;
            break;
        }
        buf_release(&id);
    }
    if (g->cursor >= g->n)
        g->cursor = g->n ? g->n - 1 : 0;
    if (!g->cursor_id)
        keep_cursor_id(g);
}

static void rebuild(struct grid *g)
{
    size_t n = json_array_size(g->rows);
    struct buf scratch;

    if (n > g->cap) {
        g->order = mem_realloc(g->order, n * sizeof *g->order);
        g->cap = n;
    }
    buf_init(&scratch, 64u * 1024);
    g->n = 0;
    for (size_t i = 0; i < n; i++) {
        const json_t *row = json_array_get(g->rows, i);
        if (json_is_object(row) && (!g->filter[0] || row_matches(g, row, &scratch)))
            g->order[g->n++] = i;
    }
    buf_release(&scratch);
    if (g->sort >= 0 && g->n > 1)
        qsort_r(g->order, g->n, sizeof *g->order, compare_rows, g);
    find_cursor(g);
}

void grid_set_rows(struct grid *g, json_t *rows)
{
    if (rows == g->rows)
        return;
    json_decref(g->rows);
    g->rows = json_is_array(rows) ? json_incref(rows) : NULL;
    rebuild(g);
}

void grid_set_filter(struct grid *g, const char *filter)
{
    if (streq(g->filter, filter))
        return;
    str_copy(g->filter, sizeof g->filter, filter);
    rebuild(g);
}

void grid_set_sort(struct grid *g, int column, bool is_descending)
{
    g->sort = column;
    g->is_descending = is_descending;
    rebuild(g);
}

int grid_column(const struct grid *g, const char *name)
{
    for (size_t i = 0; i < g->n_columns; i++)
        if (strcasecmp(name, g->columns[i].key) == 0 ||
            strcasecmp(name, g->columns[i].title) == 0)
            return (int)i;
    return -1;
}

void grid_goto(struct grid *g, size_t at)
{
    g->cursor = at < g->n ? at : g->n ? g->n - 1 : 0;
    keep_cursor_id(g);
}

void grid_move(struct grid *g, long delta)
{
    if (delta < 0 && (size_t)-delta > g->cursor)
        grid_goto(g, 0);
    else
        grid_goto(g, g->cursor + (size_t)delta);
}

static bool is_problem(const struct grid *g, const json_t *row)
{
    for (size_t c = 0; c < g->n_columns; c++) {
        const json_t *v = json_object_get(row, g->columns[c].key);
        if (g->columns[c].kind != GRID_STATE || !json_is_string(v))
            continue;
        enum role role = grid_state_role(json_string_value(v));
        if (role == ROLE_ERROR || role == ROLE_WARN)
            return true;
    }
    return false;
}

bool grid_next_problem(struct grid *g)
{
    for (size_t step = 1; step <= g->n; step++) {
        size_t at = (g->cursor + step) % g->n;
        if (is_problem(g, json_array_get(g->rows, g->order[at]))) {
            grid_goto(g, at);
            return true;
        }
    }
    return false;
}

json_t *grid_row(const struct grid *g)
{
    return g->n ? json_array_get(g->rows, g->order[g->cursor]) : NULL;
}
