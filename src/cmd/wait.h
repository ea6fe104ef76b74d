/* Waiting for conditions of the platform, for commands. */
#ifndef CMD_WAIT_H
#define CMD_WAIT_H

#include "cmd/cmd.h"

/* Until no supervisor holds the state folder. timeout_ms < 0: no limit; ERR_TIMEOUT. */
int wait_until_down(const struct platform *p, long timeout_ms, struct err *e);
/* until: up ready idle drained down run:ID. 0 met, ERR_FAIL when it can no longer be.
 */
int wait_until(const struct platform *p, const char *until, long timeout_ms,
               struct err *e);

#endif
