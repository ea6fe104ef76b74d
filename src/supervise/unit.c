/* The supervisor's processes as the job sees them: which there are, and in what state.
 *
 * in: the platform; states of processes. out: units, events. Called by supervise.c,
 * phase.c and scale.c. Always holds: a unit asked to drain is asked again when it comes
 * back from a death before it answered. What units report is unit_report.c's. */
#include "supervise/sup.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/timeutil.h"
#include "supervise/scale.h"
#include "supervise/spawn.h"

#define READY_MS 60000
#define BEAT_DATA_MS                                                                   \
    30000 /* stream and load: one epoch, batch or snapshot of any size */
#define BEAT_SCAN_MS 120000 /* lag: a freshness query may read a whole table */
#define BEAT_MS      10000
#define STOP_MS      10000

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

void unit_send(struct unit *u, const char *type)
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
    scale_moved(u);
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

int64_t unit_env_ms(const char *name, int64_t fallback)
{
    int64_t v;
    const char *text = getenv(name);
    return text && str_to_i64(str_of(text), &v) && v >= 0 ? v : fallback;
}

static int64_t beat_of(enum unit_role role)
{
    if (role == UNIT_LAG)
        return BEAT_SCAN_MS;
    return role == UNIT_STREAM || role == UNIT_LOAD ? BEAT_DATA_MS : BEAT_MS;
}

static void make_argv(const struct sup *s, enum unit_role role, const char *const *args,
                      const char *argv[16])
{
    memset(argv, 0, 16 * sizeof *argv);
    argv[0] = s->o->exe;
    argv[1] = "worker";
    argv[2] = role_kinds[role];
    for (size_t i = 0; args[i] && i < 12; i++)
        argv[i + 3] = args[i];
}

void unit_operands(struct unit *u, const char *const *args)
{
    const char *argv[16];
    make_argv(u->sup, u->role, args, argv);
    proc_argv(u->proc, argv);
}

struct unit *unit_add(struct sup *s, enum unit_role role, const char *name,
                      const char *const *args)
{
    const char *argv[16];
    char path[4096], file[300];
    make_argv(s, role, args, argv);
    snprintf(file, sizeof file, "logs/%s.log", name);
    struct proc_spec spec = {.name = name,
                             .kind = role_kinds[role],
                             .argv = argv,
                             .ready_ms = unit_env_ms("WEIR_READY_MS", READY_MS),
                             .beat_ms = unit_env_ms("WEIR_BEAT_MS", beat_of(role)),
                             .stop_ms = unit_env_ms("WEIR_STOP_MS", STOP_MS)};
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
    for (size_t i = 0; i < s->p->n_streams; i++)
        scale_make(s, &s->p->streams[i]);
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

static void unit_free(struct unit *u)
{
    if (u->every)
        uv_close((uv_handle_t *)u->every, sup_free_handle);
    proc_free(u->proc);
    json_decref(u->figures);
    json_decref(u->pending);
    mem_free(u);
}

void unit_remove(struct unit *u)
{
    struct sup *s = u->sup;
    struct proc **at = &s->procs;
    size_t kept = 0;
    while (*at != u->proc)
        at = &(*at)->next;
    *at = u->proc->next;
    for (size_t i = 0; i < s->units.n; i++)
        if (s->units.v[i] != u)
            s->units.v[kept++] = s->units.v[i];
    s->units.n = kept;
    unit_free(u);
}

void units_free(struct sup *s)
{
    scales_free(s);
    units_each(s, u) unit_free(u);
    vec_release(&s->units);
    s->procs = NULL;
}
