/* The bus contract: transactions, and several handles and processes on one bus. */
#include "bus_contract.h"

/* ── Transactions ── */

static void test_invisible_before_commit(void **state)
{
    struct fixture *f = *state;
    make_topic(f, "in", 1);
    make_topic(f, "out", 1);
    struct bus *other;
    OK(f, bus_open(&other, &f->options, &f->e));
    struct bus_producer *p = producer(f, "p");
    put(f, p, "in", 0, 1, "k", "v");
    put(f, p, "out", 0, 1, "k", "v");
    OK(f, bus_txn_offset(p, "g", "in", 0, 1, "m", &f->e));
    assert_true(bus_txn_bytes(p) > 0);
    struct bus *const views[] = {f->bus, other};
    struct bus_range r;
    struct bus_committed c;
    for (size_t i = 0; i < 2; i++) {
        OK(f, bus_range(views[i], "out", 0, &r, &f->e));
        assert_int_equal(r.end, 0);
        OK(f, bus_committed(views[i], "g", "in", 0, &c, &f->e));
        assert_int_equal(c.offset, -1);
    }
    commit(f, p);
    assert_int_equal(bus_txn_bytes(p), 0);
    for (size_t i = 0; i < 2; i++) {
        OK(f, bus_range(views[i], "out", 0, &r, &f->e));
        assert_int_equal(r.end, 1);
        OK(f, bus_range(views[i], "in", 0, &r, &f->e));
        assert_int_equal(r.end, 1);
        OK(f, bus_committed(views[i], "g", "in", 0, &c, &f->e));
        assert_int_equal(c.offset, 1);
    }
    commit(f, p); /* an empty one changes nothing */
    assert_int_equal(range(f, "out", 0).end, 1);
    bus_producer_close(p);
    bus_close(other);
}

static void test_abort(void **state)
{
    struct fixture *f = *state;
    make_topic(f, "t", 1);
    struct bus_producer *p = producer(f, "p");
    put(f, p, "t", 0, 1, "k", "gone");
    OK(f, bus_txn_offset(p, "g", "t", 0, 1, "m", &f->e));
    OK(f, bus_txn_abort(p, &f->e));
    assert_int_equal(bus_txn_bytes(p), 0);
    put(f, p, "t", 0, 1, "k", "stays");
    commit(f, p);
    put(f, p, "t", 0, 1, "k", "closed before its commit");
    bus_producer_close(p);
    assert_int_equal(range(f, "t", 0).end, 1);
    struct bus_committed c;
    OK(f, bus_committed(f->bus, "g", "t", 0, &c, &f->e));
    assert_int_equal(c.offset, -1);
    struct bus_consumer *r = consumer(f, "g");
    struct bus_batch b;
    OK(f, bus_assign(r, "t", 0, BUS_OFFSET_BEGIN, &f->e));
    assert_int_equal(bus_poll(r, 10, f->wait_ms, &b, &f->e), 1);
    assert_true(str_is(b.records[0].value, "stays"));
    bus_consumer_close(r);
}

static void test_epoch_fencing(void **state)
{
    struct fixture *f = *state;
    make_topic(f, "t", 1);
    struct bus *other;
    OK(f, bus_open(&other, &f->options, &f->e));
    struct bus_producer *old = producer(f, "job-0"), *fresh, *stranger;
    put(f, old, "t", 0, 1, "k", "first");
    commit(f, old);
    put(f, old, "t", 0, 1, "k", "zombie");
    OK(f, bus_txn_offset(old, "g", "t", 0, 2, "zombie", &f->e));
    OK(f, bus_producer_open(other, "job-0", &fresh, &f->e));
    OK(f, bus_producer_open(other, "job-1", &stranger, &f->e));
    FAILS(f, ERR_FENCED, bus_txn_commit(old, &f->e));
    SAYS(f, "job-0");
    FAILS(f, ERR_FENCED, bus_txn_commit(old, &f->e)); /* for good */
    FAILS(f, ERR_FENCED,
          bus_produce(old, "t", 0, 1, STR("k"), STR("v"), NULL, 0, &f->e));
    assert_int_equal(range(f, "t", 0).end, 1);
    OK(f, bus_produce(fresh, "t", 0, 1, STR("k"), STR("v"), NULL, 0, &f->e));
    OK(f, bus_txn_commit(fresh, &f->e));
    OK(f, bus_produce(stranger, "t", 0, 1, STR("k"), STR("v"), NULL, 0, &f->e));
    OK(f, bus_txn_commit(stranger, &f->e));
    assert_int_equal(range(f, "t", 0).end, 3);
    struct bus_committed c;
    OK(f, bus_committed(f->bus, "g", "t", 0, &c, &f->e));
    assert_int_equal(c.offset, -1);
    bus_producer_close(old);
    bus_producer_close(fresh);
    bus_producer_close(stranger);
    bus_close(other);
}

