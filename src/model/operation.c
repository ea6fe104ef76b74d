/* SQL and macros given by name on the command line: `weir show --inline`,
 * `weir run-operation`. They see what a model's template sees. */
#include "model/internal.h"

#include "base/buf.h"
#include "model/yaml.h"

int model_compile_inline(struct project *p, struct wh *w, const char *text,
                         struct buf *sql, struct err *e)
{
    struct render r = {.is_execute = true};
    struct item *it = item_new(p, p->root, NODE_ANALYSIS);
    vec_push(&p->disabled, it); /* it lives as long as the project */
    it->pub.name = it->pub.alias = "inline_query";
    it->pub.path = it->pub.own_path = "--inline";
    it->pub.unique_id =
        arena_printf(&p->mem, "analysis.%s.inline_query", p->root->name);
    it->pub.schema = p->schema;
    it->rel = it->pub.path;
    it->raw = arena_strdup(&p->mem, text);
    it->raw_len = strlen(text);
    config_apply(p, it);
    render_begin(&r, p, w, it);
    int rc = compile_item(&r, sql, e);
    render_end(&r);
    return rc;
}

/* "name" or "package.name". */
static struct macro *find_macro(struct project *p, const char *name)
{
    const char *dot = strchr(name, '.');
    if (!dot)
        return macros_find(p, p->root, name);
    return macros_in(p, arena_strndup(&p->mem, name, (size_t)(dot - name)), dot + 1);
}

static int call(struct render *r, struct macro *m, json_t *args, struct arena *mem,
                struct err *e)
{
    size_t n = json_object_size(args), i = 0;
    const char **names = arena_alloc(mem, (n + 1) * sizeof *names);
    struct jv **values = arena_alloc(mem, (n + 1) * sizeof *values);
    struct jv *result = NULL;
    const char *key;
    json_t *v;
    json_object_foreach (args, key, v) {
        names[i] = key;
        values[i++] = jv_from_json(mem, v);
    }
    return jinja_call_value(r->p->env, m->name, m->fn, context_new(r, mem), NULL, 0,
                            names, values, n, mem, &result, e);
}

int project_run_operation(struct project *p, struct wh *w, const char *macro,
                          const char *args_text, struct err *e)
{
    struct macro *m = find_macro(p, macro);
    struct render r = {.is_execute = true};
    struct arena mem;
    json_t *args = NULL;
    if (!m)
        return err_set(e, ERR_NOTFOUND, "the project has no macro \"%.100s\"", macro);
    if (args_text && *args_text) {
        int rc = yaml_read("--args", args_text, strlen(args_text), &args, e);
        if (rc < 0)
            return rc;
    }
    if (args && !json_is_object(args)) {
        json_decref(args);
        return err_set(e, ERR_USAGE,
                       "--args must be a mapping such as '{name: value}'");
    }
    arena_init(&mem, 512u << 20);
    render_begin(&r, p, w, NULL);
    int rc = call(&r, m, args, &mem, e);
    render_end(&r);
    arena_release(&mem);
    json_decref(args);
    return rc;
}
