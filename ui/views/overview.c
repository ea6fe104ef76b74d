/* View 1, the whole platform at a glance: the flow from source to gold with rates, lag
 * and progress, then run, freshness, counts, gates and what happened last. In: the
 * overview feed. Holds always: it fits 80x24; what is alarming shows first when room is
 * short. */
#include <stdio.h>
#include "base/json.h"
#include "base/str.h"
#include "ui/app.h"
#include "ui/chart.h"
#include "ui/fmt.h"

static const struct {
    const char *kind, *layer, *prefix; /* prefix: of the node's id */
    enum role role;
} layers[] = {
    {"ingest", "source", "source.", ROLE_SOURCE},
    {"stream", "stream", "stream.", ROLE_STREAM},
    {"load", "bronze", "load.", ROLE_SOURCE},
    {"model", "models", "", ROLE_MODEL},
    {"gate", "gates", "gate.", ROLE_GATE},
};

#define N_LAYERS    (sizeof layers / sizeof *layers)
#define LAYER_MODEL 3
#define LAYER_GATE  4
#define MORE        "more:" /* name of the row for calm stages */

static size_t layer_of(const json_t *stage)
{
    const char *kind = json_str(stage, "kind", "");

    for (size_t i = 0; i < N_LAYERS; i++)
        if (streq(kind, layers[i].kind))
            return i;
    return N_LAYERS;
}

/* "ingest pos" without its kind. */
static const char *short_name(const json_t *stage)
{
    const char *name = json_str(stage, "name", ""), *kind = json_str(stage, "kind", "");
    size_t n = strlen(kind);

    return strncmp(name, kind, n) == 0 && name[n] == ' ' ? name + n + 1 : name;
}

/* What progress means: of the source where its size is known, else of the work that has
 * come so far. */
static void add_progress(json_t *row, const json_t *stage)
{
    double total = json_num(stage, "total", 0), lag = json_num(stage, "lag", 0);
    double in = json_num(stage, "in", 0), at = json_num(stage, "position", 0);
    double share = -1;

    if (total > 0)
        share = (at > 0 ? at : in) / total;
    else if (lag > 0 && in + lag > 0)
        share = in / (in + lag);
    if (streq(json_str(stage, "state", ""), "done"))
        share = 1;
    if (share >= 0)
        json_put_i64(row, "progress", (int64_t)(share > 1 ? 100 : share * 100 + 1e-9));
}

/* A figure that cannot move says nothing: "-" is calmer than 0. */
static void leave_out_zeros(json_t *row, size_t layer)
{
    static const char *const keys[] = {"in", "out", "lag"};

    if (json_num(row, "rate", 0) <= 0 || !streq(json_str(row, "state", ""), "running"))
        json_object_del(row, "rate");
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (layer >= LAYER_MODEL && json_num(row, keys[i], 0) <= 0)
            json_object_del(row, keys[i]);
}

/* One row of the table from a stage. last: layer of the row before. */
static json_t *row_of(struct app *a, const json_t *stage, size_t *last)
{
    json_t *row = json_copy((json_t *)(uintptr_t)stage);
    size_t layer = layer_of(stage);
    char label[32] = "";

    if (layer != *last)
        snprintf(label, sizeof label, "%s %s",
                 *last <= N_LAYERS ? draw_glyph_text(&a->term, GLYPH_DOWN) : " ",
                 layer < N_LAYERS ? layers[layer].layer : json_str(stage, "kind", ""));
    *last = layer;
    json_put_str(row, "layer", label);
    if (!json_object_get(row, "label"))
        json_put_str(row, "label", short_name(stage));
    json_put(row, "spark", feeds_rates(&a->feeds, json_str(stage, "name", "")));
    add_progress(row, stage);
    leave_out_zeros(row, layer);
    return row;
}

/* The models are one stage: the run at work, or idle. */
static json_t *models_stage(const json_t *overview)
{
    const json_t *run = json_obj(overview, "run");
    json_t *stage = json_object();
    char detail[80];

    json_put_str(stage, "name", "models");
    json_put_str(stage, "kind", "model");
    json_put_str(stage, "state", run ? json_str(run, "state", "running") : "idle");
    if (!run)
        return stage;
    json_put_i64(stage, "in", json_i64(run, "done", 0));
    json_put_i64(stage, "total", json_i64(run, "total", 0));
    json_put_i64(stage, "lag", json_i64(run, "total", 0) - json_i64(run, "done", 0));
    snprintf(detail, sizeof detail, "run %lld, %.40s",
             (long long)json_i64(run, "id", 0), json_str(run, "command", ""));
    json_put_str(stage, "detail", detail);
    return stage;
}

