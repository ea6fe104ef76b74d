/* SQLite member: making, replacing and dropping relations. A relation is built under a
 * name of its own and takes the live name by renames in one transaction on one file, so
 * that a reader sees the old or the new one, and kill -9 at any point leaves one of
 * both. The replaced table is "<live>__weir_old" until it is dropped; what a crash
 * leaves under that name goes with the next swap. */
#include "warehouse/wh_sqlite.h"

#include <malloc.h>
#include <string.h>
#include <strings.h>
#include "base/mem.h"
#include "warehouse/sql_token.h"

enum kind { KIND_ABSENT, KIND_TABLE, KIND_VIEW, KIND_FAR };

static enum kind kind_of(struct lite *l, const char *schema, const char *name)
{
    char *type = NULL, *far = NULL;
    lite_text(l, &type, NULL,
              "SELECT type FROM \"%w\".sqlite_schema WHERE type IN ('table','view')"
              " AND name = %Q COLLATE NOCASE",
              schema, name);
    enum kind k = !type ? KIND_ABSENT : streq(type, "table") ? KIND_TABLE : KIND_VIEW;
    sqlite3_free(type);
    if (k == KIND_ABSENT && !streq(schema, WH_TEMP)) {
        lite_text(l, &far, NULL, "SELECT 1 FROM \"%w\"." LITE_VIEWS " WHERE name = %Q",
                  schema, name);
        k = far ? KIND_FAR : KIND_ABSENT;
        sqlite3_free(far);
    }
    return k;
}

static int must_be_absent(struct lite *l, const char *schema, const char *name,
                          struct err *e)
{
    if (kind_of(l, schema, name) != KIND_ABSENT)
        return err_set(e, ERR_EXISTS, "%s.%s exists already", schema, name);
    return 0;
}

/* What other tables left in the page caches, in pieces all over the heap: the next
 * table's sort or groups would come on top. */
static void release_memory(struct lite *l)
{
    sqlite3_db_release_memory(l->db);
    malloc_trim(0);
}

static int run_once(struct lite *l, const char *sql, const struct lite_source *src,
                    struct err *e)
{
    sqlite3_stmt *st = NULL;
    int rc = lite_prepare(l, sql, -1, src, &st, NULL, e);
    if (rc == 0 && sqlite3_step(st) != SQLITE_DONE)
        rc = lite_error(l, NULL, "", e);
    sqlite3_finalize(st);
    return rc;
}

/* Keys are grouped as bytes; a column may be declared to compare otherwise. */
static bool has_collations(struct lite *l)
{
    char *found = NULL;
    for (struct map_entry *it = NULL; !found && (it = map_next(&l->schemas, it));)
        lite_text(
            l, &found, NULL,
            "SELECT 1 FROM \"%w\".sqlite_schema WHERE type = 'table' AND sql LIKE "
            "'%%COLLATE%%' LIMIT 1",
            it->key);
    bool is_found = found != NULL;
    sqlite3_free(found);
    return is_found;
}

static bool plan_groups(struct lite *l, const char *select, struct buf *plan)
{
    sqlite3_stmt *st = NULL;
    bool is_good = lite_plan_groups(select, plan) && !has_collations(l) &&
                   lite_prepare(l, buf_str(plan), -1, NULL, &st, NULL, NULL) == 0;
    sqlite3_finalize(st);
    return is_good;
}

/* A plain GROUP BY, grouped by hash. The columns' types come from the statement as it
 * was given, which also finds its errors. 1: done; 0: it is not one. */
static int create_grouped(struct lite *l, const char *schema, const char *name,
                          const char *create, const char *select,
                          const struct lite_source *src, struct err *e)
{
    struct buf plan;
    bool is_mine;
    buf_init(&plan, 64u << 20);
    int rc = 0;
    if (!plan_groups(l, select, &plan))
        goto out;
    if ((rc = lite_begin_on(l, schema, &is_mine, e)) < 0)
        goto out;
    char *empty = sqlite3_mprintf("%s\nLIMIT 0", create);
    rc = run_once(l, empty, src, e);
    sqlite3_free(empty);
    if (rc == 0)
        rc = lite_exec(l, e, "INSERT INTO \"%w\".\"%w\" %s", schema, name,
                       buf_str(&plan));
    rc = lite_end(l, is_mine, rc, e);
    rc = rc < 0 ? rc : 1;
out:
    buf_release(&plan);
    return rc;
}

