/* The bus contract, against bus.h alone: every member passes every test, except where
 * the place it runs on cannot do a thing (librdkafka's mock cluster), which is then
 * said. */
#include <signal.h>
#include <sys/wait.h>
#include "bus_fixture.h"
#include "bus_mock.h"

static int setup(void **state)
{
    struct fixture *f = mem_alloc(sizeof *f);
    fixture_dir(f);
    OK(f, bus_open(&f->bus, &f->options, &f->e));
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    bus_close(f->bus);
    fixture_remove(f);
    mem_free(f);
    return 0;
}

static int setup_kafka(void **state)
{
    struct fixture *f = mem_alloc(sizeof *f);
    f->wait_ms = 10000;
    f->is_mock = true; /* it starts with the first topic: skipped tests cost nothing */
    f->before_topic = mock_topic;
    *state = f;
    return 0;
}

static int teardown_kafka(void **state)
{
    struct fixture *f = *state;
    bus_close(f->bus);
    mock_stop(f);
    mem_free(f);
    return 0;
}

static struct bus_producer *producer(struct fixture *f, const char *id)
{
    struct bus_producer *p;
    OK(f, bus_producer_open(f->bus, id, &p, &f->e));
    return p;
}

static struct bus_consumer *consumer(struct fixture *f, const char *group)
{
    struct bus_consumer *c;
    OK(f, bus_consumer_open(f->bus, group, &c, &f->e));
    return c;
}

static void commit(struct fixture *f, struct bus_producer *p)
{
    OK(f, bus_txn_commit(p, &f->e));
}

/* Read all n records that are there, and no more; offsets of a partition are dense. */
static void drain(struct fixture *f, struct bus_consumer *c, size_t max, size_t want)
{
    struct bus_batch b;
    size_t n = 0;
    int rc;
    while ((rc = bus_poll(c, max, n < want ? f->wait_ms : 0, &b, &f->e)) == 1) {
        assert_in_range(b.n, 1, max);
        for (size_t i = 0; i < b.n; i++)
            assert_int_equal(b.records[i].offset, b.next_offset - (int64_t)(b.n - i));
        assert_int_equal(bus_position(c, b.topic, b.partition), b.next_offset);
        n += b.n;
    }
    OK(f, rc);
    assert_int_equal(n, want);
}

static struct bus_range range(struct fixture *f, const char *topic, int32_t partition)
{
    struct bus_range r = {0};
    OK(f, bus_range(f->bus, topic, partition, &r, &f->e));
    return r;
}

/* ── Topics ── */

struct seen {
    int n;
    char names[200];
    struct bus_topic last;
};

static void see_topic(void *arg, const struct bus_topic *t)
{
    struct seen *s = arg;
    s->n++;
    s->last = *t;
    size_t at = strlen(s->names);
    snprintf(s->names + at, sizeof s->names - at, "%s ", t->name);
}

static void test_topics(void **state)
{
    struct fixture *f = *state;
    struct bus_topic t = {"transactions", 100, 7 * 86400000, -1, BUS_KEY_STORE};
    OK(f, bus_topic_ensure(f->bus, &t, &f->e));
    OK(f, bus_topic_ensure(f->bus, &t, &f->e)); /* again: nothing happens */
    make_topic(f, "customer-events", 50);
    assert_int_equal(bus_partitions(f->bus, "transactions", &f->e), 100);
    FAILS(f, ERR_NOTFOUND, bus_partitions(f->bus, "transaction", &f->e));
    SAYS(f, "transaction");

    struct seen s = {0};
    OK(f, bus_topics(f->bus, see_topic, &s, &f->e));
    assert_string_equal(s.names, "customer-events transactions ");
    assert_int_equal(s.last.partitions, 100);
    assert_int_equal(s.last.retention_ms, 7 * 86400000);
    assert_int_equal(s.last.key_rule, BUS_KEY_STORE);

    t.retention_ms = 86400000;
    t.retention_bytes = 1000;
    OK(f, bus_topic_ensure(f->bus, &t, &f->e));
    OK(f, bus_topics(f->bus, see_topic, &s, &f->e));
    assert_int_equal(s.last.retention_ms, 86400000);
    assert_int_equal(s.last.retention_bytes, 1000);

    t.partitions = 99;
    FAILS(f, ERR_CONFIG, bus_topic_ensure(f->bus, &t, &f->e));
    SAYS(f, "100 partitions, not 99");
    t.partitions = 100;
    t.key_rule = BUS_KEY_HASH;
    FAILS(f, ERR_CONFIG, bus_topic_ensure(f->bus, &t, &f->e));
    t.partitions = 0;
    FAILS(f, ERR_CONFIG, bus_topic_ensure(f->bus, &t, &f->e));
    t = (struct bus_topic){.name = "bad name", .partitions = 1};
    FAILS(f, ERR_USAGE, bus_topic_ensure(f->bus, &t, &f->e));
    SAYS(f, "\"bad name\"");
    t.name = "@source";
    FAILS(f, ERR_USAGE, bus_topic_ensure(f->bus, &t, &f->e));
}

