/* Admin requests to a Kafka cluster: each is sent and its answer awaited on a queue of
 * its own. A cluster that lacks these APIs (librdkafka's mock) is declared by the
 * property weir.admin=false; asking it would wait out the whole timeout. */
#include "bus/bus_kafka.h"

#include <inttypes.h>
#include <stdio.h>

struct request {
    struct kafka *k;
    rd_kafka_queue_t *queue;
    rd_kafka_AdminOptions_t *options;
    rd_kafka_event_t *answer;
};

static int begin(struct request *r, struct kafka *k, rd_kafka_admin_op_t op,
                 const char *what, struct err *e)
{
    *r = (struct request){.k = k};
    bool is_admin =
        op != RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS; /* the mock answers these */
    if (!k->has_admin && is_admin)
        return err_set(e, ERR_UNSUPPORTED, "kafka %s: cannot %s: weir.admin=false",
                       k->servers, what);
    r->queue = rd_kafka_queue_new(k->rk);
    r->options = rd_kafka_AdminOptions_new(k->rk, op);
    rd_kafka_AdminOptions_set_request_timeout(r->options, KAFKA_TIMEOUT_MS, NULL, 0);
    return 0;
}

static void end(struct request *r)
{
    if (r->answer)
        rd_kafka_event_destroy(r->answer);
    if (r->options)
        rd_kafka_AdminOptions_destroy(r->options);
    if (r->queue)
        rd_kafka_queue_destroy(r->queue);
}

static int await(struct request *r, const char *what, struct err *e)
{
    r->answer = rd_kafka_queue_poll(r->queue, KAFKA_TIMEOUT_MS + 2000);
    rd_kafka_resp_err_t code =
        r->answer ? rd_kafka_event_error(r->answer) : RD_KAFKA_RESP_ERR__TIMED_OUT;
    return code ? kafka_error(r->k, code, e, "cannot %s", what) : 0;
}

