/* The one planner: rerun, backfill, build and schedules get their exact list here.
 *
 * PLAN as JSON (also what `--plan -o json` prints and what tasks are made of):
 *  {"command":"build","reason":"requested|schedule hourly|rerun …",
 *   "items":[{"node":"model.retail.x","name":"x","kind":"seed|run|test|gate|replay",
 *             "why":"requested|downstream of …|failed in run 12|…","after":["id",…],
 *             "detail":"incremental gold.fct_daily_sales"}…],
 *   "skipped":[{"node","why"}…], "text":["12 to run: 9 models, …", …]}
 * Items are in an order in which they may run; "after" names only items of the plan. */
#ifndef ORCHESTRATE_PLAN_H
#define ORCHESTRATE_PLAN_H

#include "orchestrate/graph.h"

struct plan_request {
    const char *command; /* build run test seed snapshot compile */
    const char *reason;
    struct graph_selection selection;
    bool full_refresh;
    /* rerun */
    const char *node;  /* NULL: not a rerun */
    const char *scope; /* "this", "this+", "+this", "failed" */
    const json_t *last_tasks; /* of the run that failed, for scope "failed" */
};
int plan_make(const struct graph *g, const struct plan_request *r, json_t **out,
              struct err *e);

#endif
