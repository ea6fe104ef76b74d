/* Building a node: aside, its own tests and the gate on what was built, then publish.
 * What always holds: the live relation changes only in one transaction at the very end;
 * whatever fails before leaves it as it was, and nothing behind but what the next run
 * of this node drops first. Called by the sql worker, one node at a time. */
#include "model/internal.h"

#include <ctype.h>
#include <sys/stat.h>
#include "base/buf.h"
#include "base/hash.h"
#include "base/timeutil.h"

/* ── hooks ── */

const char *materialize_hook_sql(const json_t *hook, bool *is_inside)
{
    *is_inside = true;
    if (json_is_string(hook))
        return json_string_value(hook);
    *is_inside = json_flag(hook, "transaction", true);
    return json_str(hook, "sql", NULL);
}

/* A hook written by before_begin(…) or after_commit(…) renders to {"sql",
 * "transaction"}. */
static int run_hook(struct build *b, const char *key, const char *text, struct err *e)
{
    struct buf sql;
    char *name = mem_printf("%s (%s)", b->it->pub.path, key);
    buf_init(&sql, 16u << 20);
    int rc = render_text(&b->r, name, text, strlen(text), &sql, e);
    const char *at = buf_str(&sql);
    if (rc == 0 && at[strspn(at, " \t\r\n;")]) {
        rc = wh_exec(b->w, at, e);
        if (rc < 0)
            err_wrap(e, rc, "%s", name);
    }
    buf_release(&sql);
    mem_free(name);
    return rc;
}

static int hooks(struct build *b, const char *key, bool inside, struct err *e)
{
    const json_t *list = json_arr(b->it->pub.config, key), *one;
    size_t i;
    int rc = 0;
    json_array_foreach (list, i, one) {
        bool is_inside;
        const char *text = materialize_hook_sql(one, &is_inside);
        if (rc == 0 && text && is_inside == inside)
            rc = run_hook(b, key, text, e);
    }
    return rc;
}

/* Rights and comments of what has just been made, by the macros a project may override.
 * Engines without them are not asked. */
static int describe(struct build *b, struct err *e)
{
    const json_t *docs = json_obj(b->it->pub.config, "persist_docs");
    const json_t *grants = json_obj(b->it->pub.config, "grants");
    bool is_kept = b->existing == WH_TABLE && !b->full_refresh &&
                   (streq(b->it->pub.materialized, "incremental") ||
                    b->it->pub.type == NODE_SNAPSHOT);
    if (streq(wh_kind(b->w), "sqlite") ||
        (!json_object_size(grants) && !json_object_size(docs)))
        return 0;
    char *text = mem_printf(
        "{%% set made = this.incorporate(type='%s') %%}"
        "{%% do apply_grants(made, config.get('grants'), %s) %%}"
        "{%% do persist_docs(made, model) %%}",
        b->is_cloned || streq(b->it->pub.materialized, "view") ? "view" : "table",
        is_kept ? "true" : "false");
    struct buf nothing;
    buf_init(&nothing, 1u << 20);
    int rc = render_text(&b->r, b->it->pub.path, text, strlen(text), &nothing, e);
    buf_release(&nothing);
    mem_free(text);
    return rc;
}

int materialize_hooks(struct build *b, const char *key, struct err *e)
{
    int rc = hooks(b, key, true, e);
    return rc == 0 && streq(key, "post-hook") ? describe(b, e) : rc;
}

/* ── judge ── */

static int judge_each(struct build *b, const char *schema, const char *name,
                      const int64_t *known, struct err *e)
{
    int failed = 0;
    const char *first = NULL;
    for (size_t i = 0; i < b->it->tests.n; i++) {
        json_t *one = NULL;
        struct item *t = b->it->tests.v[i];
        int rc = testing_run(b->p, b->w, t, b->it, schema, name, b->p->o.store_failures,
                             known[i], &one, e);
        if (rc < 0)
            return rc;
        const char *status = json_str(one, "status", "error");
        if (streq(status, "fail") || streq(status, "error")) {
            failed++;
            first = first ? first : t->pub.name;
        }
        json_array_append_new(b->result->tests, one);
    }
    if (!failed)
        return 0;
    return err_set(e, ERR_FAIL, "%d of %zu tests failed (%s); %s.%s stays as it was",
                   failed, b->it->tests.n, first, b->schema, b->alias);
}

