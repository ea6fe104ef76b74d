/* The latest snapshot of each feed, with the time it came, and a short history of the
 * stages' rates for sparklines. */
#ifndef UI_FEEDS_H
#define UI_FEEDS_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include "base/map.h"

#define FEEDS_MAX    24
#define FEEDS_SERIES 120

struct feed {
    char *name;
    json_t *data;  /* reference held */
    int64_t at_ms; /* monotonic time of arrival */
};
struct feeds {
    struct feed v[FEEDS_MAX];
    size_t n;
    struct map rates; /* stage name → struct feeds_series * */
};
struct feeds_series {
    double v[FEEDS_SERIES]; /* oldest first */
    size_t n;
};

void feeds_init(struct feeds *f);
void feeds_release(struct feeds *f);
/* Takes data. When there is no room, the feed that came longest ago goes. The pushes of
 * a log hold only what is new (wire.h: seq): they are put behind the lines that are
 * there. */
void feeds_put(struct feeds *f, const char *name, json_t *data, int64_t now_ms);
/* Snapshot, borrowed until the next put of that name; NULL when none came yet. */
json_t *feeds_get(const struct feeds *f, const char *name);
/* Rates of a stage as a new JSON array. */
json_t *feeds_rates(const struct feeds *f, const char *stage);

#endif
