/* weir wait: until something is so, for scripts and tests. */
#include "cmd/wait.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/json.h"
#include "base/str.h"
#include "base/timeutil.h"
#include "cmd/client.h"
#include "cmd/runner.h"
#include "state/state.h"

#define LOOK_MS                                                                        \
    50 /* for what nobody can tell us: a process that does not exist yet               \
        */

static int timed_out(const char *until, struct err *e)
{
    return err_set(e, ERR_TIMEOUT, "still not %s", until);
}

static bool is_locked(const struct platform *p)
{
    char path[PATH_MAX];
    int fd = open(conf_state_path(p, "lock", path, sizeof path), O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool is_held = flock(fd, LOCK_EX | LOCK_NB) < 0;
    close(fd);
    return is_held;
}

int wait_until_down(const struct platform *p, long timeout_ms, struct err *e)
{
    int64_t deadline = time_mono_ms() + timeout_ms;
    while (is_locked(p)) {
        if (timeout_ms >= 0 && time_mono_ms() >= deadline)
            return timed_out("down", e);
        (void)poll(NULL, 0, LOOK_MS);
    }
    return 0;
}

/* Nobody runs: a run that has ended can still be told from the state. */
static int wait_for_stored_run(const struct platform *p, const char *until,
                               struct err *e)
{
    char path[PATH_MAX];
    struct state *s = NULL;
    json_t *run = NULL;
    int64_t id = 0;
    if (!str_to_i64(str_of(until + 4), &id))
        return err_set(e, ERR_USAGE, "--until %s: expected run:ID", until);
    int rc = state_open(&s, conf_state_path(p, "state.db", path, sizeof path), true, e);
    if (rc == 0)
        rc = state_run_get(s, id, &run, e);
    if (rc == 0 && (streq(json_str(run, "state", ""), "running") ||
                    streq(json_str(run, "state", ""), "queued")))
        rc = err_set(e, ERR_UNAVAILABLE, "run %lld waits for a platform that runs",
                     (long long)id);
    json_decref(run);
    state_close(s);
    return rc;
}

static int ask_until(struct client_conn *c, const char *until, int64_t deadline,
                     long timeout_ms, struct err *e)
{
    json_t *msg = json_object(), *args = json_object();
    json_put_str(args, "until", until);
    json_put_i64(msg, "id", 1);
    json_put_str(msg, "cmd", "wait");
    json_put(msg, "args", args);
    int rc = wire_send(c->fd, msg, e);
    json_decref(msg);
    if (rc < 0)
        return rc;
    int64_t left = timeout_ms < 0 ? -1 : deadline - time_mono_ms();
    msg = NULL;
    rc = wire_recv(c->fd, &c->decoder, timeout_ms < 0 ? -1 : (int)(left > 0 ? left : 0),
                   &msg, e);
    if (rc == 0)
        return timed_out(until, e);
    if (rc == 1 && !json_flag(msg, "ok", false))
        rc = err_set(e, err_from_name(json_str(msg, "code", "FAIL")), "%s",
                     json_str(msg, "error", "refused"));
    else if (rc == 1 && !json_flag(json_obj(msg, "data"), "met", false))
        rc = str_starts(until, "run:")
                 ? err_set(e, ERR_FAIL, "there is no run %s: `weir runs` lists them",
                           until + 4)
                 : err_set(e, ERR_FAIL, "the platform will not be %s any more", until);
    json_decref(msg);
    return rc < 0 ? rc : 0;
}

int wait_until(const struct platform *p, const char *until, long timeout_ms,
               struct err *e)
{
    int64_t deadline = time_mono_ms() + timeout_ms;
    if (streq(until, "down"))
        return wait_until_down(p, timeout_ms, e);
    for (;;) {
        struct client_conn c;
        int rc = client_open(&c, p, e);
        if (rc == 0)
            rc = ask_until(&c, until, deadline, timeout_ms, e);
        client_close(&c);
        if (rc != ERR_UNAVAILABLE)
            return rc;
        if (str_starts(until, "run:"))
            return wait_for_stored_run(p, until, e);
        if (timeout_ms >= 0 && time_mono_ms() >= deadline)
            return timed_out(until, e);
        (void)poll(NULL, 0, LOOK_MS);
    }
}

/* Known before anybody is asked: nobody may be there for a long time. */
static int check_condition(const char *until, struct err *e)
{
    static const char *const names[] = {"up", "ready", "idle", "drained", "down"};
    size_t n = sizeof names / sizeof *names;
    int64_t id;
    for (size_t i = 0; i < n; i++)
        if (streq(names[i], until))
            return 0;
    if (str_starts(until, "run:") && str_to_i64(str_of(until + 4), &id))
        return 0;
    const char *near = str_nearest(until, names, n);
    return err_set(
        e, ERR_USAGE,
        "--until %s: expected up, ready, idle, drained, down or run:ID%s%s%s", until,
        near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

static int run(const struct cmd_args *a, struct err *e)
{
    const char *until = opt_text(a, "until", "ready");
    int rc = check_condition(until, e);
    return rc < 0 ? rc : wait_until(a->platform, until, opt_int(a, "timeout", -1), e);
}

static const struct cmd_opt opts[] = {
    {"until", 0, OPT_TEXT, "CONDITION",
     "up, ready (default), idle, drained, down, or run:ID for the end of a run.", NULL},
    {"timeout", 0, OPT_DURATION, "DURATION",
     "Give up after this long (exit 4); without it, never.", NULL},
    {0},
};

const struct cmd cmd_wait = {
    .name = "wait",
    .summary = "Wait until the platform is up, ready, idle, drained or down.",
    .operands = "",
    .doc = "up: somebody answers. ready: every long-running process has said it is. "
           "idle: no "
           "run is waiting and nothing lags behind. drained: all that was read is "
           "written, on a platform that goes on reading as much as on one that stops. "
           "Exit 0 when it is so, 1 when it can no longer become so, 4 on timeout.",
    .flags = CMD_READONLY,
    .opts = opts,
    .run = run,
};
