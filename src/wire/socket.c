/* Sockets of weir: blocking send and receive of messages, the control socket's connect
 * and listen, and who the peer is.
 *
 * in: file descriptors and paths. out: messages (wire.h). Called by the CLI, the
 * console and the workers' end of the channel; the supervisor uses listen and the
 * peer's uid. Always holds: a dead socket file is replaced, a live one never is;
 * nothing here raises SIGPIPE; paths longer than sun_path work. */
#include "wire/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/timeutil.h"

#define READ_PIECE 65536

static int send_all(int fd, const char *p, size_t n, struct err *e)
{
    while (n > 0) {
        ssize_t w = send(fd, p, n, MSG_NOSIGNAL);
        if (w < 0 && errno == EINTR)
            continue;
        if (w < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            struct pollfd pf = {.fd = fd, .events = POLLOUT};
            (void)poll(&pf, 1, -1);
            continue;
        }
        if (w < 0 && (errno == EPIPE || errno == ECONNRESET))
            return err_set(e, ERR_UNAVAILABLE, "the other end closed the connection");
        if (w < 0)
            return err_errno(e, ERR_IO, "cannot send a message");
        p += w;
        n -= (size_t)w;
    }
    return 0;
}

int wire_send(int fd, const json_t *msg, struct err *e)
{
    struct buf b;
    buf_init(&b, (size_t)WIRE_LINE_MAX * 2);
    int rc = wire_encode(msg, &b, e);
    if (rc == 0)
        rc = send_all(fd, b.data, b.len, e);
    buf_release(&b);
    return rc;
}

/* One read into the decoder: 1 something came, 0 nothing yet. */
static int read_piece(int fd, struct wire_decoder *d, struct err *e)
{
    char piece[READ_PIECE];
    ssize_t n = recv(fd, piece, sizeof piece, 0);
    if (n > 0) {
        int rc = wire_decoder_feed(d, piece, (size_t)n, e);
        return rc < 0 ? rc : 1;
    }
    if (n == 0 || errno == ECONNRESET)
        return err_set(e, ERR_UNAVAILABLE, "the other end closed the connection");
    if (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK)
        return 0;
    return err_errno(e, ERR_IO, "cannot receive a message");
}

int wire_recv(int fd, struct wire_decoder *d, int timeout_ms, json_t **out,
              struct err *e)
{
    int64_t deadline = time_mono_ms() + timeout_ms;
    *out = NULL;
    for (;;) {
        int rc = wire_decoder_next(d, out, e);
        if (rc != 0)
            return rc;
        int64_t left = timeout_ms < 0 ? -1 : deadline - time_mono_ms();
        if (timeout_ms >= 0 && left < 0)
            left = 0;
        struct pollfd pf = {.fd = fd, .events = POLLIN};
        int n = poll(&pf, 1, (int)left);
        if (n < 0 && errno != EINTR)
            return err_errno(e, ERR_IO, "cannot wait for a message");
        if (n < 0)
            return 0; /* a signal: the caller looks at its flags */
        if (n == 0)
            return 0;
        rc = read_piece(fd, d, e);
        if (rc < 0)
            return rc;
    }
}

/* Address of path; a path too long for sun_path goes through the folder's descriptor,
 * which the caller closes. */
