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

static json_t *parameters(const struct conf_gate *g)
{
    json_t *all = json_object();
    for (size_t i = 0; i < g->n_parameters; i++) {
        json_t *v = json_loads(g->parameters[i].value, JSON_DECODE_ANY, NULL);
        json_put(all, g->parameters[i].name,
                 v ? v : json_string(g->parameters[i].value));
    }
    return all;
}

static char *suite_path(const struct platform *p, const struct conf_gate *g)
{
    return *g->suite == '/' ? mem_strdup(g->suite)
                            : mem_printf("%s/%s", p->project_dir, g->suite);
}

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

/* What the first failed expectation is, for the message. */
static const char *first_failed(const json_t *result)
{
    size_t i;
    const json_t *one;
    json_array_foreach (json_arr(result, "results"), i, one) {
        const json_t *config = json_obj(one, "expectation_config");
        if (!json_flag(one, "success", false))
            return json_str(config, "type", json_str(config, "expectation_type", ""));
    }
    return "";
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
    json_put_str(a, "summary", summary);
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
                 enum verdict verdict, const json_t *result, const char *why,
                 struct err *e)
{
    int64_t failed, total;
    count_results(result, &failed, &total);
    if (verdict == VERDICT_ERROR && why && *why)
        err_set(e, ERR_BLOCKED, "gate %s could not be judged: %s; %s stays as it was",
                gate->name, why, gate->on);
    else
        err_set(
            e, ERR_BLOCKED,
            "gate %s: %lld of %lld expectations failed (%s); %s stays as it was, the "
            "failing rows are in quarantine",
            gate->name, (long long)failed, (long long)total, first_failed(result),
            gate->on);
    raise_alert(g, gate, e ? e->text : gate->name);
    return ERR_BLOCKED;
}

static int judge(struct sql_gates *g, const struct conf_gate *gate, const char *schema,
                 const char *built, struct err *e)
{
    struct suite *suite = NULL;
    json_t *result = NULL, *params = parameters(gate);
    struct err why = {0};
    enum verdict verdict = VERDICT_ERROR;
    char *path = suite_path(g->engine->p, gate);
    const char *dot = strchr(gate->on, '.');
    char *kept = mem_printf("quarantine.%s", dot ? dot + 1 : gate->on);
    struct suite_run run = {.schema = schema,
                            .relation = built,
                            .now_ms = g->now_ms,
                            .parameters = params,
                            .quarantine = kept,
                            .run_id = g->run};
    int rc = suite_load(&suite, path, &why);
    if (rc == 0)
        rc = suite_judge(suite, g->engine->w, &run, &verdict, &result, &why);
    if (rc < 0)
        verdict = VERDICT_ERROR;
    add_result(g, gate, verdict, result);
    rc = rc == ERR_INTERRUPTED || rc == ERR_FULL ? err_set(e, rc, "%s", why.text) : 0;
    bool is_bad = verdict == VERDICT_FAIL || verdict == VERDICT_ERROR ||
                  (verdict == VERDICT_WARN && streq(gate->block, "any"));
    if (rc == 0 && is_bad && !streq(gate->block, "never"))
        rc = block(g, gate, verdict, result, why.text, e);
    suite_free(suite);
    json_decref(result);
    json_decref(params);
    mem_free(path);
    mem_free(kept);
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
