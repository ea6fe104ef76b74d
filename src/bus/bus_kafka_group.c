/* Committed offsets on Kafka, through the admin API: no handle per group is needed.
 * Kafka keeps no time of a commit: committed_ms is 0, and the lag worker watches for
 * changes. */
#include "bus/bus_kafka.h"

/* The bus's own handles commit nothing; their group would be in every list. */
#define OWN_GROUP "weir-look"

static void read_place(const rd_kafka_topic_partition_t *p, struct bus_committed *out)
{
    size_t n = p->metadata ? p->metadata_size : 0;
    if (n > BUS_METADATA_MAX)
        n = BUS_METADATA_MAX;
    out->offset = p->offset >= 0 ? p->offset : -1;
    out->committed_ms = 0;
    if (n > 0)
        memcpy(out->metadata, p->metadata, n);
    out->metadata[n] = 0;
}

int kafka_committed(struct bus *b, const char *group, const char *topic,
                    int32_t partition, struct bus_committed *out, struct err *e)
{
    struct kafka *k = (struct kafka *)b;
    char name[256];
    int rc = kafka_flush(k, e);
    if (rc < 0)
        return rc;
    rd_kafka_topic_partition_list_t *ask = rd_kafka_topic_partition_list_new(1), *got;
    rd_kafka_topic_partition_list_add(ask, kafka_name(topic, name), partition);
    rc = kafka_list_offsets(k, group, ask, &got, e);
    if (rc == 0) {
        if (got->cnt == 1)
            read_place(&got->elems[0], out);
        rd_kafka_topic_partition_list_destroy(got);
    }
    rd_kafka_topic_partition_list_destroy(ask);
    return rc;
}

struct listing {
    struct kafka *k;
    bus_group_fn *fn;
    void *arg;
};

static int one_group(void *arg, const char *group, struct err *e)
{
    struct listing *l = arg;
    struct bus_committed c;
    char name[256];
    rd_kafka_topic_partition_list_t *got;
    if (streq(group, OWN_GROUP))
        return 0;
    int rc = kafka_list_offsets(l->k, group, NULL, &got, e);
    if (rc < 0)
        return rc;
    for (int i = 0; i < got->cnt; i++) {
        const rd_kafka_topic_partition_t *p = &got->elems[i];
        read_place(p, &c);
        const char *topic = p->topic;
        if (strncmp(topic, "weir.", 5) == 0) {
            snprintf(name, sizeof name, "@%s", topic + 5);
            topic = name;
        }
        if (c.offset >= 0)
            l->fn(l->arg, group, topic, p->partition, &c);
    }
    rd_kafka_topic_partition_list_destroy(got);
    return 0;
}

int kafka_groups(struct bus *b, const char *group, bus_group_fn *fn, void *arg,
                 struct err *e)
{
    struct kafka *k = (struct kafka *)b;
    struct listing l = {k, fn, arg};
    int rc = kafka_flush(k, e);
    if (rc < 0)
        return rc;
    return group ? one_group(&l, group, e) : kafka_list_groups(k, one_group, &l, e);
}

int kafka_group_reset(struct bus *b, const char *group, const char *topic,
                      int32_t partition, int64_t offset, struct err *e)
{
    struct kafka *k = (struct kafka *)b;
    char name[256];
    int rc = kafka_flush(k, e);
    if (rc < 0)
        return rc;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, kafka_name(topic, name), partition)
        ->offset = offset;
    rc = kafka_alter_offsets(k, group, list, e);
    rd_kafka_topic_partition_list_destroy(list);
    return rc;
}

/* Nothing waits for a group on Kafka, and DeleteGroups of librdkafka 2.0.2 aborts the
 * process on a broker that lacks it. */
int kafka_group_delete(struct bus *b, const char *group, struct err *e)
{
    return err_set(e, ERR_UNSUPPORTED,
                   "kafka %s: group %s: use the cluster's own tools "
                   "(kafka-consumer-groups --delete)",
                   ((struct kafka *)b)->servers, group);
}
