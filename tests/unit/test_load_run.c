/* The load worker on a real bus and warehouse: layouts, exactly once, drift, upserts.
 */
#include "load_fixture.h"

static const char *const receipt =
    "{\"transaction_id\":\"STORE_%d_TXN_%d\",\"store_id\":\"%d\",\"terminal_id\":\"%d-"
    "T1\","
    "\"customer_id\":\"9\",\"transaction_timestamp\":\"2017-12-19T00:00:21Z\","
    "\"total_amount\":%s,\"payment_method\":\"CASH\",\"items\":[{\"product_id\":\"1\","
    "\"amount\":5.00}],\"updated_at\":\"%s\",\"store_name\":\"S\",\"region\":null,"
    "\"district\":null,\"store_format\":null,\"store_time_zone\":null,\"local_hour\":3,"
    "\"unknown_store\":false,\"unknown_products\":0,\"is_correction\":%s,"
    "\"anomaly_detected\":true,\"anomaly_reasons\":[\"OFF_HOURS\"]%s}";

static void put(struct load_fix *x, int id, const char *total, const char *updated,
                bool is_correction, const char *more)
{
    char key[64], value[2048];
    int store = id % 7 + 1;
    snprintf(key, sizeof(key), "STORE_%d_TXN_%d", store, id);
    snprintf(value, sizeof(value), receipt, store, id, store, store, total, updated,
             is_correction ? "true" : "false", more);
    load_text(x, key, value);
}

#define FIRST "2017-12-19T00:00:23Z"

static void transactions_have_the_seeds_columns(void **state)
{
    (void)state;
    struct load_fix x;
    load_init(&x, "enriched-transactions", "raw_transactions", "append", NULL);
    put(&x, 1, "5.00", FIRST, false, "");
    assert_int_equal(load_once(&x), 0);
    assert_string_equal(
        load_query(&x, "SELECT transaction_id, store_id, terminal_id, customer_id, "
                       "transaction_timestamp, total_amount, typeof(total_amount), "
                       "payment_method, items, anomaly_detected, anomaly_reasons, "
                       "kafka_offset, updated_at, is_correction, _extra FROM "
                       "bronze.raw_transactions"),
        "STORE_2_TXN_1|2|2-T1|9|2017-12-19 00:00:21|5|real|CASH|[{\"product_id\":\"1\","
        "\"amount\":5.00}]|1|[\"OFF_HOURS\"]|0|2017-12-19 00:00:23|0|-");
    assert_int_equal(json_i64(x.drained, "rows", -1), 1);
    assert_int_equal(json_i64(x.metrics, "lag", -1), 0);
    load_release(&x);
}

static void second_run_adds_nothing_and_continues(void **state)
{
    (void)state;
    struct load_fix x;
    load_init(&x, "enriched-transactions", "raw_transactions", "append", NULL);
    for (int i = 0; i < 20; i++)
        put(&x, i, "1.10", FIRST, false, "");
    assert_int_equal(load_once(&x), 0);
    assert_int_equal(load_once(&x), 0);
    assert_int_equal(load_i64(&x, "SELECT count(*) FROM bronze.raw_transactions"), 20);
    for (int i = 20; i < 30; i++)
        put(&x, i, "1.10", FIRST, false, "");
    assert_int_equal(load_once(&x), 0);
    assert_string_equal(
        load_query(&x,
                   "SELECT count(*), count(DISTINCT transaction_id), count(DISTINCT "
                   "loaded_at) FROM bronze.raw_transactions"),
        "30|30|2");
    /* contiguous per partition, and the bus knows it for lag display */
    assert_string_equal(
        load_query(&x, "SELECT count(*) FROM (SELECT kafka_partition FROM "
                       "bronze.raw_transactions GROUP BY 1 HAVING max(kafka_offset) - "
                       "min(kafka_offset) + 1 <> count(*))"),
        "0");
    struct err e = {0};
    struct bus *b = fix_bus(&x.f);
    struct bus_committed *c = calloc(1, sizeof(*c));
    int64_t sum = 0;
    for (int p = 0; p < 4; p++) {
        assert_int_equal(bus_committed(b, "load-job", x.load.from, p, c, &e), 0);
        sum += c->offset > 0 ? c->offset : 0;
    }
    assert_int_equal(sum, 30);
    free(c);
    bus_close(b);
    load_release(&x);
}

