/* How many workers a stream job should have: lag and time in, a number out. */
#include "supervise/scaling.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

/* 1 to 8 workers, 10 s of lag tolerated, 5 s up, 60 s down. */
static struct scaling rule(void)
{
    struct scaling s;
    scaling_init(&s, 1, 8, 10000, 5000, 60000);
    return s;
}

/* A look every second from *at on: the first other number than n, or n after so many.
 */
static int looks(struct scaling *s, int n, int64_t lag, double rate, int64_t *at,
                 int seconds)
{
    for (int i = 0; i < seconds; i++) {
        int want = scaling_judge(s, n, lag, rate, *at);
        *at += 1000;
        if (want != n)
            return want;
    }
    return n;
}

static void a_short_lag_changes_nothing(void **state)
{
    (void)state;
    struct scaling s = rule();
    int64_t at = 0;
    assert_int_equal(looks(&s, 2, 100000, 1000, &at, 5), 2); /* 100 s behind, for 4 s */
    assert_int_equal(looks(&s, 2, 5000, 1000, &at, 1), 2);
    assert_int_equal(looks(&s, 2, 100000, 1000, &at, 5), 2); /* counted anew */
    assert_int_equal(looks(&s, 2, 100000, 1000, &at, 1), 4);
}

static void it_doubles_up_to_the_most(void **state)
{
    (void)state;
    struct scaling s = rule();
    int64_t at = 0;
    int n = 1;
    for (int want = 2; want <= 8; want *= 2) {
        n = looks(&s, n, 1000000, 100, &at, 10);
        assert_int_equal(n, want);
        scaling_restart(&s);
    }
    assert_int_equal(looks(&s, 8, 1000000, 100, &at, 100), 8);
    scaling_init(&s, 1, 3, 10000, 5000, 60000);
    assert_int_equal(looks(&s, 2, 1000000, 100, &at, 10), 3);
}

static void reading_nothing_of_something_is_behind(void **state)
{
    (void)state;
    struct scaling s = rule();
    int64_t at = 0;
    assert_int_equal(looks(&s, 1, 1, 0, &at, 6), 2);
    assert_int_equal(looks(&s, 1, 0, 0, &at, 6), 1);
}

static void at_ease_for_long_it_takes_one_away(void **state)
{
    (void)state;
    struct scaling s = rule();
    int64_t at = 0;
    assert_int_equal(looks(&s, 4, 0, 0, &at, 60), 4);
    assert_int_equal(looks(&s, 4, 0, 0, &at, 1), 3);
    scaling_restart(&s);
    assert_int_equal(looks(&s, 3, 0, 0, &at, 61), 2);
    scaling_restart(&s);
    assert_int_equal(looks(&s, 2, 0, 0, &at, 61), 1);
    scaling_restart(&s);
    assert_int_equal(looks(&s, 1, 0, 0, &at, 1000), 1);
}

static void between_the_two_marks_nothing_changes(void **state)
{
    (void)state;
    struct scaling s = rule();
    int64_t at = 0;
    assert_int_equal(looks(&s, 4, 5000, 1000, &at, 1000), 4); /* 5 s of 10 */
}

/* A load for two and a half workers: the steps down get rarer. */
static void a_step_down_taken_back_makes_the_next_one_wait(void **state)
{
    (void)state;
    struct scaling s = rule();
    int64_t at = 0, began, last = 0;
    for (int round = 0; round < 8; round++) {
        began = at;
        assert_int_equal(looks(&s, 3, 0, 900, &at, 100000), 2);
        assert_true(round == 0 || at - began >= last * 2 - 2000 ||
                    at - began >= 3600000);
        last = at - began;
        scaling_restart(&s);
        assert_int_equal(looks(&s, 2, 100000, 800, &at, 10), 4);
        scaling_restart(&s);
    }
    assert_true(last >= 3600000 && last < 3700000);
    /* one that holds is forgiven */
    assert_int_equal(looks(&s, 4, 0, 900, &at, 100000), 3);
    scaling_restart(&s);
    assert_int_equal(looks(&s, 3, 5000, 1000, &at, 8000), 3);
    began = at;
    assert_int_equal(looks(&s, 3, 0, 900, &at, 100000), 2);
    assert_int_equal(at - began, 61000);
}

/* The settings changed while it ran with another number. */
static void a_number_out_of_range_is_brought_back(void **state)
{
    (void)state;
    struct scaling s = rule();
    assert_int_equal(scaling_judge(&s, 12, 0, 0, 0), 8);
    scaling_init(&s, 3, 2, 10000, 5000, 60000);
    assert_int_equal(scaling_judge(&s, 1, 0, 0, 0), 3);
    assert_int_equal(scaling_judge(&s, 3, 1000000, 1, 0), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_short_lag_changes_nothing),
        cmocka_unit_test(it_doubles_up_to_the_most),
        cmocka_unit_test(reading_nothing_of_something_is_behind),
        cmocka_unit_test(at_ease_for_long_it_takes_one_away),
        cmocka_unit_test(between_the_two_marks_nothing_changes),
        cmocka_unit_test(a_step_down_taken_back_makes_the_next_one_wait),
        cmocka_unit_test(a_number_out_of_range_is_brought_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