/* Error of the only topic of a topic request's answer. */
static int topic_error(struct request *r, const rd_kafka_topic_result_t **results,
                       size_t n, const char *what, struct err *e)
{
    rd_kafka_resp_err_t code = n ? rd_kafka_topic_result_error(results[0]) : 0;
    if (!code || code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
        return 0;
    return kafka_error(r->k, code, e, "cannot %s %s", what,
                       rd_kafka_topic_result_name(results[0]));
}

int kafka_create_topic(struct kafka *k, const struct bus_topic *t, struct err *e)
{
    char why[256], ms[32], bytes[32];
    struct request r;
    int rc = begin(&r, k, RD_KAFKA_ADMIN_OP_CREATETOPICS, "create a topic", e);
    if (rc < 0)
        return rc;
    rd_kafka_NewTopic_t *topic =
        rd_kafka_NewTopic_new(t->name, t->partitions, -1, why, sizeof why);
    if (!topic) {
        end(&r);
        return err_set(e, ERR_CONFIG, "topic %s: %s", t->name, why);
    }
    snprintf(ms, sizeof ms, "%" PRId64, t->retention_ms);
    snprintf(bytes, sizeof bytes, "%" PRId64, t->retention_bytes);
    rd_kafka_NewTopic_set_config(topic, "retention.ms", ms);
    rd_kafka_NewTopic_set_config(topic, "retention.bytes", bytes);
    rd_kafka_CreateTopics(k->rk, &topic, 1, r.options, r.queue);
    rc = await(&r, "create a topic", e);
    if (rc == 0) {
        size_t n;
        const rd_kafka_topic_result_t **results = rd_kafka_CreateTopics_result_topics(
            rd_kafka_event_CreateTopics_result(r.answer), &n);
        rc = topic_error(&r, results, n, "create topic", e);
    }
    rd_kafka_NewTopic_destroy(topic);
    end(&r);
    return rc;
}

int kafka_delete_topic(struct kafka *k, const char *name, struct err *e)
{
    struct request r;
    int rc = begin(&r, k, RD_KAFKA_ADMIN_OP_DELETETOPICS, "delete a topic", e);
    if (rc < 0)
        return rc;
    rd_kafka_DeleteTopic_t *topic = rd_kafka_DeleteTopic_new(name);
    rd_kafka_DeleteTopics(k->rk, &topic, 1, r.options, r.queue);
    rc = await(&r, "delete a topic", e);
    if (rc == 0) {
        size_t n;
        const rd_kafka_topic_result_t **results = rd_kafka_DeleteTopics_result_topics(
            rd_kafka_event_DeleteTopics_result(r.answer), &n);
        rc = topic_error(&r, results, n, "delete topic", e);
    }
    rd_kafka_DeleteTopic_destroy(topic);
    end(&r);
    return rc;
}

/* ── Retention ── */

static bool is_retention(const char *name)
{
    return streq(name, "retention.ms") || streq(name, "retention.bytes");
}

/* Fills resource with the topic's own settings other than retention. 1: retention is as
 * wanted already. */
static int read_config(struct kafka *k, const char *name, const char *ms,
                       const char *bytes, rd_kafka_ConfigResource_t *resource,
                       struct err *e)
{
    struct request r;
    int rc =
        begin(&r, k, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, "read a topic's settings", e);
    if (rc < 0)
        return rc;
    rd_kafka_ConfigResource_t *ask =
        rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, name);
    rd_kafka_DescribeConfigs(k->rk, &ask, 1, r.options, r.queue);
    rc = await(&r, "read a topic's settings", e);
    size_t n = 0, n_entries = 0;
    const rd_kafka_ConfigEntry_t **entries = NULL;
    if (rc == 0) {
        const rd_kafka_ConfigResource_t **got =
            rd_kafka_DescribeConfigs_result_resources(
                rd_kafka_event_DescribeConfigs_result(r.answer), &n);
        if (n == 1)
            entries = rd_kafka_ConfigResource_configs(got[0], &n_entries);
    }
    int same = 0;
    for (size_t i = 0; i < n_entries; i++) {
        const char *key = rd_kafka_ConfigEntry_name(entries[i]);
        const char *value = rd_kafka_ConfigEntry_value(entries[i]);
        if (value && (streq(key, "retention.ms")
                          ? streq(value, ms)
                          : streq(key, "retention.bytes") && streq(value, bytes)))
            same++;
        if (value && !is_retention(key) &&
            rd_kafka_ConfigEntry_source(entries[i]) ==
                RD_KAFKA_CONFIG_SOURCE_DYNAMIC_TOPIC_CONFIG)
            rd_kafka_ConfigResource_set_config(resource, key, value);
    }
    rd_kafka_ConfigResource_destroy(ask);
    end(&r);
    return rc < 0 ? rc : same == 2;
}

static int write_config(struct kafka *k, rd_kafka_ConfigResource_t *resource,
                        struct err *e)
{
    struct request r;
    int rc = begin(&r, k, RD_KAFKA_ADMIN_OP_ALTERCONFIGS, "set a topic's retention", e);
    if (rc < 0)
        return rc;
    rd_kafka_AlterConfigs(k->rk, &resource, 1, r.options, r.queue);
    rc = await(&r, "set a topic's retention", e);
    if (rc == 0) {
        size_t n;
        const rd_kafka_ConfigResource_t **got = rd_kafka_AlterConfigs_result_resources(
            rd_kafka_event_AlterConfigs_result(r.answer), &n);
        rd_kafka_resp_err_t code = n ? rd_kafka_ConfigResource_error(got[0]) : 0;
        if (code)
            rc = kafka_error(k, code, e, "cannot set a topic's retention");
    }
    end(&r);
    return rc;
}

/* AlterConfigs replaces everything a topic has: what else is set there goes back in. */
int kafka_set_retention(struct kafka *k, const struct bus_topic *t, struct err *e)
{
    char ms[32], bytes[32];
    if (!k->has_admin)
        return 0;
    snprintf(ms, sizeof ms, "%" PRId64, t->retention_ms);
    snprintf(bytes, sizeof bytes, "%" PRId64, t->retention_bytes);
    rd_kafka_ConfigResource_t *resource =
        rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, t->name);
    int rc = read_config(k, t->name, ms, bytes, resource, e);
    if (rc == 0) {
        rd_kafka_ConfigResource_set_config(resource, "retention.ms", ms);
        rd_kafka_ConfigResource_set_config(resource, "retention.bytes", bytes);
        rc = write_config(k, resource, e);
    }
    rd_kafka_ConfigResource_destroy(resource);
    return rc < 0 ? rc : 0;
}

