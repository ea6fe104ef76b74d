/* A replay's mark: a record without key and value that says what of its partition, read
 * so far, is void. A log is append-only, so a job that reads its input again appends
 * what it makes of it, and puts a mark before it: whoever reads the topic from its
 * beginning, now or later, keeps the newest. Written by stream/ in the transaction that
 * sets the job back, understood by load/ (rows go), skipped by whoever else reads. */
#ifndef BUS_BUS_MARK_H
#define BUS_BUS_MARK_H

#include "bus/bus.h"

#define BUS_MARK_HEADER "weir-replay"

struct bus_mark {
    struct str topic;  /* the input that is read again */
    int32_t partition; /* of the input, and of this topic */
    int64_t from;      /* what was made of input from this offset on is void */
    int64_t void_from; /* the same as an offset of this topic */
};
/* Into the producer's open transaction. */
int bus_mark_write(struct bus_producer *p, const char *to, const struct bus_mark *m,
                   struct err *e);
/* Is it a mark? Texts are borrowed from the record. */
bool bus_mark_read(const struct bus_record *r, struct bus_mark *m);
/* Value of a header that is a number; fallback when it is absent or none. */
int64_t bus_header_i64(const struct bus_record *r, const char *name, int64_t fallback);

#endif