/* All stages in order, with the models between the tables and the gates. */
static json_t *all_stages(const json_t *overview)
{
    json_t *out = json_array(), *stage, *models = models_stage(overview);
    size_t i;

    json_array_foreach (json_arr(overview, "stages"), i, stage) {
        size_t layer = layer_of(stage);
        if (models && layer >= LAYER_MODEL) {
            if (layer != LAYER_MODEL)
                json_array_append(out, models);
            json_decref(models);
            models = NULL;
        }
        json_array_append(out, stage);
    }
    if (models && i > 0)
        json_array_append(out, models);
    json_decref(models);
    return out;
}

/* Nothing to look at: at rest, with nothing waiting. */
static bool is_calm(const json_t *stage)
{
    const char *state = json_str(stage, "state", "");

    return (streq(state, "idle") || streq(state, "done") || streq(state, "waiting")) &&
           json_num(stage, "lag", 0) <= 0;
}

/* One row for the calm stages of a layer: "5 more", at rest. */
static json_t *more_row(const json_t *stages, size_t layer)
{
    json_t *row = json_object(), *stage;
    int64_t in = 0, out = 0, n = 0;
    size_t i;
    char text[32];

    json_array_foreach (stages, i, stage) {
        if (layer_of(stage) != layer || !is_calm(stage))
            continue;
        in += json_i64(stage, "in", 0);
        out += json_i64(stage, "out", 0);
        n++;
    }
    snprintf(text, sizeof text, MORE "%s", layers[layer].kind);
    json_put_str(row, "name", text);
    snprintf(text, sizeof text, "%lld at rest", (long long)n);
    json_put_str(row, "label", text);
    json_put_str(row, "state", "idle");
    json_put_str(row, "kind", layers[layer].kind);
    json_put_i64(row, "in", in);
    json_put_i64(row, "out", out);
    json_put_str(row, "detail", "Enter lists them");
    return row;
}

static size_t count_calm(const json_t *stages, size_t layer)
{
    const json_t *stage;
    size_t i, n = 0;

    json_array_foreach ((json_t *)(uintptr_t)stages, i, stage) {
        n += layer_of(stage) == layer && is_calm(stage);
    }
    return n;
}

/* Rows of the flow that fit beside the blocks and a few events. */
static size_t flow_room(const struct app *a)
{
    return a->term.rows > 18 ? (size_t)(a->term.rows - 14) : 4;
}

static json_t *rows(struct app *a, struct page *p, json_t *data)
{
    json_t *out = json_array(), *stages = all_stages(data), *stage;
    size_t last = N_LAYERS + 1, i;
    bool is_folded[N_LAYERS + 1] = {false};
    bool must_fold = !p->is_unfolded && json_array_size(stages) > flow_room(a);

    json_array_foreach (stages, i, stage) {
        size_t layer = layer_of(stage);
        bool folds = must_fold && layer < N_LAYERS && is_calm(stage) &&
                     count_calm(stages, layer) > 2;
        if (!folds) {
            json_array_append_new(out, row_of(a, stage, &last));
        } else if (!is_folded[layer]) {
            json_t *more = more_row(stages, layer);
            json_array_append_new(out, row_of(a, more, &last));
            json_decref(more);
            is_folded[layer] = true;
        }
    }
    json_decref(stages);
    return out;
}

static bool node(const json_t *row, char *out, size_t size)
{
    size_t layer = layer_of(row);
    const char *id = json_str(row, "node", NULL);

    if (id)
        return str_copy(out, size, id);
    if (layer >= N_LAYERS || streq(json_str(row, "name", ""), "models") ||
        str_starts(json_str(row, "name", ""), MORE))
        return false;
    snprintf(out, size, "%s%s", layers[layer].prefix, short_name(row));
    return true;
}

