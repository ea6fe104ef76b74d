/* SQL that templates run, and its answers: adapter.execute and what the macro
 * `statement` needs of it (store_result, load_result, write, render), and the object
 * _weir, by which the built-in macros reach what only the engine can do: relations of
 * any kind dropped and renamed, the transaction, the judgement before publishing. At
 * parse time nothing is run and answers are empty. */
#include "model/native.h"

#include <strings.h>
#include "base/buf.h"
#include "base/log.h"
#include "base/timeutil.h"
#include "model/context.h"
#include "model/event_time.h"

static struct render *render_of(struct jinja_call *c)
{
    return jinja_userdata(c);
}

/* ── answers ── */

struct response {
    const char *message, *code;
    int64_t rows; /* -1: unknown */
};

static struct jv *response_get(struct jinja_call *c, void *self, const char *name)
{
    const struct response *r = self;
    struct arena *mem = jinja_mem(c);
    if (streq(name, "code"))
        return jv_strz(mem, r->code);
    if (streq(name, "_message") || streq(name, "message"))
        return jv_strz(mem, r->message);
    return streq(name, "rows_affected") ? jv_int(mem, r->rows) : NULL;
}

static int response_str(void *self, struct buf *out)
{
    return buf_adds(out, ((const struct response *)self)->message);
}

static const struct jinja_class response_class = {
    .name = "AdapterResponse", .get = response_get, .str = response_str};

static struct jv *response_new(struct arena *mem, const char *message, const char *code,
                               int64_t rows)
{
    struct response *r = arena_alloc(mem, sizeof *r);
    *r = (struct response){arena_strdup(mem, message), arena_strdup(mem, code), rows};
    return jv_object(mem, &response_class, r);
}

int64_t execution_rows(const struct jv *response)
{
    bool is_mine = jv_is(response, JV_OBJECT) && jv_class(response) == &response_class;
    return is_mine ? ((const struct response *)jv_self(response))->rows : -1;
}

/* ── running ── */

/* Statements of a node that asked for it run in one transaction on its schema. */
static int begin_if_asked(struct render *r, bool is_asked, struct err *e)
{
    if (!is_asked || !r->build || wh_in_transaction(r->w))
        return 0;
    return wh_begin_on(r->w, r->item->pub.schema, e);
}

static bool is_blank(const char *sql)
{
    return !sql[strspn(sql, " \t\r\n;")];
}

/* A failure is told with the place in the model's own text, when it came from there. */
static struct jv *fail_sql(struct jinja_call *c, struct render *r, const char *sql,
                           struct err *e)
{
    if (r->build && r->item->compiled && strstr(sql, r->item->compiled))
        compile_explain(r->item, r->w, sql, e);
    return jinja_fail_err(c, e);
}

static struct jv *run_sql(struct jinja_call *c, struct render *r, const char *sql,
                          bool is_asked, bool is_fetched)
{
    struct arena *mem = jinja_mem(c);
    struct err e = {0};
    struct jv *pair[2] = {NULL, NULL};
    int64_t changed = -1;
    if (r->w && begin_if_asked(r, is_asked, &e) < 0)
        return jinja_fail_err(c, &e);
    if (!r->w || is_blank(sql) || is_fetched) {
        pair[1] = table_query(c, r, !r->w || is_blank(sql) ? NULL : sql, NULL);
        if (!pair[1])
            return NULL;
    } else {
        if (view_exec(r->w, sql, &e) < 0)
            return fail_sql(c, r, sql, &e);
        changed = wh_changes(r->w);
        pair[1] = table_query(c, r, NULL, NULL);
    }
    pair[0] = response_new(mem, "OK", "OK", changed);
    return jv_tuple(mem, pair, 2);
}

static const char *sql_of(struct jinja_call *c, struct jv *v)
{
    return v ? jv_cstr(jinja_mem(c), context_text(jinja_mem(c), v)) : NULL;
}

static bool is_true(const struct jv *v, bool fallback)
{
    return v ? jv_truth(v) : fallback;
}

