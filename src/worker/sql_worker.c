/* The sql worker: one task at a time from the supervisor (plan, start, finish, and the
 * items of a plan), answered with a plan or a result as wire.h says. The project stays
 * loaded and the warehouse open between tasks. While a statement runs, the progress
 * callback keeps the heartbeat going and looks for stop. */
#include "worker/sql.h"

#include <string.h>
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/timeutil.h"

#define LOOK_MS 200 /* how often a running statement looks at the channel */

struct worker {
    struct sql_engine engine;
    int64_t n_loose; /* tasks of no run */
    struct channel *ch;
    int64_t looked_ms;
    int64_t deadline_ms; /* monotonic, of the task's statement; 0: none */
    bool is_late;
};

struct task {
    const char *id, *kind;
    const json_t *data;
    int64_t attempt;
};

/* ── answers ── */

static json_t *answer_to(const struct task *t)
{
    json_t *m = json_object();
    json_put_str(m, "task", t->id);
    json_put_i64(m, "attempt", t->attempt);
    return m;
}

static int send_error(struct worker *w, const struct task *t, int rc, const char *text,
                      struct err *e)
{
    json_t *m = answer_to(t);
    json_put_str(m, "status", rc == ERR_BLOCKED ? "blocked" : "error");
    json_put_flag(m, "retryable", err_is_retryable(rc));
    json_put_str(m, "message", text);
    json_put_str(m, "code", err_name(rc));
    return channel_send(w->ch, "result", m, e);
}

static int send_success(struct worker *w, const struct task *t, json_t *data,
                        struct err *e)
{
    json_t *m = answer_to(t);
    json_put_str(m, "status", "success");
    if (data)
        json_put(m, "data", data);
    return channel_send(w->ch, "result", m, e);
}

/* ── while a statement runs ── */

static int on_progress(void *arg)
{
    struct worker *w = arg;
    int64_t now = time_mono_ms();
    struct err e = {0};
    if (now - w->looked_ms < LOOK_MS)
        return w->ch->is_stopping;
    w->looked_ms = now;
    if (channel_beat(w->ch, &e) < 0)
        return 1;
    w->is_late = w->deadline_ms && now > w->deadline_ms;
    return w->ch->is_stopping || w->is_late;
}

/* ── preparation ── */

static char *vars_text(const json_t *data)
{
    const json_t *v = json_object_get(data, "vars");
    if (json_is_string(v))
        return mem_strdup(json_string_value(v));
    if (!json_is_object(v))
        return NULL;
    struct buf b;
    buf_init(&b, 1u << 20);
    json_dump_buf(v, JSON_COMPACT, &b, NULL);
    char *text = mem_strdup(buf_str(&b));
    buf_release(&b);
    return text;
}

static int prepare(struct worker *w, const struct task *t, bool needs_warehouse,
                   struct err *e)
{
    struct sql_engine *g = &w->engine;
    char *vars = vars_text(t->data);
    g->now_ms = json_i64(t->data, "now_ms", -1);
    g->run = json_i64(t->data, "run", 0);
    g->run = g->run ? g->run : -++w->n_loose; /* a task alone is a run of its own */
    sql_engine_flags(g, json_obj(t->data, "flags"));
    int rc = sql_engine_project(g, vars, e);
    mem_free(vars);
    if (rc < 0 || !needs_warehouse)
        return rc;
    if ((rc = sql_engine_defer(g, e)) < 0)
        return rc;
    project_set_run(g->project, g->now_ms, json_flag(t->data, "full_refresh", false));
    if ((rc = sql_engine_warehouse(g, false, e)) < 0)
        return rc;
    wh_set_now(g->w, g->now_ms);
    wh_set_progress(g->w, on_progress, w);
    return 0;
}

/* ── plan ── */

