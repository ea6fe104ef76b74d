/* Memory, buffers, maps, errors, JSON: limits, failures, order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/vec.h"

static void errors_say_where(void **state)
{
    (void)state;
    struct err e = {0};
    assert_int_equal(err_set(&e, ERR_BUS, "topic %s", "t"), ERR_BUS);
    assert_int_equal(err_wrap(&e, ERR_FAIL, "load %d", 7), ERR_BUS);
    assert_string_equal(e.text, "load 7: topic t");
    errno = ENOSPC;
    assert_int_equal(err_errno(&e, ERR_IO, "f"), ERR_FULL);
    assert_int_equal(errno, ENOSPC);
    assert_string_equal(e.text, "f: No space left on device");
    err_set(&e, ERR_IO, "again %s", e.text); /* its own text as an argument */
    assert_string_equal(e.text, "again f: No space left on device");
    assert_int_equal(err_set(NULL, ERR_SQL, "x"), ERR_SQL);
    char huge[3000];
    memset(huge, 'x', sizeof huge);
    huge[sizeof huge - 1] = '\0';
    err_set(&e, ERR_IO, "%s", huge);
    err_wrap(&e, ERR_IO, "%s", huge);
    assert_int_equal(strlen(e.text), ERR_TEXT_MAX - 1);
    assert_string_equal(err_name(ERR_BLOCKED), "BLOCKED");
    assert_int_equal(err_exit_status(ERR_BLOCKED), 5);
    assert_int_equal(err_exit_status(ERR_PARSE), 2);
    assert_int_equal(err_from_name("LOCKED"), ERR_LOCKED);
    assert_int_equal(err_from_name("nonsense"), ERR_FAIL);
    assert_true(err_is_retryable(ERR_BUS) && !err_is_retryable(ERR_CONFIG));
}

static void a_buffer_has_a_ceiling(void **state)
{
    (void)state;
    struct buf b;
    struct err e = {0};
    buf_init(&b, 100);
    assert_string_equal(buf_str(&b), "");
    for (int i = 0; i < 50; i++)
        assert_int_equal(buf_addf(&b, "%02d", i), 0);
    assert_int_equal(b.len, 100);
    assert_int_equal(buf_addc(&b, 'x'), ERR_LIMIT);
    assert_int_equal(buf_adds(&b, ""), ERR_LIMIT); /* sticky */
    assert_int_equal(buf_check(&b, "thing", &e), ERR_LIMIT);
    assert_string_equal(e.text, "thing: larger than 100 bytes");
    buf_reset(&b);
    assert_int_equal(buf_add_i64(&b, INT64_MIN), 0);
    assert_string_equal(buf_str(&b), "-9223372036854775808");
    char *taken = buf_take(&b);
    assert_string_equal(taken, "-9223372036854775808");
    assert_int_equal(b.len, 0);
    mem_free(taken);
    buf_release(&b);
}

static void an_allocation_that_fails_is_told(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1 << 20);
    mem_fail_at(1);
    assert_int_equal(buf_adds(&b, "x"), ERR_NOMEM);
    mem_fail_at(0);
    buf_reset(&b);
    assert_int_equal(buf_adds(&b, "x"), 0);
    mem_fail_at(1);
    char big[200];
    memset(big, 'y', sizeof big);
    assert_int_equal(buf_add(&b, big, sizeof big), ERR_NOMEM);
    mem_fail_at(0);
    assert_string_equal(buf_str(&b), "x"); /* what was there is kept */
    buf_release(&b);
}

static void json_strings_are_escaped_and_repaired(void **state)
{
    (void)state;
    struct buf b;
    json_t *v;
    static const char in[] = "a\"\\\n\x01\x7f é \xFF\xED\xA0\x80 z";
    buf_init(&b, 1000);
    assert_int_equal(buf_add_json_str(&b, in, sizeof in - 1), 0);
    assert_int_equal(json_load_text(b.data, b.len, &v, NULL), 0);
    assert_non_null(strstr(json_string_value(v), "\xEF\xBF\xBD"));
    json_decref(v);
    buf_release(&b);
}

static void files_are_replaced_whole(void **state)
{
    (void)state;
    char dir[] = "/tmp/weir-test-XXXXXX", path[64];
    struct buf b;
    struct err e = {0};
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/f", dir);
    assert_int_equal(buf_write_file("one", 3, path, &e), 0);
    assert_int_equal(buf_write_file("two2", 4, path, &e), 0);
    buf_init(&b, 4);
    assert_int_equal(buf_read_file(&b, path, &e), 0); /* exactly the ceiling */
    assert_string_equal(buf_str(&b), "two2");
    buf_release(&b);
    buf_init(&b, 3);
    assert_int_equal(buf_read_file(&b, path, &e), ERR_LIMIT);
    buf_release(&b);
    assert_int_equal(buf_read_file(&b, "/nix/da", &e), ERR_NOTFOUND);
    assert_true(buf_write_file("x", 1, "/nix/da", &e) < 0);
    json_t *v = json_pack("{s:i}", "a", 1);
    assert_int_equal(json_save_path(v, path, &e), 0);
    json_decref(v);
    assert_int_equal(json_load_path(path, &v, &e), 0);
    assert_int_equal(json_i64(v, "a", 0), 1);
    json_decref(v);
    unlink(path);
    rmdir(dir);
}

