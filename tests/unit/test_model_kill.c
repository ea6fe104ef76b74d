/* kill -9 at every point of a build: the process kills itself at the N-th look of the
 * progress callback, N = 1, 2, … until it gets through. The live relation is always the
 * old or the new one, whole, and the next run publishes and leaves nothing behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <signal.h>
#include <sys/wait.h>
#include "unit/model_fixture.h"

#define ROWS 8000

static int die_at(void *arg)
{
    if (--*(int *)arg == 0)
        raise(SIGKILL);
    return 0;
}

static struct wh *reopen(const struct shop *s)
{
    static const char *const schemas[] = {"main", "bronze", NULL};
    struct wh *w;
    struct err e = {0};
    char dir[128];
    snprintf(dir, sizeof dir, "%s/wh", s->dir);
    struct wh_options o = {.dir = dir,
                           .schemas = schemas,
                           .dialect = "snowflake",
                           .now_ms = 1514764800000};
    if (wh_open(&w, &o, &e) < 0)
        fail_msg("%s", e.text);
    return w;
}

static const char *node = "model.tiny.m";

/* In a child: true when it was killed, false when it built. */
static bool build_and_die(struct shop *s, int look)
{
    pid_t pid = fork();
    if (pid == 0) {
        int left = look;
        s->w = reopen(s);
        wh_set_progress(s->w, die_at, &left);
        _exit(streq(run_node(s, node, NULL), "success") ? 0 : 1);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    if (WIFSIGNALED(status))
        return true;
    assert_int_equal(WEXITSTATUS(status), 0);
    return false;
}

static void set_value(struct shop *s, int v)
{
    char text[100];
    snprintf(text, sizeof text, "update bronze.src set v = %d", v);
    sql(s, text);
}

static void check_whole(struct shop *s, int old, int new)
{
    char both[32], same[32];
    snprintf(both, sizeof both, "%d of %d", ROWS, old);
    snprintf(same, sizeof same, "%d of %d", ROWS, new);
    const char *got =
        ask(s, "select count(*) || ' of ' || case when min(v) = max(v) then"
               " min(v) else 'two' end from main.m");
    if (!streq(got, both) && !streq(got, same))
        fail_msg("after the kill: %s", got);
}

static void put_model(struct shop *s, const char *kind)
{
    char text[200];
    snprintf(text, sizeof text,
             "{{ config(materialized='%s', unique_key='id') }}\nselect id, v from "
             "bronze.src",
             kind);
    put(s, "models/m.sql", text);
    put(s, "models/m.yml",
        "models:\n  - name: m\n    columns:\n      - name: id\n        "
        "tests: [unique, not_null]\n");
    node = "model.tiny.m";
}

static void put_snapshot(struct shop *s)
{
    put(s, "snapshots/m.sql",
        "{% snapshot all_m %}{{ config(unique_key='id', strategy='check', "
        "check_cols=['v']) }} select id, v from bronze.src{% endsnapshot %}");
    put(s, "models/m.sql",
        "{{ config(materialized='view') }} select id, v from {{ ref('all_m') }} "
        "where dbt_valid_to is null");
    node = "snapshot.tiny.all_m";
}

static void put_seed(struct shop *s, int v)
{
    struct buf b;
    buf_init(&b, 1u << 20);
    buf_adds(&b, "id,v\n");
    for (int i = 0; i < ROWS; i++)
        buf_addf(&b, "%d,%d\n", i, v);
    put(s, "seeds/m.csv", buf_str(&b));
    buf_release(&b);
    node = "seed.tiny.m";
}

static int kill_everywhere(struct shop *s)
{
    int look = 1, kills = 0;
    bool is_seed = streq(node, "seed.tiny.m");
    bool is_snapshot = streq(node, "snapshot.tiny.all_m");
    shop_open(s, NULL, NULL);
    sql(s, "drop table if exists bronze.src; create table bronze.src as with recursive "
           "n(i)"
           " as (select 1 union all select i + 1 from n where i < 8000) select i as id,"
           " 0 as v from n");
    OK(s, node);
    if (is_snapshot)
        OK(s, "model.tiny.m");
    int before = 0; /* the value of the round before */
    for (bool was_killed = true; was_killed;
         before = look, look += is_snapshot ? look * 3 : 1) { /* history grows */
        set_value(s, look);
        if (is_seed)
            put_seed(s, look);
        project_set_run(s->p, 1514764800000 + look * 1000, false);
        wh_close(s->w);
        s->w = NULL;
        was_killed = build_and_die(s, look);
        kills += was_killed;
        s->w = reopen(s);
        check_whole(s, before, look);
        OK(s, node);
        check_whole(s, look, look);
        IS(s,
           "select count(*) from main.sqlite_schema where type <> 'index' and (name "
           "like 'm~_~_%' escape '~' or name like 'all~_m~_~_%' escape '~')",
           "0");
    }
    return kills;
}

static void put_macro(struct shop *s)
{
    put(s, "macros/by_macro.sql",
        "{% macro persist_docs(relation, model, for_relation=true, for_columns=true) %}"
        "{% endmacro %}");
}

static void test_kill_table(void **state)
{
    put_model(*state, "table");
    assert_true(kill_everywhere(*state) > 3);
}

static void test_kill_incremental(void **state)
{
    put_model(*state, "incremental");
    assert_true(kill_everywhere(*state) > 3);
}

static void test_kill_table_by_macro(void **state)
{
    put_macro(*state);
    put_model(*state, "table");
    assert_true(kill_everywhere(*state) > 3);
}

static void test_kill_incremental_by_macro(void **state)
{
    put_macro(*state);
    put_model(*state, "incremental");
    assert_true(kill_everywhere(*state) > 3);
}

static void test_kill_snapshot(void **state)
{
    put_snapshot(*state);
    assert_true(kill_everywhere(*state) > 3);
}

static void test_kill_seed(void **state)
{
    put_seed(*state, 0);
    assert_true(kill_everywhere(*state) > 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, shop_setup, shop_teardown)
    const struct CMUnitTest tests[] = {
        T(test_kill_table),          T(test_kill_incremental),
        T(test_kill_table_by_macro), T(test_kill_incremental_by_macro),
        T(test_kill_snapshot),       T(test_kill_seed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
