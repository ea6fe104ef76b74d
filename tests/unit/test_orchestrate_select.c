/* dbt's selection grammar, against what dbt-core 1.9 selects on the same graph. */
#include "orchestrate_fixture.h"

#include "base/str.h"

/* Names of what is selected, in the graph's order, with blanks between. Checks only
 * where with_tests. */
static const char *selected(const char *select, const char *exclude,
                            const char *indirect, bool with_tests)
{
    static char text[2000];
    struct graph g;
    struct err e = {0};
    bool out[64];
    fix_graph(&g);
    struct graph_selection s = {.select = select ? L(select) : NULL,
                                .exclude = exclude ? L(exclude) : NULL,
                                .indirect = indirect};
    if (graph_select(&g, &s, out, &e) < 0) {
        snprintf(text, sizeof text, "error: %s", e.text);
        graph_release(&g);
        return text;
    }
    size_t n = 0;
    text[0] = '\0';
    for (size_t i = 0; i < g.n; i++) {
        bool is_check = g.nodes[i].kind == GRAPH_TEST || g.nodes[i].kind == GRAPH_GATE;
        bool is_platform = !g.nodes[i].node && !is_check;
        if (out[i] && !is_platform && (with_tests || !is_check))
            n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", n ? " " : "",
                                  g.nodes[i].name);
    }
    graph_release(&g);
    return text;
}

#define SELECTS(select, expected)                                                      \
    assert_string_equal(selected(select, NULL, NULL, false), expected)

static void names_and_operators(void **state)
{
    (void)state;
    SELECTS("orders", "orders");
    SELECTS("orders+", "orders report board");
    SELECTS("+orders", "raw_orders stg_orders orders");
    SELECTS("1+orders", "stg_orders orders");
    SELECTS("stg_orders+1", "stg_orders eph orders");
    SELECTS("0+orders+0", "orders");
    SELECTS("+customers+",
            "countries stg_customers raw_orders stg_orders eph customers "
            "report board");
    SELECTS("customers orders", "orders customers");
}

/* "@orders" drags in customers, because the relationships test below orders has it as
 * its other parent. */
static void at_takes_ancestors_of_descendants(void **state)
{
    (void)state;
    SELECTS("@stg_customers",
            "countries stg_customers raw_orders stg_orders eph orders "
            "customers report board");
    SELECTS("@exposure:board",
            "countries stg_customers raw_orders stg_orders eph orders customers "
            "report board");
    assert_true(str_starts(selected("@orders+", NULL, NULL, false), "error: "));
}

static void methods(void **state)
{
    (void)state;
    SELECTS("tag:hourly", "stg_orders orders");
    SELECTS("tag:hour*", "stg_orders orders");
    SELECTS("tag:hourly+", "stg_orders eph orders customers report board");
    SELECTS("path:models/staging", "stg_customers stg_orders");
    SELECTS("models/staging/", "stg_customers stg_orders");
    SELECTS("path:models/*/stg_o*.sql", "stg_orders");
    SELECTS("path:models/stg*", "");
    SELECTS("stg_orders.sql", "stg_orders");
    SELECTS("file:stg_orders", "stg_orders");
    SELECTS("source:bronze", "raw_orders");
    SELECTS("source:bronze.raw_orders+1", "raw_orders stg_orders");
    SELECTS("source:shop.bronze.raw_orders", "raw_orders");
    SELECTS("source:other.bronze.raw_orders", "");
    SELECTS("package:shop,resource_type:seed", "countries");
    SELECTS("package:this,tag:daily", "stg_customers customers");
    SELECTS("resource_type:source", "raw_orders");
    SELECTS("exposure:board", "board");
    SELECTS("+exposure:board,resource_type:seed", "countries");
    SELECTS("fqn:shop.marts", "orders customers report");
    SELECTS("marts", "orders customers report");
    SELECTS("shop.staging.stg_*", "stg_customers stg_orders");
    SELECTS("stg*", "stg_customers stg_orders"); /* no dot: the last part alone */
    SELECTS("shop.stg*", ""); /* else a wildcard is for all of the rest of the fqn */
    SELECTS("access:public", "report");
    SELECTS("group:fin*", "report");
    SELECTS("version:none,marts", "orders customers report");
    SELECTS("staging.*", "stg_customers stg_orders");
    SELECTS("tag:nothing", "");
}

