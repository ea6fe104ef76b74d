/* The stream job in memory: partitions, tables and everything it wrote. */
#ifndef TESTS_STREAM_HARNESS_H
#define TESTS_STREAM_HARNESS_H

#include "stream_data.h"

#include "base/hash.h"
#include "base/map.h"
#include "base/timeutil.h"
#include "stream/stream_emit.h"
#include "stream/stream_partition.h"

#define MINUTE 60000ll
#define HOUR   3600000ll

struct harness_row {
    enum stream_output to;
    int32_t partition;
    int64_t timestamp_ms;
    char *key, *value, *reason, *detail;
    size_t value_len;
};

struct harness {
    struct conf_stream conf;
    struct stream_pipeline pipeline;
    struct stream_partition *partitions;
    int n_partitions;
    struct harness_row *rows;
    size_t n_rows, cap_rows;
    bool is_counting;         /* outputs are counted but not kept */
    struct stream_event last; /* of the newest accepted receipt; its text is stale */
    bool has_last;
    struct err e;
};

static const int64_t harness_windows[] = {5 * MINUTE, 15 * MINUTE, HOUR};
static const char *const harness_steps[] = {"dedupe", "enrich", "detect", "window",
                                            NULL};

static const struct conf_stream harness_conf = {
    .name = "enrichment",
    .from = "transactions",
    .watermark_ms = 30000,
    .lateness_ms = HOUR,
    .idle_ms = 60000,
    .clock_ahead_ms = 300000,
    .dedupe_ms = 7 * 24 * HOUR,
    .windows_ms = harness_windows,
    .n_windows = 3,
    .steps = harness_steps,
    .amount_sigma = 3,
    .amount_min_count = 30,
    .velocity_max = 10,
    .velocity_ms = 60000,
    .off_hours = true,
    .alert_over_cents = 1000000,
    .to_records = "enriched-transactions",
    .to_windows = "store-aggregates",
    .to_alerts = "anomalies",
    .to_late = "late-transactions",
    .to_rejects = "dead-letters",
    .epoch_ms = 500,
    .epoch_records = 20000,
    .snapshot_ms = 30000,
};

static inline int harness_produce(void *arg, enum stream_output to, int32_t partition,
                                  int64_t timestamp_ms, struct str key,
                                  struct str value, const struct bus_header *headers,
                                  size_t n_headers, struct err *e)
{
    struct harness *h = arg;
    (void)e;
    if (h->is_counting) {
        h->n_rows++;
        return 0;
    }
    if (h->n_rows == h->cap_rows) {
        h->cap_rows = h->cap_rows ? h->cap_rows * 2 : 256;
        h->rows = mem_realloc(h->rows, h->cap_rows * sizeof *h->rows);
    }
    struct harness_row *row = &h->rows[h->n_rows++];
    *row = (struct harness_row){.to = to,
                                .partition = partition,
                                .timestamp_ms = timestamp_ms,
                                .key = mem_strndup(key.p, key.n),
                                .value = mem_strndup(value.p, value.n),
                                .value_len = value.n};
    for (size_t i = 0; i < n_headers; i++) {
        if (str_is(headers[i].name, "reason"))
            row->reason = mem_strndup(headers[i].value.p, headers[i].value.n);
        if (str_is(headers[i].name, "detail"))
            row->detail = mem_strndup(headers[i].value.p, headers[i].value.n);
    }
    return 0;
}

static inline void harness_event(void *arg, const struct stream_event *ev)
{
    struct harness *h = arg;
    h->last = *ev;
    h->has_last = true;
}

/* Starts with harness_conf; change h->conf before the first record if need be. */
static inline void harness_init(struct harness *h, int n_partitions)
{
    *h = (struct harness){.conf = harness_conf, .n_partitions = n_partitions};
    if (stream_pipeline_init(&h->pipeline, &h->conf, &h->e) < 0)
        fail_msg("%s", h->e.text);
    h->pipeline.job.produce = harness_produce;
    h->pipeline.job.produce_arg = h;
    h->pipeline.on_event = harness_event;
    h->pipeline.arg = h;
    h->partitions = mem_alloc((size_t)n_partitions * sizeof *h->partitions);
    for (int i = 0; i < n_partitions; i++)
        stream_partition_init(&h->partitions[i], &h->pipeline, i);
}

static inline void harness_forget(struct harness *h)
{
    for (size_t i = 0; i < h->n_rows && !h->is_counting; i++) {
        mem_free(h->rows[i].key);
        mem_free(h->rows[i].value);
        mem_free(h->rows[i].reason);
        mem_free(h->rows[i].detail);
    }
    h->n_rows = 0;
}

static inline void harness_release(struct harness *h)
{
    harness_forget(h);
    mem_free(h->rows);
    for (int i = 0; i < h->n_partitions; i++)
        stream_partition_release(&h->partitions[i]);
    mem_free(h->partitions);
    stream_pipeline_release(&h->pipeline);
}

