/* Layouts of bronze tables.
 *
 * in: a load of weir.yml. out: its columns, and the tables made. Called by load.c.
 * Always holds: an existing table is never altered; what it has no column for goes to
 * _extra. */
#include "load/layout.h"

#include <stdio.h>
#include <string.h>
#include "base/str.h"
#include "load/stage.h"

#define WHERE_IT_WAS                                                                   \
    {"kafka_offset", "INTEGER", FROM_OFFSET, NULL, false},                             \
    {                                                                                  \
        "kafka_partition", "INTEGER", FROM_PARTITION, NULL, false                      \
    }
#define LOADED_AT                                                                      \
    {                                                                                  \
        "loaded_at", "TEXT", FROM_LOADED, NULL, false                                  \
    }
#define EXTRA                                                                          \
    {                                                                                  \
        "_extra", "TEXT", FROM_EXTRA, NULL, false                                      \
    }

/* The seed's columns first, in its order. total_amount is REAL: with NUMERIC
 * affinity 5.00 would become the integer 5, and an average of integers a truncated one.
 */
static const struct load_column transactions[] = {
    {"transaction_id", "TEXT NOT NULL", FROM_TEXT, "transaction_id", true},
    {"store_id", "TEXT NOT NULL", FROM_TEXT, "store_id", true},
    {"terminal_id", "TEXT", FROM_TEXT, "terminal_id", false},
    {"customer_id", "TEXT", FROM_TEXT, "customer_id", false},
    {"transaction_timestamp", "TEXT NOT NULL", FROM_TIME, "transaction_timestamp",
     true},
    {"total_amount", "REAL NOT NULL", FROM_REAL, "total_amount", true},
    {"payment_method", "TEXT", FROM_TEXT, "payment_method", false},
    {"items", "TEXT", FROM_JSON, "items", false},
    {"anomaly_detected", "INTEGER", FROM_FLAG, "anomaly_detected", false},
    {"anomaly_reasons", "TEXT", FROM_JSON, "anomaly_reasons", false},
    WHERE_IT_WAS,
    LOADED_AT,
    {"updated_at", "TEXT", FROM_TIME, "updated_at", false},
    {"is_correction", "INTEGER", FROM_FLAG, "is_correction", false},
    EXTRA,
    {0},
};

/* Members the stream adds for others; bronze has the store's dimension itself. */
static const char *const enriched[] = {
    "store_name",       "region",          "district",
    "store_format",     "store_time_zone", "unknown_store",
    "unknown_products", "local_hour",      NULL};

static const struct load_column aggregates[] = {
    {"store_id", "TEXT NOT NULL", FROM_TEXT, "store_id", true},
    {"window", "TEXT NOT NULL", FROM_TEXT, "window", true},
    {"window_start", "TEXT NOT NULL", FROM_TIME, "window_start", true},
    {"window_end", "TEXT", FROM_TIME, "window_end", false},
    {"n", "INTEGER", FROM_INT, "n", true},
    {"sum", "REAL", FROM_REAL, "sum", true},
    {"anomalies", "INTEGER", FROM_INT, "anomalies", false},
    {"revision", "INTEGER", FROM_INT, "revision", true},
    {"is_final", "INTEGER", FROM_FLAG, "is_final", false},
    WHERE_IT_WAS,
    LOADED_AT,
    EXTRA,
    {0},
};
static const char *const aggregate_key[] = {"store_id", "window", "window_start", NULL};

static const struct load_column anomalies[] = {
    {"transaction_id", "TEXT NOT NULL", FROM_TEXT, "transaction_id", true},
    {"store_id", "TEXT", FROM_TEXT, "store_id", false},
    {"terminal_id", "TEXT", FROM_TEXT, "terminal_id", false},
    {"customer_id", "TEXT", FROM_TEXT, "customer_id", false},
    {"transaction_timestamp", "TEXT", FROM_TIME, "transaction_timestamp", false},
    {"total_amount", "REAL", FROM_REAL, "total_amount", false},
    {"anomaly_reasons", "TEXT", FROM_JSON, "anomaly_reasons", false},
    {"severity", "TEXT", FROM_TEXT, "severity", false},
    WHERE_IT_WAS,
    LOADED_AT,
    EXTRA,
    {0},
};

static const struct load_column late[] = {
    {"transaction_id", "TEXT NOT NULL", FROM_TEXT, "transaction_id", true},
    {"store_id", "TEXT", FROM_TEXT, "store_id", false},
    {"transaction_timestamp", "TEXT", FROM_TIME, "transaction_timestamp", false},
    {"total_amount", "REAL", FROM_REAL, "total_amount", false},
    {"late_windows", "TEXT", FROM_JSON, "late_windows", false},
    {"arrived_at", "TEXT", FROM_ARRIVAL, NULL, false},
    {"record", "TEXT", FROM_VALUE, NULL, false},
    WHERE_IT_WAS,
    LOADED_AT,
    {0},
};

