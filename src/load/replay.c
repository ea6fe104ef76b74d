/* Replays of bronze tables (replay.h). In: marks of a topic, or a place to load again
 * from. Out: rows deleted. Always holds: rows and offsets move in one transaction; a
 * row goes only when the record that makes it again comes behind it. */
#include "load/replay.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "bus/bus_platform.h"
#include "load/corrections.h"
#include "load/load.h"
#include "load/offsets.h"

/* ── rows that go ────────────────────────────────────────────────────────────────── */

/* "DELETE FROM table WHERE …", three or four numbers bound. */
static int delete_rows(struct wh *w, const char *schema, const char *table,
                       const char *where, int64_t a, int64_t b, int64_t c,
                       struct err *e)
{
    struct buf sql;
    buf_init(&sql, 16384);
    buf_adds(&sql, "DELETE FROM ");
    wh_quote(w, &sql, schema, table);
    buf_adds(&sql, where);
    int64_t rc = buf_check(&sql, "DELETE", e);
    if (rc == 0)
        rc = load_execute(w, e, buf_str(&sql), "iii", a, b, c);
    buf_release(&sql);
    return rc < 0 ? (int)rc : 0;
}

/* Records that were no rows are judged again, too. */
static int delete_rejects(struct wh *w, const struct conf_load *l, int32_t partition,
                          int64_t from, int64_t before, struct err *e)
{
    struct buf sql;
    if (wh_relation_type(w, l->schema, LOAD_REJECTS) == WH_ABSENT)
        return 0;
    buf_init(&sql, 16384);
    buf_adds(&sql, "DELETE FROM ");
    wh_quote(w, &sql, l->schema, LOAD_REJECTS);
    buf_adds(&sql, " WHERE pipeline = ? AND topic = ? AND \"partition\" = ? AND "
                   "\"offset\" >= ? AND \"offset\" < ?");
    int64_t rc = buf_check(&sql, "DELETE", e);
    if (rc == 0)
        rc = load_execute(w, e, buf_str(&sql), "ssiii", l->name, l->from,
                          (int64_t)partition, from, before);
    buf_release(&sql);
    return rc < 0 ? (int)rc : 0;
}

/* Rows that came of the topic's own offsets [from, before). */
static int delete_offsets(struct wh *w, const struct load_layout *layout,
                          const struct conf_load *l, int32_t partition, int64_t from,
                          int64_t before, struct err *e)
{
    int rc = delete_rejects(w, l, partition, from, before, e);
    if (rc == 0 && layout->has_corrections)
        rc = corrections_forget(w, l->schema, l->table, partition, from, before, e);
    if (rc == 0)
        rc = delete_rows(w, l->schema, l->table,
                         " WHERE kafka_partition = ? AND kafka_offset >= ? AND "
                         "kafka_offset < ?",
                         partition, from, before, e);
    return rc;
}

/* Dead letters say of which record they are; others on their topic stay. */
static int delete_letters(struct wh *w, const struct conf_load *l,
                          const struct bus_mark *m, int64_t at, struct err *e)
{
    struct buf sql;
    char *topic = mem_strndup(m->topic.p, m->topic.n);
    buf_init(&sql, 16384);
    buf_adds(&sql, "DELETE FROM ");
    wh_quote(w, &sql, l->schema, l->table);
    buf_adds(&sql, " WHERE topic = ? AND \"partition\" = ? AND \"offset\" >= ? AND "
                   "kafka_partition = ? AND kafka_offset < ?");
    int64_t rc = buf_check(&sql, "DELETE", e);
    if (rc == 0)
        rc = load_execute(w, e, buf_str(&sql), "siiii", topic, (int64_t)m->partition,
                          m->from, (int64_t)m->partition, at);
    buf_release(&sql);
    mem_free(topic);
    return rc < 0 ? (int)rc : 0;
}

int replay_mark(struct wh *w, const struct load_layout *layout,
                const struct conf_load *l, const struct bus_mark *m, int64_t at,
                struct err *e)
{
    if (streq(layout->name, "dead_letters"))
        return delete_letters(w, l, m, at, e);
    if (layout->write == LOAD_HIGHEST) /* a window's revision is its cause's offset */
        return delete_rows(w, l->schema, l->table,
                           " WHERE kafka_partition = ? AND revision >= ? AND "
                           "kafka_offset < ?",
                           m->partition, m->from, at, e);
    return delete_offsets(w, layout, l, m->partition, m->void_from, at, e);
}

/* ── the plan ────────────────────────────────────────────────────────────────────── */