static int do_plan(struct worker *w, const struct task *t, struct err *e)
{
    struct err why = {0};
    json_t *plan = NULL;
    int rc = prepare(w, t, false, &why);
    if (rc == 0)
        rc = sql_plan(&w->engine, t->data, &plan, &why);
    if (rc < 0)
        return send_error(w, t, rc, why.text, e);
    for (size_t i = 0; i < project_n_warnings(w->engine.project); i++)
        log_warn("%s", project_warning(w->engine.project, i));
    json_t *m = answer_to(t);
    json_put(m, "data", plan);
    return channel_send(w->ch, "plan", m, e);
}

/* ── items ── */

/* What the run makes of a node's end: as the supervisor knows it. */
static const char *status_of(const struct model_result *r)
{
    return r->tests_failed ? "fail" : r->is_partial ? "error" : r->status;
}

/* config retries: how often; on_error: continue: what is below is run all the same. */
static void put_policy(json_t *m, const struct node *n)
{
    int64_t retries = json_i64(n->config, "retries", -1);
    if (retries >= 0)
        json_put_i64(m, "retries", retries);
    json_put_str(m, "on_error", json_str(n->config, "on_error", NULL));
}

static int send_result(struct worker *w, const struct task *t, const struct node *n,
                       const struct model_result *r, struct sql_gates *gates,
                       struct err *e)
{
    json_t *m = answer_to(t), *data = json_object();
    json_put_str(m, "status", status_of(r));
    json_put_flag(m, "retryable", err_is_retryable(r->code));
    put_policy(m, n);
    json_put_str(m, "message", r->message);
    if (r->rows >= 0)
        json_put_i64(m, "rows", r->rows);
    json_put_num(m, "seconds", r->seconds);
    if (r->tests)
        json_put(data, "tests", json_incref(r->tests));
    if (gates->results)
        json_put(data, "gates", json_incref(gates->results));
    json_put(m, "data", data);
    return channel_send(w->ch, "result", m, e);
}

/* The pool whose statement_timeout bounds a task: its own, else transform. */
static const struct conf_pool *pool_of(const struct platform *p, const struct task *t)
{
    const char *name = json_str(t->data, "pool", NULL);
    const struct conf_pool *own = name ? conf_pool(p, name) : NULL;
    return own && own->statement_timeout_ms > 0 ? own : conf_pool(p, "transform");
}

static int send_interrupted(struct worker *w, const struct task *t, struct err *e)
{
    const struct conf_pool *pool = pool_of(w->engine.p, t);
    if (!w->is_late || !pool)
        return send_error(w, t, ERR_INTERRUPTED, "stopped", e);
    char took[32];
    char *text =
        mem_printf("stopped after %s: statement_timeout of the pool %s in weir.yml",
                   time_format_duration(pool->statement_timeout_ms, took), pool->name);
    int rc = send_error(w, t, ERR_FAIL, text, e);
    mem_free(text);
    return rc;
}

static int run_node(struct worker *w, const struct task *t, const struct node *n,
                    struct err *e)
{
    struct sql_gates gates = {.engine = &w->engine,
                              .channel = w->ch,
                              .run = json_i64(t->data, "run", 0),
                              .now_ms = w->engine.now_ms};
    bool is_checked = streq(json_str(t->data, "command", "build"), "build");
    struct model_run_options o = {.tests_first = is_checked,
                                  .gate = sql_gates_judge,
                                  .gate_arg = &gates,
                                  .full_refresh =
                                      json_flag(t->data, "full_refresh", false)};
    struct model_result r;
    struct err why = {0};
    const struct conf_pool *pool = pool_of(w->engine.p, t);
    int64_t timeout = pool ? pool->statement_timeout_ms : 0;
    w->is_late = false;
    w->deadline_ms = timeout > 0 ? time_mono_ms() + timeout : 0;
    log_info("%s starts", n->unique_id);
    int64_t from_us = results_now_us();
    int rc = model_run(w->engine.project, w->engine.w, n, &o, &r, &why);
    log_info("%s: %s, %.2f s. %s", n->unique_id, r.status, r.seconds, r.message);
    w->deadline_ms = 0;
    if (rc == 0 &&
        results_add(w->engine.project, w->engine.w, n, &r, from_us, &why) < 0)
        log_warn("%s", why.text);
    rc = rc < 0 ? send_interrupted(w, t, e) : send_result(w, t, n, &r, &gates, e);
    model_result_release(&r);
    json_decref(gates.results);
    return rc;
}

