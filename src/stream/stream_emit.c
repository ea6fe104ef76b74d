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

/* The most that add_members and a row of a window can take beside texts of the data. */
#define MEMBERS_MOST 512

static void pen_anomalies(struct pen *w, unsigned anomalies)
{
    pen_c(w, '[');
    for (size_t i = 0; i < N_ANOMALIES; i++) {
        if (!(anomalies & 1u << i))
            continue;
        if (w->p[-1] != '[')
            pen_c(w, ',');
        pen_c(w, '"');
        pen_str(w, str_of(anomaly_names[i]));
        pen_c(w, '"');
    }
    pen_c(w, ']');
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

static void pen_members(struct pen *w, const struct stream_event *ev)
{
    if (ev->store)
        pen_bytes(w, ev->store->members, ev->store->n_members);
    else
        PEN(w, ",\"store_name\":null,\"region\":null,\"district\":null,"
               "\"store_format\":null,\"store_time_zone\":null");
    PEN(w, ",\"local_hour\":");
    if (ev->local_hour < 0)
        PEN(w, "null");
    else
        pen_i64(w, ev->local_hour);
    PEN(w, ",\"unknown_store\":");
    pen_flag(w, !ev->store);
    PEN(w, ",\"unknown_products\":");
    pen_i64(w, ev->unknown_products);
    PEN(w, ",\"is_correction\":");
    pen_flag(w, ev->is_correction);
    PEN(w, ",\"anomaly_detected\":");
    pen_flag(w, ev->anomalies);
    PEN(w, ",\"anomaly_reasons\":");
    pen_anomalies(w, ev->anomalies);
    pen_c(w, '}');
}

static size_t most_of(const struct stream_event *ev)
{
    size_t most = ev->record->value.n + MEMBERS_MOST;
    most += ev->store ? ev->store->n_members : 0;
    for (size_t i = 0; ev->item_members && i < ev->n_items; i++)
        most += ev->item_members[i].n;
    return most;
}

/* The usual case: everything as it came, up to each closing brace. */
static void splice(struct pen *w, const struct stream_event *ev)
{
    const char *text = ev->record->value.p;
    const struct jscan_token *root = &ev->scan->tok[0];
    uint32_t at = root->start;
    for (size_t i = 0; ev->item_members && i < ev->n_items; i++) {
        pen_bytes(w, text + at, ev->items[i].brace - at);
        pen_str(w, ev->item_members[i]);
        at = ev->items[i].brace;
    }
    pen_bytes(w, text + at, root->start + root->len - 1 - at);
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

/* "key":value of a member as written, behind what goes before it. */
static void pen_member(struct pen *w, const struct stream_event *ev, size_t i,
                       char before)
{
    const struct jscan_token *key = &ev->scan->tok[i], *value = key + 1;
    bool is_text = value->type == JSCAN_STRING;
    pen_c(w, before);
    pen_bytes(w, ev->record->value.p + key->start - 1,
              value->start + value->len + is_text - key->start + 1);
}

static void rebuild_items(struct pen *w, const struct stream_event *ev)
{
    const struct jscan_token *tok = ev->scan->tok;
    PEN(w, "\"items\":[");
    for (size_t k = 0; k < ev->n_items; k++) {
        uint32_t object = ev->items[k].token;
        char before = '{';
        if (k)
            pen_c(w, ',');
        for (size_t i = object + 1; i < tok[object].next; i = tok[i + 1].next) {
            if (key_is_reserved(ev, i, true))
                continue;
            pen_member(w, ev, i, before);
            before = ',';
        }
        if (ev->item_members)
            pen_str(w, ev->item_members[k]);
        pen_c(w, '}');
    }
    pen_c(w, ']');
}

/* A receipt that has a member of a name that is added here: ours replaces it, for a key
 * twice is no JSON that anybody downstream accepts. */
static void rebuild(struct pen *w, const struct stream_event *ev)
{
    const struct jscan_token *tok = ev->scan->tok;
    char before = '{';
    for (size_t i = 1; i < tok[0].next; i = tok[i + 1].next) {
        if (key_is_reserved(ev, i, false))
            continue;
        if (i + 1 == ev->items_token) {
            pen_c(w, before);
            rebuild_items(w, ev);
        } else {
            pen_member(w, ev, i, before);
        }
        before = ',';
    }
}

/* The input's headers and its offset: what a replay from there finds the first of its
 * outputs by. */
static int produce(struct stream_context *c, enum stream_output to,
                   const struct bus_record *r, struct str value)
{
    struct stream_job *job = c->job;
    size_t n = r->n_headers + 1;
    if (n > BUS_HEADERS_MAX) /* there is no room for ours: found by a neighbour's */
        return job->produce(job->produce_arg, to, c->partition, r->timestamp_ms, r->key,
                            value, r->headers, r->n_headers, c->e);
    if (n > job->cap_headers) {
        struct bus_header *more = mem_try_realloc(job->headers, n * sizeof *more);
        if (!more)
            return err_set(c->e, ERR_NOMEM, "no memory for %zu headers", n);
        job->headers = more;
        job->cap_headers = n;
    }
    char digits[24], *p = digits + sizeof digits;
    for (int64_t left = r->offset; p == digits + sizeof digits || left; left /= 10)
        *--p = (char)('0' + left % 10);
    if (r->n_headers)
        memcpy(job->headers, r->headers, r->n_headers * sizeof *r->headers);
    job->headers[n - 1] = (struct bus_header){
        STR(STREAM_OFFSET_HEADER), {p, (size_t)(digits + sizeof digits - p)}};
    return job->produce(job->produce_arg, to, c->partition, r->timestamp_ms, r->key,
                        value, job->headers, n, c->e);
}

/* ---- late receipts and anomalies ---- */

static int emit_late(struct stream_context *c, const struct stream_event *ev)
{
    struct buf *out = &c->job->value; /* holds the enriched value */
    struct pen w;
    out->len--; /* its closing brace */
    if (!pen_open(&w, out, STREAM_WINDOWS_MAX * 16 + 32))
        return buf_check(out, "a late receipt", c->e);
    PEN(&w, ",\"late_windows\":[");
    for (unsigned i = 0; i < c->job->conf->n_windows; i++) {
        if (!(ev->late_windows & 1u << i))
            continue;
        if (w.p[-1] != '[')
            pen_c(&w, ',');
        pen_c(&w, '"');
        pen_str(&w, str_of(c->job->window_names[i]));
        pen_c(&w, '"');
    }
    PEN(&w, "]}");
    pen_close(&w);
    return produce(c, STREAM_OUT_LATE, ev->record, (struct str){out->data, out->len});
}

bool stream_event_is_alert(const struct stream_context *c,
                           const struct stream_event *ev)
{
    return ev->anomalies && !ev->is_correction &&
           ev->total_cents > c->job->conf->alert_over_cents;
}

static void pen_text_member(struct pen *w, const char *name, struct stream_text v)
{
    pen_c(w, '"');
    pen_str(w, str_of(name));
    PEN(w, "\":");
    if (!v.raw.p) {
        PEN(w, "null,");
        return;
    }
    pen_c(w, '"');
    pen_str(w, v.raw);
    PEN(w, "\",");
}

static int emit_anomaly(struct stream_context *c, const struct stream_event *ev)
{
    struct buf *out = &c->job->value;
    struct pen w;
    buf_reset(out);
    if (!pen_open(&w, out, ev->record->value.n + MEMBERS_MOST))
        return buf_check(out, "an anomaly", c->e);
    pen_c(&w, '{');
    pen_text_member(&w, "transaction_id", ev->transaction_id);
    pen_text_member(&w, "store_id", ev->store_id);
    pen_text_member(&w, "terminal_id", ev->terminal_id);
    pen_text_member(&w, "customer_id", ev->customer_id);
    pen_text_member(&w, "transaction_timestamp", ev->timestamp);
    PEN(&w, "\"total_amount\":");
    pen_str(&w, ev->total_raw);
    PEN(&w, ",\"anomaly_reasons\":");
    pen_anomalies(&w, ev->anomalies);
    PEN(&w, ",\"severity\":\"");
    pen_str(&w, str_of(stream_event_is_alert(c, ev) ? "high" : "normal"));
    PEN(&w, "\"}");
    pen_close(&w);
    return produce(c, STREAM_OUT_ANOMALIES, ev->record,
                   (struct str){out->data, out->len});
}

int stream_emit_record(struct stream_context *c, const struct stream_event *ev)
{
    struct buf *out = &c->job->value;
    struct pen w;
    bool is_anomaly = ev->anomalies && !ev->is_correction;
    c->counters->out++;
    c->counters->late += ev->late_windows != 0;
    c->counters->anomalies += is_anomaly;
    c->counters->alerts += stream_event_is_alert(c, ev);
    if (!c->job->produce)
        return 0;
    buf_reset(out);
    if (!pen_open(&w, out, most_of(ev)))
        return buf_check(out, "an enriched receipt", c->e);
    if (ev->has_reserved)
        rebuild(&w, ev);
    else
        splice(&w, ev);
    pen_members(&w, ev);
    pen_close(&w);
    int rc =
        produce(c, STREAM_OUT_RECORDS, ev->record, (struct str){out->data, out->len});
    if (rc == 0 && ev->late_windows)
        rc = emit_late(c, ev);
    if (rc == 0 && is_anomaly)
        rc = emit_anomaly(c, ev);
    return rc;
}

/* ---- windows ---- */

static bool needs_escape(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)(s.p[i] - ' ') >= 0x5F || s.p[i] == '"' || s.p[i] == '\\')
            return true;
    return false;
}

