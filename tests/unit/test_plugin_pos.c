/* The pos plugin through the real host and bus: places, rotation, bad files, arrival.
 */
#include "ingest_fixture.h"

#include <sys/time.h>
#include "ingest/host.h"

static const char *const head =
    "{\"transaction_id\":\"STORE_%d_TXN_%d\",\"store_id\":\"%d\","
    "\"transaction_timestamp\":\"2017-12-19T00:00:%02dZ\","
    "\"items\":[]}\n";

/* n receipts from number `from` on; caller frees. */
static char *receipts(int from, int n, size_t *len)
{
    char *p = calloc(1, (size_t)n * 200 + 1), *q = p;
    for (int i = from; i < from + n; i++)
        q += snprintf(q, 200, head, i % 7 + 1, i, i % 7 + 1, i % 60);
    *len = (size_t)(q - p);
    return p;
}

static void put(const char *path, int from, int n, bool append)
{
    size_t len;
    char *p = receipts(from, n, &len);
    fix_write(path, p, len, append);
    free(p);
}

/* All lines of the topic are receipts from..from+n-1, each once. */
static void assert_receipts(const struct fix *f, int from, int n)
{
    struct fix_records r = fix_topic(f, "data");
    char *seen = calloc(1, (size_t)n);
    assert_int_equal(r.n, n);
    for (size_t i = 0; i < r.n; i++) {
        int id = (int)strtol(strstr(r.v[i].key, "_TXN_") + 5, NULL, 10) - from;
        assert_in_range(id, 0, n - 1);
        assert_false(seen[id]);
        seen[id] = 1;
    }
    free(seen);
    fix_records_free(&r);
}

static void reads_key_time_and_line(void **state)
{
    (void)state;
    struct fix f;
    fix_init(&f, "pos", "pos.jsonl");
    put(f.input, 0, 3, false);
    assert_int_equal(fix_ingest(&f), 0);
    struct fix_records r = fix_topic(&f, "data");
    assert_int_equal(r.n, 3);
    assert_string_equal(r.v[1].key, "STORE_2_TXN_1");
    assert_string_equal(r.v[1].line, "2");
    assert_int_equal(r.v[1].timestamp,
                     1513641601000); /* its own time: no arrival file */
    assert_null(r.v[1].op);
    fix_records_free(&r);
    fix_release(&f);
}

/* Names were looked for at any depth and only as they are usually written: a receipt
 * went to the partition of another one that it refers to. */
static void key_and_time_are_the_records_own(void **state)
{
    (void)state;
    struct fix f;
    static const char *const lines =
        "{\"ref\":{\"transaction_id\":\"STORE_9_TXN_9\",\"transaction_timestamp\":"
        "\"2017-01-01T00:00:00Z\"},\"transaction_id\":\"STORE_2_TXN_1\","
        "\"transaction_timestamp\":\"2017-12-19T00:00:01Z\"}\n"
        "{\"k\":\"\\\"{[\",\"transaction\\u005fid\":\"STORE_2_TXN_1\","
        "\"transaction\\u005ftimestamp\":\"2017-12-19T00:00:01Z\"}\n";
    fix_init(&f, "pos", "pos.jsonl");
    fix_write(f.input, lines, strlen(lines), false);
    assert_int_equal(fix_ingest(&f), 0);
    struct fix_records r = fix_topic(&f, "data");
    assert_int_equal(r.n, 2);
    for (size_t i = 0; i < r.n; i++) {
        assert_string_equal(r.v[i].key, "STORE_2_TXN_1");
        assert_int_equal(r.v[i].timestamp, 1513641601000);
    }
    fix_records_free(&r);
    fix_release(&f);
}

