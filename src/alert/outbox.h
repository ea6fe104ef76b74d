/* Delivery of the outbox: what is open in the state database goes to the sinks once,
 * with retries that back off. Internal to src/alert. */
#ifndef ALERT_OUTBOX_H
#define ALERT_OUTBOX_H

#include "alert/alert.h"
#include "base/map.h"

struct state;
struct outbox {
    const struct platform *p;
    struct channel *ch;
    struct state *state;
    struct map seen; /* key → struct delivery, while the alert is open */
    int64_t next_ms; /* when to look again; 0: at once */
    int64_t sent, failed, pending;
};
void outbox_init(struct outbox *o, const struct platform *p, struct channel *ch);
void outbox_release(struct outbox *o);
/* Deliver what is open and due; is_forced: failing ones too, whatever their time. */
int outbox_deliver(struct outbox *o, bool is_forced, struct err *e);
/* One alert that came by message. */
int outbox_deliver_one(struct outbox *o, const json_t *alert, bool is_forced,
                       struct err *e);

#endif
