/* Gates of weir.yml: suite file + parameters + quarantine table = one suite run. Called
 * by the sql worker on what is about to be published, and by `weir gate run`. */
#include "quality/quality.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

/* A parameter's text is JSON; what does not parse is taken as text. */
static json_t *value_of(const char *text)
{
    json_t *v = json_loads(text, JSON_DECODE_ANY, NULL);
    double d;
    if (!v)
        return json_string(text);
    if (json_is_string(v) && str_to_double(str_of(json_string_value(v)), &d)) {
        json_t *n = json_loads(json_string_value(v), JSON_DECODE_ANY, NULL);
        if (json_is_number(n)) { /* "100000" from the environment is a number */
            json_decref(v);
            return n;
        }
        json_decref(n);
    }
    return v;
}

static int parameters_of(const struct gate_request *g, json_t **out, struct err *e)
{
    *out = json_object();
    for (size_t i = 0; i < g->gate->n_parameters; i++)
        json_put(*out, g->gate->parameters[i].name,
                 value_of(g->gate->parameters[i].value));
    for (const char *const *s = g->sets; s && *s; s++) {
        const char *eq = strchr(*s, '=');
        if (!eq || eq == *s)
            return err_set(e, ERR_USAGE, "--param %s: expected NAME=VALUE", *s);
        char *name = mem_strndup(*s, (size_t)(eq - *s));
        json_put(*out, name, value_of(eq + 1));
        mem_free(name);
    }
    return 0;
}

int gate_judge(const struct gate_request *g, struct wh *w, enum verdict *out,
               json_t **result, struct err *e)
{
    const struct conf_gate *c = g->gate;
    struct suite *suite = NULL;
    json_t *parameters = NULL;
    const char *dot = strchr(c->on, '.');
    char *schema = mem_strndup(c->on, dot ? (size_t)(dot - c->on) : 0);
    char *quarantine = mem_printf("quarantine.%s", c->name);
    int rc = suite_load(&suite, c->suite, e);
    if (rc == 0)
        rc = parameters_of(g, &parameters, e);
    if (rc == 0) {
        struct suite_run r = {.schema = g->relation ? g->schema : schema,
                              .relation = g->relation ? g->relation
                                          : dot       ? dot + 1
                                                      : c->on,
                              .on = c->on,
                              .where = g->where,
                              .now_ms = g->now_ms,
                              .parameters = parameters,
                              .quarantine = g->keep_rows ? quarantine : NULL,
                              .quarantine_wh = g->quarantine_wh,
                              .run_id = g->run_id};
        rc = suite_judge(suite, w, &r, out, result, e);
    }
    if (rc < 0)
        err_wrap(e, rc, "gate %s", c->name);
    json_decref(parameters);
    suite_free(suite);
    mem_free(schema);
    mem_free(quarantine);
    return rc;
}

bool gate_blocks(const struct conf_gate *g, enum verdict v)
{
    if (streq(g->block, "never"))
        return false;
    return v >= VERDICT_FAIL || (v == VERDICT_WARN && streq(g->block, "any"));
}
