/* manifest.json (v12), run_results.json (v6) and sources.json (v3), shaped as dbt-core
 * writes them, for the tools that read them (docs viewers, dbt-artifacts readers, dbt
 * itself). */
#include "model/internal.h"

#include <sys/stat.h>
#include "base/timeutil.h"
#include "model/context.h"

#define MANIFEST_SCHEMA "https://schemas.getdbt.com/dbt/manifest/v12.json"
#define RESULTS_SCHEMA  "https://schemas.getdbt.com/dbt/run-results/v6.json"
#define SOURCES_SCHEMA  "https://schemas.getdbt.com/dbt/sources/v3.json"

static json_t *metadata(const struct project *p, const char *schema)
{
    char now[32];
    json_t *m = json_object();
    json_put_str(m, "dbt_schema_version", schema);
    json_put_str(m, "dbt_version", "1.9.0");
    json_put_str(m, "generated_at", time_format_iso(time_wall_ms(), true, now));
    json_put_str(m, "invocation_id", p->invocation_id);
    json_put(m, "env", json_object());
    json_put_str(m, "project_name", p->root->name);
    json_put_str(m, "adapter_type", p->o.adapter);
    json_put_str(m, "generated_by", "weir " WEIR_VERSION);
    return m;
}

static char *relation_name(const struct item *it)
{
    return mem_printf("\"%s\".\"%s\"", it->pub.schema, it->pub.alias);
}

static void put_relation(json_t *n, const struct item *it)
{
    bool has_none = it->pub.type == NODE_TEST || it->pub.type == NODE_ANALYSIS ||
                    streq(it->pub.materialized, "ephemeral");
    char *name = has_none ? NULL : relation_name(it);
    json_put_str(n, "relation_name", name);
    mem_free(name);
}

static void put_test(json_t *n, const struct item *it)
{
    if (!it->test_kwargs)
        return;
    json_t *md = json_object();
    json_put_str(md, "name", it->test_name);
    json_put(md, "kwargs", json_incref(it->test_kwargs));
    json_put_str(md, "namespace", it->test_namespace);
    json_put(n, "test_metadata", md);
    json_put_str(n, "column_name", it->column_name);
    json_put_str(n, "attached_node", it->declared_on);
    json_put_str(n, "file_key_name", NULL);
}

static json_t *manifest_node(const struct project *p, struct item *it)
{
    json_t *n = context_node(p, it);
    json_put(n, "checksum",
             json_pack("{s:s, s:s}", "name", it->checksum ? "sha256" : "none",
                       "checksum", it->checksum ? it->checksum : ""));
    json_put_str(n, "raw_code", it->raw ? it->raw : "");
    json_put_str(n, "language", "sql");
    json_put(n, "refs", json_incref(it->refs));
    json_put(n, "sources", json_incref(it->sources));
    json_put(n, "metrics", json_array());
    json_put_str(n, "patch_path", it->patch_path ? it->patch_path : NULL);
    json_put_flag(n, "compiled", it->compiled != NULL);
    if (it->compiled)
        json_put_str(n, "compiled_code", it->compiled);
    json_put_str(n, "group", group_of(p, it));
    json_put(n, "docs", json_pack("{s:b, s:n}", "show", 1, "node_color"));
    json_put(n, "unrendered_config", json_incref(it->inline_config));
    json_put_num(n, "created_at", (double)p->now_ms / 1000.0);
    json_put(n, "extra_ctes", json_array());
    json_put(n, "contract",
             json_pack("{s:b, s:b, s:n}", "enforced", 0, "alias_types", 1, "checksum"));
    static const char *const absent[] = {"build_path", "compiled_path", NULL};
    for (size_t i = 0; absent[i]; i++)
        json_put(n, absent[i], json_null());
    json_put(n, "doc_blocks", json_array());
    json_put(n, "functions", json_array());
    if (it->pub.type == NODE_MODEL) {
        static const char *const empty[] = {"time_spine", "primary_key",
                                            "deprecation_date", NULL};
        for (size_t i = 0; empty[i]; i++)
            json_put(n, empty[i], json_null());
        json_put(n, "primary_key", json_array());
        json_put(n, "constraints", json_array());
        json_put_str(n, "access", json_str(it->pub.config, "access", "protected"));
    }
    put_relation(n, it);
    put_test(n, it);
    return n;
}

static json_t *manifest_source(const struct project *p, struct item *it)
{
    json_t *n = context_node(p, it);
    json_object_del(n, "alias");
    json_object_del(n, "depends_on");
    json_put_str(n, "source_description", it->source_description);
    json_put_str(n, "loader", it->loader);
    json_put_str(n, "identifier", it->identifier);
    json_put_str(n, "loaded_at_field", it->loaded_at);
    json_put(n, "freshness",
             it->freshness ? json_deep_copy(it->freshness) : json_null());
    json_put(n, "quoting", json_object());
    json_put(n, "external", json_null());
    json_put(n, "source_meta", json_object());
    json_put(n, "patch_path", json_null());
    json_put(n, "unrendered_config", json_object());
    json_put_num(n, "created_at", (double)p->now_ms / 1000.0);
    put_relation(n, it);
    return n;
}

