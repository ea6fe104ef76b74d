/* weir plugin ABI: what a source plugin hands to the host. See plugin.h. */
#ifndef WEIR_RECORD_H
#define WEIR_RECORD_H

#include <stddef.h>
#include <stdint.h>

#define WEIR_TIME_UNKNOWN INT64_MIN

/* One record. The host clears it before each call of next(); all pointers stay valid
 * until the plugin's next call of next(). */
struct weir_record {
    const char *key; /* message key; may be NULL with key_len 0 */
    size_t key_len;
    const char *value; /* the bytes as the source has them */
    size_t value_len;
    int64_t event_ms;   /* when it happened, ms since 1970 UTC, or WEIR_TIME_UNKNOWN */
    int64_t arrival_ms; /* when it arrived, or WEIR_TIME_UNKNOWN: the host decides */
    const char *op;     /* "insert", "update", "delete" for deltas; NULL for events */
    uint64_t position;  /* line number or row number, 1-based, for messages */
    const char *reject; /* not NULL: the bytes are no record, for this reason
                           ("too_long", "invalid_csv"): dead letter */
    const char *detail; /* with reject: what is wrong, for people; may be NULL */
    uint32_t masked;    /* what the plugin masked itself (host->mask) */
};

#endif
