/* The command line from argv to exit status: parse, load the platform, hand overrides
 * to child processes through the environment, run, print the error. Called by main.
 * Always holds: nothing below this file prints an error. */
#include "cmd/cmd.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/str.h"
#include "base/text.h"
#include "base/json.h"
#include "cmd/args.h"
#include "model/model.h"
#include "model/yaml.h"

#define X(name) extern const struct cmd cmd_##name;
#include "cmd/cmd.list"
#undef X

static const struct cmd *const table[] = {
#define X(name) &cmd_##name,
#include "cmd/cmd.list"
#undef X
};

const struct cmd *cmd_find(const char *name)
{
    for (size_t i = 0; i < cmd_count(); i++)
        if (streq(table[i]->name, name))
            return table[i];
    return NULL;
}

size_t cmd_count(void)
{
    return sizeof table / sizeof *table;
}

const struct cmd *cmd_at(size_t i)
{
    return table[i];
}

int cmd_get(const char *name, const struct cmd **out, struct err *e)
{
    const char *names[sizeof table / sizeof *table];
    size_t n = 0;
    *out = cmd_find(streq(name, "list") ? "ls" : name); /* dbt has both */
    if (*out)
        return 0;
    for (size_t i = 0; i < cmd_count(); i++)
        if (!(table[i]->flags & CMD_HIDDEN))
            names[n++] = table[i]->name;
    const char *near = str_nearest(name, names, n);
    if (near)
        return err_set(e, ERR_USAGE,
                       "there is no command \"%.100s\"; did you mean `weir %s`?", name,
                       near);
    return err_set(e, ERR_USAGE,
                   "there is no command \"%.100s\"; `weir --help` lists them", name);
}

void cmd_print_error(const struct err *e)
{
    struct buf b;
    buf_init(&b, ERR_TEXT_MAX * 8);
    bool color = cmd_wants_color(STDERR_FILENO);
    buf_adds(&b, color ? "\033[1;31mweir:\033[0m " : "weir: ");
    const char *p = e->text[0] ? e->text : err_text(e->code);
    for (;;) {
        size_t n = strcspn(p, "\n");
        text_sanitise(&b, p, n);
        buf_addc(&b, '\n');
        if (!p[n] || !p[n + 1])
            break;
        p += n + 1;
        buf_adds(&b, "      ");
    }
    fflush(stdout);
    fwrite(buf_str(&b), 1, b.len, stderr);
    buf_release(&b);
}

static void add_line(struct buf *b, const char *text)
{
    buf_addf(b, "%s%s", b->len ? "\n" : "", text);
}

/* Paths that were found in the current folder: children run in another one. The value
 * is YAML again, so it is quoted, and its ${ protected. */
static void add_given_paths(struct buf *b, const struct platform *p)
{
    for (size_t i = 0; p && i < p->n_given_paths; i++) {
        struct buf value;
        buf_init(&value, 0);
        buf_add_json_str(&value, p->given_paths[i].value,
                         strlen(p->given_paths[i].value));
        add_line(b, p->given_paths[i].name);
        buf_addc(b, '=');
        for (const char *s = buf_str(&value); *s; s++) {
            if (str_starts(s, "${"))
                buf_addc(b, '$');
            buf_addc(b, *s);
        }
        buf_release(&value);
    }
}

/* What was given on the command line reaches child processes as environment. */
static void export_overrides(const struct args *a, const struct platform *p)
{
    const char *as_of = args_get(a, "as-of");
    if (as_of)
        setenv("WEIR_AS_OF", as_of, 1);
    if (p) {
        setenv("WEIR_PROJECT_DIR", p->project_dir, 1);
        setenv("WEIR_STATE_DIR", p->state_dir, 1);
    }
    const char *old = getenv("WEIR_SET");
    struct buf b;
    buf_init(&b, (size_t)1 << 20);
    buf_adds(&b, old ? old : "");
    for (size_t i = 0; i < a->values.n; i++)
        if (streq(a->values.v[i].opt->name, "set"))
            add_line(&b, a->values.v[i].text);
    add_given_paths(&b, p);
    if (b.len && !b.failed)
        setenv("WEIR_SET", buf_str(&b), 1);
    buf_release(&b);
}

/* --set, and what an option of dbt's means as one: --threads is the pool's size. */
static const char *const *all_sets(struct cmd_args *ca)
{
    struct args *a = ca->values;
    const char *const *given = opt_list(ca, "set");
    const char *threads = args_get(a, "threads");
    size_t n = 0;
    if (!threads)
        return given;
    while (given && given[n])
        n++;
    const char **all = mem_alloc((n + 2) * sizeof *all);
    for (size_t i = 0; i < n; i++)
        all[i] = given[i];
    char *text = mem_printf("pools.transform.slots=%s", threads);
    vec_push(&a->texts, text);
    vec_push(&a->lists, all);
    all[n] = text;
    return all;
}

