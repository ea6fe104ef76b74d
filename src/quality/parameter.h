/* The reading of one parameter expression, shared by parameter.c (names, and the
 * whole), parameter_expr.c (the grammar) and parameter_call.c (functions, times).
 * Internal to src/quality. */
#ifndef QUALITY_PARAMETER_H
#define QUALITY_PARAMETER_H

#include "quality/check.h"

enum parameter_kind { VAL_NUMBER, VAL_TIME, VAL_SPAN, VAL_JSON };
struct parameter_value {
    enum parameter_kind kind;
    double number; /* NUMBER */
    bool is_int;
    int64_t ms;   /* TIME, SPAN */
    json_t *json; /* JSON: owned */
};

struct parameter_reader {
    const struct parameters *p;
    const json_t *object; /* with its own "$PARAMETER.name" values */
    const char *text, *at;
    int depth;
    struct err *e;
};

/* ERR_CONFIG with the expression, the column reached and what is wrong there. */
int parameter_fail(struct parameter_reader *r, const char *what);
void parameter_skip(struct parameter_reader *r); /* blanks */
/* The character c comes next, behind blanks, and is read. */
bool parameter_take(struct parameter_reader *r, char c);
void parameter_release(struct parameter_value *v);

/* A whole expression: sums of products of powers. out is the caller's to release. */
int parameter_expr(struct parameter_reader *r, struct parameter_value *out);
/* name(…), the reader standing at the bracket. */
int parameter_function(struct parameter_reader *r, const char *name,
                       struct parameter_value *out);
/* The quoted part of interval '5 minutes 30 seconds'. */
int parameter_interval(struct parameter_reader *r, struct parameter_value *out);
/* The value that a name stands for: the run's, the object's own, the suite's; NULL. */
const json_t *parameter_find(const struct parameter_reader *r, const char *name);
/* The same as a value, its query run; unknown names are an error. */
int parameter_named(struct parameter_reader *r, const char *name,
                    struct parameter_value *out);

#endif
