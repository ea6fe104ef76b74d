/* How many workers a stream job should have: the rule, on lag and time alone. Pure; the
 * caller (scale.c) measures, asks and does it. */
#ifndef SUPERVISE_SCALING_H
#define SUPERVISE_SCALING_H

#include <stdint.h>

#define SCALING_UP_MS   5000   /* behind for this long: more workers */
#define SCALING_DOWN_MS 300000 /* at ease for this long: one fewer */
#define SCALING_DOWN_MAX                                                               \
    3600000 /* longest wait after a step down that was too early                       \
             */

struct scaling {
    int min, max;              /* 1 <= min <= max */
    int64_t target_ms;         /* lag, as time to catch up, that is tolerated */
    int64_t up_ms, down_ms;    /* how long it must last */
    int64_t wait_ms;           /* down_ms, doubled by each step down taken back */
    int64_t over_ms, under_ms; /* monotonic: since when, -1: it is not so */
    int64_t shrunk_ms;         /* the last step down, -1: none */
};
void scaling_init(struct scaling *s, int min, int max, int64_t target_ms, int64_t up_ms,
                  int64_t down_ms);
/* Workers wanted, where n work now: n, twice as many (never more than max), or one
 * fewer (never fewer than min). lag: records not read yet; rate: records read a second.
 * A job that reads nothing of what it has to read is behind. Between a lag that is
 * tolerated and a quarter of it nothing changes. */
int scaling_judge(struct scaling *s, int n, int64_t lag, double rate, int64_t mono_ms);
/* n changed (or the workers were just started): what was measured before says nothing.
 */
void scaling_restart(struct scaling *s);

#endif
