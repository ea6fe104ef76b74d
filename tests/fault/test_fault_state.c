/* state/ with the N-th SQLite step failing, N = 1, 2, … to the end: an error comes
 * back, nothing leaks, and what was committed is whole. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/json.h"
#include "base/str.h"
#include "state/state_db.h"

/* The life of one run; the first failure ends it. */
static int story(struct state *s, struct err *e)
{
    int64_t run = 0;
    int attempt = 0, rc;
    json_t *ok = json_pack("{s:i}", "rows", 1);
    if ((rc = state_run_new(s, "build", "test", NULL, &run, e)) < 0 ||
        (rc = state_run_move(s, run, "queued", "running", e)) < 0 ||
        (rc = state_begin(s, e)) < 0 ||
        (rc = state_task_add(s, run, "a", "run", NULL, NULL, e)) < 0 ||
        (rc = state_task_add(s, run, "b", "run", NULL, NULL, e)) < 0 ||
        (rc = state_commit(s, e)) < 0 ||
        (rc = state_task_start(s, run, "a", "sql.1", &attempt, e)) < 0 ||
        (rc = state_task_end(s, run, "a", attempt, "success", ok, e)) < 0 ||
        (rc = state_put(s, "metrics", "x", ok, e)) < 0 ||
        (rc = state_reconcile(s, false, e)) < 0)
        state_rollback(s);
    json_decref(ok);
    return rc;
}

static void check_whole(struct state *s)
{
    struct err e = {0};
    json_t *runs = NULL, *tasks = NULL;
    assert_int_equal(state_runs(s, 10, &runs, &e), 0);
    if (json_array_size(runs) > 0) {
        int64_t id = json_i64(json_array_get(runs, 0), "id", 0);
        assert_int_equal(state_tasks(s, id, &tasks, &e), 0);
        size_t n = json_array_size(tasks);
        assert_true(n == 0 || n == 2); /* added together or not at all */
        json_decref(tasks);
    }
    json_decref(runs);
    assert_true(state_reconcile(s, false, &e) >= 0);
}

static void every_step_may_fail(void **state)
{
    (void)state;
    char dir[256], path[300];
    const char *tmp = getenv("TMPDIR");
    snprintf(dir, sizeof dir, "%s/weir-fault-XXXXXX", tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(dir));
    unsigned long n = 1;
    for (bool has_failed = true; has_failed; n++) {
        struct err e = {0};
        struct state *s = NULL;
        snprintf(path, sizeof path, "%s/%lu.db", dir, n);
        state_fail_at(n);
        int rc = state_open(&s, path, false, &e);
        if (rc == 0)
            rc = story(s, &e);
        state_fail_at(0);
        has_failed = rc < 0;
        if (has_failed)
            assert_int_equal(rc, ERR_FULL);
        if (s)
            check_whole(s);
        state_close(s);
    }
    assert_true(n > 15);
    char cmd[300];
    snprintf(cmd, sizeof cmd, "rm -rf '%s'", dir);
    assert_int_equal(system(cmd), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_step_may_fail)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
