/* The feeds of wire.h as JSON.
 *
 * in: units, state database, rings. out: one JSON value per feed. Called by control.c
 * when a feed changed and has a subscriber, and by request.c. Always holds: shapes are
 * exactly wire.h's. */
#include "supervise/sup.h"

#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "base/timeutil.h"
#include "supervise/scale.h"
#include "quality/quality.h"

#define RUNS_SHOWN   50
#define EVENTS_SHOWN 50
#define IDLE_MS      2500 /* longer than two reports of a worker */

static const char *overview_state(const struct sup *s)
{
    if (s->phase == PHASE_SNAPSHOT)
        return "starting";
    if (s->phase == PHASE_FLOW || s->phase == PHASE_BUILD)
        return "running";
    return s->phase >= PHASE_STOPPING ? "stopping" : "draining";
}

const char *unit_stage_state(const struct unit *u)
{
    switch (u->proc->state) {
    case FSM_DONE:
        return "done";
    case FSM_FAILED:
        return "failed";
    case FSM_DOWN:
        return u->has_drained || u->has_ended ? "done" : "waiting";
    case FSM_STARTING:
    case FSM_BACKOFF:
        return "waiting";
    case FSM_READY:
    case FSM_CLEANING:
    case FSM_STOPPING:
    case FSM_N_STATES:
        break;
    }
    if (u->has_drained || u->has_ended)
        return "done";
    /* What has an end is at work until it says so. */
    return u->rate > 0 || u->proc->spec.is_oneshot ? "running" : "idle";
}

/* State of the stage that several workers are: the worst, or what one still does. */
static const char *stage_state(struct sup *s, const struct unit *of)
{
    static const char *const order[] = {"failed", "running", "waiting", "idle", "done"};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        units_each(s, u) if (u == of || (of->scale && u->scale == of->scale))
        {
            if (streq(unit_stage_state(u), order[i]))
                return order[i];
        }
    return "waiting";
}

/* What a person should know: an own word of a process, or how many there are. */
static void stage_detail(struct sup *s, const struct unit *of, json_t *row)
{
    char text[sizeof of->proc->detail + 64] = "";
    int min, max;
    units_each(s, u) if ((u == of || (of->scale && u->scale == of->scale)) && !text[0])
        str_copy(text, sizeof text, u->proc->detail);
    if (!text[0] && of->scale) {
        scale_range(of, &min, &max);
        if (scale_count(of) > 1)
            snprintf(text, sizeof text, "%d workers", scale_count(of));
        if (scale_count(of) > 1 && min != max)
            snprintf(text, sizeof text, "%d of %d to %d workers", scale_count(of), min,
                     max);
    }
    json_put_str(row, "detail", text);
}

/* A process, or all workers of a stream job. */
static json_t *stage_unit(struct sup *s, const struct unit *u)
{
    json_t *row = json_object();
    json_t *sum = u->scale ? scale_figures(u) : json_incref(u->figures);
    double rate = 0;
    char name[160];
    const char *bare = strchr(u->proc->name, '.');
    snprintf(name, sizeof name, "%s %s", unit_kind(u), bare ? bare + 1 : "");
    bool is_load = u->role == UNIT_LOAD;
    units_each(s, other) if (other == u || (u->scale && other->scale == u->scale))
        rate += other->rate;
    json_put_str(row, "name", name);
    json_put_str(row, "kind", unit_kind(u));
    json_put_str(row, "state", stage_state(s, u));
    json_put_i64(row, "in", json_i64(sum, is_load ? "rows" : "in", 0));
    json_put_i64(row, "out", json_i64(sum, is_load ? "rows" : "out", 0));
    json_put_num(row, "rate", rate);
    json_put_i64(row, "lag", json_i64(sum, "lag", 0));
    json_put_i64(row, "total", json_i64(sum, "total", 0));
    json_put_i64(row, "position", json_i64(sum, "position", 0));
    stage_detail(s, u, row);
    json_decref(sum);
    return row;
}

