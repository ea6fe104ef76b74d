/* Expressions: walks the tree to a value. Attribute and item access follow Jinja2's
 * rule (x.y: attribute, then item; x['y']: item, then attribute); methods and filters
 * are rows of builtin tables, found once per name and kept in the interned name. */
#include "jinja/internal.h"

#include <stdarg.h>

#define STACK_BYTES (4U << 20)

/* ── failing ── */
static void add_stack(struct jinja_call *c, struct buf *b)
{
    int n = 0;
    for (const struct frame *f = c->frames; f && n < 8; f = f->up, n++)
        buf_addf(b, "\n  in macro %s, called from %s:%u", f->macro, f->tmpl, f->line);
    for (const struct jinja_call *u = c->up; u && n < 8; u = u->up, n++)
        buf_addf(b, "\n  rendered from %s:%u", u->tmpl ? u->tmpl->name : "",
                 u->at ? u->at->line : 0);
}

static struct jv *fail_text(struct jinja_call *c, int code, const char *text)
{
    struct buf b;
    if (c->message)
        return NULL; /* the first reason is the reason */
    buf_init(&b, 16384);
    buf_addf(&b, "%s:%u:%u: %s", c->tmpl ? c->tmpl->name : "template",
             c->at ? c->at->line : 1, c->at ? c->at->col : 1, text);
    add_stack(c, &b);
    c->code = code;
    c->message = mem_strdup(buf_str(&b));
    buf_release(&b);
    return NULL;
}

struct jv *jinja_fail(struct jinja_call *c, const char *fmt, ...)
{
    char text[900];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return fail_text(c, ERR_FAIL, text);
}

struct jv *jinja_fail_err(struct jinja_call *c, const struct err *e)
{
    return fail_text(c, e->code ? e->code : ERR_FAIL, e->text);
}

struct jv *fail_limit(struct jinja_call *c, const char *what)
{
    char text[80];
    snprintf(text, sizeof text, "%s limit exceeded", what);
    return fail_text(c, ERR_LIMIT, text);
}

struct jv *fail_undefined(struct jinja_call *c, const struct jv *v)
{
    return jinja_fail(c, "%s", v->u.undef.text);
}

bool step(struct jinja_call *c)
{
    const struct jinja_limits *l = &c->env->limits;
    if (++c->steps > l->max_steps) {
        fail_limit(c, "step");
        return false;
    }
    if (c->mem->used - c->mem_start > l->max_memory) {
        fail_limit(c, "memory");
        return false;
    }
    if (c->out->len > c->out_start + l->max_output) {
        fail_limit(c, "output");
        return false;
    }
    return true;
}

static bool check_stack(struct jinja_call *c)
{
    const char *here = __builtin_frame_address(0);
    ptrdiff_t used = c->stack_base - here;
    if (used < (ptrdiff_t)STACK_BYTES && used > -(ptrdiff_t)STACK_BYTES)
        return true;
    fail_limit(c, "recursion");
    return false;
}

int truth(struct jinja_call *c, const struct jv *v)
{
    if (v->type == JV_UNDEFINED && c->env->undef == UNDEF_STRICT) {
        fail_undefined(c, v);
        return -1;
    }
    return jv_truth(v);
}

struct jv *bool_of(int r)
{
    return r < 0 ? NULL : jv_bool(r);
}

/* ── names ── */
void look_up_builtins(struct sym *s)
{
    const char *name = s->str.u.s.p;
    s->filter = filter_find(name);
    s->test = test_find(name);
    for (int t = 0; t < JV_TYPES; t++)
        s->method[t] = method_find((enum jv_type)t, name);
    s->has_looked = true;
}

struct jv *name_lookup(struct jinja_call *c, struct sym *sym)
{
    for (const struct scope *s = c->scope; s; s = s->parent)
        for (uint32_t i = 0; i < s->n; i++)
            if (s->vars[i].sym == sym)
                return s->vars[i].v;
    struct jv *v = c->context ? dict_get(c->context, &sym->str) : NULL;
    if (!v && (v = dict_get(c->env->globals, &sym->str)))
        c->env->is_touched |= !sym->is_pure;
    if (!v && c->env->resolve)
        v = c->env->resolve(c, c->env->resolve_data, sym->str.u.s.p);
    if (!v && !c->message)
        v = jv_undefined(c->mem, sym->str.u.s.p);
    return v;
}