/* The first receipt of a file written on Windows went to the dead letters. */
static void a_byte_order_mark_costs_no_receipt(void **state)
{
    (void)state;
    struct fix f;
    fix_init(&f, "pos", "pos.jsonl");
    fix_write(f.input, "\xEF\xBB\xBF", 3, false);
    put(f.input, 0, 3, true);
    assert_int_equal(fix_ingest(&f), 0);
    struct fix_records r = fix_topic(&f, "data");
    assert_int_equal(r.n, 3);
    for (size_t i = 0; i < r.n; i++)
        assert_int_equal(r.v[i].value[0], '{');
    fix_records_free(&r);
    fix_release(&f);
}

static void second_run_adds_nothing(void **state)
{
    (void)state;
    struct fix f;
    fix_init(&f, "pos", "pos.jsonl");
    put(f.input, 0, 500, false);
    assert_int_equal(fix_ingest(&f), 0);
    assert_int_equal(fix_ingest(&f), 0);
    assert_receipts(&f, 0, 500);
    fix_release(&f);
}

static void half_then_whole_is_one_run(void **state)
{
    (void)state;
    struct fix f;
    size_t n, half;
    char *p = receipts(0, 400, &n);
    fix_init(&f, "pos", "pos.jsonl.gz");
    /* cut in the middle of a line: its half goes out first, then the whole line */
    for (half = n / 2; p[half] == '\n' || p[half - 1] == '\n'; half++)
        ;
    fix_write_gz(f.input, p, half);
    assert_int_equal(fix_ingest(&f), 0);
    fix_write_gz(f.input, p, n);
    assert_int_equal(fix_ingest(&f), 0);
    struct fix_records r = fix_topic(&f, "data");
    assert_int_equal(r.n, 401); /* the half line went its own way */
    fix_records_free(&r);
    fix_release(&f);
    free(p);
}

static void half_at_a_line_end_continues(void **state)
{
    (void)state;
    struct fix f;
    size_t n;
    char *p = receipts(0, 400, &n), *cut = p;
    fix_init(&f, "pos", "pos.jsonl.gz");
    for (int i = 0; i < 200; i++)
        cut = strchr(cut, '\n') + 1;
    fix_write_gz(f.input, p, (size_t)(cut - p) - 1); /* without its last line end */
    assert_int_equal(fix_ingest(&f), 0);
    assert_receipts(&f, 0, 200);
    assert_int_equal(fix_ingest(&f), 0);
    assert_receipts(&f, 0, 200);
    fix_write_gz(f.input, p, n);
    assert_int_equal(fix_ingest(&f), 0);
    assert_receipts(&f, 0, 400);
    /* the same bytes as a plain file under the same name are the same file */
    fix_write(f.input, p, n, false);
    assert_int_equal(fix_ingest(&f), 0);
    assert_receipts(&f, 0, 400);
    fix_release(&f);
    free(p);
}

static void another_file_starts_anew(void **state)
{
    (void)state;
    struct fix f;
    fix_init(&f, "pos", "pos.jsonl");
    put(f.input, 0, 100, false);
    assert_int_equal(fix_ingest(&f), 0);
    put(f.input, 100, 100, false);
    assert_int_equal(fix_ingest(&f), 0);
    assert_receipts(&f, 0, 200);
    fix_assert_says(&f, "is a new file");
    fix_release(&f);
}

static void shorter_file_with_the_same_head_adds_nothing(void **state)
{
    (void)state;
    struct fix f;
    fix_init(&f, "pos", "pos.jsonl");
    put(f.input, 0, 500, false);
    assert_int_equal(fix_ingest(&f), 0);
    put(f.input, 0, 100, false);
    assert_int_equal(fix_ingest(&f), 0);
    fix_assert_says(&f, "shorter than what was read");
    put(f.input, 0, 600, false);
    assert_int_equal(fix_ingest(&f), 0);
    assert_receipts(&f, 0, 600);
    fix_release(&f);
}

