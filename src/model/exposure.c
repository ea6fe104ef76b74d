/* Exposures: uses of the data that are declared in .yml files. In: an entry of
 * exposures:. Out: a node that nothing builds, with edges from what it depends on, for
 * selection and the manifest. Called by properties.c and artifacts.c. */
#include "model/context.h"
#include "model/internal.h"

/* tags, meta and enabled may stand beside config; later wins as everywhere. */
static json_t *config_of(const json_t *body)
{
    static const char *const keys[] = {"tags", "meta", "enabled"};
    json_t *config = json_object();
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (json_object_get(body, keys[i]))
            config_merge(config, keys[i], json_object_get(body, keys[i]));
    config_update(config, json_obj(body, "config"));
    return config;
}

/* depends_on is a list of ref(…) and source(…) calls: rendering them as a template
 * finds the nodes, as it does for models. */
static const char *calls_of(struct project *p, const json_t *body)
{
    struct buf b;
    json_t *one;
    size_t i;
    buf_init(&b, 1u << 20);
    json_array_foreach (json_arr(body, "depends_on"), i, one)
        if (json_is_string(one))
            buf_addf(&b, "{{ %s }}\n", json_string_value(one));
    const char *text = arena_strdup(&p->mem, b.len ? buf_str(&b) : "");
    buf_release(&b);
    return text;
}

int exposure_add(struct project *p, struct package *pk, const char *shown,
                 const char *rel, json_t *body, struct err *e)
{
    const char *name = json_str(body, "name", NULL);
    if (!name)
        return err_set(e, ERR_CONFIG, "%s: an entry of exposures has no name", shown);
    struct item *it = item_new(p, pk, NODE_EXPOSURE);
    it->pub.name = arena_strdup(&p->mem, name);
    it->pub.path = shown;
    it->pub.alias = it->pub.name;
    it->file = shown;
    it->rel = rel;
    it->description = described(p, json_str(body, "description", ""));
    it->meta_patch = json_object();
    json_put(it->meta_patch, "config", config_of(body));
    it->exposure = json_incref(body);
    it->raw = calls_of(p, body);
    it->raw_len = strlen(it->raw);
    names_fqn(p, it, rel, it->pub.name);
    return item_add(p, it, arena_printf(&p->mem, "exposure.%s.%s", pk->name, name), e);
}

json_t *exposure_manifest(struct project *p, struct item *it)
{
    static const char *const own[] = {"type", "owner", "maturity",
                                      "url",  "label", NULL};
    static const char *const others[] = {"alias",    "schema",  "identifier",
                                         "database", "columns", NULL};
    json_t *n = context_node(p, it), *written = json_obj(it->meta_patch, "config");
    for (size_t i = 0; others[i]; i++)
        json_object_del(n, others[i]);
    for (size_t i = 0; own[i]; i++) {
        json_t *v = json_object_get(it->exposure, own[i]);
        json_put(n, own[i], v ? json_incref(v) : json_null());
    }
    json_t *owner = json_pack("{s:n, s:n}", "name", "email");
    if (json_obj(n, "owner"))
        json_object_update(owner, json_obj(n, "owner"));
    json_put(n, "owner", owner);
    item_unpack(it);
    json_put(n, "refs", json_incref(it->refs));
    json_put(n, "sources", json_incref(it->sources));
    json_put(n, "metrics", semantic_metrics(it));
    json_put(n, "unrendered_config", written ? json_incref(written) : json_object());
    json_put_num(n, "created_at", (double)p->now_ms / 1000.0);
    return n;
}
