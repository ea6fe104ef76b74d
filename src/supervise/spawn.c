/* Making a child by the rules of the supervisor (spawn.h).
 *
 * in: argv. out: pid, pidfd and the parent's ends of stdout, stderr and the channel.
 * Called by proc.c. Always holds: between fork and exec only async-signal-safe calls;
 * signals are blocked around the fork, so no handler of ours runs in the child; a
 * failed exec is told with its errno through a close-on-exec pipe, never guessed. */
#include "supervise/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "wire/wire.h"

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

extern char **environ;

enum { IN, OUT, ERR, CHANNEL, EXEC, N_ENDS };

struct ends {
    int ours[N_ENDS], theirs[N_ENDS];
};

static void ends_close(int *fds)
{
    for (int i = 0; i < N_ENDS; i++) {
        if (fds[i] >= 0)
            close(fds[i]);
        fds[i] = -1;
    }
}

/* The child's ends sit above what dup2 will write to, so that no dup2 destroys one. */
static int end_move(int *fd)
{
    int high = fcntl(*fd, F_DUPFD_CLOEXEC, 16);
    if (high < 0)
        return -1;
    close(*fd);
    *fd = high;
    return 0;
}

static int ends_open(struct ends *n)
{
    for (int i = 0; i < N_ENDS; i++)
        n->ours[i] = n->theirs[i] = -1;
    n->theirs[IN] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (n->theirs[IN] < 0)
        return -1;
    for (int i = OUT; i < N_ENDS; i++) {
        int fds[2];
        int rc = i == CHANNEL ? socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds)
                              : pipe2(fds, O_CLOEXEC);
        if (rc < 0)
            return -1;
        n->ours[i] = fds[0];
        n->theirs[i] = fds[1];
    }
    for (int i = 0; i < N_ENDS; i++)
        if (end_move(&n->theirs[i]) < 0)
            return -1;
    for (int i = OUT; i <= CHANNEL; i++)
        if (fcntl(n->ours[i], F_SETFL, O_NONBLOCK) < 0)
            return -1;
    return 0;
}

/* The child's environment: ours, the channel's sign, the attempt's name. */
static char **environment_make(const char *attempt, char **mine)
{
    size_t n = 0, kept = 0;
    while (environ[n])
        n++;
    char **env = mem_alloc((n + 3) * sizeof *env);
    for (size_t i = 0; i < n; i++)
        if (!str_starts(environ[i], WIRE_CHANNEL_ENV "=") &&
            !str_starts(environ[i], "WEIR_ATTEMPT="))
            env[kept++] = environ[i];
    mine[0] = mem_printf("%s=%d", WIRE_CHANNEL_ENV, WIRE_WORKER_FD);
    mine[1] = mem_printf("WEIR_ATTEMPT=%s", attempt);
    env[kept++] = mine[0];
    env[kept++] = mine[1];
    env[kept] = NULL;
    return env;
}

static void __attribute__((noreturn)) child_fail(int fd)
{
    int why = errno;
    ssize_t n = write(fd, &why, sizeof why);
    _exit(n == sizeof why ? 127 : 126);
}

/* Runs in the child: async-signal-safe only, no return. */
static void __attribute__((noreturn))
child_run(const struct ends *n, pid_t parent, char *const *argv, char *const *env)
{
    struct sigaction dfl = {.sa_handler = SIG_DFL};
    for (int s = 1; s < NSIG; s++)
        if (s != SIGKILL && s != SIGSTOP)
            (void)sigaction(s, &dfl, NULL);
    if (setpgid(0, 0) < 0)
        child_fail(n->theirs[EXEC]);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
        child_fail(n->theirs[EXEC]);
    if (getppid() != parent) /* the supervisor died before the line above */
        _exit(125);
    for (int i = IN; i <= CHANNEL; i++)
        if (dup2(n->theirs[i], i) < 0)
            child_fail(n->theirs[EXEC]);
    (void)syscall(SYS_close_range, 4U, ~0U, CLOSE_RANGE_CLOEXEC);
    sigset_t none;
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    execve(argv[0], argv, env);
    child_fail(n->theirs[EXEC]);
}

/* 0: exec worked (the pipe closed); else the child's errno. */
static int exec_wait(int fd)
{
    int why = 0;
    ssize_t n;
    do
        n = read(fd, &why, sizeof why);
    while (n < 0 && errno == EINTR);
    return n == sizeof why ? why : 0;
}

