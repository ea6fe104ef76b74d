/* Materializations that are macros: a project's own, overridden built-in ones, and
 * every built-in one as its macro does it, which must come to the same as the engine's
 * own way; the internal macros that projects override and call. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "unit/model_fixture.h"

/* With it every built-in materialization is done by its macro. */
static const char by_macro[] =
    "{% macro persist_docs(relation, model, for_relation=true, for_columns=true) %}"
    "{% do _persisted(relation) %}{% endmacro %}\n"
    "{% macro _persisted(relation) %}{% do log('persisted ' ~ relation) %}"
    "{% endmacro %}\n";

static bool fails_with(struct shop *s, const char *id, const char *text)
{
    const char *status = run_node(s, id, NULL);
    if (streq(status, "error") && strstr(s->message, text))
        return true;
    fail_msg("%s: %s: %s", id, status, s->message);
    return false;
}

/* ── a project's own ── */

static const char insert_once[] =
    "{% materialization insert_once, default %}\n"
    "  {%- set target = this.incorporate(type='table') -%}\n"
    "  {%- set existing = load_cached_relation(this) -%}\n"
    "  {{ run_hooks(pre_hooks, inside_transaction=False) }}\n"
    "  {{ run_hooks(pre_hooks, inside_transaction=True) }}\n"
    "  {% if existing is none %}\n"
    "    {% call statement('main') %}{{ create_table_as(False, target, sql) }}"
    "{% endcall %}\n"
    "  {% else %}\n"
    "    {% call statement('main') %}insert into {{ target }} {{ sql }}{% endcall %}\n"
    "  {% endif %}\n"
    "  {% call statement('count', fetch_result=True) %}select count(*) as n from "
    "{{ target }}{% endcall %}\n"
    "  {% do log(model.name ~ load_result('count')['data'][0][0]) %}\n"
    "  {{ run_hooks(post_hooks, inside_transaction=True) }}\n"
    "  {% do adapter.commit() %}\n"
    "  {{ run_hooks(post_hooks, inside_transaction=False) }}\n"
    "  {{ return({'relations': [target]}) }}\n"
    "{% endmaterialization %}\n";

static void test_own_materialization(void **state)
{
    struct shop *s = *state;
    put(s, "macros/m.sql", insert_once);
    put(s, "models/log.sql",
        "{{ config(materialized='insert_once', post_hook=\"insert into {{ this }} "
        "values"
        " (100)\") }}\nselect 1 as v");
    put(s, "models/log.yml",
        "models:\n  - name: log\n    columns:\n      - name: v\n        tests:\n"
        "          - not_null\n");
    shop_open(s, NULL, NULL);
    OK(s, "model.tiny.log");
    OK(s, "model.tiny.log");
    IS(s, "select group_concat(v) from main.log", "1,100,1,100");
}

/* adapter.commit() judges first: what fails is rolled back. */
static void test_own_is_judged_before_commit(void **state)
{
    struct shop *s = *state;
    put(s, "macros/m.sql", insert_once);
    sql(s, "create table bronze.src as select 1 as v");
    put(s, "models/log.sql",
        "{{ config(materialized='insert_once') }}\nselect v from bronze.src");
    put(s, "models/log.yml",
        "models:\n  - name: log\n    columns:\n      - name: v\n        tests:\n"
        "          - not_null\n");
    shop_open(s, NULL, NULL);
    OK(s, "model.tiny.log");
    sql(s, "update bronze.src set v = null");
    assert_string_equal(run_node(s, "model.tiny.log", NULL), "fail");
    IS(s, "select count(*) from main.log", "1");
}

