/* SQLite member: bulk load. One prepared INSERT, rows bound without copies, inside the
 * caller's transaction. Called by load workers and by seeds. */
#include "warehouse/wh_sqlite.h"

#include <limits.h>
#include "base/mem.h"

struct lite_loader {
    struct wh_loader base;
    sqlite3_stmt *st;
    int n;
    char *table;
};

static bool is_key(const struct wh_upsert *u, const char *name)
{
    for (size_t i = 0; u->key[i]; i++)
        if (streq(u->key[i], name))
            return true;
    return false;
}

static void add_upsert(struct wh *w, struct buf *sql, const char *const *columns,
                       const struct wh_upsert *u)
{
    const char *comma = "";
    for (size_t i = 0; u->key[i]; i++) {
        buf_adds(sql, i ? "," : " ON CONFLICT(");
        lite_quote(w, sql, NULL, u->key[i]);
    }
    buf_adds(sql, ") DO UPDATE SET ");
    for (size_t i = 0; columns[i]; i++) {
        if (is_key(u, columns[i]))
            continue;
        buf_adds(sql, comma);
        lite_quote(w, sql, NULL, columns[i]);
        buf_adds(sql, "=excluded.");
        lite_quote(w, sql, NULL, columns[i]);
        comma = ",";
    }
    buf_adds(sql, " WHERE excluded.");
    lite_quote(w, sql, NULL, u->rank);
    buf_adds(sql, ">=t.");
    lite_quote(w, sql, NULL, u->rank);
}

int lite_loader_open(struct wh *w, const char *schema, const char *table,
                     const char *const *columns, const struct wh_upsert *upsert,
                     struct wh_loader **out, struct err *e)
{
    struct lite *l = lite_of(w);
    sqlite3_stmt *st = NULL;
    struct buf sql;
    int n = 0;
    *out = NULL;
    buf_init(&sql, 1u << 20);
    buf_adds(&sql, "INSERT INTO ");
    lite_quote(w, &sql, schema, table);
    buf_adds(&sql, " AS t");
    for (; columns[n]; n++) {
        buf_adds(&sql, n ? "," : "(");
        lite_quote(w, &sql, NULL, columns[n]);
    }
    for (int i = 0; i < n; i++)
        buf_adds(&sql, i ? ",?" : ") VALUES(?");
    buf_addc(&sql, ')');
    if (upsert)
        add_upsert(w, &sql, columns, upsert);
    int rc = buf_check(&sql, "INSERT", e);
    if (rc == 0)
        rc = lite_prepare(l, buf_str(&sql), -1, NULL, &st, NULL, e);
    buf_release(&sql);
    if (rc < 0)
        return err_wrap(e, rc, "load %s.%s", schema, table);
    struct lite_loader *ld = mem_alloc(sizeof *ld);
    *ld = (struct lite_loader){{w}, st, n, mem_printf("load %s.%s", schema, table)};
    *out = &ld->base;
    return 0;
}

static int bind_value(sqlite3_stmt *st, int i, const struct wh_value *v)
{
    switch (v->type) {
    case WH_INT:
        return sqlite3_bind_int64(st, i, v->i);
    case WH_REAL:
        return sqlite3_bind_double(st, i, v->d);
    case WH_TEXT:
        return sqlite3_bind_text64(st, i, v->text.p, v->text.n, SQLITE_STATIC,
                                   SQLITE_UTF8);
    case WH_BLOB:
        return sqlite3_bind_blob64(st, i, v->text.p, v->text.n, SQLITE_STATIC);
    case WH_NULL:
        break;
    }
    return sqlite3_bind_null(st, i);
}

int lite_loader_row(struct wh_loader *base, const struct wh_value *values,
                    struct err *e)
{
    struct lite_loader *ld = (struct lite_loader *)base;
    struct lite *l = lite_of(base->w);
    for (int i = 0; i < ld->n; i++)
        if (bind_value(ld->st, i + 1, &values[i]) != SQLITE_OK)
            return lite_error(l, NULL, ld->table, e);
    int rc =
        sqlite3_step(ld->st) == SQLITE_DONE ? 0 : lite_error(l, NULL, ld->table, e);
    sqlite3_reset(ld->st);
    return rc;
}

void lite_loader_close(struct wh_loader *base)
{
    struct lite_loader *ld = (struct lite_loader *)base;
    sqlite3_finalize(ld->st);
    mem_free(ld->table);
    mem_free(ld);
}
