/* Runs: a request becomes a plan, the plan's items become jobs as what they wait for
 * ends.
 *
 * in: requests (run, rerun, schedules, the job itself). out: rows of runs and tasks,
 * jobs for the sql pool, the run's end. Called by phase.c, request.c, schedule.c.
 * Always holds: one run is active, the others wait in order (two would build the same
 * tables); a decision costs the size of what it touches, not of the run; what an item
 * that did not succeed leaves behind it is skipped, behind a gate it is blocked; the
 * plan came from the one planner and only its dependencies are counted here. */
#include "supervise/run.h"

#include <string.h>

#include "base/json.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/timeutil.h"

static void run_next(struct sup *s);
static void run_items_begin(struct run *r);
static void run_end(struct run *r);

/* ── requests
 * ────────────────────────────────────────────────────────────────────────── */

void run_copy_member(json_t *to, const json_t *from, const char *key)
{
    json_t *v = json_object_get(from, key);
    if (v && !json_is_null(v))
        json_object_set(to, key, v);
}

static int last_tasks(struct sup *s, json_t *data, struct err *e)
{
    json_t *runs = NULL, *tasks = NULL;
    int rc = state_runs(s->state, 50, &runs, e);
    for (size_t i = 0; rc == 0 && !tasks && i < json_array_size(runs); i++) {
        const json_t *r = json_array_get(runs, i);
        const char *st = json_str(r, "state", "");
        if (streq(st, "failed") || streq(st, "blocked") || streq(st, "crashed") ||
            streq(st, "cancelled"))
            rc = state_tasks(s->state, json_i64(r, "id", 0), &tasks, e);
        else if (streq(st, "success"))
            break;
    }
    json_decref(runs);
    if (tasks)
        json_put(data, "last_tasks", tasks);
    return rc;
}

json_t *run_plan_data(struct sup *s, const json_t *request, int64_t id, struct err *e)
{
    static const char *const members[] = {
        "select", "exclude", "indirect",      "full_refresh", "fail_fast", "vars",
        "node",   "scope",   "args",          "selector",     "state",     "refresh",
        "flags",  "types",   "exclude_types", "last_tasks",   "exact",     "from"};
    json_t *data = json_object();
    json_put_str(data, "command", json_str(request, "command", "build"));
    json_put_str(data, "reason", json_str(request, "reason", "requested"));
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        run_copy_member(data, request, members[i]);
    json_put_i64(data, "now_ms", sup_now_ms(s));
    if (id > 0)
        json_put_i64(data, "run", id);
    bool needs_tasks =
        json_object_get(request, "scope") && !json_object_get(request, "last_tasks");
    if (needs_tasks && last_tasks(s, data, e) < 0) {
        json_decref(data);
        return NULL;
    }
    return data;
}

int run_request(struct sup *s, const json_t *request, const char *who, int64_t *id,
                struct err *e)
{
    if (!s->p->models_project)
        return err_set(e, ERR_CONFIG,
                       "there is nothing to build: this platform has no "
                       "models project (`models:` in weir.yml)");
    if (s->is_stopping)
        return err_set(e, ERR_UNAVAILABLE, "the platform is stopping");
    struct run *r = mem_alloc(sizeof *r);
    r->sup = s;
    r->request = json_deep_copy(request);
    const char *node = json_str(request, "node", NULL);
    str_copy(r->command, sizeof r->command, json_str(request, "command", "build"));
    str_copy(r->who, sizeof r->who, who);
    char reason[256];
    const char *scope = json_str(request, "scope", NULL);
    if (node || scope)
        snprintf(reason, sizeof reason, "rerun %s (%s)", node ? node : "what failed",
                 scope ? scope : "this");
    else
        str_copy(reason, sizeof reason, json_str(request, "reason", "requested"));
    json_put_str(r->request, "reason", reason);
    int rc = state_run_new(s->state, r->command, reason, r->request, id, e);
    if (rc < 0) {
        json_decref(r->request);
        mem_free(r);
        return rc;
    }
    r->id = *id;
    vec_push(&s->queue, r);
    control_changed(s, FEED_RUNS, NULL);
    run_next(s);
    return 0;
}

/* ── what items and the end of a run report
 * ───────────────────────────────────────────── */

