/* The table widget. In: an array of objects and columns; out: cells, the row under the
 * cursor. Called by page.c and views. Holds always: order[0..n) are indexes of rows in
 * the array held, cursor < n unless n = 0, and only rows on screen are formatted for
 * drawing. */
#include "ui/grid.h"

#include <stdio.h>
#include <strings.h>
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "ui/chart.h"
#include "ui/fmt.h"

static const struct {
    const char *word;
    enum role role;
    enum glyph glyph;
} states[] = {
    {"ok", ROLE_OK, GLYPH_OK},
    {"success", ROLE_OK, GLYPH_OK},
    {"pass", ROLE_OK, GLYPH_OK},
    {"ready", ROLE_OK, GLYPH_OK},
    {"done", ROLE_OK, GLYPH_OK},
    {"sent", ROLE_OK, GLYPH_OK},
    {"resolved", ROLE_OK, GLYPH_OK},
    {"running", ROLE_RUNNING, GLYPH_RUNNING},
    {"starting", ROLE_RUNNING, GLYPH_RUNNING},
    {"draining", ROLE_RUNNING, GLYPH_RUNNING},
    {"planning", ROLE_RUNNING, GLYPH_RUNNING},
    {"finishing", ROLE_RUNNING, GLYPH_RUNNING},
    {"stopping", ROLE_WARN, GLYPH_WAITING},
    {"waiting", ROLE_MUTED, GLYPH_WAITING},
    {"queued", ROLE_MUTED, GLYPH_WAITING},
    {"idle", ROLE_MUTED, GLYPH_WAITING},
    {"down", ROLE_MUTED, GLYPH_WAITING},
    {"skipped", ROLE_MUTED, GLYPH_WAITING},
    {"cancelled", ROLE_MUTED, GLYPH_FAIL},
    {"acked", ROLE_MUTED, GLYPH_OK},
    {"info", ROLE_MUTED, GLYPH_WAITING},
    {"normal", ROLE_MUTED, GLYPH_WAITING},
    {"unknown", ROLE_MUTED, GLYPH_UNKNOWN},
    {"warn", ROLE_WARN, GLYPH_WARN},
    {"warning", ROLE_WARN, GLYPH_WARN},
    {"backoff", ROLE_WARN, GLYPH_WARN},
    {"open", ROLE_WARN, GLYPH_WARN},
    {"stall", ROLE_ERROR, GLYPH_FAIL},
    {"stop", ROLE_ERROR, GLYPH_FAIL},
    {"rewind", ROLE_ERROR, GLYPH_FAIL},
    {"lost", ROLE_ERROR, GLYPH_FAIL},
    {"breach", ROLE_ERROR, GLYPH_FAIL},
    {"fail", ROLE_ERROR, GLYPH_FAIL},
    {"failed", ROLE_ERROR, GLYPH_FAIL},
    {"failing", ROLE_ERROR, GLYPH_FAIL},
    {"error", ROLE_ERROR, GLYPH_FAIL},
    {"crashed", ROLE_ERROR, GLYPH_FAIL},
    {"critical", ROLE_ERROR, GLYPH_FAIL},
    {"high", ROLE_ERROR, GLYPH_FAIL},
    {"blocked", ROLE_ERROR, GLYPH_BLOCKED},
};

#define N_STATES (sizeof states / sizeof *states)

enum role grid_state_role(const char *word)
{
    for (size_t i = 0; i < N_STATES; i++)
        if (streq(word, states[i].word))
            return states[i].role;
    return ROLE_TEXT;
}

enum glyph grid_state_glyph(const char *word)
{
    for (size_t i = 0; i < N_STATES; i++)
        if (streq(word, states[i].word))
            return states[i].glyph;
    return GLYPH_UNKNOWN;
}

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

/* A number from a number or from decimal text; false when it is neither. */
static bool number_of(const json_t *v, double *out)
{
    if (json_is_number(v)) {
        *out = json_number_value(v);
        return true;
    }
    return json_is_string(v) && str_to_double(str_of(json_string_value(v)), out);
}

static void add_value(struct buf *out, const json_t *v)
{
    if (json_is_string(v))
        buf_add(out, json_string_value(v), json_string_length(v));
    else if (json_is_integer(v))
        buf_add_i64(out, json_integer_value(v));
    else if (json_is_real(v))
        buf_addf(out, "%.15g", json_real_value(v));
    else if (json_is_boolean(v))
        buf_adds(out, json_is_true(v) ? "yes" : "no");
    else if (json_is_array(v)) {
        for (size_t i = 0; i < json_array_size(v); i++) {
            if (i)
                buf_adds(out, " ");
            add_value(out, json_array_get(v, i));
        }
    } else if (json_is_object(v)) {
        (void)json_dump_buf(v, JSON_COMPACT, out, NULL);
    }
}

