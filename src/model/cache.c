/* The parse cache's file (cache.h): read when a project is loaded, written when it has
 * become another. In: TARGET/partial_parse.weir. Out: the same. Called by project.c,
 * files.c, trace.c and manifest.c. */
#include "model/cache.h"

#include <stdlib.h>
#include <sys/stat.h>
#include "base/outfile.h"

#define NAME   "partial_parse.weir"
#define MAGIC  "weir parse cache"
#define FORMAT 1
#define MAX    ((size_t)1 << 30)

/* ── whose it is ── */

/* A cache is of one weir: its version and the very file it runs from. */
static void add_self(struct buf *b)
{
    struct stat st = {0};
    buf_adds(b, WEIR_VERSION);
    if (stat("/proc/self/exe", &st) < 0)
        return;
    const int64_t figures[] = {st.st_size, st.st_mtim.tv_sec, st.st_mtim.tv_nsec,
                               (int64_t)st.st_ino, FORMAT};
    buf_add(b, figures, sizeof figures);
}

static uint64_t self_hash(void)
{
    struct buf b;
    buf_init(&b, 4096);
    add_self(&b);
    uint64_t h = hash_64(b.data, b.len);
    buf_release(&b);
    return h;
}

struct head {
    char magic[sizeof MAGIC];
    uint64_t self, n, hash; /* of the body */
};

/* ── reading ── */

static void read_envs(struct cache *c, struct unpack *u)
{
    size_t len;
    for (uint64_t n = unpack_number(u); n && !u->is_bad; n--) {
        struct cached_env v = {unpack_text(u, &len), NULL};
        v.value = unpack_text(u, &len);
        if (v.name)
            vec_push(&c->envs, v);
    }
}

static void read_files(struct cache *c, struct unpack *u)
{
    size_t len;
    for (uint64_t n = unpack_number(u); n && !u->is_bad; n--) {
        struct cached_file f = {.path = unpack_text(u, &len)};
        f.kind = (uint8_t)unpack_number(u);
        f.mtime_ns = (int64_t)unpack_number(u);
        f.ctime_ns = (int64_t)unpack_number(u);
        f.size = (int64_t)unpack_number(u);
        f.read_ns = (int64_t)unpack_number(u);
        f.inode = unpack_number(u);
        f.hash = unpack_hash(u);
        f.sum = unpack_text(u, &len);
        f.data = unpack_text(u, &f.n);
        if (f.path && !u->is_bad)
            cache_add_file(c, &f);
    }
}

static void read_nodes(struct cache *c, struct unpack *u)
{
    size_t len;
    for (uint64_t n = unpack_number(u); n && !u->is_bad; n--) {
        const char *id = unpack_text(u, &len);
        if (!id)
            break;
        struct cached_node *node = cache_add_node(c, id);
        node->key = unpack_hash(u);
        node->trace = unpack_text(u, &node->n_trace);
        node->at = unpack_number(u);
        node->n = unpack_number(u);
    }
}

static void read_body(struct cache *c, struct unpack *u)
{
    c->old_salt = unpack_number(u);
    c->manifest = (struct cached_manifest){.mtime_ns = (int64_t)unpack_number(u),
                                           .size = (int64_t)unpack_number(u),
                                           .inode = unpack_number(u),
                                           .salt = unpack_number(u),
                                           .n_items = unpack_number(u)};
    read_envs(c, u);
    read_files(c, u);
    read_nodes(c, u);
}

static bool is_whole(const struct cache *c, struct head *h)
{
    if (c->text.len < sizeof *h)
        return false;
    memcpy(h, c->text.data, sizeof *h);
    return memcmp(h->magic, MAGIC, sizeof h->magic) == 0 && h->self == self_hash() &&
           h->n == c->text.len - sizeof *h &&
           h->hash == hash_64(c->text.data + sizeof *h, h->n);
}

static bool has_same_envs(const struct cache *c)
{
    for (size_t i = 0; i < c->envs.n; i++) {
        const char *v = getenv(c->envs.v[i].name), *old = c->envs.v[i].value;
        if (!v != !old || (v && !streq(v, old)))
            return false;
    }
    return true;
}

static void forget(struct cache *c)
{
    vec_release(&c->files);
    vec_release(&c->nodes);
    vec_release(&c->envs);
    map_release(&c->file_at);
    map_release(&c->node_at);
    c->manifest = (struct cached_manifest){0};
    c->old_salt = 0;
}

