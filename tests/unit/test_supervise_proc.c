/* supervise/proc.c with real children that misbehave (tests/helper/fake_worker.c): each
 * rule of the supervisor once. Waits on conditions with a deadline, never sleeps. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/timeutil.h"
#include "supervise/proc.h"
#include "supervise/spawn.h"
#include "wire/wire.h"
#include "worker/worker.h"

#define DEADLINE_MS 20000

static char dir[256], helper[512];
static uv_loop_t loop;
static uv_signal_t child_signal;
static struct proc *p;
static char last_event[512];
static int n_messages, n_done, n_backoff;

static void on_state(struct proc *proc, enum fsm_state old)
{
    (void)old;
    n_done += proc->state == FSM_DONE;
    n_backoff += proc->state == FSM_BACKOFF;
}
static void on_message(struct proc *proc, const json_t *msg)
{
    (void)proc;
    if (streq(json_str(msg, "t", ""), "beat"))
        return;
    n_messages++;
    str_copy(last_event, sizeof last_event, json_str(msg, "text", ""));
}
static void on_event(struct proc *proc, const char *level, const char *text)
{
    (void)proc;
    (void)level;
    (void)text;
}
static void on_log(struct proc *proc)
{
    (void)proc;
}
static const struct proc_ops ops = {on_state, on_message, on_event, on_log};

static void on_sigchld(uv_signal_t *h, int signum)
{
    (void)h;
    (void)signum;
    proc_reap_all(p);
}

static int setup(void **state)
{
    (void)state;
    const char *tmp = getenv("TMPDIR");
    snprintf(dir, sizeof dir, "%s/weir-proc-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(dir))
        return -1;
    ssize_t n = readlink("/proc/self/exe", helper, sizeof helper - 64);
    if (n < 0)
        return -1;
    helper[n] = '\0';
    *strrchr(helper, '/') = '\0';
    char *unit = strrchr(helper, '/'); /* …/tests/unit → …/tests/helper/fake_worker */
    str_copy(unit, sizeof helper - (size_t)(unit - helper), "/helper/fake_worker");
    /* A leak check at every exit of the helper takes seconds. */
    setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
    signal(SIGPIPE, SIG_IGN);
    uv_loop_init(&loop);
    uv_signal_init(&loop, &child_signal);
    uv_signal_start(&child_signal, on_sigchld, SIGCHLD);
    n_messages = n_done = n_backoff = 0;
    last_event[0] = '\0';
    return spawn_become_subreaper(NULL);
}

static void make(const char *mode, const char *arg, bool is_oneshot)
{
    if (access(helper, X_OK) < 0)
        skip();
    const char *argv[] = {helper, mode, arg, NULL};
    char log[300];
    snprintf(log, sizeof log, "%s/p.log", dir);
    struct proc_spec spec = {.name = "p",
                             .kind = "fake",
                             .argv = argv,
                             .is_oneshot = is_oneshot,
                             .ready_ms = 10000,
                             .beat_ms = 10000,
                             .stop_ms = 5000};
    p = proc_new(&loop, &spec, &ops, NULL, log, 100000, 2);
}

/* Turn the loop until the condition holds; the loop sleeps between events. */
static void on_tick(uv_timer_t *t)
{
    (void)t;
}
#define wait_until(cond)                                                               \
    do {                                                                               \
        int64_t deadline = time_mono_ms() + DEADLINE_MS;                               \
        uv_timer_t tick;                                                               \
        uv_timer_init(&loop, &tick);                                                   \
        uv_timer_start(&tick, on_tick, 20, 20);                                        \
        while (!(cond) && time_mono_ms() < deadline)                                   \
            uv_run(&loop, UV_RUN_ONCE);                                                \
        uv_close((uv_handle_t *)&tick, NULL);                                          \
        uv_run(&loop, UV_RUN_NOWAIT);                                                  \
        if (!(cond))                                                                   \
            fail_msg("deadline: %s (state %s, %s)", #cond, fsm_state_name(p->state),   \
                     p->detail);                                                       \
    } while (0)

static void finish(void)
{
    proc_stop(p);
    wait_until(!proc_is_live(p));
    proc_free(p);
    p = NULL;
}

