/* A platform of fake workers (tests/helper/fake_worker.c) in a folder of its own, and a
 * supervisor over it: in this process (run_once) or in one of its own. */
#ifndef TESTS_SUPERVISE_FIXTURE_H
#define TESTS_SUPERVISE_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json.h"
#include "base/str.h"
#include "base/timeutil.h"
#include "state/state.h"
#include "supervise/spawn.h"
#include "supervise/supervise.h"
#include "wire/wire.h"

#define DEADLINE_MS 30000

static char dir[256], state_dir[300], helper[512];
static struct platform *p;
static pid_t supervisor; /* of the running test; a failed one leaves it to teardown */

static const char weir_yml[] =
    "platform: fake\n"
    "sources:\n"
    "  pos: {plugin: pos, path: pos.jsonl, topic: transactions}\n"
    "  stores: {plugin: stores, path: stores.csv, every: 1h}\n"
    "streams:\n"
    "  enrichment: {from: transactions}\n"
    "loads:\n"
    "  raw: {from: enriched-transactions, into: bronze.raw}\n"
    "models: {project: .}\n"
    "roles: {viewer: []}\n";

static inline void write_file(const char *name, const char *text)
{
    char path[600];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static inline int setup(void **state)
{
    (void)state;
    struct err e = {0};
    const char *tmp = getenv("TMPDIR");
    snprintf(dir, sizeof dir, "%s/weir-job-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(dir))
        return -1;
    ssize_t n = readlink("/proc/self/exe", helper, sizeof helper - 64);
    if (n < 0)
        return -1;
    helper[n] = '\0';
    *strrchr(helper, '/') = '\0';
    char *unit = strrchr(helper, '/');
    str_copy(unit, sizeof helper - (size_t)(unit - helper), "/helper/fake_worker");
    snprintf(state_dir, sizeof state_dir, "%s/state", dir);
    write_file("weir.yml", weir_yml);
    write_file("pos.jsonl", "");
    write_file("stores.csv", "store_id\n");
    write_file("dbt_project.yml", "name: fake\nversion: 1.0.0\nprofile: fake\n");
    /* A leak check at every exit of the helper takes seconds. */
    setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
    setenv("WEIR_PROJECT_DIR", dir, 1);
    setenv("WEIR_STATE_DIR", state_dir, 1);
    unsetenv("FAKE_PLAN");
    unsetenv("FAKE_MODE_stream");
    unsetenv("FAKE_MODE_ingest");
    struct conf_options o = {.project_dir = dir, .state_dir = state_dir};
    if (conf_load(&p, &o, &e) < 0) {
        fprintf(stderr, "%s\n", e.text);
        return -1;
    }
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    if (supervisor > 0) {
        kill(supervisor, SIGKILL);
        waitpid(supervisor, NULL, 0);
        supervisor = 0;
    }
    conf_free(p);
    char cmd[300];
    snprintf(cmd, sizeof cmd, "rm -rf '%s'", dir);
    return system(cmd);
}

static inline void need_helper(void)
{
    if (access(helper, X_OK) < 0)
        skip();
}

/* items: "kind[@pool] node after,after;…" → the plan the fake sql workers answer with.
 */
static inline void set_plan(const char *items)
{
    json_t *plan =
        json_pack("{s:s,s:s,s:[]}", "command", "build", "reason", "test", "text");
    json_t *list = json_array();
    char text[512], path[600];
    str_copy(text, sizeof text, items);
    char *save = NULL;
    for (char *item = strtok_r(text, ";", &save); item;
         item = strtok_r(NULL, ";", &save)) {
        char kind[32], node[64], after[128] = "";
        assert_true(sscanf(item, "%31s %63s %127s", kind, node, after) >= 2);
        char *pool = strchr(kind, '@');
        if (pool)
            *pool++ = '\0';
        json_t *row = json_pack("{s:s,s:s,s:s,s:s,s:s*}", "node", node, "name", node,
                                "kind", kind, "why", "test", "pool", pool);
        json_t *deps = json_array();
        char *more = NULL;
        for (char *d = strtok_r(after, ",", &more); d; d = strtok_r(NULL, ",", &more))
            json_array_append_new(deps, json_string(d));
        json_object_set_new(row, "after", deps);
        json_array_append_new(list, row);
    }
    json_object_set_new(plan, "items", list);
    snprintf(path, sizeof path, "%s/plan.json", dir);
    assert_int_equal(json_save_path(plan, path, NULL), 0);
    json_decref(plan);
    setenv("FAKE_PLAN", path, 1);
}

static inline int run_once(json_t **summary, struct err *e)
{
    struct supervise_options o = {
        .once = true, .is_quiet = true, .exe = helper, .summary = summary};
    return supervise_run(p, &o, e);
}

/* state of a task of the newest run */
static inline void task_state(const char *node, char *out, size_t size)
{
    char path[400];
    struct err e = {0};
    struct state *s = NULL;
    json_t *runs = NULL, *tasks = NULL, *t;
    size_t i;
    snprintf(path, sizeof path, "%s/state.db", state_dir);
    assert_int_equal(state_open(&s, path, true, &e), 0);
    assert_int_equal(state_runs(s, 1, &runs, &e), 0);
    assert_int_equal(
        state_tasks(s, json_i64(json_array_get(runs, 0), "id", 0), &tasks, &e), 0);
    str_copy(out, size, "none");
    json_array_foreach (tasks, i, t)
        if (streq(json_str(t, "node", ""), node))
            snprintf(out, size, "%s/%lld", json_str(t, "state", "?"),
                     (long long)json_i64(t, "attempt", 0));
    json_decref(runs);
    json_decref(tasks);
    state_close(s);
}
#define assert_task(node, want)                                                        \
    do {                                                                               \
        char got_[64];                                                                 \
        task_state(node, got_, sizeof got_);                                           \
        assert_string_equal(got_, want);                                               \
    } while (0)

/* ── a supervisor in a process of its own
 * ────────────────────────────────────────────── */

static inline pid_t supervisor_start(bool once)
{
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct err e = {0};
        struct supervise_options o = {.once = once, .is_quiet = true, .exe = helper};
        int rc = supervise_run(p, &o, &e);
        _exit(rc < 0 ? err_exit_status(rc) : rc);
    }
    supervisor = pid;
    return pid;
}

static inline int supervisor_wait(pid_t pid)
{
    int status = 0;
    int64_t deadline = time_mono_ms() + DEADLINE_MS;
    while (waitpid(pid, &status, WNOHANG) == 0) {
        if (time_mono_ms() > deadline) {
            kill(pid, SIGKILL);
            waitpid(pid, &status, 0);
            fail_msg("the supervisor did not end");
        }
        (void)poll(NULL, 0, 10);
    }
    supervisor = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static inline int connect_soon(void)
{
    char path[400];
    struct err e = {0};
    int fd = -1;
    int64_t deadline = time_mono_ms() + DEADLINE_MS;
    snprintf(path, sizeof path, "%s/control.sock", state_dir);
    while (wire_connect(path, &fd, &e) < 0) {
        if (time_mono_ms() > deadline)
            fail_msg("nobody listens: %s", e.text);
        (void)poll(NULL, 0, 10);
    }
    return fd;
}

static inline int ask(int fd, const char *cmd, json_t *args, json_t **data,
                      struct err *e)
{
    struct wire_decoder d;
    json_t *got = NULL;
    wire_decoder_init(&d);
    int rc = wire_request(fd, &d, cmd, args, &got, e);
    wire_decoder_release(&d);
    if (data)
        *data = got;
    else
        json_decref(got);
    return rc;
}

static inline void wait_for(int fd, const char *until)
{
    struct err e = {0};
    json_t *data = NULL;
    assert_int_equal(ask(fd, "wait", json_pack("{s:s}", "until", until), &data, &e), 0);
    assert_true(json_flag(data, "met", false));
    json_decref(data);
}

static inline int64_t newest_run(const char *until_state, char *reason, size_t size)
{
    char path[400];
    struct err e = {0};
    int64_t id = 0, deadline = time_mono_ms() + DEADLINE_MS;
    snprintf(path, sizeof path, "%s/state.db", state_dir);
    while (id == 0) {
        struct state *s = NULL;
        json_t *runs = NULL;
        if (state_open(&s, path, true, &e) == 0 && state_runs(s, 1, &runs, &e) == 0 &&
            json_array_size(runs) > 0) {
            const json_t *r = json_array_get(runs, 0);
            if (streq(json_str(r, "state", ""), until_state))
                id = json_i64(r, "id", 0);
            str_copy(reason, size, json_str(r, "reason", ""));
        }
        json_decref(runs);
        state_close(s);
        if (time_mono_ms() > deadline)
            fail_msg("no run became %s", until_state);
        (void)poll(NULL, 0, 10);
    }
    return id;
}

static inline void reload(const char *yml)
{
    struct err e = {0};
    struct conf_options o = {.project_dir = dir, .state_dir = state_dir};
    write_file("weir.yml", yml);
    conf_free(p);
    p = NULL;
    assert_int_equal(conf_load(&p, &o, &e), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
