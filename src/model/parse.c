/* What a node's text says: each template is rendered once to see its config and links.
 * In: items with their text. Out: config, relation names and edges; a template that
 * fails breaks its item and no other. Called by project_load. */
#include "model/cache.h"

#include <stdio.h>
#include "base/buf.h"

/* Where the text alone still tells what it refers to. */
static void guess_refs(struct project *p, struct item *it)
{
    const char *at = it->raw;
    while ((at = strstr(at, "ref("))) {
        char name[128];
        at += 4;
        if (sscanf(at, " '%127[^']'", name) != 1 &&
            sscanf(at, " \"%127[^\"]\"", name) != 1)
            continue;
        const struct item *to = context_ref(p, it->package, NULL, name, NULL);
        if (to)
            item_depend(it, to->pub.unique_id);
    }
}

/* out: for the text, which nobody reads. */
void parse_item(struct project *p, struct item *it, struct buf *out)
{
    struct render r = {0};
    struct err why = {0};
    size_t n_warnings = p->warnings.n;
    if (it->broken || !it->raw || trace_replay(p, it))
        return;
    buf_reset(out);
    render_begin(&r, p, NULL, it);
    jinja_env_watch(p->env);
    int rc = render_item(&r, out, &why);
    bool is_pure = jinja_env_was_pure(p->env) && p->warnings.n == n_warnings;
    render_end(&r);
    if (rc < 0) {
        item_break(p, it, why.text);
        guess_refs(p, it);
    } else if (is_pure) {
        trace_keep(p, it);
    }
}

/* What hooks refer to is depended on, too. Their errors show when they run. */
static void parse_hooks(struct project *p, struct item *it, const char *key)
{
    json_t *one;
    size_t i;
    json_array_foreach (json_arr(it->pub.config, key), i, one) {
        struct render r = {0};
        struct buf out;
        struct err none = {0};
        const char *sql = json_str(one, "sql", "");
        if (!strstr(sql, "{{") && !strstr(sql, "{%"))
            continue;
        buf_init(&out, 16u << 20);
        render_begin(&r, p, NULL, it);
        render_text(&r, it->pub.path, sql, strlen(sql), &out, &none);
        it->is_same = false; /* its dependencies may be others */
        render_end(&r);
        buf_release(&out);
    }
    if (it->pub.type == NODE_SEED &&
        (json_array_size(it->refs) || json_array_size(it->sources)))
        p->refused = arena_printf(
            &p->mem,
            "%s: the %s calls ref() or source(). Seeds cannot depend on other nodes",
            it->pub.path, key);
}

void parse_configs(struct project *p)
{
    for (size_t i = 0; i < p->items.n; i++) {
        struct item *it = p->items.v[i];
        if (it->pub.type == NODE_SOURCE)
            continue;
        patch_apply(p, it);
        config_apply(p, it);
        if (item_is_refable(it->pub.type))
            item_name_relation(p, it);
    }
}

/* config() in files has its say, then links: refs need every node's enabled flag. */
void parse_links(struct project *p)
{
    struct buf out;
    buf_init(&out, 256u << 20);
    cache_salt_ids(p);
    for (size_t i = 0; i < p->items.n; i++) {
        struct item *it = p->items.v[i];
        if (it->pub.type == NODE_SOURCE)
            continue;
        parse_item(p, it, &out);
        if (json_object_size(it->inline_config))
            config_apply(p, it);
        if (it->pub.type == NODE_EXPOSURE)
            continue;
        if (json_object_size(it->inline_config) || !p->has_plain_names ||
            !item_is_refable(it->pub.type))
            item_name_relation(p, it);
        parse_hooks(p, it, "pre-hook");
        parse_hooks(p, it, "post-hook");
    }
    buf_release(&out);
}
