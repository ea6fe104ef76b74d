/* The embedded member of the bus: one SQLite file on this machine, any number of
 * processes, no server. This file opens and closes it; bus_embedded.h is the map of the
 * others.
 *
 * In: bus.c through the row at the end. Out: the file bus.db (with -wal and -shm).
 * Durability: WAL with synchronous=FULL, so a commit that returned survives a power
 * cut; is_relaxed (NORMAL) may lose the last commits in one, never the file's
 * consistency. */
#include "bus/bus_embedded.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/timeutil.h"

/* Chosen by measurement: README.md. */
#ifndef EMB_PAGE_SIZE
#define EMB_PAGE_SIZE 8192
#endif
#define BUSY_MS   30000
#define CACHE_KIB 4096
#define WAL_KEEP  (64 * 1024 * 1024) /* bytes the log keeps after a checkpoint */

#define STRING_(x) #x
#define STRING(x)  STRING_(x)

static const char schema[] =
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
    "INSERT INTO meta VALUES('next_pid', 1);"
    "CREATE TABLE topics(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL "
    "UNIQUE,"
    " first_pid INTEGER NOT NULL, partitions INTEGER NOT NULL, retention_ms INTEGER "
    "NOT "
    "NULL, retention_bytes INTEGER NOT NULL, key_rule INTEGER NOT NULL);"
    "CREATE TABLE partitions(pid INTEGER PRIMARY KEY, start_offset INTEGER NOT NULL,"
    " next_offset INTEGER NOT NULL, max_ms INTEGER NOT NULL, bytes INTEGER NOT NULL);"
    "CREATE TABLE batches(id INTEGER PRIMARY KEY, n INTEGER NOT NULL, n_headers "
    "INTEGER "
    "NOT NULL, base_ms INTEGER NOT NULL, max_ms INTEGER NOT NULL, codec INTEGER NOT "
    "NULL,"
    " raw_bytes INTEGER NOT NULL, checksum INTEGER NOT NULL, bytes INTEGER NOT NULL,"
    " blob INTEGER NOT NULL);"
    "CREATE TABLE blobs(id INTEGER PRIMARY KEY, data BLOB NOT NULL);"
    "CREATE TABLE groups(name TEXT NOT NULL, topic TEXT NOT NULL, partition INTEGER "
    "NOT "
    "NULL, offset INTEGER NOT NULL, committed_ms INTEGER NOT NULL, metadata TEXT NOT "
    "NULL, PRIMARY KEY(name, topic, partition)) WITHOUT ROWID;"
    "CREATE INDEX groups_by_topic ON groups(topic, partition);"
    "CREATE TABLE producers(id TEXT PRIMARY KEY, epoch INTEGER NOT NULL) WITHOUT ROWID;"
    "PRAGMA application_id = " STRING(
        EMB_APPLICATION_ID) ";"
                            "PRAGMA user_version = " STRING(EMB_VERSION) ";";

static void emb_close(struct bus *bus)
{
    struct emb *b = (struct emb *)bus;
    if (bus->pid == getpid() || bus->pid == 0) {
        if (b->db)
            emb_flush(b, NULL);
        for (size_t i = 0; i < EMB_N_SQL; i++)
            sqlite3_finalize(b->sql[i]);
        sqlite3_close(b->db);
    }
    vec_release(&b->pending);
    vec_release(&b->tidied);
    arena_release(&b->pending_names);
    mem_free(b->path);
    mem_free(b);
}

/* 1: our file, right version; 0: an empty file; negative: anything else. */
static int check_version(struct emb *b, struct err *e)
{
    int64_t id, version, tables;
    int rc = emb_pragma_int(b, "PRAGMA application_id", &id, e);
    if (rc == 0)
        rc = emb_pragma_int(b, "PRAGMA user_version", &version, e);
    if (rc == 0)
        rc = emb_pragma_int(b, "SELECT count(*) FROM sqlite_schema", &tables, e);
    if (rc < 0)
        return rc;
    if (id == 0 && version == 0 && tables == 0)
        return 0;
    if (id != EMB_APPLICATION_ID)
        return err_set(
            e, ERR_CONFIG,
            "bus %s: this is some other program's SQLite file; set bus.path to "
            "another place",
            b->path);
    if (version != EMB_VERSION)
        return err_set(
            e, ERR_CONFIG,
            "bus %s: file format %lld, this weir reads %d; use the weir that "
            "wrote it, or move the file away to start an empty bus",
            b->path, (long long)version, EMB_VERSION);
    return 1;
}

/* The same at one moment: between two reads another process may make the file. */
static int look_at_version(struct emb *b, struct err *e)
{
    int rc = emb_script(b, "BEGIN", "prepare it", e);
    if (rc < 0)
        return rc;
    rc = check_version(b, e);
    emb_rollback(b);
    return rc;
}

