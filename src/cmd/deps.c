/* One package of packages.yml into dbt_packages: a local folder as a link, a tarball
 * unpacked by tar, a git repository cloned by git (of any URL that git takes, a folder
 * too). In: the entry. Out: the folder dbt_packages/NAME, NAME as its dbt_project.yml
 * says. Called by cmd_deps.c. Always holds: an old folder of that name is replaced only
 * once the new one is complete. */
#include "cmd/deps.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "model/yaml.h"

static int remove_path(const char *path, const struct stat *st, int type, struct FTW *f)
{
    (void)st, (void)type, (void)f;
    return remove(path);
}

static void remove_tree(const char *dir)
{
    nftw(dir, remove_path, 16, FTW_DEPTH | FTW_PHYS);
}

/* A program that must end well; what it says goes to stderr. */
static int run_program(const char *const *argv, struct err *e)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        dup2(STDERR_FILENO, STDOUT_FILENO);
        execvp(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    if (pid < 0)
        return err_errno(e, ERR_IO, "%s", argv[0]);
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return err_errno(e, ERR_IO, "%s", argv[0]);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
        return err_set(e, ERR_UNAVAILABLE, "%s is not installed here", argv[0]);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return err_set(e, ERR_FAIL, "%s did not succeed (status %d); see above",
                       argv[0], WIFEXITED(status) ? WEXITSTATUS(status) : -1);
    return 0;
}

/* The name in the dbt_project.yml of a folder; mem_free. */
static int package_name(const char *dir, char **name, struct err *e)
{
    json_t *conf = NULL;
    char *path = mem_printf("%s/dbt_project.yml", dir);
    int rc = access(path, F_OK) == 0
                 ? yaml_read_path(path, path, &conf, e)
                 : err_set(e, ERR_CONFIG,
                           "%s: there is no dbt_project.yml in this package", dir);
    if (rc == 0 && !json_str(conf, "name", NULL))
        rc = err_set(e, ERR_CONFIG, "%s: \"name\" is missing", path);
    if (rc == 0)
        *name = mem_strdup(json_str(conf, "name", ""));
    json_decref(conf);
    mem_free(path);
    return rc;
}

/* What stood at path (a folder or a link) makes room. */
static void make_room(const char *path)
{
    if (unlink(path) != 0 && errno != ENOENT)
        remove_tree(path);
}

static char *absolute(const char *base, const char *path)
{
    char real[PATH_MAX];
    char *full = *path == '/' ? mem_strdup(path) : mem_printf("%s/%s", base, path);
    char *out = realpath(full, real) ? mem_strdup(real) : mem_strdup(full);
    mem_free(full);
    return out;
}

static int install_local(const json_t *entry, const char *base, const char *folder,
                         char **name, struct err *e)
{
    char *from = absolute(base, json_str(entry, "local", ""));
    int rc = package_name(from, name, e);
    if (rc == 0) {
        char *to = mem_printf("%s/%s", folder, *name);
        make_room(to);
        if (symlink(from, to) != 0)
            rc = err_errno(e, ERR_IO, "%s", to);
        mem_free(to);
    }
    mem_free(from);
    return rc;
}

/* The folder below dir that has the project: itself, sub, or the only folder in it. */
static char *project_folder(const char *dir, const char *sub)
{
    char *at = sub && *sub ? mem_printf("%s/%s", dir, sub) : mem_strdup(dir);
    char *conf = mem_printf("%s/dbt_project.yml", at);
    bool is_here = access(conf, F_OK) == 0;
    mem_free(conf);
    return is_here || (sub && *sub) ? at : (mem_free(at), NULL);
}

/* From the folder that it was unpacked into to its own name. */
static int take_over(const char *from, const char *folder, char **name, struct err *e)
{
    int rc = package_name(from, name, e);
    if (rc < 0)
        return rc;
    char *to = mem_printf("%s/%s", folder, *name);
    make_room(to);
    if (rename(from, to) != 0)
        rc = err_errno(e, ERR_IO, "%s", to);
    mem_free(to);
    return rc;
}

static bool is_remote(const char *url)
{
    return str_starts(url, "http://") || str_starts(url, "https://");
}

static int install_tarball(const json_t *entry, const char *base, const char *folder,
                           const char *tmp, char **name, struct err *e)
{
    const char *url = json_str(entry, "tarball", "");
    if (is_remote(url))
        return err_set(e, ERR_UNSUPPORTED,
                       "tarball %.300s: weir fetches nothing from the web; download it "
                       "and give its path as tarball:",
                       url);
    char *file = absolute(base, str_starts(url, "file://") ? url + 7 : url);
    const char *argv[] = {
        "tar", "-xf", file, "-C", tmp, "--strip-components=1", "--no-same-owner", NULL};
    int rc = run_program(argv, e);
    if (rc == 0)
        rc = take_over(tmp, folder, name, e);
    mem_free(file);
    (void)base;
    return rc;
}

