/* PostgreSQL member: queries with rows. The statement is prepared at once, so that an
 * error and the columns are known before the first row; rows come one by one as they
 * are read. When another statement is wanted meanwhile, what has not been read is taken
 * into memory first. Called by wh_postgres.c. */
#include "warehouse/wh_postgres.h"

#include <math.h>
#include "base/mem.h"
#include "base/vec.h"
#include "warehouse/sql_token.h"

#define STAMP_MAX 48

struct pg_cursor {
    struct wh_cursor base;
    char name[32];
    char *sent, *given;
    struct translate_map map;
    PGresult *shape;      /* columns */
    PGresult *row;        /* current */
    VEC(PGresult *) kept; /* drained rows */
    size_t n_taken;       /* of kept */
    int n_params;
    char **params;
    bool is_started, is_done;
    struct err late; /* met while draining */
    unsigned char **blobs;
    char (*stamps)[STAMP_MAX];
};

static struct pg_cursor *cursor_of(const struct wh_cursor *c)
{
    return (struct pg_cursor *)(uintptr_t)c;
}

/* weir's own SQL binds with ? or ?1; PostgreSQL with $1 … */
static int number_parameters(const char *sql, size_t n, struct buf *out,
                             struct translate_map *map, struct err *e)
{
    struct sql_tokens t;
    struct arena mem;
    size_t at = 0;
    int k = 0;
    arena_init(&mem, 0);
    int rc = sql_tokenize(&t, &mem, sql, n, false, e);
    for (size_t i = 0; rc == 0 && i < t.n; i++) {
        const struct sql_token *one = &t.v[i];
        if (one->kind != SQL_PARAMETER || sql[one->start] != '?')
            continue;
        vec_push(map, ((struct translate_span){out->len, at, one->start - at}));
        buf_add(out, sql + at, one->start - at);
        vec_push(map, ((struct translate_span){out->len, one->start, 0}));
        if (one->len > 1) /* ?1 */
            buf_addf(out, "$%.*s", (int)one->len - 1, sql + one->start + 1);
        else
            buf_addf(out, "$%d", ++k);
        at = one->start + one->len;
    }
    vec_push(map, ((struct translate_span){out->len, at, n - at}));
    buf_add(out, sql + at, n - at);
    arena_release(&mem);
    return rc < 0 ? rc : buf_check(out, "SQL statement", e);
}

static int wait_one(struct pg *p, const struct pg_source *src, PGresult **out,
                    struct err *e)
{
    PGresult *r = NULL, *next = NULL;
    int rc = pg_result(p, &r, e);
    while (rc == 0 && (rc = pg_result(p, &next, e)) == 0 && next)
        PQclear(next);
    if (rc == 0 && PQresultStatus(r) != PGRES_COMMAND_OK)
        rc = pg_error(p, r, src, e);
    if (rc < 0) {
        PQclear(r);
        r = NULL;
    }
    *out = r;
    return rc;
}

static int prepare(struct pg *p, struct pg_cursor *c, struct err *e)
{
    struct pg_source src = {.sql = c->given,
                            .n = strlen(c->given),
                            .map = c->map.n ? &c->map : NULL,
                            .sent = c->sent};
    PGresult *r;
    snprintf(c->name, sizeof c->name, "weir_%u", ++p->n_statements);
    p->has_error_at = false;
    if (!PQsendPrepare(p->db, c->name, c->sent, 0, NULL))
        return pg_error(p, NULL, NULL, e);
    int rc = wait_one(p, &src, &r, e);
    if (rc < 0) {
        c->name[0] = '\0';
        return rc;
    }
    PQclear(r);
    if (!PQsendDescribePrepared(p->db, c->name))
        return pg_error(p, NULL, NULL, e);
    return wait_one(p, NULL, &c->shape, e);
}

/* Where the last of several statements begins (0: there is one), and whether there is
 * any at all. A prepared statement is one; those before it are run first. */
static size_t last_statement(const char *sql, bool *is_empty)
{
    struct sql_tokens t;
    struct arena mem;
    size_t start = 0;
    bool is_ended = false;
    arena_init(&mem, 0);
    *is_empty = true;
    if (sql_tokenize(&t, &mem, sql, strlen(sql), false, NULL) < 0)
        t.n = 0, *is_empty = false; /* the server says what is wrong */
    for (size_t i = 0; i < t.n; i++) {
        bool is_semi = t.v[i].kind == SQL_SEMI;
        if (!is_semi && is_ended && !*is_empty)
            start = t.v[i].start;
        is_ended = is_semi;
        *is_empty &= is_semi;
    }
    arena_release(&mem);
    return start;
}

/* Runs all but the last statement of c->sent, which keeps that one. */
static int run_before_last(struct pg *p, struct pg_cursor *c, struct err *e)
{
    bool is_empty;
    size_t at = last_statement(c->sent, &is_empty);
    if (is_empty)
        return err_set(e, ERR_SQL, "the statement is empty");
    if (!at)
        return 0;
    char *first = mem_strndup(c->sent, at), *rest = mem_strdup(c->sent + at);
    int rc = pg_run(p, first, NULL, NULL, e);
    mem_free(first);
    mem_free(c->sent);
    c->sent = rest;
    return rc;
}

