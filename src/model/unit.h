/* Unit tests of models (unit_tests: in .yml files): what unit_tests.c makes of a
 * declaration, unit_rows.c of its rows, unit_run.c runs and unit_diff.c compares.
 * A unit test is an item of its own, of type NODE_UNIT_TEST, that depends on its model
 * alone; the planner puts it before the model. */
#ifndef MODEL_UNIT_H
#define MODEL_UNIT_H

#include "model/internal.h"

/* Stands in for one of the relations that the model refers to. */
struct unit_input {
    const char *text;  /* as given: "ref('x')", "source('s', 't')" or "this" */
    struct item *node; /* what it stands for */
    const char *cte;   /* name it has in the compiled SQL */
    json_t *rows;      /* array of objects; NULL: sql */
    const char *sql;
};

struct unit_test {
    struct item *model;
    json_t *def; /* its entry, rows normalized; owned by the item's unit_def */
    struct unit_input *inputs;
    size_t n;
    const struct unit_input *this; /* NULL: not given */
    json_t *macros, *vars, *env;   /* overrides, NULL; borrowed from def */
    item_list used;                /* by the rendering in progress */
};

/* ── unit_rows.c ── */
/* rows of a given or expect entry (dict, csv, sql, fixture) put in order inside it:
 * "rows" becomes a list of mappings, or a text of SQL. seed: whose file has the rows
 * when none are given; NULL. what: "the input ref('x')", for messages. */
int unit_rows_normalize(struct project *p, struct item *test, json_t *entry,
                        const struct item *seed, const char *what, struct err *e);

/* ── unit_diff.c ── */
/* Rows of texts; cell NULL: null. All in mem. */
struct unit_table {
    struct arena *mem;
    const char **columns;
    size_t n_columns;
    VEC(const char **) rows;
};
/* Sorts both and compares them as multisets; what differs as a table for people is
 * added to out. True when they are equal. */
bool unit_diff(struct unit_table *expected, struct unit_table *actual, struct buf *out);

/* ── unit_run.c ── */
/* What ref(to) and source(to) are while a unit test's model is rendered; NULL after
 * jinja_fail. */
struct jv *unit_relation(struct jinja_call *c, struct render *r, struct item *to);
/* A macro that the unit test replaces: a function that gives its value; NULL: it does
 * not. name: "is_incremental" or "package.name". */
struct jv *unit_macro(struct render *r, struct arena *mem, const char *name);

#endif
