/* What is written as a call or an interval in a suite parameter: now(), timedelta(),
 * datetime(), the functions of numbers, and the seed's "interval '5 minutes'". In: a
 * reader behind the name. Out: a value. Called by parameter_expr.c. */
#include "quality/parameter.h"

#include <ctype.h>
#include <math.h>
#include "base/str.h"
#include "base/timeutil.h"

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
int parameter_interval(struct parameter_reader *r, struct parameter_value *out)
{
    *out = (struct parameter_value){.kind = VAL_SPAN};
    if (!parameter_take(r, '\''))
        return parameter_fail(r,
                              "expected a quoted interval as in interval '5 minutes'");
    while (!parameter_take(r, '\'')) {
        char *end;
        parameter_skip(r);
        double n = strtod(r->at, &end);
        if (end == r->at)
            return parameter_fail(r, "expected a number and a unit");
        r->at = end;
        parameter_skip(r);
        const char *word = r->at;
        while (isalpha((unsigned char)*r->at))
            r->at++;
        int64_t unit = unit_ms(word, (size_t)(r->at - word));
        if (!unit)
            return parameter_fail(
                r, "expected milliseconds, seconds, minutes, hours, days or weeks");
        out->ms += (int64_t)llround(n * (double)unit);
    }
    return 0;
}

struct call_arg {
    char name[32]; /* "" positional */
    double number;
};

static int call_args(struct parameter_reader *r, struct call_arg *args, size_t max,
                     size_t *n)
{
    *n = 0;
    if (!parameter_take(r, '('))
        return parameter_fail(r, "expected (");
    while (!parameter_take(r, ')')) {
        if (*n == max)
            return parameter_fail(r, "too many arguments");
        if (*n && !parameter_take(r, ','))
            return parameter_fail(r, "expected , or )");
        struct call_arg *a = &args[*n];
        struct parameter_value v = {0};
        const char *start = (parameter_skip(r), r->at);
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
        int rc = parameter_expr(r, &v);
        if (rc < 0)
            return rc;
        if (v.kind != VAL_NUMBER) {
            parameter_release(&v);
            return parameter_fail(r, "expected a number");
        }
        a->number = v.number;
        ++*n;
    }
    return 0;
}

static int timedelta(struct parameter_reader *r, struct parameter_value *out)
{
    static const char *const order[] = {
        "days", "seconds", "microseconds", "milliseconds", "minutes", "hours", "weeks"};
    struct call_arg a[8];
    size_t n;
    int rc = call_args(r, a, 8, &n);
    if (rc < 0)
        return rc;
    *out = (struct parameter_value){.kind = VAL_SPAN};
    for (size_t i = 0; i < n; i++) {
        const char *name = *a[i].name ? a[i].name : i < 7 ? order[i] : "";
        bool is_micro = streq(name, "microseconds");
        int64_t unit = is_micro ? 1 : unit_ms(name, strlen(name));
        if (!unit)
            return parameter_fail(
                r, "timedelta takes weeks, days, hours, minutes, seconds, "
                   "milliseconds, microseconds");
        out->ms += (int64_t)llround(a[i].number * (double)unit / (is_micro ? 1000 : 1));
    }
    return 0;
}

static int datetime_call(struct parameter_reader *r, struct parameter_value *out)
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
        return parameter_fail(r, "datetime(year, month, day, …) is out of range");
    struct time_civil c = {v[0], v[1], v[2], v[3], v[4], v[5], 0};
    *out = (struct parameter_value){.kind = VAL_TIME, .ms = time_from_civil(&c)};
    return 0;
}

/* ── functions of numbers ── */
static double fn_sgn(double x)
{
    return x > 0 ? 1 : x < 0 ? -1 : 0;
}

int parameter_function(struct parameter_reader *r, const char *name,
                       struct parameter_value *out)
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
        if (!parameter_take(r, '(') || !parameter_take(r, ')'))
            return parameter_fail(r, "now takes no arguments");
        *out = (struct parameter_value){.kind = VAL_TIME, .ms = r->p->now_ms};
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
            return parameter_fail(r, "expected one argument");
        double v = fns[i].fn(a[0].number);
        *out = (struct parameter_value){
            .kind = VAL_NUMBER, .number = v, .is_int = v == floor(v)};
        return 0;
    }
    return parameter_fail(r, "unknown function");
}
