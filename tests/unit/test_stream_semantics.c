/* The semantics of reference engines that the stream job must get right, one test a
 * line: partitions, watermarks, clocks, idleness, lateness, baselines, velocity,
 * recovery. */
#include "stream_harness.h"

#include "stream/stream_wide.h"
#include "stream/stream_worker.h"

#define T0 1513641600000ll /* 2017-12-19T00:00:00Z, a boundary of every window size */

static int next_number = 1;

/* One receipt of 1.00 at a time, arriving at once. */
static void at(struct harness *h, int partition, int store, int64_t event_ms)
{
    char text[1024];
    struct str r = harness_receipt(text, sizeof text, store, next_number++, event_ms,
                                   "1.00", NULL);
    harness_feed_to(h, partition, event_ms, harness_key(r), r);
}

static void amount(struct harness *h, int store, int64_t event_ms, const char *text)
{
    char json[1024];
    struct str r =
        harness_receipt(json, sizeof json, store, next_number++, event_ms, text, NULL);
    harness_feed_to(h, 0, event_ms, harness_key(r), r);
}

/* Rows of windows written so far whose key starts so; the newest one's value in *last.
 */
static int rows_of(const struct harness *h, const char *key, const char **last)
{
    int n = 0;
    for (size_t i = 0; i < h->n_rows; i++)
        if (h->rows[i].to == STREAM_OUT_WINDOWS && str_starts(h->rows[i].key, key)) {
            n++;
            if (last)
                *last = h->rows[i].value;
        }
    return n;
}

static int count_of(const struct harness *h, enum stream_output to)
{
    int n = 0;
    for (size_t i = 0; i < h->n_rows; i++)
        n += h->rows[i].to == to;
    return n;
}

/* ---- 1: the partition is the task ---- */

static void s1_a_slow_partition_does_not_hold_others(void **state)
{
    (void)state;
    struct harness h;
    harness_init(&h, 2);
    at(&h, 0, 1, T0);
    at(&h, 1, 2, T0 - 24 * HOUR); /* a day behind */
    at(&h, 0, 1, T0 + 10 * MINUTE);
    assert_int_equal(rows_of(&h, "1|5m|2017-12-19T00:00:00Z", NULL), 1);
    assert_int_equal(rows_of(&h, "2|", NULL), 0);
    harness_release(&h);
}

static void s1_the_shown_watermark_is_the_least_active_and_never_goes_back(void **state)
{
    (void)state;
    struct harness h;
    struct stream_share shares[3] = {0};
    struct stream_worker w = {.shares = shares, .n_partitions = 3, .n = 1};
    w.shown_wm = INT64_MIN;
    harness_init(&h, 3);
    for (int i = 0; i < 3; i++)
        shares[i].partition = h.partitions[i];
    assert_true(stream_shown_watermark(&w) == INT64_MIN);
    shares[0].partition.context.watermark_ms = 100;
    shares[1].partition.context.watermark_ms = 50;
    assert_int_equal(stream_shown_watermark(&w), 50); /* the third knows nothing yet */
    shares[1].partition.is_idle = true;
    assert_int_equal(stream_shown_watermark(&w), 100);
    shares[1].partition.is_idle = false; /* back, at max(own, shown) */
    assert_int_equal(stream_shown_watermark(&w), 100);
    shares[0].partition.context.watermark_ms = 130;
    shares[1].partition.context.watermark_ms = 120;
    assert_int_equal(stream_shown_watermark(&w), 120);
    harness_release(&h);
}

/* ---- 2: the watermark and when windows fire ---- */

static void s2_the_watermark_is_30_s_and_1_ms_behind_the_newest_event(void **state)
{
    (void)state;
    struct harness h;
    harness_init(&h, 1);
    at(&h, 0, 1, T0 + 5 * MINUTE);
    assert_int_equal(h.partitions[0].context.watermark_ms, T0 + 5 * MINUTE - 30001);
    at(&h, 0, 1, T0); /* older: it does not move */
    assert_int_equal(h.partitions[0].context.watermark_ms, T0 + 5 * MINUTE - 30001);
    harness_release(&h);
}

