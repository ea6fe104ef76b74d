/* The warehouse contract: what every member does alike. Included by a test program that
 * says how to open the warehouse (open_member) and how to begin afresh (clean_member).
 * SQLite: tests/unit/test_warehouse_contract.c. PostgreSQL: tests/live/pg. */
#ifndef TESTS_WAREHOUSE_CONTRACT_H
#define TESTS_WAREHOUSE_CONTRACT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include "base/mem.h"
#include "warehouse/warehouse.h"

#define NOW_MS 1514764800000 /* 2018-01-01 00:00:00 */

static struct wh *open_member(void);
static void clean_member(void);

static int setup(void **state)
{
    clean_member();
    *state = open_member();
    return 0;
}

static int teardown(void **state)
{
    wh_close(*state);
    clean_member();
    return 0;
}

static void must(int rc, const struct err *e)
{
    if (rc < 0)
        fail_msg("%s", e->text);
}

static void exec(struct wh *w, const char *sql)
{
    struct err e = {0};
    must(wh_exec(w, sql, &e), &e);
}

static int64_t number(struct wh *w, const char *sql)
{
    struct err e = {0};
    int64_t n = 0;
    must(wh_query_i64(w, sql, &n, &e), &e);
    return n;
}

/* All rows as "a|b;c|d", null as "~". */
static const char *rows(struct wh *w, const char *sql)
{
    static char text[4096];
    struct wh_cursor *c;
    struct err e = {0};
    struct buf b;
    int rc;
    buf_init(&b, sizeof text - 1);
    must(wh_query(w, sql, &c, &e), &e);
    while ((rc = wh_next(c, &e)) == 1) {
        if (b.len)
            buf_addc(&b, ';');
        for (int i = 0; i < wh_n_columns(c); i++) {
            struct wh_value v = wh_value(c, i);
            if (i)
                buf_addc(&b, '|');
            if (v.type == WH_INT)
                buf_add_i64(&b, v.i);
            else if (v.type == WH_REAL)
                buf_addf(&b, "%.15g", v.d);
            else if (v.type == WH_NULL)
                buf_addc(&b, '~');
            else
                buf_add(&b, v.text.p, v.text.n);
        }
    }
    must(rc, &e);
    wh_cursor_close(c);
    str_copy(text, sizeof text, buf_str(&b));
    buf_release(&b);
    return text;
}

static void count_relation(void *arg, const char *schema, const char *name,
                           enum wh_relation_type type)
{
    (void)schema;
    int *n = arg;
    n[type]++;
    assert_true(*name != '_');
}

static void add_column(void *arg, const char *name, const char *type)
{
    struct buf *b = arg;
    assert_non_null(type);
    buf_addf(b, "%s,", name);
}

static void test_values(void **state)
{
    struct wh *w = *state;
    assert_string_equal(rows(w, "SELECT 1, 1.5, 'x''y', NULL, '' ORDER BY 1"),
                        "1|1.5|x'y|~|");
    exec(w, "CREATE TABLE silver.v (a BIGINT, b TEXT)");
    exec(w, "INSERT INTO silver.v VALUES (9223372036854775807, 'caf\xc3\xa9'), "
            "(-1, NULL)");
    assert_int_equal(wh_changes(w), 2);
    assert_string_equal(rows(w, "SELECT a, b FROM silver.v ORDER BY a"),
                        "-1|~;9223372036854775807|caf\xc3\xa9");
}

static void test_binds(void **state)
{
    struct wh *w = *state;
    struct wh_cursor *c;
    struct err e = {0};
    exec(w, "CREATE TABLE silver.b (k TEXT, n BIGINT)");
    exec(w, "INSERT INTO silver.b VALUES ('?', 1), ('b', 2), ('b', 3)");
    must(wh_query_raw(w, "SELECT n FROM silver.b WHERE k = ? AND n > ? AND k <> '?'",
                      &c, &e),
         &e);
    assert_string_equal(wh_column_name(c, 0), "n");
    must(wh_bind_text(c, 1, "b", &e), &e);
    must(wh_bind_i64(c, 2, 2, &e), &e);
    assert_int_equal(wh_next(c, &e), 1);
    assert_int_equal(wh_value(c, 0).i, 3);
    assert_int_equal(wh_next(c, &e), 0);
    assert_true(wh_bind_i64(c, 9, 1, &e) < 0);
    wh_cursor_close(c);
}

