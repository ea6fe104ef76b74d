/* The stream worker on one core over the embedded bus: small events and the year's
 * receipts, beside a bare loop that only reads and writes the same records on the same
 * bus in the same run; and, for bench_growth.sh, the cost of an event as their number
 * grows. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <valgrind/callgrind.h>
#include <zlib.h>

#include "base/json.h"
#include "bench/figure.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/timeutil.h"
#include "stream/stream.h"
#include "stream/stream_partition.h"
#include "wire/wire.h"

#define PARTITIONS 100
#define SPAN       100000 /* events that are measured together */
#define OK(call)                                                                       \
    do {                                                                               \
        if ((call) < 0) {                                                              \
            fprintf(stderr, "%s: %s\n", #call, e.text);                                \
            exit(1);                                                                   \
        }                                                                              \
    } while (0)

static struct err e;
static const int64_t windows[] = {300000, 900000, 3600000};
static const char *const steps[] = {"dedupe", "enrich", "detect", "window", NULL};
static const struct conf_table_ref tables[] = {{"store", "stores"},
                                               {"product", "products"}};
static const struct conf_stream conf = {.name = "bench",
                                        .from = "transactions",
                                        .tables = tables,
                                        .n_tables = 2,
                                        .watermark_ms = 30000,
                                        .lateness_ms = 3600000,
                                        .idle_ms = 60000,
                                        .clock_ahead_ms = 300000,
                                        .dedupe_ms = 7ll * 86400000,
                                        .windows_ms = windows,
                                        .n_windows = 3,
                                        .steps = steps,
                                        .amount_sigma = 3,
                                        .amount_min_count = 30,
                                        .velocity_max = 10,
                                        .velocity_ms = 60000,
                                        .off_hours = true,
                                        .alert_over_cents = 1000000,
                                        .to_records = "enriched-transactions",
                                        .to_windows = "store-aggregates",
                                        .to_alerts = "anomalies",
                                        .to_late = "late-transactions",
                                        .to_rejects = "dead-letters",
                                        .epoch_ms = 500,
                                        .epoch_records = 20000,
                                        .snapshot_ms = 30000};
static const char *const topics[] = {
    "transactions", "enriched-transactions", "store-aggregates",
    "anomalies",    "late-transactions",     "dead-letters",
    "copies"};

struct place {
    char dir[64], path[80];
    struct bus *bus;
    struct platform platform;
    int64_t events, bytes;
};

static void place_open(struct place *p)
{
    *p = (struct place){.dir = "/tmp/weir-bench-XXXXXX"};
    if (!mkdtemp(p->dir))
        exit(1);
    snprintf(p->path, sizeof p->path, "%s/bus.db", p->dir);
    struct bus_options o = {.kind = "embedded", .path = p->path};
    OK(bus_open(&p->bus, &o, &e));
    for (size_t i = 0; i < sizeof topics / sizeof *topics; i++)
        OK(bus_topic_ensure(
            p->bus, &(struct bus_topic){topics[i], PARTITIONS, -1, -1, BUS_KEY_STORE},
            &e));
    OK(bus_topic_ensure(p->bus, &(struct bus_topic){"stores", 1, -1, -1, BUS_KEY_HASH},
                        &e));
    OK(bus_topic_ensure(p->bus,
                        &(struct bus_topic){"products", 1, -1, -1, BUS_KEY_HASH}, &e));
    p->platform = (struct platform){.state_dir = p->dir,
                                    .bus_kind = "embedded",
                                    .bus_path = p->path,
                                    .clock = CLOCK_DATA,
                                    .as_of_ms = -1};
}

static void place_close(struct place *p)
{
    char command[128];
    bus_close(p->bus);
    snprintf(command, sizeof command, "rm -rf '%s'", p->dir);
    if (system(command) != 0)
        fprintf(stderr, "%s is left\n", p->dir);
}

/* Event number i of a chain of 500 stores, one every 3 s: 378 bytes with one item. */
static struct str small_event(char *out, size_t size, int64_t i, struct str *key)
{
    char ts[32], up[32];
    int64_t ms = 1483228800000 + i * 3000;
    int store = (int)(i * 7919 % 500) + 1;
    time_format_iso(ms, false, ts);
    time_format_iso(ms + 1000, false, up);
    int n = snprintf(
        out, size,
        "{\"transaction_id\":\"STORE_%d_TXN_%lld\",\"store_id\":\"%d\",\"terminal_id\":"
        "\"%d-T%d\",\"customer_id\":\"%d\",\"transaction_timestamp\":\"%s\","
        "\"total_amount\":%d.%02d,\"payment_method\":\"CREDIT\",\"items\":[{\"product_"
        "id\":"
        "\"%d\",\"quantity\":1,\"unit_price\":1.2900,\"amount\":%d.%02d,\"retail_"
        "disc\":0.00,"
        "\"coupon_disc\":0.00,\"coupon_match_disc\":0.00}],\"updated_at\":\"%s\"}",
        store, (long long)(40000000000 + i), store, store, (int)(i % 4) + 1,
        (int)(i * 31 % 2500) + 1, ts, (int)(i * 13 % 40) + 1, (int)(i % 100),
        (int)(1000000 + i % 5000), (int)(i * 13 % 40) + 1, (int)(i % 100), up);
    const char *id = out + strlen("{\"transaction_id\":\"");
    *key = (struct str){id, strcspn(id, "\"")};
    return (struct str){out, (size_t)n};
}

static void put(struct place *p, struct bus_producer *producer, int64_t ms,
                struct str key, struct str value)
{
    OK(bus_produce(producer, "transactions", -1, ms, key, value, NULL, 0, &e));
    p->events++;
    p->bytes += (int64_t)value.n;
    if (bus_txn_bytes(producer) > (size_t)8 << 20)
        OK(bus_txn_commit(producer, &e));
}

static void put_small(struct place *p, int64_t n)
{
    struct bus_producer *producer;
    char text[1024];
    OK(bus_producer_open(p->bus, "source", &producer, &e));
    for (int64_t i = 0; i < n; i++) {
        struct str key, value = small_event(text, sizeof text, i, &key);
        put(p, producer, 1483228800000 + i * 3000, key, value);
    }
    OK(bus_txn_commit(producer, &e));
    bus_producer_close(producer);
}

static bool put_receipts(struct place *p)
{
    const char *root = getenv("WEIR_SHARED");
    char path[512];
    static char line[1 << 20];
    struct bus_producer *producer;
    snprintf(path, sizeof path, "%s/data/pos_all.jsonl.gz", root ? root : "../shared");
    gzFile f = gzopen(path, "rb");
    if (!f)
        return false;
    gzbuffer(f, 1 << 20);
    OK(bus_producer_open(p->bus, "source", &producer, &e));
    while (gzgets(f, line, sizeof line)) {
        size_t n = strcspn(line, "\n");
        const char *id = line + strlen("{\"transaction_id\":\"");
        const char *ts = strstr(line, "\"transaction_timestamp\":\"") + 25;
        int64_t ms;
        if (!time_parse_iso((struct str){ts, 20}, &ms))
            exit(1);
        put(p, producer, ms, (struct str){id, strcspn(id, "\"")},
            (struct str){line, n});
    }
    gzclose(f);
    OK(bus_txn_commit(producer, &e));
    bus_producer_close(producer);
    return true;
}

struct cost {
    double seconds, cpu;
    long rss_kb;
};

static double cpu_of(const struct rusage *u)
{
    return (double)(u->ru_utime.tv_sec + u->ru_stime.tv_sec) +
           (double)(u->ru_utime.tv_usec + u->ru_stime.tv_usec) / 1e6;
}

/* Only reads and writes: every record of the topic to another, offsets with it. */
static void bare_loop(struct place *p)
{
    struct bus *bus;
    struct bus_producer *producer;
    struct bus_consumer *consumer;
    struct bus_batch batch;
    struct bus_options o = {.kind = "embedded", .path = p->path};
    OK(bus_open(&bus, &o, &e));
    OK(bus_producer_open(bus, "bare", &producer, &e));
    OK(bus_consumer_open(bus, "bare", &consumer, &e));
    for (int32_t i = 0; i < PARTITIONS; i++)
        OK(bus_assign(consumer, "transactions", i, BUS_OFFSET_BEGIN, &e));
    while (bus_poll(consumer, 2000, 0, &batch, &e) > 0) {
        for (size_t i = 0; i < batch.n; i++) {
            const struct bus_record *r = &batch.records[i];
            OK(bus_produce(producer, "copies", batch.partition, r->timestamp_ms, r->key,
                           r->value, NULL, 0, &e));
        }
        OK(bus_txn_offset(producer, "bare", "transactions", batch.partition,
                          batch.next_offset, "", &e));
        if (bus_txn_bytes(producer) > (size_t)8 << 20)
            OK(bus_txn_commit(producer, &e));
    }
    OK(bus_txn_commit(producer, &e));
    bus_consumer_close(consumer);
    bus_producer_close(producer);
    bus_close(bus);
}

static void worker_main(struct place *p, int fd)
{
    struct channel ch;
    unsetenv("WEIR_CHANNEL");
    OK(channel_open(&ch, "stream", "bench", &e));
    ch.fd = fd;
    OK(stream_run(&p->platform, &conf, 0, 1, &ch, &e));
    channel_close(&ch);
}

static bool wait_for(int fd, struct wire_decoder *d, const char *type)
{
    json_t *msg;
    while (wire_recv(fd, d, 600000, &msg, &e) == 1) {
        bool is = streq(json_str(msg, "t", ""), type);
        json_decref(msg);
        if (is)
            return true;
    }
    return false;
}

static void say(int fd, const char *type)
{
    json_t *msg = json_object();
    json_put_str(msg, "t", type);
    OK(wire_send(fd, msg, &e));
    json_decref(msg);
}

/* In a process of its own: the worker until it has drained, or the bare loop. */
static struct cost run(struct place *p, bool is_bare)
{
    int fds[2], status;
    struct rusage usage;
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0)
        exit(1);
    double start = (double)time_mono_us() / 1e6;
    pid_t pid = fork();
    if (pid == 0) {
        close(fds[0]);
        if (is_bare)
            bare_loop(p);
        else
            worker_main(p, fds[1]);
        _exit(0);
    }
    close(fds[1]);
    if (!is_bare) {
        struct wire_decoder d;
        wire_decoder_init(&d);
        say(fds[0], "drain");
        if (!wait_for(fds[0], &d, "drained"))
            exit(1);
        say(fds[0], "stop");
        wire_decoder_release(&d);
    }
    if (wait4(pid, &status, 0, &usage) != pid || status != 0)
        exit(1);
    close(fds[0]);
    return (struct cost){(double)time_mono_us() / 1e6 - start, cpu_of(&usage),
                         usage.ru_maxrss};
}

