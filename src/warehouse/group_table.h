/* Grouping by hash, in bounded memory: what GROUP BY is on the SQLite member, whose
 * engine sorts all rows instead. Pure logic but for the temporary file.
 *
 * groups_new → groups_add for every row → groups_next until 0 → groups_free. Always
 * holds: a group lies in one table whole; when memory is full, rows of groups that are
 * not there go to a file, in lots by hash, and each lot is then grouped alike. */
#ifndef WAREHOUSE_GROUP_TABLE_H
#define WAREHOUSE_GROUP_TABLE_H

#include <stddef.h>
#include "base/err.h"
#include "warehouse/warehouse.h"

#define GROUP_COLUMNS_MAX 40

struct groups;

/* spec has one letter a column: k key, n count(*), c count, s sum, a avg (exact, as the
 * SQL functions). dir: for the temporary file. */
struct groups *groups_new(const char *spec, const char *dir, size_t memory_bytes);
void groups_free(struct groups *g); /* NULL allowed */
/* One value per column that is not n, in order. Keys compare as SQLite's do: 1 is 1.0,
 * nulls are one group. */
int groups_add(struct groups *g, const struct wh_value *values, struct err *e);
/* The next group's columns; texts are valid until the next call. Groups that fitted in
 * memory come in the order of their keys. 1 a row, 0 the end, negative. */
int groups_next(struct groups *g, struct wh_value *row, struct err *e);

#endif
