/* state: what is new or changed against another manifest (--state). In: both manifests.
 * Called through the table of select_methods.c. The rules are dbt-core 1.11's
 * (StateSelectorMethod): body, configs, relation, persisted descriptions, contract, and
 * macros through everything they call. */
#include "orchestrate/select.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"

#define DEPTH_MAX 100

static json_t *find(const json_t *manifest, const char *id)
{
    static const char *const kinds[] = {"nodes",        "sources",         "exposures",
                                        "unit_tests",   "semantic_models", "metrics",
                                        "saved_queries"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        json_t *n = json_obj(json_obj(manifest, kinds[i]), id);
        if (n)
            return n;
    }
    return NULL;
}

static bool same(const json_t *a, const json_t *b, const char *key)
{
    json_t *x = json_object_get(a, key), *y = json_object_get(b, key);
    bool x_is_nothing = !x || json_is_null(x), y_is_nothing = !y || json_is_null(y);
    return x_is_nothing || y_is_nothing ? x_is_nothing == y_is_nothing
                                        : json_equal(x, y);
}

static bool is_same_body(const json_t *a, const json_t *b)
{
    if (streq(json_str(a, "resource_type", ""), "seed") ||
        !json_object_get(a, "raw_code"))
        return same(a, b, "checksum");
    return same(a, b, "raw_code");
}

/* Configs that say nothing of what is built: dbt does not compare them. */
static bool is_compared(const char *key)
{
    static const char *const not [] = {"alias", "schema", "database", "tags", "group"};
    for (size_t i = 0; i < sizeof not / sizeof *not ; i++)
        if (streq(key, not [i]))
            return false;
    return true;
}

static bool has_same_keys(const json_t *a, const json_t *b)
{
    const char *key;
    json_t *v;
    json_object_foreach ((json_t *)(uintptr_t)a, key, v) {
        json_t *other = json_object_get(b, key);
        if (is_compared(key) && (!other || !json_equal(v, other)))
            return false;
    }
    return true;
}

/* As they are written, so that an environment's values are no change. */
static bool is_same_config(const json_t *a, const json_t *b)
{
    const json_t *x = json_obj(a, "unrendered_config"),
                 *y = json_obj(b, "unrendered_config");
    return has_same_keys(x, y) && has_same_keys(y, x);
}

static bool is_same_relation(const json_t *a, const json_t *b)
{
    static const char *const keys[] = {"database", "schema", "alias"};
    if (streq(json_str(a, "resource_type", ""), "source"))
        return same(a, b, "database") && same(a, b, "schema") &&
               same(a, b, "identifier");
    for (size_t i = 0; i < 3; i++)
        if (!same(json_obj(a, "unrendered_config"), json_obj(b, "unrendered_config"),
                  keys[i]))
            return false;
    return true;
}

static bool has_same_descriptions(const json_t *a, const json_t *b)
{
    const char *key;
    json_t *v;
    json_object_foreach ((json_t *)(uintptr_t)a, key, v)
        if (!same(v, json_object_get(b, key), "description"))
            return false;
    return json_object_size(a) == json_object_size(b);
}

static bool is_same_text(const json_t *a, const json_t *b)
{
    const json_t *persist = json_obj(json_obj(a, "config"), "persist_docs");
    if (json_flag(persist, "relation", false) && !same(a, b, "description"))
        return false;
    return !json_flag(persist, "columns", false) ||
           has_same_descriptions(json_obj(a, "columns"), json_obj(b, "columns"));
}

static bool is_same_contract(const json_t *a, const json_t *b)
{
    const json_t *x = json_obj(a, "contract"), *y = json_obj(b, "contract");
    bool is_now = json_flag(x, "enforced", false),
         was = json_flag(y, "enforced", false);
    return is_now == was && (!is_now || same(x, y, "checksum"));
}

/* Kinds of which dbt compares a list of members. */
static bool has_same_members(const json_t *a, const json_t *b, const char *const *keys)
{
    for (; *keys; keys++)
        if (!same(a, b, *keys))
            return false;
    return true;
}

/* Built-in macros belong to the engine: another version of it, or dbt itself, has other
 * texts, and the project has not changed. */
static bool is_engines(const json_t *macro)
{
    return str_starts(json_str(macro, "unique_id", ""), "macro.dbt.") ||
           str_starts(json_str(macro, "unique_id", ""), "macro.dbt_sqlite.") ||
           str_starts(json_str(macro, "unique_id", ""), "macro.dbt_postgres.");
}

/* Whether a macro, or one it calls, has another text in the two manifests. */
static bool is_macro_changed(const struct select *s, const char *id, int depth)
{
    const json_t *now = json_obj(json_obj(s->how->manifest, "macros"), id);
    const json_t *was = json_obj(json_obj(s->how->state, "macros"), id);
    json_t *one;
    size_t i;
    if ((!now && !was) || is_engines(now ? now : was))
        return false;
    if (!now || !was || !same(now, was, "macro_sql"))
        return true;
    json_array_foreach (json_arr(json_obj(now, "depends_on"), "macros"), i, one)
        if (depth < DEPTH_MAX && json_is_string(one) &&
            is_macro_changed(s, json_string_value(one), depth + 1))
            return true;
    return false;
}

