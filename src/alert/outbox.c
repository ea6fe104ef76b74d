/* See outbox.h. The supervisor marks an alert sent when it reads "delivered"; until
 * then the row is still open, so what was delivered is remembered by key. */
#include "alert/outbox.h"

#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "base/timeutil.h"
#include "state/state.h"

#define LOOK_MS      2000
#define RETRY_MIN_MS 1000
#define RETRY_MAX_MS 60000

struct delivery {
    unsigned long done; /* sinks that have it */
    bool is_sent, is_open;
    int attempts;
    int64_t next_ms;
};

void outbox_init(struct outbox *o, const struct platform *p, struct channel *ch)
{
    *o = (struct outbox){.p = p, .ch = ch};
    map_init(&o->seen);
}

void outbox_release(struct outbox *o)
{
    for (struct map_entry *it = NULL; (it = map_next(&o->seen, it));)
        mem_free(it->value);
    map_release(&o->seen);
    state_close(o->state);
}

static struct delivery *delivery_of(struct outbox *o, const char *key)
{
    struct delivery *d = map_get(&o->seen, key);
    if (!d) {
        d = mem_alloc(sizeof *d);
        map_put(&o->seen, key, d);
    }
    return d;
}

static int tell(struct outbox *o, const char *key, bool is_ok, const char *detail,
                struct err *e)
{
    json_t *m = json_object();
    json_put_str(m, "key", key);
    json_put_flag(m, "ok", is_ok);
    json_put_str(m, "detail", detail);
    return channel_send(o->ch, "delivered", m, e);
}

static int64_t backoff_ms(int attempts)
{
    int64_t ms = RETRY_MIN_MS << (attempts < 7 ? attempts : 7);
    return ms < RETRY_MAX_MS ? ms : RETRY_MAX_MS;
}

/* The alert without what only the outbox is about. */
static json_t *message_of(const json_t *row)
{
    json_t *m = json_copy((json_t *)(uintptr_t)row);
    json_object_del(m, "state");
    json_object_del(m, "attempts");
    json_object_del(m, "detail");
    return m;
}

int outbox_deliver_one(struct outbox *o, const json_t *alert, bool is_forced,
                       struct err *e)
{
    const char *key = json_str(alert, "key", "");
    struct delivery *d = delivery_of(o, key);
    struct err why = {0};
    d->is_open = true;
    if (d->is_sent || (!is_forced && d->next_ms > time_mono_ms()))
        return 0;
    json_t *m = message_of(alert);
    enum alert_outcome r = alert_deliver(o->p, m, &d->done, &why);
    json_decref(m);
    d->attempts++;
    if (r == ALERT_OK) {
        d->is_sent = true;
        o->sent++;
        return tell(o, key, true, o->p->n_sinks ? NULL : "no sink is configured", e);
    }
    o->failed++;
    d->next_ms =
        r == ALERT_PERMANENT ? INT64_MAX : time_mono_ms() + backoff_ms(d->attempts);
    log_warn("alert %s: %s", key, why.text);
    return tell(o, key, false, why.text, e);
}

/* Forget deliveries whose alert is no longer open. */
static void forget_closed(struct outbox *o)
{
    const char *gone[64];
    size_t n = 0;
    for (struct map_entry *it = NULL; (it = map_next(&o->seen, it));) {
        struct delivery *d = it->value;
        if (!d->is_open && n < 64)
            gone[n++] = it->key;
        d->is_open = false;
    }
    while (n--)
        mem_free(map_del(&o->seen, gone[n]));
}

static int open_alerts(struct outbox *o, json_t **rows, struct err *e)
{
    char path[4096];
    int rc = 0;
    if (!o->state)
        rc = state_open(&o->state, conf_state_path(o->p, "state.db", path, sizeof path),
                        true, e);
    return rc < 0 ? rc : state_alerts(o->state, true, rows, e);
}

int outbox_deliver(struct outbox *o, bool is_forced, struct err *e)
{
    json_t *rows = NULL;
    struct err why = {0};
    o->next_ms = time_mono_ms() + LOOK_MS;
    int rc = open_alerts(o, &rows, &why);
    if (rc == ERR_NOTFOUND || err_is_retryable(rc))
        return 0; /* no state yet, or it is busy: looked at again soon */
    if (rc < 0)
        return err_set(e, rc, "%s", why.text);
    o->pending = 0;
    for (size_t i = json_array_size(rows); rc == 0 && i-- > 0;) { /* oldest first */
        const json_t *row = json_array_get(rows, i);
        rc = outbox_deliver_one(o, row, is_forced, e);
        o->pending += !delivery_of(o, json_str(row, "key", ""))->is_sent;
    }
    forget_closed(o);
    json_decref(rows);
    return rc;
}
