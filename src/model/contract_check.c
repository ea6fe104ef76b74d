/* Whether a model keeps its contract: names and types of what its SQL gives against
 * what is promised, compared as dbt compares them (assert_columns_equivalent), with its
 * table of differences. Called before a model is built, and by macros. */
#include "model/internal.h"

#include <stdlib.h>
#include "base/buf.h"

/* ── types ── */

static bool has_prefix(const char *type, const char *word)
{
    return strncasecmp(type, word, strlen(word)) == 0;
}

/* The kind that two types must share: on PostgreSQL what its driver tells dbt, on
 * SQLite the affinity (its section 3.1); "" where nobody knows: of expressions, and of
 * times and booleans, which SQLite has no type for. */
static const char *kind_on_sqlite(const char *type)
{
    if (!*type || strcasestr(type, "date") || strcasestr(type, "time") ||
        strcasestr(type, "bool"))
        return "";
    if (strcasestr(type, "string"))
        return "TEXT";
    if (strcasestr(type, "int"))
        return "INTEGER";
    if (strcasestr(type, "char") || strcasestr(type, "clob") ||
        strcasestr(type, "text"))
        return "TEXT";
    if (strcasestr(type, "blob"))
        return "BLOB";
    if (strcasestr(type, "real") || strcasestr(type, "floa") ||
        strcasestr(type, "doub"))
        return "REAL";
    return "NUMERIC";
}

/* The names the Python driver has for a type and for an array of it. */
static const char *kind_on_postgres(const char *type)
{
    static const char *const kinds[][3] = {
        {"timestamp with time", "DATETIMETZ", "DATETIMETZARRAY"},
        {"timestamptz", "DATETIMETZ", "DATETIMETZARRAY"},
        {"timestamp", "DATETIME", "DATETIMEARRAY"},
        {"bigint", "LONGINTEGER", "LONGINTEGERARRAY"},
        {"int8", "LONGINTEGER", "LONGINTEGERARRAY"},
        {"smallint", "INTEGER", "INTEGERARRAY"},
        {"interval", "INTERVAL", "INTERVALARRAY"},
        {"int", "INTEGER", "INTEGERARRAY"},
        {"text", "TEXT", "STRINGARRAY"},
        {"char", "TEXT", "STRINGARRAY"},
        {"varchar", "TEXT", "STRINGARRAY"},
        {"bpchar", "TEXT", "STRINGARRAY"},
        {"name", "TEXT", "STRINGARRAY"},
        {"numeric", "DECIMAL", "DECIMALARRAY"},
        {"decimal", "DECIMAL", "DECIMALARRAY"},
        {"real", "FLOAT", "FLOATARRAY"},
        {"double", "FLOAT", "FLOATARRAY"},
        {"float", "FLOAT", "FLOATARRAY"},
        {"bool", "BOOLEAN", "BOOLEANARRAY"},
        {"date", "DATE", "DATEARRAY"},
        {"time", "TIME", "TIMEARRAY"},
        {"bytea", "BINARY", "BINARYARRAY"},
        {"jsonb", "JSONB", "JSONBARRAY"},
        {"json", "JSON", "JSONARRAY"},
    };
    size_t n = strlen(type);
    bool is_array = n > 2 && streq(type + n - 2, "[]");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (has_prefix(type, kinds[i][0]))
            return kinds[i][is_array ? 2 : 1];
    return type;
}

static const char *kind_of(const struct build *b, const char *type)
{
    return streq(wh_kind(b->w), "sqlite") ? kind_on_sqlite(type)
                                          : kind_on_postgres(type);
}

/* ── the table of what does not agree ── */

struct difference {
    const char *column, *given, *promised, *why;
};
typedef VEC(struct difference) difference_list;

static int by_column(const void *a, const void *b)
{
    const struct difference *x = a, *y = b;
    return strcmp(x->column, y->column);
}

static void add_row(struct buf *out, const char *const *cells, const size_t *widths)
{
    for (size_t i = 0; i < 4; i++)
        buf_addf(out, "| %-*s ", (int)widths[i], cells[i]);
    buf_adds(out, "|\n");
}

static void add_table(struct buf *out, difference_list *l)
{
    static const char *const head[] = {"column_name", "definition_type",
                                       "contract_type", "mismatch_reason"};
    size_t widths[4];
    if (l->n)
        qsort(l->v, l->n, sizeof *l->v, by_column);
    for (size_t i = 0; i < 4; i++)
        widths[i] = strlen(head[i]);
    for (size_t k = 0; k < l->n; k++) {
        const char *const *cells = (const char *const *)&l->v[k];
        for (size_t i = 0; i < 4; i++)
            if (strlen(cells[i]) > widths[i])
                widths[i] = strlen(cells[i]);
    }
    add_row(out, head, widths);
    for (size_t i = 0; i < 4; i++) {
        buf_adds(out, i ? " | " : "| ");
        for (size_t k = 0; k < widths[i]; k++)
            buf_addc(out, '-');
    }
    buf_adds(out, " |\n");
    for (size_t k = 0; k < l->n; k++)
        add_row(out, (const char *const *)&l->v[k], widths);
}

#define FAILED                                                                         \
    "This model has an enforced contract that failed.\nPlease ensure the name, "       \
    "data_type, and number of columns in your contract match the columns in your "     \
    "model's definition.\n\n"

static int refuse(const struct build *b, difference_list *l, struct err *e)
{
    struct buf text;
    buf_init(&text, 1u << 20);
    add_table(&text, l);
    int rc = err_set(e, ERR_FAIL, "%s: " FAILED "%s", b->it->pub.path, buf_str(&text));
    buf_release(&text);
    return rc;
}

