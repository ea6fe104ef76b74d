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
    if (opt_text(a, "from", NULL))
        json_put_str(args, "from", opt_text(a, "from", NULL));
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
    {"from", 0, OPT_TEXT, "PLACE",
     "Replay from here on: begin (default), an offset of every partition, or a time "
     "such "
     "as 2017-06-15T06:00:00Z.",
     NULL},
    {"plan", 0, OPT_FLAG, NULL, "Show what would run, and why, and run nothing.", NULL},
    {0},
};

const struct cmd cmd_rerun = {
    .name = "rerun",
    .summary = "Run a node again, or what failed.",
    .operands = "[NODE]",
    .doc =
        "A model, seed, snapshot, test or gate executes again; a streaming node is "
        "replayed. --plan shows the exact list and why each item is on it; the "
        "console's rerun dialog shows the same list. Without NODE: what did not "
        "succeed "
        "in the last run. Exit status as `weir build`; 3 when there is nothing to run "
        "again.\n\n"
        "Replays. A stream job (stream.NAME, or the topic it reads) reads its topic "
        "again "
        "from --from on, as far as it had read it, with the settings and dimension "
        "tables of now. A log is append-only: what the job makes is written behind "
        "what "
        "it made before, and a mark before it makes that void. A load that meets the "
        "mark deletes the rows it makes void and loads those that follow, so every row "
        "is there once; the same happens when the topic is read from its beginning "
        "later. The job's memory (duplicates, means, open windows) is rebuilt up to "
        "the "
        "place from the newest snapshot before it or from the first record kept. A "
        "load "
        "(load.NAME, or its bronze table) deletes its rows from the place on and loads "
        "them again, in one transaction with its offsets. Rows that come again are "
        "newly "
        "loaded (loaded_at): incremental models take them at their next run, and their "
        "unique_key replaces the old ones; with --scope this+ that run is part of the "
        "rerun. What no longer exists in bronze stays in an incremental model until it "
        "is rebuilt (--full-refresh). A table source is read and compared once more. "
        "Nothing else stands still meanwhile; without a platform that runs, one is "
        "started for the replay, as `weir up --once` does.",
    .flags = CMD_MUTATES | CMD_PLANS | CMD_JSON,
    .opts = opts,
    .run = run,
};
