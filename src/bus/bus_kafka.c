/* The Kafka member of the bus: the handle, topics and their ranges. In: bus.c through
 * the row at the end. Out: a cluster. See bus_kafka.h for the rules that librdkafka's
 * version imposes. Retention is the brokers' own business: topics are created with it.
 */
#include "bus/bus_kafka.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>
#include "base/log.h"

int kafka_error(struct kafka *k, rd_kafka_resp_err_t code, struct err *e,
                const char *fmt, ...)
{
    char what[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    int rc = ERR_BUS;
    if (code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
        code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ||
        code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION)
        rc = ERR_NOTFOUND;
    else if (code == RD_KAFKA_RESP_ERR__TRANSPORT ||
             code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN ||
             code == RD_KAFKA_RESP_ERR__TIMED_OUT)
        rc = ERR_UNAVAILABLE;
    else if (code == RD_KAFKA_RESP_ERR__FENCED ||
             code == RD_KAFKA_RESP_ERR_PRODUCER_FENCED ||
             code == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH)
        rc = ERR_FENCED;
    else if (code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
        rc = ERR_LIMIT;
    return err_set(
        e, rc, "kafka %s: %s: %s%s", k->servers, what, rd_kafka_err2str(code),
        rc == ERR_UNAVAILABLE ? "; is the cluster up, and the address right?" : "");
}

/* librdkafka's own lines, from its threads: one write each, to our log. */
static void log_line(const rd_kafka_t *rk, int level, const char *fac, const char *text)
{
    (void)rk;
    if (level <= 3)
        log_error("kafka: %s: %s", fac, text);
    else
        log_debug("kafka: %s: %s", fac, text);
}

static int set(rd_kafka_conf_t *conf, const char *name, const char *value,
               struct err *e)
{
    char why[256];
    if (rd_kafka_conf_set(conf, name, value, why, sizeof why) == RD_KAFKA_CONF_OK)
        return 0;
    return err_set(e, ERR_CONFIG, "bus.kafka: %s", why);
}

static int set_all(struct kafka *k, rd_kafka_conf_t *conf, const char *const *settings,
                   struct err *e)
{
    int rc = set(conf, "bootstrap.servers", k->servers, e);
    if (rc == 0)
        rc = set(conf, "client.id", "weir", e);
    for (size_t i = 0; rc == 0 && settings[i]; i += 2)
        rc = set(conf, settings[i], settings[i + 1], e);
    for (size_t i = 0; rc == 0 && i < k->properties.n; i++) {
        char *name = k->properties.v[i], *equals = strchr(name, '=');
        *equals = 0;
        rc = set(conf, name, equals + 1, e);
        *equals = '=';
    }
    return rc;
}

int kafka_handle(struct kafka *k, rd_kafka_type_t type, const char *const *settings,
                 rd_kafka_t **out, struct err *e)
{
    char why[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, log_line);
    int rc = set_all(k, conf, settings, e);
    if (rc < 0) {
        rd_kafka_conf_destroy(conf);
        return rc;
    }
    *out = rd_kafka_new(type, conf, why, sizeof why); /* takes conf when it succeeds */
    if (*out)
        return 0;
    rd_kafka_conf_destroy(conf);
    return err_set(e, ERR_CONFIG, "bus.kafka: %s", why);
}

/* ── Topics ── */

const char *kafka_name(const char *topic, char out[256])
{
    if (topic[0] != '@')
        return topic;
    snprintf(out, 256, "weir.%s", topic + 1);
    return out;
}

static struct kafka_topic *known(struct kafka *k, const char *name)
{
    for (size_t i = 0; i < k->topics.n; i++)
        if (streq(k->topics.v[i]->name, name))
            return k->topics.v[i];
    return NULL;
}

static void forget(struct kafka *k, const char *name)
{
    for (size_t i = 0; i < k->topics.n; i++) {
        struct kafka_topic *t = k->topics.v[i];
        if (!streq(t->name, name))
            continue;
        k->topics.v[i] = k->topics.v[--k->topics.n];
        mem_free(t->name);
        mem_free(t->newest);
        mem_free(t);
        return;
    }
}

static struct kafka_topic *remember(struct kafka *k, const char *name,
                                    int32_t partitions)
{
    struct kafka_topic *t = known(k, name);
    if (t && t->partitions == partitions)
        return t;
    forget(k, name);
    t = mem_alloc(sizeof *t);
    t->name = mem_strdup(name);
    t->partitions = partitions;
    t->newest = mem_alloc((size_t)partitions * sizeof *t->newest);
    for (int32_t i = 0; i < partitions; i++)
        t->newest[i] = (struct kafka_newest){-1, INT64_MIN};
    vec_push(&k->topics, t);
    return t;
}

/* All topics, never one by name: asking for one makes some brokers create it. */
static int look_up(struct kafka *k, struct err *e)
{
    const struct rd_kafka_metadata *m;
    rd_kafka_resp_err_t rc = rd_kafka_metadata(k->rk, 1, NULL, &m, KAFKA_TIMEOUT_MS);
    if (rc)
        return kafka_error(k, rc, e, "cannot list the topics");
    for (int i = 0; i < m->topic_cnt; i++)
        if (!m->topics[i].err && m->topics[i].partition_cnt > 0)
            remember(k, m->topics[i].topic, m->topics[i].partition_cnt);
    for (size_t i = k->topics.n; i-- > 0;) {
        int at = 0;
        while (at < m->topic_cnt && !streq(m->topics[at].topic, k->topics.v[i]->name))
            at++;
        if (at == m->topic_cnt)
            forget(k, k->topics.v[i]->name);
    }
    rd_kafka_metadata_destroy(m);
    return 0;
}

int kafka_topic(struct kafka *k, const char *name, struct kafka_topic **out,
                struct err *e)
{
    *out = known(k, name);
    int rc = *out ? 0 : look_up(k, e);
    if (rc < 0)
        return rc;
    if (!*out)
        *out = known(k, name);
    return *out ? 0
                : err_set(e, ERR_NOTFOUND, "kafka %s: there is no topic %s", k->servers,
                          name);
}

static int kafka_topic_ensure(struct bus *b, const struct bus_topic *t, struct err *e)
{
    struct kafka *k = (struct kafka *)b;
    struct kafka_topic *found;
    int rc = kafka_topic(k, t->name, &found, e);
    if (rc == ERR_NOTFOUND) {
        rc = kafka_create_topic(k, t, e);
        found = rc == 0 ? remember(k, t->name, t->partitions) : NULL;
    } else if (rc == 0 && found->partitions != t->partitions) {
        return err_set(
            e, ERR_CONFIG,
            "topic %s has %" PRId32 " partitions, not %" PRId32
            ": the number cannot change, because keys would move; set it back, "
            "or use a new topic",
            t->name, found->partitions, t->partitions);
    } else if (rc == 0) {
        rc = kafka_set_retention(k, t, e);
    }
    if (rc == 0)
        found->key_rule = t->key_rule;
    return rc;
}

static int kafka_topic_delete(struct bus *b, const char *name, struct err *e)
{
    struct kafka *k = (struct kafka *)b;
    struct kafka_topic *found;
    int rc = kafka_topic(k, name, &found, e);
    if (rc == 0)
        rc = kafka_delete_topic(k, name, e);
    if (rc == 0)
        forget(k, name);
    return rc;
}

static int kafka_topics(struct bus *b, bus_topic_fn *fn, void *arg, struct err *e)
{
    struct kafka *k = (struct kafka *)b;
    int rc = look_up(k, e);
    for (size_t i = 0; rc == 0 && i < k->topics.n; i++) {
        const struct kafka_topic *t = k->topics.v[i];
        struct bus_topic out = {t->name, t->partitions, -1, -1, t->key_rule};
        if (t->name[0] != '_' && strncmp(t->name, "weir.", 5) != 0)
            fn(arg, &out);
    }
    return rc;
}

static int kafka_partitions(struct bus *b, const char *topic, struct err *e)
{
    struct kafka_topic *t;
    int rc = kafka_topic((struct kafka *)b, topic, &t, e);
    return rc < 0 ? rc : t->partitions;
}

/* ── Ranges ── */

int kafka_watermarks(struct kafka *k, const char *topic, int32_t partition,
                     int64_t *low, int64_t *high, struct err *e)
{
    rd_kafka_resp_err_t rc = rd_kafka_query_watermark_offsets(
        k->rk, topic, partition, low, high, KAFKA_TIMEOUT_MS);
    return rc ? kafka_error(k, rc, e,
                            "topic %s, partition %" PRId32 ": cannot read its "
                            "range",
                            topic, partition)
              : 0;
}

static int kafka_ranges(struct bus *b, const char *topic, int32_t first, size_t n,
                        struct bus_range *out, struct err *e)
{
    struct kafka *k = (struct kafka *)b;
    struct kafka_topic *t;
    int rc = kafka_topic(k, topic, &t, e);
    if (rc < 0)
        return rc;
    if ((size_t)first + n > (size_t)t->partitions)
        return err_set(e, ERR_NOTFOUND,
                       "topic %s has %" PRId32 " partitions: 0 to %" PRId32, topic,
                       t->partitions, t->partitions - 1);
    bool is_stale = false;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        int32_t p = first + (int32_t)i;
        out[i].bytes = 0; /* no API of this version tells it */
        rc = kafka_watermarks(k, topic, p, &out[i].start, &out[i].end, e);
        if (rc == 0 && out[i].end != t->newest[p].end)
            is_stale = true;
    }
    if (rc == 0 && is_stale)
        rc = kafka_read_newest(k, t, e);
    for (size_t i = 0; rc == 0 && i < n; i++)
        out[i].max_timestamp_ms = t->newest[first + (int32_t)i].ms;
    return rc;
}

static int kafka_offset_at(struct bus *b, const char *topic, int32_t partition,
                           int64_t ms, int64_t *offset, struct err *e)
{
    struct kafka *k = (struct kafka *)b;
    int64_t low, high;
    int rc = kafka_watermarks(k, topic, partition, &low, &high, e);
    if (rc < 0)
        return rc;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, partition)->offset = ms < 0 ? 0 : ms;
    rd_kafka_resp_err_t code =
        rd_kafka_offsets_for_times(k->rk, list, KAFKA_TIMEOUT_MS);
    if (!code)
        code = list->elems[0].err;
    if (!code)
        *offset = list->elems[0].offset >= 0 ? list->elems[0].offset : high;
    rd_kafka_topic_partition_list_destroy(list);
    return code ? kafka_error(k, code, e, "topic %s: cannot find a time", topic) : 0;
}