void run_take_gates(struct sup *s, const json_t *msg)
{
    json_t *gates = json_arr(json_obj(msg, "data"), "gates"), *g;
    size_t i;
    json_array_foreach (gates, i, g) {
        struct err e = {0};
        const char *name = json_str(g, "name", NULL);
        if (!name)
            continue;
        json_t *row = json_deep_copy(g);
        if (!json_object_get(row, "at_ms"))
            json_put_i64(row, "at_ms", time_wall_ms());
        int rc = state_put(s->state, "gate", name, row, &e);
        sup_check(s, rc, &e);
        json_put(s->gates, name, row);
        control_changed(s, FEED_GATE, name);
    }
}

void run_take_freshness(struct sup *s, const json_t *msg)
{
    json_t *f = json_obj(json_obj(msg, "data"), "freshness");
    if (!f)
        return;
    json_object_update(s->freshness, f);
    struct err e = {0};
    int rc = state_put(s->state, "freshness", "newest", s->freshness, &e);
    sup_check(s, rc, &e);
}

json_t *run_job_data(struct run *r, const json_t *item)
{
    json_t *data = item ? json_deep_copy(item) : json_object();
    json_put_str(data, "command", r->command);
    json_put_i64(data, "run", r->id);
    run_copy_member(data, r->request, "full_refresh");
    if (item) /* the plan decides per item where it says so */
        run_copy_member(data, item, "full_refresh");
    run_copy_member(data, r->request, "vars");
    run_copy_member(data, r->request, "flags");
    json_put_i64(data, "now_ms", sup_now_ms(r->sup));
    return data;
}

/* ── the run's own life
 * ──────────────────────────────────────────────────────────────── */

static void run_items_free(struct run *r)
{
    for (size_t i = 0; i < r->n; i++) {
        mem_free(r->items[i].down);
        json_decref(r->items[i].json);
        json_decref(r->items[i].result);
    }
    mem_free(r->items);
    r->items = NULL;
    r->n = r->left = 0;
}

static void run_free(struct run *r)
{
    run_items_free(r);
    json_decref(r->request);
    json_decref(r->plan);
    mem_free(r);
}

static const char *run_verdict(const struct run *r)
{
    if (r->is_cancelled)
        return "cancelled";
    if (r->n_failed > 0 || (r->note[0] && r->n_blocked == 0))
        return "failed";
    return r->n_blocked > 0 ? "blocked" : "success";
}

/* That everything was built once: schedules may go on from there. */
static void run_remember_build(struct run *r)
{
    struct err e = {0};
    bool is_all = streq(r->command, "build") && r->n > 0 &&
                  !json_object_get(r->request, "node") &&
                  json_array_size(json_arr(r->request, "select")) == 0 &&
                  json_array_size(json_arr(r->request, "exclude")) == 0;
    if (!is_all)
        return;
    json_t *row = json_object();
    json_put_i64(row, "run", r->id);
    sup_check(r->sup, state_put(r->sup->state, "built", "all", row, &e), &e);
    json_decref(row);
}

static void run_end(struct run *r)
{
    struct sup *s = r->sup;
    struct err e = {0};
    const char *verdict = run_verdict(r);
    if (r->note[0])
        sup_check(s, state_run_note(s->state, r->id, r->note, &e), &e);
    int rc = state_run_move(s->state, r->id, "queued|running", verdict, &e);
    sup_check(s, rc, &e);
    char text[ERR_TEXT_MAX + 200];
    snprintf(text, sizeof text, "run %lld (%s) %s%s%s", (long long)r->id, r->command,
             verdict, r->note[0] ? ": " : "", r->note);
    bool is_ok = streq(verdict, "success");
    sup_event(s, is_ok ? "info" : "error", "run", text);
    if (is_ok || streq(verdict, "blocked"))
        run_remember_build(r);
    if (r->id == s->build_run) {
        str_copy(s->build_state, sizeof s->build_state, verdict);
        if (streq(verdict, "failed"))
            sup_fail(s, 1, "%s", r->note[0] ? r->note : text);
        else if (streq(verdict, "blocked"))
            sup_fail(s, 5, "blocked by a gate");
        else if (is_ok && r->n == 0 && s->o->sql_only)
            sup_fail(s, 3, "nothing to do");
    }
    s->run = NULL;
    run_free(r);
    control_changed(s, FEED_RUNS, NULL);
    control_changed(s, FEED_TASKS, NULL);
    schedule_run_ended(s);
    run_next(s);
    sup_advance(s);
}

