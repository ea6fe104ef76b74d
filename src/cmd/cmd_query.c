/* weir query: SQL on the warehouse, read-only, in the dialect of the models. In: one
 * statement. Out: a table, CSV or JSON. Streams: memory is that of a row for csv and
 * json. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "cmd/query.h"
#include "warehouse/warehouse.h"

#define TEXT_ROWS 10000 /* of a table for people; more are cut, and told */

/* The shortest decimal that reads back as the same double; money never shows its binary
 * tail. */
static void add_real(struct buf *out, double d)
{
    char text[40];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, d);
        double back = 0;
        if (str_to_double(str_of(text), &back) && back == d)
            break;
    }
    buf_adds(out, text);
}

static void add_csv_text(struct buf *out, struct str s)
{
    bool is_plain = s.n > 0;
    for (size_t i = 0; i < s.n && is_plain; i++)
        is_plain = !strchr(",\"\r\n", s.p[i]);
    if (is_plain) {
        buf_add(out, s.p, s.n);
        return;
    }
    buf_addc(out, '"');
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"')
            buf_addc(out, '"');
        buf_addc(out, s.p[i]);
    }
    buf_addc(out, '"');
}

/* NULL is an empty cell, an empty text is "". */
static void add_csv(struct buf *out, const struct wh_value *v)
{
    switch (v->type) {
    case WH_INT:
        buf_add_i64(out, v->i);
        break;
    case WH_REAL:
        add_real(out, v->d);
        break;
    case WH_TEXT:
    case WH_BLOB:
        add_csv_text(out, v->text);
        break;
    case WH_NULL:
        break;
    }
}

static void add_json(struct buf *out, const struct wh_value *v)
{
    switch (v->type) {
    case WH_INT:
        buf_add_i64(out, v->i);
        return;
    case WH_REAL:
        if (isfinite(v->d)) {
            add_real(out, v->d);
            return;
        }
        break;
    case WH_TEXT:
    case WH_BLOB:
        buf_add_json_str(out, v->text.p, v->text.n);
        return;
    case WH_NULL:
        break;
    }
    buf_adds(out, "null");
}

static int flush(struct buf *b, struct err *e)
{
    int rc = buf_check(b, "row", e);
    if (rc == 0 && b->len && fwrite(b->data, 1, b->len, stdout) != b->len)
        rc = err_errno(e, ERR_IO, "standard output");
    buf_reset(b);
    return rc;
}

static int print_csv(struct wh_cursor *c, long limit, struct err *e)
{
    struct buf b;
    int n = wh_n_columns(c), rc;
    buf_init(&b, 256u << 20);
    for (int i = 0; i < n; i++) {
        buf_adds(&b, i ? "," : "");
        add_csv_text(&b, str_of(wh_column_name(c, i)));
    }
    buf_addc(&b, '\n');
    for (long row = 0; (rc = flush(&b, e)) == 0 && (limit <= 0 || row < limit); row++) {
        if ((rc = wh_next(c, e)) <= 0)
            break;
        for (int i = 0; i < n; i++) {
            struct wh_value v = wh_value(c, i);
            buf_adds(&b, i ? "," : "");
            add_csv(&b, &v);
        }
        buf_addc(&b, '\n');
    }
    buf_release(&b);
    return rc < 0 ? rc : 0;
}

static void add_object(struct buf *b, struct wh_cursor *c, int n)
{
    for (int i = 0; i < n; i++) {
        struct wh_value v = wh_value(c, i);
        buf_adds(b, i ? ", " : "{");
        buf_add_json_str(b, wh_column_name(c, i), strlen(wh_column_name(c, i)));
        buf_adds(b, ": ");
        add_json(b, &v);
    }
    buf_addc(b, '}');
}

static int print_json(struct wh_cursor *c, long limit, struct err *e)
{
    struct buf b;
    int n = wh_n_columns(c), rc = 0;
    long row = 0;
    buf_init(&b, 256u << 20);
    buf_addc(&b, '[');
    for (; rc >= 0 && (limit <= 0 || row < limit); row++) {
        if ((rc = wh_next(c, e)) <= 0)
            break;
        buf_adds(&b, row ? ",\n " : "\n ");
        add_object(&b, c, n);
        rc = flush(&b, e);
    }
    buf_adds(&b, row ? "\n]\n" : "]\n");
    if (rc >= 0)
        rc = flush(&b, e);
    buf_release(&b);
    return rc < 0 ? rc : 0;
}

