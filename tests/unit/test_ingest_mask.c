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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(masks_free_text),
        cmocka_unit_test(spares_ids_at_any_depth),
        cmocka_unit_test(numbers_stay_numbers),
        cmocka_unit_test(sees_through_escapes),
        cmocka_unit_test(stripe_data_goes_whole),
        cmocka_unit_test(broken_bytes_are_masked_too),
        cmocka_unit_test(a_nul_byte_does_not_hide_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
