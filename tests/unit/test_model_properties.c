/* What properties and dbt_project.yml may say beside models: hooks around a run, docs
 * blocks, keys that exclude each other. Compared with dbt by the live project
 * propertied. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/json.h"
#include "unit/model_fixture.h"

/* on-run-end sees dbt's results, each with its node, and the schemas built in. */
static void test_on_run_end_sees_results(void **state)
{
    struct shop *s = *state;
    struct err e = {0};
    put(s, "dbt_project.yml",
        "name: tiny\nversion: '1'\non-run-end:\n"
        "  - create table seen (t text)\n"
        "  - \"{% for r in results %}insert into seen values ('{{ r.node.name }} "
        "{{ r.node.config.materialized }} {{ r.status }} {{ r.node.relation_name "
        "}}');{% "
        "endfor %}\"\n"
        "  - insert into seen values ('{{ schemas | join }} "
        "{{ database_schemas[0][1] }}')\n");
    put(s, "models/a.sql", "{{ config(schema='gold') }} select 1 as id");
    put(s, "models/b.sql", "select 1 as id");
    shop_open(s, NULL, NULL);
    json_t *results =
        json_pack("[{s:s, s:s}, {s:s, s:s}]", "unique_id", "model.tiny.a", "status",
                  "success", "unique_id", "model.tiny.b", "status", "error");
    if (project_on_run(s->p, s->w, false, results, &e) < 0)
        fail_msg("%s", e.text);
    json_decref(results);
    IS(s, "select count(*) from seen", "3");
    IS(s, "select t from seen where t like 'a %'", "a view success \"gold\".\"a\"");
    IS(s, "select t from seen where t like 'gold%'", "gold gold");
}

static void test_what_properties_may_not_say(void **state)
{
    struct shop *s = *state;
    struct err e = {0};
    put(s, "models/a.sql", "select 1 as id");
    put(s, "models/a.yml",
        "models: [{name: a, columns: [{name: id, tests: [unique], data_tests: "
        "[]}]}]\n");
    assert_int_equal(shop_load(s, NULL, NULL, &e), ERR_CONFIG);
    assert_non_null(
        strstr(e.text, "models/a.yml: \"id\" has both tests: and data_tests:"));
    put(s, "models/a.yml", "models: [{name: a, description: \"{{ doc('none') }}\"}]\n");
    shop_open(s, NULL, NULL);
    assert_non_null(strstr(project_warning(s->p, 0), "there is no {% docs none %}"));
    put(s, "dbt_project.yml", "name: tiny\nversion: '1'\ndocs-paths: [words]\n");
    put(s, "words/d.md", "{% docs none %}some{% enddocs %}");
    shop_open(s, NULL, NULL);
    assert_int_equal(project_n_warnings(s->p), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, shop_setup, shop_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_on_run_end_sees_results),
        T(test_what_properties_may_not_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
