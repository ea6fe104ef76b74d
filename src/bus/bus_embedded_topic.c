/* Topics of the embedded bus: create, delete, list, and the ranges of their partitions.
 * Called through bus_embedded_ops and by the other bus_embedded_*.c files. */
#include "bus/bus_embedded.h"

#include <inttypes.h>

static int no_topic(struct emb *b, const char *name, struct err *e)
{
    return err_set(e, ERR_NOTFOUND, "bus %s: there is no topic %s", b->path, name);
}

int emb_topic_find(struct emb *b, const char *name, struct emb_topic *out,
                   struct err *e)
{
    sqlite3_stmt *s;
    int rc = emb_sql(b, EMB_TOPIC_GET, &s, e);
    if (rc < 0)
        return rc;
    sqlite3_bind_text(s, 1, name, -1, SQLITE_STATIC);
    rc = emb_step(b, s, "find a topic", e);
    if (rc <= 0)
        return rc < 0 ? rc : no_topic(b, name, e);
    *out = (struct emb_topic){
        .id = sqlite3_column_int64(s, 0),
        .first_pid = sqlite3_column_int64(s, 1),
        .partitions = sqlite3_column_int(s, 2),
        .retention_ms = sqlite3_column_int64(s, 3),
        .retention_bytes = sqlite3_column_int64(s, 4),
        .key_rule = sqlite3_column_int(s, 5) ? BUS_KEY_STORE : BUS_KEY_HASH,
    };
    sqlite3_reset(s);
    return 0;
}

/* 1: there, as wanted; 0: there, retention differs; ERR_NOTFOUND; ERR_CONFIG. */
static int compare(struct emb *b, const struct bus_topic *t, struct err *e)
{
    struct emb_topic old;
    int rc = emb_topic_find(b, t->name, &old, e);
    if (rc < 0)
        return rc;
    if (old.partitions != t->partitions)
        return err_set(
            e, ERR_CONFIG,
            "topic %s has %" PRId32 " partitions, not %" PRId32
            ": the number cannot change, because keys would move; set it back, "
            "or use a new topic",
            t->name, old.partitions, t->partitions);
    if (old.key_rule != t->key_rule)
        return err_set(e, ERR_CONFIG,
                       "topic %s places records by %s: the rule cannot change, because "
                       "keys would move; set it back, or use a new topic",
                       t->name,
                       old.key_rule == BUS_KEY_STORE ? "store" : "hash of the key");
    return old.retention_ms == t->retention_ms &&
           old.retention_bytes == t->retention_bytes;
}

static int take_pids(struct emb *b, int32_t n, int64_t *first, struct err *e)
{
    sqlite3_stmt *s;
    int rc = emb_sql(b, EMB_PID_NEXT, &s, e);
    if (rc < 0)
        return rc;
    sqlite3_bind_int(s, 1, n);
    rc = emb_step(b, s, "number partitions", e);
    if (rc < 0)
        return rc;
    *first = rc == 1 ? sqlite3_column_int64(s, 0) - n : -1;
    sqlite3_reset(s);
    if (*first < 0)
        return err_set(e, ERR_CORRUPT, "bus %s: the count of partitions is gone",
                       b->path);
    if (*first + n > EMB_PID_MAX)
        return err_set(e, ERR_LIMIT,
                       "bus %s: more than %" PRId64 " partitions ever made", b->path,
                       EMB_PID_MAX);
    return 0;
}

static int add_topic(struct emb *b, const struct bus_topic *t, struct err *e)
{
    int64_t first = 0;
    int rc = take_pids(b, t->partitions, &first, e);
    if (rc < 0)
        return rc;
    sqlite3_stmt *s;
    rc = emb_sql(b, EMB_TOPIC_ADD, &s, e);
    if (rc < 0)
        return rc;
    sqlite3_bind_text(s, 1, t->name, -1, SQLITE_STATIC);
    sqlite3_bind_int64(s, 2, first);
    sqlite3_bind_int(s, 3, t->partitions);
    sqlite3_bind_int64(s, 4, t->retention_ms);
    sqlite3_bind_int64(s, 5, t->retention_bytes);
    sqlite3_bind_int(s, 6, t->key_rule == BUS_KEY_STORE);
    rc = emb_exec(b, s, "create a topic", e);
    if (rc == 0)
        rc = emb_sql(b, EMB_PARTITION_ADD, &s, e);
    for (int32_t i = 0; rc == 0 && i < t->partitions; i++) {
        sqlite3_bind_int64(s, 1, first + i);
        rc = emb_exec(b, s, "create a topic", e);
    }
    return rc;
}

static int set_retention(struct emb *b, const struct bus_topic *t, struct err *e)
{
    sqlite3_stmt *s;
    int rc = emb_sql(b, EMB_TOPIC_RETENTION, &s, e);
    if (rc < 0)
        return rc;
    sqlite3_bind_text(s, 1, t->name, -1, SQLITE_STATIC);
    sqlite3_bind_int64(s, 2, t->retention_ms);
    sqlite3_bind_int64(s, 3, t->retention_bytes);
    return emb_exec(b, s, "change a topic's retention", e);
}

int emb_topic_ensure(struct bus *bus, const struct bus_topic *t, struct err *e)
{
    struct emb *b = (struct emb *)bus;
    int rc = compare(b, t, e);
    if (rc == 1 || (rc < 0 && rc != ERR_NOTFOUND))
        return rc < 0 ? rc : 0;
    rc = emb_begin(b, "create a topic", e);
    if (rc < 0)
        return rc;
    rc = compare(b, t, e); /* another process may have been first */
    if (rc == ERR_NOTFOUND)
        rc = add_topic(b, t, e);
    else if (rc == 0)
        rc = set_retention(b, t, e);
    if (rc >= 0)
        return emb_commit(b, "create a topic", e);
    emb_rollback(b);
    return rc;
}

