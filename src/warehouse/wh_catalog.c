/* SQLite member: what relations there are, and views that look into other schemas.
 * SQLite refuses such a view in a file ("cannot reference objects in database …"), so
 * its SELECT is a row of _weir_views and every connection makes it a temp view, named
 * "schema.name", when it is first used. */
#include "warehouse/wh_sqlite.h"

#include <string.h>
#include <strings.h>
#include "base/mem.h"
#include "warehouse/sql_token.h"

#define MAX_VIEW_DEPTH 32

static bool has_views(const struct lite *l, const char *schema)
{
    return map_has(&l->schemas, schema) && !streq(schema, WH_TEMP) &&
           (l->has_main_file || !streq(schema, "main"));
}

static bool far_sql(struct lite *l, const char *schema, const char *name, char **sql)
{
    *sql = NULL;
    if (!has_views(l, schema))
        return false;
    lite_text(l, sql, NULL, "SELECT sql FROM \"%w\"." LITE_VIEWS " WHERE name = %Q",
              schema, name);
    return *sql != NULL;
}

static bool has_temp_view(struct lite *l, const char *key)
{
    char *found = NULL;
    lite_text(l, &found, NULL, "SELECT 1 FROM temp.sqlite_schema WHERE name = %Q", key);
    sqlite3_free(found);
    return found != NULL;
}

/* A view may look into a schema that this connection was not told of (a clone's): its
 * file is attached where there is one. */
static void attach_read(struct lite *l, const char *sql)
{
    struct sql_tokens t;
    struct arena mem;
    arena_init(&mem, 0);
    size_t n = sql_tokenize(&t, &mem, sql, strlen(sql), true, NULL) < 0 ? 0 : t.n;
    for (size_t i = 0; i + 2 < n; i++) {
        bool is_name = t.v[i].kind == SQL_WORD || t.v[i].kind == SQL_QUOTED;
        if (!is_name || t.v[i + 1].kind != SQL_DOT || (i && t.v[i - 1].kind == SQL_DOT))
            continue;
        const char *schema = sql_name(&t, i, &mem);
        if (!map_has(&l->schemas, schema) && lite_has_file(l, schema))
            lite_schema_ensure(&l->base, schema, NULL);
    }
    arena_release(&mem);
}

/* Make temp."schema.name" from sql; what it says wrong is reported by whoever uses it.
 */
static void make_temp_view(struct lite *l, const char *key, const char *sql)
{
    struct buf text;
    buf_init(&text, 64u << 20);
    lite_exec(l, NULL, "DROP VIEW IF EXISTS temp.\"%w\"", key);
    attach_read(l, sql);
    if (lite_translate(l, sql, strlen(sql), &text, NULL, NULL) == 0)
        lite_exec(l, NULL, "CREATE TEMP VIEW \"%w\" AS %s", key, buf_str(&text));
    buf_release(&text);
}

bool lite_is_far_view(void *arg, const char *schema, const char *name)
{
    struct lite *l = arg;
    static int depth; /* a view that reads itself must end somewhere */
    char *sql;
    if (!far_sql(l, schema, name, &sql))
        return false;
    char *key = mem_printf("%s.%s", schema, name);
    const char *old = map_get(&l->far_views, key);
    if (depth < MAX_VIEW_DEPTH &&
        (!old || !streq(old, sql) || !has_temp_view(l, key))) {
        depth++;
        make_temp_view(l, key, sql);
        depth--;
        mem_free(map_put(&l->far_views, key, mem_strdup(sql)));
    } else if (depth < MAX_VIEW_DEPTH) {
        depth++; /* what it reads may have changed: look at those as well */
        struct buf text;
        buf_init(&text, 64u << 20);
        lite_translate(l, sql, strlen(sql), &text, NULL, NULL);
        buf_release(&text);
        depth--;
    }
    mem_free(key);
    sqlite3_free(sql);
    return true;
}

int lite_quote(struct wh *w, struct buf *out, const char *schema, const char *name)
{
    struct lite *l = lite_of(w);
    char *text;
    if (schema && lite_is_far_view(l, schema, name))
        text = sqlite3_mprintf("temp.\"%w.%w\"", schema, name);
    else if (schema)
        text = sqlite3_mprintf("\"%w\".\"%w\"", schema, name);
    else
        text = sqlite3_mprintf("\"%w\"", name);
    int rc = buf_adds(out, text ? text : "");
    sqlite3_free(text);
    return rc;
}

/* ── what is there ── */

static bool is_hidden(const char *name)
{
    return strncmp(name, "sqlite_", 7) == 0 || strncmp(name, "_weir_", 6) == 0;
}

int lite_relations(struct wh *w, const char *schema, wh_relation_fn *fn, void *arg,
                   struct err *e)
{
    struct lite *l = lite_of(w);
    sqlite3_stmt *st = NULL;
    if (!map_has(&l->schemas, schema))
        return 0;
    char *sql = sqlite3_mprintf("SELECT name, type FROM \"%w\".sqlite_schema"
                                " WHERE type IN ('table','view')",
                                schema);
    if (has_views(l, schema))
        sql = sqlite3_mprintf(
            "%z UNION ALL SELECT name, 'view' FROM \"%w\"." LITE_VIEWS, sql, schema);
    int rc = lite_prepare(l, sql, -1, NULL, &st, NULL, e);
    while (rc == 0 && sqlite3_step(st) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(st, 0);
        const char *type = (const char *)sqlite3_column_text(st, 1);
        if (!is_hidden(name))
            fn(arg, schema, name, streq(type, "table") ? WH_TABLE : WH_VIEW);
    }
    sqlite3_finalize(st);
    sqlite3_free(sql);
    return rc;
}

enum wh_relation_type lite_relation_type(struct wh *w, const char *schema,
                                         const char *name)
{
    struct lite *l = lite_of(w);
    char *type = NULL, *sql;
    if (!map_has(&l->schemas, schema))
        return WH_ABSENT;
    lite_text(l, &type, NULL,
              "SELECT type FROM \"%w\".sqlite_schema WHERE type IN ('table','view')"
              " AND name = %Q COLLATE NOCASE",
              schema, name);
    enum wh_relation_type found = !type                  ? WH_ABSENT
                                  : streq(type, "table") ? WH_TABLE
                                                         : WH_VIEW;
    sqlite3_free(type);
    if (found == WH_ABSENT && far_sql(l, schema, name, &sql)) {
        sqlite3_free(sql);
        found = WH_VIEW;
    }
    return found;
}

int lite_columns(struct wh *w, const char *schema, const char *name, wh_column_fn *fn,
                 void *arg, struct err *e)
{
    struct lite *l = lite_of(w);
    sqlite3_stmt *st = NULL;
    if (!map_has(&l->schemas, schema))
        return 0;
    char *sql = lite_is_far_view(l, schema, name)
                    ? sqlite3_mprintf("PRAGMA temp.table_info(\"%w.%w\")", schema, name)
                    : sqlite3_mprintf("PRAGMA \"%w\".table_info(\"%w\")", schema, name);
    int rc = lite_prepare(l, sql, -1, NULL, &st, NULL, e);
    int step = SQLITE_DONE;
    while (rc == 0 && (step = sqlite3_step(st)) == SQLITE_ROW)
        fn(arg, (const char *)sqlite3_column_text(st, 1),
           (const char *)sqlite3_column_text(st, 2));
    if (rc == 0 && step != SQLITE_DONE)
        rc = lite_error(l, NULL, name, e);
    sqlite3_finalize(st);
    sqlite3_free(sql);
    return rc;
}
