/* weir build, run, test, seed, snapshot: run what a selection names (runner.h). */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/runner.h"

static int run(const struct cmd_args *a, struct err *e)
{
    json_t *request = runner_request(a, a->cmd->name, e);
    return request ? runner_run(a, request, e) : ERR_USAGE;
}

#define HOW                                                                            \
    "With a platform running here the run is queued there and followed; without one "  \
    "a "                                                                               \
    "supervisor is started in the foreground for this run alone. Lines and exit "      \
    "status "                                                                          \
    "are the same: 0 all good, 1 something failed, 3 nothing selected, 5 blocked by "  \
    "a "                                                                               \
    "gate."
#define FLAGS (CMD_MUTATES | CMD_PLANS | CMD_JSON | CMD_DBT)

const struct cmd cmd_build = {
    .name = "build",
    .summary = "Seeds, models, snapshots, their tests and gates, in order.",
    .operands = "[SELECTOR…]",
    .doc =
        "A model's own tests and the gates on it run on what is about to be published; "
        "what fails them is not published, and what depends on it is skipped.\n\n" HOW,
    .flags = FLAGS,
    .opts = runner_opts,
    .run = run,
};
const struct cmd cmd_run = {
    .name = "run",
    .summary = "Models only, without tests.",
    .operands = "[SELECTOR…]",
    .doc = HOW,
    .flags = FLAGS,
    .opts = runner_opts,
    .run = run,
};
const struct cmd cmd_test = {
    .name = "test",
    .summary = "Tests only, on what is published.",
    .operands = "[SELECTOR…]",
    .doc = HOW,
    .flags = FLAGS,
    .opts = runner_opts,
    .run = run,
};
const struct cmd cmd_seed = {
    .name = "seed",
    .summary = "Load the project's CSV seeds.",
    .operands = "[SELECTOR…]",
    .doc = HOW,
    .flags = FLAGS,
    .opts = runner_opts,
    .run = run,
};
const struct cmd cmd_snapshot = {
    .name = "snapshot",
    .summary = "Snapshots only: keep the versions of rows that change.",
    .operands = "[SELECTOR…]",
    .doc = "Their tests are not run; weir build runs them before it publishes. A "
           "snapshot's table is never dropped, with --full-refresh neither.\n\n" HOW,
    .flags = FLAGS,
    .opts = runner_opts,
    .run = run,
};
