/* dbt's selection grammar over the graph. In: strings of --select and --exclude. Out: a
 * set of nodes. Called by the planner and `weir ls`. Pure logic. The rules are dbt-core
 * 1.9's (graph/selector.py, graph/selector_methods.py): union by space, intersection by
 * comma, operators + n+ @, and tests that follow their parents. */
#include "orchestrate/graph.h"

#include <ctype.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/vec.h"

#define DEPTH_ALL (-1)

/* One criterion: [@][n+]method.args:value[+n] */
struct criterion {
    char method[64], args[200], value[500];
    bool with_up, with_down, with_at;
    int up_depth, down_depth;
};

struct select {
    const struct graph *g;
    const char *indirect;
    json_t *warnings;
    struct err *e;
};

/* ---- parsing ---- */

static int bad_token(struct select *s, const char *token, const char *why)
{
    return err_set(s->e, ERR_USAGE, "selector \"%.200s\": %s", token, why);
}

/* "3+", "+" in front or "+", "+3" behind: digits of a depth. */
static bool parse_depth(const char *from, const char *to, int *depth)
{
    int64_t v;
    if (from == to) {
        *depth = DEPTH_ALL;
        return true;
    }
    if (!str_to_i64((struct str){from, (size_t)(to - from)}, &v) || v < 0 || v > 100000)
        return false;
    *depth = (int)v;
    return true;
}

static const char *default_method(const char *value)
{
    if (strchr(value, '/'))
        return "path";
    if (str_ends(value, ".sql") || str_ends(value, ".py") || str_ends(value, ".csv"))
        return "file";
    return "fqn";
}

static void parse_method(struct criterion *c, const char *body)
{
    const char *colon = strchr(body, ':');
    size_t name = strspn(body, "abcdefghijklmnopqrstuvwxyz_");
    bool has_method = colon && name &&
                      (body[name] == ':' || (body[name] == '.' && body + name < colon));
    if (!has_method) {
        str_copy(c->value, sizeof c->value, body);
        str_copy(c->method, sizeof c->method, default_method(body));
        return;
    }
    snprintf(c->method, sizeof c->method, "%.*s", (int)name, body);
    if (body[name] == '.')
        snprintf(c->args, sizeof c->args, "%.*s", (int)(colon - body - (long)name - 1),
                 body + name + 1);
    str_copy(c->value, sizeof c->value, colon + 1);
}

static int parse_criterion(struct select *s, const char *token, struct criterion *c)
{
    char body[500];
    *c = (struct criterion){0};
    if (!str_copy(body, sizeof body, token))
        return bad_token(s, token, "longer than 500 characters");
    char *p = body;
    if (*p == '@') {
        c->with_at = true;
        p++;
    }
    size_t digits = strspn(p, "0123456789");
    if (p[digits] == '+') {
        c->with_up = parse_depth(p, p + digits, &c->up_depth);
        p += digits + 1;
    }
    char *plus = strrchr(p, '+');
    if (plus && strspn(plus + 1, "0123456789") == strlen(plus + 1)) {
        c->with_down = parse_depth(plus + 1, plus + strlen(plus), &c->down_depth);
        *plus = '\0';
    }
    if (c->with_at && (c->with_down || c->with_up))
        return bad_token(s, token,
                         "@ already takes everything below; it goes with no +");
    if (!*p)
        return bad_token(s, token, "no name in it");
    parse_method(c, p);
    if (!*c->value)
        return bad_token(s, token, "no value behind the method");
    return 0;
}

/* ---- methods ---- */

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

static bool by_fqn(const struct graph *g, const struct graph_node *n,
                   const struct criterion *c)
{
    (void)g;
    if (!n->node)
        return streq(n->id, c->value);
    if (n->kind == GRAPH_TABLE || n->kind == GRAPH_EXPOSURE || !n->node->fqn)
        return false;
    char all[1000] = "";
    size_t len = 0;
    const char *leaf = "", *unscoped = all;
    for (const char *const *part = n->node->fqn; *part && len < sizeof all; part++) {
        len += (size_t)snprintf(all + len, sizeof all - len, "%s%s", len ? "." : "",
                                *part);
        if (part == n->node->fqn)
            unscoped = all + (len < sizeof all ? len : 0);
        leaf = *part;
    }
    if (*unscoped == '.')
        unscoped++;
    return streq(leaf, c->value) || streq(n->name, c->value) ||
           fqn_matches(all, c->value) || (*unscoped && fqn_matches(unscoped, c->value));
}

