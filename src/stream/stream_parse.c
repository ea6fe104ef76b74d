/* The first step: one pass over the tokens of a receipt. In: a bus record. Out: struct
 * stream_event, or a dead-letter reason with detail. Called by stream_partition.c for
 * every record. Always holds: an accepted receipt has its required fields in the right
 * type, its total is exactly the sum of its items in cents, and its times are not ahead
 * of its arrival. Order of judgement: JSON, types as they come, missing fields, the
 * total, the clock. */
#include "stream/stream_parse.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/timeutil.h"

const char *stream_reject_name(enum stream_reject r)
{
    static const char *const names[] = {"",
#define X(name, text) text,
                                        STREAM_REJECT_MAP(X)
#undef X
    };
    return names[r];
}

enum field {
    F_TRANSACTION_ID,
    F_STORE_ID,
    F_TERMINAL_ID,
    F_CUSTOMER_ID,
    F_TIMESTAMP,
    F_TOTAL,
    F_PAYMENT,
    F_ITEMS,
    F_UPDATED_AT,
    F_RESERVED,
    F_PRODUCT_ID,
    F_QUANTITY,
    F_AMOUNT,
    F_UNIT_PRICE,
    F_DISCOUNT,
    F_OTHER,
};

struct field_name {
    const char *name;
    uint8_t len;
    uint8_t field;
};
#define NAME(text, field)                                                              \
    {                                                                                  \
        text, sizeof(text) - 1, field                                                  \
    }

/* Both lists begin with their members in the order in which receipts have them. */
#define IN_ORDER 7
static const struct field_name receipt_names[] = {
    NAME("transaction_id", F_TRANSACTION_ID),
    NAME("store_id", F_STORE_ID),
    NAME("terminal_id", F_TERMINAL_ID),
    NAME("customer_id", F_CUSTOMER_ID),
    NAME("transaction_timestamp", F_TIMESTAMP),
    NAME("total_amount", F_TOTAL),
    NAME("payment_method", F_PAYMENT),
    NAME("items", F_ITEMS),
    NAME("updated_at", F_UPDATED_AT),
    NAME("store_name", F_RESERVED),
    NAME("region", F_RESERVED),
    NAME("district", F_RESERVED),
    NAME("store_format", F_RESERVED),
    NAME("store_time_zone", F_RESERVED),
    NAME("local_hour", F_RESERVED),
    NAME("unknown_store", F_RESERVED),
    NAME("unknown_products", F_RESERVED),
    NAME("is_correction", F_RESERVED),
    NAME("anomaly_detected", F_RESERVED),
    NAME("anomaly_reasons", F_RESERVED),
    NAME("late_windows", F_RESERVED),
    {NULL, 0, F_OTHER},
};

static const struct field_name item_names[] = {
    NAME("product_id", F_PRODUCT_ID),
    NAME("quantity", F_QUANTITY),
    NAME("unit_price", F_UNIT_PRICE),
    NAME("amount", F_AMOUNT),
    NAME("retail_disc", F_DISCOUNT),
    NAME("coupon_disc", F_DISCOUNT),
    NAME("coupon_match_disc", F_DISCOUNT),
    NAME("department", F_RESERVED),
    {NULL, 0, F_OTHER},
};

static inline bool name_is(const struct field_name *n, struct str key)
{
    return n->len == key.n && memcmp(n->name, key.p, key.n) == 0;
}

/* at: how many members came before it. They mostly come in the order of the lists
 * above, so one comparison is enough. */
static enum field field_of(const struct field_name *names, size_t at, struct str key)
{
    if (at < IN_ORDER && name_is(&names[at], key))
        return (enum field)names[at].field;
    for (; names->name; names++)
        if (name_is(names, key))
            break;
    return (enum field)names->field;
}

bool stream_name_is_reserved(struct str name, bool of_item)
{
    return field_of(of_item ? item_names : receipt_names, IN_ORDER, name) == F_RESERVED;
}

void stream_parser_init(struct stream_parser *p)
{
    *p = (struct stream_parser){0};
    jscan_init(&p->scan);
    buf_init(&p->text, SIZE_MAX);
    buf_init(&p->detail, 4096);
}

