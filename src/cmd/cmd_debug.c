/* weir debug: whether everything a run needs is there: the project's file, the profile,
 * the warehouse. In: the platform. Out: one line a check, the exit status. */
#include <stdio.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "cmd/dbt_flags.h"

struct checks {
    json_t *rows;
    int n_bad;
};

static void note(struct checks *c, const char *what, bool is_ok, const char *detail)
{
    json_array_append_new(c->rows, json_pack("{s:s, s:s, s:s}", "check", what, "status",
                                             is_ok ? "ok" : "error", "detail",
                                             detail ? detail : ""));
    c->n_bad += !is_ok;
}

static void check_project(struct checks *c, const struct cmd_args *a,
                          struct sql_engine *g)
{
    struct err e = {0};
    if (!a->platform->models_project) {
        note(c, "dbt_project.yml", false,
             "no project: models: {project: …} in weir.yml");
        return;
    }
    char *path = mem_printf("%s/dbt_project.yml", a->platform->models_project);
    int rc = dbt_engine(a, g, &e);
    note(c, "dbt_project.yml", rc == 0, rc < 0 ? e.text : path);
    if (rc == 0) {
        char *count = mem_printf("%zu nodes, %zu warnings", project_n_nodes(g->project),
                                 project_n_warnings(g->project));
        note(c, "project", true, count);
        mem_free(count);
    }
    mem_free(path);
}

static void check_connection(struct checks *c, struct sql_engine *g)
{
    struct err e = {0};
    struct wh_cursor *cursor = NULL;
    int rc = sql_engine_warehouse(g, true, &e);
    if (rc == 0)
        rc = wh_query_raw(g->w, "select 1", &cursor, &e);
    if (rc == 0)
        rc = wh_next(cursor, &e);
    wh_cursor_close(cursor);
    note(c, "connection", rc >= 0, rc < 0 ? e.text : g->p->warehouse_kind);
}

static bool is_on_path(const char *program)
{
    const char *at = getenv("PATH");
    for (; at && *at; at += strcspn(at, ":"), at += *at == ':') {
        char *path = mem_printf("%.*s/%s", (int)strcspn(at, ":"), at, program);
        bool is_there = access(path, X_OK) == 0;
        mem_free(path);
        if (is_there)
            return true;
    }
    return false;
}

static int print(const struct cmd_args *a, const struct checks *c, struct err *e)
{
    static const struct cmd_column columns[] = {{"check", "CHECK", COL_TEXT},
                                                {"status", "STATUS", COL_TEXT},
                                                {"detail", "DETAIL", COL_TEXT}};
    int rc = a->is_quiet && !c->n_bad ? 0 : cmd_print_rows(a, c->rows, columns, 3, e);
    if (rc < 0)
        return rc;
    return c->n_bad ? err_set(e, ERR_FAIL, "%d check%s failed", c->n_bad,
                              c->n_bad == 1 ? "" : "s")
                    : 0;
}

/* Where dbt would look for the profiles, as --config-dir prints it. */
static int print_config_dir(const struct cmd_args *a)
{
    const char *dir = opt_text(a, "profiles-dir", NULL), *home = getenv("HOME");
    const char *project = a->platform->models_project;
    char *own = mem_printf("%s/profiles.yml", project ? project : ".");
    char *fallback = mem_printf("%s/.dbt", home ? home : "");
    printf("%s\n", dir ? dir : access(own, F_OK) == 0 ? project : fallback);
    mem_free(own);
    mem_free(fallback);
    return 0;
}

static int run(const struct cmd_args *a, struct err *e)
{
    struct sql_engine g = {.p = a->platform, .now_ms = -1};
    struct checks c = {json_array(), 0};
    if (opt_flag(a, "config-dir")) {
        json_decref(c.rows);
        return print_config_dir(a);
    }
    note(&c, "weir", true, WEIR_VERSION);
    note(&c, "weir.yml", true,
         a->platform->file ? a->platform->file : "none: dbt's files");
    check_project(&c, a, &g);
    const char *profile = *a->platform->profile ? a->platform->profile : "";
    if (*profile)
        note(&c, "profile", true, profile);
    if (!opt_flag(a, "connection"))
        note(&c, "git", true,
             is_on_path("git") ? "found" : "not found: no git packages");
    check_connection(&c, &g);
    int rc = print(a, &c, e);
    sql_engine_release(&g);
    json_decref(c.rows);
    return rc;
}

static const struct cmd_opt opts[] = {
    {"connection", 0, OPT_FLAG, NULL, "Only the project and its warehouse.", NULL},
    {"config-dir", 0, OPT_FLAG, NULL, "Print the folder of profiles.yml, and no more.",
     NULL},
    {0},
};

const struct cmd cmd_debug = {
    .name = "debug",
    .summary = "Check the project, its profile and the way to the warehouse.",
    .doc = "One line a check. Exit status 0 when all are well, 1 when one is not.",
    .flags = CMD_READONLY | CMD_JSON | CMD_DBT,
    .opts = opts,
    .run = run,
};
