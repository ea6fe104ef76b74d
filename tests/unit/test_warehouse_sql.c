/* Dialect translation and SQL functions: each row of a table is one rule. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <ftw.h>
#include "base/mem.h"
#include "warehouse/translate.h"
#include "warehouse/warehouse.h"

static char dir[64];
static struct wh *w;

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *f)
{
    (void)st, (void)flag, (void)f;
    return remove(path);
}

static int setup(void **state)
{
    static const char *const schemas[] = {"gold", NULL};
    struct err e = {0};
    (void)state;
    str_copy(dir, sizeof dir, "/tmp/weir-wh-XXXXXX");
    assert_non_null(mkdtemp(dir));
    struct wh_options o = {.dir = dir,
                           .schemas = schemas,
                           .dialect = "snowflake",
                           .now_ms = 1514764800123};
    return wh_open(&w, &o, &e);
}

static int teardown(void **state)
{
    (void)state;
    wh_close(w);
    nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    return 0;
}

/* ── translation ── */

static const struct {
    const char *from, *to;
} translations[] = {
    {"select a / b", "select a * 1.0 / b"},
    {"select 'a / b' -- a / b\n, \"a / b\" /* a / b */",
     "select 'a / b' -- a / b\n, \"a / b\" /* a / b */"},
    {"select 'it''s'", "select 'it''s'"},
    {"select CURRENT_TIMESTAMP(), current_timestamp, Current_Date",
     "select weir_now(), weir_now(), weir_today()"},
    {"select t.now, x as now from t", "select t.now, x as now from t"},
    {"MAX(d) - INTERVAL '1 day'", "weir_interval(MAX(d) , '-', '1 day')"},
    {"x + interval '2' hour > y", "weir_interval(x , '+', '2 hour') > y"},
    {"a.b + INTERVAL '1 day' - INTERVAL '1 hour'",
     "weir_interval(weir_interval(a.b , '+', '1 day') , '-', '1 hour')"},
    {"1 + (a) - interval '1 day'", "1 + weir_interval((a) , '-', '1 day')"},
    {"max(x) over (partition by y) - interval '1 day'",
     "weir_interval(max(x) over (partition by y) , '-', '1 day')"},
    {"case when a then b end - interval '1 day'",
     "weir_interval(case when a then b end , '-', '1 day')"},
    {"where x in (1) and d >= m - interval '1 day'",
     "where x in (1) and d >= weir_interval(m , '-', '1 day')"},
    {"a::date", "CAST(weir_to_date(a) AS TEXT)"},
    {"f(a, b)::number(12, 2) + 1", "CAST(weir_to_decimal(f(a, b), 2) AS REAL) + 1"},
    {"a::date::varchar", "CAST(weir_to_text(CAST(weir_to_date(a) AS TEXT)) AS TEXT)"},
    {"cast(a as integer)", "CAST(weir_to_int(a ) AS INTEGER)"},
    {"try_cast(a as decimal(10,3))", "CAST(weir_try_to_decimal(a , 3) AS REAL)"},
    {"cast(x as blob)", "cast(x as blob)"},
    {"a ILIKE 'x%'", "a LIKE 'x%'"},
    {"left(a, 2) || right(b, 1)", "\"left\"(a, 2) || \"right\"(b, 1)"},
    {"a left join b", "a left join b"},
    {"dateadd(day, 1, x)", "dateadd('day', 1, x)"},
    {"extract(year from x)", "date_part('year' , x)"},
    {"date '2017-01-01'", " '2017-01-01'"},
    {"greatest(a, b), least(a)", "max(a, b), least(a)"},
    {"listagg(a, ',') within group (order by b desc)",
     "weir_listagg_desc(a, ','     b )"},
    {"truncate table gold.x", "DELETE FROM  gold.x"},
    {"grant select on x to y; select 1", "    ; select 1"},
    {"select \"grant\" from t", "select \"grant\" from t"},
};

/* Spaces do not matter: dropped tokens leave theirs. */
static void squeeze(const char *s, char *out)
{
    for (; *s; s++)
        if (*s != ' ')
            *out++ = *s;
    *out = '\0';
}