struct jv *execution_execute(struct jinja_call *c, void *userdata, struct jv **args,
                             size_t n, const char *const *kw_names,
                             struct jv **kw_values, size_t n_kw)
{
    const char *sql = sql_of(c, ARG(0, "sql"));
    (void)userdata;
    return sql ? run_sql(c, render_of(c), sql, is_true(ARG(1, "auto_begin"), false),
                         is_true(ARG(2, "fetch"), false))
               : jinja_fail(c, "adapter.execute() needs SQL");
}

/* ? and %s outside of quotes become the bindings. */
static void bind(struct buf *out, const char *sql, struct jv *bindings)
{
    size_t used = 0;
    bool is_quoted = false;
    for (const char *s = sql; *s; s++) {
        bool is_slot = *s == '?' || (*s == '%' && s[1] == 's');
        is_quoted ^= *s == '\'';
        if (is_quoted || !is_slot || used >= jv_len(bindings)) {
            buf_addc(out, *s);
            continue;
        }
        execution_literal(out, jv_at(bindings, used++));
        s += *s == '%';
    }
}

void execution_literal(struct buf *out, const struct jv *v)
{
    struct buf text;
    if (jv_is(v, JV_NONE) || jv_is(v, JV_UNDEFINED)) {
        buf_adds(out, "null");
        return;
    }
    buf_init(&text, 64u << 20);
    jv_to_text(v, &text);
    if (jv_is(v, JV_INT) || jv_is(v, JV_FLOAT)) {
        buf_add(out, buf_str(&text), text.len);
    } else if (jv_is(v, JV_BOOL)) {
        buf_adds(out, jv_truth(v) ? "true" : "false");
    } else {
        buf_addc(out, '\'');
        for (size_t i = 0; i < text.len; i++) {
            if (text.data[i] == '\'')
                buf_addc(out, '\'');
            buf_addc(out, text.data[i]);
        }
        buf_addc(out, '\'');
    }
    buf_release(&text);
}

struct jv *execution_add_query(struct jinja_call *c, void *userdata, struct jv **args,
                               size_t n, const char *const *kw_names,
                               struct jv **kw_values, size_t n_kw)
{
    const char *sql = sql_of(c, ARG(0, "sql"));
    struct jv *bindings = ARG(2, "bindings");
    (void)userdata;
    if (!sql)
        return jinja_fail(c, "adapter.add_query() needs SQL");
    if (jv_is(bindings, JV_LIST) || jv_is(bindings, JV_TUPLE)) {
        struct buf bound;
        buf_init(&bound, 256u << 20);
        bind(&bound, sql, bindings);
        sql = arena_strdup(jinja_mem(c), buf_str(&bound));
        buf_release(&bound);
    }
    return run_sql(c, render_of(c), sql, is_true(ARG(1, "auto_begin"), true), false)
               ? jv_none()
               : NULL;
}

/* ── results by name ── */

static struct jv *keep(struct jinja_call *c, struct jv *name, struct jv *response,
                       struct jv *table)
{
    struct render *r = render_of(c);
    struct arena *mem = jinja_mem(c);
    struct jv *result = jv_dict(mem);
    jv_set(result, "response", response);
    jv_set(result, "data", table_data(table, mem));
    jv_set(result, "table", table ? table : jv_none());
    if (!r->results)
        r->results = jv_dict(mem);
    if (jv_is(name, JV_STR))
        jv_set(r->results, jv_cstr(mem, name), result);
    return jv_strz(mem, "");
}

NATIVE(fn_store_result)
{
    struct jv *response = ARG(1, "response");
    (void)userdata;
    return keep(c, ARG(0, "name"), response ? response : jv_none(),
                ARG(2, "agate_table"));
}

NATIVE(fn_store_raw_result)
{
    struct arena *mem = jinja_mem(c);
    const char *message = sql_of(c, ARG(1, "message"));
    const char *code = sql_of(c, ARG(2, "code"));
    struct jv *rows = ARG(3, "rows_affected"), *table = ARG(4, "agate_table");
    (void)userdata;
    struct jv *r = response_new(mem, message ? message : "OK", code ? code : "",
                                jv_is(rows, JV_INT) ? jv_as_int(rows) : -1);
    return keep(c, ARG(0, "name"), r, jv_is(table, JV_OBJECT) ? table : NULL);
}

