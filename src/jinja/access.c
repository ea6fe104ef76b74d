/* Attributes, items and slices. Jinja2's rule: x.y is the attribute, then the item;
 * x['y'] the item, then the attribute. Methods are rows of builtin tables. */
#include "jinja/internal.h"

static const char *object_repr(const struct jv *v, char *out, size_t size)
{
    if (v->type == JV_NONE)
        return "None";
    snprintf(out, size, "%s object", type_name(v));
    return out;
}

struct jv *undefined_attr(struct jinja_call *c, const struct jv *owner,
                          const struct jv *key)
{
    char b[128];
    struct buf r;
    struct jv *v = jv_new(c->mem, JV_UNDEFINED);
    if (!v)
        return NULL;
    const char *what = object_repr(owner, b, sizeof b);
    buf_init(&r, 512);
    if (key->type == JV_STR) {
        str_repr(key->u.s.p, key->u.s.n, &r);
        v->u.undef.name = key->u.s.p;
        v->u.undef.text =
            arena_printf(c->mem, "'%s' has no attribute %s", what, buf_str(&r));
    } else {
        jv_to_repr(key, &r);
        v->u.undef.name = "";
        v->u.undef.text =
            arena_printf(c->mem, "%s has no element %s", what, buf_str(&r));
    }
    buf_release(&r);
    return v->u.undef.text ? v : NULL;
}

/* Attributes of undefined: an error, or itself while parsing. */
struct jv *of_undefined(struct jinja_call *c, struct jv *v)
{
    return c->env->undef == UNDEF_CHAINABLE ? v : fail_undefined(c, v);
}

static struct jv *method_value(struct jinja_call *c, struct jv *self,
                               const struct builtin *row)
{
    struct jv *v = jv_new(c->mem, JV_FUNC);
    if (!v)
        return NULL;
    v->kind = FN_METHOD;
    v->u.method.self = self;
    v->u.method.row = row;
    return v;
}

static struct jv *macro_attr(struct jinja_call *c, const struct macro *m,
                             const char *name)
{
    const struct macro_def *d = m->def;
    if (streq(name, "name"))
        return &d->sym->str;
    if (streq(name, "catch_kwargs"))
        return jv_bool(d->uses_kwargs);
    if (streq(name, "catch_varargs"))
        return jv_bool(d->uses_varargs);
    if (streq(name, "caller"))
        return jv_bool(d->uses_caller);
    if (!streq(name, "arguments"))
        return NULL;
    struct jv *l = jv_list(c->mem);
    for (const struct param *p = d->params; p; p = p->next)
        if (jv_append(l, &p->sym->str) < 0)
            return NULL;
    return l ? jv_tuple(c->mem, l->u.seq.v, l->u.seq.n) : NULL;
}

/* Attribute proper: methods, native objects. NULL: none, or failed (c->message). */
static struct jv *real_attr(struct jinja_call *c, struct jv *v, const struct jv *name)
{
    const char *s = name->u.s.p;
    if (v->type == JV_OBJECT)
        return v->u.obj.cls->get ? v->u.obj.cls->get(c, v->u.obj.self, s) : NULL;
    if (v->type == JV_FUNC && v->kind == FN_MACRO)
        return macro_attr(c, v->u.macro, s);
    const struct builtin *m = method_find((enum jv_type)v->type, s);
    return m ? method_value(c, v, m) : NULL;
}

/* What x.name finds when there is no such attribute. */
static struct jv *named_item(struct jv *v, const struct jv *key)
{
    if (v->type == JV_TUPLE && v->kind == TUPLE_GROUP) {
        struct str name = {key->u.s.p, key->u.s.n};
        return str_is(name, "grouper") ? v->u.seq.v[0]
               : str_is(name, "list")  ? v->u.seq.v[1]
                                       : NULL;
    }
    return v->type == JV_DICT ? dict_get(v, key) : NULL;
}

struct jv *get_attr(struct jinja_call *c, struct jv *v, struct jv *name)
{
    if (is_undef(v))
        return of_undefined(c, v);
    struct jv *x = real_attr(c, v, name);
    if (!x && !c->message)
        x = named_item(v, name);
    return x || c->message ? x : undefined_attr(c, v, name);
}

struct jv *attr_of(struct jinja_call *c, struct jv *v, struct sym *name)
{
    if (v->type == JV_OBJECT || v->type == JV_FUNC || is_undef(v))
        return get_attr(c, v, &name->str);
    if (!name->has_looked)
        look_up_builtins(name);
    if (name->method[v->type])
        return method_value(c, v, name->method[v->type]);
    struct jv *x = named_item(v, &name->str);
    return x ? x : undefined_attr(c, v, &name->str);
}

