/* The stores and products plugins through the real host and bus: deltas, bad rows,
 * shrink, interruption, masking. */
#include "ingest_fixture.h"

#include <dirent.h>
#include "ingest/host.h"

static void put(struct fix *f, const char *text)
{
    fix_write(f->input, text, strlen(text), false);
}

/* "op:key" of all records in order, one a space, of the records from `from` on. */
static const char *ops(const struct fix *f, size_t from)
{
    static char out[4096];
    struct err e = {0};
    struct bus *b = fix_bus(f);
    struct bus_consumer *c;
    struct bus_batch batch;
    size_t n = 0, seen = 0;
    out[0] = 0;
    assert_int_equal(bus_consumer_open(b, "fix", &c, &e), 0);
    assert_int_equal(bus_assign(c, "data", 0, BUS_OFFSET_BEGIN, &e), 0);
    while (bus_poll(c, 1000, 0, &batch, &e) > 0) {
        for (size_t i = 0; i < batch.n; i++) {
            char *op = fix_header(&batch.records[i], "op");
            struct str k = batch.records[i].key;
            if (seen++ >= from)
                n += (size_t)snprintf(out + n, sizeof(out) - n, "%s%s:%.*s",
                                      n ? " " : "", op ? op : "?", (int)k.n, k.p);
            free(op);
        }
    }
    bus_consumer_close(c);
    bus_close(b);
    return out;
}

static void init(struct fix *f, const char *file)
{
    fix_init(f, "stores", file);
    f->topics[0].partitions = 1;
    f->topics[0].key = "hash";
}

static int files_kept(const struct fix *f)
{
    int n = 0;
    DIR *d = opendir(fix_path(f, "sources/src"));
    struct dirent *de;
    while (d && (de = readdir(d)))
        n += de->d_name[0] != '.';
    if (d)
        closedir(d);
    return n;
}

static void tells_inserts_updates_deletes(void **state)
{
    (void)state;
    struct fix f;
    init(&f, "stores.csv");
    put(&f, "store_id,name,size\n1,One,10\n2,Two,\n3,\"Th,\"\"ree\n\",30\n");
    assert_int_equal(fix_ingest(&f), 0);
    struct fix_records r = fix_topic(&f, "data");
    assert_int_equal(r.n, 3);
    assert_string_equal(r.v[1].value,
                        "{\"store_id\":\"2\",\"name\":\"Two\",\"size\":null}");
    assert_string_equal(
        r.v[2].value,
        "{\"store_id\":\"3\",\"name\":\"Th,\\\"ree\\n\",\"size\":\"30\"}");
    assert_string_equal(r.v[2].line, "4");
    fix_records_free(&r);
    fix_set(&f, "refuse_shrink", "50%");
    put(&f, "store_id,name,size\n1,One,10\n2,Two,22\n4,Four,40\n");
    assert_int_equal(fix_ingest(&f), 0);
    assert_string_equal(ops(&f, 3), "update:2 insert:4 delete:3");
    r = fix_topic(&f, "data");
    assert_string_equal(
        r.v[r.n - 1].value, /* line 4 of the old file: last known row */
        "{\"store_id\":\"3\",\"name\":\"Th,\\\"ree\\n\",\"size\":\"30\"}");
    fix_records_free(&r);
    assert_int_equal(fix_ingest(&f), 0);
    assert_int_equal(fix_count(&f, "data"), 6); /* nothing new the third time */
    assert_int_equal(files_kept(&f), 1);
    fix_release(&f);
}

static void refuses_a_shrunk_snapshot(void **state)
{
    (void)state;
    struct fix f;
    init(&f, "stores.csv");
    put(&f, "store_id,name\n1,a\n2,b\n3,c\n4,d\n5,e\n");
    assert_int_equal(fix_ingest(&f), 0);
    put(&f, "store_id,name\n1,a\n2,x\n3,c\n");
    assert_int_equal(fix_ingest(&f), 1);
    fix_assert_says(&f, "has 3 rows, the last one had 5 (-40.0%)");
    fix_assert_says(&f, "allow_shrink=true");
    assert_int_equal(fix_count(&f, "data"), 5);
    put(&f, "store_id,name\n");
    assert_int_equal(fix_ingest(&f), 1);
    fix_set(&f, "allow_shrink", "true");
    assert_int_equal(fix_ingest(&f), 0);
    assert_string_equal(ops(&f, 5), "delete:1 delete:2 delete:3 delete:4 delete:5");
    fix_release(&f);
}

