/* What happens by the clock: cron schedules, the next round of snapshot sources, and
 * the data clock itself.
 *
 * in: the newest record time (metrics), wall time. out: runs, starts of sources, clock
 * messages to workers. Called by unit.c, phase.c, run.c. Always holds: on the data
 * clock a schedule fires when the data has come to rest, so that one look at history is
 * one run; a schedule has at most one run waiting or running; no timer runs when
 * nothing is due. */
#include "supervise/sup.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/timeutil.h"
#include "orchestrate/schedule.h"

#define CLOCK_MS      1000  /* between two clock messages */
#define SETTLE_MS     2000  /* the data clock stood still for this long */
#define SETTLE_MAX_MS 60000 /* or something was due for this long */
#define WALL_STEP_MS  60000 /* the wall clock may be set: looked at this often */

struct schedule {
    const struct conf_schedule *conf;
    struct cron cron;
    int64_t last_ms; /* fire time last served, -1 never */
    int64_t run;     /* its latest run, 0 none */
};
struct schedules {
    struct sup *sup;
    const struct time_zone *zone;
    uv_timer_t *due, *clock;
    struct schedule *v;
    size_t n;
    int64_t due_since_mono; /* 0: nothing is due */
    int64_t first_run;      /* the first build of a new platform, 0 none */
    bool has_begun, needs_first;
};

/* ── the data clock
 * ──────────────────────────────────────────────────────────────────── */

static void schedules_arm(struct schedules *c);

static void on_clock(uv_timer_t *t)
{
    struct sup *s = t->data;
    struct err e = {0};
    if (s->clock_sent_ms == s->now_ms)
        return;
    s->clock_sent_ms = s->now_ms;
    units_each(s, u)
    {
        if (u->proc->state != FSM_READY)
            continue;
        json_t *msg = json_object();
        json_put_str(msg, "t", "clock");
        json_put_i64(msg, "now_ms", s->now_ms);
        proc_send(u->proc, msg);
    }
    json_t *row = json_object();
    json_put_i64(row, "now_ms", s->now_ms);
    sup_check(s, state_put(s->state, "clock", "data", row, &e), &e);
    json_decref(row);
}

void clock_see(struct sup *s, int64_t ms)
{
    if (s->p->clock != CLOCK_DATA || s->p->as_of_ms >= 0 || ms <= s->now_ms)
        return;
    s->now_ms = ms;
    if (!uv_is_active((uv_handle_t *)s->schedules->clock))
        uv_timer_start(s->schedules->clock, on_clock, CLOCK_MS, 0);
    schedules_arm(s->schedules);
}

int64_t sup_now_ms(const struct sup *s)
{
    if (s->p->as_of_ms >= 0)
        return s->p->as_of_ms;
    if (s->p->clock == CLOCK_DATA && s->now_ms >= 0)
        return s->now_ms;
    return time_wall_ms();
}

/* ── cron
 * ────────────────────────────────────────────────────────────────────────────── */

static void schedule_remember(struct schedules *c, struct schedule *d, int64_t fire_ms)
{
    struct err e = {0};
    json_t *row = json_object();
    d->last_ms = fire_ms;
    json_put_i64(row, "last_ms", fire_ms);
    json_put_i64(row, "run", d->run);
    sup_check(c->sup, state_put(c->sup->state, "schedule", d->conf->name, row, &e), &e);
    json_decref(row);
}

static int schedule_request(struct schedules *c, const char *reason, const char *select,
                            const char *refresh, int64_t *run)
{
    struct err e = {0};
    json_t *args = json_object(), *list = json_array();
    json_put_str(args, "command", "build");
    json_put_str(args, "reason", reason);
    if (select && *select)
        json_array_append_new(list, json_string(select));
    json_put(args, "select", list);
    if (refresh && *refresh)
        json_put_str(args, "refresh", refresh);
    int rc = run_request(c->sup, args, "schedule", run, &e);
    json_decref(args);
    if (rc < 0)
        sup_event(c->sup, "error", reason, e.text);
    return rc;
}

static void schedule_fire(struct schedules *c, struct schedule *d)
{
    char reason[160];
    snprintf(reason, sizeof reason, "schedule %s", d->conf->name);
    schedule_request(c, reason, d->conf->select, d->conf->full_refresh, &d->run);
}

