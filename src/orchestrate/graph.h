/* The one graph: source → topic → stream → topic → load → bronze table → model → gate →
 * exposure. Built from the platform file and the project's manifest; what anything
 * selects, plans, reruns and shows hangs on it. */
#ifndef ORCHESTRATE_GRAPH_H
#define ORCHESTRATE_GRAPH_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include "base/err.h"
#include "base/map.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "model/model.h"

#define GRAPH_KIND_MAP(X)                                                              \
    X(SOURCE, "source") /* source system: a plugin */                                  \
    X(TOPIC, "topic")                                                                  \
    X(STREAM, "stream")                                                                \
    X(LOAD, "load")                                                                    \
    X(TABLE, "table") /* bronze table: a dbt source */                                 \
    X(MODEL, "model")                                                                  \
    X(SEED, "seed")                                                                    \
    X(SNAPSHOT, "snapshot")                                                            \
    X(TEST, "test")                                                                    \
    X(UNIT_TEST, "unit_test")                                                          \
    X(GATE, "gate")                                                                    \
    X(EXPOSURE, "exposure")                                                            \
    X(ANALYSIS, "analysis")
enum graph_kind {
#define X(name, text) GRAPH_##name,
    GRAPH_KIND_MAP(X)
#undef X
};
const char *graph_kind_name(enum graph_kind k);

struct graph_node {
    const char
        *id; /* "source.pos" "topic.transactions" "stream.enrichment"
                "load.raw_transactions" or the project's unique id, "gate.NAME" */
    const char *name;
    enum graph_kind kind;
    const struct node *node; /* project's node or NULL */
    size_t *up, *down;       /* indexes */
    size_t n_up, n_down;
};

struct graph {
    struct arena arena;
    struct graph_node *nodes; /* topological order */
    size_t n;
    struct map by_id;    /* id → index + 1 as pointer */
    const char *project; /* name of the project, for package:this */
};

/* pr may be NULL (no models). ERR_CONFIG with the cycle printed when there is one. */
int graph_build(struct graph *g, const struct platform *p, const struct project *pr,
                struct err *e);
/* The same from nodes given one by one (borrowed, as the project's are). */
int graph_build_nodes(struct graph *g, const struct platform *p, const char *project,
                      const struct node *const *nodes, size_t n, struct err *e);
void graph_release(struct graph *g);
/* Index of an id, g->n when there is none. */
size_t graph_index(const struct graph *g, const char *id);
/* mark[i] set for every node above (up) or below start, start itself left as it is;
 * depth < 0: all the way. */
void graph_walk(const struct graph *g, size_t start, bool up, int depth, bool *mark);
/* Node by id, or by bare name when unambiguous; nearest name in the error. */
int graph_find(const struct graph *g, const char *name, size_t *out, struct err *e);

/* dbt's selection grammar (dbt.md 1.6): union by space, intersection by comma, + @ n+,
 * tag: path: source: fqn: file: resource_type: package: test_type: test_name: group:
 * access: version: state: result: selector: config.x:. out[i] (g->n of them) is true
 * for selected nodes, false for others. Tests follow "eager" unless told otherwise;
 * gates follow as tests do. "stream.enrichment" and the other ids of the platform's own
 * nodes select those. ERR_USAGE on a wrong selector. */
struct graph_selection {
    const char *const *select; /* NULL-terminated; NULL: everything of the project */
    const char *const *exclude;
    const char *indirect; /* eager, cautious, buildable, empty; NULL: eager */
    const char *selector; /* --selector: a name of selectors.yml, NULL */
    /* only these types of resources (model, seed, test, default, all …), and not those;
     * NULL: all. Nodes that are not the project's are in neither. */
    const char *const *types, *const *exclude_types;
    const json_t *selectors; /* of graph_selectors_load, NULL */
    /* for state: and result:, of graph_state_load; manifest: the project's own */
    json_t *state, *state_results, *manifest;
    json_t *state_sources, *sources; /* for source_status: sources.json, then and now */
    json_t *warnings; /* array that gets a line for each criterion that matches
                         nothing, or NULL */
};
/* The list of PROJECT/selectors.yml; *out NULL when there is none. A new reference. */
int graph_selectors_load(const char *project_dir, json_t **out, struct err *e);
/* manifest.json (and run_results.json, sources.json) of --state DIR into the selection;
 * target: where the sources.json of now lies, NULL: nobody asks. */
int graph_state_load(struct graph_selection *s, const char *dir, const char *target,
                     struct err *e);
void graph_state_release(struct graph_selection *s);
int graph_select(const struct graph *g, const struct graph_selection *s, bool *out,
                 struct err *e);

#endif
