/* Any bytes as a project's YAML, and as a seed's CSV: a value or an error with its
 * place, never a crash or memory without end. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "model/csv.h"
#include "model/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_csv(const uint8_t *data, size_t size)
{
    char path[] = "/tmp/weir-fuzz-XXXXXX";
    struct csv c;
    struct err e = {0};
    int fd = mkstemp(path);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    close(fd);
    if (csv_open(&c, path, ',', &e) == 0)
        while (csv_next(&c, &e) > 0)
            for (size_t i = 0; i < c.n; i++)
                if (c.cells[i].p[c.cells[i].n] != '\0')
                    abort();
    csv_close(&c);
    unlink(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *v = NULL;
    struct err e = {0};
    if (yaml_read("fuzz", (const char *)data, size, &v, &e) == 0)
        json_decref(v);
    if (yaml_simple((const char *)data, size, &v)) { /* means the same to libyaml */
        json_t *full = NULL;
        if (yaml_read_full("fuzz", (const char *)data, size, &full, &e) < 0 ||
            !json_equal(v, full))
            abort();
        json_decref(full);
        json_decref(v);
    }
    read_csv(data, size);
    return 0;
}

#include "fuzz/driver.inc"
