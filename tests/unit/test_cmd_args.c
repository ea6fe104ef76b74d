/* The command line: options, operands, mistakes; the documents made from the rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "cmd/args.h"

static struct args a;
static struct err e;

static int parse(const char *first, ...)
{
    char *argv[20];
    int n = 0;
    va_list ap;
    args_release(&a);
    a.cmd = NULL;
    err_clear(&e);
    va_start(ap, first);
    for (const char *p = first; p; p = va_arg(ap, const char *))
        argv[n++] = (char *)(uintptr_t)p;
    va_end(ap);
    return args_parse(&a, n, argv, &e);
}

static void options_stand_anywhere(void **state)
{
    (void)state;
    assert_int_equal(parse("--project-dir", "P", "conf", "show", "-o", "json",
                           "--set=a=b", "--set", "c=d", "-q", NULL),
                     0);
    assert_string_equal(a.cmd->name, "conf");
    assert_string_equal(args_get(&a, "project-dir"), "P");
    assert_string_equal(args_get(&a, "output"), "json");
    assert_non_null(args_get(&a, "quiet"));
    assert_int_equal(a.operands.n, 1);
    assert_string_equal(a.operands.v[0], "show");
    struct cmd_args ca = {.cmd = a.cmd, .values = &a};
    const char *const *sets = opt_list(&ca, "set");
    assert_string_equal(sets[0], "a=b");
    assert_string_equal(sets[1], "c=d");
    assert_null(sets[2]);
    assert_null(opt_list(&ca, "nothing"));
    assert_true(opt_flag(&ca, "quiet"));
    assert_string_equal(opt_text(&ca, "as-of", "x"), "x");
    assert_int_equal(opt_int(&ca, "as-of", 7), 7);
}

static void short_options_join(void **state)
{
    (void)state;
    assert_int_equal(parse("conf", "check", "-qojson", NULL), 0);
    assert_string_equal(args_get(&a, "output"), "json");
    assert_int_equal(parse("conf", "-o=csv", "show", NULL), 0);
    assert_string_equal(args_get(&a, "output"), "csv");
    assert_int_equal(parse("conf", "--", "--set", NULL), 0);
    assert_string_equal(a.operands.v[0], "--set");
    assert_int_equal(parse("conf", "-", NULL), 0);
    assert_string_equal(a.operands.v[0], "-");
}

/* As dbt: every word behind --exclude is left out, none of them is selected. */
static void selectors_follow_their_option(void **state)
{
    (void)state;
    assert_int_equal(parse("ls", "--exclude", "x", "y+", "--resource-types", "model",
                           "--select", "z", NULL),
                     0);
    struct cmd_args ca = {.cmd = a.cmd, .values = &a};
    assert_string_equal(opt_list(&ca, "exclude")[1], "y+");
    assert_string_equal(opt_list(&ca, "select")[0], "z");
    assert_string_equal(opt_list(&ca, "resource-type")[0], "model");
    assert_int_equal(a.operands.n, 0);
}

static void mistakes_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *words[4], *says;
    } bad[] = {
        {{"cnof"}, "did you mean `weir conf`?"},
        {{"zzzzzz"}, "`weir --help` lists them"},
        {{"conf", "--projct-dir", "x"}, "did you mean --project-dir?"},
        {{"conf", "--zzzzzz"}, "`weir conf --help`"},
        {{"conf", "-z"}, "unknown option -z"},
        {{"conf", "--output"}, "--output needs a value: --output FORMAT"},
        {{"conf", "-o"}, "-o needs a value"},
        {{"conf", "--quiet=1"}, "takes no value"},
        {{"version", "x"}, "takes no operand"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(parse(bad[i].words[0], bad[i].words[1], bad[i].words[2],
                               bad[i].words[3], NULL),
                         ERR_USAGE);
        if (!strstr(e.text, bad[i].says))
            fail_msg("%s: %s", bad[i].words[0], e.text);
    }
}

/* A table row a command: each is complete and its documents can be made. */
static void every_command_is_complete(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1 << 20);
    for (size_t i = 0; i < cmd_count(); i++) {
        const struct cmd *c = cmd_at(i);
        assert_non_null(c->run);
        if (c->flags & CMD_HIDDEN)
            continue;
        size_t n = strlen(c->summary);
        if (n < 8 || n > 65 || c->summary[n - 1] != '.')
            fail_msg("%s: the summary is no short sentence: %s", c->name, c->summary);
        assert_true(c->flags & (CMD_READONLY | CMD_MUTATES));
        for (const struct cmd_opt *o = c->opts; o && o->name; o++) {
            if (!o->doc || !*o->doc || (o->type != OPT_FLAG) != (o->arg != NULL))
                fail_msg("%s --%s: no doc, or argument and type disagree", c->name,
                         o->name);
            for (const struct cmd_opt *g = cmd_global_opts; g->name; g++)
                if (streq(o->name, g->name) || (o->letter && o->letter == g->letter))
                    fail_msg("%s --%s: hides an option of every command", c->name,
                             o->name);
        }
        buf_reset(&b);
        assert_int_equal(cmd_write_help(c, &b), 0);
        for (const char *p = buf_str(&b); *p;) {
            size_t len = strcspn(p, "\n");
            if (len > 96)
                fail_msg("%s --help: a line of %zu: %.*s", c->name, len, (int)len, p);
            p += len + (p[len] != '\0');
        }
        buf_reset(&b);
        assert_int_equal(cmd_write_man(c, &b), 0);
        assert_non_null(strstr(buf_str(&b), ".Sh EXIT STATUS"));
    }
    buf_reset(&b);
    assert_int_equal(cmd_write_help(NULL, &b), 0);
    buf_reset(&b);
    assert_int_equal(cmd_write_man(NULL, &b), 0);
    buf_reset(&b);
    assert_int_equal(cmd_write_completion(&b), 0);
    for (size_t i = 0; i < cmd_count(); i++)
        if (!(cmd_at(i)->flags & CMD_HIDDEN))
            assert_non_null(strstr(buf_str(&b), cmd_at(i)->name));
    buf_release(&b);
}

