/* The alert worker with the test as its supervisor: anomalies become feed rows and
 * alerts, stored before the offset is committed; the outbox is delivered once; drain
 * and stop. */
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "alert/alert.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "bus/bus.h"
#include "state/state.h"

#define WAIT_MS 10000

struct fixture {
    char dir[64], bus[96], sink[96];
    struct conf_sink s;
    struct conf_stream stream;
    struct platform p;
    struct bus *b;
    struct state *state;
    struct wire_decoder decoder;
    int fd;
    pid_t pid;
    size_t anomalies, again, alerts, delivered, failed;
};

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *f)
{
    (void)st, (void)flag, (void)f;
    return remove(path);
}

static int setup(void **state)
{
    struct fixture *f = mem_alloc(sizeof *f);
    struct err e = {0};
    char path[128];
    str_copy(f->dir, sizeof f->dir, "/tmp/weir-alert-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->bus, sizeof f->bus, "%s/bus.db", f->dir);
    snprintf(f->sink, sizeof f->sink, "%s/alerts.jsonl", f->dir);
    f->s = (struct conf_sink){.name = "file", .kind = "file", .path = f->sink};
    f->stream = (struct conf_stream){.name = "s", .to_alerts = "anomalies"};
    f->p = (struct platform){.bus_kind = "embedded",
                             .bus_path = f->bus,
                             .state_dir = f->dir,
                             .streams = &f->stream,
                             .n_streams = 1,
                             .sinks = &f->s,
                             .n_sinks = 1};
    struct bus_options o = {.kind = "embedded", .path = f->bus};
    assert_int_equal(bus_open(&f->b, &o, &e), 0);
    struct bus_topic t = {"anomalies", 2, -1, -1, BUS_KEY_HASH};
    assert_int_equal(bus_topic_ensure(f->b, &t, &e), 0);
    snprintf(path, sizeof path, "%s/state.db", f->dir);
    assert_int_equal(state_open(&f->state, path, false, &e), 0);
    wire_decoder_init(&f->decoder);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    wire_decoder_release(&f->decoder);
    state_close(f->state);
    bus_close(f->b);
    nftw(f->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    mem_free(f);
    return 0;
}

static void produce(struct fixture *f, int from, int n)
{
    struct bus_producer *p;
    struct err e = {0};
    char key[32], value[300];
    assert_int_equal(bus_producer_open(f->b, "test", &p, &e), 0);
    for (int i = from; i < from + n; i++) {
        snprintf(key, sizeof key, "STORE_1_TXN_%d", i);
        snprintf(value, sizeof value,
                 "{\"transaction_id\":\"%s\",\"store_id\":\"1\",\"total_amount\":%d.50,"
                 "\"anomaly_reasons\":[\"AMOUNT_OUTLIER\"],\"severity\":\"%s\"}",
                 key, i, i % 5 == 0 ? "high" : "normal");
        assert_int_equal(
            bus_produce(p, "anomalies", -1, 1, str_of(key), str_of(value), NULL, 0, &e),
            0);
    }
    assert_int_equal(bus_txn_commit(p, &e), 0);
    bus_producer_close(p);
}

static void start(struct fixture *f)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    f->pid = fork();
    if (f->pid == 0) {
        struct err e = {0};
        struct channel ch = {.fd = pair[1], .now_ms = -1, .next_alert_id = 1};
        close(pair[0]);
        wire_decoder_init(&ch.decoder);
        ch.queued = json_array();
        int rc = alert_run(&f->p, &ch, &e);
        _exit(rc == 0 ? 0 : 1);
    }
    close(pair[1]);
    f->fd = pair[0];
    f->anomalies = f->again = f->alerts = f->delivered = f->failed = 0;
}

static void take(struct fixture *f, const json_t *m)
{
    struct err e = {0};
    const char *t = json_str(m, "t", "");
    bool is_new;
    if (streq(t, "anomaly")) {
        if (json_flag(json_object_get(m, "data"), "again", false))
            f->again++;
        else
            f->anomalies++;
    }
    if (streq(t, "alert")) {
        f->alerts++;
        assert_int_equal(
            state_alert_add(f->state, json_object_get(m, "data"), &is_new, &e), 0);
        json_t *ack =
            json_pack("{s:s, s:I}", "t", "ack", "id", (json_int_t)json_i64(m, "id", 0));
        assert_int_equal(wire_send(f->fd, ack, &e), 0);
        json_decref(ack);
    }
    if (streq(t, "delivered")) {
        bool is_ok = json_flag(m, "ok", false);
        f->delivered += is_ok;
        f->failed += !is_ok;
        state_alert_move(f->state, json_str(m, "key", ""), is_ok ? "sent" : "failing",
                         json_str(m, "detail", NULL), &e);
    }
}

/* Serves the worker until it says this. */
static void serve_until(struct fixture *f, const char *type)
{
    struct err e = {0};
    json_t *m = NULL;
    for (;;) {
        if (wire_recv(f->fd, &f->decoder, WAIT_MS, &m, &e) != 1)
            fail_msg("no \"%s\" from the worker: %s", type, e.text);
        take(f, m);
        bool is_it = streq(json_str(m, "t", ""), type);
        json_decref(m);
        if (is_it)
            return;
    }
}

static void say(struct fixture *f, const char *type)
{
    json_t *m = json_pack("{s:s}", "t", type);
    assert_int_equal(wire_send(f->fd, m, NULL), 0);
    json_decref(m);
}

static int stop(struct fixture *f)
{
    int status = -1;
    json_t *m = NULL;
    say(f, "stop");
    while (wire_recv(f->fd, &f->decoder, WAIT_MS, &m, NULL) == 1) {
        take(f, m);
        json_decref(m);
    }
    waitpid(f->pid, &status, 0);
    close(f->fd);
    wire_decoder_release(&f->decoder);
    wire_decoder_init(&f->decoder);
    return status;
}

static size_t lines_in_sink(const struct fixture *f)
{
    struct buf b;
    size_t n = 0;
    buf_init(&b, 1 << 20);
    (void)buf_read_file(&b, f->sink, NULL);
    for (size_t i = 0; i < b.len; i++)
        n += b.data[i] == '\n';
    buf_release(&b);
    return n;
}

static void test_anomalies_become_alerts_once(void **state)
{
    struct fixture *f = *state;
    produce(f, 0, 20);
    start(f);
    serve_until(f, "ready");
    say(f, "drain");
    serve_until(f, "drained");
    assert_int_equal(f->anomalies, 20);
    assert_int_equal(f->alerts, 4);
    assert_int_equal(f->delivered, 4);
    assert_int_equal(lines_in_sink(f), 4);
    assert_int_equal(stop(f), 0);
    assert_int_equal(f->again, 0);
    /* a second worker goes on where the first was, and shows the old ones again */
    produce(f, 20, 5);
    start(f);
    serve_until(f, "ready");
    say(f, "drain");
    serve_until(f, "drained");
    assert_int_equal(f->anomalies, 5);
    assert_int_equal(f->again, 20);
    assert_int_equal(f->alerts, 1);
    assert_int_equal(lines_in_sink(f), 5);
    assert_int_equal(stop(f), 0);
}

static void test_what_is_open_is_delivered_at_start(void **state)
{
    struct fixture *f = *state;
    bool is_new;
    json_t *a = json_pack("{s:s, s:s, s:s, s:s}", "key", "gate:x", "severity",
                          "critical", "summary", "blocked", "component", "silver.t");
    assert_int_equal(state_alert_add(f->state, a, &is_new, NULL), 0);
    json_decref(a);
    start(f);
    serve_until(f, "delivered");
    assert_int_equal(f->delivered, 1);
    say(f, "alerts");
    say(f, "drain");
    serve_until(f, "drained");
    assert_int_equal(lines_in_sink(f), 1);
    assert_int_equal(stop(f), 0);
}

static void test_a_sink_that_fails_is_told_and_tried_again(void **state)
{
    struct fixture *f = *state;
    f->s.path = "/nonexistent/alerts.jsonl";
    produce(f, 0, 1);
    start(f);
    serve_until(f, "ready");
    say(f, "drain");
    serve_until(f, "drained");
    assert_true(f->failed >= 1);
    assert_int_equal(f->delivered, 0);
    assert_int_equal(stop(f), 0);
    f->s.path = f->sink;
    start(f);
    serve_until(f, "delivered");
    assert_int_equal(f->delivered, 1);
    assert_int_equal(lines_in_sink(f), 1);
    assert_int_equal(stop(f), 0);
}

static void test_it_ends_with_its_supervisor(void **state)
{
    struct fixture *f = *state;
    int status = 0;
    start(f);
    serve_until(f, "ready");
    close(f->fd);
    assert_int_equal(waitpid(f->pid, &status, 0), f->pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_anomalies_become_alerts_once),
        T(test_what_is_open_is_delivered_at_start),
        T(test_a_sink_that_fails_is_told_and_tried_again),
        T(test_it_ends_with_its_supervisor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
