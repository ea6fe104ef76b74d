/* The semantic layer: semantic_models:, metrics: and saved_queries: of .yml files,
 * which dbt does not run either, as they stand in the manifest. In: entries as written.
 * Out: the manifest's entries, every field filled, with what they depend on. Called by
 * properties.c, link.c and the manifest's writer. */
#include "model/semantic_shape.h"

#include <stdio.h>
#include "base/buf.h"
#include "model/internal.h"

static const char *const sections[] = {"semantic_models", "metrics", "saved_queries"};
static const char *const kinds[] = {"semantic_model", "metric", "saved_query"};

/* ── entries ── */

static json_t *config_of(const json_t *body, bool has_tags)
{
    const json_t *given = json_obj(body, "config");
    json_t *c = json_object(), *meta = json_obj(given, "meta"), *tags = json_object();
    json_put_flag(c, "enabled", json_flag(given, "enabled", true));
    json_put_str(c, "group", json_str(given, "group", NULL));
    json_put(c, "meta", meta ? json_deep_copy(meta) : json_object());
    if (has_tags && json_object_get(given, "tags")) {
        config_merge(tags, "tags", json_object_get(given, "tags"));
        json_put(c, "tags", json_incref(json_object_get(tags, "tags")));
    }
    json_decref(tags);
    return c;
}

static json_t *entry_new(const struct project *p, const struct semantic *s,
                         const char *name, const char *id)
{
    json_t *n = json_object(), *given = json_obj(s->body, "config");
    json_put_str(n, "name", name);
    json_put_str(n, "resource_type", kinds[s->kind]);
    json_put_str(n, "package_name", s->pk->name);
    json_put_str(n, "path", s->rel);
    json_put_str(n, "original_file_path", s->shown + strlen(s->pk->prefix));
    json_put_str(n, "unique_id", id);
    json_put(n, "fqn", json_pack("[s, s]", s->pk->name, name));
    json_put_str(n, "description",
                 json_str(s->body, "description", s->kind == 1 ? "" : NULL));
    json_put_str(n, "label", json_str(s->body, "label", NULL));
    json_put(n, "metadata", json_null());
    json_put(n, "refs", json_array());
    json_put(n, "depends_on", json_pack("{s:[], s:[]}", "macros", "nodes"));
    json_put_num(n, "created_at", (double)p->now_ms / 1000.0);
    json_put(n, "unrendered_config", given ? json_deep_copy(given) : json_object());
    json_put_str(n, "group", json_str(given, "group", NULL));
    return n;
}

static void depend(json_t *n, const char *id)
{
    json_t *list = json_arr(json_obj(n, "depends_on"), "nodes"), *one;
    size_t i;
    json_array_foreach (list, i, one)
        if (streq(json_string_value(one), id))
            return;
    json_array_append_new(list, json_string(id));
}

/* Members have their semantic model's meta unless they have their own. */
static void inherit_meta(json_t *list, json_t *meta)
{
    size_t i;
    json_t *one;
    json_array_foreach (list, i, one)
        if (json_object_size(meta) && !json_obj(one, "config"))
            json_put(one, "config", json_pack("{s:O}", "meta", meta));
}

/* ref('x') of model: by the project's own ref. */
static struct item *model_of(struct project *p, const struct semantic *s)
{
    struct item *probe = item_new(p, s->pk, NODE_ANALYSIS);
    struct render r = {0};
    struct buf out;
    struct err none = {0};
    char *call = arena_printf(&p->mem, "{{ %s }}", json_str(s->body, "model", ""));
    probe->pub.path = s->shown;
    buf_init(&out, 1u << 20);
    render_begin(&r, p, NULL, probe);
    render_text(&r, s->shown, call, strlen(call), &out, &none);
    render_end(&r);
    buf_release(&out);
    struct item *it = probe->deps.n ? map_get(&p->by_id, probe->deps.v[0]) : NULL;
    item_free(probe);
    return it;
}

