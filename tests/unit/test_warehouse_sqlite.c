/* The SQLite member against its header: catalog, publish, transactions, errors. */
#include <sqlite3.h>
#include <sys/resource.h>
#include <signal.h>
#include <sys/wait.h>
#include "wh_fixture.h"

static void test_catalog(void **state)
{
    struct wh *w = ((struct fixture *)*state)->w;
    run(w, "create table gold.t(a integer, b text)");
    assert_int_equal(wh_relation_type(w, "gold", "t"), WH_TABLE);
    assert_int_equal(wh_relation_type(w, "gold", "T"), WH_TABLE);
    assert_int_equal(wh_relation_type(w, "silver", "t"), WH_ABSENT);
    assert_int_equal(wh_relation_type(w, "nowhere", "t"), WH_ABSENT);
    run(w, "insert into gold.t values(1,'x'),(2,'y')");
    assert_int_equal(wh_row_count(w, "gold", "t", NULL), 2);
    assert_int_equal(wh_changes(w), 2);
}

static void count_relation(void *arg, const char *schema, const char *name,
                           enum wh_relation_type type)
{
    (void)schema, (void)name, (void)type;
    ++*(int *)arg;
}

static void add_column(void *arg, const char *name, const char *type)
{
    (void)type;
    buf_addf(arg, "%s ", name);
}

/* SQLite refuses a view over two files; here it works, for reading too. */
static void test_view_over_schemas(void **state)
{
    struct fixture *f = *state;
    struct err e = {0};
    int n = 0;
    run(f->w, "create table bronze.raw(a, b)");
    run(f->w, "insert into bronze.raw values(1, 'x')");
    assert_int_equal(
        wh_create_view(f->w, "silver", "v", "select a, b from bronze.raw", &e), 0);
    assert_int_equal(
        wh_create_view(f->w, "gold", "v2", "select v.a * 2 as twice from silver.v", &e),
        0);
    IS(f->w, "select twice from gold.v2", "2");
    IS(f->w, "select v.b from \"silver\".\"v\"", "x");
    assert_int_equal(wh_relation_type(f->w, "silver", "v"), WH_VIEW);
    wh_relations(f->w, "silver", count_relation, &n, &e);
    assert_int_equal(n, 1);
    struct buf cols;
    buf_init(&cols, 1000);
    wh_columns(f->w, "silver", "v", add_column, &cols, &e);
    assert_string_equal(buf_str(&cols), "a b ");
    buf_release(&cols);

    struct wh *reader = open_wh(f->dir, true);
    IS(reader, "select twice from gold.v2", "2");
    /* replaced behind the reader's back */
    assert_int_equal(wh_create_view(f->w, "silver", "v_new",
                                    "select a + 10 as a, b from bronze.raw", &e),
                     0);
    assert_int_equal(wh_swap(f->w, "silver", "v_new", "v", &e), 0);
    IS(reader, "select twice from gold.v2", "22");
    wh_close(reader);
    assert_int_equal(wh_drop(f->w, "silver", "v", &e), 0);
    assert_int_equal(wh_relation_type(f->w, "silver", "v"), WH_ABSENT);
}

/* Found with the sqlite3 shell: a view with "silver"."t" in it made the whole file
 * "malformed" for everybody who opens it under another name. */
