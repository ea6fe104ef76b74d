/* One incarnation of a process (attempt.h).
 *
 * in: bytes of stdout, stderr and the channel. out: log lines, messages to proc.c.
 * Called by the loop and by proc.c. Always holds: pipes are read whatever happens; a
 * line of the channel that is no message costs itself only. */
#include "supervise/attempt.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"

#define READ_PIECE   65536
#define READ_ROUNDS  16 /* pieces of one pipe before others have their turn */
#define DRAIN_ROUNDS 1024

/* ── closing
 * ─────────────────────────────────────────────────────────────────────────── */

static void attempt_handle_closed(uv_handle_t *h)
{
    struct proc_attempt *a = h->data;
    if (--a->n_handles > 0)
        return;
    for (int i = 0; i < 2; i++)
        close(a->fds[i]);
    if (a->pidfd >= 0)
        close(a->pidfd);
    wire_decoder_release(&a->decoder);
    mem_free(a);
}

void attempt_close(struct proc_attempt *a)
{
    a->n_handles = 1 + a->has_pid_poll + 2;
    if (a->has_pid_poll)
        uv_close((uv_handle_t *)&a->pid_poll, attempt_handle_closed);
    uv_close((uv_handle_t *)&a->pipes[0], attempt_handle_closed);
    uv_close((uv_handle_t *)&a->pipes[1], attempt_handle_closed);
    uv_close((uv_handle_t *)&a->channel, attempt_handle_closed);
}

/* ── logs
 * ────────────────────────────────────────────────────────────────────────────── */

/* Read what a pipe has; false at its end. */
static bool pipe_read(struct proc_attempt *a, int i, int rounds)
{
    char piece[READ_PIECE];
    while (rounds-- > 0) {
        ssize_t n = read(a->fds[i], piece, sizeof piece);
        if (n > 0)
            logcap_feed(&a->p->log, i ? 'e' : 'o', piece, (size_t)n);
        else if (n == 0)
            return false;
        else if (errno != EINTR)
            return errno == EAGAIN;
    }
    return true;
}

static void on_pipe(uv_poll_t *h, int status, int events)
{
    struct proc_attempt *a = h->data;
    (void)events;
    int i = h == &a->pipes[1];
    int64_t before = a->p->log.next_seq;
    if (status < 0 || !pipe_read(a, i, READ_ROUNDS))
        uv_poll_stop(h);
    if (a->p->log.next_seq != before)
        a->p->ops->on_log(a->p);
}

/* ── messages
 * ────────────────────────────────────────────────────────────────────────── */

static void channel_bytes(struct proc_attempt *a, const char *bytes, size_t n)
{
    struct err e = {0};
    int rc = wire_decoder_feed(&a->decoder, bytes, n, &e);
    json_t *msg = NULL;
    while (rc >= 0 && (rc = wire_decoder_next(&a->decoder, &msg, &e)) != 0) {
        if (rc == 1) {
            proc_message(a->p, msg);
            json_decref(msg);
        } else if (rc == ERR_PROTOCOL) { /* that line only */
            proc_note(a->p, "warn", e.text);
            rc = 0;
        }
    }
    if (rc < 0 && !a->is_killed) {
        proc_note(a->p, "error", e.text);
        proc_kill(a->p);
    }
}

static void on_alloc(uv_handle_t *h, size_t size, uv_buf_t *buf)
{
    static char
        piece[READ_PIECE]; /* used before the next callback, one loop per process */
    (void)h;
    (void)size;
    *buf = uv_buf_init(piece, sizeof piece);
}

static void on_channel(uv_stream_t *h, ssize_t n, const uv_buf_t *buf)
{
    struct proc_attempt *a = h->data;
    if (n > 0)
        channel_bytes(a, buf->base, (size_t)n);
    else if (n < 0)
        uv_read_stop(h);
}

/* What has been sent but not been read yet, now. */
void attempt_drain_channel(struct proc_attempt *a)
{
    uv_os_fd_t fd;
    char piece[READ_PIECE];
    if (uv_fileno((uv_handle_t *)&a->channel, &fd) == 0)
        for (ssize_t n; (n = recv(fd, piece, sizeof piece, MSG_DONTWAIT)) > 0;)
            channel_bytes(a, piece, (size_t)n);
}

struct proc_write {
    uv_write_t req;
    struct buf bytes;
};

static void on_written(uv_write_t *req, int status)
{
    struct proc_write *w = req->data;
    (void)status; /* a dead peer is seen by its pidfd */
    buf_release(&w->bytes);
    mem_free(w);
}

void proc_send(struct proc *p, json_t *msg)
{
    struct proc_attempt *a = p->at;
    if (a && !a->is_leader_gone) {
        struct proc_write *w = mem_alloc(sizeof *w);
        struct err e = {0};
        w->req.data = w;
        buf_init(&w->bytes, (size_t)WIRE_LINE_MAX * 2);
        int rc = wire_encode(msg, &w->bytes, &e);
        uv_buf_t b = uv_buf_init(w->bytes.data, (unsigned)w->bytes.len);
        if (rc == 0 &&
            uv_write(&w->req, (uv_stream_t *)&a->channel, &b, 1, on_written) != 0)
            rc = ERR_IO;
        if (rc < 0) {
            log_warn("%s: message not sent: %s", p->name, e.text);
            buf_release(&w->bytes);
            mem_free(w);
        }
    }
    json_decref(msg);
}

void attempt_drain_pipes(struct proc_attempt *a)
{
    for (int i = 0; i < 2; i++)
        (void)pipe_read(a, i, DRAIN_ROUNDS);
    logcap_flush(&a->p->log);
}

/* ── beginning
 * ───────────────────────────────────────────────────────────────────────── */

void attempt_listen(struct proc_attempt *a, const struct spawn *s, uv_poll_cb on_pidfd)
{
    struct proc *p = a->p;
    a->pidfd = s->pidfd;
    a->fds[0] = s->out;
    a->fds[1] = s->err;
    a->has_pid_poll =
        s->pidfd >= 0 && uv_poll_init(p->loop, &a->pid_poll, s->pidfd) == 0;
    if (a->has_pid_poll) {
        a->pid_poll.data = a;
        uv_poll_start(&a->pid_poll, UV_READABLE, on_pidfd);
    }
    for (int i = 0; i < 2; i++) {
        BUG_ON(uv_poll_init(p->loop, &a->pipes[i], a->fds[i]) != 0);
        a->pipes[i].data = a;
        uv_poll_start(&a->pipes[i], UV_READABLE | UV_DISCONNECT, on_pipe);
    }
    BUG_ON(uv_pipe_init(p->loop, &a->channel, 0) != 0);
    a->channel.data = a;
    BUG_ON(uv_pipe_open(&a->channel, s->channel) != 0);
    uv_read_start((uv_stream_t *)&a->channel, on_alloc, on_channel);
}
