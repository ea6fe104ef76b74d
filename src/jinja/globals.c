/* What every template finds without being given it: range, dict, namespace, cycler,
 * joiner; and the loop object of a for. */
#include "jinja/internal.h"

#define RANGE_MAX 100000 /* Jinja2's sandbox: MAX_RANGE */

#define NATIVE(name)                                                                   \
    static struct jv *name(struct jinja_call *c, void *userdata, struct jv **args,     \
                           size_t n, const char *const *kw_names,                      \
                           struct jv **kw_values, size_t n_kw)
#define UNUSED_KW (void)userdata, (void)kw_names, (void)kw_values, (void)n_kw

NATIVE(g_range)
{
    int64_t v[3] = {0, 0, 1};
    UNUSED_KW;
    if (n < 1 || n > 3 || n_kw)
        return jinja_fail(c, "range expected 1 to 3 positional arguments");
    for (size_t i = 0; i < n; i++)
        if (!jv_is_intlike(args[i], &v[n == 1 ? 1 : i]))
            return is_undef(args[i])
                       ? fail_undefined(c, args[i])
                       : jinja_fail(c,
                                    "'%s' object cannot be interpreted as an integer",
                                    type_name(args[i]));
    if (v[2] == 0)
        return jinja_fail(c, "range() arg 3 must not be zero");
    struct jv *l = jv_list(c->mem);
    for (int64_t i = v[0]; v[2] > 0 ? i < v[1] : i > v[1];) {
        if (l && l->u.seq.n == RANGE_MAX)
            return jinja_fail(c,
                              "Range too big. The sandbox blocks ranges larger than "
                              "MAX_RANGE (%d).",
                              RANGE_MAX);
        if (jv_append(l, jv_int(c->mem, i)) < 0)
            return NULL;
        if (__builtin_add_overflow(i, v[2], &i))
            break;
    }
    return l;
}

NATIVE(g_dict)
{
    struct jv *d = jv_dict(c->mem);
    struct cargs a = {args, n, kw_names, kw_values, n_kw};
    (void)userdata;
    return d && dict_update(c, d, &a) ? d : NULL;
}

/* ── namespace ── */
static struct jv *ns_get(struct jinja_call *c, void *self, const char *name)
{
    (void)c;
    return jv_get(self, name);
}
static int ns_str(void *self, struct buf *out)
{
    buf_adds(out, "<Namespace ");
    jv_to_repr(self, out);
    return buf_addc(out, '>');
}
const struct jinja_class namespace_class = {
    .name = "Namespace", .get = ns_get, .str = ns_str};

int namespace_set(struct jv *ns, struct jv *name, struct jv *v)
{
    return jv_setv(ns->u.obj.self, name, v);
}

NATIVE(g_namespace)
{
    struct jv *d = g_dict(c, userdata, args, n, kw_names, kw_values, n_kw);
    return d ? jv_object(c->mem, &namespace_class, d) : NULL;
}

/* ── cycler ── */
struct cycler {
    struct jv *items;
    size_t at;
};

NATIVE(cycler_next)
{
    struct cycler *y = userdata;
    UNUSED_KW;
    (void)c, (void)args, (void)n;
    struct jv *v = y->items->u.seq.v[y->at];
    y->at = (y->at + 1) % y->items->u.seq.n;
    return v;
}
NATIVE(cycler_reset)
{
    UNUSED_KW;
    (void)c, (void)args, (void)n;
    ((struct cycler *)userdata)->at = 0;
    return jv_none();
}
static struct jv *cycler_get(struct jinja_call *c, void *self, const char *name)
{
    struct cycler *y = self;
    if (streq(name, "current"))
        return y->items->u.seq.v[y->at];
    if (streq(name, "next"))
        return jv_func(c->mem, "next", cycler_next, y);
    return streq(name, "reset") ? jv_func(c->mem, "reset", cycler_reset, y) : NULL;
}
static const struct jinja_class cycler_class = {.name = "Cycler", .get = cycler_get};

NATIVE(g_cycler)
{
    UNUSED_KW;
    if (!n)
        return jinja_fail(c, "at least one item has to be provided");
    struct cycler *y = arena_alloc(c->mem, sizeof *y);
    if (!y || !(y->items = jv_tuple(c->mem, args, n)))
        return NULL;
    return jv_object(c->mem, &cycler_class, y);
}

/* ── joiner ── */
struct joiner {
    struct jv *sep;
    bool is_used;
};
static struct jv *joiner_call(struct jinja_call *c, void *self, struct jv **args,
                              size_t n, const char *const *kw_names,
                              struct jv **kw_values, size_t n_kw)
{
    struct joiner *j = self;
    (void)args, (void)n, (void)kw_names, (void)kw_values, (void)n_kw;
    if (j->is_used)
        return j->sep;
    j->is_used = true;
    return jv_str(c->mem, "", 0);
}
static const struct jinja_class joiner_class = {.name = "Joiner", .call = joiner_call};

