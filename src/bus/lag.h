/* Lag verdicts from samples of (committed, end) per partition, by Burrow's rules: no
 * threshold on the size of the lag. Pure logic, no bus handle. */
#ifndef BUS_LAG_H
#define BUS_LAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LAG_VERDICT_MAP(X)                                                              \
    X(UNKNOWN, "unknown") /* the window is not full yet */                              \
    X(OK, "ok")                                                                         \
    X(WARN, "warn")     /* offsets move, lag never drops */                             \
    X(STALL, "stall")   /* commits come, offset does not move, lag > 0 */               \
    X(STOP, "stop")     /* no commit for longer than the window's span */               \
    X(REWIND, "rewind") /* committed went back */                                       \
    X(LOST, "lost")     /* committed < log start: data lost */
enum lag_verdict {
#define X(name, text) LAG_##name,
    LAG_VERDICT_MAP(X)
#undef X
};
const char *lag_verdict_name(enum lag_verdict v);

#define LAG_WINDOW 10
struct lag_sample {
    int64_t at_ms, committed, start, end, committed_ms;
};
struct lag_window {
    struct lag_sample s[LAG_WINDOW]; /* ring */
    size_t n, head;
};
void lag_add(struct lag_window *w, const struct lag_sample *s);
/* floor_messages and floor_ms: a lag under both is OK (Burrow#223). */
enum lag_verdict lag_judge(const struct lag_window *w, int64_t now_ms,
                           int64_t floor_messages, int64_t floor_ms);

#endif