static void test_topic_delete(void **state)
{
    struct fixture *f = *state;
    make_topic(f, "a", 2);
    make_topic(f, "b", 2);
    struct bus_producer *p = producer(f, "p");
    put(f, p, "a", 1, 1, "k", "old");
    put(f, p, "b", 1, 1, "k", "stays");
    OK(f, bus_txn_offset(p, "g", "a", 1, 1, "", &f->e));
    commit(f, p);
    OK(f, bus_topic_delete(f->bus, "a", &f->e));
    FAILS(f, ERR_NOTFOUND, bus_topic_delete(f->bus, "a", &f->e));
    FAILS(f, ERR_NOTFOUND, bus_partitions(f->bus, "a", &f->e));
    assert_int_equal(range(f, "b", 1).end, 1);
    /* A producer that knew the topic does not write into nothing, nor half. */
    put(f, p, "b", 0, 1, "k", "v");
    put(f, p, "a", 0, 1, "k", "v");
    FAILS(f, ERR_NOTFOUND, bus_txn_commit(p, &f->e));
    SAYS(f, "a");
    assert_int_equal(range(f, "b", 0).end, 0);
    bus_producer_close(p);
    /* A new topic of the name starts empty, without the old groups. */
    make_topic(f, "a", 2);
    assert_int_equal(range(f, "a", 1).end, 0);
    struct bus_committed c;
    OK(f, bus_committed(f->bus, "g", "a", 1, &c, &f->e));
    assert_int_equal(c.offset, -1);
}

/* ── Produce and consume ── */

static void test_offsets_are_dense_and_ordered(void **state)
{
    struct fixture *f = *state;
    make_topic(f, "t", 3);
    struct bus_producer *p = producer(f, "p");
    char value[32];
    for (int i = 0; i < 3000; i++) {
        snprintf(value, sizeof value, "value %d", i);
        put(f, p, "t", i % 3, 1000 + i, NULL, value);
        if (i % 700 == 0)
            commit(f, p);
    }
    commit(f, p);
    bus_producer_close(p);

    struct bus_consumer *c = consumer(f, "g");
    for (int32_t i = 0; i < 3; i++)
        OK(f, bus_assign(c, "t", i, BUS_OFFSET_BEGIN, &f->e));
    struct bus_batch b;
    int64_t next[3] = {0};
    int rc, n = 0;
    while (n < 3000 && (rc = bus_poll(c, 100, f->wait_ms, &b, &f->e)) == 1)
        for (size_t i = 0; i < b.n; i++, n++) {
            const struct bus_record *r = &b.records[i];
            assert_string_equal(b.topic, "t");
            assert_int_equal(r->partition, b.partition);
            assert_int_equal(r->offset, next[r->partition]++);
            snprintf(value, sizeof value, "value %d",
                     (int)r->offset * 3 + (int)r->partition);
            assert_true(str_is(r->value, value));
            assert_int_equal(r->timestamp_ms, 1000 + r->offset * 3 + r->partition);
            assert_null(r->key.p);
        }
    OK(f, rc);
    assert_int_equal(n, 3000);
    bus_consumer_close(c);
}

/* Math.abs(id.hashCode() % 100), the hashes by the definition in java.lang.String. */
static void test_store_partitioner(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *key;
        int32_t partition;
    } known[] = {
        {"STORE_1234_TXN_00001", 42},      /* 1509442 */
        {"STORE_367_TXN_27601281299", 40}, /* 50740 */
        {"STORE_1_TXN_9", 49},             /* 49 */
        {"STORE_400000000000_TXN_1", 96},  /* -812107396: the sign goes after % */
        {"nonsense", 48},                  /* of "0": 48 */
    };
    struct bus_topic t = {"transactions", 100, -1, -1, BUS_KEY_STORE};
    if (f->before_topic)
        f->before_topic(f, t.name, t.partitions);
    OK(f, bus_topic_ensure(f->bus, &t, &f->e));
    struct bus_producer *p = producer(f, "p");
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        int64_t before = range(f, "transactions", known[i].partition).end;
        put(f, p, "transactions", -1, 1, known[i].key, "{}");
        commit(f, p);
        assert_int_equal(range(f, "transactions", known[i].partition).end, before + 1);
    }
    bus_producer_close(p);
}

