/* Inside the bus room: what a member (bus_embedded, bus_kafka) provides to bus.c. A
 * member is one file with a descriptor row, and one row in bus.list.
 *
 * bus.c has checked the arguments before a member sees them: names, partition numbers
 * as far as they can be known without a look-up, sizes, metadata. Every struct starts
 * with the common part below, so that bus.c finds the member's functions. */
#ifndef BUS_BUS_MEMBER_H
#define BUS_BUS_MEMBER_H

#include <sys/types.h>
#include "bus/bus.h"

struct bus {
    const struct bus_ops *ops;
    pid_t pid; /* the process that opened it: vendor handles do not survive a fork */
};
struct bus_producer {
    struct bus *bus;
};
struct bus_consumer {
    struct bus *bus;
};

/* The members of one row are documented in bus.h under the public name. */
struct bus_ops {
    const char *kind;
    int (*open)(struct bus **out, const struct bus_options *o, struct err *e);
    void (*close)(struct bus *b);
    int (*topic_ensure)(struct bus *b, const struct bus_topic *t, struct err *e);
    int (*topic_delete)(struct bus *b, const char *name, struct err *e);
    int (*topics)(struct bus *b, bus_topic_fn *fn, void *arg, struct err *e);
    int (*partitions)(struct bus *b, const char *topic, struct err *e);
    int (*ranges)(struct bus *b, const char *topic, int32_t first, size_t n,
                  struct bus_range *out, struct err *e);
    int (*offset_at)(struct bus *b, const char *topic, int32_t partition, int64_t ms,
                     int64_t *offset, struct err *e);
    int (*committed)(struct bus *b, const char *group, const char *topic,
                     int32_t partition, struct bus_committed *out, struct err *e);
    int (*groups)(struct bus *b, const char *group, bus_group_fn *fn, void *arg,
                  struct err *e);
    int (*group_reset)(struct bus *b, const char *group, const char *topic,
                       int32_t partition, int64_t offset, struct err *e);
    int (*group_delete)(struct bus *b, const char *group, struct err *e);
    int (*producer_open)(struct bus *b, const char *id, struct bus_producer **out,
                         struct err *e);
    void (*producer_close)(struct bus_producer *p);
    int (*produce)(struct bus_producer *p, const char *topic,
                   const struct bus_record *r, struct err *e);
    int (*txn_offset)(struct bus_producer *p, const char *group, const char *topic,
                      int32_t partition, int64_t next_offset, const char *metadata,
                      struct err *e);
    int (*txn_commit)(struct bus_producer *p, struct err *e);
    int (*txn_abort)(struct bus_producer *p, struct err *e);
    size_t (*txn_bytes)(const struct bus_producer *p);
    int (*consumer_open)(struct bus *b, const char *group, struct bus_consumer **out,
                         struct err *e);
    void (*consumer_close)(struct bus_consumer *c);
    int (*assign)(struct bus_consumer *c, const char *topic, int32_t partition,
                  int64_t offset, struct err *e);
    int (*unassign)(struct bus_consumer *c, const char *topic, int32_t partition,
                    struct err *e);
    int (*seek)(struct bus_consumer *c, const char *topic, int32_t partition,
                int64_t offset, struct err *e);
    int64_t (*position)(const struct bus_consumer *c, const char *topic,
                        int32_t partition);
    int (*poll)(struct bus_consumer *c, size_t max, int timeout_ms,
                struct bus_batch *out, struct err *e);
    int (*commit)(struct bus_consumer *c, const char *topic, int32_t partition,
                  int64_t next_offset, const char *metadata, struct err *e);
    int (*retain)(struct bus *b, int64_t now_ms, struct err *e);
    int (*tidy)(struct bus *b, struct err *e);
};

/* Partition of a key among n by the topic's rule. A record without a key goes round
 * robin: *turn counts them. */
int32_t bus_pick_partition(enum bus_key_rule rule, struct str key, int32_t n,
                           uint32_t *turn);

/* For consumers. ERR_NOTFOUND, with the place. */
int bus_not_assigned(const char *topic, int32_t partition, struct err *e);
/* An offset as bus_assign and bus_seek take it: 1: *offset is a real one now; 0: it is
 * BUS_OFFSET_BEGIN or BUS_OFFSET_END, which the member looks up in the log. */
int bus_start_offset(struct bus *b, const char *group, const char *topic,
                     int32_t partition, int64_t *offset, struct err *e);

/* Wait before looking again: 5 ms doubling to 50 ms, never beyond deadline_ms
 * (monotonic). *wait_ms is the state, 0 at the start. false when the deadline has
 * passed. */
bool bus_wait(int *wait_ms, int64_t deadline_ms);

#endif
