/* The seed's suite of eight on the published receipts: every figure of
 * expected/quality.csv (365 days, the whole year, eight days plain and with incidents,
 * and what a loader without checks would take of the disordered stream). */
#include "quality_fixture.h"

#include <zlib.h>
#include "base/jscan.h"
#include "base/map.h"
#include "base/timeutil.h"

#define LINE_MAX_BYTES (4 << 20)

static const char seed_suite[] =
    "[{\"expectation_type\":\"expect_column_values_to_not_be_null\","
    "\"kwargs\":{\"column\":\"transaction_id\"}},"
    "{\"expectation_type\":\"expect_column_values_to_not_be_null\","
    "\"kwargs\":{\"column\":\"store_id\"}},"
    "{\"expectation_type\":\"expect_column_values_to_not_be_null\","
    "\"kwargs\":{\"column\":\"transaction_timestamp\"}},"
    "{\"expectation_type\":\"expect_column_values_to_be_unique\","
    "\"kwargs\":{\"column\":\"transaction_id\"}},"
    "{\"expectation_type\":\"expect_column_values_to_be_between\",\"kwargs\":"
    "{\"column\":\"total_amount\",\"min_value\":0,\"max_value\":100000}},"
    "{\"expectation_type\":\"expect_column_max_to_be_between\",\"kwargs\":{\"column\":"
    "\"transaction_timestamp\",\"min_value\":{\"$PARAMETER\":"
    "\"now() - interval '5 minutes'\"}}},"
    "{\"expectation_type\":\"expect_column_values_to_be_in_set\",\"kwargs\":{"
    "\"column\":"
    "\"store_id\",\"value_set\":{\"$PARAMETER\":\"valid_store_ids\"}}},"
    "{\"expectation_type\":\"expect_table_row_count_to_be_between\",\"kwargs\":"
    "{\"min_value\":100000,\"max_value\":20000000}}]";

static const char *data_path(const char *name)
{
    static char path[4][512];
    static int turn;
    const char *dir = getenv("WEIR_SHARED");
    char *p = path[turn++ % 4];
    snprintf(p, 512, "%s/data/%s", dir ? dir : "../shared", name);
    return p;
}

static bool next_line(gzFile z, char *line, size_t *n)
{
    if (!gzgets(z, line, LINE_MAX_BYTES))
        return false;
    *n = strlen(line);
    while (*n && (line[*n - 1] == '\n' || line[*n - 1] == '\r'))
        line[--*n] = 0;
    return true;
}

/* ── loading ── */
static struct wh_value text_of(const struct jscan *s, const char *key)
{
    struct wh_value v = {.type = WH_NULL};
    size_t at = jscan_get(s, 0, key, strlen(key));
    if (at && s->tok[at].type == JSCAN_STRING) {
        v.type = WH_TEXT;
        v.text = jscan_raw(s, at);
    }
    return v;
}

static struct wh_value amount_of(const struct jscan *s)
{
    struct wh_value v = {.type = WH_NULL};
    size_t at = jscan_get(s, 0, "total_amount", 12);
    if (at && str_to_double(jscan_raw(s, at), &v.d))
        v.type = WH_REAL;
    return v;
}

static struct wh_value time_value(const struct jscan *s, char text[32])
{
    struct wh_value v = text_of(s, "transaction_timestamp");
    int64_t ms;
    if (v.type == WH_TEXT) {
        assert_true(time_parse_iso(v.text, &ms));
        v.text = str_of(time_format_sql(ms, false, text));
    }
    return v;
}

static void load_line(struct wh_loader *l, struct jscan *s, const char *line, size_t n)
{
    struct err e = {0};
    char at[32];
    assert_int_equal(jscan_parse(s, line, n, &jscan_default_limits), 0);
    struct wh_value row[5] = {text_of(s, "transaction_id"), text_of(s, "store_id"),
                              time_value(s, at), amount_of(s)};
    row[4] = (struct wh_value){.type = WH_TEXT, .text = {at, 10}};
    if (wh_loader_row(l, row, &e) < 0)
        fail_msg("row: %s", e.text);
}

/* skip: set of line numbers as text, may be NULL. */
static void load_receipts(struct fixture *f, const char *table, const char *file,
                          const struct map *skip)
{
    static const char *const columns[] = {
        "transaction_id", "store_id", "transaction_timestamp",
        "total_amount",   "day",      NULL};
    char sql[300], number[24];
    struct err e = {0};
    struct wh_loader *l;
    struct jscan s;
    snprintf(sql, sizeof sql,
             "CREATE TABLE silver.%s (transaction_id TEXT, store_id TEXT, "
             "transaction_timestamp TEXT, total_amount REAL, day TEXT)",
             table);
    run(f->w, sql);
    gzFile z = gzopen(data_path(file), "rb");
    char *line = mem_alloc(LINE_MAX_BYTES);
    assert_int_equal(wh_begin(f->w, &e), 0);
    assert_int_equal(wh_loader_open(f->w, "silver", table, columns, &l, &e), 0);
    jscan_init(&s);
    size_t n;
    for (int i = 1; next_line(z, line, &n); i++) {
        snprintf(number, sizeof number, "%d", i);
        if (!skip || !map_has(skip, number))
            load_line(l, &s, line, n);
    }
    jscan_release(&s);
    wh_loader_close(l);
    assert_int_equal(wh_commit(f->w, &e), 0);
    mem_free(line);
    gzclose(z);
}

