/* The worker's figures for the supervisor (wire.h), at most twice a second. */
#include <sys/resource.h>

#include "base/json.h"
#include "base/timeutil.h"
#include "stream/stream_worker.h"

static int64_t lag_of(const struct stream_worker *w, const struct bus_range *ranges)
{
    int64_t lag = 0;
    stream_each_share(w, i)
    {
        int64_t left = ranges[i].end - w->shares[i].partition.next_offset;
        lag += left > 0 ? left : 0;
    }
    return lag;
}

int64_t stream_shown_watermark(struct stream_worker *w)
{
    int64_t least = INT64_MAX, newest = INT64_MIN;
    stream_each_share(w, i)
    {
        const struct stream_partition *p = &w->shares[i].partition;
        int64_t wm = p->context.watermark_ms;
        if (wm == INT64_MIN)
            continue;
        newest = wm > newest ? wm : newest;
        if (!p->is_idle)
            least = wm < least ? wm : least;
    }
    int64_t now = least == INT64_MAX ? newest : least; /* all idle: the newest */
    if (now > w->shown_wm)
        w->shown_wm = now;
    return w->shown_wm;
}

static void put_times(struct stream_worker *w, json_t *o)
{
    int64_t newest = INT64_MIN, wm = stream_shown_watermark(w);
    stream_each_share(w, i)
    {
        int64_t ms = w->shares[i].partition.context.max_event_ms;
        newest = ms > newest ? ms : newest;
    }
    if (newest != INT64_MIN)
        json_put_i64(o, "newest_ms", newest);
    if (wm != INT64_MIN)
        json_put_i64(o, "watermark_ms", wm);
}

static void put_counters(json_t *o, const struct stream_counters *c)
{
    json_t *rejected = json_object();
    json_put_i64(o, "in", c->in);
    json_put_i64(o, "out", c->out);
    json_put_i64(o, "duplicates", c->duplicates);
    json_put_i64(o, "corrections", c->corrections);
    json_put_i64(o, "stale", c->stale);
    json_put_i64(o, "late", c->late);
    json_put_i64(o, "anomalies", c->anomalies);
    json_put_i64(o, "alerts", c->alerts);
    json_put_i64(o, "unknown_store", c->unknown_store);
    json_put_i64(o, "unknown_product", c->unknown_product);
    json_put_i64(o, "windows", c->windows);
    for (int r = 1; r < STREAM_N_REJECTS; r++)
        if (c->rejected[r])
            json_put_i64(rejected, stream_reject_name((enum stream_reject)r),
                         c->rejected[r]);
    json_put(o, "rejected", rejected);
}

static json_t *metrics(struct stream_worker *w, int64_t lag)
{
    struct stream_counters sum = {0};
    struct rusage usage;
    json_t *o = json_object();
    stream_each_share(w, i) stream_counters_add(&sum, &w->shares[i].partition.counters);
    put_counters(o, &sum);
    put_times(w, o);
    json_put_i64(o, "lag", lag);
    int64_t now = time_mono_ms(), ms = now - w->rate_ms;
    if (w->rate_ms && ms > 0)
        json_put_i64(o, "rate", (sum.in - w->rate_in) * 1000 / ms);
    w->rate_ms = now;
    w->rate_in = sum.in;
    if (getrusage(RUSAGE_SELF, &usage) == 0) {
        json_put_i64(o, "cpu_ms",
                     (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
                         (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000);
        json_put_i64(o, "rss_kb", usage.ru_maxrss);
    }
    return o;
}

int stream_metrics_send(struct stream_worker *w, const struct bus_range *ranges)
{
    json_t *msg = json_object();
    json_put(msg, "data", metrics(w, lag_of(w, ranges)));
    return channel_send(w->ch, "metrics", msg, w->e);
}
