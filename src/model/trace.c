/* What rendering a node's template showed while parsing: refs, sources, config() calls,
 * the nodes and macros it depends on. Kept in the parse cache and given to the item
 * next time, if the rendering would see the same: the same text, config, relation name
 * and macros, variables and target (the cache's salt), the same relations behind its
 * refs. What looked at anything else (graph, flags, the clock, its own model) is
 * rendered each time. Called by parse.c and properties.c. */
#include "model/cache.h"

#include <stdlib.h>

/* What others see of a relation while they are rendered. */
static uint64_t identity(const struct item *it)
{
    const char *const texts[] = {it->pub.schema, it->pub.alias, it->pub.materialized};
    uint64_t h = it->pub.is_enabled;
    for (size_t i = 0; i < 3; i++)
        h = h * 1099511628211u ^ (texts[i] ? hash_64(texts[i], strlen(texts[i])) : 1);
    return h;
}

static struct hash128 key_of(struct project *p, const struct item *it)
{
    struct buf *b = &p->key;
    buf_reset(b);
    pack_text(b, it->raw, it->raw_len);
    pack_text(b, it->pub.path, strlen(it->pub.path));
    pack_text(b, it->package->name, strlen(it->package->name));
    pack_text(b, it->pub.schema, it->pub.schema ? strlen(it->pub.schema) : 0);
    pack_text(b, it->pub.alias, it->pub.alias ? strlen(it->pub.alias) : 0);
    if (it->config_hash)
        pack_number(b, it->config_hash);
    else
        pack_json(b, it->pub.config);
    if (it->test_kwargs)
        pack_json(b, it->test_kwargs);
    return hash_128(b->data, b->len);
}

static const struct cached_node *usable(struct project *p, const struct item *it)
{
    struct cache *c = p->cache;
    if (!c || c->salt != c->old_salt)
        return NULL;
    struct cached_node *n = cache_node(c, it->pub.unique_id);
    if (!n || !n->trace)
        return NULL;
    struct hash128 key = key_of(p, it);
    return key.lo == n->key.lo && key.hi == n->key.hi ? n : NULL;
}

/* The nodes depended on; false: one is gone or another relation now. */
static bool take_deps(struct project *p, struct item *it, struct unpack *u)
{
    size_t len;
    for (uint64_t n = unpack_number(u); n && !u->is_bad; n--) {
        const char *id = unpack_text(u, &len);
        uint64_t was = unpack_number(u);
        const struct item *to = id ? map_get(&p->by_id, id) : NULL;
        if (!to || identity(to) != was)
            return false;
        vec_push(&it->deps, to->pub.unique_id);
    }
    for (uint64_t n = unpack_number(u); n && !u->is_bad; n--) {
        const char *id = unpack_text(u, &len);
        if (id)
            vec_push(&it->macro_deps, id);
    }
    return !u->is_bad;
}

static void take_value(json_t **into, struct unpack *u)
{
    if (u->at < u->end && *u->at == '-') { /* none: what items share */
        u->at++;
        return;
    }
    json_t *v = unpack_json(u);
    if (v) {
        json_decref(*into);
        *into = v;
    }
}

void item_unpack(struct item *it)
{
    struct unpack u = {it->packed, it->packed + it->n_packed, false};
    if (!it->packed)
        return;
    it->packed = NULL;
    take_value(&it->refs, &u);
    take_value(&it->sources, &u);
}

bool trace_replay(struct project *p, struct item *it)
{
    const struct cached_node *n = usable(p, it);
    if (!n)
        return false;
    struct unpack u = {n->trace, n->trace + n->n_trace, false};
    size_t n_deps = it->deps.n, n_macros = it->macro_deps.n;
    if (!take_deps(p, it, &u)) {
        it->deps.n = n_deps;
        it->macro_deps.n = n_macros;
        return false;
    }
    take_value(&it->inline_config, &u);
    it->packed = u.at; /* few ask for the rest */
    it->n_packed = (size_t)(u.end - u.at);
    cache_node(p->cache, it->pub.unique_id)->is_fresh = true;
    it->is_same = true;
    return true;
}

static void add_value(struct project *p, struct buf *b, const json_t *v)
{
    pack_json(b, v == p->no_config || v == p->no_list ? NULL : v);
}

/* False: it depends on what nobody knows. */
static bool add_deps(struct project *p, const struct item *it, struct buf *b)
{
    pack_number(b, it->deps.n);
    for (size_t i = 0; i < it->deps.n; i++) {
        const struct item *to = map_get(&p->by_id, it->deps.v[i]);
        if (!to)
            return false;
        pack_text(b, to->pub.unique_id, strlen(to->pub.unique_id));
        pack_number(b, identity(to));
    }
    pack_number(b, it->macro_deps.n);
    for (size_t i = 0; i < it->macro_deps.n; i++)
        pack_text(b, it->macro_deps.v[i], strlen(it->macro_deps.v[i]));
    return true;
}

void trace_keep(struct project *p, const struct item *it)
{
    struct cache *c = p->cache;
    struct buf b;
    if (!c)
        return;
    c->is_dirty = true;
    buf_init(&b, 1u << 20);
    bool is_known = add_deps(p, it, &b);
    add_value(p, &b, it->inline_config);
    add_value(p, &b, it->refs);
    add_value(p, &b, it->sources);
    struct cached_node *n = cache_add_node(c, it->pub.unique_id);
    *n = (struct cached_node){
        .id = it->pub.unique_id, .is_used = true, .is_fresh = true};
    if (is_known && !b.failed) {
        n->key = key_of(p, it);
        n->trace = arena_strndup(&c->mem, b.data, b.len);
        n->n_trace = b.len;
    }
    buf_release(&b);
}
