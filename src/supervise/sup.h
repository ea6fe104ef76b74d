/* Inside supervise/: the supervisor's parts and what they call of each other.
 *
 * - supervise.c    one supervisor from start to end: lock, state, signals, loop
 * - unit.c         its processes as the job sees them (a unit = a process and its
 *                  figures); unit_report.c: what they report
 * - scale.c        how many workers a stream job has; scaling.c: the rule
 * - phase.c        the job: which phase, what it starts and waits for
 * - job.c          work for the sql pool: queue, dispatch, deaths
 * - run.c          runs: plan, dependency counting, end; run_item.c: their items;
 *                  replay.c: those that are streaming nodes
 * - schedule.c     cron schedules, snapshot sources, the data clock
 * - control.c      the control socket: clients, roles; control_push.c: what they are
 * sent
 * - request.c      what clients may ask
 * - feed.c         the feeds as JSON
 * - progress.c     what a person at the terminal sees meanwhile
 * - summary.c      what the job came to */
#ifndef SUPERVISE_SUP_H
#define SUPERVISE_SUP_H

#include <jansson.h>
#include <uv.h>
#include "base/vec.h"
#include "conf/conf.h"
#include "state/state.h"
#include "supervise/proc.h"
#include "supervise/supervise.h"

/* name, level (start order: a level starts when those before are ready or done), text
 */
#define UNIT_ROLE_MAP(X)                                                               \
    X(SNAPSHOT, "ingest") /* bounded table source */                                   \
    X(SOURCE, "ingest")   /* event source */                                           \
    X(STREAM, "stream")                                                                \
    X(LOAD, "load")                                                                    \
    X(LAG, "lag")                                                                      \
    X(ALERT, "alert")                                                                  \
    X(SQL, "sql")
enum unit_role {
#define X(name, kind) UNIT_##name,
    UNIT_ROLE_MAP(X)
#undef X
        UNIT_N_ROLES
};

struct sup;
struct job;
struct scale;

struct unit {
    struct sup *sup;
    struct proc *proc;
    enum unit_role role;
    const struct conf_source *source;
    struct scale *scale; /* stream: its job's workers; index: which of them */
    int index;
    bool has_ended; /* a bounded source came to its end */
    bool is_draining, has_drained;
    json_t *figures;   /* latest metrics, with what end or drained added; or NULL */
    json_t *pending;   /* the same, not to be shown yet (scale.h) */
    bool is_dirty;     /* figures not yet in the state database */
    int64_t told_mono; /* when it last told figures */
    int64_t begun_mono, ended_mono;   /* first start, end or drained */
    int64_t rate_at_mono, rate_count; /* last sample for the rate */
    double rate;
    struct job *job;   /* sql: what it works on */
    uv_timer_t *every; /* snapshot source under `up`: its next round */
    const char *shown; /* progress: the state told last */
};

#define SUP_PHASE_MAP(X)                                                               \
    X(SNAPSHOT, "reading snapshots")                                                   \
    X(FLOW, "running")                                                                 \
    X(SOURCES_STOP, "stopping sources")                                                \
    X(DRAIN_STREAM, "draining streams")                                                \
    X(DRAIN_LOAD, "draining loads")                                                    \
    X(DRAIN_ALERT, "draining alerts")                                                  \
    X(BUILD, "building")                                                               \
    X(LAST_ALERT, "delivering alerts")                                                 \
    X(STOPPING, "stopping")                                                            \
    X(ENDED, "ended")
enum sup_phase {
#define X(name, text) PHASE_##name,
    SUP_PHASE_MAP(X)
#undef X
        PHASE_N
};

enum feed {
    FEED_OVERVIEW,
    FEED_LAG,
    FEED_PROCESSES,
    FEED_RUNS,
    FEED_TASKS, /* tasks:RUN */
    FEED_ANOMALIES,
    FEED_ALERTS,
    FEED_LOG,  /* log:NAME */
    FEED_GATE, /* gate:NAME */
    FEED_N
};

