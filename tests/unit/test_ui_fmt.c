/* Numbers and times as people read them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <math.h>
#include "ui/fmt.h"

static char out[FMT_MAX];

static void counts(void **state)
{
    (void)state;
    assert_string_equal(fmt_count(0, out), "0");
    assert_string_equal(fmt_count(999, out), "999");
    assert_string_equal(fmt_count(1000, out), "1,000");
    assert_string_equal(fmt_count(1234567, out), "1,234,567");
    assert_string_equal(fmt_count(INT64_MAX, out), "9,223,372,036,854,775,807");
    assert_string_equal(fmt_count(-1, out), "-");
}

static void short_forms_keep_three_digits(void **state)
{
    (void)state;
    assert_string_equal(fmt_short(0, out), "0");
    assert_string_equal(fmt_short(0.5, out), "0.5");
    assert_string_equal(fmt_short(999, out), "999");
    assert_string_equal(fmt_short(999.9, out), "1.0k");
    assert_string_equal(fmt_short(41234, out), "41.2k");
    assert_string_equal(fmt_short(999960, out), "1.0M");
    assert_string_equal(fmt_short(123456789, out), "123M");
    assert_string_equal(fmt_short(NAN, out), "-");
    assert_string_equal(fmt_short(-3, out), "-");
    assert_string_equal(fmt_rate(41234, out), "41.2k/s");
    assert_string_equal(fmt_rate(-1, out), "-");
    assert_string_equal(fmt_bytes(14161773, out), "14.2 MB");
    assert_string_equal(fmt_bytes(12, out), "12 B");
}

static void money_has_cents(void **state)
{
    (void)state;
    assert_string_equal(fmt_money(10250, out), "10,250.00");
    assert_string_equal(fmt_money(0.295, out), "0.30");
    assert_string_equal(fmt_money(-3.5, out), "-3.50");
    assert_string_equal(fmt_money(-0.001, out), "0.00");
    assert_string_equal(fmt_money(1e300, out), "-");
}

static void spans(void **state)
{
    (void)state;
    assert_string_equal(fmt_span(-1, out), "-");
    assert_string_equal(fmt_span(0, out), "0s");
    assert_string_equal(fmt_span(26, out), "0s");
    assert_string_equal(fmt_span(420, out), "0.4s");
    assert_string_equal(fmt_span(45999, out), "45s");
    assert_string_equal(fmt_span(190000, out), "3m 10s");
    assert_string_equal(fmt_seconds(0.123, out), "0.12s");
    assert_string_equal(fmt_seconds(12.34, out), "12.3s");
    assert_string_equal(fmt_seconds(190, out), "3m 10s");
    assert_string_equal(fmt_seconds(NAN, out), "-");
}

static void times_by_distance(void **state)
{
    const int64_t now = 1497506651000; /* 2017-06-15 06:04:11 */
    const struct fmt_when utc = {now, NULL};
    const struct fmt_when later = {now + 400 * 86400000LL, NULL};

    (void)state;
    assert_string_equal(fmt_time(now - 1000, utc, out), "06:04:10");
    assert_string_equal(fmt_time(now - 86400000, utc, out), "06-14 06:04");
    assert_string_equal(fmt_time(now, later, out), "2017-06-15 06:04");
    assert_int_equal(strlen(out), FMT_TIME_LONG);
    assert_string_equal(fmt_time(0, utc, out), "-");
    assert_string_equal(fmt_clock(utc, out), "2017-06-15 06:04 UTC");
    assert_string_equal(fmt_exact(now + 250, utc, out), "2017-06-15 06:04:11.250 UTC");
}

/* The day of the zone decides what is today, and each time has the offset of its own
 * date. */
static void times_in_the_platforms_zone(void **state)
{
    const struct time_zone *ny = time_zone_get("America/New_York", NULL);
    const int64_t now = 1497506651000; /* 2017-06-15 02:04:11 there */
    const struct fmt_when when = {now, ny};

    (void)state;
    if (!ny)
        skip();
    assert_string_equal(fmt_time(now, when, out), "02:04:11");
    assert_string_equal(fmt_time(now - 3 * 3600000LL, when, out), "06-14 23:04");
    assert_string_equal(fmt_time(now - 150 * 86400000LL, when, out), "01-16 01:04");
    assert_string_equal(fmt_clock(when, out), "2017-06-15 02:04 -04:00");
    assert_string_equal(fmt_exact(now - 150 * 86400000LL, when, out),
                        "2017-01-16 01:04:11.000 -05:00");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts),
        cmocka_unit_test(short_forms_keep_three_digits),
        cmocka_unit_test(money_has_cents),
        cmocka_unit_test(spans),
        cmocka_unit_test(times_by_distance),
        cmocka_unit_test(times_in_the_platforms_zone),
    };
    return cmocka_run_group_tests_name("ui_fmt", tests, NULL, NULL);
}