/* ── calls ── */
static bool push_kw(struct cargs *a, size_t *cap, struct arena *mem, const char *name,
                    struct jv *v)
{
    if (a->n_kw == *cap) {
        *cap = *cap ? *cap * 2 : 4;
        const char **names = arena_alloc(mem, *cap * sizeof *names);
        struct jv **values = arena_alloc(mem, *cap * sizeof(struct jv *));
        if (!names || !values)
            return false;
        for (size_t i = 0; i < a->n_kw; i++) {
            names[i] = a->kw_names[i];
            values[i] = a->kw_values[i];
        }
        a->kw_names = names;
        a->kw_values = values;
    }
    ((const char **)(uintptr_t)a->kw_names)[a->n_kw] = name;
    a->kw_values[a->n_kw++] = v;
    return true;
}

static bool expand_star(struct jinja_call *c, const struct callargs *ca,
                        struct cargs *a)
{
    struct jv *v = eval(c, ca->star), *l = v ? to_list(c, v) : NULL;
    if (!l)
        return false;
    size_t n = a->n + l->u.seq.n;
    struct jv **all = arena_alloc(c->mem, (n + 1) * sizeof(struct jv *));
    if (!all)
        return false;
    if (a->n)
        memcpy(all, a->v, a->n * sizeof(struct jv *));
    if (l->u.seq.n)
        memcpy(all + a->n, l->u.seq.v, l->u.seq.n * sizeof(struct jv *));
    a->v = all;
    a->n = n;
    return true;
}

static bool expand_dstar(struct jinja_call *c, const struct callargs *ca,
                         struct cargs *a, size_t *cap)
{
    struct jv *v = eval(c, ca->dstar), *k, *x;
    if (!v)
        return false;
    if (v->type != JV_DICT) {
        jinja_fail(c, "argument after ** must be a mapping, not %s", type_name(v));
        return false;
    }
    for (size_t i = 0; jv_pair(v, i, &k, &x); i++) {
        if (k->type != JV_STR) {
            jinja_fail(c, "keywords must be strings");
            return false;
        }
        for (size_t j = 0; j < a->n_kw; j++)
            if (streq(a->kw_names[j], k->u.s.p)) {
                jinja_fail(c, "got multiple values for keyword argument '%s'",
                           k->u.s.p);
                return false;
            }
        if (!push_kw(a, cap, c->mem, k->u.s.p, x))
            return false;
    }
    return true;
}

/* Arguments of a call evaluated; caller (of a call block) is one more keyword. */
static bool eval_args(struct jinja_call *c, const struct callargs *ca,
                      struct jv *caller, struct cargs *a)
{
    *a = (struct cargs){0};
    if (!ca)
        return true;
    size_t cap = 0, i = 0;
    if (ca->n && !(a->v = arena_alloc(c->mem, ca->n * sizeof(struct jv *))))
        return false;
    for (const struct node *n = ca->pos; n; n = n->next)
        if (!(a->v[a->n++] = eval(c, n)))
            return false;
    if (ca->star && !expand_star(c, ca, a))
        return false;
    if (ca->n_kw && !ca->dstar && !caller) {
        a->kw_names = ca->kw_names;
        if (!(a->kw_values = arena_alloc(c->mem, ca->n_kw * sizeof(struct jv *))))
            return false;
        for (const struct node *n = ca->kw; n; n = n->next)
            if (!(a->kw_values[a->n_kw++] = eval(c, n)))
                return false;
        return true;
    }
    for (const struct node *n = ca->kw; n; n = n->next) {
        struct jv *v = eval(c, n);
        if (!v || !push_kw(a, &cap, c->mem, ca->kw_names[i++], v))
            return false;
    }
    if (ca->dstar && !expand_dstar(c, ca, a, &cap))
        return false;
    return !caller || push_kw(a, &cap, c->mem, "caller", caller);
}

