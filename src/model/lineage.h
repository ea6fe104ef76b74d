/* Column lineage of a project, offline: which columns of which nodes a column is made
 * of, and what is made of it. From the compiled SQL of the nodes (lineage_sql.h); nodes
 * are compiled when they are first asked for, without a warehouse. */
#ifndef MODEL_LINEAGE_H
#define MODEL_LINEAGE_H

#include <jansson.h>
#include "model/lineage_sql.h"
#include "model/model.h"

struct lineage;

/* Borrows the project. */
struct lineage *lineage_open(struct project *p);
void lineage_free(struct lineage *l);
/* Columns of a node that are known: of a model or snapshot those of its SQL, of a
 * source or seed the documented ones. NULL-terminated, borrowed. */
const char *const *lineage_columns(struct lineage *l, const struct node *n);
/* Whether a node has, or may have, a column. */
bool lineage_has(struct lineage *l, const struct node *n, const char *column,
                 bool is_certain);

/* {"column": "node.column", "name", "unique_id", "resource_type", "kind": "copy" |
 * "expression" (of models), "expression": its SQL, "columns": [the same, of what it is
 * made of (or, is_downstream, of what is made of it)]}. depth < 0: all the way.
 * A new reference. */
json_t *lineage_tree(struct lineage *l, const struct node *n, const char *column,
                     bool is_downstream, int depth);
/* Nodes whose SQL could not be read, "name: why", one line each. */
size_t lineage_n_warnings(const struct lineage *l);
const char *lineage_warning(const struct lineage *l, size_t i);

#endif
