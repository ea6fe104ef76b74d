/* Exact decimals: to the last digit, or refused. */
#include "stream_data.h"

#include "base/decimal.h"

#include <math.h>

static void reads_cents(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t cents;
    } good[] = {
        {"0", 0},
        {"0.00", 0},
        {"-0.00", 0},
        {"138.58", 13858},
        {"-12.34", -1234},
        {"12.3", 1230},
        {"12", 1200},
        {"12.3400", 1234},
        {"1e2", 10000},
        {"1.5E1", 1500},
        {"125e-1", 1250},
        {"0.1000000000000000000000000000000000000000000000", 10},
        {"92233720368547758.07", INT64_MAX},
        {"-92233720368547758.08", INT64_MIN},
        {"100", 10000},
        {"100.10", 10010},
        {"0.05", 5},
        {"999999999999999.99", 99999999999999999},
    };
    static const char *const bad[] = {
        "",      "-",
        ".5",    "1.",
        "01.00", "1.234",
        "1e",    "1e-3",
        "+1",    " 1",
        "1 ",    "abc",
        "1.2x",  "92233720368547758.08",
        "1e400", "1e99999999999999999999",
        "0x10",  "NaN",
        "--1",   "1,00",
        "-.12",  "1..2",
        "00.12", "1.2.3",
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        int64_t cents = 1;
        if (!decimal_to_cents(str_of(good[i].text), &cents) || cents != good[i].cents)
            fail_msg("%s: %lld", good[i].text, (long long)cents);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int64_t cents;
        if (decimal_to_cents(str_of(bad[i]), &cents))
            fail_msg("%s: %lld", bad[i], (long long)cents);
    }
}

static void writes_cents_and_reads_them_back(void **state)
{
    (void)state;
    char text[24];
    assert_int_equal(decimal_cents_text(-1234, text), 6);
    assert_string_equal(text, "-12.34");
    decimal_cents_text(5, text);
    assert_string_equal(text, "0.05");
    decimal_cents_text(INT64_MIN, text);
    assert_string_equal(text, "-92233720368547758.08");
    int64_t v = 1;
    for (int i = 0; i < 2000; i++) {
        int64_t back;
        v = (int64_t)((uint64_t)v * 6364136223846793005u + 1442695040888963407u);
        int64_t cents = v >> (i % 60);
        int n = decimal_cents_text(cents, text);
        assert_true(decimal_to_cents((struct str){text, (size_t)n}, &back));
        assert_int_equal(back, cents);
    }
}

static void scales_any_number(void **state)
{
    (void)state;
    i128 v;
    assert_true(decimal_to_scaled(str_of("2.3900"), 4, &v));
    assert_true(v == 23900);
    assert_true(decimal_to_scaled(str_of("1e30"), 6, &v));
    assert_true(v / 1000000000000000000 == (i128)1000000000000000000);
    assert_true(
        decimal_to_scaled(str_of("170141183460469231731687303715884105727"), 0, &v));
    assert_false(
        decimal_to_scaled(str_of("170141183460469231731687303715884105728"), 0, &v));
    assert_false(decimal_to_scaled(str_of("0.001"), 2, &v));
    assert_true(decimal_to_scaled(str_of("0e99999"), 2, &v));
    assert_true(v == 0);
}

static void undoes_binary_fractions(void **state)
{
    (void)state;
    i128 v;
    assert_true(decimal_from_double(0.1 + 0.2, 2, &v));
    assert_true(v == 30);
    assert_true(decimal_from_double(-138.58, 2, &v));
    assert_true(v == -13858);
    assert_true(decimal_from_double(2.675, 2, &v)); /* the double is below 2.675 */
    assert_true(v == 268);
    assert_true(decimal_from_double(-0.125, 2, &v));
    assert_true(v == -13);
    assert_true(decimal_from_double(1e20, 2, &v));
    assert_true(v == (i128)10000000000 * 1000000000000);
    assert_true(decimal_from_double(1e-300, 6, &v));
    assert_true(v == 0);
    assert_false(decimal_from_double(NAN, 2, &v));
    assert_false(decimal_from_double(INFINITY, 2, &v));
    assert_false(decimal_from_double(1e300, 2, &v));
    for (int64_t cents = -200000; cents < 200000; cents += 7) {
        assert_true(decimal_from_double((double)cents / 100, 2, &v));
        assert_true(v == cents);
    }
}

static void rounds_half_up(void **state)
{
    (void)state;
    assert_true(decimal_round(2.675, 2) == 2.68);
    assert_true(decimal_round(-2.675, 2) == -2.68);
    assert_true(decimal_round(1.005, 2) == 1.01);
    assert_true(decimal_round(0.5, 0) == 1);
    assert_true(decimal_round(2.5, 0) == 3);
    assert_true(decimal_round(1250, -2) == 1300);
    assert_true(decimal_round(123.456, 10) == 123.456);
    assert_true(decimal_round(1e300, 2) == 1e300);
    assert_true(isnan(decimal_round(NAN, 2)));
}

static void divides_exactly(void **state)
{
    (void)state;
    assert_true(decimal_div(1, 3, 6) == 333333);
    assert_true(decimal_div(2, 3, 6) == 666667);
    assert_true(decimal_div(-2, 3, 6) == -666667);
    assert_true(decimal_div(1, 2, 0) == 1);
    assert_true(decimal_div(-1, 2, 0) == -1);
    assert_true(decimal_div(5, -2, 0) == -3);
    assert_true(decimal_div(10, 5, 3) == 2000);
    i128 big = (i128)1 << 126;
    assert_true(decimal_div(big, big - 1, 2) == 100);
    assert_true(decimal_div(big - 1, big, 4) == 10000);
}

static void gives_the_nearest_double(void **state)
{
    (void)state;
    assert_true(decimal_to_double(13858, 2) == 138.58);
    assert_true(decimal_to_double(-5, 2) == -0.05);
    i128 v = (i128)10000000000 * 1000000000000 + 1;
    assert_true(decimal_to_double(v, 2) == 1e20);
    assert_true(decimal_to_double(12, -2) == 1200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_cents),
        cmocka_unit_test(writes_cents_and_reads_them_back),
        cmocka_unit_test(scales_any_number),
        cmocka_unit_test(undoes_binary_fractions),
        cmocka_unit_test(rounds_half_up),
        cmocka_unit_test(divides_exactly),
        cmocka_unit_test(gives_the_nearest_double),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