int pg_query(struct wh *w, const char *sql, bool is_raw, struct wh_cursor **out,
             struct err *e)
{
    struct pg *p = pg_of(w);
    struct buf text;
    *out = NULL;
    int rc = pg_ready(p, e);
    if (rc < 0)
        return rc;
    struct pg_cursor *c = mem_alloc(sizeof *c);
    c->base.w = w;
    c->given = mem_strdup(sql);
    buf_init(&text, 64u << 20);
    if (is_raw)
        rc = number_parameters(sql, strlen(sql), &text, &c->map, e);
    else
        rc = pg_translate(p, sql, strlen(sql), &text, p->is_snowflake ? &c->map : NULL,
                          e);
    c->sent = mem_strdup(buf_str(&text));
    buf_release(&text);
    if (rc == 0)
        rc = run_before_last(p, c, e);
    if (rc == 0)
        rc = prepare(p, c, e);
    if (rc < 0) {
        pg_cursor_close(&c->base);
        return rc;
    }
    c->n_params = PQnparams(c->shape);
    c->params = mem_alloc(sizeof *c->params * ((size_t)c->n_params + 1));
    *out = &c->base;
    return 0;
}

int pg_bind_text(struct wh_cursor *base, int index1, const char *text, struct err *e)
{
    struct pg_cursor *c = cursor_of(base);
    if (index1 < 1 || index1 > c->n_params)
        return err_set(e, ERR_SQL, "bind: the statement has no parameter %d", index1);
    mem_free(c->params[index1 - 1]);
    c->params[index1 - 1] = mem_strdup(text);
    return 0;
}

int pg_bind_i64(struct wh_cursor *c, int index1, int64_t v, struct err *e)
{
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)v);
    return pg_bind_text(c, index1, text, e);
}

static int start(struct pg_cursor *c, struct err *e)
{
    struct pg *p = pg_of(c->base.w);
    int rc = pg_ready(p, e);
    if (rc < 0)
        return rc;
    c->is_started = true;
    if (!PQsendQueryPrepared(p->db, c->name, c->n_params,
                             (const char *const *)c->params, NULL, NULL, 0))
        return pg_error(p, NULL, NULL, e);
    PQsetSingleRowMode(p->db);
    p->active = c;
    return 0;
}

/* The next result from the wire: 1 a row, 0 the end, negative. */
static int fetch(struct pg_cursor *c, PGresult **out, struct err *e)
{
    struct pg *p = pg_of(c->base.w);
    struct pg_source src = {.sql = c->given, .n = strlen(c->given)};
    int failed = 0, rc;
    for (;;) {
        PGresult *r = NULL;
        if ((rc = pg_result(p, &r, failed ? NULL : e)) < 0 || !r)
            break;
        if (PQresultStatus(r) == PGRES_SINGLE_TUPLE) {
            *out = r;
            return 1;
        }
        int64_t n;
        if (str_to_i64(str_of(PQcmdTuples(r)), &n))
            p->changes = n;
        if (PQresultStatus(r) == PGRES_FATAL_ERROR && !failed)
            failed = pg_error(p, r, &src, e);
        PQclear(r);
    }
    p->active = NULL;
    c->is_done = true;
    return failed ? failed : rc;
}

int pg_cursor_drain(struct pg *p, struct err *e)
{
    (void)e; /* an error of the rows is told to who reads them */
    struct pg_cursor *c = p->active;
    PGresult *r;
    int rc;
    if (!c)
        return 0;
    while ((rc = fetch(c, &r, &c->late)) == 1)
        vec_push(&c->kept, r);
    if (rc == 0)
        err_clear(&c->late);
    return 0;
}

static void forget_row(struct pg_cursor *c)
{
    for (int i = 0; c->blobs && i < PQnfields(c->shape); i++)
        if (c->blobs[i]) {
            PQfreemem(c->blobs[i]);
            c->blobs[i] = NULL;
        }
    PQclear(c->row);
    c->row = NULL;
}

int pg_next(struct wh_cursor *base, struct err *e)
{
    struct pg_cursor *c = cursor_of(base);
    int rc = c->is_started ? 0 : start(c, e);
    if (rc < 0)
        return rc;
    forget_row(c);
    if (c->n_taken < c->kept.n) {
        c->row = c->kept.v[c->n_taken];
        c->kept.v[c->n_taken++] = NULL;
        return 1;
    }
    if (c->is_done)
        return c->late.code ? err_set(e, c->late.code, "%s", c->late.text) : 0;
    return fetch(c, &c->row, e);
}

int pg_n_columns(const struct wh_cursor *c)
{
    return PQnfields(cursor_of(c)->shape);
}

