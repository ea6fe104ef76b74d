/* pos: receipts of the tills as JSON lines, from a file that is read once to its end
 * (bounded) or followed as it grows and is rotated.
 *
 * in: a file, plain or gzip; optionally a side file of arrival times. out: one record
 * per line, unparsed; only the key and the event time are looked up in its bytes.
 * Called by the host (include/weir/plugin.h). Always holds: a line is handed out once,
 * also across restarts, renames, growth and compression of the file (place.h). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "../common/jsonrow.h"
#include "../common/lines.h"
#include "../common/plug.h"
#include "arrival.h"
#include "place.h"

#define LINE_MAX_DEFAULT (1024 * 1024)
#define KEEP_MAX         1000000u /* bytes kept of an over-long line */
#define KEY_MAX          512
#define PATH_SIZE        4096
#define PATTERN_SIZE     80

struct pos {
    const struct weir_host *host;
    const char *path;
    char current[PATH_SIZE]; /* the file that is open: path or a rotated one */
    bool is_bounded, is_open, is_done;
    bool is_missed; /* "waiting for" was logged */
    int ends_seen;  /* ends met since the file was found rotated away */
    struct lines lines;
    struct arrival arrival;
    size_t line_max;
    struct place last; /* for the open line: see next_line */
    char key_pattern[PATTERN_SIZE], time_pattern[PATTERN_SIZE]; /* "name" with quotes */
    size_t key_pattern_len, time_pattern_len;
    char key[KEY_MAX];
    char detail[160];
};

/* ── looking into a line ─────────────────────────────────────────────────────────── */

/* How far a line was walked, and where in it that is. */
struct walk {
    const char *p;
    int depth;
    bool is_quoted;
};

/* Walks on to at: is that in the outermost object and in no string? One walk per line,
 * however many names it has. */
static bool is_at_top(struct walk *w, const char *at)
{
    for (; w->p < at; w->p++) {
        if (w->is_quoted && *w->p == '\\')
            w->p++;
        else if (*w->p == '"')
            w->is_quoted = !w->is_quoted;
        else if (!w->is_quoted)
            w->depth += (*w->p == '{' || *w->p == '[') - (*w->p == '}' || *w->p == ']');
    }
    return w->p == at && w->depth == 1 && !w->is_quoted;
}

/* Raw text of the string behind the name that ends at p; false when there is none. */
static bool string_behind(const char *p, const char *end, const char **out, size_t *n)
{
    while (p < end && (*p == ' ' || *p == '\t'))
        p++;
    if (p == end || *p++ != ':')
        return false;
    while (p < end && (*p == ' ' || *p == '\t'))
        p++;
    if (p == end || *p != '"')
        return false;
    const char *start = ++p;
    while (p < end && *p != '"')
        p += *p == '\\' ? 2 : 1;
    if (p >= end)
        return false;
    *out = start;
    *n = (size_t)(p - start);
    return true;
}

/* Raw text of the record's own string member called pattern; false when there is none.
 * A receipt that another one refers to lies deeper and is not meant. */
static bool find_string(const struct line *line, const char *pattern,
                        size_t pattern_len, const char **out, size_t *n)
{
    const char *p = line->p, *end = line->p + line->n;
    struct walk walk = {.p = line->p};
    for (; (p = memmem(p, (size_t)(end - p), pattern, pattern_len)); p += pattern_len) {
        if (is_at_top(&walk, p) && string_behind(p + pattern_len, end, out, n))
            return true;
    }
    return false;
}

/* The same for a name that is written with escapes: the text into out; its length, 0:
 * none. pattern is the name with its quotes. */
static size_t find_escaped(const struct line *line, const char *pattern, char *out)
{
    char name[PATTERN_SIZE];
    size_t len = 0;
    if (!memmem(line->p, line->n, "\\u", 2))
        return 0;
    struct jsonrow *r = malloc(sizeof(*r));
    if (!r)
        return 0;
    snprintf(name, sizeof(name), "%.*s", (int)strlen(pattern) - 2, pattern + 1);
    jsonrow_init(r);
    if (jsonrow_parse(r, line->p, line->n) == 0) {
        const struct jsonrow_value *v = jsonrow_get(r, name);
        if (v && !v->is_null && !v->is_nested && v->n < KEY_MAX) {
            len = v->n;
            memcpy(out, v->p, len);
        }
    }
    jsonrow_release(r);
    free(r);
    return len;
}

