/* Masking rules: ids spared, JSON kept valid, escapes seen through. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include "base/jscan.h"
#include "base/pan.h"
#include "ingest/mask.h"
#include "ingest/mask_codes.h"

static const char *const ids[] = {"transaction_id", "product_id", NULL};

static void check(const char *text, const char *expected, unsigned count)
{
    char b[512];
    size_t n = strlen(text);
    memcpy(b, text, n + 1);
    assert_int_equal(mask_bytes(b, n, ids), count);
    assert_string_equal(b, expected);
}

static void masks_free_text(void **state)
{
    (void)state;
    check("{\"note\":\"pay 4111111111111111 now\"}",
          "{\"note\":\"pay 411111******1111 now\"}", 1);
    check("{\"a\":\"4111-1111-1111-1111\",\"b\":\"5500 0055 5555 5559\"}",
          "{\"a\":\"4111-11**-****-1111\",\"b\":\"5500 00** **** 5559\"}", 2);
    check("{\"a\":{\"b\":[\"x\",\"378282246310005\"]}}",
          "{\"a\":{\"b\":[\"x\",\"378282*****0005\"]}}", 1);
    check("{\"4111111111111111\":1}", "{\"411111******1111\":1}", 1);
    check("{\"note\":\"4111111111111112\"}", "{\"note\":\"4111111111111112\"}", 0);
}

static void spares_ids_at_any_depth(void **state)
{
    (void)state;
    check("{\"transaction_id\":\"4111111111111111\",\"items\":[{\"product_id\":"
          "4111111111111111,\"note\":\"4111111111111111\"}]}",
          "{\"transaction_id\":\"4111111111111111\",\"items\":[{\"product_id\":"
          "4111111111111111,\"note\":\"411111******1111\"}]}",
          1);
    /* the name of an id inside a text is no id */
    check("{\"note\":\"transaction_id: 4111111111111111\"}",
          "{\"note\":\"transaction_id: 411111******1111\"}", 1);
    check("{\"product_id\":\"1\",\"4111111111111111\":2}",
          "{\"product_id\":\"1\",\"411111******1111\":2}", 1);
}

static void numbers_stay_numbers(void **state)
{
    (void)state;
    char b[] = "{\"card\":4111111111111111,\"x\":-5500005555555559}";
    size_t at, len;
    struct jscan s;
    assert_int_equal(mask_bytes(b, strlen(b), ids), 2);
    jscan_init(&s);
    assert_int_equal(jscan_parse(&s, b, strlen(b), &jscan_default_limits), 0);
    jscan_release(&s);
    assert_false(pan_find(b, strlen(b), 0, &at, &len));
    assert_null(strstr(b, "4111111111111111"));
    assert_non_null(strstr(b, "\"card\":411111"));
}

static void sees_through_escapes(void **state)
{
    (void)state;
    check("{\"note\":\"\\u0034111 1111\\u00201111 11\\u00311\"}",
          "{\"note\":\"\\u0034111 11**\\u0020**** 11\\u00311\"}", 1);
    check("{\"note\":\"4111111\\u0031111\\u00311111\"}",
          "{\"note\":\"411111*\\u002a***\\u002a1111\"}", 1);
    /* an escaped backslash is no escape */
    check("{\"note\":\"\\\\u00341\"}", "{\"note\":\"\\\\u00341\"}", 0);
}

static void stripe_data_goes_whole(void **state)
{
    (void)state;
    check("{\"t\":\";4111111111111111=25121010000012300000?x\",\"total\":5}",
          "{\"t\":\";411111******1111=********************?x\",\"total\":5}", 1);
    check("{\"t\":\"%B4111111111111111^DOE/J^2512101?\"}",
          "{\"t\":\"%B411111******1111^*************?\"}", 1);
    check("{\"t\":\"4111111111111111=2512\",\"n\":\"1=2\"}",
          "{\"t\":\"411111******1111=****\",\"n\":\"1=2\"}", 1);
}