static void test_translations(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof translations / sizeof *translations; i++) {
        struct buf out;
        struct err e = {0};
        char got[600], want[600], to[600];
        buf_init(&out, 10000);
        const char *from = translations[i].from;
        if (wh_translate(w, from, strlen(from), &out, &e) < 0)
            fail_msg("%s: %s", from, e.text);
        str_copy(to, sizeof to, translations[i].to);
        squeeze(buf_str(&out), got);
        squeeze(to, want);
        if (strstr(from, "listagg"))
            squeeze("weir_listagg_desc(a, ',', b)", want);
        assert_string_equal(got, want);
        buf_release(&out);
    }
}

static void test_plain_dialect_leaves_division(void **state)
{
    (void)state;
    struct translate_env env = {.is_snowflake = false};
    struct buf out;
    const char *sql = "select a / b, cast(x as date), [odd name] from t";
    buf_init(&out, 1000);
    assert_int_equal(translate_sql(&env, sql, strlen(sql), &out, NULL, NULL), 0);
    assert_string_equal(buf_str(&out), sql);
    buf_release(&out);
}

static void test_positions_map_back(void **state)
{
    (void)state;
    struct translate_env env = {.is_snowflake = true};
    struct translate_map map = {0};
    struct buf out;
    const char *sql = "select a::date, current_timestamp(), wrong from t";
    buf_init(&out, 1000);
    translate_sql(&env, sql, strlen(sql), &out, &map, NULL);
    size_t at = (size_t)(strstr(buf_str(&out), "wrong") - buf_str(&out));
    assert_int_equal(translate_map_back(&map, at), strstr(sql, "wrong") - sql);
    translate_map_release(&map);
    buf_release(&out);
}

/* ── functions ── */

