/* Output of the stream job (stream_emit.h). In: events and windows. Out: records on the
 * job's produce function. Always holds: values are valid JSON with no key twice; key,
 * partition and timestamp of a receipt's outputs are those of its input; a window's
 * timestamp is its last millisecond. */
#include "stream/stream_emit.h"

#include <stdio.h>

#include "base/mem.h"
#include "stream/stream_parse.h"

static const char *const anomaly_names[] = {"AMOUNT_OUTLIER", "HIGH_VELOCITY",
                                            "OFF_HOURS"};
#define N_ANOMALIES (sizeof anomaly_names / sizeof *anomaly_names)

#define ADD(out, literal) buf_add(out, literal, sizeof(literal) - 1)

static void add_str(struct buf *out, struct str s)
{
    buf_add(out, s.p, s.n);
}

static void add_flag(struct buf *out, bool v)
{
    if (v)
        ADD(out, "true");
    else
        ADD(out, "false");
}

static char *two_digits(char *p, int v)
{
    p[0] = (char)('0' + v / 10 % 10);
    p[1] = (char)('0' + v % 10);
    return p + 2;
}

/* "2017-12-24T16:35:00Z" for whole seconds. */
static void add_iso(struct buf *out, int64_t ms)
{
    struct time_civil t = time_civil_of(ms);
    char text[32], *p = text;
    p = two_digits(p, t.year / 100);
    p = two_digits(p, t.year % 100);
    *p++ = '-';
    p = two_digits(p, t.month);
    *p++ = '-';
    p = two_digits(p, t.day);
    *p++ = 'T';
    p = two_digits(p, t.hour);
    *p++ = ':';
    p = two_digits(p, t.minute);
    *p++ = ':';
    p = two_digits(p, t.second);
    *p++ = 'Z';
    buf_add(out, text, (size_t)(p - text));
}

static void add_cents(struct buf *out, int64_t cents)
{
    char text[24];
    buf_add(out, text, (size_t)decimal_cents_text(cents, text));
}

void stream_put_anomalies(struct buf *out, unsigned anomalies)
{
    const char *before = "[";
    for (size_t i = 0; i < N_ANOMALIES; i++) {
        if (!(anomalies & 1u << i))
            continue;
        buf_adds(out, before);
        buf_addc(out, '"');
        buf_adds(out, anomaly_names[i]);
        buf_addc(out, '"');
        before = ",";
    }
    if (*before == '[')
        buf_addc(out, '[');
    buf_addc(out, ']');
}

void stream_window_name(int64_t size_ms, char out[12])
{
    if (size_ms % 60000 == 0)
        snprintf(out, 12, "%dm", (int)(size_ms / 60000));
    else if (size_ms % 1000 == 0)
        snprintf(out, 12, "%ds", (int)(size_ms / 1000));
    else
        snprintf(out, 12, "%dms", (int)size_ms);
}

/* ---- the enriched receipt ---- */

static void add_members(struct buf *out, const struct stream_event *ev)
{
    if (ev->store)
        buf_add(out, ev->store->members, ev->store->n_members);
    else
        ADD(out, ",\"store_name\":null,\"region\":null,\"district\":null,"
                 "\"store_format\":null,\"store_time_zone\":null");
    ADD(out, ",\"local_hour\":");
    if (ev->local_hour < 0)
        ADD(out, "null");
    else
        buf_add_i64(out, ev->local_hour);
    ADD(out, ",\"unknown_store\":");
    add_flag(out, !ev->store);
    ADD(out, ",\"unknown_products\":");
    buf_add_i64(out, ev->unknown_products);
    ADD(out, ",\"is_correction\":");
    add_flag(out, ev->is_correction);
    ADD(out, ",\"anomaly_detected\":");
    add_flag(out, ev->anomalies);
    ADD(out, ",\"anomaly_reasons\":");
    stream_put_anomalies(out, ev->anomalies);
}

/* The usual case: everything as it came, up to each closing brace. */
static void splice(struct buf *out, const struct stream_event *ev)
{
    const char *text = ev->record->value.p;
    const struct jscan_token *root = &ev->scan->tok[0];
    uint32_t at = root->start;
    for (size_t i = 0; ev->item_members && i < ev->n_items; i++) {
        buf_add(out, text + at, ev->items[i].brace - at);
        add_str(out, ev->item_members[i]);
        at = ev->items[i].brace;
    }
    buf_add(out, text + at, root->start + root->len - 1 - at);
    add_members(out, ev);
}

