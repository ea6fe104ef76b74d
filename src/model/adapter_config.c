/* adapter.*: what the adapter knows by itself: quoting, strategies, constraints, index
 * and grant configs, types of seeds. Called through adapter.c. */
#include "model/native.h"

#include <time.h>
#include "base/buf.h"
#include "base/hash.h"
#include "base/timeutil.h"
#include "model/context.h"

static struct render *render_of(struct jinja_call *c)
{
    return jinja_userdata(c);
}

static const char *text_of_arg(struct jinja_call *c, struct jv *v)
{
    return v && !jv_is(v, JV_NONE)
               ? jv_cstr(jinja_mem(c), context_text(jinja_mem(c), v))
               : NULL;
}

/* ── quoting ── */

static struct jv *quoted(struct arena *mem, const char *name)
{
    struct buf b;
    buf_init(&b, 64u * 1024);
    buf_addc(&b, '"');
    for (; *name; name++) {
        if (*name == '"')
            buf_addc(&b, '"');
        buf_addc(&b, *name);
    }
    buf_addc(&b, '"');
    struct jv *v = jv_str(mem, buf_str(&b), b.len);
    buf_release(&b);
    return v;
}

NATIVE(adapter_quote)
{
    const char *name = text_of_arg(c, ARG(0, "identifier"));
    (void)userdata;
    return quoted(jinja_mem(c), name ? name : "");
}

NATIVE(adapter_quote_as_configured)
{
    const char *name = text_of_arg(c, ARG(0, "identifier"));
    const char *key = text_of_arg(c, ARG(1, "quote_key"));
    const json_t *conf = json_obj(render_of(c)->p->root->conf, "quoting");
    (void)userdata;
    if (key && !json_flag(conf, key, true))
        return jv_strz(jinja_mem(c), name ? name : "");
    return quoted(jinja_mem(c), name ? name : "");
}

NATIVE(adapter_quote_seed_column)
{
    const char *name = text_of_arg(c, ARG(0, "column"));
    struct jv *must = ARG(1, "quote_config");
    (void)userdata;
    bool is_plain = jv_is(must, JV_BOOL) && !jv_truth(must);
    return is_plain ? jv_strz(jinja_mem(c), name ? name : "")
                    : quoted(jinja_mem(c), name ? name : "");
}

/* ── incremental strategies ── */

static bool is_one_of(const char *s, const char *const *list)
{
    for (; *list; list++)
        if (streq(s, *list))
            return true;
    return false;
}

NATIVE(adapter_strategy_macro)
{
    static const char *const builtin[] = {"append",           "delete+insert", "merge",
                                          "insert_overwrite", "microbatch",    NULL};
    static const char *const valid[] = {"append", "delete+insert", "merge",
                                        "microbatch", NULL};
    struct arena *mem = jinja_mem(c);
    const char *strategy = text_of_arg(c, ARG(1, "strategy"));
    (void)userdata;
    strategy = strategy ? strategy : "default";
    if (is_one_of(strategy, builtin) && !is_one_of(strategy, valid))
        return jinja_fail(
            c, "The incremental strategy '%s' is not valid for this adapter", strategy);
    char *name = arena_printf(mem, "get_incremental_%s_sql", strategy);
    for (char *s = name; *s; s++)
        if (*s == '+')
            *s = '_';
    struct jv *fn = jinja_lookup(c, name);
    if (fn && !jv_is(fn, JV_UNDEFINED))
        return fn;
    return jinja_fail(c,
                      "dbt could not find an incremental strategy macro with the name "
                      "\"%s\" in %s",
                      name, render_of(c)->p->root->name);
}

NATIVE(adapter_hard_deletes)
{
    struct arena *mem = jinja_mem(c);
    const json_t *config = render_of(c)->item ? render_of(c)->item->pub.config : NULL;
    const char *how = json_str(config, "hard_deletes", NULL);
    bool is_old = config_flag(config, "invalidate_hard_deletes", false);
    UNUSED;
    if (how && json_object_get(config, "invalidate_hard_deletes"))
        return jinja_fail(c, "You cannot set both the invalidate_hard_deletes and "
                             "hard_deletes config properties on the same snapshot.");
    if (how && !streq(how, "ignore") && !streq(how, "invalidate") &&
        !streq(how, "new_record"))
        return jinja_fail(c, "Invalid setting for property hard_deletes.");
    return jv_strz(mem, how ? how : is_old ? "invalidate" : "ignore");
}

/* ── indexes: {columns: [a], unique: true, type: btree} ── */

struct index {
    struct jv *columns, *type;
    bool is_unique;
};