static int teardown(void **state)
{
    (void)state;
    p = NULL;
    uv_close((uv_handle_t *)&child_signal, NULL);
    while (uv_run(&loop, UV_RUN_NOWAIT))
        continue;
    int rc = uv_loop_close(&loop);
    char cmd[300];
    snprintf(cmd, sizeof cmd, "rm -rf '%s'", dir);
    return system(cmd) | rc;
}

static bool is_alive(pid_t pid)
{
    return kill(pid, 0) == 0;
}

static void ready_is_not_started_and_stop_ends_it(void **state)
{
    (void)state;
    make("ok", NULL, false);
    proc_start(p);
    assert_int_equal(p->state, FSM_STARTING);
    wait_until(p->state == FSM_READY);
    pid_t pid = p->pid;
    proc_stop(p);
    wait_until(p->state == FSM_DOWN);
    assert_false(is_alive(pid));
    finish();
}

static void exit_0_is_done_for_bounded_work_and_a_death_otherwise(void **state)
{
    (void)state;
    make("exit", "0", true);
    proc_start(p);
    wait_until(p->state == FSM_DONE);
    finish();
    make("exit", "0", false);
    proc_start(p);
    wait_until(n_backoff == 1);
    assert_non_null(strstr(p->detail, "ended without being asked"));
    finish();
}

static void exit_1_restarts_with_backoff_until_given_up(void **state)
{
    (void)state;
    make("exit", "1", true);
    proc_start(p);
    wait_until(p->state == FSM_FAILED);
    assert_int_equal(p->attempt, BACKOFF_MAX_ORDERLY);
    assert_non_null(strstr(p->detail, "status 1"));
    assert_int_equal(n_done, 0);
    proc_start(p); /* a person clears it */
    wait_until(p->attempt > BACKOFF_MAX_ORDERLY);
    finish();
}

static void a_configuration_error_is_never_retried(void **state)
{
    (void)state;
    make("die_early", "2", true);
    proc_start(p);
    wait_until(p->state == FSM_FAILED);
    assert_int_equal(p->attempt, 1);
    finish();
}

/* A refused snapshot, a missing plugin: five tries said the same five times. */
static void do_not_restart_me_is_heeded(void **state)
{
    (void)state;
    make("die_words", "125", true);
    proc_start(p);
    wait_until(p->state == FSM_FAILED);
    assert_int_equal(p->attempt, 1);
    assert_int_equal(p->exit_status, WIRE_EXIT_FINAL);
    assert_string_equal(p->detail, "only 100 of 400 rows are left");
    finish();
}

static void only_what_would_come_again_is_final(void **state)
{
    (void)state;
    static const int final[] = {ERR_PLUGIN,   ERR_LIMIT, ERR_SQL,        ERR_CORRUPT,
                                ERR_NOTFOUND, ERR_TYPE,  ERR_UNSUPPORTED},
                     passing[] = {ERR_LOCKED, ERR_IO,    ERR_FULL,        ERR_TIMEOUT,
                                  ERR_BUS,    ERR_AGAIN, ERR_UNAVAILABLE, ERR_FENCED,
                                  ERR_NOMEM,  ERR_FAIL};
    for (size_t i = 0; i < sizeof final / sizeof *final; i++)
        assert_int_equal(worker_exit_status(final[i]), WIRE_EXIT_FINAL);
    for (size_t i = 0; i < sizeof passing / sizeof *passing; i++) {
        int status = worker_exit_status(passing[i]);
        assert_true(status != 0 && status != 2 && status != WIRE_EXIT_FINAL);
    }
    assert_int_equal(worker_exit_status(ERR_CONFIG), 2);
}

static void a_signal_is_named_and_restarted(void **state)
{
    (void)state;
    make("signal", "10", false);
    proc_start(p);
    wait_until(n_backoff >= 2);
    assert_non_null(strstr(p->detail, "signal 10"));
    finish();
}

