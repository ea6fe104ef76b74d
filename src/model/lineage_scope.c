/* Column lineage: names against what a FROM clause offers. In: a scope. Out: origins.
 * Called by lineage_sql.c alone. Names are compared without case, as SQL does with
 * names that are not quoted. */
#include "model/lineage_scope.h"

#include <string.h>
#include <strings.h>

static void *grown(struct arena *mem, void *old, size_t n, size_t size)
{
    if (n & (n - 1) && n)
        return old; /* room until the next power of two */
    size_t cap = n ? n * 2 : 1;
    void *p = arena_alloc(mem, cap * size);
    if (n)
        memcpy(p, old, n * size);
    return p;
}

void scope_add(struct lineage_scope *s, struct lineage_item item)
{
    s->items = grown(s->mem, s->items, s->n, sizeof *s->items);
    s->items[s->n++] = item;
}

void column_add_origin(struct arena *mem, struct lineage_column *c,
                       struct lineage_origin o)
{
    for (size_t i = 0; i < c->n_from; i++)
        if (c->from[i].relation == o.relation &&
            strcasecmp(c->from[i].column, o.column) == 0)
            return;
    c->from = grown(mem, c->from, c->n_from, sizeof *c->from);
    c->from[c->n_from++] = o;
}

void column_add_origins(struct arena *mem, struct lineage_column *to,
                        const struct lineage_column *from)
{
    for (size_t i = 0; i < from->n_from; i++)
        column_add_origin(mem, to, from->from[i]);
}

struct lineage_column *query_add(struct arena *mem, struct lineage_query *q,
                                 struct lineage_column c)
{
    q->columns = grown(mem, q->columns, q->n, sizeof *q->columns);
    q->columns[q->n] = c;
    return &q->columns[q->n++];
}

void query_add_open(struct arena *mem, struct lineage_query *q, void *relation)
{
    for (size_t i = 0; i < q->n_open; i++)
        if (q->open[i] == relation)
            return;
    q->open = grown(mem, q->open, q->n_open, sizeof *q->open);
    q->open[q->n_open++] = relation;
}

struct lineage_column *query_find(const struct lineage_query *q, const char *name)
{
    for (size_t i = 0; i < q->n; i++)
        if (q->columns[i].name && strcasecmp(q->columns[i].name, name) == 0)
            return &q->columns[i];
    return NULL;
}

/* ── one item ────────────────────────────────────────────────────────────────────── */

enum found { NO, MAYBE, YES };

/* Whether an item has a column. MAYBE: its columns are not all known. */
static enum found has(const struct lineage_scope *s, const struct lineage_item *it,
                      const char *name)
{
    if (it->any)
        return MAYBE;
    if (!it->relation) {
        if (query_find(it->query, name))
            return YES;
        return it->query->n_open ? MAYBE : NO;
    }
    const char *const *names = NULL;
    size_t n = 0;
    bool is_open = s->catalog->columns(s->catalog->arg, it->relation, &names, &n);
    for (size_t i = 0; i < n; i++)
        if (strcasecmp(names[i], name) == 0)
            return YES;
    return is_open ? MAYBE : NO;
}

static void take(const struct lineage_scope *s, const struct lineage_item *it,
                 const char *name, struct lineage_column *column)
{
    if (it->relation) {
        column_add_origin(s->mem, column, (struct lineage_origin){it->relation, name});
        return;
    }
    const struct lineage_column *c = it->any ? it->any : query_find(it->query, name);
    if (c) {
        column_add_origins(s->mem, column, c);
        if (c->kind != LINEAGE_COPY) {
            column->kind = LINEAGE_EXPRESSION;
            column->inner = c->expression;
        }
        return;
    }
    for (size_t i = 0; i < it->query->n_open; i++)
        column_add_origin(s->mem, column,
                          (struct lineage_origin){it->query->open[i], name});
}

static const struct lineage_item *choose(const struct lineage_scope *s,
                                         const char *qualifier, const char *name)
{
    const struct lineage_item *maybe = NULL;
    for (size_t i = 0; i < s->n; i++) {
        const struct lineage_item *it = &s->items[i];
        if (qualifier && (!it->alias || strcasecmp(it->alias, qualifier) != 0))
            continue;
        enum found f = has(s, it, name);
        if (f == YES)
            return it;
        if (f == MAYBE && !maybe)
            maybe = it;
    }
    return maybe;
}

bool scope_resolve(const struct lineage_scope *s, const char *qualifier,
                   const char *name, struct lineage_column *column)
{
    for (; s; s = s->outer) {
        const struct lineage_item *it = choose(s, qualifier, name);
        const struct lineage_column *sideways =
            !qualifier && s->selected ? query_find(s->selected, name) : NULL;
        if (sideways && (!it || has(s, it, name) != YES)) {
            column_add_origins(s->mem, column, sideways);
            column->kind = LINEAGE_EXPRESSION;
            return true;
        }
        if (it) {
            take(s, it, name, column);
            return true;
        }
    }
    return false;
}

/* ── stars ───────────────────────────────────────────────────────────────────────── */

static void star_of_relation(const struct lineage_scope *s, void *relation,
                             struct lineage_query *q)
{
    const char *const *names = NULL;
    size_t n = 0;
    if (s->catalog->columns(s->catalog->arg, relation, &names, &n))
        query_add_open(s->mem, q, relation);
    for (size_t i = 0; i < n; i++) {
        struct lineage_column c = {.name = names[i]};
        column_add_origin(s->mem, &c, (struct lineage_origin){relation, names[i]});
        query_add(s->mem, q, c);
    }
}

void scope_star(const struct lineage_scope *s, const char *qualifier,
                struct lineage_query *q)
{
    for (size_t i = 0; i < s->n; i++) {
        const struct lineage_item *it = &s->items[i];
        if (qualifier && (!it->alias || strcasecmp(it->alias, qualifier) != 0))
            continue;
        if (it->relation) {
            star_of_relation(s, it->relation, q);
            continue;
        }
        for (size_t j = 0; it->query && j < it->query->n; j++)
            query_add(s->mem, q, it->query->columns[j]);
        for (size_t j = 0; it->query && j < it->query->n_open; j++)
            query_add_open(s->mem, q, it->query->open[j]);
    }
}
