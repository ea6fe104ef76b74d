/* Log capture (logcap.h).
 *
 * in: bytes of two pipes. out: STATE/logs/NAME.log (one line each: time, out|err,
 * text), NAME.log.1 … the rotated ones; the ring of the log feed. Called by proc.c.
 * Always holds: a child never waits for us (a full disk costs lines, which are
 * counted); total size is bounded by max × (keep + 1) and one line; no NUL byte and no
 * card number is written. */
#include "supervise/logcap.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/pan.h"
#include "base/timeutil.h"

#define OUT_BYTES ((size_t)64 * 1024) /* in one write */

void logcap_init(struct logcap *l, const char *path, int64_t max_bytes, int keep)
{
    memset(l, 0, sizeof *l);
    l->path = mem_strdup(path);
    l->fd = -1;
    l->max = max_bytes;
    l->keep = keep;
    buf_init(&l->out, OUT_BYTES + 2 * LOGCAP_LINE_MAX);
    l->next_seq = 1;
    l->ring = mem_alloc(LOGCAP_RING_LINES * sizeof *l->ring);
}

static void ring_drop_oldest(struct logcap *l)
{
    struct logcap_line *line = &l->ring[l->head];
    l->bytes -= line->len;
    mem_free(line->text);
    line->text = NULL;
    l->head = (l->head + 1) % LOGCAP_RING_LINES;
    l->n--;
}

void logcap_release(struct logcap *l)
{
    logcap_flush(l);
    while (l->n > 0)
        ring_drop_oldest(l);
    buf_release(&l->out);
    mem_free(l->ring);
    mem_free(l->path);
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
}

static void ring_add(struct logcap *l, char stream, int64_t at_ms, const char *p,
                     size_t n)
{
    while (l->n > 0 && (l->n == LOGCAP_RING_LINES || l->bytes + n > LOGCAP_RING_BYTES))
        ring_drop_oldest(l);
    l->ring[(l->head + l->n) % LOGCAP_RING_LINES] = (struct logcap_line){
        .at_ms = at_ms, .stream = stream, .text = mem_strndup(p, n), .len = n};
    l->n++;
    l->bytes += n;
    l->next_seq++;
}

