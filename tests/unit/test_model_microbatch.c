/* Microbatch models and --sample: which batches there are, what each reads, one
 * transaction a batch, what happens when some fail, and retry. The run's clock is
 * 2018-01-01 00:00 (model_fixture.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "model/event_time.h"
#include "unit/model_fixture.h"

static int64_t at(const char *text)
{
    int64_t ms = 0;
    assert_true(event_parse(text, &ms));
    return ms;
}

static void test_units(void **state)
{
    (void)state;
    int64_t t = at("2024-09-17 16:06:00");
    assert_true(event_truncate(t, EVENT_HOUR) == at("2024-09-17 16:00:00"));
    assert_true(event_truncate(t, EVENT_DAY) == at("2024-09-17"));
    assert_true(event_truncate(t, EVENT_MONTH) == at("2024-09-01"));
    assert_true(event_truncate(t, EVENT_YEAR) == at("2024-01-01"));
    assert_true(event_offset(t, EVENT_HOUR, -1) == at("2024-09-17 15:00:00"));
    assert_true(event_offset(t, EVENT_DAY, 1) == at("2024-09-18"));
    assert_true(event_offset(t, EVENT_MONTH, -9) == at("2023-12-01"));
    assert_true(event_offset(t, EVENT_YEAR, 1) == at("2025-01-01"));
    assert_true(event_ceiling(t, EVENT_MONTH) == at("2024-10-01"));
    assert_true(event_ceiling(at("2024-10-01"), EVENT_MONTH) == at("2024-10-01"));
}

static void put_model(struct shop *s, const char *more)
{
    char text[700];
    snprintf(text, sizeof text,
             "{{ config(materialized='incremental', incremental_strategy='microbatch',"
             " event_time='happened', begin='2017-12-29', batch_size='day'%s) }}\n"
             "select id, happened, '{{ model.batch.id }}' as batch, "
             "'{{ is_incremental() }}' as inc from {{ ref('events') }}",
             more);
    put(s, "models/m.sql", text);
    put(s, "models/events.sql",
        "{{ config(event_time='happened', materialized='view') }}\n"
        "select id, happened from bronze.src");
    shop_open(s, NULL, NULL);
}

static void set_flags(struct shop *s, const char *text)
{
    json_t *flags = json_loads(text, 0, NULL);
    assert_non_null(flags);
    project_set_flags(s->p, flags);
    json_decref(flags);
}

static void put_events(struct shop *s)
{
    sql(s, "create table bronze.src (id, happened); insert into bronze.src values"
           " (0, '2017-12-28 23:00:00'), (1, '2017-12-29 00:00:00'),"
           " (2, '2017-12-29'), (3, '2017-12-30 12:00:00'),"
           " (4, '2017-12-31 23:59:59'), (5, '2018-01-01 00:00:00')");
    OK(s, "model.tiny.events");
}

#define ALL                                                                            \
    "select group_concat(id || ':' || batch || inc, ' ') from"                         \
    " (select * from main.m order by id)"

static void test_batches(void **state)
{
    struct shop *s = *state;
    put_model(s, "");
    put_events(s);
    OK(s, "model.tiny.m");
    IS(s, ALL, "1:20171229False 2:20171229False 3:20171230True 4:20171231True");
    /* later runs: lookback 1, and the batch that the end is on the border of */
    sql(s, "update bronze.src set id = id + 10");
    OK(s, "model.tiny.m");
    IS(s, ALL, "1:20171229False 2:20171229False 13:20171230True 14:20171231True");
    put_model(s, ", lookback=0");
    sql(s, "update bronze.src set id = id + 10");
    OK(s, "model.tiny.m");
    IS(s, ALL, "1:20171229False 2:20171229False 13:20171230True 24:20171231True");
    s->full_refresh = true;
    OK(s, "model.tiny.m");
    IS(s, ALL, "21:20171229False 22:20171229False 23:20171230True 24:20171231True");
    s->full_refresh = false;
    put_model(s, ", full_refresh=true");
    OK(s, "model.tiny.m");
    IS(s, ALL, "21:20171229False 22:20171229False 23:20171230True 24:20171231True");
}

static void test_event_time_start_and_end(void **state)
{
    struct shop *s = *state;
    put_model(s, "");
    put_events(s);
    set_flags(s, "{\"event_time_start\": \"2017-12-30\", \"event_time_end\": "
                 "\"2017-12-31 00:00:00\"}");
    OK(s, "model.tiny.m");
    IS(s, ALL, "3:20171230False");
    set_flags(s, "{\"event_time_start\": \"2017-12-30\", \"event_time_end\": \"x\"}");
    assert_string_equal(run_node(s, "model.tiny.m", NULL), "error");
    assert_non_null(strstr(s->message, "--event-time-end"));
    set_flags(s, "{\"event_time_start\": \"2018-02-30\"}");
    assert_string_equal(run_node(s, "model.tiny.m", NULL), "error");
}

