/* state/: every move is a compare-and-set, terminal states stay, a crash is reconciled.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <unistd.h>

#include "base/json.h"
#include "base/str.h"
#include "state/state_db.h"

static char dir[256], path[300];

static int setup(void **state)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(dir, sizeof dir, "%s/weir-state-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/state.db", dir);
    struct err e = {0};
    struct state *s = NULL;
    if (state_open(&s, path, false, &e) < 0)
        return -1;
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    state_close(*state);
    char cmd[300];
    snprintf(cmd, sizeof cmd, "rm -rf '%s'", dir);
    return system(cmd);
}

static int64_t new_run(struct state *s)
{
    int64_t run = 0;
    struct err e = {0};
    assert_int_equal(state_run_new(s, "build", "requested", NULL, &run, &e), 0);
    return run;
}

static void runs_move_only_from_where_they_are(void **state)
{
    struct state *s = *state;
    struct err e = {0};
    int64_t run = new_run(s);
    assert_int_equal(state_run_move(s, run, "running", "success", &e), ERR_AGAIN);
    assert_int_equal(state_run_move(s, run, "queued", "running", &e), 0);
    assert_int_equal(state_run_move(s, run, "queued", "running", &e), ERR_AGAIN);
    assert_int_equal(state_run_move(s, run, "queued|running", "failed", &e), 0);
    assert_int_equal(state_run_move(s, run, "queued|running", "success", &e),
                     ERR_AGAIN);
    assert_true(state_run_move(s, run, "failed", "success", &e) < 0); /* terminal */
    json_t *r = NULL;
    assert_int_equal(state_run_get(s, run, &r, &e), 0);
    assert_string_equal(json_str(r, "state", ""), "failed");
    assert_true(json_i64(r, "ended_ms", 0) > 0);
    json_decref(r);
    assert_int_equal(state_run_get(s, 999, &r, &e), ERR_NOTFOUND);
}

static void an_old_attempt_changes_nothing(void **state)
{
    struct state *s = *state;
    struct err e = {0};
    int64_t run = new_run(s);
    int attempt = 0;
    assert_int_equal(state_task_add(s, run, "model.a", "run", NULL, NULL, &e), 0);
    assert_int_equal(state_task_start(s, run, "model.a", "sql.1", &attempt, &e), 0);
    assert_int_equal(attempt, 1);
    assert_int_equal(state_task_start(s, run, "model.a", "sql.2", &attempt, &e),
                     ERR_AGAIN);
    assert_int_equal(
        state_task_move(s, run, "model.a", "running", "waiting", "died", &e), 0);
    assert_int_equal(state_task_start(s, run, "model.a", "sql.2", &attempt, &e), 0);
    assert_int_equal(attempt, 2);
    json_t *ok =
        json_pack("{s:i, s:f, s:s}", "rows", 12, "seconds", 0.5, "message", "m");
    assert_int_equal(state_task_end(s, run, "model.a", 1, "error", ok, &e), ERR_AGAIN);
    assert_int_equal(state_task_end(s, run, "model.a", 2, "success", ok, &e), 0);
    assert_int_equal(state_task_end(s, run, "model.a", 2, "error", ok, &e), ERR_AGAIN);
    assert_int_equal(state_task_move(s, run, "model.a", "waiting", "skipped", "x", &e),
                     ERR_AGAIN);
    json_decref(ok);
    json_t *rows = NULL;
    assert_int_equal(state_tasks(s, run, &rows, &e), 0);
    const json_t *t = json_array_get(rows, 0);
    assert_string_equal(json_str(t, "state", ""), "success");
    assert_int_equal(json_i64(t, "rows", 0), 12);
    assert_int_equal(json_i64(t, "attempt", 0), 2);
    json_decref(rows);
}

static void a_crash_ends_runs_or_lets_them_go_on(void **state)
{
    struct state *s = *state;
    struct err e = {0};
    int64_t run = new_run(s);
    int attempt = 0;
    state_run_move(s, run, "queued", "running", &e);
    state_task_add(s, run, "a", "run", NULL, NULL, &e);
    state_task_add(s, run, "b", "run", NULL, NULL, &e);
    state_task_start(s, run, "a", "sql.1", &attempt, &e);
    assert_true(state_reconcile(s, true, &e) > 0);
    json_t *rows = NULL;
    state_tasks(s, run, &rows, &e);
    assert_string_equal(json_str(json_array_get(rows, 0), "state", ""), "waiting");
    json_decref(rows);
    state_task_start(s, run, "a", "sql.1", &attempt, &e);
    assert_int_equal(attempt, 2);
    assert_int_equal(state_reconcile(s, false, &e), 3); /* the run and both tasks */
    state_tasks(s, run, &rows, &e);
    assert_string_equal(json_str(json_array_get(rows, 1), "state", ""), "cancelled");
    json_decref(rows);
    json_t *r = NULL;
    state_run_get(s, run, &r, &e);
    assert_string_equal(json_str(r, "state", ""), "crashed");
    json_decref(r);
    assert_int_equal(state_reconcile(s, false, &e), 0);
}

