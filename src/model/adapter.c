/* adapter.* as templates see it: dispatch and the introspection that macros use. At
 * parse time there is no warehouse: relations are not found and column lists are empty.
 */
#include "model/native.h"

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

NATIVE(adapter_columns)
{
    const char *schema, *name;
    (void)userdata;
    if (!relation_parts(ARG(0, "relation"), &schema, &name))
        return jv_list(jinja_mem(c));
    return columns_of(render_of(c), jinja_mem(c), schema, name);
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
    struct jv *from = columns_of(render_of(c), mem, schema, name);
    if (!relation_parts(ARG(1, "to_relation"), &schema, &name))
        return out;
    struct jv *to = columns_of(render_of(c), mem, schema, name);
    for (size_t i = 0; i < jv_len(from); i++)
        if (!has_column(c, to, jinja_getattr(c, jv_at(from, i), "name")))
            jv_append(out, jv_at(from, i));
    return out;
}

NATIVE(adapter_drop)
{
    struct render *r = render_of(c);
    struct err e = {0};
    const char *schema, *name;
    (void)userdata;
    if (r->w && relation_parts(ARG(0, "relation"), &schema, &name) && schema &&
        wh_drop(r->w, schema, name, &e) < 0)
        return jinja_fail_err(c, &e);
    return jv_none();
}

NATIVE(adapter_create_schema)
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

NATIVE(adapter_schema_exists)
{
    UNUSED;
    return jv_bool(render_of(c)->w != NULL);
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

NATIVE(adapter_quote)
{
    struct arena *mem = jinja_mem(c);
    const char *name = jv_cstr(mem, ARG(0, "identifier"));
    (void)userdata;
    return jv_strz(mem, arena_printf(mem, "\"%s\"", name ? name : ""));
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
    {"get_columns_in_relation", adapter_columns},
    {"get_missing_columns", adapter_missing_columns},
    {"drop_relation", adapter_drop},
    {"create_schema", adapter_create_schema},
    {"check_schema_exists", adapter_schema_exists},
    {"list_relations", adapter_list_relations},
    {"list_relations_without_caching", adapter_list_relations},
    {"quote", adapter_quote},
    {"type", adapter_type},
    {"commit", adapter_nothing},
    {"cache_added", adapter_nothing},
    {"cache_dropped", adapter_nothing},
    {"expand_target_column_types", adapter_nothing},
};

static struct jv *adapter_get(struct jinja_call *c, void *self, const char *name)
{
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (streq(name, methods[i].name))
            return jv_function(jinja_mem(c), name, methods[i].fn, self);
    return jinja_fail(c, "adapter.%s is not there", name);
}

static const struct jinja_class adapter_class = {.name = "adapter", .get = adapter_get};

struct jv *adapter_new(struct project *p)
{
    return jv_object(&p->mem, &adapter_class, p);
}
