/* Cells of seeds: what dbt's agate makes of them (agate 1.9 with dbt-core 1.11's
 * types), written down from it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>
#include "model/seed_cell.h"

static struct str text(const char *s)
{
    return (struct str){s, strlen(s)};
}

static void test_kinds(void **state)
{
    static const struct {
        const char *cell;
        enum seed_kind kind;
    } cases[] = {
        {"1", SEED_INT},
        {"+5", SEED_INT},
        {"-6", SEED_INT},
        {"007", SEED_INT},
        {" 5 ", SEED_INT},
        {"1_000", SEED_INT},
        {"1,000", SEED_INT},
        {"5%", SEED_INT},
        {"$5", SEED_INT},
        {"-\xe2\x82\xac"
         "5",
         SEED_INT},
        {"1.5", SEED_REAL},
        {"2E-3", SEED_REAL},
        {"123456789012345678901", SEED_REAL},
        {"2024-01-02", SEED_DATE},
        {"2024-1-2", SEED_DATE},
        {"2024-02-29", SEED_DATE},
        {"2023-02-29", SEED_TEXT},
        {"2024-01-02 10:00:00", SEED_TIME},
        {"2024-01-02 10:00", SEED_TEXT},
        {"2024-01-02 10:00:00+02:00", SEED_TEXT},
        {"2024-01-02T10:00:00", SEED_ISO},
        {"2024-01-02T10:00:00.123Z", SEED_ISO},
        {"2024-01-02T25:00:00", SEED_TEXT},
        {"true", SEED_BOOL},
        {"FALSE", SEED_BOOL},
        {"yes", SEED_TEXT},
        {"10:00", SEED_TEXT},
        {"-", SEED_TEXT},
        {"%", SEED_TEXT},
        {"1 2", SEED_TEXT},
        {"e", SEED_TEXT},
        {"0x10", SEED_TEXT},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (seed_kind_of(text(cases[i].cell)) != cases[i].kind)
            fail_msg("%s: %d", cases[i].cell, (int)seed_kind_of(text(cases[i].cell)));
    assert_true(seed_is_null(text("")) && seed_is_null(text("NULL")));
    assert_true(seed_is_null(text(" null ")) && !seed_is_null(text("none")));
}

static void test_joined(void **state)
{
    (void)state;
    assert_int_equal(seed_join(SEED_UNKNOWN, SEED_DATE), SEED_DATE);
    assert_int_equal(seed_join(SEED_INT, SEED_REAL), SEED_REAL);
    assert_int_equal(seed_join(SEED_DATE, SEED_TIME), SEED_TEXT);
    assert_int_equal(seed_join(SEED_BOOL, SEED_INT), SEED_TEXT);
}

static void test_values(void **state)
{
    static const struct {
        const char *cell, *time;
    } times[] = {
        {"2024-1-5", "2024-01-05"},
        {"2024-01-02 1:02:03", "2024-01-02 01:02:03"},
        {"2024-01-02T10:00:00.5+0200", "2024-01-02 10:00:00.500000+02:00"},
        {"2024-01-02T10:00:00.000Z", "2024-01-02 10:00:00+00:00"},
    };
    char out[SEED_TIME_MAX];
    bool is_int;
    int64_t i;
    double d;
    (void)state;
    for (size_t k = 0; k < sizeof times / sizeof *times; k++) {
        assert_int_equal(seed_time(text(times[k].cell), out), strlen(times[k].time));
        assert_string_equal(out, times[k].time);
    }
    assert_true(seed_number(text("-$1,234"), &is_int, &i, &d) && is_int && i == -1234);
    assert_true(seed_number(text("12.5%"), &is_int, &i, &d) && !is_int && d == 12.5);
    assert_false(seed_number(text("inf"), &is_int, &i, &d));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_joined),
        cmocka_unit_test(test_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