/* A batch that fails leaves the others; retry does it alone. */
static void test_partial_success_and_retry(void **state)
{
    struct shop *s = *state;
    put(s, "macros/m.sql",
        "{% macro stumble() %}{% if execute and model.batch and model.batch.id == "
        "'20171230' and var('stumbles', false) %}select no_such from {% endif %}"
        "{% endmacro %}");
    put_model(s, "");
    put(s, "models/m.sql",
        "{{ config(materialized='incremental', incremental_strategy='microbatch',"
        " event_time='happened', begin='2017-12-29', batch_size='day') }}\n"
        "{{ stumble() }} select id, happened, '{{ model.batch.id }}' as batch, "
        "'{{ is_incremental() }}' as inc from {{ ref('events') }}");
    shop_open(s, NULL, "{stumbles: true}");
    put_events(s);
    struct err e = {0};
    struct model_result r;
    const struct node *n = project_find(s->p, "model.tiny.m");
    assert_int_equal(model_run(s->p, s->w, n, NULL, &r, &e), 0);
    assert_string_equal(r.status, "partial success");
    assert_int_equal(json_array_size(json_object_get(r.batches, "successful")), 2);
    assert_int_equal(json_array_size(json_object_get(r.batches, "failed")), 1);
    IS(s, ALL, "1:20171229False 2:20171229False 4:20171231True");
    json_t *flags = json_pack("{s:{s:O}}", "batches", "model.tiny.m", r.batches);
    model_result_release(&r);
    shop_open(s, NULL, NULL);
    sql(s, "update bronze.src set id = id + 10");
    project_set_flags(s->p, flags);
    json_decref(flags);
    n = project_find(s->p, "model.tiny.m");
    assert_int_equal(model_run(s->p, s->w, n, NULL, &r, &e), 0);
    assert_string_equal(r.status, "success");
    assert_int_equal(json_array_size(json_object_get(r.batches, "successful")), 3);
    model_result_release(&r);
    IS(s, ALL, "1:20171229False 2:20171229False 4:20171231True 13:20171230True");
}

static void test_first_batch_fails(void **state)
{
    struct shop *s = *state;
    put_model(s, "");
    struct err e = {0};
    struct model_result r;
    const struct node *n = project_find(s->p, "model.tiny.m"); /* events is not there */
    assert_int_equal(model_run(s->p, s->w, n, NULL, &r, &e), 0);
    assert_string_equal(r.status, "error");
    assert_int_equal(json_array_size(json_object_get(r.batches, "failed")), 3);
    model_result_release(&r);
    assert_int_equal(wh_relation_type(s->w, "main", "m"), WH_ABSENT);
}

static void test_hooks_once(void **state)
{
    struct shop *s = *state;
    sql(s, "create table main.hooked (x)");
    put_model(s, ", pre_hook=\"insert into main.hooked values ('pre')\","
                 " post_hook=\"insert into main.hooked values ('post')\"");
    put_events(s);
    OK(s, "model.tiny.m");
    IS(s, "select group_concat(x) from main.hooked", "pre,post");
}

static void test_what_is_missing(void **state)
{
    struct shop *s = *state;
    static const struct {
        const char *config, *text;
    } cases[] = {
        {"begin='2017-12-29', batch_size='day'", "event_time"},
        {"event_time='x', batch_size='day'", "begin"},
        {"event_time='x', begin='2017-12-29'", "batch_size"},
        {"event_time='x', begin='2017-12-29', batch_size='week'", "batch_size"}};
    for (size_t i = 0; i < 4; i++) {
        char text[300];
        snprintf(text, sizeof text,
                 "{{ config(materialized='incremental', "
                 "incremental_strategy='microbatch', %s) }} select 1 as x",
                 cases[i].config);
        put(s, "models/m.sql", text);
        shop_open(s, NULL, NULL);
        assert_string_equal(run_node(s, "model.tiny.m", NULL), "error");
        assert_non_null(strstr(s->message, cases[i].text));
    }
}

static void test_sample(void **state)
{
    struct shop *s = *state;
    put_model(s, "");
    put(s, "models/t.sql",
        "{{ config(materialized='table') }}select id from {{ ref('events') }}");
    put(s, "models/names.sql",
        "{{ config(materialized='table') }}select '{{ ref('events').render() }}' as x");
    shop_open(s, NULL, NULL);
    put_events(s);
    set_flags(s, "{\"sample\": \"1 day\"}");
    OK(s, "model.tiny.t");
    IS(s, "select group_concat(id) from main.t", "4");
    OK(s, "model.tiny.names"); /* render() is the name, whatever is read of it */
    IS(s, "select replace(x, '\"', '') from main.names", "main.events");
    set_flags(s, "{\"sample\": \"{'start': '2017-12-29', 'end': '2017-12-31'}\"}");
    OK(s, "model.tiny.t");
    IS(s, "select group_concat(id) from main.t", "1,2,3");
    OK(s, "model.tiny.m"); /* a microbatch model: its batches as well */
    IS(s, "select group_concat(distinct batch) from main.m", "20171229,20171230");
    set_flags(s, "{\"sample\": \"some\"}");
    assert_string_equal(run_node(s, "model.tiny.t", NULL), "error");
    assert_non_null(strstr(s->message, "--sample"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, shop_setup, shop_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_units),     T(test_batches),
        T(test_event_time_start_and_end), T(test_partial_success_and_retry),
        T(test_first_batch_fails),        T(test_hooks_once),
        T(test_what_is_missing),          T(test_sample),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
