/* wire/socket.c and wire/channel.c over real sockets: connect and listen rules,
 * requests, and the worker's side of drain, stop, ack. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/json.h"
#include "wire/channel.h"

static char dir[256];

static int dir_make(void **state)
{
    (void)state;
    const char *tmp = getenv("TMPDIR");
    snprintf(dir, sizeof dir, "%s/weir-wire-XXXXXX", tmp ? tmp : "/tmp");
    return mkdtemp(dir) ? 0 : -1;
}

static int dir_remove(void **state)
{
    (void)state;
    char cmd[300];
    snprintf(cmd, sizeof cmd, "rm -rf '%s'", dir);
    return system(cmd);
}

static void nobody_listens_is_said_with_advice(void **state)
{
    (void)state;
    char path[300];
    struct err e = {0};
    int fd = -1;
    snprintf(path, sizeof path, "%s/none.sock", dir);
    assert_int_equal(wire_connect(path, &fd, &e), ERR_UNAVAILABLE);
    assert_non_null(strstr(e.text, "weir up"));
    assert_int_equal(fd, -1);
}

static void a_dead_socket_is_replaced_a_live_one_is_not(void **state)
{
    (void)state;
    char path[300];
    struct err e = {0};
    int a = -1, b = -1;
    struct stat st;
    snprintf(path, sizeof path, "%s/c.sock", dir);
    assert_int_equal(wire_listen(path, &a, &e), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(wire_listen(path, &b, &e), ERR_LOCKED);
    close(a);
    assert_int_equal(wire_listen(path, &b, &e), 0);
    close(b);
}

static void a_file_in_the_way_is_not_removed(void **state)
{
    (void)state;
    char path[300];
    struct err e = {0};
    int fd = -1;
    snprintf(path, sizeof path, "%s/file", dir);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fclose(f);
    assert_int_equal(wire_listen(path, &fd, &e), ERR_EXISTS);
    assert_int_equal(access(path, F_OK), 0);
}

static void long_paths_work(void **state)
{
    (void)state;
    char path[600];
    struct err e = {0};
    int a = -1, b = -1;
    int n = snprintf(path, sizeof path, "%s/", dir);
    memset(path + n, 'd', 150);
    path[n + 150] = '\0';
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path + n + 150, sizeof path - (size_t)n - 150, "/control.sock");
    assert_int_equal(wire_listen(path, &a, &e), 0);
    assert_int_equal(wire_connect(path, &b, &e), 0);
    unsigned uid = 12345;
    assert_int_equal(wire_peer_uid(b, &uid, &e), 0);
    assert_int_equal(uid, getuid());
    close(a);
    close(b);
}

static void put(int fd, const char *text)
{
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void a_request_skips_pushes_and_carries_the_error(void **state)
{
    (void)state;
    int sv[2];
    struct err e = {0};
    struct wire_decoder d;
    json_t *data = NULL;
    wire_decoder_init(&d);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
    put(sv[1],
        "{\"feed\":\"overview\",\"data\":{}}\n{\"id\":1,\"ok\":true,\"data\":[7]}\n");
    assert_int_equal(wire_request(sv[0], &d, "status", NULL, &data, &e), 0);
    assert_int_equal(json_integer_value(json_array_get(data, 0)), 7);
    json_decref(data);
    put(sv[1],
        "{\"id\":1,\"ok\":false,\"code\":\"NOTFOUND\",\"error\":\"no run 9\"}\n");
    assert_int_equal(wire_request(sv[0], &d, "tasks", NULL, &data, &e), ERR_NOTFOUND);
    assert_string_equal(e.text, "no run 9");
    close(sv[1]);
    assert_int_equal(wire_request(sv[0], &d, "tasks", NULL, &data, &e),
                     ERR_UNAVAILABLE);
    close(sv[0]);
    wire_decoder_release(&d);
}

/* The channel is descriptor 3 of a worker: here one end of a pair is put there. */
static int channel_pair(struct channel *c)
{
    int sv[2];
    struct err e = {0};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
    int other = dup(sv[1]);
    assert_true(other > WIRE_WORKER_FD);
    int copy = dup(sv[0]);
    assert_true(dup2(copy, WIRE_WORKER_FD) == WIRE_WORKER_FD);
    for (int i = 0; i < 2; i++)
        if (sv[i] != WIRE_WORKER_FD)
            close(sv[i]);
    if (copy != WIRE_WORKER_FD)
        close(copy);
    setenv(WIRE_CHANNEL_ENV, "3", 1);
    assert_int_equal(channel_open(c, "test", "t", &e), 0);
    unsetenv(WIRE_CHANNEL_ENV);
    return other;
}

static void the_channel_handles_what_is_its_own(void **state)
{
    (void)state;
    struct channel c;
    struct err e = {0};
    json_t *msg = NULL;
    int fd = channel_pair(&c);
    put(fd, "{\"t\":\"clock\",\"now_ms\":99}\n{\"t\":\"task\",\"task\":\"a\"}\n{\"t\":"
            "\"drain\"}\n");
    assert_int_equal(channel_poll(&c, 1000, &msg, &e), 1);
    assert_string_equal(json_str(msg, "task", ""), "a");
    json_decref(msg);
    assert_int_equal(c.now_ms, 99);
    assert_int_equal(channel_poll(&c, 60000, &msg, &e),
                     0); /* the drain ends the wait */
    assert_true(c.is_draining);
    assert_int_equal(channel_send(&c, "drained", json_object(), &e), 0);
    assert_false(c.is_draining);
    put(fd, "{\"t\":\"stop\"}\n");
    assert_int_equal(channel_poll(&c, 60000, &msg, &e), 0);
    assert_true(c.is_stopping);
    assert_int_equal(channel_poll(&c, 60000, &msg, &e), 0); /* never waits again */
    close(fd);
    channel_close(&c);
}

static void an_alert_waits_for_its_ack_and_keeps_other_messages(void **state)
{
    (void)state;
    struct channel c;
    struct err e = {0};
    json_t *msg = NULL;
    int fd = channel_pair(&c);
    put(fd, "{\"t\":\"task\",\"task\":\"b\"}\n{\"t\":\"ack\",\"id\":1}\n");
    assert_int_equal(channel_alert(&c, json_pack("{s:s}", "key", "k"), &e), 0);
    assert_int_equal(channel_poll(&c, 0, &msg, &e), 1);
    assert_string_equal(json_str(msg, "task", ""), "b");
    json_decref(msg);
    close(fd);
    channel_close(&c);
}

static void a_closed_channel_ends_the_worker(void **state)
{
    (void)state;
    struct channel c;
    struct err e = {0};
    json_t *msg = NULL;
    int fd = channel_pair(&c);
    close(fd);
    assert_int_equal(channel_poll(&c, 60000, &msg, &e), ERR_UNAVAILABLE);
    assert_int_equal(channel_alert(&c, json_pack("{s:s}", "key", "k"), &e),
                     ERR_UNAVAILABLE);
    channel_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_listens_is_said_with_advice),
        cmocka_unit_test(a_dead_socket_is_replaced_a_live_one_is_not),
        cmocka_unit_test(a_file_in_the_way_is_not_removed),
        cmocka_unit_test(long_paths_work),
        cmocka_unit_test(a_request_skips_pushes_and_carries_the_error),
        cmocka_unit_test(the_channel_handles_what_is_its_own),
        cmocka_unit_test(an_alert_waits_for_its_ack_and_keeps_other_messages),
        cmocka_unit_test(a_closed_channel_ends_the_worker),
    };
    return cmocka_run_group_tests(tests, dir_make, dir_remove);
}
