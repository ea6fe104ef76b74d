/* Each step alone: what a receipt must be, which version passes, what is spliced in,
 * and what each output looks like to the byte. */
#include "stream_harness.h"

#define T0 1513641600000ll /* 2017-12-19T00:00:00Z */

static const char plain[] =
    "{\"transaction_id\":\"STORE_5_TXN_1\",\"store_id\":\"5\",\"terminal_id\":\"5-T1\","
    "\"customer_id\":\"9\",\"transaction_timestamp\":\"2017-12-19T00:00:00Z\","
    "\"total_amount\":3.50,\"payment_method\":\"CASH\",\"items\":[{\"product_id\":"
    "\"1\","
    "\"quantity\":1,\"unit_price\":1.0000,\"amount\":1.00,\"retail_disc\":0.00,"
    "\"coupon_disc\":0.00,\"coupon_match_disc\":0.00},{\"product_id\":\"2\","
    "\"quantity\":0,"
    "\"unit_price\":null,\"amount\":2.50}],\"updated_at\":\"2017-12-19T00:00:01Z\"}";

static void feed(struct harness *h, const char *text)
{
    harness_feed_to(h, 0, T0 + 60000, STR("STORE_5_TXN_1"), str_of(text));
}

/* plain with the first occurrence of from replaced; valid until the next call. */
static const char *with(const char *from, const char *to)
{
    static char *text;
    const char *at = strstr(plain, from);
    assert_non_null(at);
    mem_free(text);
    text = mem_printf("%.*s%s%s", (int)(at - plain), plain, to, at + strlen(from));
    return text;
}

static void tables(struct harness *h)
{
    static const char store_header[] = "store_id,store_name,region,district,store_"
                                       "format,time_zone,open_hour,close_hour";
    harness_table_row(
        h, STREAM_ROLE_STORE, str_of(store_header),
        STR("5,\"Store \"\"5\"\"\",EAST,EAST-1,EXPRESS,America/New_York,7,23"));
    harness_table_row(h, STREAM_ROLE_PRODUCT,
                      STR("product_id,department,product_category"),
                      STR("1,GROCERY,SOUP"));
    harness_table_row(h, STREAM_ROLE_PRODUCT,
                      STR("product_id,department,product_category"), STR("2,GROCERY,"));
}

/* ---- parse ---- */

static void expect_reject(const char *text, const char *reason, const char *detail)
{
    struct harness h;
    harness_init(&h, 1);
    feed(&h, text);
    if (h.n_rows != 1 || h.rows[0].to != STREAM_OUT_REJECTS)
        fail_msg("%s: accepted, expected %s", text, reason);
    if (strcmp(h.rows[0].reason, reason) != 0 || !strstr(h.rows[0].detail, detail))
        fail_msg("%s: %s (%s), expected %s (%s)", text, h.rows[0].reason,
                 h.rows[0].detail, reason, detail);
    assert_string_equal(h.rows[0].value, text);
    assert_string_equal(h.rows[0].key, "STORE_5_TXN_1");
    assert_true(h.partitions[0].context.watermark_ms == INT64_MIN);
    harness_release(&h);
}

