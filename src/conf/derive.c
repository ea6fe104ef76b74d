/* What follows from other settings (names, paths, topics that nobody listed) and what
 * must agree between sections. Called once at the end of conf_load. */
#include "conf/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"

#define DEFAULT_PARTITIONS   16
#define DEFAULT_RETENTION_MS ((int64_t)7 * 86400000)

/* Where a value stands, for messages after the tree is gone. */
static int fail_at(struct load *l, const char *path, const char *text)
{
    for (size_t i = 0; i < l->origins.n; i++) {
        const struct conf_origin *o = &l->origins.v[i];
        if (streq(o->path, path) && !streq(o->from, "default"))
            return err_set(l->e, ERR_CONFIG, "%s: %s: %s", o->from, path, text);
    }
    return err_set(l->e, ERR_CONFIG, "%s: %s: %s", l->file, path, text);
}

static void derived(struct load *l, const char *path, const char *value)
{
    struct conf_origin o = {.path = arena_strdup(l->arena, path),
                            .value = arena_strdup(l->arena, value),
                            .from = "derived"};
    vec_push(&l->origins, o);
}

static void derive_paths(struct load *l)
{
    struct platform *p = l->p;
    if (!*p->name) {
        const char *slash = strrchr(p->project_dir, '/');
        p->name = arena_strdup(l->arena, slash && slash[1] ? slash + 1 : "weir");
        derived(l, "platform", p->name);
    }
    if (!p->bus_path) {
        p->bus_path = load_path(l, p->state_dir, "bus.db");
        derived(l, "bus.embedded.path", p->bus_path);
    }
    if (!p->warehouse_dir) {
        p->warehouse_dir = load_path(l, p->state_dir, "warehouse");
        derived(l, "warehouse.sqlite.path", p->warehouse_dir);
    }
}

/* The database that libpq would take: relations are written with its name. */
static void derive_database(struct load *l)
{
    struct platform *p = l->p;
    if (!streq(p->warehouse_kind, "postgres") || *p->postgres.dbname)
        return;
    const char *const found[] = {getenv("PGDATABASE"), p->postgres.user,
                                 getenv("PGUSER"), getenv("USER"), "postgres"};
    size_t i = 0;
    while (!found[i] || !*found[i])
        i++;
    p->postgres.dbname = arena_strdup(l->arena, found[i]);
    derived(l, "warehouse.postgres.dbname", p->postgres.dbname);
}

static int derive_dialect(struct load *l)
{
    struct platform *p = l->p;
    bool is_postgres = streq(p->warehouse_kind, "postgres");
    p->has_dialect = p->dialect != NULL;
    if (!p->dialect)
        p->dialect = p->warehouse_kind;
    else if (p->has_warehouse && streq(p->dialect, is_postgres ? "sqlite" : "postgres"))
        return fail_at(l, "warehouse.dialect",
                       is_postgres
                           ? "a PostgreSQL warehouse takes postgres or snowflake"
                           : "a SQLite warehouse takes sqlite or snowflake");
    if (!p->has_dialect)
        derived(l, "warehouse.dialect", p->dialect);
    return 0;
}

static int derive_models(struct load *l)
{
    struct platform *p = l->p;
    bool is_given = p->models_project != NULL;
    const char *dir = is_given ? p->models_project : p->project_dir;
    bool exists = access(arena_printf(l->arena, "%s/dbt_project.yml", dir), F_OK) == 0;
    if (is_given && !exists)
        return fail_at(l, "models.project", "no dbt_project.yml in that folder");
    p->models_project = exists ? dir : NULL;
    if (exists && !is_given)
        derived(l, "models.project", dir);
    return 0;
}

static void derive_pools(struct load *l)
{
    l->p->sql_workers = 2;
    for (size_t i = 0; i < l->p->n_pools; i++)
        if (streq(l->p->pools[i].name, "transform"))
            l->p->sql_workers = l->p->pools[i].slots;
}

/* The platform's arrays are const for its users; here they are still being made. */
#define MUTABLE(type, array) ((struct type *)(uintptr_t)(array))

static struct conf_topic *find_topic(struct load *l, const char *name)
{
    return MUTABLE(conf_topic, conf_topic(l->p, name));
}

static void topic_default(struct conf_topic *t, int partitions, int64_t retention_ms,
                          const char *key)
{
    if (!t->partitions)
        t->partitions = partitions;
    if (!t->retention_ms)
        t->retention_ms = retention_ms;
    if (!t->key)
        t->key = key;
}

/* The topic of that name, made if nobody listed it, its gaps filled. */
static void topic_ensure(struct load *l, const char *name, int partitions,
                         int64_t retention_ms, const char *key)
{
    struct platform *p = l->p;
    struct conf_topic *t = find_topic(l, name);
    if (!t) {
        struct conf_topic *grown =
            arena_alloc(l->arena, (p->n_topics + 1) * sizeof *grown);
        if (p->n_topics)
            memcpy(grown, p->topics, p->n_topics * sizeof *grown);
        t = &grown[p->n_topics++];
        *t = (struct conf_topic){.name = name, .retention_bytes = -1};
        p->topics = grown;
        char path[300], value[80];
        snprintf(path, sizeof path, "topics.%.200s.partitions", name);
        snprintf(value, sizeof value, "%d", partitions);
        derived(l, path, value);
    }
    topic_default(t, partitions, retention_ms, key);
}

