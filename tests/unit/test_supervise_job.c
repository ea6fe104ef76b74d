/* The supervisor as a whole with fake workers (tests/helper/fake_worker.c): the phases
 * of a job, runs with failures, the control socket, two supervisors, and kill -9 of
 * one. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json.h"
#include "base/str.h"
#include "base/timeutil.h"
#include "state/state.h"
#include "supervise/spawn.h"
#include "supervise/supervise.h"
#include "wire/wire.h"

#define DEADLINE_MS 30000

static char dir[256], state_dir[300], helper[512];
static struct platform *p;
static pid_t supervisor; /* of the running test; a failed one leaves it to teardown */

static const char weir_yml[] =
    "platform: fake\n"
    "sources:\n"
    "  pos: {plugin: pos, path: pos.jsonl, topic: transactions}\n"
    "  stores: {plugin: stores, path: stores.csv, every: 1h}\n"
    "streams:\n"
    "  enrichment: {from: transactions}\n"
    "loads:\n"
    "  raw: {from: enriched-transactions, into: bronze.raw}\n"
    "models: {project: .}\n"
    "roles: {viewer: []}\n";

static void write_file(const char *name, const char *text)
{
    char path[600];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static int setup(void **state)
{
    (void)state;
    struct err e = {0};
    const char *tmp = getenv("TMPDIR");
    snprintf(dir, sizeof dir, "%s/weir-job-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(dir))
        return -1;
    ssize_t n = readlink("/proc/self/exe", helper, sizeof helper - 64);
    if (n < 0)
        return -1;
    helper[n] = '\0';
    *strrchr(helper, '/') = '\0';
    char *unit = strrchr(helper, '/');
    str_copy(unit, sizeof helper - (size_t)(unit - helper), "/helper/fake_worker");
    snprintf(state_dir, sizeof state_dir, "%s/state", dir);
    write_file("weir.yml", weir_yml);
    write_file("pos.jsonl", "");
    write_file("stores.csv", "store_id\n");
    write_file("dbt_project.yml", "name: fake\nversion: 1.0.0\nprofile: fake\n");
    /* A leak check at every exit of the helper takes seconds. */
    setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
    setenv("WEIR_PROJECT_DIR", dir, 1);
    setenv("WEIR_STATE_DIR", state_dir, 1);
    unsetenv("FAKE_PLAN");
    unsetenv("FAKE_MODE_stream");
    unsetenv("FAKE_MODE_ingest");
    struct conf_options o = {.project_dir = dir, .state_dir = state_dir};
    if (conf_load(&p, &o, &e) < 0) {
        fprintf(stderr, "%s\n", e.text);
        return -1;
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    if (supervisor > 0) {
        kill(supervisor, SIGKILL);
        waitpid(supervisor, NULL, 0);
        supervisor = 0;
    }
    conf_free(p);
    char cmd[300];
    snprintf(cmd, sizeof cmd, "rm -rf '%s'", dir);
    return system(cmd);
}

static void need_helper(void)
{
    if (access(helper, X_OK) < 0)
        skip();
}

/* items: "kind node after,after;…" → the plan the fake sql workers answer with. */
static void set_plan(const char *items)
{
    json_t *plan =
        json_pack("{s:s,s:s,s:[]}", "command", "build", "reason", "test", "text");
    json_t *list = json_array();
    char text[512], path[600];
    str_copy(text, sizeof text, items);
    char *save = NULL;
    for (char *item = strtok_r(text, ";", &save); item;
         item = strtok_r(NULL, ";", &save)) {
        char kind[32], node[64], after[128] = "";
        assert_true(sscanf(item, "%31s %63s %127s", kind, node, after) >= 2);
        json_t *row = json_pack("{s:s,s:s,s:s,s:s}", "node", node, "name", node, "kind",
                                kind, "why", "test");
        json_t *deps = json_array();
        char *more = NULL;
        for (char *d = strtok_r(after, ",", &more); d; d = strtok_r(NULL, ",", &more))
            json_array_append_new(deps, json_string(d));
        json_object_set_new(row, "after", deps);
        json_array_append_new(list, row);
    }
    json_object_set_new(plan, "items", list);
    snprintf(path, sizeof path, "%s/plan.json", dir);
    assert_int_equal(json_save_path(plan, path, NULL), 0);
    json_decref(plan);
    setenv("FAKE_PLAN", path, 1);
}

static int run_once(json_t **summary, struct err *e)
{
    struct supervise_options o = {
        .once = true, .is_quiet = true, .exe = helper, .summary = summary};
    return supervise_run(p, &o, e);
}

/* state of a task of the newest run */
static void task_state(const char *node, char *out, size_t size)
{
    char path[400];
    struct err e = {0};
    struct state *s = NULL;
    json_t *runs = NULL, *tasks = NULL, *t;
    size_t i;
    snprintf(path, sizeof path, "%s/state.db", state_dir);
    assert_int_equal(state_open(&s, path, true, &e), 0);
    assert_int_equal(state_runs(s, 1, &runs, &e), 0);
    assert_int_equal(
        state_tasks(s, json_i64(json_array_get(runs, 0), "id", 0), &tasks, &e), 0);
    str_copy(out, size, "none");
    json_array_foreach (tasks, i, t)
        if (streq(json_str(t, "node", ""), node))
            snprintf(out, size, "%s/%lld", json_str(t, "state", "?"),
                     (long long)json_i64(t, "attempt", 0));
    json_decref(runs);
    json_decref(tasks);
    state_close(s);
}
#define assert_task(node, want)                                                        \
    do {                                                                               \
        char got_[64];                                                                 \
        task_state(node, got_, sizeof got_);                                           \
        assert_string_equal(got_, want);                                               \
    } while (0)

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

/* ── a supervisor in a process of its own
 * ────────────────────────────────────────────── */

static pid_t supervisor_start(bool once)
{
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct err e = {0};
        struct supervise_options o = {.once = once, .is_quiet = true, .exe = helper};
        int rc = supervise_run(p, &o, &e);
        _exit(rc < 0 ? err_exit_status(rc) : rc);
    }
    supervisor = pid;
    return pid;
}

static int supervisor_wait(pid_t pid)
{
    int status = 0;
    int64_t deadline = time_mono_ms() + DEADLINE_MS;
    while (waitpid(pid, &status, WNOHANG) == 0) {
        if (time_mono_ms() > deadline) {
            kill(pid, SIGKILL);
            waitpid(pid, &status, 0);
            fail_msg("the supervisor did not end");
        }
        (void)poll(NULL, 0, 10);
    }
    supervisor = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static int connect_soon(void)
{
    char path[400];
    struct err e = {0};
    int fd = -1;
    int64_t deadline = time_mono_ms() + DEADLINE_MS;
    snprintf(path, sizeof path, "%s/control.sock", state_dir);
    while (wire_connect(path, &fd, &e) < 0) {
        if (time_mono_ms() > deadline)
            fail_msg("nobody listens: %s", e.text);
        (void)poll(NULL, 0, 10);
    }
    return fd;
}

static int ask(int fd, const char *cmd, json_t *args, json_t **data, struct err *e)
{
    struct wire_decoder d;
    json_t *got = NULL;
    wire_decoder_init(&d);
    int rc = wire_request(fd, &d, cmd, args, &got, e);
    wire_decoder_release(&d);
    if (data)
        *data = got;
    else
        json_decref(got);
    return rc;
}

static void wait_for(int fd, const char *until)
{
    struct err e = {0};
    json_t *data = NULL;
    assert_int_equal(ask(fd, "wait", json_pack("{s:s}", "until", until), &data, &e), 0);
    assert_true(json_flag(data, "met", false));
    json_decref(data);
}

static void the_socket_answers_refuses_and_ends_it(void **state)
{
    (void)state;
    struct err e = {0};
    json_t *data = NULL;
    need_helper();
    set_plan("run a");
    pid_t pid = supervisor_start(false);
    int fd = connect_soon();
    wait_for(fd, "ready");
    assert_int_equal(ask(fd, "status", NULL, &data, &e), 0);
    assert_string_equal(json_str(data, "platform", ""), "fake");
    assert_string_equal(json_str(data, "state", ""), "running");
    json_decref(data);
    assert_int_equal(ask(fd, "whoami", NULL, &data, &e), 0);
    assert_string_equal(json_str(data, "role", ""), "admin");
    json_decref(data);
    assert_int_equal(ask(fd, "statu", NULL, NULL, &e), ERR_USAGE);
    assert_non_null(strstr(e.text, "status"));
    assert_int_equal(
        ask(fd, "subscribe", json_pack("{s:[s]}", "feeds", "nonsense"), NULL, &e),
        ERR_USAGE);
    assert_int_equal(
        ask(fd, "subscribe", json_pack("{s:[s]}", "feeds", "gate"), NULL, &e),
        ERR_USAGE);
    assert_int_equal(
        ask(fd, "subscribe", json_pack("{s:[s]}", "feeds", "gate:x"), NULL, &e), 0);
    assert_int_equal(ask(fd, "sync", json_pack("{s:s}", "source", "nobody"), NULL, &e),
                     ERR_NOTFOUND);
    assert_int_equal(ask(fd, "run", json_pack("{s:s}", "command", "build"), &data, &e),
                     0);
    char until[32];
    snprintf(until, sizeof until, "run:%lld", (long long)json_i64(data, "run", 0));
    json_decref(data);
    wait_for(fd, until);
    assert_int_equal(ask(fd, "down", NULL, NULL, &e), 0);
    assert_int_equal(supervisor_wait(pid), 0);
    close(fd);
    assert_task("a", "success/1");
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

static void a_second_supervisor_is_refused_with_the_firsts_pid(void **state)
{
    (void)state;
    struct err e = {0};
    char text[32];
    need_helper();
    pid_t pid = supervisor_start(false);
    int fd = connect_soon();
    assert_int_equal(run_once(NULL, &e), ERR_LOCKED);
    assert_int_equal(err_exit_status(ERR_LOCKED), 4);
    snprintf(text, sizeof text, "process %d", (int)pid);
    assert_non_null(strstr(e.text, text));
    wait_for(fd, "ready"); /* the first one is as it was */
    kill(pid, SIGTERM);
    assert_int_equal(supervisor_wait(pid), 0);
    close(fd);
}

static void an_interrupt_stops_in_order_exit_130(void **state)
{
    (void)state;
    need_helper();
    set_plan("run hang_a");
    pid_t pid = supervisor_start(true);
    int fd = connect_soon();
    close(fd);
    kill(pid, SIGINT);
    assert_int_equal(supervisor_wait(pid), 130);
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

static int64_t newest_run(const char *until_state, char *reason, size_t size)
{
    char path[400];
    struct err e = {0};
    int64_t id = 0, deadline = time_mono_ms() + DEADLINE_MS;
    snprintf(path, sizeof path, "%s/state.db", state_dir);
    while (id == 0) {
        struct state *s = NULL;
        json_t *runs = NULL;
        if (state_open(&s, path, true, &e) == 0 && state_runs(s, 1, &runs, &e) == 0 &&
            json_array_size(runs) > 0) {
            const json_t *r = json_array_get(runs, 0);
            if (streq(json_str(r, "state", ""), until_state))
                id = json_i64(r, "id", 0);
            str_copy(reason, size, json_str(r, "reason", ""));
        }
        json_decref(runs);
        state_close(s);
        if (time_mono_ms() > deadline)
            fail_msg("no run became %s", until_state);
        (void)poll(NULL, 0, 10);
    }
    return id;
}

static void reload(const char *yml)
{
    struct err e = {0};
    struct conf_options o = {.project_dir = dir, .state_dir = state_dir};
    write_file("weir.yml", yml);
    conf_free(p);
    p = NULL;
    assert_int_equal(conf_load(&p, &o, &e), 0);
}

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

static void a_run_goes_on_after_the_supervisor_was_killed(void **state)
{
    (void)state;
    char reason[128];
    struct err e = {0};
    need_helper();
    set_plan("run a;run hang_b a;run c hang_b");
    pid_t pid = supervisor_start(false);
    int fd = connect_soon();
    wait_for(fd, "ready");
    assert_int_equal(ask(fd, "run", NULL, NULL, &e), 0);
    newest_run("running", reason, sizeof reason);
    char got[64] = "";
    for (int64_t deadline = time_mono_ms() + DEADLINE_MS;
         !streq(got, "running/1") && time_mono_ms() < deadline; (void)poll(NULL, 0, 10))
        task_state("hang_b", got, sizeof got);
    assert_string_equal(got, "running/1");
    kill(pid, SIGKILL);
    (void)supervisor_wait(pid);
    close(fd);
    setenv("FAKE_HANG", "no", 1);
    pid = supervisor_start(false);
    newest_run("success", reason, sizeof reason);
    unsetenv("FAKE_HANG");
    assert_task("a", "success/1"); /* not run twice */
    assert_task("hang_b", "success/2");
    assert_task("c", "success/1");
    kill(pid, SIGTERM);
    assert_int_equal(supervisor_wait(pid), 0);
}

/* As another user: what whoami and down answer. Only root can become one. */
static void ask_as_nobody(const char *want_role, int want_down)
{
    char path[400];
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct err e = {0};
        json_t *data = NULL;
        int fd = -1, rc = 0;
        snprintf(path, sizeof path, "%s/control.sock", state_dir);
        if (setgid(65534) < 0 || setuid(65534) < 0 || wire_connect(path, &fd, &e) < 0)
            _exit(want_role ? 10 : 0);
        if (ask(fd, "whoami", NULL, &data, &e) < 0)
            _exit(want_role ? 11 : 0);
        rc = want_role && streq(json_str(data, "role", ""), want_role) ? 0 : 12;
        json_decref(data);
        if (rc == 0 && (ask(fd, "down", NULL, NULL, &e) < 0) != want_down)
            rc = 13;
        if (rc == 0 && want_down && !strstr(e.text, "needs the role admin"))
            rc = 14;
        _exit(rc);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void others_get_the_role_they_have_and_nobody_else_gets_in(void **state)
{
    (void)state;
    need_helper();
    if (getuid() != 0)
        skip();
    assert_int_equal(chmod(dir, 0755), 0);
    reload("platform: fake\nroles: {viewer: [\"*\"]}\n");
    pid_t pid = supervisor_start(false);
    close(connect_soon());
    ask_as_nobody("viewer", true);
    kill(pid, SIGTERM);
    assert_int_equal(supervisor_wait(pid), 0);
    reload("platform: fake\nroles: {viewer: [], operator: [nobody_of_that_name]}\n");
    pid = supervisor_start(false);
    close(connect_soon());
    ask_as_nobody(NULL, true);
    kill(pid, SIGTERM);
    assert_int_equal(supervisor_wait(pid), 0);
}

/* A console that is stopped (SIGSTOP, a dead link): the supervisor goes on, drops it.
 */
static void a_client_that_does_not_read_is_dropped(void **state)
{
    (void)state;
    struct err e = {0};
    need_helper();
    pid_t pid = supervisor_start(false);
    int deaf = connect_soon(), fd = connect_soon();
    wait_for(fd, "ready");
    char ask_much[] = "{\"id\":1,\"cmd\":\"status\"}\n";
    int64_t deadline = time_mono_ms() + DEADLINE_MS;
    bool is_dropped = false;
    while (!is_dropped && time_mono_ms() < deadline) {
        ssize_t n =
            send(deaf, ask_much, sizeof ask_much - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
        is_dropped = n < 0 && (errno == EPIPE || errno == ECONNRESET);
        if (n < 0 && errno == EAGAIN)
            (void)poll(NULL, 0, 1);
    }
    assert_true(is_dropped);
    wait_for(fd, "ready");
    assert_int_equal(ask(fd, "down", NULL, NULL, &e), 0);
    assert_int_equal(supervisor_wait(pid), 0);
    close(deaf);
    close(fd);
}

/* kill -9 at a random moment: the next one starts at once, no worker of the old one is
 * left, no run is left open. */
static void a_killed_supervisor_is_reconciled(void **state)
{
    (void)state;
    struct err e = {0};
    need_helper();
    set_plan("run a;run die_b a;run c die_b");
    unsigned seed = 20261124;
    for (int round = 0; round < 8; round++) {
        pid_t pid = supervisor_start(true);
        seed = seed * 1103515245u + 12345u;
        (void)poll(NULL, 0,
                   (int)(seed >> 16) % 400); /* where it dies, not what is awaited */
        kill(pid, SIGKILL);
        (void)supervisor_wait(pid);
    }
    int64_t before = time_mono_ms();
    assert_int_equal(run_once(NULL, &e), 0);
    assert_true(time_mono_ms() - before < 15000);
    assert_task("c", "success/1");
    char path[400];
    struct state *s = NULL;
    json_t *runs = NULL, *r;
    size_t i;
    snprintf(path, sizeof path, "%s/state.db", state_dir);
    assert_int_equal(state_open(&s, path, true, &e), 0);
    assert_int_equal(state_runs(s, 50, &runs, &e), 0);
    json_array_foreach (runs, i, r) {
        const char *st = json_str(r, "state", "");
        assert_true(streq(st, "success") || streq(st, "crashed"));
    }
    json_decref(runs);
    state_close(s);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
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
        T(the_socket_answers_refuses_and_ends_it),
        T(three_requests_at_once_queue_and_do_not_overlap),
        T(a_run_that_hangs_is_cancelled_and_its_worker_replaced),
        T(a_second_supervisor_is_refused_with_the_firsts_pid),
        T(an_interrupt_stops_in_order_exit_130),
        T(a_new_platform_is_built_as_a_whole_before_its_schedules),
        T(a_schedule_that_is_due_runs_with_its_selection),
        T(a_run_goes_on_after_the_supervisor_was_killed),
        T(others_get_the_role_they_have_and_nobody_else_gets_in),
        T(a_client_that_does_not_read_is_dropped),
        T(a_killed_supervisor_is_reconciled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
