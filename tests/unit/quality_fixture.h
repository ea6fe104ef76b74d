/* A warehouse in a temporary folder, for the tests of quality. */
#ifndef QUALITY_FIXTURE_H
#define QUALITY_FIXTURE_H

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "quality/quality.h"

struct fixture {
    char dir[64];
    struct wh *w, *quarantine;
    json_t *result;
    enum verdict verdict;
};

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *f)
{
    (void)st, (void)flag, (void)f;
    return remove(path);
}

static struct wh *fixture_open(const char *dir, const char *const *schemas)
{
    struct err e = {0};
    struct wh *w;
    struct wh_options o = {.kind = "sqlite",
                           .dir = dir,
                           .schemas = schemas,
                           .dialect = "snowflake",
                           .now_ms = 1514764800000};
    if (wh_open(&w, &o, &e) < 0)
        fail_msg("open: %s", e.text);
    return w;
}

static int setup(void **state)
{
    static const char *const schemas[] = {"bronze", "silver", NULL};
    static const char *const own[] = {"quarantine", NULL};
    struct fixture *f = mem_alloc(sizeof *f);
    str_copy(f->dir, sizeof f->dir, "/tmp/weir-quality-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    f->w = fixture_open(f->dir, schemas);
    f->quarantine = fixture_open(f->dir, own);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    json_decref(f->result);
    wh_close(f->w);
    wh_close(f->quarantine);
    nftw(f->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    mem_free(f);
    return 0;
}

static void run(struct wh *w, const char *sql)
{
    struct err e = {0};
    if (wh_exec_raw(w, sql, &e) < 0)
        fail_msg("%s: %s", sql, e.text);
}

/* Judges r with a suite given as text; f->verdict and f->result are filled. */
static inline int judge(struct fixture *f, const char *suite_text, struct suite_run *r,
                        struct err *e)
{
    struct suite *s = NULL;
    json_t *j = json_loads(suite_text, 0, NULL);
    assert_non_null(j);
    json_decref(f->result);
    f->result = NULL;
    int rc = suite_parse(&s, j, "suite", e);
    if (rc == 0)
        rc = suite_judge(s, f->w, r, &f->verdict, &f->result, e);
    suite_free(s);
    json_decref(j);
    return rc;
}

static inline const json_t *result_at(const struct fixture *f, size_t i)
{
    return json_array_get(json_object_get(f->result, "results"), i);
}

#endif
