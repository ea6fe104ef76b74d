/* A loader's offsets in the warehouse.
 *
 * in: a bus topic's ranges. out: where each partition goes on. Called by load.c. Always
 * holds: next_off and the rows below it are committed together; the numbers in memory
 * are never trusted after an error. */
#include "load/offsets.h"

#include <inttypes.h>
#include <stdarg.h>
#include "base/mem.h"
#include "base/timeutil.h"

#define TABLE  "_weir_offsets"
#define LOADED "_weir_loaded"

static int64_t finish(struct wh *w, struct wh_cursor *c, struct err *e)
{
    int rc;
    while ((rc = wh_next(c, e)) > 0)
        ;
    wh_cursor_close(c);
    return rc < 0 ? rc : wh_changes(w);
}

int64_t load_execute(struct wh *w, struct err *e, const char *sql, const char *types,
                     ...)
{
    struct wh_cursor *c;
    va_list ap;
    int rc = wh_query_raw(w, sql, &c, e);
    if (rc < 0)
        return rc;
    va_start(ap, types);
    for (int i = 0; types[i] && rc == 0; i++)
        rc = types[i] == 's' ? wh_bind_text(c, i + 1, va_arg(ap, const char *), e)
                             : wh_bind_i64(c, i + 1, va_arg(ap, int64_t), e);
    va_end(ap);
    if (rc < 0) {
        wh_cursor_close(c);
        return rc;
    }
    return finish(w, c, e);
}

/* sql with every %s replaced by the quoted table; NULL and e filled when it does not
 * fit in memory. The caller frees it. */
static char *with_table(const struct load_offsets *o, const char *table,
                        const char *sql, struct err *e)
{
    struct buf out;
    const char *at;
    buf_init(&out, 1u << 16);
    while ((at = strstr(sql, "%s"))) {
        buf_add(&out, sql, (size_t)(at - sql));
        wh_quote(o->wh, &out, o->schema, table);
        sql = at + 2;
    }
    buf_adds(&out, sql);
    char *text = buf_check(&out, "SQL of a loader", e) == 0 ? buf_take(&out) : NULL;
    buf_release(&out);
    return text;
}

/* A statement without values on one of our tables. */
static int run_plain(const struct load_offsets *o, const char *table, const char *sql,
                     struct err *e)
{
    char *text = with_table(o, table, sql, e);
    int rc = text ? wh_exec_raw(o->wh, text, e) : ERR_NOMEM;
    mem_free(text);
    return rc;
}

static int make_tables(const struct load_offsets *o, struct err *e)
{
    int rc =
        wh_lock(o->wh, o->schema, TABLE, e); /* several loaders may start at once */
    if (rc == 0)
        rc = run_plain(
            o, TABLE,
            "CREATE TABLE IF NOT EXISTS %s (pipeline TEXT NOT NULL, topic TEXT "
            "NOT NULL, part BIGINT NOT NULL, next_off BIGINT NOT NULL, epoch "
            "BIGINT NOT NULL, PRIMARY KEY (pipeline, topic, part))",
            e);
    if (rc == 0)
        rc = run_plain(
            o, LOADED,
            "CREATE TABLE IF NOT EXISTS %s (relation TEXT NOT NULL PRIMARY KEY, "
            "loaded_ms BIGINT NOT NULL)",
            e);
    return rc;
}

static int add_parts(const struct load_offsets *o, const struct bus_range *ranges,
                     struct err *e)
{
    char *sql =
        with_table(o, TABLE,
                   "INSERT INTO %s (pipeline, topic, part, next_off, epoch) VALUES "
                   "(?, ?, ?, ?, 0) ON CONFLICT DO NOTHING",
                   e);
    int64_t rc = sql ? 0 : ERR_NOMEM;
    for (int i = 0; i < o->n && rc >= 0; i++)
        rc = load_execute(o->wh, e, sql, "ssii", o->pipeline, o->topic, (int64_t)i,
                          ranges[i].start);
    mem_free(sql);
    return rc < 0 ? (int)rc : 0;
}

