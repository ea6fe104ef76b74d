/* A small platform in a temporary folder for tests of ingest and load: one embedded
 * bus, one source, and a worker run in a child process whose stderr is kept. */
#ifndef TESTS_UNIT_INGEST_FIXTURE_H
#define TESTS_UNIT_INGEST_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#ifndef FIX_PLAIN
#include <cmocka.h>
#else /* for programs that are no cmocka tests (benches) */
#include <stdio.h>
#include <stdlib.h>
#define fail_msg(...)          (fprintf(stderr, __VA_ARGS__), abort())
#define assert_true(x)         ((x) ? (void)0 : (void)fail_msg("%s\n", #x))
#define assert_non_null(x)     assert_true((x) != NULL)
#define assert_int_equal(a, b) assert_true((a) == (b))
#endif

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>
#include "base/buf.h"
#include "base/err.h"
#include "bus/bus.h"
#include "conf/conf.h"
#include "ingest/ingest.h"
#include "wire/channel.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif

#define FIX_SETTINGS_MAX 8

struct fix {
    char dir[PATH_MAX / 2], bus_path[PATH_MAX], input[PATH_MAX];
    struct platform platform;
    struct conf_source source;
    struct conf_pair settings[FIX_SETTINGS_MAX];
    struct conf_topic topics[2];
    bool is_follow;
    char output[16384]; /* stderr of the last child */
};

static inline void fix_set(struct fix *f, const char *name, const char *value)
{
    size_t i = 0;
    while (i < f->source.n_settings && strcmp(f->settings[i].name, name) != 0)
        i++;
    assert_true(i < FIX_SETTINGS_MAX);
    f->settings[i] = (struct conf_pair){.name = name, .value = value};
    if (i == f->source.n_settings)
        f->source.n_settings++;
}

/* Folder of the plugins beside this test: build/VARIANT/tests/unit/X → ../../plugins.
 */
