/* Column lineage: a query's text → its columns and where each comes from. In: SQL, a
 * catalog. Out: struct lineage_query. Called by lineage.c. Works on token ranges
 * [from, to) with brackets matched; clauses that give no column (WHERE, GROUP BY …) are
 * passed over. */
#include "model/lineage_sql.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/buf.h"
#include "model/lineage_expr.h"
#include "model/lineage_scope.h"

#define DEPTH_MAX    100
#define SQL_TEXT_MAX 200

static int read_query(struct lineage_reader *r, size_t from, size_t to,
                      const struct lineage_scope *outer, struct lineage_query *out);

static bool is_any_word(const struct lineage_reader *r, size_t i,
                        const char *const *words)
{
    for (; *words; words++)
        if (sql_is_word(&r->t, i, *words))
            return true;
    return false;
}

/* EXCEPT of `* EXCEPT (a)`: no set operation. */
static bool is_star_modifier(const struct lineage_reader *r, size_t i)
{
    return i > 0 && sql_is_op(&r->t, i - 1, "*");
}

static bool is_clause_end(const struct lineage_reader *r, size_t i)
{
    static const char *const words[] = {
        "where", "group",  "having", "window",    "order", "limit",   "offset", "fetch",
        "union", "except", "minus",  "intersect", "for",   "qualify", NULL};
    return is_any_word(r, i, words) && !is_star_modifier(r, i);
}

static bool is_join_word(const struct lineage_reader *r, size_t i)
{
    static const char *const words[] = {"join",  "left",    "right", "full", "inner",
                                        "outer", "natural", "cross", "asof", "semi",
                                        "anti",  "lateral", NULL};
    bool is_function =
        (sql_is_word(&r->t, i, "left") || sql_is_word(&r->t, i, "right")) &&
        sql_is_kind(&r->t, i + 1, SQL_OPEN);
    return is_any_word(r, i, words) && !is_function;
}

bool lineage_is_name(const struct lineage_reader *r, size_t i)
{
    return sql_is_kind(&r->t, i, SQL_WORD) || sql_is_kind(&r->t, i, SQL_QUOTED);
}

bool lineage_is_query(const struct lineage_reader *r, size_t i)
{
    static const char *const words[] = {"select", "with", "values", NULL};
    while (sql_is_kind(&r->t, i, SQL_OPEN))
        i++;
    return is_any_word(r, i, words);
}

size_t lineage_close(const struct lineage_reader *r, size_t open, size_t to)
{
    size_t m = sql_match(&r->t, open);
    return m < to ? m : to;
}

int lineage_subquery(struct lineage_reader *r, size_t from, size_t to,
                     const struct lineage_scope *outer, struct lineage_query *out)
{
    return read_query(r, from, to, outer, out);
}

static int fail(struct lineage_reader *r, size_t i, const char *what)
{
    int line = 1, column = 1;
    size_t at = i < r->t.n ? r->t.v[i].start : r->t.n_text;
    sql_position(r->t.text, r->t.n_text, at, &line, &column);
    return err_set(r->e, ERR_PARSE, "%s (line %d, column %d)", what, line, column);
}

/* ── FROM ────────────────────────────────────────────────────────────────────────── */

/* To the next item of a FROM clause: a comma or a join outside brackets. */
static size_t skip_to_item(const struct lineage_reader *r, size_t i, size_t to)
{
    while (i < to && !sql_is_kind(&r->t, i, SQL_COMMA) && !is_join_word(r, i))
        i = sql_is_kind(&r->t, i, SQL_OPEN) ? lineage_close(r, i, to) + 1 : i + 1;
    return i < to ? i : to;
}

/* The names in (a, b) given to a query's columns. */
static struct lineage_query *renamed(struct lineage_reader *r, size_t open, size_t to,
                                     const struct lineage_query *q)
{
    struct lineage_query *out = arena_alloc(r->mem, sizeof *out);
    size_t close = lineage_close(r, open, to), k = 0;
    for (size_t i = 0; i < q->n; i++)
        query_add(r->mem, out, q->columns[i]);
    for (size_t i = 0; i < q->n_open; i++)
        query_add_open(r->mem, out, q->open[i]);
    for (size_t i = open + 1; i < close && k < out->n; i++)
        if (lineage_is_name(r, i) && !sql_is_kind(&r->t, i - 1, SQL_WORD))
            out->columns[k++].name = sql_name(&r->t, i, r->mem);
    return out;
}

