/* Relation names: what weir answers itself is what the built-in macros would say. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/str.h"
#include "model_fixture.h"

static const char *const configs[] = {"",
                                      "schema='x'",
                                      "schema=' padded '",
                                      "schema=''",
                                      "alias='other'",
                                      "alias='  other '",
                                      "alias=''",
                                      "schema='Ünï ', alias='ä '",
                                      "schema='a b'"};
#define N (sizeof configs / sizeof *configs)

static void write_models(struct shop *s)
{
    put(s, "dbt_project.yml", "name: tiny\nversion: '1'\nprofile: tiny\n");
    for (size_t i = 0; i < N; i++) {
        char rel[64], text[200];
        snprintf(rel, sizeof rel, "models/m%zu.sql", i);
        snprintf(text, sizeof text,
                 "{{ config(materialized='ephemeral'%s%s) }}select 1",
                 *configs[i] ? ", " : "", configs[i]);
        put(s, rel, text);
    }
}

static void names(struct shop *s, char out[N][128])
{
    struct err e = {0};
    assert_int_equal(shop_load(s, NULL, NULL, &e), 0);
    for (size_t i = 0; i < N; i++) {
        char id[64];
        snprintf(id, sizeof id, "model.tiny.m%zu", i);
        const struct node *n = project_find(s->p, id);
        snprintf(out[i], 128, "%s.%s", n->schema, n->alias);
    }
}

static void same_with_macros_called(struct shop *s)
{
    char answered[N][128], called[N][128];
    names(s, answered);
    put(s, "macros/names.sql",
        "{% macro generate_schema_name(custom_schema_name=none, node=none) %}"
        "{{ return(dbt.generate_schema_name(custom_schema_name, node)) }}{% endmacro %}"
        "{% macro generate_alias_name(custom_alias_name=none, node=none) %}"
        "{{ return(dbt.generate_alias_name(custom_alias_name, node)) }}{% endmacro %}");
    names(s, called);
    for (size_t i = 0; i < N; i++)
        assert_string_equal(answered[i], called[i]);
}

static void test_without_profile(void **state)
{
    write_models(*state);
    same_with_macros_called(*state);
}

static void test_with_profile(void **state)
{
    write_models(*state);
    put(*state, "profiles.yml",
        "tiny: {target: dev, outputs: {dev: {type: sqlite, schema: base}}}\n");
    same_with_macros_called(*state);
}

/* A dispatched form in the project replaces the built-in one, too. */
static void test_default_form_is_replaced(void **state)
{
    char got[N][128];
    write_models(*state);
    put(*state, "macros/names.sql",
        "{% macro default__generate_alias_name(custom_alias_name=none, node=none) %}"
        "{{ node.name }}_{{ node.config.materialized }}{% endmacro %}");
    names(*state, got);
    assert_string_equal(got[0], "main.m0_ephemeral");
}

#define T(name) cmocka_unit_test_setup_teardown(name, shop_setup, shop_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {T(test_without_profile), T(test_with_profile),
                                       T(test_default_form_is_replaced)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
