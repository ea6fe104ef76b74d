/* The planner: which nodes run, in which order, after which others and why. In: the
 * graph and a request. Out: PLAN (plan.h). Called by sql workers for runs, reruns and
 * schedules and by `--plan`. Pure logic. Always holds: every id in "after" is an item
 * before it. */
#include "orchestrate/planner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "orchestrate/select.h"

bool planner_is_sql(enum graph_kind k)
{
    return k == GRAPH_MODEL || k == GRAPH_SEED || k == GRAPH_SNAPSHOT;
}

bool planner_is_streaming(enum graph_kind k)
{
    return k == GRAPH_SOURCE || k == GRAPH_TOPIC || k == GRAPH_STREAM ||
           k == GRAPH_LOAD;
}

static bool is_ephemeral(const struct graph_node *n)
{
    return n->node && n->node->materialized &&
           streq(n->node->materialized, "ephemeral");
}

/* Whether a node's relation is built by an item that can carry its checks. */
static bool is_built(const struct graph_node *n)
{
    return planner_is_sql(n->kind) && !is_ephemeral(n);
}

/* ---- what is asked for ---- */

struct command {
    const char *name;
    bool models, seeds, snapshots, tests;
};
static const struct command commands[] = {
    {"build", true, true, true, true},    {"rerun", true, true, true, true},
    {"run", true, false, false, false},   {"test", false, false, false, true},
    {"seed", false, true, false, false},  {"snapshot", false, false, true, false},
    {"compile", true, false, true, true}, {"clone", true, true, true, false},
};
#define N_COMMANDS (sizeof commands / sizeof *commands)

