/* The lag worker: samples, verdicts, clock, freshness, retention, the warehouse's logs.
 * In: the bus and the warehouse, read; the channel. Out: one metrics message a second.
 * Always holds: the worker never stops because a look failed with something that may
 * pass. */
#include "lag/lag_worker.h"
#include "bus/bus_platform.h"

#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "base/timeutil.h"
#include "lag/lag_freshness.h"
#include "lag/lag_watch.h"
#include "warehouse/keeper.h"

#define LOOK_MS   1000
#define RETAIN_MS 60000

struct lag_worker {
    const struct platform *p;
    struct channel *ch;
    struct bus *bus;
    struct lag_watch watch;
    struct freshness *freshness;
    struct wh_keeper *keeper;             /* NULL: the warehouse is a server */
    int64_t next_look_ms, next_retain_ms; /* monotonic */
    char last_error[ERR_TEXT_MAX];        /* told once, not every second */
};

/* Newest record timestamp, INT64_MIN without any. Only topics that streams read count:
 * a snapshot of stores is taken today, whatever year the receipts are from. */
static int64_t clock_of(const struct lag_worker *w)
{
    if (w->p->n_streams == 0)
        return lag_watch_newest(&w->watch, NULL);
    int64_t newest = INT64_MIN;
    for (size_t i = 0; i < w->p->n_streams; i++) {
        int64_t ms = lag_watch_newest(&w->watch, w->p->streams[i].from);
        newest = ms > newest ? ms : newest;
    }
    return newest;
}

/* The platform's now, INT64_MIN while it has none (data clock without records). */
static int64_t now_of(const struct lag_worker *w)
{
    if (w->p->as_of_ms >= 0)
        return w->p->as_of_ms;
    return w->p->clock == CLOCK_DATA ? clock_of(w) : time_wall_ms();
}

/* A topic that a configured job reads but has not committed on yet: its group is not
 * known to the bus, so that retention could take what it has not read. */
static bool is_waiting(const struct lag_worker *w, const char *topic)
{
    return lag_watch_newest(&w->watch, topic) != INT64_MIN &&
           !lag_watch_is_read(&w->watch, topic);
}

static bool may_retain(const struct lag_worker *w)
{
    for (size_t i = 0; i < w->p->n_streams; i++)
        if (is_waiting(w, w->p->streams[i].from))
            return false;
    for (size_t i = 0; i < w->p->n_loads; i++)
        if (is_waiting(w, w->p->loads[i].from))
            return false;
    return now_of(w) != INT64_MIN;
}

static void tell(struct lag_worker *w, const char *what, const struct err *e)
{
    if (streq(w->last_error, e->text))
        return;
    str_copy(w->last_error, sizeof w->last_error, e->text);
    log_warn("%s: %s", what, e->text);
    channel_event(w->ch, "warn", NULL, "%s: %s", what, e->text);
}

static void retain(struct lag_worker *w)
{
    struct err e = {0};
    int rc = bus_retain(w->bus, now_of(w), &e);
    if (rc < 0)
        tell(w, "retention", &e);
    else if (rc > 0)
        log_info("retention: %d batches deleted", rc);
    if (rc >= 0 && (rc = bus_tidy(w->bus, &e)) < 0)
        tell(w, "tidying the bus", &e);
}

static void keep_logs(struct lag_worker *w)
{
    struct err e = {0};
    if (w->keeper && wh_keeper_round(w->keeper, &e) < 0)
        tell(w, "warehouse", &e);
}

static int look(struct lag_worker *w, struct err *e)
{
    struct err why = {0};
    int rc = lag_watch_sample(&w->watch, w->bus, time_wall_ms(), &why);
    if (rc < 0 && !err_is_retryable(rc))
        return err_set(e, rc, "%s", why.text);
    if (rc < 0) {
        tell(w, "lag", &why);
        return 0;
    }
    w->last_error[0] = 0;
    json_t *data = lag_watch_json(&w->watch), *msg = json_object();
    int64_t newest = clock_of(w), now = now_of(w);
    json_put_i64(data, "at_ms", w->watch.at_ms);
    if (newest != INT64_MIN)
        json_put_i64(data, "clock_ms", newest);
    if (now != INT64_MIN) {
        freshness_look(w->freshness);
        json_put(data, "freshness", freshness_json(w->freshness, now));
    }
    json_put(msg, "data", data);
    return channel_send(w->ch, "metrics", msg, e);
}

static int drain(struct lag_worker *w, struct err *e)
{
    int rc = look(w, e);
    if (rc < 0)
        return rc;
    json_t *msg = json_object();
    json_put(msg, "data", json_object());
    return channel_send(w->ch, "drained", msg, e);
}

static int step(struct lag_worker *w, struct err *e)
{
    int rc = 0;
    int64_t now = time_mono_ms();
    if (now >= w->next_look_ms) {
        w->next_look_ms = now + LOOK_MS;
        rc = look(w, e);
        keep_logs(w);
    }
    if (rc == 0 && now >= w->next_retain_ms && may_retain(w)) {
        w->next_retain_ms = now + RETAIN_MS;
        retain(w);
    }
    if (rc == 0 && w->ch->is_draining)
        rc = drain(w, e);
    if (rc < 0)
        return rc;
    json_t *msg = NULL;
    int64_t wait = w->next_look_ms - time_mono_ms();
    rc = channel_poll(w->ch, wait > 0 ? (int)wait : 0, &msg, e);
    json_decref(msg); /* nothing else is meant for this worker */
    return rc < 0 ? rc : 0;
}

int lag_run(const struct platform *p, struct channel *ch, struct err *e)
{
    struct lag_worker w = {.p = p, .ch = ch};
    int rc = bus_open_platform(p, false, &w.bus, e);
    if (rc < 0)
        return rc;
    for (size_t i = 0; rc >= 0 && i < p->n_topics; i++)
        rc = bus_topic_of_platform(w.bus, p, p->topics[i].name, e);
    if (rc < 0) {
        bus_close(w.bus);
        return rc;
    }
    lag_watch_init(&w.watch);
    w.freshness = freshness_new(p, ch);
    if (p->warehouse_dir && (!p->warehouse_kind || streq(p->warehouse_kind, "sqlite")))
        w.keeper = wh_keeper_open(p->warehouse_dir);
    w.next_retain_ms = time_mono_ms() + RETAIN_MS;
    rc = channel_ready(ch, e);
    while (rc == 0 && !ch->is_stopping)
        rc = step(&w, e);
    wh_keeper_close(w.keeper);
    freshness_free(w.freshness);
    lag_watch_release(&w.watch);
    bus_close(w.bus);
    return rc;
}
