/* Settings of weir.yml → the bus and its topics. Called by every worker and by
 * commands. */
#include "bus/bus_platform.h"

int bus_open_platform(const struct platform *p, bool is_readonly, struct bus **out,
                      struct err *e)
{
    struct bus_options o = {
        .kind = p->bus_kind,
        .path = p->bus_path,
        .servers = p->kafka_servers,
        .properties = p->kafka_properties,
        .is_readonly = is_readonly,
        .is_relaxed = p->bus_relaxed,
    };
    return bus_open(out, &o, e);
}

int bus_topic_of_platform(struct bus *b, const struct platform *p, const char *name,
                          struct err *e)
{
    const struct conf_topic *c = conf_topic(p, name);
    struct bus_topic t = {name, 1, -1, -1, BUS_KEY_HASH};
    if (c)
        t = (struct bus_topic){name, c->partitions, c->retention_ms, c->retention_bytes,
                               c->key && streq(c->key, "store") ? BUS_KEY_STORE
                                                                : BUS_KEY_HASH};
    else if (bus_partitions(b, name, NULL) > 0)
        return bus_partitions(b, name, e);
    int rc = bus_topic_ensure(b, &t, e);
    return rc < 0 ? rc : t.partitions;
}