static void loaded_at_rises_when_the_clock_does_not(void **state)
{
    (void)state;
    struct load_fix x;
    load_init(&x, "enriched-transactions", "raw_transactions", "append", NULL);
    put(&x, 1, "1.00", FIRST, false, "");
    assert_int_equal(load_once(&x), 0);
    struct err e = {0};
    struct wh *w = load_wh(&x);
    assert_int_equal(wh_exec_raw(w,
                                 "UPDATE bronze._weir_loaded SET loaded_ms = "
                                 "4102444800000", /* the clock was set back from 2100 */
                                 &e),
                     0);
    put(&x, 2, "1.00", FIRST, false, "");
    assert_int_equal(load_once(&x), 0);
    assert_string_equal(
        load_query(&x, "SELECT max(loaded_at) FROM bronze.raw_transactions"),
        "2100-01-01 00:00:00.001");
    load_release(&x);
}

static void corrections_hide_older_versions(void **state)
{
    (void)state;
    struct load_fix x;
    load_init(&x, "enriched-transactions", "raw_transactions", "append", NULL);
    put(&x, 1, "9.00", FIRST, false, "");
    put(&x, 2, "2.00", FIRST, false, "");
    put(&x, 1, "7.00", "2017-12-19T01:00:00Z", true, "");
    put(&x, 1, "6.00", "2017-12-19T02:00:00Z", true, "");
    assert_int_equal(load_once(&x), 0);
    assert_int_equal(load_i64(&x, "SELECT count(*) FROM bronze.raw_transactions"), 4);
    assert_string_equal(load_query(&x, "SELECT transaction_id, total_amount FROM "
                                       "bronze.raw_transactions_current ORDER BY 1"),
                        "STORE_2_TXN_1|6\nSTORE_3_TXN_2|2");
    assert_string_equal(load_query(&x, "SELECT * FROM bronze.raw_corrections"),
                        "STORE_2_TXN_1|2017-12-19 02:00:00");
    load_release(&x);
}

static void unknown_fields_are_kept_and_told(void **state)
{
    (void)state;
    struct load_fix x;
    load_init(&x, "enriched-transactions", "raw_transactions", "append", NULL);
    put(&x, 1, "1.00", FIRST, false,
        ",\"note\":\"a \\\"b\\\"\",\"loyalty\":{\"tier\":[1]}");
    put(&x, 2, "1.00", FIRST, false, ",\"note\":null");
    assert_int_equal(load_once(&x), 0);
    assert_string_equal(
        load_query(&x, "SELECT _extra FROM bronze.raw_transactions ORDER BY 1 DESC"),
        "{\"note\":null}\n{\"note\":\"a \\\"b\\\"\",\"loyalty\":{\"tier\":[1]}}");
    assert_non_null(strstr(x.events, "new field \"note\" in enriched-transactions"));
    assert_non_null(strstr(x.events, "new field \"loyalty\""));
    assert_int_equal(json_i64(json_obj(x.metrics, "drift"), "note", 0), 2);
    load_release(&x);
}

/* Such a row had no store_id and was set aside. */
static void names_may_be_written_with_escapes(void **state)
{
    (void)state;
    struct load_fix x;
    load_init(&x, "enriched-transactions", "raw_transactions", "append", NULL);
    load_text(&x, "STORE_1_TXN_1",
              "{\"transaction_id\":\"STORE_1_TXN_1\",\"store\\u005fid\":\"1\","
              "\"not\\u0065\":7,\"transaction_timestamp\":\"2017-12-19T00:00:21Z\","
              "\"total_amount\":1.50}");
    assert_int_equal(load_once(&x), 0);
    assert_string_equal(load_query(&x, "SELECT store_id, total_amount, _extra FROM "
                                       "bronze.raw_transactions"),
                        "1|1.5|{\"not\\u0065\":7}");
    assert_int_equal(json_i64(json_obj(x.metrics, "drift"), "note", 0), 1);
    load_release(&x);
}

