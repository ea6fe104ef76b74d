/* Values: constructors, lists, dictionaries and what their keys mean (Python's rules:
 * 1, 1.0 and True are one key). Everything lives in arenas; lists and dicts remember
 * theirs, so that they can grow. A constructor returns NULL when the arena is full. */
#include "jinja/internal.h"

#include <math.h>

static struct jv none_value = {.type = JV_NONE};
static struct jv true_value = {.type = JV_BOOL, .u.b = true};
static struct jv false_value = {.type = JV_BOOL, .u.b = false};
static const struct jv empty_str = {.type = JV_STR, .u.s = {"", 0}};

struct jv *jv_new(struct arena *a, enum jv_type t)
{
    struct jv *v = arena_alloc(a, sizeof *v);
    if (v)
        v->type = (uint8_t)t;
    return v;
}

struct jv *jv_none(void)
{
    return &none_value;
}

struct jv *jv_bool(bool v)
{
    return v ? &true_value : &false_value;
}

struct jv *jv_int(struct arena *a, int64_t i)
{
    struct jv *v = jv_new(a, JV_INT);
    if (v)
        v->u.i = i;
    return v;
}

struct jv *jv_float(struct arena *a, double d)
{
    struct jv *v = jv_new(a, JV_FLOAT);
    if (v)
        v->u.d = d;
    return v;
}

struct jv *jv_str(struct arena *a, const char *p, size_t n)
{
    struct jv *v = jv_new(a, JV_STR);
    if (!v)
        return NULL;
    v->u.s.p = n ? arena_strndup(a, p, n) : "";
    v->u.s.n = n;
    return v->u.s.p ? v : NULL;
}

struct jv *jv_strz(struct arena *a, const char *s)
{
    return s ? jv_str(a, s, strlen(s)) : jv_none();
}

struct jv *jv_list(struct arena *a)
{
    struct jv *v = jv_new(a, JV_LIST);
    if (v)
        v->u.seq.a = a;
    return v;
}

struct jv *jv_tuple(struct arena *a, struct jv **items, size_t n)
{
    struct jv *v = jv_new(a, JV_TUPLE);
    if (!v)
        return NULL;
    v->u.seq.a = a;
    if (n && list_reserve(v, n) < 0)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        if (!items[i])
            return NULL;
        v->u.seq.v[i] = items[i];
    }
    v->u.seq.n = (uint32_t)n;
    return v;
}

static struct jv *map_value(struct arena *a, enum jv_type t)
{
    struct jv *v = jv_new(a, t);
    if (!v || !(v->u.map = arena_alloc(a, sizeof *v->u.map)))
        return NULL;
    v->u.map->a = a;
    return v;
}

struct jv *jv_dict(struct arena *a)
{
    return map_value(a, JV_DICT);
}

struct jv *jv_set_new(struct arena *a)
{
    return map_value(a, JV_SET);
}

struct jv *jv_undefined(struct arena *a, const char *name)
{
    struct jv *v = jv_new(a, JV_UNDEFINED);
    if (!v)
        return NULL;
    v->u.undef.name = arena_strdup(a, name ? name : "");
    v->u.undef.text = arena_printf(a, "'%s' is undefined", name ? name : "");
    return v->u.undef.text ? v : NULL;
}

struct jv *jv_func(struct arena *a, const char *name, jinja_fn *fn, void *userdata)
{
    struct jv *v = jv_new(a, JV_FUNC);
    if (!v)
        return NULL;
    v->kind = FN_NATIVE;
    v->u.fn.name = arena_strdup(a, name);
    v->u.fn.fn = fn;
    v->u.fn.userdata = userdata;
    return v;
}

struct jv *jv_object(struct arena *a, const struct jinja_class *cls, void *self)
{
    struct jv *v = jv_new(a, JV_OBJECT);
    if (!v)
        return NULL;
    v->u.obj.cls = cls;
    v->u.obj.self = self;
    return v;
}

