/* Every template of tests/jinja (hand-written and 4,000 generated) rendered by Jinja2
 * and by us: the same bytes, or an error on both sides. JINJA_COUNT and JINJA_SEED in
 * the environment make it longer or different. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/json.h"
#include "base/str.h"
#include "jinja/jinja.h"

#define SHOW_MAX 15

struct tally {
    size_t same, errors, different;
};

static void compare(struct jinja_env *env, const json_t *line, const json_t *context,
                    struct tally *t)
{
    const char *src = json_string_value(json_object_get(line, "t"));
    const char *want = json_string_value(json_object_get(line, "out"));
    struct jinja_template *tmpl = NULL;
    struct arena mem;
    struct buf out;
    struct err e = {0};
    arena_init(&mem, 0);
    buf_init(&out, 1 << 24);
    int rc = jinja_compile(env, "t", src,
                           json_string_length(json_object_get(line, "t")), &tmpl, &e);
    if (rc == 0)
        rc = jinja_render(tmpl, jv_from_json(&mem, context), &mem, &out, &e);
    bool is_same = want ? rc == 0 && streq(buf_str(&out), want) : rc < 0;
    t->same += is_same;
    t->errors += is_same && !want;
    if (!is_same && t->different++ < SHOW_MAX)
        print_error("template: %s\n  jinja2: %s%s\n  weir:   %s%s\n\n", src,
                    want ? "" : "error ",
                    want ? want : json_string_value(json_object_get(line, "err")),
                    rc < 0 ? "error " : "", rc < 0 ? e.text : buf_str(&out));
    jinja_template_free(tmpl);
    buf_release(&out);
    arena_release(&mem);
}

static void test_same_bytes_as_jinja2(void **state)
{
    const char *count = getenv("JINJA_COUNT"), *seed = getenv("JINJA_SEED");
    char command[200];
    (void)state;
    if (system("/usr/bin/python3 -c 'import jinja2' 2>/dev/null") != 0)
        skip();
    snprintf(command, sizeof command, "/usr/bin/python3 tests/jinja/oracle.py %s %s",
             count ? count : "4000", seed ? seed : "");
    FILE *p = popen(command, "r");
    assert_non_null(p);
    struct jinja_env *env = jinja_env_new(NULL);
    struct tally t = {0};
    json_t *context = NULL;
    char *line = NULL;
    size_t cap = 0;
    for (ssize_t n; (n = getline(&line, &cap, p)) > 0;) {
        json_t *j = NULL;
        assert_int_equal(json_load_text(line, (size_t)n, &j, NULL), 0);
        if (json_is_object(json_object_get(j, "c")))
            context = json_incref(json_object_get(j, "c"));
        compare(env, j, context, &t);
        json_decref(j);
    }
    free(line);
    assert_int_equal(pclose(p), 0);
    json_decref(context);
    jinja_env_free(env);
    print_message("%zu templates alike (%zu of them errors), %zu different\n", t.same,
                  t.errors, t.different);
    assert_true(t.same > 3000 || count);
    assert_int_equal(t.different, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_same_bytes_as_jinja2)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
