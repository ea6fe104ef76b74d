/* Quality suites: Great Expectations JSON as is (0.x and 1.x keys), all map expectations
 * of a suite judged in ONE scan of the relation. Semantics: GX 1.x. A check that cannot
 * run is an error, never a pass. */
#ifndef QUALITY_QUALITY_H
#define QUALITY_QUALITY_H

#include <jansson.h>
#include <stdbool.h>
#include "base/err.h"
#include "warehouse/warehouse.h"

enum verdict { VERDICT_PASS, VERDICT_WARN, VERDICT_FAIL, VERDICT_ERROR };
const char *verdict_name(enum verdict v);

struct suite;
int suite_load(struct suite **out, const char *path, struct err *e);
void suite_free(struct suite *s);
const char *suite_name(const struct suite *s);

struct suite_run {
    const char *schema, *relation; /* what is judged */
    int64_t now_ms;                /* now() in parameters */
    json_t *parameters; /* name → value, or {"query": "select …"}; NULL: none */
    const char *quarantine; /* "schema.table" for failing rows, NULL: none kept */
    int64_t run_id;
};
/* *result: {"success","verdict","suite_name","results":[{"success","verdict",
 * "expectation_config","result","exception_info"}…],"statistics":{…},"meta":{…}} */
int suite_judge(const struct suite *s, struct wh *w, const struct suite_run *r,
                enum verdict *out, json_t **result, struct err *e);

#endif
