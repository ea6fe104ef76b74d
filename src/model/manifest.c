/* manifest.json, written entry by entry: the whole of it need not be in memory, which
 * for ten thousand models would be half a gigabyte. One entry a line. In: the project.
 * Out: TARGET/manifest.json, whole or not at all. Called by parse, build and the other
 * commands that leave a manifest.
 *
 * While the file is the one that the parse cache was written with, entries of nodes of
 * which nothing changed are copied from it (their created_at stays, as in dbt's partial
 * parsing), and if nothing changed at all the file stays as it is. */
#include "model/cache.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/outfile.h"

struct writer {
    struct outfile o;
    struct cache *cache; /* NULL: none */
    int old;             /* the manifest to copy from, -1 */
    size_t from, to;     /* its bytes that are to be copied next */
};

/* ── what is still true of the old one ── */

static int64_t ns_of(struct timespec t)
{
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static uint64_t salt_of(const struct cache *c)
{
    return c->salt * 1099511628211u ^ c->others;
}

/* Compiled SQL is in the entries of a run alone. */
static bool has_compiled(const struct project *p)
{
    for (size_t i = 0; i < p->items.n; i++)
        if (p->items.v[i]->compiled)
            return true;
    return false;
}

static bool is_current(const struct cache *c, const char *path)
{
    const struct cached_manifest *m = &c->manifest;
    struct stat st;
    return m->inode && m->salt == salt_of(c) && stat(path, &st) == 0 &&
           st.st_ino == m->inode && st.st_size == m->size &&
           ns_of(st.st_mtim) == m->mtime_ns;
}

/* The entry in the old manifest, if it is this item's still. */
static const struct cached_node *old_entry(struct cache *c, const struct item *it)
{
    bool is_same =
        it->is_same || it->pub.type == NODE_SEED || it->pub.type == NODE_SOURCE;
    const struct cached_node *n = is_same ? cache_node(c, it->pub.unique_id) : NULL;
    return n && n->n ? n : NULL;
}

static bool is_all_same(struct project *p)
{
    if (p->items.n + p->disabled.n != p->cache->manifest.n_items)
        return false;
    for (size_t i = 0; i < p->items.n; i++)
        if (!old_entry(p->cache, p->items.v[i]))
            return false;
    for (size_t i = 0; i < p->disabled.n; i++)
        if (!p->disabled.v[i]->is_same)
            return false;
    return true;
}

static void copy_out(struct writer *w)
{
    if (w->to > w->from)
        outfile_copy(&w->o, w->old, w->from, w->to - w->from);
    w->from = w->to = 0;
}

/* Entries that stand together are copied together, with the comma between them. */
static void copy_entry(struct writer *w, const struct cached_node *n, bool is_first)
{
    if (w->to > w->from && n->at == w->to + 1) {
        w->to = n->at + n->n;
        return;
    }
    copy_out(w);
    if (!is_first)
        buf_addc(&w->o.b, ',');
    w->from = n->at;
    w->to = n->at + n->n;
}

/* Where the next byte will stand. */
static size_t writer_at(const struct writer *w)
{
    return outfile_at(&w->o) + (w->to - w->from);
}

static void note_entry(struct writer *w, const struct item *it, size_t at)
{
    struct cached_node *n =
        w->cache ? cache_add_node(w->cache, it->pub.unique_id) : NULL;
    if (!n)
        return;
    n->is_used = true;
    n->at = at;
    n->n = writer_at(w) - at;
}

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

static int add_entry(struct writer *w, struct project *p, struct item *it,
                     bool *is_first, struct err *e)
{
    const struct cached_node *old = w->old >= 0 ? old_entry(w->cache, it) : NULL;
    int rc = 0;
    if (old) {
        copy_entry(w, old, *is_first);
        size_t n = old->n;
        note_entry(w, it, writer_at(w) - n);
    } else {
        copy_out(w);
        size_t at = outfile_at(&w->o) + (*is_first ? 0 : 1); /* behind the comma */
        json_t *n = manifest_entry(p, it);
        add_key(&w->o, it->pub.unique_id, is_first);
        rc = json_dump_buf(n, JSON_COMPACT, &w->o.b, e);
        json_decref(n);
        note_entry(w, it, at);
    }
    *is_first = false;
    outfile_flush(&w->o);
    return rc;
}

static int add_section(struct writer *w, struct project *p, const char *section,
                       struct err *e)
{
    bool is_first = true;
    int rc = 0;
    buf_addc(&w->o.b, '{');
    for (size_t i = 0; rc == 0 && i < p->items.n; i++)
        if (manifest_section(p->items.v[i]) == section)
            rc = add_entry(w, p, p->items.v[i], &is_first, e);
    copy_out(w);
    struct member m = {&w->o, is_first};
    if (section == manifest_sections[0])
        manifest_operations(p, add_node, &m);
    buf_addc(&w->o.b, '}');
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

static void add_semantic_parents(void *arg, const char *id, json_t *parents)
{
    struct member *m = arg;
    add_key(m->o, id, &m->is_first);
    json_dump_buf(parents, JSON_COMPACT, &m->o->b, NULL);
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
    semantic_each(p, add_semantic_parents, &m);
    manifest_operations(p, add_its_parents, &m);
    buf_addc(&o->b, '}');
}

typedef VEC(const char *) id_list;

struct family {
    id_list ids;       /* of all nodes */
    id_list *children; /* of each */
    struct map places; /* unique id → its index + 1 */
};

static void add_member(void *arg, const char *id, json_t *parents)
{
    struct family *f = arg;
    (void)parents;
    vec_push(&f->ids, id);
    map_put(&f->places, id, (void *)(uintptr_t)f->ids.n);
}

static void add_child(struct family *f, const char *parent, const char *id)
{
    size_t at = (size_t)(uintptr_t)map_get(&f->places, parent);
    if (at)
        vec_push(&f->children[at - 1], id);
}

static void add_semantic_child(void *arg, const char *id, json_t *parents)
{
    json_t *one;
    size_t i;
    json_array_foreach (parents, i, one)
        add_child(arg, json_string_value(one), id);
}

static void add_children(struct outfile *o, struct project *p)
{
    struct family f = {0};
    bool is_first = true;
    map_init(&f.places);
    for (size_t i = 0; i < p->items.n; i++)
        add_member(&f, p->items.v[i]->pub.unique_id, NULL);
    semantic_each(p, add_member, &f);
    f.children = mem_alloc((f.ids.n + 1) * sizeof *f.children);
    for (size_t i = 0; i < p->items.n; i++)
        for (size_t k = 0; k < p->items.v[i]->deps.n; k++)
            add_child(&f, p->items.v[i]->deps.v[k], p->items.v[i]->pub.unique_id);
    semantic_each(p, add_semantic_child, &f);
    buf_addc(&o->b, '{');
    for (size_t i = 0; i < f.ids.n; i++) {
        add_key(o, f.ids.v[i], &is_first);
        add_ids(o, f.children[i].v, f.children[i].n);
        vec_release(&f.children[i]);
    }
    struct member m = {o, is_first};
    manifest_operations(p, add_no_edges, &m);
    buf_addc(&o->b, '}');
    map_release(&f.places);
    vec_release(&f.ids);
    mem_free(f.children);
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

static int write_all(struct writer *w, struct project *p, struct err *e)
{
    bool is_first = false;
    buf_addc(&w->o.b, '{');
    int rc = add_rest(&w->o, p, e);
    for (size_t i = 0; rc == 0 && manifest_sections[i]; i++) {
        add_key(&w->o, manifest_sections[i], &is_first);
        rc = add_section(w, p, manifest_sections[i], e);
    }
    add_key(&w->o, "parent_map", &is_first);
    add_parents(&w->o, p);
    add_key(&w->o, "child_map", &is_first);
    add_children(&w->o, p);
    buf_adds(&w->o.b, "}\n");
    return rc;
}

/* The next parse may copy from what was just written. */
static void remember(struct project *p, const char *path)
{
    struct cache *c = p->cache;
    struct stat st;
    if (!c)
        return;
    c->manifest = (struct cached_manifest){0};
    if (!has_compiled(p) && stat(path, &st) == 0)
        c->manifest = (struct cached_manifest){.mtime_ns = ns_of(st.st_mtim),
                                               .size = st.st_size,
                                               .inode = st.st_ino,
                                               .salt = salt_of(c),
                                               .n_items = p->items.n + p->disabled.n};
    c->is_dirty = true;
    cache_save(p);
}

int project_write_manifest(struct project *p, struct err *e)
{
    struct writer w = {.cache = p->cache, .old = -1};
    char *path = target_path(p, "manifest.json");
    bool is_usable = p->cache && is_current(p->cache, path) && !has_compiled(p);
    int rc = 0;
    if (is_usable && is_all_same(p))
        goto out;
    if (is_usable)
        w.old = open(path, O_RDONLY | O_CLOEXEC);
    if ((rc = outfile_open(&w.o, path, e)) < 0)
        goto out;
    rc = write_all(&w, p, e);
    int closed = outfile_close(&w.o, rc == 0, rc == 0 ? e : NULL);
    rc = rc < 0 ? rc : closed;
    if (rc == 0)
        remember(p, path);
out:
    if (w.old >= 0)
        close(w.old);
    mem_free(path);
    return rc;
}
