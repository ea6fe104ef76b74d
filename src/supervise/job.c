/* Work for the sql pool: a queue, idle workers, and what happens when one dies.
 *
 * in: jobs of runs, plans and freshness. out: tasks on channels; answers to the jobs'
 * owners. Called by run.c, request.c and unit.c. Always holds: a job is with one worker
 * at most; a worker has one job at most; a pool has no more at work than its slots; an
 * answer counts only for the attempt that was
 * sent; workers are started when there is work for them. */
#include "supervise/sup.h"

#include <limits.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/timeutil.h"

#define JOB_MAX_DEATHS 5

struct job *job_new(struct sup *s, const char *kind, json_t *data)
{
    struct job *j = mem_alloc(sizeof *j);
    j->sup = s;
    j->kind = kind;
    j->data = data;
    snprintf(j->id, sizeof j->id, "%s:%lu", kind, ++s->next_job);
    return j;
}

static void job_free(struct job *j)
{
    json_decref(j->data);
    mem_free(j);
}

static void job_finish(struct job *j, const json_t *msg, const char *text)
{
    if (j->done)
        j->done(j, msg, text);
    job_free(j);
}

void job_queue(struct job *j)
{
    vec_push(&j->sup->jobs, j);
    job_pump(j->sup);
}

static struct job *job_take(struct sup *s, size_t at)
{
    struct job *j = s->jobs.v[at];
    s->jobs.n--;
    memmove(s->jobs.v + at, s->jobs.v + at + 1, (s->jobs.n - at) * sizeof *s->jobs.v);
    return j;
}

/* Slots of a pool that nobody has; of no pool: any number. */
static int pool_free(const struct sup *s, const char *name)
{
    const struct conf_pool *pool = name ? conf_pool(s->p, name) : NULL;
    int n = pool ? pool->slots : INT_MAX;
    units_each(s, u) n -= pool && u->job && u->job->pool && streq(u->job->pool, name);
    return n;
}

static void job_send(struct unit *u, struct job *j)
{
    j->worker = u;
    u->job = j;
    u->proc->is_beat_free = true; /* a statement may run for minutes */
    if (j->attempt == 0)
        j->attempt = 1;
    json_t *msg = json_object();
    json_put_str(msg, "t", "task");
    json_put_str(msg, "task", j->id);
    json_put_i64(msg, "attempt", j->attempt);
    json_put_str(msg, "kind", j->kind);
    json_put(msg, "data", json_incref(j->data));
    proc_send(u->proc, msg);
}

/* The next job that still wants to be done. */
static struct job *job_next(struct sup *s, struct unit *u)
{
    for (size_t i = 0; i < s->jobs.n;) {
        if (pool_free(s, s->jobs.v[i]->pool) <= 0) {
            i++; /* those behind it may go first */
            continue;
        }
        struct job *j = job_take(s, i);
        j->worker = u;
        if (!j->begin || j->begin(j))
            return j;
        job_free(j);
    }
    return NULL;
}

static bool sql_is_hopeless(struct sup *s)
{
    units_each(s,
               u) if (u->role == UNIT_SQL && u->proc->state != FSM_FAILED) return false;
    return true;
}

static const char *sql_failure(struct sup *s)
{
    units_each(s,
               u) if (u->role == UNIT_SQL && u->proc->detail[0]) return u->proc->detail;
    return s->p->models_project ? "there is no sql worker"
                                : "this platform has no models project";
}

/* As many workers as there is work, never more than the pool has. */
static void sql_start(struct sup *s)
{
    size_t wanted = 0, coming = 0;
    for (size_t i = 0; i < s->jobs.n; i++)
        wanted += pool_free(s, s->jobs.v[i]->pool) > 0;
    units_each(s, u) if (u->role == UNIT_SQL && proc_is_live(u->proc) && !u->job)
        coming++;
    units_each(s, u)
    {
        if (coming >= wanted)
            break;
        if (u->role == UNIT_SQL &&
            (u->proc->state == FSM_DOWN || u->proc->state == FSM_DONE)) {
            unit_start(u);
            coming++;
        }
    }
}

void job_pump(struct sup *s)
{
    if (s->is_closing)
        return;
    units_each(s, u)
    {
        struct job *j;
        if (u->role != UNIT_SQL || u->job || u->proc->state != FSM_READY)
            continue;
        if (s->jobs.n == 0)
            break;
        if ((j = job_next(s, u)))
            job_send(u, j);
    }
    if (s->jobs.n > 0 && s->phase < PHASE_STOPPING)
        sql_start(s);
    while (s->jobs.n > 0 && sql_is_hopeless(s)) {
        char why[300];
        str_copy(why, sizeof why, sql_failure(s));
        job_finish(job_take(s, 0), NULL, why);
    }
}

void job_answer(struct unit *u, const json_t *msg)
{
    struct job *j = u->job;
    if (!j || !streq(json_str(msg, "task", ""), j->id) ||
        json_i64(msg, "attempt", j->attempt) != j->attempt)
        return; /* a late word about what was given up */
    u->job = NULL;
    u->proc->is_beat_free = false;
    job_finish(j, msg, NULL);
    job_pump(u->sup);
    sup_advance(u->sup);
}

static void job_died(struct unit *u)
{
    struct job *j = u->job;
    u->job = NULL;
    u->proc->is_beat_free = false;
    j->worker = NULL;
    j->deaths++;
    bool goes_on = j->died ? j->died(j) : j->deaths < JOB_MAX_DEATHS;
    if (goes_on) {
        j->attempt++;
        vec_push(&u->sup->jobs, j);
    } else {
        char text[700];
        snprintf(text, sizeof text, "the worker %s died in it: %s", u->proc->name,
                 u->proc->detail);
        job_finish(j, NULL, text);
    }
}

void job_worker_moved(struct unit *u)
{
    if (u->job && u->proc->state != FSM_READY)
        job_died(u);
    job_pump(u->sup);
}

void job_cancel_all(struct sup *s, const void *arg)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->jobs.n; i++) {
        if (s->jobs.v[i]->arg == arg)
            job_free(s->jobs.v[i]);
        else
            s->jobs.v[kept++] = s->jobs.v[i];
    }
    s->jobs.n = kept;
    units_each(s, u)
    {
        if (!u->job || u->job->arg != arg)
            continue;
        job_free(u->job);
        u->job = NULL;
        u->proc->is_beat_free = false;
        /* A statement cannot be asked to end: its process is, nothing of it is
         * published. */
        proc_stop(u->proc);
    }
}
