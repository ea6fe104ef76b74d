/* Tidying the embedded bus: small batches become one, pages go back to the disk, and
 * nobody who reads or writes can tell. */
#include <sqlite3.h>
#include <sys/stat.h>
#include "bus_contract.h"

static void put_small(struct fixture *f, const char *topic, int32_t partitions,
                      int from, int to)
{
    struct bus_producer *p = producer(f, "small");
    for (int i = from; i < to; i++) {
        char key[32], value[64];
        snprintf(key, sizeof key, "k%d", i);
        snprintf(value, sizeof value, "value %d of some length", i);
        struct bus_header h = {STR("line"), str_of(key)};
        for (int32_t k = 0; k < partitions; k++)
            OK(f, bus_produce(p, topic, k, 1000 + i, str_of(key), str_of(value), &h,
                              i % 3 == 1, &f->e));
        commit(f, p);
    }
    bus_producer_close(p);
}

/* Every record is what and where it was. */
static void check_small(struct fixture *f, const char *topic, int32_t partition, int n)
{
    struct bus_consumer *c = consumer(f, "check");
    struct bus_batch b;
    int64_t next = 0;
    OK(f, bus_assign(c, topic, partition, BUS_OFFSET_BEGIN, &f->e));
    while (next < n) {
        assert_int_equal(bus_poll(c, 7, f->wait_ms, &b, &f->e), 1);
        for (size_t i = 0; i < b.n; i++, next++) {
            char key[32];
            snprintf(key, sizeof key, "k%d", (int)next);
            assert_int_equal(b.records[i].offset, next);
            assert_int_equal(b.records[i].timestamp_ms, 1000 + next);
            assert_true(str_is(b.records[i].key, key));
            assert_int_equal(b.records[i].n_headers, next % 3 == 1 ? 1 : 0);
        }
    }
    assert_int_equal(bus_poll(c, 7, 0, &b, &f->e), 0);
    bus_consumer_close(c);
}

/* One number from the file itself. */
static int64_t ask(struct fixture *f, const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *s;
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    int64_t n = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    sqlite3_close(db);
    return n;
}

#define BATCHES "SELECT count(*) FROM batches"

static void test_small_batches_become_one(void **state)
{
    struct fixture *f = *state;
    make_topic(f, "t", 2);
    put_small(f, "t", 2, 0, 200);
    assert_int_equal(ask(f, BATCHES), 400);
    assert_int_equal(bus_tidy(f->bus, &f->e), 398);
    assert_int_equal(ask(f, BATCHES), 2);
    assert_int_equal(ask(f, "SELECT count(*) FROM blobs"), 2);
    for (int32_t i = 0; i < 2; i++) {
        check_small(f, "t", i, 200);
        assert_int_equal(range(f, "t", i).end, 200);
    }
    assert_int_equal(ask(f, "SELECT sum(bytes) FROM partitions"),
                     ask(f, "SELECT sum(length(data)) FROM blobs"));
    assert_int_equal(bus_tidy(f->bus, &f->e), 0);
}

/* What grows at the end is not written again for every few records. */
static void test_the_end_waits_until_it_is_worth_it(void **state)
{
    struct fixture *f = *state;
    make_topic(f, "t", 1);
    put_small(f, "t", 1, 0, 7);
    assert_int_equal(bus_tidy(f->bus, &f->e), 0);
    put_small(f, "t", 1, 7, 20);
    assert_int_equal(bus_tidy(f->bus, &f->e), 19);
    put_small(f, "t", 1, 20, 30); /* less than there is before them */
    assert_int_equal(bus_tidy(f->bus, &f->e), 0);
    put_small(f, "t", 1, 30, 60);
    assert_int_equal(bus_tidy(f->bus, &f->e), 40);
    check_small(f, "t", 0, 60);
    fixture_reopen(f); /* without a memory of what it has done */
    assert_int_equal(bus_tidy(f->bus, &f->e), 0);
}

static void test_full_batches_stay(void **state)
{
    struct fixture *f = *state;
    struct bus_producer *p = producer(f, "p");
    make_topic(f, "t", 1);
    for (int i = 0; i < 30; i++) {
        for (int k = 0; k < 2100; k++)
            put(f, p, "t", 0, i, "k", "v");
        commit(f, p);
    }
    bus_producer_close(p);
    assert_int_equal(bus_tidy(f->bus, &f->e), 0);
    assert_int_equal(ask(f, BATCHES), 30);
}

