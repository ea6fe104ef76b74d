/* CSV records out of an input, parsed in place.
 *
 * in: bytes. out: fields. Called by the snapshot reader and by pos for arrival times.
 * Always holds: one bad line costs one line. An unclosed quote would swallow the rest
 * of the file; instead the line it began on is handed out as bad and reading goes on
 * behind that line. */
#include "csv.h"

#include <stdlib.h>
#include <string.h>
#include "plug.h"

void csv_init(struct csv *c, struct input in)
{
    memset(c, 0, sizeof(*c));
    c->in = in;
    c->line = 1;
}

void csv_close(struct csv *c)
{
    input_close(&c->in);
    free(c->text);
    c->text = NULL;
}

enum parse {
    PARSE_OK,
    PARSE_MORE, /* the record may go on behind what is there */
    PARSE_BAD,
};

struct cursor {
    struct csv *c;
    const char *p, *end;
    bool is_last; /* nothing comes behind end */
};

static bool at_eol(const struct cursor *k)
{
    return k->p < k->end &&
           (*k->p == '\n' || (*k->p == '\r' && k->p + 1 < k->end && k->p[1] == '\n'));
}

static enum parse bad(struct cursor *k, const char *what)
{
    k->c->what = what;
    return PARSE_BAD;
}

/* Body of a quoted field, behind its opening quote, into c->text. */
static enum parse quoted(struct cursor *k, struct csv_field *f)
{
    struct csv *c = k->c;
    size_t start = c->text_len;
    for (;;) {
        const char *q = memchr(k->p, '"', (size_t)(k->end - k->p));
        if (!q)
            return k->is_last ? bad(k, "a quote is not closed") : PARSE_MORE;
        if (q + 1 == k->end && !k->is_last)
            return PARSE_MORE;
        size_t n = (size_t)(q - k->p);
        bool is_doubled = q + 1 < k->end && q[1] == '"';
        memcpy(c->text + c->text_len, k->p, n + is_doubled);
        c->text_len += n + is_doubled;
        k->p = q + 1 + is_doubled;
        if (!is_doubled)
            break;
    }
    *f = (struct csv_field){c->text + start, c->text_len - start, true};
    if (k->p + 1 == k->end && *k->p == '\r' && !k->is_last)
        return PARSE_MORE;
    if (k->p < k->end && *k->p != ',' && !at_eol(k))
        return bad(k, "text behind a closing quote");
    return PARSE_OK;
}

static enum parse unquoted(struct cursor *k, struct csv_field *f)
{
    const char *start = k->p;
    while (k->p < k->end && *k->p != ',' && *k->p != '\n')
        k->p++;
    if (k->p == k->end && !k->is_last)
        return PARSE_MORE;
    size_t n = (size_t)(k->p - start);
    if (n > 0 && (k->p == k->end || *k->p == '\n') && start[n - 1] == '\r')
        n--;
    *f = (struct csv_field){start, n, false};
    return PARSE_OK;
}

/* One record at k->p, which is moved behind its line end. */
static enum parse record(struct cursor *k)
{
    struct csv *c = k->c;
    c->n = 0;
    c->text_len = 0;
    for (;;) {
        if (c->n == CSV_FIELDS_MAX)
            return bad(k, "more than 1024 fields");
        bool is_quoted = k->p < k->end && *k->p == '"';
        k->p += is_quoted;
        struct csv_field *f = &c->fields[c->n++];
        enum parse rc = is_quoted ? quoted(k, f) : unquoted(k, f);
        if (rc != PARSE_OK)
            return rc;
        if (k->p == k->end) /* a quoted field may end where the buffer does */
            return k->is_last ? PARSE_OK : PARSE_MORE;
        if (*k->p == ',') {
            k->p++;
            continue;
        }
        k->p += *k->p == '\r' ? 2 : 1;
        return PARSE_OK;
    }
}

/* The text buffer must hold the longest record before parsing: fields point into it. */
static int make_text(struct csv *c, size_t n, char *error)
{
    if (c->text_cap >= n)
        return 0;
    free(c->text);
    c->text_cap = 0;
    if (!(c->text = malloc(n * 2)))
        return plug_error(error, -1, "%s: out of memory", c->in.path);
    c->text_cap = n * 2;
    return 0;
}

static void take(struct csv *c, size_t n)
{
    c->record_line = c->line;
    c->raw = c->in.buf + c->in.at;
    for (const char *p = c->raw, *end = p + n; p < end; p++) {
        if (!(p = memchr(p, '\n', (size_t)(end - p))))
            break;
        c->line++;
    }
    input_take(&c->in, n);
    while (n > 0 && (c->raw[n - 1] == '\n' || c->raw[n - 1] == '\r'))
        n--;
    c->raw_len = n;
}

/* Give up on the physical line at at. */
static enum csv_state bad_line(struct csv *c)
{
    const char *p = c->in.buf + c->in.at;
    size_t have = c->in.end - c->in.at;
    const char *lf = memchr(p, '\n', have);
    c->n = 0;
    take(c, lf ? (size_t)(lf - p) + 1 : have);
    return CSV_BAD;
}

static void skip_mark_and_empty(struct csv *c)
{
    const char *p = c->in.buf + c->in.at;
    size_t have = c->in.end - c->in.at;
    if (c->in.offset == 0 && have >= 3 && !memcmp(p, "\xef\xbb\xbf", 3))
        input_take(&c->in, 3);
    for (;;) {
        p = c->in.buf + c->in.at;
        have = c->in.end - c->in.at;
        size_t n = have > 0 && *p == '\n' ? 1 : 0;
        if (have > 1 && p[0] == '\r' && p[1] == '\n')
            n = 2;
        if (n == 0)
            return;
        input_take(&c->in, n);
        c->line++;
    }
}

enum csv_state csv_next(struct csv *c, char *error)
{
    enum input_state st = INPUT_MORE;
    for (;;) {
        skip_mark_and_empty(c);
        size_t have = c->in.end - c->in.at;
        const char *p = c->in.buf + c->in.at;
        if (have > 0) {
            if (make_text(c, have, error) < 0)
                return CSV_FAIL;
            struct cursor k = {c, p, p + have, st == INPUT_END};
            enum parse rc = record(&k);
            if (rc == PARSE_OK) {
                take(c, (size_t)(k.p - p));
                return CSV_OK;
            }
            if (rc == PARSE_BAD)
                return bad_line(c);
            if (have > CSV_RECORD_MAX) {
                c->what = "a record of more than 1 MiB: probably a quote is not closed";
                return bad_line(c);
            }
        }
        if (st == INPUT_END)
            return CSV_END;
        st = input_more(&c->in, error);
        if (st == INPUT_FAIL)
            return CSV_FAIL;
        if (st == INPUT_SHORT)
            return CSV_SHORT;
    }
}
