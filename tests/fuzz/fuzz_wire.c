/* The framing under any bytes in any pieces: no crash, no leak, nothing beyond the
 * limit. */
#include "wire/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wire_decoder d;
    struct err e;
    wire_decoder_init(&d);
    size_t piece = size > 0 ? (size_t)data[0] + 1 : 1;
    for (size_t at = 0; at < size; at += piece) {
        size_t n = size - at < piece ? size - at : piece;
        if (wire_decoder_feed(&d, data + at, n, &e) < 0)
            break;
        json_t *msg = NULL;
        int rc;
        while ((rc = wire_decoder_next(&d, &msg, &e)) != 0) {
            if (rc == ERR_LIMIT)
                goto out;
            if (rc == 1) {
                struct buf b;
                buf_init(&b, (size_t)WIRE_LINE_MAX * 2);
                (void)wire_encode(msg, &b, &e);
                buf_release(&b);
                json_decref(msg);
            }
        }
    }
out:
    wire_decoder_release(&d);
    return 0;
}

#include "fuzz/driver.inc"
