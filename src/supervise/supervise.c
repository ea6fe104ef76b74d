/* One supervisor from start to end: the lock, the state, the signals, the loop.
 *
 * in: the platform and what to do (supervise.h). out: the exit status and the summary.
 * Called by the commands up, build, run, test, seed, rerun. Always holds: one
 * supervisor per state folder; what a dead one left running is gone and what it left
 * open in the state is closed before anything starts; nothing here waits for the
 * warehouse, the bus or a person. */
#include "supervise/sup.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/timeutil.h"
#include "supervise/spawn.h"

#define SAVE_MS      2000
#define RECONCILE_MS 4000
#define ANSWER_MS    1000

/* ── the state folder
 * ────────────────────────────────────────────────────────────────── */

static int make_folder(const char *path, struct err *e)
{
    char part[4096];
    if (!str_copy(part, sizeof part, path))
        return err_set(e, ERR_LIMIT, "path too long: %s", path);
    for (char *p = part + 1;; p++) {
        if (*p != '/' && *p)
            continue;
        char old = *p;
        *p = '\0';
        if (mkdir(part, 0755) < 0 && errno != EEXIST)
            return err_errno(e, ERR_IO, "cannot create the folder %s", part);
        if (!old)
            return 0;
        *p = old;
    }
}

static pid_t lock_holder(int fd)
{
    char text[32] = "";
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    return n > 0 ? (pid_t)strtol(text, NULL, 10) : 0;
}

static int lock_refused(int fd, const struct platform *p, struct err *e)
{
    return err_set(
        e, ERR_LOCKED,
        "a supervisor (process %d) already runs on %s: look with `weir status` or "
        "`weir console`, end it with `weir down`",
        (int)lock_holder(fd), p->state_dir);
}

/* Does a supervisor answer here? One that is being killed may still be connected to,
 * but says nothing more; one that is stopped (SIGSTOP) is alive. */
static bool holder_answers(const struct platform *p)
{
    char path[4096];
    int fd = -1;
    struct wire_decoder d;
    json_t *msg = NULL;
    if (wire_connect(conf_state_path(p, "control.sock", path, sizeof path), &fd, NULL) <
        0)
        return false;
    wire_decoder_init(&d);
    json_t *ask = json_object();
    json_put_i64(ask, "id", 1);
    json_put_str(ask, "cmd", "whoami");
    bool is_alive =
        wire_send(fd, ask, NULL) == 0 && wire_recv(fd, &d, ANSWER_MS, &msg, NULL) >= 0;
    json_decref(ask);
    json_decref(msg);
    wire_decoder_release(&d);
    close(fd);
    return is_alive;
}

/* A supervisor that was killed holds its lock until the kernel has ended it, and a
 * child it was just making holds it a little longer: what nobody answers for is waited
 * for. */
static bool lock_wait(struct sup *s)
{
    int64_t deadline = time_mono_ms() + RECONCILE_MS;
    while (flock(s->lock_fd, LOCK_EX | LOCK_NB) < 0) {
        if (time_mono_ms() >= deadline || holder_answers(s->p))
            return false;
        (void)poll(NULL, 0, 10);
    }
    return true;
}

static int lock_take(struct sup *s, struct err *e)
{
    char path[4096], pid[32];
    conf_state_path(s->p, "lock", path, sizeof path);
    s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (s->lock_fd < 0)
        return err_errno(e, ERR_IO, "cannot open %s", path);
    if (!lock_wait(s))
        return lock_refused(s->lock_fd, s->p, e);
    int n = snprintf(pid, sizeof pid, "%d\n", (int)getpid());
    if (ftruncate(s->lock_fd, 0) < 0 || pwrite(s->lock_fd, pid, (size_t)n, 0) != n)
        return err_errno(e, ERR_IO, "cannot write %s", path);
    return 0;
}

/* A worker of a supervisor that was killed: normally dead already, by the kernel's word
 * (PDEATHSIG) or its closed channel. */
static void leftover_kill(struct sup *s, pid_t pid, int64_t deadline)
{
    struct pollfd pf = {.fd = (int)syscall(SYS_pidfd_open, pid, 0U), .events = POLLIN};
    if (pf.fd < 0)
        return;
    if (spawn_has_env(pid, "WEIR_STATE_DIR", s->p->state_dir)) {
        (void)kill(-pid, SIGKILL);
        (void)kill(pid, SIGKILL);
        int64_t left = deadline - time_mono_ms();
        (void)poll(&pf, 1, left > 0 ? (int)left : 0);
    }
    close(pf.fd);
}

