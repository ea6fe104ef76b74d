/* SQLite member: write-ahead logs. In: the -wal files of a warehouse's folder. Out:
 * what they hold, in the .db files. A checkpoint syncs the log, copies it and syncs the
 * file: seconds of waiting after a large model, which the model's worker need not
 * spend. So one process, the keeper, holds a lock on DIR/.keeper and does it for all;
 * each commit asks for that lock (lite_log_grew) and does the work itself when nobody
 * has it.
 *
 * Always holds: the copying (PASSIVE) keeps nobody waiting; a log that only grows,
 * because somebody always writes, is cut at a moment when little is left of it. */
#include "warehouse/keeper.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/mem.h"
#include "base/timeutil.h"
#include "base/vec.h"
#include "warehouse/wh_sqlite.h"

#define LOCK_FILE    ".keeper"
#define LOG_BYTES    (64 << 20)  /* from here on a log is looked at */
#define CUT_BYTES    (256 << 20) /* from here on writers are made to wait a moment */
#define CUT_WAIT_MS  200
#define REST_MS      4000 /* pages that change all the time are written once in these */
#define PAGES_ALONE  4000 /* of 16 KiB: without a keeper, checkpoint at 64 MiB */
#define PAGES_TRUST  262144 /* with one that does not get there: at 4 GiB */
#define NAME_MAX_LEN 256

struct log {
    char name[NAME_MAX_LEN]; /* without ".db-wal" */
    struct timespec changed; /* when it was last brought back */
    int64_t next_ms;         /* monotonic; not again before */
};

struct wh_keeper {
    char *dir;
    int lock; /* file descriptor, -1: not the keeper */
    VEC(struct log) logs;
};

struct wh_keeper *wh_keeper_open(const char *dir)
{
    struct wh_keeper *k = mem_alloc(sizeof *k);
    k->dir = mem_strdup(dir);
    k->lock = -1;
    return k;
}

void wh_keeper_close(struct wh_keeper *k)
{
    if (!k)
        return;
    if (k->lock >= 0)
        close(k->lock);
    vec_release(&k->logs);
    mem_free(k->dir);
    mem_free(k);
}

static int open_lock(const char *dir)
{
    char *path = mem_printf("%s/" LOCK_FILE, dir);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    mem_free(path);
    return fd;
}

static bool become_keeper(struct wh_keeper *k)
{
    if (k->lock >= 0)
        return true;
    int fd = open_lock(k->dir);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0) {
        k->lock = fd;
        return true;
    }
    if (fd >= 0)
        close(fd);
    return false;
}

static struct log *log_of(struct wh_keeper *k, const char *name)
{
    for (size_t i = 0; i < k->logs.n; i++)
        if (streq(k->logs.v[i].name, name))
            return &k->logs.v[i];
    struct log fresh = {0};
    str_copy(fresh.name, sizeof fresh.name, name);
    vec_push(&k->logs, fresh);
    return &k->logs.v[k->logs.n - 1];
}

static int checkpoint(sqlite3 *db, const char *path, int mode, bool *is_whole,
                      struct err *e)
{
    int in_log = 0, copied = 0;
    int rc = sqlite3_wal_checkpoint_v2(db, NULL, mode, &in_log, &copied);
    *is_whole = rc == SQLITE_OK && in_log == copied;
    if (rc == SQLITE_OK || (rc & 0xff) == SQLITE_BUSY || (rc & 0xff) == SQLITE_LOCKED)
        return 0;
    return err_set(e, (rc & 0xff) == SQLITE_FULL ? ERR_FULL : ERR_IO,
                   "checkpoint of %s: %s", path, sqlite3_errmsg(db));
}

/* Twice without locks, so that little is left; then, if it has grown too long, with the
 * writers' lock: the next one begins it anew. */