static int kafka_retain(struct bus *b, int64_t now_ms, struct err *e)
{
    (void)b;
    (void)now_ms;
    (void)e;
    return 0;
}

static int kafka_tidy(struct bus *b, struct err *e)
{
    (void)b, (void)e;
    return 0;
}

/* ── Open and close ── */

static void kafka_close(struct bus *b)
{
    struct kafka *k = (struct kafka *)b;
    if (k->rk && (b->pid == getpid() || b->pid == 0))
        rd_kafka_destroy(k->rk);
    while (k->topics.n > 0)
        forget(k, k->topics.v[0]->name);
    for (size_t i = 0; i < k->properties.n; i++)
        mem_free(k->properties.v[i]);
    vec_release(&k->properties);
    vec_release(&k->topics);
    vec_release(&k->consumers);
    mem_free(k->servers);
    mem_free(k);
}

static int take_properties(struct kafka *k, const char *const *properties,
                           struct err *e)
{
    for (size_t i = 0; properties && properties[i]; i++) {
        if (streq(properties[i], "weir.admin=false")) {
            k->has_admin = false;
            continue;
        }
        if (!strchr(properties[i], '='))
            return err_set(e, ERR_CONFIG,
                           "bus.kafka: property \"%s\": expected name=value",
                           properties[i]);
        vec_push(&k->properties, mem_strdup(properties[i]));
    }
    return 0;
}

