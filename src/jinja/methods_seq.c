/* Methods of list, dict, set, tuple, int and float, as Python's; views of a dict are
 * lists made at the call. */
#include "jinja/internal.h"

#include <math.h>

#define METHOD(name)                                                                   \
    static struct jv *name(struct jinja_call *c, struct jv *self, struct jv **s,       \
                           const struct cargs *raw __attribute__((unused)))

static struct jv *done(struct jinja_call *c, int rc, const struct jv *key)
{
    if (rc == ERR_TYPE)
        return jinja_fail(c, "unhashable type: '%s'", type_name(key));
    return rc < 0 ? fail_limit(c, "memory") : jv_none();
}

static bool index_of(struct jinja_call *c, const struct jv *v, int64_t *out)
{
    if (!v || jv_is_intlike(v, out))
        return true;
    jinja_fail(c, "'%s' object cannot be interpreted as an integer", type_name(v));
    return false;
}

/* ── list ── */
METHOD(l_append)
{
    return done(c, jv_append(self, s[0]), NULL);
}

METHOD(l_extend)
{
    struct jv *more = to_list(c, s[0]);
    if (!more)
        return NULL;
    for (size_t i = 0, n = more->u.seq.n; i < n; i++)
        if (jv_append(self, more->u.seq.v[i]) < 0)
            return fail_limit(c, "memory");
    return jv_none();
}

METHOD(l_insert)
{
    int64_t i = 0, n = self->u.seq.n;
    if (!index_of(c, s[0], &i))
        return NULL;
    i = i < 0 ? i + n < 0 ? 0 : i + n : i > n ? n : i;
    if (jv_append(self, s[1]) < 0)
        return fail_limit(c, "memory");
    struct jv **v = self->u.seq.v;
    memmove(v + i + 1, v + i, (size_t)(n - i) * sizeof(struct jv *));
    v[i] = s[1];
    return jv_none();
}

static void drop_at(struct jv *l, size_t i)
{
    l->u.seq.n--;
    memmove(l->u.seq.v + i, l->u.seq.v + i + 1, (l->u.seq.n - i) * sizeof(struct jv *));
}

METHOD(l_pop)
{
    int64_t n = self->u.seq.n, i = n - 1;
    if (!index_of(c, s[0], &i))
        return NULL;
    if (!n)
        return jinja_fail(c, "pop from empty list");
    i = i < 0 ? i + n : i;
    if (i < 0 || i >= n)
        return jinja_fail(c, "pop index out of range");
    struct jv *v = self->u.seq.v[i];
    drop_at(self, (size_t)i);
    return v;
}

static int64_t position(struct jinja_call *c, struct jv *l, struct jv *item)
{
    for (size_t i = 0; i < l->u.seq.n; i++) {
        int r = jv_equal(c, l->u.seq.v[i], item, 0);
        if (r)
            return r < 0 ? -2 : (int64_t)i;
    }
    return -1;
}

METHOD(l_remove)
{
    int64_t i = position(c, self, s[0]);
    if (i < 0)
        return i == -2 ? NULL : jinja_fail(c, "list.remove(x): x not in list");
    drop_at(self, (size_t)i);
    return jv_none();
}

METHOD(l_index)
{
    int64_t i = position(c, self, s[0]);
    struct buf b;
    if (i >= 0)
        return jv_int(c->mem, i);
    if (i == -2)
        return NULL;
    buf_init(&b, 400);
    jv_to_repr(s[0], &b);
    jinja_fail(c, "%s is not in list", buf_str(&b));
    buf_release(&b);
    return NULL;
}

METHOD(l_count)
{
    int64_t n = 0;
    for (size_t i = 0; i < self->u.seq.n; i++) {
        int r = jv_equal(c, self->u.seq.v[i], s[0], 0);
        if (r < 0)
            return NULL;
        n += r;
    }
    return jv_int(c->mem, n);
}

METHOD(l_clear)
{
    (void)c, (void)s;
    self->u.seq.n = 0;
    return jv_none();
}

METHOD(l_copy)
{
    (void)s;
    return list_copy(c, self);
}

METHOD(l_reverse)
{
    (void)c, (void)s;
    for (uint32_t i = 0, j = self->u.seq.n; i + 1 < j; i++) {
        struct jv *t = self->u.seq.v[i];
        self->u.seq.v[i] = self->u.seq.v[--j];
        self->u.seq.v[j] = t;
    }
    return jv_none();
}

METHOD(l_sort)
{
    struct jv *key = s[0] && s[0]->type != JV_NONE ? s[0] : NULL;
    return sort_list(c, self, key, s[1] && jv_truth(s[1])) ? jv_none() : NULL;
}

