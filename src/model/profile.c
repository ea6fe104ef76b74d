/* profiles.yml as dbt reads it: which file, which profile, which target, and what its
 * output says of the warehouse. Two callers: profile_apply turns it into the platform's
 * warehouse when weir.yml names none; target_load gives the templates their target.
 * Only the chosen output is rendered; env_var reads DBT_ENV_SECRET_ here, and passwords
 * stay in struct platform, from which nothing prints them. */
#include "model/internal.h"

#include <glob.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/buf.h"
#include "model/native.h"
#include "model/yaml.h"

#define RENDER_MAX ((size_t)8 << 20)

/* ── which file ── */

/* The file, mem_free; NULL: there is none. *is_here: a flag, the environment or the
 * project's own folder names it, not the home folder. */
static char *find_file(const char *project_dir, const char *profiles_dir, bool *is_here,
                       struct err *e)
{
    const char *given =
        profiles_dir && *profiles_dir ? profiles_dir : getenv("DBT_PROFILES_DIR");
    const char *home = getenv("HOME");
    *is_here = true;
    if (given && *given) {
        char *path = mem_printf("%s/profiles.yml", given);
        if (access(path, F_OK) == 0)
            return path;
        err_set(e, ERR_CONFIG, "%s: there is no profiles.yml in this folder", given);
        mem_free(path);
        return NULL;
    }
    char *path = mem_printf("%s/profiles.yml", project_dir);
    if (access(path, F_OK) == 0)
        return path;
    mem_free(path);
    *is_here = false;
    path = home ? mem_printf("%s/.dbt/profiles.yml", home) : NULL;
    if (path && access(path, F_OK) == 0)
        return path;
    mem_free(path);
    return NULL;
}

/* ── rendering ── */

NATIVE(fn_env_var)
{
    struct arena *mem = jinja_mem(c);
    const char *name = jv_cstr(mem, ARG(0, "var"));
    struct jv *fallback = ARG(1, "default");
    (void)userdata;
    const char *v = name ? getenv(name) : NULL;
    if (v)
        return jv_strz(mem, v);
    return fallback ? fallback
                    : jinja_fail(c, "the environment variable %s is not set",
                                 name ? name : "(no name)");
}

NATIVE(fn_var)
{
    struct arena *mem = jinja_mem(c);
    const char *name = jv_cstr(mem, ARG(0, "name"));
    struct jv *fallback = ARG(1, "default");
    struct jv *v =
        name && userdata ? jv_from_json(mem, json_object_get(userdata, name)) : NULL;
    if (v && !jv_is(v, JV_NONE))
        return v;
    return fallback ? fallback
                    : jinja_fail(c, "the variable %s is not given with --vars",
                                 name ? name : "(no name)");
}

static struct jinja_env *environment(struct arena *mem, json_t *vars)
{
    struct jinja_env *env = jinja_env_new(NULL);
    jinja_env_strict(env, true);
    jinja_env_set(env, "env_var", jv_function(mem, "env_var", fn_env_var, NULL));
    jinja_env_set(env, "var", jv_function(mem, "var", fn_var, vars));
    return env;
}

struct rendering {
    struct jinja_env *env;
    const char *path, *profile, *target;
    struct err *e;
};

static json_t *render_value(const struct rendering *r, const char *key, json_t *v);

static json_t *render_text_value(const struct rendering *r, const char *key, json_t *v)
{
    const char *text = json_string_value(v);
    struct arena mem;
    struct jv *value = NULL;
    struct err why = {0};
    json_t *out = NULL;
    bool is_password = streq(key, "password") || streq(key, "pass");
    if (!strstr(text, "{{") && !strstr(text, "{%"))
        return json_incref(v);
    arena_init(&mem, RENDER_MAX);
    if (jinja_eval(r->env, text, strlen(text), jv_dict(&mem), &mem, &value, &why) == 0)
        out = jv_to_json(value);
    else if (is_password && !strstr(text, "env_var")) /* braces may be part of it */
        out = json_incref(v);
    else
        err_set(r->e, ERR_CONFIG, "%s: profile \"%s\", target \"%s\": %s: %s", r->path,
                r->profile, r->target, key, why.text);
    arena_release(&mem);
    return out;
}

