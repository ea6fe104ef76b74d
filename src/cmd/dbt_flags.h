/* The flags of an invocation by dbt's names. */
#ifndef CMD_DBT_FLAGS_H
#define CMD_DBT_FLAGS_H

#include "cmd/cmd.h"
#include "worker/sql.h"

/* {"which": "build", "select": […], "full_refresh": false, "vars": {…}, …}: every
 * option of the command and of dbt with its value or dbt's default, as the workers get
 * them and as `args` of run_results.json has them. Paths are absolute. A new reference;
 * NULL when --vars is no mapping (e). */
json_t *dbt_flags(const struct cmd_args *a, struct err *e);
/* The models project as the options want it, loaded into g (zeroed before; to be
 * released by sql_engine_release whatever is returned). */
int dbt_engine(const struct cmd_args *a, struct sql_engine *g, struct err *e);

#endif
