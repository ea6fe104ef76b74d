/* What a person sees at the terminal while a job runs.
 *
 * in: changes of units, phases, tasks and events. out: stderr: in a terminal one line
 * per stage, refreshed in place with rate and time left; elsewhere one line per change
 * of a stage. Called by the parts of the supervisor. Always holds: foreign text is
 * sanitised; nothing is written when quiet; no timer runs while nothing changes. */
#include "supervise/sup.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/text.h"
#include "base/timeutil.h"
#include "supervise/report.h"

#define REDRAW_MS 200

struct progress {
    bool is_tty;
    uv_timer_t *timer;
    int drawn; /* lines of the region on the screen */
};

static bool is_shown(const struct unit *u)
{
    return u->role <= UNIT_LOAD;
}

/* One line per stage, with what is wrong where the event of it does not stay in view.
 */
static void unit_line(const struct unit *u, bool has_detail, struct buf *b)
{
    const char *bare = strchr(u->proc->name, '.');
    char eta[32] = "", count[32];
    int64_t total = unit_figure(u, "total"), position = unit_figure(u, "position");
    const char *state = unit_stage_state(u);
    report_number(unit_figure(u, u->role == UNIT_LOAD ? "rows" : "in"), count);
    buf_addf(b, "%-7s %-20.20s %-8s %12s", unit_kind(u),
             bare ? bare + 1 : u->proc->name, state, count);
    if (u->rate >= 1 && streq(state, "running")) {
        char rate[32];
        report_number((int64_t)u->rate, rate);
        buf_addf(b, " %10s/s", rate);
        if (total > 0 && position > 0 && position < total) {
            int64_t spent = time_mono_ms() - u->begun_mono;
            double part = (double)position / (double)total;
            time_format_duration((int64_t)((double)spent * (1 - part) / part), eta);
            buf_addf(b, " %3d %% ETA %s", (int)(part * 100), eta);
        }
    }
    int64_t rejected = unit_rejected(u);
    if (rejected > 0) {
        report_number(rejected, count);
        buf_addf(b, "  %s rejected", count);
    }
    if (has_detail && u->proc->detail[0] &&
        (streq(state, "failed") || streq(state, "waiting")))
        buf_addf(b, "  %s", u->proc->detail);
}

static void screen_size(int *columns, int *rows)
{
    struct winsize w;
    bool is_known = ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 20;
    *columns = is_known ? w.ws_col : 80;
    *rows = is_known && w.ws_row > 4 ? w.ws_row : 24;
}

/* A sanitised line, cut to the screen (bytes: progress lines are ASCII but for foreign
 * text, which may be cut early). */
static void put_line(const char *text, size_t n, bool is_cut)
{
    struct buf b;
    buf_init(&b, 65536);
    text_sanitise(&b, text, n);
    int columns, rows;
    screen_size(&columns, &rows);
    size_t len = is_cut && b.len >= (size_t)columns ? (size_t)columns - 1 : b.len;
    fwrite(buf_str(&b), 1, len, stderr);
    fputc('\n', stderr);
    buf_release(&b);
}

static void region_erase(struct progress *g)
{
    if (g->drawn > 0)
        fprintf(stderr, "\033[%dA\r\033[J", g->drawn);
    g->drawn = 0;
}

static void region_draw(struct sup *s)
{
    struct progress *g = s->progress;
    struct buf b;
    int columns, rows;
    screen_size(&columns, &rows);
    buf_init(&b, 65536);
    units_each(s, u)
    {
        if (!is_shown(u) || g->drawn >= rows - 3)
            continue; /* the region must fit, or going up would miss its top */
        buf_reset(&b);
        unit_line(u, true, &b);
        put_line(buf_str(&b), b.len, true);
        g->drawn++;
    }
    json_t *run = run_json(s);
    buf_reset(&b);
    if (json_is_object(run))
        buf_addf(&b, "%s: %lld of %lld done", json_str(run, "command", "run"),
                 (long long)json_i64(run, "done", 0),
                 (long long)json_i64(run, "total", 0));
    else
        buf_addf(&b, "%s", sup_phase_text(s->phase));
    put_line(buf_str(&b), b.len, true);
    g->drawn++;
    json_decref(run);
    buf_release(&b);
    fflush(stderr);
}

static void on_redraw(uv_timer_t *t)
{
    struct sup *s = t->data;
    region_erase(s->progress);
    region_draw(s);
}

static void redraw_soon(struct sup *s)
{
    struct progress *g = s->progress;
    if (g && g->is_tty && !uv_is_active((uv_handle_t *)g->timer))
        uv_timer_start(g->timer, on_redraw, REDRAW_MS, 0);
}

/* A line that stays: above the region. */
static void print_line(struct sup *s, const char *text)
{
    struct progress *g = s->progress;
    if (!g)
        return;
    if (g->is_tty)
        region_erase(g);
    struct buf b;
    buf_init(&b, 262144);
    report_lines(text, &b);
    fwrite(buf_str(&b), 1, b.len, stderr);
    buf_release(&b);
    if (g->is_tty)
        region_draw(s);
}

void progress_open(struct sup *s)
{
    if (s->o->is_quiet)
        return;
    s->progress = mem_alloc(sizeof *s->progress);
    s->progress->is_tty = isatty(STDERR_FILENO) && !s->o->detach;
    s->progress->timer = mem_alloc(sizeof *s->progress->timer);
    uv_timer_init(&s->loop, s->progress->timer);
    s->progress->timer->data = s;
}

void progress_close(struct sup *s)
{
    struct progress *g = s->progress;
    if (!g)
        return;
    if (g->is_tty) { /* what stays is what was printed above it, and the result */
        region_erase(g);
        fflush(stderr);
    }
    uv_close((uv_handle_t *)g->timer, sup_free_handle);
    mem_free(g);
    s->progress = NULL;
}

void progress_unit(struct unit *u)
{
    struct sup *s = u->sup;
    if (!s->progress || !is_shown(u))
        return;
    if (s->progress->is_tty) {
        redraw_soon(s);
        return;
    }
    const char *state = unit_stage_state(u);
    if (streq(state, "idle") || streq(state, "waiting"))
        return; /* passing states: they come and go with every batch */
    if (u->shown && streq(u->shown, state))
        return;
    u->shown = state;
    struct buf b;
    buf_init(&b, 65536);
    unit_line(u, false, &b);
    put_line(buf_str(&b), b.len, false);
    buf_release(&b);
}

void progress_phase(struct sup *s)
{
    if (!s->progress)
        return;
    if (s->progress->is_tty) {
        redraw_soon(s);
        return;
    }
    if (s->phase < PHASE_STOPPING || s->is_stopping)
        fprintf(stderr, "%s\n", sup_phase_text(s->phase));
}

void progress_task(struct sup *s, const json_t *task, size_t n, size_t total)
{
    struct buf b;
    if (s->o->log_json) {
        buf_init(&b, 1u << 20);
        report_task_json(task, n, total, &b);
        fwrite(buf_str(&b), 1, b.len, stdout);
        fflush(stdout);
        buf_release(&b);
        return;
    }
    if (!s->progress)
        return;
    buf_init(&b, 65536);
    report_task(task, n, total, &b);
    print_line(s, buf_str(&b));
    buf_release(&b);
}

void progress_note(struct sup *s, const char *level, const char *source,
                   const char *text)
{
    if (!s->progress || streq(level, "info"))
        return;
    char *line = mem_printf("%s: %s: %s", level, source, text);
    print_line(s, line);
    mem_free(line);
}