static int judge_tests(struct build *b, const char *schema, const char *name,
                       struct err *e)
{
    int64_t *known = mem_alloc(b->it->tests.n * sizeof *known);
    b->result->tests = json_array();
    testing_count(b->p, b->w, &b->it->tests, schema, name, known);
    int rc = judge_each(b, schema, name, known, e);
    mem_free(known);
    return rc;
}

/* config publish: dbt: dbt's order, tests look at what is published already. */
static bool publishes_first(const struct item *it)
{
    return streq(json_str(it->pub.config, "publish", ""), "dbt");
}

/* They do not change the node's own status, but stop what is below it. */
static int judge_published(struct build *b, struct err *e)
{
    struct err why = {0};
    if (!b->o->tests_first || !b->it->tests.n || !publishes_first(b->it))
        return 0;
    int rc = judge_tests(b, b->schema, b->alias, &why);
    if (rc != ERR_FAIL)
        return rc < 0 ? err_set(e, rc, "%s", why.text) : 0;
    b->result->tests_failed = true;
    return 0;
}

int materialize_judge(struct build *b, const char *schema, const char *name,
                      struct err *e)
{
    int rc = 0;
    if (b->o->tests_first && b->it->tests.n && !publishes_first(b->it))
        rc = judge_tests(b, schema, name, e);
    if (rc == 0 && b->o->gate)
        rc = b->o->gate(b->o->gate_arg, &b->it->pub, schema, name, &b->result->detail,
                        e);
    return rc;
}

/* ── keys ── */

static bool is_plain_name(const char *s)
{
    for (; *s; s++)
        if (!isalnum((unsigned char)*s) && *s != '_')
            return false;
    return true;
}

/* unique_key, when it is made of column names: "a,b". mem_free; NULL when it has none.
 */
static char *unique_key(const struct build *b)
{
    json_t *k = json_object_get(b->it->pub.config, "unique_key"), *one;
    json_t *list = json_is_string(k) ? json_pack("[O]", k) : json_incref(k);
    struct buf out;
    size_t i;
    bool is_good = json_array_size(list) > 0;
    buf_init(&out, 64u * 1024);
    json_array_foreach (list, i, one) {
        const char *name = json_is_string(one) ? json_string_value(one) : "(";
        is_good = is_good && *name && is_plain_name(name);
        buf_addf(&out, "%s%s", i ? "," : "", name);
    }
    json_decref(list);
    char *text = is_good ? mem_strdup(buf_str(&out)) : NULL;
    buf_release(&out);
    return text;
}

struct name_look {
    struct str name;
    bool is_found;
};

static void look_for_name(void *arg, const char *name, const char *type)
{
    struct name_look *l = arg;
    (void)type;
    l->is_found |=
        strlen(name) == l->name.n && strncasecmp(name, l->name.p, l->name.n) == 0;
}

/* Keys are declared by hand: one that names no column is told when it is used. */
static bool has_columns(struct build *b, const char *table, const char *list)
{
    while (*list) {
        size_t n = strcspn(list, ",");
        struct name_look l = {.name = {list, n}};
        wh_columns(b->w, b->schema, table, look_for_name, &l, NULL);
        if (!l.is_found)
            return false;
        list += n + (list[n] == ',');
    }
    return true;
}

/* indexes: [{columns: [a, b]}], as dbt-postgres has it. */
static int configured_indexes(struct build *b, const char *name, struct err *e)
{
    json_t *one, *column;
    size_t i, k;
    int rc = 0;
    json_array_foreach (json_arr(b->it->pub.config, "indexes"), i, one) {
        struct buf list;
        buf_init(&list, 64u * 1024);
        json_array_foreach (json_arr(one, "columns"), k, column)
            if (json_is_string(column))
                buf_addf(&list, "%s%s", list.len ? "," : "", json_string_value(column));
        if (rc == 0 && list.len)
            rc = wh_index(b->w, b->schema, name, buf_str(&list), e);
        buf_release(&list);
    }
    return rc;
}

