/* wire/decoder.c: any split of the bytes gives the same messages; bad lines cost only
 * themselves; limits hold. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/json.h"
#include "wire/wire.h"

static const char three[] =
    "{\"t\":\"a\"}\n\r\n{\"t\":\"b\",\"n\":[1,2]}\r\n{\"t\":\"c\"}\n";

static void every_split_gives_the_same_messages(void **state)
{
    (void)state;
    size_t n = sizeof three - 1;
    for (size_t cut = 0; cut <= n; cut++) {
        struct wire_decoder d;
        struct err e = {0};
        wire_decoder_init(&d);
        char seen[8] = "";
        size_t at = 0;
        for (int part = 0; part < 2; part++) {
            size_t from = part ? cut : 0, to = part ? n : cut;
            assert_int_equal(wire_decoder_feed(&d, three + from, to - from, &e), 0);
            json_t *msg = NULL;
            int rc;
            while ((rc = wire_decoder_next(&d, &msg, &e)) == 1) {
                seen[at++] = json_str(msg, "t", "?")[0];
                json_decref(msg);
            }
            assert_int_equal(rc, 0);
        }
        assert_string_equal(seen, "abc");
        wire_decoder_release(&d);
    }
}

static void a_bad_line_costs_itself_only(void **state)
{
    (void)state;
    static const char *const bad[] = {"nonsense", "[1]",      "{\"a\":1,\"a\":2}",
                                      "{\"a\":",  "\"text\"", "{} {}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct wire_decoder d;
        struct err e = {0};
        json_t *msg = NULL;
        wire_decoder_init(&d);
        wire_decoder_feed(&d, bad[i], strlen(bad[i]), &e);
        wire_decoder_feed(&d, "\n{\"t\":\"ok\"}\n", 12, &e);
        assert_int_equal(wire_decoder_next(&d, &msg, &e), ERR_PROTOCOL);
        assert_int_equal(wire_decoder_next(&d, &msg, &e), 1);
        assert_string_equal(json_str(msg, "t", ""), "ok");
        json_decref(msg);
        wire_decoder_release(&d);
    }
}

static void a_line_without_end_is_refused(void **state)
{
    (void)state;
    struct wire_decoder d;
    struct err e = {0};
    json_t *msg = NULL;
    wire_decoder_init(&d);
    char *piece = malloc(65536);
    memset(piece, 'x', 65536);
    int rc = 0;
    size_t fed = 0;
    while (rc == 0 && fed < (size_t)WIRE_LINE_MAX * 2) {
        rc = wire_decoder_feed(&d, piece, 65536, &e);
        fed += 65536;
        if (rc == 0)
            rc = wire_decoder_next(&d, &msg, &e);
    }
    assert_int_equal(rc, ERR_LIMIT);
    assert_true(fed <= (size_t)WIRE_LINE_MAX + 2 * 65536);
    free(piece);
    wire_decoder_release(&d);
}

static void encode_and_decode_agree(void **state)
{
    (void)state;
    json_t *msg = json_pack("{s:s, s:[i,i], s:n}", "text", "a\nb\t\"\xc3\xa9", "list",
                            1, 2, "none");
    struct buf b;
    struct err e = {0};
    buf_init(&b, 1024);
    assert_int_equal(wire_encode(msg, &b, &e), 0);
    assert_int_equal(b.data[b.len - 1], '\n');
    assert_null(memchr(b.data, '\n', b.len - 1));
    struct wire_decoder d;
    wire_decoder_init(&d);
    json_t *back = NULL;
    assert_int_equal(wire_decoder_feed(&d, b.data, b.len, &e), 0);
    assert_int_equal(wire_decoder_next(&d, &back, &e), 1);
    assert_true(json_equal(msg, back));
    json_decref(msg);
    json_decref(back);
    buf_release(&b);
    wire_decoder_release(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_split_gives_the_same_messages),
        cmocka_unit_test(a_bad_line_costs_itself_only),
        cmocka_unit_test(a_line_without_end_is_refused),
        cmocka_unit_test(encode_and_decode_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
