/* What a bus looks like over time: topics, groups, and for each group and topic the
 * window of samples its verdict comes from. Used by the lag worker (every second) and
 * by `weir lag` and `weir topic` (one look). */
#ifndef LAG_LAG_WATCH_H
#define LAG_LAG_WATCH_H

#include <jansson.h>
#include "base/vec.h"
#include "bus/bus.h"
#include "lag/lag.h"

/* A lag under both is no reason to worry, whatever the rules say (Burrow#223). */
#define LAG_FLOOR_MESSAGES 1000
#define LAG_FLOOR_MS       10000

struct lag_topic {
    char *name;
    int32_t partitions;
    struct bus_range *ranges;
    bool is_seen; /* in the latest sample */
};

struct lag_group {
    char *group, *topic;
    int32_t partitions;
    struct bus_place {
        int64_t committed, committed_ms;
    } * places; /* latest, per partition */
    struct lag_window *windows;
    bool is_seen;
};

struct lag_watch {
    VEC(struct lag_topic *) topics;
    VEC(struct lag_group *) groups;
    int64_t at_ms; /* of the latest sample, wall clock */
};

void lag_watch_init(struct lag_watch *w);
void lag_watch_release(struct lag_watch *w);
/* Look at every topic and group once. now_ms: wall clock. */
int lag_watch_sample(struct lag_watch *w, struct bus *b, int64_t now_ms, struct err *e);
/* {"topics":[…],"groups":[…]} as the lag feed of wire/wire.h. */
json_t *lag_watch_json(const struct lag_watch *w);
/* Newest record timestamp of a topic (NULL: of all), INT64_MIN when there is none. */
int64_t lag_watch_newest(const struct lag_watch *w, const char *topic);
/* Whether some group has ever committed on the topic. */
bool lag_watch_is_read(const struct lag_watch *w, const char *topic);

#endif
