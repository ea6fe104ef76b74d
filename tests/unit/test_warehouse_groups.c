/* GROUP BY by hash: the same rows as the engine's own, in memory and out of it, and
 * only for what it understands. */
#include "wh_fixture.h"
#include "warehouse/group_table.h"
#include "warehouse/wh_sqlite.h"

static void make_table(struct wh *w)
{
    struct err e = {0};
    static const char *const columns[] = {"a", "b", "x", "y", NULL};
    struct wh_loader *l;
    run(w, "create table bronze.t(a, b text, x, y)");
    assert_int_equal(wh_begin(w, &e), 0);
    assert_int_equal(wh_loader_open(w, "bronze", "t", columns, &l, &e), 0);
    unsigned seed = 7;
    for (int i = 0; i < 20000; i++) {
        char text[32];
        seed = seed * 1103515245u + 12345u;
        unsigned r = seed >> 8;
        snprintf(text, sizeof text, "k%u", r % 97);
        struct wh_value v[4] = {
            {.type = r % 11 == 0  ? WH_NULL
                     : r % 11 < 6 ? WH_INT
                     : r % 11 < 9 ? WH_REAL
                                  : WH_TEXT,
             .i = (int64_t)(r % 13) - 6,
             .d = (double)(r % 17) / 4 - 2,
             .text = {text, strlen(text)}},
            {.type = r % 7 ? WH_TEXT : WH_NULL, .text = {text, strlen(text)}},
            {.type = r % 5 ? WH_REAL : WH_NULL, .d = (double)(r % 1000) / 100},
            {.type = r % 3 ? WH_INT : WH_TEXT, .i = r % 1000, .text = {"12.5", 4}}};
        if (wh_loader_row(l, v, &e) < 0)
            fail_msg("%s", e.text);
    }
    wh_loader_close(l);
    assert_int_equal(wh_commit(w, &e), 0);
}

/* Grouped into a table by hash, and by the engine, which a LIMIT makes do it. */
static void same_rows(struct wh *w, const char *select)
{
    struct err e = {0};
    struct buf plan;
    char *plain = mem_printf("%s limit 1000000", select);
    buf_init(&plan, 1u << 20);
    assert_true(lite_plan_groups(select, &plan));
    buf_release(&plan);
    if (wh_create_table_as(w, "silver", "h", select, &e) < 0 ||
        wh_create_table_as(w, "silver", "s", plain, &e) < 0)
        fail_msg("%s: %s", select, e.text);
    IS(w, "select count(*) > 0 from silver.h", "1");
    IS(w, "select (select count(*) from silver.h) = (select count(*) from silver.s)",
       "1");
    IS(w, "select count(*) from (select * from silver.h except select * from silver.s)",
       "0");
    IS(w, "select count(*) from (select * from silver.s except select * from silver.h)",
       "0");
    IS(w,
       "select (select group_concat(name || ':' || type) from pragma_table_info('h', "
       "'silver')) = (select group_concat(name || ':' || type) from "
       "pragma_table_info('s', 'silver'))",
       "1");
    IS(w,
       "select count(*) from silver.h h join silver.s s on s.rowid = h.rowid where "
       "h.k is not s.k",
       "0"); /* the order, too */
    run(w, "drop table silver.h; drop table silver.s");
    mem_free(plain);
}

static void test_same_as_the_engine(void **state)
{
    struct wh *w = ((struct fixture *)*state)->w;
    make_table(w);
    same_rows(w,
              "select b as k, count(*) as n, sum(x) as s, avg(x) m, sum(y), count(x) "
              "from bronze.t group by 1");
    same_rows(w, "select a as k, b, count(*) from bronze.t group by 1, 2");
    same_rows(w, "select sum(t.x), a as k, t.b from bronze.t t group by a, t.b");
    same_rows(w,
              "select upper(b) || '!' as k, count(a) from bronze.t where x > 3 -- c\n"
              "group by upper(b) || '!'");
    same_rows(w,
              "select b as k, sum(case when x > 3 then x else 0 end) as s\n"
              "from (select b, x from bronze.t group by b, x having x > 1) group by b");
    same_rows(w, "select typeof(a) as k, count(*) from bronze.t group by 1");
}

static void test_types_stay(void **state)
{
    struct wh *w = ((struct fixture *)*state)->w;
    struct err e = {0};
    run(w, "create table bronze.t(d text, r real, i integer)");
    run(w, "insert into bronze.t values('x', 5, 5), ('x', 5, 6), ('y', null, null)");
    assert_int_equal(wh_create_table_as(w, "silver", "g",
                                        "select d, r, sum(i) as s, avg(i) as a, "
                                        "sum(r) as q from bronze.t group by 1, 2",
                                        &e),
                     0);
    IS(w,
       "select typeof(r) || typeof(s) || typeof(a) || typeof(q) from silver.g "
       "where d = 'x'",
       "realintegerrealreal");
    IS(w, "select s || '|' || a || '|' || q from silver.g where d = 'x'",
       "11|5.5|10.0");
    IS(w, "select s is null and a is null from silver.g where d = 'y'", "1");
    IS(w, "select type from pragma_table_info('g', 'silver') where name = 'r'", "REAL");
    /* no column's affinity makes it real again */
    assert_int_equal(wh_create_table_as(w, "silver", "k",
                                        "select r * 2 as k, count(*) from bronze.t "
                                        "where d = 'x' group by 1",
                                        &e),
                     0);
    IS(w, "select typeof(k) || k from silver.k", "real10.0");
}

