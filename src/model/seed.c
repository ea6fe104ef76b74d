/* Seeds: a CSV file into a table built aside. Two passes over the file: one to see each
 * column's type (dbt's order: integer, number, date, timestamp, boolean, text), one to
 * load; memory is that of a row. Empty cells and "null" are NULL. */
#include "model/internal.h"

#include "base/buf.h"
#include "base/timeutil.h"
#include "model/csv.h"
#include "model/seed_cell.h"

struct column {
    char *name;
    enum seed_kind kind;
    const char *type;         /* from column_types; NULL: inferred */
    bool is_big;              /* an integer does not fit 32 bits */
    bool is_zoneless;         /* its type keeps no zone: times are in UTC */
    char time[SEED_TIME_MAX]; /* of the row being loaded */
};

struct seed {
    struct build *b;
    struct csv csv;
    struct column *cols;
    size_t n;
};

/* As dbt's adapters have them; SQLite keeps times and booleans as texts and numbers. */
static const char *declared_type(const struct build *b, const struct column *c)
{
    static const char *const types[][2] = {
        [SEED_UNKNOWN] = {"INTEGER", "integer"},
        [SEED_INT] = {"INTEGER", "integer"},
        [SEED_REAL] = {"REAL", "float8"},
        [SEED_DATE] = {"TEXT", "date"},
        [SEED_TIME] = {"TEXT", "timestamp without time zone"},
        [SEED_ISO] = {"TEXT", "timestamp without time zone"},
        [SEED_BOOL] = {"INTEGER", "boolean"},
        [SEED_TEXT] = {"TEXT", "text"},
    };
    bool is_sqlite = streq(wh_kind(b->w), "sqlite");
    if (c->type)
        return c->type;
    if (c->is_big && !is_sqlite) /* where dbt's integer would not do */
        return "bigint";
    return types[c->kind][is_sqlite ? 0 : 1];
}

/* ── file ── */

static char delimiter_of(const struct build *b)
{
    const char *d = json_str(b->it->pub.config, "delimiter", ",");
    return *d ? *d : ',';
}

static int open_file(struct seed *s, struct err *e)
{
    int rc = csv_open(&s->csv, s->b->it->file, delimiter_of(s->b), e);
    if (rc == 0) {
        s->csv.path = s->b->it->pub.path;
        rc = csv_next(&s->csv, e);
    }
    if (rc == 0)
        return err_set(e, ERR_PARSE,
                       "%s: the file is empty; its first line must name the "
                       "columns",
                       s->b->it->pub.path);
    return rc < 0 ? rc : 0;
}

static int read_header(struct seed *s, struct err *e)
{
    const json_t *types = json_obj(s->b->it->pub.config, "column_types");
    s->n = s->csv.n;
    s->cols = mem_alloc(s->n * sizeof *s->cols);
    for (size_t i = 0; i < s->n; i++) {
        struct str cell = s->csv.cells[i];
        char *name = mem_strndup(cell.p, cell.n);
        s->cols[i].name = name;
        s->cols[i].type = json_str(types, name, NULL);
        s->cols[i].is_zoneless = !streq(wh_kind(s->b->w), "sqlite");
        if (!*name)
            return err_set(e, ERR_PARSE, "%s:1: column %zu has no name",
                           s->b->it->pub.path, i + 1);
        for (size_t k = 0; k < i; k++)
            if (strcasecmp(s->cols[k].name, name) == 0)
                return err_set(e, ERR_PARSE, "%s:1: the column \"%s\" is there twice",
                               s->b->it->pub.path, name);
    }
    return 0;
}

/* The next row, with as many cells as the header; 0 at the end. */
static int next_row(struct seed *s, struct err *e)
{
    int rc = csv_next(&s->csv, e);
    if (rc > 0 && s->csv.n != s->n)
        return err_set(e, ERR_PARSE, "%s:%ld: %zu cells, the header has %zu",
                       s->b->it->pub.path, s->csv.line, s->csv.n, s->n);
    return rc;
}

static void infer_cell(struct column *c, struct str s)
{
    int64_t n;
    double d;
    bool is_int;
    if (c->type || seed_is_null(s) || c->kind == SEED_TEXT)
        return;
    c->kind = seed_join(c->kind, seed_kind_of(s));
    c->is_big = c->kind == SEED_INT && seed_number(s, &is_int, &n, &d) &&
                (c->is_big || n > INT32_MAX || n < INT32_MIN);
}

static int infer(struct seed *s, struct err *e)
{
    int rc;
    while ((rc = next_row(s, e)) > 0)
        for (size_t i = 0; i < s->n; i++)
            infer_cell(&s->cols[i], s->csv.cells[i]);
    return rc;
}

/* ── table ── */

static int create_table(struct seed *s, struct err *e)
{
    struct build *b = s->b;
    struct buf sql;
    buf_init(&sql, 4u << 20);
    buf_adds(&sql, "CREATE TABLE ");
    wh_quote(b->w, &sql, b->schema, b->tmp);
    for (size_t i = 0; i < s->n; i++) {
        buf_adds(&sql, i ? ", " : "(");
        wh_quote(b->w, &sql, NULL, s->cols[i].name);
        buf_addf(&sql, " %s", declared_type(b, &s->cols[i]));
    }
    buf_addc(&sql, ')');
    int rc = buf_check(&sql, "CREATE TABLE", e);
    if (rc == 0)
        rc = wh_exec_raw(b->w, buf_str(&sql), e);
    buf_release(&sql);
    return rc;
}