static void s2_a_window_fires_at_its_last_millisecond(void **state)
{
    (void)state;
    struct harness h;
    harness_init(&h, 1);
    at(&h, 0, 1, T0);
    at(&h, 0, 1, T0 + 5 * MINUTE + 29999); /* watermark end - 2 */
    assert_int_equal(rows_of(&h, "1|5m|", NULL), 0);
    at(&h, 0, 1, T0 + 5 * MINUTE + 30000); /* watermark end - 1 */
    assert_int_equal(rows_of(&h, "1|5m|", NULL), 1);
    assert_int_equal(rows_of(&h, "1|15m|", NULL), 0);
    harness_release(&h);
}

static void s2_an_event_is_late_from_then_on(void **state)
{
    (void)state;
    struct harness h;
    const char *row = NULL;
    harness_init(&h, 1);
    at(&h, 0, 1, T0);
    at(&h, 0, 1, T0 + 5 * MINUTE + 29999);
    at(&h, 0, 1, T0 + 1); /* in time by one millisecond */
    assert_int_equal(rows_of(&h, "1|5m|", NULL), 0);
    at(&h, 0, 1, T0 + 5 * MINUTE + 30000);
    at(&h, 0, 1, T0 + 2); /* late: it fires again */
    assert_int_equal(rows_of(&h, "1|5m|2017-12-19T00:00:00Z", &row), 2);
    assert_non_null(strstr(row, "\"n\":3,"));
    harness_release(&h);
}

static void s2_a_row_is_stamped_with_its_last_millisecond(void **state)
{
    (void)state;
    struct harness h;
    harness_init(&h, 1);
    at(&h, 0, 1, T0);
    at(&h, 0, 1, T0 + 2 * HOUR);
    assert_int_equal(count_of(&h, STREAM_OUT_WINDOWS), 3);
    int64_t sizes[] = {5 * MINUTE, 15 * MINUTE, HOUR};
    int k = 0;
    for (size_t i = 0; i < h.n_rows; i++)
        if (h.rows[i].to == STREAM_OUT_WINDOWS)
            assert_int_equal(h.rows[i].timestamp_ms, T0 + sizes[k++] - 1);
    harness_release(&h);
}

static void s2_windows_are_aligned_to_the_epoch(void **state)
{
    (void)state;
    struct harness h;
    const char *row = NULL;
    harness_init(&h, 1);
    at(&h, 0, 1, T0 + 47 * MINUTE + 12345);
    at(&h, 0, 1, T0 + 3 * HOUR);
    assert_int_equal(rows_of(&h, "1|5m|2017-12-19T00:45:00Z", &row), 1);
    assert_int_equal(rows_of(&h, "1|15m|2017-12-19T00:45:00Z", NULL), 1);
    assert_int_equal(rows_of(&h, "1|60m|2017-12-19T00:00:00Z", NULL), 1);
    assert_string_equal(row, "{\"store_id\":\"1\",\"window\":\"5m\",\"window_start\":"
                             "\"2017-12-19T00:45:00Z\",\"window_end\":"
                             "\"2017-12-19T00:50:00Z\",\"n\":1,\"sum\":1.00,"
                             "\"anomalies\":0,\"revision\":1,\"is_final\":true}");
    harness_release(&h);
}

/* ---- 3: bad clocks ---- */

static void s3_a_clock_ahead_goes_aside_and_moves_nothing(void **state)
{
    (void)state;
    struct harness h;
    char text[1024];
    harness_init(&h, 1);
    at(&h, 0, 1, T0);
    int64_t wm = h.partitions[0].context.watermark_ms;
    struct str r = harness_receipt(text, sizeof text, 1, 9001, T0 + 5 * MINUTE + 2000,
                                   "1.00", NULL);
    harness_feed_to(&h, 0, T0 + 1000, harness_key(r), r); /* updated_at is 5:02 ahead */
    assert_int_equal(h.partitions[0].context.watermark_ms, wm);
    assert_int_equal(h.partitions[0].counters.rejected[STREAM_CLOCK_AHEAD], 1);
    assert_int_equal(count_of(&h, STREAM_OUT_REJECTS), 1);
    assert_string_equal(h.rows[h.n_rows - 1].reason, "clock_ahead");
    r = harness_receipt(text, sizeof text, 1, 9002, T0 + 5 * MINUTE - 1000, "1.00",
                        NULL);
    harness_feed_to(&h, 0, T0, harness_key(r), r); /* 5:00 ahead is allowed */
    assert_int_equal(h.partitions[0].counters.out, 2);
    harness_release(&h);
}

