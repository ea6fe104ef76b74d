/* The sql worker's parts: the engine (project and warehouse, also opened by the
 * commands compile, ls and query), gates, and the tasks. */
#ifndef WORKER_SQL_H
#define WORKER_SQL_H

#include <jansson.h>
#include "base/err.h"
#include "conf/conf.h"
#include "model/model.h"
#include "warehouse/warehouse.h"
#include "wire/channel.h"

struct sql_engine {
    const struct platform *p;
    struct project *project;
    struct wh *w;
    struct wh *quarantine; /* of the gates, opened when first needed */
    char *vars;            /* the project was loaded with */
    json_t *flags;         /* of the invocation, by dbt's names; owned, NULL: none */
    json_t *loaded_flags;  /* the project was loaded with */
    uint64_t mark;         /* of the project's files when it was loaded */
    int64_t run;           /* whose tasks are being done: they see one project */
    int64_t marked_run;    /* the run for which the files were last looked at */
    int64_t now_ms;
};

/* Loads the project, or loads it again when its files or the vars changed. */
int sql_engine_project(struct sql_engine *g, const char *vars, struct err *e);
/* For what is loaded next: the invocation's flags (model.h). Copied. */
void sql_engine_flags(struct sql_engine *g, const json_t *flags);
/* The folder that artifacts and compiled SQL go to: --target-path, else dbt's target/
 * in a folder without weir.yml, else STATE/target. mem_free. */
char *sql_target_dir(const struct platform *p, const json_t *flags);
/* --defer of the flags, once for a loaded project and its flags. */
int sql_engine_defer(struct sql_engine *g, struct err *e);
/* ERR_CONFIG when --warn-error makes an error of a warning of the project or of one of
 * the selection's (an array of texts, or NULL). */
int sql_engine_warnings(const struct sql_engine *g, const json_t *selection,
                        struct err *e);
/* The same of one kind of warning by dbt's name. */
bool sql_is_error(const json_t *flags, const char *name);
/* Opens the warehouse once, with the schemas of the platform. */
int sql_engine_warehouse(struct sql_engine *g, bool is_readonly, struct err *e);
/* At the end of the process. */
void sql_engine_release(struct sql_engine *g);

/* PLAN for the data of a plan task; the project is loaded. *plan: a new reference. */
int sql_plan(struct sql_engine *g, const json_t *data, json_t **plan, struct err *e);
/* Items "replay" get what they read again: "replay" and their detail (plan.h). from:
 * begin (NULL), an offset or an ISO time. What has nothing to read again becomes
 * skipped. */
int sql_replay_plan(const struct platform *p, const char *from, json_t *plan,
                    struct err *e);
/* Do what item["replay"] says, with the processes of its node stopped; *records: how
 * many are read again. */
int sql_replay(const struct platform *p, const json_t *item, struct channel *ch,
               int64_t *records, struct err *e);

/* Serves tasks from the supervisor until stop. */
int sql_run(const struct platform *p, struct channel *ch, struct err *e);

/* Gates on one relation. */
struct sql_gates {
    struct sql_engine *engine;
    struct channel *channel; /* alerts; NULL: none */
    int64_t run, now_ms;
    const char *only; /* one gate by name, NULL: all on the relation */
    json_t *results;  /* out: array of {name, on, verdict, failed, total} */
};
/* model_gate_fn: judges every gate on the node's relation; ERR_BLOCKED when one blocks.
 */
int sql_gates_judge(void *arg, const struct node *n, const char *schema,
                    const char *built, json_t **detail, struct err *e);
int sql_gates_on(struct sql_gates *g, const char *on, const char *schema,
                 const char *built, struct err *e);

#endif
