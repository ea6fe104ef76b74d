/* The job: which phase the platform is in, what a phase starts, and when it is over.
 *
 *   up --once:  snapshots → flow → drain streams → drain loads → drain alerts → build →
 *               last alerts → stopping → ended
 *   up:         snapshots → flow … until `down`: sources stop, then the same drains,
 * stop headless:   build → stopping → ended
 *
 * in: events (sup_advance). out: starts, drains and stops of units, the build's run.
 * Called by supervise.c. Always holds: a phase is left only by its condition; a unit
 * that the job cannot do without and that has failed ends the job; units stop level by
 * level, last started first. */
#include "supervise/sup.h"

#include "base/json.h"
#include "base/str.h"
#include "base/timeutil.h"
#include "supervise/scale.h"

static bool all_over(struct sup *s, enum unit_role role)
{
    units_each(s, u) if (u->role == role && !unit_is_over(u)) return false;
    return true;
}

static void start_role(struct sup *s, enum unit_role role)
{
    units_each(s, u) if (u->role == role && u->proc->state == FSM_DOWN) unit_start(u);
}

static void enter_snapshot(struct sup *s)
{
    start_role(s, UNIT_SNAPSHOT);
}
static bool over_snapshot(struct sup *s)
{
    return all_over(s, UNIT_SNAPSHOT);
}

static void enter_flow(struct sup *s)
{
    for (int role = UNIT_SOURCE; role <= UNIT_ALERT; role++)
        start_role(s, (enum unit_role)role);
    schedules_begin(s);
}
static bool over_flow(struct sup *s)
{
    return s->o->once && all_over(s, UNIT_SOURCE);
}

static void stop_role(struct sup *s, enum unit_role role)
{
    units_each(s, u) if (u->role == role && proc_is_live(u->proc)) proc_stop(u->proc);
}
static void enter_sources_stop(struct sup *s)
{
    stop_role(s, UNIT_SOURCE);
    stop_role(s, UNIT_SNAPSHOT);
}
static bool over_sources_stop(struct sup *s)
{
    return all_over(s, UNIT_SOURCE) && all_over(s, UNIT_SNAPSHOT) &&
           !scales_are_changing(s);
}

static void drain_role(struct sup *s, enum unit_role role)
{
    units_each(s, u) if (u->role == role && proc_is_live(u->proc)) unit_drain(u);
}
static bool drained_role(struct sup *s, enum unit_role role)
{
    units_each(s, u) if (u->role == role && !u->has_drained &&
                         !unit_is_over(u)) return false;
    return true;
}
static void enter_drain_stream(struct sup *s)
{
    drain_role(s, UNIT_STREAM);
}
static bool over_drain_stream(struct sup *s)
{
    return drained_role(s, UNIT_STREAM);
}
static void enter_drain_load(struct sup *s)
{
    drain_role(s, UNIT_LOAD);
}
static bool over_drain_load(struct sup *s)
{
    return drained_role(s, UNIT_LOAD);
}
static void enter_drain_alert(struct sup *s)
{
    drain_role(s, UNIT_ALERT);
}
static bool over_drain_alert(struct sup *s)
{
    return drained_role(s, UNIT_ALERT);
}

static void plan_ready(struct job *j, const json_t *msg, const char *text)
{
    struct sup *s = j->sup;
    s->is_planning = false;
    if (msg && streq(json_str(msg, "t", ""), "plan"))
        s->plan = json_deep_copy(json_object_get(msg, "data"));
    else
        sup_fail(s,
                 err_exit_status(
                     err_from_name(msg ? json_str(msg, "code", "FAIL") : "FAIL")),
                 "no plan: %s", msg ? json_str(msg, "message", "failed") : text);
}

/* A plan and nothing else. */
static void build_plan_only(struct sup *s)
{
    struct err e = {0};
    json_t *data = run_plan_data(s, json_obj(s->o->request, "args"), 0, &e);
    if (!data) {
        sup_fail(s, 1, "%s", e.text);
        return;
    }
    struct job *j = job_new(s, "plan", data);
    j->done = plan_ready;
    s->is_planning = true;
    job_queue(j);
}

