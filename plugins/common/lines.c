/* Lines out of an input.
 *
 * in: bytes. out: lines with number, offset and length. Called by the plugins. Always
 * holds: a line longer than the limit costs no more memory than the limit; its first
 * bytes are kept, its whole length is told. */
#include "lines.h"

#include <stdlib.h>
#include <string.h>
#include "plug.h"

void lines_init(struct lines *l, struct input in, size_t limit)
{
    memset(l, 0, sizeof(*l));
    l->in = in;
    l->limit = limit;
}

void lines_close(struct lines *l)
{
    input_close(&l->in);
    free(l->kept);
    l->kept = NULL;
}

static size_t without_cr(const char *p, size_t n)
{
    return n > 0 && p[n - 1] == '\r' ? n - 1 : n;
}

/* An over-long line begins: what lies before it is kept for its place's fingerprint. */
static void begin_long(struct lines *l)
{
    size_t n = l->in.at < INPUT_HISTORY ? l->in.at : INPUT_HISTORY;
    memcpy(l->history, l->in.buf + l->in.at - n, n);
    l->history_len = n;
    l->long_start = l->in.offset;
}

/* Put bytes [at, at + n) away as part of an over-long line. */
static int pass_over(struct lines *l, size_t n, char *error)
{
    if (!l->kept && !(l->kept = malloc(l->limit)))
        return plug_error(error, -1, "%s: out of memory", l->in.path);
    if (l->long_len == 0)
        begin_long(l);
    size_t room = l->limit - l->kept_len;
    size_t copy = n < room ? n : room;
    memcpy(l->kept + l->kept_len, l->in.buf + l->in.at, copy);
    l->kept_len += copy;
    l->long_len += n;
    input_take(&l->in, n);
    l->scanned = 0;
    return 0;
}

static void long_line(struct lines *l, struct line *out)
{
    *out = (struct line){l->kept, l->kept_len, l->line + 1, l->long_start, l->long_len};
}

static void finish_line(struct lines *l, struct line *out, size_t n, size_t take)
{
    if (l->long_len > 0) {
        pass_over(l, n, NULL);
        long_line(l, out);
        l->kept_len = 0;
        l->long_len = 0;
        input_take(&l->in, take - n);
    } else {
        const char *p = l->in.buf + l->in.at;
        size_t text = without_cr(p, n);
        *out = (struct line){p, text, l->line + 1, l->in.offset, text};
        input_take(&l->in, take);
    }
    l->line++;
    l->scanned = 0;
}

/* Nothing complete is there: what lies pending. */
static enum line_state pending(struct lines *l, struct line *out)
{
    size_t have = l->in.end - l->in.at;
    if (have == 0 && l->long_len == 0)
        return LINE_NONE;
    const char *p = l->in.buf + l->in.at;
    size_t text = without_cr(p, have);
    *out = (struct line){p, text, l->line + 1, l->in.offset, text};
    if (l->long_len > 0) {
        long_line(l, out);
        out->length += have;
    }
    return LINE_PARTIAL;
}

enum line_state lines_next(struct lines *l, struct line *out, char *error)
{
    for (;;) {
        size_t have = l->in.end - l->in.at;
        const char *p = l->in.buf + l->in.at;
        const char *lf = memchr(p + l->scanned, '\n', have - l->scanned);
        if (lf) {
            finish_line(l, out, (size_t)(lf - p), (size_t)(lf - p) + 1);
            return LINE_OK;
        }
        l->scanned = have;
        if ((l->long_len > 0 || have > l->limit) && have > 0 &&
            pass_over(l, have, error) < 0)
            return LINE_FAIL;
        enum input_state st = input_more(&l->in, error);
        if (st == INPUT_FAIL)
            return LINE_FAIL;
        if (st == INPUT_SHORT)
            return LINE_SHORT;
        if (st == INPUT_END)
            return pending(l, out);
    }
}

void lines_take_partial(struct lines *l, struct line *out)
{
    size_t have = l->in.end - l->in.at;
    finish_line(l, out, have, have);
}
