/* The bus contract: where a consumer stands, and what groups committed. */
#include "bus_contract.h"

/* ── Positions ── */

static void test_seek(void **state)
{
    struct fixture *f = *state;
    make_topic(f, "t", 2);
    struct bus_producer *p = producer(f, "p");
    for (int i = 0; i < 1000; i++) {
        put(f, p, "t", 0, i, "k", "v");
        if (i % 90 == 89)
            commit(f, p);
    }
    commit(f, p);
    struct bus_consumer *c = consumer(f, "g");
    struct bus_batch b;
    OK(f, bus_assign(c, "t", 0, 95, &f->e)); /* in the middle of a batch */
    assert_int_equal(bus_poll(c, 3, f->wait_ms, &b, &f->e), 1);
    assert_int_equal(b.records[0].offset, 95);
    assert_int_equal(b.n, 3);
    OK(f, bus_seek(c, "t", 0, 998, &f->e)); /* drops what was read ahead */
    assert_int_equal(bus_poll(c, 100, f->wait_ms, &b, &f->e), 1);
    assert_int_equal(b.records[0].offset, 998);
    assert_int_equal(b.n, 2);
    assert_int_equal(bus_poll(c, 100, 0, &b, &f->e), 0);
    OK(f, bus_seek(c, "t", 0, BUS_OFFSET_BEGIN, &f->e));
    drain(f, c, 64, (size_t)(1000));
    OK(f, bus_seek(c, "t", 0, BUS_OFFSET_END, &f->e));
    assert_int_equal(bus_position(c, "t", 0), 1000);
    drain(f, c, 64, (size_t)(0));
    put(f, p, "t", 0, 1, "k", "new");
    commit(f, p);
    drain(f, c, 64, (size_t)(1));
    OK(f, bus_unassign(c, "t", 0, &f->e));
    put(f, p, "t", 0, 1, "k", "unseen");
    commit(f, p);
    drain(f, c, 64, (size_t)(0));
    bus_consumer_close(c);
    bus_producer_close(p);
}

static void test_position_behind_the_end(void **state)
{
    struct fixture *f = *state;
    make_topic(f, "t", 1);
    struct bus_producer *p = producer(f, "p");
    put(f, p, "t", 0, 1, "k", "v");
    commit(f, p);
    struct bus_consumer *c = consumer(f, "g");
    struct bus_batch b;
    OK(f, bus_assign(c, "t", 0, 5, &f->e));
    FAILS(f, ERR_NOTFOUND, bus_poll(c, 1, f->wait_ms, &b, &f->e));
    SAYS(f, "5");
    OK(f, bus_seek(c, "t", 0, 1, &f->e));
    assert_int_equal(bus_poll(c, 1, 0, &b, &f->e), 0);
    bus_consumer_close(c);
    bus_producer_close(p);
}

static void test_offset_at_time(void **state)
{
    struct fixture *f = *state;
    static const int64_t times[] = {100, 300, 200, 300, 500};
    make_topic(f, "t", 1);
    struct bus_producer *p = producer(f, "p");
    for (size_t i = 0; i < 5; i++) {
        put(f, p, "t", 0, times[i], NULL, "v");
        if (i == 2)
            commit(f, p);
    }
    commit(f, p);
    bus_producer_close(p);
    static const struct {
        int64_t ms, offset;
    } want[] = {{0, 0},   {100, 0}, {101, 1}, {200, 1},       {300, 1},
                {301, 4}, {500, 4}, {501, 5}, {INT64_MAX, 5}, {INT64_MIN, 0}};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        int64_t offset;
        OK(f, bus_offset_at(f->bus, "t", 0, want[i].ms, &offset, &f->e));
        assert_int_equal(offset, want[i].offset);
    }
}

