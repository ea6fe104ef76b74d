/* The command line against the option rows. In: argv. Out: values and operands. Called
 * by cmd_main; the getters by every command. Always holds: a value that was accepted
 * has its row's type, so the getters cannot fail. */
#include "cmd/args.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/str.h"
#include "base/timeutil.h"

const struct cmd_opt cmd_global_opts[] = {
    {"project-dir", 0, OPT_TEXT, "DIR",
     "Folder of weir.yml. Default: the nearest one upwards.", "WEIR_PROJECT_DIR"},
    {"state-dir", 0, OPT_TEXT, "DIR",
     "Folder of everything weir writes. Default: .weir in the project.",
     "WEIR_STATE_DIR"},
    {"set", 0, OPT_LIST, "KEY=VALUE", "Override a setting, as in --set clock=wall.",
     "WEIR_SET"},
    {"as-of", 0, OPT_TEXT, "TIME", "Take this for \"now\", as in 2017-06-05T23:59:59Z.",
     "WEIR_AS_OF"},
    {"output", 'o', OPT_TEXT, "FORMAT", "text, json or csv.", NULL},
    {"quiet", 'q', OPT_FLAG, NULL, "Only results and errors.", "DBT_QUIET"},
    {"help", 'h', OPT_FLAG, NULL, "Show this help.", NULL},
    {"version", 'V', OPT_FLAG, NULL, "Show the version.", NULL},
    {NULL, 0, OPT_FLAG, NULL, NULL, NULL},
};

static const struct cmd_opt *find_in(const struct cmd_opt *opts, const char *name,
                                     size_t n)
{
    for (; opts && opts->name; opts++)
        if (strlen(opts->name) == n && memcmp(opts->name, name, n) == 0)
            return opts;
    return NULL;
}

static bool takes_dbt(const struct args *a)
{
    return !a->cmd || (a->cmd->flags & CMD_DBT); /* before the command: any of them */
}

static const struct cmd_opt *find_letter(const struct args *a, char letter)
{
    const struct cmd_opt *lists[] = {a->cmd ? a->cmd->opts : NULL,
                                     takes_dbt(a) ? cmd_dbt_opts : NULL,
                                     cmd_global_opts};
    bool has_m = a->cmd && find_in(a->cmd->opts, "models", 6);
    if (letter == 'm' && takes_dbt(a) && !has_m) /* dbt's older letter of --select */
        letter = 's';
    if (letter == 'v')
        letter = 'V';
    for (size_t i = 0; i < 3; i++)
        for (const struct cmd_opt *o = lists[i]; o && o->name; o++)
            if (o->letter && o->letter == letter)
                return o;
    return NULL;
}

static const struct cmd_opt *find_named(const struct args *a, const char *name,
                                        size_t n)
{
    const struct cmd_opt *o = a->cmd ? find_in(a->cmd->opts, name, n) : NULL;
    if (!o && takes_dbt(a))
        o = find_in(cmd_dbt_opts, name, n);
    return o ? o : find_in(cmd_global_opts, name, n);
}

/* The row of a long option. *is_no: it is the --no- form of a flag. */
static const struct cmd_opt *find_opt(const struct args *a, const char *name, size_t n,
                                      bool *is_no)
{
    static const char *const same[][2] = {
        {"models", "select"},
        {"model", "select"},
        {"resource-types", "resource-type"},
        {"exclude-resource-types", "exclude-resource-type"}};
    const struct cmd_opt *o = find_named(a, name, n);
    *is_no = false;
    for (size_t i = 0; !o && takes_dbt(a) && i < sizeof same / sizeof *same; i++)
        if (strlen(same[i][0]) == n && memcmp(name, same[i][0], n) == 0)
            o = find_named(a, same[i][1], strlen(same[i][1]));
    if (o || n < 4 || memcmp(name, "no-", 3) != 0 || !takes_dbt(a))
        return o;
    o = find_named(a, name + 3, n - 3);
    *is_no = o && o->type == OPT_FLAG;
    return *is_no ? o : NULL;
}

