/* The warehouse seam: relations in schemas (the layers bronze, silver, gold …), SQL in,
 * rows out. First member: wh_sqlite.c, one file per schema, attached by name. Vendor
 * handles never leave the member's file.
 *
 * SQL that comes from people or models is given in the project's dialect and passes
 * wh_translate first (wh_query_raw / wh_exec_raw skip it: weir's own SQL).
 *
 * Money: SUM, AVG, MEDIAN and ROUND are exact decimals on every member
 * (base/decimal.h). Timestamps are text "YYYY-MM-DD HH:MM:SS[.mmm]" UTC, dates
 * "YYYY-MM-DD". */
#ifndef WAREHOUSE_WAREHOUSE_H
#define WAREHOUSE_WAREHOUSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "conf/conf.h"

struct wh;
struct wh_cursor;

/* All of it is read while wh_open runs, and not later. */
struct wh_options {
    const char *kind;                     /* "sqlite", "postgres" */
    const struct conf_postgres *postgres; /* may be NULL */
    const char *dir;                      /* sqlite: folder of SCHEMA.db files */
    const struct conf_pair *files; /* sqlite: schema → file of those elsewhere */
    size_t n_files;
    const char *const *extensions; /* sqlite: libraries to load; NULL: none */
    const char *const
        *schemas;        /* NULL-terminated; created when absent unless readonly */
    const char *dialect; /* of incoming SQL: "sqlite", "postgres", "snowflake" */
    bool is_readonly;
    int64_t now_ms;      /* CURRENT_TIMESTAMP(); < 0: the wall clock */
    int busy_timeout_ms; /* 0: 60 s */
};

enum wh_type { WH_NULL, WH_INT, WH_REAL, WH_TEXT, WH_BLOB };
struct wh_value {
    enum wh_type type;
    int64_t i;
    double d;
    struct str text; /* TEXT, BLOB: valid until the next wh_next */
};

/* Where the platform's tables live: kind, place and dialect; the caller adds schemas,
 * clock and the rest. Borrows from the platform. */
struct wh_options wh_options_of(const struct platform *p);
int wh_open(struct wh **out, const struct wh_options *o, struct err *e);
void wh_close(struct wh *w);
/* From a signal handler or another callback: stop the running statement
 * (ERR_INTERRUPTED). */
void wh_cancel(struct wh *w);
/* Called every few milliseconds while a statement runs (heartbeats); non-zero stops it.
 */
typedef int wh_progress_fn(void *arg);
void wh_set_progress(struct wh *w, wh_progress_fn *fn, void *arg);
/* Attach a schema that was not in the options (dbt custom schemas). */
int wh_schema_ensure(struct wh *w, const char *schema, struct err *e);
void wh_set_now(struct wh *w, int64_t now_ms);

/* Dialect → engine SQL, token by token, strings and comments untouched. Statements that
 * the engine has no use for (GRANT, REVOKE, USE …) become nothing and are noted. */
int wh_translate(struct wh *w, const char *sql, size_t n, struct buf *out,
                 struct err *e);
/* Statements noted and not run since wh_notes_clear, one a line; "" when none. */
const char *wh_notes(const struct wh *w);
void wh_notes_clear(struct wh *w);
/* Byte offset in the SQL last given at which it failed to compile; false: unknown. */
bool wh_error_at(const struct wh *w, size_t *offset);

/* One or several statements, no rows. An error names the statement's line and column.
 * On PostgreSQL several statements outside a transaction are one: all or nothing. */
int wh_exec(struct wh *w, const char *sql, struct err *e);
int wh_exec_raw(struct wh *w, const char *sql, struct err *e);
/* One statement with rows. Binds: NULL-terminated texts or NULL. */
int wh_query(struct wh *w, const char *sql, struct wh_cursor **out, struct err *e);
int wh_query_raw(struct wh *w, const char *sql, struct wh_cursor **out, struct err *e);
int wh_bind_text(struct wh_cursor *c, int index1, const char *text, struct err *e);
int wh_bind_i64(struct wh_cursor *c, int index1, int64_t v, struct err *e);
int wh_next(struct wh_cursor *c, struct err *e); /* 1 row, 0 end, negative */
int wh_n_columns(const struct wh_cursor *c);
const char *wh_column_name(const struct wh_cursor *c, int i);
struct wh_value wh_value(struct wh_cursor *c, int i);
void wh_cursor_close(struct wh_cursor *c);
/* First value of the first row as an integer; ERR_NOTFOUND without a row or when null.
 */
int wh_query_i64(struct wh *w, const char *sql, int64_t *out, struct err *e);
int64_t wh_changes(const struct wh *w);

