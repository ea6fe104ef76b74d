/* Filters about numbers and about values as such: int, float, round, abs, default, and
 * dbt's as_* (which convert only in native rendering, jinja_eval). */
#include "jinja/internal.h"

#include <ctype.h>
#include <math.h>

__extension__ typedef __int128 wide; /* holds any product of the digits read */

#define FILTER(name)                                                                   \
    static struct jv *name(struct jinja_call *c, struct jv *self, struct jv **s,       \
                           const struct cargs *raw __attribute__((unused)))

FILTER(f_abs)
{
    (void)s;
    int64_t i;
    if (self->type == JV_FLOAT)
        return jv_float(c->mem, fabs(self->u.d));
    if (!jv_is_intlike(self, &i))
        return is_undef(self)
                   ? fail_undefined(c, self)
                   : jinja_fail(c, "bad operand type for abs(): '%s'", type_name(self));
    return i == INT64_MIN ? jinja_fail(c, "integer overflow")
                          : jv_int(c->mem, i < 0 ? -i : i);
}

/* Python's int(text, base): signs, underscores, prefixes. 1 ok, 0 not a number, -1 too
 * large for 64 bits. */
static int text_to_int(struct str t, int base, int64_t *out)
{
    const char *p = skip_space(t.p, t.p + t.n), *end = rskip_space(p, t.p + t.n);
    bool is_negative = p < end && *p == '-', has_digit = false, is_over = false;
    wide v = 0;
    if (p < end && (*p == '-' || *p == '+'))
        p++;
    if (p + 1 < end && *p == '0') {
        int x = tolower((unsigned char)p[1]);
        int prefix = x == 'x' ? 16 : x == 'o' ? 8 : x == 'b' ? 2 : 0;
        if (prefix && (base == prefix || base == 0)) {
            base = prefix;
            p += 2;
            p += p < end && *p == '_';
        }
    }
    base = base ? base : 10;
    for (; p < end; p++) {
        if (*p == '_' && has_digit && p + 1 < end && p[1] != '_')
            continue;
        int ch = tolower((unsigned char)*p);
        int d = isdigit(ch) ? ch - '0' : isalpha(ch) ? ch - 'a' + 10 : 99;
        if (d >= base)
            return 0;
        has_digit = true;
        v = v * base + d;
        is_over |= v > (wide)INT64_MAX + is_negative;
        if (is_over)
            v = 0;
    }
    if (!has_digit)
        return 0;
    *out = (int64_t)(is_negative ? -v : v);
    return is_over ? -1 : 1;
}

/* Python's float(text). */
static bool text_to_float(struct str t, double *out)
{
    char b[400];
    size_t n = 0;
    const char *p = skip_space(t.p, t.p + t.n), *end = rskip_space(p, t.p + t.n);
    if (p == end || (size_t)(end - p) >= sizeof b)
        return false;
    for (; p < end; p++) {
        if (*p == '_' && n && isdigit((unsigned char)b[n - 1]) && p + 1 < end &&
            isdigit((unsigned char)p[1]))
            continue;
        if (*p == 'x' || *p == 'X' || *p == 'p' || *p == 'P' || *p == '(')
            return false;
        b[n++] = *p;
    }
    b[n] = 0;
    char *stop;
    *out = strtod(b, &stop);
    return stop != b && *stop == 0;
}

FILTER(f_int)
{
    int64_t i = 0;
    double d = 0;
    struct jv *fallback = s[0] ? s[0] : jv_int(c->mem, 0);
    if (jv_is_intlike(self, &i))
        return jv_int(c->mem, i);
    if (self->type == JV_STR) {
        int64_t base = s[1] && jv_is_intlike(s[1], &base) ? base : 10;
        int r =
            text_to_int(jv_as_str(self), base < 0 || base > 36 ? 10 : (int)base, &i);
        if (r > 0)
            return jv_int(c->mem, i);
        if (r < 0)
            return jinja_fail(c, "integer overflow");
        if (!text_to_float(jv_as_str(self), &d))
            return fallback;
    } else if (self->type == JV_FLOAT) {
        d = self->u.d;
    } else {
        return is_undef(self) && c->env->undef == UNDEF_STRICT ? fail_undefined(c, self)
                                                               : fallback;
    }
    if (isnan(d) || isinf(d))
        return isinf(d) ? jinja_fail(c, "cannot convert float infinity to integer")
                        : fallback;
    if (fabs(d) >= 9.2233720368547758e18)
        return jinja_fail(c, "integer overflow");
    return jv_int(c->mem, (int64_t)d);
}

FILTER(f_float)
{
    double d = 0;
    if (jv_is_num(self))
        return jv_float(c->mem, jv_as_float(self));
    if (self->type == JV_STR && text_to_float(jv_as_str(self), &d))
        return jv_float(c->mem, d);
    if (is_undef(self) && c->env->undef == UNDEF_STRICT)
        return fail_undefined(c, self);
    return s[0] ? s[0] : jv_float(c->mem, 0);
}

static double round_float(double d, int64_t places)
{
    char b[512];
    if (isnan(d) || isinf(d) || places > 300)
        return d;
    if (places >= 0) {
        if (fabs(d) > 1e100)
            return d;
        snprintf(b, sizeof b, "%.*f", (int)places, d);
        return strtod(b, NULL);
    }
    if (places < -300)
        return 0;
    double p = pow(10, (double)-places), y = d / p, z = round(y);
    if (fabs(y - z) == 0.5)
        z = 2 * round(y / 2);
    return z * p;
}