static void test_a_reader_in_the_middle_goes_on(void **state)
{
    struct fixture *f = *state;
    make_topic(f, "t", 1);
    put_small(f, "t", 1, 0, 100);
    struct bus_consumer *c = consumer(f, "g");
    struct bus_batch b;
    OK(f, bus_assign(c, "t", 0, 37, &f->e));
    assert_int_equal(bus_poll(c, 5, 0, &b, &f->e), 1);
    assert_int_equal(b.records[0].offset, 37);
    assert_int_equal(bus_tidy(f->bus, &f->e), 99);
    int64_t next = b.next_offset, at;
    while (next < 100) {
        assert_int_equal(bus_poll(c, 5, 0, &b, &f->e), 1);
        assert_int_equal(b.records[0].offset, next);
        next = b.next_offset;
    }
    bus_consumer_close(c);
    OK(f, bus_offset_at(f->bus, "t", 0, 1050, &at, &f->e));
    assert_int_equal(at, 50);
}

/* A batch goes when its newest record is too old: the oldest must not stay for long. */
static void test_retention_still_finds_what_is_old(void **state)
{
    struct fixture *f = *state;
    struct bus_topic t = {"t", 1, 1600, -1, BUS_KEY_HASH};
    OK(f, bus_topic_ensure(f->bus, &t, &f->e));
    put_small(f, "t", 1, 0, 1000); /* one a millisecond, from 1000 on */
    assert_true(bus_tidy(f->bus, &f->e) > 900);
    OK(f, bus_retain(f->bus, 1600 + 1500, &f->e));
    assert_in_range(range(f, "t", 0).start, 400, 500);
}

static void test_space_goes_back(void **state)
{
    struct fixture *f = *state;
    struct bus_topic t = {"t", 1, 1000, -1, BUS_KEY_HASH};
    struct stat before, after;
    f->options.is_relaxed = true;
    fixture_reopen(f);
    OK(f, bus_topic_ensure(f->bus, &t, &f->e));
    struct bus_producer *p = producer(f, "p");
    static char value[100000];
    unsigned seed = 1;
    for (int i = 0; i < 600; i++) {
        for (size_t k = 0; k < sizeof value; k++)
            value[k] = (char)((seed = seed * 1103515245u + 12345u) >> 16);
        OK(f, bus_produce(p, "t", 0, i < 550 ? 1 : 5000, STR("k"),
                          (struct str){value, sizeof value}, NULL, 0, &f->e));
        if (i % 20 == 19)
            commit(f, p);
    }
    bus_producer_close(p);
    bus_close(f->bus);
    f->bus = NULL;
    assert_int_equal(stat(f->path, &before), 0);
    OK(f, bus_open(&f->bus, &f->options, &f->e));
    assert_true(bus_retain(f->bus, 5000, &f->e) > 0);
    OK(f, bus_tidy(f->bus, &f->e)); /* a part at a time */
    OK(f, bus_tidy(f->bus, &f->e));
    bus_close(f->bus);
    f->bus = NULL;
    assert_int_equal(stat(f->path, &after), 0);
    assert_true(after.st_size < before.st_size / 2);
    OK(f, bus_open(&f->bus, &f->options, &f->e));
    assert_int_equal(range(f, "t", 0).end, 600);
    assert_int_equal(ask(f, "SELECT count(*) FROM pragma_integrity_check WHERE "
                            "integrity_check <> 'ok'"),
                     0);
}

/* kill -9 at any moment of writing and tidying: every record is there, once. */
static void test_kill_while_tidying(void **state)
{
    struct fixture *f = *state;
    make_topic(f, "t", 3);
    int64_t end = 0;
    for (int round = 0; round < 10; round++) {
        bus_close(f->bus);
        f->bus = NULL;
        int tell[2];
        char c;
        assert_int_equal(pipe(tell), 0);
        pid_t pid = fork();
        if (pid == 0) {
            OK(f, bus_open(&f->bus, &f->options, &f->e));
            for (int i = (int)end;; i++) {
                put_small(f, "t", 3, i, i + 1);
                if (i % 5 == 0 &&
                    (bus_tidy(f->bus, &f->e) < 0 ||
                     (i > end + 10 + round && write(tell[1], "x", 1) != 1)))
                    _exit(1);
            }
        }
        assert_int_equal(read(tell[0], &c, 1), 1);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        close(tell[0]);
        close(tell[1]);
        OK(f, bus_open(&f->bus, &f->options, &f->e));
        end = range(f, "t", 0).end;
        for (int32_t i = 0; i < 3; i++)
            check_small(f, "t", i, (int)end);
        assert_int_equal(ask(f, "SELECT sum(bytes) FROM partitions"),
                         ask(f, "SELECT sum(length(data)) FROM blobs"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EMBEDDED(test_small_batches_become_one)
            ON_EMBEDDED(test_the_end_waits_until_it_is_worth_it)
                ON_EMBEDDED(test_full_batches_stay)
                    ON_EMBEDDED(test_a_reader_in_the_middle_goes_on)
                        ON_EMBEDDED(test_retention_still_finds_what_is_old)
                            ON_EMBEDDED(test_space_goes_back)
                                ON_EMBEDDED(test_kill_while_tidying)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
