/* PostgreSQL member: bulk load by COPY. Rows gather in memory and go out when there is
 * a mebibyte of them or when anything else is to run on the connection, so that several
 * loaders may be open at once. Called by load workers and by seeds. */
#include "warehouse/wh_postgres.h"

#include "base/mem.h"

#define FLUSH_BYTES ((size_t)1 << 20)
#define ROWS_MAX    ((size_t)256 << 20)

struct pg_loader {
    struct wh_loader base;
    struct pg_loader *next;
    char *copy, *table;
    char
        *merge; /* an upsert: from the stage into the table, after each copy; or NULL */
    int n;
    bool *is_bytes; /* columns that take their text as bytes */
    struct buf rows;
};

static bool is_key(const struct wh_upsert *u, const char *name)
{
    for (size_t i = 0; u->key[i]; i++)
        if (streq(u->key[i], name))
            return true;
    return false;
}

static void add_names(struct buf *sql, const char *const *names)
{
    for (size_t i = 0; names[i]; i++) {
        char *name = pg_name(NULL, names[i]);
        buf_addf(sql, "%s%s", i ? ", " : "", name);
        mem_free(name);
    }
}

static void add_updates(struct buf *sql, const char *const *columns,
                        const struct wh_upsert *u)
{
    const char *comma = "";
    for (size_t i = 0; columns[i]; i++) {
        if (is_key(u, columns[i]))
            continue;
        char *name = pg_name(NULL, columns[i]);
        buf_addf(sql, "%s%s = excluded.%s", comma, name, name);
        mem_free(name);
        comma = ", ";
    }
}

/* COPY knows no conflict: rows go to a table of this connection, and from there the
 * highest rank of each key into the table. */
static int open_stage(struct pg *p, struct pg_loader *l, const char *name,
                      const char *const *columns, const struct wh_upsert *u,
                      struct err *e)
{
    char *stage = mem_printf("_weir_upsert_%p", (void *)l),
         *rank = pg_name(NULL, u->rank);
    struct buf sql;
    buf_init(&sql, 1u << 20);
    buf_addf(&sql, "INSERT INTO %s AS t (", name);
    add_names(&sql, columns);
    buf_adds(&sql, ") SELECT DISTINCT ON (");
    add_names(&sql, u->key);
    buf_adds(&sql, ") ");
    add_names(&sql, columns);
    buf_addf(&sql, " FROM pg_temp.\"%s\" ORDER BY ", stage);
    add_names(&sql, u->key);
    buf_addf(&sql, ", %s DESC, _weir_row DESC ON CONFLICT (", rank);
    add_names(&sql, u->key);
    buf_adds(&sql, ") DO UPDATE SET ");
    add_updates(&sql, columns, u);
    buf_addf(&sql, " WHERE excluded.%s >= t.%s; TRUNCATE pg_temp.\"%s\"", rank, rank,
             stage);
    int rc = buf_check(&sql, "INSERT", e);
    if (rc == 0)
        rc = pg_execf(p, e,
                      "CREATE TEMP TABLE \"%s\" (LIKE %s); ALTER TABLE pg_temp.\"%s\" "
                      "ADD COLUMN _weir_row bigserial",
                      stage, name, stage);
    l->merge = buf_take(&sql);
    buf_reset(&sql);
    add_names(&sql, columns);
    mem_free(l->copy);
    l->copy = mem_printf("COPY pg_temp.\"%s\" (%s) FROM STDIN", stage, buf_str(&sql));
    buf_release(&sql);
    mem_free(stage);
    mem_free(rank);
    return rc;
}

int pg_loader_open(struct wh *w, const char *schema, const char *table,
                   const char *const *columns, const struct wh_upsert *upsert,
                   struct wh_loader **out, struct err *e)
{
    *out = NULL;
    struct pg *p = pg_of(w);
    struct pg_loader *l = mem_alloc(sizeof *l);
    PGresult *shape = NULL;
    struct buf sql;
    char *name = pg_name(schema, table);
    buf_init(&sql, 1u << 20);
    buf_addf(&sql, "SELECT ");
    for (; columns[l->n]; l->n++) {
        char *column = pg_name(NULL, columns[l->n]);
        buf_addf(&sql, "%s%s", l->n ? ", " : "", column);
        mem_free(column);
    }
    l->copy = mem_printf("COPY %s (%s) FROM STDIN", name, buf_str(&sql) + 7);
    buf_addf(&sql, " FROM %s LIMIT 0", name);
    l->base.w = w;
    l->table = mem_printf("load %s.%s", schema, table);
    buf_init(&l->rows, ROWS_MAX);
    int rc = buf_check(&sql, "COPY", e);
    if (rc == 0) /* a missing table or column is told here, not at the first flush */
        rc = pg_run(p, buf_str(&sql), NULL, &shape, e);
    l->is_bytes = mem_alloc((size_t)l->n * sizeof *l->is_bytes);
    for (int i = 0; rc == 0 && i < l->n; i++)
        l->is_bytes[i] = PQftype(shape, i) == OID_BYTEA;
    PQclear(shape);
    if (rc == 0 && upsert)
        rc = open_stage(p, l, name, columns, upsert, e);
    if (rc < 0)
        rc = err_wrap(e, rc, "load %s.%s", schema, table);
    mem_free(name);
    buf_release(&sql);
    l->next = p->loaders;
    p->loaders = l;
    if (rc < 0)
        pg_loader_close(&l->base);
    else
        *out = &l->base;
    return rc;
}

