/* The grammar of suite parameters: Great Expectations' names, + - * / ^ and
 * parentheses, over numbers, times, spans of time and JSON values. In: a reader at the
 * start of an expression. Out: its value. Called by parameter.c. */
#include "quality/parameter.h"

#include <ctype.h>
#include <math.h>
#include "base/json.h"
#include "base/str.h"

static int word(struct parameter_reader *r, struct parameter_value *out)
{
    char name[128];
    size_t n = 0;
    while (isalnum((unsigned char)r->at[n]) || r->at[n] == '_' ||
           (r->at[n] == '.' && isalpha((unsigned char)r->at[n + 1])))
        n++;
    if (n >= sizeof name)
        return parameter_fail(r, "name too long");
    memcpy(name, r->at, n);
    name[n] = 0;
    r->at += n;
    parameter_skip(r);
    if (*r->at == '(')
        return parameter_function(r, name, out);
    if (strcasecmp(name, "interval") == 0 && *r->at == '\'')
        return parameter_interval(r, out);
    if (!parameter_find(r, name) && (streq(name, "PI") || streq(name, "E"))) {
        *out = (struct parameter_value){.kind = VAL_NUMBER,
                                        .number = *name == 'P' ? M_PI : M_E};
        return 0;
    }
    return parameter_named(r, name, out);
}

/* ── operators ── */
static int atom(struct parameter_reader *r, struct parameter_value *out)
{
    char *end;
    int rc;
    parameter_skip(r);
    if (++r->depth > 100)
        return parameter_fail(r, "nested too deep");
    if (parameter_take(r, '(')) {
        if ((rc = parameter_expr(r, out)) == 0 && !parameter_take(r, ')')) {
            parameter_release(out);
            rc = parameter_fail(r, "expected )");
        }
        r->depth--;
        return rc;
    }
    if (parameter_take(r, '-')) {
        rc = atom(r, out);
        out->number = -out->number;
        out->ms = -out->ms;
        if (rc == 0 && (out->kind == VAL_TIME || out->kind == VAL_JSON)) {
            parameter_release(out);
            rc = parameter_fail(r, "cannot be negated");
        }
        r->depth--;
        return rc;
    }
    r->depth--;
    if (isdigit((unsigned char)*r->at) || *r->at == '.') {
        *out =
            (struct parameter_value){.kind = VAL_NUMBER, .number = strtod(r->at, &end)};
        if (end == r->at)
            return parameter_fail(r, "expected a number");
        out->is_int = !memchr(r->at, '.', (size_t)(end - r->at)) &&
                      !memchr(r->at, 'e', (size_t)(end - r->at));
        r->at = end;
        return 0;
    }
    if (isalpha((unsigned char)*r->at) || *r->at == '_')
        return word(r, out);
    return parameter_fail(r, "expected a value");
}

/* A one-row query or numeric text in arithmetic counts as its number. */
static void as_number(struct parameter_value *v)
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
    struct parameter_value n = {.kind = VAL_NUMBER,
                                .number = is_text ? d : json_number_value(j),
                                .is_int = json_is_integer(j)};
    parameter_release(v);
    *v = n;
}

static int combine(struct parameter_reader *r, char op, struct parameter_value *a,
                   struct parameter_value *b)
{
    as_number(a);
    as_number(b);
    int64_t sign = op == '-' ? -1 : 1;
    bool is_sum = op == '+' || op == '-';
    if (a->kind == VAL_NUMBER && b->kind == VAL_NUMBER) {
        double x = a->number, y = b->number;
        if (op == '/' && y == 0)
            return parameter_fail(r, "division by zero");
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
    return parameter_fail(r, "these two do not combine");
}

static int chain(struct parameter_reader *r, struct parameter_value *out,
                 const char *ops,
                 int (*part)(struct parameter_reader *, struct parameter_value *))
{
    int rc = part(r, out);
    while (rc == 0) {
        parameter_skip(r);
        char op = *r->at;
        if (!op || !strchr(ops, op))
            return 0;
        r->at++;
        struct parameter_value b = {0};
        if ((rc = part(r, &b)) == 0)
            rc = combine(r, op, out, &b);
        parameter_release(&b);
    }
    parameter_release(out);
    return rc;
}

static int expr_power(struct parameter_reader *r, struct parameter_value *out)
{
    return chain(r, out, "^", atom);
}
static int expr_product(struct parameter_reader *r, struct parameter_value *out)
{
    return chain(r, out, "*/", expr_power);
}
int parameter_expr(struct parameter_reader *r, struct parameter_value *out)
{
    return chain(r, out, "+-", expr_product);
}
