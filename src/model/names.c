/* dbt's names: fqn from the path, and the identity of generic tests, byte for byte as
 * dbt-core makes them (core/dbt/parser/generic_test_builders.py, schemas.py), because
 * stored results and selections refer to tests by these. */
#include "model/internal.h"

#include <ctype.h>
#include <stdlib.h>
#include "base/hash.h"

/* package, folders of rel, last (NULL: the file's name without its ending). */
void names_fqn(struct project *p, struct item *it, const char *rel, const char *last)
{
    char *copy = arena_strdup(&p->mem, rel), *at = copy, *slash;
    it->fqn.n = 0;
    vec_push(&it->fqn, it->package->name);
    while ((slash = strchr(at, '/'))) {
        *slash = '\0';
        vec_push(&it->fqn, at);
        at = slash + 1;
    }
    char *dot = strrchr(at, '.');
    if (dot)
        *dot = '\0';
    vec_push(&it->fqn, last ? last : at);
}

static int compare_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* str(value) as Python prints it. */
static void add_value(struct project *p, struct buf *out, json_t *v)
{
    jv_to_text(jv_from_json(&p->mem, v), out);
}

static void add_clean(struct project *p, struct buf *out, json_t *v)
{
    struct buf text;
    bool was_other = false;
    buf_init(&text, 1u << 20);
    add_value(p, &text, v);
    if (out->len)
        buf_adds(out, "__");
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        bool is_other = !(c < 0x80 && (isalnum(c) || c == '_'));
        if (!is_other)
            buf_addc(out, (char)c);
        else if (!was_other)
            buf_addc(out, '_');
        was_other = is_other;
    }
    buf_release(&text);
}

static void add_argument(struct project *p, struct buf *out, json_t *v)
{
    size_t i;
    json_t *one;
    const char *key;
    if (json_is_array(v))
        json_array_foreach (v, i, one)
            add_clean(p, out, one);
    else if (json_is_object(v))
        json_object_foreach (v, key, one)
            add_clean(p, out, one);
    else
        add_clean(p, out, v);
}

static const char **sorted_keys(struct project *p, json_t *obj, size_t *n)
{
    const char **keys =
        arena_alloc(&p->mem, (json_object_size(obj) + 1) * sizeof *keys);
    const char *key;
    json_t *v;
    *n = 0;
    json_object_foreach (obj, key, v)
        keys[(*n)++] = key;
    qsort(keys, *n, sizeof *keys, compare_text);
    return keys;
}

void names_test(struct project *p, struct item *test, const char *prefix,
                const char *target, const json_t *args, const char **short_name,
                const char **full_name)
{
    json_t *all = json_copy((json_t *)(uintptr_t)args);
    struct buf flat;
    size_t n;
    char hex[33];
    (void)test;
    buf_init(&flat, 1u << 20);
    const char **keys = sorted_keys(p, all, &n);
    for (size_t i = 0; i < n; i++)
        if (!streq(keys[i], "model"))
            add_argument(p, &flat, json_object_get(all, keys[i]));
    char *identifier = arena_printf(&p->mem, "%s_%s", prefix, target);
    char *full = arena_printf(&p->mem, "%s_%s", identifier, buf_str(&flat));
    *full_name = full;
    *short_name = full;
    if (strlen(full) >= 64)
        *short_name = arena_printf(&p->mem, "%.30s_%s", identifier,
                                   hash_md5_hex(full, strlen(full), hex));
    json_decref(all);
    buf_release(&flat);
}

/* Every scalar as text, dict keys sorted: dbt's get_hashable_md. */
static struct jv *hashable(struct project *p, json_t *v)
{
    struct arena *a = &p->mem;
    size_t i, n;
    json_t *one;
    if (json_is_object(v)) {
        struct jv *d = jv_dict(a);
        const char **keys = sorted_keys(p, v, &n);
        for (i = 0; i < n; i++)
            jv_set(d, keys[i], hashable(p, json_object_get(v, keys[i])));
        return d;
    }
    if (json_is_array(v)) {
        struct jv *l = jv_list(a);
        json_array_foreach (v, i, one)
            jv_append(l, hashable(p, one));
        return l;
    }
    struct buf text;
    buf_init(&text, 1u << 20);
    add_value(p, &text, v);
    struct jv *s = jv_str(a, buf_str(&text), text.len);
    buf_release(&text);
    return s;
}

const char *names_test_hash(struct project *p, const char *name,
                            const struct item *test)
{
    json_t *md = json_object();
    struct buf text;
    char hex[33];
    json_put_str(md, "namespace", test->test_namespace);
    json_put_str(md, "name", test->test_name);
    json_put(md, "kwargs", json_incref(test->test_kwargs));
    buf_init(&text, 1u << 20);
    buf_adds(&text, name);
    jv_to_repr(hashable(p, md), &text);
    json_decref(md);
    hash_md5_hex(buf_str(&text), text.len, hex);
    buf_release(&text);
    return arena_strdup(&p->mem, hex + 22);
}
