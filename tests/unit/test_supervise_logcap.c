/* supervise/logcap.c: lines out of bytes, what is kept, what reaches the file. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/json.h"
#include "supervise/logcap.h"
#include "supervise/report.h"

static char dir[256], path[300];
static struct logcap l;

static int setup(void **state)
{
    (void)state;
    const char *tmp = getenv("TMPDIR");
    snprintf(dir, sizeof dir, "%s/weir-log-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/p.log", dir);
    logcap_init(&l, path, 10000, 2);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    logcap_release(&l);
    char cmd[300];
    snprintf(cmd, sizeof cmd, "rm -rf '%s'", dir);
    return system(cmd);
}

static void feed(char stream, const char *text)
{
    logcap_feed(&l, stream, text, strlen(text));
}

static void check_line(const json_t *log, size_t i, const char *stream,
                       const char *text)
{
    const json_t *row = json_array_get(json_arr(log, "lines"), i);
    assert_string_equal(json_str(row, "stream", "?"), stream);
    assert_string_equal(json_str(row, "text", "?"), text);
    assert_true(json_i64(row, "at_ms", 0) > 0);
}

static void streams_are_kept_apart_and_pieces_joined(void **state)
{
    (void)state;
    feed('o', "one ");
    feed('e', "bad\r\ntwo");
    feed('o', "line\n\n");
    logcap_flush(&l);
    json_t *log = logcap_json(&l, 0, 100);
    assert_int_equal(json_array_size(json_arr(log, "lines")), 4);
    check_line(log, 0, "err", "bad");
    check_line(log, 1, "out", "one line");
    check_line(log, 2, "out", "");
    check_line(log, 3, "err", "two");
    json_decref(log);
}

static void seq_says_what_is_new(void **state)
{
    (void)state;
    feed('o', "a\nb\nc\n");
    json_t *log = logcap_json(&l, 3, 100);
    assert_int_equal(json_i64(log, "seq", 0), 3);
    assert_int_equal(json_array_size(json_arr(log, "lines")), 1);
    json_decref(log);
    log = logcap_json(&l, 0, 2); /* the last two */
    assert_int_equal(json_i64(log, "seq", 0), 2);
    json_decref(log);
    log = logcap_json(&l, 4, 100); /* nothing yet */
    assert_int_equal(json_i64(log, "seq", 0), 4);
    assert_int_equal(json_array_size(json_arr(log, "lines")), 0);
    json_decref(log);
}

static void neither_nul_nor_card_number_is_written(void **state)
{
    (void)state;
    logcap_feed(&l, 'o', "a\0b\033[2J 4111 1111 1111 1111\n", 28);
    struct buf b;
    buf_init(&b, 65536);
    assert_int_equal(buf_read_file(&b, path, NULL), 0);
    assert_null(memchr(b.data, '\0', b.len));
    assert_non_null(strstr(buf_str(&b), "\033[2J")); /* the file has it as it came */
    assert_null(strstr(buf_str(&b), "1111 1111 1111"));
    assert_non_null(strstr(buf_str(&b), "4111 11"));
    buf_release(&b);
}

static void the_ring_is_bounded_by_lines_and_by_bytes(void **state)
{
    (void)state;
    for (int i = 0; i < LOGCAP_RING_LINES + 10; i++)
        feed('o', "short\n");
    assert_int_equal(l.n, LOGCAP_RING_LINES);
    char *wide = malloc(LOGCAP_LINE_MAX + 1);
    memset(wide, 'w', LOGCAP_LINE_MAX);
    wide[LOGCAP_LINE_MAX - 1] = '\n';
    wide[LOGCAP_LINE_MAX] = '\0';
    for (int i = 0; i < 100; i++)
        feed('o', wide);
    free(wide);
    assert_true(l.bytes <= LOGCAP_RING_BYTES);
    assert_int_equal(l.next_seq, 1 + LOGCAP_RING_LINES + 10 + 100);
}

static void files_rotate_and_the_oldest_goes(void **state)
{
    (void)state;
    char name[330];
    struct stat st;
    for (int i = 0; i < 2000; i++)
        feed('o', "a line that fills the file up to its limit\n");
    for (int i = 1; i <= 3; i++) {
        snprintf(name, sizeof name, "%s.%d", path, i);
        assert_int_equal(stat(name, &st) == 0, i <= 2);
    }
    assert_int_equal(stat(path, &st), 0);
    assert_true(st.st_size <= 10000 + 100);
    assert_int_equal(l.dropped, 0);
}

static void what_cannot_be_written_is_counted_and_shown(void **state)
{
    (void)state;
    char cmd[300];
    snprintf(cmd, sizeof cmd, "rm -rf '%s'", dir);
    assert_int_equal(system(cmd), 0);
    feed('o', "one\ntwo\n");
    json_t *log = logcap_json(&l, 0, 100);
    assert_int_equal(json_i64(log, "dropped", 0), 2);
    assert_int_equal(json_array_size(json_arr(log, "lines")), 2);
    json_decref(log);
    assert_int_equal(mkdir(dir, 0700), 0);
    feed('o', "three\n"); /* room again: it goes on */
    assert_int_equal(l.dropped, 2);
    assert_int_equal(access(path, F_OK), 0);
}

static void last_words_are_the_childs_not_ours(void **state)
{
    (void)state;
    feed('e', "an old word\n");
    int64_t from = l.next_seq;
    assert_null(logcap_last_words(&l, from));
    feed('e', "2026-06-15T06:04:11.120Z error ingest.pos: no file: none.jsonl\n");
    feed('o', "out is no word\n");
    logcap_note(&l, "exited with status 1");
    assert_string_equal(logcap_last_words(&l, from), "no file: none.jsonl");
}

/* An SQL error with its caret was one line with ^J in it. */
static void lines_of_a_message_stay_lines(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 65536);
    report_lines("near \"selec\"\n  | ^\033[2J\n", &b);
    assert_string_equal(buf_str(&b), "near \"selec\"\n      | ^^[[2J\n");
    buf_reset(&b);
    report_lines("", &b);
    assert_string_equal(buf_str(&b), "\n");
    buf_release(&b);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(streams_are_kept_apart_and_pieces_joined),
        T(seq_says_what_is_new),
        T(neither_nul_nor_card_number_is_written),
        T(the_ring_is_bounded_by_lines_and_by_bytes),
        T(files_rotate_and_the_oldest_goes),
        T(what_cannot_be_written_is_counted_and_shown),
        cmocka_unit_test(lines_of_a_message_stay_lines),
        T(last_words_are_the_childs_not_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
