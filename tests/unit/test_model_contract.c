/* Contracts: what a model promises is compared with what its SQL gives before anything
 * is built, and promises that cannot be kept are refused while the project loads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/json.h"
#include "unit/model_fixture.h"

static void put_contract(struct shop *s, const char *config, const char *columns,
                         const char *sql)
{
    char text[2000];
    snprintf(text, sizeof text,
             "models:\n  - name: m\n    config: {%s, contract: {enforced: true}}\n%s",
             config, columns);
    put(s, "models/m.yml", text);
    put(s, "models/m.sql", sql);
}

#define M "model.tiny.m"

static void test_kept(void **state)
{
    struct shop *s = *state;
    put_contract(s, "materialized: table",
                 "    columns: [{name: B, data_type: string}, {name: a, data_type: "
                 "bigint}, {name: c, data_type: 'numeric(8, 2)'}]\n",
                 "select cast(1 as integer) as a, cast('x' as text) as b, 1.5 as c");
    shop_open(s, NULL, NULL);
    OK(s, M);
    IS(s, "select a || b from m", "1x");
}

static void test_broken(void **state)
{
    struct shop *s = *state;
    put(s, "models/m.sql", "{{ config(materialized='table') }} select 7 as id");
    shop_open(s, NULL, NULL);
    OK(s, M);
    put_contract(s, "materialized: table",
                 "    columns: [{name: id, data_type: text}, {name: other, data_type: "
                 "int}]\n",
                 "select cast(1 as integer) as id, cast('x' as text) as more");
    shop_open(s, NULL, NULL);
    assert_string_equal(run_node(s, M, NULL), "error");
    assert_string_equal(
        s->message,
        "models/m.sql: This model has an enforced contract that failed.\n"
        "Please ensure the name, data_type, and number of columns in your contract "
        "match "
        "the columns in your model's definition.\n\n"
        "| column_name | definition_type | contract_type | mismatch_reason       |\n"
        "| ----------- | --------------- | ------------- | --------------------- |\n"
        "| id          | INTEGER         | TEXT          | data type mismatch    |\n"
        "| more        | TEXT            |               | missing in contract   |\n"
        "| other       |                 | INTEGER       | missing in definition |\n");
    IS(s, "select id from m", "7"); /* as it was */
}

static void test_no_type(void **state)
{
    struct shop *s = *state;
    put_contract(s, "materialized: view", "    columns: [{name: id}]\n",
                 "select 1 as id");
    shop_open(s, NULL, NULL);
    assert_string_equal(run_node(s, M, NULL), "error");
    assert_non_null(strstr(s->message, "data_type to be defined for each column"));
    assert_non_null(strstr(s->message, "['id']"));
}

static void test_refused_at_once(void **state)
{
    static const struct {
        const char *config, *columns, *says;
    } cases[] = {
        {"materialized: view", "", "models/m.sql: the model has an enforced contract"},
        {"materialized: incremental", "    columns: [{name: a, data_type: int}]\n",
         "on_schema_change is ignore"},
        {"materialized: table",
         "    columns: [{name: a, data_type: int, constraints: [{type: uniq}]}]\n",
         "models/m.yml: \"m\", column a: constraint type \"uniq\""},
        {"materialized: table",
         "    columns: [{name: a, data_type: int, constraints: [{type: primary_key}]}, "
         "{name: b, data_type: int, constraints: [{type: primary_key}]}]\n",
         "2 columns of \"m\" are its primary key"},
        {"materialized: table",
         "    constraints: [{type: primary_key, columns: [a]}]\n"
         "    columns: [{name: a, data_type: int, constraints: [{type: "
         "primary_key}]}]\n",
         "both for the model and for a column"},
    };
    struct shop *s = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err e = {0};
        put_contract(s, cases[i].config, cases[i].columns, "select 1 as a");
        assert_int_equal(shop_load(s, NULL, NULL, &e), ERR_CONFIG);
        if (!strstr(e.text, cases[i].says))
            fail_msg("%s: %s", cases[i].says, e.text);
    }
}

static void test_foreign_key_is_a_dependency(void **state)
{
    struct shop *s = *state;
    put(s, "models/parent.sql", "select 1 as id");
    put_contract(s, "materialized: table",
                 "    columns: [{name: a, data_type: int, constraints: [{type: "
                 "foreign_key, to: ref('parent'), to_columns: [id]}]}]\n",
                 "select 1 as a");
    shop_open(s, NULL, NULL);
    const struct node *n = project_find(s->p, M);
    assert_string_equal(n->depends_on[0], "model.tiny.parent");
}

#define KEYED                                                                          \
    "    constraints: [{type: check, expression: id < 100, name: small}]\n"            \
    "    columns:\n"                                                                   \
    "      - {name: id, data_type: integer, constraints: [{type: not_null}, {type: "   \
    "unique}]}\n"                                                                      \
    "      - {name: code, data_type: string, quote: true, constraints: [{type: "       \
    "foreign_key, to: ref('parent'), to_columns: [id]}]}\n"

/* Constraints are the table's own, so that later inserts keep them, too. */
static void test_constraints_are_in_the_table(void **state)
{
    struct shop *s = *state;
    struct err e = {0};
    put(s, "models/parent.sql", "select 1 as id");
    put_contract(s, "materialized: table", KEYED,
                 "select cast(1 as integer) as id, cast('x' as text) as code");
    shop_open(s, NULL, NULL);
    OK(s, M);
    OK(s, M);
    IS(s, "select type from pragma_table_info('m') where name = 'code'", "TEXT");
    assert_true(wh_exec(s->w, "insert into m values (1, 'y')", &e) < 0);
    assert_true(wh_exec(s->w, "insert into m values (100, 'y')", &e) < 0);
    assert_int_equal(wh_exec(s->w, "insert into m values (2, 'y')", &e), 0);
    /* rows that break one: the table stays as it was */
    put(s, "models/m.sql", "select cast(null as integer) as id, 'x' as code");
    shop_open(s, NULL, NULL);
    assert_string_equal(run_node(s, M, NULL), "error");
    assert_non_null(strstr(s->message, "models/m.sql: the table of the contract"));
    assert_non_null(strstr(s->message, "NOT NULL constraint failed"));
    IS(s, "select count(*) from m", "2");
}

static void test_incremental_keeps_constraints(void **state)
{
    struct shop *s = *state;
    put(s, "models/parent.sql", "select 1 as id");
    put_contract(s, "materialized: incremental, on_schema_change: fail", KEYED,
                 "select cast({{ var('id') }} as integer) as id, 'x' as code");
    shop_open(s, NULL, "{id: 1}");
    OK(s, M);
    shop_open(s, NULL, "{id: 2}");
    OK(s, M);
    IS(s, "select count(*) from m", "2");
    assert_string_equal(run_node(s, M, NULL), "error"); /* id 2 again */
    IS(s, "select count(*) from m", "2");
}

#define T(f) cmocka_unit_test_setup_teardown(f, shop_setup, shop_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_kept),
        T(test_broken),
        T(test_no_type),
        T(test_refused_at_once),
        T(test_foreign_key_is_a_dependency),
        T(test_constraints_are_in_the_table),
        T(test_incremental_keeps_constraints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
