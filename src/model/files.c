/* Files of a project: walking folders and reading text. In: a folder. Out: each file
 * once, in name order, so that what depends on order (macros of the same name) is
 * stable. */
#include "model/cache.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include "base/buf.h"
#include "base/hash.h"
#include "base/text.h"
#include "model/place.h"
#include "model/yaml.h"

#define MAX_FILE  (50u << 20)
#define MAX_DEPTH 40

struct walk {
    file_fn *fn;
    void *arg;
    const char *top; /* the folder that is walked */
};

/* The folders on the way down, to see a link that leads back to one of them. */
struct way {
    const struct way *up;
    dev_t dev;
    ino_t inode;
};

struct entry {
    char *name;
    unsigned char type; /* DT_… as the folder tells it */
};

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

static int walk_dir(const struct walk *w, const char *dir, const char *rel,
                    const struct way *up, struct err *e);

/* What an entry is, behind links; the folder often tells without a look at it. */
static unsigned char type_of(const char *path, unsigned char told)
{
    struct stat st;
    if (told != DT_UNKNOWN && told != DT_LNK)
        return told;
    if (stat(path, &st) < 0) /* a link to nothing: reading it will say so */
        return told == DT_LNK ? DT_REG : DT_UNKNOWN;
    return S_ISDIR(st.st_mode) ? DT_DIR : S_ISREG(st.st_mode) ? DT_REG : DT_UNKNOWN;
}

static int walk_entry(const struct walk *w, const char *dir, const char *rel,
                      const struct entry *entry, const struct way *way, struct err *e)
{
    struct arena mem;
    arena_init(&mem, 0);
    char *path = arena_join(&mem, dir, "/", entry->name, NULL);
    char *inner = arena_join(&mem, rel, *rel ? "/" : "", entry->name, NULL);
    unsigned char type = type_of(path, entry->type);
    int rc = 0;
    if (type == DT_DIR)
        rc = walk_dir(w, path, inner, way, e);
    else if (type == DT_REG)
        rc = w->fn(w->arg, path, inner, e);
    arena_release(&mem);
    return rc;
}

static int check_way(const struct walk *w, const char *rel, const struct way *way,
                     struct err *e)
{
    const char *slash = strrchr(w->top, '/');
    const char *top = slash ? slash + 1 : w->top;
    int depth = 0;
    for (const struct way *up = way->up; up; up = up->up, depth++)
        if (up->dev == way->dev && up->inode == way->inode)
            return err_set(e, ERR_CONFIG,
                           "%s/%s: this link leads back to a folder that it is in; "
                           "remove it",
                           top, rel);
    return depth > MAX_DEPTH
               ? err_set(e, ERR_CONFIG, "%s/%s: folders nested more than %d deep", top,
                         rel, MAX_DEPTH)
               : 0;
}

static int walk_dir(const struct walk *w, const char *dir, const char *rel,
                    const struct way *up, struct err *e)
{
    VEC(struct entry) names = {0};
    struct stat st = {0};
    int rc = 0;
    DIR *d = opendir(dir);
    if (!d)
        return errno == ENOENT || errno == ENOTDIR
                   ? 0
                   : err_errno(e, ERR_CONFIG, "read the folder %s", dir);
    struct way way = {up, 0, 0};
    if (fstat(dirfd(d), &st) == 0)
        way = (struct way){up, st.st_dev, st.st_ino};
    if ((rc = check_way(w, rel, &way, e)) < 0) {
        closedir(d);
        return rc;
    }
    for (struct dirent *de; (de = readdir(d));)
        if (de->d_name[0] != '.')
            vec_push(&names, ((struct entry){mem_strdup(de->d_name), de->d_type}));
    closedir(d);
    if (names.n)
        qsort(names.v, names.n, sizeof *names.v, by_name);
    for (size_t i = 0; i < names.n; i++) {
        if (rc == 0)
            rc = walk_entry(w, dir, rel, &names.v[i], &way, e);
        mem_free(names.v[i].name);
    }
    vec_release(&names);
    return rc;
}

int files_walk(const char *dir, file_fn *fn, void *arg, struct err *e)
{
    struct walk w = {fn, arg, dir};
    return walk_dir(&w, dir, "", NULL, e);
}

/* ── through the parse cache ── */

/* A file written this shortly before it was read may be written again with the same
 * time: the clock of file times ticks every few milliseconds, of some file systems
 * every other second. */
