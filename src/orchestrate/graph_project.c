/* graph_build: the graph of a platform and a loaded project. */
#include "base/vec.h"
#include "orchestrate/graph.h"

int graph_build(struct graph *g, const struct platform *p, const struct project *pr,
                struct err *e)
{
    VEC(const struct node *) nodes = {0};
    for (size_t i = 0; pr && i < project_n_nodes(pr); i++)
        vec_push(&nodes, project_node(pr, i));
    static const struct node *const none[1];
    int rc = graph_build_nodes(g, p, pr ? project_name(pr) : NULL,
                               nodes.n ? nodes.v
                               : pr    ? none
                                       : NULL,
                               nodes.n, e);
    vec_release(&nodes);
    return rc;
}
