/* The template engine's API: rendering, native values, functions, objects, macros from
 * outside, return(), undefined kinds, errors with their place, limits. What templates
 * print is compared with Jinja2 itself in test_jinja_differential.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/str.h"
#include "jinja/jinja.h"

struct fixture {
    struct jinja_env *env;
    struct arena mem;
    struct buf out;
    struct err e;
    int rc;
};

static int setup(void **state)
{
    struct fixture *f = mem_alloc(sizeof *f);
    f->env = jinja_env_new(NULL);
    arena_init(&f->mem, 0);
    buf_init(&f->out, 1 << 24);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    jinja_env_free(f->env);
    arena_release(&f->mem);
    buf_release(&f->out);
    mem_free(f);
    return 0;
}

/* Rendered text, or the error's text with f->rc set. */
static const char *render_with(struct fixture *f, const char *src, struct jv *context)
{
    struct jinja_template *t = NULL;
    buf_reset(&f->out);
    err_clear(&f->e);
    f->rc = jinja_compile(f->env, "t.sql", src, strlen(src), &t, &f->e);
    if (f->rc == 0)
        f->rc = jinja_render(t, context, &f->mem, &f->out, &f->e);
    jinja_template_free(t);
    return f->rc < 0 ? f->e.text : buf_str(&f->out);
}

static const char *render(struct fixture *f, const char *src)
{
    return render_with(f, src, NULL);
}

static void test_text_and_values(void **state)
{
    struct fixture *f = *state;
    struct jv *d = jv_dict(&f->mem);
    jv_set(d, "name", jv_strz(&f->mem, "orders"));
    jv_set(d, "n", jv_int(&f->mem, 3));
    assert_string_equal(
        render_with(f, "select * from {{ name }} limit {{ n + 1 }}\n", d),
        "select * from orders limit 4");
    assert_string_equal(render(f, ""), "");
    assert_string_equal(render(f, "{{ [1, 'a', none, 2.50, {'k': (1,)}] }}"),
                        "[1, 'a', None, 2.5, {'k': (1,)}]");
    assert_string_equal(render(f, "{{ true ~ 1 }}"), "True1");
}

static struct jv *fn_ref(struct jinja_call *c, void *userdata, struct jv **args,
                         size_t n, const char *const *kw_names, struct jv **kw_values,
                         size_t n_kw)
{
    struct jv *name = jinja_arg(args, n, kw_names, kw_values, n_kw, 0, "name");
    (void)userdata;
    if (!name)
        return jinja_fail(c, "ref needs a name");
    char *s = arena_printf(jinja_mem(c), "\"main\".\"%s\"%zu", jv_as_str(name).p, n_kw);
    return jv_strz(jinja_mem(c), s);
}

static struct jv *fn_return(struct jinja_call *c, void *userdata, struct jv **args,
                            size_t n, const char *const *kw_names,
                            struct jv **kw_values, size_t n_kw)
{
    (void)userdata, (void)kw_names, (void)kw_values, (void)n_kw;
    return jinja_return(c, n ? args[0] : jv_none());
}

static void test_native_function(void **state)
{
    struct fixture *f = *state;
    jinja_env_set(f->env, "ref", jv_func(jinja_env_mem(f->env), "ref", fn_ref, NULL));
    assert_string_equal(render(f, "{{ ref('a') }} {{ ref(name='b', v=2) }}"),
                        "\"main\".\"a\"0 \"main\".\"b\"2");
    assert_non_null(
        strstr(render(f, "x\n  {{ ref() }}"), "t.sql:2:6: ref needs a name"));
    assert_int_equal(f->rc, ERR_FAIL);
}

