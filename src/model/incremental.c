/* Incremental models after their first build: new rows into a temp table, then, in one
 * write transaction on the model's schema, column changes, delete and insert, the
 * node's tests and its gate; a failure rolls all of it back. Strategies and their
 * treatment of NULL keys (which match nothing) are dbt's (dbt.md 1.1). */
#include "model/internal.h"

#include "base/buf.h"

typedef VEC(char *) name_list;

struct change {
    struct build *b;
    name_list target, source; /* column names */
    name_list target_types, source_types;
    json_t *keys; /* array of column names or expressions */
    const char *strategy;
};

struct column_pair {
    name_list *names, *types;
};

static void add_column(void *arg, const char *name, const char *type)
{
    struct column_pair *p = arg;
    vec_push(p->names, mem_strdup(name));
    vec_push(p->types, mem_strdup(type ? type : ""));
}

static void free_names(name_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        mem_free(l->v[i]);
    vec_release(l);
}

static void change_free(struct change *c)
{
    free_names(&c->target);
    free_names(&c->source);
    free_names(&c->target_types);
    free_names(&c->source_types);
    json_decref(c->keys);
}

static bool has_name(const name_list *l, const char *name)
{
    for (size_t i = 0; i < l->n; i++)
        if (strcasecmp(l->v[i], name) == 0)
            return true;
    return false;
}

/* ── columns ── */

static int read_columns(struct change *c, struct err *e)
{
    struct build *b = c->b;
    struct column_pair t = {&c->target, &c->target_types};
    struct column_pair s = {&c->source, &c->source_types};
    free_names(&c->target);
    free_names(&c->target_types);
    int rc = wh_columns(b->w, b->schema, b->alias, add_column, &t, e);
    if (rc == 0 && !c->source.n)
        rc = wh_columns(b->w, WH_TEMP, b->tmp, add_column, &s, e);
    return rc;
}

static int alter(struct change *c, const char *verb, const char *name, const char *type,
                 struct err *e)
{
    struct buf sql;
    buf_init(&sql, 64u * 1024);
    buf_adds(&sql, "ALTER TABLE ");
    wh_quote(c->b->w, &sql, c->b->schema, c->b->alias);
    buf_addf(&sql, " %s COLUMN ", verb);
    wh_quote(c->b->w, &sql, NULL, name);
    buf_addf(&sql, " %s", type);
    int rc = wh_exec_raw(c->b->w, buf_str(&sql), e);
    buf_release(&sql);
    return rc;
}

static int add_missing(struct change *c, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < c->source.n; i++)
        if (!has_name(&c->target, c->source.v[i]))
            rc = alter(c, "ADD", c->source.v[i], c->source_types.v[i], e);
    return rc;
}

static int drop_extra(struct change *c, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < c->target.n; i++)
        if (!has_name(&c->source, c->target.v[i]))
            rc = alter(c, "DROP", c->target.v[i], "", e);
    return rc;
}

static int refuse_change(const struct change *c, struct err *e)
{
    struct buf b;
    buf_init(&b, 4096);
    for (size_t i = 0; i < c->source.n; i++)
        if (!has_name(&c->target, c->source.v[i]))
            buf_addf(&b, " +%s", c->source.v[i]);
    for (size_t i = 0; i < c->target.n; i++)
        if (!has_name(&c->source, c->target.v[i]))
            buf_addf(&b, " -%s", c->target.v[i]);
    int rc = 0;
    if (b.len)
        rc =
            err_set(e, ERR_FAIL,
                    "%s: the columns changed (%s ) and on_schema_change is fail; rerun "
                    "with --full-refresh or change on_schema_change",
                    c->b->it->pub.path, buf_str(&b));
    buf_release(&b);
    return rc;
}

/* Sets *by_source: the insert names the new rows' columns, not the table's. */
static int change_columns(struct change *c, bool *by_source, struct err *e)
{
    const char *how = json_str(c->b->it->pub.config, "on_schema_change", "ignore");
    *by_source = true;
    int rc;
    if (streq(how, "fail"))
        return refuse_change(c, e);
    if (streq(how, "append_new_columns")) {
        rc = add_missing(c, e);
    } else if (streq(how, "sync_all_columns")) {
        rc = add_missing(c, e);
        if (rc == 0)
            rc = drop_extra(c, e);
    } else {
        *by_source = false;
        return 0;
    }
    return rc == 0 ? read_columns(c, e) : rc;
}

/* ── keys ── */

