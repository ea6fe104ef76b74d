/* Table files under any bytes (CSV, JSON lines, JSON arrays, gzip): every row that
 * comes out is a valid flat JSON object with its key, every reject has a reason, and
 * reading ends. The plugins' shared code is compiled in, for it is no part of the
 * library. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include "base/jscan.h"

#include "plugins/common/csv.c"
#include "plugins/common/input.c"
#include "plugins/common/jsonrow.c"
#undef DEPTH_MAX
#include "plugins/common/lines.c"
#include "plugins/common/plug.c"
#include "plugins/common/rows.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_row(const struct row *row)
{
    struct jscan s;
    jscan_init(&s);
    if (!row->key || row->key_len == 0 ||
        jscan_parse(&s, row->json, row->n, &jscan_default_limits) < 0 ||
        s.tok[0].type != JSCAN_OBJECT || jscan_get(&s, 0, "k", 1) == 0)
        abort();
    jscan_release(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64], error[WEIR_ERROR_MAX] = "";
    struct rows *r = malloc(sizeof(*r));
    struct row row;
    int fd = memfd_create("fuzz", 0);
    if (!r || fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    if (rows_open(r, path, "k", error) == 0) {
        enum rows_state st;
        size_t n = 0;
        while ((st = rows_next(r, &row, error)) == ROWS_ROW || st == ROWS_REJECT) {
            if (st == ROWS_ROW)
                check_row(&row);
            else if (!row.reason || !row.reason[0])
                abort();
            if (n++ > 1100 * size) /* deflate packs at most 1032 to 1 */
                abort();           /* it does not move */
        }
        if (st == ROWS_FAIL && !error[0])
            abort();
        rows_close(r);
    } else if (!error[0]) {
        abort();
    }
    free(r);
    close(fd);
    return 0;
}

#include "fuzz/driver.inc"
