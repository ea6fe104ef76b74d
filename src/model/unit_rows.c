/* The rows of a unit test's inputs and expectation, whatever they are written as: a
 * list of mappings, CSV text, SQL, a file of tests/fixtures, or, when none are given,
 * the seed's own file. Always holds afterwards: "rows" of the entry is a list of
 * mappings, or a text where its format is sql. Called by unit_tests.c. */
#include "model/unit.h"

#include "base/buf.h"
#include "model/csv.h"

/* ── CSV ── */

static int header_of(struct csv *c, json_t **names, struct err *e)
{
    int rc = csv_next(c, e);
    *names = json_array();
    for (size_t i = 0; rc > 0 && i < c->n; i++)
        json_array_append_new(*names, json_stringn(c->cells[i].p, c->cells[i].n));
    if (rc == 0)
        rc = err_set(e, ERR_PARSE, "%s: no line that names the columns", c->path);
    return rc;
}

/* Empty cells are null, as dbt has them; a short row lacks the last columns. */
static int read_rows(struct csv *c, json_t *rows, struct err *e)
{
    json_t *names;
    int rc = header_of(c, &names, e);
    while (rc > 0 && (rc = csv_next(c, e)) > 0) {
        json_t *row = json_object();
        if (c->n > json_array_size(names))
            rc = err_set(e, ERR_PARSE, "%s:%ld: %zu cells, the header has %zu", c->path,
                         c->line, c->n, json_array_size(names));
        for (size_t i = 0; rc > 0 && i < json_array_size(names); i++) {
            bool is_null = i >= c->n || !c->cells[i].n;
            json_object_set_new(row, json_string_value(json_array_get(names, i)),
                                is_null ? json_null()
                                        : json_stringn(c->cells[i].p, c->cells[i].n));
        }
        json_array_append_new(rows, row);
    }
    json_decref(names);
    return rc;
}

static int rows_of_text(const char *shown, const char *text, json_t *rows,
                        struct err *e)
{
    struct csv c;
    int rc = csv_open_text(&c, text, strlen(text), ',', e);
    if (rc == 0) {
        c.path = shown;
        rc = read_rows(&c, rows, e);
    }
    csv_close(&c);
    return rc;
}

static int rows_of_file(const char *path, const char *shown, json_t *rows,
                        struct err *e)
{
    struct csv c;
    int rc = csv_open(&c, path, ',', e);
    if (rc == 0) {
        c.path = shown;
        rc = read_rows(&c, rows, e);
    }
    csv_close(&c);
    return rc;
}

/* ── fixtures ── */

struct search {
    struct project *p;
    const char *name, *ending;
    const char *path, *rel; /* found */
};

static int on_fixture(void *arg, const char *path, const char *rel, struct err *e)
{
    struct search *s = arg;
    const char *slash = strrchr(rel, '/'), *file = slash ? slash + 1 : rel;
    size_t n = strlen(s->name);
    (void)e;
    if (!s->path && strncmp(file, s->name, n) == 0 && streq(file + n, s->ending)) {
        s->path = arena_strdup(&s->p->mem, path);
        s->rel = arena_strdup(&s->p->mem, rel);
    }
    return 0;
}

/* tests/fixtures/NAME.csv or .sql, in any folder below it. */
static int fixture_find(struct project *p, const struct item *test, const char *name,
                        const char *ending, const char **path, struct err *e)
{
    struct search s = {p, name, ending, NULL, NULL};
    json_t *roots = package_paths(test->package, "test-paths", "tests"), *one;
    size_t i;
    int rc = 0;
    json_array_foreach (roots, i, one) {
        const char *root = json_is_string(one) ? json_string_value(one) : "";
        if (rc == 0)
            rc = files_walk(
                arena_printf(&p->mem, "%s/%s/fixtures", test->package->dir, root),
                on_fixture, &s, e);
    }
    json_decref(roots);
    *path = s.path;
    if (rc == 0 && !s.path)
        rc = err_set(e, ERR_CONFIG,
                     "%s: unit test \"%s\": there is no fixture %s%s in tests/fixtures",
                     test->pub.path, test->pub.name, name, ending);
    return rc;
}

