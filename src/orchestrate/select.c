/* dbt's selection grammar over the graph. In: strings of --select and --exclude. Out: a
 * set of nodes. Called by the planner and `weir ls`. Pure logic. The rules are dbt-core
 * 1.9's (graph/selector.py, graph/selector_methods.py): union by space, intersection by
 * comma, operators + n+ @, and tests that follow their parents. */
#include "orchestrate/select.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"

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
        *depth = SELECT_ALL;
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

int select_parse(struct select *s, const char *token, struct criterion *c)
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

/* ---- sets ---- */

struct sets sets_new(const struct graph *g)
{
    return (struct sets){mem_alloc(g->n + 1), mem_alloc(g->n + 1)};
}

void sets_free(struct sets *s)
{
    mem_free(s->direct);
    mem_free(s->held);
}

void sets_combine(const struct graph *g, struct sets *into, const struct sets *from,
                  enum set_op op, bool is_first)
{
    for (size_t i = 0; i < g->n; i++) {
        /* A test held back on one side may be chosen on the other. */
        bool reach = from->direct[i] || from->held[i];
        bool before = into->direct[i] || into->held[i];
        bool direct = from->direct[i];
        if (!is_first && op == SET_UNION) {
            reach |= before;
            direct |= into->direct[i];
        } else if (!is_first && op == SET_INTERSECTION) {
            reach &= before;
            direct &= into->direct[i];
        } else if (!is_first) {
            reach = before && !reach;
            direct = into->direct[i] && !direct;
        }
        into->direct[i] = direct;
        into->held[i] = reach && !direct;
    }
}

static bool is_check(const struct graph_node *n)
{
    return n->kind == GRAPH_TEST || n->kind == GRAPH_UNIT_TEST || n->kind == GRAPH_GATE;
}

static bool all_parents_in(const struct graph_node *n, const bool *set)
{
    for (size_t i = 0; i < n->n_up; i++)
        if (!set[n->up[i]])
            return false;
    return true;
}

/* graph/selector.py expand_selection: which tests come along. */
static void expand_checks(const struct select *s, const char *indirect,
                          struct sets *sets)
{
    const struct graph *g = s->g;
    bool *around = mem_alloc(g->n + 1), *chosen = mem_alloc(g->n + 1);
    bool is_eager = streq(indirect, "eager"),
         is_buildable = streq(indirect, "buildable");
    memcpy(chosen, sets->direct, g->n);
    memcpy(around, sets->direct, g->n);
    for (size_t i = 0; i < g->n && is_buildable; i++) {
        if (chosen[i])
            graph_walk(g, i, true, SELECT_ALL, around);
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
            graph_walk(g, i, false, SELECT_ALL, extra);
    }
    if (c->with_at) {
        bool *below = mem_alloc(g->n + 1);
        for (size_t i = 0; i < g->n; i++)
            below[i] = extra[i] || set[i];
        for (size_t i = 0; i < g->n; i++)
            if (below[i])
                graph_walk(g, i, true, SELECT_ALL, extra);
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

int select_criterion(struct select *s, const char *shown, const struct criterion *c,
                     struct sets *out)
{
    const char *indirect = c->indirect ? c->indirect : s->indirect;
    select_method_fn *match = select_method(s, c);
    if (!match)
        return ERR_USAGE;
    bool is_empty = true;
    for (size_t i = 0; i < s->g->n; i++) {
        out->direct[i] = match(s, &s->g->nodes[i], c);
        is_empty &= !out->direct[i];
    }
    if (is_empty)
        warn_empty(s, shown);
    add_neighbours(s, c, out->direct);
    if (!streq(indirect, "empty"))
        expand_checks(s, indirect, out);
    return 0;
}

void sets_adopt(const struct select *s, struct sets *sets)
{
    const struct graph *g = s->g;
    bool *there = mem_alloc(g->n + 1);
    memcpy(there, sets->direct, g->n);
    for (size_t i = 0; i < g->n && streq(s->indirect, "buildable"); i++)
        if (sets->direct[i])
            graph_walk(g, i, true, SELECT_ALL, there);
    for (size_t i = 0; i < g->n; i++)
        if (sets->held[i] && all_parents_in(&g->nodes[i], there)) {
            sets->direct[i] = true;
            sets->held[i] = false;
        }
    mem_free(there);
}

static int select_token(struct select *s, const char *token, struct sets *out)
{
    struct criterion c;
    int rc = select_parse(s, token, &c);
    if (rc == 0 && streq(c.method, "selector") && s->how->selectors)
        return select_named(s, c.value, out);
    return rc < 0 ? rc : select_criterion(s, token, &c, out);
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
        rc = select_token(s, t, &one);
        sets_combine(s->g, out, &one, SET_INTERSECTION, is_first);
        is_first = false;
        sets_free(&one);
    }
    if (is_first && rc == 0)
        rc = bad_token(s, word, "no name in it");
    sets_adopt(s, out);
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
            sets_combine(s->g, out, &one, SET_UNION, false);
            sets_free(&one);
        }
        mem_free(copy);
    }
    sets_adopt(s, out);
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

/* What is in question before --exclude: a selector, the words, or everything. */
static int select_included(struct select *s, struct sets *in)
{
    const struct graph_selection *how = s->how;
    const char *named = how->selector;
    if (!named && !is_given(how->select) && !is_given(how->exclude))
        named = select_default(how->selectors);
    if (how->selector && (is_given(how->select) || is_given(how->exclude)))
        return err_set(s->e, ERR_USAGE,
                       "--selector goes with neither --select nor --exclude");
    if (named)
        return select_named(s, named, in);
    if (is_given(how->select))
        return select_union(s, how->select, in);
    for (size_t i = 0; i < s->g->n; i++)
        in->direct[i] = s->g->nodes[i].node || s->g->nodes[i].kind == GRAPH_GATE;
    return 0;
}

static bool has_type(const char *const *types, const struct graph_node *n)
{
    static const char *const names[] = {"model",     "seed",     "snapshot",  "test",
                                        "unit_test", "analysis", "operation", "source",
                                        "exposure",  "macro"};
    for (; n->node && *types; types++)
        if (strcasecmp(*types, names[n->node->type]) == 0 || streq(*types, "all") ||
            (streq(*types, "default") && n->node->type != NODE_ANALYSIS))
            return true;
    return false;
}

/* --resource-type and --exclude-resource-type: after everything else, as in dbt. */
static bool is_wanted_type(const struct graph_selection *sel,
                           const struct graph_node *n)
{
    if (sel->types && *sel->types && !has_type(sel->types, n))
        return false;
    return !sel->exclude_types || !has_type(sel->exclude_types, n);
}

int graph_select(const struct graph *g, const struct graph_selection *sel, bool *out,
                 struct err *e)
{
    struct select s = {.g = g,
                       .indirect = sel->indirect ? sel->indirect : "eager",
                       .warnings = sel->warnings,
                       .e = e,
                       .how = sel};
    int rc = check_indirect(&s);
    if (rc < 0)
        return rc;
    struct sets in = sets_new(g), ex = sets_new(g);
    rc = select_included(&s, &in);
    if (rc == 0 && is_given(sel->exclude))
        rc = select_union(&s, sel->exclude, &ex);
    for (size_t i = 0; i < g->n; i++)
        out[i] = rc == 0 && in.direct[i] && !ex.direct[i] &&
                 is_wanted_type(sel, &g->nodes[i]);
    sets_free(&in);
    sets_free(&ex);
    return rc;
}
