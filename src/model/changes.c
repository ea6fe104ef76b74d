/* What an incremental model must build again because of what came late.
 *
 * An incremental model's own filter (transaction_date >= max - 1 day) does not see a
 * correction of an older day, and a merge by key keeps the row of a key that a
 * correction emptied. A model with the config meta.changes_by names the column, say a
 * day, by which its changes are noted and which it always computes whole:
 *   of a parent, each incremental build notes the days of the rows that it adds and of
 *   those that it replaces, in SCHEMA._weir_changed, in the publishing transaction;
 *   a child takes those days that were noted since its last build: those that its
 * filter left out are computed by the same text without the filter, and all of them
 * replace what the table has for them. SCHEMA._weir_seen says up to where a child has
 * built. Called by materialize.c and incremental.c. Models without the config are left
 * alone. */
#include "model/internal.h"

#include "base/buf.h"

#define CHANGED "_weir_changed"
#define SEEN    "_weir_seen"

/* The column of meta.changes_by; NULL: none. */
static const char *column_of(const struct item *it)
{
    const json_t *meta = json_object_get(it->pub.config, "meta");
    return json_is_object(meta) ? json_str(meta, "changes_by", NULL) : NULL;
}

static bool is_noted(const struct item *it)
{
    return it && it->pub.type == NODE_MODEL && column_of(it) &&
           streq(it->pub.materialized, "incremental");
}

/* 'text', for SQL. */
static void add_literal(struct buf *sql, const char *text)
{
    buf_addc(sql, '\'');
    for (; *text; text++) {
        if (*text == '\'')
            buf_addc(sql, '\'');
        buf_addc(sql, *text);
    }
    buf_addc(sql, '\'');
}

static int run(struct build *b, struct buf *sql, struct err *e)
{
    int rc = wh_exec_raw(b->w, buf_str(sql), e);
    buf_release(sql);
    return rc;
}

/* ── a parent notes ── */

static int note_table(struct build *b, struct err *e)
{
    struct buf sql;
    int rc = wh_lock(b->w, b->schema, CHANGED, e);
    if (rc < 0)
        return rc;
    buf_init(&sql, 1u << 20);
    buf_adds(&sql, "CREATE TABLE IF NOT EXISTS ");
    wh_quote(b->w, &sql, b->schema, CHANGED);
    buf_adds(&sql, " (relation TEXT NOT NULL, value TEXT NOT NULL, seq INTEGER NOT "
                   "NULL, PRIMARY KEY (relation, value))");
    return run(b, &sql, e);
}

static int next_seq(struct build *b, int64_t *seq, struct err *e)
{
    struct buf sql;
    buf_init(&sql, 1u << 20);
    buf_adds(&sql, "SELECT coalesce(max(seq), 0) + 1 FROM ");
    wh_quote(b->w, &sql, b->schema, CHANGED);
    int rc = wh_query_i64(b->w, buf_str(&sql), seq, e);
    buf_release(&sql);
    return rc;
}

int changes_note(struct build *b, const char *keys, struct err *e)
{
    const char *column = column_of(b->it);
    int64_t seq = 0;
    if (!is_noted(b->it))
        return 0;
    int rc = note_table(b, e);
    if (rc < 0 || (rc = next_seq(b, &seq, e)) < 0)
        return rc;
    struct buf sql;
    buf_init(&sql, 1u << 20);
    buf_adds(&sql, "INSERT INTO ");
    wh_quote(b->w, &sql, b->schema, CHANGED);
    buf_adds(&sql, " (relation, value, seq) SELECT ");
    add_literal(&sql, b->alias);
    buf_addf(&sql, ", v, %lld FROM (SELECT %s AS v FROM ", (long long)seq, column);
    wh_quote(b->w, &sql, WH_TEMP, b->tmp);
    if (*keys) {
        buf_addf(&sql, " UNION SELECT %s FROM ", column);
        wh_quote(b->w, &sql, b->schema, b->alias);
        buf_addf(&sql, " WHERE (%s) IN (SELECT %s FROM ", keys, keys);
        wh_quote(b->w, &sql, WH_TEMP, b->tmp);
        buf_addc(&sql, ')');
    }
    buf_adds(&sql, ") AS touched WHERE v IS NOT NULL GROUP BY v ON CONFLICT (relation, "
                   "value) DO UPDATE SET seq = excluded.seq");
    return run(b, &sql, e);
}

/* ── a child takes ── */

static int64_t number_or_0(struct build *b, struct buf *sql)
{
    int64_t n = 0;
    if (wh_query_i64(b->w, buf_str(sql), &n, NULL) < 0)
        n = 0;
    buf_release(sql);
    return n;
}

static int64_t noted_up_to(struct build *b, const struct item *parent)
{
    struct buf sql;
    if (wh_relation_type(b->w, parent->pub.schema, CHANGED) != WH_TABLE)
        return 0;
    buf_init(&sql, 1u << 20);
    buf_adds(&sql, "SELECT coalesce(max(seq), 0) FROM ");
    wh_quote(b->w, &sql, parent->pub.schema, CHANGED);
    buf_adds(&sql, " WHERE relation = ");
    add_literal(&sql, parent->pub.alias);
    return number_or_0(b, &sql);
}

static int64_t seen_up_to(struct build *b, const struct item *parent)
{
    struct buf sql;
    if (wh_relation_type(b->w, b->schema, SEEN) != WH_TABLE)
        return 0;
    buf_init(&sql, 1u << 20);
    buf_adds(&sql, "SELECT coalesce(max(seq), 0) FROM ");
    wh_quote(b->w, &sql, b->schema, SEEN);
    buf_adds(&sql, " WHERE relation = ");
    add_literal(&sql, b->alias);
    buf_adds(&sql, " AND parent = ");
    add_literal(&sql, parent->pub.unique_id);
    return number_or_0(b, &sql);
}

