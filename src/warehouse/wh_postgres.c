/* PostgreSQL member: errors, running statements, transactions. Text goes to
 * the server as it is after the dialect; results come back without blocking, so that a
 * stop is seen within 20 ms and cancels the statement at the server.
 *
 * Always holds: the session is UTC, ISO dates, and what a loader holds or a cursor has
 * not read is off the wire before anything else is sent. */
#include "warehouse/wh_postgres.h"

#include <poll.h>
#include "base/mem.h"
#include "base/timeutil.h"
#include "warehouse/sql_token.h"

#define TEXT_MAX ((size_t)64 << 20)
#define POLL_MS  20

/* ── errors ── */

static const struct state_row {
    const char *prefix;
    int code;
} states[] = {
    {"57014", ERR_INTERRUPTED}, {"55P03", ERR_LOCKED},    {"40P01", ERR_LOCKED},
    {"40001", ERR_LOCKED},      {"42P07", ERR_EXISTS},    {"42P06", ERR_EXISTS},
    {"53100", ERR_FULL},        {"53200", ERR_NOMEM},     {"54", ERR_LIMIT},
    {"53300", ERR_UNAVAILABLE}, {"57P", ERR_UNAVAILABLE}, {"08", ERR_UNAVAILABLE},
    {"XX001", ERR_CORRUPT},     {"XX002", ERR_CORRUPT},
};

static int code_of(const char *state)
{
    for (size_t i = 0; state && i < sizeof states / sizeof *states; i++)
        if (str_starts(state, states[i].prefix))
            return states[i].code;
    return ERR_SQL;
}

/* Two sessions that make relations at once may meet in the catalog, where no lock keeps
 * them apart: it passes when one of them tries again. */
static bool is_catalog_race(const PGresult *r, const char *text)
{
    const char *name = PQresultErrorField(r, PG_DIAG_CONSTRAINT_NAME);
    return (name && str_starts(name, "pg_")) ||
           streq(text, "tuple concurrently updated");
}

/* Byte offset of a 1-based character position. */
static size_t byte_offset(const char *text, int64_t position)
{
    size_t at = 0;
    for (int64_t i = 1; i < position && text[at]; i++)
        for (at++; ((unsigned char)text[at] & 0xc0) == 0x80;)
            at++;
    return at;
}

static int error_in_source(struct pg *p, int code, const char *text, int64_t position,
                           const struct pg_source *src, struct err *e)
{
    size_t at = byte_offset(src->sent, position);
    int line, column;
    struct buf caret;
    at = at > src->shift ? at - src->shift : 0;
    p->error_at = src->map ? translate_map_back(src->map, at) : at;
    if (p->error_at > src->n)
        p->error_at = src->n;
    p->has_error_at = true;
    sql_position(src->sql, src->n, p->error_at, &line, &column);
    buf_init(&caret, 4096);
    sql_caret(&caret, src->sql, src->n, p->error_at);
    err_set(e, code, "%s (line %d, column %d)\n%s", text, line, column,
            buf_str(&caret));
    buf_release(&caret);
    return code;
}

int pg_error(struct pg *p, const PGresult *r, const struct pg_source *src,
             struct err *e)
{
    const char *state = r ? PQresultErrorField(r, PG_DIAG_SQLSTATE) : NULL;
    const char *text = r ? PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    const char *detail = r ? PQresultErrorField(r, PG_DIAG_MESSAGE_DETAIL) : NULL;
    const char *at = r ? PQresultErrorField(r, PG_DIAG_STATEMENT_POSITION) : NULL;
    int code = code_of(state);
    int64_t position;
    p->has_error_at = false;
    if (text && is_catalog_race(r, text))
        code = ERR_LOCKED;
    if (!text || PQstatus(p->db) == CONNECTION_BAD) {
        struct str s = str_of(text ? text : PQerrorMessage(p->db));
        while (s.n && s.p[s.n - 1] == '\n')
            s.n--;
        if (PQstatus(p->db) == CONNECTION_BAD)
            code = ERR_UNAVAILABLE;
        return err_set(e, code, "PostgreSQL: %.*s", (int)s.n, s.p);
    }
    char *full = detail ? mem_printf("%s: %s", text, detail) : mem_strdup(text);
    if (src && src->sent && at && str_to_i64(str_of(at), &position))
        error_in_source(p, code, full, position, src, e);
    else
        err_set(e, code, "%s", full);
    mem_free(full);
    return code;
}

