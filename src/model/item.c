/* Items: nodes with all the engine knows of them. Made while files are read, filed
 * under their unique id and name, broken when their file cannot be parsed; freed with
 * the project. */
#include "model/internal.h"

#include "base/hash.h"
#include "model/place.h"
#include "model/unit.h"

const char *node_type_name(enum node_type t)
{
    switch (t) {
    case NODE_MODEL:
        return "model";
    case NODE_SEED:
        return "seed";
    case NODE_SNAPSHOT:
        return "snapshot";
    case NODE_TEST:
        return "test";
    case NODE_UNIT_TEST:
        return "unit_test";
    case NODE_ANALYSIS:
        return "analysis";
    case NODE_OPERATION:
        return "operation";
    case NODE_SOURCE:
        return "source";
    case NODE_EXPOSURE:
        return "exposure";
    case NODE_MACRO:
        break;
    }
    return "macro";
}

void project_warn(struct project *p, const char *fmt, ...)
{
    char text[ERR_TEXT_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    vec_push(&p->warnings, arena_strdup(&p->mem, text));
}

void project_fault(struct project *p, const char *fmt, ...)
{
    char text[ERR_TEXT_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    vec_push(&p->faults, p->warnings.n);
    project_warn(p, "%s", text);
}

struct item *item_new(struct project *p, struct package *pk, enum node_type type)
{
    struct item *it = arena_alloc(&p->mem, sizeof *it);
    it->pub.type = type;
    it->pub.package = pk->name;
    it->pub.is_enabled = true;
    it->pub.config = json_incref(p->no_config);
    it->package = pk;
    it->inline_config = json_incref(p->no_config);
    it->refs = json_incref(p->no_list);
    it->sources = json_incref(p->no_list);
    return it;
}

json_t *item_own(struct project *p, json_t **shared)
{
    if (*shared == p->no_config || *shared == p->no_list) {
        json_decref(*shared);
        *shared = json_is_array(*shared) ? json_array() : json_object();
    }
    return *shared;
}

void item_free(struct item *it)
{
    json_decref(it->pub.config);
    json_decref(it->inline_config);
    json_decref(it->refs);
    json_decref(it->sources);
    json_decref(it->columns);
    json_decref(it->meta_patch);
    json_decref(it->test_kwargs);
    json_decref(it->column_tags);
    json_decref(it->freshness);
    json_decref(it->exposure);
    json_decref(it->unit_def);
    if (it->unit)
        vec_release(&it->unit->used);
    vec_release(&it->deps);
    vec_release(&it->macro_deps);
    vec_release(&it->tags);
    vec_release(&it->fqn);
    vec_release(&it->tests);
    vec_release(&it->declared_tests);
    mem_free((char *)(uintptr_t)it->compiled);
}

bool item_is_refable(enum node_type t)
{
    return t == NODE_MODEL || t == NODE_SEED || t == NODE_SNAPSHOT;
}

int item_add(struct project *p, struct item *it, const char *unique_id, struct err *e)
{
    const struct item *same = map_get(&p->by_id, unique_id);
    const char *prefix = it->package->prefix;
    bool is_below = it->pub.path && str_starts(it->pub.path, prefix);
    it->pub.unique_id = unique_id;
    it->pub.own_path = is_below ? it->pub.path + strlen(prefix) : it->pub.path;
    if (same) {
        item_free(it);
        return err_set(
            e, ERR_CONFIG, "%s \"%s\" is there twice: %s and %s; rename one of them",
            node_type_name(it->pub.type), it->pub.name, same->pub.path, it->pub.path);
    }
    map_put(&p->by_id, unique_id, it);
    vec_push(&p->items, it);
    if (item_is_refable(it->pub.type) && !map_has(&p->by_name, it->pub.name))
        map_put(&p->by_name, it->pub.name, it);
    return 0;
}

void item_break(struct project *p, struct item *it, const char *why)
{
    if (it->broken)
        return;
    struct err e = {.code = ERR_PARSE};
    str_copy(e.text, sizeof e.text, why);
    bool is_whole_file =
        it->raw_len && !it->test_kwargs && it->pub.type != NODE_SNAPSHOT;
    if (is_whole_file)
        place_show(&e, it->pub.path, it->raw, it->raw_len);
    it->broken = arena_strdup(&p->mem, e.text);
    project_fault(p, "%s", e.text);
}

void item_depend(struct item *it, const char *unique_id)
{
    for (size_t i = 0; i < it->deps.n; i++)
        if (streq(it->deps.v[i], unique_id))
            return;
    vec_push(&it->deps, unique_id);
}

const char *item_checksum(struct project *p, const char *text, size_t n)
{
    char hex[65];
    while (n && strchr(" \t\r\n\f\v", text[n - 1]))
        n--;
    while (n && strchr(" \t\r\n\f\v", *text))
        text++, n--;
    return arena_strdup(&p->mem, hash_sha256_hex(text, n, hex));
}
