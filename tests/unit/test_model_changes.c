/* What comes late to a chain of incremental models: meta.changes_by. Each test ends
 * where one build of everything would have ended. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "unit/model_fixture.h"

static void put_chain(struct shop *s, const char *meta)
{
    char text[700];
    snprintf(text, sizeof text,
             "{{ config(materialized='incremental', unique_key='id'%s) }}\n"
             "select id, day, what, n, at from bronze.src"
             "{%% if is_incremental() %%} where at > (select max(at) from {{ this }})"
             "{%% endif %%}",
             meta);
    put(s, "models/staged.sql", text);
    snprintf(
        text, sizeof text,
        "{{ config(materialized='incremental', unique_key=['day', 'what']%s) }}\n"
        "select day, what, sum(n) as n from {{ ref('staged') }}"
        "{%% if is_incremental() %%} where day >= (select max(day) from {{ this }})"
        "{%% endif %%} group by 1, 2 -- the end",
        meta);
    put(s, "models/daily.sql", text);
    shop_open(s, NULL, NULL);
    sql(s,
        "create table bronze.src(id, day, what, n, at); insert into bronze.src values"
        " (1, '01', 'a', 10, 1), (2, '01', 'b', 20, 1), (3, '02', 'a', 30, 1),"
        " (4, '03', 'a', 40, 1), (5, '03', 'b', 50, 1)");
}

static void build(struct shop *s)
{
    OK(s, "model.tiny.staged");
    OK(s, "model.tiny.daily");
}

static void is_daily(struct shop *s, const char *expected)
{
    IS(s,
       "select group_concat(day || what || n, ' ') from (select * from main.daily order"
       " by day, what)",
       expected);
}

#define META ", meta={'changes_by': 'day'}"

static void test_gold_missed_a_correction_of_an_old_day(void **state)
{
    struct shop *s = *state;
    put_chain(s, META);
    build(s);
    is_daily(s, "01a10 01b20 02a30 03a40 03b50");
    sql(s, "insert into bronze.src values (1, '01', 'a', 11, 2), (6, '02', 'c', 5, 2)");
    build(s);
    is_daily(s, "01a11 01b20 02a30 02c5 03a40 03b50");
    build(s); /* nothing new */
    is_daily(s, "01a11 01b20 02a30 02c5 03a40 03b50");
}

static void test_gold_kept_the_key_that_a_correction_emptied(void **state)
{
    struct shop *s = *state;
    put_chain(s, META);
    build(s);
    /* within what the filter sees, from there to an old day, a whole day away */
    sql(s, "insert into bronze.src values (5, '03', 'a', 50, 2), (2, '03', 'b', 20, 2),"
           " (3, '01', 'a', 30, 2)");
    build(s);
    is_daily(s, "01a40 03a90 03b20");
}

/* The parent was built alone several times in between, and the child failed once. */
static void test_changes_wait_for_the_child(void **state)
{
    struct shop *s = *state;
    put_chain(s, META);
    build(s);
    sql(s, "insert into bronze.src values (1, '01', 'a', 11, 2)");
    OK(s, "model.tiny.staged");
    sql(s, "insert into bronze.src values (7, '04', 'a', 70, 3)");
    OK(s, "model.tiny.staged");
    put(s, "models/daily.yml",
        "models:\n- name: daily\n  columns: [{name: n, tests: [{accepted_values: "
        "{values:"
        " [1]}}]}]\n");
    shop_open(s, NULL, NULL);
    assert_string_equal(run_node(s, "model.tiny.daily", NULL), "fail");
    is_daily(s, "01a10 01b20 02a30 03a40 03b50");
    put(s, "models/daily.yml", "models: []\n");
    shop_open(s, NULL, NULL);
    OK(s, "model.tiny.daily");
    is_daily(s, "01a11 01b20 02a30 03a40 03b50 04a70");
}

static void test_without_the_config_as_dbt_does(void **state)
{
    struct shop *s = *state;
    put_chain(s, "");
    build(s);
    sql(s, "insert into bronze.src values (1, '01', 'a', 11, 2)");
    build(s);
    is_daily(s, "01a10 01b20 02a30 03a40 03b50");
    IS(s,
       "select count(*) from main.sqlite_schema where name in ('_weir_changed',"
       " '_weir_seen')",
       "0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, shop_setup, shop_teardown)
        T(test_gold_missed_a_correction_of_an_old_day),
        T(test_gold_kept_the_key_that_a_correction_emptied),
        T(test_changes_wait_for_the_child),
        T(test_without_the_config_as_dbt_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
