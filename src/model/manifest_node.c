/* A node as dbt's manifest (v12) has it: models, seeds, snapshots, tests, analyses,
 * operations and sources, complete with dbt's defaults. In: an item. Out: one JSON
 * object, whose values are shared with the item where they are the same. Called by
 * manifest.c, ls and state:. */
#include "model/internal.h"

#include <stdlib.h>
#include "base/hash.h"

/* Configs that dbt writes though nobody gave them, by type; %s: see config_text. */
#define COMMON                                                                         \
    "{\"enabled\":true,\"alias\":null,\"schema\":null,\"database\":null,\"tags\":[],"  \
    "\"meta\":{},\"group\":null,\"static_analysis\":null"
#define RUNNABLE                                                                       \
    COMMON                                                                             \
    ",\"incremental_strategy\":null,\"batch_size\":null,\"lookback\":1,"               \
    "\"begin\":null,\"persist_docs\":{},\"pre-hook\":[],\"post-hook\":[],"             \
    "\"quoting\":{},\"column_types\":{},\"full_refresh\":null,\"unique_key\":null,"    \
    "\"on_schema_change\":\"ignore\",\"on_configuration_change\":\"apply\","           \
    "\"grants\":{},\"packages\":[],\"docs\":{\"show\":true,\"node_color\":null},"      \
    "\"contract\":{\"enforced\":false,\"alias_types\":true},\"event_time\":null,"      \
    "\"concurrent_batches\":null"

static const char *config_text(enum node_type t)
{
    switch (t) {
    case NODE_MODEL:
        return RUNNABLE ",\"access\":\"protected\",\"freshness\":null}";
    case NODE_SEED:
        return RUNNABLE ",\"delimiter\":\",\",\"quote_columns\":null}";
    case NODE_SNAPSHOT:
        return RUNNABLE ",\"strategy\":null,\"target_schema\":null,"
                        "\"target_database\":null,\"updated_at\":null,"
                        "\"check_cols\":null,\"snapshot_meta_column_names\":"
                        "{\"dbt_valid_to\":null,\"dbt_valid_from\":null,"
                        "\"dbt_scd_id\":null,\"dbt_updated_at\":null,"
                        "\"dbt_is_deleted\":null},\"dbt_valid_to_current\":null}";
    case NODE_TEST:
        return COMMON ",\"store_failures\":null,\"store_failures_as\":null,"
                      "\"where\":null,\"limit\":null}";
    case NODE_SOURCE:
        return "{\"enabled\":true,\"event_time\":null,\"freshness\":null,"
               "\"loaded_at_field\":null,\"loaded_at_query\":null,\"meta\":{},"
               "\"tags\":[],\"static_analysis\":null}";
    case NODE_ANALYSIS:
    case NODE_OPERATION:
        return RUNNABLE "}";
    case NODE_UNIT_TEST:
    case NODE_EXPOSURE:
    case NODE_MACRO:
        break;
    }
    return "{\"enabled\":true,\"tags\":[],\"meta\":{}}";
}

/* Of a mapping that dbt fills up with defaults of its own. */
static void fill(json_t *config, const json_t *from, const char *key)
{
    json_t *own = json_object_get(from, key), *base = json_object_get(config, key);
    if (!json_is_object(own) || !json_is_object(base))
        return;
    json_t *all = json_copy(base);
    json_object_update(all, own);
    json_put(config, key, all);
}

static json_t *full_config(struct project *p, const struct item *it)
{
    json_t **base = &p->config_defaults[it->pub.type];
    if (!*base)
        *base = json_loads(config_text(it->pub.type), 0, NULL);
    json_t *c = json_copy(*base);
    const char *key;
    json_t *v;
    json_object_foreach (it->pub.config, key, v) {
        bool is_filled = streq(key, "docs") || streq(key, "contract") ||
                         streq(key, "snapshot_meta_column_names");
        if (is_filled)
            fill(c, it->pub.config, key);
        else
            json_object_set(c, key, v);
    }
    const json_t *stored = json_object_get(c, "store_failures");
    if (it->pub.type == NODE_TEST && json_is_boolean(stored) &&
        json_is_null(json_object_get(c, "store_failures_as")))
        json_put_str(c, "store_failures_as",
                     json_is_true(stored) ? "table" : "ephemeral");
    return c;
}

