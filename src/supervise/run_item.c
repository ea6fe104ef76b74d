/* The items of a run: queued when nothing they wait for is left, tried again, skipped
 * or blocked behind what did not succeed.
 *
 * in: answers of the sql pool. out: task rows, the next jobs. Called by run.c and,
 * through the jobs' callbacks, by job.c. Always holds: an item is queued once all it
 * waits for has succeeded; a late answer of an old attempt never gets here (job.c); the
 * cost of an ending is what lies directly behind it, or what it skips. */
#include "supervise/run.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/timeutil.h"
#include "base/vec.h"

#define MAX_ATTEMPTS 3  /* of a retryable error */
#define MAX_DEATHS   10 /* of its workers */
#define RETRY_MS     1000
#define RETRY_MAX_MS 60000u

/* ── propagation
 * ─────────────────────────────────────────────────────────────────────── */

static json_t *item_row(const struct item *it, const char *state, const json_t *result)
{
    json_t *row = json_object();
    json_put_str(row, "node", it->node);
    json_put_str(row, "name", json_str(it->json, "name", it->node));
    json_put_str(row, "kind", it->kind);
    json_put_str(row, "state", state);
    json_put_str(row, "status", state);
    json_put_i64(row, "attempt", it->attempt);
    run_copy_member(row, result, "message");
    run_copy_member(row, result, "rows");
    run_copy_member(row, result, "seconds");
    run_copy_member(row, result, "data");
    return row;
}

void item_ended(struct item *it, const char *state, const json_t *result)
{
    struct run *r = it->run;
    it->state = ITEM_ENDED;
    r->left--;
    json_decref(it->result);
    it->result = item_row(it, state, result);
    progress_task(r->sup, it->result, r->n - r->left, r->n);
}

/* Everything behind an item that did not succeed; an explicit stack, plans may be deep.
 */
static void item_skip_down(struct item *from, const char *state)
{
    struct run *r = from->run;
    VEC(struct item *) todo = {0};
    char why[300];
    snprintf(why, sizeof why, "%s did not succeed",
             json_str(from->json, "name", from->node));
    if (streq(state, "blocked"))
        snprintf(why, sizeof why, "blocked by a gate on %s",
                 json_str(from->json, "name", from->node));
    json_t *result = json_object();
    json_put_str(result, "message", why);
    vec_push(&todo, from);
    while (todo.n > 0) {
        struct item *it = todo.v[--todo.n];
        for (size_t i = 0; i < it->n_down; i++) {
            struct item *d = &r->items[it->down[i]];
            struct err e = {0};
            if (d->state != ITEM_WAITING)
                continue;
            int rc = state_task_move(r->sup->state, r->id, d->node, "waiting", state,
                                     why, &e);
            sup_check(r->sup, rc, &e);
            item_ended(d, state, result);
            r->n_skipped++;
            vec_push(&todo, d);
        }
    }
    vec_release(&todo);
    json_decref(result);
}

static void item_release_down(struct item *it)
{
    struct run *r = it->run;
    for (size_t i = 0; i < it->n_down; i++) {
        struct item *d = &r->items[it->down[i]];
        if (d->state == ITEM_WAITING && --d->waits == 0)
            item_queue(d);
    }
}

/* Nothing more is begun; what runs ends by itself. */
void run_cancel_waiting(struct run *r, const char *state, const char *why)
{
    json_t *result = json_object();
    json_put_str(result, "message", why);
    for (size_t i = 0; i < r->n; i++) {
        struct item *it = &r->items[i];
        struct err e = {0};
        if (it->state == ITEM_ENDED || it->retry)
            continue;
        int rc =
            state_task_move(r->sup->state, r->id, it->node, "waiting", state, why, &e);
        if (rc == ERR_AGAIN)
            continue; /* it runs */
        sup_check(r->sup, rc, &e);
        item_ended(it, state, result);
        r->n_skipped++;
    }
    json_decref(result);
}

/* ── items as jobs
 * ───────────────────────────────────────────────────────────────────── */

static void on_retry(uv_timer_t *t)
{
    struct item *it = t->data;
    it->retry = NULL;
    uv_close((uv_handle_t *)t, sup_free_handle);
    item_queue(it);
}

/* 1 s, 2 s, 4 s … at most a minute. */
static uint64_t backoff_ms(int errors)
{
    uint64_t ms = errors < 7 ? (uint64_t)RETRY_MS << (errors - 1) : RETRY_MAX_MS;
    return ms < RETRY_MAX_MS ? ms : RETRY_MAX_MS;
}

