/* The stream worker over an embedded bus, as a process: what it writes, and that
 * killing it at any point changes nothing of that. */
#include "stream_bus_fixture.h"

#include <sys/stat.h>
#include <time.h>

#include "base/log.h"

static struct data_file pos, arrival;

static bool load(void)
{
    return (pos.bytes || data_read("pos_disorder.jsonl.gz", &pos)) &&
           (arrival.bytes || data_read("pos_disorder.arrival.csv.gz", &arrival));
}

/* What an uninterrupted run writes for the whole disordered file. */
static char *reference(void)
{
    static char *text;
    if (text)
        return text;
    struct stream_fixture f;
    fixture_init(&f);
    fixture_put_tables(&f);
    fixture_put_lines(&f, &pos, &arrival, 0, pos.n_lines);
    fixture_run(&f);
    assert_int_equal(fixture_committed(&f, "in"), 3433);
    assert_int_equal(fixture_committed(&f, "out"), 3339);
    assert_int_equal(fixture_committed(&f, "dup"), 60);
    assert_int_equal(fixture_committed(&f, "corr"), 16);
    assert_int_equal(fixture_committed(&f, "stale"), 4);
    assert_int_equal(fixture_committed(&f, "late"), 70);
    assert_int_equal(fixture_committed(&f, "unk_store"), 0);
    text = fixture_outputs_text(&f);
    fixture_release(&f);
    return text;
}

static void expect_same(const char *got, const char *want)
{
    size_t line = 1, i = 0;
    for (; got[i] && got[i] == want[i]; i++)
        line += got[i] == '\n';
    if (got[i] != want[i])
        fail_msg("line %zu differs: %.300s\nexpected %.300s", line, got + i, want + i);
}

static void writes_what_the_steps_say(void **state)
{
    (void)state;
    if (!load())
        skip();
    char *text = reference();
    size_t n[5] = {0};
    for (const char *p = text; *p; p = strchr(p, '\n') + 1)
        for (size_t t = 0; t < 5; t++)
            n[t] += strncmp(p, fixture_outputs[t], strlen(fixture_outputs[t])) == 0;
    assert_int_equal(n[0], 3339);
    assert_int_equal(n[3], 70);
    assert_int_equal(n[4], 3433 - 3339 - 60 - 4);
}

static void a_second_run_changes_nothing(void **state)
{
    (void)state;
    if (!load())
        skip();
    struct stream_fixture f;
    fixture_init(&f);
    fixture_put_tables(&f);
    fixture_put_lines(&f, &pos, &arrival, 0, pos.n_lines);
    fixture_run(&f);
    fixture_run(&f);
    char *got = fixture_outputs_text(&f);
    expect_same(got, reference());
    mem_free(got);
    fixture_release(&f);
}

/* Newest row of each window, and all other topics. */
static void drop_superseded(char *text, struct map *out)
{
    map_init(out);
    for (char *p = text, *end; (end = strchr(p, '\n')); p = end + 1) {
        *end = '\0';
        char *key = strchr(strchr(p, ' ') + 1, ' ') + 1;
        bool is_window = strncmp(p, "store-aggregates", 16) == 0;
        size_t n = strcspn(key, " ");
        char name[512];
        snprintf(name, sizeof name, "%.*s %.*s", 20, is_window ? "window" : p,
                 is_window ? (int)n : 400, is_window ? key : p);
        map_put(out, name, key);
    }
}

static void half_and_whole_equal_one_run(void **state)
{
    (void)state;
    if (!load())
        skip();
    struct stream_fixture f;
    struct map a, b;
    fixture_init(&f);
    fixture_put_tables(&f);
    fixture_put_lines(&f, &pos, &arrival, 0, pos.n_lines / 2);
    fixture_run(&f);
    fixture_put_lines(&f, &pos, &arrival, pos.n_lines / 2, pos.n_lines);
    fixture_run(&f);
    char *got = fixture_outputs_text(&f), *want = mem_strdup(reference());
    drop_superseded(got, &a);
    drop_superseded(want, &b);
    assert_int_equal(a.live, b.live);
    for (struct map_entry *it = NULL; (it = map_next(&b, it));) {
        const char *mine = map_get(&a, it->key);
        if (!mine || strcmp(mine, it->value) != 0)
            fail_msg("%s: %s, expected %s", it->key, mine ? mine : "nothing",
                     (char *)it->value);
    }
    map_release(&a);
    map_release(&b);
    mem_free(got);
    mem_free(want);
    fixture_release(&f);
}

