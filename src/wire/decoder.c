/* Framing: newline-delimited JSON objects out of a byte stream, and into one.
 *
 * in: bytes in any pieces. out: one object per line. Called by both ends of the worker
 * channel and of the control socket. Always holds: a line that is not JSON costs that
 * line only (the caller may go on with the next); a line longer than WIRE_LINE_MAX is
 * an error that stays, because there is no telling where the next message begins. */
#include "wire/wire.h"

#include <string.h>

/* One full line plus what a single read may add behind it. */
#define DECODER_MAX ((size_t)WIRE_LINE_MAX * 2)

void wire_decoder_init(struct wire_decoder *d)
{
    buf_init(&d->pending, DECODER_MAX);
    d->at = 0;
    d->scanned = 0;
}

void wire_decoder_release(struct wire_decoder *d)
{
    buf_release(&d->pending);
    d->at = 0;
    d->scanned = 0;
}

/* Drop the bytes already handed out once they are worth moving for. */
static void decoder_compact(struct wire_decoder *d)
{
    if (d->at == 0)
        return;
    size_t left = d->pending.len - d->at;
    if (left > 0 && d->at < 65536)
        return;
    if (left > 0)
        memmove(d->pending.data, d->pending.data + d->at, left);
    d->pending.len = left;
    if (d->pending.data)
        d->pending.data[left] = '\0';
    d->scanned = d->scanned > d->at ? d->scanned - d->at : 0;
    d->at = 0;
    if (left == 0 && d->pending.cap > 1024 * 1024)
        buf_release(&d->pending);
}

int wire_decoder_feed(struct wire_decoder *d, const void *p, size_t n, struct err *e)
{
    decoder_compact(d);
    if (d->pending.max == 0)
        d->pending.max = DECODER_MAX;
    buf_add(&d->pending, p, n);
    return buf_check(&d->pending, "message", e);
}

static int decoder_parse(const char *line, size_t n, json_t **out, struct err *e)
{
    json_error_t why;
    json_t *v = json_loadb(line, n, JSON_REJECT_DUPLICATES, &why);
    if (!v)
        return err_set(e, ERR_PROTOCOL, "message is not JSON: %s (byte %d)", why.text,
                       why.position);
    if (!json_is_object(v)) {
        json_decref(v);
        return err_set(e, ERR_PROTOCOL, "message is not a JSON object");
    }
    *out = v;
    return 1;
}

int wire_decoder_next(struct wire_decoder *d, json_t **out, struct err *e)
{
    for (;;) {
        if (!d->pending.data || d->at >= d->pending.len)
            return 0;
        size_t from = d->scanned > d->at ? d->scanned : d->at;
        const char *end = memchr(d->pending.data + from, '\n', d->pending.len - from);
        size_t stop = end ? (size_t)(end - d->pending.data) : d->pending.len;
        if (stop - d->at > WIRE_LINE_MAX)
            return err_set(e, ERR_LIMIT, "message is longer than %u bytes",
                           WIRE_LINE_MAX);
        d->scanned = stop;
        if (!end)
            return 0;
        const char *line = d->pending.data + d->at;
        size_t n = stop - d->at;
        d->at = d->scanned = stop + 1;
        if (n > 0 && line[n - 1] == '\r')
            n--;
        if (n > 0)
            return decoder_parse(line, n, out, e);
    }
}

static int encode_chunk(const char *p, size_t n, void *arg)
{
    return buf_add(arg, p, n) < 0 ? -1 : 0;
}

int wire_encode(const json_t *msg, struct buf *out, struct err *e)
{
    size_t before = out->len;
    int rc = json_dump_callback(msg, encode_chunk, out, JSON_COMPACT);
    buf_addc(out, '\n');
    if (out->failed)
        return buf_check(out, "message", e);
    if (rc < 0)
        return err_set(e, ERR_PROTOCOL, "message cannot be written as JSON");
    if (out->len - before > WIRE_LINE_MAX)
        return err_set(e, ERR_LIMIT, "message of %zu bytes, at most %u",
                       out->len - before, WIRE_LINE_MAX);
    return 0;
}
