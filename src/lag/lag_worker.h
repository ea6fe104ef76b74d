/* `weir worker lag`: one process that looks at the bus once a second, tells lag, clock
 * and freshness, and lets retention run. */
#ifndef LAG_LAG_WORKER_H
#define LAG_LAG_WORKER_H

#include "base/err.h"
#include "conf/conf.h"
#include "wire/channel.h"

/* Runs until a stop (0) or until the supervisor is gone (ERR_UNAVAILABLE). Metrics: the
 * lag feed of wire/wire.h, "at_ms" (wall clock of the look), "freshness" as in the
 * overview, and "clock_ms": the newest record timestamp of the topics that streams read
 * (of all, without streams); absent without records. Answers a drain with a last look.
 */
int lag_run(const struct platform *p, struct channel *ch, struct err *e);

#endif
