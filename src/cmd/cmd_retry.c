/* weir retry: exactly what did not succeed in the last run, by the same command with
 * the same flags (runner.h). In: run_results.json of the target folder or of --state,
 * made from its journal when the run was killed. */
#include <limits.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cmd/client.h"
#include "cmd/cmd.h"
#include "cmd/dbt_flags.h"
#include "cmd/runner.h"

static bool is_unsuccessful(const char *status)
{
    static const char *const statuses[] = {"error", "fail", "skipped", "runtime error",
                                           "partial success"};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        if (streq(status, statuses[i]))
            return true;
    return false;
}

/* [{"node", "state"}…], as the planner takes them. */
static json_t *unsuccessful(const json_t *results)
{
    json_t *tasks = json_array(), *one;
    size_t i;
    json_array_foreach (results, i, one) {
        const char *id = json_str(one, "unique_id", ""),
                   *status = json_str(one, "status", "");
        bool is_node = !str_starts(id, "operation.") && !str_starts(id, "exposure.");
        if (is_node && is_unsuccessful(status))
            json_array_append_new(
                tasks,
                json_pack("{s:s, s:s}", "node", id, "state",
                          streq(status, "fail") || streq(status, "skipped") ? status
                                                                            : "error"));
    }
    return tasks;
}

/* The last run's flags; of this command line only what dbt lets it change. */
static json_t *flags_again(const struct cmd_args *a, const json_t *then,
                           const json_t *now)
{
    static const char *const here[] = {"project_dir", "profiles_dir", "target_path",
                                       "log_path",    "quiet",        "log_format",
                                       "log_level",   "use_colors"};
    json_t *flags = then ? json_deep_copy(then) : json_object();
    for (size_t i = 0; i < sizeof here / sizeof *here; i++) {
        json_t *v = json_object_get(now, here[i]);
        json_object_del(flags, here[i]);
        if (v)
            json_object_set(flags, here[i], v);
    }
    if (opt_text(a, "vars", NULL))
        json_object_set(flags, "vars", json_object_get(now, "vars"));
    if (opt_text(a, "threads", NULL))
        json_object_set(flags, "threads", json_object_get(now, "threads"));
    if (opt_text(a, "target", NULL))
        json_object_set(flags, "target", json_object_get(now, "target"));
    if (opt_flag(a, "full-refresh"))
        json_put_flag(flags, "full_refresh", true);
    return flags;
}

/* {"model.x": {"successful", "failed"}}: of a microbatch model only what failed. */
static json_t *batches_of(const json_t *results)
{
    json_t *out = json_object(), *one;
    size_t i;
    json_array_foreach (results, i, one) {
        json_t *batches = json_object_get(one, "batch_results");
        if (json_is_object(batches) && is_unsuccessful(json_str(one, "status", "")))
            json_object_set(out, json_str(one, "unique_id", ""), batches);
    }
    return out;
}

static json_t *request_of(const struct cmd_args *a, const json_t *last,
                          const json_t *now)
{
    json_t *args = json_object();
    json_t *flags = flags_again(a, json_obj(last, "args"), now);
    const char *which = json_str(flags, "which", "build");
    json_put_str(args, "command", which);
    json_put_str(args, "scope", "failed");
    json_put_flag(args, "exact", true);
    json_put(args, "last_tasks", unsuccessful(json_arr(last, "results")));
    if (json_object_size(json_obj(flags, "vars")))
        json_put(args, "vars", json_incref(json_obj(flags, "vars")));
    if (json_flag(flags, "full_refresh", false))
        json_put_flag(args, "full_refresh", true);
    if (json_flag(flags, "fail_fast", false))
        json_put_flag(args, "fail_fast", true);
    json_t *batches = batches_of(json_arr(last, "results"));
    if (json_object_size(batches))
        json_object_set(flags, "batches", batches);
    json_decref(batches);
    json_put(args, "flags", flags);
    return args;
}

static int read_last(const struct cmd_args *a, const json_t *now, json_t **last,
                     struct err *e)
{
    char *target = sql_target_dir(a->platform, now);
    const char *dir = opt_text(a, "state", target);
    char *path = mem_printf("%s/run_results.json", dir);
    int rc = results_recover(dir, false, e);
    if (rc == 0)
        rc = json_load_path(path, last, e);
    if (rc < 0 && rc != ERR_LOCKED)
        rc = err_set(e, ERR_USAGE,
                     "%s: there are no results of an earlier run to take up: %s", dir,
                     e->text);
    mem_free(path);
    mem_free(target);
    return rc;
}

/* A platform that runs here knows its last run itself, one going on included. */
static bool has_platform(const struct cmd_args *a)
{
    struct client_conn c;
    struct err none = {0};
    bool is_up = client_open(&c, a->platform, &none) == 0;
    client_close(&c);
    return is_up;
}

static int run(const struct cmd_args *a, struct err *e)
{
    json_t *now = dbt_flags(a, e), *last = NULL, *args = NULL;
    int rc = now ? 0 : ERR_USAGE;
    if (rc == 0 && has_platform(a) && !opt_text(a, "state", NULL)) {
        args = json_pack("{s:s, s:s, s:O}", "command", "build", "scope", "failed",
                         "flags", now);
    } else if (rc == 0 && (rc = read_last(a, now, &last, e)) == 0) {
        args = request_of(a, last, now);
    }
    json_decref(last);
    json_decref(now);
    return rc < 0 ? rc : runner_run(a, args, e);
}

static const struct cmd_opt opts[] = {
    {"full-refresh", 'f', OPT_FLAG, NULL, "Rebuild incremental models from nothing.",
     "DBT_FULL_REFRESH"},
    {"plan", 0, OPT_FLAG, NULL, "Show what would run, and why, and run nothing.", NULL},
    {0},
};

const struct cmd cmd_retry = {
    .name = "retry",
    .summary = "Run what did not succeed in the last run.",
    .doc =
        "Exactly what failed or was skipped, and nothing else, by the command that ran "
        "last and with its flags; --vars, --threads, --target and --full-refresh may "
        "be "
        "given anew. What that was is in run_results.json of the target folder, or of "
        "--state; a run that was killed has left a journal there, and is taken up "
        "where "
        "it was. Where a platform runs, its last run is meant.\n\n"
        "Exit status as `weir build`; nothing to run again is 3, or 0 in a folder that "
        "is only dbt's.",
    .flags = CMD_MUTATES | CMD_PLANS | CMD_JSON | CMD_DBT,
    .opts = opts,
    .run = run,
};
