/* The project: its life from the folder of dbt_project.yml to project_free. The steps
 * of loading are files of their own: packages.c, macros.c, load.c, parse.c,
 * properties.c, link.c. A node whose file cannot be parsed stays, marked broken, and so
 * do the others. Called by the sql worker and by compile, ls and build. */
#include "model/cache.h"

#include <stdlib.h>
#include <sys/random.h>
#include "base/timeutil.h"
#include "model/yaml.h"

static void copy_options(struct project *p, const struct project_options *o)
{
    struct arena *a = &p->mem;
    char real[4096];
    p->o = *o;
    p->dir = arena_strdup(a, realpath(o->project_dir, real) ? real : o->project_dir);
    p->o.project_dir = p->dir;
    p->o.profiles_dir = arena_strdup(a, o->profiles_dir);
    p->o.target = arena_strdup(a, o->target);
    p->o.profile = arena_strdup(a, o->profile);
    p->o.platform_profile = arena_strdup(a, o->platform_profile);
    p->o.platform_target = arena_strdup(a, o->platform_target);
    p->o.adapter = arena_strdup(a, o->adapter ? o->adapter : "sqlite");
    p->o.schema = arena_strdup(a, o->schema ? o->schema : "main");
    p->o.dialect = arena_strdup(a, o->dialect ? o->dialect : "sqlite");
    p->o.database = o->database && *o->database ? arena_strdup(a, o->database) : NULL;
    p->o.vars = NULL;
    p->target_name = p->o.target ? p->o.target : "default";
    p->schema = p->o.schema;
    p->target_dir = o->target_path ? arena_strdup(a, o->target_path)
                                   : arena_printf(a, "%s/target", p->dir);
    p->now_ms = o->now_ms >= 0 ? o->now_ms : time_wall_ms();
}

static void new_invocation(struct project *p)
{
    unsigned char b[16] = {0};
    if (getrandom(b, sizeof b, 0) != (ssize_t)sizeof b) /* none yet: of the time */
        memcpy(b, &p->now_ms, sizeof p->now_ms);
    snprintf(p->invocation_id, sizeof p->invocation_id,
             "%02x%02x%02x%02x-%02x%02x-4%01x%02x-a%01x%02x-%02x%02x%02x%02x%02x%02x",
             b[0], b[1], b[2], b[3], b[4], b[5], b[6] & 15, b[7], b[8] & 15, b[9],
             b[10], b[11], b[12], b[13], b[14], b[15]);
}

static int load_all(struct project *p, const struct project_options *o, struct err *e)
{
    int rc = 0;
    if (o->vars && *o->vars)
        rc = yaml_read("--vars", o->vars, strlen(o->vars), &p->cli_vars, e);
    if (rc == 0 && p->cli_vars && !json_is_object(p->cli_vars))
        rc = err_set(e, ERR_USAGE, "--vars must be a mapping such as '{name: value}'");
    if (rc == 0 && !o->no_cache)
        p->cache = cache_open(p);
    if (rc < 0 || (rc = packages_load(p, e)) < 0)
        return rc;
    context_globals(p);
    if ((rc = target_load(p, e)) < 0 || (rc = macros_load(p, e)) < 0)
        return rc;
    cache_salt(p);
    if ((rc = load_files(p, e)) < 0)
        return rc;
    if ((rc = versions_link(p, e)) < 0)
        return rc;
    parse_configs(p);
    parse_links(p);
    if (p->refused)
        return err_set(e, ERR_CONFIG, "%s", p->refused);
    if ((rc = properties_tests(p, e)) < 0 || (rc = unit_tests_link(p, e)) < 0 ||
        (rc = link_check(p, e)) < 0 || (rc = semantic_link(p, e)) < 0)
        return rc;
    link_finish(p);
    cache_save(p);
    return 0;
}