static bool key_is_reserved(const struct stream_event *ev, size_t i, bool of_item)
{
    struct str key = jscan_raw(ev->scan, i);
    if (!ev->scan->tok[i].has_escape)
        return stream_name_is_reserved(key, of_item);
    struct buf text;
    buf_init(&text, key.n + 1);
    bool is = jscan_unescape(ev->scan, i, &text) == 0 &&
              stream_name_is_reserved((struct str){buf_str(&text), text.len}, of_item);
    buf_release(&text);
    return is;
}

/* "key":value of a member as written, and its end. */
static void add_member(struct buf *out, const struct stream_event *ev, size_t i)
{
    const struct jscan_token *key = &ev->scan->tok[i], *value = key + 1;
    bool is_text = value->type == JSCAN_STRING;
    add_str(out, (struct str){ev->record->value.p + key->start - 1,
                              value->start + value->len + is_text - key->start + 1});
}

static void rebuild_items(struct buf *out, const struct stream_event *ev)
{
    const struct jscan_token *tok = ev->scan->tok;
    ADD(out, "\"items\":[");
    for (size_t k = 0; k < ev->n_items; k++) {
        uint32_t object = ev->items[k].token;
        if (k)
            buf_addc(out, ',');
        size_t start = out->len;
        for (size_t i = object + 1; i < tok[object].next; i = tok[i + 1].next) {
            if (key_is_reserved(ev, i, true))
                continue;
            buf_addc(out, out->len == start ? '{' : ',');
            add_member(out, ev, i);
        }
        if (ev->item_members)
            add_str(out, ev->item_members[k]);
        buf_addc(out, '}');
    }
    buf_addc(out, ']');
}

/* A receipt that has a member of a name that is added here: ours replaces it, for a key
 * twice is no JSON that anybody downstream accepts. */
static void rebuild(struct buf *out, const struct stream_event *ev)
{
    const struct jscan_token *tok = ev->scan->tok;
    size_t start = out->len;
    for (size_t i = 1; i < tok[0].next; i = tok[i + 1].next) {
        if (key_is_reserved(ev, i, false))
            continue;
        buf_addc(out, out->len == start ? '{' : ',');
        if (i + 1 == ev->items_token)
            rebuild_items(out, ev);
        else
            add_member(out, ev, i);
    }
    add_members(out, ev);
}

static int produce(struct stream_context *c, enum stream_output to,
                   const struct bus_record *r, struct str value)
{
    return c->job->produce(c->job->produce_arg, to, c->partition, r->timestamp_ms,
                           r->key, value, r->headers, r->n_headers, c->e);
}

/* ---- late receipts and anomalies ---- */

static int emit_late(struct stream_context *c, const struct stream_event *ev)
{
    struct buf *out = &c->job->value; /* holds the enriched value and its brace */
    const char *before = ",\"late_windows\":[";
    out->len--;
    for (unsigned i = 0; i < c->job->conf->n_windows; i++) {
        if (!(ev->late_windows & 1u << i))
            continue;
        buf_adds(out, before);
        buf_addc(out, '"');
        buf_adds(out, c->job->window_names[i]);
        buf_addc(out, '"');
        before = ",";
    }
    ADD(out, "]}");
    int rc = buf_check(out, "a late receipt", c->e);
    if (rc < 0)
        return rc;
    return produce(c, STREAM_OUT_LATE, ev->record, (struct str){out->data, out->len});
}

bool stream_event_is_alert(const struct stream_context *c,
                           const struct stream_event *ev)
{
    return ev->anomalies && !ev->is_correction &&
           ev->total_cents > c->job->conf->alert_over_cents;
}

static void add_text_member(struct buf *out, const char *name, struct stream_text v)
{
    buf_addc(out, '"');
    buf_adds(out, name);
    ADD(out, "\":");
    if (!v.raw.p) {
        ADD(out, "null,");
        return;
    }
    buf_addc(out, '"');
    add_str(out, v.raw);
    ADD(out, "\",");
}

static int emit_anomaly(struct stream_context *c, const struct stream_event *ev)
{
    struct buf *out = &c->job->value;
    buf_reset(out);
    buf_addc(out, '{');
    add_text_member(out, "transaction_id", ev->transaction_id);
    add_text_member(out, "store_id", ev->store_id);
    add_text_member(out, "terminal_id", ev->terminal_id);
    add_text_member(out, "customer_id", ev->customer_id);
    add_text_member(out, "transaction_timestamp", ev->timestamp);
    ADD(out, "\"total_amount\":");
    add_str(out, ev->total_raw);
    ADD(out, ",\"anomaly_reasons\":");
    stream_put_anomalies(out, ev->anomalies);
    ADD(out, ",\"severity\":\"");
    buf_adds(out, stream_event_is_alert(c, ev) ? "high" : "normal");
    ADD(out, "\"}");
    int rc = buf_check(out, "an anomaly", c->e);
    if (rc < 0)
        return rc;
    return produce(c, STREAM_OUT_ANOMALIES, ev->record,
                   (struct str){out->data, out->len});
}