/* The commit that is checked out in dir, for the lock; mem_free. */
static char *head_of(const char *dir)
{
    char line[80] = "";
    char *path = mem_printf("%s/.git/HEAD", dir);
    FILE *f = fopen(path, "re");
    if (f && !fgets(line, sizeof line, f))
        line[0] = '\0';
    if (f)
        fclose(f);
    mem_free(path);
    line[strcspn(line, "\n")] = '\0';
    return mem_strdup(line);
}

static int install_git(const json_t *entry, const char *base, const char *folder,
                       const char *tmp, char **name, char **commit, struct err *e)
{
    const char *url = json_str(entry, "git", ""),
               *sub = json_str(entry, "subdirectory", "");
    const char *revision = json_str(entry, "revision", NULL);
    if (*url == '-' || (revision && *revision == '-')) /* no option of git's */
        return err_set(e, ERR_CONFIG, "git: %.200s: a name may not begin with -", url);
    char *from =
        strstr(url, "://") || strchr(url, '@') ? mem_strdup(url) : absolute(base, url);
    const char *clone[] = {"git", "clone", "--quiet", "--", from, tmp, NULL};
    const char *detach[] = {"git",
                            "-C",
                            tmp,
                            "checkout",
                            "--quiet",
                            "--detach",
                            revision ? revision : "HEAD",
                            NULL};
    int rc = run_program(clone, e);
    if (rc == 0)
        rc = run_program(detach, e);
    if (rc == 0)
        *commit = head_of(tmp);
    char *at = rc == 0 ? project_folder(tmp, sub) : NULL;
    if (rc == 0)
        rc = at ? take_over(at, folder, name, e)
                : err_set(e, ERR_CONFIG,
                          "%s: there is no dbt_project.yml in it; "
                          "subdirectory: names the folder",
                          url);
    mem_free(at);
    mem_free(from);
    return rc;
}

static int install_fetched(const json_t *entry, const char *base, const char *folder,
                           char **name, json_t *pinned, struct err *e)
{
    char *tmp = mem_printf("%s/.weir-XXXXXX", folder), *commit = NULL;
    if (!mkdtemp(tmp)) {
        mem_free(tmp);
        return err_errno(e, ERR_IO, "%s", folder);
    }
    bool is_git = json_str(entry, "git", NULL) != NULL;
    int rc = is_git ? install_git(entry, base, folder, tmp, name, &commit, e)
                    : install_tarball(entry, base, folder, tmp, name, e);
    if (commit && *commit)
        json_put_str(pinned, "revision", commit);
    remove_tree(tmp); /* what is left of it: all of it when something failed */
    mem_free(commit);
    mem_free(tmp);
    return rc;
}

/* A package of the hub: it may have been put there by dbt or by hand. */
static int check_hub(const json_t *entry, const char *folder, char **name,
                     struct err *e)
{
    const char *package = json_str(entry, "package", ""),
               *slash = strrchr(package, '/');
    char *dir = mem_printf("%s/%s", folder, slash ? slash + 1 : package);
    struct err none = {0};
    int rc = package_name(dir, name, &none);
    if (rc < 0)
        rc = err_set(e, ERR_UNSUPPORTED,
                     "package %.200s: weir does not fetch from the hub. Put it into %s "
                     "(`dbt deps` does, and so does unpacking its release there), or "
                     "name it by git:, tarball: or local:",
                     package, dir);
    mem_free(dir);
    return rc;
}

int deps_install(const json_t *entry, const char *base, const char *folder, char **name,
                 json_t **pinned, struct err *e)
{
    static const char *const kept[] = {"local",    "git",     "tarball",     "package",
                                       "revision", "version", "subdirectory"};
    *name = NULL;
    *pinned = json_object();
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (json_object_get(entry, kept[i]))
            json_object_set(*pinned, kept[i], json_object_get(entry, kept[i]));
    if (mkdir(folder, 0777) != 0 && errno != EEXIST)
        return err_errno(e, ERR_IO, "%s", folder);
    int rc = json_str(entry, "local", NULL)
                 ? install_local(entry, base, folder, name, e)
             : json_str(entry, "git", NULL) || json_str(entry, "tarball", NULL)
                 ? install_fetched(entry, base, folder, name, *pinned, e)
             : json_str(entry, "package", NULL)
                 ? check_hub(entry, folder, name, e)
                 : err_set(e, ERR_CONFIG,
                           "packages: an entry has none of local:, git:, tarball: and "
                           "package:");
    if (rc == 0)
        json_put_str(*pinned, "name", *name);
    return rc;
}
