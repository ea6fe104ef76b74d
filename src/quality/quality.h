/* Quality suites: Great Expectations JSON as is (0.x and 1.x keys), all map
 * expectations of a suite judged in ONE scan of the relation. Semantics: GX 1.x. A
 * check that cannot run is an error, never a pass. */
#ifndef QUALITY_QUALITY_H
#define QUALITY_QUALITY_H

#include <jansson.h>
#include <stdbool.h>
#include "base/err.h"
#include "base/buf.h"
#include "conf/conf.h"
#include "warehouse/warehouse.h"

enum verdict { VERDICT_PASS, VERDICT_WARN, VERDICT_FAIL, VERDICT_ERROR };
const char *verdict_name(enum verdict v);

struct suite;
/* A suite file of either generation, or a bare list of {"expectation_type","kwargs"}; e
 * names the file and what is wrong. A type that is not known is kept and reported as
 * not evaluated. */
int suite_load(struct suite **out, const char *path, struct err *e);
int suite_parse(struct suite **out, const json_t *json, const char *name,
                struct err *e);
void suite_free(struct suite *s);
const char *suite_name(const struct suite *s);
size_t suite_n_expectations(const struct suite *s);

struct suite_run {
    const char *schema, *relation; /* what is judged */
    const char *on; /* its name for people when it is built aside, "silver.stg_x"; NULL:
                       schema.relation */
    const char *where; /* SQL condition on its rows, NULL: all */
    int64_t now_ms;    /* now() in parameters, UTC */
    json_t
        *parameters; /* name → value, or {"query": "select …"}; NULL: none; borrowed */
    const char *quarantine;   /* "schema.table" for failing rows, NULL: none kept */
    struct wh *quarantine_wh; /* a handle of its own, because the judged transaction may
                                 be rolled back; NULL: the judging one */
    int64_t run_id;
};
/* Judge. 0 whatever the verdict; negative only when judging itself was impossible (no
 * memory, interrupted). *result (new reference), GX's form with a verdict added:
 * {"success","verdict":"pass|warn|fail|error","suite_name","on":"schema.relation",
 *  "results":[{"success","verdict":"pass|warn|fail|error|info|not_evaluated","severity",
 *     "expectation_config":{type,kwargs,…},"result":{element_count,…},
 *     "exception_info":{raised_exception,exception_message,exception_traceback}}…],
 *  "statistics":{evaluated_expectations,successful_expectations,unsuccessful_expectations,
 *     success_percent},"meta":{run_id,now,quarantined}} */
int suite_judge(const struct suite *s, struct wh *w, const struct suite_run *r,
                enum verdict *out, json_t **result, struct err *e);
/* One line for people: "2 of 8 failed: expect_column_values_to_be_in_set(store_id) 3 of
 * 406 unexpected; …". */
void suite_summary(const json_t *result, struct buf *out);

/* The checks of a result as rows of a table: [{expectation (without "expect_"), column,
 * severity, verdict, expected ("min_value=1 max_value=9"), unexpected, rows, observed,
 * message}]; new reference. */
json_t *suite_checks(const json_t *result);

/* The gate of weir.yml: its suite file, its parameters and "quarantine.NAME" filled
 * into a run; schema and relation from its `on`. Judges and frees. schema/relation
 * non-NULL: judge that instead (a relation built aside). */
struct gate_request {
    const struct platform *platform;
    const struct conf_gate *gate;
    const char *schema, *relation, *where;
    const char *const *sets; /* "name=value" overrides, NULL-terminated, may be NULL */
    struct wh *quarantine_wh;
    int64_t now_ms, run_id;
    bool keep_rows; /* false: nothing goes to quarantine */
};
int gate_judge(const struct gate_request *g, struct wh *w, enum verdict *out,
               json_t **result, struct err *e);
/* Does this verdict stop what is downstream, by the gate's `block:` (critical: fail and
 * error; any: warn too; never: no verdict)? */
bool gate_blocks(const struct conf_gate *g, enum verdict v);

#endif
