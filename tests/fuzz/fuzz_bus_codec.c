/* The bus's batch decoder: the first 12 bytes say what the batch claims, the rest are
 * its stored bytes, with a right checksum so that the content is reached. */
#include <stdint.h>
#include "base/hash.h"
#include "bus/bus_codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct codec_reader reader;
    struct err e;
    if (size < 12)
        return 0;
    const char *stored = (const char *)data + 12;
    size_t n = size - 12;
    struct codec_batch b = {
        .n = (uint32_t)(data[0] | data[1] << 8),
        .n_headers = (uint32_t)(data[2] | data[3] << 8),
        .raw_bytes = (uint32_t)(data[4] | data[5] << 8 | data[6] << 16),
        .kind = data[7] % 2 ? CODEC_LZ4 : CODEC_RAW,
        .base_ms = data[8],
        .base_offset = data[9],
        .checksum = (int64_t)hash_64(stored, n),
    };
    codec_reader_reset(&reader);
    if (codec_read(&reader, &b, stored, n, &e) == 0)
        for (size_t i = 0; i < reader.n; i++) {
            const struct bus_record *r = &reader.records[i];
            hash_64(r->key.p, r->key.n);
            hash_64(r->value.p, r->value.n);
            for (size_t k = 0; k < r->n_headers; k++)
                hash_64(r->headers[k].value.p, r->headers[k].value.n);
        }
    return 0;
}

#include "driver.inc"
