/* The state database: opening, schema, and how every statement runs.
 *
 * in: a path. out: a handle for state_runs.c, state_alerts.c, state_figures.c. Called
 * by the supervisor (the one writer) and by commands (read-only). Always holds: the
 * schema has a version; a file of a newer weir is refused, never rewritten; rows in a
 * terminal state cannot change it (triggers), whoever asks. */
#include "state/state_db.h"

#include <sqlite3.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/timeutil.h"

#define SCHEMA_VERSION 1
#define KEEP_RUNS      1000
#define KEEP_AUDIT     100000

static const char schema_v1[] =
    "CREATE TABLE runs(id INTEGER PRIMARY KEY AUTOINCREMENT, command TEXT NOT NULL,"
    " reason TEXT, args TEXT, state TEXT NOT NULL DEFAULT 'queued', message TEXT,"
    " created_ms INTEGER NOT NULL, started_ms INTEGER, ended_ms INTEGER,"
    " CHECK(state IN ('queued','running','success','failed','blocked','cancelled',"
    "'crashed')));"
    "CREATE TRIGGER runs_final BEFORE UPDATE OF state ON runs"
    " WHEN old.state NOT IN ('queued','running')"
    " BEGIN SELECT RAISE(ABORT,'the run has ended'); END;"
    "CREATE TABLE tasks(run_id INTEGER NOT NULL, seq INTEGER NOT NULL,"
    " node TEXT NOT NULL, kind TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'waiting',"
    " attempt INTEGER NOT NULL DEFAULT 0, deps TEXT, data TEXT, worker TEXT,"
    " started_ms INTEGER, ended_ms INTEGER, seconds REAL, rows INTEGER, message TEXT,"
    " result TEXT, PRIMARY KEY(run_id, node),"
    " CHECK(state IN ('waiting','running','success','pass','warn','fail','error',"
    "'skipped','blocked','cancelled'))) WITHOUT ROWID;"
    "CREATE TRIGGER tasks_final BEFORE UPDATE OF state ON tasks"
    " WHEN old.state NOT IN ('waiting','running')"
    " BEGIN SELECT RAISE(ABORT,'the task has ended'); END;"
    "CREATE TABLE attempts(run_id INTEGER NOT NULL, node TEXT NOT NULL,"
    " attempt INTEGER NOT NULL, worker TEXT, started_ms INTEGER, ended_ms INTEGER,"
    " state TEXT NOT NULL, message TEXT, PRIMARY KEY(run_id, node, attempt))"
    " WITHOUT ROWID;"
    "CREATE TABLE alerts(key TEXT PRIMARY KEY, severity TEXT, summary TEXT,"
    " component TEXT, details TEXT, state TEXT NOT NULL DEFAULT 'open',"
    " at_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL,"
    " attempts INTEGER NOT NULL DEFAULT 0, detail TEXT,"
    " CHECK(state IN ('open','sent','failing','acked','resolved')));"
    "CREATE INDEX alerts_by_state ON alerts(state, at_ms);"
    "CREATE TABLE figures(kind TEXT NOT NULL, name TEXT NOT NULL, data TEXT NOT NULL,"
    " at_ms INTEGER NOT NULL, PRIMARY KEY(kind, name)) WITHOUT ROWID;"
    "CREATE TABLE audit(id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL,"
    " who TEXT NOT NULL, verb TEXT NOT NULL, args TEXT, outcome TEXT);"
    "PRAGMA user_version=1;";

static unsigned long fail_at, steps_seen;

unsigned long state_fail_at(unsigned long n)
{
    unsigned long seen = steps_seen;
    steps_seen = 0;
    fail_at = n;
    return seen;
}

static int state_code(int sqlite_code)
{
    switch (sqlite_code & 0xff) {
    case SQLITE_FULL:
        return ERR_FULL;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ERR_LOCKED;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return ERR_CORRUPT;
    case SQLITE_NOMEM:
        return ERR_NOMEM;
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_IOERR:
        return ERR_IO;
    default:
        return ERR_SQL;
    }
}

/* Was it for want of room? last: errno of the failing call, of which SQLite keeps none
 * when a COMMIT fails. */
static bool is_no_room(const struct state *s, int code, int last)
{
    int sys = sqlite3_system_errno(s->db);
    sys = sys ? sys : last;
    return code == ERR_FULL ||
           (code == ERR_IO && (sys == ENOSPC || sys == EDQUOT || sys == EFBIG));
}