static void odd_values(void **state)
{
    (void)state;
    struct load_fix x;
    load_init(&x, "enriched-transactions", "raw_transactions", "append", NULL);
    put(&x, 1, "-0.01", FIRST, false, "");
    put(&x, 2, "123456789012.25", "2017-12-19T01:00:00+01:00", false, "");
    put(&x, 3, "1e2", "yesterday", false, "");
    load_text(
        &x, "STORE_1_TXN_4",
        "{\"transaction_id\":\"STORE_\\u0031_TXN_\\\"4\\\"\",\"store_id\":1,"
        "\"transaction_timestamp\":\"2017-12-19T00:00:21.5Z\",\"total_amount\":0}");
    assert_int_equal(load_once(&x), 0);
    assert_string_equal(
        load_query(&x, "SELECT transaction_id, store_id, total_amount, "
                       "transaction_timestamp, updated_at FROM "
                       "bronze.raw_transactions ORDER BY 3"),
        "STORE_2_TXN_1|2|-0.01|2017-12-19 00:00:21|2017-12-19 00:00:23\n"
        "STORE_1_TXN_\"4\"|1|0|2017-12-19 00:00:21.500|-\n"
        "STORE_4_TXN_3|4|100|2017-12-19 00:00:21|yesterday\n"
        "STORE_3_TXN_2|3|123456789012.25|2017-12-19 00:00:21|2017-12-19 "
        "00:00:00");
    load_release(&x);
}

static void what_is_no_row_is_kept_aside(void **state)
{
    (void)state;
    struct load_fix x;
    load_init(&x, "enriched-transactions", "raw_transactions", "append", NULL);
    put(&x, 1, "1.00", FIRST, false, "");
    load_text(&x, "STORE_2_TXN_8", "{\"transaction_id\":");
    load_text(&x, "STORE_2_TXN_8", "[1]");
    load_text(&x, "STORE_2_TXN_8", "{\"transaction_id\":\"x\",\"store_id\":\"2\"}");
    put(&x, 2, "\"much\"", FIRST, false, "");
    assert_int_equal(load_once(&x), 0);
    assert_int_equal(load_i64(&x, "SELECT count(*) FROM bronze.raw_transactions"), 1);
    assert_string_equal(
        load_query(&x, "SELECT reason, detail FROM bronze._weir_load_rejects ORDER BY "
                       "reason, detail"),
        "invalid_json|byte 18: expected a value\n"
        "missing_field|transaction_timestamp is missing\n"
        "wrong_type|the record is no JSON object\n"
        "wrong_type|total_amount is a string, the column is REAL NOT NULL");
    assert_int_equal(json_i64(x.drained, "rejected", 0), 4);
    assert_int_equal(load_once(&x), 0); /* passed over once and for all */
    assert_int_equal(load_i64(&x, "SELECT count(*) FROM bronze._weir_load_rejects"), 4);
    load_release(&x);
}

static void window(struct load_fix *x, int n, int revision, bool is_final)
{
    char v[512];
    snprintf(v, sizeof(v),
             "{\"store_id\":\"7\",\"window\":\"5m\",\"window_start\":\"2017-12-19T00:"
             "00:00Z\","
             "\"window_end\":\"2017-12-19T00:05:00Z\",\"n\":%d,\"sum\":%d.50,"
             "\"anomalies\":0,"
             "\"revision\":%d,\"is_final\":%s}",
             n, n, revision, is_final ? "true" : "false");
    load_text(x, "7|5m|2017-12-19T00:00:00Z", v);
}