static int do_item(struct worker *w, const struct task *t, struct err *e)
{
    struct err why = {0};
    const char *id = json_str(t->data, "node", "");
    int rc = prepare(w, t, true, &why);
    if (rc < 0)
        return send_error(w, t, rc, why.text, e);
    const struct node *n = project_find(w->engine.project, id);
    if (!n)
        return send_error(w, t, ERR_NOTFOUND, "the project has no such node any more",
                          e);
    return run_node(w, t, n, e);
}

static int do_compile(struct worker *w, const struct task *t, struct err *e)
{
    struct err why = {0};
    struct buf sql;
    int rc = prepare(w, t, true, &why);
    const struct node *n =
        rc == 0 ? project_find(w->engine.project, json_str(t->data, "node", "")) : NULL;
    buf_init(&sql, 64u << 20);
    if (rc == 0)
        rc = n ? model_compile(w->engine.project, w->engine.w, n, &sql, &why)
               : err_set(&why, ERR_NOTFOUND, "the project has no such node");
    buf_release(&sql);
    return rc < 0 ? send_error(w, t, rc, why.text, e) : send_success(w, t, NULL, e);
}

/* A gate whose relation is no model's: judged on what is there. */
static int do_gate(struct worker *w, const struct task *t, struct err *e)
{
    struct err why = {0};
    const char *name = json_str(t->data, "name", json_str(t->data, "node", ""));
    name = str_starts(name, "gate.") ? name + 5 : name;
    struct sql_gates g = {.engine = &w->engine,
                          .channel = w->ch,
                          .run = json_i64(t->data, "run", 0),
                          .only = name};
    const struct conf_gate *gate = NULL;
    int rc = prepare(w, t, true, &why);
    for (size_t i = 0; rc == 0 && i < w->engine.p->n_gates; i++)
        if (streq(w->engine.p->gates[i].name, name))
            gate = &w->engine.p->gates[i];
    g.now_ms = w->engine.now_ms;
    if (rc == 0 && !gate)
        rc = err_set(&why, ERR_NOTFOUND, "there is no gate \"%s\"", name);
    if (rc == 0) {
        const char *dot = strchr(gate->on, '.');
        char *schema = dot ? mem_strndup(gate->on, (size_t)(dot - gate->on)) : NULL;
        rc = dot ? sql_gates_on(&g, gate->on, schema, dot + 1, &why)
                 : err_set(&why, ERR_CONFIG, "gate %s: on must be schema.relation",
                           name);
        mem_free(schema);
    }
    json_t *m = answer_to(t);
    json_put_str(m, "status",
                 rc == ERR_BLOCKED ? "blocked"
                 : rc < 0          ? "error"
                                   : "success");
    json_put_str(m, "message", rc < 0 ? why.text : "");
    json_put(m, "data",
             json_pack("{s:o}", "gates", g.results ? g.results : json_array()));
    return channel_send(w->ch, "result", m, e);
}

/* A streaming node: where it reads next is set back. Nothing of a project is needed. */
static int do_replay(struct worker *w, const struct task *t, struct err *e)
{
    struct err why = {0};
    int64_t records = 0;
    int rc = sql_replay(w->engine.p, t->data, w->ch, &records, &why);
    if (rc < 0)
        return send_error(w, t, rc, why.text, e);
    json_t *m = answer_to(t);
    json_put_str(m, "status", "success");
    json_put_i64(m, "rows", records);
    return channel_send(w->ch, "result", m, e);
}

/* ── start and finish of a run ── */

