/* Query results as templates see them: the part of an agate table that macros use: rows
 * (by index or name), columns (.values()), column_names, and the rows as lists. */
#include "model/native.h"

#include <strings.h>
#include "base/buf.h"
#include "base/log.h"

#define MAX_ROWS 1000000 /* a template that asks for more wants SQL, not Jinja */

struct table {
    struct jv *names; /* list of str */
    struct jv *rows;  /* list of row objects */
    struct jv *data;  /* list of lists */
};

struct row {
    const struct table *t;
    struct jv *cells; /* tuple */
};

struct jv *table_cell(struct arena *mem, struct wh_value v)
{
    switch (v.type) {
    case WH_INT:
        return jv_int(mem, v.i);
    case WH_REAL:
        return jv_float(mem, v.d);
    case WH_TEXT:
    case WH_BLOB:
        return jv_str(mem, v.text.p, v.text.n);
    case WH_NULL:
        break;
    }
    return jv_none();
}

/* ── rows ── */

static struct jv *named_cell(const struct row *r, struct str name)
{
    for (size_t i = 0; i < jv_len(r->t->names); i++) {
        struct str s = jv_as_str(jv_at(r->t->names, i));
        if (s.n == name.n && strncasecmp(s.p, name.p, s.n) == 0)
            return jv_at(r->cells, i);
    }
    return NULL;
}

static struct jv *row_item(struct jinja_call *c, void *self, struct jv *key)
{
    const struct row *r = self;
    (void)c;
    if (jv_is(key, JV_STR))
        return named_cell(r, jv_as_str(key));
    if (!jv_is(key, JV_INT))
        return NULL;
    int64_t i = jv_as_int(key), n = (int64_t)jv_len(r->cells);
    i = i < 0 ? i + n : i;
    return i >= 0 && i < n ? jv_at(r->cells, (size_t)i) : NULL;
}

NATIVE(row_values)
{
    UNUSED;
    (void)c;
    return ((struct row *)userdata)->cells;
}

NATIVE(row_keys)
{
    UNUSED;
    (void)c;
    return ((struct row *)userdata)->t->names;
}

static struct jv *row_get(struct jinja_call *c, void *self, const char *name)
{
    if (streq(name, "values"))
        return jv_function(jinja_mem(c), name, row_values, self);
    if (streq(name, "keys"))
        return jv_function(jinja_mem(c), name, row_keys, self);
    return named_cell(self, str_of(name));
}

static struct jv *row_iter(struct jinja_call *c, void *self)
{
    (void)c;
    return ((struct row *)self)->cells;
}

static int row_str(void *self, struct buf *out)
{
    return jv_to_text(((const struct row *)self)->cells, out);
}

static const struct jinja_class row_class = {
    .name = "Row", .get = row_get, .item = row_item, .iter = row_iter, .str = row_str};

/* ── columns ── */

struct table_column {
    const struct table *t;
    size_t i;
};

NATIVE(column_values)
{
    const struct table_column *col = userdata;
    UNUSED;
    struct jv *list = jv_list(jinja_mem(c));
    for (size_t i = 0; i < jv_len(col->t->data); i++)
        jv_append(list, jv_at(jv_at(col->t->data, i), col->i));
    return list;
}

static struct jv *table_column_get(struct jinja_call *c, void *self, const char *name)
{
    const struct table_column *col = self;
    if (streq(name, "values"))
        return jv_function(jinja_mem(c), name, column_values, self);
    return streq(name, "name") ? jv_at(col->t->names, col->i) : NULL;
}

static struct jv *table_column_iter(struct jinja_call *c, void *self)
{
    return column_values(c, self, NULL, 0, NULL, NULL, 0);
}

static const struct jinja_class table_column_class = {
    .name = "Column", .get = table_column_get, .iter = table_column_iter};

