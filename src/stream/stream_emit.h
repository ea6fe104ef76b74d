/* What the stream writes, as JSON made by splicing: the receipt's own bytes are copied,
 * members are put in; no formatting library on the way. */
#ifndef STREAM_STREAM_EMIT_H
#define STREAM_STREAM_EMIT_H

#include "stream/stream_step.h"

/* Header of enriched, flagged and late receipts: the input's offset. */
#define STREAM_OFFSET_HEADER "weir-offset"

struct stream_window_row {
    struct str store_id;
    const char *size; /* "5m" */
    int64_t start_ms, end_ms, n, sum_cents, anomalies, revision;
    bool is_final;
};

/* "5m" for 300000, "45s", "1500ms". */
void stream_window_name(int64_t size_ms, char out[12]);
/* The enriched receipt; with late_windows, to the late topic as well; with anomalies,
 * to theirs. Counts out, late, anomalies and alerts. */
int stream_emit_record(struct stream_context *c, const struct stream_event *ev);
int stream_emit_window(struct stream_context *c, const struct stream_window_row *w);
/* A dead letter: the record's bytes, and why, with the place it came from. */
int stream_emit_reject(struct stream_context *c, const struct bus_record *r,
                       enum stream_reject why, struct str detail);
/* Flagged, and for more than alert_over. */
bool stream_event_is_alert(const struct stream_context *c,
                           const struct stream_event *ev);

#endif
