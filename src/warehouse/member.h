/* The contract of a warehouse member: one row of functions behind struct wh.
 * warehouse.c forwards the public functions of warehouse.h to it; nobody else includes
 * this. */
#ifndef WAREHOUSE_MEMBER_H
#define WAREHOUSE_MEMBER_H

#include "warehouse/warehouse.h"

struct wh_ops {
    const char *kind;
    const char *begin_sql; /* statement that opens a transaction for writing */
    int (*open)(struct wh **out, const struct wh_options *o, struct err *e);
    void (*close)(struct wh *w);
    void (*cancel)(struct wh *w);
    void (*set_progress)(struct wh *w, wh_progress_fn *fn, void *arg);
    int (*schema_ensure)(struct wh *w, const char *schema, struct err *e);
    void (*set_now)(struct wh *w, int64_t now_ms);
    int (*translate)(struct wh *w, const char *sql, size_t n, struct buf *out,
                     struct err *e);
    const char *(*notes)(const struct wh *w);
    void (*notes_clear)(struct wh *w);
    bool (*error_at)(const struct wh *w, size_t *offset);
    int (*exec)(struct wh *w, const char *sql, bool is_raw, struct err *e);
    int (*query)(struct wh *w, const char *sql, bool is_raw, struct wh_cursor **out,
                 struct err *e);
    int (*bind_text)(struct wh_cursor *c, int index1, const char *text, struct err *e);
    int (*bind_i64)(struct wh_cursor *c, int index1, int64_t v, struct err *e);
    int (*next)(struct wh_cursor *c, struct err *e);
    int (*n_columns)(const struct wh_cursor *c);
    const char *(*column_name)(const struct wh_cursor *c, int i);
    struct wh_value (*value)(struct wh_cursor *c, int i);
    void (*cursor_close)(struct wh_cursor *c);
    int (*begin_on)(struct wh *w, const char *schema, struct err *e);
    /* NULL: begin_on alone keeps others out of the whole schema */
    int (*lock)(struct wh *w, const char *schema, const char *name, struct err *e);
    int64_t (*changes)(const struct wh *w);
    bool (*in_transaction)(const struct wh *w);
    size_t name_max;    /* bytes of a relation's name; 0: any number */
    bool ends_on_error; /* a statement that fails makes the transaction useless */
    bool (*is_lost)(const struct wh *w); /* NULL: never */
    int (*relations)(struct wh *w, const char *schema, wh_relation_fn *fn, void *arg,
                     struct err *e);
    enum wh_relation_type (*relation_type)(struct wh *w, const char *schema,
                                           const char *name);
    int (*columns)(struct wh *w, const char *schema, const char *name, wh_column_fn *fn,
                   void *arg, struct err *e);
    int (*create_table_as)(struct wh *w, const char *schema, const char *name,
                           const char *select, struct err *e);
    int (*create_view)(struct wh *w, const char *schema, const char *name,
                       const char *select, struct err *e);
    int (*index)(struct wh *w, const char *schema, const char *table,
                 const char *columns, struct err *e);
    int (*set_rows)(struct wh *w, const char *schema, const char *table, int64_t rows,
                    struct err *e);
    int (*swap)(struct wh *w, const char *schema, const char *built, const char *live,
                struct err *e);
    int (*drop)(struct wh *w, const char *schema, const char *name, struct err *e);
    int (*rename)(struct wh *w, const char *schema, const char *from, const char *to,
                  struct err *e);
    /* upsert: NULL to append only */
    int (*loader_open)(struct wh *w, const char *schema, const char *table,
                       const char *const *columns, const struct wh_upsert *upsert,
                       struct wh_loader **out, struct err *e);
    int (*loader_row)(struct wh_loader *l, const struct wh_value *values,
                      struct err *e);
    void (*loader_close)(struct wh_loader *l);
    int (*quote)(struct wh *w, struct buf *out, const char *schema, const char *name);
};

/* The first member of every member's own struct. */
struct wh {
    const struct wh_ops *ops;
};
struct wh_cursor {
    struct wh *w;
};
struct wh_loader {
    struct wh *w;
};

extern const struct wh_ops wh_sqlite_ops;
extern const struct wh_ops wh_postgres_ops;

#endif
