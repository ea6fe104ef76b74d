/* What only the embedded bus has: its file, and what can be wrong with it. */
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "bus_fixture.h"
#include "bus/bus_embedded.h"

static int setup(void **state)
{
    struct fixture *f = mem_alloc(sizeof *f);
    fixture_dir(f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    bus_close(f->bus);
    chmod(f->dir, 0700);
    fixture_remove(f);
    mem_free(f);
    return 0;
}

static void write_file(const char *path, const void *p, size_t n)
{
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, p, n), (ssize_t)n);
    close(fd);
}

static void fill(struct fixture *f, int n)
{
    struct bus_producer *p;
    make_topic(f, "t", 1);
    OK(f, bus_producer_open(f->bus, "filler", &p, &f->e));
    for (int i = 0; i < n; i++) {
        put(f, p, "t", 0, i, "key",
            "a value that is long enough to be seen in the file");
        OK(f, bus_txn_commit(p, &f->e));
    }
    bus_producer_close(p);
}

static int64_t end_of(struct fixture *f)
{
    struct bus_range r = {0};
    OK(f, bus_range(f->bus, "t", 0, &r, &f->e));
    return r.end;
}

static void test_readonly_without_a_file(void **state)
{
    struct fixture *f = *state;
    f->options.is_readonly = true;
    FAILS(f, ERR_NOTFOUND, bus_open(&f->bus, &f->options, &f->e));
    SAYS(f, "weir up");
    assert_null(f->bus);
    write_file(f->path, "", 0);
    FAILS(f, ERR_NOTFOUND, bus_open(&f->bus, &f->options, &f->e));
}

static void test_readonly_reads_and_refuses_to_write(void **state)
{
    struct fixture *f = *state;
    fixture_reopen(f);
    fill(f, 3);
    f->options.is_readonly = true;
    fixture_reopen(f);
    assert_int_equal(end_of(f), 3);
    struct bus_topic t = {"new", 1, -1, -1, BUS_KEY_HASH};
    struct bus_producer *p;
    struct bus_consumer *c;
    FAILS(f, ERR_UNSUPPORTED, bus_topic_ensure(f->bus, &t, &f->e));
    SAYS(f, "read only");
    FAILS(f, ERR_UNSUPPORTED, bus_producer_open(f->bus, "p", &p, &f->e));
    OK(f, bus_consumer_open(f->bus, "g", &c, &f->e));
    FAILS(f, ERR_UNSUPPORTED, bus_commit(c, "t", 0, 1, NULL, &f->e));
    bus_consumer_close(c);
}

static void test_wrong_kind_and_missing_path(void **state)
{
    struct fixture *f = *state;
    f->options.kind = "embeded";
    FAILS(f, ERR_CONFIG, bus_open(&f->bus, &f->options, &f->e));
    SAYS(f, "did you mean \"embedded\"");
    f->options.kind = NULL; /* embedded */
    f->options.path = "";
    FAILS(f, ERR_CONFIG, bus_open(&f->bus, &f->options, &f->e));
    f->options.path = "/nonexistent/folder/bus.db";
    FAILS(f, ERR_IO, bus_open(&f->bus, &f->options, &f->e));
    SAYS(f, "/nonexistent/folder/bus.db");
}

static void test_not_a_database(void **state)
{
    struct fixture *f = *state;
    char junk[4096];
    memset(junk, 'x', sizeof junk);
    write_file(f->path, junk, sizeof junk);
    FAILS(f, ERR_CORRUPT, bus_open(&f->bus, &f->options, &f->e));
    SAYS(f, f->path);
    SAYS(f, "move it away");
}

