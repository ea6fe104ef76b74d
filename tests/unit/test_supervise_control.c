/* The control socket and the supervisor's own life: roles, clients that do not read,
 * two supervisors, interrupts, and kill -9 of one. */
#include "supervise_fixture.h"

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

/* A sanitizer makes every line ten times as slow, and keeps what was freed. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FLOOD_MB      "4"
#define FLOOD_PEAK_MB 2000
#else
#define FLOOD_MB      "200"
#define FLOOD_PEAK_MB 30
#endif

/* Peak memory of a process, MB. */
static long peak_mb(pid_t pid)
{
    char path[64], line[256];
    long kb = -1;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f))
        if (strncmp(line, "VmHWM:", 6) == 0)
            kb = strtol(line + 6, NULL, 10);
    fclose(f);
    return kb / 1024;
}

/* Asks for a log and then is stopped, as a console behind a dead link. */
static pid_t stopped_console(void)
{
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct err e = {0};
        int fd = connect_soon();
        ask(fd, "subscribe",
            json_pack("{s:[ss]}", "feeds", "log:stream.enrichment", "overview"), NULL,
            &e);
        raise(SIGSTOP);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
    assert_true(WIFSTOPPED(status));
    return pid;
}

static off_t folder_bytes(void)
{
    char path[400];
    off_t sum = 0;
    struct stat st;
    for (int i = -1; i < 10; i++) {
        int n = snprintf(path, sizeof path, "%s/logs/stream.enrichment.log", state_dir);
        if (i >= 0)
            snprintf(path + n, sizeof path - (size_t)n, ".%d", i);
        sum += stat(path, &st) == 0 ? st.st_size : 0;
    }
    return sum;
}

/* 200 MB of log lines, a console that does not read: the supervisor's memory and files
 * stay bounded, what a reader did not get is counted, others are served meanwhile. */
static void a_flood_of_log_lines_with_a_stopped_console_is_bounded(void **state)
{
    (void)state;
    struct err e = {0};
    json_t *data = NULL;
    need_helper();
    setenv("FAKE_MODE_stream", "flood:" FLOOD_MB, 1);
    pid_t pid = supervisor_start(false);
    pid_t console = stopped_console();
    int fd = connect_soon();
    int64_t in = 0, answers = 0, deadline = time_mono_ms() + 10 * DEADLINE_MS;
    while (in == 0 && time_mono_ms() < deadline) {
        const json_t *stage;
        size_t i;
        assert_int_equal(ask(fd, "status", NULL, &data, &e), 0);
        json_array_foreach (json_arr(data, "stages"), i, stage)
            if (streq(json_str(stage, "kind", ""), "stream"))
                in = json_i64(stage, "in", 0);
        json_decref(data);
        answers++;
    }
    assert_int_equal(in, strtol(FLOOD_MB, NULL, 10) * 16 * 1024);
    assert_true(answers > 3);
    assert_int_equal(
        ask(fd, "log", json_pack("{s:s}", "name", "stream.enrichment"), &data, &e), 0);
    size_t kept = json_array_size(json_arr(data, "lines"));
    assert_true(kept > 0 && kept <= 2000);
    /* The number of the first line that is kept says how many are not. */
    assert_true(json_i64(data, "seq", 0) + (int64_t)kept - 1 >= in);
    assert_int_equal(json_i64(data, "dropped", -1), 0); /* all reached the files */
    json_decref(data);
    assert_true(folder_bytes() <= p->log_bytes * (p->log_keep + 1) + 65536);
    assert_true(peak_mb(pid) <= FLOOD_PEAK_MB);
    assert_int_equal(ask(fd, "down", NULL, NULL, &e), 0);
    assert_int_equal(supervisor_wait(pid), 0);
    kill(console, SIGKILL);
    waitpid(console, NULL, 0);
    close(fd);
}

