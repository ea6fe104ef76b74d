/* One supervised child in the loop (proc.h): what the table of fsm.h says is done here.
 *
 * in: events of pidfd, pipes, channel and timers. out: state changes, messages and log
 * lines to the owner. Called by the supervisor. Always holds: pipes are read whatever
 * happens; the last words of a child are read before its death is acted on; a process
 * counts as gone when its group is empty and no adopted orphan of the attempt is left;
 * a group is never signalled again after it was seen empty. */
#include "supervise/attempt.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/timeutil.h"
#include "wire/wire.h"

#define SURVIVE_MS 5000 /* after SIGKILL */
#define CHECK_MS   50   /* group looked at again, beside SIGCHLD */

static void proc_event(struct proc *p, enum fsm_event ev);
static void proc_check_gone(struct proc *p);

void proc_note(struct proc *p, const char *level, const char *text)
{
    (void)str_copy(p->detail, sizeof p->detail, text);
    logcap_note(&p->log, text);
    p->ops->on_log(p);
    p->ops->on_event(p, level, text);
}

void proc_message(struct proc *p, const json_t *msg)
{
    const char *t = json_str(msg, "t", "");
    p->beat_mono = time_mono_ms();
    if (streq(t, "ready"))
        proc_event(p, FSM_ON_IS_READY);
    else if (!streq(t, "hello"))
        p->ops->on_message(p, msg);
}

/* ── dying
 * ───────────────────────────────────────────────────────────────────────────── */

/* The process says itself that the same would come again (wire.h). */
static bool is_final(int exit_status)
{
    return exit_status == 2 || exit_status == WIRE_EXIT_FINAL;
}

/* Which of the GONE events this death is. */
static enum fsm_event proc_verdict(struct proc *p)
{
    int64_t now = time_mono_ms();
    int64_t healthy = p->ready_mono > 0 ? now - p->ready_mono : 0;
    if (p->exit_status == 0 && p->spec.is_oneshot)
        return FSM_ON_GONE_OK;
    if (is_final(p->exit_status))
        return FSM_ON_GONE_CONFIG;
    bool goes_on = backoff_death(&p->backoff, now, healthy, p->exit_status < 0);
    return goes_on ? FSM_ON_GONE_BAD : FSM_ON_GONE_OFTEN;
}

static void proc_gone(struct proc *p)
{
    enum fsm_event verdict = proc_verdict(p);
    struct proc_attempt *a = p->at;
    a->pgid = 0;
    attempt_drain_pipes(a);
    p->at = NULL;
    p->pid = 0;
    attempt_close(a);
    uv_timer_stop(&p->timer);
    uv_timer_stop(&p->beat_timer);
    proc_event(p, verdict);
}

/* Is all of it gone? Called when the leader went and whenever a child of ours died. */
static void proc_check_gone(struct proc *p)
{
    struct proc_attempt *a = p->at;
    pid_t one;
    if (!a || !a->is_leader_gone)
        return;
    if (a->pgid != 0 && spawn_group_is_empty(a->pgid))
        a->pgid = 0;
    if (a->pgid == 0 && spawn_adoptees(a->name, 0, &one, 1) == 0)
        proc_gone(p);
    else if (a->is_killed) /* adoptees show up one generation after the other */
        spawn_signal(a->pgid, a->name, SIGKILL);
}

static void proc_describe_exit(struct proc *p, const siginfo_t *info)
{
    char text[400];
    bool by_signal = info->si_code != CLD_EXITED;
    p->exit_status = by_signal ? -info->si_status : info->si_status;
    if (p->state == FSM_STOPPING || (by_signal && p->at->is_leader_killed))
        return;
    if (p->exit_status == 0) {
        if (!p->spec.is_oneshot)
            proc_note(p, "warn", "ended without being asked");
        return;
    }
    const char *words = logcap_last_words(&p->log, p->at->first_line);
    if (by_signal)
        snprintf(text, sizeof text, "killed by signal %d (%s)%s", info->si_status,
                 strsignal(info->si_status),
                 info->si_code == CLD_DUMPED ? ", core dumped" : "");
    else if (is_final(p->exit_status) && words)
        snprintf(text, sizeof text, "%s", words);
    else
        snprintf(text, sizeof text, "exited with status %d%s%.300s", info->si_status,
                 words ? ": " : "", words ? words : "");
    proc_note(p, is_final(p->exit_status) ? "error" : "warn", text);
}

