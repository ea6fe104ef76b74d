/* modules.datetime and modules.re, as far as templates use them: datetime and date
 * objects with arithmetic, strftime, strptime; re.match, search, findall, sub, split.
 * "Now" is the run's clock, so that one run has one time. UTC throughout. */
#include "model/native.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <time.h>
#include "base/buf.h"
#include "base/timeutil.h"
#include "model/context.h"

#define DAY_MS INT64_C(86400000)

struct moment {
    int64_t ms;
    enum { MOMENT_DATETIME, MOMENT_DATE, MOMENT_DELTA, MOMENT_UTC } kind;
};

static const struct jinja_class moment_class;

static struct jv *moment_new(struct arena *mem, int64_t ms, int kind)
{
    struct moment *m = arena_alloc(mem, sizeof *m);
    m->ms = ms;
    m->kind = kind;
    return jv_object(mem, &moment_class, m);
}

struct jv *moment_utc(struct arena *mem, int64_t ms)
{
    return moment_new(mem, ms, MOMENT_UTC);
}

static const struct moment *moment_of(const struct jv *v)
{
    return jv_is(v, JV_OBJECT) && jv_class(v) == &moment_class ? jv_self(v) : NULL;
}

static int moment_str(void *self, struct buf *out)
{
    const struct moment *m = self;
    char text[32];
    if (m->kind == MOMENT_DELTA) {
        int64_t days = m->ms / DAY_MS - (m->ms % DAY_MS < 0);
        int64_t s = (m->ms - days * DAY_MS) / 1000;
        if (days)
            buf_addf(out, "%lld day%s, ", (long long)days,
                     days == 1 || days == -1 ? "" : "s");
        return buf_addf(out, "%lld:%02lld:%02lld", (long long)(s / 3600),
                        (long long)(s / 60 % 60), (long long)(s % 60));
    }
    time_format_sql(m->ms, m->ms % 1000 != 0, text);
    if (m->kind == MOMENT_DATE)
        return buf_add(out, text, 10);
    return buf_addf(out, "%s%s%s", text, m->ms % 1000 ? "000" : "",
                    m->kind == MOMENT_UTC ? "+00:00" : "");
}

/* Python's %f, which strftime of C does not know. */
static const char *with_micros(struct arena *mem, const char *format, int64_t ms)
{
    const char *at = strstr(format, "%f");
    return !at ? format
               : arena_printf(mem, "%.*s%06d%s", (int)(at - format), format,
                              (int)(ms % 1000) * 1000, with_micros(mem, at + 2, ms));
}

NATIVE(moment_strftime)
{
    const struct moment *m = userdata;
    const char *format = jv_cstr(jinja_mem(c), ARG(0, "format"));
    char text[512];
    time_t at = (time_t)(m->ms / 1000);
    struct tm tm;
    if (!format || !gmtime_r(&at, &tm))
        return jinja_fail(c, "strftime() needs a format");
    format = with_micros(jinja_mem(c), format, m->ms);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    size_t len = strftime(text, sizeof text, format, &tm);
#pragma GCC diagnostic pop
    return jv_str(jinja_mem(c), text, len);
}

NATIVE(moment_isoformat)
{
    struct buf b;
    UNUSED;
    buf_init(&b, 256);
    moment_str(userdata, &b);
    if (b.len > 10)
        b.data[10] = 'T';
    struct jv *v = jv_str(jinja_mem(c), buf_str(&b), b.len);
    buf_release(&b);
    return v;
}

NATIVE(moment_date)
{
    const struct moment *m = userdata;
    UNUSED;
    return moment_new(jinja_mem(c), m->ms / DAY_MS * DAY_MS, MOMENT_DATE);
}

NATIVE(moment_weekday)
{
    struct time_civil t = time_civil_of(((const struct moment *)userdata)->ms);
    UNUSED;
    return jv_int(jinja_mem(c), (t.weekday + 6) % 7); /* Monday is 0 */
}

NATIVE(moment_seconds)
{
    UNUSED;
    return jv_float(jinja_mem(c),
                    (double)((const struct moment *)userdata)->ms / 1000.0);
}

static struct jv *moment_get(struct jinja_call *c, void *self, const char *name)
{
    const struct moment *m = self;
    struct arena *mem = jinja_mem(c);
    struct time_civil t = time_civil_of(m->ms < 0 ? 0 : m->ms);
    const struct {
        const char *name;
        int v;
    } parts[] = {{"year", t.year}, {"month", t.month},   {"day", t.day},
                 {"hour", t.hour}, {"minute", t.minute}, {"second", t.second}};
    static const struct {
        const char *name;
        jinja_fn *fn;
    } methods[] = {{"strftime", moment_strftime}, {"isoformat", moment_isoformat},
                   {"date", moment_date},         {"weekday", moment_weekday},
                   {"timestamp", moment_seconds}, {"total_seconds", moment_seconds}};
    if (m->kind == MOMENT_DELTA && streq(name, "days"))
        return jv_int(mem, m->ms / DAY_MS - (m->ms % DAY_MS < 0));
    for (size_t i = 0; m->kind != MOMENT_DELTA && i < 6; i++)
        if (streq(name, parts[i].name))
            return jv_int(mem, parts[i].v);
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (streq(name, methods[i].name))
            return jv_function(mem, name, methods[i].fn, self);
    return NULL;
}

