/* Output of commands: an aligned table for people, JSON and CSV for programs. In: rows
 * as a JSON array of objects and a description of the columns. Called by every command
 * that lists something. Always holds: text from data is sanitised before it reaches a
 * terminal or a table; JSON and CSV carry it unchanged. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/json.h"
#include "base/str.h"
#include "base/text.h"
#include "base/timeutil.h"
#include "base/vec.h"
#include "cmd/cmd.h"

#define CELL_MIN 8 /* a text column is not cut narrower than this */

bool cmd_wants_color(int fd)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
    return (!no || !*no) && isatty(fd) && !(term && streq(term, "dumb"));
}

void cmd_format_bytes(int64_t bytes, char out[32])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double v = (double)bytes;
    size_t i = 0;
    while (v >= 1024 && i < 4) {
        v /= 1024;
        i++;
    }
    snprintf(out, 32, i ? "%.1f %s" : "%.0f %s", v, units[i]);
}

char *cmd_format_time(const struct cmd_args *a, int64_t ms, char out[40])
{
    char text[32];
    const char *name = a->platform ? a->platform->timezone : "UTC";
    const struct time_zone *z = streq(name, "UTC") ? NULL : time_zone_get(name, NULL);
    if (!z) {
        (void)str_copy(out, 40, time_format_iso(ms, false, text));
        return out;
    }
    int off = time_zone_offset_s(z, ms);
    int abs_min = abs(off) / 60 % 6000;
    snprintf(out, 40, "%.20s %c%02d:%02d",
             time_format_sql(ms + off * 1000L, false, text), off < 0 ? '-' : '+',
             abs_min / 60, abs_min % 60);
    return out;
}

static void add_time(const struct cmd_args *a, int64_t ms, struct buf *out)
{
    char text[40];
    buf_adds(out, cmd_format_time(a, ms, text));
}

static void add_number(const json_t *v, const struct cmd_column *c, struct buf *out)
{
    char text[32];
    double d = json_number_value(v);
    if (c->kind == COL_MONEY)
        buf_addf(out, "%.2f", d);
    else if (c->kind == COL_BYTES)
        cmd_format_bytes((int64_t)d, text), buf_adds(out, text);
    else if (c->kind == COL_DURATION)
        buf_adds(out, time_format_duration((int64_t)d, text));
    else if (json_is_integer(v))
        buf_add_i64(out, json_integer_value(v));
    else
        buf_addf(out, "%.15g", d);
}

static void add_line(const char *text, struct buf *out)
{
    size_t n = strcspn(text, "\n");
    text_sanitise(out, text, n);
    if (text[n])
        buf_adds(out, " …");
}

/* A cell as people read it. */
static void add_cell(const struct cmd_args *a, const json_t *v,
                     const struct cmd_column *c, struct buf *out)
{
    if (!v || json_is_null(v))
        buf_adds(out, "-");
    else if (json_is_string(v) && c->kind == COL_LINE)
        add_line(json_string_value(v), out);
    else if (json_is_string(v))
        text_sanitise(out, json_string_value(v), json_string_length(v));
    else if (json_is_boolean(v))
        buf_adds(out, json_is_true(v) ? "yes" : "no");
    else if (json_is_number(v) && c->kind == COL_TIME)
        add_time(a, (int64_t)json_number_value(v), out);
    else if (json_is_number(v))
        add_number(v, c, out);
    else {
        struct buf raw;
        buf_init(&raw, out->max);
        json_dump_buf(v, JSON_COMPACT, &raw, NULL);
        text_sanitise(out, buf_str(&raw), raw.len);
        buf_release(&raw);
    }
}

static bool is_right(const struct cmd_column *c)
{
    return c->kind == COL_NUMBER || c->kind == COL_MONEY || c->kind == COL_BYTES ||
           c->kind == COL_DURATION;
}

static int terminal_width(void)
{
    struct winsize w;
    if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) < 0 || !w.ws_col)
        return 0;
    return w.ws_col;
}

