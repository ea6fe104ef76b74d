/* The real console on a pseudo terminal with the test as its supervisor: start without
 * a supervisor, connect, resize, leave, be terminated; the terminal is given back.
 * Nothing sleeps: every wait is for bytes, with a limit that only a hang reaches. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/json.h"
#include "wire/wire.h"

#define LIMIT_MS 20000

struct session {
    char dir[64], socket_path[160];
    pid_t pid;
    int tty, listener, fd;
    struct wire_decoder decoder;
    char out[1 << 16]; /* what the console wrote, the newest end of it */
    size_t n;
};

static const char *weir_path(void)
{
    const char *path = getenv("WEIR");
    return path && *path ? path : "build/weir";
}

static void write_file(const char *dir, const char *name, const char *text)
{
    char path[160];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void start(struct session *s, const char *term)
{
    struct winsize size = {.ws_row = 24, .ws_col = 80};
    char exe[4096];

    assert_non_null(realpath(weir_path(), exe));
    s->pid = forkpty(&s->tty, NULL, NULL, &size);
    assert_true(s->pid >= 0);
    if (s->pid == 0) {
        if (chdir(s->dir) < 0)
            _exit(126);
        unsetenv("WEIR_PROJECT_DIR");
        unsetenv("WEIR_STATE_DIR");
        setenv("TERM", term, 1);
        setenv("LC_ALL", "C.UTF-8", 1);
        execl(exe, "weir", "console", (char *)NULL);
        _exit(127);
    }
}

static int setup(void **state)
{
    static struct session s;
    const char *tmp = getenv("TMPDIR");
    char path[128];

    if (access(weir_path(), X_OK) < 0)
        return 0;
    memset(&s, 0, sizeof s);
    s.listener = s.fd = -1;
    snprintf(s.dir, sizeof s.dir, "%.40s/uittyXXXXXX",
             tmp && strlen(tmp) < 40 ? tmp : "/tmp");
    if (!mkdtemp(s.dir))
        return -1;
    write_file(s.dir, "weir.yml", "platform: shop\n");
    snprintf(path, sizeof path, "%s/.weir", s.dir);
    if (mkdir(path, 0700) < 0)
        return -1;
    snprintf(s.socket_path, sizeof s.socket_path, "%s/control.sock", path);
    wire_decoder_init(&s.decoder);
    start(&s, "xterm-256color");
    *state = &s;
    return 0;
}

static int teardown(void **state)
{
    struct session *s = *state;
    char path[160];

    if (!s)
        return 0;
    if (s->pid > 0) {
        kill(s->pid, SIGKILL);
        waitpid(s->pid, NULL, 0);
    }
    close(s->tty);
    if (s->fd >= 0)
        close(s->fd);
    if (s->listener >= 0)
        close(s->listener);
    wire_decoder_release(&s->decoder);
    unlink(s->socket_path);
    snprintf(path, sizeof path, "%s/.weir", s->dir);
    rmdir(path);
    snprintf(path, sizeof path, "%s/weir.yml", s->dir);
    unlink(path);
    rmdir(s->dir);
    return 0;
}

/* Reads what the console writes until it has written text; false when it ended before.
 */
static bool wait_for(struct session *s, const char *text)
{
    for (;;) {
        s->out[s->n] = '\0';
        if (strstr(s->out, text))
            return true;
        struct pollfd p = {.fd = s->tty, .events = POLLIN};
        if (poll(&p, 1, LIMIT_MS) <= 0)
            return false;
        if (s->n > sizeof s->out / 2) { /* keep the newest half */
            memmove(s->out, s->out + s->n / 2, s->n - s->n / 2);
            s->n -= s->n / 2;
        }
        ssize_t n = read(s->tty, s->out + s->n, sizeof s->out - 1 - s->n);
        if (n <= 0)
            return false;
        s->n += (size_t)n;
    }
}

static void expect(struct session *s, const char *text)
{
    if (!wait_for(s, text))
        fail_msg("the console never wrote \"%s\"", text);
    s->n = 0;
}

static void press(struct session *s, const char *keys)
{
    assert_int_equal(write(s->tty, keys, strlen(keys)), (ssize_t)strlen(keys));
}

static int exit_status(struct session *s)
{
    int status = 0;

    while (wait_for(s, "\x01 never")) /* drains to the end */
        ;
    assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
    s->pid = 0;
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* The exit status after the terminal was given back. */
static int ended(struct session *s)
{
    assert_true(wait_for(s, "\033[?1049l")); /* leaves the alternate screen */
    return exit_status(s);
}

static json_t *next_request(struct session *s)
{
    struct err e = {0};
    json_t *msg = NULL;

    if (wire_recv(s->fd, &s->decoder, LIMIT_MS, &msg, &e) != 1)
        fail_msg("no request from the console: %s", e.text);
    return msg;
}

static void become_supervisor(struct session *s)
{
    struct err e = {0};
    struct pollfd p;

    if (wire_listen(s->socket_path, &s->listener, &e) < 0)
        fail_msg("%s", e.text);
    p = (struct pollfd){.fd = s->listener, .events = POLLIN};
    assert_int_equal(poll(&p, 1, LIMIT_MS), 1);
    s->fd = accept(s->listener, NULL, NULL);
    json_t *msg = next_request(s);
    assert_string_equal(json_str(msg, "cmd", ""), "subscribe");
    json_decref(msg);
}

static void push(struct session *s, const char *line)
{
    assert_int_equal(write(s->fd, line, strlen(line)), (ssize_t)strlen(line));
}

static void connects_resizes_and_leaves(void **state)
{
    struct session *s = *state;
    struct winsize small = {.ws_row = 15, .ws_col = 60};

    if (!s)
        skip();
    expect(s, "No supervisor answers.");
    become_supervisor(s);
    push(s, "{\"feed\":\"overview\",\"data\":{\"platform\":\"shop\",\"environment\":"
            "\"test\","
            "\"state\":\"running\",\"stages\":[],\"events\":[]}}\n");
    expect(s, "events");
    assert_int_equal(ioctl(s->tty, TIOCSWINSZ, &small), 0);
    expect(s, "made for 80x24");
    press(s, "?");
    expect(s, "Help");
    press(s, "qq");
    assert_int_equal(ended(s), 0);
}

static void a_viewer_only_reads(void **state)
{
    struct session *s = *state;
    char line[128];

    if (!s)
        skip();
    expect(s, "No supervisor answers.");
    become_supervisor(s);
    json_t *msg = next_request(s);
    assert_string_equal(json_str(msg, "cmd", ""), "whoami");
    snprintf(line, sizeof line,
             "{\"id\":%lld,\"ok\":true,\"data\":{\"uid\":7,\"role\":\"viewer\"}}\n",
             (long long)json_i64(msg, "id", 0));
    json_decref(msg);
    push(s, line);
    expect(s, "(read only)");
    press(s, "q");
    assert_int_equal(ended(s), 0);
}

static void a_lost_supervisor_is_said(void **state)
{
    struct session *s = *state;

    if (!s)
        skip();
    expect(s, "No supervisor answers.");
    become_supervisor(s);
    push(s, "{\"feed\":\"overview\",\"data\":{\"platform\":\"shop\",\"stages\":[]}}\n");
    expect(s, "events");
    close(s->fd);
    close(s->listener);
    unlink(s->socket_path);
    s->fd = s->listener = -1;
    expect(s, "LOST");
    press(s, "\x03"); /* Ctrl-C */
    assert_int_equal(ended(s), 0);
}

static void sigterm_gives_the_terminal_back(void **state)
{
    struct session *s = *state;

    if (!s)
        skip();
    expect(s, "No supervisor answers.");
    kill(s->pid, SIGTERM);
    assert_int_equal(ended(s), 0);
}

/* A terminal that cannot place its cursor would get rubbish. */
static void a_dumb_terminal_is_refused(void **state)
{
    struct session *s = *state;

    if (!s)
        skip();
    kill(s->pid, SIGKILL);
    waitpid(s->pid, NULL, 0);
    close(s->tty);
    s->n = 0;
    start(s, "dumb");
    expect(s, "no way to place");
    assert_int_equal(exit_status(s), 4);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(connects_resizes_and_leaves), T(a_viewer_only_reads),
        T(a_lost_supervisor_is_said),   T(sigterm_gives_the_terminal_back),
        T(a_dumb_terminal_is_refused),
    };
    return cmocka_run_group_tests_name("ui_tty", tests, NULL, NULL);
}
