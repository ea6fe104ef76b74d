/* SQLite member: connection, statements, transactions, errors. One file per schema in
 * DIR, attached by name to an empty in-memory main database. WAL: readers never wait
 * for the writer; each schema has one writer at a time.
 *
 * Always holds: a connection touches at most one schema's file in a write transaction
 * of weir's own (publishing), because commits over several WAL files are not atomic. */
#include "warehouse/wh_sqlite.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include "base/mem.h"
#include "base/timeutil.h"
#include "warehouse/sql_token.h"

#define PROGRESS_OPS 20000 /* ≈ 1 ms of a busy statement */

/* ── errors ── */

static int code_of(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_FULL:
        return ERR_FULL;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ERR_LOCKED;
    case SQLITE_INTERRUPT:
        return ERR_INTERRUPTED;
    case SQLITE_NOMEM:
        return ERR_NOMEM;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return ERR_CORRUPT;
    case SQLITE_TOOBIG:
        return ERR_LIMIT;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
        return ERR_IO;
    default:
        return ERR_SQL;
    }
}

/* SQLite says "disk I/O error" for a write over a file size limit, and its errno is
 * that of the clean-up: look at the limit and at the disk. */
static bool is_out_of_space(const struct lite *l)
{
    int rc = sqlite3_extended_errcode(l->db), os = sqlite3_system_errno(l->db);
    struct rlimit limit;
    struct statvfs disk;
    if ((rc & 0xff) != SQLITE_IOERR)
        return false;
    if (os == ENOSPC || os == EDQUOT || os == EFBIG)
        return true;
    if (rc != SQLITE_IOERR_WRITE && rc != SQLITE_IOERR_TRUNCATE &&
        rc != SQLITE_IOERR_SHMSIZE)
        return false;
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
        return true;
    return statvfs(l->dir, &disk) == 0 && disk.f_bavail * disk.f_frsize < (1u << 20);
}

static size_t source_offset(const struct lite_source *src, int offset)
{
    size_t out = src->at + (size_t)offset;
    out = out > src->shift ? out - src->shift : 0;
    return src->map ? translate_map_back(src->map, out) : out;
}

int lite_error(struct lite *l, const struct lite_source *src, const char *what,
               struct err *e)
{
    int code = code_of(sqlite3_errcode(l->db));
    int offset = sqlite3_error_offset(l->db);
    const char *text = sqlite3_errmsg(l->db);
    if (is_out_of_space(l))
        code = ERR_FULL;
    l->has_error_at = false;
    if (code == ERR_FULL)
        return err_set(e, code, "%s: no space left in %s; free space and run again",
                       what, l->dir);
    if (code == ERR_LOCKED)
        return err_set(e, code, "%s: another process is writing (%s)", what, text);
    if (!src || offset < 0)
        return err_set(e, code, "%s%s%s", what, *what ? ": " : "", text);
    int line, column;
    struct buf caret;
    l->error_at = source_offset(src, offset);
    l->has_error_at = true;
    sql_position(src->sql, src->n, l->error_at, &line, &column);
    buf_init(&caret, 4096);
    sql_caret(&caret, src->sql, src->n, l->error_at);
    err_set(e, code, "%s (line %d, column %d)\n%s", text, line, column,
            buf_str(&caret));
    buf_release(&caret);
    return code;
}

static bool lite_error_at(const struct wh *w, size_t *offset)
{
    const struct lite *l = (const struct lite *)w;
    *offset = l->error_at;
    return l->has_error_at;
}

/* ── statements ── */

int lite_prepare(struct lite *l, const char *sql, int n, const struct lite_source *src,
                 sqlite3_stmt **out, const char **tail, struct err *e)
{
    l->has_error_at = false;
    if (sqlite3_prepare_v3(l->db, sql, n, 0, out, tail) != SQLITE_OK)
        return lite_error(l, src, "", e);
    return 0;
}

