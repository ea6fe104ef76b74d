/* Metadata of all artifacts, the parts of manifest.json (v12) and sources.json (v3),
 * shaped as dbt-core writes them, for the tools that read them (docs viewers,
 * dbt-artifacts readers, dbt itself). */
#include "model/internal.h"

#include <sys/stat.h>
#include "base/hash.h"
#include "base/timeutil.h"

#define MANIFEST_SCHEMA "https://schemas.getdbt.com/dbt/manifest/v12.json"
#define RESULTS_SCHEMA  "https://schemas.getdbt.com/dbt/run-results/v6.json"
#define SOURCES_SCHEMA  "https://schemas.getdbt.com/dbt/sources/v3.json"

extern char **environ;

/* DBT_ENV_CUSTOM_ENV_X=v: what dbt's users put into the metadata, as {"X": "v"}. */
static json_t *custom_env(void)
{
    static const char *const prefixes[] = {"DBT_ENV_CUSTOM_ENV_",
                                           "DBT_ENGINE_ENV_CUSTOM_ENV_"};
    json_t *env = json_object();
    for (char **e = environ; e && *e; e++)
        for (size_t i = 0; i < 2; i++) {
            size_t n = strlen(prefixes[i]);
            const char *eq = strchr(*e, '=');
            if (!eq || !str_starts(*e, prefixes[i]))
                continue;
            char *key = mem_strndup(*e + n, (size_t)(eq - *e) - n);
            json_put_str(env, key, eq + 1);
            mem_free(key);
        }
    return env;
}

json_t *artifact_metadata(const struct project *p, const char *schema)
{
    char now[40];
    json_t *m = json_object();
    json_put_str(m, "dbt_schema_version", schema);
    json_put_str(m, "dbt_version", DBT_VERSION);
    json_put_str(m, "generated_at", time_format_iso(time_wall_ms(), true, now));
    json_put_str(m, "invocation_id", p->invocation_id);
    json_put_str(m, "invocation_started_at", time_format_iso(p->now_ms, true, now));
    json_put(m, "env", custom_env());
    return m;
}

char *target_path(const struct project *p, const char *name)
{
    char *path = mem_printf("%s/%s", p->target_dir, name);
    for (char *s = path + 1; *s; s++) /* the state's folder may be new, too */
        if (*s == '/') {
            *s = '\0';
            mkdir(path, 0755);
            *s = '/';
        }
    return path;
}

int artifact_save(const struct project *p, const char *name, const json_t *v,
                  struct err *e)
{
    char *path = target_path(p, name);
    int rc = json_save_path(v, path, e);
    mem_free(path);
    return rc;
}

static json_t *manifest_metadata(const struct project *p)
{
    char hex[33];
    json_t *m = artifact_metadata(p, MANIFEST_SCHEMA);
    json_put_str(m, "project_name", p->root->name);
    json_put_str(m, "project_id",
                 hash_md5_hex(p->root->name, strlen(p->root->name), hex));
    json_put_str(m, "user_id", NULL);
    json_put_flag(m, "send_anonymous_usage_stats", false);
    json_put_str(m, "adapter_type", p->o.adapter);
    json_put(m, "quoting",
             json_pack("{s:b, s:b, s:b, s:n}", "database", p->database != NULL,
                       "schema", 1, "identifier", 1, "column"));
    json_put(m, "run_started_at",
             json_incref(json_object_get(m, "invocation_started_at")));
    return m;
}

static json_t *list_in(json_t *map, const char *key)
{
    json_t *l = json_object_get(map, key);
    if (!l) {
        l = json_array();
        json_object_set_new(map, key, l);
    }
    return l;
}

/* unique id → the disabled nodes of that name, a list. */
static json_t *manifest_disabled(struct project *p)
{
    json_t *all = json_object();
    for (size_t i = 0; i < p->disabled.n; i++) {
        struct item *it = p->disabled.v[i];
        json_array_append_new(list_in(all, it->pub.unique_id), manifest_entry(p, it));
    }
    return all;
}