static bool pg_error_at(const struct wh *w, size_t *offset)
{
    const struct pg *p = (const struct pg *)w;
    *offset = p->error_at;
    return p->has_error_at;
}

/* ── statements ── */

static void cancel_running(struct pg *p)
{
    char why[256];
    PGcancel *c = PQgetCancel(p->db);
    if (c)
        PQcancel(c, why, sizeof why);
    PQfreeCancel(c);
}

static void pg_cancel(struct wh *w)
{
    cancel_running(pg_of(w));
}

int pg_result(struct pg *p, PGresult **out, struct err *e)
{
    bool is_cancelled = false;
    *out = NULL;
    while (PQisBusy(p->db)) {
        struct pollfd fd = {.fd = PQsocket(p->db), .events = POLLIN};
        int n = poll(&fd, 1, p->progress && !is_cancelled ? POLL_MS : 1000);
        if (n <= 0 && p->progress && !is_cancelled && p->progress(p->progress_arg)) {
            is_cancelled = true;
            cancel_running(p);
        }
        if (n != 0 && !PQconsumeInput(p->db))
            return pg_error(p, NULL, NULL, e);
    }
    *out = PQgetResult(p->db);
    return 0;
}

int pg_ready(struct pg *p, struct err *e)
{
    int rc = pg_cursor_drain(p, e);
    if (rc == 0)
        rc = pg_loaders_flush(p, e);
    if (rc == 0 && p->late.code) {
        rc = err_set(e, p->late.code, "%s", p->late.text);
        err_clear(&p->late);
    }
    return rc;
}

/* A COMMIT of a transaction that failed is a ROLLBACK, and no error to the server. */
static bool is_lost_commit(const PGresult *r, const char *text)
{
    return str_starts(text, "COMMIT") &&
           streq(PQcmdStatus((PGresult *)(uintptr_t)r), "ROLLBACK");
}

static int judge(struct pg *p, PGresult *r, const char *text,
                 const struct pg_source *src, struct err *e)
{
    int64_t n;
    switch (PQresultStatus(r)) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_EMPTY_QUERY:
        if (is_lost_commit(r, text))
            return err_set(e, ERR_SQL,
                           "the transaction had failed and was rolled back");
        p->changes = str_to_i64(str_of(PQcmdTuples(r)), &n) ? n : 0;
        return 0;
    case PGRES_COPY_IN:
        PQputCopyEnd(p->db, "COPY FROM STDIN cannot be a statement here");
        return 0;
    case PGRES_COPY_OUT:
    case PGRES_COPY_BOTH:
        cancel_running(p);
        return err_set(e, ERR_SQL, "COPY TO STDOUT cannot be a statement here");
    case PGRES_BAD_RESPONSE:
    case PGRES_NONFATAL_ERROR:
    case PGRES_FATAL_ERROR:
    case PGRES_SINGLE_TUPLE:
    case PGRES_PIPELINE_SYNC:
    case PGRES_PIPELINE_ABORTED:
        break;
    }
    return pg_error(p, r, src, e);
}

static int collect(struct pg *p, const char *text, const struct pg_source *src,
                   PGresult **last, struct err *e)
{
    PGresult *r;
    int rc = 0;
    for (;;) {
        struct err more;
        int rc2 = pg_result(p, &r, &more);
        if (rc2 < 0)
            return rc < 0 ? rc : err_set(e, more.code, "%s", more.text);
        if (!r)
            return rc;
        if (rc == 0)
            rc = judge(p, r, text, src, e);
        if (last) {
            PQclear(*last);
            *last = r;
        } else {
            PQclear(r);
        }
    }
}

int pg_run(struct pg *p, const char *text, const struct pg_source *src, PGresult **last,
           struct err *e)
{
    if (last)
        *last = NULL;
    if (str_starts(text, "ROLLBACK"))
        pg_loaders_forget(p);
    int rc = pg_ready(p, e);
    if (rc < 0)
        return rc;
    p->has_error_at = false;
    if (!PQsendQuery(p->db, text))
        return pg_error(p, NULL, NULL, e);
    rc = collect(p, text, src, last, e);
    if (rc < 0 && last) {
        PQclear(*last);
        *last = NULL;
    }
    return rc;
}

int pg_execf(struct pg *p, struct err *e, const char *fmt, ...)
{
    char *text = NULL;
    va_list ap;
    va_start(ap, fmt);
    int n = vasprintf(&text, fmt, ap);
    va_end(ap);
    if (n < 0)
        return err_set(e, ERR_NOMEM, "out of memory");
    int rc = pg_run(p, text, NULL, NULL, e);
    free(text);
    return rc;
}

