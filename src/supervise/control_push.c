/* What clients of the control socket are sent: answers, feeds, the ends of waits.
 *
 * in: changes (every part of the supervisor reports them through control_changed). out:
 * messages (wire.h). Called by control.c and request.c. Always holds: a feed is made
 * once per push for all its readers, at most two a second and only when it changed; a
 * client that does not read is dropped, it never makes the supervisor wait or grow. */
#include "supervise/control.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

#define PUSH_MS        500
#define CLIENT_BACKLOG (4u * 1024 * 1024) /* bytes a client may leave unread */

static const char *const feed_names[FEED_N] = {"overview", "lag",   "processes",
                                               "runs",     "tasks", "anomalies",
                                               "alerts",   "log",   "gate"};

/* tasks:RUN log:PROCESS gate:GATE */
static bool feed_is_named(int f)
{
    return f == FEED_TASKS || f == FEED_LOG || f == FEED_GATE;
}

/* ── sending
 * ─────────────────────────────────────────────────────────────────────────── */

struct shared { /* one encoded message, sent to several clients */
    struct buf bytes;
    int refs;
};
struct client_write {
    uv_write_t req;
    struct shared *shared;
};

static void shared_release(struct shared *m)
{
    if (--m->refs > 0)
        return;
    buf_release(&m->bytes);
    mem_free(m);
}

static struct shared *shared_new(json_t *msg)
{
    struct shared *m = mem_alloc(sizeof *m);
    struct err e = {0};
    m->refs = 1;
    buf_init(&m->bytes, (size_t)WIRE_LINE_MAX * 2);
    if (wire_encode(msg, &m->bytes, &e) < 0) {
        buf_reset(&m->bytes);
        buf_addf(&m->bytes,
                 "{\"feed\":\"closed\",\"data\":{\"reason\":\"a message was too "
                 "long\"}}\n");
    }
    json_decref(msg);
    return m;
}

static void on_client_closed(uv_handle_t *h)
{
    struct client *c = h->data;
    wire_decoder_release(&c->decoder);
    vec_release(&c->subs);
    vec_release(&c->waiting);
    mem_free(c);
}

void client_drop(struct client *c)
{
    struct control *ctl = c->control;
    if (c->is_closing)
        return;
    c->is_closing = true;
    for (size_t i = 0; i < ctl->clients.n; i++)
        if (ctl->clients.v[i] == c)
            ctl->clients.v[i--] = ctl->clients.v[--ctl->clients.n];
    if (ctl->clients.n == 0)
        uv_timer_stop(ctl->tick);
    uv_close((uv_handle_t *)&c->pipe, on_client_closed);
}

static void on_client_written(uv_write_t *req, int status)
{
    struct client_write *w = req->data;
    struct client *c = req->handle->data;
    shared_release(w->shared);
    mem_free(w);
    if (status < 0 && status != UV_ECANCELED)
        client_drop(c);
}

/* The last word to one that does not read: as much of it as fits. */
static void client_too_slow(struct client *c)
{
    static char text[] =
        "\n{\"feed\":\"closed\",\"data\":{\"reason\":\"you did not read what "
        "was sent\"}}\n";
    uv_buf_t b = uv_buf_init(text, sizeof text - 1);
    (void)uv_try_write((uv_stream_t *)&c->pipe, &b, 1);
    sup_event(c->control->sup, "warn", "control",
              "a client did not read what it was sent and was dropped");
    client_drop(c);
}

static void client_send(struct client *c, struct shared *m)
{
    if (c->is_closing)
        return;
    if (uv_stream_get_write_queue_size((uv_stream_t *)&c->pipe) > CLIENT_BACKLOG) {
        client_too_slow(c);
        return;
    }
    struct client_write *w = mem_alloc(sizeof *w);
    w->shared = m;
    w->req.data = w;
    m->refs++;
    uv_buf_t b = uv_buf_init(m->bytes.data, (unsigned)m->bytes.len);
    if (uv_write(&w->req, (uv_stream_t *)&c->pipe, &b, 1, on_client_written) != 0) {
        shared_release(m);
        mem_free(w);
        client_drop(c);
    }
}

static void client_send_json(struct client *c, json_t *msg)
{
    struct shared *m = shared_new(msg);
    client_send(c, m);
    shared_release(m);
}

void client_answer(struct client *c, int64_t id, json_t *data)
{
    json_t *msg = json_object();
    json_put_i64(msg, "id", id);
    json_put_flag(msg, "ok", true);
    json_put(msg, "data", data ? data : json_null());
    client_send_json(c, msg);
}

void client_refuse(struct client *c, int64_t id, const char *code, const char *text)
{
    json_t *msg = json_object();
    json_put_i64(msg, "id", id);
    json_put_flag(msg, "ok", false);
    json_put_str(msg, "code", code);
    json_put_str(msg, "error", text);
    client_send_json(c, msg);
}

/* ── feeds
 * ───────────────────────────────────────────────────────────────────────────── */

static json_t *feed_message(const struct subscription *sub, json_t *data)
{
    char name[160];
    bool has_name = feed_is_named((int)sub->feed);
    snprintf(name, sizeof name, "%s%s%s", feed_names[sub->feed], has_name ? ":" : "",
             has_name ? sub->name : "");
    json_t *msg = json_object();
    json_put_str(msg, "feed", name);
    json_put(msg, "data", data);
    return msg;
}

