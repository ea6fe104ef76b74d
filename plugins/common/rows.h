/* Rows of a table file: CSV with a header, a JSON array of objects, or JSON lines (told
 * by the first character). Every row becomes a flat JSON object of texts, empty = null.
 */
#ifndef PLUGINS_COMMON_ROWS_H
#define PLUGINS_COMMON_ROWS_H

#include "csv.h"
#include "jsonrow.h"
#include "lines.h"

enum rows_state {
    ROWS_ROW,
    ROWS_REJECT, /* reason, detail and raw are filled */
    ROWS_END,
    ROWS_FAIL = -1,
};

struct row {
    const char *key; /* NULL when none could be found (rejects) */
    size_t key_len;
    const char *json;
    size_t n;
    const char *raw; /* the bytes as the file has them */
    size_t raw_len;
    uint64_t line; /* JSON array: number of the element */
    const char *reason;
    char detail[200];
};

struct rows {
    enum { ROWS_CSV, ROWS_ARRAY, ROWS_LINES } form;
    const char *key_name; /* borrowed */
    struct csv csv;       /* CSV */
    struct lines lines;   /* JSON lines */
    struct input in;      /* JSON array */
    bool is_first;
    uint64_t n_rows;
    struct rowbuf names; /* CSV header: JSON strings with ':' one after the other */
    size_t name_at[CSV_FIELDS_MAX + 1];
    size_t n_columns, key_column;
    struct rowbuf out;
    struct jsonrow json;
};

/* 0 or -1 with error: no such file, empty, no header, the key column is not there. */
int rows_open(struct rows *r, const char *path, const char *key_name, char *error);
void rows_close(struct rows *r);
/* Row valid until the next call. ROWS_FAIL: the file cannot be read to its end. */
enum rows_state rows_next(struct rows *r, struct row *out, char *error);
void rows_progress(const struct rows *r, int64_t *position, int64_t *total);

#endif