static void finish_done(struct job *j, const json_t *msg, const char *text)
{
    struct run *r = j->arg;
    const char *why = msg ? json_str(msg, "message", "failed") : text;
    if (!msg || streq(item_status(msg), "error")) {
        if (!r->note[0])
            snprintf(r->note, sizeof r->note, "end of the run: %s", why);
        r->n_failed++;
    } else {
        run_take_freshness(r->sup, msg);
    }
    run_end(r);
}

static void run_finish(struct run *r)
{
    json_t *data = run_job_data(r, NULL), *results = json_array();
    for (size_t i = 0; i < r->n; i++)
        if (r->items[i].result && !streq(r->items[i].kind, "replay")) {
            json_t *row = json_copy(r->items[i].result);
            json_put(row, "own", json_incref(json_arr(r->items[i].json, "tests")));
            json_array_append_new(results, row);
        }
    json_put(data, "results", results);
    json_put(data, "args", json_incref(r->request));
    json_put_num(data, "elapsed_s", (double)(time_mono_ms() - r->started_mono) / 1000);
    r->is_finishing = true;
    struct job *j = job_new(r->sup, "finish", data);
    j->arg = r;
    j->done = finish_done;
    job_queue(j);
}

void run_progressed(struct run *r)
{
    control_changed(r->sup, FEED_TASKS, NULL);
    control_changed(r->sup, FEED_RUNS, NULL);
    control_changed(r->sup, FEED_OVERVIEW, NULL);
    if (r->left > 0 || r->is_finishing)
        return;
    if (r->is_cancelled || r->n == 0)
        run_end(r);
    else
        run_finish(r);
}

static void start_done(struct job *j, const json_t *msg, const char *text)
{
    struct run *r = j->arg;
    const char *status = msg ? item_status(msg) : "error";
    if (!streq(status, "success")) {
        snprintf(r->note, sizeof r->note, "start of the run: %s",
                 msg ? json_str(msg, "message", "failed") : text);
        r->n_failed++;
    }
    if (streq(status, "error")) {
        run_cancel_waiting(r, "cancelled", "the run did not start");
        run_end(r);
        return;
    }
    if (streq(status, "skipped"))
        run_cancel_waiting(r, "skipped", "on-run-start failed");
    run_items_begin(r);
}

static void run_items_begin(struct run *r)
{
    for (size_t i = 0; i < r->n && !r->is_cancelled; i++)
        if (r->items[i].state == ITEM_WAITING && r->items[i].waits == 0)
            item_queue(&r->items[i]);
    run_progressed(r);
}

static int item_add(struct run *r, size_t i, struct map *by_node, struct err *e)
{
    struct item *it = &r->items[i];
    it->json = json_incref(json_array_get(json_arr(r->plan, "items"), i));
    it->run = r;
    it->node = json_str(it->json, "node", NULL);
    it->kind = json_str(it->json, "kind", "run");
    if (!it->node || map_has(by_node, it->node))
        return err_set(e, ERR_PROTOCOL, "the plan's item %zu has no node of its own",
                       i + 1);
    json_t *after = json_arr(it->json, "after"), *dep;
    size_t k;
    json_array_foreach (after, k, dep) {
        size_t at = (size_t)(uintptr_t)map_get(by_node, json_string_value(dep));
        if (at == 0)
            return err_set(e, ERR_PROTOCOL,
                           "the plan has %s after %s, which is not before it", it->node,
                           json_string_value(dep));
        struct item *up = &r->items[at - 1];
        up->down = mem_realloc(up->down, (up->n_down + 1) * sizeof *up->down);
        up->down[up->n_down++] = i;
        it->waits++;
    }
    map_put(by_node, it->node, (void *)(uintptr_t)(i + 1));
    return r->is_resumed
               ? 0
               : state_task_add(r->sup->state, r->id, it->node, it->kind,
                                json_object_get(it->json, "after"), it->json, e);
}

