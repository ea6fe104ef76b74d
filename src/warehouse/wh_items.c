/* SQLite member: weir_items(json), the lines of a receipt as rows. An eponymous virtual
 * table over base/jscan.h: several times faster than json_each, as one pass over the
 * text finds all members. Anything that is no array of objects gives no rows. */
#include "warehouse/wh_sqlite.h"

#include <string.h>
#include "base/jscan.h"
#include "base/mem.h"

#define FIELD(name)                                                                    \
    {                                                                                  \
        name, sizeof name - 1                                                          \
    }
/* In the order in which receipts have them, so that one comparison is enough. */
static const struct str fields[] = {
    FIELD("product_id"),        FIELD("quantity"),
    FIELD("unit_price"),        FIELD("amount"),
    FIELD("retail_disc"),       FIELD("coupon_disc"),
    FIELD("coupon_match_disc"), FIELD("department"),
};
#define N_FIELDS   (int)(sizeof fields / sizeof *fields)
#define COL_HIDDEN N_FIELDS

struct items_table {
    sqlite3_vtab base;
};

struct items_cursor {
    sqlite3_vtab_cursor base;
    struct jscan scan;
    struct buf text; /* the scanned JSON: the argument is gone after xFilter */
    struct buf tmp;
    size_t at, end;       /* token of the element, behind the last */
    size_t has[N_FIELDS]; /* token of each field's value, 0: absent */
    sqlite3_int64 row;
};

static int items_connect(sqlite3 *db, void *aux, int argc, const char *const *argv,
                         sqlite3_vtab **out, char **error)
{
    (void)aux, (void)argc, (void)argv, (void)error;
    int rc = sqlite3_declare_vtab(
        db, "CREATE TABLE x(product_id TEXT, quantity INTEGER,"
            " unit_price REAL, amount REAL, retail_disc REAL, coupon_disc REAL,"
            " coupon_match_disc REAL, department TEXT, json HIDDEN)");
    if (rc != SQLITE_OK)
        return rc;
    struct items_table *t = sqlite3_malloc(sizeof *t);
    if (!t)
        return SQLITE_NOMEM;
    memset(t, 0, sizeof *t);
    sqlite3_vtab_config(db, SQLITE_VTAB_INNOCUOUS);
    *out = &t->base;
    return SQLITE_OK;
}

static int items_disconnect(sqlite3_vtab *t)
{
    sqlite3_free(t);
    return SQLITE_OK;
}

static int items_best_index(sqlite3_vtab *t, sqlite3_index_info *info)
{
    (void)t;
    for (int i = 0; i < info->nConstraint; i++) {
        if (info->aConstraint[i].iColumn != COL_HIDDEN ||
            info->aConstraint[i].op != SQLITE_INDEX_CONSTRAINT_EQ)
            continue;
        if (!info->aConstraint[i].usable)
            return SQLITE_CONSTRAINT; /* the argument comes from a later table */
        info->aConstraintUsage[i].argvIndex = 1;
        info->aConstraintUsage[i].omit = 1;
        info->idxNum = 1;
        info->estimatedCost = 10;
        info->estimatedRows = 10;
        return SQLITE_OK;
    }
    info->estimatedCost = 1e9;
    return SQLITE_OK;
}

static int items_open(sqlite3_vtab *t, sqlite3_vtab_cursor **out)
{
    (void)t;
    struct items_cursor *c = mem_alloc(sizeof *c);
    jscan_init(&c->scan);
    buf_init(&c->text, 64u << 20);
    buf_init(&c->tmp, 64u << 20);
    *out = &c->base;
    return SQLITE_OK;
}

static int items_close(sqlite3_vtab_cursor *base)
{
    struct items_cursor *c = (struct items_cursor *)base;
    jscan_release(&c->scan);
    buf_release(&c->text);
    buf_release(&c->tmp);
    mem_free(c);
    return SQLITE_OK;
}

/* hint: the field that is expected here. */
static int field_of(struct str key, int hint)
{
    if (hint < N_FIELDS && str_eq(fields[hint], key))
        return hint;
    for (int i = 0; i < N_FIELDS; i++)
        if (str_eq(fields[i], key))
            return i;
    return -1;
}

/* A name may be written with escapes. */
static int field_at(struct items_cursor *c, size_t i, int hint)
{
    const struct jscan_token *t = &c->scan.tok[i];
    if (!t->has_escape)
        return field_of((struct str){c->text.data + t->start, t->len}, hint);
    buf_reset(&c->tmp);
    return jscan_unescape(&c->scan, i, &c->tmp) == 0 && !c->tmp.failed
               ? field_of((struct str){c->tmp.data, c->tmp.len}, hint)
               : -1;
}

/* Note where each known member of the element's object is. */
static void index_element(struct items_cursor *c)
{
    const struct jscan_token *tok = c->scan.tok;
    memset(c->has, 0, sizeof c->has);
    if (c->at >= c->end || tok[c->at].type != JSCAN_OBJECT)
        return;
    size_t stop = tok[c->at].next;
    int k = -1;
    for (size_t i = c->at + 1; i < stop; i = tok[i + 1].next) {
        int found = field_at(c, i, k + 1);
        if (found < 0)
            continue;
        k = found;
        c->has[k] = i + 1;
    }
}