static int vexec(struct lite *l, struct err *e, const char *fmt, va_list ap)
{
    char *sql = sqlite3_vmprintf(fmt, ap);
    int rc = 0;
    if (!sql)
        return err_set(e, ERR_NOMEM, "out of memory");
    if (sqlite3_exec(l->db, sql, NULL, NULL, NULL) != SQLITE_OK)
        rc = lite_error(l, NULL, "", e);
    sqlite3_free(sql);
    return rc;
}

int lite_exec(struct lite *l, struct err *e, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int rc = vexec(l, e, fmt, ap);
    va_end(ap);
    return rc;
}

int lite_text(struct lite *l, char **out, struct err *e, const char *fmt, ...)
{
    va_list ap;
    sqlite3_stmt *st = NULL;
    *out = NULL;
    va_start(ap, fmt);
    char *sql = sqlite3_vmprintf(fmt, ap);
    va_end(ap);
    if (!sql)
        return err_set(e, ERR_NOMEM, "out of memory");
    int rc = lite_prepare(l, sql, -1, NULL, &st, NULL, e);
    sqlite3_free(sql);
    if (rc < 0)
        return rc;
    int step = sqlite3_step(st);
    if (step == SQLITE_ROW && sqlite3_column_type(st, 0) != SQLITE_NULL)
        *out = sqlite3_mprintf("%s", sqlite3_column_text(st, 0));
    else if (step != SQLITE_ROW && step != SQLITE_DONE)
        rc = lite_error(l, NULL, "", e);
    sqlite3_finalize(st);
    return rc;
}

int lite_translate(struct lite *l, const char *sql, size_t n, struct buf *out,
                   struct translate_map *map, struct err *e)
{
    struct translate_env env = {.is_snowflake = l->is_snowflake,
                                .is_far_view = lite_is_far_view,
                                .arg = l,
                                .notes = &l->notes};
    return translate_sql(&env, sql, n, out, map, e);
}

static int translate_member(struct wh *w, const char *sql, size_t n, struct buf *out,
                            struct err *e)
{
    return lite_translate(lite_of(w), sql, n, out, NULL, e);
}

static int step_all(struct lite *l, sqlite3_stmt *st, struct err *e)
{
    int step;
    while ((step = sqlite3_step(st)) == SQLITE_ROW)
        ;
    return step == SQLITE_DONE ? 0 : lite_error(l, NULL, "", e);
}

static int exec_statements(struct lite *l, const char *text, struct lite_source *src,
                           struct err *e)
{
    const char *at = text;
    while (*at) {
        sqlite3_stmt *st = NULL;
        const char *tail = NULL;
        src->at = (size_t)(at - text);
        int rc = lite_prepare(l, at, -1, src, &st, &tail, e);
        if (rc == 0 && st)
            rc = step_all(l, st, e);
        sqlite3_finalize(st);
        if (rc < 0)
            return rc;
        at = tail;
    }
    return 0;
}

static int lite_exec_member(struct wh *w, const char *sql, bool is_raw, struct err *e)
{
    struct lite *l = lite_of(w);
    struct translate_map map = {0};
    struct lite_source src = {.sql = sql, .n = strlen(sql)};
    struct buf out;
    if (is_raw)
        return exec_statements(l, sql, &src, e);
    buf_init(&out, 64u << 20);
    int rc = lite_translate(l, sql, src.n, &out, &map, e);
    src.map = &map;
    if (rc == 0)
        rc = exec_statements(l, buf_str(&out), &src, e);
    buf_release(&out);
    translate_map_release(&map);
    return rc;
}

/* ── cursors ── */

struct lite_cursor {
    struct wh_cursor base;
    sqlite3_stmt *st;
    char **names; /* as written, of columns without one of their own; may be NULL */
    int n_names;
};

static sqlite3_stmt *stmt_of(const struct wh_cursor *c)
{
    return ((const struct lite_cursor *)c)->st;
}