void stream_parser_release(struct stream_parser *p)
{
    jscan_release(&p->scan);
    buf_release(&p->text);
    buf_release(&p->detail);
    mem_free(p->items);
}

/* The receipt being read. */
struct reading {
    struct stream_parser *p;
    struct stream_event *ev;
    int64_t items_cents;
};

static int refuse(struct reading *r, enum stream_reject why, const char *fmt, ...)
    __attribute__((format(printf, 3, 4), cold));
static int refuse(struct reading *r, enum stream_reject why, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    buf_reset(&r->p->detail);
    buf_adds(&r->p->detail, text);
    return (int)why;
}

static int wrong_type(struct reading *r, const char *name, const char *expected,
                      size_t i)
{
    static const char *const types[] = {"an object", "an array", "a string", "a number",
                                        "true",      "false",    "null"};
    const struct jscan_token *t = &r->p->scan.tok[i];
    return refuse(r, STREAM_WRONG_TYPE, "%s: expected %s, found %s at byte %u", name,
                  expected, types[t->type], t->start);
}

/* Text of string token i; decoded text goes to the parser, which has room for it. */
static struct str text_of(struct stream_parser *p, size_t i)
{
    if (__builtin_expect(!p->scan.tok[i].has_escape, 1))
        return jscan_raw(&p->scan, i);
    size_t start = p->text.len;
    jscan_unescape(&p->scan, i, &p->text);
    return (struct str){p->text.data + start, p->text.len - start};
}

/* A string; when it is optional, null is as good as absent. */
static int read_text(struct reading *r, const char *name, size_t i, bool is_optional,
                     struct stream_text *out)
{
    const struct jscan_token *t = &r->p->scan.tok[i];
    if (t->type == JSCAN_NULL && is_optional)
        return 0;
    if (t->type != JSCAN_STRING)
        return wrong_type(r, name, "a string", i);
    if (t->len == 0 && !is_optional)
        return refuse(r, STREAM_BAD_VALUE, "%s: empty, at byte %u", name, t->start);
    out->raw = jscan_raw(&r->p->scan, i);
    out->text = text_of(r->p, i);
    return 0;
}

static int read_cents(struct reading *r, const char *name, size_t i, int64_t *cents)
{
    if (r->p->scan.tok[i].type != JSCAN_NUMBER)
        return wrong_type(r, name, "a number", i);
    struct str raw = jscan_raw(&r->p->scan, i);
    if (!decimal_to_cents(raw, cents) || *cents > STREAM_CENTS_MAX ||
        *cents < -STREAM_CENTS_MAX)
        return refuse(
            r, STREAM_BAD_VALUE,
            "%s: expected whole cents up to 10 billion, found %.*s at byte %u", name,
            (int)(raw.n < 80 ? raw.n : 80), raw.p, r->p->scan.tok[i].start);
    return 0;
}

static int read_number(struct reading *r, size_t i, bool is_optional)
{
    unsigned type = r->p->scan.tok[i].type;
    char text[40];
    if (type == JSCAN_NUMBER || (type == JSCAN_NULL && is_optional))
        return 0;
    struct str name = jscan_raw(&r->p->scan, i - 1);
    snprintf(text, sizeof text, "items: %.*s", (int)name.n, name.p);
    return wrong_type(r, text, "a number", i);
}

/* ---- items ---- */

static int read_item_member(struct reading *r, enum field f, size_t i,
                            struct stream_item *item, unsigned *seen)
{
    struct stream_text id = {0};
    int64_t cents = 0;
    int rc = 0;
    *seen |= 1u << f;
    switch ((int)f) {
    case F_PRODUCT_ID:
        rc = read_text(r, "items: product_id", i, false, &id);
        item->product_id = id.text;
        return rc;
    case F_AMOUNT:
        rc = read_cents(r, "items: amount", i, &cents);
        if (!rc && __builtin_add_overflow(r->items_cents, cents, &r->items_cents))
            rc = refuse(r, STREAM_BAD_VALUE, "items: the amounts are beyond measure");
        return rc;
    case F_QUANTITY:
        return read_number(r, i, false);
    case F_UNIT_PRICE:
    case F_DISCOUNT:
        return read_number(r, i, true);
    case F_RESERVED:
        r->ev->has_reserved = true;
        return 0;
    default:
        return 0;
    }
}