static void highest_revision_of_a_window_wins(void **state)
{
    (void)state;
    struct load_fix x;
    load_init(&x, "store-aggregates", "store_aggregates", "upsert",
              "store_id,window,window_start");
    window(&x, 1, 10, false);
    window(&x, 3, 30, true);
    window(&x, 2, 20, true);
    assert_int_equal(load_once(&x), 0);
    static const char *const q =
        "SELECT store_id, \"window\", window_start, window_end, n, "
        "sum, revision, is_final FROM bronze.store_aggregates";
    assert_string_equal(load_query(&x, q),
                        "7|5m|2017-12-19 00:00:00|2017-12-19 00:05:00|3|3.5|30|1");
    window(&x, 9, 29, true);
    window(&x, 4, 40, true);
    assert_int_equal(load_once(&x), 0);
    assert_string_equal(load_query(&x, q),
                        "7|5m|2017-12-19 00:00:00|2017-12-19 00:05:00|4|4.5|40|1");
    load_release(&x);
}

static void row(struct load_fix *x, const char *id, const char *name, const char *more,
                const char *op)
{
    char v[256];
    const char *headers[] = {"op", op, NULL, NULL};
    snprintf(v, sizeof(v), "{\"store_id\":\"%s\",\"Name\":\"%s\",\"size\":null%s}", id,
             name, more);
    load_put(x, 0, id, v, strlen(v), headers);
}

static void newest_row_of_a_key_wins(void **state)
{
    (void)state;
    struct load_fix x;
    load_init(&x, "stores", "raw_stores", "upsert", "store_id");
    row(&x, "1", "One", "", "insert");
    row(&x, "2", "Two", "", "insert");
    row(&x, "2", "Two", "", "delete");
    row(&x, "3", "Three", "", "insert");
    row(&x, "3", "Three", "", "delete");
    row(&x, "3", "Drei", "", "insert");
    assert_int_equal(load_once(&x), 0);
    static const char *const q = "SELECT store_id, \"Name\", size, _extra FROM "
                                 "bronze.raw_stores ORDER BY 1";
    assert_string_equal(load_query(&x, q), "1|One|-|-\n3|Drei|-|-");
    row(&x, "1", "One", "", "delete");
    row(&x, "3", "III", ",\"open\":\"7\"", "update"); /* a column that came later */
    row(&x, "4", "Four", "", "insert");
    assert_int_equal(load_once(&x), 0);
    assert_string_equal(load_query(&x, q), "3|III|-|{\"open\":\"7\"}\n4|Four|-|-");
    load_release(&x);
}

static void key_that_is_no_column_is_named(void **state)
{
    (void)state;
    struct load_fix x;
    load_init(&x, "stores", "raw_stores", "upsert", "shop_id");
    row(&x, "1", "One", "", "insert");
    assert_int_equal(load_once(&x), 2);
    fix_assert_says(&x.f, "loads.job.key: the records of stores have no shop_id");
    load_release(&x);
}

static void dead_letters_keep_any_bytes(void **state)
{
    (void)state;
    struct load_fix x;
    static const char *const h[] = {"reason", "invalid_utf8", "source",    "pos",
                                    "line",   "12",           "partition", "3",
                                    "topic",  "transactions", NULL,        NULL};
    load_init(&x, "dead-letters", "dead_letters", "append", NULL);
    load_put(&x, 0, "k", "a\0b\xff", 4, h);
    load_put(&x, 0, "k", "plain", 5, h);
    assert_int_equal(load_once(&x), 0);
    assert_string_equal(
        load_query(&x, "SELECT reason, source, line, topic, \"partition\", \"offset\", "
                       "record_key, hex(value), typeof(value), arrived_at FROM "
                       "bronze.dead_letters ORDER BY kafka_offset"),
        "invalid_utf8|pos|12|transactions|3|-|k|610062FF|blob|2017-12-19 00:00:00.123\n"
        "invalid_utf8|pos|12|transactions|3|-|k|706C61696E|text|2017-12-19 "
        "00:00:00.123");
    load_release(&x);
}