/* An id with escapes in it: the key is the text they stand for. */
static size_t unescaped_key(struct pos *pos, const char *raw, size_t n)
{
    struct jsonrow *r = malloc(sizeof(*r));
    struct rowbuf b = {0};
    size_t len = 0;
    if (!r)
        return 0;
    jsonrow_init(r);
    rowbuf_add(&b, "{\"k\":\"", 6);
    rowbuf_add(&b, raw, n);
    rowbuf_add(&b, "\"}", 2);
    if (!b.has_failed && jsonrow_parse(r, b.p, b.n) == 0 && r->members[0].n < KEY_MAX) {
        len = r->members[0].n;
        memcpy(pos->key, r->members[0].p, len);
    }
    jsonrow_release(r);
    free(r);
    rowbuf_release(&b);
    return len;
}

static void set_key(struct pos *pos, const struct line *line, struct weir_record *rec)
{
    const char *raw;
    size_t n;
    if (!find_string(line, pos->key_pattern, pos->key_pattern_len, &raw, &n)) {
        rec->key_len = find_escaped(line, pos->key_pattern, pos->key);
        rec->key = rec->key_len ? pos->key : rec->key;
        return;
    }
    if (n == 0 || n >= KEY_MAX)
        return;
    rec->key = raw;
    rec->key_len = n;
    if (memchr(raw, '\\', n)) {
        rec->key = pos->key;
        rec->key_len = unescaped_key(pos, raw, n);
    }
}

static void set_event_time(struct pos *pos, const struct line *line,
                           struct weir_record *rec)
{
    char text[KEY_MAX];
    const char *raw = text;
    size_t n;
    rec->event_ms = WEIR_TIME_UNKNOWN;
    if (!find_string(line, pos->time_pattern, pos->time_pattern_len, &raw, &n))
        n = find_escaped(line, pos->time_pattern, text);
    if (n && !plug_time(raw, n, &rec->event_ms))
        rec->event_ms = WEIR_TIME_UNKNOWN;
}

/* Bytes to keep of an over-long line: no run of digits is cut in two, for half a card
 * number would not be recognised. */
static size_t keep_of(const struct line *line)
{
    size_t n = line->n < KEEP_MAX ? line->n : KEEP_MAX;
    size_t least = n > 64 ? n - 64 : 0;
    while (n > least && (strchr("0123456789 -", line->p[n - 1]) && line->p[n - 1]))
        n--;
    return n;
}

static void fill_record(struct pos *pos, const struct line *line,
                        struct weir_record *rec)
{
    struct line head = *line;
    if (line->number == 1 && line->n >= 3 && memcmp(line->p, "\xEF\xBB\xBF", 3) == 0) {
        head.p += 3; /* a byte order mark is not part of the first receipt */
        head.n -= 3;
    }
    rec->value = head.p;
    rec->value_len = head.n;
    rec->position = line->number;
    if (line->length > pos->line_max) {
        rec->value_len = head.n = keep_of(&head);
        rec->reject = "too_long";
        snprintf(pos->detail, sizeof(pos->detail),
                 "the line has %llu bytes, the limit is %zu; its first %zu are kept",
                 (unsigned long long)line->length, pos->line_max, rec->value_len);
        rec->detail = pos->detail;
    }
    set_key(pos, &head, rec);
    set_event_time(pos, &head, rec);
}

/* ── files ───────────────────────────────────────────────────────────────────────── */

static void use_input(struct pos *pos, struct input in, uint64_t line)
{
    snprintf(pos->current, sizeof(pos->current), "%s", in.path);
    lines_init(&pos->lines, in, pos->line_max);
    pos->lines.line = line;
    pos->is_open = true;
    pos->is_missed = false;
    pos->ends_seen = 0;
}

static void drop_file(struct pos *pos)
{
    if (pos->is_open)
        lines_close(&pos->lines);
    arrival_close(&pos->arrival);
    pos->is_open = false;
    pos->last.open_len = 0;
}

