/* weir.yml to struct platform: values, defaults, references, overrides, derived
 * entries. */
#include "conf_fixture.h"

static struct platform *must_load(const char *text, const char *const *sets)
{
    struct platform *p = conf_try(text, sets);
    if (!p)
        fail_msg("%s", conf_error);
    return p;
}

static const char full[] =
    "platform: shop\n"
    "environment: ${CONF_TEST_ENV:-dev}\n"
    "timezone: America/New_York\n"
    "clock: data\n"
    "bus: {embedded: {relaxed: true}}\n"
    "warehouse: {sqlite: {}, schemas: [bronze, gold], dialect: snowflake}\n"
    "pools: {transform: {slots: 3, statement_timeout: 30m}}\n"
    "sources:\n"
    "  pos: {plugin: pos, path: \"data/../pos.jsonl\", topic: transactions, speed: 7}\n"
    "  stores: {plugin: stores, path: /abs/stores.csv, every: 1h, memory: 64MiB}\n"
    "topics:\n"
    "  transactions: {partitions: 8, retention: 3d}\n"
    "streams:\n"
    "  enrichment:\n"
    "    from: transactions\n"
    "    tables: {store: stores}\n"
    "    windows: [5m, 1h]\n"
    "    detect: {velocity: 12/30s, alert_over: 99.95, amount_sigma: 2.5}\n"
    "    workers: {min: 2}\n"
    "loads:\n"
    "  raw: {from: enriched-transactions, into: bronze.raw, batch: {rows: 5}}\n"
    "  st: {from: stores, into: bronze.stores, mode: upsert, key: \"id\"}\n"
    "gates:\n"
    "  g:\n"
    "    suite: suite.json\n"
    "    on: gold.x\n"
    "    parameters: {n: 5, q: {query: select 1}, l: [a, 1], s: \"5\", e: "
    "\"${CONF_X:-9}\"}\n"
    "freshness:\n"
    "  bronze.raw: {warn: 2m, breach: 5m}\n"
    "schedules:\n"
    "  hourly: {cron: \"5 * * * *\", select: \"tag:hourly+\"}\n"
    "alerts:\n"
    "  file: {for: [critical]}\n"
    "roles: {admin: [\"@wheel\"], viewer: \"*\"}\n";

static void every_section_is_read(void **state)
{
    (void)state;
    struct platform *p = must_load(full, NULL);
    char path[PATH_MAX + 64];
    assert_string_equal(p->name, "shop");
    assert_string_equal(p->environment, "dev");
    assert_int_equal(p->clock, CLOCK_DATA);
    assert_true(p->bus_relaxed);
    assert_string_equal(p->bus_kind, "embedded");
    assert_string_equal(p->schemas[1], "gold");
    assert_null(p->schemas[2]);
    assert_int_equal(p->sql_workers, 3);
    assert_int_equal(p->pools[0].statement_timeout_ms, 1800000);
    const struct conf_source *pos = conf_source(p, "pos");
    snprintf(path, sizeof path, "%s/pos.jsonl", conf_dir);
    assert_string_equal(pos->settings[0].name, "path");
    assert_string_equal(pos->settings[0].value, path);
    assert_true(pos->settings[0].is_path);
    assert_string_equal(pos->settings[1].value, "7");
    assert_int_equal(pos->n_settings, 2);
    assert_int_equal(conf_source(p, "stores")->memory_bytes, 64 << 20);
    const struct conf_stream *s = conf_stream(p, "enrichment");
    assert_int_equal(s->velocity_max, 12);
    assert_int_equal(s->velocity_ms, 30000);
    assert_int_equal(s->alert_over_cents, 9995);
    assert_true(s->amount_sigma == 2.5);
    assert_int_equal(s->n_windows, 2);
    assert_int_equal(s->windows_ms[1], 3600000);
    assert_string_equal(s->steps[3], "window");
    assert_int_equal(s->workers_min, 2);
    assert_int_equal(s->workers_max, 8);
    const struct conf_load *raw = conf_load_row(p, "raw");
    assert_string_equal(raw->schema, "bronze");
    assert_string_equal(raw->table, "raw");
    assert_int_equal(raw->batch_rows, 5);
    assert_string_equal(p->freshness[0].relation, "bronze.raw");
    assert_string_equal(p->freshness[0].column, "loaded_at");
    assert_string_equal(p->schedules[0].select, "tag:hourly+");
    assert_string_equal(p->sinks[0].kind, "file");
    assert_string_equal(p->role_viewer[0], "*");
    snprintf(path, sizeof path, "%s/.weir/alerts.jsonl", conf_dir);
    assert_string_equal(p->sinks[0].path, path);
    conf_free(p);
}