/* [AS] alias [(columns)] behind an item; *i behind it. */
static void read_alias(struct lineage_reader *r, size_t *i, size_t to,
                       struct lineage_item *it)
{
    bool has_as = sql_is_word(&r->t, *i, "as");
    size_t at = *i + has_as;
    if (at >= to || !lineage_is_name(r, at) ||
        (!has_as && (is_join_word(r, at) || sql_is_word(&r->t, at, "on") ||
                     sql_is_word(&r->t, at, "using"))))
        return;
    it->alias = sql_name(&r->t, at++, r->mem);
    if (at < to && sql_is_kind(&r->t, at, SQL_OPEN) && it->query)
        it->query = renamed(r, at, to, it->query);
    *i = at;
}

static const struct lineage_query *find_cte(const struct lineage_reader *r,
                                            const char *name)
{
    for (const struct lineage_cte *c = r->ctes; c; c = c->outer)
        if (strcasecmp(c->name, name) == 0)
            return c->query;
    return NULL;
}

/* A relation, a CTE or f(…); *i behind the name. */
static int read_named(struct lineage_reader *r, size_t *i, size_t to,
                      struct lineage_scope *s, struct lineage_item *it)
{
    const char *parts[4];
    size_t n = 0, at = *i;
    for (;;) {
        memmove(parts + 1, parts, (n < 3 ? n : 3) * sizeof *parts);
        parts[0] = sql_name(&r->t, at++, r->mem);
        n = n < 4 ? n + 1 : 4;
        if (at + 1 >= to || !sql_is_kind(&r->t, at, SQL_DOT) ||
            !lineage_is_name(r, at + 1))
            break;
        at++;
    }
    it->alias = parts[0];
    if (at < to && sql_is_kind(&r->t, at, SQL_OPEN)) {
        size_t close = lineage_close(r, at, to);
        struct lineage_column *any = arena_alloc(r->mem, sizeof *any);
        any->kind = LINEAGE_EXPRESSION;
        it->any = any;
        *i = close + 1;
        return lineage_expression(r, at + 1, close, s, any);
    }
    *i = at;
    if (n == 1 && strncasecmp(parts[0], "__dbt__cte__", 12) != 0)
        it->query = find_cte(r, parts[0]);
    if (!it->query)
        it->relation = r->catalog->find(r->catalog->arg, parts, n);
    if (!it->query && !it->relation && n == 1)
        it->query = find_cte(r, parts[0]);
    if (!it->query && !it->relation)
        it->query = arena_alloc(r->mem, sizeof *it->query); /* not ours: no columns */
    return 0;
}

static int read_from(struct lineage_reader *r, size_t from, size_t to,
                     struct lineage_scope *s)
{
    int rc = 0;
    for (size_t i = from; i < to && rc == 0;) {
        struct lineage_item it = {0};
        if (sql_is_kind(&r->t, i, SQL_COMMA) || is_join_word(r, i)) {
            i++;
            continue;
        }
        if (sql_is_kind(&r->t, i, SQL_OPEN) && lineage_is_query(r, i)) {
            size_t close = lineage_close(r, i, to);
            struct lineage_query *q = arena_alloc(r->mem, sizeof *q);
            rc = read_query(r, i + 1, close, s, q);
            it.query = q;
            i = close + 1;
        } else if (sql_is_kind(&r->t, i, SQL_OPEN)) { /* (a JOIN b …) */
            size_t close = lineage_close(r, i, to);
            rc = read_from(r, i + 1, close, s);
            i = skip_to_item(r, close + 1, to);
            continue;
        } else if (lineage_is_name(r, i)) {
            rc = read_named(r, &i, to, s, &it);
        } else {
            return fail(r, i, "a table is expected here");
        }
        read_alias(r, &i, to, &it);
        scope_add(s, it);
        i = skip_to_item(r, i, to); /* ON …, USING …, TABLESAMPLE … */
    }
    return rc;
}

/* ── the list ────────────────────────────────────────────────────────────────────── */

/* The SQL of [from, to) on one line, without comments, cut after some 200 bytes. */
static char *one_line(struct lineage_reader *r, size_t from, size_t to)
{
    struct buf b;
    buf_init(&b, SQL_TEXT_MAX * 2);
    for (size_t i = from; i < to && b.len < SQL_TEXT_MAX; i++) {
        const struct sql_token *k = &r->t.v[i];
        size_t n = k->len < SQL_TEXT_MAX ? k->len : SQL_TEXT_MAX;
        if (i > from && k->start > k[-1].start + k[-1].len)
            buf_addc(&b, ' ');
        while (n < k->len && n &&
               ((unsigned char)r->t.text[k->start + n] & 0xc0) == 0x80)
            n--; /* no half of a character */
        buf_add(&b, r->t.text + k->start, n);
        if (i + 1 < to && b.len >= SQL_TEXT_MAX)
            buf_adds(&b, " …");
    }
    char *out = arena_strdup(r->mem, buf_str(&b));
    buf_release(&b);
    return out;
}

