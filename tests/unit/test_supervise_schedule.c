/* Schedules of a platform that runs (the rules themselves:
 * test_orchestrate_schedule.c).
 */
#include "supervise_fixture.h"

/* A schedule's selection stands on tables of others: all of them are built first. */
static void a_new_platform_is_built_as_a_whole_before_its_schedules(void **state)
{
    (void)state;
    char reason[128];
    need_helper();
    set_plan("run a");
    reload("platform: fake\nmodels: {project: .}\nschedules:\n"
           "  often: {cron: \"0 0 1 1 *\", select: \"tag:x\"}\n");
    for (int i = 0; i < 2; i++) { /* the second start finds it built */
        pid_t pid = supervisor_start(false);
        assert_int_equal(newest_run("success", reason, sizeof reason), 1);
        assert_string_equal(reason, "first build");
        kill(pid, SIGTERM);
        assert_int_equal(supervisor_wait(pid), 0);
    }
}

static void a_schedule_that_is_due_runs_with_its_selection(void **state)
{
    (void)state;
    char reason[128], path[400];
    struct err e = {0};
    struct state *s = NULL;
    need_helper();
    set_plan("run a");
    assert_int_equal(run_once(NULL, &e), 0);
    snprintf(path, sizeof path, "%s/state.db", state_dir);
    assert_int_equal(state_open(&s, path, false, &e), 0);
    json_t *long_ago = json_pack("{s:I}", "last_ms", (json_int_t)1700000000000);
    assert_int_equal(state_put(s, "schedule", "often", long_ago, &e), 0);
    json_decref(long_ago);
    state_close(s);
    reload("platform: fake\nmodels: {project: .}\nschedules:\n"
           "  often: {cron: \"*/5 * * * *\", select: \"tag:x\", catch_up: latest}\n");
    pid_t pid = supervisor_start(false);
    int64_t deadline = time_mono_ms() + DEADLINE_MS;
    do
        newest_run("success", reason, sizeof reason);
    while (!streq(reason, "schedule often") && time_mono_ms() < deadline);
    assert_string_equal(reason, "schedule often");
    kill(pid, SIGTERM);
    assert_int_equal(supervisor_wait(pid), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_new_platform_is_built_as_a_whole_before_its_schedules),
        T(a_schedule_that_is_due_runs_with_its_selection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