static void tests_are_selected_by_type_and_name(void **state)
{
    (void)state;
    assert_string_equal(selected("test_type:singular", NULL, NULL, true),
                        "orders_equal_staging");
    assert_string_equal(selected("test_type:generic", NULL, NULL, true),
                        "not_null_orders_id relationships_orders_customers");
    assert_string_equal(selected("test_name:not_null", NULL, NULL, true),
                        "not_null_orders_id");
}

static void unions_intersections_exclusions(void **state)
{
    (void)state;
    SELECTS("tag:daily tag:hourly", "stg_customers stg_orders orders customers");
    SELECTS("tag:daily,marts", "customers");
    SELECTS("tag:daily,tag:hourly", "");
    assert_string_equal(selected("marts", "orders", NULL, false), "customers report");
    assert_string_equal(selected(NULL, "tag:daily tag:hourly", NULL, false),
                        "countries raw_orders eph report board");
}

/* selectors.yml, as its list comes out of YAML. */
static const char selectors_text[] =
    "[{'name': 'daily', 'definition': 'tag:daily'},"
    " {'name': 'both', 'definition': {'union': ['tag:daily', {'tag': 'hourly'},"
    "   {'exclude': [{'method': 'fqn', 'value': 'customers'}]}]}},"
    " {'name': 'near', 'default': true, 'definition': {'method': 'fqn',"
    "   'value': 'orders', 'parents': true, 'parents_depth': 1}},"
    " {'name': 'cut', 'definition': {'intersection': ["
    "   {'method': 'selector', 'value': 'daily'}, {'path': 'models/marts'}]}},"
    " {'name': 'wrong', 'definition': {'method': 'fqn', 'parents': true}},"
    " {'name': 'own', 'definition': {'method': 'selector', 'value': 'own'}}]";

/* how: select, state … ; graph order, no checks. */
static const char *chosen(struct graph_selection how, json_t *selectors)
{
    static char text[2000];
    struct graph g;
    struct err e = {0};
    bool out[64];
    size_t n = 0;
    fix_graph(&g);
    how.selectors = selectors;
    text[0] = '\0';
    if (graph_select(&g, &how, out, &e) < 0)
        snprintf(text, sizeof text, "error: %s", e.text);
    for (size_t i = 0; i < g.n && !e.code; i++)
        if (out[i] && g.nodes[i].node && g.nodes[i].kind != GRAPH_TEST)
            n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", n ? " " : "",
                                  g.nodes[i].name);
    graph_release(&g);
    return text;
}