static int bring_back(sqlite3 *db, const char *path, off_t size, struct err *e)
{
    bool is_whole = false;
    int rc = checkpoint(db, path, SQLITE_CHECKPOINT_PASSIVE, &is_whole, e);
    if (rc == 0 && !is_whole)
        rc = checkpoint(db, path, SQLITE_CHECKPOINT_PASSIVE, &is_whole, e);
    if (rc == 0 && size >= CUT_BYTES) {
        sqlite3_busy_timeout(db, CUT_WAIT_MS);
        rc = checkpoint(db, path, SQLITE_CHECKPOINT_RESTART, &is_whole, e);
    }
    return rc;
}

static int open_file(const char *path, sqlite3 **db, struct err *e)
{
    int rc =
        sqlite3_open_v2(path, db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    /* a first read: without it a checkpoint takes the file for one without a log */
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(*db,
                          "PRAGMA synchronous=NORMAL; PRAGMA cache_size=-64;"
                          "PRAGMA wal_autocheckpoint=0; PRAGMA schema_version",
                          NULL, NULL, NULL);
    if (rc == SQLITE_OK || (rc & 0xff) == SQLITE_BUSY)
        return rc == SQLITE_OK;
    return err_set(e, ERR_IO, "open %s: %s", path, sqlite3_errmsg(*db));
}

static int keep_log(struct wh_keeper *k, const char *name, const struct stat *st,
                    struct err *e)
{
    struct log *log = log_of(k, name);
    if (memcmp(&log->changed, &st->st_mtim, sizeof log->changed) == 0 ||
        time_mono_ms() < log->next_ms)
        return 0;
    sqlite3 *db = NULL;
    char *path = mem_printf("%s/%s.db", k->dir, name);
    int rc = open_file(path, &db, e);
    if (rc > 0)
        rc = bring_back(db, path, st->st_size, e);
    if (rc == 0)
        log->changed = st->st_mtim;
    log->next_ms = time_mono_ms() + REST_MS;
    sqlite3_close(db);
    mem_free(path);
    return rc;
}

/* "silver.db-wal" → "silver"; false: no log of a warehouse's file. */
static bool base_name(const char *file, char out[NAME_MAX_LEN])
{
    static const char tail[] = ".db-wal";
    size_t n = strlen(file), t = sizeof tail - 1;
    if (n <= t || n - t >= NAME_MAX_LEN || strcmp(file + n - t, tail) != 0)
        return false;
    memcpy(out, file, n - t);
    out[n - t] = '\0';
    return true;
}

int wh_keeper_round(struct wh_keeper *k, struct err *e)
{
    int rc = 0;
    DIR *d = opendir(k->dir);
    if (!d)
        return errno == ENOENT ? 0 : err_errno(e, ERR_IO, "read %s", k->dir);
    if (!become_keeper(k)) {
        closedir(d);
        return 0;
    }
    for (struct dirent *f; rc == 0 && (f = readdir(d));) {
        char name[NAME_MAX_LEN];
        struct stat st;
        if (base_name(f->d_name, name) && fstatat(dirfd(d), f->d_name, &st, 0) == 0 &&
            st.st_size >= LOG_BYTES)
            rc = keep_log(k, name, &st, e);
    }
    closedir(d);
    return rc < 0 ? rc : 1;
}

/* ── the writers' side ── */

static bool has_keeper(struct lite *l)
{
    if (l->keeper_lock < 0)
        l->keeper_lock = open_lock(l->dir);
    if (l->keeper_lock < 0)
        return false;
    if (flock(l->keeper_lock, LOCK_SH | LOCK_NB) < 0)
        return errno == EWOULDBLOCK;
    flock(l->keeper_lock, LOCK_UN);
    return false;
}

int lite_log_grew(void *arg, sqlite3 *db, const char *schema, int pages)
{
    struct lite *l = arg;
    if (pages < PAGES_ALONE || (pages < PAGES_TRUST && has_keeper(l)))
        return SQLITE_OK;
    sqlite3_wal_checkpoint_v2(db, schema, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    return SQLITE_OK; /* what failed is tried again by the next commit */
}
