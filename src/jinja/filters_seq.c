/* Filters over sequences and mappings, and the sort they share. What is a generator in
 * Jinja2 is a list here, marked so that it is true even when empty, as a generator is.
 */
#include "jinja/internal.h"

#include <ctype.h>
#include <math.h>
#include <time.h>

#define FILTER(name)                                                                   \
    static struct jv *name(struct jinja_call *c, struct jv *self, struct jv **s,       \
                           const struct cargs *raw __attribute__((unused)))

static struct jv *generator(struct jv *list)
{
    if (list)
        list->kind = LIST_GENERATOR;
    return list;
}

static int64_t int_or(const struct jv *v, int64_t fallback)
{
    int64_t i;
    return v && jv_is_intlike(v, &i) ? i : fallback;
}

static struct jv *none_found(struct jinja_call *c, const char *text)
{
    struct jv *v = jv_undefined(c->mem, "");
    if (v)
        v->u.undef.text = text;
    return v;
}

static bool is_given(const struct jv *v)
{
    return v && v->type != JV_NONE;
}

/* ── attribute paths: "a.b.0" ── */
static struct jv *path_get(struct jinja_call *c, struct jv *item, const struct jv *path,
                           struct jv *fallback)
{
    if (!is_given(path))
        return item;
    if (path->type != JV_STR)
        return get_item(c, item, (struct jv *)(uintptr_t)path);
    const char *p = path->u.s.p, *end = p + path->u.s.n;
    for (;;) {
        const char *q = memchr(p, '.', (size_t)(end - p));
        struct str part = {p, (size_t)((q ? q : end) - p)};
        int64_t i;
        bool is_index = part.n && isdigit((unsigned char)*p) && str_to_i64(part, &i);
        struct jv *key = is_index ? jv_int(c->mem, i) : jv_str(c->mem, part.p, part.n);
        if (!key || !(item = get_item(c, item, key)))
            return NULL;
        if (is_undef(item) && fallback)
            item = fallback;
        if (!q)
            return item;
        p = q + 1;
    }
}

static struct jv *fold_case(struct jinja_call *c, struct jv *v, bool case_sensitive)
{
    if (case_sensitive || v->type != JV_STR)
        return v;
    return builtin_call(c, method_find(JV_STR, "lower"), v, &CARGS(NULL, 0));
}

/* ── sort ── */
struct sortable {
    struct jv *key, *item;
};
struct sorter {
    struct jinja_call *c;
    bool is_reverse, has_failed;
};

static bool goes_before(struct sorter *o, const struct sortable *a,
                        const struct sortable *b)
{
    int r = 0;
    if (o->has_failed)
        return false;
    if (is_undef(a->key) || is_undef(b->key)) {
        o->has_failed = true;
        fail_undefined(o->c, is_undef(a->key) ? a->key : b->key);
        return false;
    }
    if (jv_order(o->c, a->key, b->key, 0, &r) < 0) {
        o->has_failed = true;
        jinja_fail(o->c, "'<' not supported between instances of '%s' and '%s'",
                   type_name(a->key), type_name(b->key));
        return false;
    }
    return r != 2 && (o->is_reverse ? r > 0 : r < 0);
}

static void merge_sort(struct sorter *o, struct sortable *v, struct sortable *tmp,
                       size_t n)
{
    if (n < 2)
        return;
    size_t h = n / 2, i = 0, j = h, k = 0;
    merge_sort(o, v, tmp, h);
    merge_sort(o, v + h, tmp, n - h);
    while (i < h && j < n)
        tmp[k++] = goes_before(o, &v[j], &v[i]) ? v[j++] : v[i++];
    while (i < h)
        tmp[k++] = v[i++];
    memcpy(v, tmp, k * sizeof *v);
}

static bool sort_pairs(struct jinja_call *c, struct sortable *v, size_t n,
                       bool is_reverse)
{
    struct sorter o = {c, is_reverse, false};
    struct sortable *tmp = arena_alloc(c->mem, (n + 1) * sizeof *tmp);
    if (!tmp)
        return false;
    merge_sort(&o, v, tmp, n);
    return !o.has_failed;
}

