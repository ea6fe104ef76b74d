/* The worker's end of its control channel. Blocking, single-threaded; every worker main
 * calls channel_poll in its loop, which also sends the heartbeat. Without a supervisor
 * (started by hand: no fd 3) messages go to stderr and polls see nothing. */
#ifndef WIRE_CHANNEL_H
#define WIRE_CHANNEL_H

#include "wire/wire.h"

struct channel {
    int fd; /* -1: none */
    struct wire_decoder decoder;
    int64_t last_beat_ms;
    /* Set by channel_poll on drain / stop; is_draining is cleared by sending "drained".
     */
    bool is_draining, is_stopping;
    int64_t now_ms; /* data clock from the supervisor, -1 unknown */
    int64_t next_alert_id, acked_id;
    json_t *queued; /* messages that came while channel_alert waited */
};

int channel_open(struct channel *c, const char *kind, const char *name, struct err *e);
void channel_close(struct channel *c);
int channel_ready(struct channel *c, struct err *e);
/* Takes msg (adds "t"). */
int channel_send(struct channel *c, const char *type, json_t *msg, struct err *e);
int channel_event(struct channel *c, const char *level, struct err *e, const char *fmt,
                  ...) __attribute__((format(printf, 4, 5)));
/* Waits up to timeout_ms for one message that is not handled here (drain, stop, clock,
 * ack are): 1 and *msg, 0 none, ERR_UNAVAILABLE when the supervisor is gone. Returns 0
 * at once when a drain or a stop comes, and never waits while is_stopping. timeout_ms <
 * 0: no timeout. */
int channel_poll(struct channel *c, int timeout_ms, json_t **msg, struct err *e);
/* The heartbeat alone, when it is due: for callbacks inside long work. Cheap. */
int channel_beat(struct channel *c, struct err *e);
/* Whether channel_poll would find something now. */
bool channel_has_input(const struct channel *c);
/* Send an alert (takes it) and wait until the supervisor has stored it (at least once
 * by key). */
int channel_alert(struct channel *c, json_t *alert, struct err *e);

#endif
