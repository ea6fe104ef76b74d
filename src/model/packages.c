/* Packages: dbt_project.yml of the root and of every package found on disk. They come
 * from packages.yml or dependencies.yml (local: paths) and from the install folder
 * (dbt_packages); nothing is downloaded. */
#include "model/internal.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "model/yaml.h"

static bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

static struct package *package_named(const struct project *p, const char *name)
{
    for (size_t i = 0; i < p->packages.n; i++)
        if (streq(p->packages.v[i]->name, name))
            return p->packages.v[i];
    return NULL;
}

static int package_load(struct project *p, const char *dir, const char *prefix,
                        struct package **out, struct err *e)
{
    char *path = arena_printf(&p->mem, "%s/dbt_project.yml", dir);
    char *shown = arena_printf(&p->mem, "%sdbt_project.yml", prefix);
    json_t *conf;
    *out = NULL;
    if (!exists(path))
        return err_set(e, ERR_CONFIG, "%s: there is no dbt_project.yml in this folder",
                       dir);
    int rc = files_yaml(p, path, shown, &conf, e);
    if (rc < 0)
        return rc;
    const char *name = json_str(conf, "name", NULL);
    if (!name || !*name) {
        json_decref(conf);
        return err_set(e, ERR_CONFIG, "%s: \"name\" is missing; add name: my_project",
                       shown);
    }
    struct package *pk = arena_alloc(&p->mem, sizeof *pk);
    *pk = (struct package){.name = arena_strdup(&p->mem, name),
                           .dir = arena_strdup(&p->mem, dir),
                           .prefix = arena_strdup(&p->mem, prefix),
                           .conf = conf};
    *out = pk;
    return 0;
}

static int package_add(struct project *p, const char *dir, const char *prefix,
                       struct err *e);

/* Packages a project names by path, and those its own packages name. */
static int declared_packages(struct project *p, const char *dir, struct err *e)
{
    static const char *const files[] = {"packages.yml", "dependencies.yml"};
    int rc = 0;
    for (size_t f = 0; rc == 0 && f < 2; f++) {
        char *path = arena_printf(&p->mem, "%s/%s", dir, files[f]);
        json_t *conf = NULL, *one;
        size_t i;
        if (!exists(path))
            continue;
        if ((rc = files_yaml(p, path, files[f], &conf, e)) < 0)
            return rc;
        json_array_foreach (json_arr(conf, "packages"), i, one) {
            const char *local = json_str(one, "local", NULL);
            if (!local || rc < 0)
                continue;
            char *sub = *local == '/' ? arena_strdup(&p->mem, local)
                                      : arena_printf(&p->mem, "%s/%s", dir, local);
            rc = package_add(p, sub, arena_printf(&p->mem, "%s/", local), e);
        }
        json_decref(conf);
    }
    return rc;
}

static int package_add(struct project *p, const char *dir, const char *prefix,
                       struct err *e)
{
    struct package *pk, *same;
    char real[4096];
    const char *at = realpath(dir, real) ? real : dir;
    int rc = package_load(p, at, prefix, &pk, e);
    if (rc < 0)
        return rc;
    if (streq(pk->name, p->root->name) || (same = package_named(p, pk->name))) {
        json_decref(pk->conf);
        same = package_named(p, pk->name);
        if (same && streq(same->dir, at))
            return 0;
        return err_set(e, ERR_CONFIG, "%s: two packages have the name \"%s\"", dir,
                       pk->name);
    }
    vec_push(&p->packages, pk);
    return declared_packages(p, at, e);
}

static int installed_packages(struct project *p, struct err *e)
{
    const char *folder =
        json_str(p->root->conf, "packages-install-path", "dbt_packages");
    char *dir = arena_printf(&p->mem, "%s/%s", p->dir, folder);
    DIR *d = opendir(dir);
    int rc = 0;
    if (!d)
        return 0;
    for (struct dirent *de; rc == 0 && (de = readdir(d));) {
        char *sub = arena_printf(&p->mem, "%s/%s", dir, de->d_name);
        char *conf = arena_printf(&p->mem, "%s/dbt_project.yml", sub);
        if (de->d_name[0] != '.' && exists(conf))
            rc = package_add(p, sub,
                             arena_printf(&p->mem, "%s/%s/", folder, de->d_name), e);
    }
    closedir(d);
    return rc;
}

int packages_load(struct project *p, struct err *e)
{
    int rc = package_load(p, p->dir, "", &p->root, e);
    if (rc < 0)
        return rc;
    p->root->is_root = true;
    if ((rc = declared_packages(p, p->dir, e)) == 0)
        rc = installed_packages(p, e);
    vec_push(&p->packages, p->root);
    return rc;
}

json_t *package_paths(const struct package *pk, const char *key, const char *fallback)
{
    json_t *list = json_object_get(pk->conf, key);
    if (json_is_array(list))
        return json_incref(list);
    list = json_array();
    json_array_append_new(list, json_string(fallback));
    return list;
}
