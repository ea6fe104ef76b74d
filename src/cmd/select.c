/* Node selection for commands that need no supervisor. In: options and operands. Out:
 * the project's nodes, in order. */
#include "cmd/select.h"

#include <stdio.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/vec.h"
#include "orchestrate/graph.h"

typedef VEC(const char *) text_list;

static void add_all(text_list *to, const char *const *list)
{
    for (; list && *list; list++)
        vec_push(to, *list);
}

static const char *type_of(const struct node *n)
{
    static const char *const names[] = {"model",     "seed",     "snapshot",  "test",
                                        "unit_test", "analysis", "operation", "source",
                                        "exposure",  "macro"};
    return names[n->type];
}

/* --resource-type, given any number of times; all types without it. */
static bool is_of_type(const struct cmd_args *a, const struct node *n)
{
    const char *const *types = opt_list(a, "resource-type");
    /* `ls` leaves analyses out unless they are asked for, as dbt does */
    bool is_default = n->type != NODE_ANALYSIS || !streq(a->cmd->name, "ls");
    bool is_any = !types && is_default;
    for (; types && *types; types++)
        is_any |= streq(*types, type_of(n)) || streq(*types, "all") ||
                  (streq(*types, "default") && is_default);
    return is_any;
}

static int fill(const struct cmd_args *a, struct selected *s, const struct graph *g,
                const struct graph_selection *selection, struct err *e)
{
    bool *mark = mem_alloc((g->n + 1) * sizeof *mark);
    int rc = graph_select(g, selection, mark, e);
    s->nodes = mem_alloc((g->n + 1) * sizeof *s->nodes);
    for (size_t i = 0; rc == 0 && i < g->n; i++)
        if (mark[i] && g->nodes[i].node && is_of_type(a, g->nodes[i].node))
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
    s->engine = (struct sql_engine){.p = a->platform, .now_ms = a->platform->as_of_ms};
    int rc = sql_engine_project(&s->engine, opt_text(a, "vars", NULL), e);
    if (rc < 0)
        return rc;
    add_all(&select, opt_list(a, "select"));
    for (int i = 0; i < a->argc; i++)
        vec_push(&select, a->argv[i]);
    add_all(&exclude, opt_list(a, "exclude"));
    bool has_select = select.n > 0, has_exclude = exclude.n > 0;
    vec_push(&select, NULL);
    vec_push(&exclude, NULL);
    json_t *warnings = json_array(), *selectors = NULL;
    struct graph_selection selection = {.select = has_select ? select.v : NULL,
                                        .exclude = has_exclude ? exclude.v : NULL,
                                        .indirect =
                                            opt_text(a, "indirect-selection", indirect),
                                        .selector = opt_text(a, "selector", NULL),
                                        .warnings = warnings};
    rc = graph_selectors_load(a->platform->models_project, &selectors, e);
    selection.selectors = selectors;
    if (rc == 0 && opt_text(a, "state", NULL)) {
        rc = graph_state_load(&selection, opt_text(a, "state", ""), e);
        selection.manifest = project_manifest(s->engine.project);
    }
    if (rc == 0 && (rc = graph_build(&g, a->platform, s->engine.project, e)) == 0) {
        rc = fill(a, s, &g, &selection, e);
        print_warnings(a, s->engine.project, warnings);
        graph_release(&g);
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
