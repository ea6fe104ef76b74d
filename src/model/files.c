/* Files of a project: walking folders and reading text. In: a folder. Out: each file
 * once, in name order, so that what depends on order (macros of the same name) is
 * stable. */
#include "model/internal.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include "base/buf.h"
#include "base/hash.h"
#include "base/text.h"

#define MAX_FILE  (50u << 20)
#define MAX_DEPTH 40

struct walk {
    file_fn *fn;
    void *arg;
};

struct entry {
    char *name;
    unsigned char type; /* DT_… as the folder tells it */
};

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

static int walk_dir(const struct walk *w, const char *dir, const char *rel, int depth,
                    struct err *e);

/* What an entry is, behind links; the folder often tells without a look at it. */
static unsigned char type_of(const char *path, unsigned char told)
{
    struct stat st;
    if (told != DT_UNKNOWN && told != DT_LNK)
        return told;
    if (stat(path, &st) < 0)
        return DT_UNKNOWN;
    return S_ISDIR(st.st_mode) ? DT_DIR : S_ISREG(st.st_mode) ? DT_REG : DT_UNKNOWN;
}

static int walk_entry(const struct walk *w, const char *dir, const char *rel,
                      const struct entry *entry, int depth, struct err *e)
{
    struct arena mem;
    arena_init(&mem, 0);
    char *path = arena_join(&mem, dir, "/", entry->name, NULL);
    char *inner = arena_join(&mem, rel, *rel ? "/" : "", entry->name, NULL);
    unsigned char type = type_of(path, entry->type);
    int rc = 0;
    if (type == DT_DIR)
        rc = walk_dir(w, path, inner, depth + 1, e);
    else if (type == DT_REG)
        rc = w->fn(w->arg, path, inner, e);
    arena_release(&mem);
    return rc;
}

static int walk_dir(const struct walk *w, const char *dir, const char *rel, int depth,
                    struct err *e)
{
    VEC(struct entry) names = {0};
    int rc = 0;
    if (depth > MAX_DEPTH)
        return err_set(e, ERR_LIMIT,
                       "%s: folders nested more than %d deep (a link to "
                       "itself?)",
                       dir, MAX_DEPTH);
    DIR *d = opendir(dir);
    if (!d)
        return errno == ENOENT || errno == ENOTDIR
                   ? 0
                   : err_errno(e, ERR_IO, "read the folder %s", dir);
    for (struct dirent *de; (de = readdir(d));)
        if (de->d_name[0] != '.')
            vec_push(&names, ((struct entry){mem_strdup(de->d_name), de->d_type}));
    closedir(d);
    if (names.n)
        qsort(names.v, names.n, sizeof *names.v, by_name);
    for (size_t i = 0; i < names.n; i++) {
        if (rc == 0)
            rc = walk_entry(w, dir, rel, &names.v[i], depth, e);
        mem_free(names.v[i].name);
    }
    vec_release(&names);
    return rc;
}

int files_walk(const char *dir, file_fn *fn, void *arg, struct err *e)
{
    struct walk w = {fn, arg};
    return walk_dir(&w, dir, "", 0, e);
}

int files_read(struct project *p, const char *path, const char **text, size_t *n,
               struct err *e)
{
    struct buf b;
    buf_init(&b, MAX_FILE);
    int rc = buf_read_file(&b, path, e);
    if (rc == 0 && !text_is_utf8(buf_str(&b), b.len))
        rc = err_set(e, ERR_PARSE, "%s: not UTF-8 text", path);
    if (rc < 0) {
        buf_release(&b);
        return rc;
    }
    *n = b.len;
    char *kept = b.len ? buf_take(&b) : mem_strdup("");
    vec_push(&p->texts, kept);
    *text = kept;
    return 0;
}

/* ── has anything changed? ── */

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
    if (is_output(rel) || stat(path, &st) < 0)
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