/* ── lists ── */
int list_reserve(struct jv *list, size_t n)
{
    if (n <= list->u.seq.cap)
        return 0;
    size_t cap = list->u.seq.cap ? list->u.seq.cap * 2 : 4;
    while (cap < n)
        cap *= 2;
    if (cap > UINT32_MAX / 2)
        return ERR_LIMIT;
    struct jv **v = arena_alloc(list->u.seq.a, cap * sizeof *v);
    if (!v)
        return ERR_LIMIT;
    if (list->u.seq.n)
        memcpy(v, list->u.seq.v, list->u.seq.n * sizeof *v);
    list->u.seq.v = v;
    list->u.seq.cap = (uint32_t)cap;
    return 0;
}

int jv_append(struct jv *list, struct jv *item)
{
    if (!list || !item)
        return ERR_LIMIT;
    if (list->type == JV_SET)
        return dict_put(list->u.map, item, jv_none());
    if (list->u.seq.n == list->u.seq.cap && list_reserve(list, list->u.seq.n + 1U) < 0)
        return ERR_LIMIT;
    list->u.seq.v[list->u.seq.n++] = item;
    return 0;
}

/* ── keys ── */
static uint32_t bytes_hash(const char *p, size_t n)
{
    uint32_t h = 2166136261U;
    for (size_t i = 0; i < n; i++)
        h = (h ^ (unsigned char)p[i]) * 16777619U;
    h ^= h >> 15;
    return h ? h : 1;
}

static uint32_t int_hash(int64_t i)
{
    uint64_t x = (uint64_t)i * 0x9E3779B97F4A7C15ULL;
    uint32_t h = (uint32_t)(x >> 32);
    return h ? h : 1;
}

static uint32_t float_hash(double d)
{
    if (d == floor(d) && fabs(d) < 9e18)
        return int_hash((int64_t)d);
    uint64_t bits;
    memcpy(&bits, &d, sizeof bits);
    return int_hash((int64_t)bits);
}

bool jv_hash(const struct jv *v, uint32_t *out)
{
    switch ((enum jv_type)v->type) {
    case JV_STR:
        *out = v->hash ? v->hash : bytes_hash(v->u.s.p, v->u.s.n);
        return true;
    case JV_BOOL:
        *out = int_hash(v->u.b);
        return true;
    case JV_INT:
        *out = int_hash(v->u.i);
        return true;
    case JV_FLOAT:
        *out = float_hash(v->u.d);
        return true;
    case JV_NONE:
        *out = 7;
        return true;
    case JV_TUPLE: {
        uint32_t h = 31, x;
        for (size_t i = 0; i < v->u.seq.n; i++) {
            if (!jv_hash(v->u.seq.v[i], &x))
                return false;
            h = h * 1000003U ^ x;
        }
        *out = h ? h : 1;
        return true;
    }
    case JV_FUNC:
    case JV_OBJECT:
    case JV_UNDEFINED:
        *out = int_hash((int64_t)(uintptr_t)v);
        return true;
    case JV_LIST:
    case JV_DICT:
    case JV_SET:
        return false;
    }
    return false;
}

bool jv_is_num(const struct jv *v)
{
    return v->type == JV_INT || v->type == JV_BOOL || v->type == JV_FLOAT;
}

bool jv_is_intlike(const struct jv *v, int64_t *out)
{
    if (v->type == JV_INT)
        *out = v->u.i;
    else if (v->type == JV_BOOL)
        *out = v->u.b;
    else
        return false;
    return true;
}

bool jv_same(const struct jv *a, const struct jv *b)
{
    if (a == b)
        return true;
    if (a->type == JV_STR && b->type == JV_STR)
        return a->u.s.n == b->u.s.n && memcmp(a->u.s.p, b->u.s.p, a->u.s.n) == 0;
    if (jv_is_num(a) && jv_is_num(b)) {
        int64_t x, y;
        if (jv_is_intlike(a, &x) && jv_is_intlike(b, &y))
            return x == y;
        return jv_as_float(a) == jv_as_float(b);
    }
    if (a->type == JV_TUPLE && b->type == JV_TUPLE) {
        if (a->u.seq.n != b->u.seq.n)
            return false;
        for (size_t i = 0; i < a->u.seq.n; i++)
            if (!jv_same(a->u.seq.v[i], b->u.seq.v[i]))
                return false;
        return true;
    }
    return a->type == JV_NONE && b->type == JV_NONE;
}

