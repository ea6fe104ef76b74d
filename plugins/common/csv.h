/* CSV records of an input (RFC 4180): quotes, doubled quotes, line ends inside quotes,
 * LF or CRLF, a byte order mark at the start. A quote inside an unquoted field is taken
 * as it is ('22" PAN'), as most writers mean it. */
#ifndef PLUGINS_COMMON_CSV_H
#define PLUGINS_COMMON_CSV_H

#include "input.h"

#define CSV_FIELDS_MAX 1024
#define CSV_RECORD_MAX (1u << 20)

enum csv_state {
    CSV_OK,
    CSV_BAD, /* one physical line that is no record: raw and what are filled */
    CSV_END,
    CSV_SHORT, /* the file ends inside a gzip member */
    CSV_FAIL = -1,
};

struct csv_field {
    const char *p;
    size_t n;
    bool is_quoted;
};

struct csv {
    struct input in;
    uint64_t line; /* line of the next record's first byte, 1-based */
    /* the record handed out last; valid until the next call */
    struct csv_field fields[CSV_FIELDS_MAX];
    size_t n;
    uint64_t record_line; /* line it began on */
    const char *raw;      /* its bytes as they are */
    size_t raw_len;
    const char *what; /* CSV_BAD: what is wrong (static text) */
    char *text;       /* unquoted text of quoted fields */
    size_t text_len, text_cap;
};

void csv_init(struct csv *c, struct input in); /* takes the input over */
void csv_close(struct csv *c);
/* Empty lines are passed over. */
enum csv_state csv_next(struct csv *c, char *error);

#endif