static void test_declared_collations(void **state)
{
    struct wh *w = ((struct fixture *)*state)->w;
    struct err e = {0};
    run(w, "create table bronze.t(a text collate nocase, x)");
    run(w, "insert into bronze.t values('x', 1), ('X', 2)");
    assert_int_equal(
        wh_create_table_as(w, "silver", "g",
                           "select a, sum(x) as s from bronze.t group by 1", &e),
        0);
    IS(w, "select count(*) || '|' || max(s) from silver.g", "1|3");
}

static void test_no_rows(void **state)
{
    struct wh *w = ((struct fixture *)*state)->w;
    struct err e = {0};
    run(w, "create table bronze.t(a, x)");
    assert_int_equal(wh_create_table_as(w, "silver", "g",
                                        "select a, sum(x) from bronze.t group by 1",
                                        &e),
                     0);
    IS(w, "select count(*) from silver.g", "0");
}

static void test_an_error_is_the_statements(void **state)
{
    struct wh *w = ((struct fixture *)*state)->w;
    struct err e = {0};
    run(w, "create table bronze.t(a, x)");
    assert_true(wh_create_table_as(w, "silver", "g",
                                   "select a, sum(y)\nfrom bronze.t group by 1",
                                   &e) < 0);
    assert_non_null(strstr(e.text, "no such column: y (line 1, column 15)"));
    assert_int_equal(wh_relation_type(w, "silver", "g"), WH_ABSENT);
    /* names that only the given text has: the engine does it */
    assert_int_equal(wh_create_table_as(w, "silver", "g",
                                        "select a + 1 as k, sum(x) from bronze.t "
                                        "where k > 0 group by 1",
                                        &e),
                     0);
}

static void test_what_is_not_planned(void **state)
{
    static const char *const others[] = {
        "select a, sum(x) from t",
        "select a, sum(distinct x) from t group by 1",
        "select a, sum(x) * 2 from t group by 1",
        "select a, b, sum(x) from t group by 1",
        "select a, sum(x) from t group by 1, 2",
        "select a, sum(x) from t group by 3",
        "select a, sum(x) from t group by 1.0", /* a constant, not the first column */
        "select a, sum(x) from t group by b",
        "select a z, sum(x) from t group by a", /* an alias without AS: not told apart
                                                 */
        "select a, max(x) from t group by 1",
        "select a, count(x) filter (where x > 1) from t group by 1",
        "select a, sum(sum(x)) over (order by a) from t group by 1",
        "select a, sum(x) from t group by 1 having sum(x) > 1",
        "select a, sum(x) from t group by 1 order by 1",
        "select a, sum(x) from t group by 1 limit 3",
        "select a, sum(x) from t group by 1 union all select 1, 2",
        "select 1, 2 union all select a, sum(x) from t group by 1",
        "select distinct a, sum(x) from t group by 1",
        "select a collate nocase, sum(x) from t group by 1",
        "with c as (select 1) select a, sum(x) from t group by 1",
        "select a, sum(x) from t group by 1;",
        "select a, sum(x), 'A' from t group by a, 'a'",
        "",
    };
    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct buf out;
        buf_init(&out, 1u << 20);
        if (lite_plan_groups(others[i], &out))
            fail_msg("planned: %s as %s", others[i], buf_str(&out));
        buf_release(&out);
    }
}

/* 50,000 groups of 4 rows in a tenth of the memory they need. */
static void test_out_of_memory_goes_to_the_file(void **state)
{
    struct fixture *f = *state;
    struct err e = {0};
    enum { GROUPS = 50000 };
    struct groups *g = groups_new("kns", f->dir, 700000);
    unsigned char *seen = mem_alloc(GROUPS);
    for (int round = 0; round < 4; round++)
        for (int i = 0; i < GROUPS; i++) {
            struct wh_value v[2] = {{.type = WH_INT, .i = i * 7919 % GROUPS},
                                    {.type = WH_REAL, .d = i * 7919 % GROUPS / 100.0}};
            if (groups_add(g, v, &e) < 0)
                fail_msg("%s", e.text);
        }
    struct wh_value row[3];
    int n = 0, rc;
    while ((rc = groups_next(g, row, &e)) == 1) {
        assert_in_range(row[0].i, 0, GROUPS - 1);
        assert_int_equal(seen[row[0].i]++, 0);
        assert_int_equal(row[1].i, 4);
        assert_true(row[2].d == (double)row[0].i * 4 / 100);
        n++;
    }
    assert_int_equal(rc, 0);
    assert_int_equal(n, GROUPS);
    groups_free(g);
    mem_free(seen);
}

static void test_no_room_for_the_file(void **state)
{
    struct err e = {0};
    struct groups *g = groups_new("kn", "/nowhere/at/all", 10000);
    int rc = 0;
    (void)state;
    for (int i = 0; rc == 0 && i < 100000; i++) {
        struct wh_value v = {.type = WH_INT, .i = i};
        rc = groups_add(g, &v, &e);
    }
    assert_int_equal(rc, ERR_IO);
    assert_non_null(strstr(e.text, "/nowhere/at/all"));
    groups_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        T(test_same_as_the_engine),
        T(test_types_stay),
        T(test_declared_collations),
        T(test_no_rows),
        T(test_an_error_is_the_statements),
        T(test_what_is_not_planned),
        T(test_out_of_memory_goes_to_the_file),
        T(test_no_room_for_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
