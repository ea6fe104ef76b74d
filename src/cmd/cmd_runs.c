/* weir runs: the runs there were, or the tasks of one. */
#include <limits.h>

#include "base/json.h"
#include "base/str.h"
#include "cmd/client.h"
#include "state/state.h"

static const struct cmd_column run_columns[] = {
    {"id", "RUN", COL_NUMBER},          {"command", "COMMAND", COL_TEXT},
    {"state", "STATE", COL_TEXT},       {"started_ms", "STARTED", COL_TIME},
    {"took_ms", "TOOK", COL_DURATION},  {"total", "TASKS", COL_NUMBER},
    {"done", "DONE", COL_NUMBER},       {"failed", "FAILED", COL_NUMBER},
    {"skipped", "SKIPPED", COL_NUMBER}, {"reason", "REASON", COL_TEXT},
    {"message", "MESSAGE", COL_LINE},
};
static const struct cmd_column task_columns[] = {
    {"kind", "KIND", COL_TEXT},        {"node", "NODE", COL_TEXT},
    {"state", "STATE", COL_TEXT},      {"attempt", "ATTEMPT", COL_NUMBER},
    {"took_ms", "TOOK", COL_DURATION}, {"rows", "ROWS", COL_NUMBER},
    {"log", "LOG", COL_TEXT},          {"message", "MESSAGE", COL_LINE},
};

static void add_took(json_t *rows)
{
    json_t *r;
    size_t i;
    json_array_foreach (rows, i, r) {
        int64_t end = json_i64(r, "ended_ms", 0), start = json_i64(r, "started_ms", 0);
        if (json_object_get(r, "seconds"))
            json_put_i64(r, "took_ms", (int64_t)(json_num(r, "seconds", 0) * 1000));
        else if (end > 0 && start > 0)
            json_put_i64(r, "took_ms", end - start);
        if (json_i64(r, "rows", 0) < 0)
            json_object_set_new(r, "rows", json_null());
    }
}

static int cancel(const struct cmd_args *a, int64_t id, struct err *e)
{
    struct client_conn c;
    int rc = client_open(&c, a->platform, e);
    json_t *args = json_object();
    json_put_i64(args, "run", id);
    if (rc == 0)
        rc = client_ask(&c, "cancel", args, NULL, e);
    else
        json_decref(args);
    client_close(&c);
    return rc;
}

static int show_run(const struct cmd_args *a, struct state *s, int64_t id,
                    struct err *e)
{
    json_t *run = NULL, *tasks = NULL;
    int rc = state_run_get(s, id, &run, e);
    if (rc == 0)
        rc = state_tasks(s, id, &tasks, e);
    if (rc == 0 && a->is_json) {
        json_put(run, "tasks", json_incref(tasks));
        rc = cmd_print_json(run, e);
    } else if (rc == 0) {
        add_took(tasks);
        rc = cmd_print_rows(a, tasks, task_columns,
                            sizeof task_columns / sizeof *task_columns, e);
    }
    json_decref(run);
    json_decref(tasks);
    return rc;
}

static int show_runs(const struct cmd_args *a, struct state *s, struct err *e)
{
    json_t *runs = NULL;
    long limit = opt_int(a, "limit", 20);
    if (limit < 1 || limit > INT_MAX)
        return err_set(e, ERR_USAGE, "--limit %ld: expected 1 or more", limit);
    int rc = state_runs(s, (int)limit, &runs, e);
    if (rc == 0) {
        add_took(runs);
        rc = a->is_json ? cmd_print_json(runs, e)
                        : cmd_print_rows(a, runs, run_columns,
                                         sizeof run_columns / sizeof *run_columns, e);
    }
    json_decref(runs);
    return rc;
}

static int run(const struct cmd_args *a, struct err *e)
{
    char path[PATH_MAX];
    struct state *s = NULL;
    int64_t id = 0;
    if (a->argc > 1 || (a->argc == 1 && !str_to_i64(str_of(a->argv[0]), &id)))
        return err_set(e, ERR_USAGE, "weir runs takes the number of one run");
    if (opt_flag(a, "cancel"))
        return a->argc == 1
                   ? cancel(a, id, e)
                   : err_set(e, ERR_USAGE, "--cancel needs the number of a run");
    int rc = state_open(&s, conf_state_path(a->platform, "state.db", path, sizeof path),
                        true, e);
    if (rc == 0)
        rc = a->argc ? show_run(a, s, id, e) : show_runs(a, s, e);
    state_close(s);
    return rc;
}

static const struct cmd_opt opts[] = {
    {"limit", 'n', OPT_INT, "N", "How many runs to list (20).", NULL},
    {"cancel", 0, OPT_FLAG, NULL,
     "End the run: what runs is stopped, nothing more begins.", NULL},
    {0},
};

const struct cmd cmd_runs = {
    .name = "runs",
    .summary = "List runs, or the tasks of one.",
    .operands = "[RUN]",
    .doc = "Newest first. With a number: its tasks in order, with attempts, rows, the "
           "process "
           "that did each and what it said.",
    .flags = CMD_READONLY | CMD_JSON,
    .opts = opts,
    .run = run,
};
