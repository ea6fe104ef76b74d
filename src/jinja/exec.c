/* Statements: walks the tree, writes output, keeps scopes. A scope is what Jinja2 calls
 * a frame: a loop round, a macro, a with, a set or filter block; an if is none. Names
 * are looked up from the innermost scope outward, then in the context, then in the
 * globals.
 *
 * All macros write to the one output buffer and take their text back from its end. */
#include "jinja/internal.h"

/* ── scopes ── */
struct scope *scope_new(struct jinja_call *c, struct scope *parent)
{
    struct scope *s = arena_alloc(c->mem, sizeof *s);
    if (!s)
        return NULL;
    s->parent = parent;
    s->vars = s->first;
    s->cap = SCOPE_INLINE;
    return s;
}

int scope_set(struct jinja_call *c, struct scope *s, struct sym *sym, struct jv *v)
{
    for (uint32_t i = 0; i < s->n; i++)
        if (s->vars[i].sym == sym) {
            s->vars[i].v = v;
            return 0;
        }
    if (s->n == s->cap) {
        struct var *more = arena_alloc(c->mem, s->cap * 2 * sizeof *more);
        if (!more)
            return ERR_LIMIT;
        memcpy(more, s->vars, s->n * sizeof *more);
        s->vars = more;
        s->cap *= 2;
    }
    s->vars[s->n++] = (struct var){sym, v};
    return 0;
}

/* ── assignment ── */
static bool assign(struct jinja_call *c, const struct node *target, struct jv *v);

static bool assign_tuple(struct jinja_call *c, const struct node *target, struct jv *v)
{
    struct jv *l = to_list(c, v);
    if (!l)
        return false;
    if (l->u.seq.n > target->n) {
        jinja_fail(c, "too many values to unpack (expected %u)", target->n);
        return false;
    }
    if (l->u.seq.n < target->n) {
        jinja_fail(c, "not enough values to unpack (expected %u, got %u)", target->n,
                   l->u.seq.n);
        return false;
    }
    size_t i = 0;
    for (const struct node *t = target->a; t; t = t->next)
        if (!assign(c, t, l->u.seq.v[i++]))
            return false;
    return true;
}

static bool assign_namespace(struct jinja_call *c, const struct node *target,
                             struct jv *v)
{
    struct jv *ns = name_lookup(c, target->sym);
    c->at = target;
    if (!ns)
        return false;
    if (jv_class(ns) != &namespace_class) {
        jinja_fail(c, "cannot assign attribute on non-namespace object");
        return false;
    }
    return namespace_set(ns, target->value, v) == 0;
}

static bool assign(struct jinja_call *c, const struct node *target, struct jv *v)
{
    if (target->kind == E_TUPLE)
        return assign_tuple(c, target, v);
    if (target->kind == E_NSREF)
        return assign_namespace(c, target, v);
    return scope_set(c, c->scope, target->sym, v) == 0;
}

/* ── output captured from the end of the buffer ── */
static struct jv *take_output(struct jinja_call *c, size_t mark)
{
    if (c->out->failed)
        return fail_limit(c, "output");
    struct jv *v =
        jv_str(c->mem, c->out->data ? c->out->data + mark : "", c->out->len - mark);
    c->out->len = mark;
    if (c->out->data)
        c->out->data[mark] = 0;
    return v;
}

static void drop_output(struct jinja_call *c, size_t mark)
{
    if (c->out->failed || c->out->len <= mark)
        return;
    c->out->len = mark;
    c->out->data[mark] = 0;
}

static enum flow exec_scoped(struct jinja_call *c, const struct node *body)
{
    struct scope *saved = c->scope;
    if (!(c->scope = scope_new(c, saved))) {
        c->scope = saved;
        return FLOW_STOP;
    }
    enum flow f = exec_body(c, body);
    c->scope = saved;
    return f;
}