/* ── Groups ── */

static int group_error(struct kafka *k, const rd_kafka_group_result_t **groups,
                       size_t n, const char *what, struct err *e)
{
    const rd_kafka_error_t *error = n ? rd_kafka_group_result_error(groups[0]) : NULL;
    if (!error)
        return 0;
    return kafka_error(k, rd_kafka_error_code(error), e, "group %s: cannot %s",
                       rd_kafka_group_result_name(groups[0]), what);
}

int kafka_list_offsets(struct kafka *k, const char *group,
                       const rd_kafka_topic_partition_list_t *list,
                       rd_kafka_topic_partition_list_t **out, struct err *e)
{
    struct request r;
    *out = NULL;
    int rc =
        begin(&r, k, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS, "read offsets", e);
    if (rc < 0)
        return rc;
    rd_kafka_ListConsumerGroupOffsets_t *ask =
        rd_kafka_ListConsumerGroupOffsets_new(group, list);
    rd_kafka_ListConsumerGroupOffsets(k->rk, &ask, 1, r.options, r.queue);
    rc = await(&r, "read offsets", e);
    if (rc == 0) {
        size_t n;
        const rd_kafka_group_result_t **groups =
            rd_kafka_ListConsumerGroupOffsets_result_groups(
                rd_kafka_event_ListConsumerGroupOffsets_result(r.answer), &n);
        rc = group_error(k, groups, n, "read its offsets", e);
        if (rc == 0 && n)
            *out = rd_kafka_topic_partition_list_copy(
                rd_kafka_group_result_partitions(groups[0]));
    }
    rd_kafka_ListConsumerGroupOffsets_destroy(ask);
    end(&r);
    if (rc == 0 && !*out)
        *out = rd_kafka_topic_partition_list_new(0);
    return rc;
}

int kafka_alter_offsets(struct kafka *k, const char *group,
                        const rd_kafka_topic_partition_list_t *list, struct err *e)
{
    struct request r;
    int rc =
        begin(&r, k, RD_KAFKA_ADMIN_OP_ALTERCONSUMERGROUPOFFSETS, "reset a group", e);
    if (rc < 0)
        return rc;
    rd_kafka_AlterConsumerGroupOffsets_t *ask =
        rd_kafka_AlterConsumerGroupOffsets_new(group, list);
    rd_kafka_AlterConsumerGroupOffsets(k->rk, &ask, 1, r.options, r.queue);
    rc = await(&r, "reset a group", e);
    if (rc == 0) {
        size_t n;
        const rd_kafka_group_result_t **groups =
            rd_kafka_AlterConsumerGroupOffsets_result_groups(
                rd_kafka_event_AlterConsumerGroupOffsets_result(r.answer), &n);
        rc = group_error(k, groups, n, "reset it", e);
    }
    rd_kafka_AlterConsumerGroupOffsets_destroy(ask);
    end(&r);
    return rc;
}

int kafka_list_groups(struct kafka *k, kafka_group_fn *fn, void *arg, struct err *e)
{
    struct request r;
    int rc = begin(&r, k, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPS, "list the groups", e);
    if (rc < 0)
        return rc;
    rd_kafka_ListConsumerGroups(k->rk, r.options, r.queue);
    rc = await(&r, "list the groups", e);
    size_t n = 0;
    const rd_kafka_ConsumerGroupListing_t **groups =
        rc == 0 ? rd_kafka_ListConsumerGroups_result_valid(
                      rd_kafka_event_ListConsumerGroups_result(r.answer), &n)
                : NULL;
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = fn(arg, rd_kafka_ConsumerGroupListing_group_id(groups[i]), e);
    end(&r);
    return rc;
}
