/* Snapshots: a table that keeps every version of a row (dbt.md 1.5). The query's rows
 * are put aside with their key, then, in one transaction on the table's schema: new
 * columns are added, the changes are staged, old versions closed, new ones inserted,
 * and the node's tests judge the outcome; a failure rolls all of it back. The table is
 * never dropped and --full-refresh leaves it alone. Called by materialize.c. */
#include "model/internal.h"

#include "base/buf.h"
#include "base/timeutil.h"

#define ROWS  "weir_snapshot_rows"  /* the query's rows with key, time and id */
#define STAGE "weir_snapshot_stage" /* what changes: kind, row of ROWS, old row */

enum hard_deletes { DELETES_IGNORE, DELETES_INVALIDATE, DELETES_NEW_RECORD };

typedef VEC(char *) name_list;

struct snap {
    struct build *b;
    bool is_check, is_new;
    enum hard_deletes deletes;
    json_t *keys;                                                      /* expressions */
    const char *scd_id, *valid_from, *valid_to, *updated, *is_deleted; /* columns */
    const char *updated_at;                                            /* expression */
    const char *current; /* expression of an open row's valid_to; NULL: null */
    const char *row_id;  /* by which the engine finds a row again */
    const char *null;    /* a null of the times' type, of ROWS */
    char now[64];        /* SQL */
    name_list source, types, target;
    struct buf sql;
};

static void free_names(name_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        mem_free(l->v[i]);
    vec_release(l);
}

static bool has_name(const name_list *l, const char *name)
{
    for (size_t i = 0; i < l->n; i++)
        if (strcasecmp(l->v[i], name) == 0)
            return true;
    return false;
}

/* ── configuration ── */

static int wrong(const struct snap *s, struct err *e, const char *what)
{
    return err_set(e, ERR_CONFIG, "%s: snapshot \"%s\": %s", s->b->it->pub.path,
                   s->b->it->pub.name, what);
}

static int read_deletes(struct snap *s, struct err *e)
{
    const json_t *c = s->b->it->pub.config;
    const char *how = json_str(c, "hard_deletes", NULL);
    if (!how)
        how =
            config_flag(c, "invalidate_hard_deletes", false) ? "invalidate" : "ignore";
    s->deletes = streq(how, "new_record")   ? DELETES_NEW_RECORD
                 : streq(how, "invalidate") ? DELETES_INVALIDATE
                                            : DELETES_IGNORE;
    if (s->deletes == DELETES_IGNORE && !streq(how, "ignore"))
        return wrong(s, e, "hard_deletes must be ignore, invalidate or new_record");
    return 0;
}

static void read_meta_names(struct snap *s)
{
    const json_t *m = json_obj(s->b->it->pub.config, "snapshot_meta_column_names");
    s->scd_id = json_str(m, "dbt_scd_id", "dbt_scd_id");
    s->valid_from = json_str(m, "dbt_valid_from", "dbt_valid_from");
    s->valid_to = json_str(m, "dbt_valid_to", "dbt_valid_to");
    s->updated = json_str(m, "dbt_updated_at", "dbt_updated_at");
    s->is_deleted = json_str(m, "dbt_is_deleted", "dbt_is_deleted");
}

static int read_config(struct snap *s, struct err *e)
{
    const json_t *c = s->b->it->pub.config;
    const char *strategy = json_str(c, "strategy", "");
    json_t *key = json_object_get(c, "unique_key");
    char text[32];
    s->keys = json_is_array(key)    ? json_incref(key)
              : json_is_string(key) ? json_pack("[O]", key)
                                    : json_array();
    bool is_sqlite = streq(wh_kind(s->b->w), "sqlite");
    snprintf(s->now, sizeof s->now, is_sqlite ? "'%s'" : "cast('%s' as timestamp)",
             time_format_sql(s->b->p->now_ms, true, text));
    s->row_id = is_sqlite ? "rowid" : "ctid";
    s->null = is_sqlite ? "cast(null as text)" : "nullif(weir_time, weir_time)";
    s->is_check = streq(strategy, "check");
    s->updated_at = json_str(c, "updated_at", s->is_check ? s->now : NULL);
    s->current = json_str(c, "dbt_valid_to_current", NULL);
    read_meta_names(s);
    if (!s->is_check && !streq(strategy, "timestamp"))
        return wrong(s, e, "set strategy to timestamp or check");
    if (!json_array_size(s->keys))
        return wrong(s, e, "set unique_key to a column or a list of columns");
    if (!s->updated_at)
        return wrong(s, e, "the strategy timestamp needs updated_at: a column");
    json_t *cols = json_object_get(c, "check_cols");
    if (s->is_check && !json_array_size(cols) &&
        !streq(json_str(c, "check_cols", ""), "all"))
        return wrong(s, e, "the strategy check needs check_cols: all or a list");
    return read_deletes(s, e);
}

