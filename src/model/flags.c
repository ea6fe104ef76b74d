/* The flags of an invocation: what the command line, the environment and the project's
 * `flags:` said, by dbt's names. In: the object that travels with a task. Out: the
 * context's flags and invocation_args_dict. Called before a run and by the commands. */
#include "model/internal.h"

#include <ctype.h>
#include <string.h>

const json_t *project_flag(const struct project *p, const char *name)
{
    const json_t *v = json_object_get(p->flags, name);
    return json_is_null(v) ? NULL : v;
}

bool project_behaves(const struct project *p, const char *flag)
{
    return json_flag(json_obj(p->root->conf, "flags"), flag, false);
}

/* flags.FULL_REFRESH: templates see the names in capitals, and a missing one as None.
 */
static struct jv *flags_new(struct project *p)
{
    struct arena *mem = &p->mem;
    struct jv *f = jv_dict(mem);
    json_t *v;
    const char *key;
    json_object_foreach (p->flags, key, v) {
        char *name = arena_strdup(mem, key);
        for (char *s = name; *s; s++)
            *s = (char)toupper((unsigned char)*s);
        jv_set(f, name, jv_from_json(mem, v));
    }
    jv_set(f, "FULL_REFRESH", jv_bool(p->o.full_refresh));
    jv_set(f, "STORE_FAILURES", jv_bool(p->o.store_failures));
    jv_set(f, "EMPTY", jv_bool(p->o.is_empty));
    if (!project_flag(p, "which"))
        jv_set(f, "WHICH", jv_strz(mem, "build"));
    return f;
}

void flags_context(struct project *p)
{
    struct arena *mem = &p->mem;
    jinja_env_set(p->env, "flags", flags_new(p));
    jinja_env_set(p->env, "invocation_args_dict",
                  p->flags ? jv_from_json(mem, p->flags) : jv_dict(mem));
}

void project_set_flags(struct project *p, const json_t *flags)
{
    if (p->flags && flags && json_equal(p->flags, flags))
        return;
    json_decref(p->flags);
    defer_free(p); /* another run, another selection */
    p->flags = flags ? json_deep_copy(flags) : NULL;
    p->o.is_empty = json_flag(flags, "empty", false);
    p->o.store_failures = json_flag(flags, "store_failures", false);
    if (json_flag(flags, "full_refresh", false))
        p->o.full_refresh = true;
    flags_context(p);
}