static void test_return_unwinds_one_macro(void **state)
{
    struct fixture *f = *state;
    struct arena *m = jinja_env_mem(f->env);
    jinja_env_set(f->env, "return", jv_func(m, "return", fn_return, NULL));
    assert_string_equal(
        render(f, "{% macro f(x) %}text{% for i in range(9) %}{% if i == x %}"
                  "{{ return([i, i * 2]) }}{% endif %}{% endfor %}{% endmacro %}"
                  "{% macro g() %}a{{ f(3)[1] }}b{% endmacro %}{{ f(4) }} {{ g() }}"),
        "[4, 8] a6b");
    /* return() in a call block belongs to the macro that was called. */
    assert_string_equal(render(f, "{% macro w() %}w{{ caller() }}{% endmacro %}"
                                  "{% call w() %}{{ return(7) }}{% endcall %}|"),
                        "7|");
}

static void test_macro_from_outside(void **state)
{
    static const char src[] =
        "{% macro add(a, b=2) %}{{ a + b + offset }}{% endmacro %}"
        "{% test not_null(model, column_name) %}select {{ column_name }}{% endtest %}"
        "{% materialization table, adapter='sqlite' %}m{% endmaterialization %}"
        "{% docs d %} text {{ x }} {% enddocs %}"
        "{% snapshot s %}{{ config() }} select 1{% endsnapshot %}";
    struct fixture *f = *state;
    struct jinja_template *t;
    struct jv *context = jv_dict(&f->mem), *r, *one = jv_int(&f->mem, 1);
    const char *kw[] = {"b"};
    jv_set(context, "offset", jv_int(&f->mem, 100));
    assert_int_equal(jinja_compile(f->env, "m.sql", src, sizeof src - 1, &t, &f->e), 0);
    assert_int_equal(jinja_n_defs(t), 5);
    assert_string_equal(jinja_def(t, 1)->kind, "test");
    assert_string_equal(jinja_def(t, 1)->name, "not_null");
    assert_string_equal(jinja_def(t, 2)->adapter, "sqlite");
    assert_memory_equal(jinja_def(t, 3)->body, " text {{ x }} ",
                        jinja_def(t, 3)->body_len);
    assert_string_equal(jinja_def(t, 4)->kind, "snapshot");
    struct jv *add = jinja_macro(t, "add", context);
    assert_non_null(add);
    assert_int_equal(jinja_call_value(f->env, "call", add, NULL, &one, 1, kw, &one, 1,
                                      &f->mem, &r, &f->e),
                     0);
    assert_string_equal(jv_as_str(r).p, "102");
    assert_non_null(jinja_macro(t, "test_not_null", context));
    assert_non_null(jinja_macro(t, "materialization_table_sqlite", context));
    assert_null(jinja_macro(t, "d", context));
    const char *name;
    bool has_default;
    assert_true(jinja_def_param(t, 0, 1, &name, &has_default));
    assert_string_equal(name, "b");
    assert_true(has_default);
    assert_false(jinja_def_param(t, 0, 2, &name, &has_default));
    jinja_template_free(t);
}

static void test_eval_gives_native_values(void **state)
{
    struct fixture *f = *state;
    struct jv *v;
    const char *list = "{{ [1, 2] + [3] }}", *text = "{{ 1 }}-{{ 2 }}";
    assert_int_equal(jinja_eval(f->env, list, strlen(list), NULL, &f->mem, &v, &f->e),
                     0);
    assert_int_equal(jv_type(v), JV_LIST);
    assert_int_equal(jv_len(v), 3);
    assert_int_equal(jinja_eval(f->env, text, strlen(text), NULL, &f->mem, &v, &f->e),
                     0);
    assert_string_equal(jv_as_str(v).p, "1-2");
    assert_int_equal(jinja_eval(f->env, "1 + 1", 5, NULL, &f->mem, &v, &f->e), 0);
    assert_int_equal(jv_as_int(v), 2);
    const char *b = "{{ 'True' | as_bool }}", *bad = "{{ 'x' | as_bool }}";
    assert_int_equal(jinja_eval(f->env, b, strlen(b), NULL, &f->mem, &v, &f->e), 0);
    assert_int_equal(jv_type(v), JV_BOOL);
    assert_int_equal(jinja_eval(f->env, bad, strlen(bad), NULL, &f->mem, &v, &f->e),
                     ERR_FAIL);
    assert_int_equal(jinja_eval(f->env, "1 +", 3, NULL, &f->mem, &v, &f->e), ERR_PARSE);
}

