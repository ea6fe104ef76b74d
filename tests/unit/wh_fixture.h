/* A SQLite warehouse with bronze, silver and gold in a folder of its own, and SQL in
 * one line: for the tests of that member. */
#ifndef TESTS_WH_FIXTURE_H
#define TESTS_WH_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <ftw.h>
#include <unistd.h>
#include "base/mem.h"
#include "warehouse/warehouse.h"

static const char *const schemas[] = {"bronze", "silver", "gold", NULL};

struct fixture {
    char dir[64];
    struct wh *w;
};

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *f)
{
    (void)st, (void)flag, (void)f;
    return remove(path);
}

static struct wh *open_wh(const char *dir, bool is_readonly)
{
    struct err e = {0};
    struct wh *w;
    struct wh_options o = {.kind = "sqlite",
                           .dir = dir,
                           .schemas = schemas,
                           .dialect = "snowflake",
                           .is_readonly = is_readonly,
                           .now_ms = 1514764800000};
    if (wh_open(&w, &o, &e) < 0)
        fail_msg("open: %s", e.text);
    return w;
}

static int setup(void **state)
{
    struct fixture *f = mem_alloc(sizeof *f);
    str_copy(f->dir, sizeof f->dir, "/tmp/weir-wh-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    f->w = open_wh(f->dir, false);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    wh_close(f->w);
    nftw(f->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    mem_free(f);
    return 0;
}

static void run(struct wh *w, const char *sql)
{
    struct err e = {0};
    if (wh_exec(w, sql, &e) < 0)
        fail_msg("%s: %s", sql, e.text);
}

/* First value of a query as text; static buffer. */
static const char *ask(struct wh *w, const char *sql)
{
    static char out[4][512];
    static int turn;
    char *to = out[turn++ % 4];
    struct err e = {0};
    struct wh_cursor *c;
    if (wh_query(w, sql, &c, &e) < 0)
        fail_msg("%s: %s", sql, e.text);
    int rc = wh_next(c, &e);
    if (rc < 0)
        fail_msg("%s: %s", sql, e.text);
    struct wh_value v = rc ? wh_value(c, 0) : (struct wh_value){.type = WH_NULL};
    if (v.type == WH_INT)
        snprintf(to, 512, "%lld", (long long)v.i);
    else if (v.type == WH_REAL)
        snprintf(to, 512, "%.15g", v.d);
    else if (v.type == WH_TEXT)
        snprintf(to, 512, "%.*s", (int)v.text.n, v.text.p);
    else
        snprintf(to, 512, "%s", rc ? "NULL" : "none");
    wh_cursor_close(c);
    return to;
}

#define IS(w, sql, expected) assert_string_equal(ask(w, sql), expected)

#endif
