/* The template engine: parsing and rendering a six-line model, against Jinja2 itself on
 * the same text in the same run (skipped where python3-jinja2 is not installed).
 *
 *     bench_jinja [ROUNDS]
 * CPU time, not wall time. Fails when parse + render takes more than a twentieth of
 * Jinja2's time. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "base/mem.h"
#include "base/str.h"
#include "jinja/jinja.h"

static const char model[] =
    "{{ config(materialized='incremental', unique_key='id', tags=['daily']) }}\n"
    "select o.id, {% for s in ['paid', 'open'] %}sum(case when status = '{{ s }}' then "
    "1 "
    "end) as {{ s }}{{ ', ' if not loop.last }}{% endfor %}\n"
    "from {{ ref('stg_orders') }} o\n"
    "join {{ ref('stg_customers') }} c on c.id = o.customer_id\n"
    "{% if is_incremental() %}where o.loaded_at > (select max(loaded_at) from {{ this "
    "}})"
    "{% endif %}\n"
    "group by {{ range(1, 2) | join(', ') }}\n";

static const char python[] =
    "import time, sys\n"
    "from jinja2.sandbox import SandboxedEnvironment\n"
    "e = SandboxedEnvironment(extensions=['jinja2.ext.do', "
    "'jinja2.ext.loopcontrols'])\n"
    "e.cache = None\n"
    "src = sys.stdin.read()\n"
    "c = dict(config=lambda **k: '', ref=lambda n: n, is_incremental=lambda: True,"
    " this='t')\n"
    "n = 200\n"
    "t = time.process_time()\n"
    "for i in range(n): e.from_string(src).render(c)\n"
    "print((time.process_time() - t) / n * 1e6)\n"
    "m = e.from_string(src)\n"
    "t = time.process_time()\n"
    "for i in range(n * 10): m.render(c)\n"
    "print((time.process_time() - t) / n / 10 * 1e6)\n";

static double cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static struct jv *fn_first(struct jinja_call *c, void *userdata, struct jv **args,
                           size_t n, const char *const *kw_names, struct jv **kw_values,
                           size_t n_kw)
{
    (void)userdata, (void)kw_names, (void)kw_values, (void)n_kw;
    return n ? args[0] : jv_str(jinja_mem(c), "", 0);
}

static struct jv *fn_true(struct jinja_call *c, void *userdata, struct jv **args,
                          size_t n, const char *const *kw_names, struct jv **kw_values,
                          size_t n_kw)
{
    (void)c, (void)userdata, (void)args, (void)n, (void)kw_names, (void)kw_values,
        (void)n_kw;
    return jv_bool(true);
}

/* Microseconds of Jinja2: parse + render, render; false when it is not there. */
static bool ask_jinja2(double out[2])
{
    char file[] = "/tmp/weir-bench-XXXXXX", command[2000];
    int fd = mkstemp(file);
    FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (!f)
        return false;
    fputs(python, f);
    fclose(f);
    snprintf(command, sizeof command,
             "/usr/bin/python3 %s 2>/dev/null <<'MODEL'\n%s\nMODEL", file, model);
    FILE *p = popen(command, "r");
    bool is_there = p && fscanf(p, "%lf %lf", &out[0], &out[1]) == 2;
    if (p)
        pclose(p);
    remove(file);
    return is_there;
}

static void die(const struct err *e)
{
    fprintf(stderr, "bench_jinja: %s\n", e->text);
    exit(1);
}

int main(int argc, char **argv)
{
    int64_t n = 50000;
    double theirs[2] = {0, 0}, ours[2];
    struct jinja_env *env = jinja_env_new(NULL);
    struct jinja_template *t = NULL;
    struct arena mem;
    struct buf out;
    struct err e;
    if (argc > 1)
        str_to_i64(str_of(argv[1]), &n);
    arena_init(&mem, 0);
    buf_init(&out, 1 << 20);
    struct arena *m = jinja_env_mem(env);
    jinja_env_set(env, "config", jv_func(m, "config", fn_first, NULL));
    jinja_env_set(env, "ref", jv_func(m, "ref", fn_first, NULL));
    jinja_env_set(env, "is_incremental", jv_func(m, "is_incremental", fn_true, NULL));
    jinja_env_set(env, "this", jv_strz(m, "t"));
    double start = cpu_us();
    for (int64_t i = 0; i < n; i++) { /* as models are parsed, in one memory */
        buf_reset(&out);
        arena_reset(&mem);
        if (jinja_compile_in(env, &mem, "model", model, sizeof model - 1, &t, &e) < 0 ||
            jinja_render(t, NULL, &mem, &out, &e) < 0)
            die(&e);
    }
    if (jinja_compile(env, "model", model, sizeof model - 1, &t, &e) < 0)
        die(&e);
    ours[0] = (cpu_us() - start) / (double)n;
    start = cpu_us();
    for (int64_t i = 0; i < n; i++) {
        buf_reset(&out);
        arena_reset(&mem);
        if (jinja_render(t, NULL, &mem, &out, &e) < 0)
            die(&e);
    }
    ours[1] = (cpu_us() - start) / (double)n;
    bool has_baseline = ask_jinja2(theirs);
    printf("%-18s %10s %12s %10s\n", "six-line model", "us", "Jinja2 us", "times");
    for (int i = 0; i < 2; i++)
        printf("%-18s %10.2f %12.1f %10.0f\n", i ? "render" : "parse + render", ours[i],
               theirs[i], has_baseline ? theirs[i] / ours[i] : 0);
    jinja_template_free(t);
    buf_release(&out);
    arena_release(&mem);
    jinja_env_free(env);
    bool ok = !has_baseline || ours[0] * 20 < theirs[0];
    puts(!has_baseline ? "ok (no baseline: python3-jinja2 is not installed)"
         : ok          ? "ok"
              : "BELOW TARGET: parse + render at least 20 times Jinja2's speed");
    return ok ? 0 : 1;
}
