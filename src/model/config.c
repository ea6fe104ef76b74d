/* Configuration of a node: built-in defaults < dbt_project.yml, deepest folder last <
 * properties < config() in the file; for a node of an installed package the root's
 * dbt_project.yml once more, above all (dbt.md 1.2). Merge rules per key are dbt's:
 * most replace, tags and hooks append, meta and the like update. */
#include "model/internal.h"

#include <strings.h>
#include "base/hash.h"

bool config_flag(const json_t *config, const char *key, bool fallback)
{
    const json_t *v = json_object_get(config, key);
    if (json_is_boolean(v))
        return json_is_true(v);
    if (json_is_string(v))
        return strcasecmp(json_string_value(v), "true") == 0;
    return fallback;
}

static bool is_one_of(const char *key, const char *const *names)
{
    for (; *names; names++)
        if (streq(key, *names))
            return true;
    return false;
}

static void append_values(json_t *into, const char *key, json_t *v)
{
    json_t *list = json_object_get(into, key);
    size_t i;
    json_t *one;
    if (!json_is_array(list)) {
        list = json_array();
        json_object_set_new(into, key, list);
    }
    if (json_is_array(v))
        json_array_foreach (v, i, one)
            json_array_append(list, one);
    else if (!json_is_null(v))
        json_array_append(list, v);
}

/* grants: {select: x} is a list; "+select" adds to what less special configs say, and
 * waits with its sign where they are not known yet (grants_settle). */
static void merge_grant(json_t *all, const char *key, json_t *v)
{
    bool is_more = key[0] == '+';
    json_t *list = json_is_array(v) ? json_copy(v) : json_pack("[O]", v);
    json_t *plain = json_object_get(all, key + is_more);
    json_t *old = is_more && !plain ? json_object_get(all, key)
                  : is_more         ? plain
                                    : NULL;
    if (old) {
        json_t *both = json_copy(old);
        json_array_extend(both, list);
        json_decref(list);
        list = both;
    }
    json_object_set_new(all, plain ? key + is_more : key, list);
}

static void merge_grants(json_t *into, json_t *v)
{
    json_t *old = json_object_get(into, "grants"), *one;
    json_t *all = json_is_object(old) ? json_copy(old) : json_object();
    const char *key;
    json_object_foreach (v, key, one)
        merge_grant(all, key, one);
    json_object_set_new(into, "grants", all);
}

static void grants_settle(json_t *config)
{
    json_t *grants = json_object_get(config, "grants"), *out = json_object(), *one;
    const char *key;
    json_object_foreach (grants, key, one)
        json_object_set(out, key + (key[0] == '+'), one);
    if (json_object_size(grants))
        json_object_set(config, "grants", out);
    json_decref(out);
}

void config_merge(json_t *into, const char *key, json_t *v)
{
    static const char *const appended[] = {"tags", "pre-hook", "post-hook", "packages",
                                           NULL};
    static const char *const updated[] = {
        "meta", "quoting", "column_types", "docs", "contract", "vars", NULL};
    if (streq(key, "pre_hook"))
        key = "pre-hook";
    if (streq(key, "post_hook"))
        key = "post-hook";
    json_t *old = json_object_get(into, key);
    if (streq(key, "grants") && json_is_object(v)) {
        merge_grants(into, v);
    } else if (is_one_of(key, appended)) {
        append_values(into, key, v);
    } else if (is_one_of(key, updated) && json_is_object(v) && json_is_object(old)) {
        json_t *copy = json_copy(old);
        json_object_update(copy, v);
        json_object_set_new(into, key, copy);
    } else {
        json_object_set_new(into, key, json_deep_copy(v));
    }
}

void config_update(json_t *into, json_t *from)
{
    const char *key;
    json_t *v;
    json_object_foreach (from, key, v)
        config_merge(into, key, v);
}

typedef void set_fn(json_t *into, const char *key, json_t *v);

/* The keys of one level of dbt_project.yml: "+key", or "key" when no folder. */
static void each_of_level(json_t *into, json_t *level, set_fn *set)
{
    const char *key;
    json_t *v;
    json_object_foreach (level, key, v) {
        if (key[0] == '+')
            set(into, key + 1 + strspn(key + 1, " "), v);
        else if (!json_is_object(v))
            set(into, key, v);
    }
}

