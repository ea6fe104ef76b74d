/* Selection, inside the room orchestrate: a criterion and the methods that match it. */
#ifndef ORCHESTRATE_SELECT_H
#define ORCHESTRATE_SELECT_H

#include "orchestrate/graph.h"

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

typedef bool select_method_fn(const struct graph *g, const struct graph_node *n,
                              const struct criterion *c);
/* The criterion's method; NULL with the nearest name in s->e when there is none. */
select_method_fn *select_method(struct select *s, const struct criterion *c);

#endif
