/* The snapshot file: newest good one at or before an offset, three kept, damage
 * noticed. */
#include "stream_data.h"

#include <sqlite3.h>
#include <unistd.h>

#include "stream/snapshot.h"

struct place {
    char dir[64], path[128];
    struct snapshots *s;
    struct buf out;
    struct err e;
};

#define OK(p, call)                                                                    \
    do {                                                                               \
        if ((call) < 0)                                                                \
            fail_msg("%s: %s", #call, (p)->e.text);                                    \
    } while (0)

static void place_open(struct place *p)
{
    *p = (struct place){.dir = "/tmp/weir-snap-XXXXXX"};
    assert_non_null(mkdtemp(p->dir));
    snprintf(p->path, sizeof p->path, "%s/stream-x.db", p->dir);
    buf_init(&p->out, 1 << 20);
    OK(p, snapshots_open(&p->s, p->path, &p->e));
}

static void place_close(struct place *p)
{
    char command[128];
    snapshots_close(p->s);
    buf_release(&p->out);
    snprintf(command, sizeof command, "rm -rf '%s'", p->dir);
    assert_int_equal(system(command), 0);
}

static void put(struct place *p, int partition, int64_t offset, const char *text)
{
    OK(p, snapshots_begin(p->s, &p->e));
    OK(p, snapshots_put(p->s, "t", partition, offset, str_of(text), &p->e));
    OK(p, snapshots_commit(p->s, &p->e));
}

static void expect(struct place *p, int partition, int64_t before, int64_t at,
                   const char *text)
{
    int64_t offset = before;
    int rc = snapshots_load(p->s, "t", partition, &offset, &p->out, &p->e);
    OK(p, rc);
    assert_int_equal(rc, text != NULL);
    if (text) {
        assert_int_equal(offset, at);
        assert_string_equal(buf_str(&p->out), text);
    }
}

static void gives_the_newest_at_or_before(void **state)
{
    (void)state;
    struct place p;
    place_open(&p);
    expect(&p, 0, 100, 0, NULL);
    put(&p, 0, 10, "ten");
    put(&p, 0, 20, "twenty");
    put(&p, 1, 15, "other");
    expect(&p, 0, 100, 20, "twenty");
    expect(&p, 0, 20, 20, "twenty");
    expect(&p, 1, 100, 15, "other");
    /* committed is 19: the one at 20 is of a life that never was, and is forgotten */
    expect(&p, 0, 19, 10, "ten");
    expect(&p, 0, 100, 10, "ten");
    expect(&p, 0, 9, 0, NULL);
    place_close(&p);
}

static void keeps_three(void **state)
{
    (void)state;
    struct place p;
    place_open(&p);
    for (int i = 1; i <= 9; i++)
        put(&p, 0, i * 10, i % 2 ? "odd" : "even");
    put(&p, 1, 10, "other");
    expect(&p, 1, 100, 10, "other");
    expect(&p, 0, 100, 90, "odd");
    expect(&p, 0, 89, 80, "even");
    expect(&p, 0, 79, 70, "odd");
    expect(&p, 0, 69, 0, NULL);
    place_close(&p);
}

static void skips_a_damaged_one(void **state)
{
    (void)state;
    struct place p;
    sqlite3 *db;
    place_open(&p);
    put(&p, 0, 10, "ten");
    put(&p, 0, 20, "twenty");
    assert_int_equal(sqlite3_open(p.path, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db, "update snapshot set bytes = 'twentz' where offset = 20", NULL,
                     NULL, NULL),
        SQLITE_OK);
    sqlite3_close(db);
    expect(&p, 0, 100, 10, "ten");
    place_close(&p);
}

static void a_rollback_leaves_what_was(void **state)
{
    (void)state;
    struct place p;
    place_open(&p);
    put(&p, 0, 10, "ten");
    OK(&p, snapshots_begin(p.s, &p.e));
    OK(&p, snapshots_put(p.s, "t", 0, 20, STR("twenty"), &p.e));
    snapshots_rollback(p.s);
    expect(&p, 0, 100, 10, "ten");
    snapshots_close(p.s);
    OK(&p, snapshots_open(&p.s, p.path, &p.e));
    expect(&p, 0, 100, 10, "ten");
    place_close(&p);
}

static void a_file_that_is_none_is_named(void **state)
{
    (void)state;
    struct place p;
    struct snapshots *s;
    char path[160];
    place_open(&p);
    snprintf(path, sizeof path, "%s/text", p.dir);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    for (int i = 0; i < 200; i++)
        fputs("this is no database\n", f);
    fclose(f);
    assert_int_equal(snapshots_open(&s, path, &p.e), ERR_CORRUPT);
    assert_non_null(strstr(p.e.text, path));
    place_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_the_newest_at_or_before),
        cmocka_unit_test(keeps_three),
        cmocka_unit_test(skips_a_damaged_one),
        cmocka_unit_test(a_rollback_leaves_what_was),
        cmocka_unit_test(a_file_that_is_none_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
