/* Containment of a plugin: crash, hang, exit and limits.
 *
 * in: which call is running. out: one line on stderr and one event on the channel when
 * the process ends inside of it. Called by plugin.c and host.c. Always holds: the
 * handlers use async-signal-safe calls only and never return into a crashed plugin. */
#include "ingest/guard.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define FILES_MAX   256
#define STACK_SIZE  (64 * 1024)
#define TICK_MS_MAX 500
#define TICK_MS_MIN 10
#define EXIT_FAILED 1

static struct {
    const char *source, *plugin;
    const char *volatile call; /* NULL: no plugin code is running */
    volatile sig_atomic_t beats, last_beats;
    volatile int64_t since_ms; /* last_beats stands since then */
    int64_t hang_ms;
    int fd;
    bool has_hook;
} guard = {.fd = -1};

static char alt_stack[STACK_SIZE];

/* Longest name a message has room for; more is cut. */
struct message {
    char text[512];
    size_t n;
};

static void add(struct message *m, const char *s)
{
    while (*s && m->n < sizeof(m->text) - 2)
        m->text[m->n++] = *s++;
}

/* "source pos: plugin pos WHAT in next" to stderr, and as an event to the supervisor.
 */
static void tell(const char *what, const char *detail)
{
    struct message m = {.n = 0};
    add(&m, "error ingest: source ");
    add(&m, guard.source);
    add(&m, ": plugin ");
    add(&m, guard.plugin);
    add(&m, what);
    add(&m, guard.call ? guard.call : "?");
    add(&m, detail);
    m.text[m.n++] = '\n';
    ssize_t ignored = write(STDERR_FILENO, m.text, m.n);
    if (guard.fd >= 0) {
        struct message j = {.n = 0};
        m.text[m.n - 1] = 0;
        add(&j, "{\"t\":\"event\",\"level\":\"error\",\"text\":\"");
        add(&j, m.text + sizeof("error ingest: ") - 1);
        add(&j, "\"}");
        j.text[j.n++] = '\n';
        ignored = write(guard.fd, j.text, j.n);
    }
    (void)ignored;
}

static int64_t mono_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void on_crash(int sig)
{
    static const struct {
        int sig;
        const char *name;
    } names[] = {{SIGSEGV, " (SIGSEGV)"},
                 {SIGBUS, " (SIGBUS)"},
                 {SIGFPE, " (SIGFPE)"},
                 {SIGILL, " (SIGILL)"},
                 {SIGABRT, " (SIGABRT)"}};
    if (guard.call) {
        const char *name = "";
        for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
            name = names[i].sig == sig ? names[i].name : name;
        tell(" crashed in ", name);
    }
    signal(sig, SIG_DFL);
    raise(sig);
}

static void on_tick(int sig)
{
    int saved = errno;
    (void)sig;
    int64_t now = mono_ms();
    if (!guard.call || guard.beats != guard.last_beats) {
        guard.last_beats = guard.beats;
        guard.since_ms = now;
    } else if (now - guard.since_ms > guard.hang_ms) {
        tell(" hangs in ", ": no progress for hang_ms");
        _exit(EXIT_FAILED);
    }
    errno = saved;
}

static void on_exit_hook(void)
{
    if (!guard.call)
        return;
    tell(" called exit() in ", "");
    _exit(EXIT_FAILED);
}

static void handle(int sig, void (*fn)(int), int flags)
{
    struct sigaction sa = {.sa_flags = flags};
    sa.sa_handler = fn;
    sigemptyset(&sa.sa_mask);
    sigaction(sig, &sa, NULL);
}

static const int crash_signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

static void set_timer(int64_t hang_ms)
{
    int64_t tick = hang_ms / 4;
    tick = tick > TICK_MS_MAX ? TICK_MS_MAX : tick < TICK_MS_MIN ? TICK_MS_MIN : tick;
    struct itimerval t = {{0, 0}, {0, 0}};
    if (hang_ms > 0)
        t.it_interval.tv_usec = tick * 1000;
    t.it_value = t.it_interval;
    setitimer(ITIMER_REAL, &t, NULL);
}

void guard_start(const char *source, const char *plugin, int64_t hang_ms, int fd)
{
    stack_t ss = {.ss_sp = alt_stack, .ss_size = sizeof(alt_stack)};
    guard.source = source;
    guard.plugin = plugin;
    guard.hang_ms = hang_ms;
    guard.fd = fd;
    guard.since_ms = mono_ms();
    sigaltstack(&ss, NULL);
    for (size_t i = 0; i < sizeof(crash_signals) / sizeof(*crash_signals); i++)
        handle(crash_signals[i], on_crash, SA_ONSTACK | (int)SA_NODEFER);
    if (!guard.has_hook)
        atexit(on_exit_hook);
    guard.has_hook = true;
    handle(SIGALRM, on_tick, SA_RESTART);
    set_timer(hang_ms);
}

void guard_stop(void)
{
    set_timer(0);
    handle(SIGALRM, SIG_DFL, 0);
    for (size_t i = 0; i < sizeof(crash_signals) / sizeof(*crash_signals); i++)
        handle(crash_signals[i], SIG_DFL, 0);
    guard.call = NULL;
    guard.fd = -1;
}

void guard_enter(const char *call)
{
    guard_alive();
    guard.call = call;
}

void guard_leave(void)
{
    guard.call = NULL;
}

void guard_alive(void)
{
    guard.beats = (sig_atomic_t)((unsigned)guard.beats + 1u);
}

/* Address space this process uses now. */
static rlim_t address_space(void)
{
    unsigned long pages = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (f) {
        if (fscanf(f, "%lu", &pages) != 1)
            pages = 0;
        fclose(f);
    }
    return (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

static int lower(__rlimit_resource_t what, rlim_t to, struct err *e)
{
    struct rlimit r;
    if (getrlimit(what, &r) < 0)
        return err_errno(e, ERR_FAIL, "getrlimit");
    if (r.rlim_cur != RLIM_INFINITY && r.rlim_cur <= to)
        return 0;
    r.rlim_cur = to;
    return setrlimit(what, &r) < 0 ? err_errno(e, ERR_FAIL, "setrlimit") : 0;
}

int guard_limits(int64_t memory_bytes, struct err *e)
{
    signal(SIGXFSZ, SIG_IGN);
    int rc = lower(RLIMIT_NOFILE, FILES_MAX, e);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    memory_bytes = 0; /* the sanitizer's shadow would count */
#endif
    rlim_t now = address_space();
    if (rc == 0 && memory_bytes > 0 && now > 0)
        rc = lower(RLIMIT_AS, now + (rlim_t)memory_bytes, e);
    return rc;
}