static void test_own_must_answer(void **state)
{
    struct shop *s = *state;
    put(s, "macros/m.sql",
        "{% materialization no_main, default %}{{ return({'relations': [this]}) }}"
        "{% endmaterialization %}\n"
        "{% materialization no_return, default %}{% call statement('main') %}select 1"
        "{% endcall %}{% endmaterialization %}\n"
        "{% materialization no_commit, default %}{% call statement('main') %}"
        "create table {{ this }} as {{ sql }}{% endcall %}"
        "{{ return({'relations': [this]}) }}{% endmaterialization %}\n");
    put(s, "models/a.sql", "{{ config(materialized='no_main') }}select 1 as v");
    put(s, "models/b.sql", "{{ config(materialized='no_return') }}select 1 as v");
    put(s, "models/c.sql", "{{ config(materialized='no_commit') }}select 1 as v");
    put(s, "models/d.sql", "{{ config(materialized='nowhere') }}select 1 as v");
    shop_open(s, NULL, NULL);
    fails_with(s, "model.tiny.a", "\"main\"");
    fails_with(s, "model.tiny.b", "\"relations\"");
    OK(s, "model.tiny.c");
    assert_int_equal(wh_relation_type(s->w, "main", "c"), WH_ABSENT);
    fails_with(s, "model.tiny.d", "\"nowhere\" is not known");
}

/* The adapter's own goes before the default one; the root's before a package's, which
 * may not replace a built-in one at all. */
static void test_which_materialization(void **state)
{
    struct shop *s = *state;
    static const char text[] =
        "{%% materialization %s, %s %%}{%% call statement('main') %%}create table "
        "{{ this }} as select '%s' as how{%% endcall %%}{%% do adapter.commit() %%}"
        "{{ return({'relations': [this]}) }}{%% endmaterialization %%}\n";
    char all[2000], package[1000];
    size_t n = 0;
    snprintf(all, sizeof all, "%s", "");
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    n += (size_t)snprintf(all + n, sizeof all - n, text, "mine", "default", "default");
    n += (size_t)snprintf(all + n, sizeof all - n, text, "mine", "adapter='sqlite'",
                          "sqlite");
    n = (size_t)snprintf(package, sizeof package, text, "table", "default", "package");
    n += (size_t)snprintf(package + n, sizeof package - n, text, "theirs", "default",
                          "theirs");
#pragma GCC diagnostic pop
    put(s, "macros/m.sql", all);
    put(s, "packages.yml", "packages:\n  - local: parts\n");
    put(s, "parts/dbt_project.yml", "name: parts\nversion: '1.0'\nconfig-version: 2\n");
    put(s, "parts/macros/m.sql", package);
    put(s, "models/a.sql", "{{ config(materialized='mine') }}select 1 as how");
    put(s, "models/b.sql",
        "{{ config(materialized='table') }}select 'built in' as how");
    put(s, "models/c.sql", "{{ config(materialized='theirs') }}select 1 as how");
    shop_open(s, NULL, NULL);
    OK(s, "model.tiny.a");
    OK(s, "model.tiny.b");
    OK(s, "model.tiny.c");
    IS(s,
       "select (select how from main.a) || ', ' || (select how from main.b) || ', '"
       " || (select how from main.c)",
       "sqlite, built in, theirs");
    put(s, "macros/n.sql",
        "{% materialization table, default %}"
        "{{ return(parts.materialization_table_default()) }}{% endmaterialization %}");
    shop_open(s, NULL, NULL);
    sql(s, "drop table main.b");
    OK(s, "model.tiny.b");
    IS(s, "select how from main.b", "package");
}

/* ── built-in ones by their macros ── */

static void put_kind(struct shop *s, const char *kind, const char *more)
{
    char text[500];
    snprintf(text, sizeof text,
             "{{ config(materialized='%s'%s) }}\nselect id, v from bronze.src", kind,
             more);
    put(s, "models/m.sql", text);
    put(s, "models/m.yml",
        "models:\n  - name: m\n    columns:\n      - name: id\n        "
        "tests: [unique, not_null]\n");
    shop_open(s, NULL, NULL);
}

static void put_source(struct shop *s)
{
    sql(s, "drop table if exists bronze.src; create table bronze.src as select 1 as id,"
           " 'a' as v union all select 2, 'b'");
}

#define ALL_ROWS                                                                       \
    "select group_concat(id || v, ' ') from (select * from main.m order by id, v)"
#define LEFTOVERS                                                                      \
    "select count(*) from main.sqlite_schema where type <> 'index' and name like "     \
    "'m~_~_%'"                                                                         \
    " escape '~'"