static int read_item(struct reading *r, size_t object, size_t number,
                     struct stream_item *item)
{
    static const unsigned needed =
        1u << F_PRODUCT_ID | 1u << F_QUANTITY | 1u << F_AMOUNT;
    const struct jscan_token *tok = r->p->scan.tok;
    unsigned seen = 0;
    if (tok[object].type != JSCAN_OBJECT)
        return wrong_type(r, "items: an item", "an object", object);
    item->token = (uint32_t)object;
    item->brace = tok[object].start + tok[object].len - 1;
    for (size_t i = object + 1, k = 0; i < tok[object].next; i = tok[i + 1].next, k++) {
        enum field f = field_of(item_names, k, text_of(r->p, i));
        int rc = read_item_member(r, f, i + 1, item, &seen);
        if (rc)
            return rc;
    }
    if ((seen & needed) != needed)
        return refuse(r, STREAM_MISSING_FIELD, "items: item %zu has no %s", number,
                      !(seen & 1u << F_PRODUCT_ID) ? "product_id"
                      : !(seen & 1u << F_QUANTITY) ? "quantity"
                                                   : "amount");
    return 0;
}

static bool items_reserve(struct stream_parser *p, size_t n)
{
    if (n <= p->cap_items)
        return true;
    size_t cap = n + n / 2 + 16;
    struct stream_item *items = mem_try_realloc(p->items, cap * sizeof *items);
    if (!items)
        return false;
    p->items = items;
    p->cap_items = cap;
    return true;
}

static int read_items(struct reading *r, size_t array)
{
    const struct jscan_token *tok = r->p->scan.tok;
    size_t n = 0;
    if (tok[array].type != JSCAN_ARRAY)
        return wrong_type(r, "items", "an array", array);
    for (size_t i = array + 1; i < tok[array].next; i = tok[i].next) {
        if (!items_reserve(r->p, n + 1))
            return -1;
        int rc = read_item(r, i, n + 1, &r->p->items[n]);
        if (rc)
            return rc;
        n++;
    }
    r->ev->items_token = (uint32_t)array;
    r->ev->items = r->p->items;
    r->ev->n_items = n;
    return 0;
}

/* ---- the receipt ---- */

static int read_time(struct reading *r, const char *name, size_t i, bool is_optional,
                     struct stream_text *out, int64_t *ms)
{
    int rc = read_text(r, name, i, is_optional, out);
    if (rc || !out->text.p)
        return rc;
    if (time_parse_iso(out->text, ms))
        return 0;
    return refuse(r, STREAM_BAD_VALUE,
                  "%s: expected a time like 2017-12-24T16:35:43Z, found \"%.*s\"", name,
                  (int)(out->raw.n < 80 ? out->raw.n : 80), out->raw.p);
}

static int read_member(struct reading *r, enum field f, size_t i)
{
    struct stream_event *ev = r->ev;
    struct stream_text unused = {0};
    switch ((int)f) {
    case F_TRANSACTION_ID:
        return read_text(r, "transaction_id", i, false, &ev->transaction_id);
    case F_STORE_ID:
        return read_text(r, "store_id", i, false, &ev->store_id);
    case F_TERMINAL_ID:
        return read_text(r, "terminal_id", i, true, &ev->terminal_id);
    case F_CUSTOMER_ID:
        return read_text(r, "customer_id", i, true, &ev->customer_id);
    case F_PAYMENT:
        return read_text(r, "payment_method", i, true, &unused);
    case F_TIMESTAMP:
        return read_time(r, "transaction_timestamp", i, false, &ev->timestamp,
                         &ev->event_ms);
    case F_UPDATED_AT:
        return read_time(r, "updated_at", i, true, &ev->updated_at, &ev->updated_ms);
    case F_TOTAL:
        ev->total_raw = jscan_raw(&r->p->scan, i);
        return read_cents(r, "total_amount", i, &ev->total_cents);
    case F_ITEMS:
        return read_items(r, i);
    case F_RESERVED:
        ev->has_reserved = true;
        return 0;
    default:
        return 0;
    }
}

