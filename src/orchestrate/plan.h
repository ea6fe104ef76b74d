/* The one planner: rerun, backfill, build and schedules get their exact list here.
 *
 * PLAN as JSON (also what `--plan -o json` prints and what tasks are made of):
 *  {"command":"build","reason":"requested|schedule hourly|rerun …",
 *   "items":[{"node":"model.retail.x","name":"x","kind":"seed|run|test|gate|replay",
 *             "why":"requested|downstream of …|failed in run 12|…","after":["id",…],
 *             "detail":"incremental gold.fct_daily_sales, 3 tests, gate daily",
 *             "pool":"NAME of weir.yml, when it is in
 * one","tests":[id…],"gates":[name…]}…], "skipped":[{"node","why"}…],
 * "warnings":["\"x\" selects nothing", …], "text":["12 to run: 9 models, …", …]} kind
 * "compile" for command compile. "tests" and "gates" (models, seeds, snapshots): the
 * checks that run inside the item, on what is about to be published; a test runs there
 * when all its other parents are above the node. Other checks are items of their own,
 * and what is below all their parents waits for them. No match gives an empty plan, not
 * an error. A streaming node becomes an item "replay"; of a topic its readers, of a
 * bronze table its load. What it reads again is filled in by the worker (worker/sql.h):
 * "replay":{"topic","records","partitions":[{partition,from,to,records}],
 * "loads":[names that follow],"effects":[text…],"warnings":[…]}. Scope "failed" needs
 * no node and repeats exactly what did not succeed.
 *
 * Items are in an order in which they may run; "after" names only items of the plan. */
#ifndef ORCHESTRATE_PLAN_H
#define ORCHESTRATE_PLAN_H

#include "orchestrate/graph.h"

struct plan_request {
    const char *command; /* build run test seed snapshot compile; reruns: as build */
    const char *reason;
    struct graph_selection selection;
    bool full_refresh;
    /* rerun */
    const char *node;         /* NULL: not a rerun */
    const char *scope;        /* "this", "this+", "+this", "failed" */
    const json_t *last_tasks; /* of the run that failed, for scope "failed" */
    bool is_exact; /* scope "failed" as dbt retry: by the same command, those alone */
};
int plan_make(const struct graph *g, const struct plan_request *r, json_t **out,
              struct err *e);
/* Its member text, from the others: after items were changed. */
void plan_text(json_t *plan);

#endif
