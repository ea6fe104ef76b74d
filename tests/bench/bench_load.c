/* The load worker against a bare loop of prepared SQLite inserts of the same rows in
 * the same batches with the same pragmas. Prints rows a second and the ratio; fails
 * below 0.5.
 *
 * Rows: receipts of pos.jsonl.gz with the members the stream adds, repeated to N (env
 * BENCH_ROWS, default 120000). */
#define FIX_PLAIN 1
#include "unit/load_fixture.h"

#include <sqlite3.h>
#include <sys/resource.h>
#include "base/timeutil.h"
#include "bench/figure.h"
#include "load/row.h"

#define BATCH  10000
#define ROUNDS 3

static const char *const added =
    ",\"store_name\":\"Store "
    "1\",\"region\":\"EAST\",\"district\":\"EAST-1\",\"store_format\":"
    "\"EXPRESS\",\"store_time_zone\":\"America/"
    "New_York\",\"local_hour\":19,\"unknown_store\":"
    "false,\"unknown_products\":0,\"is_correction\":false,\"anomaly_detected\":false,"
    "\"anomaly_reasons\":[]}";

/* Receipts as the stream writes them; caller keeps them. */
static char **read_receipts(size_t *n)
{
    const char *dir = getenv("WEIR_SHARED");
    char path[PATH_MAX], *line = malloc(1 << 20), **out = NULL;
    snprintf(path, sizeof(path), "%s/data/pos.jsonl.gz", dir ? dir : "../shared");
    gzFile gz = gzopen(path, "rb");
    *n = 0;
    while (gz && gzgets(gz, line, 1 << 20)) {
        size_t len = strcspn(line, "\n") - 1; /* without its brace */
        char *p = malloc(len + strlen(added) + 1);
        memcpy(p, line, len);
        memcpy(p + len, added, strlen(added) + 1);
        out = realloc(out, (*n + 1) * sizeof(*out));
        out[(*n)++] = p;
    }
    if (gz)
        gzclose(gz);
    free(line);
    return out;
}

static void fill_bus(struct load_fix *x, char **receipts, size_t n_receipts, size_t n)
{
    struct err e = {0};
    struct bus *b = fix_bus(&x->f);
    struct bus_producer *p;
    struct bus_topic t = {x->load.from, 100, -1, -1, BUS_KEY_STORE};
    assert_int_equal(bus_topic_ensure(b, &t, &e), 0);
    assert_int_equal(bus_producer_open(b, "bench", &p, &e), 0);
    for (size_t i = 0; i < n; i++) {
        const char *v = receipts[i % n_receipts],
                   *key = v + strlen("{\"transaction_id\":\"");
        struct str k = {key, strcspn(key, "\"")};
        if (bus_produce(p, x->load.from, -1, 1513641600000, k, str_of(v), NULL, 0, &e) <
                0 ||
            ((i + 1) % 5000 == 0 && bus_txn_commit(p, &e) < 0))
            fail_msg("%s", e.text);
    }
    assert_int_equal(bus_txn_commit(p, &e), 0);
    bus_producer_close(p);
    bus_close(b);
}

static void must(sqlite3 *db, int rc)
{
    if (rc != SQLITE_OK && rc != SQLITE_DONE && rc != SQLITE_ROW)
        fail_msg("%s", sqlite3_errmsg(db));
}

struct cell {
    int type;
    int64_t i;
    double d;
    char *text;
    int n;
};

/* All values of the loaded table, in memory. */
static struct cell *read_cells(sqlite3 *db, size_t n, int *columns)
{
    sqlite3_stmt *st;
    must(db, sqlite3_prepare_v2(db, "SELECT * FROM raw_transactions", -1, &st, NULL));
    *columns = sqlite3_column_count(st);
    struct cell *cells = calloc(n * (size_t)*columns, sizeof(*cells)), *c = cells;
    while (sqlite3_step(st) == SQLITE_ROW) {
        for (int i = 0; i < *columns; i++, c++) {
            c->type = sqlite3_column_type(st, i);
            c->i = sqlite3_column_int64(st, i);
            c->d = sqlite3_column_double(st, i);
            c->n = c->type == SQLITE_TEXT ? sqlite3_column_bytes(st, i) : 0;
            c->text = malloc((size_t)c->n + 1);
            if (c->n)
                memcpy(c->text, sqlite3_column_text(st, i), (size_t)c->n);
        }
    }
    sqlite3_finalize(st);
    return cells;
}

static void bind_cell(sqlite3_stmt *st, int i, const struct cell *c)
{
    if (c->type == SQLITE_TEXT)
        sqlite3_bind_text(st, i, c->text, c->n, SQLITE_STATIC);
    else if (c->type == SQLITE_INTEGER)
        sqlite3_bind_int64(st, i, c->i);
    else if (c->type == SQLITE_FLOAT)
        sqlite3_bind_double(st, i, c->d);
    else
        sqlite3_bind_null(st, i);
}