static inline void fix_plugin_path(const char *extra)
{
    char exe[PATH_MAX], path[3 * PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
    assert_true(n > 0);
    exe[n] = 0;
    *strrchr(exe, '/') = 0;
    snprintf(path, sizeof(path), "%s%s%s/../../plugins", extra ? extra : "",
             extra ? ":" : "", exe);
    setenv("WEIR_PLUGIN_PATH", path, 1);
}

static inline void fix_init(struct fix *f, const char *plugin, const char *input)
{
    memset(f, 0, sizeof(*f));
    const char *tmp = getenv("TMPDIR");
    snprintf(f->dir, sizeof(f->dir), "%s/weir-test-XXXXXX", tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->bus_path, sizeof(f->bus_path), "%s/bus.db", f->dir);
    snprintf(f->input, sizeof(f->input), "%s/%s", f->dir, input);
    fix_plugin_path(NULL);
    f->topics[0] = (struct conf_topic){.name = "data",
                                       .partitions = 4,
                                       .retention_ms = -1,
                                       .retention_bytes = -1,
                                       .key = "store"};
    f->topics[1] = (struct conf_topic){.name = "dead-letters",
                                       .partitions = 1,
                                       .retention_ms = -1,
                                       .retention_bytes = -1,
                                       .key = "hash"};
    f->source = (struct conf_source){.name = "src",
                                     .plugin = plugin,
                                     .topic = "data",
                                     .arrival = "auto",
                                     .hang_ms = 5000,
                                     .settings = f->settings};
    fix_set(f, "path", f->input);
    f->platform = (struct platform){.project_dir = f->dir,
                                    .state_dir = f->dir,
                                    .as_of_ms = -1,
                                    .bus_kind = "embedded",
                                    .bus_path = f->bus_path,
                                    .bus_relaxed = true,
                                    .topics = f->topics,
                                    .n_topics = 2,
                                    .sources = &f->source,
                                    .n_sources = 1};
}

static inline int fix_unlink(const char *path, const struct stat *st, int type,
                             struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static inline void fix_release(struct fix *f)
{
    nftw(f->dir, fix_unlink, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void fix_write(const char *path, const char *text, size_t n, bool append)
{
    FILE *o = fopen(path, append ? "ae" : "we");
    assert_non_null(o);
    assert_int_equal(fwrite(text, 1, n, o), n);
    assert_int_equal(fclose(o), 0);
}

static inline void fix_write_gz(const char *path, const char *text, size_t n)
{
    gzFile gz = gzopen(path, "wb6");
    assert_non_null(gz);
    assert_int_equal(gzwrite(gz, text, (unsigned)n), (int)n);
    assert_int_equal(gzclose(gz), Z_OK);
}

static inline char *fix_path(const struct fix *f, const char *name)
{
    static char path[4][PATH_MAX];
    static int i;
    i = (i + 1) % 4;
    snprintf(path[i], PATH_MAX, "%s/%s", f->dir, name);
    return path[i];
}

static inline void fix_read_output(struct fix *f, const char *path)
{
    FILE *in = fopen(path, "re");
    size_t n = in ? fread(f->output, 1, sizeof(f->output) - 1, in) : 0;
    f->output[n] = 0;
    if (in)
        fclose(in);
}

/* A child running fn(arg); its stderr goes to DIR/stderr. */
static inline pid_t fix_fork(struct fix *f, int (*fn)(void *), void *arg)
{
    char *path = fix_path(f, "stderr");
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        dup2(fd, STDERR_FILENO);
        signal(SIGABRT, SIG_DFL);
        signal(SIGSEGV, SIG_DFL);
        int rc = fn(arg);
        fflush(NULL);
#ifdef __SANITIZE_ADDRESS__
        __lsan_do_leak_check(); /* _exit would pass it over; it ends with 23 */
#endif
        _exit(rc < 0 ? err_exit_status(rc) : rc);
    }
    return pid;
}

/* Exit status, or 128 + signal; f->output is filled. */
static inline int fix_wait(struct fix *f, pid_t pid)
{
    int st;
    assert_int_equal(waitpid(pid, &st, 0), pid);
    fix_read_output(f, fix_path(f, "stderr"));
    return WIFEXITED(st) ? WEXITSTATUS(st) : 128 + WTERMSIG(st);
}

static inline int fix_ingest_main(void *arg)
{
    struct fix *f = arg;
    struct channel ch;
    struct err e = {0};
    int rc = channel_open(&ch, "ingest", f->source.name, &e);
    if (rc == 0)
        rc = ingest_run(&f->platform, &f->source, !f->is_follow, &ch, &e);
    channel_close(&ch);
    if (rc < 0)
        fprintf(stderr, "ERR %s: %s\n", err_name(rc), e.text);
    return rc;
}

/* The source read once to its end. */
static inline int fix_ingest(struct fix *f)
{
    return fix_wait(f, fix_fork(f, fix_ingest_main, f));
}

/* ── what lies on the bus ── */

struct fix_record {
    int64_t timestamp;
    int32_t partition;
    char *key, *value, *line, *op, *reason, *detail;
    size_t value_len;
};
struct fix_records {
    struct fix_record *v;
    size_t n;
};

static inline char *fix_text(struct str s)
{
    char *p = calloc(1, s.n + 1);
    assert_non_null(p);
    if (s.n)
        memcpy(p, s.p, s.n);
    return p;
}

static inline char *fix_header(const struct bus_record *r, const char *name)
{
    for (size_t i = 0; i < r->n_headers; i++) {
        if (str_is(r->headers[i].name, name))
            return fix_text(r->headers[i].value);
    }
    return NULL;
}

static inline struct bus *fix_bus(const struct fix *f)
{
    struct bus *b;
    struct err e = {0};
    struct bus_options o = {
        .kind = "embedded", .path = f->bus_path, .is_relaxed = true};
    if (bus_open(&b, &o, &e) < 0)
        fail_msg("%s", e.text);
    return b;
}

static inline int fix_by_line(const void *a, const void *b)
{
    const struct fix_record *x = a, *y = b;
    long i = x->line ? strtol(x->line, NULL, 10) : 0;
    long j = y->line ? strtol(y->line, NULL, 10) : 0;
    return i < j ? -1 : i > j;
}

/* Everything on a topic; in order of the header "line". */
static inline struct fix_records fix_topic(const struct fix *f, const char *topic)
{
    struct fix_records out = {0};
    struct err e = {0};
    struct bus *b = fix_bus(f);
    struct bus_consumer *c;
    struct bus_batch batch;
    int rc, parts = bus_partitions(b, topic, &e);
    if (parts == ERR_NOTFOUND) {
        bus_close(b);
        return out;
    }
    assert_true(parts > 0);
    assert_int_equal(bus_consumer_open(b, "fix", &c, &e), 0);
    for (int p = 0; p < parts; p++)
        assert_int_equal(bus_assign(c, topic, p, BUS_OFFSET_BEGIN, &e), 0);
    while ((rc = bus_poll(c, 100000, 0, &batch, &e)) > 0) {
        out.v = realloc(out.v, (out.n + batch.n) * sizeof(*out.v));
        for (size_t i = 0; i < batch.n; i++) {
            const struct bus_record *r = &batch.records[i];
            out.v[out.n++] = (struct fix_record){r->timestamp_ms,
                                                 r->partition,
                                                 fix_text(r->key),
                                                 fix_text(r->value),
                                                 fix_header(r, "line"),
                                                 fix_header(r, "op"),
                                                 fix_header(r, "reason"),
                                                 fix_header(r, "detail"),
                                                 r->value.n};
        }
    }
    assert_int_equal(rc, 0);
    bus_consumer_close(c);
    bus_close(b);
    if (out.n)
        qsort(out.v, out.n, sizeof(*out.v), fix_by_line);
    return out;
}

static inline void fix_records_free(struct fix_records *r)
{
    for (size_t i = 0; i < r->n; i++) {
        struct fix_record *x = &r->v[i];
        free(x->key);
        free(x->value);
        free(x->line);
        free(x->op);
        free(x->reason);
        free(x->detail);
    }
    free(r->v);
    *r = (struct fix_records){0};
}

static inline size_t fix_count(const struct fix *f, const char *topic)
{
    struct fix_records r = fix_topic(f, topic);
    size_t n = r.n;
    fix_records_free(&r);
    return n;
}

/* Metadata committed with the source's checkpoint. */
static inline void fix_metadata(const struct fix *f, char *out, size_t size)
{
    struct err e = {0};
    struct bus_committed *c = calloc(1, sizeof(*c));
    struct bus *b = fix_bus(f);
    assert_int_equal(bus_committed(b, "source:src", "@source", 0, c, &e), 0);
    snprintf(out, size, "%s", c->metadata);
    bus_close(b);
    free(c);
}

static inline void fix_assert_says(const struct fix *f, const char *text)
{
    if (!strstr(f->output, text))
        fail_msg("\"%s\" is not in: %s", text, f->output);
}

#endif
