/* The planner's inside: what plan.c decides and plan_items.c writes down. */
#ifndef ORCHESTRATE_PLANNER_H
#define ORCHESTRATE_PLANNER_H

#include "orchestrate/plan.h"

enum role { ROLE_NONE, ROLE_ITEM, ROLE_OWN /* a check inside its node's item */ };

struct planner {
    const struct graph *g;
    const struct plan_request *r;
    bool *chosen; /* in question at all */
    enum role *role;
    const char **why; /* per node; owned by arena */
    size_t *owner;    /* of ROLE_OWN */
    size_t *loose;    /* checks that are items of their own, while writing */
    size_t n_loose;
    struct arena arena;
    json_t *warnings, *skipped;
    struct err *e;
};

bool planner_is_sql(enum graph_kind k);       /* made by SQL: model, seed, snapshot */
bool planner_is_streaming(enum graph_kind k); /* source, topic, stream, load */
/* PLAN of what was decided; a new reference. */
json_t *planner_write(struct planner *p);

#endif