/* EXCLUDE (a, b), EXCEPT (a), REPLACE (expr AS a): what may follow a star. first: the
 * index of the star's first column in q. */
static int star_modifiers(struct lineage_reader *r, size_t i, size_t to, size_t first,
                          struct lineage_scope *s, struct lineage_query *q)
{
    int rc = 0;
    while (i < to && rc == 0) {
        bool drops =
            sql_is_word(&r->t, i, "exclude") || sql_is_word(&r->t, i, "except");
        bool has_list = sql_is_kind(&r->t, i + 1, SQL_OPEN);
        size_t a = has_list ? i + 2 : i + 1;
        size_t b = has_list ? lineage_close(r, i + 1, to) : (a < to ? a + 1 : to);
        for (size_t k = a; drops && k < b; k++)
            for (size_t c = first; lineage_is_name(r, k) && c < q->n; c++)
                if (q->columns[c].name &&
                    strcasecmp(q->columns[c].name, sql_name(&r->t, k, r->mem)) == 0) {
                    memmove(&q->columns[c], &q->columns[c + 1],
                            (q->n - c - 1) * sizeof *q->columns);
                    q->n--;
                    break;
                }
        if (sql_is_word(&r->t, i, "replace") && b > a + 1) {
            struct lineage_column *c = query_find(q, sql_name(&r->t, b - 1, r->mem));
            struct lineage_column made = {.kind = LINEAGE_EXPRESSION};
            rc = lineage_expression(r, a, b - 2, s, &made);
            if (c) {
                made.name = c->name;
                made.expression = one_line(r, a, b - 2);
                *c = made;
            }
        }
        i = b + has_list;
    }
    return rc;
}

/* Whether [from, to) is a path of names: a, t.a, db.s.t.a. */
static bool is_path(const struct lineage_reader *r, size_t from, size_t to)
{
    if ((to - from) % 2 == 0 || lineage_is_reserved(r, from))
        return false;
    for (size_t i = from; i < to; i++)
        if ((i - from) % 2 ? !sql_is_kind(&r->t, i, SQL_DOT) : !lineage_is_name(r, i))
            return false;
    return true;
}

/* Where the expression of an item ends; *name: its alias, or its own name. */
static size_t item_end(struct lineage_reader *r, size_t from, size_t to,
                       const char **name)
{
    size_t last = to - 1;
    if (is_path(r, from, to)) {
        *name = sql_name(&r->t, last, r->mem);
        return to;
    }
    if (last > from && lineage_is_name(r, last)) {
        const struct sql_token *before = &r->t.v[last - 1];
        bool has_as = sql_is_word(&r->t, last - 1, "as");
        bool ends =
            before->kind == SQL_CLOSE || before->kind == SQL_STRING ||
            before->kind == SQL_NUMBER || before->kind == SQL_QUOTED ||
            (before->kind == SQL_WORD && (!lineage_is_reserved(r, last - 1) ||
                                          sql_is_word(&r->t, last - 1, "end") ||
                                          sql_is_word(&r->t, last - 1, "null")));
        if (has_as || (ends && !lineage_is_reserved(r, last))) {
            *name = sql_name(&r->t, last, r->mem);
            return has_as ? last - 1 : last;
        }
    }
    *name = NULL;
    return to;
}

static int read_item(struct lineage_reader *r, size_t from, size_t to,
                     struct lineage_scope *s, struct lineage_query *q)
{
    size_t star = from;
    while (lineage_is_name(r, star) && sql_is_kind(&r->t, star + 1, SQL_DOT))
        star += 2;
    if (star < to && sql_is_op(&r->t, star, "*")) {
        size_t first = q->n;
        scope_star(s, star > from ? sql_name(&r->t, star - 2, r->mem) : NULL, q);
        return star_modifiers(r, star + 1, to, first, s, q);
    }
    struct lineage_column c = {.kind = LINEAGE_COPY};
    size_t end = item_end(r, from, to, &c.name);
    if (end <= from)
        return fail(r, from, "a column is expected here");
    if (!is_path(r, from, end))
        c.kind = LINEAGE_EXPRESSION;
    c.expression = one_line(r, from, end);
    if (!c.name)
        c.name = c.expression;
    int rc = lineage_expression(r, from, end, s, &c);
    if (c.inner && is_path(r, from, end))
        c.expression = c.inner; /* what a CTE made, not the name it gave */
    query_add(r->mem, q, c);
    return rc;
}

