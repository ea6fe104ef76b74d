/* Building nodes of tests/projects/shop and of small projects written here: publish
 * order, incrementals, tests and gates before publishing, hooks, errors at their
 * source. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "unit/model_fixture.h"

static void test_shop_builds(void **state)
{
    struct shop *s = *state;
    shop_open(s, "tests/projects/shop", NULL);
    OK(s, "seed.shop.raw_customers");
    OK(s, "seed.shop.raw_orders");
    OK(s, "model.shop.stg_customers");
    OK(s, "model.shop.stg_orders");
    OK(s, "model.shop.customers");
    OK(s, "model.shop.order_log");
    OK(s, "model.tools.tool_model");
    IS(s,
       "select group_concat(name || '=' || amount || '/' || orders, ';') from"
       " gold.customers",
       "Ann, A.=12.25/2;Bob \"B\"=0/0;Cem=0/0");
    /* dispatch: sqlite__ first; a root macro overrides the package's default__ */
    IS(s, "select label || ', ' || other from gold.customers limit 1",
       "x by sqlite, root overrides");
    /* vars: root's block for the package, the package's own, the root's */
    IS(s, "select scoped || ', ' || own || ', ' || root from silver.tool_model",
       "from root for tools, from tools, root");
    /* config of a package in the root's dbt_project.yml wins over the file's own */
    assert_int_equal(wh_relation_type(s->w, "silver", "tool_model"), WH_TABLE);
    IS(s, "select count(*) from gold.sqlite_schema where name = 'customers_name'", "1");
    IS(s,
       "select group_concat(status) from (select status from silver.orders order by 1)",
       "done,done,done,open");
    assert_string_equal(run_node(s, "test.shop.amounts_agree", NULL), "pass");
    assert_string_equal(run_node(s, "model.shop.only_done", NULL), "success");
}

static void test_seed_types(void **state)
{
    struct shop *s = *state;
    shop_open(s, "tests/projects/shop", NULL);
    OK(s, "seed.shop.raw_customers");
    OK(s, "seed.shop.raw_orders");
    IS(s,
       "select typeof(id) || typeof(name) || typeof(score) || typeof(active) from"
       " silver.raw_customers",
       "integertextrealinteger");
    IS(s, "select count(*) from silver.raw_customers where note is null", "2");
    IS(s, "select typeof(id) from silver.raw_orders", "text");
    IS(s, "select count(*) from silver.raw_orders where customer_id is null", "1");
}

static void test_vars_from_the_command_line(void **state)
{
    struct shop *s = *state;
    shop_open(s, "tests/projects/shop", "{cutoff: '2017-02-01', with_off: true}");
    OK(s, "seed.shop.raw_orders");
    OK(s, "model.shop.stg_orders");
    IS(s, "select count(*) from silver.orders", "2");
    assert_non_null(project_find(s->p, "model.shop.switched_off"));
}

static void test_disabled_by_yaml(void **state)
{
    struct shop *s = *state;
    shop_open(s, "tests/projects/shop", NULL);
    assert_null(project_find(s->p, "model.shop.switched_off"));
}

/* ── incremental ── */

static const char model_inc[] =
    "{{ config(materialized='incremental', unique_key='id'%s) }}\n"
    "select id, v%s from bronze.src";

static void put_inc(struct shop *s, const char *config, const char *columns)
{
    char text[600];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(text, sizeof text, model_inc, config, columns);
#pragma GCC diagnostic pop
    put(s, "models/inc.sql", text);
    shop_open(s, NULL, NULL);
}

static void test_delete_and_insert(void **state)
{
    struct shop *s = *state;
    put_inc(s, "", "");
    sql(s,
        "create table bronze.src as select 1 as id, 'a' as v union all select 2, 'b'");
    OK(s, "model.tiny.inc");
    sql(s, "delete from bronze.src; insert into bronze.src values(2, 'B'), (3, 'c'),"
           " (null, 'n')");
    OK(s, "model.tiny.inc");
    IS(s,
       "select group_concat(coalesce(id, 'null') || v, ' ') from (select * from"
       " main.inc order by v)",
       "2B 1a 3c nulln");
    OK(s, "model.tiny.inc"); /* null keys match nothing: they are there twice now */
    IS(s, "select count(*) from main.inc where id is null", "2");
}

