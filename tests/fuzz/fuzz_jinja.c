/* Any bytes as a template, then rendered with small limits: an error or text, never a
 * crash, an endless loop or memory without end. */
#include "base/err.h"
#include "jinja/jinja.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct jv *sample_context(struct arena *a)
{
    struct jv *d = jv_dict(a), *l = jv_list(a), *inner = jv_dict(a);
    jv_append(l, jv_int(a, 3));
    jv_append(l, jv_strz(a, "b"));
    jv_set(inner, "k", jv_float(a, 0.5));
    jv_append(l, inner);
    jv_set(d, "l", l);
    jv_set(d, "d", inner);
    jv_set(d, "s", jv_strz(a, "a\xc3\xa9 b"));
    jv_set(d, "n", jv_int(a, 7));
    return d;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct jinja_limits l = {.max_steps = 20000,
                             .max_depth = 40,
                             .max_output = 1 << 16,
                             .max_memory = 16 << 20};
    struct jinja_env *env = jinja_env_new(&l);
    struct jinja_template *t = NULL;
    struct arena mem;
    struct buf out;
    struct err e;
    arena_init(&mem, 0);
    buf_init(&out, 1 << 20);
    jinja_env_undefined(env, (enum jinja_undefined)(size % 3));
    if (jinja_compile(env, "fuzz", (const char *)data, size, &t, &e) == 0)
        (void)jinja_render(t, sample_context(&mem), &mem, &out, &e);
    struct jv *v;
    (void)jinja_eval(env, (const char *)data, size, NULL, &mem, &v, &e);
    jinja_template_free(t);
    buf_release(&out);
    arena_release(&mem);
    jinja_env_free(env);
    return 0;
}

#include "fuzz/driver.inc"
