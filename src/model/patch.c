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

/* The text as a new value, with what doc() says in it; the very one if it says nothing
 * else. */
static json_t *described_value(struct project *p, json_t *text)
{
    const char *s = json_is_string(text) ? json_string_value(text) : "";
    if (json_is_string(text) && !strstr(s, "{{") && !strstr(s, "{%"))
        return json_incref(text);
    return json_string(described(p, s));
}

/* {meta, tags}: most columns have none, and share the empty ones. */
static json_t *column_config(struct project *p, json_t *meta, json_t *tags)
{
    bool is_empty = meta == p->no_config && tags == p->no_list;
    if (is_empty && p->no_column_config)
        return json_incref(p->no_column_config);
    json_t *config = json_object();
    json_put(config, "meta", json_incref(meta));
    json_put(config, "tags", json_incref(tags));
    if (is_empty)
        p->no_column_config = json_incref(config);
    return config;
}

static json_t *column_tags(struct project *p, const json_t *from)
{
    json_t *given = property(from, "tags", NULL);
    if (!given)
        return json_incref(p->no_list);
    json_t *list = json_object(); /* a text becomes a list */
    config_merge(list, "tags", given);
    json_t *tags = json_incref(json_object_get(list, "tags"));
    json_decref(list);
    json_decref(given);
    return tags;
}

static json_t *column_of(struct project *p, const json_t *from)
{
    json_t *c = json_object(), *text = json_object_get(from, "description");
    json_t *tags = column_tags(p, from);
    json_t *meta = property(from, "meta", json_incref(p->no_config));
    json_put(c, "name", json_incref(json_object_get(from, "name")));
    json_put(c, "description", described_value(p, text));
    json_put(c, "meta", json_incref(meta));
    json_put_str(c, "data_type", json_str(from, "data_type", NULL));
    json_put(c, "constraints", property(from, "constraints", json_incref(p->no_list)));
    json_put(c, "quote", property(from, "quote", json_null()));
    json_put(c, "config", column_config(p, meta, tags));
    json_put(c, "tags", json_incref(tags));
    json_put_str(c, "granularity", json_str(from, "granularity", NULL));
    json_put(c, "doc_blocks", docs_called(p, NULL, json_str(from, "description", "")));
    json_decref(tags);
    json_decref(meta);
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