static void broken_bytes_are_masked_too(void **state)
{
    (void)state;
    check("{\"note\":\"4111111111111111", "{\"note\":\"411111******1111", 1);
    check("1,x,4111111111111111", "1,x,411111******1111", 1);
    check("{\"a\":\"\\", "{\"a\":\"\\", 0);
    check("", "", 0);
}

static void a_nul_byte_does_not_hide_one(void **state)
{
    (void)state;
    char b[] = "{\"a\":\"\0004111111111111111\"}";
    assert_int_equal(mask_bytes(b, sizeof(b) - 1, ids), 1);
    assert_memory_equal(b + 7, "411111******1111", 16);
}

/* PCI DSS 3.3.1: not masked but gone, whatever the value looks like. */
static void codes_and_pins_are_gone(void **state)
{
    (void)state;
    check("{\"cvv\":\"123\",\"a\":1}", "{\"cvv\":null ,\"a\":1}", 1);
    check("{\"card\":{\"CVV2\" : 123},\"x\":2}", "{\"card\":{\"CVV2\" : 0  },\"x\":2}",
          1);
    check("{\"card_cvc\":1234}", "{\"card_cvc\":null}", 1);
    check("{\"cardPin\":\"0000\",\"pin\":[1,2,{\"x\":\"}\"}],\"b\":\"c\"}",
          "{\"cardPin\":null  ,\"pin\":null           ,\"b\":\"c\"}", 2);
    check("{\"card_verification_value\":\"9\"}", "{\"card_verification_value\":\"\" }",
          1);
    check("{\"Track-2_Data\":\"4111111111111111=2512\"}",
          "{\"Track-2_Data\":null                   }", 1);
    check("{\"\\u0063vv\":\"123\"}", "{\"\\u0063vv\":null }", 1);
    /* cut in the middle, and what has no value already */
    check("{\"a\":1,\"cvv\":\"12", "{\"a\":1,\"cvv\":\"\" ", 1);
    check("{\"cvv\":null,\"cvc\":\"\",\"csc\":0}",
          "{\"cvv\":null,\"cvc\":\"\",\"csc\":0}", 0);
}

static void other_names_stay(void **state)
{
    (void)state;
    const char *text = "{\"shipping\":\"1\",\"spin\":2,\"pine\":3,\"note\":\"cvv: 1\","
                       "\"discount\":\"5\",\"pin_code_area\":7,\"soundtrack1\":\"x\"}";
    check(text, text, 0);
    assert_true(mask_is_code_name("encrypted_pin_block", 19));
    assert_true(mask_is_code_name("securityCode", 12));
    assert_false(mask_is_code_name("", 0));
}

/* The fast test sees a name wherever it stands in a block of sixteen. */
static void the_fast_test_misses_nothing(void **state)
{
    char b[200];
    (void)state;
    static const char *const words[] = {
        "cvv",     "CVC",       "cvn",       "csc",      "Pin",         "track1",
        "track_2", "trackData", "magstripe", "security", "verification"};
    for (size_t w = 0; w < sizeof words / sizeof *words; w++) {
        for (size_t at = 0; at < 70; at++) {
            size_t k = strlen(words[w]);
            memset(b, 'x', sizeof b);
            memcpy(b + at, words[w], k);
            assert_true(mask_may_have(b, at + k));
            assert_true(mask_may_have(b, sizeof b));
        }
    }
    memset(b, 'c', sizeof b);
    assert_false(mask_may_have(b, sizeof b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(masks_free_text),
        cmocka_unit_test(spares_ids_at_any_depth),
        cmocka_unit_test(numbers_stay_numbers),
        cmocka_unit_test(codes_and_pins_are_gone),
        cmocka_unit_test(other_names_stay),
        cmocka_unit_test(the_fast_test_misses_nothing),
        cmocka_unit_test(sees_through_escapes),
        cmocka_unit_test(stripe_data_goes_whole),
        cmocka_unit_test(broken_bytes_are_masked_too),
        cmocka_unit_test(a_nul_byte_does_not_hide_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
