/* Partitions of one group and topic with their lag. In: the lag feed; opened from lag.
 */
#include <stdio.h>
#include "base/json.h"
#include "base/str.h"
#include "ui/app.h"

static json_t *rows(struct app *a, struct page *p, json_t *data)
{
    json_t *out = json_array(), *group, *lag;
    size_t i, k;

    (void)a;
    json_array_foreach (json_arr(data, "groups"), i, group) {
        char id[300];
        snprintf(id, sizeof id, "%s/%s", json_str(group, "group", ""),
                 json_str(group, "topic", ""));
        if (!streq(id, p->arg))
            continue;
        double all = json_num(group, "lag", 0);
        json_array_foreach (json_arr(group, "strip"), k, lag) {
            json_t *row = json_object();
            json_put_i64(row, "partition", (int64_t)k);
            json_put_i64(row, "lag", (int64_t)json_number_value(lag));
            if (all > 0)
                json_put_num(row, "share", json_number_value(lag) * 100 / all);
            json_array_append_new(out, row);
        }
    }
    return out;
}

static const struct grid_column columns[] = {
    {"partition", "partition", GRID_COUNT, 10, 1, 0},
    {"lag", "lag", GRID_COUNT, 12, 1, 0},
    {"share", "of the lag", GRID_PERCENT, 10, 2, 0},
    {"share", "", GRID_BAR, 40, 3, 0},
};

const struct view view_partitions = {
    .name = "partitions",
    .title = "Partitions",
    .doc = "the lag of each partition, the worst first",
    .feed = "lag",
    .empty = "no figures for its partitions yet",
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .id_keys = "partition",
    .sort = 1,
    .is_descending = true,
    .rows = rows,
};