static void check_rebuilt(struct shop *s, const char *kind, bool is_live)
{
    put_source(s);
    put_kind(s, kind, "");
    OK(s, "model.tiny.m");
    IS(s, ALL_ROWS, "1a 2b");
    sql(s, "insert into bronze.src values (3, 'c')");
    OK(s, "model.tiny.m");
    IS(s, ALL_ROWS, "1a 2b 3c");
    sql(s, "insert into bronze.src values (3, 'd')");
    assert_string_equal(run_node(s, "model.tiny.m", NULL), "fail");
    IS(s, ALL_ROWS, is_live ? "1a 2b 3c 3d" : "1a 2b 3c");
    IS(s, LEFTOVERS, "0");
}

static void test_table_and_view_by_macro(void **state)
{
    struct shop *s = *state;
    put(s, "macros/by_macro.sql", by_macro);
    check_rebuilt(s, "table", false);
    put_kind(s, "view", ""); /* a view in a table's place, and back */
    sql(s, "delete from bronze.src where v = 'd'");
    OK(s, "model.tiny.m");
    assert_int_equal(wh_relation_type(s->w, "main", "m"), WH_VIEW);
    check_rebuilt(s, "view", true);
    sql(s, "delete from bronze.src where v = 'd'");
    put_kind(s, "table", "");
    OK(s, "model.tiny.m");
    assert_int_equal(wh_relation_type(s->w, "main", "m"), WH_TABLE);
}

static const struct {
    const char *more, *after;
} strategies[] = {
    {", incremental_strategy='append'", "1a 2B 2b 3c"},
    {", incremental_strategy='delete+insert', unique_key='id'", "1a 2B 3c"},
    {", unique_key=['id']", "1a 2B 3c"},
    {", incremental_strategy='merge', unique_key='id'", "1a 2B 3c"},
    {", incremental_strategy='merge', unique_key='id', merge_update_columns=['id']",
     "1a 2b 3c"},
    {", incremental_strategy='merge', unique_key='id', merge_exclude_columns=['v']",
     "1a 2b 3c"},
    {", incremental_strategy='delete+insert', unique_key='id',"
     " incremental_predicates=[\"v <> 'b'\"]",
     "1a 2B 2b 3c"},
};

/* The macros and the engine's own way come to the same. */
static void check_strategies(struct shop *s)
{
    s->tests_first = false;
    for (size_t i = 0; i < sizeof strategies / sizeof *strategies; i++) {
        put_source(s);
        wh_drop(s->w, "main", "m", NULL);
        put_kind(s, "incremental", strategies[i].more);
        OK(s, "model.tiny.m");
        sql(s, "delete from bronze.src; insert into bronze.src values (2, 'B'), "
               "(3, 'c')");
        OK(s, "model.tiny.m");
        const char *got = ask(s, ALL_ROWS);
        if (!streq(got, strategies[i].after))
            fail_msg("%s: %s", strategies[i].more, got);
        IS(s, LEFTOVERS, "0");
        IS(s,
           "select count(*) from temp.sqlite_schema where name like 'm~_~_%' escape"
           " '~'",
           "0");
        s->full_refresh = true;
        OK(s, "model.tiny.m");
        s->full_refresh = false;
        IS(s, ALL_ROWS, "2B 3c");
    }
}

static void test_strategies(void **state)
{
    check_strategies(*state);
}

static void test_strategies_by_macro(void **state)
{
    put(*state, "macros/by_macro.sql", by_macro);
    check_strategies(*state);
}

static void test_failing_incremental_by_macro(void **state)
{
    struct shop *s = *state;
    put(s, "macros/by_macro.sql", by_macro);
    put_source(s);
    put_kind(s, "incremental", "");
    OK(s, "model.tiny.m");
    assert_string_equal(run_node(s, "model.tiny.m", NULL), "fail");
    IS(s, ALL_ROWS, "1a 2b");
}