static void three_workers_write_what_one_writes(void **state)
{
    (void)state;
    if (!load())
        skip();
    struct stream_fixture f;
    struct stream_child c[3];
    fixture_init(&f);
    fixture_put_tables(&f);
    fixture_put_lines(&f, &pos, &arrival, 0, pos.n_lines);
    for (int i = 0; i < 3; i++)
        c[i] = fixture_start(&f, i, 3);
    for (int i = 0; i < 3; i++)
        child_finish(&c[i]);
    char *got = fixture_outputs_text(&f);
    expect_same(got, reference());
    mem_free(got);
    fixture_release(&f);
}

/* Kills the worker after each of a run of short and long whiles, while input arrives.
 */
static void killed_at_any_point_it_writes_the_same(void **state)
{
    (void)state;
    if (!load())
        skip();
    for (unsigned seed = 1; seed <= 4; seed++) {
        struct stream_fixture f;
        uint64_t random = seed * 0x9E3779B97F4A7C15u;
        size_t fed = 0;
        fixture_init(&f);
        f.conf.epoch_ms = seed % 2 ? 1 : 20;
        f.conf.epoch_records = 50 * seed;
        f.conf.snapshot_ms = seed < 3 ? 2 : 3600000;
        fixture_put_tables(&f);
        for (int round = 0; round < 12; round++) {
            struct stream_child c = fixture_start(&f, 0, 1);
            size_t more = fed + pos.n_lines / 12;
            fixture_put_lines(&f, &pos, &arrival, fed,
                              more < pos.n_lines ? more : pos.n_lines);
            fed = more < pos.n_lines ? more : pos.n_lines;
            random = random * 6364136223846793005u + 1442695040888963407u;
            /* how far it comes is chance; what it leaves must not be */
            struct timespec t = {0, (long)(random >> 33) % 100 * 1000000};
            nanosleep(&t, NULL);
            kill(c.pid, SIGKILL);
            assert_int_equal(child_end(&c), -SIGKILL);
        }
        fixture_put_lines(&f, &pos, &arrival, fed, pos.n_lines);
        fixture_run(&f);
        char *got = fixture_outputs_text(&f);
        expect_same(got, reference());
        assert_int_equal(fixture_committed(&f, "in"), 3433);
        assert_int_equal(fixture_committed(&f, "dup"), 60);
        mem_free(got);
        fixture_release(&f);
    }
}

/* Without its snapshots the state is rebuilt from the log, and the output is the same.
 */
static void losing_the_snapshots_changes_nothing(void **state)
{
    (void)state;
    if (!load())
        skip();
    struct stream_fixture f;
    char path[400];
    fixture_init(&f);
    fixture_put_tables(&f);
    fixture_put_lines(&f, &pos, &arrival, 0, 2000);
    fixture_run_to(&f, 2000);
    snprintf(path, sizeof path, "%s/stream-enrichment.db", f.dir);
    assert_int_equal(unlink(path), 0);
    fixture_put_lines(&f, &pos, &arrival, 2000, pos.n_lines);
    fixture_run(&f);
    char *got = fixture_outputs_text(&f);
    expect_same(got, reference());
    mem_free(got);
    fixture_release(&f);
}

