/* What an invocation was told, as one JSON object with dbt's names (underscores). In:
 * the options of the command line, environment and project. Called by the commands that
 * run or read the models project; the object travels with tasks to the workers and ends
 * in run_results.json, where `retry` finds it. */
#include "cmd/dbt_flags.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cmd/args.h"
#include "model/yaml.h"

/* Booleans of dbt that are on unless told otherwise. */
static const char *const on[] = {
    "partial-parse",   "print",         "populate-cache", "static-parser", "use-colors",
    "use-colors-file", "version-check", "write-json",     "introspect",    NULL};

static bool is_on(const char *name)
{
    for (size_t i = 0; on[i]; i++)
        if (streq(on[i], name))
            return true;
    return false;
}

/* dbt's name: --resource-type is resource_types there. */
static char *dbt_name(const char *name)
{
    bool is_plural = str_ends(name, "resource-type");
    char *key = mem_printf("%s%s", name, is_plural ? "s" : "");
    for (char *p = key; *p; p++)
        if (*p == '-')
            *p = '_';
    return key;
}

static json_t *list_value(const struct cmd_args *a, const char *name)
{
    const char *const *list = opt_list(a, name);
    json_t *v = json_array();
    for (; list && *list; list++)
        json_array_append_new(v, json_string(*list));
    for (int i = 0; streq(name, "select") && i < a->argc; i++)
        json_array_append_new(v, json_string(a->argv[i]));
    return v;
}

static json_t *text_value(const struct cmd_opt *o, const char *text)
{
    char real[PATH_MAX];
    bool is_path = o->arg && (streq(o->arg, "DIR") || streq(o->arg, "FILE"));
    return json_string(is_path && realpath(text, real) ? real : text);
}

static void put_option(const struct cmd_args *a, const struct cmd_opt *o, json_t *flags)
{
    char *key = dbt_name(o->name);
    const char *text = opt_text(a, o->name, NULL);
    json_t *v = NULL;
    if (o->type == OPT_FLAG)
        v = json_boolean(opt_flag_or(a, o->name, is_on(o->name)));
    else if (o->type == OPT_LIST)
        v = list_value(a, o->name);
    else if (o->type == OPT_INT && text)
        v = json_integer(opt_int(a, o->name, 0));
    else if (text)
        v = text_value(o, text);
    if (v)
        json_put(flags, key, v);
    mem_free(key);
}

static int put_yaml(const struct cmd_args *a, const char *name, json_t *flags,
                    struct err *e)
{
    const char *text = opt_text(a, name, NULL);
    char *shown = mem_printf("--%s", name), *key = dbt_name(name);
    json_t *v = NULL;
    int rc = text ? yaml_read(shown, text, strlen(text), &v, e) : 0;
    if (rc == 0 && v && !json_is_object(v) && !json_is_null(v))
        rc = err_set(e, ERR_USAGE, "--%s must be a mapping such as '{name: value}'",
                     name);
    if (rc < 0 || !json_is_object(v)) {
        json_decref(v);
        v = json_object();
    }
    json_put(flags, key, v);
    mem_free(shown);
    mem_free(key);
    return rc < 0 ? ERR_USAGE : 0;
}

static void put_default(json_t *flags, const char *key, const char *value)
{
    if (!json_object_get(flags, key))
        json_put_str(flags, key, value);
}

/* "weir build --vars …", as dbt tells its own line. */
static void put_invocation(const struct cmd_args *a, json_t *flags)
{
    const struct args *given = a->values;
    struct buf b;
    buf_init(&b, 1u << 20);
    buf_adds(&b, "weir");
    for (int i = 0; given && i < given->argc; i++)
        buf_addf(&b, " %s", given->argv[i]);
    json_put_str(flags, "invocation_command", buf_str(&b));
    buf_release(&b);
}

json_t *dbt_flags(const struct cmd_args *a, struct err *e)
{
    json_t *flags = json_object();
    for (const struct cmd_opt *o = a->cmd->opts; o && o->name; o++)
        put_option(a, o, flags);
    for (const struct cmd_opt *o = cmd_dbt_opts; o->name; o++)
        put_option(a, o, flags);
    json_put_str(flags, "which", a->cmd->name);
    if (a->platform && a->platform->models_project)
        json_put_str(flags, "project_dir", a->platform->models_project);
    json_put_flag(flags, "quiet", a->is_quiet);
    put_default(flags, "indirect_selection", "eager");
    put_default(flags, "log_format", "default");
    put_default(flags, "log_level", "info");
    put_invocation(a, flags);
    if (put_yaml(a, "vars", flags, e) < 0 ||
        put_yaml(a, "warn-error-options", flags, e) < 0) {
        json_decref(flags);
        return NULL;
    }
    return flags;
}

int dbt_engine(const struct cmd_args *a, struct sql_engine *g, struct err *e)
{
    json_t *flags = dbt_flags(a, e);
    *g = (struct sql_engine){.p = a->platform, .now_ms = a->platform->as_of_ms};
    if (!flags)
        return ERR_USAGE;
    sql_engine_flags(g, flags);
    json_decref(flags);
    return sql_engine_project(g, opt_text(a, "vars", NULL), e);
}