static int unknown_option(const struct args *a, const char *word, struct err *e)
{
    const char *names[128];
    size_t n = 0;
    const struct cmd_opt *lists[] = {cmd_global_opts, a->cmd ? a->cmd->opts : NULL,
                                     takes_dbt(a) ? cmd_dbt_opts : NULL};
    for (size_t i = 0; i < 3; i++)
        for (const struct cmd_opt *o = lists[i]; o && o->name && n < 128; o++)
            names[n++] = o->name;
    char name[100];
    size_t len = strcspn(word + 2, "=");
    snprintf(name, sizeof name, "%.*s", (int)(len < 99 ? len : 99), word + 2);
    const char *near = str_starts(word, "--") ? str_nearest(name, names, n) : NULL;
    const char *of = a->cmd ? a->cmd->name : "";
    if (near)
        return err_set(e, ERR_USAGE, "unknown option %.100s; did you mean --%s?", word,
                       near);
    return err_set(e, ERR_USAGE, "unknown option %.100s; `weir %s%s--help` lists them",
                   word, of, *of ? " " : "");
}

/* Whether text is one of the words of "a|b|c". */
static bool is_choice(const char *words, const char *text)
{
    size_t n = strlen(text);
    for (const char *w = words; n && *w; w += strcspn(w, "|"), w += *w == '|')
        if (strcspn(w, "|") == n && strncasecmp(w, text, n) == 0)
            return true;
    return false;
}

static int check_value(const struct cmd_opt *o, const char *text, struct err *e)
{
    int64_t v;
    if (o->arg && strchr(o->arg, '|') && !is_choice(o->arg, text))
        return err_set(e, ERR_USAGE, "--%s %.100s: expected one of %s", o->name, text,
                       o->arg);
    if (o->type == OPT_INT && !str_to_i64(str_of(text), &v))
        return err_set(e, ERR_USAGE, "--%s %.100s: expected a whole number", o->name,
                       text);
    if (o->type == OPT_DURATION && !time_parse_duration(str_of(text), &v))
        return err_set(e, ERR_USAGE,
                       "--%s %.100s: expected a duration such as 30s or 5m", o->name,
                       text);
    return 0;
}

static int add_value(struct args *a, const struct cmd_opt *o, const char *text,
                     struct err *e)
{
    int rc = text ? check_value(o, text, e) : 0;
    if (rc == 0) {
        struct arg_value v = {o, text ? text : ""};
        vec_push(&a->values, v);
    }
    return rc;
}

static bool takes_operands(const struct cmd *c)
{
    return c->operands && *c->operands;
}

/* --select a b c, --exclude a b, as dbt takes them: words behind a repeatable option
 * belong to it, unless the command has operands of another kind than selectors. */
static int take_more(struct args *a, const struct cmd_opt *o, int argc, char **argv,
                     int *i, struct err *e)
{
    bool is_free = a->cmd && (!takes_operands(a->cmd) ||
                              str_starts(a->cmd->operands, "[SELECTOR"));
    bool is_own = is_free && o->type == OPT_LIST &&
                  find_in(a->cmd->opts, o->name, strlen(o->name)) == o;
    int rc = 0;
    while (is_own && rc == 0 && *i + 1 < argc && argv[*i + 1][0] != '-')
        rc = add_value(a, o, argv[++*i], e);
    return rc;
}

static int take_long(struct args *a, int argc, char **argv, int *i, struct err *e)
{
    const char *word = argv[*i], *eq = strchr(word, '=');
    size_t n = eq ? (size_t)(eq - word - 2) : strlen(word + 2);
    bool is_no;
    const struct cmd_opt *o = find_opt(a, word + 2, n, &is_no);
    if (!o)
        return unknown_option(a, word, e);
    if (o->type == OPT_FLAG && eq)
        return err_set(e, ERR_USAGE, "--%s takes no value", o->name);
    if (o->type == OPT_FLAG)
        return add_value(a, o, is_no ? "0" : NULL, e);
    if (!eq && *i + 1 >= argc)
        return err_set(e, ERR_USAGE, "--%s needs a value: --%s %s", o->name, o->name,
                       o->arg ? o->arg : "VALUE");
    int rc = add_value(a, o, eq ? eq + 1 : argv[++*i], e);
    return rc < 0 || eq ? rc : take_more(a, o, argc, argv, i, e);
}