static bool item_retry(struct item *it, const json_t *msg)
{
    struct run *r = it->run;
    struct err e = {0};
    int64_t attempts = json_i64(msg, "retries", MAX_ATTEMPTS - 1) + 1;
    if (!json_flag(msg, "retryable", false) || ++it->errors >= attempts ||
        r->is_cancelled)
        return false;
    const char *why = json_str(msg, "message", "retryable error");
    int rc =
        state_task_move(r->sup->state, r->id, it->node, "running", "waiting", why, &e);
    sup_check(r->sup, rc, &e);
    it->state = ITEM_WAITING;
    it->waits = 1; /* for the timer */
    it->retry = mem_alloc(sizeof *it->retry);
    uv_timer_init(&r->sup->loop, it->retry);
    it->retry->data = it;
    uv_timer_start(it->retry, on_retry, backoff_ms(it->errors), 0);
    return true;
}

static void item_judge(struct item *it, const char *status)
{
    struct run *r = it->run;
    if (streq(status, "blocked")) {
        r->n_blocked++;
        item_skip_down(it, "blocked");
    } else if (streq(status, "error") || streq(status, "fail")) {
        r->n_failed++;
        if (!r->note[0])
            snprintf(r->note, sizeof r->note, "%s: %s",
                     json_str(it->json, "name", it->node),
                     json_str(it->result, "message", status));
        if (it->is_passed_over)
            item_release_down(it);
        else
            item_skip_down(it, "skipped");
    } else if (streq(status, "skipped")) {
        r->n_skipped++;
        item_skip_down(it, "skipped");
    } else {
        item_release_down(it);
        return;
    }
    if (json_flag(r->request, "fail_fast", false))
        run_cancel_waiting(r, "cancelled",
                           "--fail-fast: an earlier item did not succeed");
}

static const char *const item_states[] = {"success", "pass",    "warn",    "fail",
                                          "error",   "skipped", "blocked", NULL};

const char *item_status(const json_t *msg)
{
    const char *status = json_str(msg, "status", "error");
    for (size_t i = 0; item_states[i]; i++)
        if (streq(item_states[i], status))
            return item_states[i];
    return "error";
}

void item_answered(struct item *it, const json_t *msg)
{
    struct run *r = it->run;
    struct err e = {0};
    const char *status = item_status(msg);
    it->is_passed_over = streq(json_str(msg, "on_error", ""), "continue");
    int rc = it->attempt == 0
                 ? state_task_move(r->sup->state, r->id, it->node, "waiting", status,
                                   json_str(msg, "message", NULL), &e)
                 : state_task_end(r->sup->state, r->id, it->node, it->attempt, status,
                                  msg, &e);
    sup_check(r->sup, rc, &e);
    run_take_gates(r->sup, msg);
    run_take_freshness(r->sup, msg);
    item_ended(it, status, msg);
    item_judge(it, status);
    run_progressed(r);
}

static void item_done(struct job *j, const json_t *msg, const char *text)
{
    struct item *it = j->arg;
    struct run *r = it->run;
    json_t *failed = NULL;
    if (msg && item_retry(it, msg)) {
        control_changed(r->sup, FEED_TASKS, NULL);
        return;
    }
    if (!msg) { /* no worker could do it */
        failed = json_object();
        json_put_str(failed, "status", "error");
        json_put_str(failed, "message", text);
        msg = failed;
    }
    item_answered(it, msg);
    json_decref(failed);
}

static bool item_begin(struct job *j)
{
    struct item *it = j->arg;
    struct err e = {0};
    int rc = state_task_start(it->run->sup->state, it->run->id, it->node,
                              j->worker->proc->name, &it->attempt, &e);
    if (rc == ERR_AGAIN)
        return false; /* cancelled meanwhile */
    sup_check(it->run->sup, rc, &e);
    if (rc < 0) /* not written (a full disk): the work goes on */
        it->attempt = j->attempt + 1;
    j->attempt = it->attempt;
    control_changed(it->run->sup, FEED_TASKS, NULL);
    return true;
}

static bool item_died(struct job *j)
{
    struct item *it = j->arg;
    struct err e = {0};
    if (++it->deaths >= MAX_DEATHS)
        return false;
    int rc = state_task_move(it->run->sup->state, it->run->id, it->node, "running",
                             "waiting", "its worker died", &e);
    sup_check(it->run->sup, rc, &e);
    return true;
}

void item_queue(struct item *it)
{
    if (streq(it->kind, "replay")) {
        replay_begin(it);
        return;
    }
    struct job *j = job_new(it->run->sup, it->kind, run_job_data(it->run, it->json));
    it->state = ITEM_QUEUED;
    it->waits = 0;
    j->pool = json_str(it->json, "pool", NULL);
    j->arg = it;
    j->begin = item_begin;
    j->done = item_done;
    j->died = item_died;
    job_queue(j);
}
