/* How records lie in a batch of the embedded bus. Pure: bytes in, records out.
 *
 * A batch is the records of one partition in offset order, one after another:
 *     zigzag varint  timestamp - the batch's base timestamp
 *     varint         key length + 1, 0 for no key;       the key
 *     varint         value length + 1, 0 for no value;   the value
 *     varint         headers; for each: varint name length, name, varint value length +
 * 1 (0: no value), value Offsets are not stored: they are dense from the batch's base
 * offset. The whole is then lz4-compressed when that saves at least an eighth. */
#ifndef BUS_BUS_CODEC_H
#define BUS_BUS_CODEC_H

#include "base/buf.h"
#include "bus/bus.h"

enum codec_kind { CODEC_RAW = 0, CODEC_LZ4 = 1 };

/* What is known of a batch beside its bytes. */
struct codec_batch {
    int64_t base_offset, base_ms;
    int32_t partition;
    uint32_t n, n_headers; /* records, and headers of all of them */
    enum codec_kind kind;
    uint32_t raw_bytes; /* before compression */
    int64_t checksum;   /* XXH3 of the stored bytes, as a signed number */
};

/* Append one record to raw. Sizes are the caller's to check (< 2^31 in all). */
int codec_add(struct buf *raw, int64_t base_ms, const struct bus_record *r);

/* Append raw's bytes as they are stored to out, and fill kind, raw_bytes, checksum. */
int codec_pack(const struct buf *raw, struct buf *out, struct codec_batch *b,
               struct err *e);

/* Records decoded so far, in memory that is used again and again. Records of several
 * batches of one partition may follow one another: pointers stay right until reset. */
struct codec_reader {
    char *raw; /* uncompressed bytes */
    size_t raw_len, raw_cap;
    struct bus_record *records;
    size_t n, cap;
    struct bus_header *headers;
    size_t n_headers, cap_headers;
};
void codec_reader_init(struct codec_reader *r);
void codec_reader_release(struct codec_reader *r);
void codec_reader_reset(struct codec_reader *r);
/* Whether another batch fits beside those that are there without moving them. */
bool codec_reader_fits(const struct codec_reader *r, const struct codec_batch *b);
/* Decode one batch behind what is there. The stored bytes are not needed afterwards.
 * ERR_CORRUPT says what does not fit; ERR_NOMEM. Then the reader holds nothing new. */
int codec_read(struct codec_reader *r, const struct codec_batch *b, const void *stored,
               size_t stored_len, struct err *e);

#endif
