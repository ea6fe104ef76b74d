/* The bus contract: retention. */
#include "bus_contract.h"

/* ── Retention ── */

static void fill_ten_batches(struct fixture *f, const char *topic)
{
    struct bus_producer *p = producer(f, "filler");
    for (int i = 0; i < 100; i++) {
        put(f, p, topic, 0, i * 1000, "k", "some value of some length");
        if (i % 10 == 9)
            commit(f, p);
    }
    bus_producer_close(p);
}

static void test_retention_by_time(void **state)
{
    struct fixture *f = *state;
    struct bus_topic t = {"t", 1, 50000, -1, BUS_KEY_HASH};
    OK(f, bus_topic_ensure(f->bus, &t, &f->e));
    fill_ten_batches(f, "t");
    assert_int_equal(bus_retain(f->bus, 50000, &f->e), 0);
    assert_int_equal(bus_retain(f->bus, 59001, &f->e), 1);
    assert_int_equal(bus_retain(f->bus, 80000, &f->e), 2);
    assert_int_equal(range(f, "t", 0).start, 30);
    assert_int_equal(range(f, "t", 0).end, 100);
    struct bus_consumer *c = consumer(f, "g");
    struct bus_batch b;
    OK(f, bus_assign(c, "t", 0, 10, &f->e));
    FAILS(f, ERR_NOTFOUND, bus_poll(c, 10, f->wait_ms, &b, &f->e));
    SAYS(f, "10 to 29");
    assert_int_equal(bus_position(c, "t", 0), 10);
    OK(f, bus_seek(c, "t", 0, BUS_OFFSET_BEGIN, &f->e));
    drain(f, c, 7, (size_t)(70));
    /* All of it may go; offsets go on where they were. */
    assert_int_equal(bus_retain(f->bus, 1000000, &f->e), 7);
    assert_int_equal(range(f, "t", 0).start, 100);
    assert_int_equal(range(f, "t", 0).bytes, 0);
    int64_t offset;
    OK(f, bus_offset_at(f->bus, "t", 0, 0, &offset, &f->e));
    assert_int_equal(offset, 100);
    fill_ten_batches(f, "t");
    drain(f, c, 7, (size_t)(100));
    bus_consumer_close(c);
}

static void test_retention_by_bytes(void **state)
{
    struct fixture *f = *state;
    struct bus_topic t = {"t", 1, -1, -1, BUS_KEY_HASH};
    OK(f, bus_topic_ensure(f->bus, &t, &f->e));
    fill_ten_batches(f, "t");
    assert_int_equal(bus_retain(f->bus, INT64_MAX, &f->e), 0);
    t.retention_bytes = range(f, "t", 0).bytes / 2;
    OK(f, bus_topic_ensure(f->bus, &t, &f->e));
    assert_in_range(bus_retain(f->bus, 0, &f->e), 4, 5);
    struct bus_range r = range(f, "t", 0);
    assert_true(r.bytes >= t.retention_bytes);
    assert_in_range(r.start, 40, 50);
}

static void test_retention_keeps_what_a_group_has_not_read(void **state)
{
    struct fixture *f = *state;
    struct bus_topic t = {"t", 2, 1, 0, BUS_KEY_HASH};
    OK(f, bus_topic_ensure(f->bus, &t, &f->e));
    fill_ten_batches(f, "t");
    struct bus_consumer *slow = consumer(f, "slow"), *fast = consumer(f, "fast"),
                        *forgotten = consumer(f, "forgotten");
    OK(f, bus_commit(fast, "t", 0, 100, NULL, &f->e));
    OK(f, bus_commit(slow, "t", 1, 0, NULL,
                     &f->e)); /* knows the topic, read nothing of 0 */
    assert_int_equal(bus_retain(f->bus, INT64_MAX, &f->e), 0);
    OK(f, bus_commit(slow, "t", 0, 25, NULL, &f->e));
    assert_int_equal(bus_retain(f->bus, INT64_MAX, &f->e), 2);
    assert_int_equal(range(f, "t", 0).start, 20);
    /* A group that is gone for good holds nothing any more. */
    OK(f, bus_commit(forgotten, "t", 0, 3, NULL, &f->e));
    OK(f, bus_commit(slow, "t", 0, 45, NULL, &f->e));
    assert_int_equal(bus_retain(f->bus, INT64_MAX, &f->e), 0);
    OK(f, bus_group_delete(f->bus, "forgotten", &f->e));
    FAILS(f, ERR_NOTFOUND, bus_group_delete(f->bus, "forgotten", &f->e));
    assert_int_equal(bus_retain(f->bus, INT64_MAX, &f->e), 2);
    OK(f, bus_commit(slow, "t", 0, 100, NULL, &f->e));
    assert_int_equal(bus_retain(f->bus, INT64_MAX, &f->e), 6);
    bus_consumer_close(forgotten);
    bus_consumer_close(slow);
    bus_consumer_close(fast);
}

#define BOTH(X)
/* What the mock cluster cannot show, and why: those run on the embedded member only
 * (and on a real cluster in the live tests). */
#define EMBEDDED_ONLY(X)                                                               \
    X(test_retention_by_time)  /* retention is the brokers' business */                \
    X(test_retention_by_bytes) /* retention is the brokers' business */                \
    X(test_retention_keeps_what_a_group_has_not_read) /* retention is the brokers'     \
                                                         business */

CONTRACT_MAIN()
