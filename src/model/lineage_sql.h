/* Where the columns of a query come from, read off its SQL. Pure logic: names of
 * relations are asked of a callback, no engine is involved. What the SQL does not say
 * (the columns behind `select *` from a table nobody described) stays open: any name
 * is then taken to be that table's.
 *
 * Understood: WITH (RECURSIVE), set operations, joins, subqueries (correlated too),
 * VALUES, stars with EXCLUDE/EXCEPT/REPLACE, table functions, lateral aliases. */
#ifndef MODEL_LINEAGE_SQL_H
#define MODEL_LINEAGE_SQL_H

#include <stdbool.h>
#include <stddef.h>
#include "base/err.h"
#include "base/mem.h"

/* A column of a relation outside the query. */
struct lineage_origin {
    void *relation; /* what the callback gave */
    const char *column;
};

enum lineage_kind {
    LINEAGE_COPY,       /* the value as it is, perhaps renamed */
    LINEAGE_EXPRESSION, /* made of one or more columns, or of none */
};

struct lineage_column {
    const char *name;
    enum lineage_kind kind;
    const char *expression; /* SQL text on one line; NULL for a column of a star */
    const char *inner; /* of the subquery's column it was read from; NULL: a copy */
    struct lineage_origin *from;
    size_t n_from;
};

/* A query's columns, in order. */
struct lineage_query {
    struct lineage_column *columns;
    size_t n;
    void **open; /* relations whose columns come along but are not known */
    size_t n_open;
};

struct lineage_catalog {
    void *arg;
    /* The relation of a name as it stands in the SQL, its last parts first: parts[0] is
     * the table, parts[1] the schema …; NULL when there is none. */
    void *(*find)(void *arg, const char *const *parts, size_t n);
    /* Its columns: *names (n of them, borrowed); true when there may be others. */
    bool (*columns)(void *arg, void *relation, const char *const **names, size_t *n);
};

/* Everything is from the arena. ERR_PARSE names line and column of the SQL. */
int lineage_read(struct arena *mem, const char *sql, size_t n,
                 const struct lineage_catalog *catalog, struct lineage_query *out,
                 struct err *e);

#endif
