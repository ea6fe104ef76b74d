/* The overview's layers and the blocks under its flow: run, freshness, counts, gates,
 * rates, events. In: the overview feed; out: cells. Called by overview.c. Holds always:
 * a block stays on its lines; of many things the alarming ones come first. */
#include "ui/views/overview.h"

#include <stdio.h>
#include "base/json.h"
#include "base/str.h"
#include "ui/chart.h"
#include "ui/fmt.h"

const struct overview_layer_row overview_layers[LAYER_NONE] = {
    [LAYER_INGEST] = {"ingest", "source", "source.", ROLE_SOURCE},
    [LAYER_STREAM] = {"stream", "stream", "stream.", ROLE_STREAM},
    [LAYER_LOAD] = {"load", "bronze", "load.", ROLE_SOURCE},
    [LAYER_MODEL] = {"model", "models", "", ROLE_MODEL},
    [LAYER_GATE] = {"gate", "gates", "gate.", ROLE_GATE},
};

enum overview_layer overview_layer(const json_t *stage)
{
    const char *kind = json_str(stage, "kind", "");

    for (int i = 0; i < LAYER_NONE; i++)
        if (streq(kind, overview_layers[i].kind))
            return (enum overview_layer)i;
    return LAYER_NONE;
}

const char *overview_short_name(const json_t *stage)
{
    const char *name = json_str(stage, "name", ""), *kind = json_str(stage, "kind", "");
    size_t n = strlen(kind);

    return strncmp(name, kind, n) == 0 && name[n] == ' ' ? name + n + 1 : name;
}

static int label(struct app *a, struct rect r, int y, const char *text)
{
    draw_text(&a->term, y, r.x + 1, 10, ROLE_TITLE, text);
    return r.x + 12;
}

const json_t *overview_run(const struct app *a)
{
    const json_t *run = app_overview(a, "run"), *runs = feeds_get(&a->feeds, "runs"),
                 *one;
    const json_t *last = NULL;
    size_t i;

    if (json_is_object(run))
        return run;
    json_array_foreach ((json_t *)(uintptr_t)runs, i, one) {
        if (!last || json_i64(one, "id", 0) > json_i64(last, "id", 0))
            last = one;
    }
    return last;
}

/* What is told behind the bar: counts, failures, the end. */
static void run_end_text(const struct app *a, const json_t *run, char out[64])
{
    char text[FMT_MAX];
    int64_t eta = json_i64(run, "eta_ms", -1), at = json_i64(run, "ended_ms", 0);

    out[0] = '\0';
    if (eta >= 0)
        snprintf(out, 64, "%s left", fmt_span(eta, text));
    else if (at > 0)
        snprintf(out, 64, "ended %s", fmt_time(at, app_when(a, false), text));
}

void overview_draw_run(struct app *a, struct rect r, int y)
{
    const json_t *run = overview_run(a);
    int x = label(a, r, y, "run"), end = r.x + r.w;

    if (!run) {
        draw_text(&a->term, y, x, end - x, ROLE_MUTED, "none yet");
        return;
    }
    const char *state = json_str(run, "state", "");
    int64_t done = json_i64(run, "done", 0), total = json_i64(run, "total", 0);
    int64_t failed = json_i64(run, "failed", 0);
    char counts[64], failures[32] = "", last[64];
    x +=
        draw_glyph(&a->term, y, x, grid_state_glyph(state), grid_state_role(state)) + 1;
    x += draw_text(&a->term, y, x, end - x, grid_state_role(state), state) + 2;
    x += draw_printf(&a->term, y, x, end - x, ROLE_TEXT, "#%lld %s",
                     (long long)json_i64(run, "id", 0), json_str(run, "command", "")) +
         2;
    snprintf(counts, sizeof counts, "%lld/%lld", (long long)done, (long long)total);
    if (failed)
        snprintf(failures, sizeof failures, "%lld failed", (long long)failed);
    run_end_text(a, run, last);
    /* The bar gives way: the words behind it say more. */
    int words = (int)(strlen(counts) + strlen(failures) + strlen(last)) + 5;
    int bar = r.w >= 78 ? 16 : 6;
    bar = bar < end - x - words ? bar : end - x - words;
    if (bar >= 4 && total > 0) {
        chart_bar(&a->term, y, x, bar, (double)done / (double)total, ROLE_BAR);
        x += bar + 1;
    }
    x += draw_text(&a->term, y, x, end - x, ROLE_TEXT, counts) + 2;
    if (failed)
        x += draw_text(&a->term, y, x, end - x, ROLE_ERROR, failures) + 2;
    draw_text(&a->term, y, x, end - x, ROLE_MUTED, last);
}

static int severity_of(const char *verdict)
{
    static const char *const order[] = {"ok", "unknown", "warn", "breach"};
    for (int i = 0; i < 4; i++)
        if (streq(verdict, order[i]))
            return i;
    return 1;
}