static int take_short(struct args *a, int argc, char **argv, int *i, struct err *e)
{
    for (const char *p = argv[*i] + 1; *p; p++) {
        const struct cmd_opt *o = find_letter(a, *p);
        if (!o)
            return unknown_option(a, argv[*i], e);
        if (o->type == OPT_FLAG) {
            add_value(a, o, NULL, e);
            continue;
        }
        if (p[1])
            return add_value(a, o, p[1] == '=' ? p + 2 : p + 1, e);
        if (*i + 1 >= argc)
            return err_set(e, ERR_USAGE, "-%c needs a value: -%c %s", *p, *p,
                           o->arg ? o->arg : "VALUE");
        int rc = add_value(a, o, argv[++*i], e);
        return rc < 0 ? rc : take_more(a, o, argc, argv, i, e);
    }
    return 0;
}

/* The command is the first word that is neither an option nor an option's value; it is
 * looked for first, because options before it may be its own. */
static int find_command(struct args *a, int argc, char **argv, int *at, struct err *e)
{
    *at = argc;
    for (int i = 0; i < argc; i++) {
        if (streq(argv[i], "--"))
            return 0;
        if (argv[i][0] != '-' || !argv[i][1]) {
            *at = i;
            return cmd_get(argv[i], &a->cmd, e);
        }
        bool is_no;
        const struct cmd_opt *o =
            argv[i][1] == '-'
                ? find_opt(a, argv[i] + 2, strcspn(argv[i] + 2, "="), &is_no)
            : !argv[i][2] ? find_letter(a, argv[i][1])
                          : NULL;
        if (o && o->type != OPT_FLAG && !strchr(argv[i], '='))
            i++;
    }
    return 0;
}

int args_parse(struct args *a, int argc, char **argv, struct err *e)
{
    int at, rc = find_command(a, argc, argv, &at, e);
    bool has_ended = false;
    a->argc = argc;
    a->argv = argv;
    for (int i = 0; i < argc && rc == 0; i++) {
        if (i == at && !has_ended)
            continue;
        if (!has_ended && streq(argv[i], "--"))
            has_ended = true;
        else if (!has_ended && str_starts(argv[i], "--"))
            rc = take_long(a, argc, argv, &i, e);
        else if (!has_ended && argv[i][0] == '-' && argv[i][1])
            rc = take_short(a, argc, argv, &i, e);
        else
            vec_push(&a->operands, argv[i]);
    }
    if (rc == 0 && a->cmd && !takes_operands(a->cmd) && a->operands.n)
        rc = err_set(e, ERR_USAGE,
                     "weir %s takes no operand, \"%.100s\" was given; "
                     "`weir %s --help`",
                     a->cmd->name, a->operands.v[0], a->cmd->name);
    return rc;
}

void args_release(struct args *a)
{
    for (size_t i = 0; i < a->lists.n; i++)
        mem_free(a->lists.v[i]);
    for (size_t i = 0; i < a->texts.n; i++)
        mem_free(a->texts.v[i]);
    vec_release(&a->texts);
    vec_release(&a->lists);
    vec_release(&a->values);
    vec_release(&a->operands);
}

const char *args_get(const struct args *a, const char *name)
{
    const char *last = NULL;
    for (size_t i = 0; i < a->values.n; i++)
        if (streq(a->values.v[i].opt->name, name))
            last = a->values.v[i].text;
    return last;
}

