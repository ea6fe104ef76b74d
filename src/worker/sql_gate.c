/* Gates: expectation suites judged on a relation that is about to be published (or, for
 * a gate task, on one that is there). A critical failure, or a check that could not
 * run, blocks; its failing rows are kept in the quarantine schema and an alert is
 * raised. */
#include "worker/sql.h"

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "quality/quality.h"

static void count_results(const json_t *result, int64_t *failed, int64_t *total)
{
    size_t i;
    const json_t *one;
    *failed = *total = 0;
    json_array_foreach (json_arr(result, "results"), i, one) {
        ++*total;
        *failed += !json_flag(one, "success", false);
    }
}

static int raise_alert(struct sql_gates *g, const struct conf_gate *gate,
                       const char *summary)
{
    struct err e = {0};
    if (!g->channel || g->channel->fd < 0)
        return 0;
    json_t *a = json_object();
    char *key = mem_printf("gate:%s:%lld", gate->name, (long long)g->run);
    json_put_str(a, "key", key);
    json_put_str(a, "severity", "critical");
    char *text = mem_printf("gate %s on %s: %s", gate->name, gate->on, summary);
    json_put_str(a, "summary", text);
    mem_free(text);
    json_put_str(a, "component", gate->on);
    json_put(a, "details",
             json_pack("{s:s, s:I}", "gate", gate->name, "run", (json_int_t)g->run));
    int rc = channel_alert(g->channel, a, &e);
    if (rc < 0)
        log_warn("alert of gate %s: %s", gate->name, e.text);
    mem_free(key);
    return rc;
}

static void add_result(struct sql_gates *g, const struct conf_gate *gate,
                       enum verdict verdict, const json_t *result)
{
    int64_t failed, total;
    count_results(result, &failed, &total);
    json_t *row = json_object();
    json_put_str(row, "name", gate->name);
    json_put_str(row, "on", gate->on);
    json_put_str(row, "verdict", verdict_name(verdict));
    json_put_i64(row, "failed", failed);
    json_put_i64(row, "total", total);
    if (result)
        json_put(row, "result", json_deep_copy((json_t *)(uintptr_t)result));
    if (!g->results)
        g->results = json_array();
    json_array_append_new(g->results, row);
}

static int block(struct sql_gates *g, const struct conf_gate *gate,
                 const json_t *result, const char *why, struct err *e)
{
    struct buf summary;
    buf_init(&summary, 1u << 20);
    if (result)
        suite_summary(result, &summary);
    else
        buf_adds(&summary, why);
    err_set(e, ERR_BLOCKED, "gate %s: %s\n%s stays as it was", gate->name,
            buf_str(&summary), gate->on);
    raise_alert(g, gate, buf_str(&summary));
    buf_release(&summary);
    return ERR_BLOCKED;
}

/* Rows that fail are written by a handle of their own: the judged transaction may be
 * rolled back. */
static int quarantine(struct sql_gates *g, struct err *e)
{
    static const char *const schemas[] = {"quarantine", NULL};
    const struct platform *p = g->engine->p;
    struct wh_options o = wh_options_of(p);
    o.schemas = schemas;
    o.now_ms = g->now_ms;
    return g->engine->quarantine ? 0 : wh_open(&g->engine->quarantine, &o, e);
}

static int judge(struct sql_gates *g, const struct conf_gate *gate, const char *schema,
                 const char *built, struct err *e)
{
    json_t *result = NULL;
    struct err why = {0};
    enum verdict verdict = VERDICT_ERROR;
    int rc = quarantine(g, e);
    if (rc < 0)
        return rc;
    struct gate_request r = {.platform = g->engine->p,
                             .gate = gate,
                             .schema = schema,
                             .relation = built,
                             .quarantine_wh = g->engine->quarantine,
                             .now_ms = g->now_ms,
                             .run_id = g->run,
                             .keep_rows = true};
    rc = gate_judge(&r, g->engine->w, &verdict, &result, &why);
    if (rc < 0)
        verdict = VERDICT_ERROR;
    add_result(g, gate, verdict, result);
    rc = rc == ERR_INTERRUPTED || rc == ERR_FULL ? err_set(e, rc, "%s", why.text) : 0;
    if (rc == 0 && gate_blocks(gate, verdict))
        rc = block(g, gate, result, why.text, e);
    json_decref(result);
    return rc;
}

int sql_gates_on(struct sql_gates *g, const char *on, const char *schema,
                 const char *built, struct err *e)
{
    const struct platform *p = g->engine->p;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < p->n_gates; i++)
        if (streq(p->gates[i].on, on) && (!g->only || streq(g->only, p->gates[i].name)))
            rc = judge(g, &p->gates[i], schema, built, e);
    return rc;
}

int sql_gates_judge(void *arg, const struct node *n, const char *schema,
                    const char *built, json_t **detail, struct err *e)
{
    struct sql_gates *g = arg;
    char *on = mem_printf("%s.%s", n->schema, n->alias);
    int rc = sql_gates_on(g, on, schema, built, e);
    if (g->results)
        *detail = json_incref(g->results);
    mem_free(on);
    return rc;
}