static void open_row(struct app *a, struct page *p, const json_t *row)
{
    const char *kind = json_str(row, "kind", "");
    char feed[300], name[280];

    if (str_starts(json_str(row, "name", ""), MORE)) {
        p->is_unfolded = true;
        page_forget(p);
    } else if (streq(kind, "model")) {
        app_go(a, 2);
    } else if (streq(kind, "gate")) {
        app_go(a, 7);
    } else {
        snprintf(name, sizeof name, "%s.%s", kind, short_name(row));
        snprintf(feed, sizeof feed, "log:%s", name);
        app_open_page(a, view_find("log"), feed, name);
    }
}

/* ── the blocks under the flow ────────────────────────────────────────────────────────
 */

static int label(struct app *a, struct rect r, int y, const char *text)
{
    draw_text(&a->term, y, r.x + 1, 10, ROLE_TITLE, text);
    return r.x + 12;
}

static void draw_run(struct app *a, struct rect r, int y)
{
    const json_t *run = app_overview(a, "run");
    int x = label(a, r, y, "run"), end = r.x + r.w;
    char text[FMT_MAX];

    if (!json_is_object(run)) {
        draw_text(&a->term, y, x, end - x, ROLE_MUTED, "none");
        return;
    }
    const char *state = json_str(run, "state", "");
    int64_t done = json_i64(run, "done", 0), total = json_i64(run, "total", 0);
    int64_t failed = json_i64(run, "failed", 0), eta = json_i64(run, "eta_ms", -1);
    x +=
        draw_glyph(&a->term, y, x, grid_state_glyph(state), grid_state_role(state)) + 1;
    x += draw_text(&a->term, y, x, end - x, grid_state_role(state), state) + 2;
    x += draw_printf(&a->term, y, x, end - x, ROLE_TEXT, "#%lld %s",
                     (long long)json_i64(run, "id", 0), json_str(run, "command", "")) +
         2;
    int bar = r.w > 60 ? 16 : 8;
    if (x + bar < end && total > 0) {
        chart_bar(&a->term, y, x, bar, (double)done / (double)total, ROLE_BAR);
        x += bar + 1;
    }
    x += draw_printf(&a->term, y, x, end - x, ROLE_TEXT, "%lld/%lld", (long long)done,
                     (long long)total) +
         2;
    if (failed)
        x += draw_printf(&a->term, y, x, end - x, ROLE_ERROR, "%lld failed",
                         (long long)failed) +
             2;
    if (eta >= 0)
        draw_printf(&a->term, y, x, end - x, ROLE_MUTED, "%s left",
                    fmt_span(eta, text));
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

static void draw_freshness(struct app *a, struct rect r, int y)
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

static int draw_freshness_list(struct app *a, struct rect r, int y, int rows_max)
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
        draw_freshness(a, r, y);
        n = 1;
    }
    return n;
}

static const struct {
    const char *key, *name;
    enum role role; /* when it is not zero */
} counts[] = {
    {"records_in", "records", ROLE_TEXT}, {"alerts_open", "open alerts", ROLE_ERROR},
    {"rejected", "rejected", ROLE_WARN},  {"anomalies", "anomalies", ROLE_TEXT},
    {"late", "late", ROLE_TEXT},          {"masked", "masked", ROLE_TEXT},
};

static void draw_counts(struct app *a, struct rect r, int y)
{
    const json_t *data = app_overview(a, "counts");
    int x = label(a, r, y, "counts"), end = r.x + r.w;
    char text[FMT_MAX];

    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        int64_t v = json_i64(data, counts[i].key, 0);
        fmt_count(v, text);
        if (x + (int)strlen(text) + (int)strlen(counts[i].name) + 1 > end)
            break;
        x += draw_text(&a->term, y, x, end - x, v ? counts[i].role : ROLE_MUTED, text) +
             1;
        x += draw_text(&a->term, y, x, end - x, ROLE_MUTED, counts[i].name) + 2;
    }
}

/* Failed gates first: they are what the operator came for. */
static void draw_gates(struct app *a, struct rect r, int y)
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
    char time[FMT_MAX];

    fmt_time(json_i64(event, "at_ms", 0), a->wall_ms, time);
    draw_text(&a->term, r.y, x, time_w, ROLE_MUTED, time);
    x += time_w + 1;
    draw_glyph(&a->term, r.y, x, grid_state_glyph(level), role);
    draw_text(&a->term, r.y, x + 2, source_w, ROLE_MUTED,
              json_str(event, "source", ""));
    x += 3 + source_w;
    draw_text(&a->term, r.y, x, end - x, role == ROLE_MUTED ? ROLE_TEXT : role,
              json_str(event, "text", ""));
}