static int reconcile(struct sup *s, struct err *e)
{
    json_t *all = NULL, *row;
    const char *name;
    int64_t deadline = time_mono_ms() + RECONCILE_MS;
    int rc = state_list(s->state, "process", &all, e);
    json_object_foreach (all, name, row) {
        pid_t pid = (pid_t)json_i64(row, "pid", 0);
        int64_t start = json_i64(row, "start", 0);
        if (pid > 1 && start > 0 && (int64_t)spawn_start_time(pid) == start)
            leftover_kill(s, pid, deadline);
    }
    json_decref(all);
    if (rc == 0)
        rc = state_reconcile(s->state, !s->o->once && !s->o->sql_only, e);
    if (rc > 0)
        sup_event(s, "warn", "supervisor",
                  "the last supervisor ended in the middle of its work: reconciled");
    return rc < 0 ? rc : 0;
}

static int sup_open_state(struct sup *s, struct err *e)
{
    char path[4096];
    int rc = make_folder(conf_state_path(s->p, "logs", path, sizeof path), e);
    if (rc == 0)
        rc = lock_take(s, e);
    if (rc == 0)
        rc = state_open(&s->state, conf_state_path(s->p, "state.db", path, sizeof path),
                        false, e);
    if (rc == 0)
        rc = reconcile(s, e);
    if (rc == 0) {
        json_t *old = NULL;
        rc = state_list(s->state, "gate", &s->gates, e);
        if (rc == 0)
            rc = state_get(s->state, "freshness", "newest", &old, e);
        s->freshness = old ? old : json_object();
    }
    return rc;
}

/* ── what the parts report
 * ───────────────────────────────────────────────────────────── */

void sup_free_handle(uv_handle_t *h)
{
    mem_free(h);
}

const char *sup_phase_text(enum sup_phase p)
{
    static const char *const texts[] = {
#define X(name, text) text,
        SUP_PHASE_MAP(X)
#undef X
    };
    return texts[p];
}

void sup_fail(struct sup *s, int exit_status, const char *fmt, ...)
{
    char text[sizeof s->failure];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (s->exit_status == 0)
        s->exit_status = exit_status;
    if (!s->failure[0])
        (void)str_copy(s->failure, sizeof s->failure, text);
}

void sup_check(struct sup *s, int rc, const struct err *e)
{
    if (rc < 0)
        sup_event(s, "error", "state", e->text);
}

static void on_save(uv_timer_t *t)
{
    units_save(t->data);
}

void sup_save_soon(struct sup *s)
{
    if (!s->is_closing && !uv_is_active((uv_handle_t *)&s->save_timer))
        uv_timer_start(&s->save_timer, on_save, SAVE_MS, 0);
}

void sup_stop(struct sup *s, bool now)
{
    s->is_stopping = true;
    s->is_now |= now;
}

/* `weir up --detach` waits for this: "ready", or who will not be. */
static void tell_ready(struct sup *s)
{
    int rc = feed_condition(s, "ready");
    struct buf b;
    if (s->is_ready_told || s->o->ready_fd <= 0 || rc == 0)
        return;
    buf_init(&b, 65536);
    if (rc == 1)
        buf_adds(&b, "ready\n");
    units_each(s, u) if (rc < 0 && u->proc->state == FSM_FAILED)
        buf_addf(&b, "%s: %s\n", u->proc->name, u->proc->detail);
    s->is_ready_told = true;
    ssize_t n = write(s->o->ready_fd, buf_str(&b), b.len);
    (void)n; /* nobody waits any more: not our business */
    close(s->o->ready_fd);
    buf_release(&b);
}

void sup_advance(struct sup *s)
{
    s->is_moved = true;
    if (s->is_advancing || s->is_closing)
        return;
    s->is_advancing = true;
    while (s->is_moved) {
        s->is_moved = false;
        phase_advance(s);
    }
    s->is_advancing = false;
    tell_ready(s);
    if (s->control)
        control_waiters(s);
    if (s->phase == PHASE_ENDED)
        uv_stop(&s->loop);
}

/* ── signals
 * ─────────────────────────────────────────────────────────────────────────── */

static void on_child(uv_signal_t *h, int signum)
{
    struct sup *s = h->data;
    (void)signum;
    proc_reap_all(s->procs);
}