/* Body rendered in a scope of its own, as text; NULL with *f telling why. */
static struct jv *capture(struct jinja_call *c, const struct node *body, enum flow *f)
{
    size_t mark = c->out->len;
    *f = exec_scoped(c, body);
    if (*f != FLOW_OK) {
        drop_output(c, mark);
        return NULL;
    }
    struct jv *v = take_output(c, mark);
    if (!v)
        *f = FLOW_STOP;
    return v;
}

static enum flow exec_setblock(struct jinja_call *c, const struct node *n)
{
    enum flow f;
    struct jv *v = capture(c, n->c, &f);
    if (!v)
        return f;
    if (n->b && !(v = apply_filter(c, n->b, v)))
        return FLOW_STOP;
    return assign(c, n->a, v) ? FLOW_OK : FLOW_STOP;
}

static bool print(struct jinja_call *c, struct jv *v)
{
    if (v->type == JV_STR) {
        buf_add(c->out, v->u.s.p, v->u.s.n);
    } else if (v->type == JV_UNDEFINED) {
        if (c->env->undef == UNDEF_STRICT) {
            fail_undefined(c, v);
            return false;
        }
    } else if (jv_to_text(v, c->out) < 0 && !c->out->failed) {
        jinja_fail(c, "%s cannot be written as text", type_name(v));
        return false;
    }
    if (c->out->failed) {
        fail_limit(c, "output");
        return false;
    }
    return true;
}

static enum flow exec_filterblock(struct jinja_call *c, const struct node *n)
{
    enum flow f;
    struct jv *v = capture(c, n->c, &f);
    if (!v)
        return f;
    return (v = apply_filter(c, n->b, v)) && print(c, v) ? FLOW_OK : FLOW_STOP;
}

/* ── for ── */
static struct scope *round_scope(struct jinja_call *c, struct scope *s,
                                 struct scope *parent)
{
    if (!s || s->is_captured)
        return scope_new(c, parent);
    s->n = 0;
    return s;
}

/* Items that pass the loop's "if". */
static struct jv *filter_items(struct jinja_call *c, const struct node *n,
                               struct jv *items, struct scope *parent)
{
    struct jv *kept = jv_list(c->mem);
    struct scope *s = NULL;
    for (size_t i = 0; kept && i < items->u.seq.n; i++) {
        if (!step(c) || !(s = round_scope(c, s, parent)))
            return NULL;
        c->scope = s;
        struct jv *v;
        bool is_set = assign(c, n->a, items->u.seq.v[i]);
        int pass = is_set && (v = eval(c, n->args->pos)) ? truth(c, v) : -1;
        c->scope = parent;
        if (pass < 0 || (pass && jv_append(kept, items->u.seq.v[i]) < 0))
            return NULL;
    }
    return kept;
}

/* Whether the item that was just assigned passes the loop's "if": 1, 0, negative. Asked
 * in its turn, as in Jinja2: a namespace that earlier rounds changed counts. */
static int is_kept(struct jinja_call *c, const struct node *n, const struct jv *loop)
{
    if (loop || !n->args)
        return 1;
    struct jv *v = eval(c, n->args->pos);
    return v ? truth(c, v) : -1;
}

static enum flow run_rounds(struct jinja_call *c, const struct node *n,
                            struct jv *items, struct jv *loop, void *state,
                            struct scope *parent, bool *has_round)
{
    struct scope *s = NULL;
    struct sym *loop_sym = loop ? sym_of(c->env, "loop", 4) : NULL;
    for (size_t i = 0; i < items->u.seq.n; i++) {
        if (!step(c) || !(s = round_scope(c, s, parent)))
            return FLOW_STOP;
        c->scope = s;
        if (loop) {
            loop_at(state, i);
            if (scope_set(c, s, loop_sym, loop) < 0)
                return FLOW_STOP;
        }
        int kept = assign(c, n->a, items->u.seq.v[i]) ? is_kept(c, n, loop) : -1;
        if (kept < 0)
            return FLOW_STOP;
        if (!kept)
            continue;
        enum flow f = exec_body(c, n->c);
        if (f == FLOW_STOP)
            return f;
        if (f == FLOW_BREAK)
            break;
        *has_round |= f == FLOW_OK;
    }
    return FLOW_OK;
}