static int add_semantic_model(struct project *p, const struct semantic *s, json_t *n,
                              struct err *e)
{
    const struct item *it = model_of(p, s);
    json_t *config = config_of(s->body, false), *meta = json_obj(config, "meta");
    if (!it)
        return json_decref(config),
               err_set(e, ERR_CONFIG, "%s: the semantic model \"%s\": there is no %s",
                       s->shown, json_str(n, "name", ""),
                       json_str(s->body, "model", "model:"));
    json_t *entry = manifest_entry(p, (struct item *)(uintptr_t)it);
    json_t *entities = semantic_list(semantic_entity, json_arr(s->body, "entities"));
    json_t *measures = semantic_list(semantic_measure, json_arr(s->body, "measures"));
    json_t *dimensions =
        semantic_list(semantic_dimension, json_arr(s->body, "dimensions"));
    size_t i;
    json_t *one;
    json_array_foreach (dimensions, i, one)
        if (json_obj(one, "type_params"))
            json_put(
                one, "type_params",
                semantic_shaped("{\"time_granularity\":null,\"validity_params\":null}",
                                json_obj(one, "type_params")));
    json_array_foreach (measures, i, one)
        json_put_flag(one, "create_metric", false); /* it is made: add_created */
    inherit_meta(entities, meta);
    inherit_meta(measures, meta);
    inherit_meta(dimensions, meta);
    json_put_str(n, "model", json_str(s->body, "model", ""));
    json_put(n, "node_relation",
             json_pack("{s:s, s:s, s:O, s:O}", "alias", it->pub.alias, "schema_name",
                       it->pub.schema, "database", json_object_get(entry, "database"),
                       "relation_name", json_object_get(entry, "relation_name")));
    json_t *defaults = json_object_get(s->body, "defaults");
    json_put(n, "defaults", defaults ? json_deep_copy(defaults) : json_null());
    json_put(n, "entities", entities);
    json_put(n, "measures", measures);
    json_put(n, "dimensions", dimensions);
    json_put_str(n, "primary_entity", json_str(s->body, "primary_entity", NULL));
    json_put(
        n, "refs",
        json_pack("[{s:s, s:n, s:n}]", "name", it->pub.name, "package", "version"));
    json_put(n, "config", config);
    depend(n, it->pub.unique_id);
    json_decref(entry);
    return 0;
}

/* The semantic model that has a measure. */
static const char *model_with(const struct project *p, const char *measure)
{
    const char *id;
    json_t *n, *one;
    size_t i;
    json_object_foreach (json_obj(p->semantic, "semantic_models"), id, n)
        json_array_foreach (json_arr(n, "measures"), i, one)
            if (streq(json_str(one, "name", ""), measure))
                return id;
    return NULL;
}

static json_t *metric_named(const struct project *p, const char *name)
{
    const char *id;
    json_t *n;
    json_object_foreach (json_obj(p->semantic, "metrics"), id, n)
        if (streq(json_str(n, "name", ""), name))
            return n;
    return NULL;
}

/* One input of a metric, as a list of one: a name or a mapping. */
static void put_input(json_t *params, const char *key, const char *shape, json_t *given)
{
    if (!given || json_is_null(given))
        return;
    json_t *alone = json_pack("[O]", given), *list = semantic_list(shape, alone);
    semantic_filters(list);
    json_object_set(params, key, json_array_get(list, 0));
    json_decref(alone);
    json_decref(list);
}

static void add_metric(json_t *n, const json_t *body)
{
    json_t *given = json_obj(body, "type_params"), *config = config_of(body, true);
    json_t *params = semantic_shaped(semantic_type_params, given), *one;
    size_t i;
    put_input(params, "measure", semantic_input_measure,
              json_object_get(given, "measure"));
    put_input(params, "numerator", semantic_input_metric,
              json_object_get(given, "numerator"));
    put_input(params, "denominator", semantic_input_metric,
              json_object_get(given, "denominator"));
    json_t *metrics = semantic_list(semantic_input_metric, json_arr(given, "metrics"));
    semantic_filters(metrics);
    json_array_foreach (metrics, i, one)
        semantic_window(one, "offset_window");
    json_put(params, "metrics", metrics);
    semantic_window(params, "window");
    json_put_str(n, "type", json_str(body, "type", "simple"));
    json_put(n, "type_params", params);
    json_put(n, "filter", semantic_filter(json_object_get(body, "filter")));
    json_put_str(n, "time_granularity", json_str(body, "time_granularity", NULL));
    json_put(n, "meta", json_deep_copy(json_obj(config, "meta")));
    json_put(n, "tags", json_array());
    json_put(n, "config", config);
    json_put(n, "sources", json_array());
    json_put(n, "metrics", json_array());
}

static void add_saved_query(json_t *n, const json_t *body)
{
    json_t *query = semantic_shaped(semantic_query, json_obj(body, "query_params")),
           *exports, *one;
    json_t *config = config_of(body, false);
    size_t i;
    json_put(query, "where",
             semantic_filter(json_object_get(json_obj(body, "query_params"), "where")));
    exports = semantic_list("{\"name\":null,\"config\":{}}", json_arr(body, "exports"));
    json_array_foreach (exports, i, one) {
        json_t *given = json_incref(json_obj(one, "config")), *own = json_object();
        json_put_str(own, "export_as", json_str(given, "export_as", NULL));
        json_put_str(own, "schema_name", json_str(given, "schema", NULL));
        json_put_str(own, "alias",
                     json_str(given, "alias", json_str(one, "name", NULL)));
        json_put(own, "database", json_null());
        json_put(one, "config", own);
        json_put(one, "unrendered_config", given);
    }
    json_put(config, "export_as", json_null());
    json_put(config, "schema", json_null());
    json_put(config, "cache", json_pack("{s:b}", "enabled", 0));
    json_put(n, "query_params", query);
    json_put(n, "exports", exports);
    json_put(n, "config", config);
    json_put(n, "tags", json_array());
}

