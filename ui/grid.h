/* The one table widget: rows of a feed (JSON objects) under described columns, sorted,
 * filtered, virtualised. The cursor stays on its row by id when the data changes. */
#ifndef UI_GRID_H
#define UI_GRID_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"
#include "ui/draw.h"
#include "ui/fmt.h"

enum grid_kind {
    GRID_TEXT,
    GRID_COUNT,    /* 1,234 */
    GRID_SHORT,    /* 41.2k */
    GRID_RATE,     /* 41.2k/s */
    GRID_BYTES,    /* member is bytes */
    GRID_KBYTES,   /* member is kB */
    GRID_STATE,    /* glyph and word, coloured by the word */
    GRID_TIME,     /* member is UTC milliseconds */
    GRID_SPAN,     /* member is milliseconds */
    GRID_SECONDS,  /* member is seconds, a real */
    GRID_PERCENT,  /* member is 0..100 */
    GRID_MONEY,    /* member is a number or decimal text: two places */
    GRID_LIST,     /* array of strings, or a string */
    GRID_PROGRESS, /* bar of `done` / `total` of the row */
    GRID_BAR,      /* bar and number of a member 0..100 */
    GRID_SPARK,    /* array of numbers as a sparkline */
    GRID_HEAT,     /* array of numbers as a heat strip */
};

struct grid_column {
    const char *key, *title;
    enum grid_kind kind;
    int width;    /* cells, the least of a column that may grow */
    int priority; /* the highest number is dropped first at narrow widths; 1 stays */
    int most;     /* cells it may grow to; 0: it does not, GRID_FREE: what is left */
};
#define GRID_FREE 10000

#define GRID_FILTER_MAX 120

struct grid {
    const struct grid_column *columns;
    size_t n_columns;
    const char *id_keys; /* members that name a row, joined by commas */
    json_t *rows;        /* reference held */
    size_t *order;       /* rows shown, in order */
    size_t n, cap;
    size_t cursor, top;
    char *cursor_id;
    int sort; /* column, -1: as it came */
    bool is_descending;
    char filter[GRID_FILTER_MAX]; /* "" none; "!text" hides what has it */
    int page_rows, first_y;       /* rows and their first line in the last frame */
    struct fmt_when when;         /* for its times; the owner keeps it current */
};

void grid_init(struct grid *g, const struct grid_column *columns, size_t n,
               const char *id_keys, int sort, bool is_descending);
void grid_release(struct grid *g);
/* Takes another reference to rows (NULL: none). Cheap when it is the same array. */
void grid_set_rows(struct grid *g, json_t *rows);
void grid_set_filter(struct grid *g, const char *filter);
void grid_set_sort(struct grid *g, int column, bool is_descending);
/* Column by key or title, -1 when there is none. */
int grid_column(const struct grid *g, const char *name);
void grid_move(struct grid *g, long delta);
void grid_goto(struct grid *g, size_t at); /* clamped */
/* Cursor on the next row with a state that is an error or a warning, around the end;
 * false when there is none. */
bool grid_next_problem(struct grid *g);
/* Row under the cursor, borrowed; NULL when the table is empty. */
json_t *grid_row(const struct grid *g);
/* Id of a row: members of id_keys joined by '/'. */
void grid_id(const struct grid *g, const json_t *row, struct buf *out);
/* Header and rows into r. */
void grid_draw(struct grid *g, struct term *t, struct rect r, const char *empty);
/* "3-12 of 214", "1-2 of 2 found"; empty when all rows are on screen. */
void grid_position(const struct grid *g, char *out, size_t size);
/* One cell as text and its role. */
void grid_cell(const struct grid_column *c, const json_t *row, struct fmt_when when,
               struct buf *out, enum role *role);
/* All shown rows, tab-separated, with a header line. */
void grid_tsv(const struct grid *g, bool only_cursor, struct buf *out);

/* Between grid's files: a number from a number or from decimal text; any value as text;
 * whether cells of a kind end at the right. */
bool grid_number(const json_t *v, double *out);
void grid_value(struct buf *out, const json_t *v);
bool grid_is_right(enum grid_kind kind);

/* Looks of the words that states and verdicts use anywhere. */
enum role grid_state_role(const char *word);
enum glyph grid_state_glyph(const char *word);

#endif
