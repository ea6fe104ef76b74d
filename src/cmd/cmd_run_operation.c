/* weir run-operation: call a macro of the models project with the warehouse open. */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/dbt_flags.h"

static int run(const struct cmd_args *a, struct err *e)
{
    struct sql_engine g = {0};
    if (a->argc != 1)
        return err_set(e, ERR_USAGE, "weir run-operation takes the name of one macro");
    int rc = dbt_engine(a, &g, e);
    if (rc == 0)
        rc = sql_engine_warehouse(&g, false, e);
    if (rc == 0)
        rc = project_run_operation(g.project, g.w, a->argv[0],
                                   opt_text(a, "args", NULL), e);
    if (rc == 0 && !a->is_quiet)
        fprintf(stderr, "%s: done\n", a->argv[0]);
    sql_engine_release(&g);
    return rc;
}

static const struct cmd_opt opts[] = {
    {"args", 0, OPT_TEXT, "YAML", "Arguments of the macro, as '{name: value}'.", NULL},
    {0},
};

const struct cmd cmd_run_operation = {
    .name = "run-operation",
    .summary = "Call a macro of the models project.",
    .operands = "MACRO",
    .doc = "MACRO is a name, or PACKAGE.NAME. Its run_query and statement calls go to "
           "the warehouse and are committed one by one.",
    .flags = CMD_MUTATES | CMD_DBT,
    .opts = opts,
    .run = run,
};
