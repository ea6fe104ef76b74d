/* Running one test: its SELECT counted, judged by severity, warn_if and error_if as dbt
 * does (dbt.md 1.4). A test that cannot run is "error", never a pass. Called for a
 * node's own tests before it is published, and for tests that are items of their own.
 */
#include "model/internal.h"

#include <ctype.h>
#include "base/buf.h"
#include "base/timeutil.h"

struct verdict {
    int64_t failures;
    bool should_warn, should_error;
};

static const char *condition(const json_t *config, const char *key)
{
    return json_str(config, key, "!= 0");
}

static const char *fail_calc(const json_t *config)
{
    return json_str(config, "fail_calc", "count(*)");
}

/* The failing rows are kept as a table or a view, and counted there. */
static int store(struct wh *w, const struct item *t, const struct buf *sql,
                 struct buf *from, struct err *e)
{
    const char *as = json_str(t->pub.config, "store_failures_as", "table");
    bool is_view = streq(as, "view");
    if (!is_view && !streq(as, "table"))
        return err_set(e, ERR_CONFIG,
                       "%s: store_failures_as: '%s' is not a valid "
                       "value. Accepted values are: ['ephemeral', 'table', 'view']",
                       t->pub.path, as);
    const json_t *limit = json_object_get(t->pub.config, "limit");
    struct buf kept;
    buf_init(&kept, 64u << 20);
    if (json_is_integer(limit))
        buf_addf(&kept, "select * from (\n%s\n) dbt_internal_test limit %lld",
                 buf_str(sql), (long long)json_integer_value(limit));
    else
        buf_add(&kept, buf_str(sql), sql->len);
    int rc = buf_check(&kept, "test", e);
    if (rc == 0 && !wh_in_transaction(w))
        rc = wh_schema_ensure(w, t->pub.schema, e);
    if (rc == 0)
        rc = wh_drop(w, t->pub.schema, t->pub.alias, e);
    if (rc == 0)
        rc = (is_view ? wh_create_view : wh_create_table_as)(
            w, t->pub.schema, t->pub.alias, buf_str(&kept), e);
    buf_release(&kept);
    buf_adds(from, "select * from ");
    wh_quote(w, from, t->pub.schema, t->pub.alias);
    return rc;
}

static int count_query(struct wh *w, const char *text, struct verdict *v, struct err *e)
{
    struct wh_cursor *c;
    int rc = wh_query(w, text, &c, e);
    if (rc < 0)
        return rc;
    if ((rc = wh_next(c, e)) > 0) {
        struct wh_value n = wh_value(c, 0);
        v->failures = n.type == WH_REAL ? (int64_t)n.d : n.i;
        v->should_warn = wh_value(c, 1).i != 0;
        v->should_error = wh_value(c, 2).i != 0;
        rc = n.type == WH_NULL ? err_set(e, ERR_SQL, "the test's fail_calc gave NULL")
                               : 0;
    } else if (rc == 0) {
        rc = err_set(e, ERR_SQL, "the test gave no row");
    }
    wh_cursor_close(c);
    return rc;
}

static int count_failures(struct wh *w, const struct item *t, const struct buf *sql,
                          bool store_failures, struct verdict *v, struct err *e)
{
    const json_t *c = t->pub.config, *limit = json_object_get(c, "limit");
    struct buf text, from;
    buf_init(&text, 64u << 20);
    buf_init(&from, 64u << 20);
    int rc = 0;
    if (config_flag(c, "store_failures", store_failures))
        rc = store(w, t, sql, &from, e);
    else
        buf_add(&from, buf_str(sql), sql->len);
    buf_addf(
        &text,
        "select\n  %s as failures,\n  %s %s as should_warn,\n  %s %s as should_error\n"
        "from (\n%s\n",
        fail_calc(c), fail_calc(c), condition(c, "warn_if"), fail_calc(c),
        condition(c, "error_if"), buf_str(&from));
    if (json_is_integer(limit))
        buf_addf(&text, "limit %lld\n", (long long)json_integer_value(limit));
    buf_adds(&text, ") dbt_internal_test");
    if (rc == 0)
        rc = buf_check(&text, "test", e);
    if (rc == 0)
        rc = count_query(w, buf_str(&text), v, e);
    buf_release(&text);
    buf_release(&from);
    return rc;
}

