/* View 4, anomalies: flagged receipts as they are found, newest first. In: the
 * anomalies feed. Holds always: while paused nothing moves and what is new is counted.
 */
#include <stdio.h>
#include <strings.h>
#include "base/json.h"
#include "base/map.h"
#include "base/str.h"
#include "ui/app.h"

static const char *const reasons[] = {"", "AMOUNT_OUTLIER", "HIGH_VELOCITY",
                                      "OFF_HOURS"};

#define N_REASONS ((int)(sizeof reasons / sizeof *reasons))

static bool has_reason(const json_t *row, const char *reason)
{
    const json_t *all = json_object_get(row, "reasons"), *one;
    size_t i;

    if (!*reason)
        return true;
    if (json_is_string(all))
        return strstr(json_string_value(all), reason) != NULL;
    json_array_foreach (all, i, one) {
        if (json_is_string(one) && streq(json_string_value(one), reason))
            return true;
    }
    return false;
}

static json_t *rows(struct app *a, struct page *p, json_t *data)
{
    json_t *out = json_array(), *row;
    size_t i;

    (void)a;
    json_array_foreach (data, i, row) {
        if (has_reason(row, reasons[p->reason]))
            json_array_append(out, row);
    }
    return out;
}

static bool action(struct app *a, struct page *p, const char *name, const char *args)
{
    (void)a;
    if (!streq(name, "reason"))
        return false;
    int next = (p->reason + 1) % N_REASONS;
    for (int i = 0; *args && i < N_REASONS; i++)
        if (strcasecmp(args, reasons[i]) == 0)
            next = i;
    p->reason = next;
    page_forget(p);
    grid_set_rows(&p->grid, NULL);
    return true;
}

/* Rows that came since it was paused. The feed holds only the latest ones, so their
 * number says nothing: ids are compared. */
static size_t count_new(const json_t *frozen, const json_t *now)
{
    struct map known;
    const json_t *row;
    size_t i, n = 0;

    map_init(&known);
    json_array_foreach (frozen, i, row) {
        map_put(&known, json_str(row, "transaction_id", ""), &known);
    }
    json_array_foreach (now, i, row) {
        n += !map_has(&known, json_str(row, "transaction_id", ""));
    }
    map_release(&known);
    return n;
}

static void status(struct app *a, struct page *p, char *out, size_t size)
{
    const char *reason = reasons[p->reason];
    int n = snprintf(out, size, "%s%s", reason, *reason ? "  " : "");

    if (p->is_paused)
        snprintf(out + n, size - (size_t)n, "PAUSED, %zu new (Space goes on)",
                 count_new(p->frozen, feeds_get(&a->feeds, "anomalies")));
    else
        snprintf(out + n, size - (size_t)n, "following");
}

static const struct grid_column columns[] = {
    {"at_ms", "time", GRID_TIME, 11, 1, 0},
    {"severity", "severity", GRID_STATE, 9, 2, 0},
    {"transaction_id", "transaction", GRID_TEXT, 26, 1, 40},
    {"store_id", "store", GRID_TEXT, 7, 3, 0},
    {"terminal_id", "terminal", GRID_TEXT, 9, 4, 0},
    {"total", "total", GRID_MONEY, 10, 1, 0},
    {"reasons", "reasons", GRID_LIST, 18, 1, GRID_FREE},
};

const struct view view_anomalies = {
    .name = "anomalies",
    .title = "Anomalies",
    .doc = "flagged receipts, newest first",
    .feed = "anomalies",
    .empty = "no anomalies",
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .id_keys = "transaction_id",
    .sort = 0,
    .is_descending = true,
    .has_data_time = true,
    .is_tail = true,
    .rows = rows,
    .action = action,
    .status = status,
};
