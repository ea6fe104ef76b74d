/* The metadata committed with a partition's offset: watermark, idle flag and counters
 * as one JSON object. In and out: struct stream_partition. Because it is in the same
 * transaction as the outputs, the counts a person sees are exact across crashes.
 *
 *   {"v":1,"wm":…,"idle":0,"in":…,"out":…,"dup":…,"corr":…,"stale":…,"late":…,"anom":…,
 *    "alert":…,"unk_store":…,"unk_prod":…,"win":…,"rej":{"wrong_type":3}} */
#include <stdio.h>

#include "base/jscan.h"
#include "stream/stream_partition.h"

struct counter {
    const char *name;
    size_t at;
};
#define AT(name, field)                                                                \
    {                                                                                  \
        name, offsetof(struct stream_counters, field)                                  \
    }
static const struct counter counters[] = {
    AT("in", in),
    AT("out", out),
    AT("dup", duplicates),
    AT("corr", corrections),
    AT("stale", stale),
    AT("late", late),
    AT("anom", anomalies),
    AT("alert", alerts),
    AT("unk_store", unknown_store),
    AT("unk_prod", unknown_product),
    AT("win", windows),
};
#define N_COUNTERS (sizeof counters / sizeof *counters)

void stream_counters_add(struct stream_counters *sum, const struct stream_counters *c)
{
    for (size_t i = 0; i < N_COUNTERS; i++) {
        int64_t a, b;
        memcpy(&a, (const char *)sum + counters[i].at, sizeof a);
        memcpy(&b, (const char *)c + counters[i].at, sizeof b);
        a += b;
        memcpy((char *)sum + counters[i].at, &a, sizeof a);
    }
    for (int r = 0; r < STREAM_N_REJECTS; r++)
        sum->rejected[r] += c->rejected[r];
}

void stream_partition_metadata(const struct stream_partition *p, char *out)
{
    struct buf b;
    buf_init(&b, BUS_METADATA_MAX);
    buf_adds(&b, "{\"v\":1,\"wm\":");
    if (p->context.watermark_ms == INT64_MIN)
        buf_adds(&b, "null");
    else
        buf_add_i64(&b, p->context.watermark_ms);
    buf_addf(&b, ",\"idle\":%d", p->is_idle);
    for (size_t i = 0; i < N_COUNTERS; i++) {
        int64_t v;
        memcpy(&v, (const char *)&p->counters + counters[i].at, sizeof v);
        buf_addf(&b, ",\"%s\":%lld", counters[i].name, (long long)v);
    }
    buf_adds(&b, ",\"rej\":{");
    const char *before = "";
    for (int r = 1; r < STREAM_N_REJECTS; r++) {
        if (!p->counters.rejected[r])
            continue;
        buf_addf(&b, "%s\"%s\":%lld", before, stream_reject_name((enum stream_reject)r),
                 (long long)p->counters.rejected[r]);
        before = ",";
    }
    buf_adds(&b, "}}");
    BUG_ON(b.failed);
    memcpy(out, b.data, b.len + 1);
    buf_release(&b);
}

static bool member(const struct jscan *s, size_t object, const char *name, int64_t *out)
{
    size_t i = jscan_get(s, object, name, strlen(name));
    return i && s->tok[i].type == JSCAN_NUMBER && str_to_i64(jscan_raw(s, i), out);
}

static void take(struct stream_partition *p, const struct jscan *s)
{
    int64_t v;
    if (member(s, 0, "wm", &v) && v > p->context.watermark_ms)
        p->context.watermark_ms = v;
    if (member(s, 0, "idle", &v))
        p->is_idle = v != 0;
    for (size_t i = 0; i < N_COUNTERS; i++)
        if (member(s, 0, counters[i].name, &v))
            memcpy((char *)&p->counters + counters[i].at, &v, sizeof v);
    size_t rejects = jscan_get(s, 0, "rej", 3);
    for (int r = 1; rejects && r < STREAM_N_REJECTS; r++)
        p->counters.rejected[r] =
            member(s, rejects, stream_reject_name((enum stream_reject)r), &v) ? v : 0;
}

void stream_partition_recovered(struct stream_partition *p, const char *metadata)
{
    const struct stream_pipeline *line = p->pipeline;
    struct jscan s;
    jscan_init(&s);
    if (metadata && *metadata && jscan_parse(&s, metadata, strlen(metadata), NULL) == 0)
        take(p, &s);
    jscan_release(&s);
    for (size_t i = 0; i < line->n_steps; i++)
        if (line->steps[i]->on_recovered)
            line->steps[i]->on_recovered(p->states[i], &p->context);
}