static void test_is_incremental_and_full_refresh(void **state)
{
    struct shop *s = *state;
    put(s, "models/inc.sql",
        "{{ config(materialized='incremental') }}\n"
        "select '{{ is_incremental() }}' as how");
    shop_open(s, NULL, NULL);
    OK(s, "model.tiny.inc");
    OK(s, "model.tiny.inc");
    IS(s, "select group_concat(how, ' ') from main.inc", "False True");
    s->full_refresh = true;
    OK(s, "model.tiny.inc");
    IS(s, "select group_concat(how, ' ') from main.inc", "False");
}

/* Hooks behind the first build still see that there was nothing before it. */
static void test_is_incremental_in_hooks(void **state)
{
    struct shop *s = *state;
    put(s, "models/inc.sql",
        "{{ config(materialized='incremental',"
        " post_hook=\"insert into bronze.log values ('{{ is_incremental() }}')\") }}\n"
        "select 1 as id");
    sql(s, "create table bronze.log(t)");
    shop_open(s, NULL, NULL);
    OK(s, "model.tiny.inc");
    OK(s, "model.tiny.inc");
    IS(s, "select group_concat(t, ' ') from bronze.log", "False True");
}

/* full_refresh in the config counts when SQL is only shown, too. */
static void test_compile_knows_full_refresh(void **state)
{
    struct shop *s = *state;
    struct err e = {0};
    struct buf b;
    put(s, "models/inc.sql",
        "{{ config(materialized='incremental', full_refresh=true) }}\n"
        "select '{{ is_incremental() }}' as how");
    shop_open(s, NULL, NULL);
    OK(s, "model.tiny.inc");
    buf_init(&b, 1u << 16);
    assert_int_equal(
        model_compile(s->p, s->w, project_find(s->p, "model.tiny.inc"), &b, &e), 0);
    assert_non_null(strstr(buf_str(&b), "'False'"));
    buf_release(&b);
}

static void test_merge_keeps_other_columns(void **state)
{
    struct shop *s = *state;
    put_inc(s, ", incremental_strategy='merge', merge_update_columns=['v']", ", w");
    sql(s, "create table bronze.src as select 1 as id, 'a' as v, 'x' as w");
    OK(s, "model.tiny.inc");
    sql(s, "delete from bronze.src; insert into bronze.src values(1, 'A', 'y'), (2, "
           "'b', 'z')");
    OK(s, "model.tiny.inc");
    IS(s, "select group_concat(id || v || w, ' ') from main.inc", "1Ax 2bz");
}

static void test_on_schema_change(void **state)
{
    static const struct {
        const char *how, *status, *columns;
    } rows[] = {{"ignore", "success", "id v"},
                {"append_new_columns", "success", "id v w"},
                {"fail", "error", "id v"}};
    struct shop *s = *state;
    for (size_t i = 0; i < 3; i++) {
        char config[100];
        snprintf(config, sizeof config, ", on_schema_change='%s'", rows[i].how);
        put_inc(s, config, "");
        sql(s, "drop table if exists bronze.src; drop table if exists main.inc;"
               "create table bronze.src as select 1 as id, 'a' as v, 'x' as w");
        OK(s, "model.tiny.inc");
        put_inc(s, config, ", w");
        assert_string_equal(run_node(s, "model.tiny.inc", NULL), rows[i].status);
        IS(s, "select group_concat(name, ' ') from pragma_table_info('inc', 'main')",
           rows[i].columns);
    }
    put_inc(s, ", on_schema_change='sync_all_columns'", ", w");
    sql(s, "drop table main.inc");
    OK(s, "model.tiny.inc");
    put(s, "models/inc.sql",
        "{{ config(materialized='incremental', unique_key='id',"
        " on_schema_change='sync_all_columns') }}\n"
        "select id, 'q' as z from bronze.src");
    shop_open(s, NULL, NULL);
    OK(s, "model.tiny.inc");
    IS(s, "select group_concat(name, ' ') from pragma_table_info('inc', 'main')",
       "id z");
}