static json_t *manifest_macros(struct project *p)
{
    json_t *all = json_object();
    for (size_t i = 0; i < p->macros.n; i++)
        json_put(all, p->macros.v[i]->unique_id, manifest_macro(p, p->macros.v[i]));
    return all;
}

/* Sections that are not lists of items. */
json_t *manifest_rest(struct project *p)
{
    static const char *const empty[] = {"selectors", "functions"};
    json_t *m = json_object();
    json_put(m, "metadata", manifest_metadata(p));
    json_put(m, "macros", manifest_macros(p));
    json_put(m, "docs", json_incref(p->docs));
    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++)
        json_put(m, empty[i], json_object());
    json_put(m, "groups", json_incref(p->groups));
    json_object_update(m, p->semantic);
    json_put(m, "group_map", group_map(p));
    json_put(m, "disabled", manifest_disabled(p));
    return m;
}

const char *const manifest_sections[] = {"nodes", "sources", "exposures", "unit_tests",
                                         NULL};

const char *manifest_section(const struct item *it)
{
    return manifest_sections[it->pub.type == NODE_UNIT_TEST  ? 3
                             : it->pub.type == NODE_EXPOSURE ? 2
                             : it->pub.type == NODE_SOURCE   ? 1
                                                             : 0];
}

static json_t *unit_entry(struct project *p, struct item *it)
{
    json_t *n = unit_test_manifest(p, it);
    manifest_unit_checksum(p, n);
    return n;
}

json_t *manifest_entry(struct project *p, struct item *it)
{
    return it->pub.type == NODE_EXPOSURE    ? exposure_manifest(p, it)
           : it->pub.type == NODE_UNIT_TEST ? unit_entry(p, it)
           : it->pub.type == NODE_SOURCE    ? manifest_source(p, it)
                                            : manifest_node(p, it);
}

json_t *project_node_json(struct project *p, const struct node *n)
{
    return manifest_entry(p, item_of(n));
}

static void add_operation(void *arg, const char *id, json_t *node)
{
    json_put(arg, id, node);
}

static void put_maps(json_t *m, const struct project *p)
{
    json_t *parents = json_object(), *children = json_object();
    for (size_t i = 0; i < p->items.n; i++) {
        const struct item *it = p->items.v[i];
        json_t *up = list_in(parents, it->pub.unique_id);
        list_in(children, it->pub.unique_id);
        for (size_t k = 0; k < it->deps.n; k++) {
            json_array_append_new(up, json_string(it->deps.v[k]));
            json_array_append_new(list_in(children, it->deps.v[k]),
                                  json_string(it->pub.unique_id));
        }
    }
    json_put(m, "parent_map", parents);
    json_put(m, "child_map", children);
}

json_t *project_manifest(struct project *p)
{
    json_t *m = manifest_rest(p);
    for (size_t i = 0; manifest_sections[i]; i++)
        json_put(m, manifest_sections[i], json_object());
    for (size_t i = 0; i < p->items.n; i++) {
        struct item *it = p->items.v[i];
        json_put(json_obj(m, manifest_section(it)), it->pub.unique_id,
                 manifest_entry(p, it));
    }
    manifest_operations(p, add_operation, json_obj(m, "nodes"));
    put_maps(m, p);
    return m;
}

json_t *results_metadata(const struct project *p)
{
    return artifact_metadata(p, RESULTS_SCHEMA);
}

int project_write_sources(struct project *p, const json_t *results, double elapsed_s,
                          struct err *e)
{
    json_t *m = json_object(), *meta = artifact_metadata(p, SOURCES_SCHEMA);
    json_put(m, "metadata", meta);
    json_put(m, "results", json_deep_copy(results));
    json_put_num(m, "elapsed_time", elapsed_s);
    int rc = artifact_save(p, "sources.json", m, e);
    json_decref(m);
    return rc;
}