int state_failed(struct state *s, struct err *e, const char *what)
{
    int last = errno;
    int code = state_code(sqlite3_extended_errcode(s->db));
    if (is_no_room(s, code, last))
        return err_set(
            e, ERR_FULL,
            "state database %s: the disk is full: nothing of it was written; "
            "free space there, what runs goes on meanwhile",
            s->path);
    if (code == ERR_CORRUPT)
        return err_set(
            e, code,
            "state database %s is damaged (%s): move it aside and start again; "
            "topics and tables are not in it",
            s->path, sqlite3_errmsg(s->db));
    return err_set(e, code, "state database %s: %s: %s", s->path, what,
                   sqlite3_errmsg(s->db));
}

static int bind_json(sqlite3_stmt *st, int at, const json_t *v)
{
    char *text = v ? json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    int rc = text ? sqlite3_bind_text(st, at, text, -1, SQLITE_TRANSIENT)
                  : sqlite3_bind_null(st, at);
    free(text);
    return rc;
}

static int bind_all(sqlite3_stmt *st, const char *types, va_list ap)
{
    int rc = SQLITE_OK;
    for (int at = 1; *types && rc == SQLITE_OK; at++, types++) {
        if (*types == 's')
            rc = sqlite3_bind_text(st, at, va_arg(ap, const char *), -1,
                                   SQLITE_TRANSIENT);
        else if (*types == 'i')
            rc = sqlite3_bind_int64(st, at, va_arg(ap, int64_t));
        else if (*types == 'd')
            rc = sqlite3_bind_double(st, at, va_arg(ap, double));
        else
            rc = bind_json(st, at, va_arg(ap, const json_t *));
    }
    return rc;
}

static int prepare_v(struct state *s, sqlite3_stmt **out, struct err *e,
                     const char *sql, const char *types, va_list ap)
{
    *out = NULL;
    if (sqlite3_prepare_v2(s->db, sql, -1, out, NULL) != SQLITE_OK ||
        bind_all(*out, types, ap) != SQLITE_OK) {
        int rc = state_failed(s, e, "prepare");
        sqlite3_finalize(*out);
        *out = NULL;
        return rc;
    }
    return 0;
}

int state_prepare(struct state *s, sqlite3_stmt **out, struct err *e, const char *sql,
                  const char *types, ...)
{
    va_list ap;
    va_start(ap, types);
    int rc = prepare_v(s, out, e, sql, types, ap);
    va_end(ap);
    return rc;
}

int state_step(struct state *s, sqlite3_stmt *st, struct err *e)
{
    steps_seen++;
    if (fail_at > 0 && steps_seen == fail_at)
        return err_set(e, ERR_FULL, "state database %s: no space left (injected)",
                       s->path);
    int rc = sqlite3_step(st);
    if (rc == SQLITE_ROW)
        return 1;
    if (rc == SQLITE_DONE)
        return 0;
    return state_failed(s, e, "step");
}

int state_exec(struct state *s, struct err *e, const char *sql, const char *types, ...)
{
    sqlite3_stmt *st = NULL;
    va_list ap;
    va_start(ap, types);
    int rc = prepare_v(s, &st, e, sql, types, ap);
    va_end(ap);
    if (rc < 0)
        return rc;
    while ((rc = state_step(s, st, e)) == 1)
        continue;
    sqlite3_finalize(st);
    return rc < 0 ? rc : sqlite3_changes(s->db);
}

json_t *state_column_json(sqlite3_stmt *st, int i)
{
    switch (sqlite3_column_type(st, i)) {
    case SQLITE_INTEGER:
        return json_integer(sqlite3_column_int64(st, i));
    case SQLITE_FLOAT:
        return json_real(sqlite3_column_double(st, i));
    case SQLITE_TEXT: {
        const char *text = (const char *)sqlite3_column_text(st, i);
        if (!str_ends(sqlite3_column_name(st, i), "_json"))
            return json_string(text);
        json_t *v = json_loads(text, JSON_DECODE_ANY, NULL);
        return v ? v : json_null();
    }
    default:
        return json_null();
    }
}

static int state_rows(struct state *s, sqlite3_stmt *st, json_t *out, struct err *e)
{
    int rc;
    while ((rc = state_step(s, st, e)) == 1) {
        json_t *row = json_object();
        for (int i = 0; i < sqlite3_column_count(st); i++) {
            char name[64];
            if (!str_copy(name, sizeof name, sqlite3_column_name(st, i)))
                continue;
            if (str_ends(name, "_json"))
                name[strlen(name) - 5] = '\0';
            json_put(row, name, state_column_json(st, i));
        }
        json_array_append_new(out, row);
    }
    sqlite3_finalize(st);
    return rc;
}

int state_query(struct state *s, json_t **out, struct err *e, const char *sql,
                const char *types, ...)
{
    sqlite3_stmt *st = NULL;
    va_list ap;
    *out = NULL;
    va_start(ap, types);
    int rc = prepare_v(s, &st, e, sql, types, ap);
    va_end(ap);
    if (rc < 0)
        return rc;
    json_t *rows = json_array();
    rc = state_rows(s, st, rows, e);
    if (rc < 0)
        json_decref(rows);
    else
        *out = rows;
    return rc;
}

