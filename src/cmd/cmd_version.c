/* weir version: the version, and with -o json what it was built for. */
#include <stdio.h>

#include "base/json.h"
#include "cmd/cmd.h"

static int run(const struct cmd_args *a, struct err *e)
{
    if (!a->is_json) {
        printf("weir %s\n", WEIR_VERSION);
        return 0;
    }
    json_t *v = json_object();
    json_put_str(v, "version", WEIR_VERSION);
    json_put_str(v, "bus", "embedded, kafka");
    json_put_str(v, "warehouse", "sqlite, postgres");
    int rc = cmd_print_json(v, e);
    json_decref(v);
    return rc;
}

const struct cmd cmd_version = {
    .name = "version",
    .summary = "Show the version.",
    .doc = "Prints the version of weir.",
    .flags = CMD_READONLY | CMD_JSON | CMD_NO_PROJECT,
    .run = run,
};
