/* Embedded bus: append and consume against a bare prepared SQLite insert loop of the
 * same bytes, in the same transactions, with the same pragmas. Prints a table of
 * ratios.
 *
 *     bench_bus [MESSAGES [RECORDS_PER_TRANSACTION]]
 * Fails when append is below half of the bare loop, or consume below 400 k small msg/s.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>
#include "base/buf.h"
#include "base/mem.h"
#include "base/timeutil.h"
#include "bench/figure.h"
#include "bus/bus.h"

#define PARTITIONS 100
#define SAMPLES    20000

struct sample {
    struct str key, value;
};

static char dir[256];
static struct sample samples[SAMPLES];

static void die(const char *what, const char *why)
{
    fprintf(stderr, "bench_bus: %s: %s\n", what, why);
    exit(1);
}

static uint64_t rnd(void)
{
    static uint64_t x = 88172645463325252u;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return x;
}

/* Receipts of `items` items with about the entropy of the real ones. */
static void make_samples(int items)
{
    for (size_t i = 0; i < SAMPLES; i++) {
        struct buf b;
        char key[64];
        int store = (int)(rnd() % 457) + 1;
        uint64_t id = 27601281299u + i * 7 + rnd() % 5;
        buf_init(&b, 1 << 16);
        buf_addf(
            &b,
            "{\"transaction_id\":\"%llu\",\"store_id\":\"%d\",\"terminal_id\":\"T%d\","
            "\"customer_id\":\"%d\",\"timestamp\":\"2017-06-15T%02d:%02d:%02dZ\","
            "\"payment_method\":\"%s\",\"total_amount\":%d.%02d,\"items\":[",
            (unsigned long long)id, store, (int)(rnd() % 9), (int)(rnd() % 2469),
            (int)(rnd() % 24), (int)(rnd() % 60), (int)(rnd() % 60),
            rnd() % 2 ? "credit" : "cash", (int)(rnd() % 90), (int)(rnd() % 100));
        for (int k = 0; k < items; k++)
            buf_addf(
                &b,
                "%s{\"product_id\":\"%d\",\"quantity\":%d,\"amount\":%d.%02d,"
                "\"unit_price\":%d.%02d,\"retail_disc\":%d.%02d,\"coupon_disc\":0.00,"
                "\"coupon_match_disc\":0.00}",
                k ? "," : "", (int)(rnd() % 92331 + 25671), (int)(rnd() % 3 + 1),
                (int)(rnd() % 9), (int)(rnd() % 100), (int)(rnd() % 9),
                (int)(rnd() % 100), (int)(rnd() % 2), (int)(rnd() % 100));
        buf_adds(&b, "]}");
        samples[i].value.n = b.len;
        samples[i].value.p = buf_take(&b);
        int n = snprintf(key, sizeof key, "STORE_%d_TXN_%llu", store,
                         (unsigned long long)id);
        samples[i].key = (struct str){mem_strdup(key), (size_t)n};
    }
}

static void free_samples(void)
{
    for (size_t i = 0; i < SAMPLES; i++) {
        free((void *)(uintptr_t)samples[i].key.p);
        free((void *)(uintptr_t)samples[i].value.p);
    }
}

static void path_of(const char *name, char *out, size_t size)
{
    snprintf(out, size, "%s/%s", dir, name);
}

static void remove_db(const char *path)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    char name[400];
    for (size_t i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "%s%s", path, ends[i]);
        unlink(name);
    }
}