static bool run_is_open(struct schedules *c, int64_t run)
{
    char until[40];
    snprintf(until, sizeof until, "run:%lld", (long long)run);
    return run > 0 && feed_condition(c->sup, until) == 0;
}

static bool schedule_is_busy(struct schedules *c, const struct schedule *d)
{
    return run_is_open(c, d->run) || run_is_open(c, c->first_run);
}

/* What is to be run of a schedule now, by the rules of orchestrate/schedule.h. */
static void schedule_look(const struct schedules *c, const struct schedule *d,
                          int64_t now, struct schedule_due *out)
{
    int64_t grace = c->sup->p->clock == CLOCK_WALL ? 2 * WALL_STEP_MS : -1;
    schedule_due(&d->cron, c->zone, schedule_catch_up_of(d->conf->catch_up), d->last_ms,
                 now, grace, out);
}

static void schedule_serve(struct schedules *c, struct schedule *d, int64_t now)
{
    struct schedule_due due;
    schedule_look(c, d, now, &due);
    for (size_t i = 0; i < due.n; i++) {
        schedule_fire(c, d);
        schedule_remember(c, d, due.fires[i]); /* it is there, whatever happens next */
    }
    if (due.served_ms != d->last_ms)
        schedule_remember(c, d, due.served_ms);
}

/* A schedule's selection stands on tables of others: a platform that was never built is
 * built as a whole first, and its schedules have been served by that. */
static void first_build(struct schedules *c, int64_t now)
{
    c->needs_first = false;
    if (schedule_request(c, "first build", NULL, NULL, &c->first_run) < 0)
        return;
    for (size_t i = 0; i < c->n; i++)
        schedule_remember(c, &c->v[i], now);
}

/* Records still flow in: a first look at the data should see all of it. */
static bool is_settling(const struct schedules *c)
{
    int64_t mono = time_mono_ms();
    return mono - c->sup->moved_mono < SETTLE_MS && c->due_since_mono > 0 &&
           mono - c->due_since_mono < SETTLE_MAX_MS;
}

bool schedules_are_quiet(const struct sup *s)
{
    const struct schedules *c = s->schedules;
    bool is_blind = s->p->clock == CLOCK_DATA && s->now_ms < 0;
    return !c->has_begun || c->n == 0 || is_blind ||
           (!c->needs_first && c->due_since_mono == 0);
}

static void on_due(uv_timer_t *t)
{
    struct schedules *c = t->data;
    int64_t now = sup_now_ms(c->sup);
    if (c->needs_first && is_settling(c)) {
        uv_timer_start(c->due, on_due, SETTLE_MS, 0);
        return;
    }
    c->due_since_mono = 0;
    if (c->needs_first && !c->sup->is_stopping)
        first_build(c, now);
    for (size_t i = 0; i < c->n && !c->sup->is_stopping; i++)
        if (!schedule_is_busy(c, &c->v[i]))
            schedule_serve(c, &c->v[i], now);
    schedules_arm(c);
}

static bool schedules_are_due(struct schedules *c, int64_t now, int64_t *next)
{
    bool is_due = c->needs_first;
    struct schedule_due due;
    *next = INT64_MAX;
    for (size_t i = 0; i < c->n; i++) {
        struct schedule *d = &c->v[i];
        schedule_look(c, d, now, &due);
        if (due.n > 0 || due.served_ms != d->last_ms)
            is_due |= !schedule_is_busy(c, d);
        int64_t at = cron_next(&d->cron, c->zone, now);
        if (at > now && at < *next)
            *next = at;
    }
    return is_due;
}

/* Set the one timer for the next thing that is due. */
static void schedules_arm(struct schedules *c)
{
    int64_t next, now = sup_now_ms(c->sup), mono = time_mono_ms(), wait;
    bool is_data = c->sup->p->clock == CLOCK_DATA;
    if (!c->has_begun || c->n == 0 || (is_data && c->sup->now_ms < 0))
        return;
    bool is_due = schedules_are_due(c, now, &next);
    if (is_due && (is_data || c->needs_first)) {
        if (c->due_since_mono == 0)
            c->due_since_mono = mono;
        int64_t left = c->due_since_mono + SETTLE_MAX_MS - mono;
        wait = left < SETTLE_MS ? left : SETTLE_MS;
    } else if (is_due) {
        wait = 0;
    } else if (is_data || next == INT64_MAX) {
        return; /* the next look is when the data clock moves */
    } else {
        wait = next - now < WALL_STEP_MS ? next - now : WALL_STEP_MS;
    }
    uv_timer_start(c->due, on_due, (uint64_t)(wait > 0 ? wait : 0), 0);
}

