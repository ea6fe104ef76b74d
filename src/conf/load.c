/* conf_load: finds the project, reads weir.yml, applies --set and fills struct platform
 * by walking the tree along the section table. Called by cmd_main (and so by every
 * worker). Always holds: a platform that conf_load returns is complete: every field has
 * its value or default, every path is absolute, every reference between sections
 * exists. */
#include "conf/load.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "base/timeutil.h"

#define CONF_FILE_MAX ((size_t)1 << 20)
#define PATH_TEXT_MAX 400

static bool has_file(const char *dir, const char *name)
{
    char path[PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return access(path, F_OK) == 0;
}

static bool is_project(const char *dir)
{
    return has_file(dir, "weir.yml") || has_file(dir, "dbt_project.yml");
}

/* The project folder, absolute: given, from the environment, or the nearest parent. */
static int find_project(struct load *l, const char *given)
{
    char dir[PATH_MAX];
    if (!given)
        given = getenv("WEIR_PROJECT_DIR");
    if (!given || !*given)
        given = getenv("DBT_PROJECT_DIR");
    if (given && *given) {
        if (!realpath(given, dir))
            return err_set(l->e, ERR_CONFIG,
                           "%s: %s; give the folder of weir.yml with "
                           "--project-dir",
                           given, strerror(errno));
        if (!is_project(dir))
            return err_set(l->e, ERR_CONFIG,
                           "%s: neither weir.yml nor dbt_project.yml is "
                           "there; `weir init %s` makes a project",
                           given, given);
        l->p->project_dir = arena_strdup(l->arena, dir);
        return 0;
    }
    if (!getcwd(dir, sizeof dir))
        return err_errno(l->e, ERR_CONFIG, "the current folder");
    while (!is_project(dir)) {
        char *slash = strrchr(dir, '/');
        if (!slash || slash == dir)
            return err_set(l->e, ERR_CONFIG,
                           "no weir.yml or dbt_project.yml here or in a "
                           "folder above; go to a project, give --project-dir, or make "
                           "one with `weir init`");
        *slash = '\0';
    }
    l->p->project_dir = arena_strdup(l->arena, dir);
    return 0;
}

static void find_state(struct load *l, const char *given)
{
    if (!given || !*given)
        given = getenv("WEIR_STATE_DIR");
    char cwd[PATH_MAX];
    if (given && *given && getcwd(cwd, sizeof cwd))
        l->p->state_dir = load_path(l, cwd, given);
    else
        l->p->state_dir = arena_printf(l->arena, "%s/.weir", l->p->project_dir);
}

/* Name of the file in messages: relative to the current folder where that is shorter.
 */
static const char *display_name(struct load *l, const char *path)
{
    char cwd[PATH_MAX];
    if (!getcwd(cwd, sizeof cwd))
        return path;
    size_t n = strlen(cwd);
    bool is_below = strncmp(path, cwd, n) == 0 && path[n] == '/';
    return is_below ? arena_strdup(l->arena, path + n + 1) : path;
}

static int read_tree(struct load *l, struct arena *scratch, struct tree **root)
{
    struct platform *p = l->p;
    if (!has_file(p->project_dir, "weir.yml")) {
        l->file = "weir.yml";
        return tree_parse(scratch, l->file, "", 0, root, l->e);
    }
    p->file = arena_printf(l->arena, "%s/weir.yml", p->project_dir);
    l->file = display_name(l, p->file);
    struct buf b;
    buf_init(&b, CONF_FILE_MAX);
    int rc = buf_read_file(&b, p->file, l->e);
    if (rc == ERR_LIMIT)
        rc = err_set(l->e, ERR_CONFIG, "%s: larger than 1 MiB; settings are short",
                     l->file);
    else if (rc < 0)
        l->e ? (l->e->code = rc = ERR_CONFIG) : 0;
    if (rc == 0)
        rc = tree_parse(scratch, l->file, buf_str(&b), b.len, root, l->e);
    buf_release(&b);
    if (rc == 0 && (*root)->kind != TREE_MAP)
        return load_fail(l, *root, "",
                         "expected a mapping (name: value lines), found %s",
                         tree_kind_name((*root)->kind));
    return rc;
}

static int apply_sets(struct load *l, struct arena *scratch, struct tree *root,
                      const char *const *sets)
{
    const char *env = getenv("WEIR_SET");
    for (const char *p = env; p && *p;) {
        size_t n = strcspn(p, "\n");
        const char *one = arena_strndup(scratch, p, n);
        int rc = *one ? tree_set(scratch, root, one, "WEIR_SET", l->e) : 0;
        if (rc < 0)
            return rc;
        p += n + (p[n] == '\n');
    }
    for (size_t i = 0; sets && sets[i]; i++) {
        int rc = tree_set(scratch, root, sets[i], "--set", l->e);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* ---- walking ---- */

static int fill(struct load *l, enum conf_section_id id, const struct tree *map,
                const char *path, void *base);

static bool is_known(enum conf_section_id id, const char *key)
{
    return conf_row_find(id, key) || conf_section_find(id, key);
}

static int unknown_key(struct load *l, enum conf_section_id id, const struct tree *t,
                       const char *path)
{
    struct tree at = *t;
    if (t->key_line) {
        at.line = t->key_line;
        at.column = t->key_column;
    }
    const char *near = conf_row_nearest(id, t->key);
    return load_fail(l, &at, path, "unknown setting \"%.80s\"%s%s%s", t->key,
                     near ? "; did you mean \"" : "; see `man weir.yml`",
                     near ? near : "", near ? "\"?" : "");
}

/* Keys of a source that no row knows are the plugin's settings. */
static int fill_settings(struct load *l, const struct tree *map, const char *path,
                         struct conf_source *s)
{
    struct conf_pair *out = arena_alloc(l->arena, (map->n + 1) * sizeof *out);
    char sub[PATH_TEXT_MAX];
    for (const struct tree *t = map->first; t; t = t->next) {
        if (is_known(CONF_SOURCE, t->key))
            continue;
        snprintf(sub, sizeof sub, "%.250s.%.100s", path, t->key);
        int rc = value_pair(l, t, sub, &out[s->n_settings]);
        if (rc < 0)
            return rc;
        s->n_settings++;
    }
    s->settings = out;
    return 0;
}

static int check_keys(struct load *l, enum conf_section_id id, const struct tree *map,
                      const char *path)
{
    if (!map || id == CONF_SOURCE)
        return 0;
    for (const struct tree *t = map->first; t; t = t->next)
        if (!is_known(id, t->key))
            return unknown_key(l, id, t, path);
    return 0;
}

static int check_name(struct load *l, const struct conf_section *s,
                      const struct tree *t, const char *path)
{
    size_t n = strlen(t->key);
    bool ok = n <= 100;
    for (size_t i = 0; i < n && ok; i++)
        ok = strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.",
                    t->key[i]) != NULL;
    if (!ok)
        return load_fail(l, t, path,
                         "\"%.60s\" is no name here: letters, digits, _ - and "
                         ". only, at most 100",
                         t->key);
    if (s->id == CONF_FRESHNESS && !strchr(t->key, '.'))
        return load_fail(l, t, path, "\"%.60s\": expected schema.table", t->key);
    return 0;
}

static int fill_many(struct load *l, const struct conf_section *s,
                     const struct tree *map)
{
    size_t n = map ? map->n : 0, i = 0;
    char *array = arena_alloc(l->arena, (n + 1) * s->size);
    char path[PATH_TEXT_MAX];
    for (const struct tree *t = map ? map->first : NULL; t; t = t->next, i++) {
        void *entry = array + i * s->size;
        snprintf(path, sizeof path, "%s.%.200s", s->key, t->key);
        int rc = check_name(l, s, t, s->key);
        if (rc < 0)
            return rc;
        /* The name is the first field of each entry's struct. */
        *(const char **)entry = arena_strdup(l->arena, t->key);
        bool is_empty = t->kind == TREE_SCALAR && t->is_plain &&
                        (!*t->text || streq(t->text, "~") || streq(t->text, "null"));
        if (t->kind != TREE_MAP && !is_empty)
            return load_fail(l, t, path, "expected a mapping (name: value), found %s",
                             tree_kind_name(t->kind));
        if ((rc = fill(l, s->id, is_empty ? NULL : t, path, entry)) < 0)
            return rc;
        if (s->id == CONF_SOURCE && !is_empty &&
            (rc = fill_settings(l, t, path, entry)) < 0)
            return rc;
    }
    *(void **)(void *)((char *)l->p + s->array_at) = array;
    *(size_t *)(void *)((char *)l->p + s->n_at) = n;
    return 0;
}

static bool is_nothing(const struct tree *t)
{
    return !t || (t->kind == TREE_SCALAR && t->is_plain &&
                  (!*t->text || streq(t->text, "null") || streq(t->text, "~")));
}

static int fill_section(struct load *l, const struct conf_section *s,
                        const struct tree *t, const char *path, void *base)
{
    bool is_default = is_nothing(t);
    if (!is_default && t->kind != TREE_MAP)
        return load_fail(l, t, path, "expected a mapping (name: value), found %s",
                         tree_kind_name(t->kind));
    if (s->is_many)
        return fill_many(l, s, is_default ? NULL : t);
    /* Kafka's required settings only count when Kafka is asked for. */
    if (s->id == CONF_KAFKA && !t)
        return 0;
    if (s->id == CONF_KAFKA)
        l->p->bus_kind = "kafka";
    if (t && (s->id == CONF_SQLITE || s->id == CONF_POSTGRES))
        l->p->has_warehouse = true;
    if (t && s->id == CONF_POSTGRES)
        l->p->warehouse_kind = "postgres";
    return fill(l, s->id, is_default ? NULL : t, path, base);
}

static int fill(struct load *l, enum conf_section_id id, const struct tree *map,
                const char *path, void *base)
{
    char sub[PATH_TEXT_MAX];
    int rc = check_keys(l, id, map, path);
    for (size_t i = 0; i < conf_n_rows && rc == 0; i++) {
        const struct conf_row *r = &conf_rows[i];
        if (r->section != id)
            continue;
        snprintf(sub, sizeof sub, "%s%s%s", path, *path ? "." : "", r->name);
        const struct tree *t = tree_get(map, r->name);
        rc = value_parse(l, r, is_nothing(t) ? NULL : t, sub, base);
        if (rc < 0 && !r->standard && !t && map && map->line)
            return load_fail(l, map, path, "\"%s\" is missing: %s", r->name, r->doc);
    }
    for (size_t i = 1; i < CONF_N_SECTIONS && rc == 0; i++) {
        const struct conf_section *s = &conf_sections[i];
        if (s->parent != id)
            continue;
        snprintf(sub, sizeof sub, "%s%s%s", path, *path ? "." : "", s->key);
        rc = fill_section(l, s, tree_get(map, s->key), sub, base);
    }
    return rc;
}

static int set_as_of(struct load *l, const char *given)
{
    if (!given)
        given = getenv("WEIR_AS_OF");
    l->p->as_of_ms = -1;
    if (!given || !*given || time_parse_iso(str_of(given), &l->p->as_of_ms))
        return 0;
    return err_set(l->e, ERR_USAGE,
                   "--as-of %s: expected a time such as "
                   "2017-06-05T23:59:59Z",
                   given);
}

static int check_warehouse(struct load *l, const struct tree *t)
{
    static const char *const ways[] = {"sqlite", "postgres", "profile"};
    const char *first = NULL;
    for (size_t i = 0; t && i < 3; i++) {
        if (!tree_get(t, ways[i]))
            continue;
        if (first)
            return load_fail(l, tree_get(t, ways[i]), "warehouse",
                             "%s and %s exclude each other; keep one", first, ways[i]);
        first = ways[i];
    }
    return 0;
}

static int load_all(struct load *l, const struct conf_options *o, struct arena *scratch)
{
    struct tree *root;
    int rc = find_project(l, o->project_dir);
    if (rc < 0)
        return rc;
    find_state(l, o->state_dir);
    l->p->bus_kind = "embedded";
    l->p->warehouse_kind = "sqlite";
    if ((rc = read_tree(l, scratch, &root)) < 0 ||
        (rc = apply_sets(l, scratch, root, o->sets)) < 0 ||
        (rc = set_as_of(l, o->as_of)) < 0 ||
        (rc = fill(l, CONF_ROOT, root, "", l->p)) < 0)
        return rc;
    if (tree_get(tree_get(root, "bus"), "kafka") &&
        tree_get(tree_get(root, "bus"), "embedded"))
        return load_fail(l, tree_get(root, "bus"), "bus",
                         "embedded and kafka exclude each other; keep one");
    if ((rc = check_warehouse(l, tree_get(root, "warehouse"))) < 0)
        return rc;
    return derive_all(l);
}

static void keep_lists(struct load *l)
{
    struct platform *p = l->p;
    size_t n_origins = l->origins.n, n_given = l->given_paths.n;
    struct conf_origin *origins =
        arena_alloc(l->arena, (n_origins + 1) * sizeof *origins);
    struct conf_pair *given = arena_alloc(l->arena, (n_given + 1) * sizeof *given);
    if (n_origins)
        memcpy(origins, l->origins.v, n_origins * sizeof *origins);
    if (n_given)
        memcpy(given, l->given_paths.v, n_given * sizeof *given);
    p->origins = origins;
    p->n_origins = n_origins;
    p->given_paths = given;
    p->n_given_paths = n_given;
}

int conf_load(struct platform **out, const struct conf_options *o, struct err *e)
{
    static const struct conf_options none;
    struct platform *p = mem_alloc(sizeof *p);
    struct arena scratch;
    struct err local = {0};
    *out = NULL;
    arena_init(&p->arena, 0);
    arena_init(&scratch, 0);
    struct load l = {
        .p = p, .arena = &p->arena, .file = "weir.yml", .e = e ? e : &local};
    int rc = load_all(&l, o ? o : &none, &scratch);
    if (rc == 0)
        keep_lists(&l);
    vec_release(&l.origins);
    vec_release(&l.given_paths);
    arena_release(&scratch);
    if (rc < 0)
        conf_free(p);
    else
        *out = p;
    return rc;
}

void conf_free(struct platform *p)
{
    if (!p)
        return;
    struct arena a = p->arena;
    arena_release(&a);
    mem_free(p);
}

#define CONF_FIND(function, type, array, count)                                        \
    const struct type *function(const struct platform *p, const char *name)            \
    {                                                                                  \
        for (size_t i = 0; name && i < p->count; i++)                                  \
            if (streq(p->array[i].name, name))                                         \
                return &p->array[i];                                                   \
        return NULL;                                                                   \
    }
CONF_FIND(conf_source, conf_source, sources, n_sources)
CONF_FIND(conf_topic, conf_topic, topics, n_topics)
CONF_FIND(conf_stream, conf_stream, streams, n_streams)
CONF_FIND(conf_load_row, conf_load, loads, n_loads)
CONF_FIND(conf_pool, conf_pool, pools, n_pools)

const char *conf_state_path(const struct platform *p, const char *name, char *out,
                            size_t size)
{
    snprintf(out, size, "%s/%s", p->state_dir, name);
    return out;
}
