/* What the files of the bus contract share: the same test on the embedded member and on
 * librdkafka's mock cluster, which is each file's own list to say. */
#ifndef TESTS_BUS_CONTRACT_H
#define TESTS_BUS_CONTRACT_H

#include <signal.h>
#include <sys/wait.h>
#include "bus_fixture.h"
#include "bus_mock.h"

static inline int setup(void **state)
{
    struct fixture *f = mem_alloc(sizeof *f);
    fixture_dir(f);
    OK(f, bus_open(&f->bus, &f->options, &f->e));
    *state = f;
    return 0;
}

static inline int teardown(void **state)
{
    struct fixture *f = *state;
    bus_close(f->bus);
    fixture_remove(f);
    mem_free(f);
    return 0;
}

static inline int setup_kafka(void **state)
{
    struct fixture *f = mem_alloc(sizeof *f);
    f->wait_ms = 10000;
    f->is_mock = true; /* it starts with the first topic: skipped tests cost nothing */
    f->before_topic = mock_topic;
    *state = f;
    return 0;
}

static inline int teardown_kafka(void **state)
{
    struct fixture *f = *state;
    bus_close(f->bus);
    mock_stop(f);
    mem_free(f);
    return 0;
}

static inline struct bus_producer *producer(struct fixture *f, const char *id)
{
    struct bus_producer *p;
    OK(f, bus_producer_open(f->bus, id, &p, &f->e));
    return p;
}

static inline struct bus_consumer *consumer(struct fixture *f, const char *group)
{
    struct bus_consumer *c;
    OK(f, bus_consumer_open(f->bus, group, &c, &f->e));
    return c;
}

static inline void commit(struct fixture *f, struct bus_producer *p)
{
    OK(f, bus_txn_commit(p, &f->e));
}

/* Read all n records that are there, and no more; offsets of a partition are dense. */
static inline void drain(struct fixture *f, struct bus_consumer *c, size_t max,
                         size_t want)
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

static inline struct bus_range range(struct fixture *f, const char *topic,
                                     int32_t partition)
{
    struct bus_range r = {0};
    OK(f, bus_range(f->bus, topic, partition, &r, &f->e));
    return r;
}

/* Rows of cmocka's table. */
#define ON_EMBEDDED(name) {"embedded: " #name, name, setup, teardown, NULL},
#define ON_KAFKA(name)    {"kafka: " #name, name, setup_kafka, teardown_kafka, NULL},

/* BOTH(X) and EMBEDDED_ONLY(X) are the file's lists of tests. */
#define CONTRACT_MAIN()                                                                \
    int main(void)                                                                     \
    {                                                                                  \
        const struct CMUnitTest tests[] = {                                            \
            BOTH(ON_EMBEDDED) EMBEDDED_ONLY(ON_EMBEDDED) BOTH(ON_KAFKA)};              \
        return cmocka_run_group_tests(tests, NULL, NULL);                              \
    }

#endif