/* Statements run while a cursor is half read; the cursor goes on. */
static void test_two_cursors(void **state)
{
    struct wh *w = *state;
    struct wh_cursor *c;
    struct err e = {0};
    exec(w, "CREATE TABLE silver.n (i BIGINT)");
    exec(w, "INSERT INTO silver.n VALUES (1),(2),(3),(4)");
    must(wh_query(w, "SELECT i FROM silver.n ORDER BY i", &c, &e), &e);
    for (int64_t i = 1; i <= 4; i++) {
        assert_int_equal(wh_next(c, &e), 1);
        assert_int_equal(wh_value(c, 0).i, i);
        assert_int_equal(number(w, "SELECT count(*) FROM silver.n"), 4);
        assert_int_equal(wh_value(c, 0).i, i);
    }
    assert_int_equal(wh_next(c, &e), 0);
    wh_cursor_close(c);
}

static void test_error_position(void **state)
{
    struct wh *w = *state;
    struct wh_cursor *c;
    struct err e = {0};
    size_t at = 0;
    const char *sql = "SELECT 'caf\xc3\xa9', 7 / 2,\n  nonsense_column FROM "
                      "(SELECT 1 AS a) x";
    assert_true(wh_query(w, sql, &c, &e) < 0);
    assert_non_null(strstr(e.text, "line 2, column 3"));
    assert_non_null(strstr(e.text, "^"));
    assert_true(wh_error_at(w, &at));
    assert_int_equal(at, strstr(sql, "nonsense") - sql);
    assert_true(wh_exec(w, "SELECT 1;\nSELEC 2", &e) < 0);
    assert_non_null(strstr(e.text, "line 2, column 1"));
    assert_true(wh_query(w, "SELECT 1; SELECT 2", &c, &e) < 0);
    assert_true(wh_query(w, " -- nothing\n", &c, &e) < 0);
    assert_int_equal(number(w, "SELECT 5"), 5); /* and it goes on */
}

static void test_transactions(void **state)
{
    struct wh *w = *state;
    struct err e = {0};
    exec(w, "CREATE TABLE silver.t (i BIGINT)");
    must(wh_begin(w, &e), &e);
    assert_true(wh_in_transaction(w));
    exec(w, "INSERT INTO silver.t VALUES (1)");
    must(wh_rollback(w, &e), &e);
    assert_false(wh_in_transaction(w));
    assert_int_equal(wh_row_count(w, "silver", "t", &e), 0);
    must(wh_begin_on(w, "silver", &e), &e);
    exec(w, "INSERT INTO silver.t VALUES (1)");
    must(wh_commit(w, &e), &e);
    assert_int_equal(wh_row_count(w, "silver", "t", &e), 1);
    must(wh_rollback(w, &e), &e); /* none open: nothing */
    assert_true(wh_row_count(w, "silver", "absent", &e) < 0);
}