/* How large files of the supervisor may become from now on. */
static void limit_files(pid_t pid, rlim_t bytes)
{
    struct rlimit limit = {bytes, RLIM_INFINITY};
    assert_int_equal(prlimit(pid, RLIMIT_FSIZE, &limit, NULL), 0);
}

/* state.db finds no room in the middle: it is said, with the file and the reason; what
 * runs goes on; with room everything is as always, here and after a restart. */
static void a_full_disk_is_said_and_nothing_is_lost(void **state)
{
    (void)state;
    struct err e = {0};
    json_t *data = NULL;
    char reason[128], until[40];
    need_helper();
    set_plan("run a;run b a");
    signal(SIGXFSZ, SIG_IGN); /* inherited, as the supervisor's main has it */
    pid_t pid = supervisor_start(false);
    int fd = connect_soon();
    wait_for(fd, "ready");
    assert_int_equal(ask(fd, "run", NULL, NULL, &e), 0);
    newest_run("success", reason, sizeof reason);
    limit_files(pid, 1);
    assert_true(ask(fd, "run", NULL, NULL, &e) < 0);
    assert_non_null(strstr(e.text, "state.db"));
    assert_non_null(strstr(e.text, "full"));
    assert_int_equal(ask(fd, "status", NULL, &data, &e), 0); /* it lives */
    json_decref(data);
    limit_files(pid, RLIM_INFINITY);
    assert_int_equal(ask(fd, "run", NULL, &data, &e), 0);
    snprintf(until, sizeof until, "run:%lld", (long long)json_i64(data, "run", 0));
    json_decref(data);
    wait_for(fd, until);
    assert_task("b", "success/1");
    /* The disk fills up under a run: it ends, and the next supervisor knows how. */
    kill(pid, SIGKILL);
    (void)supervisor_wait(pid);
    close(fd);
    pid = supervisor_start(false);
    fd = connect_soon();
    wait_for(fd, "ready");
    assert_task("b", "success/1");
    assert_int_equal(ask(fd, "down", NULL, NULL, &e), 0);
    assert_int_equal(supervisor_wait(pid), 0);
    close(fd);
    signal(SIGXFSZ, SIG_DFL);
}

/* Something that is no supervisor sits where the socket should be. */
static void a_socket_that_is_taken_is_said(void **state)
{
    (void)state;
    char path[400];
    struct err e = {0};
    int other = -1;
    need_helper();
    assert_int_equal(mkdir(state_dir, 0700), 0);
    snprintf(path, sizeof path, "%s/control.sock", state_dir);
    assert_int_equal(wire_listen(path, &other, &e), 0);
    assert_int_equal(run_once(NULL, &e), ERR_LOCKED);
    assert_non_null(strstr(e.text, path));
    close(other);
    assert_int_equal(run_once(NULL, &e), 0); /* a dead one is replaced */
    assert_int_equal(mkdir(path, 0700), 0);
    assert_true(run_once(NULL, &e) < 0);
    assert_non_null(strstr(e.text, path));
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
    pid_t next = supervisor_start(false);
    int fd = connect_soon(); /* it listens once everything is reconciled */
    assert_int_equal(ask(fd, "whoami", NULL, NULL, &e), 0);
    assert_true(time_mono_ms() - before < 5000);
    assert_int_equal(ask(fd, "down", NULL, NULL, &e), 0);
    assert_int_equal(supervisor_wait(next), 0);
    close(fd);
    assert_int_equal(run_once(NULL, &e), 0);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_socket_answers_refuses_and_ends_it),
        T(a_second_supervisor_is_refused_with_the_firsts_pid),
        T(an_interrupt_stops_in_order_exit_130),
        T(a_run_goes_on_after_the_supervisor_was_killed),
        T(others_get_the_role_they_have_and_nobody_else_gets_in),
        T(a_client_that_does_not_read_is_dropped),
        T(a_flood_of_log_lines_with_a_stopped_console_is_bounded),
        T(a_full_disk_is_said_and_nothing_is_lost),
        T(a_socket_that_is_taken_is_said),
        T(a_killed_supervisor_is_reconciled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
