/* Worker kinds: one row each in worker.list; `weir worker KIND …` runs one. */
#ifndef WORKER_WORKER_H
#define WORKER_WORKER_H

#include "base/err.h"
#include "conf/conf.h"
#include "wire/channel.h"

struct worker_kind {
    const char *name, *operands, *summary;
    /* argv behind the kind: SOURCE, JOB …; returns 0 or negative. */
    int (*run)(const struct platform *p, int argc, char **argv, struct channel *ch,
               struct err *e);
};
const struct worker_kind *worker_find(const char *name);
/* What a supervised worker that failed with code (negative) exits with: 2 or
 * WIRE_EXIT_FINAL when the same would come again, else the code's exit status. */
int worker_exit_status(int code);
/* main of `weir worker`: opens the channel, limits, name, signals; exit status. */
int worker_main(const struct platform *p, int argc, char **argv);

#endif
