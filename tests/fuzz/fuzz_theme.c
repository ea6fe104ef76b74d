/* Theme files and key files of any bytes: no crash; on an error the theme is unchanged.
 */
#include <stdint.h>
#include <string.h>
#include "ui/keymap.h"
#include "ui/theme.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct theme t, before;
    struct keymap m = {0};
    struct err e;
    const char *text = (const char *)data;

    if (size == 0)
        return 0;
    theme_init_default(&t);
    before = t;
    if (theme_parse(&t, text, size, "fuzz", &e) < 0)
        BUG_ON(memcmp(&t, &before, sizeof t) != 0);
    (void)keymap_parse(&m, text, size, "fuzz", &e);
    keymap_release(&m);
    return 0;
}

#include "fuzz/driver.inc"
