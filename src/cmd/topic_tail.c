/* weir topic tail: records of a topic, the newest or from a place on. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "bus/bus_platform.h"
#include "base/str.h"
#include "base/text.h"
#include "base/timeutil.h"
#include "base/vec.h"
#include "cmd/topic.h"

#define LIMIT_MAX 100000
#define BYTES_MAX ((size_t)256 << 20)

/* A record that outlives its batch. */
struct kept {
    int32_t partition;
    int64_t offset, timestamp_ms;
    size_t bytes;
    json_t *json;
};

struct tail {
    struct bus *bus;
    const char *topic, *from;
    size_t limit, bytes;
    VEC(struct kept) kept;
};

static void put_text(json_t *o, const char *key, struct str s)
{
    if (!s.p) {
        json_put(o, key, json_null());
        return;
    }
    char *text = mem_strndup(s.p, s.n);
    json_put_str(o, key, text);
    mem_free(text);
}

static void keep(struct tail *t, const struct bus_record *r)
{
    json_t *o = json_object(), *headers = json_object();
    char name[128];
    json_put_i64(o, "partition", r->partition);
    json_put_i64(o, "offset", r->offset);
    json_put_i64(o, "timestamp_ms", r->timestamp_ms);
    put_text(o, "key", r->key);
    for (size_t i = 0; i < r->n_headers; i++) {
        snprintf(name, sizeof name, "%.*s", (int)r->headers[i].name.n,
                 r->headers[i].name.p);
        put_text(headers, name, r->headers[i].value);
    }
    json_put(o, "headers", headers);
    put_text(o, "value", r->value);
    struct kept k = {r->partition, r->offset, r->timestamp_ms, r->key.n + r->value.n,
                     o};
    vec_push(&t->kept, k);
    t->bytes += k.bytes;
}

/* At most limit records of one partition, from `from` or before its end. */
static int read_partition(struct tail *t, struct bus_consumer *c, int32_t partition,
                          size_t limit, struct err *e)
{
    struct bus_range range;
    int64_t offset;
    int rc = bus_range(t->bus, t->topic, partition, &range, e);
    if (rc == 0 && t->from)
        rc = bus_place(t->bus, t->topic, partition, t->from, &offset, e);
    else
        offset = range.end - (int64_t)limit > range.start ? range.end - (int64_t)limit
                                                          : range.start;
    if (rc == 0)
        rc = bus_assign(c, t->topic, partition, offset, e);
    size_t got = 0;
    struct bus_batch batch;
    while (rc == 0 && got < limit &&
           (rc = bus_poll(c, limit - got, 0, &batch, e)) == 1) {
        for (size_t i = 0; i < batch.n; i++)
            keep(t, &batch.records[i]);
        got += batch.n;
        rc = t->bytes <= BYTES_MAX
                 ? 0
                 : err_set(
                       e, ERR_LIMIT,
                       "topic %s: more than %zu MiB of records; use a smaller --limit",
                       t->topic, BYTES_MAX >> 20);
    }
    return rc < 0 ? rc : bus_unassign(c, t->topic, partition, e);
}

static int by_time(const void *a, const void *b)
{
    const struct kept *x = a, *y = b;
    if (x->timestamp_ms != y->timestamp_ms)
        return x->timestamp_ms < y->timestamp_ms ? -1 : 1;
    if (x->partition != y->partition)
        return x->partition < y->partition ? -1 : 1;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* The newest ones, or with --from the first ones. */
static void cut(struct tail *t)
{
    if (t->kept.n == 0)
        return;
    qsort(t->kept.v, t->kept.n, sizeof *t->kept.v, by_time);
    size_t extra = t->kept.n > t->limit ? t->kept.n - t->limit : 0;
    size_t first = t->from ? t->limit : 0;
    for (size_t i = first; i < first + extra; i++) {
        t->bytes -= t->kept.v[i].bytes;
        json_decref(t->kept.v[i].json);
    }
    if (!t->from)
        memmove(t->kept.v, t->kept.v + extra, (t->kept.n - extra) * sizeof *t->kept.v);
    t->kept.n -= extra;
}

static void print_text(const struct cmd_args *a, const struct tail *t)
{
    struct buf line;
    char at[40];
    buf_init(&line, BYTES_MAX);
    for (size_t i = 0; i < t->kept.n; i++) {
        const struct kept *k = &t->kept.v[i];
        const char *key = json_str(k->json, "key", ""),
                   *value = json_str(k->json, "value", "");
        buf_reset(&line);
        buf_addf(&line, "%" PRId32 ":%" PRId64 " %s ", k->partition, k->offset,
                 cmd_format_time(a, k->timestamp_ms, at));
        text_sanitise(&line, key, strlen(key));
        buf_adds(&line, " ");
        text_sanitise(&line, value, strlen(value));
        puts(buf_str(&line));
    }
    buf_release(&line);
}

static int print(const struct cmd_args *a, struct tail *t, struct err *e)
{
    if (!a->is_json) {
        print_text(a, t);
        return 0;
    }
    json_t *rows = json_array();
    for (size_t i = 0; i < t->kept.n; i++)
        json_array_append(rows, t->kept.v[i].json);
    int rc = cmd_print_json(rows, e);
    json_decref(rows);
    return rc;
}

int topic_tail(const struct cmd_args *a, struct bus *b, const char *topic,
               struct err *e)
{
    struct tail t = {.bus = b, .topic = topic, .from = opt_text(a, "from", NULL)};
    long limit = opt_int(a, "limit", 10);
    int32_t only, n;
    if (limit < 1 || limit > LIMIT_MAX)
        return err_set(e, ERR_USAGE, "--limit %ld: expected 1 to %d", limit, LIMIT_MAX);
    t.limit = (size_t)limit;
    int rc = topic_partition(a, b, topic, &only, &n, e);
    struct bus_consumer *c = NULL;
    if (rc == 0)
        rc = bus_consumer_open(b, "weir-topic-tail", &c, e);
    if (rc < 0)
        return rc;
    for (int32_t i = 0; rc == 0 && i < n; i++) {
        if (only < 0 || only == i) {
            rc = read_partition(&t, c, i, t.limit, e);
            cut(&t);
        }
    }
    if (rc == 0)
        rc = print(a, &t, e);
    for (size_t i = 0; i < t.kept.n; i++)
        json_decref(t.kept.v[i].json);
    vec_release(&t.kept);
    bus_consumer_close(c);
    return rc;
}