static void skip_non_objects(struct items_cursor *c)
{
    while (c->at < c->end && c->scan.tok[c->at].type != JSCAN_OBJECT)
        c->at = c->scan.tok[c->at].next;
    index_element(c);
}

static int items_filter(sqlite3_vtab_cursor *base, int index, const char *name,
                        int argc, sqlite3_value **argv)
{
    struct items_cursor *c = (struct items_cursor *)base;
    (void)name;
    c->row = 0;
    c->at = c->end = 0;
    buf_reset(&c->text);
    if (index != 1 || argc != 1 || sqlite3_value_type(argv[0]) == SQLITE_NULL)
        return SQLITE_OK;
    const char *p = (const char *)sqlite3_value_text(argv[0]);
    if (!p || buf_add(&c->text, p, (size_t)sqlite3_value_bytes(argv[0])) < 0)
        return SQLITE_NOMEM;
    if (jscan_parse(&c->scan, c->text.data, c->text.len, &jscan_default_limits) < 0 ||
        c->scan.tok[0].type != JSCAN_ARRAY)
        return SQLITE_OK;
    c->at = 1;
    c->end = c->scan.tok[0].next;
    skip_non_objects(c);
    return SQLITE_OK;
}

static int items_next(sqlite3_vtab_cursor *base)
{
    struct items_cursor *c = (struct items_cursor *)base;
    c->at = c->scan.tok[c->at].next;
    c->row++;
    skip_non_objects(c);
    return SQLITE_OK;
}

static int items_eof(sqlite3_vtab_cursor *base)
{
    const struct items_cursor *c = (const struct items_cursor *)base;
    return c->at >= c->end;
}

/* Digits with at most one point, at most 15 of them: the quotient of two exact doubles
 * is the nearest double, no strtod. */
static void result_number(sqlite3_context *ctx, const char *p, size_t n)
{
    static const double powers[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    int64_t v = 0;
    size_t digits = 0, places = 0, i = 0;
    bool has_point = false, is_negative = n && p[0] == '-';
    for (i = is_negative; i < n && digits <= 15; i++) {
        if (p[i] == '.') {
            has_point = true;
        } else if (p[i] >= '0' && p[i] <= '9') {
            v = v * 10 + (p[i] - '0');
            digits++;
            places += has_point;
        } else {
            break;
        }
    }
    if (i < n || digits > 15) {
        double d = 0;
        str_to_double((struct str){p, n}, &d);
        sqlite3_result_double(ctx, d);
    } else if (has_point) {
        double d = (double)v / powers[places];
        sqlite3_result_double(ctx, is_negative ? -d : d);
    } else {
        sqlite3_result_int64(ctx, is_negative ? -v : v);
    }
}

static int items_column(sqlite3_vtab_cursor *base, sqlite3_context *ctx, int i)
{
    struct items_cursor *c = (struct items_cursor *)base;
    if (i == COL_HIDDEN) {
        sqlite3_result_text64(ctx, buf_str(&c->text), c->text.len, SQLITE_TRANSIENT,
                              SQLITE_UTF8);
        return SQLITE_OK;
    }
    size_t t = i >= 0 && i < N_FIELDS ? c->has[i] : 0;
    if (!t)
        return SQLITE_OK;
    const struct jscan_token *k = &c->scan.tok[t];
    const char *p = c->text.data + k->start;
    switch ((enum jscan_type)k->type) {
    case JSCAN_NUMBER:
        result_number(ctx, p, k->len);
        break;
    case JSCAN_STRING:
        if (k->has_escape) {
            buf_reset(&c->tmp);
            jscan_unescape(&c->scan, t, &c->tmp);
            sqlite3_result_text64(ctx, buf_str(&c->tmp), c->tmp.len, SQLITE_TRANSIENT,
                                  SQLITE_UTF8);
        } else {
            sqlite3_result_text64(ctx, p, k->len, SQLITE_TRANSIENT, SQLITE_UTF8);
        }
        break;
    case JSCAN_TRUE:
    case JSCAN_FALSE:
        sqlite3_result_int(ctx, k->type == JSCAN_TRUE);
        break;
    case JSCAN_OBJECT:
    case JSCAN_ARRAY:
        sqlite3_result_text64(ctx, p, k->len, SQLITE_TRANSIENT, SQLITE_UTF8);
        break;
    case JSCAN_NULL:
        break;
    }
    return SQLITE_OK;
}

static int items_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out)
{
    *out = ((const struct items_cursor *)base)->row;
    return SQLITE_OK;
}

static const sqlite3_module items_module = {
    .xConnect = items_connect,
    .xBestIndex = items_best_index,
    .xDisconnect = items_disconnect,
    .xOpen = items_open,
    .xClose = items_close,
    .xFilter = items_filter,
    .xNext = items_next,
    .xEof = items_eof,
    .xColumn = items_column,
    .xRowid = items_rowid,
};

int lite_register_items(struct lite *l)
{
    return sqlite3_create_module(l->db, "weir_items", &items_module, NULL);
}