static void test_unknown_strategy(void **state)
{
    struct shop *s = *state;
    put_inc(s, ", incremental_strategy='sideways'", "");
    sql(s, "create table bronze.src as select 1 as id, 'a' as v");
    assert_string_equal(run_node(s, "model.tiny.inc", NULL), "error");
    assert_non_null(strstr(s->message, "get_incremental_sideways_sql"));
}

/* ── check, then publish ── */

static void put_checked(struct shop *s, const char *kind)
{
    char text[300];
    snprintf(text, sizeof text,
             "{{ config(materialized='%s', unique_key='id') }}\n"
             "select id, v from bronze.src",
             kind);
    put(s, "models/m.sql", text);
    put(s, "models/m.yml",
        "models:\n  - name: m\n    columns:\n      - name: v\n"
        "        tests: [not_null]\n");
    shop_open(s, NULL, NULL);
}

/* A failing test leaves the live relation as it was: table, view and incremental. */
static void test_failed_test_publishes_nothing(void **state)
{
    static const char *const kinds[] = {"table", "view", "incremental"};
    struct shop *s = *state;
    for (size_t i = 0; i < 3; i++) {
        put_checked(s, kinds[i]);
        wh_drop(s->w, "main", "m", NULL);
        sql(s, "drop table if exists bronze.src;"
               "create table bronze.src as select 1 as id, 'a' as v");
        OK(s, "model.tiny.m");
        sql(s, "insert into bronze.src values(2, null)");
        assert_string_equal(run_node(s, "model.tiny.m", NULL), "fail");
        assert_non_null(strstr(s->message, "1 of 1 tests failed (not_null_m_v)"));
        if (!streq(kinds[i], "view")) /* the live view looks at src whatever happens */
            IS(s, "select group_concat(id) from main.m", "1");
        assert_int_equal(wh_relation_type(s->w, "main", "m__weir_tmp"), WH_ABSENT);
        assert_int_equal(wh_relation_type(s->w, WH_TEMP, "m__weir_tmp"), WH_ABSENT);
        sql(s, "update bronze.src set v = 'b' where id = 2");
        OK(s, "model.tiny.m");
        IS(s, "select count(*) from main.m", "2");
    }
}

static int refuse(void *arg, const struct node *n, const char *schema,
                  const char *built, json_t **detail, struct err *e)
{
    struct shop *s = arg;
    char text[200];
    (void)detail;
    snprintf(text, sizeof text, "select count(*) from %s.%s", schema, built);
    IS(s, text, "1"); /* the gate sees what is about to be published */
    return err_set(e, ERR_BLOCKED, "gate on %s says no", n->name);
}

static void test_gate_blocks(void **state)
{
    static const char *const kinds[] = {"table", "incremental"};
    struct shop *s = *state;
    for (size_t i = 0; i < 2; i++) {
        put_checked(s, kinds[i]);
        wh_drop(s->w, "main", "m", NULL);
        sql(s, "drop table if exists bronze.src;"
               "create table bronze.src as select 1 as id, 'a' as v");
        OK(s, "model.tiny.m");
        sql(s, "update bronze.src set v = 'changed'");
        assert_string_equal(run_node(s, "model.tiny.m", refuse), "blocked");
        assert_string_equal(s->message, "gate on m says no");
        IS(s, "select v from main.m", "a");
    }
}

static void test_post_hook_failure_publishes_nothing(void **state)
{
    struct shop *s = *state;
    put(s, "models/m.sql", "{{ config(materialized='table') }} select 1 as a");
    shop_open(s, NULL, NULL);
    OK(s, "model.tiny.m");
    put(s, "models/m.sql",
        "{{ config(materialized='table', post_hook=\"insert into "
        "main.nothing values('{{ this }}')\") }} select 2 as a");
    shop_open(s, NULL, NULL);
    assert_string_equal(run_node(s, "model.tiny.m", NULL), "error");
    assert_non_null(strstr(s->message, "models/m.sql (post-hook)"));
    IS(s, "select a from main.m", "1");
}

