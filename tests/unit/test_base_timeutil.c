/* Time: ISO text, durations, civil dates, zones with their clock changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/timeutil.h"

static int64_t ms(const char *iso)
{
    int64_t t = -1;
    if (!time_parse_iso(str_of(iso), &t))
        fail_msg("not a time: %s", iso);
    return t;
}

static void iso_is_read_strictly(void **state)
{
    (void)state;
    int64_t t;
    assert_int_equal(ms("1970-01-01"), 0);
    assert_int_equal(ms("2017-06-05T14:03:11Z"), 1496671391000);
    assert_int_equal(ms("2017-06-05 14:03:11"), 1496671391000);
    assert_int_equal(ms("2017-06-05T14:03:11.5"), 1496671391500);
    assert_int_equal(ms("2017-06-05T14:03:11.123456789Z"), 1496671391123);
    assert_int_equal(ms("2017-06-05T10:03:11-04:00"), 1496671391000);
    assert_int_equal(ms("2000-02-29"), 951782400000);
    assert_int_equal(ms("9999-12-31T23:59:59.999Z"), 253402300799999);
    static const char *const bad[] = {"",
                                      "2017",
                                      "2017-13-01",
                                      "2017-02-29",
                                      "1900-02-29",
                                      "2017-06-31",
                                      "2017-06-05T",
                                      "2017-06-05T24:00:00Z",
                                      "2017-06-05T14:60:00Z",
                                      "2017-06-05T14:03:60Z",
                                      "2017-06-05T14:03:11.Z",
                                      "2017-06-05T14:03:11z",
                                      "2017-06-05T14:03:11+4:00",
                                      "2017-06-05T14:03:11+24:00",
                                      "2017-06-05T14:03:11ZZ",
                                      "2017-6-5",
                                      "17-06-05",
                                      "1969-12-31T23:59:59Z",
                                      "1970-01-01T00:30:00+01:00",
                                      " 2017-06-05",
                                      "2017-06-05x",
                                      "2017-06-05T14:03"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (time_parse_iso(str_of(bad[i]), &t))
            fail_msg("taken for a time: %s", bad[i]);
}

static void forms_are_written(void **state)
{
    (void)state;
    char out[32];
    assert_string_equal(time_format_iso(1496671391123, true, out),
                        "2017-06-05T14:03:11.123Z");
    assert_string_equal(time_format_iso(1496671391123, false, out),
                        "2017-06-05T14:03:11Z");
    assert_string_equal(time_format_sql(1496671391000, false, out),
                        "2017-06-05 14:03:11");
    assert_string_equal(time_format_sql(1496671391007, true, out),
                        "2017-06-05 14:03:11.007");
    assert_string_equal(time_format_iso(-1, true, out), "1969-12-31T23:59:59.999Z");
}

static void civil_dates_there_and_back(void **state)
{
    (void)state;
    /* every day of four centuries: the calendar's whole cycle */
    int64_t day = 86400000, weekday = 4;
    for (int64_t t = 0; t < 146097 * day; t += day) {
        struct time_civil c = time_civil_of(t + 3723000);
        assert_int_equal(c.weekday, weekday);
        assert_int_equal(time_from_civil(&c), t + 3723000);
        assert_true(c.hour == 1 && c.minute == 2 && c.second == 3);
        weekday = (weekday + 1) % 7;
    }
    struct time_civil c = time_civil_of(-86400000);
    assert_true(c.year == 1969 && c.month == 12 && c.day == 31 && c.weekday == 3);
}

