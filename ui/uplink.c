/* The control socket, non-blocking. In: bytes of the supervisor; out: feeds and answers
 * by callback. Called by app.c's loop. Holds always: no call waits; a request is
 * answered exactly once, by the supervisor or with the reason why it could not be;
 * after a reconnect the wanted feeds are subscribed again. */
#include "ui/uplink.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/json.h"
#include "base/mem.h"

#define BACKOFF_FIRST_MS 250
#define BACKOFF_MAX_MS   5000
#define PROBE_MS         3000 /* a quiet supervisor is asked for a sign of life */
#define OUT_MAX          (1u << 20)
#define READ_CHUNK       65536

void uplink_init(struct uplink *u, const char *path, bool is_offline)
{
    *u = (struct uplink){.path = path,
                         .is_offline = is_offline,
                         .fd = -1,
                         .next_id = 1,
                         .backoff_ms = BACKOFF_FIRST_MS,
                         .probed_ms = -1};
    wire_decoder_init(&u->decoder);
    buf_init(&u->out, OUT_MAX);
    if (is_offline) {
        u->sent = json_array();
        u->prepared = json_object();
    }
}

static void fail_pending(struct uplink *u, const char *why)
{
    struct uplink_pending all[UPLINK_PENDING_MAX];
    size_t n = u->n_pending;

    memcpy(all, u->pending, n * sizeof *all);
    u->n_pending = 0;
    for (size_t i = 0; i < n; i++)
        if (all[i].answer)
            all[i].answer(all[i].context, NULL, why);
}

static void disconnect(struct uplink *u, int64_t now_ms, const char *why)
{
    if (u->fd >= 0)
        close(u->fd);
    u->fd = -1;
    wire_decoder_release(&u->decoder);
    wire_decoder_init(&u->decoder);
    buf_reset(&u->out);
    u->out_at = 0;
    snprintf(u->why, sizeof u->why, "%s", why);
    u->retry_at_ms = now_ms + u->backoff_ms;
    u->backoff_ms =
        u->backoff_ms * 2 > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : u->backoff_ms * 2;
    fail_pending(u, "the connection to the supervisor is lost; nothing was confirmed");
}

void uplink_release(struct uplink *u)
{
    disconnect(u, 0, "");
    for (size_t i = 0; i < u->n_feeds; i++)
        mem_free(u->feeds[i]);
    wire_decoder_release(&u->decoder);
    buf_release(&u->out);
    json_decref(u->sent);
    json_decref(u->prepared);
}

bool uplink_is_up(const struct uplink *u)
{
    return u->fd >= 0 || u->is_offline;
}

static json_t *names_array(char *const *names, size_t n)
{
    json_t *a = json_array();

    for (size_t i = 0; i < n; i++)
        json_array_append_new(a, json_string(names[i]));
    return a;
}

static void subscribe(struct uplink *u, const char *cmd, json_t *names)
{
    json_t *args = json_object();

    json_put(args, "feeds", names);
    if (json_array_size(names))
        uplink_send(u, cmd, args, NULL, NULL);
    else
        json_decref(args);
}

static bool has_name(char *const *names, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (streq(names[i], name))
            return true;
    return false;
}

void uplink_want(struct uplink *u, const char *const *names, size_t n)
{
    char *next[UPLINK_FEEDS_MAX];
    size_t n_next = 0;
    json_t *added = json_array(), *removed = json_array();

    for (size_t i = 0; i < n && n_next < UPLINK_FEEDS_MAX; i++) {
        if (has_name(next, n_next, names[i]))
            continue;
        next[n_next++] = mem_strdup(names[i]);
        if (!has_name(u->feeds, u->n_feeds, names[i]))
            json_array_append_new(added, json_string(names[i]));
    }
    for (size_t i = 0; i < u->n_feeds; i++) {
        if (!has_name(next, n_next, u->feeds[i]))
            json_array_append_new(removed, json_string(u->feeds[i]));
        mem_free(u->feeds[i]);
    }
    memcpy(u->feeds, next, n_next * sizeof *next);
    u->n_feeds = n_next;
    if (!uplink_is_up(u)) { /* connecting subscribes to all */
        json_decref(added);
        json_decref(removed);
        return;
    }
    subscribe(u, "unsubscribe", removed);
    subscribe(u, "subscribe", added);
}

/* Requests that only look; everything else is recorded offline. */
static bool only_looks(const char *cmd)
{
    static const char *const looks[] = {
        "status", "subscribe", "unsubscribe", "log",    "rerun.plan", "run.plan",
        "whoami", "runs",      "tasks",       "alerts", "anomalies"};
    for (size_t i = 0; i < sizeof looks / sizeof *looks; i++)
        if (streq(cmd, looks[i]))
            return true;
    return false;
}

static bool send_offline(struct uplink *u, json_t *msg, uplink_answer answer,
                         void *context)
{
    const char *cmd = json_str(msg, "cmd", "");
    json_t *data = json_object_get(u->prepared, cmd);

    if (!only_looks(cmd)) {
        json_t *record = json_deep_copy(msg);
        json_object_del(record, "id");
        json_array_append_new(u->sent, record);
    }
    if (answer && json_is_string(data))
        answer(context, NULL, json_string_value(data));
    else if (answer && (data || !only_looks(cmd)))
        answer(context, data, NULL);
    else if (answer && u->n_pending < UPLINK_PENDING_MAX) /* never comes */
        u->pending[u->n_pending++] =
            (struct uplink_pending){json_i64(msg, "id", 0), answer, context};
    json_decref(msg);
    return true;
}

