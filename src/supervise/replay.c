/* An item "replay": a streaming node is stopped, set back by a sql worker, started, and
 * followed until what it had read before is read again and its loads have it.
 *
 *   stop → set back → catch up → drain → drain loads → ended
 *
 * in: the item; states and figures of units. out: stops, starts and drains of units, a
 * job of kind replay, the item's end. Called by run_item.c and run.c. Always holds: a
 * node is set back while none of its processes is left; whatever happens they are
 * started again; a replay that was cut off is begun anew and is right. */
#include "supervise/run.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/timeutil.h"
#include "supervise/scale.h"

#define LOOK_MS 50

enum step { STEP_STOP, STEP_SET_BACK, STEP_CATCH_UP, STEP_DRAIN, STEP_LOADS };

struct replay {
    struct item *it;
    struct sup *sup;
    enum step step;
    uv_timer_t *timer;
    int64_t began_mono, started_mono; /* started: the units, again */
    int64_t target;                   /* records the stream had read before */
};

/* ── which units
 * ──────────────────────────────────────────────────────────────────────── */

static bool is_of(const struct item *it, const struct unit *u)
{
    const char *node = it->node, *name = u->proc->name;
    if (str_starts(node, "stream."))
        return u->scale && streq(scale_name(u), node + 7);
    if (str_starts(node, "load."))
        return u->role == UNIT_LOAD && streq(name, node);
    return u->role == UNIT_SNAPSHOT && u->source && str_starts(node, "source.") &&
           streq(u->source->name, node + 7);
}

#define replay_each(r, u) units_each((r)->sup, u) if (is_of((r)->it, u))

static bool is_stream(const struct replay *r)
{
    return str_starts(r->it->node, "stream.");
}

static bool is_its_load(const struct replay *r, const struct unit *u)
{
    const json_t *name;
    size_t i;
    if (u->role != UNIT_LOAD)
        return false;
    json_array_foreach (json_arr(json_obj(r->it->json, "replay"), "loads"), i, name)
        if (streq(u->proc->name + strlen("load."), json_string_value(name)))
            return true;
    return false;
}

#define loads_each(r, u) units_each((r)->sup, u) if (is_its_load(r, u))

/* ── its end
 * ──────────────────────────────────────────────────────────────────────────── */

static void replay_free(struct replay *r)
{
    uv_timer_stop(r->timer);
    uv_close((uv_handle_t *)r->timer, sup_free_handle);
    r->it->replay = NULL;
    mem_free(r);
}

static void start_units(struct replay *r)
{
    replay_each(r, u)
    {
        bool is_bounded = u->role == UNIT_SNAPSHOT;
        if (!is_bounded && !proc_is_live(u->proc) && r->sup->phase < PHASE_STOPPING)
            unit_start(u);
    }
    r->started_mono = time_mono_ms();
}

static void replay_end(struct replay *r, const char *status, const char *message)
{
    struct item *it = r->it;
    json_t *msg = json_object();
    json_put_str(msg, "status", status);
    json_put_str(msg, "message", message);
    json_put_i64(msg, "rows", json_i64(json_obj(it->json, "replay"), "records", 0));
    json_put_num(msg, "seconds", (double)(time_mono_ms() - r->began_mono) / 1000);
    replay_free(r);
    item_answered(it, msg);
    json_decref(msg);
}

void replay_cancel(struct item *it)
{
    if (!it->replay)
        return;
    start_units(it->replay);
    replay_free(it->replay);
}

/* ── step by step
 * ─────────────────────────────────────────────────────────────────────── */

static void on_look(uv_timer_t *t);

static void go_to(struct replay *r, enum step step)
{
    r->step = step;
    uv_timer_start(r->timer, on_look, LOOK_MS, LOOK_MS);
}

static void set_back_done(struct job *j, const json_t *msg, const char *text)
{
    struct replay *r = ((struct item *)j->arg)->replay;
    bool is_ok = msg && streq(json_str(msg, "status", ""), "success");
    start_units(r);
    if (is_ok)
        go_to(r, STEP_CATCH_UP);
    else
        replay_end(r, "error", msg ? json_str(msg, "message", "failed") : text);
}

static void look_stop(struct replay *r)
{
    bool is_gone = !scales_are_changing(r->sup);
    replay_each(r, u)
    {
        if (!is_gone || !proc_is_live(u->proc))
            continue;
        is_gone = false;
        if (u->proc->state != FSM_STOPPING)
            proc_stop(u->proc);
    }
    if (!is_gone)
        return;
    uv_timer_stop(r->timer);
    r->step = STEP_SET_BACK;
    struct job *j = job_new(r->sup, "replay", run_job_data(r->it->run, r->it->json));
    j->arg = r->it;
    j->done = set_back_done;
    job_queue(j);
}

