/* The embedded bus's record codec: round trips, compression when it pays, and bytes
 * that lie. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>
#include "bus/bus_codec.h"
#include "base/hash.h"

struct packed {
    struct buf raw, stored;
    struct codec_batch meta;
};

static void pack(struct packed *p, const struct bus_record *records, size_t n)
{
    struct err e = {0};
    *p = (struct packed){.meta = {.base_offset = 100, .base_ms = 5000, .partition = 7}};
    buf_init(&p->raw, 1 << 20);
    buf_init(&p->stored, 1 << 20);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(codec_add(&p->raw, 5000, &records[i]), 0);
        p->meta.n++;
        p->meta.n_headers += (uint32_t)records[i].n_headers;
    }
    assert_int_equal(codec_pack(&p->raw, &p->stored, &p->meta, &e), 0);
}

static void unpack(struct packed *p)
{
    buf_release(&p->raw);
    buf_release(&p->stored);
}

static int read_back(struct packed *p, struct codec_reader *r, struct err *e)
{
    return codec_read(r, &p->meta, buf_str(&p->stored), p->stored.len, e);
}

static void test_round_trip(void **state)
{
    (void)state;
    const struct bus_header headers[] = {{STR("line"), STR("17")}, {STR(""), {0}}};
    const struct bus_record in[] = {
        {.timestamp_ms = 4000, .key = STR("k"), .value = STR("hello")},
        {.timestamp_ms = INT64_MAX, .value = STR("")},
        {.timestamp_ms = 0, .key = STR(""), .headers = headers, .n_headers = 2},
    };
    struct packed p;
    struct codec_reader r;
    struct err e = {0};
    pack(&p, in, 3);
    codec_reader_init(&r);
    assert_int_equal(read_back(&p, &r, &e), 0);
    assert_int_equal(r.n, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(r.records[i].offset, 100 + (int64_t)i);
        assert_int_equal(r.records[i].partition, 7);
        assert_true(r.records[i].timestamp_ms == in[i].timestamp_ms);
    }
    assert_true(str_is(r.records[0].key, "k"));
    assert_true(str_is(r.records[0].value, "hello"));
    assert_null(r.records[1].key.p); /* no key is not an empty key */
    assert_non_null(r.records[1].value.p);
    assert_int_equal(r.records[1].value.n, 0);
    assert_non_null(r.records[2].key.p);
    assert_null(r.records[2].value.p);
    assert_int_equal(r.records[2].n_headers, 2);
    assert_true(str_is(r.records[2].headers[0].name, "line"));
    assert_true(str_is(r.records[2].headers[0].value, "17"));
    assert_null(r.records[2].headers[1].value.p);
    codec_reader_release(&r);
    unpack(&p);
}

static void test_compresses_when_it_pays(void **state)
{
    (void)state;
    char same[4000], noise[4000];
    memset(same, 'a', sizeof same);
    uint64_t x = 1;
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (char)((x = x * UINT64_C(6364136223846793005) + 1442695) >> 56);
    struct bus_record one = {.timestamp_ms = 1, .value = {same, sizeof same}};
    struct packed p;
    pack(&p, &one, 1);
    assert_int_equal(p.meta.kind, CODEC_LZ4);
    assert_true(p.stored.len < 200);
    assert_int_equal(p.meta.raw_bytes, p.raw.len);
    unpack(&p);
    one.value.p = noise;
    pack(&p, &one, 1);
    assert_int_equal(p.meta.kind, CODEC_RAW);
    assert_int_equal(p.stored.len, p.raw.len);
    unpack(&p);
}

