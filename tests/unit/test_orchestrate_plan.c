/* The planner: exact items, order, reasons and text. */
#include "orchestrate_fixture.h"

#include "base/str.h"

static json_t *plan(const struct plan_request *r)
{
    struct graph g;
    struct err e = {0};
    json_t *out = NULL;
    fix_graph(&g);
    if (plan_make(&g, r, &out, &e) < 0)
        fail_msg("%s", e.text);
    graph_release(&g);
    return out;
}

/* "run:orders seed:countries …" */
static const char *items_of(const json_t *p)
{
    static char text[2000];
    size_t n = 0, i;
    json_t *item;
    text[0] = '\0';
    json_array_foreach (json_arr(p, "items"), i, item)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%s:%s", n ? " " : "",
                              json_str(item, "kind", "?"), json_str(item, "name", "?"));
    return text;
}

static const json_t *item_of(const json_t *p, const char *name)
{
    size_t i;
    json_t *item;
    json_array_foreach (json_arr(p, "items"), i, item)
        if (streq(json_str(item, "name", ""), name))
            return item;
    fail_msg("no item %s", name);
    return NULL;
}

static bool lists(const json_t *item, const char *member, const char *word)
{
    size_t i;
    json_t *v;
    json_array_foreach (json_arr(item, member), i, v)
        if (streq(json_string_value(v), word))
            return true;
    return false;
}

/* Every "after" names an item that stands before. */
static void check_order(const json_t *p)
{
    size_t i, k;
    json_t *item, *id;
    json_array_foreach (json_arr(p, "items"), i, item) {
        json_array_foreach (json_arr(item, "after"), k, id) {
            bool found = false;
            for (size_t j = 0; j < i; j++)
                found |=
                    streq(json_str(json_array_get(json_arr(p, "items"), j), "node", ""),
                          json_string_value(id));
            assert_true(found);
        }
    }
}

static void build_takes_everything_with_its_checks_inside(void **state)
{
    (void)state;
    json_t *p = plan(&(struct plan_request){.command = "build"});
    assert_string_equal(
        items_of(p), "seed:countries run:stg_customers gate:bronze_gate run:stg_orders "
                     "run:orders run:customers test:relationships_orders_customers "
                     "run:report");
    check_order(p);
    const json_t *orders = item_of(p, "orders");
    assert_true(lists(orders, "tests", "test.shop.not_null_orders_id"));
    /* stg_orders is above orders: the comparison runs inside orders */
    assert_true(lists(orders, "tests", "test.shop.orders_equal_staging"));
    assert_true(lists(orders, "gates", "orders_gate"));
    assert_string_equal(json_str(orders, "detail", ""),
                        "incremental gold.orders, 2 tests, gate orders_gate");
    /* through the ephemeral model */
    assert_true(lists(item_of(p, "customers"), "after", "model.shop.stg_orders"));
    /* the test of two marts is behind both and holds up what is below both */
    const json_t *test = item_of(p, "relationships_orders_customers");
    assert_true(lists(test, "after", "model.shop.orders"));
    assert_true(lists(test, "after", "model.shop.customers"));
    assert_true(lists(item_of(p, "report"), "after",
                      "test.shop.relationships_orders_customers"));
    /* a gate on the bronze table holds up its readers */
    assert_true(lists(item_of(p, "stg_orders"), "after", "gate.bronze_gate"));
    assert_string_equal(
        json_string_value(json_array_get(json_arr(p, "text"), 0)),
        "8 to run: 1 seed, 5 models, 1 test, 1 gate; 3 checks inside them; "
        "1 skipped");
    json_decref(p);
}

static void run_takes_models_and_test_takes_tests(void **state)
{
    (void)state;
    json_t *p = plan(&(struct plan_request){.command = "run"});
    assert_string_equal(items_of(p), "run:stg_customers run:stg_orders run:orders "
                                     "run:customers run:report");
    check_order(p);
    assert_int_equal(json_array_size(json_arr(item_of(p, "orders"), "tests")), 0);
    json_decref(p);
    p = plan(&(struct plan_request){.command = "test",
                                    .selection = {.select = L("orders")}});
    assert_string_equal(items_of(p),
                        "test:not_null_orders_id test:orders_equal_staging "
                        "test:relationships_orders_customers");
    json_decref(p);
    p = plan(&(struct plan_request){.command = "seed"});
    assert_string_equal(items_of(p), "seed:countries");
    json_decref(p);
}

static void order_is_kept_through_what_is_not_selected(void **state)
{
    (void)state;
    json_t *p = plan(&(struct plan_request){
        .command = "build",
        .selection = {.select = L("stg_orders report"), .indirect = "empty"}});
    assert_string_equal(items_of(p), "run:stg_orders run:report");
    assert_true(lists(item_of(p, "report"), "after", "model.shop.stg_orders"));
    json_decref(p);
}

static void a_test_left_out_does_not_run_inside(void **state)
{
    (void)state;
    json_t *p = plan(&(struct plan_request){
        .command = "build",
        .selection = {.select = L("orders"), .exclude = L("test_name:not_null")}});
    assert_false(lists(item_of(p, "orders"), "tests", "test.shop.not_null_orders_id"));
    json_decref(p);
}

