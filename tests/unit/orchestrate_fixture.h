/* A small graph built by hand: the shape of jaffle_shop with a platform in front.
 *
 *   source.pos → transactions → enrichment → enriched → raw_orders(load) →
 * bronze.raw_orders src raw_orders → stg_orders(view) → orders(incremental) →
 * report(table, exposure board) seed countries → stg_customers(table) →
 * customers(table) ← eph (ephemeral) ← stg_orders orders ← customers? no: relationships
 * test between orders and customers. */
#ifndef TESTS_ORCHESTRATE_FIXTURE_H
#define TESTS_ORCHESTRATE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/json.h"
#include "orchestrate/graph.h"
#include "orchestrate/plan.h"

#define L(...) ((const char *const[]){__VA_ARGS__, NULL})

/* Not const: a node's config is filled in by fix_graph. */
static struct node fix_nodes[] = {
    {.type = NODE_SOURCE,
     .unique_id = "source.shop.bronze.raw_orders",
     .name = "raw_orders",
     .package = "shop",
     .path = "models/sources.yml",
     .schema = "bronze",
     .alias = "raw_orders_current",
     .source_name = "bronze",
     .is_enabled = true},
    {.type = NODE_SEED,
     .unique_id = "seed.shop.countries",
     .name = "countries",
     .package = "shop",
     .path = "seeds/countries.csv",
     .schema = "main",
     .alias = "countries",
     .materialized = "seed",
     .fqn = L("shop", "countries"),
     .is_enabled = true},
    {.type = NODE_MODEL,
     .unique_id = "model.shop.stg_orders",
     .name = "stg_orders",
     .package = "shop",
     .path = "models/staging/stg_orders.sql",
     .schema = "silver",
     .alias = "stg_orders",
     .materialized = "view",
     .fqn = L("shop", "staging", "stg_orders"),
     .tags = L("hourly", "base"),
     .depends_on = L("source.shop.bronze.raw_orders"),
     .is_enabled = true},
    {.type = NODE_MODEL,
     .unique_id = "model.shop.stg_customers",
     .name = "stg_customers",
     .package = "shop",
     .path = "models/staging/stg_customers.sql",
     .schema = "silver",
     .alias = "stg_customers",
     .materialized = "table",
     .fqn = L("shop", "staging", "stg_customers"),
     .tags = L("daily"),
     .depends_on = L("seed.shop.countries"),
     .is_enabled = true},
    {.type = NODE_MODEL,
     .unique_id = "model.shop.eph",
     .name = "eph",
     .package = "shop",
     .path = "models/eph.sql",
     .schema = "silver",
     .alias = "eph",
     .materialized = "ephemeral",
     .fqn = L("shop", "eph"),
     .depends_on = L("model.shop.stg_orders"),
     .is_enabled = true},
    {.type = NODE_MODEL,
     .unique_id = "model.shop.customers",
     .name = "customers",
     .package = "shop",
     .path = "models/marts/customers.sql",
     .schema = "gold",
     .alias = "customers",
     .materialized = "table",
     .fqn = L("shop", "marts", "customers"),
     .tags = L("daily"),
     .depends_on = L("model.shop.stg_customers", "model.shop.eph"),
     .is_enabled = true},
    {.type = NODE_MODEL,
     .unique_id = "model.shop.orders",
     .name = "orders",
     .package = "shop",
     .path = "models/marts/orders.sql",
     .schema = "gold",
     .alias = "orders",
     .materialized = "incremental",
     .fqn = L("shop", "marts", "orders"),
     .tags = L("hourly"),
     .depends_on = L("model.shop.stg_orders"),
     .is_enabled = true},
    {.type = NODE_MODEL,
     .unique_id = "model.shop.report",
     .name = "report",
     .package = "shop",
     .path = "models/marts/report.sql",
     .schema = "gold",
     .alias = "report",
     .materialized = "table",
     .fqn = L("shop", "marts", "report"),
     .depends_on = L("model.shop.orders", "model.shop.customers"),
     .is_enabled = true},
    {.type = NODE_MODEL,
     .unique_id = "model.shop.off",
     .name = "off",
     .package = "shop",
     .path = "models/off.sql",
     .schema = "gold",
     .alias = "off",
     .materialized = "table",
     .fqn = L("shop", "off"),
     .is_enabled = false},
    {.type = NODE_TEST,
     .unique_id = "test.shop.not_null_orders_id",
     .name = "not_null_orders_id",
     .package = "shop",
     .path = "models/marts/marts.yml",
     .materialized = "test",
     .fqn = L("shop", "marts", "not_null_orders_id"),
     .attached = "model.shop.orders",
     .depends_on = L("model.shop.orders"),
     .is_enabled = true},
    {.type = NODE_TEST,
     .unique_id = "test.shop.relationships_orders_customers",
     .name = "relationships_orders_customers",
     .package = "shop",
     .path = "models/marts/marts.yml",
     .materialized = "test",
     .fqn = L("shop", "marts", "relationships_orders_customers"),
     .attached = "model.shop.orders",
     .depends_on = L("model.shop.orders", "model.shop.customers"),
     .is_enabled = true},
    {.type = NODE_TEST,
     .unique_id = "test.shop.orders_equal_staging",
     .name = "orders_equal_staging",
     .package = "shop",
     .path = "tests/orders_equal_staging.sql",
     .materialized = "test",
     .fqn = L("shop", "orders_equal_staging"),
     .attached = "model.shop.orders",
     .depends_on = L("model.shop.orders", "model.shop.stg_orders"),
     .is_enabled = true},
    {.type = NODE_EXPOSURE,
     .unique_id = "exposure.shop.board",
     .name = "board",
     .package = "shop",
     .path = "models/marts/marts.yml",
     .depends_on = L("model.shop.report"),
     .is_enabled = true},
};
#define FIX_N (sizeof fix_nodes / sizeof *fix_nodes)

static const struct conf_source fix_sources[] = {
    {.name = "pos", .topic = "transactions"}};
static const struct conf_topic fix_topics[] = {{.name = "transactions"}};
static const struct conf_stream fix_streams[] = {{.name = "enrichment",
                                                  .from = "transactions",
                                                  .to_records = "enriched",
                                                  .to_rejects = "dead"}};
static const struct conf_load fix_loads[] = {{.name = "raw_orders",
                                              .from = "enriched",
                                              .schema = "bronze",
                                              .table = "raw_orders"}};
static const struct conf_gate fix_gates[] = {
    {.name = "orders_gate", .on = "gold.orders", .block = "critical"},
    {.name = "bronze_gate", .on = "bronze.raw_orders", .block = "critical"}};

static inline struct platform fix_platform(void)
{
    return (struct platform){.sources = fix_sources,
                             .n_sources = 1,
                             .topics = fix_topics,
                             .n_topics = 1,
                             .streams = fix_streams,
                             .n_streams = 1,
                             .loads = fix_loads,
                             .n_loads = 1,
                             .gates = fix_gates,
                             .n_gates = 2};
}

static inline void fix_graph(struct graph *g)
{
    const struct node *nodes[FIX_N];
    struct platform p = fix_platform();
    struct err e = {0};
    static json_t *config; /* of report */
    if (!config)
        config = json_pack("{s:s, s:s}", "access", "public", "group", "finance");
    for (size_t i = 0; i < FIX_N; i++) {
        nodes[i] = &fix_nodes[i];
        if (strcmp(fix_nodes[i].name, "report") == 0)
            fix_nodes[i].config = config;
    }
    if (graph_build_nodes(g, &p, "shop", nodes, FIX_N, &e) < 0)
        fail_msg("%s", e.text);
}

#endif
