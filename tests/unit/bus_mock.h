/* librdkafka's mock cluster as a place for the bus: one broker inside this process. */
#ifndef TESTS_BUS_MOCK_H
#define TESTS_BUS_MOCK_H

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include "bus_fixture.h"

static inline void mock_start(struct fixture *f)
{
    static const char *const properties[] = {"weir.admin=false", "fetch.wait.max.ms=10",
                                             NULL};
    char why[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "log_level", "3", why, sizeof why);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
    assert_non_null(rk);
    f->host = rk;
    f->cluster = rd_kafka_mock_cluster_new(rk, 1);
    assert_non_null(f->cluster);
    f->options = (struct bus_options){
        .kind = "kafka",
        .servers = rd_kafka_mock_cluster_bootstraps(f->cluster),
        .properties = properties,
    };
}

/* The mock has no admin API: its host makes the topics. */
static inline void mock_topic(struct fixture *f, const char *name, int32_t partitions)
{
    if (!f->cluster)
        mock_start(f);
    rd_kafka_mock_topic_create(f->cluster, name, partitions, 1);
    if (!f->bus)
        OK(f, bus_open(&f->bus, &f->options, &f->e));
}

static inline void mock_stop(struct fixture *f)
{
    if (!f->cluster)
        return;
    rd_kafka_mock_cluster_destroy(f->cluster);
    rd_kafka_destroy(f->host);
}

#endif
