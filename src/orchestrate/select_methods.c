/* Selection methods (tag: path: source: …), one function each and a row in the table;
 * the rules are dbt-core 1.9's graph/selector_methods.py. Pure logic, called by
 * select.c. */
#include "orchestrate/select.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"

static bool has_wildcard(const char *s)
{
    return s[strcspn(s, "*?[]")] != '\0';
}

static bool matches(const char *pattern, const char *s)
{
    return s && fnmatch(pattern, s, FNM_NOESCAPE) == 0;
}

/* selector_methods.is_selected_node: parts equal from the front; from the first part
 * with a wildcard on, the pattern is for all the rest. */
static bool fqn_matches(const char *fqn, const char *pattern)
{
    while (*pattern) {
        size_t n = strcspn(pattern, "."), m = strcspn(fqn, ".");
        char part[300];
        snprintf(part, sizeof part, "%.*s", (int)(n < 299 ? n : 299), pattern);
        if (has_wildcard(part))
            return *fqn && fnmatch(pattern, fqn, FNM_NOESCAPE) == 0;
        if (n != m || memcmp(pattern, fqn, n) != 0)
            return false;
        pattern += n + (pattern[n] == '.');
        fqn += m + (fqn[m] == '.');
    }
    return true;
}

static bool by_fqn(const struct select *s, const struct graph_node *n,
                   const struct criterion *c)
{
    (void)s;
    bool is_bare = has_wildcard(c->value) && !strchr(c->value, '.');
    if (!n->node)
        return streq(n->id, c->value);
    if (n->kind == GRAPH_TABLE || n->kind == GRAPH_EXPOSURE || !n->node->fqn)
        return false;
    char all[1000] = "";
    size_t len = 0;
    const char *leaf = "", *before = "", *unscoped = all;
    bool is_versioned = n->kind == GRAPH_MODEL && n->node->version;
    for (const char *const *part = n->node->fqn; *part && len < sizeof all; part++) {
        len += (size_t)snprintf(all + len, sizeof all - len, "%s%s", len ? "." : "",
                                *part);
        if (part == n->node->fqn)
            unscoped = all + (len < sizeof all ? len : 0);
        before = leaf;
        leaf = *part;
    }
    if (is_versioned) { /* name, name.v2 and name_v2; not v2 alone */
        char both[300];
        snprintf(both, sizeof both, "%.140s.%.140s", before, leaf);
        bool is_same = streq(c->value, both);
        both[strlen(before) < 140 ? strlen(before) : 140] = '_';
        if (is_same || streq(c->value, both))
            return true;
        leaf = before;
    }
    if (*unscoped == '.')
        unscoped++;
    if (is_bare && matches(c->value, leaf)) /* since 1.11: the last part alone */
        return true;
    return streq(leaf, c->value) || streq(n->name, c->value) ||
           fqn_matches(all, c->value) || (*unscoped && fqn_matches(unscoped, c->value));
}

static bool by_tag(const struct select *s, const struct graph_node *n,
                   const struct criterion *c)
{
    (void)s;
    for (const char *const *t = n->node ? n->node->tags : NULL; t && *t; t++)
        if (matches(c->value, *t))
            return true;
    return false;
}

/* A glob as pathlib's: * does not cross a slash, ** does. The path itself or any folder
 * above it may match. */
static bool by_path(const struct select *s, const struct graph_node *n,
                    const struct criterion *c)
{
    (void)s;
    char pattern[500], path[1000];
    const char *value = str_starts(c->value, "./") ? c->value + 2 : c->value;
    const char *own = n->node ? n->node->own_path : NULL;
    if (!own && n->node)
        own = n->node->path;
    if (!own)
        return false;
    str_copy(pattern, sizeof pattern, value);
    size_t len = strlen(pattern);
    while (len && pattern[len - 1] == '/')
        pattern[--len] = '\0';
    int flags = FNM_NOESCAPE | (strstr(pattern, "**") ? 0 : FNM_PATHNAME);
    str_copy(path, sizeof path, own);
    for (;;) {
        if (fnmatch(pattern, path, flags) == 0)
            return true;
        char *slash = strrchr(path, '/');
        if (!slash)
            return false;
        *slash = '\0';
    }
}

static bool by_file(const struct select *s, const struct graph_node *n,
                    const struct criterion *c)
{
    (void)s;
    if (!n->node || !n->node->path)
        return false;
    const char *slash = strrchr(n->node->path, '/');
    const char *name = slash ? slash + 1 : n->node->path;
    char stem[300];
    const char *dot = strrchr(name, '.');
    snprintf(stem, sizeof stem, "%.*s", dot ? (int)(dot - name) : 299, name);
    return matches(c->value, name) || matches(c->value, stem);
}

