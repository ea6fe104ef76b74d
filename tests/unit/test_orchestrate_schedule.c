/* Cron: parsing and the next fire time, clock changes included. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
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

/* Every hour is every hour that passes, whatever the clock on the wall says. */
static void every_hour_over_a_clock_change(void **state)
{
    (void)state;
    /* 2026-11-01: 01:30 EDT, 01:30 EST, 02:30 EST */
    next_is("30 * * * *", "America/New_York", "2026-11-01T05:30:00Z",
            "2026-11-01T06:30:00Z");
    next_is("30 * * * *", "America/New_York", "2026-11-01T06:30:00Z",
            "2026-11-01T07:30:00Z");
    next_is("*/5 * * * *", "America/New_York", "2026-11-01T05:55:00Z",
            "2026-11-01T06:00:00Z");
    /* 2026-03-08: 01:30 EST, 03:30 EDT, and nothing for 02:30 in between */
    next_is("30 * * * *", "America/New_York", "2026-03-08T06:30:00Z",
            "2026-03-08T07:30:00Z");
    /* a day's worth has as many as the day has hours */
    static const struct {
        const char *from, *to;
        int n;
    } days[] = {{"2026-11-01T03:59:00Z", "2026-11-02T04:59:00Z", 25},
                {"2026-03-08T04:59:00Z", "2026-03-09T03:59:00Z", 23}};
    struct cron c;
    struct err e = {0};
    const struct time_zone *z = time_zone_get("America/New_York", &e);
    assert_int_equal(cron_parse(&c, "0 * * * *", &e), 0);
    for (size_t i = 0; i < 2; i++) {
        int n = 0;
        for (int64_t t = ms(days[i].from); (t = cron_next(&c, z, t)) <= ms(days[i].to);)
            n++;
        assert_int_equal(n, days[i].n);
    }
}

/* ── which times are served ── */

/* "fire fire … | served" of a schedule looked at now. */
static const char *due(const char *cron, const char *zone, const char *how,
                       const char *last, const char *now, int64_t grace_ms)
{
    static char out[4000];
    char text[32];
    struct cron c;
    struct err e = {0};
    struct schedule_due d;
    const struct time_zone *z = zone ? time_zone_get(zone, &e) : NULL;
    assert_int_equal(cron_parse(&c, cron, &e), 0);
    schedule_due(&c, z, schedule_catch_up_of(how), last ? ms(last) : -1, ms(now),
                 grace_ms, &d);
    size_t n = 0;
    for (size_t i = 0; i < d.n; i++)
        n += (size_t)snprintf(out + n, sizeof out - n, "%s ",
                              time_format_iso(d.fires[i], false, text));
    snprintf(out + n, sizeof out - n, "| %s",
             d.served_ms < 0 ? "-" : time_format_iso(d.served_ms, false, text));
    return out;
}

#define HOURLY "0 * * * *"
#define GRACE  120000

static void on_time_every_rule_fires_once(void **state)
{
    (void)state;
    static const char *const rules[] = {NULL, "latest", "all", "none"};
    for (int i = 0; i < 4; i++) {
        assert_string_equal(due(HOURLY, NULL, rules[i], "2026-06-01T04:00:00Z",
                                "2026-06-01T05:00:03Z", GRACE),
                            "2026-06-01T05:00:00Z | 2026-06-01T05:00:00Z");
        assert_string_equal(due(HOURLY, NULL, rules[i], "2026-06-01T05:00:00Z",
                                "2026-06-01T05:59:59Z", GRACE),
                            "| 2026-06-01T05:00:00Z");
    }
}

static void what_was_missed_is_caught_up_as_the_rule_says(void **state)
{
    (void)state;
    static const char last[] = "2026-06-01T04:00:00Z", now[] = "2026-06-01T07:30:00Z";
    assert_string_equal(due(HOURLY, NULL, "latest", last, now, GRACE),
                        "2026-06-01T07:00:00Z | 2026-06-01T07:00:00Z");
    assert_string_equal(due(HOURLY, NULL, "all", last, now, GRACE),
                        "2026-06-01T05:00:00Z 2026-06-01T06:00:00Z "
                        "2026-06-01T07:00:00Z | 2026-06-01T07:00:00Z");
    assert_string_equal(due(HOURLY, NULL, "none", last, now, GRACE),
                        "| 2026-06-01T07:00:00Z");
    /* the data's clock moves in steps: its newest time is not old */
    assert_string_equal(due(HOURLY, NULL, "none", last, now, -1),
                        "2026-06-01T07:00:00Z | 2026-06-01T07:00:00Z");
}

