/* What build, run, test, seed and rerun share: a request is sent to the platform that
 * runs, or, where none does, a supervisor is started in the foreground for it alone. */
#ifndef CMD_RUNNER_H
#define CMD_RUNNER_H

#include "cmd/cmd.h"

/* Options of a selection and of a run; ends with a NULL name. */
extern const struct cmd_opt runner_opts[];
/* args: the request (taken), from runner_request or made by the caller. Exit status, or
 * negative. With --plan the plan is printed and nothing runs (status 3 when empty). */
int runner_run(const struct cmd_args *a, json_t *args, struct err *e);
/* NULL with e when an option's value is wrong. */
json_t *runner_request(const struct cmd_args *a, const char *command, struct err *e);
/* Exit status of a run's final state. Nothing to do is 3 on a platform, and 0 in a
 * folder that is only dbt's, as there. */
int runner_status(const struct platform *p, const char *state, int64_t total);

#endif
