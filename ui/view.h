/* Views: one row in views/view.list and one file in views/ each. A view is data
 * (columns, feed, keys in keys.inc) plus the few functions below; page.c does the rest.
 * A page is a view that is open: pages stack when a row is opened. */
#ifndef UI_VIEW_H
#define UI_VIEW_H

#include <jansson.h>
#include <stdbool.h>
#include "ui/grid.h"

struct app;
struct page;

struct view {
    const char *name, *title, *doc;
    const char *feed;  /* "%s" stands for the page's argument; NULL: none */
    const char *empty; /* shown instead of rows when there are none */
    const struct grid_column *columns;
    size_t n_columns;
    const char *id_keys;
    int sort; /* column, -1: as it comes */
    bool is_descending;
    bool has_data_time; /* its times are of the data, not of the wall */
    bool
        is_tail; /* newest on top: the cursor on the first row stays on the first row */
    /* Rows out of the feed's data (NULL when none came): a new array. NULL: data
     * itself. */
    json_t *(*rows)(struct app *a, struct page *p, json_t *data);
    /* NULL: the table alone. */
    void (*draw)(struct app *a, struct page *p, struct rect r);
    /* Enter on a row. NULL: all members of the row as a page. */
    void (*open)(struct app *a, struct page *p, const json_t *row);
    /* An action this view does its own way; true when it was. */
    bool (*action)(struct app *a, struct page *p, const char *name, const char *args);
    /* Graph node of a row for rerun, false when it is none. */
    bool (*node)(const json_t *row, char *out, size_t size);
    /* Words for the title line: "following", "paused, 12 new". */
    void (*status)(struct app *a, struct page *p, char *out, size_t size);
};

struct page {
    const struct view *view;
    char arg[300];   /* "12" of tasks:12 */
    char label[120]; /* its crumb */
    struct page *below;
    struct grid grid;
    json_t *seen; /* data the rows were made from: held, so that its address stays its
                     own */
    bool is_paused;
    bool is_unfolded;   /* overview: calm stages are listed too */
    json_t *frozen;     /* data shown while paused */
    size_t n_frozen;    /* rows when it was paused */
    size_t top;         /* log: first line on screen */
    size_t cursor_line; /* log: where the search stands */
    int left;           /* log: first cell on screen */
    bool wraps;         /* log: long lines go on below */
    char search[GRID_FILTER_MAX];
    int reason; /* anomalies: index of the reason shown */
};

#define VIEW_ROOTS 8

/* Views by number (0..VIEW_ROOTS-1, keys 1 to 8) and by name; NULL when there is none.
 */
const struct view *view_root(size_t i);
const struct view *view_find(const char *name);
size_t view_count(void);
const struct view *view_at(size_t i);

struct page *page_new(const struct view *v, const char *arg, const char *label);
void page_free(struct page *p); /* with those below */
/* Name of the page's feed, false when it has none. */
bool page_feed(const struct page *p, char *out, size_t size);
/* Data of the page's feed, what was frozen while it is paused; borrowed, may be NULL.
 */
json_t *page_data(struct app *a, const struct page *p);
/* Rows again when the data is another than last time. */
void page_refresh(struct app *a, struct page *p);
void page_draw(struct app *a, struct page *p, struct rect r);
void page_draw_grid(struct app *a, struct page *p, struct rect r);
/* At the bottom a note on the row under the cursor (what columns cut) in up to five
 * lines with a quieter line below; both may be empty. Returns what is left of r. */
struct rect page_note(struct app *a, struct page *p, struct rect r, const char *note,
                      const char *below);
/* The table over such a note. */
void page_draw_note(struct app *a, struct page *p, struct rect r, const char *note,
                    const char *below);
/* A table only to look at, without a cursor; its times are of the data. */
void page_draw_rows(struct app *a, struct rect r, const struct grid_column *columns,
                    size_t n, json_t *rows, const char *empty);
/* For views of processes: Enter opens the log of the row. */
void page_open_log(struct app *a, struct page *p, const json_t *row);
/* Rows are made again at the next frame. */
void page_forget(struct page *p);
/* Stop and go on showing what is new. */
void page_pause(struct app *a, struct page *p, bool is_paused);

#endif