static void forget_envs(struct cache *c)
{
    vec_release(&c->envs); /* noted again as they are read */
    c->old_salt = 0;
    c->manifest = (struct cached_manifest){0};
}

struct cache *cache_open(struct project *p)
{
    struct cache *c = mem_alloc(sizeof *c);
    char *path = mem_printf("%s/%s", p->target_dir, NAME);
    struct head h;
    buf_init(&c->text, MAX);
    arena_init(&c->mem, 0);
    map_init(&c->file_at);
    map_init(&c->node_at);
    c->is_salting = true;
    c->is_dirty = true;
    if (buf_read_file(&c->text, path, NULL) == 0 && is_whole(c, &h)) {
        struct unpack u = {c->text.data + sizeof h, c->text.data + c->text.len, false};
        c->is_dirty = false;
        read_body(c, &u);
        if (u.is_bad || u.at != u.end)
            forget(c);
        else if (!has_same_envs(c))
            forget_envs(c);
    }
    mem_free(path);
    return c;
}

void cache_close(struct cache *c)
{
    if (!c)
        return;
    forget(c);
    buf_release(&c->text);
    arena_release(&c->mem);
    mem_free(c);
}

/* ── tables ── */

static size_t place(const struct map *m, const char *key)
{
    return (size_t)(uintptr_t)map_get(m, key);
}

struct cached_file *cache_file(struct cache *c, const char *path)
{
    size_t at = place(&c->file_at, path);
    return at ? &c->files.v[at - 1] : NULL;
}

struct cached_file *cache_add_file(struct cache *c, const struct cached_file *f)
{
    size_t at = place(&c->file_at, f->path);
    if (at) {
        c->files.v[at - 1] = *f;
        return &c->files.v[at - 1];
    }
    vec_push(&c->files, *f);
    map_put(&c->file_at, f->path, (void *)(uintptr_t)c->files.n);
    return &c->files.v[c->files.n - 1];
}

struct cached_node *cache_node(struct cache *c, const char *id)
{
    size_t at = place(&c->node_at, id);
    return at ? &c->nodes.v[at - 1] : NULL;
}

struct cached_node *cache_add_node(struct cache *c, const char *id)
{
    struct cached_node *n = cache_node(c, id);
    if (n)
        return n;
    vec_push(&c->nodes, (struct cached_node){.id = id});
    map_put(&c->node_at, id, (void *)(uintptr_t)c->nodes.n);
    return &c->nodes.v[c->nodes.n - 1];
}

void cache_note_env(struct project *p, const char *name, const char *value)
{
    struct cache *c = p->cache;
    for (size_t i = 0; c && i < c->envs.n; i++)
        if (streq(c->envs.v[i].name, name))
            return;
    if (!c)
        return;
    vec_push(&c->envs, ((struct cached_env){arena_strdup(&c->mem, name),
                                            arena_strdup(&c->mem, value)}));
    c->is_dirty = true;
}

/* ── what templates see beside themselves ── */

static void add_json(struct buf *b, const json_t *v)
{
    pack_json(b, v);
    buf_addc(b, '\n');
}

void cache_salt(struct project *p)
{
    struct cache *c = p->cache;
    struct buf b;
    if (!c)
        return;
    buf_init(&b, MAX);
    pack_number(&b, c->salt); /* of the files read so far: macros among them */
    add_self(&b);
    add_json(&b, p->target);
    add_json(&b, p->cli_vars);
    add_json(&b, p->flags);
    const char *const texts[] = {p->o.adapter, p->o.schema, p->o.dialect, p->o.database,
                                 p->dir};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        pack_text(&b, texts[i], texts[i] ? strlen(texts[i]) : 0);
    const bool flags[] = {p->o.full_refresh, p->o.is_empty, p->o.store_failures};
    buf_add(&b, flags, sizeof flags);
    for (size_t i = 0; i < p->packages.n; i++) {
        const struct package *pk = p->packages.v[i];
        pack_text(&b, pk->dir, strlen(pk->dir));
        pack_text(&b, pk->prefix, strlen(pk->prefix));
        add_json(&b, pk->conf);
    }
    c->salt = hash_64(b.data, b.len);
    c->others = c->salt;
    c->is_salting = false;
    buf_release(&b);
}