bool sort_list(struct jinja_call *c, struct jv *list, struct jv *key, bool is_reverse)
{
    size_t n = list->u.seq.n;
    struct sortable *v = arena_alloc(c->mem, (n + 1) * sizeof *v);
    for (size_t i = 0; v && i < n; i++) {
        struct jv *x = list->u.seq.v[i];
        v[i] = (struct sortable){key ? call_value(c, key, &CARGS(&x, 1)) : x, x};
        if (!v[i].key)
            return false;
    }
    if (!v || !sort_pairs(c, v, n, is_reverse))
        return false;
    for (size_t i = 0; i < n && i < list->u.seq.n; i++)
        list->u.seq.v[i] = v[i].item;
    return true;
}

/* Sort key by "a,b.c": a list of the values; a single one stands for itself. */
static struct jv *multi_key(struct jinja_call *c, struct jv *item,
                            const struct jv *paths, bool case_sensitive)
{
    if (!is_given(paths) || paths->type != JV_STR ||
        !memchr(paths->u.s.p, ',', paths->u.s.n)) {
        struct jv *v = path_get(c, item, paths, NULL);
        return v ? fold_case(c, v, case_sensitive) : NULL;
    }
    struct jv *keys = jv_list(c->mem);
    const char *p = paths->u.s.p, *end = p + paths->u.s.n;
    while (keys && p <= end) {
        const char *q = memchr(p, ',', (size_t)(end - p));
        struct jv part = {.type = JV_STR, .u.s = {p, (size_t)((q ? q : end) - p)}};
        struct jv *v = path_get(c, item, &part, NULL);
        if (!v || jv_append(keys, fold_case(c, v, case_sensitive)) < 0)
            return NULL;
        p = q ? q + 1 : end + 1;
    }
    return keys;
}

/* A new list, sorted by path(s). */
static struct jv *sorted(struct jinja_call *c, struct jv *items, const struct jv *paths,
                         bool case_sensitive, bool is_reverse)
{
    struct jv *l = list_copy(c, items);
    size_t n = l ? l->u.seq.n : 0;
    struct sortable *v = l ? arena_alloc(c->mem, (n + 1) * sizeof *v) : NULL;
    if (!v)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        v[i].item = l->u.seq.v[i];
        if (!(v[i].key = multi_key(c, v[i].item, paths, case_sensitive)))
            return NULL;
    }
    if (!sort_pairs(c, v, n, is_reverse))
        return NULL;
    for (size_t i = 0; i < n; i++)
        l->u.seq.v[i] = v[i].item;
    return l;
}

FILTER(f_sort)
{
    return sorted(c, self, s[2], s[1] && jv_truth(s[1]), s[0] && jv_truth(s[0]));
}

FILTER(f_dictsort)
{
    bool by_value = s[1] && s[1]->type == JV_STR && str_is(jv_as_str(s[1]), "value");
    if (self->type != JV_DICT)
        return jinja_fail(c, "'%s object' has no attribute 'items'", type_name(self));
    if (s[1] && !by_value && !str_is(jv_as_str(s[1]), "key"))
        return jinja_fail(c, "You can only sort by either \"key\" or \"value\"");
    struct jv *l =
        builtin_call(c, method_find(JV_DICT, "items"), self, &CARGS(NULL, 0));
    struct jv *path = jv_int(c->mem, by_value);
    return l && path
               ? sorted(c, l, path, s[0] && jv_truth(s[0]), s[2] && jv_truth(s[2]))
               : NULL;
}

/* ── whole sequences ── */
FILTER(f_length)
{
    (void)s;
    if (self->type == JV_LIST && self->kind == LIST_GENERATOR)
        return jinja_fail(c, "object of type 'generator' has no len()");
    if (self->type == JV_OBJECT && self->u.obj.cls->iter) {
        struct jv *l = to_list(c, self);
        return l ? jv_int(c->mem, (int64_t)l->u.seq.n) : NULL;
    }
    if (is_undef(self) && c->env->undef == UNDEF_STRICT)
        return fail_undefined(c, self);
    if (!jv_is_iterable(self))
        return jinja_fail(c, "object of type '%s' has no len()", type_name(self));
    return jv_int(c->mem, (int64_t)jv_len(self));
}

FILTER(f_list)
{
    (void)s;
    return list_copy(c, self);
}

