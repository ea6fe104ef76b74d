/* SQLite member: what helps its planner. Two facts of SQLite 3.40 make joins of grouped
 * rows with a dimension read the whole dimension for every group: a table without
 * statistics counts as a million rows, and no GROUP BY is taken to give more than 100.
 * So declared keys get an index, and row counts are written down. */
#include "warehouse/wh_sqlite.h"

#include <math.h>
#include <string.h>
#include <strings.h>
#include "base/mem.h"
#include "base/timeutil.h"
#include "warehouse/sql_token.h"

/* Columns of index `name` in its order, comma-separated; sqlite3_free. */
static char *index_columns(struct lite *l, const char *schema, const char *name)
{
    char *list = NULL;
    lite_text(l, &list, NULL,
              "SELECT group_concat(name, ',') FROM (SELECT name FROM"
              " pragma_index_info(%Q, %Q) ORDER BY seqno)",
              name, schema);
    return list;
}

/* Are b's columns those that a begins with, in this order? */
static bool begins_with(const char *a, const char *b)
{
    for (;; a++, b++) {
        while (*a == ' ' || *a == '"')
            a++;
        while (*b == ' ' || *b == '"')
            b++;
        if (*b && (*a | 32) != (*b | 32) && !(*a == ',' && *b == ','))
            return false;
        if (!*b)
            return !*a || *a == ',';
        if (!*a)
            return false;
    }
}

static bool has_index(struct lite *l, const char *schema, const char *table,
                      const char *columns)
{
    sqlite3_stmt *st = NULL;
    bool found = false;
    char *sql =
        sqlite3_mprintf("SELECT name FROM pragma_index_list(%Q, %Q)", table, schema);
    if (lite_prepare(l, sql, -1, NULL, &st, NULL, NULL) == 0)
        while (!found && sqlite3_step(st) == SQLITE_ROW) {
            char *own =
                index_columns(l, schema, (const char *)sqlite3_column_text(st, 0));
            found = own && begins_with(own, columns);
            sqlite3_free(own);
        }
    sqlite3_finalize(st);
    sqlite3_free(sql);
    return found;
}

int lite_index(struct wh *w, const char *schema, const char *table, const char *columns,
               struct err *e)
{
    struct lite *l = lite_of(w);
    bool is_mine;
    if (has_index(l, schema, table, columns))
        return 0;
    int rc = lite_begin_on(l, schema, &is_mine, e);
    /* The name only has to differ from that of the table it will replace; begun so, it
     * is out of dbt-sqlite's lists (LIKE 'sqlite_%'), which would drop it as a table.
     */
    if (rc == 0)
        rc = lite_exec(l, e, "CREATE INDEX \"%w\".\"sqlite-key-%w-%llx\" ON \"%w\"(%s)",
                       schema, table, (unsigned long long)time_mono_us(), table,
                       columns);
    return lite_end(l, is_mine, rc, e);
}

/* Compressed above 4096, order kept: with its true count a table beyond 16 k rows would
 * be scanned once per row of a grouped subquery, as an index for "100 rows" seems too
 * dear. */
static int64_t shown_rows(int64_t rows)
{
    return rows <= 4096 ? rows : (int64_t)(4096.0 * pow((double)rows / 4096.0, 0.125));
}

int lite_set_rows(struct wh *w, const char *schema, const char *table, int64_t rows,
                  struct err *e)
{
    struct lite *l = lite_of(w);
    bool is_mine;
    if (rows < 0 || streq(schema, WH_TEMP))
        return 0;
    int rc = lite_begin_on(l, schema, &is_mine, e);
    if (rc == 0)
        rc = lite_exec(
            l, e,
            "ANALYZE \"%w\".sqlite_schema;"
            "DELETE FROM \"%w\".sqlite_stat1 WHERE tbl = %Q;"
            "INSERT INTO \"%w\".sqlite_stat1(tbl, idx, stat)"
            " VALUES(%Q, NULL, '%lld');"
            "ANALYZE \"%w\".sqlite_schema", /* this connection reads it anew */
            schema, schema, table, schema, table,
            (long long)shown_rows(rows > 0 ? rows : 1), schema);
    return lite_end(l, is_mine, rc, e);
}

/* ── joins ── */

struct join {
    struct sql_tokens t;
    struct arena mem;
    const char *name; /* as EXPLAIN QUERY PLAN calls it: alias, or schema.table */
    size_t from;      /* first token of schema.table */
    size_t behind;    /* token behind its alias */
};

static bool is_name(const struct sql_tokens *t, size_t i)
{
    return sql_is_kind(t, i, SQL_WORD) || sql_is_kind(t, i, SQL_QUOTED);
}

/* The relation at token i, if it is schema.table and goes by the name asked for. */
static bool relation_at(struct join *j, size_t i)
{
    const struct sql_tokens *t = &j->t;
    if (!is_name(t, i) || !sql_is_kind(t, i + 1, SQL_DOT) || !is_name(t, i + 2))
        return false;
    size_t next = i + 3;
    char *schema = sql_name(t, i, &j->mem), *table = sql_name(t, i + 2, &j->mem);
    const char *alias = arena_printf(&j->mem, "%s.%s", schema, table);
    next += sql_is_word(t, next, "AS");
    if (is_name(t, next) && !sql_is_word(t, next, "ON")) {
        alias = sql_name(t, next, &j->mem);
        next++;
    }
    j->from = i;
    j->behind = next;
    return strcasecmp(alias, j->name) == 0;
}

