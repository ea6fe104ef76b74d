/* Loading projects: dbt's identities (compared with dbt-core 1.11 on the same folder),
 * compile, YAML, and what is said about a project that is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/json.h"
#include "model/yaml.h"
#include "unit/model_fixture.h"

/* As dbt parse of tests/projects/shop gave them. */
static void test_identities_are_dbts(void **state)
{
    static const char *const ids[] = {
        "analysis.shop.top",
        "model.shop.by_customer",
        "model.shop.customers",
        "model.shop.only_done",
        "model.shop.order_log",
        "model.shop.stg_customers",
        "model.shop.stg_orders",
        "model.tools.tool_model",
        "seed.shop.raw_customers",
        "seed.shop.raw_orders",
        "source.shop.raw.events",
        "test.shop.accepted_values_customers_orders__False__0__1__2.811b46dc22",
        "test.shop.amounts_agree",
        "test.shop.at_least_customers_orders__0.7616c52e28",
        "test.shop.not_null_customers_customer_id.5c9bf9911d",
        "test.shop.relationships_order_log_order_id__order_id__ref_stg_orders_."
        "cb983b4303",
        "test.shop.source_not_null_raw_events_id.e0dfd1a6a7",
        "test.shop.unique_customers_customer_id.c5af1ff4b1",
        "test.shop.unique_order_log_order_id.4c312818aa",
    };
    struct shop *s = *state;
    shop_open(s, "tests/projects/shop", NULL);
    size_t n = sizeof ids / sizeof *ids;
    for (size_t i = 0; i < n; i++)
        if (!project_find(s->p, ids[i]))
            fail_msg("%s is missing", ids[i]);
    assert_int_equal(project_n_nodes(s->p), n);
    assert_int_equal(project_n_warnings(s->p), 0);
}

static void test_node_parts(void **state)
{
    struct shop *s = *state;
    shop_open(s, "tests/projects/shop", NULL);
    const struct node *n = project_find(s->p, "model.shop.stg_orders");
    assert_string_equal(n->schema, "silver");
    assert_string_equal(n->alias, "orders");
    assert_string_equal(n->path, "models/staging/stg_orders.sql");
    assert_string_equal(n->fqn[0], "shop");
    assert_string_equal(n->fqn[1], "staging");
    assert_string_equal(n->fqn[2], "stg_orders");
    assert_null(n->fqn[3]);
    assert_string_equal(n->tags[0], "all"); /* parent first, appended */
    assert_string_equal(n->tags[1], "staging");
    assert_null(n->tags[2]);
    n = project_find(s->p, "model.shop.order_log");
    const json_t *meta =
        json_obj(n->config, "meta"); /* merged by key over all levels */
    assert_string_equal(json_str(meta, "owner", ""), "shop");
    assert_string_equal(json_str(meta, "layer", ""), "gold");
    assert_string_equal(json_str(meta, "from", ""), "yaml");
    n = project_find(s->p,
                     "test.shop.relationships_order_log_order_id__order_id__ref_stg_"
                     "orders_.cb983b4303");
    assert_string_equal(n->attached, "model.shop.order_log");
    n = project_find(s->p, "source.shop.raw.events");
    assert_string_equal(n->alias, "raw_events");
    assert_string_equal(n->schema, "bronze");
}

static void test_compile_puts_ephemerals_in_front(void **state)
{
    struct shop *s = *state;
    struct err e = {0};
    struct buf sql;
    shop_open(s, "tests/projects/shop", NULL);
    buf_init(&sql, 1u << 20);
    int rc =
        model_compile(s->p, s->w, project_find(s->p, "model.shop.customers"), &sql, &e);
    if (rc < 0)
        fail_msg("%s", e.text);
    assert_true(
        str_starts(buf_str(&sql) + strspn(buf_str(&sql), "\n"),
                   "with __dbt__cte__only_done as (\n\nselect * from "
                   "\"silver\".\"orders\" where status = 'done'\n),  "
                   "__dbt__cte__by_customer as (\n\nwith x as (select customer_id, "
                   "amount from __dbt__cte__only_done)\n"));
    assert_non_null(strstr(buf_str(&sql), "), base as (\n"));
    buf_release(&sql);
}

static const char *compiled(struct shop *s, const char *id)
{
    static char text[2000];
    struct buf sql;
    struct err e = {0};
    buf_init(&sql, 1u << 20);
    if (model_compile(s->p, s->w, project_find(s->p, id), &sql, &e) < 0)
        fail_msg("%s", e.text);
    str_copy(text, sizeof text, buf_str(&sql));
    buf_release(&sql);
    return text;
}

