/* The stream job over the shared data: every expected window, anomaly and alert, and
 * the outcome of every injected line. In memory; with one partition and with a hundred.
 */
#include "stream_harness.h"

static const char *const sizes[] = {"5m", "15m", "60m"};

static int64_t arrival_of(const struct data_file *f, size_t line)
{
    char cell[64];
    int64_t ms;
    /* line,arrival_ms in whatever column order the header says */
    int column = f->lines[0].n > 4 && memcmp(f->lines[0].p, "line", 4) == 0 ? 1 : 0;
    assert_true(
        str_to_i64(data_field(f->lines[line + 1], column, cell, sizeof cell), &ms));
    return ms;
}

/* Newest row of each window by key. */
struct last {
    int64_t n, sum, revision;
    bool is_final;
};

static int64_t number_in(const char *json, const char *name)
{
    char text[64];
    snprintf(text, sizeof text, "\"%s\":", name);
    const char *p = strstr(json, text);
    assert_non_null(p);
    return strtoll(p + strlen(text), NULL, 10);
}

static int64_t cents_in(const char *json)
{
    int64_t cents;
    const char *p = strstr(json, "\"sum\":");
    assert_non_null(p);
    p += 6;
    assert_true(decimal_to_cents((struct str){p, strcspn(p, ",}")}, &cents));
    return cents;
}

static void last_rows(const struct harness *h, struct map *m)
{
    map_init(m);
    for (size_t i = 0; i < h->n_rows; i++) {
        if (h->rows[i].to != STREAM_OUT_WINDOWS)
            continue;
        struct last *w = map_get(m, h->rows[i].key);
        if (!w)
            map_put(m, h->rows[i].key, w = mem_alloc(sizeof *w));
        else
            assert_true(number_in(h->rows[i].value, "revision") >= w->revision);
        w->revision = number_in(h->rows[i].value, "revision");
        w->n = number_in(h->rows[i].value, "n");
        w->sum = cents_in(h->rows[i].value);
    }
}

static void free_rows(struct map *m)
{
    for (struct map_entry *it = NULL; (it = map_next(m, it));)
        mem_free(it->value);
    map_release(m);
}

/* Compares all three sizes; n_col and sum_col minus their "late" columns, 0: none. */
static void expect_windows(const struct harness *h, const char *family, int n_col,
                           int sum_col, int late_n_col, int late_sum_col)
{
    struct map rows;
    size_t n_expected = 0;
    last_rows(h, &rows);
    for (int s = 0; s < 3; s++) {
        struct data_file f;
        char name[80], key[128], a[64], b[64];
        snprintf(name, sizeof name, "expected/%s_%s.csv.gz", family, sizes[s]);
        data_need(name, &f);
        for (size_t i = 1; i < f.n_lines; i++) {
            int64_t n, sum, late_n = 0, late_sum = 0;
            struct str store = data_field(f.lines[i], 0, a, sizeof a);
            struct str start = data_field(f.lines[i], 1, b, sizeof b);
            snprintf(key, sizeof key, "%.*s|%s|%.*s", (int)store.n, store.p, sizes[s],
                     (int)start.n, start.p);
            assert_true(str_to_i64(data_field(f.lines[i], n_col, a, sizeof a), &n));
            assert_true(str_to_i64(data_field(f.lines[i], sum_col, a, sizeof a), &sum));
            if (late_n_col) {
                str_to_i64(data_field(f.lines[i], late_n_col, a, sizeof a), &late_n);
                str_to_i64(data_field(f.lines[i], late_sum_col, a, sizeof a),
                           &late_sum);
            }
            const struct last *w = map_get(&rows, key);
            if (n == late_n && !w)
                continue;
            n_expected++;
            if (!w || w->n != n - late_n || w->sum != sum - late_sum)
                fail_msg("%s: n %lld sum %lld, expected %lld %lld", key,
                         w ? (long long)w->n : -1, w ? (long long)w->sum : -1,
                         (long long)(n - late_n), (long long)(sum - late_sum));
        }
        data_free(&f);
    }
    assert_int_equal(rows.live, n_expected);
    free_rows(&rows);
}

static bool load_tables(struct harness *h)
{
    return harness_table(h, STREAM_ROLE_STORE, "stores.csv") &&
           harness_table(h, STREAM_ROLE_PRODUCT, "products.csv.gz");
}

