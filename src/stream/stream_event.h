/* One receipt on its way through the steps: what was parsed, and what each step found.
 * All text points into the record or the parser and is valid until the next record. */
#ifndef STREAM_STREAM_EVENT_H
#define STREAM_STREAM_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/decimal.h"
#include "base/jscan.h"
#include "bus/bus.h"

/* Why a record is a dead letter: the words its header says. */
#define STREAM_REJECT_MAP(X)                                                           \
    X(INVALID_JSON, "invalid_json")                                                    \
    X(NUL_CHARACTER, "nul_character")                                                  \
    X(LONE_SURROGATE, "lone_surrogate")                                                \
    X(INVALID_UTF8, "invalid_utf8")                                                    \
    X(DUPLICATE_KEY, "duplicate_key")                                                  \
    X(TOO_DEEP, "too_deep")                                                            \
    X(TOO_LONG, "too_long")                                                            \
    X(WRONG_TYPE, "wrong_type")                                                        \
    X(MISSING_FIELD, "missing_field")                                                  \
    X(BAD_VALUE, "bad_value")                                                          \
    X(TOTAL_MISMATCH, "total_mismatch")                                                \
    X(CLOCK_AHEAD, "clock_ahead")
enum stream_reject {
    STREAM_ACCEPTED,
#define X(name, text) STREAM_##name,
    STREAM_REJECT_MAP(X)
#undef X
        STREAM_N_REJECTS
};
const char *stream_reject_name(enum stream_reject r); /* "" for STREAM_ACCEPTED */

/* Anomaly rules in the order in which anomaly_reasons lists them. */
enum stream_anomaly {
    STREAM_AMOUNT_OUTLIER = 1,
    STREAM_HIGH_VELOCITY = 2,
    STREAM_OFF_HOURS = 4,
};

/* A string of the receipt: its text, and the JSON between the quotes. p NULL: absent or
 * null. */
struct stream_text {
    struct str text, raw;
};

struct stream_item {
    struct str product_id;
    uint32_t token; /* of the item's object */
    uint32_t brace; /* byte position of its closing brace */
};

struct stream_event {
    const struct bus_record *record;
    const struct jscan *scan;

    /* parse */
    struct stream_text transaction_id, store_id, terminal_id, customer_id;
    struct stream_text timestamp, updated_at;
    struct str total_raw;
    int64_t event_ms, updated_ms, total_cents;
    uint32_t items_token;
    const struct stream_item *items;
    size_t n_items;
    bool has_reserved; /* a member has a name that enrichment adds: it is left out */
    uint64_t store_hash;

    /* dedupe */
    bool is_correction; /* anomalies are then those of the first version */
    int64_t *memory; /* detect leaves anomalies there, in the low byte; may be NULL */

    /* enrich */
    const struct stream_store *store; /* NULL: unknown */
    const struct str *item_members;   /* one per item: what is spliced in */
    int local_hour;                   /* -1: unknown */
    uint32_t unknown_products;

    /* detect; the figures are what the rules were judged on */
    unsigned anomalies; /* of enum stream_anomaly */
    int64_t n_before, velocity;
    i128 sum_before, squares_before;

    /* window: bit i set: too late for windows_ms[i] */
    unsigned late_windows;
};

#define STREAM_WINDOWS_MAX 16
/* Amounts beyond are refused: the exact sums of squares then fit 128 bits. */
#define STREAM_CENTS_MAX 1000000000000

#endif
