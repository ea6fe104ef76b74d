/* weir alerts: the alert outbox, and saying that one was seen. In: the state database,
 * read-only, so that it answers whether the platform is up or not; the control socket
 * for ack. Out: a table, newest first. */
#include "base/json.h"
#include "base/str.h"
#include "cmd/client.h"
#include "state/state.h"

static bool is_seen(const json_t *alert)
{
    const char *state = json_str(alert, "state", "");
    return streq(state, "acked") || streq(state, "resolved");
}

static void drop_seen(json_t *rows)
{
    for (size_t i = json_array_size(rows); i-- > 0;)
        if (is_seen(json_array_get(rows, i)))
            json_array_remove(rows, i);
}

static int list(const struct cmd_args *a, struct err *e)
{
    static const struct cmd_column columns[] = {
        {"at_ms", "AT", COL_TIME},         {"severity", "SEVERITY", COL_TEXT},
        {"state", "STATE", COL_TEXT},      {"key", "KEY", COL_TEXT},
        {"summary", "SUMMARY", COL_LINE},  {"component", "COMPONENT", COL_TEXT},
        {"attempts", "TRIES", COL_NUMBER}, {"detail", "DETAIL", COL_LINE},
    };
    struct state *s = NULL;
    json_t *rows = NULL;
    char path[4096];
    int rc = state_open(&s, conf_state_path(a->platform, "state.db", path, sizeof path),
                        true, e);
    if (rc == 0)
        rc = state_alerts(s, opt_flag(a, "open"), &rows, e);
    if (rc == 0 && opt_flag(a, "unseen"))
        drop_seen(rows);
    if (rc == 0)
        rc = cmd_print_rows(a, rows, columns, sizeof columns / sizeof *columns, e);
    json_decref(rows);
    state_close(s);
    return rc;
}

static int ack(const struct cmd_args *a, struct err *e)
{
    struct client_conn c;
    if (a->argc < 2)
        return err_set(e, ERR_USAGE, "which alert? `weir alerts` shows their keys");
    int rc = client_open(&c, a->platform, e);
    for (int i = 1; rc == 0 && i < a->argc; i++) {
        json_t *args = json_object();
        json_put_str(args, "key", a->argv[i]);
        rc = client_ask(&c, "ack", args, NULL, e);
        if (rc == ERR_AGAIN)
            rc = err_set(e, ERR_NOTFOUND,
                         "alert %s: there is none, or it is resolved; `weir alerts` "
                         "shows their keys",
                         a->argv[i]);
    }
    client_close(&c);
    return rc;
}

static int run(const struct cmd_args *a, struct err *e)
{
    if (a->argc == 0 || (a->argc == 1 && streq(a->argv[0], "ls")))
        return list(a, e);
    if (streq(a->argv[0], "ack"))
        return ack(a, e);
    return err_set(e, ERR_USAGE, "weir alerts %.100s: expected ls or ack KEY",
                   a->argv[0]);
}

static const struct cmd_opt opts[] = {
    {"open", 0, OPT_FLAG, NULL, "Only those that are not delivered yet.", NULL},
    {"unseen", 0, OPT_FLAG, NULL, "Only those that nobody acknowledged.", NULL},
    {0},
};

const struct cmd cmd_alerts = {
    .name = "alerts",
    .summary = "Show the alerts there were, or acknowledge one.",
    .operands = "[ls | ack KEY…]",
    .doc = "States: open (not delivered yet), failing (a sink did not take it; it is "
           "tried again), sent, acked, resolved.\n\n"
           "ack says that somebody has seen them; it needs a platform that is up. An "
           "alert with the same key that is raised later comes again.",
    .flags = CMD_READONLY | CMD_JSON,
    .opts = opts,
    .run = run,
};