static int64_t event_time_in(struct str line)
{
    static const char name[] = "\"transaction_timestamp\":\"";
    const char *p = memmem(line.p, line.n, name, sizeof name - 1);
    int64_t ms;
    assert_non_null(p);
    assert_true(time_parse_iso((struct str){p + sizeof name - 1, 20}, &ms));
    return ms;
}

static void windows_of_the_clean_stream(void **state)
{
    (void)state;
    for (int n = 1; n <= 100; n += 99) {
        struct harness h;
        struct data_file pos;
        data_need("pos.jsonl.gz", &pos);
        harness_init(&h, n);
        for (size_t i = 0; i < pos.n_lines; i++)
            harness_feed(&h, event_time_in(pos.lines[i]), pos.lines[i]);
        harness_drain(&h);
        expect_windows(&h, "windows", 2, 3, 0, 0);
        assert_int_equal(harness_count(&h, in), 3317);
        assert_int_equal(harness_count(&h, out), 3317);
        assert_int_equal(harness_count(&h, unknown_store), 3317); /* no tables here */
        data_free(&pos);
        harness_release(&h);
    }
}

static void windows_of_the_disordered_stream(void **state)
{
    (void)state;
    for (int n = 1; n <= 100; n += 99) {
        struct harness h;
        struct data_file pos, arrival;
        data_need("pos_disorder.arrival.csv.gz", &arrival);
        data_need("pos_disorder.jsonl.gz", &pos);
        harness_init(&h, n);
        for (size_t i = 0; i < pos.n_lines; i++)
            harness_feed(&h, arrival_of(&arrival, i), pos.lines[i]);
        harness_drain(&h);
        /* n_accepted - n_late, sum_first - sum_late */
        expect_windows(&h, "windows_disorder", 4, 5, 7, 8);
        assert_int_equal(harness_count(&h, out), 3323 + 16);
        assert_int_equal(harness_count(&h, duplicates), 60);
        assert_int_equal(harness_count(&h, corrections), 16);
        assert_int_equal(harness_count(&h, stale), 4);
        assert_int_equal(harness_count(&h, late), 70);
        data_free(&pos);
        data_free(&arrival);
        harness_release(&h);
    }
}

/* What became of the record that was fed last. */
static const char *outcome_of(const struct stream_counters *before,
                              const struct stream_counters *after)
{
    for (int r = 1; r < STREAM_N_REJECTS; r++)
        if (after->rejected[r] != before->rejected[r])
            return "dead_letter";
    if (after->duplicates != before->duplicates)
        return "duplicate";
    if (after->stale != before->stale)
        return "stale";
    if (after->corrections != before->corrections)
        return "correction";
    return after->out != before->out ? "accepted" : "nothing";
}

/* on_time, revision or late, by what was written while the record was processed. */
static const char *verdict_of(const struct harness *h, size_t first_row, int size,
                              struct str store)
{
    char key[128], start[32];
    int64_t ms = h->last.event_ms - h->last.event_ms % harness_windows[size];
    snprintf(key, sizeof key, "%.*s|%s|%s", (int)store.n, store.p, sizes[size],
             time_format_iso(ms, false, start));
    if (h->last.late_windows & 1u << size)
        return "late";
    for (size_t i = first_row; i < h->n_rows; i++)
        if (h->rows[i].to == STREAM_OUT_WINDOWS && streq(h->rows[i].key, key))
            return "revision";
    return "on_time";
}

static void check_line(const struct harness *h, struct str row,
                       const struct stream_counters *before,
                       const struct stream_counters *after, size_t first_row,
                       size_t line)
{
    char a[64], b[64];
    struct str want = row.n ? data_field(row, 3, a, sizeof a) : STR("");
    struct str outcome = row.n ? data_field(row, 2, b, sizeof b) : STR("accepted");
    const char *got = outcome_of(before, after);
    if (!str_is(outcome, got))
        fail_msg("line %zu: %s, expected %.*s", line, got, (int)outcome.n, outcome.p);
    if (streq(got, "dead_letter")) {
        assert_int_equal(h->n_rows, first_row + 1);
        if (!str_is(want, h->rows[first_row].reason))
            fail_msg("line %zu: %s (%s), expected %.*s", line,
                     h->rows[first_row].reason, h->rows[first_row].detail, (int)want.n,
                     want.p);
    }
    for (int s = 0; s < 3 && row.n; s++) {
        struct str verdict = data_field(row, 11 + s, a, sizeof a);
        struct str store = data_field(row, 5, b, sizeof b);
        if (!verdict.n || !str_is(outcome, "accepted"))
            continue;
        const char *is = verdict_of(h, first_row, s, store);
        if (!str_is(verdict, is))
            fail_msg("line %zu: %s %s, expected %.*s", line, sizes[s], is,
                     (int)verdict.n, verdict.p);
    }
}

