/* The reader of SQL that column lineage is made by; shared by lineage_sql.c (queries)
 * and lineage_expr.c (expressions) alone. Ranges of tokens are [from, to). */
#ifndef MODEL_LINEAGE_EXPR_H
#define MODEL_LINEAGE_EXPR_H

#include "model/lineage_scope.h"
#include "warehouse/sql_token.h"

struct lineage_reader {
    struct sql_tokens t;
    struct arena *mem;
    const struct lineage_catalog *catalog;
    const struct lineage_cte *ctes; /* innermost first */
    int depth;
    struct err *e;
};

/* Origins of all columns that an expression reads, added to column. */
int lineage_expression(struct lineage_reader *r, size_t from, size_t to,
                       const struct lineage_scope *s, struct lineage_column *column);
/* Token i is a word of the grammar, not a name. */
bool lineage_is_reserved(const struct lineage_reader *r, size_t i);
bool lineage_is_name(const struct lineage_reader *r, size_t i);
/* SELECT, WITH or VALUES, behind brackets or not. */
bool lineage_is_query(const struct lineage_reader *r, size_t i);
/* The bracket that belongs to open, or to. */
size_t lineage_close(const struct lineage_reader *r, size_t open, size_t to);
int lineage_subquery(struct lineage_reader *r, size_t from, size_t to,
                     const struct lineage_scope *outer, struct lineage_query *out);

#endif
