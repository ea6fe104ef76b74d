/* Running something (runner.h): the same request, the same lines and the same exit
 * status with a platform running and without.
 *
 * in: options of the command line. out: a line per task on stderr, the result on
 * stdout, the exit status. Called by cmd_build.c, cmd_rerun.c. */
#include "cmd/runner.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/text.h"
#include "cmd/client.h"
#include "cmd/dbt_flags.h"
#include "state/state.h"
#include "supervise/report.h"
#include "supervise/supervise.h"

const struct cmd_opt runner_opts[] = {
    {"select", 's', OPT_LIST, "SELECTOR", "What to run, in dbt's selection grammar.",
     NULL},
    {"exclude", 0, OPT_LIST, "SELECTOR", "What to leave out of it.", NULL},
    {"selector", 0, OPT_TEXT, "NAME", "A selection of selectors.yml.", NULL},
    DBT_TYPE_OPTIONS,
    {"full-refresh", 'f', OPT_FLAG, NULL, "Rebuild incremental models from nothing.",
     "DBT_FULL_REFRESH"},
    {"empty", 0, OPT_FLAG, NULL, "Read no rows: every ref and source is empty.",
     "DBT_EMPTY"},
    {"sample", 0, OPT_TEXT, "WINDOW",
     "Read a window of time only: '3 days', or '{start: …, end: …}'.", "DBT_SAMPLE"},
    {"event-time-start", 0, OPT_TEXT, "TIME", "Microbatch: the first batch.",
     "DBT_EVENT_TIME_START"},
    {"event-time-end", 0, OPT_TEXT, "TIME", "Microbatch: the end of the last batch.",
     "DBT_EVENT_TIME_END"},
    {"store-failures", 0, OPT_FLAG, NULL, "Keep the rows that fail tests in tables.",
     "DBT_STORE_FAILURES"},
    {"show", 0, OPT_FLAG, NULL, "Seeds: show the first rows of what was loaded.", NULL},
    {"plan", 0, OPT_FLAG, NULL, "Show what would run, and why, and run nothing.", NULL},
    {0},
};

static json_t *list_of(const char *const *values, int argc, char **argv)
{
    json_t *list = json_array();
    for (; values && *values; values++)
        json_array_append_new(list, json_string(*values));
    for (int i = 0; i < argc; i++)
        json_array_append_new(list, json_string(argv[i]));
    return list;
}

static void put_list(json_t *args, const char *key, json_t *list)
{
    if (json_array_size(list) > 0)
        json_object_set(args, key, list);
    json_decref(list);
}

json_t *runner_request(const struct cmd_args *a, const char *command, struct err *e)
{
    json_t *args = json_object(), *flags = dbt_flags(a, e);
    char real[PATH_MAX];
    bool has_state =
        json_str(flags, "state", NULL) || json_str(flags, "defer_state", NULL);
    if (flags && json_flag(flags, "defer", false) && !has_state) {
        err_set(e, ERR_USAGE,
                "--defer needs --state DIR (or --defer-state DIR): the folder of the "
                "manifest.json to read from");
        json_decref(flags);
        flags = NULL;
    }
    if (!flags) {
        json_decref(args);
        return NULL;
    }
    json_put(args, "flags", flags);
    json_put_str(args, "command", command);
    json_put_str(args, "reason", "requested");
    put_list(args, "select", list_of(opt_list(a, "select"), a->argc, a->argv));
    put_list(args, "exclude", list_of(opt_list(a, "exclude"), 0, NULL));
    put_list(args, "types", list_of(opt_list(a, "resource-type"), 0, NULL));
    put_list(args, "exclude_types",
             list_of(opt_list(a, "exclude-resource-type"), 0, NULL));
    json_put_str(args, "indirect", opt_text(a, "indirect-selection", "eager"));
    if (opt_text(a, "selector", NULL))
        json_put_str(args, "selector", opt_text(a, "selector", NULL));
    if (opt_text(a, "state", NULL)) /* a worker stands elsewhere */
        json_put_str(
            args, "state",
            realpath(opt_text(a, "state", ""), real) ? real : opt_text(a, "state", ""));
    if (opt_text(a, "vars", NULL))
        json_put_str(args, "vars", opt_text(a, "vars", NULL));
    if (opt_flag(a, "full-refresh"))
        json_put_flag(args, "full_refresh", true);
    if (opt_flag(a, "fail-fast"))
        json_put_flag(args, "fail_fast", true);
    return args;
}

