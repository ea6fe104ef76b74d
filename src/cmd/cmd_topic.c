/* weir topic: what lies on the bus, and where its readers start. In: the bus, opened to
 * read (reset: to write). Out: tables. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "bus/bus_platform.h"
#include "base/str.h"
#include "base/timeutil.h"
#include "base/vec.h"
#include "lag/lag_watch.h"
#include "lag/lag_worker.h"
#include "cmd/topic.h"

int topic_partition(const struct cmd_args *a, struct bus *b, const char *topic,
                    int32_t *partition, int32_t *n, struct err *e)
{
    int rc = bus_partitions(b, topic, e);
    if (rc < 0)
        return rc;
    long p = opt_int(a, "partition", -1);
    *n = rc;
    if (p >= rc || p < -1)
        return err_set(e, ERR_USAGE, "topic %s has partitions 0 to %d, not %ld", topic,
                       rc - 1, p);
    *partition = (int32_t)p;
    return 0;
}

static void put_time(json_t *o, const char *key, int64_t ms)
{
    if (ms == INT64_MIN)
        json_put(o, key, json_null());
    else
        json_put_i64(o, key, ms);
}

/* ── ls ── */

struct listing {
    struct bus *bus;
    json_t *rows;
    int rc;
    struct err *e;
};

static void add_topic(void *arg, const struct bus_topic *t)
{
    struct listing *l = arg;
    size_t n = (size_t)t->partitions;
    struct bus_range *r = mem_alloc(n * sizeof *r);
    int64_t records = 0, bytes = 0, newest = INT64_MIN;
    if (l->rc == 0)
        l->rc = bus_ranges(l->bus, t->name, r, n, l->e);
    for (size_t i = 0; l->rc == 0 && i < n; i++) {
        records += r[i].end - r[i].start;
        bytes += r[i].bytes;
        newest = r[i].max_timestamp_ms > newest ? r[i].max_timestamp_ms : newest;
    }
    mem_free(r);
    json_t *o = json_object();
    json_put_str(o, "name", t->name);
    json_put_i64(o, "partitions", t->partitions);
    json_put_i64(o, "records", records);
    json_put_i64(o, "bytes", bytes);
    put_time(o, "newest_ms", newest);
    put_time(o, "retention_ms", t->retention_ms < 0 ? INT64_MIN : t->retention_ms);
    put_time(o, "retention_bytes",
             t->retention_bytes < 0 ? INT64_MIN : t->retention_bytes);
    json_put_str(o, "key", t->key_rule == BUS_KEY_STORE ? "store" : "hash");
    json_array_append_new(l->rows, o);
}

static int list(const struct cmd_args *a, struct bus *b, struct err *e)
{
    static const struct cmd_column columns[] = {
        {"name", "TOPIC", COL_TEXT},        {"partitions", "PARTITIONS", COL_NUMBER},
        {"records", "RECORDS", COL_NUMBER}, {"bytes", "STORED", COL_BYTES},
        {"newest_ms", "NEWEST", COL_TIME},  {"retention_ms", "KEEPS", COL_DURATION},
        {"retention_bytes", "", COL_BYTES}, {"key", "KEY", COL_TEXT},
    };
    struct listing l = {.bus = b, .rows = json_array(), .e = e};
    int rc = bus_topics(b, add_topic, &l, e);
    if (rc == 0)
        rc = l.rc;
    if (rc == 0)
        rc = cmd_print_rows(a, l.rows, columns, sizeof columns / sizeof *columns, e);
    json_decref(l.rows);
    return rc;
}

/* ── show ── */

static int show(const struct cmd_args *a, struct bus *b, const char *topic,
                struct err *e)
{
    static const struct cmd_column columns[] = {
        {"partition", "PARTITION", COL_NUMBER},
        {"start", "START", COL_NUMBER},
        {"end", "END", COL_NUMBER},
        {"records", "RECORDS", COL_NUMBER},
        {"bytes", "STORED", COL_BYTES},
        {"newest_ms", "NEWEST", COL_TIME},
    };
    int32_t only, n;
    int rc = topic_partition(a, b, topic, &only, &n, e);
    if (rc < 0)
        return rc;
    struct bus_range *r = mem_alloc((size_t)n * sizeof *r);
    json_t *rows = json_array();
    rc = bus_ranges(b, topic, r, (size_t)n, e);
    for (int32_t i = 0; rc == 0 && i < n; i++) {
        if (only >= 0 && i != only)
            continue;
        json_t *o = json_object();
        json_put_i64(o, "partition", i);
        json_put_i64(o, "start", r[i].start);
        json_put_i64(o, "end", r[i].end);
        json_put_i64(o, "records", r[i].end - r[i].start);
        json_put_i64(o, "bytes", r[i].bytes);
        put_time(o, "newest_ms", r[i].max_timestamp_ms);
        json_array_append_new(rows, o);
    }
    if (rc == 0)
        rc = cmd_print_rows(a, rows, columns, sizeof columns / sizeof *columns, e);
    json_decref(rows);
    mem_free(r);
    return rc;
}

