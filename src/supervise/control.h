/* Inside supervise/: the clients of the control socket, shared by control.c (who they
 * are) and control_push.c (what they are sent). */
#ifndef SUPERVISE_CONTROL_H
#define SUPERVISE_CONTROL_H

#include "supervise/sup.h"

struct subscription {
    enum feed feed;
    char name[128]; /* run, process; "" */
    bool is_dirty;
    int64_t seq; /* log: next line to send */
};
struct waiting {
    int64_t id;
    char until[64];
};
struct client {
    uv_pipe_t pipe;
    struct control *control;
    unsigned long number;
    unsigned uid;
    char who[64];
    enum client_role role;
    struct wire_decoder decoder;
    VEC(struct subscription) subs;
    VEC(struct waiting) waiting;
    bool is_closing;
};
struct control {
    struct sup *sup;
    uv_pipe_t *server;
    uv_timer_t *push, *tick;
    VEC(struct client *) clients;
    unsigned long next_number;
    char path[4096];
};

/* ── control_push.c */
/* Close its connection; freed when the loop has turned. */
void client_drop(struct client *c);
/* What changed, to whoever subscribed; on the timer push. */
void control_push(uv_timer_t *t);
/* On the timer tick: what moves by itself. */
void control_tick(uv_timer_t *t);

#endif