/* ── SQL ── */

static int run(struct snap *s, struct err *e)
{
    int rc = wh_exec(s->b->w, buf_str(&s->sql), e);
    buf_reset(&s->sql);
    return rc < 0 ? err_wrap(e, rc, "%s", s->b->it->pub.path) : 0;
}

static void add_name(struct snap *s, const char *schema, const char *name)
{
    wh_quote(s->b->w, &s->sql, schema, name);
}

static void add_target(struct snap *s)
{
    add_name(s, s->b->schema, s->b->alias);
}

/* (key) as weir_k0, … */
static void add_keys(struct snap *s)
{
    size_t i;
    const json_t *k;
    json_array_foreach (s->keys, i, k)
        buf_addf(&s->sql, ", (%s) as weir_k%zu", json_string_value(k), i);
}

/* The version's id: md5(key|…|time) of the keys of a subquery. */
static void add_id(struct snap *s, const char *time)
{
    buf_adds(&s->sql, "md5(");
    for (size_t i = 0; i < json_array_size(s->keys); i++)
        buf_addf(&s->sql, "coalesce(cast(weir_k%zu as text), '') || '|' || ", i);
    buf_addf(&s->sql, "coalesce(cast(%s as text), ''))", time);
}

static void add_same_key(struct snap *s)
{
    for (size_t i = 0; i < json_array_size(s->keys); i++)
        buf_addf(&s->sql, "%ss.weir_k%zu = o.weir_k%zu", i ? " and " : "", i, i);
}

/* Rows of the table that are in force, as o. */
static void add_open_rows(struct snap *s)
{
    buf_addf(&s->sql, "(select %s as weir_row, *", s->row_id);
    add_keys(s);
    buf_adds(&s->sql, " from ");
    add_target(s);
    buf_adds(&s->sql, " where ");
    add_name(s, NULL, s->valid_to);
    buf_adds(&s->sql, " is null");
    if (s->current) {
        buf_adds(&s->sql, " or ");
        add_name(s, NULL, s->valid_to);
        buf_addf(&s->sql, " = (%s)", s->current);
    }
    buf_adds(&s->sql, ") as o");
}

/* ── the query's rows ── */

static void add_column(void *arg, const char *name, const char *type)
{
    struct snap *s = arg;
    vec_push(&s->source, mem_strdup(name));
    vec_push(&s->types, mem_strdup(type ? type : ""));
}

static void add_target_column(void *arg, const char *name, const char *type)
{
    struct snap *s = arg;
    (void)type;
    vec_push(&s->target, mem_strdup(name));
}

static void drop_aside(struct snap *s)
{
    wh_drop(s->b->w, WH_TEMP, ROWS, NULL);
    wh_drop(s->b->w, WH_TEMP, STAGE, NULL);
}

static int read_rows(struct snap *s, struct err *e)
{
    struct build *b = s->b;
    drop_aside(s);
    int rc = wh_create_table_as(b->w, WH_TEMP, b->tmp, buf_str(&b->sql), e);
    if (rc < 0)
        return compile_explain(b->it, b->w, buf_str(&b->sql), e), rc;
    if ((rc = wh_columns(b->w, WH_TEMP, b->tmp, add_column, s, e)) < 0)
        return rc;
    buf_adds(&s->sql, "create temp table " ROWS " as select *, ");
    add_id(s, "weir_time");
    buf_adds(&s->sql, " as weir_id from (select *");
    add_keys(s);
    buf_addf(&s->sql, ", (%s) as weir_time from ", s->updated_at);
    add_name(s, WH_TEMP, b->tmp);
    buf_adds(&s->sql, ") as q");
    return run(s, e);
}

/* ── the first run ── */

static void add_source_columns(struct snap *s, const char *of)
{
    for (size_t i = 0; i < s->source.n; i++) {
        buf_addf(&s->sql, "%s%s", i ? ", " : "", of);
        add_name(s, NULL, s->source.v[i]);
    }
}

static int create(struct snap *s, struct err *e)
{
    buf_adds(&s->sql, "create table ");
    add_target(s);
    buf_adds(&s->sql, " as select ");
    add_source_columns(s, "");
    buf_adds(&s->sql, ", weir_id as ");
    add_name(s, NULL, s->scd_id);
    buf_adds(&s->sql, ", weir_time as ");
    add_name(s, NULL, s->updated);
    buf_adds(&s->sql, ", weir_time as ");
    add_name(s, NULL, s->valid_from);
    buf_addf(&s->sql, ", (%s) as ", s->current ? s->current : s->null);
    add_name(s, NULL, s->valid_to);
    if (s->deletes == DELETES_NEW_RECORD) {
        buf_adds(&s->sql, ", 'False' as ");
        add_name(s, NULL, s->is_deleted);
    }
    buf_adds(&s->sql, " from " ROWS);
    return run(s, e);
}