/* Worst relation of a layer; NULL when the layer has none. */
static const json_t *worst_of(const json_t *freshness, const char *layer)
{
    const json_t *worst = NULL, *row;
    size_t i;

    json_array_foreach (freshness, i, row) {
        if (!streq(json_str(row, "layer", ""), layer))
            continue;
        int a = severity_of(json_str(row, "verdict", ""));
        int b = worst ? severity_of(json_str(worst, "verdict", "")) : -1;
        if (a > b ||
            (a == b && json_i64(row, "age_ms", 0) > json_i64(worst, "age_ms", 0)))
            worst = row;
    }
    return worst;
}

static int draw_fresh(struct app *a, const json_t *row, int y, int x, int end,
                      const char *name)
{
    const char *verdict = json_str(row, "verdict", "unknown");
    enum role role = grid_state_role(verdict);
    char age[FMT_MAX], limit[FMT_MAX];
    int64_t warn = json_i64(row, "warn_ms", 0);

    x += draw_text(&a->term, y, x, end - x, ROLE_TEXT, name) + 1;
    x += draw_glyph(&a->term, y, x, grid_state_glyph(verdict), role) + 1;
    x += draw_text(&a->term, y, x, end - x, role, verdict) + 1;
    if (json_i64(row, "age_ms", -1) < 0)
        return x;
    fmt_span(json_i64(row, "age_ms", -1), age);
    if ((role == ROLE_WARN || role == ROLE_ERROR) && warn > 0)
        return x + draw_printf(&a->term, y, x, end - x, role, "%s > %s", age,
                               fmt_span(warn, limit));
    return x + draw_text(&a->term, y, x, end - x, ROLE_MUTED, age);
}

void overview_draw_freshness(struct app *a, struct rect r, int y)
{
    static const char *const names[] = {"bronze", "silver", "gold"};
    const json_t *freshness = app_overview(a, "freshness");
    int x = label(a, r, y, "freshness"), start = x;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const json_t *row = worst_of(freshness, names[i]);
        if (row)
            x = draw_fresh(a, row, y, x, r.x + r.w, names[i]) + 3;
    }
    if (x == start)
        draw_text(&a->term, y, x, r.w - 13, ROLE_MUTED, "nothing measured yet");
}

int overview_draw_freshness_list(struct app *a, struct rect r, int y, int rows_max)
{
    const json_t *row;
    size_t i;
    int n = 0;

    json_array_foreach (app_overview(a, "freshness"), i, row) {
        if (n >= rows_max)
            break;
        int x = n ? r.x + 12 : label(a, r, y, "freshness");
        const char *name = json_str(row, "relation", "");
        int used = draw_text(&a->term, y + n, x, 30, ROLE_TEXT, name);
        draw_fresh(a, row, y + n, x + (used > 26 ? used : 26), r.x + r.w, "");
        n++;
    }
    if (!n) {
        overview_draw_freshness(a, r, y);
        n = 1;
    }
    return n;
}

static const struct {
    const char *key, *name;
    enum role role; /* when it is not zero */
} counts[] = {
    {"records_in", "records", ROLE_TEXT},     {"alerts_open", "alerts", ROLE_ERROR},
    {"not_loaded", "not loaded", ROLE_ERROR}, {"rejected", "rejected", ROLE_WARN},
    {"anomalies", "anomalies", ROLE_TEXT},    {"late", "late", ROLE_TEXT},
    {"masked", "masked", ROLE_TEXT},
};

int overview_draw_counts(struct app *a, struct rect r, int y, int lines_max)
{
    const json_t *data = app_overview(a, "counts");
    int start = label(a, r, y, "counts"), x = start, end = r.x + r.w, lines = 1;
    char text[FMT_MAX];

    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        int64_t v = json_i64(data, counts[i].key, 0);
        if (!v && streq(counts[i].key, "not_loaded"))
            continue; /* it never should be: told only when it is */
        fmt_count(v, text);
        if (x + (int)strlen(text) + (int)strlen(counts[i].name) + 1 > end) {
            if (lines++ == lines_max)
                return lines_max;
            x = start;
        }
        x += draw_text(&a->term, y + lines - 1, x, end - x,
                       v ? counts[i].role : ROLE_MUTED, text) +
             1;
        x +=
            draw_text(&a->term, y + lines - 1, x, end - x, ROLE_MUTED, counts[i].name) +
            2;
    }
    return lines;
}

/* Failed gates first: they are what the operator came for. */
void overview_draw_gates(struct app *a, struct rect r, int y)
{
    const json_t *gates = app_overview(a, "gates"), *gate;
    int x = label(a, r, y, "gates"), end = r.x + r.w;
    size_t i;

    if (!json_array_size(gates))
        draw_text(&a->term, y, x, end - x, ROLE_MUTED, "none judged yet");
    for (int bad = 1; bad >= 0; bad--) {
        json_array_foreach (gates, i, gate) {
            const char *verdict = json_str(gate, "verdict", "unknown");
            enum role role = grid_state_role(verdict);
            if ((role == ROLE_ERROR || role == ROLE_WARN) != bad || x + 12 > end)
                continue;
            int64_t total = json_i64(gate, "total", 0),
                    failed = json_i64(gate, "failed", 0);
            x += draw_glyph(&a->term, y, x, grid_state_glyph(verdict), role) + 1;
            x += draw_text(&a->term, y, x, end - x, role, json_str(gate, "name", "")) +
                 1;
            x += draw_printf(
                     &a->term, y, x, end - x, bad ? role : ROLE_MUTED,
                     bad ? "%s %lld of %lld" : "%s%lld/%lld", bad ? verdict : "",
                     (long long)(bad ? failed : total - failed), (long long)total) +
                 3;
        }
    }
}

