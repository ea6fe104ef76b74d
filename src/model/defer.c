/* --defer: what a node reads of another environment. A ref to what is not selected, and
 * not there (or at all, with --favor-state), means the relation that the state's
 * manifest has for it. In: that manifest and the selection. Called by the context's
 * ref. Holds until the invocation's flags change. */
#include "model/internal.h"

struct defer {
    json_t *relations; /* unique id → [schema, name] */
    struct map chosen; /* unique ids that are selected */
    bool is_favoured;
    struct arena mem;
};

void defer_free(struct project *p)
{
    if (!p->defer)
        return;
    json_decref(p->defer->relations);
    map_release(&p->defer->chosen);
    arena_release(&p->defer->mem);
    mem_free(p->defer);
    p->defer = NULL;
}

static json_t *relations_of(const json_t *manifest)
{
    json_t *all = json_object(), *n;
    const char *id;
    json_object_foreach (json_obj(manifest, "nodes"), id, n) {
        const char *type = json_str(n, "resource_type", "");
        const char *schema = json_str(n, "schema", NULL),
                   *alias = json_str(n, "alias", NULL);
        bool is_relation =
            (streq(type, "model") || streq(type, "seed") || streq(type, "snapshot")) &&
            !streq(json_str(json_obj(n, "config"), "materialized", ""), "ephemeral");
        if (is_relation && schema && alias)
            json_put(all, id, json_pack("[ss]", schema, alias));
    }
    return all;
}

int project_set_defer(struct project *p, const char *state_dir,
                      const char *const *chosen, size_t n, struct err *e)
{
    json_t *manifest = NULL;
    char *path = mem_printf("%s/manifest.json", state_dir);
    int rc = json_load_path(path, &manifest, e);
    defer_free(p);
    if (rc < 0)
        rc = err_set(e, ERR_USAGE,
                     "--defer: there is no manifest.json in %.300s to read from; give "
                     "its folder with --state",
                     state_dir);
    if (rc == 0) {
        p->defer = mem_alloc(sizeof *p->defer);
        p->defer->relations = relations_of(manifest);
        p->defer->is_favoured = json_flag(p->flags, "favor_state", false);
        map_init(&p->defer->chosen);
        arena_init(&p->defer->mem, 0);
        for (size_t i = 0; i < n; i++)
            map_put(&p->defer->chosen, arena_strdup(&p->defer->mem, chosen[i]), p);
    }
    json_decref(manifest);
    mem_free(path);
    return rc;
}

bool project_has_defer(const struct project *p)
{
    return p->defer != NULL;
}

bool defer_other(const struct project *p, const struct item *it, const char **schema,
                 const char **name)
{
    const struct defer *d = p->defer;
    const json_t *there = d ? json_object_get(d->relations, it->pub.unique_id) : NULL;
    *schema = json_string_value(json_array_get(there, 0));
    *name = json_string_value(json_array_get(there, 1));
    return there != NULL;
}

bool defer_relation(const struct render *r, const struct item *it, const char **schema,
                    const char **name)
{
    const struct defer *d = r->p->defer;
    if (!r->is_execute || !defer_other(r->p, it, schema, name) ||
        map_has(&d->chosen, it->pub.unique_id))
        return false;
    bool is_here =
        r->w && wh_relation_type(r->w, it->pub.schema, it->pub.alias) != WH_ABSENT;
    if (is_here && !d->is_favoured)
        return false;
    if (r->w)
        wh_schema_ensure(r->w, *schema, NULL);
    return true;
}