static void test_transaction_has_a_ceiling(void **state)
{
    struct fixture *f = *state;
    make_topic(f, "t", 1);
    struct bus_producer *p = producer(f, "p");
    char *noise = mem_alloc(1 << 20);
    uint64_t x = 1;
    for (size_t i = 0; i < 1 << 20; i++)
        noise[i] = (char)((x = x * UINT64_C(6364136223846793005) + 1442695) >> 56);
    int rc = 0;
    int n = 0;
    while (n < 100 &&
           (rc = bus_produce(p, "t", 0, 1, STR("k"), (struct str){noise, 1 << 20}, NULL,
                             0, &f->e)) == 0)
        n++;
    assert_int_equal(rc, ERR_LIMIT);
    SAYS(f, "commit");
    assert_in_range(bus_txn_bytes(p), BUS_TXN_BYTES_MAX - (2 << 20), BUS_TXN_BYTES_MAX);
    commit(f, p);
    OK(f, bus_produce(p, "t", 0, 1, STR("k"), (struct str){noise, 1 << 20}, NULL, 0,
                      &f->e));
    commit(f, p);
    assert_int_equal(range(f, "t", 0).end, n + 1);
    mem_free(noise);
    bus_producer_close(p);
}

/* ── Several handles and processes ── */

static void test_reopen(void **state)
{
    struct fixture *f = *state;
    make_topic(f, "t", 3);
    struct bus_producer *p = producer(f, "p");
    put(f, p, "t", 1, 9, "key", "kept");
    OK(f, bus_txn_offset(p, "g", "t", 1, 1, "m", &f->e));
    commit(f, p);
    bus_producer_close(p);
    fixture_reopen(f);
    assert_int_equal(bus_partitions(f->bus, "t", &f->e), 3);
    assert_int_equal(range(f, "t", 1).end, 1);
    struct bus_consumer *c = consumer(f, "x");
    struct bus_batch b;
    OK(f, bus_assign(c, "t", 1, BUS_OFFSET_BEGIN, &f->e));
    assert_int_equal(bus_poll(c, 10, f->wait_ms, &b, &f->e), 1);
    assert_true(str_is(b.records[0].value, "kept"));
    bus_consumer_close(c);
    p = producer(f, "p");
    put(f, p, "t", 1, 9, "key", "more");
    commit(f, p);
    assert_int_equal(range(f, "t", 1).end, 2);
    bus_producer_close(p);
}

/* In a child process: n transactions of 20 records on each of 4 partitions. */
static void append_and_exit(const struct bus_options *o, int id, int n)
{
    struct bus *bus;
    struct bus_producer *p = NULL;
    struct err e = {0};
    char name[32], value[64];
    snprintf(name, sizeof name, "writer-%d", id);
    int rc = bus_open(&bus, o, &e);
    if (rc == 0)
        rc = bus_producer_open(bus, name, &p, &e);
    for (int i = 0; rc == 0 && i < n; i++) {
        for (int k = 0; rc == 0 && k < 80; k++) {
            snprintf(value, sizeof value, "%d %d", id, i * 20 + k / 4);
            rc = bus_produce(p, "t", k % 4, 1, STR("k"), str_of(value), NULL, 0, &e);
        }
        if (rc == 0)
            rc = bus_txn_offset(p, name, "t", 0, i + 1, "", &e);
        if (rc == 0)
            rc = bus_txn_commit(p, &e);
    }
    if (rc < 0)
        fprintf(stderr, "writer %d: %s\n", id, e.text);
    _exit(rc < 0);
}

/* Every writer's records once and in its order, on every partition. */
static void check_writers(struct fixture *f, struct bus_consumer *c, int writers,
                          int each, int wait_ms)
{
    int next[4][8] = {{0}};
    struct bus_batch b;
    int n = 0, rc = 1, want = writers * each * 4;
    while (n < want && (rc = bus_poll(c, 500, wait_ms, &b, &f->e)) == 1)
        for (size_t i = 0; i < b.n; i++, n++) {
            int id = -1, number = -1;
            char text[64];
            snprintf(text, sizeof text, "%.*s", (int)b.records[i].value.n,
                     b.records[i].value.p);
            assert_int_equal(sscanf(text, "%d %d", &id, &number), 2);
            assert_in_range(id, 0, writers - 1);
            assert_int_equal(number, next[b.partition][id]++);
        }
    OK(f, rc);
    assert_int_equal(n, want);
}

