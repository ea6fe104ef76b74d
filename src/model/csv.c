/* CSV reader: one row at a time, so that a seed of any size needs the memory of a row.
 * In: a file. Out: cells, unquoted. Called by seed.c. */
#include "model/csv.h"

#include "base/mem.h"

#define MAX_ROW (64u << 20)

static int begin(struct csv *c, struct err *e)
{
    if (!c->file)
        return err_errno(e, ERR_IO, "open %s", c->path);
    if (getc_unlocked(c->file) != 0xef || getc_unlocked(c->file) != 0xbb ||
        getc_unlocked(c->file) != 0xbf)
        rewind(c->file); /* no byte order mark */
    return 0;
}

int csv_open(struct csv *c, const char *path, char delimiter, struct err *e)
{
    *c = (struct csv){.path = path, .delimiter = delimiter, .next_line = 1};
    buf_init(&c->text, MAX_ROW);
    c->file = fopen(path, "rb");
    return begin(c, e);
}

int csv_open_text(struct csv *c, const char *text, size_t n, char delimiter,
                  struct err *e)
{
    *c = (struct csv){.path = "text", .delimiter = delimiter, .next_line = 1};
    buf_init(&c->text, MAX_ROW);
    /* read only; and a stream of no bytes is not to be had */
    c->file = fmemopen((void *)(uintptr_t)(n ? text : "\n"), n ? n : 1, "r");
    return begin(c, e);
}

void csv_close(struct csv *c)
{
    if (c->file)
        fclose(c->file);
    mem_free(c->fields);
    mem_free(c->cells);
    buf_release(&c->text);
    *c = (struct csv){0};
}

static void add_field(struct csv *c, size_t at, bool is_quoted)
{
    if (c->n == c->cap) {
        c->cap = c->cap ? c->cap * 2 : 32;
        c->fields = mem_realloc(c->fields, c->cap * sizeof *c->fields);
        c->cells = mem_realloc(c->cells, c->cap * sizeof *c->cells);
    }
    c->fields[c->n].at = at;
    c->fields[c->n].len = c->text.len - at;
    c->fields[c->n++].is_quoted = is_quoted;
    buf_addc(&c->text, '\0');
}

/* Behind the opening quote; to behind the closing one. */
static int quoted(struct csv *c, struct err *e)
{
    for (;;) {
        int ch = getc_unlocked(c->file);
        if (ch == EOF)
            return err_set(e, ERR_PARSE, "%s:%ld: a quote is not closed", c->path,
                           c->line);
        if (ch == '"') {
            int next = getc_unlocked(c->file);
            if (next != '"') {
                ungetc(next, c->file);
                return 0;
            }
        }
        if (ch == '\r') { /* any end of a line is \n, as Python reads files */
            int next = getc_unlocked(c->file);
            if (next != '\n')
                ungetc(next, c->file);
            ch = '\n';
        }
        c->next_line += ch == '\n';
        buf_addc(&c->text, (char)ch);
    }
}

/* One field; returns what ended it: the delimiter, '\n' or EOF, or an error. */
static int field(struct csv *c, int *end, struct err *e)
{
    size_t at = c->text.len;
    bool is_quoted = false;
    for (;;) {
        int ch = getc_unlocked(c->file);
        if (ch == '"' && c->text.len == at && !is_quoted) {
            int rc = quoted(c, e);
            if (rc < 0)
                return rc;
            is_quoted = true;
            continue;
        }
        if (ch == '\r') {
            int next = getc_unlocked(c->file);
            if (next != '\n')
                ungetc(next, c->file);
            ch = '\n';
        }
        if (ch == c->delimiter || ch == '\n' || ch == EOF) {
            add_field(c, at, is_quoted);
            *end = ch;
            return 0;
        }
        buf_addc(&c->text, (char)ch);
    }
}

static int read_row(struct csv *c, struct err *e)
{
    int end = 0;
    c->n = 0;
    c->line = c->next_line;
    buf_reset(&c->text);
    do {
        int rc = field(c, &end, e);
        if (rc < 0)
            return rc;
    } while (end != '\n' && end != EOF);
    c->next_line++;
    if (c->text.failed)
        return err_set(e, ERR_LIMIT, "%s:%ld: the row is longer than %u MiB", c->path,
                       c->line, MAX_ROW >> 20);
    if (ferror(c->file))
        return err_errno(e, ERR_IO, "read %s", c->path);
    return end == EOF && c->n == 1 && c->fields[0].len == 0 ? 0 : 1;
}

int csv_next(struct csv *c, struct err *e)
{
    int rc;
    while ((rc = read_row(c, e)) > 0)
        if (c->n > 1 || c->fields[0].len || c->fields[0].is_quoted)
            break;
    if (rc <= 0)
        return rc;
    for (size_t i = 0; i < c->n; i++)
        c->cells[i] = (struct str){c->text.data + c->fields[i].at, c->fields[i].len};
    return 1;
}

bool csv_is_quoted(const struct csv *c, size_t i)
{
    return c->fields[i].is_quoted;
}
