/* A temporary folder with a warehouse and, unless a project of tests/projects is
 * opened, a project "tiny" that the test writes file by file. */
#ifndef UNIT_MODEL_FIXTURE_H
#define UNIT_MODEL_FIXTURE_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/mem.h"
#include "model/model.h"
#include "warehouse/warehouse.h"

struct shop {
    char dir[64];
    struct project *p;
    struct wh *w;
    bool tests_first, full_refresh;
    char message[1024]; /* of the last node run */
};

static inline int shop_remove(const char *path, const struct stat *st, int flag,
                              struct FTW *f)
{
    (void)st, (void)flag, (void)f;
    return remove(path);
}

/* Writes a file of the project "tiny". */
static inline void put(struct shop *s, const char *rel, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/tiny/%s", s->dir, rel);
    for (char *c = path + strlen(s->dir) + 1; *c; c++)
        if (*c == '/') {
            *c = '\0';
            mkdir(path, 0755);
            *c = '/';
        }
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static inline int shop_load(struct shop *s, const char *project, const char *vars,
                            struct err *e)
{
    char dir[128], target[128];
    snprintf(dir, sizeof dir, "%s/tiny", s->dir);
    snprintf(target, sizeof target, "%s/target", s->dir);
    struct project_options o = {.project_dir = project ? project : dir,
                                .vars = vars,
                                .adapter = "sqlite",
                                .schema = "main",
                                .dialect = "snowflake",
                                .target_path = target,
                                .now_ms = 1514764800000};
    project_free(s->p);
    s->p = NULL;
    return project_load(&s->p, &o, e);
}

/* Loads the project (NULL: tiny) anew; the warehouse stays. */
static inline void shop_open(struct shop *s, const char *project, const char *vars)
{
    struct err e = {0};
    if (shop_load(s, project, vars, &e) < 0)
        fail_msg("%s", e.text);
}

static inline int shop_setup(void **state)
{
    static const char *const schemas[] = {"main", "bronze", "silver", "gold", NULL};
    struct shop *s = mem_alloc(sizeof *s);
    struct err e = {0};
    char dir[128];
    str_copy(s->dir, sizeof s->dir, "/tmp/weir-model-XXXXXX");
    assert_non_null(mkdtemp(s->dir));
    snprintf(dir, sizeof dir, "%s/wh", s->dir);
    struct wh_options o = {.dir = dir,
                           .schemas = schemas,
                           .dialect = "snowflake",
                           .now_ms = 1514764800000};
    assert_int_equal(wh_open(&s->w, &o, &e), 0);
    put(s, "dbt_project.yml", "name: tiny\nversion: '1.0'\nconfig-version: 2\n");
    s->tests_first = true;
    *state = s;
    return 0;
}

static inline int shop_teardown(void **state)
{
    struct shop *s = *state;
    project_free(s->p);
    wh_close(s->w);
    nftw(s->dir, shop_remove, 16, FTW_DEPTH | FTW_PHYS);
    mem_free(s);
    return 0;
}

static inline void sql(struct shop *s, const char *text)
{
    struct err e = {0};
    if (wh_exec(s->w, text, &e) < 0)
        fail_msg("%s: %s", text, e.text);
}

/* Status of one node's run; its message is kept. */
static inline const char *run_node(struct shop *s, const char *id, model_gate_fn *gate)
{
    struct err e = {0};
    struct model_result r;
    struct model_run_options o = {.tests_first = s->tests_first,
                                  .gate = gate,
                                  .gate_arg = s,
                                  .full_refresh = s->full_refresh};
    const struct node *n = project_find(s->p, id);
    if (!n)
        fail_msg("no node %s", id);
    if (model_run(s->p, s->w, n, &o, &r, &e) < 0)
        fail_msg("%s: %s", id, e.text);
    const char *status = r.status;
    str_copy(s->message, sizeof s->message, r.message);
    model_result_release(&r);
    return status;
}

static inline const char *ask(struct shop *s, const char *text)
{
    static char out[2048];
    struct err e = {0};
    struct wh_cursor *c;
    if (wh_query(s->w, text, &c, &e) < 0)
        fail_msg("%s: %s", text, e.text);
    struct wh_value v = {.type = WH_NULL};
    int rc = wh_next(c, &e);
    if (rc < 0)
        fail_msg("%s: %s", text, e.text);
    if (rc > 0)
        v = wh_value(c, 0);
    if (v.type == WH_INT)
        snprintf(out, sizeof out, "%lld", (long long)v.i);
    else if (v.type == WH_REAL)
        snprintf(out, sizeof out, "%.15g", v.d);
    else if (v.type == WH_TEXT)
        snprintf(out, sizeof out, "%.*s", (int)v.text.n, v.text.p);
    else
        snprintf(out, sizeof out, "NULL");
    wh_cursor_close(c);
    return out;
}

#define OK(s, id)                                                                      \
    do {                                                                               \
        if (!streq(run_node(s, id, NULL), "success"))                                  \
            fail_msg("%s: %s", id, (s)->message);                                      \
    } while (0)
#define IS(s, text, expected) assert_string_equal(ask(s, text), expected)

#endif