/* What it had read before it was set back is read again, or there is nothing to read.
 */
static bool has_caught_up(struct replay *r)
{
    int64_t in = 0, lag = 0;
    replay_each(r, u)
    {
        if (u->proc->state != FSM_READY || u->told_mono <= r->started_mono)
            return false;
        in += unit_figure(u, "in");
        lag += unit_figure(u, "lag");
    }
    return lag == 0 || in >= r->target;
}

static void look_catch_up(struct replay *r)
{
    bool is_there = true;
    if (is_stream(r))
        is_there = has_caught_up(r);
    else
        replay_each(r, u) is_there &=
            u->role == UNIT_SNAPSHOT ? unit_is_over(u) : u->proc->state == FSM_READY;
    if (!is_there)
        return;
    if (is_stream(r)) /* windows that are open, as they stand: they were shown before */
        replay_each(r, u) unit_drain(u);
    go_to(r, STEP_DRAIN);
}

static void look_drain(struct replay *r)
{
    if (is_stream(r))
        replay_each(r, u) if (!u->has_drained) return;
    loads_each(r, u) unit_drain(u);
    go_to(r, STEP_LOADS);
}

static void look_loads(struct replay *r)
{
    loads_each(r, u) if (!u->has_drained) return;
    units_each(r->sup,
               u) if (!r->sup->o->once && (is_of(r->it, u) || is_its_load(r, u)))
        u->is_draining = u->has_drained = false; /* they go on */
    replay_end(r, "success", NULL);
}

/* A process that was given up, or stopped by a person, comes to nothing. */
static const char *lost(struct replay *r, char *text, size_t size)
{
    if (r->step <= STEP_SET_BACK)
        return NULL;
    units_each(r->sup, u) if (is_of(r->it, u) || is_its_load(r, u))
    {
        if (u->proc->state != FSM_FAILED &&
            (u->proc->state != FSM_DOWN || u->role == UNIT_SNAPSHOT))
            continue;
        snprintf(text, size, "%s: %s", u->proc->name,
                 u->proc->detail[0] ? u->proc->detail : "it was stopped");
        return text;
    }
    return NULL;
}

static void on_look(uv_timer_t *t)
{
    struct replay *r = t->data;
    char why[700];
    if (r->sup->phase < PHASE_FLOW)
        return; /* a run that is resumed: the platform is just beginning */
    if (lost(r, why, sizeof why))
        replay_end(r, "error", why);
    else if (r->step == STEP_STOP)
        look_stop(r);
    else if (r->step == STEP_CATCH_UP)
        look_catch_up(r);
    else if (r->step == STEP_DRAIN)
        look_drain(r);
    else if (r->step == STEP_LOADS)
        look_loads(r);
}

/* ── beginning
 * ────────────────────────────────────────────────────────────────────────── */

static bool begin_source(struct replay *r, char *why, size_t size)
{
    struct err e = {0};
    if (schedule_sync(r->sup, r->it->node + strlen("source."), &e) == 0)
        return true;
    str_copy(why, size, e.text);
    return false;
}

void replay_begin(struct item *it)
{
    struct replay *r = mem_alloc(sizeof *r);
    struct err e = {0};
    char why[ERR_TEXT_MAX] = "";
    it->replay = r;
    it->state = ITEM_QUEUED;
    it->waits = 0;
    r->it = it;
    r->sup = it->run->sup;
    r->began_mono = time_mono_ms();
    r->timer = mem_alloc(sizeof *r->timer);
    uv_timer_init(&r->sup->loop, r->timer);
    r->timer->data = r;
    int rc = state_task_start(r->sup->state, it->run->id, it->node, "supervisor",
                              &it->attempt, &e);
    if (rc != ERR_AGAIN)
        sup_check(r->sup, rc, &e);
    bool has_unit = false;
    replay_each(r, u)
    {
        has_unit = true;
        r->target += unit_figure(u, "in");
    }
    if (!has_unit)
        replay_end(r, "error",
                   "its processes do not run here: begin the platform first (weir up)");
    else if (!str_starts(it->node, "source."))
        go_to(r, STEP_STOP);
    else if (begin_source(r, why, sizeof why))
        go_to(r, STEP_CATCH_UP);
    else
        replay_end(r, "error", why);
}
