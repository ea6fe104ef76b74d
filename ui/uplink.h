/* The console's end of the control socket: never blocks, reconnects by itself, matches
 * answers to requests. Offline (tests) it records what would be sent and answers from
 * prepared data. */
#ifndef UI_UPLINK_H
#define UI_UPLINK_H

#include <stdbool.h>
#include <stdint.h>
#include "wire/wire.h"

#define UPLINK_FEEDS_MAX   16
#define UPLINK_PENDING_MAX 32
#define UPLINK_STALE_MS    5000 /* no word for this long: the data is stale */

/* Answer to a request: data (borrowed) or the error's text. */
typedef void (*uplink_answer)(void *context, const json_t *data, const char *error);

struct uplink_pending {
    int64_t id;
    uplink_answer answer;
    void *context;
};

struct uplink {
    const char *path; /* borrowed */
    bool is_offline;
    int fd; /* -1: down */
    struct wire_decoder decoder;
    struct buf out;
    size_t out_at;
    struct uplink_pending pending[UPLINK_PENDING_MAX];
    size_t n_pending;
    int64_t next_id;
    char *feeds[UPLINK_FEEDS_MAX];
    size_t n_feeds;
    int64_t retry_at_ms, backoff_ms, heard_ms, probed_ms;
    bool was_up;
    char why[512];    /* why it is down */
    json_t *sent;     /* offline: array of the requests that change something */
    json_t *prepared; /* offline: command → answer */
    void (*on_feed)(void *context, const char *name, json_t *data); /* takes data */
    void *context;
};

void uplink_init(struct uplink *u, const char *path, bool is_offline);
void uplink_release(struct uplink *u);
bool uplink_is_up(const struct uplink *u);
/* Feeds wanted from now on (names are copied). */
void uplink_want(struct uplink *u, const char *const *names, size_t n);
/* Takes args (NULL: none). answer may be NULL. false when down or too much is pending;
 * answer is not called then. */
bool uplink_send(struct uplink *u, const char *cmd, json_t *args, uplink_answer answer,
                 void *context);
/* Everything that can be done without waiting: connect when due, read, dispatch, write.
 */
void uplink_step(struct uplink *u, int64_t now_ms);
/* poll(2) events to wait for, and milliseconds until uplink_step has something to do by
 * itself (-1: nothing). */
short uplink_events(const struct uplink *u);
int64_t uplink_timeout(const struct uplink *u, int64_t now_ms);

#endif
