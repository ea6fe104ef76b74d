/* Masking under any bytes: the length stays, no card number is left in a text, and what
 * was valid JSON is valid JSON with as many values (fewer where the value of a code's
 * member was a list or an object). */
#include <stdlib.h>
#include <string.h>
#include "base/jscan.h"
#include "base/pan.h"
#include "ingest/mask.h"
#include "ingest/mask_codes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Tokens of a valid object or array, 0 when it is not one. */
static size_t tokens_of(const char *p, size_t n)
{
    struct jscan s;
    jscan_init(&s);
    size_t count = 0;
    if (jscan_parse(&s, p, n, &jscan_default_limits) == 0 &&
        s.tok[0].type <= JSCAN_ARRAY)
        count = s.n;
    jscan_release(&s);
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const ids[] = {"id", NULL};
    char *p = malloc(size + 1), *with_ids = malloc(size + 1);
    size_t at, len;
    if (size > 0) {
        memcpy(p, data, size);
        memcpy(with_ids, data, size);
    }
    size_t before = tokens_of(p, size);
    uint32_t masked = mask_bytes(p, size, NULL);
    size_t after = tokens_of(p, size);
    if (before > 0 && (after == 0 || after > before))
        abort();
    if (before > 0 && !mask_may_have_codes((const char *)data, size) && after != before)
        abort();
    if (before > 0 && mask_codes(p, size) != 0)
        abort(); /* gone is gone */
    if (pan_find(p, size, 0, &at, &len))
        abort();
    if (masked == 0 && size > 0 && memcmp(p, data, size) != 0)
        abort();
    if (mask_bytes(with_ids, size, ids) > masked)
        abort(); /* ids are spared, never added */
    free(p);
    free(with_ids);
    return 0;
}

#include "fuzz/driver.inc"
