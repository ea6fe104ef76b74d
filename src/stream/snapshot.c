/* The snapshot file (snapshot.h), by SQLite: a write is there whole or not at
 * all, and a torn page is caught by the row's checksum. In: bytes of a partition; out:
 * the same bytes. Called by the worker after a commit and on recovery. What always
 * holds: losing the file costs time (a replay from the log's start), never correctness.
 */
#include "stream/snapshot.h"

#include <poll.h>
#include <sqlite3.h>

#include "base/hash.h"
#include "base/mem.h"

#define KEEP      "3"
#define WAL_TRIES 2000 /* 5 ms each: as long as the busy timeout */

enum statement { SQL_PUT, SQL_TRIM, SQL_FORGET, SQL_LOAD, SQL_N };
static const char *const statements[] = {
    [SQL_PUT] = "insert or replace into snapshot(topic, part, offset, checksum, bytes) "
                "values(?1, ?2, ?3, ?4, ?5)",
    [SQL_TRIM] =
        "delete from snapshot where topic = ?1 and part = ?2 and offset not in "
        "(select offset from snapshot where topic = ?1 and part = ?2 "
        "order by offset desc limit " KEEP ")",
    [SQL_FORGET] =
        "delete from snapshot where topic = ?1 and part = ?2 and offset > ?3",
    [SQL_LOAD] = "select offset, checksum, bytes from snapshot where topic = ?1 and "
                 "part = ?2 and offset <= ?3 order by offset desc",
};

struct snapshots {
    sqlite3 *db;
    sqlite3_stmt *statements[SQL_N];
    char *path;
};

static int failed(struct snapshots *s, const char *what, struct err *e)
{
    int code = s->db ? sqlite3_errcode(s->db) & 0xFF : SQLITE_NOMEM;
    return err_set(e,
                   code == SQLITE_FULL                               ? ERR_FULL
                   : code == SQLITE_BUSY || code == SQLITE_LOCKED    ? ERR_LOCKED
                   : code == SQLITE_CORRUPT || code == SQLITE_NOTADB ? ERR_CORRUPT
                                                                     : ERR_IO,
                   "%s: %s: %s", s->path, what,
                   s->db ? sqlite3_errmsg(s->db) : "memory");
}

static int exec(struct snapshots *s, const char *sql, struct err *e)
{
    return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0
                                                                   : failed(s, sql, e);
}

/* Two workers that make the file at once: SQLite gives the one that comes second no
 * time to wait (its busy handler is not asked for a change of the journal). */
static int become_wal(struct snapshots *s, struct err *e)
{
    int rc, tries = 0;
    while ((rc = exec(s, "pragma journal_mode = wal; pragma synchronous = normal",
                      e)) == ERR_LOCKED &&
           tries++ < WAL_TRIES)
        (void)poll(NULL, 0, 5);
    return rc;
}

static int prepare(struct snapshots *s, struct err *e)
{
    static const char schema[] =
        "create table if not exists snapshot(topic text not null, part integer not "
        "null, "
        "offset integer not null, checksum integer not null, bytes blob not null, "
        "primary key(topic, part, offset)) without rowid";
    int rc = become_wal(s, e);
    if (rc == 0)
        rc = exec(s, schema, e);
    for (int i = 0; i < SQL_N && rc == 0; i++)
        if (sqlite3_prepare_v3(s->db, statements[i], -1, SQLITE_PREPARE_PERSISTENT,
                               &s->statements[i], NULL) != SQLITE_OK)
            rc = failed(s, "prepare", e);
    return rc;
}

int snapshots_open(struct snapshots **out, const char *path, struct err *e)
{
    struct snapshots *s = mem_alloc(sizeof *s);
    s->path = mem_strdup(path);
    int rc = 0;
    if (sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                        NULL) != SQLITE_OK)
        rc = failed(s, "open", e);
    if (rc == 0) {
        sqlite3_busy_timeout(s->db, 10000);
        rc = prepare(s, e);
    }
    if (rc < 0) {
        snapshots_close(s);
        return rc;
    }
    *out = s;
    return 0;
}

void snapshots_close(struct snapshots *s)
{
    if (!s)
        return;
    for (int i = 0; i < SQL_N; i++)
        sqlite3_finalize(s->statements[i]);
    sqlite3_close(s->db);
    mem_free(s->path);
    mem_free(s);
}

int snapshots_begin(struct snapshots *s, struct err *e)
{
    return exec(s, "begin immediate", e);
}

int snapshots_commit(struct snapshots *s, struct err *e)
{
    return exec(s, "commit", e);
}

void snapshots_rollback(struct snapshots *s)
{
    if (!sqlite3_get_autocommit(s->db))
        exec(s, "rollback", NULL);
}

static sqlite3_stmt *bound(struct snapshots *s, enum statement which, const char *topic,
                           int32_t partition, int64_t offset)
{
    sqlite3_stmt *st = s->statements[which];
    sqlite3_bind_text(st, 1, topic, -1, SQLITE_STATIC);
    sqlite3_bind_int(st, 2, partition);
    if (which != SQL_TRIM)
        sqlite3_bind_int64(st, 3, offset);
    return st;
}

static int run(struct snapshots *s, sqlite3_stmt *st, const char *what, struct err *e)
{
    int rc = sqlite3_step(st) == SQLITE_DONE ? 0 : failed(s, what, e);
    sqlite3_reset(st);
    return rc;
}

static int64_t checksum_of(const void *p, size_t n)
{
    return (int64_t)hash_64(p, n);
}

int snapshots_put(struct snapshots *s, const char *topic, int32_t partition,
                  int64_t offset, struct str bytes, struct err *e)
{
    sqlite3_stmt *st = bound(s, SQL_PUT, topic, partition, offset);
    sqlite3_bind_int64(st, 4, checksum_of(bytes.p, bytes.n));
    sqlite3_bind_blob64(st, 5, bytes.p, bytes.n, SQLITE_STATIC);
    int rc = run(s, st, "write a snapshot", e);
    if (rc == 0)
        rc = run(s, bound(s, SQL_TRIM, topic, partition, 0), "delete old snapshots", e);
    return rc;
}

int snapshots_load(struct snapshots *s, const char *topic, int32_t partition,
                   int64_t *at, struct buf *out, struct err *e)
{
    int found = 0, step;
    int rc = run(s, bound(s, SQL_FORGET, topic, partition, *at), "forget snapshots", e);
    if (rc < 0)
        return rc;
    sqlite3_stmt *st = bound(s, SQL_LOAD, topic, partition, *at);
    while (!found && (step = sqlite3_step(st)) == SQLITE_ROW) {
        const void *bytes = sqlite3_column_blob(st, 2);
        size_t n = (size_t)sqlite3_column_bytes(st, 2);
        if (!bytes || checksum_of(bytes, n) != sqlite3_column_int64(st, 1))
            continue;
        buf_reset(out);
        buf_add(out, bytes, n);
        rc = buf_check(out, "a snapshot", e);
        *at = sqlite3_column_int64(st, 0);
        found = 1;
    }
    if (!found && step != SQLITE_DONE)
        rc = failed(s, "read a snapshot", e);
    sqlite3_reset(st);
    return rc < 0 ? rc : found;
}