/* Once: an orderly stop. Twice: without draining. Three times: SIGKILL to everything.
 */
static void on_stop_signal(uv_signal_t *h, int signum)
{
    struct sup *s = h->data;
    bool is_bounded = s->o->once || s->o->sql_only;
    s->signals_seen++;
    if (signum == SIGINT || is_bounded)
        s->exit_status = 130;
    if (!s->failure[0])
        snprintf(s->failure, sizeof s->failure, "interrupted by %s", strsignal(signum));
    sup_stop(s, is_bounded || s->signals_seen > 1);
    if (s->signals_seen > 2)
        units_each(s, u) proc_kill(u->proc);
    sup_advance(s);
}

static void signals_open(struct sup *s)
{
    static const int numbers[] = {SIGCHLD, SIGINT, SIGTERM, SIGHUP};
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        uv_signal_init(&s->loop, &s->signals[i]);
        s->signals[i].data = s;
        if (numbers[i] == SIGHUP && s->o->detach)
            signal(SIGHUP, SIG_IGN);
        else
            uv_signal_start(&s->signals[i], i == 0 ? on_child : on_stop_signal,
                            numbers[i]);
    }
}

/* ── from start to end
 * ───────────────────────────────────────────────────────────────── */

static int sup_start(struct sup *s, struct err *e)
{
    int rc = spawn_become_subreaper(e);
    if (rc == 0)
        rc = schedules_open(s, e);
    if (rc == 0)
        rc = units_make(s, e);
    if (rc == 0)
        rc = control_open(s, e);
    if (rc < 0)
        return rc;
    progress_open(s);
    s->is_advancing = true;
    phase_enter(s, s->o->sql_only ? PHASE_BUILD : PHASE_SNAPSHOT);
    if (!s->o->once && !s->o->sql_only)
        rc = run_resume_all(s, e);
    s->is_advancing = false;
    sup_advance(s);
    return rc;
}

/* Everything that still runs when the loop could not be brought to its end. */
static void sup_kill_rest(struct sup *s)
{
    units_each(s, u)
    {
        if (!u->proc->at)
            continue;
        proc_stop(u->proc);
        proc_kill(u->proc);
    }
    int64_t deadline = time_mono_ms() + RECONCILE_MS;
    for (bool any = true; any && time_mono_ms() < deadline;) {
        any = false;
        units_each(s, u) any |= u->proc->at != NULL;
        if (any)
            uv_run(&s->loop, UV_RUN_ONCE);
    }
}

static void sup_close(struct sup *s)
{
    sup_kill_rest(s);
    s->is_closing = true;
    if (s->state)
        units_save(s);
    progress_close(s);
    control_close(s);
    schedules_close(s);
    units_free(s);
    vec_release(&s->jobs);
    vec_release(&s->queue);
    for (size_t i = 0; i < sizeof s->signals / sizeof *s->signals; i++)
        uv_close((uv_handle_t *)&s->signals[i], NULL);
    uv_close((uv_handle_t *)&s->save_timer, NULL);
    uv_run(&s->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&s->loop);
    state_close(s->state);
    json_decref(s->events);
    json_decref(s->anomalies);
    json_decref(s->gates);
    json_decref(s->freshness);
    json_decref(s->lag);
    json_decref(s->plan);
    if (s->lock_fd >= 0)
        close(s->lock_fd);
}

int supervise_run(const struct platform *p, const struct supervise_options *o,
                  struct err *e)
{
    struct sup s = {.p = p, .o = o, .lock_fd = -1, .now_ms = -1};
    s.started_ms = time_wall_ms();
    s.started_mono = time_mono_ms();
    s.events = json_array();
    s.anomalies = json_array();
    BUG_ON(uv_loop_init(&s.loop) != 0);
    uv_timer_init(&s.loop, &s.save_timer);
    s.save_timer.data = &s;
    signals_open(&s);
    int rc = sup_open_state(&s, e);
    if (rc == 0)
        rc = sup_start(&s, e);
    if (rc == 0 && s.phase != PHASE_ENDED)
        uv_run(&s.loop, UV_RUN_DEFAULT);
    if (rc == 0 && o->summary)
        *o->summary = summary_json(&s);
    if (rc == 0 && s.exit_status != 0)
        err_set(e, s.exit_status == 5 ? ERR_BLOCKED : ERR_FAIL, "%s", s.failure);
    sup_close(&s);
    return rc < 0 ? rc : s.exit_status;
}
