/* The graph: edges across platform and project, order, cycles, names. */
#include "orchestrate_fixture.h"

#include "base/str.h"

static size_t at(const struct graph *g, const char *id)
{
    size_t i = graph_index(g, id);
    if (i == g->n)
        fail_msg("no node %s", id);
    return i;
}

static bool has_edge(const struct graph *g, const char *from, const char *to)
{
    size_t a = at(g, from), b = at(g, to);
    for (size_t i = 0; i < g->nodes[a].n_down; i++)
        if (g->nodes[a].down[i] == b)
            return true;
    return false;
}

static void one_graph_from_source_to_exposure(void **state)
{
    (void)state;
    struct graph g;
    fix_graph(&g);
    assert_true(has_edge(&g, "source.pos", "topic.transactions"));
    assert_true(has_edge(&g, "topic.transactions", "stream.enrichment"));
    assert_true(has_edge(&g, "stream.enrichment", "topic.enriched"));
    assert_true(has_edge(&g, "topic.enriched", "load.raw_orders"));
    assert_true(has_edge(&g, "load.raw_orders", "source.shop.bronze.raw_orders"));
    assert_true(has_edge(&g, "source.shop.bronze.raw_orders", "model.shop.stg_orders"));
    assert_true(has_edge(&g, "model.shop.orders", "gate.orders_gate"));
    assert_true(has_edge(&g, "source.shop.bronze.raw_orders", "gate.bronze_gate"));
    assert_true(has_edge(&g, "model.shop.report", "exposure.shop.board"));
    assert_int_equal(graph_index(&g, "model.shop.off"), g.n);
    for (size_t i = 0; i < g.n; i++)
        for (size_t k = 0; k < g.nodes[i].n_up; k++)
            assert_true(g.nodes[i].up[k] < i);
    graph_release(&g);
}

/* a → b → c → a */
static const struct node cycle_a = {.type = NODE_MODEL,
                                    .unique_id = "model.x.a",
                                    .name = "a",
                                    .depends_on = L("model.x.c"),
                                    .is_enabled = true};
static const struct node cycle_b = {.type = NODE_MODEL,
                                    .unique_id = "model.x.b",
                                    .name = "b",
                                    .depends_on = L("model.x.a"),
                                    .is_enabled = true};
static const struct node cycle_c = {.type = NODE_MODEL,
                                    .unique_id = "model.x.c",
                                    .name = "c",
                                    .depends_on = L("model.x.b"),
                                    .is_enabled = true};

static void a_cycle_is_printed(void **state)
{
    (void)state;
    const struct node *nodes[] = {&cycle_a, &cycle_b, &cycle_c};
    struct graph g;
    struct err e = {0};
    assert_int_equal(graph_build_nodes(&g, NULL, "x", nodes, 3, &e), ERR_CONFIG);
    assert_non_null(strstr(e.text, "model.x.a -> model.x.b"));
    assert_non_null(strstr(e.text, "model.x.c -> model.x.a"));
}

static void a_gate_on_nothing_is_an_error_with_the_nearest(void **state)
{
    (void)state;
    const struct node *nodes[FIX_N];
    struct platform p = fix_platform();
    struct conf_gate gate = {.name = "g", .on = "gold.ordres"};
    struct graph g;
    struct err e = {0};
    for (size_t i = 0; i < FIX_N; i++)
        nodes[i] = &fix_nodes[i];
    p.gates = &gate;
    p.n_gates = 1;
    assert_int_equal(graph_build_nodes(&g, &p, "shop", nodes, FIX_N, &e), ERR_CONFIG);
    assert_non_null(strstr(e.text, "gates.g.on"));
    assert_non_null(strstr(e.text, "gold.orders"));
}

static void without_a_project_the_stream_part_stands(void **state)
{
    (void)state;
    struct platform p = fix_platform();
    struct graph g;
    struct err e = {0};
    assert_int_equal(graph_build_nodes(&g, &p, NULL, NULL, 0, &e), 0);
    assert_true(has_edge(&g, "load.raw_orders", "table.bronze.raw_orders"));
    graph_release(&g);
}

static void names_are_found_or_the_nearest_said(void **state)
{
    (void)state;
    struct graph g;
    struct err e = {0};
    size_t i;
    fix_graph(&g);
    assert_int_equal(graph_find(&g, "orders", &i, &e), 0);
    assert_string_equal(g.nodes[i].id, "model.shop.orders");
    assert_int_equal(graph_find(&g, "silver.stg_orders", &i, &e), 0);
    assert_string_equal(g.nodes[i].id, "model.shop.stg_orders");
    assert_int_equal(graph_find(&g, "stream.enrichment", &i, &e), 0);
    assert_int_equal(graph_find(&g, "ordres", &i, &e), ERR_NOTFOUND);
    assert_non_null(strstr(e.text, "\"orders\""));
    /* a load and a table of one name: say which */
    assert_int_equal(graph_find(&g, "raw_orders", &i, &e), ERR_USAGE);
    assert_non_null(strstr(e.text, "load.raw_orders"));
    graph_release(&g);
}

static void walks_stop_at_their_depth(void **state)
{
    (void)state;
    struct graph g;
    fix_graph(&g);
    bool mark[64] = {false};
    graph_walk(&g, at(&g, "model.shop.report"), true, 1, mark);
    assert_true(mark[at(&g, "model.shop.orders")]);
    assert_false(mark[at(&g, "model.shop.stg_orders")]);
    graph_walk(&g, at(&g, "model.shop.report"), true, -1, mark);
    assert_true(mark[at(&g, "source.pos")]);
    graph_release(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_graph_from_source_to_exposure),
        cmocka_unit_test(a_cycle_is_printed),
        cmocka_unit_test(a_gate_on_nothing_is_an_error_with_the_nearest),
        cmocka_unit_test(without_a_project_the_stream_part_stands),
        cmocka_unit_test(names_are_found_or_the_nearest_said),
        cmocka_unit_test(walks_stop_at_their_depth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
