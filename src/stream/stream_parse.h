/* Bytes of a record → a typed, checked receipt, or the reason why it is none. */
#ifndef STREAM_STREAM_PARSE_H
#define STREAM_STREAM_PARSE_H

#include "stream/stream_event.h"

struct stream_parser {
    struct jscan scan;
    struct buf text;   /* decoded strings of the present record */
    struct buf detail; /* why the last record was refused, for a person */
    struct stream_item *items;
    size_t cap_items;
};

void stream_parser_init(struct stream_parser *p);
void stream_parser_release(struct stream_parser *p);
/* Fills ev from r (borrowed while ev is used). clock_ahead_ms: how far event time may
 * be ahead of arrival. Anything but STREAM_ACCEPTED: p->detail says what is wrong,
 * where. -1 when there was no memory. */
int stream_parse(struct stream_parser *p, const struct bus_record *r,
                 int64_t clock_ahead_ms, struct stream_event *ev);
/* Is it the name of a member that enrichment adds to a receipt or to an item? */
bool stream_name_is_reserved(struct str name, bool of_item);

#endif