static json_t *overview_stages(struct sup *s)
{
    json_t *rows = json_array();
    units_each(s, u) if (u->role <= UNIT_LOAD && u->index == 0)
        json_array_append_new(rows, stage_unit(s, u));
    const char *name;
    json_t *g;
    json_object_foreach (s->gates, name, g) {
        json_t *row = json_object();
        char text[160];
        const char *verdict = json_str(g, "verdict", "");
        snprintf(text, sizeof text, "gate %s", name);
        json_put_str(row, "name", text);
        json_put_str(row, "kind", "gate");
        json_put_str(row, "state",
                     streq(verdict, "fail") || streq(verdict, "error") ? "failed"
                                                                       : "done");
        json_put_i64(row, "in", json_i64(g, "total", 0));
        json_put_i64(row, "out", json_i64(g, "failed", 0));
        json_put_str(row, "detail", verdict);
        json_array_append_new(rows, row);
    }
    return rows;
}

static const char *freshness_verdict(int64_t age, const struct conf_freshness *f)
{
    if (age < 0)
        return "unknown";
    if (f->breach_ms > 0 && age >= f->breach_ms)
        return "breach";
    return f->warn_ms > 0 && age >= f->warn_ms ? "warn" : "ok";
}

static json_t *overview_freshness(struct sup *s)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < s->p->n_freshness; i++) {
        const struct conf_freshness *f = &s->p->freshness[i];
        json_t *row = json_object();
        char layer[64];
        str_copy(layer, sizeof layer, f->relation);
        char *dot = strchr(layer, '.');
        if (dot)
            *dot = '\0';
        int64_t newest = json_i64(s->freshness, f->relation, -1);
        int64_t age = newest < 0 ? -1 : sup_now_ms(s) - newest;
        age = newest >= 0 && age < 0 ? 0 : age;
        json_put_str(row, "relation", f->relation);
        json_put_str(row, "layer", layer);
        json_put_i64(row, "newest_ms", newest);
        json_put_i64(row, "age_ms", age);
        json_put_i64(row, "warn_ms", f->warn_ms);
        json_put_i64(row, "breach_ms", f->breach_ms);
        json_put_str(row, "verdict", freshness_verdict(age, f));
        json_array_append_new(rows, row);
    }
    return rows;
}

int64_t unit_rejected(const struct unit *u)
{
    const json_t *by = u->figures ? json_obj(u->figures, "rejected") : NULL;
    int64_t n = 0;
    const char *reason;
    json_t *v;
    json_object_foreach ((json_t *)(uintptr_t)by, reason, v)
        n += json_integer_value(v);
    return n;
}

static json_t *overview_counts(struct sup *s)
{
    int64_t in = 0, rejected = 0, late = 0, anomalies = 0, masked = 0, alerts = 0;
    int64_t not_loaded = 0, undelivered;
    struct err e = {0};
    units_each(s, u)
    {
        if (u->role == UNIT_SOURCE) {
            in += unit_figure(u, "in");
            masked += unit_figure(u, "masked");
        }
        if (u->role == UNIT_STREAM) {
            late += unit_figure(u, "late");
            anomalies += unit_figure(u, "anomalies");
        }
        if (u->role == UNIT_STREAM || u->role == UNIT_SOURCE)
            rejected += unit_rejected(u);
        if (u->role == UNIT_LOAD)
            not_loaded += unit_figure(u, "rejected");
    }
    (void)state_alert_count(s->state, &undelivered, &alerts, &e);
    json_t *row = json_object();
    json_put_i64(row, "records_in", in);
    json_put_i64(row, "rejected", rejected);
    json_put_i64(row, "not_loaded", not_loaded);
    json_put_i64(row, "late", late);
    json_put_i64(row, "anomalies", anomalies);
    json_put_i64(row, "alerts_open", alerts);
    json_put_i64(row, "masked", masked);
    return row;
}

/* A gate's last judgement: what it says in a line, and its checks where they are asked
 * for. The whole result is too much to be pushed at every change. */
static json_t *gate_row(json_t *gate, bool has_checks)
{
    json_t *row = json_copy(gate), *result = json_object_get(gate, "result");
    struct buf b;
    buf_init(&b, 1u << 20);
    if (result)
        suite_summary(result, &b);
    json_object_del(row, "result");
    json_put_str(row, "summary", buf_str(&b));
    json_put_i64(row, "kept",
                 json_i64(json_object_get(result, "meta"), "quarantined", 0));
    json_put_i64(row, "run", json_i64(json_object_get(result, "meta"), "run_id", 0));
    if (has_checks)
        json_put(row, "checks", suite_checks(result));
    buf_release(&b);
    return row;
}