const char *pg_column_name(const struct wh_cursor *c, int i)
{
    return PQfname(cursor_of(c)->shape, i);
}

/* ── values ── */

/* Up to 15 digits go through a double and back unharmed; more stay text. */
static struct wh_value number_of(struct str s)
{
    struct wh_value v = {.type = WH_TEXT, .text = s};
    size_t digits = 0;
    if (!memchr(s.p, '.', s.n)) {
        if (str_to_i64(s, &v.i))
            v.type = WH_INT;
        return v;
    }
    while (s.p[s.n - 1] == '0') /* behind the point: 1.5000 is 1.5 */
        s.n--;
    for (size_t i = 0; i < s.n; i++)
        digits += s.p[i] >= '0' && s.p[i] <= '9';
    if (digits <= 15 && str_to_double(s, &v.d))
        v.type = WH_REAL;
    return v;
}

/* "2018-01-01 00:00:00.12+00" → "2018-01-01 00:00:00.120" */
static struct str stamp_of(struct pg_cursor *c, int i, struct str s)
{
    if (!c->stamps)
        c->stamps = mem_alloc(sizeof *c->stamps * (size_t)PQnfields(c->shape));
    char *out = c->stamps[i];
    const char *dot = memchr(s.p, '.', s.n);
    if (s.n > 3 && memcmp(s.p + s.n - 3, "+00", 3) == 0)
        s.n -= 3;
    if (s.n + 3 >= STAMP_MAX)
        return s;
    memcpy(out, s.p, s.n);
    if (dot)
        while (s.n - (size_t)(dot - s.p) < 4)
            out[s.n++] = '0';
    out[s.n] = '\0';
    return (struct str){out, s.n};
}

static struct wh_value blob_of(struct pg_cursor *c, int i, const char *text)
{
    struct wh_value v = {.type = WH_BLOB};
    if (!c->blobs)
        c->blobs = mem_alloc(sizeof *c->blobs * (size_t)PQnfields(c->shape));
    if (c->blobs[i])
        PQfreemem(c->blobs[i]);
    c->blobs[i] = PQunescapeBytea((const unsigned char *)text, &v.text.n);
    v.text.p = (const char *)c->blobs[i];
    if (!v.text.p)
        v = (struct wh_value){.type = WH_NULL};
    return v;
}

struct wh_value pg_value(struct wh_cursor *base, int i)
{
    struct pg_cursor *c = cursor_of(base);
    struct wh_value v = {.type = WH_NULL};
    if (!c->row || i < 0 || i >= PQnfields(c->row) || PQgetisnull(c->row, 0, i))
        return v;
    v.type = WH_TEXT;
    v.text = (struct str){PQgetvalue(c->row, 0, i), (size_t)PQgetlength(c->row, 0, i)};
    switch (PQftype(c->row, i)) {
    case OID_BOOL:
        v.type = WH_INT;
        v.i = v.text.p[0] == 't';
        break;
    case OID_INT2:
    case OID_INT4:
    case OID_INT8:
    case OID_OID:
        v.type = str_to_i64(v.text, &v.i) ? WH_INT : WH_TEXT;
        break;
    case OID_FLOAT4:
    case OID_FLOAT8:
        if (str_to_double(v.text, &v.d) && isfinite(v.d))
            v.type = WH_REAL;
        break;
    case OID_NUMERIC:
        return number_of(v.text);
    case OID_TIMESTAMP:
    case OID_TIMESTAMPTZ:
        v.text = stamp_of(c, i, v.text);
        break;
    case OID_BYTEA:
        return blob_of(c, i, v.text.p);
    default:
        break;
    }
    return v;
}

/* Rows nobody wants are read and dropped: stopping the statement would fail the
 * transaction it is in. */
static void abandon(struct pg *p, struct pg_cursor *c)
{
    PGresult *r;
    while (p->active == c && fetch(c, &r, NULL) == 1)
        PQclear(r);
}

void pg_cursor_close(struct wh_cursor *base)
{
    struct pg_cursor *c = cursor_of(base);
    struct pg *p = pg_of(base->w);
    abandon(p, c);
    if (c->shape)
        forget_row(c);
    for (size_t i = c->n_taken; i < c->kept.n; i++)
        PQclear(c->kept.v[i]);
    vec_release(&c->kept);
    if (c->name[0] && PQtransactionStatus(p->db) != PQTRANS_INERROR) {
        bool had_at = p->has_error_at;
        int64_t changes = p->changes;
        pg_execf(p, NULL, "DEALLOCATE %s", c->name);
        p->has_error_at = had_at;
        p->changes = changes;
    }
    for (int i = 0; i < c->n_params; i++)
        mem_free(c->params[i]);
    mem_free(c->params);
    PQclear(c->shape);
    mem_free(c->blobs);
    mem_free(c->stamps);
    mem_free(c->sent);
    mem_free(c->given);
    translate_map_release(&c->map);
    mem_free(c);
}