static void durations(void **state)
{
    (void)state;
    int64_t v;
    char out[32];
    assert_true(time_parse_duration(STR("250ms"), &v) && v == 250);
    assert_true(time_parse_duration(STR("30s"), &v) && v == 30000);
    assert_true(time_parse_duration(STR("2w"), &v) && v == 1209600000);
    static const char *const bad[] = {
        "", "30", "s", "30 s", "-3s", "3S", "3mm", "1.5h", "99999999999999999w"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(time_parse_duration(str_of(bad[i]), &v));
    assert_string_equal(time_format_duration(45000, out), "45s");
    assert_string_equal(time_format_duration(190000, out), "3m 10s");
    assert_string_equal(time_format_duration(7500000, out), "2h 05m");
    assert_string_equal(time_format_duration(349200000, out), "4d 1h");
    assert_string_equal(time_format_duration(-1500, out), "-1s");
    assert_string_equal(time_format_duration(INT64_MIN, out), "-106751991167d 7h");
}

static void offset_is(const char *zone, const char *utc, int32_t seconds)
{
    struct err e = {0};
    const struct time_zone *z = time_zone_get(zone, &e);
    if (!z)
        fail_msg("%s", e.text);
    if (time_zone_offset_s(z, ms(utc)) != seconds)
        fail_msg("%s at %s: %d, not %d", zone, utc, time_zone_offset_s(z, ms(utc)),
                 seconds);
}

static void zones_change_their_clocks(void **state)
{
    (void)state;
    offset_is("America/New_York", "2017-03-12T06:59:59Z", -18000);
    offset_is("America/New_York", "2017-03-12T07:00:00Z", -14400);
    offset_is("America/New_York", "2017-11-05T05:59:59Z", -14400);
    offset_is("America/New_York", "2017-11-05T06:00:00Z", -18000);
    offset_is("Asia/Kolkata", "2026-01-01T00:00:00Z", 19800);
    offset_is("Australia/Lord_Howe", "2026-01-01T00:00:00Z",
              39600); /* half an hour of DST */
    offset_is("Australia/Lord_Howe", "2026-07-01T00:00:00Z", 37800);
    offset_is("UTC", "2026-01-01T00:00:00Z", 0);
}

/* Behind the last transition of the file the POSIX rule holds. */
static void the_footer_rule_holds_for_ever(void **state)
{
    (void)state;
    offset_is("America/New_York", "2099-03-08T06:59:59Z", -18000);
    offset_is("America/New_York", "2099-03-08T07:00:00Z", -14400);
    offset_is("America/New_York", "2099-11-01T05:59:59Z", -14400);
    offset_is("America/New_York", "2099-11-01T06:00:00Z", -18000);
    offset_is("Australia/Sydney", "2099-01-01T00:00:00Z",
              39600); /* south: over New Year */
    offset_is("Australia/Sydney", "2099-07-01T00:00:00Z", 36000);
    offset_is("Europe/Dublin", "2099-07-01T00:00:00Z",
              3600); /* negative DST in winter */
    offset_is("Europe/Dublin", "2099-01-01T00:00:00Z", 0);
    offset_is("Asia/Tokyo", "2099-07-01T00:00:00Z", 32400);
}

static void local_hours(void **state)
{
    (void)state;
    const struct time_zone *z = time_zone_get("America/New_York", NULL);
    assert_int_equal(time_zone_hour(z, ms("2017-06-05T03:59:00Z")), 23);
    assert_int_equal(time_zone_hour(z, ms("2017-06-05T04:00:00Z")), 0);
    assert_ptr_equal(z, time_zone_get("America/New_York", NULL)); /* cached */
}

static void zones_that_are_none(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",         "/etc/passwd", "../../etc/passwd",  "Mars/Base", "America",
        "zone.tab", "a b",         "America/New_York\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct err e = {0};
        assert_null(time_zone_get(bad[i], &e));
        assert_true(e.code < 0 && e.text[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(iso_is_read_strictly),
        cmocka_unit_test(forms_are_written),
        cmocka_unit_test(civil_dates_there_and_back),
        cmocka_unit_test(durations),
        cmocka_unit_test(zones_change_their_clocks),
        cmocka_unit_test(the_footer_rule_holds_for_ever),
        cmocka_unit_test(local_hours),
        cmocka_unit_test(zones_that_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