static void lost_range_is_named(void **state)
{
    (void)state;
    struct load_fix x;
    load_init(&x, "enriched-transactions", "raw_transactions", "append", NULL);
    put(&x, 1, "1.00", FIRST, false, "");
    assert_int_equal(load_once(&x), 0);
    struct err e = {0};
    /* the bus begins anew: what the warehouse has read is ahead of it */
    unlink(x.f.bus_path);
    unlink(fix_path(&x.f, "bus.db-wal"));
    unlink(fix_path(&x.f, "bus.db-shm"));
    assert_int_equal(load_once(&x), 1);
    fix_assert_says(&x.f, "offset 1 comes next, but the bus ends at 0");
    struct wh *w = load_wh(&x);
    assert_int_equal(wh_exec_raw(w,
                                 "UPDATE bronze._weir_offsets SET next_off = -5 WHERE "
                                 "part = 2",
                                 &e),
                     0);
    assert_int_equal(load_once(&x), 1);
    fix_assert_says(&x.f,
                    "offsets -5 to -1 are gone from the bus before they were loaded");
    fix_assert_says(&x.f, "SET next_off = 0 WHERE pipeline = 'job' AND part = 2");
    load_release(&x);
}

/* A second loader takes over; the first one's next batch must not be written. */
static void older_loader_is_fenced(void **state)
{
    (void)state;
    struct load_fix x;
    int fd;
    load_init(&x, "enriched-transactions", "raw_transactions", "append", NULL);
    put(&x, 1, "1.00", FIRST, false, "");
    pid_t first = load_start(&x, &fd);
    struct wire_decoder d;
    json_t *m;
    wire_decoder_init(&d);
    while (wire_recv(fd, &d, 20000, &m, NULL) > 0) {
        bool is_ready = !strcmp(json_str(m, "t", ""), "ready");
        json_decref(m);
        if (is_ready)
            break;
    }
    assert_int_equal(load_once(&x), 0); /* the second one loads and goes */
    put(&x, 2, "1.00", FIRST, false, "");
    assert_int_not_equal(load_finish(&x, first, fd), 0);
    fix_assert_says(&x.f, "ERR FENCED");
    wire_decoder_release(&d);
    assert_int_equal(load_once(&x), 0);
    assert_int_equal(load_i64(&x, "SELECT count(*) FROM bronze.raw_transactions"), 2);
    load_release(&x);
}

/* Killed at random places of its work, many times: each record once, nothing lost. */
static void exactly_once_under_kill(void **state)
{
    (void)state;
    struct load_fix x;
    int fd, alive = 0;
    load_init(&x, "enriched-transactions", "raw_transactions", "append", NULL);
    x.load.batch_rows = 37;
    unsigned seed = 20171219;
    for (int round = 0; round < 25; round++) {
        for (int i = 0; i < 40; i++)
            put(&x, round * 40 + i, "1.00", FIRST, false, "");
        pid_t pid = load_start(&x, &fd);
        load_say(fd, "drain");
        seed = seed * 1103515245u + 12345u;
        struct timespec wait = {0, (long)(seed % 60000000u)};
        nanosleep(&wait,
                  NULL); /* where it is hit, not whether it passes, depends on this */
        kill(pid, SIGKILL);
        alive += fix_wait(&x.f, pid) == 128 + SIGKILL;
        close(fd);
    }
    assert_true(alive > 0);
    assert_int_equal(load_once(&x), 0);
    assert_string_equal(
        load_query(&x, "SELECT count(*), count(DISTINCT transaction_id) FROM "
                       "bronze.raw_transactions"),
        "1000|1000");
    load_release(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(transactions_have_the_seeds_columns),
        cmocka_unit_test(second_run_adds_nothing_and_continues),
        cmocka_unit_test(loaded_at_rises_when_the_clock_does_not),
        cmocka_unit_test(corrections_hide_older_versions),
        cmocka_unit_test(unknown_fields_are_kept_and_told),
        cmocka_unit_test(names_may_be_written_with_escapes),
        cmocka_unit_test(odd_values),
        cmocka_unit_test(what_is_no_row_is_kept_aside),
        cmocka_unit_test(highest_revision_of_a_window_wins),
        cmocka_unit_test(newest_row_of_a_key_wins),
        cmocka_unit_test(key_that_is_no_column_is_named),
        cmocka_unit_test(dead_letters_keep_any_bytes),
        cmocka_unit_test(lost_range_is_named),
        cmocka_unit_test(older_loader_is_fenced),
        cmocka_unit_test(exactly_once_under_kill),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