static int delete_rows(struct emb *b, const char *name, struct err *e)
{
    struct emb_topic t;
    int rc = emb_topic_find(b, name, &t, e);
    if (rc < 0)
        return rc;
    int64_t last = t.first_pid + t.partitions - 1;
    const struct {
        enum emb_sql sql;
        int64_t from, to;
    } steps[] = {
        {EMB_BLOB_DEL, emb_id(t.first_pid, 0), emb_id(last, EMB_OFFSET_MAX)},
        {EMB_BATCH_DEL, emb_id(t.first_pid, 0), emb_id(last, EMB_OFFSET_MAX)},
        {EMB_PARTITION_DEL, t.first_pid, last},
        {EMB_TOPIC_DEL, t.id, 0},
    };
    for (size_t i = 0; i < sizeof steps / sizeof *steps && rc == 0; i++) {
        sqlite3_stmt *s;
        rc = emb_sql(b, steps[i].sql, &s, e);
        if (rc < 0)
            return rc;
        sqlite3_bind_int64(s, 1, steps[i].from);
        if (steps[i].to)
            sqlite3_bind_int64(s, 2, steps[i].to);
        rc = emb_exec(b, s, "delete a topic", e);
    }
    sqlite3_stmt *s;
    if (rc == 0)
        rc = emb_sql(b, EMB_GROUP_DEL, &s, e);
    if (rc < 0)
        return rc;
    sqlite3_bind_text(s, 1, name, -1, SQLITE_STATIC);
    return emb_exec(b, s, "delete a topic", e);
}

int emb_topic_delete(struct bus *bus, const char *name, struct err *e)
{
    struct emb *b = (struct emb *)bus;
    int rc = emb_begin(b, "delete a topic", e);
    if (rc < 0)
        return rc;
    rc = delete_rows(b, name, e);
    if (rc == 0)
        return emb_commit(b, "delete a topic", e);
    emb_rollback(b);
    return rc;
}

/* The callback may use the bus: the list is taken whole before the first call. */
int emb_topics(struct bus *bus, bus_topic_fn *fn, void *arg, struct err *e)
{
    struct emb *b = (struct emb *)bus;
    VEC(struct bus_topic) list = {0};
    struct arena names;
    arena_init(&names, 0);
    sqlite3_stmt *s;
    int rc = emb_sql(b, EMB_TOPIC_LIST, &s, e);
    while (rc >= 0 && (rc = emb_step(b, s, "list the topics", e)) == 1) {
        struct bus_topic t = {
            .name = arena_strdup(&names, (const char *)sqlite3_column_text(s, 0)),
            .partitions = sqlite3_column_int(s, 1),
            .retention_ms = sqlite3_column_int64(s, 2),
            .retention_bytes = sqlite3_column_int64(s, 3),
            .key_rule = sqlite3_column_int(s, 4) ? BUS_KEY_STORE : BUS_KEY_HASH,
        };
        vec_push(&list, t);
    }
    for (size_t i = 0; rc == 0 && i < list.n; i++)
        fn(arg, &list.v[i]);
    vec_release(&list);
    arena_release(&names);
    return rc;
}

int emb_partitions(struct bus *bus, const char *topic, struct err *e)
{
    struct emb_topic t;
    int rc = emb_topic_find((struct emb *)bus, topic, &t, e);
    return rc < 0 ? rc : t.partitions;
}

int emb_ranges(struct bus *bus, const char *topic, int32_t first, size_t n,
               struct bus_range *out, struct err *e)
{
    struct emb *b = (struct emb *)bus;
    struct emb_topic t;
    int rc = emb_topic_find(b, topic, &t, e);
    if (rc < 0)
        return rc;
    if ((size_t)first + n > (size_t)t.partitions)
        return err_set(e, ERR_NOTFOUND,
                       "topic %s has %" PRId32 " partitions: 0 to %" PRId32, topic,
                       t.partitions, t.partitions - 1);
    sqlite3_stmt *s;
    rc = emb_sql(b, EMB_RANGES, &s, e);
    if (rc < 0)
        return rc;
    sqlite3_bind_int64(s, 1, t.first_pid + first);
    sqlite3_bind_int64(s, 2, t.first_pid + first + (int64_t)n - 1);
    size_t got = 0;
    while ((rc = emb_step(b, s, "read the ranges of a topic", e)) == 1 && got < n)
        out[got++] = (struct bus_range){
            .start = sqlite3_column_int64(s, 1),
            .end = sqlite3_column_int64(s, 2),
            .max_timestamp_ms = sqlite3_column_int64(s, 3),
            .bytes = sqlite3_column_int64(s, 4),
        };
    sqlite3_reset(s);
    if (rc == 0 && got < n)
        return no_topic(b, topic, e); /* deleted between the two reads */
    return rc < 0 ? rc : 0;
}

static void keep_topic(void *arg, const struct bus_topic *t)
{
    struct emb_topic_list *list = arg;
    struct bus_topic copy = *t;
    copy.name = arena_strdup(&list->names, t->name);
    vec_push(&list->topics, copy);
}

int emb_topic_list(struct bus *bus, struct emb_topic_list *list, struct err *e)
{
    *list = (struct emb_topic_list){0};
    arena_init(&list->names, 0);
    return emb_topics(bus, keep_topic, list, e);
}

void emb_topic_list_release(struct emb_topic_list *list)
{
    vec_release(&list->topics);
    arena_release(&list->names);
}