static json_t *render_value(const struct rendering *r, const char *key, json_t *v)
{
    const char *name;
    json_t *one;
    size_t i;
    if (json_is_string(v))
        return render_text_value(r, key, v);
    if (!json_is_object(v) && !json_is_array(v))
        return json_incref(v);
    json_t *out = json_is_object(v) ? json_object() : json_array(), *got = out;
    if (json_is_object(v))
        json_object_foreach (v, name, one)
            if (got && (got = render_value(r, name, one)))
                json_object_set_new(out, name, got);
    json_array_foreach (json_is_array(v) ? v : NULL, i, one)
        if (got && (got = render_value(r, key, one)))
            json_array_append_new(out, got);
    if (!got)
        json_decref(out);
    return got ? out : NULL;
}

static json_t *render_all(struct rendering *r, json_t *output, json_t *vars)
{
    struct arena mem;
    arena_init(&mem, RENDER_MAX);
    r->env = environment(&mem, vars);
    json_t *out = render_value(r, "", output);
    jinja_env_free(r->env);
    arena_release(&mem);
    return out;
}

/* ── which profile and target ── */

static const char *first_of(const char *a, const char *b, const char *c, const char *d)
{
    return a && *a ? a : b && *b ? b : c && *c ? c : d && *d ? d : NULL;
}

/* profile: of dbt_project.yml, rendered; a new value. */
static json_t *named_by_project(const char *project_dir, struct err *e)
{
    char *path = mem_printf("%s/dbt_project.yml", project_dir);
    json_t *conf = NULL, *name = NULL;
    struct rendering r = {
        .path = "dbt_project.yml", .profile = "", .target = "", .e = e};
    if (access(path, F_OK) == 0 &&
        yaml_read_path(path, "dbt_project.yml", &conf, e) == 0 &&
        json_is_string(json_object_get(conf, "profile")))
        name = render_all(&r, json_object_get(conf, "profile"), NULL);
    json_decref(conf);
    mem_free(path);
    return name;
}

static int no_such(const char *path, const char *what, const char *name,
                   const json_t *all, struct err *e)
{
    const char *names[32], *key;
    const json_t *unused;
    size_t n = 0;
    json_object_foreach ((json_t *)(uintptr_t)all, key, unused)
        if (n < 32 && !streq(key, "config"))
            names[n++] = key;
    (void)unused;
    const char *near = n ? str_nearest(name, names, n) : NULL;
    return err_set(e, ERR_CONFIG, "%s: there is no %s \"%s\"%s%s%s", path, what, name,
                   near ? "; did you mean \""
                   : n  ? "; there is \""
                        : "",
                   near ? near
                   : n  ? names[0]
                        : "",
                   n ? "\"?" : "");
}

static int choose(struct rendering *r, const json_t *all, const char *target,
                  json_t *vars, json_t **out, struct err *e)
{
    json_t *profile = json_obj(all, r->profile);
    json_t *outputs = json_obj(profile, "outputs");
    json_t *set = json_object_get(profile, "target"), *own = NULL;
    if (!profile)
        return no_such(r->path, "profile", r->profile, all, e);
    r->target = "";
    if (!target && json_is_string(set) && !(own = render_all(r, set, vars)))
        return ERR_CONFIG;
    r->target = target                ? target
                : json_is_string(own) ? json_string_value(own)
                                      : "default";
    json_t *output = json_obj(outputs, r->target), *shown;
    int rc = output ? 0 : no_such(r->path, "target", r->target, outputs, e);
    if (rc == 0 && !(shown = render_all(r, output, vars)))
        rc = ERR_CONFIG;
    if (rc == 0)
        *out = json_pack("{s:s, s:s, s:s, s:o}", "path", r->path, "profile", r->profile,
                         "target", r->target, "output", shown);
    json_decref(own);
    return rc;
}

int profile_read(const struct profile_choice *c, json_t **out, struct err *e)
{
    struct err why = {0};
    json_t *all = NULL;
    bool is_here;
    *out = NULL;
    char *path = find_file(c->project_dir, c->profiles_dir, &is_here, &why);
    if (!path)
        return why.code ? err_set(e, why.code, "%s", why.text) : 0;
    json_t *own = named_by_project(c->project_dir, &why);
    const char *name = first_of(c->profile, getenv("DBT_PROFILE"), c->platform_profile,
                                json_is_string(own) ? json_string_value(own) : NULL);
    const char *target =
        first_of(c->target, getenv("DBT_TARGET"), c->platform_target, NULL);
    struct rendering r = {
        .path = is_here ? "profiles.yml" : path, .profile = name, .e = e};
    int rc = why.code ? err_set(e, why.code, "%s", why.text)
             : name || !c->is_strict
                 ? 0
                 : err_set(e, ERR_CONFIG,
                           "dbt_project.yml: \"profile\" is missing; "
                           "name one of profiles.yml");
    if (rc == 0 && name && (is_here || c->is_home_taken))
        rc = yaml_read_path(path, r.path, &all, e);
    if (rc == 0 && all && (c->is_strict || json_obj(all, name)))
        rc = choose(&r, all, target, c->vars, out, e);
    json_decref(own);
    json_decref(all);
    mem_free(path);
    return rc;
}