/* Every line: outcome, reason and the three windows' verdicts. */
static void every_injected_line_as_listed(void **state)
{
    (void)state;
    for (int n = 1; n <= 100; n += 99) {
        struct harness h;
        struct data_file pos, arrival, list;
        char cell[64];
        data_need("pos_disorder.injected.csv", &list);
        data_need("pos_disorder.arrival.csv.gz", &arrival);
        data_need("pos_disorder.jsonl.gz", &pos);
        struct str *rows = mem_alloc(pos.n_lines * sizeof *rows);
        for (size_t i = 1; i < list.n_lines; i++) {
            int64_t line;
            assert_true(
                str_to_i64(data_field(list.lines[i], 0, cell, sizeof cell), &line));
            rows[line - 1] = list.lines[i];
        }
        harness_init(&h, n);
        for (size_t i = 0; i < pos.n_lines; i++) {
            size_t first = h.n_rows;
            int p = hash_store_partition(harness_key(pos.lines[i]), n);
            struct stream_counters before = h.partitions[p].counters;
            harness_feed(&h, arrival_of(&arrival, i), pos.lines[i]);
            check_line(&h, rows[i], &before, &h.partitions[p].counters, first, i + 1);
        }
        mem_free(rows);
        data_free(&pos);
        data_free(&arrival);
        data_free(&list);
        harness_release(&h);
    }
}

/* ---- anomalies ---- */

static struct str i128_text(i128 v, char out[48])
{
    char digits[48];
    int n = 0, k = 0;
    if (v < 0)
        out[n++] = '-';
    u128 u = v < 0 ? -(u128)v : (u128)v;
    do
        digits[k++] = (char)('0' + (int)(u % 10));
    while (u /= 10);
    while (k)
        out[n++] = digits[--k];
    return (struct str){out, (size_t)n};
}

static struct str reasons_text(unsigned anomalies, char out[64])
{
    static const char *const names[] = {"AMOUNT_OUTLIER", "HIGH_VELOCITY", "OFF_HOURS"};
    size_t n = 0;
    out[0] = '\0';
    for (unsigned i = 0; i < 3; i++)
        if (anomalies & 1u << i)
            n += (size_t)snprintf(out + n, 64 - n, "%s%s", n ? "|" : "", names[i]);
    return (struct str){out, n};
}

static void expect_cell(struct str row, int column, struct str got, const char *name)
{
    char cell[128];
    struct str want = data_field(row, column, cell, sizeof cell);
    if (!str_eq(want, got))
        fail_msg("%.*s: %s is %.*s, expected %.*s", (int)row.n, row.p, name, (int)got.n,
                 got.p, (int)want.n, want.p);
}

static void expect_anomaly(const struct stream_event *ev, struct str row,
                           bool with_sums)
{
    char text[64];
    expect_cell(row, 4, i128_text(ev->total_cents, text), "amount_cents");
    if (with_sums) {
        expect_cell(row, 5, i128_text(ev->n_before, text), "n_before");
        expect_cell(row, 6, i128_text(ev->sum_before, text), "sum_before_cents");
        expect_cell(row, 7, i128_text(ev->squares_before, text), "sumsq_before_cents2");
        expect_cell(row, 8, i128_text(ev->velocity, text), "terminal_receipts_60s");
    }
    expect_cell(row, 9, i128_text(ev->local_hour, text), "local_hour");
    expect_cell(row, 10, i128_text(ev->anomalies != 0, text), "anomaly_detected");
    expect_cell(row, 11, reasons_text(ev->anomalies, text), "anomaly_reasons");
}

