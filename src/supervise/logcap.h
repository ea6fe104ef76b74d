/* The log of one process: its stdout and stderr as lines, in a bounded ring for clients
 * and in rotated files of bounded total size. */
#ifndef SUPERVISE_LOGCAP_H
#define SUPERVISE_LOGCAP_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"

#define LOGCAP_LINE_MAX   8192 /* longer lines are split */
#define LOGCAP_RING_LINES 2000
#define LOGCAP_RING_BYTES (256 * 1024)

struct logcap_line {
    int64_t at_ms;
    char *text;
    size_t len;
    char stream; /* 'o' or 'e' */
};
struct logcap {
    char *path;
    int fd;            /* -1: not open, retried with the next line */
    int64_t size, max; /* of the file; rotated beyond max */
    int keep;          /* rotated files kept beside the live one */
    int64_t dropped;   /* lines that did not reach the file */
    struct logcap_line *ring;
    size_t n, head, bytes;
    int64_t next_seq; /* number of the next line, from 1 */
    struct {
        char text[LOGCAP_LINE_MAX];
        size_t n;
    } partial[2];
    struct buf out; /* lines on their way to the file */
};
/* path: STATE/logs/NAME.log. Never fails: what cannot be written is counted. */
void logcap_init(struct logcap *l, const char *path, int64_t max_bytes, int keep);
void logcap_release(struct logcap *l);
/* Bytes the process wrote: 'o' stdout, 'e' stderr. */
void logcap_feed(struct logcap *l, char stream, const char *p, size_t n);
/* The process is gone: what has no newline is a line too. */
void logcap_flush(struct logcap *l);
/* A line of the supervisor's own about this process. */
void logcap_note(struct logcap *l, const char *text);
/* The last line of stderr since line from, without its time and name when it has the
 * form of base/log.h; NULL when there is none. Borrowed until the next line. */
const char *logcap_last_words(const struct logcap *l, int64_t from);
/* The log feed (wire.h) with the kept lines from number from on, at most max (the last
 * ones); from 0: all. New reference. */
json_t *logcap_json(const struct logcap *l, int64_t from, size_t max);

#endif
