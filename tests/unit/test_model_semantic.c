/* The semantic layer in the manifest: what it says of what is wrong. That its entries
 * equal dbt's is shown by the live project semantic. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/json.h"
#include "unit/model_fixture.h"

#define ORDERS                                                                         \
    "semantic_models: [{name: orders, model: ref('orders'), measures: [{name: total, " \
    "agg: sum, expr: amount}]}]\n"

static void test_metrics_stand_on_their_measures(void **state)
{
    struct shop *s = *state;
    put(s, "models/orders.sql", "select 1 as id");
    put(s, "models/m.yml",
        ORDERS "metrics:\n"
               "  - {name: revenue, type: simple, type_params: {measure: total}}\n"
               "  - {name: share, type: ratio, type_params: {numerator: revenue, "
               "denominator: revenue}}\n"
               "exposures: [{name: board, type: dashboard, owner: {name: me}, "
               "depends_on: [metric('share')]}]\n");
    shop_open(s, NULL, NULL);
    json_t *m = project_manifest(s->p);
    const json_t *share = json_obj(json_obj(m, "metrics"), "metric.tiny.share");
    const json_t *nodes = json_arr(json_obj(share, "depends_on"), "nodes");
    assert_string_equal(json_string_value(json_array_get(nodes, 0)),
                        "metric.tiny.revenue");
    const json_t *inputs = json_arr(json_obj(share, "type_params"), "input_measures");
    assert_int_equal(json_array_size(inputs), 1);
    assert_string_equal(json_str(json_array_get(inputs, 0), "name", ""), "total");
    json_decref(m);
    const struct node *board = project_find(s->p, "exposure.tiny.board");
    assert_string_equal(board->depends_on[0], "metric.tiny.share");
}

static void test_what_is_not_there_is_named(void **state)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"semantic_models: [{name: a, model: ref('none')}]\n",
         "there is no ref('none')"},
        {"semantic_models: [{model: ref('orders')}]\n", "semantic_models has no name"},
        {"metrics: [{name: a, type_params: {measure: none}}]\n",
         "uses the measure \"none\""},
        {"metrics: [{name: a, type: derived, type_params: {metrics: [none]}}]\n",
         "uses the metric \"none\""},
        {"saved_queries: [{name: a, query_params: {metrics: [none]}}]\n",
         "uses the metric \"none\""},
        {ORDERS "metrics: [{name: a, type_params: {measure: total}}, {name: a, "
                "type_params: {measure: total}}]\n",
         "metric \"a\" is there twice"},
    };
    struct shop *s = *state;
    put(s, "models/orders.sql", "select 1 as id");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err e = {0};
        put(s, "models/m.yml", cases[i].text);
        assert_int_equal(shop_load(s, NULL, NULL, &e), ERR_CONFIG);
        if (!strstr(e.text, cases[i].says) || !strstr(e.text, "models/m.yml"))
            fail_msg("%s: %s", cases[i].says, e.text);
    }
}

#define T(f) cmocka_unit_test_setup_teardown(f, shop_setup, shop_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_metrics_stand_on_their_measures),
        T(test_what_is_not_there_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