static int prepare_one(struct lite *l, const char *text, struct lite_source *src,
                       sqlite3_stmt **st, struct err *e)
{
    const char *tail = NULL;
    int rc = lite_prepare(l, text, -1, src, st, &tail, e);
    if (rc < 0)
        return rc;
    if (!*st)
        return err_set(e, ERR_SQL, "the statement is empty");
    sqlite3_stmt *more = NULL;
    if (sqlite3_prepare_v3(l->db, tail, -1, 0, &more, NULL) == SQLITE_OK && !more)
        return 0;
    sqlite3_finalize(more);
    sqlite3_finalize(*st);
    *st = NULL;
    return err_set(e, ERR_SQL, "one statement is expected, there is more behind it");
}

/* SQLite heads an unnamed column with the text of its expression: of the translation,
 * which nobody wrote. */
static void name_as_written(struct lite_cursor *c, const struct translate_map *map,
                            const char *sql, const char *text)
{
    size_t from = 0;
    c->n_names = sqlite3_column_count(c->st);
    c->names = mem_alloc((size_t)(c->n_names + 1) * sizeof *c->names);
    for (int i = 0; i < c->n_names; i++) {
        const char *name = sqlite3_column_name(c->st, i);
        if (name && strpbrk(name, "( .+-*/%|<>=\n"))
            c->names[i] = translate_written(map, sql, text, name, &from);
    }
}

static int lite_query(struct wh *w, const char *sql, bool is_raw,
                      struct wh_cursor **out, struct err *e)
{
    struct lite *l = lite_of(w);
    struct translate_map map = {0};
    struct lite_source src = {.sql = sql, .n = strlen(sql)};
    struct buf text;
    sqlite3_stmt *st = NULL;
    int rc = 0;
    *out = NULL;
    buf_init(&text, 64u << 20);
    if (!is_raw) {
        rc = lite_translate(l, sql, src.n, &text, &map, e);
        src.map = &map;
    }
    if (rc == 0)
        rc = prepare_one(l, is_raw ? sql : buf_str(&text), &src, &st, e);
    if (rc == 0) {
        struct lite_cursor *c = mem_alloc(sizeof *c);
        c->base.w = w;
        c->st = st;
        if (!is_raw && !streq(sql, buf_str(&text)))
            name_as_written(c, &map, sql, buf_str(&text));
        *out = &c->base;
    }
    buf_release(&text);
    translate_map_release(&map);
    return rc;
}

static int lite_bind_text(struct wh_cursor *c, int index1, const char *text,
                          struct err *e)
{
    if (sqlite3_bind_text(stmt_of(c), index1, text, -1, SQLITE_TRANSIENT) != SQLITE_OK)
        return lite_error(lite_of(c->w), NULL, "bind", e);
    return 0;
}

static int lite_bind_i64(struct wh_cursor *c, int index1, int64_t v, struct err *e)
{
    if (sqlite3_bind_int64(stmt_of(c), index1, v) != SQLITE_OK)
        return lite_error(lite_of(c->w), NULL, "bind", e);
    return 0;
}

static int lite_next(struct wh_cursor *c, struct err *e)
{
    int step = sqlite3_step(stmt_of(c));
    if (step == SQLITE_ROW)
        return 1;
    if (step == SQLITE_DONE)
        return 0;
    return lite_error(lite_of(c->w), NULL, "", e);
}

static int lite_n_columns(const struct wh_cursor *c)
{
    return sqlite3_column_count(stmt_of(c));
}

static const char *lite_column_name(const struct wh_cursor *c, int i)
{
    const struct lite_cursor *l = (const struct lite_cursor *)c;
    return i < l->n_names && l->names[i] ? l->names[i]
                                         : sqlite3_column_name(stmt_of(c), i);
}