void schedule_run_ended(struct sup *s)
{
    if (s->schedules && !s->is_stopping)
        schedules_arm(s->schedules);
}

/* ── sources
 * ─────────────────────────────────────────────────────────────────────────── */

static void on_every(uv_timer_t *t)
{
    struct unit *u = t->data;
    if (!u->sup->is_stopping && unit_is_over(u))
        unit_start(u);
}

void schedule_source_done(struct unit *u)
{
    if (u->sup->o->once || u->sup->is_stopping || u->sup->is_closing)
        return;
    if (!u->every) {
        u->every = mem_alloc(sizeof *u->every);
        uv_timer_init(&u->sup->loop, u->every);
        u->every->data = u;
    }
    uv_timer_start(u->every, on_every, (uint64_t)u->source->every_ms, 0);
}

int schedule_sync(struct sup *s, const char *source, struct err *e)
{
    char name[160];
    snprintf(name, sizeof name, "ingest.%s", source);
    struct unit *u = unit_find(s, name);
    if (!u)
        return err_set(e, ERR_NOTFOUND, "there is no source %s", source);
    if (u->role != UNIT_SNAPSHOT)
        return err_set(e, ERR_USAGE,
                       "%s is followed all the time: there is nothing to sync", source);
    if (!unit_is_over(u))
        return err_set(e, ERR_AGAIN, "%s is being read right now", source);
    unit_start(u);
    return 0;
}

/* ── life
 * ────────────────────────────────────────────────────────────────────────────── */

static int schedule_open(struct schedules *c, struct schedule *d, struct err *e)
{
    json_t *row = NULL;
    int rc = cron_parse(&d->cron, d->conf->cron, e);
    if (rc < 0)
        return err_wrap(e, rc, "schedules: %s", d->conf->name);
    rc = state_get(c->sup->state, "schedule", d->conf->name, &row, e);
    d->last_ms = json_i64(row, "last_ms", -1);
    d->run = json_i64(row, "run", 0);
    json_decref(row);
    return rc;
}

int schedules_open(struct sup *s, struct err *e)
{
    struct schedules *c = mem_alloc(sizeof *c);
    json_t *row = NULL;
    s->schedules = c;
    c->sup = s;
    c->due = mem_alloc(sizeof *c->due);
    c->clock = mem_alloc(sizeof *c->clock);
    uv_timer_init(&s->loop, c->due);
    uv_timer_init(&s->loop, c->clock);
    c->due->data = c;
    c->clock->data = s;
    c->v = mem_alloc((s->p->n_schedules + 1) * sizeof *c->v);
    s->now_ms = s->clock_sent_ms = -1;
    int rc = state_get(s->state, "clock", "data", &row, e);
    if (row && s->p->clock == CLOCK_DATA)
        s->now_ms = json_i64(row, "now_ms", -1);
    json_decref(row);
    if (s->p->as_of_ms >= 0)
        s->now_ms = s->p->as_of_ms;
    if (s->p->timezone && rc == 0) {
        c->zone = time_zone_get(s->p->timezone, e);
        rc = c->zone ? 0 : ERR_CONFIG;
    }
    for (size_t i = 0; i < s->p->n_schedules && rc == 0; i++) {
        c->v[i].conf = &s->p->schedules[i];
        rc = schedule_open(c, &c->v[i], e);
        c->n = i + 1;
    }
    return rc;
}

void schedules_close(struct sup *s)
{
    struct schedules *c = s->schedules;
    if (!c)
        return;
    uv_close((uv_handle_t *)c->due, sup_free_handle);
    uv_close((uv_handle_t *)c->clock, sup_free_handle);
    mem_free(c->v);
    mem_free(c);
    s->schedules = NULL;
}

void schedules_begin(struct sup *s)
{
    struct err e = {0};
    json_t *built = NULL;
    s->schedules->has_begun = !s->o->once && !s->o->sql_only && s->p->models_project;
    sup_check(s, state_get(s->state, "built", "all", &built, &e), &e);
    s->schedules->needs_first = !built;
    json_decref(built);
    schedules_arm(s->schedules);
}
