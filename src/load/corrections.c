/* Corrections of receipts.
 *
 * in: rows with is_correction. out: bronze.raw_corrections(transaction_id, updated_at),
 * the newest version of each corrected receipt, and the view without the older ones.
 * Called by load.c. Always holds: a version at least as new as the newest correction is
 * visible. */
#include "load/corrections.h"

#include <stdio.h>
#include "base/str.h"
#include "load/offsets.h"

static const char *corrections_name(const char *table, char *out, size_t size)
{
    if (streq(table, "raw_transactions"))
        return "raw_corrections";
    snprintf(out, size, "%s_corrections", table);
    return out;
}

int corrections_create(struct wh *w, const char *schema, const char *table,
                       struct err *e)
{
    char name[256], view[256];
    struct buf sql;
    const char *corrections = corrections_name(table, name, sizeof(name));
    snprintf(view, sizeof(view), "%s_current", table);
    buf_init(&sql, 16384);
    buf_adds(&sql, "CREATE TABLE IF NOT EXISTS ");
    wh_quote(w, &sql, schema, corrections);
    bool is_sqlite = streq(wh_kind(w), "sqlite");
    buf_addf(&sql, " (transaction_id TEXT NOT NULL PRIMARY KEY, updated_at %s)",
             is_sqlite ? "TEXT" : "TIMESTAMP");
    int rc = buf_check(&sql, "CREATE TABLE", e);
    if (rc == 0)
        rc = wh_exec_raw(w, buf_str(&sql), e);
    buf_reset(&sql);
    if (rc == 0 && wh_relation_type(w, schema, view) == WH_VIEW)
        goto out;
    /* The tables without their schema: on SQLite a view that names it makes the file
     * unreadable to anybody who attaches it under another name. */
    buf_adds(&sql, "CREATE VIEW ");
    wh_quote(w, &sql, schema, view);
    buf_adds(&sql, " AS SELECT t.* FROM ");
    wh_quote(w, &sql, is_sqlite ? NULL : schema, table);
    buf_adds(&sql, " AS t LEFT JOIN ");
    wh_quote(w, &sql, is_sqlite ? NULL : schema, corrections);
    buf_adds(&sql,
             " AS c ON c.transaction_id = t.transaction_id WHERE c.transaction_id IS "
             "NULL OR t.updated_at >= c.updated_at");
    if (rc == 0)
        rc = buf_check(&sql, "CREATE VIEW", e);
    if (rc == 0)
        rc = wh_exec_raw(w, buf_str(&sql), e);
out:
    buf_release(&sql);
    return rc;
}

static struct str text_of(const struct row *r, const char *column)
{
    for (size_t i = 0; i < r->n_columns; i++) {
        if (streq(r->layout->columns[i].name, column) && r->values[i].type == WH_TEXT)
            return r->values[i].text;
    }
    return (struct str){"", 0};
}

int corrections_add(struct wh *w, const char *schema, const char *table,
                    const struct row *r, struct err *e)
{
    char name[256];
    struct buf sql;
    struct str id = text_of(r, "transaction_id"), at = text_of(r, "updated_at");
    char *id_text = mem_strndup(id.p, id.n), *at_text = mem_strndup(at.p, at.n);
    buf_init(&sql, 16384);
    buf_adds(&sql, "INSERT INTO ");
    wh_quote(w, &sql, schema, corrections_name(table, name, sizeof(name)));
    buf_adds(&sql, " AS t (transaction_id, updated_at) VALUES (?, ?) ON CONFLICT "
                   "(transaction_id) DO UPDATE SET updated_at = CASE WHEN "
                   "excluded.updated_at > t.updated_at THEN excluded.updated_at ELSE "
                   "t.updated_at END");
    int64_t rc = buf_check(&sql, "INSERT", e);
    if (rc == 0)
        rc = load_execute(w, e, buf_str(&sql), "ss", id_text, at_text);
    buf_release(&sql);
    mem_free(id_text);
    mem_free(at_text);
    return rc < 0 ? (int)rc : 0;
}

/* Rows of the deleted range that are corrections, as "SELECT transaction_id …" of the
 * table. */
static void add_gone(struct buf *sql, struct wh *w, const char *schema,
                     const char *table)
{
    buf_adds(sql, "(SELECT transaction_id FROM ");
    wh_quote(w, sql, schema, table);
    buf_adds(sql,
             " WHERE is_correction = 1 AND kafka_partition = ? AND kafka_offset >= ? "
             "AND kafka_offset < ?)");
}

int corrections_forget(struct wh *w, const char *schema, const char *table,
                       int32_t partition, int64_t from, int64_t before, struct err *e)
{
    char text[256];
    struct buf drop, keep;
    int64_t part = partition;
    const char *name = corrections_name(table, text, sizeof(text));
    buf_init(&drop, 16384);
    buf_init(&keep, 16384);
    buf_adds(&drop, "DELETE FROM ");
    wh_quote(w, &drop, schema, name);
    buf_adds(&drop, " WHERE transaction_id IN ");
    add_gone(&drop, w, schema, table);
    buf_adds(&keep, "INSERT INTO ");
    wh_quote(w, &keep, schema, name);
    buf_adds(&keep, " (transaction_id, updated_at) SELECT transaction_id, "
                    "max(updated_at) FROM ");
    wh_quote(w, &keep, schema, table);
    buf_adds(&keep, " WHERE is_correction = 1 AND kafka_partition = ? AND kafka_offset "
                    "< ? AND transaction_id IN ");
    add_gone(&keep, w, schema, table);
    buf_adds(&keep, " GROUP BY transaction_id");
    int64_t rc = buf_check(&keep, "INSERT", e);
    if (rc == 0)
        rc = load_execute(w, e, buf_str(&drop), "iii", part, from, before);
    if (rc >= 0)
        rc =
            load_execute(w, e, buf_str(&keep), "iiiii", part, from, part, from, before);
    buf_release(&drop);
    buf_release(&keep);
    return rc < 0 ? (int)rc : 0;
}