struct run;
struct control;
struct schedules;
struct progress;

typedef VEC(struct job *) job_list;

struct sup {
    const struct platform *p;
    const struct supervise_options *o;
    uv_loop_t loop;
    uv_signal_t signals[4];
    uv_timer_t save_timer;
    struct state *state;
    int lock_fd;
    int64_t started_ms, started_mono, build_mono;
    int64_t moved_mono; /* when a counter last grew */
    struct proc *procs; /* list, for the reaper */
    VEC(struct unit *) units;
    VEC(struct scale *) scales;
    enum sup_phase phase;
    bool is_stopping; /* down, a signal, the request's end: no more work is taken */
    bool is_now;      /* without draining */
    bool is_closing;  /* handles are being closed, the loop ends */
    bool is_advancing, is_moved; /* sup_advance is under way; was asked for meanwhile */
    bool is_ready_told;
    int exit_status;   /* worst so far; 130 wins */
    char failure[512]; /* first thing that went wrong, for the person */
    int signals_seen;
    /* data clock */
    int64_t now_ms, clock_sent_ms; /* newest record time, -1 unknown */
    /* sql pool */
    job_list jobs;
    unsigned long next_job;
    /* runs */
    struct run *run; /* the active one */
    VEC(struct run *) queue;
    int64_t build_run; /* id of the job's own run, 0 none */
    json_t *plan;      /* of a request for a plan only */
    bool is_planning;
    char build_state[16]; /* its end */
    /* what clients see */
    json_t *events, *anomalies; /* newest last, bounded */
    json_t *gates;              /* by name */
    json_t *freshness;          /* relation → newest_ms */
    json_t *lag;                /* latest lag figures, NULL */
    struct control *control;
    struct schedules *schedules;
    struct progress *progress;
};