int materialize_keys(struct build *b, const char *name, struct err *e)
{
    char *key = unique_key(b);
    int rc = configured_indexes(b, name, e); /* one of these may serve as the key's */
    if (rc == 0 && key && has_columns(b, name, key))
        rc = wh_index(b->w, b->schema, name, key, e);
    mem_free(key);
    for (size_t i = 0; rc == 0 && i < b->it->tests.n; i++) {
        const struct item *t = b->it->tests.v[i];
        if (t->test_name && streq(t->test_name, "unique") && !t->test_namespace &&
            t->column_name && is_plain_name(t->column_name) &&
            has_columns(b, name, t->column_name))
            rc = wh_index(b->w, b->schema, name, t->column_name, e);
    }
    return rc;
}

/* ── publish ── */

/* Inside a transaction: the built relation takes the live name. */
static int publish_built(struct build *b, struct err *e)
{
    int rc = wh_swap(b->w, b->schema, b->tmp, b->alias, e);
    if (rc == 0)
        rc = wh_set_rows(b->w, b->schema, b->alias, b->result->rows, e);
    if (rc == 0)
        rc = changes_seen(b, e);
    return rc == 0 ? materialize_hooks(b, "post-hook", e) : rc;
}

static int publish(struct build *b, struct err *e)
{
    int rc = wh_begin_on(b->w, b->schema, e);
    if (rc < 0)
        return rc;
    rc = publish_built(b, e);
    if (rc == 0)
        rc = wh_commit(b->w, e);
    if (rc < 0)
        wh_rollback(b->w, NULL);
    return rc;
}

static int build_view(struct build *b, struct err *e)
{
    int rc = wh_create_view(b->w, b->schema, b->tmp, buf_str(&b->sql), e);
    if (rc < 0)
        return compile_explain(b->it, b->w, buf_str(&b->sql), e), rc;
    if ((rc = materialize_judge(b, b->schema, b->tmp, e)) == 0)
        rc = publish(b, e);
    return rc;
}

/* The first build of an incremental, often the largest table there is, goes straight to
 * its file: rows are written once. So does every table where nobody else waits for it.
 */
static int build_in_place(struct build *b, struct err *e)
{
    bool has_contract = contract_is_enforced(b->it);
    int rc = wh_create_table_as(b->w, has_contract ? WH_TEMP : b->schema, b->tmp,
                                buf_str(&b->sql), e);
    if (rc < 0)
        return compile_explain(b->it, b->w, buf_str(&b->sql), e), rc;
    if (has_contract) {
        rc = contract_fill(b, b->tmp, e);
        wh_drop(b->w, WH_TEMP, b->tmp, NULL);
        if (rc < 0)
            return rc;
    }
    if ((rc = materialize_keys(b, b->tmp, e)) < 0)
        return rc;
    b->result->rows = wh_row_count(b->w, b->schema, b->tmp, NULL);
    if ((rc = materialize_judge(b, b->schema, b->tmp, e)) == 0)
        rc = publish(b, e);
    return rc;
}

/* Rows of the temp table into one of the same name in the model's schema: record by
 * record as they lie, no SQL functions run again. */
static int copy_from_temp(struct build *b, struct err *e)
{
    struct buf sql;
    if (contract_is_enforced(b->it))
        return contract_fill(b, b->tmp, e);
    buf_init(&sql, 64u * 1024);
    buf_adds(&sql, "CREATE TABLE ");
    wh_quote(b->w, &sql, b->schema, b->tmp);
    buf_adds(&sql, " AS SELECT * FROM ");
    wh_quote(b->w, &sql, WH_TEMP, b->tmp);
    buf_adds(&sql, " LIMIT 0; INSERT INTO ");
    wh_quote(b->w, &sql, b->schema, b->tmp);
    buf_adds(&sql, " SELECT * FROM ");
    wh_quote(b->w, &sql, WH_TEMP, b->tmp);
    int rc = wh_exec_raw(b->w, buf_str(&sql), e);
    buf_release(&sql);
    return rc;
}

/* A table is built and judged outside its schema's file, whose lock it then needs only
 * for publishing: independent tables of one schema are built side by side. */
