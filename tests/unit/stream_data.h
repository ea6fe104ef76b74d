/* Shared test data: lines of a (gzipped) file under ${WEIR_SHARED:-../shared}/data. */
#ifndef TESTS_STREAM_DATA_H
#define TESTS_STREAM_DATA_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/mem.h"
#include "base/str.h"

struct data_file {
    char *bytes;
    size_t n;
    struct str *lines; /* without the line end */
    size_t n_lines;
};

static inline bool data_read(const char *name, struct data_file *out)
{
    const char *root = getenv("WEIR_SHARED");
    char path[512];
    *out = (struct data_file){0};
    snprintf(path, sizeof path, "%s/data/%s", root ? root : "../shared", name);
    gzFile f = gzopen(path, "rb");
    if (!f)
        return false;
    size_t cap = 0;
    for (int got = 1; got > 0;) {
        if (out->n + 65536 > cap) {
            cap = cap ? cap * 2 : 1u << 20;
            out->bytes = mem_realloc(out->bytes, cap);
        }
        got = gzread(f, out->bytes + out->n, 65536);
        out->n += got > 0 ? (size_t)got : 0;
    }
    gzclose(f);
    size_t n_cap = 0;
    for (char *p = out->bytes, *end = p + out->n; p < end;) {
        char *stop = memchr(p, '\n', (size_t)(end - p));
        stop = stop ? stop : end;
        if (out->n_lines == n_cap) {
            n_cap = n_cap ? n_cap * 2 : 1024;
            out->lines = mem_realloc(out->lines, n_cap * sizeof *out->lines);
        }
        out->lines[out->n_lines++] = (struct str){p, (size_t)(stop - p)};
        p = stop + 1;
    }
    return true;
}

static inline void data_free(struct data_file *f)
{
    mem_free(f->bytes);
    mem_free(f->lines);
    *f = (struct data_file){0};
}

#define data_need(name, out)                                                           \
    do {                                                                               \
        if (!data_read(name, out))                                                     \
            skip();                                                                    \
    } while (0)

/* Field i of an RFC 4180 line without line breaks in fields; quotes are taken off. */
static inline struct str data_field(struct str line, int i, char *scratch, size_t size)
{
    const char *p = line.p, *end = line.p + line.n;
    for (;;) {
        size_t n = 0;
        if (p < end && *p == '"') {
            for (p++; p < end && (*p != '"' || (p + 1 < end && p[1] == '"')); p++) {
                p += *p == '"';
                if (n < size)
                    scratch[n++] = *p;
            }
            p++;
        } else {
            for (; p < end && *p != ','; p++)
                if (n < size)
                    scratch[n++] = *p;
        }
        if (i-- == 0)
            return (struct str){scratch, n};
        if (p >= end)
            return (struct str){scratch, 0};
        p++;
    }
}

#endif
