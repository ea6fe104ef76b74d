/* A plan as the lines a person reads. In and out: PLAN (plan.h). Called when a plan is
 * made, and again by whoever knows more of an item than the graph does. */
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/str.h"
#include "orchestrate/plan.h"

#define PARTITIONS_SHOWN 8

static void add_count(struct buf *b, size_t n, const char *noun)
{
    if (n)
        buf_addf(b, "%s%zu %s%s", b->len ? ", " : "", n, noun, n == 1 ? "" : "s");
}

static size_t count_kind(const json_t *items, const char *kind)
{
    size_t i, n = 0;
    json_t *item;
    json_array_foreach (items, i, item)
        n += streq(json_str(item, "kind", ""), kind);
    return n;
}

static void add_line(json_t *text, struct buf *b)
{
    json_array_append_new(text, json_string(buf_str(b)));
    buf_reset(b);
}

static void add_summary(const json_t *plan, struct buf *b)
{
    static const char *const kinds[][2] = {
        {"replay", "replay"},       {"seed", "seed"},    {"run", "model"},
        {"snapshot", "snapshot"},   {"compile", "node"}, {"test", "test"},
        {"unit_test", "unit test"}, {"gate", "gate"}};
    const json_t *items = json_arr(plan, "items"), *item;
    size_t own = 0, i, skipped = json_array_size(json_arr(plan, "skipped"));
    json_array_foreach (items, i, item)
        own += json_array_size(json_arr(item, "tests")) +
               json_array_size(json_arr(item, "gates"));
    struct buf counts;
    buf_init(&counts, 0);
    for (i = 0; i < sizeof kinds / sizeof *kinds; i++)
        add_count(&counts, count_kind(items, kinds[i][0]), kinds[i][1]);
    if (!json_array_size(items))
        buf_adds(b, "nothing to run");
    else
        buf_addf(b, "%zu to run: %s", json_array_size(items), buf_str(&counts));
    if (own)
        buf_addf(b, "; %zu check%s inside them", own, own == 1 ? "" : "s");
    if (skipped)
        buf_addf(b, "; %zu skipped", skipped);
    buf_release(&counts);
}

/* What a replay reads again, partition by partition. */
static void add_replay(const json_t *replay, json_t *text, struct buf *b)
{
    const json_t *rows = json_arr(replay, "partitions"), *row;
    size_t i, n = json_array_size(rows);
    json_array_foreach (json_arr(replay, "effects"), i, row) {
        buf_addf(b, "           %s", json_string_value(row));
        add_line(text, b);
    }
    json_array_foreach (rows, i, row) {
        long long from = json_i64(row, "from", 0), to = json_i64(row, "to", 0);
        if (i == PARTITIONS_SHOWN && n > PARTITIONS_SHOWN + 1)
            break;
        buf_addf(b, "           partition %lld: offsets %lld to %lld, %lld record%s",
                 (long long)json_i64(row, "partition", 0), from, to - 1, to - from,
                 to - from == 1 ? "" : "s");
        add_line(text, b);
    }
    if (n > PARTITIONS_SHOWN + 1) {
        buf_addf(b, "           and %zu more partitions (-o json lists all)",
                 n - PARTITIONS_SHOWN);
        add_line(text, b);
    }
    json_array_foreach (json_arr(replay, "warnings"), i, row) {
        buf_addf(b, "           warning: %s", json_string_value(row));
        add_line(text, b);
    }
}

static void add_items(const json_t *items, json_t *text, struct buf *b)
{
    const json_t *row;
    size_t i;
    int width = 0;
    json_array_foreach (items, i, row) {
        int n = (int)strlen(json_str(row, "name", ""));
        width = n > width && n <= 48 ? n : width;
    }
    json_array_foreach (items, i, row) {
        buf_addf(b, "  %-8s %-*s  %s  (%s)", json_str(row, "kind", ""), width,
                 json_str(row, "name", ""), json_str(row, "detail", ""),
                 json_str(row, "why", ""));
        add_line(text, b);
        add_replay(json_obj(row, "replay"), text, b);
    }
}

void plan_text(json_t *plan)
{
    json_t *text = json_array();
    const json_t *row;
    struct buf b;
    size_t i;
    buf_init(&b, 0);
    add_summary(plan, &b);
    add_line(text, &b);
    add_items(json_arr(plan, "items"), text, &b);
    json_array_foreach (json_arr(plan, "skipped"), i, row) {
        buf_addf(&b, "  skip     %s  (%s)", json_str(row, "node", ""),
                 json_str(row, "why", ""));
        add_line(text, &b);
    }
    json_array_foreach (json_arr(plan, "warnings"), i, row) {
        buf_addf(&b, "  warning: %s", json_string_value(row));
        add_line(text, &b);
    }
    buf_release(&b);
    json_put(plan, "text", text);
}
