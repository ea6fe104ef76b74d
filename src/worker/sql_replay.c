/* Replays of streaming nodes: what a plan says of them, and the step that sets them
 * back. In: items "replay" of a plan, the platform. Out: their offsets and texts;
 * marks, rows and offsets moved (stream/ and load/ know how). Called by the sql worker
 * for plan and replay tasks. Always holds: what is done is what was planned: partitions
 * and offsets are the item's. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "load/replay.h"
#include "stream/stream_replay.h"
#include "supervise/report.h"
#include "worker/sql.h"

/* ── what kind of node ── */

static const struct conf_stream *stream_of(const struct platform *p, const char *node)
{
    return str_starts(node, "stream.") ? conf_stream(p, node + 7) : NULL;
}
static const struct conf_load *load_of(const struct platform *p, const char *node)
{
    return str_starts(node, "load.") ? conf_load_row(p, node + 5) : NULL;
}
static const struct conf_source *source_of(const struct platform *p, const char *node)
{
    return str_starts(node, "source.") ? conf_source(p, node + 7) : NULL;
}

static void add_loads(const struct platform *p, const char *topic, json_t *names)
{
    for (size_t i = 0; i < p->n_loads; i++)
        if (streq(p->loads[i].from, topic))
            json_array_append_new(names, json_string(p->loads[i].name));
}

/* ── the plan ── */

static void describe(json_t *item, const json_t *replay, const char *from)
{
    char records[32];
    size_t n = json_array_size(json_arr(replay, "partitions"));
    report_number(json_i64(replay, "records", 0), records);
    char *text = mem_printf("read %s again from %s: %s record%s of %zu partition%s",
                            json_str(replay, "topic", ""), from, records,
                            json_i64(replay, "records", 0) == 1 ? "" : "s", n,
                            n == 1 ? "" : "s");
    json_put_str(item, "detail", text);
    mem_free(text);
}

static void add_effect(json_t *replay, const char *what, const json_t *names)
{
    struct buf b;
    json_t *name, *effects = json_arr(replay, "effects");
    size_t i;
    if (!effects)
        json_put(replay, "effects", effects = json_array());
    buf_init(&b, 65536);
    buf_adds(&b, what);
    json_array_foreach (names, i, name)
        buf_addf(&b, "%s %s", i ? "," : "", json_string_value(name));
    json_array_append_new(effects, json_string(buf_str(&b)));
    buf_release(&b);
}

static int plan_stream(const struct platform *p, const struct conf_stream *s,
                       const char *from, json_t *item, struct err *e)
{
    json_t *replay = NULL, *loads, *topic;
    size_t i;
    int rc = stream_replay_plan(p, s, from, &replay, e);
    if (rc < 0)
        return rc;
    loads = json_array();
    json_array_foreach (json_arr(replay, "outputs"), i, topic)
        add_loads(p, json_string_value(topic), loads);
    add_effect(replay, "written anew:", json_arr(replay, "outputs"));
    if (json_array_size(loads) > 0)
        add_effect(replay, "rows replaced by loads", loads);
    describe(item, replay, from);
    json_put(replay, "loads", loads);
    json_put(item, "replay", replay);
    return 0;
}

static int plan_load(const struct platform *p, const struct conf_load *l,
                     const char *from, json_t *item, struct err *e)
{
    json_t *replay = NULL, *table;
    int rc = load_replay_plan(p, l, from, &replay, e);
    if (rc < 0)
        return rc;
    table = json_pack("[s]", json_str(replay, "table", ""));
    add_effect(replay, "rows replaced in", table);
    json_decref(table);
    describe(item, replay, from);
    json_put(replay, "loads", json_pack("[s]", l->name));
    json_put(item, "replay", replay);
    return 0;
}

/* A table is compared as a whole with what the bus knows; what flows past is on the bus
 * already. */
static int plan_source(const struct platform *p, const struct conf_source *s,
                       const char *from, json_t *item, struct err *e)
{
    if (s->every_ms <= 0)
        return err_set(
            e, ERR_USAGE,
            "source %s is followed all the time, and what it delivered is on "
            "the bus: replay what reads it (weir rerun topic.%s)",
            s->name, s->topic);
    if (!streq(from, "begin"))
        return err_set(e, ERR_USAGE,
                       "source %s is a table: it is read as a whole, --from makes no "
                       "sense",
                       s->name);
    json_t *replay = json_object(), *loads = json_array();
    char *text =
        mem_printf("read the table again now, write what differs to %s", s->topic);
    json_put_str(replay, "topic", s->topic);
    add_loads(p, s->topic, loads);
    json_put(replay, "loads", loads);
    json_put_str(item, "detail", text);
    json_put(item, "replay", replay);
    mem_free(text);
    return 0;
}

static int plan_item(const struct platform *p, const char *from, json_t *item,
                     struct err *e)
{
    const char *node = json_str(item, "node", "");
    const struct conf_stream *stream = stream_of(p, node);
    const struct conf_load *load = load_of(p, node);
    const struct conf_source *source = source_of(p, node);
    if (stream)
        return plan_stream(p, stream, from, item, e);
    if (load)
        return plan_load(p, load, from, item, e);
    if (source)
        return plan_source(p, source, from, item, e);
    return err_set(e, ERR_NOTFOUND, "%s is not in weir.yml any more", node);
}

/* It is no item: nobody waits for it, and a person sees why. */
static void skip_item(json_t *plan, size_t at, const char *why)
{
    json_t *items = json_arr(plan, "items"), *item, *row = json_object(), *one;
    char *node = mem_strdup(json_str(json_array_get(items, at), "node", ""));
    size_t i, k;
    json_put_str(row, "node", node);
    json_put_str(row, "why", why);
    json_array_append_new(json_arr(plan, "skipped"), row);
    json_array_remove(items, at);
    json_array_foreach (items, i, item) {
        json_t *after = json_array();
        json_array_foreach (json_arr(item, "after"), k, one)
            if (!streq(json_string_value(one), node))
                json_array_append(after, one);
        json_put(item, "after", after);
    }
    mem_free(node);
}

int sql_replay_plan(const struct platform *p, const char *from, json_t *plan,
                    struct err *e)
{
    json_t *items = json_arr(plan, "items");
    bool is_any = false;
    for (size_t i = 0; i < json_array_size(items);) {
        json_t *item = json_array_get(items, i);
        struct err why = {0};
        if (!streq(json_str(item, "kind", ""), "replay")) {
            i++;
            continue;
        }
        int rc = plan_item(p, from ? from : "begin", item, &why);
        is_any = true;
        if (rc == ERR_NOTHING)
            skip_item(plan, i, why.text);
        else if (rc < 0)
            return err_set(e, rc, "%s", why.text);
        else
            i++;
    }
    if (from && !is_any)
        return err_set(e, ERR_USAGE,
                       "--from is for what reads a topic: a stream, a load, a topic or "
                       "a bronze table; the nodes of this rerun are built from tables");
    return 0;
}

/* ── doing it ── */

int sql_replay(const struct platform *p, const json_t *item, struct channel *ch,
               int64_t *records, struct err *e)
{
    const char *node = json_str(item, "node", "");
    const json_t *replay = json_obj(item, "replay");
    *records = json_i64(replay, "records", 0);
    if (stream_of(p, node))
        return stream_replay_apply(p, stream_of(p, node), replay, ch, e);
    if (load_of(p, node))
        return load_replay_apply(p, load_of(p, node), replay, ch, e);
    return err_set(e, ERR_NOTFOUND, "%s is nothing that reads a topic", node);
}
