/* Column lineage across the nodes of a project. In: the project's nodes. Out: trees of
 * columns as JSON. Called by `weir lineage`. A node is compiled and read once; a cycle
 * (a model that reads itself) ends where it began. */
#include "model/lineage.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/map.h"
#include "base/str.h"
#include "base/vec.h"

#define SQL_MAX   (16u << 20)
#define DEPTH_MAX 1000

struct facts { /* of one node */
    const struct node *node;
    struct lineage_query query;
    const char **names; /* of its columns, NULL-terminated */
    size_t n_names;
    bool is_read, is_open; /* open: it may have other columns */
    VEC(struct facts *) children;
};

struct lineage {
    struct project *p;
    struct arena mem;
    struct facts *facts;
    size_t n;
    struct map by_id, by_relation; /* "schema.alias", "alias", in lower case */
    VEC(char *) warnings;
};

/* ── relations of the SQL ────────────────────────────────────────────────────────── */

static char *lower(struct arena *mem, const char *schema, const char *name)
{
    char *s =
        schema ? arena_join(mem, schema, ".", name, NULL) : arena_strdup(mem, name);
    for (char *c = s; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return s;
}

static void *find(void *arg, const char *const *parts, size_t n)
{
    struct lineage *l = arg;
    const char *name = parts[0];
    if (strncasecmp(name, "__dbt__cte__", 12) == 0)
        name += 12;
    struct facts *f = NULL;
    if (n > 1)
        f = map_get(&l->by_relation, lower(&l->mem, parts[1], name));
    return f ? f : map_get(&l->by_relation, lower(&l->mem, NULL, name));
}

static void learn(struct lineage *l, struct facts *f);

static bool columns(void *arg, void *relation, const char *const **names, size_t *n)
{
    struct facts *f = relation;
    learn(arg, f);
    *names = f->names;
    *n = f->n_names;
    return f->is_open;
}

/* ── one node ────────────────────────────────────────────────────────────────────── */

static void add_name(struct lineage *l, struct facts *f, const char *name)
{
    const char **names = arena_alloc(&l->mem, (f->n_names + 2) * sizeof *names);
    for (size_t i = 0; i < f->n_names; i++) {
        if (strcasecmp(f->names[i], name) == 0)
            return;
        names[i] = f->names[i];
    }
    names[f->n_names++] = name;
    f->names = names;
}

static void learn_documented(struct lineage *l, struct facts *f)
{
    json_t *all = project_node_json(l->p, f->node);
    const char *name;
    json_t *one;
    json_object_foreach (json_object_get(all, "columns"), name, one) {
        const char *real = json_string_value(json_object_get(one, "name"));
        add_name(l, f, arena_strdup(&l->mem, real ? real : name));
    }
    json_decref(all);
    f->is_open = true;
}

static void learn_sql(struct lineage *l, struct facts *f)
{
    struct lineage_catalog catalog = {l, find, columns};
    struct err e = {0};
    struct buf sql;
    buf_init(&sql, SQL_MAX);
    int rc = model_compile(l->p, NULL, f->node, &sql, &e);
    if (rc == 0)
        rc = lineage_read(&l->mem, buf_str(&sql), sql.len, &catalog, &f->query, &e);
    buf_release(&sql);
    if (rc < 0) {
        vec_push(&l->warnings, mem_printf("%s: %s", f->node->name, e.text));
        f->query = (struct lineage_query){0};
        learn_documented(l, f);
        return;
    }
    for (size_t i = 0; i < f->query.n; i++)
        add_name(l, f, f->query.columns[i].name);
    /* a snapshot has columns of its own beside those of its query */
    f->is_open = f->query.n_open > 0 || f->node->type == NODE_SNAPSHOT;
}

static bool has_sql(const struct node *n)
{
    return n->type == NODE_MODEL || n->type == NODE_SNAPSHOT ||
           n->type == NODE_ANALYSIS;
}

static void learn(struct lineage *l, struct facts *f)
{
    if (f->is_read)
        return;
    f->is_read = true;
    f->is_open = true; /* for who asks while it is being read */
    if (has_sql(f->node))
        learn_sql(l, f);
    else
        learn_documented(l, f);
}

/* ── the project ─────────────────────────────────────────────────────────────────── */

static bool is_relation(const struct node *n)
{
    return n->type == NODE_MODEL || n->type == NODE_SNAPSHOT || n->type == NODE_SEED ||
           n->type == NODE_SOURCE;
}

static void add_relation(struct lineage *l, struct facts *f)
{
    const struct node *n = f->node;
    const char *alias = n->alias ? n->alias : n->name;
    if (n->schema)
        map_put(&l->by_relation, lower(&l->mem, n->schema, alias), f);
    const char *bare = lower(&l->mem, NULL, alias);
    if (!map_has(&l->by_relation, bare) || n->type != NODE_SOURCE)
        map_put(&l->by_relation, bare, f);
}

struct lineage *lineage_open(struct project *p)
{
    struct lineage *l = mem_alloc(sizeof *l);
    l->p = p;
    l->n = project_n_nodes(p);
    arena_init(&l->mem, 0);
    map_init(&l->by_id);
    map_init(&l->by_relation);
    l->facts = mem_alloc((l->n + 1) * sizeof *l->facts);
    for (size_t i = 0; i < l->n; i++) {
        struct facts *f = &l->facts[i];
        f->node = project_node(p, i);
        map_put(&l->by_id, f->node->unique_id, f);
        if (is_relation(f->node) && f->node->is_enabled)
            add_relation(l, f);
    }
    for (size_t i = 0; i < l->n; i++)
        for (const char *const *d = l->facts[i].node->depends_on; d && *d; d++) {
            struct facts *parent = map_get(&l->by_id, *d);
            if (parent)
                vec_push(&parent->children, &l->facts[i]);
        }
    return l;
}

void lineage_free(struct lineage *l)
{
    if (!l)
        return;
    for (size_t i = 0; i < l->n; i++)
        vec_release(&l->facts[i].children);
    for (size_t i = 0; i < l->warnings.n; i++)
        mem_free(l->warnings.v[i]);
    vec_release(&l->warnings);
    map_release(&l->by_id);
    map_release(&l->by_relation);
    mem_free(l->facts);
    arena_release(&l->mem);
    mem_free(l);
}

size_t lineage_n_warnings(const struct lineage *l)
{
    return l->warnings.n;
}

const char *lineage_warning(const struct lineage *l, size_t i)
{
    return l->warnings.v[i];
}

static struct facts *facts_of(struct lineage *l, const struct node *n)
{
    struct facts *f = map_get(&l->by_id, n->unique_id);
    learn(l, f);
    return f;
}

const char *const *lineage_columns(struct lineage *l, const struct node *n)
{
    static const char *const none[] = {NULL};
    struct facts *f = facts_of(l, n);
    return f->names ? f->names : none;
}

bool lineage_has(struct lineage *l, const struct node *n, const char *column,
                 bool is_certain)
{
    struct facts *f = facts_of(l, n);
    for (size_t i = 0; i < f->n_names; i++)
        if (strcasecmp(f->names[i], column) == 0)
            return true;
    return f->is_open && !is_certain;
}

/* ── trees ───────────────────────────────────────────────────────────────────────── */

static const struct lineage_column *own_column(const struct facts *f, const char *name)
{
    for (size_t i = 0; i < f->query.n; i++)
        if (strcasecmp(f->query.columns[i].name, name) == 0)
            return &f->query.columns[i];
    return NULL;
}

static const char *type_name(const struct node *n)
{
    return n->type == NODE_SOURCE     ? "source"
           : n->type == NODE_SEED     ? "seed"
           : n->type == NODE_SNAPSHOT ? "snapshot"
           : n->type == NODE_EXPOSURE ? "exposure"
                                      : "model";
}

static json_t *entry(const struct facts *f, const char *column)
{
    const struct node *n = f->node;
    const struct lineage_column *c = column ? own_column(f, column) : NULL;
    json_t *o = json_object();
    char *name = n->type == NODE_SOURCE ? mem_printf("%s.%s", n->source_name, n->name)
                                        : mem_strdup(n->name);
    char *full = column ? mem_printf("%s.%s", name, c ? c->name : column) : NULL;
    json_put_str(o, "column", full);
    json_put_str(o, "name", name);
    json_put_str(o, "unique_id", n->unique_id);
    json_put_str(o, "resource_type", type_name(n));
    if (c) {
        json_put_str(o, "kind", c->kind == LINEAGE_COPY ? "copy" : "expression");
        json_put_str(o, "expression", c->expression);
    }
    mem_free(name);
    mem_free(full);
    return o;
}

static json_t *up(struct lineage *l, struct facts *f, const char *column, int depth)
{
    learn(l, f);
    const struct lineage_column *c = own_column(f, column);
    json_t *o = entry(f, column), *list = json_array();
    json_object_set_new(o, "columns", list);
    if (depth == 0)
        return o;
    for (size_t i = 0; c && i < c->n_from; i++) {
        struct facts *from = c->from[i].relation;
        if (from != f)
            json_array_append_new(list, up(l, from, c->from[i].column, depth - 1));
    }
    for (size_t i = 0; !c && i < f->query.n_open; i++) {
        struct facts *from = f->query.open[i];
        if (from != f)
            json_array_append_new(list, up(l, from, column, depth - 1));
    }
    return o;
}

static bool reads(const struct lineage_column *c, const struct facts *f,
                  const char *column)
{
    for (size_t i = 0; i < c->n_from; i++)
        if (c->from[i].relation == f && strcasecmp(c->from[i].column, column) == 0)
            return true;
    return false;
}

static json_t *down(struct lineage *l, struct facts *f, const char *column, int depth)
{
    learn(l, f);
    json_t *o = entry(f, column), *list = json_array();
    json_object_set_new(o, "columns", list);
    if (depth == 0)
        return o;
    for (size_t i = 0; i < f->children.n; i++) {
        struct facts *child = f->children.v[i];
        if (child->node->type == NODE_EXPOSURE)
            json_array_append_new(list, entry(child, NULL));
        if (!has_sql(child->node) || child == f)
            continue;
        learn(l, child);
        for (size_t k = 0; k < child->query.n; k++)
            if (reads(&child->query.columns[k], f, column))
                json_array_append_new(
                    list, down(l, child, child->query.columns[k].name, depth - 1));
        for (size_t k = 0; k < child->query.n_open; k++)
            if (child->query.open[k] == f && !own_column(child, column))
                json_array_append_new(list, down(l, child, column, depth - 1));
    }
    return o;
}

json_t *lineage_tree(struct lineage *l, const struct node *n, const char *column,
                     bool is_downstream, int depth)
{
    struct facts *f = map_get(&l->by_id, n->unique_id);
    if (depth < 0 || depth > DEPTH_MAX)
        depth = DEPTH_MAX;
    return is_downstream ? down(l, f, column, depth) : up(l, f, column, depth);
}