int project_load(struct project **out, const struct project_options *o, struct err *e)
{
    struct project *p = mem_alloc(sizeof *p);
    *out = NULL;
    arena_init(&p->mem, 0);
    map_init(&p->by_id);
    map_init(&p->by_name);
    map_init(&p->patches);
    map_init(&p->latest);
    map_init(&p->macro_by_id);
    map_init(&p->natives);
    map_init(&p->configs);
    buf_init(&p->key, 64u << 20);
    arena_init(&p->scratch, MAX_RENDER_BYTES);
    p->no_config = json_object();
    p->no_list = json_array();
    p->docs = json_object();
    p->groups = json_object();
    p->env = jinja_env_new(NULL);
    copy_options(p, o);
    new_invocation(p);
    int rc = load_all(p, o, e);
    if (rc < 0) {
        project_free(p);
        return rc;
    }
    *out = p;
    return 0;
}

void project_leave(struct project *p)
{
#if defined(__SANITIZE_ADDRESS__) || defined(WEIR_FAULT)
    project_free(p); /* what checks for leaks wants it said */
#else
    (void)p;
#endif
}

void project_free(struct project *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->items.n; i++)
        item_free(p->items.v[i]);
    for (size_t i = 0; i < p->disabled.n; i++)
        item_free(p->disabled.v[i]);
    for (size_t i = 0; i < p->templates.n; i++)
        jinja_template_free(p->templates.v[i]);
    jinja_env_free(p->env);
    for (size_t i = 0; i < p->packages.n; i++)
        json_decref(p->packages.v[i]->conf);
    if (p->root && !p->packages.n)
        json_decref(p->root->conf);
    for (size_t i = 0; i < p->texts.n; i++)
        mem_free(p->texts.v[i]);
    properties_free(p);
    config_free(p);
    cache_close(p->cache);
    arena_release(&p->scratch);
    json_decref(p->no_config);
    json_decref(p->no_list);
    json_decref(p->no_column_config);
    json_decref(p->cli_vars);
    json_decref(p->flags);
    defer_free(p);
    for (size_t i = 0; i <= NODE_MACRO; i++)
        json_decref(p->config_defaults[i]);
    json_decref(p->docs);
    json_decref(p->groups);
    semantic_free(p);
    for (size_t i = 0; i < p->unit_tests.n; i++)
        item_free(p->unit_tests.v[i]);
    vec_release(&p->unit_tests);
    json_decref(p->target);
    vec_release(&p->items);
    vec_release(&p->disabled);
    vec_release(&p->templates);
    vec_release(&p->packages);
    vec_release(&p->texts);
    vec_release(&p->macros);
    vec_release(&p->warnings);
    vec_release(&p->faults);
    map_release(&p->by_id);
    map_release(&p->by_name);
    map_release(&p->patches);
    map_release(&p->latest);
    vec_release(&p->versioned);
    map_release(&p->macro_by_id);
    map_release(&p->natives);
    arena_release(&p->mem);
    mem_free(p);
}

void project_set_run(struct project *p, int64_t now_ms, bool full_refresh)
{
    p->now_ms = now_ms >= 0 ? now_ms : time_wall_ms();
    p->o.full_refresh = full_refresh;
    new_invocation(p);
    context_run(p);
}

size_t project_n_nodes(const struct project *p)
{
    return p->items.n;
}

const struct node *project_node(const struct project *p, size_t i)
{
    return &p->items.v[i]->pub;
}

const struct node *project_find(const struct project *p, const char *unique_id)
{
    const struct item *it = map_get(&p->by_id, unique_id);
    return it ? &it->pub : NULL;
}

const char *project_target_dir(const struct project *p)
{
    return p->target_dir;
}

const char *project_name(const struct project *p)
{
    return p->root->name;
}

size_t project_n_warnings(const struct project *p)
{
    return p->warnings.n;
}

size_t project_n_faults(const struct project *p)
{
    return p->faults.n;
}

bool project_is_fault(const struct project *p, size_t warning)
{
    for (size_t i = 0; i < p->faults.n; i++)
        if (p->faults.v[i] == warning)
            return true;
    return false;
}

const char *project_warning(const struct project *p, size_t i)
{
    return p->warnings.v[i];
}
