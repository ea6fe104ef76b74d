/* Lag verdicts from samples of (committed, end) per partition, by Burrow's rules: no
 * threshold on the size of the lag. Pure logic, no bus handle. */
#ifndef LAG_LAG_H
#define LAG_LAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In the order of gravity: the verdict of a group is the highest of its partitions. */
#define LAG_VERDICT_MAP(X)                                                             \
    X(OK, "ok")                                                                        \
    X(UNKNOWN, "unknown") /* the window is not full yet */                             \
    X(WARN, "warn")       /* offsets move, lag never drops */                          \
    X(REWIND, "rewind")   /* committed went back and has not come up again */          \
    X(STALL, "stall")     /* commits come, offset does not move, lag > 0 */            \
    X(STOP, "stop")       /* no commit for longer than the window's span */            \
    X(LOST, "lost")       /* committed < log start: data lost */
enum lag_verdict {
#define X(name, text) LAG_##name,
    LAG_VERDICT_MAP(X)
#undef X
};
const char *lag_verdict_name(enum lag_verdict v);

#define LAG_WINDOW 10
/* One look at a partition. at_ms: when; committed: the group's offset, -1 none, and
 * committed_ms the time of that commit; start, end: of the log. One clock for both
 * times. */
struct lag_sample {
    int64_t at_ms, committed, start, end, committed_ms;
};
struct lag_window {
    struct lag_sample s[LAG_WINDOW]; /* ring */
    size_t n, head;                  /* head: where the next one goes */
};
void lag_add(struct lag_window *w, const struct lag_sample *s);
/* Oldest (0) to newest (n - 1). */
const struct lag_sample *lag_at(const struct lag_window *w, size_t i);
/* Records not read yet; without a commit all that are retained. */
int64_t lag_records(const struct lag_sample *s);
/* For how long what is at the committed offset has been waiting, in ms: the time at
 * which the end passed it, interpolated between samples; beyond the window
 * extrapolated. 0 when nothing waits, -1 unknown (kafka-lag-exporter's rule). */
int64_t lag_behind_ms(const struct lag_window *w, int64_t now_ms);
/* floor_messages and floor_ms: a lag under both is OK (Burrow#223). */
enum lag_verdict lag_judge(const struct lag_window *w, int64_t now_ms,
                           int64_t floor_messages, int64_t floor_ms);

#endif