/* ---- 4: idle partitions ---- */

static void s4_idle_is_quiet_at_the_end_for_the_idle_time(void **state)
{
    (void)state;
    struct harness h;
    struct stream_share s = {0};
    harness_init(&h, 1);
    at(&h, 0, 1, T0);
    s.partition = h.partitions[0];
    s.heard_ms = 1000;
    int64_t now = T0 + HOUR, want = now - 30000 - 60000;
    assert_true(stream_idle_watermark(&s, &h.conf, 1, 60999, now) == INT64_MIN);
    assert_int_equal(stream_idle_watermark(&s, &h.conf, 1, 61000, now), want);
    assert_true(stream_idle_watermark(&s, &h.conf, 1, 61000, -1) == INT64_MIN);
    /* never back */
    assert_true(stream_idle_watermark(&s, &h.conf, 1, 61000, T0) == INT64_MIN);
    harness_release(&h);
}

static void s4_lagging_is_not_idle(void **state)
{
    (void)state;
    struct harness h;
    struct stream_share s = {0};
    harness_init(&h, 1);
    at(&h, 0, 1, T0);
    s.partition = h.partitions[0];
    int64_t now = T0 + HOUR;
    /* a record waits unread for ten minutes: that time does not count afterwards */
    assert_true(stream_idle_watermark(&s, &h.conf, 2, 600000, now) == INT64_MIN);
    assert_true(stream_idle_watermark(&s, &h.conf, 1, 659999, now) == INT64_MIN);
    assert_true(stream_idle_watermark(&s, &h.conf, 1, 660000, now) != INT64_MIN);
    harness_release(&h);
}

static void s4_a_partition_that_never_heard_anything_has_no_watermark(void **state)
{
    (void)state;
    struct harness h;
    struct stream_share s = {0};
    harness_init(&h, 1);
    s.partition = h.partitions[0];
    assert_true(stream_idle_watermark(&s, &h.conf, 0, 1000000, T0) == INT64_MIN);
    harness_release(&h);
}

static void s4_idleness_closes_windows_and_is_committed(void **state)
{
    (void)state;
    struct harness h;
    char metadata[BUS_METADATA_MAX + 1];
    harness_init(&h, 1);
    struct stream_partition *p = &h.partitions[0];
    at(&h, 0, 1, T0);
    assert_int_equal(stream_partition_advance(p, T0 + 20 * MINUTE, &h.e), 0);
    assert_int_equal(rows_of(&h, "1|5m|", NULL), 1);
    assert_int_equal(rows_of(&h, "1|15m|", NULL), 1);
    stream_partition_metadata(p, metadata);
    /* recovery: the record alone is replayed, the advance comes from the metadata */
    stream_partition_clear(p);
    h.pipeline.job.produce = NULL;
    next_number--;
    at(&h, 0, 1, T0);
    stream_partition_recovered(p, metadata);
    h.pipeline.job.produce = harness_produce;
    harness_forget(&h);
    assert_int_equal(p->context.watermark_ms, T0 + 20 * MINUTE);
    assert_int_equal(stream_partition_advance(p, T0 + 21 * MINUTE, &h.e), 0);
    assert_int_equal(count_of(&h, STREAM_OUT_WINDOWS), 0); /* not fired twice */
    harness_release(&h);
}

/* ---- 5: late but allowed, and too late ---- */

static void
s5_a_late_event_revises_under_the_same_key_with_a_higher_revision(void **state)
{
    (void)state;
    struct harness h;
    const char *row = NULL;
    harness_init(&h, 1);
    at(&h, 0, 1, T0);
    at(&h, 0, 1, T0 + 10 * MINUTE); /* offset 1 closes */
    rows_of(&h, "1|5m|2017-12-19T00:00:00Z", &row);
    assert_non_null(strstr(row, "\"n\":1,"));
    assert_non_null(strstr(row, "\"revision\":1,"));
    at(&h, 0, 1, T0 + MINUTE); /* offset 2 revises */
    assert_int_equal(rows_of(&h, "1|5m|2017-12-19T00:00:00Z", &row), 2);
    assert_non_null(strstr(row, "\"n\":2,"));
    assert_non_null(strstr(row, "\"revision\":2,\"is_final\":true"));
    assert_int_equal(count_of(&h, STREAM_OUT_LATE), 0);
    harness_release(&h);
}

