/* Text, strings, hashes: known answers and hostile bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/hash.h"
#include "base/str.h"
#include "base/text.h"

static void utf8_is_checked_exactly(void **state)
{
    (void)state;
    static const char *const good[] = {
        "a", "é", "€", "😀", "\xED\x9F\xBF", "\xF4\x8F\xBF\xBF"};
    static const char *const bad[] = {"\x80",
                                      "\xC0\x80",
                                      "\xC1\xBF",
                                      "\xE0\x80\x80",
                                      "\xED\xA0\x80", /* surrogate */
                                      "\xF0\x80\x80\x80",
                                      "\xF4\x90\x80\x80",
                                      "\xF5\x80\x80\x80",
                                      "\xE2\x82",
                                      "\xFF",
                                      "\xC3("};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(text_is_utf8(good[i], strlen(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(text_is_utf8(bad[i], strlen(bad[i])));
    for (uint32_t cp = 0; cp < 0x110000; cp++) {
        char out[4];
        uint32_t back = 0;
        int n = text_encode(cp, out);
        if (cp >= 0xD800 && cp < 0xE000) {
            assert_int_equal(n, 0);
            continue;
        }
        assert_int_equal(text_decode(out, (size_t)n, &back), n);
        assert_int_equal(back, cp);
    }
}

static void widths_are_cells(void **state)
{
    (void)state;
    assert_int_equal(text_width("abc", 3), 3);
    assert_int_equal(text_width("日本", 6), 4);
    assert_int_equal(text_width("e\xCC\x81", 3), 1);
    assert_int_equal(text_width("😀", 4), 2);
    assert_int_equal(text_width_cp(0x1b), -1);
    assert_int_equal(text_width_cp(0x200B), 0);
}

static void nothing_foreign_reaches_the_terminal(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"plain é 日本", "plain é 日本"},
        {"\x1b[31mred", "^[[31mred"},
        {"a\tb\nc\x7f", "a^Ib^Jc^?"},
        {"\xFFx\xC3", "\\xFFx\\xC3"},
        {"\xC2\x9b"
         "31m",
         "\\u009B31m"},
        {"a\xE2\x80\xAE"
         "b",
         "a\\u202Eb"},
        {"\xF3\xA0\x80\x81", "\\uE0001"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf b;
        buf_init(&b, 1000);
        assert_int_equal(text_sanitise(&b, cases[i].in, strlen(cases[i].in)), 0);
        assert_string_equal(buf_str(&b), cases[i].out);
        buf_release(&b);
    }
    for (int c = 0; c < 256; c++) {
        struct buf b;
        char in = (char)c;
        buf_init(&b, 100);
        text_sanitise(&b, &in, 1);
        assert_true(b.len > 0 && text_is_utf8(b.data, b.len));
        for (size_t i = 0; i < b.len; i++)
            assert_true((unsigned char)b.data[i] >= 0x20 && b.data[i] != 0x7f);
        buf_release(&b);
    }
}

static void nearest_names(void **state)
{
    (void)state;
    static const char *const names[] = {"sources",  "streams", "topics",
                                        "platform", "to",      "on"};
#define NEAREST(word) str_nearest(word, names, 6)
    assert_string_equal(NEAREST("soruces"),
                        "sources"); /* a transposition is one step */
    assert_string_equal(NEAREST("Topics"), "topics");
    assert_string_equal(NEAREST("plat"), "platform"); /* a prefix */
    assert_string_equal(NEAREST("stream"), "streams");
    assert_null(NEAREST("warehouse"));
    assert_null(NEAREST("x"));
    assert_null(NEAREST(""));
    char huge[5000];
    memset(huge, 'a', sizeof huge);
    huge[sizeof huge - 1] = '\0';
    assert_null(NEAREST(huge));
}

static void numbers_are_whole_texts(void **state)
{
    (void)state;
    int64_t v;
    double d;
    assert_true(str_to_i64(STR("-9223372036854775808"), &v) && v == INT64_MIN);
    assert_true(str_to_i64(STR("9223372036854775807"), &v) && v == INT64_MAX);
    static const char *const bad[] = {"",
                                      "-",
                                      "+",
                                      "1 ",
                                      " 1",
                                      "1x",
                                      "9223372036854775808",
                                      "-9223372036854775809",
                                      "0x10",
                                      "1.0"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(str_to_i64(str_of(bad[i]), &v));
    assert_true(str_to_double(STR("1.5e3"), &d) && d == 1500.0);
    assert_false(str_to_double(STR("nan"), &d));
    assert_false(str_to_double(STR("inf"), &d));
    assert_false(str_to_double(STR("0x1p3"), &d));
    assert_false(str_to_double(STR("1e999"), &d));
    assert_false(str_to_double(STR("1 "), &d));
    char small[4];
    assert_false(str_copy(small, sizeof small, "abcd"));
    assert_string_equal(small, "abc");
    assert_true(str_glob("a*[0-9]", "abc7") && !str_glob("a?", "abc"));
}

/* Answers of java.lang.String.hashCode. */
static void java_hash_known_answers(void **state)
{
    (void)state;
    assert_int_equal(hash_java_string(STR("")), 0);
    assert_int_equal(hash_java_string(STR("hello")), 99162322);
    assert_int_equal(hash_java_string(STR("1234")), 1509442);
    assert_int_equal(hash_java_string(STR("polygenelubricants")), INT32_MIN);
    assert_int_equal(hash_java_string(STR("é")), 233);
    assert_int_equal(hash_java_string(STR("😀")), 1772899);
}

static void store_partition_as_the_seed(void **state)
{
    (void)state;
    assert_int_equal(hash_store_partition(STR("STORE_1234_TXN_abc"), 100), 42);
    assert_int_equal(hash_store_partition(STR("STORE_polygenelubricants_TXN_1"), 100),
                     48);
    assert_int_equal(hash_store_partition(STR("nonsense"), 100), 48); /* "0" is 48 */
    assert_int_equal(hash_store_partition(STR("A_1234_x"), 100), 42);
    assert_int_equal(hash_store_partition(STR("A_"), 100),
                     48); /* split drops empty tails */
    assert_int_equal(hash_store_partition(STR(""), 100), 48);
    assert_int_equal(hash_store_partition(STR("STORE_1_TXN_1"), 0), 0);
}

static void digests_known_answers(void **state)
{
    (void)state;
    char hex[65];
    assert_string_equal(hash_md5_hex("abc", 3, hex),
                        "900150983cd24fb0d6963f7d28e17f72");
    assert_string_equal(
        hash_sha256_hex("abc", 3, hex),
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_int_equal(hash_crc32("123456789", 9), 0xCBF43926);
    assert_true(hash_64("a", 1) != hash_64("b", 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8_is_checked_exactly),
        cmocka_unit_test(widths_are_cells),
        cmocka_unit_test(nothing_foreign_reaches_the_terminal),
        cmocka_unit_test(nearest_names),
        cmocka_unit_test(numbers_are_whole_texts),
        cmocka_unit_test(java_hash_known_answers),
        cmocka_unit_test(store_partition_as_the_seed),
        cmocka_unit_test(digests_known_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
