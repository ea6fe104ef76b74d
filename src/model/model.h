/* The model engine: a dbt-shaped project → manifest → compile → materialize → publish.
 * Semantics: dbt v1 (1.9+). Workers and commands call it; it holds no global state. */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include "base/err.h"
#include "warehouse/warehouse.h"

struct project;

/* Order of two model versions: as numbers, else as texts. */
int version_compare(const char *a, const char *b);

struct project_options {
    const char *project_dir; /* folder of dbt_project.yml */
    const char
        *profiles_dir; /* NULL: as dbt looks; absent: the platform's own target */
    const char *target, *profile;
    const char *platform_profile, *platform_target; /* of weir.yml; NULL or "": none */
    bool is_platform;        /* weir.yml is there: ~/.dbt is not looked at */
    const char *vars;        /* JSON or YAML text of --vars, NULL */
    const char *adapter;     /* "sqlite" */
    const char *schema;      /* default schema of the target, "main" */
    const char *database;    /* of the target; NULL: relations have none */
    int threads;             /* 0: 1 */
    const char *dialect;     /* dialect of the SQL text: "sqlite", "snowflake" */
    const char *target_path; /* NULL: PROJECT/target */
    int64_t now_ms;          /* run_started_at; < 0: wall clock */
    bool full_refresh, is_empty, store_failures;
    bool no_cache; /* neither read nor write what an earlier parse left */
};

enum node_type {
    NODE_MODEL,
    NODE_SEED,
    NODE_SNAPSHOT,
    NODE_TEST,
    NODE_UNIT_TEST,
    NODE_ANALYSIS,
    NODE_OPERATION,
    NODE_SOURCE,
    NODE_EXPOSURE,
    NODE_MACRO,
};

/* What others may see of a node; borrowed from the project until project_free. */
struct node {
    enum node_type type;
    const char *unique_id; /* model.retail.stg_transactions */
    const char *name, *package, *path /* original_file_path */, *schema, *alias;
    const char
        *own_path; /* path inside its package: what artifacts, ls and path: take */
    const char
        *materialized;    /* view table incremental ephemeral seed snapshot test … */
    const char *severity; /* tests: error, warn */
    const char *const *fqn; /* NULL-terminated */
    const char *const *tags;
    const char *const *depends_on; /* unique ids of nodes and sources */
    const char *test_name;         /* generic tests: unique, not_null … */
    const char *attached;          /* tests: unique id of the tested node, or NULL */
    const char *source_name;       /* sources */
    /* models with versions: "2", and which is the latest; NULL without */
    const char *version, *latest_version;
    bool is_enabled;
    bool is_blank;  /* models without a text: never built */
    json_t *config; /* merged config */
};

/* Makes the warehouse of profiles.yml the platform's own, unless weir.yml names one;
 * found by DBT_PROFILES_DIR, DBT_PROFILE, DBT_TARGET (where options of a command line
 * go, for the children too) and dbt's search order. ERR_CONFIG names file and key. */
int profile_apply(struct platform *p, struct err *e);
/* What templates see as target: the output of profiles.yml without its secrets. */
const json_t *project_target(const struct project *p);

int project_load(struct project **out, const struct project_options *o, struct err *e);
void project_free(struct project *p);
/* For a process that ends now: its memory goes with it, and freeing the pieces of ten
 * thousand models one by one would take as long as reading them did. */
void project_leave(struct project *p);
/* For the next run: its clock (run_started_at) and flags. */
void project_set_run(struct project *p, int64_t now_ms, bool full_refresh);
/* The invocation's flags by dbt's names ({"which": "run", "empty": true, "sample": …,
 * "event_time_start": …}): what templates see as flags and invocation_args_dict, and
 * what the engine looks up with project_flag. Copied; NULL: none. */
void project_set_flags(struct project *p, const json_t *flags);
/* One of them, borrowed; NULL when it is not given or null. */
const json_t *project_flag(const struct project *p, const char *name);
/* --defer: refs to nodes that are not chosen, and are not there, mean the relations of
 * state_dir's manifest.json, until the flags change. chosen: unique ids, copied. */
int project_set_defer(struct project *p, const char *state_dir,
                      const char *const *chosen, size_t n, struct err *e);
/* A behaviour flag of dbt_project.yml's `flags:`; false when it is not there. */
bool project_behaves(const struct project *p, const char *flag);
bool project_has_defer(const struct project *p);
/* Changes when a file of the project or of its packages does (names, sizes, times). */
uint64_t project_mark(const char *project_dir);
size_t project_n_nodes(const struct project *p);
const struct node *project_node(const struct project *p, size_t i);
const struct node *project_find(const struct project *p, const char *unique_id);
const char *project_name(const struct project *p);
/* Folder of the artifacts. */
const char *project_target_dir(const struct project *p);
/* Warnings gathered while parsing, one line each. */
size_t project_n_warnings(const struct project *p);
const char *project_warning(const struct project *p, size_t i);
/* Whether that warning tells of a node or file that cannot be used at all. */
bool project_is_fault(const struct project *p, size_t warning);
size_t project_n_faults(const struct project *p);