/* A bare macro name is looked up from the node that is rendered, not from the macro
 * that uses it: dbt-core's MacroNamespaceBuilder. */
static void test_bare_macro_names(void **state)
{
    struct shop *s = *state;
    put(s, "packages.yml", "packages: [{local: pack}]\n");
    put(s, "pack/dbt_project.yml", "name: pack\nversion: '1'\n");
    put(s, "pack/macros/m.sql",
        "{% macro where() %}{{ word() }}{{ own() }}{% endmacro %}"
        "{% macro word() %}pack{% endmacro %}{% macro own() %}, own{% endmacro %}");
    put(s, "pack/models/of_pack.sql", "{{ where() }}");
    put(s, "macros/m.sql", "{% macro word() %}root{% endmacro %}");
    put(s, "models/of_root.sql", "{{ pack.where() }}");
    shop_open(s, NULL, NULL);
    assert_string_equal(compiled(s, "model.tiny.of_root"), "root, own");
    assert_string_equal(compiled(s, "model.pack.of_pack"), "pack, own");
}

static const struct node *named(struct shop *s, const char *part)
{
    for (size_t i = 0; i < project_n_nodes(s->p); i++)
        if (strstr(project_node(s->p, i)->unique_id, part))
            return project_node(s->p, i);
    fail_msg("no node %s", part);
    return NULL;
}

/* A column with quote: true is quoted in its tests and their names, and its tags are
 * its tests'; config() in a test's macro beats what the .yml file says. */
static void test_declared_tests(void **state)
{
    struct shop *s = *state;
    put(s, "models/a.sql", "select 1 as \"odd one\"");
    put(s, "macros/t.sql",
        "{% test strict(model) %}{{ config(severity='warn', error_if='>2') }}"
        "select 1 from {{ model }}{% endtest %}");
    put(s, "models/m.yml",
        "models:\n  - name: a\n    tests:\n      - strict: {severity: error}\n"
        "    columns: [{name: odd one, quote: true, tags: [t], tests: [unique]}]\n");
    shop_open(s, NULL, NULL);
    const struct node *t = named(s, "test.tiny.unique_a__odd_one_.");
    assert_non_null(strstr(compiled(s, t->unique_id), "\"odd one\" as unique_field"));
    assert_string_equal(t->tags[0], "t");
    t = named(s, "test.tiny.strict");
    assert_string_equal(json_str(t->config, "severity", ""), "warn");
    assert_string_equal(json_str(t->config, "error_if", ""), ">2");
}

static void test_hooks_and_sources(void **state)
{
    struct shop *s = *state;
    put(s, "models/a.sql", "select 1 as a");
    put(s, "models/b.sql",
        "{{ config(post_hook=\"insert into x select * from {{ ref('a') }}\") }} select "
        "1");
    put(s, "models/m.yml",
        "sources:\n  - name: s\n    meta: {who: me}\n    config:\n"
        "      {freshness: {warn_after: {count: 1, period: day}}, loaded_at_field: "
        "at}\n"
        "    tables:\n      - name: t\n        description: what\n"
        "        config: {freshness: {error_after: {count: 2, period: day}}}\n"
        "        columns: [{name: c, data_type: int}]\n"
        "      - {name: u, freshness: null}\n");
    shop_open(s, NULL, NULL);
    const struct node *b = project_find(s->p, "model.tiny.b");
    assert_string_equal(b->depends_on[0], "model.tiny.a"); /* of the hook */
    json_t *m = project_manifest(s->p);
    const json_t *t = json_obj(json_obj(m, "sources"), "source.tiny.s.t");
    const json_t *u = json_obj(json_obj(m, "sources"), "source.tiny.s.u");
    assert_non_null(json_obj(json_obj(t, "freshness"), "warn_after"));
    assert_non_null(json_obj(json_obj(t, "freshness"), "error_after"));
    assert_true(json_is_null(json_object_get(u, "freshness")));
    assert_string_equal(json_str(t, "loaded_at_field", ""), "at");
    assert_string_equal(json_str(json_obj(t, "meta"), "who", ""), "me");
    assert_string_equal(
        json_str(json_obj(json_obj(t, "columns"), "c"), "data_type", ""), "int");
    json_decref(m);
    put(s, "models/d.md", "{% docs d %}\n Some text. \n{% enddocs %}");
    put(s, "models/m.yml",
        "sources:\n  - name: s\n    tags: [of_source]\n    tables:\n"
        "      - name: t\n        description: \"{{ doc('d') }}\"\n"
        "        columns: [{name: c, tests: [unique]}]\n");
    put(s, "models/c.sql",
        "select {{ api.Column.translate_type('int') }}"
        ", '{{ api.Column('a', 'b').name }}', {{ builtins.source('s', 't') }}");
    shop_open(s, NULL, NULL);
    assert_string_equal(named(s, "test.tiny.source_unique_s_t_c")->tags[0],
                        "of_source");
    assert_string_equal(compiled(s, "model.tiny.c"), "select int, 'a', \"s\".\"t\"");
    m = project_manifest(s->p);
    t = json_obj(json_obj(m, "sources"), "source.tiny.s.t");
    assert_string_equal(json_str(t, "description", ""), "Some text.");
    json_decref(m);
}

