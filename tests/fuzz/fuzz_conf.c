/* weir.yml under any bytes: the whole loader but for the file system. The input is
 * written to a project folder of its own and loaded, with and without an override;
 * whatever loads is shown. No crash, no leak, an error always has a text. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "conf/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[PATH_MAX];

static void remove_dir(void)
{
    char path[PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/weir.yml", dir);
    unlink(path);
    rmdir(dir);
}

static void make_dir(void)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(dir, sizeof dir, "%s/weir-fuzz-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(dir))
        abort();
    atexit(remove_dir);
}

static void load_once(const char *const *sets)
{
    struct platform *p = NULL;
    struct err e = {0};
    struct buf b;
    struct conf_options o = {.project_dir = dir, .sets = sets};
    if (conf_load(&p, &o, &e) < 0) {
        BUG_ON(!e.text[0] || e.code >= 0 || p);
        return;
    }
    buf_init(&b, (size_t)64 << 20);
    conf_show(p, true, &b, &e);
    buf_reset(&b);
    conf_show(p, false, &b, &e);
    buf_release(&b);
    conf_free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const sets[] = {"sources.pos.plugin=x", "topics.t.partitions=3",
                                       NULL};
    char path[PATH_MAX + 32];
    if (!dir[0])
        make_dir();
    snprintf(path, sizeof path, "%s/weir.yml", dir);
    FILE *f = fopen(path, "wb");
    if (!f)
        return 0;
    fwrite(data, 1, size, f);
    fclose(f);
    load_once(NULL);
    load_once(sets);
    return 0;
}

#include "fuzz/driver.inc"