static json_t *manifest_macros(const struct project *p)
{
    json_t *all = json_object();
    for (size_t i = 0; i < p->macros.n; i++) {
        const struct macro *m = p->macros.v[i];
        json_t *n = json_object();
        json_put_str(n, "name", m->name);
        json_put_str(n, "resource_type", "macro");
        json_put_str(n, "package_name", m->package ? m->package->name : "dbt");
        json_put_str(n, "path", m->path);
        json_put_str(n, "original_file_path", m->path);
        json_put_str(n, "unique_id", m->unique_id);
        json_put_str(n, "macro_sql", "");
        json_put(n, "depends_on", json_pack("{s:[]}", "macros"));
        json_put_str(n, "description", "");
        json_put(n, "meta", json_object());
        json_put(n, "docs", json_pack("{s:b, s:n}", "show", 1, "node_color"));
        json_put(n, "patch_path", json_null());
        json_put(n, "arguments", json_array());
        json_put_num(n, "created_at", (double)p->now_ms / 1000.0);
        json_put(n, "supported_languages", json_null());
        json_put(all, m->unique_id, n);
    }
    return all;
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

static json_t *manifest_docs(const struct project *p)
{
    json_t *all = json_object(), *v;
    const char *key;
    json_object_foreach (p->docs, key, v) {
        char *id = mem_printf("doc.%s.%s", p->root->name, key);
        json_object_set_new(all, id,
                            json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:O}", "name",
                                      key, "resource_type", "doc", "package_name",
                                      p->root->name, "path", "", "original_file_path",
                                      "", "unique_id", id, "block_contents", v));
        mem_free(id);
    }
    return all;
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

static int save(const struct project *p, const char *name, const json_t *v,
                struct err *e)
{
    char *path = target_path(p, name);
    int rc = json_save_path(v, path, e);
    mem_free(path);
    return rc;
}

/* unique id → the disabled nodes of that name, a list. */
static json_t *manifest_disabled(struct project *p)
{
    json_t *all = json_object();
    for (size_t i = 0; i < p->disabled.n; i++) {
        struct item *it = p->disabled.v[i];
        json_t *n = manifest_entry(p, it);
        json_put(all, it->pub.unique_id, json_pack("[o]", n));
    }
    return all;
}

/* Sections that are not lists of items. */
json_t *manifest_rest(struct project *p)
{
    static const char *const empty[] = {"metrics", "selectors", "saved_queries",
                                        "semantic_models", "functions"};
    json_t *m = json_object();
    json_put(m, "metadata", metadata(p, MANIFEST_SCHEMA));
    json_put(m, "macros", manifest_macros(p));
    json_put(m, "docs", manifest_docs(p));
    json_put(m, "groups", json_incref(p->groups));
    json_put(m, "group_map", group_map(p));
    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++)
        json_put(m, empty[i], json_object());
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

json_t *manifest_entry(struct project *p, struct item *it)
{
    return it->pub.type == NODE_EXPOSURE    ? exposure_manifest(p, it)
           : it->pub.type == NODE_UNIT_TEST ? unit_test_manifest(p, it)
           : it->pub.type == NODE_SOURCE    ? manifest_source(p, it)
                                            : manifest_node(p, it);
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
    put_maps(m, p);
    return m;
}

int project_write_run_results(struct project *p, const json_t *results,
                              const json_t *args, double elapsed_s, struct err *e)
{
    json_t *m = json_object();
    json_put(m, "metadata", metadata(p, RESULTS_SCHEMA));
    json_put(m, "results", results ? json_deep_copy(results) : json_array());
    json_put_num(m, "elapsed_time", elapsed_s);
    json_put(m, "args", args ? json_deep_copy(args) : json_object());
    int rc = save(p, "run_results.json", m, e);
    json_decref(m);
    return rc;
}

int project_write_sources(struct project *p, const json_t *results, double elapsed_s,
                          struct err *e)
{
    json_t *m = json_object(), *meta = metadata(p, SOURCES_SCHEMA);
    json_object_del(meta, "project_name"); /* the manifest's alone */
    json_object_del(meta, "adapter_type");
    json_object_del(meta, "generated_by");
    json_put(m, "metadata", meta);
    json_put(m, "results", json_deep_copy(results));
    json_put_num(m, "elapsed_time", elapsed_s);
    int rc = save(p, "sources.json", m, e);
    json_decref(m);
    return rc;
}