static void the_outbox_keeps_one_row_per_key(void **state)
{
    struct state *s = *state;
    struct err e = {0};
    bool is_new = false;
    json_t *a = json_pack("{s:s, s:s, s:s}", "key", "gate:x", "severity", "critical",
                          "summary", "gate x failed");
    assert_int_equal(state_alert_add(s, a, &is_new, &e), 0);
    assert_true(is_new);
    assert_int_equal(state_alert_add(s, a, &is_new, &e), 0);
    assert_false(is_new);
    json_decref(a);
    int64_t undelivered = 0, unacked = 0;
    state_alert_count(s, &undelivered, &unacked, &e);
    assert_int_equal(undelivered, 1);
    assert_int_equal(unacked, 1);
    assert_int_equal(state_alert_move(s, "gate:x", "failing", "no route", &e), 0);
    assert_int_equal(state_alert_move(s, "gate:x", "sent", "file", &e), 0);
    state_alert_count(s, &undelivered, &unacked, &e);
    assert_int_equal(undelivered, 0);
    assert_int_equal(unacked, 1); /* sent, and nobody has seen it */
    assert_int_equal(state_alert_move(s, "gate:x", "failing", "late", &e), ERR_AGAIN);
    assert_int_equal(state_alert_move(s, "gate:y", "sent", NULL, &e), ERR_AGAIN);
    json_t *rows = NULL;
    state_alerts(s, true, &rows, &e);
    assert_int_equal(json_array_size(rows), 0);
    json_decref(rows);
    state_alerts(s, false, &rows, &e);
    assert_int_equal(json_i64(json_array_get(rows, 0), "attempts", 0), 2);
    json_decref(rows);
    a = json_object();
    assert_int_equal(state_alert_add(s, a, &is_new, &e), ERR_PROTOCOL);
    json_decref(a);
}

static void figures_survive_reopening(void **state)
{
    struct state *s = *state;
    struct err e = {0};
    json_t *v = json_pack("{s:i}", "in", 5);
    assert_int_equal(state_put(s, "metrics", "ingest.pos", v, &e), 0);
    json_object_set_new(v, "in", json_integer(6));
    assert_int_equal(state_put(s, "metrics", "ingest.pos", v, &e), 0);
    json_decref(v);
    struct state *reader = NULL;
    assert_int_equal(state_open(&reader, path, true, &e), 0);
    json_t *got = NULL;
    assert_int_equal(state_get(reader, "metrics", "ingest.pos", &got, &e), 0);
    assert_int_equal(json_i64(got, "in", 0), 6);
    json_decref(got);
    assert_int_equal(state_get(reader, "metrics", "none", &got, &e), 0);
    assert_null(got);
    assert_true(state_put(reader, "metrics", "x", NULL, &e) < 0);
    state_close(reader);
}

static void a_newer_schema_is_refused_and_a_missing_file_named(void **state)
{
    struct state *s = *state;
    struct err e = {0};
    struct state *other = NULL;
    assert_true(state_exec(s, &e, "PRAGMA user_version=99", "") >= 0);
    assert_int_equal(state_open(&other, path, false, &e), ERR_CONFIG);
    assert_non_null(strstr(e.text, "newer weir"));
    assert_null(other);
    char none[330];
    snprintf(none, sizeof none, "%s/none.db", dir);
    assert_int_equal(state_open(&other, none, true, &e), ERR_NOTFOUND);
    assert_int_equal(access(none, F_OK), -1);
    FILE *f = fopen(none, "w");
    assert_non_null(f);
    for (int i = 0; i < 4096; i++)
        fputc('x', f);
    fclose(f);
    assert_int_equal(state_open(&other, none, false, &e), ERR_CORRUPT);
    assert_non_null(strstr(e.text, "move it aside"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(runs_move_only_from_where_they_are, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_old_attempt_changes_nothing, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_crash_ends_runs_or_lets_them_go_on, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_outbox_keeps_one_row_per_key, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(figures_survive_reopening, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_newer_schema_is_refused_and_a_missing_file_named, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