/* ── what metrics and queries stand on ── */

static int depend_on_metric(const struct project *p, json_t *n, const char *name,
                            const struct semantic *s, struct err *e)
{
    const json_t *other = metric_named(p, name);
    if (!other)
        return err_set(e, ERR_CONFIG,
                       "%s: \"%s\" uses the metric \"%s\", which is not there",
                       s->shown, json_str(n, "name", ""), name);
    depend(n, json_str(other, "unique_id", ""));
    return 0;
}

static int link_metric(const struct project *p, json_t *n, const struct semantic *s,
                       struct err *e)
{
    static const char *const inputs[] = {"numerator", "denominator"};
    json_t *params = json_obj(n, "type_params"), *one;
    const char *measure = json_str(json_obj(params, "measure"), "name", NULL);
    size_t i;
    int rc = 0;
    if (measure) {
        const char *id = model_with(p, measure);
        if (!id)
            return err_set(e, ERR_CONFIG,
                           "%s: the metric \"%s\" uses the measure \"%s\", which no "
                           "semantic model has",
                           s->shown, json_str(n, "name", ""), measure);
        depend(n, id);
    }
    for (i = 0; rc == 0 && i < 2; i++) {
        const char *name = json_str(json_obj(params, inputs[i]), "name", NULL);
        rc = name ? depend_on_metric(p, n, name, s, e) : 0;
    }
    json_array_foreach (json_arr(params, "metrics"), i, one) {
        if (rc == 0)
            rc = depend_on_metric(p, n, json_str(one, "name", ""), s, e);
    }
    return rc;
}

static int link_query(const struct project *p, json_t *n, const struct semantic *s,
                      struct err *e)
{
    json_t *one;
    size_t i;
    int rc = 0;
    json_array_foreach (json_arr(json_obj(n, "query_params"), "metrics"), i, one) {
        if (rc == 0 && json_is_string(one))
            rc = depend_on_metric(p, n, json_string_value(one), s, e);
    }
    return rc;
}

/* ── loading ── */

int semantic_declare(struct project *p, struct package *pk, const char *key,
                     const char *shown, const char *rel, json_t *body, struct err *e)
{
    for (int k = 0; k < 3; k++) {
        if (!streq(key, sections[k]))
            continue;
        if (!json_str(body, "name", NULL))
            return err_set(e, ERR_CONFIG, "%s: an entry of %s has no name", shown, key);
        vec_push(&p->semantics,
                 ((struct semantic){pk, shown, rel, k, json_incref(body)}));
    }
    return 0;
}

static int add_entry(struct project *p, const struct semantic *s, struct err *e)
{
    const char *name = json_str(s->body, "name", "");
    char *id = arena_printf(&p->mem, "%s.%s.%s", kinds[s->kind], s->pk->name, name);
    json_t *all = json_obj(p->semantic, sections[s->kind]);
    if (!json_flag(json_obj(s->body, "config"), "enabled", true))
        return 0;
    if (json_object_get(all, id))
        return err_set(e, ERR_CONFIG, "%s: %s \"%s\" is there twice", s->shown,
                       kinds[s->kind], name);
    json_t *n = entry_new(p, s, name, id);
    json_object_set_new(all, id, n);
    if (s->kind == 0)
        return add_semantic_model(p, s, n, e);
    if (s->kind == 1)
        add_metric(n, s->body);
    else
        add_saved_query(n, s->body);
    return 0;
}

/* create_metric: true of a measure. */
static void add_created(struct project *p, const struct semantic *s)
{
    size_t i;
    json_t *one, *meta = json_obj(json_obj(s->body, "config"), "meta");
    json_array_foreach (json_arr(s->body, "measures"), i, one) {
        const char *name = json_str(one, "name", "");
        if (s->kind != 0 || !json_flag(one, "create_metric", false))
            continue;
        struct semantic made = {s->pk, s->shown, s->rel, 1, NULL};
        made.body =
            json_pack("{s:s, s:s+, s:s, s:s, s:{s:s, s:O?}}", "name", name,
                      "description", "Metric created from measure ", name, "label",
                      json_str(one, "label", name), "type", "simple", "type_params",
                      "measure", name, "expr", json_object_get(one, "expr"));
        json_t *config = json_pack("{s:b}", "enabled", 1);
        if (meta)
            json_object_set(config, "meta", meta);
        json_put(made.body, "config", config);
        vec_push(&p->semantics, made);
    }
}

