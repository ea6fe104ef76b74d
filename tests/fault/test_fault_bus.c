/* The embedded bus with the N-th allocation and the N-th SQLite step failing, N = 1, 2,
 * … until nothing fails any more: an error comes back, nothing leaks or crashes, and
 * the file holds whole transactions only. */
#include <sqlite3.h>
#include "unit/bus_fixture.h"
#include "bus/bus_embedded.h"

#define RECORDS 40

/* One life of a bus: topic, a transaction with records, offsets and a plain commit, and
 * reading it back. The first failure ends it. */
struct life {
    struct bus *bus;
    struct bus_producer *p;
    struct bus_consumer *c;
    bool has_committed; /* the commit came back with success */
    int64_t small;      /* commits of one record to the topic "s" that did */
};

static int write_part(struct life *l, struct err *e)
{
    struct bus_topic t = {"t", 2, 1000, -1, BUS_KEY_HASH};
    const struct bus_header h = {STR("line"), STR("1")};
    char value[64];
    int rc = bus_topic_ensure(l->bus, &t, e);
    if (rc == 0)
        rc = bus_producer_open(l->bus, "p", &l->p, e);
    for (int i = 0; rc == 0 && i < RECORDS; i++) {
        snprintf(value, sizeof value, "a value of some length, number %d", i);
        rc = bus_produce(l->p, "t", i % 2, i, STR("k"), str_of(value), &h, 1, e);
    }
    if (rc == 0)
        rc = bus_txn_offset(l->p, "g", "t", 0, RECORDS / 2, "m", e);
    if (rc == 0)
        rc = bus_txn_commit(l->p, e);
    l->has_committed = rc == 0;
    return rc;
}

static int read_part(struct life *l, struct err *e)
{
    struct bus_batch b;
    struct bus_committed committed;
    int64_t offset;
    int n = 0;
    int rc = bus_consumer_open(l->bus, "g", &l->c, e);
    if (rc == 0)
        rc = bus_assign(l->c, "t", 0, BUS_OFFSET_BEGIN, e);
    if (rc == 0)
        rc = bus_assign(l->c, "t", 1, BUS_OFFSET_BEGIN, e);
    while (rc == 0 && (rc = bus_poll(l->c, 7, 0, &b, e)) == 1) {
        n += (int)b.n;
        rc = 0;
        if (n == RECORDS)
            break;
    }
    if (rc == 0)
        assert_int_equal(n, RECORDS);
    if (rc == 0)
        rc = bus_commit(l->c, "t", 1, 3, NULL, e);
    if (rc == 0)
        rc = bus_committed(l->bus, "g", "t", 1, &committed, e);
    if (rc == 0)
        rc = bus_offset_at(l->bus, "t", 0, 10, &offset, e);
    if (rc == 0)
        rc = bus_retain(l->bus, 5, e);
    return rc < 0 ? rc : 0;
}

/* Eight small batches, which become one. */
static int tidy_part(struct life *l, struct err *e)
{
    struct bus_topic t = {"s", 1, -1, -1, BUS_KEY_HASH};
    int rc = bus_topic_ensure(l->bus, &t, e);
    for (int i = 0; rc == 0 && i < 8; i++) {
        rc = bus_produce(l->p, "s", 0, i, STR("k"), STR("small"), NULL, 0, e);
        if (rc == 0)
            rc = bus_txn_commit(l->p, e);
        l->small += rc == 0;
    }
    return rc == 0 ? bus_tidy(l->bus, e) : rc;
}

static int live(struct fixture *f, struct life *l, struct err *e)
{
    *l = (struct life){0};
    int rc = bus_open(&l->bus, &f->options, e);
    if (rc == 0)
        rc = write_part(l, e);
    if (rc == 0)
        rc = read_part(l, e);
    if (rc == 0)
        rc = tidy_part(l, e);
    return rc < 0 ? rc : 0;
}

static void end_life(struct life *l)
{
    bus_consumer_close(l->c);
    bus_producer_close(l->p);
    bus_close(l->bus);
}

static void check_small(struct fixture *f, const struct life *l)
{
    struct bus_range r;
    struct bus_consumer *c;
    struct bus_batch b;
    int64_t next = 0;
    if (bus_range(f->bus, "s", 0, &r, &f->e) == ERR_NOTFOUND) {
        assert_int_equal(l->small, 0);
        return;
    }
    assert_int_equal(r.end, l->small);
    OK(f, bus_consumer_open(f->bus, "check", &c, &f->e));
    OK(f, bus_assign(c, "s", 0, BUS_OFFSET_BEGIN, &f->e));
    for (; next < r.end; next = b.next_offset) {
        assert_int_equal(bus_poll(c, 100, 0, &b, &f->e), 1);
        assert_int_equal(b.records[0].offset, next);
    }
    bus_consumer_close(c);
}

