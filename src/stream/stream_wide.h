/* 256-bit products, for the one comparison that can pass 128 bits. */
#ifndef STREAM_STREAM_WIDE_H
#define STREAM_STREAM_WIDE_H

#include <stdbool.h>
#include "base/decimal.h"

struct wide {
    u128 hi, lo;
};

static inline struct wide wide_mul(u128 a, u128 b)
{
    u128 mask = ((u128)1 << 64) - 1;
    u128 a0 = a & mask, a1 = a >> 64, b0 = b & mask, b1 = b >> 64;
    u128 low = a0 * b0, mid = a1 * b0 + (low >> 64), mid2 = a0 * b1 + (mid & mask);
    return (struct wide){a1 * b1 + (mid >> 64) + (mid2 >> 64),
                         mid2 << 64 | (low & mask)};
}

/* a * b; the caller knows that it fits. */
static inline struct wide wide_scale(struct wide a, u128 b)
{
    struct wide low = wide_mul(a.lo, b);
    return (struct wide){low.hi + a.hi * b, low.lo};
}

static inline struct wide wide_sub(struct wide a, struct wide b)
{
    return (struct wide){a.hi - b.hi - (a.lo < b.lo), a.lo - b.lo};
}

static inline bool wide_less(struct wide a, struct wide b)
{
    return a.hi < b.hi || (a.hi == b.hi && a.lo < b.lo);
}

#endif