/* Reap the leader if it is dead. */
static void proc_reap_leader(struct proc *p)
{
    struct proc_attempt *a = p->at;
    siginfo_t info = {0};
    if (!a || a->is_leader_gone)
        return;
    int rc = waitid(P_PID, (id_t)p->pid, &info, WEXITED | WNOHANG);
    if (rc < 0 && errno == ECHILD) /* somebody else reaped it: how it died is lost */
        info = (siginfo_t){.si_code = CLD_KILLED, .si_status = SIGKILL};
    else if (rc < 0 || info.si_pid == 0)
        return;
    if (a->has_pid_poll)
        uv_poll_stop(&a->pid_poll);
    attempt_drain_channel(a);
    attempt_drain_pipes(a);
    p->ops->on_log(p);
    a->is_leader_gone = true;
    proc_describe_exit(p, &info);
    proc_event(p, FSM_ON_LEADER_EXIT);
}

static void on_pidfd(uv_poll_t *h, int status, int events)
{
    struct proc_attempt *a = h->data;
    (void)status;
    (void)events;
    proc_reap_leader(a->p);
}

static struct proc *proc_of_leader(struct proc *list, pid_t pid)
{
    for (struct proc *p = list; p; p = p->next)
        if (p->at && !p->at->is_leader_gone && p->pid == pid)
            return p;
    return NULL;
}

/* Each dead child is looked at before it is reaped: a leader is its process's business,
 * and only what is no leader is an adopted orphan. (Reaping the leaders first and then
 * the rest took a leader that died in between for an orphan, and waited for it for
 * ever.) */
void proc_reap_all(struct proc *list)
{
    for (;;) {
        siginfo_t info = {0};
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 ||
            info.si_pid == 0)
            break;
        struct proc *p = proc_of_leader(list, info.si_pid);
        if (p)
            proc_reap_leader(p);
        else
            (void)waitid(P_PID, (id_t)info.si_pid, &info, WEXITED | WNOHANG);
    }
    for (struct proc *p = list, *next; p; p = next) {
        next = p->next;
        proc_check_gone(p);
    }
}

/* ── timers
 * ──────────────────────────────────────────────────────────────────────────── */

static void proc_report_survivors(struct proc *p)
{
    pid_t pids[32];
    struct proc_attempt *a = p->at;
    size_t n = spawn_adoptees(a->name, 0, pids, sizeof pids / sizeof *pids);
    char text[200];
    int at =
        snprintf(text, sizeof text, "survived SIGKILL: process group %d", (int)a->pgid);
    for (size_t i = 0; i < n && at < (int)sizeof text; i++)
        at += snprintf(text + at, sizeof text - (size_t)at, " %d", (int)pids[i]);
    proc_note(p, "error", text);
}

/* Leave what cannot be killed to itself: it is named, and the attempt is over. */
static void proc_abandon(struct proc *p)
{
    struct proc_attempt *a = p->at;
    proc_report_survivors(p);
    p->at = NULL;
    p->pid = 0;
    attempt_close(a);
    uv_timer_stop(&p->beat_timer);
    proc_event(p, FSM_ON_SURVIVED);
}

static void on_cleanup_timer(uv_timer_t *t)
{
    struct proc *p = t->data;
    struct proc_attempt *a = p->at;
    if (!a)
        return;
    proc_reap_leader(p);
    proc_check_gone(p);
    if (p->at != a)
        return;
    int64_t now = time_mono_ms();
    if (a->is_killed && now - a->kill_mono > SURVIVE_MS)
        proc_abandon(p);
    else if (!a->is_killed && now >= a->kill_mono)
        proc_event(p, FSM_ON_KILL_DUE);
}

static void on_ready_late(uv_timer_t *t)
{
    struct proc *p = t->data;
    if (p->state != FSM_STARTING)
        return;
    char text[128];
    snprintf(text, sizeof text, "not ready within %lld ms: killed",
             (long long)p->spec.ready_ms);
    proc_note(p, "error", text);
    proc_event(p, FSM_ON_READY_LATE);
}

static void on_backoff_due(uv_timer_t *t)
{
    proc_event(t->data, FSM_ON_BACKOFF_DUE);
}

