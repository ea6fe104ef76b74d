/* Query results as templates see them: the part of an agate table that macros use: rows
 * (by index or name), columns (.values()), column_names, and the rows as lists. */
#include "model/native.h"

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

static struct jv *cell_value(struct arena *mem, struct wh_value v)
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

static struct jv *table_columns(struct jinja_call *c, const struct table *t)
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

/* ── table ── */

static struct jv *table_get(struct jinja_call *c, void *self, const char *name)
{
    const struct table *t = self;
    if (streq(name, "rows"))
        return t->rows;
    if (streq(name, "column_names"))
        return t->names;
    return streq(name, "columns") ? table_columns(c, t) : NULL;
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

static int read_rows(struct arena *mem, struct wh_cursor *cur, struct table *t,
                     struct err *e)
{
    int n = wh_n_columns(cur), rc;
    for (int i = 0; i < n; i++)
        jv_append(t->names, jv_strz(mem, wh_column_name(cur, i)));
    while ((rc = wh_next(cur, e)) > 0) {
        struct jv *cells = jv_list(mem);
        struct row *r = arena_alloc(mem, sizeof *r);
        for (int i = 0; i < n; i++)
            jv_append(cells, cell_value(mem, wh_value(cur, i)));
        *r = (struct row){t, cells};
        jv_append(t->rows, jv_object(mem, &row_class, r));
        jv_append(t->data, cells);
        if (jv_len(t->data) > MAX_ROWS)
            return err_set(e, ERR_LIMIT,
                           "the query gives more than %d rows to the template",
                           MAX_ROWS);
    }
    return rc;
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