static void s5_later_than_that_goes_aside_and_is_enriched_all_the_same(void **state)
{
    (void)state;
    struct harness h;
    harness_init(&h, 1);
    at(&h, 0, 1, T0);
    /* watermark end + 1 h - 1 - 1 ms: the 5-minute window can be revised once more */
    at(&h, 0, 1, T0 + 5 * MINUTE + HOUR + 29999);
    at(&h, 0, 1, T0 + 1);
    assert_int_equal(count_of(&h, STREAM_OUT_LATE), 0);
    at(&h, 0, 1, T0 + 5 * MINUTE + HOUR + 30000);
    harness_forget(&h);
    at(&h, 0, 1, T0 + 2);
    assert_int_equal(count_of(&h, STREAM_OUT_RECORDS), 1);
    assert_int_equal(count_of(&h, STREAM_OUT_LATE), 1);
    assert_int_equal(h.partitions[0].counters.late, 1);
    for (size_t i = 0; i < h.n_rows; i++)
        if (h.rows[i].to == STREAM_OUT_LATE)
            assert_true(str_ends(h.rows[i].value, ",\"late_windows\":[\"5m\"]}"));
    /* the larger windows take it */
    assert_int_equal(rows_of(&h, "1|5m|", NULL), 0);
    assert_int_equal(rows_of(&h, "1|15m|", NULL), 1);
    harness_release(&h);
}

/* ---- 6: the baseline ---- */

static void s6_the_baseline_needs_30_and_excludes_the_event_itself(void **state)
{
    (void)state;
    struct harness h;
    harness_init(&h, 1);
    for (int i = 0; i < 29; i++)
        amount(&h, 1, T0 + i * HOUR, i % 2 ? "9.00" : "11.00");
    amount(&h, 1, T0 + 29 * HOUR, "500.00"); /* n = 29: not judged, but it enters */
    assert_int_equal(h.last.anomalies, 0);
    amount(&h, 1, T0 + 30 * HOUR, "500.00"); /* 30 before: spread is wide now */
    assert_int_equal(h.last.n_before, 30);
    harness_release(&h);
    harness_init(&h, 1);
    for (int i = 0; i < 30; i++)
        amount(&h, 1, T0 + i * HOUR, i % 2 ? "9.00" : "11.00");
    /* mean 10, s = sqrt(30/29) = 1.017…: 3 s = 3.0513 */
    amount(&h, 1, T0 + 30 * HOUR, "13.05");
    assert_int_equal(h.last.anomalies, 0);
    harness_release(&h);
    harness_init(&h, 1);
    for (int i = 0; i < 30; i++)
        amount(&h, 1, T0 + i * HOUR, i % 2 ? "9.00" : "11.00");
    amount(&h, 1, T0 + 30 * HOUR, "13.06");
    assert_int_equal(h.last.anomalies, STREAM_AMOUNT_OUTLIER);
    assert_int_equal(h.last.n_before, 30);
    assert_true(h.last.sum_before == 30000);
    amount(&h, 2, T0 + 30 * HOUR, "500.00"); /* another store has its own */
    assert_int_equal(h.last.anomalies, 0);
    harness_release(&h);
}

static void s6_without_spread_nothing_is_an_outlier(void **state)
{
    (void)state;
    struct harness h;
    harness_init(&h, 1);
    for (int i = 0; i < 40; i++)
        amount(&h, 1, T0 + i * HOUR, "5.00");
    amount(&h, 1, T0 + 40 * HOUR, "900.00");
    assert_int_equal(h.last.anomalies, 0);
    harness_release(&h);
}