static void rotated_while_down(void **state)
{
    (void)state;
    struct fix f;
    fix_init(&f, "pos", "pos.jsonl");
    put(f.input, 0, 100, false);
    assert_int_equal(fix_ingest(&f), 0);
    put(f.input, 100, 50, true); /* not read yet when it is rotated */
    assert_int_equal(rename(f.input, fix_path(&f, "pos.jsonl.2")), 0);
    put(fix_path(&f, "pos.jsonl.1"), 150, 50, false);
    struct timeval old[2] = {{1000, 0}, {1000, 0}}, mid[2] = {{2000, 0}, {2000, 0}};
    assert_int_equal(utimes(fix_path(&f, "pos.jsonl.2"), old), 0);
    assert_int_equal(utimes(fix_path(&f, "pos.jsonl.1"), mid), 0);
    put(f.input, 200, 50, false);
    assert_int_equal(fix_ingest(&f), 0);
    assert_receipts(&f, 0, 250);
    fix_release(&f);
}

static void rotated_and_compressed_while_down(void **state)
{
    (void)state;
    struct fix f;
    size_t n;
    char *p = receipts(0, 150, &n);
    fix_init(&f, "pos", "pos.jsonl");
    put(f.input, 0, 100, false);
    assert_int_equal(fix_ingest(&f), 0);
    fix_write_gz(fix_path(&f, "pos.jsonl.1.gz"), p, n);
    put(f.input, 150, 50, false);
    struct timeval old[2] = {{1000, 0}, {1000, 0}};
    assert_int_equal(utimes(fix_path(&f, "pos.jsonl.1.gz"), old), 0);
    assert_int_equal(fix_ingest(&f), 0);
    assert_receipts(&f, 0, 200);
    fix_release(&f);
    free(p);
}

static void truncated_gzip_is_named_and_keeps_what_came(void **state)
{
    (void)state;
    struct fix f;
    size_t n;
    char *p = receipts(0, 3000, &n);
    struct stat st;
    fix_init(&f, "pos", "pos.jsonl.gz");
    fix_write_gz(f.input, p, n);
    assert_int_equal(stat(f.input, &st), 0);
    assert_int_equal(truncate(f.input, st.st_size * 2 / 3), 0);
    assert_int_equal(fix_ingest(&f), 1);
    fix_assert_says(&f, "pos.jsonl.gz: byte ");
    fix_assert_says(&f, "the gzip file ends in the middle");
    size_t kept = fix_count(&f, "data");
    assert_in_range(kept, 500, 2999);
    fix_write_gz(f.input, p, n);
    assert_int_equal(fix_ingest(&f), 0);
    assert_receipts(&f, 0, 3000);
    fix_release(&f);
    free(p);
}

static void damaged_gzip_is_named(void **state)
{
    (void)state;
    struct fix f;
    size_t n;
    char *p = receipts(0, 3000, &n), junk[64];
    fix_init(&f, "pos", "pos.jsonl.gz");
    fix_write_gz(f.input, p, n);
    memset(junk, 0xff, sizeof(junk));
    FILE *o = fopen(f.input, "r+e");
    fseek(o, 9000, SEEK_SET);
    fwrite(junk, 1, sizeof(junk), o);
    fclose(o);
    assert_int_equal(fix_ingest(&f), 1);
    fix_assert_says(&f, "of the gzip file");
    fix_write_gz(f.input, p, n);
    assert_int_equal(fix_ingest(&f), 0);
    /* Damaged bytes may have come out as lines before the checksum told: nothing after
     * them can be trusted, so the good file is read from its start. */
    assert_in_range(fix_count(&f, "data"), 3000, 6000);
    fix_release(&f);
    free(p);
}

static void missing_file_is_named(void **state)
{
    (void)state;
    struct fix f;
    fix_init(&f, "pos", "nowhere.jsonl");
    assert_int_equal(fix_ingest(&f), 1);
    fix_assert_says(&f, "nowhere.jsonl: No such file");
    fix_release(&f);
}

static size_t append(char *q, const char *text)
{
    size_t n = strlen(text);
    memcpy(q, text, n);
    return n;
}

