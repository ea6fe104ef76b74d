/* Lines of an input, with a length limit. */
#ifndef PLUGINS_COMMON_LINES_H
#define PLUGINS_COMMON_LINES_H

#include "input.h"

enum line_state {
    LINE_OK,      /* a line, its end taken */
    LINE_NONE,    /* at the present end, nothing pending */
    LINE_PARTIAL, /* at the present end behind bytes without a line end; not taken */
    LINE_SHORT,   /* the file ends inside a gzip member */
    LINE_FAIL = -1,
};

struct lines {
    struct input in;
    size_t limit;   /* longest line, bytes without its end */
    size_t scanned; /* bytes behind in.at known to hold no line end */
    uint64_t line;  /* number of the line handed out last */
    /* an over-long line: its first bytes, while the rest is passed over */
    char *kept;                  /* limit bytes, NULL until needed */
    char history[INPUT_HISTORY]; /* the bytes before it */
    size_t history_len;
    size_t kept_len; /* 0: none in progress */
    uint64_t long_len;
    int64_t long_start;
};

/* One line: bytes without line end (LF or CRLF), valid until the next call. */
struct line {
    const char *p;
    size_t n;
    uint64_t number; /* 1-based */
    int64_t start;   /* uncompressed offset of its first byte */
    uint64_t length; /* its whole length; > n for an over-long line that was cut */
};

/* Takes over an open input. */
void lines_init(struct lines *l, struct input in, size_t limit);
void lines_close(struct lines *l);
/* LINE_PARTIAL fills *out without taking it; lines_take_partial then takes it as a
 * line. */
enum line_state lines_next(struct lines *l, struct line *out, char *error);
void lines_take_partial(struct lines *l, struct line *out);

#endif