static struct jv *round_int(struct jinja_call *c, int64_t i, int64_t places)
{
    if (places >= 0)
        return jv_int(c->mem, i);
    if (places < -18)
        return jv_int(c->mem, 0);
    int64_t p = 1;
    for (int64_t k = places; k < 0; k++)
        p *= 10;
    wide q = i / p, r = i % p < 0 ? -(i % p) : i % p;
    bool is_up = 2 * r > p || (2 * r == p && q % 2);
    q += is_up ? i < 0 ? -1 : 1 : 0;
    return jv_int(c->mem, (int64_t)(q * p));
}

FILTER(f_round)
{
    int64_t places = 0, i;
    const char *how = s[1] && s[1]->type == JV_STR ? s[1]->u.s.p : "common";
    if (s[0] && !jv_is_intlike(s[0], &places))
        return jinja_fail(c, "'%s' object cannot be interpreted as an integer",
                          type_name(s[0]));
    if (!streq(how, "common") && !streq(how, "ceil") && !streq(how, "floor"))
        return jinja_fail(c, "method must be common, ceil or floor");
    if (!jv_is_num(self))
        return is_undef(self) ? fail_undefined(c, self)
                              : jinja_fail(c, "type %s doesn't define __round__ method",
                                           type_name(self));
    if (streq(how, "common"))
        return jv_is_intlike(self, &i)
                   ? round_int(c, i, places)
                   : jv_float(c->mem, round_float(self->u.d, places));
    double p = pow(10, (double)places), d = jv_as_float(self) * p;
    return jv_float(c->mem, ((*how == 'c' ? ceil(d) : floor(d)) + 0.0) / p);
}

FILTER(f_filesizeformat)
{
    static const char *const si[] = {"kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"};
    static const char *const iec[] = {"KiB", "MiB", "GiB", "TiB",
                                      "PiB", "EiB", "ZiB", "YiB"};
    bool is_binary = s[0] && jv_truth(s[0]);
    double base = is_binary ? 1024 : 1000, d = 0, unit = base;
    if (jv_is_num(self))
        d = jv_as_float(self);
    else if (self->type != JV_STR || !text_to_float(jv_as_str(self), &d))
        return jinja_fail(c, "could not convert to float: '%s'", type_name(self));
    struct buf b;
    buf_init(&b, 512);
    if (d == 1) {
        buf_adds(&b, "1 Byte");
    } else if (d < base) {
        buf_addf(&b, "%lld Bytes", (long long)d);
    } else {
        int i = 0;
        for (unit = base * base; i < 7 && d >= unit; i++)
            unit *= base;
        buf_addf(&b, "%.1f %s", base * d / unit, is_binary ? iec[i] : si[i]);
    }
    return scratch_take(c, &b);
}

FILTER(f_default)
{
    bool by_truth = s[1] && jv_truth(s[1]);
    if (is_undef(self) || (by_truth && !jv_truth(self)))
        return s[0] ? s[0] : jv_str(c->mem, "", 0);
    return self;
}

/* ── dbt's native markers ── */
/* Python literal in text → value, NULL when it is none (no failure). */
static struct jv *literal_of(struct jinja_call *c, struct jv *v)
{
    struct str t = jv_as_str(v);
    int64_t i;
    double d;
    if (v->type != JV_STR)
        return v;
    if (str_is(t, "True") || str_is(t, "False"))
        return jv_bool(str_is(t, "True"));
    if (str_is(t, "None"))
        return jv_none();
    if (t.n && (isdigit((unsigned char)t.p[0]) || t.p[0] == '-' || t.p[0] == '+' ||
                t.p[0] == '.')) {
        if (text_to_int(t, 10, &i) > 0)
            return jv_int(c->mem, i);
        if (text_to_float(t, &d))
            return jv_float(c->mem, d);
    }
    if (t.n > 1 && strchr("[{(\"'", t.p[0])) {
        struct jv *out = NULL;
        struct err e;
        return jinja_eval(c->env, t.p, t.n, NULL, c->mem, &out, &e) == 0 ? out : NULL;
    }
    return NULL;
}

FILTER(f_as_native)
{
    (void)s;
    if (!c->is_native)
        return self;
    struct jv *v = literal_of(c, self);
    return v ? v : self;
}

FILTER(f_as_bool)
{
    (void)s;
    if (!c->is_native)
        return self;
    struct jv *v = literal_of(c, self);
    if (v && v->type == JV_BOOL)
        return v;
    struct jv *t = text_of(c, self);
    return t ? jinja_fail(c, "Could not convert value '%s' into type 'bool'", t->u.s.p)
             : NULL;
}

FILTER(f_as_number)
{
    (void)s;
    if (!c->is_native)
        return self;
    struct jv *v = literal_of(c, self);
    if (v && (v->type == JV_INT || v->type == JV_FLOAT))
        return v;
    struct jv *t = text_of(c, self);
    return t ? jinja_fail(c, "Could not convert value '%s' into type 'number'",
                          t->u.s.p)
             : NULL;
}

FILTER(f_as_text)
{
    (void)s;
    return c->is_native ? text_of(c, self) : self;
}

FILTER(f_is_list)
{
    (void)c, (void)s;
    return jv_bool(self->type == JV_LIST);
}

const struct builtin num_filters[] = {
    {"abs", f_abs, "", 0},
    {"int", f_int, "default base", 0},
    {"float", f_float, "default", 0},
    {"round", f_round, "precision method", 0},
    {"filesizeformat", f_filesizeformat, "binary", 0},
    {"default", f_default, "default_value boolean", 0},
    {"d", f_default, "default_value boolean", 0},
    {"as_native", f_as_native, "", 0},
    {"as_bool", f_as_bool, "", 0},
    {"as_number", f_as_number, "", 0},
    {"as_text", f_as_text, "", 0},
    {"is_list", f_is_list, "", 0},
    {NULL, NULL, NULL, 0},
};