static void names_what_is_wrong_and_where(void **state)
{
    (void)state;
    expect_reject("{\"a\":1", "invalid_json", "the document ends early, at byte 6");
    expect_reject("[1]", "wrong_type",
                  "the record: expected an object, found an array");
    expect_reject("{}", "missing_field", "transaction_id is not there");
    expect_reject(with("\"store_id\":\"5\",", ""), "missing_field",
                  "store_id is not there");
    expect_reject(with("\"quantity\":1,", ""), "missing_field",
                  "item 1 has no quantity");
    expect_reject(with(",\"amount\":2.50", ""), "missing_field",
                  "item 2 has no amount");
    expect_reject(with("\"store_id\":\"5\"", "\"store_id\":5"), "wrong_type",
                  "store_id: expected a string, found a number at byte 45");
    expect_reject(with("\"store_id\":\"5\"", "\"store_id\":null"), "wrong_type",
                  "null");
    expect_reject(with("\"store_id\":\"5\"", "\"store_id\":\"\""), "bad_value",
                  "empty");
    expect_reject(with("3.50", "\"3.50\""), "wrong_type",
                  "total_amount: expected a number");
    expect_reject(with("3.50", "3.505"), "bad_value", "expected whole cents");
    expect_reject(with("3.50", "1e300"), "bad_value", "expected whole cents");
    expect_reject(with("3.50", "99999999999999"), "bad_value", "up to 10 billion");
    expect_reject(with("3.50", "3.51"), "total_mismatch",
                  "total_amount 3.51, items 3.50");
    expect_reject(with("\"quantity\":1", "\"quantity\":\"1\""), "wrong_type",
                  "items: quantity: expected a number, found a string");
    expect_reject(with("1.0000", "\"x\""), "wrong_type", "items: unit_price");
    expect_reject(with("\"2017-12-19T00:00:00Z\"", "1514000000"), "wrong_type",
                  "transaction_timestamp: expected a string");
    expect_reject(with("2017-12-19T00:00:00Z", "yesterday"), "bad_value",
                  "expected a time like 2017-12-24T16:35:43Z, found \"yesterday\"");
    expect_reject(with("2017-12-19T00:00:00Z", "2017-02-30T00:00:00Z"), "bad_value",
                  "");
    expect_reject(with("\"items\":[", "\"items\":[7,"), "wrong_type", "items: an item");
    expect_reject(with("\"5-T1\"", "[]"), "wrong_type", "terminal_id");
    expect_reject(with("\"CASH\"", "7"), "wrong_type", "payment_method");
    expect_reject(with("2017-12-19T00:00:01Z", "2017-12-19T00:06:01Z"), "clock_ahead",
                  "updated_at is 301 s ahead of the arrival, limit 300 s");
    expect_reject(with("\"9\"", "\"9\\u0000\""), "nul_character", "");
}

static void takes_what_may_be_left_out_or_null(void **state)
{
    (void)state;
    struct harness h;
    static const char *const optional[] = {
        "\"terminal_id\":\"5-T1\",", "\"customer_id\":\"9\",",
        "\"payment_method\":\"CASH\",", ",\"updated_at\":\"2017-12-19T00:00:01Z\""};
    for (size_t i = 0; i < 4; i++) {
        harness_init(&h, 1);
        feed(&h, with(optional[i], ""));
        assert_int_equal(h.partitions[0].counters.out, 1);
        harness_release(&h);
    }
    harness_init(&h, 1);
    feed(&h, with("\"5-T1\"", "null"));
    assert_int_equal(h.partitions[0].counters.out, 1);
    harness_release(&h);
    harness_init(&h, 1);
    /* names and values may be spelled with escapes, numbers in other plain forms */
    feed(&h, with("\"store_id\":\"5\"", "\"store\\u005fid\":\"\\u0035\""));
    assert_int_equal(h.partitions[0].counters.out, 1);
    assert_int_equal(h.last.store_hash, hash_64("5", 1));
    harness_release(&h);
    harness_init(&h, 1);
    feed(&h, with("3.50", "35e-1"));
    assert_int_equal(h.last.total_cents, 350);
    harness_release(&h);
}

/* ---- dedupe ---- */

static void version(struct harness *h, int number, int64_t event_ms, int64_t updated_ms,
                    const char *amount)
{
    char text[1024], ts[32], up[32];
    time_format_iso(event_ms, false, ts);
    time_format_iso(updated_ms, false, up);
    snprintf(
        text, sizeof text,
        "{\"transaction_id\":\"STORE_5_TXN_%d\",\"store_id\":\"5\","
        "\"transaction_timestamp\":\"%s\",\"total_amount\":%s,\"items\":[{"
        "\"product_id\":\"1\",\"quantity\":1,\"amount\":%s}],\"updated_at\":\"%s\"}",
        number, ts, amount, amount, up);
    harness_feed_to(h, 0, updated_ms > event_ms ? updated_ms : event_ms,
                    STR("STORE_5_TXN_1"), str_of(text));
}

