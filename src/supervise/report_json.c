/* Lines about tasks as dbt's structured log has them (--log-format json): one object a
 * line, {"info": {name, code, level, msg, ts …}, "data": {…, "node_info"}}. in: a
 * task's row. out: text. Called by progress.c and by the commands that follow a run. */
#include "supervise/report.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/timeutil.h"

/* dbt's event of a task that ended. */
struct event {
    const char *kind, *name, *code;
};

static const struct event *event_of(const char *kind, const char *state)
{
    static const struct event events[] = {{"run", "LogModelResult", "Q012"},
                                          {"test", "LogTestResult", "Q007"},
                                          {"unit_test", "LogTestResult", "Q007"},
                                          {"seed", "LogSeedResult", "Q016"},
                                          {"snapshot", "LogSnapshotResult", "Q015"}};
    static const struct event skipped = {"", "SkippingDetails", "Q034"};
    if (streq(state, "skipped") || streq(state, "blocked") || streq(state, "cancelled"))
        return &skipped;
    for (size_t i = 0; i < sizeof events / sizeof *events; i++)
        if (streq(events[i].kind, kind))
            return &events[i];
    return &events[0];
}

static const char *level_of(const char *state)
{
    if (streq(state, "error") || streq(state, "fail"))
        return "error";
    return streq(state, "warn") ? "warn" : "info";
}

static json_t *info(const char *name, const char *code, const char *level,
                    const char *msg)
{
    char now[40];
    json_t *i = json_object();
    json_put_str(i, "category", "");
    json_put_str(i, "code", code);
    json_put(i, "extra", json_object());
    json_put_str(i, "level", level);
    json_put_str(i, "msg", msg);
    json_put_str(i, "name", name);
    json_put_i64(i, "pid", getpid());
    json_put_str(i, "thread", "MainThread");
    json_put_str(i, "ts", time_format_iso(time_wall_ms(), true, now));
    return i;
}

static void put_line(struct buf *out, json_t *head, json_t *data)
{
    json_t *line = json_pack("{s:o, s:o}", "data", data, "info", head);
    json_dump_buf(line, 0, out, NULL);
    buf_addc(out, '\n');
    json_decref(line);
}

/* "model.shop.orders" → "model" */
static json_t *node_info(const json_t *task, const char *state)
{
    const char *id = json_str(task, "node", ""), *dot = strchr(id, '.');
    json_t *n = json_object();
    char *type = mem_strndup(id, dot ? (size_t)(dot - id) : 0);
    json_put_str(n, "unique_id", id);
    json_put_str(n, "node_name", json_str(task, "name", id));
    json_put_str(n, "resource_type", type);
    json_put_str(n, "node_status", state);
    json_put_str(n, "materialized",
                 json_str(json_obj(task, "item"), "materialized", ""));
    mem_free(type);
    return n;
}

void report_task_json(const json_t *task, size_t n, size_t total, struct buf *out)
{
    const char *state = json_str(task, "state", "?"),
               *kind = json_str(task, "kind", "");
    const struct event *event = event_of(kind, state);
    struct buf text;
    json_t *data = json_object();
    buf_init(&text, 1u << 20);
    report_task(task, n, total, &text);
    while (text.len && strchr(" \n", text.data[text.len - 1]))
        text.data[--text.len] = '\0';
    json_put(data, "node_info", node_info(task, state));
    json_put_i64(data, "index", (int64_t)n);
    json_put_i64(data, "total", (int64_t)total);
    json_put_str(data, "status", state);
    json_put_num(data, "execution_time", json_num(task, "seconds", 0));
    if (json_i64(task, "rows", -1) >= 0)
        json_put_i64(data,
                     str_ends(event->name, "TestResult") ? "num_failures" : "rows",
                     json_i64(task, "rows", 0));
    const char *message = json_str(task, "message", "");
    if (*message)
        json_put_str(data, "message", message);
    put_line(out,
             info(event->name, event->code, level_of(state),
                  buf_str(&text) + strspn(buf_str(&text), " ")),
             data);
    buf_release(&text);
}

void report_note_json(const char *name, const char *level, const char *msg,
                      json_t *data, struct buf *out)
{
    put_line(out, info(name, "", level, msg), data ? data : json_object());
}
