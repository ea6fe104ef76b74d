/* What a properties entry says of a node: description, columns, the rest of its patch.
 * In: entries of the .yml files. Out: the item's and the manifest's form of them.
 * Called by parse.c, properties.c and snapshot_files.c. */
#include "model/internal.h"

static const char *kind_key(enum node_type t)
{
    return t == NODE_MODEL      ? "models"
           : t == NODE_SEED     ? "seeds"
           : t == NODE_TEST     ? "data_tests"
           : t == NODE_SNAPSHOT ? "snapshots"
                                : "analyses";
}

const char *described(struct project *p, const char *text)
{
    if (!strstr(text, "{{") && !strstr(text, "{%"))
        return arena_strdup(&p->mem, text);
    json_t *v = json_string(text), *shown = render_yaml(p, v, "description");
    const char *out =
        arena_strdup(&p->mem, json_is_string(shown) ? json_string_value(shown) : text);
    json_decref(shown);
    json_decref(v);
    return out;
}

/* A property that may stand beside or inside "config"; a new reference, never NULL. */
static json_t *property(const json_t *owner, const char *key, json_t *fallback)
{
    json_t *v = json_object_get(json_obj(owner, "config"), key);
    v = v ? v : json_object_get(owner, key);
    if (!v)
        return fallback;
    json_decref(fallback);
    return json_incref(v);
}

static json_t *column_of(struct project *p, const json_t *from)
{
    json_t *c = json_object(), *list = json_object();
    json_t *tags = property(from, "tags", json_incref(p->no_list));
    json_t *meta = property(from, "meta", json_incref(p->no_config));
    json_t *config = json_object();
    if (tags == p->no_list)
        json_put(list, "tags", json_incref(tags));
    else
        config_merge(list, "tags", tags); /* a text becomes a list */
    json_put_str(c, "name", json_str(from, "name", ""));
    json_put_str(c, "description", described(p, json_str(from, "description", "")));
    json_put(c, "meta", json_incref(meta));
    json_put_str(c, "data_type", json_str(from, "data_type", NULL));
    json_put(c, "constraints", property(from, "constraints", json_incref(p->no_list)));
    json_put(c, "quote", property(from, "quote", json_null()));
    json_put(config, "meta", json_incref(meta));
    json_put(config, "tags", json_incref(json_object_get(list, "tags")));
    json_put(c, "config", config);
    json_put(c, "tags", json_incref(json_object_get(list, "tags")));
    json_put(c, "granularity", json_null());
    json_put(c, "doc_blocks", docs_called(p, NULL, json_str(from, "description", "")));
    json_decref(tags);
    json_decref(meta);
    json_decref(list);
    return c;
}

json_t *columns_by_name(struct project *p, const json_t *owner)
{
    json_t *columns = json_object(), *one;
    size_t i;
    json_array_foreach (json_arr(owner, "columns"), i, one)
        if (json_str(one, "name", NULL))
            json_put(columns, json_str(one, "name", ""), column_of(p, one));
    return columns;
}

void patch_use(struct project *p, struct item *it, json_t *body, const char *shown)
{
    it->meta_patch = json_incref(body);
    it->patch_path = shown;
    it->description = described(p, json_str(body, "description", ""));
    it->columns = columns_by_name(p, body);
}

void patch_apply(struct project *p, struct item *it)
{
    if (it->meta_patch)
        return;
    char *key = arena_join(&p->mem, kind_key(it->pub.type), " ", it->package->name, " ",
                           it->pub.name, NULL);
    json_t *patch = map_get(&p->patches, key);
    if (!patch)
        return;
    patch_use(p, it, json_obj(patch, "body"), json_str(patch, "file", NULL));
}
