/* SQLite member: connection and transactions. One file per schema in
 * DIR, attached by name to an empty in-memory main database. WAL: readers never wait
 * for the writer; each schema has one writer at a time.
 *
 * Always holds: a connection touches at most one schema's file in a write transaction
 * of weir's own (publishing), because commits over several WAL files are not atomic. */
#include "warehouse/wh_sqlite.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/mem.h"
#include "base/timeutil.h"

#define PROGRESS_OPS 20000 /* ≈ 1 ms of a busy statement */

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

bool lite_has_file(const struct lite *l, const char *schema)
{
    char *path = file_of(l, schema);
    bool is_there = is_safe_name(schema) && access(path, R_OK) == 0;
    mem_free(path);
    return is_there;
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
    .translate = lite_translate_member,
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
