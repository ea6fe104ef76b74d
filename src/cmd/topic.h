/* Inside `weir topic`: its longer verbs, each in a file of its own. */
#ifndef CMD_TOPIC_H
#define CMD_TOPIC_H

#include "bus/bus.h"
#include "cmd/cmd.h"

/* --partition, -1 when absent; an error when the topic has no such partition. */
int topic_partition(const struct cmd_args *a, struct bus *b, const char *topic,
                    int32_t *partition, int32_t *n, struct err *e);
int topic_tail(const struct cmd_args *a, struct bus *b, const char *topic,
               struct err *e);
int topic_reset(const struct cmd_args *a, struct bus *b, const char *group,
                const char *topic, struct err *e);
/* Forget a group on every topic. */
int topic_forget(const struct cmd_args *a, struct bus *b, const char *group,
                 struct err *e);

#endif