/* datetime ± timedelta, datetime − datetime, timedelta ± timedelta */
static struct jv *moment_binary(struct jinja_call *c, const char *op, struct jv *a,
                                struct jv *b)
{
    const struct moment *x = moment_of(a), *y = moment_of(b);
    bool is_minus = streq(op, "-");
    if (!x || !y || (!is_minus && !streq(op, "+")))
        return NULL;
    if (y->kind == MOMENT_DELTA)
        return moment_new(jinja_mem(c), is_minus ? x->ms - y->ms : x->ms + y->ms,
                          (int)x->kind);
    if (is_minus && x->kind != MOMENT_DELTA)
        return moment_new(jinja_mem(c), x->ms - y->ms, MOMENT_DELTA);
    return !is_minus && x->kind == MOMENT_DELTA
               ? moment_new(jinja_mem(c), x->ms + y->ms, (int)y->kind)
               : NULL;
}

static bool moment_order(void *self, const struct jv *other, int *out)
{
    const struct moment *x = self, *y = moment_of(other);
    if (!y)
        return false;
    *out = (x->ms > y->ms) - (x->ms < y->ms);
    return true;
}

static bool moment_equal(void *self, const struct jv *other)
{
    int order;
    return moment_order(self, other, &order) && order == 0;
}

static const struct jinja_class moment_class = {.name = "datetime",
                                                .get = moment_get,
                                                .str = moment_str,
                                                .binary = moment_binary,
                                                .equal = moment_equal,
                                                .order = moment_order};

/* ── modules.datetime ── */

NATIVE(datetime_now)
{
    const struct render *r = jinja_userdata(c);
    UNUSED;
    return moment_new(jinja_mem(c), r->p->now_ms, MOMENT_DATETIME);
}

NATIVE(date_today)
{
    const struct render *r = jinja_userdata(c);
    UNUSED;
    return moment_new(jinja_mem(c), r->p->now_ms / DAY_MS * DAY_MS, MOMENT_DATE);
}

NATIVE(datetime_strptime)
{
    struct arena *mem = jinja_mem(c);
    const char *text = jv_cstr(mem, ARG(0, "date_string"));
    const char *format = jv_cstr(mem, ARG(1, "format"));
    struct tm tm = {.tm_mday = 1};
    (void)userdata;
    const char *end = text && format ? strptime(text, format, &tm) : NULL;
    if (!end || *end)
        return jinja_fail(c, "time data '%s' does not match format '%s'",
                          text ? text : "", format ? format : "");
    return moment_new(mem, (int64_t)timegm(&tm) * 1000, MOMENT_DATETIME);
}

NATIVE(datetime_fromiso)
{
    struct arena *mem = jinja_mem(c);
    const char *text = jv_cstr(mem, ARG(0, "date_string"));
    int64_t ms;
    (void)userdata;
    if (!text || !time_parse_iso(str_of(text), &ms))
        return jinja_fail(c, "Invalid isoformat string: '%s'", text ? text : "");
    return moment_new(mem, ms, MOMENT_DATETIME);
}

static int64_t part(struct jv *v, int64_t fallback)
{
    return jv_is(v, JV_INT) ? jv_as_int(v) : fallback;
}

static struct jv *datetime_call(struct jinja_call *c, void *self, struct jv **args,
                                size_t n, const char *const *kw_names,
                                struct jv **kw_values, size_t n_kw)
{
    struct time_civil t = {.year = (int)part(ARG(0, "year"), 1970),
                           .month = (int)part(ARG(1, "month"), 1),
                           .day = (int)part(ARG(2, "day"), 1),
                           .hour = (int)part(ARG(3, "hour"), 0),
                           .minute = (int)part(ARG(4, "minute"), 0),
                           .second = (int)part(ARG(5, "second"), 0)};
    if (t.month < 1 || t.month > 12 || t.day < 1 || t.day > 31)
        return jinja_fail(c, "day is out of range for month");
    return moment_new(jinja_mem(c), time_from_civil(&t),
                      self ? MOMENT_DATE : MOMENT_DATETIME);
}

