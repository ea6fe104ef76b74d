/* The public face: environments, templates, rendering, and what native functions may
 * ask. A render is one struct jinja_call on the C stack; renders may nest (a native
 * function that renders), and then share the step and depth limits of the outer one. */
#include "jinja/internal.h"

#include <stdarg.h>

static const struct jinja_limits default_limits = {
    .max_steps = 50000000,
    .max_depth = 200,
    .max_output = 256U << 20,
    .max_memory = 512U << 20,
};

struct jinja_env *jinja_env_new(const struct jinja_limits *limits)
{
    struct jinja_env *env = mem_alloc(sizeof *env);
    struct jinja_limits *l = &env->limits;
    arena_init(&env->mem, 0);
    *l = limits ? *limits : (struct jinja_limits){0};
    l->max_steps = l->max_steps ? l->max_steps : default_limits.max_steps;
    l->max_depth = l->max_depth ? l->max_depth : default_limits.max_depth;
    l->max_output = l->max_output ? l->max_output : default_limits.max_output;
    l->max_memory = l->max_memory ? l->max_memory : default_limits.max_memory;
    env->globals = jv_dict(&env->mem);
    globals_init(env);
    for (uint32_t i = 0; i < env->globals->u.map->n; i++) {
        struct str name = jv_as_str(env->globals->u.map->e[i].k);
        sym_of(env, name.p, name.n)->is_pure = !str_is(name, "lipsum");
    }
    return env;
}

void jinja_env_free(struct jinja_env *env)
{
    if (!env)
        return;
    arena_release(&env->mem);
    mem_free(env->syms);
    mem_free(env);
}

void jinja_env_set(struct jinja_env *env, const char *name, struct jv *v)
{
    jv_set(env->globals, name, v);
}

struct jv *jinja_env_take(struct jinja_env *env, const char *name)
{
    struct sym *sym = sym_of(env, name, strlen(name));
    struct jv *v = sym ? dict_get(env->globals, &sym->str) : NULL;
    return v ? dict_del(env->globals->u.map, &sym->str) : NULL;
}

void jinja_env_pure(struct jinja_env *env, const char *name)
{
    sym_of(env, name, strlen(name))->is_pure = true;
}

void jinja_env_watch(struct jinja_env *env)
{
    env->is_touched = false;
}

void jinja_env_touch(struct jinja_env *env)
{
    env->is_touched = true;
}

bool jinja_env_was_pure(const struct jinja_env *env)
{
    return !env->is_touched;
}

void jinja_env_undefined(struct jinja_env *env, enum jinja_undefined kind)
{
    env->undef = kind;
}

void jinja_env_strict(struct jinja_env *env, bool is_strict)
{
    env->undef = is_strict ? UNDEF_DEFAULT : UNDEF_CHAINABLE;
}

void jinja_env_resolver(struct jinja_env *env, jinja_resolve_fn *fn, void *userdata)
{
    env->resolve = fn;
    env->resolve_data = userdata;
}

void jinja_env_filter(struct jinja_env *env, const char *name, struct jv *fn)
{
    if (!env->filters)
        env->filters = jv_dict(&env->mem);
    jv_set(env->filters, name, fn);
}

struct arena *jinja_env_mem(struct jinja_env *env)
{
    return &env->mem;
}

void jinja_env_set_userdata(struct jinja_env *env, void *u)
{
    env->userdata = u;
}

/* ── templates ── */
/* Line ends become "\n" and one at the end is dropped, as Jinja2 does. */
static char *normal_source(struct arena *a, const char *src, size_t n, size_t *out_n)
{
    char *copy = arena_alloc(a, n + 1);
    size_t k = 0;
    if (!copy)
        return NULL;
    if (!memchr(src, '\r', n)) {
        memcpy(copy, src, n);
        k = n;
    } else {
        for (size_t i = 0; i < n; i++) {
            if (src[i] == '\r' && i + 1 < n && src[i + 1] == '\n')
                continue;
            copy[k++] = src[i] == '\r' ? '\n' : src[i];
        }
    }
    if (k && copy[k - 1] == '\n')
        k--;
    copy[k] = 0;
    *out_n = k;
    return copy;
}

/* mem NULL: an arena of its own. */
static struct jinja_template *template_new(struct jinja_env *env, const char *name,
                                           const char *src, size_t n, struct arena *mem)
{
    struct jinja_template *t = mem ? arena_alloc(mem, sizeof *t) : mem_alloc(sizeof *t);
    if (!t)
        return NULL;
    t->env = env;
    t->mem = mem ? mem : &t->own;
    if (!mem)
        arena_init(&t->own, n * 400 + (1U << 20));
    t->name = arena_strdup(t->mem, name ? name : "template");
    t->src = normal_source(t->mem, n ? src : "", n, &t->n_src);
    return t;
}

