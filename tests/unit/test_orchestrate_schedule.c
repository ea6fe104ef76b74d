/* Cron: parsing and the next fire time, clock changes included. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "orchestrate/schedule.h"

static int64_t ms(const char *iso)
{
    int64_t t;
    assert_true(time_parse_iso(str_of(iso), &t));
    return t;
}

static void next_is(const char *cron, const char *zone, const char *after,
                    const char *expected)
{
    struct cron c;
    struct err e = {0};
    char text[32];
    if (cron_parse(&c, cron, &e) < 0)
        fail_msg("%s", e.text);
    const struct time_zone *z = zone ? time_zone_get(zone, &e) : NULL;
    int64_t t = cron_next(&c, z, ms(after));
    assert_string_equal(t < 0 ? "never" : time_format_iso(t, false, text), expected);
}

static void plain_times(void **state)
{
    (void)state;
    next_is("5 * * * *", NULL, "2026-06-01T00:00:00Z", "2026-06-01T00:05:00Z");
    next_is("5 * * * *", NULL, "2026-06-01T00:05:00Z", "2026-06-01T01:05:00Z");
    next_is("30 2 * * *", NULL, "2026-12-31T12:00:00Z", "2027-01-01T02:30:00Z");
    next_is("*/15 9-17 * * mon-fri", NULL, "2026-06-05T17:45:00Z",
            "2026-06-08T09:00:00Z");
    next_is("0 0 29 2 *", NULL, "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z");
    next_is("0 0 30 2 *", NULL, "2026-01-01T00:00:00Z", "never");
    next_is("0 12 * jan,JUL 0", NULL, "2026-02-01T00:00:00Z", "2026-07-05T12:00:00Z");
    next_is("0 12 * * 7", NULL, "2026-02-02T00:00:00Z", "2026-02-08T12:00:00Z");
    next_is("@daily", NULL, "2026-02-02T00:00:01Z", "2026-02-03T00:00:00Z");
}

/* POSIX: both day fields restricted means either. */
static void either_day_field(void **state)
{
    (void)state;
    next_is("0 0 13 * fri", NULL, "2026-06-01T00:00:00Z", "2026-06-05T00:00:00Z");
    next_is("0 0 13 * fri", NULL, "2026-06-12T00:00:00Z", "2026-06-13T00:00:00Z");
    next_is("0 0 */2 * fri", NULL, "2026-06-01T00:00:00Z", "2026-06-05T00:00:00Z");
}

static void in_a_zone(void **state)
{
    (void)state;
    next_is("30 2 * * *", "America/New_York", "2026-06-01T00:00:00Z",
            "2026-06-01T06:30:00Z");
    /* 2026-03-08 02:30 does not exist: 03:00 EDT */
    next_is("30 2 * * *", "America/New_York", "2026-03-08T05:00:00Z",
            "2026-03-08T07:00:00Z");
    next_is("30 2 * * *", "America/New_York", "2026-03-08T07:00:00Z",
            "2026-03-09T06:30:00Z");
    /* 2026-11-01 01:30 is there twice: fires at the first only */
    next_is("30 1 * * *", "America/New_York", "2026-11-01T04:00:00Z",
            "2026-11-01T05:30:00Z");
    next_is("30 1 * * *", "America/New_York", "2026-11-01T05:30:00Z",
            "2026-11-02T06:30:00Z");
}

static void wrong_expressions_are_named(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "* * * *",
                                      "* * * * * *",
                                      "60 * * * *",
                                      "* 24 * * *",
                                      "* * 0 * *",
                                      "* * * 13 *",
                                      "* * * * 8",
                                      "5-1 * * * *",
                                      "*/0 * * * *",
                                      "1,,2 * * * *",
                                      "1, * * * *",
                                      "x * * * *",
                                      "* * * foo *",
                                      "1- * * * *",
                                      "99999999999 * * * *"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct cron c;
        struct err e = {0};
        assert_int_equal(cron_parse(&c, bad[i], &e), ERR_CONFIG);
        assert_non_null(strstr(e.text, "cron: "));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_times),
        cmocka_unit_test(either_day_field),
        cmocka_unit_test(in_a_zone),
        cmocka_unit_test(wrong_expressions_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
