/* The supervisor: owns the state database, the control socket, schedules and children.
 * Never blocks: no SQL on the warehouse, no HTTP, no bus, no plugin code in it. */
#ifndef SUPERVISE_SUPERVISE_H
#define SUPERVISE_SUPERVISE_H

#include <jansson.h>
#include <stdbool.h>
#include "base/err.h"
#include "conf/conf.h"

struct supervise_options {
    bool once;       /* weir up --once: bounded, build everything, stop */
    bool detach;     /* in the background: SIGHUP does not end it, no terminal */
    bool sql_only;   /* headless build/run/test: only the sql pool */
    json_t *request; /* with sql_only: {"cmd":"run"|"plan","args":{…}}, then stop; a
                        plan is in the summary as "plan" */
    bool is_quiet;   /* no progress on stderr */
    bool log_json;   /* lines about tasks go to stdout as JSON (report_task_json) */
    const char *exe; /* path of weir for re-exec */
    int ready_fd;    /* > 0: "ready\n" is written there once ready, then it is closed */
    json_t **summary; /* not NULL: what the job came to, new reference (or left NULL):
                         {platform, exit_status, failure, seconds, counts:{records_in,
                         masked, rejected:{reason:n}, late, duplicates, corrections,
                         stale, anomalies, alerts, unknown_store, unknown_product,
                         windows, loaded:{load:rows}}, run: as the runs feed or null,
                         gates: as the overview's} */
};
/* Returns the exit status of the whole (0, 1, 2, 3 nothing to do, 5 blocked, 130) with
 * e saying why it is not 0, or a negative error: ERR_LOCKED when a supervisor runs
 * there. */
int supervise_run(const struct platform *p, const struct supervise_options *o,
                  struct err *e);

#endif