/* A name that the next build's index of the same columns does not have yet. */
NATIVE(index_render)
{
    const struct index *x = userdata;
    struct arena *mem = jinja_mem(c);
    struct timespec now;
    char hex[33];
    struct buf b;
    buf_init(&b, 64u * 1024);
    clock_gettime(CLOCK_REALTIME, &now);
    jv_to_text(x->columns, &b);
    jv_to_text(context_text(mem, ARG(0, "relation")), &b);
    buf_addf(&b, "%d %lld.%09ld", x->is_unique, (long long)now.tv_sec, now.tv_nsec);
    hash_md5_hex(buf_str(&b), b.len, hex);
    buf_release(&b);
    return jv_strz(mem, hex);
}

static struct jv *index_get(struct jinja_call *c, void *self, const char *name)
{
    const struct index *x = self;
    if (streq(name, "columns"))
        return x->columns;
    if (streq(name, "unique"))
        return jv_bool(x->is_unique);
    if (streq(name, "type"))
        return x->type;
    return streq(name, "render") ? jv_function(jinja_mem(c), name, index_render, self)
                                 : NULL;
}

static const struct jinja_class index_class = {.name = "IndexConfig", .get = index_get};

NATIVE(adapter_parse_index)
{
    struct arena *mem = jinja_mem(c);
    struct jv *raw = ARG(0, "raw_index");
    (void)userdata;
    struct jv *columns = jv_is(raw, JV_DICT) ? jv_get(raw, "columns") : NULL;
    if (!jv_is(columns, JV_LIST))
        return jinja_fail(c, "Could not parse index config: an index needs columns, a "
                             "list of names");
    struct jv *unique = jv_get(raw, "unique"), *type = jv_get(raw, "type");
    struct index *x = arena_alloc(mem, sizeof *x);
    *x = (struct index){columns, type ? type : jv_none(), unique && jv_truth(unique)};
    return jv_object(mem, &index_class, x);
}

/* ── grants ── */

/* Rows (grantee, privilege_type) → {privilege: [grantee]}. */
NATIVE(adapter_grants)
{
    struct arena *mem = jinja_mem(c);
    struct jv *out = jv_dict(mem), *rows = table_data(ARG(0, "grants_table"), mem);
    (void)userdata;
    for (size_t i = 0; i < jv_len(rows); i++) {
        struct jv *row = jv_at(rows, i);
        const char *privilege = jv_len(row) > 1 ? text_of_arg(c, jv_at(row, 1)) : NULL;
        if (!privilege)
            continue;
        if (!jv_get(out, privilege))
            jv_set(out, privilege, jv_list(mem));
        jv_append(jv_get(out, privilege), jv_at(row, 0));
    }
    return out;
}

/* ── constraints as DDL ── */

static struct jv *field(const struct jv *d, const char *key)
{
    struct jv *v = jv_is(d, JV_DICT) ? jv_get(d, key) : NULL;
    return v && !jv_is(v, JV_NONE) ? v : NULL;
}

static void add_names(struct jinja_call *c, struct buf *out, const struct jv *list)
{
    for (size_t i = 0; jv_is(list, JV_LIST) && i < jv_len(list); i++)
        buf_addf(out, "%s%s", i ? ", " : "", text_of_arg(c, jv_at(list, i)));
}

/* "ref('x')" → the relation that it is. */
static const char *relation_named(struct jinja_call *c, const char *call)
{
    struct arena *mem = jinja_mem(c);
    char *text = arena_printf(mem, "{{ %s }}", call);
    struct jv *v = NULL;
    struct err e = {0};
    if (jinja_eval(jinja_env_of(c), text, strlen(text), jinja_context_of(c), mem, &v,
                   &e) < 0)
        return call;
    return text_of_arg(c, v);
}

/* one: {type, expression, name, columns, to, to_columns}. Of a column: "not null"; of a
 * model: "unique (a, b)". */
