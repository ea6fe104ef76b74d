/* Inside the embedded bus: one SQLite file, WAL, any number of processes.
 *
 *     topics(id, name, first_pid, partitions, …)   partition P of a topic is pid
 * first_pid+P; a pid is never used again partitions(pid, start_offset, next_offset,
 * max_ms, bytes) batches(id = pid * 2^42 + base offset, …, data)   one b-tree, in
 * reading order groups(name, topic, partition, …)   producers(id, epoch)   meta(name,
 * value)
 *
 * Files: bus_embedded.c (open, close, the row of functions) _sql.c (statements, errors,
 * transactions) _topic.c _group.c _write.c (producer) _read.c (consumer) _batch.c
 * _retain.c _tidy.c.
 * Always holds: whoever writes has BEGIN IMMEDIATE; a read statement is reset before
 * its function returns, so that nobody's checkpoint waits for us. */
#ifndef BUS_BUS_EMBEDDED_H
#define BUS_BUS_EMBEDDED_H

#include <sqlite3.h>
#include "base/vec.h"
#include "bus/bus_codec.h"
#include "bus/bus_member.h"

#define EMB_VERSION        1
#define EMB_APPLICATION_ID 0x77656972 /* "weir" */
#define EMB_OFFSET_BITS    42
#define EMB_OFFSET_MAX     ((INT64_C(1) << EMB_OFFSET_BITS) - 1)
#define EMB_PID_MAX        ((INT64_C(1) << 21) - 1)

static inline int64_t emb_id(int64_t pid, int64_t offset)
{
    return (int64_t)((uint64_t)pid << EMB_OFFSET_BITS | (uint64_t)offset);
}

/* Every statement, prepared at its first use and kept. */
#define EMB_SQL_MAP(X)                                                                 \
    X(BEGIN, "BEGIN IMMEDIATE")                                                        \
    X(COMMIT, "COMMIT")                                                                \
    X(DATA_VERSION, "PRAGMA data_version")                                             \
    X(TOPIC_GET, "SELECT id, first_pid, partitions, retention_ms, retention_bytes, "   \
                 "key_rule FROM topics WHERE name = ?1")                               \
    X(TOPIC_LIST, "SELECT name, partitions, retention_ms, retention_bytes, key_rule, " \
                  "first_pid, id FROM topics ORDER BY name")                           \
    X(TOPIC_ADD, "INSERT INTO topics(name, first_pid, partitions, retention_ms, "      \
                 "retention_bytes, key_rule) VALUES(?1, ?2, ?3, ?4, ?5, ?6)")          \
    X(TOPIC_RETENTION, "UPDATE topics SET retention_ms = ?2, retention_bytes = ?3 "    \
                       "WHERE name = ?1")                                              \
    X(TOPIC_DEL, "DELETE FROM topics WHERE id = ?1")                                   \
    X(PID_NEXT, "UPDATE meta SET value = value + ?1 WHERE name = 'next_pid' "          \
                "RETURNING value")                                                     \
    X(PARTITION_ADD, "INSERT INTO partitions(pid, start_offset, next_offset, max_ms, " \
                     "bytes) VALUES(?1, 0, 0, -9223372036854775807 - 1, 0)")           \
    X(PARTITION_DEL, "DELETE FROM partitions WHERE pid BETWEEN ?1 AND ?2")             \
    X(RANGES, "SELECT pid, start_offset, next_offset, max_ms, bytes FROM partitions "  \
              "WHERE pid BETWEEN ?1 AND ?2 ORDER BY pid")                              \
    X(APPEND, "UPDATE partitions SET next_offset = next_offset + ?2, "                 \
              "max_ms = max(max_ms, ?3), bytes = bytes + ?4 WHERE pid = ?1 "           \
              "RETURNING next_offset")                                                 \
    X(BLOB_ADD, "INSERT INTO blobs(data) VALUES(?1)")                                  \
    X(BATCH_ADD,                                                                       \
      "INSERT INTO batches(id, n, n_headers, base_ms, max_ms, codec, "                 \
      "raw_bytes, checksum, bytes, blob) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, "          \
      "?8, ?9, ?10)")                                                                  \
    X(BATCH_READ,                                                                      \
      "SELECT b.id, n, n_headers, base_ms, codec, raw_bytes, checksum, data "          \
      "FROM batches b JOIN blobs d ON d.id = b.blob WHERE b.id >= "                    \
      "ifnull((SELECT id FROM batches WHERE id BETWEEN ?2 AND ?1 "                     \
      "ORDER BY id DESC LIMIT 1), ?1) AND b.id <= ?3 ORDER BY b.id")                   \
    X(BATCH_AT,                                                                        \
      "SELECT b.id, n, n_headers, base_ms, codec, raw_bytes, checksum, data "          \
      "FROM batches b JOIN blobs d ON d.id = b.blob WHERE b.id BETWEEN ?1 AND "        \
      "?2 AND max_ms >= ?3 ORDER BY b.id LIMIT 1")                                     \
    X(BATCH_OLDEST,                                                                    \
      "SELECT id, n, max_ms, bytes FROM batches WHERE id BETWEEN ?1 AND "              \
      "?2 ORDER BY id")                                                                \
    X(BLOB_DEL, "DELETE FROM blobs WHERE id IN (SELECT blob FROM batches WHERE id "    \
                "BETWEEN ?1 AND ?2)")                                                  \
    X(BATCH_DEL, "DELETE FROM batches WHERE id BETWEEN ?1 AND ?2")                     \
    X(BATCH_SIZES, "SELECT id, n, n_headers, base_ms, max_ms, raw_bytes FROM batches " \
                   "WHERE id BETWEEN ?1 AND ?2 ORDER BY id")                           \
    X(BATCH_BYTES, "SELECT sum(bytes) FROM batches WHERE id BETWEEN ?1 AND ?2")        \
    X(BYTES_ADD, "UPDATE partitions SET bytes = max(0, bytes + ?2) WHERE pid = ?1")    \
    X(TRIM, "UPDATE partitions SET start_offset = ?2, bytes = max(0, bytes - ?3) "     \
            "WHERE pid = ?1")                                                          \
    X(GROUP_GET, "SELECT offset, committed_ms, metadata FROM groups WHERE name = ?1 "  \
                 "AND topic = ?2 AND partition = ?3")                                  \
    X(GROUP_LIST, "SELECT name, topic, partition, offset, committed_ms, metadata "     \
                  "FROM groups WHERE ?1 IS NULL OR name = ?1 "                         \
                  "ORDER BY name, topic, partition")                                   \
    X(GROUP_PUT, "INSERT INTO groups(name, topic, partition, offset, committed_ms, "   \
                 "metadata) VALUES(?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE SET " \
                 "offset = excluded.offset, committed_ms = excluded.committed_ms, "    \
                 "metadata = excluded.metadata")                                       \
    X(GROUP_DEL, "DELETE FROM groups WHERE topic = ?1")                                \
    X(GROUP_FORGET, "DELETE FROM groups WHERE name = ?1")                              \
    X(GROUP_COUNT, "SELECT count(DISTINCT name) FROM groups WHERE topic = ?1")         \
    X(GROUP_FLOOR, "SELECT count(*), min(offset) FROM groups WHERE topic = ?1 AND "    \
                   "partition = ?2")                                                   \
    X(EPOCH_NEXT, "INSERT INTO producers(id, epoch) VALUES(?1, 1) ON CONFLICT DO "     \
                  "UPDATE SET epoch = epoch + 1 RETURNING epoch")                      \
    X(EPOCH_GET, "SELECT epoch FROM producers WHERE id = ?1")