/* As in dbt, what builds nothing of its own has no hooks. */
static bool has_hooks(const struct task *t)
{
    const char *command = json_str(t->data, "command", "build");
    return !streq(command, "clone") && !streq(command, "compile");
}

/* The hooks of a run's start or end, and what the results say of them. */
static int run_hooks(struct worker *w, const struct task *t, bool is_start,
                     const json_t *results, struct err *why)
{
    struct project *p = w->engine.project;
    int64_t from_us = results_now_us();
    if (!has_hooks(t))
        return 0;
    int rc = project_on_run(p, w->engine.w, is_start, results, why);
    results_add_hooks(p, is_start, from_us, rc < 0 ? why->text : NULL, NULL);
    return rc;
}

/* on-run-start failed: the run is no success, but goes on ("fail"), unless the project
 * has the flag skip_nodes_if_on_run_start_fails ("skipped"). */
static int send_hooks_failed(struct worker *w, const struct task *t, const char *why,
                             struct err *e)
{
    json_t *m = answer_to(t);
    bool is_skip =
        project_behaves(w->engine.project, "skip_nodes_if_on_run_start_fails");
    json_put_str(m, "status", is_skip ? "skipped" : "fail");
    json_put_str(m, "message", why);
    return channel_send(w->ch, "result", m, e);
}

static int do_start(struct worker *w, const struct task *t, struct err *e)
{
    struct err why = {0};
    int rc = prepare(w, t, true, &why);
    if (rc == 0 && json_flag(json_obj(t->data, "flags"), "write_json", true))
        rc = project_write_manifest(w->engine.project, &why);
    if (rc == 0)
        rc = results_begin(w->engine.project, json_obj(t->data, "flags"),
                           json_arr(t->data, "items"), &why);
    bool is_nothing = !json_array_size(json_arr(t->data, "items")); /* no hooks */
    if (rc == 0 && is_nothing)
        rc = results_end(w->engine.project, NULL, 0, &why);
    if (rc < 0)
        return send_error(w, t, rc, why.text, e);
    rc = is_nothing ? 0 : run_hooks(w, t, true, NULL, &why);
    return rc == ERR_INTERRUPTED ? send_error(w, t, rc, why.text, e)
           : rc < 0              ? send_hooks_failed(w, t, why.text, e)
                                 : send_success(w, t, NULL, e);
}

static int64_t newest_of(struct worker *w, const struct conf_freshness *f)
{
    struct wh_cursor *c;
    struct buf sql;
    int64_t ms = -1;
    char *schema = mem_strdup(f->relation), *dot = strchr(schema, '.');
    buf_init(&sql, 4096);
    if (dot)
        *dot = '\0';
    if (dot && wh_relation_type(w->engine.w, schema, dot + 1) != WH_ABSENT) {
        buf_adds(&sql, "select max(");
        wh_quote(w->engine.w, &sql, NULL, f->column ? f->column : "loaded_at");
        buf_adds(&sql, ") from ");
        wh_quote(w->engine.w, &sql, schema, dot + 1);
        if (wh_query_raw(w->engine.w, buf_str(&sql), &c, NULL) == 0) {
            struct wh_value v = wh_next(c, NULL) > 0
                                    ? wh_value(c, 0)
                                    : (struct wh_value){.type = WH_NULL};
            if (v.type != WH_TEXT || !time_parse_iso(v.text, &ms))
                ms = -1;
            wh_cursor_close(c);
        }
    }
    buf_release(&sql);
    mem_free(schema);
    return ms;
}

static json_t *freshness(struct worker *w)
{
    json_t *out = json_object();
    for (size_t i = 0; i < w->engine.p->n_freshness; i++) {
        const struct conf_freshness *f = &w->engine.p->freshness[i];
        int64_t ms = newest_of(w, f);
        if (ms >= 0)
            json_put_i64(out, f->relation, ms);
    }
    return out;
}

/* What the supervisor says of an item that no worker told the end of: it was skipped,
 * cancelled, or its workers died. */