/* ── dictionaries ── */
#define DICT_LINEAR 8

static struct jdict_entry *find_hashed(const struct jdict *d, const struct jv *key,
                                       uint32_t h)
{
    if (!d->slots) {
        for (uint32_t i = 0; i < d->n; i++)
            if (d->e[i].hash == h && d->e[i].k && jv_same(d->e[i].k, key))
                return &d->e[i];
        return NULL;
    }
    for (uint32_t s = h & (d->n_slots - 1); d->slots[s];
         s = (s + 1) & (d->n_slots - 1)) {
        struct jdict_entry *e = &d->e[d->slots[s] - 1];
        if (e->hash == h && e->k && jv_same(e->k, key))
            return e;
    }
    return NULL;
}

struct jdict_entry *dict_find(const struct jdict *d, const struct jv *key)
{
    uint32_t h;
    return d->live && jv_hash(key, &h) ? find_hashed(d, key, h) : NULL;
}

struct jv *dict_get(const struct jv *dict, const struct jv *key)
{
    struct jdict_entry *e = dict_find(dict->u.map, key);
    return e ? e->v : NULL;
}

static void slot_add(struct jdict *d, uint32_t index)
{
    uint32_t s = d->e[index].hash & (d->n_slots - 1);
    while (d->slots[s])
        s = (s + 1) & (d->n_slots - 1);
    d->slots[s] = index + 1;
}

static int dict_grow(struct jdict *d)
{
    uint32_t cap = d->live < 4 ? 8 : d->live * 2;
    struct jdict_entry *e = arena_alloc(d->a, cap * sizeof *e);
    if (!e)
        return ERR_LIMIT;
    uint32_t n = 0;
    for (uint32_t i = 0; i < d->n; i++)
        if (d->e[i].k)
            e[n++] = d->e[i];
    d->e = e;
    d->n = n;
    d->cap = cap;
    if (cap <= DICT_LINEAR)
        return 0;
    d->n_slots = 16;
    while (d->n_slots < cap * 2)
        d->n_slots *= 2;
    if (!(d->slots = arena_alloc(d->a, d->n_slots * sizeof *d->slots)))
        return ERR_LIMIT;
    for (uint32_t i = 0; i < n; i++)
        slot_add(d, i);
    return 0;
}

/* 0, ERR_TYPE when the key cannot be hashed, ERR_LIMIT. */
int dict_put(struct jdict *d, struct jv *key, struct jv *v)
{
    uint32_t h;
    if (!key || !v)
        return ERR_LIMIT;
    if (!jv_hash(key, &h))
        return ERR_TYPE;
    struct jdict_entry *e = find_hashed(d, key, h);
    if (e) {
        e->v = v;
        return 0;
    }
    if (d->n == d->cap && dict_grow(d) < 0)
        return ERR_LIMIT;
    d->e[d->n] = (struct jdict_entry){key, v, h};
    if (d->slots)
        slot_add(d, d->n);
    d->n++;
    d->live++;
    return 0;
}

struct jv *dict_del(struct jdict *d, const struct jv *key)
{
    struct jdict_entry *e = dict_find(d, key);
    if (!e)
        return NULL;
    struct jv *v = e->v;
    e->k = NULL;
    e->v = NULL;
    d->live--;
    return v;
}

void dict_clear(struct jdict *d)
{
    d->n = d->live = d->cap = 0;
    d->e = NULL;
    d->slots = NULL;
}

int jv_setv(struct jv *dict, struct jv *key, struct jv *v)
{
    return dict ? dict_put(dict->u.map, key, v) : ERR_LIMIT;
}