/* What the file holds now is whole, and at least what was acknowledged. */
static void check(struct fixture *f, const struct life *l)
{
    struct bus_range r[2] = {{0}};
    struct bus_committed c;
    OK(f, bus_open(&f->bus, &f->options, &f->e));
    int rc = bus_partitions(f->bus, "t", &f->e);
    if (rc == ERR_NOTFOUND) {
        assert_false(l->has_committed);
    } else {
        assert_int_equal(rc, 2);
        OK(f, bus_ranges(f->bus, "t", r, 2, &f->e));
        assert_int_equal(r[0].end, r[1].end);
        assert_int_equal(r[0].end, l->has_committed ? RECORDS / 2 : 0);
        OK(f, bus_committed(f->bus, "g", "t", 0, &c, &f->e));
        assert_int_equal(c.offset, l->has_committed ? RECORDS / 2 : -1);
    }
    check_small(f, l);
    bus_close(f->bus);
    f->bus = NULL;
}

static void new_file(struct fixture *f)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    char name[320];
    for (size_t i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "%s%s", f->path, ends[i]);
        unlink(name);
    }
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    struct fixture f = {0};
    fixture_dir(&f);
    unsigned long n = 1;
    for (bool has_failed = true; has_failed; n++) {
        struct err e = {0};
        struct life l;
        new_file(&f);
        mem_fail_at(n);
        int rc = live(&f, &l, &e);
        bool was_reached = mem_fail_at(0) >= n;
        assert_true(rc == 0 || rc == ERR_NOMEM);
        assert_true(rc == 0 || e.text[0]);
        has_failed = was_reached;
        end_life(&l);
        check(&f, &l);
    }
    assert_true(n > 5);
    fixture_remove(&f);
}

static unsigned long steps_left;
static int step_error;

static int fail_step(void)
{
    return steps_left > 0 && --steps_left == 0 ? step_error : SQLITE_OK;
}

static void every_step_may_fail(void **state)
{
    (void)state;
    static const struct {
        int sqlite, code;
    } kinds[] = {{SQLITE_FULL, ERR_FULL},
                 {SQLITE_IOERR, ERR_IO},
                 {SQLITE_BUSY, ERR_LOCKED},
                 {SQLITE_NOMEM, ERR_NOMEM},
                 {SQLITE_CORRUPT, ERR_CORRUPT}};
    struct fixture f = {0};
    fixture_dir(&f);
    emb_fault = fail_step;
    unsigned long n = 1;
    for (bool has_failed = true; has_failed; n++) {
        size_t kind = n % (sizeof kinds / sizeof *kinds);
        struct err e = {0};
        struct life l;
        new_file(&f);
        steps_left = n;
        step_error = kinds[kind].sqlite;
        int rc = live(&f, &l, &e);
        has_failed = steps_left == 0;
        steps_left = 0;
        assert_true(rc == (has_failed ? kinds[kind].code : 0));
        assert_true(rc == 0 || strstr(e.text, f.path));
        end_life(&l);
        check(&f, &l);
    }
    emb_fault = NULL;
    assert_true(n > 60);
    fixture_remove(&f);
}

/* A commit whose N-th step fails is tried again and goes through, once. */
static void a_failed_commit_can_be_repeated(void **state)
{
    (void)state;
    struct fixture f = {0};
    fixture_dir(&f);
    fixture_reopen(&f);
    make_topic(&f, "t", 2);
    struct bus_producer *p;
    OK(&f, bus_producer_open(f.bus, "p", &p, &f.e));
    emb_fault = fail_step;
    step_error = SQLITE_FULL;
    int64_t expected = 0;
    bool has_failed = true;
    for (unsigned long n = 1; has_failed; n++) {
        put(&f, p, "t", 0, 1, "k", "v");
        put(&f, p, "t", 1, 1, "k", "v");
        OK(&f, bus_txn_offset(p, "g", "t", 0, (int64_t)n, "", &f.e));
        steps_left = n;
        int rc = bus_txn_commit(p, &f.e);
        has_failed = steps_left == 0;
        steps_left = 0;
        assert_true(rc == (has_failed ? ERR_FULL : 0));
        if (has_failed)
            OK(&f, bus_txn_commit(p, &f.e));
        expected++;
        struct bus_range r[2];
        struct bus_committed c;
        OK(&f, bus_ranges(f.bus, "t", r, 2, &f.e));
        assert_int_equal(r[0].end, expected);
        assert_int_equal(r[1].end, expected);
        OK(&f, bus_committed(f.bus, "g", "t", 0, &c, &f.e));
        assert_int_equal(c.offset, n);
    }
    emb_fault = NULL;
    assert_true(expected > 8);
    bus_producer_close(p);
    bus_close(f.bus);
    f.bus = NULL;
    fixture_remove(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(every_step_may_fail),
        cmocka_unit_test(a_failed_commit_can_be_repeated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