int lite_create_table_as(struct wh *w, const char *schema, const char *name,
                         const char *select, struct err *e)
{
    struct lite *l = lite_of(w);
    struct translate_map map = {0};
    struct lite_source src = {.sql = select, .n = strlen(select), .map = &map};
    struct buf text, body;
    int rc = must_be_absent(l, schema, name, e);
    if (rc < 0)
        return rc;
    release_memory(l);
    buf_init(&text, 64u << 20);
    buf_init(&body, 64u << 20);
    buf_addf(&text, "CREATE TABLE ");
    lite_quote(w, &text, schema, name);
    buf_adds(&text, " AS ");
    src.shift = text.len;
    if ((rc = lite_translate(l, select, src.n, &body, &map, e)) < 0)
        goto out;
    buf_add(&text, buf_str(&body), body.len);
    if ((rc = buf_check(&text, "SQL statement", e)) < 0)
        goto out;
    if (sqlite3_get_autocommit(l->db) &&
        (rc = lite_help_joins(l, buf_str(&body), e)) < 0)
        goto out;
    rc = create_grouped(l, schema, name, buf_str(&text), buf_str(&body), &src, e);
    rc = rc == 0 ? run_once(l, buf_str(&text), &src, e) : rc < 0 ? rc : 0;
out:
    buf_release(&text);
    buf_release(&body);
    translate_map_release(&map);
    return rc;
}

/* Compile the SELECT alone: CREATE VIEW would not look at its columns. */
static int check_select(struct lite *l, const char *text, const struct lite_source *src,
                        struct err *e)
{
    sqlite3_stmt *st = NULL;
    int rc = lite_prepare(l, text, -1, src, &st, NULL, e);
    sqlite3_finalize(st);
    return rc;
}

static bool is_cte(const struct sql_tokens *t, struct arena *mem, const char *name)
{
    for (size_t i = 0; i + 2 < t->n; i++)
        if ((t->v[i].kind == SQL_WORD || t->v[i].kind == SQL_QUOTED) &&
            sql_is_word(t, i + 1, "AS") && t->v[i + 2].kind == SQL_OPEN &&
            strcasecmp(sql_name(t, i, mem), name) == 0)
            return true;
    return false;
}

/* The SELECT without its own schema's name, as it may stand in the file: a file that
 * has "silver"."x" in a view cannot be opened but as silver. False when it looks into
 * other schemas, or when a CTE would be taken for the relation. */
static bool strip_schema(struct lite *l, const char *schema, const char *sql,
                         struct buf *out)
{
    struct sql_tokens t;
    struct arena mem;
    size_t at = 0;
    bool is_own = true;
    arena_init(&mem, 0);
    if (sql_tokenize(&t, &mem, sql, strlen(sql), true, NULL) < 0)
        is_own = false;
    for (size_t i = 0; is_own && i + 2 < t.n; i++) {
        bool is_name = t.v[i].kind == SQL_WORD || t.v[i].kind == SQL_QUOTED;
        if (!is_name || t.v[i + 1].kind != SQL_DOT || (i && t.v[i - 1].kind == SQL_DOT))
            continue;
        const char *first = sql_name(&t, i, &mem);
        if (!map_has(&l->schemas, first))
            continue;
        is_own = streq(first, schema) && !is_cte(&t, &mem, sql_name(&t, i + 2, &mem));
        buf_add(out, sql + at, t.v[i].start - at);
        at = t.v[i + 2].start;
    }
    buf_adds(out, sql + at);
    arena_release(&mem);
    return is_own;
}

static int store_view(struct lite *l, const char *schema, const char *name,
                      const char *select, const char *translated, struct err *e)
{
    struct buf own;
    bool is_mine;
    buf_init(&own, 64u << 20);
    bool is_native = strip_schema(l, schema, translated, &own);
    int rc = lite_begin_on(l, schema, &is_mine, e);
    if (rc == 0 && is_native)
        rc = lite_exec(l, e, "CREATE VIEW \"%w\".\"%w\" AS %s", schema, name,
                       buf_str(&own));
    else if (rc == 0)
        rc = lite_exec(l, e,
                       "INSERT INTO \"%w\"." LITE_VIEWS "(name, sql) VALUES(%Q, %Q)",
                       schema, name, select);
    buf_release(&own);
    return lite_end(l, is_mine, rc, e);
}

int lite_create_view(struct wh *w, const char *schema, const char *name,
                     const char *select, struct err *e)
{
    struct lite *l = lite_of(w);
    struct translate_map map = {0};
    struct lite_source src = {.sql = select, .n = strlen(select), .map = &map};
    struct buf text;
    buf_init(&text, 64u << 20);
    int rc = must_be_absent(l, schema, name, e);
    if (rc == 0)
        rc = lite_translate(l, select, src.n, &text, &map, e);
    if (rc == 0)
        rc = check_select(l, buf_str(&text), &src, e);
    if (rc == 0)
        rc = store_view(l, schema, name, select, buf_str(&text), e);
    buf_release(&text);
    translate_map_release(&map);
    return rc;
}