static void bad_rows_cost_themselves_only(void **state)
{
    (void)state;
    struct fix f;
    init(&f, "stores.csv");
    fix_set(&f, "refuse_shrink", "100%");
    put(&f, "\xef\xbb\xbfstore_id,name\r\n1,a\r\n2,b\r\n3,c\r\n");
    assert_int_equal(fix_ingest(&f), 0);
    assert_int_equal(fix_count(&f, "data"), 3);
    /* ragged, no key, a key twice, no UTF-8, an unclosed quote; 2 is unreadable, not
     * gone */
    put(&f, "store_id,name\n1,a\n2,b,what\n,x\n1,again\n3,\xff\n4,\"open\n5,e\n");
    assert_int_equal(fix_ingest(&f), 0);
    assert_string_equal(ops(&f, 3), "insert:5");
    struct fix_records d = fix_topic(&f, "dead-letters");
    static const char *const expected[][3] = {
        {"3", "ragged_row", "2,b,what"},  {"4", "missing_field", ",x"},
        {"5", "duplicate_row", NULL},     {"6", "invalid_utf8", "3,\xff"},
        {"7", "invalid_csv", "4,\"open"},
    };
    assert_int_equal(d.n, 5);
    for (size_t i = 0; i < d.n; i++) {
        assert_string_equal(d.v[i].line, expected[i][0]);
        assert_string_equal(d.v[i].reason, expected[i][1]);
        if (expected[i][2])
            assert_string_equal(d.v[i].value, expected[i][2]);
    }
    assert_non_null(strstr(d.v[2].detail, "first on line 2"));
    fix_records_free(&d);
    /* the same bad rows are not told again; a repaired file deletes what is gone */
    assert_int_equal(fix_ingest(&f), 0);
    assert_int_equal(fix_count(&f, "dead-letters"), 5);
    put(&f, "store_id,name\n1,a\n5,e\n");
    assert_int_equal(fix_ingest(&f), 0);
    assert_string_equal(ops(&f, 4), "delete:2 delete:3");
    fix_release(&f);
}

static void json_forms_are_the_same_rows(void **state)
{
    (void)state;
    struct fix f;
    init(&f, "stores.json");
    put(&f,
        "[ {\"store_id\":\"1\",\"n\":5,\"x\":null},\n {\"store_id\":2,\"n\":\"\",\"x\":"
        "{\"a\":[1]}} ]");
    assert_int_equal(fix_ingest(&f), 0);
    struct fix_records r = fix_topic(&f, "data");
    assert_int_equal(r.n, 2);
    assert_string_equal(r.v[0].value, "{\"store_id\":\"1\",\"n\":\"5\",\"x\":null}");
    assert_string_equal(r.v[1].value,
                        "{\"store_id\":\"2\",\"n\":null,\"x\":\"{\\\"a\\\":[1]}\"}");
    fix_records_free(&r);
    put(&f, "{\"store_id\":\"1\",\"n\":\"5\",\"x\":null}\n{\"store_id\":2,\"x\":[}\n"
            "{\"store_id\":3,\"n\":1}");
    assert_int_equal(fix_ingest(&f), 0);
    assert_string_equal(ops(&f, 2), "insert:3"); /* 2 is held: its row is broken */
    struct fix_records d = fix_topic(&f, "dead-letters");
    assert_int_equal(d.n, 1);
    assert_string_equal(d.v[0].reason, "invalid_json");
    assert_string_equal(d.v[0].line, "2");
    fix_records_free(&d);
    fix_release(&f);
}

static void unreadable_files_change_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "the file is empty: a header line expected"},
        {"id,name\n1,a\n", "no column store_id; columns are id,name"},
        {"store_id,name,name\n1,a,b\n", "two columns have the same name"},
        {"store_id,\n1,a\n", "a column has no name"},
        {"[{\"store_id\":1},{\"store_id\":2}", "the array is not closed"},
        {"[{\"store_id\":1},{\"store_id\"}]", "element 2"},
        {"[{\"store_id\":1} {\"store_id\":2}]", "',' or ']' expected"},
    };
    struct fix f;
    init(&f, "stores.csv");
    put(&f, "store_id,name\n1,a\n");
    assert_int_equal(fix_ingest(&f), 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        put(&f, cases[i].text);
        assert_int_equal(fix_ingest(&f), 1);
        fix_assert_says(&f, cases[i].says);
    }
    assert_int_equal(fix_count(&f, "data"), 1);
    assert_int_equal(files_kept(&f), 1);
    fix_release(&f);
}

static char *many_rows(int n, const char *name, size_t *len)
{
    char *p = malloc((size_t)n * 40 + 64), *q = p;
    q += snprintf(q, 64, "store_id,name\n");
    for (int i = 0; i < n; i++)
        q += snprintf(q, 40, "%d,%s %d\n", i, name, i);
    *len = (size_t)(q - p);
    return p;
}

static void truncated_gzip_changes_nothing(void **state)
{
    (void)state;
    struct fix f;
    struct stat st;
    size_t n;
    char *p = many_rows(5000, "a", &n);
    init(&f, "stores.csv.gz");
    fix_write_gz(f.input, p, n);
    assert_int_equal(fix_ingest(&f), 0);
    assert_int_equal(stat(f.input, &st), 0);
    assert_int_equal(truncate(f.input, st.st_size - 100), 0);
    assert_int_equal(fix_ingest(&f), 1);
    fix_assert_says(&f, "the gzip file ends in the middle");
    assert_int_equal(fix_count(&f, "data"), 5000);
    fix_release(&f);
    free(p);
}

/* The delta goes on between the same two snapshots, whatever the source holds by then.
 */
