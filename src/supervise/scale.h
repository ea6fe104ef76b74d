/* Inside supervise/: how many workers a stream job has (scale.c). */
#ifndef SUPERVISE_SCALE_H
#define SUPERVISE_SCALE_H

#include "supervise/sup.h"

/* Its units, as many as it begins with. */
void scale_make(struct sup *s, const struct conf_stream *conf);
void scales_free(struct sup *s); /* before the units go */
/* A worker's process changed state. */
void scale_moved(struct unit *u);
bool scales_are_changing(const struct sup *s);
const char *scale_name(const struct unit *u); /* of its job */
/* How many workers there are or will be, and between which numbers that moves. */
int scale_count(const struct unit *u);
void scale_range(const struct unit *u, int *min, int *max);
/* Where a report of this unit goes: its figures, or aside until all have reported. */
json_t **scale_report(struct unit *u);
void scale_reported(struct unit *u);
/* Figures of all workers of this one's job together. New reference. */
json_t *scale_figures(const struct unit *u);

#endif
