/* SQLite member: statements: errors in terms of the text as it was given, SQL with and
 * without rows. Called by the member's other files and through its row of functions
 * (wh_sqlite.c). */
#include "warehouse/wh_sqlite.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include "base/mem.h"
#include "warehouse/sql_token.h"

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

bool lite_error_at(const struct wh *w, size_t *offset)
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

int lite_translate_member(struct wh *w, const char *sql, size_t n, struct buf *out,
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

int lite_exec_member(struct wh *w, const char *sql, bool is_raw, struct err *e)
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

int lite_query(struct wh *w, const char *sql, bool is_raw, struct wh_cursor **out,
               struct err *e)
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

int lite_bind_text(struct wh_cursor *c, int index1, const char *text, struct err *e)
{
    if (sqlite3_bind_text(stmt_of(c), index1, text, -1, SQLITE_TRANSIENT) != SQLITE_OK)
        return lite_error(lite_of(c->w), NULL, "bind", e);
    return 0;
}

int lite_bind_i64(struct wh_cursor *c, int index1, int64_t v, struct err *e)
{
    if (sqlite3_bind_int64(stmt_of(c), index1, v) != SQLITE_OK)
        return lite_error(lite_of(c->w), NULL, "bind", e);
    return 0;
}

int lite_next(struct wh_cursor *c, struct err *e)
{
    int step = sqlite3_step(stmt_of(c));
    if (step == SQLITE_ROW)
        return 1;
    if (step == SQLITE_DONE)
        return 0;
    return lite_error(lite_of(c->w), NULL, "", e);
}

int lite_n_columns(const struct wh_cursor *c)
{
    return sqlite3_column_count(stmt_of(c));
}

const char *lite_column_name(const struct wh_cursor *c, int i)
{
    const struct lite_cursor *l = (const struct lite_cursor *)c;
    return i < l->n_names && l->names[i] ? l->names[i]
                                         : sqlite3_column_name(stmt_of(c), i);
}

struct wh_value lite_value(struct wh_cursor *c, int i)
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

void lite_cursor_close(struct wh_cursor *c)
{
    struct lite_cursor *l = (struct lite_cursor *)c;
    sqlite3_finalize(l->st);
    for (int i = 0; i < l->n_names; i++)
        mem_free(l->names[i]);
    mem_free(l->names);
    mem_free(c);
}