static struct jv *datetime_get(struct jinja_call *c, void *self, const char *name)
{
    static const struct {
        const char *name;
        jinja_fn *fn;
    } methods[] = {{"now", datetime_now},
                   {"utcnow", datetime_now},
                   {"strptime", datetime_strptime},
                   {"fromisoformat", datetime_fromiso}};
    if (streq(name, "today"))
        return jv_function(jinja_mem(c), name, self ? date_today : datetime_now, NULL);
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (streq(name, methods[i].name))
            return jv_function(jinja_mem(c), name, methods[i].fn, NULL);
    return NULL;
}

static const struct jinja_class datetime_class = {
    .name = "type", .get = datetime_get, .call = datetime_call};

NATIVE(timedelta)
{
    static const struct {
        const char *name;
        size_t pos;
        double ms;
    } units[] = {{"days", 0, 86400e3}, {"seconds", 1, 1e3},  {"milliseconds", 3, 1},
                 {"minutes", 4, 60e3}, {"hours", 5, 3600e3}, {"weeks", 6, 604800e3}};
    double ms = 0;
    (void)userdata;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        struct jv *v = ARG(units[i].pos, units[i].name);
        if (jv_is(v, JV_INT) || jv_is(v, JV_FLOAT))
            ms += units[i].ms *
                  (jv_is(v, JV_INT) ? (double)jv_as_int(v) : jv_as_float(v));
    }
    return moment_new(jinja_mem(c), (int64_t)ms, MOMENT_DELTA);
}

/* ── modules.re ── */

struct found {
    struct jv *groups; /* list: the whole, then each group or None */
};

NATIVE(found_group)
{
    const struct found *f = userdata;
    struct jv *i = ARG(0, "group");
    size_t k = jv_is(i, JV_INT) && jv_as_int(i) >= 0 ? (size_t)jv_as_int(i) : 0;
    return k < jv_len(f->groups) ? jv_at(f->groups, k) : jinja_fail(c, "no such group");
}

NATIVE(found_groups)
{
    const struct found *f = userdata;
    struct jv *list = jv_list(jinja_mem(c));
    UNUSED;
    for (size_t i = 1; i < jv_len(f->groups); i++)
        jv_append(list, jv_at(f->groups, i));
    return list;
}

static struct jv *found_get(struct jinja_call *c, void *self, const char *name)
{
    if (streq(name, "group"))
        return jv_function(jinja_mem(c), name, found_group, self);
    return streq(name, "groups") ? jv_function(jinja_mem(c), name, found_groups, self)
                                 : NULL;
}

static const struct jinja_class found_class = {.name = "re.Match", .get = found_get};

static pcre2_code *compile(struct jinja_call *c, struct jv *pattern, uint32_t flags)
{
    int error;
    PCRE2_SIZE at;
    if (!jv_is(pattern, JV_STR)) {
        jinja_fail(c, "a pattern must be a text");
        return NULL;
    }
    struct str s = jv_as_str(pattern);
    pcre2_code *code =
        pcre2_compile((PCRE2_SPTR)s.p, s.n, PCRE2_UTF | flags, &error, &at, NULL);
    if (!code) {
        unsigned char why[120];
        pcre2_get_error_message(error, why, sizeof why);
        jinja_fail(c, "%s at position %zu", (char *)why, (size_t)at);
    }
    return code;
}

static struct jv *group_list(struct arena *mem, struct str s, pcre2_match_data *m)
{
    struct jv *list = jv_list(mem);
    const PCRE2_SIZE *at = pcre2_get_ovector_pointer(m);
    for (uint32_t i = 0; i < pcre2_get_ovector_count(m); i++)
        jv_append(list, at[2 * i] == PCRE2_UNSET
                            ? jv_none()
                            : jv_str(mem, s.p + at[2 * i], at[2 * i + 1] - at[2 * i]));
    return list;
}

/* userdata: PCRE2 flags (match is anchored, fullmatch at both ends). */
NATIVE(re_match)
{
    static const uint32_t flags[] = {0, PCRE2_ANCHORED,
                                     PCRE2_ANCHORED | PCRE2_ENDANCHORED};
    struct arena *mem = jinja_mem(c);
    pcre2_code *code = compile(c, ARG(0, "pattern"), flags[(intptr_t)userdata]);
    struct jv *text = ARG(1, "string"), *out = jv_none();
    if (!code)
        return NULL;
    struct str s = jv_is(text, JV_STR) ? jv_as_str(text) : STR("");
    pcre2_match_data *m = pcre2_match_data_create_from_pattern(code, NULL);
    if (pcre2_match(code, (PCRE2_SPTR)s.p, s.n, 0, 0, m, NULL) >= 0) {
        struct found *f = arena_alloc(mem, sizeof *f);
        f->groups = group_list(mem, s, m);
        out = jv_object(mem, &found_class, f);
    }
    pcre2_match_data_free(m);
    pcre2_code_free(code);
    return out;
}

