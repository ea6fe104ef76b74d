/* What a template sees. Functions and objects are globals of the project's environment
 * and look at the rendering in progress (struct render); what differs per node is in
 * the dict that context_new makes. At parse time ref, source and config record; at run
 * time they answer. The member list is dbt's (dbt.md 1.3). */
#include "model/native.h"

#include <stdlib.h>
#include "base/buf.h"
#include "model/cache.h"
#include "model/context.h"
#include "model/event_time.h"
#include "model/unit.h"

#define VAR_DEPTH 20

static struct render *render_of(struct jinja_call *c)
{
    return jinja_userdata(c);
}

void render_begin(struct render *r, struct project *p, struct wh *w, struct item *it)
{
    r->p = p;
    r->w = w;
    r->item = it;
    r->outer = p->render;
    p->render = r;
    jinja_env_set_userdata(p->env, r);
    jinja_env_strict(p->env, r->is_execute);
}

void render_end(struct render *r)
{
    struct project *p = r->p;
    vec_release(&r->ctes);
    p->render = r->outer;
    jinja_env_set_userdata(p->env, p->render);
    jinja_env_strict(p->env, p->render && p->render->is_execute);
}

/* ── ref and source ── */

/* The item "type.package.name", or "type.package.source.name". */
static struct item *item_by_id(struct project *p, const char *type, const char *package,
                               const char *source, const char *name)
{
    const char *const parts[] = {type, package, source, name};
    char id[512];
    size_t n = 0;
    for (size_t i = 0; i < 4; i++) {
        size_t len = parts[i] ? strlen(parts[i]) : 0;
        if (!parts[i])
            continue;
        if (n + len + 1 > sizeof id)
            return NULL;
        memcpy(id + n, parts[i], len);
        n += len;
        id[n++] = '.';
    }
    return map_getn(&p->by_id, id, n - 1);
}

/* In one package; version NULL: the model without versions, or the latest. */
static struct item *ref_in(struct project *p, const char *pkg, const char *name,
                           const char *version)
{
    static const char *const types[] = {"model", "seed", "snapshot"};
    char text[512];
    if (version) {
        snprintf(text, sizeof text, "%s.v%s", name, version);
        return item_by_id(p, "model", pkg, NULL, text);
    }
    for (size_t t = 0; t < 3; t++) {
        struct item *it = item_by_id(p, types[t], pkg, NULL, name);
        if (it)
            return it;
    }
    if (!p->latest.n)
        return NULL;
    snprintf(text, sizeof text, "%s.%s", pkg, name);
    return map_get(&p->latest, text);
}

struct item *context_ref(struct project *p, const struct package *from, const char *pkg,
                         const char *name, const char *version)
{
    struct item *it = ref_in(p, pkg ? pkg : from->name, name, version);
    if (!it && !pkg && from != p->root)
        it = ref_in(p, p->root->name, name, version);
    if (it || pkg)
        return it;
    for (size_t i = 0; !it && version && i < p->packages.n; i++)
        it = ref_in(p, p->packages.v[i]->name, name, version);
    return version ? it : map_get(&p->by_name, name);
}

struct item *context_source(struct project *p, const struct package *from,
                            const char *source, const char *table)
{
    struct item *it = item_by_id(p, "source", from->name, source, table);
    for (size_t i = 0; !it && i < p->packages.n; i++)
        it = item_by_id(p, "source", p->packages.v[i]->name, source, table);
    return it;
}

static struct jv *not_found(struct jinja_call *c, struct project *p,
                            enum node_type type, const char *name)
{
    VEC(const char *) names = {0};
    for (size_t i = 0; i < p->items.n; i++)
        if ((p->items.v[i]->pub.type == NODE_SOURCE) == (type == NODE_SOURCE) &&
            p->items.v[i]->pub.type != NODE_TEST &&
            p->items.v[i]->pub.type != NODE_EXPOSURE)
            vec_push(&names, p->items.v[i]->pub.name);
    const char *near = names.n ? str_nearest(name, names.v, names.n) : NULL;
    vec_release(&names);
    return jinja_fail(c, "there is no %s \"%s\"%s%s%s",
                      type == NODE_SOURCE ? "source table" : "model, seed or snapshot",
                      name, near ? "; did you mean \"" : "", near ? near : "",
                      near ? "\"?" : "");
}