/* severity error: error_if fails, else warn_if warns; severity warn: only warn_if. */
static const char *judge(const struct item *t, const struct verdict *v)
{
    bool is_error =
        strcasecmp(json_str(t->pub.config, "severity", "error"), "error") == 0;
    if (is_error && v->should_error)
        return "fail";
    return v->should_warn ? "warn" : "pass";
}

/* failures is known: only the conditions are left to judge. */
static int judge_count(struct wh *w, const struct item *t, int64_t failures,
                       struct verdict *v, struct err *e)
{
    struct buf text;
    buf_init(&text, 64u * 1024);
    buf_addf(&text, "select %lld, %lld %s, %lld %s", (long long)failures,
             (long long)failures, condition(t->pub.config, "warn_if"),
             (long long)failures, condition(t->pub.config, "error_if"));
    int rc = count_query(w, buf_str(&text), v, e);
    buf_release(&text);
    return rc;
}

static int measure(struct project *p, struct wh *w, struct item *t,
                   const struct item *built, const char *schema, const char *name,
                   bool store_failures, struct verdict *v, struct err *e)
{
    struct render r = {
        .is_execute = true, .built = built, .built_schema = schema, .built_name = name};
    struct buf sql;
    buf_init(&sql, 64u << 20);
    render_begin(&r, p, w, t);
    int rc = compile_item(&r, &sql, e);
    render_end(&r);
    if (rc == 0) {
        rc = count_failures(w, t, &sql, store_failures, v, e);
        if (rc < 0)
            compile_explain(t, w, buf_str(&sql), e);
    }
    buf_release(&sql);
    return rc;
}

int testing_run(struct project *p, struct wh *w, struct item *test,
                const struct item *built, const char *schema, const char *name,
                bool store_failures, int64_t known, json_t **out, struct err *e)
{
    struct verdict v = {0};
    struct err why = {0};
    int64_t start = time_mono_us();
    int rc = wh_try(w, &why);
    if (rc == 0) {
        rc = known >= 0
                 ? judge_count(w, test, known, &v, &why)
                 : measure(p, w, test, built, schema, name, store_failures, &v, &why);
        wh_try_end(w, rc == 0, rc < 0 ? NULL : &why);
    }
    if (rc == ERR_INTERRUPTED || rc == ERR_FULL || rc == ERR_LOCKED)
        return err_set(e, rc, "%s", why.text);
    json_t *one = json_object();
    const char *status = rc < 0 ? "error" : judge(test, &v);
    if (streq(status, "warn") && json_is_true(project_flag(p, "warn_error")))
        status = "fail";
    json_put_str(one, "node", test->pub.unique_id);
    json_put_str(one, "name", test->pub.name);
    json_put_str(one, "status", status);
    json_put_str(one, "severity", json_str(test->pub.config, "severity", "ERROR"));
    json_put_num(one, "seconds", (double)(time_mono_us() - start) / 1e6);
    if (rc < 0) {
        json_put(one, "failures", json_null());
        json_put_str(one, "message", why.text);
        json_put_i64(one, "code", rc);
    } else {
        json_put_i64(one, "failures", v.failures);
        char *text =
            v.failures
                ? mem_printf("got %lld result%s, configured to %s if %s",
                             (long long)v.failures, v.failures == 1 ? "" : "s",
                             streq(status, "fail") ? "fail" : "warn",
                             condition(test->pub.config,
                                       streq(status, "fail") ? "error_if" : "warn_if"))
                : mem_strdup("");
        json_put_str(one, "message", text);
        mem_free(text);
    }
    *out = one;
    return 0;
}

/* ── several tests in one scan ── */