int runner_status(const struct platform *p, const char *state, int64_t total)
{
    if (streq(state, "success"))
        return total == 0 && p->file ? 3 : 0;
    if (streq(state, "blocked"))
        return 5;
    return streq(state, "cancelled") ? 130 : 1;
}

/* ── plans
 * ───────────────────────────────────────────────────────────────────────────── */

static int print_plan(const struct cmd_args *a, const json_t *plan, struct err *e)
{
    static const struct cmd_column columns[] = {{"kind", "KIND", COL_TEXT},
                                                {"name", "NAME", COL_TEXT},
                                                {"why", "WHY", COL_TEXT},
                                                {"detail", "WHAT", COL_TEXT}};
    json_t *items = json_arr(plan, "items"), *text = json_arr(plan, "text"), *line;
    size_t i;
    int status = json_array_size(items) > 0 || !a->platform->file ? 0 : 3;
    if (a->is_json) {
        int rc = cmd_print_json(plan, e);
        return rc < 0 ? rc : status;
    }
    if (!streq(a->output, "text")) {
        int rc = status ? 0 : cmd_print_rows(a, items, columns, 4, e);
        return rc < 0 ? rc : status;
    }
    json_array_foreach (text, i, line)
        printf("%s\n", json_string_value(line));
    return status;
}

/* ── following a run of the platform
 * ─────────────────────────────────────────────────── */

static bool is_log_json(const struct cmd_args *a)
{
    return streq(opt_text(a, "log-format", "default"), "json") && !a->is_json;
}

struct follow {
    const struct cmd_args *a;
    struct map shown; /* tasks told */
    char runs_feed[8], tasks_feed[48];
    int64_t run;
    json_t *tasks, *row; /* latest */
};

static bool is_over(const char *state)
{
    return !streq(state, "waiting") && !streq(state, "running") &&
           !streq(state, "queued");
}

static void follow_tasks(struct follow *f, json_t *tasks)
{
    json_t *t;
    size_t i;
    json_decref(f->tasks);
    f->tasks = json_incref(tasks);
    json_array_foreach (tasks, i, t) {
        const char *id = json_str(t, "id", "");
        if (!is_over(json_str(t, "state", "waiting")) || map_has(&f->shown, id))
            continue;
        map_put(&f->shown, id, t);
        if (f->a->is_quiet && !is_log_json(f->a))
            continue;
        struct buf line, clean;
        if (is_log_json(f->a)) {
            buf_init(&line, 1u << 20);
            report_task_json(t, f->shown.live, json_array_size(tasks), &line);
            fwrite(buf_str(&line), 1, line.len, stdout);
            buf_release(&line);
            continue;
        }
        buf_init(&line, 65536);
        buf_init(&clean, 262144);
        report_task(t, f->shown.live, json_array_size(tasks), &line);
        report_lines(buf_str(&line), &clean);
        fwrite(buf_str(&clean), 1, clean.len, stderr);
        buf_release(&line);
        buf_release(&clean);
    }
}

static void follow_runs(struct follow *f, json_t *runs)
{
    json_t *r;
    size_t i;
    json_array_foreach (runs, i, r) {
        if (json_i64(r, "id", 0) != f->run)
            continue;
        json_decref(f->row);
        f->row = json_incref(r);
    }
}

static int follow_run(struct client_conn *c, struct follow *f, struct err *e)
{
    snprintf(f->tasks_feed, sizeof f->tasks_feed, "tasks:%lld", (long long)f->run);
    int rc = client_follow(c, (const char *[]){"runs", f->tasks_feed, NULL}, e);
    while (rc >= 0) {
        json_t *msg = NULL;
        rc = client_next(c, -1, &msg, e);
        if (rc <= 0)
            continue;
        json_t *data = json_object_get(msg, "data");
        const char *feed = json_str(msg, "feed", "");
        if (streq(feed, "runs"))
            follow_runs(f, data);
        else if (streq(feed, f->tasks_feed))
            follow_tasks(f, data);
        json_decref(msg);
        if (f->row && is_over(json_str(f->row, "state", "queued")))
            break;
    }
    if (rc < 0)
        return rc;
    /* The tasks' last push may still be on its way. */
    json_t *args = json_object(), *tasks = NULL;
    json_put_i64(args, "run", f->run);
    rc = client_ask(c, "tasks", args, &tasks, e);
    if (rc == 0)
        follow_tasks(f, tasks);
    json_decref(tasks);
    return rc;
}

