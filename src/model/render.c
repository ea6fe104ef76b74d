/* One rendering: the dict a node's template gets, templates of nodes, hooks and YAML
 * values. In: text of the project. Out: SQL text, or a JSON value with its type kept.
 */
#include "model/native.h"

#include <ctype.h>
#include "base/buf.h"
#include "model/context.h"
#include "model/unit.h"

json_t *context_node(const struct project *p, struct item *it)
{
    json_t *n = json_object(), *list = json_array(), *macros = json_array();
    (void)p;
    json_put_str(n, "name", it->pub.name);
    if (it->pub.type == NODE_MODEL) {
        json_t *v = json_object_get(it->meta_patch, "version");
        json_put(n, "version", v ? json_incref(v) : json_null());
        v = json_object_get(it->meta_patch, "latest_version");
        json_put(n, "latest_version", v ? json_incref(v) : json_null());
    }
    json_put_str(n, "resource_type", node_type_name(it->pub.type));
    json_put_str(n, "unique_id", it->pub.unique_id);
    json_put_str(n, "package_name", it->pub.package);
    json_put_str(n, "path", it->rel);
    json_put_str(n, "original_file_path", it->pub.own_path);
    json_put_str(n, "schema", it->pub.schema);
    json_put_str(n, "alias", it->pub.alias);
    json_put_str(n, "identifier", it->pub.alias);
    json_put(n, "database", json_null());
    json_put_str(n, "description", it->description ? it->description : "");
    json_put(n, "config", json_incref(it->pub.config));
    json_put(n, "columns", it->columns ? json_incref(it->columns) : json_object());
    json_put(n, "meta", json_incref(json_obj(it->pub.config, "meta")));
    for (size_t i = 0; i < it->deps.n; i++)
        json_array_append_new(list, json_string(it->deps.v[i]));
    for (size_t i = 0; i < it->macro_deps.n; i++)
        json_array_append_new(macros, json_string(it->macro_deps.v[i]));
    json_put(n, "depends_on", json_pack("{s:o, s:o}", "macros", macros, "nodes", list));
    json_t *fqn = json_array(), *tags = json_array();
    for (size_t i = 0; i < it->fqn.n; i++)
        json_array_append_new(fqn, json_string(it->fqn.v[i]));
    for (size_t i = 0; i < it->tags.n; i++)
        json_array_append_new(tags, json_string(it->tags.v[i]));
    json_put(n, "fqn", fqn);
    json_put(n, "tags", tags);
    if (it->pub.type == NODE_SOURCE)
        json_put_str(n, "source_name", it->pub.source_name);
    return n;
}

/* "ref('x')" written bare in YAML: dbt evaluates what looks like such a call. */
static bool looks_like_call(const char *s)
{
    static const char *const names[] = {"ref", "source", "var", "env_var", "doc"};
    s += strspn(s, " \t\n");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t n = strlen(names[i]);
        const char *at =
            s + n + (strncmp(s, names[i], n) == 0 ? strspn(s + n, " ") : 0);
        if (strncmp(s, names[i], n) == 0 && *at == '(')
            return true;
    }
    return false;
}

static struct jv *kwarg_value(struct render *r, struct arena *mem, struct jv *ctx,
                              const char *text, struct err *e)
{
    struct jv *v = NULL;
    char *expr = looks_like_call(text) ? arena_printf(mem, "{{ %s }}", text)
                                       : arena_strdup(mem, text);
    if (!strstr(expr, "{{") && !strstr(expr, "{%"))
        return jv_strz(mem, text);
    if (jinja_eval(r->p->env, expr, strlen(expr), ctx, mem, &v, e) < 0)
        return NULL;
    return v;
}

/* Arguments of a generic test, with their templates evaluated. */
static int test_kwargs(struct render *r, struct arena *mem, struct jv *ctx,
                       struct err *e)
{
    struct jv *d = jv_dict(mem);
    const char *key;
    json_t *v;
    json_object_foreach (r->item->test_kwargs, key, v) {
        struct jv *value = json_is_string(v) && !streq(key, "column_name")
                               ? kwarg_value(r, mem, ctx, json_string_value(v), e)
                               : jv_from_json(mem, v);
        if (!value)
            return e && e->code ? e->code : ERR_FAIL;
        jv_set(d, key, value);
    }
    jv_set(ctx, "_dbt_generic_test_kwargs", d);
    return 0;
}

struct jv *context_model(struct render *r, struct arena *mem)
{
    json_t *node = context_node(r->p, r->item);
    contract_node(r->item, node);
    struct jv *v = jv_from_json(mem, node);
    json_decref(node);
    if (r->batch) {
        struct jv *batch = jv_dict(mem);
        jv_set(batch, "id", jv_strz(mem, r->batch->id));
        jv_set(batch, "event_time_start", moment_utc(mem, r->batch->window.start));
        jv_set(batch, "event_time_end", moment_utc(mem, r->batch->window.end));
        jv_set(v, "batch", batch);
    }
    return v;
}

