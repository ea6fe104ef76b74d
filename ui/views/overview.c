/* View 1, the whole platform at a glance: the flow from source to gold with rates, lag
 * and progress, then run, freshness, counts, gates and what happened last. In: the
 * overview feed. Holds always: it fits 80x24; stages at rest fold when room is short.
 */
#include <stdio.h>
#include "base/json.h"
#include "base/str.h"
#include "ui/app.h"
#include "ui/views/overview.h"

#define MORE "more:" /* name of the row for stages at rest */

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
static void leave_out_zeros(json_t *row, enum overview_layer layer)
{
    static const char *const keys[] = {"in", "out", "lag"};

    if (json_num(row, "rate", 0) <= 0 || !streq(json_str(row, "state", ""), "running"))
        json_object_del(row, "rate");
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (layer >= LAYER_MODEL && json_num(row, keys[i], 0) <= 0)
            json_object_del(row, keys[i]);
    if (layer == LAYER_INGEST && json_num(row, "out", 0) <= 0)
        json_object_del(row, "out"); /* what it reads is what it puts on the bus */
}

/* One row of the table from a stage. last: layer of the row before. */
static json_t *row_of(struct app *a, const json_t *stage, enum overview_layer *last)
{
    json_t *row = json_copy((json_t *)(uintptr_t)stage);
    enum overview_layer layer = overview_layer(stage);
    char label[32] = "";

    if (layer != *last)
        snprintf(label, sizeof label, "%s %s",
                 *last <= LAYER_NONE ? draw_glyph_text(&a->term, GLYPH_DOWN) : " ",
                 layer < LAYER_NONE ? overview_layers[layer].label
                                    : json_str(stage, "kind", ""));
    *last = layer;
    json_put_str(row, "layer", label);
    if (!json_object_get(row, "label"))
        json_put_str(row, "label", overview_short_name(stage));
    json_put(row, "spark", feeds_rates(&a->feeds, json_str(stage, "name", "")));
    add_progress(row, stage);
    leave_out_zeros(row, layer);
    return row;
}

/* How the last run ended: a failed one must not look like rest. */
static const char *last_run_state(const struct app *a)
{
    const json_t *run = overview_run(a);
    const char *state = run ? json_str(run, "state", "idle") : "idle";

    return streq(state, "success") ? "done" : state;
}