static void test_batches_follow_one_another(void **state)
{
    (void)state;
    const struct bus_record in[] = {{.timestamp_ms = 1, .value = STR("first")},
                                    {.timestamp_ms = 2, .value = STR("second")}};
    struct packed a, b;
    struct codec_reader r;
    struct err e = {0};
    pack(&a, &in[0], 1);
    pack(&b, &in[1], 1);
    b.meta.base_offset = 101;
    codec_reader_init(&r);
    assert_int_equal(read_back(&a, &r, &e), 0);
    assert_true(codec_reader_fits(&r, &b.meta));
    assert_int_equal(read_back(&b, &r, &e), 0);
    assert_int_equal(r.n, 2);
    assert_true(str_is(r.records[0].value, "first"));
    assert_true(str_is(r.records[1].value, "second"));
    struct codec_batch huge = {.n = 1, .raw_bytes = 1 << 30};
    assert_false(codec_reader_fits(&r, &huge));
    codec_reader_reset(&r);
    assert_int_equal(r.n, 0);
    codec_reader_release(&r);
    unpack(&a);
    unpack(&b);
}

/* Every single-bit change of stored bytes is noticed by the checksum. */
static void test_damage_is_noticed(void **state)
{
    (void)state;
    const struct bus_header h = {STR("source"), STR("pos")};
    const struct bus_record in = {.timestamp_ms = 9,
                                  .key = STR("key"),
                                  .value = STR("value"),
                                  .headers = &h,
                                  .n_headers = 1};
    struct packed p;
    struct codec_reader r;
    struct err e = {0};
    pack(&p, &in, 1);
    codec_reader_init(&r);
    for (size_t bit = 0; bit < p.stored.len * 8; bit++) {
        p.stored.data[bit / 8] = (char)(p.stored.data[bit / 8] ^ (1 << bit % 8));
        assert_int_equal(read_back(&p, &r, &e), ERR_CORRUPT);
        assert_int_equal(r.n, 0);
        p.stored.data[bit / 8] = (char)(p.stored.data[bit / 8] ^ (1 << bit % 8));
    }
    assert_int_equal(read_back(&p, &r, &e), 0);
    codec_reader_release(&r);
    unpack(&p);
}

/* With a right checksum and wrong content every change is refused or gives records that
 * lie inside the buffer (the sanitizers watch). */
static void test_lies_stay_inside(void **state)
{
    (void)state;
    const struct bus_header h = {STR("source"), STR("pos")};
    const struct bus_record in = {.timestamp_ms = 9,
                                  .key = STR("key"),
                                  .value = STR("value"),
                                  .headers = &h,
                                  .n_headers = 1};
    struct packed p;
    struct codec_reader r;
    struct err e = {0};
    pack(&p, &in, 1);
    codec_reader_init(&r);
    size_t refused = 0;
    for (size_t at = 0; at < p.stored.len; at++)
        for (int v = 0; v < 256; v++) {
            char keep = p.stored.data[at];
            p.stored.data[at] = (char)v;
            p.meta.checksum = (int64_t)hash_64(p.stored.data, p.stored.len);
            codec_reader_reset(&r);
            if (read_back(&p, &r, &e) < 0)
                refused++;
            else
                assert_true(r.n == 1 && r.records[0].value.n <= p.stored.len);
            p.stored.data[at] = keep;
        }
    assert_true(refused > 500);
    p.meta.checksum = (int64_t)hash_64(p.stored.data, p.stored.len);
    codec_reader_reset(&r);
    p.meta.n = 2; /* more records than bytes */
    assert_int_equal(read_back(&p, &r, &e), ERR_CORRUPT);
    assert_non_null(strstr(e.text, "record 1 of 2"));
    p.meta.n = 0; /* bytes left over */
    assert_int_equal(read_back(&p, &r, &e), ERR_CORRUPT);
    p.meta.n = 1;
    p.meta.n_headers = 0;
    assert_int_equal(read_back(&p, &r, &e), ERR_CORRUPT);
    p.meta.n_headers = 1;
    p.meta.kind = CODEC_LZ4;
    assert_int_equal(read_back(&p, &r, &e), ERR_CORRUPT);
    codec_reader_release(&r);
    unpack(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_compresses_when_it_pays),
        cmocka_unit_test(test_batches_follow_one_another),
        cmocka_unit_test(test_damage_is_noticed),
        cmocka_unit_test(test_lies_stay_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