static int drop_kind(struct lite *l, const char *schema, const char *name, enum kind k,
                     struct err *e)
{
    switch (k) {
    case KIND_TABLE:
        return lite_exec(l, e, "DROP TABLE \"%w\".\"%w\"", schema, name);
    case KIND_VIEW:
        return lite_exec(l, e, "DROP VIEW \"%w\".\"%w\"", schema, name);
    case KIND_FAR:
        return lite_exec(l, e, "DELETE FROM \"%w\"." LITE_VIEWS " WHERE name = %Q",
                         schema, name);
    case KIND_ABSENT:
        break;
    }
    return 0;
}

int lite_drop(struct wh *w, const char *schema, const char *name, struct err *e)
{
    struct lite *l = lite_of(w);
    bool is_mine;
    if (!map_has(&l->schemas, schema) || kind_of(l, schema, name) == KIND_ABSENT)
        return 0;
    int rc = lite_begin_on(l, schema, &is_mine, e);
    if (rc == 0)
        rc = drop_kind(l, schema, name, kind_of(l, schema, name), e);
    return lite_end(l, is_mine, rc, e);
}

/* The SELECT of a stored "CREATE VIEW name AS SELECT …". */
static int view_body(struct lite *l, const char *schema, const char *name, char **body,
                     struct err *e)
{
    struct arena mem;
    struct sql_tokens t;
    char *sql = NULL;
    *body = NULL;
    int rc = lite_text(l, &sql, e,
                       "SELECT sql FROM \"%w\".sqlite_schema WHERE type='view'"
                       " AND name = %Q COLLATE NOCASE",
                       schema, name);
    if (rc < 0 || !sql)
        return rc < 0 ? rc : err_set(e, ERR_NOTFOUND, "view %s.%s", schema, name);
    arena_init(&mem, 0);
    rc = sql_tokenize(&t, &mem, sql, strlen(sql), true, e);
    for (size_t i = 0; rc == 0 && i + 1 < t.n && !*body; i++)
        if (sql_is_word(&t, i, "AS"))
            *body = mem_strdup(sql + t.v[i + 1].start);
    if (rc == 0 && !*body)
        rc = err_set(e, ERR_CORRUPT, "view %s.%s has no SELECT", schema, name);
    arena_release(&mem);
    sqlite3_free(sql);
    return rc;
}

static int rename_view(struct lite *l, const char *schema, const char *from,
                       const char *to, struct err *e)
{
    char *body;
    int rc = view_body(l, schema, from, &body, e);
    if (rc == 0)
        rc = lite_exec(l, e, "DROP VIEW \"%w\".\"%w\"; CREATE VIEW \"%w\".\"%w\" AS %s",
                       schema, from, schema, to, body);
    mem_free(body);
    return rc;
}

static int rename_kind(struct lite *l, const char *schema, const char *from,
                       const char *to, enum kind k, struct err *e)
{
    switch (k) {
    case KIND_TABLE:
        return lite_exec(l, e, "ALTER TABLE \"%w\".\"%w\" RENAME TO \"%w\"", schema,
                         from, to);
    case KIND_VIEW:
        return rename_view(l, schema, from, to, e);
    case KIND_FAR:
        return lite_exec(l, e,
                         "UPDATE \"%w\"." LITE_VIEWS " SET name = %Q WHERE name = %Q",
                         schema, to, from);
    case KIND_ABSENT:
        break;
    }
    return err_set(e, ERR_NOTFOUND, "%s.%s does not exist", schema, from);
}

int lite_rename(struct wh *w, const char *schema, const char *from, const char *to,
                struct err *e)
{
    struct lite *l = lite_of(w);
    bool is_mine;
    int rc = must_be_absent(l, schema, to, e);
    if (rc == 0)
        rc = lite_begin_on(l, schema, &is_mine, e);
    if (rc < 0)
        return rc;
    rc = rename_kind(l, schema, from, to, kind_of(l, schema, from), e);
    return lite_end(l, is_mine, rc, e);
}

static int swap_names(struct lite *l, const char *schema, const char *built,
                      const char *live, const char *old, struct err *e)
{
    enum kind was = kind_of(l, schema, live);
    int rc = drop_kind(l, schema, old, kind_of(l, schema, old), e);
    if (rc == 0 && was == KIND_TABLE)
        rc = rename_kind(l, schema, live, old, was, e);
    else if (rc == 0)
        rc = drop_kind(l, schema, live, was, e);
    if (rc == 0)
        rc = rename_kind(l, schema, built, live, kind_of(l, schema, built), e);
    return rc;
}

int lite_swap(struct wh *w, const char *schema, const char *built, const char *live,
              struct err *e)
{
    struct lite *l = lite_of(w);
    char *old = mem_printf("%s__weir_old", live);
    bool is_mine;
    int rc = lite_begin_on(l, schema, &is_mine, e);
    if (rc == 0) {
        rc = swap_names(l, schema, built, live, old, e);
        rc = lite_end(l, is_mine, rc, e);
    }
    /* published; freeing the old pages is a transaction of its own, as it may be long
     */
    if (rc == 0)
        rc = lite_drop(w, schema, old, e);
    mem_free(old);
    return rc;
}