static json_t *cell_text(const struct wh_value *v)
{
    struct buf b;
    json_t *row = json_object();
    buf_init(&b, 64u << 20);
    if (v->type == WH_INT)
        buf_add_i64(&b, v->i);
    else if (v->type == WH_REAL)
        add_real(&b, v->d);
    else if (v->type != WH_NULL)
        buf_add(&b, v->text.p, v->text.n);
    json_put_str(row, "text",
                 v->type == WH_NULL ? NULL : buf_str(&b)); /* repairs UTF-8 */
    json_t *out = json_incref(json_object_get(row, "text"));
    json_decref(row);
    buf_release(&b);
    return out;
}

/* Numbers of a column stand at the right. */
static int print_text(const struct cmd_args *a, struct wh_cursor *c, long limit,
                      struct err *e)
{
    int n = wh_n_columns(c), rc = 0;
    json_t *rows = json_array();
    struct cmd_column *cols = mem_alloc((size_t)n * sizeof *cols);
    char **keys = mem_alloc((size_t)n * sizeof *keys);
    long most = limit > 0 ? limit : TEXT_ROWS, row = 0;
    for (int i = 0; i < n; i++) {
        keys[i] = mem_printf("%d", i);
        cols[i] = (struct cmd_column){keys[i], wh_column_name(c, i), COL_TEXT};
    }
    for (; row < most && (rc = wh_next(c, e)) > 0; row++) {
        json_t *o = json_object();
        for (int i = 0; i < n; i++) {
            struct wh_value v = wh_value(c, i);
            if (row == 0 && (v.type == WH_INT || v.type == WH_REAL))
                cols[i].kind = COL_NUMBER;
            json_put(o, keys[i], cell_text(&v));
        }
        json_array_append_new(rows, o);
    }
    if (rc >= 0)
        rc = cmd_print_rows(a, rows, cols, (size_t)n, e);
    if (rc >= 0 && limit <= 0 && row == most)
        fprintf(stderr, "weir: the first %d rows; -o csv gives all\n", TEXT_ROWS);
    for (int i = 0; i < n; i++)
        mem_free(keys[i]);
    mem_free(keys);
    mem_free(cols);
    json_decref(rows);
    return rc < 0 ? rc : 0;
}

int query_print(const struct cmd_args *a, struct wh_cursor *c, long limit,
                struct err *e)
{
    bool is_csv = a->output && streq(a->output, "csv");
    return a->is_json ? print_json(c, limit, e)
           : is_csv   ? print_csv(c, limit, e)
                      : print_text(a, c, limit, e);
}

static int open_warehouse(const struct platform *p, struct wh **w, struct err *e)
{
    struct wh_options o = wh_options_of(p);
    o.schemas = p->schemas;
    o.is_readonly = true;
    o.now_ms = p->as_of_ms;
    char *main_db = mem_printf("%s/main.db", p->warehouse_dir);
    bool has_main = access(main_db, F_OK) == 0;
    const char *all[66] = {"main"};
    mem_free(main_db);
    for (size_t i = 0; has_main && p->schemas && p->schemas[i] && i < 64; i++)
        all[i + 1] = p->schemas[i];
    if (has_main)
        o.schemas = all;
    return wh_open(w, &o, e);
}

static int run(const struct cmd_args *a, struct err *e)
{
    struct wh *w = NULL;
    struct wh_cursor *c = NULL;
    if (a->argc != 1 || !a->argv[0][strspn(a->argv[0], " \t\r\n;")])
        return err_set(e, ERR_USAGE,
                       "weir query takes one statement: weir query \"select "
                       "…\"");
    int rc = open_warehouse(a->platform, &w, e);
    if (rc == 0)
        rc = wh_query(w, a->argv[0], &c, e);
    long limit = opt_int(a, "limit", 0);
    if (rc == 0)
        rc = query_print(a, c, limit, e);
    wh_cursor_close(c);
    wh_close(w);
    if (rc < 0 && strstr(e->text, "readonly database"))
        return err_set(e, ERR_USAGE,
                       "weir query only reads; tables are made by models (weir build) "
                       "and sources");
    return rc;
}

static const struct cmd_opt opts[] = {
    {"limit", 'n', OPT_INT, "N", "At most this many rows (all; 10,000 as text).", NULL},
    {0},
};

const struct cmd cmd_query = {
    .name = "query",
    .summary = "Run a SELECT on the warehouse.",
    .operands = "SQL",
    .doc =
        "Read-only, in the dialect of the models (warehouse.dialect), with the same "
        "functions and exact sums. Relations are written schema.name: gold.dim_stores. "
        "Numbers are printed in their shortest exact form; NULL is an empty cell in "
        "csv.",
    .flags = CMD_READONLY | CMD_JSON,
    .opts = opts,
    .run = run,
};