FILTER(f_first)
{
    (void)s;
    struct jv *l = to_list(c, self);
    if (!l)
        return NULL;
    return l->u.seq.n ? l->u.seq.v[0]
                      : none_found(c, "No first item, sequence was empty.");
}

FILTER(f_last)
{
    (void)s;
    struct jv *l = to_list(c, self);
    if (!l)
        return NULL;
    return l->u.seq.n ? l->u.seq.v[l->u.seq.n - 1]
                      : none_found(c, "No last item, sequence was empty.");
}

FILTER(f_random)
{
    (void)s;
    static uint64_t x;
    struct timespec t;
    struct jv *l = to_list(c, self);
    if (!l)
        return NULL;
    if (!l->u.seq.n)
        return none_found(c, "No random item, sequence was empty.");
    clock_gettime(CLOCK_MONOTONIC, &t);
    x = x * 6364136223846793005ULL + (uint64_t)t.tv_nsec + 1442695040888963407ULL;
    return l->u.seq.v[(x >> 33) % l->u.seq.n];
}

FILTER(f_reverse)
{
    (void)s;
    struct jv *l = list_copy(c, self);
    if (!l)
        return NULL;
    builtin_call(c, method_find(JV_LIST, "reverse"), l, &CARGS(NULL, 0));
    if (self->type != JV_STR)
        return generator(l);
    struct buf b;
    scratch_init(c, &b);
    for (size_t i = 0; i < l->u.seq.n; i++)
        buf_add(&b, l->u.seq.v[i]->u.s.p, l->u.seq.v[i]->u.s.n);
    return scratch_take(c, &b);
}

FILTER(f_join)
{
    struct jv *l = to_list(c, self), *sep = s[0] ? text_of(c, s[0]) : NULL;
    struct buf b;
    if (!l || (s[0] && !sep))
        return NULL;
    scratch_init(c, &b);
    for (size_t i = 0; i < l->u.seq.n; i++) {
        struct jv *v = path_get(c, l->u.seq.v[i], s[1], NULL);
        if (!v || (is_undef(v) && c->env->undef == UNDEF_STRICT)) {
            if (v)
                fail_undefined(c, v);
            buf_release(&b);
            return NULL;
        }
        if (i && sep)
            buf_add(&b, sep->u.s.p, sep->u.s.n);
        jv_to_text(v, &b);
    }
    return scratch_take(c, &b);
}

FILTER(f_sum)
{
    struct jv *l = to_list(c, self), *total = s[1] ? s[1] : jv_int(c->mem, 0);
    for (size_t i = 0; l && total && i < l->u.seq.n; i++) {
        struct jv *v = path_get(c, l->u.seq.v[i], s[0], NULL);
        total = v ? op_binary(c, OP_ADD, total, v) : NULL;
    }
    return l ? total : NULL;
}

static struct jv *extreme(struct jinja_call *c, struct jv *self, struct jv **s,
                          bool is_max)
{
    struct jv *l = to_list(c, self), *best = NULL, *best_key = NULL;
    struct sorter o = {c, is_max, false};
    for (size_t i = 0; l && i < l->u.seq.n; i++) {
        struct jv *k = path_get(c, l->u.seq.v[i], s[1], NULL);
        if (!k || !(k = fold_case(c, k, s[0] && jv_truth(s[0]))))
            return NULL;
        struct sortable a = {k, NULL}, b = {best_key, NULL};
        if (!best || goes_before(&o, &a, &b)) {
            best = l->u.seq.v[i];
            best_key = k;
        }
        if (o.has_failed)
            return NULL;
    }
    if (!l || best)
        return best;
    return none_found(c, "No aggregated item, sequence was empty.");
}

FILTER(f_max)
{
    return extreme(c, self, s, true);
}
FILTER(f_min)
{
    return extreme(c, self, s, false);
}

FILTER(f_unique)
{
    struct jv *l = to_list(c, self), *seen = jv_set_new(c->mem), *out = jv_list(c->mem);
    for (size_t i = 0; l && out && i < l->u.seq.n; i++) {
        struct jv *k = path_get(c, l->u.seq.v[i], s[1], NULL);
        uint32_t h;
        if (!k || !(k = fold_case(c, k, s[0] && jv_truth(s[0]))))
            return NULL;
        if (!jv_hash(k, &h))
            return jinja_fail(c, "unhashable type: '%s'", type_name(k));
        if (dict_find(seen->u.map, k))
            continue;
        if (jv_append(seen, k) < 0 || jv_append(out, l->u.seq.v[i]) < 0)
            return NULL;
    }
    return l ? generator(out) : NULL;
}