static json_t *key_list(const struct build *b)
{
    json_t *k = json_object_get(b->it->pub.config, "unique_key");
    if (json_is_array(k))
        return json_incref(k);
    return json_is_string(k) && *json_string_value(k) ? json_pack("[O]", k)
                                                      : json_array();
}

static void add_keys(struct buf *out, const json_t *keys)
{
    size_t i;
    const json_t *k;
    json_array_foreach (keys, i, k)
        buf_addf(out, "%s%s", i ? ", " : "",
                 json_is_string(k) ? json_string_value(k) : "");
}

/* ── delete, update, insert ── */

static void add_predicates(struct buf *sql, const struct build *b)
{
    const json_t *list = json_object_get(b->it->pub.config, "incremental_predicates"),
                 *one;
    size_t i;
    if (!list)
        list = json_object_get(b->it->pub.config, "predicates");
    if (json_is_string(list))
        buf_addf(sql, " and (%s)", json_string_value(list));
    json_array_foreach (list, i, one)
        if (json_is_string(one))
            buf_addf(sql, " and (%s)", json_string_value(one));
}

static int delete_old(struct change *c, struct err *e)
{
    struct buf sql;
    bool is_one = json_array_size(c->keys) == 1;
    buf_init(&sql, 1u << 20);
    buf_adds(&sql, "delete from ");
    wh_quote(c->b->w, &sql, c->b->schema, c->b->alias);
    buf_adds(&sql, is_one ? " where " : " where (");
    add_keys(&sql, c->keys);
    buf_adds(&sql, is_one ? " in (select " : ") in (select ");
    add_keys(&sql, c->keys);
    buf_adds(&sql, " from ");
    wh_quote(c->b->w, &sql, WH_TEMP, c->b->tmp);
    buf_addc(&sql, ')');
    add_predicates(&sql, c->b);
    int rc = wh_exec(c->b->w, buf_str(&sql), e);
    buf_release(&sql);
    return rc;
}

static void add_match(struct buf *sql, struct change *c)
{
    size_t i;
    const json_t *k;
    json_array_foreach (c->keys, i, k) {
        const char *name = json_is_string(k) ? json_string_value(k) : "";
        buf_addf(sql, "%ssrc.%s = ", i ? " and " : "", name);
        wh_quote(c->b->w, sql, NULL, c->b->alias);
        buf_addf(sql, ".%s", name);
    }
}

/* merge with merge_update_columns or merge_exclude_columns: matched rows keep the rest.
 */
static bool is_updated(const struct change *c, const char *name)
{
    const json_t *config = c->b->it->pub.config;
    json_t *only = json_object_get(config, "merge_update_columns");
    json_t *except = json_object_get(config, "merge_exclude_columns"), *one;
    size_t i;
    json_array_foreach (c->keys, i, one)
        if (json_is_string(one) && strcasecmp(json_string_value(one), name) == 0)
            return false;
    json_array_foreach (only, i, one)
        if (json_is_string(one) && strcasecmp(json_string_value(one), name) == 0)
            return true;
    json_array_foreach (except, i, one)
        if (json_is_string(one) && strcasecmp(json_string_value(one), name) == 0)
            return false;
    return !only;
}

static int update_matched(struct change *c, struct err *e)
{
    struct buf sql;
    bool has_any = false;
    buf_init(&sql, 1u << 20);
    buf_adds(&sql, "update ");
    wh_quote(c->b->w, &sql, c->b->schema, c->b->alias);
    buf_adds(&sql, " set ");
    for (size_t i = 0; i < c->target.n; i++) {
        if (!has_name(&c->source, c->target.v[i]) || !is_updated(c, c->target.v[i]))
            continue;
        buf_adds(&sql, has_any ? ", " : "");
        wh_quote(c->b->w, &sql, NULL, c->target.v[i]);
        buf_adds(&sql, " = src.");
        wh_quote(c->b->w, &sql, NULL, c->target.v[i]);
        has_any = true;
    }
    buf_adds(&sql, " from ");
    wh_quote(c->b->w, &sql, WH_TEMP, c->b->tmp);
    buf_adds(&sql, " as src where ");
    add_match(&sql, c);
    add_predicates(&sql, c->b);
    int rc = has_any ? wh_exec(c->b->w, buf_str(&sql), e) : 0;
    buf_release(&sql);
    return rc;
}