int pg_select(struct pg *p, PGresult **out, struct err *e, const char *sql,
              const char *a, const char *b)
{
    const char *values[2] = {a, b};
    *out = NULL;
    int rc = pg_ready(p, e);
    if (rc < 0)
        return rc;
    if (!PQsendQueryParams(p->db, sql, a ? b ? 2 : 1 : 0, NULL, values, NULL, NULL, 0))
        return pg_error(p, NULL, NULL, e);
    rc = collect(p, sql, NULL, out, e);
    if (rc < 0) {
        PQclear(*out);
        *out = NULL;
    }
    return rc;
}

int pg_translate(struct pg *p, const char *sql, size_t n, struct buf *out,
                 struct translate_map *map, struct err *e)
{
    struct translate_env env = {
        .is_snowflake = true, .is_postgres = true, .notes = &p->notes};
    if (p->is_snowflake)
        return translate_sql(&env, sql, n, out, map, e);
    buf_add(out, sql, n);
    return buf_check(out, "SQL statement", e);
}

static int translate_member(struct wh *w, const char *sql, size_t n, struct buf *out,
                            struct err *e)
{
    return pg_translate(pg_of(w), sql, n, out, NULL, e);
}

static int pg_exec(struct wh *w, const char *sql, bool is_raw, struct err *e)
{
    struct pg *p = pg_of(w);
    struct translate_map map = {0};
    struct pg_source src = {.sql = sql, .n = strlen(sql), .sent = sql};
    struct buf out;
    int rc = 0;
    if (is_raw || !p->is_snowflake)
        return pg_run(p, sql, &src, NULL, e);
    buf_init(&out, TEXT_MAX);
    rc = pg_translate(p, sql, src.n, &out, &map, e);
    src.map = &map;
    src.sent = buf_str(&out);
    if (rc == 0)
        rc = pg_run(p, src.sent, &src, NULL, e);
    buf_release(&out);
    translate_map_release(&map);
    return rc;
}

/* ── transactions ── */

static bool pg_is_lost(const struct wh *w)
{
    return PQstatus(((const struct pg *)w)->db) == CONNECTION_BAD;
}

static int64_t pg_changes(const struct wh *w)
{
    return ((const struct pg *)w)->changes;
}

static bool pg_in_transaction(const struct wh *w)
{
    PGTransactionStatusType t = PQtransactionStatus(((const struct pg *)w)->db);
    return t == PQTRANS_INTRANS || t == PQTRANS_INERROR || t == PQTRANS_ACTIVE;
}

int pg_begin(struct pg *p, bool *is_mine, struct err *e)
{
    int rc = pg_ready(p, e);
    *is_mine = rc == 0 && !pg_in_transaction(&p->base);
    return *is_mine ? pg_run(p, "BEGIN", NULL, NULL, e) : rc;
}

