/* weir completion: the bash completion, made from the command table. */
#include <stdio.h>

#include "cmd/cmd.h"

static int run(const struct cmd_args *a, struct err *e)
{
    (void)a;
    struct buf b;
    buf_init(&b, (size_t)1 << 20);
    cmd_write_completion(&b);
    int rc = buf_check(&b, "completion", e);
    if (rc == 0)
        fwrite(buf_str(&b), 1, b.len, stdout);
    buf_release(&b);
    return rc;
}

const struct cmd cmd_completion = {
    .name = "completion",
    .summary = "Print the bash completion.",
    .doc = "Prints a script for bash. To use it at once: source <(weir completion).",
    .flags = CMD_READONLY | CMD_NO_PROJECT,
    .run = run,
};