/* ── results
 * ─────────────────────────────────────────────────────────────────────────── */

static void print_tally(const json_t *row, json_t *tasks)
{
    json_t *tally = json_object(), *t, *n;
    const char *state;
    size_t i;
    json_array_foreach (tasks, i, t) {
        const char *s = json_str(t, "state", "?");
        json_put_i64(tally, s, json_i64(tally, s, 0) + 1);
    }
    printf("run %lld %s:", (long long)json_i64(row, "id", 0),
           json_str(row, "state", "?"));
    json_object_foreach (tally, state, n)
        printf(" %lld %s", (long long)json_integer_value(n), state);
    int64_t ms = json_i64(row, "ended_ms", 0) - json_i64(row, "started_ms", 0);
    printf("%s in %.1f s\n", json_array_size(tasks) ? "" : " nothing to do",
           (double)(ms > 0 ? ms : 0) / 1000);
    const char *message = json_str(row, "message", NULL);
    if (message) {
        struct buf clean;
        buf_init(&clean, 65536);
        report_lines(message, &clean);
        fwrite(buf_str(&clean), 1, clean.len, stdout);
        buf_release(&clean);
    }
    json_decref(tally);
}

/* --quiet keeps quiet of what went well only. */
static void print_failures(const json_t *row, json_t *tasks)
{
    struct buf b;
    json_t *t;
    size_t i, n = json_array_size(tasks);
    buf_init(&b, 16u << 20);
    json_array_foreach (tasks, i, t) {
        const char *state = json_str(t, "state", "");
        struct buf line;
        buf_init(&line, 1u << 20);
        if (streq(state, "error") || streq(state, "fail") || streq(state, "blocked")) {
            report_task(t, i + 1, n, &line);
            report_lines(buf_str(&line), &b);
        }
        buf_release(&line);
    }
    if (!b.len && json_str(row, "message", NULL))
        report_lines(json_str(row, "message", ""), &b);
    fwrite(buf_str(&b), 1, b.len, stderr);
    buf_release(&b);
}

/* The last line of a structured log. */
static void print_end_json(const json_t *row, json_t *tasks, int status)
{
    json_t *data = json_object(), *stats = json_object(), *t;
    struct buf b;
    size_t i;
    json_array_foreach (tasks, i, t) {
        const char *s = json_str(t, "state", "?");
        json_put_i64(stats, s, json_i64(stats, s, 0) + 1);
    }
    json_put_i64(stats, "total", (int64_t)json_array_size(tasks));
    json_put(data, "stats", stats);
    json_put_flag(data, "success", status == 0);
    buf_init(&b, 1u << 20);
    report_note_json("StatsLine", status ? "error" : "info",
                     json_str(row, "message", json_str(row, "state", "")), data, &b);
    fwrite(buf_str(&b), 1, b.len, stdout);
    buf_release(&b);
}

static int print_result(const struct cmd_args *a, json_t *row, json_t *tasks,
                        struct err *e)
{
    int status = runner_status(a->platform, json_str(row, "state", "failed"),
                               (int64_t)json_array_size(tasks));
    int rc = 0;
    /* a project or a selection that cannot be read: as dbt, not a node's failure */
    if (status == 1 && str_starts(json_str(row, "message", ""), "no plan: "))
        status = err_exit_status(ERR_USAGE);
    if (a->is_json) {
        json_t *o = json_object();
        json_put(o, "run", json_incref(row));
        json_put(o, "tasks", json_incref(tasks));
        rc = cmd_print_json(o, e);
        json_decref(o);
    } else if (is_log_json(a)) {
        print_end_json(row, tasks, status);
    } else if (!a->is_quiet) {
        print_tally(row, tasks);
    } else if (status == 1 || status == 2) {
        print_failures(row, tasks);
    }
    return rc < 0 ? rc : status;
}

