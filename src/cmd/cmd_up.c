/* weir up: run the platform: once to the end, in the foreground, or in the background.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "cmd/summary.h"
#include "supervise/supervise.h"

static int up_here(const struct cmd_args *a, const struct supervise_options *base,
                   struct err *e)
{
    json_t *summary = NULL;
    struct supervise_options o = *base;
    o.summary = &summary;
    o.exe = a->exe;
    o.is_quiet = a->is_quiet;
    int rc = supervise_run(a->platform, &o, e);
    if (rc >= 0 && o.once) {
        int shown = summary_print(a, summary, e);
        rc = shown < 0 ? shown : rc;
    }
    if (rc > 0 && e->text[0])
        cmd_print_error(e);
    json_decref(summary);
    return rc;
}

/* ── --detach
 * ────────────────────────────────────────────────────────────────────────── */

/* In the background process: no terminal, stderr to a log of its own. Returns -1 when
 * it could not be (errno). */
static int leave_terminal(const struct platform *p)
{
    char path[PATH_MAX];
    (void)mkdir(p->state_dir, 0755);
    (void)mkdir(conf_state_path(p, "logs", path, sizeof path), 0755);
    conf_state_path(p, "logs/supervisor.log", path, sizeof path);
    int log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (log < 0 || null < 0 || dup2(null, STDIN_FILENO) < 0 ||
        dup2(log, STDOUT_FILENO) < 0 || dup2(log, STDERR_FILENO) < 0)
        return -1;
    return chdir("/");
}

static void __attribute__((noreturn)) run_detached(const struct cmd_args *a, int fd)
{
    struct err e = {0};
    int rc = -1;
    if (leave_terminal(a->platform) < 0)
        err_errno(&e, ERR_IO, "cannot write the log of the supervisor");
    else
        rc =
            up_here(a, &(struct supervise_options){.detach = true, .ready_fd = fd}, &e);
    if (rc < 0) {
        /* Whoever waits reads why; the log has it too. */
        (void)!write(fd, e.text, strlen(e.text));
        cmd_print_error(&e);
        rc = err_exit_status(e.code);
    }
    _exit(rc);
}

/* Wait for "ready" or for the reason why not. */
static int wait_ready(const struct cmd_args *a, int fd, struct err *e)
{
    char text[ERR_TEXT_MAX] = "";
    size_t n = 0;
    for (ssize_t got; n < sizeof text - 1; n += (size_t)got) {
        got = read(fd, text + n, sizeof text - 1 - n);
        if (got < 0 && errno == EINTR)
            got = 0;
        else if (got <= 0)
            break;
        if (str_starts(text, "ready\n"))
            break;
    }
    if (str_starts(text, "ready\n")) {
        if (!a->is_quiet)
            printf("%s is up in the background: `weir console` to watch it, `weir "
                   "status`, "
                   "`weir down` to end it\n",
                   a->platform->name);
        return 0;
    }
    n = strcspn(text, "\n");
    if (text[n]) /* it is up, but for some of its processes */
        return err_set(
            e, ERR_FAIL,
            "%s is up in the background, but not all of it:\n%s(`weir status`, "
            "`weir logs NAME`)",
            a->platform->name, text);
    bool is_locked = strstr(text, "already runs") != NULL;
    return err_set(e, is_locked ? ERR_LOCKED : ERR_FAIL, "%s",
                   text[0] ? text
                           : "the platform ended before it was ready: see "
                             "logs/supervisor.log in the state folder");
}

static int up_detached(const struct cmd_args *a, struct err *e)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) < 0)
        return err_errno(e, ERR_IO, "cannot detach");
    fflush(NULL);
    pid_t child = fork();
    if (child < 0)
        return err_errno(e, ERR_IO, "cannot detach");
    if (child == 0) {
        close(fds[0]);
        setsid();
        pid_t daemon_pid = fork();
        if (daemon_pid != 0)
            _exit(daemon_pid < 0);
        run_detached(a, fds[1]);
    }
    close(fds[1]);
    (void)waitpid(child, NULL, 0);
    int rc = wait_ready(a, fds[0], e);
    close(fds[0]);
    return rc;
}

static int run(const struct cmd_args *a, struct err *e)
{
    bool once = opt_flag(a, "once");
    if (once && opt_flag(a, "detach"))
        return err_set(e, ERR_USAGE,
                       "--once runs to its end here: leave --detach away");
    if (opt_flag(a, "detach"))
        return up_detached(a, e);
    if (once) /* finished is not idle: no worker may move a watermark by waiting */
        setenv("WEIR_ONCE", "1", 1);
    return up_here(a, &(struct supervise_options){.once = once}, e);
}

static const struct cmd_opt opts[] = {
    {"once", 0, OPT_FLAG, NULL,
     "Read every bounded source to its end, drain, build and check everything, stop.",
     NULL},
    {"detach", 'd', OPT_FLAG, NULL, "Run in the background; returns when it is ready.",
     NULL},
    {0},
};

const struct cmd cmd_up = {
    .name = "up",
    .summary = "Run the platform.",
    .operands = "",
    .doc =
        "Starts the sources, the streams, the loads and the workers that build tables, "
        "and "
        "keeps them alive; schedules run by the platform's clock.\n\n"
        "--once is the headless main job: it ends by itself with a table of what it "
        "did. "
        "Exit status 0 all good, 1 something failed, 2 configuration, 4 another "
        "supervisor "
        "holds the state folder, 5 blocked by a gate, 130 interrupted. Ctrl-C stops in "
        "order, a second one without draining.",
    .flags = CMD_MUTATES | CMD_JSON,
    .opts = opts,
    .run = run,
};
