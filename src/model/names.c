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

/* A list of keys, on the stack while it is short. */
struct keys {
    const char *few[16];
    const char **v;
    size_t n;
};

static void keys_sorted(struct keys *k, json_t *obj)
{
    const char *key;
    json_t *v;
    size_t n = json_object_size(obj);
    k->v = n <= 16 ? k->few : mem_alloc(n * sizeof *k->v);
    k->n = 0;
    json_object_foreach (obj, key, v)
        k->v[k->n++] = key;
    qsort(k->v, k->n, sizeof *k->v, compare_text);
}

static void keys_release(struct keys *k)
{
    if (k->v != k->few)
        mem_free(k->v);
}

/* str(value) as Python prints it. */
static void add_value(struct project *p, struct buf *out, json_t *v)
{
    struct arena own, *mem;
    if (json_is_string(v)) {
        buf_add(out, json_string_value(v), json_string_length(v));
        return;
    }
    mem = render_memory(p, &own);
    jv_to_text(jv_from_json(mem, v), out);
    render_forget(p, mem);
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

void names_test(struct project *p, struct item *test, const char *prefix,
                const char *target, json_t *args, const char **short_name,
                const char **full_name)
{
    struct buf flat;
    struct keys keys;
    char hex[33];
    (void)test;
    buf_init(&flat, 1u << 20);
    keys_sorted(&keys, args);
    for (size_t i = 0; i < keys.n; i++)
        if (!streq(keys.v[i], "model"))
            add_argument(p, &flat, json_object_get(args, keys.v[i]));
    keys_release(&keys);
    char *identifier = arena_join(&p->mem, prefix, "_", target, NULL);
    char *full = arena_join(&p->mem, identifier, "_", buf_str(&flat), NULL);
    *full_name = full;
    *short_name = full;
    if (strlen(full) >= 64)
        *short_name = arena_printf(&p->mem, "%.30s_%s", identifier,
                                   hash_md5_hex(full, strlen(full), hex));
    buf_release(&flat);
}

/* ── identity: repr() of dbt's get_hashable_md ── */

/* repr() of a text; most need no more than quotes. */
static void add_repr(struct project *p, struct buf *out, const char *s, size_t n)
{
    struct arena own, *mem;
    bool is_plain = true, has_single = false, has_double = false;
    for (size_t i = 0; is_plain && i < n; i++) {
        is_plain = s[i] >= 0x20 && s[i] < 0x7f && s[i] != '\\';
        has_single |= s[i] == '\'';
        has_double |= s[i] == '"';
    }
    if (is_plain && !(has_single && has_double)) {
        char quote = has_single ? '"' : '\'';
        buf_addc(out, quote);
        buf_add(out, s, n);
        buf_addc(out, quote);
        return;
    }
    mem = render_memory(p, &own);
    jv_to_repr(jv_str(mem, s, n), out);
    render_forget(p, mem);
}

/* Every scalar as text, dict keys sorted. */
static void add_hashable(struct project *p, struct buf *out, json_t *v)
{
    struct keys keys;
    struct buf text;
    json_t *one;
    size_t i;
    if (json_is_object(v)) {
        keys_sorted(&keys, v);
        buf_addc(out, '{');
        for (i = 0; i < keys.n; i++) {
            buf_adds(out, i ? ", " : "");
            add_repr(p, out, keys.v[i], strlen(keys.v[i]));
            buf_adds(out, ": ");
            add_hashable(p, out, json_object_get(v, keys.v[i]));
        }
        buf_addc(out, '}');
        keys_release(&keys);
    } else if (json_is_array(v)) {
        buf_addc(out, '[');
        json_array_foreach (v, i, one) {
            buf_adds(out, i ? ", " : "");
            add_hashable(p, out, one);
        }
        buf_addc(out, ']');
    } else {
        buf_init(&text, 1u << 20);
        add_value(p, &text, v);
        add_repr(p, out, buf_str(&text), text.len);
        buf_release(&text);
    }
}

static void add_named(struct project *p, struct buf *out, const char *before,
                      const char *value)
{
    const char *text = value ? value : "None";
    buf_adds(out, before);
    add_repr(p, out, text, strlen(text));
}

const char *names_test_hash(struct project *p, const char *name,
                            const struct item *test)
{
    struct buf text;
    char hex[33];
    buf_init(&text, 1u << 20);
    buf_adds(&text, name);
    buf_adds(&text, "{'kwargs': ");
    add_hashable(p, &text, test->test_kwargs);
    add_named(p, &text, ", 'name': ", test->test_name);
    add_named(p, &text, ", 'namespace': ", test->test_namespace);
    buf_addc(&text, '}');
    hash_md5_hex(buf_str(&text), text.len, hex);
    buf_release(&text);
    return arena_strdup(&p->mem, hex + 22);
}