static struct str time_value(struct column *c, struct str s)
{
    struct str text = {c->time, seed_time(s, c->time)};
    int64_t ms;
    char utc[32];
    bool has_zone =
        text.n > 6 && text.p[text.n - 3] == ':' && strchr("+-", text.p[text.n - 6]);
    if (c->is_zoneless && has_zone && time_parse_iso(text, &ms)) {
        str_copy(c->time, sizeof c->time, time_format_sql(ms, ms % 1000 != 0, utc));
        text.n = strlen(c->time);
    }
    return text;
}

static struct wh_value cell_value(struct column *c, struct str s)
{
    struct wh_value v = {.type = WH_TEXT, .text = s};
    bool is_int;
    if (seed_is_null(s)) {
        v.type = WH_NULL;
    } else if (!c->type && (c->kind == SEED_INT || c->kind == SEED_REAL)) {
        seed_number(s, &is_int, &v.i, &v.d);
        if (c->kind == SEED_REAL && is_int)
            v.d = (double)v.i;
        v.type = c->kind == SEED_INT ? WH_INT : WH_REAL;
    } else if (!c->type && c->kind == SEED_BOOL) {
        v.type = WH_INT;
        v.i = s.p[strspn(s.p, " \t")] == 't' || s.p[strspn(s.p, " \t")] == 'T';
    } else if (!c->type &&
               (c->kind == SEED_DATE || c->kind == SEED_TIME || c->kind == SEED_ISO)) {
        v.text = time_value(c, s);
    }
    return v;
}

static int load_rows(struct seed *s, struct err *e)
{
    struct build *b = s->b;
    const char **names = mem_alloc((s->n + 1) * sizeof *names);
    struct wh_value *row = mem_alloc(s->n * sizeof *row);
    struct wh_loader *l = NULL;
    for (size_t i = 0; i < s->n; i++)
        names[i] = s->cols[i].name;
    b->result->rows = 0;
    int rc = wh_loader_open(b->w, b->schema, b->tmp, names, &l, e);
    while (rc == 0 && (rc = next_row(s, e)) > 0) {
        for (size_t i = 0; i < s->n; i++)
            row[i] = cell_value(&s->cols[i], s->csv.cells[i]);
        rc = wh_loader_row(l, row, e);
        b->result->rows++;
    }
    wh_loader_close(l);
    mem_free(names);
    mem_free(row);
    return rc;
}

static int in_transaction(struct seed *s, struct err *e)
{
    int rc = wh_begin_on(s->b->w, s->b->schema, e);
    if (rc < 0)
        return rc;
    if ((rc = create_table(s, e)) == 0)
        rc = load_rows(s, e);
    if (rc == 0)
        rc = wh_commit(s->b->w, e);
    if (rc < 0)
        wh_rollback(s->b->w, NULL);
    return rc;
}

static void close_all(struct seed *s)
{
    csv_close(&s->csv);
    for (size_t i = 0; i < s->n && s->cols; i++)
        mem_free(s->cols[i].name);
    mem_free(s->cols);
}

int seed_build(struct build *b, struct err *e)
{
    struct seed s = {.b = b};
    if (b->existing != WH_ABSENT && b->existing != WH_TABLE)
        return err_set(e, ERR_EXISTS,
                       "%s.%s is a view; drop it, a seed does not replace "
                       "one",
                       b->schema, b->alias);
    int rc = open_file(&s, e);
    if (rc == 0)
        rc = read_header(&s, e);
    if (rc == 0)
        rc = infer(&s, e);
    csv_close(&s.csv);
    if (rc == 0)
        rc = open_file(&s, e);
    if (rc == 0)
        rc = in_transaction(&s, e);
    close_all(&s);
    return rc;
}

/* ── for macros ── */

static struct jv *cell_of(struct arena *mem, struct column *c, struct str text)
{
    struct wh_value v = cell_value(c, text);
    bool is_bool = v.type == WH_INT && c->kind == SEED_BOOL && !c->type;
    return is_bool ? jv_bool(v.i != 0) : table_cell(mem, v);
}

static int fill_table(struct seed *s, struct arena *mem, struct jv **out, struct err *e)
{
    struct jv *names = jv_list(mem), *rows = jv_list(mem);
    int rc;
    for (size_t i = 0; i < s->n; i++)
        jv_append(names, jv_strz(mem, s->cols[i].name));
    while ((rc = next_row(s, e)) > 0) {
        struct jv *row = jv_list(mem);
        for (size_t i = 0; i < s->n; i++)
            jv_append(row, cell_of(mem, &s->cols[i], s->csv.cells[i]));
        jv_append(rows, row);
    }
    *out = table_new(mem, names, rows);
    return rc;
}

int seed_table(struct build *b, struct arena *mem, struct jv **out, struct err *e)
{
    struct seed s = {.b = b};
    int rc = open_file(&s, e);
    if (rc == 0)
        rc = read_header(&s, e);
    if (rc == 0)
        rc = infer(&s, e);
    csv_close(&s.csv);
    if (rc == 0)
        rc = open_file(&s, e);
    if (rc == 0)
        rc = fill_table(&s, mem, out, e);
    close_all(&s);
    return rc;
}
