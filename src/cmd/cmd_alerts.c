/* weir alerts: the alert outbox. In: the state database, read-only, so that it answers
 * whether the platform is up or not. Out: a table, newest first. */
#include "base/json.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "state/state.h"

static int run(const struct cmd_args *a, struct err *e)
{
    static const struct cmd_column columns[] = {
        {"at_ms", "AT", COL_TIME},        {"severity", "SEVERITY", COL_TEXT},
        {"state", "STATE", COL_TEXT},     {"component", "COMPONENT", COL_TEXT},
        {"summary", "SUMMARY", COL_TEXT}, {"attempts", "TRIES", COL_NUMBER},
        {"detail", "DETAIL", COL_TEXT},   {"key", "KEY", COL_TEXT},
    };
    struct state *s = NULL;
    json_t *rows = NULL;
    char path[4096];
    if (a->argc > 0)
        return err_set(e, ERR_USAGE, "weir alerts takes no operands");
    int rc = state_open(&s, conf_state_path(a->platform, "state.db", path, sizeof path),
                        true, e);
    if (rc == 0)
        rc = state_alerts(s, opt_flag(a, "open"), &rows, e);
    if (rc == 0)
        rc = cmd_print_rows(a, rows, columns, sizeof columns / sizeof *columns, e);
    json_decref(rows);
    state_close(s);
    return rc;
}

static const struct cmd_opt opts[] = {
    {"open", 0, OPT_FLAG, NULL, "Only those that are not delivered yet.", NULL},
    {0},
};

const struct cmd cmd_alerts = {
    .name = "alerts",
    .summary = "Show the alerts there were, and whether they got out.",
    .operands = "",
    .doc = "States: open (not delivered yet), failing (a sink did not take it; it is "
           "tried "
           "again), sent, acked, resolved.",
    .flags = CMD_READONLY | CMD_JSON,
    .opts = opts,
    .run = run,
};
