/* The overview's parts: the layers of the flow, and the blocks under it. */
#ifndef UI_VIEWS_OVERVIEW_H
#define UI_VIEWS_OVERVIEW_H

#include "ui/app.h"

enum overview_layer {
    LAYER_INGEST,
    LAYER_STREAM,
    LAYER_LOAD,
    LAYER_MODEL,
    LAYER_GATE,
    LAYER_NONE, /* a kind that is new here */
};
struct overview_layer_row {
    const char *kind, *label, *prefix; /* prefix: of the node's id */
    enum role role;
};
extern const struct overview_layer_row overview_layers[LAYER_NONE];

enum overview_layer overview_layer(const json_t *stage);
/* "ingest pos" without its kind; borrowed. */
const char *overview_short_name(const json_t *stage);

/* The run at work, else the last one; borrowed, NULL before the first. */
const json_t *overview_run(const struct app *a);
/* Blocks of one line at y, in the columns of r. */
void overview_draw_run(struct app *a, struct rect r, int y);
void overview_draw_freshness(struct app *a, struct rect r,
                             int y); /* worst of a layer */
void overview_draw_gates(struct app *a, struct rect r, int y);
/* On up to lines_max lines; returns the lines used. */
int overview_draw_counts(struct app *a, struct rect r, int y, int lines_max);
/* Each relation on a line; returns the lines used. */
int overview_draw_freshness_list(struct app *a, struct rect r, int y, int rows_max);
/* Charts of the rates side by side; returns the lines used, 0 when nothing moved. */
#define OVERVIEW_PANEL_LINES 8
int overview_draw_panels(struct app *a, struct rect r);
void overview_draw_events(struct app *a, struct rect r);

#endif
