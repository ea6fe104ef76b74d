/* The supervisor's processes as the job sees them: which there are, what they report.
 *
 * in: the platform; states and messages of processes. out: units, events, alerts in the
 * outbox, figures. Called by supervise.c and phase.c. Always holds: an alert is stored
 * before it is acknowledged; a unit asked to drain is asked again when it comes back
 * from a death before it answered. */
#include "supervise/sup.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/timeutil.h"
#include "supervise/spawn.h"

#define EVENTS_KEPT    200
#define ANOMALIES_KEPT 1000
#define READY_MS       60000
#define BEAT_DATA_MS                                                                   \
    30000 /* stream and load: one epoch, batch or snapshot of any size */
#define BEAT_SCAN_MS 120000 /* lag: a freshness query may read a whole table */
#define BEAT_MS      10000
#define STOP_MS      10000
#define RATE_MS      1000

static const char *const role_kinds[] = {
#define X(name, kind) kind,
    UNIT_ROLE_MAP(X)
#undef X
};

const char *unit_kind(const struct unit *u)
{
    return role_kinds[u->role];
}

int64_t unit_figure(const struct unit *u, const char *name)
{
    return u->figures ? json_i64(u->figures, name, 0) : 0;
}

bool unit_is_over(const struct unit *u)
{
    return u->proc->state == FSM_DONE || u->proc->state == FSM_FAILED ||
           u->proc->state == FSM_DOWN;
}

/* A source that fails is contained: what came of it is drained and built. Without a
 * stream job or a loader the tables would be wrong. */
bool unit_is_needed(const struct unit *u)
{
    return u->role == UNIT_STREAM || u->role == UNIT_LOAD;
}

void unit_start(struct unit *u)
{
    u->has_ended = u->is_draining = u->has_drained = false;
    if (u->begun_mono == 0)
        u->begun_mono = time_mono_ms();
    u->ended_mono = 0;
    proc_start(u->proc);
}

static void unit_send(struct unit *u, const char *type)
{
    json_t *msg = json_object();
    json_put_str(msg, "t", type);
    proc_send(u->proc, msg);
}

void unit_drain(struct unit *u)
{
    u->is_draining = true;
    u->has_drained = false;
    if (u->proc->state == FSM_READY)
        unit_send(u, "drain");
}

/* ── figures
 * ─────────────────────────────────────────────────────────────────────────── */

static const char *unit_counter(const struct unit *u)
{
    return u->role == UNIT_LOAD ? "rows" : "in";
}

static void unit_rate(struct unit *u)
{
    int64_t now = time_mono_ms(), count = unit_figure(u, unit_counter(u));
    if (json_object_get(u->figures, "rate")) {
        u->rate = json_num(u->figures, "rate", 0);
    } else if (u->rate_at_mono == 0 || count < u->rate_count) {
        u->rate_at_mono = now;
        u->rate_count = count;
    } else if (now - u->rate_at_mono >= RATE_MS) {
        u->rate =
            (double)(count - u->rate_count) * 1000 / (double)(now - u->rate_at_mono);
        u->rate_at_mono = now;
        u->rate_count = count;
    }
}

/* The lag worker also knows the data clock and how fresh the tables are. */
static void unit_lag(struct unit *u, const json_t *data)
{
    struct sup *s = u->sup;
    json_t *rows = json_arr(data, "freshness"), *row;
    size_t i;
    json_decref(s->lag);
    s->lag = json_incref(u->figures);
    json_array_foreach (rows, i, row) {
        const char *relation = json_str(row, "relation", NULL);
        if (relation && json_i64(row, "newest_ms", -1) >= 0)
            json_put_i64(s->freshness, relation, json_i64(row, "newest_ms", -1));
    }
    if (json_i64(data, "clock_ms", -1) > 0)
        clock_see(s, json_i64(data, "clock_ms", -1));
    control_changed(s, FEED_LAG, NULL);
}

static void unit_figures(struct unit *u, const json_t *data)
{
    if (!json_is_object(data))
        return;
    if (!u->figures)
        u->figures = json_object();
    int64_t before = unit_figure(u, unit_counter(u));
    json_t *rejected = json_incref(json_object_get(u->figures, "rejected"));
    json_object_update(u->figures, (json_t *)(uintptr_t)data);
    /* A last word that only says how many does not take the reasons away. */
    if (json_is_object(rejected) && !json_is_object(json_object_get(data, "rejected")))
        json_object_set(u->figures, "rejected", rejected);
    json_decref(rejected);
    if (unit_figure(u, unit_counter(u)) != before)
        u->sup->moved_mono = time_mono_ms();
    unit_rate(u);
    u->is_dirty = u->role != UNIT_LAG; /* the lag of now means nothing tomorrow */
    if (u->role == UNIT_SOURCE && json_i64(data, "at_ms", -1) > 0)
        clock_see(u->sup, json_i64(data, "at_ms", -1));
    if (u->role == UNIT_STREAM && json_i64(data, "newest_ms", -1) > 0)
        clock_see(u->sup, json_i64(data, "newest_ms", -1));
    if (u->role == UNIT_LAG)
        unit_lag(u, data);
    sup_save_soon(u->sup);
    control_changed(u->sup, FEED_OVERVIEW, NULL);
    progress_unit(u);
}

