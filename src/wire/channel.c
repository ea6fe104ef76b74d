/* The worker's end of its control channel (channel.h).
 *
 * in: messages of the supervisor. out: hello, ready, heartbeats, results. Called by
 * every worker's loop. Always holds: a message that is not handled here is never lost,
 * it waits in queued until channel_poll returns it; a closed channel is an error the
 * worker ends with, so no worker outlives its supervisor. */
#include "wire/channel.h"

#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "base/timeutil.h"

#define BEAT_MS 2000

/* The spawner says so in the environment: a stray descriptor 3 is not a channel. */
static bool channel_is_inherited(void)
{
    const char *v = getenv(WIRE_CHANNEL_ENV);
    struct stat st;
    return v && streq(v, "3") && fstat(WIRE_WORKER_FD, &st) == 0 &&
           S_ISSOCK(st.st_mode);
}

int channel_open(struct channel *c, const char *kind, const char *name, struct err *e)
{
    memset(c, 0, sizeof *c);
    wire_decoder_init(&c->decoder);
    c->now_ms = -1;
    c->next_alert_id = 1;
    c->queued = json_array();
    c->fd = channel_is_inherited() ? WIRE_WORKER_FD : -1;
    if (c->fd >= 0 && fcntl(c->fd, F_SETFD, FD_CLOEXEC) < 0)
        return err_errno(e, ERR_IO, "control channel");
    json_t *hello = json_object();
    json_put_str(hello, "kind", kind);
    json_put_str(hello, "name", name);
    json_put_i64(hello, "pid", getpid());
    json_put_str(hello, "version", WEIR_VERSION);
    json_put_i64(hello, "wire", WIRE_VERSION);
    return channel_send(c, "hello", hello, e);
}

void channel_close(struct channel *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    json_decref(c->queued);
    c->queued = NULL;
    wire_decoder_release(&c->decoder);
}

int channel_ready(struct channel *c, struct err *e)
{
    return channel_send(c, "ready", json_object(), e);
}

/* Without a supervisor a person reads along: everything but heartbeats. */
static void channel_print(const json_t *msg, const char *type)
{
    if (streq(type, "beat") || streq(type, "metrics"))
        return;
    char *text = json_dumps(msg, JSON_COMPACT);
    log_info("%s", text ? text : type);
    free(text);
}