static int spawn_failed(const struct spawn *s, int why, struct err *e)
{
    errno = why;
    if (why == ENOENT || why == EACCES || why == ENOEXEC || why == ENOTDIR)
        return err_errno(e, ERR_CONFIG, "cannot execute %s", s->argv[0]);
    return err_errno(e, ERR_UNAVAILABLE, "cannot start %s", s->argv[0]);
}

static pid_t fork_blocked(const struct ends *n, char *const *argv, char *const *env)
{
    sigset_t all, old;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &old);
    pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        child_run(n, parent, argv, env);
    int why = errno;
    sigprocmask(SIG_SETMASK, &old, NULL);
    errno = why;
    return pid;
}

static void spawn_take(struct spawn *s, struct ends *n)
{
    s->out = n->ours[OUT];
    s->err = n->ours[ERR];
    s->channel = n->ours[CHANNEL];
    s->pidfd = (int)syscall(SYS_pidfd_open, s->pid, 0U);
    if (s->pidfd >= 0)
        (void)fcntl(s->pidfd, F_SETFD, FD_CLOEXEC);
    close(n->ours[EXEC]);
}

int spawn_child(struct spawn *s, struct err *e)
{
    struct ends n;
    if (ends_open(&n) < 0) {
        int rc = spawn_failed(s, errno, e);
        ends_close(n.ours);
        ends_close(n.theirs);
        return rc;
    }
    char *mine[2];
    char **env = environment_make(s->attempt, mine);
    char **argv = NULL;
    memcpy(&argv, &s->argv, sizeof argv); /* execve takes char *const *, reads only */
    s->pid = fork_blocked(&n, argv, env);
    int why = s->pid < 0 ? errno : 0;
    mem_free(env);
    mem_free(mine[0]);
    mem_free(mine[1]);
    ends_close(n.theirs);
    if (why == 0) {
        (void)setpgid(s->pid, s->pid); /* both sides, whoever runs first */
        why = exec_wait(n.ours[EXEC]);
        if (why != 0)
            (void)waitpid(s->pid, NULL, 0);
    }
    if (why != 0) {
        ends_close(n.ours);
        return spawn_failed(s, why, e);
    }
    spawn_take(s, &n);
    return 0;
}

int spawn_become_subreaper(struct err *e)
{
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
        return err_errno(e, ERR_FAIL, "cannot become subreaper");
    return 0;
}

bool spawn_group_is_empty(pid_t pgid)
{
    return kill(-pgid, 0) < 0 && errno == ESRCH;
}

void spawn_signal(pid_t pgid, const char *attempt, int signal)
{
    pid_t pids[256];
    size_t n = spawn_adoptees(attempt, pgid, pids, sizeof pids / sizeof *pids);
    if (pgid > 0 && !spawn_group_is_empty(pgid))
        (void)kill(-pgid, signal);
    for (size_t i = 0; i < n; i++)
        (void)kill(pids[i], signal);
}

bool spawn_has_env(pid_t pid, const char *name, const char *value)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/environ", (int)pid);
    struct buf b;
    buf_init(&b, 4 * 1024 * 1024);
    bool has = false;
    size_t name_len = strlen(name);
    if (buf_read_file(&b, path, NULL) == 0) {
        for (size_t at = 0; at < b.len && !has; at += strlen(b.data + at) + 1) {
            const char *p = b.data + at;
            has = strncmp(p, name, name_len) == 0 && p[name_len] == '=' &&
                  streq(p + name_len + 1, value);
        }
    }
    buf_release(&b);
    return has;
}

size_t spawn_adoptees(const char *attempt, pid_t leader, pid_t *out, size_t max)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    struct buf b;
    buf_init(&b, 4 * 1024 * 1024);
    size_t n = 0;
    if (buf_read_file(&b, path, NULL) == 0) {
        const char *p = buf_str(&b);
        for (char *end; n < max; p = end) {
            long pid = strtol(p, &end, 10);
            if (end == p)
                break;
            if (pid != leader && spawn_has_env((pid_t)pid, "WEIR_ATTEMPT", attempt))
                out[n++] = (pid_t)pid;
        }
    }
    buf_release(&b);
    return n;
}

unsigned long long spawn_start_time(pid_t pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    struct buf b;
    buf_init(&b, 65536);
    unsigned long long ticks = 0;
    if (buf_read_file(&b, path, NULL) == 0) {
        /* The name in parentheses may hold anything: fields count from the last one. */
        const char *p = strrchr(buf_str(&b), ')');
        for (int field = 2; p && field < 22; field++)
            p = strchr(p + 1, ' ');
        if (p)
            ticks = strtoull(p + 1, NULL, 10);
    }
    buf_release(&b);
    return ticks;
}