static void passes_each_receipt_once_and_later_versions_as_corrections(void **state)
{
    (void)state;
    struct harness h;
    harness_init(&h, 1);
    const struct stream_counters *c = &h.partitions[0].counters;
    version(&h, 1, T0, T0 + 1000, "5.00");
    version(&h, 1, T0, T0 + 1000, "5.00"); /* the same bytes */
    assert_int_equal(c->duplicates, 1);
    version(&h, 1, T0, T0 + 1000, "6.00"); /* other content, same time */
    assert_int_equal(c->stale, 1);
    version(&h, 1, T0, T0 + 9000, "4.00");
    assert_int_equal(c->corrections, 1);
    assert_true(h.last.is_correction);
    version(&h, 1, T0, T0 + 1000, "5.00"); /* the original again: older now */
    assert_int_equal(c->stale, 2);
    version(&h, 1, T0, T0 + 9000, "4.00");
    assert_int_equal(c->duplicates, 2);
    assert_int_equal(c->out, 2);
    version(&h, 2, T0, T0 + 1000, "5.00");
    assert_int_equal(h.last.n_before, 1); /* nor does it enter the baseline */
    assert_true(h.last.sum_before == 500);
    /* a correction does not count again */
    harness_forget(&h);
    harness_drain(&h);
    for (size_t i = 0; i < h.n_rows; i++)
        assert_non_null(strstr(h.rows[i].value, "\"n\":2,\"sum\":10.00,"));
    assert_int_equal(h.n_rows, 3);
    harness_release(&h);
}

/* History without arrival times: a record's arrival is then its event time, and its
 * correction of hours later was taken for a clock that is ahead. */
static void takes_a_late_correction_in_history_without_arrival_times(void **state)
{
    (void)state;
    struct harness h;
    harness_init(&h, 1);
    const char *text = with("2017-12-19T00:00:01Z", "2017-12-19T06:00:00Z");
    harness_feed_to(&h, 0, T0, STR("STORE_5_TXN_1"), str_of(text));
    assert_int_equal(h.partitions[0].counters.out, 1);
    harness_feed_to(&h, 0, T0 + 1, STR("STORE_5_TXN_1"), str_of(text));
    assert_int_equal(h.partitions[0].counters.rejected[STREAM_CLOCK_AHEAD], 1);
    harness_release(&h);
}

/* Both copies from a till whose clock has lost its date passed, and the key of the
 * staging table was no longer unique. */
static void drops_the_duplicate_of_a_receipt_dated_years_back(void **state)
{
    (void)state;
    struct harness h;
    harness_init(&h, 1);
    version(&h, 1, T0, T0, "5.00");
    version(&h, 2, 0, 1000, "5.00");
    version(&h, 2, 0, 1000, "5.00");
    assert_int_equal(h.partitions[0].counters.duplicates, 1);
    assert_int_equal(h.partitions[0].counters.out, 2);
    harness_release(&h);
}

static void forgets_by_event_time_alone(void **state)
{
    (void)state;
    struct harness h;
    int64_t week = 7 * 24 * HOUR;
    harness_init(&h, 1);
    const struct stream_counters *c = &h.partitions[0].counters;
    version(&h, 1, T0, T0, "5.00");
    version(&h, 2, T0 + week, T0 + week, "5.00");
    version(&h, 1, T0, T0, "5.00"); /* exactly a week behind: still known */
    assert_int_equal(c->duplicates, 1);
    version(&h, 3, T0 + week + 1000, T0 + week + 1000, "5.00");
    version(&h, 1, T0, T0, "5.00"); /* not any more */
    assert_int_equal(c->duplicates, 1);
    assert_int_equal(c->out, 4);
    /* many more: the table is swept and grows, and every id of the week is known */
    for (int i = 0; i < 5000; i++)
        version(&h, 1000 + i, T0 + week + i * 200000ll, T0 + week + i * 200000ll,
                "1.00");
    int64_t before = c->duplicates;
    for (int i = 5000 - 3000; i < 5000; i++)
        version(&h, 1000 + i, T0 + week + i * 200000ll, T0 + week + i * 200000ll,
                "1.00");
    assert_int_equal(c->duplicates - before, 3000);
    harness_release(&h);
}

static void a_correction_keeps_what_the_first_version_was_judged_to_be(void **state)
{
    (void)state;
    struct harness h;
    harness_init(&h, 1);
    tables(&h);
    int64_t night = T0 + 8 * HOUR; /* 03:00 in New York: closed */
    version(&h, 1, night, night, "5.00");
    assert_int_equal(h.last.anomalies, STREAM_OFF_HOURS);
    harness_forget(&h);
    version(&h, 1, night, night + 5000, "4.00");
    assert_true(h.last.is_correction);
    assert_int_equal(h.last.anomalies, STREAM_OFF_HOURS);
    assert_int_equal(h.n_rows, 1); /* the receipt, no second anomaly */
    assert_non_null(strstr(h.rows[0].value,
                           "\"is_correction\":true,\"anomaly_detected\":true,"
                           "\"anomaly_reasons\":[\"OFF_HOURS\"]}"));
    assert_int_equal(h.partitions[0].counters.anomalies, 1);
    harness_release(&h);
}