int stream_emit_record(struct stream_context *c, const struct stream_event *ev)
{
    struct buf *out = &c->job->value;
    bool is_anomaly = ev->anomalies && !ev->is_correction;
    c->counters->out++;
    c->counters->late += ev->late_windows != 0;
    c->counters->anomalies += is_anomaly;
    c->counters->alerts += stream_event_is_alert(c, ev);
    if (!c->job->produce)
        return 0;
    buf_reset(out);
    if (ev->has_reserved)
        rebuild(out, ev);
    else
        splice(out, ev);
    buf_addc(out, '}');
    int rc = buf_check(out, "an enriched receipt", c->e);
    if (rc == 0)
        rc = produce(c, STREAM_OUT_RECORDS, ev->record,
                     (struct str){out->data, out->len});
    if (rc == 0 && ev->late_windows)
        rc = emit_late(c, ev);
    if (rc == 0 && is_anomaly)
        rc = emit_anomaly(c, ev);
    return rc;
}

/* ---- windows ---- */

static void add_window(struct buf *out, const struct stream_window_row *w)
{
    ADD(out, "{\"store_id\":");
    buf_add_json_str(out, w->store_id.p, w->store_id.n);
    ADD(out, ",\"window\":\"");
    buf_adds(out, w->size);
    ADD(out, "\",\"window_start\":\"");
    add_iso(out, w->start_ms);
    ADD(out, "\",\"window_end\":\"");
    add_iso(out, w->end_ms);
    ADD(out, "\",\"n\":");
    buf_add_i64(out, w->n);
    ADD(out, ",\"sum\":");
    add_cents(out, w->sum_cents);
    ADD(out, ",\"anomalies\":");
    buf_add_i64(out, w->anomalies);
    ADD(out, ",\"revision\":");
    buf_add_i64(out, w->revision);
    ADD(out, ",\"is_final\":");
    add_flag(out, w->is_final);
    buf_addc(out, '}');
}

int stream_emit_window(struct stream_context *c, const struct stream_window_row *w)
{
    struct buf *out = &c->job->value, *key = &c->job->key;
    c->counters->windows++;
    if (!c->job->produce)
        return 0;
    buf_reset(out);
    buf_reset(key);
    add_str(key, w->store_id);
    buf_addc(key, '|');
    buf_adds(key, w->size);
    buf_addc(key, '|');
    add_iso(key, w->start_ms);
    add_window(out, w);
    int rc = buf_check(out, "a window", c->e);
    if (rc == 0)
        rc = buf_check(key, "a window's key", c->e);
    if (rc < 0)
        return rc;
    return c->job->produce(c->job->produce_arg, STREAM_OUT_WINDOWS, c->partition,
                           w->end_ms - 1, (struct str){key->data, key->len},
                           (struct str){out->data, out->len}, NULL, 0, c->e);
}

/* ---- dead letters ---- */

static struct str header_of(const struct bus_record *r, const char *name)
{
    for (size_t i = 0; i < r->n_headers; i++)
        if (str_is(r->headers[i].name, name))
            return r->headers[i].value;
    return (struct str){"", 0};
}

static struct str number_text(int64_t v, char out[24])
{
    int n = snprintf(out, 24, "%lld", (long long)v);
    return (struct str){out, (size_t)n};
}

int stream_emit_reject(struct stream_context *c, const struct bus_record *r,
                       enum stream_reject why, struct str detail)
{
    char partition[24], offset[24];
    c->counters->rejected[why]++;
    if (!c->job->produce)
        return 0;
    const struct bus_header headers[] = {
        {STR("reason"), str_of(stream_reject_name(why))},
        {STR("detail"), detail},
        {STR("source"), header_of(r, "source")},
        {STR("line"), header_of(r, "line")},
        {STR("topic"), str_of(c->job->conf->from)},
        {STR("partition"), number_text(c->partition, partition)},
        {STR("offset"), number_text(r->offset, offset)},
    };
    return c->job->produce(c->job->produce_arg, STREAM_OUT_REJECTS, c->partition,
                           r->timestamp_ms, r->key, r->value, headers,
                           sizeof headers / sizeof *headers, c->e);
}
