/* The supervisor: owns the state database, the control socket, schedules and children.
 * Never blocks: no SQL on the warehouse, no HTTP, no bus, no plugin code in it. */
#ifndef SUPERVISE_SUPERVISE_H
#define SUPERVISE_SUPERVISE_H

#include <jansson.h>
#include <stdbool.h>
#include "base/err.h"
#include "conf/conf.h"

struct supervise_options {
    bool once; /* weir up --once: bounded, build everything, stop */
    bool detach;
    bool sql_only;   /* headless build/run/test: only the sql pool */
    json_t *request; /* with sql_only: {"cmd":"run","args":{…}} to run, then stop */
    bool is_json;    /* -o json: the final summary as JSON on stdout */
    bool is_quiet;
    const char *exe; /* path of weir for re-exec */
};
/* Returns the exit status of the whole (0, 1, 5, 130 …) or a negative error. */
int supervise_run(const struct platform *p, const struct supervise_options *o,
                  struct err *e);

#endif