static void test_several_processes_append_while_one_reads(void **state)
{
    struct fixture *f = *state;
    enum { WRITERS = 4, TXNS = 25 };
    make_topic(f, "t", 4);
    bus_close(f->bus); /* no handle crosses a fork */
    f->bus = NULL;
    pid_t pids[WRITERS];
    for (int i = 0; i < WRITERS; i++)
        if ((pids[i] = fork()) == 0)
            append_and_exit(&f->options, i, TXNS);
    OK(f, bus_open(&f->bus, &f->options, &f->e));
    struct bus_consumer *c = consumer(f, "g");
    for (int32_t i = 0; i < 4; i++)
        OK(f, bus_assign(c, "t", i, BUS_OFFSET_BEGIN, &f->e));
    check_writers(f, c, WRITERS, TXNS * 20, 30000);
    for (int i = 0; i < WRITERS; i++) {
        int status;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
    }
    assert_int_equal(range(f, "t", 0).end, WRITERS * TXNS * 20);
    bus_consumer_close(c);
}

/* kill -9 at any moment: each transaction is there whole or not at all. */
static void test_kill_leaves_whole_transactions(void **state)
{
    struct fixture *f = *state;
    make_topic(f, "t", 4);
    for (int round = 0; round < 10; round++) {
        bus_close(f->bus);
        f->bus = NULL;
        pid_t pid = fork();
        if (pid == 0)
            append_and_exit(&f->options, 0, 1000000);
        OK(f, bus_open(&f->bus, &f->options, &f->e));
        /* Killed as soon as it has written something new, wherever it is by then. */
        struct bus_consumer *c = consumer(f, "g");
        struct bus_batch b;
        OK(f, bus_assign(c, "t", 0, BUS_OFFSET_END, &f->e));
        assert_int_equal(bus_poll(c, 1, 30000, &b, &f->e), 1);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        bus_consumer_close(c);
        int64_t end = range(f, "t", 0).end;
        assert_int_equal(end % 20, 0);
        for (int32_t i = 1; i < 4; i++)
            assert_int_equal(range(f, "t", i).end, end);
        struct bus_committed committed;
        OK(f, bus_committed(f->bus, "writer-0", "t", 0, &committed, &f->e));
        assert_true(committed.offset >= 1);
    }
    struct bus_consumer *c = consumer(f, "g");
    for (int32_t i = 0; i < 4; i++)
        OK(f, bus_assign(c, "t", i, BUS_OFFSET_BEGIN, &f->e));
    drain(f, c, 1000, (size_t)(4 * range(f, "t", 0).end));
    bus_consumer_close(c);
}

static void test_handle_does_not_cross_a_fork(void **state)
{
    struct fixture *f = *state;
    make_topic(f, "t", 1);
    struct bus_producer *p = producer(f, "p");
    put(f, p, "t", 0, 1, "k", "v");
    pid_t pid = fork();
    if (pid == 0)
        _exit(bus_txn_commit(p, &f->e) == ERR_BUS && strstr(f->e.text, "fork") ? 0 : 1);
    int status;
    waitpid(pid, &status, 0);
    assert_int_equal(status, 0);
    commit(f, p);
    assert_int_equal(range(f, "t", 0).end, 1);
    bus_producer_close(p);
}

#define BOTH(X)                                                                        \
    X(test_reopen)                                                                     \
    X(test_several_processes_append_while_one_reads)                                   \
    X(test_handle_does_not_cross_a_fork)
/* What the mock cluster cannot show, and why: those run on the embedded member only
 * (and on a real cluster in the live tests). */
#define EMBEDDED_ONLY(X)                                                               \
    X(test_invisible_before_commit)        /* the mock shows open transactions */      \
    X(test_abort)                          /* the mock shows aborted transactions */   \
    X(test_epoch_fencing)                  /* the mock does not fence */               \
    X(test_transaction_has_a_ceiling)      /* the mock keeps 5 MiB a partition */      \
    X(test_kill_leaves_whole_transactions) /* the mock shows open transactions */

CONTRACT_MAIN()