static int check_needed(struct reading *r, unsigned seen)
{
    static const struct {
        enum field field;
        const char *name;
    } needed[] = {{F_TRANSACTION_ID, "transaction_id"},
                  {F_STORE_ID, "store_id"},
                  {F_TIMESTAMP, "transaction_timestamp"},
                  {F_TOTAL, "total_amount"},
                  {F_ITEMS, "items"}};
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (!(seen & 1u << needed[i].field))
            return refuse(r, STREAM_MISSING_FIELD, "%s is not there", needed[i].name);
    return 0;
}

static int check_total(struct reading *r)
{
    char total[24], items[24];
    if (r->items_cents == r->ev->total_cents)
        return 0;
    decimal_cents_text(r->ev->total_cents, total);
    decimal_cents_text(r->items_cents, items);
    return refuse(r, STREAM_TOTAL_MISMATCH, "total_amount %s, items %s", total, items);
}

/* A record whose arrival is its own event time is history that came without arrival
 * times: its updated_at says nothing about a clock, and a correction may be made hours
 * after the sale. */
static int check_clock(struct reading *r, int64_t limit_ms)
{
    struct stream_event *ev = r->ev;
    if (ev->record->timestamp_ms == ev->event_ms)
        return 0;
    int64_t newest = ev->updated_ms > ev->event_ms ? ev->updated_ms : ev->event_ms;
    int64_t ahead = newest - ev->record->timestamp_ms;
    if (ahead <= limit_ms)
        return 0;
    return refuse(r, STREAM_CLOCK_AHEAD,
                  "%s is %lld s ahead of the arrival, limit %lld s",
                  newest == ev->event_ms ? "transaction_timestamp" : "updated_at",
                  (long long)(ahead / 1000), (long long)(limit_ms / 1000));
}

static int read_receipt(struct reading *r, int64_t clock_ahead_ms)
{
    struct stream_event *ev = r->ev;
    const struct jscan_token *tok = r->p->scan.tok;
    unsigned seen = 0;
    int rc;
    if (tok[0].type != JSCAN_OBJECT)
        return wrong_type(r, "the record", "an object", 0);
    for (size_t i = 1, k = 0; i < tok[0].next; i = tok[i + 1].next, k++) {
        enum field f = field_of(receipt_names, k, text_of(r->p, i));
        if ((rc = read_member(r, f, i + 1)))
            return rc;
        seen |= 1u << f;
    }
    if (!ev->updated_at.text.p)
        ev->updated_ms = ev->event_ms;
    if ((rc = check_needed(r, seen)) || (rc = check_total(r)) ||
        (rc = check_clock(r, clock_ahead_ms)))
        return rc;
    ev->store_hash = hash_64(ev->store_id.text.p, ev->store_id.text.n);
    return 0;
}

int stream_parse(struct stream_parser *p, const struct bus_record *record,
                 int64_t clock_ahead_ms, struct stream_event *ev)
{
    struct reading r = {p, ev, 0};
    *ev = (struct stream_event){.record = record, .scan = &p->scan, .local_hour = -1};
    int rc = jscan_parse(&p->scan, record->value.p, record->value.n, NULL);
    if (rc == ERR_PARSE)
        return refuse(&r, (enum stream_reject)p->scan.fault, "%s, at byte %zu",
                      p->scan.fault_what, p->scan.fault_at);
    buf_reset(&p->text);
    if (rc < 0 || buf_reserve(&p->text, record->value.n) < 0)
        return -1;
    return read_receipt(&r, clock_ahead_ms);
}

_Static_assert((int)STREAM_INVALID_JSON == (int)JSCAN_FAULT_SYNTAX &&
                   (int)STREAM_TOO_LONG == (int)JSCAN_FAULT_LENGTH,
               "the scanner's faults are the first reasons");
