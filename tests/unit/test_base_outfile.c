/* Files that appear whole: pieces, copies, failures; and JSON text as jansson's. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/json.h"
#include "base/mem.h"
#include "base/outfile.h"

static char dir[64], path[96];

static int setup(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/weir-outfile-XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/x", dir);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(dir); /* fails when something was left behind */
}

static char *content(void)
{
    struct buf b;
    buf_init(&b, 64u << 20);
    assert_int_equal(buf_read_file(&b, path, NULL), 0);
    return buf_take(&b);
}

static void test_nothing_is_seen_before_the_end(void **state)
{
    struct outfile o;
    (void)state;
    assert_int_equal(outfile_open(&o, path, NULL), 0);
    for (int i = 0; i < 300000; i++) { /* more than one piece */
        buf_adds(&o.b, "0123456789");
        outfile_flush(&o);
    }
    assert_int_equal(outfile_at(&o), 3000000);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(outfile_close(&o, true, NULL), 0);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 3000000);
}

static void test_a_bad_one_leaves_the_old(void **state)
{
    struct outfile o;
    (void)state;
    assert_int_equal(buf_write_file("old", 3, path, NULL), 0);
    assert_int_equal(outfile_open(&o, path, NULL), 0);
    buf_adds(&o.b, "new");
    assert_int_equal(outfile_close(&o, false, NULL), 0);
    char *text = content();
    assert_string_equal(text, "old");
    mem_free(text);
}

static void test_copied_pieces(void **state)
{
    struct outfile o;
    (void)state;
    assert_int_equal(buf_write_file("0123456789", 10, path, NULL), 0);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_int_equal(outfile_open(&o, path, NULL), 0);
    buf_adds(&o.b, "a");
    outfile_copy(&o, fd, 3, 4);
    buf_adds(&o.b, "b");
    assert_int_equal(outfile_at(&o), 6);
    assert_int_equal(outfile_close(&o, true, NULL), 0);
    char *text = content();
    assert_string_equal(text, "a3456b");
    mem_free(text);
    assert_int_equal(outfile_open(&o, path, NULL), 0);
    outfile_copy(&o, fd, 8, 4); /* past its end */
    struct err e = {0};
    assert_true(outfile_close(&o, true, &e) < 0);
    assert_non_null(strstr(e.text, path));
    close(fd);
}

static void test_a_folder_that_is_not_there(void **state)
{
    struct outfile o;
    struct err e = {0};
    (void)state;
    assert_true(outfile_open(&o, "/nowhere/at/all", &e) < 0);
    assert_non_null(strstr(e.text, "/nowhere/at/all"));
}

static void test_compact_json_is_janssons(void **state)
{
    static const char *const texts[] = {
        "{}",
        "[]",
        "null",
        "{\"a\":[1,-2,true,false,null,{\"b\":\"\"}],\"ü\":\"日本\"}",
        "[0.1,1e300,-0.5,9007199254740993,-9223372036854775807]",
        "\"quote \\\" back \\\\ line \\n tab \\t cr \\r\""};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        json_t *v = NULL;
        struct buf b;
        buf_init(&b, 1u << 20);
        assert_int_equal(json_load_text(texts[i], strlen(texts[i]), &v, NULL), 0);
        char *theirs = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);
        assert_int_equal(json_dump_buf(v, JSON_COMPACT, &b, NULL), 0);
        assert_string_equal(buf_str(&b), theirs);
        free(theirs);
        json_decref(v);
        buf_release(&b);
    }
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_nothing_is_seen_before_the_end),
        T(test_a_bad_one_leaves_the_old),
        T(test_copied_pieces),
        cmocka_unit_test(test_a_folder_that_is_not_there),
        cmocka_unit_test(test_compact_json_is_janssons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
