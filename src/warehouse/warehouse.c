/* The warehouse seam: forwards to the member chosen by wh_options.kind and holds what
 * is the same for all of them (row counts, single values, transactions as statements).
 * Called by load, model, quality, lag and the query command. */
#include "warehouse/warehouse.h"

#include "base/mem.h"
#include "warehouse/member.h"

static const struct wh_ops *const members[] = {&wh_sqlite_ops, &wh_postgres_ops};

struct wh_options wh_options_of(const struct platform *p)
{
    return (struct wh_options){.kind = p->warehouse_kind,
                               .postgres = &p->postgres,
                               .dir = p->warehouse_dir,
                               .files = p->warehouse_files,
                               .n_files = p->n_warehouse_files,
                               .extensions = p->warehouse_extensions,
                               .dialect = p->dialect,
                               .now_ms = -1};
}

int wh_open(struct wh **out, const struct wh_options *o, struct err *e)
{
    *out = NULL;
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (!o->kind || streq(o->kind, members[i]->kind))
            return members[i]->open(out, o, e);
    return err_set(e, ERR_CONFIG,
                   "warehouse kind \"%s\" is unknown (known: sqlite, postgres)",
                   o->kind);
}

void wh_close(struct wh *w)
{
    if (w)
        w->ops->close(w);
}

void wh_cancel(struct wh *w)
{
    w->ops->cancel(w);
}

void wh_set_progress(struct wh *w, wh_progress_fn *fn, void *arg)
{
    w->ops->set_progress(w, fn, arg);
}

int wh_schema_ensure(struct wh *w, const char *schema, struct err *e)
{
    return w->ops->schema_ensure(w, schema, e);
}

void wh_set_now(struct wh *w, int64_t now_ms)
{
    w->ops->set_now(w, now_ms);
}

int wh_translate(struct wh *w, const char *sql, size_t n, struct buf *out,
                 struct err *e)
{
    return w->ops->translate(w, sql, n, out, e);
}

const char *wh_notes(const struct wh *w)
{
    return w->ops->notes(w);
}

void wh_notes_clear(struct wh *w)
{
    w->ops->notes_clear(w);
}

bool wh_error_at(const struct wh *w, size_t *offset)
{
    return w->ops->error_at(w, offset);
}

int wh_exec(struct wh *w, const char *sql, struct err *e)
{
    return w->ops->exec(w, sql, false, e);
}

int wh_exec_raw(struct wh *w, const char *sql, struct err *e)
{
    return w->ops->exec(w, sql, true, e);
}

int wh_query(struct wh *w, const char *sql, struct wh_cursor **out, struct err *e)
{
    return w->ops->query(w, sql, false, out, e);
}

int wh_query_raw(struct wh *w, const char *sql, struct wh_cursor **out, struct err *e)
{
    return w->ops->query(w, sql, true, out, e);
}

int wh_bind_text(struct wh_cursor *c, int index1, const char *text, struct err *e)
{
    return c->w->ops->bind_text(c, index1, text, e);
}

int wh_bind_i64(struct wh_cursor *c, int index1, int64_t v, struct err *e)
{
    return c->w->ops->bind_i64(c, index1, v, e);
}

int wh_next(struct wh_cursor *c, struct err *e)
{
    return c->w->ops->next(c, e);
}

int wh_n_columns(const struct wh_cursor *c)
{
    return c->w->ops->n_columns(c);
}

const char *wh_column_name(const struct wh_cursor *c, int i)
{
    return c->w->ops->column_name(c, i);
}

struct wh_value wh_value(struct wh_cursor *c, int i)
{
    return c->w->ops->value(c, i);
}

void wh_cursor_close(struct wh_cursor *c)
{
    if (c)
        c->w->ops->cursor_close(c);
}

static int first_i64(struct wh_cursor *c, int64_t *out, struct err *e)
{
    int rc = wh_next(c, e);
    if (rc < 0)
        return rc;
    struct wh_value v = rc ? wh_value(c, 0) : (struct wh_value){.type = WH_NULL};
    if (v.type == WH_INT)
        *out = v.i;
    else if (v.type == WH_REAL)
        *out = (int64_t)v.d;
    else if (v.type != WH_TEXT || !str_to_i64(v.text, out))
        return err_set(e, ERR_NOTFOUND, "the query gave no number");
    return 0;
}

static int query_i64(struct wh *w, const char *sql, bool is_raw, int64_t *out,
                     struct err *e)
{
    struct wh_cursor *c;
    int rc = w->ops->query(w, sql, is_raw, &c, e);
    if (rc < 0)
        return rc;
    rc = first_i64(c, out, e);
    wh_cursor_close(c);
    return rc;
}

int wh_query_i64(struct wh *w, const char *sql, int64_t *out, struct err *e)
{
    return query_i64(w, sql, false, out, e);
}

int64_t wh_changes(const struct wh *w)
{
    return w->ops->changes(w);
}

