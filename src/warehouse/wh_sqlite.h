/* Inside the SQLite member: its struct and what its files give each other. The only
 * header with sqlite3 in it; included by wh_*.c of this room alone. */
#ifndef WAREHOUSE_WH_SQLITE_H
#define WAREHOUSE_WH_SQLITE_H

#include <sqlite3.h>
#include "base/map.h"
#include "base/vec.h"
#include "warehouse/member.h"
#include "warehouse/translate.h"

/* Views that look into other schemas: SQLite forbids them in a file. Their SELECT is
 * kept in this table of their schema's file; each connection makes a temp view on first
 * use. */
#define LITE_VIEWS "_weir_views"

struct groups;
/* Groups made by weir_group and not read yet. */
struct lite_groups {
    sqlite3_int64 id;
    struct groups *g;
    int n_columns;
};

struct lite {
    struct wh base;
    sqlite3 *db;
    char *dir;
    struct map files; /* schema → path of those not in dir, owned */
    bool is_readonly, is_snowflake, has_main_file;
    int busy_ms;
    int keeper_lock; /* of the warehouse's folder (wh_keeper.c), -1: not open */
    int64_t busy_until_ms;
    int64_t now_ms;       /* < 0: wall clock */
    struct map schemas;   /* attached: name → (void *)1 */
    struct map far_views; /* "schema.name" → SQL of the temp view made here */
    struct buf notes;
    bool has_error_at;
    size_t error_at;
    VEC(struct lite_groups) groups;
    sqlite3_int64 last_groups;
    wh_progress_fn *progress;
    void *progress_arg;
};

static inline struct lite *lite_of(struct wh *w)
{
    return (struct lite *)w;
}

/* What of the SQL text a statement came from, for error positions. */
struct lite_source {
    const char *sql; /* as given */
    size_t n;
    const struct translate_map *map; /* NULL: not translated */
    size_t shift; /* bytes put before the translated text ("CREATE TABLE … AS ") */
    size_t at;    /* byte of the translated text the statement starts at */
};

/* Whether the file of a schema is there; it may not be attached. */
bool lite_has_file(const struct lite *l, const char *schema);
int lite_schema_ensure(struct wh *w, const char *schema, struct err *e);
/* The engine's error → err. src may be NULL. */
int lite_error(struct lite *l, const struct lite_source *src, const char *what,
               struct err *e);
int lite_prepare(struct lite *l, const char *sql, int n, const struct lite_source *src,
                 sqlite3_stmt **out, const char **tail, struct err *e);
/* Raw SQL without a source text, formatted as sqlite3_mprintf ("%w" quotes names). */
int lite_exec(struct lite *l, struct err *e, const char *fmt, ...);
/* First column of the first row as text (sqlite3_free it), NULL when none. */
int lite_text(struct lite *l, char **out, struct err *e, const char *fmt, ...);
/* A write transaction that locks this one schema's file; joins one that is open:
 * *is_mine tells whether lite_end must close it. */
int lite_begin_on(struct lite *l, const char *schema, bool *is_mine, struct err *e);
int lite_end(struct lite *l, bool is_mine, int rc, struct err *e);
int lite_translate(struct lite *l, const char *sql, size_t n, struct buf *out,
                   struct translate_map *map, struct err *e);
bool lite_is_far_view(void *l, const char *schema, const char *name);

/* Members of the row (wh_statement.c). */
bool lite_error_at(const struct wh *w, size_t *offset);
const char *lite_column_name(const struct wh_cursor *c, int i);
int lite_bind_i64(struct wh_cursor *c, int index1, int64_t v, struct err *e);
int lite_bind_text(struct wh_cursor *c, int index1, const char *text, struct err *e);
int lite_exec_member(struct wh *w, const char *sql, bool is_raw, struct err *e);
int lite_n_columns(const struct wh_cursor *c);
int lite_next(struct wh_cursor *c, struct err *e);
int lite_query(struct wh *w, const char *sql, bool is_raw, struct wh_cursor **out,
               struct err *e);
int lite_translate_member(struct wh *w, const char *sql, size_t n, struct buf *out,
                          struct err *e);
struct wh_value lite_value(struct wh_cursor *c, int i);
void lite_cursor_close(struct wh_cursor *c);

int lite_relations(struct wh *w, const char *schema, wh_relation_fn *fn, void *arg,
                   struct err *e);
enum wh_relation_type lite_relation_type(struct wh *w, const char *schema,
                                         const char *name);
int lite_columns(struct wh *w, const char *schema, const char *name, wh_column_fn *fn,
                 void *arg, struct err *e);
int lite_quote(struct wh *w, struct buf *out, const char *schema, const char *name);

int lite_create_table_as(struct wh *w, const char *schema, const char *name,
                         const char *select, struct err *e);
int lite_create_view(struct wh *w, const char *schema, const char *name,
                     const char *select, struct err *e);
int lite_index(struct wh *w, const char *schema, const char *table, const char *columns,
               struct err *e);
int lite_set_rows(struct wh *w, const char *schema, const char *table, int64_t rows,
                  struct err *e);
/* Indexes for joins of this SELECT (engine SQL) that would scan a table of ours once
 * per row. Outside a transaction only. */
int lite_help_joins(struct lite *l, const char *sql, struct err *e);
int lite_swap(struct wh *w, const char *schema, const char *built, const char *live,
              struct err *e);
int lite_drop(struct wh *w, const char *schema, const char *name, struct err *e);
int lite_rename(struct wh *w, const char *schema, const char *from, const char *to,
                struct err *e);

/* After each commit: `pages` are in the log of this schema's file. */
int lite_log_grew(void *lite, sqlite3 *db, const char *schema, int pages);

int lite_loader_open(struct wh *w, const char *schema, const char *table,
                     const char *const *columns, const struct wh_upsert *upsert,
                     struct wh_loader **out, struct err *e);
int lite_loader_row(struct wh_loader *l, const struct wh_value *values, struct err *e);
void lite_loader_close(struct wh_loader *l);

/* SQL functions; each registers its own. */
int lite_register_aggregates(struct lite *l);
int lite_register_dates(struct lite *l);
int lite_register_texts(struct lite *l);
int lite_register_casts(struct lite *l);
int lite_register_items(struct lite *l);
int lite_register_groups(struct lite *l);
void lite_groups_release(struct lite *l);
/* The same rows by weir_group, appended; false: this SELECT is not of that form. */
bool lite_plan_groups(const char *select, struct buf *out);

#endif