static void add_constraint(struct jinja_call *c, struct buf *out, struct jv *one,
                           bool is_model)
{
    const char *type = text_of_arg(c, field(one, "type"));
    const char *expression = text_of_arg(c, field(one, "expression"));
    const char *name = text_of_arg(c, field(one, "name"));
    const char *to = text_of_arg(c, field(one, "to"));
    expression = expression ? expression : "";
    /* SQLite: a key to another file's table is not possible, and none is enforced */
    bool is_sqlite = streq(render_of(c)->p->o.adapter, "sqlite");
    if (!type || (is_sqlite && streq(type, "foreign_key")))
        return;
    if (to && strchr(to, '('))
        to = relation_named(c, to);
    if (is_model && name)
        buf_addf(out, "constraint %s ", name);
    if (streq(type, "check"))
        buf_addf(out, "check (%s)", expression);
    else if (streq(type, "custom"))
        buf_adds(out, expression);
    else if (streq(type, "not_null"))
        buf_addf(out, "not null %s", expression);
    else if (streq(type, "unique") || streq(type, "primary_key") ||
             streq(type, "foreign_key")) {
        buf_adds(out, streq(type, "unique")                    ? "unique"
                      : is_model && streq(type, "foreign_key") ? "foreign key"
                      : streq(type, "primary_key")             ? "primary key"
                                                               : "");
        if (is_model) {
            buf_adds(out, " (");
            add_names(c, out, field(one, "columns"));
            buf_addc(out, ')');
        }
        if (streq(type, "foreign_key")) {
            buf_addf(out, "%sreferences %s", is_model ? " " : "", to ? to : expression);
            if (to) {
                buf_adds(out, " (");
                add_names(c, out, field(one, "to_columns"));
                buf_addc(out, ')');
            }
        } else if (*expression) {
            buf_addf(out, " %s", expression);
        }
    }
}

static struct jv *taken(struct jinja_call *c, struct buf *b)
{
    while (b->len && b->data[b->len - 1] == ' ')
        b->len--;
    struct jv *v = jv_str(jinja_mem(c), b->len ? b->data : "", b->len);
    buf_release(b);
    return v;
}

NATIVE(adapter_columns_constraints)
{
    struct arena *mem = jinja_mem(c);
    struct jv *raw = ARG(0, "raw_columns"), *list = jv_list(mem), *key, *column;
    (void)userdata;
    for (size_t i = 0; jv_is(raw, JV_DICT) && jv_pair(raw, i, &key, &column); i++) {
        struct buf b;
        const char *name = text_of_arg(c, field(column, "name"));
        const char *type = text_of_arg(c, field(column, "data_type"));
        struct jv *quote = field(column, "quote"),
                  *constraints = field(column, "constraints");
        buf_init(&b, 1u << 20);
        if (quote && jv_truth(quote) && name)
            name = jv_cstr(mem, quoted(mem, name));
        buf_addf(&b, "%s %s", name ? name : "", type ? type : "");
        for (size_t k = 0; jv_is(constraints, JV_LIST) && k < jv_len(constraints);
             k++) {
            buf_addc(&b, ' ');
            add_constraint(c, &b, jv_at(constraints, k), false);
        }
        jv_append(list, taken(c, &b));
    }
    return list;
}

NATIVE(adapter_model_constraints)
{
    struct jv *raw = ARG(0, "raw_constraints"), *list = jv_list(jinja_mem(c));
    (void)userdata;
    for (size_t i = 0; jv_is(raw, JV_LIST) && i < jv_len(raw); i++) {
        struct buf b;
        buf_init(&b, 1u << 20);
        add_constraint(c, &b, jv_at(raw, i), true);
        struct jv *text = taken(c, &b);
        if (jv_len(text))
            jv_append(list, text);
    }
    return list;
}

/* ── columns ── */

#define PROBE "weir_probe"

/* Names alone: SQLite's columns of a query have no types. */
static int query_names(struct render *r, struct arena *mem, const char *sql,
                       struct jv *list, struct err *e)
{
    struct wh_cursor *cur;
    int rc = wh_query(r->w, sql, &cur, e);
    if (rc < 0)
        return rc;
    for (int i = 0; i < wh_n_columns(cur); i++)
        jv_append(list, column_new(mem, wh_column_name(cur, i), ""));
    wh_cursor_close(cur);
    return 0;
}

/* Names and types: those of a temp table made of the query. */
static int query_types(struct render *r, struct arena *mem, const char *sql,
                       struct jv **list, struct err *e)
{
    int rc = wh_drop(r->w, WH_TEMP, PROBE, e);
    if (rc == 0)
        rc = wh_create_table_as(r->w, WH_TEMP, PROBE, sql, e);
    if (rc == 0)
        *list = columns_of(r, mem, WH_TEMP, PROBE);
    if (rc == 0)
        rc = wh_drop(r->w, WH_TEMP, PROBE, e);
    return rc;
}

NATIVE(adapter_query_columns)
{
    struct arena *mem = jinja_mem(c);
    struct render *r = render_of(c);
    const char *sql = text_of_arg(c, ARG(0, "sql"));
    struct err e = {0};
    struct jv *list = jv_list(mem);
    (void)userdata;
    if (!r->w || !sql)
        return list;
    int rc = streq(wh_kind(r->w), "sqlite") ? query_names(r, mem, sql, list, &e)
                                            : query_types(r, mem, sql, &list, &e);
    return rc < 0 ? jinja_fail_err(c, &e) : list;
}