static void run_sql(struct fixture *f, const char *sql)
{
    sqlite3 *db;
    char *why = NULL;
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
        fail_msg("%s: %s", sql, why);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void test_another_programs_database(void **state)
{
    struct fixture *f = *state;
    run_sql(f, "CREATE TABLE mine(x)");
    FAILS(f, ERR_CONFIG, bus_open(&f->bus, &f->options, &f->e));
    SAYS(f, "some other program");
}

static void test_another_version(void **state)
{
    struct fixture *f = *state;
    fixture_reopen(f);
    bus_close(f->bus);
    f->bus = NULL;
    run_sql(f, "PRAGMA user_version = 2");
    FAILS(f, ERR_CONFIG, bus_open(&f->bus, &f->options, &f->e));
    SAYS(f, "format 2, this weir reads 1");
}

/* The damaged batch is named; batches beside it are still readable. */
static void test_damaged_batch_is_named(void **state)
{
    struct fixture *f = *state;
    fixture_reopen(f);
    fill(f, 3);
    bus_close(f->bus);
    f->bus = NULL;
    run_sql(f, "UPDATE blobs SET data = substr(data, 1, 5) || x'00' || substr(data, 7) "
               "WHERE id = 2");
    fixture_reopen(f);
    struct bus_consumer *c;
    struct bus_batch b;
    OK(f, bus_consumer_open(f->bus, "g", &c, &f->e));
    OK(f, bus_assign(c, "t", 0, BUS_OFFSET_BEGIN, &f->e));
    assert_int_equal(bus_poll(c, 1, 0, &b, &f->e), 1);
    FAILS(f, ERR_CORRUPT, bus_poll(c, 1, 0, &b, &f->e));
    SAYS(f, "topic t, partition 0, batch at offset 1: checksum differs");
    FAILS(f, ERR_CORRUPT, bus_poll(c, 1, 0, &b, &f->e)); /* not skipped silently */
    OK(f, bus_seek(c, "t", 0, 2, &f->e));
    assert_int_equal(bus_poll(c, 1, 0, &b, &f->e), 1);
    assert_int_equal(b.records[0].offset, 2);
    bus_consumer_close(c);
}

static void test_missing_batch_is_named(void **state)
{
    struct fixture *f = *state;
    fixture_reopen(f);
    fill(f, 3);
    bus_close(f->bus);
    f->bus = NULL;
    run_sql(f, "DELETE FROM batches WHERE id & 1");
    fixture_reopen(f);
    struct bus_consumer *c;
    struct bus_batch b;
    OK(f, bus_consumer_open(f->bus, "g", &c, &f->e));
    OK(f, bus_assign(c, "t", 0, 1, &f->e));
    FAILS(f, ERR_CORRUPT, bus_poll(c, 1, 0, &b, &f->e));
    SAYS(f, "offset 1 should be there");
    bus_consumer_close(c);
}

static void test_damaged_file(void **state)
{
    struct fixture *f = *state;
    fixture_reopen(f);
    fill(f, 200);
    bus_close(f->bus);
    f->bus = NULL;
    struct stat st;
    assert_int_equal(stat(f->path, &st), 0);
    char junk[512];
    memset(junk, 0xA5, sizeof junk);
    int fd = open(f->path, O_WRONLY);
    for (off_t at = 8192; at < st.st_size; at += 4096)
        assert_int_equal(pwrite(fd, junk, sizeof junk, at), (ssize_t)sizeof junk);
    close(fd);
    struct bus_range r;
    int rc = bus_open(&f->bus, &f->options, &f->e);
    if (rc == 0)
        rc = bus_range(f->bus, "t", 0, &r, &f->e);
    assert_int_equal(rc, ERR_CORRUPT);
    SAYS(f, f->path);
}

static void test_folder_without_write_permission(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(chmod(f->dir, 0500), 0);
    pid_t child = fork();
    if (child == 0) { /* root writes everywhere: become nobody */
        if (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0)
            _exit(2);
        int rc = bus_open(&f->bus, &f->options, &f->e);
        _exit(rc == ERR_IO && strstr(f->e.text, "weir needs to write in the folder")
                  ? 0
                  : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* A disk that fills up in the middle of a transaction: nothing half-written, the
 * transaction is kept, and goes through once there is room. */
static void test_disk_full(void **state)
{
    struct fixture *f = *state;
    fixture_reopen(f);
    fill(f, 1);
    struct bus_producer *p;
    OK(f, bus_producer_open(f->bus, "p", &p, &f->e));
    char noise[1000];
    uint64_t x = 7;
    for (int i = 0; i < 2000; i++) {
        for (size_t k = 0; k < sizeof noise; k++)
            noise[k] = (char)((x = x * UINT64_C(6364136223846793005) + 1442695) >> 56);
        OK(f, bus_produce(p, "t", 0, 1, (struct str){0},
                          (struct str){noise, sizeof noise}, NULL, 0, &f->e));
    }
    OK(f, bus_txn_offset(p, "g", "t", 0, 9, "m", &f->e));
    struct rlimit old, low;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    low = old;
    low.rlim_cur = 512 * 1024;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
    FAILS(f, ERR_FULL, bus_txn_commit(p, &f->e));
    SAYS(f, f->path);
    SAYS(f, "free space");
    FAILS(f, ERR_FULL, bus_txn_commit(p, &f->e));
    assert_int_equal(end_of(f), 1);
    struct bus_committed c;
    OK(f, bus_committed(f->bus, "g", "t", 0, &c, &f->e));
    assert_int_equal(c.offset, -1);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    OK(f, bus_txn_commit(p, &f->e));
    bus_producer_close(p);
    fixture_reopen(f);
    assert_int_equal(end_of(f), 2001);
}

/* A writer that stops while it holds the lock is named after the wait. */
static void test_lock_held_by_another(void **state)
{
    struct fixture *f = *state;
    fixture_reopen(f);
    fill(f, 1);
    struct bus_producer *p;
    OK(f, bus_producer_open(f->bus, "p", &p, &f->e));
    put(f, p, "t", 0, 1, "k", "v");
    sqlite3 *db;
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    ((struct emb *)f->bus)->busy_ms = 20;
    FAILS(f, ERR_LOCKED, bus_txn_commit(p, &f->e));
    SAYS(f, "another process has been writing");
    assert_int_equal(end_of(f), 1); /* readers are not held up */
    sqlite3_close(db);
    OK(f, bus_txn_commit(p, &f->e));
    assert_int_equal(end_of(f), 2);
    bus_producer_close(p);
}

/* Plain commits wait for company, and are not lost at close. */
static void test_plain_commits_are_written_together(void **state)
{
    struct fixture *f = *state;
    fixture_reopen(f);
    make_topic(f, "t", 100);
    struct bus_consumer *c;
    struct bus_batch b;
    OK(f, bus_consumer_open(f->bus, "g", &c, &f->e));
    uint64_t before = ((struct emb *)f->bus)->own_commits;
    for (int32_t i = 0; i < 100; i++)
        OK(f, bus_commit(c, "t", i, i, NULL, &f->e));
    assert_int_equal(bus_poll(c, 1, 0, &b, &f->e), 0);
    assert_int_equal(((struct emb *)f->bus)->own_commits, before + 1);
    OK(f, bus_commit(c, "t", 7, 8, NULL, &f->e));
    bus_consumer_close(c);
    fixture_reopen(f);
    struct bus_committed got;
    OK(f, bus_committed(f->bus, "g", "t", 7, &got, &f->e));
    assert_int_equal(got.offset, 8);
    OK(f, bus_committed(f->bus, "g", "t", 99, &got, &f->e));
    assert_int_equal(got.offset, 99);
}

/* A poll that finds nothing costs no look at the partitions until the file changes. */
static void test_idle_poll_reads_no_partition(void **state)
{
    struct fixture *f = *state;
    fixture_reopen(f);
    make_topic(f, "t", 100);
    struct bus_consumer *c;
    struct bus_batch b;
    OK(f, bus_consumer_open(f->bus, "g", &c, &f->e));
    for (int32_t i = 0; i < 100; i++)
        OK(f, bus_assign(c, "t", i, BUS_OFFSET_BEGIN, &f->e));
    assert_int_equal(bus_poll(c, 1, 0, &b, &f->e), 0);
    sqlite3_stmt *ranges = ((struct emb *)f->bus)->sql[EMB_RANGES];
    assert_non_null(ranges);
    sqlite3_stmt_status(ranges, SQLITE_STMTSTATUS_RUN, 1);
    for (int i = 0; i < 50; i++)
        assert_int_equal(bus_poll(c, 1, 0, &b, &f->e), 0);
    assert_int_equal(sqlite3_stmt_status(ranges, SQLITE_STMTSTATUS_RUN, 1), 0);
    make_topic(f, "other", 1); /* the file changes */
    assert_int_equal(bus_poll(c, 1, 0, &b, &f->e), 0);
    assert_int_equal(sqlite3_stmt_status(ranges, SQLITE_STMTSTATUS_RUN, 1), 1);
    bus_consumer_close(c);
}

static void test_several_processes_create_one_file(void **state)
{
    struct fixture *f = *state;
    enum { N = 6 };
    pid_t pids[N];
    for (int i = 0; i < N; i++)
        if ((pids[i] = fork()) == 0) {
            struct bus_topic t = {"t", 10, -1, -1, BUS_KEY_HASH};
            int rc = bus_open(&f->bus, &f->options, &f->e);
            if (rc == 0)
                rc = bus_topic_ensure(f->bus, &t, &f->e);
            if (rc < 0)
                fprintf(stderr, "%s\n", f->e.text);
            bus_close(f->bus);
            _exit(rc < 0);
        }
    for (int i = 0; i < N; i++) {
        int status;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
    }
    fixture_reopen(f);
    assert_int_equal(bus_partitions(f->bus, "t", &f->e), 10);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_readonly_without_a_file),
        TEST(test_readonly_reads_and_refuses_to_write),
        TEST(test_wrong_kind_and_missing_path),
        TEST(test_not_a_database),
        TEST(test_another_programs_database),
        TEST(test_another_version),
        TEST(test_damaged_batch_is_named),
        TEST(test_missing_batch_is_named),
        TEST(test_damaged_file),
        TEST(test_folder_without_write_permission),
        TEST(test_disk_full),
        TEST(test_lock_held_by_another),
        TEST(test_plain_commits_are_written_together),
        TEST(test_idle_poll_reads_no_partition),
        TEST(test_several_processes_create_one_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