/* ── supervise.c */
void sup_event(struct sup *s, const char *level, const char *source, const char *text);
void sup_fail(struct sup *s, int exit_status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Orderly end: drain first unless now. */
void sup_stop(struct sup *s, bool now);
/* After anything that may move the job: phases, waiters. Cheap when nothing moved. */
void sup_advance(struct sup *s);
int64_t sup_now_ms(const struct sup *s); /* platform clock; wall when unknown */
const char *sup_phase_text(enum sup_phase p);
void sup_save_soon(struct sup *s);    /* figures, within two seconds */
void sup_free_handle(uv_handle_t *h); /* close callback of a handle that owns itself */
/* A state write that failed is an event, never the end of the supervisor. */
void sup_check(struct sup *s, int rc, const struct err *e);

/* ── unit.c */
int units_make(struct sup *s, struct err *e);
void units_free(struct sup *s);
struct unit *unit_find(struct sup *s, const char *name);
/* A unit and its process, not started; args after "worker KIND". */
struct unit *unit_add(struct sup *s, enum unit_role role, const char *name,
                      const char *const *args);
void unit_remove(struct unit *u); /* its process must be at rest */
void unit_operands(struct unit *u, const char *const *args); /* for its next start */
/* A time a test may set, in ms. */
int64_t unit_env_ms(const char *name, int64_t fallback);
void unit_send(struct unit *u, const char *type); /* a message without data */
void unit_start(struct unit *u);
void unit_drain(struct unit *u);
const char *unit_stage_state(const struct unit *u); /* wire.h's stages[].state */
int64_t unit_rejected(const struct unit *u);        /* of all reasons */
const char *unit_kind(const struct unit *u);
bool unit_is_over(const struct unit *u);   /* will not do anything more by itself */
bool unit_is_needed(const struct unit *u); /* the job cannot go on without it */
int64_t unit_figure(const struct unit *u, const char *name);
/* ── unit_report.c */
void unit_message(struct proc *p, const json_t *msg);
void units_save(struct sup *s); /* dirty figures → state database */

#define units_each(s, u)                                                               \
    for (size_t u##_i = 0; u##_i < (s)->units.n; u##_i++)                              \
        for (struct unit *u = (s)->units.v[u##_i]; u; u = NULL)

/* ── phase.c */
void phase_enter(struct sup *s, enum sup_phase phase);
void phase_advance(struct sup *s);

/* ── job.c */
struct job {
    struct sup *sup;
    char id[64];
    const char *kind; /* static or owned by arg */
    json_t *data;
    const char *pool; /* whose slots it takes beside a worker (borrowed), NULL: none */
    int attempt, deaths;
    struct unit *worker;
    /* Before it is sent; false: it is not to be sent any more. May set attempt. */
    bool (*begin)(struct job *j);
    /* Answer (result or plan), or NULL with text: it cannot be done. j is freed after.
     */
    void (*done)(struct job *j, const json_t *msg, const char *text);
    /* The worker died in it; false: give up (done is called). NULL: try 5 times. */
    bool (*died)(struct job *j);
    void *arg;
};
struct job *job_new(struct sup *s, const char *kind, json_t *data /* taken */);
void job_queue(struct job *j);
void job_cancel_all(struct sup *s, const void *arg); /* those with this arg, no done */
void job_answer(struct unit *u, const json_t *msg);
void job_worker_moved(struct unit *u); /* its process changed state */
void job_pump(struct sup *s);

/* ── run.c */
/* request: the args of wire.h's run or rerun. *id is the run's. */
int run_request(struct sup *s, const json_t *request, const char *who, int64_t *id,
                struct err *e);
int run_cancel(struct sup *s, int64_t id, struct err *e);
void run_cancel_all(struct sup *s);
bool run_is_idle(const struct sup *s);
json_t *run_json(const struct sup *s); /* the overview's member, or null */
/* The data of a plan task for a request. New reference. */
json_t *run_plan_data(struct sup *s, const json_t *request, int64_t id, struct err *e);
int run_resume_all(struct sup *s, struct err *e);

/* ── schedule.c */
int schedules_open(struct sup *s, struct err *e);
void schedules_close(struct sup *s);
void schedules_begin(struct sup *s);           /* the flow has started */
bool schedules_are_quiet(const struct sup *s); /* nothing is about to run by itself */
void clock_see(struct sup *s, int64_t ms);
void schedule_source_done(struct unit *u); /* a snapshot round ended */
int schedule_sync(struct sup *s, const char *source, struct err *e);
void schedule_run_ended(struct sup *s);

/* ── control.c */
int control_open(struct sup *s, struct err *e);
void control_close(struct sup *s);
void control_changed(struct sup *s, enum feed f, const char *name /* run or process */);
void control_waiters(struct sup *s);
struct client;
void client_answer(struct client *c, int64_t id, json_t *data /* taken */);
void client_refuse(struct client *c, int64_t id, const char *code, const char *text);
int client_subscribe(struct client *c, const char *feed, bool is_on);
void client_wait(struct client *c, int64_t id, const char *until);
struct sup *client_sup(const struct client *c);
const char *client_who(const struct client *c);
const char *client_role_name(const struct client *c);
unsigned client_uid(const struct client *c);
unsigned long client_number(const struct client *c);
struct client *client_by_number(struct sup *s, unsigned long number);
enum client_role { CLIENT_NONE, CLIENT_VIEWER, CLIENT_OPERATOR, CLIENT_ADMIN };
enum client_role client_role(const struct client *c);

/* ── request.c */
void request_handle(struct client *c, const json_t *msg);

/* ── feed.c */
json_t *feed_json(struct sup *s, enum feed f, const char *name, int64_t from_seq);
/* 1 met, 0 not yet, -1 can no longer be met, ERR_USAGE: no such condition */
int feed_condition(struct sup *s, const char *until);

/* ── progress.c */
void progress_open(struct sup *s);
void progress_close(struct sup *s);
void progress_unit(struct unit *u);
void progress_phase(struct sup *s);
void progress_task(struct sup *s, const json_t *task, size_t n, size_t total);
void progress_note(struct sup *s, const char *level, const char *source,
                   const char *text);

/* ── summary.c */
json_t *summary_json(struct sup *s);

#endif