enum emb_sql {
#define X(name, sql) EMB_##name,
    EMB_SQL_MAP(X)
#undef X
        EMB_N_SQL
};

/* An offset to be committed; strings are the arena's it was made in. */
struct emb_offset {
    const char *group, *topic, *metadata;
    int32_t partition;
    int64_t offset;
};

/* Up to where a partition's batches are as full as they get. */
struct emb_tidied {
    int64_t pid, offset;
};

struct emb {
    struct bus base;
    sqlite3 *db;
    char *path;
    bool is_readonly;
    int busy_ms;           /* how long to wait for other writers */
    int64_t busy_since_ms; /* monotonic, of the wait that is on */
    uint64_t own_commits;  /* data_version does not count our own */
    sqlite3_stmt *sql[EMB_N_SQL];
    struct arena pending_names; /* plain commits not written yet */
    VEC(struct emb_offset) pending;
    VEC(struct emb_tidied) tidied; /* this process's own memory of it */
    size_t tidied_turn;
};

struct emb_topic_list {
    struct arena names;
    VEC(struct bus_topic) topics;
};

struct emb_topic {
    int64_t id, first_pid, retention_ms, retention_bytes;
    int32_t partitions;
    enum bus_key_rule key_rule;
};

/* ── bus_embedded_sql.c ── */
/* The statement, prepared at its first use. */
int emb_sql(struct emb *b, enum emb_sql which, sqlite3_stmt **out, struct err *e);
/* 1 a row, 0 the end (statement reset), negative: error (reset, e filled: "what: why").
 */