static int run_there(const struct cmd_args *a, struct client_conn *c, json_t *args,
                     struct err *e)
{
    bool is_rerun = json_object_get(args, "scope") != NULL;
    json_t *data = NULL;
    if (opt_flag(a, "plan")) {
        int rc = client_ask(c, is_rerun ? "rerun.plan" : "run.plan", args, &data, e);
        rc = rc < 0 ? rc : print_plan(a, data, e);
        json_decref(data);
        return rc;
    }
    struct follow f = {.a = a};
    int rc = client_ask(c, is_rerun ? "rerun" : "run", args, &data, e);
    if (rc < 0)
        return rc;
    f.run = json_i64(data, "run", 0);
    json_decref(data);
    map_init(&f.shown);
    rc = follow_run(c, &f, e);
    if (rc == 0)
        rc = print_result(a, f.row, f.tasks, e);
    map_release(&f.shown);
    json_decref(f.tasks);
    json_decref(f.row);
    return rc;
}

/* What the run that just ended here left in the state. */
static int print_stored(const struct cmd_args *a, json_t *row, struct err *e)
{
    char path[PATH_MAX];
    struct state *s = NULL;
    json_t *tasks = NULL;
    int rc = state_open(&s, conf_state_path(a->platform, "state.db", path, sizeof path),
                        true, e);
    if (rc == 0)
        rc = state_tasks(s, json_i64(row, "id", 0), &tasks, e);
    if (rc == 0)
        rc = print_result(a, row, tasks, e);
    json_decref(tasks);
    state_close(s);
    return rc;
}

/* Whether a node may be a streaming one, by its id or bare name: its processes are then
 * needed as well. (That a model of the same name is built beside them does no harm.) */
static bool is_streaming(const struct platform *p, const char *node)
{
    const char *dot = node ? strrchr(node, '.') : NULL, *name = dot ? dot + 1 : node;
    bool is = false;
    for (size_t i = 0; name && i < p->n_sources; i++)
        is |= streq(p->sources[i].name, name);
    for (size_t i = 0; name && i < p->n_streams; i++)
        is |= streq(p->streams[i].name, name);
    for (size_t i = 0; name && i < p->n_loads; i++)
        is |= streq(p->loads[i].name, name) || streq(p->loads[i].table, name);
    for (size_t i = 0; name && i < p->n_topics; i++)
        is |= streq(p->topics[i].name, name);
    return is;
}

static int run_here(const struct cmd_args *a, json_t *args, struct err *e)
{
    json_t *request = json_object(), *summary = NULL;
    bool is_plan = opt_flag(a, "plan");
    bool is_flow = !is_plan && is_streaming(a->platform, json_str(args, "node", NULL));
    json_put_str(request, "cmd", is_plan ? "plan" : "run");
    json_put(request, "args", args);
    if (is_flow) /* finished is not idle (cmd_up.c) */
        setenv("WEIR_ONCE", "1", 1);
    struct supervise_options o = {.sql_only = !is_flow,
                                  .once = is_flow,
                                  .request = request,
                                  .is_quiet = a->is_quiet || is_plan || is_log_json(a),
                                  .log_json = is_log_json(a) && !is_plan,
                                  .exe = a->exe,
                                  .summary = &summary};
    char *target = sql_target_dir(a->platform, json_obj(args, "flags"));
    int rc = supervise_run(a->platform, &o, e);
    if (!is_plan) /* a run that was interrupted has no end of its own */
        results_recover(target, true, NULL);
    mem_free(target);
    json_t *plan = json_obj(summary, "plan"), *row = json_obj(summary, "run");
    if (rc >= 0 && plan)
        rc = print_plan(a, plan, e);
    else if (rc >= 0 && row && rc != 130)
        rc = print_stored(a, row, e);
    else if (rc > 0 && e->text[0])
        cmd_print_error(e);
    json_decref(summary);
    json_decref(request);
    return rc;
}

int runner_run(const struct cmd_args *a, json_t *args, struct err *e)
{
    struct client_conn c;
    struct err none = {0};
    int rc = client_open(&c, a->platform, &none);
    if (rc == 0)
        rc = run_there(a, &c, args, e);
    else
        rc = run_here(a, args, e);
    client_close(&c);
    return rc;
}
