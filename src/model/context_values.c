/* The rest of what a template sees: return, log, JSON and YAML, sets, exceptions, the
 * run's start, the graph. None of them changes the project; registered by
 * context_globals. */
#include "model/native.h"

#include <stdlib.h>
#include "base/buf.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/timeutil.h"
#include "model/context.h"
#include "model/yaml.h"

static struct render *render_of(struct jinja_call *c)
{
    return jinja_userdata(c);
}

struct jv *context_text(struct arena *mem, struct jv *v)
{
    struct buf b;
    if (jv_is(v, JV_STR))
        return v;
    buf_init(&b, 64u << 20);
    jv_to_text(v, &b);
    struct jv *s = jv_str(mem, buf_str(&b), b.len);
    buf_release(&b);
    return s;
}

/* ── small ones ── */

NATIVE(fn_return)
{
    struct jv *v = ARG(0, "data");
    (void)userdata;
    return jinja_return(c, v ? v : jv_none());
}

NATIVE(fn_log)
{
    struct arena *mem = jinja_mem(c);
    struct jv *msg = ARG(0, "msg"), *info = ARG(1, "info");
    bool is_print = userdata != NULL;
    if (msg && render_of(c)->is_execute) {
        const char *text = jv_cstr(mem, context_text(mem, msg));
        if (is_print || (info && jv_truth(info)))
            log_info("%s", text);
        else
            log_debug("%s", text);
    }
    return jv_strz(mem, "");
}

NATIVE(fn_tojson)
{
    struct jv *sort = ARG(2, "sort_keys");
    struct jv *v = ARG(0, "value");
    (void)userdata;
    return v ? jinja_to_json(c, v, -1, sort && jv_truth(sort)) : jv_none();
}

NATIVE(fn_toyaml)
{
    struct arena *mem = jinja_mem(c);
    struct jv *v = ARG(0, "value"), *fallback = ARG(1, "default");
    json_t *json = v ? jv_to_json(v) : NULL;
    struct buf text;
    (void)userdata;
    if (!json)
        return fallback ? fallback : jv_none();
    buf_init(&text, 16u << 20);
    yaml_write(&text, json);
    struct jv *out = jv_str(mem, buf_str(&text), text.len);
    buf_release(&text);
    json_decref(json);
    return out;
}

static struct jv *parsed(struct jinja_call *c, struct jv *text, struct jv *fallback,
                         bool is_yaml)
{
    struct arena *mem = jinja_mem(c);
    struct err e = {0};
    json_t *v = NULL;
    if (!jv_is(text, JV_STR))
        return fallback ? fallback : jv_none();
    struct str s = jv_as_str(text);
    int rc = is_yaml ? yaml_read("fromyaml", s.p, s.n, &v, &e)
                     : json_load_text(s.p, s.n, &v, &e);
    struct jv *out = rc == 0 && v ? jv_from_json(mem, v)
                     : fallback   ? fallback
                                  : jv_none();
    json_decref(v);
    return out;
}

NATIVE(fn_fromjson)
{
    (void)userdata;
    return parsed(c, ARG(0, "string"), ARG(1, "default"), false);
}

NATIVE(fn_fromyaml)
{
    (void)userdata;
    return parsed(c, ARG(0, "value"), ARG(1, "default"), true);
}

NATIVE(fn_set)
{
    struct jv *from = ARG(0, "value");
    struct jv *list = from ? jinja_iterate(c, from) : jv_list(jinja_mem(c));
    struct jv *out = jv_set_new(jinja_mem(c));
    (void)userdata;
    for (size_t i = 0; list && i < jv_len(list); i++)
        jv_append(out, jv_at(list, i));
    return list ? out : NULL;
}

NATIVE(fn_zip)
{
    struct arena *mem = jinja_mem(c);
    struct jv *out = jv_list(mem), *lists[16];
    size_t shortest = SIZE_MAX;
    (void)userdata, (void)kw_names, (void)kw_values, (void)n_kw;
    for (size_t i = 0; i < n && i < 16; i++) {
        if (!(lists[i] = jinja_iterate(c, args[i])))
            return NULL;
        shortest = jv_len(lists[i]) < shortest ? jv_len(lists[i]) : shortest;
    }
    for (size_t k = 0; n && k < shortest; k++) {
        struct jv *cells[16];
        for (size_t i = 0; i < n && i < 16; i++)
            cells[i] = jv_at(lists[i], k);
        jv_append(out, jv_tuple(mem, cells, n < 16 ? n : 16));
    }
    return out;
}

NATIVE(fn_local_md5)
{
    char hex[33];
    struct jv *v = ARG(0, "value");
    (void)userdata;
    if (!jv_is(v, JV_STR))
        return jinja_fail(c, "local_md5() needs a text");
    struct str s = jv_as_str(v);
    return jv_strz(jinja_mem(c), hash_md5_hex(s.p, s.n, hex));
}

NATIVE(fn_doc)
{
    struct arena *mem = jinja_mem(c);
    const char *name = jv_cstr(mem, n ? args[n - 1] : NULL);
    const char *package = n > 1 ? jv_cstr(mem, args[0]) : NULL;
    const struct render *r = render_of(c);
    const json_t *v =
        name ? docs_find(r->p, r->item ? r->item->package : NULL, package, name) : NULL;
    (void)userdata, (void)kw_names, (void)kw_values, (void)n_kw;
    if (!v)
        return jinja_fail(c, "there is no {%% docs %s %%} in the project's .md files",
                          name ? name : "");
    return jv_strz(mem, json_str(v, "block_contents", ""));
}

/* ── exceptions ── */

NATIVE(raise_error)
{
    struct arena *mem = jinja_mem(c);
    struct jv *msg = ARG(0, "msg");
    (void)userdata;
    return jinja_fail(c, "%s", msg ? jv_cstr(mem, context_text(mem, msg)) : "error");
}

