/* Staged upserts.
 *
 * in: rows in the staging table. out: merged rows. Called by load.c at the end of a
 * batch. Always holds: of several records with one key in a batch the last one counts;
 * merging a batch twice changes nothing. */
#include "load/stage.h"

#include "base/str.h"

int stage_create(const struct load_layout *l, struct wh *w, struct err *e)
{
    struct buf sql;
    buf_init(&sql, 1u << 20);
    buf_adds(&sql, "DROP TABLE IF EXISTS ");
    wh_quote(w, &sql, WH_TEMP, STAGE_TABLE);
    buf_adds(&sql, ";\nCREATE TABLE ");
    wh_quote(w, &sql, WH_TEMP, STAGE_TABLE);
    buf_adds(&sql, " (");
    for (size_t i = 0; l->columns[i].name; i++) {
        wh_quote(w, &sql, NULL, l->columns[i].name);
        /* the stage takes any value: NOT NULL is the table's business */
        buf_addf(&sql, " %s, ", layout_type(w, &l->columns[i]));
    }
    buf_adds(&sql, STAGE_OP " TEXT, " STAGE_SEQUENCE " INTEGER PRIMARY KEY)");
    int rc = buf_check(&sql, "staging table", e);
    if (rc == 0)
        rc = wh_exec_raw(w, buf_str(&sql), e);
    buf_release(&sql);
    return rc;
}

static void add_list(struct buf *sql, struct wh *w, const char *prefix,
                     const char *const *names)
{
    for (size_t i = 0; names[i]; i++) {
        buf_adds(sql, i ? "," : "");
        buf_adds(sql, prefix);
        wh_quote(w, sql, NULL, names[i]);
    }
}

static void add_columns(struct buf *sql, struct wh *w, const struct load_layout *l)
{
    for (size_t i = 0; l->columns[i].name; i++) {
        buf_adds(sql, i ? "," : "");
        wh_quote(w, sql, NULL, l->columns[i].name);
    }
}

/* DELETE the staged keys, INSERT the last record of each unless it is a delete. */
static void newest_sql(struct buf *sql, const struct load_layout *l, struct wh *w,
                       const char *schema, const char *table)
{
    buf_adds(sql, "DELETE FROM ");
    wh_quote(w, sql, schema, table);
    buf_adds(sql, " WHERE (");
    add_list(sql, w, "", l->key);
    buf_adds(sql, ") IN (SELECT ");
    add_list(sql, w, "", l->key);
    buf_adds(sql, " FROM ");
    wh_quote(w, sql, WH_TEMP, STAGE_TABLE);
    buf_adds(sql, ");\nINSERT INTO ");
    wh_quote(w, sql, schema, table);
    buf_adds(sql, " (");
    add_columns(sql, w, l);
    buf_adds(sql, ") SELECT ");
    add_columns(sql, w, l);
    buf_adds(sql, " FROM ");
    wh_quote(w, sql, WH_TEMP, STAGE_TABLE);
    buf_adds(sql, " WHERE " STAGE_SEQUENCE " IN (SELECT max(" STAGE_SEQUENCE ") FROM ");
    wh_quote(w, sql, WH_TEMP, STAGE_TABLE);
    buf_adds(sql, " GROUP BY ");
    add_list(sql, w, "", l->key);
    buf_adds(sql,
             ") AND coalesce(" STAGE_OP ", '') <> 'delete' ORDER BY " STAGE_SEQUENCE);
}

int stage_merge(const struct load_layout *l, struct wh *w, const char *schema,
                const char *table, struct err *e)
{
    struct buf sql;
    if (l->write != LOAD_NEWEST)
        return 0;
    buf_init(&sql, 1u << 20);
    newest_sql(&sql, l, w, schema, table);
    buf_adds(&sql, ";\nDELETE FROM ");
    wh_quote(w, &sql, WH_TEMP, STAGE_TABLE);
    int rc = buf_check(&sql, "merge", e);
    if (rc == 0)
        rc = wh_exec_raw(w, buf_str(&sql), e);
    buf_release(&sql);
    return rc;
}