static int insert_new(struct change *c, bool by_source, bool only_unmatched,
                      struct err *e)
{
    const name_list *cols = by_source ? &c->source : &c->target;
    struct buf sql, list;
    buf_init(&sql, 1u << 20);
    buf_init(&list, 1u << 20);
    for (size_t i = 0; i < cols->n; i++) {
        buf_adds(&list, i ? ", " : "");
        wh_quote(c->b->w, &list, NULL, cols->v[i]);
    }
    buf_adds(&sql, "insert into ");
    wh_quote(c->b->w, &sql, c->b->schema, c->b->alias);
    buf_addf(&sql, " (%s) select %s from ", buf_str(&list), buf_str(&list));
    wh_quote(c->b->w, &sql, WH_TEMP, c->b->tmp);
    if (only_unmatched) {
        buf_adds(&sql, " as src where not exists (select 1 from ");
        wh_quote(c->b->w, &sql, c->b->schema, c->b->alias);
        buf_adds(&sql, " where ");
        add_match(&sql, c);
        buf_addc(&sql, ')');
    }
    int rc = wh_exec_raw(c->b->w, buf_str(&sql), e);
    if (rc == 0)
        c->b->result->rows = wh_changes(c->b->w);
    else
        err_wrap(e, rc, "%s", c->b->it->pub.path);
    buf_release(&sql);
    buf_release(&list);
    return rc;
}

static bool is_partial_merge(const struct change *c)
{
    const json_t *config = c->b->it->pub.config;
    return streq(c->strategy, "merge") && json_array_size(c->keys) &&
           (json_arr(config, "merge_update_columns") ||
            json_arr(config, "merge_exclude_columns"));
}

static int apply(struct change *c, bool by_source, struct err *e)
{
    bool has_keys = json_array_size(c->keys) > 0 && !streq(c->strategy, "append");
    /* the delete looks every new key up */
    int rc = has_keys ? materialize_keys(c->b, c->b->alias, e) : 0;
    if (rc == 0 && is_partial_merge(c)) {
        rc = update_matched(c, e);
        return rc == 0 ? insert_new(c, by_source, true, e) : rc;
    }
    if (rc == 0 && has_keys)
        rc = delete_old(c, e);
    return rc == 0 ? insert_new(c, by_source, false, e) : rc;
}

/* ── the run ── */

bool incremental_knows(const char *s)
{
    return streq(s, "default") || streq(s, "append") || streq(s, "delete+insert") ||
           streq(s, "merge");
}

/* Notes the days that this build changes, and clears those that its parents' did. */
static int follow_changes(struct change *c, struct err *e)
{
    struct buf keys;
    buf_init(&keys, 64u * 1024);
    if (!streq(c->strategy, "append"))
        add_keys(&keys, c->keys);
    int rc = changes_note(c->b, buf_str(&keys), e);
    buf_release(&keys);
    return rc == 0 ? changes_clear(c->b, e) : rc;
}

static int in_transaction(struct change *c, struct err *e)
{
    struct build *b = c->b;
    bool by_source = false;
    int rc = read_columns(c, e);
    if (rc == 0)
        rc = change_columns(c, &by_source, e);
    if (rc == 0)
        rc = follow_changes(c, e);
    if (rc == 0)
        rc = apply(c, by_source, e);
    if (rc == 0)
        rc = changes_seen(b, e);
    if (rc == 0)
        rc = materialize_judge(b, b->schema, b->alias, e);
    if (rc == 0)
        rc = materialize_hooks(b, "post-hook", e);
    return rc;
}

int incremental_run(struct build *b, struct err *e)
{
    struct change c = {.b = b, .keys = key_list(b)};
    c.strategy = json_str(b->it->pub.config, "incremental_strategy", "default");
    int rc = wh_drop(b->w, WH_TEMP, b->tmp, e);
    if (rc == 0) {
        rc = wh_create_table_as(b->w, WH_TEMP, b->tmp, buf_str(&b->sql), e);
        if (rc < 0)
            compile_explain(b->it, b->w, buf_str(&b->sql), e);
    }
    if (rc == 0)
        rc = changes_compute(b, e);
    if (rc == 0)
        rc = wh_begin_on(b->w, b->schema, e);
    if (rc == 0) {
        rc = in_transaction(&c, e);
        if (rc == 0)
            rc = wh_commit(b->w, e);
        if (rc < 0)
            wh_rollback(b->w, NULL);
    }
    wh_drop(b->w, WH_TEMP, b->tmp, NULL);
    change_free(&c);
    return rc;
}