/* SOURCE, SOURCE.TABLE or PACKAGE.SOURCE.TABLE */
static bool by_source(const struct select *s, const struct graph_node *n,
                      const struct criterion *c)
{
    (void)s;
    char part[3][200] = {"*", "*", "*"};
    size_t n_parts = 1;
    if (n->kind != GRAPH_TABLE || !n->node)
        return false;
    for (const char *p = c->value; *p; p++)
        n_parts += *p == '.';
    if (n_parts > 3)
        return false;
    size_t at = n_parts == 3 ? 0 : 1;
    for (const char *p = c->value; at < 3 && *p; at++) {
        size_t len = strcspn(p, ".");
        snprintf(part[at], sizeof part[at], "%.*s", (int)(len < 199 ? len : 199), p);
        p += len + (p[len] == '.');
    }
    return matches(part[0], n->node->package) &&
           matches(part[1], n->node->source_name) && matches(part[2], n->node->name);
}

static bool by_exposure(const struct select *s, const struct graph_node *n,
                        const struct criterion *c)
{
    (void)s;
    if (n->kind != GRAPH_EXPOSURE || !n->node)
        return false;
    const char *dot = strchr(c->value, '.');
    char package[200];
    if (!dot)
        return matches(c->value, n->name);
    snprintf(package, sizeof package, "%.*s", (int)(dot - c->value), c->value);
    return matches(package, n->node->package) && matches(dot + 1, n->name);
}

/* NAME or PACKAGE.NAME */
static bool by_unit_test(const struct select *s, const struct graph_node *n,
                         const struct criterion *c)
{
    (void)s;
    const char *dot = strchr(c->value, '.');
    char package[200];
    if (n->kind != GRAPH_UNIT_TEST || !n->node)
        return false;
    if (!dot)
        return matches(c->value, n->name);
    snprintf(package, sizeof package, "%.*s", (int)(dot - c->value), c->value);
    return matches(package, n->node->package) && matches(dot + 1, n->name);
}

static bool by_package(const struct select *s, const struct graph_node *n,
                       const struct criterion *c)
{
    const char *value = streq(c->value, "this") ? s->g->project : c->value;
    return n->node && matches(value, n->node->package);
}

static bool by_resource_type(const struct select *s, const struct graph_node *n,
                             const struct criterion *c)
{
    (void)s;
    if (n->kind == GRAPH_TABLE)
        return n->node && streq(c->value, "source");
    if (n->kind == GRAPH_SOURCE)
        return false; /* a source system is not dbt's source */
    return streq(c->value, graph_kind_name(n->kind));
}

/* A generic test is declared in a properties file; a singular one is a .sql file. */
static bool is_generic(const struct graph_node *n)
{
    return n->node && n->node->path && !str_ends(n->node->path, ".sql");
}

static bool by_test_type(const struct select *s, const struct graph_node *n,
                         const struct criterion *c)
{
    (void)s;
    if (streq(c->value, "unit"))
        return n->kind == GRAPH_UNIT_TEST;
    if (n->kind != GRAPH_TEST)
        return false;
    if (streq(c->value, "schema")) /* the old name */
        return is_generic(n);
    return streq(c->value, "data") ||
           streq(c->value, is_generic(n) ? "generic" : "singular");
}

static bool by_test_name(const struct select *s, const struct graph_node *n,
                         const struct criterion *c)
{
    (void)s;
    const char *name = n->node ? n->node->test_name : NULL;
    if (n->kind == GRAPH_UNIT_TEST)
        return matches(c->value, n->name);
    if (n->kind != GRAPH_TEST || !is_generic(n))
        return false;
    if (name)
        return matches(c->value, name);
    /* dbt composes the name of a generic test as TEST_MODEL_ARGUMENTS. */
    const char *full = str_starts(n->name, "source_") ? n->name + 7 : n->name;
    size_t len = strlen(c->value);
    return matches(c->value, full) ||
           (!has_wildcard(c->value) && strncmp(full, c->value, len) == 0 &&
            full[len] == '_');
}

static const char *config_text(const struct graph_node *n, const char *key)
{
    return json_string_value(json_object_get(n->node ? n->node->config : NULL, key));
}

static bool by_group(const struct select *s, const struct graph_node *n,
                     const struct criterion *c)
{
    (void)s;
    return n->kind != GRAPH_TABLE && matches(c->value, config_text(n, "group"));
}