/* The environment form; dbt's also with the prefix it prefers now, DBT_ENGINE_. */
static const char *env_value(const struct cmd_opt *o)
{
    char name[80];
    const char *text = NULL;
    if (!o || !o->env)
        return NULL;
    if (str_starts(o->env, "DBT_")) {
        snprintf(name, sizeof name, "DBT_ENGINE_%s", o->env + 4);
        text = getenv(name);
    }
    text = text && *text ? text : getenv(o->env);
    bool is_bad = text && (!*text || check_value(o, text, NULL) < 0);
    return is_bad ? NULL : text;
}

/* flags: of dbt_project.yml, whose names have underscores. */
static const char *project_value(const struct cmd_args *ca, const char *name)
{
    char key[80], number[32];
    size_t n = 0;
    for (; name[n] && n < sizeof key - 1; n++)
        key[n] = name[n] == '-' ? '_' : name[n];
    key[n] = '\0';
    const json_t *v = json_object_get(ca->project_flags, key);
    if (json_is_string(v))
        return json_string_value(v);
    if (json_is_boolean(v))
        return json_is_true(v) ? "1" : "0";
    struct args *a = ca->values;
    char *text = NULL;
    if (json_is_integer(v)) {
        snprintf(number, sizeof number, "%lld", (long long)json_integer_value(v));
        text = mem_strdup(number);
    } else if (json_is_object(v)) { /* warn_error_options, as YAML */
        struct buf b;
        buf_init(&b, 1u << 20);
        json_dump_buf(v, JSON_COMPACT, &b, NULL);
        text = mem_strdup(buf_str(&b));
        buf_release(&b);
    }
    if (text)
        vec_push(&a->texts, text);
    return text;
}

static const char *value_or_env(const struct cmd_args *ca, const char *name)
{
    const char *text = ca->values ? args_get(ca->values, name) : NULL;
    bool has_dbt = ca->cmd && (ca->cmd->flags & CMD_DBT);
    const struct cmd_opt *o =
        ca->cmd ? find_in(ca->cmd->opts, name, strlen(name)) : NULL;
    if (!o && has_dbt)
        o = find_in(cmd_dbt_opts, name, strlen(name));
    if (!o)
        o = find_in(cmd_global_opts, name, strlen(name));
    if (!text)
        text = env_value(o);
    if (!text && has_dbt && o && ca->values)
        text = project_value(ca, name);
    return text;
}

bool opt_flag_or(const struct cmd_args *a, const char *name, bool fallback)
{
    static const char *const no[] = {"0", "false", "f", "no", "n", "off"};
    const char *text = value_or_env(a, name);
    for (size_t i = 0; text && i < sizeof no / sizeof *no; i++)
        if (strcasecmp(text, no[i]) == 0)
            return false;
    return text ? true : fallback;
}

bool opt_flag(const struct cmd_args *a, const char *name)
{
    return opt_flag_or(a, name, false);
}

const char *opt_text(const struct cmd_args *a, const char *name, const char *fallback)
{
    const char *text = value_or_env(a, name);
    return text ? text : fallback;
}

long opt_int(const struct cmd_args *a, const char *name, long fallback)
{
    const char *text = value_or_env(a, name);
    int64_t v;
    if (!text)
        return fallback;
    if (str_to_i64(str_of(text), &v) || time_parse_duration(str_of(text), &v))
        return (long)v;
    return fallback;
}

const char *const *opt_list(const struct cmd_args *ca, const char *name)
{
    struct args *a = ca->values;
    size_t n = 0;
    for (size_t i = 0; a && i < a->values.n; i++)
        n += streq(a->values.v[i].opt->name, name);
    if (!n)
        return NULL;
    const char **list = mem_alloc((n + 1) * sizeof *list);
    n = 0;
    for (size_t i = 0; i < a->values.n; i++)
        if (streq(a->values.v[i].opt->name, name))
            list[n++] = a->values.v[i].text;
    vec_push(&a->lists, list);
    return list;
}