static void test_exposures_are_nodes(void **state)
{
    struct shop *s = *state;
    put(s, "models/a.sql", "select 1 as a");
    put(s, "models/m.yml",
        "exposures:\n  - name: board\n    type: dashboard\n    owner: {name: me}\n"
        "    config: {tags: [x]}\n    depends_on: [\"ref('a')\"]\n");
    shop_open(s, NULL, NULL);
    const struct node *n = project_find(s->p, "exposure.tiny.board");
    assert_non_null(n);
    assert_string_equal(n->depends_on[0], "model.tiny.a");
    assert_string_equal(n->tags[0], "x");
    json_t *m = project_manifest(s->p);
    const json_t *board = json_obj(json_obj(m, "exposures"), "exposure.tiny.board");
    assert_string_equal(json_str(board, "type", ""), "dashboard");
    assert_null(json_obj(json_obj(m, "nodes"), "exposure.tiny.board"));
    json_decref(m);
}

static void test_long_test_names(void **state)
{
    struct shop *s = *state;
    put(s, "models/a_model_with_a_name_that_is_rather_long.sql", "select 1 as a");
    put(s, "models/m.yml",
        "models:\n  - name: a_model_with_a_name_that_is_rather_long\n    columns:\n"
        "      - name: a\n        tests:\n          - accepted_values: {values: [one, "
        "two]}\n"
        "          - not_null: {name: my own name}\n");
    shop_open(s, NULL, NULL);
    /* dbt: 30 bytes of the identifier and md5 of the whole as alias */
    const struct node *t = NULL, *own = NULL;
    for (size_t i = 0; i < project_n_nodes(s->p); i++) {
        const struct node *n = project_node(s->p, i);
        if (n->type == NODE_TEST && str_starts(n->name, "accepted"))
            t = n;
        if (n->type == NODE_TEST && str_starts(n->name, "my own"))
            own = n;
    }
    assert_string_equal(t->name,
                        "accepted_values_a_model_with_a_name_that_is_rather_long_a__"
                        "one__two");
    assert_int_equal(strlen(t->alias), 63);
    assert_true(str_starts(t->alias, "accepted_values_a_model_with_a_"));
    assert_string_equal(own->alias, "my own name");
}

static void test_artifacts(void **state)
{
    struct shop *s = *state;
    struct err e = {0};
    json_t *m;
    char path[200];
    shop_open(s, "tests/projects/shop", NULL);
    assert_int_equal(project_write_manifest(s->p, &e), 0);
    snprintf(path, sizeof path, "%s/target/manifest.json", s->dir);
    assert_int_equal(json_load_path(path, &m, &e), 0);
    assert_string_equal(json_str(json_obj(m, "metadata"), "dbt_schema_version", ""),
                        "https://schemas.getdbt.com/dbt/manifest/v12.json");
    const json_t *n = json_obj(json_obj(m, "nodes"), "model.shop.customers");
    assert_string_equal(json_str(n, "description", ""),
                        "One row per customer. The grain is the customer.");
    assert_int_equal(
        json_array_size(json_arr(json_obj(m, "child_map"), "model.shop.stg_orders")),
        4);
    json_decref(m);
    assert_int_equal(results_begin(s->p, NULL, NULL, &e), 0);
    assert_int_equal(results_end(s->p, NULL, 1.5, &e), 0);
}

static void test_mark_changes_with_files(void **state)
{
    struct shop *s = *state;
    char dir[100];
    snprintf(dir, sizeof dir, "%s/tiny", s->dir);
    put(s, "models/a.sql", "select 1 as a");
    uint64_t before = project_mark(dir);
    assert_int_equal(project_mark(dir), before);
    put(s, "models/b.sql", "select 1 as a");
    assert_true(project_mark(dir) != before);
    before = project_mark(dir);
    put(s, "models/b.sql", "select 12 as a");
    assert_true(project_mark(dir) != before);
}