/* A damaged snapshot file is put aside and replayed around. */
static void a_damaged_snapshot_file_changes_nothing(void **state)
{
    (void)state;
    if (!load())
        skip();
    struct stream_fixture f;
    char path[400];
    fixture_init(&f);
    fixture_put_tables(&f);
    fixture_put_lines(&f, &pos, &arrival, 0, 2000);
    fixture_run_to(&f, 2000);
    snprintf(path, sizeof path, "%s/stream-enrichment.db", f.dir);
    FILE *broken = fopen(path, "wb");
    assert_non_null(broken);
    for (int i = 0; i < 1000; i++)
        fputs("not a database at all", broken);
    fclose(broken);
    fixture_put_lines(&f, &pos, &arrival, 2000, pos.n_lines);
    fixture_run(&f);
    char *got = fixture_outputs_text(&f);
    expect_same(got, reference());
    mem_free(got);
    snprintf(path, sizeof path, "%s/stream-enrichment.db.damaged", f.dir);
    assert_int_equal(access(path, F_OK), 0);
    fixture_release(&f);
}

/* Partitions change hands when the number of workers changes. */
static void more_and_fewer_workers_go_on_where_the_others_stopped(void **state)
{
    (void)state;
    if (!load())
        skip();
    struct stream_fixture f;
    struct stream_child c[3];
    size_t third = pos.n_lines / 3;
    fixture_init(&f);
    fixture_put_tables(&f);
    fixture_put_lines(&f, &pos, &arrival, 0, third);
    fixture_run_to(&f, (int64_t)third);
    fixture_put_lines(&f, &pos, &arrival, third, 2 * third);
    for (int i = 0; i < 3; i++)
        c[i] = fixture_start(&f, i, 3);
    while (fixture_committed(&f, "offset") < 2 * (int64_t)third)
        assert_true(child_wait_for(&c[0], "metrics", NULL));
    for (int i = 0; i < 3; i++) {
        child_say(&c[i], "stop");
        assert_int_equal(child_end(&c[i]), 0);
    }
    fixture_put_lines(&f, &pos, &arrival, 2 * third, pos.n_lines);
    fixture_run(&f);
    char *got = fixture_outputs_text(&f);
    expect_same(got, reference());
    mem_free(got);
    fixture_release(&f);
}

/* Killed, all of them, while their number changes from life to life. */
static void killed_while_their_number_changes_they_write_the_same(void **state)
{
    (void)state;
    if (!load())
        skip();
    for (unsigned seed = 1; seed <= 3; seed++) {
        struct stream_fixture f;
        uint64_t random = seed * 0x9E3779B97F4A7C15u;
        size_t fed = 0;
        fixture_init(&f);
        f.conf.epoch_ms = 1;
        f.conf.epoch_records = 40 * seed;
        f.conf.snapshot_ms = seed == 2 ? 3600000 : 3;
        fixture_put_tables(&f);
        for (int round = 0; round < 9; round++) {
            struct stream_child c[3];
            int n = round % 3 + 1;
            size_t more = fed + pos.n_lines / 9;
            for (int i = 0; i < n; i++)
                c[i] = fixture_start(&f, i, n);
            fixture_put_lines(&f, &pos, &arrival, fed,
                              more < pos.n_lines ? more : pos.n_lines);
            fed = more < pos.n_lines ? more : pos.n_lines;
            for (int i = 0; i < n; i++) {
                random = random * 6364136223846793005u + 1442695040888963407u;
                /* how far it comes is chance; what it leaves must not be */
                struct timespec t = {0, (long)(random >> 33) % 60 * 1000000};
                nanosleep(&t, NULL);
                kill(c[i].pid, SIGKILL);
                assert_int_equal(child_end(&c[i]), -SIGKILL);
            }
        }
        fixture_put_lines(&f, &pos, &arrival, fed, pos.n_lines);
        fixture_run(&f);
        char *got = fixture_outputs_text(&f);
        expect_same(got, reference());
        assert_int_equal(fixture_committed(&f, "in"), 3433);
        mem_free(got);
        fixture_release(&f);
    }
}

/* A worker that hung while their number changed commits nothing more, whichever of the
 * new ones has its partitions. */
