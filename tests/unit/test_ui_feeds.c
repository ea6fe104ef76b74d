/* Snapshots: replaced, bounded; log pushes put together. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <stdio.h>
#include "base/json.h"
#include "ui/feeds.h"

static json_t *log_push(int64_t seq, int first, int n)
{
    json_t *data = json_object(), *lines = json_array();

    for (int i = 0; i < n; i++)
        json_array_append_new(lines, json_pack("{s:i}", "text", first + i));
    json_put(data, "lines", lines);
    json_put_i64(data, "seq", seq);
    return data;
}

static size_t n_lines(const struct feeds *f)
{
    return json_array_size(json_arr(feeds_get(f, "log:x"), "lines"));
}

static int64_t line(const struct feeds *f, size_t i)
{
    return json_i64(json_array_get(json_arr(feeds_get(f, "log:x"), "lines"), i), "text",
                    -1);
}

static void pushes_of_a_log_are_joined(void **state)
{
    struct feeds f;

    (void)state;
    feeds_init(&f);
    feeds_put(&f, "log:x", log_push(1, 1, 3), 0);
    json_t *held = json_incref(feeds_get(&f, "log:x")); /* a page that is paused */
    feeds_put(&f, "log:x", log_push(4, 4, 2), 1);
    assert_int_equal(n_lines(&f), 5);
    assert_int_equal(line(&f, 4), 5);
    assert_int_equal(json_array_size(json_arr(held, "lines")), 3); /* did not change */
    json_decref(held);
    feeds_put(&f, "log:x", log_push(6, 6, 0), 2); /* nothing new */
    assert_int_equal(n_lines(&f), 5);
    feeds_put(&f, "log:x", log_push(9, 9, 2), 3); /* a gap: only what is known now */
    assert_int_equal(n_lines(&f), 2);
    feeds_put(&f, "log:x", log_push(1, 1, 4), 4); /* subscribed again */
    assert_int_equal(n_lines(&f), 4);
    feeds_release(&f);
}

static void a_log_is_bounded(void **state)
{
    struct feeds f;
    int64_t seq = 1;

    (void)state;
    feeds_init(&f);
    for (int i = 0; i < 50; i++, seq += 100)
        feeds_put(&f, "log:x", log_push(seq, (int)seq, 100), i);
    assert_int_equal(n_lines(&f), 2000);
    assert_int_equal(line(&f, 1999), 5000);
    feeds_put(&f, "log:x", log_push(seq, (int)seq, 3), 60); /* still joined */
    assert_int_equal(n_lines(&f), 2000);
    assert_int_equal(line(&f, 1999), 5003);
    assert_int_equal(line(&f, 0), 3004);
    feeds_release(&f);
}

static void the_oldest_feed_goes(void **state)
{
    struct feeds f;
    char name[32];

    (void)state;
    feeds_init(&f);
    feeds_put(&f, "overview", json_object(), 1000);
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "tasks:%d", i);
        feeds_put(&f, name, json_array(), i);
    }
    assert_non_null(feeds_get(&f, "overview"));
    assert_non_null(feeds_get(&f, "tasks:99"));
    assert_null(feeds_get(&f, "tasks:0"));
    feeds_release(&f);
}

static void rates_become_a_series(void **state)
{
    struct feeds f;

    (void)state;
    feeds_init(&f);
    for (int i = 0; i < 500; i++)
        feeds_put(&f, "overview",
                  json_pack("{s:[{s:s,s:s,s:i}]}", "stages", "name", "ingest pos",
                            "state", "running", "rate", i),
                  i);
    json_t *rates = feeds_rates(&f, "ingest pos");
    assert_int_equal(json_array_size(rates), FEEDS_SERIES);
    assert_int_equal((int)json_number_value(json_array_get(rates, FEEDS_SERIES - 1)),
                     499);
    json_decref(rates);
    rates = feeds_rates(&f, "unknown");
    assert_int_equal(json_array_size(rates), 0);
    json_decref(rates);
    feeds_release(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pushes_of_a_log_are_joined),
        cmocka_unit_test(a_log_is_bounded),
        cmocka_unit_test(the_oldest_feed_goes),
        cmocka_unit_test(rates_become_a_series),
    };
    return cmocka_run_group_tests_name("ui_feeds", tests, NULL, NULL);
}
