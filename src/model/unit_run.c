/* Running a unit test: the model's SQL with its inputs' rows as CTEs in place of the
 * relations it refers to, compared with the rows expected. Nothing is built and no row
 * of the warehouse is read: it only tells the columns' types. Called by model_run. */
#include "model/unit.h"

#include <ctype.h>
#include "base/buf.h"
#include "model/native.h"

/* ── what the model sees ── */

struct jv *unit_relation(struct jinja_call *c, struct render *r, struct item *to)
{
    struct unit_test *u = r->unit;
    for (size_t i = 0; i < u->n; i++) {
        struct unit_input *in = &u->inputs[i];
        if (in->node != to)
            continue;
        bool is_known = false;
        for (size_t k = 0; k < u->used.n; k++)
            is_known |= u->used.v[k] == to;
        if (!is_known)
            vec_push(&u->used, to);
        return relation_subquery(jinja_mem(c), in->cte, NULL, in->cte);
    }
    return jinja_fail(c,
                      "the unit test gives no input for %s; add it to given: (rows: [] "
                      "for none)",
                      to->pub.unique_id);
}

NATIVE(constant)
{
    (void)c, (void)args, (void)n, (void)kw_names, (void)kw_values, (void)n_kw;
    return userdata;
}

struct jv *unit_macro(struct render *r, struct arena *mem, const char *name)
{
    json_t *v = r->unit ? json_object_get(r->unit->macros, name) : NULL;
    return v ? jv_function(mem, name, constant, jv_from_json(mem, v)) : NULL;
}

/* ── macros that make SQL of rows ── */

struct run {
    struct project *p;
    struct wh *w;
    struct item *test;
    struct unit_test *u;
};

/* A macro's text; args: up to three values. it: whose model and this it sees. */
static int call_macro(struct run *run, struct item *it, const char *name,
                      json_t *const *values, size_t n, struct buf *out, struct err *e)
{
    struct arena mem;
    struct render r = {.is_execute = true};
    struct jv *args[3], *text = NULL;
    const struct macro *m = macros_find(run->p, run->p->root, name);
    if (!m)
        return err_set(e, ERR_NOTFOUND, "the macro %s is not there", name);
    arena_init(&mem, 512u << 20);
    render_begin(&r, run->p, run->w, it);
    struct jv *ctx = context_new(&r, &mem);
    for (size_t i = 0; i < n && i < 3; i++)
        args[i] = jv_from_json(&mem, values[i]);
    int rc = jinja_call_value(run->p->env, name, m->fn, ctx, args, n, NULL, NULL, 0,
                              &mem, &text, e);
    if (rc == 0)
        jv_to_text(text, out);
    render_end(&r);
    arena_release(&mem);
    return rc == 0 ? buf_check(out, "unit test", e) : rc;
}

/* ── columns and their types ── */

static void add_type(void *arg, const char *name, const char *type)
{
    char *key = mem_strdup(name);
    for (char *s = key; *s; s++)
        *s = (char)tolower((unsigned char)*s);
    json_put_str(arg, key, type ? type : "");
    mem_free(key);
}

/* Of a query, as the warehouse types it: an empty table made of it. */
static int types_of_query(struct run *run, const char *sql, json_t *types,
                          struct err *e)
{
    struct buf empty;
    buf_init(&empty, 64u << 20);
    buf_addf(&empty, "select * from (\n%s\n) as dbt_unit_test where 1 = 0", sql);
    wh_drop(run->w, WH_TEMP, "dbt_unit_test__types", NULL);
    int rc = buf_check(&empty, "unit test", e);
    if (rc == 0)
        rc = wh_create_table_as(run->w, WH_TEMP, "dbt_unit_test__types",
                                buf_str(&empty), e);
    if (rc == 0)
        rc = wh_columns(run->w, WH_TEMP, "dbt_unit_test__types", add_type, types, e);
    wh_drop(run->w, WH_TEMP, "dbt_unit_test__types", NULL);
    buf_release(&empty);
    return rc;
}

/* Of an input: as its relation has them; of a model that is not built, or never is, as
 * its SQL would make them. No types: nobody knows. */
