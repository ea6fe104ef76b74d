/* What a template sees. Functions and objects are globals of the project's environment
 * and look at the rendering in progress (struct render); what differs per node is in
 * the dict that context_new makes. At parse time ref, source and config record; at run
 * time they answer. The member list is dbt's (dbt.md 1.3). */
#include "model/native.h"

#include <stdlib.h>
#include "base/buf.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/timeutil.h"
#include "model/context.h"
#include "model/yaml.h"

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

struct item *context_ref(struct project *p, const struct package *from, const char *pkg,
                         const char *name)
{
    static const char *const types[] = {"model", "seed", "snapshot"};
    const char *const candidates[] = {pkg ? pkg : from->name,
                                      pkg ? NULL : p->root->name};
    for (size_t k = 0; k < 2; k++)
        for (size_t t = 0; candidates[k] && t < 3; t++) {
            char id[512];
            snprintf(id, sizeof id, "%s.%s.%s", types[t], candidates[k], name);
            struct item *it = map_get(&p->by_id, id);
            if (it)
                return it;
        }
    return pkg ? NULL : map_get(&p->by_name, name);
}

struct item *context_source(struct project *p, const struct package *from,
                            const char *source, const char *table)
{
    char id[512];
    snprintf(id, sizeof id, "source.%s.%s.%s", from->name, source, table);
    struct item *it = map_get(&p->by_id, id);
    for (size_t i = 0; !it && i < p->packages.n; i++) {
        snprintf(id, sizeof id, "source.%s.%s.%s", p->packages.v[i]->name, source,
                 table);
        it = map_get(&p->by_id, id);
    }
    return it;
}

static struct jv *not_found(struct jinja_call *c, struct project *p,
                            enum node_type type, const char *name)
{
    VEC(const char *) names = {0};
    for (size_t i = 0; i < p->items.n; i++)
        if ((p->items.v[i]->pub.type == NODE_SOURCE) == (type == NODE_SOURCE) &&
            p->items.v[i]->pub.type != NODE_TEST)
            vec_push(&names, p->items.v[i]->pub.name);
    const char *near = names.n ? str_nearest(name, names.v, names.n) : NULL;
    vec_release(&names);
    return jinja_fail(c, "there is no %s \"%s\"%s%s%s",
                      type == NODE_SOURCE ? "source table" : "model, seed or snapshot",
                      name, near ? "; did you mean \"" : "", near ? near : "",
                      near ? "\"?" : "");
}

static bool knows_cte(const struct render *r, const struct item *it)
{
    for (size_t i = 0; i < r->ctes.n; i++)
        if (r->ctes.v[i] == it)
            return true;
    return false;
}

static struct jv *relation_for(struct jinja_call *c, struct render *r, struct item *it)
{
    struct arena *mem = jinja_mem(c);
    if (streq(it->pub.materialized, "ephemeral") && it != r->built) {
        if (!knows_cte(r, it))
            vec_push(&r->ctes, it);
        char *name = arena_printf(mem, "__dbt__cte__%s", it->pub.alias);
        return relation_subquery(mem, name, NULL, name);
    }
    struct jv *rel = relation_of(r, mem, it);
    if (!r->p->o.is_empty || !r->is_execute || !r->item ||
        r->item->pub.type != NODE_MODEL)
        return rel;
    struct buf b;
    buf_init(&b, 4096);
    buf_adds(&b, "(select * from ");
    jv_to_text(rel, &b);
    buf_adds(&b, " where false limit 0)");
    struct jv *v = relation_subquery(mem, buf_str(&b), it->pub.schema, it->pub.alias);
    buf_release(&b);
    return v;
}