static struct jv *no_version(struct jinja_call *c, struct project *p, const char *name,
                             const char *version)
{
    struct buf b;
    buf_init(&b, 16384);
    for (size_t i = 0; i < p->items.n; i++) {
        const struct node *n = &p->items.v[i]->pub;
        if (n->version && streq(n->name, name))
            buf_addf(&b, "%s%s", b.len ? ", " : "", n->version);
    }
    const char *known = arena_strdup(jinja_mem(c), b.len ? buf_str(&b) : "none");
    buf_release(&b);
    return jinja_fail(c, "there is no version %s of the model \"%s\" (versions: %s)",
                      version, name, known);
}

static bool knows_cte(const struct render *r, const struct item *it)
{
    for (size_t i = 0; i < r->ctes.n; i++)
        if (r->ctes.v[i] == it)
            return true;
    return false;
}

/* What is read of a relation: nothing with --empty, a batch's or sample's time of one
 * with event_time, else all of it. */
static struct jv *narrowed(struct jinja_call *c, const struct render *r,
                           const struct item *it, struct jv *rel)
{
    struct err e = {0};
    struct buf where, b;
    bool is_empty =
        r->p->o.is_empty && r->is_execute && r->item && r->item->pub.type == NODE_MODEL;
    bool has_time = json_object_get(it->pub.config, "event_time") != NULL;
    if (!is_empty && !has_time)
        return rel;
    buf_init(&where, 64u * 1024);
    buf_init(&b, 64u * 1024);
    if (is_empty)
        buf_adds(&where, "false limit 0");
    int rc = is_empty ? 0 : event_filter(r, it, &where, &e);
    if (rc == 0 && where.len) {
        buf_adds(&b, "(select * from ");
        jv_to_text(rel, &b);
        buf_addf(&b, " where %s)", buf_str(&where));
        if (streq(r->p->o.adapter, "postgres")) /* it wants a name for a subquery */
            buf_addf(&b, " _dbt_%s_subq_%s", is_empty ? "limit" : "et_filter",
                     it->pub.alias);
        rel = relation_narrowed(jinja_mem(c), rel, buf_str(&b));
    }
    buf_release(&where);
    buf_release(&b);
    return rc < 0 ? jinja_fail_err(c, &e) : rel;
}

static struct jv *relation_for(struct jinja_call *c, struct render *r, struct item *it)
{
    struct arena *mem = jinja_mem(c);
    if (r->unit)
        return unit_relation(c, r, it);
    if (streq(it->pub.materialized, "ephemeral") && it != r->built) {
        if (!knows_cte(r, it))
            vec_push(&r->ctes, it);
        char *name = arena_printf(mem, "__dbt__cte__%s", it->pub.alias);
        return narrowed(c, r, it, relation_subquery(mem, name, NULL, name));
    }
    const char *schema, *name;
    struct jv *rel = it != r->built && defer_relation(r, it, &schema, &name)
                         ? relation_new(r->p, mem, schema, name, WH_TABLE)
                         : relation_of(r, mem, it);
    return narrowed(c, r, it, rel);
}

/* version: as it was given; taken over. */
static void record_ref(struct project *p, struct item *it, const char *pkg,
                       const char *name, json_t *version, const struct item *to)
{
    json_t *one = json_pack("{s:s, s:o, s:o}", "name", name, "package",
                            pkg ? json_string(pkg) : json_null(), "version", version);
    item_unpack(it);
    json_array_append_new(item_own(p, &it->refs),
                          one); /* once a call, as dbt notes them */
    if (to != it)
        item_depend(it, to->pub.unique_id);
}

NATIVE(fn_ref)
{
    struct render *r = render_of(c);
    struct arena *mem = jinja_mem(c);
    const char *first = jv_cstr(mem, n > 0 ? args[0] : NULL);
    const char *second = jv_cstr(mem, n > 1 ? args[1] : NULL);
    const char *name = second ? second : first, *pkg = second ? first : NULL;
    struct jv *v = ARG(9, "v") ? ARG(9, "v") : ARG(9, "version");
    const char *version =
        v && !jv_is(v, JV_NONE) ? jv_cstr(mem, context_text(mem, v)) : NULL;
    (void)userdata;
    if (!name)
        return jinja_fail(c, "ref() needs the name of a model");
    const struct package *from = r->item ? r->item->package : r->p->root;
    struct item *to = context_ref(r->p, from, pkg, name, version);
    if (!to)
        return version ? no_version(c, r->p, name, version)
                       : not_found(c, r->p, NODE_MODEL, name);
    if (!r->is_execute && r->item)
        record_ref(r->p, r->item, pkg, name, version ? jv_to_json(v) : json_null(), to);
    return relation_for(c, r, to);
}

