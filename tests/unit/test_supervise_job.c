/* The phases of a job, and runs: failures, retries, gates, pools, cancelling, several
 * at once. */
#include "supervise_fixture.h"

static void once_goes_through_every_phase_and_ends_0(void **state)
{
    (void)state;
    struct err e = {0};
    json_t *summary = NULL;
    need_helper();
    set_plan("seed a;run b a;test t b");
    assert_int_equal(run_once(&summary, &e), 0);
    const json_t *counts = json_obj(summary, "counts");
    assert_int_equal(json_i64(counts, "records_in", 0), 10);
    assert_int_equal(json_i64(json_obj(counts, "rejected"), "too_long", 0), 1);
    assert_int_equal(json_i64(json_obj(counts, "loaded"), "raw", 0), 7);
    assert_string_equal(json_str(json_obj(summary, "run"), "state", ""), "success");
    json_decref(summary);
    assert_task("b", "success/1");
    assert_task("t", "pass/1");
    char sock[400];
    snprintf(sock, sizeof sock, "%s/control.sock", state_dir);
    assert_int_equal(access(sock, F_OK), -1);
}

static void an_error_skips_what_is_behind_it_and_nothing_else(void **state)
{
    (void)state;
    struct err e = {0};
    need_helper();
    set_plan("run a;run error_b a;run c error_b;run d c;run e a");
    assert_int_equal(run_once(NULL, &e), 1);
    assert_non_null(strstr(e.text, "error_b"));
    assert_task("a", "success/1");
    assert_task("error_b", "error/1");
    assert_task("c", "skipped/0");
    assert_task("d", "skipped/0");
    assert_task("e", "success/1");
}

static void a_gate_blocks_what_is_behind_it_exit_5(void **state)
{
    (void)state;
    struct err e = {0};
    need_helper();
    set_plan("run block_a;run b block_a;run c");
    assert_int_equal(run_once(NULL, &e), 5);
    assert_task("block_a", "blocked/1");
    assert_task("b", "blocked/0");
    assert_task("c", "success/1");
}

static void a_retryable_error_and_a_dying_worker_are_tried_again(void **state)
{
    (void)state;
    struct err e = {0};
    need_helper();
    set_plan("run retry_a;run die_b;run c retry_a,die_b");
    assert_int_equal(run_once(NULL, &e), 0);
    assert_task("retry_a", "success/2");
    assert_task("die_b", "success/2");
    assert_task("c", "success/1");
}

static void a_broken_plan_is_said(void **state)
{
    (void)state;
    struct err e = {0};
    need_helper();
    set_plan("run a b;run b");
    assert_int_equal(run_once(NULL, &e), 1);
    assert_non_null(strstr(e.text, "not before it"));
}

static void a_stream_that_cannot_run_ends_the_job_with_its_name(void **state)
{
    (void)state;
    struct err e = {0};
    need_helper();
    setenv("FAKE_MODE_stream", "nonsense", 1); /* exits 2: configuration */
    assert_int_equal(run_once(NULL, &e), 2);
    assert_non_null(strstr(e.text, "stream.enrichment"));
}

static void a_source_that_cannot_run_is_contained(void **state)
{
    (void)state;
    struct err e = {0};
    json_t *summary = NULL;
    need_helper();
    set_plan("run a");
    setenv("FAKE_MODE_ingest", "nonsense", 1);
    assert_int_equal(run_once(&summary, &e), 2);
    assert_string_equal(json_str(json_obj(summary, "run"), "state", ""), "success");
    json_decref(summary);
}

static void headless_build_runs_the_sql_pool_only(void **state)
{
    (void)state;
    struct err e = {0};
    need_helper();
    set_plan("run a");
    json_t *request =
        json_pack("{s:s,s:{s:s}}", "cmd", "run", "args", "command", "run");
    struct supervise_options o = {
        .sql_only = true, .request = request, .is_quiet = true, .exe = helper};
    assert_int_equal(supervise_run(p, &o, &e), 0);
    assert_task("a", "success/1");
    set_plan("");
    assert_int_equal(supervise_run(p, &o, &e), 3);
    json_decref(request);
}