/* ── the platform's warehouse ── */

struct apply {
    struct platform *p;
    const json_t *profile, *output;
    struct err *e;
};

static int wrong(const struct apply *a, const char *key, const char *expected)
{
    return err_set(a->e, ERR_CONFIG, "%s: profile \"%s\", target \"%s\": %s: %s",
                   json_str(a->profile, "path", ""),
                   json_str(a->profile, "profile", ""),
                   json_str(a->profile, "target", ""), key, expected);
}

/* A text; numbers are taken as they are written. NULL: absent. */
static const char *text_of(const struct apply *a, const char *key)
{
    const json_t *v = json_object_get(a->output, key);
    if (json_is_string(v))
        return arena_strdup(&a->p->arena, json_string_value(v));
    return json_is_integer(v)
               ? arena_printf(&a->p->arena, "%lld", (long long)json_integer_value(v))
               : NULL;
}

static int whole_of(const struct apply *a, const char *key, int64_t most, int64_t *out)
{
    const json_t *v = json_object_get(a->output, key);
    if (!v || json_is_null(v))
        return 0;
    bool is_whole =
        json_is_integer(v) ||
        (json_is_string(v) && str_to_i64(str_of(json_string_value(v)), out));
    if (json_is_integer(v))
        *out = json_integer_value(v);
    return is_whole && *out >= 0 && *out <= most
               ? 0
               : wrong(a, key, "expected a whole number, not negative");
}

static int apply_postgres(struct apply *a)
{
    struct conf_postgres *g = &a->p->postgres;
    const char *password = text_of(a, "password"), *dbname = text_of(a, "dbname");
    int64_t port = 5432, timeout_s = 10, idle_s = 0, retries = 1;
    int rc = 0;
    if ((rc = whole_of(a, "port", 65535, &port)) < 0 ||
        (rc = whole_of(a, "connect_timeout", 86400, &timeout_s)) < 0 ||
        (rc = whole_of(a, "keepalives_idle", 86400, &idle_s)) < 0 ||
        (rc = whole_of(a, "retries", 100, &retries)) < 0)
        return rc;
    const char *application = text_of(a, "application_name");
    *g = (struct conf_postgres){.host = text_of(a, "host"),
                                .user = text_of(a, "user"),
                                .password = password ? password : text_of(a, "pass"),
                                .dbname = dbname ? dbname : text_of(a, "database"),
                                .sslmode = text_of(a, "sslmode"),
                                .sslcert = text_of(a, "sslcert"),
                                .sslkey = text_of(a, "sslkey"),
                                .sslrootcert = text_of(a, "sslrootcert"),
                                .search_path = text_of(a, "search_path"),
                                .role = text_of(a, "role"),
                                .application_name = application ? application : "weir",
                                .port = (int)port,
                                .retries = (int)retries,
                                .connect_timeout_ms = timeout_s * 1000,
                                .keepalives_idle_ms = idle_s * 1000};
    if (!g->host)
        return wrong(a, "host", "it is missing; name the server");
    if (!g->dbname)
        return wrong(a, "dbname", "it is missing; name the database");
    return 0;
}

static const char *absolute(const struct apply *a, const char *path)
{
    if (*path == '/')
        return arena_strdup(&a->p->arena, path);
    return arena_printf(&a->p->arena, "%s/%s", a->p->models_project, path);
}

static bool has_path(const struct conf_pair *files, size_t n, const char *path)
{
    for (size_t i = 0; i < n; i++)
        if (streq(files[i].value, path))
            return true;
    return false;
}

