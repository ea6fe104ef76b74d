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
    static const char *const kinds[] = {"nodes", "sources", "exposures"};
    for (size_t i = 0; i < 3; i++) {
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
    const json_t *x = json_obj(a, "checksum"), *y = json_obj(b, "checksum");
    if (x && y && !streq(json_str(x, "name", "none"), "none"))
        return same(x, y, "checksum");
    return same(a, b, "raw_code") && same(a, b, "depends_on");
}

static bool is_same_relation(const json_t *a, const json_t *b)
{
    return same(a, b, "schema") && same(a, b, "alias") && same(a, b, "identifier");
}

static bool is_same_text(const json_t *a, const json_t *b)
{
    const json_t *persist = json_obj(json_obj(a, "config"), "persist_docs");
    if (json_flag(persist, "relation", false) && !same(a, b, "description"))
        return false;
    return !json_flag(persist, "columns", false) || same(a, b, "columns");
}

/* Whether a macro, or one it calls, has another text in the two manifests. */
static bool is_macro_changed(const struct select *s, const char *id, int depth)
{
    const json_t *now = json_obj(json_obj(s->how->manifest, "macros"), id);
    const json_t *was = json_obj(json_obj(s->how->state, "macros"), id);
    json_t *one;
    size_t i;
    if (!now && !was)
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

static bool is_modified(const struct select *s, const json_t *now, const json_t *was,
                        const char *part)
{
    bool all = !*part;
    if ((all || streq(part, "body")) && !is_same_body(now, was))
        return true;
    if ((all || streq(part, "configs")) && !same(now, was, "config"))
        return true;
    if ((all || streq(part, "relation")) && !is_same_relation(now, was))
        return true;
    if ((all || streq(part, "persisted_descriptions")) && !is_same_text(now, was))
        return true;
    if ((all || streq(part, "contract")) && !same(now, was, "contract"))
        return true;
    if ((all || streq(part, "macros")) && !has_same_macros(s, now))
        return true;
    return all && !same(now, was, "fqn");
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

int graph_state_load(struct graph_selection *sel, const char *dir, struct err *e)
{
    char path[4096];
    struct err none = {0};
    snprintf(path, sizeof path, "%.4000s/manifest.json", dir);
    int rc = json_load_path(path, &sel->state, e);
    if (rc < 0)
        return err_set(e, ERR_USAGE,
                       "--state %.300s: there is no manifest.json to compare with",
                       dir);
    snprintf(path, sizeof path, "%.4000s/run_results.json", dir);
    if (json_load_path(path, &sel->state_results, &none) < 0)
        sel->state_results = NULL; /* only result: needs it */
    return 0;
}

void graph_state_release(struct graph_selection *sel)
{
    json_decref(sel->state);
    json_decref(sel->state_results);
    json_decref(sel->manifest);
    sel->state = sel->state_results = sel->manifest = NULL;
}
