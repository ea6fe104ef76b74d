/* weir logs: what a process wrote. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/str.h"
#include "base/text.h"
#include "base/timeutil.h"
#include "cmd/client.h"
#include "state/state.h"

#define READ_MAX ((size_t)64 << 20)

static int list_logs(const struct cmd_args *a, struct err *e)
{
    static const struct cmd_column columns[] = {{"name", "NAME", COL_TEXT},
                                                {"bytes", "SIZE", COL_BYTES},
                                                {"at_ms", "LAST LINE", COL_TIME}};
    char dir[PATH_MAX];
    DIR *d = opendir(conf_state_path(a->platform, "logs", dir, sizeof dir));
    if (!d)
        return errno == ENOENT
                   ? err_set(e, ERR_NOTFOUND, "no logs yet: nothing ran here")
                   : err_errno(e, ERR_IO, "%s", dir);
    json_t *rows = json_array();
    for (struct dirent *f; (f = readdir(d));) {
        struct stat st;
        if (!str_ends(f->d_name, ".log") || fstatat(dirfd(d), f->d_name, &st, 0) < 0)
            continue;
        json_t *row = json_object();
        char name[256];
        snprintf(name, sizeof name, "%.*s", (int)strlen(f->d_name) - 4, f->d_name);
        json_put_str(row, "name", name);
        json_put_i64(row, "bytes", st.st_size);
        json_put_i64(row, "at_ms", (int64_t)st.st_mtime * 1000);
        json_array_append_new(rows, row);
    }
    closedir(d);
    int rc = cmd_print_rows(a, rows, columns, 3, e);
    json_decref(rows);
    return rc;
}

struct window {
    int64_t from_ms, to_ms;
};

static bool in_window(const char *line, size_t n, const struct window *w)
{
    const char *space = memchr(line, ' ', n);
    int64_t ms;
    if (w->to_ms == 0)
        return true;
    return space && time_parse_iso((struct str){line, (size_t)(space - line)}, &ms) &&
           ms >= w->from_ms && ms <= w->to_ms;
}

/* A line for people, or an object for programs: {"log", "line"}. */
static void print_line(const struct cmd_args *a, const char *log, const char *line,
                       size_t n)
{
    struct buf clean;
    buf_init(&clean, 8 << 20);
    if (a->is_json) {
        buf_adds(&clean, "{\"log\":");
        buf_add_json_str(&clean, log, strlen(log));
        buf_adds(&clean, ",\"line\":");
        buf_add_json_str(&clean, line, n);
        buf_addc(&clean, '}');
    } else {
        text_sanitise(&clean, line, n);
    }
    printf("%s\n", buf_str(&clean));
    buf_release(&clean);
}

/* Where the last n lines begin. */
static size_t tail_start(const struct buf *b, long n)
{
    size_t at = b->len;
    if (at > 0 && b->data[at - 1] == '\n')
        at--;
    for (; at > 0; at--)
        if (b->data[at - 1] == '\n' && --n == 0)
            return at;
    return 0;
}

static bool is_plain_name(const char *name)
{
    return *name && *name != '.' && !strchr(name, '/');
}

static int print_file(const struct cmd_args *a, const char *name,
                      const struct window *w, struct err *e)
{
    char path[PATH_MAX], file[300];
    struct buf b;
    if (!is_plain_name(name))
        return err_set(e, ERR_USAGE, "\"%s\" is no name of a process", name);
    snprintf(file, sizeof file, "logs/%.280s.log", name);
    buf_init(&b, READ_MAX);
    conf_state_path(a->platform, file, path, sizeof path);
    if (access(path, F_OK) < 0)
        return err_set(e, ERR_NOTFOUND,
                       "%s has written nothing, or there is no such process: `weir "
                       "logs` lists the logs",
                       name);
    int rc = buf_read_file(&b, path, e);
    for (size_t at = rc == 0 ? tail_start(&b, opt_int(a, "lines", 200)) : b.len;
         at < b.len;) {
        const char *nl = memchr(b.data + at, '\n', b.len - at);
        size_t n = nl ? (size_t)(nl - b.data) - at : b.len - at;
        if (in_window(b.data + at, n, w))
            print_line(a, name, b.data + at, n);
        at += n + 1;
    }
    buf_release(&b);
    return rc;
}