static enum flow for_items(struct jinja_call *c, const struct node *n, struct jv *v,
                           size_t depth0, struct scope *parent)
{
    struct jv *items = to_list(c, v), *loop = NULL;
    void *state = NULL;
    if (items && n->args && (n->flag2 || n->flag)) /* loop.length counts them */
        items = filter_items(c, n, items, parent);
    if (!items)
        return FLOW_STOP;
    if (n->flag2 || n->flag) {
        if (!(loop = loop_new(c, items, depth0, &state)))
            return FLOW_STOP;
        loop_bind(state, n, parent, c->tmpl);
    }
    bool has_round = false;
    enum flow f = run_rounds(c, n, items, loop, state, parent, &has_round);
    c->scope = parent;
    /* As in Jinja2, rounds that end in break or continue do not count for the else. */
    return f == FLOW_OK && n->d && !has_round ? exec_scoped(c, n->d) : f;
}

/* {{ loop(children) }} of a recursive loop: the body's text for these items. */
struct jv *loop_render(struct jinja_call *c, const struct node *n, struct jv *v,
                       size_t depth0, struct scope *parent)
{
    struct scope *saved = c->scope;
    size_t mark = c->out->len;
    if (c->depth >= c->env->limits.max_depth)
        return fail_limit(c, "recursion");
    c->depth++;
    c->scope = parent;
    enum flow f = for_items(c, n, v, depth0, parent);
    c->scope = saved;
    c->depth--;
    if (f == FLOW_STOP) {
        drop_output(c, mark);
        return NULL;
    }
    return take_output(c, mark);
}

static enum flow exec_for(struct jinja_call *c, const struct node *n)
{
    struct jv *v = eval(c, n->b);
    if (!v)
        return FLOW_STOP;
    c->at = n;
    return for_items(c, n, v, 0, c->scope);
}

/* ── the rest ── */
static enum flow exec_if(struct jinja_call *c, const struct node *n)
{
    for (;;) {
        struct jv *v = eval(c, n->a);
        int r = v ? truth(c, v) : -1;
        if (r < 0)
            return FLOW_STOP;
        if (r)
            return exec_body(c, n->b);
        if (!n->flag)
            return exec_body(c, n->c);
        n = n->c; /* elif */
    }
}

static enum flow exec_with(struct jinja_call *c, const struct node *n)
{
    struct scope *outer = c->scope, *inner = scope_new(c, outer);
    if (!inner)
        return FLOW_STOP;
    const struct node *t = n->a, *x = n->b;
    for (; t; t = t->next, x = x->next) {
        struct jv *v = eval(c, x);
        c->scope = inner;
        bool is_set = v && assign(c, t, v);
        c->scope = outer;
        if (!is_set)
            return FLOW_STOP;
    }
    c->scope = inner;
    enum flow f = exec_body(c, n->c);
    c->scope = outer;
    return f;
}

struct jv *macro_value(struct jinja_call *c, const struct macro_def *d)
{
    struct jv *v = jv_new(c->mem, JV_FUNC);
    struct macro *m = v ? arena_alloc(c->mem, sizeof *m) : NULL;
    if (!m)
        return NULL;
    for (struct scope *s = c->scope; s && !s->is_captured; s = s->parent)
        s->is_captured = true;
    *m = (struct macro){d, c->scope, NULL};
    v->kind = FN_MACRO;
    v->u.macro = m;
    return v;
}

static enum flow exec_macro(struct jinja_call *c, const struct node *n)
{
    struct jv *v = macro_value(c, n->def);
    return v && scope_set(c, c->scope, n->sym, v) == 0 ? FLOW_OK : FLOW_STOP;
}