static const struct load_column rejects[] = {
    {"reason", "TEXT", FROM_HEADER, "reason", false},
    {"detail", "TEXT", FROM_HEADER, "detail", false},
    {"source", "TEXT", FROM_HEADER, "source", false},
    {"line", "INTEGER", FROM_HEADER_INT, "line", false},
    {"topic", "TEXT", FROM_HEADER, "topic", false},
    {"partition", "INTEGER", FROM_HEADER_INT, "partition", false},
    {"offset", "INTEGER", FROM_HEADER_INT, "offset", false},
    {"record_key", "TEXT", FROM_KEY, NULL, false},
    {"value", "BLOB", FROM_VALUE, NULL, false},
    {"arrived_at", "TEXT", FROM_ARRIVAL, NULL, false},
    WHERE_IT_WAS,
    LOADED_AT,
    {0},
};

static const struct load_layout fixed[] = {
    {.name = "raw_transactions",
     .columns = transactions,
     .ignored = enriched,
     .is_json = true,
     .has_corrections = true},
    {.name = "store_aggregates",
     .columns = aggregates,
     .write = LOAD_HIGHEST,
     .key = aggregate_key,
     .rank = "revision",
     .is_json = true},
    {.name = "anomalies", .columns = anomalies, .is_json = true},
    {.name = "late_transactions", .columns = late, .is_json = true},
    {.name = "dead_letters", .columns = rejects},
};

static bool is_topic(const char *a, const char *b)
{
    return a && *a && streq(a, b);
}

/* The layout of what a stream writes to this topic; NULL: no stream does. */
static const struct load_layout *layout_of_role(const struct platform *p,
                                                const char *topic)
{
    for (size_t i = 0; i < p->n_streams; i++) {
        const struct conf_stream *s = &p->streams[i];
        const char *const roles[] = {s->to_records, s->to_windows, s->to_alerts,
                                     s->to_late, s->to_rejects};
        for (size_t r = 0; r < sizeof(roles) / sizeof(*roles); r++) {
            if (is_topic(roles[r], topic))
                return &fixed[r];
        }
    }
    return NULL;
}

const struct load_layout *layout_fixed(const struct platform *p,
                                       const struct conf_load *l)
{
    const struct load_layout *found = layout_of_role(p, l->from);
    for (size_t i = 0; !found && i < sizeof(fixed) / sizeof(*fixed); i++) {
        if (streq(fixed[i].name, l->table))
            found = &fixed[i];
    }
    return found;
}

bool layout_is_scanned(const struct platform *p, const struct conf_load *l)
{
    return layout_of_role(p, l->from) != NULL;
}

/* ── the generic layout ──────────────────────────────────────────────────────────── */

struct names {
    struct arena *arena;
    const char **v;
    size_t n;
};

static void add_name(void *arg, const char *name, const char *type)
{
    struct names *names = arg;
    (void)type;
    const char **bigger = arena_alloc(names->arena, (names->n + 1) * sizeof(*bigger));
    if (names->n)
        memcpy(bigger, names->v, names->n * sizeof(*bigger));
    bigger[names->n++] = arena_strdup(names->arena, name);
    names->v = bigger;
}

/* A column weir fills itself; anything else is a member of the record. */
static struct load_column own_column(const char *name)
{
    static const struct load_column own[] = {WHERE_IT_WAS, LOADED_AT, EXTRA};
    for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++) {
        if (streq(own[i].name, name))
            return own[i];
    }
    return (struct load_column){name, "TEXT", FROM_TEXT, name, false};
}

static bool has_name(const struct names *names, const char *name)
{
    for (size_t i = 0; i < names->n; i++) {
        if (streq(names->v[i], name))
            return true;
    }
    return false;
}

/* "a, b" → NULL-terminated list; each must be a column. */
static int split_key(struct arena *arena, const struct conf_load *l,
                     const struct names *names, const char *const **out, struct err *e)
{
    const char **key =
        arena_alloc(arena, (strlen(l->key ? l->key : "") + 2) * sizeof(*key));
    size_t n = 0;
    for (const char *p = l->key ? l->key : ""; *p;) {
        p += strspn(p, ", ");
        size_t len = strcspn(p, ", ");
        if (len == 0)
            break;
        key[n] = arena_strndup(arena, p, len);
        if (!has_name(names, key[n]))
            return err_set(e, ERR_CONFIG, "loads.%s.key: the records of %s have no %s",
                           l->name, l->from, key[n]);
        n++;
        p += len;
    }
    if (n == 0)
        return err_set(e, ERR_CONFIG, "loads.%s: mode upsert needs a key", l->name);
    *out = key;
    return 0;
}