/* The next epoch for all partitions, those added now (epoch 0) too. */
static int raise_epoch(const struct load_offsets *o, struct err *e)
{
    char *sql =
        with_table(o, TABLE,
                   "UPDATE %s SET epoch = 1 + (SELECT max(epoch) FROM %s WHERE "
                   "pipeline = ?1 AND topic = ?2) WHERE pipeline = ?1 AND topic = ?2",
                   e);
    int64_t rc =
        sql ? load_execute(o->wh, e, sql, "ss", o->pipeline, o->topic) : ERR_NOMEM;
    mem_free(sql);
    return rc < 0 ? (int)rc : 0;
}

static int read_parts(struct load_offsets *o, struct err *e)
{
    struct wh_cursor *c;
    char *sql =
        with_table(o, TABLE,
                   "SELECT part, next_off, epoch FROM %s WHERE pipeline = ? AND "
                   "topic = ?",
                   e);
    int rc = sql ? wh_query_raw(o->wh, sql, &c, e) : ERR_NOMEM;
    mem_free(sql);
    if (rc < 0)
        return rc;
    rc = wh_bind_text(c, 1, o->pipeline, e);
    if (rc == 0)
        rc = wh_bind_text(c, 2, o->topic, e);
    while (rc >= 0 && (rc = wh_next(c, e)) > 0) {
        int64_t part = wh_value(c, 0).i;
        if (part >= o->n) {
            rc = err_set(e, ERR_CONFIG,
                         "load %s: the warehouse knows partition %" PRId64
                         " of %s, the bus has only %d",
                         o->pipeline, part, o->topic, o->n);
            break;
        }
        int64_t next = wh_value(c, 1).i;
        o->parts[part] = (struct load_part){next, next, -1};
        o->epoch = wh_value(c, 2).i;
    }
    wh_cursor_close(c);
    return rc;
}

int offsets_claim(struct load_offsets *o, struct wh *w, const char *schema,
                  const char *pipeline, const char *topic,
                  const struct bus_range *ranges, int n, struct err *e)
{
    *o = (struct load_offsets){
        .wh = w, .schema = schema, .pipeline = pipeline, .topic = topic, .n = n};
    o->parts = mem_alloc((size_t)n * sizeof(*o->parts));
    int rc = wh_begin(w, e);
    if (rc < 0)
        return rc;
    rc = make_tables(o, e);
    if (rc == 0)
        rc = add_parts(o, ranges, e);
    if (rc == 0)
        rc = raise_epoch(o, e);
    if (rc == 0)
        rc = read_parts(o, e);
    if (rc == 0)
        return wh_commit(w, e);
    wh_rollback(w, NULL);
    return rc;
}

int offsets_look(struct load_offsets *o, struct wh *w, const char *schema,
                 const char *pipeline, const char *topic, int n, struct err *e)
{
    *o = (struct load_offsets){
        .wh = w, .schema = schema, .pipeline = pipeline, .topic = topic, .n = n};
    o->parts = mem_alloc((size_t)n * sizeof(*o->parts));
    return wh_relation_type(w, schema, TABLE) == WH_ABSENT ? 0 : read_parts(o, e);
}

int offsets_set_back(struct load_offsets *o, int32_t partition, int64_t next,
                     struct err *e)
{
    char *sql = with_table(o, TABLE,
                           "UPDATE %s SET next_off = ?, epoch = epoch + 1 WHERE "
                           "pipeline = ? AND topic = ? AND part = ?",
                           e);
    int64_t rc = sql ? load_execute(o->wh, e, sql, "issi", next, o->pipeline, o->topic,
                                    (int64_t)partition)
                     : ERR_NOMEM;
    mem_free(sql);
    return rc < 0 ? (int)rc : 0;
}

void offsets_release(struct load_offsets *o)
{
    mem_free(o->parts);
    o->parts = NULL;
    o->n = 0;
}