static void test_hash_partitioner_is_stable_and_spreads(void **state)
{
    struct fixture *f = *state;
    make_topic(f, "t", 10);
    struct bus_producer *p = producer(f, "p");
    char key[20];
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 1000; i++) {
            snprintf(key, sizeof key, "key %d", i);
            put(f, p, "t", -1, 1, key, "v");
        }
    for (int i = 0; i < 1000; i++) /* without a key: one after the other */
        put(f, p, "t", -1, 1, NULL, "v");
    commit(f, p);
    bus_producer_close(p);
    for (int32_t i = 0; i < 10; i++) {
        int64_t n = range(f, "t", i).end;
        assert_int_equal(n % 2, 0); /* each key twice in one place, and 100 without */
        assert_in_range(n - 100, 120, 280);
    }
}

static void test_keys_headers_timestamps(void **state)
{
    struct fixture *f = *state;
    make_topic(f, "t", 1);
    struct bus_producer *p = producer(f, "p");
    const struct bus_header headers[] = {
        {STR("line"), STR("42")}, {STR("empty"), STR("")}, {STR("none"), {0}}};
    const char binary[] = "a\0b\xff";
    OK(f, bus_produce(p, "t", 0, 77, (struct str){binary, 4}, (struct str){binary, 3},
                      headers, 3, &f->e));
    OK(f, bus_produce(p, "t", 0, 0, STR(""), (struct str){0}, NULL, 0, &f->e));
    int64_t before = range(f, "t", 0).max_timestamp_ms;
    assert_true(before == INT64_MIN);
    OK(f, bus_produce(p, "t", 0, -1, STR("k"), STR("v"), NULL, 0, &f->e));
    commit(f, p);
    bus_producer_close(p);
    struct bus_consumer *c = consumer(f, "g");
    OK(f, bus_assign(c, "t", 0, BUS_OFFSET_BEGIN, &f->e));
    struct bus_batch b;
    assert_int_equal(bus_poll(c, 10, f->wait_ms, &b, &f->e), 1);
    assert_int_equal(b.n, 3);
    const struct bus_record *r = b.records;
    assert_int_equal(r[0].timestamp_ms, 77);
    assert_int_equal(r[0].key.n, 4);
    assert_memory_equal(r[0].key.p, binary, 4);
    assert_int_equal(r[0].value.n, 3);
    assert_int_equal(r[0].n_headers, 3);
    assert_true(str_is(r[0].headers[0].name, "line"));
    assert_true(str_is(r[0].headers[0].value, "42"));
    assert_true(r[0].headers[1].value.p && r[0].headers[1].value.n == 0);
    assert_null(r[0].headers[2].value.p);
    assert_int_equal(r[1].timestamp_ms, f->is_mock ? 1 : 0);
    assert_null(r[1].value.p);
    assert_int_equal(r[1].n_headers, 0);
    assert_true(r[2].timestamp_ms > INT64_C(1600000000000));
    assert_int_equal(range(f, "t", 0).max_timestamp_ms, r[2].timestamp_ms);
    bus_consumer_close(c);
}

static void test_large_records(void **state)
{
    struct fixture *f = *state;
    make_topic(f, "t", 1);
    struct bus_producer *p = producer(f, "p");
    char *big = mem_alloc(3 << 20);
    for (size_t i = 0; i < 3 << 20; i++)
        big[i] = (char)(i * i >> 7);
    for (int i = 0; i < 3; i++)
        OK(f, bus_produce(p, "t", 0, 1, STR("k"),
                          (struct str){big, (size_t)(3 << 20) - (size_t)i}, NULL, 0,
                          &f->e));
    OK(f, bus_produce(p, "t", 0, 1, STR("k"), STR("small"), NULL, 0, &f->e));
    commit(f, p);
    struct bus_consumer *c = consumer(f, "g");
    OK(f, bus_assign(c, "t", 0, BUS_OFFSET_BEGIN, &f->e));
    struct bus_batch b;
    size_t n = 0;
    while (bus_poll(c, 100, 0, &b, &f->e) == 1)
        for (size_t i = 0; i < b.n; i++, n++)
            if (n < 3) {
                assert_int_equal(b.records[i].value.n, (3 << 20) - n);
                assert_memory_equal(b.records[i].value.p, big, b.records[i].value.n);
            }
    assert_int_equal(n, 4);
    mem_free(big);
    /* One beyond the limit is refused and leaves the rest alone. */
    big = mem_alloc(BUS_RECORD_MAX + 1);
    put(f, p, "t", 0, 1, NULL, "before");
    FAILS(f, ERR_LIMIT,
          bus_produce(p, "t", 0, 1, (struct str){0},
                      (struct str){big, BUS_RECORD_MAX + 1}, NULL, 0, &f->e));
    mem_free(big);
    commit(f, p);
    assert_int_equal(range(f, "t", 0).end, 5);
    bus_producer_close(p);
    bus_consumer_close(c);
}

