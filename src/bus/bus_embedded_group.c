/* Committed offsets of the embedded bus, and the plain commits that wait for company:
 * one write for 100 partitions. Called through bus_embedded_ops, by the producer's
 * commit and by the consumer. */
#include "bus/bus_embedded.h"

#include "base/timeutil.h"

int emb_offset_put(struct emb *b, const struct emb_offset *o, int64_t now_ms,
                   struct err *e)
{
    sqlite3_stmt *s;
    int rc = emb_sql(b, EMB_GROUP_PUT, &s, e);
    if (rc < 0)
        return rc;
    sqlite3_bind_text(s, 1, o->group, -1, SQLITE_STATIC);
    sqlite3_bind_text(s, 2, o->topic, -1, SQLITE_STATIC);
    sqlite3_bind_int(s, 3, o->partition);
    sqlite3_bind_int64(s, 4, o->offset);
    sqlite3_bind_int64(s, 5, now_ms);
    sqlite3_bind_text(s, 6, o->metadata, -1, SQLITE_STATIC);
    return emb_exec(b, s, "commit offsets", e);
}

int emb_flush(struct emb *b, struct err *e)
{
    if (b->pending.n == 0)
        return 0;
    int rc = emb_begin(b, "commit offsets", e);
    if (rc < 0)
        return rc;
    int64_t now = time_wall_ms();
    for (size_t i = 0; rc == 0 && i < b->pending.n; i++)
        rc = emb_offset_put(b, &b->pending.v[i], now, e);
    if (rc < 0) {
        emb_rollback(b);
        return rc;
    }
    rc = emb_commit(b, "commit offsets", e);
    if (rc == 0) {
        b->pending.n = 0;
        arena_clear(&b->pending_names);
    }
    return rc;
}

static void read_committed(sqlite3_stmt *s, int column, struct bus_committed *out)
{
    out->offset = sqlite3_column_int64(s, column);
    out->committed_ms = sqlite3_column_int64(s, column + 1);
    const char *text = (const char *)sqlite3_column_text(s, column + 2);
    str_copy(out->metadata, sizeof out->metadata, text ? text : "");
}

int emb_committed(struct bus *bus, const char *group, const char *topic,
                  int32_t partition, struct bus_committed *out, struct err *e)
{
    struct emb *b = (struct emb *)bus;
    int rc = emb_flush(b, e);
    sqlite3_stmt *s;
    if (rc == 0)
        rc = emb_sql(b, EMB_GROUP_GET, &s, e);
    if (rc < 0)
        return rc;
    sqlite3_bind_text(s, 1, group, -1, SQLITE_STATIC);
    sqlite3_bind_text(s, 2, topic, -1, SQLITE_STATIC);
    sqlite3_bind_int(s, 3, partition);
    rc = emb_step(b, s, "read a committed offset", e);
    if (rc == 1) {
        read_committed(s, 0, out);
        sqlite3_reset(s);
    }
    return rc < 0 ? rc : 0;
}

int emb_groups(struct bus *bus, const char *group, bus_group_fn *fn, void *arg,
               struct err *e)
{
    struct emb *b = (struct emb *)bus;
    struct row {
        const char *group, *topic, *metadata;
        int32_t partition;
        int64_t offset, committed_ms;
    };
    VEC(struct row) list = {0};
    struct arena names;
    arena_init(&names, 0);
    int rc = emb_flush(b, e);
    sqlite3_stmt *s = NULL;
    if (rc == 0 && (rc = emb_sql(b, EMB_GROUP_LIST, &s, e)) == 0)
        sqlite3_bind_text(s, 1, group, -1, SQLITE_STATIC);
    while (rc >= 0 && (rc = emb_step(b, s, "list the groups", e)) == 1) {
        struct row r = {
            .group = arena_strdup(&names, (const char *)sqlite3_column_text(s, 0)),
            .topic = arena_strdup(&names, (const char *)sqlite3_column_text(s, 1)),
            .partition = sqlite3_column_int(s, 2),
            .offset = sqlite3_column_int64(s, 3),
            .committed_ms = sqlite3_column_int64(s, 4),
            .metadata = arena_strdup(&names, (const char *)sqlite3_column_text(s, 5)),
        };
        vec_push(&list, r);
    }
    struct bus_committed c;
    for (size_t i = 0; rc == 0 && i < list.n; i++) {
        const struct row *r = &list.v[i];
        c.offset = r->offset;
        c.committed_ms = r->committed_ms;
        str_copy(c.metadata, sizeof c.metadata, r->metadata ? r->metadata : "");
        fn(arg, r->group, r->topic, r->partition, &c);
    }
    vec_release(&list);
    arena_release(&names);
    return rc;
}

int emb_group_reset(struct bus *bus, const char *group, const char *topic,
                    int32_t partition, int64_t offset, struct err *e)
{
    struct emb *b = (struct emb *)bus;
    struct emb_offset o = {group, topic, "", partition, offset};
    int rc = emb_flush(b, e);
    if (rc == 0)
        rc = emb_begin(b, "reset a group", e);
    if (rc < 0)
        return rc;
    rc = emb_offset_put(b, &o, time_wall_ms(), e);
    if (rc == 0)
        return emb_commit(b, "reset a group", e);
    emb_rollback(b);
    return rc;
}

static int forget(struct emb *b, const char *group, struct err *e)
{
    sqlite3_stmt *s;
    int rc = emb_sql(b, EMB_GROUP_FORGET, &s, e);
    if (rc < 0)
        return rc;
    sqlite3_bind_text(s, 1, group, -1, SQLITE_STATIC);
    rc = emb_exec(b, s, "forget a group", e);
    if (rc == 0 && sqlite3_changes(b->db) == 0)
        rc = err_set(e, ERR_NOTFOUND, "bus %s: there is no group %s", b->path, group);
    return rc;
}

int emb_group_delete(struct bus *bus, const char *group, struct err *e)
{
    struct emb *b = (struct emb *)bus;
    int rc = emb_flush(b, e);
    if (rc == 0)
        rc = emb_begin(b, "forget a group", e);
    if (rc < 0)
        return rc;
    rc = forget(b, group, e);
    if (rc == 0)
        return emb_commit(b, "forget a group", e);
    emb_rollback(b);
    return rc;
}
