/* A platform in a folder of its own with an embedded bus, input on it, and the stream
 * worker as a child process on a real control channel. */
#ifndef TESTS_STREAM_BUS_FIXTURE_H
#define TESTS_STREAM_BUS_FIXTURE_H

#include "stream_harness.h"

#include "base/json.h"
#include "stream/stream.h"
#include "wire/wire.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define FIXTURE_PARTITIONS 10

struct stream_fixture {
    char dir[256], bus_path[300];
    struct conf_stream conf;
    struct platform platform;
    struct bus *bus;
    rlim_t file_limit; /* of the worker's files, 0: none */
    struct err e;
};

struct stream_child {
    pid_t pid;
    int fd;
    struct wire_decoder decoder;
};

static const struct conf_topic fixture_topics[] = {
    {"transactions", FIXTURE_PARTITIONS, -1, -1, "store"},
    {"enriched-transactions", FIXTURE_PARTITIONS, -1, -1, "store"},
    {"store-aggregates", FIXTURE_PARTITIONS, -1, -1, "store"},
    {"anomalies", FIXTURE_PARTITIONS, -1, -1, "store"},
    {"late-transactions", FIXTURE_PARTITIONS, -1, -1, "store"},
    {"dead-letters", FIXTURE_PARTITIONS, -1, -1, "store"},
    {"stores", 1, -1, -1, "hash"},
    {"products", 1, -1, -1, "hash"},
};
static const char *const fixture_outputs[] = {"enriched-transactions",
                                              "store-aggregates", "anomalies",
                                              "late-transactions", "dead-letters"};
static const struct conf_table_ref fixture_tables[] = {{"store", "stores"},
                                                       {"product", "products"}};

/* The call succeeded, or the test fails with its error text. */
#define OK(f, call)                                                                    \
    do {                                                                               \
        if ((call) < 0)                                                                \
            fail_msg("%s: %s", #call, (f)->e.text);                                    \
    } while (0)

static inline void fixture_init(struct stream_fixture *f)
{
    const char *tmp = getenv("TMPDIR");
    *f = (struct stream_fixture){.conf = harness_conf};
    snprintf(f->dir, sizeof f->dir, "%s/weir-stream-XXXXXX", tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->bus_path, sizeof f->bus_path, "%s/bus.db", f->dir);
    f->conf.tables = fixture_tables;
    f->conf.n_tables = 2;
    f->platform = (struct platform){.state_dir = f->dir,
                                    .bus_kind = "embedded",
                                    .bus_path = f->bus_path,
                                    .bus_relaxed = true,
                                    .clock = CLOCK_DATA,
                                    .as_of_ms = -1,
                                    .topics = fixture_topics,
                                    .n_topics = 8,
                                    .streams = &f->conf,
                                    .n_streams = 1};
    struct bus_options o = {
        .kind = "embedded", .path = f->bus_path, .is_relaxed = true};
    OK(f, bus_open(&f->bus, &o, &f->e));
    for (size_t i = 0; i < 8; i++) {
        struct bus_topic t = {
            fixture_topics[i].name, fixture_topics[i].partitions, -1, -1,
            streq(fixture_topics[i].key, "store") ? BUS_KEY_STORE : BUS_KEY_HASH};
        OK(f, bus_topic_ensure(f->bus, &t, &f->e));
    }
}

static inline void fixture_release(struct stream_fixture *f)
{
    char command[320];
    bus_close(f->bus);
    snprintf(command, sizeof command, "rm -rf '%s'", f->dir);
    assert_int_equal(system(command), 0);
}

/* Stores of the shared data on their topic, or one made-up store and product. */
static inline void fixture_put_tables(struct stream_fixture *f)
{
    struct bus_producer *p;
    struct data_file csv;
    char name[64], cell[256], key[64];
    OK(f, bus_producer_open(f->bus, "tables", &p, &f->e));
    for (size_t t = 0; t < 2; t++) {
        if (!data_read(t ? "products.csv.gz" : "stores.csv", &csv))
            continue;
        for (size_t i = 1; i < csv.n_lines && i < 5000; i++) {
            struct buf json;
            buf_init(&json, 1 << 16);
            for (int k = 0; k < (t ? 7 : 15); k++) {
                struct str column = data_field(csv.lines[0], k, name, sizeof name);
                struct str v = data_field(csv.lines[i], k, cell, sizeof cell);
                buf_addf(&json, "%s\"%.*s\":", k ? "," : "{", (int)column.n, column.p);
                buf_add_json_str(&json, v.p, v.n);
            }
            buf_addc(&json, '}');
            struct str id = data_field(csv.lines[i], 0, key, sizeof key);
            OK(f, bus_produce(p, t ? "products" : "stores", -1, 0, id,
                              (struct str){json.data, json.len}, NULL, 0, &f->e));
            buf_release(&json);
        }
        data_free(&csv);
    }
    OK(f, bus_txn_commit(p, &f->e));
    bus_producer_close(p);
}

/* Lines [from, to) of a file with its arrivals, as ingest would put them. */
static inline void fixture_put_lines(struct stream_fixture *f,
                                     const struct data_file *pos,
                                     const struct data_file *arrival, size_t from,
                                     size_t to)
{
    struct bus_producer *p;
    char cell[64], line[24];
    OK(f, bus_producer_open(f->bus, "source", &p, &f->e));
    for (size_t i = from; i < to; i++) {
        int64_t ms;
        assert_true(
            str_to_i64(data_field(arrival->lines[i + 1], 1, cell, sizeof cell), &ms));
        int n = snprintf(line, sizeof line, "%zu", i + 1);
        struct bus_header headers[] = {{STR("line"), {line, (size_t)n}},
                                       {STR("source"), STR("pos")}};
        OK(f, bus_produce(p, "transactions", -1, ms, harness_key(pos->lines[i]),
                          pos->lines[i], headers, 2, &f->e));
        if (i % 200 == 199)
            OK(f, bus_txn_commit(p, &f->e));
    }
    OK(f, bus_txn_commit(p, &f->e));
    bus_producer_close(p);
}

static inline struct stream_child fixture_start(struct stream_fixture *f, int index,
                                                int n)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct channel ch;
        struct err e = {0};
        struct rlimit limit = {f->file_limit, f->file_limit};
        close(fds[0]);
        signal(SIGXFSZ, SIG_IGN);
        if (f->file_limit && setrlimit(RLIMIT_FSIZE, &limit) != 0)
            _exit(98);
        unsetenv("WEIR_CHANNEL");
        if (channel_open(&ch, "stream", "enrichment", &e) < 0)
            _exit(99);
        ch.fd = fds[1];
        int rc = stream_run(&f->platform, &f->conf, index, n, &ch, &e);
        if (rc < 0 && rc != ERR_UNAVAILABLE)
            fprintf(stderr, "worker: %s\n", e.text);
        channel_close(&ch);
        _exit(-rc);
    }
    close(fds[1]);
    struct stream_child c = {.pid = pid, .fd = fds[0]};
    wire_decoder_init(&c.decoder);
    return c;
}