void units_save(struct sup *s)
{
    struct err e = {0};
    int rc = state_begin(s->state, &e);
    units_each(s, u)
    {
        if (rc < 0 || !u->is_dirty || !u->figures)
            continue;
        rc = state_put(s->state, "metrics", u->proc->name, u->figures, &e);
        u->is_dirty = false;
    }
    if (rc >= 0)
        rc = state_commit(s->state, &e);
    else
        state_rollback(s->state);
    sup_check(s, rc, &e);
}

/* ── messages
 * ────────────────────────────────────────────────────────────────────────── */

static void bounded_append(json_t *list, json_t *row, size_t max)
{
    json_array_append_new(list, row);
    while (json_array_size(list) > max)
        json_array_remove(list, 0);
}

void sup_event(struct sup *s, const char *level, const char *source, const char *text)
{
    json_t *row = json_object();
    json_put_i64(row, "at_ms", time_wall_ms());
    json_put_str(row, "level", level);
    json_put_str(row, "source", source);
    json_put_str(row, "text", text);
    bounded_append(s->events, row, EVENTS_KEPT);
    control_changed(s, FEED_OVERVIEW, NULL);
    progress_note(s, level, source, text);
}

static bool has_anomaly(const struct sup *s, const char *transaction_id)
{
    size_t i;
    const json_t *row;
    json_array_foreach (s->anomalies, i, row) {
        if (streq(json_str(row, "transaction_id", ""), transaction_id))
            return true;
    }
    return false;
}

/* One that is shown again after the alert worker's start counts only where it is new.
 */
static void take_anomaly(struct unit *u, const json_t *data)
{
    json_t *row = json_deep_copy(data);
    if (!json_is_object(row) ||
        (json_flag(row, "again", false) &&
         has_anomaly(u->sup, json_str(row, "transaction_id", "")))) {
        json_decref(row);
        return;
    }
    json_object_del(row, "again");
    if (!json_object_get(row, "at_ms"))
        json_put_i64(row, "at_ms", json_i64(row, "timestamp", time_wall_ms()));
    bounded_append(u->sup->anomalies, row, ANOMALIES_KEPT);
    control_changed(u->sup, FEED_ANOMALIES, NULL);
}

static void take_alert(struct unit *u, const json_t *msg)
{
    struct err e = {0};
    bool is_new = false;
    int rc = state_alert_add(u->sup->state, json_object_get(msg, "data"), &is_new, &e);
    sup_check(u->sup, rc, &e);
    if (rc < 0)
        return; /* no ack: the worker keeps it */
    json_t *ack = json_object();
    json_put_str(ack, "t", "ack");
    json_put_i64(ack, "id", json_i64(msg, "id", 0));
    proc_send(u->proc, ack);
    if (!is_new)
        return;
    control_changed(u->sup, FEED_ALERTS, NULL);
    units_each(u->sup,
               other) if (other->role == UNIT_ALERT && other->proc->state == FSM_READY)
        unit_send(other, "alerts"); /* a new row in the outbox */
}

static void take_delivery(struct unit *u, const json_t *msg)
{
    struct err e = {0};
    bool is_ok = json_flag(msg, "ok", false);
    int rc =
        state_alert_move(u->sup->state, json_str(msg, "key", ""),
                         is_ok ? "sent" : "failing", json_str(msg, "detail", NULL), &e);
    if (rc != ERR_AGAIN)
        sup_check(u->sup, rc, &e);
    control_changed(u->sup, FEED_ALERTS, NULL);
}

static void take_end(struct unit *u, const json_t *msg, bool is_drained)
{
    unit_figures(u, json_object_get(msg, "data"));
    if (is_drained)
        u->has_drained = u->is_draining;
    else
        u->has_ended = true;
    u->ended_mono = time_mono_ms();
    u->rate = 0;
    progress_unit(u);
    sup_advance(u->sup);
}

