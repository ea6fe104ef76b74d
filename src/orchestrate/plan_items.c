/* The plan written down: items in order with what they wait for. In: the planner's
 * decisions. Out: PLAN (plan.h). Called by plan_make. */
#include "orchestrate/planner.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"

/* A unit test runs before its model: it waits for what the model waits for (whose
 * relations tell it the columns' types), and the model for it. */
static void unit_tests_before(struct planner *p, size_t i, bool *above)
{
    const struct graph_node *n = &p->g->nodes[i];
    for (size_t k = 0; k < n->n_down; k++) {
        size_t down = n->down[k];
        if (p->g->nodes[down].kind == GRAPH_UNIT_TEST && p->role[down] == ROLE_ITEM)
            above[down] = true;
    }
}

/* Items above node i, looking through nodes that are none. */
static void items_above(struct planner *p, size_t i, bool *seen, bool *above)
{
    const struct graph_node *n = &p->g->nodes[i];
    for (size_t k = 0; k < n->n_up; k++) {
        size_t up = n->up[k];
        if (seen[up])
            continue;
        seen[up] = true;
        if (p->role[up] == ROLE_ITEM) {
            above[up] = true;
            continue;
        }
        if (p->chosen[up]) /* an ephemeral: what is wrong with it is wrong below it */
            unit_tests_before(p, up, above);
        items_above(p, up, seen, above);
    }
}

static bool is_check(const struct graph_node *n)
{
    return n->kind == GRAPH_TEST || n->kind == GRAPH_GATE;
}

/* A check that is an item of its own holds up what is below all of its parents. */
static void checks_before(struct planner *p, size_t i, bool *above)
{
    const struct graph *g = p->g;
    if (!p->n_loose || is_check(&g->nodes[i]) ||
        streq(p->r->command ? p->r->command : "", "compile"))
        return;
    bool *up = mem_alloc(g->n + 1);
    graph_walk(g, i, true, -1, up);
    for (size_t k = 0; k < p->n_loose; k++) {
        const struct graph_node *n = &g->nodes[p->loose[k]];
        bool is_below = n->n_up > 0;
        for (size_t j = 0; j < n->n_up; j++)
            is_below &= up[n->up[j]];
        if (is_below)
            above[p->loose[k]] = true;
    }
    mem_free(up);
}

static const char *item_kind(struct planner *p, const struct graph_node *n)
{
    if (p->r->command && streq(p->r->command, "compile") && !p->r->node)
        return "compile";
    if (planner_is_streaming(n->kind))
        return "replay";
    return n->kind == GRAPH_MODEL ? "run" : graph_kind_name(n->kind);
}

static void join_names(const struct graph *g, const size_t *list, size_t n,
                       enum graph_kind kind, struct buf *out)
{
    bool is_first = true;
    for (size_t i = 0; i < n; i++) {
        if (g->nodes[list[i]].kind != kind)
            continue;
        buf_addf(out, "%s%s", is_first ? "" : ", ", g->nodes[list[i]].name);
        is_first = false;
    }
}

static void replay_detail(const struct graph *g, const struct graph_node *n,
                          struct buf *out)
{
    if (n->kind == GRAPH_SOURCE) {
        buf_adds(out, "read the source again from its beginning into ");
        join_names(g, n->down, n->n_down, GRAPH_TOPIC, out);
        return;
    }
    buf_adds(out, "read ");
    join_names(g, n->up, n->n_up, GRAPH_TOPIC, out);
    buf_adds(out, " again from the first record kept, into ");
    join_names(g, n->down, n->n_down, n->kind == GRAPH_LOAD ? GRAPH_TABLE : GRAPH_TOPIC,
               out);
}

static void count_own(struct planner *p, size_t i, size_t *tests, struct buf *gates)
{
    *tests = 0;
    const struct graph_node *n = &p->g->nodes[i];
    for (size_t j = 0; j < n->n_down; j++) {
        size_t k = n->down[j];
        if (p->role[k] != ROLE_OWN || p->owner[k] != i)
            continue;
        if (p->g->nodes[k].kind == GRAPH_TEST)
            (*tests)++;
        else
            buf_addf(gates, ", gate %s", p->g->nodes[k].name);
    }
}

static bool is_clone(const struct planner *p)
{
    return p->r->command && streq(p->r->command, "clone");
}

