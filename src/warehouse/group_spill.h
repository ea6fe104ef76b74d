/* Records put aside in a temporary file, in SPILL_WAYS lots, and read back lot by lot:
 * what a grouping has no memory for. The file has no name: nothing is left of it after
 * a crash. */
#ifndef WAREHOUSE_GROUP_SPILL_H
#define WAREHOUSE_GROUP_SPILL_H

#include <stdint.h>
#include "base/buf.h"
#include "base/vec.h"

#define SPILL_WAYS 64

struct spill_file {
    const char *dir; /* borrowed */
    int fd;          /* -1 before the first write */
    int64_t end;
};

/* A piece of the file with whole records. */
struct spill_piece {
    int64_t at;
    size_t len;
};
typedef VEC(struct spill_piece) spill_pieces;

struct spill {
    struct spill_file *file; /* borrowed; shared by spills of one grouping */
    struct {
        char *bytes;
        size_t len;
        spill_pieces pieces;
    } ways[SPILL_WAYS];
};

void spill_file_init(struct spill_file *f, const char *dir);
void spill_file_release(struct spill_file *f);
void spill_init(struct spill *s, struct spill_file *f);
void spill_release(struct spill *s);
/* ERR_FULL, ERR_IO with the folder. */
int spill_add(struct spill *s, unsigned way, const void *record, size_t n,
              struct err *e);
/* Write what is still in memory; the pieces of every way are complete then. */
int spill_end(struct spill *s, struct err *e);
/* Replaces out's content. */
int spill_read(const struct spill_file *f, const struct spill_piece *p, struct buf *out,
               struct err *e);

#endif
