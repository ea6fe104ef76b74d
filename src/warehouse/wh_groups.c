/* SQLite member: weir_group(spec, …), an aggregate that groups its rows itself, and
 * weir_groups(handle), the groups as a table. Together they are GROUP BY without the
 * engine's sort of all rows (wh_group_plan.c writes them):
 *
 *     SELECT c0, c1 FROM weir_groups((SELECT weir_group('ks', day, amount) FROM t))
 *
 * The aggregate's result is a number that this connection knows its groups by; whoever
 * reads them takes them. */
#include "warehouse/wh_sqlite.h"

#include <string.h>
#include "base/mem.h"
#include "warehouse/group_table.h"

#define MEMORY     (8u << 20)
#define COL_HIDDEN GROUP_COLUMNS_MAX

/* ── the aggregate ── */

struct grouping {
    struct groups *g;
    char spec[GROUP_COLUMNS_MAX + 1];
    bool has_failed;
};

static struct wh_value text_of(sqlite3_value *v, enum wh_type type)
{
    struct wh_value out = {.type = type};
    out.text.p =
        type == WH_TEXT ? (const char *)sqlite3_value_text(v) : sqlite3_value_blob(v);
    out.text.n = (size_t)sqlite3_value_bytes(v);
    if (!out.text.p)
        out.text = (struct str){"", 0};
    return out;
}

static struct wh_value value_of(sqlite3_value *v, char letter)
{
    bool is_summed = letter == 's' || letter == 'a';
    switch (is_summed ? sqlite3_value_numeric_type(v) : sqlite3_value_type(v)) {
    case SQLITE_INTEGER:
        return (struct wh_value){.type = WH_INT, .i = sqlite3_value_int64(v)};
    case SQLITE_FLOAT:
        return (struct wh_value){.type = WH_REAL, .d = sqlite3_value_double(v)};
    case SQLITE_NULL:
        return (struct wh_value){.type = WH_NULL};
    case SQLITE_TEXT:
        if (!is_summed)
            return text_of(v, WH_TEXT);
        break;
    default:
        if (!is_summed)
            return text_of(v, WH_BLOB);
        break;
    }
    return (struct wh_value){.type = WH_REAL, .d = sqlite3_value_double(v)};
}

static void fail(sqlite3_context *c, const struct err *e, int code)
{
    sqlite3_result_error(c, e->text, -1);
    sqlite3_result_error_code(c, code == ERR_FULL    ? SQLITE_FULL
                                 : code == ERR_NOMEM ? SQLITE_NOMEM
                                 : code == ERR_LIMIT ? SQLITE_TOOBIG
                                                     : SQLITE_IOERR);
}

static void group_step(sqlite3_context *c, int n, sqlite3_value **v)
{
    struct lite *l = sqlite3_user_data(c);
    struct grouping *s = sqlite3_aggregate_context(c, sizeof *s);
    struct wh_value values[GROUP_COLUMNS_MAX];
    struct err e = {0};
    if (!s || s->has_failed)
        return;
    if (!s->g) {
        str_copy(s->spec, sizeof s->spec, (const char *)sqlite3_value_text(v[0]));
        s->g = groups_new(s->spec, l->dir, MEMORY);
    }
    int k = 0;
    for (const char *at = s->spec; *at; at++)
        if (*at != 'n' && k + 1 < n) {
            values[k] = value_of(v[k + 1], *at);
            k++;
        }
    int rc = groups_add(s->g, values, &e);
    if (rc < 0) {
        s->has_failed = true;
        fail(c, &e, rc);
    }
}

static void group_final(sqlite3_context *c)
{
    struct lite *l = sqlite3_user_data(c);
    struct grouping *s = sqlite3_aggregate_context(c, 0);
    if (!s || !s->g)
        return; /* no rows, no groups */
    if (s->has_failed) {
        groups_free(s->g);
        return;
    }
    struct lite_groups made = {++l->last_groups, s->g, 0};
    made.n_columns = (int)strlen(s->spec);
    vec_push(&l->groups, made);
    sqlite3_result_int64(c, made.id);
}

/* ── the table ── */

struct groups_cursor {
    sqlite3_vtab_cursor base;
    struct groups *g;
    int n_columns;
    bool has_row;
    sqlite3_int64 row;
    struct wh_value values[GROUP_COLUMNS_MAX];
};

struct groups_vtab {
    sqlite3_vtab base;
    struct lite *l;
};

static int groups_connect(sqlite3 *db, void *aux, int argc, const char *const *argv,
                          sqlite3_vtab **out, char **error)
{
    struct buf sql;
    (void)argc, (void)argv, (void)error;
    buf_init(&sql, 65536);
    buf_adds(&sql, "CREATE TABLE x(");
    for (int i = 0; i < GROUP_COLUMNS_MAX; i++)
        buf_addf(&sql, "c%d, ", i);
    buf_adds(&sql, "handle HIDDEN)");
    int rc = sqlite3_declare_vtab(db, buf_str(&sql));
    buf_release(&sql);
    if (rc != SQLITE_OK)
        return rc;
    struct groups_vtab *t = sqlite3_malloc(sizeof *t);
    if (!t)
        return SQLITE_NOMEM;
    *t = (struct groups_vtab){.l = aux};
    *out = &t->base;
    return SQLITE_OK;
}