static void test_catalog(void **state)
{
    struct wh *w = *state;
    struct err e = {0};
    int n[4] = {0};
    struct buf b;
    must(wh_schema_ensure(w, "extra", &e), &e);
    must(wh_create_table_as(w, "extra", "t", "SELECT 1 AS a, 'x' AS b", &e), &e);
    must(wh_create_view(w, "extra", "v", "SELECT a FROM extra.t", &e), &e);
    assert_int_equal(wh_create_view(w, "extra", "v", "SELECT 1 AS a", &e), ERR_EXISTS);
    assert_int_equal(wh_create_table_as(w, "extra", "t", "SELECT 1 AS a", &e),
                     ERR_EXISTS);
    must(wh_relations(w, "extra", count_relation, n, &e), &e);
    assert_int_equal(n[WH_TABLE], 1);
    assert_int_equal(n[WH_VIEW], 1);
    assert_int_equal(wh_relation_type(w, "extra", "t"), WH_TABLE);
    assert_int_equal(wh_relation_type(w, "extra", "v"), WH_VIEW);
    assert_int_equal(wh_relation_type(w, "extra", "none"), WH_ABSENT);
    buf_init(&b, 1000);
    must(wh_columns(w, "extra", "t", add_column, &b, &e), &e);
    assert_string_equal(buf_str(&b), "a,b,");
    buf_release(&b);
    must(wh_index(w, "extra", "t", "a, b", &e), &e);
    must(wh_index(w, "extra", "t", "a, b", &e), &e);
    must(wh_set_rows(w, "extra", "t", 1, &e), &e);
    must(wh_create_table_as(w, WH_TEMP, "mine", "SELECT 1 AS a", &e), &e);
    assert_int_equal(wh_relation_type(w, WH_TEMP, "mine"), WH_TABLE);
    assert_int_equal(wh_row_count(w, WH_TEMP, "mine", &e), 1);
    must(wh_drop(w, WH_TEMP, "mine", &e), &e);
    must(wh_drop(w, "extra", "v", &e), &e);
    must(wh_drop(w, "extra", "v", &e), &e);
    must(wh_drop(w, "extra", "t", &e), &e);
    assert_int_equal(wh_relation_type(w, "extra", "t"), WH_ABSENT);
}

/* Views on the live relation, and views on those, see the new rows. */
static void test_swap(void **state)
{
    struct wh *w = *state;
    struct err e = {0};
    must(wh_create_table_as(w, "silver", "live", "SELECT 1 AS a", &e), &e);
    must(wh_create_view(w, "silver", "v1", "SELECT a FROM silver.live", &e), &e);
    must(wh_create_view(w, "gold", "v2",
                        "SELECT x.a + y.a AS s FROM silver.v1 x JOIN silver.live y "
                        "ON x.a = y.a",
                        &e),
         &e);
    assert_int_equal(number(w, "SELECT s FROM gold.v2"), 2);
    must(wh_create_table_as(w, "silver", "new", "SELECT 7 AS a, 1 AS b", &e), &e);
    must(wh_swap(w, "silver", "new", "live", &e), &e);
    assert_int_equal(number(w, "SELECT s FROM gold.v2"), 14);
    assert_int_equal(wh_relation_type(w, "silver", "new"), WH_ABSENT);
    must(wh_create_view(w, "silver", "new", "SELECT 9 AS a", &e), &e);
    must(wh_swap(w, "silver", "new", "live", &e), &e); /* table by view */
    assert_int_equal(wh_relation_type(w, "silver", "live"), WH_VIEW);
    assert_int_equal(number(w, "SELECT s FROM gold.v2"), 18);
    must(wh_create_table_as(w, "silver", "new", "SELECT 4 AS a", &e), &e);
    must(wh_swap(w, "silver", "new", "live", &e), &e); /* view by table */
    assert_int_equal(number(w, "SELECT s FROM gold.v2"), 8);
    must(wh_create_table_as(w, "silver", "new", "SELECT 3 AS a", &e), &e);
    must(wh_swap(w, "silver", "new", "first", &e), &e); /* nothing there before */
    assert_int_equal(number(w, "SELECT a FROM silver.first"), 3);
    assert_true(wh_swap(w, "silver", "absent", "live", &e) < 0);
    assert_int_equal(number(w, "SELECT a FROM silver.live"), 4);
    assert_false(wh_in_transaction(w));
}

