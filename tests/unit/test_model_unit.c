/* Unit tests of models: what is compared, how a difference is shown, and what is said
 * about a declaration that makes no sense. That results equal dbt's is shown by the
 * live project unit_tested. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/json.h"
#include "unit/model_fixture.h"

static void put_model(struct shop *s)
{
    sql(s, "create table bronze.src (id integer, name text, amount real)");
    put(s, "models/m.sql",
        "select id, name, amount * 2 as twice from {{ ref('src') }}");
    put(s, "models/src.sql",
        "{{ config(materialized='table', schema='bronze') }} select 1 as id");
}

/* A unit test "t" of the model m with this rest of its entry. */
static void put_test(struct shop *s, const char *rest)
{
    char text[2000];
    snprintf(text, sizeof text, "unit_tests:\n  - name: t\n    model: m\n%s", rest);
    put(s, "models/u.yml", text);
}

#define T_ID "unit_test.tiny.m.t"
#define GIVEN                                                                          \
    "    given: [{input: ref('src'), rows: [{id: 1, name: a, amount: 5}, "             \
    "{id: 2, name: b, amount: 2.5}, {id: 2, name: b, amount: 2.5}]}]\n"

static void test_rows_are_a_multiset(void **state)
{
    struct shop *s = *state;
    put_model(s);
    put_test(s, GIVEN "    expect: {rows: [{twice: 5, id: 2}, {twice: 10, id: 1}, "
                      "{twice: 5.0, id: 2}]}\n");
    shop_open(s, NULL, NULL);
    assert_string_equal(run_node(s, T_ID, NULL), "pass");
    assert_string_equal(s->message, "");
    put_test(s, GIVEN "    expect: {rows: [{id: 2}, {id: 1}]}\n"); /* one b too few */
    shop_open(s, NULL, NULL);
    assert_string_equal(run_node(s, T_ID, NULL), "fail");
    IS(s, "select count(*) from bronze.src", "0"); /* nothing was written or read */
}

static void test_difference_is_shown(void **state)
{
    struct shop *s = *state;
    put_model(s);
    put_test(s, GIVEN "    expect: {rows: [{id: 1, name: a, twice: 10}, {id: 2, name: "
                      "b, twice: 4}, {id: 2, name: b, twice: 5}, "
                      "{id: 7, name: null, twice: 0}]}\n");
    shop_open(s, NULL, NULL);
    assert_string_equal(run_node(s, T_ID, NULL), "fail");
    assert_string_equal(s->message, "actual differs from expected:\n\n"
                                    "@@ ,id,name,twice\n"
                                    "   ,1 ,a   ,10\n"
                                    "\xe2\x86\x92  ,2 ,b   ,4\xe2\x86\x92"
                                    "5\n"
                                    "   ,2 ,b   ,5\n"
                                    "---,7 ,NULL,0\n");
}

static void test_quotes_and_csv(void **state)
{
    struct shop *s = *state;
    put_model(s);
    put_test(s, "    given: [{input: ref('src'), format: csv, rows: \"id,name\\n"
                "1,it's\\n2,\\n\"}]\n"
                "    expect: {rows: [{id: 1, name: \"it's\"}, {id: 2, name: null}]}\n");
    shop_open(s, NULL, NULL);
    assert_string_equal(run_node(s, T_ID, NULL), "pass");
}

/* An ephemeral, and a model that is not built yet, have no relation to take the types
 * of columns from: their SQL tells. */
static void test_types_without_a_relation(void **state)
{
    struct shop *s = *state;
    put(s, "models/base.sql",
        "{{ config(materialized='ephemeral') }}"
        "select cast(1 as integer) as id, cast('x' as text) as code");
    put(s, "models/m.sql", "select id, code || '!' as code from {{ ref('base') }}");
    put_test(s,
             "    given: [{input: ref('base'), rows: [{id: 1, code: 007}, {id: 2}]}]\n"
             "    expect: {rows: [{id: 1, code: '7!'}, {id: 2, code: null}]}\n");
    shop_open(s, NULL, NULL);
    if (!streq(run_node(s, T_ID, NULL), "pass"))
        fail_msg("%s", s->message);
}

static void test_run_errors(void **state)
{
    static const struct {
        const char *rest, *says;
    } cases[] = {
        {"    given: []\n    expect: {rows: []}\n",
         "gives no input for model.tiny.src"},
        {"    given: [{input: ref('src'), rows: [{idd: 1}]}]\n    expect: {rows: []}\n",
         "Invalid column name: 'idd' in unit test fixture for 'src'"},
        {"    given: [{input: ref('src'), rows: []}]\n    expect: {rows: [{x: 1}]}\n",
         "Invalid column name: 'x' in unit test fixture for expected output"},
        {"    given: [{input: ref('src'), format: sql, rows: selct}]\n"
         "    expect: {rows: []}\n",
         "models/u.yml: unit test \"t\" of m"},
    };
    struct shop *s = *state;
    put_model(s);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put_test(s, cases[i].rest);
        shop_open(s, NULL, NULL);
        assert_string_equal(run_node(s, T_ID, NULL), "error");
        if (!strstr(s->message, cases[i].says))
            fail_msg("%s: %s", cases[i].says, s->message);
    }
}

static void test_wrong_declarations(void **state)
{
    static const struct {
        const char *entry, *says;
    } cases[] = {
        {"name: t, model: m", "unit test \"t\" has no expect:"},
        {"name: off, model: m, expect: {rows: []}", "is not a text"},
        {"name: t, model: src2, expect: {rows: []}", "did you mean \"src\"?"},
        {"name: t, model: m, expect: 3", "expect: must be a mapping"},
        {"name: t, model: m, expect: {rows: x}", "a list of mappings"},
        {"name: t, model: m, expect: {format: xml, rows: x}",
         "expected dict, csv or sql"},
        {"name: t, model: m, expect: {format: csv, fixture: nope}",
         "there is no fixture nope.csv in tests/fixtures"},
        {"name: t, model: m, given: [{rows: []}], expect: {rows: []}", "has no input:"},
        {"name: t, model: m, given: [{input: ref('zz')}], expect: {rows: []}",
         "there is no model, seed or snapshot \"zz\""},
        {"name: t, model: m, given: [{input: 1 + 1}], expect: {rows: []}",
         "expected ref('MODEL')"},
        {"name: t, model: inc, expect: {rows: []}", "is_incremental"},
        {"name: t, model: inc, overrides: {macros: {is_incremental: true}}, expect: "
         "{rows: []}",
         "input: this"},
    };
    struct shop *s = *state;
    put_model(s);
    put(s, "models/inc.sql",
        "{{ config(materialized='incremental') }} select 1 as id {% if "
        "is_incremental() "
        "%} where 1 {% endif %}");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err e = {0};
        char text[500];
        snprintf(text, sizeof text, "unit_tests:\n  - {%s}\n", cases[i].entry);
        put(s, "models/u.yml", text);
        assert_int_equal(shop_load(s, NULL, NULL, &e), ERR_CONFIG);
        if (!strstr(e.text, cases[i].says) || !strstr(e.text, "models/u.yml"))
            fail_msg("%s: %s", cases[i].entry, e.text);
    }
}

#define T(f) cmocka_unit_test_setup_teardown(f, shop_setup, shop_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_rows_are_a_multiset), T(test_difference_is_shown),
        T(test_quotes_and_csv),      T(test_types_without_a_relation),
        T(test_run_errors),          T(test_wrong_declarations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