bool uplink_send(struct uplink *u, const char *cmd, json_t *args, uplink_answer answer,
                 void *context)
{
    json_t *msg = json_object();
    struct err e;

    json_put_i64(msg, "id", u->next_id);
    json_put_str(msg, "cmd", cmd);
    json_put(msg, "args", args ? args : json_object());
    if (u->is_offline)
        return send_offline(u, msg, answer, context);
    bool can = u->fd >= 0 && u->n_pending < UPLINK_PENDING_MAX &&
               wire_encode(msg, &u->out, &e) == 0;
    json_decref(msg);
    if (!can)
        return false;
    u->pending[u->n_pending++] = (struct uplink_pending){u->next_id++, answer, context};
    return true;
}

static void connect_now(struct uplink *u, int64_t now_ms)
{
    struct err e = {0};
    int fd;

    if (wire_connect(u->path, &fd, &e) < 0) {
        disconnect(u, now_ms, e.text);
        return;
    }
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    u->fd = fd;
    u->was_up = true;
    u->why[0] = '\0';
    u->heard_ms = u->probed_ms = now_ms;
    subscribe(u, "subscribe", names_array(u->feeds, u->n_feeds));
}

static void take_answer(struct uplink *u, const json_t *msg)
{
    int64_t id = json_i64(msg, "id", -1);

    for (size_t i = 0; i < u->n_pending; i++) {
        struct uplink_pending p = u->pending[i];
        if (p.id != id)
            continue;
        u->pending[i] = u->pending[--u->n_pending];
        if (!p.answer)
            return;
        if (json_flag(msg, "ok", false))
            p.answer(p.context, json_object_get(msg, "data"), NULL);
        else
            p.answer(p.context, NULL,
                     json_str(msg, "error", "refused without a reason"));
        return;
    }
}

static void dispatch(struct uplink *u, const json_t *msg)
{
    const char *feed = json_str(msg, "feed", NULL);
    json_t *data = json_object_get(msg, "data");

    if (feed && data)
        u->on_feed(u->context, feed, json_incref(data));
    else if (!feed)
        take_answer(u, msg);
}

/* Messages that are complete; false when the peer talks nonsense. */
static bool take_messages(struct uplink *u, int64_t now_ms)
{
    struct err e = {0};
    json_t *msg;
    int rc;

    while (u->fd >= 0 && (rc = wire_decoder_next(&u->decoder, &msg, &e)) != 0) {
        if (rc < 0) {
            disconnect(u, now_ms, e.text);
            return false;
        }
        u->backoff_ms = BACKOFF_FIRST_MS;
        dispatch(u, msg);
        json_decref(msg);
    }
    return true;
}

static void read_all(struct uplink *u, int64_t now_ms)
{
    static char chunk[READ_CHUNK];
    struct err e = {0};
    ssize_t n;

    while (u->fd >= 0 && (n = read(u->fd, chunk, sizeof chunk)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n < 0 || wire_decoder_feed(&u->decoder, chunk, (size_t)n, &e) < 0) {
            disconnect(u, now_ms, n < 0 ? strerror(errno) : e.text);
            return;
        }
        u->heard_ms = now_ms;
        if (!take_messages(u, now_ms))
            return;
    }
    if (u->fd >= 0)
        disconnect(u, now_ms, "the supervisor closed the connection");
}

static void write_all(struct uplink *u, int64_t now_ms)
{
    while (u->fd >= 0 && u->out_at < u->out.len) {
        ssize_t n =
            send(u->fd, u->out.data + u->out_at, u->out.len - u->out_at, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n < 0) {
            disconnect(u, now_ms, strerror(errno));
            return;
        }
        u->out_at += (size_t)n;
    }
    buf_reset(&u->out);
    u->out_at = 0;
}

void uplink_step(struct uplink *u, int64_t now_ms)
{
    if (u->is_offline)
        return;
    if (u->fd < 0 && now_ms >= u->retry_at_ms)
        connect_now(u, now_ms);
    read_all(u, now_ms);
    if (u->fd >= 0 && now_ms - u->heard_ms >= PROBE_MS &&
        now_ms - u->probed_ms >= PROBE_MS) {
        u->probed_ms = now_ms;
        uplink_send(u, "status", NULL, NULL, NULL);
    }
    write_all(u, now_ms);
}

short uplink_events(const struct uplink *u)
{
    return (short)(POLLIN | (u->out_at < u->out.len ? POLLOUT : 0));
}

int64_t uplink_timeout(const struct uplink *u, int64_t now_ms)
{
    int64_t at = u->fd < 0 ? u->retry_at_ms
                           : (u->heard_ms > u->probed_ms ? u->heard_ms : u->probed_ms) +
                                 PROBE_MS;
    return u->is_offline ? -1 : at > now_ms ? at - now_ms : 0;
}