static size_t param_index(const char *params, const char *name, size_t *count)
{
    size_t i = 0, at = SIZE_MAX, len = strlen(name);
    for (const char *p = params; *p; i++) {
        size_t n = strcspn(p, " ");
        if (n == len && memcmp(p, name, n) == 0)
            at = i;
        p += n;
        p += *p == ' ';
    }
    *count = i;
    return at;
}

struct jv *builtin_call(struct jinja_call *c, const struct builtin *b, struct jv *self,
                        const struct cargs *a)
{
    struct jv *s[BUILTIN_MAX_PARAMS] = {0};
    size_t count;
    if (*b->params == '*') {
        if (a->n + a->n_kw < b->required)
            return jinja_fail(c, "%s() expects at least %u argument(s)", b->name,
                              b->required);
        return b->fn(c, self, s, a);
    }
    param_index(b->params, "", &count);
    if (a->n > count)
        return jinja_fail(c, "%s() takes at most %zu argument(s) (%zu given)", b->name,
                          count, a->n);
    for (size_t i = 0; i < a->n; i++)
        s[i] = a->v[i];
    for (size_t i = 0; i < a->n_kw; i++) {
        size_t at = param_index(b->params, a->kw_names[i], &count);
        if (at == SIZE_MAX)
            return jinja_fail(c, "%s() got an unexpected keyword argument '%s'",
                              b->name, a->kw_names[i]);
        if (s[at])
            return jinja_fail(c, "%s() got multiple values for argument '%s'", b->name,
                              a->kw_names[i]);
        s[at] = a->kw_values[i];
    }
    for (size_t i = 0; i < b->required; i++)
        if (!s[i])
            return jinja_fail(c, "%s() is missing %u required argument(s)", b->name,
                              b->required);
    return b->fn(c, self, s, a);
}

struct jv *call_value(struct jinja_call *c, struct jv *fn, const struct cargs *a)
{
    struct jv *v = NULL;
    if (!check_stack(c))
        return NULL;
    if (fn->type == JV_FUNC && fn->kind == FN_MACRO)
        return macro_call(c, fn->u.macro, a);
    if (fn->type == JV_FUNC && fn->kind == FN_METHOD)
        return builtin_call(c, fn->u.method.row, fn->u.method.self, a);
    if (is_undef(fn))
        return of_undefined(c, fn);
    if (fn->type == JV_FUNC)
        v = fn->u.fn.fn(c, fn->u.fn.userdata, a->v, a->n, a->kw_names, a->kw_values,
                        a->n_kw);
    else if (fn->type == JV_OBJECT && fn->u.obj.cls->call)
        v = fn->u.obj.cls->call(c, fn->u.obj.self, a->v, a->n, a->kw_names,
                                a->kw_values, a->n_kw);
    else
        return jinja_fail(c, "'%s' object is not callable", type_name(fn));
    return v;
}

struct jv *eval_call(struct jinja_call *c, const struct node *n, struct jv *caller)
{
    const struct node *f = n->a;
    struct cargs a;
    const struct builtin *method = NULL;
    struct jv *self = NULL, *fn = NULL;
    if (f->kind == E_ATTR) {
        if (!(self = eval(c, f->a)))
            return NULL;
        if (!f->sym->has_looked)
            look_up_builtins(f->sym);
        c->at = f;
        if (self->type != JV_OBJECT && self->type != JV_FUNC)
            method = f->sym->method[self->type];
        if (!method && !(fn = attr_of(c, self, f->sym)))
            return NULL;
    } else if (!(fn = eval(c, f))) {
        return NULL;
    }
    if (!eval_args(c, n->args, caller, &a))
        return NULL;
    c->at = n;
    return method ? builtin_call(c, method, self, &a) : call_value(c, fn, &a);
}

/* ── filters and tests ── */
struct jv *call_filter(struct jinja_call *c, struct sym *name, struct jv *v,
                       const struct cargs *a)
{
    struct jv *own = c->env->filters ? dict_get(c->env->filters, &name->str) : NULL;
    if (own) {
        struct cargs with = *a;
        if (!(with.v = arena_alloc(c->mem, (a->n + 1) * sizeof(struct jv *))))
            return NULL;
        with.v[0] = v;
        if (a->n)
            memcpy(with.v + 1, a->v, a->n * sizeof(struct jv *));
        with.n++;
        return call_value(c, own, &with);
    }
    if (!name->has_looked)
        look_up_builtins(name);
    if (!name->filter)
        return jinja_fail(c, "No filter named '%s'.", name->str.u.s.p);
    return builtin_call(c, name->filter, v, a);
}