static void check_schema_change(struct shop *s)
{
    static const struct {
        const char *how, *columns;
    } cases[] = {{"ignore", "id v"},
                 {"append_new_columns", "id v w"},
                 {"sync_all_columns", "id w"}};
    s->tests_first = false;
    for (size_t i = 0; i < 3; i++) {
        char more[100], text[300];
        put_source(s);
        wh_drop(s->w, "main", "m", NULL);
        snprintf(more, sizeof more, ", on_schema_change='%s'", cases[i].how);
        put_kind(s, "incremental", more);
        OK(s, "model.tiny.m");
        snprintf(text, sizeof text,
                 "{{ config(materialized='incremental', on_schema_change='%s') }}\n"
                 "select id, %s from bronze.src",
                 cases[i].how, i == 0 ? "v, 1 as w" : "1 as w");
        put(s, "models/m.sql", text);
        shop_open(s, NULL, NULL);
        OK(s, "model.tiny.m");
        IS(s, "select group_concat(name, ' ') from pragma_table_info('m', 'main')",
           cases[i].columns);
    }
    put_source(s);
    wh_drop(s->w, "main", "m", NULL);
    put_kind(s, "incremental", ", on_schema_change='fail'");
    OK(s, "model.tiny.m");
    put(s, "models/m.sql",
        "{{ config(materialized='incremental', on_schema_change='fail') }}\n"
        "select id, v, 1 as w from bronze.src");
    shop_open(s, NULL, NULL);
    assert_string_equal(run_node(s, "model.tiny.m", NULL), "error");
}

static void test_schema_change_by_macro(void **state)
{
    put(*state, "macros/by_macro.sql", by_macro);
    check_schema_change(*state);
}

static void test_schema_change(void **state)
{
    check_schema_change(*state);
}

/* ── strategies of the project ── */

static void test_own_strategy(void **state)
{
    struct shop *s = *state;
    put(s, "macros/m.sql",
        "{% macro get_incremental_newest_only_sql(arg_dict) %}\n"
        "delete from {{ arg_dict['target_relation'] }};\n"
        "{% do return(get_insert_only(arg_dict)) %}{% endmacro %}\n"
        "{% macro get_insert_only(arg_dict) %}"
        "delete from {{ arg_dict['target_relation'] }}; insert into "
        "{{ arg_dict['target_relation'] }} ("
        "{{ get_quoted_csv(arg_dict['dest_columns'] | map(attribute='name')) }}) select"
        " * from {{ arg_dict['temp_relation'] }}{% endmacro %}\n");
    put_source(s);
    put_kind(s, "incremental", ", incremental_strategy='newest_only'");
    OK(s, "model.tiny.m");
    sql(s, "delete from bronze.src where id = 1");
    OK(s, "model.tiny.m");
    IS(s, ALL_ROWS, "2b");
}

static void test_built_in_strategy_overridden(void **state)
{
    struct shop *s = *state;
    put(s, "macros/m.sql",
        "{% macro sqlite__get_incremental_append_sql(arg_dict) %}"
        "insert into {{ arg_dict['target_relation'] }} select id + 10, v from "
        "{{ arg_dict['temp_relation'] }}{% endmacro %}\n");
    put_source(s);
    put_kind(s, "incremental", ", incremental_strategy='append'");
    OK(s, "model.tiny.m");
    OK(s, "model.tiny.m");
    IS(s, ALL_ROWS, "1a 2b 11a 12b");
}

/* ── every part of them may be overridden ── */

struct part {
    const char *macro;
    unsigned kinds;
};
enum { TABLE = 1, VIEW = 2, INCREMENTAL = 4, SEED = 8, SNAPSHOT = 16, ALL = 31 };
static const struct part parts[] = {
#define X(name, kinds) {#name, kinds},
#include "model/macros/parts.list"
#undef X
};

/* A macro of a list that a kind never calls would be a lie there: each is replaced by
 * one that logs a call into a variable of the project… and must not break the build. */