static void add_text(struct buf *b, struct str s)
{
    size_t from = 0;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        char esc = c == '\n'   ? 'n'
                   : c == '\r' ? 'r'
                   : c == '\t' ? 't'
                   : c == '\\' ? '\\'
                               : '\0';
        if (!esc)
            continue;
        buf_add(b, s.p + from, i - from);
        buf_addc(b, '\\');
        buf_addc(b, esc);
        from = i + 1;
    }
    buf_add(b, s.p + from, s.n - from);
}

static void add_real(struct buf *b, double d)
{
    char text[40];
    double back;
    snprintf(text, sizeof text, "%.15g", d);
    if (!str_to_double(str_of(text), &back) || back < d || back > d)
        snprintf(text, sizeof text, "%.17g", d);
    buf_adds(b, text);
}

static void add_bytes(struct buf *b, struct str s)
{
    buf_adds(b, "\\\\x");
    for (size_t i = 0; i < s.n; i++)
        buf_addf(b, "%02x", (unsigned char)s.p[i]);
}

static void add_value(struct buf *b, const struct wh_value *v, bool is_bytes)
{
    switch (v->type) {
    case WH_INT:
        buf_add_i64(b, v->i);
        return;
    case WH_REAL:
        add_real(b, v->d);
        return;
    case WH_TEXT:
        if (is_bytes)
            add_bytes(b, v->text);
        else
            add_text(b, v->text);
        return;
    case WH_BLOB:
        add_bytes(b, v->text);
        return;
    case WH_NULL:
        break;
    }
    buf_adds(b, "\\N");
}

static int end_copy(struct pg *p, int rc, struct err *e)
{
    PGresult *r;
    while (pg_result(p, &r, rc < 0 ? NULL : e) == 0 && r) {
        if (rc == 0 && PQresultStatus(r) != PGRES_COMMAND_OK)
            rc = pg_error(p, r, NULL, e);
        PQclear(r);
    }
    return rc;
}

static int copy_rows(struct pg *p, struct pg_loader *l, struct err *e)
{
    PGresult *r;
    if (!PQsendQuery(p->db, l->copy))
        return pg_error(p, NULL, NULL, e);
    int rc = pg_result(p, &r, e);
    if (rc < 0)
        return rc;
    if (PQresultStatus(r) != PGRES_COPY_IN) {
        rc = pg_error(p, r, NULL, e);
    } else if (PQputCopyData(p->db, l->rows.data, (int)l->rows.len) < 0 ||
               PQputCopyEnd(p->db, NULL) < 0) {
        rc = pg_error(p, NULL, NULL, e);
    }
    PQclear(r);
    return end_copy(p, rc, e);
}

static int flush(struct pg *p, struct pg_loader *l, struct err *e)
{
    if (!l->rows.len)
        return 0;
    int rc = pg_cursor_drain(p, e);
    if (rc == 0)
        rc = copy_rows(p, l, e);
    buf_reset(&l->rows); /* before anything that flushes the loaders first */
    if (rc == 0 && l->merge)
        rc = pg_run(p, l->merge, NULL, NULL, e);
    if (rc < 0)
        rc = err_wrap(e, rc, "%s", l->table);
    return rc;
}

int pg_loaders_flush(struct pg *p, struct err *e)
{
    int rc = 0;
    for (struct pg_loader *l = p->loaders; l && rc == 0; l = l->next)
        rc = flush(p, l, e);
    return rc;
}

void pg_loaders_forget(struct pg *p)
{
    for (struct pg_loader *l = p->loaders; l; l = l->next)
        buf_reset(&l->rows);
}

int pg_loader_row(struct wh_loader *base, const struct wh_value *values, struct err *e)
{
    struct pg_loader *l = (struct pg_loader *)base;
    for (int i = 0; i < l->n; i++) {
        if (values[i].type == WH_TEXT && values[i].text.n && !l->is_bytes[i] &&
            memchr(values[i].text.p, '\0', values[i].text.n))
            return err_set(e, ERR_TYPE, "%s: PostgreSQL takes no NUL in a text",
                           l->table);
        if (i)
            buf_addc(&l->rows, '\t');
        add_value(&l->rows, &values[i], l->is_bytes[i]);
    }
    buf_addc(&l->rows, '\n');
    int rc = buf_check(&l->rows, l->table, e);
    return rc < 0 || l->rows.len < FLUSH_BYTES ? rc : flush(pg_of(base->w), l, e);
}

void pg_loader_close(struct wh_loader *base)
{
    struct pg_loader *l = (struct pg_loader *)base;
    struct pg *p = pg_of(base->w);
    struct err e = {0};
    if (flush(p, l, &e) < 0 && !p->late.code)
        p->late = e;
    struct pg_loader **at = &p->loaders;
    while (*at != l)
        at = &(*at)->next;
    *at = l->next;
    buf_release(&l->rows);
    mem_free(l->copy);
    mem_free(l->merge);
    mem_free(l->is_bytes);
    mem_free(l->table);
    mem_free(l);
}