static bool by_tag(const struct graph *g, const struct graph_node *n,
                   const struct criterion *c)
{
    (void)g;
    for (const char *const *t = n->node ? n->node->tags : NULL; t && *t; t++)
        if (matches(c->value, *t))
            return true;
    return false;
}

/* A glob as pathlib's: * does not cross a slash, ** does. The path itself or any folder
 * above it may match. */
static bool by_path(const struct graph *g, const struct graph_node *n,
                    const struct criterion *c)
{
    (void)g;
    char pattern[500], path[1000];
    const char *value = str_starts(c->value, "./") ? c->value + 2 : c->value;
    if (!n->node || !n->node->path)
        return false;
    str_copy(pattern, sizeof pattern, value);
    size_t len = strlen(pattern);
    while (len && pattern[len - 1] == '/')
        pattern[--len] = '\0';
    int flags = FNM_NOESCAPE | (strstr(pattern, "**") ? 0 : FNM_PATHNAME);
    str_copy(path, sizeof path, n->node->path);
    for (;;) {
        if (fnmatch(pattern, path, flags) == 0)
            return true;
        char *slash = strrchr(path, '/');
        if (!slash)
            return false;
        *slash = '\0';
    }
}

static bool by_file(const struct graph *g, const struct graph_node *n,
                    const struct criterion *c)
{
    (void)g;
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
static bool by_source(const struct graph *g, const struct graph_node *n,
                      const struct criterion *c)
{
    (void)g;
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

static bool by_exposure(const struct graph *g, const struct graph_node *n,
                        const struct criterion *c)
{
    (void)g;
    if (n->kind != GRAPH_EXPOSURE || !n->node)
        return false;
    const char *dot = strchr(c->value, '.');
    char package[200];
    if (!dot)
        return matches(c->value, n->name);
    snprintf(package, sizeof package, "%.*s", (int)(dot - c->value), c->value);
    return matches(package, n->node->package) && matches(dot + 1, n->name);
}

static bool by_package(const struct graph *g, const struct graph_node *n,
                       const struct criterion *c)
{
    const char *value = streq(c->value, "this") ? g->project : c->value;
    return n->node && matches(value, n->node->package);
}

static bool by_resource_type(const struct graph *g, const struct graph_node *n,
                             const struct criterion *c)
{
    (void)g;
    if (n->kind == GRAPH_TABLE)
        return n->node && streq(c->value, "source");
    if (n->kind == GRAPH_SOURCE)
        return false; /* a source system is not dbt's source */
    return streq(c->value, graph_kind_name(n->kind));
}

/* A generic test hangs on a node by its YAML; a singular one is a file of its own. */
static bool is_generic(const struct graph_node *n)
{
    return n->node &&
           (n->node->attached || (n->node->path && !str_ends(n->node->path, ".sql")));
}

static bool by_test_type(const struct graph *g, const struct graph_node *n,
                         const struct criterion *c)
{
    (void)g;
    if (n->kind != GRAPH_TEST)
        return false;
    return streq(c->value, "data") ||
           streq(c->value, is_generic(n) ? "generic" : "singular");
}

static bool by_test_name(const struct graph *g, const struct graph_node *n,
                         const struct criterion *c)
{
    (void)g;
    const char *name =
        n->node && n->node->config
            ? json_string_value(json_object_get(n->node->config, "test_name"))
            : NULL;
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

static bool config_equals(const json_t *v, const char *value)
{
    if (json_is_string(v))
        return streq(json_string_value(v), value);
    if (json_is_boolean(v))
        return strcasecmp(value, json_is_true(v) ? "true" : "false") == 0;
    if (json_is_object(v))
        return json_object_get(v, value) != NULL;
    int64_t number;
    if (json_is_integer(v))
        return str_to_i64(str_of(value), &number) && number == json_integer_value(v);
    for (size_t i = 0; i < json_array_size(v); i++)
        if (config_equals(json_array_get(v, i), value))
            return true;
    return false;
}

static bool by_config(const struct graph *g, const struct graph_node *n,
                      const struct criterion *c)
{
    (void)g;
    const json_t *v = n->node ? n->node->config : NULL;
    for (const char *p = c->args; v && *p;) {
        char key[200];
        size_t len = strcspn(p, ".");
        snprintf(key, sizeof key, "%.*s", (int)(len < 199 ? len : 199), p);
        v = json_object_get(v, key);
        p += len + (p[len] == '.');
    }
    return v && *c->args && config_equals(v, c->value);
}

typedef bool method_fn(const struct graph *g, const struct graph_node *n,
                       const struct criterion *c);
static const struct {
    const char *name;
    method_fn *match;
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
    {"config", by_config},
};
#define N_METHODS (sizeof methods / sizeof *methods)

static method_fn *find_method(struct select *s, const struct criterion *c)
{
    const char *names[N_METHODS];
    for (size_t i = 0; i < N_METHODS; i++) {
        names[i] = methods[i].name;
        if (streq(names[i], c->method))
            return methods[i].match;
    }
    const char *near = str_nearest(c->method, names, N_METHODS);
    err_set(s->e, ERR_USAGE, "selector method \"%s:\" is unknown%s%s%s", c->method,
            near ? "; did you mean \""
                 : "; known are fqn, tag, path, file, source, "
                   "exposure, package, resource_type, test_type, "
                   "test_name and config.KEY",
            near ? near : "", near ? ":\"?" : "");
    return NULL;
}

/* ---- sets ---- */

struct sets {
    bool *direct,
        *held; /* held: tests that came in reach but not all of whose parents */
};

static struct sets sets_new(const struct graph *g)
{
    return (struct sets){mem_alloc(g->n + 1), mem_alloc(g->n + 1)};
}

static void sets_free(struct sets *s)
{
    mem_free(s->direct);
    mem_free(s->held);
}

static bool is_check(const struct graph_node *n)
{
    return n->kind == GRAPH_TEST || n->kind == GRAPH_GATE;
}

static bool all_parents_in(const struct graph_node *n, const bool *set)
{
    for (size_t i = 0; i < n->n_up; i++)
        if (!set[n->up[i]])
            return false;
    return true;
}

/* graph/selector.py expand_selection: which tests come along. */
static void expand_checks(struct select *s, struct sets *sets)
{
    const struct graph *g = s->g;
    bool *around = mem_alloc(g->n + 1), *chosen = mem_alloc(g->n + 1);
    bool is_eager = streq(s->indirect, "eager"),
         is_buildable = streq(s->indirect, "buildable");
    memcpy(chosen, sets->direct, g->n);
    memcpy(around, sets->direct, g->n);
    for (size_t i = 0; i < g->n && is_buildable; i++) {
        if (chosen[i])
            graph_walk(g, i, true, DEPTH_ALL, around);
        around[i] |= g->nodes[i].kind == GRAPH_TABLE;
    }
    for (size_t i = 0; i < g->n; i++) {
        if (!is_check(&g->nodes[i]) || chosen[i])
            continue;
        bool is_near = false;
        for (size_t k = 0; k < g->nodes[i].n_up; k++)
            is_near |= chosen[g->nodes[i].up[k]];
        if (!is_near)
            continue;
        if (is_eager || all_parents_in(&g->nodes[i], is_buildable ? around : chosen))
            sets->direct[i] = true;
        else
            sets->held[i] = true;
    }
    mem_free(around);
    mem_free(chosen);
}

static void add_neighbours(struct select *s, const struct criterion *c, bool *set)
{
    const struct graph *g = s->g;
    bool *extra = mem_alloc(g->n + 1);
    for (size_t i = 0; i < g->n; i++) {
        if (!set[i])
            continue;
        if (c->with_up)
            graph_walk(g, i, true, c->up_depth, extra);
        if (c->with_down)
            graph_walk(g, i, false, c->down_depth, extra);
        if (c->with_at)
            graph_walk(g, i, false, DEPTH_ALL, extra);
    }
    if (c->with_at) {
        bool *below = mem_alloc(g->n + 1);
        for (size_t i = 0; i < g->n; i++)
            below[i] = extra[i] || set[i];
        for (size_t i = 0; i < g->n; i++)
            if (below[i])
                graph_walk(g, i, true, DEPTH_ALL, extra);
        mem_free(below);
    }
    for (size_t i = 0; i < g->n; i++)
        set[i] |= extra[i];
    mem_free(extra);
}

static void warn_empty(struct select *s, const char *token)
{
    if (!s->warnings)
        return;
    const char **names = mem_alloc((s->g->n + 1) * sizeof *names);
    size_t n = 0;
    for (size_t i = 0; i < s->g->n; i++)
        if (s->g->nodes[i].node && s->g->nodes[i].kind != GRAPH_TEST)
            names[n++] = s->g->nodes[i].name;
    const char *near = str_nearest(token, names, n);
    char text[400];
    snprintf(text, sizeof text, "\"%.150s\" selects nothing%s%.150s%s", token,
             near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    json_array_append_new(s->warnings, json_string(text));
    mem_free(names);
}

static int select_one(struct select *s, const char *token, struct sets *sets)
{
    struct criterion c;
    int rc = parse_criterion(s, token, &c);
    if (rc < 0)
        return rc;
    method_fn *match = find_method(s, &c);
    if (!match)
        return ERR_USAGE;
    bool is_empty = true;
    for (size_t i = 0; i < s->g->n; i++) {
        sets->direct[i] = match(s->g, &s->g->nodes[i], &c);
        is_empty &= !sets->direct[i];
    }
    if (is_empty)
        warn_empty(s, token);
    add_neighbours(s, &c, sets->direct);
    if (!streq(s->indirect, "empty"))
        expand_checks(s, sets);
    return 0;
}

/* Held tests whose parents are all there after all. */
static void adopt_held(const struct graph *g, struct sets *sets)
{
    for (size_t i = 0; i < g->n; i++)
        if (sets->held[i] && !sets->direct[i] &&
            all_parents_in(&g->nodes[i], sets->direct))
            sets->direct[i] = true;
}

/* "a,b,c": what is in all of them. */
static int select_word(struct select *s, const char *word, struct sets *out)
{
    char *copy = mem_strdup(word), *save = NULL;
    int rc = 0;
    bool is_first = true;
    for (char *t = strtok_r(copy, ",", &save); t && rc == 0;
         t = strtok_r(NULL, ",", &save)) {
        struct sets one = sets_new(s->g);
        rc = select_one(s, t, &one);
        for (size_t i = 0; i < s->g->n; i++) {
            /* A test held back on one side may be chosen on the other. */
            bool reach = one.direct[i] || one.held[i];
            bool before = is_first || out->direct[i] || out->held[i];
            bool direct = one.direct[i] && (is_first || out->direct[i]);
            out->held[i] = !direct && reach && before;
            out->direct[i] = direct;
        }
        is_first = false;
        sets_free(&one);
    }
    if (is_first && rc == 0)
        rc = bad_token(s, word, "no name in it");
    adopt_held(s->g, out);
    mem_free(copy);
    return rc;
}

/* Strings of words: what is in any of them. */
static int select_union(struct select *s, const char *const *list, struct sets *out)
{
    int rc = 0;
    for (; *list && rc == 0; list++) {
        char *copy = mem_strdup(*list), *save = NULL;
        for (char *w = strtok_r(copy, " \t\n", &save); w && rc == 0;
             w = strtok_r(NULL, " \t\n", &save)) {
            struct sets one = sets_new(s->g);
            rc = select_word(s, w, &one);
            for (size_t i = 0; i < s->g->n; i++) {
                out->direct[i] |= one.direct[i];
                out->held[i] |= one.held[i];
            }
            sets_free(&one);
        }
        mem_free(copy);
    }
    adopt_held(s->g, out);
    return rc;
}

static int check_indirect(struct select *s)
{
    static const char *const modes[] = {"eager", "cautious", "buildable", "empty"};
    for (size_t i = 0; i < 4; i++)
        if (streq(modes[i], s->indirect))
            return 0;
    const char *near = str_nearest(s->indirect, modes, 4);
    return err_set(s->e, ERR_USAGE,
                   "indirect selection \"%.60s\": expected eager, cautious, "
                   "buildable or empty%s%s%s",
                   s->indirect, near ? "; did you mean " : "", near ? near : "",
                   near ? "?" : "");
}

static bool is_given(const char *const *list)
{
    for (; list && *list; list++)
        if ((*list)[strspn(*list, " \t\n")])
            return true;
    return false;
}

int graph_select(const struct graph *g, const struct graph_selection *sel, bool *out,
                 struct err *e)
{
    struct select s = {g, sel->indirect ? sel->indirect : "eager", sel->warnings, e};
    int rc = check_indirect(&s);
    if (rc < 0)
        return rc;
    struct sets in = sets_new(g), ex = sets_new(g);
    if (is_given(sel->select))
        rc = select_union(&s, sel->select, &in);
    else
        for (size_t i = 0; i < g->n; i++)
            in.direct[i] = g->nodes[i].node || g->nodes[i].kind == GRAPH_GATE;
    if (rc == 0 && is_given(sel->exclude))
        rc = select_union(&s, sel->exclude, &ex);
    for (size_t i = 0; i < g->n; i++)
        out[i] = rc == 0 && in.direct[i] && !ex.direct[i];
    sets_free(&in);
    sets_free(&ex);
    return rc;
}
