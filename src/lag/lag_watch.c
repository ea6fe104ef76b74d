/* Samples of a bus and what they say; see lag_watch.h. Topics and groups that vanish
 * are forgotten; a partition count that changed (a topic made anew) starts new windows.
 */
#include "lag/lag_watch.h"

#include <inttypes.h>
#include "base/json.h"
#include "base/str.h"

void lag_watch_init(struct lag_watch *w)
{
    *w = (struct lag_watch){0};
}

static void free_topic(struct lag_topic *t)
{
    mem_free(t->name);
    mem_free(t->ranges);
    mem_free(t);
}

static void free_group(struct lag_group *g)
{
    mem_free(g->group);
    mem_free(g->topic);
    mem_free(g->places);
    mem_free(g->windows);
    mem_free(g);
}

void lag_watch_release(struct lag_watch *w)
{
    for (size_t i = 0; i < w->topics.n; i++)
        free_topic(w->topics.v[i]);
    for (size_t i = 0; i < w->groups.n; i++)
        free_group(w->groups.v[i]);
    vec_release(&w->topics);
    vec_release(&w->groups);
}

static struct lag_topic *find_topic(const struct lag_watch *w, const char *name)
{
    for (size_t i = 0; i < w->topics.n; i++)
        if (streq(w->topics.v[i]->name, name))
            return w->topics.v[i];
    return NULL;
}

static void see_topic(void *arg, const struct bus_topic *t)
{
    struct lag_watch *w = arg;
    struct lag_topic *known = find_topic(w, t->name);
    if (!known) {
        known = mem_alloc(sizeof *known);
        known->name = mem_strdup(t->name);
        vec_push(&w->topics, known);
    }
    if (known->partitions != t->partitions) {
        known->partitions = t->partitions;
        known->ranges =
            mem_realloc(known->ranges, (size_t)t->partitions * sizeof *known->ranges);
    }
    known->is_seen = true;
}

static struct lag_group *find_group(const struct lag_watch *w, const char *group,
                                    const char *topic)
{
    for (size_t i = w->groups.n; i-- > 0;)
        if (streq(w->groups.v[i]->topic, topic) && streq(w->groups.v[i]->group, group))
            return w->groups.v[i];
    return NULL;
}

static void size_group(struct lag_group *g, int32_t partitions)
{
    if (g->partitions == partitions)
        return;
    mem_free(g->places);
    mem_free(g->windows);
    g->partitions = partitions;
    g->places = mem_alloc((size_t)partitions * sizeof *g->places);
    g->windows = mem_alloc((size_t)partitions * sizeof *g->windows);
}

/* Kafka keeps no time of a commit: it is when the offset was first seen where it is. */
static int64_t seen_commit_ms(const struct lag_watch *w, const struct lag_group *g,
                              int32_t partition, int64_t offset)
{
    const struct lag_window *window = &g->windows[partition];
    const struct lag_sample *last = window->n ? lag_at(window, window->n - 1) : NULL;
    return last && last->committed == offset ? last->committed_ms : w->at_ms;
}

static void see_group(void *arg, const char *group, const char *topic,
                      int32_t partition, const struct bus_committed *c)
{
    struct lag_watch *w = arg;
    const struct lag_topic *t = find_topic(w, topic);
    if (!t || !t->is_seen || partition >= t->partitions)
        return; /* "@source" and the like are no topics */
    struct lag_group *g = find_group(w, group, topic);
    if (!g) {
        g = mem_alloc(sizeof *g);
        g->group = mem_strdup(group);
        g->topic = mem_strdup(topic);
        vec_push(&w->groups, g);
    }
    size_group(g, t->partitions);
    if (!g->is_seen)
        for (int32_t i = 0; i < g->partitions; i++)
            g->places[i] = (struct bus_place){.committed = -1};
    g->is_seen = true;
    g->places[partition] = (struct bus_place){c->offset, c->committed_ms};
    if (c->offset >= 0 && c->committed_ms == 0)
        g->places[partition].committed_ms = seen_commit_ms(w, g, partition, c->offset);
}

