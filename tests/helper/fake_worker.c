/* A child that speaks the channel protocol and misbehaves on demand.
 *
 *   fake_worker MODE [ARG]      one misbehaviour (the table at the end)
 *   fake_worker worker KIND …   stands in for weir: an ideal worker of that kind; sql
 *     workers plan what FAKE_PLAN (a JSON file) says and answer tasks by their node's
 * name: error_… fails, retry_… fails retryably at its first attempt, block_… is
 * blocked, die_… kills its worker at its first attempt, hang_… never answers
 * (FAKE_HANG=no: it does). FAKE_MODE_KIND=MODE or MODE:ARG makes that kind misbehave
 * instead. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json.h"
#include "base/str.h"
#include "wire/channel.h"

static struct channel ch;
static struct err e;
static volatile sig_atomic_t is_term;

static void on_term(int s)
{
    (void)s;
    is_term = 1;
}

static void be_ready(void)
{
    if (channel_ready(&ch, &e) < 0)
        exit(9);
}

/* Answer until told to stop. */
static int serve(void)
{
    while (!is_term && !ch.is_stopping) {
        json_t *msg = NULL;
        if (channel_poll(&ch, 1000, &msg, &e) < 0)
            return 1;
        json_decref(msg);
        if (ch.is_draining)
            channel_send(&ch, "drained", json_pack("{s:{s:i}}", "data", "rows", 7), &e);
    }
    return 0;
}

static int mode_ok(const char *arg)
{
    (void)arg;
    be_ready();
    return serve();
}
static int mode_exit(const char *arg)
{
    be_ready();
    return arg ? (int)strtol(arg, NULL, 10) : 0;
}
static int mode_die_early(const char *arg)
{
    return arg ? (int)strtol(arg, NULL, 10) : 1;
}
static int mode_die_words(const char *arg)
{
    be_ready();
    fputs("2026-06-15T06:04:11.120Z error p: only 100 of 400 rows are left\n", stderr);
    return arg ? (int)strtol(arg, NULL, 10) : 1;
}
static int mode_signal(const char *arg)
{
    be_ready();
    raise(arg ? (int)strtol(arg, NULL, 10) : SIGSEGV);
    return 0;
}
static int mode_never_ready(const char *arg)
{
    (void)arg;
    return serve();
}
static int mode_ignore_term(const char *arg)
{
    (void)arg;
    signal(SIGTERM, SIG_IGN);
    be_ready();
    for (;;)
        pause();
    return 0;
}
static int mode_silent(const char *arg)
{
    (void)arg;
    be_ready();
    for (;;)
        pause();
    return 0;
}
/* A child in the group that ignores TERM; the leader goes first. */
static int mode_leave_child(const char *arg)
{
    (void)arg;
    if (fork() == 0) {
        signal(SIGTERM, SIG_IGN);
        for (;;)
            pause();
    }
    be_ready();
    return serve();
}
/* A daemon: out of the group and of the session. Its pid is told as an event. */
static int mode_daemon(const char *arg)
{
    (void)arg;
    int fds[2];
    if (pipe(fds) < 0)
        return 1;
    pid_t child = fork();
    if (child == 0) {
        setsid();
        pid_t grandchild = fork();
        if (grandchild != 0) {
            if (write(fds[1], &grandchild, sizeof grandchild) < 0)
                _exit(1);
            _exit(0);
        }
        for (;;)
            pause();
    }
    pid_t pid = 0;
    waitpid(child, NULL, 0);
    if (read(fds[0], &pid, sizeof pid) < 0)
        return 1;
    channel_event(&ch, "info", &e, "%d", (int)pid);
    be_ready();
    return serve();
}
static int mode_long_line(const char *arg)
{
    size_t n = arg ? (size_t)strtol(arg, NULL, 10) : 1024 * 1024;
    for (size_t i = 0; i < n; i++)
        putchar('a' + (int)(i % 26));
    putchar('\n');
    fflush(stdout);
    be_ready();
    return serve();
}
static int mode_burst(const char *arg)
{
    long n = arg ? strtol(arg, NULL, 10) : 100000;
    be_ready();
    for (long i = 0; i < n; i++)
        printf("line %ld of a burst that nobody asked for\n", i);
    fflush(stdout);
    return 0;
}
/* So many MB of lines as fast as the pipe takes them, numbered; then a worker like any
 * other, which says in its figures that it is through. */
static int mode_flood(const char *arg)
{
    static char block[64 * 1024 + 1]; /* lines of 64 bytes, and a NUL */
    long n = (arg ? strtol(arg, NULL, 10) : 200) * 16, line = 0;
    be_ready();
    for (long i = 0; i < n; i++) {
        size_t at = 0;
        while (at + 64 < sizeof block)
            at += (size_t)snprintf(block + at, 65, "line %9ld of a flood %*s\n", ++line,
                                   37, "that nobody asked for");
        if (fwrite(block, 1, at, stdout) != at)
            return 1;
    }
    fflush(stdout);
    channel_send(&ch, "metrics", json_pack("{s:{s:I}}", "data", "in", (json_int_t)line),
                 &e);
    return serve();
}
static int mode_garbage(const char *arg)
{
    (void)arg;
    static const char text[] = "this is no JSON\n{\"t\":\"event\",\"level\":\"info\","
                               "\"text\":\"still here\"}\n";
    if (write(WIRE_WORKER_FD, text, sizeof text - 1) < 0)
        return 1;
    be_ready();
    return serve();
}

