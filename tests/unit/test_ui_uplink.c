/* The control socket from the side of the console: a real socket with the test as the
 * supervisor, no thread and no sleep: both ends are stepped by hand. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/json.h"
#include "ui/uplink.h"

struct peer {
    char dir[64], path[128];
    int listener, fd;
    struct wire_decoder decoder;
    struct uplink u;
    int64_t now;
    char feed[64]; /* last push that arrived */
    int n_feeds, n_answers, n_errors;
    char error[256];
};

static void on_feed(void *context, const char *name, json_t *data)
{
    struct peer *p = context;
    snprintf(p->feed, sizeof p->feed, "%s", name);
    p->n_feeds++;
    json_decref(data);
}

static void on_answer(void *context, const json_t *data, const char *error)
{
    struct peer *p = context;
    (void)data;
    p->n_answers++;
    p->n_errors += error != NULL;
    snprintf(p->error, sizeof p->error, "%s", error ? error : "");
}

static void listen_again(struct peer *p)
{
    struct err e = {0};
    if (wire_listen(p->path, &p->listener, &e) < 0)
        fail_msg("%s", e.text);
}

static int setup(void **state)
{
    static struct peer p;
    const char *tmp = getenv("TMPDIR");

    p = (struct peer){.fd = -1, .now = 1000};
    snprintf(p.dir, sizeof p.dir, "%.40s/uplinkXXXXXX",
             tmp && strlen(tmp) < 40 ? tmp : "/tmp");
    if (!mkdtemp(p.dir))
        return -1;
    snprintf(p.path, sizeof p.path, "%s/control.sock", p.dir);
    wire_decoder_init(&p.decoder);
    uplink_init(&p.u, p.path, false);
    p.u.on_feed = on_feed;
    p.u.context = &p;
    listen_again(&p);
    *state = &p;
    return 0;
}

static int teardown(void **state)
{
    struct peer *p = *state;
    uplink_release(&p->u);
    wire_decoder_release(&p->decoder);
    if (p->fd >= 0)
        close(p->fd);
    close(p->listener);
    unlink(p->path);
    rmdir(p->dir);
    return 0;
}

static void step(struct peer *p)
{
    uplink_step(&p->u, p->now);
}

static void accept_one(struct peer *p)
{
    step(p); /* connects: the backlog holds it until accept */
    p->fd = accept(p->listener, NULL, NULL);
    assert_true(p->fd >= 0);
}

/* The next request the console sent. */
static json_t *request(struct peer *p)
{
    json_t *msg = NULL;
    struct err e = {0};
    step(p);
    if (wire_recv(p->fd, &p->decoder, 1000, &msg, &e) != 1)
        fail_msg("no request: %s", e.text);
    return msg;
}

static void answer(struct peer *p, const char *text)
{
    assert_int_equal(write(p->fd, text, strlen(text)), (ssize_t)strlen(text));
    step(p);
}

static void subscribes_and_takes_pushes(void **state)
{
    struct peer *p = *state;
    const char *const first[] = {"overview", "lag"}, *const second[] = {"overview",
                                                                        "runs"};

    uplink_want(&p->u, first, 2);
    accept_one(p);
    json_t *msg = request(p);
    assert_string_equal(json_str(msg, "cmd", ""), "subscribe");
    assert_int_equal(json_array_size(json_arr(json_obj(msg, "args"), "feeds")), 2);
    json_decref(msg);
    answer(p, "{\"feed\":\"over"); /* in two pieces */
    assert_int_equal(p->n_feeds, 0);
    answer(p, "view\",\"data\":{}}\n{\"feed\":\"lag\",\"data\":{}}\n");
    assert_int_equal(p->n_feeds, 2);
    assert_string_equal(p->feed, "lag");
    uplink_want(&p->u, second, 2); /* only the difference is sent */
    msg = request(p);
    assert_string_equal(json_str(msg, "cmd", ""), "unsubscribe");
    json_decref(msg);
    msg = request(p);
    assert_string_equal(json_str(msg, "cmd", ""), "subscribe");
    assert_int_equal(json_array_size(json_arr(json_obj(msg, "args"), "feeds")), 1);
    json_decref(msg);
}