static void forget_unseen(struct lag_watch *w)
{
    size_t n = 0;
    for (size_t i = 0; i < w->groups.n; i++) {
        if (w->groups.v[i]->is_seen)
            w->groups.v[n++] = w->groups.v[i];
        else
            free_group(w->groups.v[i]);
    }
    w->groups.n = n;
    n = 0;
    for (size_t i = 0; i < w->topics.n; i++) {
        if (w->topics.v[i]->is_seen)
            w->topics.v[n++] = w->topics.v[i];
        else
            free_topic(w->topics.v[i]);
    }
    w->topics.n = n;
}

static void add_samples(struct lag_watch *w, int64_t now_ms)
{
    for (size_t i = 0; i < w->groups.n; i++) {
        struct lag_group *g = w->groups.v[i];
        const struct lag_topic *t = find_topic(w, g->topic);
        for (int32_t k = 0; t && k < g->partitions; k++)
            lag_add(&g->windows[k], &(struct lag_sample){
                                        .at_ms = now_ms,
                                        .committed = g->places[k].committed,
                                        .committed_ms = g->places[k].committed_ms,
                                        .start = t->ranges[k].start,
                                        .end = t->ranges[k].end,
                                    });
    }
}

/* Groups are read before the ends: the other way round a busy group could seem to be
 * ahead of its topic. */
int lag_watch_sample(struct lag_watch *w, struct bus *b, int64_t now_ms, struct err *e)
{
    w->at_ms = now_ms;
    for (size_t i = 0; i < w->topics.n; i++)
        w->topics.v[i]->is_seen = false;
    for (size_t i = 0; i < w->groups.n; i++)
        w->groups.v[i]->is_seen = false;
    int rc = bus_topics(b, see_topic, w, e);
    if (rc == 0)
        rc = bus_groups(b, NULL, see_group, w, e);
    for (size_t i = 0; rc == 0 && i < w->topics.n; i++) {
        struct lag_topic *t = w->topics.v[i];
        if (!t->is_seen)
            continue;
        rc = bus_ranges(b, t->name, t->ranges, (size_t)t->partitions, e);
        if (rc == ERR_NOTFOUND) { /* deleted just now */
            t->is_seen = false;
            rc = 0;
        }
    }
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < w->groups.n; i++) {
        const struct lag_topic *t = find_topic(w, w->groups.v[i]->topic);
        if (!t || !t->is_seen)
            w->groups.v[i]->is_seen = false;
    }
    forget_unseen(w);
    add_samples(w, now_ms);
    return 0;
}

static json_t *topic_json(const struct lag_topic *t)
{
    json_t *o = json_object();
    int64_t records = 0, bytes = 0, newest = INT64_MIN;
    for (int32_t i = 0; i < t->partitions; i++) {
        const struct bus_range *r = &t->ranges[i];
        records += r->end - r->start;
        bytes += r->bytes;
        newest = r->max_timestamp_ms > newest ? r->max_timestamp_ms : newest;
    }
    json_put_str(o, "name", t->name);
    json_put_i64(o, "partitions", t->partitions);
    json_put_i64(o, "records", records);
    json_put_i64(o, "bytes", bytes);
    if (newest == INT64_MIN)
        json_put(o, "newest_ms", json_null());
    else
        json_put_i64(o, "newest_ms", newest);
    return o;
}

/* Sums over the partitions of a group. */
struct totals {
    enum lag_verdict verdict;
    int64_t lag, max_lag, behind_ms;
    int32_t max_partition, committed;
    double rate_in, rate_out; /* records a second over the window */
};

static int64_t read_up_to(const struct lag_sample *s)
{
    return s->committed < s->start ? s->start : s->committed;
}

