/* The bus as weir.yml describes it: one place that turns settings into bus_open and
 * bus_topic_ensure. Whoever comes first makes a topic; the lag worker makes those that
 * nothing writes yet. */
#ifndef BUS_BUS_PLATFORM_H
#define BUS_BUS_PLATFORM_H

#include "bus/bus.h"
#include "conf/conf.h"

/* The caller closes *out. */
int bus_open_platform(const struct platform *p, bool is_readonly, struct bus **out,
                      struct err *e);
/* Makes the topic if it is absent, with its settings (a topic that weir.yml does not
 * know gets one partition and is kept for ever). Returns its partition count. */
int bus_topic_of_platform(struct bus *b, const struct platform *p, const char *name,
                          struct err *e);
/* A place in a partition as people name it: "begin", "end", an offset or an ISO time.
 * ERR_USAGE when it is none of these or not in the log. */
int bus_place(struct bus *b, const char *topic, int32_t partition, const char *text,
              int64_t *offset, struct err *e);

#endif