static void print_cost(const char *name, const struct place *p, struct cost c,
                       double base_cpu)
{
    printf(
        "   %-22s %9.0f events/s %7.1f MB/s   %6.2f us CPU an event %5.1f ns/B %6ld KB",
        name, (double)p->events / c.seconds, (double)p->bytes / c.seconds / 1e6,
        c.cpu * 1e6 / (double)p->events, c.cpu * 1e9 / (double)p->bytes, c.rss_kb);
    if (base_cpu > 0)
        printf("   %.2f x the bare loop", c.cpu / base_cpu);
    printf("\n");
}

static void bench_bus(const char *name, bool is_small)
{
    struct place p;
    place_open(&p);
    if (is_small)
        put_small(&p, 1000000);
    else if (!put_receipts(&p)) {
        printf("   skipped: no data\n");
        place_close(&p);
        return;
    }
    printf("   %s: %lld events of %lld bytes, %d partitions\n", name,
           (long long)p.events, (long long)(p.bytes / p.events), PARTITIONS);
    struct cost bare = run(&p, true), ours = run(&p, false);
    print_cost("read and write only", &p, bare, 0);
    print_cost("stream worker", &p, ours, bare.cpu);
    double rate = (double)p.events / ours.cpu, mb = (double)p.bytes / ours.cpu / 1e6;
    if (is_small)
        FIGURE("stream, small events, one core", ">= 100 k/s", rate >= 1e5, "%.0f k/s",
               rate / 1e3);
    else
        FIGURE("stream, receipts, one core", ">= 100 MB/s", mb >= 100, "%.0f MB/s", mb);
    place_close(&p);
}

