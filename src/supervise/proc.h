/* One supervised child process in the loop: spawn, messages, logs, readiness,
 * heartbeat, restart, stop. The table of fsm.h decides; this does. */
#ifndef SUPERVISE_PROC_H
#define SUPERVISE_PROC_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>
#include "base/err.h"
#include "supervise/backoff.h"
#include "supervise/fsm.h"
#include "supervise/logcap.h"
#include "wire/wire.h"

struct proc;

/* The owner's ears; none may free the process. */
struct proc_ops {
    /* After every move of the state. */
    void (*on_state)(struct proc *p, enum fsm_state old);
    /* A message that is not hello or ready. Borrowed. */
    void (*on_message)(struct proc *p, const json_t *msg);
    /* One line worth a person's attention: "exited with status 1: restart in 0.4 s". */
    void (*on_event)(struct proc *p, const char *level, const char *text);
    /* New log lines. */
    void (*on_log)(struct proc *p);
};

struct proc_spec {
    const char *name, *kind; /* copied */
    const char *const *argv; /* copied; argv[0] the program */
    bool is_oneshot;         /* exit 0 is its end; else exit 0 is a death */
    int64_t ready_ms;        /* from spawn to ready */
    int64_t beat_ms;         /* longest silence; 0: not watched */
    int64_t stop_ms;         /* grace between TERM and KILL */
};

struct proc_attempt; /* handles of one incarnation */

struct proc {
    struct proc *next; /* owner's list */
    void *owner;       /* for the ops */
    uv_loop_t *loop;
    const struct proc_ops *ops;
    char *name, *kind;
    char **argv;
    struct proc_spec spec;
    enum fsm_state state;
    struct proc_attempt *at; /* NULL when not running */
    int attempt;             /* incarnations so far */
    int restarts;
    bool is_again;     /* start once it is gone */
    bool has_begun;    /* was STARTING since the owner last asked for a start */
    bool is_beat_free; /* in a task: silence is allowed */
    pid_t pid;
    int64_t spawned_mono, ready_mono, beat_mono;
    int exit_status; /* of the last leader: status, or -signal */
    char detail[480];
    struct backoff backoff;
    struct logcap log;
    uv_timer_t timer, beat_timer;
    int n_closing;
    void (*on_closed)(struct proc *p);
};

struct proc *proc_new(uv_loop_t *loop, const struct proc_spec *spec,
                      const struct proc_ops *ops, void *owner, const char *log_path,
                      int64_t log_bytes, int log_keep);
/* Close its timers and free it; it must not run. Asynchronous: the loop must turn. */
void proc_free(struct proc *p);

/* What its next start runs (copied). */
void proc_argv(struct proc *p, const char *const *argv);
void proc_start(struct proc *p); /* clears a failure */
void proc_stop(struct proc *p);
void proc_kill(struct proc *p);          /* no grace: SIGKILL now, then as a stop */
bool proc_is_live(const struct proc *p); /* something of it runs or will run again */
bool proc_is_running(const struct proc *p);
/* Queue a message to it (takes msg); dropped when it does not run. */
void proc_send(struct proc *p, json_t *msg);
/* Adopted orphans died or SIGCHLD came: reap what is ours, look at groups. */
void proc_reap_all(struct proc *list);

#endif
