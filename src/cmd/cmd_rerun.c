/* weir rerun: run a node again, with what is above or below it, or what failed. */
#include "base/json.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "cmd/runner.h"

static int run(const struct cmd_args *a, struct err *e)
{
    static const char *const scopes[] = {"this", "this+", "+this", "failed"};
    const char *scope = opt_text(a, "scope", a->argc ? "this" : "failed");
    bool is_known = false;
    for (size_t i = 0; i < 4; i++)
        is_known |= streq(scope, scopes[i]);
    if (!is_known)
        return err_set(e, ERR_USAGE,
                       "--scope %.40s: expected this, this+, +this or failed", scope);
    if (a->argc > 1 || (a->argc == 0 && !streq(scope, "failed")))
        return err_set(e, ERR_USAGE,
                       "weir rerun takes one node (`weir ls` lists them)");
    json_t *args = json_object();
    json_put_str(args, "command", "build");
    json_put_str(args, "scope", scope);
    if (a->argc)
        json_put_str(args, "node", a->argv[0]);
    if (opt_flag(a, "full-refresh"))
        json_put_flag(args, "full_refresh", true);
    return runner_run(a, args, e);
}

static const struct cmd_opt opts[] = {
    {"scope", 0, OPT_TEXT, "SCOPE",
     "this (default), this+ with what depends on it, +this with what it depends on, "
     "failed: "
     "what did not succeed in the last run.",
     NULL},
    {"full-refresh", 'f', OPT_FLAG, NULL, "Rebuild incremental models from nothing.",
     NULL},
    {"plan", 0, OPT_FLAG, NULL, "Show what would run, and why, and run nothing.", NULL},
    {0},
};

const struct cmd cmd_rerun = {
    .name = "rerun",
    .summary = "Run a node again, or what failed.",
    .operands = "[NODE]",
    .doc = "A model, seed, snapshot, test or gate executes again; a streaming node is "
           "replayed. --plan shows the exact list and why each item is on it; the "
           "console's "
           "rerun dialog shows the same list. Without NODE: what did not succeed in "
           "the last "
           "run. Exit status as `weir build`; 3 when there is nothing to run again.",
    .flags = CMD_MUTATES | CMD_PLANS | CMD_JSON,
    .opts = opts,
    .run = run,
};
