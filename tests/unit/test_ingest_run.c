/* The ingest worker under stress: killed anywhere, no room, fenced, drained. */
#include "ingest_fixture.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include "base/json.h"

static char *receipts(int n, size_t *len)
{
    char *p = malloc((size_t)n * 200 + 1), *q = p;
    for (int i = 0; i < n; i++)
        q += snprintf(
            q, 200,
            "{\"transaction_id\":\"STORE_%d_TXN_%d\",\"transaction_timestamp\":"
            "\"2017-12-19T00:00:00Z\",\"note\":\"%032x\"}\n",
            i % 7, i, (unsigned)i * 2654435761u);
    *len = (size_t)(q - p);
    return p;
}

/* n receipts on the bus, each once. */
static void assert_whole(const struct fix *f, size_t n)
{
    struct fix_records r = fix_topic(f, "data");
    char *seen = calloc(1, n);
    assert_int_equal(r.n, n);
    for (size_t i = 0; i < r.n; i++) {
        size_t id = strtoul(strstr(r.v[i].key, "_TXN_") + 5, NULL, 10);
        assert_true(id < n && !seen[id]);
        seen[id] = 1;
    }
    free(seen);
    fix_records_free(&r);
}

/* Killed at random places, many times: every line once. */
static void exactly_once_under_kill(void **state)
{
    (void)state;
    struct fix f;
    size_t len;
    int n = 60000, killed = 0;
    char *p = receipts(n, &len);
    fix_init(&f, "pos", "pos.jsonl.gz");
    fix_write_gz(f.input, p, len);
    free(p);
    unsigned seed = 42;
    for (int round = 0; round < 30; round++) {
        pid_t pid = fix_fork(&f, fix_ingest_main, &f);
        seed = seed * 1103515245u + 12345u;
        struct timespec wait = {0, (long)(seed % 90000000u)};
        nanosleep(&wait,
                  NULL); /* where it is hit, not whether it passes, depends on this */
        kill(pid, SIGKILL);
        killed += fix_wait(&f, pid) == 128 + SIGKILL;
    }
    assert_true(killed > 0);
    assert_int_equal(fix_ingest(&f), 0);
    assert_whole(&f, (size_t)n);
    char metadata[4200];
    fix_metadata(&f, metadata, sizeof(metadata));
    assert_non_null(strstr(metadata, "\"in\":60000"));
    fix_release(&f);
}

static int limited_main(void *arg)
{
    struct rlimit r = {512 * 1024, 512 * 1024};
    setrlimit(RLIMIT_FSIZE, &r);
    return fix_ingest_main(arg);
}

/* No room on the bus: a clear end, nothing lost, and it goes on when there is room. */
static void disk_full_is_told_and_resumed(void **state)
{
    (void)state;
    struct fix f;
    size_t len;
    char *p = receipts(60000, &len);
    fix_init(&f, "pos", "pos.jsonl");
    fix_write(f.input, p, len, false);
    free(p);
    assert_int_equal(fix_wait(&f, fix_fork(&f, limited_main, &f)), 1);
    fix_assert_says(&f, "ERR FULL");
    fix_assert_says(&f, "source src");
    assert_int_equal(fix_ingest(&f), 0);
    assert_whole(&f, 60000);
    fix_release(&f);
}

/* No room for a stored snapshot: nothing changed, and it goes on. */
static void disk_full_at_a_snapshot(void **state)
{
    (void)state;
    struct fix f;
    char *p = malloc(4 << 20), *q = p;
    fix_init(&f, "stores", "stores.csv");
    q += snprintf(q, 64, "store_id,noise\n");
    uint64_t x = 88172645463325252u;
    for (int i = 0; i < 30000; i++) { /* noise that gzip cannot make small */
        q += snprintf(q, 16, "s%d,", i);
        for (int k = 0; k < 4; k++) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            q += snprintf(q, 20, "%016llx", (unsigned long long)x);
        }
        q += snprintf(q, 2, "\n");
    }
    fix_write(f.input, p, (size_t)(q - p), false);
    free(p);
    assert_int_equal(fix_wait(&f, fix_fork(&f, limited_main, &f)), 1);
    fix_assert_says(&f, "make room; nothing was changed");
    assert_int_equal(fix_count(&f, "data"), 0);
    assert_int_equal(fix_ingest(&f), 0);
    assert_int_equal(fix_count(&f, "data"), 30000);
    fix_release(&f);
}

/* ── with a supervisor's end of the channel ──────────────────────────────────────── */

struct child {
    struct fix *f;
    int fd;
};

static int channel_main(void *arg)
{
    struct child *c = arg;
    dup2(c->fd, WIRE_WORKER_FD);
    setenv(WIRE_CHANNEL_ENV, "3", 1);
    return fix_ingest_main(c->f);
}

static pid_t start(struct fix *f, int *fd)
{
    int sv[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv), 0);
    struct child c = {f, sv[1]};
    pid_t pid = fix_fork(f, channel_main, &c);
    close(sv[1]);
    *fd = sv[0];
    return pid;
}

static void say(int fd, const char *type)
{
    json_t *m = json_object();
    json_put_str(m, "t", type);
    assert_int_equal(wire_send(fd, m, NULL), 0);
    json_decref(m);
}

/* Read until a message of that type: its data (new reference), NULL when the end came.
 */