static void test_undefined_kinds(void **state)
{
    struct fixture *f = *state;
    assert_string_equal(render(f, "[{{ x }}{{ x is defined }}{{ x or 1 }}]"),
                        "[False1]");
    assert_non_null(strstr(render(f, "{{ x.y }}"), "t.sql:1:6: 'x' is undefined"));
    assert_non_null(strstr(render(f, "{{ x() }}"), "'x' is undefined"));
    assert_string_equal(render(f, "[{{ {'a': 1}.b }}]"), "[]");
    assert_non_null(
        strstr(render(f, "{{ {'a': 1}.b.c }}"), "'dict object' has no attribute 'b'"));
    jinja_env_strict(f->env, false);
    assert_string_equal(render(f, "[{{ x.y.z(1)[2] + 3 }}]"), "[]");
    jinja_env_undefined(f->env, JINJA_UNDEFINED_STRICT);
    assert_non_null(strstr(render(f, "{{ x }}"), "'x' is undefined"));
    assert_non_null(strstr(render(f, "{% if x %}{% endif %}"), "'x' is undefined"));
    assert_string_equal(render(f, "{{ x is defined }}"), "False");
}

static void test_syntax_errors_have_a_place(void **state)
{
    static const struct {
        const char *src, *want;
    } cases[] = {
        {"a\n{{ b", "t.sql:2:"},
        {"{% if x %}\n",
         "Jinja was looking for the following tags: 'elif' or 'else' or "
         "'endif'. The innermost block that needs to be closed is 'if'."},
        {"{% endif %}", "t.sql:1:4: Encountered unknown tag 'endif'."},
        {"{{ a b }}", "expected token 'end of print statement', got 'b'"},
        {"{{ 'a }}", "unexpected char"},
        {"{# x", "Missing end of comment tag"},
        {"{% raw %}x", "Missing end of raw directive"},
        {"{{ (1 }}", "unexpected '}', expected ')'"},
        {"{% set 1 = 2 %}", "can't assign to 'integer'"},
        {"{% include 'x' %}", "not supported"},
        {"{% break %}", "outside loop"},
        {"{% docs a %} text", "is not closed"},
        {"{{ f(a=1, 2) }}", "invalid syntax for function call expression"},
        {"{{ 99999999999999999999 }}", "integer literal beyond 64 bits"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *got = render(f, cases[i].src);
        if (f->rc != ERR_PARSE || !strstr(got, cases[i].want))
            fail_msg("%s: got \"%s\"", cases[i].src, got);
    }
}

static void test_error_shows_macro_stack(void **state)
{
    struct fixture *f = *state;
    const char *got = render(f, "{% macro a() %}\n{{ 1 / 0 }}{% endmacro %}\n"
                                "{% macro b() %}{{ a() }}{% endmacro %}\n{{ b() }}");
    assert_non_null(strstr(got, "t.sql:2:6: division by zero"));
    assert_non_null(strstr(got, "in macro a, called from t.sql:3"));
    assert_non_null(strstr(got, "in macro b, called from t.sql:4"));
}

static void test_limits(void **state)
{
    struct jinja_limits l = {
        .max_steps = 100000, .max_output = 1 << 16, .max_memory = 8 << 20};
    struct fixture *f = *state;
    struct jinja_env *env = f->env;
    f->env = jinja_env_new(&l);
    static const char *const bad[] = {
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor "
        "%}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{{ 'x' * 1000000000 }}",
        "{{ [1] * 1000000000 }}",
        "{% for a in range(9999) %}0123456789{% endfor %}",
        "{% set l = [1] %}{% for i in range(60) %}{% do l.extend(l) %}{% endfor %}",
        "{{ '%999999999d' % 1 }}",
        "{{ 'a'.center(999999999) }}",
        "{% set l = ['xxxxxxxxxxxxxxxx'] %}{% for i in range(40) %}"
        "{% set _ = l.append(l[-1] ~ l[-1]) %}{% endfor %}",
        "{% for i in [1] recursive %}{{ loop([1]) }}{% endfor %}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *got = render(f, bad[i]);
        if (f->rc != ERR_LIMIT)
            fail_msg("%s: rc %d, \"%.80s\"", bad[i], f->rc, got);
    }
    assert_non_null(strstr(render(f, "{{ range(1000000) }}"), "Range too big"));
    jinja_env_free(f->env);
    f->env = env;
}

static void test_deep_nesting_is_refused(void **state)
{
    struct fixture *f = *state;
    struct buf b;
    buf_init(&b, 1 << 22);
    buf_adds(&b, "{{ ");
    for (int i = 0; i < 100000; i++)
        buf_adds(&b, "-");
    buf_adds(&b, "1 }}");
    render(f, buf_str(&b));
    assert_int_equal(f->rc, ERR_PARSE);
    buf_reset(&b);
    for (int i = 0; i < 100000; i++)
        buf_adds(&b, "{% if 1 %}");
    render(f, buf_str(&b));
    assert_int_equal(f->rc, ERR_PARSE);
    buf_release(&b);
}

static void test_self_containing_values(void **state)
{
    struct fixture *f = *state;
    assert_string_equal(render(f, "{% set l = [1] %}{% do l.append(l) %}{{ l }}"),
                        "[1, [...]]");
    assert_string_equal(render(f, "{% set d = {} %}{% do d.update(a=d) %}{{ d }}"),
                        "{'a': {...}}");
    render(f, "{% set l = [] %}{% do l.append(l) %}{% set m = [] %}{% do m.append(m) %}"
              "{{ l == m }}{{ l | tojson }}");
    assert_true(f->rc < 0);
}

static struct jv *resolve(struct jinja_call *c, void *userdata, const char *name)
{
    (void)userdata;
    return streq(name, "late") ? jv_strz(jinja_mem(c), "found") : NULL;
}

static void test_resolver(void **state)
{
    struct fixture *f = *state;
    jinja_env_resolver(f->env, resolve, NULL);
    assert_string_equal(render(f, "{{ late }}{{ other }}"), "found");
    assert_string_equal(render(f, "{% set late = 1 %}{{ late }}"), "1");
}

static struct jv *rel_get(struct jinja_call *c, void *self, const char *name)
{
    return streq(name, "identifier") ? jv_strz(jinja_mem(c), self) : NULL;
}
static int rel_str(void *self, struct buf *out)
{
    return buf_addf(out, "\"%s\"", (const char *)self);
}
static const struct jinja_class rel_class = {
    .name = "Relation", .get = rel_get, .str = rel_str};

static void test_native_object(void **state)
{
    struct fixture *f = *state;
    char name[] = "t1";
    struct jv *d = jv_dict(&f->mem);
    jv_set(d, "this", jv_object(&f->mem, &rel_class, name));
    assert_string_equal(
        render_with(f,
                    "{{ this }}.{{ this.identifier }}{{ this.other }}{{ [this] }}"
                    "{{ this ~ '!' }}",
                    d),
        "\"t1\".t1[\"t1\"]\"t1\"!");
}

static void test_numbers_overflow_is_an_error(void **state)
{
    struct fixture *f = *state;
    assert_non_null(
        strstr(render(f, "{{ 9223372036854775807 + 1 }}"), "integer overflow"));
    assert_non_null(strstr(render(f, "{{ 10 ** 30 }}"), "integer overflow"));
    assert_string_equal(render(f, "{{ 9223372036854775807 }}"), "9223372036854775807");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_text_and_values),
        T(test_native_function),
        T(test_return_unwinds_one_macro),
        T(test_macro_from_outside),
        T(test_eval_gives_native_values),
        T(test_undefined_kinds),
        T(test_syntax_errors_have_a_place),
        T(test_error_shows_macro_stack),
        T(test_limits),
        T(test_deep_nesting_is_refused),
        T(test_self_containing_values),
        T(test_resolver),
        T(test_native_object),
        T(test_numbers_overflow_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
