/* Groups, access and deprecation: who may refer to a model, and until when. In: groups:
 * of .yml files, group, access and deprecation_date of models. Out: an error that names
 * both nodes for a reference that is not allowed, as dbt's; warnings for deprecated
 * models; the manifest's groups. Called while the project loads and by artifacts.c. */
#include "model/internal.h"

#include "base/buf.h"
#include "base/timeutil.h"

int group_add(struct project *p, struct package *pk, const char *shown, const char *rel,
              json_t *body, struct err *e)
{
    const char *name = json_str(body, "name", NULL);
    if (!name)
        return err_set(e, ERR_CONFIG, "%s: an entry of groups has no name", shown);
    if (!json_obj(body, "owner"))
        return err_set(e, ERR_CONFIG,
                       "%s: the group \"%s\" has no owner: {name: …} or {email: …}",
                       shown, name);
    char *id = arena_printf(&p->mem, "group.%s.%s", pk->name, name);
    const json_t *other = json_object_get(p->groups, id);
    if (other)
        return err_set(e, ERR_CONFIG,
                       "%s: the group \"%s\" is there twice (the other: %s)", shown,
                       name, json_str(other, "original_file_path", ""));
    json_t *g = json_object(), *owner = json_deep_copy(json_obj(body, "owner"));
    json_t *config = json_obj(body, "config"), *meta = json_obj(config, "meta");
    if (!json_object_get(owner, "email"))
        json_put(owner, "email", json_null());
    if (!json_object_get(owner, "name"))
        json_put(owner, "name", json_null());
    json_put_str(g, "name", name);
    json_put_str(g, "resource_type", "group");
    json_put_str(g, "package_name", pk->name);
    json_put_str(g, "path", rel);
    json_put_str(g, "original_file_path", shown);
    json_put_str(g, "unique_id", id);
    json_put(g, "owner", owner);
    json_put_str(g, "description", json_str(body, "description", NULL));
    json_put(g, "config",
             json_pack("{s:o}", "meta", meta ? json_deep_copy(meta) : json_object()));
    json_object_set_new(p->groups, id, g);
    return 0;
}

const char *group_of(const struct project *p, const struct item *it)
{
    const struct item *owner = it->pub.type == NODE_TEST && it->declared_on
                                   ? map_get(&p->by_id, it->declared_on)
                                   : it;
    return json_str(owner ? owner->pub.config : it->pub.config, "group", NULL);
}

static const char *access_of(const struct item *it)
{
    return json_str(it->pub.config, "access", "protected");
}

/* ── references ── */

static bool is_group(const struct project *p, const char *name)
{
    const char *id;
    json_t *g;
    json_object_foreach (p->groups, id, g)
        if (streq(json_str(g, "name", ""), name))
            return true;
    return false;
}

static int check_own(struct project *p, const struct item *it, struct err *e)
{
    static const char *const known[] = {"private", "protected", "public"};
    const char *group = json_str(it->pub.config, "group", NULL), *id;
    const char *access = access_of(it);
    VEC(const char *) names = {0};
    json_t *g;
    bool is_known = false;
    if (group && !is_group(p, group)) {
        json_object_foreach (p->groups, id, g)
            vec_push(&names, json_str(g, "name", ""));
        const char *near = names.n ? str_nearest(group, names.v, names.n) : NULL;
        vec_release(&names);
        return err_set(e, ERR_CONFIG, "%s: there is no group \"%s\"%s%s%s",
                       it->pub.path, group, near ? "; did you mean \"" : "",
                       near ? near : "", near ? "\"?" : "");
    }
    if (it->pub.type != NODE_MODEL)
        return 0;
    for (size_t i = 0; i < 3; i++)
        is_known |= streq(access, known[i]);
    if (!is_known)
        return err_set(e, ERR_CONFIG,
                       "%s: access \"%s\": expected private, protected or public",
                       it->pub.path, access);
    if (streq(access, "public") && streq(it->pub.materialized, "ephemeral"))
        return err_set(
            e, ERR_CONFIG,
            "%s: an ephemeral model cannot be public: nobody else could read "
            "it",
            it->pub.path);
    return 0;
}