const struct builtin list_methods[] = {
    {"append", l_append, "object", 1},
    {"extend", l_extend, "iterable", 1},
    {"insert", l_insert, "index object", 2},
    {"pop", l_pop, "index", 0},
    {"remove", l_remove, "value", 1},
    {"index", l_index, "value", 1},
    {"count", l_count, "value", 1},
    {"clear", l_clear, "", 0},
    {"copy", l_copy, "", 0},
    {"reverse", l_reverse, "", 0},
    {"sort", l_sort, "key reverse", 0},
    {NULL, NULL, NULL, 0},
};
const struct builtin tuple_methods[] = {
    {"index", l_index, "value", 1},
    {"count", l_count, "value", 1},
    {NULL, NULL, NULL, 0},
};

/* ── dict ── */
METHOD(d_get)
{
    uint32_t h;
    if (!jv_hash(s[0], &h))
        return jinja_fail(c, "unhashable type: '%s'", type_name(s[0]));
    struct jv *v = dict_get(self, s[0]);
    return v ? v : s[1] ? s[1] : jv_none();
}

METHOD(d_keys)
{
    (void)s;
    return to_list(c, self);
}

static struct jv *pairs(struct jinja_call *c, const struct jv *d, bool with_key)
{
    struct jv *l = jv_list(c->mem);
    for (uint32_t i = 0; l && i < d->u.map->n; i++) {
        struct jdict_entry *e = &d->u.map->e[i];
        if (!e->k)
            continue;
        struct jv *kv[2] = {e->k, e->v};
        if (jv_append(l, with_key ? jv_tuple(c->mem, kv, 2) : e->v) < 0)
            return NULL;
    }
    return l;
}

METHOD(d_values)
{
    (void)s;
    return pairs(c, self, false);
}
METHOD(d_items)
{
    (void)s;
    return pairs(c, self, true);
}

METHOD(d_update)
{
    (void)s;
    return dict_update(c, self, raw) ? jv_none() : NULL;
}

METHOD(d_setdefault)
{
    struct jv *v = dict_get(self, s[0]);
    if (v)
        return v;
    v = s[1] ? s[1] : jv_none();
    return done(c, jv_setv(self, s[0], v), s[0]) ? v : NULL;
}

static struct jv *key_error(struct jinja_call *c, const struct jv *key)
{
    struct buf b;
    buf_init(&b, 400);
    jv_to_repr(key, &b);
    jinja_fail(c, "KeyError: %s", buf_str(&b));
    buf_release(&b);
    return NULL;
}

METHOD(d_pop)
{
    struct jv *v = dict_del(self->u.map, s[0]);
    return v ? v : s[1] ? s[1] : key_error(c, s[0]);
}

METHOD(d_popitem)
{
    (void)s;
    struct jdict *d = self->u.map;
    for (uint32_t i = d->n; i-- > 0;)
        if (d->e[i].k) {
            struct jv *kv[2] = {d->e[i].k, d->e[i].v};
            dict_del(d, kv[0]);
            return jv_tuple(c->mem, kv, 2);
        }
    return jinja_fail(c, "popitem(): dictionary is empty");
}

METHOD(d_clear)
{
    (void)c, (void)s;
    dict_clear(self->u.map);
    return jv_none();
}

METHOD(d_copy)
{
    (void)s;
    struct jv *d = self->type == JV_SET ? jv_set_new(c->mem) : jv_dict(c->mem), *k, *v;
    for (size_t i = 0; d && jv_pair(self, i, &k, &v); i++)
        if (jv_setv(d, k, v) < 0)
            return NULL;
    return d;
}

METHOD(d_fromkeys)
{
    (void)self;
    struct jv *l = to_list(c, s[0]), *d = jv_dict(c->mem);
    for (size_t i = 0; l && i < l->u.seq.n; i++)
        if (!done(c, jv_setv(d, l->u.seq.v[i], s[1] ? s[1] : jv_none()), l->u.seq.v[i]))
            return NULL;
    return l ? d : NULL;
}

const struct builtin dict_methods[] = {
    {"get", d_get, "key default", 1},
    {"keys", d_keys, "", 0},
    {"values", d_values, "", 0},
    {"items", d_items, "", 0},
    {"update", d_update, "*", 0},
    {"setdefault", d_setdefault, "key default", 1},
    {"pop", d_pop, "key default", 1},
    {"popitem", d_popitem, "", 0},
    {"clear", d_clear, "", 0},
    {"copy", d_copy, "", 0},
    {"fromkeys", d_fromkeys, "iterable value", 1},
    {NULL, NULL, NULL, 0},
};