static enum flow exec_callblock(struct jinja_call *c, const struct node *n)
{
    struct jv *caller = macro_value(c, n->def);
    struct jv *v = caller ? eval_call(c, n->a, caller) : NULL;
    return v && print(c, v) ? FLOW_OK : FLOW_STOP;
}

static enum flow exec_one(struct jinja_call *c, const struct node *n)
{
    struct jv *v;
    switch ((enum node_kind)n->kind) {
    case N_TEXT:
        if (buf_add(c->out, n->text, n->n) == 0)
            return FLOW_OK;
        fail_limit(c, "output");
        return FLOW_STOP;
    case N_PRINT:
        v = eval(c, n->a);
        return v && print(c, v) ? FLOW_OK : FLOW_STOP;
    case N_IF:
        return exec_if(c, n);
    case N_FOR:
        return exec_for(c, n);
    case N_SET:
        v = eval(c, n->b);
        return v && assign(c, n->a, v) ? FLOW_OK : FLOW_STOP;
    case N_SETBLOCK:
        return exec_setblock(c, n);
    case N_MACRO:
        return exec_macro(c, n);
    case N_CALLBLOCK:
        return exec_callblock(c, n);
    case N_DO:
        return eval(c, n->a) ? FLOW_OK : FLOW_STOP;
    case N_BREAK:
        return FLOW_BREAK;
    case N_CONTINUE:
        return FLOW_CONTINUE;
    case N_FILTERBLOCK:
        return exec_filterblock(c, n);
    case N_WITH:
        return exec_with(c, n);
    case N_SKIP:
        return FLOW_OK;
    case E_CONST:
    case E_NAME:
    case E_LIST:
    case E_TUPLE:
    case E_DICT:
    case E_NEG:
    case E_POS:
    case E_NOT:
    case E_AND:
    case E_OR:
    case E_COND:
    case E_BIN:
    case E_CONCAT:
    case E_COMPARE:
    case E_ATTR:
    case E_ITEM:
    case E_SLICE:
    case E_CALL:
    case E_FILTER:
    case E_TEST:
    case E_NSREF:
        break;
    }
    BUG_ON(true);
    return FLOW_STOP;
}

enum flow exec_body(struct jinja_call *c, const struct node *n)
{
    for (; n; n = n->next) {
        c->at = n;
        if (!step(c))
            return FLOW_STOP;
        enum flow f = exec_one(c, n);
        if (f != FLOW_OK)
            return f;
    }
    return FLOW_OK;
}

/* ── macros ── */
static struct jv *keyword(const struct cargs *a, const char *name, size_t *at)
{
    for (size_t i = 0; i < a->n_kw; i++)
        if (streq(a->kw_names[i], name)) {
            *at = i;
            return a->kw_values[i];
        }
    return NULL;
}

static bool bind_params(struct jinja_call *c, const struct macro_def *d,
                        const struct cargs *a, bool *kw_used)
{
    size_t i = 0, at;
    for (const struct param *p = d->params; p; p = p->next, i++) {
        struct jv *v = keyword(a, p->sym->str.u.s.p, &at);
        if (v && i < a->n) {
            jinja_fail(c, "macro '%s' got multiple values for argument '%s'",
                       d->sym->str.u.s.p, p->sym->str.u.s.p);
            return false;
        }
        if (v)
            kw_used[at] = true;
        else if (i < a->n)
            v = a->v[i];
        else if (p->fallback)
            v = eval(c, p->fallback);
        else if ((v = jv_undefined(c->mem, p->sym->str.u.s.p)))
            v->u.undef.text = arena_printf(c->mem, "parameter '%s' was not provided",
                                           p->sym->str.u.s.p);
        if (!v || scope_set(c, c->scope, p->sym, v) < 0)
            return false;
    }
    return true;
}