static void parameters_keep_their_type(void **state)
{
    (void)state;
    struct platform *p = must_load(full, NULL);
    const struct conf_gate *g = &p->gates[0];
    static const char *const expected[] = {"5", "{\"query\":\"select 1\"}", "[\"a\",1]",
                                           "\"5\"", "9"};
    assert_int_equal(g->n_parameters, 5);
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(g->parameters[i].value, expected[i]);
    conf_free(p);
}

static void topics_nobody_listed(void **state)
{
    (void)state;
    struct platform *p = must_load(full, NULL);
    static const char *const derived[] = {"enriched-transactions", "store-aggregates",
                                          "anomalies", "late-transactions",
                                          "dead-letters"};
    for (size_t i = 0; i < 5; i++) {
        const struct conf_topic *t = conf_topic(p, derived[i]);
        assert_non_null(t);
        assert_int_equal(t->partitions, 8);
        assert_int_equal(t->retention_ms, 259200000);
        assert_string_equal(t->key, "store");
    }
    const struct conf_topic *stores = conf_topic(p, "stores");
    assert_int_equal(stores->partitions, 1);
    assert_int_equal(stores->retention_ms, -1);
    assert_string_equal(stores->key, "hash");
    conf_free(p);
}

static void an_empty_file_is_a_platform(void **state)
{
    (void)state;
    struct platform *p = must_load("# nothing\n", NULL);
    char path[PATH_MAX + 64];
    assert_string_equal(p->timezone, "UTC");
    assert_int_equal(p->clock, CLOCK_WALL);
    assert_int_equal(p->sql_workers, 2);
    assert_int_equal(p->as_of_ms, -1);
    assert_string_equal(p->models_project, conf_dir);
    snprintf(path, sizeof path, "%s/.weir/bus.db", conf_dir);
    assert_string_equal(p->bus_path, path);
    assert_string_equal(conf_state_path(p, "bus.db", path, sizeof path), p->bus_path);
    conf_free(p);
}

static void a_dbt_project_alone_is_a_platform(void **state)
{
    (void)state;
    struct platform *p = NULL;
    struct err e = {0};
    char path[PATH_MAX + 64];
    snprintf(path, sizeof path, "%s/weir.yml", conf_dir);
    unlink(path);
    struct conf_options o = {.project_dir = conf_dir};
    assert_int_equal(conf_load(&p, &o, &e), 0);
    assert_null(p->file);
    conf_free(p);
}

static void overrides_come_last(void **state)
{
    (void)state;
    setenv("WEIR_SET", "platform: no\nclock=data\nplatform=from_env", 1);
    assert_null(conf_try("platform: file\n", NULL));
    assert_int_equal(conf_code, ERR_USAGE);
    setenv("WEIR_SET", "clock=data\nplatform=from_env", 1);
    static const char *const sets[] = {
        "platform=from_set",     "streams.s.from=t",
        "topics.t.partitions=4", "freshness.gold.x.warn=3m",
        "roles.admin=[a, b]",    "sources.p.plugin=x",
        "sources.p.note=",       NULL};
    struct platform *p = must_load("platform: file\nfreshness: {gold.y: {}}\n", sets);
    assert_string_equal(p->name, "from_set");
    assert_int_equal(p->clock, CLOCK_DATA);
    assert_int_equal(conf_topic(p, "t")->partitions, 4);
    assert_string_equal(p->freshness[1].relation, "gold.x");
    assert_int_equal(p->freshness[1].warn_ms, 180000);
    assert_string_equal(p->role_admin[1], "b");
    assert_string_equal(p->sources[0].settings[0].value, "");
    conf_free(p);
    unsetenv("WEIR_SET");
}

static void references_and_secrets(void **state)
{
    (void)state;
    conf_put("secret", "hunter2\n", 8);
    setenv("CONF_TEST_ENV", "prod", 1);
    struct platform *p = must_load("environment: ${CONF_TEST_ENV:-dev}\n"
                                   "platform: \"a$${b}-${CONF_NONE:-}c\"\n"
                                   "sources: {s: {plugin: x, login: {file: secret},\n"
                                   "  user: {env: CONF_TEST_ENV}, password: open}}\n",
                                   NULL);
    assert_string_equal(p->environment, "prod");
    assert_string_equal(p->name, "a${b}-c");
    assert_string_equal(p->sources[0].settings[0].value, "hunter2");
    assert_string_equal(p->sources[0].settings[1].value, "prod");
    struct buf b;
    struct err e = {0};
    buf_init(&b, 1 << 20);
    for (int as_json = 0; as_json < 2; as_json++) {
        buf_reset(&b);
        assert_int_equal(conf_show(p, as_json, &b, &e), 0);
        assert_null(strstr(buf_str(&b), "hunter2"));
        assert_null(strstr(buf_str(&b), "open"));
        assert_non_null(strstr(buf_str(&b), "***"));
        assert_non_null(strstr(buf_str(&b), "weir.yml:1:14"));
    }
    buf_release(&b);
    conf_free(p);
    unsetenv("CONF_TEST_ENV");
}

