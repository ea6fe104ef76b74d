/* A file written piece by piece and seen whole or not at all: it grows beside its path
 * and takes its name at the end. For what can be made again, so nothing is synced to
 * the disk: after a power failure the file may be missing or empty (buf_write_file is
 * for what must not be). */
#ifndef BASE_OUTFILE_H
#define BASE_OUTFILE_H

#include <stdbool.h>
#include "base/buf.h"

struct outfile {
    struct buf b; /* what is to be written next: add to it, then outfile_flush */
    int fd;
    char *path, *tmp;
    size_t written; /* bytes that are in the file */
    int failed;     /* errno of the first write that failed */
};

/* Begins the file; ERR_IO when its folder cannot be written. */
int outfile_open(struct outfile *o, const char *path, struct err *e);
/* Writes b when it has grown enough. Errors show at the end. */
void outfile_flush(struct outfile *o);
/* Position that the next byte added to b will have. */
size_t outfile_at(const struct outfile *o);
/* Bytes of another file, copied without a look at them. */
void outfile_copy(struct outfile *o, int fd, size_t from, size_t n);
/* Gives the file its name (is_good) or removes it. Releases o in any case. */
int outfile_close(struct outfile *o, bool is_good, struct err *e);

#endif