static void test_loader(void **state)
{
    struct wh *w = *state;
    struct err e = {0};
    struct wh_loader *l;
    const char *const columns[] = {"a", "b", "c", NULL};
    const char *const wrong[] = {"a", "zzz", NULL};
    exec(w, "CREATE TABLE silver.l (a BIGINT, b TEXT, c DOUBLE PRECISION)");
    assert_true(wh_loader_open(w, "silver", "l", wrong, &l, &e) < 0);
    assert_null(l); /* closing it is allowed */
    must(wh_begin_on(w, "silver", &e), &e);
    must(wh_loader_open(w, "silver", "l", columns, &l, &e), &e);
    for (int64_t i = 0; i < 50000; i++) {
        struct wh_value v[] = {{.type = WH_INT, .i = i},
                               {.type = WH_TEXT, .text = STR("t\ta\nb\\c\r\\N")},
                               {.type = WH_REAL, .d = 0.1}};
        must(wh_loader_row(l, v, &e), &e);
    }
    struct wh_value none[3] = {{.type = WH_INT, .i = 50000}};
    must(wh_loader_row(l, none, &e), &e);
    assert_int_equal(wh_row_count(w, "silver", "l", &e), 50001); /* while it is open */
    must(wh_loader_row(l, none, &e), &e);
    wh_loader_close(l);
    must(wh_commit(w, &e), &e);
    assert_int_equal(wh_row_count(w, "silver", "l", &e), 50002);
    assert_string_equal(rows(w, "SELECT b, c FROM silver.l WHERE a = 49999"),
                        "t\ta\nb\\c\r\\N|0.1");
    assert_string_equal(rows(w, "SELECT DISTINCT b, c FROM silver.l WHERE a = 50000"),
                        "~|~");
    must(wh_begin_on(w, "silver", &e), &e);
    must(wh_loader_open(w, "silver", "l", columns, &l, &e), &e);
    must(wh_loader_row(l, none, &e), &e);
    must(wh_rollback(w, &e), &e);
    wh_loader_close(l);
    assert_int_equal(wh_row_count(w, "silver", "l", &e), 50002);
}

static void put(struct wh_loader *l, int64_t store, const char *at, int64_t revision,
                double sum)
{
    struct err e = {0};
    struct wh_value v[] = {{.type = WH_INT, .i = store},
                           {.type = WH_TEXT, .text = str_of(at)},
                           {.type = WH_INT, .i = revision},
                           {.type = WH_REAL, .d = sum}};
    must(wh_loader_row(l, v, &e), &e);
}

static void test_loader_replaces_lower_ranks(void **state)
{
    struct wh *w = *state;
    struct err e = {0};
    struct wh_loader *l;
    const char *const columns[] = {"store", "at", "revision", "sum", NULL};
    const char *const key[] = {"store", "at", NULL};
    const struct wh_upsert upsert = {key, "revision"};
    exec(w, "CREATE TABLE silver.u (store BIGINT NOT NULL, at TEXT NOT NULL, revision "
            "BIGINT, sum DOUBLE PRECISION, PRIMARY KEY (store, at))");
    for (int round = 0; round < 2; round++) {
        must(wh_begin_on(w, "silver", &e), &e);
        must(wh_loader_open_upsert(w, "silver", "u", columns, &upsert, &l, &e), &e);
        put(l, 1, "a", 1, 1.5);
        put(l, 1, "a", 3, 3.5); /* the same key again in the batch */
        put(l, 1, "a", 2, 2.5);
        put(l, 1, "b", 1, 4.5);
        put(l, 1, "b", 1, 5.5); /* an equal rank: the later one */
        wh_loader_close(l);
        must(wh_commit(w, &e), &e);
        assert_string_equal(rows(w, "SELECT * FROM silver.u ORDER BY at"),
                            "1|a|3|3.5;1|b|1|5.5");
    }
}