static int groups_disconnect(sqlite3_vtab *t)
{
    sqlite3_free(t);
    return SQLITE_OK;
}

static int groups_best_index(sqlite3_vtab *t, sqlite3_index_info *info)
{
    (void)t;
    for (int i = 0; i < info->nConstraint; i++)
        if (info->aConstraint[i].iColumn == COL_HIDDEN && info->aConstraint[i].usable &&
            info->aConstraint[i].op == SQLITE_INDEX_CONSTRAINT_EQ) {
            info->aConstraintUsage[i].argvIndex = 1;
            info->aConstraintUsage[i].omit = 1;
            return SQLITE_OK;
        }
    return SQLITE_CONSTRAINT;
}

static int groups_cursor_open(sqlite3_vtab *t, sqlite3_vtab_cursor **out)
{
    (void)t;
    struct groups_cursor *c = mem_alloc(sizeof *c);
    *out = &c->base;
    return SQLITE_OK;
}

static int groups_cursor_close(sqlite3_vtab_cursor *base)
{
    struct groups_cursor *c = (struct groups_cursor *)base;
    groups_free(c->g);
    mem_free(c);
    return SQLITE_OK;
}

static int cursor_next(sqlite3_vtab_cursor *base)
{
    struct groups_cursor *c = (struct groups_cursor *)base;
    struct err e = {0};
    int rc = c->g ? groups_next(c->g, c->values, &e) : 0;
    c->has_row = rc > 0;
    c->row++;
    if (rc >= 0)
        return SQLITE_OK;
    base->pVtab->zErrMsg = sqlite3_mprintf("%s", e.text);
    return rc == ERR_FULL ? SQLITE_FULL : SQLITE_IOERR;
}

static int cursor_filter(sqlite3_vtab_cursor *base, int index, const char *name,
                         int argc, sqlite3_value **argv)
{
    struct groups_cursor *c = (struct groups_cursor *)base;
    struct lite *l = ((struct groups_vtab *)base->pVtab)->l;
    (void)index, (void)name;
    groups_free(c->g);
    c->g = NULL;
    sqlite3_int64 id = argc == 1 ? sqlite3_value_int64(argv[0]) : 0;
    for (size_t i = 0; i < l->groups.n; i++)
        if (l->groups.v[i].id == id) {
            c->g = l->groups.v[i].g;
            c->n_columns = l->groups.v[i].n_columns;
            l->groups.v[i] = l->groups.v[--l->groups.n];
            break;
        }
    return cursor_next(base);
}

static int cursor_eof(sqlite3_vtab_cursor *base)
{
    return !((const struct groups_cursor *)base)->has_row;
}

static int cursor_column(sqlite3_vtab_cursor *base, sqlite3_context *ctx, int i)
{
    const struct groups_cursor *c = (const struct groups_cursor *)base;
    if (i < 0 || i >= c->n_columns)
        return SQLITE_OK;
    const struct wh_value *v = &c->values[i];
    switch (v->type) {
    case WH_INT:
        sqlite3_result_int64(ctx, v->i);
        break;
    case WH_REAL:
        sqlite3_result_double(ctx, v->d);
        break;
    case WH_TEXT:
        sqlite3_result_text64(ctx, v->text.p, v->text.n, SQLITE_TRANSIENT, SQLITE_UTF8);
        break;
    case WH_BLOB:
        sqlite3_result_blob64(ctx, v->text.p, v->text.n, SQLITE_TRANSIENT);
        break;
    case WH_NULL:
        break;
    }
    return SQLITE_OK;
}

static int cursor_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out)
{
    *out = ((const struct groups_cursor *)base)->row;
    return SQLITE_OK;
}

static const sqlite3_module groups_module = {
    .xConnect = groups_connect,
    .xBestIndex = groups_best_index,
    .xDisconnect = groups_disconnect,
    .xOpen = groups_cursor_open,
    .xClose = groups_cursor_close,
    .xFilter = cursor_filter,
    .xNext = cursor_next,
    .xEof = cursor_eof,
    .xColumn = cursor_column,
    .xRowid = cursor_rowid,
};

void lite_groups_release(struct lite *l)
{
    for (size_t i = 0; i < l->groups.n; i++)
        groups_free(l->groups.v[i].g);
    vec_release(&l->groups);
}

int lite_register_groups(struct lite *l)
{
    int rc = sqlite3_create_function(l->db, "weir_group", -1, SQLITE_UTF8, l, NULL,
                                     group_step, group_final);
    return rc ? rc : sqlite3_create_module(l->db, "weir_groups", &groups_module, l);
}