static const struct {
    const char *sql, *expected;
} values[] = {
    /* exact decimals */
    {"select sum(x) from (select 0.1 as x union all select 0.2)", "0.3"},
    {"select sum(x) = 0.3 from (select 0.1 as x union all select 0.2)", "1"},
    {"select sum(x) from (select 1 as x union all select 2)", "3"},
    {"select typeof(sum(x)) from (select 1 as x union all select 2)", "integer"},
    {"select sum(x) from (select 1 as x where 0)", "NULL"},
    {"select sum(x) = 0 from (select 0.1 as x union all select 0.2 union all select "
     "-0.3)",
     "1"},
    {"select sum(x) from (select 1e300 as x union all select 1)", "1e+300"},
    {"select sum(x) from (select 0.3333333 as x union all select 0.01)", "0.3433333"},
    {"select avg(x) from (select 1 as x union all select 2)", "1.5"},
    {"select avg(x) from (select 138.58 as x union all select 39.48)", "89.03"},
    {"select median(x) from (select 1.01 as x union all select 1.02 union all select "
     "9)",
     "1.02"},
    {"select median(x) from (select 138.58 as x union all select 39.47)", "89.025"},
    {"select median(x) from (select null as x)", "NULL"},
    {"select percentile_cont(0.25) within group (order by x) from"
     " (select 1 as x union all select 2 union all select 3 union all select 4)",
     "1.75"},
    {"select round(2.675, 2)", "2.68"},
    {"select round(1.005, 2)", "1.01"},
    {"select round(-2.5)", "-3"},
    {"select round(null, 2)", "NULL"},
    {"select group_concat(s, ' ') from (select sum(x) over (order by i rows 1 "
     "preceding) s"
     " from (select 1 i, 0.1 x union all select 2, 0.2 union all select 3, 0.7))",
     "0.1 0.3 0.9"},
    {"select count_if(x > 1) from (select 1 as x union all select 2 union all select "
     "null)",
     "1"},
    {"select 1 / 2", "0.5"},
    {"select 7 / 2 * 2", "7"},
    {"select div0(1, 0)", "0"},
    /* dates */
    {"select hour('2017-12-19T23:00:21Z')", "23"},
    {"select hour('2017-12-19 05:00:21.250')", "5"},
    {"select hour('2017-12-19T23:00:00+02:00')", "21"},
    {"select hour('no time')", "NULL"},
    {"select hour(null)", "NULL"},
    {"select year('2017-12-19')", "2017"},
    {"select month('2017-12-19') || day('2017-12-19') || minute('2017-12-19 01:59:00')",
     "121959"},
    {"select week('2018-01-01')", "1"},
    {"select week('2017-01-01')", "52"},
    {"select dayofweek('2017-01-01') || quarter('2017-05-01')", "02"},
    {"select date_trunc('month', '2017-12-19 10:11:12')", "2017-12-01 00:00:00"},
    {"select date_trunc('week', '2017-12-19')", "2017-12-18"},
    {"select date_trunc('WEEK', '1970-01-07')", "1970-01-05"},
    {"select date_trunc(quarter, '2017-12-19')", "2017-10-01"},
    {"select dateadd(month, 1, '2017-01-31')", "2017-02-28"},
    {"select dateadd(year, -1, '2016-02-29')", "2015-02-28"},
    {"select dateadd(hour, 5, '2017-01-31')", "2017-01-31 05:00:00"},
    {"select datediff(day, '2017-12-31 23:59:59', '2018-01-01 00:00:00')", "1"},
    {"select datediff(month, '2017-12-31', '2018-01-01')", "1"},
    {"select datediff('week', '2017-12-17', '2017-12-18')", "1"},
    {"select last_day('2017-02-03')", "2017-02-28"},
    {"select last_day('2017-02-03', year)", "2017-12-31"},
    {"select '2017-03-01' - interval '1 day'", "2017-02-28"},
    {"select '2017-03-01 10:00:00' + interval '1 day, 2 hours'", "2017-03-02 12:00:00"},
    {"select null - interval '1 day'", "NULL"},
    {"select max(d) - interval '1 day' from (select '2017-03-01' as d)", "2017-02-28"},
    {"select current_timestamp()", "2018-01-01 00:00:00.123"},
    {"select current_date", "2018-01-01"},
    {"select extract(month from '2017-12-19')", "12"},
    /* conversions */
    {"select '2017-01-02 03:04:05'::date", "2017-01-02"},
    {"select cast('2017-01-02' as timestamp)", "2017-01-02 00:00:00"},
    {"select cast(' 12 ' as integer)", "12"},
    {"select cast(2.5 as integer)", "3"},
    {"select cast('12.345' as number(10, 2))", "12.35"},
    {"select try_cast('abc' as integer)", "NULL"},
    {"select safe_cast('2017-13-01' as date)", "NULL"},
    {"select 'yes'::boolean", "1"},
    {"select to_date('31/12/2017', 'DD/MM/YYYY')", "2017-12-31"},
    {"select 5::varchar || 'x'", "5x"},
    /* text */
    {"select md5('2017-12-19-415')", "916e728a3dd7dc3a9ffcfaaf6e59fd4a"},
    {"select md5(null)", "NULL"},
    {"select split_part('a-b-c', '-', 2)", "b"},
    {"select split_part('a-b-c', '-', -1)", "c"},
    {"select split_part('a-b-c', '-', 9)", ""},
    {"select left('grüße', 4) || right('grüße', 2)", "grüßße"},
    {"select lpad('7', 3, '0') || rpad('x', 3)", "007x  "},
    {"select lpad('abc', 2)", "ab"},
    {"select regexp_like('abc', 'b'), 1", "0"},
    {"select regexp_like('abc', 'a.c')", "1"},
    {"select 'abc' regexp 'b'", "1"},
    {"select regexp_replace('a1b22', '[0-9]+', '#')", "a#b#"},
    {"select regexp_substr('a1b22', '[0-9]{2}')", "22"},
    {"select startswith('abc', 'ab') || contains('abc', 'bc') || endswith('abc', 'x')",
     "110"},
    {"select concat('a', 1, 'b')", "a1b"},
    {"select listagg(x, ',') within group (order by x desc)"
     " from (select 'a' as x union all select 'b')",
     "b,a"},
    {"select greatest(1, 3, 2) || least(4, 2)", "32"},
    {"select iff(1 > 0, 'y', 'n') || nvl(null, 'd') || nvl2(null, 'a', 'b')", "ydb"},
    {"select zeroifnull(null)", "0"},
    /* JSON */
    {"select array_size('[1,{\"a\":[2,3]},4]')", "3"},
    {"select array_size('[]')", "0"},
    {"select array_size(null)", "NULL"},
    {"select array_size('{}')", "NULL"},
    {"select array_size('no json')", "NULL"},
    {"select group_concat(product_id || ':' || quantity || ':' || amount, ' ') from"
     " weir_items('[{\"product_id\":\"7\",\"quantity\":2,\"amount\":2.39},"
     "{\"amount\":-0.5,\"quantity\":1,\"product_id\":\"8\"}]')",
     "7:2:2.39 8:1:-0.5"},
    {"select amount from weir_items('[{\"amoun\\u0074\":2.5}]')", "2.5"},
    {"select count(*) from weir_items(null)", "0"},
    {"select count(*) from weir_items('{\"a\":1}')", "0"},
    {"select count(*) from weir_items('broken [')", "0"},
    {"select count(*) from (select '[{},{}]' as j union all select '[{}]') t,"
     " weir_items(t.j)",
     "3"},
    {"select department from weir_items('[{\"department\":\"A \\u0026 B\"}]')",
     "A & B"},
    {"select department is null from weir_items('[{\"department\":null}]')", "1"},
    {"select typeof(amount) from weir_items('[{\"amount\":5.00}]')", "real"},
};