static void types_of_input(struct run *run, struct item *it, json_t *types)
{
    struct buf sql;
    struct err none = {0};
    if (wh_schema_ensure(run->w, it->pub.schema, &none) == 0 &&
        wh_relation_type(run->w, it->pub.schema, it->pub.alias) != WH_ABSENT)
        wh_columns(run->w, it->pub.schema, it->pub.alias, add_type, types, &none);
    if (json_object_size(types) || it->pub.type != NODE_MODEL)
        return;
    buf_init(&sql, 64u << 20);
    if (model_compile(run->p, run->w, &it->pub, &sql, &none) == 0)
        types_of_query(run, buf_str(&sql), types, &none);
    buf_release(&sql);
}

/* Text that is a number is one where the column's type is not known: CSV has no other
 * way to write it. */
static void loosen(json_t *rows, const json_t *types)
{
    size_t i;
    json_t *row, *v;
    const char *key;
    void *tmp;
    json_array_foreach (rows, i, row) {
        json_object_foreach_safe(row, tmp, key, v)
        {
            struct str s = {json_string_value(v), json_string_length(v)};
            int64_t n;
            double d;
            if (!json_is_string(v) || *json_str(types, key, "?"))
                continue;
            if (str_to_i64(s, &n))
                json_object_set_new(row, key, json_integer(n));
            else if (str_to_double(s, &d))
                json_object_set_new(row, key, json_real(d));
        }
    }
}

/* ── SQL ── */

static int input_sql(struct run *run, const struct unit_input *in, struct buf *out,
                     struct err *e)
{
    if (in->sql) {
        struct render r = {.is_execute = true};
        render_begin(&r, run->p, run->w, in->node);
        int rc = render_text(&r, run->test->pub.path, in->sql, strlen(in->sql), out, e);
        render_end(&r);
        return rc;
    }
    json_t *types = json_object(), *rows = json_deep_copy(in->rows);
    types_of_input(run, in->node, types);
    loosen(rows, types);
    json_t *const args[] = {rows, types};
    int rc = call_macro(run, in->node, "get_fixture_sql", args, 2, out, e);
    json_decref(types);
    json_decref(rows);
    return rc;
}

static bool is_used(const struct run *run, const struct unit_input *in,
                    const struct buf *body)
{
    for (size_t i = 0; i < run->u->used.n; i++)
        if (run->u->used.v[i] == in->node)
            return true;
    return in == run->u->this && strstr(buf_str(body), in->cte);
}

/* The model's SQL, its inputs in front. */
static int main_sql(struct run *run, struct buf *out, struct err *e)
{
    struct render r = {.is_execute = true, .unit = run->u};
    cte_list ctes = {0};
    struct buf body;
    buf_init(&body, 64u << 20);
    run->u->used.n = 0;
    render_begin(&r, run->p, run->w, run->u->model);
    int rc = render_item(&r, &body, e);
    render_end(&r);
    for (size_t i = 0; rc == 0 && i < run->u->n; i++) {
        struct buf sql;
        if (!is_used(run, &run->u->inputs[i], &body))
            continue;
        buf_init(&sql, 64u << 20);
        rc = input_sql(run, &run->u->inputs[i], &sql, e);
        vec_push(&ctes, ((struct cte){run->u->inputs[i].cte + strlen("__dbt__cte__"),
                                      mem_strdup(buf_str(&sql))}));
        buf_release(&sql);
    }
    if (rc == 0 && ctes.n)
        rc = compile_with(out, &body, &ctes, e);
    else if (rc == 0)
        buf_add(out, buf_str(&body), body.len);
    for (size_t i = 0; i < ctes.n; i++)
        mem_free(ctes.v[i].sql);
    vec_release(&ctes);
    buf_release(&body);
    return rc;
}

/* Columns that are compared: those of the rows expected, else all. */
static json_t *compared(const json_t *rows, const json_t *types)
{
    json_t *names = json_array(), *v;
    const char *key;
    const json_t *from = json_array_size(rows) ? json_array_get(rows, 0) : types;
    json_object_foreach ((json_t *)(uintptr_t)from, key, v)
        json_array_append_new(names, json_string(key));
    return names;
}