static int read_list(struct lineage_reader *r, size_t from, size_t to,
                     struct lineage_scope *s, struct lineage_query *q)
{
    int rc = 0;
    s->selected = q;
    for (size_t i = from, start = from; i <= to && rc == 0; i++) {
        if (i < to && sql_is_kind(&r->t, i, SQL_OPEN))
            i = lineage_close(r, i, to);
        if (i < to && !sql_is_kind(&r->t, i, SQL_COMMA))
            continue;
        if (i > start) /* a trailing comma is allowed by some */
            rc = read_item(r, start, i < to ? i : to, s, q);
        start = i + 1;
    }
    s->selected = NULL;
    return rc;
}

/* ── SELECT, VALUES, WITH, UNION ─────────────────────────────────────────────────── */

/* DISTINCT, ALL, DISTINCT ON (…), TOP n. */
static size_t skip_modifiers(const struct lineage_reader *r, size_t i, size_t to)
{
    while (i < to) {
        bool is_on =
            sql_is_word(&r->t, i, "distinct") && sql_is_word(&r->t, i + 1, "on");
        if (is_on && sql_is_kind(&r->t, i + 2, SQL_OPEN))
            i = lineage_close(r, i + 2, to) + 1;
        else if (sql_is_word(&r->t, i, "distinct") || sql_is_word(&r->t, i, "all"))
            i++;
        else if (sql_is_word(&r->t, i, "top") && sql_is_kind(&r->t, i + 1, SQL_NUMBER))
            i += 2;
        else
            break;
    }
    return i;
}

/* FROM of this SELECT, not that of IS DISTINCT FROM. */
static bool is_from(const struct lineage_reader *r, size_t i)
{
    return sql_is_word(&r->t, i, "from") &&
           !(i > 1 && sql_is_word(&r->t, i - 1, "distinct") &&
             (sql_is_word(&r->t, i - 2, "is") || sql_is_word(&r->t, i - 2, "not")));
}

static int read_select(struct lineage_reader *r, size_t from, size_t to,
                       const struct lineage_scope *outer, struct lineage_query *out)
{
    struct lineage_scope s = {.mem = r->mem, .catalog = r->catalog, .outer = outer};
    size_t list = skip_modifiers(r, from + 1, to), end = list;
    while (end < to && !is_from(r, end) && !(is_clause_end(r, end) && end > list))
        end =
            sql_is_kind(&r->t, end, SQL_OPEN) ? lineage_close(r, end, to) + 1 : end + 1;
    end = end < to ? end : to;
    int rc = 0;
    if (end < to && is_from(r, end)) {
        size_t last = end + 1;
        while (last < to && !is_clause_end(r, last))
            last = sql_is_kind(&r->t, last, SQL_OPEN) ? lineage_close(r, last, to) + 1
                                                      : last + 1;
        if (last == end + 1)
            return fail(r, last, "a table is expected here");
        rc = read_from(r, end + 1, last < to ? last : to, &s);
    }
    return rc < 0 ? rc : read_list(r, list, end, &s, out);
}

static int read_values(struct lineage_reader *r, size_t from, size_t to,
                       struct lineage_query *out)
{
    size_t close = lineage_close(r, from, to), n = 1;
    if (!sql_is_kind(&r->t, from, SQL_OPEN))
        return fail(r, from, "a row is expected here");
    for (size_t i = from + 1; i < close; i++) {
        if (sql_is_kind(&r->t, i, SQL_OPEN))
            i = lineage_close(r, i, close);
        else
            n += sql_is_kind(&r->t, i, SQL_COMMA);
    }
    for (size_t i = 1; i <= n; i++) {
        struct lineage_column c = {.kind = LINEAGE_EXPRESSION,
                                   .name = arena_printf(r->mem, "column%zu", i)};
        query_add(r->mem, out, c);
    }
    return 0;
}

static int read_term(struct lineage_reader *r, size_t from, size_t to,
                     const struct lineage_scope *outer, struct lineage_query *out)
{
    if (from < to && sql_is_kind(&r->t, from, SQL_OPEN))
        return read_query(r, from + 1, lineage_close(r, from, to), outer, out);
    if (from < to && sql_is_word(&r->t, from, "select"))
        return read_select(r, from, to, outer, out);
    if (from < to && sql_is_word(&r->t, from, "values"))
        return read_values(r, from + 1, to, out);
    return fail(r, from, "SELECT is expected here");
}