static json_t *texts(const char *const *v, size_t n)
{
    json_t *l = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(l, json_string(v[i]));
    return l;
}

/* ── columns and contracts ── */

/* Python's repr of a constraint, as it goes into dbt's checksum of a contract. */
static void add_text_repr(struct buf *b, const char *key, const char *text)
{
    struct arena mem;
    arena_init(&mem, 0);
    buf_addf(b, ", %s=", key);
    jv_to_repr(text ? jv_strz(&mem, text) : jv_none(), b);
    arena_release(&mem);
}

static void add_list_repr(struct buf *b, const char *key, json_t *list)
{
    struct arena mem;
    arena_init(&mem, 0);
    buf_addf(b, ", %s=", key);
    jv_to_repr(list ? jv_from_json(&mem, list) : jv_list(&mem), b);
    arena_release(&mem);
}

static void add_constraint_repr(struct buf *b, const json_t *c, bool is_column)
{
    static const char *const flags[] = {"warn_unenforced", "warn_unsupported"};
    const char *type = json_str(c, "type", "custom");
    buf_addf(b, "%s(type=<ConstraintType.%s: '%s'>",
             is_column ? "ColumnLevelConstraint" : "ModelLevelConstraint", type, type);
    add_text_repr(b, "name", json_str(c, "name", NULL));
    add_text_repr(b, "expression", json_str(c, "expression", NULL));
    for (int i = 0; i < 2; i++)
        buf_addf(b, ", %s=%s", flags[i],
                 json_flag(c, flags[i], true) ? "True" : "False");
    add_text_repr(b, "to", json_str(c, "to", NULL));
    add_list_repr(b, "to_columns", json_arr(c, "to_columns"));
    if (!is_column)
        add_list_repr(b, "columns", json_arr(c, "columns"));
    buf_addc(b, ')');
}