static void odd_lines(void **state)
{
    (void)state;
    struct fix f;
    size_t long_len = 1100000;
    char *p = malloc(long_len + 4096), *q = p;
    fix_init(&f, "pos", "pos.jsonl");
    q += append(q, "{\"transaction_id\":\"STORE_1_TXN_1\",\"total\":\r\n");
    q += append(q, "\n  \r\n");
    q += append(q, "no json at all\n");
    q += append(q, "{\"transaction_id\":\"STORE_2_TXN_2\",\"note\":\"");
    memset(q, 'x', long_len);
    q += long_len;
    q += append(q, "\"}\n{\"transaction_id\" : \"STORE_\\u0033_TXN_3\"}");
    fix_write(f.input, p, (size_t)(q - p), false);
    assert_int_equal(fix_ingest(&f), 0);
    struct fix_records r = fix_topic(&f, "data"), d = fix_topic(&f, "dead-letters");
    assert_int_equal(r.n, 3);
    assert_string_equal(r.v[0].key, "STORE_1_TXN_1");
    assert_string_equal(r.v[0].value,
                        "{\"transaction_id\":\"STORE_1_TXN_1\",\"total\":");
    assert_string_equal(r.v[1].key, "");
    assert_string_equal(r.v[1].line, "4");
    assert_string_equal(r.v[2].key, "STORE_3_TXN_3"); /* no line end: still a line */
    assert_int_equal(d.n, 1);
    assert_string_equal(d.v[0].reason, "too_long");
    assert_string_equal(d.v[0].key, "STORE_2_TXN_2");
    assert_string_equal(d.v[0].line, "5");
    assert_non_null(strstr(d.v[0].detail, "1100044 bytes"));
    assert_int_equal(d.v[0].value_len, 1000000);
    char metadata[4200];
    fix_metadata(&f, metadata, sizeof(metadata));
    assert_non_null(strstr(metadata, "\"empty_lines\":2"));
    assert_non_null(strstr(metadata, "\"too_long\":1"));
    assert_non_null(strstr(metadata, "\"in\":4"));
    fix_records_free(&r);
    fix_records_free(&d);
    fix_release(&f);
    free(p);
}

static void arrival_file_gives_timestamps(void **state)
{
    (void)state;
    struct fix f;
    fix_init(&f, "pos", "pos.jsonl");
    put(f.input, 0, 4, false);
    const char *csv = "line,arrival_ms\r\n1,1000\r\n2,2000\r\n4,4000\r\n";
    fix_write_gz(fix_path(&f, "pos.arrival.csv.gz"), csv, strlen(csv));
    assert_int_equal(fix_ingest(&f), 0);
    struct fix_records r = fix_topic(&f, "data");
    assert_int_equal(r.n, 4);
    assert_int_equal(r.v[0].timestamp, 1000);
    assert_int_equal(r.v[2].timestamp, 1513641602000); /* not listed: its own time */
    assert_int_equal(r.v[3].timestamp, 4000);
    fix_records_free(&r);
    fix_release(&f);
}

static void broken_arrival_file_is_named(void **state)
{
    (void)state;
    struct fix f;
    fix_init(&f, "pos", "pos.jsonl");
    put(f.input, 0, 4, false);
    const char *csv = "line,arrival_ms\n1,1000\n2,soon\n";
    fix_write(fix_path(&f, "times.csv"), csv, strlen(csv), false);
    f.source.arrival = "times.csv"; /* relative to the project */
    assert_int_equal(fix_ingest(&f), 1);
    fix_assert_says(&f, "times.csv:3: two whole numbers expected");
    fix_release(&f);
}

/* ── follow mode, call by call ───────────────────────────────────────────────────── */

struct follower {
    struct fix f;
    struct counts *counts;
    struct host *host;
};

static void follow_begin(struct follower *w, const char *checkpoint)
{
    struct err e = {0};
    w->counts = calloc(1, sizeof(*w->counts));
    w->host = calloc(1, sizeof(*w->host));
    host_init(w->host, &w->f.platform, &w->f.source, NULL, w->counts);
    if (host_load(w->host, &e) < 0 || host_open(w->host, false, checkpoint, &e) < 0)
        fail_msg("%s", e.text);
}