static const struct command *find_command(struct planner *p)
{
    const char *names[N_COMMANDS], *word = p->r->command ? p->r->command : "build";
    for (size_t i = 0; i < N_COMMANDS; i++) {
        names[i] = commands[i].name;
        if (streq(word, names[i]))
            return &commands[i];
    }
    const char *near = str_nearest(word, names, N_COMMANDS);
    err_set(p->e, ERR_USAGE, "there is nothing to plan for \"%.60s\"%s%s%s", word,
            near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    return NULL;
}

static bool takes(const struct command *c, const struct graph_node *n)
{
    if (n->kind == GRAPH_MODEL)
        return c->models && !n->node->is_blank;
    if (n->kind == GRAPH_SEED)
        return c->seeds;
    if (n->kind == GRAPH_SNAPSHOT)
        return c->snapshots;
    if (n->kind == GRAPH_UNIT_TEST)
        return c->tests && !streq(c->name, "compile");
    if (n->kind == GRAPH_TEST)
        return c->tests;
    return n->kind == GRAPH_GATE && c->tests && c->models;
}

static void skip(struct planner *p, const char *id, const char *why)
{
    json_t *row = json_object();
    json_put_str(row, "node", id);
    json_put_str(row, "why", why);
    json_array_append_new(p->skipped, row);
}

/* ---- checks ---- */

/* The parent of a check inside whose item it runs: the one that has all its other
 * parents above it. g->n when there is none. */
static size_t owner_of(struct planner *p, size_t check)
{
    const struct graph *g = p->g;
    const struct graph_node *n = &g->nodes[check];
    size_t found = g->n;
    if (n->n_up == 1) /* nearly all: no need to look further up */
        return is_built(&g->nodes[n->up[0]]) ? n->up[0] : g->n;
    bool *above = mem_alloc(g->n + 1);
    for (size_t i = 0; i < n->n_up && found == g->n; i++) {
        size_t parent = n->up[i];
        if (!is_built(&g->nodes[parent]))
            continue;
        memset(above, 0, g->n);
        graph_walk(g, parent, true, -1, above);
        found = parent;
        for (size_t k = 0; k < n->n_up; k++)
            if (n->up[k] != parent && !above[n->up[k]])
                found = g->n;
    }
    mem_free(above);
    return found;
}

static void assign_roles(struct planner *p, const struct command *c)
{
    const struct graph *g = p->g;
    for (size_t i = 0; i < g->n; i++) {
        const struct graph_node *n = &g->nodes[i];
        if (!p->chosen[i] || p->role[i] != ROLE_NONE || !takes(c, n))
            continue;
        if (is_ephemeral(n) && !streq(c->name, "compile"))
            skip(p, n->id, "ephemeral: part of the models that use it");
        else
            p->role[i] = ROLE_ITEM;
    }
    bool is_build = c->models && c->tests && !streq(c->name, "compile");
    for (size_t i = 0; i < g->n && is_build; i++) {
        bool is_check =
            g->nodes[i].kind == GRAPH_TEST || g->nodes[i].kind == GRAPH_GATE;
        if (!is_check || p->role[i] != ROLE_ITEM)
            continue;
        size_t owner = owner_of(p, i);
        if (owner < g->n && p->role[owner] == ROLE_ITEM) {
            p->role[i] = ROLE_OWN;
            p->owner[i] = owner;
        }
    }
}

/* Checks that come along with a rerun's nodes: all their parents are being built or
 * above what is. */
static void take_checks(struct planner *p)
{
    const struct graph *g = p->g;
    bool *around = mem_alloc(g->n + 1);
    memcpy(around, p->chosen, g->n);
    for (size_t i = 0; i < g->n; i++)
        if (p->chosen[i])
            graph_walk(g, i, true, -1, around);
    for (size_t i = 0; i < g->n; i++) {
        const struct graph_node *n = &g->nodes[i];
        bool is_near = false, is_whole = n->n_up > 0;
        for (size_t k = 0; k < n->n_up; k++) {
            is_near |= p->chosen[n->up[k]] && planner_is_sql(g->nodes[n->up[k]].kind);
            is_whole &= around[n->up[k]];
        }
        bool is_check = n->kind == GRAPH_TEST || n->kind == GRAPH_UNIT_TEST ||
                        n->kind == GRAPH_GATE;
        if (is_check && is_near && is_whole)
            p->chosen[i] = true;
    }
    mem_free(around);
}

/* ---- reruns ---- */

static const char *because(struct planner *p, const char *relation, size_t node)
{
    return arena_printf(&p->arena, "%s %s", relation, p->g->nodes[node].name);
}

static void add_replay(struct planner *p, size_t i, const char *why)
{
    p->chosen[i] = true;
    p->role[i] = ROLE_ITEM;
    p->why[i] = why;
}

/* A streaming node is rerun by reading its input again; a topic by its readers, a
 * bronze table by its load. */
static int replay(struct planner *p, size_t start)
{
    const struct graph_node *n = &p->g->nodes[start];
    bool is_any = false;
    if (n->kind != GRAPH_TOPIC && n->kind != GRAPH_TABLE) {
        add_replay(p, start, "requested");
        return 0;
    }
    bool is_topic = n->kind == GRAPH_TOPIC;
    const size_t *next = is_topic ? n->down : n->up;
    size_t n_next = is_topic ? n->n_down : n->n_up;
    for (size_t i = 0; i < n_next; i++)
        if (planner_is_streaming(p->g->nodes[next[i]].kind)) {
            add_replay(p, next[i], because(p, is_topic ? "reads" : "loads", start));
            is_any = true;
        }
    if (is_any)
        return 0;
    return err_set(p->e, ERR_NOTHING,
                   "%s: nothing here %s it, so it cannot be replayed", n->id,
                   is_topic ? "reads" : "loads");
}

/* Nodes of the rerun's scope around start that SQL makes. */
static void mark_scope(struct planner *p, size_t start, bool up, const char *relation)
{
    bool *mark = mem_alloc(p->g->n + 1);
    graph_walk(p->g, start, up, -1, mark);
    for (size_t i = 0; i < p->g->n; i++) {
        const struct graph_node *n = &p->g->nodes[i];
        bool is_table_gate = n->kind == GRAPH_GATE && !up;
        if (mark[i] && (planner_is_sql(n->kind) || is_table_gate)) {
            p->chosen[i] = true;
            p->why[i] = because(p, relation, start);
        }
    }
    mem_free(mark);
}

static bool is_failed(const char *state)
{
    static const char *const states[] = {"error",   "fail",    "skipped", "blocked",
                                         "crashed", "waiting", "running", "cancelled"};
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        if (streq(states[i], state))
            return true;
    return false;
}

/* The checks that ran inside a node's item run inside it again. */
static void take_own_checks(struct planner *p)
{
    for (size_t i = 0; i < p->g->n; i++) {
        enum graph_kind kind = p->g->nodes[i].kind;
        if (p->chosen[i] || (kind != GRAPH_TEST && kind != GRAPH_GATE))
            continue;
        size_t owner = owner_of(p, i);
        p->chosen[i] = owner < p->g->n && p->chosen[owner];
    }
}

/* Exactly what did not succeed in the last run, as dbt retry: nothing is added. */
static void plan_failed(struct planner *p)
{
    size_t i;
    json_t *task;
    json_array_foreach (p->r->last_tasks, i, task) {
        const char *state = json_str(task, "state", ""),
                   *id = json_str(task, "node", "");
        size_t at = graph_index(p->g, id);
        if (!is_failed(state))
            continue;
        if (at == p->g->n) {
            skip(p, id, "no longer in the project");
            continue;
        }
        p->chosen[at] = true;
        p->why[at] = arena_printf(
            &p->arena, "%s in the last run",
            streq(state, "fail") || streq(state, "error") ? "failed" : state);
        if (planner_is_streaming(p->g->nodes[at].kind))
            p->role[at] = ROLE_ITEM;
    }
    if (!p->r->is_exact)
        take_own_checks(p);
}

static int plan_rerun(struct planner *p)
{
    static const char *const scopes[] = {"this", "this+", "+this", "failed"};
    const char *scope = p->r->scope ? p->r->scope : "this";
    size_t start;
    if (!streq(scope, "this") && !streq(scope, "this+") && !streq(scope, "+this"))
        return err_set(p->e, ERR_USAGE, "scope \"%.60s\": expected %s, %s, %s or %s",
                       scope, scopes[0], scopes[1], scopes[2], scopes[3]);
    int rc = graph_find(p->g, p->r->node, &start, p->e);
    if (rc < 0)
        return rc;
    const struct graph_node *n = &p->g->nodes[start];
    bool is_use = n->kind == GRAPH_EXPOSURE || n->kind == GRAPH_ANALYSIS;
    if (is_use && !streq(scope, "+this"))
        return err_set(p->e, ERR_NOTHING,
                       "%s is only a use of the data; rerun what it "
                       "stands on with scope +this",
                       n->id);
    bool can_replay = planner_is_streaming(n->kind) || n->kind == GRAPH_TABLE;
    if (can_replay && !streq(scope, "+this") && (rc = replay(p, start)) < 0)
        return rc;
    if (!can_replay && !is_use) {
        p->chosen[start] = true;
        p->why[start] = "requested";
    }
    if (streq(scope, "this+"))
        mark_scope(p, start, false, "downstream of");
    if (streq(scope, "+this"))
        mark_scope(p, start, true, "upstream of");
    take_checks(p);
    return 0;
}

static int plan_selection(struct planner *p)
{
    struct graph_selection s = p->r->selection;
    s.warnings = p->warnings;
    int rc = graph_select(p->g, &s, p->chosen, p->e);
    const char *why = p->r->reason && *p->r->reason ? p->r->reason : "requested";
    for (size_t i = 0; i < p->g->n; i++)
        p->why[i] = why;
    for (size_t i = 0; rc == 0 && s.state && i < p->g->n; i++)
        if (p->chosen[i] && select_state_word(&s, p->g, i))
            p->why[i] = select_state_word(&s, p->g, i);
    return rc;
}

static int decide(struct planner *p)
{
    const struct command *c = find_command(p);
    int rc = 0;
    if (!c)
        return ERR_USAGE;
    if (p->r->scope && streq(p->r->scope, "failed"))
        plan_failed(p);
    else if (p->r->node)
        rc = plan_rerun(p);
    else
        rc = plan_selection(p);
    if (rc == 0)
        assign_roles(p,
                     (p->r->node || p->r->scope) && !p->r->is_exact ? &commands[0] : c);
    return rc;
}

int plan_make(const struct graph *g, const struct plan_request *r, json_t **out,
              struct err *e)
{
    struct planner p = {.g = g, .r = r, .e = e};
    arena_init(&p.arena, 0);
    p.chosen = mem_alloc((g->n + 1) * sizeof *p.chosen);
    p.role = mem_alloc((g->n + 1) * sizeof *p.role);
    p.why = mem_alloc((g->n + 1) * sizeof *p.why);
    p.owner = mem_alloc((g->n + 1) * sizeof *p.owner);
    p.warnings = json_array();
    p.skipped = json_array();
    *out = NULL;
    int rc = decide(&p);
    if (rc == 0)
        *out = planner_write(&p);
    json_decref(p.warnings);
    json_decref(p.skipped);
    mem_free(p.owner);
    mem_free(p.why);
    mem_free(p.role);
    mem_free(p.chosen);
    arena_release(&p.arena);
    return rc;
}