static void on_beat_timer(uv_timer_t *t)
{
    struct proc *p = t->data;
    if (p->state != FSM_READY || !p->at)
        return;
    attempt_drain_channel(p->at); /* it may have been us who slept */
    int64_t silence = time_mono_ms() - p->beat_mono;
    if (p->state != FSM_READY || !p->at)
        return;
    if (!p->is_beat_free && silence >= p->spec.beat_ms) {
        char text[128];
        snprintf(text, sizeof text, "no heartbeat for %lld ms: killed",
                 (long long)silence);
        proc_note(p, "error", text);
        proc_event(p, FSM_ON_BEAT_LATE);
        return;
    }
    int64_t left = p->is_beat_free ? p->spec.beat_ms : p->spec.beat_ms - silence;
    uv_timer_start(&p->beat_timer, on_beat_timer, (uint64_t)(left > 1 ? left : 1), 0);
}

/* ── what the table asks for
 * ─────────────────────────────────────────────────────────── */

static void proc_spawn(struct proc *p)
{
    struct err e = {0};
    struct proc_attempt *a = mem_alloc(sizeof *a);
    a->p = p;
    p->attempt++;
    if (p->has_begun)
        p->restarts++;
    p->has_begun = true;
    snprintf(a->name, sizeof a->name, "%s:%d:%d", p->name, (int)getpid(), p->attempt);
    struct spawn s = {.argv = (const char *const *)p->argv, .attempt = a->name};
    p->ready_mono = 0;
    p->spawned_mono = p->beat_mono = time_mono_ms();
    int rc = spawn_child(&s, &e);
    if (rc < 0) {
        mem_free(a);
        proc_note(p, "error", e.text);
        p->exit_status = rc == ERR_CONFIG ? 2 : 1;
        bool goes_on = backoff_death(&p->backoff, time_mono_ms(), 0, true);
        proc_event(p, rc == ERR_CONFIG ? FSM_ON_GONE_CONFIG
                      : goes_on        ? FSM_ON_GONE_BAD
                                       : FSM_ON_GONE_OFTEN);
        return;
    }
    a->first_line = p->log.next_seq;
    p->at = a;
    p->pid = a->pgid = s.pid;
    p->detail[0] = '\0';
    wire_decoder_init(&a->decoder);
    attempt_listen(a, &s, on_pidfd);
    uv_timer_start(&p->timer, on_ready_late, (uint64_t)p->spec.ready_ms, 0);
}

static void proc_do_term(struct proc *p)
{
    struct proc_attempt *a = p->at;
    uv_timer_stop(&p->timer);
    if (!a)
        return;
    json_t *msg = json_object();
    json_put_str(msg, "t", "stop");
    proc_send(p, msg);
    a->kill_mono = time_mono_ms() + p->spec.stop_ms;
    spawn_signal(p->pid, a->name, SIGTERM);
    spawn_signal(p->pid, a->name, SIGCONT);
    uv_timer_start(&p->timer, on_cleanup_timer, CHECK_MS, CHECK_MS);
}

static void proc_do_kill(struct proc *p)
{
    struct proc_attempt *a = p->at;
    if (!a)
        return;
    if (!a->is_killed)
        a->kill_mono = time_mono_ms();
    a->is_killed = true;
    /* Only a kill of a living leader makes the death ours, not the child's. */
    a->is_leader_killed |= !a->is_leader_gone;
    spawn_signal(a->pgid, a->name, SIGKILL);
    uv_timer_start(&p->timer, on_cleanup_timer, CHECK_MS, CHECK_MS);
    proc_check_gone(p);
}

static void proc_do_backoff(struct proc *p)
{
    int64_t ms = backoff_delay(&p->backoff);
    char text[sizeof p->detail + 64];
    snprintf(text, sizeof text, "%s; restart in %lld.%lld s", p->detail,
             (long long)(ms / 1000), (long long)(ms % 1000 / 100));
    (void)str_copy(p->detail, sizeof p->detail, text);
    uv_timer_start(&p->timer, on_backoff_due, (uint64_t)ms, 0);
}

static void proc_entered(struct proc *p, enum fsm_state old)
{
    if (p->state == FSM_READY) {
        p->ready_mono = time_mono_ms();
        uv_timer_stop(&p->timer);
        if (p->spec.beat_ms > 0)
            uv_timer_start(&p->beat_timer, on_beat_timer, (uint64_t)p->spec.beat_ms, 0);
    } else if (p->state == FSM_DOWN) {
        uv_timer_stop(&p->timer);
    } else if (p->state == FSM_FAILED) {
        uv_timer_stop(&p->timer);
        char text[sizeof p->detail + 64];
        snprintf(text, sizeof text, "given up: %s",
                 p->detail[0] ? p->detail : "failed");
        if (!is_final(p->exit_status) || !p->detail[0]) /* else it was said already */
            proc_note(p, "error", text);
    }
    p->ops->on_state(p, old);
}