/* ---- enrich ---- */

static void splices_to_the_byte(void **state)
{
    (void)state;
    struct harness h;
    harness_init(&h, 1);
    tables(&h);
    feed(&h, plain);
    assert_int_equal(h.n_rows, 1);
    assert_string_equal(
        h.rows[0].value,
        "{\"transaction_id\":\"STORE_5_TXN_1\",\"store_id\":\"5\",\"terminal_id\":\"5-"
        "T1\","
        "\"customer_id\":\"9\",\"transaction_timestamp\":\"2017-12-19T00:00:00Z\","
        "\"total_amount\":3.50,\"payment_method\":\"CASH\",\"items\":[{\"product_id\":"
        "\"1\","
        "\"quantity\":1,\"unit_price\":1.0000,\"amount\":1.00,\"retail_disc\":0.00,"
        "\"coupon_disc\":0.00,\"coupon_match_disc\":0.00,\"department\":\"GROCERY\""
        "},{\"product_id\":\"2\",\"quantity\":0,"
        "\"unit_price\":null,\"amount\":2.50,\"department\":\"GROCERY\""
        "}],\"updated_at\":\"2017-12-19T00:00:01Z\","
        "\"store_name\":\"Store "
        "\\\"5\\\"\",\"region\":\"EAST\",\"district\":\"EAST-1\","
        "\"store_format\":\"EXPRESS\",\"store_time_zone\":\"America/New_York\","
        "\"local_hour\":19,\"unknown_store\":false,\"unknown_products\":0,"
        "\"is_correction\":false,\"anomaly_detected\":false,\"anomaly_reasons\":[]}");
    assert_int_equal(h.rows[0].timestamp_ms, T0 + 60000);
    assert_string_equal(h.rows[0].key, "STORE_5_TXN_1");
    harness_release(&h);
}

static void what_is_unknown_is_null_and_counted(void **state)
{
    (void)state;
    struct harness h;
    harness_init(&h, 1);
    feed(&h, plain);
    assert_non_null(strstr(h.rows[0].value, "\"amount\":2.50,\"department\":null}]"));
    assert_non_null(strstr(h.rows[0].value,
                           "\"store_name\":null,\"region\":null,\"district\":null,"
                           "\"store_format\":null,\"store_time_zone\":null,"
                           "\"local_hour\":null,\"unknown_store\":true,"
                           "\"unknown_products\":2,"));
    assert_int_equal(h.partitions[0].counters.unknown_store, 1);
    assert_int_equal(h.partitions[0].counters.unknown_product, 1); /* receipts */
    harness_release(&h);
}

static void members_of_our_names_are_replaced_never_doubled(void **state)
{
    (void)state;
    struct harness h;
    struct jscan s;
    jscan_init(&s);
    harness_init(&h, 1);
    tables(&h);
    feed(&h, with("\"store_id\":\"5\",", "\"regi\\u006fn\":\"MARS\",\"store_id\":\"5\","
                                         "\"extra\":{\"region\":[1]},"));
    feed(&h, with("\"quantity\":1,", "\"department\":\"X\",\"quantity\":1,"));
    (void)h;
    struct str v = {h.rows[0].value, h.rows[0].value_len};
    assert_int_equal(jscan_parse(&s, v.p, v.n, NULL), 0);
    assert_true(str_is(jscan_raw(&s, jscan_get(&s, 0, "region", 6)), "EAST"));
    assert_non_null(strstr(v.p, "\"extra\":{\"region\":[1]}"));
    assert_null(strstr(v.p, "MARS"));
    harness_release(&h);
    harness_init(&h, 1);
    tables(&h);
    feed(&h, with("\"quantity\":1,", "\"department\":\"X\",\"quantity\":1,"));
    v = (struct str){h.rows[0].value, h.rows[0].value_len};
    assert_int_equal(jscan_parse(&s, v.p, v.n, NULL), 0);
    assert_null(strstr(v.p, "\"X\""));
    assert_int_equal(s.tok[jscan_get(&s, 0, "items", 5)].n, 2);
    jscan_release(&s);
    harness_release(&h);
}

