/* Expected and actual rows of a unit test compared as multisets, and what differs laid
 * out as dbt lays it out: "@@" names the columns, "---" a row that is missing, "+++"
 * one too many, "→" one of which some cells differ (expected→actual). Called by
 * unit_run.c. */
#include "model/unit.h"

#include <stdlib.h>
#include "base/buf.h"

#define MAX_EQUAL_SHOWN 10
#define MAX_WIDTH       60
#define ARROW           "\xe2\x86\x92"

static const char *shown(const char *cell)
{
    return cell ? cell : "NULL";
}

static int compare_cells(const char *a, const char *b)
{
    if (!a || !b)
        return (a != NULL) - (b != NULL);
    return strcmp(a, b);
}

static int compare_rows(const void *a, const void *b, void *n)
{
    const char *const *x = *(const char *const *const *)a;
    const char *const *y = *(const char *const *const *)b;
    for (size_t i = 0; i < *(size_t *)n; i++) {
        int c = compare_cells(x[i], y[i]);
        if (c)
            return c;
    }
    return 0;
}

static void sort_rows(struct unit_table *t)
{
    if (t->rows.n)
        qsort_r(t->rows.v, t->rows.n, sizeof *t->rows.v, compare_rows, &t->n_columns);
}

/* ── lines: a mark and cells ── */

struct line {
    const char *mark;
    const char **cells;
};
typedef VEC(struct line) line_list;

static size_t width_of(const char *s)
{
    size_t n = 0;
    for (; *s; s++)
        n += ((unsigned char)*s & 0xc0) != 0x80;
    return n;
}

static void add_padded(struct buf *out, const char *s, size_t width)
{
    size_t n = width_of(s);
    buf_adds(out, s);
    for (; n < width; n++)
        buf_addc(out, ' ');
}

static void write_lines(struct buf *out, const line_list *l, size_t n_columns)
{
    size_t *widths = mem_alloc((n_columns + 1) * sizeof *widths);
    for (size_t k = 0; k < l->n; k++)
        for (size_t i = 0; i < n_columns; i++) {
            size_t w = width_of(l->v[k].cells[i]);
            widths[i] = w > widths[i] && w <= MAX_WIDTH ? w : widths[i];
        }
    for (size_t k = 0; k < l->n; k++) {
        add_padded(out, l->v[k].mark, 3);
        for (size_t i = 0; i < n_columns; i++) {
            buf_addc(out, ',');
            add_padded(out, l->v[k].cells[i], i + 1 < n_columns ? widths[i] : 0);
        }
        buf_addc(out, '\n');
    }
    mem_free(widths);
}

static void add_line(struct unit_table *t, line_list *l, const char *mark,
                     const char **cells)
{
    struct line one = {mark, arena_alloc(t->mem, (t->n_columns + 1) * sizeof *cells)};
    for (size_t i = 0; i < t->n_columns; i++)
        one.cells[i] = shown(cells[i]);
    vec_push(l, one);
}

static void add_changed(struct unit_table *t, line_list *l, const char **from,
                        const char **to)
{
    struct line one = {ARROW, arena_alloc(t->mem, (t->n_columns + 1) * sizeof *to)};
    for (size_t i = 0; i < t->n_columns; i++)
        one.cells[i] =
            compare_cells(from[i], to[i]) == 0
                ? shown(to[i])
                : arena_printf(t->mem, "%s" ARROW "%s", shown(from[i]), shown(to[i]));
    vec_push(l, one);
}

/* ── pairs ── */

static size_t equal_cells(const struct unit_table *t, const char **a, const char **b)
{
    size_t n = 0;
    for (size_t i = 0; i < t->n_columns; i++)
        n += compare_cells(a[i], b[i]) == 0;
    return n;
}

/* The row too many that most resembles a missing one; actual->rows.n when none does. */
static size_t like(const struct unit_table *actual, const bool *taken, const char **row)
{
    size_t best = actual->rows.n, most = 0;
    for (size_t i = 0; i < actual->rows.n; i++) {
        size_t n = taken[i] ? 0 : equal_cells(actual, row, actual->rows.v[i]);
        if (n > most) {
            most = n;
            best = i;
        }
    }
    return best;
}

static void differences(struct unit_table *expected, struct unit_table *actual,
                        const bool *found, bool *taken, line_list *l)
{
    size_t n_equal = 0;
    for (size_t i = 0; i < expected->rows.n; i++) {
        const char **row = expected->rows.v[i];
        if (found[i]) {
            if (n_equal++ < MAX_EQUAL_SHOWN)
                add_line(expected, l, "", row);
            continue;
        }
        size_t k = like(actual, taken, row);
        if (k == actual->rows.n) {
            add_line(expected, l, "---", row);
            continue;
        }
        taken[k] = true;
        add_changed(expected, l, row, actual->rows.v[k]);
    }
    for (size_t i = 0; i < actual->rows.n; i++)
        if (!taken[i])
            add_line(actual, l, "+++", actual->rows.v[i]);
}

bool unit_diff(struct unit_table *expected, struct unit_table *actual, struct buf *out)
{
    bool *found = mem_alloc(expected->rows.n + 1),
         *taken = mem_alloc(actual->rows.n + 1);
    size_t e = 0, a = 0, n_equal = 0;
    sort_rows(expected);
    sort_rows(actual);
    while (e < expected->rows.n && a < actual->rows.n) {
        int c = compare_rows(&expected->rows.v[e], &actual->rows.v[a],
                             &expected->n_columns);
        if (c == 0) {
            found[e] = taken[a] = true;
            n_equal++;
        }
        e += c <= 0;
        a += c >= 0;
    }
    bool is_equal = n_equal == expected->rows.n && n_equal == actual->rows.n;
    if (!is_equal) {
        line_list lines = {0};
        add_line(expected, &lines, "@@", expected->columns);
        differences(expected, actual, found, taken, &lines);
        write_lines(out, &lines, expected->n_columns);
        vec_release(&lines);
    }
    mem_free(found);
    mem_free(taken);
    return is_equal;
}
