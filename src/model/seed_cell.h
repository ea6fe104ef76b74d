/* What a cell of a seed is, as agate (with dbt's settings) sees it. */
#ifndef MODEL_SEED_CELL_H
#define MODEL_SEED_CELL_H

#include <stdbool.h>
#include <stdint.h>
#include "base/str.h"

enum seed_kind {
    SEED_UNKNOWN, /* only nulls so far */
    SEED_INT,
    SEED_REAL,
    SEED_DATE,
    SEED_TIME, /* 2024-01-02 10:00:00 */
    SEED_ISO,  /* 2024-01-02T10:00:00Z */
    SEED_BOOL,
    SEED_TEXT
};

/* Empty, white or "null". */
bool seed_is_null(struct str s);
enum seed_kind seed_kind_of(struct str s);
/* Of a column with both; numbers join to numbers, all else that differs to texts. */
enum seed_kind seed_join(enum seed_kind a, enum seed_kind b);
/* Numbers: " 5", "1,000", "$5", "5%", "1_000". false for what is none; *i is set when
 * *is_int. */
bool seed_number(struct str s, bool *is_int, int64_t *i, double *d);
/* A date or time in the warehouse's spelling; its length, 0 for what is none. */
#define SEED_TIME_MAX 48
size_t seed_time(struct str s, char out[SEED_TIME_MAX]);

#endif
