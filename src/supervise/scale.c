/* The workers of a stream job: how many there are, and the change from one number to
 * another.
 *
 * in: lag and rate of the job's workers, as they report them. out:
 * units stopped, made, taken away and started. Called by unit.c, phase.c, feed.c.
 * Always holds: a partition has one worker: all workers of one number are gone before
 * the first of the next is started; a bounded job keeps workers.min; a new supervisor
 * goes on with the number the last one had. */
#include "supervise/scale.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/timeutil.h"
#include "supervise/scaling.h"

#define TICK_MS 1000

static void on_tick(uv_timer_t *t);

struct scale {
    struct sup *sup;
    const struct conf_stream *conf;
    struct scaling rule;
    int n, want; /* different: a change is under way */
    bool is_new; /* workers of this number have not all reported yet */
    uv_timer_t *timer;
};

/* ── its workers
 * ──────────────────────────────────────────────────────────────────────── */

#define scale_each(c, u) units_each((c)->sup, u) if (u->scale == (c))

static void scale_args(struct scale *c, struct unit *u)
{
    char index[16], count[16];
    snprintf(index, sizeof index, "%d", u->index);
    snprintf(count, sizeof count, "%d", c->n);
    unit_operands(u, (const char *[]){c->conf->name, index, count, NULL});
}

static void scale_add(struct scale *c, int index)
{
    char name[160];
    if (index == 0)
        snprintf(name, sizeof name, "stream.%s", c->conf->name);
    else
        snprintf(name, sizeof name, "stream.%s.%d", c->conf->name, index);
    struct unit *u = unit_add(c->sup, UNIT_STREAM, name, (const char *[]){NULL});
    u->scale = c;
    u->index = index;
    size_t at = c->sup->units.n - 1; /* beside the others, for people who read lists */
    while (index > 0 && c->sup->units.v[at - 1]->scale != c) {
        c->sup->units.v[at] = c->sup->units.v[at - 1];
        at--;
    }
    c->sup->units.v[at] = u;
}

/* Units 0 … n-1 with their shares; others are taken away. They must be at rest. */
static void scale_fit(struct scale *c)
{
    int have = 0;
    for (size_t i = c->sup->units.n; i-- > 0;) {
        struct unit *u = c->sup->units.v[i];
        if (u->scale == c && u->index >= c->n)
            unit_remove(u);
        else
            have += u->scale == c;
    }
    for (; have < c->n; have++)
        scale_add(c, have);
    scale_each(c, u) scale_args(c, u);
}

/* ── figures
 * ──────────────────────────────────────────────────────────────────────────── */

/* Counts add up; times are the newest. */
static void figures_add(json_t *sum, const json_t *one)
{
    const char *name;
    json_t *v;
    json_object_foreach ((json_t *)(uintptr_t)one, name, v) {
        size_t len = strlen(name);
        bool is_time =
            len > 3 && streq(name + len - 3, "_ms") && !streq(name, "cpu_ms");
        int64_t now = json_i64(sum, name, 0), more = json_integer_value(v);
        if (json_is_object(v)) {
            json_t *inner = json_obj(sum, name);
            if (!inner)
                json_put(sum, name, inner = json_object());
            figures_add(inner, v);
        } else if (json_is_integer(v)) {
            json_put_i64(sum, name, !is_time ? now + more : more > now ? more : now);
        } else if (json_is_real(v)) {
            json_put_num(sum, name, json_num(sum, name, 0) + json_real_value(v));
        }
    }
}

json_t *scale_figures(const struct unit *u)
{
    json_t *sum = json_object();
    units_each(u->sup, other) if (other->scale == u->scale && other->figures)
        figures_add(sum, other->figures);
    return sum;
}

/* The first worker keeps what all had counted, until the new ones have spoken. */
static void hold_figures(struct scale *c)
{
    struct unit *first = NULL;
    scale_each(c, u) if (u->index == 0) first = u;
    json_t *sum = scale_figures(first);
    json_put_i64(sum, "lag", 1); /* nothing is known: not at its end */
    scale_each(c, u)
    {
        json_decref(u->figures);
        u->figures = u == first ? sum : NULL;
        u->rate = 0;
    }
    c->is_new = true;
}

json_t **scale_report(struct unit *u)
{
    struct scale *c = u->scale;
    if (!c || !c->is_new)
        return &u->figures;
    if (!u->pending)
        u->pending = json_object();
    return &u->pending;
}

void scale_reported(struct unit *u)
{
    struct scale *c = u->scale;
    if (c && c->timer && u->proc->state == FSM_READY) /* news are looked at at once */
        uv_timer_start(c->timer, on_tick, 0, TICK_MS);
    if (!c || !c->is_new)
        return;
    scale_each(c, other) if (!json_object_get(other->pending, "in")) return;
    scale_each(c, other)
    {
        json_decref(other->figures);
        other->figures = other->pending;
        other->pending = NULL;
    }
    c->is_new = false;
}

/* ── changing
 * ─────────────────────────────────────────────────────────────────────────── */

static void scale_remember(struct scale *c)
{
    struct err e = {0};
    json_t *row = json_object();
    json_put_i64(row, "n", c->n);
    sup_check(c->sup, state_put(c->sup->state, "scale", c->conf->name, row, &e), &e);
    json_decref(row);
}

