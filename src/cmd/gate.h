/* Inside `weir gate`: its longer verbs, each in a file of its own. */
#ifndef CMD_GATE_H
#define CMD_GATE_H

#include "cmd/cmd.h"

/* Rows that gates have kept: counted by run and check, or with a gate's name the rows
 * themselves, the newest first. ERR_NOTFOUND for a gate that kept none. */
int gate_quarantine(const struct cmd_args *a, const char *gate, struct err *e);

#endif