static void a_run_that_hangs_is_cancelled_and_its_worker_replaced(void **state)
{
    (void)state;
    struct err e = {0};
    json_t *data = NULL;
    need_helper();
    set_plan("run hang_a;run b hang_a");
    pid_t pid = supervisor_start(false);
    int fd = connect_soon();
    wait_for(fd, "ready");
    assert_int_equal(ask(fd, "run", NULL, &data, &e), 0);
    int64_t run = json_i64(data, "run", 0);
    json_decref(data);
    char until[32];
    snprintf(until, sizeof until, "run:%lld", (long long)run);
    assert_int_equal(
        ask(fd, "cancel", json_pack("{s:I}", "run", (json_int_t)run), NULL, &e), 0);
    wait_for(fd, until);
    set_plan("run c");
    assert_int_equal(ask(fd, "down", NULL, NULL, &e), 0);
    assert_int_equal(supervisor_wait(pid), 0);
    close(fd);
}

/* Schedule, console and CLI at once: one run at a time, in order, the others queued. */
static void three_requests_at_once_queue_and_do_not_overlap(void **state)
{
    (void)state;
    struct err e = {0};
    json_t *data = NULL;
    int64_t id[3];
    need_helper();
    set_plan("run hang_a;run b hang_a");
    pid_t pid = supervisor_start(false);
    int fds[3] = {connect_soon(), connect_soon(), connect_soon()};
    wait_for(fds[0], "ready");
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ask(fds[i], "run", NULL, &data, &e), 0);
        id[i] = json_i64(data, "run", 0);
        json_decref(data);
    }
    for (int i = 0; i < 3; i++) { /* newest first in the list */
        assert_int_equal(ask(fds[i], "runs", NULL, &data, &e), 0);
        for (int k = i; k < 3; k++) {
            const json_t *row = json_array_get(data, (size_t)(2 - k));
            assert_int_equal(json_i64(row, "id", 0), id[k]);
            assert_string_equal(json_str(row, "state", ""),
                                k == i ? "running" : "queued");
        }
        json_decref(data);
        assert_int_equal(ask(fds[i], "cancel",
                             json_pack("{s:I}", "run", (json_int_t)id[i]), NULL, &e),
                         0);
    }
    assert_int_equal(ask(fds[0], "down", NULL, NULL, &e), 0);
    assert_int_equal(supervisor_wait(pid), 0);
    for (int i = 0; i < 3; i++)
        close(fds[i]);
}

/* What is in a full pool waits, and what stands behind it in the queue does not. */
static void a_pool_has_no_more_at_work_than_its_slots(void **state)
{
    (void)state;
    struct err e = {0};
    char reason[128], got[64] = "";
    need_helper();
    reload("platform: fake\nmodels: {project: .}\n"
           "pools: {transform: {slots: 3}, heavy: {slots: 1}}\n");
    set_plan("run@heavy hang_a;run@heavy hang_b;run c;run d c");
    pid_t pid = supervisor_start(false);
    int fd = connect_soon();
    wait_for(fd, "ready");
    assert_int_equal(ask(fd, "run", NULL, NULL, &e), 0);
    newest_run("running", reason, sizeof reason);
    for (int64_t deadline = time_mono_ms() + DEADLINE_MS;
         !streq(got, "success/1") && time_mono_ms() < deadline; (void)poll(NULL, 0, 10))
        task_state("d", got, sizeof got);
    assert_string_equal(got, "success/1");
    assert_task("hang_a", "running/1");
    assert_task("hang_b", "waiting/0"); /* two workers are free, its pool is not */
    kill(pid, SIGKILL);
    (void)supervisor_wait(pid);
    close(fd);
    setenv("FAKE_HANG", "no", 1); /* with an end, one after the other */
    pid = supervisor_start(false);
    newest_run("success", reason, sizeof reason);
    unsetenv("FAKE_HANG");
    assert_task("hang_b", "success/1");
    kill(pid, SIGTERM);
    assert_int_equal(supervisor_wait(pid), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(once_goes_through_every_phase_and_ends_0),
        T(an_error_skips_what_is_behind_it_and_nothing_else),
        T(a_gate_blocks_what_is_behind_it_exit_5),
        T(a_retryable_error_and_a_dying_worker_are_tried_again),
        T(a_broken_plan_is_said),
        T(a_stream_that_cannot_run_ends_the_job_with_its_name),
        T(a_source_that_cannot_run_is_contained),
        T(headless_build_runs_the_sql_pool_only),
        T(a_run_that_hangs_is_cancelled_and_its_worker_replaced),
        T(three_requests_at_once_queue_and_do_not_overlap),
        T(a_pool_has_no_more_at_work_than_its_slots),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
