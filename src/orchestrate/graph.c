/* The graph: nodes of the platform file and of the project, edges between them, in
 * topological order. In: struct platform and the project's nodes. Out: struct graph.
 * Called by the planner, the commands and sql workers. Always holds: nodes[i].up are
 * all smaller than i, and equal input gives equal order (level, then id). */
#include "orchestrate/graph.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/vec.h"

struct edge {
    size_t from, to;
};

struct builder {
    struct graph *g;
    const struct platform *p;
    VEC(struct graph_node) nodes;
    VEC(struct edge) edges;
    struct err *e;
};

const char *graph_kind_name(enum graph_kind k)
{
    static const char *const names[] = {
#define X(name, text) text,
        GRAPH_KIND_MAP(X)
#undef X
    };
    return names[k];
}

static size_t index_of(const struct map *m, const char *id)
{
    return (size_t)(uintptr_t)map_get(m, id);
}

static size_t add_node(struct builder *b, const char *id, const char *name,
                       enum graph_kind kind, const struct node *node)
{
    size_t at = index_of(&b->g->by_id, id);
    if (at)
        return at - 1;
    struct graph_node n = {.id = arena_strdup(&b->g->arena, id),
                           .name = arena_strdup(&b->g->arena, name),
                           .kind = kind,
                           .node = node};
    vec_push(&b->nodes, n);
    map_put(&b->g->by_id, id, (void *)(uintptr_t)b->nodes.n);
    return b->nodes.n - 1;
}

static size_t add_named(struct builder *b, enum graph_kind kind, const char *name)
{
    char id[300];
    snprintf(id, sizeof id, "%s.%.250s", graph_kind_name(kind), name);
    return add_node(b, id, name, kind, NULL);
}

static void add_edge(struct builder *b, size_t from, size_t to)
{
    struct edge e = {from, to};
    vec_push(&b->edges, e);
}

/* ---- nodes of the project ---- */

static bool graph_kind_of(const struct node *n, enum graph_kind *kind)
{
    static const struct {
        enum node_type type;
        enum graph_kind kind;
    } kinds[] = {
        {NODE_MODEL, GRAPH_MODEL},       {NODE_SEED, GRAPH_SEED},
        {NODE_SNAPSHOT, GRAPH_SNAPSHOT}, {NODE_TEST, GRAPH_TEST},
        {NODE_SOURCE, GRAPH_TABLE},      {NODE_EXPOSURE, GRAPH_EXPOSURE},
        {NODE_ANALYSIS, GRAPH_ANALYSIS}, {NODE_UNIT_TEST, GRAPH_UNIT_TEST},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].type == n->type) {
            *kind = kinds[i].kind;
            return n->is_enabled;
        }
    return false;
}

static void add_project(struct builder *b, const struct node *const *nodes, size_t n)
{
    enum graph_kind kind;
    for (size_t i = 0; i < n; i++)
        if (graph_kind_of(nodes[i], &kind))
            add_node(b, nodes[i]->unique_id, nodes[i]->name, kind, nodes[i]);
    for (size_t i = 0; i < n; i++) {
        if (!graph_kind_of(nodes[i], &kind))
            continue;
        size_t to = index_of(&b->g->by_id, nodes[i]->unique_id) - 1;
        const char *const *up = nodes[i]->depends_on;
        for (; up && *up; up++) {
            size_t from = index_of(&b->g->by_id, *up);
            if (from)
                add_edge(b, from - 1, to);
        }
    }
}

static bool is_relation_of(const struct node *n, const char *schema, const char *table)
{
    if (!n->schema || strcasecmp(n->schema, schema) != 0)
        return false;
    return (n->alias && strcasecmp(n->alias, table) == 0) ||
           (n->type == NODE_SOURCE && strcasecmp(n->name, table) == 0);
}

/* Node of a relation "schema.table": a model, seed, snapshot or dbt source. A source's
 * own name counts too, because its identifier may be a view over the loaded table. */
static size_t find_relation(struct builder *b, const char *schema, const char *table)
{
    for (size_t i = 0; i < b->nodes.n; i++) {
        const struct node *n = b->nodes.v[i].node;
        bool has_relation = n && n->type != NODE_TEST && n->type != NODE_EXPOSURE &&
                            n->type != NODE_ANALYSIS && n->type != NODE_UNIT_TEST;
        if (has_relation && is_relation_of(n, schema, table))
            return i + 1;
        if (b->nodes.v[i].kind == GRAPH_TABLE && !n) {
            char name[300];
            snprintf(name, sizeof name, "%.140s.%.140s", schema, table);
            if (streq(b->nodes.v[i].name, name))
                return i + 1;
        }
    }
    return 0;
}