/* ── the three formats ── */

static int mismatch(const struct item *test, const char *what, const char *format,
                    const char *expected, struct err *e)
{
    return err_set(e, ERR_CONFIG,
                   "%s: unit test \"%s\": rows of %s do not match the format %s; "
                   "expected %s",
                   test->pub.path, test->pub.name, what, format, expected);
}

static int dict_rows(struct project *p, struct item *test, json_t *entry,
                     const struct item *seed, const char *what, json_t **out,
                     struct err *e)
{
    json_t *rows = json_object_get(entry, "rows"), *one;
    size_t i;
    (void)p;
    if ((!rows || json_is_null(rows)) && !json_str(entry, "fixture", NULL)) {
        if (!seed || seed->pub.type != NODE_SEED)
            return mismatch(test, what, "dict", "rows: a list of mappings", e);
        *out = json_array();
        return rows_of_file(seed->file, seed->pub.path, *out, e);
    }
    if (!json_is_array(rows))
        return mismatch(test, what, "dict", "a list of mappings", e);
    json_array_foreach (rows, i, one)
        if (!json_is_object(one))
            return mismatch(test, what, "dict", "a list of mappings", e);
    *out = json_deep_copy(rows);
    return 0;
}

static int csv_rows(struct project *p, struct item *test, json_t *entry,
                    const char *what, json_t **out, struct err *e)
{
    const char *text = json_str(entry, "rows", NULL),
               *fixture = json_str(entry, "fixture", NULL), *path;
    if (!text && !fixture)
        return mismatch(test, what, "csv", "a text, or fixture: NAME", e);
    *out = json_array();
    if (!fixture)
        return rows_of_text(
            arena_printf(&p->mem, "%s: %s of %s", test->pub.path, what, test->pub.name),
            text, *out, e);
    int rc = fixture_find(p, test, fixture, ".csv", &path, e);
    return rc < 0 ? rc : rows_of_file(path, path, *out, e);
}

static int sql_rows(struct project *p, struct item *test, json_t *entry,
                    const char *what, json_t **out, struct err *e)
{
    const char *text = json_str(entry, "rows", NULL),
               *fixture = json_str(entry, "fixture", NULL), *path;
    size_t n;
    if (!text && !fixture)
        return mismatch(test, what, "sql", "a text, or fixture: NAME", e);
    if (fixture) {
        int rc = fixture_find(p, test, fixture, ".sql", &path, e);
        if (rc < 0 || (rc = files_read(p, path, &text, &n, e)) < 0)
            return rc;
    }
    *out = json_string(text);
    return 0;
}

/* The first row without a null comes first: some databases take a column's type from
 * it (dbt's _promote_first_non_none_row). */
static void promote_full_row(json_t *rows)
{
    size_t i;
    json_t *row, *v;
    const char *key;
    json_array_foreach (rows, i, row) {
        bool is_full = true;
        json_object_foreach (row, key, v)
            is_full &= !json_is_null(v);
        if (!is_full)
            continue;
        json_t *first = json_incref(json_array_get(rows, 0));
        json_array_set(rows, 0, row);
        json_array_set_new(rows, i, first);
        return;
    }
}

int unit_rows_normalize(struct project *p, struct item *test, json_t *entry,
                        const struct item *seed, const char *what, struct err *e)
{
    const char *format = json_str(entry, "format", "dict");
    json_t *rows = NULL;
    int rc;
    if (streq(format, "dict"))
        rc = dict_rows(p, test, entry, seed, what, &rows, e);
    else if (streq(format, "csv"))
        rc = csv_rows(p, test, entry, what, &rows, e);
    else if (streq(format, "sql"))
        rc = sql_rows(p, test, entry, what, &rows, e);
    else
        rc = err_set(e, ERR_CONFIG,
                     "%s: unit test \"%s\": format \"%s\" of %s: expected dict, csv or "
                     "sql",
                     test->pub.path, test->pub.name, format, what);
    if (rc == 0 && json_is_array(rows))
        promote_full_row(rows);
    if (rc == 0) {
        json_put_str(entry, "format", format);
        json_object_set(entry, "rows", rows);
    }
    json_decref(rows);
    return rc;
}