/* Text columns give way, the widest first, until the table fits. */
static void fit(int *width, const struct cmd_column *columns, size_t n, int limit)
{
    for (;;) {
        int total = -2;
        size_t widest = n;
        for (size_t i = 0; i < n; i++) {
            total += width[i] + 2;
            if (columns[i].kind <= COL_LINE && width[i] > CELL_MIN &&
                (widest == n || width[i] > width[widest]))
                widest = i;
        }
        if (!limit || total <= limit || widest == n)
            return;
        width[widest]--;
    }
}

/* The first cells of text, with … when something was cut; returns the cells used. */
static int add_cut(struct buf *out, const char *p, size_t n, int width)
{
    int cells = text_width(p, n), used = 0;
    size_t i = 0;
    if (cells <= width) {
        buf_add(out, p, n);
        return cells;
    }
    while (i < n) {
        uint32_t cp = 0;
        int len = text_decode(p + i, n - i, &cp);
        int w = text_width_cp(cp);
        if (!len || used + w > width - 1)
            break;
        used += w;
        buf_add(out, p + i, (size_t)len);
        i += (size_t)len;
    }
    buf_adds(out, "…");
    return used + 1;
}

/* Statuses are coloured by their word, so that every table agrees. */
static const char *color_of(const char *cell)
{
    static const char *const red[] = {"error",   "fail",    "failed", "blocked",
                                      "crashed", "breach",  "stall",  "stop",
                                      "lost",    "critical"};
    static const char *const yellow[] = {"warn", "warning", "skipped", "cancelled"};
    static const char *const green[] = {"ok", "success", "pass", "ready", "running"};
    for (size_t i = 0; i < sizeof red / sizeof *red; i++)
        if (streq(cell, red[i]))
            return "\033[31m";
    for (size_t i = 0; i < sizeof yellow / sizeof *yellow; i++)
        if (streq(cell, yellow[i]))
            return "\033[33m";
    for (size_t i = 0; i < sizeof green / sizeof *green; i++)
        if (streq(cell, green[i]))
            return "\033[32m";
    return NULL;
}

struct table {
    const struct cmd_args *a;
    const struct cmd_column *columns;
    size_t n;
    int *width;
    VEC(char *) cells;
    bool color;
};

static void add_row(const struct table *t, char **cells, bool is_title, struct buf *out)
{
    for (size_t i = 0; i < t->n; i++) {
        struct buf text;
        buf_init(&text, 0);
        int used = add_cut(&text, cells[i], strlen(cells[i]), t->width[i]);
        int pad = t->width[i] > used ? t->width[i] - used : 0;
        const char *color = !t->color  ? NULL
                            : is_title ? "\033[1m"
                                       : color_of(cells[i]);
        if (i)
            buf_adds(out, "  ");
        if (is_right(&t->columns[i]))
            buf_addf(out, "%*s", pad, "");
        buf_addf(out, "%s%s%s", color ? color : "", buf_str(&text),
                 color ? "\033[0m" : "");
        if (!is_right(&t->columns[i]) && i + 1 < t->n)
            buf_addf(out, "%*s", pad, "");
        buf_release(&text);
    }
    buf_addc(out, '\n');
}

/* A title may be an expression over several lines, out of a file. */
static char *title_text(const char *title)
{
    struct buf line, out;
    buf_init(&line, 0);
    buf_init(&out, 0);
    for (const char *p = title; *p; p++) {
        bool is_blank = strchr(" \t\r\n", *p) != NULL;
        if (!is_blank)
            buf_addc(&line, *p);
        else if (line.len && line.data[line.len - 1] != ' ')
            buf_addc(&line, ' ');
    }
    text_sanitise(&out, buf_str(&line), line.len);
    buf_release(&line);
    return buf_take(&out);
}

