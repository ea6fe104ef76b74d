/* Suite parameters: {"$PARAMETER": "expression"} → JSON value. Great Expectations'
 * grammar (names, + - * / ^, parentheses, its functions, now(), datetime(),
 * timedelta()) and the seed's "now() - interval '5 minutes'". A bare name gives any
 * JSON value; a value
 * {"query": "select …"} gives the list of its first column. Times become warehouse text
 * "YYYY-MM-DD HH:MM:SS[.mmm]". An unknown name is an error, never a guess. */
#include "quality/check.h"

#include <ctype.h>
#include <math.h>
#include "base/json.h"
#include "base/str.h"
#include "base/timeutil.h"
#include "warehouse/wh_json.h"

enum kind { VAL_NUMBER, VAL_TIME, VAL_SPAN, VAL_JSON };
struct val {
    enum kind kind;
    double number; /* NUMBER */
    bool is_int;
    int64_t ms;   /* TIME, SPAN */
    json_t *json; /* JSON: owned */
};

struct reader {
    const struct parameters *p;
    const json_t *object; /* with its own "$PARAMETER.name" values */
    const char *text, *at;
    int depth;
    struct err *e;
};

static int expr_sum(struct reader *r, struct val *out);

static int fail(struct reader *r, const char *what)
{
    return err_set(r->e, ERR_CONFIG, "$PARAMETER \"%s\", column %zu: %s", r->text,
                   (size_t)(r->at - r->text) + 1, what);
}

static void skip(struct reader *r)
{
    while (isspace((unsigned char)*r->at))
        r->at++;
}

static bool take(struct reader *r, char c)
{
    skip(r);
    if (*r->at != c)
        return false;
    r->at++;
    return true;
}

static void val_release(struct val *v)
{
    json_decref(v->json);
    v->json = NULL;
}

/* ── named values ── */
static int query_list(struct reader *r, const char *sql, json_t **out)
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

static const json_t *find_named(const struct reader *r, const char *name)
{
    char own[160];
    const json_t *v = json_object_get(r->p->given, name);
    if (!v) {
        snprintf(own, sizeof own, "$PARAMETER.%s", name);
        v = json_object_get(r->object, own);
    }
    return v ? v : json_object_get(r->p->suite, name);
}

static int named(struct reader *r, const char *name, struct val *out)
{
    const json_t *v = find_named(r, name);
    char what[240];
    if (!v) {
        snprintf(what, sizeof what,
                 "no value for \"%.80s\": give it under the gate's parameters or with "
                 "--param %.80s=VALUE",
                 name, name);
        return fail(r, what);
    }
    if (json_is_object(v) && json_str(v, "query", NULL)) {
        out->kind = VAL_JSON;
        return query_list(r, json_str(v, "query", ""), &out->json);
    }
    if (json_is_number(v)) {
        *out = (struct val){.kind = VAL_NUMBER,
                            .number = json_number_value(v),
                            .is_int = json_is_integer(v)};
        return 0;
    }
    *out = (struct val){.kind = VAL_JSON, .json = json_deep_copy(v)};
    return 0;
}

/* ── spans and times ── */
static int64_t unit_ms(const char *word, size_t n)
{
    static const struct {
        const char *name;
        int64_t ms;
    } units[] = {{"millisecond", 1}, {"second", 1000},  {"minute", 60000},
                 {"hour", 3600000},  {"day", 86400000}, {"week", 604800000}};
    if (n && word[n - 1] == 's')
        n--;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strlen(units[i].name) == n && strncasecmp(units[i].name, word, n) == 0)
            return units[i].ms;
    return 0;
}

/* '5 minutes 30 seconds' */
static int interval(struct reader *r, struct val *out)
{
    *out = (struct val){.kind = VAL_SPAN};
    if (!take(r, '\''))
        return fail(r, "expected a quoted interval as in interval '5 minutes'");
    while (!take(r, '\'')) {
        char *end;
        skip(r);
        double n = strtod(r->at, &end);
        if (end == r->at)
            return fail(r, "expected a number and a unit");
        r->at = end;
        skip(r);
        const char *word = r->at;
        while (isalpha((unsigned char)*r->at))
            r->at++;
        int64_t unit = unit_ms(word, (size_t)(r->at - word));
        if (!unit)
            return fail(
                r, "expected milliseconds, seconds, minutes, hours, days or weeks");
        out->ms += (int64_t)llround(n * (double)unit);
    }
    return 0;
}

struct call_arg {
    char name[32]; /* "" positional */
    double number;
};