static void proc_event(struct proc *p, enum fsm_event ev)
{
    struct fsm_step step = fsm_step(p->state, ev);
    enum fsm_state old = p->state;
    p->state = step.next;
    if (step.action == FSM_DO_BUG)
        log_error("%s: \"%s\" while %s", p->name, fsm_event_text(ev),
                  fsm_state_name(old));
    if (old != step.next)
        proc_entered(p, old);
    if (p->state != step.next)
        return; /* the owner moved it on */
    switch (step.action) {
    case FSM_DO_SPAWN:
        proc_spawn(p);
        break;
    case FSM_DO_TERM:
        proc_do_term(p);
        break;
    case FSM_DO_KILL:
        proc_do_kill(p);
        break;
    case FSM_DO_BACKOFF:
        proc_do_backoff(p);
        break;
    case FSM_DO_AGAIN:
        p->is_again = true;
        break;
    case FSM_DO_CHECK:
        proc_check_gone(p);
        break;
    case FSM_DO_NONE:
    case FSM_DO_BUG:
    case FSM_N_ACTIONS:
        break;
    }
    if (p->is_again && !p->at && (p->state == FSM_DOWN || p->state == FSM_DONE)) {
        p->is_again = false;
        proc_event(p, FSM_ON_START);
    }
}

/* ── the owner's side
 * ────────────────────────────────────────────────────────────────── */

static void argv_free(char **argv)
{
    for (size_t i = 0; argv && argv[i]; i++)
        mem_free(argv[i]);
    mem_free(argv);
}

void proc_argv(struct proc *p, const char *const *argv)
{
    size_t n = 0;
    while (argv[n])
        n++;
    argv_free(p->argv);
    p->argv = mem_alloc((n + 1) * sizeof *p->argv);
    for (size_t i = 0; i < n; i++)
        p->argv[i] = mem_strdup(argv[i]);
}

struct proc *proc_new(uv_loop_t *loop, const struct proc_spec *spec,
                      const struct proc_ops *ops, void *owner, const char *log_path,
                      int64_t log_bytes, int log_keep)
{
    struct proc *p = mem_alloc(sizeof *p);
    p->loop = loop;
    p->ops = ops;
    p->owner = owner;
    p->spec = *spec;
    p->name = mem_strdup(spec->name);
    p->kind = mem_strdup(spec->kind);
    proc_argv(p, spec->argv);
    p->spec.name = p->name;
    p->spec.kind = p->kind;
    p->spec.argv = NULL;
    backoff_init(&p->backoff, (uint64_t)time_mono_us() ^ (uint64_t)(uintptr_t)p);
    logcap_init(&p->log, log_path, log_bytes, log_keep);
    uv_timer_init(loop, &p->timer);
    uv_timer_init(loop, &p->beat_timer);
    p->timer.data = p->beat_timer.data = p;
    return p;
}

static void on_proc_closed(uv_handle_t *h)
{
    struct proc *p = h->data;
    if (++p->n_closing < 2)
        return;
    logcap_release(&p->log);
    argv_free(p->argv);
    mem_free(p->name);
    mem_free(p->kind);
    mem_free(p);
}

void proc_free(struct proc *p)
{
    BUG_ON(p->at);
    uv_close((uv_handle_t *)&p->timer, on_proc_closed);
    uv_close((uv_handle_t *)&p->beat_timer, on_proc_closed);
}

void proc_start(struct proc *p)
{
    if (p->state == FSM_FAILED || p->state == FSM_DOWN || p->state == FSM_DONE) {
        backoff_forget(&p->backoff);
        p->has_begun = false;
    }
    proc_event(p, FSM_ON_START);
}

void proc_stop(struct proc *p)
{
    p->is_again = false;
    proc_event(p, FSM_ON_STOP);
}

void proc_kill(struct proc *p)
{
    if (!p->at)
        return;
    if (p->state == FSM_STOPPING)
        proc_event(p, FSM_ON_KILL_DUE);
    else
        proc_do_kill(p);
}

bool proc_is_running(const struct proc *p)
{
    return p->at != NULL;
}

bool proc_is_live(const struct proc *p)
{
    return p->at || p->state == FSM_BACKOFF;
}