int offsets_check(const struct load_offsets *o, const struct bus_range *ranges,
                  struct err *e)
{
    for (int i = 0; i < o->n; i++) {
        int64_t next = o->parts[i].next;
        if (next < ranges[i].start)
            return err_set(
                e, ERR_CORRUPT,
                "load %s: topic %s partition %d: offsets %" PRId64 " to %" PRId64
                " are gone from the bus before they were loaded (retention?). "
                "Put the bus back, or accept the loss: UPDATE \"%s\".\"" TABLE
                "\" SET next_off = %" PRId64 " WHERE pipeline = '%s' AND part = %d",
                o->pipeline, o->topic, i, next, ranges[i].start - 1, o->schema,
                ranges[i].start, o->pipeline, i);
        if (next > ranges[i].end)
            return err_set(
                e, ERR_CORRUPT,
                "load %s: topic %s partition %d: offset %" PRId64
                " comes next, but the bus ends at %" PRId64
                ": this is another or an older bus than the one loaded from. Put "
                "the right bus back, or begin with an empty warehouse",
                o->pipeline, o->topic, i, next, ranges[i].end);
    }
    return 0;
}

int offsets_move(struct load_offsets *o, struct err *e)
{
    char *sql =
        with_table(o, TABLE,
                   "UPDATE %s SET next_off = ? WHERE pipeline = ? AND topic = ? AND "
                   "part = ? AND next_off = ? AND epoch = ?",
                   e);
    int64_t rc = sql ? 1 : ERR_NOMEM;
    for (int i = 0; i < o->n && rc == 1; i++) {
        const struct load_part *p = &o->parts[i];
        if (p->position == p->next)
            continue;
        rc = load_execute(o->wh, e, sql, "issiii", p->position, o->pipeline, o->topic,
                          (int64_t)i, p->next, o->epoch);
        if (rc == 0)
            rc = err_set(
                e, ERR_FENCED,
                "load %s: another loader took over %s partition %d (epoch %" PRId64
                " is no longer ours); this one stops, nothing was written",
                o->pipeline, o->topic, i, o->epoch);
    }
    mem_free(sql);
    return rc < 0 ? (int)rc : 0;
}

void offsets_committed(struct load_offsets *o)
{
    for (int i = 0; i < o->n; i++)
        o->parts[i].next = o->parts[i].position;
}

void offsets_rolled_back(struct load_offsets *o)
{
    for (int i = 0; i < o->n; i++)
        o->parts[i].position = o->parts[i].next;
}

int64_t offsets_rows(const struct load_offsets *o)
{
    int64_t sum = 0;
    for (int i = 0; i < o->n; i++)
        sum += o->parts[i].next;
    return sum;
}

int offsets_loaded_at(struct load_offsets *o, const char *table, int64_t *ms,
                      struct err *e)
{
    char *put =
        with_table(o, LOADED,
                   "INSERT INTO %s AS t (relation, loaded_ms) VALUES (?, ?) ON "
                   "CONFLICT (relation) DO UPDATE SET loaded_ms = CASE WHEN "
                   "excluded.loaded_ms > t.loaded_ms THEN excluded.loaded_ms ELSE "
                   "t.loaded_ms + 1 END RETURNING loaded_ms",
                   e);
    struct wh_cursor *c;
    int rc = put ? wh_query_raw(o->wh, put, &c, e) : ERR_NOMEM;
    mem_free(put);
    if (rc < 0)
        return rc;
    rc = wh_bind_text(c, 1, table, e);
    if (rc == 0)
        rc = wh_bind_i64(c, 2, time_wall_ms(), e);
    if (rc == 0 && (rc = wh_next(c, e)) > 0) {
        *ms = wh_value(c, 0).i;
        rc = wh_next(c, e); /* to its end: the write happens */
    }
    wh_cursor_close(c);
    return rc < 0 ? rc : 0;
}
