/* catalog.json (v1): what the warehouse says of the project's relations, for docs
 * viewers. In: the project, an open warehouse: one list of relations a schema, the
 * columns of those that are the project's. Out: TARGET/catalog.json. Called by `weir
 * docs`. */
#include "model/internal.h"

/* Relations of the schemas that were listed: "schema\nname" → its type + 1. */
struct listing {
    struct map schemas, relations;
    struct arena mem;
};

static void note(void *arg, const char *schema, const char *name,
                 enum wh_relation_type type)
{
    struct listing *l = arg;
    map_put(&l->relations, arena_printf(&l->mem, "%s\n%s", schema, name),
            (void *)(uintptr_t)(type + 1));
}

static enum wh_relation_type type_of(struct listing *l, struct wh *w,
                                     const struct item *it)
{
    const char *schema = it->pub.schema;
    if (!schema || !it->pub.alias)
        return WH_ABSENT;
    if (!map_has(&l->schemas, schema)) {
        map_put(&l->schemas, schema, l);
        if (wh_schema_ensure(w, schema, NULL) == 0)
            wh_relations(w, schema, note, l, NULL); /* not there: nothing in it */
    }
    char *key = arena_printf(&l->mem, "%s\n%s", schema, it->pub.alias);
    uintptr_t type = (uintptr_t)map_get(&l->relations, key);
    return type ? (enum wh_relation_type)(type - 1) : WH_ABSENT;
}

struct columns {
    json_t *all;
    int next;
};

static void add_column(void *arg, const char *name, const char *type)
{
    struct columns *c = arg;
    json_t *one = json_object();
    json_put_str(one, "type", type && *type ? type : "UNKNOWN");
    json_put_i64(one, "index", c->next++);
    json_put_str(one, "name", name);
    json_put(one, "comment", json_null());
    json_put(c->all, name, one);
}

/* The comments (persist_docs) and the owner, where the warehouse keeps them: into the
 * metadata and the columns; what is not there stays null. */
static void describe(struct wh *w, const struct item *it, json_t *m, json_t *columns)
{
    struct wh_cursor *c;
    int rc = wh_query_raw(
        w,
        "SELECT a.attname::text, CASE WHEN a.attnum IS NULL THEN "
        "pg_catalog.obj_description(c.oid, 'pg_class') ELSE "
        "pg_catalog.col_description(c.oid, a.attnum) END,"
        " pg_catalog.pg_get_userbyid(c.relowner)::text"
        " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n"
        " ON n.oid = c.relnamespace LEFT JOIN LATERAL"
        " (SELECT NULL::name AS attname, NULL::int AS attnum UNION ALL"
        " SELECT attname, attnum FROM pg_catalog.pg_attribute"
        " WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped) a ON true"
        " WHERE n.nspname = $1::name AND c.relname = $2",
        &c, NULL);
    if (rc < 0)
        return;
    wh_bind_text(c, 1, it->pub.schema, NULL);
    wh_bind_text(c, 2, it->pub.alias, NULL);
    while (wh_next(c, NULL) > 0) {
        struct wh_value name = wh_value(c, 0), comment = wh_value(c, 1);
        json_t *into = m;
        if (name.type == WH_TEXT)
            into = json_object_getn(columns, name.text.p, name.text.n);
        if (into && comment.type == WH_TEXT)
            json_put(into, "comment", json_stringn(comment.text.p, comment.text.n));
        if (into == m && wh_value(c, 2).type == WH_TEXT)
            json_put(m, "owner",
                     json_stringn(wh_value(c, 2).text.p, wh_value(c, 2).text.n));
    }
    wh_cursor_close(c);
}

static json_t *entry(const struct project *p, struct wh *w, const struct item *it,
                     enum wh_relation_type type)
{
    bool is_postgres = streq(p->o.adapter, "postgres");
    struct columns c = {json_object(), is_postgres ? 1 : 0};
    json_t *n = json_object(), *m = json_object();
    const char *kind = type == WH_VIEW                ? is_postgres ? "VIEW" : "view"
                       : type == WH_MATERIALIZED_VIEW ? "MATERIALIZED VIEW"
                       : is_postgres                  ? "BASE TABLE"
                                                      : "table";
    wh_columns(w, it->pub.schema, it->pub.alias, add_column, &c, NULL);
    json_put_str(m, "type", kind);
    json_put_str(m, "schema", it->pub.schema);
    json_put_str(m, "name", it->pub.alias);
    json_put_str(m, "database", json_str(p->target, "database", p->database));
    json_put(m, "comment", json_null());
    json_put(m, "owner", json_null());
    if (is_postgres)
        describe(w, it, m, c.all);
    json_put(n, "metadata", m);
    json_put(n, "columns", c.all);
    json_put(n, "stats",
             json_pack("{s:{s:s, s:s, s:b, s:b, s:s}}", "has_stats", "id", "has_stats",
                       "label", "Has Stats?", "value", 0, "include", 0, "description",
                       "Indicates whether there are statistics for this table"));
    json_put_str(n, "unique_id", it->pub.unique_id);
    return n;
}

static bool has_relation(const struct item *it)
{
    return it->pub.type == NODE_SOURCE ||
           (item_is_refable(it->pub.type) && !streq(it->pub.materialized, "ephemeral"));
}

int project_write_catalog(struct project *p, struct wh *w, size_t *n, struct err *e)
{
    struct listing l = {0};
    json_t *all = json_object(), *nodes = json_object(), *sources = json_object();
    arena_init(&l.mem, 0);
    map_init(&l.schemas);
    map_init(&l.relations);
    *n = 0;
    for (size_t i = 0; w && i < p->items.n; i++) {
        const struct item *it = p->items.v[i];
        enum wh_relation_type type = has_relation(it) ? type_of(&l, w, it) : WH_ABSENT;
        if (type == WH_ABSENT)
            continue;
        json_put(it->pub.type == NODE_SOURCE ? sources : nodes, it->pub.unique_id,
                 entry(p, w, it, type));
        ++*n;
    }
    json_put(all, "metadata",
             artifact_metadata(p, "https://schemas.getdbt.com/dbt/catalog/v1.json"));
    json_put(all, "nodes", nodes);
    json_put(all, "sources", sources);
    json_put(all, "errors", json_null());
    int rc = artifact_save(p, "catalog.json", all, e);
    json_decref(all);
    map_release(&l.schemas);
    map_release(&l.relations);
    arena_release(&l.mem);
    return rc;
}
