/* Model versions (versions: of a model's .yml entry). A version is a model of its own
 * whose file is name_vN.sql (defined_in: another), whose unique id is model.PKG.name.vN
 * and whose relation is name_vN; its properties are the model's with the version's own
 * over them. What has no version means the latest. Called while the project loads. */
#include "model/internal.h"

#include <stdlib.h>
#include "base/buf.h"

const char *version_text(struct project *p, json_t *v)
{
    struct buf b;
    if (json_is_string(v))
        return arena_strdup(&p->mem, json_string_value(v));
    buf_init(&b, 1024);
    jv_to_text(jv_from_json(&p->mem, v), &b);
    const char *text = arena_strdup(&p->mem, buf_str(&b));
    buf_release(&b);
    return text;
}

int version_compare(const char *a, const char *b)
{
    char *end_a, *end_b;
    double x = strtod(a, &end_a), y = strtod(b, &end_b);
    if (*a && *b && !*end_a && !*end_b)
        return (x > y) - (x < y);
    return strcmp(a, b);
}

/* ── what a version's entry comes to ── */

/* latest_version, or the greatest. Borrowed. */
static json_t *latest_of(struct project *p, const json_t *body)
{
    json_t *latest = json_object_get(body, "latest_version"), *one, *best = NULL;
    size_t i;
    if (latest && !json_is_null(latest))
        return latest;
    json_array_foreach (json_arr(body, "versions"), i, one) {
        json_t *v = json_object_get(one, "v");
        if (v &&
            (!best || version_compare(version_text(p, best), version_text(p, v)) < 0))
            best = v;
    }
    return best;
}

static bool is_in(const json_t *list, const char *name)
{
    size_t i;
    json_t *one;
    if (json_is_string(list))
        return streq(json_string_value(list), "*") ||
               streq(json_string_value(list), "all");
    json_array_foreach (list, i, one)
        if (json_is_string(one) && streq(json_string_value(one), name))
            return true;
    return false;
}

/* {include: …, exclude: …} among a version's columns chooses from the model's; the
 * other entries are columns of its own. */
static json_t *columns_of_version(const json_t *body, const json_t *version)
{
    json_t *out = json_array(), *one, *choice = NULL;
    json_t *own = json_arr(version, "columns");
    size_t i;
    json_array_foreach (own, i, one)
        if (json_object_get(one, "include") || json_object_get(one, "exclude"))
            choice = choice ? choice : one;
    const json_t *include = json_object_get(choice, "include");
    json_array_foreach (json_arr(body, "columns"), i, one) {
        const char *name = json_str(one, "name", "");
        if ((!include || is_in(include, name)) &&
            !is_in(json_arr(choice, "exclude"), name))
            json_array_append(out, one);
    }
    json_array_foreach (own, i, one)
        if (json_str(one, "name", NULL))
            json_array_append(out, one);
    return out;
}

static void merge_deep(json_t *into, const json_t *from)
{
    const char *key;
    json_t *v;
    json_object_foreach ((json_t *)(uintptr_t)from, key, v) {
        json_t *old = json_object_get(into, key);
        if (json_is_object(v) && json_is_object(old))
            merge_deep(old, v);
        else if (json_is_array(v) && json_is_array(old))
            json_array_extend(old, v);
        else
            json_object_set_new(into, key, json_deep_copy(v));
    }
}

json_t *version_body(struct project *p, const json_t *body, const json_t *version)
{
    static const char *const own[] = {"description", "docs",       "access",
                                      "constraints", "data_tests", "tests",
                                      "meta",        "tags",       "enabled"};
    json_t *out = json_copy((json_t *)(uintptr_t)body);
    json_object_del(out, "versions");
    json_object_del(out, "deprecation_date");
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        json_t *v = json_object_get(version, own[i]);
        if (v)
            json_object_set(out, own[i], v);
    }
    if (json_object_get(version, "data_tests"))
        json_object_del(out, "tests");
    else if (json_object_get(version, "tests"))
        json_object_del(out, "data_tests");
    json_put(out, "columns", columns_of_version(body, version));
    json_t *config = json_obj(body, "config") ? json_deep_copy(json_obj(body, "config"))
                                              : json_object();
    merge_deep(config, json_obj(version, "config"));
    json_put(out, "config", config);
    json_object_set(out, "version", json_object_get(version, "v"));
    json_t *latest = latest_of(p, body);
    json_object_set(out, "latest_version", latest);
    json_t *date = json_object_get(version, "deprecation_date");
    if (date)
        json_object_set(out, "deprecation_date", date);
    return out;
}