static void add_number(enum grid_kind kind, const json_t *v, int64_t now_ms,
                       struct buf *out)
{
    char text[FMT_MAX] = "-";
    double d;

    if (!number_of(v, &d)) {
        if (json_is_string(v)) /* not a number after all: as it is */
            add_value(out, v);
        else
            buf_adds(out, "-");
        return;
    }
    switch (kind) {
    case GRID_COUNT:
        fmt_count((int64_t)d, text);
        break;
    case GRID_SHORT:
        fmt_short(d, text);
        break;
    case GRID_RATE:
        fmt_rate(d, text);
        break;
    case GRID_BYTES:
        fmt_bytes(d, text);
        break;
    case GRID_KBYTES:
        fmt_bytes(d < 0 ? d : d * 1024, text);
        break;
    case GRID_TIME:
        fmt_time((int64_t)d, now_ms, text);
        break;
    case GRID_SPAN:
        fmt_span((int64_t)d, text);
        break;
    case GRID_SECONDS:
        fmt_seconds(d, text);
        break;
    case GRID_PERCENT:
        snprintf(text, sizeof text, "%.0f%%", d);
        break;
    case GRID_MONEY:
        fmt_money(d, text);
        break;
    case GRID_TEXT:
    case GRID_STATE:
    case GRID_LIST:
    case GRID_PROGRESS:
    case GRID_BAR:
    case GRID_SPARK:
    case GRID_HEAT:
        break;
    }
    buf_adds(out, text);
}

static bool is_numeric(enum grid_kind kind)
{
    return kind != GRID_TEXT && kind != GRID_STATE && kind < GRID_LIST;
}

/* Numbers end at the right so that their digits stand under each other. */
static bool is_right(enum grid_kind kind)
{
    return is_numeric(kind) && kind != GRID_TIME;
}

void grid_cell(const struct grid_column *c, const json_t *row, int64_t now_ms,
               struct buf *out, enum role *role)
{
    const json_t *v = json_object_get(row, c->key);

    *role = ROLE_TEXT;
    if (c->kind == GRID_SPARK || c->kind == GRID_HEAT)
        return;
    if (c->kind == GRID_BAR)
        add_number(GRID_PERCENT, v, now_ms, out);
    else if (c->kind == GRID_PROGRESS)
        buf_addf(out, "%lld/%lld", (long long)json_i64(row, "done", 0),
                 (long long)json_i64(row, "total", 0));
    else if (is_numeric(c->kind))
        add_number(c->kind, v, now_ms, out);
    else
        add_value(out, v);
    if (c->kind == GRID_STATE && json_is_string(v))
        *role = grid_state_role(json_string_value(v));
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
        add_value(out, json_object_get(row, name));
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
        grid_cell(&g->columns[c], row, 0, scratch, &role);
        found = strcasestr(buf_str(scratch), needle) != NULL;
    }
    return found != is_inverse;
}

static int compare_values(const json_t *a, const json_t *b)
{
    double x, y;

    if (number_of(a, &x) && number_of(b, &y))
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

/* ── drawing ──────────────────────────────────────────────────────────────────────────
 */

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
        if (is_right(c->kind))
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

    if (!number_of(value, &v))
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
                      const struct grid_column *c, const json_t *row, int64_t now_ms,
                      bool is_selected, struct buf *b)
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
    grid_cell(c, row, now_ms, b, &role);
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
    if (is_right(c->kind) && used < w)
        x += w - used, w = used;
    draw_textn(t, y, x, w, role, s, b->len);
    mark_match(g, t, y, x, w, s);
}

static void draw_row(const struct grid *g, struct term *t, struct rect r, int y,
                     size_t at, const int *width, int64_t now_ms, struct buf *b)
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
        draw_cell(g, t, y, x, width[i], &g->columns[i], row, now_ms, is_selected, b);
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

void grid_draw(struct grid *g, struct term *t, struct rect r, int64_t now_ms,
               const char *empty)
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
        draw_row(g, t, r, r.y + 1 + i, g->top + (size_t)i, width, now_ms, &b);
    buf_release(&b);
}

void grid_tsv(const struct grid *g, bool only_cursor, int64_t now_ms, struct buf *out)
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
            grid_cell(&g->columns[c], row, now_ms, &cell, &role);
            for (const char *s = buf_str(&cell); *s; s++)
                buf_addc(out, *s == '\t' || *s == '\n' ? ' ' : *s);
            buf_addc(out, c + 1 < g->n_columns ? '\t' : '\n');
        }
    }
    buf_release(&cell);
}
