/* One cell: what a value is as text, and how a state looks. In: a column and a row;
 * out: text and a role. Called by grid.c (filter), grid_draw.c and the views. Holds
 * always: a value of any JSON type gives text; a word that is not in the table of
 * states is plain. */
#include "ui/grid.h"

#include <stdio.h>
#include "base/json.h"
#include "base/str.h"
#include "ui/fmt.h"

#define WHOLE_MAX 9e15 /* whole numbers a double holds exactly */

static const struct {
    const char *word;
    enum role role;
    enum glyph glyph;
} states[] = {
    {"ok", ROLE_OK, GLYPH_OK},
    {"success", ROLE_OK, GLYPH_OK},
    {"pass", ROLE_OK, GLYPH_OK},
    {"ready", ROLE_OK, GLYPH_OK},
    {"done", ROLE_OK, GLYPH_OK},
    {"sent", ROLE_OK, GLYPH_OK},
    {"resolved", ROLE_OK, GLYPH_OK},
    {"running", ROLE_RUNNING, GLYPH_RUNNING},
    {"starting", ROLE_RUNNING, GLYPH_RUNNING},
    {"draining", ROLE_RUNNING, GLYPH_RUNNING},
    {"planning", ROLE_RUNNING, GLYPH_RUNNING},
    {"finishing", ROLE_RUNNING, GLYPH_RUNNING},
    {"stopping", ROLE_WARN, GLYPH_WAITING},
    {"waiting", ROLE_MUTED, GLYPH_WAITING},
    {"queued", ROLE_MUTED, GLYPH_WAITING},
    {"idle", ROLE_MUTED, GLYPH_WAITING},
    {"down", ROLE_MUTED, GLYPH_WAITING},
    {"skipped", ROLE_MUTED, GLYPH_WAITING},
    {"cancelled", ROLE_MUTED, GLYPH_FAIL},
    {"acked", ROLE_MUTED, GLYPH_OK},
    {"info", ROLE_MUTED, GLYPH_WAITING},
    {"normal", ROLE_MUTED, GLYPH_WAITING},
    {"unknown", ROLE_MUTED, GLYPH_UNKNOWN},
    {"warn", ROLE_WARN, GLYPH_WARN},
    {"warning", ROLE_WARN, GLYPH_WARN},
    {"backoff", ROLE_WARN, GLYPH_WARN},
    {"open", ROLE_WARN, GLYPH_WARN},
    {"stall", ROLE_ERROR, GLYPH_FAIL},
    {"stop", ROLE_ERROR, GLYPH_FAIL},
    {"rewind", ROLE_ERROR, GLYPH_FAIL},
    {"lost", ROLE_ERROR, GLYPH_FAIL},
    {"breach", ROLE_ERROR, GLYPH_FAIL},
    {"fail", ROLE_ERROR, GLYPH_FAIL},
    {"failed", ROLE_ERROR, GLYPH_FAIL},
    {"failing", ROLE_ERROR, GLYPH_FAIL},
    {"error", ROLE_ERROR, GLYPH_FAIL},
    {"crashed", ROLE_ERROR, GLYPH_FAIL},
    {"critical", ROLE_ERROR, GLYPH_FAIL},
    {"high", ROLE_ERROR, GLYPH_FAIL},
    {"blocked", ROLE_ERROR, GLYPH_BLOCKED},
};

#define N_STATES (sizeof states / sizeof *states)

enum role grid_state_role(const char *word)
{
    for (size_t i = 0; i < N_STATES; i++)
        if (streq(word, states[i].word))
            return states[i].role;
    return ROLE_TEXT;
}

enum glyph grid_state_glyph(const char *word)
{
    for (size_t i = 0; i < N_STATES; i++)
        if (streq(word, states[i].word))
            return states[i].glyph;
    return GLYPH_UNKNOWN;
}

/* A number from a number or from decimal text; false when it is neither. */
bool grid_number(const json_t *v, double *out)
{
    if (json_is_number(v)) {
        *out = json_number_value(v);
        return true;
    }
    return json_is_string(v) && str_to_double(str_of(json_string_value(v)), out);
}

void grid_value(struct buf *out, const json_t *v)
{
    if (json_is_string(v))
        buf_add(out, json_string_value(v), json_string_length(v));
    else if (json_is_integer(v))
        buf_add_i64(out, json_integer_value(v));
    else if (json_is_real(v))
        buf_addf(out, "%.15g", json_real_value(v));
    else if (json_is_boolean(v))
        buf_adds(out, json_is_true(v) ? "yes" : "no");
    else if (json_is_array(v)) {
        for (size_t i = 0; i < json_array_size(v); i++) {
            if (i)
                buf_adds(out, " ");
            grid_value(out, json_array_get(v, i));
        }
    } else if (json_is_object(v)) {
        (void)json_dump_buf(v, JSON_COMPACT, out, NULL);
    }
}

static void add_number(enum grid_kind kind, const json_t *v, struct fmt_when when,
                       struct buf *out)
{
    char text[FMT_MAX] = "-";
    double d;

    if (grid_number(v, &d) && !(d > -WHOLE_MAX && d < WHOLE_MAX)) {
        buf_adds(out, "-"); /* nothing that was counted or timed */
        return;
    }
    if (!grid_number(v, &d)) {
        if (json_is_string(v)) /* not a number after all: as it is */
            grid_value(out, v);
        else
            buf_adds(out, "-");
        return;
    }
    switch (kind) {
    case GRID_COUNT:
        fmt_count((int64_t)d, text);
        break;
    case GRID_SHORT:
        fmt_short(d, text);
        break;
    case GRID_RATE:
        fmt_rate(d, text);
        break;
    case GRID_BYTES:
        fmt_bytes(d, text);
        break;
    case GRID_KBYTES:
        fmt_bytes(d < 0 ? d : d * 1024, text);
        break;
    case GRID_TIME:
        fmt_time((int64_t)d, when, text);
        break;
    case GRID_SPAN:
        fmt_span((int64_t)d, text);
        break;
    case GRID_SECONDS:
        fmt_seconds(d, text);
        break;
    case GRID_PERCENT:
        snprintf(text, sizeof text, "%.0f%%", d);
        break;
    case GRID_MONEY:
        fmt_money(d, text);
        break;
    case GRID_TEXT:
    case GRID_STATE:
    case GRID_LIST:
    case GRID_PROGRESS:
    case GRID_BAR:
    case GRID_SPARK:
    case GRID_HEAT:
        break;
    }
    buf_adds(out, text);
}

static bool is_numeric(enum grid_kind kind)
{
    return kind != GRID_TEXT && kind != GRID_STATE && kind < GRID_LIST;
}

/* Numbers end at the right so that their digits stand under each other. */
bool grid_is_right(enum grid_kind kind)
{
    return is_numeric(kind) && kind != GRID_TIME;
}

void grid_cell(const struct grid_column *c, const json_t *row, struct fmt_when when,
               struct buf *out, enum role *role)
{
    const json_t *v = json_object_get(row, c->key);

    *role = ROLE_TEXT;
    if (c->kind == GRID_SPARK || c->kind == GRID_HEAT)
        return;
    if (c->kind == GRID_BAR)
        add_number(GRID_PERCENT, v, when, out);
    else if (c->kind == GRID_PROGRESS)
        buf_addf(out, "%lld/%lld", (long long)json_i64(row, "done", 0),
                 (long long)json_i64(row, "total", 0));
    else if (is_numeric(c->kind))
        add_number(c->kind, v, when, out);
    else
        grid_value(out, v);
    if (c->kind == GRID_STATE && json_is_string(v))
        *role = grid_state_role(json_string_value(v));
}