static int test_sql(struct run *run, const struct buf *actual, struct buf *out,
                    struct err *e)
{
    json_t *expect = json_obj(run->u->def, "expect"), *types = json_object();
    json_t *rows = json_deep_copy(json_object_get(expect, "rows"));
    struct buf expected;
    buf_init(&expected, 64u << 20);
    int rc = types_of_query(run, buf_str(actual), types, e);
    if (json_is_string(rows)) {
        buf_adds(&expected, json_string_value(rows));
    } else if (rc == 0) {
        loosen(rows, types);
        json_t *const args[] = {rows, types};
        rc = call_macro(run, run->test, "get_expected_sql", args, 2, &expected, e);
    }
    json_t *const args[] = {json_string(buf_str(actual)),
                            json_string(buf_str(&expected)),
                            compared(json_is_array(rows) ? rows : NULL, types)};
    if (rc == 0)
        rc = call_macro(run, run->test, "get_unit_test_sql", args, 3, out, e);
    for (size_t i = 0; i < 3; i++)
        json_decref(args[i]);
    json_decref(rows);
    json_decref(types);
    buf_release(&expected);
    return rc;
}

/* ── verdict ── */

static const char *cell_text(struct arena *mem, struct wh_value v)
{
    struct buf b;
    switch (v.type) {
    case WH_NULL:
        return NULL;
    case WH_INT:
        return arena_printf(mem, "%lld", (long long)v.i);
    case WH_TEXT:
    case WH_BLOB:
        return arena_strndup(mem, v.text.p, v.text.n);
    case WH_REAL:
        break;
    }
    if (v.d > -9e15 && v.d < 9e15 && v.d == (double)(int64_t)v.d)
        return arena_printf(mem, "%lld", (long long)v.d); /* 1.0 equals 1 */
    buf_init(&b, 100);
    jv_to_text(jv_float(mem, v.d), &b);
    const char *text = arena_strdup(mem, buf_str(&b));
    buf_release(&b);
    return text;
}

/* Rows of the union: the last column tells which table each belongs to. */
static int read_tables(struct run *run, const char *sql, struct unit_table *expected,
                       struct unit_table *actual, struct err *e)
{
    struct wh_cursor *c;
    struct arena *mem = expected->mem;
    int rc = wh_query(run->w, sql, &c, e);
    if (rc < 0)
        return rc;
    size_t n = (size_t)wh_n_columns(c) - 1;
    expected->n_columns = actual->n_columns = n;
    expected->columns = arena_alloc(mem, (n + 1) * sizeof *expected->columns);
    actual->columns = expected->columns;
    for (size_t i = 0; i < n; i++)
        expected->columns[i] = arena_strdup(mem, wh_column_name(c, (int)i));
    while ((rc = wh_next(c, e)) > 0) {
        const char **row = arena_alloc(mem, (n + 1) * sizeof *row);
        for (size_t i = 0; i < n; i++)
            row[i] = cell_text(mem, wh_value(c, (int)i));
        struct wh_value side = wh_value(c, (int)n);
        bool is_expected = side.text.n && side.text.p[0] == 'e';
        if (is_expected)
            vec_push(&expected->rows, row);
        else
            vec_push(&actual->rows, row);
    }
    wh_cursor_close(c);
    return rc;
}

static int judge(struct run *run, const char *sql, struct model_result *result,
                 struct err *e)
{
    struct arena mem;
    struct unit_table expected = {.mem = &mem}, actual = {.mem = &mem};
    struct buf diff;
    arena_init(&mem, 0);
    buf_init(&diff, 16u << 20);
    int rc = read_tables(run, sql, &expected, &actual, e);
    if (rc == 0) {
        bool is_equal = unit_diff(&expected, &actual, &diff);
        result->status = is_equal ? "pass" : "fail";
        result->rows = !is_equal;
        if (!is_equal)
            snprintf(result->message, sizeof result->message,
                     "actual differs from expected:\n\n%s", buf_str(&diff));
    }
    vec_release(&expected.rows);
    vec_release(&actual.rows);
    buf_release(&diff);
    arena_release(&mem);
    return rc;
}

int unit_run(struct project *p, struct wh *w, struct item *test,
             struct model_result *result, struct err *e)
{
    struct run run = {p, w, test, test->unit};
    struct buf actual, sql;
    if (test->unit->model->broken)
        return err_set(e, ERR_PARSE, "%s", test->unit->model->broken);
    buf_init(&actual, 64u << 20);
    buf_init(&sql, 64u << 20);
    int rc = main_sql(&run, &actual, e);
    if (rc == 0)
        rc = test_sql(&run, &actual, &sql, e);
    if (rc == 0)
        rc = judge(&run, buf_str(&sql), result, e);
    if (rc < 0)
        err_wrap(e, rc, "%s: unit test \"%s\" of %s", test->pub.path, test->pub.name,
                 test->unit->model->pub.name);
    buf_release(&actual);
    buf_release(&sql);
    return rc;
}