int jinja_compile(struct jinja_env *env, const char *name, const char *src, size_t n,
                  struct jinja_template **out, struct err *e)
{
    struct jinja_template *t = template_new(env, name, src, n, NULL);
    int rc = t->src ? parse_template(t, e)
                    : err_set(e, ERR_LIMIT, "%s: template too large", t->name);
    if (rc < 0) {
        jinja_template_free(t);
        return rc;
    }
    *out = t;
    return 0;
}

int jinja_compile_in(struct jinja_env *env, struct arena *mem, const char *name,
                     const char *src, size_t n, struct jinja_template **out,
                     struct err *e)
{
    struct jinja_template *t = template_new(env, name, src, n, mem);
    *out = t;
    return t && t->src ? parse_template(t, e)
                       : err_set(e, ERR_LIMIT, "%s: template too large", name);
}

void jinja_template_free(struct jinja_template *t)
{
    if (!t)
        return;
    arena_release(&t->own);
    mem_free(t);
}

size_t jinja_n_defs(const struct jinja_template *t)
{
    return t->n_defs;
}

const struct jinja_def *jinja_def(const struct jinja_template *t, size_t i)
{
    return i < t->n_defs ? &t->defs[i] : NULL;
}

struct jv *jinja_def_macro(struct jinja_template *t, size_t i, struct jv *context)
{
    if (i >= t->n_defs || !t->def_macros[i])
        return NULL;
    struct jv *v = jv_new(t->mem, JV_FUNC);
    struct macro *m = v ? arena_alloc(t->mem, sizeof *m) : NULL;
    if (!m)
        return NULL;
    *m = (struct macro){t->def_macros[i], NULL, context};
    v->kind = FN_MACRO;
    v->u.macro = m;
    return v;
}

struct jv *jinja_macro(struct jinja_template *t, const char *name, struct jv *context)
{
    for (size_t i = t->n_defs; i-- > 0;)
        if (t->def_macros[i] && (streq(t->defs[i].name, name) ||
                                 streq(t->def_macros[i]->sym->str.u.s.p, name)))
            return jinja_def_macro(t, i, context);
    return NULL;
}

bool jinja_def_param(const struct jinja_template *t, size_t i, size_t param,
                     const char **name, bool *has_default)
{
    const struct param *p =
        i < t->n_defs && t->def_macros[i] ? t->def_macros[i]->params : NULL;
    while (p && param--)
        p = p->next;
    if (!p)
        return false;
    *name = p->sym->str.u.s.p;
    *has_default = p->fallback != NULL;
    return true;
}

void jinja_template_set_data(struct jinja_template *t, void *data)
{
    t->data = data;
}

void *jinja_template_data(const struct jinja_template *t)
{
    return t->data;
}

void *jinja_current_data(struct jinja_call *c)
{
    return c->tmpl ? c->tmpl->data : NULL;
}

bool jinja_in_macro(const struct jinja_call *c)
{
    for (; c; c = c->up)
        if (c->frames)
            return true;
    return false;
}

/* ── rendering ── */
static void call_begin(struct jinja_call *c, struct jinja_env *env,
                       struct jinja_template *t, struct jv *context, struct arena *mem,
                       struct buf *out)
{
    *c = (struct jinja_call){.env = env,
                             .tmpl = t,
                             .mem = mem,
                             .mem_start = mem->used,
                             .out = out,
                             .out_start = out->len,
                             .context = context,
                             .up = env->active,
                             .stack_base = __builtin_frame_address(0)};
    if (c->up) {
        c->stack_base = c->up->stack_base;
        c->steps = c->up->steps;
        c->depth = c->up->depth + 1;
    }
    env->active = c;
}

static int call_end(struct jinja_call *c, bool is_ok, struct err *e)
{
    int rc = 0;
    c->env->active = c->up;
    if (c->up)
        c->up->steps = c->steps;
    if (!is_ok) {
        rc = c->code ? c->code : ERR_LIMIT;
        const char *name = c->tmpl && c->tmpl->name ? c->tmpl->name : "template";
        if (c->message)
            err_set(e, rc, "%s", c->message);
        else
            err_set(e, rc, "%s:%u:%u: memory limit exceeded", name,
                    c->at ? c->at->line : 1, c->at ? c->at->col : 1);
    }
    mem_free(c->message);
    return rc;
}

int jinja_render(struct jinja_template *t, struct jv *context, struct arena *mem,
                 struct buf *out, struct err *e)
{
    struct jinja_call c;
    size_t mark = out->len;
    call_begin(&c, t->env, t, context, mem, out);
    bool is_ok = c.depth <= c.env->limits.max_depth
                     ? (c.scope = scope_new(&c, NULL)) != NULL
                     : fail_limit(&c, "recursion") != NULL;
    is_ok = is_ok && exec_body(&c, t->body) != FLOW_STOP;
    if (!is_ok && c.returned && !c.message) /* return() outside a macro ends the text */
        is_ok = true;
    if (!is_ok && !out->failed && out->len > mark) {
        out->len = mark;
        out->data[mark] = 0;
    }
    return call_end(&c, is_ok, e);
}