NATIVE(fn_load_result)
{
    const struct render *r = render_of(c);
    const char *name = jv_cstr(jinja_mem(c), ARG(0, "name"));
    struct jv *v = r->results && name ? jv_get(r->results, name) : NULL;
    (void)userdata;
    return v ? v : jv_none();
}

/* The rows of the seed that is built. */
NATIVE(fn_load_agate_table)
{
    const struct render *r = render_of(c);
    struct jv *table = NULL;
    struct err e = {0};
    UNUSED;
    if (!r->build || r->item->pub.type != NODE_SEED)
        return jinja_fail(c, "can only load_agate_table for seeds");
    return seed_table(r->build, jinja_mem(c), &table, &e) < 0 ? jinja_fail_err(c, &e)
                                                              : table;
}

/* ── text ── */

NATIVE(fn_write)
{
    const struct render *r = render_of(c);
    const char *text = sql_of(c, ARG(0, "payload"));
    (void)userdata;
    if (r->build && text)
        materialize_write(r->build, "run", text);
    return jv_strz(jinja_mem(c), "");
}

/* A text rendered as a template, with the names of whoever asks. */
NATIVE(fn_render)
{
    struct arena *mem = jinja_mem(c);
    struct jinja_template *t;
    struct render *r = render_of(c);
    const char *text = sql_of(c, ARG(0, "string"));
    struct err e = {0};
    struct buf out;
    (void)userdata;
    if (!text || !strchr(text, '{'))
        return jv_strz(mem, text ? text : "");
    buf_init(&out, 64u << 20);
    int rc = jinja_compile_in(r->p->env, mem, r->item ? r->item->pub.path : "render",
                              text, strlen(text), &t, &e);
    if (rc == 0) {
        jinja_template_set_data(t, r->item ? r->item->package : r->p->root);
        rc = jinja_render(t, jinja_context_of(c), mem, &out, &e);
    }
    struct jv *v = rc == 0 ? jv_str(mem, buf_str(&out), out.len) : NULL;
    buf_release(&out);
    return v ? v : jinja_fail_err(c, &e);
}

static bool holds(struct jinja_call *c, struct jv *list, struct jv *one)
{
    const char *text = sql_of(c, one);
    for (size_t i = 0; jv_is(list, JV_LIST) && i < jv_len(list); i++) {
        const char *other = sql_of(c, jv_at(list, i));
        if (text && other && strcasecmp(text, other) == 0)
            return true;
    }
    return false;
}

/* The value of a key whatever its case. */
static struct jv *of_key(struct jinja_call *c, struct jv *dict, struct jv *key)
{
    struct jv *k, *v;
    const char *text = sql_of(c, key);
    for (size_t i = 0; jv_is(dict, JV_DICT) && jv_pair(dict, i, &k, &v); i++)
        if (text && strcasecmp(text, sql_of(c, k)) == 0)
            return v;
    return NULL;
}

/* {privilege: [grantee]}: what the first has and the second lacks. */
NATIVE(fn_diff_of_two_dicts)
{
    struct arena *mem = jinja_mem(c);
    struct jv *a = ARG(0, "dict_a"), *b = ARG(1, "dict_b"), *out = jv_dict(mem), *k, *v;
    (void)userdata;
    for (size_t i = 0; jv_is(a, JV_DICT) && jv_pair(a, i, &k, &v); i++) {
        struct jv *more = jv_list(mem), *known = of_key(c, b, k);
        if (!jv_is(v, JV_LIST))
            v = jv_tuple(mem, &v, 1);
        for (size_t n_one = 0; n_one < jv_len(v); n_one++)
            if (!holds(c, known, jv_at(v, n_one)))
                jv_append(more, jv_at(v, n_one));
        if (jv_len(more))
            jv_setv(out, k, more);
    }
    return out;
}

