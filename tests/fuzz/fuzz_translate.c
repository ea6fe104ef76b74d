/* Any bytes as SQL through the dialect translation: an error, or SQL that can be cut
 * into tokens again and whose positions map back into the input. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "warehouse/sql_token.h"
#include "warehouse/translate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool far_view(void *arg, const char *schema, const char *name)
{
    (void)arg;
    return schema[0] == 'f' && name[0];
}

static void check_back(const struct translate_map *map, const struct buf *out,
                       size_t size)
{
    for (size_t i = 0; i < out->len; i += 1 + out->len / 64)
        if (translate_map_back(map, i) > size)
            abort();
}

/* What was translated can be cut into tokens again. */
static void check_tokens(const struct buf *out)
{
    struct sql_tokens t;
    struct arena mem;
    struct err e;
    arena_init(&mem, 0);
    if (sql_tokenize(&t, &mem, buf_str(out), out->len, false, &e) < 0)
        abort();
    arena_release(&mem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (int dialect = 0; dialect < 2; dialect++) {
        struct buf out, notes;
        struct err e = {0};
        struct translate_map map = {0};
        buf_init(&out, 16u << 20);
        buf_init(&notes, 1u << 20);
        struct translate_env env = {
            .is_snowflake = dialect == 1, .is_far_view = far_view, .notes = &notes};
        if (translate_sql(&env, (const char *)data, size, &out, &map, &e) == 0) {
            check_back(&map, &out, size);
            if (dialect)
                check_tokens(&out);
        }
        translate_map_release(&map);
        buf_release(&out);
        buf_release(&notes);
    }
    return 0;
}

#include "fuzz/driver.inc"
