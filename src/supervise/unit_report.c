/* What the supervisor's processes report: figures, events, anomalies, alerts, answers.
 *
 * in: messages of processes. out: figures of units, the feeds' rows, alerts in the
 * outbox. Called by proc.c through unit.c. Always holds: an alert is stored before it
 * is acknowledged; figures of a stream job that was split anew are shown when all of
 * its workers have reported, so that no count is seen to fall. */
#include "supervise/sup.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/timeutil.h"
#include "supervise/scale.h"

#define EVENTS_KEPT    200
#define ANOMALIES_KEPT 1000
#define RATE_MS        1000

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
    json_t **to = scale_report(u);
    if (!*to)
        *to = json_object();
    int64_t before = unit_figure(u, unit_counter(u));
    json_t *rejected = json_incref(json_object_get(*to, "rejected"));
    json_object_update(*to, (json_t *)(uintptr_t)data);
    /* A last word that only says how many does not take the reasons away. */
    if (json_is_object(rejected) && !json_is_object(json_object_get(data, "rejected")))
        json_object_set(*to, "rejected", rejected);
    json_decref(rejected);
    u->told_mono = time_mono_ms();
    scale_reported(u);
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
    json_t **to = scale_report(u);
    if (!*to)
        *to = json_object();
    json_put_i64(*to, "cpu_ms", json_i64(msg, "cpu_ms", 0));
    json_put_i64(*to, "rss_kb", json_i64(msg, "rss_kb", 0));
}

void unit_message(struct proc *p, const json_t *msg)
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