/* ── _weir ── */

NATIVE(weir_is_incremental)
{
    const struct render *r = render_of(c);
    UNUSED;
    if (!r->is_execute || !r->w || !r->item || r->full_refresh ||
        !streq(r->item->pub.materialized, "incremental"))
        return jv_bool(false);
    if (r->has_existing) /* hooks after the build are told what was there before it */
        return jv_bool(r->existing == WH_TABLE);
    return jv_bool(wh_relation_type(r->w, r->item->pub.schema, r->item->pub.alias) ==
                   WH_TABLE);
}

static struct jv *done(struct jinja_call *c, int rc, const struct err *e)
{
    return rc < 0 ? jinja_fail_err(c, e) : jv_strz(jinja_mem(c), "");
}

NATIVE(weir_begin)
{
    struct err e = {0};
    struct render *r = render_of(c);
    UNUSED;
    return done(c, r->w ? begin_if_asked(r, true, &e) : 0, &e);
}

NATIVE(weir_end_transaction)
{
    struct err e = {0};
    const struct render *r = render_of(c);
    UNUSED;
    bool is_open = r->w && r->build && wh_in_transaction(r->w);
    return done(c, is_open ? wh_commit(r->w, &e) : 0, &e);
}

NATIVE(weir_drop)
{
    struct err e = {0};
    const struct render *r = render_of(c);
    const char *schema, *name;
    (void)userdata;
    bool is_there = r->w && relation_parts(ARG(0, "relation"), &schema, &name) && name;
    return done(c, is_there ? wh_drop(r->w, schema ? schema : WH_TEMP, name, &e) : 0,
                &e);
}

NATIVE(weir_rename)
{
    struct err e = {0};
    const struct render *r = render_of(c);
    const char *schema, *from, *other, *to;
    (void)userdata;
    if (!r->w || !relation_parts(ARG(0, "from"), &schema, &from) ||
        !relation_parts(ARG(1, "to"), &other, &to) || !from || !to)
        return jv_strz(jinja_mem(c), "");
    return done(c, wh_rename(r->w, schema ? schema : WH_TEMP, from, to, &e), &e);
}

NATIVE(weir_create_schema)
{
    struct err e = {0};
    const struct render *r = render_of(c);
    const char *schema, *name;
    (void)userdata;
    bool is_given =
        r->w && relation_parts(ARG(0, "relation"), &schema, &name) && schema;
    return done(c, is_given ? wh_schema_ensure(r->w, schema, &e) : 0, &e);
}

/* The node's tests and gates on what is about to be published. */
NATIVE(weir_judge)
{
    struct err e = {0};
    const struct render *r = render_of(c);
    const char *schema, *name;
    (void)userdata;
    bool is_late = !r->build || r->batch; /* microbatch: when all batches are done */
    if (is_late || !relation_parts(ARG(0, "relation"), &schema, &name) || !name)
        return jv_strz(jinja_mem(c), "");
    r->build->is_judged = true;
    return done(c, materialize_judge(r->build, schema ? schema : WH_TEMP, name, &e),
                &e);
}

NATIVE(weir_columns)
{
    const char *schema, *name;
    (void)userdata;
    if (!relation_parts(ARG(0, "relation"), &schema, &name))
        return jv_list(jinja_mem(c));
    return columns_of(render_of(c), jinja_mem(c), schema ? schema : WH_TEMP, name);
}

/* The rows of the batch being built, by config event_time. */
NATIVE(weir_batch_condition)
{
    const struct render *r = render_of(c);
    struct buf b;
    UNUSED;
    if (!r->batch)
        return jinja_fail(c, "there is no batch: incremental_strategy microbatch");
    buf_init(&b, 64u * 1024);
    event_condition(&b, r->p->o.adapter,
                    json_str(r->item->pub.config, "event_time", ""), &r->batch->window);
    struct jv *v = jv_str(jinja_mem(c), buf_str(&b), b.len);
    buf_release(&b);
    return v;
}