static void level_config(json_t *into, json_t *level)
{
    each_of_level(into, level, config_merge);
}

static json_t *section_of(const struct package *pk, enum node_type t)
{
    switch (t) {
    case NODE_SEED:
        return json_obj(pk->conf, "seeds");
    case NODE_SNAPSHOT:
        return json_obj(pk->conf, "snapshots");
    case NODE_SOURCE:
        return json_obj(pk->conf, "sources");
    case NODE_UNIT_TEST:
        return json_obj(pk->conf, "unit_tests");
    case NODE_TEST: {
        json_t *v = json_obj(pk->conf, "data_tests");
        return v ? v : json_obj(pk->conf, "tests");
    }
    case NODE_MODEL:
    case NODE_ANALYSIS:
    case NODE_OPERATION:
        return json_obj(pk->conf, "models");
    case NODE_EXPOSURE:
    case NODE_MACRO:
        break;
    }
    return NULL;
}

static void project_config(json_t *into, const struct package *pk,
                           const struct item *it)
{
    json_t *level = section_of(pk, it->pub.type);
    level_config(into, level);
    for (size_t i = 0; level && i < it->fqn.n; i++) {
        level = json_obj(level, it->fqn.v[i]);
        level_config(into, level);
    }
}

static const char *default_materialized(enum node_type t)
{
    switch (t) {
    case NODE_SEED:
        return "seed";
    case NODE_SNAPSHOT:
        return "snapshot";
    case NODE_TEST:
        return "test";
    case NODE_UNIT_TEST:
        return "unit";
    case NODE_SOURCE:
    case NODE_EXPOSURE:
    case NODE_MACRO:
        return NULL;
    case NODE_MODEL:
    case NODE_ANALYSIS:
    case NODE_OPERATION:
        break;
    }
    return "view";
}

static json_t *defaults(const struct item *it)
{
    json_t *c = json_object();
    const char *materialized = default_materialized(it->pub.type);
    json_put_flag(c, "enabled", true);
    if (materialized)
        json_put_str(c, "materialized", materialized);
    json_put(c, "tags", json_array());
    json_put(c, "meta", json_object());
    if (it->pub.type == NODE_TEST) {
        json_put_str(c, "severity", "ERROR");
        json_put_str(c, "fail_calc", "count(*)");
        json_put_str(c, "warn_if", "!= 0");
        json_put_str(c, "error_if", "!= 0");
        json_put_str(c, "schema", "dbt_test__audit");
    } else if (it->pub.type != NODE_SOURCE && it->pub.type != NODE_EXPOSURE) {
        json_put(c, "pre-hook", json_array());
        json_put(c, "post-hook", json_array());
        json_put(c, "column_types", json_object());
    }
    return c;
}

/* Properties that are config though written beside it. */
static const char *const property_keys[] = {"enabled", "tags",   "meta", "docs",
                                            "group",   "access", NULL};

static void properties_config(json_t *into, const struct item *it)
{
    for (size_t i = 0; it->pub.type != NODE_TEST && property_keys[i]; i++) {
        json_t *v = json_object_get(it->meta_patch, property_keys[i]);
        if (v)
            config_merge(into, property_keys[i], v);
    }
    config_update(into, json_obj(it->meta_patch, "config"));
}

static void unique_tags(json_t *config)
{
    json_t *old = json_object_get(config, "tags"), *list = json_array(), *one, *other;
    size_t i, k;
    json_array_foreach (old, i, one) {
        bool is_there = false;
        json_array_foreach (list, k, other)
            is_there |= json_equal(one, other);
        if (!is_there)
            json_array_append(list, one);
    }
    json_object_set_new(config, "tags", list);
}

/* "sql" → {"sql", "transaction", "index"}, as dbt keeps hooks. */
static json_t *hook_list(json_t *list)
{
    json_t *out = json_array(), *one;
    size_t i;
    json_array_foreach (list, i, one) {
        if (json_is_string(one))
            json_array_append_new(out, json_pack("{s:O, s:b, s:n}", "sql", one,
                                                 "transaction", 1, "index"));
        else
            json_array_append_new(
                out, json_pack("{s:s, s:b, s:O?}", "sql", json_str(one, "sql", ""),
                               "transaction", json_flag(one, "transaction", true),
                               "index", json_object_get(one, "index")));
    }
    return out;
}

