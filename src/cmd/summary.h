/* The table at the end of `weir up --once`. */
#ifndef CMD_SUMMARY_H
#define CMD_SUMMARY_H

#include <jansson.h>
#include "cmd/cmd.h"

/* Adds "layers" (rows per relation, read from the warehouse) to the supervisor's
 * summary and prints it: a table, or with -o json the object. */
int summary_print(const struct cmd_args *a, json_t *summary, struct err *e);

#endif