/* What it costs, of a process that may have no other figures. */
static void take_beat(struct unit *u, const json_t *msg)
{
    if (!u->figures)
        u->figures = json_object();
    json_put_i64(u->figures, "cpu_ms", json_i64(msg, "cpu_ms", 0));
    json_put_i64(u->figures, "rss_kb", json_i64(msg, "rss_kb", 0));
}

static void unit_message(struct proc *p, const json_t *msg)
{
    struct unit *u = p->owner;
    const char *t = json_str(msg, "t", "");
    if (streq(t, "beat"))
        take_beat(u, msg);
    else if (streq(t, "metrics"))
        unit_figures(u, json_object_get(msg, "data"));
    else if (streq(t, "event"))
        sup_event(u->sup, json_str(msg, "level", "info"), p->name,
                  json_str(msg, "text", ""));
    else if (streq(t, "anomaly"))
        take_anomaly(u, json_object_get(msg, "data"));
    else if (streq(t, "alert"))
        take_alert(u, msg);
    else if (streq(t, "delivered"))
        take_delivery(u, msg);
    else if (streq(t, "end") || streq(t, "drained"))
        take_end(u, msg, t[0] == 'd');
    else if (streq(t, "result") || streq(t, "plan"))
        job_answer(u, msg);
    else
        sup_event(u->sup, "warn", p->name, "sent a message nobody knows");
}

/* ── states
 * ──────────────────────────────────────────────────────────────────────────── */

/* What a supervisor that starts after our death needs to find ours. */
static void unit_remember(struct unit *u)
{
    struct err e = {0};
    json_t *row = json_object();
    json_put_i64(row, "pid", u->proc->pid);
    json_put_i64(row, "start",
                 (int64_t)(u->proc->pid ? spawn_start_time(u->proc->pid) : 0));
    json_put_str(row, "state", fsm_state_name(u->proc->state));
    int rc = state_put(u->sup->state, "process", u->proc->name, row, &e);
    json_decref(row);
    sup_check(u->sup, rc, &e);
}

static void unit_ready(struct unit *u)
{
    if (u->sup->now_ms >= 0) {
        json_t *msg = json_object();
        json_put_str(msg, "t", "clock");
        json_put_i64(msg, "now_ms", u->sup->now_ms);
        proc_send(u->proc, msg);
    }
    if (u->is_draining && !u->has_drained)
        unit_send(u, "drain");
}

/* A bounded source that is done without having said "end" has not read everything. */
static void unit_done(struct unit *u)
{
    if (u->has_ended)
        return;
    u->has_ended = true;
    u->ended_mono = time_mono_ms();
}

static void unit_failed(struct unit *u)
{
    int status = u->proc->exit_status == 2 ? 2 : 1;
    u->ended_mono = time_mono_ms();
    /* Without the lag worker the job is as right as with it, only less watched. */
    if ((u->sup->o->once || u->sup->o->sql_only) && u->role != UNIT_LAG)
        sup_fail(u->sup, status, "%s: %s", u->proc->name, u->proc->detail);
}

static void unit_state(struct proc *p, enum fsm_state old)
{
    struct unit *u = p->owner;
    (void)old;
    if (p->state == FSM_READY || p->state == FSM_DOWN || p->state == FSM_FAILED)
        unit_remember(u);
    if (p->state == FSM_READY)
        unit_ready(u);
    else if (p->state == FSM_DONE)
        unit_done(u);
    else if (p->state == FSM_FAILED)
        unit_failed(u);
    if (u->role == UNIT_SNAPSHOT && (p->state == FSM_DONE || p->state == FSM_FAILED))
        schedule_source_done(u);
    control_changed(u->sup, FEED_PROCESSES, NULL);
    control_changed(u->sup, FEED_OVERVIEW, NULL);
    progress_unit(u);
    if (u->role == UNIT_SQL)
        job_worker_moved(u);
    sup_advance(u->sup);
}

static void unit_event(struct proc *p, const char *level, const char *text)
{
    struct unit *u = p->owner;
    sup_event(u->sup, level, p->name, text);
}

static void unit_log(struct proc *p)
{
    struct unit *u = p->owner;
    control_changed(u->sup, FEED_LOG, p->name);
}

/* ── making them
 * ─────────────────────────────────────────────────────────────────────── */

static const struct proc_ops unit_ops = {
    .on_state = unit_state,
    .on_message = unit_message,
    .on_event = unit_event,
    .on_log = unit_log,
};

static int64_t env_ms(const char *name, int64_t fallback)
{
    int64_t v;
    const char *text = getenv(name);
    return text && str_to_i64(str_of(text), &v) && v > 0 ? v : fallback;
}

