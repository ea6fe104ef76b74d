/* Small charts in the three character tiers: bars, sparklines, heat strips. */
#ifndef UI_CHART_H
#define UI_CHART_H

#include <stddef.h>
#include "ui/draw.h"

/* share 0..1 (clamped; NaN or negative: unknown) as a bar of w cells. */
void chart_bar(struct term *t, int y, int x, int w, double share, enum role role);
/* The newest values of v[0..n) that fit, scaled to their maximum, in w cells of one
 * row. Braille shows two values a cell, the other tiers one. */
void chart_spark(struct term *t, int y, int x, int w, const double *v, size_t n,
                 enum role role);
/* The same over several rows, from the bottom up. */
void chart_area(struct term *t, struct rect r, const double *v, size_t n,
                enum role role);
/* One cell for each value (several values share a cell, the worst shows, when there are
 * more than w * h): height by value against max, coloured ok, warn, error by thirds.
 * Returns rows used. */
int chart_heat(struct term *t, struct rect r, const double *v, size_t n, double max);

#endif