static bool has_name(struct jv *columns, const char *wanted)
{
    const char *name, *type;
    for (size_t i = 0; i < jv_len(columns); i++)
        if (column_parts(jv_at(columns, i), &name, &type) &&
            strcasecmp(name, wanted) == 0)
            return true;
    return false;
}

/* A table of the snapshot's name must be one that snapshots made. */
NATIVE(adapter_snapshot_target)
{
    static const char *const needed[] = {"dbt_scd_id", "dbt_valid_from",
                                         "dbt_valid_to"};
    struct jv *names = ARG(1, "column_names");
    const char *schema, *name;
    (void)userdata;
    if (!render_of(c)->w || !relation_parts(ARG(0, "relation"), &schema, &name))
        return jv_none();
    struct jv *columns = columns_of(render_of(c), jinja_mem(c), schema, name);
    for (size_t i = 0; i < 3; i++) {
        const char *own = text_of_arg(c, field(names, needed[i]));
        own = own ? own : needed[i];
        if (!has_name(columns, own))
            return jinja_fail(c,
                              "Snapshot target is missing configured columns: %s. See "
                              "snapshot_meta_column_names",
                              own);
    }
    return jv_none();
}

NATIVE(adapter_supports)
{
    UNUSED;
    (void)c;
    return jv_bool(false);
}

NATIVE(adapter_none)
{
    UNUSED;
    (void)c;
    return jv_none();
}

/* What the cells of a seed's column are, as a type. */
static const char *type_of_cells(struct jv *rows, size_t column)
{
    bool has_int = false, has_float = false, has_bool = false, has_text = false;
    bool has_date = false, has_time = false;
    for (size_t i = 0; i < jv_len(rows); i++) {
        const struct jv *cell = jv_at(jv_at(rows, i), column);
        int64_t at;
        bool is_time = jv_is(cell, JV_STR) && time_parse_iso(jv_as_str(cell), &at);
        has_int |= jv_is(cell, JV_INT);
        has_float |= jv_is(cell, JV_FLOAT);
        has_bool |= jv_is(cell, JV_BOOL);
        has_date |= is_time && jv_as_str(cell).n == 10;
        has_time |= is_time && jv_as_str(cell).n != 10;
        has_text |= jv_is(cell, JV_STR) && !is_time;
    }
    bool has_when = has_date || has_time, has_number = has_int || has_float;
    if (has_text || has_when + has_number + has_bool != 1)
        return "text";
    return has_time    ? "timestamp without time zone"
           : has_date  ? "date"
           : has_float ? "float8"
           : has_int   ? "integer"
                       : "boolean";
}

NATIVE(adapter_convert_type)
{
    struct arena *mem = jinja_mem(c);
    struct jv *rows = table_data(ARG(0, "agate_table"), mem), *at = ARG(1, "col_idx");
    (void)userdata;
    return jv_strz(mem,
                   type_of_cells(rows, jv_is(at, JV_INT) ? (size_t)jv_as_int(at) : 0));
}

static const struct method {
    const char *name;
    jinja_fn *fn;
} methods[] = {
    {"quote", adapter_quote},
    {"quote_as_configured", adapter_quote_as_configured},
    {"quote_seed_column", adapter_quote_seed_column},
    {"get_incremental_strategy_macro", adapter_strategy_macro},
    {"get_hard_deletes_behavior", adapter_hard_deletes},
    {"parse_index", adapter_parse_index},
    {"standardize_grants_dict", adapter_grants},
    {"render_raw_columns_constraints", adapter_columns_constraints},
    {"render_raw_model_constraints", adapter_model_constraints},
    {"get_column_schema_from_query", adapter_query_columns},
    {"valid_snapshot_target", adapter_snapshot_target},
    {"assert_valid_snapshot_target_given_strategy", adapter_snapshot_target},
    {"convert_type", adapter_convert_type},
    {"supports", adapter_supports},
    {"expand_target_column_types", adapter_none},
    {"expand_column_types", adapter_none},
};

struct jv *adapter_more(struct jinja_call *c, const char *name)
{
    if (streq(name, "behavior")) /* flags of adapters: all off */
        return jv_dict(jinja_mem(c));
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (streq(name, methods[i].name))
            return jv_function(jinja_mem(c), name, methods[i].fn, NULL);
    return NULL;
}
