/* The embedded bus's dealings with SQLite: statements prepared once, steps with their
 * errors in our words, write transactions, waiting for other writers. Called by the
 * other bus_embedded_*.c files only. */
#include "bus/bus_embedded.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include "base/timeutil.h"

static const char *const texts[] = {
#define X(name, sql) sql,
    EMB_SQL_MAP(X)
#undef X
};

int (*emb_fault)(void);

static int fault(void)
{
    return __builtin_expect(emb_fault != NULL, 0) ? emb_fault() : SQLITE_OK;
}

/* Waits 1 to 10 ms with jitter: several writers then take turns, where SQLite's own
 * handler (up to 100 ms) leaves the lock free most of the time. */
int emb_busy(void *arg, int count)
{
    struct emb *b = arg;
    int64_t now = time_mono_ms();
    if (count == 0)
        b->busy_since_ms = now;
    if (now - b->busy_since_ms >= b->busy_ms)
        return 0;
    unsigned step = count < 9 ? (unsigned)count + 1 : 10;
    uint64_t x = (uint64_t)time_mono_us() * UINT64_C(0x9E3779B97F4A7C15);
    struct timespec t = {0, (long)((x >> 33) % (step * 1000000) + 100000)};
    nanosleep(&t, NULL);
    return 1;
}

static bool is_space_errno(int error)
{
    return error == ENOSPC || error == EDQUOT || error == EFBIG;
}

int emb_error(struct emb *b, int rc, const char *what, struct err *e)
{
    int last = errno; /* of the failing call: SQLite keeps none of a failed COMMIT */
    int sys = b->db ? sqlite3_system_errno(b->db) : 0;
    if (sys == 0)
        sys = last;
    const char *text = b->db ? sqlite3_errmsg(b->db) : sqlite3_errstr(rc);
    int kind = rc & 0xff;
    if (kind == SQLITE_FULL || (kind == SQLITE_IOERR && is_space_errno(sys)))
        return err_set(e, ERR_FULL,
                       "bus %s: no space left to %s%s; nothing of it was written: free "
                       "space there and try again",
                       b->path, what, sys == EFBIG ? " (file size limit)" : "");
    if (kind == SQLITE_BUSY || kind == SQLITE_LOCKED)
        return err_set(e, ERR_LOCKED,
                       "bus %s: cannot %s: another process has been writing for %d s; "
                       "try again, or look for a stopped weir process",
                       b->path, what, b->busy_ms / 1000);
    if (kind == SQLITE_CORRUPT || kind == SQLITE_NOTADB)
        return err_set(e, ERR_CORRUPT,
                       "bus %s: cannot %s: %s; put back a copy of the file, or move it "
                       "away to start an empty bus",
                       b->path, what, text);
    if (kind == SQLITE_READONLY || kind == SQLITE_PERM || kind == SQLITE_CANTOPEN)
        return err_set(
            e, ERR_IO,
            "bus %s: cannot %s: %s; weir needs to write in the folder of this "
            "file",
            b->path, what, text);
    if (kind == SQLITE_NOMEM)
        return err_set(e, ERR_NOMEM, "bus %s: no memory to %s", b->path, what);
    if (kind == SQLITE_IOERR)
        return err_set(e, ERR_IO, "bus %s: cannot %s: %s%s%s", b->path, what, text,
                       sys ? ": " : "", sys ? strerror(sys) : "");
    return err_set(e, ERR_BUS, "bus %s: cannot %s: %s", b->path, what, text);
}

int emb_sql(struct emb *b, enum emb_sql which, sqlite3_stmt **out, struct err *e)
{
    *out = b->sql[which];
    if (*out)
        return 0;
    int rc = fault();
    if (rc == SQLITE_OK)
        rc = sqlite3_prepare_v3(b->db, texts[which], -1, SQLITE_PREPARE_PERSISTENT, out,
                                NULL);
    if (rc != SQLITE_OK)
        return emb_error(b, rc, "prepare a statement", e);
    b->sql[which] = *out;
    return 0;
}

int emb_step(struct emb *b, sqlite3_stmt *s, const char *what, struct err *e)
{
    int rc = fault();
    errno = 0;
    if (rc == SQLITE_OK)
        rc = sqlite3_step(s);
    if (rc == SQLITE_ROW)
        return 1;
    if (rc == SQLITE_DONE) {
        sqlite3_reset(s);
        return 0;
    }
    rc = emb_error(b, rc, what, e);
    sqlite3_reset(s);
    return rc;
}

int emb_exec(struct emb *b, sqlite3_stmt *s, const char *what, struct err *e)
{
    int rc = emb_step(b, s, what, e);
    sqlite3_reset(s);
    return rc < 0 ? rc : 0;
}

int emb_script(struct emb *b, const char *sql, const char *what, struct err *e)
{
    int rc = fault();
    errno = 0;
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(b->db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? 0 : emb_error(b, rc, what, e);
}

int emb_begin(struct emb *b, const char *what, struct err *e)
{
    if (b->is_readonly)
        return err_set(e, ERR_UNSUPPORTED, "bus %s: opened to read only, cannot %s",
                       b->path, what);
    sqlite3_stmt *s;
    int rc = emb_sql(b, EMB_BEGIN, &s, e);
    return rc < 0 ? rc : emb_exec(b, s, what, e);
}

int emb_commit(struct emb *b, const char *what, struct err *e)
{
    sqlite3_stmt *s;
    int rc = emb_sql(b, EMB_COMMIT, &s, e);
    if (rc == 0)
        rc = emb_exec(b, s, what, e);
    if (rc < 0)
        emb_rollback(b);
    else
        b->own_commits++;
    return rc;
}

void emb_rollback(struct emb *b)
{
    if (!sqlite3_get_autocommit(b->db))
        sqlite3_exec(b->db, "ROLLBACK", NULL, NULL, NULL);
}

int emb_pragma_int(struct emb *b, const char *sql, int64_t *out, struct err *e)
{
    sqlite3_stmt *s = NULL;
    int rc = sqlite3_prepare_v2(b->db, sql, -1, &s, NULL);
    if (rc != SQLITE_OK)
        return emb_error(b, rc, "read its header", e);
    rc = emb_step(b, s, "read its header", e);
    *out = rc == 1 ? sqlite3_column_int64(s, 0) : 0;
    sqlite3_finalize(s);
    return rc < 0 ? rc : 0;
}