/* ── later runs ── */

static int add_to_target(struct snap *s, const char *name, const char *type,
                         struct err *e)
{
    if (has_name(&s->target, name))
        return 0;
    buf_adds(&s->sql, "alter table ");
    add_target(s);
    buf_adds(&s->sql, " add column ");
    add_name(s, NULL, name);
    buf_addf(&s->sql, " %s", type);
    return run(s, e);
}

static int check_meta(const struct snap *s, struct err *e)
{
    const char *const names[] = {s->scd_id, s->valid_from, s->valid_to, s->updated};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!has_name(&s->target, names[i]))
            return err_set(e, ERR_CONFIG,
                           "%s: the table %s.%s has no column %s: it was not made by "
                           "this snapshot; rename one, or look at "
                           "snapshot_meta_column_names",
                           s->b->it->pub.path, s->b->schema, s->b->alias, names[i]);
    return 0;
}

static int grow(struct snap *s, struct err *e)
{
    int rc = wh_columns(s->b->w, s->b->schema, s->b->alias, add_target_column, s, e);
    if (rc == 0)
        rc = check_meta(s, e);
    for (size_t i = 0; rc == 0 && i < s->source.n; i++)
        rc = add_to_target(s, s->source.v[i], s->types.v[i], e);
    if (rc == 0 && s->deletes == DELETES_NEW_RECORD)
        rc = add_to_target(s, s->is_deleted, "text default 'False'", e);
    return rc;
}

static bool is_checked(const struct snap *s, const char *name)
{
    const json_t *cols = json_object_get(s->b->it->pub.config, "check_cols"), *one;
    size_t i;
    json_array_foreach (cols, i, one)
        if (json_is_string(one) && strcasecmp(json_string_value(one), name) == 0)
            return true;
    return !json_is_array(cols);
}

/* A column that the table has only since this run makes every row a new version. */
static void add_changed(struct snap *s)
{
    if (!s->is_check) {
        buf_adds(&s->sql, "o.");
        add_name(s, NULL, s->valid_from);
        buf_adds(&s->sql, " < s.weir_time");
        return;
    }
    buf_adds(&s->sql, "false");
    for (size_t i = 0; i < s->source.n; i++) {
        if (!is_checked(s, s->source.v[i]))
            continue;
        if (!has_name(&s->target, s->source.v[i])) {
            buf_adds(&s->sql, " or true");
            continue;
        }
        buf_adds(&s->sql, " or s.");
        add_name(s, NULL, s->source.v[i]);
        buf_adds(&s->sql, " is distinct from o.");
        add_name(s, NULL, s->source.v[i]);
    }
}

static void add_gone_flag(struct snap *s, const char *test)
{
    if (s->deletes != DELETES_NEW_RECORD)
        return;
    buf_addf(&s->sql, " %s o.", test);
    add_name(s, NULL, s->is_deleted);
    buf_adds(&s->sql, streq(test, "or") ? " = 'True'" : " is distinct from 'True'");
}

static int stage(struct snap *s, struct err *e)
{
    buf_addf(&s->sql,
             "create temp table " STAGE " as select 'new' as kind, s.%s as new_row,"
             " o.weir_row as old from " ROWS " as s left join ",
             s->row_id);
    add_open_rows(s);
    buf_adds(&s->sql, " on ");
    add_same_key(s);
    buf_adds(&s->sql, " where o.weir_row is null or (");
    add_changed(s);
    buf_adds(&s->sql, ")");
    add_gone_flag(s, "or");
    if (s->deletes != DELETES_IGNORE) {
        buf_adds(&s->sql, " union all select 'gone', null, o.weir_row from ");
        add_open_rows(s);
        buf_adds(&s->sql, " where not exists (select 1 from " ROWS " as s where ");
        add_same_key(s);
        buf_adds(&s->sql, ")");
        add_gone_flag(s, "and");
    }
    return run(s, e);
}

static int close_old(struct snap *s, struct err *e)
{
    buf_adds(&s->sql, "update ");
    add_target(s);
    buf_adds(&s->sql, " set ");
    add_name(s, NULL, s->valid_to);
    buf_addf(&s->sql,
             " = (select case g.kind when 'gone' then %s else r.weir_time end"
             " from " STAGE " as g left join " ROWS " as r on r.%s = g.new_row"
             " where g.old = ",
             s->now, s->row_id);
    add_target(s);
    buf_addf(&s->sql, ".%s) where %s in (select old from " STAGE ")", s->row_id,
             s->row_id);
    return run(s, e);
}