void cache_salt_ids(struct project *p)
{
    struct cache *c = p->cache;
    for (size_t i = 0; c && i < p->items.n; i++) {
        const char *id = p->items.v[i]->pub.unique_id;
        c->salt = c->salt * 1099511628211u ^ hash_64(id, strlen(id));
    }
}

/* ── writing ── */

static void add_file(struct buf *b, const struct cached_file *f)
{
    pack_text(b, f->path, strlen(f->path));
    pack_number(b, f->kind);
    pack_number(b, (uint64_t)f->mtime_ns);
    pack_number(b, (uint64_t)f->ctime_ns);
    pack_number(b, (uint64_t)f->size);
    pack_number(b, (uint64_t)f->read_ns);
    pack_number(b, f->inode);
    pack_hash(b, f->hash);
    pack_text(b, f->sum, f->sum ? strlen(f->sum) : 0);
    pack_text(b, f->data, f->n);
}

static void add_node(struct buf *b, const struct cached_node *n, bool has_manifest)
{
    pack_text(b, n->id, strlen(n->id));
    pack_hash(b, n->key);
    pack_text(b, n->is_fresh ? n->trace : NULL, n->n_trace);
    pack_number(b, has_manifest ? n->at : 0);
    pack_number(b, has_manifest ? n->n : 0);
}

static void add_envs(struct buf *b, const struct cache *c)
{
    pack_number(b, c->envs.n);
    for (size_t i = 0; i < c->envs.n; i++) {
        const struct cached_env *v = &c->envs.v[i];
        pack_text(b, v->name, strlen(v->name));
        pack_text(b, v->value, v->value ? strlen(v->value) : 0);
    }
}

static void add_body(struct buf *b, const struct cache *c)
{
    const struct cached_manifest *m = &c->manifest;
    size_t n_files = 0, n_nodes = 0;
    pack_number(b, c->salt);
    pack_number(b, (uint64_t)m->mtime_ns);
    pack_number(b, (uint64_t)m->size);
    pack_number(b, m->inode);
    pack_number(b, m->salt);
    pack_number(b, m->n_items);
    add_envs(b, c);
    for (size_t i = 0; i < c->files.n; i++)
        n_files += c->files.v[i].is_used;
    pack_number(b, n_files);
    for (size_t i = 0; i < c->files.n; i++)
        if (c->files.v[i].is_used)
            add_file(b, &c->files.v[i]);
    for (size_t i = 0; i < c->nodes.n; i++)
        n_nodes += c->nodes.v[i].is_used;
    pack_number(b, n_nodes);
    for (size_t i = 0; i < c->nodes.n; i++)
        if (c->nodes.v[i].is_used)
            add_node(b, &c->nodes.v[i], m->inode != 0);
}

static void use_nodes(struct cache *c, struct item *const *items, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct cached_node *node = cache_node(c, items[i]->pub.unique_id);
        if (node)
            node->is_used = true;
    }
}

/* Whether the file has what nobody used any more. */
static bool has_unused(const struct cache *c)
{
    for (size_t i = 0; i < c->files.n; i++)
        if (!c->files.v[i].is_used)
            return true;
    for (size_t i = 0; i < c->nodes.n; i++)
        if (!c->nodes.v[i].is_used)
            return true;
    return false;
}

void cache_save(struct project *p)
{
    struct cache *c = p->cache;
    struct head h = {.magic = MAGIC, .self = self_hash()};
    struct outfile o;
    if (!c)
        return;
    use_nodes(c, p->items.v, p->items.n);
    use_nodes(c, p->disabled.v, p->disabled.n);
    if (!c->is_dirty && c->salt == c->old_salt && !has_unused(c))
        return;
    char *path = target_path(p, NAME);
    if (outfile_open(&o, path, NULL) == 0) {
        buf_add(&o.b, &h, sizeof h);
        add_body(&o.b, c);
        if (!o.b.failed) {
            h.n = o.b.len - sizeof h;
            h.hash = hash_64(o.b.data + sizeof h, h.n);
            memcpy(o.b.data, &h, sizeof h);
        }
        outfile_close(&o, !o.b.failed, NULL);
    }
    c->is_dirty = false;
    c->old_salt = c->salt;
    mem_free(path);
}