static json_t *feed_gate(struct sup *s, const char *name)
{
    json_t *gate = json_object_get(s->gates, name);
    return gate ? gate_row(gate, true) : json_object();
}

static json_t *overview_gates(struct sup *s)
{
    json_t *rows = json_array(), *g;
    const char *name;
    json_object_foreach (s->gates, name, g)
        json_array_append_new(rows, gate_row(g, false));
    return rows;
}

static json_t *overview_events(struct sup *s)
{
    json_t *rows = json_array();
    size_t n = json_array_size(s->events);
    for (size_t i = n > EVENTS_SHOWN ? n - EVENTS_SHOWN : 0; i < n; i++)
        json_array_append(rows, json_array_get(s->events, i));
    return rows;
}

static json_t *feed_overview(struct sup *s)
{
    json_t *o = json_object();
    json_put_str(o, "platform", s->p->name);
    json_put_str(o, "environment", s->p->environment);
    json_put_str(o, "version", WEIR_VERSION);
    json_put_str(o, "state", overview_state(s));
    json_put_str(o, "phase", sup_phase_text(s->phase));
    json_put_str(o, "clock", s->p->clock == CLOCK_DATA ? "data" : "wall");
    json_put_str(o, "timezone", s->p->timezone);
    json_put_i64(o, "now_ms", sup_now_ms(s));
    json_put_i64(o, "started_ms", s->started_ms);
    json_put_i64(o, "wall_ms", time_wall_ms());
    json_put(o, "stages", overview_stages(s));
    json_put(o, "freshness", overview_freshness(s));
    json_put(o, "counts", overview_counts(s));
    json_put(o, "run", run_json(s));
    json_put(o, "gates", overview_gates(s));
    json_put(o, "events", overview_events(s));
    return o;
}

static json_t *feed_processes(struct sup *s)
{
    json_t *rows = json_array();
    int64_t now = time_mono_ms();
    units_each(s, u)
    {
        const struct proc *p = u->proc;
        json_t *row = json_object();
        int64_t up = now - p->spawned_mono;
        int64_t cpu = unit_figure(u, "cpu_ms");
        json_put_str(row, "name", p->name);
        json_put_str(row, "kind", p->kind);
        json_put_str(row, "state", fsm_state_name(p->state));
        json_put_i64(row, "restarts", p->restarts);
        if (p->at) {
            json_put_i64(row, "pid", p->pid);
            json_put_i64(row, "up_ms", up);
            json_put_i64(row, "rss_kb", unit_figure(u, "rss_kb"));
            json_put_num(row, "cpu_pct", up > 0 ? (double)cpu * 100 / (double)up : 0);
            json_put_i64(row, "beat_ms", now - p->beat_mono);
        }
        json_put_str(row, "detail", p->detail);
        json_array_append_new(rows, row);
    }
    return rows;
}

static json_t *feed_lag(struct sup *s)
{
    json_t *o = json_object();
    json_t *topics = json_arr(s->lag, "topics"), *groups = json_arr(s->lag, "groups");
    json_put(o, "topics", topics ? json_incref(topics) : json_array());
    json_put(o, "groups", groups ? json_incref(groups) : json_array());
    return o;
}

static json_t *or_empty(json_t *rows)
{
    return rows ? rows : json_array();
}

static json_t *feed_tasks(struct sup *s, const char *run)
{
    struct err e = {0};
    json_t *rows = NULL, *row;
    int64_t id = 0;
    size_t i;
    if (!str_to_i64(str_of(run), &id) || state_tasks(s->state, id, &rows, &e) < 0)
        return json_array();
    json_array_foreach (rows, i, row)
        json_object_del(row, "data"); /* asked for by tasks{} */
    return rows;
}