static void selectors_have_names(void **state)
{
    (void)state;
    char text[sizeof selectors_text];
    str_copy(text, sizeof text, selectors_text);
    for (char *c = text; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    json_t *l = json_loads(text, 0, NULL);
    assert_non_null(l);
#define NAMED(name) chosen((struct graph_selection){.selector = name}, l)
    assert_string_equal(NAMED("daily"), "stg_customers customers");
    assert_string_equal(NAMED("both"), "stg_customers stg_orders orders");
    assert_string_equal(NAMED("near"), "stg_orders orders");
    assert_string_equal(NAMED("cut"), "customers");
    assert_non_null(strstr(NAMED("daly"), "did you mean \"daily\"?"));
    assert_non_null(strstr(NAMED("wrong"), "selector \"wrong\""));
    assert_non_null(strstr(NAMED("own"), "there is no selector \"own\""));
    assert_string_equal(chosen((struct graph_selection){0}, l), "stg_orders orders");
    assert_string_equal(
        chosen((struct graph_selection){.select = L("selector:daily,marts")}, l),
        "customers");
    struct graph_selection two = {.select = L("orders"), .selector = "daily"};
    assert_true(str_starts(chosen(two, l), "error: "));
#undef NAMED
    json_decref(l);
}

static json_t *a_manifest(const char *orders, const char *tag, const char *macro)
{
    return json_pack("{s:{s:{s:{s:s, s:s}, s:{s:s}, s:{s:[s]}}, s:{s:{s:s, s:s}}},"
                     " s:{s:{s:s, s:{s:[s]}}, s:{s:s}}}",
                     "nodes", "model.shop.orders", "checksum", "name", "sha256",
                     "checksum", orders, "unrendered_config", "tag", tag, "depends_on",
                     "macros", "macro.shop.m", "model.shop.customers", "checksum",
                     "name", "sha256", "checksum", "same", "macros", "macro.shop.m",
                     "macro_sql", "m", "depends_on", "macros", "macro.shop.inner",
                     "macro.shop.inner", "macro_sql", macro);
}

static void state_compares_manifests(void **state)
{
    (void)state;
    struct graph_selection s = {.manifest = a_manifest("a", "x", "i"),
                                .state = a_manifest("a", "x", "i")};
#define STATE(words, expected)                                                         \
    do {                                                                               \
        s.select = L(words);                                                           \
        assert_string_equal(chosen(s, NULL), expected);                                \
    } while (0)
    STATE("state:modified", "");
    STATE("state:unmodified", "orders customers");
    json_decref(s.state);
    s.state = a_manifest("b", "x", "i");
    STATE("state:modified", "orders");
    STATE("state:modified.body", "orders");
    STATE("state:modified.configs", "");
    json_decref(s.state);
    s.state = a_manifest("a", "y", "i");
    STATE("state:modified.configs", "orders");
    json_decref(s.state);
    s.state = a_manifest("a", "x", "other"); /* a macro that a used macro calls */
    STATE("state:modified.macros", "orders");
    json_object_del(json_object_get(s.state, "nodes"), "model.shop.orders");
    STATE("state:new", "orders");
    STATE("state:old", "customers");
    s.state_results = json_pack("{s:[{s:s, s:s}]}", "results", "unique_id",
                                "model.shop.orders", "status", "error");
    STATE("result:error+", "orders report board");
    STATE("result:success", "");
#undef STATE
    graph_state_release(&s);
}

static void tests_follow_their_parents(void **state)
{
    (void)state;
    assert_string_equal(selected("customers", NULL, "eager", true),
                        "customers relationships_orders_customers");
    assert_string_equal(selected("customers", NULL, "cautious", true), "customers");
    assert_string_equal(selected("orders", NULL, "cautious", true),
                        "orders orders_gate not_null_orders_id");
    assert_string_equal(selected("orders", NULL, "buildable", true),
                        "orders orders_gate not_null_orders_id orders_equal_staging");
    assert_string_equal(selected("orders", NULL, "empty", true), "orders");
    /* both parents chosen by different words: the test is no longer held back */
    assert_string_equal(selected("orders customers", NULL, "cautious", true),
                        "orders orders_gate customers not_null_orders_id "
                        "relationships_orders_customers");
    assert_string_equal(selected("orders", "test_name:not_null", "eager", true),
                        "orders orders_gate orders_equal_staging "
                        "relationships_orders_customers");
    assert_true(str_starts(selected("orders", NULL, "eagre", true), "error: "));
}

static void platform_nodes_by_their_id(void **state)
{
    (void)state;
    SELECTS("stream.enrichment+",
            "raw_orders stg_orders eph orders customers report board");
}

static void wrong_selectors_are_named(void **state)
{
    (void)state;
    assert_non_null(strstr(selected("tga:hourly", NULL, NULL, false), "\"tag:\""));
    assert_non_null(strstr(selected("+", NULL, NULL, false), "no name"));
    assert_non_null(strstr(selected("tag:", NULL, NULL, false), "no value"));
    assert_non_null(
        strstr(selected("state:modified", NULL, NULL, false), "--state DIR"));
}

static void what_selects_nothing_is_told(void **state)
{
    (void)state;
    struct graph g;
    bool out[64];
    fix_graph(&g);
    json_t *warnings = json_array();
    struct graph_selection s = {.select = L("ordres"), .warnings = warnings};
    assert_int_equal(graph_select(&g, &s, out, NULL), 0);
    assert_int_equal(json_array_size(warnings), 1);
    assert_string_equal(json_string_value(json_array_get(warnings, 0)),
                        "\"ordres\" selects nothing; did you mean \"orders\"?");
    json_decref(warnings);
    graph_release(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_operators),
        cmocka_unit_test(at_takes_ancestors_of_descendants),
        cmocka_unit_test(methods),
        cmocka_unit_test(tests_are_selected_by_type_and_name),
        cmocka_unit_test(unions_intersections_exclusions),
        cmocka_unit_test(selectors_have_names),
        cmocka_unit_test(state_compares_manifests),
        cmocka_unit_test(tests_follow_their_parents),
        cmocka_unit_test(platform_nodes_by_their_id),
        cmocka_unit_test(wrong_selectors_are_named),
        cmocka_unit_test(what_selects_nothing_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
