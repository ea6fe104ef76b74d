/* Jinja templates with Python values: what dbt's templates need, byte-equal to Jinja2.
 * Knows nothing of SQL or dbt: callers put functions and objects into the context.
 *
 * Lifecycle: jinja_env_new → jinja_compile (template, reusable) → jinja_render per use
 * → free. Values live in the arena of the env or of one render (jinja_render's `mem`).
 */
#ifndef JINJA_JINJA_H
#define JINJA_JINJA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <jansson.h>
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"

enum jv_type {
    JV_UNDEFINED,
    JV_NONE,
    JV_BOOL,
    JV_INT,
    JV_FLOAT,
    JV_STR,
    JV_LIST,
    JV_TUPLE,
    JV_DICT,
    JV_SET,
    JV_FUNC,   /* callable: native or macro */
    JV_OBJECT, /* native object with a vtable */
};

struct jv; /* a value; immutable but for list, dict and set */

struct jinja_env;
struct jinja_template;
struct jinja_call; /* one call in progress: position, macro stack, env, memory */

/* Native function. args[0..n), then keyword names/values. Return NULL after
 * jinja_fail(call, …). userdata from registration. */
typedef struct jv *jinja_fn(struct jinja_call *call, void *userdata, struct jv **args,
                            size_t n, const char *const *kw_names,
                            struct jv **kw_values, size_t n_kw);

/* Native object: attributes, items, text. Any member but name may be NULL; members not
 * named in an initialiser are. A member that fails calls jinja_fail and returns NULL.
 */
struct jinja_class {
    const char *name;
    struct jv *(*get)(struct jinja_call *c, void *self,
                      const char *name); /* NULL: undefined */
    struct jv *(*call)(struct jinja_call *c, void *self, struct jv **args, size_t n,
                       const char *const *kw_names, struct jv **kw_values, size_t n_kw);
    int (*str)(void *self, struct buf *out);              /* {{ obj }} */
    struct jv *(*iter)(struct jinja_call *c, void *self); /* a list */
    bool (*truth)(void *self);
    int (*repr)(void *self, struct buf *out); /* inside lists; NULL: as str */
    struct jv *(*item)(struct jinja_call *c, void *self,
                       struct jv *key); /* self[key] */
    /* a OP b where one is this object; op "+" "-" "*" "/" "//" "%" "**". NULL:
     * unsupported */
    struct jv *(*binary)(struct jinja_call *c, const char *op, struct jv *a,
                         struct jv *b);
    bool is_mapping;                                   /* what `is mapping` says */
    bool (*equal)(void *self, const struct jv *other); /* NULL: same self */
    bool (*order)(void *self, const struct jv *other, int *out); /* false: no order */
};

struct jinja_limits {
    /* 0: the default: 50 M steps, 200 macros deep, 256 MiB output, 512 MiB memory. */
    size_t max_steps, max_depth, max_output, max_memory;
};

struct jinja_env *jinja_env_new(const struct jinja_limits *limits);
void jinja_env_free(struct jinja_env *env);
/* Global of every template of this env (wins over nothing: the context shadows it). */
void jinja_env_set(struct jinja_env *env, const char *name, struct jv *v);
/* Removes a global, so that the resolver is asked for the name; NULL: there was none.
 */
struct jv *jinja_env_take(struct jinja_env *env, const char *name);
/* What an undefined name does. DEFAULT is Jinja2's Undefined, dbt's at run time: prints
 * nothing, is false and empty, and is an error when called, read from or computed with.
 * CHAINABLE is dbt's at parse time: swallows attributes, items, calls, arithmetic too.
 * STRICT is Jinja2's StrictUndefined: an error even when printed, tested or compared.
 */
enum jinja_undefined {
    JINJA_UNDEFINED_DEFAULT,
    JINJA_UNDEFINED_CHAINABLE,
    JINJA_UNDEFINED_STRICT
};
void jinja_env_undefined(struct jinja_env *env, enum jinja_undefined kind);
/* true: DEFAULT (run time), false: CHAINABLE (parse time). A new env is DEFAULT. */
void jinja_env_strict(struct jinja_env *env, bool is_strict);
/* A filter of this env (before the built-in ones): args[0] is the value filtered. */
void jinja_env_filter(struct jinja_env *env, const char *name, struct jv *fn);
/* Whether what is rendered between the two looks at no global but the ones declared
 * pure (their value is the same each time, or what they look at is noted by the
 * caller). The engine's own globals are pure; jinja_env_touch says that something else
 * was looked at.
 */