static void s6_the_baseline_survives_a_restart(void **state)
{
    (void)state;
    struct harness h;
    struct buf bytes;
    buf_init(&bytes, 1 << 20);
    harness_init(&h, 1);
    for (int i = 0; i < 30; i++)
        amount(&h, 1, T0 + i * HOUR, i % 2 ? "9.00" : "11.00");
    assert_int_equal(stream_partition_snapshot(&h.partitions[0], &bytes), 0);
    stream_partition_clear(&h.partitions[0]);
    assert_int_equal(stream_partition_restore(
                         &h.partitions[0], (struct str){bytes.data, bytes.len}, &h.e),
                     0);
    amount(&h, 1, T0 + 30 * HOUR, "13.06");
    assert_int_equal(h.last.anomalies, STREAM_AMOUNT_OUTLIER);
    buf_release(&bytes);
    harness_release(&h);
}

static void s6_products_beyond_128_bits_are_exact(void **state)
{
    (void)state;
    u128 big = ((u128)1 << 100) + 12345, other = ((u128)1 << 90) + 678;
    struct wide a = wide_mul(big, other), b = wide_mul(other, big);
    assert_true(a.hi == b.hi && a.lo == b.lo);
    /* (2^100 + x)(2^90 + y) = 2^190 + y 2^100 + x 2^90 + x y */
    struct wide want = {(u128)1 << 62, 0};
    u128 low = ((u128)678 << 100) + ((u128)12345 << 90) + (u128)12345 * 678;
    want.lo = low;
    assert_true(a.hi == want.hi && a.lo == want.lo);
    struct wide diff = wide_sub(a, (struct wide){0, low + 1});
    assert_true(diff.hi == want.hi - 1 && diff.lo == ~(u128)0);
    assert_true(wide_less(diff, a) && !wide_less(a, diff));
    /* ten million receipts around ten billion: mean m, s almost exactly 1 cent */
    struct harness h;
    struct buf in;
    buf_init(&in, 4096);
    int64_t n = 10000000, m = 900000000000;
    i128 totals[3] = {0, (i128)n * m, (i128)n * m * m + n};
    memcpy(totals, &n, sizeof n);
    stream_put_u64(&in, 1);
    stream_put_str(&in, STR("1"));
    stream_put(&in, totals, sizeof totals);
    stream_put_u64(&in, 0);
    for (int cents = 3; cents <= 4; cents++) {
        char text[32];
        harness_init(&h, 1);
        struct stream_reader reader = {in.data, in.data + in.len, false};
        assert_int_equal(
            stream_detect.restore(h.partitions[0].states[2], &reader, &h.e), 0);
        decimal_cents_text(m + cents, text);
        amount(&h, 1, T0, text);
        assert_int_equal(h.last.anomalies, cents == 4 ? STREAM_AMOUNT_OUTLIER : 0);
        harness_release(&h);
    }
    buf_release(&in);
}

/* ---- 7: velocity ---- */

static void s7_more_than_ten_in_a_minute_by_event_time(void **state)
{
    (void)state;
    struct harness h;
    harness_init(&h, 1);
    for (int i = 0; i < 10; i++) {
        at(&h, 0, 1, T0 + i * 5000);
        assert_int_equal(h.last.anomalies, 0);
    }
    at(&h, 0, 1, T0 + 59999); /* the first is still inside (t - 60 s, t] */
    assert_int_equal(h.last.velocity, 11);
    assert_int_equal(h.last.anomalies, STREAM_HIGH_VELOCITY);
    at(&h, 0, 1, T0 + 60000 + 5000); /* those at 0 and 5 s are out */
    assert_int_equal(h.last.velocity, 10);
    assert_int_equal(h.last.anomalies, 0);
    harness_release(&h);
}

static void s7_out_of_order_receipts_count_where_they_belong(void **state)
{
    (void)state;
    struct harness h;
    harness_init(&h, 1);
    for (int i = 0; i < 10; i++) /* backwards */
        at(&h, 0, 1, T0 + 30000 - i * 3000);
    assert_int_equal(h.last.velocity, 1); /* the earliest has none before it */
    at(&h, 0, 1, T0 + 31000);
    assert_int_equal(h.last.velocity, 11);
    assert_int_equal(h.last.anomalies, STREAM_HIGH_VELOCITY);
    at(&h, 0, 1, T0 + 16000); /* in the middle: 3 … 15 s, itself */
    assert_int_equal(h.last.velocity, 6);
    harness_release(&h);
}

/* Bursts behind newer receipts of the same till, sent later or dated by a slow clock,
 * were not counted at all. */
