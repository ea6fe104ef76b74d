/* weir gate quarantine: rows that did not fulfil a gate's checks and were not
 * published. In: the tables of the schema quarantine, read-only, one for each gate.
 * Out: how many of each run and check, or the rows. Called by cmd_gate.c. Always holds:
 * tables are found in the warehouse, so those of gates that are no longer in weir.yml
 * are listed too. */
#include "cmd/gate.h"

#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "base/vec.h"
#include "warehouse/wh_json.h"

#define SCHEMA "quarantine"
#define LIMIT  20

struct tables {
    VEC(char *) names;
};

static void add_table(void *arg, const char *schema, const char *name,
                      enum wh_relation_type type)
{
    struct tables *t = arg;
    (void)schema;
    if (type == WH_TABLE)
        vec_push(&t->names, mem_strdup(name));
}

static void tables_release(struct tables *t)
{
    for (size_t i = 0; i < t->names.n; i++)
        mem_free(t->names.v[i]);
    vec_release(&t->names);
}

/* No file yet is no rows yet. */
static int open_tables(const struct cmd_args *a, struct wh **w, struct tables *t,
                       struct err *e)
{
    static const char *const schemas[] = {SCHEMA, NULL};
    struct wh_options o = wh_options_of(a->platform);
    o.schemas = schemas;
    o.is_readonly = true;
    int rc = wh_open(w, &o, e);
    return rc < 0 ? rc : wh_relations(*w, SCHEMA, add_table, t, e);
}

/* Rows of a query on the table, each with its gate. run < 0: of every run. */
static int add_rows(struct wh *w, const char *table, const char *columns,
                    const char *tail, long run, long limit, json_t *rows, struct err *e)
{
    struct wh_cursor *c = NULL;
    struct buf b;
    buf_init(&b, 65536);
    buf_addf(&b, "SELECT %s FROM ", columns);
    wh_quote(w, &b, SCHEMA, table);
    if (run >= 0)
        buf_addf(&b, " WHERE run_id = %ld", run);
    buf_addf(&b, " %s LIMIT %ld", tail, limit);
    int rc = wh_query_raw(w, buf_str(&b), &c, e);
    while (rc == 0 && (rc = wh_next(c, e)) == 1) {
        json_t *row = json_object();
        json_put_str(row, "gate", table);
        for (int i = 0; i < wh_n_columns(c); i++)
            json_put(row, wh_column_name(c, i), wh_value_json(wh_value(c, i)));
        json_array_append_new(rows, row);
        rc = 0;
    }
    wh_cursor_close(c);
    buf_release(&b);
    return rc < 0 ? rc : 0;
}

static void shorten(json_t *rows)
{
    json_t *row;
    size_t i;
    json_array_foreach (rows, i, row) {
        const char *type = json_str(row, "expectation", "");
        if (str_starts(type, "expect_"))
            json_object_set_new(row, "expectation", json_string(type + 7));
    }
}

static int list_counts(const struct cmd_args *a, struct wh *w, const struct tables *t,
                       struct err *e)
{
    static const struct cmd_column columns[] = {
        {"gate", "GATE", COL_TEXT},          {"run_id", "RUN", COL_NUMBER},
        {"kept_at", "KEPT AT", COL_TEXT},    {"relation", "OF", COL_TEXT},
        {"expectation", "EXPECT", COL_TEXT}, {"column_name", "COLUMN", COL_TEXT},
        {"rows", "ROWS", COL_NUMBER},
    };
    json_t *rows = json_array();
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < t->names.n; i++)
        rc = add_rows(w, t->names.v[i],
                      "run_id, MAX(kept_at) AS kept_at, relation, expectation,"
                      " column_name, COUNT(*) AS rows",
                      "GROUP BY run_id, relation, expectation, column_name"
                      " ORDER BY run_id DESC, rows DESC",
                      opt_int(a, "run", -1), opt_int(a, "limit", LIMIT), rows, e);
    shorten(rows);
    if (rc == 0)
        rc = cmd_print_rows(a, rows, columns, sizeof columns / sizeof *columns, e);
    json_decref(rows);
    return rc;
}

/* For programs the row is an object again. */
static void parse_rows(json_t *rows)
{
    json_t *row, *object;
    size_t i;
    json_array_foreach (rows, i, row)
        if ((object = json_loads(json_str(row, "row", ""), 0, NULL)))
            json_object_set_new(row, "row", object);
}

static int list_rows(const struct cmd_args *a, struct wh *w, const char *gate,
                     bool is_there, struct err *e)
{
    static const struct cmd_column columns[] = {
        {"run_id", "RUN", COL_NUMBER},
        {"kept_at", "KEPT AT", COL_TEXT},
        {"expectation", "EXPECT", COL_TEXT},
        {"column_name", "COLUMN", COL_TEXT},
        {"row", "ROW", COL_TEXT},
    };
    json_t *rows = json_array();
    int rc = 0;
    if (is_there)
        rc = add_rows(w, gate,
                      "run_id, kept_at, suite, relation, expectation, column_name,"
                      " row_json AS row",
                      "ORDER BY run_id DESC, kept_at DESC", opt_int(a, "run", -1),
                      opt_int(a, "limit", LIMIT), rows, e);
    shorten(rows);
    if (a->is_json)
        parse_rows(rows);
    if (rc == 0)
        rc = cmd_print_rows(a, rows, columns, sizeof columns / sizeof *columns, e);
    json_decref(rows);
    return rc;
}

static bool is_gate(const struct platform *p, const char *name)
{
    for (size_t i = 0; i < p->n_gates; i++)
        if (streq(p->gates[i].name, name))
            return true;
    return false;
}

static int kept_none(const char *gate, const struct tables *t, struct err *e)
{
    const char *near = str_nearest(gate, (const char *const *)t->names.v, t->names.n);
    return err_set(e, ERR_NOTFOUND,
                   "gate %s has kept no rows%s%s%s (weir gate quarantine lists them)",
                   gate, near ? "; did you mean " : "", near ? near : "",
                   near ? "?" : "");
}

int gate_quarantine(const struct cmd_args *a, const char *gate, struct err *e)
{
    struct tables t = {0};
    struct wh *w = NULL;
    bool is_there = false;
    if (opt_int(a, "limit", LIMIT) < 1)
        return err_set(e, ERR_USAGE, "--limit: expected 1 or more");
    int rc = open_tables(a, &w, &t, e);
    for (size_t i = 0; gate && i < t.names.n; i++)
        is_there |= streq(t.names.v[i], gate);
    if (rc == 0 && gate && !is_there && !is_gate(a->platform, gate))
        rc = kept_none(gate, &t, e);
    else if (rc == 0)
        rc = gate ? list_rows(a, w, gate, is_there, e) : list_counts(a, w, &t, e);
    tables_release(&t);
    wh_close(w);
    return rc;
}