/* ── set ── */
METHOD(s_add)
{
    return done(c, dict_put(self->u.map, s[0], jv_none()), s[0]);
}
METHOD(s_discard)
{
    (void)c;
    dict_del(self->u.map, s[0]);
    return jv_none();
}
METHOD(s_remove)
{
    return dict_del(self->u.map, s[0]) ? jv_none() : key_error(c, s[0]);
}

static struct jv *as_set(struct jinja_call *c, struct jv *v)
{
    if (v->type == JV_SET)
        return v;
    struct jv *l = to_list(c, v), *out = l ? jv_set_new(c->mem) : NULL;
    for (size_t i = 0; out && i < l->u.seq.n; i++)
        if (!done(c, jv_append(out, l->u.seq.v[i]), l->u.seq.v[i]))
            return NULL;
    return out;
}

/* Items of a that are (or are not) in b. */
static struct jv *select_in(struct jinja_call *c, const struct jv *a,
                            const struct jv *b, bool want)
{
    struct jv *out = jv_set_new(c->mem), *k, *v;
    for (size_t i = 0; out && jv_pair(a, i, &k, &v); i++)
        if ((dict_find(b->u.map, k) != NULL) == want && jv_append(out, k) < 0)
            return NULL;
    return out;
}

METHOD(s_union)
{
    (void)s;
    struct jv *out = d_copy(c, self, s, raw), *k, *v;
    for (size_t j = 0; out && j < raw->n; j++) {
        struct jv *o = as_set(c, raw->v[j]);
        if (!o)
            return NULL;
        for (size_t i = 0; jv_pair(o, i, &k, &v); i++)
            if (jv_append(out, k) < 0)
                return NULL;
    }
    return out;
}
METHOD(s_update)
{
    for (size_t j = 0; j < raw->n; j++) {
        struct jv *o = as_set(c, raw->v[j]), *k, *v;
        if (!o)
            return NULL;
        for (size_t i = 0; jv_pair(o, i, &k, &v); i++)
            if (!done(c, jv_append(self, k), k))
                return NULL;
    }
    (void)s;
    return jv_none();
}
METHOD(s_intersection)
{
    struct jv *o = as_set(c, s[0]);
    return o ? select_in(c, self, o, true) : NULL;
}
METHOD(s_difference)
{
    struct jv *o = as_set(c, s[0]);
    return o ? select_in(c, self, o, false) : NULL;
}
METHOD(s_issubset)
{
    struct jv *o = as_set(c, s[0]), *x = o ? select_in(c, self, o, false) : NULL;
    return x ? jv_bool(!jv_len(x)) : NULL;
}
METHOD(s_issuperset)
{
    struct jv *o = as_set(c, s[0]), *x = o ? select_in(c, o, self, false) : NULL;
    return x ? jv_bool(!jv_len(x)) : NULL;
}
METHOD(s_isdisjoint)
{
    struct jv *o = as_set(c, s[0]), *x = o ? select_in(c, self, o, true) : NULL;
    return x ? jv_bool(!jv_len(x)) : NULL;
}

const struct builtin set_methods[] = {
    {"add", s_add, "item", 1},
    {"discard", s_discard, "item", 1},
    {"remove", s_remove, "item", 1},
    {"clear", d_clear, "", 0},
    {"copy", d_copy, "", 0},
    {"union", s_union, "*", 0},
    {"update", s_update, "*", 0},
    {"intersection", s_intersection, "other", 1},
    {"difference", s_difference, "other", 1},
    {"issubset", s_issubset, "other", 1},
    {"issuperset", s_issuperset, "other", 1},
    {"isdisjoint", s_isdisjoint, "other", 1},
    {NULL, NULL, NULL, 0},
};

/* ── numbers ── */
METHOD(n_bit_length)
{
    int64_t i = jv_as_int(self);
    uint64_t u = i < 0 ? 0 - (uint64_t)i : (uint64_t)i;
    (void)s;
    return jv_int(c->mem, u ? 64 - __builtin_clzll(u) : 0);
}
METHOD(n_is_integer)
{
    (void)c, (void)s;
    return jv_bool(self->type != JV_FLOAT || self->u.d == floor(self->u.d));
}

const struct builtin int_methods[] = {
    {"bit_length", n_bit_length, "", 0},
    {NULL, NULL, NULL, 0},
};
const struct builtin float_methods[] = {
    {"is_integer", n_is_integer, "", 0},
    {NULL, NULL, NULL, 0},
};
