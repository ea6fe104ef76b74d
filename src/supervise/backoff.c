/* Restart policy (backoff.h): exponential backoff with jitter and cap, reset after a
 * healthy while, N deaths in T give up. in: deaths. out: delays and the verdict. Called
 * by proc.c. Always holds: the delay is within [75 %, 125 %] of the doubled step. */
#include "supervise/backoff.h"

void backoff_init(struct backoff *b, uint64_t seed)
{
    *b = (struct backoff){.random = seed ? seed : 1};
}

void backoff_forget(struct backoff *b)
{
    b->deaths = b->orderly = 0;
    b->first_ms = 0;
}

bool backoff_death(struct backoff *b, int64_t now_ms, int64_t healthy_ms,
                   bool by_signal)
{
    if (healthy_ms >= BACKOFF_HEALTHY_MS || now_ms - b->first_ms > BACKOFF_WINDOW_MS)
        backoff_forget(b);
    if (b->deaths == 0)
        b->first_ms = now_ms;
    b->deaths++;
    if (!by_signal)
        b->orderly++;
    return b->deaths < BACKOFF_MAX_DEATHS && b->orderly < BACKOFF_MAX_ORDERLY;
}

/* xorshift64*: jitter needs no more. */
static uint64_t backoff_random(struct backoff *b)
{
    b->random ^= b->random >> 12;
    b->random ^= b->random << 25;
    b->random ^= b->random >> 27;
    return b->random * UINT64_C(2685821657736338717);
}

int64_t backoff_delay(struct backoff *b)
{
    int64_t step = BACKOFF_FIRST_MS;
    for (int i = 1; i < b->deaths && step < BACKOFF_CAP_MS; i++)
        step *= 2;
    if (step > BACKOFF_CAP_MS)
        step = BACKOFF_CAP_MS;
    int64_t jitter = (int64_t)(backoff_random(b) >> 33) % (step / 2 + 1);
    return step - step / 4 + jitter;
}