static void a_missing_program_fails_at_once_with_its_name(void **state)
{
    (void)state;
    make("ok", NULL, false);
    mem_free(p->argv[0]);
    p->argv[0] = mem_strdup("/nonexistent/weir");
    proc_start(p);
    assert_int_equal(p->state, FSM_FAILED);
    assert_non_null(strstr(p->detail, "/nonexistent/weir"));
    proc_free(p);
}

static void never_ready_is_killed(void **state)
{
    (void)state;
    make("never_ready", NULL, false);
    p->spec.ready_ms = 300;
    proc_start(p);
    wait_until(n_backoff == 1);
    assert_non_null(strstr(p->detail, "not ready within"));
    finish();
}

static void silence_is_killed_and_a_task_is_not_silence(void **state)
{
    (void)state;
    make("silent", NULL, false);
    p->spec.beat_ms = 200;
    p->is_beat_free = true;
    proc_start(p);
    wait_until(p->state == FSM_READY);
    int64_t until = time_mono_ms() + 600;
    wait_until(time_mono_ms() > until);
    assert_int_equal(p->state, FSM_READY);
    p->is_beat_free = false;
    wait_until(n_backoff == 1);
    assert_non_null(strstr(p->detail, "no heartbeat"));
    finish();
}

static void who_ignores_term_is_killed_after_the_grace(void **state)
{
    (void)state;
    make("ignore_term", NULL, false);
    p->spec.stop_ms = 200;
    proc_start(p);
    wait_until(p->state == FSM_READY);
    pid_t pid = p->pid;
    proc_stop(p);
    wait_until(p->state == FSM_DOWN);
    assert_false(is_alive(pid));
    finish();
}

static void a_group_counts_as_stopped_only_when_it_is_empty(void **state)
{
    (void)state;
    make("leave_child", NULL, false);
    p->spec.stop_ms = 300;
    proc_start(p);
    wait_until(p->state == FSM_READY);
    pid_t pgid = p->pid;
    proc_stop(p);
    wait_until(p->state == FSM_DOWN);
    assert_true(spawn_group_is_empty(pgid));
    finish();
}

static void what_a_dead_leader_leaves_is_killed_before_the_restart(void **state)
{
    (void)state;
    make("leave_child", NULL, false);
    proc_start(p);
    wait_until(p->state == FSM_READY);
    pid_t pgid = p->pid;
    kill(pgid, SIGKILL);
    wait_until(n_backoff == 1);
    assert_true(spawn_group_is_empty(pgid));
    finish();
}

static void a_daemonised_grandchild_does_not_outlive_its_attempt(void **state)
{
    (void)state;
    make("daemon", NULL, false);
    p->spec.stop_ms = 300;
    proc_start(p);
    wait_until(p->state == FSM_READY);
    pid_t stray = (pid_t)strtol(last_event, NULL, 10);
    assert_true(stray > 0 && is_alive(stray));
    proc_stop(p);
    wait_until(p->state == FSM_DOWN);
    wait_until(!is_alive(stray)); /* dying, at most: it has no memory any more */
    finish();
}

static void a_long_line_is_split_and_nothing_is_lost(void **state)
{
    (void)state;
    make("long_line", "1048576", false);
    proc_start(p);
    wait_until(p->state == FSM_READY && p->log.next_seq > 1048576 / LOGCAP_LINE_MAX);
    assert_int_equal(p->log.next_seq - 1, 1048576 / LOGCAP_LINE_MAX);
    assert_true(p->log.bytes <= LOGCAP_RING_BYTES);
    assert_int_equal(p->log.dropped, 0);
    finish();
}

static void a_burst_is_drained_and_the_files_stay_bounded(void **state)
{
    (void)state;
    make("burst", "100000", true);
    proc_start(p);
    wait_until(p->state == FSM_DONE);
    assert_int_equal(p->log.next_seq - 1, 100000);
    assert_true(p->log.n <= LOGCAP_RING_LINES);
    int64_t total = 0;
    for (int i = 0; i <= 3; i++) {
        char path[330];
        struct stat st;
        snprintf(path, sizeof path, i ? "%s/p.log.%d" : "%s/p.log", dir, i);
        bool has = stat(path, &st) == 0;
        assert_int_equal(has, i <= 2);
        total += has ? st.st_size : 0;
    }
    assert_true(total <= 3 * (100000 + LOGCAP_LINE_MAX));
    finish();
}

