/* Lag verdicts: each of Burrow's rules, and the order in which they apply. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>
#include "lag/lag.h"

#define FULL LAG_WINDOW

/* n samples a second apart from 1000 ms on; committed and end move by a step each; a
 * commit every time unless committed_ms says otherwise. */
static struct lag_window window(size_t n, int64_t committed, int64_t step, int64_t end,
                                int64_t end_step)
{
    struct lag_window w = {0};
    for (size_t i = 0; i < n; i++) {
        int64_t k = (int64_t)i;
        lag_add(&w, &(struct lag_sample){.at_ms = 1000 + k * 1000,
                                         .committed = committed + k * step,
                                         .end = end + k * end_step,
                                         .committed_ms = 1000 + k * 1000});
    }
    return w;
}

static enum lag_verdict judge(const struct lag_window *w)
{
    return lag_judge(w, lag_at(w, w->n - 1)->at_ms, 0, 0);
}

#define JUDGED(verdict, w) assert_string_equal(lag_verdict_name(judge(w)), verdict)

static void test_ring(void **state)
{
    (void)state;
    struct lag_window w = window(13, 0, 1, 100, 0);
    assert_int_equal(w.n, LAG_WINDOW);
    assert_int_equal(lag_at(&w, 0)->committed, 3);
    assert_int_equal(lag_at(&w, LAG_WINDOW - 1)->committed, 12);
    assert_int_equal(lag_records(lag_at(&w, 0)), 97);
}

static void test_unknown_until_the_window_is_full(void **state)
{
    (void)state;
    struct lag_window none = {0};
    assert_int_equal(lag_judge(&none, 0, 0, 0), LAG_UNKNOWN);
    struct lag_window w = window(FULL - 1, 0, 0, 100, 0);
    JUDGED("unknown", &w);
    w = window(FULL, 0, 0, 100, 0);
    JUDGED("stall", &w);
    w = window(1, 100, 0, 100, 0); /* nothing waits: no doubt about that */
    JUDGED("ok", &w);
}

static void test_ok(void **state)
{
    (void)state;
    struct lag_window w = window(FULL, 0, 10, 1000, 5); /* far behind, catching up */
    JUDGED("ok", &w);
    w = window(FULL, 100, 10, 100, 10); /* at the end all the time */
    JUDGED("ok", &w);
    w = window(FULL, 0, 10, 1000, 10);
    w.s[4].end += 5; /* lag grew once and dropped once */
    JUDGED("ok", &w);
}

static void test_zero_lag_anywhere_is_ok(void **state)
{
    (void)state;
    struct lag_window w = window(FULL, 50, 0, 50, 0);
    w.s[FULL - 1].end = 90; /* a burst after a quiet time: nobody is to blame yet */
    for (size_t i = 0; i < FULL; i++)
        w.s[i].committed_ms = 0;
    assert_int_equal(lag_judge(&w, 10000000, 0, 0), LAG_OK);
}

static void test_warn(void **state)
{
    (void)state;
    struct lag_window w = window(FULL, 0, 5, 1000, 10);
    JUDGED("warn", &w);
    w = window(FULL, 0, 10, 1000, 10); /* the same lag all the time */
    JUDGED("warn", &w);
}

static void test_stall(void **state)
{
    (void)state;
    struct lag_window w = window(FULL, 7, 0, 100, 3);
    JUDGED("stall", &w);
}

static void test_stop(void **state)
{
    (void)state;
    struct lag_window w = window(FULL, 7, 0, 100, 3);
    for (size_t i = 0; i < FULL; i++)
        w.s[i].committed_ms = 1000;
    assert_int_equal(lag_judge(&w, 10000, 0, 0),
                     LAG_STALL); /* exactly the span: not yet */
    assert_int_equal(lag_judge(&w, 10001, 0, 0), LAG_STOP);
    /* A group that knows the topic and never committed on this partition. */
    for (size_t i = 0; i < FULL; i++) {
        w.s[i].committed = -1;
        w.s[i].committed_ms = 0;
    }
    assert_int_equal(lag_judge(&w, 10001, 0, 0), LAG_STOP);
    assert_int_equal(lag_records(&w.s[0]), 100);
}

static void test_rewind(void **state)
{
    (void)state;
    struct lag_window w = window(FULL, 100, 10, 1000, 0);
    w.s[FULL - 1].committed = 20;
    JUDGED("rewind", &w);
    w.s[FULL - 1].committed = 190; /* came up again: what it dropped to is history */
    w.s[5].committed = 20;
    JUDGED("ok", &w);
}

static void test_lost(void **state)
{
    (void)state;
    struct lag_window w = window(1, 10, 0, 100, 0);
    w.s[0].start = 11;
    JUDGED("lost", &w); /* without waiting for a full window, whatever the floor */
    assert_int_equal(lag_judge(&w, 1000, 1000, 1000), LAG_LOST);
    w.s[0].start = 10;
    JUDGED("unknown", &w);
    assert_true(LAG_LOST > LAG_STOP && LAG_STOP > LAG_WARN && LAG_WARN > LAG_UNKNOWN);
}

static void test_floor(void **state)
{
    (void)state;
    struct lag_window w = window(FULL, 990, 10, 1000, 10); /* always 10 behind, 1 s */
    JUDGED("warn", &w);
    assert_int_equal(lag_judge(&w, 10000, 10, 1000), LAG_OK);
    assert_int_equal(lag_judge(&w, 10000, 9, 1000), LAG_WARN);
    assert_int_equal(lag_judge(&w, 10000, 10, 999), LAG_WARN);
}

static void test_behind(void **state)
{
    (void)state;
    struct lag_window w = window(FULL, 1000, 10, 1000, 10);
    assert_int_equal(lag_behind_ms(&w, 12000), 0);
    w = window(FULL, 1000, 0, 1000, 10); /* committed at 1000: the end at 1 s */
    assert_int_equal(lag_behind_ms(&w, 10000), 9000);
    w = window(FULL, 1045, 0, 1000, 10); /* passed between 5 s and 6 s, in the middle */
    assert_int_equal(lag_behind_ms(&w, 10000), 4500);
    w = window(FULL, 900, 0, 1000, 10); /* before the window: ten seconds more */
    assert_int_equal(lag_behind_ms(&w, 10000), 19000);
    w = window(FULL, 900, 0, 1000, 0); /* nothing arrives: at least since the oldest */
    assert_int_equal(lag_behind_ms(&w, 10000), 9000);
    w = window(1, 900, 0, 1000, 0);
    assert_int_equal(lag_behind_ms(&w, 10000), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ring),
        cmocka_unit_test(test_unknown_until_the_window_is_full),
        cmocka_unit_test(test_ok),
        cmocka_unit_test(test_zero_lag_anywhere_is_ok),
        cmocka_unit_test(test_warn),
        cmocka_unit_test(test_stall),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_rewind),
        cmocka_unit_test(test_lost),
        cmocka_unit_test(test_floor),
        cmocka_unit_test(test_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