static void file_open(struct logcap *l)
{
    struct stat st;
    l->fd = open(l->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    l->size = l->fd >= 0 && fstat(l->fd, &st) == 0 ? st.st_size : 0;
}

/* NAME.log → NAME.log.1 → … → the last one falls off. */
static void file_rotate(struct logcap *l)
{
    close(l->fd);
    l->fd = -1;
    for (int i = l->keep; i > 0; i--) {
        char *to = mem_printf("%s.%d", l->path, i);
        char *from = i > 1 ? mem_printf("%s.%d", l->path, i - 1) : mem_strdup(l->path);
        (void)rename(from, to);
        mem_free(from);
        mem_free(to);
    }
    if (l->keep == 0)
        (void)unlink(l->path);
    file_open(l);
}

/* What is gathered goes out in one write: a line a write made a burst last ten times as
 * long. What does not fit is counted by its lines. */
static void file_flush(struct logcap *l)
{
    if (l->out.len == 0)
        return;
    if (l->fd < 0)
        file_open(l);
    else if (l->size >= l->max)
        file_rotate(l);
    ssize_t w = l->fd >= 0 ? write(l->fd, l->out.data, l->out.len) : -1;
    size_t done = w > 0 ? (size_t)w : 0;
    l->size += (int64_t)done;
    for (size_t i = done; i < l->out.len; i++)
        l->dropped += l->out.data[i] == '\n';
    buf_reset(&l->out);
}

static void file_write(struct logcap *l, char stream, int64_t at_ms, const char *p,
                       size_t n)
{
    char time[32];
    if (l->out.len >= OUT_BYTES || l->size + (int64_t)l->out.len >= l->max)
        file_flush(l);
    buf_adds(&l->out, time_format_iso(at_ms, true, time));
    buf_adds(&l->out, stream == 'e' ? " err " : " out ");
    buf_add(&l->out, p, n);
    buf_addc(&l->out, '\n');
}

/* A whole line, without its newline; text is ours to change. */
static void line_add(struct logcap *l, char stream, char *text, size_t n)
{
    if (n > 0 && text[n - 1] == '\r')
        n--;
    for (char *nul; (nul = memchr(text, '\0', n));)
        *nul = '?';
    (void)pan_mask(text, n);
    int64_t at = time_wall_ms();
    file_write(l, stream, at, text, n);
    ring_add(l, stream, at, text, n);
}

void logcap_feed(struct logcap *l, char stream, const char *p, size_t n)
{
    typeof(&l->partial[0]) part = &l->partial[stream == 'e'];
    while (n > 0) {
        const char *nl = memchr(p, '\n', n);
        size_t take = nl ? (size_t)(nl - p) : n;
        size_t room = sizeof part->text - part->n;
        bool is_cut = take > room;
        take = is_cut ? room : take;
        memcpy(part->text + part->n, p, take);
        part->n += take;
        p += take;
        n -= take;
        if (is_cut || (nl && !is_cut)) {
            line_add(l, stream, part->text, part->n);
            part->n = 0;
        }
        if (nl && !is_cut) {
            p++;
            n--;
        }
    }
    file_flush(l);
}

void logcap_flush(struct logcap *l)
{
    for (int i = 0; i < 2; i++) {
        if (l->partial[i].n > 0)
            line_add(l, i ? 'e' : 'o', l->partial[i].text, l->partial[i].n);
        l->partial[i].n = 0;
    }
    file_flush(l);
}

void logcap_note(struct logcap *l, const char *text)
{
    logcap_flush(l);
    char line[LOGCAP_LINE_MAX];
    int n = snprintf(line, sizeof line, "weir: %s", text);
    line_add(l, 'e', line, n < (int)sizeof line ? (size_t)n : sizeof line - 1);
    file_flush(l);
}

/* Behind "2026-06-15T06:04:11.120Z error ingest.pos: ". */
static const char *line_text(const char *line)
{
    const char *colon = line[0] >= '0' && line[0] <= '9' ? strstr(line, ": ") : NULL;
    return colon && colon - line < 100 ? colon + 2 : line;
}

const char *logcap_last_words(const struct logcap *l, int64_t from)
{
    int64_t first = l->next_seq - (int64_t)l->n;
    for (int64_t seq = l->next_seq - 1; seq >= first && seq >= from; seq--) {
        const struct logcap_line *line =
            &l->ring[(l->head + (size_t)(seq - first)) % LOGCAP_RING_LINES];
        if (line->stream == 'e' && line->len > 0 &&
            strncmp(line->text, "weir: ", 6) != 0)
            return line_text(line->text);
    }
    return NULL;
}

json_t *logcap_json(const struct logcap *l, int64_t from, size_t max)
{
    int64_t first = l->next_seq - (int64_t)l->n;
    from = from < first ? first : from;
    int64_t count = l->next_seq - from;
    if (count > (int64_t)max)
        from = l->next_seq - (int64_t)max;
    json_t *lines = json_array();
    for (int64_t seq = from; seq < l->next_seq; seq++) {
        const struct logcap_line *line =
            &l->ring[(l->head + (size_t)(seq - first)) % LOGCAP_RING_LINES];
        json_t *row = json_object();
        json_put_i64(row, "at_ms", line->at_ms);
        json_put_str(row, "stream", line->stream == 'e' ? "err" : "out");
        json_put_str(row, "text", line->text);
        json_array_append_new(lines, row);
    }
    json_t *out = json_object();
    json_put(out, "lines", lines);
    json_put_i64(out, "dropped", l->dropped);
    json_put_i64(out, "seq", from);
    return out;
}