static void nothing_is_a_plan_too(void **state)
{
    (void)state;
    json_t *p = plan(
        &(struct plan_request){.command = "build", .selection = {.select = L("nix")}});
    assert_string_equal(items_of(p), "");
    assert_string_equal(json_string_value(json_array_get(json_arr(p, "text"), 0)),
                        "nothing to run");
    assert_int_equal(json_array_size(json_arr(p, "warnings")), 1);
    json_decref(p);
}

static void reruns_by_scope(void **state)
{
    (void)state;
    json_t *p = plan(&(struct plan_request){.node = "orders", .scope = "this"});
    assert_string_equal(items_of(p), "run:orders");
    assert_string_equal(json_str(item_of(p, "orders"), "why", ""), "requested");
    assert_true(lists(item_of(p, "orders"), "gates", "orders_gate"));
    json_decref(p);
    p = plan(&(struct plan_request){.node = "orders", .scope = "this+"});
    assert_string_equal(items_of(p),
                        "run:orders test:relationships_orders_customers run:report");
    assert_string_equal(json_str(item_of(p, "report"), "why", ""),
                        "downstream of orders");
    json_decref(p);
    p = plan(&(struct plan_request){.node = "orders", .scope = "+this"});
    assert_string_equal(items_of(p), "run:stg_orders run:orders");
    assert_string_equal(json_str(item_of(p, "stg_orders"), "why", ""),
                        "upstream of orders");
    json_decref(p);
}

static void a_streaming_node_is_replayed(void **state)
{
    (void)state;
    json_t *p = plan(&(struct plan_request){.node = "enrichment", .scope = "this"});
    assert_string_equal(items_of(p), "replay:enrichment");
    assert_string_equal(
        json_str(item_of(p, "enrichment"), "detail", ""),
        "read transactions again from the first record kept, into dead, "
        "enriched");
    json_decref(p);
    p = plan(&(struct plan_request){.node = "load.raw_orders", .scope = "this+"});
    assert_true(str_starts(items_of(p), "replay:raw_orders "));
    assert_true(lists(item_of(p, "stg_orders"), "after", "load.raw_orders"));
    json_decref(p);
    p = plan(&(struct plan_request){.node = "source.shop.bronze.raw_orders",
                                    .scope = "this"});
    assert_string_equal(items_of(p), "replay:raw_orders");
    json_decref(p);
}

static void a_retry_repeats_exactly_what_did_not_succeed(void **state)
{
    (void)state;
    json_t *tasks =
        json_pack("[{s:s,s:s},{s:s,s:s},{s:s,s:s},{s:s,s:s}]", "node",
                  "model.shop.orders", "state", "error", "node", "model.shop.report",
                  "state", "skipped", "node", "model.shop.stg_orders", "state",
                  "success", "node", "model.shop.gone", "state", "error");
    json_t *p = plan(&(struct plan_request){.scope = "failed", .last_tasks = tasks});
    assert_string_equal(items_of(p), "run:orders run:report");
    assert_string_equal(json_str(item_of(p, "orders"), "why", ""),
                        "failed in the last run");
    assert_string_equal(json_str(item_of(p, "report"), "why", ""),
                        "skipped in the last run");
    assert_true(lists(item_of(p, "orders"), "tests", "test.shop.not_null_orders_id"));
    assert_string_equal(json_str(json_array_get(json_arr(p, "skipped"), 0), "why", ""),
                        "no longer in the project");
    json_decref(p);
    json_decref(tasks);
}

static void wrong_requests_are_named(void **state)
{
    (void)state;
    struct graph g;
    struct err e = {0};
    json_t *out;
    fix_graph(&g);
    assert_int_equal(
        plan_make(&g, &(struct plan_request){.command = "biuld"}, &out, &e), ERR_USAGE);
    assert_non_null(strstr(e.text, "\"build\""));
    assert_int_equal(plan_make(&g, &(struct plan_request){.node = "ordres"}, &out, &e),
                     ERR_NOTFOUND);
    assert_int_equal(plan_make(&g,
                               &(struct plan_request){.node = "orders", .scope = "all"},
                               &out, &e),
                     ERR_USAGE);
    assert_int_equal(plan_make(&g, &(struct plan_request){.node = "board"}, &out, &e),
                     ERR_NOTHING);
    assert_null(out);
    graph_release(&g);
}

static void a_full_refresh_is_said(void **state)
{
    (void)state;
    json_t *p = plan(&(struct plan_request){.command = "run",
                                            .selection = {.select = L("orders")},
                                            .reason = "schedule hourly",
                                            .full_refresh = true});
    assert_string_equal(json_str(item_of(p, "orders"), "detail", ""),
                        "incremental gold.orders (full refresh)");
    assert_string_equal(json_string_value(json_array_get(json_arr(p, "text"), 1)),
                        "  run      orders  incremental gold.orders (full refresh)  "
                        "(schedule hourly)");
    json_decref(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(build_takes_everything_with_its_checks_inside),
        cmocka_unit_test(run_takes_models_and_test_takes_tests),
        cmocka_unit_test(order_is_kept_through_what_is_not_selected),
        cmocka_unit_test(a_test_left_out_does_not_run_inside),
        cmocka_unit_test(nothing_is_a_plan_too),
        cmocka_unit_test(reruns_by_scope),
        cmocka_unit_test(a_streaming_node_is_replayed),
        cmocka_unit_test(a_retry_repeats_exactly_what_did_not_succeed),
        cmocka_unit_test(wrong_requests_are_named),
        cmocka_unit_test(a_full_refresh_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