static bool is_overridden(struct project *p, const char *macro)
{
    for (size_t i = 0; i < p->packages.n; i++)
        if (macros_in(p, p->packages.v[i]->name, macro))
            return true;
    return false;
}

static bool is_plain_column(const char *s)
{
    for (; s && *s; s++)
        if (!isalnum((unsigned char)*s) && *s != '_')
            return false;
    return s != NULL;
}

/* A built-in test of one column with nothing special in its config. */
static bool is_simple(struct project *p, const struct item *t, const char *name)
{
    const json_t *c = t->pub.config;
    char macro[64], fallback[64];
    snprintf(macro, sizeof macro, "test_%s", name);
    snprintf(fallback, sizeof fallback, "default__test_%s", name);
    return t->test_name && streq(t->test_name, name) && !t->test_namespace &&
           !t->broken && is_plain_column(t->column_name) &&
           !json_object_get(c, "where") && !json_object_get(c, "limit") &&
           streq(fail_calc(c), "count(*)") &&
           !config_flag(c, "store_failures", p->o.store_failures) &&
           !is_overridden(p, macro) && !is_overridden(p, fallback);
}

static void add_list(struct buf *out, json_t *values, bool is_quoted)
{
    size_t i;
    json_t *one;
    json_array_foreach (values, i, one) {
        struct arena mem;
        struct buf text;
        arena_init(&mem, 0);
        buf_init(&text, 1u << 20);
        jv_to_text(jv_from_json(&mem, one), &text);
        buf_adds(out, i ? ", " : "");
        if (is_quoted)
            buf_addc(out, '\'');
        for (size_t k = 0; k < text.len; k++) {
            if (text.data[k] == '\'' && is_quoted)
                buf_addc(out, '\'');
            buf_addc(out, text.data[k]);
        }
        if (is_quoted)
            buf_addc(out, '\'');
        buf_release(&text);
        arena_release(&mem);
    }
}

/* What counts the failures of one test; false when it needs a query of its own. */
static bool add_counter(struct project *p, const struct item *t, struct buf *out)
{
    json_t *values = json_arr(t->test_kwargs, "values");
    if (is_simple(p, t, "not_null")) {
        buf_addf(out, "count(case when %s is null then 1 end)", t->column_name);
        return true;
    }
    if (!is_simple(p, t, "accepted_values") || !json_array_size(values))
        return false;
    buf_addf(out, "count(distinct case when %s not in (", t->column_name);
    add_list(out, values, json_flag(t->test_kwargs, "quote", true));
    buf_addf(out, ") then %s end)", t->column_name);
    return true;
}

void testing_count(struct project *p, struct wh *w, const item_list *tests,
                   const char *schema, const char *name, int64_t *failures)
{
    struct buf sql;
    struct wh_cursor *c;
    size_t n = 0;
    buf_init(&sql, 16u << 20);
    buf_adds(&sql, "select ");
    for (size_t i = 0; i < tests->n; i++) {
        size_t before = sql.len;
        buf_adds(&sql, n ? ", " : "");
        bool is_in = add_counter(p, tests->v[i], &sql);
        failures[i] = is_in ? (int64_t)n++ : -1; /* its column, for now */
        if (!is_in) {
            sql.len = before;
            sql.data[before] = '\0';
        }
    }
    buf_adds(&sql, " from ");
    wh_quote(w, &sql, schema, name);
    /* should it fail, each test runs alone and says why */
    bool is_counted = false, is_tried = n > 1 && !sql.failed && wh_try(w, NULL) == 0;
    if (is_tried && wh_query(w, buf_str(&sql), &c, NULL) == 0) {
        is_counted = wh_next(c, NULL) > 0;
        for (size_t i = 0; i < tests->n; i++)
            if (is_counted && failures[i] >= 0)
                failures[i] = wh_value(c, (int)failures[i]).i;
        wh_cursor_close(c);
    }
    if (is_tried)
        wh_try_end(w, is_counted, NULL);
    for (size_t i = 0; !is_counted && i < tests->n; i++)
        failures[i] = -1;
    buf_release(&sql);
}
