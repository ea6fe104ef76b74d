/* weir worker: a child of the supervisor. Hidden: started by hand only to look at one.
 */
#include "cmd/cmd.h"
#include "worker/worker.h"

static int run(const struct cmd_args *a, struct err *e)
{
    (void)e;
    return worker_main(a->platform, a->argc, a->argv);
}

const struct cmd cmd_worker = {
    .name = "worker",
    .summary = "One worker process (the supervisor starts them).",
    .operands = "KIND [OPERAND…]",
    .doc =
        "Started by hand it has no supervisor: messages go to stderr as lines of JSON.",
    .flags = CMD_HIDDEN,
    .run = run,
};