void changes_begin(struct build *b)
{
    b->n_sources = 0;
    if (!is_noted(b->it))
        return;
    for (size_t i = 0; i < b->it->deps.n && b->n_sources < BUILD_SOURCES; i++) {
        struct item *parent = map_get(&b->p->by_id, b->it->deps.v[i]);
        if (!is_noted(parent))
            continue;
        b->sources[b->n_sources].parent = parent;
        b->sources[b->n_sources++].seq = noted_up_to(b, parent);
    }
}

/* The days of one parent's changes since this model's last build, as 'a', 'b'; those
 * alone that the new rows lack, if only_missing. */
static int add_days(struct build *b, const struct change_source *s, bool only_missing,
                    struct buf *days, struct err *e)
{
    struct wh_cursor *c = NULL;
    struct buf sql;
    if (s->seq == 0)
        return 0;
    buf_init(&sql, 1u << 20);
    buf_adds(&sql, "SELECT value FROM ");
    wh_quote(b->w, &sql, s->parent->pub.schema, CHANGED);
    buf_adds(&sql, " WHERE relation = ");
    add_literal(&sql, s->parent->pub.alias);
    buf_addf(&sql, " AND seq > %lld AND seq <= %lld",
             (long long)seen_up_to(b, s->parent), (long long)s->seq);
    if (only_missing) {
        buf_addf(&sql, " AND value NOT IN (SELECT %s FROM ", column_of(b->it));
        wh_quote(b->w, &sql, WH_TEMP, b->tmp);
        buf_addf(&sql, " WHERE %s IS NOT NULL)", column_of(b->it));
    }
    int rc = wh_query_raw(b->w, buf_str(&sql), &c, e);
    while (rc >= 0 && (rc = wh_next(c, e)) == 1) {
        struct wh_value v = wh_value(c, 0);
        char *text = mem_printf("%.*s", (int)v.text.n, v.text.p);
        buf_adds(days, days->len ? ", " : "");
        add_literal(days, text);
        mem_free(text);
    }
    if (c)
        wh_cursor_close(c);
    buf_release(&sql);
    return rc;
}

static int days_of(struct build *b, bool only_missing, struct buf *days, struct err *e)
{
    int rc = 0;
    buf_init(days, 16u << 20);
    for (size_t i = 0; rc >= 0 && i < b->n_sources; i++)
        rc = add_days(b, &b->sources[i], only_missing, days, e);
    return rc < 0 ? rc : 0;
}

/* The model's text as of a first build, for some days only, behind the new rows. */
static int compute_days(struct build *b, const char *days, struct err *e)
{
    struct buf whole, sql;
    buf_init(&whole, 64u << 20);
    buf_init(&sql, 64u << 20);
    b->r.full_refresh = true;
    int rc = compile_item(&b->r, &whole, e);
    b->r.full_refresh = b->full_refresh;
    if (rc == 0) {
        buf_adds(&sql, "insert into ");
        wh_quote(b->w, &sql, WH_TEMP, b->tmp);
        buf_addf(&sql, " select * from (\n%s\n) as late where late.%s in (%s)",
                 buf_str(&whole), column_of(b->it), days);
        rc = wh_exec(b->w, buf_str(&sql), e);
        if (rc < 0)
            err_wrap(e, rc, "%s: computing what came late", b->it->pub.path);
    }
    buf_release(&whole);
    buf_release(&sql);
    return rc;
}

int changes_compute(struct build *b, struct err *e)
{
    struct buf days;
    int rc = days_of(b, true, &days, e);
    if (rc == 0 && days.len)
        rc = compute_days(b, buf_str(&days), e);
    buf_release(&days);
    return rc;
}

int changes_clear(struct build *b, struct err *e)
{
    struct buf days, sql;
    int rc = days_of(b, false, &days, e);
    if (rc == 0 && days.len) {
        buf_init(&sql, 16u << 20);
        buf_adds(&sql, "DELETE FROM ");
        wh_quote(b->w, &sql, b->schema, b->alias);
        buf_addf(&sql, " WHERE %s IN (%s)", column_of(b->it), buf_str(&days));
        rc = run(b, &sql, e);
    }
    buf_release(&days);
    return rc;
}

static int see(struct build *b, const struct change_source *s, struct err *e)
{
    struct buf sql;
    int rc = wh_lock(b->w, b->schema, SEEN, e);
    if (rc < 0)
        return rc;
    buf_init(&sql, 1u << 20);
    buf_adds(&sql, "CREATE TABLE IF NOT EXISTS ");
    wh_quote(b->w, &sql, b->schema, SEEN);
    buf_adds(&sql, " (relation TEXT NOT NULL, parent TEXT NOT NULL, seq INTEGER NOT "
                   "NULL, PRIMARY KEY (relation, parent)); INSERT INTO ");
    wh_quote(b->w, &sql, b->schema, SEEN);
    buf_adds(&sql, " (relation, parent, seq) VALUES (");
    add_literal(&sql, b->alias);
    buf_adds(&sql, ", ");
    add_literal(&sql, s->parent->pub.unique_id);
    buf_addf(&sql,
             ", %lld) ON CONFLICT (relation, parent) DO UPDATE SET seq = excluded.seq",
             (long long)s->seq);
    return run(b, &sql, e);
}

int changes_seen(struct build *b, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < b->n_sources; i++)
        if (b->sources[i].seq)
            rc = see(b, &b->sources[i], e);
    return rc;
}
