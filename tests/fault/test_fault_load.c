/* load/ with the N-th write to a database file failing for want of room, N = 1, 2, …
 * and with the N-th allocation failing: an error comes back, nothing crashes, and
 * afterwards every record is there exactly once. */
#include "unit/load_fixture.h"

#include <sqlite3.h>
#include "base/mem.h"

/* ── a VFS whose N-th write fails ────────────────────────────────────────────────── */

static long writes, fail_write; /* 0: none fails */

static sqlite3_vfs fault_vfs;
static int (*real_open)(sqlite3_vfs *, const char *, sqlite3_file *, int, int *);

/* SQLite has a table of methods per kind of file (database, WAL); each gets a copy
 * whose write is ours. */
static struct {
    const sqlite3_io_methods *real;
    sqlite3_io_methods ours;
} kinds[8];
static size_t n_kinds;

static int failing_write(sqlite3_file *file, const void *p, int n, sqlite3_int64 at)
{
    if (++writes == fail_write)
        return SQLITE_FULL;
    for (size_t i = 0; i < n_kinds; i++) {
        if (file->pMethods == &kinds[i].ours)
            return kinds[i].real->xWrite(file, p, n, at);
    }
    return SQLITE_IOERR;
}

static const sqlite3_io_methods *ours_of(const sqlite3_io_methods *real)
{
    size_t i = 0;
    while (i < n_kinds && kinds[i].real != real)
        i++;
    if (i == 8)
        return real;
    if (i == n_kinds) {
        kinds[n_kinds].real = real;
        kinds[n_kinds].ours = *real;
        kinds[n_kinds++].ours.xWrite = failing_write;
    }
    return &kinds[i].ours;
}

static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                     int *out)
{
    int rc = real_open(vfs, name, file, flags, out);
    if (rc == SQLITE_OK && file->pMethods)
        file->pMethods = ours_of(file->pMethods);
    return rc;
}

static void install_vfs(void)
{
    fault_vfs = *sqlite3_vfs_find(NULL);
    real_open = fault_vfs.xOpen;
    fault_vfs.zName = "fault";
    fault_vfs.xOpen = open_file;
    fault_vfs.pNext = NULL;
    sqlite3_vfs_register(&fault_vfs, 1);
}

/* ── the worker, run until it is drained, in this process ────────────────────────── */

struct trial {
    struct load_fix *x;
    long fail_write;
    unsigned long fail_alloc;
};

static int trial_main(void *arg)
{
    struct trial *t = arg;
    struct channel ch;
    struct err e = {0};
    int sv[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, sv) < 0)
        return 99;
    dup2(sv[1], WIRE_WORKER_FD);
    setenv(WIRE_CHANNEL_ENV, "3", 1);
    load_say(sv[0], "drain");
    install_vfs();
    int rc = channel_open(&ch, "load", t->x->load.name, &e);
    writes = 0;
    fail_write = t->fail_write;
    if (t->fail_alloc)
        mem_fail_at(t->fail_alloc);
    if (rc == 0 && fork() == 0) { /* the supervisor's part: stop when it is drained */
        struct wire_decoder d;
        json_t *m;
        close(WIRE_WORKER_FD);
        close(sv[1]);
        wire_decoder_init(&d);
        mem_fail_at(0);
        while (wire_recv(sv[0], &d, 20000, &m, NULL) > 0) {
            if (!strcmp(json_str(m, "t", ""), "drained"))
                load_say(sv[0], "stop");
            json_decref(m);
        }
        _exit(0);
    }
    close(sv[0]);
    close(sv[1]);
    if (rc == 0)
        rc = load_run(&t->x->f.platform, &t->x->load, &ch, &e);
    mem_fail_at(0);
    channel_close(&ch);
    if (rc < 0)
        fprintf(stderr, "ERR %s: %s\n", err_name(rc), e.text);
    return rc < 0 ? -rc : 0;
}

static int run_trial(struct load_fix *x, long fail, unsigned long fail_alloc)
{
    struct trial t = {x, fail, fail_alloc};
    return fix_wait(&x->f, fix_fork(&x->f, trial_main, &t));
}

static int next_id;

static void put_some(struct load_fix *x, int n)
{
    for (int i = 0; i < n; i++, next_id++) {
        char key[64], v[256];
        snprintf(key, sizeof(key), "STORE_%d_TXN_%d", next_id % 5, next_id);
        snprintf(
            v, sizeof(v),
            "{\"transaction_id\":\"%s\",\"store_id\":\"%d\",\"transaction_timestamp\":"
            "\"2017-12-19T00:00:21Z\",\"total_amount\":1.50,\"is_correction\":%s,"
            "\"updated_at\":\"2017-12-19T00:00:22Z\"}",
            key, next_id % 5, next_id % 3 ? "false" : "true");
        load_text(x, key, v);
    }
}

static void assert_once(struct load_fix *x)
{
    char expected[64];
    assert_int_equal(run_trial(x, 0, 0), 0);
    snprintf(expected, sizeof(expected), "%d|%d", next_id, next_id);
    assert_string_equal(
        load_query(x, "SELECT count(*), count(DISTINCT transaction_id) FROM "
                      "bronze.raw_transactions"),
        expected);
}

static void every_write_may_fail(void **state)
{
    (void)state;
    struct load_fix x;
    int failed = 0;
    next_id = 0;
    load_init(&x, "enriched-transactions", "raw_transactions", "append", NULL);
    x.load.batch_rows = 4;
    put_some(&x, 10);
    for (long n = 1; n < 60; n++) {
        int rc = run_trial(&x, n, 0);
        if (rc != 0 && rc != -ERR_FULL && rc != -ERR_IO)
            fail_msg("write %ld: ended with %d: %s", n, rc, x.f.output);
        if (rc != 0)
            fix_assert_says(&x.f, "load job");
        failed += rc != 0;
        put_some(&x, 3);
    }
    assert_true(failed > 20);
    assert_once(&x);
    load_release(&x);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    struct load_fix x;
    int failed = 0;
    next_id = 0;
    load_init(&x, "enriched-transactions", "raw_transactions", "append", NULL);
    put_some(&x, 10);
    for (unsigned long n = 1; n < 40; n++) {
        int rc = run_trial(&x, 0, n);
        if (rc != 0 && rc != -ERR_NOMEM)
            fail_msg("allocation %lu: ended with %d: %s", n, rc, x.f.output);
        failed += rc != 0;
        put_some(&x, 1);
    }
    assert_true(failed > 0);
    assert_once(&x);
    load_release(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_write_may_fail),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