NATIVE(fn_source)
{
    struct render *r = render_of(c);
    struct arena *mem = jinja_mem(c);
    const char *source = jv_cstr(mem, ARG(0, "source_name"));
    const char *table = jv_cstr(mem, ARG(1, "table_name"));
    (void)userdata;
    if (!source || !table)
        return jinja_fail(c, "source() needs the names of a source and of its table");
    struct item *to =
        context_source(r->p, r->item ? r->item->package : r->p->root, source, table);
    if (!to)
        return not_found(c, r->p, NODE_SOURCE, table);
    if (!r->is_execute && r->item) {
        json_t *pair = json_pack("[ss]", source, table);
        item_unpack(r->item);
        json_array_append_new(item_own(r->p, &r->item->sources), pair);
        item_depend(r->item, to->pub.unique_id);
    }
    return relation_for(c, r, to);
}

/* ── config ── */

static void take_pair(struct render *r, const char *key, struct jv *v)
{
    json_t *j = jv_to_json(v);
    if (j && r->item) {
        json_t *own = item_own(r->p, &r->item->inline_config);
        /* a hook that is one text stays one: the manifest has it as it was written */
        if (json_is_string(j) && str_ends(key, "_hook"))
            json_object_set(own, streq(key, "pre_hook") ? "pre-hook" : "post-hook", j);
        else
            config_merge(own, key, j);
    }
    json_decref(j);
}

/* Both spellings of a hook in one config(): which one is meant? */
static void refuse_twins(struct render *r, struct jv *dict)
{
    static const char *const twins[][2] = {{"pre_hook", "pre-hook"},
                                           {"post_hook", "post-hook"}};
    for (size_t k = 0; r->item && k < 2; k++) {
        bool has[2] = {false, false};
        struct jv *key, *value;
        for (size_t i = 0; jv_pair(dict, i, &key, &value); i++)
            for (size_t j = 0; j < 2; j++)
                has[j] |=
                    jv_is(key, JV_STR) && streq(jv_cstr(&r->p->mem, key), twins[k][j]);
        if (has[0] && has[1])
            r->p->refused = arena_printf(
                &r->p->mem,
                "%s: config() has both \"%s\" and \"%s\", which are the same; keep one",
                r->item->pub.path, twins[k][0], twins[k][1]);
    }
}

static struct jv *config_call(struct jinja_call *c, void *self, struct jv **args,
                              size_t n, const char *const *kw_names,
                              struct jv **kw_values, size_t n_kw)
{
    struct render *r = render_of(c);
    struct jv *key, *value;
    (void)self;
    if (r->is_execute)
        return jv_strz(jinja_mem(c), "");
    if (n && jv_is(args[0], JV_DICT))
        refuse_twins(r, args[0]);
    for (size_t i = 0;
         n && jv_is(args[0], JV_DICT) && jv_pair(args[0], i, &key, &value); i++)
        if (jv_is(key, JV_STR))
            take_pair(r, jv_cstr(jinja_mem(c), key), value);
    for (size_t i = 0; i < n_kw; i++)
        take_pair(r, kw_names[i], kw_values[i]);
    return jv_strz(jinja_mem(c), "");
}

static json_t *config_value(const struct render *r, const char *key)
{
    if (!r->item || !key)
        return NULL;
    json_t *v = r->is_execute ? NULL : json_object_get(r->item->inline_config, key);
    if (!v)
        v = json_object_get(r->item->pub.config, key);
    if (!v && streq(key, "pre_hook"))
        v = json_object_get(r->item->pub.config, "pre-hook");
    return v && !json_is_null(v) ? v : NULL;
}

NATIVE(config_get_fn)
{
    struct arena *mem = jinja_mem(c);
    struct jv *fallback = ARG(1, "default");
    json_t *v = config_value(render_of(c), jv_cstr(mem, ARG(0, "name")));
    (void)userdata;
    return v ? jv_from_json(mem, v) : fallback ? fallback : jv_none();
}

NATIVE(config_require)
{
    struct arena *mem = jinja_mem(c);
    const char *key = jv_cstr(mem, ARG(0, "name"));
    json_t *v = config_value(render_of(c), key);
    (void)userdata;
    if (!v && render_of(c)->is_execute)
        return jinja_fail(c, "the config \"%s\" is required", key ? key : "");
    return v ? jv_from_json(mem, v) : jv_none();
}

