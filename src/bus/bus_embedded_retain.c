/* Retention on the embedded bus: whole batches leave at the start of a partition, by
 * time and by bytes, never one that a group which ever committed on the topic has not
 * read (a group without an offset on a partition has read nothing of it). Freed pages
 * are used again, or go back in bus_embedded_tidy.c. Called by the lag worker once a
 * minute. */
#include "bus/bus_embedded.h"

#include <inttypes.h>

#define TRIM_BATCHES 512 /* per transaction, so that writers wait for milliseconds */

struct trim {
    int64_t start; /* new start offset */
    int64_t bytes; /* stored bytes that go */
    int batches;
    bool has_more;
};

/* First offset that has to stay for the groups; INT64_MAX without any. */
static int group_floor(struct emb *b, const char *topic, int32_t partition,
                       int64_t n_groups, int64_t *out, struct err *e)
{
    *out = INT64_MAX;
    if (n_groups == 0)
        return 0;
    sqlite3_stmt *s;
    int rc = emb_sql(b, EMB_GROUP_FLOOR, &s, e);
    if (rc < 0)
        return rc;
    sqlite3_bind_text(s, 1, topic, -1, SQLITE_STATIC);
    sqlite3_bind_int(s, 2, partition);
    rc = emb_step(b, s, "read the groups' floor", e);
    if (rc == 1)
        *out = sqlite3_column_int64(s, 0) < n_groups ? 0 : sqlite3_column_int64(s, 1);
    sqlite3_reset(s);
    return rc < 0 ? rc : 0;
}

static int count_groups(struct emb *b, const char *topic, int64_t *out, struct err *e)
{
    sqlite3_stmt *s;
    int rc = emb_sql(b, EMB_GROUP_COUNT, &s, e);
    if (rc < 0)
        return rc;
    sqlite3_bind_text(s, 1, topic, -1, SQLITE_STATIC);
    rc = emb_step(b, s, "count the groups", e);
    *out = rc == 1 ? sqlite3_column_int64(s, 0) : 0;
    sqlite3_reset(s);
    return rc < 0 ? rc : 0;
}

/* How far the partition's start may move. */
static int plan(struct emb *b, const struct bus_topic *t, int64_t pid, int64_t floor,
                const struct bus_range *range, int64_t now_ms, struct trim *out,
                struct err *e)
{
    *out = (struct trim){.start = range->start};
    sqlite3_stmt *s;
    int rc = emb_sql(b, EMB_BATCH_OLDEST, &s, e);
    if (rc < 0)
        return rc;
    sqlite3_bind_int64(s, 1, emb_id(pid, 0));
    sqlite3_bind_int64(s, 2, emb_id(pid, EMB_OFFSET_MAX));
    while ((rc = emb_step(b, s, "read the oldest records", e)) == 1) {
        int64_t next =
            (sqlite3_column_int64(s, 0) & EMB_OFFSET_MAX) + sqlite3_column_int64(s, 1);
        int64_t bytes = sqlite3_column_int64(s, 3);
        bool is_old = t->retention_ms >= 0 &&
                      sqlite3_column_int64(s, 2) < now_ms - t->retention_ms;
        bool is_over = t->retention_bytes >= 0 &&
                       range->bytes - out->bytes - bytes >= t->retention_bytes;
        if (next > floor || (!is_old && !is_over))
            break;
        if (out->batches == TRIM_BATCHES) {
            out->has_more = true;
            break;
        }
        out->start = next;
        out->bytes += bytes;
        out->batches++;
    }
    sqlite3_reset(s);
    return rc < 0 ? rc : 0;
}

static int apply(struct emb *b, int64_t pid, const struct trim *trim, struct err *e)
{
    sqlite3_stmt *s;
    int rc = emb_batch_delete(b, emb_id(pid, 0), emb_id(pid, trim->start - 1), e);
    if (rc == 0)
        rc = emb_sql(b, EMB_TRIM, &s, e);
    if (rc < 0)
        return rc;
    sqlite3_bind_int64(s, 1, pid);
    sqlite3_bind_int64(s, 2, trim->start);
    sqlite3_bind_int64(s, 3, trim->bytes);
    return emb_exec(b, s, "delete old records", e);
}

/* One transaction; the plan is made under the lock, where no group can fall back. */
static int trim_once(struct emb *b, const struct bus_topic *t, int64_t first_pid,
                     int32_t partition, int64_t now_ms, struct trim *trim,
                     struct err *e)
{
    int64_t n_groups, floor;
    struct bus_range range;
    int rc = emb_begin(b, "delete old records", e);
    if (rc < 0)
        return rc;
    rc = count_groups(b, t->name, &n_groups, e);
    if (rc == 0)
        rc = group_floor(b, t->name, partition, n_groups, &floor, e);
    if (rc == 0)
        rc = emb_ranges(&b->base, t->name, partition, 1, &range, e);
    if (rc == 0)
        rc = plan(b, t, first_pid + partition, floor, &range, now_ms, trim, e);
    if (rc == 0 && trim->batches > 0)
        rc = apply(b, first_pid + partition, trim, e);
    if (rc == 0 && trim->batches > 0)
        return emb_commit(b, "delete old records", e);
    emb_rollback(b);
    return rc;
}

/* Whether a look without the lock finds anything to delete: mostly it does not. */
static int is_due(struct emb *b, const struct bus_topic *t, int64_t first_pid,
                  int32_t partition, const struct bus_range *range, int64_t now_ms,
                  struct err *e)
{
    if (range->start >= range->end)
        return 0;
    struct trim trim;
    int rc = plan(b, t, first_pid + partition, INT64_MAX, range, now_ms, &trim, e);
    return rc < 0 ? rc : trim.batches > 0;
}

static int retain_topic(struct emb *b, const struct bus_topic *t, int64_t now_ms,
                        struct err *e)
{
    struct emb_topic found;
    int rc = emb_topic_find(b, t->name, &found, e);
    if (rc < 0 || (t->retention_ms < 0 && t->retention_bytes < 0))
        return rc == ERR_NOTFOUND ? 0 : rc;
    int deleted = 0;
    struct bus_range *ranges = mem_alloc((size_t)t->partitions * sizeof *ranges);
    rc = emb_ranges(&b->base, t->name, 0, (size_t)t->partitions, ranges, e);
    for (int32_t i = 0; rc >= 0 && i < t->partitions; i++) {
        rc = is_due(b, t, found.first_pid, i, &ranges[i], now_ms, e);
        struct trim trim = {.has_more = rc > 0};
        while (rc >= 0 && trim.has_more) {
            rc = trim_once(b, t, found.first_pid, i, now_ms, &trim, e);
            deleted += rc == 0 ? trim.batches : 0;
        }
    }
    mem_free(ranges);
    return rc < 0 ? rc : deleted;
}

int emb_retain(struct bus *bus, int64_t now_ms, struct err *e)
{
    struct emb_topic_list list = {0};
    int rc = emb_flush((struct emb *)bus, e);
    if (rc == 0)
        rc = emb_topic_list(bus, &list, e);
    int deleted = 0;
    for (size_t i = 0; rc >= 0 && i < list.topics.n; i++) {
        rc = retain_topic((struct emb *)bus, &list.topics.v[i], now_ms, e);
        deleted += rc > 0 ? rc : 0;
    }
    emb_topic_list_release(&list);
    return rc < 0 ? rc : deleted;
}