static struct jv *column_list(struct jinja_call *c, const struct table *t)
{
    struct arena *mem = jinja_mem(c);
    struct jv *list = jv_list(mem);
    for (size_t i = 0; i < jv_len(t->names); i++) {
        struct table_column *col = arena_alloc(mem, sizeof *col);
        *col = (struct table_column){t, i};
        jv_append(list, jv_object(mem, &table_column_class, col));
    }
    return list;
}

/* table.columns: by index or name, iterated in order. */
static struct jv *columns_item(struct jinja_call *c, void *self, struct jv *key)
{
    const struct table *t = self;
    struct jv *list = column_list(c, t);
    if (jv_is(key, JV_INT)) {
        int64_t i = jv_as_int(key), n = (int64_t)jv_len(list);
        i = i < 0 ? i + n : i;
        return i >= 0 && i < n ? jv_at(list, (size_t)i) : NULL;
    }
    for (size_t i = 0; jv_is(key, JV_STR) && i < jv_len(list); i++) {
        struct str a = jv_as_str(jv_at(t->names, i)), b = jv_as_str(key);
        if (a.n == b.n && strncasecmp(a.p, b.p, a.n) == 0)
            return jv_at(list, i);
    }
    return NULL;
}

static struct jv *columns_iter(struct jinja_call *c, void *self)
{
    return column_list(c, self);
}

NATIVE(columns_keys)
{
    UNUSED;
    (void)c;
    return ((struct table *)userdata)->names;
}

NATIVE(columns_values)
{
    UNUSED;
    return column_list(c, userdata);
}

static struct jv *columns_get(struct jinja_call *c, void *self, const char *name)
{
    if (streq(name, "keys"))
        return jv_function(jinja_mem(c), name, columns_keys, self);
    if (streq(name, "values"))
        return jv_function(jinja_mem(c), name, columns_values, self);
    return columns_item(c, self, jv_strz(jinja_mem(c), name));
}

static const struct jinja_class columns_class = {
    .name = "columns", .get = columns_get, .iter = columns_iter, .item = columns_item};

/* ── table ── */

/* select(['a', 'b']): a table of these columns. */
NATIVE(table_select)
{
    const struct table *t = userdata;
    struct arena *mem = jinja_mem(c);
    struct jv *wanted = ARG(0, "key"), *rows = jv_list(mem);
    if (jv_is(wanted, JV_STR))
        wanted = jv_tuple(mem, &wanted, 1);
    for (size_t i = 0; i < jv_len(t->rows); i++) {
        struct jv *cells = jv_list(mem);
        for (size_t k = 0; wanted && k < jv_len(wanted); k++) {
            struct jv *cell = row_item(c, jv_self(jv_at(t->rows, i)), jv_at(wanted, k));
            jv_append(cells, cell ? cell : jv_none());
        }
        jv_append(rows, cells);
    }
    return wanted ? table_new(mem, wanted, rows) : jv_none();
}

/* rename(column_names={'old': 'new'}), or a list of all names */
NATIVE(table_rename)
{
    const struct table *t = userdata;
    struct arena *mem = jinja_mem(c);
    struct jv *names = jv_list(mem), *given = ARG(0, "column_names");
    for (size_t i = 0; i < jv_len(t->names); i++) {
        struct jv *own = jv_at(t->names, i), *other = NULL;
        if (jv_is(given, JV_DICT))
            other = jv_get(given, jv_cstr(mem, own));
        else if (jv_is(given, JV_LIST) && i < jv_len(given))
            other = jv_at(given, i);
        jv_append(names, other ? other : own);
    }
    return table_new(mem, names, t->data);
}

static void add_line(struct jv *cells, struct buf *out)
{
    buf_addc(out, '|');
    for (size_t i = 0; i < jv_len(cells); i++) {
        buf_addc(out, ' ');
        jv_to_text(jv_at(cells, i), out);
        buf_adds(out, " |");
    }
}