static void derive_source_topics(struct load *l)
{
    struct platform *p = l->p;
    for (size_t i = 0; i < p->n_sources; i++) {
        struct conf_source *s = MUTABLE(conf_source, &p->sources[i]);
        if (!*s->topic)
            s->topic = s->name;
        if (s->every_ms)
            topic_ensure(l, s->topic, 1, -1, "hash");
        else
            topic_ensure(l, s->topic, DEFAULT_PARTITIONS, DEFAULT_RETENTION_MS,
                         "store");
    }
}

static int no_topic(struct load *l, const char *path, const char *name)
{
    const char *names[256];
    size_t n = 0;
    for (size_t i = 0; i < l->p->n_topics && n < 256; i++)
        names[n++] = l->p->topics[i].name;
    const char *near = str_nearest(name, names, n);
    return fail_at(l, path,
                   arena_printf(l->arena, "there is no topic \"%s\"%s%s%s", name,
                                near ? "; did you mean \"" : "; list it under topics",
                                near ? near : "", near ? "\"?" : ""));
}

static int derive_stream(struct load *l, const struct conf_stream *s)
{
    char path[300];
    snprintf(path, sizeof path, "streams.%.200s.from", s->name);
    const struct conf_topic *from = find_topic(l, s->from);
    if (!from)
        return no_topic(l, path, s->from);
    struct conf_topic in = *from;
    topic_default(&in, DEFAULT_PARTITIONS, DEFAULT_RETENTION_MS, "store");
    const char *const outs[] = {s->to_records, s->to_windows, s->to_alerts, s->to_late,
                                s->to_rejects};
    for (size_t i = 0; i < sizeof outs / sizeof *outs; i++) {
        if (streq(outs[i], s->from))
            return fail_at(l, path, "the job would read what it writes");
        topic_ensure(l, outs[i], in.partitions, in.retention_ms, in.key);
        if (find_topic(l, outs[i])->partitions != in.partitions) {
            snprintf(path, sizeof path, "topics.%.200s.partitions", outs[i]);
            return fail_at(
                l, path,
                arena_printf(l->arena,
                             "must be %d, as \"%s\" has: a record stays in its "
                             "partition",
                             in.partitions, s->from));
        }
    }
    for (size_t i = 0; i < s->n_tables; i++)
        if (!conf_topic(l->p, s->tables[i].topic)) {
            snprintf(path, sizeof path, "streams.%.200s.tables", s->name);
            return no_topic(l, path, s->tables[i].topic);
        }
    if (s->workers_min > s->workers_max) {
        snprintf(path, sizeof path, "streams.%.200s.workers.min", s->name);
        return fail_at(l, path, "larger than max");
    }
    return 0;
}

static int derive_load(struct load *l, struct conf_load *d)
{
    char path[300];
    snprintf(path, sizeof path, "loads.%.200s.from", d->name);
    if (!conf_topic(l->p, d->from))
        return no_topic(l, path, d->from);
    const char *dot = strchr(d->table, '.');
    d->schema = arena_strndup(l->arena, d->table, (size_t)(dot - d->table));
    d->table = dot + 1;
    if (streq(d->mode, "upsert") && !*d->key) {
        snprintf(path, sizeof path, "loads.%.200s.mode", d->name);
        return fail_at(l, path, "upsert needs \"key\", the fields that identify a row");
    }
    return 0;
}

static int check_gate(struct load *l, const struct conf_gate *g)
{
    char path[300];
    snprintf(path, sizeof path, "gates.%.200s.suite", g->name);
    if (access(g->suite, R_OK) == 0)
        return 0;
    return fail_at(l, path, arena_printf(l->arena, "there is no file %s", g->suite));
}

static int check_sink(struct load *l, struct conf_sink *s)
{
    char path[300];
    snprintf(path, sizeof path, "alerts.%.200s.kind", s->name);
    if (s->kind)
        return 0;
    if (!streq(s->name, "file"))
        return fail_at(l, path, "missing; this version has the kind \"file\"");
    s->kind = "file";
    return 0;
}

static int check_freshness(struct load *l, const struct conf_freshness *f)
{
    char path[300];
    snprintf(path, sizeof path, "freshness.%.200s.breach", f->relation);
    if (f->warn_ms && f->breach_ms && f->breach_ms < f->warn_ms)
        return fail_at(l, path, "shorter than warn");
    return 0;
}

int derive_all(struct load *l)
{
    struct platform *p = l->p;
    derive_paths(l);
    derive_pools(l);
    derive_database(l);
    int rc = derive_dialect(l);
    if (rc == 0)
        rc = derive_models(l);
    derive_source_topics(l);
    for (size_t i = 0; i < p->n_streams && rc == 0; i++)
        rc = derive_stream(l, &p->streams[i]);
    for (size_t i = 0; i < p->n_topics; i++)
        topic_default(MUTABLE(conf_topic, &p->topics[i]), DEFAULT_PARTITIONS,
                      DEFAULT_RETENTION_MS, "store");
    for (size_t i = 0; i < p->n_loads && rc == 0; i++)
        rc = derive_load(l, MUTABLE(conf_load, &p->loads[i]));
    for (size_t i = 0; i < p->n_gates && rc == 0; i++)
        rc = check_gate(l, &p->gates[i]);
    for (size_t i = 0; i < p->n_sinks && rc == 0; i++)
        rc = check_sink(l, MUTABLE(conf_sink, &p->sinks[i]));
    for (size_t i = 0; i < p->n_freshness && rc == 0; i++)
        rc = check_freshness(l, &p->freshness[i]);
    return rc;
}
