/* The bus seam: partitioned, ordered, durable logs of records, as Kafka defines them.
 *
 * One struct bus per process and place. Two members: bus_embedded.c (one SQLite file,
 * safe across processes, no server) and bus_kafka.c (librdkafka). Both pass
 * tests/unit/test_bus_contract*.c. Vendor handles never leave those files.
 *
 * Lifecycle of a stream worker:
 *     bus_open → bus_topic_ensure → bus_producer_open (fences the previous holder of
 * the id) → bus_consumer_open → bus_assign … → loop { bus_poll … bus_produce …
 *     bus_txn_offset … bus_txn_commit } → close in reverse order.
 *
 * Always holds: offsets of a partition are dense from 0 on the embedded bus (Kafka has
 * gaps); a record is visible to readers only after its transaction is committed;
 * outputs, input offsets and metadata of one transaction appear together or not at all.
 */
#ifndef BUS_BUS_H
#define BUS_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "base/str.h"

struct bus;
struct bus_producer;
struct bus_consumer;

#define BUS_PARTITIONS_MAX 10000
#define BUS_HEADERS_MAX    1000
#define BUS_RECORD_MAX     (8 * 1024 * 1024)  /* bytes of key, value and headers */
#define BUS_TXN_BYTES_MAX  (32 * 1024 * 1024) /* ceiling of bus_txn_bytes */

enum bus_key_rule {
    BUS_KEY_HASH,  /* 64-bit hash of the key */
    BUS_KEY_STORE, /* hash_store_partition: key STORE_{id}_TXN_{id} */
};

struct bus_options {
    const char *kind;    /* "embedded" or "kafka" */
    const char *path;    /* embedded: the SQLite file */
    const char *servers; /* kafka: bootstrap servers */
    const char *const
        *properties; /* kafka: "name=value", NULL-terminated, may be NULL */
    bool is_readonly;
    bool is_relaxed; /* embedded: synchronous=NORMAL instead of FULL */
};

struct bus_topic {
    const char *name;
    int32_t partitions;
    int64_t retention_ms;    /* -1: keep for ever */
    int64_t retention_bytes; /* per partition; -1: no limit */
    enum bus_key_rule key_rule;
};

struct bus_header {
    struct str name, value;
};

struct bus_record {
    int64_t offset;
    int64_t timestamp_ms; /* arrival: the broker's clock, or what the producer set */
    int32_t partition;
    struct str key, value;
    const struct bus_header *headers;
    size_t n_headers;
};

/* The record's header of that name, the first if there are several; NULL: none. */
const struct bus_header *bus_header(const struct bus_record *r, const char *name);

/* Records of one partition in offset order; valid until the next call on the consumer.
 */
struct bus_batch {
    const char *topic;
    int32_t partition;
    const struct bus_record *records;
    size_t n;
    int64_t next_offset; /* position behind the batch */
};

int bus_open(struct bus **out, const struct bus_options *o, struct err *e);
void bus_close(struct bus *b); /* NULL allowed */

/* Create the topic if absent. Partition count and key rule of an existing topic never
 * change (keys would move): a difference is ERR_CONFIG. Retention is updated. */
int bus_topic_ensure(struct bus *b, const struct bus_topic *t, struct err *e);
int bus_topic_delete(struct bus *b, const char *name, struct err *e);
/* name borrowed until the callback returns. */
typedef void bus_topic_fn(void *arg, const struct bus_topic *t);
int bus_topics(struct bus *b, bus_topic_fn *fn, void *arg, struct err *e);
/* Partition count, or ERR_NOTFOUND. */
int bus_partitions(struct bus *b, const char *topic, struct err *e);
/* First retained offset, next offset to be written, newest timestamp (INT64_MIN: none).
 */
struct bus_range {
    int64_t start, end, max_timestamp_ms, bytes;
};
int bus_range(struct bus *b, const char *topic, int32_t partition,
              struct bus_range *out, struct err *e);
/* All partitions of a topic in one read; out has bus_partitions() entries. */
int bus_ranges(struct bus *b, const char *topic, struct bus_range *out, size_t n,
               struct err *e);
/* First offset whose timestamp is >= ms; the end offset when there is none. */
int bus_offset_at(struct bus *b, const char *topic, int32_t partition, int64_t ms,
                  int64_t *offset, struct err *e);

/* Groups. Offset -1: nothing committed. metadata: text <= 4096 bytes, NUL-terminated.
 */
#define BUS_METADATA_MAX 4096
struct bus_committed {
    int64_t offset;
    int64_t committed_ms; /* wall clock of the commit */
    char metadata[BUS_METADATA_MAX + 1];
};
int bus_committed(struct bus *b, const char *group, const char *topic,
                  int32_t partition, struct bus_committed *out, struct err *e);