int wh_begin(struct wh *w, struct err *e)
{
    return wh_exec_raw(w, w->ops->begin_sql, e);
}

int wh_begin_on(struct wh *w, const char *schema, struct err *e)
{
    return w->ops->begin_on(w, schema, e);
}

bool wh_locks_schemas(const struct wh *w)
{
    return w->ops->lock == NULL;
}

int wh_lock(struct wh *w, const char *schema, const char *name, struct err *e)
{
    return w->ops->lock ? w->ops->lock(w, schema, name, e) : 0;
}

int wh_commit(struct wh *w, struct err *e)
{
    return wh_exec_raw(w, "COMMIT", e);
}

int wh_rollback(struct wh *w, struct err *e)
{
    return wh_in_transaction(w) ? wh_exec_raw(w, "ROLLBACK", e) : 0;
}

bool wh_in_transaction(const struct wh *w)
{
    return w->ops->in_transaction(w);
}

int wh_try(struct wh *w, struct err *e)
{
    return w->ops->ends_on_error && wh_in_transaction(w)
               ? wh_exec_raw(w, "SAVEPOINT weir_try", e)
               : 0;
}

int wh_try_end(struct wh *w, bool is_good, struct err *e)
{
    if (!w->ops->ends_on_error || !wh_in_transaction(w))
        return 0;
    return wh_exec_raw(w,
                       is_good ? "RELEASE SAVEPOINT weir_try"
                               : "ROLLBACK TO SAVEPOINT weir_try; RELEASE SAVEPOINT "
                                 "weir_try",
                       e);
}

bool wh_is_lost(const struct wh *w)
{
    return w->ops->is_lost && w->ops->is_lost(w);
}

int wh_relations(struct wh *w, const char *schema, wh_relation_fn *fn, void *arg,
                 struct err *e)
{
    return w->ops->relations(w, schema, fn, arg, e);
}

enum wh_relation_type wh_relation_type(struct wh *w, const char *schema,
                                       const char *name)
{
    return w->ops->relation_type(w, schema, name);
}

int wh_columns(struct wh *w, const char *schema, const char *name, wh_column_fn *fn,
               void *arg, struct err *e)
{
    return w->ops->columns(w, schema, name, fn, arg, e);
}

int64_t wh_row_count(struct wh *w, const char *schema, const char *name, struct err *e)
{
    struct buf sql;
    int64_t n = 0;
    buf_init(&sql, 64u * 1024);
    buf_adds(&sql, "SELECT count(*) FROM ");
    wh_quote(w, &sql, schema, name);
    int rc = buf_check(&sql, "row count", e);
    if (rc == 0)
        rc = query_i64(w, buf_str(&sql), true, &n, e);
    buf_release(&sql);
    return rc < 0 ? rc : n;
}

int wh_create_table_as(struct wh *w, const char *schema, const char *name,
                       const char *select, struct err *e)
{
    return w->ops->create_table_as(w, schema, name, select, e);
}

int wh_create_view(struct wh *w, const char *schema, const char *name,
                   const char *select, struct err *e)
{
    return w->ops->create_view(w, schema, name, select, e);
}

int wh_index(struct wh *w, const char *schema, const char *table, const char *columns,
             struct err *e)
{
    return w->ops->index(w, schema, table, columns, e);
}

int wh_set_rows(struct wh *w, const char *schema, const char *table, int64_t rows,
                struct err *e)
{
    return w->ops->set_rows(w, schema, table, rows, e);
}

int wh_swap(struct wh *w, const char *schema, const char *built, const char *live,
            struct err *e)
{
    return w->ops->swap(w, schema, built, live, e);
}

int wh_drop(struct wh *w, const char *schema, const char *name, struct err *e)
{
    return w->ops->drop(w, schema, name, e);
}

int wh_rename(struct wh *w, const char *schema, const char *from, const char *to,
              struct err *e)
{
    return w->ops->rename(w, schema, from, to, e);
}

int wh_loader_open(struct wh *w, const char *schema, const char *table,
                   const char *const *columns, struct wh_loader **out, struct err *e)
{
    return w->ops->loader_open(w, schema, table, columns, NULL, out, e);
}

int wh_loader_open_upsert(struct wh *w, const char *schema, const char *table,
                          const char *const *columns, const struct wh_upsert *upsert,
                          struct wh_loader **out, struct err *e)
{
    return w->ops->loader_open(w, schema, table, columns, upsert, out, e);
}

int wh_loader_row(struct wh_loader *l, const struct wh_value *values, struct err *e)
{
    return l->w->ops->loader_row(l, values, e);
}

void wh_loader_close(struct wh_loader *l)
{
    if (l)
        l->w->ops->loader_close(l);
}

int wh_quote(struct wh *w, struct buf *out, const char *schema, const char *name)
{
    return w->ops->quote(w, out, schema, name);
}

const char *wh_kind(const struct wh *w)
{
    return w->ops->kind;
}

size_t wh_name_max(const struct wh *w)
{
    return w->ops->name_max;
}