FILTER(f_batch)
{
    int64_t size = int_or(s[0], 0);
    struct jv *l = to_list(c, self), *out = jv_list(c->mem), *row = NULL;
    for (size_t i = 0; l && i < l->u.seq.n; i++) {
        if (!row || (int64_t)row->u.seq.n == size) {
            row = jv_list(c->mem);
            if (jv_append(out, row) < 0)
                return NULL;
        }
        if (jv_append(row, l->u.seq.v[i]) < 0)
            return NULL;
    }
    if (row && is_given(s[1]) && size < 1000000)
        while ((int64_t)row->u.seq.n < size)
            if (jv_append(row, s[1]) < 0)
                return NULL;
    return l ? generator(out) : NULL;
}

FILTER(f_slice)
{
    int64_t n = int_or(s[0], 0);
    struct jv *l = to_list(c, self), *out = jv_list(c->mem);
    if (!l || !out)
        return NULL;
    if (n <= 0 || n > 1000000)
        return jinja_fail(c, "slices must be positive");
    int64_t len = l->u.seq.n, per = len / n, extra = len % n, offset = 0;
    for (int64_t k = 0; k < n; k++) {
        int64_t from = offset + k * per;
        offset += k < extra;
        int64_t to = offset + (k + 1) * per;
        struct jv *row = jv_list(c->mem);
        for (int64_t i = from; i < to; i++)
            if (jv_append(row, l->u.seq.v[i]) < 0)
                return NULL;
        if (is_given(s[1]) && k >= extra && jv_append(row, s[1]) < 0)
            return NULL;
        if (jv_append(out, row) < 0)
            return NULL;
    }
    return generator(out);
}

FILTER(f_items)
{
    (void)s;
    if (is_undef(self))
        return jv_list(c->mem);
    if (self->type != JV_DICT)
        return jinja_fail(c, "Can only get item pairs from a mapping.");
    return generator(
        builtin_call(c, method_find(JV_DICT, "items"), self, &CARGS(NULL, 0)));
}

FILTER(f_attr)
{
    struct jv *name = text_of(c, s[0]);
    if (!name)
        return NULL;
    if (self->type == JV_DICT && !method_find(JV_DICT, name->u.s.p))
        return undefined_attr(c, self, name);
    return get_attr(c, self, name);
}

/* ── map, select, reject ── */
static struct jv *keyword(const struct cargs *a, const char *name)
{
    return jinja_arg(NULL, 0, a->kw_names, a->kw_values, a->n_kw, 1, name);
}

static struct cargs args_from(const struct cargs *a, size_t from)
{
    struct cargs r = *a;
    r.v += from;
    r.n -= from;
    return r;
}

static struct sym *named(struct jinja_call *c, struct jv *v, const char *what)
{
    if (v->type != JV_STR) {
        jinja_fail(c, "%s expects a name", what);
        return NULL;
    }
    return sym_of(c->env, v->u.s.p, v->u.s.n);
}

FILTER(f_map)
{
    struct jv *l = to_list(c, self), *out = jv_list(c->mem);
    struct jv *attribute = keyword(raw, "attribute"),
              *fallback = keyword(raw, "default");
    struct sym *filter = NULL;
    (void)s;
    if (!l || !out)
        return NULL;
    if (raw->n && !(filter = named(c, raw->v[0], "map")))
        return NULL;
    if (!filter && !attribute)
        return jinja_fail(c, "map requires a filter argument");
    struct cargs rest = raw->n ? args_from(raw, 1) : *raw;
    for (size_t i = 0; i < l->u.seq.n; i++) {
        struct jv *x = l->u.seq.v[i];
        if (!step(c))
            return NULL;
        x = filter ? call_filter(c, filter, x, &rest)
                   : path_get(c, x, attribute, fallback);
        if (!x || jv_append(out, x) < 0)
            return NULL;
    }
    return generator(out);
}