static struct wh_value lite_value(struct wh_cursor *c, int i)
{
    sqlite3_stmt *st = stmt_of(c);
    struct wh_value v = {.type = WH_NULL};
    switch (sqlite3_column_type(st, i)) {
    case SQLITE_INTEGER:
        v.type = WH_INT;
        v.i = sqlite3_column_int64(st, i);
        break;
    case SQLITE_FLOAT:
        v.type = WH_REAL;
        v.d = sqlite3_column_double(st, i);
        break;
    case SQLITE_TEXT:
        v.type = WH_TEXT;
        v.text.p = (const char *)sqlite3_column_text(st, i);
        v.text.n = (size_t)sqlite3_column_bytes(st, i);
        break;
    case SQLITE_BLOB:
        v.type = WH_BLOB;
        v.text.p = sqlite3_column_blob(st, i);
        v.text.n = (size_t)sqlite3_column_bytes(st, i);
        break;
    default:
        break;
    }
    return v;
}

static void lite_cursor_close(struct wh_cursor *c)
{
    struct lite_cursor *l = (struct lite_cursor *)c;
    sqlite3_finalize(l->st);
    for (int i = 0; i < l->n_names; i++)
        mem_free(l->names[i]);
    mem_free(l->names);
    mem_free(c);
}

/* ── transactions ── */

static int64_t lite_changes(const struct wh *w)
{
    return sqlite3_changes64(((const struct lite *)w)->db);
}

static bool lite_in_transaction(const struct wh *w)
{
    return !sqlite3_get_autocommit(((const struct lite *)w)->db);
}

int lite_begin_on(struct lite *l, const char *schema, bool *is_mine, struct err *e)
{
    *is_mine = sqlite3_get_autocommit(l->db);
    if (!*is_mine)
        return 0;
    int rc = lite_exec(l, e, "BEGIN");
    if (rc < 0 || streq(schema, WH_TEMP) ||
        (streq(schema, "main") && !l->has_main_file))
        return rc;
    /* a write that changes nothing takes this file's lock, and no other file's */
    rc = lite_exec(l, e, "DELETE FROM \"%w\"." LITE_VIEWS " WHERE 0", schema);
    if (rc < 0)
        lite_exec(l, NULL, "ROLLBACK");
    return rc;
}

static int lite_begin_member(struct wh *w, const char *schema, struct err *e)
{
    bool is_mine;
    int rc = lite_schema_ensure(w, schema, e);
    if (rc < 0 || (rc = lite_begin_on(lite_of(w), schema, &is_mine, e)) < 0)
        return rc;
    return is_mine ? 0 : err_set(e, ERR_SQL, "a transaction is open already");
}

int lite_end(struct lite *l, bool is_mine, int rc, struct err *e)
{
    if (!is_mine)
        return rc;
    if (rc == 0)
        rc = lite_exec(l, e, "COMMIT");
    if (rc < 0 && !sqlite3_get_autocommit(l->db))
        lite_exec(l, NULL, "ROLLBACK");
    return rc;
}

/* ── connection ── */

static int set_pragmas(struct lite *l, const char *schema, struct err *e)
{
    const char *readonly = "PRAGMA \"%w\".cache_size=-6000";
    if (l->is_readonly)
        return lite_exec(l, e, readonly, schema);
    /* secure_delete, on in Debian's build, would write zeros over every dropped table
     */
    int rc = lite_exec(l, e,
                       "PRAGMA \"%w\".page_size=16384;"
                       "PRAGMA \"%w\".journal_mode=WAL;"
                       "PRAGMA \"%w\".synchronous=NORMAL;"
                       "PRAGMA \"%w\".secure_delete=OFF;"
                       "PRAGMA \"%w\".journal_size_limit=268435456;"
                       "PRAGMA \"%w\".cache_size=-6000",
                       schema, schema, schema, schema, schema, schema);
    char *found = NULL;
    if (rc == 0)
        rc = lite_text(l, &found, e,
                       "SELECT 1 FROM \"%w\".sqlite_schema WHERE name='" LITE_VIEWS "'",
                       schema);
    if (rc == 0 && !found)
        rc = lite_exec(l, e,
                       "CREATE TABLE IF NOT EXISTS \"%w\"." LITE_VIEWS
                       "(name TEXT PRIMARY KEY, sql TEXT NOT NULL) WITHOUT ROWID;"
                       "ANALYZE \"%w\".sqlite_schema", /* makes sqlite_stat1 */
                       schema, schema);
    sqlite3_free(found);
    return rc;
}