static struct jv *seq_item(struct jinja_call *c, struct jv *v, struct jv *key)
{
    int64_t i;
    if (!jv_is_intlike(key, &i))
        return NULL;
    if (v->type == JV_STR) {
        int64_t n = (int64_t)jv_len(v);
        if (i < 0)
            i += n;
        if (i < 0 || i >= n)
            return NULL;
        size_t from = u8_at(v->u.s.p, v->u.s.n, (size_t)i);
        size_t len = u8_at(v->u.s.p + from, v->u.s.n - from, 1);
        return jv_str(c->mem, v->u.s.p + from, len);
    }
    if (i < 0)
        i += v->u.seq.n;
    return i >= 0 && i < (int64_t)v->u.seq.n ? v->u.seq.v[i] : NULL;
}

struct jv *get_item(struct jinja_call *c, struct jv *v, struct jv *key)
{
    struct jv *x = NULL;
    if (is_undef(v))
        return of_undefined(c, v);
    if (v->type == JV_DICT)
        x = dict_get(v, key);
    else if (v->type == JV_LIST || v->type == JV_TUPLE || v->type == JV_STR)
        x = seq_item(c, v, key);
    else if (v->type == JV_OBJECT && v->u.obj.cls->item)
        x = v->u.obj.cls->item(c, v->u.obj.self, key);
    if (!x && !c->message && key->type == JV_STR)
        x = real_attr(c, v, key);
    return x || c->message ? x : undefined_attr(c, v, key);
}

/* Python's slice.indices. false: a bound is no integer, or failed (step 0). */
static bool slice_bounds(struct jinja_call *c, struct jv **b, int64_t n, int64_t *from,
                         int64_t *to, int64_t *by)
{
    int64_t v[3] = {0, 0, 1};
    bool has[3] = {false, false, false};
    for (int i = 0; i < 3; i++) {
        if (!b[i] || b[i]->type == JV_NONE)
            continue;
        if (!jv_is_intlike(b[i], &v[i]))
            return false;
        has[i] = true;
    }
    if (v[2] == 0) {
        jinja_fail(c, "slice step cannot be zero");
        return false;
    }
    *by = v[2];
    int64_t low = *by < 0 ? -1 : 0, high = *by < 0 ? n - 1 : n;
    for (int i = 0; i < 2; i++) {
        if (!has[i]) {
            v[i] = (i == 0) == (*by > 0) ? low : high;
            continue;
        }
        if (v[i] < 0)
            v[i] = v[i] < -n ? low : v[i] + n;
        if (v[i] < low)
            v[i] = low;
        if (v[i] > high)
            v[i] = high;
    }
    *from = v[0];
    *to = v[1];
    return true;
}

/* Jinja2 swallows the TypeError of a slice that makes no sense. */
static struct jv *no_slice(struct jinja_call *c, const struct jv *v)
{
    char b[128];
    struct jv *u = jv_undefined(c->mem, "");
    if (u)
        u->u.undef.text = arena_printf(c->mem, "'%s' cannot be sliced like this",
                                       object_repr(v, b, sizeof b));
    return u;
}

struct jv *get_slice(struct jinja_call *c, struct jv *v, struct jv **bounds)
{
    int64_t from, to, by;
    if (is_undef(v))
        return of_undefined(c, v);
    if (v->type != JV_LIST && v->type != JV_TUPLE && v->type != JV_STR)
        return no_slice(c, v);
    struct jv *items = v->type == JV_STR ? to_list(c, v) : v, *out = jv_list(c->mem);
    if (!items || !out)
        return NULL;
    if (!slice_bounds(c, bounds, items->u.seq.n, &from, &to, &by))
        return c->message ? NULL : no_slice(c, v);
    for (int64_t i = from; by > 0 ? i < to : i > to;) {
        if (jv_append(out, items->u.seq.v[i]) < 0)
            return NULL;
        if (by > 0 ? i > INT64_MAX - by : i < INT64_MIN - by)
            break;
        i += by;
    }
    if (v->type == JV_LIST)
        return out;
    if (v->type == JV_TUPLE)
        return jv_tuple(c->mem, out->u.seq.v, out->u.seq.n);
    struct buf b;
    scratch_init(c, &b);
    for (size_t i = 0; i < out->u.seq.n; i++)
        buf_add(&b, out->u.seq.v[i]->u.s.p, out->u.seq.v[i]->u.s.n);
    return scratch_take(c, &b);
}