static bool has_template(json_t *v)
{
    const char *key;
    json_t *one;
    size_t i;
    if (json_is_string(v))
        return strstr(json_string_value(v), "{{") || strstr(json_string_value(v), "{%");
    if (json_is_array(v))
        json_array_foreach (v, i, one)
            if (has_template(one))
                return true;
    if (json_is_object(v))
        json_object_foreach (v, key, one)
            if (has_template(one))
                return true;
    return false;
}

/* The merged config; is_static: no template decides a value of it. */
static json_t *config_make(struct project *p, const struct item *it, bool *is_static)
{
    json_t *c = defaults(it);
    project_config(c, it->package, it);
    properties_config(c, it);
    config_update(c, it->inline_config);
    if (!it->package->is_root)
        project_config(c, p->root, it);
    unique_tags(c);
    grants_settle(c);
    /* values of YAML may be templates; hooks stay text until they run */
    json_t *pre = hook_list(json_object_get(c, "pre-hook"));
    json_t *post = hook_list(json_object_get(c, "post-hook"));
    json_object_del(c, "pre-hook");
    json_object_del(c, "post-hook");
    *is_static = !has_template(c);
    json_t *shown = *is_static ? json_incref(c) : render_yaml(p, c, it->pub.path);
    bool has_hooks = it->pub.type != NODE_SOURCE && it->pub.type != NODE_TEST &&
                     it->pub.type != NODE_EXPOSURE;
    if (has_hooks) {
        json_object_set(shown, "pre-hook", pre);
        json_object_set(shown, "post-hook", post);
    }
    json_decref(pre);
    json_decref(post);
    json_decref(c);
    return shown;
}

/* ── as written ── */

static void plain_set(json_t *into, const char *key, json_t *v)
{
    const char *name = streq(key, "pre_hook")    ? "pre-hook"
                       : streq(key, "post_hook") ? "post-hook"
                                                 : key;
    json_object_set(into, name, v);
}

static void plain_level(json_t *into, json_t *level)
{
    each_of_level(into, level, plain_set);
}

static void plain_project(json_t *into, const struct package *pk, const struct item *it)
{
    json_t *level = section_of(pk, it->pub.type);
    plain_level(into, level);
    for (size_t i = 0; level && i < it->fqn.n; i++) {
        level = json_obj(level, it->fqn.v[i]);
        plain_level(into, level);
    }
}

static json_t *unrendered(struct project *p, const struct item *it)
{
    json_t *c = json_object(), *own = json_obj(it->meta_patch, "config"), *v;
    const char *key;
    plain_project(c, it->package, it);
    for (size_t i = 0; it->pub.type != NODE_TEST && property_keys[i]; i++)
        if ((v = json_object_get(it->meta_patch, property_keys[i])))
            plain_set(c, property_keys[i], v);
    json_object_foreach (own, key, v) { /* of properties dbt keeps what they come to */
        json_t *shown = has_template(v) && !strstr(key, "hook")
                            ? render_yaml(p, v, it->pub.path)
                            : json_incref(v);
        plain_set(c, key, shown);
        json_decref(shown);
    }
    json_object_foreach (it->inline_config, key, v)
        plain_set(c, key, v);
    if (!it->package->is_root)
        plain_project(c, p->root, it);
    return c;
}

/* ── one value for all that are made of the same ── */

static void key_levels(struct buf *key, const struct package *pk, const struct item *it)
{
    const json_t *level = section_of(pk, it->pub.type);
    for (size_t i = 0; level; level = json_obj(level, it->fqn.v[i++])) {
        buf_add(key, &level, sizeof level);
        if (i == it->fqn.n)
            break;
    }
    buf_addc(key, '\n');
}

static void key_value(struct buf *key, const char *name, const json_t *v)
{
    buf_adds(key, name);
    if (v && json_dump_buf(v, JSON_COMPACT, key, NULL) < 0)
        key->failed = ERR_LIMIT; /* NaN and the like: no key */
    buf_addc(key, '\n');
}