static void a_new_schedule_counts_the_present_as_missed(void **state)
{
    (void)state;
    static const char now[] = "2026-06-01T07:30:00Z";
    assert_string_equal(due(HOURLY, NULL, "latest", NULL, now, GRACE),
                        "2026-06-01T07:30:00Z | 2026-06-01T07:30:00Z");
    assert_string_equal(due(HOURLY, NULL, "all", NULL, now, GRACE),
                        "2026-06-01T07:30:00Z | 2026-06-01T07:30:00Z");
    assert_string_equal(due(HOURLY, NULL, "none", NULL, now, GRACE),
                        "| 2026-06-01T07:30:00Z");
}

/* Years of missed hours: bounded, and the schedule is up to date afterwards. */
static void far_behind_the_rest_of_history_is_one_step(void **state)
{
    (void)state;
    struct cron c;
    struct err e = {0};
    struct schedule_due d;
    int64_t last = ms("2020-01-01T00:00:00Z"), now = ms("2026-06-01T07:30:00Z");
    assert_int_equal(cron_parse(&c, HOURLY, &e), 0);
    schedule_due(&c, NULL, CATCH_UP_ALL, last, now, GRACE, &d);
    assert_int_equal(d.n, SCHEDULE_FIRES_MAX);
    assert_int_equal(d.served_ms, now);
    schedule_due(&c, NULL, CATCH_UP_LATEST, last, now, GRACE, &d);
    assert_int_equal(d.n, 1);
    assert_int_equal(d.fires[0], now);
}

/* The clock put back: what was served is not served again, and it goes on by itself. */
static void a_clock_put_back_fires_nothing_twice(void **state)
{
    (void)state;
    static const char last[] = "2026-06-01T05:00:00Z";
    static const char *const rules[] = {"latest", "all", "none"};
    for (int i = 0; i < 3; i++) {
        assert_string_equal(
            due(HOURLY, NULL, rules[i], last, "2026-06-01T03:10:00Z", GRACE),
            "| 2026-06-01T05:00:00Z");
        assert_string_equal(
            due(HOURLY, NULL, rules[i], last, "2026-06-01T05:00:00Z", GRACE),
            "| 2026-06-01T05:00:00Z");
        assert_string_equal(
            due(HOURLY, NULL, rules[i], last, "2026-06-01T06:00:00Z", GRACE),
            "2026-06-01T06:00:00Z | 2026-06-01T06:00:00Z");
    }
    /* It had been wrong by years: without this it would be silent until then. */
    assert_string_equal(due(HOURLY, NULL, "latest", "2036-06-01T05:00:00Z",
                            "2026-06-01T03:10:00Z", GRACE),
                        "| 2026-06-01T03:10:00Z");
}

/* The clock put forward is time that was missed. */
static void a_clock_put_forward_is_caught_up(void **state)
{
    (void)state;
    assert_string_equal(
        due(HOURLY, NULL, "all", "2026-06-01T05:00:00Z", "2026-06-01T08:00:01Z", GRACE),
        "2026-06-01T06:00:00Z 2026-06-01T07:00:00Z "
        "2026-06-01T08:00:00Z | 2026-06-01T08:00:00Z");
}

/* Once a day is once a day where the hour is there twice or not at all. */
static void once_a_day_over_a_clock_change(void **state)
{
    (void)state;
    static const char zone[] = "America/New_York", at[] = "30 1 * * *";
    assert_string_equal(
        due(at, zone, "all", "2026-10-31T05:30:00Z", "2026-11-02T12:00:00Z", GRACE),
        "2026-11-01T05:30:00Z 2026-11-02T06:30:00Z | 2026-11-02T06:30:00Z");
    assert_string_equal(
        due(at, zone, "latest", "2026-11-01T05:30:00Z", "2026-11-01T06:31:00Z", GRACE),
        "| 2026-11-01T05:30:00Z"); /* 01:31 for the second time */
    assert_string_equal(due("30 2 * * *", zone, "all", "2026-03-07T07:30:00Z",
                            "2026-03-09T12:00:00Z", GRACE),
                        "2026-03-08T07:00:00Z 2026-03-09T06:30:00Z | "
                        "2026-03-09T06:30:00Z");
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
        cmocka_unit_test(every_hour_over_a_clock_change),
        cmocka_unit_test(on_time_every_rule_fires_once),
        cmocka_unit_test(what_was_missed_is_caught_up_as_the_rule_says),
        cmocka_unit_test(a_new_schedule_counts_the_present_as_missed),
        cmocka_unit_test(far_behind_the_rest_of_history_is_one_step),
        cmocka_unit_test(a_clock_put_back_fires_nothing_twice),
        cmocka_unit_test(a_clock_put_forward_is_caught_up),
        cmocka_unit_test(once_a_day_over_a_clock_change),
        cmocka_unit_test(wrong_expressions_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
