/* Bars, sparklines, heat strips. In: figures; out: cells. Called by views and the grid.
 * Holds always: a chart uses exactly the cells it was given, and a value that is not a
 * number shows as nothing. */
#include "ui/chart.h"

#include <math.h>

/* Eight heights and their ASCII stand-ins; index 0 is empty. */
static const uint32_t blocks[9] = {' ',    0x2581, 0x2582, 0x2583, 0x2584,
                                   0x2585, 0x2586, 0x2587, 0x2588};
static const uint32_t ascii_heights[9] = {' ', '_', '.', ':', '-', '=', '+', '*', '#'};

static int level_of(double v, double max, int levels)
{
    if (!isfinite(v) || v <= 0 || max <= 0)
        return 0;
    int level = (int)ceil(v / max * levels);
    return level > levels ? levels : level;
}

void chart_bar(struct term *t, int y, int x, int w, double share, enum role role)
{
    static const uint32_t eighths[8] = {' ',    0x258f, 0x258e, 0x258d,
                                        0x258c, 0x258b, 0x258a, 0x2589};
    const uint32_t full = t->charset == TERM_ASCII ? '#' : 0x2588;
    const uint32_t empty = t->charset == TERM_ASCII ? '.' : 0x2591;

    if (!isfinite(share) || share < 0)
        share = 0;
    if (share > 1)
        share = 1;
    int units = (int)(share * w * 8 + 1e-9);
    for (int i = 0; i < w; i++) {
        int part = units - i * 8;
        if (part >= 8)
            term_put(t, y, x + i, &full, 1, 1, role);
        else if (part > 0 && t->charset == TERM_BRAILLE)
            term_put(t, y, x + i, &eighths[part], 1, 1, role);
        else
            term_put(t, y, x + i, &empty, 1, 1,
                     role == ROLE_SELECTED ? role : ROLE_MUTED);
    }
}

static double max_of(const double *v, size_t n)
{
    double max = 0;

    for (size_t i = 0; i < n; i++)
        if (isfinite(v[i]) && v[i] > max)
            max = v[i];
    return max;
}

/* Value k from the right end of a chart that shows `room` of them; 0 where there is
 * none. */
static double value_at(const double *v, size_t n, size_t room, size_t at)
{
    size_t from_end = room - at;

    return from_end > n ? 0 : v[n - from_end];
}

/* One row of a chart: its cells show the part of each value between the row's floor and
 * its ceiling (levels are counted from the chart's bottom). */
static void area_row(struct term *t, int y, int x, int w, int floor, int levels,
                     const double *v, size_t n, double max, enum role role)
{
    /* Dots of the left and right column of a braille cell from the bottom up. */
    static const uint8_t left[5] = {0x00, 0x40, 0x44, 0x46, 0x47};
    static const uint8_t right[5] = {0x00, 0x80, 0xa0, 0xb0, 0xb8};
    size_t per_cell = t->charset == TERM_BRAILLE ? 2 : 1, room = (size_t)w * per_cell;
    int steps = t->charset == TERM_BRAILLE ? 4 : 8;

    for (int i = 0; i < w; i++) {
        int level[2] = {0, 0};
        for (size_t k = 0; k < per_cell; k++) {
            double value = value_at(v, n, room, (size_t)i * per_cell + k);
            int part = level_of(value, max, levels) - floor;
            level[k] = part < 0 ? 0 : part > steps ? steps : part;
        }
        uint32_t cp = t->charset == TERM_ASCII ? ascii_heights[level[0]]
                      : t->charset == TERM_BLOCK
                          ? blocks[level[0]]
                          : 0x2800u + left[level[0]] + right[level[1]];
        if (cp != 0x2800u && cp != ' ')
            term_put(t, y, x + i, &cp, 1, 1, role);
    }
}

void chart_area(struct term *t, struct rect r, const double *v, size_t n,
                enum role role)
{
    int steps = t->charset == TERM_BRAILLE ? 4 : 8;
    double max = max_of(v, n);

    for (int row = 0; row < r.h; row++)
        area_row(t, r.y + r.h - 1 - row, r.x, r.w, row * steps, r.h * steps, v, n, max,
                 role);
}

void chart_spark(struct term *t, int y, int x, int w, const double *v, size_t n,
                 enum role role)
{
    chart_area(t, (struct rect){y, x, 1, w}, v, n, role);
}

int chart_heat(struct term *t, struct rect r, const double *v, size_t n, double max)
{
    size_t cells = (size_t)(r.w > 0 ? r.w : 0) * (size_t)(r.h > 0 ? r.h : 0);
    const uint32_t none = t->charset == TERM_ASCII ? '.' : 0xb7;

    if (!cells || !n)
        return 0;
    size_t share = (n + cells - 1) / cells, used = (n + share - 1) / share;
    for (size_t i = 0; i < used; i++) {
        double worst = 0;
        for (size_t k = i * share; k < n && k < (i + 1) * share; k++)
            if (isfinite(v[k]) && v[k] > worst)
                worst = v[k];
        int level = level_of(worst, max, 8);
        enum role role = level == 0  ? ROLE_MUTED
                         : level < 4 ? ROLE_OK
                         : level < 7 ? ROLE_WARN
                                     : ROLE_ERROR;
        const uint32_t *cp =
            t->charset == TERM_ASCII ? &ascii_heights[level] : &blocks[level];
        term_put(t, r.y + (int)(i / (size_t)r.w), r.x + (int)(i % (size_t)r.w),
                 level ? cp : &none, 1, 1, role);
    }
    return (int)((used + (size_t)r.w - 1) / (size_t)r.w);
}
