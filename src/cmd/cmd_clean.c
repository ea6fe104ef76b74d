/* weir clean: remove what the models project's runs wrote for people and tools. */
#include <errno.h>
#include <ftw.h>
#include <stdio.h>

#include "base/mem.h"
#include "cmd/cmd.h"

static int remove_path(const char *path, const struct stat *st, int type, struct FTW *f)
{
    (void)st;
    (void)type;
    (void)f;
    return remove(path);
}

static int run(const struct cmd_args *a, struct err *e)
{
    char *dir = mem_printf("%s/target", a->platform->state_dir);
    bool is_gone = nftw(dir, remove_path, 16, FTW_DEPTH | FTW_PHYS) == 0;
    int rc = 0;
    if (!is_gone && errno != ENOENT)
        rc = err_errno(e, ERR_IO, "%s", dir);
    else if (!a->is_quiet)
        printf("%s: %s\n", dir, is_gone ? "removed" : "was not there");
    mem_free(dir);
    return rc;
}

const struct cmd cmd_clean = {
    .name = "clean",
    .summary = "Remove STATE/target: compiled SQL and artifacts.",
    .doc = "The warehouse, the bus and the packages of the project stay: packages here "
           "are folders of the project, not downloads.",
    .flags = CMD_MUTATES | CMD_DBT,
    .run = run,
};
