/* Plans: the graph, a request, the one planner, and what only a process with the bus
 * and the warehouse at hand can add. In: the data of a plan task (wire.h). Out: PLAN
 * (orchestrate/plan.h). Called by the sql worker. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "orchestrate/plan.h"
#include "worker/sql.h"

/* A JSON list of texts, or one text, as a NULL-terminated array; mem_free. */
static const char **text_list(const json_t *v)
{
    size_t n = json_is_array(v) ? json_array_size(v) : json_is_string(v) ? 1 : 0;
    if (!n)
        return NULL;
    const char **out = mem_alloc((n + 1) * sizeof *out);
    for (size_t i = 0; i < n; i++) {
        const json_t *one = json_is_array(v) ? json_array_get(v, i) : v;
        out[i] = json_is_string(one) ? json_string_value(one) : "";
    }
    return out;
}

static void refresh_item(json_t *item)
{
    const char *detail = json_str(item, "detail", "");
    json_put_flag(item, "full_refresh", true);
    if (!str_starts(detail, "incremental ") || strstr(detail, "(full refresh)"))
        return;
    size_t n = strcspn(detail, ",");
    char *text = mem_printf("%.*s (full refresh)%s", (int)n, detail, detail + n);
    json_put_str(item, "detail", text);
    mem_free(text);
}

/* Items that the selection `refresh` holds are rebuilt from nothing, the others are
 * not: one run (a schedule's full_refresh). */
static int mark_refresh(const struct graph *g, const char *refresh, json_t *plan,
                        struct err *e)
{
    const char *select[] = {refresh, NULL};
    struct graph_selection sel = {.select = select, .indirect = "empty"};
    bool *is_in = mem_alloc((g->n + 1) * sizeof *is_in);
    int rc = graph_select(g, &sel, is_in, e);
    json_t *items = json_arr(plan, "items"), *item;
    size_t k;
    json_array_foreach (items, k, item) {
        const char *node = json_str(item, "node", "");
        for (size_t i = 0; rc == 0 && i < g->n; i++)
            if (is_in[i] && streq(g->nodes[i].id, node))
                refresh_item(item);
    }
    mem_free(is_in);
    return rc;
}

/* A pool that weir.yml does not have bounds nothing: said, not kept. */
static void check_pools(const struct platform *p, json_t *plan)
{
    json_t *item;
    size_t i;
    json_array_foreach (json_arr(plan, "items"), i, item) {
        const char *pool = json_str(item, "pool", NULL);
        if (!pool || conf_pool(p, pool))
            continue;
        char *text = mem_printf("%s is in the pool \"%.60s\", which weir.yml does not "
                                "have (pools: {%.60s: {slots: 1}}): it has no bound",
                                json_str(item, "name", ""), pool, pool);
        json_array_append_new(json_arr(plan, "warnings"), json_string(text));
        json_object_del(item, "pool");
        mem_free(text);
    }
}

int sql_plan(struct sql_engine *engine, const json_t *d, json_t **plan, struct err *e)
{
    struct graph g = {0};
    int rc = graph_build(&g, engine->p, engine->project, e);
    if (rc < 0)
        return rc;
    const char **select = text_list(json_object_get(d, "select"));
    const char **exclude = text_list(json_object_get(d, "exclude"));
    const char **types = text_list(json_object_get(d, "types"));
    const char **no_types = text_list(json_object_get(d, "exclude_types"));
    json_t *selectors = NULL;
    rc = graph_selectors_load(engine->p->models_project, &selectors, e);
    struct plan_request r = {
        .command = json_str(d, "command", "build"),
        .reason = json_str(d, "reason", "requested"),
        .selection = {.select = select,
                      .exclude = exclude,
                      .selector = json_str(d, "selector", NULL),
                      .selectors = selectors,
                      .types = types,
                      .exclude_types = no_types,
                      .indirect = json_str(d, "indirect", NULL)},
        .full_refresh = json_flag(d, "full_refresh", false),
        .node = json_str(d, "node", NULL),
        .scope = json_str(d, "scope", NULL),
        .last_tasks = json_arr(d, "last_tasks"),
        .is_exact = json_flag(d, "exact", false),
    };
    if (rc == 0 && json_str(d, "state", NULL)) {
        rc = graph_state_load(&r.selection, json_str(d, "state", ""),
                              project_target_dir(engine->project), e);
        r.selection.manifest = project_manifest(engine->project);
    }
    if (rc == 0)
        rc = plan_make(&g, &r, plan, e);
    if (rc == 0)
        rc = sql_engine_warnings(engine, json_arr(*plan, "warnings"), e);
    if (rc == 0 && json_str(d, "refresh", NULL))
        rc = mark_refresh(&g, json_str(d, "refresh", ""), *plan, e);
    if (rc == 0)
        rc = sql_replay_plan(engine->p, json_str(d, "from", NULL), *plan, e);
    if (rc == 0) {
        check_pools(engine->p, *plan);
        plan_text(*plan);
    } else {
        json_decref(*plan);
        *plan = NULL;
    }
    graph_state_release(&r.selection);
    json_decref(selectors);
    mem_free(select);
    mem_free(exclude);
    mem_free(types);
    mem_free(no_types);
    graph_release(&g);
    return rc;
}
