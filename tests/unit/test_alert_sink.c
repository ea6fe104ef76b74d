/* The file sink, who gets which alert, and what a flagged receipt becomes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "alert/alert.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

struct fixture {
    char dir[64], path[2][96];
    struct buf text;
};

static int setup(void **state)
{
    struct fixture *f = mem_alloc(sizeof *f);
    str_copy(f->dir, sizeof f->dir, "/tmp/weir-alert-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    char dir[64];
    str_copy(dir, sizeof dir, f->dir);
    for (int i = 0; i < 2; i++)
        snprintf(f->path[i], sizeof f->path[i], "%s/%d.jsonl", dir, i);
    buf_init(&f->text, 1 << 20);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    unlink(f->path[0]);
    unlink(f->path[1]);
    chmod(f->dir, 0700);
    rmdir(f->dir);
    buf_release(&f->text);
    mem_free(f);
    return 0;
}

static const char *content(struct fixture *f, int i)
{
    buf_reset(&f->text);
    (void)buf_read_file(&f->text, f->path[i], NULL);
    return buf_str(&f->text);
}

static size_t count_lines(const char *s)
{
    size_t n = 0;
    for (; *s; s++)
        n += *s == '\n';
    return n;
}

static json_t *an_alert(const char *severity)
{
    return json_pack("{s:s, s:s, s:s}", "key", "k1", "severity", severity, "summary",
                     "paid with 4111 1111 1111 1111\nover two lines");
}

static void test_each_alert_is_one_line(void **state)
{
    struct fixture *f = *state;
    struct conf_sink s = {.name = "f", .kind = "file", .path = f->path[0]};
    struct platform p = {.sinks = &s, .n_sinks = 1};
    struct err e = {0};
    json_t *a = an_alert("critical"), *back = NULL;
    unsigned long done = 0;
    assert_int_equal(alert_deliver(&p, a, &done, &e), ALERT_OK);
    done = 0;
    assert_int_equal(alert_deliver(&p, a, &done, &e), ALERT_OK);
    const char *text = content(f, 0);
    assert_int_equal(count_lines(text), 2);
    assert_int_equal(json_load_text(text, strcspn(text, "\n"), &back, &e), 0);
    assert_string_equal(json_str(back, "key", ""), "k1");
    assert_non_null(json_str(back, "delivered_at", NULL));
    assert_null(strstr(text, "4111 1111 1111 1111")); /* masked */
    json_decref(back);
    json_decref(a);
}

static void test_a_torn_line_is_ended_first(void **state)
{
    struct fixture *f = *state;
    struct conf_sink s = {.name = "f", .kind = "file", .path = f->path[0]};
    struct platform p = {.sinks = &s, .n_sinks = 1};
    unsigned long done = 0;
    json_t *a = an_alert("critical");
    assert_int_equal(buf_write_file("{\"half", 6, f->path[0], NULL), 0);
    assert_int_equal(alert_deliver(&p, a, &done, NULL), ALERT_OK);
    assert_int_equal(count_lines(content(f, 0)), 2);
    json_decref(a);
}

static void test_severities_choose_the_sink(void **state)
{
    static const char *const only_critical[] = {"critical", NULL};
    struct fixture *f = *state;
    struct conf_sink s[2] = {{.name = "all", .kind = "file", .path = f->path[0]},
                             {.name = "loud",
                              .kind = "file",
                              .path = f->path[1],
                              .severities = only_critical}};
    struct platform p = {.sinks = s, .n_sinks = 2};
    json_t *warning = an_alert("warning"), *critical = an_alert("critical");
    unsigned long done = 0;
    assert_int_equal(alert_deliver(&p, warning, &done, NULL), ALERT_OK);
    done = 0;
    assert_int_equal(alert_deliver(&p, critical, &done, NULL), ALERT_OK);
    assert_int_equal(count_lines(content(f, 0)), 2);
    assert_int_equal(count_lines(content(f, 1)), 1);
    json_decref(warning);
    json_decref(critical);
}

static void test_a_sink_that_has_it_is_not_asked_again(void **state)
{
    struct fixture *f = *state;
    struct conf_sink s[2] = {{.name = "good", .kind = "file", .path = f->path[0]},
                             {.name = "bad", .kind = "file", .path = "/nonexistent/x"}};
    struct platform p = {.sinks = s, .n_sinks = 2};
    struct err e = {0};
    json_t *a = an_alert("critical");
    unsigned long done = 0;
    assert_int_equal(alert_deliver(&p, a, &done, &e), ALERT_RETRY);
    assert_non_null(strstr(e.text, "bad: open /nonexistent/x"));
    assert_int_equal(alert_deliver(&p, a, &done, &e), ALERT_RETRY);
    assert_int_equal(count_lines(content(f, 0)), 1);
    s[1].path = f->path[1];
    assert_int_equal(alert_deliver(&p, a, &done, &e), ALERT_OK);
    assert_int_equal(count_lines(content(f, 0)), 1);
    assert_int_equal(count_lines(content(f, 1)), 1);
    s[1].kind = "pigeon";
    done = 1;
    assert_int_equal(alert_deliver(&p, a, &done, &e), ALERT_PERMANENT);
    json_decref(a);
}

static void test_a_flagged_receipt(void **state)
{
    static const char value[] =
        "{\"transaction_id\":\"STORE_2_TXN_1\",\"store_id\":\"2\",\"terminal_id\":\"2-"
        "T1\","
        "\"customer_id\":\"9\",\"transaction_timestamp\":\"2017-12-24T16:35:43Z\","
        "\"total_amount\":11973.00,\"anomaly_reasons\":[\"AMOUNT_OUTLIER\",\"OFF_"
        "HOURS\"],"
        "\"severity\":\"high\"}";
    (void)state;
    json_t *row = alert_anomaly_row(value, sizeof value - 1);
    assert_int_equal(json_i64(row, "at_ms", 0), 1514133343000);
    assert_string_equal(json_str(row, "severity", ""), "high");
    assert_null(json_object_get(row, "customer_id"));
    json_t *a = alert_of_anomaly(row);
    assert_string_equal(json_str(a, "key", ""), "anomaly/STORE_2_TXN_1");
    assert_string_equal(json_str(a, "severity", ""), "critical");
    assert_string_equal(
        json_str(a, "summary", ""),
        "receipt STORE_2_TXN_1 of store 2 over 11973.00: AMOUNT_OUTLIER, OFF_HOURS");
    json_decref(a);
    json_decref(row);
    assert_null(alert_anomaly_row("[1]", 3));
    assert_null(alert_anomaly_row("{\"a\"", 4));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_each_alert_is_one_line),
        T(test_a_torn_line_is_ended_first),
        T(test_severities_choose_the_sink),
        T(test_a_sink_that_has_it_is_not_asked_again),
        T(test_a_flagged_receipt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