/* Pieces of the text: what matched, or (split) what lies between. */
static struct jv *all_matches(struct jinja_call *c, struct jv *pattern, struct jv *text,
                              bool is_split)
{
    struct arena *mem = jinja_mem(c);
    pcre2_code *code = compile(c, pattern, 0);
    if (!code)
        return NULL;
    struct str s = jv_is(text, JV_STR) ? jv_as_str(text) : STR("");
    struct jv *list = jv_list(mem);
    pcre2_match_data *m = pcre2_match_data_create_from_pattern(code, NULL);
    size_t from = 0, last = 0;
    while (from <= s.n &&
           pcre2_match(code, (PCRE2_SPTR)s.p, s.n, from, 0, m, NULL) >= 0) {
        const PCRE2_SIZE *at = pcre2_get_ovector_pointer(m);
        struct jv *groups = group_list(mem, s, m);
        size_t n = jv_len(groups);
        if (is_split)
            jv_append(list, jv_str(mem, s.p + last, at[0] - last));
        else
            jv_append(list, n > 2 ? groups : jv_at(groups, n - 1));
        last = at[1];
        from = at[1] > at[0] ? at[1] : at[1] + 1;
    }
    if (is_split)
        jv_append(list, jv_str(mem, s.p + last, s.n - last));
    pcre2_match_data_free(m);
    pcre2_code_free(code);
    return list;
}

NATIVE(re_findall)
{
    (void)userdata;
    return all_matches(c, ARG(0, "pattern"), ARG(1, "string"), false);
}

NATIVE(re_split)
{
    (void)userdata;
    return all_matches(c, ARG(0, "pattern"), ARG(1, "string"), true);
}

/* Python's "\1" is PCRE2's "$1"; its "$" is an ordinary character. */
static void replacement(struct str s, struct buf *out)
{
    for (size_t i = 0; i < s.n; i++) {
        bool is_group =
            s.p[i] == '\\' && i + 1 < s.n && s.p[i + 1] >= '0' && s.p[i + 1] <= '9';
        if (is_group)
            buf_addf(out, "${%c}", s.p[++i]);
        else if (s.p[i] == '$')
            buf_adds(out, "$$");
        else
            buf_addc(out, s.p[i]);
    }
}

NATIVE(re_sub)
{
    struct arena *mem = jinja_mem(c);
    struct jv *text = ARG(2, "string"), *by = ARG(1, "repl");
    pcre2_code *code = compile(c, ARG(0, "pattern"), 0);
    struct buf repl;
    (void)userdata;
    if (!code)
        return NULL;
    struct str s = jv_is(text, JV_STR) ? jv_as_str(text) : STR("");
    buf_init(&repl, 1u << 20);
    replacement(jv_is(by, JV_STR) ? jv_as_str(by) : STR(""), &repl);
    PCRE2_SIZE len = s.n * 2 + (s.n + 1) * repl.len + 64;
    char *out = arena_alloc(mem, len);
    int rc =
        out ? pcre2_substitute(code, (PCRE2_SPTR)s.p, s.n, 0,
                               PCRE2_SUBSTITUTE_GLOBAL | PCRE2_SUBSTITUTE_UNSET_EMPTY,
                               NULL, NULL, (PCRE2_SPTR)buf_str(&repl), repl.len,
                               (PCRE2_UCHAR *)out, &len)
            : -1;
    pcre2_code_free(code);
    buf_release(&repl);
    return rc < 0 ? jinja_fail(c, "re.sub: the replacement is not valid")
                  : jv_str(mem, out, len);
}

/* ── registration ── */

void context_modules(struct project *p)
{
    struct arena *mem = &p->mem;
    struct jv *modules = jv_dict(mem), *dt = jv_dict(mem), *re = jv_dict(mem);
    static const struct {
        const char *name;
        jinja_fn *fn;
        intptr_t data;
    } functions[] = {{"search", re_match, 0},    {"match", re_match, 1},
                     {"fullmatch", re_match, 2}, {"findall", re_findall, 0},
                     {"split", re_split, 0},     {"sub", re_sub, 0}};
    jv_set(dt, "datetime", jv_object(mem, &datetime_class, NULL));
    jv_set(dt, "date", jv_object(mem, &datetime_class, p));
    jv_set(dt, "timedelta", jv_function(mem, "timedelta", timedelta, NULL));
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        jv_set(re, functions[i].name,
               jv_function(mem, functions[i].name, functions[i].fn,
                           (void *)functions[i].data));
    jv_set(modules, "datetime", dt);
    jv_set(modules, "re", re);
    jinja_env_set(p->env, "modules", modules);
}