static struct jv *choose(struct jinja_call *c, struct jv *self, const struct cargs *raw,
                         bool by_attr, bool want)
{
    struct jv *l = to_list(c, self), *out = jv_list(c->mem);
    size_t off = by_attr ? 1 : 0;
    struct sym *test = NULL;
    if (!l || !out)
        return NULL;
    if (by_attr && !raw->n)
        return jinja_fail(c, "Missing parameter for attribute name");
    if (raw->n > off && !(test = named(c, raw->v[off], "select")))
        return NULL;
    struct cargs rest = raw->n > off ? args_from(raw, off + 1) : CARGS(NULL, 0);
    for (size_t i = 0; i < l->u.seq.n; i++) {
        struct jv *x = l->u.seq.v[i];
        struct jv *v = by_attr ? path_get(c, x, raw->v[0], NULL) : x;
        int r = !v || !step(c) ? -1 : test ? call_test(c, test, v, &rest) : truth(c, v);
        if (r < 0 || ((r != 0) == want && jv_append(out, x) < 0))
            return NULL;
    }
    return generator(out);
}

FILTER(f_select)
{
    (void)s;
    return choose(c, self, raw, false, true);
}
FILTER(f_reject)
{
    (void)s;
    return choose(c, self, raw, false, false);
}
FILTER(f_selectattr)
{
    (void)s;
    return choose(c, self, raw, true, true);
}
FILTER(f_rejectattr)
{
    (void)s;
    return choose(c, self, raw, true, false);
}

/* ── groupby: pairs that are also named ── */
static struct jv *group_new(struct jinja_call *c, struct jv *key, struct jv *items)
{
    struct jv *kv[2] = {key, items}, *pair = jv_tuple(c->mem, kv, 2);
    if (pair)
        pair->kind = TUPLE_GROUP;
    return pair;
}

FILTER(f_groupby)
{
    bool case_sensitive = s[2] && jv_truth(s[2]);
    struct jv *l = list_copy(c, self), *out = jv_list(c->mem), *last = NULL,
              *items = NULL;
    size_t n = l ? l->u.seq.n : 0;
    struct sortable *v = l ? arena_alloc(c->mem, (n + 1) * sizeof *v) : NULL;
    if (!v || !out)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        struct jv *k = path_get(c, l->u.seq.v[i], s[0], is_given(s[1]) ? s[1] : NULL);
        if (!k || !(k = fold_case(c, k, case_sensitive)))
            return NULL;
        v[i] = (struct sortable){k, l->u.seq.v[i]};
    }
    if (!sort_pairs(c, v, n, false))
        return NULL;
    for (size_t i = 0; i < n; i++) {
        if (!last || !jv_equal(c, last, v[i].key, 0)) {
            last = v[i].key;
            items = jv_list(c->mem);
            struct jv *k = path_get(c, v[i].item, s[0], is_given(s[1]) ? s[1] : NULL);
            if (!k || jv_append(out, group_new(c, k, items)) < 0)
                return NULL;
        }
        if (jv_append(items, v[i].item) < 0)
            return NULL;
    }
    return out;
}

/* ── pprint ── */
static void pretty(struct jv *v, struct buf *out, int indent, int room, int depth);

static struct jv *sorted_copy(struct jv *v, struct arena *a)
{
    struct jv *d = jv_dict(a), *k, *x;
    for (;;) {
        struct jv *low = NULL, *low_v = NULL;
        for (size_t i = 0; jv_pair(v, i, &k, &x); i++)
            if (d && !dict_find(d->u.map, k) &&
                (!low || (k->type == JV_STR && low->type == JV_STR &&
                          strcmp(k->u.s.p, low->u.s.p) < 0))) {
                low = k;
                low_v = x;
            }
        if (!low || jv_setv(d, low, low_v) < 0)
            return d;
    }
}

static void pretty_items(struct jv *v, struct buf *out, int indent, int room, int depth)
{
    bool is_dict = v->type == JV_DICT;
    size_t n = jv_len(v);
    buf_addc(out, is_dict ? '{' : v->type == JV_TUPLE ? '(' : '[');
    for (size_t i = 0; i < n; i++) {
        struct jv *k = NULL, *x = is_dict ? NULL : jv_at(v, i);
        int at = indent + 1;
        if (i)
            buf_addf(out, ",\n%*s", indent + 1, "");
        if (is_dict && jv_pair(v, i, &k, &x)) {
            size_t from = out->len;
            jv_to_repr(k, out);
            buf_adds(out, ": ");
            at += (int)(out->len - from);
        }
        if (x)
            pretty(x, out, at, i + 1 == n ? room + 1 : 1, depth + 1);
    }
    if (v->type == JV_TUPLE && n == 1)
        buf_addc(out, ',');
    buf_addc(out, is_dict ? '}' : v->type == JV_TUPLE ? ')' : ']');
}

