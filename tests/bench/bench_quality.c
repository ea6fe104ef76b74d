/* The seed's suite on a table of receipts: all expectations in one scan, against each
 * in a scan of its own (what Great Expectations does), on the same table in the same
 * run.
 *
 *     bench_quality [ROWS]
 * Fails when one scan is not at least 1.2 times as fast as eight. */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include "base/json.h"
#include "base/mem.h"
#include "quality/quality.h"

static const char *const checks[] = {
    "{\"type\":\"expect_column_values_to_not_be_null\",\"kwargs\":{\"column\":\"id\"}}",
    "{\"type\":\"expect_column_values_to_not_be_null\",\"kwargs\":{\"column\":"
    "\"store\"}}",
    "{\"type\":\"expect_column_values_to_not_be_null\",\"kwargs\":{\"column\":\"at\"}}",
    "{\"type\":\"expect_column_values_to_be_unique\",\"kwargs\":{\"column\":\"id\"}}",
    "{\"type\":\"expect_column_values_to_be_between\",\"kwargs\":{\"column\":\"total\","
    "\"min_value\":0,\"max_value\":100000}}",
    "{\"type\":\"expect_column_max_to_be_between\",\"kwargs\":{\"column\":\"at\","
    "\"min_value\":\"2017\"}}",
    "{\"type\":\"expect_column_values_to_be_in_set\",\"kwargs\":{\"column\":\"store\","
    "\"value_set\":{\"$PARAMETER\":\"stores\"}}}",
    "{\"type\":\"expect_table_row_count_to_be_between\",\"kwargs\":{\"min_value\":1}}",
};
#define N_CHECKS (sizeof checks / sizeof *checks)

static void die(const struct err *e)
{
    fprintf(stderr, "bench_quality: %s\n", e->text);
    exit(1);
}

static void run(struct wh *w, const char *sql)
{
    struct err e;
    if (wh_exec_raw(w, sql, &e) < 0)
        die(&e);
}

static int64_t cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* CPU milliseconds to judge checks [from, to). */
static double judge(struct wh *w, size_t from, size_t to)
{
    struct err e = {0};
    struct suite *s = NULL;
    enum verdict v = VERDICT_ERROR;
    json_t *list = json_array(), *result = NULL;
    for (size_t i = from; i < to; i++)
        json_array_append_new(list, json_loads(checks[i], 0, NULL));
    json_t *p =
        json_pack("{s:{s:s}}", "stores", "query", "select store from silver.stores");
    struct suite_run r = {.schema = "silver", .relation = "t", .parameters = p};
    int64_t start = cpu_us();
    if (suite_parse(&s, list, "bench", &e) < 0 ||
        suite_judge(s, w, &r, &v, &result, &e) < 0)
        die(&e);
    double ms = (double)(cpu_us() - start) / 1000;
    if (v != VERDICT_PASS)
        fprintf(stderr, "bench_quality: verdict %s\n", verdict_name(v));
    suite_free(s);
    json_decref(result);
    json_decref(list);
    json_decref(p);
    return ms;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *f)
{
    (void)st, (void)flag, (void)f;
    return remove(path);
}

int main(int argc, char **argv)
{
    static const char *const schemas[] = {"silver", NULL};
    char dir[] = "/tmp/weir-bench-XXXXXX", sql[600];
    int64_t rows = 1000000;
    struct wh *w;
    struct err e;
    if (argc > 1)
        str_to_i64(str_of(argv[1]), &rows);
    if (!mkdtemp(dir))
        return 1;
    struct wh_options o = {.kind = "sqlite",
                           .dir = dir,
                           .schemas = schemas,
                           .dialect = "sqlite",
                           .now_ms = -1};
    if (wh_open(&w, &o, &e) < 0)
        die(&e);
    run(w, "CREATE TABLE silver.stores (store TEXT)");
    run(w,
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 456) "
        "INSERT INTO silver.stores SELECT CAST(i AS TEXT) FROM n");
    run(w,
        "CREATE TABLE silver.t (id TEXT, store TEXT, at TEXT, total REAL, items TEXT)");
    snprintf(sql, sizeof sql,
             "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < "
             "%lld) "
             "INSERT INTO silver.t SELECT 'STORE_' || (i %% 457) || '_TXN_' || "
             "(i * 7919 %% 1000003) || '_' || i, CAST(i %% 457 AS TEXT), "
             "'2017-12-24 10:00:00', (i %% 10000) / 100.0, printf('%%0300d', i) FROM n",
             (long long)rows - 1);
    run(w, sql);
    double one = judge(w, 0, N_CHECKS), each = 0;
    for (size_t i = 0; i < N_CHECKS; i++)
        each += judge(w, i, i + 1);
    double second = judge(w, 0, N_CHECKS);
    one = second < one ? second : one;
    printf("%lld rows, %zu expectations\n%-20s %10s %8s\n", (long long)rows, N_CHECKS,
           "", "cpu ms", "ratio");
    printf("%-20s %10.0f %8.2f\n%-20s %10.0f %8.2f\n", "each by itself", each, 1.0,
           "one scan", one, one / each);
    wh_close(w);
    nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    bool ok = one * 1.2 < each;
    puts(ok ? "ok" : "BELOW TARGET: one scan at least 1.2 times as fast");
    return ok ? 0 : 1;
}