static void test_round_robin(void **state)
{
    struct fixture *f = *state;
    make_topic(f, "t", 4);
    struct bus_producer *p = producer(f, "p");
    for (int i = 0; i < 400; i++)
        put(f, p, "t", i % 4, 1, "k", "v");
    commit(f, p);
    struct bus_consumer *c = consumer(f, "g");
    for (int32_t i = 0; i < 4; i++)
        OK(f, bus_assign(c, "t", i, BUS_OFFSET_BEGIN, &f->e));
    /* Each partition in its turn; what arrives meanwhile waits for the next round. */
    bool seen[4] = {false};
    struct bus_batch b;
    for (int i = 0; i < 4; i++) {
        assert_int_equal(bus_poll(c, 100, f->wait_ms, &b, &f->e), 1);
        assert_int_equal(b.n, 100);
        assert_false(seen[b.partition]);
        seen[b.partition] = true;
        put(f, p, "t", b.partition, 1, "k", "v");
        commit(f, p);
    }
    drain(f, c, 100, (size_t)(4));
    bus_producer_close(p);
    bus_consumer_close(c);
}

static void test_ranges(void **state)
{
    struct fixture *f = *state;
    make_topic(f, "t", 100);
    struct bus_producer *p = producer(f, "p");
    for (int32_t i = 0; i < 100; i++)
        for (int32_t k = 0; k < i; k++)
            put(f, p, "t", i, f->is_mock ? 1000 : 1000 - k, "k", "v");
    commit(f, p);
    bus_producer_close(p);
    struct bus_range r[100];
    OK(f, bus_ranges(f->bus, "t", r, 100, &f->e));
    for (int32_t i = 0; i < 100; i++) {
        assert_int_equal(r[i].start, 0);
        assert_int_equal(r[i].end, i);
        assert_true(r[i].max_timestamp_ms == (i ? 1000 : INT64_MIN));
        assert_true(f->is_mock || (r[i].bytes > 0) == (i > 0));
    }
}

/* ── Groups ── */

struct groups {
    int n;
    int64_t sum;
    char text[400];
};

static void see_group(void *arg, const char *group, const char *topic,
                      int32_t partition, const struct bus_committed *c)
{
    struct groups *g = arg;
    g->n++;
    g->sum += c->offset;
    assert_true(c->committed_ms > INT64_C(1600000000000));
    size_t at = strlen(g->text);
    snprintf(g->text + at, sizeof g->text - at, "%s/%s/%d=%lld:%s ", group, topic,
             partition, (long long)c->offset, c->metadata);
}

static void test_groups(void **state)
{
    struct fixture *f = *state;
    make_topic(f, "t", 2);
    struct bus_producer *p = producer(f, "p");
    for (int i = 0; i < 20; i++)
        put(f, p, "t", i % 2, 1, "k", "v");
    OK(f, bus_txn_offset(p, "a", "t", 0, 4, "{\"wm\":17}", &f->e));
    OK(f,
       bus_txn_offset(p, "a", "t", 0, 5, "{\"wm\":18}", &f->e)); /* the last counts */
    OK(f, bus_txn_offset(p, "source:pos", "@source", 0, 1, "line 20", &f->e));
    commit(f, p);
    struct bus_consumer *c = consumer(f, "b");
    OK(f, bus_commit(c, "t", 1, 9, NULL, &f->e));
    OK(f, bus_commit(c, "t", 1, 10, "", &f->e));

    struct bus_committed got;
    OK(f, bus_committed(f->bus, "a", "t", 0, &got, &f->e));
    assert_int_equal(got.offset, 5);
    assert_string_equal(got.metadata, "{\"wm\":18}");
    OK(f, bus_committed(f->bus, "a", "t", 1, &got, &f->e));
    assert_int_equal(got.offset, -1);
    assert_string_equal(got.metadata, "");
    OK(f, bus_committed(f->bus, "source:pos", "@source", 0, &got, &f->e));
    assert_string_equal(got.metadata, "line 20");

    struct groups all = {0}, one = {0};
    OK(f, bus_groups(f->bus, NULL, see_group, &all, &f->e));
    assert_string_equal(
        all.text, "a/t/0=5:{\"wm\":18} b/t/1=10: source:pos/@source/0=1:line 20 ");
    OK(f, bus_groups(f->bus, "b", see_group, &one, &f->e));
    assert_string_equal(one.text, "b/t/1=10: ");

    OK(f, bus_assign(c, "t", 1, BUS_OFFSET_COMMITTED, &f->e));
    assert_int_equal(bus_position(c, "t", 1), 10);
    OK(f, bus_assign(c, "t", 0, BUS_OFFSET_COMMITTED, &f->e)); /* none: the beginning */
    assert_int_equal(bus_position(c, "t", 0), 0);
    bus_consumer_close(c);

    OK(f, bus_group_reset(f->bus, "a", "t", 0, 2, &f->e));
    OK(f, bus_committed(f->bus, "a", "t", 0, &got, &f->e));
    assert_int_equal(got.offset, 2);
    assert_string_equal(got.metadata, "");
    bus_producer_close(p);
}