static double cpu_s(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

struct result {
    double wall, cpu;
    double bytes;
};

static void sql(sqlite3 *db, const char *text)
{
    if (sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK)
        die(text, sqlite3_errmsg(db));
}

static struct result bare_insert(size_t n, size_t batch)
{
    char path[300];
    sqlite3 *db;
    sqlite3_stmt *s;
    struct result r = {0};
    path_of("bare.db", path, sizeof path);
    if (sqlite3_open(path, &db) != SQLITE_OK)
        die(path, "cannot open");
    sql(db,
        "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
        "PRAGMA cache_size = -4096; CREATE TABLE t(id INTEGER PRIMARY KEY, partition "
        "INTEGER, ts INTEGER, key TEXT, value BLOB)");
    sqlite3_prepare_v2(db, "INSERT INTO t(partition, ts, key, value) VALUES(?,?,?,?)",
                       -1, &s, NULL);
    double wall = (double)time_mono_us(), cpu = cpu_s();
    for (size_t i = 0; i < n; i++) {
        const struct sample *m = &samples[i % SAMPLES];
        if (i % batch == 0)
            sql(db, "BEGIN IMMEDIATE");
        sqlite3_bind_int64(s, 1, (int64_t)(i % PARTITIONS));
        sqlite3_bind_int64(s, 2, 1497500000000 + (int64_t)i);
        sqlite3_bind_text(s, 3, m->key.p, (int)m->key.n, SQLITE_STATIC);
        sqlite3_bind_blob(s, 4, m->value.p, (int)m->value.n, SQLITE_STATIC);
        if (sqlite3_step(s) != SQLITE_DONE)
            die("insert", sqlite3_errmsg(db));
        sqlite3_reset(s);
        r.bytes += (double)(m->key.n + m->value.n);
        if (i % batch == batch - 1 || i == n - 1)
            sql(db, "COMMIT");
    }
    r.wall = ((double)time_mono_us() - wall) / 1e6;
    r.cpu = cpu_s() - cpu;
    sqlite3_finalize(s);
    sqlite3_close(db);
    remove_db(path);
    return r;
}

static struct bus *open_bus(void)
{
    char path[300];
    struct bus *b;
    struct err e = {0};
    path_of("bus.db", path, sizeof path);
    struct bus_options o = {.kind = "embedded", .path = path};
    if (bus_open(&b, &o, &e) < 0)
        die("open", e.text);
    return b;
}

static struct result append(size_t n, size_t batch)
{
    struct err e = {0};
    struct result r = {0};
    struct bus *b = open_bus();
    struct bus_producer *p;
    struct bus_topic t = {"transactions", PARTITIONS, -1, -1, BUS_KEY_STORE};
    if (bus_topic_ensure(b, &t, &e) < 0 || bus_producer_open(b, "bench", &p, &e) < 0)
        die("topic", e.text);
    double wall = (double)time_mono_us(), cpu = cpu_s();
    for (size_t i = 0; i < n; i++) {
        const struct sample *m = &samples[i % SAMPLES];
        char line[24];
        struct bus_header h = {STR("line"), {line, 0}};
        h.value.n = (size_t)snprintf(line, sizeof line, "%zu", i);
        if (bus_produce(p, "transactions", -1, 1497500000000 + (int64_t)i, m->key,
                        m->value, &h, 1, &e) < 0)
            die("produce", e.text);
        r.bytes += (double)(m->key.n + m->value.n);
        if ((i % batch == batch - 1 || i == n - 1) && bus_txn_commit(p, &e) < 0)
            die("commit", e.text);
    }
    r.wall = ((double)time_mono_us() - wall) / 1e6;
    r.cpu = cpu_s() - cpu;
    bus_producer_close(p);
    bus_close(b);
    return r;
}

static struct result consume(size_t n)
{
    struct err e = {0};
    struct result r = {0};
    struct bus *b = open_bus();
    struct bus_consumer *c;
    if (bus_consumer_open(b, "bench", &c, &e) < 0)
        die("consumer", e.text);
    double wall = (double)time_mono_us(), cpu = cpu_s();
    for (int32_t i = 0; i < PARTITIONS; i++)
        if (bus_assign(c, "transactions", i, BUS_OFFSET_BEGIN, &e) < 0)
            die("assign", e.text);
    struct bus_batch batch;
    size_t got = 0;
    unsigned sum = 0;
    while (got < n && bus_poll(c, 2000, 0, &batch, &e) == 1)
        for (size_t i = 0; i < batch.n; i++, got++) {
            r.bytes += (double)(batch.records[i].value.n + batch.records[i].key.n);
            sum += (unsigned char)batch.records[i].value.p[0];
        }
    r.wall = ((double)time_mono_us() - wall) / 1e6;
    r.cpu = cpu_s() - cpu;
    if (got != n || sum != (unsigned)('{' * n))
        die("consume", "records are missing");
    bus_consumer_close(c);
    bus_close(b);
    return r;
}

static void print(const char *what, size_t n, const struct result *r, double base_wall)
{
    printf("%-22s %10.0f %9.1f %9.2f %9.2f %7.2fx\n", what, (double)n / r->wall,
           r->bytes / r->wall / 1e6, r->wall * 1e6 / (double)n,
           r->cpu * 1e6 / (double)n, base_wall / r->wall);
}

static bool bench(int items, size_t n, size_t batch)
{
    char path[300];
    make_samples(items);
    struct result bare = bare_insert(n, batch);
    struct result app = append(n, batch);
    path_of("bus.db", path, sizeof path);
    struct result con = consume(n);
    printf("%zu messages of %.0f bytes, %zu a transaction, %d partitions\n", n,
           app.bytes / (double)n, batch, PARTITIONS);
    printf("%-22s %10s %9s %9s %9s %8s\n", "", "msg/s", "MB/s", "us/msg", "cpu us",
           "bare=1");
    print("bare insert", n, &bare, bare.wall);
    print("bus append", n, &app, bare.wall);
    print("bus consume", n, &con, bare.wall);
    remove_db(path);
    free_samples();
    if (items == 1 && batch >= 1000)
        FIGURE("bus consume, one core", ">= 400 k msg/s", (double)n / con.cpu >= 400000,
               "%.0f k msg/s", (double)n / con.cpu / 1e3);
    char name[64];
    snprintf(name, sizeof name, "bus append, %s, %zu a transaction",
             items == 1 ? "small events" : "receipts", batch);
    FIGURE(name, ">= 0.50 of bare insert", bare.wall / app.wall >= 0.5,
           "%.2f, %.2f CPU", bare.wall / app.wall, bare.cpu / app.cpu);
    return bare.wall / app.wall >= 0.5 &&
           (items > 1 || batch < 1000 || (double)n / con.cpu >= 400000);
}

int main(int argc, char **argv)
{
    const char *tmp = getenv("TMPDIR");
    int64_t n = 200000, batch = 20000;
    if (argc > 1)
        str_to_i64(str_of(argv[1]), &n);
    if (argc > 2)
        str_to_i64(str_of(argv[2]), &batch);
    if (n < 1 || batch < 400)
        die("usage", "bench_bus [MESSAGES [RECORDS_PER_TRANSACTION >= 400]]");
    snprintf(dir, sizeof dir, "%s/weir-bench-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(dir))
        die(dir, "cannot create");
    bool ok = bench(1, (size_t)n, (size_t)batch);
    ok = bench(9, (size_t)n, (size_t)batch / 2) && ok;
    /* as a platform commits that follows its sources */
    ok = bench(1, (size_t)n / 4, (size_t)batch / 40) && ok;
    ok = bench(9, (size_t)n / 4, (size_t)batch / 40) && ok;
    ok = bench(1, (size_t)n / 20, (size_t)batch / 400) && ok;
    rmdir(dir);
    puts(ok ? "ok"
            : "BELOW TARGET: append >= 0.5 of bare, consume >= 400 k small msg/s");
    return ok ? 0 : 1;
}
