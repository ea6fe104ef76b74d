/* Short forms for native functions of the templates. */
#ifndef MODEL_NATIVE_H
#define MODEL_NATIVE_H

#include "model/internal.h"

#define NATIVE(name)                                                                   \
    static struct jv *name(struct jinja_call *c, void *userdata, struct jv **args,     \
                           size_t n, const char *const *kw_names,                      \
                           struct jv **kw_values, size_t n_kw)
/* Argument at a position or by keyword, NULL when absent. */
#define ARG(pos, key) jinja_arg(args, n, kw_names, kw_values, n_kw, pos, key)
#define UNUSED                                                                         \
    (void)userdata, (void)args, (void)n, (void)kw_names, (void)kw_values, (void)n_kw

static inline bool jv_is(const struct jv *v, enum jv_type t)
{
    return v && jv_type(v) == t;
}

/* Text of a string value in mem, NULL for anything else. */
static inline const char *jv_cstr(struct arena *mem, const struct jv *v)
{
    if (!jv_is(v, JV_STR))
        return NULL;
    struct str s = jv_as_str(v);
    return arena_strndup(mem, s.p, s.n);
}

static inline struct jv *jv_function(struct arena *mem, const char *name, jinja_fn *fn,
                                     void *userdata)
{
    return jv_func(mem, name, fn, userdata);
}

#endif
