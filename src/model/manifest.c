/* manifest.json, written entry by entry: the whole of it need not be in memory, which
 * for ten thousand models would be half a gigabyte. One entry a line. In: the project.
 * Out: TARGET/manifest.json, whole or not at all. Called by parse, build and the other
 * commands that leave a manifest. */
#include "model/internal.h"

#include "base/outfile.h"

static void add_key(struct outfile *o, const char *key, bool *is_first)
{
    buf_adds(&o->b, *is_first ? "\n" : ",\n");
    buf_add_json_str(&o->b, key, strlen(key));
    buf_addc(&o->b, ':');
    *is_first = false;
}

/* Operations (hooks of a run) are made for the manifest alone, not items. */
struct member {
    struct outfile *o;
    bool is_first;
};

static void add_node(void *arg, const char *id, json_t *node)
{
    struct member *m = arg;
    add_key(m->o, id, &m->is_first);
    json_dump_buf(node, JSON_COMPACT, &m->o->b, NULL);
    json_decref(node);
    outfile_flush(m->o);
}

static void add_no_edges(void *arg, const char *id, json_t *node)
{
    struct member *m = arg;
    add_key(m->o, id, &m->is_first);
    buf_adds(&m->o->b, "[]");
    json_decref(node);
}

static void add_its_parents(void *arg, const char *id, json_t *node)
{
    struct member *m = arg;
    add_key(m->o, id, &m->is_first);
    json_dump_buf(json_arr(json_obj(node, "depends_on"), "nodes"), JSON_COMPACT,
                  &m->o->b, NULL);
    json_decref(node);
}

static int add_section(struct outfile *o, struct project *p, const char *section,
                       struct err *e)
{
    bool is_first = true;
    int rc = 0;
    buf_addc(&o->b, '{');
    for (size_t i = 0; rc == 0 && i < p->items.n; i++) {
        struct item *it = p->items.v[i];
        if (manifest_section(it) != section)
            continue;
        json_t *n = manifest_entry(p, it);
        add_key(o, it->pub.unique_id, &is_first);
        rc = json_dump_buf(n, JSON_COMPACT, &o->b, e);
        json_decref(n);
        outfile_flush(o);
    }
    struct member m = {o, is_first};
    if (section == manifest_sections[0])
        manifest_operations(p, add_node, &m);
    buf_addc(&o->b, '}');
    return rc;
}

static void add_ids(struct outfile *o, const char *const *ids, size_t n)
{
    buf_addc(&o->b, '[');
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_addc(&o->b, ',');
        buf_add_json_str(&o->b, ids[i], strlen(ids[i]));
    }
    buf_addc(&o->b, ']');
    outfile_flush(o);
}

static void add_parents(struct outfile *o, struct project *p)
{
    bool is_first = true;
    buf_addc(&o->b, '{');
    for (size_t i = 0; i < p->items.n; i++) {
        const struct item *it = p->items.v[i];
        add_key(o, it->pub.unique_id, &is_first);
        add_ids(o, it->deps.v, it->deps.n);
    }
    struct member m = {o, is_first};
    manifest_operations(p, add_its_parents, &m);
    buf_addc(&o->b, '}');
}

typedef VEC(const char *) id_list;

static void add_children(struct outfile *o, struct project *p)
{
    id_list *children = mem_alloc((p->items.n + 1) * sizeof *children);
    struct map places; /* unique id → its index + 1 */
    bool is_first = true;
    map_init(&places);
    for (size_t i = 0; i < p->items.n; i++)
        map_put(&places, p->items.v[i]->pub.unique_id, (void *)(uintptr_t)(i + 1));
    for (size_t i = 0; i < p->items.n; i++)
        for (size_t k = 0; k < p->items.v[i]->deps.n; k++) {
            size_t at = (size_t)(uintptr_t)map_get(&places, p->items.v[i]->deps.v[k]);
            if (at)
                vec_push(&children[at - 1], p->items.v[i]->pub.unique_id);
        }
    buf_addc(&o->b, '{');
    for (size_t i = 0; i < p->items.n; i++) {
        add_key(o, p->items.v[i]->pub.unique_id, &is_first);
        add_ids(o, children[i].v, children[i].n);
        vec_release(&children[i]);
    }
    struct member m = {o, is_first};
    manifest_operations(p, add_no_edges, &m);
    buf_addc(&o->b, '}');
    map_release(&places);
    mem_free(children);
}

static int add_rest(struct outfile *o, struct project *p, struct err *e)
{
    json_t *rest = manifest_rest(p), *v;
    bool is_first = true;
    const char *key;
    int rc = 0;
    json_object_foreach (rest, key, v) {
        add_key(o, key, &is_first);
        if (rc == 0)
            rc = json_dump_buf(v, JSON_COMPACT, &o->b, e);
    }
    json_decref(rest);
    return rc;
}

int project_write_manifest(struct project *p, struct err *e)
{
    struct outfile o;
    bool is_first = false;
    char *path = target_path(p, "manifest.json");
    int rc = outfile_open(&o, path, e);
    mem_free(path);
    if (rc < 0)
        return rc;
    buf_addc(&o.b, '{');
    rc = add_rest(&o, p, e);
    for (size_t i = 0; rc == 0 && manifest_sections[i]; i++) {
        add_key(&o, manifest_sections[i], &is_first);
        rc = add_section(&o, p, manifest_sections[i], e);
    }
    add_key(&o, "parent_map", &is_first);
    add_parents(&o, p);
    add_key(&o, "child_map", &is_first);
    add_children(&o, p);
    buf_adds(&o.b, "}\n");
    int closed = outfile_close(&o, rc == 0, rc == 0 ? e : NULL);
    return rc < 0 ? rc : closed;
}
