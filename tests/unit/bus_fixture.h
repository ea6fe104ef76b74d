/* What the bus tests share: a bus in a folder of its own, opened by kind, and short
 * forms of its calls that fail the test on an error. */
#ifndef TESTS_BUS_FIXTURE_H
#define TESTS_BUS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/mem.h"
#include "bus/bus.h"

struct fixture {
    char dir[256], path[300];
    struct bus_options options;
    struct bus *bus;
    struct err e;
    int wait_ms; /* how long a poll may wait for records that are there */
    bool is_mock;
    void *cluster, *host; /* librdkafka's mock cluster and the handle it lives in */
    void (*before_topic)(struct fixture *f, const char *name, int32_t partitions);
};

/* The call succeeded, or the test fails with its error text. */
#define OK(f, call)                                                                    \
    do {                                                                               \
        if ((call) < 0)                                                                \
            fail_msg("%s: %s", #call, (f)->e.text);                                    \
    } while (0)
#define FAILS(f, code_, call)                                                          \
    do {                                                                               \
        err_clear(&(f)->e);                                                            \
        assert_int_equal((call), code_);                                               \
        assert_int_equal((f)->e.code, code_);                                          \
    } while (0)
#define SAYS(f, text_) assert_non_null(strstr((f)->e.text, text_))

static inline void fixture_dir(struct fixture *f)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(f->dir, sizeof f->dir, "%s/weir-bus-XXXXXX", tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->path, sizeof f->path, "%s/bus.db", f->dir);
    f->options = (struct bus_options){.kind = "embedded", .path = f->path};
}

static inline void fixture_remove(struct fixture *f)
{
    static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
    char name[320];
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        snprintf(name, sizeof name, "%s%s", f->path, ends[i]);
        unlink(name);
    }
    assert_int_equal(rmdir(f->dir), 0);
}

static inline void fixture_reopen(struct fixture *f)
{
    bus_close(f->bus);
    f->bus = NULL;
    OK(f, bus_open(&f->bus, &f->options, &f->e));
}

static inline void make_topic(struct fixture *f, const char *name, int32_t partitions)
{
    struct bus_topic t = {.name = name,
                          .partitions = partitions,
                          .retention_ms = -1,
                          .retention_bytes = -1};
    if (f->before_topic)
        f->before_topic(f, name, partitions);
    OK(f, bus_topic_ensure(f->bus, &t, &f->e));
}

static inline void put(struct fixture *f, struct bus_producer *p, const char *topic,
                       int32_t partition, int64_t ms, const char *key,
                       const char *value)
{
    OK(f, bus_produce(p, topic, partition, ms, str_of(key), str_of(value), NULL, 0,
                      &f->e));
}

#endif