static void a_worker_of_another_count_is_fenced(void **state)
{
    (void)state;
    if (!load())
        skip();
    struct stream_fixture f;
    struct stream_child old[3];
    size_t half = pos.n_lines / 2;
    fixture_init(&f);
    fixture_put_tables(&f);
    fixture_put_lines(&f, &pos, &arrival, 0, half);
    for (int i = 0; i < 3; i++)
        old[i] = fixture_start(&f, i, 3);
    while (fixture_committed(&f, "offset") < (int64_t)half)
        assert_true(child_wait_for(&old[0], "metrics", NULL));
    for (int i = 0; i < 3; i++)
        kill(old[i].pid, SIGSTOP);
    struct stream_child young = fixture_start(&f, 0, 1);
    assert_true(child_wait_for(&young, "metrics", NULL)); /* claimed */
    fixture_put_lines(&f, &pos, &arrival, half, pos.n_lines);
    child_finish(&young);
    for (int i = 0; i < 3; i++) {
        kill(old[i].pid, SIGCONT);
        assert_int_equal(child_end(&old[i]), -ERR_FENCED);
    }
    char *got = fixture_outputs_text(&f);
    expect_same(got, reference());
    mem_free(got);
    fixture_release(&f);
}

/* With the clock far ahead, quiet partitions close their windows, once, and say so. */
static void idle_partitions_close_their_windows(void **state)
{
    (void)state;
    if (!load())
        skip();
    struct stream_fixture f;
    fixture_init(&f);
    f.conf.idle_ms = 10;
    f.platform.as_of_ms = 1514764800000; /* 2018-01-01 */
    fixture_put_tables(&f);
    fixture_put_lines(&f, &pos, &arrival, 0, pos.n_lines);
    int64_t closed = FIXTURE_PARTITIONS * (f.platform.as_of_ms - 30000 - 10);
    for (int life = 0; life < 2; life++) {
        struct stream_child c = fixture_start(&f, 0, 1);
        while (fixture_committed(&f, "wm") < closed)
            assert_true(child_wait_for(&c, "metrics", NULL));
        child_finish(&c);
        assert_int_equal(fixture_committed(&f, "idle"), FIXTURE_PARTITIONS);
    }
    char *text = fixture_outputs_text(&f);
    assert_null(strstr(text, "\"is_final\":false"));
    size_t rows = 0, want = 0;
    for (const char *p = text; (p = strstr(p, "\"is_final\":true")); p++)
        rows++;
    for (const char *p = reference(); (p = strstr(p, "\"is_final\":")); p++)
        want++;
    assert_int_equal(rows, want);
    mem_free(text);
    fixture_release(&f);
}

/* New rows of a table take effect between epochs, and a replay does not cross them. */
static void new_rows_of_a_table_are_used_from_then_on(void **state)
{
    (void)state;
    if (!load())
        skip();
    struct stream_fixture f;
    fixture_init(&f);
    fixture_put_lines(&f, &pos, &arrival, 0, 1000);
    struct stream_child c = fixture_start(&f, 0, 1);
    while (fixture_committed(&f, "offset") < 1000)
        assert_true(child_wait_for(&c, "metrics", NULL));
    int64_t unknown = fixture_committed(&f, "unk_store");
    assert_true(unknown > 800);
    fixture_put_tables(&f);
    struct bus_committed *at = mem_alloc(sizeof *at);
    do {
        assert_true(child_wait_for(&c, "metrics", NULL));
        OK(&f, bus_committed(f.bus, "@stream:enrichment:0", "stores", 0, at, &f.e));
    } while (at->offset < 457);
    fixture_put_lines(&f, &pos, &arrival, 1000, 2000);
    while (fixture_committed(&f, "offset") < 2000)
        assert_true(child_wait_for(&c, "metrics", NULL));
    assert_int_equal(fixture_committed(&f, "unk_store"), unknown);
    kill(c.pid, SIGKILL);
    child_end(&c);
    fixture_put_lines(&f, &pos, &arrival, 2000, 3000);
    fixture_run(&f);
    assert_int_equal(fixture_committed(&f, "unk_store"), unknown);
    /* what snapshots still need is pinned: never behind them, never before */
    for (int32_t i = 0; i < FIXTURE_PARTITIONS; i++) {
        OK(&f, bus_committed(f.bus, "stream:enrichment", "transactions", i, at, &f.e));
        int64_t offset = at->offset;
        OK(&f, bus_committed(f.bus, "@stream:enrichment", "transactions", i, at, &f.e));
        assert_int_equal(at->offset, offset);
    }
    mem_free(at);
    fixture_release(&f);
}

