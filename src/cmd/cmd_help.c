/* weir help: for those who type it instead of --help. */
#include "cmd/cmd.h"

static int run(const struct cmd_args *a, struct err *e)
{
    const struct cmd *c = NULL;
    if (a->argc > 1)
        return err_set(e, ERR_USAGE, "weir help takes the name of one command");
    int rc = a->argc ? cmd_get(a->argv[0], &c, e) : 0;
    return rc < 0 ? rc : cmd_print_help(c);
}

const struct cmd cmd_help = {
    .name = "help",
    .summary = "Explain a command, or list them.",
    .operands = "[COMMAND]",
    .doc = "The same as weir COMMAND --help.",
    .flags = CMD_READONLY | CMD_NO_PROJECT,
    .run = run,
};
