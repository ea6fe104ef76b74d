/* Lag verdicts by Burrow's rules (core/internal/evaluator/caching.go), over samples
 * taken at even intervals instead of at commits, so that a group that stopped before
 * the window was full is seen too. Called by lag_worker.c and by `weir lag`. */
#include "lag/lag.h"

const char *lag_verdict_name(enum lag_verdict v)
{
    static const char *const names[] = {
#define X(name, text) text,
        LAG_VERDICT_MAP(X)
#undef X
    };
    return (size_t)v < sizeof names / sizeof *names ? names[v] : "unknown";
}

void lag_add(struct lag_window *w, const struct lag_sample *s)
{
    w->s[w->head] = *s;
    w->head = (w->head + 1) % LAG_WINDOW;
    if (w->n < LAG_WINDOW)
        w->n++;
}

const struct lag_sample *lag_at(const struct lag_window *w, size_t i)
{
    return &w->s[(w->head + LAG_WINDOW - w->n + i) % LAG_WINDOW];
}

int64_t lag_records(const struct lag_sample *s)
{
    int64_t from = s->committed < s->start ? s->start : s->committed;
    return s->end > from ? s->end - from : 0;
}

/* When the end was at offset, on the line through two samples. */
static int64_t when(const struct lag_sample *a, const struct lag_sample *b,
                    int64_t offset)
{
    double share = (double)(offset - a->end) / (double)(b->end - a->end);
    return a->at_ms + (int64_t)(share * (double)(b->at_ms - a->at_ms));
}

int64_t lag_behind_ms(const struct lag_window *w, int64_t now_ms)
{
    if (w->n == 0)
        return -1;
    const struct lag_sample *newest = lag_at(w, w->n - 1);
    if (lag_records(newest) == 0)
        return 0;
    int64_t offset =
        newest->committed < newest->start ? newest->start : newest->committed;
    const struct lag_sample *first = lag_at(w, 0);
    if (first->end >=
        newest->end) /* nothing arrived: at least since the oldest sample */
        return w->n < 2 ? -1 : now_ms - first->at_ms;
    int64_t at = when(first, newest, offset); /* beyond the window */
    for (size_t i = 0; i + 1 < w->n; i++) {
        const struct lag_sample *a = lag_at(w, i), *b = lag_at(w, i + 1);
        if (a->end <= offset && offset < b->end)
            at = when(a, b, offset);
    }
    return now_ms > at ? now_ms - at : 0;
}

static bool had_no_lag(const struct lag_window *w)
{
    for (size_t i = 0; i < w->n; i++)
        if (lag_records(lag_at(w, i)) == 0)
            return true;
    return false;
}

static bool went_back(const struct lag_window *w)
{
    int64_t last = lag_at(w, w->n - 1)->committed;
    for (size_t i = 0; i + 1 < w->n; i++)
        if (lag_at(w, i)->committed > last)
            return true;
    return false;
}

static bool did_not_move(const struct lag_window *w)
{
    for (size_t i = 1; i < w->n; i++)
        if (lag_at(w, i)->committed != lag_at(w, 0)->committed)
            return false;
    return true;
}

static bool never_drops(const struct lag_window *w)
{
    for (size_t i = 1; i < w->n; i++)
        if (lag_records(lag_at(w, i)) < lag_records(lag_at(w, i - 1)))
            return false;
    return true;
}

enum lag_verdict lag_judge(const struct lag_window *w, int64_t now_ms,
                           int64_t floor_messages, int64_t floor_ms)
{
    if (w->n == 0)
        return LAG_UNKNOWN;
    const struct lag_sample *first = lag_at(w, 0), *last = lag_at(w, w->n - 1);
    if (last->committed >= 0 && last->committed < last->start)
        return LAG_LOST;
    int64_t lag = lag_records(last), behind = lag_behind_ms(w, now_ms);
    if (lag == 0 || (lag <= floor_messages && behind >= 0 && behind <= floor_ms))
        return LAG_OK;
    if (w->n < LAG_WINDOW)
        return LAG_UNKNOWN;
    bool was_idle = had_no_lag(w);
    if (now_ms - last->committed_ms > last->at_ms - first->at_ms && !was_idle)
        return LAG_STOP;
    if (went_back(w))
        return LAG_REWIND;
    if (was_idle)
        return LAG_OK;
    if (did_not_move(w))
        return LAG_STALL;
    return never_drops(w) ? LAG_WARN : LAG_OK;
}