/* ---- growth ---- */

static int count_output(void *arg, enum stream_output to, int32_t partition,
                        int64_t timestamp_ms, struct str key, struct str value,
                        const struct bus_header *headers, size_t n_headers,
                        struct err *err)
{
    (void)to, (void)partition, (void)timestamp_ms, (void)key, (void)headers,
        (void)n_headers;
    (void)err;
    *(uint64_t *)arg += value.n;
    return 0;
}

/* The job's partitions, in memory. */
struct line {
    struct stream_pipeline pipeline;
    struct stream_partition parts[PARTITIONS];
    uint64_t bytes;
    int64_t next; /* event */
};

static void line_open(struct line *l)
{
    OK(stream_pipeline_init(&l->pipeline, &conf, &e));
    l->pipeline.job.produce = count_output;
    l->pipeline.job.produce_arg = &l->bytes;
    for (int i = 0; i < PARTITIONS; i++)
        stream_partition_init(&l->parts[i], &l->pipeline, i);
}

static void line_close(struct line *l)
{
    for (int i = 0; i < PARTITIONS; i++)
        stream_partition_release(&l->parts[i]);
    stream_pipeline_release(&l->pipeline);
}

static void line_run(struct line *l, int64_t end)
{
    char text[1024];
    for (; l->next < end; l->next++) {
        int64_t i = l->next;
        struct str key, value = small_event(text, sizeof text, i, &key);
        struct stream_partition *p = &l->parts[i * 7919 % 500 % PARTITIONS];
        struct bus_record r = {.offset = p->next_offset,
                               .timestamp_ms = 1483228800000 + i * 3000,
                               .key = key,
                               .value = value};
        OK(stream_partition_record(p, &r, &e));
    }
}