#define TICK_NS   20000000
#define COARSE_NS 2000000000

static int64_t ns_of(struct timespec t)
{
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static bool is_trusted(const struct cached_file *f)
{
    int64_t tick = f->mtime_ns % 1000000000 ? TICK_NS : COARSE_NS;
    return f->mtime_ns + tick < f->read_ns && f->ctime_ns + tick < f->read_ns;
}

/* The cache's record of a file that did not change, NULL: it has to be read. */
static struct cached_file *unchanged(struct cache *c, const char *path,
                                     const struct stat *st, enum cached_kind kind)
{
    struct cached_file *f = cache_file(c, path);
    bool is_same = f && f->kind == kind && f->size == st->st_size &&
                   f->mtime_ns == ns_of(st->st_mtim) &&
                   f->ctime_ns == ns_of(st->st_ctim) && f->inode == st->st_ino;
    return is_same && is_trusted(f) ? f : NULL;
}

/* What was read goes into the salts: of templates, or of the manifest. */
static void note_use(struct cache *c, struct cached_file *f)
{
    uint64_t h = hash_64(f->path, strlen(f->path)) ^ f->hash.lo ^ f->hash.hi;
    f->is_used = true;
    if (c->is_salting)
        c->salt = c->salt * 1099511628211u ^ h;
    else if (!str_ends(f->path, ".sql"))
        c->others = c->others * 1099511628211u ^ h;
}

static struct cached_file *remember(struct cache *c, const char *path,
                                    const struct stat *st, enum cached_kind kind,
                                    const struct cached_file *content)
{
    struct timespec now;
    struct cached_file f = *content;
    clock_gettime(CLOCK_REALTIME, &now);
    f.path = arena_strdup(&c->mem, path);
    f.kind = (uint8_t)kind;
    f.mtime_ns = ns_of(st->st_mtim);
    f.ctime_ns = ns_of(st->st_ctim);
    f.size = st->st_size;
    f.inode = st->st_ino;
    f.read_ns = ns_of(now);
    c->is_dirty = true;
    return cache_add_file(c, &f);
}

/* As above, if the file that was just read has the content it had. */
static struct cached_file *same_content(struct cache *c, const char *path,
                                        const struct stat *st, enum cached_kind kind,
                                        const struct buf *b)
{
    const struct cached_file *f = cache_file(c, path);
    struct hash128 h = hash_128(b->data, b->len);
    if (!f || f->kind != kind || f->hash.lo != h.lo || f->hash.hi != h.hi)
        return NULL;
    return remember(c, path, st, kind, f);
}

/* The path as the project's files are shown: below its folder. */
static const char *shown_path(const struct project *p, const char *path)
{
    size_t n = strlen(p->dir);
    return str_starts(path, p->dir) && path[n] == '/' ? path + n + 1 : path;
}

static int read_text(const struct project *p, const char *path, struct buf *b,
                     struct err *e)
{
    const char *shown = shown_path(p, path);
    buf_init(b, MAX_FILE);
    int rc = buf_read_file(b, path, e);
    if (rc == ERR_LIMIT)
        rc = err_set(e, ERR_PARSE, "%s:1:1: the file has more than %u MiB", shown,
                     MAX_FILE >> 20);
    else if (rc < 0)
        rc = err_set(e, ERR_PARSE, "%s: cannot be read: %s", shown, strerror(errno));
    else if (!text_is_utf8(buf_str(b), b->len))
        rc = place_not_utf8(e, shown, buf_str(b), b->len);
    if (rc < 0)
        buf_release(b);
    return rc;
}

int files_read_sum(struct project *p, const char *path, const char **text, size_t *n,
                   const char **sum, struct err *e)
{
    struct cache *c = p->cache;
    struct cached_file *f = NULL;
    struct stat st;
    struct buf b = {0};
    if (c && stat(path, &st) == 0)
        f = unchanged(c, path, &st, CACHED_TEXT);
    int rc = f ? 0 : read_text(p, path, &b, e);
    if (rc < 0)
        return rc;
    if (c && !f)
        f = same_content(c, path, &st, CACHED_TEXT, &b);
    if (f) {
        buf_release(&b);
        note_use(c, f);
        *text = f->data;
        *n = f->n;
        *sum = f->sum;
        return 0;
    }
    *n = b.len;
    struct hash128 hash = hash_128(buf_str(&b), b.len);
    char *kept = b.len ? buf_take(&b) : mem_strdup("");
    vec_push(&p->texts, kept);
    *text = kept;
    *sum = item_checksum(p, kept, *n);
    struct cached_file new = {.hash = hash, .data = kept, .n = *n, .sum = *sum};
    if (c)
        note_use(c, remember(c, path, &st, CACHED_TEXT, &new));
    return 0;
}

int files_read(struct project *p, const char *path, const char **text, size_t *n,
               struct err *e)
{
    const char *sum;
    return files_read_sum(p, path, text, n, &sum, e);
}

static void pack_value(struct cache *c, struct cached_file *f, const json_t *v)
{
    struct buf b;
    buf_init(&b, MAX_FILE);
    pack_json(&b, v);
    f->n = b.failed ? 0 : b.len;
    f->data = b.failed ? NULL : arena_strndup(&c->mem, b.data, b.len);
    buf_release(&b);
}

int files_yaml(struct project *p, const char *path, const char *shown, json_t **out,
               struct err *e)
{
    struct cache *c = p->cache;
    struct cached_file *f = NULL, new = {0};
    struct stat st;
    struct buf b;
    *out = NULL;
    if (!c || stat(path, &st) < 0)
        return yaml_read_path(path, shown, out, e);
    buf_init(&b, YAML_MAX);
    f = unchanged(c, path, &st, CACHED_YAML);
    int rc = f ? 0 : buf_read_file(&b, path, e);
    if (rc == ERR_LIMIT)
        rc = yaml_too_large(shown, e);
    if (rc == 0 && !f)
        f = same_content(c, path, &st, CACHED_YAML, &b);
    if (rc == 0 && f) {
        struct unpack u = {f->data, f->data + f->n, false};
        *out = unpack_json(&u);
        note_use(c, f);
        rc = u.is_bad ? err_set(e, ERR_PARSE, "%s: the parse cache is damaged", shown)
                      : 0;
    } else if (rc == 0 && (rc = yaml_read(shown, buf_str(&b), b.len, out, e)) == 0) {
        new.hash = hash_128(buf_str(&b), b.len);
        pack_value(c, &new, *out);
        f = remember(c, path, &st, CACHED_YAML, &new);
        f->is_used = false;
        if (f->data)
            note_use(c, f);
    }
    buf_release(&b);
    return rc;
}

const char *files_sum(struct project *p, const char *path)
{
    struct cache *c = p->cache;
    struct cached_file *f = NULL, new = {0};
    struct stat st;
    struct buf b;
    if (c && stat(path, &st) == 0 && (f = unchanged(c, path, &st, CACHED_SUM))) {
        note_use(c, f);
        return f->sum;
    }
    buf_init(&b, 1u << 20);
    new.sum = buf_read_file(&b, path, NULL) == 0 ? item_checksum(p, buf_str(&b), b.len)
                                                 : NULL;
    new.hash = hash_128(buf_str(&b), b.len);
    if (c && new.sum)
        note_use(c, remember(c, path, &st, CACHED_SUM, &new));
    buf_release(&b);
    return new.sum;
}

/* ── has anything changed? ── */

/* What a project is read from: not its databases, which change as it runs. */
static bool is_source_file(const char *rel)
{
    static const char *const ends[] = {".sql", ".yml", ".yaml", ".md", ".csv"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (str_ends(rel, ends[i]))
            return true;
    return false;
}

static bool is_output(const char *rel)
{
    static const char *const names[] = {"target/", "logs/", "data/"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_starts(rel, names[i]))
            return true;
    return false;
}

static int mark_file(void *arg, const char *path, const char *rel, struct err *e)
{
    uint64_t *mark = arg;
    struct stat st;
    (void)e;
    if (is_output(rel) || !is_source_file(rel) || stat(path, &st) < 0)
        return 0;
    const int64_t figures[] = {st.st_size, st.st_mtim.tv_sec, st.st_mtim.tv_nsec,
                               (int64_t)st.st_ino};
    *mark = *mark * 1099511628211u ^ hash_64(figures, sizeof figures) ^
            hash_64(rel, strlen(rel));
    return 0;
}

uint64_t project_mark(const char *project_dir)
{
    uint64_t mark = 1;
    files_walk(project_dir, mark_file, &mark, NULL);
    return mark;
}