typedef void bus_group_fn(void *arg, const char *group, const char *topic,
                          int32_t partition, const struct bus_committed *c);
/* Every committed offset, or those of one group (NULL: all). */
int bus_groups(struct bus *b, const char *group, bus_group_fn *fn, void *arg,
               struct err *e);
/* Operator's reset; the group must have no live producer transaction, or its next
 * commit puts back what was. The metadata is emptied: it belongs to the old position.
 */
int bus_group_reset(struct bus *b, const char *group, const char *topic,
                    int32_t partition, int64_t offset, struct err *e);
/* Forget a group on every topic, so that retention no longer waits for it.
 * ERR_NOTFOUND; ERR_UNSUPPORTED on Kafka, whose retention waits for nobody. */
int bus_group_delete(struct bus *b, const char *group, struct err *e);

/* Producing. id names the transactional producer: opening it again anywhere raises its
 * epoch, and the older holder's commit then fails with ERR_FENCED. */
int bus_producer_open(struct bus *b, const char *id, struct bus_producer **out,
                      struct err *e);
void bus_producer_close(struct bus_producer *p); /* aborts what is uncommitted */
/* Add one record to the open transaction (begun by the first call after a commit).
 * partition -1: by the topic's key rule, round robin without a key (key.p NULL).
 * timestamp_ms < 0: now. Bytes are copied. ERR_LIMIT when the transaction would hold
 * more than BUS_TXN_BYTES_MAX: commit, then produce it again. After any error the
 * record is not in the transaction and everything before it still is. */
int bus_produce(struct bus_producer *p, const char *topic, int32_t partition,
                int64_t timestamp_ms, struct str key, struct str value,
                const struct bus_header *headers, size_t n_headers, struct err *e);
/* Commit an input offset (the NEXT one to read) with metadata in the same transaction.
 * A source's checkpoint is one: group "source:NAME", topic "@source", partition 0. */
int bus_txn_offset(struct bus_producer *p, const char *group, const char *topic,
                   int32_t partition, int64_t next_offset, const char *metadata,
                   struct err *e);
/* All or nothing. ERR_FENCED: another holder of the id has come, this producer can do
 * nothing any more. After a retryable error (ERR_FULL, ERR_LOCKED, ERR_IO) nothing was
 * written and the transaction is still open: commit again or abort. */
int bus_txn_commit(struct bus_producer *p, struct err *e);
int bus_txn_abort(struct bus_producer *p, struct err *e);
/* Memory held by the open transaction (what is full is compressed), to bound a batch.
 */
size_t bus_txn_bytes(const struct bus_producer *p);

/* Consuming: partitions are assigned by the caller (the supervisor's split), never by a
 * broker's rebalance. Only committed records are seen. */
#define BUS_OFFSET_BEGIN     (-2)
#define BUS_OFFSET_END       (-1)
#define BUS_OFFSET_COMMITTED (-3) /* the group's; BEGIN when nothing is committed */
int bus_consumer_open(struct bus *b, const char *group, struct bus_consumer **out,
                      struct err *e);
void bus_consumer_close(struct bus_consumer *c);
int bus_assign(struct bus_consumer *c, const char *topic, int32_t partition,
               int64_t offset, struct err *e);
int bus_unassign(struct bus_consumer *c, const char *topic, int32_t partition,
                 struct err *e);
int bus_seek(struct bus_consumer *c, const char *topic, int32_t partition,
             int64_t offset, struct err *e);
int64_t bus_position(const struct bus_consumer *c, const char *topic,
                     int32_t partition);
/* Next batch of at most max records of some assigned partition, round robin, waiting up
 * to timeout_ms. 1: out is filled; 0: nothing there (every assigned partition was at
 * its end); negative: error. ERR_NOTFOUND when a position fell off the log's start or
 * lies behind its end (the log was replaced): the position stays, seek to go on. */
int bus_poll(struct bus_consumer *c, size_t max, int timeout_ms, struct bus_batch *out,
             struct err *e);
/* Plain commit outside a producer transaction (loaders: for lag display). Not durable
 * at once: written with the next poll or look at a group on this bus, or at close, so
 * that 100 partitions cost one write. */
int bus_commit(struct bus_consumer *c, const char *topic, int32_t partition,
               int64_t next_offset, const char *metadata, struct err *e);

/* Delete what is older than the topics' retention at now_ms, but never what a group
 * that ever committed on the topic has not read. Returns the number of deleted batches.
 */
int bus_retain(struct bus *b, int64_t now_ms, struct err *e);
/* Embedded: merge neighbouring small batches and give unused pages back to the disk, a
 * bounded piece of work that readers and writers do not notice. Offsets and records
 * stay. Returns the number of batches merged away; 0 on Kafka, whose brokers see to it.
 */
int bus_tidy(struct bus *b, struct err *e);

#endif
