/* Node selection for commands that need no supervisor. In: options and operands. Out:
 * the project's nodes, in order. */
#include "cmd/select.h"

#include <stdio.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/vec.h"
#include "cmd/dbt_flags.h"
#include "orchestrate/graph.h"

typedef VEC(const char *) text_list;

static void add_all(text_list *to, const char *const *list)
{
    for (; list && *list; list++)
        vec_push(to, *list);
}

/* `ls` leaves analyses out unless they are asked for, as dbt does. */
static const char *const *types_of(const struct cmd_args *a)
{
    static const char *const listed[] = {"default", NULL}, *const models[] = {"model",
                                                                              NULL};
    const char *const *types = opt_list(a, "resource-type");
    if (opt_list(a, "models"))
        return models;
    return types || !streq(a->cmd->name, "ls") ? types : listed;
}

static int fill(struct selected *s, const struct graph *g,
                const struct graph_selection *selection, struct err *e)
{
    bool *mark = mem_alloc((g->n + 1) * sizeof *mark);
    int rc = graph_select(g, selection, mark, e);
    s->nodes = mem_alloc((g->n + 1) * sizeof *s->nodes);
    for (size_t i = 0; rc == 0 && i < g->n; i++)
        if (mark[i] && g->nodes[i].node)
            s->nodes[s->n++] = g->nodes[i].node;
    mem_free(mark);
    return rc;
}

static void print_warnings(const struct cmd_args *a, const struct project *p,
                           const json_t *more)
{
    const json_t *one;
    size_t i;
    for (i = 0; !a->is_quiet && i < project_n_warnings(p); i++)
        fprintf(stderr, "warning: %s\n", project_warning(p, i));
    json_array_foreach (more, i, one)
        fprintf(stderr, "warning: %s\n", json_string_value(one));
}

int select_nodes(const struct cmd_args *a, const char *indirect, struct selected *s,
                 struct err *e)
{
    text_list select = {0}, exclude = {0};
    struct graph g = {0};
    int rc = dbt_engine(a, &s->engine, e);
    if (rc < 0)
        return rc;
    add_all(&select, opt_list(a, "select"));
    add_all(&select, opt_list(a, "models"));
    for (int i = 0; i < a->argc; i++)
        vec_push(&select, a->argv[i]);
    add_all(&exclude, opt_list(a, "exclude"));
    bool has_select = select.n > 0, has_exclude = exclude.n > 0;
    vec_push(&select, NULL);
    vec_push(&exclude, NULL);
    json_t *warnings = json_array(), *selectors = NULL;
    struct graph_selection selection = {
        .select = has_select ? select.v : NULL,
        .exclude = has_exclude ? exclude.v : NULL,
        .indirect = opt_text(a, "indirect-selection", indirect),
        .selector = opt_text(a, "selector", NULL),
        .types = types_of(a),
        .exclude_types = opt_list(a, "exclude-resource-type"),
        .warnings = warnings};
    rc = graph_selectors_load(a->platform->models_project, &selectors, e);
    selection.selectors = selectors;
    if (rc == 0 && opt_text(a, "state", NULL)) {
        rc = graph_state_load(&selection, opt_text(a, "state", ""),
                              project_target_dir(s->engine.project), e);
        selection.manifest = project_manifest(s->engine.project);
    }
    if (rc == 0 && (rc = graph_build(&g, a->platform, s->engine.project, e)) == 0) {
        rc = fill(s, &g, &selection, e);
        print_warnings(a, s->engine.project, warnings);
        graph_release(&g);
        if (rc == 0)
            rc = sql_engine_warnings(&s->engine, warnings, e);
        if (rc == 0)
            rc = sql_engine_defer(&s->engine, e);
    }
    json_decref(warnings);
    json_decref(selectors);
    graph_state_release(&selection);
    vec_release(&select);
    vec_release(&exclude);
    return rc;
}

void select_release(struct selected *s)
{
    sql_engine_release(&s->engine);
    mem_free(s->nodes);
    *s = (struct selected){0};
}