/* No room on the disk: it ends with that error at some commit; with room it goes on. */
static void a_full_disk_stops_it_and_loses_nothing(void **state)
{
    (void)state;
    if (!load())
        skip();
    struct stream_fixture f;
    struct stat db, log;
    char wal[320];
    fixture_init(&f);
    f.conf.epoch_records = 300;
    fixture_put_tables(&f);
    fixture_put_lines(&f, &pos, &arrival, 0, pos.n_lines);
    snprintf(wal, sizeof wal, "%s-wal", f.bus_path);
    assert_int_equal(stat(f.bus_path, &db), 0);
    off_t largest =
        stat(wal, &log) == 0 && log.st_size > db.st_size ? log.st_size : db.st_size;
    f.file_limit = (rlim_t)largest + 1000000; /* a part of the output still fits */
    struct stream_child c = fixture_start(&f, 0, 1);
    int rc = child_end(&c);
    assert_true(rc == -ERR_FULL || rc == -ERR_IO);
    int64_t done = fixture_committed(&f, "offset");
    assert_true(done > 0 && done < 3433);
    f.file_limit = 0;
    fixture_run(&f);
    char *got = fixture_outputs_text(&f);
    expect_same(got, reference());
    mem_free(got);
    fixture_release(&f);
}

/* A worker that was replaced while it hung commits nothing and ends. */
static void a_fenced_worker_ends(void **state)
{
    (void)state;
    if (!load())
        skip();
    struct stream_fixture f;
    fixture_init(&f);
    fixture_put_tables(&f);
    fixture_put_lines(&f, &pos, &arrival, 0, 1000);
    struct stream_child old = fixture_start(&f, 0, 1);
    assert_true(child_wait_for(&old, "ready", NULL));
    kill(old.pid, SIGSTOP);
    struct stream_child young = fixture_start(&f, 0, 1);
    child_finish(&young);
    kill(old.pid, SIGCONT);
    fixture_put_lines(&f, &pos, &arrival, 1000, pos.n_lines);
    assert_int_equal(child_end(&old), -ERR_FENCED);
    fixture_run(&f);
    assert_int_equal(fixture_committed(&f, "in"), 3433);
    assert_int_equal(fixture_committed(&f, "dup"), 60);
    fixture_release(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_what_the_steps_say),
        cmocka_unit_test(a_second_run_changes_nothing),
        cmocka_unit_test(half_and_whole_equal_one_run),
        cmocka_unit_test(three_workers_write_what_one_writes),
        cmocka_unit_test(killed_at_any_point_it_writes_the_same),
        cmocka_unit_test(losing_the_snapshots_changes_nothing),
        cmocka_unit_test(a_damaged_snapshot_file_changes_nothing),
        cmocka_unit_test(more_and_fewer_workers_go_on_where_the_others_stopped),
        cmocka_unit_test(killed_while_their_number_changes_they_write_the_same),
        cmocka_unit_test(a_worker_of_another_count_is_fenced),
        cmocka_unit_test(idle_partitions_close_their_windows),
        cmocka_unit_test(new_rows_of_a_table_are_used_from_then_on),
        cmocka_unit_test(a_full_disk_stops_it_and_loses_nothing),
        cmocka_unit_test(a_fenced_worker_ends),
    };
    signal(SIGPIPE, SIG_IGN);
    log_set_level(LOG_WARN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
