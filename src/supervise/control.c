/* The control socket: who connects, and as whom.
 *
 * in: connections, bytes. out: clients with a role, their requests to request.c. Called
 * by the loop. Always holds: who a client is comes from the kernel (SO_PEERCRED);
 * without a role nobody gets in. What clients are sent is control_push.c's. */
#include "supervise/control.h"

#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

#define TICK_MS     1000
#define CLIENTS_MAX 64

/* ── who
 * ─────────────────────────────────────────────────────────────────────────────── */

static bool in_group(const struct passwd *pw, const char *group)
{
    struct group *g = getgrnam(group);
    gid_t groups[256];
    int n = sizeof groups / sizeof *groups;
    if (!g || !pw || getgrouplist(pw->pw_name, pw->pw_gid, groups, &n) < 0)
        return false;
    for (int i = 0; i < n; i++)
        if (groups[i] == g->gr_gid)
            return true;
    return false;
}

static bool in_list(const struct passwd *pw, const char *const *list)
{
    for (; list && *list; list++) {
        if (streq(*list, "*") || (pw && streq(*list, pw->pw_name)) ||
            ((*list)[0] == '@' && in_group(pw, *list + 1)))
            return true;
    }
    return false;
}

static enum client_role role_of(const struct platform *p, unsigned uid)
{
    const struct passwd *pw = getpwuid(uid);
    if (uid == 0 || uid == getuid() || in_list(pw, p->role_admin))
        return CLIENT_ADMIN;
    if (in_list(pw, p->role_operator))
        return CLIENT_OPERATOR;
    return in_list(pw, p->role_viewer) ? CLIENT_VIEWER : CLIENT_NONE;
}

enum client_role client_role(const struct client *c)
{
    return c->role;
}
const char *client_role_name(const struct client *c)
{
    static const char *const names[] = {"none", "viewer", "operator", "admin"};
    return names[c->role];
}
const char *client_who(const struct client *c)
{
    return c->who;
}
unsigned client_uid(const struct client *c)
{
    return c->uid;
}
unsigned long client_number(const struct client *c)
{
    return c->number;
}
struct sup *client_sup(const struct client *c)
{
    return c->control->sup;
}

struct client *client_by_number(struct sup *s, unsigned long number)
{
    for (size_t i = 0; s->control && i < s->control->clients.n; i++)
        if (s->control->clients.v[i]->number == number)
            return s->control->clients.v[i];
    return NULL;
}

/* ── connections
 * ─────────────────────────────────────────────────────────────────────── */

static void on_client_alloc(uv_handle_t *h, size_t size, uv_buf_t *buf)
{
    static char piece[65536];
    (void)h;
    (void)size;
    *buf = uv_buf_init(piece, sizeof piece);
}

static void on_client_bytes(uv_stream_t *h, ssize_t n, const uv_buf_t *buf)
{
    struct client *c = h->data;
    struct err e = {0};
    json_t *msg = NULL;
    if (n == 0)
        return;
    int rc = n < 0 ? -1 : wire_decoder_feed(&c->decoder, buf->base, (size_t)n, &e);
    while (rc >= 0 && !c->is_closing &&
           (rc = wire_decoder_next(&c->decoder, &msg, &e)) != 0) {
        if (rc == 1) {
            request_handle(c, msg);
            json_decref(msg);
        } else if (rc == ERR_PROTOCOL) {
            client_refuse(c, 0, "PROTOCOL", e.text);
            rc = 0;
        }
    }
    if (rc < 0)
        client_drop(c);
}

static void client_identify(struct client *c)
{
    uv_os_fd_t fd;
    if (uv_fileno((uv_handle_t *)&c->pipe, &fd) != 0 ||
        wire_peer_uid(fd, &c->uid, NULL) < 0)
        return;
    const struct passwd *pw = getpwuid(c->uid);
    if (pw)
        (void)str_copy(c->who, sizeof c->who, pw->pw_name);
    else
        snprintf(c->who, sizeof c->who, "uid %u", c->uid);
    c->role = role_of(c->control->sup->p, c->uid);
}

static void on_connection(uv_stream_t *server, int status)
{
    struct control *ctl = server->data;
    if (status < 0)
        return;
    struct client *c = mem_alloc(sizeof *c);
    c->control = ctl;
    c->number = ++ctl->next_number;
    wire_decoder_init(&c->decoder);
    uv_pipe_init(&ctl->sup->loop, &c->pipe, 0);
    c->pipe.data = c;
    vec_push(&ctl->clients, c);
    if (uv_accept(server, (uv_stream_t *)&c->pipe) != 0) {
        client_drop(c);
        return;
    }
    client_identify(c);
    if (c->role == CLIENT_NONE || ctl->clients.n > CLIENTS_MAX) {
        client_refuse(c, 0, c->role ? "LIMIT" : "DENIED",
                      c->role ? "too many clients"
                              : "you have no role on this platform");
        client_drop(c);
        return;
    }
    uv_read_start((uv_stream_t *)&c->pipe, on_client_alloc, on_client_bytes);
    if (!uv_is_active((uv_handle_t *)ctl->tick))
        uv_timer_start(ctl->tick, control_tick, TICK_MS, TICK_MS);
}

static bool has_others(const struct platform *p)
{
    return (p->role_viewer && *p->role_viewer) ||
           (p->role_operator && *p->role_operator) || (p->role_admin && *p->role_admin);
}

int control_open(struct sup *s, struct err *e)
{
    struct control *ctl = mem_alloc(sizeof *ctl);
    int fd = -1;
    ctl->sup = s;
    s->control = ctl;
    ctl->server = mem_alloc(sizeof *ctl->server);
    ctl->push = mem_alloc(sizeof *ctl->push);
    ctl->tick = mem_alloc(sizeof *ctl->tick);
    uv_pipe_init(&s->loop, ctl->server, 0);
    uv_timer_init(&s->loop, ctl->push);
    uv_timer_init(&s->loop, ctl->tick);
    ctl->server->data = ctl->push->data = ctl->tick->data = ctl;
    conf_state_path(s->p, "control.sock", ctl->path, sizeof ctl->path);
    int rc = wire_listen(ctl->path, &fd, e);
    if (rc < 0)
        return rc;
    /* Who may do what is decided by uid; others must be able to knock. */
    if (has_others(s->p))
        (void)chmod(ctl->path, 0666);
    if (uv_pipe_open(ctl->server, fd) != 0 ||
        uv_listen((uv_stream_t *)ctl->server, 64, on_connection) != 0)
        return err_set(e, ERR_UNAVAILABLE, "cannot listen at %s", ctl->path);
    return 0;
}

void control_close(struct sup *s)
{
    struct control *ctl = s->control;
    if (!ctl)
        return;
    control_push(ctl->push); /* the last state of things */
    while (ctl->clients.n > 0) {
        struct client *c = ctl->clients.v[0];
        client_drop(c);
    }
    (void)unlink(ctl->path);
    uv_close((uv_handle_t *)ctl->server, sup_free_handle);
    uv_close((uv_handle_t *)ctl->push, sup_free_handle);
    uv_close((uv_handle_t *)ctl->tick, sup_free_handle);
    vec_release(&ctl->clients);
    mem_free(ctl);
    s->control = NULL;
}