NATIVE(raise_warning)
{
    struct arena *mem = jinja_mem(c);
    struct jv *msg = ARG(0, "msg");
    (void)userdata;
    if (msg && render_of(c)->is_execute)
        log_warn("%s", jv_cstr(mem, context_text(mem, msg)));
    return jv_strz(mem, "");
}

NATIVE(warn_snapshot_types)
{
    struct arena *mem = jinja_mem(c);
    const char *now =
        jv_cstr(mem, context_text(mem, ARG(0, "snapshot_time_data_type")));
    const char *own = jv_cstr(mem, context_text(mem, ARG(1, "updated_at_data_type")));
    (void)userdata;
    log_warn("Data type of snapshot table timestamp columns (%s) doesn't match derived "
             "column 'updated_at' (%s). Please update snapshot config 'updated_at'.",
             now, own);
    return jv_strz(mem, "");
}

NATIVE(raise_contract_error)
{
    (void)userdata;
    return contract_raise(c, ARG(0, "yaml_columns"), ARG(1, "sql_columns"));
}

static struct jv *exceptions_get(struct jinja_call *c, void *self, const char *name)
{
    (void)self;
    static const struct {
        const char *name;
        jinja_fn *fn;
    } own[] = {{"warn", raise_warning},
               {"warn_snapshot_timestamp_data_types", warn_snapshot_types},
               {"raise_contract_error", raise_contract_error}};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (streq(name, own[i].name))
            return jv_function(jinja_mem(c), name, own[i].fn, NULL);
    return jv_function(jinja_mem(c), name, raise_error, NULL);
}

static const struct jinja_class exceptions_class = {.name = "exceptions",
                                                    .get = exceptions_get};

/* ── run_started_at ── */

NATIVE(started_strftime)
{
    struct arena *mem = jinja_mem(c);
    const char *format = jv_cstr(mem, ARG(0, "format"));
    char text[256];
    time_t at = (time_t)(render_of(c)->p->now_ms / 1000);
    struct tm tm;
    (void)userdata;
    if (!format || !gmtime_r(&at, &tm))
        return jinja_fail(c, "strftime() needs a format");
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    size_t len = strftime(text, sizeof text, format, &tm);
#pragma GCC diagnostic pop
    return jv_str(mem, text, len);
}

NATIVE(started_iso)
{
    char text[32];
    UNUSED;
    return jv_strz(jinja_mem(c), time_format_iso(render_of(c)->p->now_ms, true, text));
}

static struct jv *started_get(struct jinja_call *c, void *self, const char *name)
{
    struct arena *mem = jinja_mem(c);
    struct time_civil t = time_civil_of(((struct project *)self)->now_ms);
    const struct {
        const char *name;
        int v;
    } parts[] = {{"year", t.year}, {"month", t.month},   {"day", t.day},
                 {"hour", t.hour}, {"minute", t.minute}, {"second", t.second}};
    for (size_t i = 0; i < 6; i++)
        if (streq(name, parts[i].name))
            return jv_int(mem, parts[i].v);
    if (streq(name, "strftime"))
        return jv_function(mem, name, started_strftime, NULL);
    if (streq(name, "isoformat"))
        return jv_function(mem, name, started_iso, NULL);
    return NULL;
}

static int started_str(void *self, struct buf *out)
{
    char text[32];
    time_format_sql(((struct project *)self)->now_ms, true, text);
    return buf_addf(out, "%s+00:00", text);
}

static const struct jinja_class started_class = {
    .name = "datetime", .get = started_get, .str = started_str};

/* ── graph ── */

static struct jv *graph_get(struct jinja_call *c, void *self, const char *name)
{
    const struct project *p = self;
    struct arena *mem = jinja_mem(c);
    enum node_type only = streq(name, "sources")     ? NODE_SOURCE
                          : streq(name, "exposures") ? NODE_EXPOSURE
                                                     : NODE_MODEL;
    if (only == NODE_MODEL && !streq(name, "nodes"))
        return NULL;
    struct jv *d = jv_dict(mem);
    for (size_t i = 0; i < p->items.n; i++) {
        struct item *it = p->items.v[i];
        enum node_type t = it->pub.type;
        bool is_node = t != NODE_SOURCE && t != NODE_EXPOSURE;
        if (only == NODE_MODEL ? !is_node : t != only)
            continue;
        json_t *j = context_node(p, it);
        jv_set(d, it->pub.unique_id, jv_from_json(mem, j));
        json_decref(j);
    }
    return d;
}

static const struct jinja_class graph_class = {.name = "graph", .get = graph_get};

/* ── registration ── */

static const struct {
    const char *name;
    jinja_fn *fn;
} functions[] = {
    {"return", fn_return},
    {"log", fn_log},
    {"tojson", fn_tojson},
    {"fromjson", fn_fromjson},
    {"fromyaml", fn_fromyaml},
    {"toyaml", fn_toyaml},
    {"set", fn_set},
    {"set_strict", fn_set},
    {"zip", fn_zip},
    {"zip_strict", fn_zip},
    {"local_md5", fn_local_md5},
    {"doc", fn_doc},
};

void context_values(struct project *p)
{
    struct arena *mem = &p->mem;
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        jinja_env_set(p->env, functions[i].name,
                      jv_function(mem, functions[i].name, functions[i].fn, NULL));
    jinja_env_set(p->env, "print", jv_function(mem, "print", fn_log, p));
    jinja_env_set(p->env, "exceptions", jv_object(mem, &exceptions_class, p));
    jinja_env_set(p->env, "graph", jv_object(mem, &graph_class, p));
    jinja_env_set(p->env, "run_started_at", jv_object(mem, &started_class, p));
}
