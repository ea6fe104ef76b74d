/* adapter.* as templates see it: dispatch and the introspection that macros use. At
 * parse time there is no warehouse: relations are not found and column lists are empty.
 */
#include "model/native.h"

#include "base/buf.h"

static struct render *render_of(struct jinja_call *c)
{
    return jinja_userdata(c);
}

NATIVE(adapter_dispatch)
{
    struct arena *mem = jinja_mem(c);
    const char *name = jv_cstr(mem, ARG(0, "macro_name"));
    const char *ns = jv_cstr(mem, ARG(1, "macro_namespace"));
    if (!name)
        return jinja_fail(c, "dispatch needs the name of a macro");
    return macros_dispatch(c, userdata, name, ns);
}

NATIVE(adapter_get_relation)
{
    struct render *r = render_of(c);
    struct arena *mem = jinja_mem(c);
    const char *schema = jv_cstr(mem, ARG(1, "schema"));
    const char *name = jv_cstr(mem, ARG(2, "identifier"));
    (void)userdata;
    if (!r->w || !schema || !name)
        return jv_none();
    enum wh_relation_type t = wh_relation_type(r->w, schema, name);
    return t == WH_ABSENT ? jv_none() : relation_new(r->p, mem, schema, name, t);
}

NATIVE(adapter_load_relation)
{
    struct render *r = render_of(c);
    const char *schema, *name;
    (void)userdata;
    if (!r->w || !relation_parts(ARG(0, "relation"), &schema, &name) || !schema)
        return jv_none();
    enum wh_relation_type t = wh_relation_type(r->w, schema, name);
    return t == WH_ABSENT ? jv_none()
                          : relation_new(r->p, jinja_mem(c), schema, name, t);
}

/* A temporary relation has no schema. */
NATIVE(native_columns)
{
    const char *schema, *name;
    (void)userdata;
    if (!relation_parts(ARG(0, "relation"), &schema, &name))
        return jv_list(jinja_mem(c));
    return columns_of(render_of(c), jinja_mem(c), schema ? schema : WH_TEMP, name);
}

static bool has_column(struct jinja_call *c, struct jv *list, struct jv *name)
{
    for (size_t i = 0; i < jv_len(list); i++) {
        struct str a = jv_as_str(jinja_getattr(c, jv_at(list, i), "name"));
        struct str b = jv_as_str(name);
        if (a.n == b.n && strncasecmp(a.p, b.p, a.n) == 0)
            return true;
    }
    return false;
}

/* Columns of the first relation that the second lacks. */
NATIVE(adapter_missing_columns)
{
    const char *schema, *name;
    struct arena *mem = jinja_mem(c);
    struct jv *out = jv_list(mem);
    (void)userdata;
    if (!relation_parts(ARG(0, "from_relation"), &schema, &name))
        return out;
    struct jv *from = columns_of(render_of(c), mem, schema ? schema : WH_TEMP, name);
    if (!relation_parts(ARG(1, "to_relation"), &schema, &name))
        return out;
    struct jv *to = columns_of(render_of(c), mem, schema ? schema : WH_TEMP, name);
    for (size_t i = 0; i < jv_len(from); i++)
        if (!has_column(c, to, jinja_getattr(c, jv_at(from, i), "name")))
            jv_append(out, jv_at(from, i));
    return out;
}

/* ── what changes: by the macro of that name when the project has its own ── */

static struct jv *by_macro(struct jinja_call *c, const char *name, struct jv **args,
                           size_t n, const char *const *kw_names, struct jv **kw_values,
                           size_t n_kw, jinja_fn *native)
{
    struct render *r = render_of(c);
    const struct package *pk = r->item ? r->item->package : r->p->root;
    struct jv *fn = macros_overridden(r->p, pk, name) ? jinja_lookup(c, name) : NULL;
    return fn ? jinja_invoke(c, fn, args, n, kw_names, kw_values, n_kw)
              : native(c, NULL, args, n, kw_names, kw_values, n_kw);
}