/* Open a file at its beginning. */
static enum weir_status begin_file(struct pos *pos, const char *path, char *error)
{
    struct input in;
    if (input_open(&in, path, error) < 0) {
        if (errno != ENOENT || pos->is_bounded)
            return WEIR_FATAL; /* the text names path and reason */
        if (!pos->is_missed)
            plug_log(pos->host, WEIR_LOG_WARN, "waiting for %s to appear", path);
        pos->is_missed = true;
        return WEIR_WAIT;
    }
    use_input(pos, in, 0);
    if (arrival_open(&pos->arrival, plug_setting(pos->host, "arrival"), path, error) <
        0)
        return WEIR_FATAL;
    return WEIR_RECORD;
}

static enum weir_status cut_file(struct pos *pos, const struct place *pl, char *error)
{
    if (!pos->is_bounded) {
        plug_error(
            error, 0,
            "%s: shorter than what was read of it (byte %lld, line %llu) though it "
            "begins the same; put the whole file back, or move it away",
            pos->path, (long long)pl->offset, (unsigned long long)pl->line);
        return WEIR_ERROR;
    }
    plug_log(
        pos->host, WEIR_LOG_WARN,
        "%s: shorter than what was read of it before (byte %lld, line %llu): nothing "
        "new in it",
        pos->path, (long long)pl->offset, (unsigned long long)pl->line);
    plug_count(pos->host, "files_cut", 1);
    pos->last = *pl;
    pos->is_done = true;
    return WEIR_END;
}

/* Go on where the checkpoint stands: in the file itself, in a rotated one, or, when the
 * file is another one, at its beginning. */
static enum weir_status resume(struct pos *pos, const struct place *pl, char *error)
{
    struct input in;
    enum place_match m = place_match(pl, pos->host, pos->path, &in, error);
    if (m == PLACE_FAIL)
        return WEIR_FATAL;
    if (m == PLACE_CUT)
        return cut_file(pos, pl, error);
    if (m == PLACE_OTHER)
        m = place_find_rotated(pl, pos->host, pos->path, &in, error);
    if (m != PLACE_SAME) {
        if (pl->offset > 0)
            plug_log(pos->host, WEIR_LOG_INFO, "%s is a new file: read from its start",
                     pos->path);
        return begin_file(pos, pos->path, error);
    }
    use_input(pos, in, pl->line);
    pos->last = *pl;
    if (arrival_open(&pos->arrival, plug_setting(pos->host, "arrival"), pos->current,
                     error) < 0)
        return WEIR_FATAL;
    return WEIR_RECORD;
}

/* The file is read to its end and another one takes its place. */
static enum weir_status switch_file(struct pos *pos, char *error)
{
    char next[PATH_SIZE];
    place_next_file(pos->path, place_mtime_ns(&pos->lines.in), next, sizeof(next));
    plug_log(pos->host, WEIR_LOG_INFO, "%s: read to its end (%llu lines), next %s",
             pos->current, (unsigned long long)pos->lines.line, next);
    plug_count(pos->host, "files_rotated", 1);
    drop_file(pos);
    return begin_file(pos, next, error);
}

static bool is_blank(const struct line *line)
{
    for (size_t i = 0; i < line->n; i++) {
        if (line->p[i] != ' ' && line->p[i] != '\t' && line->p[i] != '\r')
            return false;
    }
    return line->n == line->length;
}

/* ── the ends of files ───────────────────────────────────────────────────────────── */

/* Does path still name the open file? 1 yes, 0 another file is there, -1 none. */
static int is_in_place(const struct pos *pos)
{
    struct stat st;
    if (stat(pos->path, &st) < 0)
        return -1;
    return st.st_dev == pos->lines.in.dev && st.st_ino == pos->lines.in.ino;
}

static enum weir_status ends_short(struct pos *pos, char *error)
{
    plug_error(
        error, 0,
        "%s: byte %lld: the gzip file ends in the middle; the %llu lines before it "
        "are kept: get the whole file and run again",
        pos->current, (long long)pos->lines.in.raw_offset,
        (unsigned long long)pos->lines.line);
    return WEIR_FATAL;
}

static enum weir_status take_partial(struct pos *pos, struct line *line)
{
    place_of(&pos->last, &pos->lines);
    lines_take_partial(&pos->lines, line);
    if (line->length > line->n)
        return WEIR_RECORD; /* over-long: its end is the place */
    pos->last.open_len = line->n;
    place_hash(line->p, line->n, pos->last.open);
    return WEIR_RECORD;
}