static void print_pushed(const struct cmd_args *a, const char *name, const json_t *data)
{
    json_t *lines = json_arr(data, "lines"), *l;
    size_t i;
    json_array_foreach (lines, i, l) {
        char time[32];
        struct buf b;
        buf_init(&b, 1 << 20);
        buf_addf(&b, "%s %s %s", time_format_iso(json_i64(l, "at_ms", 0), true, time),
                 json_str(l, "stream", "out"), json_str(l, "text", ""));
        print_line(a, name, buf_str(&b), b.len);
        buf_release(&b);
    }
    fflush(stdout);
}

static int follow(const struct cmd_args *a, const char *name, struct err *e)
{
    struct client_conn c;
    char feed[300];
    snprintf(feed, sizeof feed, "log:%.280s", name);
    int rc = client_open(&c, a->platform, e);
    if (rc == 0)
        rc = client_follow(&c, (const char *[]){feed, NULL}, e);
    while (rc >= 0) {
        json_t *msg = NULL;
        rc = client_next(&c, -1, &msg, e);
        if (rc == 1)
            print_pushed(a, name, json_object_get(msg, "data"));
        json_decref(msg);
    }
    client_close(&c);
    return rc;
}

/* The lines of a run: the logs of the processes that did its tasks, in its time. */
static int print_run(const struct cmd_args *a, struct err *e)
{
    char path[PATH_MAX];
    struct state *s = NULL;
    json_t *run = NULL, *tasks = NULL, *seen = json_object(), *t;
    size_t i;
    long id = opt_int(a, "run", 0);
    int rc = state_open(&s, conf_state_path(a->platform, "state.db", path, sizeof path),
                        true, e);
    if (rc == 0)
        rc = state_run_get(s, id, &run, e);
    if (rc == 0)
        rc = state_tasks(s, id, &tasks, e);
    int64_t end = json_i64(run, "ended_ms", 0);
    struct window w = {json_i64(run, "started_ms", 0), end > 0 ? end : INT64_MAX};
    if (rc == 0)
        json_array_foreach (tasks, i, t) {
            const char *log = json_str(t, "log", NULL);
            if (!log || json_object_get(seen, log) ||
                (a->argc && !streq(log, a->argv[0])))
                continue;
            json_put_flag(seen, log, true);
            if (!a->is_json)
                printf("== %s\n", log);
            if ((rc = print_file(a, log, &w, e)) < 0)
                break;
        }
    json_decref(run);
    json_decref(tasks);
    json_decref(seen);
    state_close(s);
    return rc;
}

static int run(const struct cmd_args *a, struct err *e)
{
    if (opt_int(a, "run", 0) > 0)
        return print_run(a, e);
    if (a->argc == 0)
        return list_logs(a, e);
    if (opt_flag(a, "follow"))
        return follow(a, a->argv[0], e);
    return print_file(a, a->argv[0], &(struct window){0, 0}, e);
}

static const struct cmd_opt opts[] = {
    {"lines", 'n', OPT_INT, "N", "How many of the last lines (200).", NULL},
    {"follow", 'f', OPT_FLAG, NULL, "Go on with new lines; needs a platform that runs.",
     NULL},
    {"run", 0, OPT_INT, "RUN", "Only lines from the time of this run.", NULL},
    {0},
};

const struct cmd cmd_logs = {
    .name = "logs",
    .summary = "What a process wrote.",
    .operands = "[NAME]",
    .doc =
        "Without NAME: which logs there are. NAME is a process as `weir status` "
        "shows it: "
        "ingest.pos, stream.enrichment, load.raw_transactions, sql.1. Control bytes "
        "are made "
        "visible; the files under STATE/logs have them as they came. With -o json each "
        "line is an object {log, line}.",
    .flags = CMD_READONLY | CMD_JSON,
    .opts = opts,
    .run = run,
};
