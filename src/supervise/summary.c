/* What a job came to: exact counts as the workers reported them with their last word.
 *
 * in: the figures of units, gates, the run. out: one JSON object that `up --once`
 * prints as a table or as it is. Called at the end of supervise_run. */
#include "supervise/sup.h"

#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "base/timeutil.h"

static void add_to(json_t *o, const char *key, int64_t n)
{
    json_put_i64(o, key, json_i64(o, key, 0) + n);
}

static void add_rejected(json_t *by_reason, const struct unit *u)
{
    json_t *r = u->figures ? json_obj(u->figures, "rejected") : NULL, *v;
    const char *reason;
    json_object_foreach (r, reason, v)
        add_to(by_reason, reason, json_integer_value(v));
}

static void add_stream(json_t *counts, const struct unit *u)
{
    static const char *const names[] = {
        "late",   "duplicates",    "corrections",     "stale",  "anomalies",
        "alerts", "unknown_store", "unknown_product", "windows"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        add_to(counts, names[i], unit_figure(u, names[i]));
}

static json_t *summary_counts(struct sup *s)
{
    json_t *c = json_object(), *by_reason = json_object(), *loads = json_object();
    json_put_i64(c, "records_in", 0);
    units_each(s, u)
    {
        if (u->role == UNIT_SOURCE) {
            add_to(c, "records_in", unit_figure(u, "in"));
            add_to(c, "masked", unit_figure(u, "masked"));
        }
        if (u->role == UNIT_SOURCE || u->role == UNIT_STREAM)
            add_rejected(by_reason, u);
        if (u->role == UNIT_STREAM)
            add_stream(c, u);
        const char *dot = strchr(u->proc->name, '.');
        if (u->role == UNIT_LOAD && dot)
            json_put_i64(loads, dot + 1, unit_figure(u, "rows"));
        if (u->role == UNIT_LOAD)
            add_to(c, "not_loaded", unit_figure(u, "rejected"));
    }
    json_put(c, "rejected", by_reason);
    json_put(c, "loaded", loads);
    return c;
}

static json_t *summary_run(struct sup *s)
{
    struct err e = {0};
    json_t *runs = NULL, *row, *out = NULL;
    size_t i;
    if (s->build_run == 0 || state_runs(s->state, 20, &runs, &e) < 0)
        return json_null();
    json_array_foreach (runs, i, row)
        if (json_i64(row, "id", 0) == s->build_run)
            out = json_incref(row);
    json_decref(runs);
    if (!out)
        return json_null();
    json_object_del(out, "args");
    return out;
}

json_t *summary_json(struct sup *s)
{
    json_t *o = json_object(), *g, *gates = json_array();
    const char *name;
    json_put_str(o, "platform", s->p->name);
    json_put_i64(o, "exit_status", s->exit_status);
    json_put_str(o, "failure", s->failure[0] ? s->failure : NULL);
    json_put_num(o, "seconds", (double)(time_mono_ms() - s->started_mono) / 1000);
    json_put(o, "counts", summary_counts(s));
    json_put(o, "run", summary_run(s));
    json_object_foreach (s->gates, name, g)
        json_array_append(gates, g);
    json_put(o, "gates", gates);
    if (s->plan)
        json_put(o, "plan", json_incref(s->plan));
    return o;
}