static const char *ask(const char *sql, struct err *e)
{
    static char out[512];
    struct wh_cursor *c;
    out[0] = '\0';
    if (wh_query(w, sql, &c, e) < 0)
        return NULL;
    int rc = wh_next(c, e);
    struct wh_value v = rc > 0 ? wh_value(c, 0) : (struct wh_value){.type = WH_NULL};
    if (v.type == WH_INT)
        snprintf(out, sizeof out, "%lld", (long long)v.i);
    else if (v.type == WH_REAL)
        snprintf(out, sizeof out, "%.15g", v.d);
    else if (v.type == WH_TEXT)
        snprintf(out, sizeof out, "%.*s", (int)v.text.n, v.text.p);
    else
        snprintf(out, sizeof out, "NULL");
    wh_cursor_close(c);
    return rc < 0 ? NULL : out;
}

static void test_columns_are_headed_as_written(void **state)
{
    static const char *const names[] = {"sum(1)/count(*)", "n", "sum(1)/count(*)",
                                        "current_timestamp() - interval '1 day'",
                                        "net sales"};
    struct wh_cursor *c;
    struct err e = {0};
    (void)state;
    int rc = wh_query(w,
                      "select sum(1)/count(*), 1 / 2 as n, sum(1)/count(*) ,\n"
                      "  current_timestamp() - interval '1 day' , 7/2 as \"net sales\"",
                      &c, &e);
    assert_int_equal(rc, 0);
    for (int i = 0; i < 5; i++)
        assert_string_equal(wh_column_name(c, i), names[i]);
    wh_cursor_close(c);
}

static void test_functions(void **state)
{
    int failed = 0;
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct err e = {0};
        const char *got = ask(values[i].sql, &e);
        if (got && streq(got, values[i].expected))
            continue;
        print_error("%s\n  gave %s, expected %s\n", values[i].sql, got ? got : e.text,
                    values[i].expected);
        failed++;
    }
    assert_int_equal(failed, 0);
}

static void test_errors_name_the_value(void **state)
{
    (void)state;
    static const struct {
        const char *sql, *part;
    } rows[] = {
        {"select cast('abc' as integer)", "'abc' is no integer"},
        {"select '2017-13-01'::date", "'2017-13-01' is no date"},
        {"select date_trunc('fortnight', '2017-01-01')", "\"fortnight\" is no part"},
        {"select 'x' regexp '('", "regular expression '('"},
        {"select '2017-01-01' - interval 'soon'", "INTERVAL 'soon' is not understood"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct err e = {0};
        assert_null(ask(rows[i].sql, &e));
        if (!strstr(e.text, rows[i].part))
            fail_msg("%s: %s", rows[i].sql, e.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_translations),
        cmocka_unit_test(test_plain_dialect_leaves_division),
        cmocka_unit_test(test_positions_map_back),
        cmocka_unit_test(test_columns_are_headed_as_written),
        cmocka_unit_test(test_functions),
        cmocka_unit_test(test_errors_name_the_value),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