int pg_end(struct pg *p, bool is_mine, int rc, struct err *e)
{
    if (!is_mine)
        return rc;
    if (rc == 0)
        rc = pg_run(p, "COMMIT", NULL, NULL, e);
    if (rc < 0 && pg_in_transaction(&p->base))
        pg_run(p, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}

/* ── names ── */

const char *pg_schema(const char *schema)
{
    return streq(schema, WH_TEMP) ? "pg_temp" : schema;
}

static void add_quoted(struct buf *b, const char *name)
{
    buf_addc(b, '"');
    for (; *name; name++) {
        if (*name == '"')
            buf_addc(b, '"');
        buf_addc(b, *name);
    }
    buf_addc(b, '"');
}

static int pg_quote(struct wh *w, struct buf *out, const char *schema, const char *name)
{
    (void)w;
    if (schema) {
        add_quoted(out, pg_schema(schema));
        buf_addc(out, '.');
    }
    add_quoted(out, name);
    return out->failed;
}

char *pg_name(const char *schema, const char *name)
{
    struct buf b;
    buf_init(&b, 64u << 10);
    pg_quote(NULL, &b, schema, name);
    char *text = mem_strdup(buf_str(&b));
    buf_release(&b);
    return text;
}

static int has_schema(struct pg *p, const char *schema, bool *has, struct err *e)
{
    PGresult *r;
    int rc = pg_select(p, &r, e,
                       "SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1::name",
                       schema, NULL);
    *has = rc == 0 && PQntuples(r) > 0;
    PQclear(r);
    return rc;
}

int pg_schema_ensure(struct wh *w, const char *schema, struct err *e)
{
    struct pg *p = pg_of(w);
    bool has;
    if (streq(schema, WH_TEMP) || map_has(&p->schemas, schema))
        return 0;
    if (!*schema)
        return err_set(e, ERR_CONFIG, "\"%s\" cannot be the name of a schema", schema);
    int rc = has_schema(p, schema, &has, e);
    if (rc < 0 || (!has && p->is_readonly))
        return rc;
    if (!has) {
        char *name = pg_name(NULL, schema);
        rc = pg_execf(p, e, "CREATE SCHEMA IF NOT EXISTS %s", name);
        mem_free(name);
        /* another process made it at the same moment */
        if (rc < 0 && !pg_in_transaction(w) && has_schema(p, schema, &has, NULL) == 0 &&
            has)
            rc = 0;
    }
    if (rc == 0)
        map_put(&p->schemas, schema, (void *)1);
    return rc;
}

static int pg_begin_on(struct wh *w, const char *schema, struct err *e)
{
    struct pg *p = pg_of(w);
    bool is_mine;
    int rc = pg_schema_ensure(w, schema, e);
    if (rc < 0 || (rc = pg_begin(p, &is_mine, e)) < 0)
        return rc;
    return is_mine ? 0 : err_set(e, ERR_SQL, "a transaction is open already");
}

static int pg_lock(struct wh *w, const char *schema, const char *name, struct err *e)
{
    PGresult *r;
    int rc =
        pg_select(pg_of(w), &r, e,
                  "SELECT pg_advisory_xact_lock(hashtextextended($1, hashtext($2)))",
                  schema, name);
    PQclear(r);
    return rc;
}

/* ── connection ── */

static void pg_set_progress(struct wh *w, wh_progress_fn *fn, void *arg)
{
    pg_of(w)->progress = fn;
    pg_of(w)->progress_arg = arg;
}

static const char *pg_notes(const struct wh *w)
{
    return buf_str(&((const struct pg *)w)->notes);
}

static void pg_notes_clear(struct wh *w)
{
    buf_reset(&pg_of(w)->notes);
}

int pg_session_now(struct pg *p, int64_t now_ms, struct err *e)
{
    char text[64] = "";
    if (now_ms >= 0)
        time_format_sql(now_ms, now_ms % 1000 != 0, text);
    return pg_execf(p, e, "SET weir.now = '%s'", text);
}

static void pg_set_now(struct wh *w, int64_t now_ms)
{
    pg_session_now(pg_of(w), now_ms, NULL);
}

void pg_close(struct wh *w)
{
    struct pg *p = pg_of(w);
    map_release(&p->schemas);
    buf_release(&p->notes);
    PQfinish(p->db);
    mem_free(p);
}

const struct wh_ops wh_postgres_ops = {
    .kind = "postgres",
    .begin_sql = "BEGIN",
    .open = pg_open,
    .close = pg_close,
    .cancel = pg_cancel,
    .set_progress = pg_set_progress,
    .schema_ensure = pg_schema_ensure,
    .set_now = pg_set_now,
    .translate = translate_member,
    .notes = pg_notes,
    .notes_clear = pg_notes_clear,
    .error_at = pg_error_at,
    .exec = pg_exec,
    .query = pg_query,
    .bind_text = pg_bind_text,
    .bind_i64 = pg_bind_i64,
    .next = pg_next,
    .n_columns = pg_n_columns,
    .column_name = pg_column_name,
    .value = pg_value,
    .cursor_close = pg_cursor_close,
    .begin_on = pg_begin_on,
    .lock = pg_lock,
    .changes = pg_changes,
    .in_transaction = pg_in_transaction,
    .name_max = 63,
    .ends_on_error = true,
    .is_lost = pg_is_lost,
    .relations = pg_relations,
    .relation_type = pg_relation_type,
    .columns = pg_columns,
    .create_table_as = pg_create_table_as,
    .create_view = pg_create_view,
    .index = pg_index,
    .set_rows = pg_set_rows,
    .swap = pg_swap,
    .drop = pg_drop,
    .rename = pg_rename,
    .loader_open = pg_loader_open,
    .loader_row = pg_loader_row,
    .loader_close = pg_loader_close,
    .quote = pg_quote,
};