/* ── a project that is wrong ── */

static const struct {
    const char *file, *text, *part;
    int code;
} wrong[] = {
    {"dbt_project.yml", "version: 1\n", "\"name\" is missing", ERR_CONFIG},
    {"dbt_project.yml", "name: tiny\n\tx: 1\n", "dbt_project.yml:2:1: ", ERR_PARSE},
    {"dbt_project.yml", "name: tiny\nname: two\n", "the key \"name\" is there twice",
     ERR_PARSE},
    {"dbt_project.yml", "name: [\n", "dbt_project.yml:", ERR_PARSE},
    {"models/m.yml", "models:\n  - name: a\n  - name: a\n",
     "\"a\" is described there and in models/m.yml", ERR_CONFIG},
    {"models/m.yml", "- 1\n", "models/m.yml: a mapping is expected", ERR_CONFIG},
    {"models/m.yml", "models:\n  - {}\n", "an entry of models has no name", ERR_CONFIG},
    {"models/m.yml", "models:\n  - name: a\n    tests: [{x: 1, y: 2}]\n",
     "neither a name nor a mapping", ERR_CONFIG},
    {"models/sub/a.sql", "select 2 as a",
     "model \"a\" is there twice: models/a.sql and "
     "models/sub/a.sql",
     ERR_CONFIG},
    {"models/b.sql", "{{ config(alias='a') }} select 1 as a",
     "both make the relation main.a", ERR_CONFIG},
    {"packages.yml", "packages: [{local: nowhere}]\n", "there is no dbt_project.yml",
     ERR_CONFIG},
};

static void test_wrong_projects(void **state)
{
    struct shop *s = *state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct err e = {0};
        char path[256];
        put(s, "dbt_project.yml", "name: tiny\n");
        put(s, "models/a.sql", "select 1 as a");
        put(s, wrong[i].file, wrong[i].text);
        int rc = shop_load(s, NULL, NULL, &e);
        if (rc != wrong[i].code || !strstr(e.text, wrong[i].part))
            fail_msg("%s: %d %s", wrong[i].text, rc, e.text);
        snprintf(path, sizeof path, "%s/tiny/%s", s->dir, wrong[i].file);
        remove(path);
    }
}

static void test_warnings(void **state)
{
    struct shop *s = *state;
    put(s, "models/m.yml", "models:\n  - name: gone\n    tests: [unique]\n");
    put(s, "macros/bad.sql", "{% macro x( %}{% endmacro %}");
    shop_open(s, NULL, NULL);
    assert_int_equal(project_n_warnings(s->p), 2);
    assert_non_null(strstr(project_warning(s->p, 0), "macros/bad.sql:1"));
    assert_string_equal(
        project_warning(s->p, 1),
        "models/m.yml: there is no models \"gone\"; its tests are left out");
}

static void test_missing_var_and_env(void **state)
{
    struct shop *s = *state;
    put(s, "models/v.sql", "select {{ var('size') }} as a");
    put(s, "models/e.sql", "select '{{ env_var('WEIR_NOT_SET_1') }}' as a");
    put(s, "models/secret.sql", "select '{{ env_var('DBT_ENV_SECRET_X', 'd') }}' as a");
    shop_open(s, NULL, NULL);
    assert_string_equal(run_node(s, "model.tiny.v", NULL), "error");
    assert_non_null(strstr(s->message, "the var \"size\" is not set"));
    assert_string_equal(run_node(s, "model.tiny.e", NULL), "error");
    assert_non_null(strstr(s->message, "WEIR_NOT_SET_1 is not set"));
    assert_string_equal(run_node(s, "model.tiny.secret", NULL), "error");
}

/* ── YAML ── */