/* SCHEMA.db files of schema_directory that no entry names are schemas too. */
static void add_folder(struct apply *a, struct conf_pair *files, size_t *n, size_t most)
{
    glob_t found = {0};
    char *pattern = mem_printf("%s/*.db", a->p->warehouse_dir);
    if (glob(pattern, 0, NULL, &found) == 0)
        for (size_t i = 0; i < found.gl_pathc && *n < most; i++) {
            const char *path = found.gl_pathv[i], *name = strrchr(path, '/') + 1;
            if (has_path(files, *n, path))
                continue;
            files[(*n)++] = (struct conf_pair){
                .name = arena_strndup(&a->p->arena, name, strlen(name) - 3),
                .value = arena_strdup(&a->p->arena, path)};
        }
    globfree(&found);
    mem_free(pattern);
}

/* Those of the profile first, then those that weir.yml lists. */
static void add_schemas(struct platform *p, const struct conf_pair *files, size_t n)
{
    size_t more = 0, at = 0;
    while (p->file && p->schemas && p->schemas[more])
        more++;
    const char **all = arena_alloc(&p->arena, (n + more + 1) * sizeof *all);
    for (; at < n; at++)
        all[at] = files[at].name;
    for (size_t i = 0; i < more; i++) {
        bool is_there = false;
        for (size_t k = 0; k < n; k++)
            is_there |= streq(files[k].name, p->schemas[i]);
        if (!is_there)
            all[at++] = p->schemas[i];
    }
    all[at] = NULL;
    p->schemas = all;
}

static int apply_sqlite(struct apply *a)
{
    enum { MOST = 64 };
    struct platform *p = a->p;
    struct conf_pair *files = arena_alloc(&p->arena, MOST * sizeof *files);
    const char *dir = text_of(a, "schema_directory"), *schema;
    json_t *paths = json_obj(a->output, "schemas_and_paths"), *one;
    json_t *extensions = json_arr(a->output, "extensions");
    size_t n = 0, i;
    if (dir)
        p->warehouse_dir = absolute(a, dir);
    json_object_foreach (paths, schema, one) {
        if (!json_is_string(one))
            return wrong(a, "schemas_and_paths", "expected a path for each schema");
        if (n < MOST)
            files[n++] =
                (struct conf_pair){.name = arena_strdup(&p->arena, schema),
                                   .value = absolute(a, json_string_value(one))};
    }
    p->warehouse_files = files;
    p->n_warehouse_files = n;
    if (dir)
        add_folder(a, files, &n, MOST);
    add_schemas(p, files, n);
    const char **list =
        arena_alloc(&p->arena, (json_array_size(extensions) + 1) * sizeof *list);
    size_t n_list = 0;
    json_array_foreach (extensions, i, one)
        if (json_is_string(one))
            list[n_list++] = arena_strdup(&p->arena, json_string_value(one));
    list[n_list] = NULL;
    p->warehouse_extensions = list;
    return 0;
}

static int apply_output(struct apply *a)
{
    struct platform *p = a->p;
    const char *type = text_of(a, "type"), *dialect = text_of(a, "dialect");
    int64_t threads = 0;
    int rc = whole_of(a, "threads", 256, &threads);
    if (rc < 0)
        return rc;
    if (!type)
        return wrong(a, "type", "it is missing; write sqlite or postgres");
    p->warehouse_kind = type;
    if (!p->has_dialect)
        p->dialect = dialect ? dialect : type;
    if (!p->file && threads > 0)
        p->sql_workers = (int)threads;
    if (streq(type, "postgres")) {
        if (!p->file)
            add_schemas(p, NULL, 0);
        return apply_postgres(a);
    }
    return streq(type, "sqlite") ? apply_sqlite(a) : 0;
}

int profile_apply(struct platform *p, struct err *e)
{
    struct profile_choice c = {.project_dir = p->models_project ? p->models_project
                                                                : p->project_dir,
                               .profile = p->profile,
                               .target = p->profile_target,
                               .is_strict = !p->file || *p->profile,
                               .is_home_taken = !p->file || *p->profile};
    json_t *found = NULL;
    if (p->has_warehouse || (!p->models_project && !*p->profile))
        return 0;
    int rc = profile_read(&c, &found, e);
    if (rc == 0 && !found && *p->profile)
        rc = err_set(e, ERR_CONFIG,
                     "warehouse.profile names \"%s\", and there is no profiles.yml",
                     p->profile);
    struct apply a = {
        .p = p, .profile = found, .output = json_obj(found, "output"), .e = e};
    if (rc == 0 && found)
        rc = apply_output(&a);
    json_decref(found);
    return rc;
}