static void answers_find_their_request(void **state)
{
    struct peer *p = *state;
    char text[128];

    accept_one(p);
    assert_true(uplink_send(&p->u, "restart", json_pack("{s:s}", "process", "lag"),
                            on_answer, p));
    json_t *msg = request(p);
    answer(p, "{\"id\":999,\"ok\":true,\"data\":null}\n"); /* of nobody */
    assert_int_equal(p->n_answers, 0);
    snprintf(text, sizeof text, "{\"id\":%lld,\"ok\":false,\"error\":\"no process\"}\n",
             (long long)json_i64(msg, "id", 0));
    answer(p, text);
    assert_int_equal(p->n_answers, 1);
    assert_string_equal(p->error, "no process");
    answer(p, text); /* twice */
    assert_int_equal(p->n_answers, 1);
    json_decref(msg);
}

/* Each request is answered exactly once, also when the supervisor dies before it did.
 */
static void loss_answers_what_is_pending(void **state)
{
    struct peer *p = *state;
    const char *const feeds[] = {"overview"};

    uplink_want(&p->u, feeds, 1);
    accept_one(p);
    assert_true(uplink_send(&p->u, "run", NULL, on_answer, p));
    json_decref(request(p)); /* subscribe */
    json_decref(request(p)); /* run */
    close(p->fd);
    p->fd = -1;
    step(p);
    assert_false(uplink_is_up(&p->u));
    assert_int_equal(p->n_errors, 1);
    assert_non_null(strstr(p->error, "nothing was confirmed"));
    assert_false(uplink_send(&p->u, "run", NULL, on_answer, p));
    assert_int_equal(p->n_answers, 1);
    step(p); /* not before its time */
    assert_false(uplink_is_up(&p->u));
    assert_true(uplink_timeout(&p->u, p->now) > 0);
    p->now += 10000;
    accept_one(p);
    json_t *msg = request(p);
    assert_string_equal(json_str(msg, "cmd", ""), "subscribe"); /* again by itself */
    json_decref(msg);
}

static void waits_longer_each_time(void **state)
{
    struct peer *p = *state;
    int64_t last = 0, wait = 0;

    close(p->listener);
    unlink(p->path);
    for (int i = 0; i < 8; i++) {
        step(p);
        assert_false(uplink_is_up(&p->u));
        wait = uplink_timeout(&p->u, p->now);
        assert_true(wait >= last);
        last = wait;
        p->now += wait;
    }
    assert_int_equal(wait, 5000);
    assert_true(p->u.why[0] != '\0');
    listen_again(p);
}

/* A quiet supervisor is asked for a sign of life before its data is called stale. */
static void asks_a_quiet_supervisor(void **state)
{
    struct peer *p = *state;

    accept_one(p);
    assert_int_equal(uplink_timeout(&p->u, p->now), 3000);
    p->now += 3000;
    json_t *msg = request(p);
    assert_string_equal(json_str(msg, "cmd", ""), "status");
    json_decref(msg);
    assert_int_equal(uplink_timeout(&p->u, p->now), 3000); /* sleeps meanwhile */
}

static void nonsense_ends_the_connection(void **state)
{
    struct peer *p = *state;

    accept_one(p);
    answer(p, "\x01\x02 this is not JSON\n");
    assert_false(uplink_is_up(&p->u));
    assert_true(p->u.why[0] != '\0');
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(subscribes_and_takes_pushes),  T(answers_find_their_request),
        T(loss_answers_what_is_pending), T(waits_longer_each_time),
        T(asks_a_quiet_supervisor),      T(nonsense_ends_the_connection),
    };
    return cmocka_run_group_tests_name("ui_uplink", tests, NULL, NULL);
}