static void s7_a_burst_far_behind_is_seen(void **state)
{
    (void)state;
    static const int64_t behind[] = {10 * MINUTE, HOUR, 2 * HOUR, 24 * HOUR};
    for (size_t k = 0; k < 4; k++) {
        struct harness h;
        harness_init(&h, 1);
        for (int i = 0; i < 200; i++) /* an ordinary day fills the memory of the till */
            at(&h, 0, 1, T0 - i % 2 * 90000 + i * 100000ll);
        int64_t start = T0 + 199 * 100000ll - behind[k] + 7000;
        for (int i = 0; i < 22; i++) {
            at(&h, 0, 1, start + i * 100);
            assert_true(h.last.velocity >= i + 1);
        }
        assert_int_equal(h.last.anomalies & STREAM_HIGH_VELOCITY, STREAM_HIGH_VELOCITY);
        at(&h, 0, 1, T0 + 200 * 100000ll);
        assert_int_equal(h.last.anomalies & STREAM_HIGH_VELOCITY, 0);
        harness_release(&h);
    }
}

/* ---- 8: giving a partition up and taking it over ---- */

static void s8_state_goes_with_the_partition_and_behind_it_nothing_stays(void **state)
{
    (void)state;
    struct harness a, b;
    struct buf bytes, again;
    buf_init(&bytes, 1 << 20);
    buf_init(&again, 1 << 20);
    harness_init(&a, 1);
    harness_init(&b, 1);
    for (int i = 0; i < 300; i++)
        amount(&a, 1 + i % 3, T0 + i * MINUTE, "7.00");
    assert_int_equal(stream_partition_snapshot(&a.partitions[0], &bytes), 0);
    assert_int_equal(stream_partition_restore(
                         &b.partitions[0], (struct str){bytes.data, bytes.len}, &b.e),
                     0);
    assert_int_equal(b.partitions[0].next_offset, 300);
    harness_forget(&a);
    int mark = next_number;
    for (int i = 300; i < 500; i++)
        amount(&a, 1 + i % 3, T0 + i * MINUTE, "7.00");
    next_number = mark;
    for (int i = 300; i < 500; i++)
        amount(&b, 1 + i % 3, T0 + i * MINUTE, "7.00");
    assert_int_equal(a.n_rows, b.n_rows);
    for (size_t i = 0; i < a.n_rows; i++) {
        assert_string_equal(a.rows[i].key, b.rows[i].key);
        assert_string_equal(a.rows[i].value, b.rows[i].value);
    }
    stream_partition_clear(&b.partitions[0]);
    assert_int_equal(b.partitions[0].next_offset, 0);
    assert_int_equal(b.partitions[0].counters.in, 0);
    buf_release(&bytes);
    buf_release(&again);
    harness_release(&a);
    harness_release(&b);
}

/* ---- 10: snapshots by offset ---- */

static void s10_state_is_a_function_of_the_input_prefix(void **state)
{
    (void)state;
    struct harness a, b;
    char one[BUS_METADATA_MAX + 1], two[BUS_METADATA_MAX + 1];
    harness_init(&a, 1);
    harness_init(&b, 1);
    b.pipeline.job.produce = NULL; /* silent */
    int mark = next_number;
    for (int i = 0; i < 200; i++)
        amount(&a, 1 + i % 3, T0 + (i * 7919 % 200) * MINUTE, "7.00");
    next_number = mark;
    for (int i = 0; i < 200; i++)
        amount(&b, 1 + i % 3, T0 + (i * 7919 % 200) * MINUTE, "7.00");
    assert_int_equal(b.n_rows, 0);
    stream_partition_metadata(&a.partitions[0], one);
    stream_partition_metadata(&b.partitions[0], two);
    assert_string_equal(one, two);
    harness_release(&a);
    harness_release(&b);
}