static void follow_end(struct follower *w)
{
    host_release(w->host);
    free(w->host);
    free(w->counts);
}

/* Records until the plugin waits; -1 on an error. Their numbers must go up from first.
 */
static int follow_read(struct follower *w, int first)
{
    struct weir_record r;
    enum weir_status st;
    int n = 0;
    while ((st = host_next(w->host, &r)) == WEIR_RECORD) {
        char key[64];
        snprintf(key, sizeof(key), "_TXN_%d", first + n++);
        assert_true(r.key_len > strlen(key));
        assert_memory_equal(r.key + r.key_len - strlen(key), key, strlen(key));
    }
    return st == WEIR_WAIT ? n : -1;
}

static void follows_growth_and_rotation(void **state)
{
    (void)state;
    struct follower w;
    fix_init(&w.f, "pos", "pos.jsonl");
    follow_begin(&w, "");
    assert_int_equal(follow_read(&w, 0), 0); /* not there yet */
    put(w.f.input, 0, 10, false);
    assert_int_equal(follow_read(&w, 0), 10);
    fix_write(w.f.input, "{\"transaction_id\":\"X_TXN_10\"", 28, true);
    assert_int_equal(follow_read(&w, 10), 0); /* no line end: it waits */
    fix_write(w.f.input, "}\n", 2, true);
    assert_int_equal(follow_read(&w, 10), 1);
    /* rotated; the old one still grows, then the new one is taken */
    assert_int_equal(rename(w.f.input, fix_path(&w.f, "pos.jsonl.1")), 0);
    assert_int_equal(follow_read(&w, 11), 0);
    put(w.f.input, 13, 5, false);
    assert_int_equal(follow_read(&w, 11), 0); /* seen once */
    put(fix_path(&w.f, "pos.jsonl.1"), 11, 2, true);
    assert_int_equal(follow_read(&w, 11), 2);
    assert_int_equal(follow_read(&w, 13), 0);
    assert_int_equal(follow_read(&w, 13), 5);
    follow_end(&w);
    fix_release(&w.f);
}

static void follows_deleted_and_cut_files(void **state)
{
    (void)state;
    struct follower w;
    fix_init(&w.f, "pos", "pos.jsonl");
    put(w.f.input, 0, 10, false);
    follow_begin(&w, "");
    assert_int_equal(follow_read(&w, 0), 10);
    put(w.f.input, 10, 3, true);
    assert_int_equal(unlink(w.f.input), 0); /* deleted: what it holds is still read */
    assert_int_equal(follow_read(&w, 10), 3);
    put(w.f.input, 13, 4, false);
    assert_int_equal(follow_read(&w, 13), 0);
    assert_int_equal(follow_read(&w, 13), 0);
    assert_int_equal(follow_read(&w, 13), 4);
    put(w.f.input, 17, 1, false); /* cut back and written anew, same inode */
    assert_int_equal(follow_read(&w, 17), 0);
    assert_int_equal(follow_read(&w, 17), 1);
    follow_end(&w);
    fix_release(&w.f);
}

static void follow_resumes_in_a_rotated_file(void **state)
{
    (void)state;
    struct follower w;
    char cp[WEIR_CHECKPOINT_MAX];
    struct err e = {0};
    fix_init(&w.f, "pos", "pos.jsonl");
    put(w.f.input, 0, 10, false);
    follow_begin(&w, "");
    assert_int_equal(follow_read(&w, 0), 10);
    assert_int_equal(host_checkpoint(w.host, cp, sizeof(cp), &e), 0);
    follow_end(&w);
    put(w.f.input, 10, 5, true);
    assert_int_equal(rename(w.f.input, fix_path(&w.f, "pos.jsonl.1")), 0);
    struct timeval old[2] = {{1000, 0}, {1000, 0}};
    assert_int_equal(utimes(fix_path(&w.f, "pos.jsonl.1"), old), 0);
    put(w.f.input, 15, 5, false);
    follow_begin(&w, cp);
    assert_int_equal(follow_read(&w, 10), 5);
    assert_int_equal(follow_read(&w, 15), 0);
    assert_int_equal(follow_read(&w, 15), 5);
    follow_end(&w);
    fix_release(&w.f);
}