static int call_args(struct reader *r, struct call_arg *args, size_t max, size_t *n)
{
    *n = 0;
    if (!take(r, '('))
        return fail(r, "expected (");
    while (!take(r, ')')) {
        if (*n == max)
            return fail(r, "too many arguments");
        if (*n && !take(r, ','))
            return fail(r, "expected , or )");
        struct call_arg *a = &args[*n];
        struct val v = {0};
        const char *start = (skip(r), r->at);
        size_t len = 0;
        while (isalpha((unsigned char)start[len]) || start[len] == '_')
            len++;
        a->name[0] = 0;
        const char *after = start + len;
        while (isspace((unsigned char)*after))
            after++;
        if (len && len < sizeof a->name && *after == '=') {
            memcpy(a->name, start, len);
            a->name[len] = 0;
            r->at = after + 1;
        }
        int rc = expr_sum(r, &v);
        if (rc < 0)
            return rc;
        if (v.kind != VAL_NUMBER) {
            val_release(&v);
            return fail(r, "expected a number");
        }
        a->number = v.number;
        ++*n;
    }
    return 0;
}

static int timedelta(struct reader *r, struct val *out)
{
    static const char *const order[] = {
        "days", "seconds", "microseconds", "milliseconds", "minutes", "hours", "weeks"};
    struct call_arg a[8];
    size_t n;
    int rc = call_args(r, a, 8, &n);
    if (rc < 0)
        return rc;
    *out = (struct val){.kind = VAL_SPAN};
    for (size_t i = 0; i < n; i++) {
        const char *name = *a[i].name ? a[i].name : i < 7 ? order[i] : "";
        bool is_micro = streq(name, "microseconds");
        int64_t unit = is_micro ? 1 : unit_ms(name, strlen(name));
        if (!unit)
            return fail(r, "timedelta takes weeks, days, hours, minutes, seconds, "
                           "milliseconds, microseconds");
        out->ms += (int64_t)llround(a[i].number * (double)unit / (is_micro ? 1000 : 1));
    }
    return 0;
}

static int datetime_call(struct reader *r, struct val *out)
{
    static const char *const order[] = {"year", "month",  "day",
                                        "hour", "minute", "second"};
    struct call_arg a[6];
    size_t n;
    int v[6] = {0, 0, 0, 0, 0, 0};
    int rc = call_args(r, a, 6, &n);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < n; i++) {
        size_t k = i;
        for (size_t j = 0; *a[i].name && j < 6; j++)
            if (streq(order[j], a[i].name))
                k = j;
        v[k] = (int)a[i].number;
    }
    if (v[0] < 1970 || v[0] > 9999 || v[1] < 1 || v[1] > 12 || v[2] < 1 || v[2] > 31)
        return fail(r, "datetime(year, month, day, …) is out of range");
    struct time_civil c = {v[0], v[1], v[2], v[3], v[4], v[5], 0};
    *out = (struct val){.kind = VAL_TIME, .ms = time_from_civil(&c)};
    return 0;
}

/* ── functions of numbers ── */
static double fn_sgn(double x)
{
    return x > 0 ? 1 : x < 0 ? -1 : 0;
}

static int function(struct reader *r, const char *name, struct val *out)
{
    static const struct {
        const char *name;
        double (*fn)(double);
    } fns[] = {{"sin", sin},  {"cos", cos},     {"tan", tan},    {"exp", exp},
               {"abs", fabs}, {"trunc", trunc}, {"round", rint}, {"sgn", fn_sgn}};
    struct call_arg a[1];
    size_t n;
    int rc;
    if (streq(name, "now")) {
        if (!take(r, '(') || !take(r, ')'))
            return fail(r, "now takes no arguments");
        *out = (struct val){.kind = VAL_TIME, .ms = r->p->now_ms};
        return 0;
    }
    if (streq(name, "timedelta"))
        return timedelta(r, out);
    if (streq(name, "datetime"))
        return datetime_call(r, out);
    for (size_t i = 0; i < sizeof fns / sizeof *fns; i++) {
        if (!streq(fns[i].name, name))
            continue;
        if ((rc = call_args(r, a, 1, &n)) < 0)
            return rc;
        if (n != 1)
            return fail(r, "expected one argument");
        double v = fns[i].fn(a[0].number);
        *out = (struct val){.kind = VAL_NUMBER, .number = v, .is_int = v == floor(v)};
        return 0;
    }
    return fail(r, "unknown function");
}

static int word(struct reader *r, struct val *out)
{
    char name[128];
    size_t n = 0;
    while (isalnum((unsigned char)r->at[n]) || r->at[n] == '_' ||
           (r->at[n] == '.' && isalpha((unsigned char)r->at[n + 1])))
        n++;
    if (n >= sizeof name)
        return fail(r, "name too long");
    memcpy(name, r->at, n);
    name[n] = 0;
    r->at += n;
    skip(r);
    if (*r->at == '(')
        return function(r, name, out);
    if (strcasecmp(name, "interval") == 0 && *r->at == '\'')
        return interval(r, out);
    if (!find_named(r, name) && (streq(name, "PI") || streq(name, "E"))) {
        *out = (struct val){.kind = VAL_NUMBER, .number = *name == 'P' ? M_PI : M_E};
        return 0;
    }
    return named(r, name, out);
}

