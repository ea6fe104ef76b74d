/* Writing JSON into memory that is known to be large enough: open with the most bytes
 * it can take, write, close. No checks and no formatting library on the way. */
#ifndef STREAM_STREAM_PEN_H
#define STREAM_STREAM_PEN_H

#include "base/buf.h"
#include "base/decimal.h"
#include "base/timeutil.h"

struct pen {
    char *p;
    struct buf *out;
};

/* The date last written, as text: times come in runs of one day. */
struct pen_date {
    int64_t day;
    char text[12]; /* "2017-12-24T" */
};

/* Appends to out; false (and out failed) when it cannot hold most more bytes. */
static inline bool pen_open(struct pen *w, struct buf *out, size_t most)
{
    w->out = out;
    if (buf_reserve(out, most) < 0)
        return false;
    w->p = out->data + out->len;
    return true;
}

static inline void pen_close(struct pen *w)
{
    w->out->len = (size_t)(w->p - w->out->data);
    *w->p = '\0';
}

static inline void pen_bytes(struct pen *w, const void *p, size_t n)
{
    memcpy(w->p, p, n);
    w->p += n;
}
#define PEN(w, literal) pen_bytes(w, literal, sizeof(literal) - 1)

static inline void pen_str(struct pen *w, struct str s)
{
    pen_bytes(w, s.p, s.n);
}

static inline void pen_c(struct pen *w, char c)
{
    *w->p++ = c;
}

static inline void pen_i64(struct pen *w, int64_t v)
{
    char text[24], *p = text + sizeof text;
    uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    do
        *--p = (char)('0' + u % 10);
    while (u /= 10);
    if (v < 0)
        *--p = '-';
    pen_bytes(w, p, (size_t)(text + sizeof text - p));
}

static inline void pen_cents(struct pen *w, int64_t cents)
{
    char text[24];
    pen_bytes(w, text, (size_t)decimal_cents_text(cents, text));
}

static inline void pen_flag(struct pen *w, bool v)
{
    if (v)
        PEN(w, "true");
    else
        PEN(w, "false");
}

static inline void pen_2(char *p, int v)
{
    p[0] = (char)('0' + v / 10);
    p[1] = (char)('0' + v % 10);
}

static inline void pen_date_set(struct pen_date *d, int64_t day)
{
    struct time_civil t = time_civil_of(day * 86400000);
    d->day = day;
    pen_2(d->text, t.year / 100 % 100);
    pen_2(d->text + 2, t.year % 100);
    d->text[4] = d->text[7] = '-';
    pen_2(d->text + 5, t.month);
    pen_2(d->text + 8, t.day);
    d->text[10] = 'T';
}

/* "2017-12-24T16:35:00Z"; milliseconds are cut off. */
static inline void pen_iso(struct pen *w, struct pen_date *d, int64_t ms)
{
    int64_t day = ms / 86400000 - (ms % 86400000 < 0);
    int s = (int)((ms - day * 86400000) / 1000);
    if (d->day != day || !d->text[0])
        pen_date_set(d, day);
    pen_bytes(w, d->text, 11);
    pen_2(w->p, s / 3600);
    w->p[2] = w->p[5] = ':';
    pen_2(w->p + 3, s / 60 % 60);
    pen_2(w->p + 6, s % 60);
    w->p[8] = 'Z';
    w->p += 9;
}

#endif