NATIVE(config_meta_get)
{
    struct arena *mem = jinja_mem(c);
    const char *key = jv_cstr(mem, ARG(0, "name"));
    struct jv *fallback = ARG(1, "default");
    json_t *v = key ? json_object_get(config_value(render_of(c), "meta"), key) : NULL;
    (void)userdata;
    return v ? jv_from_json(mem, v) : fallback ? fallback : jv_none();
}

/* config.set(KEY, VALUE), as set_sql_header() does. */
NATIVE(config_set)
{
    struct render *r = render_of(c);
    const char *key = jv_cstr(jinja_mem(c), ARG(0, "name"));
    (void)userdata;
    if (!r->is_execute && key && ARG(1, "value"))
        take_pair(r, key, ARG(1, "value"));
    return jv_strz(jinja_mem(c), "");
}

static struct jv *persists(struct jinja_call *c, const char *what)
{
    const json_t *docs = config_value(render_of(c), "persist_docs");
    return jv_bool(json_is_object(docs) && json_flag(docs, what, false));
}

NATIVE(config_persists_relation)
{
    UNUSED;
    return persists(c, "relation");
}

NATIVE(config_persists_columns)
{
    UNUSED;
    return persists(c, "columns");
}

static struct jv *config_attr(struct jinja_call *c, void *self, const char *name)
{
    static const struct {
        const char *name;
        jinja_fn *fn;
    } methods[] = {{"get", config_get_fn},
                   {"require", config_require},
                   {"meta_get", config_meta_get},
                   {"set", config_set},
                   {"persist_relation_docs", config_persists_relation},
                   {"persist_column_docs", config_persists_columns}};
    (void)self;
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (streq(name, methods[i].name))
            return jv_function(jinja_mem(c), name, methods[i].fn, NULL);
    json_t *v = config_value(render_of(c), name);
    return v ? jv_from_json(jinja_mem(c), v) : NULL;
}

static const struct jinja_class config_class = {
    .name = "config", .get = config_attr, .call = config_call};

/* ── var, env_var ── */

json_t *context_var(struct project *p, const struct package *pk, const char *name)
{
    json_t *root = json_obj(p->root->conf, "vars"), *own = json_obj(pk->conf, "vars");
    json_t *v = json_object_get(p->cli_vars, name);
    if (!v)
        v = json_object_get(json_obj(root, pk->name), name);
    if (!v)
        v = json_object_get(root, name);
    if (!v)
        v = json_object_get(json_obj(own, pk->name), name);
    return v ? v : json_object_get(own, name);
}

static const struct package *package_here(struct jinja_call *c)
{
    const struct render *r = render_of(c);
    return r->item ? r->item->package : r->p->root;
}

/* A var's text may be a template itself: "{{ env_var('X') }}". dbt renders it, as text,
 * each time that it is asked for. */
static struct jv *var_text(struct jinja_call *c, struct render *r, const char *name,
                           const char *text)
{
    struct arena *mem = jinja_mem(c);
    struct jinja_template *t;
    struct err e = {0};
    struct buf out;
    if (++r->var_depth > VAR_DEPTH) {
        r->var_depth--;
        return jinja_fail(c, "the var \"%s\" needs itself to be rendered", name);
    }
    buf_init(&out, 16u << 20);
    int rc = jinja_compile_in(r->p->env, mem, "vars", text, strlen(text), &t, &e);
    if (rc == 0)
        rc = jinja_render(t, context_new(r, mem), mem, &out, &e);
    r->var_depth--;
    struct jv *v = rc < 0 ? jinja_fail(c, "the var \"%s\": %s", name, e.text)
                          : jv_str(mem, buf_str(&out), out.len);
    buf_release(&out);
    return v;
}

static struct jv *var_value(struct jinja_call *c, struct render *r, const char *name,
                            const json_t *v)
{
    const char *text = json_string_value(v);
    if (text && (strstr(text, "{{") || strstr(text, "{%") || strstr(text, "{#")))
        return var_text(c, r, name, text);
    return jv_from_json(jinja_mem(c), v);
}