/* A checkpoint taken while an over-long line is half there must lead back to its start.
 */
static void checkpoint_inside_a_long_line(void **state)
{
    (void)state;
    struct follower w;
    char cp[WEIR_CHECKPOINT_MAX], *x = malloc(1200000);
    struct err e = {0};
    struct weir_record r;
    fix_init(&w.f, "pos", "pos.jsonl");
    put(w.f.input, 0, 2, false);
    memset(x, 'x', 1200000);
    fix_write(w.f.input, x, 1200000, true);
    follow_begin(&w, "");
    assert_int_equal(follow_read(&w, 0), 2);
    assert_int_equal(host_checkpoint(w.host, cp, sizeof(cp), &e), 0);
    follow_end(&w);
    fix_write(w.f.input, "yy\n", 3, true);
    follow_begin(&w, cp);
    assert_int_equal(host_next(w.host, &r), WEIR_RECORD);
    assert_string_equal(r.reject, "too_long");
    assert_int_equal(r.position, 3);
    assert_non_null(strstr(r.detail, "1200002 bytes"));
    assert_int_equal(host_next(w.host, &r), WEIR_WAIT);
    follow_end(&w);
    fix_release(&w.f);
    free(x);
}

/* ── a file that changes under a bounded read ────────────────────────────────────── */

#define BIG 12000 /* receipts: more than one read of the file */

/* Open the file as a bounded source and take its first record. */
static void bounded_begin(struct follower *w)
{
    struct err e = {0};
    struct weir_record r;
    fix_init(&w->f, "pos", "pos.jsonl");
    put(w->f.input, 0, BIG, false);
    w->counts = calloc(1, sizeof(*w->counts));
    w->host = calloc(1, sizeof(*w->host));
    host_init(w->host, &w->f.platform, &w->f.source, NULL, w->counts);
    assert_int_equal(host_load(w->host, &e), 0);
    assert_int_equal(host_open(w->host, true, "", &e), 0);
    assert_int_equal(host_next(w->host, &r), WEIR_RECORD);
}

/* Records to the end; the status that was not a record is in *st. */
static int bounded_read(struct follower *w, enum weir_status *st)
{
    struct weir_record r;
    int n = 0;
    while ((*st = host_next(w->host, &r)) == WEIR_RECORD)
        n++;
    return n;
}

static void replaced_or_deleted_while_read(void **state)
{
    (void)state;
    for (int deleted = 0; deleted < 2; deleted++) {
        struct follower w;
        enum weir_status st;
        char cp[WEIR_CHECKPOINT_MAX];
        struct err e = {0};
        bounded_begin(&w);
        put(fix_path(&w.f, "new"), BIG, 10, false);
        if (deleted)
            assert_int_equal(unlink(w.f.input), 0);
        else
            assert_int_equal(rename(fix_path(&w.f, "new"), w.f.input), 0);
        assert_int_equal(bounded_read(&w, &st), BIG - 1); /* what was opened is read */
        assert_int_equal(st, WEIR_END);
        assert_int_equal(host_checkpoint(w.host, cp, sizeof(cp), &e), 0);
        host_close(w.host);
        if (!deleted) { /* the next run takes the new one from its start */
            assert_int_equal(host_open(w.host, true, cp, &e), 0);
            assert_int_equal(bounded_read(&w, &st), 10);
            assert_int_equal(st, WEIR_END);
        } else {
            assert_true(host_open(w.host, true, cp, &e) < 0);
            assert_non_null(strstr(e.text, "No such file"));
        }
        follow_end(&w);
        fix_release(&w.f);
    }
}

