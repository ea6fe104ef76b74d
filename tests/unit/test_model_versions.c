/* Model versions, groups and access: what is said about what is wrong. That ids, names
 * and selections equal dbt's is shown by the live project versioned. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/json.h"
#include "unit/model_fixture.h"

static void put_versions(struct shop *s, const char *versions)
{
    char text[1000];
    snprintf(text, sizeof text, "models:\n  - name: m\n    versions: %s\n", versions);
    put(s, "models/m.yml", text);
    put(s, "models/m_v1.sql", "select 1 as id");
    put(s, "models/m_v2.sql", "select 2 as id");
}

static bool has_warning(struct shop *s, const char *text)
{
    for (size_t i = 0; i < project_n_warnings(s->p); i++)
        if (strstr(project_warning(s->p, i), text))
            return true;
    return false;
}

static void test_versions_are_models(void **state)
{
    struct shop *s = *state;
    put_versions(s, "[{v: 2}, {v: 1, defined_in: m_v1, description: old}]");
    put(s, "models/over.sql", "select * from {{ ref('m') }}");
    shop_open(s, NULL, NULL);
    const struct node *n = project_find(s->p, "model.tiny.m.v2");
    assert_non_null(n);
    assert_string_equal(n->name, "m");
    assert_string_equal(n->alias, "m_v2");
    assert_string_equal(n->version, "2");
    assert_string_equal(n->latest_version, "2");
    assert_null(project_find(s->p, "model.tiny.m_v1"));
    n = project_find(s->p, "model.tiny.over");
    assert_string_equal(n->depends_on[0], "model.tiny.m.v2");
    OK(s, "model.tiny.m.v2");
    OK(s, "model.tiny.over");
    IS(s, "select id from over", "2");
}

static void test_ref_of_no_version(void **state)
{
    struct shop *s = *state;
    put_versions(s, "[{v: 1}, {v: 2}]");
    put(s, "models/over.sql", "select * from {{ ref('m', v=7) }}");
    shop_open(s, NULL, NULL);
    assert_true(
        has_warning(s, "there is no version 7 of the model \"m\" (versions: 1, 2)"));
}

static void test_wrong_versions(void **state)
{
    struct shop *s = *state;
    struct err e = {0};
    put_versions(s, "[{v: 1}, {v: 1, defined_in: m_v2}]");
    assert_int_equal(shop_load(s, NULL, NULL, &e), ERR_CONFIG);
    assert_non_null(strstr(e.text, "models/m.yml: version 1 of \"m\" is there twice"));
    put_versions(s, "[{defined_in: m_v2}]");
    assert_int_equal(shop_load(s, NULL, NULL, &e), ERR_CONFIG);
    assert_non_null(strstr(e.text, "a version of \"m\" has no v:"));
    put_versions(s, "[{v: 1}, {v: 9}]"); /* as in dbt, the others still are */
    shop_open(s, NULL, NULL);
    assert_true(has_warning(s, "version 9 of \"m\" has no model m_v9.sql"));
    assert_non_null(project_find(s->p, "model.tiny.m.v1"));
}

/* The clock of these tests is 2018-01-01. */
static void test_deprecation(void **state)
{
    struct shop *s = *state;
    put_versions(s, "[{v: 1, deprecation_date: 2017-06-01}, {v: 2}]");
    put(s, "models/over.sql", "select * from {{ ref('m', v=1) }}");
    shop_open(s, NULL, NULL);
    assert_true(has_warning(s, "models/m_v1.sql: m.v1 has passed its deprecation date "
                               "2017-06-01"));
    assert_true(
        has_warning(s, "models/over.sql: refers to m.v1, which was deprecated"));
    assert_true(has_warning(s, "a newer version: ref('m', v=2)"));
    put_versions(s, "[{v: 1, deprecation_date: 2019-06-01}, {v: 2}]");
    shop_open(s, NULL, NULL);
    assert_false(has_warning(s, "has passed"));
    assert_true(has_warning(s, "will be deprecated on 2019-06-01"));
}

static void check_access(struct shop *s, const char *config, const char *says)
{
    struct err e = {0};
    char text[300];
    snprintf(text, sizeof text, "{{ config(%s) }} select * from {{ ref('own') }}",
             config);
    put(s, "models/other.sql", text);
    int rc = shop_load(s, NULL, NULL, &e);
    if (!says && rc < 0)
        fail_msg("%s: %s", config, e.text);
    if (says && (rc != ERR_CONFIG || !strstr(e.text, says)))
        fail_msg("%s: %s", config, e.text);
}

static void test_access(void **state)
{
    struct shop *s = *state;
    put(s, "models/m.yml",
        "groups:\n  - {name: money, owner: {name: me}}\n"
        "models:\n  - name: own\n    access: private\n    group: money\n"
        "    columns: [{name: id, data_tests: [not_null]}]\n");
    put(s, "models/own.sql", "select 1 as id");
    check_access(s, "group='money'", NULL);
    check_access(
        s, "enabled=true",
        "models/other.sql: model.tiny.other refers to model.tiny.own, which is "
        "private to the group \"money\"");
    check_access(s, "group='mony'",
                 "there is no group \"mony\"; did you mean \"money\"?");
    check_access(s, "group='money', access='open'", "expected private, protected or");
    check_access(s, "group='money', access='public', materialized='ephemeral'",
                 "an ephemeral model cannot be public");
}

#define T(f) cmocka_unit_test_setup_teardown(f, shop_setup, shop_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_versions_are_models),
        T(test_ref_of_no_version),
        T(test_wrong_versions),
        T(test_deprecation),
        T(test_access),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
