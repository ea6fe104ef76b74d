/* Manual pages weir.1 and weir-COMMAND.1 in mdoc, made from the rows; clean under
 * `mandoc -T lint`. Called by `weir man-pages`. Pure text. */
#include <ctype.h>
#include <string.h>

#include "base/str.h"
#include "cmd/cmd.h"
#include "conf/mdoc.h"

static void add_upper(struct buf *out, const char *s)
{
    for (; *s; s++)
        buf_addc(out, (char)toupper((unsigned char)*s));
}

static void add_head(struct buf *out, const char *title, const char *name,
                     const char *summary)
{
    buf_adds(out,
             ".\\\" Made by `weir man-pages` from the command table.\n.Dd " MDOC_DATE
             "\n.Dt ");
    add_upper(out, title);
    buf_addf(out, " 1\n.Os\n.Sh NAME\n.Nm %s\n.Nd ", name);
    size_t n = strlen(summary);
    while (n && (summary[n - 1] == '.' || summary[n - 1] == ' '))
        n--;
    if (n) {
        buf_addc(out, (char)tolower((unsigned char)summary[0]));
        buf_add(out, summary + 1, n - 1);
    }
    buf_addc(out, '\n');
}

static void add_options(struct buf *out, const struct cmd_opt *opts)
{
    buf_adds(out, ".Bl -tag -width Ds\n");
    for (const struct cmd_opt *o = opts; o && o->name; o++) {
        buf_adds(out, ".It ");
        if (o->letter)
            buf_addf(out, "Fl %c , ", o->letter);
        buf_addf(out, "Fl \\-%s", o->name);
        if (o->arg)
            buf_addf(out, " Ar %s", o->arg);
        buf_addc(out, '\n');
        mdoc_add_text(out, o->doc);
        if (o->type == OPT_LIST)
            buf_adds(out, "May be given more than once.\n");
        if (o->env)
            buf_addf(out, "Also taken from\n.Ev %s .\n", o->env);
    }
    buf_adds(out, ".El\n");
}

static void add_exit(struct buf *out)
{
    buf_adds(out,
             ".Sh EXIT STATUS\n.Bl -tag -width Ds -compact\n"
             ".It 0\nok\n.It 1\nsomething failed\n.It 2\nwrong usage or configuration\n"
             ".It 3\nnothing to do\n.It 4\nunavailable or locked; try again\n"
             ".It 5\nblocked by a quality gate\n.It 130\ninterrupted\n.El\n");
}

static void add_examples(struct buf *out, const struct cmd *cmd)
{
    const struct cmd_example *x;
    for (size_t i = 0; (x = cmd_example(cmd, i)); i++) {
        buf_adds(out, i ? ".Pp\n" : ".Sh EXAMPLES\n");
        buf_addf(out, "%c%s:\n.Dl ", toupper((unsigned char)x->what[0]), x->what + 1);
        for (const char *p = x->line; *p; p++) /* what roff would take for its own */
            if (*p == '\\' || *p == '-')
                buf_adds(out, *p == '-' ? "\\-" : "\\e");
            else if (*p == '"')
                buf_adds(out, "\\(dq");
            else
                buf_addc(out, *p);
        buf_addc(out, '\n');
    }
}

static int man_weir(struct buf *out)
{
    add_head(out, "weir", "weir", "run a retail data platform from source to gold");
    buf_adds(out,
             ".Sh SYNOPSIS\n.Nm weir\n.Op Ar option ...\n.Ar command\n"
             ".Op Ar argument ...\n.Sh DESCRIPTION\n.Nm\n"
             "runs a data platform: sources, a bus, stream jobs, bronze tables, SQL\n"
             "models, quality gates and the console over them.\n"
             "A platform is a folder with the file\n.Pa weir.yml ,\nsee\n"
             ".Xr weir.yml 5 .\n.Pp\nThe options of every command are:\n");
    add_options(out, cmd_global_opts);
    buf_adds(out,
             "Commands of the models project also take the options of dbt-core on\n"
             "every command; each boolean has a\n.Fl \\-no-\nform, and a place in\n"
             ".Cm flags\nof\n.Pa dbt_project.yml .\n");
    add_options(out, cmd_dbt_opts);
    buf_adds(out, ".Sh COMMANDS\n.Bl -tag -width Ds\n");
    for (size_t i = 0; i < cmd_count(); i++) {
        const struct cmd *c = cmd_at(i);
        if (c->flags & CMD_HIDDEN)
            continue;
        buf_addf(out, ".It Cm %s\n", c->name);
        mdoc_add_text(out, c->summary);
        buf_addf(out, "See\n.Xr weir-%s 1 .\n", c->name);
    }
    buf_adds(out, ".El\n");
    buf_adds(out,
             ".Sh ENVIRONMENT\n.Bl -tag -width Ds\n.It Ev NO_COLOR\n"
             "When set and not empty, no colours are used.\n.It Ev WEIR_LOG\nHow much "
             "processes log:\nerror, warn, info (the default) or debug.\n.El\n"
             ".Sh FILES\n.Bl -tag -width Ds\n.It Pa weir.yml\nThe platform.\n"
             ".It Pa .weir/\nThe state folder: bus, warehouse, state, logs.\n.El\n");
    add_exit(out);
    buf_adds(out, ".Sh EXAMPLES\nA small project that runs:\n"
                  ".Dl weir init shop && cd shop && weir build\n.Pp\n"
                  "Everything from the sources to the last table, once:\n"
                  ".Dl weir up --once\n.Pp\n"
                  "The same platform, kept running, and the console on it:\n"
                  ".Dl weir up --detach && weir console\n"
                  ".Sh SEE ALSO\n.Xr weir-plugin 3 ,\n.Xr weir-theme 5 ,\n"
                  ".Xr weir.yml 5 ,\n.Xr weir-models 7\n");
    return out->failed;
}

/* A closing bracket at a word's end would be taken for punctuation. */
static void add_operands(struct buf *out, const char *operands)
{
    buf_adds(out, ".Ar ");
    for (const char *p = operands; *p; p++) {
        buf_addc(out, *p);
        if (*p == ']' && (p[1] == ' ' || !p[1]))
            buf_adds(out, "\\&");
    }
    buf_addc(out, '\n');
}

int cmd_write_man(const struct cmd *cmd, struct buf *out)
{
    if (!cmd)
        return man_weir(out);
    char title[64] = "weir-";
    size_t n = strlen(title);
    str_copy(title + n, sizeof title - n, cmd->name);
    add_head(out, title, title, cmd->summary);
    buf_addf(out, ".Sh SYNOPSIS\n.Nm weir %s\n", cmd->name);
    for (const struct cmd_opt *o = cmd->opts; o && o->name; o++)
        buf_addf(out, ".Op Fl \\-%s%s%s\n", o->name, o->arg ? " Ar " : "",
                 o->arg ? o->arg : "");
    if (cmd->operands && *cmd->operands)
        add_operands(out, cmd->operands);
    buf_adds(out, ".Sh DESCRIPTION\n");
    mdoc_add_text(out, cmd->doc && *cmd->doc ? cmd->doc : cmd->summary);
    if (cmd->opts && cmd->opts->name) {
        buf_adds(out, ".Pp\nThe options are:\n");
        add_options(out, cmd->opts);
    }
    buf_adds(out, ".Pp\nThe options that every command takes are described in\n"
                  ".Xr weir 1 .\n");
    add_exit(out);
    add_examples(out, cmd);
    buf_adds(out, ".Sh SEE ALSO\n.Xr weir 1 ,\n.Xr weir.yml 5\n");
    return out->failed;
}