/* ---- nodes of the platform file ---- */

static void add_stream(struct builder *b, const struct conf_stream *s)
{
    size_t at = add_named(b, GRAPH_STREAM, s->name);
    add_edge(b, add_named(b, GRAPH_TOPIC, s->from), at);
    for (size_t i = 0; i < s->n_tables; i++)
        add_edge(b, add_named(b, GRAPH_TOPIC, s->tables[i].topic), at);
    const char *const outs[] = {s->to_records, s->to_windows, s->to_alerts, s->to_late,
                                s->to_rejects};
    for (size_t i = 0; i < sizeof outs / sizeof *outs; i++)
        if (outs[i])
            add_edge(b, at, add_named(b, GRAPH_TOPIC, outs[i]));
}

static void add_load(struct builder *b, const struct conf_load *d)
{
    size_t at = add_named(b, GRAPH_LOAD, d->name);
    add_edge(b, add_named(b, GRAPH_TOPIC, d->from), at);
    size_t table = find_relation(b, d->schema, d->table);
    if (!table) {
        char name[300];
        snprintf(name, sizeof name, "%.140s.%.140s", d->schema, d->table);
        table = add_named(b, GRAPH_TABLE, name) + 1;
    }
    add_edge(b, at, table - 1);
}

static int no_relation(struct builder *b, const struct conf_gate *gate)
{
    VEC(const char *) names = {0};
    for (size_t i = 0; i < b->nodes.n; i++) {
        const struct node *n = b->nodes.v[i].node;
        if (n && n->schema && n->type != NODE_TEST && n->type != NODE_EXPOSURE &&
            n->type != NODE_UNIT_TEST)
            vec_push(&names, arena_printf(&b->g->arena, "%s.%s", n->schema,
                                          n->alias ? n->alias : n->name));
    }
    const char *near = str_nearest(gate->on, names.v, names.n);
    vec_release(&names);
    return err_set(b->e, ERR_CONFIG,
                   "gates.%s.on: no model, seed or source makes the relation %s%s%s%s",
                   gate->name, gate->on, near ? "; did you mean \"" : "",
                   near ? near : "", near ? "\"?" : "");
}

static int add_gate(struct builder *b, const struct conf_gate *gate, bool has_project)
{
    const char *dot = strchr(gate->on, '.');
    const char *table = dot ? dot + 1 : gate->on;
    char schema[150];
    snprintf(schema, sizeof schema, "%.*s", dot ? (int)(dot - gate->on) : 0, gate->on);
    size_t relation = find_relation(b, schema, table);
    if (!relation && has_project)
        return no_relation(b, gate);
    size_t at = add_named(b, GRAPH_GATE, gate->name);
    if (relation)
        add_edge(b, relation - 1, at);
    return 0;
}

static int add_platform(struct builder *b, bool has_project)
{
    const struct platform *p = b->p;
    int rc = 0;
    for (size_t i = 0; i < p->n_topics; i++)
        add_named(b, GRAPH_TOPIC, p->topics[i].name);
    for (size_t i = 0; i < p->n_sources; i++)
        add_edge(b, add_named(b, GRAPH_SOURCE, p->sources[i].name),
                 add_named(b, GRAPH_TOPIC, p->sources[i].topic));
    for (size_t i = 0; i < p->n_streams; i++)
        add_stream(b, &p->streams[i]);
    for (size_t i = 0; i < p->n_loads; i++)
        add_load(b, &p->loads[i]);
    for (size_t i = 0; i < p->n_gates && rc == 0; i++)
        rc = add_gate(b, &p->gates[i], has_project);
    return rc;
}

/* ---- order ---- */

static void add_once(size_t *list, size_t *n, size_t other)
{
    for (size_t i = 0; i < *n; i++)
        if (list[i] == other)
            return;
    list[(*n)++] = other;
}

/* The edge list as neighbours of each node, each neighbour once. */
static void connect(struct builder *b)
{
    size_t n = b->nodes.n;
    size_t *up = mem_alloc((n + 1) * sizeof *up),
           *down = mem_alloc((n + 1) * sizeof *down);
    for (size_t k = 0; k < b->edges.n; k++) {
        up[b->edges.v[k].to]++;
        down[b->edges.v[k].from]++;
    }
    for (size_t i = 0; i < n; i++) {
        b->nodes.v[i].up = arena_alloc(&b->g->arena, (up[i] + 1) * sizeof *up);
        b->nodes.v[i].down = arena_alloc(&b->g->arena, (down[i] + 1) * sizeof *down);
    }
    for (size_t k = 0; k < b->edges.n; k++) {
        struct graph_node *from = &b->nodes.v[b->edges.v[k].from];
        struct graph_node *to = &b->nodes.v[b->edges.v[k].to];
        add_once(to->up, &to->n_up, b->edges.v[k].from);
        add_once(from->down, &from->n_down, b->edges.v[k].to);
    }
    mem_free(up);
    mem_free(down);
}

