/* Inside the PostgreSQL member: its struct and what its files give each other. Included
 * by wh_postgres*.c of this room alone. */
#ifndef WAREHOUSE_WH_POSTGRES_H
#define WAREHOUSE_WH_POSTGRES_H

#include "base/map.h"
#include "warehouse/libpq.h"
#include "warehouse/member.h"
#include "warehouse/translate.h"

/* Types of the catalog. */
enum { OID_BOOL = 16, OID_BYTEA = 17, OID_INT8 = 20, OID_INT2 = 21, OID_INT4 = 23 };
enum { OID_OID = 26, OID_FLOAT4 = 700, OID_FLOAT8 = 701, OID_NUMERIC = 1700 };
enum { OID_BPCHAR = 1042, OID_TIMESTAMP = 1114, OID_TIMESTAMPTZ = 1184 };

struct pg_cursor;
struct pg_loader;

struct pg {
    struct wh base;
    PGconn *db;
    bool is_readonly, is_snowflake;
    int64_t changes;
    unsigned n_statements; /* names of prepared statements */
    struct map schemas;    /* known to exist: name → (void *)1 */
    struct buf notes;
    bool has_error_at;
    size_t error_at;
    struct pg_cursor *active;  /* its rows are still on the wire */
    struct pg_loader *loaders; /* open ones */
    struct err late;           /* what a loader's close could not report */
    wh_progress_fn *progress;
    void *progress_arg;
};

static inline struct pg *pg_of(struct wh *w)
{
    return (struct pg *)w;
}

/* What of the SQL text a statement came from, for error positions. */
struct pg_source {
    const char *sql; /* as given */
    size_t n;
    const struct translate_map *map; /* NULL: not translated */
    const char *sent;                /* as the server got it */
    size_t shift; /* bytes put before the translated text ("CREATE TABLE … AS ") */
};

/* Server's error → err; src may be NULL; r may be NULL (trouble of the connection). */
int pg_error(struct pg *p, const PGresult *r, const struct pg_source *src,
             struct err *e);
/* Before anything is sent: pending rows are copied, an unread cursor is read. */
int pg_ready(struct pg *p, struct err *e);
/* Waits for the next result of what was sent, looking for a stop meanwhile; *out is
 * NULL at the end. */
int pg_result(struct pg *p, PGresult **out, struct err *e);
/* Runs text (one or several statements); *last, when given, gets the last result. */
int pg_run(struct pg *p, const char *text, const struct pg_source *src, PGresult **last,
           struct err *e);
/* Raw SQL, formatted. %s only with what pg_name or pg_literal made. */
int pg_execf(struct pg *p, struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* One raw query with up to two text parameters ($1, $2). */
int pg_select(struct pg *p, PGresult **out, struct err *e, const char *sql,
              const char *a, const char *b);
/* "schema"."name" in new memory (mem_free); schema NULL: the name alone. */
char *pg_name(const char *schema, const char *name);
/* The catalog's name of a schema: WH_TEMP is pg_temp. */
const char *pg_schema(const char *schema);
int pg_translate(struct pg *p, const char *sql, size_t n, struct buf *out,
                 struct translate_map *map, struct err *e);
/* A transaction of our own unless one is open. */
int pg_begin(struct pg *p, bool *is_mine, struct err *e);
int pg_end(struct pg *p, bool is_mine, int rc, struct err *e);

int pg_open(struct wh **out, const struct wh_options *o, struct err *e);
void pg_close(struct wh *w);
int pg_schema_ensure(struct wh *w, const char *schema, struct err *e);
/* What CURRENT_TIMESTAMP() is in this session; < 0: the wall clock. */
int pg_session_now(struct pg *p, int64_t now_ms, struct err *e);

int pg_query(struct wh *w, const char *sql, bool is_raw, struct wh_cursor **out,
             struct err *e);
int pg_bind_text(struct wh_cursor *c, int index1, const char *text, struct err *e);
int pg_bind_i64(struct wh_cursor *c, int index1, int64_t v, struct err *e);
int pg_next(struct wh_cursor *c, struct err *e);
int pg_n_columns(const struct wh_cursor *c);
const char *pg_column_name(const struct wh_cursor *c, int i);
struct wh_value pg_value(struct wh_cursor *c, int i);
void pg_cursor_close(struct wh_cursor *c);
/* Reads the rest of the active cursor's rows into memory: the connection is free. */
int pg_cursor_drain(struct pg *p, struct err *e);

int pg_relations(struct wh *w, const char *schema, wh_relation_fn *fn, void *arg,
                 struct err *e);
enum wh_relation_type pg_relation_type(struct wh *w, const char *schema,
                                       const char *name);
int pg_columns(struct wh *w, const char *schema, const char *name, wh_column_fn *fn,
               void *arg, struct err *e);
int pg_index(struct wh *w, const char *schema, const char *table, const char *columns,
             struct err *e);
int pg_set_rows(struct wh *w, const char *schema, const char *table, int64_t rows,
                struct err *e);

int pg_create_table_as(struct wh *w, const char *schema, const char *name,
                       const char *select, struct err *e);
int pg_create_view(struct wh *w, const char *schema, const char *name,
                   const char *select, struct err *e);
int pg_swap(struct wh *w, const char *schema, const char *built, const char *live,
            struct err *e);
int pg_drop(struct wh *w, const char *schema, const char *name, struct err *e);
int pg_rename(struct wh *w, const char *schema, const char *from, const char *to,
              struct err *e);

int pg_loader_open(struct wh *w, const char *schema, const char *table,
                   const char *const *columns, const struct wh_upsert *upsert,
                   struct wh_loader **out, struct err *e);
int pg_loader_row(struct wh_loader *l, const struct wh_value *values, struct err *e);
void pg_loader_close(struct wh_loader *l);
/* Copies what the open loaders hold; or forgets it (rollback). */
int pg_loaders_flush(struct pg *p, struct err *e);
void pg_loaders_forget(struct pg *p);

#endif