/* ── models → versions ── */

static struct item *model_named(struct project *p, const struct package *pk,
                                const char *name)
{
    char id[512];
    snprintf(id, sizeof id, "model.%s.%s", pk->name, name);
    return map_get(&p->by_id, id);
}

/* The item under its new id and name; its file is what it was. */
static int become(struct project *p, struct item *it, const char *name, json_t *body,
                  const char *shown, struct err *e)
{
    const char *v = version_text(p, json_object_get(body, "version"));
    const char *latest = version_text(p, json_object_get(body, "latest_version"));
    const char *id =
        arena_printf(&p->mem, "model.%s.%s.v%s", it->package->name, name, v);
    if (map_has(&p->by_id, id))
        return err_set(e, ERR_CONFIG, "%s: version %s of \"%s\" is there twice", shown,
                       v, name);
    map_del(&p->by_id, it->pub.unique_id);
    if (map_get(&p->by_name, it->pub.name) == it)
        map_del(&p->by_name, it->pub.name);
    it->pub.unique_id = id;
    it->pub.name = name;
    it->pub.alias = name;
    it->pub.version = v;
    it->pub.latest_version = latest;
    it->fqn.v[it->fqn.n - 1] = name;
    vec_push(&it->fqn, arena_printf(&p->mem, "v%s", v));
    map_put(&p->by_id, id, it);
    patch_use(p, it, body, shown);
    if (!streq(v, latest))
        return 0;
    map_put(&p->latest, arena_printf(&p->mem, "%s.%s", it->package->name, name), it);
    if (!map_has(&p->by_name, name))
        map_put(&p->by_name, name, it);
    return 0;
}

static int link_version(struct project *p, const struct package *pk, const char *name,
                        const json_t *body, const json_t *version, const char *shown,
                        struct err *e)
{
    json_t *v = json_object_get(version, "v");
    if (!v || json_is_null(v))
        return err_set(e, ERR_CONFIG, "%s: a version of \"%s\" has no v:", shown, name);
    const char *text = version_text(p, v);
    const char *file = json_str(version, "defined_in", NULL);
    if (!file)
        file = arena_printf(&p->mem, "%s_v%s", name, text);
    struct item *it = model_named(p, pk, file);
    bool is_latest = streq(text, version_text(p, latest_of(p, body)));
    if (!it && is_latest) /* its file may do without the ending */
        it = model_named(p, pk, name);
    if (!it) {
        project_warn(p, "%s: version %s of \"%s\" has no model %s.sql; it is left out",
                     shown, text, name, file);
        return 0;
    }
    json_t *own = version_body(p, body, version);
    int rc = become(p, it, arena_strdup(&p->mem, name), own, shown, e);
    json_decref(own);
    return rc;
}

static int link_model(struct project *p, const struct package *pk, const json_t *patch,
                      struct err *e)
{
    const json_t *body = json_obj(patch, "body");
    const char *name = json_str(body, "name", ""), *shown = json_str(patch, "file", "");
    json_t *one;
    size_t i;
    int rc = 0;
    json_array_foreach (json_arr(body, "versions"), i, one) {
        if (rc == 0)
            rc = link_version(p, pk, name, body, one, shown, e);
    }
    return rc;
}

int versions_link(struct project *p, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < p->versioned.n; i++)
        rc = link_model(p, p->versioned.v[i].pk, p->versioned.v[i].patch, e);
    return rc;
}