static void test_bad_arguments(void **state)
{
    struct fixture *f = *state;
    make_topic(f, "t", 2);
    struct bus_producer *p = producer(f, "p");
    struct bus_consumer *c = consumer(f, "g");
    struct bus_batch b;
    struct bus_range r[3];
    FAILS(f, ERR_NOTFOUND,
          bus_produce(p, "nope", 0, 1, STR("k"), STR("v"), NULL, 0, &f->e));
    FAILS(f, ERR_NOTFOUND,
          bus_produce(p, "t", 2, 1, STR("k"), STR("v"), NULL, 0, &f->e));
    FAILS(f, ERR_NOTFOUND, bus_assign(c, "nope", 0, 0, &f->e));
    FAILS(f, ERR_NOTFOUND, bus_assign(c, "t", 2, 0, &f->e));
    FAILS(f, ERR_USAGE, bus_assign(c, "t", -1, 0, &f->e));
    FAILS(f, ERR_USAGE, bus_assign(c, "t", 0, -4, &f->e));
    FAILS(f, ERR_NOTFOUND, bus_seek(c, "t", 0, 0, &f->e));
    FAILS(f, ERR_NOTFOUND, bus_unassign(c, "t", 0, &f->e));
    FAILS(f, ERR_USAGE, bus_poll(c, 0, 0, &b, &f->e));
    FAILS(f, ERR_NOTFOUND, bus_range(f->bus, "t", 2, &r[0], &f->e));
    FAILS(f, ERR_NOTFOUND, bus_ranges(f->bus, "t", r, 3, &f->e));
    FAILS(f, ERR_USAGE, bus_txn_offset(p, "g", "t", 0, -1, "", &f->e));
    FAILS(f, ERR_USAGE, bus_txn_offset(p, "", "t", 0, 1, "", &f->e));
    char *metadata = mem_alloc(BUS_METADATA_MAX + 2);
    memset(metadata, 'm', BUS_METADATA_MAX + 1);
    FAILS(f, ERR_LIMIT, bus_txn_offset(p, "g", "t", 0, 1, metadata, &f->e));
    mem_free(metadata);
    assert_int_equal(bus_position(c, "t", 0), -1);
    assert_int_equal(bus_poll(c, 1, 0, &b, &f->e), 0); /* nothing assigned */
    bus_consumer_close(c);
    bus_producer_close(p);
}

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

/* name, and why librdkafka's mock cluster cannot show it: those run on the embedded
 * member only (and on a real cluster in the live tests). */
#define BOTH(X)                                                                        \
    X(test_offsets_are_dense_and_ordered)                                              \
    X(test_store_partitioner)                                                          \
    X(test_hash_partitioner_is_stable_and_spreads)                                     \
    X(test_keys_headers_timestamps)                                                    \
    X(test_bad_arguments)                                                              \
    X(test_seek)                                                                       \
    X(test_position_behind_the_end)                                                    \
    X(test_ranges)                                                                     \
    X(test_plain_commits)                                                              \
    X(test_reopen)                                                                     \
    X(test_several_processes_append_while_one_reads)                                   \
    X(test_handle_does_not_cross_a_fork)
#define EMBEDDED_ONLY(X)                                                               \
    X(test_topics)         /* the mock has no admin API */                             \
    X(test_topic_delete)   /* the mock has no admin API */                             \
    X(test_large_records)  /* the mock keeps 5 MiB a partition */                      \
    X(test_offset_at_time) /* the mock answers every time with the end */              \
    X(test_round_robin)    /* the mock librdkafka chooses the order of partitions */   \
    X(test_groups) /* the mock stores no offsets of transactions, lists no groups */   \
    X(test_metadata_round_trip)       /* the mock stores no offsets of transactions */ \
    X(test_invisible_before_commit)   /* the mock shows open transactions */           \
    X(test_abort)                     /* the mock shows aborted transactions */        \
    X(test_epoch_fencing)             /* the mock does not fence */                    \
    X(test_transaction_has_a_ceiling) /* the mock keeps 5 MiB a partition */           \
    X(test_retention_by_time)  /* the mock retention is the brokers' business */       \
    X(test_retention_by_bytes) /* the mock retention is the brokers' business */       \
    X(test_retention_keeps_what_a_group_has_not_read) /* the mock retention is the     \
                                                         brokers' business */          \
    X(test_kill_leaves_whole_transactions) /* the mock shows open transactions */

int main(void)
{
    const struct CMUnitTest tests[] = {
#define X(name) {"embedded: " #name, name, setup, teardown, NULL},
        BOTH(X) EMBEDDED_ONLY(X)
#undef X
#define X(name) {"kafka: " #name, name, setup_kafka, teardown_kafka, NULL},
            BOTH(X)
#undef X
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
