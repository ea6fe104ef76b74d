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

/* In a child: true when it was killed, false when it built. */
static bool build_and_die(struct shop *s, int look)
{
    pid_t pid = fork();
    if (pid == 0) {
        int left = look;
        s->w = reopen(s);
        wh_set_progress(s->w, die_at, &left);
        _exit(streq(run_node(s, "model.tiny.m", NULL), "success") ? 0 : 1);
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

static int kill_everywhere(struct shop *s, const char *kind)
{
    char text[200];
    int look = 1, kills = 0;
    snprintf(text, sizeof text,
             "{{ config(materialized='%s', unique_key='id') }}\nselect id, v from "
             "bronze.src",
             kind);
    put(s, "models/m.sql", text);
    put(s, "models/m.yml",
        "models:\n  - name: m\n    columns:\n      - name: id\n        "
        "tests: [unique, not_null]\n");
    shop_open(s, NULL, NULL);
    sql(s, "drop table if exists bronze.src; create table bronze.src as with recursive "
           "n(i)"
           " as (select 1 union all select i + 1 from n where i < 8000) select i as id,"
           " 0 as v from n");
    wh_drop(s->w, "main", "m", NULL);
    OK(s, "model.tiny.m");
    for (bool was_killed = true; was_killed; look++) {
        set_value(s, look);
        wh_close(s->w);
        s->w = NULL;
        was_killed = build_and_die(s, look);
        kills += was_killed;
        s->w = reopen(s);
        check_whole(s, look - 1, look);
        OK(s, "model.tiny.m");
        check_whole(s, look, look);
        IS(s,
           "select count(*) from main.sqlite_schema where name like 'm~_~_weir~_tmp'"
           " escape '~' or name like 'm~_~_weir~_old' escape '~'",
           "0");
    }
    return kills;
}

static void test_kill_table(void **state)
{
    assert_true(kill_everywhere(*state, "table") > 3);
}

static void test_kill_incremental(void **state)
{
    assert_true(kill_everywhere(*state, "incremental") > 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_kill_table, shop_setup, shop_teardown),
        cmocka_unit_test_setup_teardown(test_kill_incremental, shop_setup,
                                        shop_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