static void test_leftovers_of_a_crash(void **state)
{
    struct shop *s = *state;
    put(s, "models/m.sql", "{{ config(materialized='table') }} select 1 as a");
    shop_open(s, NULL, NULL);
    sql(s, "create table main.m__weir_tmp(x); create table main.m__weir_old(x);"
           "create temp table m__weir_tmp(x)");
    OK(s, "model.tiny.m");
    IS(s, "select count(*) from main.sqlite_schema where name like 'm__weir%'", "0");
}

static void test_severity_and_thresholds(void **state)
{
    static const struct {
        const char *config, *status;
    } rows[] = {{"severity: error", "fail"},
                {"severity: warn", "warn"},
                {"error_if: '> 5'", "warn"},
                {"{error_if: '> 5', warn_if: '> 5'}", "pass"},
                {"where: 'v is not null'", "pass"},
                {"limit: 1", "fail"},
                {"fail_calc: 'sum(broken)'", "error"}};
    struct shop *s = *state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char yml[400];
        const char *c = rows[i].config;
        snprintf(yml, sizeof yml,
                 "models:\n  - name: m\n    columns:\n      - name: v\n        tests:\n"
                 "          - not_null:\n              config: %s%s%s\n",
                 *c == '{' ? "" : "{", c, *c == '{' ? "" : "}");
        put(s, "models/m.sql", "select 1 as a, null as v union all select 2, null");
        put(s, "models/m.yml", yml);
        shop_open(s, NULL, NULL);
        wh_drop(s->w, "main", "m", NULL);
        run_node(s, "model.tiny.m", NULL);
        s->tests_first = false;
        OK(s, "model.tiny.m");
        const struct node *t = NULL;
        for (size_t k = 0; k < project_n_nodes(s->p); k++)
            if (project_node(s->p, k)->type == NODE_TEST)
                t = project_node(s->p, k);
        assert_string_equal(run_node(s, t->unique_id, NULL), rows[i].status);
        s->tests_first = true;
    }
}

/* Tests counted together in one scan find what each would find alone. */
static void test_bundled_tests(void **state)
{
    static const struct {
        const char *extra, *message;
    } rows[] = {{"", "2 of 3 tests failed (not_null_m_v)"},
                {"{config: {where: 'a < 3'}}", "2 of 3 tests failed (not_null_m_v)"},
                {"{config: {severity: warn}}",
                 "1 of 3 tests failed (accepted_values_m_w__it_s__ok)"}};
    struct shop *s = *state;
    for (size_t i = 0; i < 3; i++) {
        char yml[600];
        snprintf(
            yml, sizeof yml,
            "models:\n  - name: m\n    columns:\n      - name: a\n        tests: "
            "[not_null]\n      - name: v\n        tests:\n          - not_null: %s\n"
            "      - name: w\n        tests:\n          - accepted_values: {values: "
            "[\"it's\", ok]}\n",
            *rows[i].extra ? rows[i].extra : "{}");
        put(s, "models/m.sql",
            "{{ config(materialized='table') }}"
            "select 1 as a, 1 as v, 'it''s' as w union all select 2, null, 'ok'"
            " union all select 3, 1, 'bad' union all select 4, 1, null");
        put(s, "models/m.yml", yml);
        shop_open(s, NULL, NULL);
        assert_string_equal(run_node(s, "model.tiny.m", NULL), "fail");
        if (!strstr(s->message, rows[i].message))
            fail_msg("%s", s->message);
    }
}

static void test_store_failures(void **state)
{
    struct shop *s = *state;
    put(s, "models/m.sql",
        "{{ config(materialized='table') }} select 1 as a, null as v");
    put(s, "models/m.yml",
        "models:\n  - name: m\n    columns:\n      - name: v\n        "
        "tests:\n          - not_null: {config: {store_failures: true}}\n");
    shop_open(s, NULL, NULL);
    assert_string_equal(run_node(s, "model.tiny.m", NULL), "fail");
    IS(s, "select a from dbt_test__audit.not_null_m_v", "1");
}

/* ── errors at their source ── */