static bool has_tag(const char *p, size_t n)
{
    for (size_t i = 0; i + 1 < n; i++)
        if (p[i] == '{' && (p[i + 1] == '{' || p[i + 1] == '%' || p[i + 1] == '#'))
            return true;
    return false;
}

static struct jv *eval_native(struct jinja_call *c, const struct node *body)
{
    if (body && !body->next && body->kind == N_PRINT)
        return eval(c, body->a);
    if (exec_body(c, body) == FLOW_STOP)
        return NULL;
    return jv_str(c->mem, buf_str(c->out), c->out->len);
}

int jinja_eval(struct jinja_env *env, const char *expr, size_t n, struct jv *context,
               struct arena *mem, struct jv **out, struct err *e)
{
    struct jinja_template *t = template_new(env, "expression", expr, n, mem);
    struct node *root = NULL;
    struct jinja_call c;
    struct buf text;
    bool is_template = has_tag(expr, n);
    if (!t || !t->src)
        return err_set(e, ERR_LIMIT, "expression too large");
    int rc = is_template ? parse_template(t, e) : parse_expression(t, &root, e);
    if (rc < 0)
        return rc;
    buf_init(&text, env->limits.max_output);
    call_begin(&c, env, t, context, mem, &text);
    c.is_native = true;
    c.scope = scope_new(&c, NULL);
    *out = c.scope ? is_template ? eval_native(&c, t->body) : eval(&c, root) : NULL;
    if (!*out && c.returned && !c.message)
        *out = c.returned;
    rc = call_end(&c, *out != NULL, e);
    buf_release(&text);
    return rc;
}

int jinja_call_value(struct jinja_env *env, const char *name, struct jv *fn,
                     struct jv *context, struct jv **args, size_t n,
                     const char *const *kw_names, struct jv **kw_values, size_t n_kw,
                     struct arena *mem, struct jv **result, struct err *e)
{
    struct jinja_template where = {.env = env, .name = name};
    struct jinja_call c;
    struct buf text;
    struct cargs a = {args, n, kw_names, kw_values, n_kw};
    buf_init(&text, env->limits.max_output);
    call_begin(&c, env, &where, context, mem, &text);
    c.scope = scope_new(&c, NULL);
    *result = c.scope ? call_value(&c, fn, &a) : NULL;
    if (!*result && c.returned && !c.message)
        *result = c.returned;
    int rc = call_end(&c, *result != NULL, e);
    buf_release(&text);
    return rc;
}

/* ── for native functions ── */
struct arena *jinja_mem(struct jinja_call *c)
{
    return c->mem;
}

void *jinja_userdata(struct jinja_call *c)
{
    return c->env->userdata;
}

struct jinja_env *jinja_env_of(struct jinja_call *c)
{
    return c->env;
}

struct jv *jinja_context_of(struct jinja_call *c)
{
    return c->context;
}

struct jv *jinja_lookup(struct jinja_call *c, const char *name)
{
    return name_lookup(c, sym_of(c->env, name, strlen(name)));
}

struct jv *jinja_getattr(struct jinja_call *c, struct jv *v, const char *name)
{
    return get_attr(c, v, &sym_of(c->env, name, strlen(name))->str);
}

struct jv *jinja_iterate(struct jinja_call *c, struct jv *v)
{
    return to_list(c, v);
}

int jinja_equal(struct jinja_call *c, const struct jv *a, const struct jv *b)
{
    return jv_equal(c, a, b, 0);
}

struct jv *jinja_to_json(struct jinja_call *c, struct jv *v, int indent, bool sort_keys)
{
    return json_text(c, v, indent, sort_keys, false);
}

struct jv *jinja_return(struct jinja_call *c, struct jv *v)
{
    if (v)
        c->returned = v;
    return NULL;
}

struct jv *jinja_invoke(struct jinja_call *c, struct jv *fn, struct jv **args, size_t n,
                        const char *const *kw_names, struct jv **kw_values, size_t n_kw)
{
    return call_value(c, fn, &(struct cargs){args, n, kw_names, kw_values, n_kw});
}

struct jv *jinja_arg(struct jv **args, size_t n, const char *const *kw_names,
                     struct jv **kw_values, size_t n_kw, size_t pos, const char *name)
{
    if (pos < n)
        return args[pos];
    for (size_t i = 0; name && i < n_kw; i++)
        if (streq(kw_names[i], name))
            return kw_values[i];
    return NULL;
}

void jinja_where(struct jinja_call *c, const char **name, int *line, int *column)
{
    *name = c->tmpl ? c->tmpl->name : "";
    *line = c->at ? (int)c->at->line : 0;
    *column = c->at ? (int)c->at->col : 0;
}