static void a_newer_row_and_a_deleted_one_take_effect(void **state)
{
    (void)state;
    struct harness h;
    harness_init(&h, 1);
    tables(&h);
    struct bus_header op[] = {{STR("op"), STR("update")}};
    struct bus_record r = {.key = STR("5"),
                           .value = STR("{\"store_id\":\"5\",\"region\":\"WEST\"}"),
                           .headers = op,
                           .n_headers = 1};
    assert_int_equal(
        stream_tables_apply(&h.pipeline.job.tables, STREAM_ROLE_STORE, &r, &h.e), 0);
    feed(&h, plain);
    assert_non_null(strstr(h.rows[0].value, "\"store_name\":null,\"region\":\"WEST\""));
    assert_int_equal(h.last.local_hour, -1); /* no zone in this version */
    op[0].value = STR("delete");
    assert_int_equal(
        stream_tables_apply(&h.pipeline.job.tables, STREAM_ROLE_STORE, &r, &h.e), 0);
    r.key = STR("1");
    assert_int_equal(
        stream_tables_apply(&h.pipeline.job.tables, STREAM_ROLE_PRODUCT, &r, &h.e), 0);
    version(&h, 77, T0, T0, "1.00");
    assert_int_equal(h.partitions[0].counters.unknown_store, 1);
    assert_int_equal(h.partitions[0].counters.unknown_product, 1);
    r.value = STR("no JSON");
    assert_int_equal(
        stream_tables_apply(&h.pipeline.job.tables, STREAM_ROLE_PRODUCT, &r, &h.e), 0);
    assert_int_equal(h.pipeline.job.tables.rejected, 1);
    harness_release(&h);
}

/* ---- detect and its output ---- */