int emb_step(struct emb *b, sqlite3_stmt *s, const char *what, struct err *e);
/* Step a statement that gives no rows; changes: rows changed, may be NULL. */
int emb_exec(struct emb *b, sqlite3_stmt *s, const char *what, struct err *e);
/* Text of SQL with several statements, without rows. */
int emb_script(struct emb *b, const char *sql, const char *what, struct err *e);
/* The integer that a statement of one row gives, 0 without a row. */
int emb_pragma_int(struct emb *b, const char *sql, int64_t *out, struct err *e);
int emb_error(struct emb *b, int rc, const char *what, struct err *e);
int emb_begin(struct emb *b, const char *what, struct err *e);
int emb_commit(struct emb *b, const char *what, struct err *e);
void emb_rollback(struct emb *b);
int emb_busy(void *arg, int count); /* SQLite's busy handler */
/* Fault injection: when set, asked before every step; a result other than SQLITE_OK is
 * taken for the step's. NULL outside of tests. */
extern int (*emb_fault)(void);

/* ── bus_embedded_topic.c ── */
int emb_topic_find(struct emb *b, const char *name, struct emb_topic *out,
                   struct err *e);
int emb_topic_ensure(struct bus *b, const struct bus_topic *t, struct err *e);
int emb_topic_delete(struct bus *b, const char *name, struct err *e);
int emb_topics(struct bus *b, bus_topic_fn *fn, void *arg, struct err *e);
/* All topics, kept; release the list also after an error. */
int emb_topic_list(struct bus *b, struct emb_topic_list *list, struct err *e);
void emb_topic_list_release(struct emb_topic_list *list);
int emb_partitions(struct bus *b, const char *topic, struct err *e);
int emb_ranges(struct bus *b, const char *topic, int32_t first, size_t n,
               struct bus_range *out, struct err *e);

/* ── bus_embedded_group.c ── */
/* Inside a write transaction. */
int emb_offset_put(struct emb *b, const struct emb_offset *o, int64_t now_ms,
                   struct err *e);
/* Write the plain commits that wait. */
int emb_flush(struct emb *b, struct err *e);
int emb_committed(struct bus *b, const char *group, const char *topic,
                  int32_t partition, struct bus_committed *out, struct err *e);
int emb_groups(struct bus *b, const char *group, bus_group_fn *fn, void *arg,
               struct err *e);
int emb_group_reset(struct bus *b, const char *group, const char *topic,
                    int32_t partition, int64_t offset, struct err *e);
int emb_group_delete(struct bus *b, const char *group, struct err *e);

/* ── bus_embedded_batch.c ── */
/* The row of a statement that starts with: id, n, n_headers, base_ms, codec, raw_bytes,
 * checksum, data. */
struct codec_batch emb_batch_of(sqlite3_stmt *s, int32_t partition);
/* That row's records, behind what the reader holds; an error names the place. */
int emb_batch_read(struct emb *b, struct codec_reader *r, sqlite3_stmt *s,
                   const struct codec_batch *batch, const char *topic, struct err *e);
/* Inside a write transaction: one batch; all batches from first_id to last_id. */
int emb_batch_add(struct emb *b, int64_t id, const struct codec_batch *meta,
                  int64_t max_ms, const void *data, size_t len, struct err *e);
int emb_batch_delete(struct emb *b, int64_t first_id, int64_t last_id, struct err *e);

/* ── bus_embedded_write.c ── */
int emb_producer_open(struct bus *b, const char *id, struct bus_producer **out,
                      struct err *e);
void emb_producer_close(struct bus_producer *p);
int emb_produce(struct bus_producer *p, const char *topic, const struct bus_record *r,
                struct err *e);
int emb_txn_offset(struct bus_producer *p, const char *group, const char *topic,
                   int32_t partition, int64_t next_offset, const char *metadata,
                   struct err *e);
int emb_txn_commit(struct bus_producer *p, struct err *e);
int emb_txn_abort(struct bus_producer *p, struct err *e);
size_t emb_txn_bytes(const struct bus_producer *p);

/* ── bus_embedded_read.c ── */
int emb_offset_at(struct bus *b, const char *topic, int32_t partition, int64_t ms,
                  int64_t *offset, struct err *e);
int emb_consumer_open(struct bus *b, const char *group, struct bus_consumer **out,
                      struct err *e);
void emb_consumer_close(struct bus_consumer *c);
int emb_assign(struct bus_consumer *c, const char *topic, int32_t partition,
               int64_t offset, struct err *e);
int emb_unassign(struct bus_consumer *c, const char *topic, int32_t partition,
                 struct err *e);
int emb_seek(struct bus_consumer *c, const char *topic, int32_t partition,
             int64_t offset, struct err *e);
int64_t emb_position(const struct bus_consumer *c, const char *topic,
                     int32_t partition);
int emb_poll(struct bus_consumer *c, size_t max, int timeout_ms, struct bus_batch *out,
             struct err *e);
int emb_consumer_commit(struct bus_consumer *c, const char *topic, int32_t partition,
                        int64_t next_offset, const char *metadata, struct err *e);

/* ── bus_embedded_retain.c ── */
int emb_retain(struct bus *b, int64_t now_ms, struct err *e);

/* ── bus_embedded_tidy.c ── */
int emb_tidy(struct bus *b, struct err *e);

#endif