/* What the process costs, beside every heartbeat and every set of figures. */
static void channel_add_cost(json_t *msg, const char *type)
{
    json_t *to = streq(type, "beat") ? msg : json_object_get(msg, "data");
    struct rusage u;
    if ((!streq(type, "beat") && !streq(type, "metrics")) || !json_is_object(to) ||
        getrusage(RUSAGE_SELF, &u) < 0)
        return;
    json_put_i64(to, "cpu_ms",
                 (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000 +
                     (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1000);
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (f) {
        if (fscanf(f, "%*s %ld", &pages) == 1)
            json_put_i64(to, "rss_kb", pages * (sysconf(_SC_PAGESIZE) / 1024));
        fclose(f);
    }
}

int channel_send(struct channel *c, const char *type, json_t *msg, struct err *e)
{
    json_put_str(msg, "t", type);
    channel_add_cost(msg, type);
    int rc = 0;
    if (c->fd < 0)
        channel_print(msg, type);
    else
        rc = wire_send(c->fd, msg, e);
    json_decref(msg);
    c->last_beat_ms = time_mono_ms(); /* any message shows life */
    if (streq(type, "drained"))
        c->is_draining = false;
    return rc;
}

int channel_event(struct channel *c, const char *level, struct err *e, const char *fmt,
                  ...)
{
    char text[ERR_TEXT_MAX];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    json_t *msg = json_object();
    json_put_str(msg, "level", level);
    json_put_str(msg, "text", text);
    return channel_send(c, "event", msg, e);
}

int channel_beat(struct channel *c, struct err *e)
{
    if (c->fd < 0 || time_mono_ms() - c->last_beat_ms < BEAT_MS)
        return 0;
    return channel_send(c, "beat", json_object(), e);
}

/* Drain, stop and clock: true when the message was ours. *wake: the caller's loop
 * should look at its flags now. */
static bool channel_handle(struct channel *c, const json_t *msg, bool *wake)
{
    const char *t = json_str(msg, "t", "");
    if (streq(t, "drain")) {
        c->is_draining = *wake = true;
    } else if (streq(t, "stop")) {
        c->is_stopping = *wake = true;
    } else if (streq(t, "clock")) {
        c->now_ms = json_i64(msg, "now_ms", c->now_ms);
    } else if (streq(t, "ack")) {
        int64_t id = json_i64(msg, "id", 0);
        c->acked_id = id > c->acked_id ? id : c->acked_id;
    } else {
        return false;
    }
    return true;
}

/* One message off the socket within ms: 1 and *msg, 0 none or handled (see *wake). */
static int channel_read(struct channel *c, int ms, json_t **msg, bool *wake,
                        struct err *e)
{
    json_t *in = NULL;
    int rc = wire_recv(c->fd, &c->decoder, ms, &in, e);
    if (rc <= 0)
        return rc;
    if (channel_handle(c, in, wake)) {
        json_decref(in);
        return 0;
    }
    *msg = in;
    return 1;
}

/* Started by hand: nothing will come, but a loop that polls must not spin. */
static int channel_idle(int timeout_ms)
{
    if (timeout_ms > 0)
        (void)poll(NULL, 0, timeout_ms);
    return 0;
}

int channel_poll(struct channel *c, int timeout_ms, json_t **msg, struct err *e)
{
    *msg = NULL;
    if (c->fd < 0)
        return channel_idle(timeout_ms);
    if (json_array_size(c->queued) > 0) {
        *msg = json_incref(json_array_get(c->queued, 0));
        json_array_remove(c->queued, 0);
        return 1;
    }
    int64_t deadline = time_mono_ms() + timeout_ms;
    for (;;) {
        int rc = channel_beat(c, e);
        if (rc < 0)
            return rc;
        int64_t now = time_mono_ms(), left = timeout_ms < 0 ? BEAT_MS : deadline - now;
        int64_t to_beat = c->last_beat_ms + BEAT_MS - now;
        left = left > to_beat ? to_beat : left;
        bool wake = false;
        rc = channel_read(c, left > 0 ? (int)left : 0, msg, &wake, e);
        if (rc != 0 || wake || c->is_stopping)
            return rc;
        /* What is already buffered is taken even when the time is up. */
        if (timeout_ms >= 0 && time_mono_ms() >= deadline && !channel_has_input(c))
            return 0;
    }
}

int channel_alert(struct channel *c, json_t *alert, struct err *e)
{
    int64_t id = c->next_alert_id++;
    json_t *msg = json_object();
    json_put_i64(msg, "id", id);
    json_put(msg, "data", alert);
    int rc = channel_send(c, "alert", msg, e);
    if (rc < 0 || c->fd < 0)
        return rc;
    while (c->acked_id < id) {
        json_t *in = NULL;
        bool wake = false;
        rc = channel_read(c, BEAT_MS, &in, &wake, e);
        if (rc < 0)
            return rc;
        if (in)
            json_array_append_new(c->queued, in);
        rc = channel_beat(c, e);
        if (rc < 0)
            return rc;
    }
    return 0;
}

bool channel_has_input(const struct channel *c)
{
    if (c->queued && json_array_size(c->queued) > 0)
        return true;
    const struct buf *b = &c->decoder.pending;
    size_t at = c->decoder.at;
    if (b->data && at < b->len && memchr(b->data + at, '\n', b->len - at))
        return true;
    struct pollfd pf = {.fd = c->fd, .events = POLLIN};
    return c->fd >= 0 && poll(&pf, 1, 0) == 1;
}
