/* weir status: what the platform that runs here is doing. */
#include "base/json.h"
#include "base/str.h"
#include "base/timeutil.h"
#include "cmd/client.h"

static const struct cmd_column stage_columns[] = {
    {"name", "STAGE", COL_TEXT},    {"state", "STATE", COL_TEXT},
    {"in", "IN", COL_NUMBER},       {"out", "OUT", COL_NUMBER},
    {"rate", "PER S", COL_NUMBER},  {"lag", "LAG", COL_NUMBER},
    {"detail", "DETAIL", COL_TEXT},
};
static const struct cmd_column process_columns[] = {
    {"name", "PROCESS", COL_TEXT},    {"state", "STATE", COL_TEXT},
    {"pid", "PID", COL_NUMBER},       {"restarts", "RESTARTS", COL_NUMBER},
    {"up_ms", "UP", COL_DURATION},    {"rss_bytes", "MEMORY", COL_BYTES},
    {"cpu_pct", "CPU %", COL_NUMBER}, {"detail", "DETAIL", COL_TEXT},
};
static const struct cmd_column fresh_columns[] = {
    {"relation", "RELATION", COL_TEXT},
    {"newest_ms", "NEWEST", COL_TIME},
    {"age_ms", "AGE", COL_DURATION},
    {"verdict", "VERDICT", COL_TEXT},
};

/* Whole numbers read better here; a state's detail that is empty is no column's
 * business. */
static void tidy(json_t *rows)
{
    json_t *r;
    size_t i;
    json_array_foreach (rows, i, r) {
        if (json_object_get(r, "rate"))
            json_put_i64(r, "rate", (int64_t)json_num(r, "rate", 0));
        if (json_object_get(r, "cpu_pct"))
            json_put_i64(r, "cpu_pct", (int64_t)(json_num(r, "cpu_pct", 0) + 0.5));
        if (json_object_get(r, "rss_kb"))
            json_put_i64(r, "rss_bytes", json_i64(r, "rss_kb", 0) * 1024);
        if (json_i64(r, "newest_ms", 0) < 0)
            json_object_set_new(r, "newest_ms", json_null());
        if (json_i64(r, "age_ms", 0) < 0)
            json_object_set_new(r, "age_ms", json_null());
    }
}

static void print_head(const struct cmd_args *a, const json_t *o)
{
    char up[32], now[40];
    const json_t *counts = json_obj(o, "counts");
    int64_t wall = json_i64(o, "wall_ms", 0);
    printf("%s (%s): %s, up %s, %s clock %s\n", json_str(o, "platform", "?"),
           json_str(o, "environment", "?"), json_str(o, "state", "?"),
           time_format_duration(wall - json_i64(o, "started_ms", wall), up),
           json_str(o, "clock", "?"),
           cmd_format_time(a, json_i64(o, "now_ms", 0), now));
    printf(
        "records in %lld, rejected %lld, not loaded %lld, late %lld, anomalies %lld, "
        "masked %lld\nalerts nobody acknowledged %lld\n\n",
        (long long)json_i64(counts, "records_in", 0),
        (long long)json_i64(counts, "rejected", 0),
        (long long)json_i64(counts, "not_loaded", 0),
        (long long)json_i64(counts, "late", 0),
        (long long)json_i64(counts, "anomalies", 0),
        (long long)json_i64(counts, "masked", 0),
        (long long)json_i64(counts, "alerts_open", 0));
}

static int print_text(const struct cmd_args *a, const json_t *o, json_t *processes,
                      struct err *e)
{
    json_t *stages = json_arr(o, "stages"), *fresh = json_arr(o, "freshness");
    bool is_text = streq(a->output, "text");
    tidy(stages);
    tidy(processes);
    tidy(fresh);
    if (!is_text)
        return cmd_print_rows(a, processes, process_columns, 8, e);
    print_head(a, o);
    int rc = cmd_print_rows(a, stages, stage_columns, 7, e);
    putchar('\n');
    if (rc == 0)
        rc = cmd_print_rows(a, processes, process_columns, 8, e);
    if (rc == 0 && json_array_size(fresh) > 0) {
        putchar('\n');
        rc = cmd_print_rows(a, fresh, fresh_columns, 4, e);
    }
    return rc;
}

static int run(const struct cmd_args *a, struct err *e)
{
    struct client_conn c;
    json_t *overview = NULL, *processes = NULL;
    int rc = client_open(&c, a->platform, e);
    if (rc == 0)
        rc = client_ask(&c, "status", NULL, &overview, e);
    if (rc == 0)
        rc = client_ask(&c, "processes", NULL, &processes, e);
    if (rc == 0 && a->is_json) {
        json_put(overview, "processes", json_incref(processes));
        rc = cmd_print_json(overview, e);
    } else if (rc == 0) {
        rc = print_text(a, overview, processes, e);
    }
    json_decref(overview);
    json_decref(processes);
    client_close(&c);
    return rc;
}

const struct cmd cmd_status = {
    .name = "status",
    .summary = "What the platform that runs here is doing.",
    .operands = "",
    .doc =
        "Stages with their counts, rates and lags, processes, freshness. -o json: the "
        "console's overview with processes. Exit 4 when no platform runs here.",
    .flags = CMD_READONLY | CMD_JSON,
    .run = run,
};
