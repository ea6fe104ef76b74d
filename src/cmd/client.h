/* The command line's end of the control socket. */
#ifndef CMD_CLIENT_H
#define CMD_CLIENT_H

#include <jansson.h>
#include "cmd/cmd.h"
#include "wire/wire.h"

struct client_conn {
    int fd; /* -1: none */
    struct wire_decoder decoder;
};
/* ERR_UNAVAILABLE with advice when no platform runs here. */
int client_open(struct client_conn *c, const struct platform *p, struct err *e);
void client_close(struct client_conn *c);
/* Takes args. *data is a new reference; data may be NULL. */
int client_ask(struct client_conn *c, const char *cmd, json_t *args, json_t **data,
               struct err *e);
/* Subscribe to NULL-terminated feeds; pushes then come by client_next. */
int client_follow(struct client_conn *c, const char *const *feeds, struct err *e);
/* 1 and *msg (a push), 0 timeout, negative. */
int client_next(struct client_conn *c, int timeout_ms, json_t **msg, struct err *e);

#endif
