/* Printing the rows of a query, for query and show. */
#ifndef CMD_QUERY_H
#define CMD_QUERY_H

#include "cmd/cmd.h"
#include "warehouse/warehouse.h"

/* Table, CSV or JSON as -o says; at most limit rows, <= 0: all (as text 10,000). */
int query_print(const struct cmd_args *a, struct wh_cursor *c, long limit,
                struct err *e);

#endif
