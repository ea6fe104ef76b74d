/* One record → the values of one row, and what did not fit.
 *
 * Lifecycle: row_init → { row_fill … values valid until the next row_fill } →
 * row_release. No allocation per record once the scratch has its size. */
#ifndef LOAD_ROW_H
#define LOAD_ROW_H

#include "base/jscan.h"
#include "base/map.h"
#include "bus/bus.h"
#include "load/layout.h"

#define ROW_COLUMNS_MAX 1024

struct row {
    const struct load_layout *layout;
    size_t n_columns;
    struct wh_value *values; /* n_columns, then op and sequence for the stage */
    struct str *members;     /* of each column; p NULL: it takes none */
    struct str *ignored;
    size_t n_ignored;
    size_t correction; /* column of is_correction, n_columns: none */
    struct jscan scan;
    char *scratch; /* texts of this row */
    size_t scratch_len, scratch_cap;
    struct map drift; /* unknown member → int64_t count (owned) */
    char loaded_at[32];
    char name[128]; /* of a member whose name is written with escapes */
    int64_t sequence;
    bool is_scanned; /* set by the caller: the records' inner containers are JSON for
                        sure */
    size_t hint;     /* column expected next: members keep their order */
    /* of the row filled last */
    bool is_correction, is_out_of_memory;
    const char *reason; /* why it is no row */
    char detail[160];
};

void row_init(struct row *r, const struct load_layout *l);
void row_release(struct row *r);
/* 0; 1 when the record cannot be a row (reason and detail say why); ERR_NOMEM. */
int row_fill(struct row *r, const struct bus_record *rec, struct err *e);
/* New fields seen since the last call: name, count so far and whether it is the first
 * time. */
typedef void row_drift_fn(void *arg, const char *field, int64_t count);
void row_each_drift(const struct row *r, row_drift_fn *fn, void *arg);
/* Member names of an object, for layout_generic: 0, 1 when it is no object, negative
 * out of memory. */
int row_names(struct row *r, const struct bus_record *rec, struct arena *arena,
              const char ***names, size_t *n);

#endif