static void add_constraints_repr(struct buf *b, const json_t *list, bool is_column)
{
    json_t *one;
    size_t i;
    buf_addc(b, '[');
    json_array_foreach (list, i, one) {
        if (i)
            buf_adds(b, ", ");
        add_constraint_repr(b, one, is_column);
    }
    buf_addc(b, ']');
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* What dbt compares to see that a contract changed: sha256 over the sorted columns. */
static json_t *contract_checksum(const struct item *it, const json_t *constraints)
{
    char hex[65];
    size_t n = json_object_size(it->columns), i = 0;
    const char **names = mem_alloc((n + 1) * sizeof *names), *key;
    json_t *v;
    struct buf b;
    buf_init(&b, 16u << 20);
    json_object_foreach (it->columns, key, v)
        names[i++] = key;
    qsort(names, n, sizeof *names, by_name);
    for (i = 0; i < n; i++) {
        const json_t *c = json_object_get(it->columns, names[i]);
        buf_addf(&b, "|%s%s", names[i], json_str(c, "data_type", "None"));
        add_constraints_repr(&b, json_arr(c, "constraints"), true);
    }
    if (streq(it->pub.materialized, "table") ||
        streq(it->pub.materialized, "incremental")) {
        buf_adds(&b, it->pub.materialized);
        add_constraints_repr(&b, constraints, false);
    }
    json_t *sum = json_string(hash_sha256_hex(buf_str(&b), b.len, hex));
    buf_release(&b);
    mem_free(names);
    return sum;
}

static json_t *full_constraint(const json_t *from, bool is_column)
{
    json_t *c =
        json_pack("{s:n, s:n, s:b, s:b, s:n, s:[]}", "name", "expression",
                  "warn_unenforced", 1, "warn_unsupported", 1, "to", "to_columns");
    if (!is_column)
        json_put(c, "columns", json_array());
    json_object_update(c, (json_t *)(uintptr_t)from);
    return c;
}

static json_t *full_constraints(const json_t *list, bool is_column)
{
    json_t *out = json_array(), *one;
    size_t i;
    json_array_foreach (list, i, one)
        json_array_append_new(out, full_constraint(one, is_column));
    return out;
}

static json_t *full_columns(const struct item *it)
{
    json_t *all = json_object(), *v;
    const char *key;
    json_object_foreach (it->columns, key, v) {
        const json_t *list = json_arr(v, "constraints");
        json_t *c = json_array_size(list) ? json_copy(v) : json_incref(v);
        if (json_array_size(list))
            json_put(c, "constraints", full_constraints(list, true));
        json_put(all, key, c);
    }
    return all;
}

/* ── parts of a node ── */

static void put_names(json_t *n, const struct project *p, const struct item *it)
{
    json_put_str(n, "database", json_str(p->target, "database", p->database));
    json_put_str(n, "schema", it->pub.schema);
    json_put_str(n, "name", it->pub.name);
    json_put_str(n, "resource_type", node_type_name(it->pub.type));
    json_put_str(n, "package_name", it->pub.package);
    json_put_str(n, "path", it->rel);
    json_put_str(n, "original_file_path", it->pub.own_path);
    json_put_str(n, "unique_id", it->pub.unique_id);
    json_put(n, "fqn", texts(it->fqn.v, it->fqn.n));
}

/* "package://models/x.yml" */
static void put_patch_path(json_t *n, const struct item *it)
{
    const char *path = it->patch_path, *prefix = it->package->prefix;
    if (path && str_starts(path, prefix))
        path += strlen(prefix);
    char *text = path ? mem_printf("%s://%s", it->pub.package, path) : NULL;
    json_put_str(n, "patch_path", text);
    mem_free(text);
}

static void put_relation(json_t *n, const struct item *it)
{
    bool has_none = it->pub.type == NODE_ANALYSIS || it->pub.type == NODE_OPERATION ||
                    streq(it->pub.materialized, "ephemeral") ||
                    (it->pub.type == NODE_TEST &&
                     !config_flag(it->pub.config, "store_failures", false));
    char *name =
        has_none ? NULL : mem_printf("\"%s\".\"%s\"", it->pub.schema, it->pub.alias);
    json_put_str(n, "relation_name", name);
    mem_free(name);
}

/* dbt notes the test's macro first, and of the two commonest ones nothing else. */
static json_t *macros_of(const struct item *it)
{
    json_t *list = texts(it->macro_deps.v, it->macro_deps.n);
    if (!it->test_kwargs)
        return list;
    char *name = mem_printf(".test_%s", it->test_name);
    for (size_t i = 0; i < it->macro_deps.n; i++) {
        const char *id = it->macro_deps.v[i];
        if (!str_ends(id, name))
            continue;
        if (streq(id, "macro.dbt.test_not_null") || streq(id, "macro.dbt.test_unique"))
            json_array_clear(list);
        else
            json_array_remove(list, i);
        json_array_insert_new(list, 0, json_string(id));
        break;
    }
    mem_free(name);
    return list;
}

static void put_depends(json_t *n, const struct item *it)
{
    json_t *d = json_object();
    json_put(d, "macros", macros_of(it));
    if (it->pub.type != NODE_SEED)
        json_put(d, "nodes", texts(it->deps.v, it->deps.n));
    json_put(n, "depends_on", d);
}

/* Text without the white space around it, as dbt reads files. */
static json_t *stripped(const char *text)
{
    const char *from = text ? text + strspn(text, " \t\r\n\f\v") : "";
    size_t n = strlen(from);
    while (n && strchr(" \t\r\n\f\v", from[n - 1]))
        n--;
    return json_stringn(from, n);
}

/* The text that dbt makes of a generic test ends with a config() of its own. */
static json_t *test_code(struct project *p, const struct item *it)
{
    const json_t *config = json_obj(it->meta_patch, "config");
    struct buf b;
    size_t n = 0;
    buf_init(&b, 1u << 20);
    buf_add(&b, it->raw, it->raw_len);
    for (size_t i = 0; test_config_keys[i]; i++) {
        json_t *v = json_object_get(config, test_config_keys[i]);
        if (!v)
            continue;
        buf_addf(&b, "%s%s=", n++ ? "," : "{{ config(", test_config_keys[i]);
        const char *s = json_string_value(v);
        if (s)
            buf_addc(&b, '"');
        for (; s && *s; s++)
            buf_addf(&b, *s == '"' ? "\\%c" : "%c", *s);
        if (json_is_string(v))
            buf_addc(&b, '"');
        else
            jv_to_text(jv_from_json(&p->mem, v), &b);
    }
    buf_adds(&b, n ? ") }}" : "");
    json_t *code = json_stringn(buf_str(&b), b.len);
    buf_release(&b);
    return code;
}

static void put_code(json_t *n, struct item *it)
{
    static const char *const links[] = {"metrics", "functions"};
    json_put_str(n, "language", "sql");
    item_unpack(it);
    json_put(n, "refs", json_incref(it->refs));
    json_put(n, "sources", json_incref(it->sources));
    for (int i = 0; i < 2; i++)
        json_put(n, links[i], json_array());
    json_put(n, "compiled_path", json_null());
    if (!it->compiled)
        return;
    json_put_flag(n, "compiled", true);
    json_put_str(n, "compiled_code", it->compiled);
    json_put_flag(n, "extra_ctes_injected", true);
    json_put(n, "extra_ctes", json_array());
    char *path = mem_printf("target/compiled/%s/%s", it->pub.package, it->pub.own_path);
    json_put_str(n, "compiled_path", path);
    mem_free(path);
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
    json_put_str(n, "file_key_name", it->file_key);
}

static void put_model(struct project *p, json_t *n, struct item *it)
{
    json_t *from = it->meta_patch, *spine = json_object_get(from, "time_spine");
    json_t *constraints = json_object_get(json_obj(from, "config"), "constraints");
    constraints = full_constraints(
        constraints ? constraints : json_object_get(from, "constraints"), false);
    json_put(n, "access",
             json_incref(json_object_get(json_obj(n, "config"), "access")));
    json_t *contract = json_obj(n, "contract");
    if (json_flag(contract, "enforced", false))
        json_put(contract, "checksum", contract_checksum(it, constraints));
    json_put(n, "constraints", constraints);
    json_put(n, "primary_key", manifest_primary_key(p, it));
    json_put(n, "time_spine", spine ? json_incref(spine) : json_null());
    static const char *const version[] = {"version", "latest_version"};
    for (int i = 0; i < 2; i++) {
        json_t *v = json_object_get(from, version[i]);
        json_put(n, version[i], v ? json_incref(v) : json_null());
    }
    const char *date = json_str(from, "deprecation_date", NULL);
    char *at =
        date ? mem_printf("%s%s", date, strlen(date) == 10 ? "T00:00:00+00:00" : "")
             : NULL;
    json_put_str(n, "deprecation_date", at);
    mem_free(at);
}

static void put_config(struct project *p, json_t *n, const struct item *it)
{
    bool is_own = it->pub.type == NODE_SOURCE; /* which has more to say in it */
    json_t *c = is_own ? full_config(p, it) : config_complete(p, it, full_config);
    json_t *docs = json_object_get(c, "docs"), *written = config_unrendered(p, it);
    json_put(n, "config", c);
    json_put(n, "tags", texts(it->tags.v, it->tags.n));
    json_put(n, "meta", json_incref(json_object_get(c, "meta")));
    json_put_str(n, "group", group_of(p, it));
    json_put(n, "docs",
             docs ? json_incref(docs)
                  : json_pack("{s:b, s:n}", "show", 1, "node_color"));
    json_put(n, "unrendered_config",
             is_own ? json_copy(written) : json_incref(written));
    json_decref(written);
}

json_t *manifest_node(struct project *p, struct item *it)
{
    json_t *n = json_object();
    put_names(n, p, it);
    json_put_str(n, "alias", it->pub.alias);
    json_put(n, "checksum",
             json_pack("{s:s, s:s}", "name", it->checksum ? "sha256" : "none",
                       "checksum", it->checksum ? it->checksum : ""));
    put_config(p, n, it);
    json_put_str(n, "description", it->description ? it->description : "");
    json_put(n, "columns", full_columns(it));
    put_patch_path(n, it);
    json_put(n, "build_path", json_null());
    json_put_num(n, "created_at", (double)p->now_ms / 1000.0);
    put_relation(n, it);
    json_put(n, "raw_code",
             it->pub.type == NODE_SEED ? json_string("")
             : it->test_kwargs         ? test_code(p, it)
                                       : stripped(it->raw));
    json_put(n, "doc_blocks",
             docs_called(p, it->package, json_str(it->meta_patch, "description", "")));
    put_depends(n, it);
    if (it->pub.type == NODE_SEED) {
        json_put_str(n, "root_path", it->package->dir);
        return n;
    }
    put_code(n, it);
    json_t *contract = json_object_get(json_obj(n, "config"), "contract");
    contract = contract ? json_copy(contract)
                        : json_pack("{s:b, s:b}", "enforced", 0, "alias_types", 1);
    json_put(contract, "checksum", json_null());
    json_put(n, "contract", contract);
    put_test(n, it);
    if (it->pub.type == NODE_MODEL)
        put_model(p, n, it);
    return n;
}

/* ── sources ── */

static json_t *full_freshness(const json_t *given)
{
    static const char *const keys[] = {"warn_after", "error_after"};
    if (given && !json_is_object(given))
        return json_null();
    json_t *f = json_object();
    for (int i = 0; i < 2; i++) {
        json_t *t = json_object_get(given, keys[i]); /* null: switched off */
        json_put(f, keys[i],
                 t ? json_incref(t) : json_pack("{s:n, s:n}", "count", "period"));
    }
    json_put_str(f, "filter", json_str(given, "filter", NULL));
    return f;
}

/* dbt keeps what a source inherits among what is written. */
static void put_written(json_t *n, const struct item *it, json_t *fresh)
{
    json_t *written = json_obj(n, "unrendered_config"), *c = json_obj(n, "config");
    static const char *const keys[] = {"loaded_at_field", "loaded_at_query", "meta",
                                       "tags"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        json_object_set(written, keys[i], json_object_get(c, keys[i]));
    if (it->freshness)
        json_object_set(written, "freshness", fresh);
}

json_t *manifest_source(struct project *p, struct item *it)
{
    json_t *n = json_object(), *fresh = full_freshness(it->freshness);
    put_names(n, p, it);
    put_config(p, n, it);
    json_object_del(n, "group");
    json_object_del(n, "docs");
    json_t *c = json_obj(n, "config");
    json_put(c, "freshness", json_incref(fresh));
    json_put_str(c, "loaded_at_field", it->loaded_at);
    json_put_str(c, "loaded_at_query", it->loaded_at_query);
    json_object_del(c, "materialized");
    put_written(n, it, fresh);
    json_put_str(n, "source_name", it->pub.source_name);
    json_put_str(n, "source_description", it->source_description);
    json_put_str(n, "loader", it->loader);
    json_put_str(n, "identifier", it->identifier);
    json_put_str(n, "loaded_at_field", it->loaded_at);
    json_put_str(n, "loaded_at_query", it->loaded_at_query);
    json_put(n, "freshness", fresh);
    json_t *quoting =
        json_pack("{s:n, s:n, s:n, s:n}", "database", "schema", "identifier", "column");
    if (json_obj(it->meta_patch, "quoting"))
        json_object_update(quoting, json_obj(it->meta_patch, "quoting"));
    json_put(n, "quoting", quoting);
    json_t *external = json_object_get(it->meta_patch, "external");
    json_put(n, "external", external ? json_incref(external) : json_null());
    json_put_str(n, "description", it->description ? it->description : "");
    json_put(n, "columns", full_columns(it));
    json_put(n, "source_meta", json_incref(json_obj(it->meta_patch, "source_meta")));
    put_patch_path(n, it);
    json_put_num(n, "created_at", (double)p->now_ms / 1000.0);
    json_put(n, "doc_blocks",
             docs_called(p, it->package, json_str(it->meta_patch, "description", "")));
    json_put_str(n, "unrendered_database", NULL);
    json_put_str(n, "unrendered_schema", it->pub.schema);
    put_relation(n, it);
    return n;
}