/* Walks up among the nodes that never became ready until one repeats: a cycle. */
static int report_cycle(struct builder *b, const size_t *level)
{
    size_t at = 0, n = b->nodes.n;
    while (at < n && level[at])
        at++;
    VEC(size_t) trail = {0};
    bool *seen = mem_alloc(n * sizeof *seen);
    while (!seen[at]) {
        seen[at] = true;
        vec_push(&trail, at);
        const struct graph_node *node = &b->nodes.v[at];
        for (size_t i = 0; i < node->n_up; i++)
            if (!level[node->up[i]]) {
                at = node->up[i];
                break;
            }
    }
    char text[700];
    size_t len = (size_t)snprintf(text, sizeof text, "%s", b->nodes.v[at].id);
    for (size_t i = trail.n; i-- > 0 && len < sizeof text;) {
        /* the trail was walked upwards: read it backwards, from the repeated node on */
        len += (size_t)snprintf(text + len, sizeof text - len, " -> %s",
                                b->nodes.v[trail.v[i]].id);
        if (trail.v[i] == at)
            break;
    }
    vec_release(&trail);
    mem_free(seen);
    return err_set(b->e, ERR_CONFIG, "the graph has a cycle: %s", text);
}

/* Longest distance from a root, plus one; 0 stays for nodes on or behind a cycle. */
static size_t find_levels(struct builder *b, size_t *level)
{
    size_t n = b->nodes.n, done = 0, head = 0;
    size_t *waiting = mem_alloc((n + 1) * sizeof *waiting);
    size_t *queue = mem_alloc((n + 1) * sizeof *queue);
    size_t *reach = mem_alloc((n + 1) * sizeof *reach);
    for (size_t i = 0; i < n; i++) {
        waiting[i] = b->nodes.v[i].n_up;
        if (!waiting[i])
            queue[done++] = i;
    }
    while (head < done) {
        size_t i = queue[head++];
        level[i] = reach[i] + 1;
        for (size_t k = 0; k < b->nodes.v[i].n_down; k++) {
            size_t d = b->nodes.v[i].down[k];
            if (reach[d] < level[i])
                reach[d] = level[i];
            if (--waiting[d] == 0)
                queue[done++] = d;
        }
    }
    mem_free(waiting);
    mem_free(queue);
    mem_free(reach);
    return done;
}

struct rank {
    size_t level, index;
    const char *id;
};

static int compare_rank(const void *x, const void *y)
{
    const struct rank *a = x, *b = y;
    if (a->level != b->level)
        return a->level < b->level ? -1 : 1;
    return strcmp(a->id, b->id);
}

static int compare_index(const void *x, const void *y)
{
    size_t a = *(const size_t *)x, b = *(const size_t *)y;
    return (a > b) - (a < b);
}

static void renumber(size_t *list, size_t n, const size_t *place)
{
    for (size_t i = 0; i < n; i++)
        list[i] = place[list[i]];
    qsort(list, n, sizeof *list, compare_index);
}

static void order(struct builder *b, const size_t *level)
{
    struct graph *g = b->g;
    size_t n = b->nodes.n;
    struct rank *ranks = mem_alloc((n + 1) * sizeof *ranks);
    size_t *place = mem_alloc((n + 1) * sizeof *place);
    for (size_t i = 0; i < n; i++)
        ranks[i] = (struct rank){level[i], i, b->nodes.v[i].id};
    qsort(ranks, n, sizeof *ranks, compare_rank);
    for (size_t i = 0; i < n; i++)
        place[ranks[i].index] = i;
    g->nodes = arena_alloc(&g->arena, (n + 1) * sizeof *g->nodes);
    g->n = n;
    for (size_t i = 0; i < n; i++) {
        struct graph_node *node = &g->nodes[place[i]];
        *node = b->nodes.v[i];
        renumber(node->up, node->n_up, place);
        renumber(node->down, node->n_down, place);
        map_put(&g->by_id, node->id, (void *)(uintptr_t)(place[i] + 1));
    }
    mem_free(ranks);
    mem_free(place);
}

static int finish(struct builder *b)
{
    size_t n = b->nodes.n;
    int rc = 0;
    connect(b);
    size_t *level = mem_alloc((n + 1) * sizeof *level);
    if (find_levels(b, level) < n)
        rc = report_cycle(b, level);
    else
        order(b, level);
    mem_free(level);
    return rc;
}