static void cut_while_read(void **state)
{
    (void)state;
    struct follower w;
    enum weir_status st;
    char cp[WEIR_CHECKPOINT_MAX];
    struct err e = {0};
    bounded_begin(&w);
    assert_int_equal(truncate(w.f.input, 1000), 0);
    int n = 1 + bounded_read(&w, &st);
    assert_in_range(n, 100, BIG - 1);
    assert_int_equal(st, WEIR_FATAL);
    assert_non_null(strstr(w.host->error, "became shorter while it was read"));
    assert_int_equal(host_checkpoint(w.host, cp, sizeof(cp), &e), 0);
    host_close(w.host);
    put(w.f.input, 0, BIG, false); /* put back: it goes on where it was */
    assert_int_equal(host_open(w.host, true, cp, &e), 0);
    assert_int_equal(n + bounded_read(&w, &st), BIG);
    assert_int_equal(st, WEIR_END);
    follow_end(&w);
    fix_release(&w.f);
}

/* ── the real files ──────────────────────────────────────────────────────────────── */

static const char *shared(const char *name)
{
    static char path[PATH_MAX];
    const char *dir = getenv("WEIR_SHARED");
    snprintf(path, sizeof(path), "%s/data/%s", dir ? dir : "../shared", name);
    return access(path, R_OK) == 0 ? path : NULL;
}

static void disordered_stream_arrives_whole(void **state)
{
    (void)state;
    struct fix f;
    const char *path = shared("pos_disorder.jsonl.gz");
    if (!path)
        skip();
    fix_init(&f, "pos", "unused");
    fix_set(&f, "path", path);
    f.platform.project_dir = ".";
    char full[PATH_MAX];
    assert_non_null(realpath(path, full));
    fix_set(&f, "path", full);
    assert_int_equal(fix_ingest(&f), 0);
    struct fix_records r = fix_topic(&f, "data"), d = fix_topic(&f, "dead-letters");
    assert_int_equal(r.n + d.n, 3433);
    assert_int_equal(d.n, 1); /* the over-long one; the stream job judges the others */
    assert_int_equal(r.v[0].timestamp, 1513641626425);
    char metadata[4200];
    fix_metadata(&f, metadata, sizeof(metadata));
    assert_non_null(strstr(metadata, "\"masked\":16"));
    fix_records_free(&r);
    fix_records_free(&d);
    fix_release(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_key_time_and_line),
        cmocka_unit_test(key_and_time_are_the_records_own),
        cmocka_unit_test(a_byte_order_mark_costs_no_receipt),
        cmocka_unit_test(second_run_adds_nothing),
        cmocka_unit_test(half_then_whole_is_one_run),
        cmocka_unit_test(half_at_a_line_end_continues),
        cmocka_unit_test(another_file_starts_anew),
        cmocka_unit_test(shorter_file_with_the_same_head_adds_nothing),
        cmocka_unit_test(rotated_while_down),
        cmocka_unit_test(rotated_and_compressed_while_down),
        cmocka_unit_test(truncated_gzip_is_named_and_keeps_what_came),
        cmocka_unit_test(damaged_gzip_is_named),
        cmocka_unit_test(missing_file_is_named),
        cmocka_unit_test(odd_lines),
        cmocka_unit_test(arrival_file_gives_timestamps),
        cmocka_unit_test(broken_arrival_file_is_named),
        cmocka_unit_test(follows_growth_and_rotation),
        cmocka_unit_test(follows_deleted_and_cut_files),
        cmocka_unit_test(follow_resumes_in_a_rotated_file),
        cmocka_unit_test(checkpoint_inside_a_long_line),
        cmocka_unit_test(replaced_or_deleted_while_read),
        cmocka_unit_test(cut_while_read),
        cmocka_unit_test(disordered_stream_arrives_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
