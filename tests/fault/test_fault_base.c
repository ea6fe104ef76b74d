/* base/ and conf/ with the N-th input-sized allocation failing, N = 1, 2, … to the end:
 * an error comes back with its text, nothing leaks, nothing is half done. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "base/jscan.h"
#include "base/json.h"
#include "base/str.h"
#include "base/text.h"
#include "conf/conf.h"

static char dir[PATH_MAX];

static const char *in_dir(const char *name)
{
    static char path[PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static int buffers(struct err *e)
{
    struct buf b;
    json_t *v = NULL;
    buf_init(&b, 1 << 20);
    for (int i = 0; i < 100; i++) {
        buf_addf(&b, "%d ", i);
        buf_add_json_str(&b, "a\"\n\xff", 4);
        text_sanitise(&b, "\x1b[31m", 5);
    }
    int rc = buf_check(&b, "text", e);
    buf_release(&b);
    v = json_pack("{s:s,s:[i,i]}", "k", "v", "l", 1, 2);
    if (rc == 0)
        rc = json_save_path(v, in_dir("x.json"), e);
    json_decref(v);
    v = NULL;
    if (rc == 0)
        rc = json_load_path(in_dir("x.json"), &v, e);
    json_decref(v);
    return rc;
}

static int scanning(struct err *e)
{
    static const char text[] = "{\"a\":[1,2,{\"b\":\"x\\u00e9\"}],\"c\":null}";
    struct jscan s;
    struct buf b;
    jscan_init(&s);
    buf_init(&b, 1000);
    int rc = jscan_parse(&s, text, sizeof text - 1, NULL);
    for (size_t i = 0; rc == 0 && i < s.n; i++)
        if (s.tok[i].type == JSCAN_STRING)
            rc = jscan_unescape(&s, i, &b);
    if (rc < 0)
        err_set(e, rc, "scan");
    buf_release(&b);
    jscan_release(&s);
    return rc;
}

static int loading(struct err *e)
{
    struct platform *p = NULL;
    struct conf_options o = {.project_dir = dir};
    struct buf b;
    buf_init(&b, 1 << 22);
    int rc = conf_load(&p, &o, e);
    if (rc == 0 && (rc = conf_show(p, true, &b, e)) == 0) {
        buf_reset(&b);
        rc = conf_show(p, false, &b, e);
    }
    buf_release(&b);
    conf_free(p);
    return rc;
}

static void every_allocation_fails_once(int (*story)(struct err *e))
{
    unsigned long n = 1, failures = 0;
    for (;; n++) {
        struct err e = {0};
        mem_fail_at(n);
        int rc = story(&e);
        unsigned long counted = mem_fail_at(0);
        if (counted < n) {
            assert_int_equal(rc, 0); /* ran through without a failure */
            break;
        }
        if (rc < 0) {
            assert_true(e.text[0] && e.code < 0);
            failures++;
        }
    }
    assert_true(failures > 0);
    struct err e = {0};
    assert_int_equal(story(&e), 0);
}

static void buffers_and_files(void **state)
{
    (void)state;
    every_allocation_fails_once(buffers);
    assert_int_equal(access(in_dir("x.json.tmp"), F_OK), -1);
}

static void the_scanner(void **state)
{
    (void)state;
    every_allocation_fails_once(scanning);
}

static void the_platform_file(void **state)
{
    (void)state;
    static const char text[] =
        "platform: ${A:-x}\nsources: {s: {plugin: x, path: p, list: [1, 2], map: {a: "
        "b}}}\n"
        "streams: {j: {from: s, tables: {store: s}}}\n"
        "gates: {g: {suite: weir.yml, on: a.b, parameters: {q: {query: x}, l: [1]}}}\n";
    struct err e = {0};
    assert_int_equal(buf_write_file(text, sizeof text - 1, in_dir("weir.yml"), &e), 0);
    every_allocation_fails_once(loading);
}

static int setup(void **state)
{
    (void)state;
    const char *tmp = getenv("TMPDIR");
    snprintf(dir, sizeof dir, "%s/weir-fault-XXXXXX", tmp ? tmp : "/tmp");
    return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    unlink(in_dir("weir.yml"));
    unlink(in_dir("x.json"));
    return rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buffers_and_files),
        cmocka_unit_test(the_scanner),
        cmocka_unit_test(the_platform_file),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