static int open_warehouse(const struct platform *p, const struct conf_load *l,
                          bool is_readonly, const char **schemas, struct wh **out,
                          struct err *e)
{
    schemas[0] = l->schema;
    schemas[1] = NULL;
    struct wh_options o = wh_options_of(p);
    o.dialect = o.kind; /* the SQL is ours */
    o.schemas = schemas;
    o.is_readonly = is_readonly;
    return wh_open(out, &o, e);
}

static int plan_partitions(struct bus *b, struct wh *w, const struct conf_load *l,
                           const char *from, json_t *plan, struct err *e)
{
    int n = bus_partitions(b, l->from, e);
    if (n < 0)
        return n;
    struct load_offsets offsets = {0};
    struct bus_range *ranges = mem_alloc((size_t)n * sizeof *ranges);
    int rc = bus_ranges(b, l->from, ranges, (size_t)n, e);
    if (rc == 0)
        rc = offsets_look(&offsets, w, l->schema, l->name, l->from, n, e);
    for (int32_t i = 0; i < n && rc == 0; i++) {
        int64_t at, to = offsets.parts[i].next;
        if (!str_to_i64(str_of(from), &at))
            rc = bus_place(b, l->from, i, from, &at, e);
        at = at < ranges[i].start ? ranges[i].start : at;
        if (rc < 0 || at >= to)
            continue;
        json_array_append_new(json_arr(plan, "partitions"),
                              json_pack("{s:i, s:I, s:I, s:I}", "partition", (int)i,
                                        "from", (json_int_t)at, "to", (json_int_t)to,
                                        "records", (json_int_t)(to - at)));
        json_put_i64(plan, "records", json_i64(plan, "records", 0) + to - at);
    }
    offsets_release(&offsets);
    mem_free(ranges);
    return rc;
}

int load_replay_plan(const struct platform *p, const struct conf_load *l,
                     const char *from, json_t **out, struct err *e)
{
    const char *schemas[2];
    char table[300];
    struct bus *b = NULL;
    struct wh *w = NULL;
    json_t *plan = json_object();
    snprintf(table, sizeof table, "%s.%s", l->schema, l->table);
    json_put_str(plan, "topic", l->from);
    json_put_str(plan, "table", table);
    json_put_i64(plan, "records", 0);
    json_put(plan, "partitions", json_array());
    json_put(plan, "warnings", json_array());
    int rc = bus_open_platform(p, true, &b, e);
    if (rc == 0)
        rc = open_warehouse(p, l, true, schemas, &w, e);
    if (rc == 0)
        rc = plan_partitions(b, w, l, from, plan, e);
    wh_close(w);
    bus_close(b);
    if (rc == 0 && json_i64(plan, "records", 0) == 0)
        rc = err_set(e, ERR_NOTHING,
                     "load.%s has loaded nothing of %s from %s on: there is nothing to "
                     "load again",
                     l->name, l->from, from);
    if (rc < 0)
        json_decref(plan);
    else
        *out = plan;
    return rc;
}

/* ── doing it ────────────────────────────────────────────────────────────────────── */

static int apply(struct wh *w, const struct load_layout *layout,
                 const struct conf_load *l, const json_t *plan, struct channel *ch,
                 struct err *e)
{
    struct load_offsets offsets = {
        .wh = w, .schema = l->schema, .pipeline = l->name, .topic = l->from};
    const json_t *row;
    size_t i;
    int rc = wh_begin(w, e);
    if (rc < 0)
        return rc;
    json_array_foreach (json_arr(plan, "partitions"), i, row) {
        int32_t partition = (int32_t)json_i64(row, "partition", 0);
        int64_t from = json_i64(row, "from", 0);
        if (rc == 0)
            rc = delete_offsets(w, layout, l, partition, from, INT64_MAX, e);
        if (rc == 0)
            rc = offsets_set_back(&offsets, partition, from, e);
        if (rc == 0)
            rc = channel_beat(ch, e);
    }
    if (rc >= 0)
        rc = wh_commit(w, e);
    if (rc < 0)
        wh_rollback(w, NULL);
    return rc < 0 ? rc : 0;
}

int load_replay_apply(const struct platform *p, const struct conf_load *l,
                      const json_t *plan, struct channel *ch, struct err *e)
{
    const char *schemas[2];
    struct wh *w = NULL;
    struct arena arena;
    const struct load_layout *layout = layout_fixed(p, l);
    arena_init(&arena, 0);
    int rc = open_warehouse(p, l, false, schemas, &w, e);
    if (rc == 0 && !layout)
        rc = layout_generic(&arena, w, l, NULL, 0, &layout, e);
    if (rc == 0)
        rc = apply(w, layout, l, plan, ch, e);
    wh_close(w);
    arena_release(&arena);
    return rc;
}