static void test_plain_commits(void **state)
{
    struct fixture *f = *state;
    make_topic(f, "t", 2);
    struct bus_producer *p = producer(f, "p");
    for (int i = 0; i < 10; i++)
        put(f, p, "t", 1, 1, "k", "v");
    commit(f, p);
    bus_producer_close(p);
    struct bus_consumer *c = consumer(f, "g");
    OK(f, bus_commit(c, "t", 1, 3, "first", &f->e));
    OK(f, bus_commit(c, "t", 1, 4, "{\"wm\":17}", &f->e));
    struct bus_committed got;
    OK(f, bus_committed(f->bus, "g", "t", 1, &got, &f->e));
    assert_int_equal(got.offset, 4);
    assert_string_equal(got.metadata, "{\"wm\":17}");
    OK(f, bus_committed(f->bus, "g", "t", 0, &got, &f->e));
    assert_int_equal(got.offset, -1);
    OK(f, bus_committed(f->bus, "other", "t", 1, &got, &f->e));
    assert_int_equal(got.offset, -1);
    OK(f, bus_commit(c, "t", 1, 7, NULL, &f->e));
    bus_consumer_close(c); /* writes what waits */
    c = consumer(f, "g");
    OK(f, bus_assign(c, "t", 1, BUS_OFFSET_COMMITTED, &f->e));
    assert_int_equal(bus_position(c, "t", 1), 7);
    drain(f, c, 100, 3);
    bus_consumer_close(c);
}

static void test_metadata_round_trip(void **state)
{
    struct fixture *f = *state;
    make_topic(f, "t", 1);
    struct bus_producer *p = producer(f, "p");
    char metadata[BUS_METADATA_MAX + 1];
    for (size_t i = 0; i < BUS_METADATA_MAX; i++)
        metadata[i] = (char)(' ' + i % 95);
    metadata[BUS_METADATA_MAX] = 0;
    OK(f, bus_txn_offset(p, "g", "t", 0, 0, metadata, &f->e));
    commit(f, p);
    bus_producer_close(p);
    fixture_reopen(f);
    struct bus_committed got;
    OK(f, bus_committed(f->bus, "g", "t", 0, &got, &f->e));
    assert_int_equal(got.offset, 0);
    assert_string_equal(got.metadata, metadata);
}

#define BOTH(X)                                                                        \
    X(test_seek)                                                                       \
    X(test_position_behind_the_end)                                                    \
    X(test_ranges)                                                                     \
    X(test_plain_commits)
/* What the mock cluster cannot show, and why: those run on the embedded member only
 * (and on a real cluster in the live tests). */
#define EMBEDDED_ONLY(X)                                                               \
    X(test_offset_at_time) /* the mock answers every time with the end */              \
    X(test_round_robin)    /* librdkafka chooses the order of partitions */            \
    X(test_groups) /* the mock stores no offsets of transactions, lists no groups */   \
    X(test_metadata_round_trip) /* the mock stores no offsets of transactions */

CONTRACT_MAIN()