static void test_snowflake(void **state)
{
    struct wh *w = *state;
    exec(w, "CREATE TABLE silver.s (g TEXT, n BIGINT, m DECIMAL(12,2), at TIMESTAMP)");
    exec(w, "INSERT INTO silver.s VALUES ('a', 1, 0.10, '2018-01-01 05:06:07'),"
            "('a', 2, 0.20, '2017-12-31 23:00:00'), ('b', 4, 0.30, "
            "'2017-12-30 00:00:00')");
    assert_string_equal(rows(w, "SELECT g, COUNT_IF(n > 1), 3 / 2 FROM silver.s "
                                "GROUP BY g ORDER BY g"),
                        "a|1|1.5;b|1|1.5");
    assert_string_equal(rows(w, "SELECT SUM(m) FROM silver.s"), "0.6");
    assert_string_equal(rows(w, "SELECT MEDIAN(n) FROM silver.s"), "2");
    assert_string_equal(rows(w, "SELECT HOUR(at) FROM silver.s ORDER BY n"), "5;23;0");
    assert_int_equal(number(w, "SELECT ARRAY_SIZE('[1,[2,3],4]')"), 3);
    assert_int_equal(number(w, "SELECT count(*) FROM silver.s WHERE at > "
                               "CURRENT_TIMESTAMP() - INTERVAL '1 day'"),
                     2);
    assert_string_equal(rows(w, "SELECT CURRENT_TIMESTAMP()"), "2018-01-01 00:00:00");
    assert_string_equal(rows(w, "SELECT '12'::INTEGER + 1, COALESCE(NULL, 'x')"),
                        "13|x");
    assert_string_equal(rows(w, "SELECT at FROM silver.s WHERE n = 1"),
                        "2018-01-01 05:06:07");
    assert_int_equal(number(w, "SELECT DATEDIFF(day, '2018-01-01', '2018-01-05')"), 4);
    wh_set_now(w, NOW_MS + 3600000);
    assert_string_equal(rows(w, "SELECT CURRENT_TIMESTAMP()"), "2018-01-01 01:00:00");
}

static int stop_at_once(void *arg)
{
    ++*(int *)arg;
    return 1;
}

static void test_stop(void **state)
{
    struct wh *w = *state;
    struct err e = {0};
    int calls = 0;
    wh_set_progress(w, stop_at_once, &calls);
    int rc = wh_exec(w,
                     "CREATE TABLE silver.big AS WITH RECURSIVE c(i) AS (SELECT 1 "
                     "UNION ALL SELECT i + 1 FROM c WHERE i < 2000000000) "
                     "SELECT count(*) AS n FROM c",
                     &e);
    wh_set_progress(w, NULL, NULL);
    assert_int_equal(rc, ERR_INTERRUPTED);
    assert_int_not_equal(calls, 0);
    assert_int_equal(wh_relation_type(w, "silver", "big"), WH_ABSENT);
    assert_int_equal(number(w, "SELECT 5"), 5);
}

static void test_quote(void **state)
{
    struct wh *w = *state;
    struct err e = {0};
    struct buf b;
    must(wh_create_table_as(w, "silver", "Odd \"name", "SELECT 1 AS a", &e), &e);
    buf_init(&b, 1000);
    buf_adds(&b, "SELECT a FROM ");
    wh_quote(w, &b, "silver", "Odd \"name");
    assert_int_equal(number(w, buf_str(&b)), 1);
    buf_release(&b);
}

static int contract_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_values, setup, teardown),
        cmocka_unit_test_setup_teardown(test_binds, setup, teardown),
        cmocka_unit_test_setup_teardown(test_two_cursors, setup, teardown),
        cmocka_unit_test_setup_teardown(test_error_position, setup, teardown),
        cmocka_unit_test_setup_teardown(test_transactions, setup, teardown),
        cmocka_unit_test_setup_teardown(test_catalog, setup, teardown),
        cmocka_unit_test_setup_teardown(test_swap, setup, teardown),
        cmocka_unit_test_setup_teardown(test_loader, setup, teardown),
        cmocka_unit_test_setup_teardown(test_loader_replaces_lower_ranks, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_snowflake, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stop, setup, teardown),
        cmocka_unit_test_setup_teardown(test_quote, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