static int check_reference(struct project *p, const struct item *it,
                           const struct item *to, struct err *e)
{
    const char *access = access_of(to);
    bool is_other = it->package != to->package &&
                    json_flag(to->package->conf, "restrict-access", false);
    if (streq(access, "private")) {
        const char *own = group_of(p, it), *group = group_of(p, to);
        if (own && group && streq(own, group) && !is_other)
            return 0;
        return err_set(
            e, ERR_CONFIG, "%s: %s refers to %s, which is private to the group \"%s\"",
            it->pub.path, it->pub.unique_id, to->pub.unique_id, group ? group : "");
    }
    if (!is_other || streq(access, "public"))
        return 0;
    return err_set(e, ERR_CONFIG,
                   "%s: %s refers to %s, which is protected: the package \"%s\" "
                   "restricts access to its own models",
                   it->pub.path, it->pub.unique_id, to->pub.unique_id, to->pub.package);
}

/* ── deprecation ── */

static const char *dated(struct project *p, const struct item *it)
{
    return it->pub.version
               ? arena_printf(&p->mem, "%s.v%s", it->pub.name, it->pub.version)
               : it->pub.name;
}

/* deprecation_date in ms; false without. */
static bool deprecation(const struct item *it, int64_t *ms)
{
    json_t *v = json_object_get(it->meta_patch, "deprecation_date");
    struct str s = {json_string_value(v), json_string_length(v)};
    return it->pub.type == NODE_MODEL && json_is_string(v) && time_parse_iso(s, ms);
}

static void warn_reference(struct project *p, const struct item *it,
                           const struct item *to, int64_t at)
{
    char when[32];
    bool is_past = at < p->now_ms;
    const char *latest = to->pub.latest_version;
    bool has_newer = latest && !streq(latest, to->pub.version);
    project_warn(p, "%s: refers to %s, which %s on %s%s%s%s%s%s", it->pub.path,
                 dated(p, to), is_past ? "was deprecated" : "will be deprecated",
                 time_format_iso(at, false, when),
                 has_newer ? "; a newer version: ref('" : "",
                 has_newer ? to->pub.name : "", has_newer ? "', v=" : "",
                 has_newer ? latest : "", has_newer ? ")" : "");
}

int groups_check(struct project *p, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < p->items.n; i++) {
        const struct item *it = p->items.v[i];
        int64_t at;
        char when[32];
        rc = check_own(p, it, e);
        if (deprecation(it, &at) && at < p->now_ms)
            project_warn(p,
                         "%s: %s has passed its deprecation date %s; disable or "
                         "remove it",
                         it->pub.path, dated(p, it), time_format_iso(at, false, when));
        for (size_t k = 0; rc == 0 && k < it->deps.n; k++) {
            const struct item *to = map_get(&p->by_id, it->deps.v[k]);
            if (!to || to == it || to->pub.type != NODE_MODEL ||
                it->pub.type == NODE_UNIT_TEST)
                continue;
            rc = check_reference(p, it, to, e);
            if (it->pub.type == NODE_MODEL && deprecation(to, &at))
                warn_reference(p, it, to, at);
        }
    }
    return rc;
}

/* ── manifest ── */

json_t *group_map(const struct project *p)
{
    json_t *map = json_object(), *g;
    const char *id;
    json_object_foreach (p->groups, id, g)
        json_put(map, json_str(g, "name", ""), json_array());
    for (size_t i = 0; i < p->items.n; i++) {
        const struct item *it = p->items.v[i];
        const char *group = group_of(p, it);
        json_t *list = group ? json_object_get(map, group) : NULL;
        if (list)
            json_array_append_new(list, json_string(it->pub.unique_id));
    }
    return map;
}
