/* What a bronze table looks like and how a record becomes its row: tables of columns,
 * read by row.c. Fixed layouts for what the stream writes, a generic one for everything
 * else.
 *
 * A fixed layout is chosen by the role of the topic in its stream (records, windows,
 * alerts, late, rejects), else by the table's name. */
#ifndef LOAD_LAYOUT_H
#define LOAD_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include "base/buf.h"
#include "base/map.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "warehouse/warehouse.h"

/* Where a column's value comes from. */
enum load_from {
    FROM_TEXT,   /* JSON member: text of a string, other values as written */
    FROM_REAL,   /* number */
    FROM_INT,    /* number, true and false as 1 and 0 */
    FROM_FLAG,   /* the same of what is true or false */
    FROM_TIME,   /* ISO time → "YYYY-MM-DD HH:MM:SS" */
    FROM_JSON,   /* array or object as JSON text */
    FROM_OFFSET, /* of the record */
    FROM_PARTITION,
    FROM_ARRIVAL, /* the record's timestamp, as text */
    FROM_KEY,
    FROM_VALUE,  /* the whole record; BLOB when it is no text */
    FROM_HEADER, /* header called member */
    FROM_HEADER_INT,
    FROM_EXTRA,    /* JSON object of the members no column takes; NULL without any */
    FROM_LOADED,   /* loaded_at of the batch */
    FROM_SEQUENCE, /* number of the row in the batch (staging) */
};

struct load_column {
    const char *name, *type;
    enum load_from from;
    const char *member; /* JSON member or header */
    bool is_required;   /* without it the record is no row */
};

enum load_write {
    LOAD_APPEND,
    LOAD_NEWEST,  /* one row per key: the last record of the key, deletes applied */
    LOAD_HIGHEST, /* one row per key: the highest `rank` wins */
};

struct load_layout {
    const char *name;
    const struct load_column *columns; /* ends with a NULL name */
    const char *const *ignored;        /* members that are neither stored nor drift */
    enum load_write write;
    const char *const *key; /* of LOAD_NEWEST and LOAD_HIGHEST */
    const char *rank;       /* of LOAD_HIGHEST */
    bool is_json;           /* the value is parsed */
    bool has_corrections;   /* raw_transactions: see corrections.h */
};

/* The fixed layout of a load, NULL when it is generic. */
const struct load_layout *layout_fixed(const struct platform *p,
                                       const struct conf_load *l);
/* The load's records are written by a stream of the platform, which has scanned every
 * byte of them. */
bool layout_is_scanned(const struct platform *p, const struct conf_load *l);
/* Generic layout from the table when it exists, else from the members of a first
 * record's JSON (names, n). Owned by arena. ERR_CONFIG when a key field is not among
 * them. */
int layout_generic(struct arena *arena, struct wh *w, const struct conf_load *l,
                   const char *const *names, size_t n, const struct load_layout **out,
                   struct err *e);
/* The type of a column where tables live: SQLite's as the layouts name them, elsewhere
 * what says more (timestamps, exact numbers, booleans). */
const char *layout_type(const struct wh *w, const struct load_column *c);
size_t layout_columns(const struct load_layout *l);
/* CREATE TABLE … IF NOT EXISTS of the layout, its indexes, and the staging table. */
int layout_create(const struct load_layout *l, struct wh *w, const char *schema,
                  const char *table, struct err *e);

#endif
