/* run_results.json and its journal: what a kill leaves is made the file later. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdbool.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "unit/model_fixture.h"

static char *target_of(struct shop *s, const char *name, char path[200])
{
    snprintf(path, 200, "%s/target/%s", s->dir, name);
    return path;
}

static json_t *results_file(struct shop *s)
{
    char path[200];
    json_t *v = NULL;
    struct err e = {0};
    assert_int_equal(json_load_path(target_of(s, "run_results.json", path), &v, &e), 0);
    return v;
}

static const json_t *row_of(const json_t *file, const char *id)
{
    json_t *one;
    size_t i;
    json_array_foreach (json_arr(file, "results"), i, one)
        if (streq(json_str(one, "unique_id", ""), id))
            return one;
    return NULL;
}

static void run_one(struct shop *s, const char *id)
{
    struct err e = {0};
    struct model_result r;
    const struct node *n = project_find(s->p, id);
    assert_non_null(n);
    int64_t from = results_now_us();
    assert_int_equal(model_run(s->p, s->w, n,
                               &(struct model_run_options){.tests_first = true}, &r,
                               &e),
                     0);
    assert_int_equal(results_add(s->p, s->w, n, &r, from, &e), 0);
    model_result_release(&r);
}

static void begin(struct shop *s)
{
    struct err e = {0};
    put(s, "dbt_project.yml", "name: tiny\nversion: '1'\n");
    put(s, "models/a.sql", "{{ config(materialized='table') }} select 1 as id");
    put(s, "models/b.sql", "select * from {{ ref('a') }}");
    put(s, "models/m.yml",
        "models: [{name: a, columns: [{name: id, data_tests: [unique, not_null]}]}]");
    shop_open(s, NULL, NULL);
    const char *unique = NULL, *not_null = NULL;
    for (size_t i = 0; i < project_n_nodes(s->p); i++) {
        const struct node *n = project_node(s->p, i);
        if (str_starts(n->unique_id, "test.tiny.unique"))
            unique = n->unique_id;
        if (str_starts(n->unique_id, "test.tiny.not_null"))
            not_null = n->unique_id;
    }
    json_t *args = json_pack("{s:s, s:b}", "which", "build", "full_refresh", 1);
    json_t *planned = json_pack("[{s:s, s:[s, s]}, {s:s}]", "node", "model.tiny.a",
                                "tests", unique, not_null, "node", "model.tiny.b");
    assert_int_equal(results_begin(s->p, args, planned, &e), 0);
    json_decref(args);
    json_decref(planned);
}

static void a_run_that_ends(void **state)
{
    struct shop *s = *state;
    struct err e = {0};
    char path[200];
    begin(s);
    run_one(s, "model.tiny.a");
    run_one(s, "model.tiny.b");
    assert_int_equal(results_end(s->p, NULL, 1.25, &e), 0);
    assert_int_not_equal(access(target_of(s, "run_results.journal", path), F_OK), 0);
    json_t *file = results_file(s);
    assert_int_equal(json_array_size(json_arr(file, "results")), 4);
    assert_true(json_flag(json_obj(file, "args"), "full_refresh", false));
    assert_true(json_num(file, "elapsed_time", 0) == 1.25);
    const json_t *a = row_of(file, "model.tiny.a");
    assert_string_equal(json_str(a, "status", ""), "success");
    assert_string_equal(json_str(a, "relation_name", ""), "\"main\".\"a\"");
    assert_non_null(strstr(json_str(a, "compiled_code", ""), "select 1 as id"));
    assert_int_equal(json_array_size(json_arr(a, "timing")), 2);
    json_t *one;
    size_t i;
    json_array_foreach (json_arr(file, "results"), i, one)
        if (str_starts(json_str(one, "unique_id", ""), "test.")) {
            assert_int_equal(json_i64(one, "failures", -1), 0);
            /* on the live relation, not on what was built aside */
            assert_null(strstr(json_str(one, "compiled_code", "temp"), "temp"));
        }
    json_decref(file);
}

static void a_run_that_was_killed(void **state)
{
    struct shop *s = *state;
    struct err e = {0};
    char path[200];
    begin(s);
    run_one(s, "model.tiny.a");
    FILE *f = fopen(target_of(s, "run_results.journal", path), "a");
    fputs("model.tiny.b\t{\"status\": \"succ", f); /* killed while it wrote */
    fclose(f);
    char dir[200];
    snprintf(dir, sizeof dir, "%s/target", s->dir);
    /* who began it is alive: not over for anybody who does not know better */
    assert_int_equal(results_recover(dir, false, &e), ERR_LOCKED);
    assert_int_equal(results_recover(dir, true, &e), 0);
    json_t *file = results_file(s);
    assert_string_equal(json_str(row_of(file, "model.tiny.a"), "status", ""),
                        "success");
    const json_t *b = row_of(file, "model.tiny.b");
    assert_string_equal(json_str(b, "status", ""), "skipped");
    assert_non_null(strstr(json_str(b, "message", ""), "ended before"));
    assert_true(json_flag(json_obj(file, "args"), "full_refresh", false));
    json_decref(file);
    assert_int_equal(results_recover(dir, false, &e), 0); /* nothing left to do */
}

static void the_next_run_completes_the_last(void **state)
{
    struct shop *s = *state;
    struct err e = {0};
    begin(s);
    run_one(s, "model.tiny.a");
    assert_int_equal(results_begin(s->p, NULL, NULL, &e), 0);
    json_t *file = results_file(s);
    assert_non_null(row_of(file, "model.tiny.a"));
    json_decref(file);
    assert_int_equal(results_end(s->p, NULL, 0, &e), 0);
}

static void a_node_tried_again_has_its_last_result(void **state)
{
    struct shop *s = *state;
    struct err e = {0};
    begin(s);
    struct model_result bad = {.status = "error", .rows = -1};
    str_copy(bad.message, sizeof bad.message, "database is locked");
    const struct node *b = project_find(s->p, "model.tiny.b");
    assert_int_equal(results_add(s->p, s->w, b, &bad, results_now_us(), &e), 0);
    run_one(s, "model.tiny.a");
    run_one(s, "model.tiny.b");
    json_t *rest =
        json_pack("[{s:s, s:s}, {s:s, s:s}]", "unique_id", "model.tiny.b", "status",
                  "skipped", "unique_id", "model.tiny.z", "status", "skipped");
    assert_int_equal(results_end(s->p, rest, 0, &e), 0);
    json_decref(rest);
    json_t *file = results_file(s);
    assert_string_equal(json_str(row_of(file, "model.tiny.b"), "status", ""),
                        "success");
    assert_string_equal(json_str(row_of(file, "model.tiny.z"), "status", ""),
                        "skipped");
    assert_int_equal(json_array_size(json_arr(file, "results")), 5);
    json_decref(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_run_that_ends, shop_setup, shop_teardown),
        cmocka_unit_test_setup_teardown(a_run_that_was_killed, shop_setup,
                                        shop_teardown),
        cmocka_unit_test_setup_teardown(the_next_run_completes_the_last, shop_setup,
                                        shop_teardown),
        cmocka_unit_test_setup_teardown(a_node_tried_again_has_its_last_result,
                                        shop_setup, shop_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
