/* The lag worker: samples of a real embedded bus, the messages it sends, freshness. */
#include <sys/socket.h>
#include "bus_fixture.h"
#include "base/json.h"
#include "base/timeutil.h"
#include "lag/lag_freshness.h"
#include "lag/lag_watch.h"
#include "lag/lag_worker.h"
#include "warehouse/warehouse.h"

static int setup(void **state)
{
    struct fixture *f = mem_alloc(sizeof *f);
    fixture_dir(f);
    fixture_reopen(f);
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

/* n records a partition at a time, and the group's offset. */
static void produce(struct fixture *f, const char *topic, int32_t partitions, int n,
                    int64_t ms)
{
    struct bus_producer *p;
    OK(f, bus_producer_open(f->bus, "p", &p, &f->e));
    for (int32_t i = 0; i < partitions; i++)
        for (int k = 0; k < n; k++)
            put(f, p, topic, i, ms, "k", "v");
    OK(f, bus_txn_commit(p, &f->e));
    bus_producer_close(p);
}

static void commit_at(struct fixture *f, const char *group, const char *topic,
                      int32_t partition, int64_t offset)
{
    struct bus_consumer *c;
    OK(f, bus_consumer_open(f->bus, group, &c, &f->e));
    OK(f, bus_commit(c, topic, partition, offset, NULL, &f->e));
    bus_consumer_close(c);
}

static json_t *group(const json_t *all, size_t i)
{
    return json_array_get(json_arr(all, "groups"), i);
}

static void test_one_look(void **state)
{
    struct fixture *f = *state;
    struct lag_watch w;
    lag_watch_init(&w);
    make_topic(f, "in", 3);
    make_topic(f, "out", 1);
    produce(f, "in", 3, 2000, 5000);
    commit_at(f, "job", "in", 0, 2000);
    commit_at(f, "job", "in", 1, 500);
    commit_at(f, "source:pos", "@source", 0, 9); /* no topic: not shown */
    OK(f, lag_watch_sample(&w, f->bus, 1000000, &f->e));
    json_t *all = lag_watch_json(&w);
    assert_int_equal(json_array_size(json_arr(all, "topics")), 2);
    const json_t *t = json_array_get(json_arr(all, "topics"), 0);
    assert_string_equal(json_str(t, "name", ""), "in");
    assert_int_equal(json_i64(t, "records", 0), 6000);
    assert_int_equal(json_i64(t, "newest_ms", 0), 5000);
    assert_true(json_is_null(
        json_object_get(json_array_get(json_arr(all, "topics"), 1), "newest_ms")));
    assert_int_equal(json_array_size(json_arr(all, "groups")), 1);
    const json_t *g = group(all, 0);
    assert_string_equal(json_str(g, "group", ""), "job");
    assert_string_equal(json_str(g, "verdict", ""), "unknown");
    assert_int_equal(json_i64(g, "lag", 0), 1500 + 2000);
    assert_int_equal(json_i64(g, "max_lag", 0), 2000);
    assert_int_equal(json_i64(g, "max_partition", 0), 2);
    assert_string_equal(json_str(g, "complete", ""), "2/3");
    assert_int_equal(json_integer_value(json_array_get(json_arr(g, "strip"), 1)), 1500);
    json_decref(all);
    assert_int_equal(lag_watch_newest(&w, "in"), 5000);
    assert_true(lag_watch_newest(&w, "out") == INT64_MIN);
    assert_true(lag_watch_is_read(&w, "in"));
    assert_false(lag_watch_is_read(&w, "out"));
    lag_watch_release(&w);
}

static void test_window_gives_verdict_rates_and_eta(void **state)
{
    struct fixture *f = *state;
    struct lag_watch w;
    lag_watch_init(&w);
    make_topic(f, "in", 1);
    produce(f, "in", 1, 5000, 1);
    int64_t now = time_wall_ms();
    for (int i = 0; i < LAG_WINDOW; i++) {
        commit_at(f, "job", "in", 0, i * 100);
        produce(f, "in", 1, 20, 1);
        OK(f, lag_watch_sample(&w, f->bus, now + i * 1000, &f->e));
    }
    json_t *all = lag_watch_json(&w);
    const json_t *g = group(all, 0);
    assert_string_equal(json_str(g, "verdict", ""), "ok"); /* far behind, but gaining */
    assert_int_equal(json_i64(g, "lag", 0), 5200 - 900);
    assert_int_equal((int)json_num(g, "rate_in", 0), 20);
    assert_int_equal((int)json_num(g, "rate_out", 0), 100);
    assert_int_equal(json_i64(g, "eta_ms", 0), 4300 * 1000 / 80);
    json_decref(all);
    /* Nobody commits any more. */
    for (int i = 0; i < LAG_WINDOW; i++)
        OK(f, lag_watch_sample(&w, f->bus, now + 60000 + i * 1000, &f->e));
    all = lag_watch_json(&w);
    assert_string_equal(json_str(group(all, 0), "verdict", ""), "stop");
    assert_true(json_is_null(json_object_get(group(all, 0), "eta_ms")));
    json_decref(all);
    /* The topic goes, and comes back with another number of partitions. */
    OK(f, bus_topic_delete(f->bus, "in", &f->e));
    OK(f, lag_watch_sample(&w, f->bus, now, &f->e));
    assert_int_equal(w.topics.n, 0);
    assert_int_equal(w.groups.n, 0);
    make_topic(f, "in", 4);
    commit_at(f, "job", "in", 3, 0);
    OK(f, lag_watch_sample(&w, f->bus, now, &f->e));
    assert_int_equal(w.groups.v[0]->partitions, 4);
    assert_int_equal(w.groups.v[0]->windows[3].n, 1);
    lag_watch_release(&w);
}

/* ── The worker with a supervisor at the other end ── */

struct worker {
    struct platform p;
    struct channel ch;
    struct wire_decoder decoder;
    int peer;
};

static void worker_init(struct worker *w, struct fixture *f)
{
    int fds[2];
    *w = (struct worker){0};
    w->p.bus_kind = "embedded";
    w->p.bus_path = f->path;
    w->p.as_of_ms = -1;
    w->p.clock = CLOCK_DATA;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    w->ch.fd = fds[0];
    w->ch.queued = json_array();
    wire_decoder_init(&w->ch.decoder);
    wire_decoder_init(&w->decoder);
    w->peer = fds[1];
}

static void worker_release(struct worker *w)
{
    channel_close(&w->ch);
    wire_decoder_release(&w->decoder);
    close(w->peer);
}

static void order(struct worker *w, const char *type)
{
    json_t *m = json_object();
    json_put_str(m, "t", type);
    assert_int_equal(wire_send(w->peer, m, NULL), 0);
    json_decref(m);
}

/* The next message; its type is checked. */
static json_t *expect(struct worker *w, const char *type)
{
    json_t *m = NULL;
    assert_int_equal(wire_recv(w->peer, &w->decoder, 5000, &m, NULL), 1);
    assert_string_equal(json_str(m, "t", ""), type);
    return m;
}

static void test_worker_tells_looks_drains_and_stops(void **state)
{
    struct fixture *f = *state;
    struct worker w;
    static const struct conf_stream stream = {.name = "enrichment", .from = "in"};
    worker_init(&w, f);
    w.p.streams = &stream;
    w.p.n_streams = 1;
    make_topic(f, "in", 2);
    make_topic(f, "stores", 1);
    produce(f, "in", 2, 1, 1497500000000);
    produce(f, "stores", 1, 1,
            1700000000000); /* today's snapshot moves no data clock */
    order(&w, "drain");
    order(&w, "stop");
    OK(f, lag_run(&w.p, &w.ch, &f->e));
    json_decref(expect(&w, "ready"));
    json_t *m = expect(&w, "metrics");
    const json_t *data = json_obj(m, "data");
    assert_int_equal(json_i64(data, "clock_ms", 0), 1497500000000);
    assert_int_equal(json_array_size(json_arr(data, "topics")), 2);
    json_decref(m);
    json_decref(expect(&w, "metrics")); /* a last look before the answer */
    json_decref(expect(&w, "drained"));
    worker_release(&w);
}

static void test_worker_ends_with_its_supervisor(void **state)
{
    struct fixture *f = *state;
    struct worker w;
    worker_init(&w, f);
    shutdown(w.peer, SHUT_WR);
    FAILS(f, ERR_UNAVAILABLE, lag_run(&w.p, &w.ch, &f->e));
    worker_release(&w);
}

static void test_worker_without_a_bus(void **state)
{
    struct fixture *f = *state;
    struct worker w;
    worker_init(&w, f);
    w.p.bus_path = "/nonexistent/bus.db";
    FAILS(f, ERR_IO, lag_run(&w.p, &w.ch, &f->e));
    worker_release(&w);
}

/* ── Freshness ── */

static const char *verdict(struct freshness *fr, int64_t now_ms, size_t i)
{
    static char text[16];
    json_t *rows = freshness_json(fr, now_ms);
    str_copy(text, sizeof text, json_str(json_array_get(rows, i), "verdict", ""));
    json_decref(rows);
    return text;
}

static void test_freshness(void **state)
{
    struct fixture *f = *state;
    static const char *const schemas[] = {"bronze", NULL};
    static const struct conf_freshness rows[] = {
        {"bronze.raw", "loaded_at", 60000, 120000},
        {"bronze.missing", "loaded_at", 60000, 120000},
        {"nodot", "loaded_at", 60000, 120000},
    };
    char dir[300], path[320];
    snprintf(dir, sizeof dir, "%s/wh", f->dir);
    struct platform p = {.warehouse_kind = "sqlite",
                         .warehouse_dir = dir,
                         .schemas = schemas,
                         .freshness = rows,
                         .n_freshness = 3};
    int64_t at = INT64_C(1497506400000); /* 2017-06-15 06:00:00 */
    struct freshness *fr = freshness_new(&p, NULL);
    freshness_look(fr); /* no warehouse yet */
    assert_string_equal(verdict(fr, at, 0), "unknown");
    freshness_free(fr);

    struct wh *wh;
    struct wh_options o = {.kind = "sqlite",
                           .dir = dir,
                           .schemas = schemas,
                           .now_ms = -1,
                           .dialect = "sqlite"};
    OK(f, wh_open(&wh, &o, &f->e));
    OK(f, wh_exec_raw(wh,
                      "CREATE TABLE bronze.raw(x, loaded_at TEXT);"
                      "INSERT INTO bronze.raw VALUES(1, '2017-06-15 06:00:00'),"
                      "(2, '2017-06-15 05:00:00')",
                      &f->e));
    fr = freshness_new(&p, NULL);
    freshness_look(fr);
    assert_string_equal(verdict(fr, at + 60000, 0), "ok");
    assert_string_equal(verdict(fr, at + 60001, 0), "warn");
    assert_string_equal(verdict(fr, at + 120001, 0), "breach");
    assert_string_equal(verdict(fr, at - 1000, 0),
                        "ok"); /* loaded after the data's now */
    assert_string_equal(verdict(fr, at, 1), "unknown");
    assert_string_equal(verdict(fr, at, 2), "unknown");
    freshness_free(fr);
    wh_close(wh);
    static const char *const files[] = {
        "bronze.db",   "bronze.db-wal", "bronze.db-shm", "main.db",
        "main.db-wal", "main.db-shm",   "_weir.db",      "weir.db",
        "_main.db",    "_weir.db-wal",  "_weir.db-shm"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, files[i]);
        unlink(path);
    }
    assert_int_equal(rmdir(dir), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_one_look),
        TEST(test_window_gives_verdict_rates_and_eta),
        TEST(test_worker_tells_looks_drains_and_stops),
        TEST(test_worker_ends_with_its_supervisor),
        TEST(test_worker_without_a_bus),
        TEST(test_freshness),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