/* Two processes that open a new file at once: the change to WAL knows no busy wait. */
static int set_pragmas_patiently(struct lite *l, const char *schema, struct err *e)
{
    int rc = set_pragmas(l, schema, e);
    for (int i = 0; rc == ERR_LOCKED && i < 100; i++) {
        sqlite3_sleep(20);
        rc = set_pragmas(l, schema, e);
    }
    return rc;
}

static bool is_safe_name(const char *s)
{
    return *s && *s != '.' && !strchr(s, '/') && strlen(s) < 100;
}

/* File of a schema, mem_free. */
static char *file_of(const struct lite *l, const char *schema)
{
    const char *named = map_get(&l->files, schema);
    return named ? mem_strdup(named) : mem_printf("%s/%s.db", l->dir, schema);
}

static int attach(struct lite *l, const char *schema, struct err *e)
{
    struct stat st;
    char *path = file_of(l, schema);
    int rc = 0;
    if (l->is_readonly && stat(path, &st) < 0)
        goto out; /* nothing there yet: nothing to read */
    char *uri = sqlite3_mprintf("file:%s?mode=%s", path, l->is_readonly ? "ro" : "rwc");
    rc = lite_exec(l, e, "ATTACH %Q AS \"%w\"", uri, schema);
    sqlite3_free(uri);
    if (rc < 0) {
        rc = err_wrap(e, rc, "%s", path);
        goto out;
    }
    map_put(&l->schemas, schema, (void *)1);
    rc = set_pragmas_patiently(l, schema, e);
    if (rc < 0)
        rc = err_wrap(e, rc, "%s", path);
out:
    mem_free(path);
    return rc;
}

int lite_schema_ensure(struct wh *w, const char *schema, struct err *e)
{
    struct lite *l = lite_of(w);
    if (map_has(&l->schemas, schema))
        return 0;
    if (!is_safe_name(schema))
        return err_set(e, ERR_CONFIG, "\"%s\" cannot be the name of a schema", schema);
    if (l->schemas.live >= (size_t)sqlite3_limit(l->db, SQLITE_LIMIT_ATTACHED, -1) + 2)
        return err_set(e, ERR_LIMIT,
                       "schema \"%s\": SQLite attaches at most %d schemas to one "
                       "connection; use fewer schemas",
                       schema, sqlite3_limit(l->db, SQLITE_LIMIT_ATTACHED, -1));
    return attach(l, schema, e);
}

static int on_progress(void *arg)
{
    struct lite *l = arg;
    return l->progress ? l->progress(l->progress_arg) : 0;
}

/* Another process writes this schema. Unlike SQLite's own busy timeout this one looks
 * for a stop while it waits, which may be long: a model builds under the lock. */
static int on_busy(void *arg, int n)
{
    struct lite *l = arg;
    int64_t now = time_mono_ms();
    if (n == 0)
        l->busy_until_ms = now + l->busy_ms;
    if (now >= l->busy_until_ms || (l->progress && l->progress(l->progress_arg)))
        return 0;
    sqlite3_sleep(n < 10 ? n + 1 : n < 50 ? 10 : 50);
    return 1;
}

static void lite_set_progress(struct wh *w, wh_progress_fn *fn, void *arg)
{
    struct lite *l = lite_of(w);
    l->progress = fn;
    l->progress_arg = arg;
    sqlite3_progress_handler(l->db, fn ? PROGRESS_OPS : 0, fn ? on_progress : NULL, l);
}

static void lite_cancel(struct wh *w)
{
    sqlite3_interrupt(lite_of(w)->db);
}