/* A row of a CSV table as the JSON object a snapshot source writes. */
static inline void harness_table_row(struct harness *h, enum stream_role role,
                                     struct str header, struct str line)
{
    char name[128], cell[512];
    struct buf json;
    buf_init(&json, 1 << 16);
    size_t n_columns = 1;
    for (size_t i = 0; i < header.n; i++)
        n_columns += header.p[i] == ',';
    for (size_t i = 0; i < n_columns; i++) {
        struct str column = data_field(header, (int)i, name, sizeof name);
        struct str v = data_field(line, (int)i, cell, sizeof cell);
        buf_addf(&json, "%s\"%.*s\":", i ? "," : "{", (int)column.n, column.p);
        if (v.n)
            buf_add_json_str(&json, v.p, v.n);
        else
            buf_adds(&json, "null");
    }
    buf_addc(&json, '}');
    struct str key = data_field(line, 0, cell, sizeof cell);
    struct bus_record r = {.key = key, .value = {json.data, json.len}};
    if (stream_tables_apply(&h->pipeline.job.tables, role, &r, &h->e) < 0)
        fail_msg("%s", h->e.text);
    buf_release(&json);
}

static inline bool harness_table(struct harness *h, enum stream_role role,
                                 const char *name)
{
    struct data_file f;
    if (!data_read(name, &f))
        return false;
    for (size_t i = 1; i < f.n_lines; i++)
        harness_table_row(h, role, f.lines[0], f.lines[i]);
    data_free(&f);
    return true;
}

/* One record of partition p, at its next offset. */
static inline void harness_feed_to(struct harness *h, int p, int64_t arrival_ms,
                                   struct str key, struct str value)
{
    struct stream_partition *part = &h->partitions[p];
    struct bus_header headers[] = {{STR("source"), STR("pos")},
                                   {STR("line"), STR("7")}};
    struct bus_record r = {.offset = part->next_offset,
                           .timestamp_ms = arrival_ms,
                           .partition = p,
                           .key = key,
                           .value = value,
                           .headers = headers,
                           .n_headers = 2};
    h->has_last = false;
    if (stream_partition_record(part, &r, &h->e) < 0)
        fail_msg("%s", h->e.text);
}

/* Key as the pos plugin makes it: the transaction_id in the bytes, else the start. */
static inline struct str harness_key(struct str line)
{
    static const char name[] = "\"transaction_id\":\"";
    const char *p = memmem(line.p, line.n, name, sizeof name - 1);
    if (!p)
        return (struct str){line.p, line.n < 20 ? line.n : 20};
    p += sizeof name - 1;
    const char *end = memchr(p, '"', (size_t)(line.p + line.n - p));
    return (struct str){p, end ? (size_t)(end - p) : (size_t)(line.p + line.n - p)};
}

static inline int harness_feed(struct harness *h, int64_t arrival_ms, struct str line)
{
    struct str key = harness_key(line);
    int p = hash_store_partition(key, h->n_partitions);
    harness_feed_to(h, p, arrival_ms, key, line);
    return p;
}

static inline void harness_drain(struct harness *h)
{
    for (int i = 0; i < h->n_partitions; i++)
        if (stream_partition_drain(&h->partitions[i], &h->e) < 0)
            fail_msg("%s", h->e.text);
}

/* A small receipt of one item: "cents" must be whole cents text like "12.34". */
static inline struct str harness_receipt(char *out, size_t size, int store, int number,
                                         int64_t event_ms, const char *amount,
                                         const char *more)
{
    char ts[32], up[32];
    time_format_iso(event_ms, event_ms % 1000 != 0, ts);
    time_format_iso(event_ms + 1000, event_ms % 1000 != 0, up);
    int n = snprintf(
        out, size,
        "{\"transaction_id\":\"STORE_%d_TXN_%d\",\"store_id\":\"%d\",\"terminal_id\":"
        "\"%d-T1\",\"customer_id\":\"9\",\"transaction_timestamp\":\"%s\",\"total_"
        "amount\":"
        "%s,\"payment_method\":\"CASH\",\"items\":[{\"product_id\":\"1\",\"quantity\":"
        "1,"
        "\"unit_price\":1.0000,\"amount\":%s,\"retail_disc\":0.00,\"coupon_disc\":0.00,"
        "\"coupon_match_disc\":0.00}]%s,\"updated_at\":\"%s\"}",
        store, number, store, store, ts, amount, amount, more ? more : "", up);
    assert_true(n > 0 && (size_t)n < size);
    return (struct str){out, (size_t)n};
}

/* Counters of all partitions together. */
static inline struct stream_counters harness_totals(const struct harness *h)
{
    struct stream_counters sum = {0};
    for (int i = 0; i < h->n_partitions; i++)
        stream_counters_add(&sum, &h->partitions[i].counters);
    return sum;
}
#define harness_count(h, field) (harness_totals(h).field)

#endif