static enum weir_status end_bounded(struct pos *pos, enum line_state st,
                                    struct line *line, char *error)
{
    if (input_was_cut(&pos->lines.in)) {
        plug_error(error, 0,
                   "%s: became shorter while it was read (was at byte %lld); the %llu "
                   "lines before are kept: put the whole file back and run again",
                   pos->current, (long long)pos->lines.in.raw_offset,
                   (unsigned long long)pos->lines.line);
        return WEIR_FATAL;
    }
    if (st == LINE_SHORT)
        return ends_short(pos, error);
    if (st == LINE_PARTIAL && !is_blank(line))
        return take_partial(pos, line);
    if (strcmp(pos->current, pos->path) != 0)
        return switch_file(pos, error) == WEIR_RECORD ? WEIR_WAIT : WEIR_FATAL;
    pos->is_done = true;
    return WEIR_END;
}

static enum weir_status restart_cut(struct pos *pos, char *error)
{
    plug_log(pos->host, WEIR_LOG_WARN,
             "%s: was cut back below byte %lld: read again from its start",
             pos->current, (long long)pos->lines.in.raw_offset);
    plug_count(pos->host, "files_cut", 1);
    drop_file(pos);
    enum weir_status st = begin_file(pos, pos->path, error);
    return st == WEIR_RECORD ? WEIR_WAIT : st;
}

static enum weir_status end_follow(struct pos *pos, enum line_state st,
                                   struct line *line, char *error)
{
    if (input_was_cut(&pos->lines.in))
        return restart_cut(pos, error);
    int here = is_in_place(pos);
    if (here > 0)
        return WEIR_WAIT;
    if (here < 0) {
        if (!pos->is_missed)
            plug_log(pos->host, WEIR_LOG_WARN, "%s is gone; waiting for a new one",
                     pos->path);
        pos->is_missed = true;
        return WEIR_WAIT;
    }
    /* Rotated: the writer may still finish its last line in the old file. */
    if (pos->ends_seen++ == 0)
        return WEIR_WAIT;
    if (st == LINE_SHORT)
        return ends_short(pos, error);
    if (st == LINE_PARTIAL && !is_blank(line))
        return take_partial(pos, line);
    enum weir_status next = switch_file(pos, error);
    return next == WEIR_RECORD ? WEIR_WAIT : next;
}

/* A line came for which an earlier run already handed out the beginning or the whole,
 * because the file ended without a line end there. The same bytes: pass it over. */
static bool was_handed_out(struct pos *pos, const struct line *line)
{
    char hex[33];
    if (pos->last.open_len == 0 || line->start != pos->last.offset)
        return false;
    place_hash(line->p, line->n, hex);
    return line->n == pos->last.open_len && !strcmp(hex, pos->last.open);
}

/* The next line that is a record. */
static enum weir_status next_line(struct pos *pos, struct line *line, char *error)
{
    for (;;) {
        enum line_state st = lines_next(&pos->lines, line, error);
        if (st == LINE_FAIL)
            return pos->is_bounded ? WEIR_FATAL : WEIR_ERROR;
        if (st == LINE_PARTIAL && was_handed_out(pos, line))
            st = LINE_NONE; /* still without its line end: not taken */
        if (st != LINE_OK)
            return pos->is_bounded ? end_bounded(pos, st, line, error)
                                   : end_follow(pos, st, line, error);
        bool is_old = was_handed_out(pos, line);
        pos->last.open_len = 0;
        pos->ends_seen = 0;
        if (is_old)
            continue;
        if (!is_blank(line))
            return WEIR_RECORD;
        plug_count(pos->host, "empty_lines", 1);
    }
}

/* ── the plugin's calls ──────────────────────────────────────────────────────────── */

static enum weir_status pos_next(void *self, struct weir_record *rec, char *error)
{
    struct pos *pos = self;
    struct line line;
    if (pos->is_done)
        return WEIR_END;
    if (!pos->is_open) {
        enum weir_status st = begin_file(pos, pos->path, error);
        if (st != WEIR_RECORD)
            return st;
    }
    enum weir_status st = next_line(pos, &line, error);
    if (st != WEIR_RECORD)
        return st;
    fill_record(pos, &line, rec);
    if (arrival_of(&pos->arrival, line.number, &rec->arrival_ms, error) < 0)
        return WEIR_FATAL;
    return WEIR_RECORD;
}

static void pos_close(void *self)
{
    struct pos *pos = self;
    drop_file(pos);
    free(pos);
}