static int run_items_make(struct run *r, struct err *e)
{
    struct map by_node;
    map_init(&by_node);
    r->n = r->left = json_array_size(json_arr(r->plan, "items"));
    r->items = mem_alloc((r->n + 1) * sizeof *r->items);
    int rc = state_begin(r->sup->state, e);
    for (size_t i = 0; i < r->n && rc >= 0; i++)
        rc = item_add(r, i, &by_node, e);
    if (rc >= 0)
        rc = state_commit(r->sup->state, e);
    else
        state_rollback(r->sup->state);
    map_release(&by_node);
    return rc;
}

/* What comes before the first item: manifest, results, on-run-start. */
static void run_start(struct run *r)
{
    struct job *start = job_new(r->sup, "start", run_job_data(r, NULL));
    json_put(start->data, "args", json_incref(r->request));
    json_put(start->data, "items", json_incref(json_arr(r->plan, "items")));
    start->arg = r;
    start->done = start_done;
    job_queue(start);
}

static void plan_done(struct job *j, const json_t *msg, const char *text)
{
    struct run *r = j->arg;
    struct err e = {0};
    if (!msg || !streq(json_str(msg, "t", ""), "plan")) {
        snprintf(r->note, sizeof r->note, "no plan: %s",
                 msg ? json_str(msg, "message", "failed") : text);
        run_end(r);
        return;
    }
    r->plan = json_deep_copy(json_object_get(msg, "data"));
    if (run_items_make(r, &e) < 0) {
        run_items_free(r);
        snprintf(r->note, sizeof r->note, "no plan: %s", e.text);
        run_end(r);
        return;
    }
    json_t *warning = json_array_get(json_arr(r->plan, "warnings"), 0);
    if (r->n == 0 && warning) /* why there is nothing to do */
        sup_event(r->sup, "warn", "run", json_string_value(warning));
    if (r->n == 0 && !r->sup->p->models_project) {
        run_end(r);
        return;
    }
    run_start(r);
}

/* Begin the next run that waits. */
static void run_next(struct sup *s)
{
    while (!s->run && s->queue.n > 0 && !s->is_closing) {
        struct run *r = s->queue.v[0];
        struct err e = {0};
        s->queue.n--;
        memmove(s->queue.v, s->queue.v + 1, s->queue.n * sizeof *s->queue.v);
        s->run = r;
        r->started_mono = time_mono_ms();
        sup_check(s, state_run_move(s->state, r->id, "queued", "running", &e), &e);
        control_changed(s, FEED_RUNS, NULL);
        json_t *data = run_plan_data(s, r->request, r->id, &e);
        if (!data) {
            str_copy(r->note, sizeof r->note, e.text);
            run_end(r);
            return;
        }
        struct job *j = job_new(s, "plan", data);
        j->arg = r;
        j->done = plan_done;
        job_queue(j);
    }
}

/* ── cancelling
 * ──────────────────────────────────────────────────────────────────────── */

static void run_cancel_active(struct run *r)
{
    r->is_cancelled = true;
    job_cancel_all(r->sup, r); /* plan, start, finish */
    for (size_t i = 0; i < r->n; i++) {
        struct item *it = &r->items[i];
        struct err e = {0};
        if (it->retry) {
            uv_timer_stop(it->retry);
            uv_close((uv_handle_t *)it->retry, sup_free_handle);
            it->retry = NULL;
        }
        if (it->state == ITEM_ENDED)
            continue;
        job_cancel_all(r->sup, it);
        replay_cancel(it);
        (void)state_task_move(r->sup->state, r->id, it->node, "waiting|running",
                              "cancelled", "the run was cancelled", &e);
        it->state = ITEM_ENDED;
        r->left--;
    }
    run_end(r);
}

int run_cancel(struct sup *s, int64_t id, struct err *e)
{
    if (s->run && s->run->id == id) {
        run_cancel_active(s->run);
        return 0;
    }
    for (size_t i = 0; i < s->queue.n; i++) {
        struct run *r = s->queue.v[i];
        if (r->id != id)
            continue;
        memmove(s->queue.v + i, s->queue.v + i + 1, (s->queue.n - i - 1) * sizeof(r));
        s->queue.n--;
        int rc = state_run_move(s->state, id, "queued", "cancelled", e);
        run_free(r);
        control_changed(s, FEED_RUNS, NULL);
        return rc;
    }
    return err_set(e, ERR_NOTFOUND, "run %lld is neither running nor queued",
                   (long long)id);
}

