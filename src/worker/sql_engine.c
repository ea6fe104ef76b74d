/* Project and warehouse of the platform, opened when first needed and kept. In: the
 * platform. Called by the sql worker and by the commands compile, ls and query. */
#include "worker/sql.h"

#include "base/mem.h"
#include "base/str.h"

#define MAX_SCHEMAS 64
/* A model builds under its schema's lock, so one of the same schema may wait long. */
#define LOCK_WAIT_MS (4 * 3600 * 1000)

int sql_engine_project(struct sql_engine *g, const char *vars, struct err *e)
{
    const struct platform *p = g->p;
    if (!p->models_project)
        return err_set(
            e, ERR_CONFIG,
            "this platform has no models project; name its folder in weir.yml "
            "under models: {project: …}");
    uint64_t mark = project_mark(p->models_project);
    bool is_same = g->project && g->mark == mark &&
                   streq(g->vars ? g->vars : "", vars ? vars : "");
    if (is_same)
        return 0;
    project_free(g->project);
    g->project = NULL;
    mem_free(g->vars);
    g->vars = mem_strdup(vars);
    char *target = mem_printf("%s/target", p->state_dir);
    struct project_options o = {.project_dir = p->models_project,
                                .vars = vars,
                                .adapter = p->warehouse_kind,
                                .schema = "main",
                                .dialect = p->dialect,
                                .target_path = target,
                                .now_ms = g->now_ms};
    int rc = project_load(&g->project, &o, e);
    g->mark = mark;
    mem_free(target);
    return rc;
}

static bool uses_main(const struct project *p)
{
    for (size_t i = 0; p && i < project_n_nodes(p); i++) {
        const struct node *n = project_node(p, i);
        if (n->schema && streq(n->schema, "main") && n->type != NODE_TEST)
            return true;
    }
    return false;
}

int sql_engine_warehouse(struct sql_engine *g, bool is_readonly, struct err *e)
{
    const char *schemas[MAX_SCHEMAS + 2];
    size_t n = 0;
    if (g->w)
        return 0;
    for (; g->p->schemas && g->p->schemas[n] && n < MAX_SCHEMAS; n++)
        schemas[n] = g->p->schemas[n];
    if (uses_main(g->project))
        schemas[n++] = "main";
    schemas[n] = NULL;
    struct wh_options o = {.kind = g->p->warehouse_kind,
                           .dir = g->p->warehouse_dir,
                           .schemas = schemas,
                           .dialect = g->p->dialect,
                           .is_readonly = is_readonly,
                           .now_ms = g->now_ms,
                           .busy_timeout_ms = LOCK_WAIT_MS};
    return wh_open(&g->w, &o, e);
}

void sql_engine_release(struct sql_engine *g)
{
    project_free(g->project);
    wh_close(g->w);
    wh_close(g->quarantine);
    mem_free(g->vars);
    *g = (struct sql_engine){0};
}