static void set_pattern(char *out, size_t *len, const char *name)
{
    snprintf(out, PATTERN_SIZE, "\"%.64s\"", name);
    *len = strlen(out);
}

static int pos_open(const struct weir_host *host, bool bounded, const char *checkpoint,
                    void **self, char *error)
{
    struct place pl;
    int64_t line_max = LINE_MAX_DEFAULT;
    const char *max = plug_setting(host, "max_line_bytes");
    if (*max && (!plug_i64(max, strlen(max), &line_max) || line_max < 1024 ||
                 line_max > 64 * 1024 * 1024))
        return plug_error(error, WEIR_FATAL,
                          "max_line_bytes: 1024 to 67108864 expected");
    if (checkpoint && place_read(&pl, checkpoint, error) < 0)
        return WEIR_FATAL;
    struct pos *pos = calloc(1, sizeof(*pos));
    if (!pos)
        return plug_error(error, WEIR_ERROR, "out of memory");
    pos->host = host;
    pos->path = plug_setting(host, "path");
    pos->is_bounded = bounded;
    pos->line_max = (size_t)line_max;
    set_pattern(pos->key_pattern, &pos->key_pattern_len,
                plug_setting(host, "key_field"));
    set_pattern(pos->time_pattern, &pos->time_pattern_len,
                plug_setting(host, "time_field"));
    enum weir_status st =
        checkpoint ? resume(pos, &pl, error) : begin_file(pos, pos->path, error);
    if (st < 0) {
        pos_close(pos);
        return st;
    }
    *self = pos;
    return 0;
}

static int pos_checkpoint(void *self, char *out, size_t size, char *error)
{
    struct pos *pos = self;
    struct place pl = pos->last;
    if (pos->is_open && pos->last.open_len == 0)
        place_of(&pl, &pos->lines);
    if (place_write(&pl, out, size) < 0)
        return plug_error(error, WEIR_ERROR, "checkpoint does not fit");
    return 0;
}

static void pos_progress(void *self, int64_t *position, int64_t *total)
{
    struct pos *pos = self;
    *position = pos->is_open ? pos->lines.in.raw_offset : 0;
    *total = pos->is_open ? input_size(&pos->lines.in) : 0;
}

static int pos_discover(const struct weir_host *host, char *out, size_t size,
                        char *error)
{
    const char *path = plug_setting(host, "path");
    struct input in;
    struct arrival a;
    if (input_open(&in, path, error) < 0)
        return WEIR_ERROR;
    int rc = input_more(&in, error) == INPUT_FAIL ? WEIR_ERROR : 0;
    if (rc == 0 && arrival_open(&a, plug_setting(host, "arrival"), path, error) < 0)
        rc = WEIR_ERROR;
    if (rc == 0) {
        snprintf(out, size, "%s\t%lld bytes, %s, arrival times %s\n", path,
                 (long long)input_size(&in), in.form == INPUT_GZIP ? "gzip" : "plain",
                 a.is_open ? a.csv.in.path : "not given");
        arrival_close(&a);
    }
    input_close(&in);
    return rc;
}

static const struct weir_setting settings[] = {
    {"path", "path", NULL, "File of receipts, one JSON object per line, plain or gzip.",
     true},
    {"arrival", "string", "auto",
     "Side file of arrival times (CSV line,arrival_ms): auto looks beside the file, a "
     "path "
     "names it, empty is none.",
     false},
    {"key_field", "string", "transaction_id", "Member that becomes the message key.",
     false},
    {"time_field", "string", "transaction_timestamp", "Member with the event time.",
     false},
    {"max_line_bytes", "int", "1048576", "A longer line goes to the dead letters.",
     false},
    {0},
};

static const char *const id_fields[] = {"transaction_id", "store_id",   "terminal_id",
                                        "customer_id",    "product_id", NULL};

__attribute__((visibility("default"))) const struct weir_plugin weir_plugin = {
    .abi = WEIR_PLUGIN_ABI,
    .name = "pos",
    .version = "1.0",
    .summary = "receipts of the tills: JSON lines, read once or followed",
    .settings = settings,
    .id_fields = id_fields,
    .discover = pos_discover,
    .open = pos_open,
    .next = pos_next,
    .checkpoint = pos_checkpoint,
    .close = pos_close,
    .progress = pos_progress,
};
