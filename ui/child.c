/* Running commands of the table. In: a command line of the palette; out: its output as
 * lines of the feed "output". Called by app_command. Holds always: at most one child,
 * in its own process group, its output bounded; leaving the console ends it. */
#include "ui/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "ui/form.h"

#define OUT_MAX  (4u << 20)
#define WORD_MAX 64

bool child_is_allowed(const struct app *a, const struct cmd *c)
{
    static const char *const interactive[] = {"console", "up", "worker", "init",
                                              "down"};

    if (c->flags & CMD_HIDDEN || (a->o.is_readonly && c->flags & CMD_MUTATES))
        return false;
    for (size_t i = 0; i < sizeof interactive / sizeof *interactive; i++)
        if (streq(c->name, interactive[i]))
            return false;
    return true;
}

/* Words of a line; "double" and 'single' quotes keep blanks. Returns how many. */
static size_t split(char *line, char **words, size_t max)
{
    size_t n = 0;

    for (char *p = line; n < max;) {
        p += strspn(p, " \t");
        if (!*p)
            break;
        char quote = *p == '"' || *p == '\'' ? *p++ : '\0';
        words[n++] = p;
        p = quote ? strchr(p, quote) : p + strcspn(p, " \t");
        if (!p || !*p)
            break;
        *p++ = '\0';
    }
    return n;
}

static void exec_child(struct app *a, char **words, int out)
{
    sigset_t none;
    int null = open("/dev/null", O_RDONLY);

    setpgid(0, 0);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    dup2(null, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(out, STDERR_FILENO);
    if (a->o.project_dir)
        setenv("WEIR_PROJECT_DIR", a->o.project_dir, 1);
    if (a->o.state_dir)
        setenv("WEIR_STATE_DIR", a->o.state_dir, 1);
    execv(a->o.exe, words);
    dprintf(STDERR_FILENO, "cannot start %s: %s\n", a->o.exe, strerror(errno));
    _exit(127);
}

static void start(struct app *a, const char *line)
{
    char *copy = mem_strdup(line), *words[WORD_MAX + 2] = {mem_strdup("weir")};
    int pipe_fd[2];

    size_t n = split(copy, words + 1, WORD_MAX);
    words[n + 1] = NULL;
    if (a->child || pipe2(pipe_fd, O_CLOEXEC) < 0) {
        app_say(a, ROLE_WARN, "another command is still running");
        goto out;
    }
    pid_t pid = fork();
    if (pid == 0)
        exec_child(a, words, pipe_fd[1]);
    close(pipe_fd[1]);
    if (pid > 0)
        setpgid(pid, pid);
    if (pid < 0) {
        close(pipe_fd[0]);
        app_say(a, ROLE_ERROR, "cannot start a process: %s", strerror(errno));
        goto out;
    }
    fcntl(pipe_fd[0], F_SETFL, O_NONBLOCK);
    a->child = pid;
    a->child_fd = pipe_fd[0];
    buf_reset(&a->child_out);
    a->child_out.max = OUT_MAX;
    str_copy(a->child_title, sizeof a->child_title, line);
    feeds_put(&a->feeds, "output", json_object(), a->mono_ms);
    app_open_page(a, view_find("log"), "output", a->child_title);
out:
    mem_free(words[0]);
    mem_free(copy);
}

static void submit(struct app *a, struct form *f)
{
    char line[300];

    str_copy(line, sizeof line, f->subject);
    start(a, line);
}

void child_start(struct app *a, const struct cmd *c, const char *line)
{
    if (a->o.is_script || !a->o.exe) {
        app_say(a, ROLE_MUTED, "would run: weir %s", line);
        return;
    }
    if (!(c->flags & CMD_MUTATES)) {
        start(a, line);
        return;
    }
    struct form *f = form_new("Run a command", "Run", submit);
    form_line(f, "weir %s", line);
    form_line(f, "%s", c->summary);
    str_copy(f->subject, sizeof f->subject, line);
    form_guard(a, f, c->name);
    app_push(a, &f->modal);
}

/* The output so far as the data of a log feed. */
static void publish(struct app *a, const char *last)
{
    json_t *data = json_object(), *lines = json_array();

    for (const char *p = buf_str(&a->child_out); *p;) {
        size_t n = strcspn(p, "\n");
        json_t *line = json_object();
        char *text = mem_strndup(p, n);
        json_put_str(line, "text", text);
        mem_free(text);
        json_array_append_new(lines, line);
        p += n + (p[n] == '\n');
    }
    if (last) {
        json_t *line = json_object();
        json_put_str(line, "text", last);
        json_array_append_new(lines, line);
    }
    json_put(data, "lines", lines);
    feeds_put(&a->feeds, "output", data, a->mono_ms);
    a->is_dirty = true;
}

void child_read(struct app *a)
{
    char chunk[16384], last[64];
    ssize_t n;
    int status = 0;

    while ((n = read(a->child_fd, chunk, sizeof chunk)) > 0)
        if (a->child_out.len + (size_t)n < OUT_MAX)
            buf_add(&a->child_out, chunk, (size_t)n);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        publish(a, NULL);
        return;
    }
    close(a->child_fd);
    waitpid(a->child, &status, 0);
    a->child = 0;
    a->child_fd = -1;
    if (WIFEXITED(status))
        snprintf(last, sizeof last, "(exit status %d)", WEXITSTATUS(status));
    else
        snprintf(last, sizeof last, "(ended by signal %d)", WTERMSIG(status));
    publish(a, last);
}

void child_end(struct app *a)
{
    if (!a->child)
        return;
    kill(-a->child, SIGTERM);
    close(a->child_fd);
    a->child = 0;
    a->child_fd = -1;
}