static json_t *await(int fd, struct wire_decoder *d, const char *type)
{
    json_t *m;
    while (wire_recv(fd, d, 20000, &m, NULL) > 0) {
        bool is_it = !strcmp(json_str(m, "t", ""), type);
        json_t *data =
            is_it ? json_incref(json_obj(m, "data") ? json_obj(m, "data") : m) : NULL;
        json_decref(m);
        if (is_it)
            return data;
    }
    return NULL;
}

static void follow_drains_stops_and_resumes(void **state)
{
    (void)state;
    struct fix f;
    size_t len;
    int fd;
    struct wire_decoder d;
    char *p = receipts(200, &len);
    size_t half = (size_t)(strstr(p, "_TXN_100\"") - p);
    while (p[half - 1] != '\n')
        half--;
    fix_init(&f, "pos", "pos.jsonl");
    f.is_follow = true;
    fix_write(f.input, p, half, false);
    for (int round = 0; round < 2; round++) {
        pid_t pid = start(&f, &fd);
        wire_decoder_init(&d);
        json_t *m = await(fd, &d, "ready");
        assert_non_null(m);
        json_decref(m);
        say(fd, "drain");
        m = await(fd, &d, "drained");
        assert_int_equal(json_i64(m, "in", -1), round == 0 ? 100 : 200);
        json_decref(m);
        say(fd, "stop");
        assert_int_equal(fix_wait(&f, pid), 0);
        wire_decoder_release(&d);
        close(fd);
        fix_write(f.input, p + half, len - half, round == 0);
    }
    assert_whole(&f, 200);
    fix_release(&f);
    free(p);
}

static void ends_with_its_supervisor(void **state)
{
    (void)state;
    struct fix f;
    int fd;
    struct wire_decoder d;
    fix_init(&f, "pos", "pos.jsonl");
    f.is_follow = true;
    pid_t pid = start(&f, &fd);
    wire_decoder_init(&d);
    json_decref(await(fd, &d, "ready"));
    close(fd);
    assert_int_equal(fix_wait(&f, pid), err_exit_status(ERR_UNAVAILABLE));
    wire_decoder_release(&d);
    fix_release(&f);
}

static void bounded_source_says_its_end(void **state)
{
    (void)state;
    struct fix f;
    size_t len;
    int fd;
    struct wire_decoder d;
    char *p = receipts(50, &len);
    fix_init(&f, "pos", "pos.jsonl");
    fix_write(f.input, p, len, false);
    pid_t pid = start(&f, &fd);
    wire_decoder_init(&d);
    json_t *m = await(fd, &d, "metrics");
    assert_int_equal(json_i64(m, "in", -1), 50);
    assert_int_equal(json_i64(m, "position", -1), (int64_t)len);
    assert_int_equal(json_i64(m, "total", -1), (int64_t)len);
    assert_int_equal(json_i64(m, "at_ms", -1), 1513641600000);
    json_decref(m);
    m = await(fd, &d, "end");
    assert_int_equal(json_i64(m, "in", -1), 50);
    json_decref(m);
    assert_int_equal(fix_wait(&f, pid), 0);
    wire_decoder_release(&d);
    close(fd);
    fix_release(&f);
    free(p);
}

/* The summary of a job that failed says what was read all the same. */
static void what_was_read_is_told_before_an_error(void **state)
{
    (void)state;
    struct fix f;
    size_t len;
    int fd;
    struct wire_decoder d;
    char *p = receipts(5000, &len);
    fix_init(&f, "pos", "pos.jsonl.gz");
    fix_write_gz(f.input, p, len);
    struct stat st;
    assert_int_equal(stat(f.input, &st), 0);
    assert_int_equal(truncate(f.input, st.st_size / 2), 0);
    pid_t pid = start(&f, &fd);
    wire_decoder_init(&d);
    int64_t in = -1;
    for (json_t *m; (m = await(fd, &d, "metrics")); json_decref(m))
        in = json_i64(m, "in", -1);
    assert_int_not_equal(fix_wait(&f, pid), 0);
    assert_true(in > 0 && in < 5000);
    assert_int_equal(fix_count(&f, "data"), in);
    wire_decoder_release(&d);
    close(fd);
    fix_release(&f);
    free(p);
}

/* Two workers of one source: the older one's next commit fails, nothing comes twice. */
static void older_worker_is_fenced(void **state)
{
    (void)state;
    struct fix f;
    size_t len;
    int fd;
    struct wire_decoder d;
    char *p = receipts(100, &len);
    fix_init(&f, "pos", "pos.jsonl");
    f.is_follow = true;
    pid_t first = start(&f, &fd);
    wire_decoder_init(&d);
    json_decref(await(fd, &d, "ready"));
    struct err e = {0};
    struct bus *b = fix_bus(&f);
    struct bus_producer *other;
    assert_int_equal(bus_producer_open(b, "ingest-src", &other, &e), 0);
    fix_write(f.input, p, len, false);
    assert_int_not_equal(fix_wait(&f, first), 0);
    fix_assert_says(&f, "ERR FENCED");
    assert_int_equal(fix_count(&f, "data"), 0);
    bus_producer_close(other);
    bus_close(b);
    wire_decoder_release(&d);
    close(fd);
    fix_release(&f);
    free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exactly_once_under_kill),
        cmocka_unit_test(disk_full_is_told_and_resumed),
        cmocka_unit_test(disk_full_at_a_snapshot),
        cmocka_unit_test(follow_drains_stops_and_resumes),
        cmocka_unit_test(ends_with_its_supervisor),
        cmocka_unit_test(bounded_source_says_its_end),
        cmocka_unit_test(what_was_read_is_told_before_an_error),
        cmocka_unit_test(older_worker_is_fenced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
