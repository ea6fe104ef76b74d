/* weir source freshness. */
#ifndef CMD_SOURCE_FRESHNESS_H
#define CMD_SOURCE_FRESHNESS_H

#include "cmd/cmd.h"

/* The dbt sources that the operands and --select name. Exit status: 1 when one is older
 * than its error_after or could not be asked, 3 when none has a freshness. */
int source_freshness(const struct cmd_args *a, struct err *e);

#endif