static void pen_window(struct pen *w, struct pen_date *d,
                       const struct stream_window_row *r)
{
    PEN(w, ",\"window\":\"");
    pen_str(w, str_of(r->size));
    PEN(w, "\",\"window_start\":\"");
    pen_iso(w, d, r->start_ms);
    PEN(w, "\",\"window_end\":\"");
    pen_iso(w, d, r->end_ms);
    PEN(w, "\",\"n\":");
    pen_i64(w, r->n);
    PEN(w, ",\"sum\":");
    pen_cents(w, r->sum_cents);
    PEN(w, ",\"anomalies\":");
    pen_i64(w, r->anomalies);
    PEN(w, ",\"revision\":");
    pen_i64(w, r->revision);
    PEN(w, ",\"is_final\":");
    pen_flag(w, r->is_final);
    pen_c(w, '}');
}

/* {"store_id":"…" with the id escaped where it must be. */
static int add_store_id(struct buf *out, struct str id)
{
    buf_reset(out);
    buf_add(out, "{\"store_id\":", 12);
    if (needs_escape(id)) {
        buf_add_json_str(out, id.p, id.n);
        return out->failed;
    }
    buf_addc(out, '"');
    buf_add(out, id.p, id.n);
    return buf_addc(out, '"');
}

int stream_emit_window(struct stream_context *c, const struct stream_window_row *r)
{
    struct buf *out = &c->job->value, *key = &c->job->key;
    struct pen w, k;
    c->counters->windows++;
    if (!c->job->produce)
        return 0;
    buf_reset(key);
    if (add_store_id(out, r->store_id) < 0 || !pen_open(&w, out, MEMBERS_MOST) ||
        !pen_open(&k, key, r->store_id.n + 64))
        return err_set(c->e, ERR_LIMIT, "a window's store_id is too long");
    pen_window(&w, &c->job->date, r);
    pen_close(&w);
    pen_str(&k, r->store_id);
    pen_c(&k, '|');
    pen_str(&k, str_of(r->size));
    pen_c(&k, '|');
    pen_iso(&k, &c->job->date, r->start_ms);
    pen_close(&k);
    return c->job->produce(c->job->produce_arg, STREAM_OUT_WINDOWS, c->partition,
                           r->end_ms - 1, (struct str){key->data, key->len},
                           (struct str){out->data, out->len}, NULL, 0, c->e);
}

/* ---- dead letters ---- */

static struct str header_of(const struct bus_record *r, const char *name)
{
    const struct bus_header *h = bus_header(r, name);
    return h ? h->value : (struct str){"", 0};
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