static int teardown(void **state)
{
    (void)state;
    args_release(&a);
    return 0;
}

static const char *flag_text(const char *name)
{
    return args_get(&a, name);
}

static void dbt_options_stand_before_and_behind(void **state)
{
    (void)state;
    assert_int_equal(parse("--no-partial-parse", "--target", "dev", "-x", "build",
                           "--no-use-colors", "-m", "a", "b", "--resource-types",
                           "model", "seed", "--threads", "4", NULL),
                     0);
    struct cmd_args ca = {.cmd = a.cmd, .values = &a};
    assert_string_equal(a.cmd->name, "build");
    assert_string_equal(flag_text("target"), "dev");
    assert_false(opt_flag_or(&ca, "partial-parse", true));
    assert_false(opt_flag_or(&ca, "use-colors", true));
    assert_true(opt_flag_or(&ca, "print", true));
    assert_true(opt_flag(&ca, "fail-fast"));
    assert_int_equal(opt_int(&ca, "threads", 1), 4);
    assert_string_equal(opt_list(&ca, "select")[1], "b");
    assert_string_equal(opt_list(&ca, "resource-type")[1], "seed");
    /* commands of the platform do not know them */
    assert_int_equal(parse("status", "--no-partial-parse", NULL), ERR_USAGE);
    assert_int_equal(parse("build", "--indirect-selection", "eagre", NULL), ERR_USAGE);
    assert_non_null(strstr(e.text, "eager|cautious|buildable|empty"));
}

static void environment_and_project_flags(void **state)
{
    (void)state;
    setenv("DBT_TARGET", "one", 1);
    setenv("DBT_FAIL_FAST", "False", 1);
    assert_int_equal(parse("run", NULL), 0);
    json_t *flags = json_pack("{s:b, s:s, s:i, s:s}", "fail_fast", 1, "target", "three",
                              "printer_width", 70, "log_format", "json");
    struct cmd_args ca = {.cmd = a.cmd, .values = &a, .project_flags = flags};
    assert_string_equal(opt_text(&ca, "target", NULL), "one");
    assert_false(opt_flag(&ca, "fail-fast"));
    setenv("DBT_ENGINE_TARGET", "two", 1); /* the prefix that dbt prefers */
    assert_string_equal(opt_text(&ca, "target", NULL), "two");
    unsetenv("DBT_ENGINE_TARGET");
    unsetenv("DBT_TARGET");
    unsetenv("DBT_FAIL_FAST");
    assert_string_equal(opt_text(&ca, "target", NULL), "three");
    assert_true(opt_flag(&ca, "fail-fast"));
    assert_int_equal(opt_int(&ca, "printer-width", 80), 70);
    assert_string_equal(opt_text(&ca, "log-format", "default"), "json");
    json_decref(flags);
}

/* One command of an example's line as words; *line moves behind it. */
static int words_of(char **line, char **words, int max)
{
    int n = 0;
    char *p = *line;
    while (*p && n < max) {
        p += strspn(p, " ");
        if (str_starts(p, "&&") || *p == '>' || !*p)
            break;
        char quote = *p == '"' || *p == '\'' ? *p++ : ' ';
        words[n++] = p;
        p += strcspn(p, (char[]){quote, 0});
        if (*p)
            *p++ = '\0';
    }
    *line = p + strspn(p, "& ");
    return n;
}

/* What the help says to try is taken by the command line as it stands. */
static void every_command_has_examples_that_parse(void **state)
{
    (void)state;
    const struct cmd_example *x;
    for (size_t i = 0; i < cmd_count(); i++) {
        const struct cmd *c = cmd_at(i);
        if (c->flags & CMD_HIDDEN)
            continue;
        if (!cmd_example(c, 0))
            fail_msg("%s has no row in examples.list", c->name);
        for (size_t k = 0; (x = cmd_example(c, k)); k++) {
            char *copy = strdup(x->line), *line = copy, *words[20];
            int n, first = 0, n_weir = 0;
            while ((n = words_of(&line, words, 20)) > 0 && *words[0] != '>') {
                for (first = 0; first < n && strchr(words[first], '='); first++)
                    ;
                if (first == n || !streq(words[first], "weir"))
                    break;
                args_release(&a);
                a = (struct args){0};
                if (args_parse(&a, n - first - 1, words + first + 1, &e) < 0 || !a.cmd)
                    fail_msg("%s: %s", x->line, e.text);
                n_weir++;
            }
            assert_true(n_weir > 0 || strstr(x->line, "<(weir "));
            free(copy);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_command_has_examples_that_parse),
        cmocka_unit_test(options_stand_anywhere),
        cmocka_unit_test(short_options_join),
        cmocka_unit_test(selectors_follow_their_option),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(every_command_is_complete),
        cmocka_unit_test(dbt_options_stand_before_and_behind),
        cmocka_unit_test(environment_and_project_flags),
    };
    return cmocka_run_group_tests(tests, NULL, teardown);
}