int call_test(struct jinja_call *c, struct sym *name, struct jv *v,
              const struct cargs *a)
{
    if (!name->has_looked)
        look_up_builtins(name);
    if (!name->test) {
        jinja_fail(c, "No test named '%s'.", name->str.u.s.p);
        return -1;
    }
    struct jv *r = builtin_call(c, name->test, v, a);
    return r ? truth(c, r) : -1;
}

/* value: what the innermost filter of the chain is applied to when it names none. */
struct jv *apply_filter(struct jinja_call *c, const struct node *n, struct jv *value)
{
    struct cargs a;
    struct jv *v = value;
    if (n->a && n->a->kind == E_FILTER && value)
        v = apply_filter(c, n->a, value);
    else if (n->a)
        v = eval(c, n->a);
    if (!v || !eval_args(c, n->args, NULL, &a))
        return NULL;
    c->at = n;
    return call_filter(c, n->sym, v, &a);
}

static struct jv *eval_test(struct jinja_call *c, const struct node *n)
{
    struct cargs a;
    struct jv *v = eval(c, n->a);
    if (!v || !eval_args(c, n->args, NULL, &a))
        return NULL;
    c->at = n;
    int r = call_test(c, n->sym, v, &a);
    return r < 0 ? NULL : jv_bool((r != 0) != n->flag);
}

/* ── the tree ── */
static struct jv *eval_list(struct jinja_call *c, const struct node *n)
{
    struct jv *l = jv_list(c->mem);
    if (!l || (n->n && list_reserve(l, n->n) < 0))
        return NULL;
    for (const struct node *x = n->a; x; x = x->next)
        if (jv_append(l, eval(c, x)) < 0)
            return NULL;
    if (n->kind == E_TUPLE)
        l->type = JV_TUPLE;
    return l;
}

static struct jv *eval_dict(struct jinja_call *c, const struct node *n)
{
    struct jv *d = jv_dict(c->mem);
    for (const struct node *x = n->a; d && x; x = x->next->next) {
        struct jv *k = eval(c, x), *v = k ? eval(c, x->next) : NULL;
        if (!v)
            return NULL;
        int rc = jv_setv(d, k, v);
        if (rc == ERR_TYPE)
            return jinja_fail(c, "unhashable type: '%s'", type_name(k));
        if (rc < 0)
            return NULL;
    }
    return d;
}

static struct jv *eval_concat(struct jinja_call *c, const struct node *n)
{
    struct buf b;
    scratch_init(c, &b);
    for (const struct node *x = n->a; x; x = x->next) {
        struct jv *v = eval(c, x);
        if (v && is_undef(v) && c->env->undef == UNDEF_STRICT)
            v = fail_undefined(c, v);
        if (!v) {
            buf_release(&b);
            return NULL;
        }
        jv_to_text(v, &b);
    }
    return scratch_take(c, &b);
}

static struct jv *eval_compare(struct jinja_call *c, const struct node *n)
{
    struct jv *left = eval(c, n->a);
    for (const struct node *x = n->b; left && x; x = x->next) {
        struct jv *right = eval(c, x->a);
        if (!right)
            return NULL;
        c->at = x;
        int r = op_compare(c, (enum op)x->op, left, right);
        if (r <= 0)
            return bool_of(r);
        left = right;
    }
    return left ? jv_bool(true) : NULL;
}

static struct jv *eval_logic(struct jinja_call *c, const struct node *n)
{
    struct jv *v = eval(c, n->a);
    int r = v ? truth(c, v) : -1;
    if (r < 0)
        return NULL;
    return (n->kind == E_OR) == (r != 0) ? v : eval(c, n->b);
}

