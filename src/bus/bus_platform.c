/* Settings of weir.yml → the bus and its topics. Called by every worker and by
 * commands. */
#include "bus/bus_platform.h"

#include <inttypes.h>

#include "base/timeutil.h"

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

int bus_place(struct bus *b, const char *topic, int32_t partition, const char *text,
              int64_t *offset, struct err *e)
{
    struct bus_range range;
    int64_t ms;
    int rc = bus_range(b, topic, partition, &range, e);
    if (rc < 0)
        return rc;
    if (streq(text, "begin")) {
        *offset = range.start;
        return 0;
    }
    if (streq(text, "end")) {
        *offset = range.end;
        return 0;
    }
    if (str_to_i64(str_of(text), offset)) {
        if (*offset >= range.start && *offset <= range.end)
            return 0;
        return err_set(e, ERR_USAGE,
                       "topic %s, partition %" PRId32 " has offsets %" PRId64
                       " to %" PRId64 ", not %" PRId64,
                       topic, partition, range.start, range.end, *offset);
    }
    if (time_parse_iso(str_of(text), &ms))
        return bus_offset_at(b, topic, partition, ms, offset, e);
    return err_set(e, ERR_USAGE,
                   "\"%s\": expected begin, end, an offset or a time such as "
                   "2017-06-15T06:00:00Z",
                   text);
}
