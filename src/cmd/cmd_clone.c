/* weir clone: the relations of another environment, here, without building them
 * (runner.h). In: the manifest of --state. */
#include <stdlib.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "cmd/cmd.h"
#include "cmd/dbt_flags.h"
#include "cmd/runner.h"

static int check_state(const struct cmd_args *a, struct err *e)
{
    const char *dir = opt_text(a, "defer-state", opt_text(a, "state", NULL));
    if (!dir)
        return err_set(e, ERR_USAGE,
                       "weir clone needs --state DIR (or --defer-state DIR): the "
                       "folder of the manifest.json whose relations are cloned");
    char *path = mem_printf("%s/manifest.json", dir);
    bool is_there = access(path, R_OK) == 0;
    mem_free(path);
    return is_there ? 0
                    : err_set(e, ERR_USAGE,
                              "--state %.300s: there is no manifest.json to read; give "
                              "the target folder of the other environment",
                              dir);
}

static int run(const struct cmd_args *a, struct err *e)
{
    int rc = check_state(a, e);
    json_t *request = rc == 0 ? runner_request(a, "clone", e) : NULL;
    return request ? runner_run(a, request, e) : ERR_USAGE;
}

static const struct cmd_opt opts[] = {
    {"select", 's', OPT_LIST, "SELECTOR", "What to clone, in dbt's selection grammar.",
     NULL},
    {"exclude", 0, OPT_LIST, "SELECTOR", "What to leave out of it.", NULL},
    {"selector", 0, OPT_TEXT, "NAME", "A selection of selectors.yml.", NULL},
    DBT_TYPE_OPTIONS,
    {"full-refresh", 'f', OPT_FLAG, NULL, "Also what is here already.",
     "DBT_FULL_REFRESH"},
    {"plan", 0, OPT_FLAG, NULL, "Show what would be cloned, and clone nothing.", NULL},
    {0},
};

const struct cmd cmd_clone = {
    .name = "clone",
    .summary = "Relations of another environment, here, without building them.",
    .operands = "[SELECTOR…]",
    .doc =
        "Seeds, models and snapshots that the manifest.json of --state has are cloned "
        "from the relations it names. Where the warehouse can copy a table without "
        "copying its rows (the project's macro can_clone_table says so) that is done; "
        "else a view is made on the other relation. What is here already stays as it "
        "is, unless --full-refresh is given; what the manifest does not have is left "
        "out. Nothing waits for anything, on-run-start and on-run-end are not run.\n\n"
        "Exit status as `weir build`.",
    .flags = CMD_MUTATES | CMD_PLANS | CMD_JSON | CMD_DBT,
    .opts = opts,
    .run = run,
};