/* The models are one stage: the run at work, or how the last one ended. */
static json_t *models_stage(const struct app *a, const json_t *overview)
{
    const json_t *run = json_obj(overview, "run");
    json_t *stage = json_object();
    char detail[80];

    json_put_str(stage, "name", "models");
    json_put_str(stage, "kind", "model");
    json_put_str(stage, "state",
                 run ? json_str(run, "state", "running") : last_run_state(a));
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
static json_t *all_stages(const struct app *a, const json_t *overview)
{
    json_t *out = json_array(), *stage, *models = models_stage(a, overview);
    size_t i;

    json_array_foreach (json_arr(overview, "stages"), i, stage) {
        enum overview_layer layer = overview_layer(stage);
        if (models && layer >= LAYER_MODEL) {
            if (layer != LAYER_MODEL)
                json_array_append(out, models);
            json_decref(models);
            models = NULL;
        }
        json_array_append(out, stage);
    }
    if (models && (i > 0 || overview_run(a))) /* models alone are a platform, too */
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
static json_t *more_row(const json_t *stages, enum overview_layer layer)
{
    json_t *row = json_object(), *stage;
    int64_t in = 0, out = 0, n = 0;
    size_t i;
    char text[32];

    json_array_foreach (stages, i, stage) {
        if (overview_layer(stage) != layer || !is_calm(stage))
            continue;
        in += json_i64(stage, "in", 0);
        out += json_i64(stage, "out", 0);
        n++;
    }
    snprintf(text, sizeof text, MORE "%s", overview_layers[layer].kind);
    json_put_str(row, "name", text);
    snprintf(text, sizeof text, "%lld at rest", (long long)n);
    json_put_str(row, "label", text);
    json_put_str(row, "state", "idle");
    json_put_str(row, "kind", overview_layers[layer].kind);
    json_put_i64(row, "in", in);
    json_put_i64(row, "out", out);
    json_put_str(row, "detail", "Enter lists them");
    return row;
}

static size_t count_calm(const json_t *stages, enum overview_layer layer)
{
    const json_t *stage;
    size_t i, n = 0;

    json_array_foreach ((json_t *)(uintptr_t)stages, i, stage) {
        n += overview_layer(stage) == layer && is_calm(stage);
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
    json_t *out = json_array(), *stages = all_stages(a, data), *stage;
    enum overview_layer last = LAYER_NONE + 1, i;
    bool is_folded[LAYER_NONE + 1] = {false};
    bool must_fold =
        !p->is_unfolded && !p->grid.filter[0] && json_array_size(stages) > flow_room(a);

    json_array_foreach (stages, i, stage) {
        enum overview_layer layer = overview_layer(stage);
        bool folds = must_fold && layer < LAYER_NONE && is_calm(stage) &&
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
    enum overview_layer layer = overview_layer(row);
    const char *id = json_str(row, "node", NULL);

    if (id)
        return str_copy(out, size, id);
    if (layer >= LAYER_NONE || streq(json_str(row, "name", ""), "models") ||
        str_starts(json_str(row, "name", ""), MORE))
        return false;
    snprintf(out, size, "%s%s", overview_layers[layer].prefix,
             overview_short_name(row));
    return true;
}

static void open_row(struct app *a, struct page *p, const json_t *row)
{
    const char *kind = json_str(row, "kind", "");
    char name[280];

    if (str_starts(json_str(row, "name", ""), MORE)) {
        p->is_unfolded = true;
        page_forget(p);
    } else if (streq(kind, "model")) {
        app_command(a, "view runs");
    } else if (streq(kind, "gate")) {
        app_command(a, "view gates");
    } else {
        snprintf(name, sizeof name, "%s.%s", kind, overview_short_name(row));
        app_open_log(a, name, name);
    }
}

static int flow_rows(struct app *a, const struct page *p)
{
    size_t n = p->grid.n < flow_room(a) ? p->grid.n : flow_room(a);

    return n < 1 ? 4 : (int)n + 1;
}

/* The blocks one under the other, as many as there is room for above end. */
static void draw_blocks(struct app *a, struct rect r, int y, int end)
{
    if (y < end)
        overview_draw_run(a, r, y++);
    if (y < end)
        overview_draw_freshness(a, r, y++);
    if (y < end)
        overview_draw_counts(a, r, y++, 1);
    if (y < end)
        overview_draw_gates(a, r, y);
}

static void draw(struct app *a, struct page *p, struct rect r)
{
    bool is_wide = r.w >= 120 && r.h >= 14;
    int h = flow_rows(a, p), y = r.y + h + 1;
    struct rect block = {y, r.x, 1, is_wide ? r.w * 11 / 20 : r.w};

    page_draw_grid(a, p, (struct rect){r.y, r.x, h, r.w});
    if (is_wide) {
        struct rect right = {y, r.x + block.w, 1, r.w - block.w};
        overview_draw_run(a, block, y);
        int used = overview_draw_counts(a, right, y, 2);
        overview_draw_gates(a, right, y + used);
        int n = overview_draw_freshness_list(a, block, y + 1, r.y + r.h - y - 4);
        y += 1 + (n > used ? n : used);
    } else {
        draw_blocks(a, block, y, r.y + r.h);
        y += 4;
    }
    if (is_wide && r.y + r.h - y > 2 * OVERVIEW_PANEL_LINES)
        y += overview_draw_panels(a,
                                  (struct rect){y + 1, r.x, OVERVIEW_PANEL_LINES, r.w});
    overview_draw_events(a, (struct rect){y + 1, r.x, r.y + r.h - y - 1, r.w});
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
    .empty = "no sources, streams or loads; :run-models builds the models",
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