/* The job's own run: what was asked for (headless), or everything. */
static void enter_build(struct sup *s)
{
    struct err e = {0};
    s->build_mono = time_mono_ms();
    if (!s->p->models_project || (s->is_stopping && !s->o->once))
        return;
    if (s->o->request && streq(json_str(s->o->request, "cmd", ""), "plan")) {
        build_plan_only(s);
        return;
    }
    json_t *args = s->o->request ? json_incref(json_obj(s->o->request, "args")) : NULL;
    if (!args) {
        args = json_object();
        json_put_str(args, "command", "build");
        json_put_str(args, "reason", "up --once");
    }
    int rc = run_request(s, args, "job", &s->build_run, &e);
    if (rc < 0)
        sup_fail(s, err_exit_status(rc), "%s", e.text);
    json_decref(args);
}
static bool over_build(struct sup *s)
{
    return run_is_idle(s) && !s->is_planning;
}

/* Headless runs start the alert worker only when there is something to deliver. */
static void enter_last_alert(struct sup *s)
{
    int64_t undelivered = 0, unacked = 0;
    struct err e = {0};
    sup_check(s, state_alert_count(s->state, &undelivered, &unacked, &e), &e);
    units_each(s, u)
    {
        if (u->role != UNIT_ALERT)
            continue;
        if (s->o->sql_only && undelivered > 0 && u->proc->state == FSM_DOWN)
            unit_start(u);
        if (proc_is_live(u->proc))
            unit_drain(u);
    }
}

static void enter_stopping(struct sup *s)
{
    s->is_stopping = true;
    run_cancel_all(s);
}

/* Last started first: a level goes when the one above it is gone. */
static bool over_stopping(struct sup *s)
{
    for (int role = UNIT_N_ROLES - 1; role >= 0; role--) {
        bool is_gone = true;
        units_each(s, u)
        {
            if (u->role != (enum unit_role)role || !proc_is_live(u->proc))
                continue;
            is_gone = false;
            if (u->proc->state != FSM_STOPPING)
                proc_stop(u->proc);
        }
        if (!is_gone)
            return false;
    }
    return true;
}

static void enter_nothing(struct sup *s)
{
    (void)s;
}
static bool over_never(struct sup *s)
{
    (void)s;
    return false;
}

static const struct {
    void (*enter)(struct sup *s);
    bool (*is_over)(struct sup *s);
} phases[PHASE_N] = {
    [PHASE_SNAPSHOT] = {enter_snapshot, over_snapshot},
    [PHASE_FLOW] = {enter_flow, over_flow},
    [PHASE_SOURCES_STOP] = {enter_sources_stop, over_sources_stop},
    [PHASE_DRAIN_STREAM] = {enter_drain_stream, over_drain_stream},
    [PHASE_DRAIN_LOAD] = {enter_drain_load, over_drain_load},
    [PHASE_DRAIN_ALERT] = {enter_drain_alert, over_drain_alert},
    [PHASE_BUILD] = {enter_build, over_build},
    [PHASE_LAST_ALERT] = {enter_last_alert, over_drain_alert},
    [PHASE_STOPPING] = {enter_stopping, over_stopping},
    [PHASE_ENDED] = {enter_nothing, over_never},
};

void phase_enter(struct sup *s, enum sup_phase phase)
{
    s->phase = phase;
    control_changed(s, FEED_OVERVIEW, NULL);
    progress_phase(s);
    phases[phase].enter(s);
}

/* A stop that came from outside leaves the build out. */
static enum sup_phase phase_next(const struct sup *s)
{
    if (s->phase == PHASE_DRAIN_ALERT && (s->is_stopping || !s->o->once))
        return PHASE_STOPPING;
    return (enum sup_phase)(s->phase + 1);
}

/* Whether the job can no longer come to a right end. */
static bool phase_is_lost(struct sup *s)
{
    if (!s->o->once || s->phase >= PHASE_BUILD)
        return false;
    units_each(s, u) if (unit_is_needed(u) && u->proc->state == FSM_FAILED) return true;
    return false;
}

void phase_advance(struct sup *s)
{
    while (s->phase < PHASE_ENDED) {
        if (s->is_now && s->phase < PHASE_STOPPING)
            phase_enter(s, PHASE_STOPPING);
        else if (s->is_stopping && s->phase < PHASE_SOURCES_STOP)
            phase_enter(s, PHASE_SOURCES_STOP);
        else if (phase_is_lost(s) || (s->is_stopping && s->phase == PHASE_BUILD))
            phase_enter(s, PHASE_STOPPING);
        else if (phases[s->phase].is_over(s))
            phase_enter(s, phase_next(s));
        else
            return;
    }
}