static void s10_a_snapshot_of_other_settings_or_cut_is_refused(void **state)
{
    (void)state;
    struct harness a, b;
    struct buf bytes;
    buf_init(&bytes, 1 << 20);
    harness_init(&a, 1);
    for (int i = 0; i < 50; i++)
        amount(&a, 1, T0 + i * MINUTE, "7.00");
    assert_int_equal(stream_partition_snapshot(&a.partitions[0], &bytes), 0);
    for (size_t n = 0; n < bytes.len; n += n < 300 ? 1 : 97) {
        assert_int_equal(stream_partition_restore(&a.partitions[0],
                                                  (struct str){bytes.data, n}, &a.e),
                         ERR_CORRUPT);
        assert_int_equal(a.partitions[0].next_offset, 0);
    }
    harness_init(&b, 1);
    b.conf.lateness_ms = 2 * HOUR;
    assert_int_equal(stream_partition_restore(
                         &b.partitions[0], (struct str){bytes.data, bytes.len}, &b.e),
                     ERR_CORRUPT);
    buf_release(&bytes);
    harness_release(&a);
    harness_release(&b);
}

/* ---- draining ---- */

static void a_drain_writes_what_is_open_once_and_moves_no_watermark(void **state)
{
    (void)state;
    struct harness h;
    const char *row = NULL;
    harness_init(&h, 1);
    at(&h, 0, 1, T0);
    int64_t wm = h.partitions[0].context.watermark_ms;
    harness_drain(&h);
    assert_int_equal(h.partitions[0].context.watermark_ms, wm);
    assert_int_equal(rows_of(&h, "1|5m|", &row), 1);
    assert_non_null(strstr(row, "\"revision\":0,\"is_final\":false"));
    assert_int_equal(count_of(&h, STREAM_OUT_WINDOWS), 3);
    harness_drain(&h); /* nothing new: nothing written */
    assert_int_equal(count_of(&h, STREAM_OUT_WINDOWS), 3);
    at(&h, 0, 1, T0 + 1000);
    harness_drain(&h);
    assert_int_equal(rows_of(&h, "1|5m|", &row), 2);
    assert_non_null(strstr(row, "\"n\":2,"));
    at(&h, 0, 1, T0 + 10 * MINUTE);
    assert_int_equal(rows_of(&h, "1|5m|2017-12-19T00:00:00Z", &row), 3);
    assert_non_null(strstr(row, "\"n\":2,"));
    assert_non_null(strstr(row, "\"is_final\":true"));
    harness_release(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(s1_a_slow_partition_does_not_hold_others),
        cmocka_unit_test(
            s1_the_shown_watermark_is_the_least_active_and_never_goes_back),
        cmocka_unit_test(s2_the_watermark_is_30_s_and_1_ms_behind_the_newest_event),
        cmocka_unit_test(s2_a_window_fires_at_its_last_millisecond),
        cmocka_unit_test(s2_an_event_is_late_from_then_on),
        cmocka_unit_test(s2_a_row_is_stamped_with_its_last_millisecond),
        cmocka_unit_test(s2_windows_are_aligned_to_the_epoch),
        cmocka_unit_test(s3_a_clock_ahead_goes_aside_and_moves_nothing),
        cmocka_unit_test(s4_idle_is_quiet_at_the_end_for_the_idle_time),
        cmocka_unit_test(s4_lagging_is_not_idle),
        cmocka_unit_test(s4_a_partition_that_never_heard_anything_has_no_watermark),
        cmocka_unit_test(s4_idleness_closes_windows_and_is_committed),
        cmocka_unit_test(
            s5_a_late_event_revises_under_the_same_key_with_a_higher_revision),
        cmocka_unit_test(s5_later_than_that_goes_aside_and_is_enriched_all_the_same),
        cmocka_unit_test(s6_the_baseline_needs_30_and_excludes_the_event_itself),
        cmocka_unit_test(s6_without_spread_nothing_is_an_outlier),
        cmocka_unit_test(s6_the_baseline_survives_a_restart),
        cmocka_unit_test(s6_products_beyond_128_bits_are_exact),
        cmocka_unit_test(s7_more_than_ten_in_a_minute_by_event_time),
        cmocka_unit_test(s7_out_of_order_receipts_count_where_they_belong),
        cmocka_unit_test(s7_a_burst_far_behind_is_seen),
        cmocka_unit_test(s8_state_goes_with_the_partition_and_behind_it_nothing_stays),
        cmocka_unit_test(s10_state_is_a_function_of_the_input_prefix),
        cmocka_unit_test(s10_a_snapshot_of_other_settings_or_cut_is_refused),
        cmocka_unit_test(a_drain_writes_what_is_open_once_and_moves_no_watermark),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