static json_t *told_row(const char *node, const char *status, const char *message)
{
    json_t *r =
        json_pack("{s:s, s:[], s:s, s:i, s:{}, s:n, s:n, s:n, s:n, s:n}", "status",
                  streq(status, "error") ? "error" : "skipped", "timing", "thread_id",
                  "MainThread", "execution_time", 0, "adapter_response", "failures",
                  "compiled", "compiled_code", "relation_name", "batch_results");
    json_put_str(r, "message", message && *message ? message : NULL);
    json_put_str(r, "unique_id", node);
    return r;
}

/* Of each item, and of the tests that were to be run with it; those that have a result
 * of their own are not looked at. */
static json_t *told_rows(const json_t *data)
{
    json_t *out = json_array(), *one, *own;
    size_t i, k;
    json_array_foreach (json_arr(data, "results"), i, one) {
        const char *node = json_str(one, "node", ""),
                   *status = json_str(one, "status", "");
        if (str_starts(node, "gate.") || !strchr(node, '.'))
            continue;
        json_array_append_new(out,
                              told_row(node, status, json_str(one, "message", NULL)));
        json_array_foreach (json_arr(one, "own"), k, own)
            if (json_is_string(own))
                json_array_append_new(
                    out, told_row(json_string_value(own), "skipped", NULL));
    }
    return out;
}

static int do_finish(struct worker *w, const struct task *t, struct err *e)
{
    struct err why = {0}, lost = {0};
    json_t *rest = told_rows(t->data);
    int rc = prepare(w, t, true, &why);
    if (rc == 0) {
        json_t *results = results_so_far(w->engine.project, rest);
        rc = run_hooks(w, t, false, results, &why);
        json_decref(results);
    }
    if (w->engine.project &&
        results_end(w->engine.project, rest, json_num(t->data, "elapsed_s", 0), &lost) <
            0 &&
        rc == 0) {
        rc = lost.code;
        why = lost;
    }
    json_decref(rest);
    if (rc < 0)
        return send_error(w, t, rc, why.text, e);
    return send_success(w, t, json_pack("{s:o}", "freshness", freshness(w)), e);
}

/* ── loop ── */

static const struct {
    const char *kind;
    int (*run)(struct worker *w, const struct task *t, struct err *e);
} kinds[] = {
    {"plan", do_plan},      {"gate", do_gate},       {"start", do_start},
    {"finish", do_finish},  {"compile", do_compile}, {"seed", do_item},
    {"run", do_item},       {"test", do_item},       {"snapshot", do_item},
    {"unit_test", do_item}, {"replay", do_replay},
};

static int on_message(struct worker *w, const json_t *msg, struct err *e)
{
    struct task t = {.id = json_str(msg, "task", ""),
                     .kind = json_str(msg, "kind", ""),
                     .data = json_obj(msg, "data"),
                     .attempt = json_i64(msg, "attempt", 1)};
    if (!streq(json_str(msg, "t", ""), "task"))
        return 0;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (streq(t.kind, kinds[i].kind))
            return kinds[i].run(w, &t, e);
    char *why = mem_printf("the sql worker knows no task \"%s\"", t.kind);
    int rc = send_error(w, &t, ERR_UNSUPPORTED, why, e);
    mem_free(why);
    return rc;
}

int sql_run(const struct platform *p, struct channel *ch, struct err *e)
{
    struct worker w = {.engine = {.p = p, .now_ms = -1}, .ch = ch};
    int rc = channel_ready(ch, e);
    while (rc == 0 && !ch->is_stopping) {
        json_t *msg = NULL;
        int got = channel_poll(ch, 1000, &msg, e);
        rc = got < 0 ? got : got ? on_message(&w, msg, e) : 0;
        json_decref(msg);
        if (ch->is_draining) {
            ch->is_draining = false;
            rc = rc == 0 ? channel_send(ch, "drained", json_pack("{s:{}}", "data"), e)
                         : rc;
        }
    }
    sql_engine_release(&w.engine);
    return rc;
}