/* All that config_make looks at. */
static void key_of(struct project *p, const struct item *it, struct buf *key)
{
    buf_reset(key);
    buf_addc(key, (char)('0' + it->pub.type));
    key_levels(key, it->package, it);
    if (!it->package->is_root)
        key_levels(key, p->root, it);
    for (size_t i = 0; it->pub.type != NODE_TEST && property_keys[i]; i++) {
        const json_t *v = json_object_get(it->meta_patch, property_keys[i]);
        if (v)
            key_value(key, property_keys[i], v);
    }
    const json_t *own = json_obj(it->meta_patch, "config");
    if (json_object_size(own))
        key_value(key, "config", own);
    if (json_object_size(it->inline_config))
        key_value(key, "inline", it->inline_config);
}

struct shared_config {
    json_t *v;
    uint64_t hash;    /* of its content, never 0 */
    json_t *written;  /* config_unrendered, once it was asked for */
    json_t *complete; /* config_complete */
};

static struct shared_config *shared_of(struct project *p, const struct item *it)
{
    key_of(p, it, &p->key);
    return p->key.failed ? NULL : map_getn(&p->configs, p->key.data, p->key.len);
}

static uint64_t content_hash(const json_t *v)
{
    struct buf b;
    buf_init(&b, 64u << 20);
    uint64_t h =
        json_dump_buf(v, JSON_COMPACT, &b, NULL) < 0 ? 0 : hash_64(b.data, b.len);
    buf_release(&b);
    return h;
}

/* Of a test: store_failures_as has the last word on store_failures. */
static void settle_stored(json_t *c)
{
    const char *as = json_str(c, "store_failures_as", NULL);
    if (as)
        json_put(c, "store_failures", json_boolean(!streq(as, "ephemeral")));
}

/* A new reference; *hash 0: a template decided it, it is this item's alone. */
static json_t *config_of(struct project *p, const struct item *it, uint64_t *hash)
{
    bool is_static;
    struct shared_config *s = shared_of(p, it);
    if (s) {
        *hash = s->hash;
        return json_incref(s->v);
    }
    json_t *c = config_make(p, it, &is_static);
    if (it->pub.type == NODE_TEST)
        settle_stored(c);
    *hash = is_static && !p->key.failed ? content_hash(c) : 0;
    if (*hash) {
        s = arena_alloc(&p->mem, sizeof *s);
        *s = (struct shared_config){.v = json_incref(c), .hash = *hash};
        map_putn(&p->configs, p->key.data, p->key.len, s);
    }
    return c;
}

/* Made once for all items with the same config; a new reference. */
static json_t *made_once(struct project *p, const struct item *it, json_t **kept,
                         config_fn *make)
{
    if (!kept)
        return make(p, it);
    if (!*kept)
        *kept = make(p, it);
    return json_incref(*kept);
}

json_t *config_unrendered(struct project *p, const struct item *it)
{
    struct shared_config *s = it->config_hash ? shared_of(p, it) : NULL;
    return made_once(p, it, s ? &s->written : NULL, unrendered);
}

json_t *config_complete(struct project *p, const struct item *it, config_fn *make)
{
    struct shared_config *s = it->config_hash ? shared_of(p, it) : NULL;
    return made_once(p, it, s ? &s->complete : NULL, make);
}

void config_free(struct project *p)
{
    for (struct map_entry *m = NULL; (m = map_next(&p->configs, m));) {
        struct shared_config *s = m->value;
        json_decref(s->v);
        json_decref(s->written);
        json_decref(s->complete);
    }
    map_release(&p->configs);
    buf_release(&p->key);
}

void config_apply(struct project *p, struct item *it)
{
    json_t *c = config_of(p, it, &it->config_hash), *one;
    size_t i;
    json_decref(it->pub.config);
    it->pub.config = c;
    it->pub.is_enabled = config_flag(c, "enabled", true);
    it->pub.materialized = json_str(c, "materialized", "");
    it->tags.n = 0;
    json_array_foreach (json_arr(c, "tags"), i, one)
        if (json_is_string(one))
            vec_push(&it->tags, json_string_value(one));
    json_array_foreach (it->column_tags, i, one)
        if (json_is_string(one))
            vec_push(&it->tags, json_string_value(one));
}