static void test_sql_error_names_file_and_line(void **state)
{
    struct shop *s = *state;
    put(s, "models/m.sql",
        "{{ config(materialized='table') }}\n{% set x = [1,2,3] %}\n"
        "select\n    1 as a,\n    nope as b,\n    {{ x | length }} as c\n");
    shop_open(s, NULL, NULL);
    assert_string_equal(run_node(s, "model.tiny.m", NULL), "error");
    assert_true(str_starts(s->message, "models/m.sql:5:5: no such column: nope\n"));
    assert_non_null(strstr(s->message, "    5 |     nope as b,\n      |     ^"));
}

/* A broken file is named; the others still build. */
static void test_broken_model_leaves_others(void **state)
{
    struct shop *s = *state;
    put(s, "models/bad.sql", "select 1\n{% if %}");
    put(s, "models/lost.sql", "select * from {{ ref('godo') }}");
    put(s, "models/good.sql", "select 1 as a");
    put(s, "models/bytes.sql", "select '\xff'");
    shop_open(s, NULL, NULL);
    OK(s, "model.tiny.good");
    assert_string_equal(run_node(s, "model.tiny.bad", NULL), "error");
    assert_non_null(strstr(s->message, "models/bad.sql"));
    assert_string_equal(run_node(s, "model.tiny.lost", NULL), "error");
    assert_non_null(strstr(s->message,
                           "there is no model, seed or snapshot \"godo\"; did you "
                           "mean \"good\"?"));
    assert_string_equal(run_node(s, "model.tiny.bytes", NULL), "error");
    assert_non_null(strstr(s->message, "not UTF-8"));
}

static void test_ephemeral_loop(void **state)
{
    struct shop *s = *state;
    put(s, "models/a.sql",
        "{{ config(materialized='ephemeral') }} select * from "
        "{{ ref('b') }}");
    put(s, "models/b.sql",
        "{{ config(materialized='ephemeral') }} select * from "
        "{{ ref('a') }}");
    put(s, "models/c.sql", "select * from {{ ref('a') }}");
    struct err e = {0};
    assert_int_equal(shop_load(s, NULL, NULL, &e), ERR_CONFIG);
    assert_non_null(strstr(e.text, "a -> b -> a"));
    /* the ref that closes the circle comes to light only when it runs */
    put(s, "models/b.sql",
        "{{ config(materialized='ephemeral') }} select * from "
        "{% if execute %}{{ ref('a') }}{% endif %}");
    shop_open(s, NULL, NULL);
    assert_string_equal(run_node(s, "model.tiny.c", NULL), "error");
    assert_non_null(strstr(s->message, "refers to itself"));
}

static void test_endless_template(void **state)
{
    struct shop *s = *state;
    put(s, "models/m.sql",
        "{% for i in range(99999) %}{% for j in range(99999) %}"
        "{% endfor %}{% endfor %}select 1 as a");
    put(s, "models/good.sql", "select 1 as a");
    shop_open(s, NULL, NULL);
    assert_string_equal(run_node(s, "model.tiny.m", NULL), "error");
    OK(s, "model.tiny.good");
}

static void test_bad_seeds(void **state)
{
    static const struct {
        const char *text, *part;
    } rows[] = {{"a,b\n1,2\n3\n", "seeds/s.csv:3: 1 cells, the header has 2"},
                {"a,b\n1,\"2\n", "seeds/s.csv:2: a quote is not closed"},
                {"", "the file is empty"},
                {"a,A\n1,2\n", "the column \"A\" is there twice"},
                {"a,\n1,2\n", "column 2 has no name"}};
    struct shop *s = *state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        put(s, "seeds/s.csv", rows[i].text);
        shop_open(s, NULL, NULL);
        assert_string_equal(run_node(s, "seed.tiny.s", NULL), "error");
        if (!strstr(s->message, rows[i].part))
            fail_msg("%s", s->message);
    }
    put(s, "seeds/s.csv",
        "\xef\xbb\xbf"
        "a,b\r\n1,\"x\r\ny\"\r\n\r\n2,\"\"\"q\"\"\"\r\n");
    shop_open(s, NULL, NULL);
    OK(s, "seed.tiny.s");
    IS(s,
       "select group_concat(a || '=' || replace(replace(b, char(13), ''), char(10), "
       "'|'),"
       " ' ') from main.s",
       "1=x|y 2=\"q\"");
}