/* ── The command ── */

static int usage(const char *verb, struct err *e)
{
    static const char *const verbs[] = {"ls", "show", "tail", "reset", "forget"};
    const char *near = str_nearest(verb, verbs, 5);
    if (near && streq(near, verb))
        return err_set(e, ERR_USAGE, "weir topic %s: %s", verb,
                       streq(verb, "ls")       ? "expected no more words"
                       : streq(verb, "reset")  ? "expected GROUP TOPIC"
                       : streq(verb, "forget") ? "expected GROUP"
                                               : "expected the name of one topic");
    return err_set(e, ERR_USAGE,
                   "weir topic: expected ls, show, tail, reset or forget%s%s%s",
                   near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

static int run(const struct cmd_args *a, struct err *e)
{
    const char *verb = a->argc ? a->argv[0] : "ls";
    static const struct {
        const char *verb;
        int argc;
    } shapes[] = {{"ls", 1}, {"show", 2}, {"tail", 2}, {"reset", 3}, {"forget", 2}};
    enum { N_VERBS = sizeof shapes / sizeof *shapes };
    size_t i = 0;
    while (i < N_VERBS && !streq(shapes[i].verb, verb))
        i++;
    if (i == N_VERBS || (a->argc && a->argc != shapes[i].argc))
        return usage(verb, e);
    struct bus *b;
    bool writes = i >= 3 && !opt_flag(a, "plan");
    int rc = bus_open_platform(a->platform, !writes, &b, e);
    if (rc < 0)
        return rc;
    if (i == 0)
        rc = list(a, b, e);
    else if (i == 1)
        rc = show(a, b, a->argv[1], e);
    else if (i == 2)
        rc = topic_tail(a, b, a->argv[1], e);
    else if (i == 3)
        rc = topic_reset(a, b, a->argv[1], a->argv[2], e);
    else
        rc = topic_forget(a, b, a->argv[1], e);
    bus_close(b);
    return rc;
}

static const struct cmd_opt opts[] = {
    {"partition", 'p', OPT_INT, "N", "One partition only.", NULL},
    {"from", 0, OPT_TEXT, "PLACE",
     "tail: read on from begin, an offset or a time; default: the newest records.",
     NULL},
    {"limit", 'n', OPT_INT, "N", "tail: at most this many records (10).", NULL},
    {"to", 0, OPT_TEXT, "PLACE", "reset: begin, end, an offset or a time.", NULL},
    {"plan", 0, OPT_FLAG, NULL,
     "reset, forget: show what would change, change nothing.", NULL},
    {0},
};

const struct cmd cmd_topic = {
    .name = "topic",
    .summary = "Look at topics and records; move a group's position.",
    .operands = "[ls | show NAME | tail NAME | reset GROUP TOPIC | forget GROUP]",
    .doc =
        "ls lists the topics of the bus: partitions, records kept, bytes stored, "
        "newest "
        "record and retention. show lists the partitions of one.\n\n"
        "tail prints records, by default the newest ones over all partitions; with "
        "--from, from that place on.\n\n"
        "reset sets where a group reads next; --to says where, --plan only shows "
        "it. The "
        "group's processes must be stopped: a running one would put back its own "
        "position. What a stream job wrote before is not taken back by a reset: it "
        "writes again.\n\n"
        "forget removes a group that is gone for good. Retention never deletes what a "
        "known group has not read, so that the positions of a load or job that was "
        "renamed or taken out of weir.yml would keep their records for ever.",
    .flags = CMD_MUTATES | CMD_PLANS | CMD_JSON,
    .opts = opts,
    .run = run,
};