static struct jv *eval_cond(struct jinja_call *c, const struct node *n)
{
    struct jv *v = eval(c, n->a);
    int r = v ? truth(c, v) : -1;
    if (r < 0)
        return NULL;
    if (r || n->c)
        return eval(c, r ? n->b : n->c);
    if ((v = jv_undefined(c->mem, "")))
        v->u.undef.text =
            "the inline if-expression evaluated to false and no else section "
            "was defined.";
    return v;
}

static struct jv *eval_sign(struct jinja_call *c, const struct node *n)
{
    struct jv *v = eval(c, n->a);
    int64_t i;
    if (!v)
        return NULL;
    c->at = n;
    if (v->type == JV_FLOAT)
        return n->kind == E_POS ? v : jv_float(c->mem, -v->u.d);
    if (jv_is_intlike(v, &i)) {
        if (n->kind == E_NEG && i == INT64_MIN)
            return jinja_fail(c, "integer overflow");
        return jv_int(c->mem, n->kind == E_NEG ? -i : i);
    }
    if (is_undef(v))
        return of_undefined(c, v);
    return jinja_fail(c, "bad operand type for unary %c: '%s'",
                      n->kind == E_NEG ? '-' : '+', type_name(v));
}

static struct jv *eval_item(struct jinja_call *c, const struct node *n)
{
    struct jv *v = eval(c, n->a);
    if (!v)
        return NULL;
    if (n->b->kind != E_SLICE) {
        struct jv *key = eval(c, n->b);
        c->at = n;
        return key ? get_item(c, v, key) : NULL;
    }
    const struct node *s = n->b;
    struct jv *b[3] = {NULL, NULL, NULL};
    if ((s->a && !(b[0] = eval(c, s->a))) || (s->b && !(b[1] = eval(c, s->b))) ||
        (s->c && !(b[2] = eval(c, s->c))))
        return NULL;
    c->at = n;
    return get_slice(c, v, b);
}

static struct jv *eval_bin(struct jinja_call *c, const struct node *n)
{
    struct jv *a = eval(c, n->a), *b = a ? eval(c, n->b) : NULL;
    c->at = n;
    return b ? op_binary(c, (enum op)n->op, a, b) : NULL;
}

static struct jv *eval_deep(struct jinja_call *c, const struct node *n)
{
    struct jv *v;
    int r;
    switch ((enum node_kind)n->kind) {
    case E_LIST:
    case E_TUPLE:
        return eval_list(c, n);
    case E_DICT:
        return eval_dict(c, n);
    case E_NEG:
    case E_POS:
        return eval_sign(c, n);
    case E_NOT:
        v = eval(c, n->a);
        r = v ? truth(c, v) : -1;
        return r < 0 ? NULL : jv_bool(!r);
    case E_AND:
    case E_OR:
        return eval_logic(c, n);
    case E_COND:
        return eval_cond(c, n);
    case E_BIN:
        return eval_bin(c, n);
    case E_CONCAT:
        return eval_concat(c, n);
    case E_COMPARE:
        return eval_compare(c, n);
    case E_ATTR:
        v = eval(c, n->a);
        c->at = n;
        return v ? attr_of(c, v, n->sym) : NULL;
    case E_ITEM:
        return eval_item(c, n);
    case E_CALL:
        return eval_call(c, n, NULL);
    case E_FILTER:
        return apply_filter(c, n, NULL);
    case E_TEST:
        return eval_test(c, n);
    case E_SLICE:
        return jinja_fail(c, "a slice needs brackets behind a value");
    case E_CONST:
    case E_NAME:
    case E_NSREF:
    case N_TEXT:
    case N_PRINT:
    case N_IF:
    case N_FOR:
    case N_SET:
    case N_SETBLOCK:
    case N_MACRO:
    case N_CALLBLOCK:
    case N_DO:
    case N_BREAK:
    case N_CONTINUE:
    case N_FILTERBLOCK:
    case N_WITH:
    case N_SKIP:
        break;
    }
    BUG_ON(true);
    return NULL;
}

struct jv *eval(struct jinja_call *c, const struct node *n)
{
    if (n->kind == E_CONST)
        return n->value;
    if (n->kind == E_NAME) {
        c->at = n;
        return name_lookup(c, n->sym);
    }
    return check_stack(c) && step(c) ? eval_deep(c, n) : NULL;
}
