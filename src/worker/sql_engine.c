/* Project and warehouse of the platform, opened when first needed and kept. In: the
 * platform. Called by the sql worker and by the commands compile, ls and query. */
#include "worker/sql.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "model/yaml.h"

#define MAX_SCHEMAS 64
/* A model builds under its schema's lock, so one of the same schema may wait long. */
#define LOCK_WAIT_MS (4 * 3600 * 1000)

/* Flags that say how a project is read, not only how it is run. */
static bool has_same_reading(const json_t *a, const json_t *b)
{
    static const char *const names[] = {"target", "profile", "profiles_dir",
                                        "target_path"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!streq(json_str(a, names[i], ""), json_str(b, names[i], "")))
            return false;
    return true;
}

void sql_engine_flags(struct sql_engine *g, const json_t *flags)
{
    json_t *copy = flags ? json_deep_copy(flags) : NULL;
    json_decref(g->flags);
    g->flags = copy;
}

/* The project's own target-path, as older projects have it; NULL: none. mem_free. */
static char *own_target_path(const struct platform *p)
{
    json_t *conf = NULL;
    char *path = mem_printf("%s/dbt_project.yml", p->models_project), *out = NULL;
    if (yaml_read_path(path, "dbt_project.yml", &conf, NULL) == 0)
        out = mem_strdup(json_str(conf, "target-path", NULL));
    json_decref(conf);
    mem_free(path);
    return out;
}

char *sql_target_dir(const struct platform *p, const json_t *flags)
{
    const char *given = json_str(flags, "target_path", NULL);
    if (!given && p->file)
        return mem_printf("%s/target", p->state_dir);
    char *own = given ? NULL : own_target_path(p);
    const char *path = given ? given : own && *own ? own : "target";
    char *dir =
        *path == '/' ? mem_strdup(path) : mem_printf("%s/%s", p->models_project, path);
    mem_free(own);
    return dir;
}

int sql_engine_project(struct sql_engine *g, const char *vars, struct err *e)
{
    const struct platform *p = g->p;
    if (!p->models_project)
        return err_set(
            e, ERR_CONFIG,
            "this platform has no models project; name its folder in weir.yml "
            "under models: {project: …}");
    /* a command loads it once; a worker looks at the files once a run */
    bool is_marked = g->run && g->project && g->marked_run == g->run;
    uint64_t mark = is_marked ? g->mark : g->run ? project_mark(p->models_project) : 0;
    g->marked_run = g->run;
    bool is_same = g->project && g->mark == mark &&
                   streq(g->vars ? g->vars : "", vars ? vars : "") &&
                   has_same_reading(g->flags, g->loaded_flags);
    if (is_same) {
        project_set_flags(g->project, g->flags);
        return 0;
    }
    project_free(g->project);
    g->project = NULL;
    mem_free(g->vars);
    g->vars = mem_strdup(vars);
    json_decref(g->loaded_flags);
    g->loaded_flags = json_incref(g->flags);
    char *target = sql_target_dir(p, g->flags);
    bool is_sqlite = streq(p->warehouse_kind, "sqlite");
    struct project_options o = {.project_dir = p->models_project,
                                .profiles_dir =
                                    json_str(g->flags, "profiles_dir", NULL),
                                .profile = json_str(g->flags, "profile", NULL),
                                .target = json_str(g->flags, "target", NULL),
                                .vars = vars,
                                .adapter = p->warehouse_kind,
                                .platform_profile = p->profile,
                                .platform_target = p->profile_target,
                                .is_platform = p->file && !*p->profile,
                                .schema = is_sqlite ? "main" : "public",
                                .database = is_sqlite ? NULL : p->postgres.dbname,
                                .threads = p->sql_workers,
                                .dialect = p->dialect,
                                .target_path = target,
                                .no_cache = !json_flag(g->flags, "partial_parse", true),
                                .now_ms = g->now_ms};
    int rc = project_load(&g->project, &o, e);
    if (rc == 0)
        project_set_flags(g->project, g->flags);
    g->mark = mark;
    mem_free(target);
    return rc;
}

static bool uses_main(const struct project *p)
{
    for (size_t i = 0; p && i < project_n_nodes(p); i++) {
        const struct node *n = project_node(p, i);
        if (n->schema && streq(n->schema, "main") && n->type != NODE_TEST)
            return true;
    }
    return false;
}

int sql_engine_warehouse(struct sql_engine *g, bool is_readonly, struct err *e)
{
    const char *schemas[MAX_SCHEMAS + 2];
    size_t n = 0;
    if (g->w && wh_is_lost(g->w)) {
        wh_close(g->w);
        g->w = NULL;
    }
    if (g->w)
        return 0;
    for (; g->p->schemas && g->p->schemas[n] && n < MAX_SCHEMAS; n++)
        schemas[n] = g->p->schemas[n];
    if (uses_main(g->project))
        schemas[n++] = "main";
    schemas[n] = NULL;
    struct wh_options o = wh_options_of(g->p);
    o.schemas = schemas;
    o.is_readonly = is_readonly;
    o.now_ms = g->now_ms;
    o.busy_timeout_ms = LOCK_WAIT_MS;
    return wh_open(&g->w, &o, e);
}

void sql_engine_release(struct sql_engine *g)
{
    project_leave(g->project); /* of the callers, all end with it */
    wh_close(g->w);
    wh_close(g->quarantine);
    mem_free(g->vars);
    json_decref(g->flags);
    json_decref(g->loaded_flags);
    *g = (struct sql_engine){0};
}
