/* weir topic reset, weir topic forget: where a group reads next, and that it is gone
 * for good. Shows what changes, then changes it, unless a supervisor is up: its workers
 * would put back their own positions. */
#include <inttypes.h>
#include <limits.h>
#include <unistd.h>

#include "base/json.h"
#include "bus/bus_platform.h"
#include "base/str.h"
#include "base/vec.h"
#include "cmd/topic.h"
#include "wire/wire.h"

static int refuse_while_up(const struct cmd_args *a, struct err *e)
{
    char path[PATH_MAX];
    int fd;
    conf_state_path(a->platform, "control.sock", path, sizeof path);
    if (wire_connect(path, &fd, NULL) < 0)
        return 0;
    close(fd);
    return err_set(e, ERR_LOCKED,
                   "the platform is up: stop it first (weir down), then "
                   "reset the group");
}

/* One row: partition, from, to, by how much. */
static int plan_partition(struct bus *b, const char *group, const char *topic,
                          int32_t partition, const char *to, json_t *rows,
                          struct err *e)
{
    struct bus_committed now;
    int64_t offset;
    int rc = bus_committed(b, group, topic, partition, &now, e);
    if (rc == 0)
        rc = bus_place(b, topic, partition, to, &offset, e);
    if (rc < 0 || now.offset == offset)
        return rc;
    json_t *o = json_object();
    json_put_i64(o, "partition", partition);
    if (now.offset < 0)
        json_put(o, "from", json_null());
    else
        json_put_i64(o, "from", now.offset);
    json_put_i64(o, "to", offset);
    json_put_i64(o, "by", offset - (now.offset < 0 ? 0 : now.offset));
    json_array_append_new(rows, o);
    return 0;
}

static int apply(struct bus *b, const char *group, const char *topic,
                 const json_t *rows, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < json_array_size(rows); i++) {
        const json_t *o = json_array_get(rows, i);
        rc = bus_group_reset(b, group, topic, (int32_t)json_i64(o, "partition", 0),
                             json_i64(o, "to", 0), e);
    }
    return rc;
}

int topic_reset(const struct cmd_args *a, struct bus *b, const char *group,
                const char *topic, struct err *e)
{
    static const struct cmd_column columns[] = {
        {"partition", "PARTITION", COL_NUMBER},
        {"from", "FROM", COL_NUMBER},
        {"to", "TO", COL_NUMBER},
        {"by", "BY", COL_NUMBER},
    };
    const char *to = opt_text(a, "to", NULL);
    bool is_plan = opt_flag(a, "plan");
    int32_t only, n;
    if (!to)
        return err_set(e, ERR_USAGE,
                       "weir topic reset: --to is missing: begin, end, an "
                       "offset or a time");
    int rc = is_plan ? 0 : refuse_while_up(a, e);
    if (rc == 0)
        rc = topic_partition(a, b, topic, &only, &n, e);
    if (rc < 0)
        return rc;
    json_t *rows = json_array();
    for (int32_t i = 0; rc == 0 && i < n; i++)
        if (only < 0 || only == i)
            rc = plan_partition(b, group, topic, i, to, rows, e);
    if (rc == 0 && json_array_size(rows) == 0)
        rc = err_set(e, ERR_NOTHING, "group %s on topic %s is there already", group,
                     topic);
    if (rc == 0 && !is_plan)
        rc = apply(b, group, topic, rows, e);
    if (rc == 0)
        rc = cmd_print_rows(a, rows, columns, 4, e);
    json_decref(rows);
    return rc;
}

/* ── forget ── */

static void add_place(void *arg, const char *group, const char *topic,
                      int32_t partition, const struct bus_committed *c)
{
    json_t *o = json_object();
    json_put_str(o, "group", group);
    json_put_str(o, "topic", topic);
    json_put_i64(o, "partition", partition);
    json_put_i64(o, "offset", c->offset);
    json_array_append_new(arg, o);
}

int topic_forget(const struct cmd_args *a, struct bus *b, const char *group,
                 struct err *e)
{
    static const struct cmd_column columns[] = {
        {"group", "GROUP", COL_TEXT},
        {"topic", "TOPIC", COL_TEXT},
        {"partition", "PARTITION", COL_NUMBER},
        {"offset", "OFFSET", COL_NUMBER},
    };
    json_t *rows = json_array();
    bool is_plan = opt_flag(a, "plan");
    int rc = is_plan ? 0 : refuse_while_up(a, e);
    if (rc == 0)
        rc = bus_groups(b, group, add_place, rows, e);
    if (rc == 0 && json_array_size(rows) == 0)
        rc = err_set(e, ERR_NOTFOUND, "there is no group %s; weir lag lists them",
                     group);
    if (rc == 0 && !is_plan)
        rc = bus_group_delete(b, group, e);
    if (rc == 0)
        rc = cmd_print_rows(a, rows, columns, 4, e);
    json_decref(rows);
    return rc;
}