int wh_begin(struct wh *w,
             struct err *e); /* takes the write lock of every schema open */
/* Takes the write lock of this schema alone: others may write elsewhere meanwhile.
 * Nothing but this schema (and WH_TEMP) should be written before wh_commit. */
int wh_begin_on(struct wh *w, const char *schema, struct err *e);
/* Whether that lock is the whole schema's (SQLite's files): what takes long is then
 * done elsewhere first, in WH_TEMP. */
bool wh_locks_schemas(const struct wh *w);
/* Inside a transaction: whoever locks the same name waits until it ends. For what two
 * sessions must not do at once, such as making a table unless it is there. */
int wh_lock(struct wh *w, const char *schema, const char *name, struct err *e);
int wh_commit(struct wh *w, struct err *e);
int wh_rollback(struct wh *w, struct err *e);
bool wh_in_transaction(const struct wh *w);
/* Around what may fail without harm to the transaction that is open, which PostgreSQL
 * gives up at its first error. Nothing outside of a transaction. */
int wh_try(struct wh *w, struct err *e);
int wh_try_end(struct wh *w, bool is_good, struct err *e);
/* The server is gone: close it and open another. */
bool wh_is_lost(const struct wh *w);

/* Catalog. The schema WH_TEMP holds tables of this connection only. */
#define WH_TEMP "temp"
enum wh_relation_type { WH_ABSENT, WH_TABLE, WH_VIEW, WH_MATERIALIZED_VIEW };
typedef void wh_relation_fn(void *arg, const char *schema, const char *name,
                            enum wh_relation_type type);
int wh_relations(struct wh *w, const char *schema, wh_relation_fn *fn, void *arg,
                 struct err *e);
enum wh_relation_type wh_relation_type(struct wh *w, const char *schema,
                                       const char *name);
typedef void wh_column_fn(void *arg, const char *name, const char *type);
int wh_columns(struct wh *w, const char *schema, const char *name, wh_column_fn *fn,
               void *arg, struct err *e);
int64_t wh_row_count(struct wh *w, const char *schema, const char *name, struct err *e);

/* Relations from a SELECT in the project's dialect. A view may look into other schemas.
 * An existing relation of that name is an error. */
int wh_create_table_as(struct wh *w, const char *schema, const char *name,
                       const char *select, struct err *e);
int wh_create_view(struct wh *w, const char *schema, const char *name,
                   const char *select, struct err *e);

/* An index on these columns (comma-separated names), unless the table has one that
 * begins with them. A
 * table's declared keys are looked up by joins, by incremental deletes and by their
 * tests. */
int wh_index(struct wh *w, const char *schema, const char *table, const char *columns,
             struct err *e);
/* Tell the engine's planner how many rows a table has. */
int wh_set_rows(struct wh *w, const char *schema, const char *table, int64_t rows,
                struct err *e);

/* Publish: replace live by built (same schema) in one transaction, whatever each is
 * (table or view); views on live keep working. The old one is gone when it returns. */
int wh_swap(struct wh *w, const char *schema, const char *built, const char *live,
            struct err *e);
int wh_drop(struct wh *w, const char *schema, const char *name, struct err *e);
/* A table or view gets another name in its schema; ERR_EXISTS when that is taken. */
int wh_rename(struct wh *w, const char *schema, const char *from, const char *to,
              struct err *e);

/* Bulk load: prepared once, rows appended inside the caller's transaction. */
struct wh_loader;
/* With this a row whose key is there already replaces that row, unless its rank is
 * lower; the table has a primary key or unique index on the columns of `key`. */
struct wh_upsert {
    const char *const *key; /* column names, NULL at the end */
    const char *rank;       /* a column */
};
int wh_loader_open(struct wh *w, const char *schema, const char *table,
                   const char *const *columns /* NULL-terminated */,
                   struct wh_loader **out, struct err *e);
int wh_loader_open_upsert(struct wh *w, const char *schema, const char *table,
                          const char *const *columns, const struct wh_upsert *upsert,
                          struct wh_loader **out, struct err *e);
int wh_loader_row(struct wh_loader *l, const struct wh_value *values, struct err *e);
void wh_loader_close(struct wh_loader *l);

/* "schema"."name" quoted for this engine, appended. Raw SQL must name views through it:
 * a view over several schemas lives elsewhere on engines without such views. */
int wh_quote(struct wh *w, struct buf *out, const char *schema, const char *name);
/* Longest name of a relation, in bytes; more is cut off by the engine. 0: no limit. */
size_t wh_name_max(const struct wh *w);
const char *wh_kind(const struct wh *w); /* adapter type for target.type: "sqlite", … */

#endif
