/* Rows of a table file as flat JSON objects.
 *
 * in: CSV or JSON. out: rows with their key, or rejects with reason, detail and line.
 * Called by snapshot.c. Always holds: a bad row costs that row; a file that cannot be
 * read to its end (broken gzip, broken array) is a failure, for its rows are not all
 * there. */
#include "rows.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "plug.h"

#define ROW_MAX (1u << 20)

static enum rows_state reject(struct row *out, const char *reason, const char *p,
                              size_t n, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

static enum rows_state reject(struct row *out, const char *reason, const char *p,
                              size_t n, const char *fmt, ...)
{
    va_list ap;
    out->reason = reason;
    out->raw = p;
    out->raw_len = n < ROW_MAX ? n : ROW_MAX;
    va_start(ap, fmt);
    vsnprintf(out->detail, sizeof(out->detail), fmt, ap);
    va_end(ap);
    return ROWS_REJECT;
}

/* ── CSV ─────────────────────────────────────────────────────────────────────────── */

static int header_error(struct rows *r, char *error, const char *what)
{
    return plug_error(error, -1, "%s: line %llu: %s", r->csv.in.path,
                      (unsigned long long)r->csv.record_line, what);
}

static int add_column(struct rows *r, const struct csv_field *f, char *error)
{
    for (const struct csv_field *g = r->csv.fields; g < f; g++) {
        if (g->n == f->n && !memcmp(g->p, f->p, f->n))
            return header_error(r, error, "two columns have the same name");
    }
    if (f->n == 0)
        return header_error(r, error, "a column has no name");
    if (jsonrow_utf8(f->p, f->n) < f->n || memchr(f->p, 0, f->n))
        return header_error(r, error, "a column's name is no UTF-8 text");
    if (f->n == strlen(r->key_name) && !memcmp(f->p, r->key_name, f->n))
        r->key_column = r->n_columns;
    r->name_at[r->n_columns++] = r->names.n;
    rowbuf_string(&r->names, f->p, f->n);
    rowbuf_add(&r->names, ":", 1);
    r->name_at[r->n_columns] = r->names.n;
    return 0;
}

static int read_header(struct rows *r, char *error)
{
    enum csv_state st = csv_next(&r->csv, error);
    if (st == CSV_FAIL)
        return -1;
    if (st == CSV_BAD)
        return header_error(r, error, r->csv.what);
    if (st != CSV_OK)
        return plug_error(error, -1, "%s: the file is empty: a header line expected",
                          r->csv.in.path);
    r->key_column = SIZE_MAX;
    for (size_t i = 0; i < r->csv.n; i++) {
        if (add_column(r, &r->csv.fields[i], error) < 0)
            return -1;
    }
    if (r->key_column == SIZE_MAX)
        return plug_error(error, -1,
                          "%s: line 1: no column %s; columns are %.300s (the setting "
                          "\"key\" names the key column)",
                          r->csv.in.path, r->key_name, r->csv.raw);
    return r->names.has_failed ? plug_error(error, -1, "out of memory") : 0;
}

static void csv_json(struct rows *r)
{
    const struct csv *c = &r->csv;
    r->out.n = 0;
    for (size_t i = 0; i < c->n; i++) {
        rowbuf_add(&r->out, i ? "," : "{", 1);
        rowbuf_add(&r->out, r->names.p + r->name_at[i],
                   r->name_at[i + 1] - r->name_at[i]);
        if (c->fields[i].n == 0)
            rowbuf_add(&r->out, "null", 4);
        else
            rowbuf_string(&r->out, c->fields[i].p, c->fields[i].n);
    }
    rowbuf_add(&r->out, "}", 1);
}

static enum rows_state csv_row(struct rows *r, struct row *out)
{
    const struct csv *c = &r->csv;
    if (r->key_column < c->n) {
        out->key = c->fields[r->key_column].p;
        out->key_len = c->fields[r->key_column].n;
    }
    if (c->n != r->n_columns)
        return reject(out, "ragged_row", c->raw, c->raw_len,
                      "line %llu has %zu fields, the header has %zu",
                      (unsigned long long)c->record_line, c->n, r->n_columns);
    if (memchr(c->raw, 0, c->raw_len))
        return reject(out, "nul_character", c->raw, c->raw_len, "a NUL byte");
    size_t good = jsonrow_utf8(c->raw, c->raw_len);
    if (good < c->raw_len)
        return reject(out, "invalid_utf8", c->raw, c->raw_len,
                      "byte %zu of the row is no UTF-8", good + 1);
    if (out->key_len == 0)
        return reject(out, "missing_field", c->raw, c->raw_len, "the key %s is empty",
                      r->key_name);
    csv_json(r);
    out->raw = c->raw;
    out->raw_len = c->raw_len;
    out->json = r->out.p;
    out->n = r->out.n;
    return ROWS_ROW;
}

static enum rows_state next_csv(struct rows *r, struct row *out, char *error)
{
    enum csv_state st = csv_next(&r->csv, error);
    out->line = r->csv.record_line;
    switch (st) {
    case CSV_OK:
        return csv_row(r, out);
    case CSV_BAD:
        return reject(out, "invalid_csv", r->csv.raw, r->csv.raw_len, "%s",
                      r->csv.what);
    case CSV_END:
        return ROWS_END;
    case CSV_SHORT:
        plug_error(error, 0,
                   "%s: byte %lld: the gzip file ends in the middle; get the "
                   "whole file",
                   r->csv.in.path, (long long)r->csv.in.raw_offset);
        return ROWS_FAIL;
    case CSV_FAIL:
        break;
    }
    return ROWS_FAIL;
}

/* ── JSON ────────────────────────────────────────────────────────────────────────── */

static void json_row_text(struct rows *r)
{
    const struct jsonrow *j = &r->json;
    r->out.n = 0;
    if (j->n == 0)
        rowbuf_add(&r->out, "{", 1);
    for (size_t i = 0; i < j->n; i++) {
        const struct jsonrow_value *v = &j->members[i];
        rowbuf_add(&r->out, i ? "," : "{", 1);
        rowbuf_string(&r->out, v->name, v->name_len);
        rowbuf_add(&r->out, ":", 1);
        if (v->is_null || v->n == 0)
            rowbuf_add(&r->out, "null", 4);
        else
            rowbuf_string(&r->out, v->p, v->n);
    }
    rowbuf_add(&r->out, "}", 1);
}

/* The object that was parsed from the n bytes at p. */
static enum rows_state json_row(struct rows *r, struct row *out, const char *p,
                                size_t n)
{
    const struct jsonrow_value *key = jsonrow_get(&r->json, r->key_name);
    if (!key || key->is_null || key->n == 0)
        return reject(out, "missing_field", p, n, "the key %s is missing", r->key_name);
    if (key->is_nested)
        return reject(out, "wrong_type", p, n, "the key %s is no text", r->key_name);
    json_row_text(r);
    out->raw = p;
    out->raw_len = n;
    out->key = key->p;
    out->key_len = key->n;
    out->json = r->out.p;
    out->n = r->out.n;
    return ROWS_ROW;
}

static enum rows_state next_line(struct rows *r, struct row *out, char *error)
{
    struct line line;
    enum line_state st;
    do {
        st = lines_next(&r->lines, &line, error);
        if (st == LINE_PARTIAL)
            lines_take_partial(&r->lines, &line);
    } while ((st == LINE_OK || st == LINE_PARTIAL) && line.n == 0);
    if (st == LINE_FAIL)
        return ROWS_FAIL;
    if (st == LINE_SHORT) {
        plug_error(error, 0,
                   "%s: byte %lld: the gzip file ends in the middle; get the "
                   "whole file",
                   r->lines.in.path, (long long)r->lines.in.raw_offset);
        return ROWS_FAIL;
    }
    if (st == LINE_NONE)
        return ROWS_END;
    out->line = line.number;
    if (line.length > ROW_MAX)
        return reject(out, "too_long", line.p, line.n, "the line has %llu bytes",
                      (unsigned long long)line.length);
    if (jsonrow_parse(&r->json, line.p, line.n) < 0)
        return reject(out, r->json.reason, line.p, line.n, "column %zu: %s",
                      r->json.fault_at + 1, r->json.what);
    for (size_t i = r->json.used; i < line.n; i++) {
        if (line.p[i] != ' ' && line.p[i] != '\t')
            return reject(out, "invalid_json", line.p, line.n,
                          "column %zu: text behind the object", i + 1);
    }
    return json_row(r, out, line.p, line.n);
}

/* White space taken; the next character, 0 at the end, -1. */
static int peek(struct input *in, char *error)
{
    for (;;) {
        while (in->at < in->end && strchr(" \t\r\n", in->buf[in->at]) &&
               in->buf[in->at])
            input_take(in, 1);
        if (in->at < in->end)
            return (unsigned char)in->buf[in->at];
        enum input_state st = input_more(in, error);
        if (st == INPUT_FAIL)
            return -1;
        if (st != INPUT_MORE)
            return 0;
    }
}

static enum rows_state array_error(struct rows *r, char *error, const char *what)
{
    plug_error(error, 0, "%s: byte %lld (element %llu): %s; nothing was taken from it",
               r->in.path, (long long)r->in.offset, (unsigned long long)r->n_rows + 1,
               what);
    return ROWS_FAIL;
}

static enum rows_state next_element(struct rows *r, struct row *out, char *error)
{
    int c = peek(&r->in, error);
    if (c == ']' || c <= 0)
        return c == ']' ? ROWS_END
               : c == 0 ? array_error(r, error, "the array is not closed")
                        : ROWS_FAIL;
    if (!r->is_first) {
        if (c != ',')
            return array_error(r, error, "',' or ']' expected");
        input_take(&r->in, 1);
        peek(&r->in, NULL);
    }
    r->is_first = false;
    for (;;) {
        const char *p = r->in.buf + r->in.at;
        size_t have = r->in.end - r->in.at;
        if (jsonrow_parse(&r->json, p, have) == 0) {
            out->line = ++r->n_rows;
            input_take(&r->in, r->json.used);
            return json_row(r, out, p, r->json.used);
        }
        if (have > ROW_MAX)
            return array_error(r, error, r->json.what);
        enum input_state st = input_more(&r->in, error);
        if (st == INPUT_FAIL)
            return ROWS_FAIL;
        if (st != INPUT_MORE)
            return array_error(r, error, r->json.what);
    }
}

/* ── open, next, close ───────────────────────────────────────────────────────────── */

int rows_open(struct rows *r, const char *path, const char *key_name, char *error)
{
    struct input in;
    memset(r, 0, sizeof(*r));
    r->key_name = key_name;
    if (input_open(&in, path, error) < 0)
        return -1;
    if (input_more(&in, error) == INPUT_FAIL) {
        input_close(&in);
        return -1;
    }
    bool has_mark = in.end >= 3 && !memcmp(in.buf, "\xef\xbb\xbf", 3);
    size_t at = has_mark ? 3 : 0;
    while (at < in.end && strchr(" \t\r\n", in.buf[at]) && in.buf[at])
        at++;
    char first = at < in.end ? in.buf[at] : 0;
    jsonrow_init(&r->json);
    r->is_first = true;
    if (first == '[' || first == '{') {
        r->form = first == '[' ? ROWS_ARRAY : ROWS_LINES;
        input_take(&in, r->form == ROWS_ARRAY ? at + 1 : has_mark * 3u);
        if (r->form == ROWS_ARRAY)
            r->in = in;
        else
            lines_init(&r->lines, in, ROW_MAX);
        return 0;
    }
    r->form = ROWS_CSV;
    csv_init(&r->csv, in);
    if (read_header(r, error) == 0)
        return 0;
    rows_close(r);
    return -1;
}

void rows_close(struct rows *r)
{
    if (r->form == ROWS_CSV)
        csv_close(&r->csv);
    else if (r->form == ROWS_LINES)
        lines_close(&r->lines);
    else
        input_close(&r->in);
    rowbuf_release(&r->names);
    rowbuf_release(&r->out);
    jsonrow_release(&r->json);
}

enum rows_state rows_next(struct rows *r, struct row *out, char *error)
{
    *out = (struct row){0};
    enum rows_state st = r->form == ROWS_CSV     ? next_csv(r, out, error)
                         : r->form == ROWS_LINES ? next_line(r, out, error)
                                                 : next_element(r, out, error);
    if (st == ROWS_ROW && r->out.has_failed) {
        plug_error(error, 0, "out of memory");
        return ROWS_FAIL;
    }
    return st;
}

void rows_progress(const struct rows *r, int64_t *position, int64_t *total)
{
    const struct input *in = r->form == ROWS_CSV     ? &r->csv.in
                             : r->form == ROWS_LINES ? &r->lines.in
                                                     : &r->in;
    *position = in->raw_offset;
    *total = input_size(in);
}
