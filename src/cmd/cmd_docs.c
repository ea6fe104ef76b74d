/* weir docs generate: what docs viewers read, manifest.json with the compiled SQL and
 * catalog.json with what the warehouse says of the relations. In: the project, the
 * warehouse (read-only). Out: files of the target folder. */
#include <stdio.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "cmd/select.h"

static bool has_sql(const struct node *n)
{
    return n->type == NODE_MODEL || n->type == NODE_ANALYSIS || n->type == NODE_TEST ||
           n->type == NODE_SNAPSHOT;
}

/* Compiled code becomes part of the manifest. What does not compile is told. */
static int compile_all(struct selected *s, struct err *e)
{
    int failed = 0;
    for (size_t i = 0; i < s->n; i++) {
        struct err why = {0};
        struct buf sql;
        if (!has_sql(s->nodes[i]))
            continue;
        buf_init(&sql, 64u << 20);
        if (model_compile(s->engine.project, s->engine.w, s->nodes[i], &sql, &why) <
            0) {
            fprintf(stderr, "%s\n", why.text);
            failed++;
        }
        buf_release(&sql);
    }
    return failed ? err_set(e, ERR_FAIL, "%d node%s not compile", failed,
                            failed == 1 ? " does" : "s do")
                  : 0;
}

static int tell(const struct cmd_args *a, size_t n, struct err *e)
{
    json_t *flags = dbt_flags(a, e), *o = json_object();
    char *dir = sql_target_dir(a->platform, flags);
    int rc = 0;
    json_put_str(o, "target", dir);
    json_put_i64(o, "relations", (int64_t)n);
    if (a->is_json)
        rc = cmd_print_json(o, e);
    else if (!a->is_quiet)
        printf("%zu relations; manifest.json and catalog.json in %s\n", n, dir);
    mem_free(dir);
    json_decref(flags);
    json_decref(o);
    return rc;
}

static int generate(const struct cmd_args *a, struct err *e)
{
    struct selected s = {0};
    struct err failed = {0};
    size_t n = 0;
    int compiled = 0, rc = select_nodes(a, "eager", &s, e);
    if (rc == 0)
        rc = sql_engine_warehouse(&s.engine, true, e);
    if (rc == 0 && opt_flag_or(a, "compile", true))
        compiled = compile_all(&s, &failed);
    if (rc == 0)
        rc = project_write_manifest(s.engine.project, e);
    if (rc == 0)
        rc = project_write_catalog(
            s.engine.project, opt_flag(a, "empty-catalog") ? NULL : s.engine.w, &n, e);
    if (rc == 0 && compiled == 0)
        rc = tell(a, n, e);
    if (rc == 0 && compiled < 0)
        rc = err_set(e, compiled, "%s", failed.text);
    select_release(&s);
    return rc;
}

static int run(const struct cmd_args *a, struct err *e)
{
    const char *verb = a->argc ? a->argv[0] : "";
    struct cmd_args rest = *a;
    if (a->argc)
        rest.argc--, rest.argv++;
    if (opt_flag(a, "static"))
        return err_set(e, ERR_UNSUPPORTED,
                       "weir docs: --static needs the viewer's page, which is not part "
                       "of weir; `dbt docs generate --static` makes it");
    if (streq(verb, "generate"))
        return generate(&rest, e);
    if (streq(verb, "serve"))
        return err_set(e, ERR_UNSUPPORTED,
                       "weir docs serve: the viewer is not part of weir; `weir docs "
                       "generate` writes the manifest.json and catalog.json it reads, "
                       "and `dbt docs serve` or any such viewer shows them");
    return err_set(e, ERR_USAGE, "weir docs %s: expected generate or serve", verb);
}

static const struct cmd_opt opts[] = {
    {"select", 's', OPT_LIST, "SELECTOR", "Nodes to compile, in dbt's grammar (all).",
     NULL},
    {"exclude", 0, OPT_LIST, "SELECTOR", "Nodes not to compile.", NULL},
    {"selector", 0, OPT_TEXT, "NAME", "A selection of selectors.yml.", NULL},
    {"compile", 0, OPT_FLAG, NULL, "Compile first (yes); --no-compile: as they are.",
     NULL},
    {"empty-catalog", 0, OPT_FLAG, NULL, "Ask the warehouse nothing.", NULL},
    {"static", 0, OPT_FLAG, NULL, "One page with everything; not made by weir.", NULL},
    {"host", 0, OPT_TEXT, "HOST", "serve: taken for dbt's sake.", NULL},
    {"port", 0, OPT_INT, "PORT", "serve: taken for dbt's sake.", NULL},
    {"browser", 0, OPT_FLAG, NULL, "serve: taken for dbt's sake.", NULL},
    {0},
};

const struct cmd cmd_docs = {
    .name = "docs",
    .summary = "Write what docs viewers read: the manifest and the catalog.",
    .operands = "generate|serve",
    .doc =
        "generate compiles every model and test, then writes manifest.json with the "
        "SQL and catalog.json with the relations that are there, their columns and "
        "types. serve only says how to look at them: the viewer is not part of weir.",
    .flags = CMD_READONLY | CMD_JSON | CMD_DBT,
    .opts = opts,
    .run = run,
};
