/* View 2, lag: consumer groups with verdict, lag in messages and in time, rates and
 * ETA; the partitions of the group under the cursor as a heat strip. In: the lag feed.
 */
#include <stdio.h>
#include "base/json.h"
#include "base/str.h"
#include "ui/app.h"
#include "ui/chart.h"
#include "ui/fmt.h"

#define STRIP_MAX 4096

/* What is wrong first. Groups that are weir's own bookkeeping ("@…") are left out:
 * nobody waits for them. */
static json_t *rows(struct app *a, struct page *p, json_t *data)
{
    static const enum role order[] = {ROLE_ERROR, ROLE_WARN};
    json_t *out = json_array(), *group;
    size_t i;

    (void)a, (void)p;
    for (size_t pass = 0; pass <= sizeof order / sizeof *order; pass++) {
        json_array_foreach (json_arr(data, "groups"), i, group) {
            enum role role = grid_state_role(json_str(group, "verdict", ""));
            size_t turn = role == order[0] ? 0 : role == order[1] ? 1 : 2;
            if (turn == pass && json_str(group, "group", "")[0] != '@')
                json_array_append(out, group);
        }
    }
    return out;
}

static size_t read_strip(const json_t *row, double *v, double *max)
{
    const json_t *strip = json_arr(row, "strip");
    size_t n = json_array_size(strip);

    n = n < STRIP_MAX ? n : STRIP_MAX;
    *max = 0;
    for (size_t i = 0; i < n; i++) {
        v[i] = json_number_value(json_array_get(strip, i));
        *max = v[i] > *max ? v[i] : *max;
    }
    return n;
}

/* What the verdict means and what to look at. */
static const char *advice(const char *verdict)
{
    static const struct {
        const char *verdict, *text;
    } all[] = {
        {"ok", "it keeps up"},
        {"warn",
         "offsets move but the lag never drops: it is slower than what comes in"},
        {"stall", "commits come but offsets stand still: look at its log"},
        {"stop", "no commits any more: is its process running?"},
        {"rewind", "offsets went back: somebody replays"},
        {"lost", "what it had not read is deleted: data is lost"},
        {"unknown", "not enough samples yet to judge"},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (streq(verdict, all[i].verdict))
            return all[i].text;
    return "";
}

static void draw_strip(struct app *a, const json_t *row, struct rect r)
{
    static double v[STRIP_MAX];
    double max;
    size_t n = read_strip(row, v, &max);
    char text[FMT_MAX];
    const char *verdict = json_str(row, "verdict", "unknown");

    draw_hline(&a->term, r.y, r.x + 1, r.w - 2, ROLE_BORDER);
    int x = r.x + 3 +
            draw_printf(&a->term, r.y, r.x + 3, r.w - 6, ROLE_TITLE, " %s on %s ",
                        json_str(row, "group", ""), json_str(row, "topic", ""));
    x += draw_text(&a->term, r.y, x, r.x + r.w - x - 1, grid_state_role(verdict),
                   verdict);
    draw_text(&a->term, r.y, x, 1, ROLE_TEXT, " ");
    draw_text(&a->term, r.y + 1, r.x + 1, r.w - 2, ROLE_TEXT, advice(verdict));
    if (r.h < 4)
        return;
    if (!n) {
        draw_text(&a->term, r.y + 2, r.x + 1, r.w - 2, ROLE_MUTED,
                  "no figures for its partitions yet");
        return;
    }
    if (max > 0)
        draw_printf(
            &a->term, r.y + 2, r.x + 1, r.w - 2, ROLE_MUTED,
            "%zu partitions, the worst is %lld with %s behind; Enter lists them", n,
            (long long)json_i64(row, "max_partition", 0), fmt_short(max, text));
    else
        draw_printf(&a->term, r.y + 2, r.x + 1, r.w - 2, ROLE_MUTED,
                    "%zu partitions, none is behind", n);
    chart_heat(&a->term, (struct rect){r.y + 3, r.x + 1, r.h - 3, r.w - 2}, v, n, max);
}

static void draw_topics(struct app *a, struct page *p, struct rect r)
{
    static const struct grid_column columns[] = {
        {"name", "topic", GRID_TEXT, 24, 1, 36},
        {"partitions", "partitions", GRID_COUNT, 10, 3, 0},
        {"records", "records", GRID_COUNT, 13, 1, 0},
        {"bytes", "size", GRID_BYTES, 9, 1, 0},
        {"newest_ms", "newest", GRID_TIME, 16, 2, 0},
    };

    page_draw_rows(a, r, columns, sizeof columns / sizeof *columns,
                   json_arr(page_data(a, p), "topics"), "no topics yet");
}

/* Groups as high as they are, then the strip of one, then the topics with what is left.
 */
static void draw(struct app *a, struct page *p, struct rect r)
{
    const json_t *row = grid_row(&p->grid);
    size_t partitions = json_array_size(json_arr(row, "strip"));
    int strip = row ? 4 + (int)(partitions / (size_t)(r.w > 2 ? r.w - 2 : 1)) : 0;
    int topics = (int)json_array_size(json_arr(page_data(a, p), "topics")) + 1;
    int table = p->grid.n ? (int)p->grid.n + 1 : 4;

    if (strip > r.h / 2)
        strip = r.h / 2;
    if (table > r.h - strip - 1)
        table = r.h - strip - 1;
    page_draw_grid(a, p, (struct rect){r.y, r.x, table, r.w});
    if (row)
        draw_strip(a, row, (struct rect){r.y + table + 1, r.x, strip, r.w});
    int y = table + strip + 2;
    if (topics > r.h - y)
        topics = r.h - y;
    if (topics > 3)
        draw_topics(a, p, (struct rect){r.y + y, r.x, topics, r.w});
}

static void open_row(struct app *a, struct page *p, const json_t *row)
{
    char arg[200];

    (void)p;
    snprintf(arg, sizeof arg, "%s/%s", json_str(row, "group", ""),
             json_str(row, "topic", ""));
    app_open_page(a, view_find("partitions"), arg, arg);
}

static const struct grid_column columns[] = {
    {"group", "group", GRID_TEXT, 18, 1, 36},
    {"topic", "topic", GRID_TEXT, 14, 4, 30},
    {"verdict", "verdict", GRID_STATE, 9, 1, 0},
    {"lag", "lag", GRID_COUNT, 9, 1, 0},
    {"behind_ms", "behind", GRID_SPAN, 8, 1, 0},
    {"eta_ms", "caught up", GRID_SPAN, 9, 3, 0},
    {"rate_in", "in", GRID_RATE, 8, 5, 0},
    {"rate_out", "out", GRID_RATE, 8, 5, 0},
    {"max_lag", "worst", GRID_SHORT, 6, 6, 0},
    {"max_partition", "part", GRID_COUNT, 5, 7, 0},
    {"complete", "samples", GRID_TEXT, 7, 8, 0},
    {"strip", "partitions", GRID_HEAT, 40, 9, 0},
};

const struct view view_lag = {
    .name = "lag",
    .title = "Lag",
    .doc = "who reads which topic and how far behind",
    .feed = "lag",
    .empty = "nobody reads a topic yet",
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .id_keys = "group,topic",
    .sort = -1,
    .rows = rows,
    .draw = draw,
    .open = open_row,
};