/* ── the ideal workers
 * ───────────────────────────────────────────────────────────────── */

static int run_ingest(const char *name, bool is_bounded)
{
    be_ready();
    channel_send(&ch, "metrics",
                 json_pack("{s:{s:i,s:I}}", "data", "in", 10, "at_ms",
                           (json_int_t)1700000000000),
                 &e);
    channel_send(&ch, "end",
                 json_pack("{s:{s:i,s:{s:i}}}", "data", "in", 10, "rejected",
                           "too_long", streq(name, "pos") ? 1 : 0),
                 &e);
    return is_bounded ? 0 : serve();
}

static void answer(const json_t *task, const char *status, bool retryable)
{
    json_t *r = json_object();
    json_put_str(r, "task", json_str(task, "task", ""));
    json_put_i64(r, "attempt", json_i64(task, "attempt", 0));
    json_put_str(r, "status", status);
    json_put_flag(r, "retryable", retryable);
    json_put_str(r, "message", status);
    json_put_i64(r, "rows", 3);
    json_put_num(r, "seconds", 0.01);
    channel_send(&ch, "result", r, &e);
}

static void answer_plan(const json_t *task)
{
    json_t *plan = NULL, *msg = json_object();
    const char *path = getenv("FAKE_PLAN");
    if (!path || json_load_path(path, &plan, &e) < 0)
        plan = json_pack("{s:s,s:[],s:[]}", "command", "build", "items", "text");
    json_put_str(msg, "task", json_str(task, "task", ""));
    json_put_i64(msg, "attempt", json_i64(task, "attempt", 0));
    json_put(msg, "data", plan);
    channel_send(&ch, "plan", msg, &e);
}

static void do_task(const json_t *task)
{
    const char *kind = json_str(task, "kind", "");
    const char *node = json_str(json_obj(task, "data"), "node", "");
    bool is_first = json_i64(task, "attempt", 0) == 1;
    if (streq(kind, "plan")) {
        answer_plan(task);
    } else if (str_starts(node, "error_")) {
        answer(task, "error", false);
    } else if (str_starts(node, "retry_") && is_first) {
        answer(task, "error", true);
    } else if (str_starts(node, "block_")) {
        answer(task, "blocked", false);
    } else if (str_starts(node, "die_") && is_first) {
        raise(SIGKILL);
    } else if (!str_starts(node, "hang_") || getenv("FAKE_HANG")) {
        answer(task, streq(kind, "test") ? "pass" : "success", false);
    }
}

static int run_sql(void)
{
    be_ready();
    while (!is_term && !ch.is_stopping) {
        json_t *msg = NULL;
        if (channel_poll(&ch, 1000, &msg, &e) < 0)
            return 1;
        if (msg && streq(json_str(msg, "t", ""), "task"))
            do_task(msg);
        json_decref(msg);
    }
    return 0;
}

static const struct {
    const char *name;
    int (*run)(const char *arg);
} modes[] = {
    {"ok", mode_ok},
    {"exit", mode_exit},
    {"die_early", mode_die_early},
    {"die_words", mode_die_words},
    {"signal", mode_signal},
    {"never_ready", mode_never_ready},
    {"ignore_term", mode_ignore_term},
    {"silent", mode_silent},
    {"leave_child", mode_leave_child},
    {"daemon", mode_daemon},
    {"long_line", mode_long_line},
    {"burst", mode_burst},
    {"flood", mode_flood},
    {"garbage", mode_garbage},
};

static int run_mode(const char *name, const char *arg)
{
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (streq(modes[i].name, name))
            return modes[i].run(arg);
    fprintf(stderr, "fake_worker: no mode %s\n", name);
    return 2;
}

int main(int argc, char **argv)
{
    bool is_kind = argc > 2 && streq(argv[1], "worker");
    const char *kind = is_kind ? argv[2] : "fake", *name = argc > 3 ? argv[3] : "";
    char env[64];
    prctl(PR_SET_NAME, "fake_worker");
    struct sigaction sa = {.sa_handler = on_term};
    sigaction(SIGTERM, &sa, NULL);
    if (argc < 2 || channel_open(&ch, kind, name, &e) < 0)
        return 2;
    if (!is_kind)
        return run_mode(argv[1], argc > 2 ? argv[2] : NULL);
    snprintf(env, sizeof env, "FAKE_MODE_%s", kind);
    if (getenv(env)) {
        char mode[64];
        const char *colon = strchr(getenv(env), ':');
        snprintf(mode, sizeof mode, "%.*s", (int)strcspn(getenv(env), ":"),
                 getenv(env));
        return run_mode(mode, colon ? colon + 1 : NULL);
    }
    if (streq(kind, "ingest"))
        return run_ingest(name, argc > 4);
    return streq(kind, "sql") ? run_sql() : mode_ok(NULL);
}