static void pretty(struct jv *v, struct buf *out, int indent, int room, int depth)
{
    struct buf flat;
    struct arena a;
    arena_init(&a, 0);
    struct jv *sorted_v =
        v->type == JV_DICT && jv_len(v) < 2000 ? sorted_copy(v, &a) : v;
    buf_init(&flat, out->max);
    jv_to_repr(sorted_v, &flat);
    bool is_box = v->type == JV_DICT || v->type == JV_LIST || v->type == JV_TUPLE;
    if (!is_box || depth > 50 || !jv_len(v) || (int)flat.len <= 80 - indent - room)
        buf_add(out, buf_str(&flat), flat.len);
    else
        pretty_items(sorted_v, out, indent, room, depth);
    buf_release(&flat);
    arena_release(&a);
}

FILTER(f_pprint)
{
    struct buf b;
    (void)s;
    scratch_init(c, &b);
    pretty(self, &b, 0, 0, 0);
    return scratch_take(c, &b);
}

/* dict.update(mapping or pairs, **more), shared with dict(). */
bool dict_update(struct jinja_call *c, struct jv *dict, const struct cargs *a)
{
    if (a->n > 1)
        return jinja_fail(c, "update expected at most 1 argument, got %zu", a->n) !=
               NULL;
    struct jv *k, *v;
    if (a->n && a->v[0]->type == JV_DICT) {
        for (size_t i = 0; jv_pair(a->v[0], i, &k, &v); i++)
            if (jv_setv(dict, k, v) < 0)
                return false;
    } else if (a->n) {
        struct jv *l = to_list(c, a->v[0]);
        for (size_t i = 0; l && i < l->u.seq.n; i++) {
            struct jv *kv = to_list(c, l->u.seq.v[i]);
            if (!kv)
                return false;
            if (kv->u.seq.n != 2)
                return jinja_fail(
                           c,
                           "dictionary update sequence element #%zu has length %u; 2 "
                           "is required",
                           i, kv->u.seq.n) != NULL;
            int rc = jv_setv(dict, kv->u.seq.v[0], kv->u.seq.v[1]);
            if (rc == ERR_TYPE)
                return jinja_fail(c, "unhashable type: '%s'",
                                  type_name(kv->u.seq.v[0])) != NULL;
            if (rc < 0)
                return false;
        }
        if (!l)
            return false;
    }
    for (size_t i = 0; i < a->n_kw; i++)
        if (jv_set(dict, a->kw_names[i], a->kw_values[i]) < 0)
            return false;
    return true;
}

const struct builtin seq_filters[] = {
    {"length", f_length, "", 0},
    {"count", f_length, "", 0},
    {"list", f_list, "", 0},
    {"first", f_first, "", 0},
    {"last", f_last, "", 0},
    {"random", f_random, "", 0},
    {"reverse", f_reverse, "", 0},
    {"join", f_join, "d attribute", 0},
    {"sum", f_sum, "attribute start", 0},
    {"max", f_max, "case_sensitive attribute", 0},
    {"min", f_min, "case_sensitive attribute", 0},
    {"unique", f_unique, "case_sensitive attribute", 0},
    {"sort", f_sort, "reverse case_sensitive attribute", 0},
    {"dictsort", f_dictsort, "case_sensitive by reverse", 0},
    {"batch", f_batch, "linecount fill_with", 1},
    {"slice", f_slice, "slices fill_with", 1},
    {"items", f_items, "", 0},
    {"attr", f_attr, "name", 1},
    {"map", f_map, "*", 0},
    {"select", f_select, "*", 0},
    {"reject", f_reject, "*", 0},
    {"selectattr", f_selectattr, "*", 0},
    {"rejectattr", f_rejectattr, "*", 0},
    {"groupby", f_groupby, "attribute default case_sensitive", 1},
    {"pprint", f_pprint, "", 0},
    {NULL, NULL, NULL, 0},
};