/* A further term of a set operation: columns by position. */
static void merge(struct lineage_reader *r, struct lineage_query *out,
                  const struct lineage_query *term)
{
    for (size_t i = 0; i < term->n && i < out->n; i++) {
        column_add_origins(r->mem, &out->columns[i], &term->columns[i]);
        if (term->columns[i].kind != LINEAGE_COPY)
            out->columns[i].kind = LINEAGE_EXPRESSION;
    }
    for (size_t i = 0; i < term->n_open; i++)
        query_add_open(r->mem, out, term->open[i]);
}

static bool is_set_operator(const struct lineage_reader *r, size_t i)
{
    static const char *const words[] = {"union", "intersect", "except", "minus", NULL};
    return is_any_word(r, i, words) && !is_star_modifier(r, i);
}

static int read_body(struct lineage_reader *r, size_t from, size_t to,
                     const struct lineage_scope *outer, struct lineage_query *out)
{
    int rc = 0;
    bool is_first = true;
    for (size_t i = from, start = from; i <= to && rc == 0; i++) {
        if (i < to && sql_is_kind(&r->t, i, SQL_OPEN))
            i = lineage_close(r, i, to);
        if (i < to && !is_set_operator(r, i))
            continue;
        struct lineage_query term = {0};
        rc = read_term(r, start, i < to ? i : to, outer, is_first ? out : &term);
        if (rc == 0 && !is_first)
            merge(r, out, &term);
        is_first = false;
        start = i + 1;
        if (sql_is_word(&r->t, start, "all") || sql_is_word(&r->t, start, "distinct"))
            start++;
        i = start > i ? start - 1 : i;
    }
    return rc;
}

/* name [(columns)] AS [NOT MATERIALIZED] ( query ); *i behind it. */
static int read_cte(struct lineage_reader *r, size_t *i, size_t to, bool is_recursive,
                    const struct lineage_scope *outer)
{
    struct lineage_cte *c = arena_alloc(r->mem, sizeof *c);
    size_t at = *i, names = 0;
    if (!lineage_is_name(r, at))
        return fail(r, at, "the name of a CTE is expected here");
    c->name = sql_name(&r->t, at++, r->mem);
    c->query = arena_alloc(r->mem, sizeof *c->query);
    c->outer = r->ctes;
    if (sql_is_kind(&r->t, at, SQL_OPEN)) {
        names = at;
        at = lineage_close(r, at, to) + 1;
    }
    while (at < to && !sql_is_kind(&r->t, at, SQL_OPEN))
        at++;
    if (at >= to)
        return fail(r, at, "the query of a CTE is expected here");
    if (is_recursive)
        r->ctes = c;
    size_t close = lineage_close(r, at, to);
    int rc = read_query(r, at + 1, close, outer, c->query);
    if (names)
        c->query = renamed(r, names, to, c->query);
    r->ctes = c;
    *i = close + 1;
    return rc;
}

static int read_query(struct lineage_reader *r, size_t from, size_t to,
                      const struct lineage_scope *outer, struct lineage_query *out)
{
    const struct lineage_cte *before = r->ctes;
    int rc = 0;
    if (++r->depth > DEPTH_MAX)
        return err_set(r->e, ERR_LIMIT, "queries are nested more than %d deep",
                       DEPTH_MAX);
    if (sql_is_word(&r->t, from, "with") && from < to) {
        bool is_recursive = sql_is_word(&r->t, ++from, "recursive");
        from += is_recursive;
        do {
            rc = read_cte(r, &from, to, is_recursive, outer);
        } while (rc == 0 && from < to && sql_is_kind(&r->t, from, SQL_COMMA) && from++);
    }
    if (rc == 0)
        rc = read_body(r, from, to, outer, out);
    r->ctes = before;
    r->depth--;
    return rc;
}

int lineage_read(struct arena *mem, const char *sql, size_t n,
                 const struct lineage_catalog *catalog, struct lineage_query *out,
                 struct err *e)
{
    struct lineage_reader r = {.mem = mem, .catalog = catalog, .e = e};
    *out = (struct lineage_query){0};
    int rc = sql_tokenize(&r.t, mem, sql, n, false, e);
    if (rc < 0)
        return rc;
    size_t to = r.t.n;
    while (to && r.t.v[to - 1].kind == SQL_SEMI)
        to--;
    return read_query(&r, 0, to, NULL, out);
}