static int build_table(struct build *b, struct err *e)
{
    if (!wh_locks_schemas(b->w))
        return build_in_place(b, e);
    int rc = wh_create_table_as(b->w, WH_TEMP, b->tmp, buf_str(&b->sql), e);
    if (rc < 0)
        return compile_explain(b->it, b->w, buf_str(&b->sql), e), rc;
    b->result->rows = wh_row_count(b->w, WH_TEMP, b->tmp, NULL);
    if ((rc = materialize_judge(b, WH_TEMP, b->tmp, e)) < 0)
        return rc;
    if ((rc = wh_begin_on(b->w, b->schema, e)) < 0)
        return rc;
    if ((rc = copy_from_temp(b, e)) == 0 && (rc = materialize_keys(b, b->tmp, e)) == 0)
        rc = publish_built(b, e);
    if (rc == 0)
        rc = wh_commit(b->w, e);
    if (rc < 0)
        wh_rollback(b->w, NULL);
    wh_drop(b->w, WH_TEMP, b->tmp, NULL);
    return rc;
}

static int build_seed(struct build *b, struct err *e)
{
    int rc = seed_build(b, e);
    if (rc == 0)
        rc = materialize_keys(b, b->tmp, e);
    if (rc == 0)
        rc = materialize_judge(b, b->schema, b->tmp, e);
    return rc == 0 ? publish(b, e) : rc;
}

/* ── compiled files, for people ── */

static void write_text(const struct build *b, const char *kind, const char *name,
                       const char *text)
{
    char *path =
        mem_printf("%s/%s/%s/%s", b->p->target_dir, kind, b->it->pub.package, name);
    for (char *s = path + 1; *s; s++)
        if (*s == '/') {
            *s = '\0';
            mkdir(path, 0755);
            *s = '/';
        }
    FILE *f = fopen(path, "w"); /* a convenience: failing to write it stops nothing */
    if (f) {
        fputs(text, f);
        fclose(f);
    }
    mem_free(path);
}

void materialize_write(const struct build *b, const char *kind, const char *text)
{
    write_text(b, kind, b->it->pub.path, text);
}

/* models/x.sql → models/x/x_2024-09-17.sql, as dbt splits it. */
void materialize_write_batch(const struct build *b, const char *batch)
{
    const char *path = b->it->pub.path, *slash = strrchr(path, '/');
    const char *file = slash ? slash + 1 : path, *dot = strrchr(file, '.');
    int n = (int)(dot ? dot - file : (ptrdiff_t)strlen(file));
    char *name = mem_printf("%.*s/%.*s_%s%s", (int)(file - path) + n, path, n, file,
                            batch, dot ? dot : "");
    write_text(b, "compiled", name, buf_str(&b->sql));
    mem_free(name);
}

/* ── one node ── */

static int build_as(struct build *b, struct err *e)
{
    const char *how = b->it->pub.materialized;
    if (b->it->pub.type == NODE_SEED)
        return build_seed(b, e);
    if (b->it->pub.type == NODE_SNAPSHOT)
        return snapshot_run(b, e);
    int rc = contract_is_enforced(b->it) ? contract_check(b, buf_str(&b->sql), e) : 0;
    if (rc < 0)
        return rc;
    changes_begin(b);
    if (streq(how, "view"))
        return build_view(b, e);
    if (streq(how, "table"))
        return build_table(b, e);
    if (streq(how, "incremental"))
        return b->existing == WH_TABLE && !b->full_refresh ? incremental_run(b, e)
                                                           : build_in_place(b, e);
    return err_set(e, ERR_UNSUPPORTED,
                   "%s: materialized \"%s\" is not known (view, table, incremental, "
                   "ephemeral, materialized_view, or a {%% materialization %%} of the "
                   "project)",
                   b->it->pub.path, how);
}

/* config(sql_header=…): statements of this connection before the node is made. */
static int run_header(struct build *b, struct err *e)
{
    const char *header = json_str(b->it->pub.config, "sql_header", NULL);
    if (!header || !header[strspn(header, " \t\r\n;")])
        return 0;
    int rc = wh_exec(b->w, header, e);
    return rc < 0 ? err_wrap(e, rc, "%s (sql_header)", b->it->pub.path) : 0;
}

