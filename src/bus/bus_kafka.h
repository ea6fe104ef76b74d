/* Inside the Kafka member of the bus, on librdkafka 2.0.2 (Debian 12). Its settings and
 * the traps of exactly this version are in the reference the numbers below come from;
 * what we do about them:
 *   - partitions are started and stopped by hand with the simple consumer: no
 * rebalance, no pause, no rd_kafka_assign (two in a row abort the process);
 *   - query_watermark_offsets may block longer than asked: never call this member from
 * a loop that must answer (the supervisor, the console);
 *   - no group is described or deleted (a broker that lacks the API hangs or aborts
 * us);
 *   - AlterConfigs replaces a topic's whole configuration: read, change, write;
 *   - no handle crosses a fork: bus.c refuses it, close leaves it alone.
 *
 * Files: bus_kafka.c (handle, topics, ranges) _admin.c (requests with an answer)
 * _group.c _write.c (transactions) _read.c (consumer). */
#ifndef BUS_BUS_KAFKA_H
#define BUS_BUS_KAFKA_H

#include <librdkafka/rdkafka.h>
#include "base/vec.h"
#include "bus/bus_member.h"

#define KAFKA_TIMEOUT_MS 10000
#define KAFKA_TXN_MS     30000 /* transaction.timeout.ms: a dead producer pins readers */

struct kafka_topic {
    char *name;
    int32_t partitions;
    enum bus_key_rule key_rule; /* Kafka does not keep it: what bus_topic_ensure said */
    struct kafka_newest {
        int64_t end, ms;
    } * newest; /* per partition: timestamp of the last record before end */
};

struct kafka_consumer;

struct kafka {
    struct bus base;
    char *servers;
    VEC(char *) properties; /* "name=value" */
    bool has_admin; /* property weir.admin=false: a cluster without these APIs */
    rd_kafka_t *rk; /* metadata, watermarks, admin; reads the newest records */
    VEC(struct kafka_topic *) topics;       /* known ones */
    VEC(struct kafka_consumer *) consumers; /* open ones, for their plain commits */
};

/* ── bus_kafka.c ── */
int kafka_error(struct kafka *k, rd_kafka_resp_err_t code, struct err *e,
                const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* A handle with the settings common to all and the pairs name, value, …, NULL. */
int kafka_handle(struct kafka *k, rd_kafka_type_t type, const char *const *settings,
                 rd_kafka_t **out, struct err *e);
/* Known or looked up; ERR_NOTFOUND. */
int kafka_topic(struct kafka *k, const char *name, struct kafka_topic **out,
                struct err *e);
/* The name a topic has on the broker: "@source" is "weir.source" there. */
const char *kafka_name(const char *topic, char out[256]);
int kafka_watermarks(struct kafka *k, const char *topic, int32_t partition,
                     int64_t *low, int64_t *high, struct err *e);

/* ── bus_kafka_admin.c ── */
int kafka_create_topic(struct kafka *k, const struct bus_topic *t, struct err *e);
int kafka_set_retention(struct kafka *k, const struct bus_topic *t, struct err *e);
int kafka_delete_topic(struct kafka *k, const char *name, struct err *e);
/* Committed offsets of list's partitions (NULL: all) into *out, caller destroys. */
int kafka_list_offsets(struct kafka *k, const char *group,
                       const rd_kafka_topic_partition_list_t *list,
                       rd_kafka_topic_partition_list_t **out, struct err *e);
int kafka_alter_offsets(struct kafka *k, const char *group,
                        const rd_kafka_topic_partition_list_t *list, struct err *e);
typedef int kafka_group_fn(void *arg, const char *group, struct err *e);
int kafka_list_groups(struct kafka *k, kafka_group_fn *fn, void *arg, struct err *e);

/* ── bus_kafka_group.c ── */
int kafka_committed(struct bus *b, const char *group, const char *topic,
                    int32_t partition, struct bus_committed *out, struct err *e);
int kafka_groups(struct bus *b, const char *group, bus_group_fn *fn, void *arg,
                 struct err *e);
int kafka_group_reset(struct bus *b, const char *group, const char *topic,
                      int32_t partition, int64_t offset, struct err *e);
int kafka_group_delete(struct bus *b, const char *group, struct err *e);

/* ── bus_kafka_write.c ── */
int kafka_producer_open(struct bus *b, const char *id, struct bus_producer **out,
                        struct err *e);
void kafka_producer_close(struct bus_producer *p);
int kafka_produce(struct bus_producer *p, const char *topic, const struct bus_record *r,
                  struct err *e);
int kafka_txn_offset(struct bus_producer *p, const char *group, const char *topic,
                     int32_t partition, int64_t next_offset, const char *metadata,
                     struct err *e);
int kafka_txn_commit(struct bus_producer *p, struct err *e);
int kafka_txn_abort(struct bus_producer *p, struct err *e);
size_t kafka_txn_bytes(const struct bus_producer *p);

/* ── bus_kafka_read.c ── */
int kafka_consumer_open(struct bus *b, const char *group, struct bus_consumer **out,
                        struct err *e);
void kafka_consumer_close(struct bus_consumer *c);
int kafka_assign(struct bus_consumer *c, const char *topic, int32_t partition,
                 int64_t offset, struct err *e);
int kafka_unassign(struct bus_consumer *c, const char *topic, int32_t partition,
                   struct err *e);
int kafka_seek(struct bus_consumer *c, const char *topic, int32_t partition,
               int64_t offset, struct err *e);
int64_t kafka_position(const struct bus_consumer *c, const char *topic,
                       int32_t partition);
int kafka_poll(struct bus_consumer *c, size_t max, int timeout_ms,
               struct bus_batch *out, struct err *e);
int kafka_commit(struct bus_consumer *c, const char *topic, int32_t partition,
                 int64_t next_offset, const char *metadata, struct err *e);
/* Write the plain commits of every consumer of this bus. */
int kafka_flush(struct kafka *k, struct err *e);
/* Newest timestamps of partitions whose end moved, into topic->newest. */
int kafka_read_newest(struct kafka *k, struct kafka_topic *t, struct err *e);

#endif
