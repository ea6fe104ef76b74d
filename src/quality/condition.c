/* row_condition → SQL. The old form is text with one comparison, col("x") > 5; the
 * newer one an object of comparison, nullity, and, or. What is not understood is an
 * error. */
#include "quality/check.h"

#include <ctype.h>
#include "base/json.h"
#include "base/str.h"

#define CONDITION_DEPTH 8

static int quote_column(const struct check *k, struct wh *w, const char *name,
                        struct buf *out, struct err *e)
{
    const json_t *c;
    size_t i;
    json_array_foreach (k->columns, i, c)
        if (strcasecmp(json_string_value(c), name) == 0)
            return wh_quote(w, out, NULL, json_string_value(c));
    return err_set(e, ERR_NOTFOUND, "row_condition: no column \"%s\"", name);
}

static const char *sql_operator(const char *op)
{
    static const char *const pairs[][2] = {{"==", "="},  {"!=", "<>"}, {"<=", "<="},
                                           {">=", ">="}, {"<", "<"},   {">", ">"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (streq(pairs[i][0], op))
            return pairs[i][1];
    return NULL;
}

/* ── old form ── */
struct text {
    const char *p, *whole;
    struct err *e;
};

static int bad(struct text *t, const char *what)
{
    return err_set(t->e, ERR_CONFIG, "row_condition \"%s\", column %zu: %s", t->whole,
                   (size_t)(t->p - t->whole) + 1, what);
}

static void skip(struct text *t)
{
    while (isspace((unsigned char)*t->p))
        t->p++;
}

static bool take(struct text *t, const char *word)
{
    skip(t);
    size_t n = strlen(word);
    if (strncmp(t->p, word, n) != 0)
        return false;
    t->p += n;
    return true;
}

static int quoted(struct text *t, char *out, size_t size)
{
    skip(t);
    char q = *t->p;
    size_t n = 0;
    if (q != '"' && q != '\'')
        return bad(t, "expected a quoted text");
    for (t->p++; *t->p && *t->p != q; t->p++)
        if (n + 1 < size)
            out[n++] = *t->p;
    if (!*t->p++)
        return bad(t, "the quote is not closed");
    out[n] = 0;
    return 0;
}

static int old_value(struct text *t, struct buf *out)
{
    char v[512], *end;
    int rc;
    skip(t);
    bool is_date = take(t, "date(");
    skip(t);
    if (*t->p == '"' || *t->p == '\'') {
        if ((rc = quoted(t, v, sizeof v)) < 0)
            return rc;
        sql_text(out, v, strlen(v));
        return is_date && !take(t, ")") ? bad(t, "expected )") : 0;
    }
    double d = strtod(t->p, &end);
    if (end == t->p || is_date)
        return bad(t, "expected a number, a quoted text or date(\"…\")");
    buf_add(out, t->p, (size_t)(end - t->p));
    (void)d;
    t->p = end;
    return 0;
}

static int old_form(const struct check *k, struct wh *w, const char *text,
                    struct buf *out, struct err *e)
{
    static const char *const ops[] = {"==", "!=", "<=", ">=", "<", ">"};
    struct text t = {text, text, e};
    char name[256];
    int rc;
    if (!take(&t, "col("))
        return bad(&t, "expected col(\"NAME\")");
    if ((rc = quoted(&t, name, sizeof name)) < 0)
        return rc;
    if (!take(&t, ")"))
        return bad(&t, "expected )");
    if ((rc = quote_column(k, w, name, out, e)) < 0)
        return rc;
    if (take(&t, ".notNull()") || take(&t, ".notnull()")) {
        buf_adds(out, " IS NOT NULL");
    } else {
        size_t i = 0;
        while (i < 6 && !take(&t, ops[i]))
            i++;
        if (i == 6)
            return bad(&t, "expected == != < <= > >= or .notNull()");
        buf_addf(out, " %s ", sql_operator(ops[i]));
        if ((rc = old_value(&t, out)) < 0)
            return rc;
    }
    skip(&t);
    return *t.p ? bad(&t, "one comparison only: expected the end") : 0;
}

/* ── newer form ── */
static int new_form(const struct check *k, struct wh *w, const json_t *c,
                    struct buf *out, int depth, struct err *e);

static int comparison(const struct check *k, struct wh *w, const json_t *c,
                      struct buf *out, struct err *e)
{
    const char *op = json_str(c, "operator", "");
    const json_t *p = json_object_get(c, "parameter"), *x;
    size_t i;
    int rc =
        quote_column(k, w, json_str(json_object_get(c, "column"), "name", ""), out, e);
    if (rc < 0)
        return rc;
    bool is_in = streq(op, "IN"), is_not_in = streq(op, "NOT_IN");
    if (!is_in && !is_not_in) {
        if (!sql_operator(op))
            return err_set(e, ERR_CONFIG, "row_condition: unknown operator \"%s\"", op);
        buf_addf(out, " %s ", sql_operator(op));
        return sql_literal(out, p, e);
    }
    buf_adds(out, is_in ? " IN (" : " NOT IN (");
    json_array_foreach (p, i, x) {
        if (i)
            buf_adds(out, ", ");
        if ((rc = sql_literal(out, x, e)) < 0)
            return rc;
    }
    return buf_addc(out, ')');
}

static int junction(const struct check *k, struct wh *w, const json_t *c,
                    struct buf *out, int depth, const char *word, struct err *e)
{
    const json_t *list = json_object_get(c, "conditions"), *x;
    size_t i;
    int rc = 0;
    if (!json_array_size(list))
        return err_set(e, ERR_CONFIG, "row_condition: \"conditions\" is empty");
    buf_addc(out, '(');
    json_array_foreach (list, i, x) {
        if (i)
            buf_addf(out, " %s ", word);
        if ((rc = new_form(k, w, x, out, depth + 1, e)) < 0)
            return rc;
    }
    return buf_addc(out, ')');
}

static int new_form(const struct check *k, struct wh *w, const json_t *c,
                    struct buf *out, int depth, struct err *e)
{
    const char *type = json_str(c, "type", "");
    int rc;
    if (depth > CONDITION_DEPTH)
        return err_set(e, ERR_LIMIT, "row_condition: nested too deep");
    if (streq(type, "comparison"))
        return comparison(k, w, c, out, e);
    if (streq(type, "nullity")) {
        rc = quote_column(k, w, json_str(json_object_get(c, "column"), "name", ""), out,
                          e);
        return rc < 0 ? rc
                      : buf_adds(out, json_flag(c, "is_null", true) ? " IS NULL"
                                                                    : " IS NOT NULL");
    }
    if (streq(type, "and") || streq(type, "or"))
        return junction(k, w, c, out, depth, *type == 'a' ? "AND" : "OR", e);
    return err_set(e, ERR_UNSUPPORTED, "row_condition: type \"%s\" is not supported",
                   type);
}

int condition_sql(const struct check *k, struct wh *w, char **out, struct err *e)
{
    const json_t *c = check_arg(k, "row_condition");
    struct buf b;
    int rc = 0;
    *out = NULL;
    if (!c)
        return 0;
    buf_init(&b, 1 << 20);
    buf_addc(&b, '(');
    rc = json_is_string(c) ? old_form(k, w, json_string_value(c), &b, e)
                           : new_form(k, w, c, &b, 0, e);
    buf_addc(&b, ')');
    if (rc == 0)
        rc = buf_check(&b, "row_condition", e);
    if (rc == 0)
        *out = buf_take(&b);
    buf_release(&b);
    return rc;
}