int jv_set(struct jv *dict, const char *key, struct jv *v)
{
    if (!dict)
        return ERR_LIMIT;
    struct jv *k = jv_strz(dict->u.map->a, key);
    if (k)
        jv_hash(k, &k->hash);
    return dict_put(dict->u.map, k, v);
}

/* ── reading ── */
enum jv_type jv_type(const struct jv *v)
{
    return (enum jv_type)v->type;
}

bool jv_truth(const struct jv *v)
{
    switch ((enum jv_type)v->type) {
    case JV_UNDEFINED:
    case JV_NONE:
        return false;
    case JV_BOOL:
        return v->u.b;
    case JV_INT:
        return v->u.i != 0;
    case JV_FLOAT:
        return v->u.d != 0;
    case JV_STR:
        return v->u.s.n > 0;
    case JV_LIST:
    case JV_TUPLE:
        return v->u.seq.n > 0 || v->kind == LIST_GENERATOR;
    case JV_DICT:
    case JV_SET:
        return v->u.map->live > 0;
    case JV_FUNC:
        return true;
    case JV_OBJECT:
        return v->u.obj.cls->truth ? v->u.obj.cls->truth(v->u.obj.self) : true;
    }
    return false;
}

int64_t jv_as_int(const struct jv *v)
{
    switch ((enum jv_type)v->type) {
    case JV_BOOL:
        return v->u.b;
    case JV_INT:
        return v->u.i;
    case JV_FLOAT:
        return v->u.d >= -9.2e18 && v->u.d <= 9.2e18 ? (int64_t)v->u.d : 0;
    case JV_STR: {
        int64_t i = 0;
        return str_to_i64((struct str){v->u.s.p, v->u.s.n}, &i) ? i : 0;
    }
    case JV_UNDEFINED:
    case JV_NONE:
    case JV_LIST:
    case JV_TUPLE:
    case JV_DICT:
    case JV_SET:
    case JV_FUNC:
    case JV_OBJECT:
        break;
    }
    return 0;
}

double jv_as_float(const struct jv *v)
{
    if (v->type == JV_FLOAT)
        return v->u.d;
    if (v->type == JV_STR) {
        double d = 0;
        return str_to_double((struct str){v->u.s.p, v->u.s.n}, &d) ? d : 0;
    }
    return (double)jv_as_int(v);
}

struct str jv_as_str(const struct jv *v)
{
    if (v->type != JV_STR)
        v = &empty_str;
    return (struct str){v->u.s.p, v->u.s.n};
}

size_t jv_len(const struct jv *v)
{
    switch ((enum jv_type)v->type) {
    case JV_STR:
        return u8_len(v->u.s.p, v->u.s.n);
    case JV_LIST:
    case JV_TUPLE:
        return v->u.seq.n;
    case JV_DICT:
    case JV_SET:
        return v->u.map->live;
    case JV_UNDEFINED:
    case JV_NONE:
    case JV_BOOL:
    case JV_INT:
    case JV_FLOAT:
    case JV_FUNC:
    case JV_OBJECT:
        break;
    }
    return 0;
}

struct jv *jv_at(const struct jv *v, size_t i)
{
    if (v->type == JV_LIST || v->type == JV_TUPLE)
        return i < v->u.seq.n ? v->u.seq.v[i] : NULL;
    struct jv *k, *x;
    return v->type == JV_SET && jv_pair(v, i, &k, &x) ? k : NULL;
}

struct jv *jv_get(const struct jv *dict, const char *key)
{
    if (!dict || dict->type != JV_DICT)
        return NULL;
    struct jv k = {.type = JV_STR, .u.s = {key, strlen(key)}};
    return dict_get(dict, &k);
}