static int schema_version(struct state *s, int64_t *version, struct err *e)
{
    sqlite3_stmt *st = NULL;
    int rc = state_prepare(s, &st, e, "PRAGMA user_version", "");
    if (rc < 0)
        return rc;
    rc = state_step(s, st, e);
    *version = rc == 1 ? sqlite3_column_int64(st, 0) : 0;
    sqlite3_finalize(st);
    return rc < 0 ? rc : 0;
}

static int schema_create(struct state *s, struct err *e)
{
    char *why = NULL;
    int rc = sqlite3_exec(s->db, "BEGIN IMMEDIATE", NULL, NULL, &why);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(s->db, schema_v1, NULL, NULL, &why);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(s->db, "COMMIT", NULL, NULL, &why);
    sqlite3_free(why);
    return rc == SQLITE_OK ? 0 : state_failed(s, e, "creating the tables");
}

static int schema_ensure(struct state *s, struct err *e)
{
    int64_t version = 0;
    int rc = schema_version(s, &version, e);
    if (rc < 0)
        return rc;
    if (version > SCHEMA_VERSION)
        return err_set(
            e, ERR_CONFIG,
            "state database %s was written by a newer weir (schema %lld, this "
            "one knows %d): use that version, or another --state-dir",
            s->path, (long long)version, SCHEMA_VERSION);
    if (version == 0 && s->is_readonly)
        return err_set(e, ERR_NOTFOUND,
                       "state database %s is empty: nothing ran here yet", s->path);
    return version == 0 ? schema_create(s, e) : 0;
}

/* History is bounded: the oldest runs and audit rows go when a supervisor starts. */
static int state_prune(struct state *s, struct err *e)
{
    static const char *const statements[] = {
        "DELETE FROM tasks WHERE run_id <= (SELECT max(id) FROM runs) - ?1",
        "DELETE FROM attempts WHERE run_id <= (SELECT max(id) FROM runs) - ?1",
        "DELETE FROM runs WHERE id <= (SELECT max(id) FROM runs) - ?1",
    };
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
        int rc = state_exec(s, e, statements[i], "i", (int64_t)KEEP_RUNS);
        if (rc < 0)
            return rc;
    }
    int rc = state_exec(
        s, e, "DELETE FROM audit WHERE id <= (SELECT max(id) FROM audit) - ?1", "i",
        (int64_t)KEEP_AUDIT);
    return rc < 0 ? rc : 0;
}

static int state_open_file(struct state *s, struct err *e)
{
    if (s->is_readonly && access(s->path, F_OK) < 0 && errno == ENOENT)
        return err_set(
            e, ERR_NOTFOUND,
            "no state database at %s: nothing ran here yet (`weir up` starts "
            "the platform)",
            s->path);
    int flags = s->is_readonly ? SQLITE_OPEN_READONLY
                               : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    if (sqlite3_open_v2(s->path, &s->db, flags | SQLITE_OPEN_NOMUTEX, NULL) !=
        SQLITE_OK)
        return state_failed(s, e, "open");
    sqlite3_busy_timeout(s->db, 5000);
    if (!s->is_readonly &&
        sqlite3_exec(s->db,
                     "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
                     "PRAGMA cache_size=-2000",
                     NULL, NULL, NULL) != SQLITE_OK)
        return state_failed(s, e, "write-ahead log");
    int rc = schema_ensure(s, e);
    return rc < 0 || s->is_readonly ? rc : state_prune(s, e);
}

int state_open(struct state **out, const char *path, bool is_readonly, struct err *e)
{
    struct state *s = mem_alloc(sizeof *s);
    s->path = mem_strdup(path);
    s->is_readonly = is_readonly;
    int rc = state_open_file(s, e);
    if (rc < 0) {
        state_close(s);
        s = NULL;
    }
    *out = s;
    return rc;
}

void state_close(struct state *s)
{
    if (!s)
        return;
    sqlite3_close(s->db);
    mem_free(s->path);
    mem_free(s);
}

int state_begin(struct state *s, struct err *e)
{
    int rc = state_exec(s, e, "BEGIN IMMEDIATE", "");
    return rc < 0 ? rc : 0;
}

int state_commit(struct state *s, struct err *e)
{
    int rc = state_exec(s, e, "COMMIT", "");
    if (rc < 0)
        state_rollback(s);
    return rc < 0 ? rc : 0;
}

void state_rollback(struct state *s)
{
    if (!sqlite3_get_autocommit(s->db))
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
}