/* SQLite's busy handler is not asked while the journal mode changes, so that several
 * processes that create the file at once have to be patient here. */
static int set_wal(struct emb *b, struct err *e)
{
    int64_t deadline = time_mono_ms() + b->busy_ms;
    for (int count = 0;; count++) {
        int rc = sqlite3_exec(b->db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);
        if (rc == SQLITE_OK)
            return 0;
        if ((rc & 0xff) != SQLITE_BUSY || time_mono_ms() >= deadline)
            return emb_error(b, rc, "prepare it", e);
        emb_busy(b, count ? count : 1);
    }
}

static int create(struct emb *b, struct err *e)
{
    int rc = emb_script(b,
                        "PRAGMA page_size = " STRING(
                            EMB_PAGE_SIZE) "; PRAGMA auto_vacuum = INCREMENTAL",
                        "create it", e);
    if (rc == 0)
        rc = set_wal(b, e);
    if (rc == 0)
        rc = emb_begin(b, "create it", e);
    if (rc < 0)
        return rc;
    rc = check_version(b, e); /* another process may have been first */
    if (rc == 0)
        rc = emb_script(b, schema, "create it", e);
    if (rc >= 0)
        return emb_commit(b, "create it", e);
    emb_rollback(b);
    return rc;
}

static int set_up(struct emb *b, bool is_relaxed, struct err *e)
{
    b->busy_since_ms = time_mono_ms();
    sqlite3_busy_handler(b->db, emb_busy, b);
    sqlite3_extended_result_codes(b->db, 1);
    char sql[200];
    /* secure_delete, on in Debian's build, would write zeros over what retention frees:
     * as many bytes again as were ever produced */
    snprintf(
        sql, sizeof sql,
        "PRAGMA cache_size = -%d; PRAGMA journal_size_limit = %d; PRAGMA secure_delete "
        "= OFF; PRAGMA synchronous = %s",
        CACHE_KIB, WAL_KEEP, is_relaxed ? "NORMAL" : "FULL");
    int rc = emb_script(b, sql, "prepare it", e);
    if (rc == 0)
        rc = look_at_version(b, e);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    if (b->is_readonly)
        return err_set(e, ERR_NOTFOUND, "bus %s: nothing there yet: `weir up` fills it",
                       b->path);
    return create(b, e);
}

static int emb_open(struct bus **out, const struct bus_options *o, struct err *e)
{
    if (!o->path || !*o->path)
        return err_set(e, ERR_CONFIG, "the embedded bus needs a path");
    struct stat st;
    if (o->is_readonly && stat(o->path, &st) != 0 && errno == ENOENT)
        return err_set(e, ERR_NOTFOUND, "bus %s: no such file: `weir up` creates it",
                       o->path);
    struct emb *b = mem_alloc(sizeof *b);
    b->path = mem_strdup(o->path);
    b->is_readonly = o->is_readonly;
    b->busy_ms = BUSY_MS;
    arena_init(&b->pending_names, 0);
    int flags = o->is_readonly ? SQLITE_OPEN_READONLY
                               : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    int rc = sqlite3_open_v2(o->path, &b->db, flags | SQLITE_OPEN_NOMUTEX, NULL);
    rc = rc == SQLITE_OK ? set_up(b, o->is_relaxed, e) : emb_error(b, rc, "open it", e);
    if (rc < 0) {
        emb_close(&b->base);
        return rc;
    }
    *out = &b->base;
    return 0;
}

const struct bus_ops bus_embedded_ops = {
    .kind = "embedded",
    .open = emb_open,
    .close = emb_close,
    .topic_ensure = emb_topic_ensure,
    .topic_delete = emb_topic_delete,
    .topics = emb_topics,
    .partitions = emb_partitions,
    .ranges = emb_ranges,
    .offset_at = emb_offset_at,
    .committed = emb_committed,
    .groups = emb_groups,
    .group_reset = emb_group_reset,
    .group_delete = emb_group_delete,
    .producer_open = emb_producer_open,
    .producer_close = emb_producer_close,
    .produce = emb_produce,
    .txn_offset = emb_txn_offset,
    .txn_commit = emb_txn_commit,
    .txn_abort = emb_txn_abort,
    .txn_bytes = emb_txn_bytes,
    .consumer_open = emb_consumer_open,
    .consumer_close = emb_consumer_close,
    .assign = emb_assign,
    .unassign = emb_unassign,
    .seek = emb_seek,
    .position = emb_position,
    .poll = emb_poll,
    .commit = emb_consumer_commit,
    .retain = emb_retain,
    .tidy = emb_tidy,
};
