/* When a process that died starts again, and when it is given up. Pure arithmetic on
 * the monotonic clock. */
#ifndef SUPERVISE_BACKOFF_H
#define SUPERVISE_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

#define BACKOFF_FIRST_MS    100
#define BACKOFF_CAP_MS      5000
#define BACKOFF_HEALTHY_MS  10000  /* ready for this long: the past is forgotten */
#define BACKOFF_WINDOW_MS   120000 /* deaths older than this do not count */
#define BACKOFF_MAX_ORDERLY 5      /* exits with a status: the same again is likely */
#define BACKOFF_MAX_DEATHS  12     /* deaths by a signal */

struct backoff {
    int deaths, orderly; /* in the window */
    int64_t first_ms;    /* when the window began */
    uint64_t random;     /* state of the jitter, never 0 */
};
void backoff_init(struct backoff *b, uint64_t seed);
/* A process that was ready for healthy_ms died at now_ms, by an exit status or a
 * signal. false: given up. */
bool backoff_death(struct backoff *b, int64_t now_ms, int64_t healthy_ms,
                   bool by_signal);
/* How long to wait now: doubles with each death up to the cap, ± 25 % of jitter. */
int64_t backoff_delay(struct backoff *b);
void backoff_forget(struct backoff *b);

#endif