/* ── operators ── */
static int atom(struct reader *r, struct val *out)
{
    char *end;
    int rc;
    skip(r);
    if (++r->depth > 100)
        return fail(r, "nested too deep");
    if (take(r, '(')) {
        if ((rc = expr_sum(r, out)) == 0 && !take(r, ')')) {
            val_release(out);
            rc = fail(r, "expected )");
        }
        r->depth--;
        return rc;
    }
    if (take(r, '-')) {
        rc = atom(r, out);
        out->number = -out->number;
        out->ms = -out->ms;
        if (rc == 0 && (out->kind == VAL_TIME || out->kind == VAL_JSON)) {
            val_release(out);
            rc = fail(r, "cannot be negated");
        }
        r->depth--;
        return rc;
    }
    r->depth--;
    if (isdigit((unsigned char)*r->at) || *r->at == '.') {
        *out = (struct val){.kind = VAL_NUMBER, .number = strtod(r->at, &end)};
        if (end == r->at)
            return fail(r, "expected a number");
        out->is_int = !memchr(r->at, '.', (size_t)(end - r->at)) &&
                      !memchr(r->at, 'e', (size_t)(end - r->at));
        r->at = end;
        return 0;
    }
    if (isalpha((unsigned char)*r->at) || *r->at == '_')
        return word(r, out);
    return fail(r, "expected a value");
}

/* A one-row query or numeric text in arithmetic counts as its number. */
static void as_number(struct val *v)
{
    const json_t *j = v->json;
    double d;
    if (v->kind != VAL_JSON)
        return;
    if (json_is_array(j) && json_array_size(j) == 1)
        j = json_array_get(j, 0);
    bool is_text = json_is_string(j) && str_to_double(str_of(json_string_value(j)), &d);
    if (!is_text && !json_is_number(j))
        return;
    struct val n = {.kind = VAL_NUMBER,
                    .number = is_text ? d : json_number_value(j),
                    .is_int = json_is_integer(j)};
    val_release(v);
    *v = n;
}

static int combine(struct reader *r, char op, struct val *a, struct val *b)
{
    as_number(a);
    as_number(b);
    int64_t sign = op == '-' ? -1 : 1;
    bool is_sum = op == '+' || op == '-';
    if (a->kind == VAL_NUMBER && b->kind == VAL_NUMBER) {
        double x = a->number, y = b->number;
        if (op == '/' && y == 0)
            return fail(r, "division by zero");
        a->number = op == '+'   ? x + y
                    : op == '-' ? x - y
                    : op == '*' ? x * y
                    : op == '/' ? x / y
                                : pow(x, y);
        a->is_int = a->is_int && b->is_int && a->number == floor(a->number);
        return 0;
    }
    if (is_sum && a->kind == VAL_TIME && b->kind == VAL_SPAN) {
        a->ms += sign * b->ms;
        return 0;
    }
    if (op == '+' && a->kind == VAL_SPAN && b->kind == VAL_TIME) {
        a->ms += b->ms;
        a->kind = VAL_TIME;
        return 0;
    }
    if (is_sum && a->kind == VAL_SPAN && b->kind == VAL_SPAN) {
        a->ms += sign * b->ms;
        return 0;
    }
    if (op == '*' && a->kind == VAL_SPAN && b->kind == VAL_NUMBER) {
        a->ms = (int64_t)llround((double)a->ms * b->number);
        return 0;
    }
    if (op == '-' && a->kind == VAL_TIME && b->kind == VAL_TIME) {
        a->number = (double)(a->ms - b->ms) / 1000;
        a->kind = VAL_NUMBER;
        return 0;
    }
    return fail(r, "these two do not combine");
}

static int chain(struct reader *r, struct val *out, const char *ops,
                 int (*part)(struct reader *, struct val *))
{
    int rc = part(r, out);
    while (rc == 0) {
        skip(r);
        char op = *r->at;
        if (!op || !strchr(ops, op))
            return 0;
        r->at++;
        struct val b = {0};
        if ((rc = part(r, &b)) == 0)
            rc = combine(r, op, out, &b);
        val_release(&b);
    }
    val_release(out);
    return rc;
}

static int expr_power(struct reader *r, struct val *out)
{
    return chain(r, out, "^", atom);
}
static int expr_product(struct reader *r, struct val *out)
{
    return chain(r, out, "*/", expr_power);
}
static int expr_sum(struct reader *r, struct val *out)
{
    return chain(r, out, "+-", expr_product);
}

static json_t *val_json(struct val *v)
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
    struct reader r = {.p = p, .object = object, .text = text, .at = text, .e = e};
    struct val v = {0};
    int rc = expr_sum(&r, &v);
    if (rc < 0)
        return rc;
    skip(&r);
    if (*r.at) {
        val_release(&v);
        return fail(&r, "expected the end");
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
