/* `weir --help` and `weir COMMAND --help`, made from the rows. Pure text. */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cmd/cmd.h"

#define HELP_WIDTH    80
#define EXAMPLE_WIDTH 46 /* of a line that has its comment behind it */
#define NO_EFFECT     "Taken for dbt's sake"

static const struct cmd_example examples[] = {
#define X(cmd, line, what) {#cmd, line, what},
#include "cmd/examples.list"
#undef X
};

/* C names have no dashes. */
static bool is_name(const char *c_name, const char *name)
{
    for (; *c_name && *name; c_name++, name++)
        if (*c_name != *name && !(*c_name == '_' && *name == '-'))
            return false;
    return *c_name == *name;
}

const struct cmd_example *cmd_example(const struct cmd *cmd, size_t i)
{
    for (size_t k = 0; k < sizeof examples / sizeof *examples; k++)
        if (is_name(examples[k].cmd, cmd->name) && i-- == 0)
            return &examples[k];
    return NULL;
}

static void add_examples(struct buf *out, const struct cmd *cmd)
{
    const struct cmd_example *x;
    for (size_t i = 0; (x = cmd_example(cmd, i)); i++) {
        int n = (int)strlen(x->line) + 2;
        bool is_long =
            n >= EXAMPLE_WIDTH || EXAMPLE_WIDTH + 2 + strlen(x->what) > HELP_WIDTH;
        if (i == 0)
            buf_adds(out, "\nexamples:\n");
        if (is_long)
            buf_addf(out, "  %s\n      # %s\n", x->line, x->what);
        else
            buf_addf(out, "  %s%*s# %s\n", x->line, EXAMPLE_WIDTH - n, "", x->what);
    }
}

/* Words of text in lines of at most HELP_WIDTH, each behind indent spaces; the first
 * line begins at column at. */
static void add_wrapped(struct buf *out, const char *text, int indent, int at)
{
    int column = at;
    while (*text) {
        size_t n = strcspn(text, " \n");
        bool is_first = column <= indent;
        if (column > indent && column + 1 + (int)n > HELP_WIDTH) {
            buf_addf(out, "\n%*s", indent, "");
            column = indent;
            is_first = true;
        }
        if (!is_first) {
            buf_addc(out, ' ');
            column++;
        }
        buf_add(out, text, n);
        column += (int)n;
        text += n;
        if (text[0] == '\n' && text[1] == '\n') {
            buf_addf(out, "\n\n%*s", indent, "");
            column = indent;
        }
        text += strspn(text, " \n");
    }
    buf_addc(out, '\n');
}

static void add_option(struct buf *out, const struct cmd_opt *o, int column)
{
    char left[96];
    char letter[8] = "    ";
    if (o->letter)
        snprintf(letter, sizeof letter, "-%c, ", o->letter);
    int n = snprintf(left, sizeof left, "  %s--%s%s%s", letter, o->name,
                     o->arg ? " " : "", o->arg ? o->arg : "");
    buf_adds(out, left);
    if (n >= column) {
        buf_addf(out, "\n%*s", column, "");
        n = column;
    } else {
        buf_addf(out, "%*s", column - n, "");
    }
    char doc[600];
    snprintf(doc, sizeof doc, "%s%s%s%s%s", o->doc,
             o->type == OPT_LIST ? " Repeatable." : "", o->env ? " ($" : "",
             o->env ? o->env : "", o->env ? ")" : "");
    add_wrapped(out, doc, column, column);
}

static int option_column(const struct cmd_opt *opts)
{
    int widest = 12;
    for (const struct cmd_opt *o = opts; o && o->name; o++) {
        int n = 8 + (int)strlen(o->name) + (o->arg ? 1 + (int)strlen(o->arg) : 0);
        if (n > widest && n <= 28)
            widest = n;
    }
    return widest + 2;
}

/* Headings over the list of commands: the first command of each. */
static const struct {
    const char *first, *title;
} groups[] = {
    {"init", "the platform"},
    {"build", "the models"},
    {"runs", "what there is and what happened"},
    {"conf", "weir itself"},
};

static void add_group(struct buf *out, const char *command)
{
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        if (streq(groups[i].first, command))
            buf_addf(out, " %s\n", groups[i].title);
}

static int help_weir(struct buf *out)
{
    buf_adds(out,
             "weir: run a retail data platform from source to gold, and watch it\n\n"
             "usage: weir [OPTION]... COMMAND [ARGUMENT]...\n\ncommands:\n");
    for (size_t i = 0; i < cmd_count(); i++) {
        const struct cmd *c = cmd_at(i);
        if (c->flags & CMD_HIDDEN)
            continue;
        add_group(out, c->name);
        buf_addf(out, "  %-14s ", c->name);
        add_wrapped(out, c->summary, 17, 17);
    }
    buf_adds(out, "\noptions of every command:\n");
    int column = option_column(cmd_global_opts);
    for (const struct cmd_opt *o = cmd_global_opts; o->name; o++)
        add_option(out, o, column);
    buf_adds(
        out,
        "\nexit status: 0 ok, 1 failed, 2 usage or configuration, 3 nothing to do,\n"
        "4 unavailable or locked, 5 blocked by a gate, 130 interrupted\n\n"
        "`weir COMMAND --help` explains a command, `man weir.yml` the settings.\n");
    return out->failed;
}

static void add_usage(struct buf *out, const struct cmd *cmd)
{
    char text[300];
    bool has_opts = cmd->opts && cmd->opts->name;
    int indent = (int)strlen(cmd->name) + 13;
    snprintf(text, sizeof text, "%s%s%s", has_opts ? "[OPTION]..." : "",
             has_opts && cmd->operands && *cmd->operands ? " " : "",
             cmd->operands ? cmd->operands : "");
    buf_addf(out, "\nusage: weir %s%s", cmd->name, *text ? " " : "");
    add_wrapped(out, text, indent, indent);
}

/* Those that change nothing are only named. */
static void add_dbt_options(struct buf *out)
{
    struct buf idle;
    int column = option_column(cmd_dbt_opts);
    buf_init(&idle, 65536);
    buf_adds(out, "\noptions of dbt, on every command of the models project (each "
                  "boolean also\nas --no-NAME, and in flags: of dbt_project.yml):\n");
    for (const struct cmd_opt *o = cmd_dbt_opts; o->name; o++)
        if (str_starts(o->doc, NO_EFFECT))
            buf_addf(&idle, " --%s", o->name);
        else
            add_option(out, o, column);
    if (idle.len) {
        buf_adds(out, "  Taken for dbt's sake, without effect:\n      ");
        add_wrapped(out, buf_str(&idle) + 1, 6, 6);
    }
    buf_release(&idle);
}

int cmd_write_help(const struct cmd *cmd, struct buf *out)
{
    if (!cmd)
        return help_weir(out);
    bool has_opts = cmd->opts && cmd->opts->name;
    buf_addf(out, "weir %s:", cmd->name);
    add_wrapped(out, cmd->summary, 0, (int)strlen(cmd->name) + 6);
    add_usage(out, cmd);
    if (cmd->doc && *cmd->doc) {
        buf_addc(out, '\n');
        add_wrapped(out, cmd->doc, 0, 0);
    }
    if (has_opts)
        buf_adds(out, "\noptions:\n");
    int column = option_column(cmd->opts);
    for (const struct cmd_opt *o = cmd->opts; o && o->name; o++)
        add_option(out, o, column);
    if (cmd->flags & CMD_DBT)
        add_dbt_options(out);
    add_examples(out, cmd);
    buf_adds(out, "\n`weir --help` lists the options of every command.\n");
    return out->failed;
}
