/* What the invocation's flags ask of the whole run: --defer needs the selection before
 * the first node compiles (as does clone), --warn-error the project's warnings. In: the
 * engine with its flags. Called by the sql worker before a task and by the commands. */
#include "worker/sql.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "orchestrate/graph.h"

/* A JSON list of texts as a NULL-terminated array; NULL when empty. mem_free. */
static const char **texts(const json_t *flags, const char *key)
{
    const json_t *list = json_arr(flags, key);
    size_t n = json_array_size(list);
    const char **out = n ? mem_alloc((n + 1) * sizeof *out) : NULL;
    for (size_t i = 0; i < n; i++) {
        const char *text = json_string_value(json_array_get(list, i));
        out[i] = text ? text : "";
    }
    return out;
}

static int choose(struct sql_engine *g, const struct graph *graph, bool *mark,
                  struct err *e)
{
    const json_t *f = g->flags;
    json_t *selectors = NULL;
    const char **select = texts(f, "select"), **exclude = texts(f, "exclude");
    struct graph_selection s = {.select = select,
                                .exclude = exclude,
                                .selector = json_str(f, "selector", NULL),
                                .indirect = json_str(f, "indirect_selection", NULL)};
    int rc = graph_selectors_load(g->p->models_project, &selectors, e);
    s.selectors = selectors;
    if (rc == 0 && json_str(f, "state", NULL)) {
        rc = graph_state_load(&s, json_str(f, "state", ""), NULL, e);
        s.manifest = project_manifest(g->project);
    }
    if (rc == 0)
        rc = graph_select(graph, &s, mark, e);
    graph_state_release(&s);
    json_decref(selectors);
    mem_free(select);
    mem_free(exclude);
    return rc;
}

int sql_engine_defer(struct sql_engine *g, struct err *e)
{
    const char *dir =
        json_str(g->flags, "defer_state", json_str(g->flags, "state", NULL));
    struct graph graph = {0};
    bool is_asked = json_flag(g->flags, "defer", false) ||
                    streq(json_str(g->flags, "which", ""), "clone");
    if (!is_asked || project_has_defer(g->project))
        return 0;
    if (!dir)
        return err_set(
            e, ERR_USAGE,
            "--defer needs --state DIR (or --defer-state DIR): the folder of "
            "the manifest.json to read from");
    int rc = graph_build(&graph, g->p, g->project, e);
    if (rc < 0)
        return rc;
    bool *mark = mem_alloc((graph.n + 1) * sizeof *mark);
    const char **ids = mem_alloc((graph.n + 1) * sizeof *ids);
    size_t n = 0;
    rc = choose(g, &graph, mark, e);
    for (size_t i = 0; rc == 0 && i < graph.n; i++)
        if (mark[i] && graph.nodes[i].node)
            ids[n++] = graph.nodes[i].node->unique_id;
    if (rc == 0)
        rc = project_set_defer(g->project, dir, ids, n, e);
    mem_free(ids);
    mem_free(mark);
    graph_release(&graph);
    return rc;
}

/* Whether warnings of a name are errors, by --warn-error and --warn-error-options. */
bool sql_is_error(const json_t *flags, const char *name)
{
    const json_t *o = json_obj(flags, "warn_error_options"), *one;
    const json_t *error = json_object_get(o, "error");
    error = error ? error : json_object_get(o, "include"); /* dbt's older name */
    static const char *const spared[] = {"warn", "silence", "exclude"};
    size_t i;
    for (size_t k = 0; k < 3; k++)
        json_array_foreach (json_arr(o, spared[k]), i, one)
            if (json_is_string(one) && streq(json_string_value(one), name))
                return false;
    if (json_flag(flags, "warn_error", false))
        return true;
    if (json_is_string(error))
        return streq(json_string_value(error), "all") ||
               streq(json_string_value(error), "*");
    json_array_foreach (error, i, one)
        if (json_is_string(one) && (streq(json_string_value(one), name) ||
                                    streq(json_string_value(one), "all")))
            return true;
    return false;
}

int sql_engine_warnings(const struct sql_engine *g, const json_t *selection,
                        struct err *e)
{
    if (project_n_warnings(g->project) && sql_is_error(g->flags, "ProjectWarning"))
        return err_set(e, ERR_CONFIG, "--warn-error: %s",
                       project_warning(g->project, 0));
    if (json_array_size(selection) &&
        sql_is_error(g->flags, "NoNodesForSelectionCriteria"))
        return err_set(e, ERR_CONFIG, "--warn-error: %s",
                       json_string_value(json_array_get(selection, 0)));
    return 0;
}