static int socket_address(const char *path, struct sockaddr_un *sa, int *dir_fd,
                          struct err *e)
{
    memset(sa, 0, sizeof *sa);
    sa->sun_family = AF_UNIX;
    *dir_fd = -1;
    if (str_copy(sa->sun_path, sizeof sa->sun_path, path))
        return 0;
    char *copy = mem_strdup(path), *slash = strrchr(copy, '/');
    BUG_ON(!slash);
    *slash = '\0';
    *dir_fd = open(copy, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int rc = 0;
    if (*dir_fd < 0)
        rc = err_errno(e, ERR_UNAVAILABLE, "cannot open folder %s", copy);
    else if (snprintf(sa->sun_path, sizeof sa->sun_path, "/proc/self/fd/%d/%s", *dir_fd,
                      slash + 1) >= (int)sizeof sa->sun_path)
        rc = err_set(e, ERR_LIMIT, "socket name too long: %s", slash + 1);
    mem_free(copy);
    return rc;
}

static int socket_open(const char *path, struct sockaddr_un *sa, int *dir_fd, int *fd,
                       struct err *e)
{
    int rc = socket_address(path, sa, dir_fd, e);
    if (rc < 0)
        goto fail;
    *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (*fd >= 0)
        return 0;
    rc = err_errno(e, ERR_IO, "cannot create a socket");
fail:
    if (*dir_fd >= 0)
        close(*dir_fd);
    *dir_fd = -1;
    return rc;
}

static int connect_errno(int fd, const struct sockaddr_un *sa)
{
    for (;;) {
        if (connect(fd, (const struct sockaddr *)sa, sizeof *sa) == 0)
            return 0;
        if (errno != EINTR)
            return errno;
    }
}

int wire_connect(const char *path, int *fd, struct err *e)
{
    struct sockaddr_un sa;
    int dir_fd = -1;
    int rc = socket_open(path, &sa, &dir_fd, fd, e);
    if (rc < 0)
        return rc;
    int why = connect_errno(*fd, &sa);
    if (dir_fd >= 0)
        close(dir_fd);
    if (why == 0)
        return 0;
    close(*fd);
    *fd = -1;
    if (why == ENOENT || why == ECONNREFUSED || why == ENOTDIR)
        return err_set(e, ERR_UNAVAILABLE,
                       "no platform is running here (nobody answers at %s): start one "
                       "with `weir up`",
                       path);
    errno = why;
    return err_errno(e, ERR_UNAVAILABLE, "cannot connect to %s", path);
}

int wire_request(int fd, struct wire_decoder *d, const char *cmd, json_t *args,
                 json_t **data, struct err *e)
{
    json_t *msg = json_object();
    json_put_i64(msg, "id", 1);
    json_put_str(msg, "cmd", cmd);
    json_put(msg, "args", args ? args : json_object());
    int rc = wire_send(fd, msg, e);
    json_decref(msg);
    *data = NULL;
    while (rc >= 0) {
        json_t *in = NULL;
        rc = wire_recv(fd, d, -1, &in, e);
        if (rc <= 0)
            continue;
        if (json_i64(in, "id", -1) != 1) { /* a feed's push between the two */
            json_decref(in);
            continue;
        }
        if (json_flag(in, "ok", false)) {
            json_t *v = json_object_get(in, "data");
            *data = v ? json_incref(v) : json_null();
            rc = 0;
        } else {
            rc = err_set(e, err_from_name(json_str(in, "code", "FAIL")), "%s",
                         json_str(in, "error", "refused"));
        }
        json_decref(in);
        return rc;
    }
    return rc;
}

/* A socket file is there: dead ones are removed, a live one is somebody's. */
static int listen_replace(const char *path, struct err *e)
{
    int fd = -1;
    struct err ignored;
    if (wire_connect(path, &fd, &ignored) == 0) {
        close(fd);
        return err_set(e, ERR_LOCKED, "another process listens at %s", path);
    }
    struct stat st;
    if (lstat(path, &st) == 0 && !S_ISSOCK(st.st_mode))
        return err_set(e, ERR_EXISTS, "%s is in the way: it is not a socket", path);
    if (unlink(path) < 0 && errno != ENOENT)
        return err_errno(e, ERR_IO, "cannot remove the old socket %s", path);
    return 0;
}

int wire_listen(const char *path, int *fd, struct err *e)
{
    struct sockaddr_un sa;
    int dir_fd = -1;
    int rc = listen_replace(path, e);
    if (rc < 0)
        return rc;
    rc = socket_open(path, &sa, &dir_fd, fd, e);
    if (rc < 0)
        return rc;
    /* The mode set before bind is the file's from its first moment. */
    if (fchmod(*fd, 0600) < 0 || bind(*fd, (struct sockaddr *)&sa, sizeof sa) < 0 ||
        listen(*fd, 64) < 0) {
        rc = err_errno(e, ERR_UNAVAILABLE, "cannot listen at %s", path);
        close(*fd);
        *fd = -1;
    }
    if (dir_fd >= 0)
        close(dir_fd);
    return rc;
}

int wire_peer_uid(int fd, unsigned *uid, struct err *e)
{
    struct ucred cred;
    socklen_t n = sizeof cred;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &n) < 0)
        return err_errno(e, ERR_IO, "cannot tell who connects");
    *uid = cred.uid;
    return 0;
}
