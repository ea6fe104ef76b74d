/* Suite parameters: {"$PARAMETER": "expression"} → JSON value. A name gives the run's,
 * the object's own or the suite's value; a value {"query": "select …"} the list of its
 * first column. The grammar is parameter_expr.c. Times become warehouse text
 * "YYYY-MM-DD HH:MM:SS[.mmm]". An unknown name is an error, never a guess. */
#include "quality/parameter.h"

#include <ctype.h>
#include <math.h>
#include "base/json.h"
#include "base/str.h"
#include "base/timeutil.h"
#include "warehouse/wh_json.h"

int parameter_fail(struct parameter_reader *r, const char *what)
{
    return err_set(r->e, ERR_CONFIG, "$PARAMETER \"%s\", column %zu: %s", r->text,
                   (size_t)(r->at - r->text) + 1, what);
}

void parameter_skip(struct parameter_reader *r)
{
    while (isspace((unsigned char)*r->at))
        r->at++;
}

bool parameter_take(struct parameter_reader *r, char c)
{
    parameter_skip(r);
    if (*r->at != c)
        return false;
    r->at++;
    return true;
}

void parameter_release(struct parameter_value *v)
{
    json_decref(v->json);
    v->json = NULL;
}

/* ── named values ── */
static int query_list(struct parameter_reader *r, const char *sql, json_t **out)
{
    struct wh_cursor *c = NULL;
    int rc = wh_query(r->p->w, sql, &c, r->e);
    if (rc < 0)
        return err_wrap(r->e, rc, "$PARAMETER \"%s\": its query", r->text);
    json_t *list = json_array();
    while ((rc = wh_next(c, r->e)) == 1)
        json_array_append_new(list, wh_value_json(wh_value(c, 0)));
    wh_cursor_close(c);
    if (rc < 0) {
        json_decref(list);
        return err_wrap(r->e, rc, "$PARAMETER \"%s\": its query", r->text);
    }
    *out = list;
    return 0;
}

const json_t *parameter_find(const struct parameter_reader *r, const char *name)
{
    char own[160];
    const json_t *v = json_object_get(r->p->given, name);
    if (!v) {
        snprintf(own, sizeof own, "$PARAMETER.%s", name);
        v = json_object_get(r->object, own);
    }
    return v ? v : json_object_get(r->p->suite, name);
}

int parameter_named(struct parameter_reader *r, const char *name,
                    struct parameter_value *out)
{
    const json_t *v = parameter_find(r, name);
    char what[240];
    if (!v) {
        snprintf(what, sizeof what,
                 "no value for \"%.80s\": give it under the gate's parameters or with "
                 "--param %.80s=VALUE",
                 name, name);
        return parameter_fail(r, what);
    }
    if (json_is_object(v) && json_str(v, "query", NULL)) {
        out->kind = VAL_JSON;
        return query_list(r, json_str(v, "query", ""), &out->json);
    }
    if (json_is_number(v)) {
        *out = (struct parameter_value){.kind = VAL_NUMBER,
                                        .number = json_number_value(v),
                                        .is_int = json_is_integer(v)};
        return 0;
    }
    *out = (struct parameter_value){.kind = VAL_JSON, .json = json_deep_copy(v)};
    return 0;
}

/* ── the whole ── */
static json_t *val_json(struct parameter_value *v)
{
    char t[32];
    switch (v->kind) {
    case VAL_NUMBER:
        return v->is_int && fabs(v->number) < 9e15 ? json_integer((json_int_t)v->number)
                                                   : json_real(v->number);
    case VAL_TIME:
        return json_string(time_format_sql(v->ms, v->ms % 1000 != 0, t));
    case VAL_SPAN:
        return json_real((double)v->ms / 1000);
    case VAL_JSON:
        break;
    }
    json_t *j = v->json;
    v->json = NULL;
    return j;
}

static int evaluate(const struct parameters *p, const json_t *object, const char *text,
                    json_t **out, struct err *e)
{
    struct parameter_reader r = {
        .p = p, .object = object, .text = text, .at = text, .e = e};
    struct parameter_value v = {0};
    int rc = parameter_expr(&r, &v);
    if (rc < 0)
        return rc;
    parameter_skip(&r);
    if (*r.at) {
        parameter_release(&v);
        return parameter_fail(&r, "expected the end");
    }
    *out = val_json(&v);
    return 0;
}

int parameters_resolve(const struct parameters *p, const json_t *v, json_t **out,
                       struct err *e)
{
    const char *text = json_str(v, "$PARAMETER", NULL), *key;
    const json_t *x;
    json_t *r = NULL;
    size_t i;
    int rc = 0;
    if (text)
        return evaluate(p, v, text, out, e);
    if (json_is_object(v)) {
        *out = json_object();
        json_object_foreach ((json_t *)(uintptr_t)v, key, x) {
            if ((rc = parameters_resolve(p, x, &r, e)) < 0)
                break;
            json_object_set_new(*out, key, r);
        }
    } else if (json_is_array(v)) {
        *out = json_array();
        json_array_foreach (v, i, x) {
            if ((rc = parameters_resolve(p, x, &r, e)) < 0)
                break;
            json_array_append_new(*out, r);
        }
    } else {
        *out = json_deep_copy(v);
    }
    if (rc < 0) {
        json_decref(*out);
        *out = NULL;
    }
    return rc;
}