static void scale_begin(struct scale *c, int want, const char *why)
{
    char text[320], name[160];
    c->want = want;
    snprintf(name, sizeof name, "stream.%s", c->conf->name);
    snprintf(text, sizeof text, "%d worker%s instead of %d: %s", want,
             want == 1 ? "" : "s", c->n, why);
    sup_event(c->sup, "info", name, text);
    scale_each(c, u) proc_stop(u->proc);
}

/* All of the old number are gone: the new ones. */
static void scale_finish(struct scale *c)
{
    hold_figures(c);
    c->n = c->want;
    scale_fit(c);
    scaling_restart(&c->rule);
    scale_remember(c);
    if (c->sup->phase < PHASE_STOPPING)
        scale_each(c, u) unit_start(u);
    control_changed(c->sup, FEED_PROCESSES, NULL);
    sup_advance(c->sup);
}

static bool all_are(struct scale *c, bool (*test)(const struct unit *u))
{
    scale_each(c, u) if (!test(u)) return false;
    return true;
}
static bool is_at_rest(const struct unit *u)
{
    return !proc_is_live(u->proc);
}
static bool is_at_work(const struct unit *u)
{
    return u->proc->state == FSM_READY && u->figures;
}

static void scale_judge(struct scale *c)
{
    int64_t lag = 0;
    double rate = 0;
    char why[160];
    if (c->is_new || !all_are(c, is_at_work)) {
        scaling_restart(&c->rule);
        return;
    }
    scale_each(c, u)
    {
        lag += unit_figure(u, "lag");
        rate += u->rate;
    }
    int want = scaling_judge(&c->rule, c->n, lag, rate, time_mono_ms());
    if (want == c->n)
        return;
    snprintf(why, sizeof why, "%lld records are not read yet, at %lld a second",
             (long long)lag, (long long)rate);
    scale_begin(c, want, want > c->n ? why : "it has kept up for long");
}

/* A process is never taken away in its own callback: all is done here. */
static void on_tick(uv_timer_t *t)
{
    struct scale *c = t->data;
    if (c->want != c->n) {
        if (all_are(c, is_at_rest))
            scale_finish(c);
    } else if (c->sup->phase == PHASE_FLOW && !c->sup->is_stopping) {
        scale_judge(c);
    }
}

void scale_moved(struct unit *u)
{
    struct scale *c = u->scale;
    if (c && c->timer && c->want != c->n && all_are(c, is_at_rest))
        uv_timer_start(c->timer, on_tick, 0, TICK_MS);
}

bool scales_are_changing(const struct sup *s)
{
    for (size_t i = 0; i < s->scales.n; i++)
        if (s->scales.v[i]->want != s->scales.v[i]->n)
            return true;
    return false;
}

const char *scale_name(const struct unit *u)
{
    return u->scale->conf->name;
}

int scale_count(const struct unit *u)
{
    return u->scale->want;
}

void scale_range(const struct unit *u, int *min, int *max)
{
    *min = u->scale->rule.min;
    *max = u->scale->rule.max;
}

/* ── life
 * ─────────────────────────────────────────────────────────────────────────────── */

/* More processes than partitions or processors would only wait for each other. */
static int most_workers(const struct sup *s, const struct conf_stream *conf)
{
    const struct conf_topic *topic = conf_topic(s->p, conf->from);
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    int max = conf->workers_max;
    if (processors > 0 && processors < max)
        max = (int)processors;
    if (topic && topic->partitions < max)
        max = topic->partitions;
    return max < conf->workers_min ? conf->workers_min : max;
}

static int first_count(struct sup *s, const struct scale *c)
{
    struct err e = {0};
    json_t *row = NULL;
    if (s->o->once)
        return c->rule.min;
    sup_check(s, state_get(s->state, "scale", c->conf->name, &row, &e), &e);
    int64_t n = json_i64(row, "n", c->rule.min);
    json_decref(row);
    return n < c->rule.min ? c->rule.min : n > c->rule.max ? c->rule.max : (int)n;
}

void scale_make(struct sup *s, const struct conf_stream *conf)
{
    struct scale *c = mem_alloc(sizeof *c);
    c->sup = s;
    c->conf = conf;
    int min = conf->workers_min > 0 ? conf->workers_min : 1;
    scaling_init(&c->rule, min, s->o->once ? min : most_workers(s, conf),
                 conf->target_lag_ms, unit_env_ms("WEIR_SCALE_UP_MS", SCALING_UP_MS),
                 unit_env_ms("WEIR_SCALE_DOWN_MS", SCALING_DOWN_MS));
    c->n = c->want = first_count(s, c);
    vec_push(&s->scales, c);
    scale_fit(c);
    if (c->rule.min == c->rule.max)
        return;
    c->timer = mem_alloc(sizeof *c->timer);
    uv_timer_init(&s->loop, c->timer);
    c->timer->data = c;
    uv_timer_start(c->timer, on_tick, TICK_MS, TICK_MS);
}

void scales_free(struct sup *s)
{
    for (size_t i = 0; i < s->scales.n; i++) {
        if (s->scales.v[i]->timer)
            uv_close((uv_handle_t *)s->scales.v[i]->timer, sup_free_handle);
        mem_free(s->scales.v[i]);
    }
    vec_release(&s->scales);
}