static void run_anomalies(const char *pos_name, const char *arrival_name,
                          const char *expected_name, size_t n_expected)
{
    struct harness h;
    struct data_file pos, arrival = {0}, expected;
    struct map rows;
    char cell[128];
    size_t n_seen = 0;
    data_need(pos_name, &pos);
    data_need(expected_name, &expected);
    if (arrival_name)
        data_need(arrival_name, &arrival);
    harness_init(&h, 100);
    assert_true(load_tables(&h));
    map_init(&rows);
    for (size_t i = 1; i < expected.n_lines; i++) {
        struct str id = data_field(expected.lines[i], 0, cell, sizeof cell);
        map_putn(&rows, id.p, id.n, &expected.lines[i]);
    }
    for (size_t i = 0; i < pos.n_lines; i++) {
        struct str key = harness_key(pos.lines[i]);
        harness_feed(
            &h, arrival_name ? arrival_of(&arrival, i) : event_time_in(pos.lines[i]),
            pos.lines[i]);
        assert_true(h.has_last);
        const struct str *row = map_getn(&rows, key.p, key.n);
        if (!row)
            continue;
        /* the slow till's shop arrives out of event order: its sums differ, no flag */
        expect_anomaly(&h.last, *row,
                       !arrival_name || memcmp(key.p, "STORE_34280_", 12) != 0);
        n_seen++;
    }
    assert_int_equal(n_seen, n_expected);
    assert_int_equal(n_seen, rows.live);
    assert_int_equal(harness_count(&h, unknown_store), 0);
    map_release(&rows);
    data_free(&pos);
    data_free(&arrival);
    data_free(&expected);
    harness_release(&h);
}

static void anomalies_of_the_clean_stream(void **state)
{
    (void)state;
    run_anomalies("pos.jsonl.gz", NULL, "expected/anomalies.csv.gz", 1824);
}

static void anomalies_of_the_incidents(void **state)
{
    (void)state;
    run_anomalies("pos_incidents.jsonl.gz", "pos_incidents.arrival.csv.gz",
                  "expected/anomalies_incidents.csv.gz", 1929);
}

static void alerts_of_the_incidents(void **state)
{
    (void)state;
    struct harness h;
    struct data_file pos, arrival, alerts;
    char cell[128];
    data_need("expected/alerts_incidents.csv", &alerts);
    data_need("pos_incidents.arrival.csv.gz", &arrival);
    data_need("pos_incidents.jsonl.gz", &pos);
    harness_init(&h, 100);
    assert_true(load_tables(&h));
    for (size_t i = 0; i < pos.n_lines; i++)
        harness_feed(&h, arrival_of(&arrival, i), pos.lines[i]);
    size_t n_high = 0, n_listed = 0, n_anomalies = 0;
    for (size_t i = 0; i < h.n_rows; i++) {
        if (h.rows[i].to != STREAM_OUT_ANOMALIES)
            continue;
        n_anomalies++;
        if (!strstr(h.rows[i].value, "\"severity\":\"high\""))
            continue;
        n_high++;
        for (size_t k = 1; k < alerts.n_lines; k++)
            n_listed += str_is(data_field(alerts.lines[k], 0, cell, sizeof cell),
                               h.rows[i].key);
    }
    assert_int_equal(n_high, 3);
    assert_int_equal(n_listed, alerts.n_lines - 1);
    assert_int_equal(harness_count(&h, alerts), 3);
    assert_int_equal(harness_count(&h, anomalies), n_anomalies);
    data_free(&pos);
    data_free(&arrival);
    data_free(&alerts);
    harness_release(&h);
}

/* The year: what the data's own description counts (pos_all, judged by arrival). */
static void anomalies_of_the_year(void **state)
{
    (void)state;
    struct harness h;
    struct data_file pos;
    data_need("pos_all.jsonl.gz", &pos);
    harness_init(&h, 100);
    assert_true(load_tables(&h));
    h.is_counting = true;
    int64_t n = 0, by[3] = {0};
    for (size_t i = 0; i < pos.n_lines; i++) {
        harness_feed(&h, event_time_in(pos.lines[i]), pos.lines[i]);
        n += h.last.anomalies != 0;
        for (int k = 0; k < 3; k++)
            by[k] += (h.last.anomalies >> k) & 1;
    }
    assert_int_equal(n, 5148);
    assert_int_equal(by[0], 3509);
    assert_int_equal(by[1], 0);
    assert_int_equal(by[2], 1670);
    assert_int_equal(harness_count(&h, unknown_product), 4498);
    data_free(&pos);
    harness_release(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_of_the_clean_stream),
        cmocka_unit_test(windows_of_the_disordered_stream),
        cmocka_unit_test(every_injected_line_as_listed),
        cmocka_unit_test(anomalies_of_the_clean_stream),
        cmocka_unit_test(anomalies_of_the_incidents),
        cmocka_unit_test(alerts_of_the_incidents),
        cmocka_unit_test(anomalies_of_the_year),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