NATIVE(table_print)
{
    const struct table *t = userdata;
    struct buf line;
    UNUSED;
    (void)c;
    buf_init(&line, 1u << 20);
    add_line(t->names, &line);
    log_info("%s", buf_str(&line));
    for (size_t i = 0; i < jv_len(t->data) && i < 20; i++) {
        buf_reset(&line);
        add_line(jv_at(t->data, i), &line);
        log_info("%s", buf_str(&line));
    }
    buf_release(&line);
    return jv_none();
}

static const struct method {
    const char *name;
    jinja_fn *fn;
} methods[] = {
    {"select", table_select}, {"rename", table_rename}, {"print_table", table_print}};

static struct jv *table_get(struct jinja_call *c, void *self, const char *name)
{
    const struct table *t = self;
    if (streq(name, "rows"))
        return t->rows;
    if (streq(name, "column_names"))
        return t->names;
    if (streq(name, "columns"))
        return jv_object(jinja_mem(c), &columns_class, self);
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (streq(name, methods[i].name))
            return jv_function(jinja_mem(c), name, methods[i].fn, self);
    return NULL;
}

static struct jv *table_iter(struct jinja_call *c, void *self)
{
    (void)c;
    return ((struct table *)self)->rows;
}

static bool table_truth(void *self)
{
    (void)self;
    return true;
}

static const struct jinja_class table_class = {
    .name = "Table", .get = table_get, .iter = table_iter, .truth = table_truth};

static void add_row(struct arena *mem, struct table *t, struct jv *cells)
{
    struct row *r = arena_alloc(mem, sizeof *r);
    *r = (struct row){t, cells};
    jv_append(t->rows, jv_object(mem, &row_class, r));
    jv_append(t->data, cells);
}

static int read_rows(struct arena *mem, struct wh_cursor *cur, struct table *t,
                     struct err *e)
{
    int n = wh_n_columns(cur), rc;
    for (int i = 0; i < n; i++)
        jv_append(t->names, jv_strz(mem, wh_column_name(cur, i)));
    while ((rc = wh_next(cur, e)) > 0) {
        struct jv *cells = jv_list(mem);
        for (int i = 0; i < n; i++)
            jv_append(cells, table_cell(mem, wh_value(cur, i)));
        add_row(mem, t, cells);
        if (jv_len(t->data) > MAX_ROWS)
            return err_set(e, ERR_LIMIT,
                           "the query gives more than %d rows to the template",
                           MAX_ROWS);
    }
    return rc;
}

struct jv *table_new(struct arena *mem, struct jv *names, struct jv *rows)
{
    struct table *t = arena_alloc(mem, sizeof *t);
    *t = (struct table){names, jv_list(mem), jv_list(mem)};
    for (size_t i = 0; i < jv_len(rows); i++)
        add_row(mem, t, jv_at(rows, i));
    return jv_object(mem, &table_class, t);
}

struct jv *table_query(struct jinja_call *c, struct render *r, const char *sql,
                       struct jv **rows)
{
    struct arena *mem = jinja_mem(c);
    struct table *t = arena_alloc(mem, sizeof *t);
    struct wh_cursor *cur;
    struct err e = {0};
    *t = (struct table){jv_list(mem), jv_list(mem), jv_list(mem)};
    if (rows)
        *rows = t->data;
    if (!r->w || !sql)
        return jv_object(mem, &table_class, t);
    int rc = wh_query(r->w, sql, &cur, &e);
    if (rc == 0) {
        rc = read_rows(mem, cur, t, &e);
        wh_cursor_close(cur);
    }
    return rc < 0 ? jinja_fail_err(c, &e) : jv_object(mem, &table_class, t);
}

struct jv *table_data(struct jv *table, struct arena *mem)
{
    bool is_table = jv_is(table, JV_OBJECT) && jv_class(table) == &table_class;
    return is_table ? ((struct table *)jv_self(table))->data : jv_list(mem);
}
