/* The target as templates see it: the platform's warehouse under the names of dbt's
 * profile, and, when profiles.yml has the project's profile, every key of its output
 * but the secrets. Called once per project_load, before anything is rendered. */
#include "model/internal.h"

#include "model/native.h"

/* Keys of an output that dbt shows to templates, by warehouse; the rest stays hidden.
 */
static const struct shown {
    const char *type, *key, *alias;
} shown[] = {
    {"postgres", "host", NULL},
    {"postgres", "port", NULL},
    {"postgres", "user", NULL},
    {"postgres", "database", "dbname"},
    {"postgres", "schema", NULL},
    {"postgres", "connect_timeout", NULL},
    {"postgres", "role", NULL},
    {"postgres", "search_path", NULL},
    {"postgres", "keepalives_idle", NULL},
    {"postgres", "sslmode", NULL},
    {"postgres", "sslcert", NULL},
    {"postgres", "sslkey", NULL},
    {"postgres", "sslrootcert", NULL},
    {"postgres", "application_name", NULL},
    {"postgres", "retries", NULL},
    {"sqlite", "database", NULL},
    {"sqlite", "schema", NULL},
    {"sqlite", "schemas_and_paths", NULL},
    {"sqlite", "schema_directory", NULL},
};

static void take_output(struct project *p, const json_t *output)
{
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
        const struct shown *k = &shown[i];
        json_t *v = json_object_get(output, k->key);
        if (!streq(k->type, p->o.adapter))
            continue;
        if (!v && k->alias)
            v = json_object_get(output, k->alias);
        if (v)
            json_object_set(p->target, k->key, v);
        if (v && k->alias)
            json_object_set(p->target, k->alias, v);
    }
    const json_t *threads = json_object_get(output, "threads");
    if (json_is_integer(threads) && !p->o.threads)
        json_put_i64(p->target, "threads", json_integer_value(threads));
}

static void take_profile(struct project *p, const json_t *found)
{
    const json_t *output = json_obj(found, "output");
    const char *type = json_str(output, "type", p->o.adapter);
    p->has_profile = true;
    p->target_name = arena_strdup(&p->mem, json_str(found, "target", "default"));
    p->schema = arena_strdup(&p->mem, json_str(output, "schema", p->schema));
    json_put_str(p->target, "name", p->target_name);
    json_put_str(p->target, "target_name", p->target_name);
    json_put_str(p->target, "profile_name", json_str(found, "profile", "default"));
    if (streq(type, p->o.adapter))
        take_output(p, output);
    json_put_str(p->target, "schema", p->schema);
}

static void begin(struct project *p)
{
    p->target = json_object();
    json_put_str(p->target, "name", p->target_name);
    json_put_str(p->target, "target_name", p->target_name);
    json_put(p->target, "profile_name", json_null());
    json_put_i64(p->target, "threads", p->o.threads ? p->o.threads : 1);
    json_put_str(p->target, "type", p->o.adapter);
    json_put_str(p->target, "schema", p->schema);
    json_put(p->target, "database",
             p->o.database ? json_string(p->o.database) : json_null());
    if (p->o.database)
        json_put_str(p->target, "dbname", p->o.database);
}

int target_load(struct project *p, struct err *e)
{
    json_t *found = NULL;
    struct profile_choice c = {.project_dir = p->dir,
                               .profiles_dir = p->o.profiles_dir,
                               .profile = p->o.profile,
                               .target = p->o.target,
                               .platform_profile = p->o.platform_profile,
                               .platform_target = p->o.platform_target,
                               .vars = p->cli_vars,
                               .is_home_taken = !p->o.is_platform};
    int rc = profile_read(&c, &found, e);
    if (rc < 0)
        return rc;
    begin(p);
    if (found)
        take_profile(p, found);
    const char *database = json_str(p->target, "database", NULL);
    p->database = database && !streq(p->o.adapter, "sqlite")
                      ? arena_strdup(&p->mem, database)
                      : NULL;
    context_target(p);
    json_decref(found);
    return 0;
}

void context_target(struct project *p)
{
    struct arena *mem = &p->mem;
    struct jv *t = p->target ? jv_from_json(mem, p->target) : jv_dict(mem);
    jinja_env_set(p->env, "target", t);
    jinja_env_set(p->env, "schema", jv_strz(mem, p->schema));
    struct jv *database = jv_get(t, "database");
    jinja_env_set(p->env, "database", database ? database : jv_none());
}

const json_t *project_target(const struct project *p)
{
    return p->target;
}
