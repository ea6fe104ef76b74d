/* PostgreSQL member: making, replacing and dropping relations. A swap is renames in one
 * transaction. A view is bound to its table's identity, not to its name: those on the
 * replaced relation are written down, go with it, and are made again on the new one. */
#include "warehouse/wh_postgres.h"

#include "base/mem.h"

static int create_as(struct wh *w, const char *what, const char *schema,
                     const char *name, const char *select, struct err *e)
{
    struct pg *p = pg_of(w);
    struct translate_map map = {0};
    struct pg_source src = {.sql = select, .n = strlen(select)};
    struct buf text, body;
    char *quoted = pg_name(schema, name);
    int rc = 0;
    buf_init(&text, 64u << 20);
    buf_init(&body, 64u << 20);
    if (pg_relation_type(w, schema, name) != WH_ABSENT)
        rc = err_set(e, ERR_EXISTS, "%s.%s exists already", schema, name);
    else
        rc = pg_translate(p, select, src.n, &body, p->is_snowflake ? &map : NULL, e);
    buf_addf(&text, "CREATE %s %s AS ", what, quoted);
    src.shift = text.len;
    src.map = p->is_snowflake ? &map : NULL;
    buf_add(&text, buf_str(&body), body.len);
    if (rc == 0)
        rc = buf_check(&text, "SQL statement", e);
    src.sent = buf_str(&text);
    if (rc == 0)
        rc = pg_run(p, src.sent, &src, NULL, e);
    mem_free(quoted);
    buf_release(&text);
    buf_release(&body);
    translate_map_release(&map);
    return rc;
}

int pg_create_table_as(struct wh *w, const char *schema, const char *name,
                       const char *select, struct err *e)
{
    return create_as(w, "TABLE", schema, name, select, e);
}

int pg_create_view(struct wh *w, const char *schema, const char *name,
                   const char *select, struct err *e)
{
    return create_as(w, "VIEW", schema, name, select, e);
}

static int drop_relation(struct pg *p, const char *schema, const char *name,
                         struct err *e)
{
    PGresult *r;
    char *quoted = pg_name(schema, name);
    int rc = pg_select(p, &r, e,
                       "SELECT relkind FROM pg_catalog.pg_class WHERE oid ="
                       " to_regclass($1)",
                       quoted, NULL);
    char kind = rc == 0 && PQntuples(r) > 0 ? PQgetvalue(r, 0, 0)[0] : '\0';
    PQclear(r);
    if (rc == 0 && kind)
        rc = pg_execf(p, e, "DROP %s %s CASCADE",
                      kind == 'v'   ? "VIEW"
                      : kind == 'm' ? "MATERIALIZED VIEW"
                      : kind == 'f' ? "FOREIGN TABLE"
                                    : "TABLE",
                      quoted);
    mem_free(quoted);
    return rc;
}

int pg_drop(struct wh *w, const char *schema, const char *name, struct err *e)
{
    return drop_relation(pg_of(w), schema, name, e);
}

int pg_rename(struct wh *w, const char *schema, const char *from, const char *to,
              struct err *e)
{
    char *old = pg_name(schema, from), *new = pg_name(NULL, to);
    int rc = pg_execf(pg_of(w), e, "ALTER TABLE %s RENAME TO %s", old, new);
    mem_free(old);
    mem_free(new);
    return rc;
}

/* Views that look at a relation, nearest first: statement that makes each, and name. */
static int views_on(struct pg *p, const char *quoted, PGresult **out, struct err *e)
{
    return pg_select(
        p, out, e,
        "WITH RECURSIVE d(oid, depth) AS ("
        " SELECT r.ev_class, 1 FROM pg_catalog.pg_depend x"
        " JOIN pg_catalog.pg_rewrite r ON r.oid = x.objid"
        " WHERE x.classid = 'pg_catalog.pg_rewrite'::regclass"
        " AND x.refobjid = to_regclass($1) AND r.ev_class <> x.refobjid"
        " UNION SELECT r.ev_class, d.depth + 1 FROM d"
        " JOIN pg_catalog.pg_depend x ON x.refobjid = d.oid"
        " JOIN pg_catalog.pg_rewrite r ON r.oid = x.objid"
        " WHERE x.classid = 'pg_catalog.pg_rewrite'::regclass"
        " AND r.ev_class <> d.oid AND d.depth < 64)"
        " SELECT format('CREATE %s %s AS %s', CASE c.relkind WHEN 'm' THEN"
        " 'MATERIALIZED VIEW' ELSE 'VIEW' END, c.oid::regclass,"
        " pg_get_viewdef(c.oid)), c.oid::regclass::text"
        " FROM (SELECT oid, max(depth) AS depth FROM d GROUP BY oid) m"
        " JOIN pg_catalog.pg_class c USING (oid) WHERE c.relkind IN ('v', 'm')"
        " ORDER BY m.depth, c.oid",
        quoted, NULL);
}

/* A view that does not fit the new columns goes, and that is noted: it was written for
 * what is no longer there, and whoever owns it makes it anew. */
static int restore_views(struct pg *p, const PGresult *views, struct err *e)
{
    int rc = 0;
    for (int i = 0; rc == 0 && i < PQntuples(views); i++) {
        if ((rc = pg_execf(p, e, "SAVEPOINT weir_view")) < 0)
            break;
        if (pg_run(p, PQgetvalue(views, i, 0), NULL, NULL, NULL) < 0) {
            buf_addf(&p->notes, "view %s does not fit the new relation: dropped\n",
                     PQgetvalue(views, i, 1));
            rc = pg_execf(p, e, "ROLLBACK TO SAVEPOINT weir_view");
        }
        if (rc == 0)
            rc = pg_execf(p, e, "RELEASE SAVEPOINT weir_view");
    }
    return rc;
}

static int swap_names(struct pg *p, const char *schema, const char *built,
                      const char *live, struct err *e)
{
    char *from = pg_name(schema, built), *to = pg_name(NULL, live),
         *whole = pg_name(schema, live);
    PGresult *views = NULL;
    int rc = views_on(p, whole, &views, e);
    if (rc == 0)
        rc = drop_relation(p, schema, live, e);
    if (rc == 0)
        rc = pg_execf(p, e, "ALTER TABLE %s RENAME TO %s", from, to);
    if (rc == 0)
        rc = restore_views(p, views, e);
    PQclear(views);
    mem_free(from);
    mem_free(to);
    mem_free(whole);
    return rc;
}

int pg_swap(struct wh *w, const char *schema, const char *built, const char *live,
            struct err *e)
{
    struct pg *p = pg_of(w);
    PGresult *path = NULL, *r = NULL;
    bool is_mine;
    int rc = pg_begin(p, &is_mine, e);
    if (rc < 0)
        return rc;
    /* names in the views' texts must be whole: nothing but the catalog is searched */
    rc = pg_select(p, &path, e, "SELECT current_setting('search_path')", NULL, NULL);
    if (rc == 0)
        rc = pg_execf(p, e, "SET LOCAL search_path = pg_catalog");
    if (rc == 0)
        rc = swap_names(p, schema, built, live, e);
    if (rc == 0)
        rc = pg_select(p, &r, e, "SELECT set_config('search_path', $1, true)",
                       PQgetvalue(path, 0, 0), NULL);
    PQclear(path);
    PQclear(r);
    return pg_end(p, is_mine, rc, e);
}
