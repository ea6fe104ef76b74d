/* What a place in a SELECT can see: inside lineage_sql.c and lineage_scope.c only. */
#ifndef MODEL_LINEAGE_SCOPE_H
#define MODEL_LINEAGE_SCOPE_H

#include "model/lineage_sql.h"

/* Something of a FROM clause: a relation outside, a query (CTE, subquery, VALUES), or a
 * table function. One of the three is set. */
struct lineage_item {
    const char *alias; /* what qualifies its columns, NULL: nothing */
    void *relation;    /* outside */
    const struct lineage_query *query;
    const struct lineage_column *any; /* what a function reads: each of its columns */
};

struct lineage_cte {
    const char *name;
    struct lineage_query *query;
    const struct lineage_cte *outer;
};

struct lineage_scope {
    struct arena *mem;
    const struct lineage_catalog *catalog;
    struct lineage_item *items;
    size_t n;
    const struct lineage_query *selected; /* the list so far: aliases seen sideways */
    const struct lineage_scope *outer;    /* of a correlated subquery */
};

void scope_add(struct lineage_scope *s, struct lineage_item item);
/* Origins of a name (qualifier NULL: unqualified) added to column; false: nothing here
 * or outside has it. */
bool scope_resolve(const struct lineage_scope *s, const char *qualifier,
                   const char *name, struct lineage_column *column);
/* What `*` or `qualifier.*` selects, appended to q. */
void scope_star(const struct lineage_scope *s, const char *qualifier,
                struct lineage_query *q);

/* A query grows; doubles of an origin or of an open relation are left out. */
void column_add_origin(struct arena *mem, struct lineage_column *c,
                       struct lineage_origin o);
void column_add_origins(struct arena *mem, struct lineage_column *to,
                        const struct lineage_column *from);
struct lineage_column *query_add(struct arena *mem, struct lineage_query *q,
                                 struct lineage_column c);
void query_add_open(struct arena *mem, struct lineage_query *q, void *relation);
struct lineage_column *query_find(const struct lineage_query *q, const char *name);

#endif