static void record_ref(struct item *it, const char *pkg, const char *name,
                       const struct item *to)
{
    json_t *one = json_pack("{s:s, s:o, s:n}", "name", name, "package",
                            pkg ? json_string(pkg) : json_null(), "version"),
           *old;
    size_t i;
    bool is_known = false;
    json_array_foreach (it->refs, i, old)
        is_known |= json_equal(old, one);
    if (!is_known)
        json_array_append(it->refs, one);
    json_decref(one);
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
    (void)userdata, (void)kw_names, (void)kw_values, (void)n_kw;
    if (!name)
        return jinja_fail(c, "ref() needs the name of a model");
    const struct package *from = r->item ? r->item->package : r->p->root;
    struct item *to = context_ref(r->p, from, pkg, name);
    if (!to)
        return not_found(c, r->p, NODE_MODEL, name);
    if (!r->is_execute && r->item)
        record_ref(r->item, pkg, name, to);
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
        json_array_append_new(r->item->sources, pair);
        item_depend(r->item, to->pub.unique_id);
    }
    return relation_for(c, r, to);
}

/* ── config ── */

static void take_pair(struct render *r, const char *key, struct jv *v)
{
    json_t *j = jv_to_json(v);
    if (j && r->item)
        config_merge(r->item->inline_config, key, j);
    json_decref(j);
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

NATIVE(fn_false)
{
    UNUSED;
    (void)c;
    return jv_bool(false);
}

NATIVE(fn_empty)
{
    UNUSED;
    return jv_strz(jinja_mem(c), "");
}

static struct jv *config_attr(struct jinja_call *c, void *self, const char *name)
{
    static const struct {
        const char *name;
        jinja_fn *fn;
    } methods[] = {{"get", config_get_fn},
                   {"require", config_require},
                   {"meta_get", config_meta_get},
                   {"set", fn_empty},
                   {"persist_relation_docs", fn_false},
                   {"persist_column_docs", fn_false}};
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
    json_t *v = context_var(r->p, package_here(c), name);
    /* a macro of a package sees that package's own vars as well */
    const struct package *macro = jinja_current_data(c);
    if (!v && macro)
        v = context_var(r->p, macro, name);
    if (v)
        return jv_from_json(mem, v);
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
    (void)userdata;
    if (!name)
        return jinja_fail(c, "env_var() needs a name");
    if (str_starts(name, "DBT_ENV_SECRET"))
        return jinja_fail(c, "%s: secrets may be read in profiles.yml only", name);
    const char *v = getenv(name);
    if (v)
        return jv_strz(mem, v);
    return fallback ? fallback
                    : jinja_fail(c,
                                 "the environment variable %s is not set and has no "
                                 "default here",
                                 name);
}

/* ── the node's state ── */

NATIVE(fn_is_incremental)
{
    const struct render *r = render_of(c);
    UNUSED;
    if (!r->is_execute || !r->w || !r->item || r->full_refresh ||
        !streq(r->item->pub.materialized, "incremental"))
        return jv_bool(false);
    return jv_bool(wh_relation_type(r->w, r->item->pub.schema, r->item->pub.alias) ==
                   WH_TABLE);
}

/* ── queries ── */

static struct jv *text_of(struct arena *mem, struct jv *v)
{
    struct buf b;
    if (jv_is(v, JV_STR))
        return v;
    buf_init(&b, 64u << 20);
    jv_to_text(v, &b);
    struct jv *s = jv_str(mem, buf_str(&b), b.len);
    buf_release(&b);
    return s;
}

NATIVE(fn_run_query)
{
    struct render *r = render_of(c);
    struct jv *sql = ARG(0, "sql");
    (void)userdata;
    if (!r->is_execute || !r->w)
        return jv_none();
    if (!sql)
        return jinja_fail(c, "run_query() needs SQL");
    return table_query(c, r, jv_cstr(jinja_mem(c), text_of(jinja_mem(c), sql)), NULL);
}

/* {% call statement('name', fetch_result=True) %} sql {% endcall %} */
NATIVE(fn_statement)
{
    struct render *r = render_of(c);
    struct arena *mem = jinja_mem(c);
    const char *name = jv_cstr(mem, ARG(0, "name"));
    struct jv *fetch = ARG(1, "fetch_result"), *caller = ARG(9, "caller");
    struct jv *rows = jv_list(mem), *table = jv_none();
    struct err e = {0};
    (void)userdata;
    if (!caller)
        return jinja_fail(c, "statement is used with call: {%% call statement(…) %%}");
    struct jv *sql = jinja_invoke(c, caller, NULL, 0, NULL, NULL, 0);
    if (!sql)
        return NULL;
    if (!r->is_execute || !r->w)
        return jv_strz(mem, "");
    const char *text = jv_cstr(mem, text_of(mem, sql));
    if (fetch && jv_truth(fetch)) {
        if (!(table = table_query(c, r, text, &rows)))
            return NULL;
    } else if (wh_exec(r->w, text, &e) < 0) {
        return jinja_fail_err(c, &e);
    }
    struct jv *result = jv_dict(mem);
    jv_set(result, "data", rows);
    jv_set(result, "table", table);
    jv_set(result, "response", jv_strz(mem, "OK"));
    if (!r->results)
        r->results = jv_dict(mem);
    if (name)
        jv_set(r->results, name, result);
    return jv_strz(mem, "");
}

NATIVE(fn_load_result)
{
    const struct render *r = render_of(c);
    const char *name = jv_cstr(jinja_mem(c), ARG(0, "name"));
    struct jv *v = r->results && name ? jv_get(r->results, name) : NULL;
    (void)userdata;
    return v ? v : jv_none();
}

/* ── small ones ── */

NATIVE(fn_return)
{
    struct jv *v = ARG(0, "data");
    (void)userdata;
    return jinja_return(c, v ? v : jv_none());
}

NATIVE(fn_log)
{
    struct arena *mem = jinja_mem(c);
    struct jv *msg = ARG(0, "msg"), *info = ARG(1, "info");
    bool is_print = userdata != NULL;
    if (msg && render_of(c)->is_execute) {
        const char *text = jv_cstr(mem, text_of(mem, msg));
        if (is_print || (info && jv_truth(info)))
            log_info("%s", text);
        else
            log_debug("%s", text);
    }
    return jv_strz(mem, "");
}

NATIVE(fn_tojson)
{
    struct jv *sort = ARG(2, "sort_keys");
    struct jv *v = ARG(0, "value");
    (void)userdata;
    return v ? jinja_to_json(c, v, -1, sort && jv_truth(sort)) : jv_none();
}

static struct jv *parsed(struct jinja_call *c, struct jv *text, struct jv *fallback,
                         bool is_yaml)
{
    struct arena *mem = jinja_mem(c);
    struct err e = {0};
    json_t *v = NULL;
    if (!jv_is(text, JV_STR))
        return fallback ? fallback : jv_none();
    struct str s = jv_as_str(text);
    int rc = is_yaml ? yaml_read("fromyaml", s.p, s.n, &v, &e)
                     : json_load_text(s.p, s.n, &v, &e);
    struct jv *out = rc == 0 && v ? jv_from_json(mem, v)
                     : fallback   ? fallback
                                  : jv_none();
    json_decref(v);
    return out;
}

NATIVE(fn_fromjson)
{
    (void)userdata;
    return parsed(c, ARG(0, "string"), ARG(1, "default"), false);
}

NATIVE(fn_fromyaml)
{
    (void)userdata;
    return parsed(c, ARG(0, "value"), ARG(1, "default"), true);
}

NATIVE(fn_set)
{
    struct jv *from = ARG(0, "value");
    struct jv *list = from ? jinja_iterate(c, from) : jv_list(jinja_mem(c));
    struct jv *out = jv_set_new(jinja_mem(c));
    (void)userdata;
    for (size_t i = 0; list && i < jv_len(list); i++)
        jv_append(out, jv_at(list, i));
    return list ? out : NULL;
}

NATIVE(fn_zip)
{
    struct arena *mem = jinja_mem(c);
    struct jv *out = jv_list(mem), *lists[16];
    size_t shortest = SIZE_MAX;
    (void)userdata, (void)kw_names, (void)kw_values, (void)n_kw;
    for (size_t i = 0; i < n && i < 16; i++) {
        if (!(lists[i] = jinja_iterate(c, args[i])))
            return NULL;
        shortest = jv_len(lists[i]) < shortest ? jv_len(lists[i]) : shortest;
    }
    for (size_t k = 0; n && k < shortest; k++) {
        struct jv *cells[16];
        for (size_t i = 0; i < n && i < 16; i++)
            cells[i] = jv_at(lists[i], k);
        jv_append(out, jv_tuple(mem, cells, n < 16 ? n : 16));
    }
    return out;
}

NATIVE(fn_local_md5)
{
    char hex[33];
    struct jv *v = ARG(0, "value");
    (void)userdata;
    if (!jv_is(v, JV_STR))
        return jinja_fail(c, "local_md5() needs a text");
    struct str s = jv_as_str(v);
    return jv_strz(jinja_mem(c), hash_md5_hex(s.p, s.n, hex));
}

NATIVE(fn_doc)
{
    struct arena *mem = jinja_mem(c);
    const char *name = jv_cstr(mem, n ? args[n - 1] : NULL);
    const json_t *v = name ? json_object_get(render_of(c)->p->docs, name) : NULL;
    (void)userdata, (void)kw_names, (void)kw_values, (void)n_kw;
    return jv_strz(mem, v ? json_string_value(v) : "");
}

/* ── exceptions ── */

NATIVE(raise_error)
{
    struct arena *mem = jinja_mem(c);
    struct jv *msg = ARG(0, "msg");
    (void)userdata;
    return jinja_fail(c, "%s", msg ? jv_cstr(mem, text_of(mem, msg)) : "error");
}

NATIVE(raise_warning)
{
    struct arena *mem = jinja_mem(c);
    struct jv *msg = ARG(0, "msg");
    (void)userdata;
    if (msg && render_of(c)->is_execute)
        log_warn("%s", jv_cstr(mem, text_of(mem, msg)));
    return jv_strz(mem, "");
}

static struct jv *exceptions_get(struct jinja_call *c, void *self, const char *name)
{
    (void)self;
    return jv_function(jinja_mem(c), name,
                       streq(name, "warn") ? raise_warning : raise_error, NULL);
}

static const struct jinja_class exceptions_class = {.name = "exceptions",
                                                    .get = exceptions_get};

/* ── run_started_at ── */

NATIVE(started_strftime)
{
    struct arena *mem = jinja_mem(c);
    const char *format = jv_cstr(mem, ARG(0, "format"));
    char text[256];
    time_t at = (time_t)(render_of(c)->p->now_ms / 1000);
    struct tm tm;
    (void)userdata;
    if (!format || !gmtime_r(&at, &tm))
        return jinja_fail(c, "strftime() needs a format");
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    size_t len = strftime(text, sizeof text, format, &tm);
#pragma GCC diagnostic pop
    return jv_str(mem, text, len);
}

NATIVE(started_iso)
{
    char text[32];
    UNUSED;
    return jv_strz(jinja_mem(c), time_format_iso(render_of(c)->p->now_ms, true, text));
}

static struct jv *started_get(struct jinja_call *c, void *self, const char *name)
{
    struct arena *mem = jinja_mem(c);
    struct time_civil t = time_civil_of(((struct project *)self)->now_ms);
    const struct {
        const char *name;
        int v;
    } parts[] = {{"year", t.year}, {"month", t.month},   {"day", t.day},
                 {"hour", t.hour}, {"minute", t.minute}, {"second", t.second}};
    for (size_t i = 0; i < 6; i++)
        if (streq(name, parts[i].name))
            return jv_int(mem, parts[i].v);
    if (streq(name, "strftime"))
        return jv_function(mem, name, started_strftime, NULL);
    if (streq(name, "isoformat"))
        return jv_function(mem, name, started_iso, NULL);
    return NULL;
}

static int started_str(void *self, struct buf *out)
{
    char text[32];
    time_format_sql(((struct project *)self)->now_ms, true, text);
    return buf_addf(out, "%s+00:00", text);
}

static const struct jinja_class started_class = {
    .name = "datetime", .get = started_get, .str = started_str};

/* ── graph ── */

static struct jv *graph_get(struct jinja_call *c, void *self, const char *name)
{
    const struct project *p = self;
    struct arena *mem = jinja_mem(c);
    bool is_sources = streq(name, "sources");
    if (!is_sources && !streq(name, "nodes"))
        return streq(name, "exposures") ? jv_dict(mem) : NULL;
    struct jv *d = jv_dict(mem);
    for (size_t i = 0; i < p->items.n; i++) {
        struct item *it = p->items.v[i];
        if ((it->pub.type == NODE_SOURCE) != is_sources)
            continue;
        json_t *j = context_node(p, it);
        jv_set(d, it->pub.unique_id, jv_from_json(mem, j));
        json_decref(j);
    }
    return d;
}

static const struct jinja_class graph_class = {.name = "graph", .get = graph_get};

/* ── globals ── */

static const struct {
    const char *name;
    jinja_fn *fn;
} functions[] = {
    {"ref", fn_ref},
    {"source", fn_source},
    {"env_var", fn_env_var},
    {"is_incremental", fn_is_incremental},
    {"run_query", fn_run_query},
    {"statement", fn_statement},
    {"load_result", fn_load_result},
    {"return", fn_return},
    {"log", fn_log},
    {"tojson", fn_tojson},
    {"fromjson", fn_fromjson},
    {"fromyaml", fn_fromyaml},
    {"toyaml", fn_tojson}, /* JSON is YAML */
    {"set", fn_set},
    {"set_strict", fn_set},
    {"zip", fn_zip},
    {"zip_strict", fn_zip},
    {"local_md5", fn_local_md5},
    {"doc", fn_doc},
};

static void set_target(struct project *p)
{
    struct arena *mem = &p->mem;
    struct jv *t = jv_dict(mem);
    jv_set(t, "name", jv_strz(mem, p->target_name));
    jv_set(t, "schema", jv_strz(mem, p->schema));
    jv_set(t, "type", jv_strz(mem, p->o.adapter));
    jv_set(t, "database", jv_none());
    jv_set(t, "threads", jv_int(mem, 1));
    jv_set(t, "profile_name",
           p->has_profile ? jv_strz(mem, json_str(p->root->conf, "profile", "default"))
                          : jv_none());
    jinja_env_set(p->env, "target", t);
    jinja_env_set(p->env, "schema", jv_strz(mem, p->schema));
    jinja_env_set(p->env, "database", jv_none());
}

static struct jv *flags_new(struct project *p)
{
    struct arena *mem = &p->mem;
    struct jv *f = jv_dict(mem);
    jv_set(f, "FULL_REFRESH", jv_bool(p->o.full_refresh));
    jv_set(f, "STORE_FAILURES", jv_bool(p->o.store_failures));
    jv_set(f, "EMPTY", jv_bool(p->o.is_empty));
    jv_set(f, "WHICH", jv_strz(mem, "build"));
    return f;
}

void context_target(struct project *p)
{
    set_target(p);
}

void context_run(struct project *p)
{
    jinja_env_set(p->env, "flags", flags_new(p));
    jinja_env_set(p->env, "invocation_id", jv_strz(&p->mem, p->invocation_id));
}

void context_globals(struct project *p)
{
    struct arena *mem = &p->mem;
    struct jinja_env *env = p->env;
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        jinja_env_set(env, functions[i].name,
                      jv_function(mem, functions[i].name, functions[i].fn, NULL));
    jinja_env_set(env, "print", jv_function(mem, "print", fn_log, p));
    jinja_env_set(env, "config", jv_object(mem, &config_class, p));
    jinja_env_set(env, "var", jv_object(mem, &var_class, p));
    jinja_env_set(env, "adapter", adapter_new(p));
    jinja_env_set(env, "api", relation_api(p));
    jinja_env_set(env, "exceptions", jv_object(mem, &exceptions_class, p));
    jinja_env_set(env, "graph", jv_object(mem, &graph_class, p));
    jinja_env_set(env, "run_started_at", jv_object(mem, &started_class, p));
    jinja_env_set(env, "invocation_id", jv_strz(mem, p->invocation_id));
    jinja_env_set(env, "project_name", jv_strz(mem, p->root->name));
    jinja_env_set(env, "dbt_version", jv_strz(mem, "1.9.0"));
    jinja_env_set(env, "flags", flags_new(p));
    jinja_env_set(env, "selected_resources", jv_list(mem));
    jinja_env_set(env, "thread_id", jv_strz(mem, "Thread-1"));
    set_target(p);
}