int layout_generic(struct arena *arena, struct wh *w, const struct conf_load *l,
                   const char *const *names, size_t n, const struct load_layout **out,
                   struct err *e)
{
    struct names all = {.arena = arena};
    bool is_upsert = l->mode && streq(l->mode, "upsert");
    if (wh_relation_type(w, l->schema, l->table) == WH_TABLE) {
        int rc = wh_columns(w, l->schema, l->table, add_name, &all, e);
        if (rc < 0)
            return rc;
    } else {
        for (size_t i = 0; i < n; i++)
            add_name(&all, names[i], NULL);
        static const char *const own[] = {"_extra", "kafka_offset", "kafka_partition",
                                          "loaded_at"};
        for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++) {
            if (!has_name(&all, own[i]))
                add_name(&all, own[i], NULL);
        }
    }
    struct load_column *columns = arena_alloc(arena, (all.n + 1) * sizeof(*columns));
    for (size_t i = 0; i < all.n; i++)
        columns[i] = own_column(all.v[i]);
    struct load_layout *layout = arena_alloc(arena, sizeof(*layout));
    *layout =
        (struct load_layout){.name = l->table, .columns = columns, .is_json = true};
    *out = layout;
    if (!is_upsert)
        return 0;
    layout->write = LOAD_NEWEST;
    return split_key(arena, l, &all, &layout->key, e);
}

/* ── making the tables ───────────────────────────────────────────────────────────── */

size_t layout_columns(const struct load_layout *l)
{
    size_t n = 0;
    while (l->columns[n].name)
        n++;
    return n;
}

const char *layout_type(const struct wh *w, const struct load_column *c)
{
    static const char *const pairs[][3] = {
        /* here, SQLite, elsewhere */
        {"TEXT NOT NULL", "TEXT", "text"},    {"TEXT", "TEXT", "text"},
        {"REAL NOT NULL", "REAL", "numeric"}, {"REAL", "REAL", "numeric"},
        {"INTEGER", "INTEGER", "bigint"},     {"BLOB", "BLOB", "bytea"}};
    bool is_sqlite = streq(wh_kind(w), "sqlite");
    size_t i = 0;
    if (!is_sqlite && c->from == FROM_FLAG)
        return "boolean";
    if (!is_sqlite &&
        (c->from == FROM_TIME || c->from == FROM_LOADED || c->from == FROM_ARRIVAL))
        return "timestamp";
    while (!streq(pairs[i][0], c->type))
        i++;
    return pairs[i][is_sqlite ? 1 : 2];
}

static void add_key(struct buf *sql, struct wh *w, const char *const *key)
{
    for (size_t i = 0; key[i]; i++) {
        buf_adds(sql, i ? "," : "");
        wh_quote(w, sql, NULL, key[i]);
    }
}

static void add_columns(struct buf *sql, struct wh *w, const struct load_layout *l)
{
    for (size_t i = 0; l->columns[i].name; i++) {
        buf_adds(sql, i ? ", " : "");
        wh_quote(w, sql, NULL, l->columns[i].name);
        buf_addf(sql, " %s%s", layout_type(w, &l->columns[i]),
                 strchr(l->columns[i].type, ' ') ? " NOT NULL" : "");
    }
}

int layout_create(const struct load_layout *l, struct wh *w, const char *schema,
                  const char *table, struct err *e)
{
    struct buf sql;
    buf_init(&sql, 1u << 20);
    buf_adds(&sql, "CREATE TABLE IF NOT EXISTS ");
    wh_quote(w, &sql, schema, table);
    buf_adds(&sql, " (");
    add_columns(&sql, w, l);
    if (l->key) {
        buf_adds(&sql, ", PRIMARY KEY (");
        add_key(&sql, w, l->key);
        buf_addc(&sql, ')');
    }
    buf_addc(&sql, ')');
    if (l->write == LOAD_HIGHEST &&
        streq(wh_kind(w),
              "sqlite")) /* small rows: one tree, not a table and an index */
        buf_adds(&sql, " WITHOUT ROWID");
    int rc = buf_check(&sql, "CREATE TABLE", e);
    if (rc == 0)
        rc = wh_exec_raw(w, buf_str(&sql), e);
    buf_release(&sql);
    /* Incremental models ask for loaded_at > max(loaded_at): without an index each run
     * reads all of history. Its keys rise, so that it costs an append. */
    if (rc == 0 && l->has_corrections)
        rc = wh_index(w, schema, table, "loaded_at", e);
    if (rc == 0 && l->write == LOAD_NEWEST)
        rc = stage_create(l, w, e);
    return rc;
}