static void opening_hours_past_midnight_and_around_the_clock(void **state)
{
    (void)state;
    static const struct {
        const char *open, *close;
        int hour;
        bool is_off;
    } cases[] = {{"7", "23", 6, true},  {"7", "23", 7, false},  {"7", "23", 22, false},
                 {"7", "23", 23, true}, {"6", "1", 0, false},   {"6", "1", 1, true},
                 {"6", "1", 5, true},   {"6", "1", 6, false},   {"0", "24", 3, false},
                 {"5", "24", 4, true},  {"5", "24", 23, false}, {"", "", 3, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct harness h;
        char row[128];
        harness_init(&h, 1);
        snprintf(row, sizeof row, "5,UTC,%s,%s", cases[i].open, cases[i].close);
        harness_table_row(&h, STREAM_ROLE_STORE,
                          STR("store_id,time_zone,open_hour,close_hour"), str_of(row));
        version(&h, 1, T0 + cases[i].hour * HOUR, T0 + cases[i].hour * HOUR, "1.00");
        if (h.last.anomalies != (cases[i].is_off ? STREAM_OFF_HOURS : 0))
            fail_msg("open %s to %s at %d", cases[i].open, cases[i].close,
                     cases[i].hour);
        harness_release(&h);
    }
}

static void an_anomaly_is_written_with_its_severity(void **state)
{
    (void)state;
    struct harness h;
    harness_init(&h, 1);
    tables(&h);
    int64_t night = T0 + 8 * HOUR;
    version(&h, 1, night, night, "10000.00"); /* not over */
    version(&h, 2, night, night, "10000.01");
    assert_int_equal(h.n_rows, 4);
    assert_int_equal(h.rows[1].to, STREAM_OUT_ANOMALIES);
    assert_string_equal(
        h.rows[1].value,
        "{\"transaction_id\":\"STORE_5_TXN_1\",\"store_id\":\"5\",\"terminal_id\":null,"
        "\"customer_id\":null,\"transaction_timestamp\":\"2017-12-19T08:00:00Z\","
        "\"total_amount\":10000.00,\"anomaly_reasons\":[\"OFF_HOURS\"],"
        "\"severity\":\"normal\"}");
    assert_true(str_ends(h.rows[3].value, "\"severity\":\"high\"}"));
    assert_int_equal(h.partitions[0].counters.anomalies, 2);
    assert_int_equal(h.partitions[0].counters.alerts, 1);
    harness_release(&h);
}

static void a_store_id_of_any_characters_stays_valid_json(void **state)
{
    (void)state;
    struct harness h;
    struct jscan s;
    struct buf id;
    buf_init(&id, 100);
    jscan_init(&s);
    harness_init(&h, 1);
    feed(&h, with("\"store_id\":\"5\"", "\"store_id\":\"a\\\"\\n\\u00e9|\\\\\""));
    harness_drain(&h);
    struct harness_row *row = &h.rows[h.n_rows - 1];
    assert_int_equal(row->to, STREAM_OUT_WINDOWS);
    assert_int_equal(jscan_parse(&s, row->value, row->value_len, NULL), 0);
    assert_int_equal(jscan_unescape(&s, jscan_get(&s, 0, "store_id", 8), &id), 0);
    assert_string_equal(buf_str(&id), "a\"\n\xc3\xa9|\\");
    jscan_release(&s);
    buf_release(&id);
    harness_release(&h);
}

static void unknown_steps_are_refused_by_name(void **state)
{
    (void)state;
    static const char *const steps[] = {"dedupe", "enritch", NULL};
    struct conf_stream conf = harness_conf;
    struct stream_pipeline p;
    struct err e;
    conf.steps = steps;
    assert_int_equal(stream_pipeline_init(&p, &conf, &e), ERR_CONFIG);
    assert_non_null(strstr(e.text, "step \"enritch\": expected dedupe, enrich"));
    stream_pipeline_release(&p);
}

static void metadata_is_read_back_as_written(void **state)
{
    (void)state;
    struct harness h;
    char one[BUS_METADATA_MAX + 1], two[BUS_METADATA_MAX + 1];
    harness_init(&h, 1);
    feed(&h, plain);
    feed(&h, plain);
    feed(&h, "{");
    feed(&h, with("3.50", "3.51"));
    stream_partition_metadata(&h.partitions[0], one);
    assert_string_equal(one,
                        "{\"v\":1,\"wm\":1513641569999,\"idle\":0,\"in\":4,\"out\":1,"
                        "\"dup\":1,\"corr\":0,\"stale\":0,\"late\":0,\"anom\":0,"
                        "\"alert\":0,\"unk_store\":1,\"unk_prod\":1,\"win\":0,"
                        "\"rej\":{\"invalid_json\":1,\"total_mismatch\":1}}");
    stream_partition_clear(&h.partitions[0]);
    stream_partition_recovered(&h.partitions[0], one);
    stream_partition_metadata(&h.partitions[0], two);
    assert_string_equal(one, two);
    stream_partition_clear(&h.partitions[0]);
    stream_partition_metadata(&h.partitions[0], two);
    assert_non_null(strstr(two, "\"wm\":null,"));
    stream_partition_recovered(&h.partitions[0], "{\"wm\":");
    stream_partition_recovered(&h.partitions[0], NULL);
    assert_true(h.partitions[0].context.watermark_ms == INT64_MIN);
    harness_release(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_what_is_wrong_and_where),
        cmocka_unit_test(takes_what_may_be_left_out_or_null),
        cmocka_unit_test(passes_each_receipt_once_and_later_versions_as_corrections),
        cmocka_unit_test(takes_a_late_correction_in_history_without_arrival_times),
        cmocka_unit_test(drops_the_duplicate_of_a_receipt_dated_years_back),
        cmocka_unit_test(forgets_by_event_time_alone),
        cmocka_unit_test(a_correction_keeps_what_the_first_version_was_judged_to_be),
        cmocka_unit_test(splices_to_the_byte),
        cmocka_unit_test(what_is_unknown_is_null_and_counted),
        cmocka_unit_test(members_of_our_names_are_replaced_never_doubled),
        cmocka_unit_test(a_newer_row_and_a_deleted_one_take_effect),
        cmocka_unit_test(opening_hours_past_midnight_and_around_the_clock),
        cmocka_unit_test(an_anomaly_is_written_with_its_severity),
        cmocka_unit_test(a_store_id_of_any_characters_stays_valid_json),
        cmocka_unit_test(unknown_steps_are_refused_by_name),
        cmocka_unit_test(metadata_is_read_back_as_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