static void json_members_have_fallbacks(void **state)
{
    (void)state;
    struct err e = {0};
    json_t *v;
    assert_int_equal(json_load_text("{\"a\":1,\"a\":2}", 13, &v, &e), ERR_PARSE);
    assert_non_null(strstr(e.text, "line 1"));
    assert_int_equal(json_load_text("[1", 2, &v, &e), ERR_PARSE);
    assert_null(v);
    v = json_object();
    json_put_str(v, "s", "ok");
    json_put_str(v, "bad", "\xFF");
    json_put_num(v, "nan", 0.0 / 0.0);
    json_put_flag(v, "f", true);
    json_put(v, "none", NULL);
    assert_string_equal(json_str(v, "s", ""), "ok");
    assert_string_equal(json_str(v, "bad", ""), "\xEF\xBF\xBD");
    assert_string_equal(json_str(v, "f", "fallback"), "fallback");
    assert_true(json_flag(v, "f", false) && json_flag(NULL, "f", true));
    assert_true(json_is_null(json_object_get(v, "nan")));
    assert_int_equal(json_i64(v, "s", 9), 9);
    assert_null(json_arr(v, "s"));
    json_decref(v);
}

static void a_map_keeps_insertion_order(void **state)
{
    (void)state;
    struct map m;
    char key[16];
    static int values[3000];
    map_init(&m);
    assert_null(map_get(&m, "x"));
    assert_null(map_next(&m, NULL));
    for (int i = 0; i < 3000; i++) {
        snprintf(key, sizeof key, "k%d", i);
        assert_null(map_put(&m, key, &values[i]));
    }
    for (int i = 0; i < 3000; i += 3) {
        snprintf(key, sizeof key, "k%d", i);
        assert_ptr_equal(map_del(&m, key), &values[i]);
        assert_null(map_del(&m, key));
    }
    for (int i = 0; i < 3000; i += 6) { /* dead ones come back, at the end */
        snprintf(key, sizeof key, "k%d", i);
        assert_null(map_put(&m, key, &values[i]));
    }
    assert_ptr_equal(map_put(&m, "k1", &values[0]), &values[1]);
    assert_int_equal(m.live, 2500);
    size_t n = 0;
    for (struct map_entry *it = NULL; (it = map_next(&m, it));) {
        if (n == 0)
            assert_string_equal(it->key, "k1");
        assert_ptr_equal(map_getn(&m, it->key, it->key_len), it->value);
        n++;
    }
    assert_int_equal(n, 2500);
    assert_null(map_putn(&m, "a\0b", 3, &values[0]));
    assert_ptr_equal(map_getn(&m, "a\0b", 3), &values[0]);
    assert_false(map_has(&m, "a"));
    map_release(&m);
}

static void an_arena_has_a_ceiling(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 100000);
    for (int i = 1; i < 200; i++) {
        char *p = arena_alloc(&a, (size_t)i);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 16, 0);
        for (int k = 0; k < i; k++)
            assert_int_equal(p[k], 0);
        memset(p, 0xff, (size_t)i);
    }
    assert_string_equal(arena_printf(&a, "%s-%d", "x", 7), "x-7");
    assert_string_equal(arena_strndup(&a, "abcdef", 3), "abc");
    assert_null(arena_strdup(&a, NULL));
    assert_non_null(arena_alloc(&a, 20000));
    assert_null(arena_alloc(&a, 100000));
    assert_null(arena_alloc(&a, SIZE_MAX));
    arena_clear(&a);
    assert_int_equal(a.used, 0);
    assert_non_null(arena_alloc(&a, 50000));
    arena_release(&a);
}

/* What a process writes to its log: no control bytes, no card number. */
static void a_log_line_is_harmless(void **state)
{
    (void)state;
    char line[1000] = "";
    int fds[2], saved = dup(2);
    assert_int_equal(pipe(fds), 0);
    dup2(fds[1], 2);
    log_set_name("test");
    log_info("paid with 4111 1111 1111 1111 \x1b[2J\n");
    log_debug("not shown");
    dup2(saved, 2);
    close(saved);
    close(fds[1]);
    ssize_t n = read(fds[0], line, sizeof line - 1);
    close(fds[0]);
    assert_true(n > 0);
    assert_null(strstr(line, "1111 1111"));
    assert_non_null(strstr(line, " info  test: paid with 4111 11"));
    assert_non_null(strstr(line, "^[[2J\n"));
    assert_null(strstr(line, "not shown"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_say_where),
        cmocka_unit_test(a_buffer_has_a_ceiling),
        cmocka_unit_test(an_allocation_that_fails_is_told),
        cmocka_unit_test(json_strings_are_escaped_and_repaired),
        cmocka_unit_test(files_are_replaced_whole),
        cmocka_unit_test(json_members_have_fallbacks),
        cmocka_unit_test(a_map_keeps_insertion_order),
        cmocka_unit_test(an_arena_has_a_ceiling),
        cmocka_unit_test(a_log_line_is_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
