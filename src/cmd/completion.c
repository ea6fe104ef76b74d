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

/* Operands such as "check|show|schema" are words to offer. */
static void add_operands(struct buf *out, const char *operands)
{
    if (!operands || !strchr(operands, '|') || operands[strcspn(operands, "[< .")])
        return;
    for (const char *p = operands; *p; p++) {
        if (p == operands)
            buf_addc(out, ' ');
        buf_addc(out, *p == '|' ? ' ' : *p);
    }
}

int cmd_write_completion(struct buf *out)
{
    buf_adds(out, "# bash completion of weir, made by `weir completion`\n"
                  "_weir()\n{\n"
                  "    local cur=\"${COMP_WORDS[COMP_CWORD]}\" "
                  "prev=\"${COMP_WORDS[COMP_CWORD-1]}\"\n"
                  "    local word command=\"\" i\n"
                  "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
                  "        word=\"${COMP_WORDS[i]}\"\n"
                  "        case \"$word\" in\n        ");
    size_t n = 0;
    for (size_t i = 0; i < cmd_count(); i++)
        if (!(cmd_at(i)->flags & CMD_HIDDEN))
            buf_addf(out, "%s%s", n++ ? "|" : "", cmd_at(i)->name);
    buf_adds(
        out,
        ") command=\"$word\"; break ;;\n        esac\n    done\n"
        "    case \"$prev\" in\n"
        "    --project-dir|--state-dir) COMPREPLY=($(compgen -d -- \"$cur\")); "
        "return ;;\n"
        "    -o|--output) COMPREPLY=($(compgen -W \"text json csv\" -- \"$cur\")); "
        "return ;;\n    esac\n"
        "    local global=\"");
    add_options(out, cmd_global_opts);
    buf_adds(out, "\"\n    case \"$command\" in\n");
    for (size_t i = 0; i < cmd_count(); i++) {
        const struct cmd *c = cmd_at(i);
        if (c->flags & CMD_HIDDEN)
            continue;
        buf_addf(out, "    %s) COMPREPLY=($(compgen -W \"", c->name);
        add_operands(out, c->operands);
        add_options(out, c->opts);
        buf_adds(out, " $global\" -- \"$cur\")) ;;\n");
    }
    buf_adds(out, "    *) COMPREPLY=($(compgen -W \"");
    for (size_t i = 0; i < cmd_count(); i++)
        if (!(cmd_at(i)->flags & CMD_HIDDEN))
            buf_addf(out, "%s ", cmd_at(i)->name);
    buf_adds(out, "$global\" -- \"$cur\")) ;;\n    esac\n}\n"
                  "complete -o default -F _weir weir\n");
    return out->failed;
}