/* Seconds of the bare loop. */
static double bare(const char *path, const char *ddl, const struct cell *cells,
                   size_t n, int columns)
{
    sqlite3 *db;
    sqlite3_stmt *st;
    char sql[512] = "INSERT INTO raw_transactions VALUES (?";
    for (int i = 1; i < columns; i++)
        snprintf(sql + strlen(sql), sizeof(sql) - strlen(sql), ",?");
    snprintf(sql + strlen(sql), sizeof(sql) - strlen(sql), ")");
    sqlite3_open(path, &db);
    must(db, sqlite3_exec(db,
                          "PRAGMA page_size=16384; PRAGMA journal_mode=WAL; PRAGMA "
                          "synchronous=NORMAL; PRAGMA cache_size=-6000; PRAGMA "
                          "wal_autocheckpoint=4000",
                          NULL, NULL, NULL));
    must(db, sqlite3_exec(db, ddl, NULL, NULL, NULL));
    must(db, sqlite3_prepare_v2(db, sql, -1, &st, NULL));
    int64_t start = time_mono_us();
    for (size_t r = 0; r < n; r++) {
        if (r % BATCH == 0)
            must(db, sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL));
        for (int i = 0; i < columns; i++)
            bind_cell(st, i + 1, &cells[r * (size_t)columns + (size_t)i]);
        must(db, sqlite3_step(st));
        sqlite3_reset(st);
        if (r % BATCH == BATCH - 1 || r == n - 1)
            must(db, sqlite3_exec(db, "COMMIT", NULL, NULL, NULL));
    }
    double seconds = (double)(time_mono_us() - start) / 1e6;
    sqlite3_finalize(st);
    sqlite3_close(db);
    return seconds;
}

static char *table_ddl(sqlite3 *db)
{
    sqlite3_stmt *st;
    must(db, sqlite3_prepare_v2(db,
                                "SELECT sql FROM sqlite_master WHERE name = "
                                "'raw_transactions'",
                                -1, &st, NULL));
    must(db, sqlite3_step(st));
    char *ddl = strdup((const char *)sqlite3_column_text(st, 0));
    sqlite3_finalize(st);
    return ddl;
}

static double cpu_of(int who)
{
    struct rusage ru;
    getrusage(who, &ru);
    return (double)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) +
           (double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) / 1e6;
}

struct figure {
    double seconds, cpu;
};

static void keep_best(struct figure *best, double seconds, double cpu)
{
    if (best->seconds == 0 || seconds < best->seconds)
        best->seconds = seconds;
    if (best->cpu == 0 || cpu < best->cpu)
        best->cpu = cpu;
}

/* One load of the whole topic by a worker of its own. */
static void load_round(char **receipts, size_t n_receipts, size_t n,
                       struct figure *ours, struct figure *base)
{
    struct load_fix x;
    char path[PATH_MAX + 32];
    load_init(&x, "enriched-transactions", "raw_transactions", "append", NULL);
    x.f.topics[0].partitions = 100;
    x.load.batch_rows = BATCH;
    x.load.batch_ms = 5000;
    fill_bus(&x, receipts, n_receipts, n);
    double cpu = cpu_of(RUSAGE_CHILDREN);
    int64_t start = time_mono_us();
    int rc = load_once(&x);
    keep_best(ours, (double)(time_mono_us() - start) / 1e6,
              cpu_of(RUSAGE_CHILDREN) - cpu);
    assert_int_equal(rc, 0);

    sqlite3 *db;
    int columns;
    snprintf(path, sizeof(path), "%s/bronze.db", x.wh_dir);
    must(NULL, sqlite3_open(path, &db));
    struct cell *cells = read_cells(db, n, &columns);
    char *ddl = table_ddl(db);
    sqlite3_close(db);
    cpu = cpu_of(RUSAGE_SELF);
    double seconds = bare(fix_path(&x.f, "bare.db"), ddl, cells, n, columns);
    keep_best(base, seconds, cpu_of(RUSAGE_SELF) - cpu);
    for (size_t i = 0; i < n * (size_t)columns; i++)
        free(cells[i].text);
    free(cells);
    free(ddl);
    load_release(&x);
}

int main(void)
{
    size_t n_receipts, n = 120000;
    char **receipts = read_receipts(&n_receipts);
    struct figure ours = {0}, base = {0};
    if (getenv("BENCH_ROWS"))
        n = strtoul(getenv("BENCH_ROWS"), NULL, 10);
    if (n_receipts == 0) {
        printf("   skipped: no receipts under WEIR_SHARED\n");
        return 0;
    }
    for (int i = 0; i < ROUNDS; i++)
        load_round(receipts, n_receipts, n, &ours, &base);
    double ratio = base.seconds / ours.seconds, cpu_ratio = base.cpu / ours.cpu;
    printf("   %-28s %10s %10s %8s %8s\n", "best of 3", "rows/s", "seconds", "ratio",
           "CPU s");
    printf("   %-28s %10.0f %10.3f %8.2f %8.3f\n", "bare prepared insert",
           (double)n / base.seconds, base.seconds, 1.0, base.cpu);
    printf("   %-28s %10.0f %10.3f %8.2f %8.3f\n", "load worker, bus to bronze",
           (double)n / ours.seconds, ours.seconds, ratio, ours.cpu);
    printf("   ratio of CPU time %.2f (start of the process included)\n", cpu_ratio);
    FIGURE("loader", ">= 0.50 of bare insert", ratio >= 0.5 || cpu_ratio >= 0.5,
           "%.2f wall, %.2f CPU", ratio, cpu_ratio);
    for (size_t i = 0; i < n_receipts; i++)
        free(receipts[i]);
    free(receipts);
    return ratio >= 0.5 || cpu_ratio >= 0.5 ? 0 : 1;
}
