/* CSV as seeds are written: RFC 4180 with any one-byte delimiter, BOM and CRLF
 * accepted, read as a stream. */
#ifndef MODEL_CSV_H
#define MODEL_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

struct csv {
    FILE *file;
    const char *path; /* borrowed, for messages */
    char delimiter;
    long line; /* of the row last read, 1-based */
    long next_line;
    struct buf text; /* bytes of the row's fields, each with a NUL behind */
    struct csv_field {
        size_t at, len;
        bool is_quoted;
    } * fields;
    size_t n, cap;
    struct str *cells; /* of the row last read */
};

int csv_open(struct csv *c, const char *path, char delimiter, struct err *e);
/* The same of a text, which must stay until csv_close. */
int csv_open_text(struct csv *c, const char *text, size_t n, char delimiter,
                  struct err *e);
void csv_close(struct csv *c);
/* 1 and the row in cells[0..n), 0 at the end, ERR_PARSE with path:line. Blank lines are
 * passed over. Valid until the next call. */
int csv_next(struct csv *c, struct err *e);
bool csv_is_quoted(const struct csv *c, size_t i);

#endif