static struct jv *var_call(struct jinja_call *c, void *self, struct jv **args, size_t n,
                           const char *const *kw_names, struct jv **kw_values,
                           size_t n_kw)
{
    struct render *r = render_of(c);
    struct arena *mem = jinja_mem(c);
    const char *name = jv_cstr(mem, ARG(0, "name"));
    struct jv *fallback = ARG(1, "default");
    (void)self;
    if (!name)
        return jinja_fail(c, "var() needs a name");
    json_t *v = r->unit ? json_object_get(r->unit->vars, name) : NULL;
    if (!v)
        v = context_var(r->p, package_here(c), name);
    if (v)
        return var_value(c, r, name, v);
    if (fallback)
        return fallback;
    return r->is_execute || r->is_yaml
               ? jinja_fail(
                     c,
                     "the var \"%s\" is not set; give --vars '{%s: value}' or set "
                     "it in dbt_project.yml under vars:",
                     name, name)
               : jv_none();
}

NATIVE(var_has)
{
    const char *name = jv_cstr(jinja_mem(c), ARG(0, "name"));
    (void)userdata;
    return jv_bool(name && context_var(render_of(c)->p, package_here(c), name));
}

static struct jv *var_attr(struct jinja_call *c, void *self, const char *name)
{
    (void)self;
    return streq(name, "has_var") ? jv_function(jinja_mem(c), name, var_has, NULL)
                                  : NULL;
}

static const struct jinja_class var_class = {
    .name = "var", .get = var_attr, .call = var_call};

NATIVE(fn_env_var)
{
    struct arena *mem = jinja_mem(c);
    const char *name = jv_cstr(mem, ARG(0, "var"));
    struct jv *fallback = ARG(1, "default");
    const struct render *r = render_of(c);
    (void)userdata;
    if (!name)
        return jinja_fail(c, "env_var() needs a name");
    json_t *given = r && r->unit ? json_object_get(r->unit->env, name) : NULL;
    if (given)
        return jv_from_json(mem, given);
    if (str_starts(name, "DBT_ENV_SECRET"))
        return jinja_fail(c, "%s: secrets may be read in profiles.yml only", name);
    const char *v = getenv(name);
    cache_note_env(r->p, name, v);
    if (v)
        return jv_strz(mem, v);
    return fallback ? fallback
                    : jinja_fail(c,
                                 "the environment variable %s is not set and has no "
                                 "default here",
                                 name);
}

/* ── globals ── */

static const struct {
    const char *name;
    jinja_fn *fn;
} functions[] = {
    {"ref", fn_ref},
    {"source", fn_source},
    {"env_var", fn_env_var},
};

void context_run(struct project *p)
{
    flags_context(p);
    jinja_env_set(p->env, "invocation_id", jv_strz(&p->mem, p->invocation_id));
}

void context_globals(struct project *p)
{
    struct arena *mem = &p->mem;
    struct jinja_env *env = p->env;
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        jinja_env_set(env, functions[i].name,
                      jv_function(mem, functions[i].name, functions[i].fn, NULL));
    jinja_env_set(env, "config", jv_object(mem, &config_class, p));
    struct jv *builtins = jv_dict(mem); /* what a macro of the project cannot replace */
    jv_set(builtins, "ref", jv_function(mem, "ref", fn_ref, NULL));
    jv_set(builtins, "source", jv_function(mem, "source", fn_source, NULL));
    jv_set(builtins, "config", jv_object(mem, &config_class, p));
    jinja_env_set(env, "builtins", builtins);
    jinja_env_set(env, "var", jv_object(mem, &var_class, p));
    jinja_env_set(env, "adapter", adapter_new(p));
    jinja_env_set(env, "api", relation_api(p));
    jinja_env_set(env, "invocation_id", jv_strz(mem, p->invocation_id));
    jinja_env_set(env, "project_name", jv_strz(mem, p->root->name));
    jinja_env_set(env, "dbt_version", jv_strz(mem, DBT_VERSION));
    flags_context(p);
    jinja_env_set(env, "selected_resources", jv_list(mem));
    jinja_env_set(env, "thread_id", jv_strz(mem, "Thread-1"));
    context_values(p);
    context_modules(p);
    execution_globals(p);
    context_target(p);
    /* what they give while parsing is decided by what the parse cache looks at */
    static const char *const pure[] = {"ref",         "source",         "config",
                                       "var",         "env_var",        "target",
                                       "schema",      "database",       "adapter",
                                       "api",         "builtins",       "project_name",
                                       "dbt_version", "statement",      "run_query",
                                       "load_result", "is_incremental", "return",
                                       "log",         "print",          "tojson",
                                       "fromjson",    "toyaml",         "fromyaml",
                                       "set",         "set_strict",     "zip",
                                       "zip_strict",  "local_md5",      "exceptions",
                                       "flags"};
    for (size_t i = 0; i < sizeof pure / sizeof *pure; i++)
        jinja_env_pure(env, pure[i]);
}
