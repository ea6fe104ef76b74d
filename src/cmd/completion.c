/* The bash completion, made from the rows: commands, options, and the words that some
 * options and operands are. Pure text. */
#include <string.h>

#include "base/str.h"
#include "cmd/cmd.h"

static void add_options(struct buf *out, const struct cmd_opt *opts)
{
    for (const struct cmd_opt *o = opts; o && o->name; o++) {
        buf_addf(out, " --%s", o->name);
        if (o->letter)
            buf_addf(out, " -%c", o->letter);
    }
}

static void add_commands(struct buf *out, const char *separator)
{
    size_t n = 0;
    for (size_t i = 0; i < cmd_count(); i++)
        if (!(cmd_at(i)->flags & CMD_HIDDEN))
            buf_addf(out, "%s%s", n++ ? separator : "", cmd_at(i)->name);
}

/* Words among the operands: check, show and schema of "check|show|schema", ls and tail
 * of "[ls | tail NAME]". Names in capitals stand for something else. */
static void add_operands(struct buf *out, const char *operands)
{
    const char *p = operands && strchr(operands, '|') ? operands : "";
    if (operands && strstr(operands, "COMMAND"))
        add_commands(out, " ");
    if (operands && (strstr(operands, "SELECTOR") || strstr(operands, "NODE")))
        buf_adds(out, "$(_weir_nodes)");
    while (*p) {
        p += strspn(p, "[| ");
        size_t n = strspn(p, "abcdefghijklmnopqrstuvwxyz-");
        if (n && strchr(" |]", p[n])) {
            buf_addc(out, ' ');
            buf_add(out, p, n);
        }
        p += strcspn(p, "|");
    }
}

static const char head[] =
    "# bash completion of weir, made by `weir completion`\n"
    "_weir_nodes()\n{\n"
    "    \"${COMP_WORDS[0]}\" ls -o name 2>/dev/null\n}\n"
    "_weir()\n{\n"
    "    local cur=\"${COMP_WORDS[COMP_CWORD]}\" prev=\"${COMP_WORDS[COMP_CWORD-1]}\"\n"
    "    local word command=\"\" i\n"
    "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
    "        word=\"${COMP_WORDS[i]}\"\n"
    "        case \"$word\" in\n        ";

static const char values[] =
    ") command=\"$word\"; break ;;\n        esac\n    done\n"
    "    case \"$prev\" in\n"
    "    --project-dir|--state-dir) COMPREPLY=($(compgen -d -- \"$cur\")); return ;;\n"
    "    -o|--output) COMPREPLY=($(compgen -W \"text json csv\" -- \"$cur\")); return "
    ";;\n"
    "    -s|--select|--exclude) COMPREPLY=($(compgen -W \"$(_weir_nodes)\" -- "
    "\"$cur\"));"
    " return ;;\n    esac\n"
    "    local global=\"";

int cmd_write_completion(struct buf *out)
{
    buf_adds(out, head);
    add_commands(out, "|");
    buf_adds(out, values);
    add_options(out, cmd_global_opts);
    buf_adds(out, "\"\n    case \"$command\" in\n");
    for (size_t i = 0; i < cmd_count(); i++) {
        const struct cmd *c = cmd_at(i);
        if (c->flags & CMD_HIDDEN)
            continue;
        buf_addf(out, "    %s) COMPREPLY=($(compgen -W \"", c->name);
        add_operands(out, c->operands);
        add_options(out, c->opts);
        if (c->flags & CMD_DBT)
            add_options(out, cmd_dbt_opts);
        buf_adds(out, " $global\" -- \"$cur\")) ;;\n");
    }
    buf_adds(out, "    *) COMPREPLY=($(compgen -W \"");
    add_commands(out, " ");
    buf_adds(out, " $global\" -- \"$cur\")) ;;\n    esac\n}\n"
                  "complete -o default -F _weir weir\n");
    return out->failed;
}
