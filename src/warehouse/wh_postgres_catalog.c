/* PostgreSQL member: what relations there are, their columns, indexes, statistics. */
#include "warehouse/wh_postgres.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/timeutil.h"

#define OF_SCHEMA                                                                      \
    " WHERE c.relnamespace = CASE $1 WHEN 'temp' THEN pg_my_temp_schema()"             \
    " ELSE (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = $1::name) END"

static enum wh_relation_type type_of(const char *kind)
{
    return *kind == 'v' ? WH_VIEW : *kind == 'm' ? WH_MATERIALIZED_VIEW : WH_TABLE;
}

int pg_relations(struct wh *w, const char *schema, wh_relation_fn *fn, void *arg,
                 struct err *e)
{
    PGresult *r;
    int rc =
        pg_select(pg_of(w), &r, e,
                  "SELECT c.relname, c.relkind FROM pg_catalog.pg_class c" OF_SCHEMA
                  " AND c.relkind IN ('r','p','v','m','f')"
                  " AND c.relname NOT LIKE '\\_weir\\_%' ORDER BY c.relname",
                  schema, NULL);
    for (int i = 0; rc == 0 && i < PQntuples(r); i++)
        fn(arg, schema, PQgetvalue(r, i, 0), type_of(PQgetvalue(r, i, 1)));
    PQclear(r);
    return rc;
}

enum wh_relation_type pg_relation_type(struct wh *w, const char *schema,
                                       const char *name)
{
    PGresult *r;
    enum wh_relation_type found = WH_ABSENT;
    int rc = pg_select(pg_of(w), &r, NULL,
                       "SELECT c.relkind FROM pg_catalog.pg_class c" OF_SCHEMA
                       " AND c.relname = $2 AND c.relkind IN ('r','p','v','m','f')",
                       schema, name);
    if (rc == 0 && PQntuples(r) > 0)
        found = type_of(PQgetvalue(r, 0, 0));
    PQclear(r);
    return found;
}

int pg_columns(struct wh *w, const char *schema, const char *name, wh_column_fn *fn,
               void *arg, struct err *e)
{
    PGresult *r;
    int rc = pg_select(
        pg_of(w), &r, e,
        "SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod)"
        " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute a"
        " ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped" OF_SCHEMA
        " AND c.relname = $2 AND c.relkind IN ('r','p','v','m','f') ORDER BY a.attnum",
        schema, name);
    for (int i = 0; rc == 0 && i < PQntuples(r); i++)
        fn(arg, PQgetvalue(r, i, 0), PQgetvalue(r, i, 1));
    PQclear(r);
    return rc;
}

/* "a, b" → "\"a\", \"b\"" */
static char *quote_list(const char *columns)
{
    struct buf out;
    buf_init(&out, 64u << 10);
    for (const char *at = columns; *at;) {
        at += strspn(at, ", ");
        size_t n = strcspn(at, ",");
        while (n && at[n - 1] == ' ')
            n--;
        if (n) {
            char *one = mem_strndup(at, n), *quoted = pg_name(NULL, one);
            buf_addf(&out, "%s%s", out.len ? ", " : "", quoted);
            mem_free(one);
            mem_free(quoted);
        }
        at += strcspn(at, ",");
    }
    char *text = mem_strdup(buf_str(&out));
    buf_release(&out);
    return text;
}

int pg_index(struct wh *w, const char *schema, const char *table, const char *columns,
             struct err *e)
{
    struct pg *p = pg_of(w);
    PGresult *r;
    char *name = pg_name(schema, table), *list = quote_list(columns);
    /* an index that leads with these columns serves as well */
    int rc = pg_select(p, &r, e,
                       "SELECT 1 FROM pg_catalog.pg_index i WHERE i.indrelid ="
                       " $1::regclass AND i.indpred IS NULL AND starts_with("
                       "(SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY k.n)"
                       " FROM unnest(i.indkey::int2[]) WITH ORDINALITY k(num, n)"
                       " JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid"
                       " AND a.attnum = k.num) || ', ', replace($2, '\"', '') || ', ')",
                       name, list);
    bool has = rc == 0 && PQntuples(r) > 0;
    PQclear(r);
    if (rc == 0 && !has) /* the name differs from that of the table it will replace */
        rc = pg_execf(p, e, "CREATE INDEX \"weir_%016llx%016llx\" ON %s (%s)",
                      (unsigned long long)hash_64(name, strlen(name)),
                      (unsigned long long)time_mono_us(), name, list);
    mem_free(name);
    mem_free(list);
    return rc;
}

/* The server counts itself, and looks at the values as well. */
int pg_set_rows(struct wh *w, const char *schema, const char *table, int64_t rows,
                struct err *e)
{
    if (rows < 0) /* a view */
        return 0;
    char *name = pg_name(schema, table);
    int rc = pg_execf(pg_of(w), e, "ANALYZE %s", name);
    mem_free(name);
    return rc;
}
