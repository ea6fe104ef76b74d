/* Materializations that are macros: a project's or package's own
 * {% materialization %}, and the built-in ones (macros/) when a project overrides a
 * macro they are made of, has hooks inside the transaction, or asks for what only they
 * do. Everything else takes the engine's own way (materialize.c), which gives the same
 * and is faster.
 * In: a node's compiled SQL. Out: what the macro published; its relations must be
 * returned and the statement "main" must have been called, as in dbt. What always
 * holds: what stands in the transaction that the macro did not commit is rolled back.
 * Called by materialize.c. */
#include "model/native.h"

#include <strings.h>
#include "base/buf.h"
#include "base/log.h"
#include "model/context.h"
#include "warehouse/sql_token.h"

enum { TABLE = 1, VIEW = 2, INCREMENTAL = 4, SEED = 8, SNAPSHOT = 16, ALL = 31 };

/* What the built-in materializations call: overriding one of these changes them. */
static const struct {
    const char *macro;
    unsigned kinds;
} parts[] = {
#define X(name, kinds) {#name, kinds},
#include "model/macros/parts.list"
#undef X
};

static unsigned kind_of(const char *materialized)
{
    static const struct {
        const char *name;
        unsigned kind;
    } kinds[] = {{"table", TABLE},
                 {"view", VIEW},
                 {"incremental", INCREMENTAL},
                 {"seed", SEED},
                 {"snapshot", SNAPSHOT}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (streq(kinds[i].name, materialized))
            return kinds[i].kind;
    return 0;
}

/* ── which macro ── */

static struct macro *named(struct project *p, const char *package, const char *name,
                           const char *adapter)
{
    char full[300];
    snprintf(full, sizeof full, "materialization_%s_%s", name, adapter);
    return macros_in(p, package, full);
}

/* Since dbt 1.8 a package may bring new materializations but not replace built-in ones,
 * unless the root project hands them on or says so with this flag. */
static bool may_packages_replace(const struct project *p)
{
    return !json_flag(json_obj(p->root->conf, "flags"),
                      "require_explicit_package_overrides_for_builtin_"
                      "materializations",
                      true);
}

static struct macro *own_materialization(struct project *p, const char *name)
{
    const char *const adapters[] = {p->o.adapter, "default"};
    bool is_builtin = named(p, "dbt", name, "default") != NULL;
    struct macro *m = NULL;
    for (size_t i = 0; !m && i < 2; i++) {
        m = named(p, p->root->name, name, adapters[i]);
        for (size_t k = 0; !m && k < p->packages.n; k++)
            if (!is_builtin || may_packages_replace(p))
                m = named(p, p->packages.v[k]->name, name, adapters[i]);
    }
    return m;
}

static bool is_part_overridden(const struct build *b, unsigned kind)
{
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if ((parts[i].kinds & kind) &&
            macros_overridden(b->p, b->it->package, parts[i].macro))
            return true;
    return false;
}

static bool is_own_strategy(const struct build *b)
{
    const char *s = json_str(b->it->pub.config, "incremental_strategy", NULL);
    bool is_merge = s && streq(s, "merge") && !streq(wh_kind(b->w), "sqlite");
    return s && (is_merge || !incremental_knows(s)); /* microbatch among them */
}

int custom_check(const struct build *b, struct err *e)
{
    const char *s = json_str(b->it->pub.config, "incremental_strategy", NULL);
    char macro[128];
    if (kind_of(b->it->pub.materialized) != INCREMENTAL || !s || incremental_knows(s))
        return 0;
    snprintf(macro, sizeof macro, "get_incremental_%.90s_sql", s);
    for (char *c = macro; *c; c++)
        *c = *c == '+' ? '_' : *c;
    if (macros_find(b->p, b->it->package, macro))
        return 0;
    return err_set(e, ERR_CONFIG,
                   "%s: dbt could not find an incremental strategy macro with the name "
                   "\"%s\"; the strategies that need none are append, delete+insert, "
                   "merge and microbatch",
                   b->it->pub.path, macro);
}

/* By a macro snapshot_NAME_strategy of the project, or of the package that "p.name"
 * names. */
static bool is_own_snapshot(const struct build *b)
{
    const char *s = json_str(b->it->pub.config, "strategy", "");
    char name[200];
    snprintf(name, sizeof name, "snapshot_%s_strategy", s);
    return !snapshot_knows(s) &&
           (strchr(s, '.') || macros_find(b->p, b->it->package, name));
}

/* What the engine's own way does on SQLite alone, where there are no grants, comments
 * or kinds of indexes. */
static bool needs_macro(const struct build *b, unsigned kind)
{
    static const char *const configs[] = {"grants", "persist_docs", "indexes",
                                          "unlogged"};
    if (streq(wh_kind(b->w), "sqlite"))
        return false;
    for (size_t i = 0; i < sizeof configs / sizeof *configs; i++) {
        const json_t *v = json_object_get(b->it->pub.config, configs[i]);
        if (json_object_size(v) || json_array_size(v) || json_is_true(v))
            return true;
    }
    return kind == SNAPSHOT;
}

struct macro *custom_find(const struct build *b)
{
    const char *how = b->it->pub.materialized;
    unsigned kind = kind_of(how);
    struct macro *m = own_materialization(b->p, how);
    if (m)
        return m;
    if (!kind || needs_macro(b, kind) || is_part_overridden(b, kind) ||
        (kind == INCREMENTAL && is_own_strategy(b)) ||
        (kind == SNAPSHOT && is_own_snapshot(b)))
        return named(b->p, "dbt", how, "default");
    return NULL;
}

/* ── the context ── */

static struct jv *hook_list(const struct build *b, struct arena *mem, const char *key)
{
    struct jv *list = jv_list(mem);
    const json_t *hooks = json_arr(b->it->pub.config, key), *one;
    bool is_pre = streq(key, "pre-hook"); /* once around all batches */
    if (b->r.batch && !(is_pre ? b->is_first_batch : b->is_last_batch))
        return list;
    size_t i;
    json_array_foreach (hooks, i, one) {
        struct jv *hook = jv_dict(mem);
        bool is_inside;
        const char *sql = materialize_hook_sql(one, &is_inside);
        jv_set(hook, "sql", jv_strz(mem, sql ? sql : ""));
        jv_set(hook, "transaction", jv_bool(is_inside));
        jv_set(hook, "index", jv_int(mem, (int64_t)i));
        jv_append(list, hook);
    }
    return list;
}

/* The first batch has made the table; the others add to it. */
NATIVE(no_full_refresh)
{
    UNUSED;
    (void)c;
    return jv_bool(false);
}

static struct jv *new_context(struct build *b, struct arena *mem)
{
    struct jv *ctx = context_new(&b->r, mem), *model = context_model(&b->r, mem);
    struct jv *sql = jv_str(mem, buf_str(&b->sql), b->sql.len);
    jv_set(model, "compiled_code", sql);
    jv_set(model, "compiled_sql", sql);
    jv_set(model, "compiled", jv_bool(true));
    jv_set(ctx, "model", model);
    jv_set(ctx, "sql", sql);
    jv_set(ctx, "compiled_code", sql);
    jv_set(ctx, "pre_hooks", hook_list(b, mem, "pre-hook"));
    jv_set(ctx, "post_hooks", hook_list(b, mem, "post-hook"));
    if (b->r.batch && !b->is_first_batch)
        jv_set(ctx, "should_full_refresh",
               jv_function(mem, "should_full_refresh", no_full_refresh, NULL));
    return ctx;
}

/* ── what it gave back ── */

static int check_result(const struct build *b, const struct macro *m,
                        const struct jv *result, struct err *e)
{
    const struct jv *list = jv_is(result, JV_DICT) ? jv_get(result, "relations") : NULL;
    const char *schema, *name;
    if (!jv_is(list, JV_LIST) && !jv_is(list, JV_TUPLE))
        return err_set(e, ERR_CONFIG,
                       "%s: the materialization %s (%s) must return a dict with the "
                       "key \"relations\": {{ return({'relations': [this]}) }}",
                       b->it->pub.path, b->it->pub.materialized, m->path);
    for (size_t i = 0; i < jv_len(list); i++)
        if (!relation_parts(jv_at(list, i), &schema, &name))
            return err_set(e, ERR_CONFIG,
                           "%s: the materialization %s (%s) returned a relation that "
                           "is none",
                           b->it->pub.path, b->it->pub.materialized, m->path);
    return 0;
}

static int take_main(struct build *b, struct jv *results, struct arena *mem,
                     struct err *e)
{
    struct jv *main_result = results ? jv_get(results, "main") : NULL;
    if (!main_result)
        return err_set(e, ERR_CONFIG,
                       "%s: the materialization %s never called the statement "
                       "\"main\"",
                       b->it->pub.path, b->it->pub.materialized);
    (void)mem;
    b->result->rows = execution_rows(jv_get(main_result, "response"));
    return 0;
}

/* Relations published without a transaction are judged where they stand. */
static int judge_late(struct build *b, const struct jv *result, struct err *e)
{
    const struct jv *list = jv_get(result, "relations");
    const char *schema, *name;
    if (b->is_judged || b->r.batch || !jv_len(list) ||
        !relation_parts(jv_at(list, 0), &schema, &name) || !schema || !name)
        return 0;
    return materialize_judge(b, schema, name, e);
}

static int finish(struct build *b, const struct macro *m, const struct jv *result,
                  struct arena *mem, struct err *e)
{
    int rc = check_result(b, m, result, e);
    if (rc == 0)
        rc = take_main(b, b->r.results, mem, e);
    if (rc == 0 && wh_in_transaction(b->w)) {
        log_warn("%s: the materialization %s ended without adapter.commit(): what it "
                 "did in the transaction is rolled back",
                 b->it->pub.path, b->it->pub.materialized);
        wh_rollback(b->w, NULL);
    } else if (rc == 0) {
        rc = judge_late(b, result, e);
    }
    return rc;
}

int custom_run(struct build *b, struct macro *m, struct err *e)
{
    struct arena own, *mem = render_memory(b->p, &own);
    struct jv *result = NULL, *kept = b->r.results;
    if (kind_of(b->it->pub.materialized) == SNAPSHOT && !is_own_snapshot(b) &&
        snapshot_check(b, e) < 0) {
        render_forget(b->p, mem);
        return e->code;
    }
    bool was_full = b->p->o.full_refresh;
    bool is_full = b->r.batch ? b->full_refresh : was_full || b->o->full_refresh;
    if (is_full != was_full) { /* of this node: a schedule's, or a later batch */
        b->p->o.full_refresh = is_full;
        flags_context(b->p);
    }
    b->r.build = b;
    b->r.results = NULL;
    int rc = jinja_call_value(b->p->env, m->name, m->fn, new_context(b, mem), NULL, 0,
                              NULL, NULL, 0, mem, &result, e);
    if (rc == 0)
        rc = finish(b, m, result, mem, e);
    if (rc < 0 && wh_in_transaction(b->w))
        wh_rollback(b->w, NULL);
    if (b->p->o.full_refresh != was_full) {
        b->p->o.full_refresh = was_full;
        flags_context(b->p);
    }
    b->r.build = NULL;
    b->r.results = kept;
    render_forget(b->p, mem);
    return rc;
}

/* ── views ── */

/* Index of the first token behind "create view NAME as", 0: not such a statement. */
static size_t view_select(const struct sql_tokens *t, struct arena *mem,
                          const char **schema, const char **name)
{
    size_t i = 1;
    if (!sql_is_word(t, 0, "CREATE") || !sql_is_word(t, i, "VIEW"))
        return 0;
    i++;
    *schema = NULL;
    *name = i < t->n ? sql_name(t, i, mem) : NULL;
    if (i + 2 < t->n && t->v[i + 1].kind == SQL_DOT) {
        *schema = *name;
        *name = sql_name(t, i + 2, mem);
        i += 2;
    }
    return *schema && *name && sql_is_word(t, i + 1, "AS") ? i + 2 : 0;
}

int view_exec(struct wh *w, const char *sql, struct err *e)
{
    struct sql_tokens t;
    struct arena mem;
    const char *schema = NULL, *name = NULL;
    if (!streq(wh_kind(w), "sqlite") || !strcasestr(sql, "view"))
        return wh_exec(w, sql, e);
    arena_init(&mem, 0);
    int rc = sql_tokenize(&t, &mem, sql, strlen(sql), false, e);
    size_t at = rc == 0 ? view_select(&t, &mem, &schema, &name) : 0, end = t.n;
    while (at && end > at && t.v[end - 1].kind == SQL_SEMI)
        end--;
    for (size_t i = at; at && i < end; i++)
        if (t.v[i].kind == SQL_SEMI)
            at = 0; /* several statements */
    if (rc == 0 && at && at < end) {
        size_t to = t.v[end - 1].start + t.v[end - 1].len;
        rc = wh_create_view(
            w, schema, name,
            arena_strndup(&mem, sql + t.v[at].start, to - t.v[at].start), e);
    } else if (rc == 0) {
        rc = wh_exec(w, sql, e);
    }
    arena_release(&mem);
    return rc;
}