static void lite_set_now(struct wh *w, int64_t now_ms)
{
    lite_of(w)->now_ms = now_ms;
}

static const char *lite_notes(const struct wh *w)
{
    return buf_str(&((const struct lite *)w)->notes);
}

static void lite_notes_clear(struct wh *w)
{
    buf_reset(&lite_of(w)->notes);
}

static void lite_close(struct wh *w)
{
    struct lite *l = lite_of(w);
    for (struct map_entry *it = NULL; (it = map_next(&l->far_views, it));)
        mem_free(it->value);
    map_release(&l->far_views);
    for (struct map_entry *it = NULL; (it = map_next(&l->files, it));)
        mem_free(it->value);
    map_release(&l->files);
    map_release(&l->schemas);
    lite_groups_release(l);
    sqlite3_close_v2(l->db);
    if (l->keeper_lock >= 0)
        close(l->keeper_lock);
    buf_release(&l->notes);
    mem_free(l->dir);
    mem_free(l);
}

static int register_all(struct lite *l, struct err *e)
{
    if (lite_register_aggregates(l) || lite_register_dates(l) ||
        lite_register_texts(l) || lite_register_casts(l) || lite_register_items(l) ||
        lite_register_groups(l))
        return lite_error(l, NULL, "register functions", e);
    return 0;
}

/* Libraries that a profile names; they may replace functions of ours. */
static int load_extensions(struct lite *l, const char *const *paths, struct err *e)
{
    int rc = SQLITE_OK;
    for (; paths && *paths && rc == SQLITE_OK; paths++) {
        char *why = NULL;
        sqlite3_db_config(l->db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 1, NULL);
        rc = sqlite3_load_extension(l->db, *paths, NULL, &why);
        if (rc != SQLITE_OK)
            err_set(e, ERR_CONFIG, "SQLite extension %s: %s", *paths,
                    why ? why : "it does not load");
        sqlite3_free(why);
    }
    sqlite3_db_config(l->db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
    return rc == SQLITE_OK ? 0 : ERR_CONFIG;
}

/* SQLite calls the first database "main" whatever it is: a project that has a schema of
 * that name gets its file, every other an empty one in memory. */
static int open_database(struct lite *l, const struct wh_options *o, struct err *e)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
                SQLITE_OPEN_URI;
    char *path = file_of(l, "main");
    for (size_t i = 0; o->schemas && o->schemas[i]; i++)
        if (streq(o->schemas[i], "main"))
            l->has_main_file = !l->is_readonly || access(path, F_OK) == 0;
    char *uri = sqlite3_mprintf("file:%s?mode=%s", path, l->is_readonly ? "ro" : "rwc");
    int rc = sqlite3_open_v2(l->has_main_file ? uri : ":memory:", &l->db, flags, NULL);
    sqlite3_free(uri);
    if (rc != SQLITE_OK)
        err_set(e, ERR_IO, "open %s: %s", path, sqlite3_errmsg(l->db));
    mem_free(path);
    return rc == SQLITE_OK ? 0 : ERR_IO;
}

static int open_main(struct lite *l, const struct wh_options *o, struct err *e)
{
    if (open_database(l, o, e) < 0)
        return ERR_IO;
    sqlite3_extended_result_codes(l->db, 1);
    sqlite3_busy_handler(l->db, on_busy, l);
    map_put(&l->schemas, WH_TEMP, (void *)1);
    map_put(&l->schemas, "main", (void *)1);
    int rc = register_all(l, e);
    if (rc == 0)
        rc = load_extensions(l, o->extensions, e);
    if (rc == 0) /* a renamed table must not drag the views on it along (publishing) */
        rc = lite_exec(l, e,
                       "PRAGMA legacy_alter_table=ON;"
                       "PRAGMA temp.cache_size=-8000; PRAGMA main.cache_size=-8000");
    sqlite3_wal_hook(l->db, lite_log_grew, l);
    if (rc == 0 && l->has_main_file)
        rc = set_pragmas_patiently(l, "main", e);
    for (size_t i = 0; rc == 0 && o->schemas && o->schemas[i]; i++)
        rc = lite_schema_ensure(&l->base, o->schemas[i], e);
    return rc;
}

