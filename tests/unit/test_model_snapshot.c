/* Snapshots over several runs: both strategies, the three ways with deleted rows,
 * renamed columns, keys of two columns, new columns, tests before publishing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "unit/model_fixture.h"

#define DAY (INT64_C(24) * 3600 * 1000)
#define T0  INT64_C(1514764800000) /* 2018-01-01 */
#define VERSIONS(columns)                                                              \
    "select group_concat(x, ' ') from (select " columns                                \
    " as x from gold.snap order by 1)"
#define VALID                                                                          \
    "id || v || ':' || substr(dbt_valid_from, 1, 10) || '..' || "                      \
    "coalesce(substr(dbt_valid_to, 1, 10), '')"

static bool
    is_by_macro; /* all of it once more by dbt's macros: see test_model_custom.c */

static void put_block(struct shop *s, const char *config, const char *columns)
{
    char text[1000];
    snprintf(text, sizeof text,
             "{%% snapshot snap %%}\n{{ config(schema='gold', unique_key='id', %s) }}\n"
             "select %s from bronze.src\n{%% endsnapshot %%}\n",
             config, columns);
    put(s, "macros/schema.sql",
        "{% macro generate_schema_name(s, node) %}{{ s or 'main' }}{% endmacro %}");
    put(s, "snapshots/snap.sql", text);
    if (is_by_macro)
        put(s, "macros/by_macro.sql",
            "{% macro persist_docs(relation, model, for_relation=true, "
            "for_columns=true) %}{% endmacro %}");
    shop_open(s, NULL, NULL);
}

static void day(struct shop *s, int n)
{
    project_set_run(s->p, T0 + n * DAY, false);
}

static void test_timestamp(void **state)
{
    struct shop *s = *state;
    put_block(s, "strategy='timestamp', updated_at='at'", "id, v, at");
    sql(s, "create table bronze.src as select 1 as id, 'a' as v, '2018-01-01' as at"
           " union all select 2, 'b', '2018-01-01'");
    OK(s, "snapshot.tiny.snap");
    OK(s, "snapshot.tiny.snap"); /* nothing changed: nothing added */
    IS(s, VERSIONS(VALID), "1a:2018-01-01.. 2b:2018-01-01..");
    sql(s, "update bronze.src set v = 'A', at = '2018-01-05' where id = 1;"
           " update bronze.src set v = 'X' where id = 2;" /* its time did not move */
           " insert into bronze.src values (3, 'c', '2018-01-04')");
    OK(s, "snapshot.tiny.snap");
    IS(s, VERSIONS(VALID),
       "1A:2018-01-05.. 1a:2018-01-01..2018-01-05 2b:2018-01-01.. 3c:2018-01-04..");
    IS(s, "select count(distinct dbt_scd_id) = count(*) from gold.snap", "1");
    IS(s, "select dbt_scd_id = md5('1|2018-01-05') from gold.snap where v = 'A'", "1");
    s->full_refresh = true; /* history is never thrown away */
    OK(s, "snapshot.tiny.snap");
    IS(s, "select count(*) from gold.snap", "4");
}

static void test_check_list_and_null(void **state)
{
    struct shop *s = *state;
    put_block(s, "strategy='check', check_cols=['v']", "id, v, w");
    sql(s, "create table bronze.src as select 1 as id, 'a' as v, 'w' as w union all"
           " select 2, null, 'w'");
    OK(s, "snapshot.tiny.snap");
    day(s, 1);
    sql(s, "update bronze.src set w = 'other'");
    OK(s, "snapshot.tiny.snap");
    IS(s, "select count(*) from gold.snap", "2");
    sql(s, "update bronze.src set v = 'b' where id = 2");
    OK(s, "snapshot.tiny.snap");
    IS(s,
       "select group_concat(coalesce(v, '-') || (dbt_valid_to is null)) from"
       " (select * from gold.snap where id = 2 order by dbt_valid_from)",
       "-0,b1");
}