static bool bind_caller(struct jinja_call *c, const struct macro_def *d,
                        const struct cargs *a, bool *kw_used)
{
    size_t at;
    if (!d->uses_caller || d->has_caller_param)
        return true;
    struct jv *v = keyword(a, "caller", &at);
    if (v)
        kw_used[at] = true;
    else if ((v = jv_undefined(c->mem, "caller")))
        v->u.undef.text = "No caller defined";
    return v && scope_set(c, c->scope, sym_of(c->env, "caller", 6), v) == 0;
}

static bool bind_kwargs(struct jinja_call *c, const struct macro_def *d,
                        const struct cargs *a, const bool *kw_used)
{
    struct jv *rest = d->uses_kwargs ? jv_dict(c->mem) : NULL;
    for (size_t i = 0; i < a->n_kw; i++) {
        if (kw_used[i])
            continue;
        if (!d->uses_kwargs) {
            jinja_fail(c, "macro '%s' takes no keyword argument '%s'",
                       d->sym->str.u.s.p, a->kw_names[i]);
            return false;
        }
        if (jv_set(rest, a->kw_names[i], a->kw_values[i]) < 0)
            return false;
    }
    return !d->uses_kwargs ||
           (rest && scope_set(c, c->scope, sym_of(c->env, "kwargs", 6), rest) == 0);
}

static bool bind_varargs(struct jinja_call *c, const struct macro_def *d,
                         const struct cargs *a)
{
    size_t from = a->n < d->n_params ? a->n : d->n_params;
    if (!d->uses_varargs) {
        if (a->n <= d->n_params)
            return true;
        jinja_fail(c, "macro '%s' takes not more than %zu argument(s)",
                   d->sym->str.u.s.p, d->n_params);
        return false;
    }
    struct jv *rest = jv_tuple(c->mem, a->n ? a->v + from : NULL, a->n - from);
    return rest && scope_set(c, c->scope, sym_of(c->env, "varargs", 7), rest) == 0;
}

static struct jv *run_macro(struct jinja_call *c, const struct macro_def *d,
                            const struct cargs *a)
{
    size_t mark = c->out->len;
    bool *used = a->n_kw ? arena_alloc(c->mem, a->n_kw) : NULL;
    if (a->n_kw && !used)
        return NULL;
    if (!bind_params(c, d, a, used) || !bind_caller(c, d, a, used) ||
        !bind_kwargs(c, d, a, used) || !bind_varargs(c, d, a))
        return NULL;
    if (exec_body(c, d->body) != FLOW_STOP)
        return take_output(c, mark);
    drop_output(c, mark);
    if (!c->returned || d->is_caller)
        return NULL;
    struct jv *v = c->returned;
    c->returned = NULL;
    return v;
}

/* The macro's text, or what return() gave. NULL: failed, or return() in a call block,
 * which belongs to the macro around it. */
struct jv *macro_call(struct jinja_call *c, struct macro *m, const struct cargs *a)
{
    if (c->depth >= c->env->limits.max_depth)
        return fail_limit(c, "recursion");
    struct jinja_template *tmpl = c->tmpl;
    struct scope *scope = c->scope;
    struct jv *context = c->context;
    const struct node *at = c->at;
    struct frame f = {c->frames, m->def->sym->str.u.s.p, c->tmpl ? c->tmpl->name : "",
                      c->at ? c->at->line : 0, c->tmpl};
    if (!(c->scope = scope_new(c, m->closure))) {
        c->scope = scope;
        return NULL;
    }
    c->depth++;
    c->frames = &f;
    c->tmpl = m->def->tmpl;
    if (m->context)
        c->context = m->context;
    struct jv *v = run_macro(c, m->def, a);
    c->depth--;
    c->frames = f.up;
    c->tmpl = tmpl;
    c->context = context;
    c->scope = scope;
    c->at = at;
    return v;
}