static void draw_event(struct app *a, const json_t *event, struct rect r, int time_w)
{
    const char *level = json_str(event, "level", "info");
    enum role role = grid_state_role(level);
    int x = r.x + 1, end = r.x + r.w, source_w = r.w > 100 ? 24 : 18;
    char time[FMT_MAX], line[500];

    fmt_time(json_i64(event, "at_ms", 0), app_when(a, false), time);
    draw_text(&a->term, r.y, x, time_w, ROLE_MUTED, time);
    x += time_w + 1;
    draw_glyph(&a->term, r.y, x, grid_state_glyph(level), role);
    draw_text(&a->term, r.y, x + 2, source_w, ROLE_MUTED,
              json_str(event, "source", ""));
    x += 3 + source_w;
    draw_text(&a->term, r.y, x, end - x, role == ROLE_MUTED ? ROLE_TEXT : role,
              fmt_first_line(json_str(event, "text", ""), line, sizeof line));
}

void overview_draw_events(struct app *a, struct rect r)
{
    const json_t *events = app_overview(a, "events");
    size_t n = json_array_size(events), room = r.h > 1 ? (size_t)(r.h - 1) : 0;
    size_t first = n > room ? n - room : 0;
    char time[FMT_MAX];

    if (r.h < 2)
        return;
    draw_text(&a->term, r.y, r.x + 1, r.w - 2, ROLE_TITLE, "events");
    draw_hline(&a->term, r.y, r.x + 8, r.w - 9, ROLE_BORDER);
    if (!n) {
        draw_text(&a->term, r.y + 1, r.x + 1, r.w - 2, ROLE_MUTED, "nothing yet");
        return;
    }
    /* The oldest shown has the longest form: of today, of this year, older. */
    fmt_time(json_i64(json_array_get(events, first), "at_ms", 0), app_when(a, false),
             time);
    for (size_t i = first; i < n; i++)
        draw_event(a, json_array_get(events, i),
                   (struct rect){r.y + 1 + (int)(i - first), r.x, 1, r.w},
                   (int)strlen(time));
}

#define PANELS_MAX 4

/* One stage's rate over the last two minutes. */
static void draw_panel(struct app *a, const json_t *stage, struct rect r)
{
    double v[FEEDS_SERIES];
    size_t n = 0, i;
    char rate[FMT_MAX];
    json_t *rates = feeds_rates(&a->feeds, json_str(stage, "name", "")), *one;
    enum overview_layer layer = overview_layer(stage);
    enum role role = layer < LAYER_NONE ? overview_layers[layer].role : ROLE_BAR;

    json_array_foreach (rates, i, one)
        v[n++] = json_number_value(one);
    json_decref(rates);
    int used =
        draw_text(&a->term, r.y, r.x, r.w - 10, ROLE_TEXT, overview_short_name(stage));
    draw_right(&a->term, r.y, r.x + used + 1, r.w - used - 1, role,
               fmt_rate(json_num(stage, "rate", 0), rate));
    draw_hline(&a->term, r.y + r.h - 1, r.x, r.w, ROLE_BORDER);
    chart_area(&a->term, (struct rect){r.y + 1, r.x, r.h - 2, r.w}, v, n, role);
}

/* Did it move records lately? A panel must not come and go with every pause. */
static bool has_moved(struct app *a, const json_t *stage)
{
    json_t *rates = feeds_rates(&a->feeds, json_str(stage, "name", "")), *one;
    bool has = false;
    size_t i;

    json_array_foreach (rates, i, one)
        has |= json_number_value(one) > 0;
    json_decref(rates);
    return has && overview_layer(stage) < LAYER_MODEL;
}

/* The stages that move records, side by side, where the screen has room for them. */
int overview_draw_panels(struct app *a, struct rect r)
{
    const json_t *shown[PANELS_MAX], *stage;
    size_t n = 0, i;

    json_array_foreach (app_overview(a, "stages"), i, stage) {
        if (n < PANELS_MAX && !streq(json_str(stage, "state", ""), "done") &&
            has_moved(a, stage))
            shown[n++] = stage;
    }
    for (i = 0; i < n; i++) {
        int w = (r.w - 2) / (int)n;
        draw_panel(
            a, shown[i],
            (struct rect){r.y, r.x + 1 + (int)i * w, OVERVIEW_PANEL_LINES - 1, w - 2});
    }
    return n ? OVERVIEW_PANEL_LINES : 0;
}