#define BY_MACRO(fn, macro, native)                                                    \
    NATIVE(fn)                                                                         \
    {                                                                                  \
        (void)userdata;                                                                \
        return by_macro(c, macro, args, n, kw_names, kw_values, n_kw, native);         \
    }

NATIVE(native_drop)
{
    struct render *r = render_of(c);
    struct err e = {0};
    const char *schema, *name;
    (void)userdata;
    if (r->w && relation_parts(ARG(0, "relation"), &schema, &name) && name &&
        wh_drop(r->w, schema ? schema : WH_TEMP, name, &e) < 0)
        return jinja_fail_err(c, &e);
    return jv_none();
}

NATIVE(native_rename)
{
    struct render *r = render_of(c);
    struct err e = {0};
    const char *schema, *from, *other, *to;
    (void)userdata;
    if (r->w && relation_parts(ARG(0, "from_relation"), &schema, &from) &&
        relation_parts(ARG(1, "to_relation"), &other, &to) && from && to &&
        wh_rename(r->w, schema ? schema : WH_TEMP, from, to, &e) < 0)
        return jinja_fail_err(c, &e);
    return jv_none();
}

NATIVE(native_truncate)
{
    struct render *r = render_of(c);
    struct err e = {0};
    struct buf sql;
    const char *schema, *name;
    (void)userdata;
    if (!r->w || !relation_parts(ARG(0, "relation"), &schema, &name) || !name)
        return jv_none();
    buf_init(&sql, 64u * 1024);
    buf_adds(&sql, "DELETE FROM ");
    wh_quote(r->w, &sql, schema, name);
    int rc = wh_exec_raw(r->w, buf_str(&sql), &e);
    buf_release(&sql);
    return rc < 0 ? jinja_fail_err(c, &e) : jv_none();
}

NATIVE(native_create_schema)
{
    struct render *r = render_of(c);
    struct err e = {0};
    const char *schema, *name;
    (void)userdata;
    if (r->w && relation_parts(ARG(0, "relation"), &schema, &name) && schema &&
        wh_schema_ensure(r->w, schema, &e) < 0)
        return jinja_fail_err(c, &e);
    return jv_none();
}

BY_MACRO(adapter_drop, "drop_relation", native_drop)
BY_MACRO(adapter_rename, "rename_relation", native_rename)
BY_MACRO(adapter_truncate, "truncate_relation", native_truncate)
BY_MACRO(adapter_create_schema, "create_schema", native_create_schema)
BY_MACRO(adapter_columns, "get_columns_in_relation", native_columns)

/* Through the macro: what a schema holds goes with it. */
NATIVE(adapter_drop_schema)
{
    (void)userdata;
    struct jv *fn = jinja_lookup(c, "drop_schema");
    return render_of(c)->w && fn
               ? jinja_invoke(c, fn, args, n, kw_names, kw_values, n_kw)
               : jv_none();
}

NATIVE(adapter_schema_exists)
{
    struct arena *mem = jinja_mem(c);
    struct jv *fn = jinja_lookup(c, "check_schema_exists"), *schema = ARG(1, "schema");
    struct jv *both[2] = {jv_none(), schema};
    (void)userdata;
    if (!render_of(c)->w || !fn || !schema)
        return jv_bool(false);
    struct jv *table = jinja_invoke(c, fn, both, 2, NULL, NULL, 0);
    struct jv *rows = table ? table_data(table, mem) : NULL;
    return rows ? jv_bool(jv_len(rows) && jv_truth(jv_at(jv_at(rows, 0), 0))) : NULL;
}

NATIVE(adapter_list_schemas)
{
    struct arena *mem = jinja_mem(c);
    struct jv *fn = jinja_lookup(c, "list_schemas"), *list = jv_list(mem);
    struct jv *database = ARG(0, "database");
    (void)userdata;
    if (!render_of(c)->w || !fn)
        return list;
    database = database ? database : jv_none();
    struct jv *table = jinja_invoke(c, fn, &database, 1, NULL, NULL, 0);
    if (!table)
        return NULL;
    struct jv *rows = table_data(table, mem);
    for (size_t i = 0; i < jv_len(rows); i++)
        jv_append(list, jv_at(jv_at(rows, i), 0));
    return list;
}