static int make_dirs(const char *path, struct err *e)
{
    char *p = mem_strdup(path);
    int rc = 0;
    for (char *s = p + 1; rc == 0; s++) {
        if (*s && *s != '/')
            continue;
        char kept = *s;
        *s = '\0';
        if (mkdir(p, 0700) < 0 && errno != EEXIST)
            rc = err_errno(e, ERR_IO, "create the warehouse folder %s", p);
        *s = kept;
        if (!kept)
            break;
    }
    mem_free(p);
    return rc;
}

/* Processes, not threads: no mutexes, no memory statistics, a tenth of the time of a
 * large aggregate. Only before the first use of SQLite in the process; later it changes
 * nothing. */
static void configure_once(const struct wh_options *o)
{
    static bool is_done;
    if (!is_done) {
        sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
        sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    }
    is_done = true;
    /* sorts spill beside the data: /tmp may be small, and a full disk is named right */
    if (!o->is_readonly && !sqlite3_temp_directory && sqlite3_initialize() == SQLITE_OK)
        sqlite3_temp_directory = sqlite3_mprintf("%s", o->dir);
}

static int lite_open(struct wh **out, const struct wh_options *o, struct err *e)
{
    int rc = o->is_readonly ? 0 : make_dirs(o->dir, e);
    if (rc < 0)
        return rc;
    configure_once(o);
    struct lite *l = mem_alloc(sizeof *l);
    l->base.ops = &wh_sqlite_ops;
    l->dir = mem_strdup(o->dir);
    l->keeper_lock = -1;
    l->is_readonly = o->is_readonly;
    l->is_snowflake = o->dialect && streq(o->dialect, "snowflake");
    l->busy_ms = o->busy_timeout_ms ? o->busy_timeout_ms : 60000;
    l->now_ms = o->now_ms;
    map_init(&l->schemas);
    map_init(&l->far_views);
    map_init(&l->files);
    for (size_t i = 0; i < o->n_files; i++)
        map_put(&l->files, o->files[i].name, mem_strdup(o->files[i].value));
    buf_init(&l->notes, 1u << 20);
    rc = open_main(l, o, e);
    if (rc < 0) {
        lite_close(&l->base);
        return rc;
    }
    *out = &l->base;
    return 0;
}

const struct wh_ops wh_sqlite_ops = {
    .kind = "sqlite",
    .begin_sql = "BEGIN IMMEDIATE",
    .open = lite_open,
    .close = lite_close,
    .cancel = lite_cancel,
    .set_progress = lite_set_progress,
    .schema_ensure = lite_schema_ensure,
    .set_now = lite_set_now,
    .translate = translate_member,
    .notes = lite_notes,
    .notes_clear = lite_notes_clear,
    .error_at = lite_error_at,
    .exec = lite_exec_member,
    .query = lite_query,
    .bind_text = lite_bind_text,
    .bind_i64 = lite_bind_i64,
    .next = lite_next,
    .n_columns = lite_n_columns,
    .column_name = lite_column_name,
    .value = lite_value,
    .cursor_close = lite_cursor_close,
    .begin_on = lite_begin_member,
    .changes = lite_changes,
    .in_transaction = lite_in_transaction,
    .relations = lite_relations,
    .relation_type = lite_relation_type,
    .columns = lite_columns,
    .create_table_as = lite_create_table_as,
    .create_view = lite_create_view,
    .index = lite_index,
    .set_rows = lite_set_rows,
    .swap = lite_swap,
    .drop = lite_drop,
    .rename = lite_rename,
    .loader_open = lite_loader_open,
    .loader_row = lite_loader_row,
    .loader_close = lite_loader_close,
    .quote = lite_quote,
};