NATIVE(g_joiner)
{
    (void)userdata;
    struct joiner *j = arena_alloc(c->mem, sizeof *j);
    if (!j)
        return NULL;
    j->sep = jinja_arg(args, n, kw_names, kw_values, n_kw, 0, "sep");
    if (!j->sep && !(j->sep = jv_str(c->mem, ", ", 2)))
        return NULL;
    return jv_object(c->mem, &joiner_class, j);
}

/* ── loop ── */
struct loop {
    struct jv *items;
    size_t i, depth0;
    struct jv *last; /* of changed() */
    const struct node *node;
    struct scope *scope;
    struct jinja_template *tmpl;
};

NATIVE(loop_cycle)
{
    UNUSED_KW;
    if (!n)
        return jinja_fail(c, "no items for cycling given");
    return args[((struct loop *)userdata)->i % n];
}
NATIVE(loop_changed)
{
    struct loop *l = userdata;
    struct jv *now = jv_tuple(c->mem, args, n);
    UNUSED_KW;
    int r = !now ? -1 : l->last ? jv_equal(c, l->last, now, 0) : 0;
    if (r < 0)
        return NULL;
    l->last = now;
    return jv_bool(!r);
}

static struct jv *neighbour(struct jinja_call *c, const struct loop *l, bool is_next)
{
    bool has = is_next ? l->i + 1 < l->items->u.seq.n : l->i > 0;
    if (has)
        return l->items->u.seq.v[is_next ? l->i + 1 : l->i - 1];
    struct jv *v = jv_undefined(c->mem, "");
    if (v)
        v->u.undef.text =
            is_next ? "there is no next item" : "there is no previous item";
    return v;
}

static struct jv *loop_get(struct jinja_call *c, void *self, const char *name)
{
    struct loop *l = self;
    int64_t i = (int64_t)l->i, n = l->items->u.seq.n;
    if (streq(name, "index"))
        return jv_int(c->mem, i + 1);
    if (streq(name, "index0"))
        return jv_int(c->mem, i);
    if (streq(name, "first"))
        return jv_bool(i == 0);
    if (streq(name, "last"))
        return jv_bool(i + 1 == n);
    if (streq(name, "length"))
        return jv_int(c->mem, n);
    if (streq(name, "revindex"))
        return jv_int(c->mem, n - i);
    if (streq(name, "revindex0"))
        return jv_int(c->mem, n - i - 1);
    if (streq(name, "depth"))
        return jv_int(c->mem, (int64_t)l->depth0 + 1);
    if (streq(name, "depth0"))
        return jv_int(c->mem, (int64_t)l->depth0);
    if (streq(name, "previtem") || streq(name, "nextitem"))
        return neighbour(c, l, *name == 'n');
    if (streq(name, "cycle"))
        return jv_func(c->mem, "cycle", loop_cycle, l);
    if (streq(name, "changed"))
        return jv_func(c->mem, "changed", loop_changed, l);
    return NULL;
}

static struct jv *loop_call(struct jinja_call *c, void *self, struct jv **args,
                            size_t n, const char *const *kw_names,
                            struct jv **kw_values, size_t n_kw)
{
    struct loop *l = self;
    (void)kw_names, (void)kw_values;
    if (!l->node->flag)
        return jinja_fail(c, "The loop must have the 'recursive' marker to be called "
                             "recursively.");
    if (n != 1 || n_kw)
        return jinja_fail(c, "loop() takes the items to recurse into");
    return loop_render(c, l->node, args[0], l->depth0 + 1, l->scope);
}

static int loop_str(void *self, struct buf *out)
{
    struct loop *l = self;
    return buf_addf(out, "<LoopContext %zu/%u>", l->i + 1, l->items->u.seq.n);
}

const struct jinja_class loop_class = {
    .name = "LoopContext", .get = loop_get, .call = loop_call, .str = loop_str};

struct jv *loop_new(struct jinja_call *c, struct jv *items, size_t depth0, void **state)
{
    struct loop *l = arena_alloc(c->mem, sizeof *l);
    if (!l)
        return NULL;
    l->items = items;
    l->depth0 = depth0;
    *state = l;
    return jv_object(c->mem, &loop_class, l);
}

void loop_bind(void *state, const struct node *n, struct scope *scope,
               struct jinja_template *t)
{
    struct loop *l = state;
    l->node = n;
    l->scope = scope;
    l->tmpl = t;
}

void loop_at(void *state, size_t i)
{
    ((struct loop *)state)->i = i;
}

void globals_init(struct jinja_env *env)
{
    struct arena *a = &env->mem;
    jinja_env_set(env, "range", jv_func(a, "range", g_range, NULL));
    jinja_env_set(env, "dict", jv_func(a, "dict", g_dict, NULL));
    jinja_env_set(env, "namespace", jv_func(a, "namespace", g_namespace, NULL));
    jinja_env_set(env, "cycler", jv_func(a, "cycler", g_cycler, NULL));
    jinja_env_set(env, "joiner", jv_func(a, "joiner", g_joiner, NULL));
}