static void test_check_all_takes_new_columns(void **state)
{
    struct shop *s = *state;
    put_block(s, "strategy='check', check_cols='all'", "id, v");
    sql(s, "create table bronze.src as select 1 as id, 'a' as v");
    OK(s, "snapshot.tiny.snap");
    put_block(s, "strategy='check', check_cols='all'", "id, v, 7 as more");
    day(s, 1);
    OK(s, "snapshot.tiny.snap");
    IS(s,
       "select group_concat(coalesce(more, 'none')) from"
       " (select more from gold.snap order by dbt_valid_from)",
       "none,7");
    put_block(s, "strategy='check', check_cols='all'", "id, v"); /* it stays */
    day(s, 2);
    OK(s, "snapshot.tiny.snap");
    IS(s, "select count(*) from gold.snap", "2");
}

static void test_invalidate(void **state)
{
    struct shop *s = *state;
    put_block(s, "strategy='check', check_cols='all', hard_deletes='invalidate'",
              "id, v");
    sql(s, "create table bronze.src as select 1 as id, 'a' as v union all select 2,"
           " 'b'");
    OK(s, "snapshot.tiny.snap");
    sql(s, "delete from bronze.src where id = 2");
    day(s, 3);
    OK(s, "snapshot.tiny.snap");
    IS(s, VERSIONS(VALID), "1a:2018-01-01.. 2b:2018-01-01..2018-01-04");
    sql(s, "insert into bronze.src values (2, 'b')");
    day(s, 5);
    OK(s, "snapshot.tiny.snap");
    IS(s, VERSIONS(VALID), "1a:2018-01-01.. 2b:2018-01-01..2018-01-04 2b:2018-01-06..");
}

static void test_new_record(void **state)
{
    struct shop *s = *state;
    put_block(s, "strategy='check', check_cols='all', hard_deletes='new_record'",
              "id, v");
    sql(s, "create table bronze.src as select 1 as id, 'a' as v union all select 2,"
           " 'b'");
    OK(s, "snapshot.tiny.snap");
    sql(s, "delete from bronze.src where id = 2");
    day(s, 1);
    OK(s, "snapshot.tiny.snap");
    day(s, 2);
    OK(s, "snapshot.tiny.snap"); /* told once */
    sql(s, "insert into bronze.src values (2, 'b')");
    day(s, 3);
    OK(s, "snapshot.tiny.snap");
    IS(s, VERSIONS(VALID " || dbt_is_deleted"),
       "1a:2018-01-01..False 2b:2018-01-01..2018-01-02False"
       " 2b:2018-01-02..2018-01-04True 2b:2018-01-04..False");
}

static void test_names_end_and_key_list(void **state)
{
    struct shop *s = *state;
    sql(s, "create table bronze.src as select 1 as id, 'x' as k, 'a' as v union all"
           " select 1, 'y', 'b'");
    put(s, "models/m.sql", "select * from bronze.src");
    put(s, "models/s.yml",
        "snapshots:\n  - name: snap\n    relation: ref('m')\n    config:\n"
        "      schema: gold\n      strategy: check\n      check_cols: [v]\n"
        "      unique_key: [id, k]\n      dbt_valid_to_current: \"'9999-12-31'\"\n"
        "      snapshot_meta_column_names: {dbt_valid_to: until, dbt_valid_from: since,"
        " dbt_scd_id: vid, dbt_updated_at: seen}\n");
    put(s, "macros/schema.sql",
        "{% macro generate_schema_name(s, node) %}{{ s or 'main' }}{% endmacro %}");
    shop_open(s, NULL, NULL);
    OK(s, "model.tiny.m");
    OK(s, "snapshot.tiny.snap");
    sql(s, "update bronze.src set v = 'B' where k = 'y'");
    day(s, 1);
    OK(s, "snapshot.tiny.snap");
    IS(s,
       VERSIONS("k || v || ':' || substr(since, 1, 10) || '..' || substr(until, 1,"
                " 10)"),
       "xa:2018-01-01..9999-12-31 yB:2018-01-02..9999-12-31"
       " yb:2018-01-01..2018-01-02");
    IS(s, "select count(vid) + count(seen) from gold.snap", "6");
}

