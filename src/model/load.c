/* What is in the folders: every file that makes nodes, package by package. In: the
 * packages. Out: an item for each model, seed, test and analysis, and what the .yml
 * files declare (properties.c). A file that cannot be read stays as a broken item.
 * Called by project_load. */
#include "model/internal.h"

#include <stdlib.h>
#include "base/buf.h"

struct folder {
    struct project *p;
    struct package *pk;
    const char *root; /* "models" */
    enum node_type type;
};

static char *stem(struct project *p, const char *rel)
{
    const char *slash = strrchr(rel, '/');
    char *name = arena_strdup(&p->mem, slash ? slash + 1 : rel);
    char *dot = strrchr(name, '.');
    if (dot)
        *dot = '\0';
    return name;
}

static int add_sql(const struct folder *f, const char *path, const char *rel,
                   struct err *e)
{
    struct project *p = f->p;
    struct item *it = item_new(p, f->pk, f->type);
    struct err why = {0};
    it->pub.name = stem(p, rel);
    it->pub.alias = it->pub.name;
    it->pub.path = arena_join(&p->mem, f->pk->prefix, f->root, "/", rel, NULL);
    it->file = arena_strdup(&p->mem, path);
    it->rel = arena_strdup(&p->mem, rel);
    names_fqn(p, it, rel, NULL);
    if (f->type != NODE_SEED) {
        if (files_read_sum(p, path, &it->raw, &it->raw_len, &it->checksum, &why) < 0) {
            it->raw = "";
            it->checksum = item_checksum(p, "", 0);
            item_break(p, it, why.text);
        } else {
            it->pub.is_blank = strspn(it->raw, " \t\r\n\f\v") == it->raw_len;
        }
    } else {
        it->checksum = files_sum(p, path);
    }
    if (f->type == NODE_ANALYSIS) { /* dbt calls the folder so whatever its name is */
        it->rel = arena_printf(&p->mem, "analysis/%s", rel);
        names_fqn(p, it, it->rel, NULL);
    }
    return item_add(p, it,
                    arena_join(&p->mem, node_type_name(f->type), ".", f->pk->name, ".",
                               it->pub.name, NULL),
                    e);
}

static int on_model_file(void *arg, const char *path, const char *rel, struct err *e)
{
    const struct folder *f = arg;
    if (str_ends(rel, ".sql"))
        return add_sql(f, path, rel, e);
    if (str_ends(rel, ".yml") || str_ends(rel, ".yaml"))
        return properties_read(
            f->p, f->pk, path,
            arena_join(&f->p->mem, f->pk->prefix, f->root, "/", rel, NULL), rel, e);
    return 0;
}

static int on_seed_file(void *arg, const char *path, const char *rel, struct err *e)
{
    return str_ends(rel, ".csv") ? add_sql(arg, path, rel, e)
                                 : on_model_file(arg, path, rel, e);
}

static int on_snapshot_file(void *arg, const char *path, const char *rel, struct err *e)
{
    const struct folder *f = arg;
    if (!str_ends(rel, ".sql"))
        return on_model_file(arg, path, rel, e);
    return snapshots_read(
        f->p, f->pk, path,
        arena_join(&f->p->mem, f->pk->prefix, f->root, "/", rel, NULL), rel, e);
}

static int on_test_file(void *arg, const char *path, const char *rel, struct err *e)
{
    /* tests/generic holds {% test %} macros: macros.c reads them; tests/fixtures the
     * rows of unit tests */
    bool is_other = str_starts(rel, "generic/") || str_starts(rel, "fixtures/");
    return is_other && str_ends(rel, ".sql") ? 0 : on_model_file(arg, path, rel, e);
}

static int walk_paths(struct project *p, struct package *pk, const char *key,
                      const char *fallback, enum node_type type, file_fn *fn,
                      struct err *e)
{
    json_t *paths = package_paths(pk, key, fallback), *one;
    size_t i;
    int rc = 0;
    json_array_foreach (paths, i, one) {
        const char *root = json_string_value(one);
        struct folder f = {p, pk, root ? arena_strdup(&p->mem, root) : "", type};
        if (root && rc == 0)
            rc = files_walk(arena_printf(&p->mem, "%s/%s", pk->dir, root), fn, &f, e);
    }
    json_decref(paths);
    return rc;
}

int load_files(struct project *p, struct err *e)
{
    static const struct {
        const char *key, *fallback;
        enum node_type type;
        file_fn *fn;
    } kinds[] = {
        {"model-paths", "models", NODE_MODEL, on_model_file},
        {"seed-paths", "seeds", NODE_SEED, on_seed_file},
        {"snapshot-paths", "snapshots", NODE_SNAPSHOT, on_snapshot_file},
        {"test-paths", "tests", NODE_TEST, on_test_file},
        {"analysis-paths", "analyses", NODE_ANALYSIS, on_model_file},
    };
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        for (size_t i = 0; i < p->packages.n; i++) {
            int rc = walk_paths(p, p->packages.v[i], kinds[k].key, kinds[k].fallback,
                                kinds[k].type, kinds[k].fn, e);
            if (rc < 0)
                return rc;
        }
    return 0;
}
