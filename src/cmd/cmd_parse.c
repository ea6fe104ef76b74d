/* weir parse: read the models project and write its manifest. In: the project's files.
 * Out: STATE/target/manifest.json, the warnings. */
#include <stdio.h>

#include "base/json.h"
#include "cmd/cmd.h"
#include "cmd/dbt_flags.h"

static int tell(const struct cmd_args *a, struct project *p, struct err *e)
{
    size_t n = project_n_nodes(p), warnings = project_n_warnings(p);
    size_t faults = project_n_faults(p);
    json_t *o = json_object();
    json_put_str(o, "project", project_name(p));
    json_put_i64(o, "nodes", (int64_t)n);
    json_put_i64(o, "warnings", (int64_t)(warnings - faults));
    json_put_i64(o, "errors", (int64_t)faults);
    int rc = 0;
    for (size_t i = 0; i < warnings; i++)
        if (project_is_fault(p, i) || !a->is_quiet)
            fprintf(stderr, "%s: %s\n", project_is_fault(p, i) ? "error" : "warning",
                    project_warning(p, i));
    if (a->is_json)
        rc = cmd_print_json(o, e);
    else if (!a->is_quiet)
        printf("%s: %zu nodes, %zu warnings; manifest in %s/manifest.json\n",
               project_name(p), n, warnings - faults, project_target_dir(p));
    json_decref(o);
    if (rc == 0 && faults)
        rc = err_set(e, ERR_PARSE, "%zu of the project's files or nodes cannot be used",
                     faults);
    return rc;
}

static int run(const struct cmd_args *a, struct err *e)
{
    struct sql_engine g = {0};
    int rc = dbt_engine(a, &g, e);
    if (rc == 0)
        rc = project_write_manifest(g.project, e);
    if (rc == 0)
        rc = tell(a, g.project, e);
    sql_engine_release(&g);
    return rc;
}

const struct cmd cmd_parse = {
    .name = "parse",
    .summary = "Read the models project and write its manifest.",
    .doc =
        "Writes STATE/target/manifest.json (v12) and tells what the project's files "
        "were warned of. A file or node that cannot be used is an error: status 2. The "
        "warehouse is not touched.",
    .flags = CMD_MUTATES | CMD_JSON | CMD_DBT,
    .run = run,
};