/* The state behind event `next` as a file of snapshots, each with its length. */
static void line_save(const struct line *l, const char *dir)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%lld", dir, (long long)l->next);
    FILE *f = fopen(path, "wb");
    for (int i = 0; f && i < PARTITIONS; i++) {
        struct buf b;
        buf_init(&b, 1u << 30);
        OK(stream_partition_snapshot(&l->parts[i], &b));
        int64_t head[2] = {l->parts[i].next_offset, (int64_t)b.len};
        if (fwrite(head, sizeof head, 1, f) != 1 || fwrite(b.data, b.len, 1, f) != 1)
            exit(1);
        buf_release(&b);
    }
    if (!f || fclose(f) != 0)
        exit(1);
}

static void line_load(struct line *l, const char *dir, int64_t next)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%lld", dir, (long long)next);
    FILE *f = fopen(path, "rb");
    for (int i = 0; f && i < PARTITIONS; i++) {
        int64_t head[2];
        if (fread(head, sizeof head, 1, f) != 1)
            exit(1);
        char *bytes = mem_alloc((size_t)head[1]);
        if (fread(bytes, (size_t)head[1], 1, f) != 1)
            exit(1);
        OK(stream_partition_restore(&l->parts[i], (struct str){bytes, (size_t)head[1]},
                                    &e));
        l->parts[i].next_offset = head[0];
        mem_free(bytes);
    }
    if (!f)
        exit(1);
    fclose(f);
    l->next = next;
}

/* In one process: what the 100 k events before number 100 k, 1 M, 10 M cost, and the
 * state before each of these spans, for bench_span. */
static void bench_growth(int64_t most, const char *dir)
{
    struct line *l = mem_alloc(sizeof *l);
    double first = 0;
    line_open(l);
    for (int64_t end = SPAN; end <= most; end *= 10) {
        struct rusage before, after;
        line_run(l, end - SPAN);
        line_save(l, dir);
        getrusage(RUSAGE_SELF, &before);
        line_run(l, end);
        getrusage(RUSAGE_SELF, &after);
        double each = (cpu_of(&after) - cpu_of(&before)) * 1e9 / SPAN;
        first = first > 0 ? first : each;
        printf("   the 100 k events before %9lld: %6.0f ns CPU an event, %.2f x the "
               "first\n",
               (long long)end, each, each / first);
    }
    line_close(l);
    mem_free(l);
}

/* Under callgrind, which counts from here on: 100 k events on a saved state; without a
 * folder only the making of the events. */
static void bench_span(int64_t from, const char *dir)
{
    struct line *l = mem_alloc(sizeof *l);
    char text[1024];
    line_open(l);
    if (dir)
        line_load(l, dir, from);
    CALLGRIND_START_INSTRUMENTATION;
    for (int64_t i = from; !dir && i < from + SPAN; i++) {
        struct str key;
        l->bytes += small_event(text, sizeof text, i, &key).n;
    }
    if (dir)
        line_run(l, from + SPAN);
    CALLGRIND_STOP_INSTRUMENTATION;
    if (l->bytes == 0)
        exit(1);
    line_close(l);
    mem_free(l);
}

/* growth EVENTS DIR and span FROM [DIR] are for bench_growth.sh. */
int main(int argc, char **argv)
{
    int64_t n = 0;
    signal(SIGPIPE, SIG_IGN);
    log_set_level(LOG_WARN);
    if (argc > 2 && !str_to_i64(str_of(argv[2]), &n))
        return 2;
    if (argc > 3 && streq(argv[1], "growth")) {
        bench_growth(n, argv[3]);
        return 0;
    }
    if (argc > 2 && streq(argv[1], "span")) {
        bench_span(n, argc > 3 ? argv[3] : NULL);
        return 0;
    }
    bench_bus("small events", true);
    bench_bus("receipts of the year", false);
    return 0;
}