/* insert into T (columns, meta) */
static void add_insert(struct snap *s)
{
    const char *const meta[] = {s->scd_id, s->updated, s->valid_from, s->valid_to,
                                s->deletes == DELETES_NEW_RECORD ? s->is_deleted
                                                                 : NULL};
    buf_adds(&s->sql, "insert into ");
    add_target(s);
    buf_adds(&s->sql, " (");
    add_source_columns(s, "");
    for (size_t i = 0; i < 5 && meta[i]; i++) {
        buf_adds(&s->sql, ", ");
        add_name(s, NULL, meta[i]);
    }
    buf_adds(&s->sql, ") select ");
}

static int insert_new(struct snap *s, struct err *e)
{
    add_insert(s);
    add_source_columns(s, "r.");
    buf_addf(&s->sql,
             ", r.weir_id, r.weir_time, r.weir_time, (%s)%s from " ROWS
             " as r join " STAGE " as g on g.new_row = r.%s order by r.%s",
             s->current ? s->current : s->null,
             s->deletes == DELETES_NEW_RECORD ? ", 'False'" : "", s->row_id, s->row_id);
    int rc = run(s, e);
    if (rc == 0)
        s->b->result->rows += wh_changes(s->b->w);
    return rc;
}

/* The last version of what is gone once more, marked deleted. Before close_old: an
 * update moves rows where they are found by their place. */
static int insert_gone(struct snap *s, struct err *e)
{
    s->b->result->rows = 0;
    if (s->deletes != DELETES_NEW_RECORD)
        return 0;
    add_insert(s);
    add_source_columns(s, "o.");
    buf_adds(&s->sql, ", ");
    add_id(s, s->now);
    buf_addf(&s->sql, ", %s, %s, %s, 'True' from (select %s as weir_row, *", s->now,
             s->now, s->current ? s->current : "null", s->row_id);
    add_keys(s);
    buf_adds(&s->sql, " from ");
    add_target(s);
    buf_addf(&s->sql,
             " where %s in (select old from " STAGE " where kind = 'gone')) as o",
             s->row_id);
    int rc = run(s, e);
    if (rc == 0)
        s->b->result->rows = wh_changes(s->b->w);
    return rc;
}

static int apply(struct snap *s, struct err *e)
{
    int rc = grow(s, e);
    if (rc == 0)
        rc = stage(s, e);
    if (rc == 0)
        rc = insert_gone(s, e);
    if (rc == 0)
        rc = close_old(s, e);
    return rc == 0 ? insert_new(s, e) : rc;
}

/* ── the run ── */

static int in_transaction(struct snap *s, struct err *e)
{
    struct build *b = s->b;
    int rc = s->is_new ? create(s, e) : apply(s, e);
    if (rc == 0 && s->is_new)
        b->result->rows = wh_row_count(b->w, b->schema, b->alias, NULL);
    if (rc == 0)
        rc = materialize_judge(b, b->schema, b->alias, e);
    return rc == 0 ? materialize_hooks(b, "post-hook", e) : rc;
}

static int publish(struct snap *s, struct err *e)
{
    struct build *b = s->b;
    int rc = wh_begin_on(b->w, b->schema, e);
    if (rc < 0)
        return rc;
    rc = in_transaction(s, e);
    if (rc == 0)
        rc = wh_commit(b->w, e);
    if (rc < 0)
        wh_rollback(b->w, NULL);
    return rc;
}

bool snapshot_knows(const char *strategy)
{
    return streq(strategy, "timestamp") || streq(strategy, "check");
}

int snapshot_check(struct build *b, struct err *e)
{
    struct snap s = {.b = b};
    int rc = read_config(&s, e);
    json_decref(s.keys);
    return rc;
}

int snapshot_run(struct build *b, struct err *e)
{
    struct snap s = {.b = b, .is_new = b->existing == WH_ABSENT};
    buf_init(&s.sql, 16u << 20);
    int rc = read_config(&s, e);
    if (rc == 0 && b->existing != WH_ABSENT && b->existing != WH_TABLE)
        rc = wrong(&s, e, "a view of its name is there; a snapshot is a table");
    if (rc == 0)
        rc = read_rows(&s, e);
    if (rc == 0)
        rc = publish(&s, e);
    drop_aside(&s);
    wh_drop(b->w, WH_TEMP, b->tmp, NULL);
    free_names(&s.source);
    free_names(&s.types);
    free_names(&s.target);
    json_decref(s.keys);
    buf_release(&s.sql);
    return rc;
}
