/* Arrival times of lines, from a side file (CSV: line,arrival_ms; plain or gzip). */
#ifndef PLUGINS_POS_ARRIVAL_H
#define PLUGINS_POS_ARRIVAL_H

#include "../common/csv.h"

struct arrival {
    struct csv csv;
    bool is_open, is_at_end;
    uint64_t line; /* the row at hand: this line … */
    int64_t ms;    /* … arrived then */
};

/* setting: "auto" looks for X.arrival.csv.gz and X.arrival.csv beside X.jsonl[.gz], ""
 * is none, else a path. 0 (is_open tells whether there is one) or -1 with error. */
int arrival_open(struct arrival *a, const char *setting, const char *path, char *error);
void arrival_close(struct arrival *a);
/* Arrival of a line; lines must be asked for in rising order. *ms is WEIR_TIME_UNKNOWN
 * for a line that has none. 0 or -1 with error naming file and line. */
int arrival_of(struct arrival *a, uint64_t line, int64_t *ms, char *error);

#endif