static const struct {
    const char *yaml, *json;
} scalars[] = {
    {"a: yes\nb: No\nc: 'yes'\nd: on",
     "{\"a\":true,\"b\":false,\"c\":\"yes\",\"d\":true}"},
    {"a: ~\nb: null\nc:\nd: 'null'",
     "{\"a\":null,\"b\":null,\"c\":null,\"d\":\"null\"}"},
    {"a: 012\nb: 0x1f\nc: 1_000\nd: -3", "{\"a\":10,\"b\":31,\"c\":1000,\"d\":-3}"},
    {"a: 1.5\nb: 1e5\nc: 1.0e+3\nd: 1.2.3",
     "{\"a\":1.5,\"b\":\"1e5\",\"c\":1000.0,\"d\":\"1.2.3\"}"},
    {"a: &x {k: 1, m: 1}\nb: {<<: *x, m: 2}\nc: {m: 3, <<: *x}",
     "{\"a\":{\"k\":1,\"m\":1},\"b\":{\"k\":1,\"m\":2},\"c\":{\"k\":1,\"m\":3}}"},
    {"a: &x {k: 1}\nb: *x\nc: {<<: *x, m: 2}",
     "{\"a\":{\"k\":1},\"b\":{\"k\":1},\"c\":{\"k\":1,\"m\":2}}"},
    {"a: [1, two]\nb: |\n  x\n  y\n", "{\"a\":[1,\"two\"],\"b\":\"x\\ny\\n\"}"},
    {"2017-01-01: 2017-01-01", "{\"2017-01-01\":\"2017-01-01\"}"},
};

static void test_yaml_types(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof scalars / sizeof *scalars; i++) {
        json_t *v;
        struct err e = {0};
        if (yaml_read("x", scalars[i].yaml, strlen(scalars[i].yaml), &v, &e) < 0)
            fail_msg("%s: %s", scalars[i].yaml, e.text);
        char *text = json_dumps(v, JSON_COMPACT);
        assert_string_equal(text, scalars[i].json);
        free(text);
        json_decref(v);
    }
}

static void test_yaml_limits(void **state)
{
    (void)state;
    json_t *v;
    struct err e = {0};
    struct buf b;
    buf_init(&b, 1u << 20);
    buf_adds(&b, "a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 12; i++) {
        buf_addf(&b, "a%d: &a%d [", i, i);
        for (int k = 0; k < 9; k++)
            buf_addf(&b, "%s*a%d", k ? ", " : "", i - 1);
        buf_adds(&b, "]\n");
    }
    assert_int_equal(yaml_read("laughs.yml", buf_str(&b), b.len, &v, &e), ERR_PARSE);
    assert_non_null(strstr(e.text, "too large"));
    buf_reset(&b);
    for (int i = 0; i < 5000; i++)
        buf_addc(&b, '[');
    assert_int_equal(yaml_read("deep.yml", buf_str(&b), b.len, &v, &e), ERR_PARSE);
    assert_int_equal(yaml_read("empty.yml", "", 0, &v, &e), 0);
    assert_null(v);
    assert_int_equal(yaml_read("two.yml", "a: 1\n---\nb: 2\n", 14, &v, &e), ERR_PARSE);
    assert_int_equal(yaml_read("x.yml", "a: *gone\n", 9, &v, &e), ERR_PARSE);
    buf_release(&b);
}

static void test_yaml_is_written(void **state)
{
    static const struct {
        const char *json, *yaml;
    } pairs[] = {
        /* as PyYAML 6 writes them */
        {"{\"a\": 1, \"b\": [1, {\"c\": \"x y\", \"d\": []}, [1, 2]], \"e\": {\"f\": "
         "null,"
         " \"g\": true, \"h\": 2.5, \"i\": \"yes\", \"j\": \"1\", \"k\": \"it's\", "
         "\"l\": {}}}",
         "a: 1\nb:\n- 1\n- c: x y\n  d: []\n- - 1\n  - 2\ne:\n  f: null\n  g: true\n"
         "  h: 2.5\n  i: 'yes'\n  j: '1'\n  k: it's\n  l: {}\n"},
        {"[]", "[]\n"},
        {"\"x\"", "x\n...\n"},
        {"3", "3\n...\n"},
        {"0.1", "0.1\n...\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        json_t *v = json_loads(pairs[i].json, JSON_DECODE_ANY, NULL);
        struct buf out;
        buf_init(&out, 10000);
        yaml_write(&out, v);
        assert_string_equal(buf_str(&out), pairs[i].yaml);
        buf_release(&out);
        json_decref(v);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, shop_setup, shop_teardown)
        T(test_identities_are_dbts),
        T(test_node_parts),
        T(test_compile_puts_ephemerals_in_front),
        T(test_bare_macro_names),
        T(test_declared_tests),
        T(test_hooks_and_sources),
        T(test_exposures_are_nodes),
        T(test_long_test_names),
        T(test_artifacts),
        T(test_mark_changes_with_files),
        T(test_wrong_projects),
        T(test_warnings),
        T(test_missing_var_and_env),
        cmocka_unit_test(test_yaml_types),
        cmocka_unit_test(test_yaml_limits),
        cmocka_unit_test(test_yaml_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