/* Hooks around the engine's own way of building. */
static int build_native(struct build *b, int (*build)(struct build *b, struct err *e),
                        struct err *e)
{
    int rc = hooks(b, "pre-hook", false, e);
    if (rc == 0)
        rc = hooks(b, "pre-hook", true, e);
    if (rc == 0)
        rc = run_header(b, e);
    if (rc == 0)
        rc = build(b, e);
    return rc == 0 ? hooks(b, "post-hook", false, e) : rc;
}

int materialize_as_view(struct build *b, struct err *e)
{
    return build_native(b, build_view, e);
}

static int compile_and_build(struct build *b, struct err *e)
{
    if (clone_is_asked(b->p))
        return clone_run(b, e);
    if (microbatch_is(b))
        return microbatch_run(b, e);
    if (b->it->pub.type != NODE_SEED) {
        int rc = compile_item(&b->r, &b->sql, e);
        if (rc < 0)
            return rc;
        materialize_write(b, "compiled", buf_str(&b->sql));
    }
    int rc = custom_check(b, e);
    if (rc < 0)
        return rc;
    struct macro *m = custom_find(b);
    return m ? custom_run(b, m, e) : build_native(b, build_as, e);
}

static int ensure_schemas(struct build *b, struct err *e)
{
    int rc = wh_schema_ensure(b->w, b->schema, e);
    for (size_t i = 0; rc == 0 && b->o->tests_first && i < b->it->tests.n; i++) {
        const struct item *t = b->it->tests.v[i];
        if (config_flag(t->pub.config, "store_failures", b->p->o.store_failures))
            rc = wh_schema_ensure(b->w, t->pub.schema, e);
    }
    return rc;
}

static int build_node(struct build *b, struct err *e)
{
    const json_t *fr = json_object_get(b->it->pub.config, "full_refresh");
    int rc = ensure_schemas(b, e);
    if (rc < 0)
        return rc;
    b->existing = wh_relation_type(b->w, b->schema, b->alias);
    b->full_refresh = json_is_boolean(fr) ? json_is_true(fr)
                                          : b->o->full_refresh || b->p->o.full_refresh;
    b->r.is_execute = true;
    b->r.full_refresh = b->full_refresh;
    b->r.has_existing = true;
    b->r.existing = b->existing;
    if ((rc = wh_drop(b->w, b->schema, b->tmp, e)) < 0 ||
        (rc = wh_drop(b->w, WH_TEMP, b->tmp, e)) < 0)
        return rc;
    wh_notes_clear(b->w);
    render_begin(&b->r, b->p, b->w, b->it);
    rc = compile_and_build(b, e);
    render_end(&b->r);
    if (rc < 0) {
        wh_rollback(b->w, NULL);
        wh_drop(b->w, b->schema, b->tmp, NULL);
        wh_drop(b->w, WH_TEMP, b->tmp, NULL);
    }
    return rc;
}

static void set_error(struct model_result *r, int rc, const struct err *e)
{
    r->status = r->is_partial                        ? "partial success"
                : rc == ERR_BLOCKED                  ? "blocked"
                : rc == ERR_FAIL && r->tests != NULL ? "fail"
                                                     : "error";
    str_copy(r->message, sizeof r->message, e->text);
}

static void set_success(struct build *b)
{
    struct model_result *r = b->result;
    const char *notes = wh_notes(b->w);
    if (clone_is_asked(b->p)) /* has said what it did */
        return;
    if (r->rows >= 0)
        snprintf(r->message, sizeof r->message, "%s %s.%s, %lld rows",
                 b->it->pub.materialized, b->schema, b->alias, (long long)r->rows);
    else
        snprintf(r->message, sizeof r->message, "%s %s.%s", b->it->pub.materialized,
                 b->schema, b->alias);
    size_t n = strlen(r->message);
    if (*notes && n < sizeof r->message)
        snprintf(r->message + n, sizeof r->message - n, "; not run here: %.*s",
                 (int)strcspn(notes, "\n"), notes);
}