static void draw_events(struct app *a, struct rect r)
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
    fmt_time(json_i64(json_array_get(events, first), "at_ms", 0), a->wall_ms, time);
    for (size_t i = first; i < n; i++)
        draw_event(a, json_array_get(events, i),
                   (struct rect){r.y + 1 + (int)(i - first), r.x, 1, r.w},
                   (int)strlen(time));
}

#define PANELS_MAX  4
#define PANEL_LINES 8

/* One stage's rate over the last two minutes. */
static void draw_panel(struct app *a, const json_t *stage, struct rect r)
{
    double v[FEEDS_SERIES];
    size_t n = 0, i;
    char rate[FMT_MAX];
    json_t *rates = feeds_rates(&a->feeds, json_str(stage, "name", "")), *one;
    size_t layer = layer_of(stage);
    enum role role = layer < N_LAYERS ? layers[layer].role : ROLE_BAR;

    json_array_foreach (rates, i, one)
        v[n++] = json_number_value(one);
    json_decref(rates);
    int used = draw_text(&a->term, r.y, r.x, r.w - 10, ROLE_TEXT, short_name(stage));
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
    return has && layer_of(stage) < LAYER_MODEL;
}

/* The stages that move records, side by side, where the screen has room for them. */
static int draw_panels(struct app *a, struct rect r)
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
        draw_panel(a, shown[i],
                   (struct rect){r.y, r.x + 1 + (int)i * w, PANEL_LINES - 1, w - 2});
    }
    return n ? PANEL_LINES : 0;
}

static int flow_rows(struct app *a, const struct page *p)
{
    size_t n = p->grid.n < flow_room(a) ? p->grid.n : flow_room(a);

    return n < 1 ? 4 : (int)n + 1;
}

static void draw(struct app *a, struct page *p, struct rect r)
{
    bool is_wide = r.w >= 120;
    int h = flow_rows(a, p), y = r.y + h + 1;
    struct rect block = {y, r.x, 1, is_wide ? r.w * 11 / 20 : r.w};

    page_draw_grid(a, p, (struct rect){r.y, r.x, h, r.w});
    if (is_wide) {
        struct rect right = {y, r.x + block.w, 1, r.w - block.w};
        draw_run(a, block, y);
        draw_counts(a, right, y);
        draw_gates(a, right, y + 1);
        int n = draw_freshness_list(a, block, y + 1, r.y + r.h - y - 4);
        y += 1 + (n > 1 ? n : 1);
    } else {
        draw_run(a, block, y++);
        draw_freshness(a, block, y++);
        draw_counts(a, block, y++);
        draw_gates(a, block, y++);
    }
    if (is_wide && r.y + r.h - y > 2 * PANEL_LINES)
        y += draw_panels(a, (struct rect){y + 1, r.x, PANEL_LINES, r.w});
    draw_events(a, (struct rect){y + 1, r.x, r.y + r.h - y - 1, r.w});
}

/* What the column of details would say, where there is no room for it. */
static void status(struct app *a, struct page *p, char *out, size_t size)
{
    const json_t *row = grid_row(&p->grid);

    if (a->term.cols < 150 && grid_state_role(json_str(row, "state", "")) == ROLE_ERROR)
        str_copy(out, size, json_str(row, "detail", ""));
}

static const struct grid_column columns[] = {
    {"layer", "flow", GRID_TEXT, 8, 1, 0},
    {"label", "stage", GRID_TEXT, 16, 1, 26},
    {"state", "state", GRID_STATE, 10, 1, 0},
    {"in", "in", GRID_COUNT, 9, 2, 0},
    {"out", "out", GRID_COUNT, 9, 5, 0},
    {"rate", "rate", GRID_RATE, 8, 2, 0},
    {"lag", "lag", GRID_SHORT, 6, 1, 0},
    {"progress", "progress", GRID_BAR, 13, 3, 0},
    {"spark", "rate over time", GRID_SPARK, 30, 8, 0},
    {"detail", "detail", GRID_TEXT, 30, 9, GRID_FREE},
};

const struct view view_overview = {
    .name = "overview",
    .title = "Overview",
    .doc = "the platform from source to gold",
    .feed = "overview",
    .empty = "no stages are configured",
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .id_keys = "name",
    .sort = -1,
    .rows = rows,
    .draw = draw,
    .open = open_row,
    .node = node,
    .status = status,
};