static int kafka_open(struct bus **out, const struct bus_options *o, struct err *e)
{
    static const char *const settings[] = {"group.id",
                                           "weir-look",
                                           "enable.auto.commit",
                                           "false",
                                           "enable.partition.eof",
                                           "true",
                                           "auto.offset.reset",
                                           "earliest",
                                           "queued.max.messages.kbytes",
                                           "1024",
                                           "fetch.wait.max.ms",
                                           "50",
                                           "allow.auto.create.topics",
                                           "false",
                                           NULL};
    if (!o->servers || !*o->servers)
        return err_set(e, ERR_CONFIG, "bus.kafka: servers is missing: host:port, …");
    struct kafka *k = mem_alloc(sizeof *k);
    k->servers = mem_strdup(o->servers);
    k->has_admin = true;
    int rc = take_properties(k, o->properties, e);
    if (rc == 0)
        rc = kafka_handle(k, RD_KAFKA_CONSUMER, settings, &k->rk, e);
    if (rc == 0)
        rc = look_up(k, e);
    if (rc < 0) {
        kafka_close(&k->base);
        return rc;
    }
    *out = &k->base;
    return 0;
}

const struct bus_ops bus_kafka_ops = {
    .kind = "kafka",
    .open = kafka_open,
    .close = kafka_close,
    .topic_ensure = kafka_topic_ensure,
    .topic_delete = kafka_topic_delete,
    .topics = kafka_topics,
    .partitions = kafka_partitions,
    .ranges = kafka_ranges,
    .offset_at = kafka_offset_at,
    .committed = kafka_committed,
    .groups = kafka_groups,
    .group_reset = kafka_group_reset,
    .group_delete = kafka_group_delete,
    .producer_open = kafka_producer_open,
    .producer_close = kafka_producer_close,
    .produce = kafka_produce,
    .txn_offset = kafka_txn_offset,
    .txn_commit = kafka_txn_commit,
    .txn_abort = kafka_txn_abort,
    .txn_bytes = kafka_txn_bytes,
    .consumer_open = kafka_consumer_open,
    .consumer_close = kafka_consumer_close,
    .assign = kafka_assign,
    .unassign = kafka_unassign,
    .seek = kafka_seek,
    .position = kafka_position,
    .poll = kafka_poll,
    .commit = kafka_commit,
    .retain = kafka_retain,
    .tidy = kafka_tidy,
};