/* What is built aside, under a name of its own even where names are cut off. */
static char *aside_name(const struct wh *w, const char *alias)
{
    size_t max = wh_name_max(w), n = strlen(alias), tail = strlen(TMP_SUFFIX) + 9;
    if (!max || n + strlen(TMP_SUFFIX) <= max)
        return mem_printf("%s" TMP_SUFFIX, alias);
    for (n = max - tail; n && ((unsigned char)alias[n] & 0xc0) == 0x80;)
        n--;
    return mem_printf("%.*s_%08x" TMP_SUFFIX, (int)n, alias,
                      (unsigned)hash_64(alias, strlen(alias)));
}

static int check_name(const struct build *b, struct err *e)
{
    size_t max = wh_name_max(b->w), n = strlen(b->alias);
    if (!max || n <= max)
        return 0;
    return err_set(
        e, ERR_CONFIG,
        "%s: the relation's name \"%s\" has %zu bytes, %zu are the most here; "
        "give it a shorter alias",
        b->it->pub.path, b->alias, n, max);
}

static int run_build(struct project *p, struct wh *w, struct item *it,
                     const struct model_run_options *o, struct model_result *result,
                     struct err *why)
{
    struct build b = {.p = p,
                      .w = w,
                      .it = it,
                      .o = o,
                      .result = result,
                      .schema = it->pub.schema,
                      .alias = it->pub.alias};
    if (streq(it->pub.materialized, "ephemeral")) {
        str_copy(result->message, sizeof result->message, "ephemeral, not built");
        return 0;
    }
    b.tmp = aside_name(w, b.alias);
    buf_init(&b.sql, 64u << 20);
    int rc = check_name(&b, why);
    if (rc == 0)
        rc = build_node(&b, why);
    if (rc == 0)
        rc = judge_published(&b, why);
    if (rc == 0)
        set_success(&b);
    buf_release(&b.sql);
    mem_free(b.tmp);
    return rc;
}

static int run_test(struct project *p, struct wh *w, struct item *it,
                    struct model_result *result, struct err *why)
{
    json_t *one = NULL;
    int rc =
        testing_run(p, w, it, NULL, NULL, NULL, p->o.store_failures, -1, &one, why);
    if (rc < 0)
        return rc;
    static const char *const statuses[] = {"pass", "warn", "fail", "error"};
    for (size_t i = 0; i < 4; i++)
        if (streq(json_str(one, "status", "error"), statuses[i]))
            result->status = statuses[i];
    str_copy(result->message, sizeof result->message, json_str(one, "message", ""));
    result->rows = json_i64(one, "failures", -1);
    if ((rc = (int)json_i64(one, "code", 0)) < 0)
        err_set(why, rc, "%s", result->message);
    json_decref(one);
    return rc;
}

int model_run(struct project *p, struct wh *w, const struct node *n,
              const struct model_run_options *o, struct model_result *result,
              struct err *e)
{
    static const struct model_run_options none = {0};
    struct err why = {0};
    struct item *it = item_of(n);
    int64_t start = time_mono_us();
    int rc;
    *result = (struct model_result){.status = "success", .rows = -1};
    (void)e;
    if (it->broken)
        rc = err_set(&why, ERR_PARSE, "%s", it->broken);
    else if (n->type == NODE_TEST)
        rc = run_test(p, w, it, result, &why);
    else if (n->type == NODE_UNIT_TEST)
        rc = unit_run(p, w, it, result, &why);
    else if (n->type == NODE_MODEL || n->type == NODE_SEED || n->type == NODE_SNAPSHOT)
        rc = run_build(p, w, it, o ? o : &none, result, &why);
    else
        rc = err_set(&why, ERR_UNSUPPORTED, "%s: a %s is not run", n->unique_id,
                     node_type_name(n->type));
    result->code = rc;
    if (rc < 0)
        set_error(result, rc, &why);
    result->seconds = (double)(time_mono_us() - start) / 1e6;
    return rc == ERR_INTERRUPTED ? err_set(e, rc, "%s", why.text) : 0;
}

void model_result_release(struct model_result *r)
{
    json_decref(r->detail);
    json_decref(r->tests);
    json_decref(r->batches);
    r->detail = r->tests = r->batches = NULL;
}