static void a_project_is_found_upwards(void **state)
{
    (void)state;
    struct platform *p = NULL;
    struct err e = {0};
    conf_put("weir.yml", "platform: up\n", 13);
    assert_int_equal(mkdir("sub", 0777), 0);
    assert_int_equal(chdir("sub"), 0);
    assert_int_equal(conf_load(&p, NULL, &e), 0);
    assert_string_equal(p->name, "up");
    assert_string_equal(p->project_dir, conf_dir);
    conf_free(p);
    struct conf_options o = {.state_dir = "st", .as_of = "2017-06-05"};
    assert_int_equal(conf_load(&p, &o, &e), 0);
    char path[PATH_MAX + 64];
    snprintf(path, sizeof path, "%s/sub/st", conf_dir);
    assert_string_equal(p->state_dir, path);
    assert_true(p->as_of_ms > 0);
    conf_free(p);
    assert_int_equal(chdir(".."), 0);
    rmdir("sub");
}

/* WEIR_POS=receipts.jsonl means the file beside the caller, unless the project has one
 * of that name; what weir.yml itself says is the project's. */
static void a_given_path_may_be_the_callers(void **state)
{
    (void)state;
    static const char text[] = "sources:\n"
                               "  a: {plugin: x, path: \"${CONF_TEST_PATH}\"}\n"
                               "  b: {plugin: x, path: \"${CONF_NONE:-here.csv}\"}\n"
                               "  c: {plugin: x, path: here.csv}\n"
                               "  d: {plugin: x, path: {env: CONF_TEST_PATH}}\n"
                               "  e: {plugin: x, path: here.csv}\n";
    static const char *const sets[] = {"sources.e.path=here.csv", NULL};
    char here[PATH_MAX + 64], there[PATH_MAX + 64];
    setenv("CONF_TEST_PATH", "here.csv", 1);
    assert_int_equal(mkdir("sub", 0777), 0);
    assert_int_equal(chdir("sub"), 0);
    conf_put("sub/here.csv", "", 0);
    snprintf(here, sizeof here, "%s/sub/here.csv", conf_dir);
    snprintf(there, sizeof there, "%s/here.csv", conf_dir);
    struct platform *p = must_load(text, sets);
    static const bool is_here[] = {true, false, false, true, true};
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(p->sources[i].settings[0].value, is_here[i] ? here : there);
    assert_int_equal(p->n_given_paths, 3);
    assert_string_equal(p->given_paths[0].name, "sources.a.path");
    assert_string_equal(p->given_paths[0].value, here);
    conf_free(p);
    conf_put("here.csv", "", 0); /* now the project has one: it comes first */
    p = must_load(text, sets);
    assert_string_equal(p->sources[0].settings[0].value, there);
    assert_int_equal(p->n_given_paths, 0);
    conf_free(p);
    unlink(here);
    unlink(there);
    p = must_load(text, sets); /* nowhere: the project's, as the message will say */
    assert_string_equal(p->sources[0].settings[0].value, there);
    conf_free(p);
    unsetenv("CONF_TEST_PATH");
    assert_int_equal(chdir(".."), 0);
    rmdir("sub");
}

/* The two platform files that exist load. */
static void the_retail_platform_loads(void **state)
{
    (void)state;
    const char *top = getenv("WEIR_TOP");
    char dir[PATH_MAX + 64];
    snprintf(dir, sizeof dir, "%s/retail", top ? top : ".");
    if (access(dir, F_OK) < 0)
        skip();
    struct platform *p = NULL;
    struct err e = {0};
    struct conf_options o = {.project_dir = dir};
    if (conf_load(&p, &o, &e) < 0)
        fail_msg("%s", e.text);
    assert_int_equal(conf_topic(p, "transactions")->partitions, 100);
    assert_int_equal(conf_topic(p, "customer-events")->retention_ms, 14 * 86400000LL);
    assert_int_equal(conf_topic(p, "dead-letters")->partitions, 100);
    conf_free(p);
}

int main(void)
{
    char top[PATH_MAX];
    if (!getenv("WEIR_TOP") && getcwd(top, sizeof top))
        setenv("WEIR_TOP", top, 1);
#define T(f) cmocka_unit_test_setup_teardown(f, conf_setup, conf_teardown)
    const struct CMUnitTest tests[] = {
        T(every_section_is_read),
        T(parameters_keep_their_type),
        T(topics_nobody_listed),
        T(an_empty_file_is_a_platform),
        T(a_dbt_project_alone_is_a_platform),
        T(overrides_come_last),
        T(references_and_secrets),
        T(a_project_is_found_upwards),
        T(a_given_path_may_be_the_callers),
        T(the_retail_platform_loads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