static void test_failing_test_keeps_it(void **state)
{
    struct shop *s = *state;
    put(s, "snapshots/s.yml",
        "snapshots:\n  - name: snap\n    columns:\n      - name: v\n        data_tests:"
        " [not_null]\n");
    put_block(s, "strategy='check', check_cols='all'", "id, v");
    sql(s, "create table bronze.src as select 1 as id, 'a' as v");
    OK(s, "snapshot.tiny.snap");
    sql(s, "update bronze.src set v = null");
    day(s, 1);
    assert_string_equal(run_node(s, "snapshot.tiny.snap", NULL), "fail");
    IS(s, VERSIONS(VALID), "1a:2018-01-01..");
}

static void test_what_is_missing_is_named(void **state)
{
    static const struct {
        const char *config, *says;
    } cases[] = {
        {"strategy='sometimes'", "set strategy to timestamp or check"},
        {"strategy='timestamp'", "needs updated_at"},
        {"strategy='check'", "needs check_cols"},
        {"strategy='check', check_cols='all', hard_deletes='x'",
         "hard_deletes must be"},
    };
    struct shop *s = *state;
    sql(s, "create table bronze.src as select 1 as id");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put_block(s, cases[i].config, "id");
        assert_string_equal(run_node(s, "snapshot.tiny.snap", NULL), "error");
        assert_non_null(strstr(s->message, cases[i].says));
        assert_non_null(strstr(s->message, "snapshots/snap.sql"));
    }
    /* a table that no snapshot made is left alone */
    sql(s, "create table gold.snap as select 1 as id");
    put_block(s, "strategy='check', check_cols='all'", "id");
    assert_string_equal(run_node(s, "snapshot.tiny.snap", NULL), "error");
    assert_non_null(strstr(s->message, is_by_macro ? "missing configured columns"
                                                   : "was not made by this snapshot"));
}

/* A strategy of the project: every row is a new version, every time. */
static void test_own_strategy(void **state)
{
    struct shop *s = *state;
    put(s, "macros/strategy.sql",
        "{% macro snapshot_always_strategy(node, snapshotted_rel, current_rel, "
        "model_config, target_exists) %}{% set key = model_config['unique_key'] %}"
        "{% set now = snapshot_get_time() %}"
        "{{ return({'unique_key': key, 'updated_at': now, 'row_changed': '1 = 1', "
        "'scd_id': snapshot_hash_arguments([key, now]), 'hard_deletes': 'ignore'}) }}"
        "{% endmacro %}");
    put_block(s, "strategy='always'", "id, v");
    sql(s, "create table bronze.src as select 1 as id, 'a' as v");
    OK(s, "snapshot.tiny.snap");
    day(s, 1);
    OK(s, "snapshot.tiny.snap");
    IS(s, VERSIONS(VALID), "1a:2018-01-01..2018-01-02 1a:2018-01-02..");
}

static int by_macro_setup(void **state)
{
    is_by_macro = true;
    return shop_setup(state);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, shop_setup, shop_teardown)
#define M(name)                                                                        \
    {                                                                                  \
#name " by macro", name, by_macro_setup, shop_teardown, NULL                   \
    }
    const struct CMUnitTest tests[] = {
        T(test_timestamp),
        T(test_check_list_and_null),
        T(test_check_all_takes_new_columns),
        T(test_invalidate),
        T(test_new_record),
        T(test_names_end_and_key_list),
        T(test_failing_test_keeps_it),
        T(test_what_is_missing_is_named),
        T(test_own_strategy),
        M(test_timestamp),
        M(test_check_list_and_null),
        M(test_check_all_takes_new_columns),
        M(test_invalidate),
        M(test_new_record),
        M(test_names_end_and_key_list),
        M(test_failing_test_keeps_it),
        M(test_what_is_missing_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
