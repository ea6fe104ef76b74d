/* Failing rows of map expectations: a few examples for the result, and all of them,
 * without a cap, into the quarantine table. Card numbers are masked on the way. */
#include "quality/check.h"

#include "base/json.h"
#include "base/pan.h"
#include "base/timeutil.h"
#include "warehouse/wh_json.h"

static void add_where(const struct check *k, struct buf *b)
{
    buf_addf(b, " FROM %s WHERE ", k->scan->source);
    if (k->domain)
        buf_addf(b, "%s AND ", k->domain);
    if (!k->is_unique) {
        buf_addf(b, "(%s)", k->unexpected);
        return;
    }
    buf_addf(b, "%s IN (SELECT %s FROM %s", k->quoted, k->quoted, k->scan->source);
    if (k->domain)
        buf_addf(b, " WHERE %s", k->domain);
    buf_addf(b, " GROUP BY %s HAVING COUNT(%s) > 1)", k->quoted, k->quoted);
}

static json_t *cell(struct wh_value v)
{
    struct buf b;
    if (v.type != WH_TEXT && v.type != WH_BLOB)
        return wh_value_json(v);
    buf_init(&b, v.text.n + 16);
    buf_add(&b, v.text.p, v.text.n);
    if (b.data)
        pan_mask(b.data, b.len);
    v.text = (struct str){buf_str(&b), b.len};
    json_t *j = wh_value_json(v);
    buf_release(&b);
    return j;
}

/* Values of the column in the first n failing rows. */
int rows_examples(struct check *k, size_t n, json_t **out, struct err *e)
{
    struct wh_cursor *c = NULL;
    struct buf b;
    int rc;
    *out = json_array();
    buf_init(&b, (size_t)32 << 20);
    buf_addf(&b, "SELECT %s", k->quoted);
    add_where(k, &b);
    buf_addf(&b, " LIMIT %zu", n);
    if ((rc = buf_check(&b, "quality SQL", e)) == 0 &&
        (rc = wh_query_raw(k->scan->w, buf_str(&b), &c, e)) == 0)
        while ((rc = wh_next(c, e)) == 1)
            json_array_append_new(*out, cell(wh_value(c, 0)));
    wh_cursor_close(c);
    buf_release(&b);
    return rc < 0 ? rc : 0;
}

/* ── quarantine ── */
static int split_name(const char *full, char *schema, size_t size, const char **table,
                      struct err *e)
{
    const char *dot = strchr(full, '.');
    if (!dot || (size_t)(dot - full) >= size || !dot[1])
        return err_set(e, ERR_CONFIG, "quarantine \"%s\": expected SCHEMA.TABLE", full);
    memcpy(schema, full, (size_t)(dot - full));
    schema[dot - full] = 0;
    *table = dot + 1;
    return 0;
}

static int make_table(struct wh *w, const char *schema, const char *table,
                      struct err *e)
{
    struct buf b;
    int rc =
        wh_lock(w, schema, table, e); /* two gates may keep their first rows at once */
    if (rc < 0)
        return rc;
    buf_init(&b, 4096);
    buf_adds(&b, "CREATE TABLE IF NOT EXISTS ");
    wh_quote(w, &b, schema, table);
    buf_adds(&b,
             " (run_id BIGINT, kept_at TEXT, suite TEXT, relation TEXT, expectation "
             "TEXT, column_name TEXT, row_json TEXT)");
    rc = wh_exec_raw(w, buf_str(&b), e);
    buf_release(&b);
    return rc;
}

static struct wh_value text_value(const char *s)
{
    struct wh_value v = {.type = s ? WH_TEXT : WH_NULL};
    if (s)
        v.text = str_of(s);
    return v;
}

/* Every row of the cursor as JSON into the loader. */
static int copy_rows(struct check *k, struct wh_cursor *c, struct wh_loader *l,
                     struct wh_value *row, int64_t *kept, struct err *e)
{
    int rc, n = wh_n_columns(c);
    (void)k;
    while ((rc = wh_next(c, e)) == 1) {
        json_t *o = json_object();
        for (int i = 0; i < n; i++)
            json_object_set_new(o, wh_column_name(c, i), cell(wh_value(c, i)));
        char *text = json_dumps(o, JSON_COMPACT);
        json_decref(o);
        row[6] = text_value(text);
        rc = wh_loader_row(l, row, e);
        free(text);
        if (rc < 0)
            break;
        ++*kept;
    }
    return rc;
}

int rows_quarantine(struct check *k, const char *suite, int64_t *kept, struct err *e)
{
    static const char *const columns[] = {"run_id",   "kept_at",     "suite",
                                          "relation", "expectation", "column_name",
                                          "row_json", NULL};
    struct wh *to = k->run->quarantine_wh ? k->run->quarantine_wh : k->scan->w;
    bool is_own = k->run->quarantine_wh != NULL;
    char schema[128], at[32];
    const char *table = NULL;
    struct wh_cursor *c = NULL;
    struct wh_loader *l = NULL;
    struct buf b;
    int rc = split_name(k->run->quarantine, schema, sizeof schema, &table, e);
    if (rc < 0 || (rc = wh_schema_ensure(to, schema, e)) < 0)
        return rc;
    if (is_own && (rc = wh_begin_on(to, schema, e)) < 0)
        return rc;
    if ((rc = make_table(to, schema, table, e)) < 0) {
        if (is_own)
            wh_rollback(to, NULL);
        return rc;
    }
    time_format_sql(k->run->now_ms, true, at);
    struct wh_value row[7] = {{.type = WH_INT, .i = k->run->run_id},
                              text_value(at),
                              text_value(suite),
                              text_value(k->run->on),
                              text_value(k->item->type),
                              text_value(k->column)};
    buf_init(&b, (size_t)32 << 20);
    buf_adds(&b, "SELECT *");
    add_where(k, &b);
    if ((rc = buf_check(&b, "quality SQL", e)) == 0 &&
        (rc = wh_loader_open(to, schema, table, columns, &l, e)) == 0 &&
        (rc = wh_query_raw(k->scan->w, buf_str(&b), &c, e)) == 0)
        rc = copy_rows(k, c, l, row, kept, e);
    wh_cursor_close(c);
    if (l)
        wh_loader_close(l);
    buf_release(&b);
    if (is_own && rc >= 0)
        rc = wh_commit(to, e);
    else if (is_own)
        wh_rollback(to, NULL);
    return rc < 0 ? rc : 0;
}