static bool find_join(struct join *j)
{
    for (size_t i = 0; i + 3 < j->t.n; i++)
        if (sql_is_word(&j->t, i, "JOIN") && relation_at(j, i + 1))
            return sql_is_word(&j->t, j->behind, "ON");
    return false;
}

static bool ends_condition(const struct sql_tokens *t, size_t i)
{
    static const char *const words[] = {"JOIN",  "LEFT",  "INNER", "CROSS", "WHERE",
                                        "GROUP", "ORDER", "UNION", "LIMIT", "HAVING"};
    for (size_t k = 0; k < sizeof words / sizeof *words; k++)
        if (sql_is_word(t, i, words[k]))
            return true;
    return false;
}

static bool is_listed(const struct buf *list, const char *column)
{
    char *all = mem_printf(",%s,", buf_str(list)), *one = mem_printf(",%s,", column);
    bool found = strcasestr(all, one) != NULL;
    mem_free(all);
    mem_free(one);
    return found;
}

/* The columns of the relation that the ON condition compares by "=". */
static void joined_columns(struct join *j, struct buf *out)
{
    const struct sql_tokens *t = &j->t;
    int depth = 0;
    for (size_t i = j->behind + 1; i + 2 < t->n + 1 && depth >= 0; i++) {
        depth += sql_is_kind(t, i, SQL_OPEN);
        depth -= sql_is_kind(t, i, SQL_CLOSE);
        if (depth == 0 && ends_condition(t, i))
            return;
        if (!is_name(t, i) || !sql_is_kind(t, i + 1, SQL_DOT) || !is_name(t, i + 2) ||
            strcasecmp(sql_name(t, i, &j->mem), j->name) != 0)
            continue;
        const char *column = sql_name(t, i + 2, &j->mem);
        bool is_equal = sql_is_op(t, i - 1, "=") || sql_is_op(t, i + 3, "=");
        if (is_equal && !strpbrk(column, "\",()") && !is_listed(out, column))
            buf_addf(out, "%s%s", out->len ? "," : "", column);
    }
}

/* Only what weir built and counted (wh_set_rows): a loader's table is not ours. */
static bool is_ours(struct lite *l, const char *schema, const char *table)
{
    char *found = NULL;
    lite_text(l, &found, NULL, "SELECT 1 FROM \"%w\".sqlite_stat1 WHERE tbl = %Q",
              schema, table);
    sqlite3_free(found);
    return found != NULL;
}

static int index_join(struct lite *l, const char *sql, const char *name, struct err *e)
{
    struct join j = {.name = name};
    struct buf columns;
    int rc = 0;
    arena_init(&j.mem, 0);
    buf_init(&columns, 64u * 1024);
    if (sql_tokenize(&j.t, &j.mem, sql, strlen(sql), true, NULL) == 0 &&
        find_join(&j)) {
        char *schema = sql_name(&j.t, j.from, &j.mem);
        char *table = sql_name(&j.t, j.from + 2, &j.mem);
        joined_columns(&j, &columns);
        if (columns.len && is_ours(l, schema, table))
            rc = lite_index(&l->base, schema, table, buf_str(&columns), e);
    }
    buf_release(&columns);
    arena_release(&j.mem);
    return rc;
}

/* "SCAN p LEFT-JOIN" → "p"; NULL for anything but a full scan of a table. mem_free. */
static char *scanned(const char *detail)
{
    if (strncmp(detail, "SCAN ", 5) != 0 || strstr(detail, "VIRTUAL TABLE"))
        return NULL;
    size_t n = strcspn(detail + 5, " ");
    return mem_strndup(detail + 5, n);
}

int lite_help_joins(struct lite *l, const char *sql, struct err *e)
{
    sqlite3_stmt *st = NULL;
    char *names[32];
    size_t n = 0;
    int rc = 0, last_parent = -1;
    char *text = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", sql);
    if (sqlite3_prepare_v3(l->db, text, -1, 0, &st, NULL) == SQLITE_OK)
        while (n < 32 && sqlite3_step(st) == SQLITE_ROW) {
            const char *detail = (const char *)sqlite3_column_text(st, 3);
            int parent = sqlite3_column_int(st, 1);
            bool is_loop =
                strncmp(detail, "SCAN ", 5) == 0 || strncmp(detail, "SEARCH ", 7) == 0;
            char *name = is_loop && parent == last_parent ? scanned(detail) : NULL;
            if (name)
                names[n++] = name; /* inside another loop of the same query */
            if (is_loop)
                last_parent = parent;
        }
    sqlite3_finalize(st);
    sqlite3_free(text);
    for (size_t i = 0; i < n; i++) {
        if (rc == 0)
            rc = index_join(l, sql, names[i], e);
        mem_free(names[i]);
    }
    return rc;
}