static int64_t beat_of(enum unit_role role)
{
    if (role == UNIT_LAG)
        return BEAT_SCAN_MS;
    return role == UNIT_STREAM || role == UNIT_LOAD ? BEAT_DATA_MS : BEAT_MS;
}

static struct unit *unit_add(struct sup *s, enum unit_role role, const char *name,
                             const char *const *args)
{
    const char *argv[16] = {s->o->exe, "worker", role_kinds[role]};
    char path[4096], file[300];
    for (size_t i = 0; args[i] && i < 12; i++)
        argv[i + 3] = args[i];
    snprintf(file, sizeof file, "logs/%s.log", name);
    struct proc_spec spec = {.name = name,
                             .kind = role_kinds[role],
                             .argv = argv,
                             .ready_ms = env_ms("WEIR_READY_MS", READY_MS),
                             .beat_ms = env_ms("WEIR_BEAT_MS", beat_of(role)),
                             .stop_ms = env_ms("WEIR_STOP_MS", STOP_MS)};
    struct unit *u = mem_alloc(sizeof *u);
    u->sup = s;
    u->role = role;
    u->proc = proc_new(&s->loop, &spec, &unit_ops, u,
                       conf_state_path(s->p, file, path, sizeof path), s->p->log_bytes,
                       s->p->log_keep);
    u->proc->next = s->procs;
    s->procs = u->proc;
    vec_push(&s->units, u);
    return u;
}

static void add_sources(struct sup *s)
{
    for (size_t i = 0; i < s->p->n_sources; i++) {
        const struct conf_source *src = &s->p->sources[i];
        bool is_snapshot = src->every_ms > 0, is_bounded = is_snapshot || s->o->once;
        char name[128];
        snprintf(name, sizeof name, "ingest.%s", src->name);
        const char *args[] = {src->name, is_bounded ? "bounded" : NULL, NULL};
        struct unit *u =
            unit_add(s, is_snapshot ? UNIT_SNAPSHOT : UNIT_SOURCE, name, args);
        u->source = src;
        u->proc->spec.is_oneshot = is_bounded;
        if (src->hang_ms > u->proc->spec.beat_ms)
            u->proc->spec.beat_ms = src->hang_ms;
    }
}

static void add_streams(struct sup *s)
{
    for (size_t i = 0; i < s->p->n_streams; i++) {
        const struct conf_stream *st = &s->p->streams[i];
        int n = st->workers_min > 0 ? st->workers_min : 1;
        for (int k = 0; k < n; k++) {
            char name[128], index[16], count[16];
            if (k == 0)
                snprintf(name, sizeof name, "stream.%s", st->name);
            else
                snprintf(name, sizeof name, "stream.%s.%d", st->name, k);
            snprintf(index, sizeof index, "%d", k);
            snprintf(count, sizeof count, "%d", n);
            unit_add(s, UNIT_STREAM, name,
                     (const char *[]){st->name, index, count, NULL});
        }
    }
}

static void add_loads(struct sup *s)
{
    for (size_t i = 0; i < s->p->n_loads; i++) {
        char name[128];
        snprintf(name, sizeof name, "load.%s", s->p->loads[i].name);
        unit_add(s, UNIT_LOAD, name, (const char *[]){s->p->loads[i].name, NULL});
    }
}

static void add_sql(struct sup *s)
{
    int n = s->p->sql_workers > 0 ? s->p->sql_workers : 1;
    for (int i = 1; i <= n && s->p->models_project; i++) {
        char name[32], number[16];
        snprintf(name, sizeof name, "sql.%d", i);
        snprintf(number, sizeof number, "%d", i);
        unit_add(s, UNIT_SQL, name, (const char *[]){number, NULL});
    }
}

int units_make(struct sup *s, struct err *e)
{
    (void)e;
    if (!s->o->sql_only) {
        add_sources(s);
        add_streams(s);
        add_loads(s);
        if (s->p->n_sources > 0 || s->p->n_streams > 0)
            unit_add(s, UNIT_LAG, "lag", (const char *[]){NULL});
    }
    unit_add(s, UNIT_ALERT, "alert", (const char *[]){NULL});
    add_sql(s);
    return 0;
}

struct unit *unit_find(struct sup *s, const char *name)
{
    units_each(s, u) if (streq(u->proc->name, name)) return u;
    return NULL;
}

void units_free(struct sup *s)
{
    units_each(s, u)
    {
        if (u->every)
            uv_close((uv_handle_t *)u->every, sup_free_handle);
        proc_free(u->proc);
        json_decref(u->figures);
        mem_free(u);
    }
    vec_release(&s->units);
    s->procs = NULL;
}