int graph_build_nodes(struct graph *g, const struct platform *p, const char *project,
                      const struct node *const *nodes, size_t n, struct err *e)
{
    struct builder b = {.g = g, .p = p, .e = e};
    *g = (struct graph){0};
    arena_init(&g->arena, 0);
    map_init(&g->by_id);
    g->project = arena_strdup(&g->arena, project ? project : "");
    add_project(&b, nodes, n);
    int rc = p ? add_platform(&b, nodes != NULL) : 0;
    if (rc == 0)
        rc = finish(&b);
    vec_release(&b.nodes);
    vec_release(&b.edges);
    if (rc < 0)
        graph_release(g);
    return rc;
}

void graph_release(struct graph *g)
{
    map_release(&g->by_id);
    arena_release(&g->arena);
    g->nodes = NULL;
    g->n = 0;
}

size_t graph_index(const struct graph *g, const char *id)
{
    size_t at = index_of(&g->by_id, id);
    return at ? at - 1 : g->n;
}

void graph_walk(const struct graph *g, size_t start, bool up, int depth, bool *mark)
{
    size_t *queue = mem_alloc((g->n + 1) * sizeof *queue);
    int *steps = mem_alloc((g->n + 1) * sizeof *steps);
    size_t head = 0, n = 0;
    queue[n++] = start;
    steps[start] = 1;
    while (head < n) {
        const struct graph_node *node = &g->nodes[queue[head]];
        int step = steps[queue[head++]];
        const size_t *next = up ? node->up : node->down;
        size_t n_next = up ? node->n_up : node->n_down;
        for (size_t i = 0; i < n_next && (depth < 0 || step <= depth); i++) {
            if (steps[next[i]])
                continue;
            steps[next[i]] = step + 1;
            mark[next[i]] = true;
            queue[n++] = next[i];
        }
    }
    mem_free(queue);
    mem_free(steps);
}

/* ---- names ---- */

static bool is_sql(enum graph_kind k)
{
    return k == GRAPH_MODEL || k == GRAPH_SEED || k == GRAPH_SNAPSHOT;
}

static bool is_named(const struct graph_node *n, const char *name)
{
    char relation[300];
    if (streq(n->name, name))
        return true;
    if (!n->node || !n->node->schema || n->kind == GRAPH_TEST ||
        n->kind == GRAPH_EXPOSURE)
        return false;
    snprintf(relation, sizeof relation, "%.140s.%.140s", n->node->schema,
             n->node->alias ? n->node->alias : n->name);
    if (streq(relation, name))
        return true;
    snprintf(relation, sizeof relation, "%.140s.%.140s", n->node->schema, n->name);
    return streq(relation, name);
}

static int not_found(const struct graph *g, const char *name, struct err *e)
{
    const char **names = mem_alloc((2 * g->n + 1) * sizeof *names);
    size_t n = 0;
    for (size_t i = 0; i < g->n; i++) {
        if (g->nodes[i].kind == GRAPH_TEST)
            continue;
        names[n++] = g->nodes[i].name;
        names[n++] = g->nodes[i].id;
    }
    const char *near = str_nearest(name, names, n);
    int rc = near ? err_set(e, ERR_NOTFOUND,
                            "there is no node \"%.200s\"; did you mean "
                            "\"%s\"?",
                            name, near)
                  : err_set(e, ERR_NOTFOUND,
                            "there is no node \"%.200s\"; `weir ls` lists "
                            "them",
                            name);
    mem_free(names);
    return rc;
}

/* Of several nodes of one name, the only one that SQL makes is meant. */
int graph_find(const struct graph *g, const char *name, size_t *out, struct err *e)
{
    size_t n = 0, n_sql = 0, last = 0, last_sql = 0, len = 0;
    char list[500] = "";
    *out = graph_index(g, name);
    if (*out < g->n)
        return 0;
    for (size_t i = 0; i < g->n; i++) {
        if (!is_named(&g->nodes[i], name))
            continue;
        last = i;
        if (is_sql(g->nodes[i].kind)) {
            last_sql = i;
            n_sql++;
        }
        if (len < sizeof list)
            len += (size_t)snprintf(list + len, sizeof list - len, "%s%s",
                                    n ? ", " : "", g->nodes[i].id);
        n++;
    }
    if (n == 1 || n_sql == 1) {
        *out = n_sql == 1 ? last_sql : last;
        return 0;
    }
    if (!n)
        return not_found(g, name, e);
    return err_set(e, ERR_USAGE,
                   "\"%.200s\" is the name of several nodes; say which: %s", name,
                   list);
}