static int load_platform(const struct args *a, struct cmd_args *ca, struct platform **p,
                         struct err *e)
{
    ca->values = (void *)(uintptr_t)a;
    struct conf_options o = {
        .project_dir = args_get(a, "project-dir"),
        .state_dir = args_get(a, "state-dir"),
        .sets = all_sets(ca),
        .as_of = args_get(a, "as-of"),
    };
    static const char *const taken[][2] = {{"profiles-dir", "DBT_PROFILES_DIR"},
                                           {"profile", "DBT_PROFILE"},
                                           {"target", "DBT_TARGET"}};
    for (size_t i = 0; i < 3; i++) { /* for the children too, which stand elsewhere */
        const char *given = args_get(a, taken[i][0]);
        char real[PATH_MAX];
        if (!given && i == 0)
            given = getenv(taken[i][1]);
        if (given && *given)
            setenv(taken[i][1], i == 0 && realpath(given, real) ? real : given, 1);
    }
    int rc = conf_load(p, &o, e);
    if (rc == 0 && (rc = profile_apply(*p, e)) < 0) {
        conf_free(*p);
        *p = NULL;
    }
    return rc;
}

static int check_output(struct cmd_args *ca, struct err *e)
{
    static const char *const formats[] = {"text", "json", "csv"};
    const char *o = ca->output;
    if (ca->cmd->flags & CMD_OUTPUT) {
        ca->is_json = streq(o, "json");
        return 0;
    }
    if (!streq(o, "text") && !streq(o, "json") && !streq(o, "csv")) {
        const char *near = str_nearest(o, formats, 3);
        return err_set(e, ERR_USAGE, "-o %.60s: expected text, json or csv%s%s%s", o,
                       near ? "; did you mean " : "", near ? near : "",
                       near ? "?" : "");
    }
    ca->is_json = streq(o, "json");
    if (!streq(o, "text") && !(ca->cmd->flags & CMD_JSON))
        return err_set(e, ERR_USAGE, "weir %s has only text output", ca->cmd->name);
    return 0;
}

/* flags: of dbt_project.yml. A file that is no YAML is told of where it is needed. */
static json_t *project_flags(const struct cmd_args *ca)
{
    const char *dir = ca->platform ? ca->platform->models_project : NULL;
    json_t *conf = NULL, *flags = NULL;
    if (!dir || !(ca->cmd->flags & CMD_DBT))
        return NULL;
    char *path = mem_printf("%s/dbt_project.yml", dir);
    if (yaml_read_path(path, "dbt_project.yml", &conf, NULL) == 0)
        flags = json_incref(json_obj(conf, "flags"));
    json_decref(conf);
    mem_free(path);
    return flags;
}

/* Options of dbt that are this program's own manners, for it and its children. */
static void take_manners(const struct cmd_args *ca)
{
    static const char *const levels[][2] = {{"debug", "debug"},
                                            {"info", "info"},
                                            {"warn", "warn"},
                                            {"error", "error"},
                                            {"none", "error"}};
    const char *level =
        opt_text(ca, "log-level", opt_flag(ca, "debug") ? "debug" : NULL);
    for (size_t i = 0; level && i < 5; i++)
        if (strcasecmp(level, levels[i][0]) == 0)
            setenv("WEIR_LOG", levels[i][1], 1);
    if (!opt_flag_or(ca, "use-colors", true))
        setenv("NO_COLOR", "1", 1);
}

static int run_command(struct args *a, struct err *e)
{
    static char exe[PATH_MAX];
    struct platform *p = NULL;
    struct err why = {0};
    struct cmd_args ca = {
        .cmd = a->cmd,
        .argc = (int)a->operands.n,
        .argv = a->operands.v,
        .output = args_get(a, "output") ? args_get(a, "output") : "text",
        .exe = exe,
    };
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    exe[n > 0 ? n : 0] = '\0';
    int rc = load_platform(a, &ca, &p, &why);
    if (rc < 0 && !(a->cmd->flags & CMD_NO_PROJECT))
        return err_set(e, rc, "%s", why.text);
    ca.platform = p;
    ca.platform_error = rc < 0 ? &why : NULL;
    json_t *flags = project_flags(&ca);
    ca.project_flags = flags;
    ca.is_quiet = opt_flag(&ca, "quiet");
    if (a->cmd->flags & CMD_DBT)
        take_manners(&ca);
    export_overrides(a, p);
    if ((rc = check_output(&ca, e)) == 0)
        rc = a->cmd->run(&ca, e);
    json_decref(flags);
    conf_free(p);
    return rc;
}

int cmd_print_help(const struct cmd *cmd)
{
    struct buf b;
    buf_init(&b, (size_t)1 << 20);
    cmd_write_help(cmd, &b);
    fwrite(buf_str(&b), 1, b.len, stdout);
    buf_release(&b);
    return 0;
}

static int dispatch(struct args *a, int argc, char **argv, struct err *e)
{
    int rc = args_parse(a, argc, argv, e);
    if (rc < 0)
        return rc;
    if (args_get(a, "help"))
        return cmd_print_help(a->cmd);
    if (args_get(a, "version")) {
        printf("weir %s\n", WEIR_VERSION);
        return 0;
    }
    if (a->cmd)
        return run_command(a, e);
    if (a->operands.n)
        return cmd_get(a->operands.v[0], &a->cmd, e);
    cmd_print_help(NULL);
    return err_exit_status(ERR_USAGE);
}

int cmd_main(int argc, char **argv)
{
    struct args a = {0};
    struct err e = {0};
    int rc = dispatch(&a, argc > 0 ? argc - 1 : 0, argv + 1, &e);
    if (rc >= 0 && (fflush(stdout) != 0 || ferror(stdout)))
        rc = err_errno(&e, ERR_IO, "standard output");
    if (rc < 0 && !e.code)
        e.code = rc;
    if (rc < 0)
        cmd_print_error(&e);
    args_release(&a);
    return rc < 0 ? err_exit_status(rc) : rc;
}