static json_t *feed_log(struct sup *s, const char *name, int64_t from_seq)
{
    struct unit *u = unit_find(s, name);
    if (u)
        return logcap_json(&u->proc->log, from_seq, LOGCAP_RING_LINES);
    json_t *o = json_object();
    json_put(o, "lines", json_array());
    json_put_i64(o, "dropped", 0);
    json_put_i64(o, "seq", 1);
    return o;
}

json_t *feed_json(struct sup *s, enum feed f, const char *name, int64_t from_seq)
{
    struct err e = {0};
    json_t *rows = NULL;
    switch (f) {
    case FEED_OVERVIEW:
        return feed_overview(s);
    case FEED_LAG:
        return feed_lag(s);
    case FEED_PROCESSES:
        return feed_processes(s);
    case FEED_RUNS:
        (void)state_runs(s->state, RUNS_SHOWN, &rows, &e);
        return or_empty(rows);
    case FEED_TASKS:
        return feed_tasks(s, name);
    case FEED_ANOMALIES:
        return json_incref(s->anomalies);
    case FEED_ALERTS:
        (void)state_alerts(s->state, false, &rows, &e);
        return or_empty(rows);
    case FEED_LOG:
        return feed_log(s, name, from_seq);
    case FEED_GATE:
        return feed_gate(s, name);
    case FEED_N:
        break;
    }
    return json_null();
}

/* ── conditions
 * ──────────────────────────────────────────────────────────────────────── */

static int condition_ready(struct sup *s)
{
    if (s->phase > PHASE_FLOW && !s->o->sql_only)
        return s->phase >= PHASE_STOPPING ? -1 : 1;
    if (s->phase < PHASE_FLOW)
        return 0;
    int rc = 1;
    units_each(s, u)
    {
        bool is_long = u->role >= UNIT_SOURCE && u->role <= UNIT_ALERT;
        if (is_long && u->proc->state == FSM_FAILED)
            return -1; /* until somebody starts it */
        if (is_long && u->proc->state != FSM_READY && u->proc->state != FSM_DONE)
            rc = 0;
    }
    return rc;
}

/* Every worker that reports a lag reports none, and no
 * counter has grown for long enough that what one worker wrote the next would have
 * told. */
static bool flow_is_through(struct sup *s)
{
    units_each(s, u)
    {
        bool is_flow = u->role >= UNIT_SOURCE && u->role <= UNIT_LOAD;
        int64_t total = unit_figure(u, "total");
        if (is_flow && (!u->figures || unit_figure(u, "lag") > 0))
            return false;
        if (u->role == UNIT_SOURCE && total > 0 && unit_figure(u, "position") < total)
            return false;
    }
    return time_mono_ms() - s->moved_mono >= IDLE_MS;
}

/* Nothing to read, nothing to run. */
static int condition_idle(struct sup *s)
{
    if (condition_ready(s) != 1 || !run_is_idle(s) || !schedules_are_quiet(s))
        return s->phase >= PHASE_STOPPING ? -1 : 0;
    return flow_is_through(s);
}

/* All that was read is written, whether it goes on being read (`up`) or not (`down`,
 * `up --once`). What runs build is not asked. */
static int condition_drained(struct sup *s)
{
    if (s->phase > PHASE_DRAIN_ALERT)
        return 1;
    return s->phase == PHASE_FLOW && condition_ready(s) == 1 && flow_is_through(s);
}

static int condition_run(struct sup *s, int64_t id)
{
    struct err e = {0};
    json_t *run = NULL;
    if (state_run_get(s->state, id, &run, &e) < 0)
        return -1;
    const char *st = json_str(run, "state", "");
    int rc = !streq(st, "queued") && !streq(st, "running");
    json_decref(run);
    return rc;
}

int feed_condition(struct sup *s, const char *until)
{
    int64_t id = 0;
    if (streq(until, "up"))
        return 1;
    if (streq(until, "ready"))
        return condition_ready(s);
    if (streq(until, "idle"))
        return condition_idle(s);
    if (streq(until, "drained"))
        return condition_drained(s);
    if (streq(until, "down"))
        return 0; /* the connection's end says it */
    if (str_starts(until, "run:") && str_to_i64(str_of(until + 4), &id))
        return condition_run(s, id);
    return ERR_USAGE;
}
