/* weir lag: how far each group is behind. In: the lag worker's figures from the
 * platform that runs here, else one look at the bus (then verdicts that need a window
 * of samples are "unknown"). Out: a table. */
#include "base/json.h"
#include "bus/bus_platform.h"
#include "base/timeutil.h"
#include "lag/lag_watch.h"
#include "lag/lag_worker.h"
#include "cmd/client.h"

/* The lag worker's latest figures, NULL without a platform that is up. */
static json_t *latest(const struct platform *p)
{
    struct client_conn c;
    json_t *data = NULL;
    if (client_open(&c, p, NULL) < 0)
        return NULL;
    int rc = client_ask(&c, "lag", NULL, &data, NULL);
    client_close(&c);
    if (rc == 0 && json_arr(data, "groups"))
        return data;
    json_decref(data);
    return NULL;
}

static int look(const struct platform *p, json_t **out, struct err *e)
{
    struct bus *b;
    struct lag_watch w;
    int rc = bus_open_platform(p, true, &b, e);
    if (rc < 0)
        return rc;
    lag_watch_init(&w);
    rc = lag_watch_sample(&w, b, time_wall_ms(), e);
    if (rc == 0)
        *out = lag_watch_json(&w);
    lag_watch_release(&w);
    bus_close(b);
    return rc;
}

/* A job's bookkeeping groups ("@…") mean nothing to people; whole numbers read better;
 * no partition is behind when none has lag. */
static void tidy(json_t *groups)
{
    size_t i;
    json_t *g;
    for (i = json_array_size(groups); i-- > 0;)
        if (json_str(json_array_get(groups, i), "group", "")[0] == '@')
            json_array_remove(groups, i);
    json_array_foreach (groups, i, g) {
        json_put_i64(g, "rate_in", (int64_t)json_num(g, "rate_in", 0));
        json_put_i64(g, "rate_out", (int64_t)json_num(g, "rate_out", 0));
        if (json_i64(g, "max_partition", -1) < 0)
            json_put(g, "max_partition", json_null());
    }
}

static int run(const struct cmd_args *a, struct err *e)
{
    static const struct cmd_column columns[] = {
        {"group", "GROUP", COL_TEXT},          {"topic", "TOPIC", COL_TEXT},
        {"verdict", "VERDICT", COL_TEXT},      {"lag", "LAG", COL_NUMBER},
        {"max_lag", "MAX", COL_NUMBER},        {"max_partition", "AT", COL_NUMBER},
        {"behind_ms", "BEHIND", COL_DURATION}, {"rate_in", "IN/S", COL_NUMBER},
        {"rate_out", "OUT/S", COL_NUMBER},     {"eta_ms", "ETA", COL_DURATION},
        {"complete", "COMMITTED", COL_TEXT},
    };
    if (a->argc > 0)
        return err_set(e, ERR_USAGE, "weir lag takes no operands");
    json_t *all = latest(a->platform);
    int rc = all ? 0 : look(a->platform, &all, e);
    if (rc < 0)
        return rc;
    json_t *groups = json_arr(all, "groups");
    tidy(groups);
    rc = cmd_print_rows(a, groups, columns, sizeof columns / sizeof *columns, e);
    json_decref(all);
    return rc;
}

const struct cmd cmd_lag = {
    .name = "lag",
    .summary = "Show how far each consumer group is behind.",
    .doc =
        "One row for each group and topic: records not read yet, the partition with "
        "the "
        "most of them, for how long the oldest has been waiting, how fast records come "
        "and are read, and when the group will have caught up.\n\n"
        "The verdict follows Burrow's rules over ten samples, a second apart, and "
        "needs "
        "a platform that is up; without one it is ok or lost where that is certain, "
        "else "
        "unknown. warn: reads, but never gains. stall: commits and does not move. "
        "stop: "
        "no commits any more. rewind: went back. lost: what it had to read is gone.",
    .flags = CMD_READONLY | CMD_JSON,
    .run = run,
};
