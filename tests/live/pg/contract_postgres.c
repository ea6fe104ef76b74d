/* The warehouse contract on the PostgreSQL member; the server is the one of PGHOST,
 * PGPORT, PGUSER and PGDATABASE, started by run.sh. */
#include "live/warehouse/contract.h"

static struct wh *open_as(bool is_readonly, const char *dialect)
{
    static const char *const schemas[] = {"bronze", "silver", "gold", NULL};
    struct err e = {0};
    struct wh *w;
    must(wh_open(&w,
                 &(struct wh_options){.kind = "postgres",
                                      .schemas = schemas,
                                      .dialect = dialect,
                                      .is_readonly = is_readonly,
                                      .now_ms = NOW_MS},
                 &e),
         &e);
    return w;
}

static struct wh *open_member(void)
{
    return open_as(false, "snowflake");
}

static void clean_member(void)
{
    struct wh *w = open_as(false, "postgres");
    exec(w, "DROP SCHEMA IF EXISTS bronze, silver, gold, extra CASCADE");
    wh_close(w);
}

static void test_types(void **state)
{
    struct wh *w = *state;
    assert_string_equal(
        rows(w,
             "SELECT 5.00, 12345678901234567890.12, true, "
             "'2018-01-01 00:00:00.5'::timestamp, '2018-01-01 01:00+01'::timestamptz,"
             "'2018-01-02'::date, 12::numeric, '\\x6869'::bytea, 1.5::float8"),
        "5|12345678901234567890.12|1|2018-01-01 00:00:00.500|2018-01-01 00:00:00|"
        "2018-01-02|12|hi|1.5");
}

static void test_failed_transaction(void **state)
{
    struct wh *w = *state;
    struct err e = {0};
    must(wh_begin(w, &e), &e);
    exec(w, "CREATE TABLE silver.f (i BIGINT)");
    assert_true(wh_exec(w, "SELECT 1 / 0", &e) < 0);
    assert_true(wh_commit(w, &e) < 0); /* the server says ROLLBACK, and no error */
    assert_false(wh_in_transaction(w));
    assert_int_equal(wh_relation_type(w, "silver", "f"), WH_ABSENT);
}

static void test_bad_row_is_told(void **state)
{
    struct wh *w = *state;
    struct err e = {0};
    struct wh_loader *l;
    const char *const columns[] = {"i", NULL};
    struct wh_value bad = {.type = WH_TEXT, .text = STR("twelve")};
    exec(w, "CREATE TABLE silver.f (i BIGINT)");
    must(wh_loader_open(w, "silver", "f", columns, &l, &e), &e);
    must(wh_loader_row(l, &bad, &e), &e);
    wh_loader_close(l);
    assert_true(wh_exec(w, "SELECT 1", &e) < 0);
    assert_non_null(strstr(e.text, "load silver.f"));
    exec(w, "SELECT 1");
}

static void test_view_that_no_longer_fits(void **state)
{
    struct wh *w = *state;
    struct err e = {0};
    must(wh_create_table_as(w, "silver", "live", "SELECT 1 AS a", &e), &e);
    must(wh_create_view(w, "gold", "v", "SELECT a FROM silver.live", &e), &e);
    must(wh_create_table_as(w, "silver", "new", "SELECT 1 AS b", &e), &e);
    must(wh_swap(w, "silver", "new", "live", &e), &e);
    assert_int_equal(wh_relation_type(w, "gold", "v"), WH_ABSENT);
    assert_non_null(strstr(wh_notes(w), "gold.v"));
}

static void test_readonly_and_wrong_name(void **state)
{
    struct err e = {0};
    struct wh *w = open_as(true, "postgres");
    (void)state;
    assert_true(wh_exec(w, "CREATE TABLE silver.x (i INT)", &e) < 0);
    assert_non_null(strstr(e.text, "read-only"));
    wh_close(w);
    struct conf_postgres g = {.dbname = "nowhere"};
    assert_int_equal(
        wh_open(&w, &(struct wh_options){.kind = "postgres", .postgres = &g}, &e),
        ERR_CONFIG);
    assert_non_null(strstr(e.text, "nowhere"));
    g = (struct conf_postgres){
        .host = "127.0.0.1", .port = 1, .connect_timeout_ms = 3000};
    assert_int_equal(
        wh_open(&w, &(struct wh_options){.kind = "postgres", .postgres = &g}, &e),
        ERR_UNAVAILABLE);
}

static void test_grant(void **state)
{
    struct wh *w = *state;
    exec(w, "CREATE TABLE silver.g (i BIGINT)");
    exec(w, "GRANT SELECT ON silver.g TO ROLE pg_monitor; USE WAREHOUSE x");
    assert_int_equal(number(w, "SELECT COUNT_IF(grantee = 'pg_monitor') FROM "
                               "information_schema.role_table_grants WHERE "
                               "table_name = 'g'"),
                     1);
    assert_non_null(strstr(wh_notes(w), "USE WAREHOUSE x"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_types, setup, teardown),
        cmocka_unit_test_setup_teardown(test_failed_transaction, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_row_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(test_view_that_no_longer_fits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_readonly_and_wrong_name, setup, teardown),
        cmocka_unit_test_setup_teardown(test_grant, setup, teardown),
    };
    int failed = contract_run();
    return failed + cmocka_run_group_tests(tests, NULL, NULL);
}