/* The measures that a metric comes down to, through the metrics it is made of. */
static void add_measures(const struct project *p, json_t *list, json_t *n, int depth)
{
    static const char *const inputs[] = {"numerator", "denominator"};
    json_t *params = json_obj(n, "type_params"), *measure = json_obj(params, "measure");
    json_t *one, *other;
    size_t i, k;
    bool is_there = false;
    json_array_foreach (list, i, one)
        is_there |= json_equal(one, measure) != 0;
    if (measure && !is_there)
        json_array_append(list, measure);
    for (k = 0; depth < 20 && k < 2; k++)
        if ((other =
                 metric_named(p, json_str(json_obj(params, inputs[k]), "name", ""))))
            add_measures(p, list, other, depth + 1);
    json_array_foreach (json_arr(params, "metrics"), i, one)
        if (depth < 20 && (other = metric_named(p, json_str(one, "name", ""))))
            add_measures(p, list, other, depth + 1);
}

/* "metric('revenue')" → revenue; NULL for anything else. */
static const char *metric_called(const char *text, char *name, size_t size)
{
    char quote[2], format[40];
    snprintf(format, sizeof format, " metric( %%1['\"]%%%zu[^'\"]", size - 1);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    return sscanf(text, format, quote, name) == 2 ? name : NULL;
#pragma GCC diagnostic pop
}

json_t *semantic_metrics(const struct item *exposure)
{
    json_t *out = json_array(), *one;
    size_t i;
    char name[200];
    json_array_foreach (json_arr(exposure->exposure, "depends_on"), i, one)
        if (json_is_string(one) &&
            metric_called(json_string_value(one), name, sizeof name))
            json_array_append_new(out, json_pack("[s]", name));
    return out;
}

static void link_exposures(struct project *p)
{
    json_t *one;
    size_t k;
    for (size_t i = 0; i < p->items.n; i++) {
        struct item *it = p->items.v[i];
        if (it->pub.type != NODE_EXPOSURE)
            continue;
        json_t *names = semantic_metrics(it);
        json_array_foreach (names, k, one) {
            const json_t *n =
                metric_named(p, json_string_value(json_array_get(one, 0)));
            if (n)
                item_depend(it, json_str(n, "unique_id", ""));
        }
        json_decref(names);
    }
}

void semantic_each(const struct project *p, semantic_fn *fn, void *arg)
{
    const char *id;
    json_t *n;
    for (int k = 0; k < 3; k++)
        json_object_foreach (json_obj(p->semantic, sections[k]), id, n)
            fn(arg, id, json_arr(json_obj(n, "depends_on"), "nodes"));
}

int semantic_link(struct project *p, struct err *e)
{
    int rc = 0;
    size_t n = p->semantics.n;
    p->semantic = json_object();
    for (int k = 0; k < 3; k++)
        json_put(p->semantic, sections[k], json_object());
    for (size_t i = 0; i < n; i++)
        add_created(p, &p->semantics.v[i]);
    for (int kind = 0; kind < 3; kind++)
        for (size_t i = 0; rc == 0 && i < p->semantics.n; i++)
            if (p->semantics.v[i].kind == kind)
                rc = add_entry(p, &p->semantics.v[i], e);
    for (size_t i = 0; rc == 0 && i < p->semantics.n; i++) {
        const struct semantic *s = &p->semantics.v[i];
        char *id = arena_printf(&p->mem, "%s.%s.%s", kinds[s->kind], s->pk->name,
                                json_str(s->body, "name", ""));
        json_t *entry = json_object_get(json_obj(p->semantic, sections[s->kind]), id);
        if (entry && s->kind == 1)
            rc = link_metric(p, entry, s, e);
        if (entry && s->kind == 2)
            rc = link_query(p, entry, s, e);
        if (entry && s->kind == 1 && rc == 0)
            add_measures(p, json_arr(json_obj(entry, "type_params"), "input_measures"),
                         entry, 0);
    }
    if (rc == 0 && p->semantics.n)
        link_exposures(p);
    return rc;
}

void semantic_free(struct project *p)
{
    for (size_t i = 0; i < p->semantics.n; i++)
        json_decref(p->semantics.v[i].body);
    vec_release(&p->semantics);
    json_decref(p->semantic);
}