static bool has_same_macros(const struct select *s, const json_t *now)
{
    json_t *one;
    size_t i;
    json_array_foreach (json_arr(json_obj(now, "depends_on"), "macros"), i, one)
        if (json_is_string(one) && is_macro_changed(s, json_string_value(one), 0))
            return false;
    return true;
}

/* Everything that makes a node another one, as dbt has it for its type. */
static bool is_same(const json_t *now, const json_t *was)
{
    static const char *const exposure[] = {"fqn", "type",        "owner", "maturity",
                                           "url", "description", "label", NULL};
    static const char *const source[] = {"fqn",      "quoting",         "freshness",
                                         "external", "loaded_at_field", NULL};
    static const char *const others[] = {
        "type",    "type_params", "filter",     "description", "label",
        "model",   "entities",    "dimensions", "measures",    "query_params",
        "exports", "time_grains", "defaults",   "checksum",    NULL};
    static const char *const model[] = {"fqn", "latest_version", "access",
                                        "deprecation_date", NULL};
    const char *type = json_str(now, "resource_type", "");
    if (streq(type, "unit_test"))
        return same(now, was, "checksum");
    if (streq(type, "exposure"))
        return has_same_members(now, was, exposure) && is_same_config(now, was);
    if (streq(type, "source"))
        return has_same_members(now, was, source) && is_same_relation(now, was) &&
               is_same_config(now, was);
    if (!json_object_get(now, "raw_code"))
        return has_same_members(now, was, others) && is_same_config(now, was);
    if (json_object_get(now, "test_metadata"))
        return is_same_config(now, was) && same(now, was, "fqn");
    return is_same_body(now, was) && is_same_config(now, was) &&
           is_same_text(now, was) && has_same_members(now, was, model) &&
           is_same_relation(now, was) && is_same_contract(now, was);
}

static bool is_modified(const struct select *s, const json_t *now, const json_t *was,
                        const char *part)
{
    if (!*part)
        return !is_same(now, was) || !has_same_macros(s, now);
    bool has_body = json_object_get(now, "raw_code");
    if (streq(part, "body"))
        return !is_same_body(now, was);
    if (streq(part, "configs"))
        return !is_same_config(now, was);
    if (streq(part, "relation"))
        return has_body && !is_same_relation(now, was);
    if (streq(part, "persisted_descriptions"))
        return has_body && !is_same_text(now, was);
    if (streq(part, "contract"))
        return !is_same_contract(now, was);
    return streq(part, "macros") && !has_same_macros(s, now);
}

bool select_by_state(const struct select *s, const struct graph_node *n,
                     const struct criterion *c)
{
    const json_t *now = n->node ? find(s->how->manifest, n->id) : NULL;
    const json_t *was = n->node ? find(s->how->state, n->id) : NULL;
    if (!now)
        return false;
    if (streq(c->value, "new") || streq(c->value, "old"))
        return streq(c->value, "new") == !was;
    if (streq(c->value, "unmodified"))
        return was && !is_modified(s, now, was, "");
    const char *part = strchr(c->value, '.');
    if (!str_starts(c->value, "modified"))
        return false;
    return part ? was && is_modified(s, now, was, part + 1)
                : !was || is_modified(s, now, was, "");
}

/* Only the methods that need it ask for it. */
static json_t *load_if_there(const char *dir, const char *name)
{
    char path[4096];
    json_t *v = NULL;
    struct err none = {0};
    snprintf(path, sizeof path, "%.4000s/%s", dir, name);
    return json_load_path(path, &v, &none) < 0 ? NULL : v;
}

const char *select_state_word(const struct graph_selection *how, const struct graph *g,
                              size_t i)
{
    static const char *const words[] = {"new", "modified"};
    struct select s = {.g = g, .how = how};
    struct criterion c = {.method = "state"};
    for (size_t k = 0; k < 2; k++) {
        str_copy(c.value, sizeof c.value, words[k]);
        if (select_by_state(&s, &g->nodes[i], &c))
            return words[k];
    }
    return NULL;
}

int graph_state_load(struct graph_selection *sel, const char *dir, const char *target,
                     struct err *e)
{
    char path[4096];
    struct err none = {0};
    snprintf(path, sizeof path, "%.4000s/manifest.json", dir);
    int rc = json_load_path(path, &sel->state, e);
    if (rc < 0)
        return err_set(e, ERR_USAGE,
                       "--state %.300s: there is no manifest.json to compare with",
                       dir);
    results_recover(dir, false, &none); /* of a run that was killed */
    sel->state_results = load_if_there(dir, "run_results.json");
    sel->state_sources = load_if_there(dir, "sources.json");
    sel->sources = target ? load_if_there(target, "sources.json") : NULL;
    return 0;
}

void graph_state_release(struct graph_selection *sel)
{
    json_decref(sel->state);
    json_decref(sel->state_results);
    json_decref(sel->manifest);
    json_decref(sel->state_sources);
    json_decref(sel->sources);
    sel->state = sel->state_results = sel->manifest = NULL;
    sel->state_sources = sel->sources = NULL;
}
