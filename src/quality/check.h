/* One expectation being judged, and the seam every expectation family implements: a row
 * with plan (add what is needed to the one scan) and judge (decide on what it gave).
 * Internal to src/quality. */
#ifndef QUALITY_CHECK_H
#define QUALITY_CHECK_H

#include "base/vec.h"
#include "quality/quality.h"

enum severity { SEVERITY_CRITICAL, SEVERITY_WARNING, SEVERITY_INFO };

/* As the file has it. */
struct expectation {
    char *type;
    json_t *kwargs, *meta, *whole; /* whole: the item, unknown keys kept */
    enum severity severity;
};
struct suite {
    char *name;
    json_t *parameters; /* suite_parameters, evaluation_parameters */
    VEC(struct expectation) items;
};

struct check_value {
    enum wh_type type;
    int64_t i;
    double d;
    char *text;
};

/* The one statement: expressions, each once, and their values when it has run. */
struct scan {
    struct wh *w;
    char *source; /* FROM: the relation, or its rows under the run's where */
    VEC(char *) exprs;
    struct check_value *values; /* as many as exprs */
};

enum check_state { CHECK_JUDGED, CHECK_ERROR, CHECK_NOT_EVALUATED };

struct check {
    const struct expectation *item;
    const struct expectation_row *row; /* NULL: unknown type */
    const struct suite_run *run;
    struct scan *scan;
    json_t *columns;    /* names of the relation, in order; borrowed */
    json_t *kwargs;     /* parameters resolved; owned */
    const char *column; /* kwargs.column, NULL for table expectations */
    char *quoted;       /* the column for SQL */
    char *domain;       /* row_condition as SQL, NULL: all rows */
    double mostly;
    /* map expectations */
    char *unexpected;  /* SQL: true for an unexpected row of the domain */
    bool counts_nulls; /* denominator is every row (null checks) */
    bool is_unique;    /* unexpected: a row whose value others have too */
    int at[6];         /* what plan added to the scan */
    /* outcome */
    enum check_state state;
    bool is_success;
    int64_t element_count, missing_count, unexpected_count;
    json_t *result; /* owned */
    char *message;  /* why it could not run */
};

struct expectation_row {
    const char *type; /* without "expect_" */
    int (*plan)(struct check *k, struct err *e);
    int (*judge)(struct check *k, struct err *e);
    bool is_map;
};
const struct expectation_row *expectation_find(const char *type);

/* ── for the families ── */
/* Index of sql's value in the scan; the same text is computed once. Takes sql. */
int scan_add(struct scan *s, char *sql);
const struct check_value *check_value(const struct check *k, int at);
int64_t check_count(const struct check *k, int at); /* null: 0 */
json_t *check_json(const struct check_value *v);    /* new reference */
/* A map expectation on k->column: unexpected is the SQL condition (taken), without the
 * null test, which is added. */
int check_plan_map(struct check *k, char *unexpected, struct err *e);
int check_judge_map(struct check *k, struct err *e);
/* SQLite has no types that hold and functions of its own; elsewhere SQL is stricter. */
bool check_is_sqlite(const struct check *k);
/* "CASE WHEN domain THEN x END", or x. Heap; caller frees. */
char *check_in_domain(const struct check *k, const char *x);
/* A column of the relation by name (case ignored), quoted for SQL; heap. */
int check_quote(struct check *k, const char *name, char **out, struct err *e);
/* A kwarg, NULL when absent or null. */
const json_t *check_arg(const struct check *k, const char *name);
bool check_flag(const struct check *k, const char *name, bool fallback);
/* A value as an SQL literal, appended; ERR_TYPE for lists and objects. */
int sql_literal(struct buf *out, const json_t *v, struct err *e);
void sql_text(struct buf *out, const char *s, size_t n);
/* Is observed within [min, max], each may be NULL; text is compared as time when both
 * are times, as numbers when both are numbers. 1, 0, ERR_TYPE. */
int bounds_hold(const json_t *observed, const struct check *k, struct err *e);
/* At least one of min_value and max_value must be there. */
int bounds_required(const struct check *k, struct err *e);

/* ── parts of a run ── */
/* condition.c: row_condition of the old and the new form → SQL (heap). */
int condition_sql(const struct check *k, struct wh *w, char **out, struct err *e);
/* parameter.c: every {"$PARAMETER": …} inside v replaced; new reference. */
struct parameters {
    const json_t *given, *suite; /* run's and suite's values by name */
    int64_t now_ms;
    struct wh *w; /* for {"query": …} */
};
int parameters_resolve(const struct parameters *p, const json_t *v, json_t **out,
                       struct err *e);
/* scan.c */
int scan_run(struct scan *s, struct err *e);
void scan_release(struct scan *s);
/* rows.c: failing rows of map checks. */
int rows_examples(struct check *k, size_t n, json_t **out, struct err *e);
int rows_quarantine(struct check *k, const char *suite, int64_t *kept, struct err *e);
/* report.c */
json_t *report_check(const struct check *k, enum verdict *v, bool *is_evaluated);

#endif