static void print_table(const struct cmd_args *a, const json_t *rows,
                        const struct cmd_column *columns, size_t n, struct buf *out)
{
    struct table t = {.a = a, .columns = columns, .n = n};
    t.width = mem_alloc((n + 1) * sizeof *t.width);
    t.color = cmd_wants_color(STDOUT_FILENO);
    for (size_t i = 0; i < n; i++)
        vec_push(&t.cells, title_text(columns[i].title));
    for (size_t r = 0; r < json_array_size(rows); r++)
        for (size_t i = 0; i < n; i++) {
            struct buf b;
            buf_init(&b, 0);
            add_cell(a, json_object_get(json_array_get(rows, r), columns[i].key),
                     &columns[i], &b);
            vec_push(&t.cells, buf_take(&b));
        }
    for (size_t i = 0; i < t.cells.n; i++) {
        int w = text_width(t.cells.v[i], strlen(t.cells.v[i]));
        if (w > t.width[i % n])
            t.width[i % n] = w;
    }
    fit(t.width, columns, n, terminal_width());
    for (size_t i = 0; i < t.cells.n; i += n)
        add_row(&t, t.cells.v + i, i == 0, out);
    for (size_t i = 0; i < t.cells.n; i++)
        mem_free(t.cells.v[i]);
    vec_release(&t.cells);
    mem_free(t.width);
}

/* RFC 4180. */
static void add_csv_cell(const json_t *v, struct buf *out)
{
    struct buf raw;
    buf_init(&raw, 0);
    if (json_is_string(v))
        buf_add(&raw, json_string_value(v), json_string_length(v));
    else if (v && !json_is_null(v))
        json_dump_buf(v, JSON_COMPACT, &raw, NULL);
    const char *s = buf_str(&raw);
    if (!s[strcspn(s, ",\"\r\n")] && strlen(s) == raw.len) {
        buf_add(out, s, raw.len);
    } else {
        buf_addc(out, '"');
        for (size_t i = 0; i < raw.len; i++)
            buf_adds(out, s[i] == '"' ? "\"\"" : (char[]){s[i], 0});
        buf_addc(out, '"');
    }
    buf_release(&raw);
}

static void print_csv(const json_t *rows, const struct cmd_column *columns, size_t n,
                      struct buf *out)
{
    for (size_t i = 0; i < n; i++) {
        json_t *title = json_string(columns[i].key);
        buf_adds(out, i ? "," : "");
        add_csv_cell(title, out);
        json_decref(title);
    }
    buf_adds(out, "\r\n");
    for (size_t r = 0; r < json_array_size(rows); r++) {
        for (size_t i = 0; i < n; i++) {
            buf_adds(out, i ? "," : "");
            add_csv_cell(json_object_get(json_array_get(rows, r), columns[i].key), out);
        }
        buf_adds(out, "\r\n");
    }
}

static int flush_buf(struct buf *b, struct err *e)
{
    int rc = buf_check(b, "output", e);
    if (rc == 0 && b->len && fwrite(b->data, 1, b->len, stdout) != b->len)
        rc = err_errno(e, ERR_IO, "standard output");
    buf_release(b);
    return rc;
}

int cmd_print_rows(const struct cmd_args *a, const json_t *rows,
                   const struct cmd_column *columns, size_t n, struct err *e)
{
    struct buf out;
    if (a->is_json)
        return cmd_print_json(rows, e);
    buf_init(&out, (size_t)1 << 30);
    if (a->output && streq(a->output, "csv"))
        print_csv(rows, columns, n, &out);
    else if (json_array_size(rows) && n)
        print_table(a, rows, columns, n, &out);
    else if (!a->is_quiet)
        buf_adds(&out, "(none)\n");
    return flush_buf(&out, e);
}

int cmd_print_json(const json_t *v, struct err *e)
{
    struct buf out;
    buf_init(&out, (size_t)1 << 30);
    int rc = json_dump_buf(v, JSON_INDENT(2), &out, e);
    if (rc < 0) {
        buf_release(&out);
        return rc;
    }
    buf_addc(&out, '\n');
    return flush_buf(&out, e);
}