/* ── comparing ── */

struct columns {
    const struct build *b;
    json_t *kinds; /* name → kind */
};

static void add_column(void *arg, const char *name, const char *type)
{
    struct columns *c = arg;
    json_put_str(c->kinds, name, kind_of(c->b, type ? type : ""));
}

/* What a query gives, asked of an empty table made of it. */
static int columns_of_query(struct build *b, const char *sql, json_t *kinds,
                            struct err *e)
{
    static const char name[] = "dbt_contract__types";
    struct columns c = {b, kinds};
    struct buf empty;
    buf_init(&empty, 64u << 20);
    buf_addf(&empty, "select * from (\n%s\n) as dbt_contract where 1 = 0", sql);
    wh_drop(b->w, WH_TEMP, name, NULL);
    int rc = buf_check(&empty, "contract", e);
    if (rc == 0)
        rc = wh_create_table_as(b->w, WH_TEMP, name, buf_str(&empty), e);
    if (rc == 0)
        rc = wh_columns(b->w, WH_TEMP, name, add_column, &c, e);
    wh_drop(b->w, WH_TEMP, name, NULL);
    buf_release(&empty);
    return rc;
}

/* The promised columns without a type, in a message. */
static int no_types(const struct build *b, struct err *e)
{
    struct buf names;
    const char *name;
    json_t *column;
    buf_init(&names, 1u << 20);
    json_object_foreach (b->it->columns, name, column)
        if (!json_str(column, "data_type", NULL))
            buf_addf(&names, "%s'%s'", names.len ? ", " : "", name);
    int rc = !names.len
                 ? 0
                 : err_set(e, ERR_FAIL,
                           "%s: Contracted models require data_type to be defined "
                           "for each column. Please ensure that the column name "
                           "and data_type are defined within the YAML "
                           "configuration for the [%s] column(s).",
                           b->it->pub.path, buf_str(&names));
    buf_release(&names);
    return rc;
}

/* Types as the warehouse itself has them: varchar(5) and its other spellings. */
static int promised_kinds(struct build *b, json_t *kinds, struct err *e)
{
    struct buf sql;
    const char *name;
    json_t *column;
    if (streq(wh_kind(b->w), "sqlite")) { /* casts lose the type's name there */
        json_object_foreach (b->it->columns, name, column)
            json_put_str(kinds, name,
                         kind_on_sqlite(
                             contract_type(b->it, json_str(column, "data_type", ""))));
        return 0;
    }
    buf_init(&sql, 16u << 20);
    json_object_foreach (b->it->columns, name, column) {
        buf_addf(&sql, "%s cast(null as %s) as ", sql.len ? "," : "select",
                 contract_type(b->it, json_str(column, "data_type", "")));
        if (json_flag(column, "quote", false))
            wh_quote(b->w, &sql, NULL, name);
        else
            buf_adds(&sql, name);
    }
    int rc = columns_of_query(b, buf_str(&sql), kinds, e);
    buf_release(&sql);
    return rc;
}

static json_t *same_name(json_t *kinds, const char *name)
{
    const char *key;
    json_t *v;
    json_object_foreach (kinds, key, v)
        if (strcasecmp(key, name) == 0)
            return v;
    return NULL;
}

static void compare(json_t *given, json_t *promised, difference_list *l)
{
    const char *name;
    json_t *kind;
    json_object_foreach (given, name, kind) {
        const json_t *other = same_name(promised, name);
        const char *is = json_string_value(kind),
                   *said = other ? json_string_value(other) : "";
        struct difference d = {name, is, said, NULL};
        if (!other)
            d.why = "missing in contract";
        else if (*is && *said && !streq(is, said))
            d.why = "data type mismatch";
        if (d.why)
            vec_push(l, d);
    }
    json_object_foreach (promised, name, kind)
        if (!same_name(given, name))
            vec_push(l, ((struct difference){name, "", json_string_value(kind),
                                             "missing in definition"}));
}

int contract_check(struct build *b, const char *sql, struct err *e)
{
    json_t *given = json_object(), *promised = json_object();
    difference_list differences = {0};
    int rc = no_types(b, e);
    if (rc == 0)
        rc = promised_kinds(b, promised, e);
    if (rc == 0 && (rc = columns_of_query(b, sql, given, e)) < 0)
        compile_explain(b->it, b->w, sql, e);
    if (rc == 0)
        compare(given, promised, &differences);
    if (rc == 0 && differences.n)
        rc = refuse(b, &differences, e);
    vec_release(&differences);
    json_decref(given);
    json_decref(promised);
    return rc;
}

/* ── for macros ── */

static json_t *types_of_list(struct jv *list)
{
    json_t *columns = jv_to_json(list), *out = json_object(), *one;
    size_t i;
    json_array_foreach (columns, i, one)
        json_put_str(out, json_str(one, "name", ""), json_str(one, "data_type", ""));
    json_decref(columns);
    return out;
}

struct jv *contract_raise(struct jinja_call *c, struct jv *promised, struct jv *given)
{
    struct jv *failed;
    struct buf text;
    difference_list differences = {0};
    if (!promised || !given || !jv_truth(promised))
        return jinja_fail(c, "This model has an enforced contract, and its 'columns' "
                             "specification is missing");
    json_t *want = types_of_list(promised), *have = types_of_list(given);
    compare(have, want, &differences);
    buf_init(&text, 1u << 20);
    add_table(&text, &differences);
    failed = jinja_fail(c, FAILED "%s", buf_str(&text));
    buf_release(&text);
    vec_release(&differences);
    json_decref(want);
    json_decref(have);
    return failed;
}
