/* A place in a file that is found again although the file was renamed, compressed anew
 * or grew: the uncompressed offset with hashes of the file's first 4 KiB and of the 4
 * KiB before the offset. */
#ifndef PLUGINS_POS_PLACE_H
#define PLUGINS_POS_PLACE_H

#include "../common/lines.h"
#include "weir/plugin.h"

struct place {
    int64_t offset; /* behind the last line with a line end */
    uint64_t line;  /* lines up to there */
    uint64_t dev, ino;
    size_t head_len, tail_len;
    char head[33], tail[33]; /* hex of XXH3-128 */
    /* A last line without line end that was handed out: it lies behind offset. */
    size_t open_len;
    char open[33];
};

void place_hash(const char *p, size_t n, char out[33]);
/* Where l stands. */
void place_of(struct place *out, const struct lines *l);
/* Checkpoint text. 0, or -1 when it does not fit. */
int place_write(const struct place *pl, char *out, size_t size);
int place_read(struct place *pl, const char *text, char *error);

enum place_match {
    PLACE_OTHER, /* another file, or none there */
    PLACE_SAME,  /* *in is open and stands at the offset */
    PLACE_CUT,   /* the same beginning, but it ends before the offset */
    PLACE_FAIL = -1,
};
/* Is the file at path the one with this place? in is open only for PLACE_SAME. A long
 * way to the place (gzip) is walked in steps that tell the host that it goes on. */
enum place_match place_match(const struct place *pl, const struct weir_host *host,
                             const char *path, struct input *in, char *error);
/* A rotated file (PATH.N or PATH.N.gz) with this place: its name into out. */
enum place_match place_find_rotated(const struct place *pl,
                                    const struct weir_host *host, const char *path,
                                    struct input *in, char *error);
/* The rotated file that follows one last changed at after_ns: the oldest PATH.N that is
 * newer, else path itself. */
void place_next_file(const char *path, int64_t after_ns, char *out, size_t size);
int64_t place_mtime_ns(const struct input *in);

#endif
