/* weir deps: the packages that packages.yml and dependencies.yml name, into the install
 * folder (dbt_packages), and what those name in turn. In: the project's folder. Out:
 * the folder, package-lock.yml. */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "cmd/deps.h"
#include "model/yaml.h"

struct deps {
    const struct cmd_args *a;
    char *folder;   /* of the packages */
    json_t *done;   /* name → the entry that put it there */
    json_t *lock;   /* lines of package-lock.yml */
    json_t *wanted; /* entries of the root project, for the lock's hash */
};

static int read_packages(const char *dir, json_t **out, struct err *e)
{
    static const char *const files[] = {"packages.yml", "dependencies.yml"};
    int rc = 0;
    *out = json_array();
    for (size_t i = 0; rc == 0 && i < 2; i++) {
        char *path = mem_printf("%s/%s", dir, files[i]);
        json_t *conf = NULL;
        if (access(path, F_OK) == 0)
            rc = yaml_read_path(path, files[i], &conf, e);
        if (json_arr(conf, "packages"))
            json_array_extend(*out, json_arr(conf, "packages"));
        json_decref(conf);
        mem_free(path);
    }
    return rc;
}

static int install_of(struct deps *d, const char *dir, int depth, struct err *e);

static int install_one(struct deps *d, const json_t *entry, const char *base, int depth,
                       struct err *e)
{
    char *name = NULL;
    json_t *pinned = NULL;
    int rc = deps_install(entry, base, d->folder, &name, &pinned, e);
    const json_t *other = name ? json_object_get(d->done, name) : NULL;
    if (rc == 0 && !d->a->is_quiet)
        fprintf(stderr, "%s: %s\n", name,
                json_str(pinned, "local", NULL) ? "linked" : "installed");
    if (rc == 0 && !other) {
        json_object_set(d->done, name, pinned);
        json_array_append(d->lock, pinned);
        char *dir = mem_printf("%s/%s", d->folder, name);
        rc = install_of(d, dir, depth + 1, e);
        mem_free(dir);
    }
    json_decref(pinned);
    mem_free(name);
    return rc;
}

/* The packages of a project, and of those packages. */
static int install_of(struct deps *d, const char *dir, int depth, struct err *e)
{
    json_t *list = NULL, *one;
    size_t i;
    int rc = depth > 50 ? err_set(e, ERR_LIMIT,
                                  "%s: packages name each other in a circle", dir)
                        : read_packages(dir, &list, e);
    if (rc == 0 && depth == 0)
        d->wanted = json_incref(list);
    json_array_foreach (list, i, one)
        if (rc == 0)
            rc = install_one(d, one, dir, depth, e);
    json_decref(list);
    return rc;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* dbt's hash of what is asked for: it sees by it that packages.yml changed. */
static char *wanted_hash(const json_t *wanted)
{
    size_t n = json_array_size(wanted), i;
    char **lines = mem_alloc((n + 1) * sizeof *lines);
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    struct buf b;
    json_t *one;
    json_array_foreach (wanted, i, one) {
        json_t *all = json_copy(one);
        json_object_set(all, "unrendered", one);
        struct buf line;
        buf_init(&line, 1u << 20);
        json_dump_buf(all, JSON_SORT_KEYS, &line, NULL);
        lines[i] = mem_strdup(buf_str(&line));
        buf_release(&line);
        json_decref(all);
    }
    qsort(lines, n, sizeof *lines, compare_texts);
    buf_init(&b, 1u << 24);
    for (i = 0; i < n; i++) {
        buf_addf(&b, "%s%s", i ? "\n" : "", lines[i]);
        mem_free(lines[i]);
    }
    EVP_Digest(buf_str(&b), b.len, sum, &size, EVP_sha1(), NULL);
    buf_reset(&b);
    for (unsigned k = 0; k < size; k++)
        buf_addf(&b, "%02x", sum[k]);
    mem_free(lines);
    return buf_take(&b);
}

static int write_lock(const struct deps *d, const char *project, struct err *e)
{
    char *hash = wanted_hash(d->wanted);
    char *path = mem_printf("%s/package-lock.yml", project);
    json_t *lock = json_object();
    struct buf b;
    json_put(lock, "packages", json_incref(d->lock));
    json_put_str(lock, "sha1_hash", hash);
    buf_init(&b, 16u << 20);
    yaml_write(&b, lock);
    int rc = buf_write_file(buf_str(&b), b.len, path, e);
    buf_release(&b);
    json_decref(lock);
    mem_free(path);
    mem_free(hash);
    return rc;
}

static char *install_folder(const char *project)
{
    json_t *conf = NULL;
    char *path = mem_printf("%s/dbt_project.yml", project);
    yaml_read_path(path, "dbt_project.yml", &conf, NULL);
    char *dir = mem_printf("%s/%s", project,
                           json_str(conf, "packages-install-path", "dbt_packages"));
    json_decref(conf);
    mem_free(path);
    return dir;
}

static int tell(const struct deps *d, struct err *e)
{
    size_t n = json_array_size(d->lock);
    if (d->a->is_json)
        return cmd_print_json(d->lock, e);
    if (!d->a->is_quiet && n)
        printf("%zu package%s in %s\n", n, n == 1 ? "" : "s", d->folder);
    else if (!d->a->is_quiet)
        printf("no packages are named in packages.yml or dependencies.yml\n");
    return 0;
}

static int run(const struct cmd_args *a, struct err *e)
{
    const char *project = a->platform->models_project;
    if (!project)
        return err_set(e, ERR_CONFIG, "this platform has no models project");
    if (opt_flag(a, "lock") || opt_text(a, "add-package", NULL))
        return err_set(e, ERR_UNSUPPORTED,
                       "weir deps installs what packages.yml names; --lock and "
                       "--add-package look things up in the hub, which weir does not");
    struct deps d = {.a = a,
                     .folder = install_folder(project),
                     .done = json_object(),
                     .lock = json_array()};
    int rc = install_of(&d, project, 0, e);
    if (rc == 0 && json_array_size(d.lock))
        rc = write_lock(&d, project, e);
    if (rc == 0)
        rc = tell(&d, e);
    json_decref(d.done);
    json_decref(d.lock);
    json_decref(d.wanted);
    mem_free(d.folder);
    return rc;
}

static const struct cmd_opt opts[] = {
    {"upgrade", 0, OPT_FLAG, NULL, "Install anew; that is always done.", NULL},
    {"lock", 0, OPT_FLAG, NULL, "Only the lock file: needs the hub, not done.", NULL},
    {"add-package", 0, OPT_TEXT, "NAME@VERSION", "Needs the hub, not done.", NULL},
    {"source", 0, OPT_TEXT, "hub|git|local", "Of --add-package.", NULL},
    {0},
};

const struct cmd cmd_deps = {
    .name = "deps",
    .summary = "Install the packages that the models project names.",
    .doc =
        "Local folders are linked, tarballs on this machine unpacked (tar), git "
        "repositories cloned (git, of any URL it takes, folders too), each with what "
        "it names itself, into dbt_packages; package-lock.yml says what is there. "
        "Packages of the hub and tarballs of the web are not fetched: the message "
        "says how to put them there.",
    .flags = CMD_MUTATES | CMD_JSON | CMD_DBT,
    .opts = opts,
    .run = run,
};