struct jv *context_late(struct jinja_call *c, struct render *r, const char *name)
{
    const struct item *it = r ? r->item : NULL;
    struct jv *ctx = jinja_context_of(c), *v = NULL;
    if (it && streq(name, "model")) {
        v = context_model(r, jinja_mem(c));
        jinja_env_touch(r->p->env); /* too much is in it */
    } else if (it && streq(name, "this"))
        v = relation_new(r->p, jinja_mem(c), it->pub.schema, it->pub.alias, WH_ABSENT);
    if (v && ctx)
        jv_set(ctx, name, v);
    return v;
}

struct jv *context_new(struct render *r, struct arena *mem)
{
    struct jv *ctx = jv_dict(mem);
    jv_set(ctx, "execute", jv_bool(r->is_execute));
    if (!r->item)
        jv_set(ctx, "this", jv_none());
    if (r->unit) {
        const struct unit_input *own = r->unit->this;
        jv_set(ctx, "this",
               own ? relation_subquery(mem, own->cte, NULL, own->cte) : jv_none());
        const char *name;
        json_t *v;
        json_object_foreach (r->unit->macros, name, v)
            if (!strchr(name, '.'))
                jv_set(ctx, name, unit_macro(r, mem, name));
    }
    if (r->run_results)
        jv_set(ctx, "results", r->run_results);
    if (r->schemas)
        jv_set(ctx, "schemas", r->schemas);
    if (r->database_schemas)
        jv_set(ctx, "database_schemas", r->database_schemas);
    return ctx;
}

/* Renderings come by the thousand: the outermost one's memory is used again. */
struct arena *render_memory(struct project *p, struct arena *own)
{
    struct arena *mem = p->is_scratch_used ? own : &p->scratch;
    if (mem == own)
        arena_init(own, MAX_RENDER_BYTES);
    p->is_scratch_used = true;
    return mem;
}

void render_forget(struct project *p, struct arena *mem)
{
    if (mem == &p->scratch) {
        arena_reset(mem);
        p->is_scratch_used = false;
    } else {
        arena_release(mem);
    }
}

int render_text(struct render *r, const char *name, const char *text, size_t n,
                struct buf *out, struct err *e)
{
    struct arena own, *mem = render_memory(r->p, &own);
    struct jinja_template *t;
    struct jv *ctx = context_new(r, mem);
    int rc = jinja_compile_in(r->p->env, mem, name, text, n, &t, e);
    if (rc == 0)
        jinja_template_set_data(t, r->item ? r->item->package : r->p->root);
    if (rc == 0 && r->item && r->item->test_kwargs)
        rc = test_kwargs(r, mem, ctx, e);
    if (rc == 0)
        rc = jinja_render(t, ctx, mem, out, e);
    r->results = NULL;
    render_forget(r->p, mem);
    return rc;
}

int render_item(struct render *r, struct buf *out, struct err *e)
{
    const struct item *it = r->item;
    return render_text(r, it->pub.path, it->raw, it->raw_len, out, e);
}

/* ── YAML ── */

static json_t *render_scalar(struct project *p, json_t *v, const char *where)
{
    struct render r = {.is_yaml = true};
    struct arena mem;
    struct jv *value = NULL;
    struct err e = {0};
    json_t *out = NULL;
    const char *text = json_string_value(v);
    if (!strstr(text, "{{") && !strstr(text, "{%"))
        return json_incref(v);
    arena_init(&mem, MAX_RENDER_BYTES);
    render_begin(&r, p, NULL, NULL);
    if (jinja_eval(p->env, text, strlen(text), jv_dict(&mem), &mem, &value, &e) == 0)
        out = jv_to_json(value);
    else
        project_warn(p, "%s: %s", where ? where : "", e.text);
    render_end(&r);
    arena_release(&mem);
    return out ? out : json_incref(v);
}

json_t *render_yaml(struct project *p, json_t *v, const char *where)
{
    size_t i;
    const char *key;
    json_t *one, *out;
    if (json_is_string(v))
        return render_scalar(p, v, where);
    if (json_is_array(v)) {
        out = json_array();
        json_array_foreach (v, i, one)
            json_array_append_new(out, render_yaml(p, one, where));
        return out;
    }
    if (json_is_object(v)) {
        out = json_object();
        json_object_foreach (v, key, one)
            json_object_set_new(out, key, render_yaml(p, one, where));
        return out;
    }
    return json_incref(v);
}
