/* Card numbers: found and masked whatever separates their digits, and nothing else is.
 */
#include "stream_data.h"

#include "base/pan.h"

static void expect_mask(const char *text, const char *want)
{
    char buf[512];
    size_t n = strlen(text);
    memcpy(buf, text, n + 1);
    size_t count = pan_mask(buf, n);
    if (strcmp(buf, want) != 0 || (count == 0) != (strcmp(text, want) == 0))
        fail_msg("%s: %s (%zu), not %s", text, buf, count, want);
}

static void masks_the_well_known_test_numbers(void **state)
{
    (void)state;
    expect_mask("4111111111111111", "411111******1111");
    expect_mask("4111 1111 1111 1111", "4111 11** **** 1111");
    expect_mask("4111-1111-1111-1111", "4111-11**-****-1111");
    expect_mask("5555555555554444", "555555******4444");
    expect_mask("5105 1051 0510 5100", "5105 10** **** 5100");
    expect_mask("378282246310005", "378282*****0005");
    expect_mask("3782 822463 10005", "3782 82**** *0005");
    expect_mask("6011111111111117", "601111******1117");
    expect_mask("4222222222222", "422222***2222");
    expect_mask("30569309025904", "305693****5904");
    expect_mask("3530111333300000", "353011******0000");
    expect_mask("6200000000000005", "620000******0005");
    expect_mask("2223003122003222", "222300******3222");
    expect_mask("6304 0000 0000 0000", "6304 00** **** 0000");
}

static void masks_inside_any_text(void **state)
{
    (void)state;
    expect_mask("CREDIT 4111111111111111", "CREDIT 411111******1111");
    expect_mask("{\"note\":\"card 4111-1111-1111-1111, ok\"}",
                "{\"note\":\"card 4111-11**-****-1111, ok\"}");
    expect_mask("x4111111111111111y4111111111111111z",
                "x411111******1111y411111******1111z");
    expect_mask("4111111111111111 5555555555554444",
                "411111******1111 555555******4444");
    expect_mask("2017-12-24 4111111111111111", "2017-12-24 411111******1111");
    expect_mask("4111111111111111 2017-12-24", "411111******1111 2017-12-24");
    expect_mask("no. 7 4111 1111 1111 1111 12", "no. 7 4111 11** **** 1111 12");
    expect_mask("\xff"
                "4111111111111111\xfe",
                "\xff"
                "411111******1111\xfe");
    expect_mask("4111 1111 1111 1111-", "4111 11** **** 1111-");
    expect_mask("- 4111111111111111.", "- 411111******1111.");
}

static void leaves_other_numbers_alone(void **state)
{
    (void)state;
    static const char *const plain[] = {
        "4111111111111112", /* fails Luhn */
        "4111 1111 1111 1112",
        "1234567812345670",     /* passes Luhn, no issuer */
        "411111111111",         /* 12 digits */
        "41111111111111111111", /* 20 digits */
        "00004111111111111111", /* a longer run that holds one */
        "4111  1111 1111 1111", /* two spaces */
        "4111_1111_1111_1111",
        "0.4111111111111111",
        "1513644953000",
        "STORE_415_TXN_41297753235",
        "2017-12-19 2017-12-20",
        "",
        "4",
        "-- -- -- -- -- --",
        "                                            ",
    };
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        expect_mask(plain[i], plain[i]);
}

/* At every position of a longer text, so at every phase of the stride. */
static void masks_at_every_position(void **state)
{
    (void)state;
    static const char *const cards[] = {"4111111111111111", "4222222222222",
                                        "3782 822463 10005"};
    for (size_t k = 0; k < sizeof cards / sizeof *cards; k++) {
        size_t len = strlen(cards[k]);
        for (size_t at = 0; at < 60; at++) {
            char text[100], want[100];
            memset(text, 'a', sizeof text);
            memcpy(text + at, cards[k], len);
            memcpy(want, text, sizeof text);
            size_t found, n;
            assert_true(pan_find(text, sizeof text, 0, &found, &n));
            assert_int_equal(found, at);
            assert_int_equal(n, len);
            assert_false(pan_find(text, at + len - 1, 0, &found, &n));
            assert_int_equal(pan_mask(text, sizeof text), 1);
            assert_memory_equal(text, want, at + 6);
            assert_memory_equal(text + at + len, want + at + len,
                                sizeof text - at - len);
        }
    }
}

static void finds_nothing_in_short_text(void **state)
{
    (void)state;
    size_t at, len;
    assert_false(pan_find(NULL, 0, 0, &at, &len));
    assert_false(pan_find("4111", 4, 0, &at, &len));
    assert_false(pan_find("4111111111111111", 16, 16, &at, &len));
}

/* The receipts: exactly the lines the data's list names hold a card number. */
static void masks_exactly_the_listed_receipts(void **state)
{
    (void)state;
    struct data_file pos, list;
    char cell[256];
    data_need("pos_disorder.injected.csv", &list);
    data_need("pos_disorder.jsonl.gz", &pos);
    bool *want = calloc(pos.n_lines + 1, sizeof *want);
    size_t n_want = 0;
    for (size_t i = 1; i < list.n_lines; i++) {
        int64_t line;
        assert_true(str_to_i64(data_field(list.lines[i], 0, cell, sizeof cell), &line));
        struct str kind = data_field(list.lines[i], 1, cell, sizeof cell);
        want[line] = kind.n > 8 && memcmp(kind.p, "card_in_", 8) == 0;
        n_want += want[line];
    }
    for (size_t i = 0; i < pos.n_lines; i++)
        assert_int_equal(
            pan_mask(pos.bytes + (pos.lines[i].p - pos.bytes), pos.lines[i].n),
            want[i + 1]);
    assert_int_equal(n_want, 16);
    free(want);
    data_free(&pos);
    data_free(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(masks_the_well_known_test_numbers),
        cmocka_unit_test(masks_inside_any_text),
        cmocka_unit_test(leaves_other_numbers_alone),
        cmocka_unit_test(masks_at_every_position),
        cmocka_unit_test(finds_nothing_in_short_text),
        cmocka_unit_test(masks_exactly_the_listed_receipts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
