/* weir retry: what did not succeed in the last run, again (runner.h). */
#include "base/json.h"
#include "cmd/cmd.h"
#include "cmd/runner.h"

static int run(const struct cmd_args *a, struct err *e)
{
    json_t *args = json_object();
    json_put_str(args, "command", "build");
    json_put_str(args, "scope", "failed");
    return runner_run(a, args, e);
}

static const struct cmd_opt opts[] = {
    {"plan", 0, OPT_FLAG, NULL, "Show what would run, and why, and run nothing.", NULL},
    {0},
};

const struct cmd cmd_retry = {
    .name = "retry",
    .summary = "Run what did not succeed in the last run.",
    .doc =
        "dbt's name for `weir rerun --scope failed`: exactly what failed or was "
        "skipped, as the platform's state has it. Exit status as `weir build`; 3 when "
        "there is nothing to run again.",
    .flags = CMD_MUTATES | CMD_PLANS | CMD_JSON | CMD_DBT,
    .opts = opts,
    .run = run,
};