static void test_parts_are_macros(void **state)
{
    struct shop *s = *state;
    put(s, "macros/all.sql", "{% macro show() %}{% endmacro %}");
    put(s, "models/m.sql", "select 1 as id");
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        char text[400];
        snprintf(
            text, sizeof text,
            "select '{{ dbt.%s is undefined }}' as x, '{{ %s is undefined }}' as y",
            parts[i].macro, parts[i].macro);
        put(s, "models/m.sql", text);
        shop_open(s, NULL, NULL);
        OK(s, "model.tiny.m");
        const char *got = ask(s, "select x || y from main.m");
        if (!streq(got, "FalseFalse"))
            fail_msg("%s is no macro", parts[i].macro);
    }
}

static void test_create_table_as_overridden(void **state)
{
    struct shop *s = *state;
    put(s, "macros/m.sql",
        "{% macro create_table_as(temporary, relation, compiled_code) %}create table "
        "{{ relation }} as select *, 'more' as more from ({{ compiled_code }})"
        "{% endmacro %}\n");
    put_source(s);
    put_kind(s, "table", "");
    OK(s, "model.tiny.m");
    IS(s, "select more from main.m limit 1", "more");
}

/* ── transactions and hooks ── */

static void test_hooks_by_macro(void **state)
{
    struct shop *s = *state;
    put(s, "macros/by_macro.sql", by_macro);
    sql(s, "create table main.hooked (x)");
    put(s, "models/m.sql",
        "{{ config(materialized='table', pre_hook=["
        "\"insert into main.hooked values ('{{ this.name }} in')\","
        "before_begin(\"insert into main.hooked values ('before')\")],"
        "post_hook=[\"insert into main.hooked select 'after ' || count(*) from"
        " {{ this }}\", after_commit(\"insert into main.hooked values ('end')\")]) }}\n"
        "select 1 as id");
    shop_open(s, NULL, NULL);
    OK(s, "model.tiny.m");
    IS(s, "select group_concat(x) from main.hooked", "before,m in,after 1,end");
    sql(s, "delete from main.hooked");
    put(s, "models/m.sql",
        "{{ config(materialized='table', pre_hook=\"insert into main.hooked values"
        " ('lost')\") }}\nselect 1 as id from main.nothing_there");
    shop_open(s, NULL, NULL);
    assert_string_equal(run_node(s, "model.tiny.m", NULL), "error");
    IS(s, "select count(*) from main.hooked", "0");
}

static void test_ref_is_overridden(void **state)
{
    struct shop *s = *state;
    put(s, "macros/m.sql",
        "{% macro ref(name) %}{% set r = builtins.ref(name) %}"
        "{% do return(r.incorporate(path={'identifier': r.identifier ~ '_v2'})) %}"
        "{% endmacro %}\n");
    put(s, "models/a.sql", "select 1 as id");
    put(s, "models/b.sql", "select * from {{ ref('a') }}");
    shop_open(s, NULL, NULL);
    sql(s, "create table main.a_v2 as select 7 as id");
    OK(s, "model.tiny.b");
    IS(s, "select id from main.b", "7");
}

static void test_seed_by_macro(void **state)
{
    struct shop *s = *state;
    put(s, "macros/by_macro.sql", by_macro);
    put(s, "seeds/c.csv", "id,name,note\n1,Ann's,\n2,Bob,x\n");
    shop_open(s, NULL, NULL);
    OK(s, "seed.tiny.c");
    OK(s, "seed.tiny.c");
    IS(s, "select group_concat(id || name || coalesce(note, '-'), ' ') from main.c",
       "1Ann's- 2Bobx");
    IS(s, "select typeof(id) from main.c limit 1", "integer");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, shop_setup, shop_teardown)
    const struct CMUnitTest tests[] = {
        T(test_own_materialization),
        T(test_own_is_judged_before_commit),
        T(test_own_must_answer),
        T(test_which_materialization),
        T(test_table_and_view_by_macro),
        T(test_strategies),
        T(test_strategies_by_macro),
        T(test_failing_incremental_by_macro),
        T(test_schema_change),
        T(test_schema_change_by_macro),
        T(test_own_strategy),
        T(test_built_in_strategy_overridden),
        T(test_parts_are_macros),
        T(test_create_table_as_overridden),
        T(test_hooks_by_macro),
        T(test_ref_is_overridden),
        T(test_seed_by_macro),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