static void load_stores(struct fixture *f)
{
    char sql[100], *line = mem_alloc(LINE_MAX_BYTES);
    size_t n;
    gzFile z = gzopen(data_path("stores.csv"), "rb");
    run(f->w, "CREATE TABLE bronze.raw_stores (store_id TEXT)");
    next_line(z, line, &n);
    while (next_line(z, line, &n)) {
        snprintf(sql, sizeof sql, "INSERT INTO bronze.raw_stores VALUES ('%.*s')",
                 (int)strcspn(line, ","), line);
        run(f->w, sql);
    }
    gzclose(z);
    mem_free(line);
}

/* Lines of the disordered stream that are no JSON objects of the right kind at all. */
static void unloadable_lines(struct map *out)
{
    static const char *const kinds =
        " duplicate_keys invalid_utf8 lone_surrogate nul_byte nul_escape over_long "
        "truncated_json wrong_type deep_nesting card_in_truncated_json ";
    char *line = mem_alloc(LINE_MAX_BYTES), kind[64];
    size_t n;
    gzFile z = gzopen(data_path("pos_disorder.injected.csv"), "rb");
    map_init(out);
    next_line(z, line, &n);
    while (next_line(z, line, &n)) {
        char *second = strchr(line, ',');
        *second++ = 0;
        snprintf(kind, sizeof kind, " %.*s ", (int)strcspn(second, ","), second);
        if (strstr(kinds, kind))
            map_put(out, line, out);
    }
    gzclose(z);
    mem_free(line);
}

/* ── comparing ── */
static void judge_batch(struct fixture *f, const char *table, const char *where,
                        const char *now)
{
    struct err e = {0};
    struct suite_run r = {.schema = "silver", .relation = table, .where = where};
    assert_true(time_parse_iso(str_of(now), &r.now_ms));
    r.parameters = json_pack("{s:{s:s}}", "valid_store_ids", "query",
                             "select store_id from bronze.raw_stores");
    if (judge(f, seed_suite, &r, &e) < 0)
        fail_msg("%s: %s", table, e.text);
    json_decref(r.parameters);
}

static void count_is(const char *line, const json_t *result, const char *key,
                     const char *want)
{
    const json_t *v = json_object_get(result, key);
    if (!*want) {
        assert_null(v);
        return;
    }
    if (!v || json_integer_value(v) != strtoll(want, NULL, 10))
        fail_msg("%s: %s is %lld", line, key,
                 (long long)(v ? json_integer_value(v) : -1));
}

static void observed_is(const char *line, const json_t *result, const char *want)
{
    const json_t *v = json_object_get(result, "observed_value");
    int64_t a, b;
    if (!*want) {
        assert_null(v);
    } else if (json_is_integer(v)) {
        count_is(line, result, "observed_value", want);
    } else if (!json_is_string(v) ||
               !time_parse_iso(str_of(json_string_value(v)), &a) ||
               !time_parse_iso(str_of(want), &b) || a != b) {
        fail_msg("%s: observed %s", line, v ? json_string_value(v) : "nothing");
    }
}

static void row_is(struct fixture *f, const char *line, char **field)
{
    const json_t *one = result_at(f, (size_t)strtol(field[1], NULL, 10) - 1);
    const json_t *result = json_object_get(one, "result");
    count_is(line, result, "element_count", field[4]);
    count_is(line, result, "missing_count", field[5]);
    count_is(line, result, "unexpected_count", field[6]);
    observed_is(line, result, field[7]);
    if (json_flag(one, "success", false) != (*field[8] == '1'))
        fail_msg("%s: the verdict differs: %s", line, json_str(one, "verdict", ""));
}

static void split(char *line, char **field)
{
    for (int i = 0; i < 9; i++) {
        field[i] = line;
        line += strcspn(line, ",");
        if (*line)
            *line++ = 0;
    }
}

static void begin_batch(struct fixture *f, const char *batch)
{
    char where[100], now[32];
    int64_t ms;
    if (!str_starts(batch, "day ")) {
        bool is_year = streq(batch, "pos_all");
        judge_batch(f, batch, NULL, is_year ? "2018-01-02" : "2017-12-27");
        return;
    }
    snprintf(where, sizeof where, "day = '%s'", batch + 4);
    assert_true(time_parse_iso(str_of(batch + 4), &ms));
    judge_batch(f, "pos_all", where, time_format_iso(ms + 86400000, false, now));
}

static void test_every_figure_of_the_year(void **state)
{
    struct fixture *f = *state;
    char *line = mem_alloc(LINE_MAX_BYTES), copy[512], last[64] = "", *field[9];
    struct map unloadable;
    size_t n, compared = 0;
    gzFile z = gzopen(data_path("expected/quality.csv.gz"), "rb");
    if (!z) {
        mem_free(line);
        skip();
    }
    load_stores(f);
    load_receipts(f, "pos_all", "pos_all.jsonl.gz", NULL);
    run(f->w, "CREATE INDEX silver.by_day ON pos_all (day)");
    load_receipts(f, "pos", "pos.jsonl.gz", NULL);
    load_receipts(f, "pos_incidents", "pos_incidents.jsonl.gz", NULL);
    unloadable_lines(&unloadable);
    load_receipts(f, "pos_disorder_landed", "pos_disorder.jsonl.gz", &unloadable);
    map_release(&unloadable);
    next_line(z, line, &n);
    while (next_line(z, line, &n)) {
        assert_true(str_copy(copy, sizeof copy, line));
        split(line, field);
        if (streq(field[0], "pos_disorder_stg"))
            continue; /* what the stream job and the models make of it: scenario tests
                       */
        if (!streq(field[0], last)) {
            str_copy(last, sizeof last, field[0]);
            begin_batch(f, last);
        }
        row_is(f, copy, field);
        compared++;
    }
    assert_int_equal(compared, (365 + 4) * 8);
    gzclose(z);
    mem_free(line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_figure_of_the_year, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
