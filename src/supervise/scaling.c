/* The rule of scaling.h. In: lag, rate, time. Out: a number of workers. Called by
 * scale.c at each report. Always holds: a single look decides nothing; a step down that
 * had to be taken back makes the next one wait twice as long, so that a load between
 * two sizes does not make the job restart for ever. */
#include "supervise/scaling.h"

#include <stdbool.h>

void scaling_init(struct scaling *s, int min, int max, int64_t target_ms, int64_t up_ms,
                  int64_t down_ms)
{
    *s = (struct scaling){.min = min,
                          .max = max < min ? min : max,
                          .target_ms = target_ms,
                          .up_ms = up_ms,
                          .down_ms = down_ms,
                          .wait_ms = down_ms,
                          .shrunk_ms = -1};
    scaling_restart(s);
}

void scaling_restart(struct scaling *s)
{
    s->over_ms = s->under_ms = -1;
}

/* Since when is it so? */
static bool lasts(int64_t *since, bool is_so, int64_t mono_ms, int64_t long_ms)
{
    if (!is_so) {
        *since = -1;
        return false;
    }
    if (*since < 0)
        *since = mono_ms;
    return mono_ms - *since >= long_ms;
}

static int grow(struct scaling *s, int n, int64_t mono_ms)
{
    if (s->shrunk_ms >= 0 && mono_ms - s->shrunk_ms < 2 * s->wait_ms) {
        s->wait_ms = s->wait_ms * 2;
        if (s->wait_ms > SCALING_DOWN_MAX)
            s->wait_ms = SCALING_DOWN_MAX;
    }
    s->shrunk_ms = -1;
    return n * 2 > s->max ? s->max : n * 2;
}

static int shrink(struct scaling *s, int n, int64_t mono_ms)
{
    s->shrunk_ms = mono_ms;
    return n - 1;
}

int scaling_judge(struct scaling *s, int n, int64_t lag, double rate, int64_t mono_ms)
{
    double behind_ms = lag <= 0 ? 0 : rate > 0 ? (double)lag * 1000 / rate : 1e18;
    bool is_long =
        lasts(&s->over_ms, behind_ms > (double)s->target_ms, mono_ms, s->up_ms);
    bool is_easy =
        lasts(&s->under_ms, behind_ms * 4 <= (double)s->target_ms, mono_ms, s->wait_ms);
    if (s->shrunk_ms >= 0 && mono_ms - s->shrunk_ms >= 2 * s->wait_ms) {
        s->wait_ms = s->down_ms; /* the step down held */
        s->shrunk_ms = -1;
    }
    if (n < s->min || n > s->max)
        return n < s->min ? s->min : s->max;
    if (is_long && n < s->max)
        return grow(s, n, mono_ms);
    return is_easy && n > s->min ? shrink(s, n, mono_ms) : n;
}