static void test_run_query_and_statement(void **state)
{
    struct shop *s = *state;
    put(s, "models/m.sql",
        "{% set r = run_query('select 1 as a, 2 as b union all select 3, 4') %}\n"
        "{% call statement('x', fetch_result=True) %}select 7{% endcall %}\n"
        "select {% if execute %}{{ r.columns[0].values() | sum }} as a,"
        " {{ r.rows[1]['b'] }} as b, {{ load_result('x')['data'][0][0] }} as c,"
        " '{{ r.column_names | join(\",\") }}' as d"
        "{% else %}1{% endif %}");
    shop_open(s, NULL, NULL);
    OK(s, "model.tiny.m");
    IS(s, "select a || ' ' || b || ' ' || c || ' ' || d from main.m", "4 4 7 a,b");
}

static void test_modules(void **state)
{
    static const struct {
        const char *expr, *text;
    } rows[] = {
        {"modules.datetime.datetime.now().strftime('%Y-%m')", "2018-01"},
        {"modules.datetime.date.today()", "2018-01-01"},
        {"modules.datetime.datetime(2017, 3, 1) - modules.datetime.timedelta(days=1)",
         "2017-02-28 00:00:00"},
        {"(modules.datetime.date(2017, 3, 1) - modules.datetime.date(2017, 2, 1)).days",
         "28"},
        {"modules.datetime.datetime.strptime('05.02.2017', '%d.%m.%Y').isoformat()",
         "2017-02-05T00:00:00"},
        {"modules.datetime.date(2017, 1, 2) > modules.datetime.date(2017, 1, 1)",
         "True"},
        {"modules.re.match('(a+)(b)?', 'aac').groups()[0]", "aa"},
        {"modules.re.match('x', 'aac') is none", "True"},
        {"modules.re.sub('([0-9])', '<\\\\1>', 'a1b2')", "a<1>b<2>"},
        {"modules.re.findall('[0-9]+', 'a1b22') | join('-')", "1-22"},
        {"modules.re.split(',\\\\s*', 'a, b,c') | join('|')", "a|b|c"},
        {"run_started_at.strftime('%H:%M')", "00:00"},
    };
    struct shop *s = *state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[300];
        snprintf(text, sizeof text, "select '{{ %s }}' as a", rows[i].expr);
        put(s, "models/m.sql", text);
        shop_open(s, NULL, NULL);
        OK(s, "model.tiny.m");
        IS(s, "select a from main.m", rows[i].text);
    }
}

static void test_on_run_hooks(void **state)
{
    struct shop *s = *state;
    struct err e = {0};
    shop_open(s, "tests/projects/shop", NULL);
    json_t *results = json_pack("[{}, {}]");
    assert_int_equal(project_on_run(s->p, s->w, true, NULL, &e), 0);
    assert_int_equal(project_on_run(s->p, s->w, false, results, &e), 0);
    json_decref(results);
    IS(s, "select group_concat(at) from silver.started", "default,end 2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, shop_setup, shop_teardown)
        T(test_shop_builds),
        T(test_seed_types),
        T(test_vars_from_the_command_line),
        T(test_disabled_by_yaml),
        T(test_delete_and_insert),
        T(test_is_incremental_and_full_refresh),
        T(test_is_incremental_in_hooks),
        T(test_compile_knows_full_refresh),
        T(test_merge_keeps_other_columns),
        T(test_on_schema_change),
        T(test_unknown_strategy),
        T(test_failed_test_publishes_nothing),
        T(test_gate_blocks),
        T(test_post_hook_failure_publishes_nothing),
        T(test_leftovers_of_a_crash),
        T(test_severity_and_thresholds),
        T(test_bundled_tests),
        T(test_store_failures),
        T(test_sql_error_names_file_and_line),
        T(test_broken_model_leaves_others),
        T(test_ephemeral_loop),
        T(test_endless_template),
        T(test_bad_seeds),
        T(test_run_query_and_statement),
        T(test_modules),
        T(test_on_run_hooks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