static void item_detail(struct planner *p, size_t i, struct buf *out)
{
    const struct graph_node *n = &p->g->nodes[i];
    if (planner_is_streaming(n->kind)) {
        replay_detail(p->g, n, out);
        return;
    }
    if (n->kind == GRAPH_TEST || n->kind == GRAPH_GATE || n->kind == GRAPH_UNIT_TEST) {
        buf_adds(out, "on ");
        for (size_t k = 0; k < n->n_up; k++)
            buf_addf(out, "%s%s", k ? ", " : "", p->g->nodes[n->up[k]].name);
        return;
    }
    size_t tests;
    struct buf gates;
    buf_init(&gates, 0);
    count_own(p, i, &tests, &gates);
    bool is_rebuilt = p->r->full_refresh && !is_clone(p) && n->node &&
                      n->node->materialized &&
                      streq(n->node->materialized, "incremental");
    if (n->node)
        buf_addf(out, "%s %s.%s%s",
                 is_clone(p)             ? "clone"
                 : n->node->materialized ? n->node->materialized
                                         : graph_kind_name(n->kind),
                 n->node->schema ? n->node->schema : "main",
                 n->node->alias ? n->node->alias : n->name,
                 is_rebuilt ? " (full refresh)" : "");
    if (tests)
        buf_addf(out, ", %zu test%s", tests, tests == 1 ? "" : "s");
    buf_adds(out, buf_str(&gates));
    buf_release(&gates);
}

static json_t *ids_where(struct planner *p, const bool *set)
{
    json_t *list = json_array();
    for (size_t i = 0; i < p->g->n; i++)
        if (set[i])
            json_array_append_new(list, json_string(p->g->nodes[i].id));
    return list;
}

static json_t *own_checks(struct planner *p, size_t i, enum graph_kind kind)
{
    json_t *list = json_array();
    const struct graph_node *n = &p->g->nodes[i];
    for (size_t j = 0; j < n->n_down; j++) {
        size_t k = n->down[j];
        if (p->role[k] == ROLE_OWN && p->owner[k] == i && p->g->nodes[k].kind == kind)
            json_array_append_new(list,
                                  json_string(kind == GRAPH_GATE ? p->g->nodes[k].name
                                                                 : p->g->nodes[k].id));
    }
    return list;
}

/* A pool of weir.yml that the node's config puts it into; NULL: none. */
static const char *pool_of(const struct graph_node *n)
{
    const json_t *config = n->node ? n->node->config : NULL;
    return json_str(json_obj(config, "meta"), "pool", json_str(config, "pool", NULL));
}

static json_t *make_item(struct planner *p, size_t i, const bool *above)
{
    const struct graph_node *n = &p->g->nodes[i];
    struct buf detail;
    buf_init(&detail, 0);
    item_detail(p, i, &detail);
    json_t *item = json_object();
    json_put_str(item, "node", n->id);
    json_put_str(item, "name", n->name);
    json_put_str(item, "kind", item_kind(p, n));
    json_put_str(item, "why", p->why[i] ? p->why[i] : "requested");
    json_put(item, "after", ids_where(p, above));
    json_put_str(item, "detail", buf_str(&detail));
    if (pool_of(n))
        json_put_str(item, "pool", pool_of(n));
    if (planner_is_sql(n->kind)) {
        json_put(item, "tests", own_checks(p, i, GRAPH_TEST));
        json_put(item, "gates", own_checks(p, i, GRAPH_GATE));
    }
    buf_release(&detail);
    return item;
}

/* Item i behind all that it waits for. Indexes are in topological order, but a check
 * may have a larger index than what it holds up. */
static void emit(struct planner *p, size_t i, bool *done, json_t *items)
{
    size_t n = p->g->n;
    if (done[i])
        return;
    done[i] = true;
    bool *seen = mem_alloc(n + 1), *above = mem_alloc(n + 1);
    bool is_free = p->r->command && !p->r->node &&
                   (streq(p->r->command, "test") || streq(p->r->command, "compile") ||
                    is_clone(p));
    if (!is_free) { /* tests, compilation and clones alone wait for nothing */
        bool is_unit = p->g->nodes[i].kind == GRAPH_UNIT_TEST;
        size_t model = is_unit && p->g->nodes[i].n_up ? p->g->nodes[i].up[0] : i;
        items_above(p, model, seen, above);
        checks_before(p, model, above);
        if (!is_unit)
            unit_tests_before(p, i, above);
    }
    for (size_t k = 0; k < n; k++)
        if (above[k])
            emit(p, k, done, items);
    json_array_append_new(items, make_item(p, i, above));
    mem_free(seen);
    mem_free(above);
}

json_t *planner_write(struct planner *p)
{
    json_t *plan = json_object(), *items = json_array();
    bool *done = mem_alloc(p->g->n + 1);
    p->loose = mem_alloc((p->g->n + 1) * sizeof *p->loose);
    for (size_t i = 0; i < p->g->n; i++)
        if (p->role[i] == ROLE_ITEM && is_check(&p->g->nodes[i]))
            p->loose[p->n_loose++] = i;
    for (size_t i = 0; i < p->g->n; i++)
        if (p->role[i] == ROLE_ITEM)
            emit(p, i, done, items);
    mem_free(done);
    mem_free(p->loose);
    json_put_str(plan, "command", p->r->command ? p->r->command : "build");
    json_put_str(plan, "reason", p->r->reason ? p->r->reason : "requested");
    json_put(plan, "items", items);
    json_put(plan, "skipped", json_incref(p->skipped));
    json_put(plan, "warnings", json_incref(p->warnings));
    plan_text(plan);
    return plan;
}