static struct totals sum_up(const struct lag_group *g, int64_t now_ms)
{
    struct totals t = {.verdict = LAG_OK, .max_partition = -1};
    for (int32_t i = 0; i < g->partitions; i++) {
        const struct lag_window *w = &g->windows[i];
        if (w->n == 0)
            continue;
        const struct lag_sample *first = lag_at(w, 0), *last = lag_at(w, w->n - 1);
        int64_t lag = lag_records(last), behind = lag_behind_ms(w, now_ms);
        enum lag_verdict v = lag_judge(w, now_ms, LAG_FLOOR_MESSAGES, LAG_FLOOR_MS);
        t.verdict = v > t.verdict ? v : t.verdict;
        t.lag += lag;
        t.behind_ms = behind > t.behind_ms ? behind : t.behind_ms;
        t.committed += last->committed >= 0;
        if (lag > t.max_lag) {
            t.max_lag = lag;
            t.max_partition = i;
        }
        if (last->at_ms > first->at_ms) {
            double s = (double)(last->at_ms - first->at_ms) / 1000;
            t.rate_in += (double)(last->end - first->end) / s;
            t.rate_out += (double)(read_up_to(last) - read_up_to(first)) / s;
        }
    }
    return t;
}

static json_t *group_json(const struct lag_group *g, int64_t now_ms)
{
    struct totals t = sum_up(g, now_ms);
    json_t *o = json_object(), *strip = json_array();
    char complete[32];
    for (int32_t i = 0; i < g->partitions; i++) {
        const struct lag_window *w = &g->windows[i];
        int64_t lag = w->n ? lag_records(lag_at(w, w->n - 1)) : 0;
        json_array_append_new(strip, json_integer(lag));
    }
    snprintf(complete, sizeof complete, "%" PRId32 "/%" PRId32, t.committed,
             g->partitions);
    double gain = t.rate_out - t.rate_in;
    json_put_str(o, "group", g->group);
    json_put_str(o, "topic", g->topic);
    json_put_str(o, "verdict", lag_verdict_name(t.verdict));
    json_put_i64(o, "lag", t.lag);
    json_put_i64(o, "max_lag", t.max_lag);
    json_put_i64(o, "max_partition", t.max_partition);
    json_put_i64(o, "behind_ms", t.behind_ms);
    json_put_num(o, "rate_in", t.rate_in);
    json_put_num(o, "rate_out", t.rate_out);
    if (t.lag == 0)
        json_put_i64(o, "eta_ms", 0);
    else if (gain > 0)
        json_put_i64(o, "eta_ms", (int64_t)((double)t.lag / gain * 1000));
    else
        json_put(o, "eta_ms", json_null()); /* never, at this pace */
    json_put_i64(o, "partitions", g->partitions);
    json_put_str(o, "complete", complete);
    json_put(o, "strip", strip);
    return o;
}

json_t *lag_watch_json(const struct lag_watch *w)
{
    json_t *out = json_object(), *topics = json_array(), *groups = json_array();
    for (size_t i = 0; i < w->topics.n; i++)
        json_array_append_new(topics, topic_json(w->topics.v[i]));
    for (size_t i = 0; i < w->groups.n; i++)
        json_array_append_new(groups, group_json(w->groups.v[i], w->at_ms));
    json_put(out, "topics", topics);
    json_put(out, "groups", groups);
    return out;
}

int64_t lag_watch_newest(const struct lag_watch *w, const char *topic)
{
    int64_t newest = INT64_MIN;
    for (size_t i = 0; i < w->topics.n; i++) {
        const struct lag_topic *t = w->topics.v[i];
        for (int32_t k = 0; (!topic || streq(t->name, topic)) && k < t->partitions; k++)
            if (t->ranges[k].max_timestamp_ms > newest)
                newest = t->ranges[k].max_timestamp_ms;
    }
    return newest;
}

bool lag_watch_is_read(const struct lag_watch *w, const char *topic)
{
    for (size_t i = 0; i < w->groups.n; i++)
        if (streq(w->groups.v[i]->topic, topic))
            return true;
    return false;
}
