/* Suite files: Great Expectations 0.x and 1.x JSON, and the bare list the seed writes.
 * In: JSON. Out: struct suite, unknown keys kept. Called by gates and `weir gate run`.
 */
#include "quality/check.h"

#include "base/json.h"
#include "base/str.h"

const char *verdict_name(enum verdict v)
{
    static const char *const names[] = {"pass", "warn", "fail", "error"};
    return names[v];
}

static int severity_of(const json_t *item, enum severity *out, struct err *e)
{
    const char *s = json_str(item, "severity", NULL);
    if (!s)
        s = json_str(json_object_get(item, "meta"), "severity", "critical");
    if (streq(s, "critical"))
        *out = SEVERITY_CRITICAL;
    else if (streq(s, "warning"))
        *out = SEVERITY_WARNING;
    else if (streq(s, "info"))
        *out = SEVERITY_INFO;
    else
        return err_set(e, ERR_CONFIG,
                       "severity \"%s\": expected critical, warning or info", s);
    return 0;
}

static int add_item(struct suite *s, const json_t *item, struct err *e)
{
    const char *type = json_str(item, "type", NULL);
    if (!type)
        type = json_str(item, "expectation_type", NULL);
    if (!json_is_object(item) || !type)
        return err_set(e, ERR_CONFIG,
                       "expected an object with \"type\" (or \"expectation_type\")");
    const json_t *kwargs = json_object_get(item, "kwargs");
    if (kwargs && !json_is_object(kwargs))
        return err_set(e, ERR_CONFIG, "%s: \"kwargs\" must be an object", type);
    struct expectation x = {.type = mem_strdup(type)};
    x.kwargs = kwargs ? json_deep_copy(kwargs) : json_object();
    x.meta = json_incref(json_object_get(item, "meta"));
    x.whole = json_deep_copy(item);
    int rc = severity_of(item, &x.severity, e);
    vec_push(&s->items, x);
    return rc < 0 ? err_wrap(e, rc, "%s", type) : 0;
}

static json_t *parameters_of(const json_t *j)
{
    json_t *p = json_obj(j, "suite_parameters");
    if (!p)
        p = json_obj(j, "evaluation_parameters");
    return json_incref(p);
}

int suite_parse(struct suite **out, const json_t *json, const char *name, struct err *e)
{
    const json_t *list =
        json_is_array(json) ? json : json_object_get(json, "expectations");
    const json_t *item;
    size_t i;
    int rc = 0;
    if (!json_is_array(list))
        return err_set(
            e, ERR_CONFIG,
            "%s: not an expectation suite: expected \"expectations\", a list", name);
    struct suite *s = mem_alloc(sizeof *s);
    const char *own = json_str(json, "name", NULL);
    own = own ? own : json_str(json, "expectation_suite_name", name);
    s->name = mem_strdup(own);
    s->parameters = parameters_of(json);
    json_array_foreach (list, i, item)
        if ((rc = add_item(s, item, e)) < 0) {
            err_wrap(e, rc, "%s: expectation %zu", name, i + 1);
            suite_free(s);
            return rc;
        }
    *out = s;
    return 0;
}

int suite_load(struct suite **out, const char *path, struct err *e)
{
    json_t *j = NULL;
    int rc = json_load_path(path, &j, e);
    if (rc < 0)
        return rc;
    rc = suite_parse(out, j, path, e);
    json_decref(j);
    return rc;
}

void suite_free(struct suite *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->items.n; i++) {
        struct expectation *x = &s->items.v[i];
        mem_free(x->type);
        json_decref(x->kwargs);
        json_decref(x->meta);
        json_decref(x->whole);
    }
    vec_release(&s->items);
    json_decref(s->parameters);
    mem_free(s->name);
    mem_free(s);
}

const char *suite_name(const struct suite *s)
{
    return s->name;
}

size_t suite_n_expectations(const struct suite *s)
{
    return s->items.n;
}
