/* The command line's end of the control socket (client.h). in: requests. out: answers
 * and pushes. Called by status, wait, down, logs, runs and those that run something. */
#include "cmd/client.h"

#include <limits.h>
#include <unistd.h>

#include "base/json.h"

int client_open(struct client_conn *c, const struct platform *p, struct err *e)
{
    char path[PATH_MAX];
    wire_decoder_init(&c->decoder);
    return wire_connect(conf_state_path(p, "control.sock", path, sizeof path), &c->fd,
                        e);
}

void client_close(struct client_conn *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    wire_decoder_release(&c->decoder);
}

int client_ask(struct client_conn *c, const char *cmd, json_t *args, json_t **data,
               struct err *e)
{
    json_t *got = NULL;
    int rc = wire_request(c->fd, &c->decoder, cmd, args, &got, e);
    if (data)
        *data = got;
    else
        json_decref(got);
    return rc;
}

int client_follow(struct client_conn *c, const char *const *feeds, struct err *e)
{
    json_t *msg = json_object(), *args = json_object(), *list = json_array();
    for (; *feeds; feeds++)
        json_array_append_new(list, json_string(*feeds));
    json_put(args, "feeds", list);
    json_put_i64(msg, "id", 2);
    json_put(msg, "cmd", json_string("subscribe"));
    json_put(msg, "args", args);
    int rc = wire_send(c->fd, msg, e);
    json_decref(msg);
    return rc;
}

/* The answer to the subscription comes between the pushes. */
static int check_answer(const json_t *msg, struct err *e)
{
    if (json_flag(msg, "ok", true))
        return 0;
    return err_set(e, err_from_name(json_str(msg, "code", "FAIL")), "%s",
                   json_str(msg, "error", "refused"));
}

int client_next(struct client_conn *c, int timeout_ms, json_t **msg, struct err *e)
{
    for (;;) {
        int rc = wire_recv(c->fd, &c->decoder, timeout_ms, msg, e);
        if (rc <= 0 || json_object_get(*msg, "feed"))
            return rc;
        rc = check_answer(*msg, e);
        json_decref(*msg);
        *msg = NULL;
        if (rc < 0)
            return rc;
    }
}