static void push_one(struct client *c, struct subscription *sub)
{
    json_t *data = feed_json(c->control->sup, sub->feed, sub->name, sub->seq);
    if (sub->feed == FEED_LOG) {
        size_t n = json_array_size(json_arr(data, "lines"));
        sub->seq = json_i64(data, "seq", 1) + (int64_t)n;
    }
    sub->is_dirty = false;
    client_send_json(c, feed_message(sub, data));
}

static bool is_same_feed(const struct subscription *a, const struct subscription *b)
{
    return a->feed == b->feed && streq(a->name, b->name);
}

/* One encoding for all who read the same feed; logs differ by what each has seen. */
static void push_shared(struct control *ctl, const struct subscription *which)
{
    struct subscription key = *which;
    struct shared *m =
        shared_new(feed_message(&key, feed_json(ctl->sup, key.feed, key.name, 0)));
    for (size_t i = ctl->clients.n; i-- > 0;) {
        struct client *c = ctl->clients.v[i];
        for (size_t k = 0; k < c->subs.n; k++) {
            if (!c->subs.v[k].is_dirty || !is_same_feed(&c->subs.v[k], &key))
                continue;
            c->subs.v[k].is_dirty = false;
            client_send(c, m);
            break;
        }
    }
    shared_release(m);
}

static struct subscription *next_dirty(struct control *ctl, struct client **owner)
{
    for (size_t i = 0; i < ctl->clients.n; i++)
        for (size_t k = 0; k < ctl->clients.v[i]->subs.n; k++)
            if (ctl->clients.v[i]->subs.v[k].is_dirty) {
                *owner = ctl->clients.v[i];
                return &(*owner)->subs.v[k];
            }
    return NULL;
}

void control_push(uv_timer_t *t)
{
    struct control *ctl = t->data;
    struct client *c = NULL;
    for (struct subscription *sub; (sub = next_dirty(ctl, &c));) {
        if (sub->feed == FEED_LOG)
            push_one(c, sub);
        else
            push_shared(ctl, sub);
    }
    control_waiters(ctl->sup);
}

void control_changed(struct sup *s, enum feed f, const char *name)
{
    struct control *ctl = s->control;
    bool any = false;
    for (size_t i = 0; ctl && i < ctl->clients.n; i++) {
        struct client *c = ctl->clients.v[i];
        for (size_t k = 0; k < c->subs.n; k++) {
            struct subscription *sub = &c->subs.v[k];
            if (sub->feed == f && (!name || streq(name, sub->name)))
                any = sub->is_dirty = true;
        }
        any |= c->waiting.n > 0;
    }
    if (any && !uv_is_active((uv_handle_t *)ctl->push))
        uv_timer_start(ctl->push, control_push, PUSH_MS, 0);
}

/* Ages and durations move by themselves: once a second while somebody looks. */
void control_tick(uv_timer_t *t)
{
    struct control *ctl = t->data;
    control_changed(ctl->sup, FEED_OVERVIEW, NULL);
    control_changed(ctl->sup, FEED_PROCESSES, NULL);
    control_waiters(ctl->sup);
}

int client_subscribe(struct client *c, const char *feed, bool is_on)
{
    struct subscription sub = {.is_dirty = false};
    const char *colon = strchr(feed, ':');
    size_t n = colon ? (size_t)(colon - feed) : strlen(feed);
    int f = 0;
    while (f < FEED_N &&
           !(strlen(feed_names[f]) == n && strncmp(feed_names[f], feed, n) == 0))
        f++;
    if (f == FEED_N || feed_is_named(f) != (colon && colon[1]))
        return ERR_USAGE;
    sub.feed = (enum feed)f;
    if (colon && !str_copy(sub.name, sizeof sub.name, colon + 1))
        return ERR_USAGE;
    for (size_t i = 0; i < c->subs.n; i++)
        if (is_same_feed(&c->subs.v[i], &sub)) {
            c->subs.v[i] = c->subs.v[--c->subs.n];
            break;
        }
    if (is_on) {
        vec_push(&c->subs, sub);
        push_one(c, &c->subs.v[c->subs.n - 1]);
    }
    return 0;
}

/* ── waiting
 * ─────────────────────────────────────────────────────────────────────────── */

void client_wait(struct client *c, int64_t id, const char *until)
{
    struct waiting w = {.id = id};
    (void)str_copy(w.until, sizeof w.until, until);
    vec_push(&c->waiting, w);
    control_waiters(c->control->sup);
}

void control_waiters(struct sup *s)
{
    struct control *ctl = s->control;
    for (size_t i = ctl ? ctl->clients.n : 0; i-- > 0;) {
        struct client *c = ctl->clients.v[i];
        for (size_t k = c->waiting.n; k-- > 0 && !c->is_closing;) {
            struct waiting w = c->waiting.v[k];
            int rc = feed_condition(s, w.until);
            if (rc == 0)
                continue;
            c->waiting.v[k] = c->waiting.v[--c->waiting.n];
            json_t *data = json_object();
            json_put_flag(data, "met", rc == 1);
            client_answer(c, w.id, data);
        }
    }
}