void jinja_env_pure(struct jinja_env *env, const char *name);
void jinja_env_watch(struct jinja_env *env);
void jinja_env_touch(struct jinja_env *env);
bool jinja_env_was_pure(const struct jinja_env *env);
struct arena *jinja_env_mem(struct jinja_env *env); /* for globals and their values */
/* Resolve a name not found in the context or globals (macro lookup by package). */
typedef struct jv *jinja_resolve_fn(struct jinja_call *c, void *userdata,
                                    const char *name);
void jinja_env_resolver(struct jinja_env *env, jinja_resolve_fn *fn, void *userdata);

/* Source → template. name is used in errors (file path). Extra tags understood:
 * macro, test/data_test, materialization, snapshot, docs: each defines an item below.
 */
int jinja_compile(struct jinja_env *env, const char *name, const char *src, size_t n,
                  struct jinja_template **out, struct err *e);
void jinja_template_free(struct jinja_template *t);
/* The same in memory of the caller's: for a template used once. Not to be freed. */
int jinja_compile_in(struct jinja_env *env, struct arena *mem, const char *name,
                     const char *src, size_t n, struct jinja_template **out,
                     struct err *e);

/* Definitions found at the top level of a template. */
struct jinja_def {
    const char *kind;    /* macro test materialization snapshot docs */
    const char *name;    /* test: without the "test_" prefix; materialization: name */
    const char *adapter; /* materialization */
    const char *body;    /* docs: its text; snapshot: its raw body */
    size_t body_len;
    int body_line; /* line of body's first byte */
    int line;
    const char
        *text; /* macro, test, materialization: from "{%" of its begin to "%}" of */
    size_t text_len; /* its end; lives as long as the text that was compiled */
};
size_t jinja_n_defs(const struct jinja_template *t);
const struct jinja_def *jinja_def(const struct jinja_template *t, size_t i);
/* A macro of this template as a callable value bound to context (a dict; NULL: the
 * context of whoever calls it). name as in jinja_def, or dbt's full name (test_x,
 * materialization_x_ADAPTER). NULL when there is none. Lives as long as the template.
 */
struct jv *jinja_macro(struct jinja_template *t, const char *name, struct jv *context);
/* i-th definition's macro, NULL for docs and snapshot. */
struct jv *jinja_def_macro(struct jinja_template *t, size_t i, struct jv *context);
/* Parameter names of the i-th definition's macro: false past the end. */
bool jinja_def_param(const struct jinja_template *t, size_t i, size_t param,
                     const char **name, bool *has_default);
/* Something of the caller's kept with a template, e.g. which package it belongs to; and
 * the one of the template being executed (of the macro's template inside a macro). */
void jinja_template_set_data(struct jinja_template *t, void *data);
void *jinja_template_data(const struct jinja_template *t);
void *jinja_current_data(struct jinja_call *c);
/* Whether a macro is being executed, not the template's own text. */
bool jinja_in_macro(const struct jinja_call *c);

/* Render with context (JV_DICT or NULL). mem holds everything made on the way. */
int jinja_render(struct jinja_template *t, struct jv *context, struct arena *mem,
                 struct buf *out, struct err *e);
/* Native value (YAML rendering). Text with "{{" or "{%": a template; when it is one
 * sole
 * "{{ x }}" the value of x, else its text. Other text: an expression. The filters
 * as_bool, as_number, as_native and as_text convert here; in jinja_render they do
 * nothing. */
int jinja_eval(struct jinja_env *env, const char *expr, size_t n, struct jv *context,
               struct arena *mem, struct jv **out, struct err *e);

/* Call a macro, function or object from outside a template (a materialization, a test):
 * *result lives in mem, and macro text is a JV_STR. name stands in errors. */
int jinja_call_value(struct jinja_env *env, const char *name, struct jv *fn,
                     struct jv *context, struct jv **args, size_t n,
                     const char *const *kw_names, struct jv **kw_values, size_t n_kw,
                     struct arena *mem, struct jv **result, struct err *e);

