/* The planner: which nodes run, in which order, after which others and why. In: the
 * graph and a request. Out: PLAN (plan.h). Called by sql workers for runs, reruns and
 * schedules and by `--plan`. Pure logic. Always holds: every id in "after" is an item
 * before it. */
#include "orchestrate/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"

enum role { ROLE_NONE, ROLE_ITEM, ROLE_OWN /* a check inside its node's item */ };

struct planner {
    const struct graph *g;
    const struct plan_request *r;
    bool *chosen; /* in question at all */
    enum role *role;
    const char **why; /* per node; owned by arena */
    size_t *owner;    /* of ROLE_OWN */
    struct arena arena;
    json_t *warnings, *skipped;
    struct err *e;
};

static bool is_sql(enum graph_kind k)
{
    return k == GRAPH_MODEL || k == GRAPH_SEED || k == GRAPH_SNAPSHOT;
}

static bool is_streaming(enum graph_kind k)
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
    return is_sql(n->kind) && !is_ephemeral(n);
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
    {"compile", true, false, true, true},
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
        return c->models;
    if (n->kind == GRAPH_SEED)
        return c->seeds;
    if (n->kind == GRAPH_SNAPSHOT)
        return c->snapshots;
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
            is_near |= p->chosen[n->up[k]] && is_sql(g->nodes[n->up[k]].kind);
            is_whole &= around[n->up[k]];
        }
        if ((n->kind == GRAPH_TEST || n->kind == GRAPH_GATE) && is_near && is_whole)
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
        if (is_streaming(p->g->nodes[next[i]].kind)) {
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
        if (mark[i] && (is_sql(n->kind) || is_table_gate)) {
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
        if (is_streaming(p->g->nodes[at].kind))
            p->role[at] = ROLE_ITEM;
    }
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
    if (n->kind == GRAPH_EXPOSURE && !streq(scope, "+this"))
        return err_set(p->e, ERR_NOTHING,
                       "%s is only a use of the data; rerun what it "
                       "stands on with scope +this",
                       n->id);
    bool can_replay = is_streaming(n->kind) || n->kind == GRAPH_TABLE;
    if (can_replay && !streq(scope, "+this") && (rc = replay(p, start)) < 0)
        return rc;
    if (!can_replay && n->kind != GRAPH_EXPOSURE) {
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
    return rc;
}

/* ---- items ---- */

/* Items above node i, looking through nodes that are none. */
static void items_above(struct planner *p, size_t i, bool *seen, bool *above)
{
    const struct graph_node *n = &p->g->nodes[i];
    for (size_t k = 0; k < n->n_up; k++) {
        size_t up = n->up[k];
        if (seen[up])
            continue;
        seen[up] = true;
        if (p->role[up] == ROLE_ITEM)
            above[up] = true;
        else
            items_above(p, up, seen, above);
    }
}

/* A check that is an item of its own holds up what is below all of its parents. */
static void checks_before(struct planner *p, size_t i, bool *above)
{
    const struct graph *g = p->g;
    if (g->nodes[i].kind == GRAPH_TEST || g->nodes[i].kind == GRAPH_GATE ||
        streq(p->r->command ? p->r->command : "", "compile"))
        return;
    bool *up = mem_alloc(g->n + 1);
    graph_walk(g, i, true, -1, up);
    for (size_t k = 0; k < g->n; k++) {
        const struct graph_node *n = &g->nodes[k];
        bool is_check = n->kind == GRAPH_TEST || n->kind == GRAPH_GATE;
        bool is_below = n->n_up > 0;
        for (size_t j = 0; is_check && j < n->n_up; j++)
            is_below &= up[n->up[j]];
        if (is_check && p->role[k] == ROLE_ITEM && is_below)
            above[k] = true;
    }
    mem_free(up);
}

static const char *item_kind(struct planner *p, const struct graph_node *n)
{
    if (p->r->command && streq(p->r->command, "compile") && !p->r->node)
        return "compile";
    if (is_streaming(n->kind))
        return "replay";
    return n->kind == GRAPH_MODEL ? "run" : graph_kind_name(n->kind);
}

static void join_names(const struct graph *g, const size_t *list, size_t n,
                       enum graph_kind kind, struct buf *out)
{
    bool is_first = true;
    for (size_t i = 0; i < n; i++) {
        if (g->nodes[list[i]].kind != kind)
            continue;
        buf_addf(out, "%s%s", is_first ? "" : ", ", g->nodes[list[i]].name);
        is_first = false;
    }
}

static void replay_detail(const struct graph *g, const struct graph_node *n,
                          struct buf *out)
{
    if (n->kind == GRAPH_SOURCE) {
        buf_adds(out, "read the source again from its beginning into ");
        join_names(g, n->down, n->n_down, GRAPH_TOPIC, out);
        return;
    }
    buf_adds(out, "read ");
    join_names(g, n->up, n->n_up, GRAPH_TOPIC, out);
    buf_adds(out, " again from the first record kept, into ");
    join_names(g, n->down, n->n_down, n->kind == GRAPH_LOAD ? GRAPH_TABLE : GRAPH_TOPIC,
               out);
}

static void count_own(struct planner *p, size_t i, size_t *tests, struct buf *gates)
{
    *tests = 0;
    for (size_t k = 0; k < p->g->n; k++) {
        if (p->role[k] != ROLE_OWN || p->owner[k] != i)
            continue;
        if (p->g->nodes[k].kind == GRAPH_TEST)
            (*tests)++;
        else
            buf_addf(gates, ", gate %s", p->g->nodes[k].name);
    }
}

static void item_detail(struct planner *p, size_t i, struct buf *out)
{
    const struct graph_node *n = &p->g->nodes[i];
    if (is_streaming(n->kind)) {
        replay_detail(p->g, n, out);
        return;
    }
    if (n->kind == GRAPH_TEST || n->kind == GRAPH_GATE) {
        buf_adds(out, "on ");
        for (size_t k = 0; k < n->n_up; k++)
            buf_addf(out, "%s%s", k ? ", " : "", p->g->nodes[n->up[k]].name);
        return;
    }
    size_t tests;
    struct buf gates;
    buf_init(&gates, 0);
    count_own(p, i, &tests, &gates);
    bool is_rebuilt = p->r->full_refresh && n->node && n->node->materialized &&
                      streq(n->node->materialized, "incremental");
    if (n->node)
        buf_addf(out, "%s %s.%s%s",
                 n->node->materialized ? n->node->materialized
                                       : graph_kind_name(n->kind),
                 n->node->schema ? n->node->schema : "main",
                 n->node->alias ? n->node->alias : n->name,
                 is_rebuilt ? " (full refresh)" : "");
    if (tests)
        buf_addf(out, ", %zu test%s", tests, tests == 1 ? "" : "s");
    buf_adds(out, buf_str(&gates));
    buf_release(&gates);
}

static json_t *ids_where(struct planner *p, const bool *set)
{
    json_t *list = json_array();
    for (size_t i = 0; i < p->g->n; i++)
        if (set[i])
            json_array_append_new(list, json_string(p->g->nodes[i].id));
    return list;
}

static json_t *own_checks(struct planner *p, size_t i, enum graph_kind kind)
{
    json_t *list = json_array();
    for (size_t k = 0; k < p->g->n; k++)
        if (p->role[k] == ROLE_OWN && p->owner[k] == i && p->g->nodes[k].kind == kind)
            json_array_append_new(list,
                                  json_string(kind == GRAPH_GATE ? p->g->nodes[k].name
                                                                 : p->g->nodes[k].id));
    return list;
}

static json_t *make_item(struct planner *p, size_t i, const bool *above)
{
    const struct graph_node *n = &p->g->nodes[i];
    struct buf detail;
    buf_init(&detail, 0);
    item_detail(p, i, &detail);
    json_t *item = json_object();
    json_put_str(item, "node", n->id);
    json_put_str(item, "name", n->name);
    json_put_str(item, "kind", item_kind(p, n));
    json_put_str(item, "why", p->why[i] ? p->why[i] : "requested");
    json_put(item, "after", ids_where(p, above));
    json_put_str(item, "detail", buf_str(&detail));
    if (is_sql(n->kind)) {
        json_put(item, "tests", own_checks(p, i, GRAPH_TEST));
        json_put(item, "gates", own_checks(p, i, GRAPH_GATE));
    }
    buf_release(&detail);
    return item;
}

/* Item i behind all that it waits for. Indexes are in topological order, but a check
 * may have a larger index than what it holds up. */
static void emit(struct planner *p, size_t i, bool *done, json_t *items)
{
    size_t n = p->g->n;
    if (done[i])
        return;
    done[i] = true;
    bool *seen = mem_alloc(n + 1), *above = mem_alloc(n + 1);
    bool is_free = p->r->command && !p->r->node &&
                   (streq(p->r->command, "test") || streq(p->r->command, "compile"));
    if (!is_free) { /* tests and compilation alone wait for nothing */
        items_above(p, i, seen, above);
        checks_before(p, i, above);
    }
    for (size_t k = 0; k < n; k++)
        if (above[k])
            emit(p, k, done, items);
    json_array_append_new(items, make_item(p, i, above));
    mem_free(seen);
    mem_free(above);
}

/* ---- text ---- */

static void add_count(struct buf *b, size_t n, const char *noun)
{
    if (n)
        buf_addf(b, "%s%zu %s%s", b->len ? ", " : "", n, noun, n == 1 ? "" : "s");
}

static size_t count_kind(const json_t *items, const char *kind)
{
    size_t i, n = 0;
    json_t *item;
    json_array_foreach (items, i, item)
        n += streq(json_str(item, "kind", ""), kind);
    return n;
}

static void add_line(json_t *text, struct buf *b)
{
    json_array_append_new(text, json_string(buf_str(b)));
    buf_reset(b);
}

static void summary(struct planner *p, const json_t *items, struct buf *b)
{
    static const char *const kinds[][2] = {
        {"replay", "replay"},     {"seed", "seed"},    {"run", "model"},
        {"snapshot", "snapshot"}, {"compile", "node"}, {"test", "test"},
        {"gate", "gate"}};
    size_t own = 0;
    for (size_t i = 0; i < p->g->n; i++)
        own += p->role[i] == ROLE_OWN;
    struct buf counts;
    buf_init(&counts, 0);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        add_count(&counts, count_kind(items, kinds[i][0]), kinds[i][1]);
    if (!json_array_size(items))
        buf_adds(b, "nothing to run");
    else
        buf_addf(b, "%zu to run: %s", json_array_size(items), buf_str(&counts));
    if (own)
        buf_addf(b, "; %zu check%s inside them", own, own == 1 ? "" : "s");
    if (json_array_size(p->skipped))
        buf_addf(b, "; %zu skipped", json_array_size(p->skipped));
    buf_release(&counts);
}

static json_t *make_text(struct planner *p, const json_t *items)
{
    json_t *text = json_array(), *row;
    struct buf b;
    size_t i;
    int width = 0;
    buf_init(&b, 0);
    summary(p, items, &b);
    add_line(text, &b);
    json_array_foreach (items, i, row) {
        int n = (int)strlen(json_str(row, "name", ""));
        width = n > width && n <= 48 ? n : width;
    }
    json_array_foreach (items, i, row) {
        buf_addf(&b, "  %-8s %-*s  %s  (%s)", json_str(row, "kind", ""), width,
                 json_str(row, "name", ""), json_str(row, "detail", ""),
                 json_str(row, "why", ""));
        add_line(text, &b);
    }
    json_array_foreach (p->skipped, i, row) {
        buf_addf(&b, "  skip     %s  (%s)", json_str(row, "node", ""),
                 json_str(row, "why", ""));
        add_line(text, &b);
    }
    json_array_foreach (p->warnings, i, row) {
        buf_addf(&b, "  warning: %s", json_string_value(row));
        add_line(text, &b);
    }
    buf_release(&b);
    return text;
}

static json_t *make_plan(struct planner *p)
{
    json_t *plan = json_object(), *items = json_array();
    bool *done = mem_alloc(p->g->n + 1);
    for (size_t i = 0; i < p->g->n; i++)
        if (p->role[i] == ROLE_ITEM)
            emit(p, i, done, items);
    mem_free(done);
    json_put_str(plan, "command", p->r->command ? p->r->command : "build");
    json_put_str(plan, "reason", p->r->reason ? p->r->reason : "requested");
    json_put(plan, "text", make_text(p, items));
    json_put(plan, "items", items);
    json_put(plan, "skipped", json_incref(p->skipped));
    json_put(plan, "warnings", json_incref(p->warnings));
    return plan;
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
        assign_roles(p, p->r->node || p->r->scope ? &commands[0] : c);
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
        *out = make_plan(&p);
    json_decref(p.warnings);
    json_decref(p.skipped);
    mem_free(p.owner);
    mem_free(p.why);
    mem_free(p.role);
    mem_free(p.chosen);
    arena_release(&p.arena);
    return rc;
}