static void test_files_open_alone(void **state)
{
    struct fixture *f = *state;
    struct err e = {0};
    char path[128];
    sqlite3 *db;
    run(f->w, "create table silver.t as select 4 as a");
    assert_int_equal(wh_create_view(f->w, "silver", "v0",
                                    "select \"silver\".\"t\".a from "
                                    "\"silver\".\"t\"",
                                    &e),
                     0);
    assert_int_equal(
        wh_create_view(f->w, "silver", "v", "select t.a from silver.t t", &e), 0);
    assert_int_equal(
        wh_create_view(f->w, "silver", "same_name",
                       "with t as (select a + 1 as a from \"silver\".\"t\")"
                       " select a from t",
                       &e),
        0);
    IS(f->w, "select a from silver.same_name", "5");
    snprintf(path, sizeof path, "%s/silver.db", f->dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    char *why = NULL;
    sqlite3_exec(db, "select a from v", NULL, NULL, &why);
    if (why)
        fail_msg("%s", why);
    sqlite3_close(db);
}

static void test_swap_keeps_views_working(void **state)
{
    struct wh *w = ((struct fixture *)*state)->w;
    struct err e = {0};
    run(w, "create table gold.live(a)");
    run(w, "insert into gold.live values(1)");
    assert_int_equal(
        wh_create_view(w, "gold", "on_live", "select a from gold.live", &e), 0);
    assert_int_equal(wh_create_table_as(w, "gold", "built", "select 7 as a", &e), 0);
    assert_int_equal(wh_swap(w, "gold", "built", "live", &e), 0);
    IS(w, "select a from gold.on_live", "7");
    assert_int_equal(wh_relation_type(w, "gold", "built"), WH_ABSENT);
    assert_int_equal(wh_relation_type(w, "gold", "live__weir_old"), WH_ABSENT);
    /* table by view, view by table */
    assert_int_equal(wh_create_view(w, "gold", "built", "select 8 as a", &e), 0);
    assert_int_equal(wh_swap(w, "gold", "built", "live", &e), 0);
    IS(w, "select a from gold.on_live", "8");
    assert_int_equal(wh_create_table_as(w, "gold", "built", "select 9 as a", &e), 0);
    assert_int_equal(wh_swap(w, "gold", "built", "live", &e), 0);
    IS(w, "select a from gold.on_live", "9");
    assert_int_equal(wh_swap(w, "gold", "missing", "live", &e), ERR_NOTFOUND);
    IS(w, "select a from gold.live", "9");
}

static void test_swap_after_a_crash(void **state)
{
    struct wh *w = ((struct fixture *)*state)->w;
    struct err e = {0};
    run(w, "create table gold.live__weir_old(a)"); /* what kill -9 leaves */
    run(w, "create table gold.live as select 1 as a");
    run(w, "create table gold.built as select 2 as a");
    assert_int_equal(wh_swap(w, "gold", "built", "live", &e), 0);
    IS(w, "select a from gold.live", "2");
    assert_int_equal(wh_relation_type(w, "gold", "live__weir_old"), WH_ABSENT);
}

static void test_publishing_locks_one_schema(void **state)
{
    struct fixture *f = *state;
    struct err e = {0};
    struct wh *other = open_wh(f->dir, false);
    run(f->w, "create table gold.built as select 1 as a");
    run(other, "begin");
    run(other, "create table bronze.x(a)"); /* a loader in the middle of its batch */
    assert_int_equal(wh_swap(f->w, "gold", "built", "live", &e), 0);
    run(other, "commit");
    wh_close(other);
}

static void test_error_has_line_column_and_caret(void **state)
{
    struct wh *w = ((struct fixture *)*state)->w;
    struct err e = {0};
    size_t at;
    /* the translated text is longer than what was given: positions are of the given */
    int rc = wh_exec(
        w, "select CURRENT_TIMESTAMP(),\n       1 / 2 as x,\n  nope\nfrom gold.t", &e);
    assert_int_equal(rc, ERR_SQL);
    assert_non_null(strstr(e.text, "no such table: gold.t"));
    run(w, "create table gold.t(a)");
    rc = wh_exec(
        w, "select CURRENT_TIMESTAMP(),\n       1 / 2 as x,\n  nope\nfrom gold.t", &e);
    assert_int_equal(rc, ERR_SQL);
    assert_non_null(strstr(e.text, "no such column: nope (line 3, column 3)"));
    assert_non_null(strstr(e.text, "    3 |   nope\n      |   ^"));
    assert_true(wh_error_at(w, &at));
    assert_int_equal(at, 49);
    rc = wh_create_table_as(w, "gold", "t2", "select a::date,\n a frm gold.t gg", &e);
    assert_int_equal(rc, ERR_SQL);
    assert_non_null(strstr(e.text, "line 2"));
}

static void test_unclosed_string(void **state)
{
    struct wh *w = ((struct fixture *)*state)->w;
    struct err e = {0};
    assert_int_equal(wh_exec(w, "select 1,\n  'abc", &e), ERR_PARSE);
    assert_non_null(strstr(e.text, "line 2, column 3"));
}

static void test_begin_commit_rollback(void **state)
{
    struct wh *w = ((struct fixture *)*state)->w;
    run(w, "create table gold.t(a)");
    assert_int_equal(wh_begin(w, NULL), 0);
    assert_true(wh_in_transaction(w));
    run(w, "insert into gold.t values(1)");
    assert_int_equal(wh_rollback(w, NULL), 0);
    IS(w, "select count(*) from gold.t", "0");
    assert_int_equal(wh_rollback(w, NULL), 0);
}

static void test_loader(void **state)
{
    struct wh *w = ((struct fixture *)*state)->w;
    struct err e = {0};
    struct wh_loader *l;
    const char *const cols[] = {"a", "odd \"name", "c", NULL};
    run(w, "create table bronze.t(a integer, \"odd \"\"name\" text, c real)");
    assert_int_equal(wh_loader_open(w, "bronze", "t", cols, &l, &e), 0);
    wh_begin(w, NULL);
    for (int i = 0; i < 1000; i++) {
        struct wh_value v[3] = {{.type = WH_INT, .i = i},
                                {.type = WH_TEXT, .text = STR("x'y")},
                                {.type = WH_REAL, .d = 0.5}};
        assert_int_equal(wh_loader_row(l, v, &e), 0);
    }
    wh_commit(w, NULL);
    wh_loader_close(l);
    IS(w, "select count(*) || max(a) || max(\"odd \"\"name\") from bronze.t",
       "1000999x'y");
    const char *const wrong[] = {"nope", NULL};
    assert_int_equal(wh_loader_open(w, "bronze", "t", wrong, &l, &e), ERR_SQL);
}

static void test_readonly(void **state)
{
    struct fixture *f = *state;
    struct err e = {0};
    run(f->w, "create table gold.t as select 5 as a");
    struct wh *r = open_wh(f->dir, true);
    IS(r, "select a from gold.t", "5");
    assert_true(wh_exec(r, "insert into gold.t values(1)", &e) < 0);
    assert_true(wh_exec(r, "drop table gold.t", &e) < 0);
    wh_close(r);
}

static void test_eleventh_schema_is_refused(void **state)
{
    struct wh *w = ((struct fixture *)*state)->w;
    struct err e = {0};
    int rc = 0;
    for (int i = 0; rc == 0 && i < 12; i++) {
        char name[16];
        snprintf(name, sizeof name, "s%d", i);
        rc = wh_schema_ensure(w, name, &e);
    }
    assert_int_equal(rc, ERR_LIMIT);
    assert_non_null(strstr(e.text, "at most 10"));
    assert_int_equal(wh_schema_ensure(w, "../x", &e), ERR_CONFIG);
}

/* A full disk (here: a file size limit) is named, and the live table stays. */
static void test_disk_full(void **state)
{
    struct fixture *f = *state;
    run(f->w, "create table gold.live as select 1 as a");
    wh_close(f->w);
    pid_t pid = fork();
    if (pid == 0) {
        struct rlimit lim = {400 * 1024, 400 * 1024};
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &lim);
        struct err e = {0};
        struct wh *w = open_wh(f->dir, false);
        int rc =
            wh_create_table_as(w, "gold", "big",
                               "with recursive n(i) as (select 1 union all select i + 1"
                               " from n where i < 3000) select i, hex(randomblob(500))"
                               " as x from n",
                               &e);
        _exit(rc == ERR_FULL && strstr(e.text, "no space left") ? 0 : 1);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    f->w = open_wh(f->dir, false);
    assert_int_equal(status, 0);
    IS(f->w, "select a from gold.live", "1");
    assert_int_equal(wh_relation_type(f->w, "gold", "big"), WH_ABSENT);
}

static int stop_at_once(void *arg)
{
    return ++*(int *)arg > 3;
}

static void test_progress_stops_a_statement(void **state)
{
    struct wh *w = ((struct fixture *)*state)->w;
    struct err e = {0};
    int calls = 0;
    wh_set_progress(w, stop_at_once, &calls);
    int rc = wh_exec(w,
                     "with recursive n(i) as (select 1 union all select i + 1 from n)"
                     " select count(*) from n",
                     &e);
    assert_int_equal(rc, ERR_INTERRUPTED);
    wh_set_progress(w, NULL, NULL);
    IS(w, "select 1", "1");
}

static void test_waiting_for_a_lock_can_be_stopped(void **state)
{
    struct fixture *f = *state;
    struct err e = {0};
    int calls = 0;
    struct wh *other = open_wh(f->dir, false);
    run(other, "begin");
    run(other, "create table gold.x(a)");
    wh_set_progress(f->w, stop_at_once, &calls);
    assert_true(wh_begin_on(f->w, "gold", &e) < 0);
    assert_true(calls > 3);
    wh_set_progress(f->w, NULL, NULL);
    run(other, "commit");
    wh_close(other);
    assert_int_equal(wh_begin_on(f->w, "gold", &e), 0);
    assert_int_equal(wh_rollback(f->w, &e), 0);
}

static void test_grant_is_noted_not_run(void **state)
{
    struct wh *w = ((struct fixture *)*state)->w;
    run(w, "GRANT SELECT ON gold.t TO ROLE analytics_reader");
    assert_string_equal(wh_notes(w),
                        "GRANT SELECT ON gold.t TO ROLE analytics_reader\n");
    wh_notes_clear(w);
    assert_string_equal(wh_notes(w), "");
    run(w, "create table gold.t(a); grant all on gold.t to x; insert into gold.t "
           "values(1)");
    IS(w, "select count(*) from gold.t", "1");
}

static void test_schema_named_main(void **state)
{
    struct fixture *f = *state;
    struct err e = {0};
    static const char *const names[] = {"main", "silver", NULL};
    struct wh_options o = {.dir = f->dir, .schemas = names, .now_ms = -1};
    struct wh *w;
    assert_int_equal(wh_open(&w, &o, &e), 0);
    assert_int_equal(wh_create_table_as(w, "main", "t", "select 3 as a", &e), 0);
    assert_int_equal(wh_create_view(w, "main", "v", "select a from main.t", &e), 0);
    wh_close(w);
    assert_int_equal(wh_open(&w, &o, &e), 0);
    IS(w, "select a from main.v", "3");
    wh_close(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        T(test_catalog),
        T(test_view_over_schemas),
        T(test_files_open_alone),
        T(test_swap_keeps_views_working),
        T(test_swap_after_a_crash),
        T(test_publishing_locks_one_schema),
        T(test_error_has_line_column_and_caret),
        T(test_unclosed_string),
        T(test_begin_commit_rollback),
        T(test_loader),
        T(test_readonly),
        T(test_eleventh_schema_is_refused),
        T(test_disk_full),
        T(test_progress_stops_a_statement),
        T(test_waiting_for_a_lock_can_be_stopped),
        T(test_grant_is_noted_not_run),
        T(test_schema_named_main),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