/* ── values ── constructors allocate from the call's or given arena ── */
struct jv *jv_none(void);
struct jv *jv_bool(bool v);
struct jv *jv_int(struct arena *a, int64_t v);
struct jv *jv_float(struct arena *a, double v);
struct jv *jv_str(struct arena *a, const char *p, size_t n);
struct jv *jv_strz(struct arena *a, const char *s);
struct jv *jv_list(struct arena *a);
struct jv *jv_tuple(struct arena *a, struct jv **v, size_t n);
struct jv *jv_dict(struct arena *a);
struct jv *jv_set_new(struct arena *a); /* an empty JV_SET; add with jv_append */
struct jv *jv_undefined(struct arena *a, const char *name);
struct jv *jv_func(struct arena *a, const char *name, jinja_fn *fn, void *userdata);
struct jv *jv_object(struct arena *a, const struct jinja_class *cls, void *self);
int jv_append(struct jv *list, struct jv *item);
int jv_set(struct jv *dict, const char *key, struct jv *v);
int jv_setv(struct jv *dict, struct jv *key, struct jv *v);

enum jv_type jv_type(const struct jv *v);
bool jv_truth(const struct jv *v);
int64_t jv_as_int(const struct jv *v);
double jv_as_float(const struct jv *v);
struct str jv_as_str(const struct jv *v); /* JV_STR only */
size_t jv_len(const struct jv *v);
struct jv *jv_at(const struct jv *v, size_t i);            /* list, tuple, set */
struct jv *jv_get(const struct jv *dict, const char *key); /* NULL when absent */
/* i-th pair of a dict in insertion order; false past the end. */
bool jv_pair(const struct jv *dict, size_t i, struct jv **key, struct jv **value);
const struct jinja_class *jv_class(const struct jv *v); /* JV_OBJECT */
void *jv_self(const struct jv *v);
int jv_to_text(const struct jv *v, struct buf *out); /* Python str() */
int jv_to_repr(const struct jv *v, struct buf *out); /* Python repr() */
struct jv *jv_from_json(struct arena *a, const json_t *j);
json_t *jv_to_json(const struct jv *v); /* NULL when it has none (functions) */

/* ── inside a native function ── */
struct arena *jinja_mem(struct jinja_call *c);
void *jinja_userdata(struct jinja_call *c); /* of jinja_env_set_userdata */
void jinja_env_set_userdata(struct jinja_env *env, void *u);
/* Raise a template error at the current position; returns NULL to be returned. */
struct jv *jinja_fail(struct jinja_call *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* The same with an error of another room; its code is kept. */
struct jv *jinja_fail_err(struct jinja_call *c, const struct err *e);
struct jinja_env *jinja_env_of(struct jinja_call *c);
struct jv *jinja_context_of(struct jinja_call *c); /* dict in force, may be NULL */
/* A name as the running template sees it (scopes, context, globals, resolver). */
struct jv *jinja_lookup(struct jinja_call *c, const char *name);
/* x.name as a template would: NULL when the call has failed. */
struct jv *jinja_getattr(struct jinja_call *c, struct jv *v, const char *name);
/* A list of what iterating v gives; NULL when the call has failed. */
struct jv *jinja_iterate(struct jinja_call *c, struct jv *v);
/* a == b as a template would; 1, 0, -1 failed. */
int jinja_equal(struct jinja_call *c, const struct jv *a, const struct jv *b);
/* json.dumps; indent < 0: one line. */
struct jv *jinja_to_json(struct jinja_call *c, struct jv *v, int indent,
                         bool sort_keys);
/* Unwind the innermost macro with a native value: dbt's return(). */
struct jv *jinja_return(struct jinja_call *c, struct jv *v);
struct jv *jinja_invoke(struct jinja_call *c, struct jv *fn, struct jv **args, size_t n,
                        const char *const *kw_names, struct jv **kw_values,
                        size_t n_kw);
/* Positional or keyword argument; NULL when neither is given. */
struct jv *jinja_arg(struct jv **args, size_t n, const char *const *kw_names,
                     struct jv **kw_values, size_t n_kw, size_t pos, const char *name);
/* Template name, line and column being executed. */
void jinja_where(struct jinja_call *c, const char **name, int *line, int *column);

#endif