static inline void child_say(struct stream_child *c, const char *type)
{
    struct err e = {0};
    json_t *msg = json_object();
    json_put_str(msg, "t", type);
    wire_send(c->fd, msg, &e);
    json_decref(msg);
}

/* Reads messages until one of that type: true; false when the child is gone. */
static inline bool child_wait_for(struct stream_child *c, const char *type,
                                  json_t **out)
{
    struct err e = {0};
    for (;;) {
        json_t *msg = NULL;
        int rc = wire_recv(c->fd, &c->decoder, 60000, &msg, &e);
        if (rc <= 0)
            return false;
        bool is = streq(json_str(msg, "t", ""), type);
        if (is && out)
            *out = json_incref(msg);
        json_decref(msg);
        if (is)
            return true;
    }
}

/* Exit status, or minus the signal. */
static inline int child_end(struct stream_child *c)
{
    int status = 0;
    assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
    close(c->fd);
    wire_decoder_release(&c->decoder);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* Drain, stop, exit 0; the last metrics are the caller's to free if it wants them. */
static inline void child_finish(struct stream_child *c)
{
    child_say(c, "drain");
    assert_true(child_wait_for(c, "drained", NULL));
    child_say(c, "stop");
    assert_int_equal(child_end(c), 0);
}

static inline void fixture_run(struct stream_fixture *f)
{
    struct stream_child c = fixture_start(f, 0, 1);
    child_finish(&c);
}

/* Sum of a member of the committed metadata over the partitions. */
static inline int64_t fixture_committed(struct stream_fixture *f, const char *name)
{
    struct bus_committed c;
    int64_t sum = 0;
    for (int32_t p = 0; p < FIXTURE_PARTITIONS; p++) {
        json_t *o = NULL;
        OK(f, bus_committed(f->bus, "stream:enrichment", "transactions", p, &c, &f->e));
        if (c.offset < 0)
            continue;
        if (streq(name, "offset")) {
            sum += c.offset;
            continue;
        }
        OK(f, json_load_text(c.metadata, strlen(c.metadata), &o, &f->e));
        json_t *v = json_object_get(o, name);
        sum += json_is_integer(v) ? json_integer_value(v) : 0;
        json_decref(o);
    }
    return sum;
}

/* A worker until so many records are committed, then an orderly stop without a drain.
 */
static inline void fixture_run_to(struct stream_fixture *f, int64_t records)
{
    struct stream_child c = fixture_start(f, 0, 1);
    while (fixture_committed(f, "offset") < records)
        assert_true(child_wait_for(&c, "metrics", NULL));
    child_say(&c, "stop");
    assert_int_equal(child_end(&c), 0);
}

/* Everything on the output topics, in order per partition, as text. */
static inline char *fixture_outputs_text(struct stream_fixture *f)
{
    struct buf out;
    struct bus_consumer *c;
    struct bus_batch batch;
    buf_init(&out, (size_t)256 << 20);
    for (size_t t = 0; t < 5; t++)
        for (int32_t p = 0; p < FIXTURE_PARTITIONS; p++) {
            OK(f, bus_consumer_open(f->bus, "check", &c, &f->e));
            OK(f, bus_assign(c, fixture_outputs[t], p, BUS_OFFSET_BEGIN, &f->e));
            int rc;
            while ((rc = bus_poll(c, 1000, 0, &batch, &f->e)) > 0)
                for (size_t i = 0; i < batch.n; i++) {
                    const struct bus_record *r = &batch.records[i];
                    buf_addf(&out, "%s/%d %lld ", fixture_outputs[t], p,
                             (long long)r->timestamp_ms);
                    buf_add(&out, r->key.p, r->key.n);
                    buf_addc(&out, ' ');
                    buf_add(&out, r->value.p, r->value.n);
                    for (size_t k = 0; k < r->n_headers; k++) {
                        buf_addc(&out, ' ');
                        buf_add(&out, r->headers[k].value.p, r->headers[k].value.n);
                    }
                    buf_addc(&out, '\n');
                }
            OK(f, rc);
            bus_consumer_close(c);
        }
    assert_int_equal(out.failed, 0);
    for (size_t i = 0; i < out.len; i++) /* one dead letter holds a NUL */
        if (!out.data[i])
            out.data[i] = '?';
    return buf_take(&out);
}

#endif
