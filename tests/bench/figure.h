/* A line of the table at the end of `make bench`: what issue and design promise, and
 * what was measured. Called by bench programs; run.sh prints the file that
 * WEIR_BENCH_TABLE names. Without it nothing is written. */
#ifndef BENCH_FIGURE_H
#define BENCH_FIGURE_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static inline void figure(const char *name, const char *must, const char *measured,
                          bool is_ok)
{
    const char *path = getenv("WEIR_BENCH_TABLE");
    FILE *f = path ? fopen(path, "a") : NULL;
    if (!f)
        return;
    fprintf(f, "%s\t%s\t%s\t%s\n", name, must, measured, is_ok ? "ok" : "MISSED");
    fclose(f);
}

#define FIGURE(name, must, is_ok, ...)                                                 \
    do {                                                                               \
        char figure_text[80];                                                          \
        snprintf(figure_text, sizeof figure_text, __VA_ARGS__);                        \
        figure(name, must, figure_text, is_ok);                                        \
    } while (0)

#endif