/* The run's clock as a literal, so that one run has one time. */
NATIVE(weir_now)
{
    struct arena *mem = jinja_mem(c);
    char text[32];
    UNUSED;
    return jv_strz(mem,
                   arena_printf(mem, "'%s'",
                                time_format_sql(render_of(c)->p->now_ms, true, text)));
}

NATIVE(weir_literal)
{
    struct buf b;
    (void)userdata;
    buf_init(&b, 64u << 20);
    execution_literal(&b, ARG(0, "value"));
    struct jv *v = jv_str(jinja_mem(c), buf_str(&b), b.len);
    buf_release(&b);
    return v;
}

static const struct method {
    const char *name;
    jinja_fn *fn;
} methods[] = {
    {"is_incremental", weir_is_incremental},
    {"begin", weir_begin},
    {"end_transaction", weir_end_transaction},
    {"drop", weir_drop},
    {"rename", weir_rename},
    {"create_schema", weir_create_schema},
    {"judge", weir_judge},
    {"columns", weir_columns},
    {"literal", weir_literal},
    {"now", weir_now},
    {"batch_condition", weir_batch_condition},
};

static struct jv *weir_get(struct jinja_call *c, void *self, const char *name)
{
    (void)self;
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (streq(name, methods[i].name))
            return jv_function(jinja_mem(c), name, methods[i].fn, NULL);
    return NULL;
}

static const struct jinja_class weir_class = {.name = "_weir", .get = weir_get};

/* ── adapter.commit: publishes; what no macro has judged is judged here ── */

struct jv *execution_commit(struct jinja_call *c, void *userdata, struct jv **args,
                            size_t n, const char *const *kw_names,
                            struct jv **kw_values, size_t n_kw)
{
    struct render *r = render_of(c);
    struct err e = {0};
    int rc = 0;
    UNUSED;
    if (!r->w || !r->build || !wh_in_transaction(r->w))
        return jv_strz(jinja_mem(c), "");
    const struct node *it = &r->item->pub;
    if (!r->build->is_judged && !r->batch &&
        wh_relation_type(r->w, it->schema, it->alias) != WH_ABSENT) {
        r->build->is_judged = true;
        rc = materialize_judge(r->build, it->schema, it->alias, &e);
    }
    if (rc == 0)
        rc = wh_commit(r->w, &e);
    return done(c, rc, &e);
}

/* ── context: every name of it as an item ── */

static struct jv *context_item(struct jinja_call *c, void *self, struct jv *key)
{
    const char *name = jv_cstr(jinja_mem(c), key);
    (void)self;
    return name ? jinja_lookup(c, name) : NULL;
}

NATIVE(context_get_fn)
{
    struct jv *v = context_item(c, NULL, ARG(0, "name")), *fallback = ARG(1, "default");
    (void)userdata;
    if (v && !jv_is(v, JV_UNDEFINED))
        return v;
    return fallback ? fallback : jv_none();
}

static struct jv *context_get_attr(struct jinja_call *c, void *self, const char *name)
{
    if (streq(name, "get"))
        return jv_function(jinja_mem(c), name, context_get_fn, self);
    return jinja_lookup(c, name);
}

static const struct jinja_class context_class = {
    .name = "context", .get = context_get_attr, .item = context_item};

static const struct method functions[] = {
    {"diff_of_two_dicts", fn_diff_of_two_dicts},
    {"store_result", fn_store_result},
    {"store_raw_result", fn_store_raw_result},
    {"load_result", fn_load_result},
    {"write", fn_write},
    {"render", fn_render},
    {"load_agate_table", fn_load_agate_table},
};

void execution_globals(struct project *p)
{
    struct arena *mem = &p->mem;
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        jinja_env_set(p->env, functions[i].name,
                      jv_function(mem, functions[i].name, functions[i].fn, NULL));
    jinja_env_set(p->env, "_weir", jv_object(mem, &weir_class, p));
    jinja_env_set(p->env, "context", jv_object(mem, &context_class, p));
}