static void garbage_on_the_channel_costs_that_line_only(void **state)
{
    (void)state;
    make("garbage", NULL, false);
    proc_start(p);
    wait_until(p->state == FSM_READY);
    assert_int_equal(n_messages, 1);
    assert_string_equal(last_event, "still here");
    finish();
}

static void start_during_stop_starts_again_after_it(void **state)
{
    (void)state;
    make("ok", NULL, false);
    proc_start(p);
    wait_until(p->state == FSM_READY);
    proc_stop(p);
    proc_start(p);
    assert_int_equal(p->state, FSM_STOPPING);
    wait_until(p->state == FSM_READY && p->attempt == 2);
    finish();
}

static void stop_during_start_and_during_backoff(void **state)
{
    (void)state;
    make("ok", NULL, false);
    proc_start(p);
    proc_stop(p);
    wait_until(p->state == FSM_DOWN);
    finish();
    make("exit", "1", true);
    proc_start(p);
    wait_until(p->state == FSM_BACKOFF);
    proc_stop(p);
    assert_int_equal(p->state, FSM_DOWN);
    proc_free(p);
}

/* No descriptor left is trouble that passes: tried again, nothing leaks. */
static void no_descriptors_left_is_tried_again(void **state)
{
    (void)state;
    struct rlimit old, none;
    make("ok", NULL, false);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    logcap_note(&p->log, "its log is open from here on");
    int next = dup(0);
    close(next);
    none = old;
    none.rlim_cur = (rlim_t)next + 3;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    proc_start(p);
    assert_int_equal(p->state, FSM_BACKOFF);
    int after = dup(0);
    assert_int_equal(after, next);
    close(after);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    wait_until(p->state == FSM_READY);
    finish();
}

#define MANY 60
static struct proc *many[MANY];

static int count_many(bool (*is_so)(const struct proc *proc))
{
    int n = 0;
    for (int i = 0; i < MANY; i++)
        n += is_so(many[i]);
    return n;
}
static bool is_ready(const struct proc *proc)
{
    return proc->state == FSM_READY;
}

static void many_that_die_in_one_tick_are_all_reaped(void **state)
{
    (void)state;
    struct proc *list = NULL;
    for (int i = 0; i < MANY; i++) {
        make("ok", NULL, false);
        p->next = list;
        list = many[i] = p;
        proc_start(p);
    }
    wait_until(count_many(is_ready) == MANY);
    for (int i = 0; i < MANY; i++)
        kill(many[i]->pid, SIGKILL);
    for (int i = 0; i < MANY; i++)
        proc_stop(many[i]);
    wait_until(count_many(proc_is_live) == 0);
    for (int i = 0; i < MANY; i++)
        proc_free(many[i]);
    p = NULL;
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(ready_is_not_started_and_stop_ends_it),
        T(exit_0_is_done_for_bounded_work_and_a_death_otherwise),
        T(exit_1_restarts_with_backoff_until_given_up),
        T(a_configuration_error_is_never_retried),
        T(do_not_restart_me_is_heeded),
        cmocka_unit_test(only_what_would_come_again_is_final),
        T(a_signal_is_named_and_restarted),
        T(a_missing_program_fails_at_once_with_its_name),
        T(never_ready_is_killed),
        T(silence_is_killed_and_a_task_is_not_silence),
        T(who_ignores_term_is_killed_after_the_grace),
        T(a_group_counts_as_stopped_only_when_it_is_empty),
        T(what_a_dead_leader_leaves_is_killed_before_the_restart),
        T(a_daemonised_grandchild_does_not_outlive_its_attempt),
        T(a_long_line_is_split_and_nothing_is_lost),
        T(a_burst_is_drained_and_the_files_stay_bounded),
        T(garbage_on_the_channel_costs_that_line_only),
        T(start_during_stop_starts_again_after_it),
        T(stop_during_start_and_during_backoff),
        T(no_descriptors_left_is_tried_again),
        T(many_that_die_in_one_tick_are_all_reaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
