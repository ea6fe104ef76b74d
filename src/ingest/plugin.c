/* Finding and loading source plugins.
 *
 * in: a plugin's name. out: its checked descriptor. Called by the ingest worker and by
 * `weir source`. Always holds: loading happens in a process that may die of it; a
 * plugin of another ABI or without the symbol is refused with its file's name. */
#include "ingest/ingest.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/buf.h"
#include "base/mem.h"
#include "base/vec.h"
#include "ingest/guard.h"

#define SUFFIX ".so"

typedef bool dir_fn(void *arg, const char *dir);

/* Folders of the search path in order, until fn says true. */
static bool each_dir(dir_fn *fn, void *arg)
{
    const char *env = getenv("WEIR_PLUGIN_PATH");
    char dir[PATH_MAX], exe[PATH_MAX];
    while (env && *env) {
        size_t n = strcspn(env, ":");
        if (n > 0 && n < sizeof(dir)) {
            memcpy(dir, env, n);
            dir[n] = 0;
            if (fn(arg, dir))
                return true;
        }
        env += n + (env[n] == ':');
    }
    ssize_t len = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
    if (len <= 0)
        return false;
    exe[len] = 0;
    char *slash = strrchr(exe, '/');
    *slash = 0;
    snprintf(dir, sizeof(dir), "%.*s/plugins", PATH_MAX - 32, exe);
    if (fn(arg, dir))
        return true;
    snprintf(dir, sizeof(dir), "%.*s/../lib/weir/plugins", PATH_MAX - 32, exe);
    return fn(arg, dir);
}

struct lister {
    plugin_name_fn *fn;
    void *arg;
};

static bool list_dir(void *arg, const char *dir)
{
    struct lister *l = arg;
    struct dirent **names;
    int n = scandir(dir, &names, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        char path[PATH_MAX], *name = names[i]->d_name;
        size_t len = strlen(name);
        if (len > strlen(SUFFIX) && str_ends(name, SUFFIX)) {
            snprintf(path, sizeof(path), "%s/%s", dir, name);
            name[len - strlen(SUFFIX)] = 0;
            l->fn(l->arg, name, path);
        }
        free(names[i]);
    }
    if (n >= 0)
        free(names);
    return false;
}

void plugin_each(plugin_name_fn *fn, void *arg)
{
    struct lister l = {fn, arg};
    each_dir(list_dir, &l);
}

struct finder {
    const char *name;
    char path[PATH_MAX];
};

static bool find_in(void *arg, const char *dir)
{
    struct finder *f = arg;
    int n = snprintf(f->path, sizeof(f->path), "%s/%s" SUFFIX, dir, f->name);
    return n > 0 && (size_t)n < sizeof(f->path) && access(f->path, R_OK) == 0;
}

struct known {
    VEC(char *) names;
};

static void add_name(void *arg, const char *name, const char *path)
{
    struct known *k = arg;
    (void)path;
    for (size_t i = 0; i < k->names.n; i++) {
        if (streq(k->names.v[i], name))
            return;
    }
    vec_push(&k->names, mem_strdup(name));
}

static int not_found(const char *name, struct err *e)
{
    struct known k = {0};
    struct buf list;
    buf_init(&list, 4096);
    plugin_each(add_name, &k);
    for (size_t i = 0; i < k.names.n; i++)
        buf_addf(&list, "%s%s", i ? ", " : "", k.names.v[i]);
    const char *near =
        str_nearest(name, (const char *const *)(void *)k.names.v, k.names.n);
    int rc;
    if (near)
        rc = err_set(e, ERR_NOTFOUND,
                     "no plugin \"%s\"; did you mean \"%s\"? There are: %s", name, near,
                     buf_str(&list));
    else
        rc = err_set(e, ERR_NOTFOUND,
                     "no plugin \"%s\"; there are: %s (WEIR_PLUGIN_PATH adds folders)",
                     name, list.len ? buf_str(&list) : "none");
    for (size_t i = 0; i < k.names.n; i++)
        mem_free(k.names.v[i]);
    vec_release(&k.names);
    buf_release(&list);
    return rc;
}

/* Are all calls there that a host of this version makes? */
static int check_descriptor(const char *path, const struct weir_plugin *p,
                            struct err *e)
{
    if (p->abi != WEIR_PLUGIN_ABI)
        return err_set(e, ERR_PLUGIN,
                       "%s: plugin ABI %u, this weir has %d: build it again with the "
                       "include/weir of this version",
                       path, p->abi, WEIR_PLUGIN_ABI);
    const char *missing = !p->name         ? "name"
                          : !p->open       ? "open"
                          : !p->next       ? "next"
                          : !p->checkpoint ? "checkpoint"
                          : !p->close      ? "close"
                                           : NULL;
    if (missing)
        return err_set(e, ERR_PLUGIN, "%s: the plugin's descriptor has no %s", path,
                       missing);
    return 0;
}

int plugin_load(const char *name, void **handle, const struct weir_plugin **out,
                struct err *e)
{
    struct finder f = {.name = name};
    if (strchr(name, '/'))
        str_copy(f.path, sizeof(f.path), name);
    else if (!each_dir(find_in, &f))
        return not_found(name, e);
    guard_enter("load");
    *handle = dlopen(f.path, RTLD_NOW | RTLD_LOCAL);
    guard_leave();
    if (!*handle)
        return err_set(e, ERR_PLUGIN, "plugin %s cannot be loaded: %s", name,
                       dlerror());
    *out = dlsym(*handle, WEIR_PLUGIN_SYMBOL);
    int rc = *out ? check_descriptor(f.path, *out, e)
                  : err_set(e, ERR_PLUGIN,
                            "%s: no symbol " WEIR_PLUGIN_SYMBOL
                            ": is it a weir plugin? (it must have default visibility)",
                            f.path);
    if (rc < 0) {
        dlclose(*handle);
        *handle = NULL;
    }
    return rc;
}
