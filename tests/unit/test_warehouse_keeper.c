/* The keeper of write-ahead logs: with it a commit leaves its log alone and the keeper
 * brings it back; without it each commit does. */
#include "wh_fixture.h"
#include <sys/stat.h>
#include <sys/wait.h>
#include "warehouse/keeper.h"

static off_t size_of(const struct fixture *f, const char *file)
{
    struct stat st;
    char *path = mem_printf("%s/%s", f->dir, file);
    off_t n = stat(path, &st) == 0 ? st.st_size : -1;
    mem_free(path);
    return n;
}

#define MB (1 << 20)

static void write_80_mb(struct fixture *f, const char *table)
{
    char *sql = mem_printf(
        "create table silver.%s as with recursive n(i) as (select 1 union all select i "
        "+ 1 from n where i < 80) select i, randomblob(1048576) as b from n",
        table);
    run(f->w, sql);
    mem_free(sql);
}

static void test_without_a_keeper_the_commit_does_it(void **state)
{
    struct fixture *f = *state;
    write_80_mb(f, "a");
    assert_true(size_of(f, "silver.db") > 80 * MB);
}

static void test_the_keeper_does_it(void **state)
{
    struct fixture *f = *state;
    struct err e = {0};
    struct wh_keeper *k = wh_keeper_open(f->dir), *other = wh_keeper_open(f->dir);
    assert_int_equal(wh_keeper_round(k, &e), 1);
    assert_int_equal(wh_keeper_round(other, &e), 0); /* there is one */
    write_80_mb(f, "a");
    assert_true(size_of(f, "silver.db") < MB);
    assert_int_equal(wh_keeper_round(k, &e), 1);
    assert_true(size_of(f, "silver.db") > 80 * MB);
    IS(f->w, "select sum(i) || ' ' || sum(length(b)) from silver.a", "3240 83886080");
    run(f->w, "insert into silver.a values(0, 'x')"); /* the log begins anew */
    assert_true(size_of(f, "silver.db-wal") < 100 * MB);
    wh_keeper_close(k);
    assert_int_equal(wh_keeper_round(other, &e), 1);
    wh_keeper_close(other);
    write_80_mb(f, "b");
    assert_true(size_of(f, "silver.db") > 160 * MB);
}

/* A keeper that is killed is none. */
static void test_a_dead_keeper_keeps_nothing(void **state)
{
    struct fixture *f = *state;
    int ready[2];
    char c;
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct wh_keeper *k = wh_keeper_open(f->dir);
        c = wh_keeper_round(k, NULL) == 1;
        _exit(write(ready[1], &c, 1) == 1 && pause());
    }
    assert_int_equal(read(ready[0], &c, 1), 1);
    assert_int_equal(c, 1);
    assert_int_equal(kill(pid, SIGKILL), 0);
    waitpid(pid, NULL, 0);
    write_80_mb(f, "a");
    assert_true(size_of(f, "silver.db") > 80 * MB);
    close(ready[0]);
    close(ready[1]);
}

static void test_no_folder_yet(void **state)
{
    struct err e = {0};
    struct wh_keeper *k = wh_keeper_open("/nowhere/at/all");
    (void)state;
    assert_int_equal(wh_keeper_round(k, &e), 0);
    wh_keeper_close(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        T(test_without_a_keeper_the_commit_does_it),
        T(test_the_keeper_does_it),
        T(test_a_dead_keeper_keeps_nothing),
        T(test_no_folder_yet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
