/* The bus contract, against bus.h alone: topics, records, bad arguments. Every member
 * passes every test, except where the place it runs on cannot do a thing, which is then
 * said. Positions, groups, transactions and retention have files of their own. */
#include "bus_contract.h"

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

#define BOTH(X)                                                                        \
    X(test_offsets_are_dense_and_ordered)                                              \
    X(test_store_partitioner)                                                          \
    X(test_hash_partitioner_is_stable_and_spreads)                                     \
    X(test_keys_headers_timestamps)                                                    \
    X(test_bad_arguments)
/* What the mock cluster cannot show, and why: those run on the embedded member only
 * (and on a real cluster in the live tests). */
#define EMBEDDED_ONLY(X)                                                               \
    X(test_topics)        /* the mock has no admin API */                              \
    X(test_topic_delete)  /* the mock has no admin API */                              \
    X(test_large_records) /* the mock keeps 5 MiB a partition */

CONTRACT_MAIN()