NATIVE(adapter_already_exists)
{
    const struct render *r = render_of(c);
    const char *schema = jv_cstr(jinja_mem(c), ARG(0, "schema"));
    const char *name = jv_cstr(jinja_mem(c), ARG(1, "name"));
    (void)userdata;
    return jv_bool(r->w && schema && name &&
                   wh_relation_type(r->w, schema, name) != WH_ABSENT);
}

struct relation_list {
    struct render *r;
    struct arena *mem;
    struct jv *list;
};

static void add_relation(void *arg, const char *schema, const char *name,
                         enum wh_relation_type type)
{
    struct relation_list *l = arg;
    jv_append(l->list, relation_new(l->r->p, l->mem, schema, name, type));
}

NATIVE(adapter_list_relations)
{
    struct render *r = render_of(c);
    struct relation_list l = {r, jinja_mem(c), jv_list(jinja_mem(c))};
    struct err e = {0};
    const char *schema = jv_cstr(l.mem, ARG(1, "schema"));
    (void)userdata;
    if (r->w && schema && wh_relations(r->w, schema, add_relation, &l, &e) < 0)
        return jinja_fail_err(c, &e);
    return l.list;
}

/* Of the relation that list_relations_without_caching is given. */
NATIVE(adapter_list_relations_of)
{
    struct render *r = render_of(c);
    struct relation_list l = {r, jinja_mem(c), jv_list(jinja_mem(c))};
    struct err e = {0};
    const char *schema, *name;
    (void)userdata;
    if (r->w && relation_parts(ARG(0, "schema_relation"), &schema, &name) && schema &&
        wh_relations(r->w, schema, add_relation, &l, &e) < 0)
        return jinja_fail_err(c, &e);
    return l.list;
}

NATIVE(adapter_type)
{
    UNUSED;
    return jv_strz(jinja_mem(c), ((struct project *)userdata)->o.adapter);
}

NATIVE(adapter_nothing)
{
    UNUSED;
    (void)c;
    return jv_none();
}

static const struct method {
    const char *name;
    jinja_fn *fn;
} methods[] = {
    {"dispatch", adapter_dispatch},
    {"get_relation", adapter_get_relation},
    {"load_relation", adapter_load_relation},
    {"already_exists", adapter_already_exists},
    {"get_columns_in_relation", adapter_columns},
    {"get_missing_columns", adapter_missing_columns},
    {"drop_relation", adapter_drop},
    {"rename_relation", adapter_rename},
    {"truncate_relation", adapter_truncate},
    {"create_schema", adapter_create_schema},
    {"drop_schema", adapter_drop_schema},
    {"check_schema_exists", adapter_schema_exists},
    {"list_schemas", adapter_list_schemas},
    {"list_relations", adapter_list_relations},
    {"list_relations_without_caching", adapter_list_relations_of},
    {"type", adapter_type},
    {"execute", execution_execute},
    {"add_query", execution_add_query},
    {"commit", execution_commit},
    {"commit_if_has_connection", execution_commit},
    {"cache_added", adapter_nothing},
    {"cache_dropped", adapter_nothing},
    {"cache_renamed", adapter_nothing},
    {"verify_database", adapter_nothing},
};

static struct jv *adapter_get(struct jinja_call *c, void *self, const char *name)
{
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (streq(name, methods[i].name))
            return jv_function(jinja_mem(c), name, methods[i].fn, self);
    struct jv *api = jinja_lookup(c, "api");
    if (api && (streq(name, "Relation") || streq(name, "Column")))
        return jinja_getattr(c, api, name);
    struct jv *more = adapter_more(c, name);
    return more ? more : jinja_fail(c, "adapter.%s is not there", name);
}

static const struct jinja_class adapter_class = {.name = "adapter", .get = adapter_get};

struct jv *adapter_new(struct project *p)
{
    return jv_object(&p->mem, &adapter_class, p);
}
