/* Replays of a bronze table: marks on its topic, and the load's own. */
#include "load_fixture.h"

#include "bus/bus_platform.h"
#include "load/replay.h"

#define FIRST "2017-12-19T00:00:23Z"

static void put(struct load_fix *x, int id, const char *total, const char *updated,
                bool is_correction)
{
    char key[64], v[512];
    snprintf(key, sizeof key, "STORE_1_TXN_%d", id);
    snprintf(v, sizeof v,
             "{\"transaction_id\":\"%d\",\"store_id\":\"1\",\"transaction_timestamp\":"
             "\"2017-12-19T00:00:21Z\",\"total_amount\":%s,\"updated_at\":\"%s\","
             "\"is_correction\":%s}",
             id, total, updated, is_correction ? "true" : "false");
    load_put(x, 0, key, v, strlen(v), NULL);
}

static void put_mark(struct load_fix *x, int64_t from, int64_t void_from)
{
    struct bus *b = NULL;
    struct bus_producer *p = NULL;
    struct err e = {0};
    struct bus_mark m = {STR("transactions"), 0, from, void_from};
    assert_int_equal(bus_open_platform(&x->f.platform, false, &b, &e), 0);
    assert_int_equal(bus_producer_open(b, "test-mark", &p, &e), 0);
    assert_int_equal(bus_mark_write(p, x->load.from, &m, &e), 0);
    assert_int_equal(bus_txn_commit(p, &e), 0);
    bus_producer_close(p);
    bus_close(b);
}

static const char rows[] = "SELECT transaction_id, total_amount, kafka_offset FROM "
                           "bronze.raw_transactions ORDER BY kafka_offset";
static const char corrections[] = "SELECT * FROM bronze.raw_corrections ORDER BY 1";

static void first_life(struct load_fix *x)
{
    load_init(x, "enriched-transactions", "raw_transactions", "append", NULL);
    put(x, 1, "1.50", FIRST, false);                 /* 0 */
    put(x, 2, "2.50", FIRST, false);                 /* 1 */
    put(x, 1, "1.75", "2017-12-19T01:00:00Z", true); /* 2 */
    load_put(x, 0, "STORE_1_TXN_9", "[9]", 3, NULL); /* 3: no row */
    put(x, 1, "1.85", "2017-12-19T02:00:00Z", true); /* 4 */
    put(x, 3, "3.50", FIRST, false);                 /* 5 */
}

static void second_life(struct load_fix *x)
{
    put_mark(x, 20, 3);                              /* 6 */
    load_put(x, 0, "STORE_1_TXN_9", "[9]", 3, NULL); /* 7 */
    put(x, 3, "3.25", FIRST, false);                 /* 8 */
}

static void expect_second(struct load_fix *x)
{
    assert_string_equal(load_query(x, rows), "1|1.5|0\n2|2.5|1\n1|1.75|2\n3|3.25|8");
    /* the correction that went is no longer one; the one before it is again */
    assert_string_equal(load_query(x, corrections), "1|2017-12-19 01:00:00");
    assert_string_equal(
        load_query(x, "SELECT reason, \"offset\" FROM bronze._weir_load_rejects"),
        "wrong_type|7");
    assert_int_equal(json_i64(x->drained, "rejected", -1), 1);
    assert_int_equal(json_i64(x->drained, "rows", -1), 9);
}

static void a_mark_makes_rows_behind_it_replace_those_before(void **state)
{
    (void)state;
    struct load_fix x;
    first_life(&x);
    assert_int_equal(load_once(&x), 0);
    assert_string_equal(load_query(&x, corrections), "1|2017-12-19 02:00:00");
    second_life(&x);
    assert_int_equal(load_once(&x), 0);
    expect_second(&x);
    load_release(&x);
}

/* All of it in one batch: what is void may still be on its way into the table. */
static void a_mark_met_in_the_middle_of_a_batch_does_the_same(void **state)
{
    (void)state;
    struct load_fix x;
    first_life(&x);
    second_life(&x);
    assert_int_equal(load_once(&x), 0);
    expect_second(&x);
    load_release(&x);
}

static json_t *replay(struct load_fix *x, const char *from)
{
    struct channel ch = {.fd = -1};
    struct err e = {0};
    json_t *plan = NULL;
    if (load_replay_plan(&x->f.platform, &x->load, from, &plan, &e) < 0)
        fail_msg("%s", e.text);
    if (load_replay_apply(&x->f.platform, &x->load, plan, &ch, &e) < 0)
        fail_msg("%s", e.text);
    return plan;
}

static void a_load_reads_its_topic_again_from_any_place(void **state)
{
    (void)state;
    static const char *const places[] = {"begin", "0", "2", "4", "7", "8"};
    struct load_fix x;
    first_life(&x);
    second_life(&x);
    assert_int_equal(load_once(&x), 0);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        wh_close(x.wh); /* a reader of its own */
        x.wh = NULL;
        json_t *plan = replay(&x, places[i]);
        assert_int_equal(json_i64(plan, "records", 0),
                         i ? 9 - strtol(places[i], NULL, 10) : 9);
        json_decref(plan);
        assert_int_equal(load_once(&x), 0);
        expect_second(&x);
    }
    load_release(&x);
}

/* Between the two a table without the rows is what there is, and its offsets say so. */
static void rows_and_offsets_go_together(void **state)
{
    (void)state;
    struct load_fix x;
    first_life(&x);
    assert_int_equal(load_once(&x), 0);
    json_decref(replay(&x, "2"));
    assert_string_equal(load_query(&x, rows), "1|1.5|0\n2|2.5|1");
    assert_int_equal(
        load_i64(&x, "SELECT next_off FROM bronze._weir_offsets WHERE part = 0"), 2);
    assert_string_equal(load_query(&x, corrections), "");
    load_release(&x);
}

static void nothing_to_load_again_is_said(void **state)
{
    (void)state;
    struct load_fix x;
    struct err e = {0};
    json_t *plan = NULL;
    first_life(&x);
    assert_int_equal(load_replay_plan(&x.f.platform, &x.load, "begin", &plan, &e),
                     ERR_NOTHING);
    assert_int_equal(load_once(&x), 0);
    assert_int_equal(load_replay_plan(&x.f.platform, &x.load, "6", &plan, &e),
                     ERR_NOTHING);
    assert_int_equal(load_replay_plan(&x.f.platform, &x.load, "soon", &plan, &e),
                     ERR_USAGE);
    load_release(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mark_makes_rows_behind_it_replace_those_before),
        cmocka_unit_test(a_mark_met_in_the_middle_of_a_batch_does_the_same),
        cmocka_unit_test(a_load_reads_its_topic_again_from_any_place),
        cmocka_unit_test(rows_and_offsets_go_together),
        cmocka_unit_test(nothing_to_load_again_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