void run_cancel_all(struct sup *s)
{
    struct err e = {0};
    while (s->queue.n > 0)
        sup_check(s, run_cancel(s, s->queue.v[0]->id, &e), &e);
    if (s->run)
        run_cancel_active(s->run);
}

bool run_is_idle(const struct sup *s)
{
    return !s->run && s->queue.n == 0;
}

json_t *run_json(const struct sup *s)
{
    const struct run *r = s->run;
    if (!r)
        return json_null();
    json_t *row = json_object();
    int64_t spent = time_mono_ms() - r->started_mono;
    size_t done = r->n - r->left;
    json_put_i64(row, "id", r->id);
    json_put_str(row, "command", r->command);
    json_put_str(row, "state",
                 r->is_finishing ? "finishing"
                 : r->n          ? "running"
                                 : "planning");
    json_put_i64(row, "done", (int64_t)done);
    json_put_i64(row, "total", (int64_t)r->n);
    json_put_i64(row, "failed", (int64_t)(r->n_failed + r->n_blocked));
    json_put_i64(row, "eta_ms", done ? spent * (int64_t)r->left / (int64_t)done : -1);
    return row;
}

/* ── after a crash of the supervisor
 * ─────────────────────────────────────────────────── */

/* The plan as it was stored: items still waiting go on, ended ones count as they ended.
 */
static int run_resume(struct sup *s, const json_t *row, struct err *e)
{
    struct run *r = mem_alloc(sizeof *r);
    json_t *tasks = NULL, *t;
    size_t i;
    r->sup = s;
    r->id = json_i64(row, "id", 0);
    r->is_resumed = true;
    r->started_mono = time_mono_ms();
    str_copy(r->command, sizeof r->command, json_str(row, "command", "build"));
    r->request = json_deep_copy(json_object_get(row, "args"));
    int rc = state_tasks(s->state, r->id, &tasks, e);
    if (rc < 0 ||
        json_array_size(tasks) == 0) { /* it had no plan yet: from the start */
        json_decref(tasks);
        r->is_resumed = false;
        if (streq(json_str(row, "state", ""), "running"))
            rc = state_run_move(s->state, r->id, "running", "queued", e);
        vec_push(&s->queue, r);
        return rc;
    }
    r->plan = json_object();
    json_t *items = json_array();
    json_array_foreach (tasks, i, t)
        json_array_append(items, json_object_get(t, "item"));
    json_put(r->plan, "items", items);
    rc = run_items_make(r, e);
    bool has_begun = false; /* else the start of the run may not have been, either */
    for (i = 0; i < r->n && rc == 0; i++) {
        const char *st = json_str(json_array_get(tasks, i), "state", "waiting");
        struct item *it = &r->items[i];
        it->attempt = (int)json_i64(json_array_get(tasks, i), "attempt", 0);
        has_begun |= it->attempt > 0 || !streq(st, "waiting");
        if (streq(st, "waiting"))
            continue;
        item_ended(it, st, json_array_get(tasks, i));
        for (size_t k = 0; k < it->n_down; k++)
            r->items[it->down[k]].waits--;
        r->n_failed += streq(st, "error") || streq(st, "fail");
        r->n_blocked += streq(st, "blocked");
    }
    json_decref(tasks);
    s->run = r;
    if (rc == 0 && has_begun)
        run_items_begin(r);
    else if (rc == 0)
        run_start(r);
    return rc;
}

int run_resume_all(struct sup *s, struct err *e)
{
    json_t *runs = NULL;
    int rc = state_runs(s->state, 50, &runs, e);
    for (size_t i = json_array_size(runs); rc == 0 && i-- > 0;) {
        const json_t *row = json_array_get(runs, i);
        const char *st = json_str(row, "state", "");
        if (streq(st, "running") && !s->run)
            rc = run_resume(s, row, e);
        else if (streq(st, "queued") || streq(st, "running"))
            rc = run_resume(s, row, e);
    }
    json_decref(runs);
    run_next(s);
    return rc;
}