static bool by_access(const struct select *s, const struct graph_node *n,
                      const struct criterion *c)
{
    (void)s;
    const char *own = config_text(n, "access");
    return n->kind == GRAPH_MODEL && streq(c->value, own ? own : "protected");
}

/* latest, old, prerelease or none. */
static bool by_version(const struct select *s, const struct graph_node *n,
                       const struct criterion *c)
{
    (void)s;
    if (n->kind != GRAPH_MODEL || !n->node)
        return false;
    const char *own = n->node->version;
    if (!own)
        return streq(c->value, "none");
    int order = version_compare(own, n->node->latest_version);
    return streq(c->value, order == 0 ? "latest" : order > 0 ? "prerelease" : "old");
}

/* Status in the run_results.json of --state. */
static bool by_result(const struct select *s, const struct graph_node *n,
                      const struct criterion *c)
{
    size_t i;
    json_t *one;
    json_array_foreach (json_arr(s->how->state_results, "results"), i, one)
        if (streq(json_str(one, "unique_id", ""), n->id))
            return strcasecmp(json_str(one, "status", ""), c->value) == 0;
    return false;
}

static bool config_equals(const json_t *v, const char *value)
{
    if (json_is_string(v))
        return streq(json_string_value(v), value);
    if (json_is_boolean(v))
        return strcasecmp(value, json_is_true(v) ? "true" : "false") == 0;
    for (size_t i = 0; i < json_array_size(v); i++)
        if (config_equals(json_array_get(v, i), value))
            return true;
    return false; /* numbers never equal a text, in dbt neither */
}

static bool by_config(const struct select *s, const struct graph_node *n,
                      const struct criterion *c)
{
    (void)s;
    bool is_other = n->kind == GRAPH_UNIT_TEST || n->kind == GRAPH_EXPOSURE;
    const json_t *v = n->node && !is_other ? n->node->config : NULL;
    for (const char *p = c->args; v && *p;) {
        char key[200];
        size_t len = strcspn(p, ".");
        snprintf(key, sizeof key, "%.*s", (int)(len < 199 ? len : 199), p);
        v = json_object_get(v, key);
        p += len + (p[len] == '.');
    }
    if (streq(c->args, "severity") && json_is_string(v))
        return strcasecmp(json_string_value(v), c->value) == 0;
    return v && *c->args && config_equals(v, c->value);
}

static const struct {
    const char *name;
    select_method_fn *match;
} methods[] = {
    {"fqn", by_fqn},
    {"tag", by_tag},
    {"path", by_path},
    {"file", by_file},
    {"source", by_source},
    {"exposure", by_exposure},
    {"package", by_package},
    {"resource_type", by_resource_type},
    {"test_type", by_test_type},
    {"test_name", by_test_name},
    {"unit_test", by_unit_test},
    {"config", by_config},
    {"group", by_group},
    {"access", by_access},
    {"version", by_version},
    {"result", by_result},
    {"state", select_by_state},
    {"source_status", select_by_source_status},
};
#define N_METHODS (sizeof methods / sizeof *methods)

select_method_fn *select_method(struct select *s, const struct criterion *c)
{
    const char *names[N_METHODS];
    bool needs_state = streq(c->method, "state") && !s->how->state;
    bool needs_results = streq(c->method, "result") && !s->how->state_results;
    bool needs_sources = streq(c->method, "source_status") &&
                         (!s->how->state_sources || !s->how->sources);
    if (needs_sources) {
        err_set(s->e, ERR_USAGE,
                "source_status: compares two sources.json, that of --state DIR with "
                "that of the target folder; `source freshness` writes it");
        return NULL;
    }
    if (needs_state || needs_results) {
        err_set(s->e, ERR_USAGE,
                "%s: compares with another %s; name its folder with "
                "--state DIR",
                c->method, needs_state ? "manifest.json" : "run_results.json");
        return NULL;
    }
    for (size_t i = 0; i < N_METHODS; i++) {
        names[i] = methods[i].name;
        if (streq(names[i], c->method))
            return methods[i].match;
    }
    const char *near = str_nearest(c->method, names, N_METHODS);
    err_set(s->e, ERR_USAGE, "selector method \"%s:\" is unknown%s%s%s", c->method,
            near
                ? "; did you mean \""
                : "; known are fqn, tag, path, file, source, "
                  "exposure, package, resource_type, test_type, "
                  "test_name, unit_test, group, access, version, state, source_status, "
                  "result, selector and config.KEY",
            near ? near : "", near ? ":\"?" : "");
    return NULL;
}
