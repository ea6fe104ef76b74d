/* Bytes of a file, plain or gzip (told by its first bytes, several members allowed),
 * with a buffer that the line and CSV readers parse in place.
 *
 * Lifecycle: input_open → { parse buf[at..end), move at; input_more } → input_close.
 * The bytes before at stay there as far as INPUT_HISTORY, for fingerprints.
 * Always holds: offset is the uncompressed position of buf[at]. */
#ifndef PLUGINS_COMMON_INPUT_H
#define PLUGINS_COMMON_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <zlib.h>

#define INPUT_HISTORY 4096

enum input_state {
    INPUT_MORE,  /* bytes were added */
    INPUT_END,   /* at the present end of the file */
    INPUT_SHORT, /* the file ends inside a gzip member */
    INPUT_FAIL = -1,
};

struct input {
    char *path; /* owned */
    int fd;
    dev_t dev;
    ino_t ino;
    /* uncompressed */
    char *buf;
    size_t cap, at, end;
    int64_t offset;
    char head[INPUT_HISTORY]; /* the file's first bytes, uncompressed */
    size_t head_len;
    /* compressed */
    enum { INPUT_UNKNOWN, INPUT_PLAIN, INPUT_GZIP } form;
    bool is_in_member;
    unsigned char *raw;
    size_t raw_at, raw_end;
    int64_t raw_offset; /* file position of raw[raw_at] */
    z_stream *z; /* on the heap: zlib knows its address, and this struct is moved */
};

/* 0 or -1 with error: not there, no permission, not a regular file. errno is kept. */
int input_open(struct input *in, const char *path, char *error);
void input_close(struct input *in); /* also of a zeroed struct */
/* Add bytes behind end (buf may move). INPUT_FAIL fills error: broken gzip data with
 * file and byte, or the system's error. */
enum input_state input_more(struct input *in, char *error);
/* Move at forward by n bytes that are in the buffer. */
void input_take(struct input *in, size_t n);
/* Go forward to an uncompressed offset (>= in->offset). 1 there, 0 the file is shorter,
 * -1 error. */
int input_skip_to(struct input *in, int64_t offset, char *error);
/* Size of the file now, -1 on error. */
int64_t input_size(const struct input *in);
/* Is the open file cut off below what was read of it? */
bool input_was_cut(const struct input *in);

#endif