bool jv_pair(const struct jv *dict, size_t i, struct jv **key, struct jv **value)
{
    const struct jdict *d = dict->u.map;
    if (i >= d->live)
        return false;
    if (d->live == d->n) {
        *key = d->e[i].k;
        *value = d->e[i].v;
        return true;
    }
    for (uint32_t j = 0; j < d->n; j++)
        if (d->e[j].k && i-- == 0) {
            *key = d->e[j].k;
            *value = d->e[j].v;
            return true;
        }
    return false;
}

const struct jinja_class *jv_class(const struct jv *v)
{
    return v->type == JV_OBJECT ? v->u.obj.cls : NULL;
}

void *jv_self(const struct jv *v)
{
    return v->type == JV_OBJECT ? v->u.obj.self : NULL;
}

const char *type_name(const struct jv *v)
{
    switch ((enum jv_type)v->type) {
    case JV_UNDEFINED:
        return "Undefined";
    case JV_NONE:
        return "NoneType";
    case JV_BOOL:
        return "bool";
    case JV_INT:
        return "int";
    case JV_FLOAT:
        return "float";
    case JV_STR:
        return "str";
    case JV_LIST:
        return "list";
    case JV_TUPLE:
        return "tuple";
    case JV_DICT:
        return "dict";
    case JV_SET:
        return "set";
    case JV_FUNC:
        return v->kind == FN_MACRO    ? "Macro"
               : v->kind == FN_METHOD ? "builtin_function_or_method"
                                      : "function";
    case JV_OBJECT:
        return v->u.obj.cls->name;
    }
    return "object";
}

/* ── iteration ── */
bool jv_is_iterable(const struct jv *v)
{
    switch ((enum jv_type)v->type) {
    case JV_UNDEFINED:
    case JV_STR:
    case JV_LIST:
    case JV_TUPLE:
    case JV_DICT:
    case JV_SET:
        return true;
    case JV_OBJECT:
        return v->u.obj.cls->iter != NULL;
    case JV_NONE:
    case JV_BOOL:
    case JV_INT:
    case JV_FLOAT:
    case JV_FUNC:
        break;
    }
    return false;
}

static struct jv *chars_of(struct jinja_call *c, const struct jv *v)
{
    struct jv *l = jv_list(c->mem);
    const char *p = v->u.s.p, *end = p + v->u.s.n;
    while (p < end) {
        const char *start = p;
        u8_next(&p, end);
        if (jv_append(l, jv_str(c->mem, start, (size_t)(p - start))) < 0)
            return NULL;
    }
    return l;
}

struct jv *to_list(struct jinja_call *c, struct jv *v)
{
    switch ((enum jv_type)v->type) {
    case JV_LIST:
    case JV_TUPLE:
        return v;
    case JV_STR:
        return chars_of(c, v);
    case JV_DICT:
    case JV_SET: {
        struct jv *l = jv_list(c->mem);
        for (uint32_t i = 0; l && i < v->u.map->n; i++)
            if (v->u.map->e[i].k && jv_append(l, v->u.map->e[i].k) < 0)
                return NULL;
        return l;
    }
    case JV_UNDEFINED:
        if (c->env->undef == UNDEF_STRICT)
            return fail_undefined(c, v);
        return jv_list(c->mem);
    case JV_OBJECT:
        if (v->u.obj.cls->iter)
            return v->u.obj.cls->iter(c, v->u.obj.self);
        break;
    case JV_NONE:
    case JV_BOOL:
    case JV_INT:
    case JV_FLOAT:
    case JV_FUNC:
        break;
    }
    return jinja_fail(c, "'%s' object is not iterable", type_name(v));
}

struct jv *list_copy(struct jinja_call *c, struct jv *v)
{
    struct jv *src = to_list(c, v);
    if (!src)
        return NULL;
    struct jv *l = jv_list(c->mem);
    if (!l || (src->u.seq.n && list_reserve(l, src->u.seq.n) < 0))
        return NULL;
    if (src->u.seq.n)
        memcpy(l->u.seq.v, src->u.seq.v, src->u.seq.n * sizeof *l->u.seq.v);
    l->u.seq.n = src->u.seq.n;
    return l;
}