static void interrupted_delta_goes_on(void **state)
{
    (void)state;
    struct fix f;
    struct counts counts = {0};
    struct err e = {0};
    struct weir_record r;
    struct host *h = calloc(1, sizeof(*h));
    char cp[WEIR_CHECKPOINT_MAX];
    enum weir_status st;
    init(&f, "stores.csv");
    put(&f, "store_id,name\n1,a\n2,b\n3,c\n4,d\n");
    host_init(h, &f.platform, &f.source, NULL, &counts);
    assert_int_equal(host_load(h, &e), 0);
    assert_int_equal(host_open(h, true, "", &e), 0);
    for (int taken = 0; taken < 2;) {
        st = host_next(h, &r);
        assert_true(st == WEIR_WAIT || st == WEIR_RECORD);
        taken += st == WEIR_RECORD;
    }
    assert_int_equal(host_checkpoint(h, cp, sizeof(cp), &e), 0);
    host_committed(h);
    host_next(h, &r); /* returned but never committed */
    host_close(h);
    put(&f, "store_id,name\n1,a\n3,CC\n4,d\n5,e\n");
    char got[256] = "";
    size_t n = 0;
    assert_int_equal(host_open(h, true, cp, &e), 0);
    while ((st = host_next(h, &r)) != WEIR_END) {
        assert_true(st == WEIR_WAIT || st == WEIR_RECORD);
        if (st == WEIR_RECORD)
            n += (size_t)snprintf(got + n, sizeof(got) - n, "%s:%.*s ", r.op,
                                  (int)r.key_len, r.key);
    }
    assert_string_equal(got, "insert:3 insert:4 update:3 insert:5 delete:2 ");
    host_release(h);
    free(h);
    fix_release(&f);
}

static void lost_state_sends_all_again(void **state)
{
    (void)state;
    struct fix f;
    init(&f, "stores.csv");
    put(&f, "store_id,name\n1,a\n2,b\n");
    assert_int_equal(fix_ingest(&f), 0);
    assert_int_equal(unlink(fix_path(&f, "sources/src/snapshot-1.gz")), 0);
    assert_int_equal(fix_ingest(&f), 0);
    fix_assert_says(&f, "all rows are sent again");
    assert_string_equal(ops(&f, 2), "insert:1 insert:2");
    fix_release(&f);
}

/* No card number in the stored snapshot, on the bus, or counted twice. */
static void masks_before_it_stores(void **state)
{
    (void)state;
    struct fix f;
    init(&f, "stores.csv");
    put(&f, "store_id,note\n4111111111111111,card 4111 1111 1111 1111\n2,b\n2,"
            "5500005555555559\n");
    assert_int_equal(fix_ingest(&f), 0);
    struct fix_records r = fix_topic(&f, "data"), d = fix_topic(&f, "dead-letters");
    assert_string_equal(
        r.v[0].value,
        "{\"store_id\":\"4111111111111111\",\"note\":\"card 4111 11** **** 1111\"}");
    assert_int_equal(d.n, 1);
    assert_string_equal(d.v[0].value, "2,550000******5559");
    fix_records_free(&r);
    fix_records_free(&d);
    char line[4200];
    gzFile gz = gzopen(fix_path(&f, "sources/src/snapshot-1.gz"), "rb");
    assert_non_null(gz);
    int n = gzread(gz, line, sizeof(line));
    assert_true(n > 0);
    assert_null(memmem(line, (size_t)n, "5500005555555559", 16));
    assert_null(memmem(line, (size_t)n, "4111 1111", 9));
    gzclose(gz);
    fix_metadata(&f, line, sizeof(line));
    assert_non_null(strstr(line, "\"masked\":2"));
    assert_int_equal(fix_ingest(&f), 0);
    fix_metadata(&f, line, sizeof(line));
    assert_non_null(strstr(line, "\"masked\":2"));
    fix_release(&f);
}

static void products_of_the_real_data(void **state)
{
    (void)state;
    struct fix f;
    const char *dir = getenv("WEIR_SHARED");
    char path[PATH_MAX], full[PATH_MAX];
    snprintf(path, sizeof(path), "%s/data/products.csv.gz", dir ? dir : "../shared");
    if (!realpath(path, full))
        skip();
    fix_init(&f, "products", "unused");
    fix_set(&f, "path", full);
    assert_int_equal(fix_ingest(&f), 0);
    assert_int_equal(fix_count(&f, "data"), 92331);
    assert_int_equal(fix_count(&f, "dead-letters"), 0);
    assert_int_equal(fix_ingest(&f), 0);
    assert_int_equal(fix_count(&f, "data"), 92331);
    fix_release(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_inserts_updates_deletes),
        cmocka_unit_test(refuses_a_shrunk_snapshot),
        cmocka_unit_test(bad_rows_cost_themselves_only),
        cmocka_unit_test(json_forms_are_the_same_rows),
        cmocka_unit_test(unreadable_files_change_nothing),
        cmocka_unit_test(truncated_gzip_changes_nothing),
        cmocka_unit_test(interrupted_delta_goes_on),
        cmocka_unit_test(lost_state_sends_all_again),
        cmocka_unit_test(masks_before_it_stores),
        cmocka_unit_test(products_of_the_real_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