/* Compiled SQL of a node (after Jinja, CTEs of ephemerals in, before wh_translate). wh
 * may be NULL: introspection then finds nothing. */
int model_compile(struct project *p, struct wh *w, const struct node *n,
                  struct buf *sql, struct err *e);

/* The same of a text that is no node: "select … {{ ref('x') }}". */
int model_compile_inline(struct project *p, struct wh *w, const char *text,
                         struct buf *sql, struct err *e);
/* Calls a macro ("name" or "package.name") with the arguments of a YAML mapping (NULL:
 * none). Its statements run on w, each committed by itself. */
int project_run_operation(struct project *p, struct wh *w, const char *macro,
                          const char *args_text, struct err *e);

/* Called on the relation that is about to be published, inside model_run: tests of the
 * node have passed. A negative return stops the publication (ERR_BLOCKED: critical). */
typedef int model_gate_fn(void *arg, const struct node *n, const char *schema,
                          const char *built, json_t **detail, struct err *e);

struct model_result {
    const char *status; /* success error skipped | pass warn fail error | blocked */
    char message[4096];
    int64_t rows; /* -1 unknown; tests: failures */
    int code;     /* enum err_code of what went wrong, 0 */
    double seconds;
    json_t *detail;  /* gate verdict, adapter_response; new reference or NULL */
    json_t *tests;   /* results of the tests run before publishing, array or NULL */
    json_t *batches; /* microbatch: {successful, failed}: [[start, end]…], or NULL */
    bool is_partial; /* some of them failed: dbt's "partial success" */
    bool tests_failed; /* of a node that was published before them (publish: dbt) */
};
void model_result_release(struct model_result *r);

/* Run one node: model, seed, snapshot (build aside → its tests → gate → publish), test,
 * operation. tests_first: run the node's own tests on the built relation. Returns 0
 * with result->status for anything that went wrong in the node; negative only when the
 * engine itself failed. */
struct model_run_options {
    bool tests_first;
    model_gate_fn *gate;
    void *gate_arg;
    bool full_refresh;
};
int model_run(struct project *p, struct wh *w, const struct node *n,
              const struct model_run_options *o, struct model_result *result,
              struct err *e);
int project_on_run(struct project *p, struct wh *w, bool is_start,
                   const json_t *results,
                   struct err *e); /* on-run-start / on-run-end */

/* Artifacts. */
/* A node's entry of the manifest; a new reference, its values not to be changed. */
json_t *project_node_json(struct project *p, const struct node *n);
/* manifest.json's value; a new reference. */
json_t *project_manifest(struct project *p);
int project_write_manifest(struct project *p, struct err *e);
/* run_results.json (v6), a journal while the run goes on (results.c). Begins it; args:
 * the invocation's flags; planned: the plan's items, [{"node", "tests": […]}…]. What an
 * earlier run left unfinished is made a file first. */
int results_begin(struct project *p, const json_t *args, const json_t *planned,
                  struct err *e);
/* Wall clock, microseconds: when a node begins. */
int64_t results_now_us(void);
/* The result of a node, and those of the tests that ran with it, into the journal. */
int results_add(struct project *p, struct wh *w, const struct node *n,
                const struct model_result *m, int64_t from_us, struct err *e);
/* Of every on-run-start (or -end) hook; why: what went wrong with them, or NULL. */
int results_add_hooks(struct project *p, bool is_start, int64_t from_us,
                      const char *why, struct err *e);
/* One run_results v6 object. */
json_t *results_row(struct project *p, const struct node *n,
                    const struct model_result *m, int64_t from_us);
/* All results until now, and those of rest that have none; a new reference. */
json_t *results_so_far(struct project *p, const json_t *rest);
/* The file. rest: results of nodes that never ran (an array of v6 objects); planned
 * nodes in neither are skipped. */
int results_end(struct project *p, const json_t *rest, double elapsed_s, struct err *e);
/* The file of a run that was killed, if the target folder has its journal. is_over: who
 * calls knows that no run is going on; else ERR_LOCKED while one is. */
int results_recover(const char *target_dir, bool is_over, struct err *e);
/* catalog.json (v1) of the relations that w has (NULL: none); *n: how many. */
int project_write_catalog(struct project *p, struct wh *w, size_t *n, struct err *e);
/* Whether a node is a source with a warn_after or an error_after. */
bool project_has_freshness(const struct node *n);
/* The verdict on such a source, a result of sources.json (v3): status pass, warn, error
 * or "runtime error" with what went wrong in error. A new reference. */
json_t *project_freshness(struct project *p, struct wh *w, const struct node *n);
int project_write_sources(struct project *p, const json_t *results, double elapsed_s,
                          struct err *e);

#endif
